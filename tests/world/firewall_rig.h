/* A firewall between two probes, for tests. */
#ifndef HP_TESTS_WORLD_FIREWALL_RIG_H
#define HP_TESTS_WORLD_FIREWALL_RIG_H

#include "wire/tcp.h"
#include "world/firewall.h"
#include "world/probe.h"

#define A "10.0.0.2:5000" /* inside */
#define B "192.0.2.9:3478" /* outside */
#define B_PORT "192.0.2.9:3479"
#define C "192.0.2.10:3478"
#define MINUTE (60 * HP_S)

typedef struct rig {
    hp_trace *trace;
    hp_world *world;
    hp_firewall *fw;
    probe *in, *out; /* what lies inside, and outside */
} rig;

/* Clears config. */
static inline rig rig_new(hp_firewall_config config)
{
    rig r = {.trace = hp_trace_new(NULL)};
    assert_non_null(r.trace);
    assert_true(hp_firewall_config_check(&config, NULL));
    r.world = hp_world_new(7, r.trace);
    r.fw = hp_firewall_new(r.world, "wall", &config);
    r.in = probe_new(r.world, "in");
    r.out = probe_new(r.world, "out");
    hp_node_connect(hp_firewall_node(r.fw), HP_FIREWALL_INSIDE, &r.in->node, 0);
    hp_node_connect(hp_firewall_node(r.fw), HP_FIREWALL_OUTSIDE, &r.out->node, 0);
    hp_addr inside = addr("10.0.0.1"), outside = addr("198.51.100.1");
    hp_firewall_set_address(r.fw, HP_FIREWALL_INSIDE, &inside);
    hp_firewall_set_address(r.fw, HP_FIREWALL_OUTSIDE, &outside);
    hp_firewall_config_clear(&config);
    return r;
}

static inline void rig_free(rig *r)
{
    hp_world_free(r->world);
    hp_trace_free(r->trace);
}

static inline void rig_run(rig *r, hp_time until)
{
    assert_true(hp_world_run_until(r->world, until, NULL));
}

/* Hands p over; whether it came out on the other side. */
static inline bool passes(rig *r, unsigned side, hp_packet *p)
{
    probe *other = side == HP_FIREWALL_INSIDE ? r->out : r->in;
    unsigned before = other->hits->len;
    if (p->uid == 0) {
        p->uid = hp_world_new_uid(r->world);
    }
    give(hp_firewall_node(r->fw), side, p);
    return other->hits->len > before;
}

static inline bool udp_out(rig *r, const char *src, const char *dst)
{
    return passes(r, HP_FIREWALL_INSIDE, udp_packet(r->world, src, dst, 20));
}

static inline bool udp_in(rig *r, const char *src, const char *dst)
{
    return passes(r, HP_FIREWALL_OUTSIDE, udp_packet(r->world, src, dst, 20));
}

static inline hp_packet *segment(const char *src, const char *dst, uint8_t flags)
{
    hp_addr from = addr(src), to = addr(dst);
    uint8_t bytes[HP_TCP_HEADER_ROOM];
    hp_tcp_header h = {.flags = flags, .seq = 100, .ack = 200, .window = 1000};
    return hp_packet_new(HP_PROTO_TCP, &from, &to, bytes, hp_tcp_write(&h, bytes, sizeof bytes));
}

static inline bool tcp_out(rig *r, uint8_t flags)
{
    return passes(r, HP_FIREWALL_INSIDE, segment(A, B, flags));
}

static inline bool tcp_in(rig *r, uint8_t flags)
{
    return passes(r, HP_FIREWALL_OUTSIDE, segment(B, A, flags));
}

static inline hp_packet *echo(const char *src, const char *dst, bool request, uint16_t id)
{
    hp_addr from = addr(src), to = addr(dst);
    bool v6 = from.family == HP_AF_IPV6;
    hp_packet *p = hp_packet_new(v6 ? HP_PROTO_ICMPV6 : HP_PROTO_ICMP, &from, &to, "ping", 4);
    p->icmp_kind = request ? HP_ICMP_ECHO_REQUEST : HP_ICMP_ECHO_REPLY;
    if (request) {
        p->src.port = id;
    } else {
        p->dst.port = id;
    }
    return p;
}

/* The last drop of that reason; its detail must be this. How many there were. */
static inline unsigned assert_drops(const rig *r, hp_drop_reason reason, const char *detail)
{
    hp_record last;
    unsigned n = count_drops(r->trace, reason, &last);
    assert_true(n > 0);
    assert_string_equal(last.drop.detail, detail);
    assert_string_equal(last.drop.place, "wall");
    return n;
}

/* The newest packet of a probe. */
static inline const hp_packet *newest(const probe *who)
{
    return probe_at(who, who->hits->len - 1)->p;
}

#endif
