/* The RTP codec: fixed header, CSRC list, header extension and its elements, padding, retransmissions (RFC 3550
 * section 5.1 and appendix A.1, RFC 8285, RFC 4588 section 4).
 *
 * Reading: hp_rtp_parse() checks once that CSRC list, extension and padding lie inside the datagram; everything else
 * trusts the views it made. In an encrypted packet only the header can be looked at: the padding count is ciphertext.
 * The elements of an extension are not checked beforehand, since one that is broken spoils only what follows it.
 *
 * Writing: a packet made from what was read is the same bytes, except for the padding octets before the last, which are
 * zero here. An extension is given as whole words, made by hp_rtp_ext_write() or by the caller. */
#include "wire/rtp.h"

#include <glib.h>
#include <string.h>

#include "wire/bytes.h"

enum {
    VERSION = 2 << 6,
    VERSION_MASK = 3 << 6,
    PADDING_BIT = 1 << 5,
    EXTENSION_BIT = 1 << 4,
    MARKER_BIT = 1 << 7,
    SEQUENCE_AT = 2,
    TIMESTAMP_AT = 4,
    SSRC_AT = 8,
    EXT_HEADER = 4,
    TWO_BYTE_MASK = 0xfff0,
    ONE_BYTE_LAST_ID = 14, /* 15 ends the walk */
};

/* ---- reading ---- */

bool hp_rtp_parse_encrypted(const uint8_t *data, size_t len, hp_rtp_packet *ret)
{
    if (len < HP_RTP_HEADER || (data[0] & VERSION_MASK) != VERSION) {
        return false;
    }
    bool has_extension = (data[0] & EXTENSION_BIT) != 0;
    unsigned n_csrc = data[0] & 0x0f;
    size_t header_len = HP_RTP_HEADER + 4 * (size_t)n_csrc, ext_at = header_len, ext_len = 0;

    if (has_extension) {
        if (len < header_len + EXT_HEADER) {
            return false;
        }
        ext_len = 4 * (size_t)hp_get16(data + ext_at + 2);
        header_len += EXT_HEADER + ext_len;
    }
    if (len < header_len) {
        return false;
    }
    *ret = (hp_rtp_packet){
        .data = data,
        .length = len,
        .pt = data[1] & 0x7f,
        .marker = (data[1] & MARKER_BIT) != 0,
        .has_padding = (data[0] & PADDING_BIT) != 0,
        .has_extension = has_extension,
        .sequence = hp_get16(data + SEQUENCE_AT),
        .timestamp = hp_get32(data + TIMESTAMP_AT),
        .ssrc = hp_get32(data + SSRC_AT),
        .n_csrc = n_csrc,
        .csrc = data + HP_RTP_HEADER,
        .ext_profile = has_extension ? hp_get16(data + ext_at) : 0,
        .ext = has_extension ? data + ext_at + EXT_HEADER : NULL,
        .ext_len = ext_len,
        .header_len = header_len,
        .payload = data + header_len,
        .payload_len = len - header_len,
    };
    return true;
}

bool hp_rtp_parse(const uint8_t *data, size_t len, hp_rtp_packet *ret)
{
    hp_rtp_packet p;

    if (!hp_rtp_parse_encrypted(data, len, &p)) {
        return false;
    }
    if (p.has_padding) {
        p.padding = p.payload_len > 0 ? data[len - 1] : 0;
        if (p.padding == 0 || p.padding > p.payload_len) {
            return false;
        }
        p.payload_len -= p.padding;
    }
    *ret = p;
    return true;
}

uint32_t hp_rtp_csrc(const hp_rtp_packet *p, unsigned i)
{
    g_assert(i < p->n_csrc);
    return hp_get32(p->csrc + 4 * (size_t)i);
}

/* ---- writing ---- */

size_t hp_rtp_header_length(const hp_rtp_header *h)
{
    return HP_RTP_HEADER + 4 * (size_t)h->n_csrc + (h->has_extension ? EXT_HEADER + h->ext_len : 0);
}

static bool writable(const hp_rtp_header *h)
{
    return h->pt <= 0x7f && h->n_csrc <= HP_RTP_MAX_CSRC &&
           (!h->has_extension || (h->ext_len % 4 == 0 && h->ext_len / 4 <= UINT16_MAX));
}

/* Room for length bytes has been checked. */
static void put_header(uint8_t *out, const hp_rtp_header *h)
{
    out[0] =
        (uint8_t)(VERSION | (h->padding > 0 ? PADDING_BIT : 0) | (h->has_extension ? EXTENSION_BIT : 0) | h->n_csrc);
    out[1] = (uint8_t)((h->marker ? MARKER_BIT : 0) | h->pt);
    hp_put16(out + SEQUENCE_AT, h->sequence);
    hp_put32(out + TIMESTAMP_AT, h->timestamp);
    hp_put32(out + SSRC_AT, h->ssrc);
    out += HP_RTP_HEADER;
    for (unsigned i = 0; i < h->n_csrc; i++, out += 4) {
        hp_put32(out, h->csrc[i]);
    }
    if (h->has_extension) {
        hp_put16(out, h->ext_profile);
        hp_put16(out + 2, (uint32_t)(h->ext_len / 4));
        if (h->ext_len > 0) {
            memmove(out + EXT_HEADER, h->ext, h->ext_len);
        }
    }
}

size_t hp_rtp_write_header(uint8_t *out, size_t cap, const hp_rtp_header *h)
{
    if (!writable(h) || h->padding > 0 || cap < hp_rtp_header_length(h)) {
        return 0;
    }
    put_header(out, h);
    return hp_rtp_header_length(h);
}

size_t hp_rtp_write(uint8_t *out, size_t cap, const hp_rtp_header *h, const void *payload, size_t len)
{
    size_t header_len = hp_rtp_header_length(h);

    if (!writable(h) || cap < header_len + h->padding || cap - header_len - h->padding < len) {
        return 0;
    }
    put_header(out, h);
    if (len > 0) {
        memcpy(out + header_len, payload, len);
    }
    size_t total = header_len + len + h->padding;
    if (h->padding > 0) {
        memset(out + header_len + len, 0, h->padding - 1U);
        out[total - 1] = h->padding;
    }
    return total;
}

/* ---- header extension elements ---- */

static bool is_two_byte(uint16_t profile)
{
    return (profile & TWO_BYTE_MASK) == HP_RTP_EXT_TWO_BYTE;
}

bool hp_rtp_ext_next(const hp_rtp_packet *p, size_t *cursor, hp_rtp_ext *ret)
{
    bool two_byte = is_two_byte(p->ext_profile);
    size_t at = *cursor, id, length, head = two_byte ? 2 : 1;

    if (!p->has_extension || (!two_byte && p->ext_profile != HP_RTP_EXT_ONE_BYTE)) {
        return false;
    }
    while (at < p->ext_len && p->ext[at] == 0) { /* padding between elements and at the end */
        at++;
    }
    if (p->ext_len - at < head) {
        return false;
    }
    if (two_byte) {
        id = p->ext[at];
        length = p->ext[at + 1];
    } else {
        id = p->ext[at] >> 4;
        length = (p->ext[at] & 0x0fU) + 1;
        if (id == 0 || id > ONE_BYTE_LAST_ID) {
            return false;
        }
    }
    if (p->ext_len - at - head < length) {
        return false;
    }
    *ret = (hp_rtp_ext){.id = (uint8_t)id, .length = length, .value = p->ext + at + head};
    *cursor = at + head + length;
    return true;
}

bool hp_rtp_ext_find(const hp_rtp_packet *p, uint8_t id, hp_rtp_ext *ret)
{
    size_t cursor = 0;
    hp_rtp_ext element;

    while (hp_rtp_ext_next(p, &cursor, &element)) {
        if (element.id == id) {
            *ret = element;
            return true;
        }
    }
    return false;
}

static bool ext_fits_form(const hp_rtp_ext *e, bool two_byte)
{
    return e->id > 0 && (two_byte ? e->length <= 255 : e->id <= ONE_BYTE_LAST_ID && e->length >= 1 && e->length <= 16);
}

size_t hp_rtp_ext_write(uint8_t *out, size_t cap, uint16_t profile, const hp_rtp_ext *elements, size_t n)
{
    bool two_byte = is_two_byte(profile);
    size_t at = 0;

    if (!two_byte && profile != HP_RTP_EXT_ONE_BYTE) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const hp_rtp_ext *e = &elements[i];
        size_t head = two_byte ? 2 : 1;
        if (!ext_fits_form(e, two_byte) || cap - at < head + e->length) {
            return 0;
        }
        if (two_byte) {
            out[at] = e->id;
            out[at + 1] = (uint8_t)e->length;
        } else {
            out[at] = (uint8_t)(e->id << 4 | (e->length - 1));
        }
        if (e->length > 0) {
            memcpy(out + at + head, e->value, e->length);
        }
        at += head + e->length;
    }
    size_t total = (at + 3) & ~(size_t)3;
    if (total > cap) {
        return 0;
    }
    memset(out + at, 0, total - at);
    return total;
}

/* ---- retransmission ---- */

bool hp_rtx_read(const hp_rtp_packet *rtx, uint16_t *ret_original_sequence, const uint8_t **ret_payload,
                 size_t *ret_len)
{
    if (rtx->payload_len < HP_RTX_OSN) {
        return false;
    }
    *ret_original_sequence = hp_get16(rtx->payload);
    if (ret_payload != NULL) {
        *ret_payload = rtx->payload + HP_RTX_OSN;
    }
    if (ret_len != NULL) {
        *ret_len = rtx->payload_len - HP_RTX_OSN;
    }
    return true;
}

/* What both directions keep: marker, timestamp, CSRC list and extension stand in the same bytes. */
static void put_copied_header(uint8_t *out, const hp_rtp_packet *from, uint8_t pt, uint16_t sequence, uint32_t ssrc)
{
    memcpy(out, from->data, from->header_len);
    out[0] = (uint8_t)(out[0] & ~PADDING_BIT);
    out[1] = (uint8_t)((from->marker ? MARKER_BIT : 0) | pt);
    hp_put16(out + SEQUENCE_AT, sequence);
    hp_put32(out + SSRC_AT, ssrc);
}

size_t hp_rtx_write(uint8_t *out, size_t cap, const hp_rtp_packet *original, uint8_t rtx_pt, uint16_t rtx_sequence,
                    uint32_t rtx_ssrc)
{
    size_t total = original->header_len + HP_RTX_OSN + original->payload_len;

    if (cap < total || rtx_pt > 0x7f) {
        return 0;
    }
    put_copied_header(out, original, rtx_pt, rtx_sequence, rtx_ssrc);
    hp_put16(out + original->header_len, original->sequence);
    memcpy(out + original->header_len + HP_RTX_OSN, original->payload, original->payload_len);
    return total;
}

size_t hp_rtx_restore(uint8_t *out, size_t cap, const hp_rtp_packet *rtx, uint8_t original_pt, uint32_t original_ssrc)
{
    uint16_t sequence;
    const uint8_t *payload;
    size_t len;

    if (original_pt > 0x7f || !hp_rtx_read(rtx, &sequence, &payload, &len) || cap < rtx->header_len + len) {
        return 0;
    }
    put_copied_header(out, rtx, original_pt, sequence, original_ssrc);
    memcpy(out + rtx->header_len, payload, len);
    return rtx->header_len + len;
}

/* ---- media clock ---- */

/* Whole seconds apart from the rest, so that nothing overflows in 64 bits before the result does. */
uint64_t hp_rtp_units(hp_time span, uint32_t clock_rate)
{
    return span / HP_S * clock_rate + span % HP_S * clock_rate / HP_S;
}

hp_time hp_rtp_span(uint64_t units, uint32_t clock_rate)
{
    g_assert(clock_rate > 0);
    return units / clock_rate * HP_S + units % clock_rate * HP_S / clock_rate;
}
