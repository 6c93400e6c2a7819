/* RFC 7915's header translation by exact bytes (made by hand and by another program), and its tables of ICMP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "wire/hex.h"
#include "world/probe.h"
#include "world/translate.h"

/* From 198.51.100.7 or 64:ff9b::c633:6407 to 192.0.2.1 or 2001:db8::1, one packet in both families. */
#define UDP4 "45b80023000040003c1151d6c6336407c00002010fa01388000f8b7868656c6c6f2121"
#define UDP6                                                                                                           \
    "6b800000000f113c0064ff9b0000000000000000c633640720010db80000000000000000000000010fa01388000f1fc06865"             \
    "6c6c6f2121"
#define UDP4_BACK "45b80023123400003c117fa2c6336407c00002010fa01388000f8b7868656c6c6f2121"
#define TCP4 "4500002f0000400040064e8dc6336407c000020100501388000003e8000007d0501801f43d12000068656c6c6f2121"
#define TCP6                                                                                                           \
    "60000000001b06400064ff9b0000000000000000c633640720010db800000000000000000000000100501388000003e80000"             \
    "07d0501801f4d159000068656c6c6f2121"
#define FIRST4                                                                                                         \
    "45000034abcd20004011c2afc6336407c00002010fa0138800307298000102030405060708090a0b0c0d0e0f101112131415"             \
    "1617"
#define FIRST6                                                                                                         \
    "6000000000282c400064ff9b0000000000000000c633640720010db8000000000000000000000001110000010000abcd0fa0"             \
    "1388003006e0000102030405060708090a0b0c0d0e0f1011121314151617"
#define FIRST6_WIDE                                                                                                    \
    "6000000000282c400064ff9b0000000000000000c633640720010db8000000000000000000000001110000017777abcd0fa0"             \
    "1388003006e0000102030405060708090a0b0c0d0e0f1011121314151617"
#define LAST4 "45000024abcd00044011e2bbc6336407c000020118191a1b1c1d1e1f2021222324252627"
#define LAST6                                                                                                          \
    "6000000000182c400064ff9b0000000000000000c633640720010db8000000000000000000000001110000200000abcd1819"             \
    "1a1b1c1d1e1f2021222324252627"
#define ECHO4 "450000230000400040014e9ec6336407c0000201080092f40007001168656c6c6f2121"
#define ECHO6                                                                                                          \
    "60000000000f3a400064ff9b0000000000000000c633640720010db80000000000000000000000018000c2b5000700116865"             \
    "6c6c6f2121"
#define REPLY4 "450000230000400040014e9ec6336407c000020100009af40007001168656c6c6f2121"
#define REPLY6                                                                                                         \
    "60000000000f3a400064ff9b0000000000000000c633640720010db80000000000000000000000018100c1b5000700116865"             \
    "6c6c6f2121"
#define TOO_BIG4                                                                                                       \
    "4500003f0000400040013cb3cb007109c00002010304e3e000000578450000230000400003118b8ec0000201c63364071388"             \
    "0fa0000f8b7868656c6c6f2121"
#define TOO_BIG6                                                                                                       \
    "60000000003f3a400064ff9b0000000000000000cb00710920010db800000000000000000000000102001d440000058c6000"             \
    "0000000f110320010db80000000000000000000000010064ff9b0000000000000000c633640713880fa0000f1fc068656c6c"             \
    "6f2121"
#define PROTOCOL4                                                                                                      \
    "4500003f0000400040013cb3cb007109c00002010302e95a00000000450000230000400003118b8ec0000201c63364071388"             \
    "0fa0000f8b7868656c6c6f2121"
#define PROTOCOL6                                                                                                      \
    "60000000003f3a400064ff9b0000000000000000cb00710920010db8000000000000000000000001040120c9000000066000"             \
    "0000000f110320010db80000000000000000000000010064ff9b0000000000000000c633640713880fa0000f1fc068656c6c"             \
    "6f2121"

#define REMOTE4 "198.51.100.7"
#define REMOTE6 "64:ff9b::c633:6407"
#define ROUTER4 "203.0.113.9"
#define ROUTER6 "64:ff9b::cb00:7109"
#define HOST4 "192.0.2.1"
#define HOST6 "2001:db8::1"

static hp_addr other_end(const hp_addr *a)
{
    static const char *const pairs[][2] = {{REMOTE4, REMOTE6}, {ROUTER4, ROUTER6}, {HOST4, HOST6}};
    for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
        for (unsigned k = 0; k < 2; k++) {
            hp_addr known = addr(pairs[i][k]);
            if (hp_addr_same_ip(a, &known)) {
                return hp_addr_with_port(addr(pairs[i][!k]), a->port);
            }
        }
    }
    g_error("no counterpart");
}

static hp_packet *parse(const char *hex)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    g_autoptr(GError) error = NULL;
    gsize n;
    const uint8_t *data = g_bytes_get_data(bytes, &n);
    hp_packet *p = hp_packet_parse(data, n, &error);
    assert_non_null(p);
    p->uid = 0x51234;
    return p;
}

static bool translate(hp_packet *p)
{
    uint8_t from = p->src.family;
    hp_translate_ends ends = {.src = other_end(&p->src), .dst = other_end(&p->dst)};
    if (p->inner != NULL) {
        ends.inner_src = other_end(&p->inner->src);
        ends.inner_dst = other_end(&p->inner->dst);
    }
    assert_null(hp_translate_refusal(p, from));
    return hp_translate(p, from, &ends);
}

static void assert_bytes(const hp_packet *p, const char *hex)
{
    uint8_t out[2000];
    size_t n = hp_packet_write(p, out, sizeof out);
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(text, "%02x", out[i]);
    }
    assert_string_equal(text->str, hex);
}

static void becomes(const char *from, const char *to)
{
    g_autoptr(hp_packet) p = parse(from);
    assert_false(translate(p));
    assert_bytes(p, to);
}

static void datagrams_and_segments(void **state)
{
    becomes(UDP4, UDP6);
    becomes(UDP6, UDP4_BACK); /* short: it may be fragmented, and has an identification */
    becomes(TCP4, TCP6);
}

static void fragments(void **state)
{
    becomes(FIRST4, FIRST6);
    becomes(LAST4, LAST6);
    becomes(FIRST6, FIRST4);
    becomes(FIRST6_WIDE, FIRST4);
    becomes(LAST6, LAST4);
}

/* A fragment stays one that may be cut further, however long; of its identification 16 bits are left. */
static void a_long_fragment(void **state)
{
    hp_addr src = addr(HOST6), dst = addr(REMOTE6);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &src, &dst, NULL, 1424);
    p->ip_id = 0x7777abcd;
    p->frag_more = true;
    p->frag_total = 3000;
    assert_false(translate(p));
    assert_false(p->dont_fragment);
    assert_int_equal(p->ip_id, 0xabcd);
}

static void queries(void **state)
{
    becomes(ECHO4, ECHO6);
    becomes(REPLY4, REPLY6);
    g_autoptr(hp_packet) p = parse(ECHO6);
    translate(p);
    p->dont_fragment = true; /* the rest of the two is the same */
    assert_bytes(p, ECHO4);
}

static void errors_with_what_they_quote(void **state)
{
    becomes(TOO_BIG4, TOO_BIG6);
    becomes(PROTOCOL4, PROTOCOL6);
}

/* RFC 7915 section 5: up to 1260 bytes of IPv4 a packet may be fragmented, beyond it may not. */
static void dont_fragment_goes_by_length(void **state)
{
    hp_addr src = addr(HOST6), dst = addr(REMOTE6);
    for (unsigned extra = 0; extra < 2; extra++) {
        g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &src, &dst, NULL, 1260 - 28 + extra);
        p->uid = 7;
        translate(p);
        assert_int_equal(hp_packet_wire_length(p), 1260 + extra);
        assert_int_equal(p->dont_fragment, extra);
        assert_int_equal(p->ip_id, extra ? 0 : 7);
    }
}

/* The same for a quotation, by the length that the packet had and not by what is left of it. */
static void dont_fragment_of_a_quotation(void **state)
{
    hp_addr src = addr(HOST6), dst = addr(REMOTE6), router = addr(ROUTER6);
    for (unsigned extra = 0; extra < 2; extra++) {
        g_autoptr(hp_packet) quoted = hp_packet_new(HP_PROTO_UDP, &src, &dst, NULL, 1260 - 28 + extra);
        g_autoptr(hp_packet) p = hp_packet_icmp_error(HP_ICMP_TTL_EXCEEDED, &router, quoted, 0);
        assert_int_equal(p->inner->length, 1280 - 40 - 8 - 40 - 8);
        translate(p);
        assert_int_equal(p->inner->dont_fragment, extra);
    }
}

/* Section 4: what may be fragmented is to be cut to 1280 bytes, what may not stays whole. */
static void long_packets_are_to_be_cut(void **state)
{
    hp_addr src = addr(REMOTE4), dst = addr(HOST4);
    static const struct {
        unsigned length;
        bool dont_fragment, cut;
    } rows[] = {{1280 - 48, false, false}, {1280 - 47, false, true}, {1280 - 47, true, false}};
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &src, &dst, NULL, rows[i].length);
        p->dont_fragment = rows[i].dont_fragment;
        assert_int_equal(translate(p), rows[i].cut);
        assert_true(p->dont_fragment);
    }
}

/* ---- tables ---- */

enum { DROPPED = -1 };

typedef struct icmp_row {
    int type, code;
    int to_type, to_code; /* DROPPED: refused */
    uint32_t rest, to_rest; /* bytes 4 to 7 */
} icmp_row;

/* One message of a family, with a datagram quoted where the type is an error's, through bytes and back to bytes. */
static void check_row(uint8_t family, const icmp_row *row)
{
    bool v4 = family == HP_AF_IPV4;
    hp_addr router = addr(v4 ? ROUTER4 : ROUTER6), src = addr(v4 ? HOST4 : HOST6), dst = addr(v4 ? REMOTE4 : REMOTE6);
    bool error =
        v4 ? row->type == 3 || row->type == 4 || row->type == 5 || row->type == 11 || row->type == 12 : row->type < 128;
    g_autoptr(hp_packet) p = hp_packet_new(v4 ? HP_PROTO_ICMP : HP_PROTO_ICMPV6, &router, &src, NULL, 0);
    p->icmp_kind = HP_ICMP_OTHER;
    p->icmp_type = (uint8_t)row->type;
    p->icmp_code = (uint8_t)row->code;
    p->icmp_mtu = row->rest;
    p->inner = error ? hp_packet_new(HP_PROTO_UDP, &src, &dst, "12345678", 8) : NULL;
    uint8_t bytes[200];
    size_t n = hp_packet_write(p, bytes, sizeof bytes);
    g_autoptr(hp_packet) read = hp_packet_parse(bytes, n, NULL);
    assert_non_null(read);
    assert_false(read->corrupt);
    if (row->to_type == DROPPED) {
        assert_non_null(hp_translate_refusal(read, family));
        return;
    }
    translate(read);
    n = hp_packet_write(read, bytes, sizeof bytes);
    const uint8_t *icmp = bytes + (v4 ? 40 : 20);
    assert_int_equal(icmp[0], row->to_type);
    assert_int_equal(icmp[1], row->to_code);
    assert_int_equal((uint32_t)icmp[4] << 24 | icmp[5] << 16 | icmp[6] << 8 | icmp[7], row->to_rest);
    g_autoptr(hp_packet) again = hp_packet_parse(bytes, n, NULL);
    assert_non_null(again);
    assert_false(again->corrupt);
}

static void icmp_to_icmpv6(void **state)
{
    static const icmp_row rows[] = {
        {0, 0, 129, 0},
        {8, 0, 128, 0},
        {13, 0, DROPPED},
        {14, 0, DROPPED},
        {15, 0, DROPPED},
        {17, 0, DROPPED},
        {9, 0, DROPPED},
        {10, 0, DROPPED},
        {6, 0, DROPPED},
        {99, 0, DROPPED},
        {4, 0, DROPPED},
        {5, 0, DROPPED},
        {5, 1, DROPPED},
        {3, 0, 1, 0},
        {3, 1, 1, 0},
        {3, 2, 4, 1, 0, 6},
        {3, 3, 1, 4},
        {3, 5, 1, 0},
        {3, 6, 1, 0},
        {3, 7, 1, 0},
        {3, 8, 1, 0},
        {3, 9, 1, 1},
        {3, 10, 1, 1},
        {3, 11, 1, 0},
        {3, 12, 1, 0},
        {3, 13, 1, 1},
        {3, 14, DROPPED},
        {3, 15, 1, 1},
        {3, 16, DROPPED},
        {3, 4, 2, 0, 1480, 1500},
        {3, 4, 2, 0, 1260, 1280},
        {3, 4, 2, 0, 576, 1280},
        {3, 4, 2, 0, 0, 1280},
        {11, 0, 3, 0},
        {11, 1, 3, 1},
        {12, 0, 4, 0, 0, 0},
        {12, 0, 4, 0, 1u << 24, 1},
        {12, 0, 4, 0, 2u << 24, 4},
        {12, 0, 4, 0, 3u << 24, 4},
        {12, 0, DROPPED, 0, 4u << 24},
        {12, 0, DROPPED, 0, 7u << 24},
        {12, 0, 4, 0, 8u << 24, 7},
        {12, 0, 4, 0, 9u << 24, 6},
        {12, 0, DROPPED, 0, 10u << 24},
        {12, 0, 4, 0, 12u << 24, 8},
        {12, 0, 4, 0, 15u << 24, 8},
        {12, 0, 4, 0, 16u << 24, 24},
        {12, 0, 4, 0, 19u << 24, 24},
        {12, 0, DROPPED, 0, 20u << 24},
        {12, 1, DROPPED},
        {12, 2, 4, 0, 8u << 24, 7},
        {12, 3, DROPPED},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        check_row(HP_AF_IPV4, &rows[i]);
    }
}

static void icmpv6_to_icmp(void **state)
{
    static const icmp_row rows[] = {
        {128, 0, 8, 0},
        {129, 0, 0, 0},
        {130, 0, DROPPED},
        {133, 0, DROPPED},
        {137, 0, DROPPED},
        {200, 0, DROPPED},
        {1, 0, 3, 1},
        {1, 1, 3, 10},
        {1, 2, 3, 1},
        {1, 3, 3, 1},
        {1, 4, 3, 3},
        {1, 5, DROPPED},
        {2, 0, 3, 4, 1500, 1480},
        {2, 0, 3, 4, 1280, 1260},
        {2, 0, 3, 4, 10, 68},
        {3, 0, 11, 0},
        {3, 1, 11, 1},
        {4, 0, 12, 0, 0, 0},
        {4, 0, 12, 0, 1, 1u << 24},
        {4, 0, DROPPED, 0, 2},
        {4, 0, DROPPED, 0, 3},
        {4, 0, 12, 0, 4, 2u << 24},
        {4, 0, 12, 0, 5, 2u << 24},
        {4, 0, 12, 0, 6, 9u << 24},
        {4, 0, 12, 0, 7, 8u << 24},
        {4, 0, 12, 0, 8, 12u << 24},
        {4, 0, 12, 0, 23, 12u << 24},
        {4, 0, 12, 0, 24, 16u << 24},
        {4, 0, 12, 0, 39, 16u << 24},
        {4, 0, DROPPED, 0, 40},
        {4, 1, 3, 2, 6},
        {4, 2, DROPPED},
        {100, 0, DROPPED},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        check_row(HP_AF_IPV6, &rows[i]);
    }
}

/* RFC 7915 section 4.2: a router of before RFC 1191 says no MTU; the plateau below the packet's length is meant. */
static void no_mtu_means_a_plateau(void **state)
{
    hp_addr router = addr(ROUTER4), src = addr(HOST4), dst = addr(REMOTE4);
    static const struct {
        unsigned length;
        uint32_t mtu;
    } rows[] = {{1501, 1512}, {1492, 1280}, {2003, 2022}, {9000, 8186}};
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(hp_packet) offender = hp_packet_new(HP_PROTO_UDP, &src, &dst, NULL, rows[i].length - 28);
        memset(offender->payload, 0, offender->length);
        g_autoptr(hp_packet) p = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, offender, 0);
        translate(p);
        assert_int_equal(p->icmp_mtu, rows[i].mtu);
    }
}

/* A long quotation is cut so that the error has 1280 bytes, and says how long the packet was. */
static void quotations_are_cut(void **state)
{
    hp_addr router = addr(ROUTER4), src = addr(HOST4), dst = addr(REMOTE4);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_ICMP, &router, &src, NULL, 0);
    p->icmp_kind = HP_ICMP_TTL_EXCEEDED;
    p->inner = hp_packet_new(HP_PROTO_UDP, &src, &dst, NULL, 1300);
    memset(p->inner->payload, 0x5a, 1300);
    translate(p);
    uint8_t bytes[2000];
    size_t n = hp_packet_write(p, bytes, sizeof bytes);
    assert_int_equal(n, 1280);
    g_autoptr(hp_packet) read = hp_packet_parse(bytes, n, NULL);
    assert_non_null(read);
    assert_false(read->corrupt);
    assert_int_equal(read->inner->original_length, 1300);
    assert_int_equal(read->inner->length, 1280 - 40 - 8 - 40 - 8);
}

static void refusals(void **state)
{
    hp_addr src = addr(REMOTE4), dst = addr(HOST4), src6 = addr(REMOTE6), dst6 = addr(HOST6);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &src, &dst, "x", 1);
    p->no_checksum = true;
    assert_null(hp_translate_refusal(p, HP_AF_IPV4));
    translate(p);
    assert_false(p->no_checksum);
    g_autoptr(hp_packet) fragment = parse(FIRST4);
    fragment->no_checksum = true;
    assert_string_equal(hp_translate_refusal(fragment, HP_AF_IPV4), "a fragmented datagram without a checksum");
    g_autoptr(hp_packet) bare = hp_packet_new(HP_PROTO_UDP, &src6, &dst6, "x", 1);
    bare->no_checksum = true;
    assert_string_equal(hp_translate_refusal(bare, HP_AF_IPV6), "a datagram without a checksum");
    g_autoptr(hp_packet) echo = parse(ECHO4);
    echo->frag_total = 64;
    assert_string_equal(hp_translate_refusal(echo, HP_AF_IPV4), "a fragment of ICMP");
    g_autoptr(hp_packet) foreign = hp_packet_new(HP_PROTO_ICMPV6, &src, &dst, "x", 1);
    assert_string_equal(hp_translate_refusal(foreign, HP_AF_IPV4), "the other family's ICMP");
    g_autoptr(hp_packet) other = hp_packet_new(47, &src, &dst, "x", 1);
    assert_null(hp_translate_refusal(other, HP_AF_IPV4));
    g_autoptr(hp_packet) nested = parse(TOO_BIG4);
    nested->inner->proto = HP_PROTO_ICMP;
    nested->inner->icmp_kind = HP_ICMP_TTL_EXCEEDED;
    assert_string_equal(hp_translate_refusal(nested, HP_AF_IPV4), "it quotes an ICMP message that has no counterpart");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_and_segments),
        cmocka_unit_test(fragments),
        cmocka_unit_test(a_long_fragment),
        cmocka_unit_test(queries),
        cmocka_unit_test(errors_with_what_they_quote),
        cmocka_unit_test(dont_fragment_goes_by_length),
        cmocka_unit_test(dont_fragment_of_a_quotation),
        cmocka_unit_test(long_packets_are_to_be_cut),
        cmocka_unit_test(icmp_to_icmpv6),
        cmocka_unit_test(icmpv6_to_icmp),
        cmocka_unit_test(no_mtu_means_a_plateau),
        cmocka_unit_test(quotations_are_cut),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
