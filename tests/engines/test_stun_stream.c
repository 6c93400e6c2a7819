/* Messages out of a byte stream: whole, in pieces, one behind the other, and streams that are none. */
#include "engines/stun_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "wire/stun.h"

static const uint8_t id[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static size_t binding(uint8_t *buf, size_t cap, const char *software)
{
    hp_stun_writer w;
    hp_stun_begin(&w, buf, cap, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    if (software != NULL) {
        hp_stun_add_text(&w, HP_STUN_SOFTWARE, software);
    }
    return hp_stun_finish(&w);
}

static void assert_next(hp_stun_stream *s, const uint8_t *bytes, size_t len)
{
    const uint8_t *message = NULL;
    size_t length = 0;
    assert_true(hp_stun_stream_next(s, &message, &length));
    assert_int_equal(length, len);
    assert_memory_equal(message, bytes, len);
}

static void assert_more(hp_stun_stream *s)
{
    const uint8_t *message;
    size_t length;
    assert_false(hp_stun_stream_next(s, &message, &length));
    assert_null(hp_stun_stream_broken(s));
}

static void assert_broken(hp_stun_stream *s, const char *reason)
{
    const uint8_t *message;
    size_t length;
    assert_false(hp_stun_stream_next(s, &message, &length));
    assert_string_equal(hp_stun_stream_broken(s), reason);
}

static void several_at_once(void **state)
{
    hp_stun_stream s = {0};
    uint8_t first[64], second[64], all[256];
    size_t n = binding(first, sizeof first, NULL), m = binding(second, sizeof second, "abcde");
    assert_int_equal(n, 20);
    assert_int_equal(m, 32);
    assert_more(&s);
    memcpy(all, first, n);
    memcpy(all + n, second, m);
    memcpy(all + n + m, first, 7);
    hp_stun_stream_put(&s, all, n + m + 7);
    assert_next(&s, first, n);
    assert_next(&s, second, m);
    assert_more(&s);
    hp_stun_stream_put(&s, first + 7, n - 7);
    assert_next(&s, first, n);
    assert_more(&s);
    hp_stun_stream_clear(&s);
}

/* RFC 8656 section 12.5: ChannelData has zeros up to a multiple of 4 that its length does not count. */
static void byte_by_byte(void **state)
{
    static const uint8_t channel[] = {0x40, 0x01, 0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0, 0};
    static const uint8_t empty[] = {0x4f, 0xff, 0, 0};
    hp_stun_stream s = {0};
    uint8_t request[64];
    size_t n = binding(request, sizeof request, NULL);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof channel; i++) {
            assert_more(&s);
            hp_stun_stream_put(&s, channel + i, 1);
        }
        assert_next(&s, channel, 9);
        for (size_t i = 0; i < sizeof empty; i++) {
            assert_more(&s);
            hp_stun_stream_put(&s, empty + i, 1);
        }
        assert_next(&s, empty, 4);
        for (size_t i = 0; i < n; i++) {
            assert_more(&s);
            hp_stun_stream_put(&s, request + i, 1);
        }
        assert_next(&s, request, n);
    }
    assert_int_equal(hp_stun_stream_padding(4), 0);
    assert_int_equal(hp_stun_stream_padding(5), 3);
    assert_int_equal(hp_stun_stream_padding(7), 1);
    hp_stun_stream_clear(&s);
}

/* The longest of both kinds. */
static void longest(void **state)
{
    hp_stun_stream s = {0};
    g_autofree uint8_t *bytes = g_malloc0(HP_STUN_STREAM_MAX);
    binding(bytes, HP_STUN_STREAM_MAX, NULL);
    bytes[2] = 0xff;
    bytes[3] = 0xfc;
    hp_stun_stream_put(&s, bytes, HP_STUN_STREAM_MAX - 1);
    assert_more(&s);
    hp_stun_stream_put(&s, bytes + HP_STUN_STREAM_MAX - 1, 1);
    assert_next(&s, bytes, HP_STUN_STREAM_MAX);
    memcpy(bytes, "\x40\x00\xff\xff", 4);
    hp_stun_stream_put(&s, bytes, 4 + 65535);
    assert_more(&s);
    hp_stun_stream_put(&s, bytes, 1);
    assert_next(&s, bytes, 4 + 65535);
    assert_more(&s);
    hp_stun_stream_clear(&s);
}

/* A channel number that nobody may use is framed all the same, for its receiver to discard (section 12.6). */
static void reserved_channel(void **state)
{
    static const uint8_t reserved[] = {0x7f, 0xff, 0, 2, 1, 2, 0, 0};
    hp_stun_stream s = {0};
    hp_stun_stream_put(&s, reserved, sizeof reserved);
    assert_next(&s, reserved, 6);
    assert_more(&s);
    hp_stun_stream_clear(&s);
}

static void broken(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *reason;
    } cases[] = {
        {"\x80", 1, "first-byte"}, /* RTP */
        {"\xff\xff\xff\xff", 4, "first-byte"},
        {"\x00\x01\x00\x02", 4, "length"},
        {"\x00\x01\x00\x04\x21\x12\xa4\x43", 8, "cookie"},
        {"\x00\x01\x00\x00\x00\x00\x00\x00", 8, "cookie"}, /* RFC 3489 */
        {"\x16\x03\x01\x02\x00\x01\x00\x01", 8, "length"}, /* TLS, on the wrong port */
        {"\x16\x03\x01\x04\x00\x01\x00\x01", 8, "cookie"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_stun_stream s = {0};
        uint8_t request[64];
        size_t n = binding(request, sizeof request, NULL);
        hp_stun_stream_put(&s, request, n);
        hp_stun_stream_put(&s, (const uint8_t *)cases[i].bytes, cases[i].length);
        assert_next(&s, request, n);
        assert_broken(&s, cases[i].reason);
        hp_stun_stream_put(&s, request, n); /* thrown away */
        assert_broken(&s, cases[i].reason);
        hp_stun_stream_clear(&s);
        hp_stun_stream_put(&s, request, n);
        assert_next(&s, request, n);
        hp_stun_stream_clear(&s);
    }
}

static void rest(void **state)
{
    hp_stun_stream s = {0};
    uint8_t request[64];
    size_t n = binding(request, sizeof request, NULL), length;
    hp_stun_stream_rest(&s, &length);
    assert_int_equal(length, 0);
    hp_stun_stream_put(&s, request, n);
    hp_stun_stream_put(&s, (const uint8_t *)"\x80 data", 6);
    assert_next(&s, request, n);
    assert_memory_equal(hp_stun_stream_rest(&s, &length), "\x80 data", 6);
    assert_int_equal(length, 6);
    hp_stun_stream_rest(&s, &length);
    assert_int_equal(length, 0);
    assert_more(&s);
    hp_stun_stream_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_at_once),  cmocka_unit_test(byte_by_byte), cmocka_unit_test(longest),
        cmocka_unit_test(reserved_channel), cmocka_unit_test(broken),       cmocka_unit_test(rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
