/* A middlebox between two probes, with a tap before it, for tests. */
#ifndef HP_TESTS_WORLD_RULES_RIG_H
#define HP_TESTS_WORLD_RULES_RIG_H

#include "wire/tcp.h"
#include "world/probe.h"
#include "world/rules.h"

#define ALICE "10.0.0.2:5000"
#define SERVER "192.0.2.9:3478"

typedef struct rig {
    hp_trace *trace;
    hp_world *world;
    hp_rules *box;
    probe *near, *far;
    uint32_t tap;
} rig;

static inline rig rig_new(const hp_rule *list, unsigned n)
{
    rig r = {.trace = hp_trace_new(NULL)};
    assert_non_null(r.trace);
    r.tap = hp_trace_tap(r.trace, "before");
    r.world = hp_world_new(7, r.trace);
    r.box = hp_rules_new(r.world, "box");
    r.near = probe_new(r.world, "near");
    r.far = probe_new(r.world, "far");
    hp_node_connect(hp_rules_node(r.box), HP_RULES_NEAR, &r.near->node, 0);
    hp_node_connect(hp_rules_node(r.box), HP_RULES_FAR, &r.far->node, 0);
    GError *error = NULL;
    assert_true(hp_rules_set(r.box, list, n, &error));
    assert_null(error);
    return r;
}

static inline void rig_free(rig *r)
{
    hp_world_free(r->world);
    hp_trace_free(r->trace);
}

/* Records p at the tap, then hands it to the middlebox. */
static inline void rig_give(rig *r, unsigned port, hp_packet *p)
{
    if (p->uid == 0) {
        p->uid = hp_world_new_uid(r->world);
    }
    hp_trace_packet(r->trace, hp_world_now(r->world), r->tap, HP_DIR_OUT, p);
    give(hp_rules_node(r->box), port, p);
}

static inline void rig_up(rig *r, hp_packet *p)
{
    rig_give(r, HP_RULES_NEAR, p);
}

static inline void rig_run(rig *r, hp_time until)
{
    assert_true(hp_world_run_until(r->world, until, NULL));
}

/* One UDP packet from ALICE to SERVER whose first byte is `mark`. */
static inline void rig_send(rig *r, uint8_t mark)
{
    hp_packet *p = udp_packet(r->world, ALICE, SERVER, 20);
    p->payload[0] = mark;
    rig_up(r, p);
}

static inline uint8_t rig_mark(const probe *who, unsigned i)
{
    return probe_at(who, i)->p->payload[0];
}

static inline hp_packet *tcp_packet(hp_world *world, const char *src, const char *dst, uint8_t flags, uint32_t seq,
                                    uint32_t ack, const char *data)
{
    hp_addr from = addr(src), to = addr(dst);
    uint8_t bytes[HP_TCP_HEADER_ROOM + 200];
    hp_tcp_header h = {.flags = flags, .seq = seq, .ack = ack, .window = 1000};
    size_t n = hp_tcp_write(&h, bytes, HP_TCP_HEADER_ROOM), length = strlen(data);
    g_assert(length <= 200);
    memcpy(bytes + n, data, length);
    hp_packet *p = hp_packet_new(HP_PROTO_TCP, &from, &to, bytes, n + length);
    p->uid = hp_world_new_uid(world);
    return p;
}

/* The segment's header; its data in *ret_data, *ret_length when asked. */
static inline hp_tcp_header tcp_header(const hp_packet *p, const uint8_t **ret_data, size_t *ret_length)
{
    hp_tcp_header h;
    const uint8_t *data;
    size_t length;
    g_assert(p->proto == HP_PROTO_TCP && hp_tcp_parse(p->payload, p->length, &h, &data, &length));
    if (ret_data != NULL) {
        *ret_data = data;
    }
    if (ret_length != NULL) {
        *ret_length = length;
    }
    return h;
}

/* The i-th remark in the trace, or NULL. */
static inline const char *rig_note(const rig *r, unsigned i, uint32_t *ret_packet)
{
    hp_trace_cursor cursor = {0};
    hp_record record;
    while (hp_trace_next_of(r->trace, &cursor, 1U << HP_RECORD_NOTE, &record)) {
        if (i-- == 0) {
            if (ret_packet != NULL) {
                *ret_packet = record.note.packet;
            }
            return record.note.text;
        }
    }
    return NULL;
}

/* Writes the packet and reads it back: its checksums must hold. Gives the parsed packet. */
static inline hp_packet *through_wire(const hp_packet *p)
{
    uint8_t bytes[4096];
    size_t n = hp_packet_write(p, bytes, sizeof bytes);
    g_assert(n > 0);
    hp_packet *parsed = hp_packet_parse(bytes, n, NULL);
    g_assert(parsed != NULL);
    return parsed;
}

#endif
