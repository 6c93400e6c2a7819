/* Media in result.json: what each track came to, its course in time, and the DTLS associations.
 *
 * Of a track with an end that is a program that is not ours `known_by` says what tells of it: the receiver alone, or
 * what was counted. Ratios are parts per billion, ratings thousandths. What could not be measured is null. Of an audio
 * track the figures of pictures are left out, of a video track those of speech. A series is a row of numbers for each
 * figure, one number each interval_ns from start_ns on; a track that never did anything has none. */
#include "report/json_writer.h"

/* A figure that its group's being unknown makes null. */
static void put(hp_json *j, const hp_media_figures *f, unsigned group, const char *key, uint64_t value)
{
    if ((f->unknown & group) != 0) {
        hp_json_text(j, key, NULL);
    } else {
        hp_json_u64(j, key, value);
    }
}

/* Where an end is a program that is not ours. */
static void put_basis(hp_json *j, const hp_media_figures *f)
{
    switch (f->basis) {
    case HP_FIGURES_OF_PACKETS:
        return;
    case HP_FIGURES_OF_ARRIVALS:
        hp_json_text(j, "known_by", "receiver");
        return;
    case HP_FIGURES_OF_COUNTS:
        hp_json_text(j, "known_by", "counts");
        return;
    }
}

static void put_packets(hp_json *j, const hp_media_figures *f)
{
    put(j, f, HP_FIGURE_SENT, "sent", f->sent);
    put(j, f, HP_FIGURE_RECEIVED, "received", f->received);
    put(j, f, HP_FIGURE_LOST, "lost", f->lost);
    put(j, f, HP_FIGURE_SENT, "in_flight", f->in_flight);
    put(j, f, HP_FIGURE_ORDER, "recovered", f->recovered);
    put(j, f, HP_FIGURE_ORDER, "late", f->late);
    put(j, f, HP_FIGURE_ORDER, "unusable", f->unusable);
    put(j, f, HP_FIGURE_LOST, "loss_ppb", f->loss_ppb);
    put(j, f, HP_FIGURE_ORDER, "unusable_ppb", f->unusable_ppb);
    put(j, f, HP_FIGURE_ORDER, "duplicates", f->duplicates);
    put(j, f, HP_FIGURE_ORDER, "reordered", f->reordered);
    put(j, f, HP_FIGURE_ORDER, "discarded", f->discarded);
    put(j, f, HP_FIGURE_ORDER, "foreign", f->foreign);
    put(j, f, HP_FIGURE_ORDER, "auth_failures", f->auth_failures);
    put(j, f, HP_FIGURE_ORDER, "replays", f->replays);
    put(j, f, HP_FIGURE_OCTETS, "octets", f->octets);
    put(j, f, HP_FIGURE_OCTETS, "bitrate", f->bitrate);
    hp_json_time(j, "first_packet_ns", f->first_packet);
    const hp_time absent = f->received == 0 || (f->unknown & HP_FIGURE_JITTER) != 0 ? HP_NEVER : 0;
    const hp_time absent_max = (f->unknown & HP_FIGURE_JITTER_MAX) != 0 ? HP_NEVER : absent;
    hp_json_time(j, "jitter_mean_ns", f->jitter_mean | absent);
    hp_json_time(j, "jitter_max_ns", f->jitter_max | absent_max);
    hp_json_distribution(j, "latency", &f->latency);
}

static void put_speech(hp_json *j, const hp_media_figures *f)
{
    put(j, f, HP_FIGURE_ORDER, "burst_milli", f->burst_milli);
    if (f->mos_milli > 0) {
        hp_json_u64(j, "mouth_to_ear_ns", f->mouth_to_ear);
        hp_json_i64(j, "r_milli", f->r_milli);
        hp_json_u64(j, "mos_milli", f->mos_milli);
    } else {
        hp_json_text(j, "mouth_to_ear_ns", NULL);
        hp_json_text(j, "r_milli", NULL);
        hp_json_text(j, "mos_milli", NULL);
    }
}

static void put_pictures(hp_json *j, const hp_media_figures *f)
{
    hp_json_time(j, "first_frame_ns", f->first_frame);
    put(j, f, HP_FIGURE_FRAMES, "frames", f->frames);
    put(j, f, HP_FIGURE_PICTURE, "key_frames", f->key_frames);
    put(j, f, HP_FIGURE_PICTURE, "frames_lost", f->frames_lost);
    put(j, f, HP_FIGURE_FRAMES, "frame_rate_milli", f->frame_rate_milli);
    hp_json_distribution(j, "frame_latency", &f->frame_latency);
    put(j, f, HP_FIGURE_PICTURE, "freezes", f->freezes);
    put(j, f, HP_FIGURE_PICTURE, "freeze_time_ns", f->freeze_time);
    put(j, f, HP_FIGURE_PICTURE, "freeze_longest_ns", f->freeze_longest);
    put(j, f, HP_FIGURE_FEEDBACK, "nacks", f->nacks);
    put(j, f, HP_FIGURE_FEEDBACK, "plis", f->plis);
    put(j, f, HP_FIGURE_REPAIRS, "retransmitted", f->retransmitted);
}

#define ROW(j, key, t, field)                                                                                          \
    hp_json_row((j), (key), &(t)->series[0].field, sizeof(hp_media_point), sizeof((t)->series[0].field), (t)->n_series)

static void put_series(hp_json *j, const hp_track_result *t)
{
    if (t->n_series == 0) {
        hp_json_text(j, "series", NULL);
        return;
    }
    hp_json_open(j, "series", '{');
    hp_json_u64(j, "start_ns", t->series_start);
    hp_json_u64(j, "interval_ns", HP_MEDIA_POINT_SPAN);
    ROW(j, "sent", t, sent);
    ROW(j, "packets", t, packets);
    ROW(j, "lost", t, lost);
    ROW(j, "octets", t, octets);
    if (t->kind == HP_MEDIA_VIDEO) {
        ROW(j, "frames", t, frames);
    }
    ROW(j, "jitter_us", t, jitter_us);
    ROW(j, "latency_mean_ns", t, latency_mean);
    ROW(j, "latency_max_ns", t, latency_max);
    hp_json_close(j, '}');
}

void hp_json_tracks(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "tracks", '[');
    for (unsigned i = 0; i < result->n_tracks; i++) {
        const hp_track_result *t = &result->tracks[i];
        hp_json_open(j, NULL, '{');
        hp_json_u64(j, "track", t->track);
        hp_json_text(j, "kind", hp_media_kind_name(t->kind));
        hp_json_text(j, "from", t->from);
        hp_json_text(j, "to", t->to);
        hp_json_u64(j, "ssrc", t->ssrc);
        hp_json_time(j, "called_ns", t->called);
        put_basis(j, &t->figures);
        put_packets(j, &t->figures);
        switch (t->kind) {
        case HP_MEDIA_AUDIO:
            put_speech(j, &t->figures);
            break;
        case HP_MEDIA_VIDEO:
            put_pictures(j, &t->figures);
            break;
        case HP_MEDIA_N_KINDS:
            break;
        }
        put_series(j, t);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_word(hp_json *j, const char *key, const char *word)
{
    hp_json_text(j, key, word != NULL && *word != '\0' ? word : NULL);
}

void hp_json_dtls(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "dtls", '[');
    for (unsigned i = 0; i < result->n_dtls; i++) {
        const hp_dtls_result *d = &result->dtls[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "peer", d->peer);
        hp_json_text(j, "with", d->with);
        hp_json_u64(j, "session", d->session);
        hp_json_u64(j, "stream", d->stream);
        hp_json_u64(j, "component", d->component);
        put_word(j, "state", d->state);
        put_word(j, "reason", d->reason);
        put_word(j, "role", d->role);
        put_word(j, "profile", d->profile);
        hp_json_time(j, "started_ns", d->started);
        hp_json_time(j, "connected_ns", d->connected);
        hp_json_u64(j, "timeouts", d->timeouts);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}
