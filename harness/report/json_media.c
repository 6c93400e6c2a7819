/* Media in result.json: what each track came to, its course in time, and the DTLS associations.
 *
 * Ratios are parts per billion, ratings thousandths. What could not be measured is null. Of an audio track the figures of
 * pictures are left out, of a video track those of speech. A series is a row of numbers for each figure, one number each
 * interval_ns from start_ns on; a track that never did anything has none. */
#include "report/json_writer.h"

static void put_packets(hp_json *j, const hp_media_figures *f)
{
    hp_json_u64(j, "sent", f->sent);
    hp_json_u64(j, "received", f->received);
    hp_json_u64(j, "lost", f->lost);
    hp_json_u64(j, "in_flight", f->in_flight);
    hp_json_u64(j, "recovered", f->recovered);
    hp_json_u64(j, "late", f->late);
    hp_json_u64(j, "unusable", f->unusable);
    hp_json_u64(j, "loss_ppb", f->loss_ppb);
    hp_json_u64(j, "unusable_ppb", f->unusable_ppb);
    hp_json_u64(j, "duplicates", f->duplicates);
    hp_json_u64(j, "reordered", f->reordered);
    hp_json_u64(j, "discarded", f->discarded);
    hp_json_u64(j, "foreign", f->foreign);
    hp_json_u64(j, "auth_failures", f->auth_failures);
    hp_json_u64(j, "replays", f->replays);
    hp_json_u64(j, "octets", f->octets);
    hp_json_u64(j, "bitrate", f->bitrate);
    hp_json_time(j, "first_packet_ns", f->first_packet);
    const hp_time absent = f->received == 0 ? HP_NEVER : 0;
    hp_json_time(j, "jitter_mean_ns", f->jitter_mean | absent);
    hp_json_time(j, "jitter_max_ns", f->jitter_max | absent);
    hp_json_distribution(j, "latency", &f->latency);
}

static void put_speech(hp_json *j, const hp_media_figures *f)
{
    hp_json_u64(j, "burst_milli", f->burst_milli);
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
    hp_json_u64(j, "frames", f->frames);
    hp_json_u64(j, "key_frames", f->key_frames);
    hp_json_u64(j, "frames_lost", f->frames_lost);
    hp_json_u64(j, "frame_rate_milli", f->frame_rate_milli);
    hp_json_distribution(j, "frame_latency", &f->frame_latency);
    hp_json_u64(j, "freezes", f->freezes);
    hp_json_u64(j, "freeze_time_ns", f->freeze_time);
    hp_json_u64(j, "freeze_longest_ns", f->freeze_longest);
    hp_json_u64(j, "nacks", f->nacks);
    hp_json_u64(j, "plis", f->plis);
    hp_json_u64(j, "retransmitted", f->retransmitted);
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
