/* A case's ladder, candidate pairs and marks for a page, from its evidence folder.
 *
 * The ladder is read as for the terminal, in more detail (hp_ladder_options.detailed). Only then is it known which
 * entries are kept (page_keep.c) and so of which packets fields are told, which a second pass over the capture decodes
 * (page_packets.c). Folding has made most runs short long before. What cannot be read is a complaint; the rest is
 * shown. */
#include <assert.h>
#include <string.h>

#include "report/evidence.h"
#include "report/page_private.h"
#include "report/pairs.h"

/* ---- words ---- */

static const char *role_name(hp_ladder_role role)
{
    switch (role) {
    case HP_LADDER_PEER:
        return "peer";
    case HP_LADDER_SIGNALING:
        return "signaling";
    case HP_LADDER_SERVER:
        return "server";
    }
    return "";
}

static const char *shape_name(hp_ladder_shape shape)
{
    switch (shape) {
    case HP_LADDER_ACROSS:
        return "across";
    case HP_LADDER_NOTE:
        return "note";
    case HP_LADDER_ARROW:
    case HP_LADDER_EXCHANGE:
        return "arrow";
    }
    return "";
}

/* What concerns everyone: a step, a change of the network, or what came of the run. */
static const char *step_kind(const hp_ladder_entry *e)
{
    const char *event = e->event != NULL ? hp_evidence_text(e->event, "event") : "";
    if (strcmp(event, "nat-changed") == 0) {
        return "nat";
    }
    return strcmp(event, "step") == 0                                                   ? "step"
           : g_str_has_suffix(event, "-changed") || strcmp(event, "rule-switched") == 0 ? "network"
                                                                                        : "verdict";
}

static const char *kind_name(const hp_ladder_entry *e)
{
    switch (e->kind) {
    case HP_LADDER_STEP:
        return step_kind(e);
    case HP_LADDER_SIGNAL:
        return "signaling";
    case HP_LADDER_SERVED:
        return e->served != NULL ? e->served : "turn";
    case HP_LADDER_CHECK:
    case HP_LADDER_ICE:
        return "ice";
    case HP_LADDER_DTLS:
        return "dtls";
    case HP_LADDER_MEDIA:
        return "media";
    case HP_LADDER_DATA:
        return "data";
    case HP_LADDER_OTHER:
    case HP_LADDER_SUMMARY:
    case HP_LADDER_KIND_N:
        break;
    }
    return "other";
}

/* ---- the ladder ---- */

static void put_end(hp_json *j, const char *key, int participant)
{
    if (participant == HP_LADDER_NOBODY) {
        hp_json_text(j, key, NULL);
    } else {
        hp_json_u64(j, key, (unsigned)participant);
    }
}

/* What most entries do not have (a last of several, a relay, a note, a fate) is left out rather than null: there are
 * hundreds of them in a case, and thousands of cases. */
static void put_entry(hp_json *j, const hp_page_packets *packets, const hp_ladder_entry *e, unsigned skipped)
{
    const bool is_open = e->dropped != NULL && strcmp(e->dropped, "under way at the end") == 0;
    hp_json_open(j, NULL, '{');
    hp_json_time(j, "at", e->at);
    if (e->last > e->at) {
        hp_json_time(j, "last", e->last);
    }
    hp_json_text(j, "shape", shape_name(e->shape));
    put_end(j, "from", e->from);
    put_end(j, "to", e->to);
    if (e->via != HP_LADDER_NOBODY) {
        put_end(j, "via", e->via);
    }
    hp_json_text(j, "kind", kind_name(e));
    hp_json_text(j, "text", e->text);
    if (e->note != NULL) {
        hp_json_text(j, "note", e->note);
    }
    hp_json_u64(j, "count", e->count);
    if (e->bad) {
        hp_json_bool(j, "bad", true);
    }
    if (e->dropped != NULL) {
        hp_json_text(j, "fate", is_open ? "under-way" : "dropped");
        hp_json_text(j, "reason", e->dropped);
    }
    hp_json_u64(j, "packet", e->packet);
    if (skipped > 0) {
        hp_json_u64(j, "skipped", skipped); /* entries left out right before this one */
    }
    hp_page_put_fields(j, packets, e);
    hp_json_close(j, '}');
}

static void put_ladder(hp_json *j, const hp_ladder *ladder, const char *folder, JsonObject *result)
{
    const bool good = hp_evidence_bool(result, "good");
    g_autoptr(GArray) kept = hp_page_keep(ladder, result, good ? HP_PAGE_ENTRIES : HP_PAGE_ENTRIES_BAD);
    g_autoptr(hp_page_packets) packets = hp_page_packets_read(ladder, kept, result, folder);
    unsigned next = 0;
    hp_json_open(j, "ladder", '{');
    hp_json_open(j, "participants", '[');
    for (unsigned i = 0; i < ladder->participants->len; i++) {
        const hp_ladder_participant *p = g_ptr_array_index(ladder->participants, i);
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", p->name);
        hp_json_text(j, "role", role_name(p->role));
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
    hp_json_open(j, "entries", '[');
    for (unsigned i = 0; i < kept->len; i++) {
        const unsigned at = g_array_index(kept, unsigned, i);
        put_entry(j, packets, g_ptr_array_index(ladder->entries, at), at - next);
        next = at + 1;
    }
    hp_json_close(j, ']');
    hp_page_put_packets(j, packets, ladder, kept);
    hp_json_u64(j, "left_out", ladder->entries->len - kept->len);
    hp_json_text(j, "complaint", ladder->complaint);
    hp_json_close(j, '}');
}

/* ---- pairs and marks ---- */

static void put_candidate(hp_json *j, const char *key, const char *type, const hp_addr *addr, const hp_addr *base)
{
    hp_json_open(j, key, '{');
    hp_json_text(j, "type", type);
    hp_json_addr(j, "address", addr);
    if (base != NULL && base->family != HP_AF_NONE) {
        hp_json_addr(j, "base", base);
    }
    hp_json_close(j, '}');
}

static void put_pair(hp_json *j, const hp_pair *p)
{
    hp_json_open(j, NULL, '{');
    hp_json_text(j, "peer", p->peer);
    hp_json_text(j, "with", p->with);
    hp_json_u64(j, "session", p->session);
    hp_json_u64(j, "stream", p->stream);
    hp_json_u64(j, "component", p->component);
    hp_json_text(j, "transport", p->tcp ? "tcp" : "udp");
    put_candidate(j, "local", p->local_type, &p->local, &p->base);
    put_candidate(j, "remote", p->remote_type, &p->remote, NULL);
    hp_json_text(j, "via", p->via);
    hp_json_open(j, "spans", '[');
    for (unsigned i = 0; i < p->spans->len; i++) {
        const hp_pair_span *span = &g_array_index(p->spans, hp_pair_span, i);
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "state", hp_pair_state_name(span->state));
        hp_json_time(j, "from", span->from);
        hp_json_time(j, "to", span->to);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
    hp_json_open(j, "checks", '[');
    for (unsigned i = 0; i < p->checks->len; i++) {
        const hp_pair_check *check = &g_array_index(p->checks, hp_pair_check, i);
        hp_json_open(j, NULL, '{');
        hp_json_time(j, "at", check->at);
        hp_json_text(j, "what", check->what);
        hp_json_u64(j, "packet", check->packet);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
    hp_json_time(j, "nominated_ns", p->nominated);
    hp_json_time(j, "selected_ns", p->selected);
    hp_json_close(j, '}');
}

static void put_pairs_and_marks(hp_json *j, const hp_ladder *ladder)
{
    hp_json_open(j, "pairs", '[');
    for (unsigned i = 0; ladder != NULL && i < ladder->pairs->len; i++) {
        put_pair(j, g_ptr_array_index(ladder->pairs, i));
    }
    hp_json_close(j, ']');
    hp_json_open(j, "marks", '[');
    for (unsigned i = 0; ladder != NULL && i < ladder->marks->len; i++) {
        const hp_ladder_mark *m = g_ptr_array_index(ladder->marks, i);
        hp_json_open(j, NULL, '{');
        hp_json_time(j, "at", m->at);
        hp_json_text(j, "kind", m->kind);
        hp_json_text(j, "text", m->text);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

/* ---- all of it ---- */

/* A ladder without entries. */
static void put_complaint(hp_json *j, const char *complaint)
{
    hp_json_open(j, "ladder", '{');
    hp_json_open(j, "participants", '[');
    hp_json_close(j, ']');
    hp_json_open(j, "entries", '[');
    hp_json_close(j, ']');
    hp_json_open(j, "packets", '[');
    hp_json_close(j, ']');
    hp_json_u64(j, "left_out", 0);
    hp_json_text(j, "complaint", complaint);
    hp_json_close(j, '}');
}

void hp_page_no_ladder(hp_json *j, const char *complaint)
{
    if (complaint != NULL) {
        put_complaint(j, complaint);
    } else {
        hp_json_text(j, "ladder", NULL);
    }
    put_pairs_and_marks(j, NULL);
}

bool hp_page_ladder(hp_json *j, const char *folder, JsonObject *result)
{
    const hp_ladder_options options = {.detailed = true, .to = HP_NEVER};
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_ladder) ladder = hp_ladder_read(folder, &options, &error);
    if (ladder != NULL) {
        put_ladder(j, ladder, folder, result);
    } else {
        put_complaint(j, error->message);
    }
    put_pairs_and_marks(j, ladder);
    return ladder != NULL && ladder->complaint == NULL;
}
