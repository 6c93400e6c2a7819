/* Theory of operation.
 *
 * The packets of one SSRC are taken out of the recording, with their gaps, duplicates and reordering: those are part of
 * what was recorded. Sent packets have the recorded header but for SSRC, sequence number and timestamp, which keep
 * their distance from the first packet's, and the payload type if one is set.
 *
 * A sequence number far behind the highest is no reordering: there the recorded sender began anew. What it sent goes on
 * with the next number, since SRTP could not protect packets of the past.
 *
 * A loop adds, for each turn, the span of the recording: of sequence numbers and timestamps the highest less the first
 * plus one step (of timestamps the last difference that was not 0), of time the length plus the mean distance. A
 * receiver sees no seam. A turn takes LEAST_DISTANCE a packet at least: a recording whose times are all the same (some
 * programs write none) would otherwise fill the run with its turns.
 *
 * Limit: nobody answers NACK for a recording. */
#include "engines/media_source.h"

#include "base/error.h"
#include "wire/rtp.h"
#include "wire/rtp_sequence.h"

/* Ten thousand packets a second, on the average. */
#define LEAST_DISTANCE (100 * HP_US)

/* Packets that a late one may be behind; as far ahead, RFC 3550 appendix A.1 takes a jump for a new beginning. */
#define MAX_MISORDER 3000

typedef struct recorded {
    hp_time after; /* the first packet */
    int64_t number; /* distance from the first packet's sequence number */
    uint32_t timestamp; /* the same */
    uint8_t *data;
    size_t len;
} recorded;

struct hp_media_source {
    GArray *packets; /* of recorded */
    size_t skipped, next;
    hp_media_source_config config;
    uint32_t ssrc, first_timestamp;
    uint16_t first_sequence;
    bool started;
    hp_time origin; /* of this turn */
    uint64_t number_offset; /* of this turn */
    uint32_t timestamp_offset;
    hp_time span;
    uint64_t number_span;
    uint32_t timestamp_span;
};

static void clear_recorded(void *data)
{
    g_free(((recorded *)data)->data);
}

/* What was taken so far. */
typedef struct reading {
    GArray *packets; /* of recorded */
    hp_time first_at;
    uint32_t first_timestamp;
    int64_t sequence; /* of the last packet, without wraps */
    int64_t origin; /* sequence less number */
    int64_t highest; /* number */
} reading;

static void take(reading *so_far, const hp_captured *from, const hp_rtp_packet *p)
{
    recorded r = {.len = from->len, .data = g_memdup2(from->data, from->len)};
    if (so_far->packets->len == 0) {
        so_far->first_at = from->at;
        so_far->first_timestamp = p->timestamp;
        so_far->sequence = so_far->origin = p->sequence;
    } else {
        const recorded *last = &g_array_index(so_far->packets, recorded, so_far->packets->len - 1);
        r.after = from->at > so_far->first_at + last->after ? from->at - so_far->first_at : last->after;
        so_far->sequence = hp_rtp_extend(so_far->sequence, p->sequence);
        if (so_far->sequence - so_far->origin < so_far->highest - MAX_MISORDER)
            so_far->origin = so_far->sequence - so_far->highest - 1;
        r.number = so_far->sequence - so_far->origin;
        r.timestamp = p->timestamp - so_far->first_timestamp;
    }
    so_far->highest = MAX(so_far->highest, r.number);
    g_array_append_val(so_far->packets, r);
}

static void measure_spans(hp_media_source *source)
{
    const recorded *r = (const recorded *)(const void *)source->packets->data;
    guint n = source->packets->len;
    int64_t highest = 0;
    uint32_t latest = 0, step = 1;
    for (guint i = 1; i < n; i++) {
        highest = MAX(highest, r[i].number);
        if (hp_rtp_timestamp_after(r[i].timestamp, latest)) {
            step = r[i].timestamp - latest;
            latest = r[i].timestamp;
        }
    }
    source->number_span = (uint64_t)highest + 1;
    source->timestamp_span = latest + step;
    source->span = r[n - 1].after + (n > 1 ? r[n - 1].after / (n - 1) : 20 * HP_MS);
    source->span = MAX(source->span, n * LEAST_DISTANCE);
}

hp_media_source *hp_media_source_new(const hp_captured *packets, size_t n, const hp_media_source_config *config,
                                     const hp_rng *rng, GError **error)
{
    if (config->pt_set && config->pt > 127) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "a payload type is at most 127, not %u", config->pt);
        return NULL;
    }
    g_autoptr(GArray) taken = g_array_new(FALSE, FALSE, sizeof(recorded));
    g_array_set_clear_func(taken, clear_recorded);
    reading so_far = {.packets = taken};
    bool picked = config->pick_set;
    uint32_t pick = config->pick;
    for (size_t i = 0; i < n; i++) {
        hp_rtp_packet p;
        bool is_rtp = hp_rtp_parse(packets[i].data, packets[i].len, &p) && (p.pt < 64 || p.pt > 95);
        if (is_rtp && !picked) {
            picked = true;
            pick = p.ssrc;
        }
        if (is_rtp && p.ssrc == pick)
            take(&so_far, &packets[i], &p);
    }
    if (taken->len == 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "the recording has no RTP packet%s among its %zu packets",
                    config->pick_set ? " of that SSRC" : "", n);
        return NULL;
    }
    hp_media_source *source = g_new0(hp_media_source, 1);
    source->config = *config;
    source->packets = g_steal_pointer(&taken);
    source->skipped = n - source->packets->len;
    measure_spans(source);
    hp_rng stream = *rng;
    uint64_t ssrc = hp_rng_u64(&stream), origins = hp_rng_u64(&stream);
    source->ssrc = config->id.ssrc_set ? config->id.ssrc : (uint32_t)ssrc;
    source->first_sequence = config->id.sequence_set ? config->id.sequence : (uint16_t)origins;
    source->first_timestamp = config->id.timestamp_set ? config->id.timestamp : (uint32_t)(origins >> 32);
    return source;
}

void hp_media_source_free(hp_media_source *source)
{
    if (!source)
        return;
    g_array_unref(source->packets);
    g_free(source);
}

uint32_t hp_media_source_ssrc(const hp_media_source *source)
{
    return source->ssrc;
}

size_t hp_media_source_length(const hp_media_source *source, size_t *ret_skipped)
{
    if (ret_skipped)
        *ret_skipped = source->skipped;
    return source->packets->len;
}

void hp_media_source_start(hp_media_source *source, hp_time now)
{
    source->started = true;
    source->next = 0;
    source->origin = now;
}

hp_time hp_media_source_deadline(const hp_media_source *source)
{
    if (!source->started || source->next == source->packets->len)
        return HP_NEVER;
    return source->origin + g_array_index(source->packets, recorded, source->next).after;
}

static void put(uint8_t *out, unsigned n, uint32_t value)
{
    for (unsigned i = 0; i < n; i++)
        out[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

size_t hp_media_source_next(hp_media_source *source, hp_time now, uint8_t *ret, size_t cap)
{
    if (hp_media_source_deadline(source) > now)
        return 0;
    const recorded *r = &g_array_index(source->packets, recorded, source->next);
    size_t len = r->len <= cap ? r->len : 0;
    if (len > 0) {
        memcpy(ret, r->data, len);
        if (source->config.pt_set)
            ret[1] = (uint8_t)((ret[1] & 0x80) | source->config.pt);
        put(ret + 2, 2, (uint32_t)(source->first_sequence + source->number_offset + (uint64_t)r->number));
        put(ret + 4, 4, source->first_timestamp + source->timestamp_offset + r->timestamp);
        put(ret + 8, 4, source->ssrc);
    }
    source->next++;
    if (source->next == source->packets->len && source->config.loop) {
        source->next = 0;
        source->origin += source->span;
        source->number_offset += source->number_span;
        source->timestamp_offset += source->timestamp_span;
    }
    return len;
}
