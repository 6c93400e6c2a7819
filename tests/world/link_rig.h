/* A link between a hand that puts packets in and a probe behind it. */
#ifndef HP_TESTS_WORLD_LINK_RIG_H
#define HP_TESTS_WORLD_LINK_RIG_H

#include "world/link.h"
#include "world/probe.h"

#define A "192.0.2.1:1000"
#define B "192.0.2.2:2000"
/* 20 bytes of IPv4 and 8 of UDP make it 1000, 1250 or 1500 on the wire. */
enum { PAYLOAD_1000 = 972, PAYLOAD_1250 = 1222, PAYLOAD_1500 = 1472 };

typedef struct bench {
    hp_trace *trace;
    hp_world *world;
    hp_link *link;
    probe *far;
} bench;

static inline bench bench_new(uint64_t seed, const hp_link_config *config)
{
    bench b = {.trace = hp_trace_new(NULL)};
    assert_non_null(b.trace);
    b.world = hp_world_new(seed, b.trace);
    b.link = hp_link_new(b.world, "a>b", config);
    b.far = probe_new(b.world, "far");
    hp_node_connect(hp_link_node(b.link), 0, &b.far->node, 4);
    return b;
}

static inline void bench_free(bench *b)
{
    hp_world_free(b->world);
    hp_trace_free(b->trace);
}

static inline void put(bench *b, size_t payload)
{
    give(hp_link_node(b->link), 0, udp_packet(b->world, A, B, payload));
}

static inline void put_times(bench *b, unsigned n, size_t payload)
{
    for (unsigned i = 0; i < n; i++) {
        put(b, payload);
    }
}

static inline void run(bench *b, hp_time until)
{
    assert_true(hp_world_run_until(b->world, until, NULL));
}

typedef struct arrival {
    uint64_t uid;
    hp_time at;
} arrival;

/* Exactly these have arrived, in this order. */
static inline void expect_arrivals(const bench *b, const arrival *wanted, unsigned n)
{
    for (unsigned i = 0; i < n && i < b->far->hits->len; i++) {
        assert_int_equal(probe_at(b->far, i)->p->uid, wanted[i].uid);
        assert_int_equal(probe_at(b->far, i)->at, wanted[i].at);
    }
    assert_int_equal(b->far->hits->len, n);
}

#endif
