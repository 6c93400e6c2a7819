/* Whether two matches ask for the same, field by field: padding and values that are not asked for tell nothing
 * apart. */
#include <string.h>

#include "wire/match.h"

/* ---- details ---- */

static bool same_compare(const hp_compare *a, const hp_compare *b)
{
    return a->set == b->set && (!a->set || (a->min == b->min && a->max == b->max && a->unit == b->unit));
}

static bool same_end(const hp_match_end *a, const hp_match_end *b)
{
    return hp_addr_equal(&a->prefix.base, &b->prefix.base) && a->prefix.bits == b->prefix.bits &&
           a->port_first == b->port_first && a->port_last == b->port_last;
}

static bool same_flag(bool has_a, unsigned a, bool has_b, unsigned b)
{
    return has_a == has_b && (!has_a || a == b);
}

static bool same_dtls(const hp_match_dtls *a, const hp_match_dtls *b)
{
    return same_flag(a->has_content_type, a->content_type, b->has_content_type, b->content_type) &&
           same_flag(a->has_handshake_type, a->handshake_type, b->has_handshake_type, b->handshake_type) &&
           same_flag(a->has_epoch, a->epoch, b->has_epoch, b->epoch) && a->version == b->version;
}

static bool same_rtp(const hp_match_rtp *a, const hp_match_rtp *b)
{
    return same_flag(a->has_payload_type, a->payload_type, b->has_payload_type, b->payload_type) &&
           same_flag(a->has_ssrc, a->ssrc, b->has_ssrc, b->ssrc) && a->marker == b->marker &&
           same_flag(a->has_sequence, a->sequence_first, b->has_sequence, b->sequence_first) &&
           same_flag(a->has_sequence, a->sequence_last, b->has_sequence, b->sequence_last);
}

static bool same_dns(const hp_match_dns *a, const hp_match_dns *b)
{
    return a->present == b->present && a->response == b->response && g_strcmp0(a->name, b->name) == 0 &&
           a->type == b->type && same_flag(a->has_rcode, a->rcode, b->has_rcode, b->rcode);
}

bool hp_match_detail_equal(const hp_match_detail *a, const hp_match_detail *b)
{
    return same_compare(&a->ttl, &b->ttl) && same_flag(a->has_dscp, a->dscp, b->has_dscp, b->dscp) &&
           same_flag(a->has_ecn, a->ecn, b->has_ecn, b->ecn) && a->tcp.flags == b->tcp.flags &&
           a->tcp.no_flags == b->tcp.no_flags && a->tcp.data == b->tcp.data && same_dtls(&a->dtls, &b->dtls) &&
           same_rtp(&a->rtp, &b->rtp) && a->rtcp.packet_type == b->rtcp.packet_type &&
           same_flag(a->rtcp.has_format, a->rtcp.format, b->rtcp.has_format, b->rtcp.format) &&
           g_strcmp0(a->stun.username, b->stun.username) == 0 && a->stun.address_in == b->stun.address_in &&
           same_end(&a->stun.address, &b->stun.address) && same_dns(&a->dns, &b->dns);
}

/* ---- the match ---- */

static bool same_list(const uint16_t *a, unsigned n_a, const uint16_t *b, unsigned n_b)
{
    return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof *a) == 0);
}

static bool same_stun(const hp_match_stun *a, const hp_match_stun *b)
{
    return a->present == b->present && a->has_class == b->has_class && (!a->has_class || a->cls == b->cls) &&
           a->method == b->method && a->error_code == b->error_code && a->integrity == b->integrity &&
           same_list(a->with, a->n_with, b->with, b->n_with) &&
           same_list(a->without, a->n_without, b->without, b->n_without);
}

/* A field that is added must be compared here. */
G_STATIC_ASSERT(GLIB_SIZEOF_VOID_P != 8 || sizeof(hp_match) == 168 + sizeof(hp_match_detail));

bool hp_match_equal(const hp_match *a, const hp_match *b)
{
    return a->proto == b->proto && a->family == b->family && same_end(&a->src, &b->src) && same_end(&a->dst, &b->dst) &&
           a->icmp_kind == b->icmp_kind && a->fragment == b->fragment && a->corrupt == b->corrupt &&
           same_compare(&a->size, &b->size) && same_stun(&a->stun, &b->stun) && a->channel_data == b->channel_data &&
           a->channel == b->channel && a->dtls == b->dtls && a->rtp == b->rtp && a->rtcp == b->rtcp &&
           a->inside == b->inside && hp_match_detail_equal(&a->detail, &b->detail);
}
