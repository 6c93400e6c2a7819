/* IPv4-embedded IPv6 addresses (RFC 6052 section 2.2): the four bytes follow the prefix and step over byte 8. A prefix
 * of 96 bits holds that byte itself, which must then be zero. */
#include "wire/dns64.h"

#define U_OCTET 8

hp_prefix hp_dns64_well_known(void)
{
    static const uint8_t ip[16] = {0x00, 0x64, 0xff, 0x9b};
    return (hp_prefix){.base = hp_addr_v6(ip, 0), .bits = 96};
}

bool hp_dns64_prefix_valid(const hp_prefix *prefix)
{
    switch (prefix->bits) {
    case 32:
    case 40:
    case 48:
    case 56:
    case 64:
    case 96:
        return prefix->base.family == HP_AF_IPV6 && prefix->base.ip[U_OCTET] == 0;
    }
    return false;
}

bool hp_dns64_embed(const hp_prefix *prefix, const hp_addr *v4, hp_addr *ret)
{
    if (!hp_dns64_prefix_valid(prefix) || v4->family != HP_AF_IPV4) {
        return false;
    }
    hp_addr a = hp_addr_v6(prefix->base.ip, v4->port);
    unsigned at = prefix->bits / 8;
    for (unsigned i = 0; i < 4; i++) {
        at += at == U_OCTET ? 1 : 0;
        a.ip[at++] = v4->ip[i];
    }
    *ret = a;
    return true;
}

bool hp_dns64_extract(const hp_prefix *prefix, const hp_addr *v6, hp_addr *ret)
{
    if (!hp_dns64_prefix_valid(prefix) || !hp_prefix_contains(prefix, v6) || v6->ip[U_OCTET] != 0) {
        return false;
    }
    uint32_t v4 = 0;
    unsigned at = prefix->bits / 8;
    for (unsigned i = 0; i < 4; i++) {
        at += at == U_OCTET ? 1 : 0;
        v4 = v4 << 8 | v6->ip[at++];
    }
    *ret = hp_addr_v4(v4, v6->port);
    return true;
}
