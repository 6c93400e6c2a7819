/* The expectation `link`: delay, jitter and rate, to the nanosecond and the byte, and the numbers behind them. */
#include "check/link_net.h"

/* ---- delay ---- */

static const hp_expect_result *with_delays(net *n, hp_time odd_one)
{
    UP(n).delay_ns = 5 * HP_MS;
    INTERNET(n).delay_ns = 20 * HP_MS;
    expect_link(n);
    for (unsigned i = 0; i < 20; i++) {
        pass(n, i * HP_S, i == 7 ? odd_one : 25 * HP_MS);
    }
    return finish(n, 20 * HP_S);
}

static void delay_to_the_nanosecond(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = with_delays(n, 25 * HP_MS);
    assert_true(r->passed);
    assert_string_equal(r->got, "loss 0 of 20 (0%), delay 5ms..5ms");
}

static void a_nanosecond_too_late(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = with_delays(n, 25 * HP_MS + 1);
    assert_false(r->passed);
    assert_non_null(strstr(r->got, ", 0 packets too early and 1 too late, by up to 1ns"));
    assert_int_equal(r->packet, 15); /* the eighth that alice sent */
}

static void a_nanosecond_too_early(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = with_delays(n, 25 * HP_MS - 1);
    assert_false(r->passed);
    assert_non_null(strstr(r->got, ", 1 packets too early and 0 too late, by up to 1ns"));
}

/* Waiting for a constant rate is known: 100 bytes at 1 Mbit/s take 800 us. */
static void waiting_is_not_lateness(void **state)
{
    for (hp_time extra = 0; extra < 2; extra++) {
        if (extra > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        g_autofree net *n = net_new(state);
        UP(n).rate_bps = 1000000;
        UP(n).delay_ns = HP_MS;
        expect_link(n)->link.delay = declared();
        for (unsigned i = 0; i < 10; i++) {
            pass(n, HP_S, HP_MS + (i + 1) * 800 * HP_US + (i == 9 ? extra : 0));
        }
        assert_int_equal(finish(n, HP_S)->passed, extra == 0);
    }
}

/* Delays spread over [0, reach] instead of over [0, 10 ms]: the distributions are a tenth apart. */
static const hp_expect_result *with_jitter(net *n, unsigned packets, hp_time reach)
{
    UP(n).jitter_ns = 10 * HP_MS;
    expect_link(n);
    for (unsigned i = 0; i < packets; i++) {
        pass(n, i * 20 * HP_MS, (2 * i + 1) * reach / (2 * packets));
    }
    return finish(n, packets * 20 * HP_MS);
}

static void jitter_as_declared(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = with_jitter(n, 800, 10 * HP_MS);
    assert_true(r->passed);
    assert_string_equal(r->got,
                        "loss 0 of 800 (0%), delay 6.25us..9.993ms, its distribution 0.063% off, of 800 packets");
    assert_non_null(strstr(r->expected, "its distribution at most 9.688% off the declared one"));
}

static void jitter_of_another_width(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = with_jitter(n, 800, 9 * HP_MS);
    assert_false(r->passed);
    assert_non_null(strstr(r->got, "its distribution 10.0"));
}

static void jitter_of_another_width_shows_only_in_many(void **state)
{
    g_autofree net *n = net_new(state);
    assert_true(with_jitter(n, 700, 9 * HP_MS)->passed);
}

static void jitter_needs_packets(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = with_jitter(n, 199, 10 * HP_MS);
    assert_false(r->passed);
    assert_non_null(strstr(r->got, "jitter: needs at least 200 packets, there were 199"));
}

/* ---- rate ---- */

/* 1000 packets of 100 bytes, all there at once, leave `apart` from each other. 8 Mbit/s: 100 us each. */
static const hp_expect_result *at_rate(net *n, hp_time apart, unsigned burst)
{
    UP(n).rate_bps = 8000000;
    expect_link(n)->link.rate = declared();
    for (unsigned i = 0; i < 1000; i++) {
        pass(n, HP_S, (i / burst * burst + burst) * apart);
    }
    return finish(n, HP_S);
}

static void rate_in_full_use(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = at_rate(n, 100 * HP_US, 1);
    assert_true(r->passed);
    assert_string_equal(r->got, "rate never exceeded, in use while packets waited: 8Mbit/s");
    assert_string_equal(r->expected, "rate at most as declared, 99% of it in use while packets wait: 8Mbit/s");
}

static void rate_at_99_percent(void **state)
{
    g_autofree net *n = net_new(state);
    assert_true(at_rate(n, 101 * HP_US, 1)->passed);
}

static void rate_below_99_percent(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = at_rate(n, 101 * HP_US + 20, 1);
    assert_false(r->passed);
    assert_string_equal(r->got, "rate never exceeded, in use while packets waited: 7.919Mbit/s");
}

/* Two at a time are one packet of slack, three are not. */
static void rate_in_bursts(void **state)
{
    g_autofree net *n = net_new(state);
    assert_true(at_rate(n, 100 * HP_US, 2)->passed);
}

static void rate_in_larger_bursts(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = at_rate(n, 100 * HP_US, 3);
    assert_false(r->passed);
    assert_non_null(strstr(r->got, "rate exceeded by 100 bytes"));
}

/* A nanosecond a packet adds up to a byte in a thousand of them. */
static void rate_a_byte_too_high(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = at_rate(n, 100 * HP_US - 1, 2);
    assert_false(r->passed);
    assert_non_null(strstr(r->got, "rate exceeded by 1 bytes"));
}

static void rate_never_reached(void **state)
{
    g_autofree net *n = net_new(state);
    UP(n).rate_bps = 8000000;
    expect_link(n)->link.rate = declared();
    for (unsigned i = 0; i < 200; i++) {
        pass(n, i * HP_MS, 100 * HP_US);
    }
    const hp_expect_result *r = finish(n, HP_S);
    assert_false(r->passed);
    assert_string_equal(r->got, "rate: needs at least 100 packets, there were 0");
}

static void capacity(void **state)
{
    static hp_rate_step steps[] = {{HP_S, 1000}, {2 * HP_S, 0}};
    const hp_link_config in_steps = {.rate_bps = 500, .rate_steps = steps, .n_rate_steps = 2, .rate_cycle = 3 * HP_S};
    hp_lane_epoch e = {.config = &in_steps};
    assert_true(hp_link_capacity(&e, 0, HP_S) == (unsigned __int128)500 * HP_S);
    assert_true(hp_link_capacity(&e, 0, 3 * HP_S) == (unsigned __int128)1500 * HP_S);
    assert_true(hp_link_capacity(&e, HP_S / 2, 7 * HP_S) == (unsigned __int128)(250 + 1000 + 1500 + 500) * HP_S);
    e.rate_origin = HP_S;
    assert_true(hp_link_capacity(&e, 0, 2 * HP_S) == (unsigned __int128)500 * HP_S);
    static hp_time opportunities[] = {HP_MS, HP_MS, 5 * HP_MS};
    const hp_link_config trace = {.opportunities = opportunities, .n_opportunities = 3};
    e = (hp_lane_epoch){.config = &trace};
    const unsigned __int128 one = (unsigned __int128)HP_OPPORTUNITY_BYTES * 8 * HP_S;
    assert_true(hp_link_capacity(&e, 0, HP_MS) == 2 * one);
    assert_true(hp_link_capacity(&e, HP_MS, 5 * HP_MS - 1) == 0);
    assert_true(hp_link_capacity(&e, HP_MS, 6 * HP_MS) == 3 * one);
}

/* ---- the numbers ---- */

#define ASSERT_CLOSE(value, wanted)                                                                                    \
    do {                                                                                                               \
        const int64_t got_ = (int64_t)((unsigned __int128)(value)*1000000000 >> 32), want_ = (wanted);                 \
        assert_in_range(got_ - want_ + 100, 0, 200); /* parts of 1e9 */                                                \
    } while (0)

/* Tables of the normal distribution, and what follows from the definitions. */
static void distributions(void **state)
{
    const hp_link_config normal = {
        .jitter_kind = HP_JITTER_NORMAL, .jitter_ns = 100 * HP_MS, .jitter_sigma_ns = 10 * HP_MS};
    ASSERT_CLOSE(hp_jitter_at_most(&normal, 100 * HP_MS), 500000000);
    ASSERT_CLOSE(hp_jitter_at_most(&normal, 110 * HP_MS), 841344746);
    ASSERT_CLOSE(hp_jitter_at_most(&normal, 90 * HP_MS), 158655254);
    ASSERT_CLOSE(hp_jitter_at_most(&normal, 130 * HP_MS), 998650102);
    ASSERT_CLOSE(hp_jitter_at_most(&normal, 160 * HP_MS), 999999999);
    const hp_link_config half = {.jitter_kind = HP_JITTER_NORMAL, .jitter_sigma_ns = 10 * HP_MS};
    ASSERT_CLOSE(hp_jitter_at_most(&half, 10 * HP_MS), 682689492);
    const hp_link_config pareto = {.jitter_kind = HP_JITTER_PARETO, .jitter_ns = HP_MS, .jitter_shape_milli = 1000};
    ASSERT_CLOSE(hp_jitter_at_most(&pareto, HP_MS - 1), 0);
    ASSERT_CLOSE(hp_jitter_at_most(&pareto, 2 * HP_MS), 500000000);
    ASSERT_CLOSE(hp_jitter_at_most(&pareto, 1000 * HP_MS), 999000000);
    const hp_link_config steep = {.jitter_kind = HP_JITTER_PARETO, .jitter_ns = 4 * HP_MS, .jitter_shape_milli = 2500};
    ASSERT_CLOSE(hp_jitter_at_most(&steep, 8 * HP_MS), 823223305); /* 1 - 2^-2.5 */
    hp_time list[] = {HP_MS, 2 * HP_MS, 2 * HP_MS, 10 * HP_MS};
    const hp_link_config empirical = {.jitter_kind = HP_JITTER_EMPIRICAL, .jitter_list = list, .n_jitter_list = 4};
    ASSERT_CLOSE(hp_jitter_at_most(&empirical, 2 * HP_MS), 750000000);
    ASSERT_CLOSE(hp_jitter_below(&empirical, 2 * HP_MS), 250000000);
    const hp_link_config held = {.jitter_ns = 9, .reorder_ppb = 250000000, .reorder_by_ns = 5};
    ASSERT_CLOSE(hp_jitter_at_most(&held, 4), 375000000);
    ASSERT_CLOSE(hp_jitter_at_most(&held, 9), 875000000);
    assert_true(hp_jitter_at_most(&held, 14) == UINT64_C(1) << 32);
}

static void roots(void **state)
{
    static const uint64_t values[] = {0, 1, 2, 3, 4, 99, 100, 101, UINT32_MAX};
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        uint64_t root = hp_isqrt(values[i]);
        assert_true(root * root <= values[i] && (root + 1) * (root + 1) > values[i]);
    }
    assert_true(hp_isqrt(~(unsigned __int128)0) == UINT64_MAX);
    assert_true(hp_isqrt((unsigned __int128)UINT64_MAX * UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(delay_to_the_nanosecond),
        TEST(a_nanosecond_too_late),
        TEST(a_nanosecond_too_early),
        TEST(waiting_is_not_lateness),
        TEST(jitter_as_declared),
        TEST(jitter_of_another_width),
        TEST(jitter_of_another_width_shows_only_in_many),
        TEST(jitter_needs_packets),
        TEST(rate_in_full_use),
        TEST(rate_at_99_percent),
        TEST(rate_below_99_percent),
        TEST(rate_in_bursts),
        TEST(rate_in_larger_bursts),
        TEST(rate_a_byte_too_high),
        TEST(rate_never_reached),
        cmocka_unit_test(capacity),
        cmocka_unit_test(distributions),
        cmocka_unit_test(roots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
