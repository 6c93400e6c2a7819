/* The media receiver's figures for audio, from packets made by hand. */
#include "engines/media_rig.h"

typedef struct receiver {
    hp_media_receiver *r;
    GByteArray *rtcp; /* the last datagram */
    unsigned n_rtcp, n_events[HP_MEDIA_EV_N];
    GArray *arrivals; /* hp_media_arrival */
} receiver;

static void keep_rtcp(void *user, hp_time now, const uint8_t *data, size_t len)
{
    receiver *f = user;
    g_byte_array_set_size(f->rtcp, 0);
    g_byte_array_append(f->rtcp, data, (guint)len);
    f->n_rtcp++;
}

static void count_event(void *user, hp_time now, const hp_media_event *event)
{
    ((receiver *)user)->n_events[event->kind]++;
}

static void keep_arrival(void *user, hp_time now, const hp_media_arrival *arrival)
{
    g_array_append_vals(((receiver *)user)->arrivals, arrival, 1);
}

static const hp_media_receiver_ops ops = {keep_rtcp, count_event, keep_arrival};

static void make(receiver *f, const hp_media_config *config)
{
    hp_rng rng;
    hp_rng_init(&rng, 7, "bob");
    *f = (receiver){.rtcp = g_byte_array_new(), .arrivals = g_array_new(FALSE, FALSE, sizeof(hp_media_arrival))};
    f->r = hp_media_receiver_new(config, &rng, 0, &ops, f, NULL);
    assert_non_null(f->r);
}

static void clear(receiver *f)
{
    hp_media_receiver_free(f->r);
    g_byte_array_unref(f->rtcp);
    g_array_unref(f->arrivals);
}

static hp_media_config audio(void)
{
    hp_media_config c = hp_audio_config_default();
    c.rtcp.off = true;
    return c;
}

enum { SSRC = 0xabcd };

/* A packet without a measuring header, of 50 octets. */
static void plain(receiver *f, hp_time now, uint16_t sequence, uint32_t timestamp)
{
    uint8_t packet[100], payload[50] = {0};
    hp_rtp_header h = {.pt = 111, .sequence = sequence, .timestamp = timestamp, .ssrc = SSRC};
    size_t len = hp_rtp_write(packet, sizeof packet, &h, payload, sizeof payload);
    hp_media_receiver_rtp(f->r, now, packet, len);
}

/* Packet n of a measured stream of 20 ms, its sequence number included, captured at n * 20 ms. */
static void measured(receiver *f, hp_time now, uint32_t n)
{
    uint8_t packet[100], payload[40] = {0};
    hp_rtp_header h = {.pt = 111, .sequence = (uint16_t)n, .timestamp = n * 960, .ssrc = SSRC};
    hp_media_mark mark = {.flags = HP_MARK_START | HP_MARK_END, .frame = n, .sequence = n, .capture = n * 20 * HP_MS};
    hp_media_mark_write(payload, &mark);
    size_t len = hp_rtp_write(packet, sizeof packet, &h, payload, sizeof payload);
    hp_media_receiver_rtp(f->r, now, packet, len);
}

static hp_media_stream_stats stats(const receiver *f)
{
    return hp_media_receiver_stream(f->r, 0);
}

static void jitter_is_that_of_the_appendix(void **state)
{
    hp_media_config c = audio();
    receiver f;
    make(&f, &c);
    /* Arrivals at 0, 20, 45, 60, 80, 125 ms; timestamps a regular 960 apart. Transits in units of 1/48000 s: 0, 0, 240,
     * 0, 0, 1200; differences: 0, 240, 240, 0, 1200. In sixteenths j += d - ((j + 8) >> 4):
     * 0; 240; 240 + 240 - 15 = 465; 465 + 0 - 29 = 436; 436 + 1200 - 27 = 1609. */
    static const hp_time at[] = {0, 20, 45, 60, 80, 125};
    static const uint32_t jitter[] = {0, 0, 240 >> 4, 465 >> 4, 436 >> 4, 1609 >> 4};
    for (unsigned i = 0; i < 6; i++) {
        plain(&f, at[i] * HP_MS, (uint16_t)(1000 + i), 77 + 960 * i);
        assert_int_equal(stats(&f).jitter, jitter[i]);
    }
    assert_int_equal(stats(&f).jitter_max, 100);
    clear(&f);
}

static void each_packet_is_counted_for_what_it_is(void **state)
{
    hp_media_config c = audio();
    c.playout.delay = 100 * HP_MS;
    receiver f;
    make(&f, &c);
    /* Numbers 0, 1, 3, 2 (behind), 3 again, 6; 4 and 5 never come, 7 comes 101 ms late. */
    plain(&f, 0 * HP_MS, 10, 0);
    plain(&f, 20 * HP_MS, 11, 960);
    plain(&f, 60 * HP_MS, 13, 3 * 960);
    assert_int_equal(stats(&f).lost, 1);
    plain(&f, 61 * HP_MS, 12, 2 * 960);
    plain(&f, 62 * HP_MS, 13, 3 * 960);
    plain(&f, 120 * HP_MS, 16, 6 * 960);
    plain(&f, 140 * HP_MS + 100 * HP_MS + 1, 17, 7 * 960);
    hp_media_stream_stats s = stats(&f);
    assert_int_equal(s.expected, 8);
    assert_int_equal(s.received, 6);
    assert_int_equal(s.lost, 2);
    assert_int_equal(s.late, 1);
    assert_int_equal(s.duplicates, 1);
    assert_int_equal(s.reordered, 1);
    assert_int_equal(s.discarded, 0);
    assert_int_equal(s.octets, 6 * 50);
    assert_int_equal(s.played, 5);
    assert_int_equal(s.loss_runs, 2); /* 4 and 5; 7 */
    assert_int_equal(s.first_packet, 0);
    assert_int_equal(s.last_packet, 240 * HP_MS + 1);
    assert_int_equal(s.first_sequence, 10);
    assert_false(s.measured);
    assert_int_equal(s.n_latency, 0);
    assert_int_equal(hp_media_bit_rate(&s), 300 * 8 * 1000000000ull / 240000001);
    clear(&f);
}

static void the_fixed_playout_point_is_exact(void **state)
{
    hp_media_config c = audio();
    receiver f;
    make(&f, &c);
    measured(&f, 10 * HP_MS, 0); /* network 10 ms, playout 60 ms after: capture + 70 ms */
    measured(&f, 20 * HP_MS + 70 * HP_MS, 1);
    measured(&f, 40 * HP_MS + 70 * HP_MS + 1, 2);
    hp_media_stream_stats s = stats(&f);
    assert_int_equal(s.late, 1);
    assert_int_equal(s.played, 2);
    assert_int_equal(s.playout_delay, 60 * HP_MS);
    /* From the first sample of a packet, 20 ms before its capture is over. */
    assert_int_equal(s.n_mouth_to_ear, 2);
    assert_int_equal(s.mouth_to_ear_sum, 2 * 90 * HP_MS);
    clear(&f);
}

static void the_adaptive_one_follows_the_network(void **state)
{
    hp_media_config c = audio();
    c.playout = (hp_playout_config){.mode = HP_PLAYOUT_ADAPTIVE, .delay = 20 * HP_MS, .delay_max = 200 * HP_MS};
    receiver f;
    make(&f, &c);
    uint32_t n = 0;
    for (; n < 500; n++)
        measured(&f, n * 20 * HP_MS + 10 * HP_MS, n);
    assert_int_equal(stats(&f).playout_delay, 20 * HP_MS); /* no jitter: the least */
    assert_int_equal(stats(&f).late, 0);
    /* Every fourth packet 80 ms later: the first ten of them are late, then none is. */
    for (; n < 1000; n++)
        measured(&f, n * 20 * HP_MS + (n % 4 == 0 ? 90 * HP_MS : 10 * HP_MS), n);
    uint64_t late = stats(&f).late;
    assert_int_equal(late, 10);
    assert_in_range(stats(&f).playout_delay, 80 * HP_MS, 200 * HP_MS);
    for (; n < 1500; n++)
        measured(&f, n * 20 * HP_MS + (n % 4 == 0 ? 90 * HP_MS : 10 * HP_MS), n);
    assert_int_equal(stats(&f).late, late);
    /* Calm again: it comes down, by an eighth of 20 ms a packet at most. */
    hp_time before = stats(&f).playout_delay;
    for (; n < 2500; n++) {
        measured(&f, n * 20 * HP_MS + 10 * HP_MS, n);
        hp_time delay = stats(&f).playout_delay;
        assert_true(before < delay + 5 * HP_MS);
        before = delay;
    }
    assert_int_equal(stats(&f).playout_delay / HP_MS, 20);
    assert_int_equal(stats(&f).late, late);
    clear(&f);
}

static void numbers_wrap(void **state)
{
    hp_media_config c = audio();
    receiver f;
    make(&f, &c);
    /* Begins at 65530, the first ten are lost; then every tenth over two wraps. */
    unsigned lost = 0;
    for (unsigned i = 10; i < 140000; i++) {
        if (i % 10 == 5) {
            lost++;
            continue;
        }
        plain(&f, i * HP_MS, (uint16_t)(65530 + i), i * 48);
    }
    hp_media_stream_stats s = stats(&f);
    assert_int_equal(s.first_sequence, 4);
    assert_int_equal(s.expected, 140000 - 10);
    assert_int_equal(s.lost, lost);
    assert_int_equal(s.loss_runs, lost);
    assert_int_equal(s.reordered, 0);
    assert_int_equal(s.duplicates, 0);
    assert_int_equal(s.restarts, 0);
    hp_rtcp_report_block block;
    assert_int_equal(hp_media_receiver_blocks(f.r, 200 * HP_S, &block, 1), 1);
    assert_int_equal(block.ssrc, SSRC);
    assert_int_equal(block.cumulative_lost, lost);
    assert_int_equal(block.fraction_lost, 25); /* 256 / 10, rounded down */
    /* Two wraps since number 4: 65530 + 139999 is 65536 * 3 + 8921. */
    assert_int_equal(block.extended_highest, 2u << 16 | 8921);
    assert_int_equal(hp_media_receiver_blocks(f.r, 200 * HP_S, &block, 1), 0); /* nothing new */
    clear(&f);
}

static void the_first_packets_may_be_reordered(void **state)
{
    hp_media_config c = audio();
    receiver f;
    make(&f, &c);
    plain(&f, 0, 1, 5 * 960);
    plain(&f, 1 * HP_MS, 65533, 1 * 960);
    plain(&f, 2 * HP_MS, 65535, 3 * 960);
    hp_media_stream_stats s = stats(&f);
    assert_int_equal(s.first_sequence, 65533);
    assert_int_equal(s.expected, 5);
    assert_int_equal(s.received, 3);
    assert_int_equal(s.reordered, 2);
    clear(&f);
}

static void an_outage_is_loss_and_a_restart_is_not(void **state)
{
    hp_media_config c = audio();
    receiver f;
    make(&f, &c);
    measured(&f, 10 * HP_MS, 7);
    /* 100,000 packets later: more than the sequence numbers can tell. */
    measured(&f, 2001 * HP_S, 100007);
    assert_int_equal(stats(&f).expected, 100001);
    assert_int_equal(stats(&f).lost, 99999);
    assert_int_equal(stats(&f).loss_runs, 1);
    assert_int_equal(stats(&f).restarts, 0);
    /* The same source begins anew: the first of two packets in a row is not yet believed. */
    measured(&f, 2002 * HP_S, 50000);
    measured(&f, 2002 * HP_S, 50001);
    measured(&f, 2002 * HP_S, 50003);
    hp_media_stream_stats s = stats(&f);
    assert_int_equal(s.restarts, 1);
    assert_int_equal(s.discarded, 1);
    assert_int_equal(s.expected, 100001 + 3);
    assert_int_equal(s.received, 2 + 2);
    assert_int_equal(f.n_events[HP_MEDIA_EV_RESTART], 1);
    clear(&f);
}

static void what_is_older_than_the_window_is_discarded(void **state)
{
    hp_media_config c = audio();
    receiver f;
    make(&f, &c);
    measured(&f, HP_S, 0);
    measured(&f, HP_S, 2000);
    measured(&f, HP_S, 977); /* 1023 behind: in */
    measured(&f, HP_S, 976);
    hp_media_stream_stats s = stats(&f);
    assert_int_equal(s.discarded, 1);
    assert_int_equal(s.received, 3);
    assert_int_equal(s.expected, 2001);
    clear(&f);
}

static void latency_is_exact(void **state)
{
    hp_media_config c = audio();
    receiver f;
    make(&f, &c);
    static const unsigned ms[] = {20, 35, 20, 250};
    for (uint32_t i = 0; i < 4; i++)
        measured(&f, i * 20 * HP_MS + ms[i] * HP_MS, i);
    hp_media_stream_stats s = stats(&f);
    assert_true(s.measured);
    assert_int_equal(s.n_latency, 4);
    assert_int_equal(s.latency_min, 20 * HP_MS);
    assert_int_equal(s.latency_max, 250 * HP_MS);
    assert_int_equal(s.latency_sum, 325 * HP_MS);
    clear(&f);
}

static void expect_arrival(const receiver *f, unsigned i, uint32_t sequence, const char *flags)
{
    const hp_media_arrival *a = &g_array_index(f->arrivals, hp_media_arrival, i);
    g_autofree char *got =
        g_strconcat(a->rtx ? "rtx " : "", a->useless ? "useless " : "", a->duplicate ? "duplicate " : "",
                    a->reordered ? "reordered " : "", a->late ? "late " : "", a->discarded ? "discarded " : "", NULL);
    assert_int_equal(a->sequence, sequence);
    assert_string_equal(got, flags);
}

static void every_packet_is_told_of_once(void **state)
{
    hp_media_config c = audio();
    c.playout = (hp_playout_config){.mode = HP_PLAYOUT_FIXED, .delay = 60 * HP_MS};
    receiver f;
    make(&f, &c);
    measured(&f, 15 * HP_MS, 0);
    measured(&f, 55 * HP_MS, 2);
    measured(&f, 56 * HP_MS, 1); /* passed by a later one */
    measured(&f, 57 * HP_MS, 2); /* a copy */
    measured(&f, 200 * HP_MS, 3); /* due at 60 + 75 ms */
    measured(&f, 60 * HP_S, 3000);
    measured(&f, 60 * HP_S, 4); /* out of any window */
    assert_int_equal(f.arrivals->len, 7);
    expect_arrival(&f, 0, 0, "");
    expect_arrival(&f, 1, 2, "");
    expect_arrival(&f, 2, 1, "reordered ");
    expect_arrival(&f, 3, 2, "duplicate ");
    expect_arrival(&f, 4, 3, "late ");
    expect_arrival(&f, 5, 3000, "");
    expect_arrival(&f, 6, 4, "discarded ");
    const hp_media_arrival *first = &g_array_index(f.arrivals, hp_media_arrival, 0);
    assert_int_equal(first->octets, 40);
    assert_int_equal(first->jitter, 0);
    /* Spoken a packet time before it was captured, played 60 ms after it came. */
    assert_int_equal(first->mouth_to_ear, (20 + 15 + 60) * HP_MS);
    assert_int_equal(g_array_index(f.arrivals, hp_media_arrival, 4).mouth_to_ear, HP_NEVER);
    clear(&f);
}

static void the_jitter_of_a_packet_is_the_running_one(void **state)
{
    hp_media_config c = audio();
    receiver f;
    make(&f, &c);
    measured(&f, 0, 0);
    measured(&f, 30 * HP_MS, 1); /* 10 ms later than it should: 480 units, a sixteenth */
    measured(&f, 430 * HP_MS, 21);
    static const unsigned jitter[] = {0, 30, 28}; /* 30 - 30 / 16 */
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(g_array_index(f.arrivals, hp_media_arrival, i).jitter, jitter[i]);
    clear(&f);
}

static void reports_answer_sender_reports(void **state)
{
    hp_media_config c = audio();
    c.rtcp.off = false;
    c.id = (hp_media_identity){.ssrc_set = true, .ssrc = 0x77};
    receiver f;
    make(&f, &c);
    plain(&f, 0, 65535, 0);
    plain(&f, 20 * HP_MS, 1, 2 * 960);
    uint8_t buffer[100];
    hp_rtcp_writer w;
    hp_rtcp_sender_info sr = {.ssrc = SSRC, .ntp = hp_ntp_from_time(30 * HP_MS), .packets = 3};
    hp_rtcp_begin(&w, buffer, sizeof buffer);
    hp_rtcp_add_sr(&w, &sr, NULL, 0);
    hp_media_receiver_rtcp(f.r, 50 * HP_MS, buffer, hp_rtcp_finish(&w));
    hp_time at = 0;
    while (f.n_rtcp == 0) {
        at = hp_media_receiver_deadline(f.r);
        hp_media_receiver_run(f.r, at);
    }
    assert_in_range(at, 1026032500, 2 * 3078097503);
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    hp_rtcp_report_block block;
    uint32_t ssrc;
    size_t cursor = 0;
    assert_true(hp_rtcp_parse(f.rtcp->data, f.rtcp->len, &d));
    assert_true(hp_rtcp_next(&d, &cursor, &p) && hp_rtcp_read_rr(&p, &ssrc) && hp_rtcp_read_block(&p, 0, &block));
    assert_int_equal(ssrc, 0x77);
    assert_int_equal(block.ssrc, SSRC);
    assert_int_equal(block.fraction_lost, 85); /* one of three */
    assert_int_equal(block.cumulative_lost, 1);
    assert_int_equal(block.extended_highest, 0x10001);
    assert_int_equal(block.last_sr, hp_ntp_middle(sr.ntp));
    assert_int_equal(block.delay_since_last_sr, hp_ntp_short_from_span(at - 50 * HP_MS));
    assert_int_equal(f.n_events[HP_MEDIA_EV_SENDER_REPORT], 1);
    clear(&f);
}

static void sources_are_kept_apart_and_bounded(void **state)
{
    hp_media_config c = audio();
    receiver f;
    make(&f, &c);
    for (unsigned i = 0; i < 40; i++) {
        uint8_t packet[20];
        hp_rtp_header h = {.pt = 111, .ssrc = 500 + i};
        hp_media_receiver_rtp(f.r, HP_S, packet, hp_rtp_write(packet, sizeof packet, &h, "x", 1));
    }
    assert_int_equal(hp_media_receiver_n_streams(f.r), HP_MEDIA_MAX_STREAMS);
    assert_int_equal(hp_media_receiver_stream(f.r, 31).ssrc, 531);
    assert_int_equal(hp_media_receiver_get_stats(f.r).too_many_sources, 8);
    uint8_t other[20];
    hp_rtp_header h = {.pt = 112, .ssrc = 500};
    hp_media_receiver_rtp(f.r, HP_S, other, hp_rtp_write(other, sizeof other, &h, "x", 1));
    assert_int_equal(hp_media_receiver_get_stats(f.r).unknown_pt, 1);
    hp_media_receiver_rtp(f.r, HP_S, other, 11);
    hp_media_receiver_rtcp(f.r, HP_S, other, 3);
    assert_int_equal(hp_media_receiver_get_stats(f.r).malformed, 2);
    clear(&f);
}

static void anything_may_come(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 11, "garbage");
    for (unsigned kind = 0; kind < 2; kind++) {
        hp_media_config c = kind == 0 ? audio() : hp_video_config_default();
        c.playout.mode = HP_PLAYOUT_ADAPTIVE;
        receiver f;
        make(&f, &c);
        hp_time now = 0;
        for (unsigned i = 0; i < 60000; i++) {
            uint8_t bytes[80];
            hp_rng_bytes(&rng, bytes, sizeof bytes);
            size_t len = hp_rng_below(&rng, sizeof bytes + 1);
            bytes[0] = hp_rng_below(&rng, 4) == 0 ? bytes[0] : 0x80;
            bytes[1] = (uint8_t)((bytes[1] & 0x80) | (kind == 0 ? 111 : 96 + bytes[1] % 2));
            if (i % 3 > 0)
                memcpy(bytes + 8, "\0\0\0\1", 4); /* one source, so that its numbers jump about */
            if (i % 5 > 0)
                memcpy(bytes + 12, "\x48\x50", 2), bytes[15] = 0; /* with a measuring header of nonsense */
            if (i % 2 > 0 && len > 24)
                bytes[2] = bytes[22], bytes[3] = bytes[23];
            now += hp_rng_below(&rng, 3) == 0 ? hp_rng_below(&rng, HP_S) : 0;
            hp_media_receiver_rtp(f.r, now, bytes, len);
            hp_media_receiver_run(f.r, now);
            bytes[1] = (uint8_t)(200 + bytes[1] % 8);
            hp_media_receiver_rtcp(f.r, now, bytes, len);
        }
        assert_true(hp_media_receiver_n_streams(f.r) > 0);
        hp_media_receiver_finish(f.r, now);
        assert_int_equal(hp_media_receiver_deadline(f.r), HP_NEVER);
        uint64_t received = stats(&f).received;
        plain(&f, now, 0, 0);
        assert_int_equal(stats(&f).received, received);
        clear(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jitter_is_that_of_the_appendix),
        cmocka_unit_test(each_packet_is_counted_for_what_it_is),
        cmocka_unit_test(the_fixed_playout_point_is_exact),
        cmocka_unit_test(the_adaptive_one_follows_the_network),
        cmocka_unit_test(numbers_wrap),
        cmocka_unit_test(the_first_packets_may_be_reordered),
        cmocka_unit_test(an_outage_is_loss_and_a_restart_is_not),
        cmocka_unit_test(what_is_older_than_the_window_is_discarded),
        cmocka_unit_test(latency_is_exact),
        cmocka_unit_test(every_packet_is_told_of_once),
        cmocka_unit_test(the_jitter_of_a_packet_is_the_running_one),
        cmocka_unit_test(reports_answer_sender_reports),
        cmocka_unit_test(sources_are_kept_apart_and_bounded),
        cmocka_unit_test(anything_may_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
