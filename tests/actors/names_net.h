/* A network for tests of names: hosts with any addresses, each 5 ms from a switch that floods multicast; events as
 * text. */
#ifndef TESTS_ACTORS_NAMES_NET_H
#define TESTS_ACTORS_NAMES_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/host.h"
#include "world/link.h"
#include "world/router.h"
#include "world/tcp.h"

typedef struct net {
    hp_trace *trace;
    hp_world *world;
    hp_router *core;
    unsigned n_hosts;
} net;

static inline hp_addr net_addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static inline net *net_new(void)
{
    net *n = g_new0(net, 1);
    n->trace = hp_trace_new_sized(16 << 20, NULL);
    n->world = hp_world_new(1, n->trace);
    n->core = hp_router_new(n->world, "core", &(hp_router_config){.multicast = true});
    return n;
}

static inline void net_free(net *n)
{
    hp_world_free(n->world);
    hp_trace_free(n->trace);
    g_free(n);
}

/* second may be NULL. */
static inline hp_host *net_add(net *n, const char *name, const char *first, const char *second)
{
    const hp_link_config link = {.delay_ns = 5 * HP_MS};
    const char *const texts[] = {first, second};
    hp_host *host = hp_host_new(n->world, name);
    unsigned interface = hp_host_add_interface(host, NULL, 0), port = n->n_hosts++;
    hp_link *out = hp_link_new(n->world, name, &link);
    hp_node_connect(hp_host_node(host), interface, hp_link_node(out), 0);
    hp_node_connect(hp_link_node(out), 0, hp_router_node(n->core), port);
    hp_node_connect(hp_router_node(n->core), port, hp_host_node(host), interface);
    for (unsigned i = 0; i < 2 && texts[i] != NULL; i++) {
        hp_addr a = net_addr(texts[i]);
        hp_prefix route;
        assert_true(hp_prefix_parse(texts[i], &route));
        hp_host_add_address(host, interface, &a);
        hp_router_add_route(n->core, &route, port);
    }
    return host;
}

static inline void net_run(net *n, hp_time until)
{
    g_autoptr(GError) error = NULL;
    assert_true(hp_world_run_until(n->world, until, &error));
    assert_null(error);
}

/* The nth event of that kind (from 1), or false. */
static inline bool net_event(const net *n, hp_event_kind kind, unsigned nth, hp_record *ret)
{
    hp_trace_cursor cursor = {0};
    while (hp_trace_next(n->trace, &cursor, ret)) {
        if (ret->type == HP_RECORD_EVENT && ret->event.kind == kind && --nth == 0) {
            return true;
        }
    }
    return false;
}

static inline unsigned net_count(const net *n, hp_event_kind kind)
{
    hp_record r;
    unsigned count = 0;
    while (net_event(n, kind, count + 1, &r)) {
        count++;
    }
    return count;
}

/* Packets that a tap saw leave. */
static inline unsigned net_sent(const net *n, const char *tap, uint8_t proto)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned count = 0;
    while (hp_trace_next(n->trace, &cursor, &r)) {
        count += r.type == HP_RECORD_PACKET && r.packet.dir == HP_DIR_OUT && r.packet.proto == proto &&
                 strcmp(hp_trace_tap_name(n->trace, r.packet.tap), tap) == 0;
    }
    return count;
}

#endif
