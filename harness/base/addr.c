/* Addresses as text, as socket addresses, and as members of the ranges that NATs and servers care about.
 *
 * Text follows RFC 5952 through inet_ntop(). Reading is strict: no leading zeros in IPv4, no zone identifiers, no host
 * names, a port of at most 65535. The range tests look at the address as it stands: ::ffff:127.0.0.1 is an IPv6 address
 * and no loopback one, and hp_addr_is_v4_mapped() is there for servers that must refuse it. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <glib.h>
#include <netinet/in.h>

static_assert(sizeof(hp_addr) == 20, "hp_addr is compared and hashed as flat bytes");

hp_addr hp_addr_v4(uint32_t host_order_ip, uint16_t port)
{
    hp_addr a = {.port = port, .family = HP_AF_IPV4};
    for (unsigned i = 0; i < 4; i++) {
        a.ip[i] = (uint8_t)(host_order_ip >> (24 - 8 * i));
    }
    return a;
}

hp_addr hp_addr_v6(const uint8_t ip[static 16], uint16_t port)
{
    hp_addr a = {.port = port, .family = HP_AF_IPV6};
    memcpy(a.ip, ip, 16);
    return a;
}

static uint32_t v4_of(const hp_addr *a)
{
    return (uint32_t)a->ip[0] << 24 | (uint32_t)a->ip[1] << 16 | (uint32_t)a->ip[2] << 8 | a->ip[3];
}

static bool parse_ip(const char *text, size_t len, hp_addr *ret)
{
    char ip[INET6_ADDRSTRLEN];
    hp_addr a = {0};

    if (len >= sizeof ip) {
        return false;
    }
    memcpy(ip, text, len);
    ip[len] = '\0';
    if (inet_pton(AF_INET, ip, a.ip) == 1) {
        a.family = HP_AF_IPV4;
    } else if (inet_pton(AF_INET6, ip, a.ip) == 1) {
        a.family = HP_AF_IPV6;
    } else {
        return false;
    }
    *ret = a;
    return true;
}

static bool parse_number(const char *text, unsigned max, unsigned *ret)
{
    unsigned value = 0;

    if (*text == '\0') {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isdigit(*p)) {
            return false;
        }
        value = value * 10 + (unsigned)(*p - '0');
        if (value > max) {
            return false;
        }
    }
    *ret = value;
    return true;
}

bool hp_addr_parse(const char *text, hp_addr *ret)
{
    const char *ip = text, *port_text = NULL;
    size_t len = strlen(text);
    bool bracketed = *text == '[';
    unsigned port = 0;
    hp_addr a;

    if (bracketed) {
        const char *end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
            return false;
        }
        ip = text + 1;
        len = (size_t)(end - ip);
        port_text = end[1] == ':' ? end + 2 : NULL;
    } else {
        /* One colon ends an IPv4 address; more of them are an IPv6 address without a port. */
        const char *colon = strchr(text, ':');
        if (colon != NULL && strchr(colon + 1, ':') == NULL) {
            len = (size_t)(colon - text);
            port_text = colon + 1;
        }
    }
    if (!parse_ip(ip, len, &a) || (bracketed && a.family != HP_AF_IPV6) ||
        (port_text != NULL && !bracketed && a.family != HP_AF_IPV4) ||
        (port_text != NULL && !parse_number(port_text, UINT16_MAX, &port))) {
        return false;
    }
    a.port = (uint16_t)port;
    *ret = a;
    return true;
}

const char *hp_addr_format_ip(const hp_addr *a, char buf[static HP_ADDR_TEXT])
{
    switch (a->family) {
    case HP_AF_IPV4:
        inet_ntop(AF_INET, a->ip, buf, HP_ADDR_TEXT);
        break;
    case HP_AF_IPV6:
        inet_ntop(AF_INET6, a->ip, buf, HP_ADDR_TEXT);
        break;
    default:
        g_strlcpy(buf, "-", HP_ADDR_TEXT);
        break;
    }
    return buf;
}

const char *hp_addr_format(const hp_addr *a, char buf[static HP_ADDR_TEXT])
{
    char ip[HP_ADDR_TEXT];

    hp_addr_format_ip(a, ip);
    if (a->port == 0 || a->family == HP_AF_NONE) {
        g_strlcpy(buf, ip, HP_ADDR_TEXT);
    } else {
        g_snprintf(buf, HP_ADDR_TEXT, a->family == HP_AF_IPV6 ? "[%s]:%u" : "%s:%u", ip, a->port);
    }
    return buf;
}

bool hp_addr_from_sockaddr(const struct sockaddr *sa, size_t len, hp_addr *ret)
{
    if (len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        *ret = hp_addr_v4(ntohl(in.sin_addr.s_addr), ntohs(in.sin_port));
        return true;
    }
    if (len >= sizeof(struct sockaddr_in6) && sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        *ret = hp_addr_v6(in6.sin6_addr.s6_addr, ntohs(in6.sin6_port));
        return true;
    }
    return false;
}

size_t hp_addr_to_sockaddr(const hp_addr *a, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof *ret);
    if (a->family == HP_AF_IPV4) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};
        memcpy(&in.sin_addr, a->ip, 4);
        memcpy(ret, &in, sizeof in);
        return sizeof in;
    }
    if (a->family == HP_AF_IPV6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
        memcpy(&in6.sin6_addr, a->ip, 16);
        memcpy(ret, &in6, sizeof in6);
        return sizeof in6;
    }
    return 0;
}

hp_addr hp_addr_plus(hp_addr a, uint32_t n)
{
    uint64_t carry = n;
    for (int i = (a.family == HP_AF_IPV4 ? 4 : 16) - 1; i >= 0 && carry > 0; i--) {
        carry += a.ip[i];
        a.ip[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return a;
}

guint hp_addr_key_hash(gconstpointer addr)
{
    return (guint)hp_addr_hash(addr);
}

gboolean hp_addr_key_equal(gconstpointer a, gconstpointer b)
{
    return hp_addr_equal(a, b);
}

bool hp_addr_is_loopback(const hp_addr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return a->family == HP_AF_IPV4 ? a->ip[0] == 127 : a->family == HP_AF_IPV6 && memcmp(a->ip, one, 16) == 0;
}

bool hp_addr_is_unspecified(const hp_addr *a)
{
    static const uint8_t zero[16];
    return a->family != HP_AF_NONE && memcmp(a->ip, zero, 16) == 0;
}

bool hp_addr_is_multicast(const hp_addr *a)
{
    return a->family == HP_AF_IPV4 ? (a->ip[0] & 0xf0) == 0xe0 : a->family == HP_AF_IPV6 && a->ip[0] == 0xff;
}

bool hp_addr_is_link_local(const hp_addr *a)
{
    return a->family == HP_AF_IPV4 ? v4_of(a) >> 16 == 0xa9fe
                                   : a->family == HP_AF_IPV6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool hp_addr_is_private(const hp_addr *a)
{
    if (a->family == HP_AF_IPV4) {
        uint32_t ip = v4_of(a);
        return ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 || ip >> 22 == 0x64400000 >> 22;
    }
    return a->family == HP_AF_IPV6 && (a->ip[0] & 0xfe) == 0xfc;
}

bool hp_addr_is_v4_mapped(const hp_addr *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return a->family == HP_AF_IPV6 && memcmp(a->ip, mapped, sizeof mapped) == 0;
}

static bool host_bits_are_zero(const hp_addr *a, unsigned bits)
{
    for (unsigned i = 0; i < 16; i++) {
        unsigned network = bits > 8 * i ? MIN(bits - 8 * i, 8) : 0;
        if ((a->ip[i] & (0xff >> network)) != 0) {
            return false;
        }
    }
    return true;
}

bool hp_prefix_parse(const char *text, hp_prefix *ret)
{
    const char *slash = strchr(text, '/');
    hp_addr base;
    unsigned bits;

    if (!parse_ip(text, slash != NULL ? (size_t)(slash - text) : strlen(text), &base)) {
        return false;
    }
    bits = base.family == HP_AF_IPV4 ? 32 : 128;
    if (slash != NULL && !parse_number(slash + 1, bits, &bits)) {
        return false;
    }
    if (!host_bits_are_zero(&base, bits)) {
        return false;
    }
    *ret = (hp_prefix){.base = base, .bits = (uint8_t)bits};
    return true;
}

const char *hp_prefix_format(const hp_prefix *p, char buf[static HP_ADDR_TEXT])
{
    char ip[HP_ADDR_TEXT];

    hp_addr_format_ip(&p->base, ip);
    g_snprintf(buf, HP_ADDR_TEXT, "%s/%u", ip, p->bits);
    return buf;
}

bool hp_prefix_contains(const hp_prefix *p, const hp_addr *a)
{
    unsigned whole = p->bits / 8, rest = p->bits % 8;

    if (p->base.family != a->family || a->family == HP_AF_NONE || memcmp(p->base.ip, a->ip, whole) != 0) {
        return false;
    }
    return rest == 0 || ((p->base.ip[whole] ^ a->ip[whole]) & (0xff00 >> rest & 0xff)) == 0;
}
