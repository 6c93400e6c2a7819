/* trace.pcapng, read back block by block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "trace/trace.h"

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static hp_packet *udp(const char *src, const char *dst, const char *payload)
{
    const hp_addr from = addr(src), to = addr(dst);
    return hp_packet_new(HP_PROTO_UDP, &from, &to, payload, strlen(payload));
}

static GBytes *capture(const hp_trace *trace, const char *comment)
{
    g_autofree char *dir = g_dir_make_tmp("hairpin-pcapng-XXXXXX", NULL);
    assert_non_null(dir);
    g_autofree char *path = g_build_filename(dir, "trace.pcapng", NULL);
    g_autoptr(GError) error = NULL;
    assert_true(hp_trace_write_pcapng(trace, path, comment, &error));
    char *bytes = NULL;
    gsize length = 0;
    assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    g_unlink(path);
    g_rmdir(dir);
    return g_bytes_new_take(bytes, length);
}

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint16_t u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

/* One block: its type, and its body without lengths. */
typedef struct block {
    uint32_t type;
    const uint8_t *body;
    uint32_t length;
} block;

static unsigned read_blocks(GBytes *bytes, block *ret, unsigned cap)
{
    gsize left;
    const uint8_t *at = g_bytes_get_data(bytes, &left);
    unsigned n = 0;
    while (left > 0) {
        assert_true(left >= 12 && n < cap);
        const uint32_t total = u32(at + 4);
        assert_true(total >= 12 && total % 4 == 0 && total <= left);
        assert_int_equal(u32(at + total - 4), total);
        ret[n++] = (block){u32(at), at + 8, total - 12};
        at += total;
        left -= total;
    }
    return n;
}

/* The nth option of that code (from 0) in the options that start `at` bytes into the body; NULL when absent. */
static const uint8_t *option(const block *b, uint32_t at, uint16_t code, unsigned nth, uint16_t *ret_length)
{
    while (at + 4 <= b->length) {
        const uint16_t found = u16(b->body + at), length = u16(b->body + at + 2);
        assert_true(at + 4 + length <= b->length);
        if (found == 0) {
            assert_int_equal(length, 0);
            assert_int_equal(at + 4, b->length);
            return NULL;
        }
        if (found == code && nth-- == 0) {
            *ret_length = length;
            return b->body + at + 4;
        }
        for (uint32_t i = at + 4 + length; i < at + 4 + (length + 3u) / 4 * 4; i++) {
            assert_int_equal(b->body[i], 0);
        }
        at += 4 + (length + 3u) / 4 * 4;
    }
    fail_msg("options without an end");
    return NULL;
}

static void assert_option_text(const block *b, uint32_t at, uint16_t code, unsigned nth, const char *expected)
{
    uint16_t length = 0;
    const uint8_t *value = option(b, at, code, nth, &length);
    if (expected == NULL) {
        assert_null(value);
        return;
    }
    assert_non_null(value);
    g_autofree char *got = g_strndup((const char *)value, length);
    assert_string_equal(got, expected);
}

enum { SECTION = 0x0A0D0D0A, INTERFACE = 1, NAMES = 4, PACKET = 6, SECRETS = 10 };
/* Where options begin in each body. */
enum { SECTION_OPTIONS = 16, INTERFACE_OPTIONS = 8 };

static uint32_t packet_options(const block *b)
{
    return 20 + (u32(b->body + 12) + 3) / 4 * 4;
}

static void a_capture_block_by_block(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const uint32_t alice = hp_trace_tap(trace, "alice"), home = hp_trace_tap(trace, "home/in");
    g_autoptr(hp_packet) p = udp("192.168.1.2:5000", "203.0.113.1:3478", "abc");
    hp_trace_name_address(trace, "alice", &p->src);
    const hp_addr six = addr("2001:db8::7");
    hp_trace_name_address(trace, "bob", &six);
    hp_trace_name_address(trace, "carol", &p->src); /* another LAN with the same addresses */
    hp_trace_name_address(trace, "alice", &p->src);
    hp_trace_packet(trace, 1, alice, HP_DIR_OUT, p);
    hp_trace_packet(trace, 5 * HP_S + 7, home, HP_DIR_IN, p);
    hp_trace_note(trace, 5 * HP_S + 8, 2, "first remark");
    hp_trace_drop(trace, 5 * HP_S + 7 + 20 * HP_MS, "home", p, HP_DROP_NAT_FILTERED, NULL);
    hp_trace_note(trace, 6 * HP_S, 1, "late remark on the first");
    g_autoptr(GBytes) bytes = capture(trace, "nat/basic seed 1");
    block b[16];
    assert_int_equal(read_blocks(bytes, b, 16), 6);

    assert_int_equal(b[0].type, SECTION);
    assert_int_equal(u32(b[0].body), 0x1A2B3C4D);
    assert_int_equal(u16(b[0].body + 4), 1);
    assert_int_equal(u16(b[0].body + 6), 0);
    assert_int_equal(u32(b[0].body + 8), UINT32_MAX);
    assert_int_equal(u32(b[0].body + 12), UINT32_MAX);
    assert_option_text(&b[0], SECTION_OPTIONS, 1, 0, "nat/basic seed 1");
    assert_option_text(&b[0], SECTION_OPTIONS, 1, 1, NULL);
    assert_option_text(&b[0], SECTION_OPTIONS, 4, 0, "Hairpin " HAIRPIN_VERSION);

    assert_int_equal(b[1].type, INTERFACE);
    assert_int_equal(u16(b[1].body), 101);
    assert_int_equal(u32(b[1].body + 4), 0);
    assert_option_text(&b[1], INTERFACE_OPTIONS, 2, 0, "alice");
    assert_option_text(&b[1], INTERFACE_OPTIONS, 9, 0, "\x09");
    assert_int_equal(b[2].type, INTERFACE);
    assert_option_text(&b[2], INTERFACE_OPTIONS, 2, 0, "home/in");

    /* Each address once, its names in the order given; the rest of the block is the end mark. */
    assert_int_equal(b[3].type, NAMES);
    static const uint8_t names[] = {1,   0,   16,  0, 192, 168, 1,  2, 'a',  'l', 'i',  'c',  'e', 0, 'c', 'a',
                                    'r', 'o', 'l', 0, 2,   0,   20, 0, 0x20, 1,   0x0d, 0xb8, 0,   0, 0,   0,
                                    0,   0,   0,   0, 0,   0,   0,  7, 'b',  'o', 'b',  0,    0,   0, 0,   0};
    assert_int_equal(b[3].length, sizeof names);
    assert_memory_equal(b[3].body, names, sizeof names);

    uint8_t wire[64];
    assert_int_equal(hp_packet_write(p, wire, sizeof wire), 31);
    assert_int_equal(b[4].type, PACKET);
    assert_int_equal(u32(b[4].body), alice);
    uint64_t stamp = (uint64_t)u32(b[4].body + 4) << 32 | u32(b[4].body + 8);
    assert_int_equal(stamp, UINT64_C(1704067200000000001));
    assert_int_equal(u32(b[4].body + 12), 31);
    assert_int_equal(u32(b[4].body + 16), 31);
    assert_memory_equal(b[4].body + 20, wire, 31);
    assert_int_equal(b[4].body[51], 0);
    assert_option_text(&b[4], packet_options(&b[4]), 1, 0, "late remark on the first");
    assert_option_text(&b[4], packet_options(&b[4]), 1, 1, NULL);
    uint16_t length = 0;
    assert_int_equal(u32(option(&b[4], packet_options(&b[4]), 2, 0, &length)), 2);
    assert_int_equal(length, 4);

    assert_int_equal(u32(b[5].body), home);
    stamp = (uint64_t)u32(b[5].body + 4) << 32 | u32(b[5].body + 8);
    assert_int_equal(stamp, UINT64_C(1704067205000000007));
    assert_int_equal(u32(option(&b[5], packet_options(&b[5]), 2, 0, &length)), 1);
    assert_option_text(&b[5], packet_options(&b[5]), 1, 0, "first remark");
    assert_option_text(&b[5], packet_options(&b[5]), 1, 1,
                       "dropped at home after 20ms: filtered (the NAT's filtering behaviour)");
    assert_option_text(&b[5], packet_options(&b[5]), 1, 2, NULL);
}

static void drop_comments(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const uint32_t tap = hp_trace_tap(trace, "a");
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "");
    hp_trace_packet(trace, 9, tap, HP_DIR_OUT, p);
    hp_trace_drop(trace, 9, "link a>b", p, HP_DROP_LINK_LOSS, NULL);
    hp_trace_drop(trace, 9 + 350, "gate", p, HP_DROP_RULE, "rule 2");
    g_autoptr(hp_packet) unseen = udp("192.0.2.1:1", "192.0.2.2:2", "");
    hp_trace_drop(trace, 400, "gate", unseen, HP_DROP_RULE, "on no packet");
    hp_trace_note(trace, 500, 7, "of a packet that is not there");
    g_autoptr(GBytes) bytes = capture(trace, NULL);
    block b[8];
    assert_int_equal(read_blocks(bytes, b, 8), 3);
    assert_option_text(&b[0], SECTION_OPTIONS, 1, 0, NULL);
    assert_option_text(&b[2], packet_options(&b[2]), 1, 0, "dropped at link a>b: loss (random loss on a link)");
    assert_option_text(&b[2], packet_options(&b[2]), 1, 1,
                       "dropped at gate after 350ns: rule (a rule of the scenario): rule 2");
    assert_option_text(&b[2], packet_options(&b[2]), 1, 2, NULL);
}

static void comments_are_utf8_and_fit(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "");
    hp_trace_packet(trace, 0, hp_trace_tap(trace, "a"), HP_DIR_OUT, p);
    GString *euros = g_string_new("a");
    while (euros->len < 70000) {
        g_string_append(euros, "\xe2\x82\xac");
    }
    hp_trace_note(trace, 0, 1, euros->str);
    g_string_free(euros, TRUE);
    hp_trace_note(trace, 0, 1, "bad \xff byte");
    g_autoptr(GBytes) bytes = capture(trace, NULL);
    block b[8];
    assert_int_equal(read_blocks(bytes, b, 8), 3);
    uint16_t length = 0;
    const uint8_t *text = option(&b[2], packet_options(&b[2]), 1, 0, &length);
    assert_int_equal(length, 1 + 65531 / 3 * 3);
    assert_true(g_utf8_validate((const char *)text, length, NULL));
    assert_option_text(&b[2], packet_options(&b[2]), 1, 1, "bad \xef\xbf\xbd byte");
}

static void remarks_on_one_packet_are_capped(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "");
    hp_trace_packet(trace, 0, hp_trace_tap(trace, "a"), HP_DIR_OUT, p);
    for (unsigned i = 0; i < 70; i++) {
        g_autofree char *text = g_strdup_printf("remark %u", i);
        hp_trace_note(trace, i, 1, text);
    }
    hp_trace_packet(trace, 100, 0, HP_DIR_OUT, p);
    hp_trace_note(trace, 100, 2, "of the next");
    g_autoptr(GBytes) bytes = capture(trace, NULL);
    block b[8];
    assert_int_equal(read_blocks(bytes, b, 8), 4);
    assert_option_text(&b[2], packet_options(&b[2]), 1, 63, "remark 63");
    assert_option_text(&b[2], packet_options(&b[2]), 1, 64, "and 6 more remarks, see events.jsonl");
    assert_option_text(&b[2], packet_options(&b[2]), 1, 65, NULL);
    assert_option_text(&b[3], packet_options(&b[3]), 1, 0, "of the next");
}

static void secrets_stand_before_the_packets(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "");
    hp_trace_name_address(trace, "one", &p->src);
    hp_trace_packet(trace, 0, hp_trace_tap(trace, "a"), HP_DIR_OUT, p);
    hp_trace_event(trace, 1, HP_EV_DTLS_SECRET, "alice", HP_FS("line", "CLIENT_RANDOM 0b 22"));
    hp_trace_note(trace, 1, 1, "a remark");
    hp_trace_event(trace, 1, HP_EV_DTLS_SECRET, "bob", HP_FS("line", "CLIENT_RANDOM 0a 11"));
    hp_trace_event(trace, 2, HP_EV_DTLS_SECRET, "bob", HP_FS("line", "CLIENT_RANDOM 0b 22")); /* the other end's */
    hp_trace_event(trace, 2, HP_EV_DTLS_SECRET, "bob", HP_FS("line", ""));
    hp_trace_event(trace, 2, HP_EV_DTLS_SECRET, "bob"); /* no line at all */
    hp_trace_event(trace, 2, HP_EV_SUT_LOG, "bob", HP_FS("level", "x"), HP_FS("line", "no secret"));
    hp_trace_packet(trace, 3, 0, HP_DIR_OUT, p);
    hp_trace_event(trace, 4, HP_EV_DTLS_SECRET, "alice", HP_FS("line", "X y"));
    g_autoptr(GBytes) bytes = capture(trace, NULL);
    block b[8];
    assert_int_equal(read_blocks(bytes, b, 8), 6);
    assert_int_equal(b[2].type, NAMES);
    assert_int_equal(b[3].type, SECRETS);
    static const char expected[] = "KSLT" /* little-endian */
                                   "\x2c\x00\x00\x00"
                                   "CLIENT_RANDOM 0b 22\nCLIENT_RANDOM 0a 11\nX y\n";
    assert_int_equal(sizeof expected - 1, 8 + 44);
    assert_int_equal(b[3].length, 52);
    assert_memory_equal(b[3].body, expected, 52);
    assert_int_equal(b[4].type, PACKET);
    assert_option_text(&b[4], packet_options(&b[4]), 1, 0, "a remark");
    assert_int_equal(b[5].type, PACKET);
}

/* The length told is that of the text; the block is padded with zeroes to a whole word. */
static void secrets_are_padded(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    hp_trace_event(trace, 1, HP_EV_DTLS_SECRET, "alice", HP_FS("line", "A b"));
    hp_trace_event(trace, 1, HP_EV_DTLS_SECRET, "alice", HP_FS("line", "C"));
    g_autoptr(GBytes) bytes = capture(trace, NULL);
    block b[8];
    assert_int_equal(read_blocks(bytes, b, 8), 2);
    static const uint8_t expected[] = {'K', 'S', 'L', 'T', 6, 0, 0, 0, 'A', ' ', 'b', '\n', 'C', '\n', 0, 0};
    assert_int_equal(b[1].length, sizeof expected);
    assert_memory_equal(b[1].body, expected, sizeof expected);
}

/* Many secrets make several blocks, none with a torn line. */
static void many_secrets(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autofree char *tail = g_strnfill(170, 'a');
    enum { LINES = 13000, LENGTH = 6 + 170 + 1 };
    for (unsigned i = 0; i < LINES; i++) {
        g_autofree char *line = g_strdup_printf("%05u %s", i, tail);
        hp_trace_event(trace, i, HP_EV_DTLS_SECRET, "alice", HP_FS("line", line));
    }
    g_autoptr(GBytes) bytes = capture(trace, NULL);
    block b[8];
    assert_int_equal(read_blocks(bytes, b, 8), 1 + 3);
    unsigned line = 0;
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(b[i].type, SECRETS);
        const uint32_t length = u32(b[i].body + 4);
        assert_in_range(length, LENGTH, 1 << 20);
        assert_int_equal(length % LENGTH, 0);
        for (uint32_t at = 0; at < length; at += LENGTH, line++) {
            assert_int_equal(atoi((const char *)b[i].body + 8 + at), line);
        }
    }
    assert_int_equal(line, LINES);
}

static void fill(hp_trace *trace)
{
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "some payload");
    hp_trace_name_address(trace, "one", &p->src);
    hp_trace_name_address(trace, "two", &p->dst);
    for (unsigned i = 0; i < 3000; i++) {
        g_autofree char *tap = g_strdup_printf("tap%u", i % 7);
        hp_trace_packet(trace, i * HP_MS, hp_trace_tap(trace, tap), i % 2 == 0 ? HP_DIR_IN : HP_DIR_OUT, p);
        hp_trace_media(trace, i * HP_MS, &(hp_media_record){.kind = HP_MEDIA_SENT, .track = 1, .sequence = i});
        if (i % 5 == 0) {
            hp_trace_drop(trace, i * HP_MS, "gate", p, HP_DROP_LINK_QUEUE, NULL);
        }
    }
}

static void the_same_trace_gives_the_same_bytes(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    fill(trace);
    g_autoptr(GBytes) one = capture(trace, "x");
    g_autoptr(GBytes) two = capture(trace, "x");
    assert_true(g_bytes_equal(one, two));
    assert_true(g_bytes_get_size(one) > 262144); /* more than the writer's buffer */
    /* Over the pages of another run, and in another process's handle. */
    hp_trace_reset(trace);
    hp_trace_event(trace, 0, HP_EV_SERVER_STOPPED, "something else before it");
    fill(trace);
    g_autoptr(GBytes) three = capture(trace, "x");
    assert_true(g_bytes_equal(one, three));
    static block b[4000];
    assert_int_equal(read_blocks(one, b, 4000), 1 + 7 + 1 + 3000);
}

static void an_overflow_is_told(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new_sized(1024, NULL);
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "");
    const uint32_t tap = hp_trace_tap(trace, "a");
    for (unsigned i = 0; i < 10; i++) {
        hp_trace_packet(trace, i, tap, HP_DIR_IN, p);
    }
    g_autoptr(GBytes) bytes = capture(trace, "a run");
    block b[16];
    /* 40 bytes of text, then seven packets of 128. */
    assert_int_equal(read_blocks(bytes, b, 16), 2 + 7);
    assert_option_text(&b[0], SECTION_OPTIONS, 1, 0, "a run");
    assert_option_text(&b[0], SECTION_OPTIONS, 1, 1, "incomplete: the trace was full, 3 later records are missing");
}

static void a_bad_path_is_named(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(GError) error = NULL;
    assert_false(hp_trace_write_pcapng(trace, "/nonexistent-folder/trace.pcapng", NULL, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_non_null(strstr(error->message, "/nonexistent-folder/trace.pcapng"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_capture_block_by_block),
        cmocka_unit_test(drop_comments),
        cmocka_unit_test(comments_are_utf8_and_fit),
        cmocka_unit_test(secrets_stand_before_the_packets),
        cmocka_unit_test(secrets_are_padded),
        cmocka_unit_test(many_secrets),
        cmocka_unit_test(the_same_trace_gives_the_same_bytes),
        cmocka_unit_test(remarks_on_one_packet_are_capped),
        cmocka_unit_test(an_overflow_is_told),
        cmocka_unit_test(a_bad_path_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
