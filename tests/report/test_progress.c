/* The line that tells how far a run is. */
#include "fixture.h"

#include "report/progress.h"

static const char *const names[] = {"nat/strict", "turn/basic", "x-longer"};

static void assert_text(const hp_progress *p, unsigned width, const char *expected)
{
    g_autofree char *got = hp_progress_text(p, width);
    assert_string_equal(got, expected);
    assert_true(strlen(got) <= width);
}

static void everything_fits(void **state)
{
    const hp_progress p = {.n_done = 12,
                           .n_cases = 355,
                           .n_bad = 1,
                           .virtual_time = 640 * HP_S,
                           .real_us = 10 * 1000000,
                           .running = names,
                           .n_running = 3};
    assert_text(&p, 79, "12/355, 1 not good, 64x real time: nat/strict, turn/basic, x-longer");
    assert_text(&p, 67, "12/355, 1 not good, 64x real time: nat/strict, turn/basic, x-longer");
}

static void names_go_first(void **state)
{
    const hp_progress p = {.n_done = 12,
                           .n_cases = 355,
                           .n_bad = 1,
                           .virtual_time = 640 * HP_S,
                           .real_us = 10 * 1000000,
                           .running = names,
                           .n_running = 3};
    assert_text(&p, 66, "12/355, 1 not good, 64x real time: nat/strict, turn/basic +1");
    assert_text(&p, 59, "12/355, 1 not good, 64x real time: nat/strict +2");
    assert_text(&p, 47, "12/355, 1 not good, 64x real time, 3 running");
    assert_text(&p, 43, "12/355, 1 not good, 64x real time");
    assert_text(&p, 10, "12/355, 1 ");
    assert_text(&p, 0, "");
}

static void nothing_to_tell_yet(void **state)
{
    const hp_progress p = {.n_cases = 3};
    assert_text(&p, 79, "0/3");
}

static void slow_runs_have_a_tenth(void **state)
{
    hp_progress p = {.n_done = 1, .n_cases = 3, .virtual_time = 1 * HP_S, .real_us = 4 * 1000000};
    assert_text(&p, 79, "1/3, 0.2x real time");
    p.virtual_time = 39900 * HP_MS;
    assert_text(&p, 79, "1/3, 9.9x real time");
    p.virtual_time = 40 * HP_S;
    assert_text(&p, 79, "1/3, 10x real time");
    p.virtual_time = INT64_MAX;
    p.real_us = 1;
    assert_text(&p, 79, "1/3, 9223372036854775x real time");
}

static void what_is_no_ascii_cannot_move_the_cursor(void **state)
{
    const char *const odd[] = {"a\x1b[2J\xc3\xa4"};
    const hp_progress p = {.n_cases = 1, .running = odd, .n_running = 1};
    assert_text(&p, 79, "0/1: a?[2J??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_fits),
        cmocka_unit_test(names_go_first),
        cmocka_unit_test(nothing_to_tell_yet),
        cmocka_unit_test(slow_runs_have_a_tenth),
        cmocka_unit_test(what_is_no_ascii_cannot_move_the_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
