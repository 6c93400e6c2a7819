/* The expectation `link`: shares of packets, outages, lists and changes; bounds to the last packet, and links that lie
 * by a hair. */
#include "check/link_net.h"

/* n packets a millisecond apart, of which `lost` are lost, spread evenly. */
static const hp_expect_result *lose_of(net *n, unsigned packets, unsigned lost)
{
    for (unsigned i = 0; i < packets; i++) {
        if ((uint64_t)i * lost / packets != (uint64_t)(i + 1) * lost / packets) {
            lose(n, i * HP_MS, HP_DROP_LINK_LOSS);
        } else {
            pass(n, i * HP_MS, 0);
        }
    }
    return finish(n, packets * HP_MS);
}

/* ---- shares ---- */

/* 1000 packets at 10%: 100 on average, 9.49 the deviation. */
static void loss_at_its_bounds(void **state)
{
    static const struct {
        unsigned lost;
        bool passes;
    } cases[] = {{52, false}, {53, true}, {100, true}, {151, true}, {152, false}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (i > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        g_autofree net *n = net_new(state);
        UP(n).loss_ppb = 100000000;
        expect_link(n)->link.loss = declared();
        const hp_expect_result *r = lose_of(n, 1000, cases[i].lost);
        assert_int_equal(r->passed, cases[i].passes);
        assert_string_equal(r->expected, "loss as declared, 10%: 53..151 of 1000");
        g_autofree char *got = g_strdup_printf("loss %u of 1000 (%s)", cases[i].lost,
                                               i == 0   ? "5.2%"
                                               : i == 1 ? "5.3%"
                                               : i == 2 ? "10%"
                                               : i == 3 ? "15.1%"
                                                        : "15.2%");
        assert_string_equal(r->got, got);
    }
}

static void too_few_packets_say_nothing(void **state)
{
    g_autofree net *n = net_new(state);
    UP(n).loss_ppb = 100000000;
    expect_link(n)->link.loss = declared();
    const hp_expect_result *r = lose_of(n, 225, 22);
    assert_false(r->passed);
    assert_string_equal(r->got, "loss: needs at least 226 packets, there were 225");
}

static void enough_packets(void **state)
{
    g_autofree net *n = net_new(state);
    UP(n).loss_ppb = 100000000;
    expect_link(n)->link.loss = declared();
    assert_true(lose_of(n, 226, 22)->passed);
}

static void no_packet_at_all(void **state)
{
    g_autofree net *n = net_new(state);
    expect_link(n);
    const hp_expect_result *r = finish(n, 0);
    assert_false(r->passed);
    assert_string_equal(
        r->got, "loss: needs at least 1 packets, there were 0, delay of no packet told apart from other links'");
}

static void a_link_without_loss_loses_nothing(void **state)
{
    g_autofree net *n = net_new(state);
    expect_link(n);
    const hp_expect_result *r = lose_of(n, 1000, 1);
    assert_false(r->passed);
    assert_string_equal(r->got, "loss 1 of 1000 (0.1%), delay 0ns..0ns");
}

/* What another link loses is not this one's. */
static void losses_of_others(void **state)
{
    g_autofree net *n = net_new(state);
    INTERNET(n).loss_ppb = 500000000;
    expect_link(n);
    for (unsigned i = 0; i < 100; i++) {
        put(n, i * HP_MS, i * HP_MS, i % 2 == 0 ? "link internet/alice" : NULL, HP_DROP_LINK_LOSS);
    }
    const hp_expect_result *r = finish(n, 100 * HP_MS);
    assert_true(r->passed);
    assert_string_equal(r->got, "loss 0 of 100 (0%), delay 0ns..0ns");
}

/* A network's links together, each with its own drops: one side alone would have too few. */
static void a_network_is_one_sample(void **state)
{
    g_autofree net *n = net_new(state);
    INTERNET(n).loss_ppb = 100000000;
    hp_expect *e = expect_link(n);
    e->link.of = "internet";
    for (unsigned i = 0; i < 300; i++) {
        hp_time at = i * HP_MS;
        if (i % 2 == 0) {
            put(n, at, at, i % 20 == 0 ? "link internet/alice" : NULL, HP_DROP_LINK_LOSS);
        } else {
            g_autoptr(hp_packet) p = packet_of(n, 0);
            settle(n, at);
            record(n, at, "bob", HP_DIR_OUT, p);
            if (i % 20 == 1) {
                hp_trace_drop(n->f->trace, at, "link internet/bob", p, HP_DROP_LINK_LOSS, NULL);
            } else {
                record(n, at, "alice", HP_DIR_IN, p);
            }
        }
    }
    const hp_expect_result *r = finish(n, 300 * HP_MS);
    assert_true(r->passed);
    assert_string_equal(r->got, "loss 30 of 300 (10%), delay 0ns..0ns");
}

/* Half of the time bad, ten packets at a stretch: the variance is nine times that of independent losses. */
static void bursts_vary_more(void **state)
{
    static const struct {
        unsigned lost;
        bool passes;
    } cases[] = {{262, false}, {263, true}, {773, true}, {774, false}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (i > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        g_autofree net *n = net_new(state);
        UP(n) = (hp_link_config){.burst_enter_ppb = 100000000,
                                 .burst_leave_ppb = 100000000,
                                 .burst_loss_ppb = 1000000000,
                                 .burst_steady = true};
        expect_link(n)->link.loss = declared();
        const hp_expect_result *r = lose_of(n, 1000, cases[i].lost);
        assert_string_equal(r->expected, "loss as declared, 50%: 263..773 of 1000");
        assert_int_equal(r->passed, cases[i].passes);
    }
}

static void copies_damage_and_order(void **state)
{
    for (unsigned hits = 9; hits <= 10; hits++) {
        if (hits > 9) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        g_autofree net *n = net_new(state);
        UP(n) = (hp_link_config){.duplicate_ppb = 100000000,
                                 .corrupt_ppb = 100000000,
                                 .reorder_ppb = 100000000,
                                 .reorder_by_ns = 3 * HP_MS,
                                 .delay_ns = HP_MS};
        expect_link(n);
        /* 500 packets: 50 on average, at least 17. */
        for (unsigned i = 0; i < 500; i++) {
            bool hit = i % 30 == 0 && i / 30 < hits + 7;
            hp_packet *p = pass(n, i * HP_MS, hit ? 4 * HP_MS : HP_MS);
            p->corrupt = hit;
            if (hit) {
                pending twin = {.at = i * HP_MS + 4 * HP_MS, .p = hp_packet_copy(p)};
                g_array_append_val(waiting, twin);
            }
        }
        const hp_expect_result *r = finish(n, 500 * HP_MS);
        g_autofree char *got =
            g_strdup_printf("loss 0 of 500 (0%%), duplicates %u of 500 (%s), reordering %u of 500 (%s), "
                            "corruption %u of 500 (%s), delay 1ms..4ms",
                            hits + 7, hits == 9 ? "3.2%" : "3.4%", hits + 7, hits == 9 ? "3.2%" : "3.4%", hits + 7,
                            hits == 9 ? "3.2%" : "3.4%");
        assert_string_equal(r->got, got);
        assert_int_equal(r->passed, hits == 10);
        assert_non_null(strstr(r->expected, "duplicates as declared, 10%: 17..87 of 500"));
    }
}

static void out_of_order_without_leave(void **state)
{
    g_autofree net *n = net_new(state);
    UP(n).delay_ns = 2 * HP_MS;
    expect_link(n)->link.reordering = declared();
    for (unsigned i = 0; i < 10; i++) {
        pass(n, i * HP_MS, i == 5 ? 4 * HP_MS : 2 * HP_MS);
    }
    const hp_expect_result *r = finish(n, 10 * HP_MS);
    assert_false(r->passed);
    assert_string_equal(r->got, "reordering 1 of 10 (10%)");
}

/* ---- outages, lists, changes ---- */

static const hp_expect_result *through_outage(net *n, bool one_passes, bool one_lost_outside)
{
    static hp_time_window window = {10 * HP_MS, 20 * HP_MS};
    UP(n).outages = &window;
    UP(n).n_outages = 1;
    expect_link(n)->link.loss = declared();
    for (unsigned i = 1; i < 30; i++) {
        bool inside = i >= 10 && i < 20;
        if ((inside && !(one_passes && i == 19)) || (one_lost_outside && i == 20)) {
            lose(n, i * HP_MS, HP_DROP_LINK_DOWN);
        } else {
            pass(n, i * HP_MS, 0);
        }
    }
    return finish(n, 30 * HP_MS);
}

static void an_outage_takes_all_and_nothing_else(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = through_outage(n, false, false);
    assert_true(r->passed);
    assert_string_equal(r->got, "loss 0 of 19 (0%) and 10 in outages or by list");
}

static void an_outage_that_leaks(void **state)
{
    g_autofree net *n = net_new(state);
    const hp_expect_result *r = through_outage(n, true, false);
    assert_false(r->passed);
    assert_string_equal(
        r->got, "loss 0 of 20 (0%) and 9 in outages or by list, and 1 not as outages and the list of losses say");
}

static void an_outage_that_lasts_too_long(void **state)
{
    g_autofree net *n = net_new(state);
    assert_false(through_outage(n, false, true)->passed);
}

static void the_list_of_losses(void **state)
{
    static hp_packet_range list[] = {{3, 5}, {9, 9}};
    for (unsigned forgotten = 0; forgotten < 2; forgotten++) {
        if (forgotten > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        g_autofree net *n = net_new(state);
        UP(n).drop = list;
        UP(n).n_drop = 2;
        expect_link(n);
        for (unsigned i = 1; i <= 20; i++) {
            if ((i >= 3 && i <= 5) || (i == 9 && forgotten == 0)) {
                lose(n, i * HP_MS, HP_DROP_LINK_LIST);
            } else {
                pass(n, i * HP_MS, 0);
            }
        }
        assert_int_equal(finish(n, 20 * HP_MS)->passed, forgotten == 0);
    }
}

/* Nothing before the change, everything behind it; each packet is judged by what was in force. */
static void settings_change(void **state)
{
    g_autofree net *n = net_new(state);
    UP(n).delay_ns = 5 * HP_MS;
    expect_link(n);
    hp_step *step = add_step(n->f, HP_STEP_SET_LINK);
    step->link.of = "alice";
    step->link.direction = HP_SC_UP;
    step->link.config = (hp_link_config){.loss_ppb = 1000000000, .delay_ns = HP_MS};
    step->link.down_config = step->link.config;
    for (unsigned i = 1; i <= 100; i++) {
        pass(n, i * HP_MS, 5 * HP_MS);
    }
    settle(n, 101 * HP_MS);
    ev_step(n->f, 101 * HP_MS, 1);
    hp_trace_event(n->f->trace, 101 * HP_MS, HP_EV_LINK_CHANGED, "alice/up", HP_FS("what", "loss 100%"));
    for (unsigned i = 102; i <= 200; i++) {
        lose(n, i * HP_MS, HP_DROP_LINK_LOSS);
    }
    const hp_expect_result *r = finish(n, 200 * HP_MS);
    assert_string_equal(r->got, "loss 99 of 199 (49.749%), delay 5ms..5ms");
    assert_true(r->passed);
}

/* ---- comparisons ---- */

static void comparisons(void **state)
{
    static const struct {
        const char *loss, *delay;
        bool passes;
    } cases[] = {{"10%", "5ms", true}, {"< 10%", "5ms", false}, {"10%", "< 5ms", false}, {"9%..11%", "1ms..5ms", true}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (i > 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        g_autofree net *n = net_new(state);
        UP(n).delay_ns = HP_MS; /* what is declared is not asked */
        hp_expect *e = expect_link(n);
        e->link.loss = compare(cases[i].loss, HP_UNIT_RATIO);
        e->link.delay = compare(cases[i].delay, HP_UNIT_TIME);
        for (unsigned k = 0; k < 10; k++) {
            if (k == 3) {
                lose(n, k * HP_S, HP_DROP_LINK_QUEUE);
            } else {
                pass(n, k * HP_S, 5 * HP_MS);
            }
        }
        const hp_expect_result *r = finish(n, 10 * HP_S);
        assert_string_equal(r->got, "loss 10%, delay 5ms");
        assert_int_equal(r->passed, cases[i].passes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loss_at_its_bounds),
        TEST(too_few_packets_say_nothing),
        TEST(enough_packets),
        TEST(no_packet_at_all),
        TEST(a_link_without_loss_loses_nothing),
        TEST(losses_of_others),
        TEST(a_network_is_one_sample),
        TEST(bursts_vary_more),
        TEST(copies_damage_and_order),
        TEST(out_of_order_without_leave),
        TEST(an_outage_takes_all_and_nothing_else),
        TEST(an_outage_that_leaks),
        TEST(an_outage_that_lasts_too_long),
        TEST(the_list_of_losses),
        TEST(settings_change),
        TEST(comparisons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
