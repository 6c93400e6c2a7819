/* Private to run/: a plan built up in a world, and what steps may do to it. */
#ifndef HP_RUN_RIG_H
#define HP_RUN_RIG_H

#include "actors/dns_service.h"
#include "actors/gateway.h"
#include "actors/peer.h"
#include "actors/raw_peer.h"
#include "actors/server.h"
#include "actors/signaling.h"
#include "live/kernel_router.h"
#include "plan/plan.h"
#include "world/firewall.h"
#include "world/host.h"
#include "world/link.h"
#include "world/nat.h"
#include "world/router.h"
#include "world/rules.h"

/* One attachment: a host's interface or a NAT's outside, and the links between it and its zone's router.
 *
 *   node -- up --> crossing --> router -- down --> node
 *
 * `up` and `down` are the attachment's own access link and are left out where they would be ideal wires for the whole
 * run; `crossing` is the zone's and always there, so that no packet is handed on within the step that sent it. */
typedef struct hp_rig_attachment {
    const hp_plan_attachment *plan;
    unsigned zone, router_port;
    hp_node *node; /* the host, the NAT or the firewall, and its port */
    unsigned node_port;
    hp_link *up, *crossing, *down;
    hp_addr *addresses, *spare; /* current ones; owned */
    unsigned n_addresses;
} hp_rig_attachment;

/* The inside of a NAT or a firewall, by which its zone has its default route. */
typedef struct hp_rig_inside {
    unsigned zone, router_port;
    hp_node *node;
    unsigned node_port;
    hp_link *crossing;
} hp_rig_inside;

typedef struct hp_rig_zone {
    hp_router *router;
    unsigned n_ports;
    GPtrArray *crossings; /* of hp_link, borrowed: every link into this zone */
} hp_rig_zone;

typedef struct hp_rig {
    const hp_plan *plan;
    bool hosts_alone; /* nothing runs on hosts: servers, dns, peers, raw_peers hold NULL, signaling and hub are NULL */
    hp_world *world;
    hp_rig_zone *zones;
    hp_nat **nats; /* NULL: a kernel's */
    hp_kernel_router **kernel_nats; /* by NAT; NULL: a simulated one */
    hp_firewall **firewalls; /* with a zone of their own */
    hp_firewall **nat_firewalls, **server_firewalls; /* NULL where there is none */
    hp_firewall ***peer_firewalls; /* by peer, by interface; likewise */
    hp_rules **middleboxes; /* as the plan's */
    GPtrArray *filters; /* compiled pcap filters of rules */
    hp_gateway **gateways; /* by NAT; NULL where no port can be asked for */
    hp_host **server_hosts, **peer_hosts;
    hp_server **servers; /* NULL: a DNS server */
    hp_dns_service **dns; /* by server; NULL: another one */
    hp_peer **peers; /* NULL: a raw one */
    hp_raw_peer **raw_peers; /* NULL: an agent */
    hp_signaling *signaling;
    hp_media_hub *hub;
    hp_rig_attachment *nat_outsides, *server_attachments, *firewall_outsides;
    hp_rig_inside *nat_insides, *firewall_insides;
    hp_rig_attachment **peer_attachments; /* by peer, by interface */
} hp_rig;

hp_rig *hp_rig_new(const hp_plan *plan, hp_trace *trace, GError **error);
/* The network and its hosts, and nothing that runs on them: that is elsewhere. */
hp_rig *hp_rig_new_of_hosts(const hp_plan *plan, hp_trace *trace, GError **error);
void hp_rig_free(hp_rig *rig);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_rig, hp_rig_free)

/* The raw peer of that index, on its host, which is there (rig_raw.c). */
hp_raw_peer *hp_rig_raw_peer_new(hp_rig *rig, unsigned i);
/* rig_kernel_nat.c: the kernels' NATs, in the live world once everything else is there, and before the loop goes. False
 * and HP_ERROR_ENVIRONMENT saying what is missing. */
bool hp_rig_open_kernel_nats(hp_rig *rig, hp_loop *loop, GError **error);
void hp_rig_close_kernel_nats(hp_rig *rig);
/* rig_gateways.c: the services on a NAT's inside addresses, if it has any. */
bool hp_rig_build_gateway(hp_rig *rig, unsigned nat, GError **error);
/* New outside addresses; none given: the plan's spare ones, which then change places with the present ones. */
void hp_rig_renumber(hp_rig *rig, unsigned nat, const hp_addr *addresses, unsigned n);
/* New addresses for a server, as above. It starts anew, and every DNS server that knows its name by itself tells them
 * from now on. */
void hp_rig_renumber_server(hp_rig *rig, unsigned server, const hp_addr *addresses, unsigned n);
/* Its host's addresses and the routes to them alone. */
void hp_rig_readdress_server(hp_rig *rig, unsigned server, const hp_addr *addresses, unsigned n);
void hp_rig_stop_server(hp_rig *rig, unsigned server);
void hp_rig_start_server(hp_rig *rig, unsigned server);
/* Carries out a set-dns step. */
void hp_rig_set_dns(hp_rig *rig, const hp_step *step);
/* All mappings of a NAT, its gateway's leases, and all flows of its firewall; or those of a firewall with a zone. */
void hp_rig_reboot(hp_rig *rig, const char *name);
/* Applies what a set-firewall step says. */
void hp_rig_set_firewall(hp_rig *rig, const hp_step *step);
/* Switches the scenario's rule of that index, wherever it stands. */
void hp_rig_switch_rule(hp_rig *rig, unsigned rule, bool on);
/* Switches the rules that begin or end with the step of that index. */
void hp_rig_pass_step(hp_rig *rig, unsigned step);
/* The end of the run: traces what the rules counted. */
void hp_rig_finish(hp_rig *rig);
/* Applies config to the links that a set-link step speaks of. */
void hp_rig_set_link(hp_rig *rig, const hp_step *step);

#endif
