/* `media`: how well audio and video came through.
 *
 * Every track that `from`, `to` and the kinds asked for select must satisfy every measure, and every call carried out
 * before the window's end must have such tracks each way: a way in which nothing ever began is a failure, not silence.
 * Of tracks that have ended before the window, or begin after it, nothing is asked, unless there are no others: then
 * what is asked of them is asked of nothing (`sent: 0` holds, `loss: 0%` does not, since nothing was sent).
 *
 * A measure that nothing was there to measure for (a latency without an arrival) does not hold, whatever is asked of
 * it. first-packet and first-frame count from the window's start where the scenario gave one, else from the call step
 * that the track belongs to.
 *
 * All is computed at the end, from the facts. It is decided when the window has ended and what was sent in it had
 * HP_TRAFFIC_GRACE to arrive, or when all that is selected has stopped for good and nothing more can begin. */
#include "check/measures.h"
#include "check/traffic.h"

static hp_track_choice choice_of(const hp_expect *x)
{
    hp_track_choice choice = {.from = x->media.from, .to = x->media.to};
    memcpy(choice.kinds, x->media.asks, sizeof choice.kinds);
    return choice;
}

static bool decided(const hp_expectation *e)
{
    const hp_track_choice choice = choice_of(e->expect);
    return (e->window.closed && e->facts->now >= hp_time_add(e->window.end, HP_TRAFFIC_GRACE)) ||
           hp_media_done(e->facts, &choice);
}

static hp_track_window window_of(const hp_expectation *e, hp_time ended)
{
    const hp_sc_window *sc = &e->expect->window;
    const bool has_start = sc->after_step != NULL || sc->after > 0;
    const bool has_end = sc->before_step != NULL || sc->before != HP_NEVER;
    return (hp_track_window){
        .from = e->window.start_index,
        .to = e->window.end_index,
        .start = e->window.start,
        .end = has_start && has_end ? MIN(e->window.end, ended) : e->window.end,
        .ended = ended,
        .bounded = has_start && has_end,
    };
}

/* ---- the tracks in question ---- */

/* Whether the track's time and the window's meet. */
static bool is_alive_in(const hp_track_facts *track, const hp_window *w)
{
    hp_track_change before;
    const bool had_stopped = hp_track_state_at(track, w->start_index, &before) && before.state == HP_TRACK_STOPPED;
    return track->began_index < w->end_index && !had_stopped;
}

/* Those of one kind, by number; of hp_track_facts*. */
static GPtrArray *find_tracks(const hp_expectation *e, hp_media_kind kind)
{
    hp_track_choice choice = choice_of(e->expect);
    GPtrArray *all = g_ptr_array_new(), *alive = g_ptr_array_new();
    for (unsigned i = 0; i < HP_MEDIA_N_KINDS; i++) {
        choice.kinds[i] = i == kind;
    }
    for (unsigned i = 0; i < e->facts->track_index->len; i++) {
        hp_track_facts *track = g_ptr_array_index(e->facts->track_index, i);
        if (track != NULL && hp_track_chosen(track, &choice)) {
            g_ptr_array_add(all, track);
            if (is_alive_in(track, &e->window)) {
                g_ptr_array_add(alive, track);
            }
        }
    }
    if (alive->len > 0) {
        g_ptr_array_unref(all);
        return alive;
    }
    g_ptr_array_unref(alive);
    return all;
}

/* ---- one track ---- */

typedef struct verdict {
    const hp_track_facts *track;
    hp_media_figures figures;
    hp_track_evidence evidence;
    unsigned n_broken;
    unsigned n_too_long; /* of those, times that are longer than asked */
    hp_time too_long; /* the most */
    uint32_t packet; /* that shows the first broken measure which one shows */
} verdict;

static hp_time base_of(const hp_expectation *e, const hp_track_facts *track)
{
    const hp_sc_window *sc = &e->expect->window;
    if (sc->after_step != NULL || sc->after > 0) {
        return e->window.start;
    }
    const hp_time call = hp_media_call_time(e->facts, track);
    return call != HP_NEVER ? call : 0;
}

static void judge_track(const hp_expectation *e, const hp_track_window *w, const hp_track_facts *track, verdict *ret)
{
    const hp_sc_measures *asked = &e->expect->media.of[track->kind];
    const hp_time base = base_of(e, track);
    *ret = (verdict){.track = track};
    hp_track_figures(track, w, &ret->figures, &ret->evidence);
    for (unsigned i = 0; i < hp_measures_n(); i++) {
        const hp_measure *m = hp_measure_at(i);
        const hp_compare *range = hp_measure_asked(m, asked);
        const char *why;
        int64_t value = 0;
        if (!range->set) {
            continue;
        }
        const bool measured = hp_measure_value(m, &ret->figures, base, &value, &why);
        if (measured && hp_compare_holds(range, value)) {
            continue;
        }
        ret->n_broken++;
        if (measured && hp_measure_unit(m) == HP_UNIT_TIME && value > range->max) {
            ret->n_too_long++;
            ret->too_long = MAX(ret->too_long, (hp_time)(value - range->max));
        }
        if (measured && value > range->max && ret->packet == 0) {
            ret->packet = hp_measure_packet(m, track, w, &ret->evidence, value);
        }
    }
}

static void append_track(GString *text, hp_media_kind kind, const char *from, const char *to)
{
    g_string_append_printf(text, "%s ", hp_media_kind_name(kind));
    hp_text_flow(text, from, to);
}

/* "audio from alice to bob: loss 5% (not < 1%), mos 3.9". */
static void append_verdict(const hp_expectation *e, GString *text, const verdict *v)
{
    const hp_sc_measures *asked = &e->expect->media.of[v->track->kind];
    const hp_time base = base_of(e, v->track);
    bool first = true;
    append_track(text, v->track->kind, v->track->from, v->track->to);
    for (unsigned i = 0; i < hp_measures_n(); i++) {
        const hp_measure *m = hp_measure_at(i);
        const hp_compare *range = hp_measure_asked(m, asked);
        const char *why;
        int64_t value;
        if (!range->set) {
            continue;
        }
        g_string_append_printf(text, "%s%s ", first ? ": " : ", ", hp_measure_name(m));
        first = false;
        if (!hp_measure_value(m, &v->figures, base, &value, &why)) {
            g_string_append_printf(text, "unknown (%s)", why);
            continue;
        }
        hp_text_value(text, hp_measure_unit(m), value);
        if (!hp_compare_holds(range, value)) {
            g_autofree char *wanted = hp_compare_format(range);
            g_string_append_printf(text, " (not %s)", wanted);
        }
    }
}

/* ---- all of them ---- */

/* The most by which times were too long, where nothing else is broken; else 0. */
static hp_time only_too_long(const verdict *verdicts, unsigned n)
{
    hp_time most = 0;
    for (unsigned i = 0; i < n; i++) {
        if (verdicts[i].n_too_long < verdicts[i].n_broken) {
            return 0;
        }
        most = MAX(most, verdicts[i].too_long);
    }
    return most;
}

/* The worst first; of equals the lower number. */
static int by_breakage(const void *a, const void *b)
{
    const verdict *x = a;
    const verdict *y = b;
    if (x->n_broken != y->n_broken) {
        return (x->n_broken < y->n_broken) - (x->n_broken > y->n_broken);
    }
    return (x->track->number > y->track->number) - (x->track->number < y->track->number);
}

static void append_verdicts(const hp_expectation *e, hp_judgement *j, const verdict *verdicts, unsigned n)
{
    enum { MOST = 4 };
    const bool failed = n > 0 && verdicts[0].n_broken > 0;
    unsigned told = 0;
    for (unsigned i = 0; i < n; i++) {
        if ((failed && verdicts[i].n_broken == 0) || told >= MOST) {
            break;
        }
        g_string_append(j->got, j->got->len > 0 ? "; " : "");
        append_verdict(e, j->got, &verdicts[i]);
        told++;
    }
    unsigned more = 0;
    for (unsigned i = told; i < n; i++) {
        more += !failed || verdicts[i].n_broken > 0;
    }
    if (more > 0) {
        g_string_append_printf(j->got, "; and %u more", more);
    }
}

static void append_refusals(GString *text, const hp_track_facts *track, const hp_track_window *w)
{
    static const struct {
        hp_incident_kind kind;
        const char *reason;
    } refusals[] = {
        {HP_INCIDENT_WITHOUT_KEYS, "no keys yet"},
        {HP_INCIDENT_AUTH_FAILED, "authentication failed"},
        {HP_INCIDENT_REPLAYED, "replayed"},
        {HP_INCIDENT_MALFORMED, "malformed"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(refusals); i++) {
        const uint64_t n = hp_track_incidents(track, w, refusals[i].kind);
        if (n > 0) {
            g_string_append_printf(text, "; %" G_GUINT64_FORMAT " refused by SRTP: %s", n, refusals[i].reason);
        }
    }
}

/* What became of the worst track's packets, and why. */
static void explain(const hp_expectation *e, hp_judgement *j, const hp_track_window *w, const verdict *worst)
{
    const hp_media_figures *f = &worst->figures;
    const uint64_t refused = hp_track_refused_by_agent(worst->track, w);
    if (f->lost > 0 || f->late > 0) {
        g_string_append_printf(j->got,
                               "; %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " lost, %" G_GUINT64_FORMAT
                               " of them recovered, %" G_GUINT64_FORMAT " late",
                               f->lost, f->sent, f->recovered, f->late);
    }
    if (refused > 0) {
        g_string_append_printf(j->got, "; %" G_GUINT64_FORMAT " refused by the agent", refused);
    }
    if (f->lost > 0 && f->discarded > 0) {
        g_string_append_printf(j->got, "; %" G_GUINT64_FORMAT " were discarded on arrival", f->discarded);
    }
    append_refusals(j->got, worst->track, w);
    if (f->lost > 0) {
        g_autoptr(GString) drops = g_string_new(NULL);
        hp_diagnosis_append_drops(j->diagnose(j), true, drops);
        g_string_append_printf(j->got, "; %s", drops->len > 0 ? drops->str : "no drop of data was recorded");
    }
}

/* Why a track may never have begun: sections of descriptions that a peer had no use for, the first few. */
static void append_ignored(GString *text, const hp_trace *trace)
{
    enum { MOST = 3 };
    hp_trace_cursor cursor = {0};
    hp_record r;
    for (unsigned n = 0; n < MOST && hp_trace_next_of(trace, &cursor, 1U << HP_RECORD_EVENT, &r);) {
        if (r.event.kind == HP_EV_MEDIA_IGNORED && hp_record_u64(&r, "packet") == 0) {
            g_string_append_printf(text, "; %s ignored %s: %s", r.event.subject, hp_record_text(&r, "what"),
                                   hp_record_text(&r, "reason"));
            n++;
        }
    }
}

/* A track that ought to be there and is not: of a call, or of what the expectation names. */
static bool append_missing(const hp_expectation *e, GString *text, const bool found[HP_MEDIA_N_KINDS])
{
    const hp_track_choice choice = choice_of(e->expect);
    hp_media_kind kind;
    const char *from, *to;
    if (hp_media_missing(e->facts, &choice, e->window.end_index, &kind, &from, &to)) {
        g_string_append(text, "no ");
        append_track(text, kind, from, to);
        g_string_append(text, " began");
        return true;
    }
    for (unsigned i = 0; i < HP_MEDIA_N_KINDS; i++) {
        if (choice.kinds[i] && !found[i]) {
            g_string_append_printf(text, "no %s", hp_media_kind_name((hp_media_kind)i));
            if (choice.from != NULL || choice.to != NULL) {
                g_string_append_c(text, ' ');
                hp_text_flow(text, choice.from, choice.to);
            }
            g_string_append(text, " began");
            return true;
        }
    }
    return false;
}

static void append_expected(const hp_expect *x, GString *text)
{
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        if (!x->media.asks[kind]) {
            continue;
        }
        g_string_append_printf(text, "%s%s", text->len > 0 ? "; " : "", hp_media_kind_name((hp_media_kind)kind));
        if (x->media.from != NULL || x->media.to != NULL) {
            g_string_append_c(text, ' ');
            hp_text_flow(text, x->media.from, x->media.to);
        }
        g_string_append(text, ": ");
        for (unsigned i = 0; i < hp_measures_n(); i++) {
            const hp_measure *m = hp_measure_at(i);
            hp_text_compare(text, hp_measure_name(m), hp_measure_asked(m, &x->media.of[kind]));
        }
    }
    hp_text_window(text, x);
}

static void judge(const hp_expectation *e, hp_judgement *j)
{
    const hp_track_window w = window_of(e, j->ended);
    g_autoptr(GArray) verdicts = g_array_new(FALSE, FALSE, sizeof(verdict));
    bool found[HP_MEDIA_N_KINDS] = {false};
    append_expected(e->expect, j->expected);
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        if (!e->expect->media.asks[kind]) {
            continue;
        }
        g_autoptr(GPtrArray) tracks = find_tracks(e, (hp_media_kind)kind);
        found[kind] = tracks->len > 0;
        for (unsigned i = 0; i < tracks->len; i++) {
            verdict v;
            judge_track(e, &w, g_ptr_array_index(tracks, i), &v);
            g_array_append_val(verdicts, v);
        }
    }
    g_array_sort(verdicts, by_breakage);
    const verdict *list = (const verdict *)(const void *)verdicts->data;
    const bool missing = append_missing(e, j->got, found);
    j->passed = !missing && verdicts->len > 0 && list[0].n_broken == 0;
    j->too_long = missing ? 0 : only_too_long(list, verdicts->len);
    if (!missing || (verdicts->len > 0 && list[0].n_broken > 0)) {
        append_verdicts(e, j, list, verdicts->len);
    }
    if (j->passed) {
        return;
    }
    if (verdicts->len > 0 && list[0].n_broken > 0) {
        j->packet = list[0].packet;
        explain(e, j, &w, &list[0]);
    }
    if (missing) {
        append_ignored(j->got, j->trace);
    }
    hp_text_dtls_trouble(j->got, e->facts);
}

const hp_expectation_ops hp_expect_media_ops = {
    .decided = decided,
    .judge = judge,
    .outlasts_window = true,
};
