/* Reading RTCP: the frame of a datagram and the packets in it (RFC 3550 sections 6.1 to 6.6 and appendix A.2, RFC 4585
 * section 6, RFC 5104 section 4.3.1). Writing is rtcp_write.c.
 *
 * hp_rtcp_parse() checks versions, lengths and padding of all packets once; hp_rtcp_next() trusts that. What a packet
 * claims to hold (report blocks, chunks, sources) is checked by its reader, so that one broken packet does not make
 * the others of the datagram unreadable. Unknown packet types are walked over. Padding belongs to the last packet; its
 * count is at least 1, counts itself, and leaves the header alone. Section 6.4.1 wants it to be a multiple of four,
 * which is left to whoever cares, as the frame is sound without. */
#include "wire/rtcp.h"

#include <assert.h>
#include <glib.h>

#include "wire/bytes.h"

enum {
    VERSION = 2 << 6,
    VERSION_MASK = 3 << 6,
    PADDING_BIT = 1 << 5,
    COUNT_MASK = 0x1f,
    SSRC_SIZE = 4,
    SENDER_INFO = 24, /* with the SSRC */
    REPORT_BLOCK = 24,
    FEEDBACK_FIXED = 8, /* both SSRCs */
    SDES_ITEM_HEADER = 2,
    NACK_ENTRY = 4,
    NACK_STEPS = 17,
    FIR_ENTRY = 8,
    LOST_SIGN = 0x800000,
};

static size_t packet_length(const uint8_t *header)
{
    return 4 * ((size_t)hp_get16(header + 2) + 1);
}

/* ---- the frame ---- */

bool hp_rtcp_parse(const uint8_t *data, size_t len, hp_rtcp_datagram *ret)
{
    unsigned n = 0;

    for (size_t at = 0; at < len; n++) {
        if (len - at < HP_RTCP_HEADER || (data[at] & VERSION_MASK) != VERSION || len - at < packet_length(data + at)) {
            return false;
        }
        size_t length = packet_length(data + at);
        if (data[at] & PADDING_BIT) {
            unsigned padding = data[at + length - 1];
            if (at + length != len || padding == 0 || padding > length - HP_RTCP_HEADER) {
                return false;
            }
        }
        at += length;
    }
    if (n == 0) {
        return false;
    }
    *ret = (hp_rtcp_datagram){
        .data = data,
        .length = len,
        .n_packets = n,
        .is_compound = (data[1] == HP_RTCP_SR || data[1] == HP_RTCP_RR) && !(data[0] & PADDING_BIT),
    };
    return true;
}

bool hp_rtcp_next(const hp_rtcp_datagram *d, size_t *cursor, hp_rtcp_packet *ret)
{
    if (*cursor >= d->length) {
        return false;
    }
    const uint8_t *header = d->data + *cursor;
    size_t length = packet_length(header), padding = header[0] & PADDING_BIT ? header[length - 1] : 0;

    *ret = (hp_rtcp_packet){
        .type = header[1],
        .count = header[0] & COUNT_MASK,
        .body = header + HP_RTCP_HEADER,
        .body_len = length - HP_RTCP_HEADER - padding,
        .padding = padding,
    };
    *cursor += length;
    return true;
}

/* ---- reports ---- */

bool hp_rtcp_read_sr(const hp_rtcp_packet *p, hp_rtcp_sender_info *ret)
{
    if (p->type != HP_RTCP_SR || p->body_len < SENDER_INFO + (size_t)p->count * REPORT_BLOCK) {
        return false;
    }
    *ret = (hp_rtcp_sender_info){
        .ssrc = hp_get32(p->body),
        .ntp = (uint64_t)hp_get32(p->body + 4) << 32 | hp_get32(p->body + 8),
        .rtp_timestamp = hp_get32(p->body + 12),
        .packets = hp_get32(p->body + 16),
        .octets = hp_get32(p->body + 20),
    };
    return true;
}

bool hp_rtcp_read_rr(const hp_rtcp_packet *p, uint32_t *ret_ssrc)
{
    if (p->type != HP_RTCP_RR || p->body_len < SSRC_SIZE + (size_t)p->count * REPORT_BLOCK) {
        return false;
    }
    *ret_ssrc = hp_get32(p->body);
    return true;
}

bool hp_rtcp_read_block(const hp_rtcp_packet *p, unsigned i, hp_rtcp_report_block *ret)
{
    size_t at = (p->type == HP_RTCP_SR ? SENDER_INFO : SSRC_SIZE) + (size_t)i * REPORT_BLOCK;

    if ((p->type != HP_RTCP_SR && p->type != HP_RTCP_RR) || i >= p->count || p->body_len < at + REPORT_BLOCK) {
        return false;
    }
    const uint8_t *b = p->body + at;
    int32_t lost = (int32_t)(hp_get32(b + 4) & 0xffffff);
    *ret = (hp_rtcp_report_block){
        .ssrc = hp_get32(b),
        .fraction_lost = b[4],
        .cumulative_lost = (lost ^ LOST_SIGN) - LOST_SIGN,
        .extended_highest = hp_get32(b + 8),
        .jitter = hp_get32(b + 12),
        .last_sr = hp_get32(b + 16),
        .delay_since_last_sr = hp_get32(b + 20),
    };
    return true;
}

/* ---- source description ----
 *
 * A chunk is an SSRC and items (type, length, text), ended by a zero octet and filled up with zeros to a multiple of
 * four. */

bool hp_rtcp_sdes_next(const hp_rtcp_packet *p, hp_rtcp_sdes_cursor *cursor, hp_rtcp_sdes_item *ret)
{
    hp_rtcp_sdes_cursor c = *cursor;

    if (p->type != HP_RTCP_SDES) {
        return false;
    }
    for (;;) {
        if (!c.inside) {
            if (c.chunk >= p->count || p->body_len < c.at + SSRC_SIZE) {
                return false;
            }
            c.ssrc = hp_get32(p->body + c.at);
            c.at += SSRC_SIZE;
            c.inside = true;
        }
        if (c.at >= p->body_len) {
            return false; /* a chunk without an end */
        }
        if (p->body[c.at] != 0) {
            break;
        }
        c.at = (c.at & ~(size_t)3) + 4;
        c.inside = false;
        c.chunk++;
    }
    if (p->body_len - c.at < SDES_ITEM_HEADER || p->body_len - c.at - SDES_ITEM_HEADER < p->body[c.at + 1]) {
        return false;
    }
    *ret = (hp_rtcp_sdes_item){
        .ssrc = c.ssrc,
        .type = p->body[c.at],
        .text = (const char *)p->body + c.at + SDES_ITEM_HEADER,
        .length = p->body[c.at + 1],
    };
    c.at += SDES_ITEM_HEADER + ret->length;
    *cursor = c;
    return true;
}

bool hp_rtcp_sdes_cname(const hp_rtcp_packet *p, uint32_t ssrc, const char **ret_text, size_t *ret_len)
{
    hp_rtcp_sdes_cursor cursor = {0};
    hp_rtcp_sdes_item item;

    while (hp_rtcp_sdes_next(p, &cursor, &item)) {
        if (item.ssrc == ssrc && item.type == HP_SDES_CNAME) {
            *ret_text = item.text;
            *ret_len = item.length;
            return true;
        }
    }
    return false;
}

/* ---- goodbye ---- */

bool hp_rtcp_read_bye(const hp_rtcp_packet *p, unsigned i, uint32_t *ret_ssrc)
{
    if (p->type != HP_RTCP_BYE || i >= p->count || p->body_len < ((size_t)i + 1) * SSRC_SIZE) {
        return false;
    }
    *ret_ssrc = hp_get32(p->body + (size_t)i * SSRC_SIZE);
    return true;
}

bool hp_rtcp_bye_reason(const hp_rtcp_packet *p, const char **ret_text, size_t *ret_len)
{
    size_t at = (size_t)p->count * SSRC_SIZE;

    if (p->type != HP_RTCP_BYE || p->body_len <= at || p->body_len - at - 1 < p->body[at]) {
        return false;
    }
    *ret_text = (const char *)p->body + at + 1;
    *ret_len = p->body[at];
    return true;
}

/* ---- feedback ---- */

bool hp_rtcp_read_feedback(const hp_rtcp_packet *p, hp_rtcp_feedback *ret)
{
    if ((p->type != HP_RTCP_RTPFB && p->type != HP_RTCP_PSFB) || p->body_len < FEEDBACK_FIXED) {
        return false;
    }
    *ret = (hp_rtcp_feedback){
        .type = p->type,
        .format = p->count,
        .sender_ssrc = hp_get32(p->body),
        .media_ssrc = hp_get32(p->body + 4),
        .fci = p->body + FEEDBACK_FIXED,
        .fci_len = p->body_len - FEEDBACK_FIXED,
    };
    return true;
}

/* An entry is a number (PID) and a mask of the 16 that follow it, lowest bit first. The cursor counts seventeen steps
 * for each entry, asked for or not. */
bool hp_rtcp_nack_next(const hp_rtcp_feedback *f, size_t *cursor, uint16_t *ret_sequence)
{
    if (!hp_rtcp_is_nack(f)) {
        return false;
    }
    for (size_t step = *cursor; step / NACK_STEPS < f->fci_len / NACK_ENTRY; step++) {
        const uint8_t *entry = f->fci + step / NACK_STEPS * NACK_ENTRY;
        unsigned bit = step % NACK_STEPS;
        if (bit == 0 || (hp_get16(entry + 2) >> (bit - 1) & 1) != 0) {
            *ret_sequence = (uint16_t)(hp_get16(entry) + bit);
            *cursor = step + 1;
            return true;
        }
    }
    *cursor = f->fci_len / NACK_ENTRY * NACK_STEPS;
    return false;
}

bool hp_rtcp_fir_next(const hp_rtcp_feedback *f, size_t *cursor, uint32_t *ret_ssrc, uint8_t *ret_command)
{
    if (!hp_rtcp_is_fir(f) || f->fci_len < *cursor + FIR_ENTRY) {
        return false;
    }
    *ret_ssrc = hp_get32(f->fci + *cursor);
    *ret_command = f->fci[*cursor + 4];
    *cursor += FIR_ENTRY;
    return true;
}

/* ---- names ---- */

const char *hp_rtcp_type_name(uint8_t type)
{
    static const char *const names[] = {"SR", "RR", "SDES", "BYE", "APP", "RTPFB", "PSFB", "XR"};
    static_assert(G_N_ELEMENTS(names) == HP_RTCP_XR - HP_RTCP_SR + 1, "a name for each hp_rtcp_type");

    return type >= HP_RTCP_SR && type <= HP_RTCP_XR ? names[type - HP_RTCP_SR] : NULL;
}
