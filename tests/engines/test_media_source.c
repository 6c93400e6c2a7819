/* Replay of a recording: the recorded packets at the recorded distances, under another name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "base/error.h"
#include "engines/media_source.h"
#include "wire/rtp.h"

enum { N = 6 };
static const struct {
    hp_time at;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
} recording[N] = {
    {100 * HP_MS, 65534, 0xffffff00, 1},  {110 * HP_MS, 5, 0, 2},
    {120 * HP_MS, 65535, 960 - 0x100, 1}, {141 * HP_MS, 1, 3 * 960 - 0x100, 1},
    {140 * HP_MS, 0, 2 * 960 - 0x100, 1}, /* reordered; the clock went back */
    {180 * HP_MS, 2, 4 * 960 - 0x100, 1},
};

typedef struct fixture {
    uint8_t bytes[N + 1][32];
    hp_captured list[N + 1];
    hp_rng rng;
} fixture;

static void make(fixture *f)
{
    hp_rng_init(&f->rng, 3, "replay");
    for (unsigned i = 0; i < N; i++) {
        uint8_t payload[4] = {(uint8_t)i, 1, 2, 3};
        hp_rtp_header h = {.pt = 8,
                           .marker = i == 0,
                           .sequence = recording[i].sequence,
                           .timestamp = recording[i].timestamp,
                           .ssrc = recording[i].ssrc};
        size_t len = hp_rtp_write(f->bytes[i], sizeof f->bytes[i], &h, payload, sizeof payload);
        f->list[i] = (hp_captured){.at = recording[i].at, .data = f->bytes[i], .len = len};
    }
    f->list[N] = (hp_captured){.at = 200 * HP_MS, .data = (const uint8_t *)"no RTP", .len = 6};
}

static const hp_media_identity identity = {
    .ssrc_set = true, .ssrc = 0x99, .sequence_set = true, .sequence = 65530, .timestamp_set = true, .timestamp = 1000};

static void it_is_played_as_it_was_recorded(void **state)
{
    fixture f;
    make(&f);
    g_autoptr(hp_media_source) s =
        hp_media_source_new(f.list, N + 1, &(hp_media_source_config){.id = identity}, &f.rng, NULL);
    size_t skipped;
    assert_int_equal(hp_media_source_length(s, &skipped), 5);
    assert_int_equal(skipped, 2);
    assert_int_equal(hp_media_source_ssrc(s), 0x99);
    assert_int_equal(hp_media_source_deadline(s), HP_NEVER);
    hp_media_source_start(s, HP_S);
    static const unsigned ms[] = {0, 20, 41, 41, 80}, number[] = {0, 1, 3, 2, 4}, origin[] = {0, 2, 3, 4, 5};
    for (unsigned i = 0; i < 5; i++) {
        uint8_t packet[100];
        hp_rtp_packet p;
        assert_int_equal(hp_media_source_deadline(s), HP_S + ms[i] * HP_MS);
        assert_int_equal(hp_media_source_next(s, HP_S + ms[i] * HP_MS - 1, packet, sizeof packet), 0);
        size_t len = hp_media_source_next(s, HP_S + ms[i] * HP_MS, packet, sizeof packet);
        assert_true(hp_rtp_parse(packet, len, &p));
        assert_int_equal(p.ssrc, 0x99);
        assert_int_equal(p.sequence, (uint16_t)(65530 + number[i]));
        assert_int_equal(p.timestamp, 1000 + 960 * number[i]);
        assert_int_equal(p.pt, 8);
        assert_int_equal(p.marker, i == 0);
        assert_int_equal(p.payload_len, 4);
        assert_int_equal(p.payload[0], origin[i]);
    }
    assert_int_equal(hp_media_source_deadline(s), HP_NEVER);
}

static void a_loop_has_no_seam(void **state)
{
    fixture f;
    make(&f);
    hp_media_source_config c = {.id = identity, .loop = true, .pt_set = true, .pt = 111};
    g_autoptr(hp_media_source) s = hp_media_source_new(f.list, N + 1, &c, &f.rng, NULL);
    hp_media_source_start(s, 0);
    /* A turn has 5 packets, 80 ms and a mean distance of 20 ms, 5 * 960 units. */
    for (unsigned i = 0; i < 5 * 20000; i++) {
        uint8_t packet[100];
        hp_rtp_packet p;
        hp_time due = hp_media_source_deadline(s);
        size_t len = hp_media_source_next(s, due, packet, sizeof packet);
        if (i % 5 != 0)
            continue;
        assert_int_equal(due, i / 5 * 100 * HP_MS);
        assert_true(hp_rtp_parse(packet, len, &p));
        assert_int_equal(p.sequence, (uint16_t)(65530 + i));
        assert_int_equal(p.timestamp, 1000 + 960 * i);
        assert_int_equal(p.pt, 111);
        assert_true(p.marker);
    }
}

/* Recorded without times: a turn takes 100 us a packet all the same. */
static void a_loop_of_one_instant_takes_time(void **state)
{
    fixture f;
    make(&f);
    for (unsigned i = 0; i <= N; i++)
        f.list[i].at = 0;
    hp_media_source_config c = {.id = identity, .loop = true};
    g_autoptr(hp_media_source) s = hp_media_source_new(f.list, N + 1, &c, &f.rng, NULL);
    hp_media_source_start(s, HP_S);
    for (unsigned i = 0; i < 5 * 10; i++) {
        uint8_t packet[100];
        assert_int_equal(hp_media_source_deadline(s), HP_S + i / 5 * 500 * HP_US);
        assert_true(hp_media_source_next(s, hp_media_source_deadline(s), packet, sizeof packet) > 0);
    }
}

/* The recorded sender began anew, far behind: its packets go on with the next number. */
static void a_restart_goes_on(void **state)
{
    static const uint16_t sequences[] = {50000, 50001, 20000, 20002, 20001, 17003, 20003, 54000};
    static const uint16_t numbers[] = {0, 1, 2, 4, 3, 65536 - 2995, 5, 6}; /* the sixth is merely late */
    enum { PACKETS = G_N_ELEMENTS(sequences) };
    uint8_t bytes[PACKETS][32];
    hp_captured list[PACKETS];
    hp_rng rng;
    hp_rng_init(&rng, 3, "replay");
    for (unsigned i = 0; i < PACKETS; i++) {
        hp_rtp_header h = {.sequence = sequences[i], .ssrc = 1};
        size_t len = hp_rtp_write(bytes[i], sizeof bytes[i], &h, (const uint8_t *)"abcd", 4);
        list[i] = (hp_captured){.at = i * HP_MS, .data = bytes[i], .len = len};
    }
    g_autoptr(hp_media_source) s =
        hp_media_source_new(list, PACKETS, &(hp_media_source_config){.id = identity}, &rng, NULL);
    hp_media_source_start(s, 0);
    for (unsigned i = 0; i < PACKETS; i++) {
        uint8_t packet[100];
        hp_rtp_packet p;
        size_t len = hp_media_source_next(s, i * HP_MS, packet, sizeof packet);
        assert_true(hp_rtp_parse(packet, len, &p));
        assert_int_equal(p.sequence, (uint16_t)(65530 + numbers[i]));
    }
}

static void another_source_may_be_picked(void **state)
{
    fixture f;
    make(&f);
    hp_media_source_config c = {.pick_set = true, .pick = 2};
    g_autoptr(hp_media_source) s = hp_media_source_new(f.list, N + 1, &c, &f.rng, NULL);
    assert_int_equal(hp_media_source_length(s, NULL), 1);
    hp_media_source_start(s, 5);
    uint8_t packet[100];
    assert_int_equal(hp_media_source_next(s, 5, packet, 15), 0); /* too small: skipped */
    assert_int_equal(hp_media_source_deadline(s), HP_NEVER);
}

static void what_is_no_recording_is_refused(void **state)
{
    fixture f;
    make(&f);
    g_autoptr(GError) error = NULL;
    hp_media_source_config c = {.pick_set = true, .pick = 3};
    assert_null(hp_media_source_new(f.list, N + 1, &c, &f.rng, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_string_equal(error->message, "the recording has no RTP packet of that SSRC among its 7 packets");
    g_clear_error(&error);
    c = (hp_media_source_config){0};
    assert_null(hp_media_source_new(NULL, 0, &c, &f.rng, &error));
    assert_string_equal(error->message, "the recording has no RTP packet among its 0 packets");
    g_clear_error(&error);
    c = (hp_media_source_config){.pt_set = true, .pt = 200};
    assert_null(hp_media_source_new(f.list, N + 1, &c, &f.rng, &error));
    assert_non_null(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_played_as_it_was_recorded),  cmocka_unit_test(a_loop_has_no_seam),
        cmocka_unit_test(a_loop_of_one_instant_takes_time), cmocka_unit_test(a_restart_goes_on),
        cmocka_unit_test(another_source_may_be_picked),     cmocka_unit_test(what_is_no_recording_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
