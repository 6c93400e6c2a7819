/* Domain names: text, comparison, and the reverse trees (RFC 1035 sections 2.3, 3.1, 3.5 and 5.1; RFC 3596 section
 * 2.5).
 *
 * A name is kept in wire form, so that no byte needs an escape and every limit is a plain number: a label has 1 to 63
 * bytes, a name 1 to 255 with all its length bytes. ASCII letters compare without case (RFC 4343); other bytes as they
 * are. Names that come here were checked when they were made. */
#include "wire/dns.h"

#include <glib.h>
#include <string.h>

#include "wire/dns_name.h"

/* One byte of a label in text: itself, \X or \DDD. Returns what follows, NULL on bad text. */
static const char *read_byte(const char *p, uint8_t *ret)
{
    if (*p != '\\') {
        *ret = (uint8_t)*p;
        return p + 1;
    }
    if (!g_ascii_isdigit(p[1])) {
        *ret = (uint8_t)p[1];
        return p[1] == '\0' ? NULL : p + 2;
    }
    if (!g_ascii_isdigit(p[2]) || !g_ascii_isdigit(p[3])) {
        return NULL;
    }
    unsigned value = (unsigned)(p[1] - '0') * 100 + (unsigned)(p[2] - '0') * 10 + (unsigned)(p[3] - '0');
    *ret = (uint8_t)value;
    return value > 255 ? NULL : p + 4;
}

bool hp_dns_name_parse(const char *text, hp_dns_name *ret)
{
    hp_dns_name name = {0};
    if (*text == '\0') {
        return false;
    }
    const char *p = strcmp(text, ".") == 0 ? text + 1 : text;
    size_t n = 0;
    while (*p != '\0') {
        size_t start = n++;
        while (*p != '\0' && *p != '.') {
            uint8_t byte;
            p = read_byte(p, &byte);
            /* Room must stay for the root's label. */
            if (p == NULL || n - start > HP_DNS_MAX_LABEL || n >= HP_DNS_MAX_NAME - 1) {
                return false;
            }
            name.bytes[n++] = byte;
        }
        if (n == start + 1) {
            return false;
        }
        name.bytes[start] = (uint8_t)(n - start - 1);
        p += *p == '.' ? 1 : 0;
    }
    name.length = (uint8_t)(n + 1);
    *ret = name;
    return true;
}

const char *hp_dns_name_format(const hp_dns_name *name, char buf[static HP_DNS_NAME_TEXT])
{
    char *out = buf;
    size_t i = 0;
    while (i < name->length && name->bytes[i] != 0) {
        if (i > 0) {
            *out++ = '.';
        }
        unsigned n = name->bytes[i++];
        for (; n > 0; n--, i++) {
            uint8_t byte = name->bytes[i];
            if (byte == '.' || byte == '\\') {
                *out++ = '\\';
                *out++ = (char)byte;
            } else if (byte > 0x20 && byte < 0x7f) {
                *out++ = (char)byte;
            } else {
                *out++ = '\\';
                *out++ = (char)('0' + byte / 100);
                *out++ = (char)('0' + byte / 10 % 10);
                *out++ = (char)('0' + byte % 10);
            }
        }
    }
    if (out == buf) {
        *out++ = '.';
    }
    *out = '\0';
    return buf;
}

bool hp_dns_bytes_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        /* Length bytes are below the letters, so that the whole name can be compared at once. */
        if (g_ascii_tolower((char)a[i]) != g_ascii_tolower((char)b[i])) {
            return false;
        }
    }
    return true;
}

bool hp_dns_name_equal(const hp_dns_name *a, const hp_dns_name *b)
{
    return a->length == b->length && hp_dns_bytes_equal(a->bytes, b->bytes, a->length);
}

bool hp_dns_name_within(const hp_dns_name *name, const hp_dns_name *domain)
{
    if (name->length < domain->length) {
        return false;
    }
    size_t start = name->length - domain->length;
    size_t i = 0;
    while (i < start) {
        i += 1U + name->bytes[i];
    }
    return i == start && hp_dns_bytes_equal(name->bytes + start, domain->bytes, domain->length);
}

unsigned hp_dns_name_labels(const hp_dns_name *name)
{
    unsigned n = 0;
    for (size_t i = 0; i < name->length && name->bytes[i] != 0; i += 1U + name->bytes[i]) {
        n++;
    }
    return n;
}

bool hp_dns_name_reverse(const hp_addr *addr, hp_dns_name *ret)
{
    static const char hex[] = "0123456789abcdef";
    g_autoptr(GString) text = g_string_new(NULL);
    if (addr->family == HP_AF_IPV4) {
        g_string_printf(text, "%u.%u.%u.%u.in-addr.arpa", addr->ip[3], addr->ip[2], addr->ip[1], addr->ip[0]);
    } else if (addr->family == HP_AF_IPV6) {
        for (unsigned i = 16; i-- > 0;) {
            g_string_append_printf(text, "%c.%c.", hex[addr->ip[i] & 15], hex[addr->ip[i] >> 4]);
        }
        g_string_append(text, "ip6.arpa");
    } else {
        return false;
    }
    return hp_dns_name_parse(text->str, ret);
}

/* "0".."255" without leading zeros. */
static bool read_octet(const uint8_t *label, uint8_t *ret)
{
    unsigned value = 0;
    if (label[0] == 0 || label[0] > 3 || (label[0] > 1 && label[1] == '0')) {
        return false;
    }
    for (unsigned i = 1; i <= label[0]; i++) {
        if (!g_ascii_isdigit(label[i])) {
            return false;
        }
        value = value * 10 + (unsigned)(label[i] - '0');
    }
    *ret = (uint8_t)value;
    return value <= 255;
}

static bool reversed_v4(const hp_dns_name *name, hp_addr *ret)
{
    uint8_t octets[4];
    const uint8_t *label = name->bytes;
    for (unsigned i = 0; i < 4; i++) {
        if (!read_octet(label, &octets[3 - i])) {
            return false;
        }
        label += 1U + *label;
    }
    *ret = hp_addr_v4((uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3], 0);
    return true;
}

static bool reversed_v6(const hp_dns_name *name, hp_addr *ret)
{
    uint8_t ip[16] = {0};
    for (unsigned i = 0; i < 32; i++) {
        const uint8_t *label = name->bytes + 2 * i;
        if (label[0] != 1 || !g_ascii_isxdigit(label[1])) {
            return false;
        }
        unsigned digit = (unsigned)g_ascii_xdigit_value((char)label[1]);
        ip[15 - i / 2] |= (uint8_t)(i % 2 == 0 ? digit : digit << 4);
    }
    *ret = hp_addr_v6(ip, 0);
    return true;
}

bool hp_dns_name_reversed(const hp_dns_name *name, hp_addr *ret)
{
    hp_dns_name tree;
    unsigned labels = hp_dns_name_labels(name);
    if (labels == 6 && hp_dns_name_parse("in-addr.arpa", &tree) && hp_dns_name_within(name, &tree)) {
        return reversed_v4(name, ret);
    }
    if (labels == 34 && hp_dns_name_parse("ip6.arpa", &tree) && hp_dns_name_within(name, &tree)) {
        return reversed_v6(name, ret);
    }
    return false;
}

bool hp_dns_name_is_same(const char *a, const char *b)
{
    hp_dns_name first, second;
    return hp_dns_name_parse(a, &first) && hp_dns_name_parse(b, &second) && hp_dns_name_equal(&first, &second);
}
