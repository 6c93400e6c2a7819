/* The fields of hp_match_detail: what a match can ask of the inside of a protocol.
 *
 * Every reader takes bytes as hostile: a record, message or packet that claims more than there is ends the search, and
 * each step of a walk goes forward by at least a header, so that the work is bounded by the datagram's length.
 *
 * DTLS (RFC 6347 section 4.1, RFC 9147 section 4): a datagram holds records one after another. A record of the unified
 * form of DTLS 1.3 hides all that could be asked here and ends the walk. A handshake record of epoch 0 may hold several
 * messages, or fragments of them; each has the 12-byte header that names its type (RFC 6347 section 4.2.2).
 * RTCP: the first packet's header is in the clear even under SRTCP (RFC 3711 section 3.4); the packets behind it are
 * looked at only when the whole compound is sound, which ciphertext hardly ever is. */
#include <string.h>

#include "wire/bytes.h"
#include "wire/match_private.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"
#include "wire/tcp.h"

enum {
    DTLS_RECORD_HEADER = 13,
    DTLS_HANDSHAKE_HEADER = 12,
    DTLS_HANDSHAKE = 22,
    DTLS_LAST_CLASSIC = 31, /* from 32 on the first byte belongs to the unified form */
};

/* ---- which fields are set ---- */

static bool asks_for_tcp(const hp_match_tcp *t)
{
    return t->flags != 0 || t->no_flags != 0 || t->data != HP_EITHER;
}

static bool asks_for_dtls(const hp_match_dtls *d)
{
    return d->has_content_type || d->has_handshake_type || d->has_epoch || d->version != 0;
}

static bool asks_for_rtp(const hp_match_rtp *r)
{
    return r->has_payload_type || r->has_ssrc || r->has_sequence || r->marker != HP_EITHER;
}

static bool asks_for_rtcp(const hp_match_rtcp *r)
{
    return r->packet_type != 0 || r->has_format;
}

static bool asks_for_end(const hp_match_end *end)
{
    return end->prefix.base.family != HP_AF_NONE || end->port_first != 0 || end->port_last != 0;
}

static bool asks_for_stun(const hp_match_stun_contents *s)
{
    return s->username != NULL || s->address_in != 0 || asks_for_end(&s->address);
}

bool hp_match_detail_asks_for_payload(const hp_match_detail *d)
{
    return asks_for_dtls(&d->dtls) || asks_for_rtp(&d->rtp) || asks_for_rtcp(&d->rtcp) || asks_for_stun(&d->stun);
}

/* ---- the outermost packet ---- */

static bool tcp_holds(const hp_match_tcp *wanted, const hp_match_subject *s)
{
    hp_tcp_header header;
    const uint8_t *data;
    size_t length;

    return s->proto == HP_PROTO_TCP && s->segment != NULL &&
           hp_tcp_parse(s->segment, s->segment_length, &header, &data, &length) &&
           (header.flags & wanted->flags) == wanted->flags && (header.flags & wanted->no_flags) == 0 &&
           hp_match_presence_holds(wanted->data, length > 0);
}

bool hp_match_detail_headers_hold(const hp_match_detail *d, const hp_match_subject *s)
{
    return (!d->ttl.set || hp_compare_holds(&d->ttl, s->ttl)) && (!d->has_dscp || d->dscp == s->tos >> 2) &&
           (!d->has_ecn || d->ecn == (s->tos & 3)) && (!asks_for_tcp(&d->tcp) || tcp_holds(&d->tcp, s)) &&
           (!hp_match_asks_for_dns(&d->dns) || hp_match_dns_holds(&d->dns, s));
}

/* ---- DTLS ---- */

static bool has_handshake(const uint8_t *body, size_t length, uint8_t type)
{
    while (length >= DTLS_HANDSHAKE_HEADER) {
        if (body[0] == type) {
            return true;
        }
        size_t fragment = hp_get32(body + 8) & 0xffffff;
        if (fragment > length - DTLS_HANDSHAKE_HEADER) {
            return false;
        }
        body += DTLS_HANDSHAKE_HEADER + fragment;
        length -= DTLS_HANDSHAKE_HEADER + fragment;
    }
    return false;
}

/*  type (1) | version (2) | epoch (2) | sequence number (6) | length (2) | body  */
static bool record_holds(const hp_match_dtls *wanted, const uint8_t *record, const uint8_t *body, size_t length)
{
    uint16_t epoch = hp_get16(record + 3);

    return (!wanted->has_content_type || record[0] == wanted->content_type) &&
           (wanted->version == 0 || hp_get16(record + 1) == wanted->version) &&
           (!wanted->has_epoch || epoch == wanted->epoch) &&
           (!wanted->has_handshake_type ||
            (record[0] == DTLS_HANDSHAKE && epoch == 0 && has_handshake(body, length, wanted->handshake_type)));
}

static bool dtls_holds(const hp_match_dtls *wanted, const uint8_t *data, size_t length)
{
    while (length >= DTLS_RECORD_HEADER && data[0] <= DTLS_LAST_CLASSIC) {
        size_t claimed = hp_get16(data + DTLS_RECORD_HEADER - 2), rest = length - DTLS_RECORD_HEADER;
        if (record_holds(wanted, data, data + DTLS_RECORD_HEADER, MIN(claimed, rest))) {
            return true;
        }
        if (claimed > rest) {
            return false;
        }
        data += DTLS_RECORD_HEADER + claimed;
        length = rest - claimed;
    }
    return false;
}

/* ---- RTP and RTCP ---- */

static bool in_sequence_range(uint16_t sequence, uint16_t first, uint16_t last)
{
    return (uint16_t)(sequence - first) <= (uint16_t)(last - first);
}

static bool rtp_holds(const hp_match_rtp *wanted, const uint8_t *data, size_t length)
{
    hp_rtp_packet p;

    return hp_rtp_parse_encrypted(data, length, &p) && (!wanted->has_payload_type || p.pt == wanted->payload_type) &&
           (!wanted->has_ssrc || p.ssrc == wanted->ssrc) &&
           (!wanted->has_sequence || in_sequence_range(p.sequence, wanted->sequence_first, wanted->sequence_last)) &&
           hp_match_presence_holds(wanted->marker, p.marker);
}

static bool rtcp_packet_holds(const hp_match_rtcp *wanted, uint8_t type, uint8_t format)
{
    bool feedback = type == HP_RTCP_RTPFB || type == HP_RTCP_PSFB;
    return (wanted->packet_type == 0 || type == wanted->packet_type) &&
           (!wanted->has_format || (feedback && format == wanted->format));
}

static bool rtcp_holds(const hp_match_rtcp *wanted, const uint8_t *data, size_t length)
{
    hp_rtcp_datagram datagram;
    hp_rtcp_packet p;
    size_t cursor = 0;

    if (rtcp_packet_holds(wanted, data[1], data[0] & 0x1f)) {
        return true;
    }
    if (!hp_rtcp_parse(data, length, &datagram)) {
        return false;
    }
    while (hp_rtcp_next(&datagram, &cursor, &p)) {
        if (rtcp_packet_holds(wanted, p.type, p.count)) {
            return true;
        }
    }
    return false;
}

/* ---- STUN ---- */

bool hp_match_is_address_attribute(uint16_t type, bool *ret_xored)
{
    switch (type) {
    case HP_STUN_XOR_MAPPED_ADDRESS:
    case HP_STUN_XOR_PEER_ADDRESS:
    case HP_STUN_XOR_RELAYED_ADDRESS:
        *ret_xored = true;
        return true;
    case HP_STUN_MAPPED_ADDRESS:
    case HP_STUN_ALTERNATE_SERVER:
    case HP_STUN_RESPONSE_ORIGIN:
    case HP_STUN_OTHER_ADDRESS:
        *ret_xored = false;
        return true;
    default: /* any other attribute */
        return false;
    }
}

static bool has_address(const hp_match_stun_contents *wanted, const hp_stun_msg *m)
{
    size_t cursor = 0;
    hp_stun_attr attr;
    hp_addr address;
    bool xored;

    while (hp_stun_next(m, &cursor, &attr)) {
        if ((wanted->address_in == 0 || attr.type == wanted->address_in) &&
            hp_match_is_address_attribute(attr.type, &xored) && hp_stun_attr_addr(m, &attr, xored, &address) &&
            hp_match_end_holds(&wanted->address, &address, HP_PROTO_UDP)) {
            return true;
        }
    }
    return false;
}

static bool stun_holds(const hp_match_stun_contents *wanted, const hp_stun_msg *m)
{
    hp_stun_attr attr;

    if (wanted->username != NULL) {
        size_t length = strlen(wanted->username);
        if (!hp_stun_find(m, HP_STUN_USERNAME, &attr) || attr.length != length ||
            memcmp(attr.value, wanted->username, length) != 0) {
            return false;
        }
    }
    return (wanted->address_in == 0 && !asks_for_end(&wanted->address)) || has_address(wanted, m);
}

bool hp_match_detail_layer_holds(const hp_match_detail *d, const hp_match_layer *layer)
{
    const uint8_t *data = layer->data;
    size_t length = layer->length;

    return (!asks_for_dtls(&d->dtls) || (layer->kind == HP_WIRE_DTLS && dtls_holds(&d->dtls, data, length))) &&
           (!asks_for_rtp(&d->rtp) || (layer->kind == HP_WIRE_RTP && rtp_holds(&d->rtp, data, length))) &&
           (!asks_for_rtcp(&d->rtcp) || (layer->kind == HP_WIRE_RTCP && rtcp_holds(&d->rtcp, data, length))) &&
           (!asks_for_stun(&d->stun) || (layer->kind == HP_WIRE_STUN && stun_holds(&d->stun, &layer->stun)));
}

/* ---- details as values ---- */

void hp_match_detail_copy(const hp_match_detail *d, hp_match_detail *ret)
{
    hp_match_detail copy = *d;
    copy.stun.username = g_strdup(d->stun.username);
    copy.dns.name = g_strdup(d->dns.name);
    *ret = copy;
}

void hp_match_detail_clear(hp_match_detail *d)
{
    if (d == NULL) {
        return;
    }
    g_free(d->stun.username);
    g_free(d->dns.name);
    *d = (hp_match_detail){0};
}

bool hp_match_detail_is_empty(const hp_match_detail *d)
{
    return !d->ttl.set && !d->has_dscp && !d->has_ecn && !asks_for_tcp(&d->tcp) && !hp_match_asks_for_dns(&d->dns) &&
           !hp_match_detail_asks_for_payload(d);
}
