/* Messages field by field, byte vectors of the RFCs among them. */
#include "report/fixture.h"

#include "report/fields.h"
#include "wire/dns.h"
#include "wire/hex.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"
#include "wire/stun.h"
#include "wire/tcp.h"

static void assert_field(const hp_fields *f, unsigned i, const char *name, const char *value)
{
    assert_true(i < hp_fields_n(f));
    assert_string_equal(hp_fields_name(f, i), name);
    assert_string_equal(hp_fields_value(f, i), value);
}

typedef struct named {
    const char *name, *value;
} named;

static void assert_fields(const hp_fields *f, const named *wanted, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_field(f, i, wanted[i].name, wanted[i].value);
    }
    assert_int_equal(hp_fields_n(f), n);
}

#define ASSERT_FIELDS(f, ...)                                                                                          \
    do {                                                                                                               \
        static const named wanted_[] = {__VA_ARGS__};                                                                  \
        assert_fields((f), wanted_, G_N_ELEMENTS(wanted_));                                                            \
    } while (0)

static hp_fields *of_vector(const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/fixtures/rfc5769/%s.hex", HAIRPIN_SOURCE_DIR, name);
    g_autoptr(GBytes) bytes = hex_file(path);
    gsize length;
    const uint8_t *data = g_bytes_get_data(bytes, &length);
    hp_fields *f = hp_fields_new();
    hp_fields_datagram(f, data, length);
    return f;
}

static void stun_request(void **state)
{
    g_autoptr(hp_fields) f = of_vector("request");
    ASSERT_FIELDS(f, {"STUN", "Binding request"}, {"transaction id", "b7e7a701bc34d686fa87dfae"},
                  {"SOFTWARE", "STUN test client"},
                  {"PRIORITY", "1845494271 (type preference 110, local preference 1, component 1)"},
                  {"ICE-CONTROLLED", "tie-breaker 932ff9b151263b36"}, {"USERNAME", "evtj:h6vY"},
                  {"MESSAGE-INTEGRITY", "present, 20 bytes"}, {"FINGERPRINT", "right"});
}

static void stun_responses(void **state)
{
    g_autoptr(hp_fields) four = of_vector("response-ipv4"), six = of_vector("response-ipv6");
    assert_field(four, 0, "STUN", "Binding success");
    assert_string_equal(hp_fields_find(four, "XOR-MAPPED-ADDRESS"), "192.0.2.1:32853");
    assert_string_equal(hp_fields_find(six, "XOR-MAPPED-ADDRESS"), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

static void stun_long_term(void **state)
{
    g_autoptr(hp_fields) f = of_vector("request-long-term");
    assert_string_equal(hp_fields_find(f, "REALM"), "example.org");
    assert_string_equal(hp_fields_find(f, "NONCE"), "f//499k954d6OL34oL9FSTvy64sA");
}

static void turn_attributes(void **state)
{
    static const uint8_t id[12] = {0};
    uint8_t data[300];
    hp_stun_writer w;
    const hp_addr relay = fixture_addr("203.0.113.10:6000");
    hp_stun_begin(&w, data, sizeof data, HP_STUN_SUCCESS, HP_STUN_ALLOCATE, id, NULL);
    hp_stun_add_addr(&w, HP_STUN_XOR_RELAYED_ADDRESS, &relay, true);
    hp_stun_add_u32(&w, HP_STUN_LIFETIME, 600);
    hp_stun_add_u32(&w, HP_STUN_CHANNEL_NUMBER, 0x40010000);
    hp_stun_add_error(&w, 438, NULL);
    hp_stun_add(&w, 0x7ffe, "\x01\x02", 2);
    hp_stun_add(&w, HP_STUN_PRIORITY, "\x01", 1);
    hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0);
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_datagram(f, data, hp_stun_finish(&w));
    ASSERT_FIELDS(f, {"STUN", "Allocate success"}, {"transaction id", "000000000000000000000000"},
                  {"XOR-RELAYED-ADDRESS", "203.0.113.10:6000"}, {"LIFETIME", "600 s"}, {"CHANNEL-NUMBER", "0x4001"},
                  {"ERROR-CODE", "438 Stale Nonce"}, {"0x7ffe", "0102"}, {"PRIORITY", "01"}, {"USE-CANDIDATE", "set"});
}

/* A check in ChannelData, and one in a Send indication: what is inside is told, one step in. */
static void what_is_inside(void **state)
{
    static const uint8_t id[12] = {0xaa};
    uint8_t check[100], channel[120], send[200];
    hp_stun_writer w;
    hp_stun_begin(&w, check, sizeof check, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    const size_t n = hp_stun_finish(&w);
    g_autoptr(hp_fields) f = hp_fields_new(), g = hp_fields_new();
    hp_fields_datagram(f, channel, hp_channel_data_write(channel, sizeof channel, 0x4000, check, n));
    ASSERT_FIELDS(f, {"ChannelData", "channel 0x4000, 20 bytes"}, {"> STUN", "Binding request"},
                  {"> transaction id", "aa0000000000000000000000"});
    const hp_addr peer = fixture_addr("192.0.2.1:5000");
    hp_stun_begin(&w, send, sizeof send, HP_STUN_INDICATION, HP_STUN_SEND, id, NULL);
    hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &peer, true);
    hp_stun_add(&w, HP_STUN_DATA_ATTR, check, n);
    hp_fields_datagram(g, send, hp_stun_finish(&w));
    ASSERT_FIELDS(g, {"STUN", "Send indication"}, {"transaction id", "aa0000000000000000000000"},
                  {"XOR-PEER-ADDRESS", "192.0.2.1:5000"}, {"DATA", "20 bytes"}, {"> STUN", "Binding request"},
                  {"> transaction id", "aa0000000000000000000000"});
}

/* Data in data in data ends somewhere. */
static void depth_is_bounded(void **state)
{
    static const uint8_t id[12] = {0};
    g_autofree uint8_t *data = g_malloc0(4000), *next = g_malloc0(4000);
    size_t n = 4;
    hp_stun_writer w;
    for (unsigned i = 0; i < 20; i++) {
        hp_stun_begin(&w, next, 4000, HP_STUN_INDICATION, HP_STUN_SEND, id, NULL);
        hp_stun_add(&w, HP_STUN_DATA_ATTR, data, n);
        n = hp_stun_finish(&w);
        memcpy(data, next, n);
    }
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_datagram(f, data, n);
    assert_int_equal(hp_fields_n(f), 3 * (HP_FIELDS_MAX_DEPTH + 1));
}

static void rtp_header(void **state)
{
    uint8_t data[100];
    const hp_rtp_header h = {.pt = 111, .marker = true, .sequence = 65535, .timestamp = 960, .ssrc = 0xdeadbeef};
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_datagram(f, data, hp_rtp_write(data, sizeof data, &h, "0123456789", 10));
    ASSERT_FIELDS(f, {"RTP", "10 bytes of payload and tag"}, {"SSRC", "0xdeadbeef"}, {"sequence number", "65535"},
                  {"timestamp", "960"}, {"payload type", "111"}, {"marker", "set"});
}

static void rtcp_packets(void **state)
{
    uint8_t data[200];
    hp_rtcp_writer w;
    const hp_rtcp_sender_info sr = {.ssrc = 1, .packets = 50, .octets = 4000};
    const hp_rtcp_report_block block = {
        .ssrc = 2, .fraction_lost = 64, .cumulative_lost = 3, .extended_highest = 70000, .jitter = 12};
    hp_rtcp_begin(&w, data, sizeof data);
    hp_rtcp_add_sr(&w, &sr, &block, 1);
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_datagram(f, data, hp_rtcp_finish(&w));
    ASSERT_FIELDS(f, {"RTCP", "sender report (200)"}, {"> SSRC", "0x00000001"}, {"> sent", "50 packets, 4000 octets"},
                  {"> about SSRC", "0x00000002: lost 3, 64/256 lately, highest 70000, jitter 12"});
}

static void rtcp_encrypted(void **state)
{
    static const uint8_t data[] = {0x80, 201, 0, 9, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff};
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_rtcp(f, data, sizeof data);
    ASSERT_FIELDS(f, {"RTCP", "receiver report (201), encrypted, 12 bytes"}, {"SSRC", "0x00000007"});
}

/* A ServerHelloDone, an alert, and what is encrypted; then one that is cut. */
static void dtls_records(void **state)
{
    static const uint8_t data[] = {
        22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 5, 0, 12, 14, 0,  0, 0, 0, 4, 0, 0, 0, 0, 0, 0, /* message 4 */
        21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 6, 0, 2,  2,  40, /* fatal, handshake_failure */
        23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 3,  9,  9,  9, /* epoch 1 */
        22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 7, 0, 99, 1,
    };
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_datagram(f, data, sizeof data);
    ASSERT_FIELDS(f, {"DTLS record", "handshake, DTLS 1.2, epoch 0, sequence number 5, 12 bytes"},
                  {"> ServerHelloDone", "message 4, 0 bytes"},
                  {"DTLS record", "alert, DTLS 1.2, epoch 0, sequence number 6, 2 bytes"},
                  {"> alert", "fatal, number 40"},
                  {"DTLS record", "application data, DTLS 1.2, epoch 1, sequence number 1, 3 bytes, encrypted"},
                  {"DTLS record", "handshake, DTLS 1.2, epoch 0, sequence number 7, 99 bytes, cut off"});
}

static void dns_messages(void **state)
{
    uint8_t data[512];
    hp_dns_writer w;
    hp_dns_question q = {.type = HP_DNS_A, .cls = HP_DNS_IN};
    assert_true(hp_dns_name_parse("turn.example", &q.name));
    hp_dns_record r = {.section = HP_DNS_ANSWER,
                       .name = q.name,
                       .type = HP_DNS_A,
                       .cls = HP_DNS_IN,
                       .ttl = 60,
                       .addr = fixture_addr("203.0.113.10")};
    hp_dns_begin(&w, data, sizeof data, 0xbeef, HP_DNS_QR | HP_DNS_RD | HP_DNS_RA);
    assert_true(hp_dns_add_question(&w, &q));
    assert_true(hp_dns_add_record(&w, &r));
    const hp_addr from = fixture_addr("203.0.113.53:53"), to = fixture_addr("192.168.1.2:5000");
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, data, hp_dns_finish(&w));
    g_autoptr(hp_fields) f = hp_fields_new();
    assert_true(hp_fields_dns(f, p));
    ASSERT_FIELDS(f, {"DNS", "response, id 0xbeef, RD, RA"}, {"response code", "NOERROR"},
                  {"question", "turn.example A"}, {"answer", "turn.example A 203.0.113.10, 60 s"});
}

static void tcp_segments(void **state)
{
    uint8_t data[100];
    const hp_tcp_header h = {.seq = 1000, .ack = 2000, .window = 500, .mss = 1460, .flags = HP_TCP_SYN | HP_TCP_ACK};
    const size_t n = hp_tcp_write(&h, data, sizeof data);
    const hp_addr from = fixture_addr("203.0.113.10:3478"), to = fixture_addr("192.168.1.2:5000");
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_TCP, &from, &to, data, n);
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_packet(f, p);
    ASSERT_FIELDS(f, {"packet", "TCP 203.0.113.10:3478 > 192.168.1.2:5000, 44 bytes, TTL 64"},
                  {"TCP", "SYN,ACK, 0 bytes"}, {"sequence number", "1000"}, {"acknowledgement", "2000"},
                  {"window", "500"}, {"maximum segment size", "1460"});
}

static void icmp_quotes(void **state)
{
    const hp_addr from = fixture_addr("192.168.1.2:5000"), to = fixture_addr("192.0.2.1:6000"),
                  router = fixture_addr("192.0.2.254");
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, "data", 4);
    g_autoptr(hp_packet) error = hp_packet_icmp_error(HP_ICMP_HOST_UNREACHABLE, &router, p, 0);
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_packet(f, error);
    ASSERT_FIELDS(f, {"packet", "ICMP 192.0.2.254 > 192.168.1.2, 60 bytes, TTL 64"},
                  {"ICMP", "host unreachable (type 3, code 1)"}, {"about", "the packet that follows"},
                  {"> packet", "UDP 192.168.1.2:5000 > 192.0.2.1:6000, 32 bytes, TTL 64"}, {"> data", "4 bytes"});
}

static void signalling(void **state)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    assert_true(json_parser_load_from_data(
        parser,
        "{\"at\":5,\"event\":\"signal-sent\",\"subject\":\"alice\",\"type\":\"offer\",\"json\":"
        "\"{\\\"to\\\":\\\"bob\\\",\\\"sdp\\\":\\\"v=0\\\\r\\\\na=mid:0\\\\r\\\\n\\\",\\\"n\\\":7}\"}",
        -1, NULL));
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_event(f, json_node_get_object(json_parser_get_root(parser)));
    ASSERT_FIELDS(f, {"type", "offer"}, {"> to", "bob"}, {"> sdp", "14 bytes"}, {"> > v", "0"}, {"> > a", "mid:0"},
                  {"> n", "7"});
}

static void limits(void **state)
{
    g_autoptr(hp_fields) f = hp_fields_new();
    g_autofree char *text = g_strnfill(HP_FIELDS_MAX_TEXT + 1, 'x');
    hp_fields_add_bytes(f, "long", text, strlen(text));
    assert_int_equal(strlen(hp_fields_value(f, 0)), HP_FIELDS_MAX_TEXT + 3);
    hp_fields_add_bytes(f, "no UTF-8", "a\xff", 2);
    assert_string_equal(hp_fields_value(f, 1), "a\xef\xbf\xbd");
    for (unsigned i = 0; i < 2 * HP_FIELDS_MAX; i++) {
        hp_fields_add(f, "n", "%u", i);
    }
    assert_int_equal(hp_fields_n(f), HP_FIELDS_MAX);
    assert_string_equal(hp_fields_value(f, HP_FIELDS_MAX - 1), "more fields are not shown");
}

/* Every prefix of a message, and every message with one byte changed, gives fields and nothing worse. */
static void spoilt_bytes(void **state)
{
    static const char *const names[] = {"request", "response-ipv6", "request-long-term"};
    for (unsigned k = 0; k < G_N_ELEMENTS(names); k++) {
        g_autofree char *path = g_strdup_printf("%s/fixtures/rfc5769/%s.hex", HAIRPIN_SOURCE_DIR, names[k]);
        g_autoptr(GBytes) bytes = hex_file(path);
        gsize length;
        const uint8_t *data = g_bytes_get_data(bytes, &length);
        for (gsize i = 0; i <= length; i++) {
            g_autofree uint8_t *cut = g_memdup2(data, i), *changed = g_memdup2(data, length);
            g_autoptr(hp_fields) f = hp_fields_new(), g = hp_fields_new(), h = hp_fields_new();
            hp_fields_datagram(f, cut, i);
            assert_true(hp_fields_n(f) > 0);
            changed[MIN(i, length - 1)] ^= 0xff;
            hp_fields_datagram(g, changed, length);
            hp_fields_stun(h, changed, length);
            hp_fields_dtls(h, changed, length);
            hp_fields_rtp(h, changed, length);
            hp_fields_rtcp(h, changed, length);
            hp_fields_channel_data(h, changed, length);
            assert_true(hp_fields_n(h) >= 5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stun_request),    cmocka_unit_test(stun_responses), cmocka_unit_test(stun_long_term),
        cmocka_unit_test(turn_attributes), cmocka_unit_test(what_is_inside), cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(rtp_header),      cmocka_unit_test(rtcp_packets),   cmocka_unit_test(rtcp_encrypted),
        cmocka_unit_test(dtls_records),    cmocka_unit_test(dns_messages),   cmocka_unit_test(tcp_segments),
        cmocka_unit_test(icmp_quotes),     cmocka_unit_test(signalling),     cmocka_unit_test(limits),
        cmocka_unit_test(spoilt_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
