/* Theory of operation. A kernel forwards a packet within the write that hands it over, so that its translation is the
 * next packet or one of the next that are read: a short ring is enough, looked through from its newest end.
 *
 * The remote end is the destination of what goes out and the source of what comes in: the end that no NAT of this kind
 * touches. Bytes are compared by a 64-bit hash over payload, ICMP header and quotation; checksums are none of them, as
 * packets are structs.
 *
 * Limits: of two packets with the same bytes under way at once, the first out gets the identity of the second in. That
 * exchanges two packets that nobody can tell apart. */
#include "live/twins.h"

#include <string.h>

#include "wire/ip.h"
#include "world/nat.h"

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const uint8_t *data, size_t length)
{
    while (length >= sizeof h) {
        uint64_t word;
        memcpy(&word, data, sizeof word);
        h = mix(h, word);
        data += sizeof word;
        length -= sizeof word;
    }
    uint64_t rest = 0;
    memcpy(&rest, data, length);
    return mix(h, rest ^ (uint64_t)length << 56);
}

static uint64_t hash_of(const hp_packet *p)
{
    uint64_t h = mix(p->proto, (uint64_t)p->frag_offset << 32 | p->frag_more);
    const uint8_t *payload = p->payload;
    size_t length = p->length;
    if (p->proto == HP_PROTO_TCP && p->frag_offset == 0 && length >= HP_TCP_CHECKSUM + 2) {
        /* The checksum in a segment's bytes is the translated one. */
        h = mix_bytes(h, payload, HP_TCP_CHECKSUM);
        payload += HP_TCP_CHECKSUM + 2;
        length -= HP_TCP_CHECKSUM + 2;
    }
    h = mix_bytes(h, payload, length);
    if (hp_packet_is_icmp(p)) {
        h = mix(h, (uint64_t)p->icmp_kind << 40 | (uint64_t)p->icmp_type << 32 | p->icmp_mtu);
    }
    if (p->inner != NULL && p->inner->proto != HP_PROTO_TCP) {
        h = mix_bytes(mix(h, p->inner->proto), p->inner->payload, p->inner->length);
    } else if (p->inner != NULL) {
        h = mix_bytes(h, p->inner->payload, MIN(p->inner->length, 4)); /* the sequence number */
    }
    return h;
}

static const hp_addr *remote_of(const hp_packet *p, bool outwards)
{
    return outwards ? &p->dst : &p->src;
}

/* An ICMP query's id stands in either port, and is translated. */
static hp_addr comparable(const hp_packet *p, bool outwards)
{
    hp_addr remote = *remote_of(p, outwards);
    return hp_packet_is_icmp(p) ? hp_addr_with_port(remote, 0) : remote;
}

void hp_twins_enter(hp_twins *twins, unsigned side, const hp_packet *p)
{
    twins->kept[twins->next] = (hp_twin){.uid = p->uid,
                                         .hash = hash_of(p),
                                         .remote = comparable(p, side == HP_NAT_INSIDE),
                                         .length = p->length,
                                         .proto = p->proto,
                                         .side = (uint8_t)side};
    twins->next = (twins->next + 1) % HP_TWINS_KEPT;
}

uint64_t hp_twins_leave(hp_twins *twins, unsigned side, const hp_packet *p)
{
    uint64_t hash = hash_of(p);
    hp_addr remote = comparable(p, side == HP_NAT_OUTSIDE);
    for (unsigned back = 1; back <= HP_TWINS_KEPT; back++) {
        hp_twin *t = &twins->kept[(twins->next + HP_TWINS_KEPT - back) % HP_TWINS_KEPT];
        if (t->uid != 0 && t->side != side && t->hash == hash && t->proto == p->proto && t->length == p->length &&
            hp_addr_equal(&t->remote, &remote)) {
            uint64_t uid = t->uid;
            t->uid = 0;
            return uid;
        }
    }
    return 0;
}
