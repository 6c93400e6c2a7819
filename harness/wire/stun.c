/* The STUN codec: frame, attributes, writer (RFC 8489 sections 5 and 14). Integrity and fingerprints are stun_auth.c,
 * names are stun_names.c.
 *
 * Type field:   0 0 M11 M10 M9 M8 M7 C1 M6 M5 M4 C0 M3 M2 M1 M0
 *
 * Reading: hp_stun_parse() checks once that every attribute, its padding included, lies inside the message; the walkers
 * trust that and only look at views. Padding bytes may have any value. Attributes with wrong contents do not fail the
 * parse: the typed readers refuse them, since what to do about one is the receiver's policy.
 * Addresses are XOR'ed with the 16 bytes from the cookie field on, whatever stands there, which is the RFC's cookie for
 * anyone who speaks RFC 5389 or later.
 *
 * Writing: the header's length field is correct after every step. Once something does not fit, nothing more is written.
 * Limits: one attribute holds at most 65,535 bytes, and so does a message after its header. */
#include "wire/stun.h"

#include <glib.h>

#include "wire/bytes.h"

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, ATTR_HEADER = 4, LENGTH_AT = 2, COOKIE_AT = 4, ID_AT = 8, ID_SIZE = 12 };

static size_t padded(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

/* ---- reading ---- */

bool hp_stun_looks_like(const uint8_t *data, size_t len)
{
    return len >= HP_STUN_HEADER && data[0] >> 6 == 0 && len % 4 == 0 &&
           (size_t)hp_get16(data + LENGTH_AT) + HP_STUN_HEADER == len;
}

bool hp_stun_parse(const uint8_t *data, size_t len, hp_stun_msg *ret)
{
    if (!hp_stun_looks_like(data, len)) {
        return false;
    }
    for (size_t at = HP_STUN_HEADER; at < len;) {
        if (len - at < ATTR_HEADER || len - at - ATTR_HEADER < padded(hp_get16(data + at + 2))) {
            return false;
        }
        at += ATTR_HEADER + padded(hp_get16(data + at + 2));
    }
    unsigned type = hp_get16(data);
    *ret = (hp_stun_msg){
        .data = data,
        .length = len,
        .method = (uint16_t)((type & 0x000f) | (type & 0x00e0) >> 1 | (type & 0x3e00) >> 2),
        .cls = (hp_stun_class)((type & 0x0010) >> 4 | (type & 0x0100) >> 7),
        .has_cookie = hp_get32(data + COOKIE_AT) == HP_STUN_COOKIE,
        .id = data + ID_AT,
    };
    return true;
}

bool hp_stun_next(const hp_stun_msg *m, size_t *cursor, hp_stun_attr *ret)
{
    size_t at = *cursor == 0 ? HP_STUN_HEADER : *cursor;

    if (at >= m->length) {
        return false;
    }
    *ret = (hp_stun_attr){
        .type = hp_get16(m->data + at),
        .length = hp_get16(m->data + at + 2),
        .value = m->data + at + ATTR_HEADER,
    };
    *cursor = at + ATTR_HEADER + padded(ret->length);
    return true;
}

bool hp_stun_find(const hp_stun_msg *m, uint16_t type, hp_stun_attr *ret)
{
    size_t cursor = 0;
    hp_stun_attr attr;

    while (hp_stun_next(m, &cursor, &attr)) {
        if (attr.type == type) {
            *ret = attr;
            return true;
        }
    }
    return false;
}

bool hp_stun_find_protected(const hp_stun_msg *m, uint16_t type, hp_stun_attr *ret)
{
    bool after_sha1 = false, after_sha256 = false;
    size_t cursor = 0;
    hp_stun_attr attr;

    while (hp_stun_next(m, &cursor, &attr)) {
        bool seen = attr.type == HP_STUN_FINGERPRINT || (!after_sha1 && !after_sha256) ||
                    (!after_sha256 && attr.type == HP_STUN_MESSAGE_INTEGRITY_SHA256);
        if (!seen) {
            continue;
        }
        if (attr.type == type) {
            *ret = attr;
            return true;
        }
        after_sha1 |= attr.type == HP_STUN_MESSAGE_INTEGRITY;
        after_sha256 |= attr.type == HP_STUN_MESSAGE_INTEGRITY_SHA256;
    }
    return false;
}

/*  0               1               2               3
 * +---------------+---------------+-------------------------------+
 * | 0 (ignored)   | family        | port                          |
 * +---------------+---------------+-------------------------------+
 * | address: 4 or 16 bytes                                        |  */
bool hp_stun_attr_addr(const hp_stun_msg *m, const hp_stun_attr *a, bool xored, hp_addr *ret)
{
    if (a->length < 4) {
        return false;
    }
    size_t ip_length = a->value[1] == FAMILY_IPV4 ? 4 : 16;
    if ((a->value[1] != FAMILY_IPV4 && a->value[1] != FAMILY_IPV6) || a->length != 4 + ip_length) {
        return false;
    }
    hp_addr addr = {
        .port = hp_get16(a->value + 2),
        .family = a->value[1] == FAMILY_IPV4 ? HP_AF_IPV4 : HP_AF_IPV6,
    };
    memcpy(addr.ip, a->value + 4, ip_length);
    if (xored) {
        const uint8_t *mask = m->data + COOKIE_AT;
        addr.port ^= hp_get16(mask);
        for (size_t i = 0; i < ip_length; i++) {
            addr.ip[i] ^= mask[i];
        }
    }
    *ret = addr;
    return true;
}

bool hp_stun_attr_u32(const hp_stun_attr *a, uint32_t *ret)
{
    if (a->length != 4) {
        return false;
    }
    *ret = hp_get32(a->value);
    return true;
}

bool hp_stun_attr_u64(const hp_stun_attr *a, uint64_t *ret)
{
    if (a->length != 8) {
        return false;
    }
    *ret = (uint64_t)hp_get32(a->value) << 32 | hp_get32(a->value + 4);
    return true;
}

bool hp_stun_attr_error(const hp_stun_attr *a, unsigned *ret_code, const char **ret_reason, size_t *ret_reason_len)
{
    if (a->length < 4) {
        return false;
    }
    unsigned hundreds = a->value[2] & 7, number = a->value[3];
    if (hundreds < 3 || hundreds > 6 || number > 99) {
        return false;
    }
    *ret_code = hundreds * 100 + number;
    if (ret_reason != NULL) {
        *ret_reason = (const char *)a->value + 4;
    }
    if (ret_reason_len != NULL) {
        *ret_reason_len = a->length - 4U;
    }
    return true;
}

/* ---- writing ---- */

void hp_stun_begin(hp_stun_writer *w, uint8_t *buf, size_t cap, hp_stun_class cls, uint16_t method, const uint8_t *id,
                   const uint8_t *cookie)
{
    *w = (hp_stun_writer){.buf = buf, .cap = cap};
    if (cap < HP_STUN_HEADER) {
        w->overflow = true;
        return;
    }
    unsigned c = (unsigned)cls;
    hp_put16(buf, (method & 0x000fU) | (method & 0x0070U) << 1 | (method & 0x0f80U) << 2 | (c & 1) << 4 | (c & 2) << 7);
    hp_put16(buf + LENGTH_AT, 0);
    hp_put32(buf + COOKIE_AT, cookie != NULL ? hp_get32(cookie) : HP_STUN_COOKIE);
    memcpy(buf + ID_AT, id, ID_SIZE);
    w->len = HP_STUN_HEADER;
}

/* Makes room for an attribute with zeroed padding; returns where its value goes, or NULL. */
static uint8_t *add_attr(hp_stun_writer *w, uint16_t type, size_t len)
{
    if (w->overflow || len > UINT16_MAX || padded(len) + ATTR_HEADER > w->cap - w->len ||
        w->len - HP_STUN_HEADER + ATTR_HEADER + padded(len) > UINT16_MAX) {
        w->overflow = true;
        return NULL;
    }
    uint8_t *at = w->buf + w->len;
    hp_put16(at, type);
    hp_put16(at + 2, (uint32_t)len);
    memset(at + ATTR_HEADER + len, 0, padded(len) - len);
    w->len += ATTR_HEADER + padded(len);
    hp_put16(w->buf + LENGTH_AT, (uint32_t)(w->len - HP_STUN_HEADER));
    return at + ATTR_HEADER;
}

void hp_stun_add(hp_stun_writer *w, uint16_t type, const void *value, size_t len)
{
    uint8_t *at = add_attr(w, type, len);
    if (at != NULL && len > 0) {
        memcpy(at, value, len);
    }
}

void hp_stun_add_u32(hp_stun_writer *w, uint16_t type, uint32_t value)
{
    uint8_t bytes[4];
    hp_put32(bytes, value);
    hp_stun_add(w, type, bytes, sizeof bytes);
}

void hp_stun_add_u64(hp_stun_writer *w, uint16_t type, uint64_t value)
{
    uint8_t bytes[8];
    hp_put32(bytes, (uint32_t)(value >> 32));
    hp_put32(bytes + 4, (uint32_t)value);
    hp_stun_add(w, type, bytes, sizeof bytes);
}

void hp_stun_add_text(hp_stun_writer *w, uint16_t type, const char *text)
{
    hp_stun_add(w, type, text, strlen(text));
}

void hp_stun_add_addr(hp_stun_writer *w, uint16_t type, const hp_addr *a, bool xored)
{
    size_t ip_length = a->family == HP_AF_IPV4 ? 4 : 16;

    if (a->family == HP_AF_NONE) {
        w->overflow = true;
        return;
    }
    uint8_t *at = add_attr(w, type, 4 + ip_length);
    if (at == NULL) {
        return;
    }
    at[0] = 0;
    at[1] = a->family == HP_AF_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;
    hp_put16(at + 2, a->port);
    memcpy(at + 4, a->ip, ip_length);
    if (xored) {
        const uint8_t *mask = w->buf + COOKIE_AT;
        for (size_t i = 0; i < 2; i++) {
            at[2 + i] ^= mask[i];
        }
        for (size_t i = 0; i < ip_length; i++) {
            at[4 + i] ^= mask[i];
        }
    }
}

void hp_stun_add_error(hp_stun_writer *w, unsigned code, const char *reason)
{
    if (code < 300 || code > 699) {
        w->overflow = true;
        return;
    }
    const char *text = reason != NULL ? reason : hp_stun_error_reason(code);
    size_t len = text != NULL ? strlen(text) : 0;
    uint8_t *at = add_attr(w, HP_STUN_ERROR_CODE, 4 + len);
    if (at != NULL) {
        hp_put16(at, 0);
        at[2] = (uint8_t)(code / 100);
        at[3] = (uint8_t)(code % 100);
        memcpy(at + 4, text != NULL ? text : "", len);
    }
}

size_t hp_stun_finish(hp_stun_writer *w)
{
    return w->overflow ? 0 : w->len;
}
