/* Writing RTCP (RFC 3550 section 6, RFC 4585 section 6, RFC 5104 section 4.3.1).
 *
 * Every step appends one whole packet, length field included, or nothing: once something does not fit, or cannot be
 * said in the format, the writer stays as it is and hp_rtcp_finish() says so. Packets are written without padding.
 * Which packets a datagram must hold (a report first, a CNAME in each compound packet) is the caller's matter. */
#include <glib.h>
#include <string.h>

#include "wire/bytes.h"
#include "wire/rtcp.h"

enum { VERSION = 2 << 6, SENDER_INFO = 24, REPORT_BLOCK = 24, FEEDBACK_FIXED = 8, NACK_SPAN = 16 };

void hp_rtcp_begin(hp_rtcp_writer *w, uint8_t *buf, size_t cap)
{
    *w = (hp_rtcp_writer){.buf = buf, .cap = cap};
}

/* Appends a packet's header; its body of body_len bytes (a multiple of four) is the caller's to fill. */
static uint8_t *add_packet(hp_rtcp_writer *w, uint8_t type, size_t count, size_t body_len)
{
    if (w->overflow || count > HP_RTCP_MAX_COUNT || body_len / 4 > UINT16_MAX || w->cap - w->len < HP_RTCP_HEADER ||
        w->cap - w->len - HP_RTCP_HEADER < body_len) {
        w->overflow = true;
        return NULL;
    }
    uint8_t *header = w->buf + w->len;
    header[0] = (uint8_t)(VERSION | count);
    header[1] = type;
    hp_put16(header + 2, (uint32_t)(body_len / 4));
    w->len += HP_RTCP_HEADER + body_len;
    return header + HP_RTCP_HEADER;
}

static void put_blocks(uint8_t *out, const hp_rtcp_report_block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++, out += REPORT_BLOCK) {
        const hp_rtcp_report_block *b = &blocks[i];
        hp_put32(out, b->ssrc);
        hp_put32(out + 4, (uint32_t)b->fraction_lost << 24 | ((uint32_t)b->cumulative_lost & 0xffffff));
        hp_put32(out + 8, b->extended_highest);
        hp_put32(out + 12, b->jitter);
        hp_put32(out + 16, b->last_sr);
        hp_put32(out + 20, b->delay_since_last_sr);
    }
}

void hp_rtcp_add_sr(hp_rtcp_writer *w, const hp_rtcp_sender_info *sr, const hp_rtcp_report_block *blocks, size_t n)
{
    size_t here = n < HP_RTCP_MAX_COUNT ? n : HP_RTCP_MAX_COUNT;
    uint8_t *body = add_packet(w, HP_RTCP_SR, here, SENDER_INFO + here * REPORT_BLOCK);

    if (body == NULL) {
        return;
    }
    hp_put32(body, sr->ssrc);
    hp_put32(body + 4, (uint32_t)(sr->ntp >> 32));
    hp_put32(body + 8, (uint32_t)sr->ntp);
    hp_put32(body + 12, sr->rtp_timestamp);
    hp_put32(body + 16, sr->packets);
    hp_put32(body + 20, sr->octets);
    put_blocks(body + SENDER_INFO, blocks, here);
    if (n > here) {
        hp_rtcp_add_rr(w, sr->ssrc, blocks + here, n - here);
    }
}

void hp_rtcp_add_rr(hp_rtcp_writer *w, uint32_t ssrc, const hp_rtcp_report_block *blocks, size_t n)
{
    do {
        size_t here = n < HP_RTCP_MAX_COUNT ? n : HP_RTCP_MAX_COUNT;
        uint8_t *body = add_packet(w, HP_RTCP_RR, here, 4 + here * REPORT_BLOCK);
        if (body == NULL) {
            return;
        }
        hp_put32(body, ssrc);
        put_blocks(body + 4, blocks, here);
        n -= here;
        blocks = n > 0 ? blocks + here : NULL;
    } while (n > 0);
}

/* Text on the wire has a length and no terminator. */
static void put_text(uint8_t *out, const char *text, size_t len)
{
    memcpy(out, text, len);
}

void hp_rtcp_add_cname(hp_rtcp_writer *w, uint32_t ssrc, const char *cname)
{
    size_t len = strlen(cname);

    if (len > HP_RTCP_MAX_CNAME) {
        w->overflow = true;
        return;
    }
    /* SSRC, item header, text, and at least one zero octet that ends the chunk. */
    size_t body_len = (4 + 2 + len + 1 + 3) & ~(size_t)3;
    uint8_t *body = add_packet(w, HP_RTCP_SDES, 1, body_len);
    if (body == NULL) {
        return;
    }
    memset(body, 0, body_len);
    hp_put32(body, ssrc);
    body[4] = HP_SDES_CNAME;
    body[5] = (uint8_t)len;
    put_text(body + 6, cname, len);
}

void hp_rtcp_add_bye(hp_rtcp_writer *w, const uint32_t *ssrcs, size_t n, const char *reason)
{
    size_t len = reason != NULL ? strlen(reason) : 0, reason_len = reason != NULL ? (1 + len + 3) & ~(size_t)3 : 0;

    if (len > UINT8_MAX || n > HP_RTCP_MAX_COUNT) {
        w->overflow = true;
        return;
    }
    uint8_t *body = add_packet(w, HP_RTCP_BYE, n, 4 * n + reason_len);
    if (body == NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++, body += 4) {
        hp_put32(body, ssrcs[i]);
    }
    if (reason != NULL) {
        memset(body, 0, reason_len);
        body[0] = (uint8_t)len;
        put_text(body + 1, reason, len);
    }
}

/* ---- feedback ---- */

static uint8_t *add_feedback(hp_rtcp_writer *w, uint8_t type, uint8_t format, uint32_t sender, uint32_t media,
                             size_t fci_len)
{
    uint8_t *body = add_packet(w, type, format, FEEDBACK_FIXED + fci_len);

    if (body == NULL) {
        return NULL;
    }
    hp_put32(body, sender);
    hp_put32(body + 4, media);
    return body + FEEDBACK_FIXED;
}

/* How many of the n numbers one entry tells, and its mask: those up to 16 ahead of the first, as long as they rise. */
static size_t nack_entry(const uint16_t *sequences, size_t n, uint16_t *ret_mask)
{
    unsigned mask = 0, last = 0;
    size_t i = 1;

    for (; i < n; i++) {
        uint16_t ahead = (uint16_t)(sequences[i] - sequences[0]);
        if (ahead <= last || ahead > NACK_SPAN) {
            break;
        }
        mask |= 1U << (ahead - 1);
        last = ahead;
    }
    *ret_mask = (uint16_t)mask;
    return i;
}

void hp_rtcp_add_nack(hp_rtcp_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *sequences, size_t n)
{
    size_t n_entries = 0;
    uint16_t mask;

    for (size_t i = 0; i < n; i += nack_entry(sequences + i, n - i, &mask)) {
        n_entries++;
    }
    if (n_entries == 0) {
        w->overflow = true; /* a NACK that asks for nothing cannot be written */
        return;
    }
    uint8_t *fci = add_feedback(w, HP_RTCP_RTPFB, HP_RTPFB_NACK, sender_ssrc, media_ssrc, 4 * n_entries);
    if (fci == NULL) {
        return;
    }
    for (size_t i = 0; i < n; fci += 4) {
        hp_put16(fci, sequences[i]);
        i += nack_entry(sequences + i, n - i, &mask);
        hp_put16(fci + 2, mask);
    }
}

void hp_rtcp_add_pli(hp_rtcp_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc)
{
    add_feedback(w, HP_RTCP_PSFB, HP_PSFB_PLI, sender_ssrc, media_ssrc, 0);
}

/* The fixed part's media SSRC is 0 in a FIR; the entry names the source. */
void hp_rtcp_add_fir(hp_rtcp_writer *w, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t command)
{
    uint8_t *fci = add_feedback(w, HP_RTCP_PSFB, HP_PSFB_FIR, sender_ssrc, 0, 8);

    if (fci != NULL) {
        hp_put32(fci, media_ssrc);
        hp_put32(fci + 4, (uint32_t)command << 24);
    }
}

size_t hp_rtcp_finish(hp_rtcp_writer *w)
{
    return w->overflow ? 0 : w->len;
}
