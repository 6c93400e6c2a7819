/* Media under loss, hold and resume, changes of bit rate, and from recordings. Calls are those of media_lan.h. */
#include "media_lan.h"

#include "engines/media_mark.h"

static const bool only_audio[HP_MEDIA_N_KINDS] = {true, false}, all_kinds[HP_MEDIA_N_KINDS] = {true, true};

static hp_link_config wire(void)
{
    return (hp_link_config){.delay_ns = HP_MS / 2};
}

/* ---- loss ---- */

/* From 1 s on, one packet in ten towards bob is lost. */
static lan *lossy_call(const hp_call_config *call, const hp_peer_media_config *media, uint32_t loss_ppb)
{
    lan *l = lan_new(3);
    l->media = *media;
    lan_add_peer(l, "alice");
    lan_add_peer(l, "bob");
    media_call(l, 0, "bob", call);
    lan_run(l, HP_S);
    hp_link_config lossy = wire();
    lossy.loss_ppb = loss_ppb;
    media_set_link(l->down[1], &lossy);
    lan_run(l, 11 * HP_S);
    hp_link_config good = wire();
    media_set_link(l->down[1], &good);
    lan_run(l, 12 * HP_S);
    return l;
}

/* A retransmission's record has the number and the size of what it repeats. */
static void assert_repeats_match(const lan *l, unsigned track)
{
    static uint32_t sizes[65536];
    memset(sizes, 0, sizeof sizes);
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(l->trace, &cursor, 1U << HP_RECORD_MEDIA, &r)) {
        if (r.media.track != track || r.media.kind == HP_MEDIA_FRAME) {
            continue;
        }
        if (r.media.kind == HP_MEDIA_SENT && !(r.media.flags & HP_MEDIA_F_RTX)) {
            sizes[r.media.sequence & 0xffff] = r.media.size;
        } else {
            assert_int_equal(r.media.size, sizes[r.media.sequence & 0xffff]);
        }
    }
}

static void test_nack_and_rtx_recover(void **state)
{
    hp_peer_media_config media = lan_media_default();
    lan *l = lossy_call(&media_video, &media, HP_PPB / 10);
    media_count video = media_count_of(l, media_track(l, "alice", "video"));
    unsigned lost = video.sent - video.received;
    assert_in_range(lost, 90, 150);
    assert_int_equal(video.recovered, lost);
    assert_int_equal(video.late, 0);
    assert_in_range(video.repeated, lost, 2 * lost);
    assert_repeats_match(l, media_track(l, "alice", "video"));
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FRAME_LOST, NULL, NULL, NULL), 0);
    assert_in_range(lan_count(l, HP_EV_MEDIA_FEEDBACK, "bob", "what", "nack"), 60, 200);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FEEDBACK, "alice", NULL, NULL), 0);
    /* What the sender reads in the reports. */
    hp_record r;
    int64_t most = 0;
    for (unsigned n = 0; lan_find(l, HP_EV_MEDIA_REPORT, "alice", NULL, NULL, n, &r); n++) {
        hp_field lost_field;
        assert_true(hp_record_find(&r, "lost", &lost_field));
        most = MAX(most, lost_field.i);
    }
    assert_in_range(most, 20, lost);
    /* The other direction knows nothing of it. */
    media_count back = media_count_of(l, media_track(l, "bob", "video"));
    assert_in_range(back.sent - back.received, 0, 2);
    lan_free(l);
}

/* Retransmissions without a stream of their own are the packet itself once more. */
static void test_repeats_without_rtx(void **state)
{
    hp_peer_media_config media = lan_media_default();
    media.track[HP_MEDIA_VIDEO].video.rtx = false;
    lan *l = lossy_call(&media_video, &media, HP_PPB / 10);
    unsigned track = media_track(l, "alice", "video");
    media_count video = media_count_of(l, track);
    assert_in_range(video.repeated, 90, 250);
    assert_in_range(video.sent - video.received, 0, 1); /* what is on its way at the end */
    assert_int_equal(video.recovered, 0); /* no one can tell a copy from a packet that was late */
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FRAME_LOST, NULL, NULL, NULL), 0);
    assert_int_equal(lan_count(l, HP_EV_SRTP_REFUSED, NULL, "reason", "auth-failed"), 0);
    hp_record r = media_event(l, HP_EV_MEDIA_TRACK, "alice", NULL, NULL, 0);
    assert_int_equal(hp_record_u64(&r, "rtx-ssrc"), 0);
    lan_free(l);
}

/* Without retransmissions a lost packet costs the picture until a key frame, which is asked for. */
static void test_pli_brings_a_key_frame(void **state)
{
    hp_peer_media_config media = lan_media_default();
    media.track[HP_MEDIA_VIDEO].video.nack = false;
    lan *l = lossy_call(&media_video, &media, HP_PPB / 100);
    media_count video = media_count_of(l, media_track(l, "alice", "video"));
    assert_int_equal(video.repeated + video.recovered, 0);
    assert_true(lan_count(l, HP_EV_MEDIA_FEEDBACK, "bob", "what", "pli") > 3);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FEEDBACK, "bob", "what", "nack"), 0);
    assert_true(lan_count(l, HP_EV_MEDIA_KEY_FRAME, "alice", "reason", "request") > 3);
    assert_true(lan_count(l, HP_EV_MEDIA_FRAME_LOST, "bob", NULL, NULL) > 3);
    lan_free(l);
}

/* The picture stands still while nothing comes, and that is told when it goes on. */
static void test_outage_freezes(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 2 * HP_S);
    hp_link_config down = wire();
    down.down = true;
    media_set_link(l->down[1], &down);
    lan_run(l, 3 * HP_S);
    hp_link_config up = wire();
    media_set_link(l->down[1], &up);
    lan_run(l, 6 * HP_S);
    hp_record r = media_event(l, HP_EV_MEDIA_FREEZE, "bob", NULL, NULL, 0);
    assert_int_equal(hp_record_u64(&r, "track"), media_track(l, "alice", "video"));
    assert_in_range(hp_record_u64(&r, "duration"), HP_S, 1500 * HP_MS);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FREEZE, NULL, NULL, NULL), 1);
    media_count audio = media_count_of(l, media_track(l, "alice", "audio"));
    assert_int_equal(audio.sent - audio.received, 50);
    lan_free(l);
}

/* A packet is asked for again only when its answer could be there. */
static void test_nacks_know_the_round_trip(void **state)
{
    lan *l = media_lan(3);
    hp_link_config far = {.delay_ns = 150 * HP_MS};
    media_set_link(l->down[0], &far);
    media_set_link(l->down[1], &far);
    media_call(l, 0, "bob", &media_video);
    lan_run(l, 15 * HP_S); /* reports have passed */
    hp_link_config lossy = far;
    lossy.loss_ppb = HP_PPB / 50;
    media_set_link(l->down[1], &lossy);
    lan_run(l, 25 * HP_S);
    media_count video = media_count_between(l, media_track(l, "alice", "video"), 15 * HP_S, HP_NEVER);
    unsigned lost = video.sent - video.received;
    assert_in_range(lost, 20, 100);
    assert_in_range(video.repeated, lost / 2, lost + lost / 4);
    lan_free(l);
}

/* A freeze that is open when the call ends is told too. */
static void test_close_tells_what_is_open(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 2 * HP_S);
    hp_link_config down = wire();
    down.down = true;
    media_set_link(l->down[1], &down);
    lan_run(l, 3 * HP_S);
    hp_peer_close(l->peers[1], NULL);
    assert_int_equal(media_time(l, HP_EV_MEDIA_FREEZE, "bob", NULL, NULL), 3 * HP_S);
    lan_free(l);
}

/* A freeze that is still open when the run ends is told by finish, and nothing after it. */
static void test_finish_tells_what_is_open(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 2 * HP_S);
    hp_link_config down = wire();
    down.down = true;
    media_set_link(l->down[1], &down);
    lan_run(l, 3 * HP_S);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FREEZE, NULL, NULL, NULL), 0);
    hp_peer_finish(l->peers[0]);
    hp_peer_finish(l->peers[1]);
    hp_record r = media_event(l, HP_EV_MEDIA_FREEZE, "bob", NULL, NULL, 0);
    assert_int_equal(r.at, 3 * HP_S);
    assert_in_range(hp_record_u64(&r, "duration"), 970 * HP_MS, 1040 * HP_MS);
    uint64_t records = hp_trace_n_records(l->trace);
    hp_peer_finish(l->peers[1]);
    assert_int_equal(hp_trace_n_records(l->trace), records);
    lan_free(l);
}

static void test_agent_refuses(void **state)
{
    hp_ice_config ice = lan_ice_default();
    ice.consent_freshness = true;
    lan *l = lan_new(1);
    l->ice = ice;
    lan_add_peer(l, "alice");
    lan_add_peer(l, "bob");
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, 2 * HP_S);
    hp_link_config down = wire();
    down.down = true;
    media_set_link(l->down[0], &down);
    lan_run(l, 60 * HP_S);
    assert_int_equal(lan_count(l, HP_EV_CONSENT, "alice", "state", "lost"), 1);
    media_count count = media_count_of(l, media_track(l, "alice", "audio"));
    assert_true(count.refused > 100);
    assert_true(count.refused < count.sent);
    lan_free(l);
}

/* ---- hold ---- */

static void hold(lan *l, unsigned peer, const bool kinds[HP_MEDIA_N_KINDS], bool on)
{
    g_autoptr(GError) error = NULL;
    if (!hp_peer_hold(l->peers[peer], NULL, kinds, on, &error)) {
        fail_msg("%s", error->message);
    }
}

static unsigned sent_between(const lan *l, const char *from, const char *kind, hp_time since, hp_time until)
{
    return media_count_between(l, media_track(l, from, kind), since, until).sent;
}

static void test_hold_and_resume(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 2 * HP_S);
    hold(l, 0, all_kinds, true);
    lan_run(l, 4 * HP_S);
    hold(l, 0, all_kinds, false);
    lan_run(l, 6 * HP_S);
    /* Here at once, there when the offer has come. */
    assert_int_equal(media_time(l, HP_EV_MEDIA_STATE, "alice", "state", "held"), 2 * HP_S);
    assert_int_equal(media_time(l, HP_EV_MEDIA_STATE, "bob", "state", "held"), 2050 * HP_MS);
    /* Who resumes waits for the answer: before, the other side has not said that it hears. */
    assert_int_equal(media_time(l, HP_EV_MEDIA_STATE, "bob", "state", "resumed"), 4050 * HP_MS);
    assert_int_equal(media_time(l, HP_EV_MEDIA_STATE, "alice", "state", "resumed"), 4100 * HP_MS);
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        const char *name = hp_media_kind_name(kind);
        assert_int_equal(sent_between(l, "alice", name, 2 * HP_S, 4100 * HP_MS), 0);
        assert_int_equal(sent_between(l, "bob", name, 2050 * HP_MS, 4050 * HP_MS), 0);
    }
    /* On the grid of 20 ms that began at 124 ms: the first packet after 4.1 s is due at 4.104 s. */
    media_count resumed = media_count_between(l, media_track(l, "alice", "audio"), 4 * HP_S, 6 * HP_S);
    assert_int_equal(resumed.first_sent, 4104 * HP_MS);
    assert_int_equal(resumed.sent, (6000 - 4104) / 20 + 1);
    /* Nothing is lost or frozen by it. */
    lan_run(l, 6002 * HP_MS);
    media_count audio = media_count_of(l, media_track(l, "alice", "audio"));
    assert_int_equal(audio.sent, audio.received);
    assert_int_equal(audio.late, 0);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FREEZE, NULL, NULL, NULL), 0);
    lan_free(l);
}

static void test_hold_of_one_kind(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 2 * HP_S);
    hold(l, 1, only_audio, true);
    lan_run(l, 4 * HP_S);
    assert_int_equal(sent_between(l, "bob", "audio", 2 * HP_S, 4 * HP_S), 0);
    assert_int_equal(sent_between(l, "alice", "audio", 2050 * HP_MS, 4 * HP_S), 0);
    assert_true(sent_between(l, "bob", "video", 2050 * HP_MS, 4 * HP_S) > 200);
    assert_true(sent_between(l, "alice", "video", 2050 * HP_MS, 4 * HP_S) > 200);
    lan_free(l);
}

/* Held by both, and resumed by one: the other still holds. */
static void test_hold_by_both(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, 2 * HP_S);
    hold(l, 0, only_audio, true);
    lan_run(l, 3 * HP_S);
    hold(l, 1, only_audio, true);
    lan_run(l, 4 * HP_S);
    hold(l, 0, only_audio, false);
    lan_run(l, 5 * HP_S);
    assert_int_equal(sent_between(l, "alice", "audio", 2 * HP_S, 5 * HP_S), 0);
    assert_int_equal(sent_between(l, "bob", "audio", 2050 * HP_MS, 5 * HP_S), 0);
    hold(l, 1, only_audio, false);
    lan_run(l, 6 * HP_S);
    assert_int_equal(media_count_between(l, media_track(l, "alice", "audio"), 5 * HP_S, 6 * HP_S).first_sent,
                     5064 * HP_MS);
    assert_int_equal(media_count_between(l, media_track(l, "bob", "audio"), 5 * HP_S, 6 * HP_S).first_sent,
                     5005 * HP_MS); /* alice's last offer said that she hears */
    lan_free(l);
}

static void test_ice_restart_keeps_media(void **state)
{
    g_autoptr(GError) error = NULL;
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 2 * HP_S);
    assert_true(hp_peer_restart(l->peers[0], NULL, &error));
    lan_run(l, 6 * HP_S);
    lan_run(l, 6002 * HP_MS);
    media_count audio = media_count_of(l, media_track(l, "alice", "audio"));
    assert_int_equal(audio.sent, (6002 - 124) / 20 + 1);
    assert_int_equal(media_track(l, "alice", "audio"), 1);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, "alice", "state", "handshaking"), 1);
    assert_true(audio.received + 5 > audio.sent);
    lan_free(l);
}

/* An answerer that offers in its turn, before there is a path, offers the codec and payload type that it had agreed on,
 * and takes an answer that repeats them. */
static void test_ice_restart_before_media(void **state)
{
    g_autoptr(GError) error = NULL;
    lan *l = lan_new(1);
    hp_peer_media_config alice = lan_media_default();
    alice.track[HP_MEDIA_AUDIO].audio.pt = 109;
    alice.track[HP_MEDIA_AUDIO].audio.clock = 8000;
    alice.track[HP_MEDIA_VIDEO].video.pt = 100;
    alice.track[HP_MEDIA_VIDEO].video.rtx_pt = 101;
    lan_add_peer_media(l, "alice", &alice);
    lan_add_peer(l, "bob");
    hp_link_config down = wire();
    down.down = true;
    media_set_link(l->down[1], &down);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 500 * HP_MS);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_TRACK, NULL, NULL, NULL), 0);
    assert_true(hp_peer_restart(l->peers[1], NULL, &error));
    lan_run(l, 800 * HP_MS);
    hp_link_config up = wire();
    media_set_link(l->down[1], &up);
    lan_run(l, 4 * HP_S);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, NULL, NULL, NULL), 0);
    static const char *const peers[] = {"alice", "bob"};
    for (unsigned i = 0; i < 2; i++) {
        hp_record r = media_event(l, HP_EV_MEDIA_TRACK, peers[i], "media", "audio", 0);
        assert_int_equal(hp_record_u64(&r, "pt"), 109);
        assert_int_equal(hp_record_u64(&r, "clock"), 8000);
        r = media_event(l, HP_EV_MEDIA_TRACK, peers[i], "media", "video", 0);
        assert_int_equal(hp_record_u64(&r, "pt"), 100);
        assert_true(media_count_of(l, media_track(l, peers[i], "audio")).received > 50);
        assert_true(media_count_of(l, media_track(l, peers[i], "video")).frames > 50);
    }
    lan_free(l);
}

/* ---- bit rate ---- */

static void test_bitrate_changes(void **state)
{
    g_autoptr(GError) error = NULL;
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 5 * HP_S);
    assert_true(hp_peer_set_video_bitrate(l->peers[0], "bob", 200000, &error));
    lan_run(l, 9 * HP_S);
    unsigned before = sent_between(l, "alice", "video", 1 * HP_S, 5 * HP_S);
    unsigned after = sent_between(l, "alice", "video", 5 * HP_S, 9 * HP_S);
    assert_in_range(before, 440, 500); /* 1 Mbit/s in 30 frames a second of four packets at most */
    assert_in_range(after, 115, 125); /* one packet a frame */
    assert_true(sent_between(l, "bob", "video", 5 * HP_S, 9 * HP_S) > 440);
    assert_false(hp_peer_set_video_bitrate(l->peers[0], "bob", 0, NULL));
    lan_free(l);
}

/* ---- what is negotiated ---- */

static void test_configured_identity(void **state)
{
    lan *l = lan_new(1);
    hp_peer_media_config alice = lan_media_default();
    hp_media_config *audio = &alice.track[HP_MEDIA_AUDIO];
    audio->id = (hp_media_identity){.ssrc_set = true, .ssrc = 0x1234, .sequence_set = true, .sequence = 65530};
    audio->audio.pt = 109;
    audio->audio.clock = 8000;
    audio->audio.ptime = 10 * HP_MS;
    lan_add_peer_media(l, "alice", &alice);
    lan_add_peer(l, "bob");
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, 2 * HP_S);
    hp_record r = media_event(l, HP_EV_MEDIA_TRACK, "alice", NULL, NULL, 0);
    assert_int_equal(hp_record_u64(&r, "ssrc"), 0x1234);
    assert_int_equal(hp_record_u64(&r, "sequence"), 65530);
    assert_int_equal(hp_record_u64(&r, "pt"), 109);
    assert_int_equal(hp_record_u64(&r, "clock"), 8000);
    assert_int_equal(hp_record_u64(&r, "ptime"), 10 * HP_MS);
    /* The answer follows the offer's codec and payload type. */
    r = media_event(l, HP_EV_MEDIA_TRACK, "bob", NULL, NULL, 0);
    assert_int_equal(hp_record_u64(&r, "pt"), 109);
    assert_int_equal(hp_record_u64(&r, "clock"), 8000);
    lan_run(l, 2002 * HP_MS);
    media_count count = media_count_of(l, media_track(l, "alice", "audio"));
    assert_int_equal(count.sent, (2002 - 124) / 10 + 1);
    assert_in_range(count.sent - count.received, 0, 1);
    assert_int_equal(lan_count(l, HP_EV_SRTP_REFUSED, NULL, NULL, NULL), 0);
    /* Past the wrap numbers go on. */
    hp_trace_cursor cursor = {0};
    uint32_t next = 65530;
    while (hp_trace_next_of(l->trace, &cursor, 1U << HP_RECORD_MEDIA, &r)) {
        if (r.media.track == media_track(l, "alice", "audio") && r.media.kind == HP_MEDIA_RECEIVED) {
            assert_int_equal(r.media.sequence, next++);
        }
    }
    lan_free(l);
}

/* What one side does not do, neither asks for nor gives. */
/* Without BUNDLE each m-line is an RTP session of its own, where an SSRC means something of its own. */
static void test_one_ssrc_in_two_sessions(void **state)
{
    lan *l = lan_new(1);
    hp_peer_media_config alice = lan_media_default();
    alice.track[HP_MEDIA_AUDIO].id = alice.track[HP_MEDIA_VIDEO].id =
        (hp_media_identity){.ssrc_set = true, .ssrc = 5, .sequence_set = true, .sequence = 100};
    lan_add_peer_media(l, "alice", &alice);
    lan_add_peer(l, "bob");
    hp_call_config call = media_both;
    call.bundle = false;
    media_call(l, 0, "bob", &call);
    lan_run(l, 2 * HP_S);
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        media_count count = media_count_of(l, media_track(l, "alice", hp_media_kind_name(kind)));
        assert_true(count.sent > 80);
        assert_in_range(count.sent - count.received, 0, 1);
        assert_int_equal(count.duplicates, 0);
    }
    lan_free(l);
}

static void test_feedback_is_negotiated(void **state)
{
    for (unsigned who = 0; who < 2; who++) {
        lan *l = lan_new(3);
        hp_peer_media_config plain = lan_media_default(), full = lan_media_default();
        plain.track[HP_MEDIA_VIDEO].video.nack = false;
        plain.track[HP_MEDIA_VIDEO].video.pli = false;
        lan_add_peer_media(l, "alice", who == 0 ? &plain : &full);
        lan_add_peer_media(l, "bob", who == 0 ? &full : &plain);
        media_call(l, 0, "bob", &media_video);
        lan_run(l, HP_S);
        hp_link_config lossy = wire();
        lossy.loss_ppb = HP_PPB / 20;
        media_set_link(l->down[1], &lossy);
        lan_run(l, 5 * HP_S);
        assert_true(lan_count(l, HP_EV_MEDIA_FRAME_LOST, "bob", NULL, NULL) > 0);
        assert_int_equal(lan_count(l, HP_EV_MEDIA_FEEDBACK, NULL, NULL, NULL), 0);
        lan_free(l);
    }
}

/* ---- recordings ---- */

enum { RECORDED = 50, RECORDED_LEN = 12 + 160 };

typedef struct recording {
    uint8_t data[RECORDED][RECORDED_LEN];
    hp_captured list[RECORDED];
} recording;

/* A second of PCMU, 20 ms a packet. */
static void record(recording *ret)
{
    for (unsigned i = 0; i < RECORDED; i++) {
        uint8_t *p = ret->data[i];
        hp_rtp_header header = {.pt = 0, .sequence = (uint16_t)(500 + i), .timestamp = 160 * i, .ssrc = 0xabcd};
        memset(p, (int)i, RECORDED_LEN);
        assert_int_equal(hp_rtp_write_header(p, RECORDED_LEN, &header), 12);
        ret->list[i] = (hp_captured){.at = 5 * HP_S + i * 20 * HP_MS, .data = p, .len = RECORDED_LEN};
    }
}

static lan *replay_lan(const recording *r, unsigned who, hp_peer_media_config *media)
{
    lan *l = lan_new(1);
    for (unsigned i = 0; i < 2; i++) {
        hp_peer_config config = lan_peer_config(l, i == 0 ? "alice" : "bob");
        config.media = i == who ? media : &l->media;
        if (i == who) {
            config.replay[HP_MEDIA_AUDIO] = r->list;
            config.n_replay[HP_MEDIA_AUDIO] = RECORDED;
        }
        lan_add_peer_of(l, &config);
    }
    return l;
}

static void test_replay(void **state)
{
    recording rec;
    record(&rec);
    hp_peer_media_config media = lan_media_default();
    media.replay_loop[HP_MEDIA_AUDIO] = false;
    lan *l = replay_lan(&rec, 0, &media);
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, 20 * HP_S);
    hp_record r = media_event(l, HP_EV_MEDIA_TRACK, "alice", NULL, NULL, 0);
    assert_string_equal(hp_record_text(&r, "source"), "replay");
    assert_int_equal(hp_record_u64(&r, "clock"), 8000);
    assert_int_equal(hp_record_u64(&r, "pt"), 0); /* what was recorded is PCMU, and our offer says so */
    media_count count = media_count_of(l, media_track(l, "alice", "audio"));
    assert_int_equal(count.sent, RECORDED);
    assert_int_equal(count.received, RECORDED);
    assert_int_equal(count.latency_max, HP_MS);
    assert_int_equal(count.first_sent, 124 * HP_MS);
    assert_int_equal(count.last_sent, 124 * HP_MS + 49 * 20 * HP_MS);
    /* Who hears it reports on it; the recording's peer reports on what it hears. */
    assert_true(lan_count(l, HP_EV_MEDIA_REPORT, "alice", NULL, NULL) > 0);
    assert_true(lan_count(l, HP_EV_MEDIA_REPORT, "bob", NULL, NULL) > 1);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, NULL, NULL, NULL), 0);
    hp_peer_close(l->peers[0], NULL);
    lan_run(l, 21 * HP_S);
    assert_int_equal(media_time(l, HP_EV_MEDIA_STATE, "alice", "state", "stopped"), 20 * HP_S);
    lan_free(l);
}

static void test_replay_loops_and_stands_on_hold(void **state)
{
    recording rec;
    record(&rec);
    hp_peer_media_config media = lan_media_default();
    lan *l = replay_lan(&rec, 0, &media);
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, 5 * HP_S);
    hold(l, 0, only_audio, true);
    lan_run(l, 6 * HP_S);
    hold(l, 0, only_audio, false);
    lan_run(l, 8 * HP_S);
    lan_run(l, 8 * HP_S + 2 * HP_MS);
    media_count count = media_count_of(l, media_track(l, "alice", "audio"));
    assert_int_equal(sent_between(l, "alice", "audio", 5 * HP_S, 6100 * HP_MS), 0);
    /* 4.876 s before it and 1.902 s after it, as if in one piece. */
    assert_int_equal(count.sent, (4876 + 1902) / 20 + 1);
    assert_int_equal(count.received, count.sent);
    assert_int_equal(count.reordered + count.duplicates + count.discarded, 0);
    lan_free(l);
}

/* An offer of another clock than the recording's: the answerer hears, and says nothing. */
static void test_replay_of_another_clock(void **state)
{
    recording rec;
    record(&rec);
    hp_peer_media_config media = lan_media_default();
    lan *l = replay_lan(&rec, 1, &media);
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, 3 * HP_S);
    assert_int_equal(media_count_of(l, media_track(l, "bob", "audio")).sent, 0);
    assert_true(media_count_of(l, media_track(l, "alice", "audio")).received > 100);
    lan_free(l);
}

static void test_replay_without_rtp(void **state)
{
    recording rec = {0};
    for (unsigned i = 0; i < RECORDED; i++) {
        rec.list[i] = (hp_captured){.at = i, .data = rec.data[i], .len = RECORDED_LEN};
    }
    g_autoptr(GError) error = NULL;
    hp_peer_media_config media = lan_media_default();
    lan *l = replay_lan(&rec, 0, &media);
    assert_false(hp_peer_call(l->peers[0], "bob", &media_audio, &error));
    assert_non_null(strstr(error->message, "no RTP packet"));
    lan_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nack_and_rtx_recover),
        cmocka_unit_test(test_repeats_without_rtx),
        cmocka_unit_test(test_pli_brings_a_key_frame),
        cmocka_unit_test(test_outage_freezes),
        cmocka_unit_test(test_nacks_know_the_round_trip),
        cmocka_unit_test(test_close_tells_what_is_open),
        cmocka_unit_test(test_finish_tells_what_is_open),
        cmocka_unit_test(test_agent_refuses),
        cmocka_unit_test(test_hold_and_resume),
        cmocka_unit_test(test_hold_of_one_kind),
        cmocka_unit_test(test_hold_by_both),
        cmocka_unit_test(test_ice_restart_keeps_media),
        cmocka_unit_test(test_ice_restart_before_media),
        cmocka_unit_test(test_bitrate_changes),
        cmocka_unit_test(test_configured_identity),
        cmocka_unit_test(test_one_ssrc_in_two_sessions),
        cmocka_unit_test(test_feedback_is_negotiated),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_replay_loops_and_stands_on_hold),
        cmocka_unit_test(test_replay_of_another_clock),
        cmocka_unit_test(test_replay_without_rtp),
    };
    return cmocka_run_group_tests(tests, media_start, NULL);
}
