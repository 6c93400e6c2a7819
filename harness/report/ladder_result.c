/* result.json to what a ladder shows of it: title and verdict, who is a peer, a server or a NAT, the expectations that
 * failed at their time, and the figures of flows and tracks below the last line. */
#include "base/error.h"
#include "report/ladder_private.h"

bool hp_ladder_read_result(hp_ladder_builder *b, JsonObject *result, const char *path, GError **error)
{
    const char *format = hp_evidence_text(result, "format");
    if (strcmp(format, HP_EVIDENCE_RESULT_FORMAT) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: its format is `%s`; this version reads `%s`", path, format,
                    HP_EVIDENCE_RESULT_FORMAT);
        return false;
    }
    hp_ladder *l = b->ladder;
    g_free(l->name);
    l->name = g_strdup(hp_evidence_text(result, "case"));
    g_free(l->about);
    l->about = g_strdup(hp_evidence_text(result, "about"));
    g_free(l->verdict);
    l->verdict = g_strdup(hp_evidence_text(result, "verdict"));
    const char *message = hp_evidence_text(result, "message");
    l->message = message[0] != '\0' ? g_strdup(message) : NULL;
    l->ended = hp_evidence_time(result, "ended_ns");
    for (unsigned i = 0; i < hp_evidence_n(result, "nats"); i++) {
        hp_ladder_add_nat(b, hp_evidence_text(hp_evidence_at(result, "nats", i), "nat"));
    }
    for (unsigned i = 0; i < hp_evidence_n(result, "servers"); i++) {
        g_hash_table_add(b->servers, g_strdup(hp_evidence_text(hp_evidence_at(result, "servers", i), "server")));
    }
    for (unsigned i = 0; i < hp_evidence_n(result, "sessions"); i++) {
        const char *peer = hp_evidence_text(hp_evidence_at(result, "sessions", i), "peer");
        if (peer[0] != '\0') {
            hp_ladder_participant_of(b, peer, HP_LADDER_PEER);
        }
    }
    return true;
}

/* ---- below the last line ---- */

static void add_failures(hp_ladder_builder *b, JsonObject *result)
{
    for (unsigned i = 0; i < hp_evidence_n(result, "expectations"); i++) {
        JsonObject *e = hp_evidence_at(result, "expectations", i);
        const hp_time at = hp_evidence_time(e, "at_ns");
        if (e == NULL || hp_evidence_bool(e, "passed")) {
            continue;
        }
        char *text = g_strdup_printf("failed: %s: %s", hp_evidence_text(e, "what"), hp_evidence_text(e, "got"));
        hp_ladder_draft *draft = hp_ladder_add(b, at != HP_NEVER ? at : b->end, HP_LADDER_ACROSS, HP_LADDER_STEP,
                                               HP_LADDER_NOBODY, HP_LADDER_NOBODY, text);
        draft->rank = 2;
        draft->entry.bad = true;
    }
}

static int named(hp_ladder_builder *b, JsonObject *o, const char *key)
{
    const char *name = hp_evidence_text(o, key);
    return name[0] != '\0' ? hp_ladder_participant_of(b, name, HP_LADDER_PEER) : HP_LADDER_NOBODY;
}

static void append_latency(GString *text, JsonObject *latency)
{
    char mean[HP_TIME_TEXT], p95[HP_TIME_TEXT];
    if (hp_evidence_time(latency, "mean_ns") != HP_NEVER) {
        g_string_append_printf(text, ", latency %s, p95 %s", hp_time_format(hp_evidence_time(latency, "mean_ns"), mean),
                               hp_time_format(hp_evidence_time(latency, "p95_ns"), p95));
    }
}

static void add_figures(hp_ladder_builder *b, JsonObject *o, GString *text)
{
    const int from = named(b, o, "from"), to = named(b, o, "to");
    hp_ladder_draft *draft =
        hp_ladder_add(b, b->end, HP_LADDER_ARROW, HP_LADDER_SUMMARY, from, to, g_string_free(text, FALSE));
    draft->rank = 5;
}

static void append_counts(GString *text, JsonObject *o)
{
    g_string_append_printf(text, "%" G_GUINT64_FORMAT " sent, %" G_GUINT64_FORMAT " lost", hp_evidence_u64(o, "sent"),
                           hp_evidence_u64(o, "lost"));
}

static void add_track(hp_ladder_builder *b, JsonObject *track)
{
    char span[HP_TIME_TEXT];
    GString *text = g_string_new(hp_evidence_text(track, "kind"));
    g_string_append(text, ": ");
    append_counts(text, track);
    if (hp_evidence_u64(track, "recovered") > 0) {
        g_string_append_printf(text, ", %" G_GUINT64_FORMAT " repaired", hp_evidence_u64(track, "recovered"));
    }
    append_latency(text, hp_evidence_object(track, "latency"));
    if (hp_evidence_u64(track, "mos_milli") > 0) {
        const unsigned mos = (unsigned)(hp_evidence_u64(track, "mos_milli") + 5);
        g_string_append_printf(text, ", MOS %u.%02u", mos / 1000, mos % 1000 / 10);
    }
    if (hp_evidence_u64(track, "freezes") > 0) {
        g_string_append_printf(text, ", %" G_GUINT64_FORMAT " freezes of %s", hp_evidence_u64(track, "freezes"),
                               hp_time_format(hp_evidence_u64(track, "freeze_time_ns"), span));
    }
    add_figures(b, track, text);
}

static void add_flow(hp_ladder_builder *b, JsonObject *flow)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "flow %u: ", (unsigned)hp_evidence_u64(flow, "flow"));
    append_counts(text, flow);
    append_latency(text, hp_evidence_object(flow, "latency"));
    add_figures(b, flow, text);
}

void hp_ladder_add_summary(hp_ladder_builder *b, JsonObject *result)
{
    add_failures(b, result);
    if (b->options->detailed) {
        return;
    }
    for (unsigned i = 0; i < hp_evidence_n(result, "tracks"); i++) {
        JsonObject *track = hp_evidence_at(result, "tracks", i);
        if (track != NULL) {
            add_track(b, track);
        }
    }
    for (unsigned i = 0; i < hp_evidence_n(result, "flows"); i++) {
        JsonObject *flow = hp_evidence_at(result, "flows", i);
        if (flow != NULL) {
            add_flow(b, flow);
        }
    }
}
