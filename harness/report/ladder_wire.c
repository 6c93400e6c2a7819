/* What a datagram holds, as far as a ladder speaks of it: what is inside TURN's framing (RFC 8656 sections 11 and 12),
 * the STUN message, the RTP source, the names of DTLS handshake messages that pass in the clear (RFC 6347 section 4.2).
 *
 * The key is a hash over the first bytes of what is innermost, so that a message keeps it from a peer's ChannelData to
 * the plain datagram behind the relay. STUN transaction ids, RTP and DTLS sequence numbers stand within those bytes.
 * Corrupted and fragmented packets give what can be made of them: a later fragment is nothing but a fragment. */
#include "report/ladder_private.h"

#include "wire/bytes.h"
#include "wire/demux.h"
#include "wire/dns_packet.h"
#include "wire/rtp.h"
#include "wire/tcp.h"

enum { KEY_BYTES = 64, DTLS_RECORD = 13, DTLS_HANDSHAKE = 12 };
enum { DTLS_CHANGE_CIPHER_SPEC = 20, DTLS_ALERT = 21, DTLS_IS_HANDSHAKE = 22, DTLS_DATA = 23 };

#define FNV_START UINT64_C(0xcbf29ce484222325)

uint64_t hp_ladder_key(uint64_t hash, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* ---- STUN and its wrappings ---- */

static void read_stun(const hp_stun_msg *m, hp_ladder_wire *w)
{
    hp_stun_attr a;
    w->method = m->method;
    w->cls = m->cls;
    memcpy(w->id, m->id, sizeof w->id);
    w->nominates = hp_stun_find(m, HP_STUN_USE_CANDIDATE, &a);
    if (hp_stun_find(m, HP_STUN_USERNAME, &a)) {
        w->user = hp_ladder_key(FNV_START, a.value, a.length);
    }
    w->tells_icmp = m->method == HP_STUN_DATA && hp_stun_find(m, HP_STUN_ICMP, &a);
    if (m->cls == HP_STUN_ERROR && hp_stun_find(m, HP_STUN_ERROR_CODE, &a)) {
        (void)hp_stun_attr_error(&a, &w->code, NULL, NULL);
    }
    if (m->cls == HP_STUN_SUCCESS) {
        if (hp_stun_find(m, HP_STUN_XOR_RELAYED_ADDRESS, &a) || hp_stun_find(m, HP_STUN_XOR_MAPPED_ADDRESS, &a)) {
            (void)hp_stun_attr_addr(m, &a, true, &w->mapped);
        } else if (hp_stun_find(m, HP_STUN_MAPPED_ADDRESS, &a)) {
            (void)hp_stun_attr_addr(m, &a, false, &w->mapped);
        }
    }
    if (m->method == HP_STUN_CHANNEL_BIND && m->cls == HP_STUN_REQUEST) {
        uint32_t number;
        if (hp_stun_find(m, HP_STUN_CHANNEL_NUMBER, &a) && hp_stun_attr_u32(&a, &number)) {
            w->channel = (uint16_t)(number >> 16);
        }
        if (hp_stun_find(m, HP_STUN_XOR_PEER_ADDRESS, &a)) {
            (void)hp_stun_attr_addr(m, &a, true, &w->peer);
        }
    }
}

/* Takes TURN's framing off; *data and *len become what was inside. */
static bool unwrap(hp_ladder_wire *w, const uint8_t **data, size_t *len)
{
    hp_stun_msg m;
    hp_stun_attr a;
    switch (hp_wire_classify(*data, *len)) {
    case HP_WIRE_CHANNEL_DATA:
        return hp_channel_data_parse(*data, *len, &w->channel, data, len);
    case HP_WIRE_STUN:
        if (!hp_stun_parse(*data, *len, &m) || m.cls != HP_STUN_INDICATION ||
            (m.method != HP_STUN_SEND && m.method != HP_STUN_DATA)) {
            return false;
        }
        if (hp_stun_find(&m, HP_STUN_XOR_PEER_ADDRESS, &a)) {
            (void)hp_stun_attr_addr(&m, &a, true, &w->peer);
        }
        if (!hp_stun_find(&m, HP_STUN_DATA_ATTR, &a)) {
            return false;
        }
        *data = a.value;
        *len = a.length;
        return true;
    case HP_WIRE_DTLS:
    case HP_WIRE_RTP:
    case HP_WIRE_RTCP:
    case HP_WIRE_OTHER:
        break;
    }
    return false;
}

/* ---- DTLS ---- */

/* What is found while the records of a datagram are walked. */
typedef struct handshake {
    hp_ladder_wire *wire;
    GString *names;
    const char *last;
} handshake;

static void add_message(handshake *h, const char *name, const uint8_t *told, size_t n)
{
    if (h->last == NULL || strcmp(h->last, name) != 0) {
        g_string_append_printf(h->names, "%s%s", h->names->len > 0 ? ", " : "", name);
    }
    h->last = name;
    if (n > 0 && h->wire->n_handshake_keys < HP_LADDER_MAX_HANDSHAKE) {
        h->wire->handshake_keys[h->wire->n_handshake_keys++] = hp_ladder_key(FNV_START, told, n);
    }
}

/* The handshake messages of one record in the clear; more than one may share it. A message that is sent again has the
 * same header, and the same first bytes: two ClientHello messages differ in their random. How it is cut into fragments
 * may change, so that the fragment's length does not count. */
static void read_handshake(const uint8_t *body, size_t len, handshake *h)
{
    enum { TELLING = 9, BODY_TELLING = 34 }; /* type, length, number, fragment offset; version and random */
    while (len >= DTLS_HANDSHAKE) {
        const size_t part = MIN((size_t)body[9] << 16 | hp_get16(body + 10), len - DTLS_HANDSHAKE);
        const size_t n = MIN(part, BODY_TELLING);
        uint8_t told[TELLING + BODY_TELLING];
        memcpy(told, body, TELLING);
        memcpy(told + TELLING, body + DTLS_HANDSHAKE, n);
        const char *name = hp_dtls_handshake_name(body[0]);
        add_message(h, name ? name : "handshake message", told, TELLING + n);
        body += DTLS_HANDSHAKE + part;
        len -= DTLS_HANDSHAKE + part;
    }
}

/* Records follow one another: type, version, epoch, sequence number, length (13 bytes in all). What has an epoch other
 * than 0 is encrypted; of a handshake that is the Finished message. */
static void read_dtls(const uint8_t *data, size_t len, hp_ladder_wire *w)
{
    g_autoptr(GString) names = g_string_new(NULL);
    handshake h = {.wire = w, .names = names};
    while (len >= DTLS_RECORD && data[1] == 0xfe) {
        const size_t part = MIN(hp_get16(data + 11), len - DTLS_RECORD);
        const bool encrypted = hp_get16(data + 3) > 0;
        switch (data[0]) {
        case DTLS_CHANGE_CIPHER_SPEC:
            add_message(&h, "ChangeCipherSpec", data, 1);
            break;
        case DTLS_ALERT:
            add_message(&h, "alert", NULL, 0);
            break;
        case DTLS_IS_HANDSHAKE:
            if (encrypted) {
                add_message(&h, "Finished", NULL, 0);
            } else {
                read_handshake(data + DTLS_RECORD, part, &h);
            }
            break;
        default: /* application data, or what this version does not know */
            break;
        }
        data += DTLS_RECORD + part;
        len -= DTLS_RECORD + part;
    }
    if (names->len > 0) {
        w->handshake = g_strdup(names->str);
    }
}

/* ---- a datagram ---- */

void hp_ladder_datagram_read(const uint8_t *data, size_t len, hp_ladder_wire *w)
{
    hp_stun_msg m;
    w->wrapped = unwrap(w, &data, &len);
    w->key = hp_ladder_key(w->key, data, MIN(len, KEY_BYTES));
    w->kind = hp_wire_classify(data, len);
    switch (w->kind) {
    case HP_WIRE_STUN:
        if (hp_stun_parse(data, len, &m)) {
            const hp_addr peer = w->peer;
            const uint16_t channel = w->channel;
            read_stun(&m, w);
            if (w->wrapped) {
                w->peer = peer;
                w->channel = channel;
            }
        }
        break;
    case HP_WIRE_DTLS:
        read_dtls(data, len, w);
        break;
    case HP_WIRE_RTP:
        w->ssrc = (uint32_t)hp_get16(data + 8) << 16 | hp_get16(data + 10);
        w->has_ssrc = true;
        break;
    case HP_WIRE_CHANNEL_DATA:
    case HP_WIRE_RTCP:
    case HP_WIRE_OTHER:
        break;
    }
}

static char *describe_dns(const hp_packet *p)
{
    hp_dns_msg m;
    bool whole = p->frag_total == 0 && hp_dns_in_packet(p->proto, p->src.port, p->dst.port, p->payload, p->length, &m);
    return whole ? hp_dns_describe(&m) : NULL;
}

void hp_ladder_wire_read(const hp_packet *packet, hp_ladder_wire *ret)
{
    const uint8_t as = packet->proto == HP_PROTO_TCP ? HP_PROTO_UDP : packet->proto;
    *ret = (hp_ladder_wire){.proto = packet->proto, .key = hp_ladder_key(FNV_START, &as, 1)};
    ret->fragment = packet->frag_total > 0 && packet->frag_offset > 0;
    ret->dns = describe_dns(packet);
    if (packet->proto == HP_PROTO_UDP && !ret->fragment) {
        hp_ladder_datagram_read(packet->payload, packet->length, ret);
        return;
    }
    if (packet->proto == HP_PROTO_TCP && !ret->fragment) {
        hp_ladder_segment_read(packet, ret);
        return;
    }
    const hp_packet *told = packet->inner != NULL ? packet->inner : packet;
    ret->key = hp_ladder_key(ret->key, &packet->icmp_kind, 1);
    ret->key = hp_ladder_key(ret->key, told->payload, MIN(told->length, KEY_BYTES));
}

void hp_ladder_wire_clear(hp_ladder_wire *wire)
{
    g_clear_pointer(&wire->handshake, g_free);
    g_clear_pointer(&wire->dns, g_free);
}

static char *describe_segment(const hp_packet *packet)
{
    hp_tcp_header h;
    const uint8_t *data;
    size_t len;
    char flags[HP_TCP_FLAGS_TEXT];
    if (!hp_tcp_parse(packet->payload, packet->length, &h, &data, &len)) {
        return g_strdup("TCP, malformed");
    }
    return g_strdup_printf("TCP %s, %zu bytes", hp_tcp_flags_format(h.flags, flags), len);
}

char *hp_ladder_wire_describe(const hp_packet *packet)
{
    char *dns = describe_dns(packet);
    if (dns != NULL) {
        return dns;
    }
    if (packet->proto != HP_PROTO_UDP) {
        return hp_packet_is_icmp(packet)       ? g_strdup("ICMP")
               : packet->proto == HP_PROTO_TCP ? describe_segment(packet)
                                               : g_strdup_printf("IP protocol %u", packet->proto);
    }
    if (packet->frag_total > 0 && packet->frag_offset > 0) {
        return g_strdup_printf("fragment, %u bytes", packet->length);
    }
    hp_ladder_wire w = {0};
    const uint8_t *data = packet->payload;
    size_t len = packet->length;
    g_autofree char *outer = hp_wire_describe(data, len);
    if (!unwrap(&w, &data, &len)) {
        return g_steal_pointer(&outer);
    }
    outer[strcspn(outer, ",")] = '\0'; /* lengths are told of what is inside */
    g_autofree char *inner = hp_wire_describe(data, len);
    return g_strdup_printf("%s [%s]", outer, inner);
}
