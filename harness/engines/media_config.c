/* Theory of operation.
 *
 * A configuration is resolved once: every 0 becomes its default, and what cannot be is refused with a sentence. The
 * engines see resolved configurations alone, so that no default is written twice and no division meets a 0. */
#include "base/error.h"
#include "engines/media_event.h"
#include "wire/rtp.h"

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool refuse(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (error)
        *error = g_error_new_valist(HP_ERROR, HP_ERROR_INVALID, format, arguments);
    va_end(arguments);
    return false;
}

#define DEFAULT(field, value) ((field) = (field) == 0 ? (value) : (field))

static bool resolve_audio(hp_audio_config *a, GError **error)
{
    DEFAULT(a->ptime, 20 * HP_MS);
    DEFAULT(a->clock, 48000);
    DEFAULT(a->bitrate, 32000);
    DEFAULT(a->talk, 1200 * HP_MS);
    DEFAULT(a->silence, 800 * HP_MS);
    DEFAULT(a->comfort_interval, 400 * HP_MS);
    if (!a->pt_set)
        DEFAULT(a->pt, 111);
    if (a->ptime < HP_MS || a->ptime > HP_S)
        return refuse(error, "a packet time is between 1 ms and 1 s");
    if (a->clock > 1000000 || a->clock < 1000)
        return refuse(error, "an audio clock is between 1 kHz and 1 MHz, not %u Hz", a->clock);
    if (a->pt > 127)
        return refuse(error, "a payload type is at most 127, not %u", a->pt);
    if (a->payload_size == 0) {
        uint64_t octets = (uint64_t)a->bitrate * a->ptime / (8 * HP_S);
        if (octets > HP_MEDIA_PACKET_MAX - HP_RTP_HEADER)
            return refuse(error, "audio of %u bit/s needs packets of more than %d octets", a->bitrate,
                          HP_MEDIA_PACKET_MAX);
        a->payload_size = (uint16_t)octets;
    }
    if (a->payload_size > HP_MEDIA_PACKET_MAX - HP_RTP_HEADER)
        return refuse(error, "a payload of %u octets is more than %d", a->payload_size,
                      HP_MEDIA_PACKET_MAX - HP_RTP_HEADER);
    a->payload_size = MAX(a->payload_size, HP_MEDIA_MARK);
    a->bitrate = (uint32_t)((uint64_t)a->payload_size * 8 * HP_S / a->ptime);
    /* Spells are drawn in packet times, from half to one and a half of the mean: no mean is shorter than two. */
    if (a->talk < 2 * a->ptime || a->silence < 2 * a->ptime || MAX(a->talk, a->silence) > 3600 * HP_S)
        return refuse(error, "spells of talk and silence last between two packet times and an hour");
    if (a->comfort_interval < a->ptime)
        return refuse(error, "comfort noise cannot come more often than packets do");
    return true;
}

static unsigned power_of_two(unsigned n)
{
    unsigned power = 16;
    while (power < n)
        power *= 2;
    return power;
}

static bool resolve_video(hp_video_config *v, GError **error)
{
    DEFAULT(v->fps, 30);
    DEFAULT(v->clock, 90000);
    DEFAULT(v->bitrate, 1000000);
    DEFAULT(v->key_interval, 300);
    DEFAULT(v->key_ratio, 5);
    DEFAULT(v->pace_percent, 50);
    DEFAULT(v->key_spacing, 300 * HP_MS);
    DEFAULT(v->pt, 96);
    DEFAULT(v->rtx_pt, 97);
    DEFAULT(v->history, 1024);
    DEFAULT(v->nack_interval, 100 * HP_MS);
    DEFAULT(v->nack_tries, 10);
    DEFAULT(v->wait, v->nack ? 400 * HP_MS : 50 * HP_MS);
    DEFAULT(v->pli_interval, 500 * HP_MS);
    if (v->max_packet == 0)
        v->max_packet = hp_media_max_packet(v->mtu);
    if (v->fps > 1000)
        return refuse(error, "video has at most 1000 frames a second, not %u", v->fps);
    if (v->clock > 1000000 || v->clock < 1000)
        return refuse(error, "a video clock is between 1 kHz and 1 MHz, not %u Hz", v->clock);
    if (v->bitrate > 1000000000)
        return refuse(error, "video has at most 1 Gbit/s, not %u bit/s", v->bitrate);
    if (v->max_packet < 128 || v->max_packet > HP_MEDIA_PACKET_MAX)
        return refuse(error, "a video packet has between 128 and %d octets, not %u", HP_MEDIA_PACKET_MAX,
                      v->max_packet);
    if (v->key_ratio > 100)
        return refuse(error, "a key frame is at most 100 times a mean frame, not %u", v->key_ratio);
    if (v->variation_percent > 90)
        return refuse(error, "frame sizes vary by at most 90 %%, not %u %%", v->variation_percent);
    if (v->pace_percent > 100)
        return refuse(error, "packets are paced over at most 100 %% of a frame interval, not %u %%", v->pace_percent);
    if (v->pt > 127 || v->rtx_pt > 127)
        return refuse(error, "a payload type is at most 127, not %u", MAX(v->pt, v->rtx_pt));
    if (v->pt == v->rtx_pt && v->rtx)
        return refuse(error, "retransmissions need a payload type of their own, not %u", v->pt);
    if (v->history > 32768)
        return refuse(error, "at most 32768 packets are kept for retransmission, not %u", v->history);
    v->history = power_of_two(v->history);
    if (v->nack_tries > 100)
        return refuse(error, "a packet is asked for at most 100 times, not %u", v->nack_tries);
    return true;
}

bool hp_media_config_resolve(const hp_media_config *config, hp_media_config *ret, GError **error)
{
    hp_media_config c = *config;
    uint32_t bitrate = 0;
    switch (c.kind) {
    case HP_MEDIA_AUDIO:
        if (!resolve_audio(&c.audio, error))
            return false;
        bitrate = c.audio.bitrate;
        break;
    case HP_MEDIA_VIDEO:
        if (!resolve_video(&c.video, error))
            return false;
        bitrate = c.video.bitrate;
        break;
    case HP_MEDIA_N_KINDS:
        return refuse(error, "a stream is audio or video");
    }
    if (memchr(c.rtcp.cname, '\0', sizeof c.rtcp.cname) == NULL)
        return refuse(error, "a CNAME has at most %zu octets", sizeof c.rtcp.cname - 1);
    DEFAULT(c.rtcp.bandwidth, MAX(bitrate / 20, 1));
    if (c.rtcp.interval == 0) {
        /* RFC 3550 section 6.2: the reduced minimum is 360 s over the session bandwidth in kbit/s, of which RTCP has a
         * twentieth. */
        c.rtcp.interval = c.rtcp.reduced_minimum ? 360 * HP_S * 1000 / 20 / c.rtcp.bandwidth : 5 * HP_S;
    }
    c.rtcp.interval = MAX(c.rtcp.interval, HP_MS);
    if (c.rtcp.interval > 3600 * HP_S)
        return refuse(error, "an hour between RTCP reports is too long");
    DEFAULT(c.playout.delay, c.playout.mode == HP_PLAYOUT_FIXED ? 60 * HP_MS : 20 * HP_MS);
    DEFAULT(c.playout.delay_max, MAX(400 * HP_MS, c.playout.delay));
    if (MAX(c.playout.delay, c.playout.delay_max) > 60 * HP_S || c.playout.delay > c.playout.delay_max)
        return refuse(error, "a playout delay is at most its maximum, and that a minute");
    *ret = c;
    return true;
}
