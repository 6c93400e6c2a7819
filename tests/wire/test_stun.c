/* The STUN codec: frames, attributes, writer limits, integrity rules, names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"
#include "wire/stun.h"

static const uint8_t id[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static bool parses(const char *hex)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_autofree uint8_t *exact = g_memdup2(data, len); /* so that a read past the end is seen by the sanitizer */
    hp_stun_msg m;
    return hp_stun_parse(exact, len, &m);
}

#define COOKIE_ID "2112a442 0102030405060708090a0b0c"

static void test_frame(void **state)
{
    assert_true(parses("0001 0000" COOKIE_ID));
    assert_true(parses("0001 0008" COOKIE_ID "8022 0001 78202020"));
    assert_true(parses("0001 0004" COOKIE_ID "0025 0000"));
    static const char *const bad[] = {
        "",
        "00010000",
        "0001 0000 2112a442 0102030405060708090a0b", /* 19 bytes */
        "4001 0000" COOKIE_ID, /* top bits */
        "8001 0000" COOKIE_ID, /* top bits */
        "0001 0004" COOKIE_ID, /* longer than the datagram */
        "0001 0000" COOKIE_ID "00250000", /* trailing bytes */
        "0001 0002" COOKIE_ID "0025", /* no multiple of 4 */
        "0001 0004" COOKIE_ID "8022 0001", /* value beyond the end */
        "0001 0008" COOKIE_ID "8022 0005 78787878", /* padding beyond the end */
        "0001 0008" COOKIE_ID "8022 ffff 78787878", /* far beyond */
        "0001 000c" COOKIE_ID "8022 0004 78787878 00060004", /* second attribute beyond */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_false(parses(bad[i]));
    }
}

static void test_type_field(void **state)
{
    static const struct {
        uint16_t method;
        hp_stun_class cls;
        uint16_t type;
    } cases[] = {
        {HP_STUN_BINDING, HP_STUN_REQUEST, 0x0001},
        {HP_STUN_BINDING, HP_STUN_INDICATION, 0x0011},
        {HP_STUN_BINDING, HP_STUN_SUCCESS, 0x0101},
        {HP_STUN_BINDING, HP_STUN_ERROR, 0x0111},
        {HP_STUN_ALLOCATE, HP_STUN_ERROR, 0x0113},
        {HP_STUN_SEND, HP_STUN_INDICATION, 0x0016},
        {HP_STUN_DATA, HP_STUN_INDICATION, 0x0017},
        {HP_STUN_CREATE_PERMISSION, HP_STUN_SUCCESS, 0x0108},
        {HP_STUN_CONNECTION_ATTEMPT, HP_STUN_INDICATION, 0x001c},
        {0xfff, HP_STUN_REQUEST, 0x3eef},
        {0xfff, HP_STUN_ERROR, 0x3fff},
        {0x080, HP_STUN_SUCCESS, 0x0300},
        {0x010, HP_STUN_REQUEST, 0x0020},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t buf[20];
        hp_stun_writer w;
        hp_stun_msg m;
        hp_stun_begin(&w, buf, sizeof buf, cases[i].cls, cases[i].method, id, NULL);
        assert_int_equal(hp_stun_finish(&w), 20);
        assert_int_equal(buf[0] << 8 | buf[1], cases[i].type);
        assert_true(hp_stun_parse(buf, 20, &m));
        assert_int_equal(m.method, cases[i].method);
        assert_int_equal(m.cls, cases[i].cls);
        assert_memory_equal(m.id, id, 12);
    }
}

static void test_attributes(void **state)
{
    uint8_t buf[HP_STUN_MAX];
    hp_stun_writer w;
    hp_stun_msg m;
    hp_stun_attr a;
    hp_addr v4, v6, read;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    unsigned code;
    const char *reason;
    size_t reason_len;

    assert_true(hp_addr_parse("192.0.2.1:32853", &v4));
    assert_true(hp_addr_parse("[2001:db8::7]:9", &v6));
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_ERROR, HP_STUN_ALLOCATE, id, NULL);
    hp_stun_add_error(&w, 438, NULL);
    hp_stun_add_addr(&w, HP_STUN_MAPPED_ADDRESS, &v4, false);
    hp_stun_add_addr(&w, HP_STUN_XOR_RELAYED_ADDRESS, &v6, true);
    hp_stun_add_u32(&w, HP_STUN_LIFETIME, 600);
    hp_stun_add_u64(&w, HP_STUN_ICE_CONTROLLING, UINT64_C(0x0102030405060708));
    hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0);
    hp_stun_add_text(&w, HP_STUN_SOFTWARE, "hairpin");
    size_t len = hp_stun_finish(&w);

    g_autoptr(GBytes) expected = hex_bytes("0113 005c" COOKIE_ID "0009 000f 00000426 5374616c65204e6f6e6365 00"
                                           "0001 0008 0001 8055 c0000201"
                                           "0016 0014 0002 211b 0113a9fa 01020304 05060708 090a0b0b"
                                           "000d 0004 00000258"
                                           "802a 0008 0102030405060708"
                                           "0025 0000"
                                           "8022 0007 6861697270696e 00");
    assert_int_equal(g_bytes_get_size(expected), len);
    assert_int_equal(len, 20 + buf[3]);
    assert_memory_equal(buf, g_bytes_get_data(expected, NULL), len);

    assert_true(hp_stun_parse(buf, len, &m));
    assert_true(hp_stun_find(&m, HP_STUN_ERROR_CODE, &a));
    assert_true(hp_stun_attr_error(&a, &code, &reason, &reason_len));
    assert_int_equal(code, 438);
    assert_int_equal(reason_len, 11);
    assert_memory_equal(reason, "Stale Nonce", 11);
    assert_true(hp_stun_find(&m, HP_STUN_MAPPED_ADDRESS, &a));
    assert_true(hp_stun_attr_addr(&m, &a, false, &read));
    assert_true(hp_addr_equal(&read, &v4));
    assert_true(hp_stun_find(&m, HP_STUN_XOR_RELAYED_ADDRESS, &a));
    assert_true(hp_stun_attr_addr(&m, &a, true, &read));
    assert_true(hp_addr_equal(&read, &v6));
    assert_true(hp_stun_find(&m, HP_STUN_LIFETIME, &a) && hp_stun_attr_u32(&a, &u32));
    assert_int_equal(u32, 600);
    assert_false(hp_stun_attr_u64(&a, &u64));
    assert_true(hp_stun_find(&m, HP_STUN_ICE_CONTROLLING, &a) && hp_stun_attr_u64(&a, &u64));
    assert_true(u64 == UINT64_C(0x0102030405060708));
    assert_false(hp_stun_attr_u32(&a, &u32));
    assert_true(hp_stun_find(&m, HP_STUN_USE_CANDIDATE, &a));
    assert_int_equal(a.length, 0);
    assert_false(hp_stun_find(&m, HP_STUN_PRIORITY, &a));
}

/* Malformed contents: the typed readers refuse them and leave outputs alone. */
static void test_malformed_values(void **state)
{
    static const struct {
        uint8_t value[8];
        uint16_t length;
    } addresses[] =
        {
            {{0, 1, 0, 1, 192, 0, 2, 1}, 7}, {{0, 1}, 3},
            {{0, 0, 0, 1, 192, 0, 2, 1}, 8}, {{0, 3, 0, 1, 192, 0, 2, 1}, 8},
            {{0, 2, 0, 1, 192, 0, 2, 1}, 8}, {{0}, 0},
        },
      errors[] = {
          {{0, 0, 4}, 3}, {{0, 0, 2, 0}, 4}, {{0, 0, 7, 0}, 4}, {{0, 0, 4, 100}, 4}, {{0}, 0},
      };
    uint8_t header[20] = {0};
    hp_stun_msg m;
    assert_true(hp_stun_parse(header, 20, &m));
    assert_false(m.has_cookie);
    for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
        hp_stun_attr a = {1, addresses[i].length, addresses[i].value};
        hp_addr addr = {.port = 7};
        assert_false(hp_stun_attr_addr(&m, &a, true, &addr));
        assert_int_equal(addr.port, 7);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        hp_stun_attr a = {9, errors[i].length, errors[i].value};
        unsigned code = 7;
        assert_false(hp_stun_attr_error(&a, &code, NULL, NULL));
        assert_int_equal(code, 7);
    }
    /* The upper bits of the class byte are reserved and ignored. */
    const uint8_t reserved[] = {0xff, 0xff, 0xf4, 38, 'x'};
    hp_stun_attr a = {9, sizeof reserved, reserved};
    unsigned code;
    assert_true(hp_stun_attr_error(&a, &code, NULL, NULL));
    assert_int_equal(code, 438);
}

static void test_writer_limits(void **state)
{
    uint8_t buf[64];
    hp_stun_writer w;
    hp_addr none = {0};

    hp_stun_begin(&w, buf, 19, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    assert_int_equal(hp_stun_finish(&w), 0);
    hp_stun_begin(&w, buf, 28, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add_text(&w, HP_STUN_SOFTWARE, "1234"); /* fits to the byte */
    assert_int_equal(hp_stun_finish(&w), 28);
    buf[28] = 0x5a;
    hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0);
    assert_int_equal(hp_stun_finish(&w), 0);
    assert_int_equal(buf[28], 0x5a);
    hp_stun_begin(&w, buf, 28, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add_text(&w, HP_STUN_SOFTWARE, "12345");
    hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0); /* would fit, but the overflow sticks */
    assert_int_equal(hp_stun_finish(&w), 0);
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_ERROR, HP_STUN_BINDING, id, NULL);
    hp_stun_add_error(&w, 299, NULL);
    assert_int_equal(hp_stun_finish(&w), 0);
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_ERROR, HP_STUN_BINDING, id, NULL);
    hp_stun_add_addr(&w, HP_STUN_MAPPED_ADDRESS, &none, false);
    assert_int_equal(hp_stun_finish(&w), 0);

    /* 65,535 bytes after the header, at most. */
    g_autofree uint8_t *big = g_malloc(70000);
    static uint8_t value[65536];
    hp_stun_begin(&w, big, 70000, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add(&w, HP_STUN_PADDING, value, 65536);
    assert_int_equal(hp_stun_finish(&w), 0);
    hp_stun_begin(&w, big, 70000, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add(&w, HP_STUN_PADDING, value, 65528);
    assert_int_equal(hp_stun_finish(&w), 65552);
    hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0);
    assert_int_equal(hp_stun_finish(&w), 0);
}

/* RFC 3489: 128 bits of transaction id, HMAC over text padded to 64 bytes. */
static void test_rfc3489(void **state)
{
    static const uint8_t cookie[4] = {0xde, 0xad, 0xbe, 0xef};
    uint8_t buf[HP_STUN_MAX];
    hp_stun_writer w;
    hp_stun_msg m;
    hp_stun_key key = hp_stun_key_short("secret", 6);

    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_SUCCESS, HP_STUN_BINDING, id, cookie);
    hp_addr addr = hp_addr_v4(0xc0000201, 1000);
    hp_stun_add_addr(&w, HP_STUN_MAPPED_ADDRESS, &addr, false);
    hp_stun_add_integrity(&w, &key, false);
    size_t len = hp_stun_finish(&w);
    /* HMAC-SHA1 computed elsewhere over the 32 bytes and 32 zeros. */
    g_autoptr(GBytes) expected = hex_bytes("0101 0024 deadbeef 0102030405060708090a0b0c"
                                           "0001 0008 0001 03e8 c0000201"
                                           "0008 0014 4f650c5258657adaf585120a5125f0d28356acc3");
    assert_int_equal(len, g_bytes_get_size(expected));
    assert_memory_equal(buf, g_bytes_get_data(expected, NULL), len);
    assert_true(hp_stun_parse(buf, len, &m));
    assert_false(m.has_cookie);
    assert_memory_equal(m.data + 4, cookie, 4);
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_GOOD);
    buf[12] ^= 1;
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_BAD);
}

static size_t protected_message(uint8_t *buf, size_t cap, const hp_stun_key *key)
{
    hp_stun_writer w;
    hp_stun_begin(&w, buf, cap, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add_u32(&w, HP_STUN_PRIORITY, 1);
    hp_stun_add_integrity(&w, key, false);
    hp_stun_add_u32(&w, HP_STUN_LIFETIME, 5); /* to be ignored */
    hp_stun_add_integrity(&w, key, true);
    hp_stun_add_u32(&w, HP_STUN_CHANNEL_NUMBER, 6); /* to be ignored */
    hp_stun_add_fingerprint(&w);
    return hp_stun_finish(&w);
}

static void test_protected_attributes(void **state)
{
    uint8_t buf[HP_STUN_MAX];
    hp_stun_key key = hp_stun_key_short("secret", 6);
    hp_stun_msg m;
    hp_stun_attr a;

    assert_true(hp_stun_parse(buf, protected_message(buf, sizeof buf, &key), &m));
    assert_true(hp_stun_find_protected(&m, HP_STUN_PRIORITY, &a));
    assert_true(hp_stun_find_protected(&m, HP_STUN_MESSAGE_INTEGRITY, &a));
    assert_true(hp_stun_find_protected(&m, HP_STUN_MESSAGE_INTEGRITY_SHA256, &a));
    assert_true(hp_stun_find_protected(&m, HP_STUN_FINGERPRINT, &a));
    assert_false(hp_stun_find_protected(&m, HP_STUN_LIFETIME, &a));
    assert_false(hp_stun_find_protected(&m, HP_STUN_CHANNEL_NUMBER, &a));
    assert_true(hp_stun_find(&m, HP_STUN_LIFETIME, &a));
    /* Each covers what stands before it and nothing after, whatever the whole length is. */
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_GOOD);
    assert_int_equal(hp_stun_check_integrity(&m, &key, true), HP_STUN_GOOD);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_GOOD);
    assert_true(hp_stun_find(&m, HP_STUN_LIFETIME, &a));
    buf[a.value - buf] ^= 1;
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_GOOD);
    assert_int_equal(hp_stun_check_integrity(&m, &key, true), HP_STUN_BAD);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_BAD);
}

static void test_integrity_shapes(void **state)
{
    uint8_t buf[HP_STUN_MAX];
    hp_stun_key key = hp_stun_key_short("secret", 6);
    hp_stun_writer w;
    hp_stun_msg m;
    hp_stun_attr a;

    /* SHA-256 may be cut to 16 bytes, in steps of 4. */
    for (unsigned size = 8; size <= 32; size += 2) {
        uint8_t full[HP_STUN_MAX], value[32];
        hp_stun_begin(&w, full, sizeof full, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
        hp_stun_add_integrity(&w, &key, true);
        memcpy(value, full + 24, 32);
        hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
        hp_stun_add(&w, HP_STUN_MESSAGE_INTEGRITY_SHA256, value, size);
        assert_true(hp_stun_parse(buf, hp_stun_finish(&w), &m));
        /* The length field takes part, so that only the full size verifies with the full size's value. */
        assert_int_equal(hp_stun_check_integrity(&m, &key, true), size == 32 ? HP_STUN_GOOD : HP_STUN_BAD);
    }
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    g_autoptr(GBytes) cut = hex_bytes("d9a2e3cade58ad0a0eb7286c8975532b");
    hp_stun_add(&w, HP_STUN_MESSAGE_INTEGRITY_SHA256, g_bytes_get_data(cut, NULL), 16);
    assert_true(hp_stun_parse(buf, hp_stun_finish(&w), &m));
    assert_int_equal(hp_stun_check_integrity(&m, &key, true), HP_STUN_GOOD);

    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add(&w, HP_STUN_MESSAGE_INTEGRITY, "0123456789abcdef", 16);
    assert_true(hp_stun_parse(buf, hp_stun_finish(&w), &m));
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_BAD);

    /* A fingerprint that is not last, or has another size, is bad. */
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add_fingerprint(&w);
    hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0);
    assert_true(hp_stun_parse(buf, hp_stun_finish(&w), &m));
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_BAD);
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add_u64(&w, HP_STUN_FINGERPRINT, 0);
    assert_true(hp_stun_parse(buf, hp_stun_finish(&w), &m));
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_BAD);

    /* An overflow while adding integrity leaves nothing half done. */
    hp_stun_begin(&w, buf, 40, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add_integrity(&w, &key, false);
    hp_stun_add_fingerprint(&w);
    assert_int_equal(hp_stun_finish(&w), 0);
    assert_false(hp_stun_find(&(hp_stun_msg){buf, 20, 0, 0, true, buf + 8}, HP_STUN_MESSAGE_INTEGRITY, &a));
}

/* Passwords beyond HMAC's block, of up to 256 characters in ICE. */
static void test_long_password(void **state)
{
    uint8_t buf[HP_STUN_MAX];
    hp_stun_msg m;
    char password[257];
    memset(password, 'p', 256);
    password[256] = '\0';
    static const size_t sizes[] = {63, 64, 65, 256};
    static const char *const hmacs[] = {
        "f37d6ca58fa63dee85b37bc11803357d8c3681c9"
        "f7b6f681ca08ee6bb2c7b702289b4a85fd687ac4471e0257508c911232f2566a",
        "e68c671507a7481218eb9ab831dcffe804ab3dca"
        "3c6b1a0d08ed70a01ffd781475d0c7597e731c73a6b8aaaa5376d57b825e8ecb",
        "6ee9fba00e8a544b618c88a40fea9950c9c6b2d4"
        "bf95c2be99780f1cde83535993834c12d407d904f3f07c1728d18dd2471d259a",
        "7fab2a21b1045de23bac261a8b69d45e70bb8c15"
        "9a57bf3600f4063ba41a6f69c348369a5a005bb3480550f79784be22df9a62d9",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        hp_stun_key key = hp_stun_key_short(password, sizes[i]);
        hp_stun_writer w;
        g_autoptr(GBytes) expected = hex_bytes(hmacs[i]); /* SHA-1, then SHA-256, computed elsewhere */
        const uint8_t *hmac = g_bytes_get_data(expected, NULL);
        hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
        hp_stun_add_integrity(&w, &key, false);
        assert_true(hp_stun_parse(buf, hp_stun_finish(&w), &m));
        assert_memory_equal(buf + 24, hmac, 20);
        assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_GOOD);
        hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
        hp_stun_add_integrity(&w, &key, true);
        assert_true(hp_stun_parse(buf, hp_stun_finish(&w), &m));
        assert_memory_equal(buf + 24, hmac + 20, 32);
        assert_int_equal(hp_stun_check_integrity(&m, &key, true), HP_STUN_GOOD);
    }
}

/* A message larger than the stack's share of the digest's input. */
static void test_large_message(void **state)
{
    g_autofree uint8_t *buf = g_malloc(66000);
    static uint8_t value[65000];
    hp_stun_key key = hp_stun_key_short("secret", 6);
    hp_stun_writer w;
    hp_stun_msg m;
    hp_stun_begin(&w, buf, 66000, HP_STUN_INDICATION, HP_STUN_SEND, id, NULL);
    hp_stun_add(&w, HP_STUN_DATA_ATTR, value, 65000);
    hp_stun_add_integrity(&w, &key, false);
    hp_stun_add_fingerprint(&w);
    assert_true(hp_stun_parse(buf, hp_stun_finish(&w), &m));
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_GOOD);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_GOOD);
}

static void test_names(void **state)
{
    uint16_t number;
    hp_stun_class cls;

    assert_string_equal(hp_stun_method_name(HP_STUN_CREATE_PERMISSION), "CreatePermission");
    assert_string_equal(hp_stun_method_name(HP_STUN_CONNECTION_ATTEMPT), "ConnectionAttempt");
    assert_null(hp_stun_method_name(0x123));
    assert_string_equal(hp_stun_attr_name(HP_STUN_XOR_MAPPED_ADDRESS), "XOR-MAPPED-ADDRESS");
    assert_string_equal(hp_stun_attr_name(HP_STUN_NOMINATION), "NOMINATION");
    assert_null(hp_stun_attr_name(0x7777));
    assert_string_equal(hp_stun_class_name(HP_STUN_ERROR), "error");
    assert_null(hp_stun_class_name((hp_stun_class)4));
    assert_string_equal(hp_stun_error_reason(401), "Unauthorized");
    assert_string_equal(hp_stun_error_reason(487), "Role Conflict");
    assert_null(hp_stun_error_reason(499));
    for (const char *const *name = hp_stun_method_names(); *name != NULL; name++) {
        g_autofree char *upper = g_ascii_strup(*name, -1);
        assert_true(hp_stun_method_from_name(upper, &number));
        assert_string_equal(hp_stun_method_name(number), *name);
    }
    for (const char *const *name = hp_stun_attr_names(); *name != NULL; name++) {
        g_autofree char *lower = g_ascii_strdown(*name, -1);
        assert_true(hp_stun_attr_from_name(lower, &number));
        assert_string_equal(hp_stun_attr_name(number), *name);
    }
    assert_true(hp_stun_class_from_name("Request", &cls));
    assert_int_equal(cls, HP_STUN_REQUEST);
    assert_false(hp_stun_class_from_name("response", &cls));
    assert_false(hp_stun_attr_from_name("", &number));
    assert_false(hp_stun_method_from_name("Bind", &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_type_field),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_malformed_values),
        cmocka_unit_test(test_writer_limits),
        cmocka_unit_test(test_rfc3489),
        cmocka_unit_test(test_protected_attributes),
        cmocka_unit_test(test_integrity_shapes),
        cmocka_unit_test(test_long_password),
        cmocka_unit_test(test_large_message),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
