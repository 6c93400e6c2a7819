/* Packets to bytes and back. The expected bytes were made by an independent program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/rng.h"
#include "hex.h"
#include "wire/packet.h"

#define UDP4 "45b800230000400040113c62c0a80102cb00710513880d96000f30c46861697270696e"
#define UDP6                                                                                                           \
    "6b800000000f114020010db800000000000000000000000220010db8ffff0000000000000000000513880d96000fd2fb6861697270696e"
#define TCP4 "4500002b1234000040066ae9c0a80102cb0071059c4001bb0000000100000002501802004db80000616263"
#define ECHO4 "450000200000400040013d2dc0a80102cb007105080018df004d000370696e67"
#define REPLY6                                                                                                         \
    "60000000000c3a4020010db8ffff0000000000000000000520010db80000000000000000000000028100441f004d000370696e67"
#define UNREACH4                                                                                                       \
    "4500003f0000000040017d0ecb007105c0a801020303facd00000000450000230000400040113d1ac0a80102cb00710513880d96000f30c4" \
    "68"                                                                                                               \
    "61697270696e"
#define FRAGNEEDED4                                                                                                    \
    "450002400000000040017b11cb007101c0a801020304fea100000500450004040000400040113939c0a80102cb00710513880d9603f047bc" \
    "00"                                                                                                               \
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
#define TOOBIG6                                                                                                        \
    "6000000004d83a4020010db800000000000000000000000120010db80000000000000000000000020200008e000005006000000005801140" \
    "20"                                                                                                               \
    "010db800000000000000000000000220010db8ffff0000000000000000000513880d960580d4fa0001020304050607"
#define ZERO6                                                                                                          \
    "6000000000"                                                                                                       \
    "0a114020010db800000000000000000000000220010db8ffff0000000000000000000513880d96000affff8343"
#define FRAG0_HEAD "450005dcbeef200040119871c0a80102cb00710513880d960bc04b2700010203"
#define FRAG2_HEAD "45000044beef01724011bc97c0a80102cb007105bfc0c1c2"
#define FRAG6_HEAD                                                                                                     \
    "6000000005b02c4020010db800000000000000000000000220010db8ffff0000000000000000000511000001deadbeef13880d960bc0ed5e" \
    "00"                                                                                                               \
    "010203"
#define FRAG6B_HEAD                                                                                                    \
    "6000000005b02c4020010db800000000000000000000000220010db8ffff00000000000000000005110005a9deadbeefb9babbbc"
#define OPTIONS4 "46000027000040004011a811c0a80102cb0071059404000013880d96000f30c46861697270696e"
#define EXTENSIONS6                                                                                                    \
    "600000000027004020010db800000000000000000000000220010db8ffff000000000000000000053c000104000000001101010c00000000" \
    "00"                                                                                                               \
    "0000000000000013880d96000fd2fb6861697270696e"
#define ROUTED6                                                                                                        \
    "6000000000172b4020010db800000000000000000000000220010db8ffff00000000000000000005110000000000000013880d96000fd2fb" \
    "68"                                                                                                               \
    "61697270696e"
#define ROUTING6                                                                                                       \
    "6000000000172b4020010db800000000000000000000000220010db8ffff00000000000000000005110000010000000013880d96000fd2fb" \
    "68"                                                                                                               \
    "61697270696e"
#define ATOMIC6                                                                                                        \
    "6000000000172c4020010db800000000000000000000000220010db8ffff00000000000000000005110000000000000913880d96000fd2fb" \
    "68"                                                                                                               \
    "61697270696e"

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static hp_packet *make(uint8_t proto, const char *src, const char *dst, const void *payload, size_t len)
{
    hp_addr s = addr(src), d = addr(dst);
    hp_packet *p = hp_packet_new(proto, &s, &d, payload, len);
    p->dont_fragment = true;
    return p;
}

static void assert_writes(const hp_packet *p, const char *hex)
{
    g_autoptr(GBytes) expected = hex_bytes(hex);
    size_t len = hp_packet_wire_length(p);
    g_autofree uint8_t *out = g_malloc(len);
    assert_int_equal(len, g_bytes_get_size(expected));
    assert_int_equal(hp_packet_write(p, out, len), len);
    assert_memory_equal(out, g_bytes_get_data(expected, NULL), len);
    assert_int_equal(hp_packet_write(p, out, len - 1), 0);
}

/* The same, when the expected bytes are only the packet's head. */
static void assert_begins(const hp_packet *p, size_t wire_length, const char *hex)
{
    g_autoptr(GBytes) expected = hex_bytes(hex);
    g_autofree uint8_t *out = g_malloc(wire_length);
    assert_int_equal(hp_packet_wire_length(p), wire_length);
    assert_int_equal(hp_packet_write(p, out, wire_length), wire_length);
    assert_memory_equal(out, g_bytes_get_data(expected, NULL), g_bytes_get_size(expected));
}

static hp_packet *parse(const char *hex)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_autofree uint8_t *exact = g_memdup2(data, len);
    return hp_packet_parse(exact, len, NULL);
}

static hp_packet *reparse(const hp_packet *p)
{
    size_t len = hp_packet_wire_length(p);
    g_autofree uint8_t *out = g_malloc(len);
    assert_int_equal(hp_packet_write(p, out, len), len);
    g_autoptr(GError) error = NULL;
    hp_packet *q = hp_packet_parse(out, len, &error);
    if (q == NULL) {
        fail_msg("%s", error->message);
    }
    return q;
}

static void assert_same(const hp_packet *a, const hp_packet *b)
{
    assert_true(hp_addr_equal(&a->src, &b->src));
    assert_true(hp_addr_equal(&a->dst, &b->dst));
    assert_int_equal(a->proto, b->proto);
    assert_int_equal(a->ttl, b->ttl);
    assert_int_equal(a->tos, b->tos);
    assert_int_equal(a->dont_fragment, b->dont_fragment);
    assert_int_equal(a->corrupt, b->corrupt);
    assert_int_equal(a->no_checksum, b->no_checksum);
    assert_int_equal(a->icmp_kind, b->icmp_kind);
    assert_int_equal(a->icmp_mtu, b->icmp_mtu);
    assert_int_equal(a->frag_offset, b->frag_offset);
    assert_int_equal(a->frag_total, b->frag_total);
    assert_int_equal(a->frag_more, b->frag_more);
    assert_int_equal(a->original_length, b->original_length);
    assert_int_equal(a->l4_sum, b->l4_sum);
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->payload, b->payload, a->length);
    assert_int_equal(a->inner != NULL, b->inner != NULL);
    if (a->inner != NULL && b->inner != NULL) {
        assert_same(a->inner, b->inner);
    }
}

static void test_udp(void **state)
{
    g_autoptr(hp_packet) p = make(HP_PROTO_UDP, "192.168.1.2:5000", "203.0.113.5:3478", "hairpin", 7);
    p->tos = 0xb8;
    assert_writes(p, UDP4);
    g_autoptr(hp_packet) read = parse(UDP4);
    assert_same(p, read);
    assert_true(read->uid == 0);

    g_autoptr(hp_packet) q = make(HP_PROTO_UDP, "[2001:db8::2]:5000", "[2001:db8:ffff::5]:3478", "hairpin", 7);
    q->tos = 0xb8;
    assert_writes(q, UDP6);
    g_autoptr(hp_packet) read6 = parse(UDP6);
    assert_same(q, read6);

    /* A sum of zero is written as ffff. */
    g_autoptr(hp_packet) zero = make(HP_PROTO_UDP, "[2001:db8::2]:5000", "[2001:db8:ffff::5]:3478", "\x83\x43", 2);
    assert_writes(zero, ZERO6);
    g_autoptr(hp_packet) read_zero = parse(ZERO6);
    assert_false(read_zero->corrupt || read_zero->no_checksum);

    g_autoptr(hp_packet) empty = make(HP_PROTO_UDP, "192.168.1.2:5000", "203.0.113.5:3478", NULL, 0);
    g_autoptr(hp_packet) read_empty = reparse(empty);
    assert_same(empty, read_empty);
}

static void test_corrupt(void **state)
{
    static const uint8_t protos[] = {HP_PROTO_UDP, HP_PROTO_TCP, HP_PROTO_ICMP};
    static const uint8_t segment[20] = {[8] = 0x50};
    for (size_t i = 0; i < G_N_ELEMENTS(protos); i++) {
        g_autoptr(hp_packet) p = make(protos[i], "192.168.1.2", "203.0.113.5", segment, sizeof segment);
        p->icmp_kind = protos[i] == HP_PROTO_ICMP ? HP_ICMP_ECHO_REQUEST : HP_ICMP_NONE;
        g_autoptr(hp_packet) good = reparse(p);
        assert_false(good->corrupt);
        p->corrupt = true;
        g_autoptr(hp_packet) bad = reparse(p);
        assert_true(bad->corrupt);
    }
    /* Without a checksum nothing can be wrong, but for IPv6, which does not allow that. */
    g_autoptr(hp_packet) p = make(HP_PROTO_UDP, "192.168.1.2:1", "203.0.113.5:2", "x", 1);
    p->no_checksum = true;
    g_autoptr(hp_packet) q = reparse(p);
    assert_same(p, q);
    g_autoptr(hp_packet) p6 = make(HP_PROTO_UDP, "[2001:db8::1]:1", "[2001:db8::2]:2", "x", 1);
    p6->no_checksum = true;
    g_autoptr(hp_packet) q6 = reparse(p6);
    assert_true(q6->no_checksum && q6->corrupt);
}

static void test_tcp(void **state)
{
    /* Sequence number 1, acknowledgment 2, PSH ACK, window 512, any checksum, three bytes. */
    g_autoptr(GBytes) segment = hex_bytes("00000001 00000002 5018 0200 ffff 0000 616263");
    g_autoptr(hp_packet) p = make(HP_PROTO_TCP, "192.168.1.2:40000", "203.0.113.5:443", g_bytes_get_data(segment, NULL),
                                  g_bytes_get_size(segment));
    p->dont_fragment = false;
    p->ip_id = 0xabcd1234; /* IPv4 has the low half */
    assert_writes(p, TCP4);
    g_autoptr(hp_packet) q = parse(TCP4);
    assert_non_null(q);
    assert_int_equal(q->src.port, 40000);
    assert_int_equal(q->dst.port, 443);
    assert_int_equal(q->length, 19);
    assert_int_equal(q->ip_id, 0x1234);
    assert_false(q->corrupt);
    assert_writes(q, TCP4);
}

static void test_icmp_query(void **state)
{
    g_autoptr(hp_packet) echo = make(HP_PROTO_ICMP, "192.168.1.2", "203.0.113.5", "ping", 4);
    echo->icmp_kind = HP_ICMP_ECHO_REQUEST;
    echo->src.port = 77;
    echo->dst.port = 77;
    echo->icmp_mtu = 3; /* the sequence number */
    assert_writes(echo, ECHO4);
    g_autoptr(hp_packet) read = parse(ECHO4);
    assert_same(echo, read);
    assert_false(hp_packet_is_icmp_error(read));

    /* A NAT rewrote the source's id of a request: that one is written; of a reply, the destination's. */
    echo->dst.port = 999;
    assert_writes(echo, ECHO4);
    g_autoptr(hp_packet) reply = make(HP_PROTO_ICMPV6, "2001:db8:ffff::5", "2001:db8::2", "ping", 4);
    reply->icmp_kind = HP_ICMP_ECHO_REPLY;
    reply->src.port = 999;
    reply->dst.port = 77;
    reply->icmp_mtu = 3;
    assert_writes(reply, REPLY6);
    g_autoptr(hp_packet) read6 = parse(REPLY6);
    assert_int_equal(read6->src.port, 77);
    assert_int_equal(read6->dst.port, 77);

    /* A type without a name keeps its four bytes: a redirect is an error, a router advertisement is not. */
    g_autoptr(hp_packet) other = make(HP_PROTO_ICMPV6, "fe80::1", "ff02::1", "12345678", 8);
    other->icmp_kind = HP_ICMP_OTHER;
    other->icmp_type = 134;
    other->icmp_code = 0;
    other->icmp_mtu = 0x40000708;
    g_autoptr(hp_packet) read_other = reparse(other);
    assert_same(other, read_other);
    assert_int_equal(read_other->icmp_type, 134);
    assert_false(hp_packet_is_icmp_error(read_other));
}

static void test_icmp_error(void **state)
{
    hp_addr server = addr("203.0.113.5:3478"), router = addr("203.0.113.1"), router6 = addr("2001:db8::1");
    uint8_t payload[1400];
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)i;
    }
    g_autoptr(hp_packet) small = make(HP_PROTO_UDP, "192.168.1.2:5000", "203.0.113.5:3478", "hairpin", 7);
    g_autoptr(hp_packet) unreachable = hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &server, small, 1280);
    assert_true(hp_packet_is_icmp_error(unreachable));
    assert_writes(unreachable, UNREACH4);
    g_autoptr(hp_packet) read = parse(UNREACH4);
    assert_same(unreachable, read);
    assert_int_equal(read->inner->src.port, 5000);

    /* 576 bytes in all for IPv4, 1280 for IPv6; the quoted header still speaks of the whole datagram. */
    g_autoptr(hp_packet) big = make(HP_PROTO_UDP, "192.168.1.2:5000", "203.0.113.5:3478", payload, 1000);
    g_autoptr(hp_packet) needed = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, big, 1280);
    assert_begins(needed, 576, FRAGNEEDED4);
    g_autoptr(hp_packet) read_needed = reparse(needed);
    assert_same(needed, read_needed);
    assert_int_equal(read_needed->icmp_mtu, 1280);
    assert_int_equal(read_needed->inner->original_length, 1000);
    assert_int_equal(read_needed->inner->length, 520);

    g_autoptr(hp_packet) big6 = make(HP_PROTO_UDP, "[2001:db8::2]:5000", "[2001:db8:ffff::5]:3478", payload, 1400);
    g_autoptr(hp_packet) too_big = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router6, big6, 1280);
    assert_begins(too_big, 1280, TOOBIG6);
    g_autoptr(hp_packet) read_too_big = reparse(too_big);
    assert_same(too_big, read_too_big);

    /* After a NAT changed the quoted port, the quoted checksum is that of the whole changed datagram. */
    g_autoptr(hp_packet) moved = make(HP_PROTO_UDP, "192.168.1.2:6000", "203.0.113.5:3478", payload, 1000);
    g_autoptr(hp_packet) expected = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, moved, 1280);
    read_needed->inner->src.port = 6000;
    uint8_t a[576], b[576];
    assert_int_equal(hp_packet_write(expected, a, sizeof a), 576);
    assert_int_equal(hp_packet_write(read_needed, b, sizeof b), 576);
    assert_memory_equal(a, b, 576);
    g_autoptr(hp_packet) copy = hp_packet_copy(read_needed);
    hp_packet_free(g_steal_pointer(&read_needed));
    assert_same(copy, expected);
}

static void test_icmp_error_kinds(void **state)
{
    static const struct {
        hp_icmp_kind kind;
        uint8_t v4[2], v6[2];
    } cases[] = {
        {HP_ICMP_PORT_UNREACHABLE, {3, 3}, {1, 4}},    {HP_ICMP_HOST_UNREACHABLE, {3, 1}, {1, 3}},
        {HP_ICMP_NET_UNREACHABLE, {3, 0}, {1, 0}},     {HP_ICMP_ADMIN_PROHIBITED, {3, 13}, {1, 1}},
        {HP_ICMP_FRAG_NEEDED, {3, 4}, {2, 0}},         {HP_ICMP_TTL_EXCEEDED, {11, 0}, {3, 0}},
        {HP_ICMP_REASSEMBLY_TIMEOUT, {11, 1}, {3, 1}},
    };
    hp_addr from4 = addr("203.0.113.1"), from6 = addr("2001:db8::1");
    g_autoptr(hp_packet) p4 = make(HP_PROTO_UDP, "192.168.1.2:5000", "203.0.113.5:3478", "x", 1);
    g_autoptr(hp_packet) p6 = make(HP_PROTO_UDP, "[2001:db8::2]:5000", "[2001:db8:ffff::5]:3478", "x", 1);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t out[200];
        g_autoptr(hp_packet) e4 = hp_packet_icmp_error(cases[i].kind, &from4, p4, 1400);
        assert_true(hp_packet_write(e4, out, sizeof out) > 0);
        assert_memory_equal(out + 20, cases[i].v4, 2);
        g_autoptr(hp_packet) q4 = reparse(e4);
        assert_same(e4, q4);
        g_autoptr(hp_packet) e6 = hp_packet_icmp_error(cases[i].kind, &from6, p6, 1400);
        assert_true(hp_packet_write(e6, out, sizeof out) > 0);
        assert_memory_equal(out + 40, cases[i].v6, 2);
        g_autoptr(hp_packet) q6 = reparse(e6);
        assert_same(e6, q6);
    }
}

static void assert_no_error_about(hp_packet *p, const char *from, hp_icmp_kind kind)
{
    hp_addr a = addr(from);
    assert_null(hp_packet_icmp_error(kind, &a, p, 0));
    hp_packet_free(p);
}

static void test_icmp_error_forbidden(void **state)
{
    hp_addr from = addr("203.0.113.1"), from6 = addr("2001:db8::1");
    g_autoptr(hp_packet) p = make(HP_PROTO_UDP, "192.168.1.2:5000", "203.0.113.5:3478", "x", 1);
    hp_packet *error = hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &from, p, 0);
    assert_no_error_about(error, "203.0.113.1", HP_ICMP_TTL_EXCEEDED);

    hp_packet *later = make(HP_PROTO_UDP, "192.168.1.2", "203.0.113.5", "12345678", 8);
    later->frag_total = 100;
    later->frag_offset = 8;
    later->frag_more = true;
    assert_no_error_about(later, "203.0.113.1", HP_ICMP_TTL_EXCEEDED);
    assert_no_error_about(make(HP_PROTO_UDP, "192.168.1.2:1", "224.0.0.1:1", "x", 1), "203.0.113.1",
                          HP_ICMP_TTL_EXCEEDED);
    assert_no_error_about(make(HP_PROTO_UDP, "192.168.1.2:1", "255.255.255.255:1", "x", 1), "203.0.113.1",
                          HP_ICMP_PORT_UNREACHABLE);
    assert_no_error_about(make(HP_PROTO_UDP, "0.0.0.0:1", "203.0.113.5:1", "x", 1), "203.0.113.1",
                          HP_ICMP_PORT_UNREACHABLE);
    assert_no_error_about(make(HP_PROTO_UDP, "192.168.1.2:1", "203.0.113.5:1", "x", 1), "2001:db8::1",
                          HP_ICMP_PORT_UNREACHABLE);
    assert_no_error_about(make(HP_PROTO_UDP, "192.168.1.2:1", "203.0.113.5:1", "x", 1), "203.0.113.1",
                          HP_ICMP_ECHO_REPLY);
    assert_no_error_about(make(HP_PROTO_UDP, "[2001:db8::2]:1", "[ff02::1]:1", "x", 1), "2001:db8::1",
                          HP_ICMP_TTL_EXCEEDED);
    /* The exception of RFC 4443: packet too big, for path MTU discovery of multicasts. */
    g_autoptr(hp_packet) multicast = make(HP_PROTO_UDP, "[2001:db8::2]:1", "[ff02::1]:1", "x", 1);
    g_autoptr(hp_packet) too_big = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &from6, multicast, 1280);
    assert_non_null(too_big);
    /* An echo request may be answered with an error; an error message of an unnamed type may not. */
    g_autoptr(hp_packet) echo = make(HP_PROTO_ICMP, "192.168.1.2", "203.0.113.5", "ping", 4);
    echo->icmp_kind = HP_ICMP_ECHO_REQUEST;
    g_autoptr(hp_packet) about_echo = hp_packet_icmp_error(HP_ICMP_HOST_UNREACHABLE, &from, echo, 0);
    assert_non_null(about_echo);
    g_autoptr(hp_packet) read = reparse(about_echo);
    assert_int_equal(read->inner->icmp_kind, HP_ICMP_ECHO_REQUEST);
    hp_packet *quench = make(HP_PROTO_ICMP, "192.168.1.2", "203.0.113.5", NULL, 0);
    quench->icmp_kind = HP_ICMP_OTHER;
    quench->icmp_type = 4;
    assert_no_error_about(quench, "203.0.113.1", HP_ICMP_TTL_EXCEEDED);
    hp_packet *redirect = make(HP_PROTO_ICMPV6, "[2001:db8::2]", "[2001:db8::5]", NULL, 0);
    redirect->icmp_kind = HP_ICMP_OTHER;
    redirect->icmp_type = 137;
    assert_no_error_about(redirect, "2001:db8::1", HP_ICMP_TTL_EXCEEDED);
    /* RFC 4443 has nothing against later fragments: any of them may be the one that is too big. */
    static const uint8_t bytes[1400];
    g_autoptr(hp_packet) later6 = make(HP_PROTO_UDP, "[2001:db8::2]", "[2001:db8::5]", bytes, sizeof bytes);
    later6->frag_total = 2808;
    later6->frag_offset = 1400;
    later6->frag_more = true;
    later6->ip_id = 7;
    g_autoptr(hp_packet) about_later = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &from6, later6, 1280);
    assert_non_null(about_later);
    assert_int_equal(hp_packet_wire_length(about_later), 1280);
    g_autoptr(hp_packet) read_later = reparse(about_later);
    assert_int_equal(read_later->inner->frag_offset, 1400);
    assert_int_equal(read_later->inner->ip_id, 7);
    assert_int_equal(read_later->inner->original_length, 1400);
}

/* One fragment of a datagram of 3,000 bytes, as the world's fragmenter makes it. */
static hp_packet *fragment(bool v6, uint32_t offset, uint32_t length)
{
    uint8_t payload[3000];
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)(i % 251);
    }
    size_t skip = offset == 0 ? 8 : 0;
    hp_packet *p =
        v6 ? make(HP_PROTO_UDP, "2001:db8::2", "2001:db8:ffff::5", payload + (offset + skip - 8), length - skip)
           : make(HP_PROTO_UDP, "192.168.1.2", "203.0.113.5", payload + (offset + skip - 8), length - skip);
    p->src.port = offset == 0 ? 5000 : 0;
    p->dst.port = offset == 0 ? 3478 : 0;
    p->dont_fragment = v6;
    p->ip_id = v6 ? 0xdeadbeef : 0xbeef;
    p->frag_offset = offset;
    p->frag_total = 3008;
    p->frag_more = offset + length < 3008;
    p->l4_sum = hp_packet_sum(payload, sizeof payload);
    return p;
}

static void test_fragments(void **state)
{
    g_autoptr(hp_packet) first = fragment(false, 0, 1480);
    assert_begins(first, 1500, FRAG0_HEAD);
    g_autoptr(hp_packet) read_first = reparse(first);
    assert_same(first, read_first);
    assert_int_equal(read_first->ip_id, 0xbeef);

    g_autoptr(hp_packet) last = fragment(false, 2960, 48);
    assert_begins(last, 68, FRAG2_HEAD);
    g_autoptr(hp_packet) read_last = reparse(last);
    assert_int_equal(read_last->frag_offset, 2960);
    assert_int_equal(read_last->frag_total, 3008); /* the last one knows */
    assert_false(read_last->frag_more);
    assert_int_equal(read_last->length, 48);
    assert_int_equal(read_last->src.port, 0);

    g_autoptr(hp_packet) middle = fragment(false, 1480, 1480);
    g_autoptr(hp_packet) read_middle = reparse(middle);
    assert_int_equal(read_middle->frag_total, 2960); /* at least its own end */
    assert_true(read_middle->frag_more);
    middle->corrupt = true;
    g_autoptr(hp_packet) read_corrupt = reparse(middle);
    assert_int_equal(read_corrupt->payload[0], middle->payload[0] ^ 0xff);
    assert_memory_equal(read_corrupt->payload + 1, middle->payload + 1, 1479);

    g_autoptr(hp_packet) first6 = fragment(true, 0, 1448);
    assert_begins(first6, 1496, FRAG6_HEAD);
    g_autoptr(hp_packet) read_first6 = reparse(first6);
    assert_same(first6, read_first6);
    assert_true(read_first6->ip_id == 0xdeadbeef);
    g_autoptr(hp_packet) middle6 = fragment(true, 1448, 1448);
    assert_begins(middle6, 1496, FRAG6B_HEAD);

    /* A NAT changed the source port: the checksum is that of the whole datagram with the new port. */
    read_first->src.port = 7000;
    g_autoptr(hp_packet) whole = make(HP_PROTO_UDP, "192.168.1.2:7000", "203.0.113.5:3478", NULL, 3000);
    for (size_t i = 0; i < 3000; i++) {
        whole->payload[i] = (uint8_t)(i % 251);
    }
    uint8_t a[1500], b[3028];
    assert_int_equal(hp_packet_write(read_first, a, sizeof a), 1500);
    assert_int_equal(hp_packet_write(whole, b, sizeof b), 3028);
    assert_memory_equal(a + 20, b + 20, 8);

    /* What no wire can carry. */
    uint8_t out[2000];
    first->frag_offset = 4;
    assert_int_equal(hp_packet_write(first, out, sizeof out), 0);
    g_autoptr(hp_packet) uneven = fragment(false, 0, 1481);
    assert_int_equal(hp_packet_write(uneven, out, sizeof out), 0);
    g_autoptr(hp_packet) mixed = make(HP_PROTO_UDP, "192.168.1.2:1", "[2001:db8::1]:1", "x", 1);
    assert_int_equal(hp_packet_write(mixed, out, sizeof out), 0);
    assert_int_equal(hp_packet_wire_length(mixed), 0);
    g_autofree uint8_t *large = g_malloc0(70000);
    g_autoptr(hp_packet) huge = make(HP_PROTO_UDP, "192.168.1.2:1", "203.0.113.5:1", NULL, 65508);
    memset(huge->payload, 0, huge->length);
    assert_int_equal(hp_packet_write(huge, large, 70000), 0);
    huge->length--;
    assert_int_equal(hp_packet_write(huge, large, 70000), 65535);
}

static void test_icmp_and_tcp_fragments(void **state)
{
    uint8_t payload[64];
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)(i * 3);
    }
    g_autoptr(hp_packet) echo = make(HP_PROTO_ICMP, "192.168.1.2", "203.0.113.5", payload, 40);
    echo->icmp_kind = HP_ICMP_ECHO_REQUEST;
    echo->src.port = echo->dst.port = 9;
    echo->dont_fragment = false;
    echo->frag_total = 48;
    echo->frag_more = true;
    echo->l4_sum = hp_packet_sum(payload, 64); /* of more than this fragment */
    g_autoptr(hp_packet) read = reparse(echo);
    assert_same(echo, read);

    payload[8] = 0x50;
    payload[12] = payload[13] = 0;
    g_autoptr(hp_packet) tcp = make(HP_PROTO_TCP, "192.168.1.2:1", "203.0.113.5:2", payload, 36);
    tcp->dont_fragment = false;
    tcp->frag_total = 40;
    tcp->frag_more = true;
    tcp->l4_sum = hp_packet_sum(payload, 64);
    g_autoptr(hp_packet) read_tcp = reparse(tcp);
    assert_int_equal(read_tcp->l4_sum, tcp->l4_sum);
    read_tcp->src.port = 77; /* and a NAT's change keeps it so */
    g_autoptr(hp_packet) again = reparse(read_tcp);
    assert_int_equal(again->l4_sum, tcp->l4_sum);
    assert_int_equal(again->src.port, 77);
}

/* "in two pieces" from a TCP port and in a ping: the first pieces. */
#define TCP4_FIRST "4500002cbeef20004006afa5c0000201c63364029c4001bb010203040a0b0c0d5018200089e10000696e2074"
#define TCP6_FIRST                                                                                                     \
    "6000000000202c4020010db800000000000000000000000120010db800000000000000000000000206000001deadbeef9c4001bb01020304" \
    "0a0b0c0d501820001aa40000696e2074"
#define ECHO6_FIRST                                                                                                    \
    "6000000000182c4020010db800000000000000000000000120010db80000000000000000000000023a000001deadbeef8000c259004d0007" \
    "696e2074776f2070"

/* How long the datagram is does not show: the sum goes with the length that the fragment knows. */
static void test_first_fragments_without_a_length(void **state)
{
    static const struct {
        const char *hex;
        uint32_t known, length; /* of the fragment, of the datagram */
        uint16_t sum; /* of the datagram's payload */
    } cases[] = {{TCP4_FIRST, 24, 33, 0xebc3}, {TCP6_FIRST, 24, 33, 0xebc3}, {ECHO6_FIRST, 16, 21, 0x618d}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(hp_packet) p = parse(cases[i].hex);
        assert_non_null(p);
        assert_int_equal(p->frag_total, cases[i].known);
        assert_int_equal(p->l4_sum + p->frag_total, cases[i].sum + cases[i].length);
        assert_writes(p, cases[i].hex);
    }
}

static void test_skipped_headers(void **state)
{
    g_autoptr(hp_packet) plain4 = make(HP_PROTO_UDP, "192.168.1.2:5000", "203.0.113.5:3478", "hairpin", 7);
    g_autoptr(hp_packet) plain6 = make(HP_PROTO_UDP, "[2001:db8::2]:5000", "[2001:db8:ffff::5]:3478", "hairpin", 7);
    g_autoptr(hp_packet) options = parse(OPTIONS4);
    assert_non_null(options);
    assert_same(plain4, options);
    static const char *const texts[] = {EXTENSIONS6, ROUTED6, ATOMIC6};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(hp_packet) p = parse(texts[i]);
        assert_non_null(p);
        assert_same(plain6, p);
    }
    assert_null(parse(ROUTING6));
}

static void test_other_protocols(void **state)
{
    g_autoptr(hp_packet) igmp = make(2, "192.168.1.2", "224.0.0.22", "\x22\x00\x00\x00", 4);
    g_autoptr(hp_packet) read = reparse(igmp);
    assert_same(igmp, read);
    /* The other family's ICMP is a protocol like any other. */
    g_autoptr(hp_packet) odd = make(HP_PROTO_ICMPV6, "192.168.1.2", "203.0.113.5", "\x80\x00", 2);
    g_autoptr(hp_packet) read_odd = reparse(odd);
    assert_same(odd, read_odd);
    assert_int_equal(read_odd->icmp_kind, HP_ICMP_NONE);
}

static void assert_refused(const char *hex, const char *why)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_autofree uint8_t *exact = g_memdup2(data, len);
    g_autoptr(GError) error = NULL;
    assert_null(hp_packet_parse(exact, len, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_string_equal(error->message, why);
}

static void test_malformed(void **state)
{
    assert_refused("", "malformed packet: empty");
    assert_refused("5500", "malformed packet: neither IPv4 nor IPv6");
    assert_refused("4500", "malformed packet: shorter than an IPv4 header");
    assert_refused("6000", "malformed packet: shorter than an IPv6 header");
    assert_refused(UDP4 "00", "malformed packet: longer than its IP length");
    assert_refused("45b800230000400040113c63c0a80102cb00710513880d96000f30c46861697270696e",
                   "malformed packet: bad IPv4 header checksum");
    assert_refused("44b800230000400040113c62c0a80102cb00710513880d96000f30c46861697270696e",
                   "malformed packet: bad IPv4 header length");
    assert_refused("4500001b000040004011"
                   "3d22"
                   "c0a80102cb00710513880d96000f30",
                   "malformed packet: a UDP header that is cut off");
    assert_refused(
        "6b800000000f114020010db800000000000000000000000220010db8ffff0000000000000000000513880d96000ed2fb686169727"
        "0696e",
        "malformed packet: a UDP length that disagrees with the IP length");
    assert_refused(ROUTING6, "malformed packet: an IPv6 routing header with segments left");
    assert_refused("600000000008004020010db800000000000000000000000220010db8ffff000000000000000000051101010400000000",
                   "malformed packet: an IPv6 extension header that is cut off");
    /* A fragment of 9 bytes with more to follow. */
    assert_refused("6000000000112c4020010db800000000000000000000000220010db8ffff00000000000000000005"
                   "1100000900000001"
                   "010203040506070809",
                   "malformed packet: a fragment that does not end at a multiple of 8");
    assert_refused("6000000000102c4020010db800000000000000000000000220010db8ffff00000000000000000005"
                   "1100fff800000001"
                   "0102030405060708",
                   "malformed packet: a fragment beyond 65535 bytes");
    assert_refused("6000000000082c4020010db800000000000000000000000220010db8ffff00000000000000000005"
                   "1100000800000001",
                   "malformed packet: an empty fragment");
    /* Quoted by an ICMP error: seven bytes of UDP header. */
    assert_refused("6000000000373a4020010db800000000000000000000000120010db8000000000000000000000002"
                   "0104000000000000"
                   "60000000000f114020010db800000000000000000000000220010db8ffff00000000000000000005"
                   "13880d96000f30",
                   "quoted by an ICMP error: malformed packet: a UDP header that is cut off");
}

/* Every truncation of every sample is refused or, for what a longer quote was, parsed; none reads past its end. */
static void test_truncations(void **state)
{
    static const char *const samples[] = {UDP4, UDP6, TCP4, ECHO4, REPLY6, UNREACH4, OPTIONS4, EXTENSIONS6, ATOMIC6};
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_autoptr(GBytes) bytes = hex_bytes(samples[i]);
        gsize len;
        const uint8_t *data = g_bytes_get_data(bytes, &len);
        for (size_t n = 0; n < len; n++) {
            g_autofree uint8_t *exact = g_memdup2(data, n);
            assert_null(hp_packet_parse(exact, n, NULL));
        }
    }
}

/* The 64-bit sum against the definition, at every length and alignment up to 70. */
static void test_sum(void **state)
{
    uint8_t data[160];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 167 + 13);
    }
    for (size_t start = 0; start < 9; start++) {
        for (size_t len = 0; len < 70; len++) {
            uint32_t sum = 0;
            for (size_t i = 0; i < len; i++) {
                sum += i % 2 == 0 ? (uint32_t)data[start + i] << 8 : data[start + i];
            }
            while (sum > 0xffff) {
                sum = (sum & 0xffff) + (sum >> 16);
            }
            assert_int_equal(hp_packet_sum(data + start, len), sum);
        }
    }
    memset(data, 0xff, sizeof data);
    assert_int_equal(hp_packet_sum(data, sizeof data), 0xffff);
    memset(data, 0, sizeof data);
    assert_int_equal(hp_packet_sum(data, sizeof data), 0);
}

static void test_new_and_free(void **state)
{
    g_autoptr(hp_packet) p = make(HP_PROTO_UDP, "192.168.1.2:1", "203.0.113.5:2", NULL, 10);
    assert_int_equal(p->ttl, 64);
    assert_int_equal(p->length, 10);
    assert_int_equal(p->capacity, 10);
    assert_null(p->inner);
    hp_packet_free(NULL);
}

/* A packet whose payload sum is known is written by another way: the bytes must be the same, whatever the fields. */
static void test_known_sums_change_nothing(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 1, "packets");
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t payload[1500];
        const size_t length = hp_rng_below(&rng, i % 2 ? 40 : sizeof payload);
        hp_rng_bytes(&rng, payload, length);
        if (i % 7 == 0) {
            memset(payload, i % 2 ? 0 : 0xff, length);
        }
        const hp_addr src = hp_addr_v4((uint32_t)hp_rng_u64(&rng), (uint16_t)hp_rng_u64(&rng));
        const hp_addr dst = hp_addr_v4((uint32_t)hp_rng_u64(&rng), (uint16_t)hp_rng_u64(&rng));
        g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &src, &dst, payload, length);
        p->ttl = (uint8_t)hp_rng_u64(&rng);
        p->tos = (uint8_t)hp_rng_u64(&rng);
        p->ip_id = (uint32_t)hp_rng_u64(&rng);
        p->dont_fragment = i % 3 == 0;
        p->corrupt = i % 11 == 0;
        p->no_checksum = i % 13 == 0;
        uint8_t slow[1600], fast[1600];
        const size_t n = hp_packet_write(p, slow, sizeof slow);
        p->l4_sum = hp_packet_sum(p->payload, p->length);
        p->sum_known = true;
        assert_int_equal(hp_packet_write(p, fast, sizeof fast), n);
        assert_memory_equal(slow, fast, n);
        assert_int_equal(hp_packet_write(p, fast, n - 1), 0);
        assert_int_equal(hp_packet_write(p, fast, n), n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_udp),
        cmocka_unit_test(test_corrupt),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_icmp_query),
        cmocka_unit_test(test_icmp_error),
        cmocka_unit_test(test_icmp_error_kinds),
        cmocka_unit_test(test_icmp_error_forbidden),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_icmp_and_tcp_fragments),
        cmocka_unit_test(test_first_fragments_without_a_length),
        cmocka_unit_test(test_skipped_headers),
        cmocka_unit_test(test_other_protocols),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_new_and_free),
        cmocka_unit_test(test_known_sums_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
