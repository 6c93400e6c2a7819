/* A node for tests: keeps every packet it is given, with the time and the port. */
#ifndef HP_TESTS_WORLD_PROBE_H
#define HP_TESTS_WORLD_PROBE_H

#include "world/world.h"

typedef struct probe_hit {
    hp_time at;
    unsigned port;
    hp_packet *p; /* owned by the probe */
} probe_hit;

typedef struct probe {
    hp_node node;
    GArray *hits; /* of probe_hit */
} probe;

static void probe_receive(hp_node *node, unsigned port, hp_packet *p)
{
    probe *self = (probe *)node;
    probe_hit hit = {.at = hp_world_now(node->world), .port = port, .p = p};
    g_array_append_val(self->hits, hit);
}

static void probe_free(hp_node *node)
{
    probe *self = (probe *)node;
    for (unsigned i = 0; i < self->hits->len; i++) {
        hp_packet_free(g_array_index(self->hits, probe_hit, i).p);
    }
    g_array_free(self->hits, TRUE);
    hp_node_clear(node);
    g_free(self);
}

static const hp_node_ops probe_ops = {.kind = "probe", .receive = probe_receive, .free = probe_free};

static inline probe *probe_new(hp_world *world, const char *name)
{
    probe *self = g_new0(probe, 1);
    hp_node_init(&self->node, &probe_ops, world, name);
    self->hits = g_array_new(FALSE, FALSE, sizeof(probe_hit));
    return self;
}

static inline const probe_hit *probe_at(const probe *self, unsigned i)
{
    g_assert(i < self->hits->len);
    return &g_array_index(self->hits, probe_hit, i);
}

static inline hp_addr addr(const char *text)
{
    hp_addr a;
    if (!hp_addr_parse(text, &a)) {
        g_error("bad address %s", text);
    }
    return a;
}

/* A UDP packet with a uid of its own; payload bytes 0, 1, 2, ... */
static inline hp_packet *udp_packet(hp_world *world, const char *src, const char *dst, size_t length)
{
    hp_addr from = addr(src);
    hp_addr to = addr(dst);
    hp_packet *p = hp_packet_new(HP_PROTO_UDP, &from, &to, NULL, length);
    for (size_t i = 0; i < length; i++) {
        p->payload[i] = (uint8_t)i;
    }
    p->uid = hp_world_new_uid(world);
    return p;
}

static inline void give(hp_node *node, unsigned port, hp_packet *p)
{
    node->ops->receive(node, port, p);
}

/* How many drops the trace holds for that reason; the last one's detail and place when asked. */
static inline unsigned count_drops(const hp_trace *trace, hp_drop_reason reason, hp_record *ret_last)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next(trace, &cursor, &r)) {
        if (r.type == HP_RECORD_DROP && r.drop.reason == reason) {
            n++;
            if (ret_last != NULL) {
                *ret_last = r;
            }
        }
    }
    return n;
}

#endif
