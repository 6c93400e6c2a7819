/* Matching packets against hp_match. The cheap fields go first; the payload is parsed only when one of its fields is
 * set. Nothing is allocated.
 *
 * TURN wrapping (RFC 8656 sections 11 and 12) may nest, as a relay's traffic can cross a second relay; four layers are
 * looked into, which bounds the work on hostile input. */
#include "wire/match.h"

#include "wire/demux.h"

enum { MAX_LAYERS = 4 };

hp_match_subject hp_match_subject_of(const hp_packet *p)
{
    bool visible = p->proto == HP_PROTO_UDP && p->frag_offset == 0;
    return (hp_match_subject){
        .src = p->src,
        .dst = p->dst,
        .proto = p->proto,
        .icmp_kind = p->icmp_kind,
        .fragment = p->frag_total > 0,
        .corrupt = p->corrupt,
        .payload = visible ? p->payload : NULL,
        .payload_length = visible ? p->length : 0,
    };
}

static bool presence_holds(hp_presence wanted, bool is)
{
    switch (wanted) {
    case HP_EITHER:
        return true;
    case HP_PRESENT:
        return is;
    case HP_ABSENT:
        return !is;
    }
    return false;
}

static bool proto_holds(hp_match_proto wanted, uint8_t proto)
{
    switch (wanted) {
    case HP_MATCH_ANY_PROTO:
        return true;
    case HP_MATCH_UDP:
        return proto == HP_PROTO_UDP;
    case HP_MATCH_TCP:
        return proto == HP_PROTO_TCP;
    case HP_MATCH_ICMP:
        return proto == HP_PROTO_ICMP || proto == HP_PROTO_ICMPV6;
    }
    return false;
}

static bool end_holds(const hp_match_end *end, const hp_addr *a, uint8_t proto)
{
    if (end->prefix.base.family != HP_AF_NONE && !hp_prefix_contains(&end->prefix, a)) {
        return false;
    }
    if (end->port_first == 0 && end->port_last == 0) {
        return true;
    }
    return (proto == HP_PROTO_UDP || proto == HP_PROTO_TCP) && a->port >= end->port_first && a->port <= end->port_last;
}

static bool asks_for_stun(const hp_match_stun *s)
{
    return s->present == HP_PRESENT || s->has_class || s->method != 0 || s->error_code != 0 ||
           s->integrity != HP_EITHER || s->n_with > 0 || s->n_without > 0;
}

static bool asks_for_payload(const hp_match *m)
{
    return asks_for_stun(&m->stun) || m->stun.present != HP_EITHER || m->channel_data != HP_EITHER || m->channel != 0 ||
           m->dtls != HP_EITHER || m->rtp != HP_EITHER || m->rtcp != HP_EITHER;
}

static bool stun_holds(const hp_match_stun *wanted, const hp_stun_msg *m)
{
    hp_stun_attr attr;

    if ((wanted->has_class && m->cls != wanted->cls) || (wanted->method != 0 && m->method != wanted->method)) {
        return false;
    }
    if (wanted->error_code != 0) {
        unsigned code;
        if (m->cls != HP_STUN_ERROR || !hp_stun_find(m, HP_STUN_ERROR_CODE, &attr) ||
            !hp_stun_attr_error(&attr, &code, NULL, NULL) || code != wanted->error_code) {
            return false;
        }
    }
    if (wanted->integrity != HP_EITHER) {
        bool has = hp_stun_find(m, HP_STUN_MESSAGE_INTEGRITY, &attr) ||
                   hp_stun_find(m, HP_STUN_MESSAGE_INTEGRITY_SHA256, &attr);
        if (!presence_holds(wanted->integrity, has)) {
            return false;
        }
    }
    for (unsigned i = 0; i < wanted->n_with; i++) {
        if (!hp_stun_find(m, wanted->with[i], &attr)) {
            return false;
        }
    }
    for (unsigned i = 0; i < wanted->n_without; i++) {
        if (hp_stun_find(m, wanted->without[i], &attr)) {
            return false;
        }
    }
    return true;
}

/* One layer of the payload; *inner becomes what it wraps, or NULL. */
static bool layer_holds(const hp_match *m, const uint8_t *data, size_t len, const uint8_t **inner, size_t *inner_len)
{
    hp_wire_kind kind = data != NULL ? hp_wire_classify(data, len) : HP_WIRE_OTHER;
    hp_stun_msg stun;
    uint16_t channel = 0;
    bool holds = presence_holds(m->stun.present, kind == HP_WIRE_STUN) &&
                 presence_holds(m->channel_data, kind == HP_WIRE_CHANNEL_DATA) &&
                 presence_holds(m->dtls, kind == HP_WIRE_DTLS) && presence_holds(m->rtp, kind == HP_WIRE_RTP) &&
                 presence_holds(m->rtcp, kind == HP_WIRE_RTCP);

    *inner = NULL;
    *inner_len = 0;
    if (kind == HP_WIRE_CHANNEL_DATA) {
        hp_channel_data_parse(data, len, &channel, inner, inner_len);
    }
    if (m->channel != 0 && channel != m->channel) {
        holds = false;
    }
    if (kind == HP_WIRE_STUN && hp_stun_parse(data, len, &stun)) {
        hp_stun_attr attr;
        if (stun.cls == HP_STUN_INDICATION && (stun.method == HP_STUN_SEND || stun.method == HP_STUN_DATA) &&
            hp_stun_find(&stun, HP_STUN_DATA_ATTR, &attr)) {
            *inner = attr.value;
            *inner_len = attr.length;
        }
        return holds && (!asks_for_stun(&m->stun) || stun_holds(&m->stun, &stun));
    }
    return holds && !asks_for_stun(&m->stun);
}

bool hp_match_packet(const hp_match *m, const hp_match_subject *s)
{
    if (!proto_holds(m->proto, s->proto) || (m->family != HP_AF_NONE && m->family != s->src.family) ||
        !end_holds(&m->src, &s->src, s->proto) || !end_holds(&m->dst, &s->dst, s->proto) ||
        (m->icmp_kind != HP_ICMP_NONE && m->icmp_kind != s->icmp_kind) || !presence_holds(m->fragment, s->fragment) ||
        !presence_holds(m->corrupt, s->corrupt)) {
        return false;
    }
    if (m->size.set &&
        (s->proto != HP_PROTO_UDP || s->payload == NULL || !hp_compare_holds(&m->size, (int64_t)s->payload_length))) {
        return false;
    }
    if (!asks_for_payload(m)) {
        return true;
    }
    const uint8_t *data = s->proto == HP_PROTO_UDP ? s->payload : NULL;
    size_t len = s->payload_length;
    for (unsigned layer = 0; layer < (m->inside ? MAX_LAYERS : 1); layer++) {
        const uint8_t *inner;
        size_t inner_len;
        if (layer_holds(m, data, len, &inner, &inner_len)) {
            return true;
        }
        if (inner == NULL) {
            return false;
        }
        data = inner;
        len = inner_len;
    }
    return false;
}

void hp_match_copy(const hp_match *m, hp_match *ret)
{
    hp_match copy = *m;
    copy.stun.with = g_memdup2(m->stun.with, m->stun.n_with * sizeof *m->stun.with);
    copy.stun.without = g_memdup2(m->stun.without, m->stun.n_without * sizeof *m->stun.without);
    *ret = copy;
}

void hp_match_clear(hp_match *m)
{
    if (m == NULL) {
        return;
    }
    g_free(m->stun.with);
    g_free(m->stun.without);
    *m = (hp_match){0};
}

bool hp_match_is_empty(const hp_match *m)
{
    return m->proto == HP_MATCH_ANY_PROTO && m->family == HP_AF_NONE && m->src.prefix.base.family == HP_AF_NONE &&
           m->src.port_first == 0 && m->src.port_last == 0 && m->dst.prefix.base.family == HP_AF_NONE &&
           m->dst.port_first == 0 && m->dst.port_last == 0 && m->icmp_kind == HP_ICMP_NONE &&
           m->fragment == HP_EITHER && m->corrupt == HP_EITHER && !m->size.set && !asks_for_payload(m);
}
