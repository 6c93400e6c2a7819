/* Messages of connection tracking, whole and mangled, and packets that come out of a kernel again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <glib.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "live/conntrack.h"
#include "live/twins.h"
#include "world/nat.h"

static hp_addr at(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

/* ---- messages ---- */

static size_t begin(GByteArray *m, uint16_t type)
{
    struct nlattr head = {.nla_type = type};
    g_byte_array_append(m, (const uint8_t *)&head, sizeof head);
    return m->len - sizeof head;
}

static void end(GByteArray *m, size_t from)
{
    static const uint8_t padding[NLA_ALIGNTO];
    uint16_t length = (uint16_t)(m->len - from);
    memcpy(m->data + from, &length, sizeof length);
    g_byte_array_append(m, padding, NLA_ALIGN(length) - length);
}

static void put(GByteArray *m, uint16_t type, const void *data, size_t length)
{
    size_t from = begin(m, type);
    g_byte_array_append(m, data, (guint)length);
    end(m, from);
}

static void put_tuple(GByteArray *m, uint16_t type, uint8_t proto, const hp_addr *from, const hp_addr *to)
{
    bool v6 = from->family == HP_AF_IPV6;
    uint16_t ports[2] = {GUINT16_TO_BE(from->port), GUINT16_TO_BE(to->port)};
    size_t tuple = begin(m, type), ip = begin(m, CTA_TUPLE_IP);
    put(m, v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, from->ip, v6 ? 16 : 4);
    put(m, v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, to->ip, v6 ? 16 : 4);
    end(m, ip);
    size_t part = begin(m, CTA_TUPLE_PROTO);
    put(m, CTA_PROTO_NUM, &proto, 1);
    if (proto == HP_PROTO_ICMP) {
        put(m, CTA_PROTO_ICMP_ID, &ports[0], 2);
    } else {
        put(m, CTA_PROTO_SRC_PORT, &ports[0], 2);
        put(m, CTA_PROTO_DST_PORT, &ports[1], 2);
    }
    end(m, part);
    end(m, tuple);
}

/* Of a flow from inside that was masqueraded. */
static GByteArray *message(uint8_t proto, const char *inside, const char *remote, const char *outside)
{
    GByteArray *m = g_byte_array_new();
    struct nfgenmsg head = {.nfgen_family = AF_INET};
    hp_addr a = at(inside), b = at(remote), c = at(outside);
    g_byte_array_append(m, (const uint8_t *)&head, sizeof head);
    put_tuple(m, CTA_TUPLE_ORIG, proto, &a, &b);
    put_tuple(m, CTA_TUPLE_REPLY, proto, &b, &c);
    put(m, CTA_ID, "1234", 4);
    return m;
}

static void flows(void **state)
{
    static const struct {
        uint8_t proto;
        const char *inside, *remote, *outside;
    } all[] = {
        {HP_PROTO_UDP, "192.168.1.2:5000", "203.0.113.1:6000", "198.18.0.1:5001"},
        {HP_PROTO_TCP, "[fd00::2]:5000", "[2001:db8::1]:80", "[2001:db8:1::1]:5000"},
        {HP_PROTO_ICMP, "192.168.1.2:7", "203.0.113.1:7", "198.18.0.1:7"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        g_autoptr(GByteArray) m = message(all[i].proto, all[i].inside, all[i].remote, all[i].outside);
        hp_conntrack_flow flow;
        hp_addr a = at(all[i].inside), b = at(all[i].remote), c = at(all[i].outside);
        assert_true(hp_conntrack_parse(m->data, m->len, &flow));
        assert_int_equal(flow.proto, all[i].proto);
        assert_true(hp_addr_equal(&flow.source, &a));
        assert_true(hp_addr_equal(&flow.destination, &b));
        assert_true(hp_addr_equal(&flow.reply_to, &c));
    }
}

static void others_are_no_flows(void **state)
{
    hp_conntrack_flow flow;
    g_autoptr(GByteArray) sctp = message(132, "192.168.1.2:1", "203.0.113.1:2", "198.18.0.1:3");
    assert_false(hp_conntrack_parse(sctp->data, sctp->len, &flow));
    assert_false(hp_conntrack_parse(sctp->data, 0, &flow));
}

/* Cut anywhere, and with any octet changed: no octet beyond its end is read (the sanitizer looks), and what comes of it
 * has addresses of one family. */
static void mangled(void **state)
{
    g_autoptr(GByteArray) good = message(HP_PROTO_UDP, "192.168.1.2:5000", "203.0.113.1:6000", "198.18.0.1:5001");
    hp_conntrack_flow flow;
    for (size_t length = 0; length < good->len; length++) {
        g_autofree uint8_t *cut = g_memdup2(good->data, length);
        bool whole = hp_conntrack_parse(cut, length, &flow);
        assert_true(!whole || length >= good->len - 8); /* CTA_ID is not needed */
    }
    for (size_t i = 0; i < good->len; i++) {
        for (unsigned value = 0; value < 256; value++) {
            g_autofree uint8_t *bad = g_memdup2(good->data, good->len);
            bad[i] = (uint8_t)value;
            if (hp_conntrack_parse(bad, good->len, &flow)) {
                assert_int_equal(flow.source.family, flow.destination.family);
                assert_int_equal(flow.source.family, flow.reply_to.family);
            }
        }
    }
}

/* ---- packets ---- */

static hp_packet *packet(uint64_t uid, const char *from, const char *to, const char *text)
{
    hp_addr a = at(from), b = at(to);
    hp_packet *p = hp_packet_new(HP_PROTO_UDP, &a, &b, text, strlen(text));
    p->uid = uid;
    return p;
}

static uint64_t leaves(hp_twins *twins, unsigned side, const char *from, const char *to, const char *text)
{
    g_autoptr(hp_packet) p = packet(0, from, to, text);
    return hp_twins_leave(twins, side, p);
}

static void enters(hp_twins *twins, unsigned side, uint64_t uid, const char *from, const char *to, const char *text)
{
    g_autoptr(hp_packet) p = packet(uid, from, to, text);
    hp_twins_enter(twins, side, p);
}

static void twins_are_found_once(void **state)
{
    hp_twins twins = {0};
    enters(&twins, HP_NAT_INSIDE, 7, "192.168.1.2:5000", "203.0.113.1:6000", "hello there");
    assert_int_equal(leaves(&twins, HP_NAT_INSIDE, "198.18.0.1:5000", "203.0.113.1:6000", "hello there"), 0);
    assert_int_equal(leaves(&twins, HP_NAT_OUTSIDE, "198.18.0.1:5000", "203.0.113.1:6001", "hello there"), 0);
    assert_int_equal(leaves(&twins, HP_NAT_OUTSIDE, "198.18.0.1:5000", "203.0.113.1:6000", "hello thera"), 0);
    assert_int_equal(leaves(&twins, HP_NAT_OUTSIDE, "198.18.0.1:999", "203.0.113.1:6000", "hello there"), 7);
    assert_int_equal(leaves(&twins, HP_NAT_OUTSIDE, "198.18.0.1:999", "203.0.113.1:6000", "hello there"), 0);
    enters(&twins, HP_NAT_OUTSIDE, 8, "203.0.113.1:6000", "198.18.0.1:999", "");
    assert_int_equal(leaves(&twins, HP_NAT_INSIDE, "203.0.113.1:6000", "192.168.1.2:5000", ""), 8);
}

/* The first was dropped inside: the second, which is the same, comes out. */
static void the_newest_is_taken(void **state)
{
    hp_twins twins = {0};
    enters(&twins, HP_NAT_OUTSIDE, 1, "203.0.113.1:6000", "198.18.0.1:5000", "check");
    enters(&twins, HP_NAT_OUTSIDE, 2, "203.0.113.1:6000", "198.18.0.1:5000", "check");
    assert_int_equal(leaves(&twins, HP_NAT_INSIDE, "203.0.113.1:6000", "192.168.1.2:5000", "check"), 2);
}

static void old_ones_are_forgotten(void **state)
{
    hp_twins twins = {0};
    enters(&twins, HP_NAT_INSIDE, 1, "192.168.1.2:5000", "203.0.113.1:6000", "first");
    for (unsigned i = 0; i < HP_TWINS_KEPT; i++) {
        enters(&twins, HP_NAT_INSIDE, 2 + i, "192.168.1.2:5000", "203.0.113.1:6000", "more");
    }
    assert_int_equal(leaves(&twins, HP_NAT_OUTSIDE, "198.18.0.1:5000", "203.0.113.1:6000", "first"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows),
        cmocka_unit_test(others_are_no_flows),
        cmocka_unit_test(mangled),
        cmocka_unit_test(twins_are_found_once),
        cmocka_unit_test(the_newest_is_taken),
        cmocka_unit_test(old_ones_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
