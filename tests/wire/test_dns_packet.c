/* DNS in packets: which are some, how they read, and what a match can ask of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/bytes.h"
#include "wire/dns_packet.h"
#include "wire/match.h"

typedef struct message {
    uint8_t bytes[1024];
    size_t length;
} message;

static hp_dns_name name_of(const char *text)
{
    hp_dns_name name;
    assert_true(hp_dns_name_parse(text, &name));
    return name;
}

/* A question, or with flags an answer to it with so many addresses 192.0.2.1 and on. */
static message make(const char *name, uint16_t type, uint16_t flags, unsigned n)
{
    message m;
    hp_dns_writer w;
    hp_dns_question q = {.name = name_of(name), .type = type, .cls = HP_DNS_IN};
    hp_dns_begin(&w, m.bytes, sizeof m.bytes, 7, flags);
    assert_true(hp_dns_add_question(&w, &q));
    for (unsigned i = 0; i < n; i++) {
        hp_dns_record r = {.name = q.name, .type = HP_DNS_A, .cls = HP_DNS_IN, .ttl = 60 + i};
        r.addr = hp_addr_v4(0xc0000201 + i, 0);
        assert_true(hp_dns_add_record(&w, &r));
    }
    m.length = hp_dns_finish(&w);
    return m;
}

static void assert_reads(const message *m, const char *expected)
{
    hp_dns_msg msg;
    assert_true(hp_dns_parse(m->bytes, m->length, &msg));
    g_autofree char *text = hp_dns_describe(&msg);
    assert_string_equal(text, expected);
}

static void in_words(void **state)
{
    message m = make("turn.example", HP_DNS_A, HP_DNS_RD, 0);
    assert_reads(&m, "DNS A turn.example?");
    m = make("turn.example", HP_DNS_A, HP_DNS_QR, 1);
    assert_reads(&m, "turn.example A 192.0.2.1, 60 s");
    m = make("turn.example", HP_DNS_A, HP_DNS_QR, 4);
    assert_reads(&m,
                 "turn.example A 192.0.2.1, 60 s; turn.example A 192.0.2.2, 61 s; turn.example A 192.0.2.3, 62 s; ...");
    m = make("turn.example", HP_DNS_AAAA, HP_DNS_QR, 0);
    assert_reads(&m, "turn.example AAAA: no data");
    m = make("turn.example", HP_DNS_A, HP_DNS_QR | HP_DNS_TC, 0);
    assert_reads(&m, "turn.example A: truncated");
    m = make("turn.example", HP_DNS_A, HP_DNS_QR | HP_DNS_TC, 1);
    assert_reads(&m, "turn.example A 192.0.2.1, 60 s, truncated");
    m = make("turn.example", HP_DNS_A, HP_DNS_QR | HP_DNS_NXDOMAIN, 0);
    assert_reads(&m, "turn.example A: NXDOMAIN");
    message empty = {.length = HP_DNS_HEADER};
    assert_reads(&empty, "DNS nothing?");
    empty.bytes[2] = 0x80;
    empty.bytes[3] = HP_DNS_FORMERR;
    assert_reads(&empty, "DNS: FORMERR");
}

static void by_port_alone(void **state)
{
    message m = make("turn.example", HP_DNS_A, HP_DNS_RD, 0);
    hp_dns_msg ret;
    assert_true(hp_dns_in_packet(HP_PROTO_UDP, 50000, 53, m.bytes, m.length, &ret));
    assert_true(hp_dns_in_packet(HP_PROTO_UDP, 53, 50000, m.bytes, m.length, &ret));
    assert_true(hp_dns_in_packet(HP_PROTO_UDP, 5353, 5353, m.bytes, m.length, &ret));
    assert_false(hp_dns_in_packet(HP_PROTO_UDP, 50000, 3478, m.bytes, m.length, &ret));
    assert_false(hp_dns_in_packet(HP_PROTO_UDP, 50000, 53, m.bytes, m.length - 1, &ret));
    assert_false(hp_dns_in_packet(HP_PROTO_UDP, 50000, 53, NULL, 0, &ret));
    assert_false(hp_dns_in_packet(HP_PROTO_ICMP, 50000, 53, m.bytes, m.length, &ret));
}

/* A TCP header without options, then a length and the message; `extra` bytes too many or too few in the length. */
static size_t segment_of(const message *m, int extra, uint8_t ret[static 1100])
{
    memset(ret, 0, 18);
    /* a segment begins with its sequence number: the ports are elsewhere */
    ret[8] = 0x50;
    size_t header = 16;
    hp_put16(ret + header, (uint16_t)(m->length + (size_t)extra));
    memcpy(ret + header + 2, m->bytes, m->length);
    return header + 2 + m->length;
}

static void whole_in_a_segment(void **state)
{
    message m = make("turn.example", HP_DNS_A, HP_DNS_QR, 2);
    uint8_t segment[1100];
    hp_dns_msg ret;
    size_t n = segment_of(&m, 0, segment);
    assert_true(hp_dns_in_packet(HP_PROTO_TCP, 53, 50000, segment, n, &ret));
    assert_int_equal(ret.id, 7);
    assert_false(hp_dns_in_packet(HP_PROTO_TCP, 5353, 50000, segment, n, &ret));
    assert_false(hp_dns_in_packet(HP_PROTO_TCP, 53, 50000, segment, n - 1, &ret));
    assert_false(hp_dns_in_packet(HP_PROTO_TCP, 53, 50000, segment, 16, &ret));
    n = segment_of(&m, 1, segment);
    assert_false(hp_dns_in_packet(HP_PROTO_TCP, 53, 50000, segment, n, &ret));
}

static hp_match_subject subject(const message *m)
{
    return (hp_match_subject){.src = hp_addr_v4(0xc0a80102, 5000),
                              .dst = hp_addr_v4(0xcb007105, 53),
                              .proto = HP_PROTO_UDP,
                              .payload = m->bytes,
                              .payload_length = m->length};
}

static bool holds(const hp_match_dns *dns, const message *m)
{
    hp_match match = {.detail.dns = *dns};
    hp_match_subject s = subject(m);
    return hp_match_packet(&match, &s);
}

static void each_field_narrows(void **state)
{
    message asks = make("turn.example", HP_DNS_A, HP_DNS_RD, 0);
    message tells = make("Turn.Example", HP_DNS_AAAA, HP_DNS_QR | HP_DNS_NXDOMAIN, 0);
    message other = {.bytes = "hello", .length = 5};
    assert_true(holds(&(hp_match_dns){.present = HP_PRESENT}, &asks));
    assert_false(holds(&(hp_match_dns){.present = HP_PRESENT}, &other));
    assert_false(holds(&(hp_match_dns){.present = HP_ABSENT}, &asks));
    assert_true(holds(&(hp_match_dns){.present = HP_ABSENT}, &other));
    assert_true(holds(&(hp_match_dns){.response = HP_ABSENT}, &asks));
    assert_false(holds(&(hp_match_dns){.response = HP_ABSENT}, &tells));
    assert_true(holds(&(hp_match_dns){.response = HP_PRESENT}, &tells));
    assert_true(holds(&(hp_match_dns){.name = (char *)"TURN.example"}, &asks));
    assert_true(holds(&(hp_match_dns){.name = (char *)"turn.example."}, &tells));
    assert_false(holds(&(hp_match_dns){.name = (char *)"example"}, &asks));
    assert_true(holds(&(hp_match_dns){.type = HP_DNS_AAAA}, &tells));
    assert_false(holds(&(hp_match_dns){.type = HP_DNS_AAAA}, &asks));
    assert_true(holds(&(hp_match_dns){.has_rcode = true, .rcode = HP_DNS_NXDOMAIN}, &tells));
    assert_false(holds(&(hp_match_dns){.has_rcode = true, .rcode = HP_DNS_NOERROR}, &tells));
    assert_false(holds(&(hp_match_dns){.has_rcode = true}, &asks)); /* a question has no code */
}

/* Announcements have no question: what they answer counts. */
static void announcements(void **state)
{
    message m;
    hp_dns_writer w;
    hp_dns_record r = {.name = name_of("host.local"), .type = HP_DNS_A, .cls = HP_DNS_IN, .ttl = 120};
    r.addr = hp_addr_v4(0xc0000201, 0);
    hp_dns_begin(&w, m.bytes, sizeof m.bytes, 0, HP_DNS_QR | HP_DNS_AA);
    assert_true(hp_dns_add_record(&w, &r));
    m.length = hp_dns_finish(&w);
    assert_true(holds(&(hp_match_dns){.name = (char *)"host.local", .type = HP_DNS_A}, &m));
    assert_false(holds(&(hp_match_dns){.name = (char *)"host.local", .type = HP_DNS_AAAA}, &m));
    assert_false(holds(&(hp_match_dns){.name = (char *)"other.local"}, &m));
    assert_reads(&m, "host.local A 192.0.2.1, 120 s");
}

static void as_values(void **state)
{
    hp_match m = {.detail.dns = {.name = g_strdup("turn.example"), .has_rcode = true, .rcode = 3}}, copy, other;
    hp_match_copy(&m, &copy);
    assert_ptr_not_equal(copy.detail.dns.name, m.detail.dns.name);
    assert_true(hp_match_equal(&m, &copy));
    assert_false(hp_match_is_empty(&m));
    other = copy;
    other.detail.dns.rcode = 2;
    assert_false(hp_match_equal(&m, &other));
    other = copy;
    other.detail.dns.type = HP_DNS_A;
    assert_false(hp_match_equal(&m, &other));
    other = copy;
    other.detail.dns.name = NULL;
    assert_false(hp_match_equal(&m, &other));
    other = copy;
    other.detail.dns.present = HP_PRESENT;
    assert_false(hp_match_equal(&m, &other));
    other = copy;
    other.detail.dns.response = HP_PRESENT;
    assert_false(hp_match_equal(&m, &other));
    hp_match_clear(&copy);
    hp_match_clear(&m);
    assert_true(hp_match_is_empty(&m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_words),           cmocka_unit_test(by_port_alone), cmocka_unit_test(whole_in_a_segment),
        cmocka_unit_test(each_field_narrows), cmocka_unit_test(announcements), cmocka_unit_test(as_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
