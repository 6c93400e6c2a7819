/* Theory of operation. The two documents are read as any result is read back (evidence.h): nothing of them is taken on
 * trust. Sessions, flows and tracks are matched by who speaks with whom and their number among their like, as the worlds
 * need not number them alike; what only one of them has differs.
 *
 * Times agree when they are no further apart than their bound, or both never happened. Counts of packets are not
 * compared, as random loss falls on other packets where there are other packets (and a run that is decided early ends at
 * another instant): only whether anything arrived is. For the same reason nothing is said of a session that connected in
 * one world when the other one's run was over already.
 *
 * When the verdicts differ, the rest is compared all the same: it mostly says why. */
#include "report/agree.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "report/evidence.h"
#include "report/run_read.h"

enum { VIRTUAL, LIVE, WORLDS };

static const char *const outcome_names[] = {"agrees", "differs", "invalid", "left-out"};
static_assert(G_N_ELEMENTS(outcome_names) == HP_AGREE_N, "one name an outcome");

const char *hp_agree_outcome_name(hp_agree_outcome outcome)
{
    return outcome_names[outcome];
}

/* ---- items ---- */

static void item_free(gpointer data)
{
    hp_agree_item *item = data;
    g_free(item->what);
    g_free(item->values[VIRTUAL]);
    g_free(item->values[LIVE]);
    g_free(item);
}

/* what is taken. */
static hp_agree_item *add_item(hp_agreement *a, char *what, const char *of_virtual, const char *of_live)
{
    hp_agree_item *item = g_new0(hp_agree_item, 1);
    item->what = what;
    item->values[VIRTUAL] = g_strdup(of_virtual);
    item->values[LIVE] = g_strdup(of_live);
    item->differs = strcmp(of_virtual, of_live) != 0;
    item->apart = item->bound = HP_NEVER;
    g_ptr_array_add(a->items, item);
    return item;
}

static void add_time(hp_agreement *a, char *what, hp_time of_virtual, hp_time of_live, hp_time bound)
{
    char text[WORLDS][HP_TIME_TEXT];
    const hp_time times[WORLDS] = {of_virtual, of_live};
    const char *values[WORLDS];
    for (unsigned i = 0; i < WORLDS; i++) {
        values[i] = times[i] == HP_NEVER ? "never" : hp_time_format(times[i], text[i]);
    }
    hp_agree_item *item = add_item(a, what, values[VIRTUAL], values[LIVE]);
    item->bound = bound;
    if (of_virtual != HP_NEVER && of_live != HP_NEVER) {
        item->apart = of_virtual > of_live ? of_virtual - of_live : of_live - of_virtual;
        item->differs = item->apart > bound;
    } else {
        item->differs = of_virtual != of_live;
    }
}

/* ---- matching ---- */

typedef char *(*key_fn)(JsonObject *element); /* who is it about; caller frees */

/* The element of that key and rank (0: the first of its like); NULL. */
static JsonObject *find(JsonObject *document, const char *array, key_fn key_of, const char *key, unsigned rank)
{
    for (unsigned i = 0; i < hp_evidence_n(document, array); i++) {
        JsonObject *element = hp_evidence_at(document, array, i);
        g_autofree char *own = element != NULL ? key_of(element) : NULL;
        if (own != NULL && strcmp(own, key) == 0 && rank-- == 0) {
            return element;
        }
    }
    return NULL;
}

static unsigned rank_of(JsonObject *document, const char *array, key_fn key_of, const char *key, unsigned before)
{
    unsigned rank = 0;
    for (unsigned i = 0; i < before; i++) {
        JsonObject *element = hp_evidence_at(document, array, i);
        g_autofree char *own = element != NULL ? key_of(element) : NULL;
        rank += own != NULL && strcmp(own, key) == 0;
    }
    return rank;
}

typedef struct comparison {
    hp_agreement *a;
    JsonObject *documents[WORLDS];
    hp_agree_bounds bounds;
} comparison;

typedef void (*compare_fn)(comparison *c, const char *what, JsonObject *const elements[static WORLDS]);

/* Every element of either, with its counterpart. */
static void compare_array(comparison *c, const char *array, key_fn key_of, compare_fn compare)
{
    for (unsigned world = 0; world < WORLDS; world++) {
        JsonObject *own = c->documents[world], *other = c->documents[1 - world];
        for (unsigned i = 0; i < hp_evidence_n(own, array); i++) {
            JsonObject *element = hp_evidence_at(own, array, i);
            if (element == NULL) {
                continue;
            }
            g_autofree char *key = key_of(element);
            const unsigned rank = rank_of(own, array, key_of, key, i);
            JsonObject *match = find(other, array, key_of, key, rank);
            g_autofree char *what = rank > 0 ? g_strdup_printf("%s (%u)", key, rank + 1) : g_strdup(key);
            if (match == NULL) {
                add_item(c->a, g_steal_pointer(&what), world == VIRTUAL ? "there" : "not there",
                         world == VIRTUAL ? "not there" : "there");
            } else if (world == VIRTUAL) {
                compare(c, what, (JsonObject *const[WORLDS]){element, match});
            }
        }
    }
}

/* ---- what is compared ---- */

/* A peer numbers its sessions as they come, and whose offer is there first a millisecond decides: so the number is not
 * part of who speaks with whom, only the order of sessions of the same two. */
static char *session_key(JsonObject *s)
{
    g_autofree char *part = hp_evidence_u64(s, "stream") > 1 || hp_evidence_u64(s, "component") > 1
                                ? g_strdup_printf(", stream %" G_GUINT64_FORMAT " component %" G_GUINT64_FORMAT,
                                                  hp_evidence_u64(s, "stream"), hp_evidence_u64(s, "component"))
                                : g_strdup("");
    return g_strdup_printf("%s with %s%s", hp_evidence_text(s, "peer"), hp_evidence_text(s, "with"), part);
}

static const char *kind_of(const char *type)
{
    if (*type == '\0') {
        return "none";
    }
    return strcmp(type, "srflx") == 0 || strcmp(type, "prflx") == 0 ? "reflexive" : type;
}

static char *pair_of(JsonObject *session)
{
    return g_strdup_printf("%s/%s", kind_of(hp_evidence_text(session, "local_type")),
                           kind_of(hp_evidence_text(session, "remote_type")));
}

static hp_time since_call(JsonObject *document, JsonObject *session)
{
    const hp_time from = hp_evidence_time(document, "first_call_ns");
    const hp_time to = hp_evidence_time(session, "connected_ns");
    return from == HP_NEVER || to == HP_NEVER || to < from ? HP_NEVER : to - from;
}

/* One of the runs was over, as all was decided, before the session could have connected there as it did in the other. */
static bool ended_before(const comparison *c, JsonObject *const elements[static WORLDS])
{
    for (unsigned i = 0; i < WORLDS; i++) {
        const hp_time own = hp_evidence_time(elements[i], "connected_ns");
        const hp_time other = hp_evidence_time(elements[1 - i], "connected_ns");
        const hp_time ended = hp_evidence_time(c->documents[i], "ended_ns");
        if (own == HP_NEVER && other != HP_NEVER && ended < hp_time_add(other, c->bounds.connect)) {
            return true;
        }
    }
    return false;
}

static void compare_session(comparison *c, const char *what, JsonObject *const elements[static WORLDS])
{
    if (ended_before(c, elements)) {
        return;
    }
    g_autofree char *of_virtual = pair_of(elements[VIRTUAL]), *of_live = pair_of(elements[LIVE]);
    add_item(c->a, g_strdup_printf("%s: pair", what), of_virtual, of_live);
    add_time(c->a, g_strdup_printf("%s: connected", what), since_call(c->documents[VIRTUAL], elements[VIRTUAL]),
             since_call(c->documents[LIVE], elements[LIVE]), c->bounds.connect);
}

static const char *arrived(JsonObject *element)
{
    return hp_evidence_u64(element, "received") > 0 ? "yes" : "no";
}

static void compare_carried(comparison *c, const char *what, JsonObject *const elements[static WORLDS])
{
    hp_time medians[WORLDS];
    for (unsigned i = 0; i < WORLDS; i++) {
        medians[i] = hp_evidence_u64(elements[i], "received") > 0
                         ? hp_evidence_time(hp_evidence_object(elements[i], "latency"), "median_ns")
                         : HP_NEVER;
    }
    add_item(c->a, g_strdup_printf("%s: arrives", what), arrived(elements[VIRTUAL]), arrived(elements[LIVE]));
    add_time(c->a, g_strdup_printf("%s: latency", what), medians[VIRTUAL], medians[LIVE], c->bounds.latency);
}

static char *flow_key(JsonObject *flow)
{
    return g_strdup_printf("flow from %s to %s", hp_evidence_text(flow, "from"), hp_evidence_text(flow, "to"));
}

static char *track_key(JsonObject *track)
{
    return g_strdup_printf("%s from %s to %s", hp_evidence_text(track, "kind"), hp_evidence_text(track, "from"),
                           hp_evidence_text(track, "to"));
}

/* ---- the whole ---- */

static hp_agreement *new_agreement(const char *name, const char *file)
{
    hp_agreement *a = g_new0(hp_agreement, 1);
    a->name = g_strdup(name);
    a->file = g_strdup(file);
    a->items = g_ptr_array_new_with_free_func(item_free);
    return a;
}

void hp_agreement_free(hp_agreement *a)
{
    if (a == NULL) {
        return;
    }
    g_free(a->name);
    g_free(a->file);
    g_free(a->why);
    g_free(a->verdicts[VIRTUAL]);
    g_free(a->verdicts[LIVE]);
    g_free(a->again);
    g_ptr_array_unref(a->items);
    g_free(a);
}

hp_agreement *hp_agree_leave_out(const char *name, const char *file, const char *virtual_verdict, const char *why)
{
    hp_agreement *a = new_agreement(name, file);
    a->outcome = HP_AGREE_LEFT_OUT;
    a->verdicts[VIRTUAL] = g_strdup(virtual_verdict);
    a->why = g_strdup(why);
    return a;
}

static void compare_all(comparison *c)
{
    add_item(c->a, g_strdup("verdict"), c->a->verdicts[VIRTUAL], c->a->verdicts[LIVE]);
    compare_array(c, "sessions", session_key, compare_session);
    compare_array(c, "flows", flow_key, compare_carried);
    compare_array(c, "tracks", track_key, compare_carried);
    c->a->outcome = HP_AGREE_AGREES;
    for (unsigned i = 0; i < c->a->items->len; i++) {
        const hp_agree_item *item = c->a->items->pdata[i];
        if (item->differs) {
            c->a->outcome = HP_AGREE_DIFFERS;
        }
    }
}

hp_agreement *hp_agree_compare(JsonObject *virtual_run, JsonObject *live_run, const hp_agree_bounds *bounds,
                               GError **error)
{
    hp_verdict verdicts[WORLDS];
    JsonObject *const documents[WORLDS] = {virtual_run, live_run};
    for (unsigned i = 0; i < WORLDS; i++) {
        if (!hp_report_document_check(documents[i], &verdicts[i], error)) {
            return NULL;
        }
    }
    const char *name = hp_evidence_text(virtual_run, "case");
    if (strcmp(name, hp_evidence_text(live_run, "case")) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` and `%s` are two cases", name,
                    hp_evidence_text(live_run, "case"));
        return NULL;
    }
    hp_agreement *a = new_agreement(name, hp_evidence_text(virtual_run, "file"));
    comparison c = {.a = a,
                    .documents = {virtual_run, live_run},
                    .bounds = {.connect = bounds->connect != 0 ? bounds->connect : HP_AGREE_CONNECT,
                               .latency = bounds->latency != 0 ? bounds->latency : HP_AGREE_LATENCY}};
    for (unsigned i = 0; i < WORLDS; i++) {
        a->verdicts[i] = g_strdup(hp_verdict_name(verdicts[i]));
    }
    a->again = g_strdup(hp_evidence_text(virtual_run, "again"));
    a->why = g_strdup(bounds->why);
    if (verdicts[LIVE] == HP_VERDICT_INVALID) {
        a->outcome = HP_AGREE_INVALID;
    } else if (verdicts[LIVE] == HP_VERDICT_SKIPPED || verdicts[VIRTUAL] == HP_VERDICT_SKIPPED) {
        a->outcome = HP_AGREE_LEFT_OUT;
        g_free(a->why);
        a->why = g_strdup(hp_evidence_text(verdicts[LIVE] == HP_VERDICT_SKIPPED ? live_run : virtual_run, "message"));
    } else {
        compare_all(&c);
    }
    return a;
}

void hp_agree_count(const GPtrArray *all, unsigned ret[static HP_AGREE_N])
{
    memset(ret, 0, HP_AGREE_N * sizeof *ret);
    for (unsigned i = 0; i < all->len; i++) {
        const hp_agreement *a = all->pdata[i];
        ret[a->outcome]++;
    }
}
