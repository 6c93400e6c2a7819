/* Links: exact times, losses, queues. Each of the other test_link_*.c takes one part: changes of the settings, rates,
 * ... */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/link_rig.h"

static void test_ideal_wire_delivers_in_a_step_of_its_own(void **state)
{
    bench b = bench_new(1, &(hp_link_config){0});
    put(&b, 10);
    put(&b, 20);
    assert_int_equal(b.far->hits->len, 0);
    assert_int_equal(hp_world_next_deadline(b.world), 0);
    assert_true(hp_world_step(b.world, NULL));
    assert_int_equal(b.far->hits->len, 1);
    assert_true(hp_world_step(b.world, NULL));
    assert_false(hp_world_step(b.world, NULL));
    assert_int_equal(b.far->hits->len, 2);
    assert_int_equal(probe_at(b.far, 0)->port, 4);
    assert_int_equal(probe_at(b.far, 0)->p->uid, 1);
    assert_int_equal(probe_at(b.far, 0)->p->length, 10);
    assert_int_equal(probe_at(b.far, 1)->p->uid, 2);
    hp_link_stats stats = hp_link_get_stats(b.link);
    assert_int_equal(stats.packets, 2);
    assert_int_equal(stats.bytes, 38 + 48);
    assert_int_equal(stats.delivered, 2);
    bench_free(&b);
}

static void test_rate_and_delay(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1000000, .delay_ns = 20 * HP_MS});
    put(&b, PAYLOAD_1000);
    put(&b, PAYLOAD_1000);
    run(&b, 10 * HP_MS);
    put(&b, 72); /* 100 bytes: behind the second, which is done at 16 ms */
    run(&b, 100 * HP_MS);
    put(&b, PAYLOAD_1000); /* the wire has been idle */
    run(&b, HP_S);
    assert_int_equal(b.far->hits->len, 4);
    assert_int_equal(probe_at(b.far, 0)->at, 28 * HP_MS);
    assert_int_equal(probe_at(b.far, 1)->at, 36 * HP_MS);
    assert_int_equal(probe_at(b.far, 2)->at, 36800 * HP_US);
    assert_int_equal(probe_at(b.far, 3)->at, 128 * HP_MS);
    bench_free(&b);
}

static void test_serialisation_rounds_up(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 3000000});
    put(&b, PAYLOAD_1000);
    put(&b, PAYLOAD_1000);
    run(&b, HP_S);
    assert_int_equal(probe_at(b.far, 0)->at, 2666667);
    assert_int_equal(probe_at(b.far, 1)->at, 5333334);
    bench_free(&b);
}

static void test_extremes_do_not_overflow(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1, .mtu = 65535});
    put(&b, 65507); /* 65535 bytes at one bit a second */
    run(&b, 524280 * HP_S - 1);
    assert_int_equal(b.far->hits->len, 0);
    run(&b, 524280 * HP_S);
    assert_int_equal(b.far->hits->len, 1);
    bench_free(&b);

    b = bench_new(1, &(hp_link_config){.rate_bps = UINT64_MAX, .delay_ns = HP_NEVER, .jitter_ns = HP_NEVER});
    put(&b, 10);
    assert_int_equal(hp_world_next_deadline(b.world), HP_NEVER - 1);
    bench_free(&b);
}

static void test_queue_limit_in_packets(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1000000, .queue_packets = 2});
    for (unsigned i = 0; i < 5; i++) {
        put(&b, PAYLOAD_1000); /* one is sent, two wait, two are dropped */
    }
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 2);
    run(&b, 8 * HP_MS - 1);
    put(&b, PAYLOAD_1000); /* still full */
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 3);
    run(&b, 8 * HP_MS); /* the second starts: a place is free */
    put(&b, PAYLOAD_1000);
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 3);
    run(&b, HP_S);
    static const uint64_t uids[] = {1, 2, 3, 7};
    assert_int_equal(b.far->hits->len, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(probe_at(b.far, i)->p->uid, uids[i]);
        assert_int_equal(probe_at(b.far, i)->at, (i + 1) * 8 * HP_MS);
    }
    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_QUEUE, &r), 3);
    assert_string_equal(r.drop.place, "link a>b");
    assert_int_equal(r.drop.uid, 6);
    bench_free(&b);
}

static void test_queue_limit_in_bytes(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1000000, .queue_bytes = 1500});
    put(&b, PAYLOAD_1000); /* sent */
    put(&b, PAYLOAD_1000); /* waits */
    put(&b, PAYLOAD_1000); /* 2000 would wait */
    put(&b, 472); /* 1500: just fits */
    put(&b, 0);
    run(&b, HP_S);
    assert_int_equal(b.far->hits->len, 3);
    assert_int_equal(probe_at(b.far, 2)->p->uid, 4);
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 2);
    bench_free(&b);
}

static void test_default_queue_is_a_thousand(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1000000});
    for (unsigned i = 0; i < 1005; i++) {
        put(&b, PAYLOAD_1000);
    }
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 4);
    run(&b, 100 * HP_S);
    assert_int_equal(b.far->hits->len, 1001);
    assert_int_equal(probe_at(b.far, 1000)->at, 1001 * 8 * HP_MS);
    bench_free(&b);
}

static void test_drop_list(void **state)
{
    /* Neither sorted nor disjoint, with one range that is empty. */
    hp_packet_range ranges[] = {{12, 0}, {4, 5}, {1, 1}, {5, 6}, {9, 8}, {20, 22}};
    bench b = bench_new(1, &(hp_link_config){.drop = ranges, .n_drop = G_N_ELEMENTS(ranges)});
    memset(ranges, 0, sizeof ranges); /* the link has its own copy */
    for (unsigned i = 0; i < 30; i++) {
        put(&b, 10);
    }
    run(&b, HP_S);
    static const uint64_t kept[] = {2, 3, 7, 8, 9, 10, 11};
    assert_int_equal(b.far->hits->len, G_N_ELEMENTS(kept));
    for (unsigned i = 0; i < G_N_ELEMENTS(kept); i++) {
        assert_int_equal(probe_at(b.far, i)->p->uid, kept[i]);
    }
    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_LIST, &r), 23);
    assert_string_equal(r.drop.detail, "packet 30 of this link");
    assert_int_equal(hp_link_get_stats(b.link).lost, 23);
    bench_free(&b);
}

static void test_random_loss(void **state)
{
    enum { N = 100000 };
    bench b = bench_new(7, &(hp_link_config){.loss_ppb = HP_PPB / 10});
    for (unsigned i = 0; i < N; i++) {
        put(&b, 0);
    }
    /* The mean is 10,000 and the standard deviation 95. */
    uint64_t lost = hp_link_get_stats(b.link).lost;
    assert_in_range(lost, 9715, 10285);
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_LOSS, NULL), lost);
    run(&b, HP_S);
    assert_int_equal(b.far->hits->len, N - lost);
    bench_free(&b);
}

static void test_bursts(void **state)
{
    enum { N = 200000 };
    bench b = bench_new(
        7, &(hp_link_config){.burst_enter_ppb = HP_PPB / 100, .burst_leave_ppb = HP_PPB / 4, .burst_loss_ppb = HP_PPB});
    for (unsigned i = 0; i < N; i++) {
        put(&b, 0);
    }
    run(&b, HP_S);
    unsigned lost = 0, bursts = 0;
    uint64_t expected = 1;
    for (unsigned i = 0; i < b.far->hits->len; i++) {
        uint64_t uid = probe_at(b.far, i)->p->uid;
        bursts += uid != expected;
        lost += (unsigned)(uid - expected);
        expected = uid + 1;
    }
    /* In a burst for 1/26 of the time (7,692 of 200,000 packets), four packets at a time (1,923 bursts). */
    assert_in_range(lost, 7250, 8150);
    assert_in_range(bursts, 1800, 2050);
    assert_in_range(lost * 100 / bursts, 380, 420);
    assert_in_range(count_drops(b.trace, HP_DROP_LINK_BURST, NULL), lost,
                    lost + 8); /* the end of the run may be lost */
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_LOSS, NULL), 0);
    bench_free(&b);
}

static void test_losses_add_up_in_the_good_state(void **state)
{
    bench b = bench_new(7, &(hp_link_config){.burst_enter_ppb = 1, .loss_ppb = HP_PPB});
    put(&b, 0);
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_LOSS, NULL), 1);
    bench_free(&b);
}

static void test_jitter_keeps_order(void **state)
{
    enum { N = 2000 };
    hp_link_config config = {.delay_ns = 20 * HP_MS, .jitter_ns = 10 * HP_MS};
    bench b = bench_new(3, &config);
    for (unsigned i = 0; i < N; i++) {
        run(&b, i * HP_MS);
        put(&b, 0);
    }
    run(&b, 10 * HP_S);
    assert_int_equal(b.far->hits->len, N);
    hp_time before = 0, least = HP_NEVER, most = 0;
    for (unsigned i = 0; i < N; i++) {
        const probe_hit *hit = probe_at(b.far, i);
        assert_int_equal(hit->p->uid, i + 1);
        assert_true(hit->at >= before);
        before = hit->at;
        hp_time took = hit->at - i * HP_MS;
        least = MIN(least, took);
        most = MAX(most, took);
    }
    assert_in_range(least, 20 * HP_MS, 24 * HP_MS);
    assert_in_range(most, 29900 * HP_US, 30 * HP_MS);
    bench_free(&b);
}

static void test_reordering(void **state)
{
    enum { N = 1000 };
    hp_link_config config = {.delay_ns = 5 * HP_MS, .reorder_ppb = HP_PPB / 5, .reorder_by_ns = 3500 * HP_US};
    bench b = bench_new(3, &config);
    for (unsigned i = 0; i < N; i++) {
        run(&b, i * HP_MS);
        put(&b, 0);
    }
    run(&b, 10 * HP_S);
    unsigned held = 0, passed = 0;
    for (unsigned i = 0; i < N; i++) {
        const probe_hit *hit = probe_at(b.far, i);
        hp_time sent = (hit->p->uid - 1) * HP_MS;
        bool late = hit->at - sent != 5 * HP_MS;
        assert_int_equal(hit->at - sent, late ? 8500 * HP_US : 5 * HP_MS);
        held += late;
        passed += i > 0 && probe_at(b.far, i - 1)->p->uid > hit->p->uid;
    }
    assert_int_equal(held, hp_link_get_stats(b.link).reordered);
    assert_in_range(held, 165, 235); /* mean 200, standard deviation 12.6 */
    assert_true(passed > 100);
    bench_free(&b);
}

static void test_reorder_defaults(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.reorder_ppb = HP_PPB});
    put(&b, 0);
    run(&b, HP_S);
    assert_int_equal(probe_at(b.far, 0)->at, 10 * HP_MS);
    bench_free(&b);
    b = bench_new(1, &(hp_link_config){.reorder_ppb = HP_PPB, .jitter_ns = 1});
    put(&b, 0);
    run(&b, HP_S);
    assert_in_range(probe_at(b.far, 0)->at, 1, 2); /* one jitter more than 0 or 1 */
    bench_free(&b);
}

static void test_duplicates_and_corruption(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.duplicate_ppb = HP_PPB, .corrupt_ppb = HP_PPB, .delay_ns = HP_MS});
    put(&b, 5);
    put(&b, 6);
    run(&b, HP_S);
    static const uint64_t uids[] = {1, 1, 2, 2};
    assert_int_equal(b.far->hits->len, 4);
    for (unsigned i = 0; i < 4; i++) {
        const probe_hit *hit = probe_at(b.far, i);
        assert_int_equal(hit->p->uid, uids[i]);
        assert_int_equal(hit->at, HP_MS);
        assert_true(hit->p->corrupt);
        assert_int_equal(hit->p->length, 4 + uids[i]);
    }
    hp_link_stats stats = hp_link_get_stats(b.link);
    assert_int_equal(stats.duplicated, 2);
    assert_int_equal(stats.corrupted, 2);
    assert_int_equal(stats.delivered, 4);
    bench_free(&b);
}

static void test_down(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.delay_ns = 10 * HP_MS});
    put(&b, 0);
    hp_link_config config = *hp_link_get_config(b.link);
    config.down = true;
    hp_link_configure(b.link, &config, "down");
    put(&b, 0);
    run(&b, HP_S);
    assert_int_equal(b.far->hits->len, 1); /* what was in flight arrives */
    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_DOWN, &r), 1);
    assert_int_equal(r.drop.uid, 2);
    bench_free(&b);
}

/* Which of a thousand packets get through. */
static char *luck(uint64_t seed, bool with_neighbour)
{
    hp_link_config config = {.loss_ppb = HP_PPB / 2};
    g_autoptr(hp_world) world = hp_world_new(seed, NULL);
    probe *sink = probe_new(world, "sink");
    hp_link *neighbour = with_neighbour ? hp_link_new(world, "c>d", &config) : NULL;
    hp_link *link = hp_link_new(world, "a>b", &config);
    hp_node_connect(hp_link_node(link), 0, &sink->node, 0);
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < 1000; i++) {
        if (neighbour != NULL) {
            give(hp_link_node(neighbour), 0, udp_packet(world, A, B, 0));
        }
        uint64_t lost = hp_link_get_stats(link).lost;
        give(hp_link_node(link), 0, udp_packet(world, A, B, 0));
        g_string_append_c(text, hp_link_get_stats(link).lost == lost ? '.' : 'x');
    }
    return g_string_free(text, FALSE);
}

static void test_luck_depends_on_seed_and_name_alone(void **state)
{
    g_autofree char *once = luck(1, false);
    g_autofree char *again = luck(1, true);
    g_autofree char *other = luck(2, false);
    assert_string_equal(once, again);
    assert_string_not_equal(once, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ideal_wire_delivers_in_a_step_of_its_own),
        cmocka_unit_test(test_rate_and_delay),
        cmocka_unit_test(test_serialisation_rounds_up),
        cmocka_unit_test(test_extremes_do_not_overflow),
        cmocka_unit_test(test_queue_limit_in_packets),
        cmocka_unit_test(test_queue_limit_in_bytes),
        cmocka_unit_test(test_default_queue_is_a_thousand),
        cmocka_unit_test(test_drop_list),
        cmocka_unit_test(test_random_loss),
        cmocka_unit_test(test_bursts),
        cmocka_unit_test(test_losses_add_up_in_the_good_state),
        cmocka_unit_test(test_jitter_keeps_order),
        cmocka_unit_test(test_reordering),
        cmocka_unit_test(test_reorder_defaults),
        cmocka_unit_test(test_duplicates_and_corruption),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_luck_depends_on_seed_and_name_alone),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
