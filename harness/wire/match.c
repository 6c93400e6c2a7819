/* Matching packets against hp_match. The cheap fields go first; the payload is parsed only when one of its fields is
 * set, and once for all matches that look at one packet through a view. Nothing is allocated. The fields of
 * hp_match_detail are read in match_detail.c.
 *
 * TURN wrapping (RFC 8656 sections 11 and 12) may nest, as a relay's traffic can cross a second relay; four layers are
 * looked into, which bounds the work on hostile input. */
#include "wire/match.h"

#include "wire/match_private.h"
#include "wire/tcp.h"

hp_match_subject hp_match_subject_of(const hp_packet *p)
{
    bool visible = p->proto == HP_PROTO_UDP && p->frag_offset == 0;
    bool segment = p->proto == HP_PROTO_TCP && p->frag_offset == 0;
    return (hp_match_subject){
        .src = p->src,
        .dst = p->dst,
        .proto = p->proto,
        .icmp_kind = p->icmp_kind,
        .fragment = p->frag_total > 0,
        .corrupt = p->corrupt,
        .payload = visible ? p->payload : NULL,
        .payload_length = visible ? p->length : 0,
        .ttl = p->ttl,
        .tos = p->tos,
        .segment = segment ? p->payload : NULL,
        .segment_length = segment ? p->length : 0,
    };
}

bool hp_match_presence_holds(hp_presence wanted, bool is)
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

bool hp_match_end_holds(const hp_match_end *end, const hp_addr *a, uint8_t proto)
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
        if (!hp_match_presence_holds(wanted->integrity, has)) {
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

/* ---- layers ---- */

/* Reads the next layer, if there is one. */
static void read_layer(hp_match_view *view)
{
    hp_match_layer *layer = &view->layers[view->n_layers];
    hp_stun_attr attr;

    layer->data = view->inner;
    layer->length = view->inner_length;
    layer->kind = layer->data != NULL ? hp_wire_classify(layer->data, layer->length) : HP_WIRE_OTHER;
    layer->channel = 0;
    view->inner = NULL;
    view->inner_length = 0;
    if (layer->kind == HP_WIRE_CHANNEL_DATA) {
        hp_channel_data_parse(layer->data, layer->length, &layer->channel, &view->inner, &view->inner_length);
    } else if (layer->kind == HP_WIRE_STUN) {
        const hp_stun_msg *m = &layer->stun;
        hp_stun_parse(layer->data, layer->length, &layer->stun); /* classified: it parses */
        if (m->cls == HP_STUN_INDICATION && (m->method == HP_STUN_SEND || m->method == HP_STUN_DATA) &&
            hp_stun_find(m, HP_STUN_DATA_ATTR, &attr)) {
            view->inner = attr.value;
            view->inner_length = attr.length;
        }
    }
    view->n_layers++;
    view->ended = view->inner == NULL || view->n_layers == HP_MATCH_MAX_LAYERS;
}

/* A datagram's payload, or the message that a TCP segment begins with. */
static void outermost(hp_match_view *view)
{
    const hp_match_subject *s = view->subject;
    hp_tcp_header header;
    const uint8_t *data;
    size_t length;
    view->inner = NULL;
    view->inner_length = 0;
    if (s->proto == HP_PROTO_UDP) {
        view->inner = s->payload;
        view->inner_length = s->payload_length;
    } else if (s->proto == HP_PROTO_TCP && s->segment != NULL &&
               hp_tcp_parse(s->segment, s->segment_length, &header, &data, &length) &&
               hp_wire_first_message(data, length, &data, &length)) {
        view->inner = data;
        view->inner_length = length;
    }
}

/* NULL past the last. */
static const hp_match_layer *layer_at(hp_match_view *view, unsigned i)
{
    if (i < view->n_layers) {
        return &view->layers[i];
    }
    if (view->ended) {
        return NULL;
    }
    if (view->n_layers == 0) {
        outermost(view);
    }
    read_layer(view);
    return &view->layers[i];
}

static bool layer_holds(const hp_match *m, const hp_match_layer *layer)
{
    hp_wire_kind kind = layer->kind;
    return hp_match_presence_holds(m->stun.present, kind == HP_WIRE_STUN) &&
           hp_match_presence_holds(m->channel_data, kind == HP_WIRE_CHANNEL_DATA) &&
           hp_match_presence_holds(m->dtls, kind == HP_WIRE_DTLS) &&
           hp_match_presence_holds(m->rtp, kind == HP_WIRE_RTP) &&
           hp_match_presence_holds(m->rtcp, kind == HP_WIRE_RTCP) &&
           (m->channel == 0 || layer->channel == m->channel) &&
           (!asks_for_stun(&m->stun) || (kind == HP_WIRE_STUN && stun_holds(&m->stun, &layer->stun)));
}

static bool headers_hold(const hp_match *m, const hp_match_subject *s)
{
    return proto_holds(m->proto, s->proto) && (m->family == HP_AF_NONE || m->family == s->src.family) &&
           hp_match_end_holds(&m->src, &s->src, s->proto) && hp_match_end_holds(&m->dst, &s->dst, s->proto) &&
           (m->icmp_kind == HP_ICMP_NONE || m->icmp_kind == s->icmp_kind) &&
           hp_match_presence_holds(m->fragment, s->fragment) && hp_match_presence_holds(m->corrupt, s->corrupt);
}

bool hp_match_view_holds(hp_match_view *view, const hp_match *m, const hp_match_detail *d)
{
    const hp_match_subject *s = view->subject;

    if (!headers_hold(m, s) || (d != NULL && !hp_match_detail_headers_hold(d, s))) {
        return false;
    }
    if (m->size.set &&
        (s->proto != HP_PROTO_UDP || s->payload == NULL || !hp_compare_holds(&m->size, (int64_t)s->payload_length))) {
        return false;
    }
    bool asks = asks_for_payload(m), asks_in_detail = d != NULL && hp_match_detail_asks_for_payload(d);
    if (!asks && !asks_in_detail) {
        return true;
    }
    const hp_match_layer *layer;
    for (unsigned i = 0; i < (m->inside ? HP_MATCH_MAX_LAYERS : 1) && (layer = layer_at(view, i)) != NULL; i++) {
        if ((!asks || layer_holds(m, layer)) && (!asks_in_detail || hp_match_detail_layer_holds(d, layer))) {
            return true;
        }
    }
    return false;
}

bool hp_match_packet(const hp_match *m, const hp_match_subject *s)
{
    hp_match_view view;
    hp_match_view_init(&view, s);
    return hp_match_view_holds(&view, m, hp_match_detail_is_empty(&m->detail) ? NULL : &m->detail);
}

bool hp_match_ice_check(const hp_match_subject *s)
{
    uint16_t priority[] = {HP_STUN_PRIORITY};
    const hp_match check = {
        .stun = {.has_class = true,
                 .cls = HP_STUN_REQUEST,
                 .method = HP_STUN_BINDING,
                 .with = priority,
                 .n_with = G_N_ELEMENTS(priority)},
        .inside = true,
    };
    return hp_match_packet(&check, s);
}

/* ---- matches as values ---- */

void hp_match_copy(const hp_match *m, hp_match *ret)
{
    hp_match copy = *m;
    copy.stun.with = g_memdup2(m->stun.with, m->stun.n_with * sizeof *m->stun.with);
    copy.stun.without = g_memdup2(m->stun.without, m->stun.n_without * sizeof *m->stun.without);
    hp_match_detail_copy(&m->detail, &copy.detail);
    *ret = copy;
}

void hp_match_clear(hp_match *m)
{
    if (m == NULL) {
        return;
    }
    g_free(m->stun.with);
    g_free(m->stun.without);
    hp_match_detail_clear(&m->detail);
    *m = (hp_match){0};
}

bool hp_match_is_empty(const hp_match *m)
{
    return m->proto == HP_MATCH_ANY_PROTO && m->family == HP_AF_NONE && m->src.prefix.base.family == HP_AF_NONE &&
           m->src.port_first == 0 && m->src.port_last == 0 && m->dst.prefix.base.family == HP_AF_NONE &&
           m->dst.port_first == 0 && m->dst.port_last == 0 && m->icmp_kind == HP_ICMP_NONE &&
           m->fragment == HP_EITHER && m->corrupt == HP_EITHER && !m->size.set && !asks_for_payload(m) &&
           hp_match_detail_is_empty(&m->detail);
}
