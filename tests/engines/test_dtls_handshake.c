/* The handshake on a path that loses nothing: its times, what comes out of it, and the ways in which two sides do not
 * suit each other. A one-way delay of 20 ms: the ClientHello arrives at 20 ms, the server's flight at 40, the client's
 * at 60 (bob is done), the server's last at 80 (alice is done). */
#include "engines/dtls_pipe.h"
#include "engines/srtp.h"

enum {
    ALERT_CLOSE_NOTIFY = 0,
    ALERT_UNEXPECTED_MESSAGE = 10,
    ALERT_HANDSHAKE_FAILURE = 40,
    ALERT_BAD_CERTIFICATE = 42,
};

static void set_profiles(pipe_end *end, unsigned n, const hp_dtls_profile *profiles)
{
    end->config.n_profiles = n;
    memcpy(end->config.profiles, profiles, n * sizeof *profiles);
}

static void both_get_the_same_keys(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, BOB), 60 * HP_MS);
    assert_int_equal(pipe_connected_at(&p, ALICE), 80 * HP_MS);
    assert_int_equal(p.sent->len, 4);
    for (unsigned i = 0; i < 2; i++) {
        const pipe_told *done = pipe_find(&p, i, HP_DTLS_EV_HANDSHAKE, 0);
        const pipe_told *connected = pipe_find(&p, i, HP_DTLS_EV_CONNECTED, 0);
        assert_string_equal(done->event.detail, "ECDHE-ECDSA-AES128-GCM-SHA256");
        assert_int_equal(done->event.profile, HP_DTLS_PROFILE_AEAD_AES_128_GCM);
        assert_true(hp_dtls_fingerprint_equal(&done->fingerprint, hp_dtls_identity_fingerprint(p.end[1 - i].identity)));
        assert_int_equal(connected->keys.length, 2 * (16 + 12));
        assert_memory_equal(connected->keys.block, hp_dtls_get_keys(p.end[i].dtls)->block, connected->keys.length);
        assert_int_equal(pipe_count(&p, i, HP_DTLS_EV_TIMEOUT), 0);
        assert_int_equal(pipe_count(&p, i, HP_DTLS_EV_DROPPED), 0);
        assert_int_equal(pipe_count(&p, i, HP_DTLS_EV_ALERT_SENT), 0);
    }
    assert_true(pipe_clock.looked > 0);
    pipe_close(&p);
}

/* What Wireshark needs to decrypt it: the client random of the ClientHello and the same secret on both sides. */
static void the_secrets_are_told(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    const char *line = pipe_find(&p, ALICE, HP_DTLS_EV_KEYLOG, 0)->event.detail;
    assert_string_equal(line, pipe_find(&p, BOB, HP_DTLS_EV_KEYLOG, 0)->event.detail);
    assert_int_equal(strlen(line), strlen("CLIENT_RANDOM ") + 64 + 1 + 96);
    assert_true(g_str_has_prefix(line, "CLIENT_RANDOM "));
    /* Record header 13, handshake header 12, version 2, then the random. */
    const uint8_t *random = pipe_sent_at(&p, 0)->bytes->data + 27;
    for (unsigned i = 0; i < 32; i++) {
        char digits[3];
        g_snprintf(digits, sizeof digits, "%02x", random[i]);
        assert_memory_equal(line + 14 + 2 * i, digits, 2);
    }
    pipe_close(&p);
}

static void every_profile_has_its_length(void **state)
{
    static const struct {
        hp_dtls_profile profile;
        size_t length;
    } rows[] = {
        {HP_DTLS_PROFILE_AES128_CM_SHA1_80, 2 * (16 + 14)},
        {HP_DTLS_PROFILE_AEAD_AES_128_GCM, 2 * (16 + 12)},
        {HP_DTLS_PROFILE_AEAD_AES_256_GCM, 2 * (32 + 12)},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        pipe_t p;
        pipe_init(&p, 1);
        set_profiles(&p.end[BOB], 1, &rows[i].profile);
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        pipe_assert_connected(&p);
        assert_int_equal(hp_dtls_get_keys(p.end[ALICE].dtls)->profile, rows[i].profile);
        assert_int_equal(hp_dtls_get_keys(p.end[ALICE].dtls)->length, rows[i].length);
        /* SRTP takes the block as it is. */
        hp_srtp_keys client, server;
        const hp_dtls_keys *keys = hp_dtls_get_keys(p.end[BOB].dtls);
        assert_true(hp_srtp_keys_from_exporter(keys->profile, keys->block, keys->length, &client, &server, NULL));
        assert_memory_equal(client.key, keys->block, hp_srtp_key_length(client.profile));
        assert_string_equal(hp_dtls_profile_name(keys->profile), hp_srtp_profile_name(client.profile));
        pipe_close(&p);
    }
}

static void the_passive_side_prefers(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    set_profiles(&p.end[ALICE], 2,
                 (hp_dtls_profile[]){HP_DTLS_PROFILE_AEAD_AES_128_GCM, HP_DTLS_PROFILE_AES128_CM_SHA1_80});
    set_profiles(&p.end[BOB], 2,
                 (hp_dtls_profile[]){HP_DTLS_PROFILE_AES128_CM_SHA1_80, HP_DTLS_PROFILE_AEAD_AES_128_GCM});
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(hp_dtls_get_keys(p.end[BOB].dtls)->profile, HP_DTLS_PROFILE_AES128_CM_SHA1_80);
    pipe_close(&p);
}

static void without_a_common_profile_both_fail(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    set_profiles(&p.end[ALICE], 1, (hp_dtls_profile[]){HP_DTLS_PROFILE_AES128_CM_SHA1_80});
    set_profiles(&p.end[BOB], 1, (hp_dtls_profile[]){HP_DTLS_PROFILE_AEAD_AES_256_GCM});
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_failed(&p, BOB, HP_DTLS_FAIL_PROFILE);
    pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_ALERT);
    assert_int_equal(pipe_find(&p, BOB, HP_DTLS_EV_FAILED, 0)->at, 20 * HP_MS);
    assert_int_equal(pipe_find(&p, ALICE, HP_DTLS_EV_FAILED, 0)->at, 40 * HP_MS);
    assert_int_equal(pipe_alert(&p, BOB, HP_DTLS_EV_ALERT_SENT), ALERT_HANDSHAKE_FAILURE);
    assert_int_equal(pipe_alert(&p, ALICE, HP_DTLS_EV_ALERT_RECEIVED), ALERT_HANDSHAKE_FAILURE);
    assert_true(pipe_find(&p, ALICE, HP_DTLS_EV_ALERT_RECEIVED, 0)->event.fatal);
    assert_int_equal(p.sent->len, 2);
    pipe_close(&p);
}

/* A passive side without SRTP does not answer the extension; the active one, which needs it, refuses. */
static void a_peer_without_srtp_is_refused_by_the_active_side(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[BOB].config.n_profiles = 0;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_PROFILE);
    pipe_assert_failed(&p, BOB, HP_DTLS_FAIL_ALERT);
    assert_int_equal(pipe_alert(&p, ALICE, HP_DTLS_EV_ALERT_SENT), ALERT_HANDSHAKE_FAILURE);
    pipe_close(&p);
}

static void a_peer_without_srtp_is_refused_by_the_passive_side(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[ALICE].config.n_profiles = 0;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_failed(&p, BOB, HP_DTLS_FAIL_PROFILE);
    pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_ALERT);
    pipe_close(&p);
}

static void data_channels_need_no_profile(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[ALICE].config.n_profiles = p.end[BOB].config.n_profiles = 0;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(hp_dtls_get_keys(p.end[ALICE].dtls)->profile, HP_DTLS_PROFILE_NONE);
    assert_int_equal(hp_dtls_get_keys(p.end[ALICE].dtls)->length, 0);
    pipe_close(&p);
}

static void a_cookie_costs_a_round_trip(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[BOB].config.cookie = true;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, BOB), 100 * HP_MS);
    assert_int_equal(pipe_connected_at(&p, ALICE), 120 * HP_MS);
    assert_int_equal(p.sent->len, 6);
    assert_int_equal(pipe_sent_at(&p, 1)->bytes->data[13], 3); /* HelloVerifyRequest */
    pipe_close(&p);
}

static void the_active_side_refuses_a_wrong_certificate(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[ALICE].expects_other = true;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_FINGERPRINT);
    pipe_assert_failed(&p, BOB, HP_DTLS_FAIL_ALERT);
    assert_int_equal(pipe_find(&p, ALICE, HP_DTLS_EV_FAILED, 0)->at, 40 * HP_MS);
    assert_int_equal(pipe_alert(&p, ALICE, HP_DTLS_EV_ALERT_SENT), ALERT_BAD_CERTIFICATE);
    assert_int_equal(pipe_alert(&p, BOB, HP_DTLS_EV_ALERT_RECEIVED), ALERT_BAD_CERTIFICATE);
    pipe_close(&p);
}

static void the_passive_side_refuses_a_wrong_certificate(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[BOB].expects_other = true;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_failed(&p, BOB, HP_DTLS_FAIL_FINGERPRINT);
    pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_ALERT);
    assert_int_equal(pipe_find(&p, BOB, HP_DTLS_EV_FAILED, 0)->at, 60 * HP_MS);
    assert_int_equal(pipe_alert(&p, ALICE, HP_DTLS_EV_ALERT_RECEIVED), ALERT_BAD_CERTIFICATE);
    pipe_close(&p);
}

/* Of several fingerprints those with the strongest hash count, and one of them has to match. */
static void the_strongest_hash_counts(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    pipe_make(&p);
    hp_dtls_fingerprint right = *hp_dtls_identity_fingerprint(p.end[BOB].identity);
    hp_dtls_fingerprint weak = {.hash = HP_DTLS_SHA1}, other = right;
    other.bytes[0] ^= 0x80;
    hp_dtls_set_peer_fingerprints(p.end[ALICE].dtls, 0, (hp_dtls_fingerprint[]){weak, other, right}, 3);
    hp_dtls_start(p.end[BOB].dtls, 0);
    hp_dtls_start(p.end[ALICE].dtls, 0);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    pipe_close(&p);

    pipe_init(&p, 1);
    pipe_make(&p);
    hp_dtls_fingerprint strong = {.hash = HP_DTLS_SHA512};
    hp_dtls_set_peer_fingerprints(p.end[ALICE].dtls, 0, (hp_dtls_fingerprint[]){right, strong}, 2);
    hp_dtls_start(p.end[BOB].dtls, 0);
    hp_dtls_start(p.end[ALICE].dtls, 0);
    pipe_run(&p, HP_NEVER);
    pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_FINGERPRINT);
    pipe_close(&p);
}

static void keys_wait_for_a_late_fingerprint(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[ALICE].expects_nothing = true;
    pipe_open(&p);
    pipe_run(&p, 500 * HP_MS);
    assert_int_equal(hp_dtls_get_state(p.end[ALICE].dtls), HP_DTLS_UNVERIFIED);
    assert_int_equal(hp_dtls_get_state(p.end[BOB].dtls), HP_DTLS_CONNECTED);
    assert_int_equal(pipe_find(&p, ALICE, HP_DTLS_EV_HANDSHAKE, 0)->at, 80 * HP_MS);
    assert_null(hp_dtls_get_keys(p.end[ALICE].dtls));
    assert_int_equal(hp_dtls_data_mtu(p.end[ALICE].dtls), 0);

    GError *error = NULL;
    assert_false(hp_dtls_send(p.end[ALICE].dtls, p.now, (const uint8_t *)"x", 1, &error));
    assert_string_equal(error->message, "dtls: cannot send while unverified");
    g_clear_error(&error);
    /* What comes from a peer that nobody has vouched for yet goes nowhere. */
    assert_true(hp_dtls_send(p.end[BOB].dtls, p.now, (const uint8_t *)"early", 5, NULL));
    pipe_run(&p, 600 * HP_MS);
    assert_int_equal(pipe_count(&p, ALICE, HP_DTLS_EV_DATA), 0);
    assert_string_equal(pipe_find(&p, ALICE, HP_DTLS_EV_DROPPED, 0)->event.detail, "peer not verified");
    assert_int_equal(pipe_find(&p, ALICE, HP_DTLS_EV_DROPPED, 0)->event.number, 5);

    pipe_expect(&p, ALICE);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, ALICE), 600 * HP_MS);
    pipe_close(&p);
}

static void a_late_wrong_fingerprint_closes(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[ALICE].expects_nothing = p.end[ALICE].expects_other = true;
    pipe_open(&p);
    pipe_run(&p, 500 * HP_MS);
    pipe_expect(&p, ALICE);
    pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_FINGERPRINT);
    assert_int_equal(pipe_alert(&p, ALICE, HP_DTLS_EV_ALERT_SENT), ALERT_CLOSE_NOTIFY);
    pipe_run(&p, HP_NEVER);
    assert_int_equal(hp_dtls_get_state(p.end[BOB].dtls), HP_DTLS_CLOSED);
    assert_int_equal(pipe_find(&p, BOB, HP_DTLS_EV_CLOSED, 0)->at, 520 * HP_MS);
    assert_true(pipe_find(&p, BOB, HP_DTLS_EV_CLOSED, 0)->event.by_peer);
    pipe_close(&p);
}

static void two_active_sides_refuse_each_other(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[BOB].config.role = HP_DTLS_ACTIVE;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    for (unsigned i = 0; i < 2; i++) {
        pipe_assert_failed(&p, i, HP_DTLS_FAIL_PROTOCOL);
        assert_int_equal(pipe_find(&p, i, HP_DTLS_EV_FAILED, 0)->at, 20 * HP_MS);
        assert_string_equal(pipe_find(&p, i, HP_DTLS_EV_FAILED, 0)->event.detail, "unexpected message");
        assert_int_equal(pipe_alert(&p, i, HP_DTLS_EV_ALERT_SENT), ALERT_UNEXPECTED_MESSAGE);
    }
    pipe_close(&p);
}

static void two_passive_sides_wait_for_each_other(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.end[ALICE].config.role = HP_DTLS_PASSIVE;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    assert_int_equal(p.sent->len, 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(hp_dtls_get_state(p.end[i].dtls), HP_DTLS_HANDSHAKING);
        assert_int_equal(hp_dtls_deadline(p.end[i].dtls), HP_NEVER);
    }
    pipe_close(&p);
}

/* Every size up to where a flight fits a datagram: whatever the last record's place in a datagram, it is not
 * overfull. */
static void datagrams_keep_to_the_mtu(void **state)
{
    for (unsigned mtu = HP_DTLS_MIN_MTU; mtu < 700; mtu += 4) {
        pipe_t p;
        pipe_init(&p, 1);
        p.end[ALICE].config.mtu = p.end[BOB].config.mtu = mtu;
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        pipe_assert_connected(&p);
        assert_int_equal(pipe_connected_at(&p, ALICE), 80 * HP_MS);
        for (unsigned n = 0; n < p.sent->len; n++) {
            assert_in_range(pipe_sent_at(&p, n)->bytes->len, 13, mtu);
        }
        pipe_close(&p);
    }
}

/* An IPv6 path of 1280 bytes needs one datagram a flight, a path with 400 bytes of payload two for each long one. */
static void a_smaller_mtu_takes_more_datagrams(void **state)
{
    static const struct {
        unsigned mtu, datagrams;
    } rows[] = {{1280 - 48, 4}, {400, 6}, {HP_DTLS_MAX_MTU, 4}};
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        pipe_t p;
        pipe_init(&p, 1);
        p.end[ALICE].config.mtu = p.end[BOB].config.mtu = rows[i].mtu;
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        pipe_assert_connected(&p);
        assert_int_equal(p.sent->len, rows[i].datagrams);
        pipe_close(&p);
    }
}

/* A path that turns out smaller: flights not sent yet keep to it. */
static void the_mtu_may_shrink(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    pipe_open(&p);
    assert_true(hp_dtls_set_mtu(p.end[BOB].dtls, 300, NULL));
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    for (unsigned n = 0; n < p.sent->len; n++) {
        if (pipe_sent_at(&p, n)->from == BOB) {
            assert_in_range(pipe_sent_at(&p, n)->bytes->len, 13, 300);
        }
    }
    GError *error = NULL;
    assert_false(hp_dtls_set_mtu(p.end[BOB].dtls, HP_DTLS_MIN_MTU - 1, &error));
    assert_string_equal(error->message, "dtls: mtu must be 256 to 16384, not 255");
    g_clear_error(&error);
    pipe_close(&p);
}

static void application_data_crosses(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    pipe_open(&p);
    GError *error = NULL;
    assert_false(hp_dtls_send(p.end[ALICE].dtls, 0, (const uint8_t *)"x", 1, &error));
    assert_string_equal(error->message, "dtls: cannot send while handshaking");
    g_clear_error(&error);
    pipe_run(&p, HP_NEVER);

    size_t most = hp_dtls_data_mtu(p.end[ALICE].dtls);
    uint8_t data[HP_DTLS_DEFAULT_MTU];
    assert_in_range(most, 1, sizeof data - 1);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)i;
    }
    unsigned before = p.sent->len;
    assert_false(hp_dtls_send(p.end[ALICE].dtls, p.now, data, most + 1, &error));
    assert_int_equal(p.sent->len, before);
    g_clear_error(&error);
    assert_true(hp_dtls_send(p.end[ALICE].dtls, p.now, data, most, NULL));
    assert_true(hp_dtls_send(p.end[BOB].dtls, p.now, data, 3, NULL));
    assert_true(hp_dtls_send(p.end[BOB].dtls, p.now, data, 0, NULL)); /* says nothing */
    assert_int_equal(p.sent->len, before + 2);
    assert_int_equal(pipe_sent_at(&p, before)->bytes->len, HP_DTLS_DEFAULT_MTU);
    hp_time sent = p.now;
    pipe_run(&p, HP_NEVER);
    const pipe_told *at_bob = pipe_find(&p, BOB, HP_DTLS_EV_DATA, 0);
    assert_int_equal(at_bob->at, sent + p.delay);
    assert_int_equal(at_bob->data->len, most);
    assert_memory_equal(at_bob->data->data, data, most);
    assert_int_equal(pipe_find(&p, ALICE, HP_DTLS_EV_DATA, 0)->data->len, 3);
    pipe_close(&p);
}

static void closing_is_told_to_both(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    pipe_open(&p);
    pipe_run(&p, 100 * HP_MS);
    hp_dtls_close(p.end[ALICE].dtls, p.now);
    pipe_run(&p, HP_NEVER);
    const pipe_told *at_alice = pipe_find(&p, ALICE, HP_DTLS_EV_CLOSED, 0);
    const pipe_told *at_bob = pipe_find(&p, BOB, HP_DTLS_EV_CLOSED, 0);
    assert_int_equal(at_alice->at, 100 * HP_MS);
    assert_false(at_alice->event.by_peer);
    assert_int_equal(at_bob->at, 120 * HP_MS);
    assert_true(at_bob->event.by_peer);
    assert_int_equal(pipe_alert(&p, BOB, HP_DTLS_EV_ALERT_RECEIVED), ALERT_CLOSE_NOTIFY);
    assert_int_equal(pipe_alert(&p, BOB, HP_DTLS_EV_ALERT_SENT), ALERT_CLOSE_NOTIFY);
    assert_false(pipe_find(&p, BOB, HP_DTLS_EV_ALERT_SENT, 0)->event.fatal);
    /* Bob's own close_notify finds nobody. */
    assert_string_equal(pipe_find(&p, ALICE, HP_DTLS_EV_DROPPED, 0)->event.detail, "association over");
    assert_non_null(hp_dtls_get_keys(p.end[BOB].dtls));
    assert_false(hp_dtls_send(p.end[ALICE].dtls, p.now, (const uint8_t *)"x", 1, NULL));
    hp_dtls_close(p.end[ALICE].dtls, p.now);
    assert_int_equal(pipe_count(&p, ALICE, HP_DTLS_EV_CLOSED), 1);
    pipe_close(&p);
}

static void closing_in_the_handshake_ends_it(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    pipe_open(&p);
    pipe_run(&p, 30 * HP_MS);
    hp_dtls_close(p.end[ALICE].dtls, p.now);
    assert_int_equal(hp_dtls_get_state(p.end[ALICE].dtls), HP_DTLS_CLOSED);
    assert_int_equal(hp_dtls_deadline(p.end[ALICE].dtls), HP_NEVER);
    assert_null(hp_dtls_get_keys(p.end[ALICE].dtls));
    pipe_close(&p);
}

/* A driver may deliver from inside send(); everything then happens in one instant. */
static void delivery_may_be_synchronous(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    p.synchronous = true;
    pipe_open(&p);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, ALICE), 0);
    assert_int_equal(p.sent->len, 4);
    pipe_close(&p);
}

/* A ClientHello that meets an endpoint not started is lost, and comes again. */
static void an_endpoint_not_started_hears_nothing(void **state)
{
    pipe_t p;
    pipe_init(&p, 1);
    pipe_make(&p);
    hp_dtls_start(p.end[ALICE].dtls, 0);
    pipe_run(&p, 100 * HP_MS);
    assert_string_equal(pipe_find(&p, BOB, HP_DTLS_EV_DROPPED, 0)->event.detail, "not started");
    assert_int_equal(pipe_find(&p, BOB, HP_DTLS_EV_DROPPED, 0)->event.number, pipe_sent_at(&p, 0)->bytes->len);
    hp_dtls_start(p.end[BOB].dtls, 100 * HP_MS);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, ALICE), 1080 * HP_MS);
    pipe_close(&p);
}

static void names_are_told(void **state)
{
    assert_string_equal(hp_dtls_profile_name(HP_DTLS_PROFILE_NONE), "none");
    assert_string_equal(hp_dtls_profile_name((hp_dtls_profile)2), "unknown");
    assert_string_equal(hp_dtls_state_name(HP_DTLS_UNVERIFIED), "unverified");
    assert_string_equal(hp_dtls_failure_name(HP_DTLS_FAIL_PROTOCOL), "protocol");
    assert_string_equal(hp_dtls_event_name(HP_DTLS_EV_KEYLOG), "keylog");
    hp_dtls_warm_up();
}

static void nonsense_is_refused_at_once(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 1, "x");
    GError *error = NULL;
    assert_null(hp_dtls_identity_new(&rng, "", &error));
    assert_string_equal(error->message, "certificate: the name must have 1 to 64 bytes of UTF-8");
    g_clear_error(&error);
    g_autoptr(hp_dtls_identity) identity = hp_dtls_identity_new(&rng, "x", NULL);
    static const struct {
        hp_dtls_config config;
        const char *message;
    } rows[] = {
        {{.mtu = 100}, "dtls: mtu out of bounds"},
        {{.mtu = 65535}, "dtls: mtu out of bounds"},
        {{.n_profiles = 4}, "dtls: too many SRTP profiles"},
        {{.n_profiles = 1, .profiles = {HP_DTLS_PROFILE_NONE}}, "dtls: unknown SRTP profile"},
        {{.n_profiles = 1, .profiles = {(hp_dtls_profile)2}}, "dtls: unknown SRTP profile"},
        {{.n_profiles = 2, .profiles = {HP_DTLS_PROFILE_AES128_CM_SHA1_80, HP_DTLS_PROFILE_AES128_CM_SHA1_80}},
         "dtls: an SRTP profile twice"},
        {{.retransmit_initial = 1}, "dtls: retransmission times out of bounds"},
        {{.retransmit_initial = 2 * HP_S, .retransmit_max = HP_S}, "dtls: retransmission times out of bounds"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_null(hp_dtls_new(&rows[i].config, identity, &rng, &pipe_ops, NULL, &error));
        assert_string_equal(error->message, rows[i].message);
        g_clear_error(&error);
    }
    hp_dtls_free(NULL);
    hp_dtls_identity_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_get_the_same_keys),
        cmocka_unit_test(the_secrets_are_told),
        cmocka_unit_test(every_profile_has_its_length),
        cmocka_unit_test(the_passive_side_prefers),
        cmocka_unit_test(without_a_common_profile_both_fail),
        cmocka_unit_test(a_peer_without_srtp_is_refused_by_the_active_side),
        cmocka_unit_test(a_peer_without_srtp_is_refused_by_the_passive_side),
        cmocka_unit_test(data_channels_need_no_profile),
        cmocka_unit_test(a_cookie_costs_a_round_trip),
        cmocka_unit_test(the_active_side_refuses_a_wrong_certificate),
        cmocka_unit_test(the_passive_side_refuses_a_wrong_certificate),
        cmocka_unit_test(the_strongest_hash_counts),
        cmocka_unit_test(keys_wait_for_a_late_fingerprint),
        cmocka_unit_test(a_late_wrong_fingerprint_closes),
        cmocka_unit_test(two_active_sides_refuse_each_other),
        cmocka_unit_test(two_passive_sides_wait_for_each_other),
        cmocka_unit_test(datagrams_keep_to_the_mtu),
        cmocka_unit_test(a_smaller_mtu_takes_more_datagrams),
        cmocka_unit_test(the_mtu_may_shrink),
        cmocka_unit_test(application_data_crosses),
        cmocka_unit_test(closing_is_told_to_both),
        cmocka_unit_test(closing_in_the_handshake_ends_it),
        cmocka_unit_test(delivery_may_be_synchronous),
        cmocka_unit_test(an_endpoint_not_started_hears_nothing),
        cmocka_unit_test(names_are_told),
        cmocka_unit_test(nonsense_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
