/* A NAT between simulated hosts, driven in real time: a kernel's, or the preset that says what a kernel's does. Every
 * story is told of both.
 *
 *   alice 192.168.1.2, fd00::2 --+-- NAT 198.18.0.1, 2001:db8:1::1 -- router --+-- bob   203.0.113.1, 2001:db8:2::1
 *   carol 192.168.1.3, fd00::3 --+                                            +-- dave  203.0.113.2, 2001:db8:2::2
 */
#ifndef HP_TESTS_LIVE_KERNEL_NET_H
#define HP_TESTS_LIVE_KERNEL_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "live/kernel_router.h"
#include "live/rights.h"
#include "world/host.h"
#include "world/nat.h"
#include "world/router.h"

#define PATIENCE (20 * HP_S)

enum { ALICE, CAROL, BOB, DAVE, HOSTS };

typedef struct arrival {
    hp_addr from, to;
    char text[40];
    uint8_t ttl;
} arrival;

typedef struct kernel_net {
    hp_trace *trace;
    hp_world *world;
    hp_live_clock *clock;
    hp_loop *loop;
    hp_router *inside, *outside;
    hp_kernel_router *kernel; /* or */
    hp_nat *nat;
    hp_host *hosts[HOSTS];
    GArray *arrivals[HOSTS]; /* of arrival */
    unsigned errors[HOSTS]; /* ICMP errors that reached a socket */
} kernel_net;

static inline hp_addr at(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static inline hp_prefix prefix(const char *text)
{
    hp_prefix p;
    assert_true(hp_prefix_parse(text, &p));
    return p;
}

static inline void no_error(const GError *error)
{
    if (error != NULL) {
        fail_msg("%s", error->message);
    }
}

/* Says why, where there can be no kernel's NAT; the caller skips. */
static inline bool kernel_is_possible(void)
{
    hp_rights rights;
    hp_rights_find(&rights);
    bool ok = rights.root && hp_rights_suffice(&rights) && rights.nftables;
    if (!ok) {
        print_message("skipped: %s\n", rights.missing[0] != '\0' ? rights.missing : "no nftables here");
    }
    return ok;
}

static inline void join(hp_node *a, unsigned a_port, hp_node *b, unsigned b_port)
{
    hp_node_connect(a, a_port, b, b_port);
    hp_node_connect(b, b_port, a, a_port);
}

static inline void set_addresses(kernel_net *n, const hp_addr *external, const hp_addr *internal, const hp_prefix *lan)
{
    if (n->kernel != NULL) {
        hp_kernel_router_set_external(n->kernel, external, 2);
        hp_kernel_router_set_internal(n->kernel, &internal[0]);
        hp_kernel_router_set_internal(n->kernel, &internal[1]);
        hp_kernel_router_add_inside_prefix(n->kernel, &lan[0]);
        hp_kernel_router_add_inside_prefix(n->kernel, &lan[1]);
    } else {
        hp_nat_set_external(n->nat, external, 2);
        hp_nat_set_internal(n->nat, &internal[0]);
        hp_nat_set_internal(n->nat, &internal[1]);
        hp_nat_add_inside_prefix(n->nat, &lan[0]);
        hp_nat_add_inside_prefix(n->nat, &lan[1]);
    }
}

/* kind HP_KERNEL_NAT_NONE: a simulated NAT with these knobs. */
static inline kernel_net *kernel_net_new(hp_kernel_nat kind, const hp_nat_config *knobs)
{
    static const char *const names[HOSTS] = {"alice", "carol", "bob", "dave"};
    static const char *const ipv4[HOSTS] = {"192.168.1.2", "192.168.1.3", "203.0.113.1", "203.0.113.2"};
    static const char *const ipv6[HOSTS] = {"fd00::2", "fd00::3", "2001:db8:2::1", "2001:db8:2::2"};
    GError *error = NULL;
    kernel_net *n = g_new0(kernel_net, 1);
    n->trace = hp_trace_new(&error);
    no_error(error);
    n->world = hp_world_new(1, n->trace);
    n->clock = hp_live_clock_new(&error);
    no_error(error);
    n->loop = hp_loop_new(n->world, n->clock, NULL, &error);
    no_error(error);
    n->inside = hp_router_new(n->world, "lan", &(hp_router_config){.hop = false});
    n->outside = hp_router_new(n->world, "internet", &(hp_router_config){.hop = true});
    if (kind != HP_KERNEL_NAT_NONE) {
        n->kernel = hp_kernel_router_new(n->world, "nat", kind, knobs);
    } else {
        n->nat = hp_nat_new(n->world, "nat", knobs);
    }
    hp_node *node = n->kernel != NULL ? hp_kernel_router_node(n->kernel) : hp_nat_node(n->nat);
    const hp_addr external[2] = {at("198.18.0.1"), at("2001:db8:1::1")},
                  internal[2] = {at("192.168.1.1"), at("fd00::1")};
    const hp_prefix lan[2] = {prefix("192.168.1.0/24"), prefix("fd00::/64")};
    set_addresses(n, external, internal, lan);
    join(node, HP_NAT_INSIDE, hp_router_node(n->inside), HOSTS);
    join(node, HP_NAT_OUTSIDE, hp_router_node(n->outside), HOSTS);
    hp_router_set_default(n->inside, HOSTS);
    hp_router_set_default(n->outside, HOSTS);
    for (unsigned i = 0; i < HOSTS; i++) {
        hp_router *router = i < BOB ? n->inside : n->outside;
        const hp_addr own[2] = {at(ipv4[i]), at(ipv6[i])};
        n->arrivals[i] = g_array_new(FALSE, TRUE, sizeof(arrival));
        n->hosts[i] = hp_host_new(n->world, names[i]);
        hp_host_add_interface(n->hosts[i], NULL, 0);
        join(hp_host_node(n->hosts[i]), 0, hp_router_node(router), i);
        for (unsigned k = 0; k < 2; k++) {
            hp_prefix to = {.base = own[k], .bits = k == 0 ? 32 : 128};
            hp_host_add_address(n->hosts[i], 0, &own[k]);
            hp_router_add_route(router, &to, i);
        }
    }
    if (n->kernel != NULL) {
        hp_kernel_router_open(n->kernel, n->loop, &error);
        no_error(error);
    }
    hp_live_clock_begin(n->clock);
    return n;
}

static inline void kernel_net_free(kernel_net *n)
{
    hp_kernel_router_close(n->kernel);
    for (unsigned i = 0; i < HOSTS; i++) {
        g_array_unref(n->arrivals[i]);
    }
    hp_loop_free(n->loop);
    hp_world_free(n->world);
    hp_trace_free(n->trace);
    hp_live_clock_free(n->clock);
    g_free(n);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kernel_net, kernel_net_free)

static inline unsigned host_of(const kernel_net *n, hp_socket *socket)
{
    unsigned i = 0;
    while (n->hosts[i] != hp_socket_host(socket)) {
        i++;
    }
    return i;
}

static inline void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    kernel_net *n = user;
    arrival a = {.from = d->from, .to = d->to, .ttl = d->ttl};
    memcpy(a.text, d->data, MIN(d->length, sizeof a.text - 1));
    g_array_append_val(n->arrivals[host_of(n, socket)], a);
}

static inline void on_error(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                            const hp_packet *error)
{
    kernel_net *n = user;
    n->errors[host_of(n, socket)]++;
}

static inline hp_socket *bind_socket(kernel_net *n, unsigned host, uint8_t family, uint16_t port)
{
    static const hp_socket_ops ops = {.datagram = on_datagram, .icmp = on_error};
    hp_addr addresses[2];
    assert_int_equal(hp_host_addresses(n->hosts[host], addresses, 2), 2);
    hp_addr local = hp_addr_with_port(addresses[family == HP_AF_IPV6], port);
    hp_socket *socket = hp_host_bind(n->hosts[host], &local, &ops, n, NULL);
    assert_non_null(socket);
    return socket;
}

/* Sends, and turns the loop until everything that follows from it has happened: packets take no time in this world, and
 * the kernel carries them on within the write, so that what is not there when nothing has happened for ten turns never comes. */
static inline void settle(kernel_net *n)
{
    GError *error = NULL;
    uint64_t before;
    unsigned quiet = 0;
    do {
        before = hp_trace_tail(n->trace).offset;
        hp_loop_turn(n->loop, HP_MS, &error);
        no_error(error);
        quiet = hp_trace_tail(n->trace).offset == before ? quiet + 1 : 0;
    } while (quiet < 10);
}

static inline void say(kernel_net *n, hp_socket *from, const hp_addr *to, const char *text)
{
    hp_loop_advance(n->loop);
    assert_true(hp_socket_send(from, to, text, strlen(text), NULL));
    settle(n);
}

/* The only thing that has arrived at the host since it was last looked at; NULL for nothing. */
static inline const arrival *arrived(kernel_net *n, unsigned host)
{
    static arrival last;
    if (n->arrivals[host]->len == 0) {
        return NULL;
    }
    assert_int_equal(n->arrivals[host]->len, 1);
    last = g_array_index(n->arrivals[host], arrival, 0);
    g_array_set_size(n->arrivals[host], 0);
    return &last;
}

static inline bool has_field(const hp_record *r, const char *key, const char *value)
{
    hp_field field;
    for (unsigned i = 0; hp_record_field(r, i, &field); i++) {
        if (strcmp(field.key, key) == 0) {
            return field.type == 's' && strcmp(field.s, value) == 0;
        }
    }
    return false;
}

/* Events of that kind; with a key, those whose text there is that. */
static inline unsigned count_events(const kernel_net *n, hp_event_kind kind, const char *key, const char *value)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned count = 0;
    while (hp_trace_next(n->trace, &cursor, &r)) {
        count += r.type == HP_RECORD_EVENT && r.event.kind == kind && (key == NULL || has_field(&r, key, value));
    }
    return count;
}

#endif
