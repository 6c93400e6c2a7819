/* What middleboxes know of fragmented datagrams: ageing, the bounds, what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/fragment_table.h"
#include "world/probe.h"

enum { DATAGRAMS = 4096, WAITING = 512, WAITING_OF_ONE = 64 };

typedef struct bench {
    hp_trace *trace;
    hp_world *world;
    probe *node;
    hp_fragment_table *t;
    unsigned drops;
    uint32_t last_id; /* of the latest drop */
    hp_time last_at;
} bench;

static void on_drop(void *owner, hp_packet *p, const char *detail)
{
    bench *b = owner;
    assert_string_equal(detail, "its first fragment never came");
    b->drops++;
    b->last_id = p->ip_id;
    b->last_at = hp_world_now(b->world);
    hp_packet_free(p);
}

static void bench_init(bench *b)
{
    *b = (bench){.trace = hp_trace_new(NULL)};
    assert_non_null(b->trace);
    b->world = hp_world_new(1, b->trace);
    b->node = probe_new(b->world, "node");
    b->t = hp_fragment_table_new(&b->node->node, sizeof(uint64_t), on_drop, b);
}

static void bench_clear(bench *b)
{
    hp_fragment_table_free(b->t);
    hp_world_free(b->world);
    hp_trace_free(b->trace);
}

/* A packet of datagram `id`; the ports are no part of what it is known by. */
static hp_packet *of(bench *b, uint32_t id)
{
    hp_packet *p = udp_packet(b->world, "192.0.2.1:1000", "198.51.100.2:2000", 8);
    p->ip_id = id;
    return p;
}

static hp_fragmented *find(bench *b, unsigned side, uint32_t id)
{
    hp_packet *p = of(b, id);
    p->src.port = 7;
    hp_fragmented *d = hp_fragment_find(b->t, side, p);
    hp_packet_free(p);
    return d;
}

static hp_fragmented *remember(bench *b, uint32_t id)
{
    hp_packet *p = of(b, id);
    hp_fragmented *d = hp_fragment_remember(b->t, 0, p);
    hp_packet_free(p);
    return d;
}

static void hold(bench *b, uint32_t id, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        hp_packet *p = of(b, id);
        hp_fragment_hold(b->t, hp_fragment_remember(b->t, 0, p), p);
    }
}

static void a_datagram_is_known_by_side_addresses_protocol_and_identification(void **state)
{
    bench b;
    bench_init(&b);
    hp_fragmented *d = remember(&b, 5);
    assert_ptr_equal(find(&b, 0, 5), d);
    assert_ptr_equal(remember(&b, 5), d);
    assert_null(find(&b, 1, 5));
    assert_null(find(&b, 0, 6));
    hp_packet *p = of(&b, 5);
    p->proto = HP_PROTO_TCP;
    assert_null(hp_fragment_find(b.t, 0, p));
    p->proto = HP_PROTO_UDP;
    p->src = addr("192.0.2.2:1000");
    assert_null(hp_fragment_find(b.t, 0, p));
    p->src = addr("192.0.2.1:1000");
    p->dst = addr("198.51.100.3:2000");
    assert_null(hp_fragment_find(b.t, 0, p));
    hp_packet_free(p);
    bench_clear(&b);
}

static void a_datagram_is_forgotten_30_s_after_it_was_last_heard_of(void **state)
{
    bench b;
    bench_init(&b);
    uint64_t *fate = hp_fragment_fate(remember(&b, 1));
    assert_int_equal(*fate, 0);
    *fate = 77;
    hold(&b, 1, 2);
    hold(&b, 2, 1);
    assert_true(hp_world_run_until(b.world, 10 * HP_S, NULL));
    assert_int_equal(*(uint64_t *)hp_fragment_fate(remember(&b, 1)), 77);
    assert_non_null(find(&b, 0, 2)); /* being looked at does not keep it */
    assert_true(hp_world_run_until(b.world, 30 * HP_S - 1, NULL));
    assert_int_equal(b.drops, 0);
    assert_true(hp_world_run_until(b.world, 30 * HP_S, NULL));
    assert_int_equal(b.drops, 1);
    assert_int_equal(b.last_id, 2);
    assert_null(find(&b, 0, 2));
    assert_non_null(find(&b, 0, 1));
    assert_true(hp_world_run_until(b.world, 50 * HP_S, NULL));
    assert_int_equal(b.drops, 3);
    assert_int_equal(b.last_id, 1);
    assert_int_equal(b.last_at, 40 * HP_S);
    bench_clear(&b);
}

static void what_waited_is_handed_out_in_order_once(void **state)
{
    bench b;
    bench_init(&b);
    hp_packet *first = of(&b, 1), *second = of(&b, 1);
    hp_fragmented *d = remember(&b, 1);
    hp_fragment_hold(b.t, d, first);
    hp_fragment_hold(b.t, d, second);
    assert_false(hp_fragment_is_decided(d));
    GQueue held = hp_fragment_decide(b.t, d);
    assert_true(hp_fragment_is_decided(d));
    assert_int_equal(held.length, 2);
    assert_ptr_equal(g_queue_pop_head(&held), first);
    assert_ptr_equal(g_queue_pop_head(&held), second);
    assert_int_equal(hp_fragment_decide(b.t, d).length, 0);
    hp_packet_free(first);
    hp_packet_free(second);
    bench_clear(&b);
}

static void so_many_wait_of_one_and_of_all(void **state)
{
    bench b;
    bench_init(&b);
    hold(&b, 0, WAITING_OF_ONE - 1);
    assert_true(hp_fragment_has_room(b.t, find(&b, 0, 0)));
    hold(&b, 0, 1);
    assert_false(hp_fragment_has_room(b.t, find(&b, 0, 0)));
    assert_true(hp_fragment_has_room(b.t, NULL));
    for (uint32_t id = 1; id < WAITING / WAITING_OF_ONE; id++) {
        assert_true(hp_fragment_has_room(b.t, NULL));
        hold(&b, id, WAITING_OF_ONE);
    }
    assert_false(hp_fragment_has_room(b.t, NULL));
    hp_fragment_forget(b.t, find(&b, 0, 3));
    assert_int_equal(b.drops, WAITING_OF_ONE);
    assert_int_equal(b.last_id, 3);
    hold(&b, 100, WAITING_OF_ONE); /* what went makes room for as many, and no more */
    assert_false(hp_fragment_has_room(b.t, NULL));
    GQueue held = hp_fragment_decide(b.t, find(&b, 0, 0));
    assert_int_equal(held.length, WAITING_OF_ONE);
    assert_true(hp_fragment_has_room(b.t, NULL));
    g_queue_clear_full(&held, (GDestroyNotify)hp_packet_free);
    bench_clear(&b);
}

static void the_oldest_gives_way_to_a_new_one(void **state)
{
    bench b;
    bench_init(&b);
    hold(&b, 0, 1);
    hold(&b, 1, 1);
    for (uint32_t id = 2; id < DATAGRAMS; id++) {
        remember(&b, id);
    }
    remember(&b, 0); /* now the youngest */
    assert_int_equal(b.drops, 0);
    remember(&b, DATAGRAMS);
    assert_int_equal(b.drops, 1);
    assert_int_equal(b.last_id, 1);
    assert_null(find(&b, 0, 1));
    assert_non_null(find(&b, 0, 0));
    assert_non_null(find(&b, 0, 2));
    bench_clear(&b);
}

static void a_flush_drops_or_is_quiet_and_stops_the_timer(void **state)
{
    bench b;
    bench_init(&b);
    hold(&b, 1, 3);
    hp_fragment_table_flush(b.t, false);
    assert_int_equal(b.drops, 3);
    assert_null(find(&b, 0, 1));
    hold(&b, 2, 3);
    hp_fragment_table_flush(b.t, true);
    assert_int_equal(b.drops, 3);
    assert_true(hp_world_run_until(b.world, 60 * HP_S, NULL));
    assert_int_equal(b.drops, 3);
    hold(&b, 3, 1);
    bench_clear(&b);
    assert_int_equal(b.drops, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_is_known_by_side_addresses_protocol_and_identification),
        cmocka_unit_test(a_datagram_is_forgotten_30_s_after_it_was_last_heard_of),
        cmocka_unit_test(what_waited_is_handed_out_in_order_once),
        cmocka_unit_test(so_many_wait_of_one_and_of_all),
        cmocka_unit_test(the_oldest_gives_way_to_a_new_one),
        cmocka_unit_test(a_flush_drops_or_is_quiet_and_stops_the_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
