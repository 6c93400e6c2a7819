/* Theory of operation.
 *
 * Ticks are a grid laid by start(): tick k is at origin + k * ptime, or at origin + floor(k * 1 s / fps). Nothing is
 * added up, so nothing drifts, and a call of ten hours has its last packet on the grid. A hold leaves the grid where it
 * is.
 *
 * Audio: one packet a tick. With DTX, spells of talk and silence alternate, their lengths drawn in whole ticks between
 * half and one and a half of the mean. A talk spell's first packet has the marker bit (RFC 3551 section 4.1; without
 * DTX no packet has). A silence sends a packet as it begins and then one a comfort interval, of the least size.
 * Timestamps count silence, sequence numbers do not.
 *
 * Video: one frame a tick. Size: the mean that the bit rate leaves, less a sixteenth of what was sent too much so far,
 * so that a key frame is paid back over the next half second and the long-run rate is exact; then the random variation.
 * A key frame is key_ratio means. It is cut into the fewest packets that fit, their sizes one octet apart at most, and
 * these leave evenly over pace_percent of the interval; the last has the marker bit.
 *
 * Limit: a driver more than a second late loses the ticks in between (counted), instead of a burst of old packets. */
#include "engines/media_sender_private.h"

#include "wire/rtp.h"

/* Frames over which a surplus is paid back. */
#define RATE_MEMORY 16

hp_time hp_sender_tick_time(const hp_media_sender *s, uint64_t tick)
{
    if (s->config.kind == HP_MEDIA_AUDIO)
        return s->origin + tick * s->config.audio.ptime;
    unsigned fps = s->config.video.fps;
    return s->origin + tick / fps * HP_S + tick % fps * HP_S / fps;
}

uint64_t hp_sender_tick_from(const hp_media_sender *s, hp_time at)
{
    hp_time since = at - s->origin;
    uint64_t tick;
    if (s->config.kind == HP_MEDIA_AUDIO) {
        tick = since / s->config.audio.ptime;
    } else {
        unsigned fps = s->config.video.fps;
        tick = since / HP_S * fps + since % HP_S * fps / HP_S;
    }
    return hp_sender_tick_time(s, tick) < at ? tick + 1 : tick;
}

static void begin_spell(hp_media_sender *s, hp_time now, bool talking)
{
    const hp_audio_config *a = &s->config.audio;
    uint64_t mean = (talking ? a->talk : a->silence) / a->ptime;
    uint64_t length = mean - mean / 2 + hp_rng_below(&s->rng, mean / 2 * 2 + 1);
    s->talking = talking;
    s->marker_due = talking;
    s->spell_start = s->spell_end;
    s->spell_end += length;
    hp_sender_tell(
        s, now, &(hp_media_event){.kind = talking ? HP_MEDIA_EV_TALK : HP_MEDIA_EV_SILENCE, .count = (unsigned)length});
}

void hp_sender_pace_start(hp_media_sender *s, hp_time now)
{
    s->tick = hp_sender_tick_from(s, now);
    s->rate_tick = s->tick;
    s->rate_octets = 0;
    s->key_wanted = true;
    s->key_reason = "start";
    s->any_key = false;
    if (s->config.kind == HP_MEDIA_AUDIO && s->config.audio.dtx) {
        s->spell_end = s->tick;
        begin_spell(s, now, true);
    }
}

void hp_sender_pace_pause(hp_media_sender *s)
{
    s->burst_n = s->burst_i = 0;
}

static hp_time burst_time(const hp_media_sender *s, unsigned i)
{
    return s->burst_tick + s->burst_span * i / s->burst_n;
}

hp_time hp_sender_pace_deadline(const hp_media_sender *s)
{
    if (s->burst_i < s->burst_n)
        return burst_time(s, s->burst_i);
    return hp_sender_tick_time(s, s->tick);
}

static void audio_tick(hp_media_sender *s, hp_time now)
{
    const hp_audio_config *a = &s->config.audio;
    hp_time capture = hp_sender_tick_time(s, s->tick);
    if (a->dtx && s->tick >= s->spell_end)
        begin_spell(s, now, !s->talking);
    bool comfort = a->dtx && !s->talking;
    unsigned size = comfort ? HP_MEDIA_MARK : a->payload_size;
    uint8_t flags = HP_MARK_START | HP_MARK_END | (comfort ? HP_MARK_COMFORT : 0);
    bool marker = s->marker_due;
    s->marker_due = false;
    s->stats.frames++;
    if (!comfort) {
        s->tick++;
    } else {
        s->tick = MIN(s->spell_end, s->tick + a->comfort_interval / a->ptime);
    }
    hp_sender_emit(s, now, capture, flags, s->next_frame++, marker, size);
}

/* Why the frame about to be made is a key frame; NULL: it is not. */
static const char *key_reason(const hp_media_sender *s, hp_time capture)
{
    const hp_video_config *v = &s->config.video;
    if (!s->any_key)
        return s->key_reason;
    if (s->key_wanted && capture - s->last_key >= v->key_spacing)
        return s->key_reason;
    if (!v->key_on_request_only && s->frames_since_key >= v->key_interval)
        return "interval";
    return NULL;
}

static uint64_t frame_size(hp_media_sender *s, bool key)
{
    const hp_video_config *v = &s->config.video;
    int64_t mean = v->bitrate / (8 * (int64_t)v->fps);
    int64_t size = mean * v->key_ratio;
    if (!key) {
        uint64_t frames = s->tick - s->rate_tick;
        int64_t planned = (int64_t)((unsigned __int128)frames * v->bitrate / (8 * (uint64_t)v->fps));
        size = mean - ((int64_t)s->rate_octets - planned) / RATE_MEMORY;
        /* Rate that could not be used (frames have a least size, holds) is not saved up. */
        size = MIN(size, 2 * mean);
    }
    if (v->variation_percent > 0 && size > 0) {
        int64_t most = size * v->variation_percent / 100;
        size += (int64_t)hp_rng_below(&s->rng, 2 * (uint64_t)most + 1) - most;
    }
    return (uint64_t)MAX(size, HP_MEDIA_MARK);
}

static void begin_frame(hp_media_sender *s, hp_time now)
{
    const hp_video_config *v = &s->config.video;
    hp_time capture = hp_sender_tick_time(s, s->tick);
    const char *reason = key_reason(s, capture);
    s->burst_key = reason != NULL;
    s->burst_size = frame_size(s, s->burst_key);
    unsigned most = v->max_packet - HP_RTP_HEADER;
    s->burst_n = (unsigned)((s->burst_size + most - 1) / most);
    s->burst_i = 0;
    s->burst_tick = capture;
    s->burst_frame = s->next_frame++;
    s->tick++;
    s->burst_span = (hp_sender_tick_time(s, s->tick) - capture) * v->pace_percent / 100;
    s->rate_octets += s->burst_size;
    s->stats.frames++;
    s->frames_since_key++;
    if (reason) {
        s->stats.key_frames++;
        s->any_key = true;
        s->key_wanted = false;
        s->last_key = capture;
        s->frames_since_key = 1;
        hp_sender_tell(
            s, now,
            &(hp_media_event){
                .kind = HP_MEDIA_EV_KEY_FRAME, .frame = s->burst_frame, .count = s->burst_n, .reason = reason});
    }
}

static void burst_packet(hp_media_sender *s, hp_time now)
{
    unsigned i = s->burst_i++;
    bool last = s->burst_i == s->burst_n;
    /* The remainder goes to the first packets, one octet each. */
    unsigned size = (unsigned)(s->burst_size / s->burst_n + (i < s->burst_size % s->burst_n ? 1 : 0));
    uint8_t flags =
        (uint8_t)((s->burst_key ? HP_MARK_KEY : 0) | (i == 0 ? HP_MARK_START : 0) | (last ? HP_MARK_END : 0));
    hp_sender_emit(s, now, s->burst_tick, flags, s->burst_frame, last, size);
}

/* Ticks that are more than a second old have passed. */
static void skip_missed(hp_media_sender *s, hp_time now)
{
    if (now < HP_MEDIA_CATCH_UP || hp_sender_pace_deadline(s) >= now - HP_MEDIA_CATCH_UP)
        return;
    uint64_t present = hp_sender_tick_from(s, now);
    if (present <= s->tick)
        return;
    s->stats.skipped += present - s->tick;
    s->tick = present;
    s->rate_tick = present;
    s->rate_octets = 0;
    hp_sender_pace_pause(s);
}

void hp_sender_pace_step(hp_media_sender *s, hp_time now)
{
    skip_missed(s, now);
    if (hp_sender_pace_deadline(s) > now)
        return;
    switch (s->config.kind) {
    case HP_MEDIA_AUDIO:
        audio_tick(s, now);
        break;
    case HP_MEDIA_VIDEO:
        if (s->burst_i == s->burst_n)
            begin_frame(s, now);
        burst_packet(s, now);
        break;
    case HP_MEDIA_N_KINDS:
        g_assert_not_reached();
    }
}
