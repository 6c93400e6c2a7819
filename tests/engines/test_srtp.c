/* SRTP: bytes against the RFCs' vectors and a second implementation, then what a receiver accepts and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <srtp2/cipher.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/rng.h"
#include "engines/srtp_reference.h"
#include "wire/hex.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"

static const hp_srtp_profile profiles[] = {HP_SRTP_AES128_CM_HMAC_SHA1_80, HP_SRTP_AEAD_AES_128_GCM,
                                           HP_SRTP_AEAD_AES_256_GCM};
enum { SSRC = 0x5501a0b2, PAYLOAD = 40, CAP = 2600 };

/* ---- vectors ---- */

static GKeyFile *open_vectors(const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/fixtures/srtp/%s.ini", HAIRPIN_SOURCE_DIR, name);
    GKeyFile *file = g_key_file_new();
    assert_true(g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL));
    return file;
}

static size_t vector(GKeyFile *file, const char *group, const char *key, uint8_t *out, size_t cap)
{
    g_autofree char *text = g_key_file_get_string(file, group, key, NULL);
    assert_non_null(text);
    g_autoptr(GBytes) bytes = hex_bytes(text);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    assert_true(len <= cap);
    memcpy(out, data, len);
    return len;
}

static void keystream_of_rfc3711_b2(void **state)
{
    static const struct {
        const char *key;
        size_t block;
    } blocks[] = {{"keystream-0000", 0},      {"keystream-0001", 1},      {"keystream-0002", 2},
                  {"keystream-feff", 0xfeff}, {"keystream-ff00", 0xff00}, {"keystream-ff01", 0xff01}};
    enum { STREAM = 1044512 };
    g_autoptr(GKeyFile) file = open_vectors("rfc3711");
    g_autofree uint8_t *reference = g_malloc0(STREAM), *library = g_malloc0(STREAM);
    uint8_t key_and_salt[30], iv[16] = {0}, wanted[16];
    ref_session s = {.key_len = 16};

    assert_int_equal(vector(file, "B.2", "session-key", s.key, sizeof s.key), 16);
    assert_int_equal(vector(file, "B.2", "session-salt", s.salt, sizeof s.salt), 14);
    ref_cm_iv(&s, 0, 0, iv);
    ref_aes_ctr(s.key, 16, iv, reference, STREAM);

    extern const srtp_cipher_type_t srtp_aes_icm_128;
    srtp_cipher_t *cipher;
    uint32_t len = STREAM;
    memcpy(key_and_salt, s.key, 16);
    memcpy(key_and_salt + 16, s.salt, 14);
    memset(iv, 0, sizeof iv);
    assert_int_equal(srtp_cipher_type_alloc(&srtp_aes_icm_128, &cipher, 30, 0), srtp_err_status_ok);
    assert_int_equal(srtp_cipher_init(cipher, key_and_salt), srtp_err_status_ok);
    assert_int_equal(srtp_cipher_set_iv(cipher, iv, srtp_direction_encrypt), srtp_err_status_ok);
    assert_int_equal(srtp_cipher_encrypt(cipher, library, &len), srtp_err_status_ok);
    srtp_cipher_dealloc(cipher);

    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
        vector(file, "B.2", blocks[i].key, wanted, 16);
        assert_memory_equal(reference + 16 * blocks[i].block, wanted, 16);
        assert_memory_equal(library + 16 * blocks[i].block, wanted, 16);
    }
    assert_memory_equal(reference, library, STREAM);
}

static void derivation_of_rfc3711_b3(void **state)
{
    g_autoptr(GKeyFile) file = open_vectors("rfc3711");
    hp_srtp_keys keys = {.profile = HP_SRTP_AES128_CM_HMAC_SHA1_80};
    uint8_t wanted[94];

    vector(file, "B.3", "master-key", keys.key, sizeof keys.key);
    vector(file, "B.3", "master-salt", keys.salt, sizeof keys.salt);
    ref_session s = ref_derive_session(&keys, false);
    assert_int_equal(vector(file, "B.3", "cipher-key", wanted, sizeof wanted), 16);
    assert_memory_equal(s.key, wanted, 16);
    assert_int_equal(vector(file, "B.3", "cipher-salt", wanted, sizeof wanted), 14);
    assert_memory_equal(s.salt, wanted, 14);
    assert_int_equal(vector(file, "B.3", "auth-key", wanted, sizeof wanted), 94);
    assert_memory_equal(s.auth, wanted, 94);
}

/* libsrtp's own cipher: aad is what is not encrypted, in the order the RFC feeds it. */
static void library_gcm(const ref_session *s, const uint8_t *iv, const uint8_t *aad, size_t aad_len, uint8_t *text,
                        size_t len)
{
    extern const srtp_cipher_type_t srtp_aes_gcm_128, srtp_aes_gcm_256;
    uint8_t key_and_salt[44] = {0}, iv_copy[12];
    srtp_cipher_t *cipher;
    uint32_t text_len = (uint32_t)len, tag_len = 0;

    memcpy(key_and_salt, s->key, s->key_len);
    memcpy(iv_copy, iv, 12);
    const srtp_cipher_type_t *type = s->key_len == 32 ? &srtp_aes_gcm_256 : &srtp_aes_gcm_128;
    assert_int_equal(srtp_cipher_type_alloc(type, &cipher, (int)s->key_len + 12, 16), srtp_err_status_ok);
    assert_int_equal(srtp_cipher_init(cipher, key_and_salt), srtp_err_status_ok);
    assert_int_equal(srtp_cipher_set_iv(cipher, iv_copy, srtp_direction_encrypt), srtp_err_status_ok);
    assert_int_equal(srtp_cipher_set_aad(cipher, aad, (uint32_t)aad_len), srtp_err_status_ok);
    assert_int_equal(srtp_cipher_encrypt(cipher, text, &text_len), srtp_err_status_ok);
    assert_int_equal(text_len, len);
    assert_int_equal(srtp_cipher_get_tag(cipher, text + len, &tag_len), srtp_err_status_ok);
    assert_int_equal(tag_len, 16);
    srtp_cipher_dealloc(cipher);
}

static void packets_of_rfc7714(void **state)
{
    static const struct {
        const char *group;
        bool rtcp, encrypted;
    } cases[] = {{"16.1.1", false, true}, {"16.1.3", false, false}, {"16.2.1", false, true}, {"16.2.3", false, false},
                 {"17.1", true, true},    {"17.2", true, true},     {"17.3", true, false},   {"17.4", true, false}};
    g_autoptr(GKeyFile) file = open_vectors("rfc7714");

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *group = cases[i].group;
        uint8_t plain[100], wanted[100], iv[16], wanted_iv[12], library[100], aad[100];
        ref_session s = {0};
        s.key_len = vector(file, group, "key", s.key, sizeof s.key);
        vector(file, group, "salt", s.salt, sizeof s.salt);
        vector(file, group, "iv", wanted_iv, sizeof wanted_iv);
        size_t len = vector(file, group, "plain", plain, 64),
               wanted_len = vector(file, group, "protected", wanted, 100);
        size_t clear = !cases[i].encrypted ? len : cases[i].rtcp ? 8 : 12, aad_len = clear;

        memcpy(aad, plain, clear);
        memcpy(library, plain, len);
        if (cases[i].rtcp) {
            ref_gcm_iv_rtcp(&s, plain, 0x5d4, iv);
            memcpy(aad + clear, wanted + wanted_len - 4, 4);
            aad_len += 4;
        } else {
            ref_gcm_iv_rtp(&s, plain, 0, iv);
        }
        assert_memory_equal(iv, wanted_iv, 12);
        library_gcm(&s, wanted_iv, aad, aad_len, library + clear, len - clear);
        assert_memory_equal(library, wanted, len + 16);

        size_t got = cases[i].rtcp ? ref_protect_rtcp(true, cases[i].encrypted, &s, 0x5d4, plain, len)
                                   : ref_protect_rtp(true, &s, 0, clear, plain, len);
        assert_int_equal(got, wanted_len);
        assert_memory_equal(plain, wanted, wanted_len);
    }
}

/* ---- a pair of contexts ---- */

typedef struct pair {
    hp_srtp_keys keys;
    hp_srtp *out, *in;
} pair;

static hp_srtp_keys keys_of(hp_srtp_profile profile, const char *name)
{
    hp_rng rng;
    hp_srtp_keys keys;
    hp_rng_init(&rng, 1, name);
    hp_srtp_keys_draw(profile, &rng, &keys);
    return keys;
}

static pair make_pair(hp_srtp_profile profile, const hp_srtp_config *receiver)
{
    hp_srtp_config config = receiver != NULL ? *receiver : (hp_srtp_config){0};
    pair p = {.keys = keys_of(profile, "keys")};

    config.direction = HP_SRTP_INBOUND;
    p.in = hp_srtp_new(&config, &p.keys, NULL);
    config.direction = HP_SRTP_OUTBOUND;
    config.listed_only = false;
    p.out = hp_srtp_new(&config, &p.keys, NULL);
    assert_non_null(p.in);
    assert_non_null(p.out);
    return p;
}

static void free_pair(pair *p)
{
    hp_srtp_free(p->in);
    hp_srtp_free(p->out);
}

typedef struct packet {
    _Alignas(4) uint8_t data[CAP];
    size_t len;
} packet;

static packet make_rtp(uint32_t ssrc, uint16_t sequence)
{
    packet p;
    uint8_t payload[PAYLOAD];
    hp_rtp_header h = {.pt = 111, .sequence = sequence, .timestamp = sequence * 960U, .ssrc = ssrc};

    for (size_t i = 0; i < PAYLOAD; i++) {
        payload[i] = (uint8_t)(i + sequence);
    }
    memset(&p, 0, sizeof p);
    p.len = hp_rtp_write(p.data, CAP, &h, payload, PAYLOAD);
    return p;
}

static packet make_rtcp(uint32_t ssrc)
{
    packet p;
    hp_rtcp_writer w;
    hp_rtcp_sender_info info = {.ssrc = ssrc, .ntp = UINT64_C(0x1122334455667788), .packets = 7};

    memset(&p, 0, sizeof p);
    hp_rtcp_begin(&w, p.data, CAP);
    hp_rtcp_add_sr(&w, &info, NULL, 0);
    hp_rtcp_add_cname(&w, ssrc, "someone");
    p.len = hp_rtcp_finish(&w);
    return p;
}

static packet sent(pair *p, uint32_t ssrc, uint16_t sequence)
{
    packet q = make_rtp(ssrc, sequence);
    assert_int_equal(hp_srtp_protect(p->out, q.data, &q.len, CAP), HP_SRTP_OK);
    return q;
}

static hp_srtp_result received(hp_srtp *in, const packet *p)
{
    packet copy = *p;
    return hp_srtp_unprotect(in, copy.data, &copy.len);
}

/* ---- bytes ---- */

/* CSRCs, an extension, padding, an empty payload: each changes what is clear and what is not. */
static packet odd_rtp(unsigned which)
{
    static const uint32_t csrc[] = {1, 2, 3};
    static const uint8_t ext[8] = {0x10, 0xaa, 0x21, 0xbb, 0xcc};
    hp_rtp_header h = {.pt = 96, .marker = true, .sequence = (uint16_t)(100 + which), .timestamp = 90000, .ssrc = SSRC};
    packet p;

    if (which & 1) {
        h.n_csrc = 3;
        h.csrc = csrc;
    }
    if (which & 2) {
        h.has_extension = true;
        h.ext_profile = HP_RTP_EXT_ONE_BYTE;
        h.ext = ext;
        h.ext_len = sizeof ext;
    }
    h.padding = which & 4 ? 9 : 0;
    memset(&p, 0, sizeof p);
    p.len = hp_rtp_write(p.data, CAP, &h, "Gallia est omnis divisa in partes tres", which & 8 ? 0 : 38);
    return p;
}

static void rtp_is_protected_byte_for_byte(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        for (uint32_t roc = 0; roc < 4; roc += 3) {
            pair p = make_pair(profiles[i], NULL);
            ref_session s = ref_derive_session(&p.keys, false);
            assert_true(hp_srtp_set_roc(p.out, SSRC, roc, NULL));
            assert_true(hp_srtp_set_roc(p.in, SSRC, roc, NULL));
            for (unsigned which = 0; which < 16; which++) {
                packet plain = odd_rtp(which), wanted = plain, got = plain;
                hp_rtp_packet view;
                assert_true(hp_rtp_parse(plain.data, plain.len, &view));
                wanted.len = ref_protect_rtp(i > 0, &s, roc, view.header_len, wanted.data, wanted.len);
                assert_int_equal(hp_srtp_protect(p.out, got.data, &got.len, CAP), HP_SRTP_OK);
                assert_int_equal(got.len, wanted.len);
                assert_int_equal(got.len, plain.len + hp_srtp_overhead(profiles[i], false));
                assert_memory_equal(got.data, wanted.data, got.len);
                assert_int_equal(hp_srtp_unprotect(p.in, got.data, &got.len), HP_SRTP_OK);
                assert_int_equal(got.len, plain.len);
                assert_memory_equal(got.data, plain.data, plain.len);
            }
            free_pair(&p);
        }
    }
}

/* libsrtp's first SRTCP index is 1, where RFC 3711 section 3.4 has 0. */
static void rtcp_is_protected_byte_for_byte(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        ref_session s = ref_derive_session(&p.keys, true);
        for (uint32_t index = 1; index < 5; index++) {
            packet plain = make_rtcp(SSRC), wanted = plain, got = plain;
            wanted.len = ref_protect_rtcp(i > 0, true, &s, index, wanted.data, wanted.len);
            assert_int_equal(hp_srtp_protect_rtcp(p.out, got.data, &got.len, CAP), HP_SRTP_OK);
            assert_int_equal(got.len, wanted.len);
            assert_int_equal(got.len, plain.len + hp_srtp_overhead(profiles[i], true));
            assert_memory_equal(got.data, wanted.data, got.len);
            assert_int_equal(hp_srtp_unprotect_rtcp(p.in, got.data, &got.len), HP_SRTP_OK);
            assert_int_equal(got.len, plain.len);
            assert_memory_equal(got.data, plain.data, plain.len);
        }
        free_pair(&p);
    }
}

static void any_alignment_gives_the_same_bytes(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        for (size_t shift = 1; shift < 4; shift++) {
            pair p = make_pair(profiles[i], NULL), q = make_pair(profiles[i], NULL);
            packet wanted = sent(&p, SSRC, 9), plain = make_rtp(SSRC, 9);
            packet moved = {.len = plain.len};
            memcpy(moved.data + shift, plain.data, plain.len);
            assert_int_equal(hp_srtp_protect(q.out, moved.data + shift, &moved.len, CAP - shift), HP_SRTP_OK);
            assert_int_equal(moved.len, wanted.len);
            assert_memory_equal(moved.data + shift, wanted.data, wanted.len);
            assert_int_equal(hp_srtp_unprotect(q.in, moved.data + shift, &moved.len), HP_SRTP_OK);
            assert_memory_equal(moved.data + shift, plain.data, plain.len);
            free_pair(&p);
            free_pair(&q);
        }
    }
}

/* ---- what is refused ---- */

static void no_changed_packet_is_accepted(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        packet genuine = sent(&p, SSRC, 1000);
        uint64_t n = 0;
        for (size_t at = 0; at < genuine.len; at++) {
            for (unsigned bit = 0; bit < 8; bit++, n++) {
                packet forged = genuine;
                forged.data[at] ^= (uint8_t)(1U << bit);
                hp_srtp_result result = hp_srtp_unprotect(p.in, forged.data, &forged.len);
                /* A version, CSRC count or extension that does not fit shows before the tag. */
                assert_true(result == HP_SRTP_AUTH_FAILED || (at == 0 && result == HP_SRTP_MALFORMED));
                assert_int_equal(forged.len, genuine.len);
            }
        }
        uint32_t roc;
        assert_false(hp_srtp_get_roc(p.in, SSRC, &roc)); /* nothing was remembered of them */
        assert_int_equal(received(p.in, &genuine), HP_SRTP_OK);
        assert_true(hp_srtp_get_roc(p.in, SSRC, &roc));
        const hp_srtp_counters *c = hp_srtp_get_counters(p.in);
        assert_true(c->rtp[HP_SRTP_AUTH_FAILED] + c->rtp[HP_SRTP_MALFORMED] == n);
        assert_true(c->rtp[HP_SRTP_OK] == 1 && c->rtcp[HP_SRTP_OK] == 0);
        free_pair(&p);
    }
}

static void no_changed_report_is_accepted(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        packet genuine = make_rtcp(SSRC);
        assert_int_equal(hp_srtp_protect_rtcp(p.out, genuine.data, &genuine.len, CAP), HP_SRTP_OK);
        for (size_t at = 0; at < genuine.len; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                packet forged = genuine;
                forged.data[at] ^= (uint8_t)(1U << bit);
                hp_srtp_result result = hp_srtp_unprotect_rtcp(p.in, forged.data, &forged.len);
                assert_true(result == HP_SRTP_AUTH_FAILED || (at == 0 && result == HP_SRTP_MALFORMED));
            }
        }
        assert_int_equal(hp_srtp_unprotect_rtcp(p.in, genuine.data, &genuine.len), HP_SRTP_OK);
        free_pair(&p);
    }
}

static void no_truncated_packet_is_accepted(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        packet rtp = sent(&p, SSRC, 1000), rtcp = make_rtcp(SSRC);
        assert_int_equal(hp_srtp_protect_rtcp(p.out, rtcp.data, &rtcp.len, CAP), HP_SRTP_OK);
        for (size_t len = 0; len < rtp.len; len++) {
            g_autofree uint8_t *exact = g_memdup2(rtp.data, len);
            size_t n = len;
            bool whole = len >= HP_RTP_HEADER + hp_srtp_overhead(profiles[i], false);
            assert_int_equal(hp_srtp_unprotect(p.in, exact, &n), whole ? HP_SRTP_AUTH_FAILED : HP_SRTP_MALFORMED);
        }
        for (size_t len = 0; len < rtcp.len; len++) {
            g_autofree uint8_t *exact = g_memdup2(rtcp.data, len);
            size_t n = len;
            hp_srtp_result result = hp_srtp_unprotect_rtcp(p.in, exact, &n);
            bool whole = len >= 8 + hp_srtp_overhead(profiles[i], true);
            assert_int_equal(result, whole ? HP_SRTP_AUTH_FAILED : HP_SRTP_MALFORMED);
        }
        free_pair(&p);
    }
}

static void other_keys_do_not_fit(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        hp_srtp_keys keys = p.keys;
        keys.salt[11] ^= 1;
        g_autoptr(hp_srtp) in = hp_srtp_new(&(hp_srtp_config){.direction = HP_SRTP_INBOUND}, &keys, NULL);
        packet q = sent(&p, SSRC, 5);
        assert_int_equal(received(in, &q), HP_SRTP_AUTH_FAILED);
        free_pair(&p);
    }
}

static void nonsense_cannot_be_protected(void **state)
{
    pair p = make_pair(HP_SRTP_AEAD_AES_128_GCM, NULL);
    packet q = make_rtp(SSRC, 1);
    size_t len = q.len;

    assert_int_equal(hp_srtp_protect(p.out, q.data, &len, len + 15), HP_SRTP_NO_ROOM);
    assert_int_equal(len, q.len);
    len = 11;
    assert_int_equal(hp_srtp_protect(p.out, q.data, &len, CAP), HP_SRTP_MALFORMED);
    len = q.len;
    q.data[0] = 0x40;
    assert_int_equal(hp_srtp_protect(p.out, q.data, &len, CAP), HP_SRTP_MALFORMED);
    q = make_rtcp(SSRC);
    len = q.len - 4;
    assert_int_equal(hp_srtp_protect_rtcp(p.out, q.data, &len, CAP), HP_SRTP_MALFORMED);
    len = q.len;
    assert_int_equal(hp_srtp_protect_rtcp(p.out, q.data, &len, len + 19), HP_SRTP_NO_ROOM);
    static const uint8_t empty_bye[4] = {0x80, HP_RTCP_BYE}; /* no SSRC to protect it under */
    memcpy(q.data, empty_bye, 4);
    len = 4;
    assert_int_equal(hp_srtp_protect_rtcp(p.out, q.data, &len, CAP), HP_SRTP_MALFORMED);
    assert_true(hp_srtp_get_counters(p.out)->rtp[HP_SRTP_NO_ROOM] == 1);
    assert_true(hp_srtp_get_counters(p.out)->rtcp[HP_SRTP_MALFORMED] == 2);
    free_pair(&p);
}

/* SRTCP in the clear is all additional data to GCM; libsrtp's buffer for that must not spill into the next packet. */
static void long_clear_reports_spoil_nothing(void **state)
{
    pair p = make_pair(HP_SRTP_AEAD_AES_128_GCM, NULL);

    for (size_t len = 2040; len < 2100; len++) {
        packet forged = {.len = len};
        forged.data[0] = 0x80;
        forged.data[1] = HP_RTCP_RR;
        forged.data[len - 1] = 9; /* E bit clear, index 9 */
        hp_srtp_result result = hp_srtp_unprotect_rtcp(p.in, forged.data, &forged.len);
        assert_int_equal(result, len <= 2048 + 16 ? HP_SRTP_AUTH_FAILED : HP_SRTP_MALFORMED);
        packet genuine = make_rtcp(SSRC);
        assert_int_equal(hp_srtp_protect_rtcp(p.out, genuine.data, &genuine.len, CAP), HP_SRTP_OK);
        assert_int_equal(hp_srtp_unprotect_rtcp(p.in, genuine.data, &genuine.len), HP_SRTP_OK);
    }
    /* And an RTP header of more than that. */
    hp_rtp_header h = {.ssrc = SSRC, .has_extension = true, .ext_profile = 1};
    uint8_t ext[2040] = {0};
    packet q = {0};
    h.ext = ext;
    h.ext_len = 2036; /* and 16 of header: 2052 */
    q.len = hp_rtp_write(q.data, CAP, &h, "x", 1);
    assert_int_equal(hp_srtp_protect(p.out, q.data, &q.len, CAP), HP_SRTP_MALFORMED);
    h.ext_len = 2032;
    q.len = hp_rtp_write(q.data, CAP, &h, "x", 1);
    assert_int_equal(hp_srtp_protect(p.out, q.data, &q.len, CAP), HP_SRTP_OK);
    assert_int_equal(hp_srtp_unprotect(p.in, q.data, &q.len), HP_SRTP_OK);
    free_pair(&p);
}

static void clear_reports_need_their_tag(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        ref_session s = ref_derive_session(&p.keys, true);
        packet q = make_rtcp(SSRC), plain = q;
        q.len = ref_protect_rtcp(i > 0, false, &s, 3, q.data, q.len);
        /* RFC 7714 section 9.3 has them under GCM; libsrtp takes none under AES-CM. */
        assert_int_equal(hp_srtp_unprotect_rtcp(p.in, q.data, &q.len), i > 0 ? HP_SRTP_OK : HP_SRTP_AUTH_FAILED);
        if (i > 0) {
            assert_int_equal(q.len, plain.len);
            assert_memory_equal(q.data, plain.data, plain.len);
        }
        free_pair(&p);
    }
}

/* ---- replay ---- */

static void nothing_passes_twice(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        packet a = sent(&p, SSRC, 10), b = sent(&p, SSRC, 11), report = make_rtcp(SSRC);
        assert_int_equal(received(p.in, &b), HP_SRTP_OK);
        assert_int_equal(received(p.in, &a), HP_SRTP_OK); /* late is no replay */
        assert_int_equal(received(p.in, &a), HP_SRTP_REPLAY);
        assert_int_equal(received(p.in, &b), HP_SRTP_REPLAY);
        assert_int_equal(hp_srtp_protect_rtcp(p.out, report.data, &report.len, CAP), HP_SRTP_OK);
        packet copy = report;
        assert_int_equal(hp_srtp_unprotect_rtcp(p.in, copy.data, &copy.len), HP_SRTP_OK);
        assert_int_equal(hp_srtp_unprotect_rtcp(p.in, report.data, &report.len), HP_SRTP_REPLAY);
        assert_true(hp_srtp_get_counters(p.in)->rtp[HP_SRTP_REPLAY] == 2);
        assert_true(hp_srtp_get_counters(p.in)->rtcp[HP_SRTP_REPLAY] == 1);
        free_pair(&p);
    }
}

static void the_window_has_its_size(void **state)
{
    static const struct {
        unsigned window, holds;
    } cases[] = {{64, 64}, {0, 128}, {100, 128}, {128, 128}, {1024, 1024}, {32736, 32736}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_srtp_config config = {.window = cases[i].window};
        pair p = make_pair(HP_SRTP_AEAD_AES_128_GCM, &config);
        uint16_t newest = 40000, oldest = (uint16_t)(newest - cases[i].holds + 1);
        packet behind = sent(&p, SSRC, (uint16_t)(oldest - 1)), edge = sent(&p, SSRC, oldest);
        packet head = sent(&p, SSRC, newest);
        assert_int_equal(received(p.in, &head), HP_SRTP_OK);
        assert_int_equal(received(p.in, &behind), HP_SRTP_TOO_OLD);
        assert_int_equal(received(p.in, &edge), HP_SRTP_OK);
        assert_int_equal(received(p.in, &edge), HP_SRTP_REPLAY);
        free_pair(&p);
    }
}

static void a_sender_repeats_only_when_told(void **state)
{
    hp_srtp_config repeat = {.allow_repeat = true};
    pair p = make_pair(HP_SRTP_AEAD_AES_128_GCM, NULL), q = make_pair(HP_SRTP_AEAD_AES_128_GCM, &repeat);
    packet again = make_rtp(SSRC, 10), first = sent(&p, SSRC, 10);

    assert_int_equal(hp_srtp_protect(p.out, again.data, &again.len, CAP), HP_SRTP_REPLAY);
    first = sent(&q, SSRC, 10);
    again = sent(&q, SSRC, 10);
    assert_memory_equal(first.data, again.data, first.len);
    assert_int_equal(received(q.in, &first), HP_SRTP_OK);
    assert_int_equal(received(q.in, &again), HP_SRTP_REPLAY); /* the receiver's window does not care */
    free_pair(&p);
    free_pair(&q);
}

/* ---- rollover counters ---- */

/* 20,000 packets across a wrap, one in ten lost, the others up to 30 places out of order: all that arrive are accepted,
 * and what they decrypt to is what was sent. */
static void rollover_survives_loss_and_reordering(void **state)
{
    enum { COUNT = 20000, START = 60000, SPREAD = 30 };
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        ref_session s = ref_derive_session(&p.keys, false);
        hp_rng rng;
        packet held[SPREAD];
        unsigned n_held = 0;
        uint64_t accepted = 0, arrived = 0;
        hp_rng_init(&rng, 7, "network");
        for (unsigned n = 0; n < COUNT || n_held > 0; n++) {
            if (n < COUNT) {
                packet q = sent(&p, SSRC, (uint16_t)(START + n));
                if (n == 5536 + 100) { /* the sender's counter, against the second implementation */
                    packet wanted = make_rtp(SSRC, (uint16_t)(START + n));
                    ref_protect_rtp(i > 0, &s, 1, HP_RTP_HEADER, wanted.data, wanted.len);
                    assert_memory_equal(q.data, wanted.data, q.len);
                }
                /* The very first ones stay in order: a stream that begins late has nothing to be late against. */
                if (n > SPREAD && hp_rng_chance(&rng, HP_PPB / 10)) {
                    continue;
                }
                held[n_held++] = q;
            }
            if (n_held == SPREAD || n >= COUNT || n <= SPREAD) {
                unsigned pick = n <= SPREAD ? 0 : (unsigned)hp_rng_below(&rng, n_held);
                packet q = held[pick];
                held[pick] = held[--n_held];
                uint16_t sequence = (uint16_t)(q.data[2] << 8 | q.data[3]);
                packet plain = make_rtp(SSRC, sequence);
                arrived++;
                hp_srtp_result result = hp_srtp_unprotect(p.in, q.data, &q.len);
                if (result == HP_SRTP_TOO_OLD) {
                    continue; /* held for more than 128 places; counted below */
                }
                assert_int_equal(result, HP_SRTP_OK);
                assert_memory_equal(q.data, plain.data, plain.len);
                accepted++;
            }
        }
        uint32_t roc;
        assert_true(hp_srtp_get_roc(p.in, SSRC, &roc));
        assert_int_equal(roc, 1);
        const hp_srtp_counters *c = hp_srtp_get_counters(p.in);
        assert_true(c->rtp[HP_SRTP_OK] == accepted && c->rtp[HP_SRTP_TOO_OLD] == arrived - accepted);
        assert_true(c->rtp[HP_SRTP_AUTH_FAILED] == 0 && accepted > 17000);
        free_pair(&p);
    }
}

/* Several wraps, in steps as large as a receiver can follow. */
static void rollover_survives_long_gaps(void **state)
{
    pair p = make_pair(HP_SRTP_AES128_CM_HMAC_SHA1_80, NULL);
    uint32_t roc = 0;

    for (uint32_t index = 0; index < 20 * 65536; index += 32767) {
        packet q = sent(&p, SSRC, (uint16_t)index);
        assert_int_equal(received(p.in, &q), HP_SRTP_OK);
        assert_true(hp_srtp_get_roc(p.in, SSRC, &roc));
        assert_int_equal(roc, index >> 16);
    }
    assert_int_equal(roc, 19);
    free_pair(&p);
}

/* Half the circle ahead reads as half the circle behind (RFC 3711 section 3.3.1). */
static void too_long_a_gap_is_the_past(void **state)
{
    pair p = make_pair(HP_SRTP_AEAD_AES_128_GCM, NULL);
    packet q = sent(&p, SSRC, 40000);

    assert_int_equal(received(p.in, &q), HP_SRTP_OK);
    q = make_rtp(SSRC, (uint16_t)(40000 + 32769));
    assert_int_equal(hp_srtp_protect(p.out, q.data, &q.len, CAP), HP_SRTP_TOO_OLD);
    /* A sender that got there in smaller steps is lost on a receiver that saw none of them. */
    sent(&p, SSRC, (uint16_t)(40000 + 20000));
    q = sent(&p, SSRC, (uint16_t)(40000 + 32769));
    assert_int_equal(received(p.in, &q), HP_SRTP_TOO_OLD);
    free_pair(&p);
}

static void a_missed_beginning_before_a_wrap_loses_the_stream(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        packet early = {0}, q = {0};
        uint32_t roc;
        for (unsigned n = 0; n < 200; n++) {
            q = sent(&p, SSRC, (uint16_t)(65530 + n));
            if (n == 3) {
                early = q;
            }
            if (n >= 10) { /* the first ten are lost; the sender is past its wrap */
                assert_int_equal(received(p.in, &q), HP_SRTP_AUTH_FAILED);
            }
        }
        assert_true(hp_srtp_get_counters(p.in)->rtp[HP_SRTP_AUTH_FAILED] == 190);
        assert_true(hp_srtp_get_roc(p.out, SSRC, &roc));
        assert_int_equal(roc, 1);
        assert_false(hp_srtp_get_roc(p.in, SSRC, &roc));

        /* One late packet from before the wrap brings it back. */
        assert_int_equal(received(p.in, &early), HP_SRTP_OK);
        assert_int_equal(received(p.in, &q), HP_SRTP_OK);
        assert_true(hp_srtp_get_roc(p.in, SSRC, &roc));
        assert_int_equal(roc, 1);
        free_pair(&p);
    }
}

static void a_told_counter_saves_the_stream(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        g_autoptr(GError) error = NULL;
        uint32_t roc;
        assert_true(hp_srtp_set_roc(p.in, SSRC, 1, NULL));
        assert_false(hp_srtp_get_roc(p.in, SSRC, &roc)); /* no packet yet */
        for (unsigned n = 0; n < 200; n++) {
            packet q = sent(&p, SSRC, (uint16_t)(65530 + n));
            if (n >= 10) {
                assert_int_equal(received(p.in, &q), HP_SRTP_OK);
            }
        }
        assert_true(hp_srtp_get_roc(p.in, SSRC, &roc));
        assert_int_equal(roc, 1);
        /* It was for the first packet only: the next wrap is followed. */
        for (unsigned n = 200; n < 70000; n += 100) {
            packet q = sent(&p, SSRC, (uint16_t)(65530 + n));
            assert_int_equal(received(p.in, &q), HP_SRTP_OK);
        }
        assert_true(hp_srtp_get_roc(p.in, SSRC, &roc));
        assert_int_equal(roc, 2);
        assert_false(hp_srtp_set_roc(p.in, SSRC, 5, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
        free_pair(&p);
    }
}

static void a_few_missed_packets_before_a_wrap_do_no_harm(void **state)
{
    pair p = make_pair(HP_SRTP_AEAD_AES_256_GCM, NULL);

    for (unsigned n = 0; n < 100; n++) {
        packet q = sent(&p, SSRC, (uint16_t)(65530 + n));
        if (n >= 5) { /* 65535 is the first that arrives */
            assert_int_equal(received(p.in, &q), HP_SRTP_OK);
        }
    }
    free_pair(&p);
}

static void streams_count_for_themselves(void **state)
{
    pair p = make_pair(HP_SRTP_AEAD_AES_128_GCM, NULL);
    uint32_t roc;

    for (unsigned n = 0; n < 10; n++) {
        packet a = sent(&p, 1, (uint16_t)(65530 + n)), b = sent(&p, 2, (uint16_t)(65520 + n));
        assert_int_equal(received(p.in, &a), HP_SRTP_OK);
        assert_int_equal(received(p.in, &b), HP_SRTP_OK);
    }
    assert_true(hp_srtp_get_roc(p.in, 1, &roc) && roc == 1);
    assert_true(hp_srtp_get_roc(p.in, 2, &roc) && roc == 0);
    free_pair(&p);
}

/* ---- new keys ---- */

static void rekeying_goes_on_counting(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        pair p = make_pair(profiles[i], NULL);
        hp_srtp_keys next = keys_of(profiles[(i + 1) % 3], "next");
        packet old = {0};
        uint32_t roc;
        assert_true(hp_srtp_set_roc(p.in, 77, 5, NULL));
        assert_true(hp_srtp_set_roc(p.out, 77, 5, NULL));
        for (unsigned n = 0; n < 20; n++) {
            old = sent(&p, SSRC, (uint16_t)(65530 + n));
            if (n < 19) {
                assert_int_equal(received(p.in, &old), HP_SRTP_OK);
            }
        }
        packet report = make_rtcp(SSRC);
        assert_int_equal(hp_srtp_protect_rtcp(p.out, report.data, &report.len, CAP), HP_SRTP_OK);
        assert_int_equal(hp_srtp_unprotect_rtcp(p.in, report.data, &report.len), HP_SRTP_OK);

        assert_true(hp_srtp_rekey(p.out, &next, NULL));
        assert_true(hp_srtp_rekey(p.in, &next, NULL));
        assert_int_equal(hp_srtp_get_profile(p.in), next.profile);
        assert_int_equal(received(p.in, &old), HP_SRTP_AUTH_FAILED);

        bool aead = next.profile != HP_SRTP_AES128_CM_HMAC_SHA1_80;
        ref_session s = ref_derive_session(&next, false), c = ref_derive_session(&next, true);
        packet q = sent(&p, SSRC, 14), wanted = make_rtp(SSRC, 14);
        ref_protect_rtp(aead, &s, 1, HP_RTP_HEADER, wanted.data, wanted.len);
        assert_memory_equal(q.data, wanted.data, q.len);
        assert_int_equal(received(p.in, &q), HP_SRTP_OK);
        assert_int_equal(received(p.in, &q), HP_SRTP_REPLAY);
        report = make_rtcp(SSRC);
        wanted = report;
        assert_int_equal(hp_srtp_protect_rtcp(p.out, report.data, &report.len, CAP), HP_SRTP_OK);
        ref_protect_rtcp(aead, true, &c, 2, wanted.data, wanted.len);
        assert_memory_equal(report.data, wanted.data, report.len);
        assert_int_equal(hp_srtp_unprotect_rtcp(p.in, report.data, &report.len), HP_SRTP_OK);

        /* A stream that was told its counter and has not begun still knows it. */
        q = sent(&p, 77, 3);
        wanted = make_rtp(77, 3);
        ref_protect_rtp(aead, &s, 5, HP_RTP_HEADER, wanted.data, wanted.len);
        assert_memory_equal(q.data, wanted.data, q.len);
        assert_int_equal(received(p.in, &q), HP_SRTP_OK);
        assert_true(hp_srtp_get_roc(p.in, 77, &roc) && roc == 5);
        /* And keeps it through another change once it has. */
        assert_true(hp_srtp_rekey(p.out, &p.keys, NULL) && hp_srtp_rekey(p.in, &p.keys, NULL));
        q = sent(&p, 77, 4);
        assert_int_equal(received(p.in, &q), HP_SRTP_OK);
        assert_true(hp_srtp_get_roc(p.in, 77, &roc) && roc == 5);
        free_pair(&p);
    }
}

/* ---- who may speak ---- */

static void unlisted_sources_are_refused(void **state)
{
    hp_srtp_config config = {.listed_only = true};
    pair p = make_pair(HP_SRTP_AEAD_AES_128_GCM, &config);
    packet q = sent(&p, SSRC, 1), report = make_rtcp(SSRC);

    assert_int_equal(received(p.in, &q), HP_SRTP_UNKNOWN_SSRC);
    assert_int_equal(hp_srtp_protect_rtcp(p.out, report.data, &report.len, CAP), HP_SRTP_OK);
    packet copy = report;
    assert_int_equal(hp_srtp_unprotect_rtcp(p.in, copy.data, &copy.len), HP_SRTP_UNKNOWN_SSRC);
    hp_srtp_allow(p.in, SSRC);
    assert_int_equal(received(p.in, &q), HP_SRTP_OK);
    assert_int_equal(hp_srtp_unprotect_rtcp(p.in, report.data, &report.len), HP_SRTP_OK);
    q = sent(&p, SSRC + 1, 1);
    assert_int_equal(received(p.in, &q), HP_SRTP_UNKNOWN_SSRC);
    assert_true(hp_srtp_get_counters(p.in)->rtp[HP_SRTP_UNKNOWN_SSRC] == 2);
    free_pair(&p);
}

static void bad_configurations_are_errors(void **state)
{
    hp_srtp_keys keys = keys_of(HP_SRTP_AEAD_AES_128_GCM, "keys"), unknown = keys;
    static const unsigned windows[] = {1, 63, 32737, UINT32_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(windows); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(hp_srtp_new(&(hp_srtp_config){.window = windows[i]}, &keys, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    }
    g_autoptr(GError) error = NULL;
    unknown.profile = (hp_srtp_profile)2;
    assert_null(hp_srtp_new(&(hp_srtp_config){0}, &unknown, &error));
    assert_string_equal(error->message, "SRTP protection profile 0x0002 is not known");
}

/* ---- keys ---- */

static void exporter_block_is_split(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        size_t key = hp_srtp_key_length(profiles[i]), salt = hp_srtp_salt_length(profiles[i]);
        uint8_t block[92];
        hp_srtp_keys client, server;
        g_autoptr(GError) error = NULL;
        for (uint8_t n = 0; n < sizeof block; n++) {
            block[n] = n;
        }
        assert_true(hp_srtp_keys_from_exporter(profiles[i], block, 2 * (key + salt), &client, &server, NULL));
        assert_int_equal(client.profile, profiles[i]);
        assert_memory_equal(client.key, block, key);
        assert_memory_equal(server.key, block + key, key);
        assert_memory_equal(client.salt, block + 2 * key, salt);
        assert_memory_equal(server.salt, block + 2 * key + salt, salt);
        assert_false(hp_srtp_keys_from_exporter(profiles[i], block, 2 * (key + salt) - 1, &client, &server, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    }
    hp_srtp_keys a, b;
    assert_false(hp_srtp_keys_from_exporter(5, NULL, 0, &a, &b, NULL));
}

static void security_descriptions_there_and_back(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        hp_srtp_keys keys = keys_of(profiles[i], "sdes"), back;
        g_autofree char *text = hp_srtp_keys_to_sdes(&keys);
        const char *suite = hp_srtp_sdes_suite(profiles[i]);
        assert_true(g_str_has_prefix(text, "inline:"));
        assert_true(hp_srtp_keys_from_sdes(suite, text, &back, NULL));
        assert_memory_equal(&back, &keys, sizeof keys);
        assert_true(hp_srtp_keys_from_sdes(suite, text + 7, &back, NULL));
        g_autofree char *lifetime = g_strconcat(text, "|2^20", NULL);
        assert_true(hp_srtp_keys_from_sdes(suite, lifetime, &back, NULL));
        assert_memory_equal(&back, &keys, sizeof keys);
    }
    /* The example of RFC 4568 section 9.1. */
    hp_srtp_keys keys;
    assert_true(hp_srtp_keys_from_sdes("AES_CM_128_HMAC_SHA1_80",
                                       "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20", &keys, NULL));
    assert_memory_equal(keys.key, "wDfvg&T+)xG7@fb5", 16);
    assert_memory_equal(keys.salt, "jU,RaA}\\|p0%*#", 14);
}

static void bad_security_descriptions_are_errors(void **state)
{
    static const char good[] = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    static const struct {
        const char *suite, *parameter, *message;
    } cases[] = {
        {"F8_128_HMAC_SHA1_80", good, "crypto-suite \"F8_128_HMAC_SHA1_80\" is not known"},
        {"AES_CM_128_HMAC_SHA1_80", "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4",
         "a master key identifier (MKI) is not supported"},
        {"AES_CM_128_HMAC_SHA1_80", "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSo j", "the key parameter is not base64"},
        {"AES_CM_128_HMAC_SHA1_80", "inline:inline", "the key parameter is not base64"},
        {"AES_CM_128_HMAC_SHA1_80", "", "the key parameter is not base64"},
        {"AES_CM_128_HMAC_SHA1_80", "inline:|2^20", "AES_CM_128_HMAC_SHA1_80 takes a key and salt of 30 bytes, not 0"},
        {"AEAD_AES_256_GCM", good, "AEAD_AES_256_GCM takes a key and salt of 44 bytes, not 30"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        hp_srtp_keys keys = {.key = {42}};
        assert_false(hp_srtp_keys_from_sdes(cases[i].suite, cases[i].parameter, &keys, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
        assert_string_equal(error->message, cases[i].message);
        assert_int_equal(keys.key[0], 42);
    }
}

static void profiles_are_described(void **state)
{
    assert_string_equal(hp_srtp_profile_name(HP_SRTP_AES128_CM_HMAC_SHA1_80), "SRTP_AES128_CM_HMAC_SHA1_80");
    assert_int_equal(hp_srtp_overhead(HP_SRTP_AES128_CM_HMAC_SHA1_80, false), 10);
    assert_int_equal(hp_srtp_overhead(HP_SRTP_AES128_CM_HMAC_SHA1_80, true), 14);
    assert_int_equal(hp_srtp_overhead(HP_SRTP_AEAD_AES_256_GCM, false), 16);
    assert_int_equal(hp_srtp_overhead(HP_SRTP_AEAD_AES_256_GCM, true), HP_SRTP_MAX_OVERHEAD);
    assert_true(hp_srtp_profile_known(7));
    assert_false(hp_srtp_profile_known(2)); /* SRTP_AES128_CM_HMAC_SHA1_32 */
    assert_string_equal(hp_srtp_result_name(HP_SRTP_TOO_OLD), "too-old");
    assert_string_equal(hp_srtp_result_name(HP_SRTP_FAILED), "failed");
}

/* libsrtp set up in the parent serves a child too, with the same bytes. */
static void a_child_may_use_what_its_parent_started(void **state)
{
    pair p = make_pair(HP_SRTP_AES128_CM_HMAC_SHA1_80, NULL);
    packet wanted = sent(&p, SSRC, 1);
    pid_t child = fork();

    if (child == 0) {
        g_autoptr(hp_srtp) out = hp_srtp_new(&(hp_srtp_config){0}, &p.keys, NULL);
        packet q = make_rtp(SSRC, 1);
        bool same = out != NULL && hp_srtp_protect(out, q.data, &q.len, CAP) == HP_SRTP_OK && q.len == wanted.len &&
                    memcmp(q.data, wanted.data, q.len) == 0;
        _exit(same ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keystream_of_rfc3711_b2),
        cmocka_unit_test(derivation_of_rfc3711_b3),
        cmocka_unit_test(packets_of_rfc7714),
        cmocka_unit_test(rtp_is_protected_byte_for_byte),
        cmocka_unit_test(rtcp_is_protected_byte_for_byte),
        cmocka_unit_test(any_alignment_gives_the_same_bytes),
        cmocka_unit_test(no_changed_packet_is_accepted),
        cmocka_unit_test(no_changed_report_is_accepted),
        cmocka_unit_test(no_truncated_packet_is_accepted),
        cmocka_unit_test(other_keys_do_not_fit),
        cmocka_unit_test(nonsense_cannot_be_protected),
        cmocka_unit_test(long_clear_reports_spoil_nothing),
        cmocka_unit_test(clear_reports_need_their_tag),
        cmocka_unit_test(nothing_passes_twice),
        cmocka_unit_test(the_window_has_its_size),
        cmocka_unit_test(a_sender_repeats_only_when_told),
        cmocka_unit_test(rollover_survives_loss_and_reordering),
        cmocka_unit_test(rollover_survives_long_gaps),
        cmocka_unit_test(too_long_a_gap_is_the_past),
        cmocka_unit_test(a_missed_beginning_before_a_wrap_loses_the_stream),
        cmocka_unit_test(a_told_counter_saves_the_stream),
        cmocka_unit_test(a_few_missed_packets_before_a_wrap_do_no_harm),
        cmocka_unit_test(streams_count_for_themselves),
        cmocka_unit_test(rekeying_goes_on_counting),
        cmocka_unit_test(unlisted_sources_are_refused),
        cmocka_unit_test(bad_configurations_are_errors),
        cmocka_unit_test(exporter_block_is_split),
        cmocka_unit_test(security_descriptions_there_and_back),
        cmocka_unit_test(bad_security_descriptions_are_errors),
        cmocka_unit_test(profiles_are_described),
        cmocka_unit_test(a_child_may_use_what_its_parent_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
