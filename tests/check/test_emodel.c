/* The E-model against ITU-T G.107's own figures, and against an independent computation of its equations
 * (fixtures/media/emodel.py wrote emodel.txt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <stdio.h>

#include "check/emodel.h"

static void near(double value, double expected, double tolerance, const char *what)
{
    if (!(value >= expected - tolerance && value <= expected + tolerance))
        fail_msg("%s: expected %.9f, got %.9f", what, expected, value);
}

static void defaults_give_the_published_rating(void **state)
{
    hp_emodel_params p = hp_emodel_defaults();
    hp_emodel_parts parts = hp_emodel_compute(&p);
    near(parts.r, 93.2, 0.01, "R of the defaults (G.107 clause 7.7)");
    near(hp_emodel_mos(parts.r), 4.41, 0.01, "MOS of the defaults");
    near(parts.no, -61.18, 0.01, "No");
    near(parts.ro, 94.77, 0.01, "Ro");
    near(parts.is, 1.41, 0.01, "Is");
    hp_emodel_score score = hp_emodel_rate(&(hp_emodel_input){.codec = HP_CODEC_G711});
    assert_int_equal(score.r_milli, 93206);
    assert_int_equal(score.mos_milli, 4409);
}

static void ratings_map_to_scores(void **state)
{
    /* G.107 table B.1: the lower bounds of the categories of satisfaction. */
    near(hp_emodel_mos(90), 4.34, 0.01, "R 90");
    near(hp_emodel_mos(80), 4.03, 0.01, "R 80");
    near(hp_emodel_mos(70), 3.60, 0.01, "R 70");
    near(hp_emodel_mos(60), 3.10, 0.01, "R 60");
    near(hp_emodel_mos(50), 2.58, 0.01, "R 50");
    near(hp_emodel_mos(0), 1, 0, "R 0");
    near(hp_emodel_mos(-20), 1, 0, "R -20");
    near(hp_emodel_mos(3), 1, 0, "R 3"); /* the cubic is below 1 there */
    near(hp_emodel_mos(100), 4.5, 0, "R 100");
    near(hp_emodel_mos(120), 4.5, 0, "R 120");
}

static void the_equations_agree_with_another_hand(void **state)
{
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(HAIRPIN_SOURCE_DIR "/fixtures/media/emodel.txt", &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned n = 0;
    for (unsigned i = 0; lines[i]; i++) {
        double t, ppl, ie, bpl, burst, telr, stmr, qdu, idte, idle, idd, ie_eff, r, mos;
        if (lines[i][0] == '#' || lines[i][0] == '\0')
            continue;
        assert_int_equal(sscanf(lines[i], "%lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf", &t, &ppl, &ie,
                                &bpl, &burst, &telr, &stmr, &qdu, &idte, &idle, &idd, &ie_eff, &r, &mos),
                         14);
        hp_emodel_params p = hp_emodel_defaults();
        p.t = p.ta = t;
        p.tr = 2 * t;
        p.ppl = ppl, p.ie = ie, p.bpl = bpl, p.burst_r = burst, p.telr = telr, p.stmr = stmr, p.qdu = qdu;
        hp_emodel_parts parts = hp_emodel_compute(&p);
        near(parts.idte, idte, 1e-8, lines[i]);
        near(parts.idle, idle, 1e-8, lines[i]);
        near(parts.idd, idd, 1e-8, lines[i]);
        near(parts.ie_eff, ie_eff, 1e-8, lines[i]);
        near(parts.r, r, 1e-8, lines[i]);
        near(hp_emodel_mos(parts.r), mos, 1e-8, lines[i]);
        n++;
    }
    assert_int_equal(n, 89);
}

static void integers_go_in_and_come_out(void **state)
{
    /* G.729A at 150 ms with 1 % of random loss. */
    hp_emodel_params p = hp_emodel_defaults();
    p.t = p.ta = 150, p.tr = 300, p.ppl = 1, p.ie = 11, p.bpl = 19;
    double r = hp_emodel_compute(&p).r;
    hp_emodel_score score =
        hp_emodel_rate(&(hp_emodel_input){.delay = 150 * HP_MS, .loss_ppb = 10000000, .codec = HP_CODEC_G729A});
    near(score.r_milli, r * 1000, 0.5, "R in thousandths");
    near(score.mos_milli, hp_emodel_mos(r) * 1000, 0.5, "MOS in thousandths");
    hp_emodel_input input = {
        .delay = HP_NEVER, .loss_ppb = UINT32_MAX, .burst_milli = UINT32_MAX, .codec = HP_CODEC_G723_1};
    score = hp_emodel_rate(&input);
    assert_int_equal(score.mos_milli, 1000);
    assert_true(score.r_milli < 0);
    input = (hp_emodel_input){.codec = HP_CODEC_G711, .advantage = 5};
    assert_int_equal(hp_emodel_rate(&input).r_milli, 98206);
    input = (hp_emodel_input){.codec = HP_CODEC_G711, .delay = 50 * HP_MS};
    int32_t with_echo = hp_emodel_rate(&input).r_milli;
    input.telr_db = 100;
    assert_true(hp_emodel_rate(&input).r_milli > with_echo);
    for (unsigned i = 0; i < HP_CODEC_N; i++)
        assert_non_null(hp_codec_name(i));
}

static void worse_is_never_rated_better(void **state)
{
    hp_emodel_input input = {.codec = HP_CODEC_G711_PLC};
    int32_t before = INT32_MAX;
    /* From 2 ms on: below, the term of (7-22) for very short echo paths rises. */
    for (input.delay = 2 * HP_MS; input.delay < 2 * HP_S; input.delay += 7 * HP_MS) {
        int32_t r = hp_emodel_rate(&input).r_milli;
        assert_true(r <= before);
        before = r;
    }
    before = INT32_MAX;
    input.delay = 50 * HP_MS;
    for (; input.loss_ppb <= 1000000000; input.loss_ppb += 9000000) {
        int32_t r = hp_emodel_rate(&input).r_milli;
        assert_true(r <= before);
        before = r;
    }
}

static void bursts_have_a_ratio(void **state)
{
    /* 10 % lost one by one: a mean run of 1 against 1 / 0.9. */
    assert_int_equal(hp_emodel_burst_milli(1000, 100, 100), 900);
    assert_int_equal(hp_emodel_burst_milli(1000, 100, 90), 1000); /* what random loss gives */
    assert_int_equal(hp_emodel_burst_milli(1000, 100, 20), 4500);
    assert_int_equal(hp_emodel_burst_milli(1000, 0, 0), 1000);
    assert_int_equal(hp_emodel_burst_milli(1000, 1000, 1), 1000);
    assert_int_equal(hp_emodel_burst_milli(0, 0, 0), 1000);
    assert_int_equal(hp_emodel_burst_milli(UINT64_MAX, UINT64_MAX / 2, 1), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_give_the_published_rating),    cmocka_unit_test(ratings_map_to_scores),
        cmocka_unit_test(the_equations_agree_with_another_hand), cmocka_unit_test(integers_go_in_and_come_out),
        cmocka_unit_test(worse_is_never_rated_better),           cmocka_unit_test(bursts_have_a_ratio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
