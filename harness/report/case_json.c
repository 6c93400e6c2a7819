/* A case read back from its result document: the same as hp_report_case_new() makes of the result itself, so that what
 * was merged is told as one run would have told it. Lines about packets come from the evidence, if it was kept.
 *
 * A document comes from a file, so nothing of it is taken on trust: without a known format, a name and a verdict it is
 * refused, what else is missing reads as nothing. */
#include <string.h>

#include "base/error.h"
#include "report/case_media.h"
#include "report/case_parts.h"
#include "report/evidence.h"
#include "report/run_read.h"

static bool find_verdict(const char *name, hp_verdict *ret)
{
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        if (strcmp(name, hp_verdict_name((hp_verdict)v)) == 0) {
            *ret = (hp_verdict)v;
            return true;
        }
    }
    return false;
}

/* Names are folders below OUT: none may lead out of it. */
static bool is_case_name(const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    for (char **part = parts; *part != NULL; part++) {
        if (**part == '\0' || strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0) {
            return false;
        }
    }
    return *name != '\0';
}

bool hp_report_document_check(JsonObject *document, hp_verdict *ret_verdict, GError **error)
{
    const char *format = hp_evidence_text(document, "format"), *name = hp_evidence_text(document, "case");
    const char *verdict = hp_evidence_text(document, "verdict");
    if (strcmp(format, HP_EVIDENCE_RESULT_FORMAT) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "its format is `%s`, not `%s`", format,
                    HP_EVIDENCE_RESULT_FORMAT);
        return false;
    }
    if (!is_case_name(name)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` is no name of a case", name);
        return false;
    }
    if (!find_verdict(verdict, ret_verdict)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s`: there is no verdict `%s`", name, verdict);
        return false;
    }
    return true;
}

/* NULL for "", as in results. */
static char *text_or_null(JsonObject *object, const char *key)
{
    const char *text = hp_evidence_text(object, key);
    return *text != '\0' ? g_strdup(text) : NULL;
}

static void add_expectations(hp_report_case *c, JsonObject *document)
{
    for (unsigned i = 0; i < hp_evidence_n(document, "expectations"); i++) {
        JsonObject *e = hp_evidence_at(document, "expectations", i);
        const bool passed = hp_evidence_bool(e, "passed"), asked = !hp_evidence_bool(e, "finding");
        c->n_expects += asked;
        c->n_held += asked && passed;
        if (passed) {
            continue;
        }
        hp_report_failure *f = g_new0(hp_report_failure, 1);
        char *file = text_or_null(e, "file");
        f->file = file != NULL ? file : g_strdup(c->file);
        f->line = (unsigned)hp_evidence_u64(e, "line");
        f->what = g_strdup(hp_evidence_text(e, "what"));
        f->expected = g_strdup(hp_evidence_text(e, "expected"));
        f->got = g_strdup(hp_evidence_text(e, "got"));
        f->at = hp_evidence_time(e, "at_ns");
        f->packet = (uint32_t)hp_evidence_u64(e, "packet");
        f->packet_line = hp_report_find_packet_line(NULL, c->evidence, f->packet);
        g_ptr_array_add(c->failures, f);
    }
}

static void add_dtls(hp_report_case *c, JsonObject *document)
{
    for (unsigned i = 0; i < hp_evidence_n(document, "dtls"); i++) {
        JsonObject *o = hp_evidence_at(document, "dtls", i);
        const hp_dtls_result d = {.peer = hp_evidence_text(o, "peer"),
                                  .with = hp_evidence_text(o, "with"),
                                  .profile = hp_evidence_text(o, "profile"),
                                  .state = hp_evidence_text(o, "state"),
                                  .reason = hp_evidence_text(o, "reason"),
                                  .started = hp_evidence_time(o, "started_ns"),
                                  .connected = hp_evidence_time(o, "connected_ns"),
                                  .timeouts = hp_evidence_u64(o, "timeouts")};
        hp_report_media_add_dtls(c->media, &d);
    }
}

/* A time that was left null because there was nothing to measure. */
static hp_time time_or_zero(JsonObject *object, const char *key)
{
    const hp_time t = hp_evidence_time(object, key);
    return t != HP_NEVER ? t : 0;
}

static void read_figures(JsonObject *o, hp_media_figures *f)
{
    JsonObject *latency = hp_evidence_object(o, "latency");
    f->sent = hp_evidence_u64(o, "sent");
    f->received = hp_evidence_u64(o, "received");
    f->lost = hp_evidence_u64(o, "lost");
    f->loss_ppb = (uint32_t)hp_evidence_u64(o, "loss_ppb");
    f->unusable = hp_evidence_u64(o, "unusable");
    f->unusable_ppb = (uint32_t)hp_evidence_u64(o, "unusable_ppb");
    f->foreign = hp_evidence_u64(o, "foreign");
    f->latency.count = hp_evidence_u64(latency, "count");
    f->latency.p95 = time_or_zero(latency, "p95_ns");
    f->jitter_mean = time_or_zero(o, "jitter_mean_ns");
    f->mos_milli = (uint32_t)hp_evidence_u64(o, "mos_milli");
    f->first_frame = hp_evidence_time(o, "first_frame_ns");
    f->frames = hp_evidence_u64(o, "frames");
    f->frame_rate_milli = hp_evidence_u64(o, "frame_rate_milli");
    f->freezes = hp_evidence_u64(o, "freezes");
    f->freeze_longest = time_or_zero(o, "freeze_longest_ns");
}

static void add_tracks(hp_report_case *c, JsonObject *document)
{
    for (unsigned i = 0; i < hp_evidence_n(document, "tracks"); i++) {
        JsonObject *o = hp_evidence_at(document, "tracks", i);
        const char *kind = hp_evidence_text(o, "kind");
        for (unsigned k = 0; k < HP_MEDIA_N_KINDS; k++) {
            if (strcmp(kind, hp_media_kind_name((hp_media_kind)k)) == 0) {
                hp_track_result t = {.kind = (hp_media_kind)k,
                                     .from = hp_evidence_text(o, "from"),
                                     .to = hp_evidence_text(o, "to"),
                                     .called = hp_evidence_time(o, "called_ns")};
                read_figures(o, &t.figures);
                hp_report_media_add_track(c->media, &t);
            }
        }
    }
}

static char *join_reasons(JsonObject *prediction)
{
    JsonNode *node = prediction != NULL ? json_object_get_member(prediction, "reasons") : NULL;
    GString *text = g_string_new(NULL);
    JsonArray *reasons = node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
    for (unsigned i = 0; reasons != NULL && i < json_array_get_length(reasons); i++) {
        JsonNode *reason = json_array_get_element(reasons, i);
        const bool is_text = JSON_NODE_HOLDS_VALUE(reason) && json_node_get_value_type(reason) == G_TYPE_STRING;
        g_string_append_printf(text, "%s%s", i > 0 ? "; " : "", is_text ? json_node_get_string(reason) : "");
    }
    return g_string_free(text, FALSE);
}

static void add_predictions(hp_report_case *c, JsonObject *document)
{
    for (unsigned i = 0; i < hp_evidence_n(document, "oracle"); i++) {
        JsonObject *o = hp_evidence_at(document, "oracle", i);
        g_autofree char *reasons = join_reasons(o);
        const hp_report_predicted predicted = {.a = hp_evidence_text(o, "a"),
                                               .b = hp_evidence_text(o, "b"),
                                               .outcome = hp_evidence_text(o, "predicted"),
                                               .worst = hp_evidence_text(o, "at_worst"),
                                               .verdict = hp_evidence_text(o, "verdict"),
                                               .why = hp_evidence_text(o, "why"),
                                               .reasons = reasons};
        g_ptr_array_add(c->predictions, hp_report_prediction(&predicted));
        c->n_disagreeing += strcmp(predicted.verdict, hp_oracle_verdict_name(HP_ORACLE_DISAGREES)) == 0;
    }
}

static hp_time first_connected(JsonObject *document)
{
    hp_time first = HP_NEVER;
    for (unsigned i = 0; i < hp_evidence_n(document, "sessions"); i++) {
        first = MIN(first, hp_evidence_time(hp_evidence_at(document, "sessions", i), "connected_ns"));
    }
    return hp_report_span(hp_evidence_time(document, "first_call_ns"), first);
}

hp_report_case *hp_report_case_of_document(JsonObject *document, const char *evidence, GError **error)
{
    hp_verdict verdict;
    if (!hp_report_document_check(document, &verdict, error)) {
        return NULL;
    }
    hp_report_case *c = hp_report_case_empty();
    c->file = g_strdup(hp_evidence_text(document, "file"));
    c->name = g_strdup(hp_evidence_text(document, "case"));
    c->verdict = verdict;
    c->message = text_or_null(document, "message");
    c->known_bug = text_or_null(document, "known_bug");
    c->ended = time_or_zero(document, "ended_ns");
    c->connected = first_connected(document);
    c->seed = hp_evidence_u64(document, "seed");
    c->live = text_or_null(hp_evidence_object(document, "live"), "summary");
    c->evidence = g_strdup(evidence);
    c->again = g_strdup(hp_evidence_text(document, "again"));
    add_expectations(c, document);
    add_dtls(c, document);
    add_tracks(c, document);
    add_predictions(c, document);
    return c;
}
