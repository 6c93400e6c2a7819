/* Black holes at set times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/link_rig.h"

/* A packet every `gap`; which of n arrive. */
static char *fate(const hp_link_config *config, hp_time from, hp_time gap, unsigned n)
{
    bench b = bench_new(1, config);
    for (unsigned i = 0; i < n; i++) {
        run(&b, from + i * gap);
        put(&b, 0);
    }
    run(&b, from + n * gap + HP_S);
    char *text = g_strnfill(n, 'x');
    for (unsigned i = 0; i < b.far->hits->len; i++) {
        text[probe_at(b.far, i)->p->uid - 1] = '.';
    }
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_DOWN, NULL), hp_link_get_stats(b.link).lost);
    assert_int_equal(hp_link_get_stats(b.link).lost, n - b.far->hits->len);
    bench_free(&b);
    return text;
}

static void test_windows_once(void **state)
{
    hp_time_window windows[] = {
        {0, 2 * HP_MS}, {5 * HP_MS, 6 * HP_MS}, {6 * HP_MS, 7 * HP_MS}, {9 * HP_MS, 11 * HP_MS}};
    g_autofree char *text = fate(&(hp_link_config){.outages = windows, .n_outages = 4}, 0, HP_MS, 15);
    assert_string_equal(text, "xx...xx..xx....");
}

static void test_windows_in_a_cycle(void **state)
{
    hp_time_window windows[] = {{1 * HP_MS, 2 * HP_MS}, {3 * HP_MS, 4 * HP_MS}};
    hp_link_config config = {.outages = windows, .n_outages = 2, .outage_cycle = 5 * HP_MS};
    g_autofree char *text = fate(&config, 0, HP_MS, 15);
    assert_string_equal(text, ".x.x..x.x..x.x.");
    g_autofree char *sparse = fate(&config, HP_MS, 7 * HP_MS, 5); /* 1, 8, 15, 22, 29: looked at rarely */
    assert_string_equal(sparse, "xx...");
}

static void test_edges(void **state)
{
    hp_time_window windows[] = {{10, 20}};
    g_autofree char *text = fate(&(hp_link_config){.outages = windows, .n_outages = 1}, 9, 1, 12);
    assert_string_equal(text, ".xxxxxxxxxx.");
    hp_time_window endless[] = {{10, HP_NEVER}};
    g_autofree char *rest = fate(&(hp_link_config){.outages = endless, .n_outages = 1}, 9, HP_S, 4);
    assert_string_equal(rest, ".xxx");
}

static void test_flying_and_waiting_packets_pass(void **state)
{
    hp_time_window windows[] = {{10 * HP_MS, 30 * HP_MS}};
    hp_link_config config = {.rate_bps = 1000000, .delay_ns = 5 * HP_MS, .outages = windows, .n_outages = 1};
    bench b = bench_new(1, &config);
    put_times(&b, 3, PAYLOAD_1000);
    run(&b, 15 * HP_MS);
    put(&b, PAYLOAD_1000);
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 13 * HP_MS}, {2, 21 * HP_MS}, {3, 29 * HP_MS}};
    expect_arrivals(&b, wanted, 3);
    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_DOWN, &r), 1);
    assert_string_equal(r.drop.detail, "until 30ms");
    bench_free(&b);
}

/* 200 ms of every 15 s, counted from the change, and not moved by other changes. */
static void test_from_the_change(void **state)
{
    hp_time_window windows[] = {{0, 200 * HP_MS}};
    hp_link_config config = {.outages = windows, .n_outages = 1, .outage_cycle = 15 * HP_S, .times_from_change = true};
    bench b = bench_new(1, &(hp_link_config){0});
    run(&b, 7 * HP_S);
    hp_link_configure(b.link, &config, "scans");
    run(&b, 8 * HP_S);
    config.delay_ns = HP_MS;
    hp_link_configure(b.link, &config, "delay");
    static const hp_time at[] = {8 * HP_S,          15 * HP_S,     22 * HP_S - 1, 22 * HP_S,
                                 22200 * HP_MS - 1, 22200 * HP_MS, 37 * HP_S,     37100 * HP_MS};
    static const bool arrives[] = {true, true, true, false, false, true, false, false};
    for (unsigned i = 0; i < G_N_ELEMENTS(at); i++) {
        run(&b, at[i]);
        uint64_t lost = hp_link_get_stats(b.link).lost;
        put(&b, 0);
        assert_int_equal(hp_link_get_stats(b.link).lost, arrives[i] ? lost : lost + 1);
    }
    config.n_outages = 0;
    config.outage_cycle = 0;
    hp_link_configure(b.link, &config, "no more scans");
    put(&b, 0);
    run(&b, 60 * HP_S);
    assert_int_equal(b.far->hits->len, 5);
    bench_free(&b);
}

static void test_listed_packets_are_counted_in_an_outage(void **state)
{
    hp_time_window windows[] = {{0, 10}};
    hp_packet_range ranges[] = {{3, 3}};
    hp_link_config config = {.outages = windows, .n_outages = 1, .drop = ranges, .n_drop = 1};
    bench b = bench_new(1, &config);
    put_times(&b, 2, 0);
    run(&b, 10);
    put_times(&b, 2, 0);
    run(&b, HP_S);
    expect_arrivals(&b, &(arrival){4, 10}, 1);
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_LIST, NULL), 1);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_once),    cmocka_unit_test(test_windows_in_a_cycle),
        cmocka_unit_test(test_edges),           cmocka_unit_test(test_flying_and_waiting_packets_pass),
        cmocka_unit_test(test_from_the_change), cmocka_unit_test(test_listed_packets_are_counted_in_an_outage),
    };
    return cmocka_run_group_tests_name("link outage", tests, NULL, NULL);
}
