/* Theory of operation.
 *
 * A packet's media time is its RTP timestamp, counted from the first packet, in nanoseconds. Arrival less media time is
 * its place on an axis on which a network without jitter puts all packets at one point, and playout is one point too:
 * a packet with a place beyond it is late, and late is lost to the listener.
 *
 * Fixed: playout is config.playout.delay behind the first packet, for good.
 *
 * Adaptive: playout follows the network. The mean place d and the mean deviation v of arrivals are moving averages with
 * a gain of 1/32; the target is d + 4 v (as in Ramjee et al., Adaptive Playout Mechanisms for Packetized Audio, INFOCOM
 * 1994), held between delay and delay_max behind d. Playout moves to a later target at once (the listener hears a
 * stretch) and to an earlier one by at most an eighth of a packet time with each packet, as buffers do that compress
 * speech. A packet is judged by the playout point as it was before it came.
 *
 * A timestamp that is 10 s or more from where arrival says (a new source behind the same SSRC) starts anew. */
#include "engines/media_receiver_private.h"

#define GAIN 32
#define JUMP ((int64_t)(10 * HP_S))

static void start(hp_media_playout *p, hp_time now, uint32_t timestamp)
{
    p->started = true;
    p->last_timestamp = timestamp;
    p->media_units = 0;
    p->origin = now;
    p->offset = (int64_t)p->config->playout.delay;
    p->mean = p->deviation = 0;
}

static void adapt(hp_media_playout *p, int64_t place)
{
    const hp_playout_config *config = &p->config->playout;
    p->mean += place - p->mean / GAIN;
    int64_t off = place - p->mean / GAIN;
    p->deviation += (off < 0 ? -off : off) - p->deviation / GAIN;
    int64_t margin = CLAMP(4 * (p->deviation / GAIN), (int64_t)config->delay, (int64_t)config->delay_max);
    int64_t target = p->mean / GAIN + margin, step = (int64_t)p->config->audio.ptime / 8;
    p->offset = MAX(target, p->offset - step);
}

bool hp_media_playout_arrive(hp_media_playout *p, hp_time now, uint32_t timestamp, hp_time *ret_due)
{
    if (!p->started)
        start(p, now, timestamp);
    uint32_t clock = hp_media_clock(p->config);
    int64_t units = p->media_units + (int32_t)(timestamp - p->last_timestamp);
    int64_t media =
        units < 0 ? -(int64_t)hp_rtp_span((uint64_t)-units, clock) : (int64_t)hp_rtp_span((uint64_t)units, clock);
    int64_t place = (int64_t)(now - p->origin) - media;
    if (place > p->offset + JUMP || place < p->offset - JUMP) {
        start(p, now, timestamp);
        units = media = place = 0;
    }
    p->last_timestamp = timestamp;
    p->media_units = units;
    int64_t due = media + p->offset; /* since the origin */
    bool in_time = place <= p->offset;
    switch (p->config->playout.mode) {
    case HP_PLAYOUT_FIXED:
        break;
    case HP_PLAYOUT_ADAPTIVE:
        adapt(p, place);
        break;
    }
    *ret_due = (hp_time)((int64_t)p->origin + due);
    return in_time;
}

hp_time hp_media_playout_delay(const hp_media_playout *p)
{
    int64_t delay = p->offset - p->mean / GAIN;
    return delay > 0 ? (hp_time)delay : 0;
}
