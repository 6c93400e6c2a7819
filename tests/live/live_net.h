/* Two or more hosts in namespaces, a router between them in a world, and sockets of the kernel inside.
 *
 * Everything is in one process: the test makes a socket inside a namespace, and turns the loop until what it waits for
 * has happened. There is no other limit than PATIENCE, which only a broken program meets. */
#ifndef HP_TESTS_LIVE_LIVE_NET_H
#define HP_TESTS_LIVE_LIVE_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "live/device.h"
#include "live/rights.h"
#include "world/link.h"
#include "world/router.h"

#define PATIENCE (20 * HP_S)

enum { LIVE_HOSTS = 2 };

typedef struct live_host {
    hp_netns *ns;
    hp_device *device;
    hp_host *host;
} live_host;

typedef struct live_net {
    hp_trace *trace;
    hp_world *world;
    hp_live_clock *clock;
    hp_loop *loop;
    hp_router *router;
    hp_link *links[LIVE_HOSTS][2]; /* to the router, from it */
    live_host hosts[LIVE_HOSTS];
} live_net;

/* Why the test cannot run here, or NULL; skip() after printing it. */
static inline bool live_is_possible(hp_device_kind kind)
{
    hp_rights rights;
    hp_rights_find(&rights);
    bool ok = rights.root && hp_rights_suffice(&rights) && (kind == HP_DEVICE_VETH ? rights.veth : rights.tun);
    if (!ok) {
        print_message("skipped: %s\n", rights.missing[0] != '\0' ? rights.missing : "no device of that kind");
    }
    return ok;
}

static inline hp_addr ip(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static inline void no_error(const GError *error)
{
    if (error != NULL) {
        fail_msg("%s", error->message);
    }
}

/* Host i has 10.0.i.1/24 and 2001:db8:i::1/64. */
static inline hp_addr live_address(unsigned i, uint8_t family)
{
    g_autofree char *text =
        family == HP_AF_IPV4 ? g_strdup_printf("10.0.%u.1", i) : g_strdup_printf("2001:db8:%u::1", i);
    return ip(text);
}

static inline void live_add_host(live_net *net, unsigned i, hp_device_kind kind)
{
    GError *error = NULL;
    live_host *host = &net->hosts[i];
    char name[2] = {(char)('a' + i), '\0'};
    host->ns = hp_netns_new(name, &error);
    no_error(error);
    hp_device_address addresses[] = {{live_address(i, HP_AF_IPV4), 24}, {live_address(i, HP_AF_IPV6), 64}};
    hp_device_config config = {
        .name = "eth0", .kind = kind, .addresses = addresses, .n_addresses = 2, .default_route = true};
    host->device = hp_device_new(host->ns, &config, &error);
    no_error(error);
    host->host = hp_host_new(net->world, name);
    hp_host_add_interface(host->host, NULL, 0);
    hp_host_add_address(host->host, 0, &addresses[0].ip);
    hp_host_add_address(host->host, 0, &addresses[1].ip);
    assert_true(hp_device_attach(host->device, net->loop, host->host, 0, &error));

    static const hp_link_config quick = {.delay_ns = HP_MS};
    g_autofree char *there = g_strconcat(name, ">router", NULL), *back = g_strconcat("router>", name, NULL);
    hp_link *to = hp_link_new(net->world, there, &quick), *from = hp_link_new(net->world, back, &quick);
    hp_node_connect(hp_host_node(host->host), 0, hp_link_node(to), 0);
    hp_node_connect(hp_link_node(to), 0, hp_router_node(net->router), i);
    hp_node_connect(hp_router_node(net->router), i, hp_link_node(from), 0);
    hp_node_connect(hp_link_node(from), 0, hp_host_node(host->host), 0);
    for (unsigned k = 0; k < 2; k++) {
        hp_prefix own = {.base = addresses[k].ip, .bits = k == 0 ? 32 : 128};
        hp_router_add_route(net->router, &own, i);
    }
    net->links[i][0] = to;
    net->links[i][1] = from;
}

static inline live_net *live_net_new(hp_device_kind kind)
{
    GError *error = NULL;
    live_net *net = g_new0(live_net, 1);
    net->trace = hp_trace_new(&error);
    no_error(error);
    net->world = hp_world_new(1, net->trace);
    net->clock = hp_live_clock_new(&error);
    no_error(error);
    net->loop = hp_loop_new(net->world, net->clock, NULL, &error);
    no_error(error);
    net->router = hp_router_new(net->world, "router", &(hp_router_config){.hop = true});
    for (unsigned i = 0; i < LIVE_HOSTS; i++) {
        live_add_host(net, i, kind);
    }
    return net;
}

/* One whose run has begun; the test is skipped where there can be none. */
static inline live_net *live_net_begun(hp_device_kind kind)
{
    if (!live_is_possible(kind)) {
        skip();
    }
    live_net *net = live_net_new(kind);
    hp_live_clock_begin(net->clock);
    return net;
}

/* For those who wait for something: fails once they have waited for too long. */
static inline void live_turn(live_net *net)
{
    GError *error = NULL;
    assert_true(hp_live_clock_now(net->clock) < PATIENCE);
    hp_loop_turn(net->loop, 10 * HP_MS, &error);
    no_error(error);
}

static inline void live_net_free(live_net *net)
{
    for (unsigned i = 0; i < LIVE_HOSTS; i++) {
        hp_device_free(net->hosts[i].device);
        hp_netns_free(net->hosts[i].ns);
    }
    hp_loop_free(net->loop);
    hp_world_free(net->world);
    hp_trace_free(net->trace);
    hp_live_clock_free(net->clock);
    g_free(net);
}

/* A bound, non-blocking UDP socket of the kernel, inside host i. */
static inline int live_socket(const live_net *net, unsigned i, const hp_addr *local)
{
    GError *error = NULL;
    struct sockaddr_storage at;
    socklen_t length = (socklen_t)hp_addr_to_sockaddr(local, &at);
    assert_true(hp_netns_enter(net->hosts[i].ns, &error));
    int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
    hp_netns_leave(net->hosts[i].ns);
    return fd;
}

/* One in each host: at port 5000 of the first, 6000 of the second. */
typedef struct live_pair {
    hp_addr a, b;
    int at_a, at_b;
} live_pair;

static inline live_pair live_pair_open(const live_net *net, uint8_t family)
{
    live_pair p = {.a = hp_addr_with_port(live_address(0, family), 5000),
                   .b = hp_addr_with_port(live_address(1, family), 6000)};
    p.at_a = live_socket(net, 0, &p.a);
    p.at_b = live_socket(net, 1, &p.b);
    return p;
}

static inline void live_pair_close(const live_pair *p)
{
    close(p->at_a);
    close(p->at_b);
}

static inline ssize_t live_send(int fd, const hp_addr *to, const void *data, size_t length)
{
    struct sockaddr_storage at;
    socklen_t at_length = (socklen_t)hp_addr_to_sockaddr(to, &at);
    return sendto(fd, data, length, 0, (struct sockaddr *)&at, at_length);
}

/* Turns until something comes in; what recv() says then. */
static inline ssize_t live_receive(live_net *net, int fd, void *room, size_t size)
{
    GError *error = NULL;
    hp_time end = hp_live_clock_now(net->clock) + PATIENCE;
    for (;;) {
        ssize_t length = recv(fd, room, size, 0);
        if (length >= 0 || errno != EAGAIN) {
            return length;
        }
        if (hp_live_clock_now(net->clock) > end) {
            fail_msg("nothing arrived");
        }
        hp_loop_turn(net->loop, 10 * HP_MS, &error);
        no_error(error);
    }
}

/* How many packets of the trace were seen at that tap in that direction. */
static inline unsigned live_count_at(const live_net *net, const char *tap, hp_direction dir, uint8_t proto)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next(net->trace, &cursor, &r)) {
        n += r.type == HP_RECORD_PACKET && r.packet.dir == dir && (proto == 0 || r.packet.proto == proto) &&
             strcmp(hp_trace_tap_name(net->trace, r.packet.tap), tap) == 0;
    }
    return n;
}

#endif
