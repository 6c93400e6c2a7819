/* Reading DNS messages (RFC 1035 section 4; RFC 3596, 2782, 4034, 6891 for AAAA, SRV, NSEC and OPT).
 *
 * One reader serves check and walk alike: hp_dns_parse() walks the whole message once and keeps nothing but the header
 * and what OPT says; the walkers then read the same bytes again. A message is good when every count is met exactly,
 * the data of each record of a known type ends where its length says, and no byte is left over.
 *
 * Compression (section 4.1.4): a pointer must lead behind the header and to an earlier place than the run of labels it
 * ends. Each jump therefore goes strictly back, and no chain of them can be endless; the name itself is bound to 255
 * bytes. The label types 01 and 10 are refused. Pointers are followed in the data of all known types that hold names,
 * SRV and NSEC included: multicast DNS compresses them (RFC 6762 section 18.14).
 *
 * Opcodes and classes are not judged here. Records of class other than IN keep their data unread, but for OPT. */
#include "wire/dns.h"

#include <glib.h>
#include <string.h>

#include "wire/bytes.h"
#include "wire/dns_name.h"

typedef struct span {
    const uint8_t *data;
    size_t length; /* of the message: what pointers may lead into */
    size_t at, end; /* what is being read */
} span;

static bool read_name(span *s, hp_dns_name *ret)
{
    hp_dns_name name = {0};
    size_t at = s->at;
    size_t run = at; /* where the present run of labels began */
    size_t end = s->end;
    size_t n = 0;
    bool jumped = false;
    for (;;) {
        if (at >= end) {
            return false;
        }
        unsigned length = s->data[at];
        if (length >= 0xc0) {
            if (at + 2 > end) {
                return false;
            }
            size_t target = hp_get16(s->data + at) & 0x3fff;
            if (target >= run || target < HP_DNS_HEADER) {
                return false;
            }
            s->at = jumped ? s->at : at + 2;
            jumped = true;
            at = run = target;
            end = s->length;
            continue;
        }
        if (length > HP_DNS_MAX_LABEL || at + 1 + length > end || n + 1 + length > HP_DNS_MAX_NAME) {
            return false;
        }
        memcpy(name.bytes + n, s->data + at, 1 + length);
        n += 1 + length;
        at += 1 + length;
        if (length == 0) {
            break;
        }
    }
    s->at = jumped ? s->at : at;
    name.length = (uint8_t)n;
    *ret = name;
    return true;
}

/* Character strings, at least one, to the very end (section 3.3.14). */
static bool check_txt(const uint8_t *data, size_t length)
{
    size_t at = 0;
    while (at < length) {
        at += 1U + data[at];
    }
    return length > 0 && at == length;
}

/* RFC 4034 section 4.1.2: windows in ascending order, 1 to 32 bytes each, without zero bytes at the end. */
static bool check_type_maps(const uint8_t *data, size_t length)
{
    int last = -1;
    while (length > 0) {
        if (length < 3 || data[0] <= last || data[1] < 1 || data[1] > 32 || length < 2U + data[1] ||
            data[1U + data[1]] == 0) {
            return false;
        }
        last = data[0];
        length -= 2U + data[1];
        data += 2U + data[1];
    }
    return true;
}

static bool read_rdata(span *s, hp_dns_record *r)
{
    const uint8_t *data = s->data + s->at;
    size_t length = s->end - s->at;
    if ((r->cls & ~HP_DNS_CACHE_FLUSH) != HP_DNS_IN && r->type != HP_DNS_OPT) {
        return true;
    }
    switch (r->type) {
    case HP_DNS_A:
        if (length != 4) {
            return false;
        }
        r->addr = hp_addr_v4(hp_get32(data), 0);
        return true;
    case HP_DNS_AAAA:
        if (length != 16) {
            return false;
        }
        r->addr = hp_addr_v6(data, 0);
        return true;
    case HP_DNS_NS:
    case HP_DNS_CNAME:
    case HP_DNS_PTR:
        return read_name(s, &r->target) && s->at == s->end;
    case HP_DNS_SRV:
        if (length < 7) {
            return false;
        }
        r->srv.priority = hp_get16(data);
        r->srv.weight = hp_get16(data + 2);
        r->srv.port = hp_get16(data + 4);
        s->at += 6;
        return read_name(s, &r->srv.target) && s->at == s->end;
    case HP_DNS_SOA:
        if (!read_name(s, &r->soa.mname) || !read_name(s, &r->soa.rname) || s->end - s->at != 20) {
            return false;
        }
        data = s->data + s->at;
        r->soa.serial = hp_get32(data);
        r->soa.refresh = hp_get32(data + 4);
        r->soa.retry = hp_get32(data + 8);
        r->soa.expire = hp_get32(data + 12);
        r->soa.minimum = hp_get32(data + 16);
        return true;
    case HP_DNS_TXT:
        return check_txt(data, length);
    case HP_DNS_NSEC:
        if (!read_name(s, &r->nsec.next)) {
            return false;
        }
        r->nsec.types = s->data + s->at;
        r->nsec.types_length = (uint16_t)(s->end - s->at);
        return check_type_maps(r->nsec.types, r->nsec.types_length);
    case HP_DNS_OPT:
        while (length > 0) {
            if (length < 4 || length - 4 < hp_get16(data + 2)) {
                return false;
            }
            size_t option = 4U + hp_get16(data + 2);
            data += option;
            length -= option;
        }
        return true;
    }
    return true;
}

static bool read_question(const hp_dns_msg *m, size_t *offset, hp_dns_question *ret)
{
    span s = {.data = m->data, .length = m->length, .at = *offset, .end = m->length};
    hp_dns_question q = {0};
    if (!read_name(&s, &q.name) || s.end - s.at < 4) {
        return false;
    }
    q.type = hp_get16(s.data + s.at);
    q.cls = hp_get16(s.data + s.at + 2);
    *offset = s.at + 4;
    *ret = q;
    return true;
}

static bool read_record(const hp_dns_msg *m, size_t *offset, hp_dns_record *ret)
{
    span s = {.data = m->data, .length = m->length, .at = *offset, .end = m->length};
    memset(ret, 0, sizeof *ret);
    if (!read_name(&s, &ret->name) || s.end - s.at < 10) {
        return false;
    }
    const uint8_t *fixed = s.data + s.at;
    ret->type = hp_get16(fixed);
    ret->cls = hp_get16(fixed + 2);
    ret->ttl = hp_get32(fixed + 4);
    ret->rdata_length = hp_get16(fixed + 8);
    ret->rdata = fixed + 10;
    s.at += 10;
    if (s.end - s.at < ret->rdata_length) {
        return false;
    }
    s.end = s.at + ret->rdata_length;
    *offset = s.end;
    return read_rdata(&s, ret);
}

static hp_dns_section section_of(const hp_dns_msg *m, unsigned record)
{
    if (record < m->n_records[HP_DNS_ANSWER]) {
        return HP_DNS_ANSWER;
    }
    return record < m->n_records[HP_DNS_ANSWER] + m->n_records[HP_DNS_AUTHORITY] ? HP_DNS_AUTHORITY : HP_DNS_ADDITIONAL;
}

static unsigned all_records(const hp_dns_msg *m)
{
    return (unsigned)m->n_records[0] + m->n_records[1] + m->n_records[2];
}

static bool take_opt(hp_dns_msg *m, const hp_dns_record *r)
{
    if (m->has_opt || r->section != HP_DNS_ADDITIONAL || r->name.length != 1) {
        return false;
    }
    m->has_opt = true;
    m->udp_size = r->cls < HP_DNS_MAX_UDP ? HP_DNS_MAX_UDP : r->cls;
    m->extended_rcode = (uint8_t)(r->ttl >> 24);
    m->edns_version = (uint8_t)(r->ttl >> 16);
    m->dnssec_ok = (r->ttl & 0x8000) != 0;
    m->rcode |= (unsigned)m->extended_rcode << 4;
    return true;
}

bool hp_dns_parse(const uint8_t *data, size_t len, hp_dns_msg *ret)
{
    if (len < HP_DNS_HEADER || len > HP_DNS_MAX) {
        return false;
    }
    hp_dns_msg m = {
        .data = data,
        .length = len,
        .id = hp_get16(data),
        .flags = hp_get16(data + 2),
        .n_questions = hp_get16(data + 4),
        .n_records = {hp_get16(data + 6), hp_get16(data + 8), hp_get16(data + 10)},
        .udp_size = HP_DNS_MAX_UDP,
        .rcode = hp_get16(data + 2) & HP_DNS_RCODE,
    };
    size_t offset = HP_DNS_HEADER;
    for (unsigned i = 0; i < m.n_questions; i++) {
        hp_dns_question q;
        if (!read_question(&m, &offset, &q)) {
            return false;
        }
    }
    for (unsigned i = 0; i < all_records(&m); i++) {
        hp_dns_record r;
        if (!read_record(&m, &offset, &r)) {
            return false;
        }
        r.section = section_of(&m, i);
        if (r.type == HP_DNS_OPT && !take_opt(&m, &r)) {
            return false;
        }
    }
    if (offset != len) {
        return false;
    }
    *ret = m;
    return true;
}

bool hp_dns_next_question(const hp_dns_msg *m, hp_dns_cursor *cursor, hp_dns_question *ret)
{
    if (cursor->question >= m->n_questions) {
        return false;
    }
    cursor->offset = cursor->offset == 0 ? HP_DNS_HEADER : cursor->offset;
    cursor->question++;
    return read_question(m, &cursor->offset, ret);
}

bool hp_dns_next_record(const hp_dns_msg *m, hp_dns_cursor *cursor, hp_dns_record *ret)
{
    hp_dns_question skipped;
    while (hp_dns_next_question(m, cursor, &skipped)) {
    }
    if (cursor->record >= all_records(m)) {
        return false;
    }
    cursor->offset = cursor->offset == 0 ? HP_DNS_HEADER : cursor->offset;
    if (!read_record(m, &cursor->offset, ret)) {
        return false;
    }
    ret->section = section_of(m, cursor->record);
    cursor->record++;
    return true;
}

bool hp_dns_nsec_has(const hp_dns_record *nsec, uint16_t type)
{
    const uint8_t *p = nsec->nsec.types;
    size_t left = nsec->nsec.types_length;
    while (left > 0) {
        if (p[0] == type >> 8) {
            unsigned byte = (type & 255) / 8;
            return byte < p[1] && (p[2 + byte] & 0x80 >> type % 8) != 0;
        }
        left -= 2U + p[1];
        p += 2U + p[1];
    }
    return false;
}

bool hp_dns_record_same(const hp_dns_record *a, const hp_dns_record *b)
{
    if (a->type != b->type || ((a->cls ^ b->cls) & ~HP_DNS_CACHE_FLUSH) != 0 ||
        !hp_dns_name_equal(&a->name, &b->name)) {
        return false;
    }
    switch (a->type) {
    case HP_DNS_A:
    case HP_DNS_AAAA:
        return hp_addr_same_ip(&a->addr, &b->addr);
    case HP_DNS_NS:
    case HP_DNS_CNAME:
    case HP_DNS_PTR:
        return hp_dns_name_equal(&a->target, &b->target);
    case HP_DNS_SRV:
        return a->srv.priority == b->srv.priority && a->srv.weight == b->srv.weight && a->srv.port == b->srv.port &&
               hp_dns_name_equal(&a->srv.target, &b->srv.target);
    case HP_DNS_SOA:
        return a->soa.serial == b->soa.serial && a->soa.refresh == b->soa.refresh && a->soa.retry == b->soa.retry &&
               a->soa.expire == b->soa.expire && a->soa.minimum == b->soa.minimum &&
               hp_dns_name_equal(&a->soa.mname, &b->soa.mname) && hp_dns_name_equal(&a->soa.rname, &b->soa.rname);
    case HP_DNS_NSEC:
        return hp_dns_name_equal(&a->nsec.next, &b->nsec.next) && a->nsec.types_length == b->nsec.types_length &&
               (a->nsec.types_length == 0 || memcmp(a->nsec.types, b->nsec.types, a->nsec.types_length) == 0);
    }
    return a->rdata_length == b->rdata_length &&
           (a->rdata_length == 0 || memcmp(a->rdata, b->rdata, a->rdata_length) == 0);
}
