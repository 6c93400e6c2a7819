/* The figures of tracks in a result, from traces made by hand. */
#include "media.h"

#include "check/emodel.h"

static const hp_media_figures *figures(fixture *f, hp_time ended)
{
    const hp_result *r = fixture_finish(f, ended);
    assert_true(r->n_tracks > 0);
    return &r->tracks[0].figures;
}

static void a_clean_track(void **state)
{
    fixture *f = *state;
    ev_track(f, HP_S, 1, HP_MEDIA_AUDIO, "alice", "bob");
    talk(f, HP_S, 1, 0, 100, 0);
    const hp_media_figures *m = figures(f, 10 * HP_S);
    assert_int_equal(f->result->n_tracks, 1);
    assert_int_equal(f->result->tracks[0].track, 1);
    assert_int_equal(f->result->tracks[0].kind, HP_MEDIA_AUDIO);
    assert_string_equal(f->result->tracks[0].from, "alice");
    assert_string_equal(f->result->tracks[0].to, "bob");
    assert_int_equal(f->result->tracks[0].ssrc, 101);
    assert_int_equal(m->sent, 100);
    assert_int_equal(m->received, 100);
    assert_int_equal(m->lost + m->recovered + m->late + m->unusable + m->duplicates + m->reordered + m->discarded, 0);
    assert_int_equal(m->foreign + m->auth_failures + m->replays + m->loss_ppb + m->unusable_ppb, 0);
    assert_int_equal(m->octets, 8000);
    assert_int_equal(m->bitrate, 32323); /* 64000 bits in the 1.98 s from first to last arrival */
    assert_int_equal(m->jitter_mean, HP_MS); /* 48 units of 48 kHz */
    assert_int_equal(m->jitter_max, HP_MS);
    assert_int_equal(m->latency.count, 100);
    assert_int_equal(m->latency.min, 10 * HP_MS);
    assert_int_equal(m->latency.max, 10 * HP_MS);
    assert_int_equal(m->first_packet, HP_S + 10 * HP_MS);
    assert_int_equal(m->mouth_to_ear, 90 * HP_MS);
    assert_int_equal(m->burst_milli, 1000);
    const hp_emodel_score score = hp_emodel_rate(&(hp_emodel_input){.delay = 90 * HP_MS, .codec = HP_CODEC_G711_PLC});
    assert_int_equal(m->r_milli, score.r_milli);
    assert_int_equal(m->mos_milli, score.mos_milli);
    assert_int_equal(m->first_frame, HP_NEVER);
    assert_int_equal(m->frames, 0);
}

static void loss_is_rated_with_its_bursts(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    for (unsigned i = 0; i < 100; i++) { /* 2, 3, 4 and 50 are lost, 60 comes too late to be played */
        ev_media_sent(f, i * 20 * HP_MS, 1, i, i == 50 ? HP_MEDIA_F_REFUSED : 0);
    }
    for (unsigned i = 0; i < 100; i++) {
        if (i == 60) {
            ev_media_got(f, 3 * HP_S, 1, i, HP_MEDIA_F_LATE, 0);
        } else if (i != 50 && (i < 2 || i > 4)) {
            ev_media_heard(f, 3 * HP_S, 1, i, 0, 150 * HP_MS);
        }
    }
    const hp_media_figures *m = figures(f, 10 * HP_S);
    assert_int_equal(m->sent, 100);
    assert_int_equal(m->received, 96);
    assert_int_equal(m->lost, 4);
    assert_int_equal(m->loss_ppb, 40000000);
    assert_int_equal(m->recovered, 0);
    assert_int_equal(m->late, 1);
    assert_int_equal(m->unusable, 5);
    assert_int_equal(m->unusable_ppb, 50000000);
    assert_int_equal(m->burst_milli, 1583); /* 5 in 3 runs: 5/3 over 1/0.95 */
    assert_int_equal(m->mouth_to_ear, 150 * HP_MS);
    const hp_emodel_score score = hp_emodel_rate(&(hp_emodel_input){
        .delay = 150 * HP_MS, .loss_ppb = 50000000, .burst_milli = 1583, .codec = HP_CODEC_G711_PLC});
    assert_int_equal(m->r_milli, score.r_milli);
    assert_int_equal(m->mos_milli, score.mos_milli);
    assert_true(score.mos_milli > 3000 && score.mos_milli < 4300);
}

static void nothing_heard_is_not_rated(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_media_sent(f, 0, 1, 0, 0);
    ev_media_sent(f, 0, 1, 1, 0);
    ev_media_got(f, HP_S, 1, 1, 0, 0); /* of a recording: no time from mouth to ear */
    const hp_media_figures *m = figures(f, 10 * HP_S);
    assert_int_equal(m->mos_milli, 0);
    assert_int_equal(m->r_milli, 0);
    assert_int_equal(m->bitrate, 0); /* one arrival spans no time */
    assert_int_equal(m->loss_ppb, 500000000);
}

static void nothing_usable_is_rated_badly(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_media_sent(f, 0, 1, 0, 0);
    ev_media_sent(f, 0, 1, 1, 0);
    ev_media_got(f, HP_S, 1, 1, HP_MEDIA_F_LATE, 0);
    const hp_media_figures *m = figures(f, 10 * HP_S);
    const hp_emodel_score score =
        hp_emodel_rate(&(hp_emodel_input){.loss_ppb = 1000000000, .burst_milli = 1000, .codec = HP_CODEC_G711_PLC});
    assert_int_equal(m->unusable_ppb, 1000000000);
    assert_int_equal(m->mos_milli, score.mos_milli);
    assert_true(score.mos_milli < 1500);
    assert_int_equal(m->mouth_to_ear, 0);
}

static void what_is_in_flight_at_the_end_is_not_lost(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    ev_track(f, 0, 2, HP_MEDIA_VIDEO, "alice", "carol");
    for (unsigned i = 0; i < 100; i++) { /* the last at 9.9 s */
        ev_media_sent(f, i * 100 * HP_MS, 1, i, i == 98 ? HP_MEDIA_F_REFUSED : 0);
        ev_media_sent(f, i * 100 * HP_MS, 2, i, 0);
        if (i == 40) {
            ev_media_got(f, 4250 * HP_MS, 1, i, HP_MEDIA_F_RTX, 0); /* the slowest */
        } else if (i != 60 && i < 95) {
            ev_media_got(f, i * 100 * HP_MS + 20 * HP_MS, 1, i, 0, 0);
        }
    }
    const hp_media_figures *m = figures(f, 10 * HP_S);
    assert_int_equal(m->sent, 100);
    assert_int_equal(m->received, 93);
    assert_int_equal(m->in_flight, 1); /* 99; the agent refused 98, and 97 ought to be there */
    assert_int_equal(m->lost, 6);
    assert_int_equal(m->unusable, 5);
    assert_int_equal(m->loss_ppb, 60606060); /* of 99 */
    assert_int_equal(m->burst_milli, 2373); /* 5 of 99 in 2 runs */
    m = &f->result->tracks[1].figures; /* nothing came: two seconds are waited for the last */
    assert_int_equal(m->sent, 100);
    assert_int_equal(m->in_flight, 20); /* from 8 s on */
    assert_int_equal(m->lost, 80);
    assert_int_equal(m->loss_ppb, 1000000000);
    unsigned lost = 0;
    for (unsigned i = 0; i < f->result->tracks[0].n_series; i++) {
        lost += f->result->tracks[0].series[i].lost;
    }
    assert_int_equal(lost, 6);
}

static void a_receiver_that_hangs_up_loses_nothing(void **state)
{
    fixture *f = *state;
    ev_state(f, 0, "bob", "connected");
    for (unsigned track = 1; track <= 2; track++) {
        ev_track(f, 0, track, HP_MEDIA_AUDIO, track == 1 ? "alice" : "bob", track == 1 ? "bob" : "alice");
        ev_track_state(f, 0, track, "started");
    }
    for (unsigned i = 0; i < 10; i++) {
        ev_media_sent(f, i * 10 * HP_MS, 1, i, 0);
        ev_media_sent(f, i * 10 * HP_MS, 2, i, 0);
        if (i < 5 && i != 1) {
            ev_media_got(f, i * 10 * HP_MS + 15 * HP_MS, 1, i, 0, 0);
            ev_media_got(f, i * 10 * HP_MS + 15 * HP_MS, 2, i, 0, 0);
        }
        if (i == 6) { /* bob hangs up at 60 ms, and alice hears of it after 90 ms */
            ev_track_state(f, 60 * HP_MS, 2, "stopped");
            EVENT(f, 65 * HP_MS, HP_EV_PEER_CLOSED, "bob", HP_FU("session", 1));
        }
    }
    ev_track_state(f, 90 * HP_MS, 1, "stopped");
    const hp_result *r = fixture_finish(f, 10 * HP_S);
    assert_int_equal(r->tracks[0].figures.sent, 10);
    assert_int_equal(r->tracks[0].figures.received, 4);
    assert_int_equal(r->tracks[0].figures.in_flight, 5); /* from 50 ms on */
    assert_int_equal(r->tracks[0].figures.lost, 1);
    assert_int_equal(r->tracks[1].figures.in_flight, 2); /* alice hangs up at 90 ms */
    assert_int_equal(r->tracks[1].figures.lost, 4);
}

static void repairs_and_slow_originals(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    for (unsigned i = 0; i < 6; i++) {
        ev_media_sent(f, i * HP_MS, 1, i, 0);
    }
    ev_media_got(f, 20 * HP_MS, 1, 0, 0, 11);
    ev_media_got(f, 25 * HP_MS, 1, 5, 0, 12);
    for (unsigned i = 1; i < 5; i++) {
        ev_media_sent(f, 30 * HP_MS, 1, i, HP_MEDIA_F_RTX);
    }
    ev_media_got(f, 50 * HP_MS, 1, 1, HP_MEDIA_F_RTX, 13); /* repaired, and never comes as media */
    ev_media_got(f, 51 * HP_MS, 1, 1, HP_MEDIA_F_RTX | HP_MEDIA_F_USELESS, 14); /* once more */
    ev_media_got(f, 52 * HP_MS, 1, 2, HP_MEDIA_F_RTX, 15); /* repaired, but the original is only slow */
    ev_media_got(f, 60 * HP_MS, 1, 2, HP_MEDIA_F_REORDERED, 16);
    ev_media_got(f, 61 * HP_MS, 1, 3, HP_MEDIA_F_RTX | HP_MEDIA_F_LATE, 17); /* repaired too late */
    ev_media_got(f, 62 * HP_MS, 1, 0, HP_MEDIA_F_RTX | HP_MEDIA_F_LATE, 18); /* of what is there: of no use */
    const hp_media_figures *m = figures(f, 10 * HP_S); /* 4 is gone for good */
    assert_int_equal(m->sent, 6);
    assert_int_equal(m->received, 3);
    assert_int_equal(m->lost, 3);
    assert_int_equal(m->recovered, 2);
    assert_int_equal(m->late, 1);
    assert_int_equal(m->unusable, 2); /* 3 and 4: lost - recovered + late */
    assert_int_equal(m->reordered, 1);
    assert_int_equal(m->duplicates, 0);
    assert_int_equal(m->foreign, 0);
    assert_int_equal(m->retransmitted, 4);
    assert_int_equal(m->octets, 5 * 80);
    assert_int_equal(m->bitrate, 5 * 80 * 8 * 1000 / 41); /* from 20 ms to 61 ms */
    assert_int_equal(m->latency.count, 3); /* the slow original tells one, repairs do not */
    assert_int_equal(m->latency.max, 58 * HP_MS);
}

static void odd_packets_are_told_apart(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_media_got(f, 0, 1, 7, 0, 5); /* before anything was sent */
    for (unsigned i = 0; i < 10; i++) {
        ev_media_sent(f, i * HP_MS, 1, i, 0);
    }
    ev_media_got(f, 20 * HP_MS, 1, 3, 0, 6);
    ev_media_got(f, 21 * HP_MS, 1, 2, HP_MEDIA_F_REORDERED, 7);
    ev_media_got(f, 22 * HP_MS, 1, 3, HP_MEDIA_F_DUPLICATE, 8);
    ev_media_got(f, 23 * HP_MS, 1, 3, 0, 9); /* a receiver that does not see it */
    ev_media_got(f, 24 * HP_MS, 1, 10, 0, 10); /* not sent yet */
    ev_media_sent(f, 25 * HP_MS, 1, 10, 0);
    ev_media_got(f, 26 * HP_MS, 1, 10, HP_MEDIA_F_DUPLICATE, 11); /* its place was taken */
    ev_media_got(f, 27 * HP_MS, 1, 4, HP_MEDIA_F_DISCARDED, 12);
    ev_media_got(f, 28 * HP_MS, 1, 5000, HP_MEDIA_F_DISCARDED, 13);
    ev_media_got(f, 29 * HP_MS, 1, 900, HP_MEDIA_F_RTX | HP_MEDIA_F_USELESS, 14); /* a forged repair in vain */
    ev_media_got(f, 29 * HP_MS, 1, 901, HP_MEDIA_F_RTX, 15); /* and one that was used */
    ev_media_sent(f, 30 * HP_MS, 1, 10, 0); /* a second packet of that number is nothing new */
    const char *const reasons[] = {"auth-failed", "auth-failed", "replay", "too-old", "malformed", "no-keys"};
    for (unsigned i = 0; i < G_N_ELEMENTS(reasons); i++) {
        EVENT(f, HP_S, HP_EV_SRTP_REFUSED, "bob", HP_FU("track", 1), HP_FS("reason", reasons[i]),
              HP_FU("packet", 20 + i));
    }
    EVENT(f, HP_S, HP_EV_SRTP_REFUSED, "bob", HP_FU("track", 0), HP_FS("reason", "auth-failed"));
    EVENT(f, HP_S, HP_EV_SRTP_REFUSED, "bob", HP_FU("track", 77), HP_FS("reason", "auth-failed"));
    const hp_media_figures *m = figures(f, 10 * HP_S);
    assert_int_equal(m->sent, 11);
    assert_int_equal(m->received, 2);
    assert_int_equal(m->lost, 9);
    assert_int_equal(m->duplicates, 3);
    assert_int_equal(m->reordered, 1);
    assert_int_equal(m->discarded, 2);
    assert_int_equal(m->foreign, 4); /* 7 too early, 10 too early, 5000, and the repair of 901 */
    assert_int_equal(m->auth_failures, 2);
    assert_int_equal(m->replays, 2);
}

static void strays_are_foreign_to_whoever_received_them(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track(f, 0, 2, HP_MEDIA_AUDIO, "bob", "alice");
    ev_track(f, 0, 3, HP_MEDIA_AUDIO, "alice", "carol");
    const uint32_t at_bob = ev_packet(f, HP_S, "bob/wifi", HP_DIR_IN, 1, "", 0);
    const uint32_t at_carol = ev_packet(f, HP_S, "carol", HP_DIR_IN, 1, "", 0);
    ev_packet(f, HP_S, "bobby", HP_DIR_IN, 1, "", 0);
    ev_media_got(f, HP_S, 0, 1, 0, at_carol);
    ev_media_got(f, HP_S, 0, 2, 0, at_bob); /* out of order */
    ev_media_got(f, HP_S, 0, 3, 0, at_bob);
    ev_media_got(f, HP_S, 0, 4, 0, 3); /* at nobody's tap */
    ev_media_got(f, HP_S, 0, 5, 0, 0); /* nobody knows whose */
    ev_media_sent(f, HP_S, 0, 6, 0); /* a track 0 sends nothing */
    const hp_result *r = fixture_finish(f, 2 * HP_S);
    assert_int_equal(r->tracks[0].figures.foreign, 3);
    assert_int_equal(r->tracks[1].figures.foreign, 1);
    assert_int_equal(r->tracks[2].figures.foreign, 2);
    r = fixture_finish(f, 2 * HP_S); /* finishing again counts nothing again */
    assert_int_equal(r->tracks[0].figures.foreign, 3);
}

static void numbers_with_gaps_and_out_of_order(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    static const uint32_t order[] = {0, 1, 5, 3, 2000000000, 2000000001, 4};
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        ev_media_sent(f, i * HP_MS, 1, order[i], 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        ev_media_got(f, 100 * HP_MS + i * HP_MS, 1, order[i], 0, 0);
    }
    ev_media_got(f, HP_S, 1, 2, 0, 0); /* was never sent */
    const hp_media_figures *m = figures(f, 2 * HP_S);
    assert_int_equal(m->sent, 7);
    assert_int_equal(m->received, 7);
    assert_int_equal(m->foreign, 1);
    assert_int_equal(m->latency.min, 100 * HP_MS);
    assert_int_equal(m->latency.max, 100 * HP_MS);
}

static void jitter_is_of_media_alone(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    for (unsigned i = 0; i < 4; i++) {
        ev_media_sent(f, 0, 1, i, 0);
    }
    ev_media_heard(f, HP_MS, 1, 0, 0, 0);
    ev_media_heard(f, HP_MS, 1, 1, 900, 0); /* 10 ms */
    ev_media_heard(f, HP_MS, 1, 2, 100, 0); /* 1.111111 ms */
    ev_media(f, HP_MS,
             (hp_media_record){.kind = HP_MEDIA_RECEIVED,
                               .flags = HP_MEDIA_F_RTX,
                               .track = 1,
                               .sequence = FIRST_SEQUENCE + 3,
                               .jitter = 100000});
    const hp_media_figures *m = figures(f, HP_S);
    assert_int_equal(m->jitter_max, 10 * HP_MS);
    assert_int_equal(m->jitter_mean, 3703703); /* 1000 units over 3 packets */
    assert_int_equal(m->mos_milli, 0); /* pictures are not rated */
}

static void pictures(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    ev_frame(f, 500 * HP_MS, 1, 0, 40 * HP_MS, true);
    ev_frame(f, 600 * HP_MS, 1, 1, 50 * HP_MS, false);
    ev_frame(f, 700 * HP_MS, 1, 2, HP_NEVER, false); /* of a recording */
    ev_frame(f, 1300 * HP_MS, 1, 5, 30 * HP_MS, true);
    EVENT(f, 1300 * HP_MS, HP_EV_MEDIA_FREEZE, "bob", HP_FU("track", 1), HP_FT("duration", 600 * HP_MS));
    EVENT(f, 2 * HP_S, HP_EV_MEDIA_FREEZE, "bob", HP_FU("track", 1), HP_FT("duration", 200 * HP_MS));
    for (unsigned i = 0; i < 3; i++) {
        EVENT(f, 2 * HP_S, HP_EV_MEDIA_FRAME_LOST, "bob", HP_FU("track", 1), HP_FU("frame", i),
              HP_FS("reason", "incomplete"));
        EVENT(f, 2 * HP_S, HP_EV_MEDIA_FEEDBACK, "bob", HP_FU("track", 1), HP_FS("what", i == 0 ? "pli" : "nack"),
              HP_FU("count", 5));
    }
    const hp_media_figures *m = figures(f, 10 * HP_S);
    assert_int_equal(m->first_frame, 500 * HP_MS);
    assert_int_equal(m->frames, 4);
    assert_int_equal(m->key_frames, 2);
    assert_int_equal(m->frames_lost, 3);
    assert_int_equal(m->frame_rate_milli, 3750); /* 3 intervals in 0.8 s */
    assert_int_equal(m->frame_latency.count, 3);
    assert_int_equal(m->frame_latency.median, 40 * HP_MS);
    assert_int_equal(m->frame_latency.max, 50 * HP_MS);
    assert_int_equal(m->freezes, 2);
    assert_int_equal(m->freeze_time, 800 * HP_MS);
    assert_int_equal(m->freeze_longest, 600 * HP_MS);
    assert_int_equal(m->nacks, 2);
    assert_int_equal(m->plis, 1);
}

static void an_outage_at_the_end_lowers_the_rates(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    for (unsigned i = 0; i < 4; i++) {
        ev_media_sent(f, HP_S + i * 100 * HP_MS, 1, i, 0);
        ev_media_got(f, HP_S + (i * 100 + 10) * HP_MS, 1, i, 0, 0);
        ev_frame(f, HP_S + (i * 100 + 10) * HP_MS, 1, i, 10 * HP_MS, i == 0);
    }
    ev_media_sent(f, 2010 * HP_MS, 1, 4, 0); /* lost */
    ev_media_sent(f, 2995 * HP_MS, 1, 5, 0); /* under way at the end */
    const hp_media_figures *m = figures(f, 3 * HP_S);
    assert_int_equal(m->lost, 1);
    assert_int_equal(m->in_flight, 1);
    assert_int_equal(m->frame_rate_milli, 3000); /* 3 intervals from 1.01 s to 2.01 s */
    assert_int_equal(m->bitrate, 4 * 80 * 8);
}

static void a_series_has_a_point_each_tenth_of_a_second(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    ev_media_sent(f, 250 * HP_MS, 1, 0, 0);
    ev_media_sent(f, 280 * HP_MS, 1, 1, 0);
    ev_media_sent(f, 290 * HP_MS, 1, 2, 0); /* lost for good */
    ev_media_heard(f, 299999999, 1, 0, 90, 0);
    ev_media_heard(f, 300 * HP_MS, 1, 1, 180, 0);
    ev_media_sent(f, 310 * HP_MS, 1, 3, 0);
    ev_media_heard(f, 350 * HP_MS, 1, 3, 270, 0);
    ev_frame(f, 350 * HP_MS, 1, 0, 100 * HP_MS, true);
    ev_media_sent(f, 400 * HP_MS, 1, 4, 0);
    ev_media_got(f, 610 * HP_MS, 1, 4, HP_MEDIA_F_RTX, 0);
    ev_media_got(f, 720 * HP_MS, 1, 4, HP_MEDIA_F_REORDERED, 0);
    ev_media_sent(f, 730 * HP_MS, 1, 5, 0);
    ev_media_got(f, 740 * HP_MS, 1, 5, HP_MEDIA_F_RTX, 0); /* repaired, but lost by the network */
    const hp_result *r = fixture_finish(f, 10 * HP_S);
    const hp_track_result *t = &r->tracks[0];
    const hp_media_point expected[] = {
        {3, 1, 1, 80, 0, 1000, 49999999, 49999999}, /* 0.2 s */
        {1, 2, 0, 160, 1, 3000, 30 * HP_MS, 40 * HP_MS},
        {1, 0, 0, 0, 0, 3000, 0, 0}, /* jitter is carried on; what came at last is not lost */
        {0, 0, 0, 0, 0, 3000, 0, 0},
        {0, 1, 0, 80, 0, 3000, 0, 0}, /* the repair */
        {1, 1, 1, 80, 0, 0, 320 * HP_MS, 320 * HP_MS}, /* and the original; a repair alone */
    };
    assert_int_equal(t->series_start, 200 * HP_MS);
    assert_int_equal(t->n_series, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < t->n_series; i++) {
        assert_int_equal(t->series[i].sent, expected[i].sent);
        assert_int_equal(t->series[i].packets, expected[i].packets);
        assert_int_equal(t->series[i].lost, expected[i].lost);
        assert_int_equal(t->series[i].octets, expected[i].octets);
        assert_int_equal(t->series[i].frames, expected[i].frames);
        assert_int_equal(t->series[i].jitter_us, expected[i].jitter_us);
        assert_int_equal(t->series[i].latency_mean, expected[i].latency_mean);
        assert_int_equal(t->series[i].latency_max, expected[i].latency_max);
    }
}

static void a_series_ends_after_an_hour(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_media_sent(f, HP_S, 1, 0, 0);
    ev_media_sent(f, 5000 * HP_S, 1, 1, 0);
    ev_media_got(f, 5000 * HP_S, 1, 1, 0, 0);
    const hp_result *r = fixture_finish(f, 5000 * HP_S);
    assert_int_equal(r->tracks[0].n_series, 36000);
    assert_int_equal(r->tracks[0].figures.received, 1);
}

static void tracks_stand_by_number_and_strange_ones_are_ignored(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 3, HP_MEDIA_VIDEO, "bob", "alice");
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "bob", "alice"); /* told twice: the first counts */
    ev_track(f, 0, 0, HP_MEDIA_VIDEO, "bob", "alice");
    EVENT(f, 0, HP_EV_MEDIA_TRACK, "bob", HP_FU("track", UINT64_MAX), HP_FS("media", "audio"));
    EVENT(f, 0, HP_EV_MEDIA_TRACK, "bob", HP_FU("track", 4), HP_FS("media", "smell"));
    EVENT(f, 0, HP_EV_MEDIA_TRACK, "bob", HP_FU("track", 5), HP_FS("media", "audio"), HP_FU("clock", 0));
    ev_media_sent(f, 0, 2, 0, 0);
    ev_media_sent(f, 0, UINT32_MAX, 0, 0);
    ev_media_got(f, 0, 2, 0, 0, 0);
    ev_track_state(f, 0, 9, "stopped");
    ev_track_state(f, 0, 1, "dancing");
    const hp_result *r = fixture_finish(f, HP_S);
    assert_int_equal(r->n_tracks, 3);
    assert_int_equal(r->tracks[0].track, 1);
    assert_int_equal(r->tracks[0].kind, HP_MEDIA_AUDIO);
    assert_int_equal(r->tracks[1].track, 3);
    assert_int_equal(r->tracks[2].track, 5);
    assert_null(r->tracks[0].series);
    assert_int_equal(r->tracks[0].figures.sent + r->tracks[1].figures.sent + r->tracks[2].figures.sent, 0);
    assert_int_equal(r->tracks[0].figures.first_packet, HP_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_clean_track),
        FIXTURE_TEST(loss_is_rated_with_its_bursts),
        FIXTURE_TEST(nothing_heard_is_not_rated),
        FIXTURE_TEST(nothing_usable_is_rated_badly),
        FIXTURE_TEST(what_is_in_flight_at_the_end_is_not_lost),
        FIXTURE_TEST(a_receiver_that_hangs_up_loses_nothing),
        FIXTURE_TEST(repairs_and_slow_originals),
        FIXTURE_TEST(odd_packets_are_told_apart),
        FIXTURE_TEST(strays_are_foreign_to_whoever_received_them),
        FIXTURE_TEST(numbers_with_gaps_and_out_of_order),
        FIXTURE_TEST(jitter_is_of_media_alone),
        FIXTURE_TEST(pictures),
        FIXTURE_TEST(an_outage_at_the_end_lowers_the_rates),
        FIXTURE_TEST(a_series_has_a_point_each_tenth_of_a_second),
        FIXTURE_TEST(a_series_ends_after_an_hour),
        FIXTURE_TEST(tracks_stand_by_number_and_strange_ones_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
