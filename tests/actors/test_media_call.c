/* Calls with media between real libnice agents: what is sent, what arrives, when, and what the trace says of it. Every
 * time asserted here is exact: 1 ms from host to host, 50 ms through the broker.
 *
 * The offer leaves at 0 and comes at 50 ms, its answer at 100 ms; ICE connects the answerer at 121 ms and the offerer
 * at 122 ms; DTLS takes two round trips from the answerer's ClientHello on. */
#include "media_lan.h"

#include <glib/gstdio.h>

enum { UNTIL_MS = 5000 };

static hp_record dtls_event(const lan *l, const char *peer, const char *state, unsigned n)
{
    return media_event(l, HP_EV_DTLS_STATE, peer, "state", state, n);
}

static void assert_lossless(const lan *l, unsigned track)
{
    media_count count = media_count_of(l, track);
    assert_int_equal(count.refused, 0);
    assert_int_equal(count.repeated, 0);
    assert_int_equal(count.received, count.sent);
    assert_int_equal(count.duplicates + count.reordered + count.late + count.discarded + count.recovered, 0);
    assert_int_equal(count.latency_min, HP_MS);
    assert_int_equal(count.latency_max, HP_MS);
}

/* ---- the usual call ---- */

static void test_bundled_call(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, UNTIL_MS * HP_MS);
    hp_record r = dtls_event(l, "bob", "handshaking", 0);
    assert_int_equal(r.at, 121 * HP_MS);
    assert_string_equal(hp_record_text(&r, "role"), "active");
    assert_string_equal(hp_record_text(&r, "with"), "alice");
    r = dtls_event(l, "alice", "handshaking", 0);
    assert_int_equal(r.at, 122 * HP_MS);
    assert_string_equal(hp_record_text(&r, "role"), "passive");
    r = dtls_event(l, "alice", "connected", 0);
    assert_int_equal(r.at, 124 * HP_MS);
    assert_string_equal(hp_record_text(&r, "profile"), "SRTP_AES128_CM_HMAC_SHA1_80");
    assert_int_equal(dtls_event(l, "bob", "connected", 0).at, 125 * HP_MS);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, NULL, "state", "unverified"), 0);
    assert_int_equal(lan_count(l, HP_EV_DTLS_TIMEOUT, NULL, NULL, NULL), 0);
    assert_int_equal(lan_count(l, HP_EV_DTLS_SECRET, NULL, NULL, NULL), 2);

    /* Tracks begin with the keys; a packet each 20 ms from then on. */
    unsigned audio = media_track(l, "alice", "audio");
    media_count count = media_count_of(l, audio);
    assert_int_equal(count.first_sent, 124 * HP_MS);
    assert_int_equal(count.sent, (UNTIL_MS - 124) / 20 + 1);
    assert_int_equal(count.first_received, 125 * HP_MS);
    count = media_count_of(l, media_track(l, "bob", "audio"));
    assert_int_equal(count.first_sent, 125 * HP_MS);
    assert_int_equal(count.sent, (UNTIL_MS - 125) / 20 + 1);
    lan_run(l, UNTIL_MS * HP_MS + 2 * HP_MS);
    assert_lossless(l, audio);
    assert_lossless(l, media_track(l, "bob", "audio"));

    /* 30 frames a second, each shown when its last packet is there; the first is the one key frame. */
    unsigned video = media_track(l, "alice", "video");
    media_count frames = media_count_of(l, video);
    assert_int_equal(frames.frames, (UNTIL_MS - 124 - 17) * 30 / 1000 + 1);
    assert_int_equal(frames.key_frames, 1);
    assert_true(frames.frame_latency_max <= 18 * HP_MS); /* half a frame interval of pacing, and the wire */
    r = media_event(l, HP_EV_MEDIA_FIRST, "bob", "what", "frame", 0);
    assert_int_equal(hp_record_u64(&r, "track"), video);
    assert_string_equal(hp_record_text(&r, "from"), "alice");
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FIRST, NULL, "what", "packet"), 4);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FIRST, NULL, "what", "frame"), 2);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FREEZE, NULL, NULL, NULL), 0);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FRAME_LOST, NULL, NULL, NULL), 0);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FEEDBACK, NULL, NULL, NULL), 0);
    assert_int_equal(lan_count(l, HP_EV_SRTP_REFUSED, NULL, NULL, NULL), 0);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, NULL, NULL, NULL), 0);
    assert_int_equal(media_count_foreign(l), 0);
    lan_free(l);
}

/* Both ends of a direction have the same key and salt, and the two directions have different ones. */
static void test_keys_are_traced(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, HP_S);
    hp_record out = media_event(l, HP_EV_SRTP_KEY, "alice", "direction", "out", 0);
    hp_record in = media_event(l, HP_EV_SRTP_KEY, "bob", "direction", "in", 0);
    hp_record back = media_event(l, HP_EV_SRTP_KEY, "bob", "direction", "out", 0);
    assert_string_equal(hp_record_text(&out, "key"), hp_record_text(&in, "key"));
    assert_string_equal(hp_record_text(&out, "salt"), hp_record_text(&in, "salt"));
    assert_int_equal(strlen(hp_record_text(&out, "key")), 32);
    assert_int_equal(strlen(hp_record_text(&out, "salt")), 28);
    assert_string_not_equal(hp_record_text(&out, "key"), hp_record_text(&back, "key"));
    assert_string_equal(hp_record_text(&out, "profile"), "SRTP_AES128_CM_HMAC_SHA1_80");
    lan_free(l);
}

/* A received record names the datagram in the capture that it came in. */
static void test_records_name_their_packets(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, HP_S);
    hp_trace_cursor cursor = {0};
    hp_record r, packet;
    unsigned n = 0;
    while (hp_trace_next_of(l->trace, &cursor, 1U << HP_RECORD_MEDIA, &r)) {
        if (r.media.kind != HP_MEDIA_RECEIVED) {
            continue;
        }
        hp_rtp_packet p;
        assert_true(hp_trace_find_packet(l->trace, r.media.packet, &packet));
        assert_int_equal(packet.at, r.at);
        assert_int_equal(packet.packet.dir, HP_DIR_IN);
        assert_true(hp_rtp_parse_encrypted(packet.packet.payload, packet.packet.payload_length, &p));
        assert_int_equal(p.sequence, r.media.sequence & 0xffff);
        assert_int_equal(p.payload_len, r.media.size + 10); /* the tag */
        n++;
    }
    assert_true(n > 200);
    lan_free(l);
}

static void test_reports_and_round_trip(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 30 * HP_S);
    for (unsigned i = 0; i < 2; i++) {
        const char *peer = i == 0 ? "alice" : "bob";
        hp_record r;
        unsigned told = 0, n = 0;
        for (; lan_find(l, HP_EV_MEDIA_REPORT, peer, NULL, NULL, n, &r); n++) {
            assert_int_equal(hp_record_u64(&r, "fraction-lost"), 0);
            uint64_t round_trip = hp_record_u64(&r, "round-trip");
            if (round_trip > 0) { /* 2 ms; each of three figures is cut to 1/65536 s */
                assert_in_range(round_trip, 2 * HP_MS - 31 * HP_US, 2 * HP_MS + 31 * HP_US);
                told++;
            }
        }
        assert_in_range(n, 8, 24); /* two tracks, 5 s on the average, randomised by half */
        assert_true(told >= n - 2);
    }
    lan_free(l);
}

static void test_close_stops_both_sides(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 2 * HP_S);
    hp_peer_close(l->peers[0], NULL);
    lan_run(l, 4 * HP_S);
    /* The frames that were under way are cut off, not lost. */
    assert_int_equal(lan_count(l, HP_EV_MEDIA_FRAME_LOST, NULL, NULL, NULL), 0);
    assert_int_equal(media_time(l, HP_EV_MEDIA_STATE, "alice", "state", "stopped"), 2 * HP_S);
    assert_int_equal(media_time(l, HP_EV_MEDIA_STATE, "bob", "state", "stopped"), 2 * HP_S + HP_MS);
    hp_record r = dtls_event(l, "alice", "closed", 0);
    assert_int_equal(r.at, 2 * HP_S);
    assert_string_equal(hp_record_text(&r, "reason"), "local");
    r = dtls_event(l, "bob", "closed", 0);
    assert_int_equal(r.at, 2 * HP_S + HP_MS);
    assert_string_equal(hp_record_text(&r, "reason"), "peer");
    media_count count = media_count_between(l, media_track(l, "bob", "audio"), 2 * HP_S + HP_MS, HP_NEVER);
    assert_int_equal(count.sent, 0);
    r = media_event(l, HP_EV_MEDIA_STATE, "alice", "state", "stopped", 0);
    assert_int_equal(hp_record_u64(&r, "sent"), media_count_of(l, media_track(l, "alice", "audio")).sent);
    /* A new call between the same two has tracks, keys and identities of its own; bob has not hung up the old one. */
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 6 * HP_S);
    assert_int_equal(media_track(l, "alice", "video"), 6);
    assert_true(media_count_of(l, 6).received > 100);
    assert_int_equal(media_count_foreign(l), 0);
    lan_free(l);
}

/* ---- other shapes ---- */

static void run_shape(const hp_call_config *call, unsigned associations)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", call);
    lan_run(l, 3 * HP_S);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, "alice", "state", "connected"), associations);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, "bob", "state", "connected"), associations);
    lan_run(l, 3 * HP_S + 2 * HP_MS);
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        if (call->media[kind]) {
            media_count count = media_count_of(l, media_track(l, "alice", hp_media_kind_name(kind)));
            assert_int_equal(count.latency_max, HP_MS);
            assert_true(count.received >= 140);
        }
    }
    assert_int_equal(lan_count(l, HP_EV_SRTP_REFUSED, NULL, NULL, NULL), 0);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, NULL, NULL, NULL), 0);
    lan_run(l, 20 * HP_S);
    assert_true(lan_count(l, HP_EV_MEDIA_REPORT, "alice", NULL, NULL) > 0);
    assert_true(lan_count(l, HP_EV_MEDIA_REPORT, "bob", NULL, NULL) > 0);
    lan_free(l);
}

static void test_unbundled(void **state)
{
    hp_call_config call = media_both;
    call.bundle = false;
    run_shape(&call, 2);
    call.data = true;
    run_shape(&call, 3);
}

/* RTP and RTCP have components, associations and keys of their own (RFC 5764 section 4). */
static void test_without_rtcp_mux(void **state)
{
    hp_call_config call = media_both;
    call.rtcp_mux = false;
    run_shape(&call, 2);
    call.bundle = false;
    run_shape(&call, 4);
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &call);
    lan_run(l, 3 * HP_S);
    hp_record rtp = media_event(l, HP_EV_SRTP_KEY, "alice", "direction", "out", 0);
    hp_record rtcp = media_event(l, HP_EV_SRTP_KEY, "alice", "direction", "out", 1);
    assert_int_equal(hp_record_u64(&rtp, "component"), 1);
    assert_int_equal(hp_record_u64(&rtcp, "component"), 2);
    assert_string_not_equal(hp_record_text(&rtp, "key"), hp_record_text(&rtcp, "key"));
    lan_free(l);
}

static void test_data_alone(void **state)
{
    lan *l = media_lan(1);
    hp_call_config call = {.data = true, .bundle = true, .rtcp_mux = true};
    media_call(l, 0, "bob", &call);
    lan_run(l, 3 * HP_S);
    hp_record r = dtls_event(l, "alice", "connected", 0);
    assert_string_equal(hp_record_text(&r, "profile"), "");
    assert_int_equal(lan_count(l, HP_EV_SRTP_KEY, NULL, NULL, NULL), 0);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_TRACK, NULL, NULL, NULL), 0);
    lan_free(l);
}

typedef struct heard {
    unsigned n;
    char last[32];
    uint32_t record;
} heard;

static void on_message(void *user, hp_peer *peer, const char *with, const char *label, const uint8_t *data, size_t len,
                       uint32_t record)
{
    heard *h = user;
    assert_string_equal(with, "alice");
    assert_string_equal(label, "chat");
    h->n++;
    h->record = record;
    g_strlcpy(h->last, (const char *)data, MIN(len + 1, sizeof h->last));
}

/* The data channels share the association that keys the media. */
static void test_data_beside_media(void **state)
{
    lan *l = media_lan(1);
    heard h = {0};
    hp_call_config call = media_both;
    call.data = true;
    hp_peer_set_channel_receive(l->peers[1], on_message, &h);
    media_call(l, 0, "bob", &call);
    char label[] = "chat";
    hp_channel_config channel = {.label = label};
    assert_true(hp_peer_open_channel(l->peers[0], "bob", &channel, NULL));
    lan_run(l, 2 * HP_S);
    assert_int_equal(lan_count(l, HP_EV_SCTP_STATE, NULL, "state", "connected"), 2);
    assert_true(hp_peer_send_channel(l->peers[0], "bob", "chat", "hello", 5));
    lan_run(l, 2 * HP_S + HP_MS);
    assert_int_equal(h.n, 1);
    assert_string_equal(h.last, "hello");
    hp_record r;
    assert_true(hp_trace_find_packet(l->trace, h.record, &r));
    assert_int_equal(r.at, 2 * HP_S + HP_MS);
    assert_int_equal(hp_wire_classify(r.packet.payload, r.packet.payload_length), HP_WIRE_DTLS);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, "alice", "state", "connected"), 1);
    hp_peer_close(l->peers[0], NULL);
    lan_run(l, 4 * HP_S);
    assert_int_equal(lan_count(l, HP_EV_CHANNEL_STATE, "bob", "state", "open"), 1);
    assert_true(lan_count(l, HP_EV_SCTP_STATE, "bob", "state", "closed") +
                    lan_count(l, HP_EV_SCTP_STATE, "bob", "state", "failed") >
                0);
    lan_free(l);
}

/* ---- keys in the descriptions ---- */

static void test_sdes(void **state)
{
    lan *l = media_lan(1);
    l->media.secure.keying = HP_KEYING_SDES;
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 3 * HP_S);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, NULL, NULL, NULL), 0);
    assert_int_equal(media_count_datagrams(l, "alice", HP_WIRE_DTLS), 0);
    hp_record out = media_event(l, HP_EV_SRTP_KEY, "alice", "direction", "out", 0);
    hp_record in = media_event(l, HP_EV_SRTP_KEY, "bob", "direction", "in", 0);
    assert_int_equal(in.at, 50 * HP_MS);
    assert_int_equal(out.at, 100 * HP_MS);
    assert_string_equal(hp_record_text(&out, "key"), hp_record_text(&in, "key"));
    /* Media begins with the path. */
    assert_int_equal(media_count_of(l, media_track(l, "bob", "audio")).first_sent, 121 * HP_MS);
    hp_peer_close(l->peers[0], NULL);
    lan_run(l, 4 * HP_S);
    /* BYE is all that tells of the end. */
    assert_int_equal(media_time(l, HP_EV_MEDIA_STATE, "bob", "state", "stopped"), 3 * HP_S + HP_MS);
    assert_int_equal(lan_count(l, HP_EV_SRTP_REFUSED, NULL, NULL, NULL), 0);
    lan_free(l);
}

/* The offerer's order of profiles counts, among those that the answerer has. */
static void test_sdes_profiles(void **state)
{
    lan *l = lan_new(1);
    uint16_t of_alice[] = {HP_SRTP_AEAD_AES_256_GCM, HP_SRTP_AES128_CM_HMAC_SHA1_80, HP_SRTP_AEAD_AES_128_GCM};
    uint16_t of_bob[] = {HP_SRTP_AEAD_AES_128_GCM, HP_SRTP_AES128_CM_HMAC_SHA1_80};
    hp_peer_media_config alice = lan_media_default(), bob = lan_media_default();
    alice.secure = (hp_secure_config){.keying = HP_KEYING_SDES, .profiles = of_alice, .n_profiles = 3};
    bob.secure = (hp_secure_config){.keying = HP_KEYING_SDES, .profiles = of_bob, .n_profiles = 2};
    lan_add_peer_media(l, "alice", &alice);
    lan_add_peer_media(l, "bob", &bob);
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, 3 * HP_S);
    hp_record r = media_event(l, HP_EV_SRTP_KEY, "alice", "direction", "in", 0);
    assert_string_equal(hp_record_text(&r, "profile"), hp_srtp_profile_name(HP_SRTP_AES128_CM_HMAC_SHA1_80));
    assert_true(media_count_of(l, media_track(l, "bob", "audio")).received > 100);
    lan_free(l);
}

/* Data channels have nothing to be secured with; the rest of the call goes on. */
static void test_sdes_refuses_data(void **state)
{
    for (unsigned bundle = 0; bundle < 2; bundle++) {
        lan *l = media_lan(1);
        l->media.secure.keying = HP_KEYING_SDES;
        hp_call_config call = media_audio;
        call.data = true;
        call.bundle = bundle != 0;
        media_call(l, 0, "bob", &call);
        lan_run(l, 3 * HP_S);
        hp_record r = media_event(l, HP_EV_MEDIA_IGNORED, "bob", "what", "data", 0);
        assert_string_equal(hp_record_text(&r, "reason"), "data channels need DTLS");
        assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, "alice", "what", "data"), 1);
        assert_true(media_count_of(l, media_track(l, "alice", "audio")).received > 100);
        lan_free(l);
    }
}

/* One side has keys in its description, the other none: nothing in common, and it is said. */
static void test_sdes_meets_dtls(void **state)
{
    for (unsigned offerer = 0; offerer < 2; offerer++) {
        lan *l = lan_new(1);
        hp_peer_media_config sdes = lan_media_default(), dtls = lan_media_default();
        sdes.secure.keying = HP_KEYING_SDES;
        lan_add_peer_media(l, "alice", offerer == 0 ? &sdes : &dtls);
        lan_add_peer_media(l, "bob", offerer == 0 ? &dtls : &sdes);
        media_call(l, 0, "bob", &media_audio);
        lan_run(l, 3 * HP_S);
        hp_record r = media_event(l, HP_EV_MEDIA_IGNORED, "bob", "what", "audio", 0);
        assert_string_equal(hp_record_text(&r, "reason"), offerer == 0 ? "SRTP keys in the description in place of DTLS"
                                                                       : "no SRTP key in the description");
        assert_int_equal(lan_count(l, HP_EV_MEDIA_TRACK, NULL, NULL, NULL), 0);
        assert_int_equal(media_count_datagrams(l, "alice", HP_WIRE_RTP), 0);
        lan_free(l);
    }
}

/* ---- determinism ---- */

static void record_call(uint64_t seed, const char *path, char **ret_bytes, gsize *ret_length, uint64_t *ret_records)
{
    lan *l = media_lan(seed);
    hp_link_config lossy = {.delay_ns = HP_MS / 2, .loss_ppb = HP_PPB / 20, .jitter_ns = 3 * HP_MS};
    media_set_link(l->down[1], &lossy);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 4 * HP_S);
    hp_peer_close(l->peers[1], NULL);
    lan_run(l, 6 * HP_S);
    assert_true(hp_trace_write_pcapng(l->trace, path, "", NULL));
    assert_true(g_file_get_contents(path, ret_bytes, ret_length, NULL));
    assert_int_equal(g_unlink(path), 0);
    *ret_records = hp_trace_n_records(l->trace);
    lan_free(l);
}

static void test_same_seed_same_bytes(void **state)
{
    g_autofree char *path = NULL;
    g_close(g_file_open_tmp("hairpin-XXXXXX.pcapng", &path, NULL), NULL);
    g_autofree char *a = NULL, *b = NULL, *c = NULL;
    gsize a_length, b_length, c_length;
    uint64_t a_records, b_records, c_records;
    record_call(1, path, &a, &a_length, &a_records);
    record_call(1, path, &b, &b_length, &b_records);
    record_call(2, path, &c, &c_length, &c_records);
    assert_int_equal(a_length, b_length);
    assert_memory_equal(a, b, a_length);
    assert_int_equal(a_records, b_records);
    assert_false(a_length == c_length && memcmp(a, c, a_length) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundled_call),
        cmocka_unit_test(test_keys_are_traced),
        cmocka_unit_test(test_records_name_their_packets),
        cmocka_unit_test(test_reports_and_round_trip),
        cmocka_unit_test(test_close_stops_both_sides),
        cmocka_unit_test(test_unbundled),
        cmocka_unit_test(test_without_rtcp_mux),
        cmocka_unit_test(test_data_alone),
        cmocka_unit_test(test_data_beside_media),
        cmocka_unit_test(test_sdes),
        cmocka_unit_test(test_sdes_profiles),
        cmocka_unit_test(test_sdes_refuses_data),
        cmocka_unit_test(test_sdes_meets_dtls),
        cmocka_unit_test(test_same_seed_same_bytes),
    };
    return cmocka_run_group_tests(tests, media_start, NULL);
}
