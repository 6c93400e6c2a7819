/* A plan: one case of a scenario with every name resolved to an index and every address assigned. Immutable.
 *
 * Zones are where interfaces attach: zone 0 is the Internet, then the plain LANs, then the inside of each NAT, then
 * that of each firewall, in the scenario's order. Addresses: servers 203.0.113.0/24, public peers 198.51.100.0/24, NAT
 * outsides 192.0.2.0/24, more of any of them from 198.18.0.0/15; behind firewalls 198.19.x.0/24; insides 192.168.x.0/24
 * (100.64.0.0/10 for a NAT that has NATs behind it); IPv6 from 2001:db8::/32 (fd00::/8 inside a NAT, unless it routes
 * IPv6). */
#ifndef HP_PLAN_PLAN_H
#define HP_PLAN_PLAN_H

#include <glib.h>

#include "base/addr.h"
#include "base/diag.h"
#include "scenario/model.h"
#include "trace/capture.h"

typedef struct hp_plan_zone {
    const char *name; /* "internet", a LAN's, a NAT's or a firewall's name */
    hp_prefix prefix4, prefix6; /* family none where the zone has none */
    hp_addr router4,
        router6; /* the gateway: a NAT's or firewall's inside address, on the Internet a router of its core; family none
                                 on a plain LAN */
    hp_link_config link; /* what a packet entering the zone passes */
    int nat; /* index of the NAT whose inside it is, or -1 */
    int firewall; /* the same of a firewall */
} hp_plan_zone;

/* What is attached to a zone: a host's interface or a NAT's outside. */
typedef struct hp_plan_attachment {
    unsigned zone;
    char *name; /* interface name, or NULL */
    char *tap; /* "alice", "alice/wifi" */
    hp_addr *addresses;
    unsigned n_addresses;
    hp_addr *spare; /* for renumber without addresses; as many as addresses */
    hp_sc_link link;
    uint32_t mtu;
    /* With a CLAT before it: the host's IPv4 address, which is not among the others as only the host knows it, the IPv6
     * address that stands for it, and the prefix of the NAT64 that it goes by. Family none without. */
    hp_addr clat4, clat6;
    hp_prefix clat_prefix;
    char *clat; /* the CLAT's name: "clat alice", "clat alice wifi" */
} hp_plan_attachment;

typedef struct hp_plan_nat {
    const hp_sc_nat *source;
    hp_plan_attachment outside;
    unsigned inside_zone;
    hp_prefix routed6; /* IPv6 prefix that its outside sends to it: the inside's own or what replaces that; or none */
} hp_plan_nat;

/* A firewall with a network of its own. Its outside has addresses for its ICMP errors alone: nobody is routed there. */
typedef struct hp_plan_firewall {
    const hp_sc_firewall_zone *source;
    hp_plan_attachment outside; /* without addresses */
    hp_addr outside4, outside6; /* family none where it has none */
    unsigned inside_zone;
} hp_plan_firewall;

typedef struct hp_plan_server {
    const hp_sc_server *source;
    hp_server_config config; /* shares strings with the source; redirect_addr resolved */
    hp_plan_attachment attachment;
    const char *dns_name; /* "turn.example" */
    hp_dns_config dns; /* of kind dns: hosts holds the scenario's, then the automatic ones */
    unsigned n_own_hosts; /* of dns.hosts: the scenario's */
} hp_plan_server;

typedef struct hp_plan_peer {
    const hp_sc_peer *source;
    hp_plan_attachment *interfaces;
    unsigned n_interfaces;
    int stun; /* index of a server, or -1 */
    int *turn; /* indices */
    unsigned n_turn;
    int *dns; /* indices; none: it knows the addresses of its servers */
    unsigned n_dns;
    hp_resolver_config resolver; /* with dns; servers: those that it can reach in a family it has */
    hp_capture *replay[HP_MEDIA_N_KINDS]; /* the recordings it sends; NULL: none. Shared by cases of one file */
} hp_plan_peer;

/* Where a middlebox of rules stands. */
typedef enum hp_place_kind {
    HP_PLACE_PEER, /* before the interface (`interface`) of a peer */
    HP_PLACE_SERVER,
    HP_PLACE_NAT, /* before its outside */
    HP_PLACE_NAT_INSIDE,
    HP_PLACE_FIREWALL,
    HP_PLACE_FIREWALL_INSIDE,
    HP_PLACE_ZONE, /* where every packet that crosses a LAN or the Internet passes */
} hp_place_kind;

typedef struct hp_plan_middlebox {
    hp_place_kind kind;
    unsigned index, interface; /* of the peer, server, NAT, firewall or zone */
    char *name; /* of its node: "rules alice" */
    unsigned *rules; /* indices into the scenario's, in its order */
    unsigned n_rules;
} hp_plan_middlebox;

typedef struct hp_plan {
    const hp_scenario *scenario; /* outlives the plan */
    char *case_name; /* "nat/symmetric-both", with a matrix "…[home.preset=symmetric]"; unique, fit for a folder */
    uint64_t seed;
    char *
        again; /* the command that runs this case again, where its file, seed and label do not say it; owned, or NULL */
    hp_plan_zone *zones;
    unsigned n_zones;
    hp_plan_nat *nats;
    unsigned n_nats;
    hp_plan_firewall *firewalls;
    unsigned n_firewalls;
    hp_plan_middlebox *middleboxes; /* one a place that rules name */
    unsigned n_middleboxes;
    hp_plan_server *servers;
    unsigned n_servers;
    hp_plan_peer *peers;
    unsigned n_peers;
    uint8_t worlds; /* HP_WORLD_*: those that can run it as far as the scenario itself tells; never 0 */
    char *no_virtual, *no_live; /* why not, a sentence without its full stop; NULL where it can */
} hp_plan;

/* A path of the scenario (`exec`, `page`, `root`, `replay`) as its folder makes it. Caller frees. */
char *hp_plan_path(const hp_plan *plan, const char *path);

/* Resolves; all problems go to diags with the scenario's marks. NULL when there was an error. case_name is copied. */
hp_plan *hp_plan_new(const hp_scenario *scenario, const char *case_name, uint64_t seed, hp_diags *diags);
void hp_plan_free(hp_plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_plan, hp_plan_free)

/* -1 when unknown. */
int hp_plan_find_peer(const hp_plan *plan, const char *name);
int hp_plan_find_nat(const hp_plan *plan, const char *name);
int hp_plan_find_server(const hp_plan *plan, const char *name);
int hp_plan_find_firewall(const hp_plan *plan, const char *name);
/* The zone beyond the NAT or firewall whose inside this one is; -1 when it is no inside. */
int hp_plan_zone_beyond(const hp_plan *plan, unsigned zone);
int hp_plan_find_zone(const hp_plan *plan, const char *name);
/* Whether a word may stand after `at:` in an expectation (node, tap, link), and all such words for suggestions. */
const char *const *hp_plan_places(const hp_plan *plan);
/* The step an `after:` refers to (label, then kind), or -1. */
int hp_plan_find_step(const hp_plan *plan, const char *label);

/* Whether this was said already: the cases of a matrix share most of their lines, and so their mistakes. */
bool hp_plan_is_told(const hp_diags *diags, hp_mark mark, const char *message);

/* What runs a peer or a server: "libnice", "raw", "chromium", "exec"; "builtin", "coturn", "web". */
const char *hp_plan_peer_program(const hp_plan_peer *peer);
const char *hp_plan_server_program(const hp_plan_server *server);
/* Whether it is a program that is not Hairpin's own. */
bool hp_plan_is_foreign(const hp_plan_peer *peer);

/* Whether that DNS server has the name from the plan, and not from what the scenario tells it. */
bool hp_plan_knows_by_itself(const hp_plan_server *dns, const char *name);

/* Lint: things that can never matter (plan/lint.c). Warnings, with marks. */
void hp_plan_lint(const hp_plan *plan, hp_diags *diags);
/* The same over all cases of one file (plan/lint_cases.c). */
void hp_plan_lint_cases(hp_plan *const *plans, unsigned n_plans, hp_diags *diags);

#endif
