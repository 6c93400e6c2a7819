/* Drives the expectations over the trace.
 *
 * A record goes first to the facts, then to the windows, then to the expectations that subscribed to its kind: one list
 * for packets, one for drops, one for each event kind, so that a record nobody asked for costs a look into an empty
 * list. Feeding in one go or record by record gives the same result, because nothing is computed between records.
 *
 * The order of results is the scenario's; findings (findings.c) follow. A checker may be finished on a trace that
 * breaks off: what was not decided is judged as of its end. */
#include "check/checker.h"
#include "check/live.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/error.h"

static const hp_expectation_ops *const ops_by_kind[] = {
    [HP_EXPECT_CONNECTED] = &hp_expect_connected_ops,
    [HP_EXPECT_NOT_CONNECTED] = &hp_expect_not_connected_ops,
    [HP_EXPECT_PAIR] = &hp_expect_pair_ops,
    [HP_EXPECT_STATE] = &hp_expect_state_ops,
    [HP_EXPECT_CANDIDATES] = &hp_expect_candidates_ops,
    [HP_EXPECT_DELIVERY] = &hp_expect_delivery_ops,
    [HP_EXPECT_LATENCY] = &hp_expect_latency_ops,
    [HP_EXPECT_PACKETS] = &hp_expect_packets_ops,
    [HP_EXPECT_DROPS] = &hp_expect_drops_ops,
    [HP_EXPECT_MAPPINGS] = &hp_expect_mappings_ops,
    [HP_EXPECT_RELAYED] = &hp_expect_relayed_ops,
    [HP_EXPECT_CONSENT] = &hp_expect_consent_ops,
    [HP_EXPECT_RECOVERED] = &hp_expect_recovered_ops,
    [HP_EXPECT_MEDIA] = &hp_expect_media_ops,
    [HP_EXPECT_DTLS] = &hp_expect_dtls_ops,
    [HP_EXPECT_LINK] = &hp_expect_link_ops,
    [HP_EXPECT_EVENT] = &hp_expect_event_ops,
    [HP_EXPECT_ORDER] = &hp_expect_order_ops,
    [HP_EXPECT_RULE] = &hp_expect_rule_ops,
    [HP_EXPECT_SCRIPT] = &hp_expect_script_ops,
    [HP_EXPECT_PREDICTED] = &hp_expect_predicted_ops,
};
static_assert(G_N_ELEMENTS(ops_by_kind) == HP_EXPECT_N, "each kind of expectation has its functions");

struct hp_checker {
    const hp_plan *plan;
    hp_facts *facts;
    hp_trace_cursor cursor;
    hp_expectation *expectations; /* one for each of the scenario, in its order */
    unsigned n;
    GPtrArray *on_packet, *on_drop, *on_event[HP_EV_N]; /* of hp_expectation* */
    hp_time next_bound; /* the earliest time at which a window opens or closes */
    hp_diagnosis *diagnosis;
};

/* ---- windows ---- */

static void open_window(hp_window *w, hp_time at, uint64_t index)
{
    w->opened = true;
    w->start = at;
    w->start_index = index;
}

static void close_window(hp_window *w, hp_time at, uint64_t index)
{
    w->closed = true;
    w->end = at;
    w->end_index = index;
}

/* Opens and closes what is due by time, with `index` the record that follows. */
static void pass_time(hp_checker *checker, hp_time now, uint64_t index)
{
    checker->next_bound = HP_NEVER;
    for (unsigned i = 0; i < checker->n; i++) {
        hp_window *w = &checker->expectations[i].window;
        const hp_sc_window *sc = &checker->expectations[i].expect->window;
        if (!w->opened && w->after_step < 0) {
            if (sc->after <= now) {
                open_window(w, sc->after, index);
            } else {
                checker->next_bound = MIN(checker->next_bound, sc->after);
            }
        }
        if (!w->closed && w->before_step < 0) {
            if (sc->before <= now) {
                close_window(w, sc->before, index);
            } else {
                checker->next_bound = MIN(checker->next_bound, sc->before);
            }
        }
    }
}

static void pass_step(hp_checker *checker, int step, const hp_record *r)
{
    for (unsigned i = 0; i < checker->n; i++) {
        hp_window *w = &checker->expectations[i].window;
        if (!w->opened && w->after_step == step) {
            open_window(w, r->at, r->index);
        }
        if (!w->closed && w->before_step == step) {
            close_window(w, r->at, r->index);
        }
    }
}

static bool init_window(hp_checker *checker, hp_expectation *e, GError **error)
{
    const hp_sc_window *sc = &e->expect->window;
    const char *const names[] = {sc->after_step, sc->before_step};
    int steps[] = {-1, -1};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i] != NULL) {
            steps[i] = hp_plan_find_step(checker->plan, names[i]);
            if (steps[i] < 0) {
                hp_expectation_error(e, error, "no step is called `%s`", names[i]);
                return false;
            }
        }
    }
    e->window = (hp_window){
        .restricted = names[0] != NULL || names[1] != NULL || sc->after > 0 || sc->before != HP_NEVER,
        .start = HP_NEVER,
        .end = HP_NEVER,
        .start_index = UINT64_MAX,
        .end_index = UINT64_MAX,
        .after_step = steps[0],
        .before_step = steps[1],
    };
    return true;
}

/* ---- making and freeing ---- */

void hp_expectation_error(const hp_expectation *e, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s:%u: %s", e->expect->mark.file ? e->expect->mark.file : "",
                e->expect->mark.line, message);
}

static void subscribe(hp_checker *checker, hp_expectation *e)
{
    if (e->packets) {
        g_ptr_array_add(checker->on_packet, e);
    }
    if (e->ops->drops) {
        g_ptr_array_add(checker->on_drop, e);
    }
    for (unsigned kind = 0; kind < HP_EV_N; kind++) {
        if ((e->events & HP_EVENT_BIT(kind)) != 0) {
            g_ptr_array_add(checker->on_event[kind], e);
        }
    }
}

hp_checker *hp_checker_new(const hp_plan *plan, GError **error)
{
    const hp_scenario *scenario = plan->scenario;
    g_autoptr(hp_checker) checker = g_new0(hp_checker, 1);
    checker->plan = plan;
    checker->facts = hp_facts_new(plan);
    checker->expectations = g_new0(hp_expectation, scenario->n_expects);
    checker->on_packet = g_ptr_array_new();
    checker->on_drop = g_ptr_array_new();
    for (unsigned kind = 0; kind < HP_EV_N; kind++) {
        checker->on_event[kind] = g_ptr_array_new();
    }
    for (unsigned i = 0; i < scenario->n_expects; i++) {
        hp_expectation *e = &checker->expectations[i];
        e->expect = &scenario->expects[i];
        e->ops = ops_by_kind[e->expect->kind];
        e->facts = checker->facts;
        e->events = e->ops->events;
        e->packets = e->ops->packets;
        e->at = HP_NEVER;
        e->state = g_malloc0(e->ops->state_size);
        checker->n++;
        if (!init_window(checker, e, error) || (e->ops->init != NULL && !e->ops->init(e, error))) {
            return NULL;
        }
        subscribe(checker, e);
    }
    pass_time(checker, 0, 0);
    return g_steal_pointer(&checker);
}

void hp_checker_free(hp_checker *checker)
{
    if (checker == NULL) {
        return;
    }
    for (unsigned i = 0; i < checker->n; i++) {
        hp_expectation *e = &checker->expectations[i];
        if (e->ops->clear != NULL) {
            e->ops->clear(e);
        }
        g_free(e->state);
    }
    for (unsigned kind = 0; kind < HP_EV_N; kind++) {
        g_ptr_array_unref(checker->on_event[kind]);
    }
    g_ptr_array_unref(checker->on_drop);
    g_ptr_array_unref(checker->on_packet);
    hp_diagnosis_free(checker->diagnosis);
    hp_facts_free(checker->facts);
    g_free(checker->expectations);
    g_free(checker);
}

/* ---- following ---- */

static void tell(GPtrArray *list, const hp_trace *trace, const hp_record *r)
{
    for (unsigned i = 0; i < list->len; i++) {
        hp_expectation *e = g_ptr_array_index(list, i);
        e->ops->record(e, trace, r);
    }
}

void hp_checker_feed(hp_checker *checker, const hp_trace *trace)
{
    hp_facts *facts = checker->facts;
    hp_record r;
    while (hp_trace_next(trace, &checker->cursor, &r)) {
        hp_facts_record(facts, &r);
        if (r.at >= checker->next_bound) {
            pass_time(checker, r.at, r.index);
        }
        switch (r.type) {
        case HP_RECORD_PACKET:
            tell(checker->on_packet, trace, &r);
            break;
        case HP_RECORD_DROP:
            tell(checker->on_drop, trace, &r);
            break;
        case HP_RECORD_NOTE:
        case HP_RECORD_MEDIA:
            break;
        case HP_RECORD_EVENT:
            if (r.event.kind == HP_EV_STEP && facts->current.step >= 0) {
                pass_step(checker, facts->current.step, &r);
            }
            tell(checker->on_event[r.event.kind], trace, &r);
            break;
        }
    }
}

hp_time hp_expectation_base(const hp_expectation *e)
{
    const hp_sc_window *w = &e->expect->window;
    return w->after_step != NULL || w->after > 0 ? e->window.start : e->facts->first_call;
}

hp_time hp_expectation_deadline(const hp_expectation *e, bool has_within, hp_time within)
{
    return has_within ? hp_time_add(hp_expectation_base(e), within) : HP_NEVER;
}

bool hp_expectation_is_late(const hp_expectation *e, hp_time deadline)
{
    return deadline != HP_NEVER && e->facts->now > deadline;
}

/* A wait-for that has not ended may still time out, and that is a verdict too. */
static bool waits_are_over(const hp_checker *checker)
{
    const hp_scenario *scenario = checker->plan->scenario;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        if (scenario->steps[i].kind == HP_STEP_WAIT_FOR && !checker->facts->steps[i].done) {
            return false;
        }
    }
    return true;
}

bool hp_checker_decided(const hp_checker *checker)
{
    for (unsigned i = 0; i < checker->n; i++) {
        const hp_expectation *e = &checker->expectations[i];
        const bool over = e->window.closed && !e->ops->outlasts_window;
        if (!e->fixed && !over && (e->ops->decided == NULL || !e->ops->decided(e))) {
            return false;
        }
    }
    return checker->n > 0 && waits_are_over(checker);
}

/* ---- the end ---- */

static hp_diagnosis *diagnose(hp_judgement *j)
{
    hp_checker *checker = j->checker;
    if (checker->diagnosis == NULL) {
        checker->diagnosis = hp_diagnosis_new(checker->plan, j->trace);
    }
    return checker->diagnosis;
}

static void never_opened(const hp_expectation *e, hp_judgement *j)
{
    j->passed = false;
    j->at = j->ended;
    j->packet = 0;
    j->too_long = 0;
    g_string_assign(j->got, "nothing was looked at: ");
    if (e->window.opened) {
        g_string_append(j->got, "the window ended before it began");
    } else if (e->expect->window.after_step != NULL) {
        g_string_append_printf(j->got, "the step `%s` was never carried out", e->expect->window.after_step);
    } else {
        g_string_append(j->got, "the run ended at ");
        hp_text_time(j->got, j->ended);
    }
}

static hp_expect_result *judge(hp_checker *checker, const hp_expectation *e, const hp_trace *trace, hp_time ended)
{
    const bool over = e->window.closed && !e->ops->outlasts_window;
    const hp_time end = over ? MIN(e->window.end, ended) : ended;
    hp_judgement j = {
        .trace = trace,
        .ended = end,
        .at = end,
        .expected = g_string_new(NULL),
        .got = g_string_new(NULL),
        .diagnose = diagnose,
        .checker = checker,
    };
    e->ops->judge(e, &j);
    if (!e->window.opened || e->window.start_index > e->window.end_index) {
        never_opened(e, &j);
    }
    hp_expect_result *result = g_new0(hp_expect_result, 1);
    result->expect = e->expect;
    result->mark = e->expect->mark;
    result->what = e->expect->text != NULL ? g_strdup(e->expect->text) : g_strdup(j.expected->str);
    result->passed = j.passed;
    result->at = j.at;
    result->packet = j.packet;
    result->too_long = j.passed ? 0 : j.too_long;
    result->expected = g_string_free(j.expected, FALSE);
    result->got = g_string_free(j.got, FALSE);
    return result;
}

static void note(hp_trace *trace, hp_time at, const hp_expect_result *r)
{
    if (r->packet != 0) {
        g_autofree char *text = g_strdup_printf("decided: expect line %u (%s): %s: %s", r->mark.line, r->what,
                                                r->passed ? "pass" : "FAIL", r->got);
        hp_trace_note(trace, at, r->packet, text);
    }
}

static hp_verdict overall(const hp_result *result, hp_verdict verdict, const char *known_bug)
{
    bool failed = false;
    for (unsigned i = 0; i < result->expects->len; i++) {
        failed |= !((const hp_expect_result *)g_ptr_array_index(result->expects, i))->passed;
    }
    if (verdict == HP_VERDICT_PASS && failed) {
        verdict = HP_VERDICT_FAIL;
    }
    if (known_bug == NULL) {
        return verdict;
    }
    switch (verdict) {
    case HP_VERDICT_PASS:
        return HP_VERDICT_FIXED;
    case HP_VERDICT_FAIL:
    case HP_VERDICT_CRASHED:
    case HP_VERDICT_HUNG:
        return HP_VERDICT_EXPECTED_FAILURE;
    case HP_VERDICT_EXPECTED_FAILURE:
    case HP_VERDICT_FIXED:
    case HP_VERDICT_ERROR:
    case HP_VERDICT_INVALID:
    case HP_VERDICT_SKIPPED:
    case HP_VERDICT_N:
        break;
    }
    return verdict;
}

hp_result *hp_checker_finish(hp_checker *checker, hp_trace *trace, hp_verdict verdict, const char *message,
                             const char *end_reason, hp_time ended)
{
    if (checker->facts->oracle == NULL) { /* a former result has it */
        checker->facts->oracle = hp_oracle_new(checker->plan);
    }
    hp_checker_feed(checker, trace);
    hp_facts_settle_strays(checker->facts, trace);
    ended = MAX(ended, checker->facts->now);
    pass_time(checker, ended, checker->facts->n_records);

    hp_result *result = hp_result_new(checker->plan);
    result->ended = ended;
    result->end_reason = g_string_chunk_insert_const(result->strings, end_reason != NULL ? end_reason : "");
    result->message = g_strdup(message);
    hp_result_fill(result, checker->facts);
    for (unsigned i = 0; i < checker->n; i++) {
        g_ptr_array_add(result->expects, judge(checker, &checker->expectations[i], trace, ended));
    }
    hp_findings_add(result, checker->facts);
    hp_result_ask_oracle(result, checker->facts);
    hp_result_fill_paths(result, checker->facts, trace);
    if (hp_trace_overflowed(trace) && verdict == HP_VERDICT_PASS) {
        verdict = HP_VERDICT_ERROR;
        g_free(result->message);
        result->message =
            g_strdup_printf("the trace is full: %" G_GUINT64_FORMAT " records were lost", hp_trace_n_lost(trace));
    }
    hp_result_fill_live(result, checker->facts);
    hp_live_ask_expectations(result);
    if (verdict == HP_VERDICT_PASS && result->live != NULL && result->live->too_slow != NULL) {
        verdict = HP_VERDICT_INVALID; /* whatever the expectations say */
        g_free(result->message);
        result->message = g_strdup(result->live->too_slow);
    }
    result->verdict = overall(result, verdict, checker->plan->scenario->known_bug);
    for (unsigned i = 0; i < result->expects->len; i++) {
        note(trace, ended, g_ptr_array_index(result->expects, i));
    }
    return result;
}
