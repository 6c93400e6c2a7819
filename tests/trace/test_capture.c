/* Reading recordings: files written here byte by byte, the fixtures, and files that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "trace/capture.h"
#include "trace/trace.h"
#include "wire/rtp.h"

enum { EN10MB = 1, LOOPBACK_NULL = 0, RAW = 101, LOOPBACK = 108, SLL = 113, RAW4 = 228, RAW6 = 229, SLL2 = 276 };

/* ---- making files ---- */

static void put16(GByteArray *out, uint16_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    g_byte_array_append(out, bytes, sizeof bytes);
}

static void put32(GByteArray *out, uint32_t value)
{
    put16(out, (uint16_t)(value >> 16));
    put16(out, (uint16_t)value);
}

static void put_hex(GByteArray *out, const char *hex)
{
    for (; *hex != '\0'; hex++) {
        if (*hex != ' ') {
            const uint8_t byte = (uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
            g_byte_array_append(out, &byte, 1);
            hex++;
        }
    }
}

/* A classic capture, big-endian; nano: in nanoseconds. */
static GByteArray *pcap_file(uint32_t link_type, bool nano)
{
    GByteArray *out = g_byte_array_new();
    put32(out, nano ? 0xa1b23c4d : 0xa1b2c3d4);
    put16(out, 2);
    put16(out, 4);
    put32(out, 0);
    put32(out, 0);
    put32(out, 65535);
    put32(out, link_type);
    return out;
}

/* A frame of which `captured` bytes were kept. */
static void put_cut_frame(GByteArray *file, uint32_t seconds, uint32_t fraction, const GByteArray *frame,
                          uint32_t captured)
{
    put32(file, seconds);
    put32(file, fraction);
    put32(file, captured);
    put32(file, frame->len);
    g_byte_array_append(file, frame->data, captured);
}

static void put_frame(GByteArray *file, uint32_t seconds, uint32_t fraction, const GByteArray *frame)
{
    put_cut_frame(file, seconds, fraction, frame, frame->len);
}

/* link header (hex), IP packet with that text as UDP payload, trailing bytes (hex) */
static GByteArray *frame_of(const char *link, const char *src, const char *dst, const char *text, const char *behind)
{
    hp_addr from, to;
    assert_true(hp_addr_parse(src, &from) && hp_addr_parse(dst, &to));
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, text, strlen(text));
    uint8_t wire[2048];
    const size_t n = hp_packet_write(p, wire, sizeof wire);
    GByteArray *frame = g_byte_array_new();
    put_hex(frame, link);
    g_byte_array_append(frame, wire, (guint)n);
    put_hex(frame, behind);
    return frame;
}

static GByteArray *v4(const char *text)
{
    return frame_of("", "192.0.2.1:1000", "192.0.2.2:2000", text, "");
}

static GByteArray *v6(const char *text)
{
    return frame_of("", "[2001:db8::1]:1000", "[2001:db8::2]:2000", text, "");
}

/* ---- reading them ---- */

static char *temporary(const char *name)
{
    g_autofree char *dir = g_dir_make_tmp("hairpin-capture-XXXXXX", NULL);
    assert_non_null(dir);
    return g_build_filename(dir, name, NULL);
}

static void remove_temporary(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);
    g_unlink(path);
    g_rmdir(dir);
}

static hp_capture *read_bytes(const void *bytes, size_t n, GError **error)
{
    g_autofree char *path = temporary("a.pcap");
    assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
    hp_capture *capture = hp_capture_read(path, error);
    if (error != NULL && *error != NULL) {
        assert_true(g_str_has_prefix((*error)->message, path));
        /* What follows the path, for the tests to compare. */
        g_autofree char *rest = g_strdup((*error)->message + strlen(path));
        g_free((*error)->message);
        (*error)->message = g_steal_pointer(&rest);
    }
    remove_temporary(path);
    return capture;
}

static hp_capture *read_file(const GByteArray *file)
{
    g_autoptr(GError) error = NULL;
    hp_capture *capture = read_bytes(file->data, file->len, &error);
    if (capture == NULL) {
        fail_msg("%s", error->message);
    }
    return capture;
}

static void assert_refused(const void *bytes, size_t n, int code, const char *message)
{
    g_autoptr(GError) error = NULL;
    assert_null(read_bytes(bytes, n, &error));
    assert_true(g_error_matches(error, HP_ERROR, code));
    assert_string_equal(error->message, message);
}

static void assert_datagram(const hp_capture *capture, size_t i, hp_time at, const char *text)
{
    assert_true(i < capture->n);
    assert_int_equal(capture->datagrams[i].at, at);
    assert_int_equal(capture->datagrams[i].len, strlen(text));
    assert_memory_equal(capture->datagrams[i].data, text, strlen(text));
}

/* The texts of all datagrams, one after the other, a bar after each. */
static void assert_texts(const GByteArray *file, const char *expected, size_t n_skipped)
{
    g_autoptr(hp_capture) capture = read_file(file);
    g_autoptr(GString) got = g_string_new(NULL);
    for (size_t i = 0; i < capture->n; i++) {
        g_string_append_len(got, (const char *)capture->datagrams[i].data, (gssize)capture->datagrams[i].len);
        g_string_append_c(got, '|');
    }
    assert_string_equal(got->str, expected);
    assert_int_equal(capture->n_skipped, n_skipped);
}

static void put_and_free(GByteArray *file, GByteArray *frame)
{
    put_frame(file, 1, 0, frame);
    g_byte_array_unref(frame);
}

/* ---- tests ---- */

static void times_count_from_the_first(void **state)
{
    g_autoptr(GByteArray) file = pcap_file(RAW, true);
    g_autoptr(GByteArray) a = v4("a"), b = v4("bb"), c = v4("");
    put_frame(file, 1700000000, 999999999, a);
    put_frame(file, 1700000001, 0, b);
    put_frame(file, 1700000060, 7, c);
    put_frame(file, 1700000059, 0, a); /* the clock was set back: time stands still */
    put_frame(file, 1699999999, 0, b);
    put_frame(file, 1700000060, 8, a);
    g_autoptr(hp_capture) capture = read_file(file);
    assert_int_equal(capture->n, 6);
    assert_datagram(capture, 0, 0, "a");
    assert_datagram(capture, 1, 1, "bb");
    assert_datagram(capture, 2, 59 * HP_S + 8, "");
    assert_non_null(capture->datagrams[2].data);
    assert_datagram(capture, 3, 59 * HP_S + 8, "a");
    assert_datagram(capture, 4, 59 * HP_S + 8, "bb");
    assert_datagram(capture, 5, 59 * HP_S + 9, "a");

    /* References keep it. */
    hp_capture *other = hp_capture_ref(capture);
    hp_capture_unref(other);
    assert_datagram(capture, 0, 0, "a");
    hp_capture_unref(NULL);
}

static void microseconds(void **state)
{
    g_autoptr(GByteArray) file = pcap_file(RAW, false);
    g_autoptr(GByteArray) a = v4("a");
    put_frame(file, 5, 999999, a);
    put_frame(file, 6, 20001, a);
    g_autoptr(hp_capture) capture = read_file(file);
    assert_datagram(capture, 1, 20 * HP_MS + 2 * HP_US, "a");
}

static void link_types(void **state)
{
    static const struct {
        uint32_t type;
        const char *link_v4, *link_v6;
    } rows[] = {
        {EN10MB, "020000000001 020000000002 0800", "020000000001 020000000002 86dd"},
        {LOOPBACK_NULL, "02000000", "1c000000"},
        {LOOPBACK, "00000002", "0000001e"},
        {SLL, "0000 0001 0006 020000000001 0000 0800", "0000 0001 0006 020000000001 0000 86dd"},
        {SLL2, "0800 0000 00000002 0001 00 06 0200000000010000", "86dd 0000 00000002 0001 00 06 0200000000010000"},
        {RAW, "", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) file = pcap_file(rows[i].type, false);
        put_and_free(file, frame_of(rows[i].link_v4, "192.0.2.1:1", "192.0.2.2:2", "four", ""));
        put_and_free(file, frame_of(rows[i].link_v6, "[2001:db8::1]:1", "[2001:db8::2]:2", "six", ""));
        assert_texts(file, "four|six|", 0);
    }
    g_autoptr(GByteArray) only4 = pcap_file(RAW4, false), only6 = pcap_file(RAW6, false);
    put_and_free(only4, v4("four"));
    put_and_free(only6, v6("six"));
    assert_texts(only4, "four|", 0);
    assert_texts(only6, "six|", 0);
}

static void tags_and_padding(void **state)
{
    g_autoptr(GByteArray) file = pcap_file(EN10MB, false);
    static const char *const links[] = {
        "020000000001 020000000002 8100 0005 0800", "020000000001 020000000002 88a8 0005 8100 0006 0800",
        "020000000001 020000000002 9100 0005 0800", "020000000001 020000000002 0806", /* ARP */
        "020000000001 020000000002 0026", /* a length: 802.3 */
        "020000000001 020000000002 8100", /* the IP packet is no tag */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
        put_and_free(file, frame_of(links[i], "192.0.2.1:1", "192.0.2.2:2", "x", "0000 0000 0000"));
    }
    /* A frame that is nothing but tags, and one that ends in a tag. */
    g_autoptr(GByteArray) tags = g_byte_array_new();
    put_hex(tags, "020000000001 020000000002");
    for (unsigned i = 0; i < 20; i++) {
        put_hex(tags, "8100 0001");
    }
    put_frame(file, 1, 0, tags);
    g_byte_array_set_size(tags, 16);
    put_frame(file, 1, 0, tags);
    assert_texts(file, "x|x|x|", 5);
}

/* An IPv6 packet with these extension headers (hex, the first of type `next`) before a datagram with payload "six". */
static GByteArray *extended(uint8_t next, const char *extensions)
{
    g_autoptr(GByteArray) plain = v6("six");
    g_autoptr(GByteArray) headers = g_byte_array_new();
    put_hex(headers, extensions);
    GByteArray *frame = g_byte_array_new();
    g_byte_array_append(frame, plain->data, 40);
    frame->data[6] = next;
    frame->data[5] = (uint8_t)(frame->data[5] + headers->len);
    g_byte_array_append(frame, headers->data, headers->len);
    g_byte_array_append(frame, plain->data + 40, plain->len - 40);
    return frame;
}

static void extension_headers(void **state)
{
    g_autoptr(GByteArray) file = pcap_file(RAW, false);
    put_and_free(file, extended(0, "11 00 0104 00000000")); /* hop by hop */
    put_and_free(file, extended(60, "11 01 010c 00000000 00000000 00000000")); /* destination options, 16 bytes */
    put_and_free(file, extended(0, "3c 00 0104 00000000 11 00 0104 00000000"));
    put_and_free(file, extended(43, "11 02 00 00 00000000 20010db8000000000000000000000009")); /* routing */
    put_and_free(file, extended(44, "11 00 0000 12345678")); /* a whole packet with a fragment header */
    put_and_free(file, extended(51, "11 04 0000 00000001 00000001 000000000000000000000000")); /* authentication */
    /* Passed over: */
    put_and_free(file, extended(44, "11 00 0001 12345678")); /* a first fragment */
    put_and_free(file, extended(44, "11 00 0008 12345678")); /* a later one */
    put_and_free(file, extended(0, "06 00 0104 00000000")); /* TCP */
    put_and_free(file, extended(50, "00000001 00000001")); /* encrypted */
    put_and_free(file, extended(0, "11 ff 0104 00000000")); /* a header that is longer than the packet */
    g_autofree char *many = g_strnfill(17 * 16, '0'); /* seventeen hop-by-hop headers in a row */
    put_and_free(file, extended(0, many));
    assert_texts(file, "six|six|six|six|six|six|", 6);
}

static void what_is_no_whole_datagram_is_passed_over(void **state)
{
    g_autoptr(GByteArray) file = pcap_file(RAW, false);
    g_autoptr(GByteArray) whole = v4("whole");
    put_frame(file, 1, 0, whole);
    put_cut_frame(file, 1, 0, whole, whole->len - 1); /* by the snapshot length */
    put_cut_frame(file, 1, 0, whole, 10);
    put_cut_frame(file, 1, 0, whole, 0);
    static const struct {
        unsigned at;
        uint8_t value;
        bool taken;
    } changes[] = {
        {6, 0x20, false}, /* more fragments */
        {7, 0x01, false}, /* an offset */
        {6, 0x40, true}, /* may not be fragmented */
        {9, 6, false}, /* TCP */
        {0, 0x44, false}, /* a header below 20 bytes */
        {0, 0x4f, false}, /* and one of 60 bytes */
        {0, 0x55, false}, /* version 5 */
        {3, 19, false}, /* an IP packet shorter than its header */
        {3, 27, false}, /* and one with 7 bytes of UDP */
        {3, 34, true}, /* one byte behind the datagram */
        {25, 7, false}, /* a UDP length below its header */
        {25, 14, false}, /* and beyond the packet */
        {25, 13, true},   {10, 0, true}, /* a wrong header checksum, as before the hardware fills it in */
        {26, 0xff, true}, /* and UDP's */
    };
    unsigned skipped = 3;
    g_autoptr(GString) expected = g_string_new("whole|");
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autoptr(GByteArray) frame = v4("whole");
        put_hex(frame, "00");
        frame->data[changes[i].at] = changes[i].value;
        put_frame(file, 1, 0, frame);
        g_string_append(expected, changes[i].taken ? "whole|" : "");
        skipped += !changes[i].taken;
    }
    assert_texts(file, expected->str, skipped);
}

/* IPv4 options are stepped over; a UDP length below the IP packet's cuts the payload. */
static void options_and_short_lengths(void **state)
{
    g_autoptr(GByteArray) file = pcap_file(RAW, false);
    g_autoptr(GByteArray) frame = g_byte_array_new();
    put_hex(frame, "46 00 0025 0000 0000 40 11 0000 c0000201 c0000202 01010100"); /* one word of options */
    put_hex(frame, "03e8 07d0 000b 0000 61 62 63 64 65");
    put_frame(file, 1, 0, frame);
    assert_texts(file, "abc|", 0);
}

/* ---- pcapng ---- */

static void put_block(GByteArray *file, uint32_t type, const char *body_hex, const GByteArray *frame)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    put_hex(body, body_hex);
    if (frame != NULL) {
        put32(body, frame->len);
        put32(body, frame->len);
        g_byte_array_append(body, frame->data, frame->len);
        while (body->len % 4 != 0) {
            put_hex(body, "00");
        }
    }
    put32(file, type);
    put32(file, body->len + 12);
    g_byte_array_append(file, body->data, body->len);
    put32(file, body->len + 12);
}

#define SECTION "1a2b3c4d 0001 0000 ffffffffffffffff"
#define RAW_IN_NS "0065 0000 00000000 0009 0001 09000000 0000 0000"
#define RAW_IN_US "0065 0000 00000000"

static void interfaces_with_clocks_of_their_own(void **state)
{
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_autoptr(GByteArray) a = v4("a");
    put_block(file, 0x0a0d0d0a, SECTION, NULL);
    put_block(file, 1, RAW_IN_US, NULL);
    put_block(file, 1, RAW_IN_NS, NULL);
    put_block(file, 6, "00000000 00000000 00000064", a); /* 100 us */
    put_block(file, 10, "544c534b 00000000", NULL); /* what is not packets is stepped over */
    put_block(file, 6, "00000001 00000000 000186a7", a); /* 100,007 ns */
    g_autoptr(hp_capture) capture = read_file(file);
    assert_int_equal(capture->n, 2);
    assert_datagram(capture, 1, 7, "a");
}

static void two_link_types_in_one_file(void **state)
{
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_autoptr(GByteArray) a = v4("a");
    put_block(file, 0x0a0d0d0a, SECTION, NULL);
    put_block(file, 1, RAW_IN_NS, NULL);
    put_block(file, 1, "0001 0000 00000000", NULL);
    put_block(file, 6, "00000000 00000000 00000000", a);
    g_autoptr(GError) error = NULL;
    assert_null(read_bytes(file->data, file->len, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_non_null(strstr(error->message, "type 1 different from the type of the first interface"));
}

/* Raw IP on several interfaces, in either byte order, and beside a block that is longer than the file. */
static void several_raw_interfaces(void **state)
{
    static const char big[] = "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"
                              "00000001 00000014 0065 0000 00000000 00000014"
                              "00000001 00000014 0065 0000 00000000 00000014";
    static const char little[] = "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"
                                 "01000000 14000000 6500 0000 00000000 14000000"
                                 "01000000 14000000 6500 0000 00000000 14000000"
                                 "06000000 40000000 01000000 00000000 00000000 1e000000 1e000000";
    g_autoptr(GByteArray) one = g_byte_array_new();
    put_hex(one, big);
    g_autoptr(GByteArray) frame = v4("ab");
    put_block(one, 6, "00000001 00000000 00000000", frame);
    assert_texts(one, "ab|", 0);
    g_autoptr(GByteArray) other = g_byte_array_new();
    put_hex(other, little);
    g_byte_array_append(other, frame->data, frame->len);
    put_hex(other, "0000 40000000");
    assert_texts(other, "ab|", 0);
    put_hex(other, "06000000 ffffffff 00000000");
    g_autoptr(GError) error = NULL;
    assert_null(read_bytes(other->data, other->len, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
}

/* What we write we read: the trace's own capture. */
static void our_own_captures(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const uint32_t alice = hp_trace_tap(trace, "alice"), bob = hp_trace_tap(trace, "bob");
    hp_addr from, to;
    assert_true(hp_addr_parse("192.0.2.1:1000", &from) && hp_addr_parse("192.0.2.2:2000", &to));
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, "hello", 5);
    hp_trace_packet(trace, 3 * HP_S, alice, HP_DIR_OUT, p);
    hp_trace_note(trace, 3 * HP_S, 1, "a remark");
    hp_trace_packet(trace, 3 * HP_S + 11, bob, HP_DIR_IN, p);
    hp_trace_event(trace, 4 * HP_S, HP_EV_DTLS_SECRET, "alice", HP_FS("line", "CLIENT_RANDOM 00 11"));
    g_autofree char *path = temporary("trace.pcapng");
    assert_true(hp_trace_write_pcapng(trace, path, "comment", NULL));
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_capture) capture = hp_capture_read(path, &error);
    remove_temporary(path);
    assert_non_null(capture);
    assert_int_equal(capture->n, 2);
    assert_datagram(capture, 0, 0, "hello");
    assert_datagram(capture, 1, 11, "hello");
}

/* ---- the recording that tests of replay use ---- */

static void the_voice(void **state)
{
    g_autoptr(hp_capture) classic = hp_capture_read(HAIRPIN_SOURCE_DIR "/fixtures/media/voice.pcap", NULL);
    g_autoptr(hp_capture) newer = hp_capture_read(HAIRPIN_SOURCE_DIR "/fixtures/media/voice.pcapng", NULL);
    const hp_capture *const forms[2] = {classic, newer};
    for (unsigned form = 0; form < 2; form++) {
        const hp_capture *c = forms[form];
        assert_non_null(c);
        assert_int_equal(c->n, 110);
        assert_int_equal(c->n_skipped, 0);
        for (unsigned i = 0; i < c->n; i++) {
            const unsigned frame = i < 60 ? i : i + 40; /* nobody talks from frame 60 to 99 */
            hp_rtp_packet rtp;
            assert_true(hp_rtp_parse(c->datagrams[i].data, c->datagrams[i].len, &rtp));
            assert_int_equal(c->datagrams[i].at, frame * 20 * HP_MS);
            assert_int_equal(rtp.pt, 0);
            assert_int_equal(rtp.ssrc, 0x5eed0001);
            assert_int_equal(rtp.sequence, (65500 + i) % 65536);
            assert_int_equal(rtp.timestamp, (uint32_t)(0xfffff000 + frame * 160));
            assert_int_equal(rtp.marker, frame == 0 || frame == 100);
            assert_int_equal(rtp.payload_len, 160);
            assert_memory_equal(c->datagrams[i].data, forms[0]->datagrams[i].data, 172);
        }
    }
}

/* ---- files that are wrong ---- */

static void no_such_file(void **state)
{
    g_autoptr(GError) error = NULL;
    assert_null(hp_capture_read("/nonexistent/a.pcap", &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_string_equal(error->message, "/nonexistent/a.pcap: No such file or directory");
    g_clear_error(&error);
    assert_null(hp_capture_read("/", &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_string_equal(error->message, "/: Is a directory");
    g_clear_error(&error);
    assert_null(hp_capture_read("/dev/null", &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_string_equal(error->message, "/dev/null: no regular file");
    assert_null(hp_capture_read("/nonexistent/a.pcap", NULL));
}

static void no_capture(void **state)
{
    static const char text[] = "peers: {alice: {}, bob: {}}\nnetwork: {}\n";
    assert_refused(text, strlen(text), HP_ERROR_INVALID, ": no capture: unknown file format");
    g_autoptr(GError) error = NULL;
    assert_null(read_bytes("", 0, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_true(g_str_has_prefix(error->message, ": no capture: truncated dump file"));
}

static void a_link_type_nobody_reads(void **state)
{
    g_autoptr(GByteArray) file = pcap_file(127, false);
    g_autoptr(GByteArray) a = v4("a");
    put_frame(file, 0, 0, a);
    assert_refused(file->data, file->len, HP_ERROR_INVALID,
                   ": its link type is IEEE802_11_RADIO (127); Ethernet, raw IP, Linux cooked and loopback are known");
}

static void no_datagram(void **state)
{
    g_autoptr(GByteArray) file = pcap_file(RAW, false);
    assert_refused(file->data, file->len, HP_ERROR_INVALID, ": no UDP datagram among its 0 frames");
    g_autoptr(GByteArray) tcp = v4("x");
    tcp->data[9] = 6;
    put_frame(file, 0, 0, tcp);
    put_frame(file, 0, 0, tcp);
    assert_refused(file->data, file->len, HP_ERROR_INVALID, ": no UDP datagram among its 2 frames");
}

/* Cut anywhere but between two frames, either form is refused by name; nothing of what was read is handed out. */
static void cut_files(void **state)
{
    g_autoptr(GByteArray) classic = pcap_file(RAW, false);
    g_autoptr(GByteArray) a = v4("a");
    put_frame(classic, 0, 0, a);
    const guint one = classic->len;
    put_frame(classic, 0, 1, a);
    for (guint n = 0; n < classic->len; n++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(hp_capture) capture = read_bytes(classic->data, n, &error);
        if (n == one) {
            assert_non_null(capture);
            assert_int_equal(capture->n, 1);
        } else {
            assert_null(capture);
            assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
            if (n > one) {
                assert_true(g_str_has_prefix(error->message, ": after 1 frames: truncated dump file; tried to read "));
            }
        }
    }

    g_autoptr(GByteArray) file = g_byte_array_new();
    put_block(file, 0x0a0d0d0a, SECTION, NULL);
    put_block(file, 1, RAW_IN_NS, NULL);
    put_block(file, 6, "00000000 00000000 00000000", a);
    for (guint n = 0; n < file->len; n++) {
        g_autoptr(GError) error = NULL;
        assert_null(read_bytes(file->data, n, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    }
    assert_texts(file, "a|", 0);
}

/* Any byte of a capture may be anything: an error or datagrams that lie inside, never a crash. */
static void damaged_files(void **state)
{
    g_autoptr(GByteArray) file = pcap_file(EN10MB, false);
    put_and_free(file, frame_of("020000000001 020000000002 8100 0005 86dd", "[2001:db8::1]:1", "[2001:db8::2]:2",
                                "some text", "0000"));
    g_autoptr(GByteArray) newer = g_byte_array_new();
    g_autoptr(GByteArray) a = v4("some text");
    put_block(newer, 0x0a0d0d0a, SECTION, NULL);
    put_block(newer, 1, RAW_IN_NS, NULL);
    put_block(newer, 6, "00000000 00000000 00000000", a);
    GByteArray *const files[] = {file, newer};
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (unsigned f = 0; f < 2; f++) {
        for (guint i = 0; i < files[f]->len; i++) {
            const uint8_t good = files[f]->data[i];
            for (unsigned v = 0; v < G_N_ELEMENTS(values); v++) {
                files[f]->data[i] = values[v];
                g_autoptr(GError) error = NULL;
                g_autoptr(hp_capture) capture = read_bytes(files[f]->data, files[f]->len, &error);
                assert_true((capture != NULL) != (error != NULL));
                for (size_t k = 0; capture != NULL && k < capture->n; k++) {
                    assert_in_range(capture->datagrams[k].len, 0, 200);
                }
            }
            files[f]->data[i] = good;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_count_from_the_first),
        cmocka_unit_test(microseconds),
        cmocka_unit_test(link_types),
        cmocka_unit_test(tags_and_padding),
        cmocka_unit_test(extension_headers),
        cmocka_unit_test(what_is_no_whole_datagram_is_passed_over),
        cmocka_unit_test(options_and_short_lengths),
        cmocka_unit_test(interfaces_with_clocks_of_their_own),
        cmocka_unit_test(two_link_types_in_one_file),
        cmocka_unit_test(several_raw_interfaces),
        cmocka_unit_test(our_own_captures),
        cmocka_unit_test(the_voice),
        cmocka_unit_test(no_such_file),
        cmocka_unit_test(no_capture),
        cmocka_unit_test(a_link_type_nobody_reads),
        cmocka_unit_test(no_datagram),
        cmocka_unit_test(cut_files),
        cmocka_unit_test(damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
