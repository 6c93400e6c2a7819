/* What two peers tell each other of media: the descriptions and candidates they exchange, hold and resume, glare, and
 * what strangers may say. Whether media flows is not asked here. */
#include "lan.h"

#include "actors/client_message.h"
#include "actors/sdp.h"
#include "base/error.h"
#include "seam/seam.h"

static const hp_call_config everything = {.media = {true, true}, .data = true, .bundle = true, .rtcp_mux = true};
static const bool audio_only[HP_MEDIA_N_KINDS] = {[HP_MEDIA_AUDIO] = true};
static const bool video_only[HP_MEDIA_N_KINDS] = {[HP_MEDIA_VIDEO] = true};

static lan *lan_with_two(void)
{
    lan *l = lan_new(1);
    lan_add_peer(l, "alice");
    lan_add_peer(l, "bob");
    return l;
}

static void call(lan *l, unsigned from, const char *to, const hp_call_config *config)
{
    g_autoptr(GError) error = NULL;
    if (!hp_peer_call(l->peers[from], to, config, &error)) {
        fail_msg("%s", error->message);
    }
}

static lan *lan_in_call(const hp_call_config *config)
{
    lan *l = lan_with_two();
    call(l, 0, "bob", config);
    lan_run(l, 5 * HP_S);
    assert_string_equal(hp_peer_state(l->peers[0], "bob"), "ready");
    assert_string_equal(hp_peer_state(l->peers[1], "alice"), "ready");
    return l;
}

/* The n-th (from 0) message of a type that a peer sent. */
static hp_client_message *sent(const lan *l, const char *peer, const char *type, unsigned n)
{
    hp_record r;
    if (!lan_find(l, HP_EV_SIGNAL_SENT, peer, "type", type, n, &r)) {
        fail_msg("%s sent no %s number %u", peer, type, n);
    }
    hp_client_message *message = hp_client_message_parse(hp_record_text(&r, "json"), NULL);
    assert_non_null(message);
    return message;
}

static hp_sdp *description(const lan *l, const char *peer, const char *type, unsigned n)
{
    g_autoptr(hp_client_message) message = sent(l, peer, type, n);
    hp_sdp *sdp = hp_sdp_parse(message->sdp, NULL);
    assert_non_null(sdp);
    return sdp;
}

/* What a description says of the direction of audio and video: "sendrecv inactive". */
static void assert_directions(const lan *l, const char *peer, const char *type, unsigned n, const char *expected)
{
    g_autoptr(hp_sdp) sdp = description(l, peer, type, n);
    g_autofree char *got = g_strdup_printf("%s %s", hp_sdp_direction_name(hp_sdp_section_at(sdp, 0, NULL)->direction),
                                           hp_sdp_direction_name(hp_sdp_section_at(sdp, 1, NULL)->direction));
    assert_string_equal(got, expected);
}

static unsigned n_sent(const lan *l, const char *peer, const char *type)
{
    return lan_count(l, HP_EV_SIGNAL_SENT, peer, "type", type);
}

static unsigned ignored(const lan *l, const char *subject, const char *reason)
{
    return lan_count(l, HP_EV_SIGNAL_IGNORED, subject, "reason", reason);
}

static void deaf(void *user, const char *from, bool own, uint64_t message, const char *json)
{
}

static void say(lan *l, unsigned client, hp_client_message *message)
{
    g_autofree char *json = hp_client_message_format(message);
    hp_signaling_send(l->signaling, client, json);
}

/* ---- shapes ---- */

static void test_shapes(void **state)
{
    static const struct {
        bool bundle, mux;
        unsigned streams, components;
    } shapes[] = {{true, true, 1, 1}, {false, true, 3, 1}, {true, false, 1, 2}, {false, false, 3, 2}};
    static const hp_sdp_kind kinds[] = {HP_SDP_AUDIO, HP_SDP_VIDEO, HP_SDP_DATA};
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(shapes); i++) {
        unsigned k = i / 2;
        hp_call_config config = everything;
        config.bundle = shapes[k].bundle;
        config.rtcp_mux = shapes[k].mux;
        lan *l = lan_with_two();
        l->ice.trickle = i % 2;
        call(l, 0, "bob", &config);
        lan_run(l, 5 * HP_S);
        assert_string_equal(hp_peer_state(l->peers[0], NULL), "ready");
        assert_string_equal(hp_peer_state(l->peers[1], NULL), "ready");
        assert_int_equal(lan_count(l, HP_EV_PEER_ERROR, NULL, NULL, NULL), 0);
        assert_int_equal(lan_count(l, HP_EV_CANDIDATE, "bob", NULL, NULL), shapes[k].streams * shapes[k].components);
        static const char *const who[] = {"alice", "bob"}, *const what[] = {"offer", "answer"};
        for (unsigned side = 0; side < 2; side++) {
            g_autoptr(hp_sdp) sdp = description(l, who[side], what[side], 0);
            assert_int_equal(sdp->streams->len, shapes[k].streams);
            assert_int_equal(sdp->lines->len, 3);
            assert_int_equal(hp_sdp_max_components(sdp), shapes[k].components);
            assert_int_equal(sdp->bundle, shapes[k].bundle);
            for (unsigned line = 0; line < 3; line++) {
                unsigned stream;
                const hp_sdp_section *section = hp_sdp_section_at(sdp, line, &stream);
                g_autofree char *mid = g_strdup_printf("%u", line);
                assert_int_equal(section->kind, kinds[line]);
                assert_int_equal(stream, shapes[k].bundle ? 0 : line);
                assert_string_equal(section->mid, mid);
                assert_false(section->rejected);
                assert_int_equal(section->rtcp_mux, shapes[k].mux && line < 2);
                assert_int_equal(section->fingerprints->len, 1);
                assert_int_equal(section->setup, side == 0 ? HP_DTLS_SETUP_ACTPASS : HP_DTLS_SETUP_ACTIVE);
            }
        }
        lan_free(l);
    }
}

/* Each names the first section of its stream. */
static void test_candidates_name_their_section(void **state)
{
    static const char *const mids[] = {"0", "1", "2"};
    for (unsigned bundle = 0; bundle < 2; bundle++) {
        hp_call_config config = everything;
        config.bundle = bundle;
        lan *l = lan_in_call(&config);
        unsigned n = bundle ? 1 : 3;
        assert_int_equal(n_sent(l, "alice", "candidate"), n + 1); /* and the end of them */
        for (unsigned i = 0; i < n; i++) {
            g_autoptr(hp_client_message) message = sent(l, "alice", "candidate", i);
            assert_int_equal(message->line, i);
            assert_string_equal(message->mid, mids[i]);
        }
        lan_free(l);
    }
}

static void test_sdes(void **state)
{
    lan *l = lan_with_two();
    l->media.secure.keying = HP_KEYING_SDES;
    hp_call_config config = everything;
    config.data = false;
    call(l, 0, "bob", &config);
    lan_run(l, 5 * HP_S);
    g_autoptr(hp_client_message) offer = sent(l, "alice", "offer", 0), answer = sent(l, "bob", "answer", 0);
    assert_non_null(strstr(offer->sdp, "m=audio 9 RTP/SAVPF 111\r\n"));
    assert_non_null(strstr(offer->sdp, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
    assert_non_null(strstr(offer->sdp, "a=crypto:2 AEAD_AES_128_GCM inline:"));
    assert_null(strstr(offer->sdp, "a=fingerprint"));
    assert_null(strstr(offer->sdp, "a=setup"));
    assert_non_null(strstr(answer->sdp, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
    assert_null(strstr(answer->sdp, "a=crypto:2"));
    lan_free(l);
}

/* ---- what cannot be ---- */

static void test_refused_calls(void **state)
{
    lan *l = lan_new(1);
    hp_ice_config reliable = lan_ice_default();
    reliable.reliable = true;
    lan_add_peer_media(l, "alice", NULL);
    lan_add_peer_with(l, "bob", &reliable, NULL);
    lan_add_peer(l, "carol");
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;
        assert_false(hp_peer_call(l->peers[i], "carol", &everything, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
        assert_int_equal(hp_peer_n_sessions(l->peers[i]), 0);
    }
    call(l, 2, "alice", &everything);
    call(l, 2, "bob", &everything);
    lan_run(l, HP_S);
    assert_int_equal(ignored(l, "alice", "no-media"), 1);
    assert_int_equal(ignored(l, "bob", "no-media"), 1);
    assert_int_equal(hp_peer_n_sessions(l->peers[0]), 0);
    assert_int_equal(hp_peer_n_sessions(l->peers[1]), 0);
    lan_free(l);
}

/* Keys in the description meet a peer that only takes DTLS: it answers with every line at port 0. */
static void test_every_line_rejected(void **state)
{
    lan *l = lan_new(1);
    hp_peer_media_config sdes = lan_media_default();
    sdes.secure.keying = HP_KEYING_SDES;
    lan_add_peer_media(l, "alice", &sdes);
    lan_add_peer(l, "bob");
    hp_call_config config = everything;
    config.data = false;
    call(l, 0, "bob", &config);
    lan_run(l, 5 * HP_S);
    g_autoptr(hp_client_message) answer = sent(l, "bob", "answer", 0);
    assert_non_null(strstr(answer->sdp, "m=audio 0 "));
    assert_int_equal(lan_count(l, HP_EV_PEER_ERROR, "alice", "message", "bob rejects every m= line of the offer"), 1);
    assert_int_equal(hp_peer_n_sessions(l->peers[0]), 0);
    lan_free(l);
}

#define ICE "a=ice-ufrag:abcd\\r\\na=ice-pwd:aPasswordOfTwentyTwoChars\\r\\n"
#define OFFER(sdp) "{\"id\":\"m\",\"type\":\"offer\",\"to\":\"bob\",\"sdp\":\"" ICE sdp "\"}"
#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111\\r\\na=rtpmap:111 opus/48000/2\\r\\na=rtcp-mux\\r\\n"
#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96\\r\\na=rtpmap:96 VP8/90000\\r\\na=rtcp-mux\\r\\n"

static void test_offers_of_another_kind(void **state)
{
    static const char *const offers[] = {
        OFFER(VIDEO AUDIO), /* out of order */
        OFFER(AUDIO AUDIO), /* two of a kind */
        OFFER("a=group:BUNDLE a v\\r\\n" AUDIO "a=mid:a\\r\\n" VIDEO
              "a=mid:v\\r\\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\\r\\n"), /* one is left out */
        OFFER(AUDIO "m=application 9 udp octet-stream\\r\\n"),
        OFFER(AUDIO "a=x-hairpin-components:3\\r\\n"),
    };
    lan *l = lan_with_two();
    unsigned mallory = hp_signaling_join(l->signaling, "mallory", deaf, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
        hp_signaling_send(l->signaling, mallory, offers[i]);
        lan_run(l, (i + 1) * HP_S);
        assert_int_equal(ignored(l, "bob", "unsupported-sections"), i + 1);
    }
    assert_int_equal(hp_peer_n_sessions(l->peers[1]), 0);
    lan_free(l);
}

/* A stranger's offer in the manner of a browser: mids of its own, codecs of its own, answered in its words. */
static void test_a_browsers_offer_is_answered(void **state)
{
    lan *l = lan_with_two();
    unsigned browser = hp_signaling_join(l->signaling, "browser", deaf, NULL);
    hp_signaling_send(l->signaling, browser,
                      OFFER("a=group:BUNDLE sound picture\\r\\na=setup:actpass\\r\\n"
                            "m=audio 9 UDP/TLS/RTP/SAVPF 63 109\\r\\na=rtpmap:63 red/48000/2\\r\\n"
                            "a=rtpmap:109 opus/48000/2\\r\\na=rtcp-mux\\r\\na=mid:sound\\r\\na=sendonly\\r\\n"
                            "m=video 9 UDP/TLS/RTP/SAVPF 120 124\\r\\na=rtpmap:120 VP8/90000\\r\\n"
                            "a=rtpmap:124 rtx/90000\\r\\na=fmtp:124 apt=120\\r\\na=rtcp-mux\\r\\na=mid:picture\\r\\n"));
    lan_run(l, HP_S);
    g_autoptr(hp_client_message) answer = sent(l, "bob", "answer", 0);
    assert_string_equal(answer->answers, "abcd 0");
    assert_non_null(strstr(answer->sdp, "a=group:BUNDLE sound picture\r\n"));
    g_autoptr(hp_sdp) sdp = hp_sdp_parse(answer->sdp, NULL);
    const hp_sdp_section *audio = hp_sdp_section_at(sdp, 0, NULL), *video = hp_sdp_section_at(sdp, 1, NULL);
    assert_string_equal(audio->mid, "sound");
    assert_string_equal(video->mid, "picture");
    assert_int_equal(audio->pt, 109);
    assert_int_equal(audio->direction, HP_SDP_RECVONLY);
    assert_int_equal(video->pt, 120);
    assert_int_equal(video->direction, HP_SDP_SENDRECV);
    g_autoptr(hp_client_message) candidate = sent(l, "bob", "candidate", 0);
    assert_string_equal(candidate->mid, "sound");
    assert_int_equal(candidate->line, 0);

    /* any section of the group finds the stream, by number or by name; what names none is told */
    static const struct {
        int line;
        const char *mid;
        unsigned known, errors;
    } says[] = {{1, NULL, 1, 0}, {-1, "picture", 2, 0}, {-1, NULL, 3, 0}, {7, "sound", 3, 1}, {-1, "5", 3, 2}};
    for (unsigned i = 0; i < G_N_ELEMENTS(says); i++) {
        g_autofree char *text = g_strdup_printf("candidate:%u 1 udp 1 192.168.0.77 %u typ host", i, 5000 + i);
        hp_client_message message = {.id = (char *)"m",
                                     .to = (char *)"bob",
                                     .type = HP_SIGNAL_CANDIDATE,
                                     .candidate = text,
                                     .line = says[i].line,
                                     .mid = (char *)says[i].mid};
        say(l, browser, &message);
        lan_run(l, (i + 2) * HP_S);
        assert_int_equal(lan_count(l, HP_EV_REMOTE_CANDIDATE, "bob", NULL, NULL), says[i].known);
        assert_int_equal(lan_count(l, HP_EV_PEER_ERROR, "bob", NULL, NULL), says[i].errors);
    }
    lan_free(l);
}

/* Whether an answer with this text after the credentials is taken. */
static void answer_by_hand(const char *sections, const char *refused)
{
    lan *l = lan_with_two();
    hp_peer_config shy = lan_peer_config(l, "carol");
    lan_add_peer_of(l, &shy);
    unsigned browser = hp_signaling_join(l->signaling, "browser", deaf, NULL);
    call(l, 0, "browser", &everything);
    lan_run(l, HP_S);
    g_autofree char *json =
        g_strdup_printf("{\"id\":\"m\",\"type\":\"answer\",\"to\":\"alice\",\"sdp\":\"%s%s\"}", ICE, sections);
    hp_signaling_send(l->signaling, browser, json);
    lan_run(l, 2 * HP_S);
    assert_int_equal(lan_count(l, HP_EV_SIGNAL_IGNORED, "alice", NULL, NULL), refused ? 1 : 0);
    assert_int_equal(refused ? ignored(l, "alice", refused) : 0, refused ? 1 : 0);
    lan_free(l);
}

static void test_answers_of_other_shapes(void **state)
{
#define MEDIA_LINES AUDIO "a=mid:0\\r\\na=setup:active\\r\\n" VIDEO "a=mid:1\\r\\n"
    answer_by_hand("a=group:BUNDLE 0 1\\r\\n" MEDIA_LINES, "other-streams"); /* a section fewer */
    answer_by_hand("a=group:BUNDLE 0 1\\r\\n" MEDIA_LINES "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\\r\\n",
                   NULL);
    answer_by_hand("a=group:BUNDLE 0 1\\r\\n" MEDIA_LINES VIDEO, "other-streams"); /* of another kind */
    answer_by_hand(MEDIA_LINES "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\\r\\n",
                   "other-streams"); /* unbundled */
    answer_by_hand("a=group:BUNDLE 0\\r\\nm=audio 9 RTP/SAVPF 0\\r\\na=mid:0\\r\\na=rtcp-mux\\r\\n"
                   "m=video 0 RTP/SAVPF 96\\r\\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\\r\\n",
                   NULL);
    answer_by_hand("a=group:BUNDLE 0 1\\r\\n" AUDIO "a=mid:0\\r\\nm=video 9 RTP/SAVPF 96\\r\\na=mid:0\\r\\n",
                   "bad-sdp");
    answer_by_hand("a=group:BUNDLE 0\\r\\nm=audio 9 UDP/TLS/RTP/SAVPF 111\\r\\na=mid:0\\r\\n"
                   "m=video 0 RTP/SAVPF 96\\r\\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\\r\\n",
                   "other-streams"); /* no rtcp-mux: two components */
}

/* ---- hold and resume ---- */

static void assert_held(lan *l, unsigned peer, const bool kinds[HP_MEDIA_N_KINDS], bool hold)
{
    g_autoptr(GError) error = NULL;
    if (!hp_peer_hold(l->peers[peer], NULL, kinds, hold, &error)) {
        fail_msg("%s", error->message);
    }
}

static void test_hold_and_resume(void **state)
{
    for (unsigned trickle = 0; trickle < 2; trickle++) {
        lan *l = lan_with_two();
        l->ice.trickle = trickle;
        call(l, 0, "bob", &everything);
        lan_run(l, 5 * HP_S);
        unsigned n_states = lan_count(l, HP_EV_ICE_STATE, NULL, NULL, NULL);
        unsigned n_candidates = n_sent(l, "alice", "candidate") + n_sent(l, "bob", "candidate");
        assert_directions(l, "alice", "offer", 0, "sendrecv sendrecv");
        assert_directions(l, "bob", "answer", 0, "sendrecv sendrecv");

        assert_held(l, 0, audio_only, true);
        lan_run(l, 6 * HP_S);
        assert_directions(l, "alice", "offer", 1, "inactive sendrecv");
        assert_directions(l, "bob", "answer", 1, "inactive sendrecv");
        assert_held(l, 1, video_only, true); /* the other side, too */
        lan_run(l, 7 * HP_S);
        assert_directions(l, "bob", "offer", 0, "sendrecv inactive"); /* an offer says what its own side wants */
        assert_directions(l, "alice", "answer", 0, "inactive inactive");
        assert_held(l, 0, audio_only, false);
        lan_run(l, 8 * HP_S);
        assert_directions(l, "alice", "offer", 2, "sendrecv sendrecv");
        assert_directions(l, "bob", "answer", 2, "sendrecv inactive");
        assert_held(l, 1, video_only, false);
        lan_run(l, 9 * HP_S);
        assert_directions(l, "bob", "offer", 1, "sendrecv sendrecv");
        assert_directions(l, "alice", "answer", 1, "sendrecv sendrecv");

        /* nothing but descriptions, each of the same agent and a later version */
        g_autoptr(hp_sdp) first = description(l, "alice", "offer", 0), last = description(l, "alice", "answer", 1);
        const hp_sdp_stream *before = first->streams->pdata[0], *after = last->streams->pdata[0];
        assert_string_equal(before->ufrag, after->ufrag);
        assert_int_equal(first->session, last->session);
        assert_int_equal(first->version, 1);
        assert_int_equal(last->version, 5);
        assert_int_equal(lan_count(l, HP_EV_ICE_STATE, NULL, NULL, NULL), n_states);
        assert_int_equal(n_sent(l, "alice", "candidate") + n_sent(l, "bob", "candidate"), n_candidates);
        assert_int_equal(lan_count(l, HP_EV_ICE_RESTART, NULL, NULL, NULL), 0);
        assert_int_equal(lan_count(l, HP_EV_SIGNAL_IGNORED, NULL, NULL, NULL), 0);
        assert_int_equal(lan_count(l, HP_EV_PEER_ERROR, NULL, NULL, NULL), 0);
        lan_free(l);
    }
}

static void assert_no_hold(lan *l, unsigned peer, const char *with, const bool kinds[HP_MEDIA_N_KINDS])
{
    g_autoptr(GError) error = NULL;
    assert_false(hp_peer_hold(l->peers[peer], with, kinds, true, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
}

static void test_holds_that_cannot_be(void **state)
{
    lan *l = lan_with_two();
    lan_add_peer(l, "carol");
    assert_no_hold(l, 0, NULL, audio_only); /* no session */
    hp_call_config audio = {.media = {[HP_MEDIA_AUDIO] = true}, .bundle = true, .rtcp_mux = true};
    call(l, 0, "bob", &audio);
    assert_no_hold(l, 0, "bob", audio_only); /* the offer is out */
    lan_run(l, 5 * HP_S);
    assert_no_hold(l, 0, "carol", audio_only);
    assert_no_hold(l, 0, "bob", video_only); /* no such media */
    assert_held(l, 0, audio_only, true);
    assert_no_hold(l, 0, "bob", audio_only); /* the hold is out */
    assert_int_equal(n_sent(l, "alice", "offer"), 2);
    call(l, 2, "bob", &(hp_call_config){.streams = 1, .components = 1});
    lan_run(l, 10 * HP_S);
    assert_no_hold(l, 2, NULL, audio_only); /* a session without media */
    hp_peer_close(l->peers[0], NULL);
    assert_no_hold(l, 0, NULL, audio_only);
    lan_free(l);
}

/* Every message twice: the second copy of a hold is answered like any duplicate, and its answer is old by then. */
static void test_duplicated_hold(void **state)
{
    lan *l = lan_new(1);
    l->signaling_config.duplicate_ppb = HP_PPB;
    hp_signaling_configure(l->signaling, &l->signaling_config);
    lan_add_peer(l, "alice");
    lan_add_peer(l, "bob");
    call(l, 0, "bob", &everything);
    lan_run(l, 5 * HP_S);
    assert_held(l, 0, audio_only, true);
    lan_run(l, 6 * HP_S);
    assert_held(l, 0, audio_only, false);
    lan_run(l, 7 * HP_S);
    assert_int_equal(n_sent(l, "bob", "answer"), 6);
    assert_int_equal(ignored(l, "alice", "already-answered"), 9);
    assert_directions(l, "bob", "answer", 5, "sendrecv sendrecv");
    assert_string_equal(hp_peer_state(l->peers[0], NULL), "ready");
    lan_free(l);
}

/* An answer to the first offer that comes while a later hold is out is not taken for the hold's: by the offer it names,
 * or, where it names none as a browser's, by its version. */
static void test_an_old_answer_does_not_end_a_hold(void **state)
{
    lan *l = lan_in_call(&everything);
    unsigned bob = hp_signaling_join(l->signaling, "bob", deaf, NULL); /* another client of the same name */
    assert_held(l, 0, audio_only, true);
    lan_run(l, 6 * HP_S);
    g_autoptr(hp_client_message) old = sent(l, "bob", "answer", 0);
    say(l, bob, old);
    g_clear_pointer(&old->answers, g_free);
    say(l, bob, old);
    assert_held(l, 0, audio_only, false);
    lan_run(l, 7 * HP_S);
    assert_int_equal(ignored(l, "alice", "stale"), 2);
    assert_int_equal(ignored(l, "alice", "already-answered"), 0);
    assert_directions(l, "bob", "answer", 2, "sendrecv sendrecv");
    lan_free(l);
}

/* ---- glare ---- */

static void test_two_holds_at_once(void **state)
{
    lan *l = lan_in_call(&everything);
    assert_held(l, 0, audio_only, true);
    assert_held(l, 1, video_only, true);
    lan_run(l, 6 * HP_S);
    assert_int_equal(ignored(l, "alice", "glare"), 1);
    assert_directions(l, "alice", "offer", 1, "inactive sendrecv");
    assert_directions(l, "bob", "offer", 0, "sendrecv inactive");
    assert_directions(l, "bob", "answer", 1, "inactive inactive"); /* both wishes */
    assert_int_equal(n_sent(l, "alice", "answer"), 0);
    assert_held(l, 0, audio_only, false);
    assert_held(l, 1, video_only, false);
    lan_run(l, 7 * HP_S);
    assert_int_equal(ignored(l, "alice", "glare"), 2);
    assert_directions(l, "bob", "answer", 2, "sendrecv sendrecv");
    assert_int_equal(n_sent(l, "bob", "answer"), 3);
    assert_int_equal(lan_count(l, HP_EV_ICE_RESTART, NULL, NULL, NULL), 0);
    assert_held(l, 1, audio_only, true); /* both are stable again */
    lan_run(l, 8 * HP_S);
    assert_directions(l, "alice", "answer", 0, "inactive sendrecv");
    lan_free(l);
}

static void assert_ends_ready(lan *l)
{
    lan_run(l, 20 * HP_S);
    assert_string_equal(hp_peer_state(l->peers[0], NULL), "ready");
    assert_string_equal(hp_peer_state(l->peers[1], NULL), "ready");
    assert_int_equal(lan_count(l, HP_EV_ICE_STATE, NULL, "state", "failed"), 0);
    assert_int_equal(lan_count(l, HP_EV_PEER_ERROR, NULL, NULL, NULL), 0);
}

/* The hold gives way to the restart, which its sender follows. */
static void test_restart_meets_a_hold(void **state)
{
    lan *l = lan_in_call(&everything);
    assert_true(hp_peer_restart(l->peers[0], NULL, NULL));
    assert_held(l, 1, audio_only, true);
    assert_ends_ready(l);
    assert_int_equal(lan_count(l, HP_EV_ICE_RESTART, "alice", NULL, NULL), 1);
    assert_int_equal(lan_count(l, HP_EV_ICE_RESTART, "bob", NULL, NULL), 1);
    assert_directions(l, "bob", "answer", 1, "inactive sendrecv");
    assert_int_equal(n_sent(l, "bob", "answer"), 2);
    lan_free(l);
}

/* The restart gives way to the hold, and is offered again. */
static void test_hold_meets_a_restart(void **state)
{
    lan *l = lan_in_call(&everything);
    assert_held(l, 0, audio_only, true);
    assert_true(hp_peer_restart(l->peers[1], NULL, NULL));
    assert_ends_ready(l);
    assert_int_equal(lan_count(l, HP_EV_ICE_RESTART, "bob", NULL, NULL), 2);
    assert_int_equal(lan_count(l, HP_EV_ICE_RESTART, "alice", NULL, NULL), 1);
    assert_directions(l, "bob", "answer", 1, "inactive sendrecv");
    assert_directions(l, "alice", "answer", 0, "inactive sendrecv");
    assert_held(l, 1, video_only, true);
    lan_run(l, 21 * HP_S);
    assert_directions(l, "alice", "answer", 1, "inactive inactive");
    lan_free(l);
}

/* A copy of an offer that was answered long ago does not take back the hold that is out. */
static void test_a_copy_is_no_glare(void **state)
{
    lan *l = lan_in_call(&everything);
    unsigned alice = hp_signaling_join(l->signaling, "alice", deaf, NULL);
    g_autoptr(hp_client_message) offer = sent(l, "alice", "offer", 0);
    say(l, alice, offer);
    assert_held(l, 1, audio_only, true);
    lan_run(l, 6 * HP_S);
    assert_int_equal(ignored(l, "bob", "duplicate"), 1);
    assert_int_equal(n_sent(l, "bob", "answer"), 1);
    assert_directions(l, "alice", "answer", 0, "inactive sendrecv");
    assert_int_equal(lan_count(l, HP_EV_SIGNAL_IGNORED, NULL, NULL, NULL), 1);
    lan_free(l);
}

/* The polite one takes back its own call with its media, whatever it asked for. */
static void test_calls_at_once(void **state)
{
    static const hp_call_config others[] = {
        {.media = {true, true}, .data = true, .bundle = true, .rtcp_mux = true},
        {.media = {true, false}},
        {.streams = 2, .components = 1},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
        lan *l = lan_with_two();
        call(l, 0, "bob", &everything);
        call(l, 1, "alice", &others[i]);
        assert_ends_ready(l);
        assert_int_equal(hp_peer_n_sessions(l->peers[1]), 1);
        assert_int_equal(lan_count(l, HP_EV_PEER_CLOSED, "bob", NULL, NULL), 1);
        g_autoptr(hp_sdp) answer = description(l, "bob", "answer", 0);
        assert_int_equal(answer->lines->len, 3);
        assert_held(l, 1, audio_only, true);
        lan_run(l, 21 * HP_S);
        assert_directions(l, "alice", "answer", 0, "inactive sendrecv");
        lan_free(l);
    }
}

/* ---- the rest of a session's life ---- */

/* Nobody told bob that alice hung up. Her new call, with media where the old one had none, replaces the old session. */
static void test_a_new_call_with_media_replaces_an_orphan(void **state)
{
    lan *l = lan_with_two();
    call(l, 0, "bob", &(hp_call_config){.streams = 1, .components = 1});
    lan_run(l, 3 * HP_S);
    hp_peer_close(l->peers[0], NULL);
    lan_run(l, 4 * HP_S);
    call(l, 0, "bob", &everything);
    assert_ends_ready(l);
    assert_int_equal(hp_peer_n_sessions(l->peers[1]), 1);
    assert_int_equal(lan_count(l, HP_EV_PEER_CLOSED, "bob", NULL, NULL), 1);
    lan_free(l);
}

static void test_restart_keeps_the_session(void **state)
{
    lan *l = lan_in_call(&everything);
    assert_true(hp_peer_restart(l->peers[0], NULL, NULL));
    assert_ends_ready(l);
    g_autoptr(hp_sdp) first = description(l, "alice", "offer", 0), second = description(l, "alice", "offer", 1);
    const hp_sdp_stream *before = first->streams->pdata[0], *after = second->streams->pdata[0];
    assert_string_not_equal(before->ufrag, after->ufrag);
    for (unsigned i = 0; i < 3; i++) {
        const hp_sdp_section *old = hp_sdp_section_at(first, i, NULL), *new = hp_sdp_section_at(second, i, NULL);
        assert_int_equal(old->ssrc, new->ssrc);
        assert_true(hp_dtls_fingerprint_equal(&g_array_index(old->fingerprints, hp_dtls_fingerprint, 0),
                                              &g_array_index(new->fingerprints, hp_dtls_fingerprint, 0)));
    }
    lan_free(l);
}

static void test_forwarded(void **state)
{
    g_autoptr(GError) error = NULL;
    const hp_channel_config chat = {.label = (char *)"chat"};
    lan *l = lan_with_two();
    assert_false(hp_peer_set_video_bitrate(l->peers[0], NULL, 100000, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    g_clear_error(&error);
    assert_false(hp_peer_open_channel(l->peers[0], "bob", &chat, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_false(hp_peer_send_channel(l->peers[0], "bob", "chat", "x", 1));
    hp_call_config audio = {.media = {[HP_MEDIA_AUDIO] = true}, .bundle = true, .rtcp_mux = true};
    call(l, 0, "bob", &audio);
    lan_run(l, 5 * HP_S);
    assert_false(hp_peer_set_video_bitrate(l->peers[0], "bob", 100000, NULL));
    assert_false(hp_peer_open_channel(l->peers[0], "bob", &chat, NULL)); /* no data in the call */
    assert_false(hp_peer_send(l->peers[0], "bob", 1, 1, "x", 1)); /* the media's path, not the flows' */
    lan_free(l);

    l = lan_in_call(&everything);
    assert_true(hp_peer_set_video_bitrate(l->peers[0], "bob", 100000, NULL));
    assert_true(hp_peer_open_channel(l->peers[0], "bob", &chat, NULL));
    assert_false(hp_peer_send_channel(l->peers[0], "bob", "no such", "x", 1));
    hp_peer_finish(l->peers[0]);
    hp_peer_finish(l->peers[1]);
    lan_free(l);
}

/* The farewell of the media leaves before the agent closes. */
static void test_close_says_goodbye(void **state)
{
    lan *l = lan_in_call(&everything);
    hp_peer_close(l->peers[0], "bob");
    lan_run(l, 6 * HP_S);
    assert_int_equal(hp_peer_n_sessions(l->peers[0]), 0);
    assert_int_equal(lan_count(l, HP_EV_PEER_CLOSED, "alice", NULL, NULL), 1);
    hp_record r = {0};
    assert_true(lan_find(l, HP_EV_DTLS_ALERT, "bob", "direction", "in", 0, &r));
    assert_string_equal(hp_record_text(&r, "name"), "close notify");
    assert_int_equal(r.at, 5 * HP_S + HP_MS);
    lan_free(l);
}

/* In each state that a session with media can be in. */
static void test_freed_at_any_time(void **state)
{
    static const hp_time until[] = {0, 25 * HP_MS, 75 * HP_MS, 110 * HP_MS, 125 * HP_MS, 130 * HP_MS, HP_S};
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(until); i++) {
        lan *l = lan_with_two();
        call(l, 0, "bob", &everything);
        lan_run(l, until[i / 2]);
        if (i % 2) {
            hp_peer_close(l->peers[0], NULL);
        }
        lan_free(l);
    }
}

static int start(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_candidates_name_their_section),
        cmocka_unit_test(test_sdes),
        cmocka_unit_test(test_every_line_rejected),
        cmocka_unit_test(test_refused_calls),
        cmocka_unit_test(test_offers_of_another_kind),
        cmocka_unit_test(test_a_browsers_offer_is_answered),
        cmocka_unit_test(test_answers_of_other_shapes),
        cmocka_unit_test(test_hold_and_resume),
        cmocka_unit_test(test_holds_that_cannot_be),
        cmocka_unit_test(test_duplicated_hold),
        cmocka_unit_test(test_an_old_answer_does_not_end_a_hold),
        cmocka_unit_test(test_two_holds_at_once),
        cmocka_unit_test(test_restart_meets_a_hold),
        cmocka_unit_test(test_hold_meets_a_restart),
        cmocka_unit_test(test_a_copy_is_no_glare),
        cmocka_unit_test(test_calls_at_once),
        cmocka_unit_test(test_a_new_call_with_media_replaces_an_orphan),
        cmocka_unit_test(test_restart_keeps_the_session),
        cmocka_unit_test(test_forwarded),
        cmocka_unit_test(test_close_says_goodbye),
        cmocka_unit_test(test_freed_at_any_time),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
