/* Rates that change: steps with exact instants, opportunities to send as mahimahi's traces have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/link_rig.h"

/* ---- steps ---- */

static void test_a_packet_goes_on_through_the_steps(void **state)
{
    hp_rate_step steps[] = {{10 * HP_MS, 2000000}, {20 * HP_MS, 0}, {30 * HP_MS, 1000000}};
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1000000, .rate_steps = steps, .n_rate_steps = 3});
    memset(steps, 0, sizeof steps); /* the link has its own copy */
    put_times(&b, 5, PAYLOAD_1000);
    run(&b, HP_S);
    /* The second: 2 ms at 1 Mbit/s and 3 ms at 2. The fourth: 3 ms, a standstill of 10, and 2 ms more. */
    static const arrival wanted[] = {
        {1, 8 * HP_MS}, {2, 13 * HP_MS}, {3, 17 * HP_MS}, {4, 32 * HP_MS}, {5, 40 * HP_MS}};
    expect_arrivals(&b, wanted, G_N_ELEMENTS(wanted));
    bench_free(&b);
}

static void test_parts_of_bits_are_counted(void **state)
{
    hp_rate_step steps[] = {{1000001, 7000000}};
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 3000000, .rate_steps = steps, .n_rate_steps = 1});
    put(&b, PAYLOAD_1000);
    run(&b, HP_S);
    /* (8,000 * 10^9 - 1,000,001 * 3 * 10^6) / (7 * 10^6) is 714,285.3. */
    expect_arrivals(&b, &(arrival){1, 1000001 + 714286}, 1);
    bench_free(&b);
}

static void test_nobody_starts_in_a_standstill(void **state)
{
    hp_rate_step steps[] = {{0, 0}, {30 * HP_MS, 1000000}};
    hp_link_config config = {.rate_steps = steps, .n_rate_steps = 2, .delay_ns = HP_MS, .queue_packets = 2};
    bench b = bench_new(1, &config);
    run(&b, 25 * HP_MS);
    put_times(&b, 3, PAYLOAD_1000); /* all of them wait, and there is room for two */
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 1);
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 39 * HP_MS}, {2, 47 * HP_MS}};
    expect_arrivals(&b, wanted, 2);
    bench_free(&b);
}

static void test_steps_in_a_cycle(void **state)
{
    hp_rate_step steps[] = {{0, 1000000}, {10 * HP_MS, 0}};
    bench b = bench_new(1, &(hp_link_config){.rate_steps = steps, .n_rate_steps = 2, .rate_cycle = 20 * HP_MS});
    put_times(&b, 6, PAYLOAD_1000); /* one and a quarter every 20 ms */
    run(&b, HP_S);
    put(&b, PAYLOAD_1000); /* at the first instant of a cycle */
    run(&b, HP_S + 15 * HP_MS);
    put(&b, PAYLOAD_1000);
    run(&b, 2 * HP_S);
    static const arrival wanted[] = {
        {1, 8 * HP_MS},  {2, 26 * HP_MS}, {3, 44 * HP_MS},   {4, 62 * HP_MS},
        {5, 70 * HP_MS}, {6, 88 * HP_MS}, {7, 1008 * HP_MS}, {8, 1028 * HP_MS},
    };
    expect_arrivals(&b, wanted, G_N_ELEMENTS(wanted));
    bench_free(&b);
}

static void test_slow_cycles_are_skipped(void **state)
{
    /* One bit in a billion cycles. */
    hp_rate_step steps[] = {{0, 1}, {1, 0}};
    bench b = bench_new(1, &(hp_link_config){.rate_steps = steps, .n_rate_steps = 2, .rate_cycle = 2});
    put(&b, PAYLOAD_1000);
    run(&b, 20000 * HP_S);
    expect_arrivals(&b, &(arrival){1, 16000 * HP_S - 1}, 1);
    bench_free(&b);
}

static void test_no_rate_before_the_first_step_is_no_limit(void **state)
{
    hp_rate_step steps[] = {{10 * HP_MS, 1000000}};
    bench b = bench_new(1, &(hp_link_config){.rate_steps = steps, .n_rate_steps = 1});
    put_times(&b, 2, PAYLOAD_1000);
    run(&b, 20 * HP_MS);
    put(&b, PAYLOAD_1000);
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 0}, {2, 0}, {3, 28 * HP_MS}};
    expect_arrivals(&b, wanted, 3);
    bench_free(&b);
}

static void test_a_rate_that_ends_for_good(void **state)
{
    hp_rate_step steps[] = {{4 * HP_MS, 0}};
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1000000, .rate_steps = steps, .n_rate_steps = 1});
    put_times(&b, 3, PAYLOAD_1000); /* half of the first has left */
    run(&b, 3600 * HP_S);
    expect_arrivals(&b, NULL, 0);
    hp_rate_step again[] = {{4 * HP_MS, 1000000}};
    hp_link_config config = {.rate_steps = again, .n_rate_steps = 1};
    hp_link_configure(b.link, &config, "it goes on"); /* and the first begins anew */
    run(&b, 3601 * HP_S);
    static const arrival wanted[] = {
        {1, 3600 * HP_S + 8 * HP_MS}, {2, 3600 * HP_S + 16 * HP_MS}, {3, 3600 * HP_S + 24 * HP_MS}};
    expect_arrivals(&b, wanted, 3);
    bench_free(&b);
}

static void test_steps_count_from_the_start_or_from_the_change(void **state)
{
    hp_rate_step steps[] = {{0, 1000000}, {100 * HP_MS, 8000000}};
    hp_link_config config = {.rate_steps = steps, .n_rate_steps = 2};
    bench b = bench_new(1, &(hp_link_config){0});
    run(&b, 150 * HP_MS);
    hp_link_configure(b.link, &config, "steps");
    put(&b, PAYLOAD_1000);
    run(&b, 160 * HP_MS);
    config.times_from_change = true;
    hp_link_configure(b.link, &config, "from now");
    put(&b, PAYLOAD_1000);
    run(&b, 250 * HP_MS);
    config.delay_ns = HP_MS;
    hp_link_configure(b.link, &config, "the delay alone: the steps go on as they were");
    run(&b, 260 * HP_MS);
    put(&b, PAYLOAD_1000);
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 151 * HP_MS}, {2, 168 * HP_MS}, {3, 262 * HP_MS}};
    expect_arrivals(&b, wanted, 3);
    bench_free(&b);
}

/* ---- opportunities ---- */

static bench traced(const hp_time *list, unsigned n, hp_link_config config)
{
    hp_time copy[16];
    g_assert(n <= G_N_ELEMENTS(copy));
    memcpy(copy, list, n * sizeof *copy);
    config.opportunities = copy;
    config.n_opportunities = n;
    return bench_new(1, &config);
}

static void test_one_full_packet_an_opportunity(void **state)
{
    static const hp_time list[] = {1 * HP_MS, 2 * HP_MS, 2 * HP_MS, 5 * HP_MS};
    bench b = traced(list, 4, (hp_link_config){.delay_ns = 10 * HP_MS});
    put_times(&b, 6, PAYLOAD_1500);
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 11 * HP_MS}, {2, 12 * HP_MS}, {3, 12 * HP_MS},
                                     {4, 15 * HP_MS}, {5, 16 * HP_MS}, {6, 17 * HP_MS}};
    expect_arrivals(&b, wanted, G_N_ELEMENTS(wanted));
    bench_free(&b);
}

static void test_small_packets_share_one(void **state)
{
    static const hp_time list[] = {HP_MS};
    bench b = traced(list, 1, (hp_link_config){0});
    /* 500 bytes take 504 of 1504: the third has 496 of the first opportunity and 8 of the second, in which 1496 are
     * left, for two more and most of the sixth. */
    put_times(&b, 6, 472);
    run(&b, HP_S);
    static const arrival wanted[] = {{1, HP_MS},     {2, HP_MS},     {3, 2 * HP_MS},
                                     {4, 2 * HP_MS}, {5, 2 * HP_MS}, {6, 3 * HP_MS}};
    expect_arrivals(&b, wanted, G_N_ELEMENTS(wanted));
    bench_free(&b);
}

static void test_what_is_not_used_is_gone(void **state)
{
    static const hp_time list[] = {HP_MS};
    bench b = traced(list, 1, (hp_link_config){0});
    put(&b, 472);
    run(&b, HP_MS); /* 1000 bytes of this opportunity are left, and nobody waits */
    put(&b, 472);
    run(&b, 3600 * HP_S + 1);
    put_times(&b, 2, PAYLOAD_1500); /* neither do the opportunities of an hour pile up */
    run(&b, 3700 * HP_S);
    static const arrival wanted[] = {
        {1, HP_MS}, {2, 2 * HP_MS}, {3, 3600 * HP_S + HP_MS}, {4, 3600 * HP_S + 2 * HP_MS}};
    expect_arrivals(&b, wanted, 4);
    bench_free(&b);
}

static void test_the_trace_begins_anew_with_its_last_instant(void **state)
{
    static const hp_time list[] = {0, 10 * HP_MS};
    bench b = traced(list, 2, (hp_link_config){0});
    put_times(&b, 5, PAYLOAD_1500); /* too late for the opportunity at 0 */
    run(&b, HP_S);
    static const arrival wanted[] = {
        {1, 10 * HP_MS}, {2, 10 * HP_MS}, {3, 20 * HP_MS}, {4, 20 * HP_MS}, {5, 30 * HP_MS}};
    expect_arrivals(&b, wanted, 5);
    bench_free(&b);
}

static void test_a_packet_larger_than_an_opportunity(void **state)
{
    static const hp_time list[] = {HP_MS};
    bench b = traced(list, 1, (hp_link_config){.mtu = 9000});
    put(&b, 9000 - 28); /* 9004 bytes: six opportunities, of which 20 bytes are left */
    put(&b, 0); /* 32 bytes */
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 6 * HP_MS}, {2, 7 * HP_MS}};
    expect_arrivals(&b, wanted, 2);
    bench_free(&b);
}

static void test_who_waits_for_an_opportunity_is_in_the_queue(void **state)
{
    static const hp_time list[] = {HP_MS};
    bench b = traced(list, 1, (hp_link_config){.queue_packets = 1});
    put_times(&b, 2, PAYLOAD_1500);
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 1);
    run(&b, HP_MS);
    put(&b, PAYLOAD_1500);
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 1);
    run(&b, HP_S);
    assert_int_equal(b.far->hits->len, 2);
    bench_free(&b);
}

static void test_from_a_rate_to_a_trace_and_back(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1000000});
    put_times(&b, 5, PAYLOAD_1000); /* 8 ms each; a trace carries it in one opportunity */
    run(&b, 3 * HP_MS);
    hp_time list[] = {2 * HP_MS, 3 * HP_MS};
    hp_link_config trace = {.opportunities = list, .n_opportunities = 2};
    hp_link_configure(b.link, &trace, "trace");
    /* The first stays on the wire until 8 ms, where an opportunity has 500 bytes left after the second; the next are at
     * 9, 11 and 12 ms. */
    run(&b, 9 * HP_MS);
    hp_link_configure(b.link, &(hp_link_config){.rate_bps = 8000000}, "back");
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 8 * HP_MS}, {2, 8 * HP_MS}, {3, 9 * HP_MS}, {4, 10 * HP_MS}, {5, 11 * HP_MS}};
    expect_arrivals(&b, wanted, 5);
    bench_free(&b);
}

static void test_an_opportunity_at_the_very_change(void **state)
{
    hp_time list[] = {0, 7 * HP_MS};
    hp_rate_step never = {0, 0};
    bench b = bench_new(1, &(hp_link_config){.rate_steps = &never, .n_rate_steps = 1});
    run(&b, HP_MS);
    put(&b, PAYLOAD_1500);
    run(&b, 10 * HP_MS);
    hp_link_config trace = {.opportunities = list, .n_opportunities = 2, .times_from_change = true};
    hp_link_configure(b.link, &trace, "trace");
    put_times(&b, 2, PAYLOAD_1500); /* these come too late for it */
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 10 * HP_MS}, {2, 17 * HP_MS}, {3, 17 * HP_MS}};
    expect_arrivals(&b, wanted, 3);
    bench_free(&b);
}

static void test_a_trace_from_the_change(void **state)
{
    hp_time list[] = {7 * HP_MS};
    hp_link_config trace = {.opportunities = list, .n_opportunities = 1};
    bench b = bench_new(1, &trace);
    run(&b, 10 * HP_MS);
    put_times(&b, 2, PAYLOAD_1500);
    trace.times_from_change = true;
    hp_link_configure(b.link, &trace, "from now");
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 17 * HP_MS}, {2, 24 * HP_MS}};
    expect_arrivals(&b, wanted, 2);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_packet_goes_on_through_the_steps),
        cmocka_unit_test(test_parts_of_bits_are_counted),
        cmocka_unit_test(test_nobody_starts_in_a_standstill),
        cmocka_unit_test(test_steps_in_a_cycle),
        cmocka_unit_test(test_slow_cycles_are_skipped),
        cmocka_unit_test(test_no_rate_before_the_first_step_is_no_limit),
        cmocka_unit_test(test_a_rate_that_ends_for_good),
        cmocka_unit_test(test_steps_count_from_the_start_or_from_the_change),
        cmocka_unit_test(test_one_full_packet_an_opportunity),
        cmocka_unit_test(test_small_packets_share_one),
        cmocka_unit_test(test_what_is_not_used_is_gone),
        cmocka_unit_test(test_the_trace_begins_anew_with_its_last_instant),
        cmocka_unit_test(test_a_packet_larger_than_an_opportunity),
        cmocka_unit_test(test_who_waits_for_an_opportunity_is_in_the_queue),
        cmocka_unit_test(test_from_a_rate_to_a_trace_and_back),
        cmocka_unit_test(test_an_opportunity_at_the_very_change),
        cmocka_unit_test(test_a_trace_from_the_change),
    };
    return cmocka_run_group_tests_name("link rate", tests, NULL, NULL);
}
