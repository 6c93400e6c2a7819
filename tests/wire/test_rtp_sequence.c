/* RFC 3550 appendices A.1, A.3 and A.8 over integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/rtp_sequence.h"

static void extends_to_the_nearest(void **state)
{
    assert_true(hp_rtp_extend(0, 5) == 5);
    assert_true(hp_rtp_extend(65530, 4) == 65540);
    assert_true(hp_rtp_extend(65540, 65530) == 65530);
    assert_true(hp_rtp_extend(3, 65530) == -6);
    assert_true(hp_rtp_extend(-6, 3) == 3);
    assert_true(hp_rtp_extend(0, 32767) == 32767);
    assert_true(hp_rtp_extend(0, 32768) == -32768); /* halfway */
    assert_true(hp_rtp_extend(INT64_C(1) << 40, 65535) == (INT64_C(1) << 40) - 1);
}

static void circles_compare(void **state)
{
    assert_true(hp_rtp_sequence_after(0, 65535));
    assert_false(hp_rtp_sequence_after(65535, 0));
    assert_false(hp_rtp_sequence_after(7, 7));
    assert_false(hp_rtp_sequence_after(32768, 0));
    assert_true(hp_rtp_timestamp_after(5, UINT32_MAX));
    assert_false(hp_rtp_timestamp_after(UINT32_MAX, 5));
}

static void a_source_counts_from_its_first_packet(void **state)
{
    hp_rtp_receipt r;

    hp_rtp_receipt_init(&r, 0, 0);
    assert_int_equal(hp_rtp_receipt_update(&r, 0), HP_RTP_COUNTED);
    assert_int_equal(hp_rtp_receipt_highest(&r), 0); /* no wrap */
    assert_int_equal(hp_rtp_receipt_expected(&r), 1);
    assert_int_equal(hp_rtp_receipt_lost(&r), 0);
}

static void probation_wants_packets_in_a_row(void **state)
{
    hp_rtp_receipt r;

    hp_rtp_receipt_init(&r, 100, HP_RTP_MIN_SEQUENTIAL);
    assert_int_equal(hp_rtp_receipt_update(&r, 100), HP_RTP_ON_PROBATION);
    assert_int_equal(hp_rtp_receipt_update(&r, 102), HP_RTP_ON_PROBATION);
    assert_int_equal(hp_rtp_receipt_update(&r, 103), HP_RTP_COUNTED);
    assert_int_equal(hp_rtp_receipt_expected(&r), 1); /* counts begin with the packet that ended it */
    assert_int_equal(r.received, 1);

    hp_rtp_receipt_init(&r, 65535, HP_RTP_MIN_SEQUENTIAL);
    assert_int_equal(hp_rtp_receipt_update(&r, 65535), HP_RTP_ON_PROBATION);
    assert_int_equal(hp_rtp_receipt_update(&r, 0), HP_RTP_COUNTED);
    assert_int_equal(hp_rtp_receipt_highest(&r), 0);
}

static void wraps_under_loss_and_reordering(void **state)
{
    static const uint16_t arrivals[] = {65530, 65531, 65534, 65533, 2, 65535, 1, 4};
    hp_rtp_receipt r;

    hp_rtp_receipt_init(&r, arrivals[0], 0);
    for (size_t i = 0; i < sizeof arrivals / sizeof arrivals[0]; i++) {
        assert_int_equal(hp_rtp_receipt_update(&r, arrivals[i]), HP_RTP_COUNTED);
    }
    assert_int_equal(hp_rtp_receipt_highest(&r), 65536 + 4);
    assert_int_equal(hp_rtp_receipt_expected(&r), 11);
    assert_int_equal(hp_rtp_receipt_lost(&r), 3);
    assert_int_equal(hp_rtp_receipt_fraction_lost(&r), 3 * 256 / 11);
    assert_int_equal(hp_rtp_receipt_fraction_lost(&r), 0); /* nothing since */
}

static void fraction_is_of_the_interval(void **state)
{
    hp_rtp_receipt r;

    hp_rtp_receipt_init(&r, 0, 0);
    for (uint16_t s = 0; s < 100; s++) {
        hp_rtp_receipt_update(&r, s);
    }
    assert_int_equal(hp_rtp_receipt_fraction_lost(&r), 0);
    for (uint16_t s = 100; s < 200; s = (uint16_t)(s + 4)) {
        hp_rtp_receipt_update(&r, s);
    }
    /* The highest is 196: 97 expected, 25 came. */
    assert_int_equal(hp_rtp_receipt_lost(&r), 72);
    assert_int_equal(hp_rtp_receipt_fraction_lost(&r), 72 * 256 / 97);
}

static void duplicates_make_loss_negative(void **state)
{
    hp_rtp_receipt r;

    hp_rtp_receipt_init(&r, 10, 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(hp_rtp_receipt_update(&r, 10), HP_RTP_COUNTED);
    }
    assert_int_equal(hp_rtp_receipt_lost(&r), -3);
    assert_int_equal(hp_rtp_receipt_fraction_lost(&r), 0);
}

static void loss_is_clamped_to_24_bits(void **state)
{
    hp_rtp_receipt r;

    hp_rtp_receipt_init(&r, 0, 0);
    r.cycles = 0x1000000;
    assert_int_equal(hp_rtp_receipt_lost(&r), 0x7fffff);
    r.cycles = 0;
    r.received = 0x1000000;
    assert_int_equal(hp_rtp_receipt_lost(&r), -0x800000);
    /* Nothing received at all. */
    hp_rtp_receipt_init(&r, 0, 0);
    assert_int_equal(hp_rtp_receipt_fraction_lost(&r), 255);
}

static void limits_of_dropout_and_misorder(void **state)
{
    hp_rtp_receipt r;

    hp_rtp_receipt_init(&r, 1000, 0);
    assert_int_equal(hp_rtp_receipt_update(&r, 1000), HP_RTP_COUNTED);
    assert_int_equal(hp_rtp_receipt_update(&r, 3999), HP_RTP_COUNTED); /* 2999 ahead */
    assert_int_equal(hp_rtp_receipt_update(&r, 6999), HP_RTP_JUMPED); /* 3000 ahead */
    assert_int_equal(hp_rtp_receipt_update(&r, 3900), HP_RTP_COUNTED); /* 99 behind */
    assert_int_equal(hp_rtp_receipt_update(&r, 3899), HP_RTP_JUMPED); /* 100 behind */
    assert_int_equal(hp_rtp_receipt_highest(&r), 3999);
    assert_int_equal(r.received, 3);
}

static void a_jump_that_goes_on_is_a_restart(void **state)
{
    hp_rtp_receipt r;

    hp_rtp_receipt_init(&r, 1000, 0);
    hp_rtp_receipt_update(&r, 1000);
    assert_int_equal(hp_rtp_receipt_update(&r, 40000), HP_RTP_JUMPED);
    assert_int_equal(hp_rtp_receipt_update(&r, 40002), HP_RTP_JUMPED); /* not the successor */
    assert_int_equal(hp_rtp_receipt_update(&r, 40003), HP_RTP_RESTARTED);
    assert_int_equal(hp_rtp_receipt_highest(&r), 40003);
    assert_int_equal(hp_rtp_receipt_expected(&r), 1);
    assert_int_equal(r.received, 1);
    /* The successor of 65535 is 0. */
    hp_rtp_receipt_init(&r, 30000, 0);
    hp_rtp_receipt_update(&r, 30000);
    assert_int_equal(hp_rtp_receipt_update(&r, 65535), HP_RTP_JUMPED);
    assert_int_equal(hp_rtp_receipt_update(&r, 0), HP_RTP_RESTARTED);
}

/* By hand: transits 1000, 1000, 1160, 1000, 1480 differ by 0, 160, 160, 480.
 *   J16: 0, 160, 160 + 160 - (168 >> 4) = 310, 310 + 480 - (318 >> 4) = 771. */
static void jitter_follows_the_integer_version(void **state)
{
    static const uint32_t transits[] = {1000, 1000, 1160, 1000, 1480};
    static const uint32_t expected[] = {0, 0, 160, 310, 771};
    hp_rtp_jitter j = {0};

    for (uint32_t i = 0; i < 5; i++) {
        uint32_t timestamp = 0xfffff000 + i * 960; /* wraps on the way */
        hp_rtp_jitter_update(&j, timestamp + transits[i], timestamp);
        assert_true(j.sixteenths == expected[i]);
    }
    assert_int_equal(hp_rtp_jitter_value(&j), 48);
}

static void jitter_survives_forged_timestamps(void **state)
{
    hp_rtp_jitter j = {0};

    for (uint32_t i = 0; i < 1000; i++) {
        hp_rtp_jitter_update(&j, 0, i % 2 == 0 ? 0 : UINT32_C(0x80000000));
    }
    assert_in_range(hp_rtp_jitter_value(&j), 0x7ffffff0, 0x80000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extends_to_the_nearest),
        cmocka_unit_test(circles_compare),
        cmocka_unit_test(a_source_counts_from_its_first_packet),
        cmocka_unit_test(probation_wants_packets_in_a_row),
        cmocka_unit_test(wraps_under_loss_and_reordering),
        cmocka_unit_test(fraction_is_of_the_interval),
        cmocka_unit_test(duplicates_make_loss_negative),
        cmocka_unit_test(loss_is_clamped_to_24_bits),
        cmocka_unit_test(limits_of_dropout_and_misorder),
        cmocka_unit_test(a_jump_that_goes_on_is_a_restart),
        cmocka_unit_test(jitter_follows_the_integer_version),
        cmocka_unit_test(jitter_survives_forged_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
