/* The TCP header codec and sequence arithmetic: exact bytes, every way of being malformed, and round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "wire/packet.h"
#include "wire/tcp.h"

/* From the sequence number on: a SYN with MSS 1460, SACK permitted, window scale 7. */
static const uint8_t syn_bytes[] = {
    0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00, 0x80, 0x02, 0xff, 0xfe, 0x00, 0x00,
    0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x01, 0x01, 0x04, 0x02, 0x01, 0x03, 0x03, 0x07,
};

static void a_syn_is_written_and_read(void **state)
{
    hp_tcp_header h = {.seq = 0x01020304,
                       .flags = HP_TCP_SYN,
                       .window = 0xfffe,
                       .mss = 1460,
                       .sack_permitted = true,
                       .has_window_scale = true,
                       .window_scale = 7};
    uint8_t out[HP_TCP_HEADER_ROOM];
    assert_int_equal(hp_tcp_write(&h, out, sizeof out), sizeof syn_bytes);
    assert_memory_equal(out, syn_bytes, sizeof syn_bytes);
    assert_int_equal(hp_tcp_write(&h, out, sizeof syn_bytes), sizeof syn_bytes);
    assert_int_equal(hp_tcp_write(&h, out, sizeof syn_bytes - 1), 0);

    hp_tcp_header read = {0};
    const uint8_t *data = NULL;
    size_t length = 99;
    assert_true(hp_tcp_parse(syn_bytes, sizeof syn_bytes, &read, &data, &length));
    assert_int_equal(read.seq, 0x01020304);
    assert_int_equal(read.flags, HP_TCP_SYN);
    assert_int_equal(read.window, 0xfffe);
    assert_int_equal(read.mss, 1460);
    assert_true(read.sack_permitted);
    assert_true(read.has_window_scale);
    assert_int_equal(read.window_scale, 7);
    assert_int_equal(length, 0);
    assert_ptr_equal(data, syn_bytes + sizeof syn_bytes);
}

static void plain_segments(void **state)
{
    static const uint8_t bytes[] = {
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x07, 0x50, 0x18, 0x12, 0x34, 0xab, 0xcd, 0x00, 0x09, 'h', 'e', 'y',
    };
    hp_tcp_header h = {0};
    const uint8_t *data = NULL;
    size_t length = 0;
    assert_true(hp_tcp_parse(bytes, sizeof bytes, &h, &data, &length));
    assert_int_equal(h.seq, UINT32_MAX);
    assert_int_equal(h.ack, 7);
    assert_int_equal(h.flags, HP_TCP_PSH | HP_TCP_ACK);
    assert_int_equal(h.window, 0x1234);
    assert_int_equal(h.urgent, 9);
    assert_int_equal(h.mss, 0);
    assert_false(h.has_window_scale);
    assert_int_equal(length, 3);
    assert_memory_equal(data, "hey", 3);
    uint8_t out[HP_TCP_HEADER_ROOM];
    assert_int_equal(hp_tcp_write(&h, out, sizeof out), 16);
    assert_int_equal(out[12] | out[13], 0); /* the checksum is not this codec's */
    assert_memory_equal(out, bytes, 12);
}

static bool parses(const uint8_t *bytes, size_t n)
{
    hp_tcp_header h = {.seq = 77};
    const uint8_t *data = bytes;
    size_t length = 5;
    if (hp_tcp_parse(bytes, n, &h, &data, &length)) {
        return true;
    }
    assert_int_equal(h.seq, 77); /* outputs are left alone */
    assert_ptr_equal(data, bytes);
    assert_int_equal(length, 5);
    return false;
}

/* A header with these bytes of options; n_options a multiple of 4. */
static bool options_parse(const uint8_t *options, size_t n_options, hp_tcp_header *ret)
{
    uint8_t bytes[56] = {[8] = (uint8_t)((20 + n_options) / 4 << 4)};
    memcpy(bytes + 16, options, n_options);
    const uint8_t *data;
    size_t length;
    return hp_tcp_parse(bytes, 16 + n_options, ret, &data, &length);
}
#define OPTIONS(...)                                                                                                   \
    options_parse((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), &(hp_tcp_header){0})

static void malformed_segments_are_refused(void **state)
{
    uint8_t bytes[sizeof syn_bytes];
    memcpy(bytes, syn_bytes, sizeof bytes);
    for (size_t n = 0; n < sizeof bytes; n++) {
        assert_false(parses(bytes, n)); /* shorter than the data offset says */
    }
    assert_true(parses(bytes, sizeof bytes));
    bytes[8] = 0x40; /* a header of 16 bytes */
    assert_false(parses(bytes, sizeof bytes));
    bytes[8] = 0x50;
    assert_true(parses(bytes, 16));
    bytes[8] = 0xf0;
    assert_false(parses(bytes, sizeof bytes));

    assert_true(OPTIONS(1, 1, 1, 1));
    assert_true(OPTIONS(0, 9, 9, 9)); /* nothing after the end is looked at */
    assert_true(OPTIONS(254, 4, 0, 0)); /* unknown */
    assert_false(OPTIONS(254, 1, 0, 0));
    assert_false(OPTIONS(254, 0, 0, 0));
    assert_false(OPTIONS(254, 5, 0, 0));
    assert_false(OPTIONS(1, 1, 1, 254)); /* no room for its length */
    assert_false(OPTIONS(2, 3, 5, 0)); /* an MSS of three bytes */
    assert_false(OPTIONS(3, 4, 5, 0));
    assert_false(OPTIONS(3, 2, 0, 0));
    assert_false(OPTIONS(4, 3, 0, 0));
    assert_true(OPTIONS(4, 2, 0, 0));

    hp_tcp_header h = {0};
    assert_true(options_parse((const uint8_t[]){3, 3, 15, 0}, 4, &h));
    assert_int_equal(h.window_scale, HP_TCP_MAX_SCALE);
}

/* What is read can be written and reads the same; whatever bytes come, nothing breaks. */
static void random_segments(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 1, "segments");
    unsigned n_parsed = 0;
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t bytes[80], again[HP_TCP_HEADER_ROOM];
        size_t n = (size_t)hp_rng_below(&rng, sizeof bytes + 1);
        hp_rng_bytes(&rng, bytes, n);
        if (n > 8 && i % 2 == 0) {
            bytes[8] = (uint8_t)(hp_rng_below(&rng, 11) + 5) << 4;
            for (size_t k = 16; k < n; k++) {
                bytes[k] %= 6; /* options that make sense more often */
            }
        }
        hp_tcp_header h, back;
        const uint8_t *data;
        size_t length;
        if (!hp_tcp_parse(bytes, n, &h, &data, &length)) {
            continue;
        }
        n_parsed++;
        assert_ptr_equal(data + length, bytes + n);
        size_t written = hp_tcp_write(&h, again, sizeof again);
        assert_true(written >= 16);
        assert_true(hp_tcp_parse(again, written, &back, &data, &length));
        assert_int_equal(length, 0);
        assert_int_equal(back.seq, h.seq);
        assert_int_equal(back.ack, h.ack);
        assert_int_equal(back.flags, h.flags);
        assert_int_equal(back.window, h.window);
        assert_int_equal(back.urgent, h.urgent);
        assert_int_equal(back.mss, h.mss);
        assert_int_equal(back.has_window_scale, h.has_window_scale);
        assert_int_equal(back.window_scale, h.window_scale);
        assert_int_equal(back.sack_permitted, h.sack_permitted);
    }
    assert_true(n_parsed > 1000);
}

static void sequence_numbers_go_round(void **state)
{
    assert_true(hp_tcp_before(1, 2));
    assert_false(hp_tcp_before(2, 2));
    assert_false(hp_tcp_before(3, 2));
    assert_true(hp_tcp_before(UINT32_MAX, 0));
    assert_true(hp_tcp_after(5, UINT32_MAX - 5));
    assert_true(hp_tcp_before(0, INT32_MAX));
    assert_false(hp_tcp_after(0, INT32_MAX));
}

static void quoted_sequence_numbers(void **state)
{
    uint32_t seq = 5;
    assert_false(hp_tcp_quoted_seq(syn_bytes, 3, &seq));
    assert_int_equal(seq, 5);
    assert_true(hp_tcp_quoted_seq(syn_bytes, 4, &seq));
    assert_int_equal(seq, 0x01020304);
}

static void flags_have_names(void **state)
{
    char text[HP_TCP_FLAGS_TEXT];
    assert_string_equal(hp_tcp_flags_format(0, text), "-");
    assert_string_equal(hp_tcp_flags_format(HP_TCP_SYN | HP_TCP_ACK, text), "SYN,ACK");
    assert_string_equal(hp_tcp_flags_format(0xff, text), "SYN,FIN,RST,PSH,ACK,URG,ECE,CWR");
}

/* The codec of packets gives the segment a checksum; its parser finds the same payload again. */
static void packets_carry_segments(void **state)
{
    hp_addr from = hp_addr_v4(0xc0000201, 1000), to = hp_addr_v4(0xc0000202, 80);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_TCP, &from, &to, syn_bytes, sizeof syn_bytes);
    uint8_t wire[128];
    size_t n = hp_packet_write(p, wire, sizeof wire);
    assert_int_equal(n, 20 + 4 + sizeof syn_bytes);
    g_autoptr(hp_packet) back = hp_packet_parse(wire, n, NULL);
    assert_non_null(back);
    assert_false(back->corrupt);
    hp_tcp_header h;
    const uint8_t *data;
    size_t length;
    assert_true(hp_tcp_parse(back->payload, back->length, &h, &data, &length));
    assert_int_equal(h.seq, 0x01020304);
    assert_int_equal(h.mss, 1460);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_syn_is_written_and_read),
        cmocka_unit_test(plain_segments),
        cmocka_unit_test(malformed_segments_are_refused),
        cmocka_unit_test(random_segments),
        cmocka_unit_test(sequence_numbers_go_round),
        cmocka_unit_test(quoted_sequence_numbers),
        cmocka_unit_test(flags_have_names),
        cmocka_unit_test(packets_carry_segments),
    };
    return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
