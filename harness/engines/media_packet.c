/* Theory of operation.
 *
 * A packet's payload is the measuring header and filler from a block of random octets that is drawn once; where in the
 * block depends on the packet's number. What is remembered of a packet for retransmission is therefore a description of
 * 40 octets, not its bytes: the same bytes come out of it again.
 *
 * The history is a ring indexed by packet number, as long as config.video.history; a packet older than that is gone.
 * Retransmissions go out as RTX packets, the original sequence number before the payload (RFC 4588 section 4), with
 * sequence numbers and an SSRC of their own, or unchanged where the configuration has no RTX. Audio keeps no
 * history. */
#include "engines/media_sender_private.h"

#include "wire/rtp.h"

uint32_t hp_sender_timestamp(const hp_media_sender *s, hp_time at)
{
    return s->first_timestamp + (uint32_t)hp_rtp_units(at - s->origin, hp_media_clock(&s->config));
}

static void write_payload(const hp_media_sender *s, const hp_sent_packet *p, uint8_t *out)
{
    hp_media_mark_write(out, &p->mark);
    unsigned from = (unsigned)(p->number * 61 % HP_MEDIA_FILLER_OFFSETS);
    memcpy(out + HP_MEDIA_MARK, s->filler + from, p->size - HP_MEDIA_MARK);
}

void hp_sender_emit(hp_media_sender *s, hp_time now, hp_time capture, uint8_t flags, uint32_t frame, bool marker,
                    unsigned size)
{
    bool audio = s->config.kind == HP_MEDIA_AUDIO;
    hp_sent_packet p = {
        .valid = true,
        .marker = marker,
        .size = (uint16_t)size,
        .timestamp = hp_sender_timestamp(s, capture),
        .number = s->next_number++,
        .mark = {.flags = flags,
                 .frame = frame,
                 .offset = (uint32_t)MIN(now - capture, UINT32_MAX),
                 .capture = capture},
    };
    p.mark.sequence = (uint32_t)(s->first_sequence + p.number);
    hp_rtp_header header = {
        .pt = audio ? s->config.audio.pt : s->config.video.pt,
        .marker = marker,
        .sequence = (uint16_t)(s->first_sequence + p.number),
        .timestamp = p.timestamp,
        .ssrc = s->ssrc,
    };
    uint8_t packet[HP_MEDIA_PACKET_MAX];
    size_t head = hp_rtp_write_header(packet, sizeof packet, &header);
    write_payload(s, &p, packet + head);
    if (s->history)
        s->history[p.number & s->history_mask] = p;
    s->stats.packets++;
    s->stats.octets += size;
    hp_rtcp_timer_sent_media(&s->rtcp, now);
    s->ops->rtp(s->user, now, packet, head + size);
}

bool hp_sender_repeat(hp_media_sender *s, hp_time now, uint16_t sequence)
{
    if (!s->history || s->next_number == 0)
        return false;
    /* The newest packet with that sequence number. */
    uint16_t back = (uint16_t)(s->first_sequence + (s->next_number - 1) - sequence);
    if (back >= s->next_number)
        return false;
    uint64_t number = s->next_number - 1 - back;
    const hp_sent_packet *p = &s->history[number & s->history_mask];
    if (!p->valid || p->number != number)
        return false;
    bool rtx = s->config.video.rtx;
    hp_rtp_header header = {
        .pt = rtx ? s->config.video.rtx_pt : s->config.video.pt,
        .marker = p->marker,
        .sequence = rtx ? s->next_rtx_sequence++ : sequence,
        .timestamp = p->timestamp,
        .ssrc = rtx ? s->rtx_ssrc : s->ssrc,
    };
    uint8_t packet[HP_MEDIA_PACKET_MAX + HP_RTX_OSN];
    size_t head = hp_rtp_write_header(packet, sizeof packet, &header);
    if (rtx) {
        packet[head++] = (uint8_t)(sequence >> 8);
        packet[head++] = (uint8_t)sequence;
    } else {
        s->stats.packets++;
        s->stats.octets += p->size;
    }
    write_payload(s, p, packet + head);
    s->stats.retransmitted++;
    s->stats.retransmitted_octets += p->size;
    s->ops->rtp(s->user, now, packet, head + p->size);
    return true;
}
