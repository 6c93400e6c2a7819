/* The media sender: what leaves when, and what it does when it is asked. */
#include "engines/media_rig.h"

#include "base/error.h"

static hp_media_config audio(void)
{
    hp_media_config c = hp_audio_config_default();
    c.id = (hp_media_identity){.ssrc_set = true,
                               .ssrc = 0x11223344,
                               .sequence_set = true,
                               .sequence = 65530,
                               .timestamp_set = true,
                               .timestamp = 0xfffffc40};
    c.rtcp.off = true;
    return c;
}

static hp_media_config video(void)
{
    hp_media_config c = hp_video_config_default();
    c.video.variation_percent = 0;
    c.id = (hp_media_identity){.ssrc_set = true,
                               .ssrc = 0x55667788,
                               .rtx_ssrc_set = true,
                               .rtx_ssrc = 0x99,
                               .sequence_set = true,
                               .sequence = 100,
                               .timestamp_set = true,
                               .timestamp = 5000};
    c.rtcp.off = true;
    return c;
}

static void audio_is_on_its_grid(void **state)
{
    hp_media_config c = audio();
    media_rig *rig = rig_new(&c, NULL, 0);
    assert_int_equal(hp_media_sender_deadline(rig->sender), HP_NEVER);
    hp_media_sender_start(rig->sender, 3 * HP_S + 7);
    rig_run(rig, 63 * HP_S + 6);
    assert_int_equal(rig->sent->len, 3000);
    for (unsigned i = 0; i < 3000; i++) {
        const rig_packet *p = g_ptr_array_index(rig->sent, i);
        assert_int_equal(p->at, 3 * HP_S + 7 + i * 20 * HP_MS);
        assert_int_equal(p->rtp.sequence, (uint16_t)(65530 + i));
        assert_int_equal(p->rtp.timestamp, 0xfffffc40 + 960 * i);
        assert_int_equal(p->rtp.ssrc, 0x11223344);
        assert_int_equal(p->rtp.pt, 111);
        assert_false(p->rtp.marker);
        assert_int_equal(p->length, 12 + 80); /* 32 kbit/s for 20 ms */
        assert_int_equal(p->mark.capture, p->at);
        assert_int_equal(p->mark.offset, 0);
        assert_int_equal(p->mark.frame, i);
        assert_int_equal(p->mark.sequence, 65530 + i);
        assert_int_equal(p->mark.flags, HP_MARK_START | HP_MARK_END);
    }
    assert_int_equal(hp_media_sender_deadline(rig->sender), 63 * HP_S + 7);
    assert_int_equal(hp_media_sender_get_stats(rig->sender)->octets, 3000 * 80);
    rig_free(rig);
}

static void a_clock_that_does_not_divide_drifts_nowhere(void **state)
{
    hp_media_config c = audio();
    c.audio.clock = 11025; /* 220.5 units in 20 ms */
    c.id.timestamp = 0;
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 100 * HP_S);
    static const uint32_t first[] = {0, 220, 441, 661, 882};
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(rig_media(rig, i, 111)->rtp.timestamp, first[i]);
    assert_int_equal(rig_media(rig, 5000, 111)->rtp.timestamp, 1102500);
    rig_free(rig);
}

static void dtx_speaks_in_spells(void **state)
{
    hp_media_config c = audio();
    c.audio.dtx = true;
    c.id.timestamp = 0;
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 600 * HP_S);
    uint64_t tick = 0;
    unsigned packet = 0, spells = 0;
    for (guint i = 0; i < rig->events->len; i++) {
        const rig_event *e = &g_array_index(rig->events, rig_event, i);
        if (e->event.kind == HP_MEDIA_EV_STARTED)
            continue;
        bool talk = e->event.kind == HP_MEDIA_EV_TALK;
        assert_int_equal(e->at, tick * 20 * HP_MS);
        assert_int_equal(talk, spells++ % 2 == 0);
        /* 1.2 s and 0.8 s of 20 ms, from half to one and a half. */
        assert_in_range(e->event.count, talk ? 30 : 20, talk ? 90 : 60);
        for (unsigned k = 0; k < e->event.count && (tick + k) * 20 * HP_MS <= 600 * HP_S; k += talk ? 1 : 20) {
            const rig_packet *p = g_ptr_array_index(rig->sent, packet);
            assert_int_equal(p->at, (tick + k) * 20 * HP_MS);
            assert_int_equal(p->rtp.timestamp, (tick + k) * 960);
            assert_int_equal(p->rtp.sequence, (uint16_t)(65530 + packet));
            assert_int_equal(p->rtp.marker, talk && k == 0);
            assert_int_equal(p->rtp.payload_len, talk ? 80 : HP_MEDIA_MARK);
            assert_int_equal((p->mark.flags & HP_MARK_COMFORT) != 0, !talk);
            packet++;
        }
        tick += e->event.count;
    }
    assert_int_equal(packet, rig->sent->len);
    assert_in_range(spells, 500, 700); /* 2 s for a pair on average */
    rig_free(rig);
}

static void video_frames_are_cut_and_paced(void **state)
{
    hp_media_config c = video();
    c.video.bitrate = 960000; /* 4000 octets a frame */
    c.video.key_interval = 30;
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, HP_S);
    rig_run(rig, HP_S + 100 * HP_MS - 1);
    /* A key frame of 20,000 octets: 17 packets of at most 1188. */
    for (unsigned i = 0; i < 17; i++) {
        const rig_packet *p = rig_media(rig, i, 96);
        assert_int_equal(p->at, HP_S + (hp_time)16666666 * i / 17);
        assert_int_equal(p->rtp.payload_len, i < 8 ? 1177 : 1176); /* 17 * 1176 + 8 = 20,000 */
        assert_int_equal(p->rtp.timestamp, 5000);
        assert_int_equal(p->rtp.sequence, 100 + i);
        assert_int_equal(p->rtp.marker, i == 16);
        assert_int_equal(p->mark.flags, HP_MARK_KEY | (i == 0 ? HP_MARK_START : 0) | (i == 16 ? HP_MARK_END : 0));
        assert_int_equal(p->mark.capture, HP_S);
        assert_int_equal(p->mark.offset, p->at - HP_S);
    }
    /* The second frame: 16,000 octets too much were sent, a sixteenth of which is taken off. */
    const rig_packet *p = rig_media(rig, 17, 96);
    assert_int_equal(p->at, HP_S + 33333333);
    assert_int_equal(p->rtp.timestamp, 5000 + 2999);
    assert_int_equal(p->rtp.payload_len, 1000); /* 3000 in three */
    assert_int_equal(rig_media(rig, 19, 96)->at, HP_S + 33333333 + (hp_time)16666666 * 2 / 3);
    assert_true(rig_media(rig, 19, 96)->rtp.marker);
    assert_int_equal(rig_media(rig, 19, 96)->mark.flags, HP_MARK_END);
    assert_int_equal(rig_media(rig, 20, 96)->at, HP_S + 66666666);
    /* Over 1000 s the rate is exact to one key frame, and every 30th frame is a key frame. */
    rig_run(rig, 1001 * HP_S - 1);
    const hp_media_sender_stats *stats = hp_media_sender_get_stats(rig->sender);
    assert_int_equal(stats->frames, 30000);
    assert_int_equal(stats->key_frames, 1000);
    assert_in_range(stats->octets, 120000000 - 20000, 120000000 + 20000);
    rig_free(rig);
}

static void frame_sizes_vary_and_the_rate_does_not(void **state)
{
    hp_media_config c = video();
    c.video.variation_percent = 40;
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 100 * HP_S - 1);
    assert_in_range(hp_media_sender_get_stats(rig->sender)->octets, 12500000 - 50000, 12500000 + 50000);
    assert_true(hp_media_sender_set_bitrate(rig->sender, 100 * HP_S, 250000));
    assert_false(hp_media_sender_set_bitrate(rig->sender, 100 * HP_S, 0));
    uint64_t before = hp_media_sender_get_stats(rig->sender)->octets;
    rig_run(rig, 200 * HP_S - 1);
    uint64_t octets = hp_media_sender_get_stats(rig->sender)->octets - before;
    assert_in_range(octets, 3125000 - 20000, 3125000 + 20000);
    for (unsigned i = 0; i < rig->sent->len; i++)
        assert_true(((rig_packet *)g_ptr_array_index(rig->sent, i))->length <= 1200);
    rig_free(rig);
}

static void feed(media_rig *rig, hp_rtcp_writer *w)
{
    size_t len = hp_rtcp_finish(w);
    assert_true(len > 0);
    hp_media_sender_rtcp(rig->sender, rig->now, w->buf, len);
}

static void nack_is_answered_from_the_history(void **state)
{
    hp_media_config c = video();
    c.video.history = 64;
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 3 * HP_S);
    unsigned n = rig->sent->len;
    uint16_t newest = (uint16_t)(100 + n - 1);
    const rig_packet *wanted[] = {g_ptr_array_index(rig->sent, n - 64), g_ptr_array_index(rig->sent, n - 2)};
    uint16_t asked[] = {(uint16_t)(newest - 64), (uint16_t)(newest - 63), (uint16_t)(newest - 1),
                        (uint16_t)(newest + 1)};
    uint8_t buffer[200];
    hp_rtcp_writer w;
    hp_rtcp_begin(&w, buffer, sizeof buffer);
    hp_rtcp_add_nack(&w, 1, 0x55667788, asked, 4);
    feed(rig, &w);
    assert_int_equal(rig->sent->len, n + 2);
    for (unsigned i = 0; i < 2; i++) {
        const rig_packet *rtx = rig_media(rig, i, 97);
        assert_int_equal(rtx->at, 3 * HP_S);
        assert_int_equal(rtx->rtp.ssrc, 0x99);
        assert_int_equal(rtx->rtp.sequence, (uint16_t)(rig_media(rig, 0, 97)->rtp.sequence + i));
        uint8_t original[HP_MEDIA_PACKET_MAX];
        size_t len = hp_rtx_restore(original, sizeof original, &rtx->rtp, 96, 0x55667788);
        assert_int_equal(len, wanted[i]->length);
        assert_memory_equal(original, wanted[i]->bytes, len);
    }
    const rig_event *e = rig_event_at(rig, 0, HP_MEDIA_EV_NACK_HEARD);
    assert_int_equal(e->event.count, 4);
    assert_int_equal(e->event.answered, 2);
    assert_int_equal(hp_media_sender_get_stats(rig->sender)->not_in_history, 2);
    /* Of another stream: not ours. */
    hp_rtcp_begin(&w, buffer, sizeof buffer);
    hp_rtcp_add_nack(&w, 1, 0x1234, asked + 1, 1);
    feed(rig, &w);
    assert_int_equal(rig->sent->len, n + 2);
    rig_free(rig);
}

static void without_rtx_the_packet_itself_comes_again(void **state)
{
    hp_media_config c = video();
    c.video.rtx = false;
    c.id.sequence = 65535;
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 100 * HP_MS);
    unsigned n = rig->sent->len;
    uint8_t buffer[200];
    hp_rtcp_writer w;
    hp_rtcp_begin(&w, buffer, sizeof buffer);
    hp_rtcp_add_nack(&w, 1, 0x55667788, (uint16_t[]){65535, 0}, 2);
    feed(rig, &w);
    assert_int_equal(rig->sent->len, n + 2);
    for (unsigned i = 0; i < 2; i++) {
        const rig_packet *again = g_ptr_array_index(rig->sent, n + i), *first = g_ptr_array_index(rig->sent, i);
        assert_int_equal(again->length, first->length);
        assert_memory_equal(again->bytes, first->bytes, first->length);
    }
    rig_free(rig);
}

static void pli_makes_the_next_frame_a_key_frame(void **state)
{
    hp_media_config c = video();
    c.video.fps = 10;
    c.video.key_on_request_only = true;
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 1050 * HP_MS);
    uint8_t buffer[200];
    hp_rtcp_writer w;
    hp_rtcp_begin(&w, buffer, sizeof buffer);
    hp_rtcp_add_pli(&w, 1, 0x55667788);
    feed(rig, &w);
    rig_run(rig, 1150 * HP_MS);
    /* Within 300 ms of the last one it has to wait: the frame at 1.4 s. */
    feed(rig, &w);
    feed(rig, &w);
    rig_run(rig, 2 * HP_S);
    /* FIR: a command that was seen is a repetition. */
    for (unsigned i = 0; i < 2; i++) {
        hp_rtcp_begin(&w, buffer, sizeof buffer);
        hp_rtcp_add_fir(&w, 1, 0x55667788, 9);
        feed(rig, &w);
        rig_run(rig, (3 + i) * HP_S);
    }
    static const hp_time at[] = {0, 1100 * HP_MS, 1400 * HP_MS, 2100 * HP_MS};
    assert_int_equal(rig_count(rig, HP_MEDIA_EV_KEY_FRAME), 4);
    for (unsigned i = 0; i < 4; i++) {
        const rig_event *e = rig_event_at(rig, i, HP_MEDIA_EV_KEY_FRAME);
        assert_int_equal(e->at, at[i]);
        assert_string_equal(e->event.reason, i == 0 ? "start" : "request");
    }
    assert_int_equal(hp_media_sender_get_stats(rig->sender)->plis, 4);
    rig_free(rig);
}

static size_t one_block(void *user, hp_time now, hp_rtcp_report_block *ret, size_t cap)
{
    assert_int_equal(cap, HP_RTCP_MAX_COUNT);
    *ret = (hp_rtcp_report_block){.ssrc = 42, .fraction_lost = 7, .jitter = 99};
    return 1;
}

static void sender_reports_say_what_was_sent(void **state)
{
    hp_media_config c = audio();
    c.rtcp.off = false;
    g_strlcpy(c.rtcp.cname, "alice@hairpin", sizeof c.rtcp.cname);
    media_rig *rig = rig_new(&c, NULL, 0);
    rig->sender_ops.blocks = one_block;
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 60 * HP_S);
    hp_time before = 0;
    unsigned n = 0;
    for (const rig_packet *p; (p = rig_control(rig, n, false)); n++) {
        hp_rtcp_datagram d;
        hp_rtcp_packet part;
        hp_rtcp_sender_info sr;
        hp_rtcp_report_block block;
        size_t cursor = 0;
        assert_true(hp_rtcp_parse(p->bytes, p->length, &d));
        assert_true(d.is_compound);
        assert_true(hp_rtcp_next(&d, &cursor, &part) && hp_rtcp_read_sr(&part, &sr));
        assert_int_equal(sr.ssrc, 0x11223344);
        assert_int_equal(sr.ntp, hp_ntp_from_time(p->at));
        assert_int_equal(sr.rtp_timestamp, (uint32_t)(0xfffffc40 + p->at * 48 / HP_MS));
        assert_int_equal(sr.packets, p->at / (20 * HP_MS) + 1);
        assert_int_equal(sr.octets, sr.packets * 80);
        assert_true(hp_rtcp_read_block(&part, 0, &block));
        assert_int_equal(block.ssrc, 42);
        const char *cname;
        size_t cname_len;
        assert_true(hp_rtcp_next(&d, &cursor, &part) && hp_rtcp_sdes_cname(&part, 0x11223344, &cname, &cname_len));
        assert_int_equal(cname_len, 13);
        /* RFC 3550 section 6.3.1: 2.5 s, later 5 s, half to one and a half of it over e - 3/2; reconsideration may
         * put a report off by one interval more. */
        hp_time least = n == 0 ? 1026032500 : 2052065000;
        assert_true(p->at - before >= least);
        assert_true(p->at - before <= 2 * 6156196000);
        before = p->at;
    }
    assert_in_range(n, 7, 20);
    rig_free(rig);
}

static void a_report_tells_the_round_trip(void **state)
{
    hp_media_config c = audio();
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 2 * HP_S);
    /* An SR of 1.5 s, held for 0.25 s at the far end; back at 2 s. */
    hp_rtcp_report_block block = {.ssrc = 0x11223344,
                                  .fraction_lost = 64,
                                  .cumulative_lost = -3,
                                  .jitter = 17,
                                  .last_sr = hp_ntp_middle(hp_ntp_from_time(1500 * HP_MS)),
                                  .delay_since_last_sr = 16384};
    uint8_t buffer[200];
    hp_rtcp_writer w;
    hp_rtcp_begin(&w, buffer, sizeof buffer);
    hp_rtcp_add_rr(&w, 5, &block, 1);
    feed(rig, &w);
    const rig_event *e = rig_event_at(rig, 0, HP_MEDIA_EV_REPORT_HEARD);
    assert_int_equal(e->event.span, 250 * HP_MS);
    assert_int_equal(e->event.fraction_lost, 64);
    assert_int_equal(e->event.lost, -3);
    assert_int_equal(e->event.jitter, 17);
    assert_int_equal(hp_media_sender_get_stats(rig->sender)->round_trip, 250 * HP_MS);
    rig_free(rig);
}

static void hold_leaves_the_grid(void **state)
{
    hp_media_config c = video();
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 1005 * HP_MS);
    unsigned n = rig->sent->len;
    hp_media_sender_hold(rig->sender, 1005 * HP_MS);
    assert_int_equal(hp_media_sender_deadline(rig->sender), HP_NEVER);
    rig_run(rig, 5 * HP_S);
    assert_int_equal(rig->sent->len, n);
    hp_media_sender_resume(rig->sender, 5010 * HP_MS);
    rig_run(rig, 6 * HP_S);
    const rig_packet *p = g_ptr_array_index(rig->sent, n);
    assert_int_equal(p->at, 5033333333); /* tick 151 */
    assert_int_equal(p->rtp.timestamp, 5000 + 452999); /* floor(5.033333333 s * 90 kHz) */
    assert_int_equal(p->rtp.sequence, 100 + n);
    assert_int_equal(p->mark.flags & HP_MARK_KEY, HP_MARK_KEY);
    rig_free(rig);
}

static void the_end_is_a_bye(void **state)
{
    hp_media_config c = audio();
    c.rtcp.off = false;
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, 100 * HP_MS);
    hp_media_sender_stop(rig->sender, 110 * HP_MS, "hung up");
    const rig_packet *p = g_ptr_array_index(rig->sent, rig->sent->len - 1);
    assert_true(p->rtcp);
    hp_rtcp_datagram d;
    hp_rtcp_packet part;
    size_t cursor = 0;
    uint32_t gone;
    assert_true(hp_rtcp_parse(p->bytes, p->length, &d));
    assert_true(hp_rtcp_next(&d, &cursor, &part) && hp_rtcp_next(&d, &cursor, &part));
    assert_true(hp_rtcp_read_bye(&part, 0, &gone));
    assert_int_equal(gone, 0x11223344);
    assert_int_equal(hp_media_sender_deadline(rig->sender), HP_NEVER);
    unsigned n = rig->sent->len;
    hp_media_sender_stop(rig->sender, HP_S, NULL);
    hp_media_sender_start(rig->sender, HP_S);
    hp_media_sender_resume(rig->sender, HP_S);
    hp_media_sender_run(rig->sender, HP_S);
    assert_int_equal(rig->sent->len, n);
    rig_free(rig);
    /* Who never sent anything must not say goodbye. */
    rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    hp_media_sender_stop(rig->sender, 0, NULL);
    assert_int_equal(rig->sent->len, 0);
    rig_free(rig);
}

static void a_late_driver_skips(void **state)
{
    hp_media_config c = audio();
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    hp_media_sender_run(rig->sender, 0);
    /* 0.5 s late: all 25 leave at once, with the times they should have had. */
    hp_media_sender_run(rig->sender, 500 * HP_MS);
    assert_int_equal(rig->sent->len, 26);
    assert_int_equal(rig_media(rig, 1, 111)->mark.capture, 20 * HP_MS);
    assert_int_equal(rig_media(rig, 1, 111)->mark.offset, 480 * HP_MS);
    /* A day late: those between are gone. */
    hp_media_sender_run(rig->sender, 86400 * HP_S);
    assert_int_equal(rig->sent->len, 27);
    assert_int_equal(rig_media(rig, 26, 111)->mark.capture, 86400 * HP_S);
    assert_int_equal(hp_media_sender_get_stats(rig->sender)->skipped, 86400 * 50 - 26);
    rig_free(rig);
}

static void what_no_stream_can_be_is_refused(void **state)
{
    struct {
        hp_media_config config;
        const char *says;
    } cases[12] = {0};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
        cases[i].config = i < 5 ? hp_audio_config_default() : hp_video_config_default();
    cases[0].config.audio.ptime = 999 * HP_US, cases[0].says = "packet time";
    cases[1].config.audio.bitrate = 1000000000, cases[1].says = "more than 2048 octets";
    cases[2].config.audio.payload_size = 2037, cases[2].says = "2037 octets";
    cases[3].config.audio.pt = 128, cases[3].says = "at most 127, not 128";
    cases[4].config.audio.talk = 30 * HP_MS, cases[4].says = "spells";
    cases[5].config.video.fps = 1001, cases[5].says = "1000 frames a second, not 1001";
    cases[6].config.video.max_packet = 127, cases[6].says = "not 127";
    cases[7].config.video.rtx_pt = 96, cases[7].says = "of their own, not 96";
    cases[8].config.video.pace_percent = 101, cases[8].says = "101 %";
    cases[9].config.playout = (hp_playout_config){.delay = 2 * HP_S, .delay_max = HP_S}, cases[9].says = "playout";
    cases[10].config.kind = HP_MEDIA_N_KINDS, cases[10].says = "audio or video";
    cases[11].config.rtcp.interval = 3601 * HP_S, cases[11].says = "hour";
    hp_rng rng;
    hp_rng_init(&rng, 1, "x");
    hp_media_sender_ops ops = {.rtp = rig_rtp, .rtcp = rig_rtcp};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(hp_media_sender_new(&cases[i].config, &rng, &ops, NULL, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
        if (!strstr(error->message, cases[i].says))
            fail_msg("case %u says: %s", i, error->message);
        assert_null(hp_media_sender_new(&cases[i].config, &rng, &ops, NULL, NULL));
    }
}

static void garbage_is_counted(void **state)
{
    hp_media_config c = video();
    media_rig *rig = rig_new(&c, NULL, 0);
    hp_media_sender_start(rig->sender, 0);
    rig_run(rig, HP_S);
    hp_rng rng;
    hp_rng_init(&rng, 3, "garbage");
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t bytes[64];
        hp_rng_bytes(&rng, bytes, sizeof bytes);
        size_t len = hp_rng_below(&rng, sizeof bytes + 1);
        bytes[0] = (uint8_t)(0x80 | (bytes[0] & 0x1f));
        bytes[1] = (uint8_t)(200 + bytes[1] % 8);
        if (i % 2 == 0 && len >= 4) { /* a frame that is whole */
            len &= ~(size_t)3;
            bytes[2] = 0;
            bytes[3] = (uint8_t)(len / 4 - 1);
        }
        hp_media_sender_rtcp(rig->sender, HP_S, bytes, len);
    }
    assert_true(hp_media_sender_get_stats(rig->sender)->malformed > 5000);
    rig_run(rig, 2 * HP_S);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_is_on_its_grid),
        cmocka_unit_test(a_clock_that_does_not_divide_drifts_nowhere),
        cmocka_unit_test(dtx_speaks_in_spells),
        cmocka_unit_test(video_frames_are_cut_and_paced),
        cmocka_unit_test(frame_sizes_vary_and_the_rate_does_not),
        cmocka_unit_test(nack_is_answered_from_the_history),
        cmocka_unit_test(without_rtx_the_packet_itself_comes_again),
        cmocka_unit_test(pli_makes_the_next_frame_a_key_frame),
        cmocka_unit_test(sender_reports_say_what_was_sent),
        cmocka_unit_test(a_report_tells_the_round_trip),
        cmocka_unit_test(hold_leaves_the_grid),
        cmocka_unit_test(the_end_is_a_bye),
        cmocka_unit_test(a_late_driver_skips),
        cmocka_unit_test(what_no_stream_can_be_is_refused),
        cmocka_unit_test(garbage_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
