/* The `media` expectation: which tracks it looks at, in which window, when it is decided and what it tells. */
#include "media.h"

/* Asks for a kind, from alice to bob. */
static hp_expect *add_media(fixture *f, hp_media_kind kind)
{
    hp_expect *e = add_expect(f, HP_EXPECT_MEDIA, "media: {...}");
    e->media.from = "alice";
    e->media.to = "bob";
    e->media.asks[kind] = true;
    return e;
}

static hp_sc_measures *audio_of(hp_expect *e)
{
    return &e->media.of[HP_MEDIA_AUDIO];
}

static hp_sc_measures *video_of(hp_expect *e)
{
    return &e->media.of[HP_MEDIA_VIDEO];
}

static void every_measure_holds(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    hp_expect *e = add_media(f, HP_MEDIA_AUDIO);
    hp_sc_measures *a = audio_of(e);
    a->sent = compare("100", HP_UNIT_COUNT);
    a->received = compare("99", HP_UNIT_COUNT);
    a->loss = compare("<= 1%", HP_UNIT_RATIO);
    a->mos = compare("> 3.9", HP_UNIT_MILLI);
    a->jitter_max = compare("1ms", HP_UNIT_TIME);
    a->latency.p95 = compare("< 20ms", HP_UNIT_TIME);
    a->first_packet = compare("<= 1.01s", HP_UNIT_TIME);
    a->bitrate = compare("> 30kbit/s", HP_UNIT_RATE);
    ev_step(f, HP_S, 1);
    ev_track(f, 2 * HP_S, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track(f, 2 * HP_S, 2, HP_MEDIA_AUDIO, "bob", "alice"); /* carries nothing, and is not asked about */
    talk(f, 2 * HP_S, 1, 0, 100, 100);
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, true, 10 * HP_S, 0,
                  "audio from alice to bob: sent 100, received 99, loss 1%, bitrate 32.16kbit/s, jitter-max 1ms, "
                  "latency p95 10ms, first-packet 1.010s, mos 4.265");
    assert_string_equal(nth(f, 0)->expected,
                        "audio from alice to bob: sent 100, received 99, loss <= 1%, bitrate > 30kbit/s, jitter-max "
                        "1ms, latency p95 < 20ms, first-packet <= 1.01s, mos > 3.9");
}

static void the_worst_track_is_told_first(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_MEDIA, "media: {...}");
    e->media.asks[HP_MEDIA_AUDIO] = true;
    audio_of(e)->loss = compare("< 1%", HP_UNIT_RATIO);
    audio_of(e)->sent = compare(">= 10", HP_UNIT_COUNT);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track(f, 0, 2, HP_MEDIA_AUDIO, "bob", "alice");
    ev_track(f, 0, 3, HP_MEDIA_AUDIO, "alice", "carol");
    ev_track(f, 0, 4, HP_MEDIA_VIDEO, "alice", "carol"); /* nothing is asked of video */
    talk(f, 0, 1, 0, 20, 10); /* 2 lost */
    talk(f, HP_S, 2, 0, 20, 0);
    talk(f, 2 * HP_S, 3, 0, 4, 2); /* 2 lost, and too few */
    ev_drop(f, 3 * HP_S, "alice", "home", HP_DROP_LINK_LOSS, "RTP", 3);
    EVENT(f, 3 * HP_S, HP_EV_DTLS_STATE, "carol", HP_FU("session", 2), HP_FS("state", "failed"),
          HP_FS("reason", "fingerprint"));
    assert_int_equal(fixture_finish(f, 10 * HP_S)->verdict, HP_VERDICT_FAIL);
    ASSERT_EXPECT(f, 0, false, 10 * HP_S, 0,
                  "audio from alice to carol: sent 4 (not >= 10), loss 50% (not < 1%); audio from alice to bob: sent "
                  "20, loss 10% (not < 1%); 2 of 4 lost, 0 of them recovered, 0 late; 1 dropped at home: loss; dtls "
                  "failed at carol: fingerprint");
    assert_string_equal(nth(f, 0)->expected, "audio: sent >= 10, loss < 1%");
}

static void a_track_that_never_began_fails(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, true);
    audio_of(add_media(f, HP_MEDIA_AUDIO))->loss = compare("0%", HP_UNIT_RATIO);
    hp_expect *both = add_expect(f, HP_EXPECT_MEDIA, "media: {...}");
    both->media.asks[HP_MEDIA_AUDIO] = both->media.asks[HP_MEDIA_VIDEO] = true;
    audio_of(both)->loss = compare("0%", HP_UNIT_RATIO);
    video_of(both)->freezes = compare("0", HP_UNIT_COUNT);
    hp_expect *carol = add_media(f, HP_MEDIA_VIDEO);
    carol->media.from = "carol";
    carol->media.to = NULL;
    video_of(carol)->freezes = compare("0", HP_UNIT_COUNT);
    ev_step(f, 0, 1);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track(f, 0, 2, HP_MEDIA_AUDIO, "bob", "alice");
    ev_track(f, 0, 3, HP_MEDIA_VIDEO, "alice", "bob");
    talk(f, 0, 1, 0, 10, 0);
    talk(f, HP_S, 2, 0, 10, 0);
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, true, 10 * HP_S, 0, "audio from alice to bob: loss 0%");
    ASSERT_EXPECT(f, 1, false, 10 * HP_S, 0, "no video from bob to alice began");
    ASSERT_EXPECT(f, 2, false, 10 * HP_S, 0, "no video from carol began");
}

static void what_was_not_there_cannot_hold(void **state)
{
    fixture *f = *state;
    hp_sc_measures *a = audio_of(add_media(f, HP_MEDIA_AUDIO));
    a->loss = compare(">= 0%", HP_UNIT_RATIO);
    a->jitter = compare("< 1s", HP_UNIT_TIME);
    a->latency.max = compare("< 1s", HP_UNIT_TIME);
    a->first_packet = compare("< 100s", HP_UNIT_TIME);
    a->mos = compare(">= 0", HP_UNIT_MILLI);
    a->duplicates = compare("0", HP_UNIT_COUNT);
    hp_sc_measures *v = video_of(add_media(f, HP_MEDIA_VIDEO));
    v->first_frame = compare("< 100s", HP_UNIT_TIME);
    v->frame_latency.p95 = compare("< 100s", HP_UNIT_TIME);
    v->frames = compare("0", HP_UNIT_COUNT);
    audio_of(add_media(f, HP_MEDIA_AUDIO))->sent = compare("0", HP_UNIT_COUNT);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track(f, 0, 2, HP_MEDIA_VIDEO, "alice", "bob");
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, false, 10 * HP_S, 0,
                  "audio from alice to bob: loss unknown (nothing was sent), duplicates 0, jitter unknown (no packet "
                  "arrived), latency max unknown (no packet arrived), first-packet unknown (no packet arrived), mos "
                  "unknown (nothing to rate)");
    ASSERT_EXPECT(f, 1, false, 10 * HP_S, 0,
                  "video from alice to bob: first-frame unknown (no frame was shown), frames 0, frame-latency p95 "
                  "unknown (no frame was shown)");
    assert_true(nth(f, 2)->passed);
}

static void windows_hold_what_was_sent_in_them(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    add_step(f, HP_STEP_REBOOT);
    hp_expect *e = add_media(f, HP_MEDIA_AUDIO);
    e->window.after_step = "reboot";
    e->window.before = 4 * HP_S;
    audio_of(e)->sent = compare("3", HP_UNIT_COUNT);
    audio_of(e)->received = compare("2", HP_UNIT_COUNT);
    audio_of(e)->duplicates = compare("2", HP_UNIT_COUNT);
    audio_of(e)->discarded = compare("1", HP_UNIT_COUNT);
    audio_of(e)->foreign = compare("1", HP_UNIT_COUNT);
    audio_of(e)->first_packet = compare("3s", HP_UNIT_TIME);
    audio_of(e)->bitrate = compare("640bit/s", HP_UNIT_RATE); /* two of 80 octets in two seconds */
    ev_step(f, 0, 1);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_media_sent(f, 2 * HP_S, 1, 0, 0);
    ev_step(f, 2 * HP_S, 2); /* at the same instant, but after it */
    ev_media_sent(f, 2 * HP_S, 1, 1, 0);
    ev_media_got(f, 3 * HP_S, 1, 0, 0, 0); /* arrives in the window, was sent before */
    ev_media_got(f, 3 * HP_S, 1, 0, HP_MEDIA_F_DUPLICATE, 0);
    ev_media_sent(f, 3 * HP_S, 1, 2, 0);
    ev_media_got(f, 3 * HP_S, 1, 99, 0, 0); /* foreign, by its arrival */
    ev_media_sent(f, 4 * HP_S - 1, 1, 3, 0);
    ev_media_sent(f, 4 * HP_S, 1, 4, 0);
    ev_media_got(f, 5 * HP_S, 1, 4, 0, 0);
    ev_media_got(f, 5 * HP_S, 1, 98, 0, 0);
    ev_media_got(f, 5 * HP_S, 1, 3, 0, 0); /* arrives after it, was sent in it */
    ev_media_got(f, 5 * HP_S, 1, 3, HP_MEDIA_F_DUPLICATE, 0);
    ev_media_got(f, 5 * HP_S, 1, 3, HP_MEDIA_F_DUPLICATE, 0);
    ev_media_got(f, 5 * HP_S, 1, 2, HP_MEDIA_F_DISCARDED, 0);
    assert_false(hp_checker_decided(f->checker));
    ev_media_got(f, 6 * HP_S - 1, 1, 1, 0, 0);
    assert_false(hp_checker_decided(f->checker));
    ev_media_sent(f, 6 * HP_S, 1, 5, 0);
    assert_true(hp_checker_decided(f->checker)); /* the window's end and the grace have passed */
    fixture_finish(f, 7 * HP_S);
    ASSERT_EXPECT(
        f, 0, true, 7 * HP_S, 0,
        "audio from alice to bob: sent 3, received 2, duplicates 2, discarded 1, foreign 1, bitrate 640bit/s, "
        "first-packet 3.000s");
}

static void frames_belong_where_they_were_captured(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_media(f, HP_MEDIA_VIDEO);
    e->window.after = HP_S;
    e->window.before = 2 * HP_S;
    video_of(e)->frames = compare("2", HP_UNIT_COUNT);
    video_of(e)->frame_rate = compare("2", HP_UNIT_MILLI);
    video_of(e)->first_frame = compare("< 1s", HP_UNIT_TIME);
    video_of(e)->frame_latency.max = compare("150ms", HP_UNIT_TIME);
    video_of(e)->freezes = compare("2", HP_UNIT_COUNT); /* what lies in the window of each */
    video_of(e)->freeze_time = compare("600ms", HP_UNIT_TIME);
    video_of(e)->freeze_longest = compare("500ms", HP_UNIT_TIME);
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    ev_frame(f, 1050 * HP_MS, 1, 0, 51 * HP_MS, true); /* captured before */
    EVENT(f, 1100 * HP_MS, HP_EV_MEDIA_FREEZE, "bob", HP_FU("track", 1), HP_FT("duration", 600 * HP_MS));
    ev_frame(f, 1100 * HP_MS, 1, 1, 100 * HP_MS, false);
    ev_frame(f, 2149 * HP_MS, 1, 2, 150 * HP_MS, false);
    EVENT(f, 2500 * HP_MS, HP_EV_MEDIA_FREEZE, "bob", HP_FU("track", 1), HP_FT("duration", HP_S));
    ev_frame(f, 2500 * HP_MS, 1, 3, 500 * HP_MS, false); /* at the end: outside */
    fixture_finish(f, 7 * HP_S);
    ASSERT_EXPECT(
        f, 0, true, 7 * HP_S, 0,
        "video from alice to bob: first-frame 100ms, frames 2, frame-rate 2, frame-latency max 150ms, freezes "
        "2, freeze-time 600ms, freeze-longest 500ms");
    assert_string_equal(nth(f, 0)->expected,
                        "video from alice to bob: first-frame < 1s, frames 2, frame-rate 2, frame-latency max 150ms, "
                        "freezes 2, freeze-time 600ms, freeze-longest 500ms after 1.000s before 2.000s");
}

static void discarded_packets_are_told(void **state)
{
    fixture *f = *state;
    audio_of(add_media(f, HP_MEDIA_AUDIO))->loss = compare("0%", HP_UNIT_RATIO);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_media_sent(f, 100 * HP_MS, 1, 0, 0);
    ev_media_got(f, 110 * HP_MS, 1, 0, HP_MEDIA_F_DISCARDED, 0);
    fixture_finish(f, 7 * HP_S);
    ASSERT_EXPECT(f, 0, false, 7 * HP_S, 0,
                  "audio from alice to bob: loss 100% (not 0%); 1 of 1 lost, 0 of them recovered, 0 late; 1 were "
                  "discarded on arrival; no drop of data was recorded");
}

static void a_freeze_is_seen_from_within(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_media(f, HP_MEDIA_VIDEO);
    e->window.after = HP_S;
    e->window.before = 2 * HP_S;
    video_of(e)->freezes = compare("0", HP_UNIT_COUNT);
    video_of(e)->freeze_time = compare("0", HP_UNIT_TIME);
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    ev_frame(f, 500 * HP_MS, 1, 0, 50 * HP_MS, true);
    EVENT(f, 3 * HP_S, HP_EV_MEDIA_FREEZE, "bob", HP_FU("track", 1), HP_FT("duration", 2500 * HP_MS));
    fixture_finish(f, 7 * HP_S);
    ASSERT_EXPECT(f, 0, false, 7 * HP_S, 0, "video from alice to bob: freezes 1 (not 0), freeze-time 1.000s (not 0)");
}

static void what_was_never_shown_does_not_stand_still(void **state)
{
    fixture *f = *state;
    hp_expect *sent = add_media(f, HP_MEDIA_VIDEO), *held = add_media(f, HP_MEDIA_VIDEO);
    sent->window.before = held->window.after = HP_S;
    video_of(sent)->freezes = video_of(held)->freezes = compare("0", HP_UNIT_COUNT);
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    ev_media_sent(f, 100 * HP_MS, 1, 0, 0);
    fixture_finish(f, 7 * HP_S);
    ASSERT_EXPECT(f, 0, false, 7 * HP_S, 0,
                  "video from alice to bob: freezes unknown (no frame was shown); 1 of 1 lost, 0 of them recovered, 0 "
                  "late; no drop of data was recorded");
    ASSERT_EXPECT(f, 1, true, 7 * HP_S, 0, "video from alice to bob: freezes 0");
}

static void tracks_of_other_times_are_left_out(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_media(f, HP_MEDIA_AUDIO);
    e->window.after = 5 * HP_S;
    e->window.before = 6 * HP_S;
    audio_of(e)->loss = compare("0%", HP_UNIT_RATIO);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track_state(f, 0, 1, "started");
    talk(f, HP_S, 1, 0, 10, 2);
    ev_track_state(f, 2 * HP_S, 1, "stopped");
    ev_track(f, 4 * HP_S, 2, HP_MEDIA_AUDIO, "alice", "bob");
    talk(f, 5 * HP_S, 2, 0, 10, 0);
    ev_track(f, 6 * HP_S, 3, HP_MEDIA_AUDIO, "alice", "bob");
    talk(f, 6 * HP_S, 3, 0, 10, 2);
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, true, 10 * HP_S, 0, "audio from alice to bob: loss 0%");
}

static void on_hold_nothing_is_sent(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_HOLD);
    hp_step *resume = add_step(f, HP_STEP_HOLD);
    resume->hold.resume = true;
    for (unsigned i = 0; i < 2; i++) {
        hp_expect *e = add_media(f, HP_MEDIA_AUDIO);
        e->window.after_step = (char *)hp_step_label(&f->steps[0]);
        e->window.before_step = (char *)hp_step_label(&f->steps[1]);
        if (i == 0) {
            audio_of(e)->sent = compare("0", HP_UNIT_COUNT);
        } else {
            audio_of(e)->loss = compare("0%", HP_UNIT_RATIO);
        }
    }
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    talk(f, 0, 1, 0, 10, 0);
    ev_step(f, HP_S, 1);
    ev_track_state(f, HP_S, 1, "held");
    ev_step(f, 3 * HP_S, 2);
    ev_track_state(f, 3 * HP_S, 1, "resumed");
    talk(f, 3 * HP_S, 1, 10, 10, 0);
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, true, 10 * HP_S, 0, "audio from alice to bob: sent 0");
    ASSERT_EXPECT(f, 1, false, 10 * HP_S, 0, "audio from alice to bob: loss unknown (nothing was sent)");
}

static void the_packet_that_shows_it(void **state)
{
    fixture *f = *state;
    audio_of(add_media(f, HP_MEDIA_AUDIO))->duplicates = compare("0", HP_UNIT_COUNT);
    audio_of(add_media(f, HP_MEDIA_AUDIO))->foreign = compare("0", HP_UNIT_COUNT);
    audio_of(add_media(f, HP_MEDIA_AUDIO))->latency.max = compare("< 30ms", HP_UNIT_TIME);
    audio_of(add_media(f, HP_MEDIA_AUDIO))->late = compare("0", HP_UNIT_COUNT);
    audio_of(add_media(f, HP_MEDIA_AUDIO))->replays = compare("0", HP_UNIT_COUNT);
    audio_of(add_media(f, HP_MEDIA_AUDIO))->received = compare("> 100", HP_UNIT_COUNT); /* too few: nothing shows it */
    hp_expect *e = add_media(f, HP_MEDIA_AUDIO);
    audio_of(e)->reordered = compare("0", HP_UNIT_COUNT);
    audio_of(e)->jitter_max = compare("< 1ms", HP_UNIT_TIME);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    for (unsigned i = 0; i < 8; i++) {
        ev_packet(f, i * HP_MS, "bob", HP_DIR_IN, 1, "", 0);
        ev_media_sent(f, i * HP_MS, 1, i, 0);
    }
    ev_media_got(f, 20 * HP_MS, 1, 1, 0, 1);
    ev_media_got(f, 40 * HP_MS, 1, 0, HP_MEDIA_F_REORDERED | HP_MEDIA_F_LATE, 2);
    ev_media_got(f, 41 * HP_MS, 1, 0, HP_MEDIA_F_DUPLICATE, 3);
    ev_media_got(f, 42 * HP_MS, 1, 0, HP_MEDIA_F_DUPLICATE, 4);
    ev_media_got(f, 43 * HP_MS, 1, 50, 0, 5);
    EVENT(f, 44 * HP_MS, HP_EV_SRTP_REFUSED, "bob", HP_FU("track", 1), HP_FS("reason", "replay"), HP_FU("packet", 6));
    ev_media(f, 45 * HP_MS,
             (hp_media_record){
                 .kind = HP_MEDIA_RECEIVED, .track = 1, .sequence = FIRST_SEQUENCE + 7, .packet = 7, .jitter = 480});
    fixture_finish(f, 10 * HP_S);
    static const uint32_t packets[] = {3, 5, 2, 2, 6, 0, 2};
    for (unsigned i = 0; i < G_N_ELEMENTS(packets); i++) {
        assert_false(nth(f, i)->passed);
        assert_int_equal(nth(f, i)->packet, packets[i]);
    }
    f->expects[6].media.of[HP_MEDIA_AUDIO].reordered = compare(">= 2", HP_UNIT_COUNT); /* too few */
    f->expects[6].media.of[HP_MEDIA_AUDIO].jitter_max.set = false;
    fixture_finish(f, 10 * HP_S);
    assert_false(nth(f, 6)->passed);
    assert_int_equal(nth(f, 6)->packet, 0);
    f->expects[6].media.of[HP_MEDIA_AUDIO].jitter_max.set = true;
    f->expects[6].media.of[HP_MEDIA_AUDIO].reordered.set = false;
    fixture_finish(f, 10 * HP_S);
    assert_int_equal(nth(f, 6)->packet, 7);
    assert_string_equal(nth(f, 6)->got, "audio from alice to bob: jitter-max 10ms (not < 1ms); 5 of 8 lost, 0 of them "
                                        "recovered, 1 late; 1 refused by SRTP: replayed; no drop of data was recorded");
}

static void decided_when_all_have_stopped(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, true);
    hp_step *later = add_media_call(f, true, false);
    later->call.from = "carol"; /* concerns neither expectation */
    hp_expect *e = add_media(f, HP_MEDIA_AUDIO);
    audio_of(e)->loss = compare("0%", HP_UNIT_RATIO);
    ev_packet(f, 0, "alice", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker)); /* the call is still to come */
    ev_step(f, HP_S, 1);
    assert_false(hp_checker_decided(f->checker)); /* the track is still to begin */
    ev_track(f, HP_S, 1, HP_MEDIA_AUDIO, "bob", "alice");
    ev_track_state(f, HP_S, 1, "stopped");
    ev_track(f, HP_S, 2, HP_MEDIA_VIDEO, "alice", "bob");
    ev_packet(f, 10 * HP_S, "alice", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker)); /* those are others */
    ev_track(f, 10 * HP_S, 3, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track_state(f, 10 * HP_S, 3, "started");
    talk(f, 10 * HP_S, 3, 0, 10, 0);
    ev_track_state(f, 11 * HP_S, 3, "held");
    ev_packet(f, 15 * HP_S, "alice", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker));
    ev_track_state(f, 15 * HP_S, 3, "stopped");
    ev_packet(f, 17 * HP_S - 1, "alice", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker));
    ev_packet(f, 17 * HP_S, "alice", HP_DIR_IN, 1, "", 0);
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 17 * HP_S);
    assert_true(nth(f, 0)->passed);
}

static void a_later_call_keeps_it_open(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    add_media_call(f, true, false);
    audio_of(add_media(f, HP_MEDIA_AUDIO))->loss = compare("0%", HP_UNIT_RATIO);
    ev_step(f, 0, 1);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track_state(f, HP_S, 1, "stopped");
    ev_packet(f, 5 * HP_S, "alice", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker)); /* one track, two calls */
    ev_track(f, 5 * HP_S, 3, HP_MEDIA_AUDIO, "alice", "bob"); /* the first call's again */
    ev_track_state(f, 5 * HP_S, 3, "stopped");
    ev_packet(f, 8 * HP_S, "alice", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker)); /* the second call is still to come */
    ev_step(f, 8 * HP_S, 2);
    ev_track(f, 8 * HP_S, 2, HP_MEDIA_AUDIO, "alice", "bob");
    assert_false(hp_checker_decided(f->checker));
    ev_track_state(f, 8 * HP_S, 2, "stopped");
    ev_packet(f, 10 * HP_S, "alice", HP_DIR_IN, 1, "", 0);
    assert_true(hp_checker_decided(f->checker));
}

static void first_packet_counts_from_its_own_call(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    add_media_call(f, true, false);
    hp_expect *e = add_media(f, HP_MEDIA_AUDIO);
    audio_of(e)->first_packet = compare("<= 1.51s", HP_UNIT_TIME);
    ev_step(f, HP_S, 1);
    ev_track(f, 2 * HP_S, 1, HP_MEDIA_AUDIO, "alice", "bob");
    talk(f, 2 * HP_S, 1, 0, 10, 0);
    ev_step(f, 10 * HP_S, 2);
    ev_track(f, 11 * HP_S, 2, HP_MEDIA_AUDIO, "alice", "bob");
    talk(f, 11500 * HP_MS, 2, 0, 10, 0);
    const hp_result *r = fixture_finish(f, 20 * HP_S);
    assert_int_equal(r->tracks[0].called, HP_S);
    assert_int_equal(r->tracks[1].called, 10 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_string_equal(nth(f, 0)->got, "audio from alice to bob: first-packet 1.010s; audio from alice to bob: "
                                        "first-packet 1.510s");
}

static void refused_by_the_agent_is_lost(void **state)
{
    fixture *f = *state;
    audio_of(add_media(f, HP_MEDIA_AUDIO))->loss = compare("0%", HP_UNIT_RATIO);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    talk(f, 0, 1, 0, 2, 0);
    ev_media_sent(f, HP_S, 1, 2, HP_MEDIA_F_REFUSED);
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, false, 20 * HP_S, 0,
                  "audio from alice to bob: loss 33.333% (not 0%); 1 of 3 lost, 0 of them recovered, 0 late; 1 refused "
                  "by the agent; no drop of data was recorded");
}

static void why_it_failed(void **state)
{
    fixture *f = *state;
    audio_of(add_media(f, HP_MEDIA_AUDIO))->loss = compare("0%", HP_UNIT_RATIO);
    video_of(add_media(f, HP_MEDIA_VIDEO))->loss = compare("0%", HP_UNIT_RATIO);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    static const char *const reasons[] = {"no-keys", "no-keys", "auth-failed", "replay", "too-old", "malformed", "?"};
    for (unsigned i = 0; i < G_N_ELEMENTS(reasons); i++) {
        ev_media_sent(f, HP_S, 1, i, 0);
        EVENT(f, HP_S, HP_EV_SRTP_REFUSED, "bob", HP_FU("track", 1), HP_FS("reason", reasons[i]));
    }
    for (unsigned i = 0; i < 5; i++) { /* a datagram is another matter; three sections are enough */
        EVENT(f, HP_S, HP_EV_MEDIA_IGNORED, "bob", HP_FS("what", "video"), HP_FS("reason", "no codec"),
              HP_FU("packet", i == 0 ? 7 : 0));
    }
    static const char *const states[] = {"handshaking", "connected", "closed", "failed", "unverified", "handshaking"};
    for (unsigned i = 0; i < G_N_ELEMENTS(states); i++) {
        EVENT(f, 2 * HP_S, HP_EV_DTLS_STATE, "bob", HP_FU("session", i), HP_FS("state", states[i]),
              HP_FS("reason", i == 3 ? "alert" : ""));
    }
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, false, 20 * HP_S, 0,
                  "audio from alice to bob: loss 100% (not 0%); 7 of 7 lost, 0 of them recovered, 0 late; 2 refused by "
                  "SRTP: no keys yet; 1 refused by SRTP: authentication failed; 2 refused by SRTP: replayed; 1 refused "
                  "by SRTP: malformed; no drop of data was recorded; dtls handshaking at bob since 2.000s; dtls failed "
                  "at bob: alert; dtls unverified at bob since 2.000s; and at 1 more");
    ASSERT_EXPECT(f, 1, false, 20 * HP_S, 0,
                  "no video from alice to bob began; bob ignored video: no codec; bob ignored video: no codec; bob "
                  "ignored video: no codec; dtls handshaking at bob since 2.000s; dtls failed at bob: alert; dtls "
                  "unverified at bob since 2.000s; and at 1 more");
}

static void recovered_looks_at_tracks_too(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, true);
    add_step(f, HP_STEP_REBOOT);
    for (unsigned i = 0; i < 2; i++) {
        hp_expect *e = add_expect(f, HP_EXPECT_RECOVERED, "recovered: {...}");
        e->recovered.step = "reboot";
        e->recovered.within = (i == 0 ? 2 : 1) * HP_S;
    }
    ev_step(f, 0, 1);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track(f, 0, 2, HP_MEDIA_VIDEO, "bob", "alice");
    ev_track(f, 0, 3, HP_MEDIA_VIDEO, "alice", "bob");
    ev_track_state(f, 0, 2, "started");
    ev_track_state(f, 5 * HP_S, 2, "held"); /* not running at the step */
    ev_track_state(f, 5 * HP_S, 3, "stopped");
    ev_media_sent(f, 8 * HP_S, 1, 0, 0);
    ev_media_got(f, 9 * HP_S, 1, 0, 0, 0);
    ev_media_sent(f, 9900 * HP_MS, 1, 1, 0);
    ev_step(f, 10 * HP_S, 2);
    ev_media_sent(f, 10 * HP_S, 1, 2, 0);
    ev_media_got(f, 10300 * HP_MS, 1, 1, 0, 0); /* sent before: it ends the silence, but proves nothing */
    assert_false(hp_checker_decided(f->checker));
    ev_media_sent(f, 11 * HP_S, 1, 3, 0);
    const uint32_t packet = ev_packet(f, 11200 * HP_MS, "bob", HP_DIR_IN, 1, "", 0);
    ev_media_got(f, 11200 * HP_MS, 1, 3, 0, packet);
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, true, 11200 * HP_MS, packet, "audio from alice to bob after 1.200s (a gap of 1.300s)");
    assert_false(nth(f, 1)->passed);
}

static void recovered_fails_for_a_track_that_stays_dead(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_REBOOT);
    hp_expect *e = add_expect(f, HP_EXPECT_RECOVERED, "recovered: {...}");
    e->recovered.step = "reboot";
    e->recovered.within = 2 * HP_S;
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_track(f, 0, 2, HP_MEDIA_AUDIO, "bob", "alice");
    talk(f, HP_S, 1, 0, 2, 0);
    ev_step(f, 10 * HP_S, 1);
    ev_media_sent(f, 10 * HP_S, 1, 2, 0);
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, false, 12 * HP_S, 0,
                  "audio from alice to bob did not recover: nothing arrived after 1.030s, audio from bob to alice did "
                  "not recover: nothing was sent after the step");
}

static void recovered_takes_tracks_that_begin_later(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_REBOOT);
    add_media_call(f, true, false);
    hp_expect *e = add_expect(f, HP_EXPECT_RECOVERED, "recovered: {...}");
    e->recovered.step = "reboot";
    e->recovered.within = 5 * HP_S;
    ev_step(f, HP_S, 1);
    ev_step(f, HP_S, 2);
    ev_packet(f, HP_S, "bob", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker));
    ev_track(f, 2 * HP_S, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_media_sent(f, 2 * HP_S, 1, 0, 0);
    assert_false(hp_checker_decided(f->checker));
    ev_media_got(f, 3 * HP_S, 1, 0, 0, 0);
    assert_false(hp_checker_decided(f->checker)); /* the other way is still to begin */
    ev_track(f, 3 * HP_S, 2, HP_MEDIA_AUDIO, "bob", "alice");
    ev_media_sent(f, 3 * HP_S, 2, 0, 0);
    assert_false(hp_checker_decided(f->checker));
    ev_media_got(f, 4 * HP_S, 2, 0, 0, 0);
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, true, 4 * HP_S, 0,
                  "audio from alice to bob after 2.000s, audio from bob to alice after 3.000s");
}

static void a_broadcast_call_is_for_whoever_answers(void **state)
{
    fixture *f = *state;
    hp_step *step = add_media_call(f, true, false);
    step->call.to = NULL;
    step->call.broadcast = true;
    audio_of(add_media(f, HP_MEDIA_AUDIO))->first_packet = compare("<= 1.01s", HP_UNIT_TIME);
    ev_step(f, HP_S, 1);
    assert_false(hp_checker_decided(f->checker));
    ev_track(f, 2 * HP_S, 1, HP_MEDIA_AUDIO, "alice", "bob");
    talk(f, 2 * HP_S, 1, 0, 2, 0);
    ev_track_state(f, 3 * HP_S, 1, "stopped");
    ev_packet(f, 5 * HP_S, "bob", HP_DIR_IN, 1, "", 0);
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, true, 20 * HP_S, 0, "audio from alice to bob: first-packet 1.010s");
}

/* Each measure breaks when its figure does: a hand's width of everything, and each asked for what it is not. */
static void every_measure_can_fail(void **state)
{
    fixture *f = *state;
    const unsigned n = sizeof(hp_sc_measures) / sizeof(hp_compare);
    const hp_compare never = {.min = INT64_MAX, .max = INT64_MAX, .set = true};
    hp_expect *e = add_media(f, HP_MEDIA_AUDIO);
    ev_track(f, 0, 1, HP_MEDIA_AUDIO, "alice", "bob");
    talk(f, 0, 1, 0, 100, 10);
    ev_frame(f, HP_S, 1, 0, 40 * HP_MS, true);
    for (unsigned i = 0; i < n; i++) {
        hp_compare *asked = (hp_compare *)(void *)audio_of(e);
        memset(asked, 0, sizeof(hp_sc_measures));
        asked[i] = (hp_compare){.min = INT64_MIN, .max = INT64_MAX, .set = true};
        fixture_finish(f, 10 * HP_S);
        assert_true(nth(f, 0)->passed);
        asked[i] = never;
        fixture_finish(f, 10 * HP_S);
        assert_false(nth(f, 0)->passed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_measure_holds),
        FIXTURE_TEST(the_worst_track_is_told_first),
        FIXTURE_TEST(a_track_that_never_began_fails),
        FIXTURE_TEST(what_was_not_there_cannot_hold),
        FIXTURE_TEST(windows_hold_what_was_sent_in_them),
        FIXTURE_TEST(frames_belong_where_they_were_captured),
        FIXTURE_TEST(discarded_packets_are_told),
        FIXTURE_TEST(a_freeze_is_seen_from_within),
        FIXTURE_TEST(what_was_never_shown_does_not_stand_still),
        FIXTURE_TEST(tracks_of_other_times_are_left_out),
        FIXTURE_TEST(on_hold_nothing_is_sent),
        FIXTURE_TEST(the_packet_that_shows_it),
        FIXTURE_TEST(decided_when_all_have_stopped),
        FIXTURE_TEST(a_later_call_keeps_it_open),
        FIXTURE_TEST(first_packet_counts_from_its_own_call),
        FIXTURE_TEST(refused_by_the_agent_is_lost),
        FIXTURE_TEST(why_it_failed),
        FIXTURE_TEST(recovered_looks_at_tracks_too),
        FIXTURE_TEST(recovered_fails_for_a_track_that_stays_dead),
        FIXTURE_TEST(recovered_takes_tracks_that_begin_later),
        FIXTURE_TEST(a_broadcast_call_is_for_whoever_answers),
        FIXTURE_TEST(every_measure_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
