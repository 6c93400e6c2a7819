/* What rules do to a payload as bytes: other bytes, flipped bits, a shorter one, several pieces of it.
 *
 * A packet is written with checksums made from its fields and bytes (wire/packet.h), so that a change of bytes keeps
 * them true by itself; whoever wants a bad one sets `corrupt`. A first fragment carries the sum of the whole datagram,
 * which is moved along by what changed in its own slice. A change in a later one spoils the datagram, as it does in
 * life: the checksum has left with the first. A fragment's length is never changed, or the others would no longer fit.
 *
 * Of TCP only the data is touched: behind the header, at whatever offset it gives. A segment whose header makes no
 * sense has none. */
#include <string.h>

#include "wire/tcp.h"
#include "world/rules_private.h"

enum { TCP_FLAGS_AT = 9 };

hp_packet *hp_rule_with_payload(hp_packet *p, const uint8_t *data, size_t length)
{
    hp_packet *fresh = hp_packet_new(p->proto, &p->src, &p->dst, data, length);
    hp_packet head = *p; /* fields alone: the payload is a flexible member */
    head.capacity = fresh->capacity;
    head.length = fresh->length;
    head.sum_known = false;
    memcpy(fresh, &head, offsetof(hp_packet, payload));
    p->inner = NULL;
    hp_packet_free(p);
    return fresh;
}

bool hp_rule_user_data(hp_packet *p, uint8_t **ret_data, size_t *ret_length)
{
    hp_tcp_header header;
    const uint8_t *data;
    size_t length;

    if (p->frag_offset > 0 || (p->proto != HP_PROTO_TCP && p->proto != HP_PROTO_UDP)) {
        return false;
    }
    if (p->proto == HP_PROTO_UDP) {
        *ret_data = p->payload;
        *ret_length = p->length;
        return true;
    }
    if (!hp_tcp_parse(p->payload, p->length, &header, &data, &length)) {
        return false;
    }
    *ret_data = p->payload + (data - p->payload);
    *ret_length = length;
    return true;
}

static uint16_t add_sums(uint32_t a, uint32_t b)
{
    uint32_t sum = a + b;
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

uint16_t hp_rule_sum_before(const hp_packet *p)
{
    return p->frag_total > 0 ? hp_packet_sum(p->payload, p->length) : 0;
}

void hp_rule_sum_after(hp_packet *p, uint16_t before)
{
    if (p->frag_total > 0) {
        p->l4_sum = add_sums(add_sums(p->l4_sum, (uint16_t)~before), hp_packet_sum(p->payload, p->length));
    }
    p->sum_known = false;
}

/* ---- corrupt ---- */

/* Flips `bits` different ones of the `length` bytes at data. */
static void flip_bits(hp_rng *rng, uint8_t *data, size_t length, uint64_t bits)
{
    uint8_t *chosen = g_malloc0(length);
    uint64_t total = (uint64_t)length * 8;

    /* Drawing which bits to spare is quicker when they are the fewer. */
    bool spare = bits > total / 2;
    for (uint64_t left = spare ? total - bits : bits; left > 0;) {
        uint64_t bit = hp_rng_below(rng, total);
        uint8_t mask = (uint8_t)(1U << bit % 8);
        if ((chosen[bit / 8] & mask) == 0) {
            chosen[bit / 8] |= mask;
            left--;
        }
    }
    for (size_t i = 0; i < length; i++) {
        data[i] ^= spare ? (uint8_t)~chosen[i] : chosen[i];
    }
    g_free(chosen);
}

void hp_rule_corrupt_packet(hp_rule_state *state, const hp_rule_corrupt *corrupt, hp_rule_passage *passage)
{
    hp_packet *p = passage->p;
    uint8_t *data;
    size_t length;

    if (!hp_rule_user_data(p, &data, &length)) {
        bool tcp = p->proto == HP_PROTO_TCP && p->frag_offset == 0;
        data = p->payload;
        length = tcp ? 0 : p->length;
    }
    size_t first = MIN(corrupt->first, length),
           end = corrupt->last != 0 ? MIN((size_t)corrupt->last + 1, length) : length;
    uint64_t bits = MIN((uint64_t)MAX(corrupt->bits, 1), (uint64_t)(end - first) * 8);
    if (end > first) {
        uint16_t before = hp_rule_sum_before(p);
        flip_bits(&state->rng, data + first, end - first, bits);
        hp_rule_sum_after(p, before);
    }
    /* A UDP datagram without a checksum has nothing that could show the change. */
    p->corrupt = p->corrupt || !(corrupt->fix_checksum || p->no_checksum);
    passage->changed = true;
    hp_rule_remark(passage, "%" G_GUINT64_FORMAT " bit%s flipped%s", bits, bits == 1 ? "" : "s",
                   p->corrupt || p->frag_offset > 0 ? "" : " under a good checksum");
}

/* ---- truncate ---- */

void hp_rule_truncate_packet(uint32_t length, hp_rule_passage *passage)
{
    hp_packet *p = passage->p;
    uint8_t *data = p->payload;
    size_t present = p->length;

    bool plain = p->frag_total == 0 && p->inner == NULL;
    if (!plain || (p->proto == HP_PROTO_TCP && !hp_rule_user_data(p, &data, &present)) || present <= length) {
        return;
    }
    p->length -= (uint32_t)(present - length);
    p->sum_known = false;
    passage->changed = true;
    hp_rule_remark(passage, "cut from %zu to %u bytes", present, length);
}

/* ---- split ---- */

static void add_to_sequence(hp_packet *p, uint32_t n)
{
    uint32_t sequence;
    memcpy(&sequence, p->payload, sizeof sequence);
    sequence = GUINT32_TO_BE(GUINT32_FROM_BE(sequence) + n);
    memcpy(p->payload, &sequence, sizeof sequence);
}

/* A copy of the segment with `length` bytes of its data, from `offset` on. */
static hp_packet *piece_of(const hp_packet *p, size_t header, size_t offset, size_t length)
{
    hp_packet *copy = hp_packet_copy(p);
    memmove(copy->payload + header, copy->payload + header + offset, length);
    copy->length = (uint32_t)(header + length);
    copy->sum_known = false;
    add_to_sequence(copy, (uint32_t)offset);
    return copy;
}

void hp_rule_split_packet(uint32_t length, hp_rule_passage *passage)
{
    hp_packet *p = passage->p;
    uint8_t *data;
    size_t present;
    const uint8_t on_last = HP_TCP_FIN | HP_TCP_PSH;

    /* A SYN's data begins one sequence number later and needs its options: left whole. So is a segment with urgent
     * data, whose pointer counts from its own start. */
    if (p->proto != HP_PROTO_TCP || p->frag_total > 0 || !hp_rule_user_data(p, &data, &present) || present <= length ||
        (p->payload[TCP_FLAGS_AT] & (HP_TCP_SYN | HP_TCP_URG)) != 0) {
        return;
    }
    size_t header = (size_t)(data - p->payload), n = 1;
    for (size_t at = length; at < present; at += length, n++) {
        hp_packet *piece = piece_of(p, header, at, MIN(length, present - at));
        if (at + length < present) {
            piece->payload[TCP_FLAGS_AT] &= (uint8_t)~on_last;
        }
        hp_rule_follow(passage, piece, passage->delay, passage->out, true);
    }
    p->payload[TCP_FLAGS_AT] &= (uint8_t)~on_last;
    p->length = (uint32_t)(header + length);
    p->sum_known = false;
    passage->changed = true;
    hp_rule_remark(passage, "split into %zu segments", n);
}
