/* Matches: each field narrows, a zeroed match does not; layers of TURN; demultiplexing and descriptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"
#include "wire/demux.h"
#include "wire/match.h"

static const uint8_t id[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static hp_match_subject udp(const uint8_t *payload, size_t len)
{
    return (hp_match_subject){
        .src = hp_addr_v4(0xc0a80102, 5000),
        .dst = hp_addr_v4(0xcb007105, 3478),
        .proto = HP_PROTO_UDP,
        .payload = payload,
        .payload_length = len,
    };
}

static bool holds(const hp_match *m, const hp_match_subject *s)
{
    return hp_match_packet(m, s);
}

static void test_empty_matches_all(void **state)
{
    hp_match m = {0};
    static const uint8_t protos[] = {HP_PROTO_UDP, HP_PROTO_TCP, HP_PROTO_ICMP, HP_PROTO_ICMPV6, 2};
    assert_true(hp_match_is_empty(&m));
    for (size_t i = 0; i < G_N_ELEMENTS(protos); i++) {
        hp_match_subject s = {.proto = protos[i]};
        assert_true(holds(&m, &s));
    }
    m.inside = true; /* widens, never narrows */
    assert_true(hp_match_is_empty(&m));
}

static void test_header_fields(void **state)
{
    hp_match_subject s = udp((const uint8_t *)"x", 1);
    hp_match m = {.proto = HP_MATCH_UDP};
    assert_true(holds(&m, &s));
    assert_false(hp_match_is_empty(&m));
    m.proto = HP_MATCH_TCP;
    assert_false(holds(&m, &s));
    m.proto = HP_MATCH_ICMP;
    assert_false(holds(&m, &s));
    hp_match_subject ping = {.proto = HP_PROTO_ICMPV6, .icmp_kind = HP_ICMP_ECHO_REQUEST};
    assert_true(holds(&m, &ping));
    ping.proto = HP_PROTO_ICMP;
    assert_true(holds(&m, &ping));
    m.icmp_kind = HP_ICMP_ECHO_REQUEST;
    assert_true(holds(&m, &ping));
    m.icmp_kind = HP_ICMP_ECHO_REPLY;
    assert_false(holds(&m, &ping));

    m = (hp_match){.family = HP_AF_IPV4};
    assert_true(holds(&m, &s));
    m.family = HP_AF_IPV6;
    assert_false(holds(&m, &s));

    m = (hp_match){0};
    assert_true(hp_prefix_parse("192.168.0.0/16", &m.src.prefix));
    assert_true(holds(&m, &s));
    assert_true(hp_prefix_parse("192.168.0.0/16", &m.dst.prefix));
    assert_false(holds(&m, &s));

    m = (hp_match){.dst = {.port_first = 3478, .port_last = 3478}};
    assert_true(holds(&m, &s));
    m.dst = (hp_match_end){.port_first = 3479, .port_last = 4000};
    assert_false(holds(&m, &s));
    m.dst = (hp_match_end){.port_first = 0, .port_last = 3478};
    assert_true(holds(&m, &s));
    m.src = (hp_match_end){.port_first = 1, .port_last = 4999};
    assert_false(holds(&m, &s));
    /* An ICMP query's id is no port. */
    m = (hp_match){.src = {.port_first = 1, .port_last = 65535}};
    ping.src.port = 77;
    assert_false(holds(&m, &ping));

    m = (hp_match){.fragment = HP_PRESENT};
    assert_false(holds(&m, &s));
    m.fragment = HP_ABSENT;
    assert_true(holds(&m, &s));
    s.corrupt = true;
    m.corrupt = HP_ABSENT;
    assert_false(holds(&m, &s));
    m.corrupt = HP_PRESENT;
    assert_true(holds(&m, &s));
}

static void test_size(void **state)
{
    uint8_t payload[100] = {0};
    hp_match_subject s = udp(payload, 100);
    hp_match m = {0};
    assert_true(hp_compare_parse("100..1200", HP_UNIT_BYTES, &m.size));
    assert_true(holds(&m, &s));
    s.payload_length = 99;
    assert_false(holds(&m, &s));
    s.payload_length = 100;
    s.payload = NULL; /* a later fragment */
    assert_false(holds(&m, &s));
    hp_match_subject tcp = {.proto = HP_PROTO_TCP, .payload = payload, .payload_length = 100};
    assert_false(holds(&m, &tcp));
}

static size_t allocate_error(uint8_t *buf, size_t cap)
{
    hp_stun_writer w;
    hp_stun_begin(&w, buf, cap, HP_STUN_ERROR, HP_STUN_ALLOCATE, id, NULL);
    hp_stun_add_error(&w, 438, NULL);
    hp_stun_add_text(&w, HP_STUN_NONCE, "abcd");
    return hp_stun_finish(&w);
}

static size_t check(uint8_t *buf, size_t cap)
{
    hp_stun_writer w;
    hp_stun_key key = hp_stun_key_short("secret", 6);
    hp_stun_begin(&w, buf, cap, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0);
    hp_stun_add_integrity(&w, &key, false);
    return hp_stun_finish(&w);
}

static void test_stun_fields(void **state)
{
    uint8_t error[100], request[100];
    hp_match_subject e = udp(error, allocate_error(error, sizeof error));
    hp_match_subject r = udp(request, check(request, sizeof request));
    hp_match_subject other = udp((const uint8_t *)"hello", 5);
    hp_match_subject hidden = e;
    hidden.payload = NULL;

    hp_match m = {.stun = {.present = HP_PRESENT}};
    assert_true(holds(&m, &e));
    assert_true(holds(&m, &r));
    assert_false(holds(&m, &other));
    assert_false(holds(&m, &hidden));
    m.stun.present = HP_ABSENT;
    assert_false(holds(&m, &e));
    assert_true(holds(&m, &other));
    assert_true(holds(&m, &hidden));

    m = (hp_match){.stun = {.has_class = true, .cls = HP_STUN_REQUEST}}; /* class 0, so that the flag matters */
    assert_true(holds(&m, &r));
    assert_false(holds(&m, &e));
    assert_false(holds(&m, &other));
    m = (hp_match){.stun = {.method = HP_STUN_ALLOCATE}};
    assert_true(holds(&m, &e));
    assert_false(holds(&m, &r));
    m.stun.error_code = 438;
    assert_true(holds(&m, &e));
    m.stun.error_code = 437;
    assert_false(holds(&m, &e));
    m = (hp_match){.stun = {.error_code = 438}};
    assert_false(holds(&m, &r));

    m = (hp_match){.stun = {.integrity = HP_PRESENT}};
    assert_true(holds(&m, &r));
    assert_false(holds(&m, &e));
    assert_false(holds(&m, &other));
    m.stun.integrity = HP_ABSENT;
    assert_false(holds(&m, &r));
    assert_true(holds(&m, &e));
    assert_false(holds(&m, &other)); /* a field of STUN asks for STUN */

    uint16_t use_candidate = HP_STUN_USE_CANDIDATE, both[] = {HP_STUN_NONCE, HP_STUN_ERROR_CODE};
    m = (hp_match){.stun = {.with = &use_candidate, .n_with = 1}};
    assert_true(holds(&m, &r));
    assert_false(holds(&m, &e));
    m = (hp_match){.stun = {.without = &use_candidate, .n_without = 1}};
    assert_false(holds(&m, &r));
    assert_true(holds(&m, &e));
    assert_false(holds(&m, &other));
    m = (hp_match){.stun = {.with = both, .n_with = 2}};
    assert_true(holds(&m, &e));
    both[1] = HP_STUN_REALM;
    assert_false(holds(&m, &e));
}

static void test_inside(void **state)
{
    uint8_t request[100], channel[200], indication[300], twice[400];
    size_t request_len = check(request, sizeof request);
    size_t channel_len = hp_channel_data_write(channel, sizeof channel, 0x4001, request, request_len);
    hp_stun_writer w;
    hp_stun_begin(&w, indication, sizeof indication, HP_STUN_INDICATION, HP_STUN_SEND, id, NULL);
    hp_stun_add(&w, HP_STUN_DATA_ATTR, request, request_len);
    size_t indication_len = hp_stun_finish(&w);
    size_t twice_len = hp_channel_data_write(twice, sizeof twice, 0x4002, indication, indication_len);

    hp_match_subject c = udp(channel, channel_len), i = udp(indication, indication_len), t = udp(twice, twice_len);
    hp_match m = {.stun = {.method = HP_STUN_BINDING}};
    assert_false(holds(&m, &c));
    assert_false(holds(&m, &i));
    m.inside = true;
    assert_true(holds(&m, &c));
    assert_true(holds(&m, &i));
    assert_true(holds(&m, &t));
    /* The outside is looked at too. */
    m = (hp_match){.stun = {.method = HP_STUN_SEND}, .inside = true};
    assert_true(holds(&m, &i));
    assert_true(holds(&m, &t));
    assert_false(holds(&m, &c));
    m = (hp_match){.channel = 0x4001, .inside = true};
    assert_true(holds(&m, &c));
    assert_false(holds(&m, &t));
    m = (hp_match){.channel_data = HP_PRESENT};
    assert_true(holds(&m, &c));
    assert_true(holds(&m, &t));
    assert_false(holds(&m, &i));
    m = (hp_match){.channel_data = HP_ABSENT};
    assert_false(holds(&m, &c));
    assert_true(holds(&m, &i));
    /* All fields must hold for the same layer. */
    m = (hp_match){.channel = 0x4001, .stun = {.method = HP_STUN_BINDING}, .inside = true};
    assert_false(holds(&m, &c));

    /* The fifth layer is beyond sight. */
    uint8_t layers[2][200];
    memcpy(layers[0], request, request_len);
    size_t len = request_len;
    m = (hp_match){.stun = {.method = HP_STUN_BINDING}, .inside = true};
    for (unsigned depth = 1; depth <= 4; depth++) {
        len = hp_channel_data_write(layers[depth % 2], 200, 0x4000, layers[1 - depth % 2], len);
        hp_match_subject s = udp(layers[depth % 2], len);
        assert_int_equal(holds(&m, &s), depth <= 3);
    }
}

static void test_media(void **state)
{
    uint8_t dtls[20] = {22, 0xfe, 0xfd}, rtp[20] = {0x80, 111}, rtcp[20] = {0x80, 200};
    const hp_match_subject s[] = {udp(dtls, 20), udp(rtp, 20), udp(rtcp, 20)};
    for (unsigned i = 0; i < 3; i++) {
        hp_match m = {.dtls = HP_PRESENT};
        assert_int_equal(holds(&m, &s[i]), i == 0);
        m = (hp_match){.rtp = HP_PRESENT};
        assert_int_equal(holds(&m, &s[i]), i == 1);
        m = (hp_match){.rtcp = HP_PRESENT};
        assert_int_equal(holds(&m, &s[i]), i == 2);
        m = (hp_match){.rtp = HP_ABSENT, .rtcp = HP_ABSENT};
        assert_int_equal(holds(&m, &s[i]), i == 0);
    }
}

static void test_copy_and_clear(void **state)
{
    hp_match m = {.stun = {.method = HP_STUN_BINDING, .n_with = 1, .n_without = 1}}, copy;
    m.stun.with = g_new(uint16_t, 1);
    m.stun.with[0] = HP_STUN_USE_CANDIDATE;
    m.stun.without = g_new(uint16_t, 1);
    m.stun.without[0] = HP_STUN_NONCE;
    hp_match_copy(&m, &copy);
    hp_match_clear(&m);
    assert_true(hp_match_is_empty(&m));
    assert_null(m.stun.with);
    uint8_t request[100];
    hp_match_subject s = udp(request, check(request, sizeof request));
    assert_true(holds(&copy, &s));
    hp_match_clear(&copy);
    hp_match_clear(&copy);
    hp_match_clear(NULL);
}

static void test_subject_of_packet(void **state)
{
    hp_addr src = hp_addr_v4(1, 10), dst = hp_addr_v4(2, 20);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &src, &dst, "hello", 5);
    p->corrupt = true;
    hp_match_subject s = hp_match_subject_of(p);
    assert_true(hp_addr_equal(&s.src, &src) && hp_addr_equal(&s.dst, &dst));
    assert_ptr_equal(s.payload, p->payload);
    assert_int_equal(s.payload_length, 5);
    assert_true(s.corrupt);
    assert_false(s.fragment);
    p->frag_total = 100;
    s = hp_match_subject_of(p);
    assert_true(s.fragment);
    assert_non_null(s.payload); /* the first fragment shows its head */
    p->frag_offset = 8;
    s = hp_match_subject_of(p);
    assert_null(s.payload);
    assert_int_equal(s.payload_length, 0);
}

static void assert_described(const char *hex, hp_wire_kind kind, const char *text)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_autofree uint8_t *exact = g_memdup2(data, len);
    g_autofree char *described = hp_wire_describe(exact, len);
    assert_int_equal(hp_wire_classify(exact, len), kind);
    assert_string_equal(described, text);
}

static void test_describe(void **state)
{
#define ID "0102030405060708090a0b0c"
    assert_described("0001 0000 2112a442" ID, HP_WIRE_STUN, "Binding request");
    assert_described("0001 0000 deadbeef" ID, HP_WIRE_STUN, "Binding request"); /* RFC 3489 */
    assert_described("0101 0000 2112a442" ID, HP_WIRE_STUN, "Binding success");
    assert_described("0016 0000 2112a442" ID, HP_WIRE_STUN, "Send indication");
    assert_described("0113 0008 2112a442" ID "0009 0004 00000401", HP_WIRE_STUN, "Allocate error 401 Unauthorized");
    assert_described("0113 0008 2112a442" ID "0009 0004 00000463", HP_WIRE_STUN, "Allocate error 499");
    assert_described("0113 0008 2112a442" ID "0009 0004 00000901", HP_WIRE_STUN, "Allocate error");
    assert_described("0311 0000 2112a442" ID, HP_WIRE_STUN, "method 0x081 error");
    assert_described("0003 0000 deadbeef" ID, HP_WIRE_OTHER, "20 bytes"); /* RFC 3489 has no Allocate */
    assert_described("0001 0004 2112a442" ID, HP_WIRE_OTHER, "20 bytes");
    assert_described("4000 0003 010203", HP_WIRE_CHANNEL_DATA, "ChannelData 0x4000, 3 bytes");
    assert_described("4fff 0003 010203 00", HP_WIRE_CHANNEL_DATA, "ChannelData 0x4fff, 3 bytes");
    assert_described("4000 0004 010203", HP_WIRE_OTHER, "7 bytes");
    assert_described("16fefd 0000 000000000001 0005 0100000000", HP_WIRE_DTLS, "DTLS ClientHello");
    assert_described("16fefd 0000 000000000001 0005 6300000000", HP_WIRE_DTLS, "DTLS handshake");
    assert_described("16fefd 0001 000000000001 0005 0100000000", HP_WIRE_DTLS, "DTLS encrypted handshake");
    assert_described("17fefd 0001 000000000001 0001 00", HP_WIRE_DTLS, "DTLS application data, 14 bytes");
    assert_described("14fefd 0000 000000000001 0001 01", HP_WIRE_DTLS, "DTLS ChangeCipherSpec");
    assert_described("15fefd 0000 000000000001 0002 0100", HP_WIRE_DTLS, "DTLS alert");
    assert_described("160301 0000 000000000001 0002 0100", HP_WIRE_OTHER, "15 bytes"); /* TLS */
    assert_described("2f001122", HP_WIRE_DTLS, "DTLS, 4 bytes"); /* a DTLS 1.3 ciphertext */
    assert_described("806f 0102 00000000 00000000", HP_WIRE_RTP, "RTP type 111, sequence 258, 12 bytes");
    assert_described("80ef 0102 00000000 00000000", HP_WIRE_RTP, "RTP type 111, sequence 258, 12 bytes");
    assert_described("80c8 0006 00000000", HP_WIRE_RTCP, "RTCP sender report, 8 bytes");
    assert_described("81df 0006 00000000", HP_WIRE_RTCP, "RTCP, 8 bytes");
    assert_described("806f 0102 00000000", HP_WIRE_OTHER, "8 bytes");
    assert_described("", HP_WIRE_OTHER, "0 bytes");
    assert_described("68656c6c6f", HP_WIRE_OTHER, "5 bytes");
#undef ID
}

static void test_channel_data(void **state)
{
    uint8_t out[8] = {[7] = 0x5a};
    uint16_t channel = 1;
    const uint8_t *payload;
    size_t len;
    static const uint8_t expected[8] = {0x40, 0x01, 0, 3, 'a', 'b', 'c', 0x5a};

    assert_int_equal(hp_channel_data_write(out, 7, 0x4001, "abc", 3), 7);
    assert_memory_equal(out, expected, 8);
    assert_int_equal(hp_channel_data_write(out, 6, 0x4001, "abc", 3), 0);
    assert_int_equal(hp_channel_data_write(out, 4, 0x4001, NULL, 0), 4);
    assert_int_equal(hp_channel_data_write(out, SIZE_MAX, 0x4001, NULL, 65536), 0);
    assert_true(hp_channel_data_parse(expected, 8, &channel, &payload, &len)); /* one byte of padding */
    assert_int_equal(channel, 0x4001);
    assert_int_equal(len, 3);
    assert_ptr_equal(payload, expected + 4);

    static const uint8_t below[] = {0x3f, 0xff, 0, 0}, above[] = {0x50, 0, 0, 0}, cut[] = {0x40, 0, 0, 1},
                         trailing[] = {0x40, 0, 0, 0, 1, 2, 3, 4};
    assert_false(hp_channel_data_parse(below, 4, &channel, &payload, &len));
    assert_false(hp_channel_data_parse(above, 4, &channel, &payload, &len));
    assert_false(hp_channel_data_parse(cut, 4, &channel, &payload, &len));
    assert_false(hp_channel_data_parse(trailing, 8, &channel, &payload, &len));
    assert_false(hp_channel_data_parse(expected, 3, &channel, &payload, &len));
    assert_int_equal(channel, 0x4001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_matches_all),
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_stun_fields),
        cmocka_unit_test(test_inside),
        cmocka_unit_test(test_media),
        cmocka_unit_test(test_copy_and_clear),
        cmocka_unit_test(test_subject_of_packet),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_channel_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
