/* Matches: each field narrows, a zeroed match does not; layers of TURN; demultiplexing and descriptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"
#include "wire/demux.h"
#include "wire/match.h"
#include "wire/rtcp.h"
#include "wire/tcp.h"

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

/* ---- details ---- */

static bool holds_with(const hp_match_detail *d, const hp_match_subject *s)
{
    hp_match m = {0};
    hp_match_view view;
    hp_match_view_init(&view, s);
    return hp_match_view_holds(&view, &m, d);
}

static bool holds_inside(const hp_match_detail *d, const hp_match_subject *s)
{
    hp_match m = {.inside = true};
    hp_match_view view;
    hp_match_view_init(&view, s);
    return hp_match_view_holds(&view, &m, d);
}

static void test_detail_of_headers(void **state)
{
    hp_match_subject s = udp((const uint8_t *)"x", 1);
    hp_match_detail d = {0};
    s.ttl = 5;
    s.tos = 46 << 2 | 1; /* EF, ECT(1) */
    assert_true(hp_match_detail_is_empty(&d));
    assert_true(holds_with(&d, &s));
    assert_true(hp_compare_parse("<= 5", HP_UNIT_COUNT, &d.ttl));
    assert_false(hp_match_detail_is_empty(&d));
    assert_true(holds_with(&d, &s));
    s.ttl = 6;
    assert_false(holds_with(&d, &s));
    d = (hp_match_detail){.has_dscp = true, .dscp = 46};
    assert_true(holds_with(&d, &s));
    d.dscp = 0; /* 0 is a value like any other */
    assert_false(holds_with(&d, &s));
    d = (hp_match_detail){.has_ecn = true, .ecn = 1};
    assert_true(holds_with(&d, &s));
    d.ecn = 3;
    assert_false(holds_with(&d, &s));
}

static void test_detail_of_tcp(void **state)
{
    uint8_t bytes[HP_TCP_HEADER_ROOM + 3] = {0};
    hp_tcp_header h = {.flags = HP_TCP_SYN | HP_TCP_ACK, .mss = 1460};
    size_t n = hp_tcp_write(&h, bytes, sizeof bytes);
    hp_match_subject s = {.proto = HP_PROTO_TCP, .segment = bytes, .segment_length = n};
    hp_match_subject u = udp(bytes, n);

    hp_match_detail d = {.tcp = {.flags = HP_TCP_SYN}};
    assert_true(holds_with(&d, &s));
    assert_false(holds_with(&d, &u));
    d.tcp.no_flags = HP_TCP_ACK;
    assert_false(holds_with(&d, &s));
    d.tcp = (hp_match_tcp){.flags = HP_TCP_SYN | HP_TCP_FIN};
    assert_false(holds_with(&d, &s));
    d.tcp = (hp_match_tcp){.data = HP_PRESENT};
    assert_false(holds_with(&d, &s));
    s.segment_length = n + 1;
    assert_true(holds_with(&d, &s));
    d.tcp.data = HP_ABSENT;
    assert_false(holds_with(&d, &s));
    /* A header that is cut off has no flags, and no data either. */
    for (size_t cut = 0; cut < n; cut++) {
        s.segment_length = cut;
        assert_false(holds_with(&d, &s));
    }
    s.segment = NULL;
    assert_false(holds_with(&d, &s));
}

static void test_detail_of_dtls(void **state)
{
    /* A ServerHello and a Certificate in one record, then an alert of epoch 1, then a record that is cut off. */
    g_autoptr(GBytes) bytes = hex_bytes("16 fefd 0000 000000000001 001a"
                                        "  02 000001 0000 000000 000001 aa  0b 000001 0001 000000 000001 bb"
                                        "15 fefd 0001 000000000000 0002 0100"
                                        "17 feff 0001 000000000001 0008 00");
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    hp_match_subject s = udp(data, len);

    static const struct {
        hp_match_dtls dtls;
        bool holds;
    } cases[] = {
        {{.has_content_type = true, .content_type = 22}, true},
        {{.has_content_type = true, .content_type = 21}, true},
        {{.has_content_type = true, .content_type = 23}, true},
        {{.has_content_type = true, .content_type = 20}, false},
        {{.has_handshake_type = true, .handshake_type = 2}, true},
        {{.has_handshake_type = true, .handshake_type = 11}, true},
        {{.has_handshake_type = true, .handshake_type = 1}, false},
        {{.has_handshake_type = true, .handshake_type = 0xaa}, false},
        {{.has_epoch = true, .epoch = 0}, true},
        {{.has_epoch = true, .epoch = 1}, true},
        {{.has_epoch = true, .epoch = 2}, false},
        {{.version = 0xfeff}, true},
        {{.version = 0xfefc}, false},
        /* All of one record. */
        {{.has_content_type = true, .content_type = 21, .has_epoch = true, .epoch = 1}, true},
        {{.has_content_type = true, .content_type = 22, .has_epoch = true, .epoch = 1}, false},
        {{.has_content_type = true, .content_type = 21, .has_handshake_type = true, .handshake_type = 2}, false},
        {{.version = 0xfeff, .has_epoch = true, .epoch = 0}, false},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_match_detail d = {.dtls = cases[i].dtls};
        assert_int_equal(holds_with(&d, &s), cases[i].holds);
    }
    /* Encrypted handshake messages have no type, and records of DTLS 1.3 nothing to ask about. */
    static const uint8_t finished[] = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 12,
                                       2,  0,    0,    0, 0, 0, 0, 0, 0, 0, 0, 0},
                         unified[] = {0x2f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    hp_match_subject f = udp(finished, sizeof finished), one_three = udp(unified, sizeof unified);
    hp_match_detail d = {.dtls = {.has_handshake_type = true, .handshake_type = 2}};
    assert_false(holds_with(&d, &f));
    d = (hp_match_detail){.dtls = {.has_content_type = true, .content_type = 22}};
    assert_true(holds_with(&d, &f));
    assert_false(holds_with(&d, &one_three));
}

static void test_detail_of_rtp(void **state)
{
    uint8_t rtp[] = {0x80, 0x80 | 111, 0xff, 0xfa, 0, 0, 0, 9, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3};
    uint8_t dtls[20] = {22, 0xfe, 0xfd};
    hp_match_subject s = udp(rtp, sizeof rtp), other = udp(dtls, sizeof dtls);
    hp_match_detail d = {.rtp = {.has_payload_type = true, .payload_type = 111}};
    assert_true(holds_with(&d, &s));
    assert_false(holds_with(&d, &other));
    d.rtp.payload_type = 110;
    assert_false(holds_with(&d, &s));
    d.rtp = (hp_match_rtp){.has_ssrc = true, .ssrc = 0xdeadbeef};
    assert_true(holds_with(&d, &s));
    d.rtp.ssrc = 0;
    assert_false(holds_with(&d, &s));
    d.rtp = (hp_match_rtp){.marker = HP_PRESENT};
    assert_true(holds_with(&d, &s));
    d.rtp.marker = HP_ABSENT;
    assert_false(holds_with(&d, &s));

    /* 65530 to 3, round the wrap. */
    d.rtp = (hp_match_rtp){.has_sequence = true, .sequence_first = 65530, .sequence_last = 3};
    static const uint16_t inside[] = {65530, 65535, 0, 3}, outside[] = {65529, 4, 30000};
    for (unsigned i = 0; i < G_N_ELEMENTS(inside); i++) {
        rtp[2] = (uint8_t)(inside[i] >> 8);
        rtp[3] = (uint8_t)inside[i];
        assert_true(holds_with(&d, &s));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(outside); i++) {
        rtp[2] = (uint8_t)(outside[i] >> 8);
        rtp[3] = (uint8_t)outside[i];
        assert_false(holds_with(&d, &s));
    }
    d.rtp = (hp_match_rtp){.has_sequence = true}; /* 0 to 0 */
    assert_false(holds_with(&d, &s));
    rtp[2] = rtp[3] = 0;
    assert_true(holds_with(&d, &s));

    /* What a relay's client receives: inside ChannelData. */
    uint8_t wrapped[40];
    size_t len = hp_channel_data_write(wrapped, sizeof wrapped, 0x4000, rtp, sizeof rtp);
    hp_match_subject c = udp(wrapped, len);
    assert_false(holds_with(&d, &c));
    assert_true(holds_inside(&d, &c));
}

static void test_detail_of_rtcp(void **state)
{
    uint8_t compound[200];
    hp_rtcp_writer w;
    hp_rtcp_begin(&w, compound, sizeof compound);
    hp_rtcp_add_rr(&w, 1, NULL, 0);
    hp_rtcp_add_pli(&w, 1, 2);
    size_t len = hp_rtcp_finish(&w);
    assert_int_not_equal(len, 0);
    hp_match_subject s = udp(compound, len);

    hp_match_detail d = {.rtcp = {.packet_type = HP_RTCP_RR}};
    assert_true(holds_with(&d, &s));
    d.rtcp.packet_type = HP_RTCP_PSFB;
    assert_true(holds_with(&d, &s));
    d.rtcp = (hp_match_rtcp){.packet_type = HP_RTCP_PSFB, .has_format = true, .format = HP_PSFB_PLI};
    assert_true(holds_with(&d, &s));
    d.rtcp.format = HP_PSFB_FIR;
    assert_false(holds_with(&d, &s));
    d.rtcp = (hp_match_rtcp){.has_format = true, .format = 0}; /* the RR's count is no format */
    assert_false(holds_with(&d, &s));
    d.rtcp.packet_type = HP_RTCP_SR;
    assert_false(holds_with(&d, &s));
    /* Under SRTCP what follows the first header is noise. */
    for (size_t i = 8; i < len; i++) {
        compound[i] = (uint8_t)(0xa5 ^ i);
    }
    d.rtcp = (hp_match_rtcp){.packet_type = HP_RTCP_RR};
    assert_true(holds_with(&d, &s));
    d.rtcp.packet_type = HP_RTCP_PSFB;
    assert_false(holds_with(&d, &s));
}

static void test_detail_of_stun(void **state)
{
    uint8_t bytes[200], none[HP_STUN_HEADER];
    hp_addr mapped = hp_addr_v4(0xc0000201, 4000), plain = hp_addr_v4(0x0a000001, 5000);
    hp_stun_writer w;
    hp_stun_begin(&w, bytes, sizeof bytes, HP_STUN_SUCCESS, HP_STUN_BINDING, id, NULL);
    hp_stun_add_text(&w, HP_STUN_USERNAME, "alice");
    hp_stun_add_addr(&w, HP_STUN_XOR_MAPPED_ADDRESS, &mapped, true);
    hp_stun_add_addr(&w, HP_STUN_OTHER_ADDRESS, &plain, false);
    hp_match_subject s = udp(bytes, hp_stun_finish(&w)), other = udp((const uint8_t *)"hello", 5);
    hp_stun_begin(&w, none, sizeof none, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_match_subject empty = udp(none, hp_stun_finish(&w));

    char alice[] = "alice", alic[] = "alic";
    hp_match_detail d = {.stun = {.username = alice}};
    assert_true(holds_with(&d, &s));
    assert_false(holds_with(&d, &other));
    assert_false(holds_with(&d, &empty));
    d.stun.username = alic;
    assert_false(holds_with(&d, &s));

    d = (hp_match_detail){0};
    assert_true(hp_prefix_parse("192.0.2.0/24", &d.stun.address.prefix));
    assert_true(holds_with(&d, &s));
    assert_false(holds_with(&d, &empty));
    d.stun.address_in = HP_STUN_OTHER_ADDRESS;
    assert_false(holds_with(&d, &s));
    d.stun.address_in = HP_STUN_XOR_MAPPED_ADDRESS;
    assert_true(holds_with(&d, &s));
    d.stun.address.port_first = d.stun.address.port_last = 4001;
    assert_false(holds_with(&d, &s));
    d.stun.address.port_first = 4000;
    assert_true(holds_with(&d, &s));
    assert_true(hp_prefix_parse("10.0.0.1", &d.stun.address.prefix));
    d.stun = (hp_match_stun_contents){.address = {.prefix = d.stun.address.prefix}};
    assert_true(holds_with(&d, &s)); /* the plain one */
}

/* A view that serves many matches says the same as a fresh one for each. */
static void test_view_is_shared(void **state)
{
    uint8_t request[100], channel[200];
    size_t request_len = check(request, sizeof request);
    size_t len = hp_channel_data_write(channel, sizeof channel, 0x4001, request, request_len);
    hp_match_subject s = udp(channel, len);
    const hp_match matches[] = {
        {.rtp = HP_PRESENT},
        {.channel = 0x4001},
        {.stun = {.method = HP_STUN_BINDING}, .inside = true},
        {.stun = {.method = HP_STUN_BINDING}},
        {.stun = {.method = HP_STUN_ALLOCATE}, .inside = true},
        {.channel_data = HP_PRESENT},
        {.dtls = HP_PRESENT, .inside = true},
    };
    hp_match_view view;
    hp_match_view_init(&view, &s);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(matches); i++) {
            assert_int_equal(hp_match_view_holds(&view, &matches[i], NULL), hp_match_packet(&matches[i], &s));
        }
    }
    assert_int_equal(view.n_layers, 2);
}

static void test_detail_as_value(void **state)
{
    hp_match_detail d = {.rtp = {.has_ssrc = true, .ssrc = 7}, .dtls = {.version = 0xfefd}}, copy;
    d.stun.username = g_strdup("alice");
    hp_match_detail_copy(&d, &copy);
    assert_true(hp_match_detail_equal(&d, &copy));
    copy.rtp.ssrc = 8;
    assert_false(hp_match_detail_equal(&d, &copy));
    copy.rtp.ssrc = 7;
    copy.stun.username[0] = 'A';
    assert_false(hp_match_detail_equal(&d, &copy));
    assert_string_equal(d.stun.username, "alice");
    hp_match_detail_clear(&d);
    assert_true(hp_match_detail_is_empty(&d));
    hp_match_detail_clear(&copy);
    hp_match_detail_clear(&copy);
    hp_match_detail_clear(NULL);
    /* A value that is not asked for does not tell two details apart. */
    hp_match_detail a = {.rtp = {.payload_type = 1}}, b = {.rtp = {.payload_type = 2}};
    assert_true(hp_match_detail_equal(&a, &b));
    a.rtp.has_payload_type = b.rtp.has_payload_type = true;
    assert_false(hp_match_detail_equal(&a, &b));
}

/* Every truncation of every kind of datagram, in memory that ends where it ends: nothing is read beyond. */
static void test_detail_of_truncated(void **state)
{
    static const char *const datagrams[] = {
        "16 fefd 0000 000000000001 001a 02 000001 0000 000000 000001 aa 0b 000001 0001 000000 000001 bb",
        "16 fefd 0000 000000000001 ffff 01 ffffff 0000 ffffff ffffff",
        "90 ef fffa 00000009 deadbeef bede ffff 01020304",
        "81 c9 0007 00000001 ffffffffffffffff",
        "0101 0018 2112a442 0102030405060708090a0b0c 0020 0008 0001 1111 22222222 0006 0004 61626364",
    };
    hp_match_detail all[] = {
        {.dtls = {.has_handshake_type = true, .handshake_type = 99}},
        {.rtp = {.has_ssrc = true, .ssrc = 1}},
        {.rtcp = {.has_format = true, .format = 31}},
        {.stun = {.address_in = HP_STUN_MAPPED_ADDRESS}},
        {.tcp = {.flags = HP_TCP_SYN}},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(datagrams); i++) {
        g_autoptr(GBytes) bytes = hex_bytes(datagrams[i]);
        gsize len;
        const uint8_t *data = g_bytes_get_data(bytes, &len);
        for (size_t cut = 0; cut <= len; cut++) {
            g_autofree uint8_t *exact = g_memdup2(data, MAX(cut, 1));
            hp_match_subject s = udp(exact, cut);
            s.segment = exact;
            s.segment_length = cut;
            for (unsigned k = 0; k < G_N_ELEMENTS(all); k++) {
                assert_false(holds_inside(&all[k], &s));
            }
        }
    }
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

/* ---- the first message of a segment ---- */

/* A segment with that data behind a header without options. */
static hp_match_subject tcp_with(uint8_t *buf, const uint8_t *data, size_t n)
{
    hp_tcp_header h = {.flags = HP_TCP_ACK | HP_TCP_PSH};
    size_t head = hp_tcp_write(&h, buf, 64);
    memcpy(buf + head, data, n);
    return (hp_match_subject){.proto = HP_PROTO_TCP, .segment = buf, .segment_length = head + n};
}

static size_t framed(uint8_t *out, const uint8_t *message, size_t n)
{
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    memcpy(out + 2, message, n);
    return n + 2;
}

static void test_stun_of_a_segment(void **state)
{
    uint8_t message[100], bytes[300], data[200];
    hp_stun_writer w;
    hp_stun_begin(&w, message, sizeof message, HP_STUN_REQUEST, HP_STUN_ALLOCATE, id, NULL);
    size_t n = hp_stun_finish(&w);
    hp_match allocate = {.stun = {.method = HP_STUN_ALLOCATE}}, no_stun = {.stun = {.present = HP_ABSENT}};

    hp_match_subject s = tcp_with(bytes, message, n);
    assert_true(holds(&allocate, &s));
    assert_false(holds(&no_stun, &s));
    s.segment_length--; /* its end is in the next segment */
    assert_false(holds(&allocate, &s));
    assert_true(holds(&no_stun, &s));

    memcpy(data, message, n); /* two in one segment: the first counts */
    memset(data + n, 0x55, 20);
    s = tcp_with(bytes, data, n + 20);
    assert_true(holds(&allocate, &s));

    size_t whole = framed(data, message, n);
    s = tcp_with(bytes, data, whole);
    assert_true(holds(&allocate, &s));
    s.segment_length--;
    assert_false(holds(&allocate, &s));

    message[4] ^= 1; /* without its cookie only Binding counts, and that only framed: as in a datagram */
    s = tcp_with(bytes, message, n);
    assert_false(holds(&allocate, &s));
    s = tcp_with(bytes, message, 0);
    assert_false(holds(&allocate, &s));
    assert_true(holds(&no_stun, &s));
}

static void test_channel_data_of_a_segment(void **state)
{
    uint8_t bytes[100];
    const uint8_t padded[] = {0x40, 0x01, 0x00, 0x05, 1, 2, 3, 4, 5, 0, 0, 0};
    hp_match m = {.channel = 0x4001};
    hp_match_subject s = tcp_with(bytes, padded, sizeof padded);
    assert_true(holds(&m, &s));
    s.segment_length = s.segment_length - 3; /* the padding is on its way */
    assert_true(holds(&m, &s));
    s.segment_length--;
    assert_false(holds(&m, &s));
    m.channel = 0x4002;
    s = tcp_with(bytes, padded, sizeof padded);
    assert_false(holds(&m, &s));
}

static void test_inside_of_a_segment(void **state)
{
    uint8_t bytes[100], rtp[16] = {0x80, 111}, wrapped[20] = {0x40, 0x01, 0x00, 16};
    memcpy(wrapped + 4, rtp, sizeof rtp);
    hp_match m = {.rtp = HP_PRESENT};
    hp_match_subject s = tcp_with(bytes, wrapped, sizeof wrapped);
    assert_false(holds(&m, &s));
    m.inside = true;
    assert_true(holds(&m, &s));
}

static void test_frames_of_a_segment(void **state)
{
    uint8_t bytes[200], data[100];
    const uint8_t dtls[30] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 1}, tls[30] = {22, 3, 3, 0, 25, 1};
    const uint8_t rtp[16] = {0x80, 111}, channel[8] = {0x40, 0x01, 0, 4};
    hp_match m = {.dtls = HP_PRESENT};

    hp_match_subject s = tcp_with(bytes, data, framed(data, dtls, sizeof dtls));
    assert_true(holds(&m, &s));
    m.detail.dtls = (hp_match_dtls){.has_handshake_type = true, .handshake_type = 1};
    assert_true(holds(&m, &s));
    m.detail.dtls.handshake_type = 2;
    assert_false(holds(&m, &s));
    m = (hp_match){.dtls = HP_PRESENT};
    s = tcp_with(bytes, tls, sizeof tls); /* TLS is no DTLS */
    assert_false(holds(&m, &s));
    s = tcp_with(bytes, dtls, sizeof dtls); /* nor does DTLS come without a frame */
    assert_false(holds(&m, &s));
    m = (hp_match){.rtp = HP_PRESENT};
    s = tcp_with(bytes, data, framed(data, rtp, sizeof rtp));
    assert_true(holds(&m, &s));
    m = (hp_match){.channel_data = HP_PRESENT};
    s = tcp_with(bytes, data, framed(data, channel, sizeof channel)); /* TURN has no such frame */
    assert_false(holds(&m, &s));
    m.channel_data = HP_ABSENT;
    assert_true(holds(&m, &s));
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
        cmocka_unit_test(test_detail_of_headers),
        cmocka_unit_test(test_detail_of_tcp),
        cmocka_unit_test(test_stun_of_a_segment),
        cmocka_unit_test(test_channel_data_of_a_segment),
        cmocka_unit_test(test_inside_of_a_segment),
        cmocka_unit_test(test_frames_of_a_segment),
        cmocka_unit_test(test_detail_of_dtls),
        cmocka_unit_test(test_detail_of_rtp),
        cmocka_unit_test(test_detail_of_rtcp),
        cmocka_unit_test(test_detail_of_stun),
        cmocka_unit_test(test_view_is_shared),
        cmocka_unit_test(test_detail_as_value),
        cmocka_unit_test(test_detail_of_truncated),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_channel_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
