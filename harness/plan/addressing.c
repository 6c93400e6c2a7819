/* Theory of operation.
 *
 * Addresses come from the documentation networks (RFC 5737, RFC 3849) while they last, then from the benchmark network
 * 198.18.0.0/15 (RFC 2544), so that no packet of a live run could ever belong to anybody. Numbering starts at 10 within
 * a network: .1 is a gateway, and what a scenario numbers by hand usually lies below.
 *
 * Insides are 192.168.N.0/24 for homes, 100.64.0.0/10 in slices of a /16 for carriers (RFC 6598), and a /16 of
 * 10.0.0.0/8 where a /24 is too small or the 192.168 networks have run out. Insides of IPv6 are unique local, or where
 * the world outside sees their addresses 2001:db8:6eNN::. What a firewall guards is routed as well: 2001:db8:f1:N::,
 * and networks of the benchmark network's upper half. */
#include "plan/addressing.h"

#define FIRST_HOST 10
#define SMALL_NETWORK 240 /* hosts that fit a /24 from FIRST_HOST on, with room for the gateway */

static hp_prefix prefix4(unsigned a, unsigned b, unsigned c, uint8_t bits)
{
    return (hp_prefix){.base = hp_addr_v4((uint32_t)a << 24 | (uint32_t)b << 16 | (uint32_t)c << 8, 0), .bits = bits};
}

static hp_prefix prefix6(uint16_t w0, uint16_t w1, uint16_t w2, uint16_t w3)
{
    const uint16_t words[4] = {w0, w1, w2, w3};
    uint8_t ip[16] = {0};
    for (unsigned i = 0; i < 4; i++) {
        ip[2 * i] = (uint8_t)(words[i] >> 8);
        ip[2 * i + 1] = (uint8_t)words[i];
    }
    return (hp_prefix){.base = hp_addr_v6(ip, 0), .bits = 64};
}

void hp_address_pool_init(hp_address_pool *pool, const hp_prefix *prefix, uint8_t family)
{
    *pool = (hp_address_pool){.prefix = *prefix, .family = family};
    for (unsigned use = 0; use < HP_USE_N; use++)
        pool->next[use] = FIRST_HOST;
    pool->taken = g_hash_table_new_full(hp_addr_key_hash, hp_addr_key_equal, g_free, NULL);
}

void hp_address_pool_clear(hp_address_pool *pool)
{
    g_clear_pointer(&pool->taken, g_hash_table_unref);
}

bool hp_address_pool_reserve(hp_address_pool *pool, const hp_addr *a)
{
    hp_addr key = hp_addr_with_port(*a, 0);
    return g_hash_table_add(pool->taken, g_memdup2(&key, sizeof key));
}

/* The network of the Internet that holds addresses of that use. */
static hp_prefix internet_prefix(hp_address_use use, uint8_t family)
{
    static const uint8_t network4[HP_USE_N][3] = {
        [HP_USE_SERVER] = {203, 0, 113}, [HP_USE_PEER] = {198, 51, 100}, [HP_USE_NAT] = {192, 0, 2}};
    static const uint16_t network6[HP_USE_N] = {[HP_USE_SERVER] = 0x53, [HP_USE_PEER] = 0x50, [HP_USE_NAT] = 0x4e};
    if (family == HP_AF_IPV4)
        return prefix4(network4[use][0], network4[use][1], network4[use][2], 24);
    return prefix6(0x2001, 0xdb8, network6[use], 0);
}

static uint32_t prefix_room(const hp_prefix *p)
{
    unsigned host_bits = (p->base.family == HP_AF_IPV4 ? 32 : 128) - p->bits;
    return host_bits >= 24 ? 1u << 24 : (1u << host_bits) - 1; /* the last address is a broadcast */
}

bool hp_address_pool_take(hp_address_pool *pool, hp_address_use use, hp_addr *ret)
{
    bool internet = pool->prefix.base.family == HP_AF_NONE;
    hp_prefix network = internet ? internet_prefix(use, pool->family) : pool->prefix;
    unsigned counter = internet ? use : 0;
    uint32_t room = prefix_room(&network);
    while (pool->next[counter] < room) {
        hp_addr a = hp_addr_plus(network.base, pool->next[counter]++);
        if (hp_address_pool_reserve(pool, &a)) {
            *ret = a;
            return true;
        }
    }
    if (!internet || pool->family != HP_AF_IPV4)
        return false;
    hp_prefix spill = prefix4(198, 18, 0, 15);
    while (pool->spilled < prefix_room(&spill)) {
        hp_addr a = hp_addr_plus(spill.base, FIRST_HOST + pool->spilled++);
        if (hp_address_pool_reserve(pool, &a)) {
            *ret = a;
            return true;
        }
    }
    return false;
}

hp_prefix hp_inside_prefix4(unsigned index, bool carrier, unsigned hosts)
{
    if (carrier)
        return prefix4(100, 64 + index % 64, 0, 16);
    if (hosts <= SMALL_NETWORK && index < 250)
        return prefix4(192, 168, 1 + index, 24);
    if (hosts <= SMALL_NETWORK)
        return prefix4(10, index / 256 % 256, index % 256, 24);
    return prefix4(10, 128 + index % 128, 0, 16);
}

hp_prefix hp_inside_prefix6(unsigned index)
{
    return prefix6(0xfd00, 0, 0, (uint16_t)(index + 1));
}

hp_prefix hp_routed_prefix6(unsigned index, uint8_t bits)
{
    hp_prefix prefix = prefix6(0x2001, 0xdb8, (uint16_t)(0x6e00 + index), 0);
    prefix.bits = bits;
    return prefix;
}

bool hp_internet_overlaps6(const hp_prefix *prefix)
{
    for (unsigned use = 0; use < HP_USE_N; use++) {
        hp_prefix network = internet_prefix((hp_address_use)use, HP_AF_IPV6);
        if (hp_prefix_contains(prefix, &network.base) || hp_prefix_contains(&network, &prefix->base))
            return true;
    }
    return false;
}

hp_prefix hp_lan_prefix4(unsigned index, unsigned hosts)
{
    return hosts <= SMALL_NETWORK ? prefix4(172, 16, index % 256, 24) : prefix4(172, 17 + index % 14, 0, 16);
}

hp_prefix hp_lan_prefix6(unsigned index)
{
    return prefix6(0x2001, 0xdb8, 0x1a, (uint16_t)(index + 1));
}

hp_prefix hp_firewall_prefix4(unsigned index)
{
    return prefix4(198, 19, index % 256, 24);
}

hp_prefix hp_firewall_prefix6(unsigned index)
{
    return prefix6(0x2001, 0xdb8, 0xf1, (uint16_t)(index + 1));
}
