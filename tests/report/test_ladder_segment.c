/* What a ladder makes of a TCP segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "report/ladder_private.h"
#include "wire/tcp.h"

static hp_packet *segment(uint8_t flags, uint32_t seq, uint16_t window, const void *data, size_t len)
{
    const hp_addr src = hp_addr_v4(0x0a000001, 1000), dst = hp_addr_v4(0x0a000002, 2000);
    const hp_tcp_header h = {.seq = seq, .ack = 9, .flags = flags, .window = window};
    uint8_t bytes[500];
    size_t n = hp_tcp_write(&h, bytes, sizeof bytes);
    memcpy(bytes + n, data, len);
    return hp_packet_new(HP_PROTO_TCP, &src, &dst, bytes, n + len);
}

static hp_ladder_wire read_segment(uint8_t flags, uint32_t seq, const void *data, size_t len)
{
    g_autoptr(hp_packet) p = segment(flags, seq, 100, data, len);
    hp_ladder_wire w;
    hp_ladder_wire_read(p, &w);
    return w;
}

static void test_control(void **state)
{
    static const struct {
        uint8_t flags;
        const char *text;
    } cases[] = {
        {HP_TCP_SYN, "TCP SYN"}, {HP_TCP_SYN | HP_TCP_ACK, "TCP SYN ACK"}, {HP_TCP_FIN | HP_TCP_ACK, "TCP FIN"},
        {HP_TCP_RST, "TCP RST"}, {HP_TCP_RST | HP_TCP_ACK, "TCP RST"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_ladder_wire w = read_segment(cases[i].flags, 1, "", 0);
        assert_string_equal(w.segment, cases[i].text);
        assert_false(w.acknowledges);
        assert_int_equal(w.kind, HP_WIRE_OTHER);
    }
    assert_true(read_segment(HP_TCP_ACK, 1, "", 0).acknowledges);
}

static void test_data(void **state)
{
    assert_string_equal(read_segment(HP_TCP_ACK, 1, "hello", 5).segment, "TCP data");
    assert_string_equal(read_segment(HP_TCP_ACK | HP_TCP_FIN, 1, "hello", 5).segment, "TCP data");
    assert_string_equal(read_segment(HP_TCP_ACK, 1, "\x16\x03\x01\0\x01\x01", 6).segment, "TLS");
    g_autoptr(hp_packet) cut = segment(HP_TCP_ACK, 1, 100, "", 0);
    cut->length = 5;
    hp_ladder_wire w;
    hp_ladder_wire_read(cut, &w);
    assert_string_equal(w.segment, "TCP, malformed");
    g_autofree char *text = hp_ladder_wire_describe(cut);
    assert_string_equal(text, "TCP, malformed");
    g_autoptr(hp_packet) whole = segment(HP_TCP_ACK | HP_TCP_PSH, 1, 100, "hello", 5);
    g_autofree char *flags = hp_ladder_wire_describe(whole);
    assert_string_equal(flags, "TCP PSH,ACK, 5 bytes");
}

/* A message has the key that it has in a datagram, whatever is around it; a segment without one is told by its numbers,
 * which a NAT leaves alone, and not by its checksum. */
static void test_keys(void **state)
{
    uint8_t rtp[40] = {0x80, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}, framed[42] = {0, 40}, channel[44] = {0x40, 0, 0, 40};
    const hp_addr a = hp_addr_v4(1, 1), b = hp_addr_v4(2, 2);
    memcpy(framed + 2, rtp, sizeof rtp);
    memcpy(channel + 4, rtp, sizeof rtp);
    g_autoptr(hp_packet) datagram = hp_packet_new(HP_PROTO_UDP, &a, &b, rtp, sizeof rtp);
    hp_ladder_wire plain;
    hp_ladder_wire_read(datagram, &plain);
    const hp_ladder_wire ice = read_segment(HP_TCP_ACK, 1, framed, sizeof framed);
    const hp_ladder_wire turn = read_segment(HP_TCP_ACK, 77, channel, sizeof channel);
    assert_int_equal(ice.kind, HP_WIRE_RTP);
    assert_int_equal(ice.ssrc, 3);
    assert_false(ice.wrapped);
    assert_int_equal(turn.kind, HP_WIRE_RTP);
    assert_true(turn.wrapped);
    assert_int_equal(turn.channel, 0x4000);
    assert_true(plain.key == ice.key && plain.key == turn.key);

    g_autoptr(hp_packet) p = segment(HP_TCP_SYN, 5, 100, "", 0);
    g_autoptr(hp_packet) q = segment(HP_TCP_SYN, 5, 100, "", 0);
    q->payload[12] ^= 0xff; /* the checksum */
    hp_ladder_wire before, behind_nat;
    hp_ladder_wire_read(p, &before);
    hp_ladder_wire_read(q, &behind_nat);
    assert_true(before.key == behind_nat.key);
    assert_false(before.key == read_segment(HP_TCP_SYN, 6, "", 0).key);
    assert_false(read_segment(HP_TCP_ACK, 5, "x", 1).key == read_segment(HP_TCP_ACK, 6, "x", 1).key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
