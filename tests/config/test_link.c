/* A link's settings: what makes sense, copies, comparison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "config/link.h"

static void expect_refused(hp_link_config config, const char *message)
{
    g_autoptr(GError) error = NULL;
    assert_false(hp_link_config_check(&config, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_string_equal(error->message, message);
}

static void expect_sound(hp_link_config config)
{
    g_autoptr(GError) error = NULL;
    assert_true(hp_link_config_check(&config, &error));
    assert_null(error);
}

static void test_jitter(void **state)
{
    hp_time list[] = {1};
    expect_sound((hp_link_config){0});
    expect_sound((hp_link_config){.jitter_kind = HP_JITTER_NORMAL});
    expect_sound((hp_link_config){.jitter_kind = HP_JITTER_PARETO, .jitter_shape_milli = 1});
    expect_sound((hp_link_config){.jitter_kind = HP_JITTER_EMPIRICAL, .jitter_list = list, .n_jitter_list = 1});
    expect_refused((hp_link_config){.jitter_kind = HP_JITTER_PARETO}, "Pareto jitter needs a shape above 0");
    expect_refused((hp_link_config){.jitter_kind = HP_JITTER_LIST}, "jitter from a list needs at least one delay");
    expect_refused((hp_link_config){.jitter_kind = (hp_jitter_kind)99}, "no such kind of jitter");
}

static void test_steps(void **state)
{
    hp_rate_step twice[] = {{5, 1}, {5, 2}}, good[] = {{0, 0}, {10, 7}}, nothing[] = {{0, 0}, {10, 0}};
    expect_sound((hp_link_config){.rate_steps = good, .n_rate_steps = 2});
    expect_sound((hp_link_config){.rate_steps = good, .n_rate_steps = 2, .rate_cycle = 11});
    expect_sound((hp_link_config){.rate_steps = nothing, .n_rate_steps = 2});
    expect_refused((hp_link_config){.rate_steps = twice, .n_rate_steps = 2}, "the rate's steps are not in order");
    expect_refused((hp_link_config){.rate_steps = good, .n_rate_steps = 2, .rate_cycle = 10},
                   "the rate's last step does not begin within the cycle");
    expect_refused((hp_link_config){.rate_steps = nothing, .n_rate_steps = 2, .rate_cycle = 20},
                   "a cycle of rates must send at some time");
    expect_sound((hp_link_config){.rate_steps = nothing + 1, .n_rate_steps = 1, .rate_cycle = 20});
    expect_refused((hp_link_config){.rate_cycle = 5}, "a cycle of rates needs at least one step");
}

static void test_opportunities(void **state)
{
    hp_time good[] = {0, 0, 4, 4}, falls[] = {3, 2}, zero[] = {0, 0};
    hp_rate_step step = {0, 5};
    expect_sound((hp_link_config){.opportunities = good, .n_opportunities = 4});
    expect_refused((hp_link_config){.opportunities = falls, .n_opportunities = 2},
                   "the opportunities to send are not in order");
    expect_refused((hp_link_config){.opportunities = zero, .n_opportunities = 2},
                   "the last opportunity to send must lie after 0");
    expect_refused((hp_link_config){.opportunities = good, .n_opportunities = 4, .rate_bps = 1},
                   "a link has a rate or a trace of opportunities to send, not both");
    expect_refused(
        (hp_link_config){.opportunities = good, .n_opportunities = 4, .rate_steps = &step, .n_rate_steps = 1},
        "a link has a rate or a trace of opportunities to send, not both");
}

static void test_outages(void **state)
{
    hp_time_window good[] = {{0, 1}, {1, 5}}, empty[] = {{3, 3}}, overlap[] = {{0, 3}, {2, 5}};
    expect_sound((hp_link_config){.outages = good, .n_outages = 2});
    expect_sound((hp_link_config){.outages = good, .n_outages = 2, .outage_cycle = 5});
    expect_refused((hp_link_config){.outages = good, .n_outages = 2, .outage_cycle = 4},
                   "the last outage does not end within the cycle");
    expect_refused((hp_link_config){.outages = empty, .n_outages = 1}, "an outage ends before it begins");
    expect_refused((hp_link_config){.outages = overlap, .n_outages = 2}, "outages overlap or are not in order");
    expect_refused((hp_link_config){.outage_cycle = 4}, "a cycle of outages needs at least one");
}

/* Each setting alone is enough, and what depends on another is not. */
static void test_ideal(void **state)
{
    hp_rate_step step = {0, 5};
    hp_time list[] = {1};
    hp_time_window window = {0, 1};
    hp_packet_range range = {1, 1};
    const hp_link_config not_ideal[] = {
        {.rate_bps = 1},
        {.delay_ns = 1},
        {.jitter_ns = 1},
        {.jitter_kind = HP_JITTER_LIST, .jitter_list = list, .n_jitter_list = 1},
        {.jitter_kind = HP_JITTER_NORMAL, .jitter_sigma_ns = 1},
        {.loss_ppb = 1},
        {.burst_enter_ppb = 1},
        {.drop = &range, .n_drop = 1},
        {.duplicate_ppb = 1},
        {.reorder_ppb = 1},
        {.corrupt_ppb = 1},
        {.mtu = 1500},
        {.down = true},
        {.rate_steps = &step, .n_rate_steps = 1},
        {.opportunities = list, .n_opportunities = 1},
        {.outages = &window, .n_outages = 1},
    };
    assert_true(hp_link_config_is_ideal(&(hp_link_config){0}));
    assert_true(hp_link_config_is_ideal(
        &(hp_link_config){.queue_packets = 5, .queue_kind = HP_QUEUE_CODEL, .burst_steady = true, .codel_ecn = true}));
    for (unsigned i = 0; i < G_N_ELEMENTS(not_ideal); i++) {
        assert_false(hp_link_config_is_ideal(&not_ideal[i]));
    }
}

static void test_copies_own_their_arrays(void **state)
{
    hp_rate_step step = {3, 5};
    hp_time list[] = {1, 2}, trace[] = {7};
    hp_time_window window = {1, 9};
    hp_packet_range range = {4, 6};
    hp_link_config original = {
        .delay_ns = 12,
        .jitter_list = list,
        .n_jitter_list = 2,
        .rate_steps = &step,
        .n_rate_steps = 1,
        .opportunities = trace,
        .n_opportunities = 1,
        .outages = &window,
        .n_outages = 1,
        .drop = &range,
        .n_drop = 1,
        .drop_some = true,
        .drop_match = {.proto = 17},
    };
    hp_link_config copy;
    hp_link_config_copy(&original, &copy);
    step = (hp_rate_step){0};
    memset(list, 0, sizeof list);
    trace[0] = 0;
    window = (hp_time_window){0};
    range = (hp_packet_range){0};
    assert_int_equal(copy.delay_ns, 12);
    assert_int_equal(copy.rate_steps[0].rate_bps, 5);
    assert_int_equal(copy.jitter_list[1], 2);
    assert_int_equal(copy.opportunities[0], 7);
    assert_int_equal(copy.outages[0].to, 9);
    assert_int_equal(copy.drop[0].last, 6);
    assert_int_equal(copy.drop_match.proto, 17);
    hp_link_config_clear(&copy);
    assert_true(hp_link_config_is_ideal(&copy));
    assert_null(copy.drop);
    hp_link_config_clear(&copy);
}

static void test_comparison(void **state)
{
    hp_rate_step a_steps[] = {{0, 1}, {5, 2}}, b_steps[] = {{0, 1}, {5, 3}};
    hp_link_config a = {.rate_bps = 1, .rate_steps = a_steps, .n_rate_steps = 2};
    hp_link_config b = a;
    b.delay_ns = 5;
    assert_true(hp_link_config_same_rate(&a, &b));
    assert_true(hp_link_config_same_outages(&a, &b));
    b.rate_steps = b_steps;
    assert_false(hp_link_config_same_rate(&a, &b));
    b = a;
    b.rate_cycle = 9;
    assert_false(hp_link_config_same_rate(&a, &b));
    b = a;
    b.times_from_change = true;
    assert_false(hp_link_config_same_rate(&a, &b));
    assert_true(hp_link_config_same_outages(&a, &b)); /* there are none to count */
    a.n_rate_steps = b.n_rate_steps = 0;
    assert_true(hp_link_config_same_rate(&a, &b));
    hp_time_window window = {1, 2};
    a.outages = b.outages = &window;
    a.n_outages = b.n_outages = 1;
    assert_false(hp_link_config_same_outages(&a, &b));
    b.times_from_change = false;
    assert_true(hp_link_config_same_outages(&a, &b));
    b.n_outages = 0;
    assert_false(hp_link_config_same_outages(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jitter),     cmocka_unit_test(test_steps), cmocka_unit_test(test_opportunities),
        cmocka_unit_test(test_outages),    cmocka_unit_test(test_ideal), cmocka_unit_test(test_copies_own_their_arrays),
        cmocka_unit_test(test_comparison),
    };
    return cmocka_run_group_tests_name("link settings", tests, NULL, NULL);
}
