/* Theory of operation.
 *
 * The packets of one SSRC are taken out of the recording, with their gaps, duplicates and reordering: those are part of
 * what was recorded. Sent packets have the recorded header but for SSRC, sequence number and timestamp, which keep their
 * distance from the first packet's, and the payload type if one is set.
 *
 * A loop adds, for each turn, the span of the recording: of sequence numbers and timestamps the highest less the first
 * plus one step (of timestamps the last difference that was not 0), of time the length plus the mean distance. A receiver
 * sees no seam.
 *
 * Limit: nobody answers NACK for a recording. */
#include "engines/media_source.h"

#include "base/error.h"
#include "wire/rtp.h"
#include "wire/rtp_sequence.h"

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

static void take(GArray *packets, const hp_captured *from, const hp_rtp_packet *p, hp_time *first_at,
                 uint16_t *first_sequence, uint32_t *first_timestamp)
{
    recorded r = {.len = from->len, .data = g_memdup2(from->data, from->len)};
    if (packets->len == 0) {
        *first_at = from->at;
        *first_sequence = p->sequence;
        *first_timestamp = p->timestamp;
    } else {
        const recorded *last = &g_array_index(packets, recorded, packets->len - 1);
        r.after = from->at > *first_at + last->after ? from->at - *first_at : last->after;
        r.number = hp_rtp_extend(last->number + *first_sequence, p->sequence) - *first_sequence;
        r.timestamp = p->timestamp - *first_timestamp;
    }
    g_array_append_val(packets, r);
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
    /* A recording of one instant still takes time to loop. */
    source->span = r[n - 1].after + MAX(n > 1 ? r[n - 1].after / (n - 1) : 20 * HP_MS, HP_MS);
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
    bool picked = config->pick_set;
    uint32_t pick = config->pick, first_timestamp = 0;
    uint16_t first_sequence = 0;
    hp_time first_at = 0;
    for (size_t i = 0; i < n; i++) {
        hp_rtp_packet p;
        bool is_rtp = hp_rtp_parse(packets[i].data, packets[i].len, &p) && (p.pt < 64 || p.pt > 95);
        if (is_rtp && !picked) {
            picked = true;
            pick = p.ssrc;
        }
        if (is_rtp && p.ssrc == pick)
            take(taken, &packets[i], &p, &first_at, &first_sequence, &first_timestamp);
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
