/* What secures media, and what must not pass: roles, certificates, profiles, forged and replayed packets, DTLS that
 * comes at the wrong time. Calls are those of media_lan.h: ICE connects bob, who answers, at 121 ms. */
#include "media_lan.h"

static const hp_media_session *media_of(const lan *l, unsigned peer)
{
    const hp_session *session = l->peers[peer]->sessions->pdata[0];
    assert_non_null(session->media);
    return session->media;
}

static void receive(lan *l, unsigned peer, unsigned component, const uint8_t *data, size_t len, uint32_t record)
{
    hp_session *session = l->peers[peer]->sessions->pdata[0];
    hp_seam_enter(session->env);
    hp_media_session_receive(session->media, 1, component, data, len, record);
    hp_seam_leave(session->env);
}

/* The last datagram of a kind that came to a tap. */
static hp_record last_datagram(const lan *l, const char *tap, hp_wire_kind kind)
{
    hp_trace_cursor cursor = {0};
    hp_record r, last = {0};
    while (hp_trace_next_of(l->trace, &cursor, 1U << HP_RECORD_PACKET, &r)) {
        if (r.packet.dir == HP_DIR_IN && strcmp(hp_trace_tap_name(l->trace, r.packet.tap), tap) == 0 &&
            r.packet.payload && hp_wire_classify(r.packet.payload, r.packet.payload_length) == kind) {
            last = r;
        }
    }
    assert_non_null(last.packet.payload);
    return last;
}

/* ---- roles ---- */

static void assert_roles(hp_setup_told of_alice, hp_setup_told of_bob, const char *role_of_alice)
{
    lan *l = lan_new(1);
    hp_peer_media_config alice = lan_media_default(), bob = lan_media_default();
    alice.secure.setup = of_alice;
    bob.secure.setup = of_bob;
    lan_add_peer_media(l, "alice", &alice);
    lan_add_peer_media(l, "bob", &bob);
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, HP_S);
    hp_record r = media_event(l, HP_EV_DTLS_STATE, "alice", "state", "connected", 0);
    assert_string_equal(hp_record_text(&r, "role"), role_of_alice);
    r = media_event(l, HP_EV_DTLS_STATE, "bob", "state", "connected", 0);
    assert_string_not_equal(hp_record_text(&r, "role"), role_of_alice);
    assert_true(media_count_of(l, media_track(l, "alice", "audio")).received > 30);
    assert_true(media_count_of(l, media_track(l, "bob", "audio")).received > 30);
    lan_free(l);
}

static void test_roles(void **state)
{
    assert_roles(HP_SETUP_USUAL, HP_SETUP_USUAL, "passive");
    assert_roles(HP_SETUP_USUAL, HP_SETUP_PASSIVE, "active");
    assert_roles(HP_SETUP_ACTIVE, HP_SETUP_USUAL, "active");
    assert_roles(HP_SETUP_PASSIVE, HP_SETUP_USUAL, "passive");
    /* An answer that cannot be so is the other way round. */
    assert_roles(HP_SETUP_ACTIVE, HP_SETUP_ACTIVE, "active");
    assert_roles(HP_SETUP_PASSIVE, HP_SETUP_PASSIVE, "passive");
}

/* An active offerer is connected after the answerer, which then waits for the ClientHello: nothing is lost. */
static void test_cookie_and_early_hello(void **state)
{
    lan *l = lan_new(1);
    hp_peer_media_config alice = lan_media_default();
    alice.secure.cookie = true;
    lan_add_peer_media(l, "alice", &alice);
    lan_add_peer(l, "bob");
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, HP_S);
    /* One round trip more than the 4 ms of a handshake without a cookie. */
    assert_int_equal(media_time(l, HP_EV_DTLS_STATE, "bob", "state", "connected"), 127 * HP_MS);
    assert_int_equal(lan_count(l, HP_EV_DTLS_TIMEOUT, NULL, NULL, NULL), 0);
    lan_free(l);
}

/* ---- certificates ---- */

static lan *call_with(const hp_peer_media_config *alice, const hp_peer_media_config *bob, hp_time until)
{
    lan *l = lan_new(1);
    lan_add_peer_media(l, "alice", alice);
    lan_add_peer_media(l, "bob", bob);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, until);
    return l;
}

static void test_wrong_fingerprint(void **state)
{
    hp_peer_media_config honest = lan_media_default(), liar = lan_media_default();
    liar.secure.fingerprint = HP_FINGERPRINT_WRONG;
    for (unsigned who = 0; who < 2; who++) {
        lan *l = call_with(who == 0 ? &liar : &honest, who == 0 ? &honest : &liar, 20 * HP_S);
        const char *judge = who == 0 ? "bob" : "alice", *judged = who == 0 ? "alice" : "bob";
        hp_record r = media_event(l, HP_EV_DTLS_STATE, judge, "state", "failed", 0);
        assert_string_equal(hp_record_text(&r, "reason"), "fingerprint");
        r = media_event(l, HP_EV_DTLS_ALERT, judge, "direction", "out", 0);
        assert_string_equal(hp_record_text(&r, "name"), "bad certificate");
        r = media_event(l, HP_EV_DTLS_STATE, judged, "state", "failed", 0);
        assert_string_equal(hp_record_text(&r, "reason"), "alert");
        assert_int_equal(lan_count(l, HP_EV_SRTP_KEY, NULL, NULL, NULL), 0);
        assert_int_equal(lan_count(l, HP_EV_MEDIA_TRACK, NULL, NULL, NULL), 0);
        assert_int_equal(media_count_datagrams(l, "alice", HP_WIRE_RTP), 0);
        assert_int_equal(media_count_datagrams(l, "bob", HP_WIRE_RTP), 0);
        lan_free(l);
    }
}

/* Who hears of no fingerprint ends unverified, without keys; the other side knows what it wants to, and sends. */
static void test_absent_fingerprint(void **state)
{
    hp_peer_media_config usual = lan_media_default(), silent = lan_media_default();
    silent.secure.fingerprint = HP_FINGERPRINT_ABSENT;
    lan *l = call_with(&usual, &silent, 2 * HP_S);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, "alice", "state", "unverified"), 1);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, "alice", "state", "connected"), 0);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, "bob", "state", "connected"), 1);
    assert_int_equal(lan_count(l, HP_EV_SRTP_KEY, "alice", NULL, NULL), 0);
    assert_int_equal(media_count_datagrams(l, "alice", HP_WIRE_RTP), 0);
    unsigned audio = media_track(l, "bob", "audio");
    media_count count = media_count_of(l, audio);
    assert_true(count.sent > 90);
    assert_int_equal(count.received, 0);
    hp_record r = media_event(l, HP_EV_SRTP_REFUSED, "alice", "what", "rtp", 0);
    assert_string_equal(hp_record_text(&r, "reason"), "no-keys");
    assert_int_equal(hp_record_u64(&r, "track"), audio);
    assert_true(hp_record_u64(&r, "packet") > 0);
    lan_free(l);
}

static void test_profiles(void **state)
{
    uint16_t gcm_256[] = {HP_SRTP_AEAD_AES_256_GCM}, cm[] = {HP_SRTP_AES128_CM_HMAC_SHA1_80},
             both[] = {HP_SRTP_AES128_CM_HMAC_SHA1_80, HP_SRTP_AEAD_AES_256_GCM};
    hp_peer_media_config alice = lan_media_default(), bob = lan_media_default();
    alice.secure.profiles = gcm_256;
    alice.secure.n_profiles = 1;
    bob.secure.profiles = both;
    bob.secure.n_profiles = 2;
    lan *l = call_with(&alice, &bob, 2 * HP_S);
    hp_record r = media_event(l, HP_EV_DTLS_STATE, "bob", "state", "connected", 0);
    assert_string_equal(hp_record_text(&r, "profile"), "SRTP_AEAD_AES_256_GCM");
    r = media_event(l, HP_EV_SRTP_KEY, "bob", "direction", "out", 0);
    assert_int_equal(strlen(hp_record_text(&r, "key")), 64);
    assert_true(media_count_of(l, media_track(l, "bob", "video")).received > 100);
    lan_free(l);

    bob.secure.profiles = cm;
    bob.secure.n_profiles = 1;
    l = call_with(&alice, &bob, 20 * HP_S);
    r = media_event(l, HP_EV_DTLS_STATE, "alice", "state", "failed", 0); /* the passive side chooses */
    assert_string_equal(hp_record_text(&r, "reason"), "profile");
    r = media_event(l, HP_EV_DTLS_STATE, "bob", "state", "failed", 0);
    assert_string_equal(hp_record_text(&r, "reason"), "alert");
    assert_int_equal(media_count_datagrams(l, "alice", HP_WIRE_RTP), 0);
    assert_int_equal(media_count_datagrams(l, "bob", HP_WIRE_RTP), 0);
    lan_free(l);
}

static void test_bad_security_is_refused(void **state)
{
    uint16_t unknown[] = {0x0005}, twice[] = {7, 7};
    const hp_secure_config bad[] = {
        {.profiles = unknown, .n_profiles = 1},
        {.profiles = twice, .n_profiles = 2},
        {.replay_window = 16},
        {.retransmit_initial = 2 * HP_S, .retransmit_max = HP_S},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        lan *l = lan_new(1);
        l->media.secure = bad[i];
        lan_add_peer(l, "alice");
        lan_add_peer(l, "bob");
        assert_false(hp_peer_call(l->peers[0], "bob", &media_both, &error));
        assert_true(g_str_has_prefix(error->message, "media security: "));
        lan_free(l);
    }
}

/* ---- time ---- */

/* All of bob's datagrams are lost for a while: each flight is sent again, the waits doubling. */
static void test_handshake_timeouts(void **state)
{
    lan *l = lan_new(1);
    l->media.secure.retransmit_initial = 100 * HP_MS;
    lan_add_peer(l, "alice");
    lan_add_peer(l, "bob");
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, 120 * HP_MS);
    lan_run(l, 122 * HP_MS - 1);
    hp_link_config down = {.delay_ns = HP_MS / 2, .down = true}, up = {.delay_ns = HP_MS / 2};
    media_set_link(l->up[0], &down);
    lan_run(l, 500 * HP_MS);
    media_set_link(l->up[0], &up);
    lan_run(l, 3 * HP_S);
    hp_record r = media_event(l, HP_EV_DTLS_TIMEOUT, "bob", NULL, NULL, 0);
    assert_int_equal(r.at, 221 * HP_MS);
    r = media_event(l, HP_EV_DTLS_TIMEOUT, "bob", NULL, NULL, 1);
    assert_int_equal(r.at, 421 * HP_MS);
    assert_int_equal(hp_record_u64(&r, "number"), 2);
    /* Alice's own flight is sent again too. */
    assert_true(lan_count(l, HP_EV_DTLS_TIMEOUT, "alice", NULL, NULL) > 0);
    assert_int_equal(lan_count(l, HP_EV_DTLS_STATE, "bob", "state", "connected"), 1);
    lan_free(l);
}

/* ---- what must not pass ---- */

static void test_replay_and_forgery(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, 2 * HP_S + 15 * HP_MS);
    assert_int_equal(lan_count(l, HP_EV_SRTP_REFUSED, NULL, NULL, NULL), 0);
    hp_record r = last_datagram(l, "bob", HP_WIRE_RTP);
    g_autofree uint8_t *packet = g_memdup2(r.packet.payload, r.packet.payload_length);
    size_t len = r.packet.payload_length;
    hp_rtp_packet p;
    assert_true(hp_rtp_parse_encrypted(packet, len, &p));
    media_count before = media_count_of(l, media_track(l, "alice", "audio"));

    receive(l, 1, 1, packet, len, 77);
    r = media_event(l, HP_EV_SRTP_REFUSED, "bob", "reason", "replay", 0);
    assert_string_equal(hp_record_text(&r, "what"), "rtp");
    assert_int_equal(hp_record_u64(&r, "ssrc"), p.ssrc);
    assert_int_equal(hp_record_u64(&r, "sequence"), p.sequence);
    assert_int_equal(hp_record_u64(&r, "packet"), 77);
    assert_true(hp_record_u64(&r, "track") > 0);

    packet[len - 1] ^= 1;
    packet[2] += 4; /* a sequence number to come */
    receive(l, 1, 1, packet, len, 78);
    r = media_event(l, HP_EV_SRTP_REFUSED, "bob", "reason", "auth-failed", 0);
    assert_int_equal(hp_record_u64(&r, "packet"), 78);

    /* Under an SSRC of nobody: no track. */
    packet[8] ^= 0xff;
    receive(l, 1, 1, packet, len, 79);
    r = media_event(l, HP_EV_SRTP_REFUSED, "bob", "reason", "auth-failed", 1);
    assert_int_equal(hp_record_u64(&r, "track"), 0);

    receive(l, 1, 1, packet, 14, 80);
    r = media_event(l, HP_EV_SRTP_REFUSED, "bob", NULL, NULL, 3);
    assert_int_equal(hp_record_u64(&r, "packet"), 80);
    media_count after = media_count_of(l, media_track(l, "alice", "audio"));
    assert_int_equal(before.received, after.received);
    assert_int_equal(media_count_foreign(l), 0);

    /* And the stream goes on. */
    lan_run(l, 3 * HP_S);
    assert_true(media_count_of(l, media_track(l, "alice", "audio")).received > before.received + 40);
    lan_free(l);
}

static void test_rtcp_replay(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, 12 * HP_S);
    hp_record r = last_datagram(l, "bob", HP_WIRE_RTCP);
    unsigned reports = lan_count(l, HP_EV_MEDIA_REPORT, "bob", NULL, NULL);
    receive(l, 1, 1, r.packet.payload, r.packet.payload_length, 5);
    hp_record refused = media_event(l, HP_EV_SRTP_REFUSED, "bob", "what", "rtcp", 0);
    assert_string_equal(hp_record_text(&refused, "reason"), "replay");
    assert_int_equal(lan_count(l, HP_EV_MEDIA_REPORT, "bob", NULL, NULL), reports);
    lan_free(l);
}

/* Anything at all may come, at any time. */
static void test_junk(void **state)
{
    lan *l = media_lan(1);
    hp_rng rng;
    hp_rng_init(&rng, 1, "junk");
    hp_call_config call = media_both;
    call.rtcp_mux = false;
    call.data = true;
    media_call(l, 0, "bob", &call);
    for (unsigned at = 60; at < 400; at++) {
        lan_run(l, at * HP_MS);
        for (unsigned i = 0; i < 20; i++) {
            uint8_t data[200];
            size_t len = 1 + hp_rng_below(&rng, sizeof data);
            hp_rng_bytes(&rng, data, len);
            static const uint8_t first[] = {0, 22, 23, 20, 64, 128, 144, 200};
            data[0] = first[hp_rng_below(&rng, sizeof first)];
            if (at >= 121 && data[0] == 22 && at < 180) {
                continue; /* a plaintext handshake record may end a handshake: DTLS 1.2 is like that */
            }
            receive(l, 1, (unsigned)hp_rng_below(&rng, 4), data, len, 0);
            receive(l, 0, (unsigned)hp_rng_below(&rng, 4), data, len, 0);
        }
    }
    lan_run(l, 2 * HP_S);
    assert_true(lan_count(l, HP_EV_MEDIA_IGNORED, "bob", NULL, NULL) > 500);
    assert_true(lan_count(l, HP_EV_SRTP_REFUSED, "bob", NULL, NULL) > 500);
    assert_true(media_count_of(l, media_track(l, "alice", "audio")).received > 50);
    assert_int_equal(media_count_foreign(l), 0);
    assert_non_null(media_of(l, 1));
    lan_free(l);
}

/* A packet under the right keys that no m-line stands for is told, and counts for nobody. */
static void test_unknown_payload_type(void **state)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_audio);
    lan_run(l, HP_S);
    const hp_media_session *media = media_of(l, 0);
    const uint8_t packet[16] = {0x80, 100, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4};
    hp_session *session = l->peers[0]->sessions->pdata[0];
    hp_seam_enter(session->env);
    assert_true(hp_media_transport_send_rtp(media->groups[0].rtp, packet, sizeof packet));
    hp_seam_leave(session->env);
    lan_run(l, 2 * HP_S);
    hp_record r = media_event(l, HP_EV_MEDIA_IGNORED, "bob", "what", "rtp", 0);
    assert_string_equal(hp_record_text(&r, "reason"), "no m-line");
    assert_true(hp_record_u64(&r, "packet") > 0);
    /* Under a payload type that stands for one it is taken, and shows as nobody's. */
    const uint8_t known[16] = {0x80, 111, 0, 2, 0, 0, 0, 0, 1, 2, 3, 4};
    hp_seam_enter(session->env);
    assert_true(hp_media_transport_send_rtp(media->groups[0].rtp, known, sizeof known));
    hp_seam_leave(session->env);
    lan_run(l, 3 * HP_S);
    assert_int_equal(media_count_foreign(l), 1);
    lan_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_cookie_and_early_hello),
        cmocka_unit_test(test_wrong_fingerprint),
        cmocka_unit_test(test_absent_fingerprint),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_bad_security_is_refused),
        cmocka_unit_test(test_handshake_timeouts),
        cmocka_unit_test(test_replay_and_forgery),
        cmocka_unit_test(test_rtcp_replay),
        cmocka_unit_test(test_junk),
        cmocka_unit_test(test_unknown_payload_type),
    };
    return cmocka_run_group_tests(tests, media_start, NULL);
}
