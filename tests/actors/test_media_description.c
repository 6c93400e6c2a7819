/* What comes of descriptions that do not fit, and what ours say. Alice has offered; the test answers in place of a
 * peer, or offers to one. */
#include "media_lan.h"

static hp_media_session *media_of(const lan *l, unsigned peer)
{
    hp_session *session = l->peers[peer]->sessions->pdata[0];
    assert_non_null(session->media);
    return session->media;
}

static lan *lan_with_offer(const hp_call_config *call)
{
    lan *l = media_lan(1);
    media_call(l, 0, "bob", call);
    lan_run(l, HP_MS);
    return l;
}

/* An answer to media_both that a peer like ours would give. */
static hp_sdp *answer_new(void)
{
    hp_sdp *sdp = hp_sdp_new();
    hp_sdp_stream *stream = hp_sdp_add_stream(sdp, "0", "abcd", "0123456789012345678901", 1);
    sdp->bundle = true;
    for (unsigned i = 0; i < 2; i++) {
        hp_sdp_section *s = hp_sdp_add_section(stream, i == 0 ? HP_SDP_AUDIO : HP_SDP_VIDEO, i == 0 ? "0" : "1");
        s->codec = g_strdup(i == 0 ? "opus" : "VP8");
        s->clock = i == 0 ? 48000 : 90000;
        s->channels = i == 0 ? 2 : 0;
        s->pt = i == 0 ? 111 : 96;
        s->rtx_pt = i == 0 ? 0 : 97;
        s->nack = s->pli = i == 1;
        s->rtcp_mux = s->rtcp_rsize = s->has_setup = true;
        s->setup = HP_DTLS_SETUP_ACTIVE;
    }
    return sdp;
}

static hp_sdp_section *section(const hp_sdp *sdp, unsigned i)
{
    unsigned stream;
    hp_sdp_section *s = hp_sdp_section_at(sdp, i, &stream);
    assert_non_null(s);
    return s;
}

static void spoil_rejected(hp_sdp *sdp)
{
    section(sdp, 0)->rejected = true;
}

static void spoil_kind(hp_sdp *sdp)
{
    section(sdp, 0)->kind = HP_SDP_VIDEO;
}

static void spoil_mux(hp_sdp *sdp)
{
    section(sdp, 0)->rtcp_mux = false;
}

static void spoil_no_codec(hp_sdp *sdp)
{
    g_clear_pointer(&section(sdp, 0)->codec, g_free);
}

static void spoil_codec(hp_sdp *sdp)
{
    g_free(section(sdp, 0)->codec);
    section(sdp, 0)->codec = g_strdup("PCMU");
}

static void spoil_clock(hp_sdp *sdp)
{
    section(sdp, 0)->clock = 8000;
}

static void spoil_security(hp_sdp *sdp)
{
    section(sdp, 0)->has_setup = false;
    hp_sdp_add_crypto(section(sdp, 0), 1, "AEAD_AES_128_GCM", "inline:AAAA");
}

static const struct {
    void (*spoil)(hp_sdp *sdp);
    const char *reason;
} spoilt[] = {
    {spoil_rejected, "rejected"},
    {spoil_kind, "another kind of media"},
    {spoil_mux, "no rtcp-mux"},
    {spoil_no_codec, "no codec in common"},
    {spoil_codec, "no codec in common"},
    {spoil_clock, "no codec in common"},
    {spoil_security, "SRTP keys in the description in place of DTLS"},
};

/* One section does not fit: it is silent, and the other goes on. */
static void test_a_section_that_does_not_fit(void **state)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(spoilt); i++) {
        lan *l = lan_with_offer(&media_both);
        hp_media_session *media = media_of(l, 0);
        g_autoptr(hp_sdp) sdp = answer_new();
        spoilt[i].spoil(sdp);
        hp_media_session_remote(media, false, sdp);
        hp_record r = media_event(l, HP_EV_MEDIA_IGNORED, "alice", "what", "audio", 0);
        assert_string_equal(hp_record_text(&r, "reason"), spoilt[i].reason);
        assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, NULL, NULL, NULL), 1);
        assert_string_equal(media->lines[0].silent, spoilt[i].reason);
        assert_null(media->lines[1].silent);
        assert_true(media->groups[0].settled);
        assert_int_equal(hp_dtls_get_role(hp_media_transport_dtls(media->groups[0].rtp)), HP_DTLS_PASSIVE);
        /* The next description of ours rejects it too, and it stays silent. */
        g_autoptr(hp_sdp) own = hp_sdp_new();
        hp_sdp_add_stream(own, "0", "abcd", "0123456789012345678901", 1);
        hp_media_session_describe(media, true, own);
        assert_true(section(own, 0)->rejected);
        assert_false(section(own, 1)->rejected);
        g_autoptr(hp_sdp) sound = answer_new();
        hp_media_session_remote(media, false, sound);
        assert_non_null(media->lines[0].silent);
        lan_free(l);
    }
}

static void test_roles_that_do_not_meet(void **state)
{
    lan *l = lan_with_offer(&media_both);
    g_autoptr(hp_sdp) sdp = answer_new();
    section(sdp, 0)->setup = HP_DTLS_SETUP_HOLDCONN;
    hp_media_session_remote(media_of(l, 0), false, sdp);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, "alice", "reason", "no DTLS roles that meet"), 2);
    assert_null(hp_media_transport_dtls(media_of(l, 0)->groups[0].rtp));
    lan_free(l);
}

static void test_another_number_of_sections(void **state)
{
    lan *l = lan_with_offer(&media_both);
    g_autoptr(hp_sdp) fewer = hp_sdp_new();
    hp_sdp_add_stream(fewer, "0", "abcd", "0123456789012345678901", 1);
    hp_media_session_remote(media_of(l, 0), false, fewer);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, "alice", "reason", "not in the description"), 2);
    lan_free(l);

    l = lan_with_offer(&media_both);
    g_autoptr(hp_sdp) more = answer_new();
    hp_sdp_add_section(more->streams->pdata[0], HP_SDP_AUDIO, "2");
    hp_media_session_remote(media_of(l, 0), false, more);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, "alice", "reason", "one too many"), 1);
    assert_null(media_of(l, 0)->lines[0].silent);
    lan_free(l);

    l = lan_with_offer(&media_both);
    g_autoptr(hp_sdp) apart = answer_new();
    hp_sdp_add_stream(apart, "1", "abcd", "0123456789012345678901", 1);
    section(apart, 1)->stream = apart->streams->pdata[1];
    g_ptr_array_add(((hp_sdp_stream *)apart->streams->pdata[1])->sections,
                    g_ptr_array_steal_index(((hp_sdp_stream *)apart->streams->pdata[0])->sections, 1));
    hp_media_session_remote(media_of(l, 0), false, apart);
    assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, "alice", "reason", "bundled otherwise"), 1);
    lan_free(l);
}

/* ---- keys in descriptions (RFC 4568) ---- */

static void test_answers_to_keys(void **state)
{
    static const struct {
        unsigned tag;
        const char *suite, *key, *reason;
    } answers[] = {
        {1, "AES_CM_128_HMAC_SHA1_80", "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd", NULL},
        {2, "AES_CM_128_HMAC_SHA1_80", "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd", "no SRTP key in common"},
        {1, "AES_CM_128_HMAC_SHA1_80", "inline:AAEC", "no SRTP key in common"},
        {1, "AES_CM_128_HMAC_SHA1_32", "inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd", "no SRTP key in common"},
        {0, NULL, NULL, "no SRTP key in the description"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(answers); i++) {
        lan *l = lan_new(1);
        l->media.secure.keying = HP_KEYING_SDES;
        lan_add_peer(l, "alice");
        lan_add_peer(l, "bob");
        media_call(l, 0, "bob", &media_audio);
        lan_run(l, HP_MS);
        g_autoptr(hp_sdp) own = hp_sdp_new();
        hp_sdp_add_stream(own, "0", "abcd", "0123456789012345678901", 1);
        hp_media_session_describe(media_of(l, 0), true, own);
        assert_int_equal(section(own, 0)->crypto->len, 2);
        const hp_sdp_crypto *first = section(own, 0)->crypto->pdata[0], *second = section(own, 0)->crypto->pdata[1];
        assert_int_equal(first->tag, 1);
        assert_string_equal(first->suite, "AES_CM_128_HMAC_SHA1_80");
        assert_int_equal(second->tag, 2);
        assert_string_equal(second->suite, "AEAD_AES_128_GCM");
        g_autoptr(hp_sdp) sdp = answer_new();
        hp_sdp_section *s = section(sdp, 0);
        s->has_setup = false;
        if (answers[i].suite) {
            hp_sdp_add_crypto(s, answers[i].tag, answers[i].suite, answers[i].key);
        }
        hp_media_session_remote(media_of(l, 0), false, sdp);
        if (answers[i].reason) {
            assert_int_equal(lan_count(l, HP_EV_MEDIA_IGNORED, "alice", "reason", answers[i].reason), 1);
            assert_int_equal(lan_count(l, HP_EV_SRTP_KEY, NULL, NULL, NULL), 0);
        } else {
            hp_record r = media_event(l, HP_EV_SRTP_KEY, "alice", "direction", "in", 0);
            assert_string_equal(hp_record_text(&r, "key"), "000102030405060708090a0b0c0d0e0f");
            assert_string_equal(hp_record_text(&r, "salt"), "101112131415161718191a1b1c1d");
        }
        lan_free(l);
    }
}

/* ---- what ours say ---- */

static void test_offer(void **state)
{
    hp_call_config call = media_both;
    call.data = true;
    lan *l = lan_with_offer(&call);
    const hp_media_session *media = media_of(l, 0);
    g_autoptr(hp_sdp) sdp = hp_sdp_new();
    hp_sdp_add_stream(sdp, "0", "abcd", "0123456789012345678901", 1);
    hp_media_session_describe(media_of(l, 0), true, sdp);
    assert_true(sdp->bundle);
    assert_int_equal(sdp->lines->len, 3);
    const hp_sdp_section *audio = section(sdp, 0), *video = section(sdp, 1), *data = section(sdp, 2);
    assert_string_equal(audio->codec, "opus");
    assert_int_equal(audio->channels, 2);
    assert_int_equal(audio->pt, 111);
    assert_int_equal(audio->ssrc, media->lines[0].track->ssrc);
    assert_false(audio->nack);
    assert_int_equal(audio->direction, HP_SDP_SENDRECV);
    assert_string_equal(video->codec, "VP8");
    assert_int_equal(video->rtx_pt, 97);
    assert_int_equal(video->rtx_ssrc, media->lines[1].track->rtx_ssrc);
    assert_true(video->rtx_ssrc != 0 && video->nack && video->pli && video->rtcp_mux && video->rtcp_rsize);
    assert_int_equal(data->kind, HP_SDP_DATA);
    assert_int_equal(data->sctp_port, 5000);
    assert_false(data->rtcp_mux);
    for (unsigned i = 0; i < 3; i++) {
        const hp_sdp_section *s = section(sdp, i);
        assert_int_equal(s->setup, HP_DTLS_SETUP_ACTPASS);
        assert_int_equal(s->fingerprints->len, 1);
        assert_true(
            hp_dtls_fingerprint_equal(&g_array_index(s->fingerprints, hp_dtls_fingerprint, 0),
                                      hp_dtls_identity_fingerprint(hp_media_hub_identity(l->hub, "alice", NULL))));
    }
    lan_free(l);
}

/* Whatever is lost of a stream's beginning, no wrap is missed with it. */
static void test_first_sequence_numbers(void **state)
{
    for (unsigned seed = 1; seed <= 12; seed++) {
        lan *l = media_lan(seed);
        media_call(l, 0, "bob", &media_both);
        for (unsigned i = 0; i < 2; i++) {
            assert_in_range(media_of(l, 0)->lines[i].track->first_sequence, 0, 0x7fff);
        }
        lan_free(l);
    }
}

/* An answer allows no more than the offer does, and no more than this side wants (RFC 3264 section 6.1). */
static void test_answers_direction(void **state)
{
    static const hp_sdp_direction answer_to[2][4] = {
        {HP_SDP_SENDRECV, HP_SDP_RECVONLY, HP_SDP_SENDONLY, HP_SDP_INACTIVE}, /* what answers sendrecv, sendonly, ... */
        {HP_SDP_INACTIVE, HP_SDP_INACTIVE, HP_SDP_INACTIVE, HP_SDP_INACTIVE}, /* on hold */
    };
    lan *l = media_lan(1);
    media_call(l, 0, "bob", &media_both);
    lan_run(l, HP_S);
    static const bool kinds[HP_MEDIA_N_KINDS] = {true, false};
    for (unsigned held = 0; held < 2; held++) {
        hp_media_session_set_hold(media_of(l, 1), kinds, held != 0);
        for (unsigned offered = HP_SDP_SENDRECV; offered <= HP_SDP_INACTIVE; offered++) {
            g_autoptr(hp_sdp) sdp = answer_new(), own = hp_sdp_new();
            section(sdp, 0)->direction = (hp_sdp_direction)offered;
            hp_media_session_remote(media_of(l, 1), true, sdp);
            hp_sdp_add_stream(own, "0", "abcd", "0123456789012345678901", 1);
            hp_media_session_describe(media_of(l, 1), false, own);
            assert_int_equal(section(own, 0)->direction, answer_to[held][offered]);
            assert_int_equal(section(own, 1)->direction, HP_SDP_SENDRECV);
            assert_int_equal(section(own, 0)->setup, HP_DTLS_SETUP_ACTIVE); /* the role in force */
            bool sends = held == 0 && (offered == HP_SDP_SENDRECV || offered == HP_SDP_RECVONLY);
            assert_int_equal(media_of(l, 1)->lines[0].track->sending, sends);
        }
    }
    lan_free(l);
}

/* A peer's setup and fingerprint as configured. */
static void test_configured_security(void **state)
{
    static const hp_fingerprint_told told[] = {HP_FINGERPRINT_OWN, HP_FINGERPRINT_WRONG, HP_FINGERPRINT_ABSENT};
    for (unsigned i = 0; i < G_N_ELEMENTS(told); i++) {
        lan *l = lan_new(1);
        l->media.secure.fingerprint = told[i];
        l->media.secure.setup = HP_SETUP_PASSIVE;
        lan_add_peer(l, "alice");
        lan_add_peer(l, "bob");
        media_call(l, 0, "bob", &media_audio);
        lan_run(l, HP_MS);
        g_autoptr(hp_sdp) sdp = hp_sdp_new();
        hp_sdp_add_stream(sdp, "0", "abcd", "0123456789012345678901", 1);
        hp_media_session_describe(media_of(l, 0), true, sdp);
        const hp_sdp_section *s = section(sdp, 0);
        assert_int_equal(s->setup, HP_DTLS_SETUP_PASSIVE);
        assert_int_equal(s->fingerprints->len, told[i] == HP_FINGERPRINT_ABSENT ? 0 : 1);
        if (s->fingerprints->len > 0) {
            bool own =
                hp_dtls_fingerprint_equal(&g_array_index(s->fingerprints, hp_dtls_fingerprint, 0),
                                          hp_dtls_identity_fingerprint(hp_media_hub_identity(l->hub, "alice", NULL)));
            assert_int_equal(own, told[i] == HP_FINGERPRINT_OWN);
        }
        lan_free(l);
    }
}

static void test_shape(void **state)
{
    static const struct {
        hp_call_config call;
        unsigned streams, components;
    } shapes[] = {
        {{.streams = 3, .components = 2}, 3, 2},
        {{.streams = 0, .components = 0}, 1, 1},
        {{.media = {true, true}, .data = true, .bundle = true, .rtcp_mux = true}, 1, 1},
        {{.media = {true, true}, .data = true, .bundle = false, .rtcp_mux = true}, 3, 1},
        {{.media = {true, false}, .data = true, .bundle = false, .rtcp_mux = false}, 2, 2},
        {{.data = true, .bundle = true, .rtcp_mux = true}, 1, 1},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        unsigned streams, components;
        hp_media_shape(&shapes[i].call, &streams, &components);
        assert_int_equal(streams, shapes[i].streams);
        assert_int_equal(components, shapes[i].components);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_section_that_does_not_fit),
        cmocka_unit_test(test_roles_that_do_not_meet),
        cmocka_unit_test(test_another_number_of_sections),
        cmocka_unit_test(test_answers_to_keys),
        cmocka_unit_test(test_offer),
        cmocka_unit_test(test_first_sequence_numbers),
        cmocka_unit_test(test_answers_direction),
        cmocka_unit_test(test_configured_security),
        cmocka_unit_test(test_shape),
    };
    return cmocka_run_group_tests(tests, media_start, NULL);
}
