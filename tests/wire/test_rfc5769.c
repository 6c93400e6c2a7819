/* The vectors of RFC 5769: parse, authenticate, read addresses, write again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "hex.h"
#include "wire/stun.h"

#define PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"
#define USER "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"

static const uint8_t ice_id[12] = {0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

static GBytes *vector(const char *name, hp_stun_msg *ret)
{
    g_autofree char *path = g_strdup_printf("%s/fixtures/rfc5769/%s.hex", HAIRPIN_SOURCE_DIR, name);
    GBytes *bytes = hex_file(path);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    assert_true(hp_stun_parse(data, len, ret));
    assert_true(ret->has_cookie);
    return bytes;
}

static void assert_text(const hp_stun_msg *m, uint16_t type, const char *text)
{
    hp_stun_attr a;
    assert_true(hp_stun_find(m, type, &a));
    assert_int_equal(a.length, strlen(text));
    assert_memory_equal(a.value, text, a.length);
}

static void assert_protected(const hp_stun_msg *m, const hp_stun_key *key)
{
    hp_stun_key wrong = hp_stun_key_short("VOkJxbRl1RmTxUk/WvJxBT", 22);
    assert_int_equal(hp_stun_check_integrity(m, key, false), HP_STUN_GOOD);
    assert_int_equal(hp_stun_check_integrity(m, &wrong, false), HP_STUN_BAD);
    assert_int_equal(hp_stun_check_integrity(m, key, true), HP_STUN_ABSENT);
}

/* Any one flipped bit before an attribute that protects it is noticed. Bytes 2 and 3, the length, end the parse. */
static void assert_every_bit_counts(const hp_stun_msg *m, const hp_stun_key *key)
{
    g_autofree uint8_t *copy = g_memdup2(m->data, m->length);
    for (size_t i = 0; i < m->length; i++) {
        hp_stun_msg changed;
        copy[i] ^= 1;
        if (hp_stun_parse(copy, m->length, &changed)) {
            assert_int_not_equal(hp_stun_check_fingerprint(&changed), HP_STUN_GOOD);
            if (i < m->length - 8) {
                assert_int_not_equal(hp_stun_check_integrity(&changed, key, false), HP_STUN_GOOD);
            }
        }
        copy[i] ^= 1;
    }
}

/* The same attributes in the same order: equal but for padding and what covers it. */
static void assert_rewrites(const hp_stun_msg *m, const hp_stun_key *key, bool exact)
{
    uint8_t buf[HP_STUN_MAX];
    hp_stun_writer w;
    hp_stun_attr a;
    size_t cursor = 0;

    hp_stun_begin(&w, buf, sizeof buf, m->cls, m->method, m->id, NULL);
    while (hp_stun_next(m, &cursor, &a)) {
        hp_addr addr;
        if (a.type == HP_STUN_MESSAGE_INTEGRITY) {
            hp_stun_add_integrity(&w, key, false);
        } else if (a.type == HP_STUN_FINGERPRINT) {
            hp_stun_add_fingerprint(&w);
        } else if (a.type == HP_STUN_XOR_MAPPED_ADDRESS) {
            assert_true(hp_stun_attr_addr(m, &a, true, &addr));
            hp_stun_add_addr(&w, a.type, &addr, true);
        } else {
            hp_stun_add(&w, a.type, a.value, a.length);
        }
    }
    assert_int_equal(hp_stun_finish(&w), m->length);
    if (exact) {
        assert_memory_equal(buf, m->data, m->length);
        return;
    }
    assert_memory_equal(buf, m->data, HP_STUN_HEADER);
    hp_stun_msg again;
    assert_true(hp_stun_parse(buf, m->length, &again));
    assert_int_equal(hp_stun_check_integrity(&again, key, false), HP_STUN_GOOD);
    assert_int_equal(hp_stun_check_fingerprint(&again), HP_STUN_GOOD);
    cursor = 0;
    while (hp_stun_next(m, &cursor, &a)) {
        hp_stun_attr b;
        assert_true(hp_stun_find(&again, a.type, &b));
        assert_int_equal(a.length, b.length);
        assert_int_equal(a.value - m->data, b.value - buf);
        if (a.type != HP_STUN_MESSAGE_INTEGRITY && a.type != HP_STUN_FINGERPRINT) {
            assert_memory_equal(a.value, b.value, a.length);
        }
    }
}

static void test_request(void **state)
{
    hp_stun_msg m;
    g_autoptr(GBytes) bytes = vector("request", &m);
    hp_stun_key key = hp_stun_key_short(PASSWORD, strlen(PASSWORD));
    hp_stun_attr a;
    uint32_t priority = 0;
    uint64_t tie_breaker = 0;

    assert_int_equal(m.method, HP_STUN_BINDING);
    assert_int_equal(m.cls, HP_STUN_REQUEST);
    assert_memory_equal(m.id, ice_id, 12);
    assert_text(&m, HP_STUN_SOFTWARE, "STUN test client");
    assert_text(&m, HP_STUN_USERNAME, "evtj:h6vY");
    assert_true(hp_stun_find(&m, HP_STUN_PRIORITY, &a) && hp_stun_attr_u32(&a, &priority));
    assert_int_equal(priority, 0x6e0001ff);
    assert_true(hp_stun_find(&m, HP_STUN_ICE_CONTROLLED, &a) && hp_stun_attr_u64(&a, &tie_breaker));
    assert_true(tie_breaker == UINT64_C(0x932ff9b151263b36));
    assert_protected(&m, &key);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_GOOD);
    assert_every_bit_counts(&m, &key);
    assert_rewrites(&m, &key, false);
}

static void check_response(const char *name, const char *mapped)
{
    hp_stun_msg m;
    g_autoptr(GBytes) bytes = vector(name, &m);
    hp_stun_key key = hp_stun_key_short(PASSWORD, strlen(PASSWORD));
    hp_stun_attr a;
    hp_addr addr;
    char text[HP_ADDR_TEXT];

    assert_int_equal(m.method, HP_STUN_BINDING);
    assert_int_equal(m.cls, HP_STUN_SUCCESS);
    assert_memory_equal(m.id, ice_id, 12);
    assert_text(&m, HP_STUN_SOFTWARE, "test vector");
    assert_true(hp_stun_find(&m, HP_STUN_XOR_MAPPED_ADDRESS, &a));
    assert_true(hp_stun_attr_addr(&m, &a, true, &addr));
    assert_string_equal(hp_addr_format(&addr, text), mapped);
    assert_protected(&m, &key);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_GOOD);
    assert_every_bit_counts(&m, &key);
    assert_rewrites(&m, &key, false);
}

static void test_responses(void **state)
{
    check_response("response-ipv4", "192.0.2.1:32853");
    check_response("response-ipv6", "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

static void test_long_term(void **state)
{
    hp_stun_msg m;
    g_autoptr(GBytes) bytes = vector("request-long-term", &m);
    hp_stun_key key = hp_stun_key_long(USER, "example.org", "TheMatrIX", false);

    assert_text(&m, HP_STUN_USERNAME, USER);
    assert_text(&m, HP_STUN_NONCE, "f//499k954d6OL34oL9FSTvy64sA");
    assert_text(&m, HP_STUN_REALM, "example.org");
    assert_int_equal(key.length, 16);
    assert_protected(&m, &key);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_ABSENT);
    assert_rewrites(&m, &key, true);
}

/* RFC 8489 appendix B.1: user name anonymity and SHA-256 throughout. The vector's length field says 156, which is the
 * whole message and not what follows the header, and its HMAC covers that number: no receiver accepts it as it stands.
 * So its key, user hash and HMAC are checked against the bytes as printed, and the codec against the same message with
 * the right length, whose HMAC was computed elsewhere. */
static void test_sha256(void **state)
{
    g_autofree char *path = g_strdup_printf("%s/fixtures/rfc5769/rfc8489-b1.hex", HAIRPIN_SOURCE_DIR);
    g_autoptr(GBytes) bytes = hex_file(path);
    g_autoptr(GBytes) hmac = hex_bytes("234112fbd4e27f983eb4032836f998216f5b23f8d927753fbc4f882bfbdf0dec");
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    hp_stun_key key = hp_stun_key_long(USER, "example.org", "TheMatrIX", true);
    hp_stun_key md5 = hp_stun_key_long(USER, "example.org", "TheMatrIX", false);
    uint8_t userhash[32], mac[32], buf[HP_STUN_MAX];
    hp_stun_msg m;
    hp_stun_writer w;

    assert_int_equal(len, 156);
    assert_false(hp_stun_parse(data, len, &m));
    assert_int_equal(key.length, 32);
    HMAC(EVP_sha256(), key.bytes, (int)key.length, data, len - 36, mac, NULL);
    assert_memory_equal(mac, data + len - 32, 32);
    hp_stun_userhash(USER, "example.org", userhash);
    assert_memory_equal(userhash, data + 24, 32);

    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, data + 8, NULL);
    hp_stun_add(&w, HP_STUN_USERHASH, userhash, 32);
    hp_stun_add_text(&w, HP_STUN_NONCE, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
    hp_stun_add_text(&w, HP_STUN_REALM, "example.org");
    hp_stun_add_integrity(&w, &key, true);
    assert_int_equal(hp_stun_finish(&w), len);
    assert_int_equal(buf[3], 136);
    buf[3] = 156;
    assert_memory_equal(buf, data, len - 32);
    buf[3] = 136;
    assert_memory_equal(buf + len - 32, g_bytes_get_data(hmac, NULL), 32);
    assert_true(hp_stun_parse(buf, len, &m));
    assert_int_equal(hp_stun_check_integrity(&m, &key, true), HP_STUN_GOOD);
    assert_int_equal(hp_stun_check_integrity(&m, &md5, true), HP_STUN_BAD);
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_long_term),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
