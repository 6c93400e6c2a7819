/* Writing DNS messages, with compression (RFC 1035 section 4.1.4), and the names of types and codes.
 *
 * Every label that is written within reach of a pointer (14 bits) is remembered by its place; a later name looks for
 * the longest tail that stands there already. A tail matches without regard to case, as names do. Names in the data
 * of CNAME, PTR, NS and SOA may be compressed (RFC 3597 section 4); in SRV and NSEC only where the writer is told that
 * the message is multicast. All others are written plainly, but stay targets for later names.
 *
 * A question or record is written straight into the buffer and taken back when it does not fit, together with the
 * places remembered since. */
#include <glib.h>
#include <string.h>

#include "wire/bytes.h"
#include "wire/dns.h"
#include "wire/dns_name.h"

#define OPT_LENGTH 11

static size_t room(const hp_dns_writer *w)
{
    return w->cap - w->length - w->reserved;
}

static bool put(hp_dns_writer *w, const uint8_t *data, size_t n)
{
    if (n > room(w)) {
        return false;
    }
    if (n > 0) {
        memcpy(w->buf + w->length, data, n);
    }
    w->length += n;
    return true;
}

static bool put_u16(hp_dns_writer *w, uint32_t value)
{
    uint8_t bytes[2];
    hp_put16(bytes, value);
    return put(w, bytes, 2);
}

static bool put_u32(hp_dns_writer *w, uint32_t value)
{
    uint8_t bytes[4];
    hp_put32(bytes, value);
    return put(w, bytes, 4);
}

/* Does the name at `at`, which this writer wrote, equal that tail? */
static bool stands_at(const hp_dns_writer *w, size_t at, const uint8_t *tail)
{
    for (;;) {
        while (w->buf[at] >= 0xc0) {
            at = hp_get16(w->buf + at) & 0x3fff;
        }
        unsigned length = w->buf[at];
        if (length != *tail || !hp_dns_bytes_equal(w->buf + at, tail, 1 + length)) {
            return false;
        }
        if (length == 0) {
            return true;
        }
        at += 1 + length;
        tail += 1 + length;
    }
}

static bool put_name(hp_dns_writer *w, const hp_dns_name *name, bool compress)
{
    const uint8_t *p = name->bytes;
    unsigned before = w->n_names;
    while (*p != 0) {
        for (unsigned i = 0; compress && i < before; i++) {
            if (stands_at(w, w->names[i], p)) {
                return put_u16(w, 0xc000U | w->names[i]);
            }
        }
        if (w->length < 0x4000 && w->n_names < HP_DNS_WRITER_NAMES) {
            w->names[w->n_names++] = (uint16_t)w->length;
        }
        if (!put(w, p, 1U + *p)) {
            return false;
        }
        p += 1U + *p;
    }
    return put(w, p, 1);
}

static bool put_rdata(hp_dns_writer *w, const hp_dns_record *r)
{
    uint8_t ip[4];
    if ((r->cls & ~HP_DNS_CACHE_FLUSH) != HP_DNS_IN) {
        return put(w, r->rdata, r->rdata_length);
    }
    switch (r->type) {
    case HP_DNS_A:
        memcpy(ip, r->addr.ip, 4);
        return put(w, ip, 4);
    case HP_DNS_AAAA:
        return put(w, r->addr.ip, 16);
    case HP_DNS_NS:
    case HP_DNS_CNAME:
    case HP_DNS_PTR:
        return put_name(w, &r->target, true);
    case HP_DNS_SRV:
        return put_u16(w, r->srv.priority) && put_u16(w, r->srv.weight) && put_u16(w, r->srv.port) &&
               put_name(w, &r->srv.target, w->multicast);
    case HP_DNS_SOA:
        return put_name(w, &r->soa.mname, true) && put_name(w, &r->soa.rname, true) && put_u32(w, r->soa.serial) &&
               put_u32(w, r->soa.refresh) && put_u32(w, r->soa.retry) && put_u32(w, r->soa.expire) &&
               put_u32(w, r->soa.minimum);
    case HP_DNS_NSEC:
        return put_name(w, &r->nsec.next, w->multicast) && put(w, r->nsec.types, r->nsec.types_length);
    }
    return put(w, r->rdata, r->rdata_length);
}

static bool put_record(hp_dns_writer *w, const hp_dns_record *r)
{
    if (!put_name(w, &r->name, true) || !put_u16(w, r->type) || !put_u16(w, r->cls) || !put_u32(w, r->ttl)) {
        return false;
    }
    size_t length_at = w->length;
    if (!put_u16(w, 0) || !put_rdata(w, r)) {
        return false;
    }
    hp_put16(w->buf + length_at, (uint32_t)(w->length - length_at - 2));
    return true;
}

static void count(hp_dns_writer *w, size_t at)
{
    hp_put16(w->buf + at, hp_get16(w->buf + at) + 1U);
}

void hp_dns_begin(hp_dns_writer *w, uint8_t *buf, size_t cap, uint16_t id, uint16_t flags)
{
    g_assert(cap >= HP_DNS_HEADER);
    *w = (hp_dns_writer){.buf = buf, .cap = MIN(cap, HP_DNS_MAX), .length = HP_DNS_HEADER};
    memset(buf, 0, HP_DNS_HEADER);
    hp_put16(buf, id);
    hp_put16(buf + 2, flags);
}

void hp_dns_reserve_opt(hp_dns_writer *w)
{
    if (room(w) >= OPT_LENGTH) {
        w->reserved = OPT_LENGTH;
    }
}

bool hp_dns_add_question(hp_dns_writer *w, const hp_dns_question *q)
{
    size_t length = w->length;
    unsigned n_names = w->n_names;
    if (!put_name(w, &q->name, true) || !put_u16(w, q->type) || !put_u16(w, q->cls)) {
        w->length = length;
        w->n_names = n_names;
        return false;
    }
    count(w, 4);
    return true;
}

bool hp_dns_add_record(hp_dns_writer *w, const hp_dns_record *r)
{
    size_t length = w->length;
    unsigned n_names = w->n_names;
    if (!put_record(w, r)) {
        w->length = length;
        w->n_names = n_names;
        return false;
    }
    count(w, 6 + 2 * (size_t)r->section);
    return true;
}

bool hp_dns_add_opt(hp_dns_writer *w, uint16_t udp_size, unsigned rcode, bool dnssec_ok)
{
    w->reserved = 0;
    hp_dns_record r = {
        .section = HP_DNS_ADDITIONAL,
        .name = {.length = 1},
        .type = HP_DNS_OPT,
        .cls = udp_size,
        .ttl = (uint32_t)(rcode >> 4 & 255) << 24 | (dnssec_ok ? 0x8000U : 0U),
    };
    return hp_dns_add_record(w, &r);
}

void hp_dns_set_flags(hp_dns_writer *w, uint16_t flags)
{
    hp_put16(w->buf + 2, (uint32_t)hp_get16(w->buf + 2) | flags);
}

size_t hp_dns_finish(const hp_dns_writer *w)
{
    return w->length;
}

size_t hp_dns_nsec_types(const uint16_t *types, size_t n_types, uint8_t ret[static 34])
{
    uint8_t map[32] = {0};
    size_t length = 0;
    for (size_t i = 0; i < n_types; i++) {
        if (types[i] < 256) {
            map[types[i] / 8] |= (uint8_t)(0x80 >> types[i] % 8);
            length = MAX(length, types[i] / 8 + 1U);
        }
    }
    if (length == 0) {
        return 0;
    }
    ret[0] = 0;
    ret[1] = (uint8_t)length;
    memcpy(ret + 2, map, length);
    return length + 2;
}

const char *hp_dns_type_name(uint16_t type, char buf[static 12])
{
    static const struct {
        uint16_t type;
        const char *name;
    } names[] = {
        {HP_DNS_A, "A"},     {HP_DNS_NS, "NS"},     {HP_DNS_CNAME, "CNAME"}, {HP_DNS_SOA, "SOA"},
        {HP_DNS_PTR, "PTR"}, {HP_DNS_TXT, "TXT"},   {HP_DNS_AAAA, "AAAA"},   {HP_DNS_SRV, "SRV"},
        {HP_DNS_OPT, "OPT"}, {HP_DNS_NSEC, "NSEC"}, {HP_DNS_ANY, "ANY"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].type == type) {
            return names[i].name;
        }
    }
    g_snprintf(buf, 12, "TYPE%u", type);
    return buf;
}

const char *hp_dns_rcode_name(unsigned rcode, char buf[static 12])
{
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    if (rcode < G_N_ELEMENTS(names)) {
        return names[rcode];
    }
    g_snprintf(buf, 12, "RCODE%u", rcode & 0xfff);
    return rcode == HP_DNS_BADVERS ? "BADVERS" : buf;
}
