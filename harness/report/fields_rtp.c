/* RTP headers (RFC 3550 section 5.1, their extensions RFC 8285) and RTCP packets (RFC 3550 section 6, RFC 4585).
 *
 * Both come as SRTP and SRTCP (RFC 3711): an RTP header is in the clear and so is the first RTCP packet's header with its
 * SSRC, the rest is not. RTCP that reads as a whole was not encrypted. */
#include "report/fields.h"

#include "wire/bytes.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"

void hp_fields_rtp(hp_fields *f, const uint8_t *data, size_t length)
{
    hp_rtp_packet p;
    hp_rtp_ext e;
    size_t cursor = 0;
    if (!hp_rtp_parse_encrypted(data, length, &p)) {
        hp_fields_add(f, "RTP", "malformed, %zu bytes", length);
        return;
    }
    hp_fields_add(f, "RTP", "%zu bytes of payload and tag", p.payload_len);
    hp_fields_add(f, "SSRC", "0x%08x", p.ssrc);
    hp_fields_add(f, "sequence number", "%u", p.sequence);
    hp_fields_add(f, "timestamp", "%u", p.timestamp);
    hp_fields_add(f, "payload type", "%u", p.pt);
    hp_fields_add(f, "marker", "%s", p.marker ? "set" : "not set");
    for (unsigned i = 0; i < p.n_csrc; i++) {
        hp_fields_add(f, "CSRC", "0x%08x", hp_rtp_csrc(&p, i));
    }
    while (hp_rtp_ext_next(&p, &cursor, &e)) {
        g_autofree char *name = g_strdup_printf("header extension %u", e.id);
        hp_fields_add_hex(f, name, e.value, e.length);
    }
}

static const char *rtcp_name(uint8_t type)
{
    switch (type) {
    case HP_RTCP_SR:
        return "sender report";
    case HP_RTCP_RR:
        return "receiver report";
    case HP_RTCP_SDES:
        return "source description";
    case HP_RTCP_BYE:
        return "BYE";
    case HP_RTCP_APP:
        return "APP";
    case HP_RTCP_RTPFB:
        return "transport feedback";
    case HP_RTCP_PSFB:
        return "payload feedback";
    case HP_RTCP_XR:
        return "extended report";
    default: /* the byte may hold anything */
        return "unknown type";
    }
}

static void add_blocks(hp_fields *f, const hp_rtcp_packet *p)
{
    hp_rtcp_report_block b;
    for (unsigned i = 0; hp_rtcp_read_block(p, i, &b); i++) {
        hp_fields_add(f, "about SSRC", "0x%08x: lost %d, %u/256 lately, highest %u, jitter %u", b.ssrc,
                      b.cumulative_lost, b.fraction_lost, b.extended_highest, b.jitter);
    }
}

static void add_feedback(hp_fields *f, const hp_rtcp_feedback *b)
{
    size_t cursor = 0;
    uint16_t sequence;
    g_autoptr(GString) numbers = g_string_new(NULL);
    while (hp_rtcp_nack_next(b, &cursor, &sequence)) {
        g_string_append_printf(numbers, "%s%u", numbers->len > 0 ? ", " : "", sequence);
    }
    hp_fields_add(f, "asks", "%s for SSRC 0x%08x%s%s",
                  hp_rtcp_is_nack(b)  ? "NACK"
                  : hp_rtcp_is_pli(b) ? "PLI"
                  : hp_rtcp_is_fir(b) ? "FIR"
                                      : "feedback",
                  b->media_ssrc, numbers->len > 0 ? ": " : "", numbers->str);
}

static void add_rtcp(hp_fields *f, const hp_rtcp_packet *p)
{
    hp_rtcp_sender_info sr;
    hp_rtcp_feedback feedback;
    uint32_t ssrc;
    hp_fields_add(f, "RTCP", "%s (%u)", rtcp_name(p->type), p->type);
    f->depth++;
    if (hp_rtcp_read_sr(p, &sr)) {
        hp_fields_add(f, "SSRC", "0x%08x", sr.ssrc);
        hp_fields_add(f, "sent", "%u packets, %u octets", sr.packets, sr.octets);
    } else if (hp_rtcp_read_rr(p, &ssrc)) {
        hp_fields_add(f, "SSRC", "0x%08x", ssrc);
    } else if (hp_rtcp_read_feedback(p, &feedback)) {
        add_feedback(f, &feedback);
    }
    add_blocks(f, p);
    f->depth--;
}

void hp_fields_rtcp(hp_fields *f, const uint8_t *data, size_t length)
{
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    size_t cursor = 0;
    if (hp_rtcp_parse(data, length, &d)) {
        while (hp_rtcp_next(&d, &cursor, &p)) {
            add_rtcp(f, &p);
        }
    } else if (length >= 8) {
        hp_fields_add(f, "RTCP", "%s (%u), encrypted, %zu bytes", rtcp_name(data[1]), data[1], length);
        hp_fields_add(f, "SSRC", "0x%08x", hp_get32(data + 4));
    } else {
        hp_fields_add(f, "RTCP", "malformed, %zu bytes", length);
    }
}
