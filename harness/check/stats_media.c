/* The figures of a result about media: tracks by number, DTLS associations by first mention. */
#include "check/checker.h"
#include "check/track.h"
#include "check/traffic.h"

static void fill_tracks(hp_result *result, const hp_facts *facts)
{
    const hp_track_window whole = hp_track_whole_run(result->ended);
    result->tracks = g_new0(hp_track_result, facts->tracks->len);
    for (unsigned i = 0; i < facts->track_index->len; i++) {
        const hp_track_facts *track = g_ptr_array_index(facts->track_index, i);
        if (track == NULL) {
            continue;
        }
        hp_track_result *r = &result->tracks[result->n_tracks++];
        r->track = track->number;
        r->kind = track->kind;
        r->from = g_string_chunk_insert_const(result->strings, track->from);
        r->to = g_string_chunk_insert_const(result->strings, track->to);
        r->ssrc = track->ssrc;
        r->called = hp_media_call_time(facts, track);
        hp_track_figures(track, &whole, &r->figures, NULL);
        r->series = hp_track_series(track, result->ended, &r->series_start, &r->n_series);
    }
}

static void fill_dtls(hp_result *result, const hp_facts *facts)
{
    result->n_dtls = facts->associations->len;
    result->dtls = g_new0(hp_dtls_result, facts->associations->len);
    for (unsigned i = 0; i < facts->associations->len; i++) {
        const hp_dtls_facts *a = g_ptr_array_index(facts->associations, i);
        const hp_dtls_change *started = hp_dtls_first(a, "handshaking");
        const hp_dtls_change *connected = hp_dtls_first(a, "connected");
        const hp_dtls_change *last = hp_dtls_last(a);
        result->dtls[i] = (hp_dtls_result){
            .peer = g_string_chunk_insert_const(result->strings, a->peer),
            .with = g_string_chunk_insert_const(result->strings, a->with),
            .role = g_string_chunk_insert_const(result->strings, a->role),
            .profile = g_string_chunk_insert_const(result->strings, a->profile),
            .state = g_string_chunk_insert_const(result->strings, last != NULL ? last->state : ""),
            .reason = g_string_chunk_insert_const(result->strings, last != NULL ? last->reason : ""),
            .session = a->session,
            .stream = a->stream,
            .component = a->component,
            .started = started != NULL ? started->at : HP_NEVER,
            .connected = connected != NULL ? connected->at : HP_NEVER,
            .timeouts = a->timeouts->len,
        };
    }
}

void hp_result_fill_media(hp_result *result, const hp_facts *facts)
{
    fill_tracks(result, facts);
    fill_dtls(result, facts);
}
