/* A NAT between two probes, and short words for what tests do with it. */
#ifndef HP_TESTS_WORLD_NAT_RIG_H
#define HP_TESTS_WORLD_NAT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the four above */
#include <cmocka.h>

#include "wire/tcp.h"
#include "world/nat.h"
#include "world/probe.h"

typedef struct rig {
    hp_trace *trace;
    hp_world *world;
    hp_nat *nat;
    probe *in, *out;
    unsigned seen_in, seen_out; /* hits that a test has looked at */
    char text[HP_ADDR_TEXT];
} rig;

static inline rig *rig_new_seeded(uint64_t seed, const hp_nat_config *config, const char *externals)
{
    rig *r = g_new0(rig, 1);
    g_auto(GStrv) words = g_strsplit(externals, " ", 0);
    hp_addr addrs[64];
    unsigned n = 0;

    r->trace = hp_trace_new(NULL);
    r->world = hp_world_new(seed, r->trace);
    r->nat = hp_nat_new(r->world, "home", config);
    r->in = probe_new(r->world, "in");
    r->out = probe_new(r->world, "out");
    hp_node_connect(hp_nat_node(r->nat), HP_NAT_INSIDE, &r->in->node, 0);
    hp_node_connect(hp_nat_node(r->nat), HP_NAT_OUTSIDE, &r->out->node, 0);
    while (words[n] && n < G_N_ELEMENTS(addrs)) {
        addrs[n] = addr(words[n]);
        n++;
    }
    hp_nat_set_external(r->nat, addrs, n);
    return r;
}

static inline rig *rig_new(const hp_nat_config *config)
{
    return rig_new_seeded(1, config, "192.0.2.1");
}

static inline void rig_free(rig *r)
{
    hp_world_free(r->world);
    hp_trace_free(r->trace);
    g_free(r);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rig, rig_free)

static inline void rig_until(rig *r, hp_time t)
{
    assert_true(hp_world_run_until(r->world, t, NULL));
}

static inline void rig_give(rig *r, unsigned side, hp_packet *p)
{
    hp_node *node = hp_nat_node(r->nat);
    if (!p->uid)
        p->uid = hp_world_new_uid(r->world);
    node->ops->receive(node, side, p);
}

static inline hp_packet *udp(const char *src, const char *dst)
{
    hp_addr from = addr(src), to = addr(dst);
    return hp_packet_new(HP_PROTO_UDP, &from, &to, "payload", 7);
}

/* A TCP segment without data. */
static inline hp_packet *tcp_at(const char *src, const char *dst, uint8_t flags, uint32_t seq, uint32_t ack)
{
    hp_addr from = addr(src), to = addr(dst);
    hp_tcp_header h = {.seq = seq, .ack = ack, .window = 1000, .flags = flags};
    uint8_t bytes[HP_TCP_HEADER_ROOM];
    size_t n = hp_tcp_write(&h, bytes, sizeof bytes);
    return hp_packet_new(HP_PROTO_TCP, &from, &to, bytes, n);
}

/* One whose numbers do not matter: the inside starts at 1000, the outside at 5000, nothing but SYN and FIN is sent. */
enum { IN_SEQ = 1000, OUT_SEQ = 5000 };

/* The next packet that the probe on a side got since the last call, or NULL. */
static inline hp_packet *rig_got(rig *r, unsigned side)
{
    probe *p = side == HP_NAT_INSIDE ? r->in : r->out;
    unsigned *seen = side == HP_NAT_INSIDE ? &r->seen_in : &r->seen_out;
    return *seen < p->hits->len ? g_array_index(p->hits, probe_hit, (*seen)++).p : NULL;
}

/* Sends a datagram outwards; gives the external source it left with, or "-" when it did not. */
static inline const char *rig_out(rig *r, const char *src, const char *dst)
{
    hp_addr to = addr(dst);
    rig_give(r, HP_NAT_INSIDE, udp(src, dst));
    const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
    if (!p)
        return "-";
    assert_true(hp_addr_equal(&p->dst, &to));
    return hp_addr_format(&p->src, r->text);
}

/* Sends a datagram inwards; gives the internal destination it arrived at, or "-". */
static inline const char *rig_in(rig *r, const char *src, const char *dst)
{
    hp_addr from = addr(src);
    rig_give(r, HP_NAT_OUTSIDE, udp(src, dst));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    if (!p)
        return "-";
    assert_true(hp_addr_equal(&p->src, &from));
    return hp_addr_format(&p->dst, r->text);
}

static inline const char *rig_tcp(rig *r, unsigned side, const char *src, const char *dst, uint8_t flags, uint32_t seq,
                                  uint32_t ack)
{
    rig_give(r, side, tcp_at(src, dst, flags, seq, ack));
    const hp_packet *p = rig_got(r, !side);
    if (!p)
        return "-";
    assert_int_equal(p->proto, HP_PROTO_TCP);
    return hp_addr_format(side == HP_NAT_INSIDE ? &p->src : &p->dst, r->text);
}

/* Sends a segment outwards; gives the external source it left with, or "-". */
static inline const char *rig_tcp_out(rig *r, const char *src, const char *dst, uint8_t flags)
{
    return rig_tcp(r, HP_NAT_INSIDE, src, dst, flags, IN_SEQ + !(flags & HP_TCP_SYN),
                   flags & HP_TCP_ACK ? OUT_SEQ + 1 : 0);
}

/* Sends a segment inwards; gives the internal destination it arrived at, or "-". */
static inline const char *rig_tcp_in(rig *r, const char *src, const char *dst, uint8_t flags)
{
    return rig_tcp(r, HP_NAT_OUTSIDE, src, dst, flags, OUT_SEQ + !(flags & HP_TCP_SYN),
                   flags & HP_TCP_ACK ? IN_SEQ + 1 : 0);
}

/* The last record of a type (and, for events, kind). */
static inline bool rig_last(rig *r, hp_record_type type, hp_event_kind kind, hp_record *ret)
{
    hp_trace_cursor cursor = {0};
    hp_record record;
    bool found = false;
    *ret = (hp_record){0};
    while (hp_trace_next(r->trace, &cursor, &record)) {
        if (record.type == type && (type != HP_RECORD_EVENT || record.event.kind == kind)) {
            *ret = record;
            found = true;
        }
    }
    return found;
}

static inline unsigned rig_count(rig *r, hp_event_kind kind)
{
    hp_trace_cursor cursor = {0};
    hp_record record;
    unsigned n = 0;
    while (hp_trace_next(r->trace, &cursor, &record))
        n += record.type == HP_RECORD_EVENT && record.event.kind == kind;
    return n;
}

static inline unsigned rig_drops(rig *r)
{
    hp_trace_cursor cursor = {0};
    hp_record record;
    unsigned n = 0;
    while (hp_trace_next(r->trace, &cursor, &record))
        n += record.type == HP_RECORD_DROP;
    return n;
}

/* The last drop was for that reason, and nothing else was dropped since n drops. */
#define assert_drop(r, n, why)                                                                                         \
    do {                                                                                                               \
        hp_record record_;                                                                                             \
        assert_int_equal(rig_drops(r), n);                                                                             \
        assert_true(rig_last(r, HP_RECORD_DROP, 0, &record_));                                                         \
        assert_string_equal(hp_drop_name(record_.drop.reason), hp_drop_name(why));                                     \
        assert_string_equal(record_.drop.place, "home");                                                               \
    } while (0)

/* The last mapping that ended did so at that time, for that reason, at that age. */
#define assert_ended(r, when, why, how_old)                                                                            \
    do {                                                                                                               \
        hp_record record_;                                                                                             \
        assert_true(rig_last(r, HP_RECORD_EVENT, HP_EV_NAT_MAPPING_ENDED, &record_));                                  \
        assert_int_equal(record_.at, when);                                                                            \
        assert_string_equal(hp_record_text(&record_, "reason"), why);                                                  \
        assert_int_equal(hp_record_u64(&record_, "age"), how_old);                                                     \
    } while (0)

#define assert_out(r, src, dst, external) assert_string_equal(rig_out(r, src, dst), external)
#define assert_in(r, src, dst, internal) assert_string_equal(rig_in(r, src, dst), internal)
#define assert_tcp_out(r, src, dst, flags, external) assert_string_equal(rig_tcp_out(r, src, dst, flags), external)
#define assert_tcp_in(r, src, dst, flags, internal) assert_string_equal(rig_tcp_in(r, src, dst, flags), internal)
#define assert_tcp_state(r, src, dst, state)                                                                           \
    do {                                                                                                               \
        hp_addr in_ = addr(src), out_ = addr(dst);                                                                     \
        const char *state_ = hp_nat_tcp_state_of((r)->nat, &in_, &out_);                                               \
        assert_string_equal(state_ ? state_ : "closed", state);                                                        \
    } while (0)

/* Short names of flags, as a capture prints them. */
enum {
    SYN = HP_TCP_SYN,
    SYN_ACK = HP_TCP_SYN | HP_TCP_ACK,
    ACK = HP_TCP_ACK,
    FIN = HP_TCP_FIN | HP_TCP_ACK,
    RST = HP_TCP_RST,
    RST_ACK = HP_TCP_RST | HP_TCP_ACK,
};

#endif
