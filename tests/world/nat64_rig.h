/* What the tests of the NAT64 share: a NAT with an IPv4 address outside and IPv6 hosts inside. */
#ifndef HP_TESTS_WORLD_NAT64_RIG_H
#define HP_TESTS_WORLD_NAT64_RIG_H

#include "world/nat_rig.h"

#define A "[2001:db8:1::2]:5000"
#define B "[2001:db8:1::3]:6000"
/* 198.51.100.1 and 198.51.100.2 as the inside sees them, and the NAT's own 192.0.2.1 */
#define S6 "[64:ff9b::c633:6401]:3478"
#define S4 "198.51.100.1:3478"
#define T6 "[64:ff9b::c633:6402]:9999"
#define T4 "198.51.100.2:9999"

static inline hp_nat_config nat64_config(void)
{
    hp_nat_config c = hp_nat_config_default();
    c.nat64 = true;
    return c;
}

/* What came of it: "source > destination", or "-". */
static inline const char *rig_seen(rig *r, unsigned side)
{
    static char text[2 * HP_ADDR_TEXT + 4];
    char src[HP_ADDR_TEXT], dst[HP_ADDR_TEXT];
    const hp_packet *p = rig_got(r, side);
    if (!p)
        return "-";
    g_snprintf(text, sizeof text, "%s > %s", hp_addr_format(&p->src, src), hp_addr_format(&p->dst, dst));
    return text;
}

static inline const char *rig_pass(rig *r, unsigned side, const char *src, const char *dst)
{
    rig_give(r, side, udp(src, dst));
    return rig_seen(r, !side);
}

#define assert_passes(r, side, src, dst, seen) assert_string_equal(rig_pass(r, side, src, dst), seen)

/* A packet that is on the wire what it says it is: it can be written and read back, checksums and all. */
static inline void assert_sound(const hp_packet *p)
{
    uint8_t bytes[4000];
    size_t n = hp_packet_write(p, bytes, sizeof bytes);
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_packet) read = hp_packet_parse(bytes, n, &error);
    assert_non_null(read);
    assert_false(read->corrupt);
    assert_true(hp_addr_equal(&read->src, &p->src) && hp_addr_equal(&read->dst, &p->dst));
    if (p->inner) {
        assert_true(hp_addr_equal(&read->inner->src, &p->inner->src));
        assert_true(hp_addr_equal(&read->inner->dst, &p->inner->dst));
    }
}

static inline void assert_addr(const hp_addr *a, const char *expected)
{
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(a, text), expected);
}

#endif
