/* A NAT with port mapping services, its LAN with two hosts, each 500 us from the switch, and the Internet as a
 * probe. */
#ifndef HP_TESTS_ACTORS_GATEWAY_LAN_H
#define HP_TESTS_ACTORS_GATEWAY_LAN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/gateway.h"
#include "actors/port_client.h"
#include "engines/pcp_leases.h"
#include "seam/seam.h"
#include "wire/hex.h"
#include "world/link.h"
#include "world/probe.h"
#include "world/router.h"
#include "world/tcp.h"

#define GATEWAY_IP "192.168.1.1"
#define ALICE_IP "192.168.1.10"
#define CAROL_IP "192.168.1.11"
#define EXTERNAL_IP "192.0.2.1"
#define GATEWAY_IP6 "fd00:1::1"
#define ALICE_IP6 "fd00:1::10"
#define EXTERNAL_IP6 "2001:db8::1"

typedef struct lan {
    hp_trace *trace;
    hp_world *world;
    hp_nat_config nat_config;
    hp_port_mapping_config config;
    hp_nat *nat;
    hp_gateway *gateway;
    hp_router *lan_switch;
    unsigned n_ports;
    hp_host *alice, *carol;
    probe *internet;
    unsigned seen; /* of the internet's hits */
    hp_trace_cursor cursor;
    GPtrArray *clients; /* of hp_port_client */
    char text[HP_ADDR_TEXT];
} lan;

static inline void lan_attach(lan *l, hp_node *node, unsigned node_port, const char *name, const char *const *addresses)
{
    const hp_link_config link = {.delay_ns = 250 * HP_US};
    unsigned port = l->n_ports++;
    g_autofree char *up = g_strdup_printf("%s>lan", name), *down = g_strdup_printf("lan>%s", name);
    hp_link *out = hp_link_new(l->world, up, &link), *in = hp_link_new(l->world, down, &link);
    hp_node_connect(node, node_port, hp_link_node(out), 0);
    hp_node_connect(hp_link_node(out), 0, hp_router_node(l->lan_switch), port);
    hp_node_connect(hp_router_node(l->lan_switch), port, hp_link_node(in), 0);
    hp_node_connect(hp_link_node(in), 0, node, node_port);
    for (; *addresses != NULL; addresses++) {
        hp_prefix route;
        assert_true(hp_prefix_parse(*addresses, &route));
        hp_router_add_route(l->lan_switch, &route, port);
    }
}

static inline hp_host *lan_add_host(lan *l, const char *name, const char *const *addresses)
{
    hp_host *host = hp_host_new(l->world, name);
    unsigned interface = hp_host_add_interface(host, NULL, 0);
    for (const char *const *a = addresses; *a != NULL; a++) {
        hp_addr ip = addr(*a);
        hp_host_add_address(host, interface, &ip);
    }
    lan_attach(l, hp_host_node(host), interface, name, addresses);
    return host;
}

static inline void lan_start(lan *l)
{
    static const char *const gateway[] = {GATEWAY_IP, GATEWAY_IP6, NULL}, *const alice[] = {ALICE_IP, ALICE_IP6, NULL},
                             *const carol[] = {CAROL_IP, NULL};
    g_autoptr(GError) error = NULL;
    hp_addr external[] = {addr(EXTERNAL_IP), addr(EXTERNAL_IP6)}, inside[] = {addr(GATEWAY_IP), addr(GATEWAY_IP6)};
    const char *const networks[] = {"192.168.1.0/24", "fd00:1::/64"};
    l->nat = hp_nat_new(l->world, "home", &l->nat_config);
    hp_nat_set_external(l->nat, external, 2);
    l->lan_switch = hp_router_new(l->world, "lan", &(hp_router_config){.multicast = true});
    for (unsigned i = 0; i < 2; i++) {
        hp_prefix prefix;
        assert_true(hp_prefix_parse(networks[i], &prefix));
        hp_nat_set_internal(l->nat, &inside[i]);
        hp_nat_add_inside_prefix(l->nat, &prefix);
    }
    lan_attach(l, hp_nat_node(l->nat), HP_NAT_INSIDE, "gateway", gateway);
    hp_router_set_default(l->lan_switch, 0);
    l->alice = lan_add_host(l, "alice", alice);
    l->carol = lan_add_host(l, "carol", carol);
    l->internet = probe_new(l->world, "internet");
    hp_node_connect(hp_nat_node(l->nat), HP_NAT_OUTSIDE, &l->internet->node, 0);
    l->gateway = hp_gateway_new(l->world, l->nat, "home", inside, 2, &l->config, &error);
    assert_null(error);
    assert_non_null(l->gateway);
}

static inline int lan_setup(void **state)
{
    lan *l = g_new0(lan, 1);
    l->trace = hp_trace_new_sized(64 << 20, NULL);
    l->world = hp_world_new(1, l->trace);
    l->clients = g_ptr_array_new_with_free_func((GDestroyNotify)hp_port_client_free);
    l->nat_config = hp_nat_config_default();
    l->nat_config.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    l->nat_config.ports = HP_NAT_PORTS_SEQUENTIAL;
    l->config = (hp_port_mapping_config){.nat_pmp = true, .pcp = true, .upnp = true};
    *state = l;
    return 0;
}

static inline int lan_teardown(void **state)
{
    lan *l = *state;
    g_ptr_array_unref(l->clients);
    hp_gateway_free(l->gateway);
    hp_world_free(l->world);
    hp_trace_free(l->trace);
    g_free(l);
    return 0;
}

static inline void lan_until(lan *l, hp_time t)
{
    assert_true(hp_world_run_until(l->world, t, NULL));
}

/* An outsider's datagram; where it came in, or "-". */
static inline const char *lan_from_outside(lan *l, const char *from, const char *to)
{
    hp_addr src = addr(from), dst = addr(to);
    hp_packet *p = hp_packet_new(HP_PROTO_UDP, &src, &dst, "knock", 5);
    p->uid = hp_world_new_uid(l->world);
    uint64_t before = hp_nat_get_stats(l->nat).in_packets;
    hp_nat_node(l->nat)->ops->receive(hp_nat_node(l->nat), HP_NAT_OUTSIDE, p);
    return hp_nat_get_stats(l->nat).in_packets > before ? "in" : "-";
}

/* The next event of that kind, its fields by name; false without one. */
static inline bool lan_next(lan *l, hp_event_kind kind, hp_record *ret)
{
    hp_record record;
    while (hp_trace_next(l->trace, &l->cursor, &record)) {
        if (record.type == HP_RECORD_EVENT && record.event.kind == kind) {
            *ret = record;
            return true;
        }
    }
    return false;
}

#endif
