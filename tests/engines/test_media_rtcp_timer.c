/* RTCP's timer against RFC 3550 section 6.3, number by number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "engines/media_rtcp_timer.h"

/* Step 4 and 5 of section 6.3.1, on a copy of the timer's stream. */
static hp_time drawn(hp_rng *rng, hp_time deterministic)
{
    hp_time random = deterministic / 2 + hp_rng_below(rng, deterministic + 1);
    return (hp_time)((unsigned __int128)random * 10000000 / 12182818);
}

typedef struct fixture {
    hp_rng rng, copy;
    hp_rtcp_timer timer;
} fixture;

static void make(fixture *f, uint32_t bandwidth, hp_time interval, hp_time now, size_t size)
{
    hp_rtcp_config config = {.bandwidth = bandwidth, .interval = interval};
    hp_rng_init(&f->rng, 5, "rtcp");
    f->copy = f->rng;
    hp_rtcp_timer_init(&f->timer, &config, &f->rng, now, size);
}

static void the_minimum_is_halved_at_first(void **state)
{
    fixture f;
    make(&f, 100000, 5 * HP_S, HP_S, 72);
    hp_time first = HP_S + drawn(&f.copy, 2500 * HP_MS);
    assert_int_equal(f.timer.tn, first);
    assert_in_range(first - HP_S, 1026032501, 3078097503);
    /* The first expiry draws again and puts the report off when that is longer. */
    hp_time again = HP_S + drawn(&f.copy, 2500 * HP_MS);
    bool due = hp_rtcp_timer_expire(&f.timer, first);
    assert_int_equal(due, again <= first);
    if (!due) {
        assert_int_equal(f.timer.tn, again);
        hp_time third = HP_S + drawn(&f.copy, 2500 * HP_MS);
        assert_int_equal(hp_rtcp_timer_expire(&f.timer, again), third <= again);
    }
    hp_rtcp_timer_sent(&f.timer, 10 * HP_S, 72);
    assert_int_equal(f.timer.tn, 10 * HP_S + drawn(&f.copy, 5 * HP_S));
    assert_int_equal(f.timer.tp, 10 * HP_S);
}

static void bandwidth_sets_the_pace_when_it_is_scarce(void **state)
{
    /* Alone: 1 member, and a sender is more than a quarter. 72 + 28 octets at 100 bit/s take 8 s. */
    fixture f;
    make(&f, 100, HP_S, 0, 72);
    assert_int_equal(f.timer.tn, drawn(&f.copy, (hp_time)100 * 8 * HP_S / 75)); /* a receiver has 3/4 */
    hp_rtcp_timer_sent_media(&f.timer, 0);
    hp_rtcp_timer_sent(&f.timer, 0, 72);
    assert_int_equal(f.timer.tn, drawn(&f.copy, 8 * HP_S));
    /* Seven others that only listen: 1 sender of 8 is less than a quarter, and has a quarter to itself. */
    for (uint32_t i = 0; i < 7; i++)
        hp_rtcp_timer_heard(&f.timer, 0, 100 + i, false);
    hp_rtcp_timer_sent(&f.timer, 0, 72);
    assert_int_equal(f.timer.tn, drawn(&f.copy, 32 * HP_S));
    /* Three of them begin to send: 4 of 8 share alike. */
    for (uint32_t i = 0; i < 3; i++)
        hp_rtcp_timer_heard(&f.timer, 0, 100 + i, true);
    hp_rtcp_timer_sent(&f.timer, 0, 72);
    assert_int_equal(f.timer.tn, drawn(&f.copy, 64 * HP_S));
    /* A larger packet moves the average by a sixteenth: 100 + (132 - 100) / 16 = 102. */
    hp_rtcp_timer_heard_size(&f.timer, 104);
    assert_int_equal(f.timer.average_16ths, 102 * 16);
}

static void those_who_leave_bring_it_forward(void **state)
{
    fixture f;
    make(&f, 1000000, 5 * HP_S, 0, 72);
    for (uint32_t i = 0; i < 3; i++)
        hp_rtcp_timer_heard(&f.timer, 0, 100 + i, false);
    f.timer.tp = 10 * HP_S;
    f.timer.tn = 10 * HP_S;
    hp_rtcp_timer_expire(&f.timer, 10 * HP_S); /* notes four members */
    f.timer.tp = 10 * HP_S;
    f.timer.tn = 18 * HP_S;
    hp_rtcp_timer_bye(&f.timer, 14 * HP_S, 101);
    /* Three of four: section 6.3.4. */
    assert_int_equal(f.timer.tn, 17 * HP_S);
    assert_int_equal(f.timer.tp, 11 * HP_S);
    hp_rtcp_timer_bye(&f.timer, 14 * HP_S, 999); /* nobody */
    assert_int_equal(f.timer.tn, 17 * HP_S);
}

static void the_silent_are_forgotten(void **state)
{
    fixture f;
    make(&f, 1000000, 5 * HP_S, 0, 72);
    hp_rtcp_timer_heard(&f.timer, 0, 1, true);
    hp_rtcp_timer_heard(&f.timer, 0, 2, false);
    hp_rtcp_timer_sent_media(&f.timer, 0);
    hp_rtcp_timer_sent(&f.timer, 0, 72);
    hp_rtcp_timer_heard(&f.timer, 20 * HP_S, 2, false);
    hp_rtcp_timer_expire(&f.timer, 25 * HP_S);
    assert_int_equal(f.timer.n_members, 2); /* 25 s are not more than five intervals */
    assert_false(f.timer.members[0].is_sender);
    assert_false(f.timer.we_sent);
    hp_rtcp_timer_expire(&f.timer, 25 * HP_S + 1);
    assert_int_equal(f.timer.n_members, 1);
    assert_int_equal(f.timer.members[0].ssrc, 2);
    for (uint32_t i = 0; i < 100; i++)
        hp_rtcp_timer_heard(&f.timer, 26 * HP_S, 1000 + i, true);
    assert_int_equal(f.timer.n_members, HP_RTCP_MEMBERS);
}

static void off_is_off(void **state)
{
    fixture f;
    hp_rtcp_config config = {.bandwidth = 1000, .interval = HP_S, .off = true};
    hp_rng_init(&f.rng, 5, "rtcp");
    hp_rtcp_timer_init(&f.timer, &config, &f.rng, 0, 72);
    assert_int_equal(f.timer.tn, HP_NEVER);
    hp_rtcp_timer_heard(&f.timer, 0, 1, true);
    hp_rtcp_timer_bye(&f.timer, HP_S, 1);
    assert_int_equal(f.timer.tn, HP_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_minimum_is_halved_at_first),
        cmocka_unit_test(bandwidth_sets_the_pace_when_it_is_scarce),
        cmocka_unit_test(those_who_leave_bring_it_forward),
        cmocka_unit_test(the_silent_are_forgotten),
        cmocka_unit_test(off_is_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
