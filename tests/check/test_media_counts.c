/* Media with an end that is a program of somebody else's: what it counts, what our end sees, and what nobody knows. */
#include "media.h"

enum { FIRST_COUNTED = 16385 };

static void make_foreign(fixture *f, unsigned peer)
{
    f->sc_peers[peer].program.program = HP_PEER_CHROMIUM;
}

/* A call with media of that kind, of which is asked what alice sends bob. */
static hp_expect *expect_of_call(fixture *f, hp_media_kind kind)
{
    add_media_call(f, kind == HP_MEDIA_AUDIO, kind == HP_MEDIA_VIDEO);
    hp_expect *e = add_expect(f, HP_EXPECT_MEDIA, "media: {...}");
    e->media.from = "alice";
    e->media.to = "bob";
    e->media.asks[kind] = true;
    return e;
}

static void ev_out(fixture *f, hp_time at, const char *peer, const char *with, const char *media, uint64_t packets)
{
    EVENT(f, at, HP_EV_MEDIA_STATS, peer, HP_FU("session", 1), HP_FS("with", with), HP_FS("media", media),
          HP_FS("direction", "out"), HP_FU("packets", packets), HP_FU("octets", packets * 100));
}

static void ev_in(fixture *f, hp_time at, const char *peer, const char *with, const char *media, uint64_t packets,
                  int64_t lost, uint64_t frames)
{
    EVENT(f, at, HP_EV_MEDIA_STATS, peer, HP_FU("session", 1), HP_FS("with", with), HP_FS("media", media),
          HP_FS("direction", "in"), HP_FU("packets", packets), HP_FU("octets", packets * 100), HP_FI("lost", lost),
          HP_FT("jitter", 3 * HP_MS), HP_FU("frames", frames));
}

static void two_programs_count(void **state)
{
    fixture *f = *state;
    make_foreign(f, 0);
    make_foreign(f, 1);
    hp_sc_measures *v = &expect_of_call(f, HP_MEDIA_VIDEO)->media.of[HP_MEDIA_VIDEO];
    v->sent = compare("103", HP_UNIT_COUNT);
    v->received = compare("90", HP_UNIT_COUNT);
    v->loss = compare("10%", HP_UNIT_RATIO);
    v->bitrate = compare("72kbit/s", HP_UNIT_RATE);
    v->jitter = compare("3ms", HP_UNIT_TIME);
    v->frames = compare("30", HP_UNIT_COUNT);
    ev_step(f, 0, 1);
    ev_out(f, HP_S, "alice", "bob", "video", 3);
    ev_in(f, HP_S, "bob", "alice", "video", 0, 0, 0);
    ev_in(f, 2 * HP_S, "bob", "alice", "video", 90, 10, 30);
    ev_out(f, 2 * HP_S, "alice", "bob", "video", 103);
    ev_out(f, 2 * HP_S, "bob", "alice", "video", 7);
    fixture_finish(f, 3 * HP_S);
    ASSERT_EXPECT(f, 0, true, 3 * HP_S, 0,
                  "video from alice to bob: sent 103, received 90, loss 10%, bitrate 72kbit/s, jitter 3ms, frames 30");
    assert_int_equal(f->result->n_tracks, 2);
    const hp_track_result *track = &f->result->tracks[0];
    assert_int_equal(track->track, FIRST_COUNTED);
    assert_string_equal(track->from, "alice");
    assert_int_equal(track->figures.basis, HP_FIGURES_OF_COUNTS);
    assert_int_equal(track->figures.in_flight, 3);
    assert_int_equal(track->n_series, 0);
    /* of the other way only the sender has told */
    assert_int_equal(f->result->tracks[1].figures.sent, 7);
    assert_true((f->result->tracks[1].figures.unknown & HP_FIGURE_RECEIVED) != 0);
}

static void nothing_unknown_holds(void **state)
{
    fixture *f = *state;
    make_foreign(f, 0);
    make_foreign(f, 1);
    hp_sc_measures *a = &expect_of_call(f, HP_MEDIA_AUDIO)->media.of[HP_MEDIA_AUDIO];
    a->latency.p95 = compare("< 10s", HP_UNIT_TIME);
    a->reordered = compare("0", HP_UNIT_COUNT);
    a->first_packet = compare("< 10s", HP_UNIT_TIME);
    ev_step(f, 0, 1);
    ev_in(f, 2 * HP_S, "bob", "alice", "audio", 90, 0, 0);
    fixture_finish(f, 3 * HP_S);
    ASSERT_EXPECT(f, 0, false, 3 * HP_S, 0,
                  "audio from alice to bob: reordered unknown (a program that is not ours does not tell), latency p95 "
                  "unknown (a program that is not ours does not tell), first-packet unknown (a program that is not "
                  "ours does not tell)");
}

/* The window's counts are what was told in it; lost packets below none are none. */
static void windows_are_differences(void **state)
{
    fixture *f = *state;
    make_foreign(f, 0);
    make_foreign(f, 1);
    hp_expect *e = expect_of_call(f, HP_MEDIA_AUDIO);
    e->window.after = 2500 * HP_MS;
    e->window.before = 4500 * HP_MS;
    hp_sc_measures *a = &e->media.of[HP_MEDIA_AUDIO];
    a->received = compare("30", HP_UNIT_COUNT);
    a->loss = compare("25%", HP_UNIT_RATIO);
    ev_step(f, 0, 1);
    ev_in(f, HP_S, "bob", "alice", "audio", 10, 0, 0);
    ev_in(f, 2 * HP_S, "bob", "alice", "audio", 20, -3, 0);
    ev_in(f, 3 * HP_S, "bob", "alice", "audio", 40, 4, 0);
    ev_in(f, 4 * HP_S, "bob", "alice", "audio", 50, 10, 0);
    ev_in(f, 5 * HP_S, "bob", "alice", "audio", 99, 99, 0);
    fixture_finish(f, 6 * HP_S);
    assert_true(nth(f, 0)->passed);
}

/* Ours sends and says each packet; the browser counts what comes. */
static void our_sender_is_known_to_the_packet(void **state)
{
    fixture *f = *state;
    make_foreign(f, 1);
    hp_sc_measures *a = &expect_of_call(f, HP_MEDIA_AUDIO)->media.of[HP_MEDIA_AUDIO];
    a->sent = compare("100", HP_UNIT_COUNT);
    a->received = compare("95", HP_UNIT_COUNT);
    a->loss = compare("<= 2.1%", HP_UNIT_RATIO);
    ev_step(f, 0, 1);
    ev_in(f, HP_S / 2, "bob", "alice", "audio", 1, 0, 0); /* before the track is announced: of none */
    ev_track(f, HP_S, 1, HP_MEDIA_AUDIO, "alice", "bob");
    for (unsigned i = 0; i < 100; i++) {
        ev_media_sent(f, HP_S + i * 20 * HP_MS, 1, i, 0);
    }
    ev_in(f, 4 * HP_S, "bob", "alice", "audio", 95, 2, 0);
    fixture_finish(f, 5 * HP_S);
    ASSERT_EXPECT(f, 0, true, 5 * HP_S, 0, "audio from alice to bob: sent 100, received 95, loss 2.062%");
    assert_int_equal(f->result->n_tracks, 1);
    assert_int_equal(f->result->tracks[0].figures.in_flight, 3);
}

/* What a browser sends to ours is known as it comes: gaps in the numbers are lost packets, a late one fills its gap. */
static void what_comes_from_a_foreign_sender(void **state)
{
    fixture *f = *state;
    make_foreign(f, 0);
    hp_sc_measures *a = &expect_of_call(f, HP_MEDIA_AUDIO)->media.of[HP_MEDIA_AUDIO];
    a->sent = compare("11", HP_UNIT_COUNT);
    a->received = compare("10", HP_UNIT_COUNT);
    a->foreign = compare("0", HP_UNIT_COUNT);
    a->duplicates = compare("1", HP_UNIT_COUNT);
    ev_step(f, 0, 1);
    ev_track(f, HP_S, 1, HP_MEDIA_AUDIO, "alice", "bob");
    for (unsigned i = 1; i <= 10; i++) {
        if (i != 4 && i != 7) {
            ev_media_got(f, HP_S + i * 20 * HP_MS, 1, i, 0, i);
        }
    }
    ev_media_got(f, 2 * HP_S, 1, 7, HP_MEDIA_F_REORDERED, 17);
    ev_media_got(f, 2 * HP_S, 1, 8, HP_MEDIA_F_DUPLICATE, 18);
    ev_media_got(f, 2 * HP_S, 1, 0, HP_MEDIA_F_REORDERED, 19); /* before the first that came */
    ev_out(f, 2 * HP_S, "alice", "bob", "audio", 500);
    fixture_finish(f, 5 * HP_S);
    ASSERT_EXPECT(f, 0, true, 5 * HP_S, 0, "audio from alice to bob: sent 11, received 10, duplicates 1, foreign 0");
    const hp_track_result *track = &f->result->tracks[0];
    assert_int_equal(track->figures.basis, HP_FIGURES_OF_ARRIVALS);
    assert_int_equal(track->figures.lost, 1);
    assert_int_equal(track->figures.reordered, 2);
    assert_int_equal(track->figures.latency.count, 0);
    assert_true((track->figures.unknown & HP_FIGURE_LATENCY) != 0);
    assert_true(track->n_series > 0);
}

/* A number far ahead is a new beginning, and no loss of all between. */
static void a_jump_is_no_loss(void **state)
{
    fixture *f = *state;
    make_foreign(f, 0);
    add_media_call(f, true, false);
    ev_step(f, 0, 1);
    ev_track(f, HP_S, 1, HP_MEDIA_AUDIO, "alice", "bob");
    ev_media_got(f, HP_S, 1, 1, 0, 1);
    ev_media_got(f, HP_S, 1, 50000, 0, 2);
    ev_media_got(f, HP_S, 1, 50001, 0, 3);
    fixture_finish(f, 5 * HP_S);
    assert_int_equal(f->result->tracks[0].figures.sent, 3);
    assert_int_equal(f->result->tracks[0].figures.lost, 0);
}

/* Counts of our own peers, of nobody, and of what is neither audio nor video, belong to no track. */
static void counts_of_nobody(void **state)
{
    fixture *f = *state;
    make_foreign(f, 0);
    ev_in(f, HP_S, "bob", "alice", "audio", 90, 0, 0);
    ev_in(f, HP_S, "alice", "", "audio", 90, 0, 0);
    ev_in(f, HP_S, "alice", "dave", "audio", 90, 0, 0);
    ev_in(f, HP_S, "alice", "bob", "audio", 90, 0, 0); /* bob is ours and has announced none */
    ev_in(f, HP_S, "alice", "alice", "smell", 90, 0, 0);
    fixture_finish(f, 2 * HP_S);
    assert_int_equal(f->result->n_tracks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(two_programs_count),
        FIXTURE_TEST(nothing_unknown_holds),
        FIXTURE_TEST(windows_are_differences),
        FIXTURE_TEST(our_sender_is_known_to_the_packet),
        FIXTURE_TEST(what_comes_from_a_foreign_sender),
        FIXTURE_TEST(a_jump_is_no_loss),
        FIXTURE_TEST(counts_of_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
