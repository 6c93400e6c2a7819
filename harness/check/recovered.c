/* `recovered`: how long after a step (a reboot, a restart) each flow needed to get a datagram through again.
 *
 * Of each flow that was running at the step, the first datagram sent after it that arrived counts; the recovery took
 * from the step to that arrival, whether or not the flow was in fact interrupted. What was sent before the step may
 * still be on its way and proves nothing. When no selected flow was running, those that begin later are looked at in
 * the same way. A flow none of whose later datagrams arrives did not recover. With several steps of that name, the
 * first one counts.
 *
 * The gap that the text tells is the longest silence between two arrivals, from the last one before the step to the
 * recovery. */
#include <string.h>

#include "check/traffic.h"

typedef struct recovery {
    hp_flow_facts *flow;
    uint64_t next_sequence; /* the first number sent after the step */
    hp_time last; /* arrival before the recovery, HP_NEVER */
    hp_time gap; /* the longest silence so far */
    hp_time at; /* HP_NEVER until it recovered */
    uint32_t packet;
} recovery;

typedef struct recovered {
    int step;
    bool begun, running; /* the step was carried out; flows were running then */
    GArray *flows; /* recovery */
} recovered;

static bool init(hp_expectation *e, GError **error)
{
    recovered *x = e->state;
    x->flows = g_array_new(FALSE, FALSE, sizeof(recovery));
    x->step = hp_plan_find_step(e->facts->plan, e->expect->recovered.step);
    if (x->step < 0) {
        hp_expectation_error(e, error, "no step is called `%s`",
                             e->expect->recovered.step != NULL ? e->expect->recovered.step : "");
        return false;
    }
    return true;
}

static void clear(hp_expectation *e)
{
    recovered *x = e->state;
    g_clear_pointer(&x->flows, g_array_unref);
}

static bool selected(const hp_expectation *e, const hp_flow_facts *flow)
{
    return hp_flow_selected(flow, e->expect->recovered.from, e->expect->recovered.to);
}

static void add_flow(recovered *x, hp_flow_facts *flow)
{
    const recovery r = {
        .flow = flow,
        .next_sequence = flow->next_sequence,
        .last = flow->last_received,
        .at = HP_NEVER,
    };
    g_array_append_val(x->flows, r);
}

static void begin(const hp_expectation *e, recovered *x)
{
    x->begun = true;
    for (unsigned i = 0; i < e->facts->flows->len; i++) {
        hp_flow_facts *flow = g_ptr_array_index(e->facts->flows, i);
        if (selected(e, flow) && flow->done == HP_NEVER) {
            add_flow(x, flow);
        }
    }
    x->running = x->flows->len > 0;
}

static hp_time step_time(const hp_expectation *e)
{
    const recovered *x = e->state;
    return e->facts->steps[x->step].at;
}

static bool all_recovered(const recovered *x)
{
    for (unsigned i = 0; i < x->flows->len; i++) {
        if (g_array_index(x->flows, recovery, i).at == HP_NEVER) {
            return false;
        }
    }
    return x->flows->len > 0;
}

static void received(const hp_facts *facts, recovered *x, hp_time at)
{
    for (unsigned i = 0; i < x->flows->len; i++) {
        recovery *f = &g_array_index(x->flows, recovery, i);
        if (f->flow != facts->current.flow || f->at != HP_NEVER) {
            continue;
        }
        f->gap = f->last != HP_NEVER ? MAX(f->gap, at - f->last) : 0;
        if (facts->current.sequence >= f->next_sequence) {
            f->at = at;
            f->packet = facts->current.arrival.packet;
        } else {
            f->last = at;
        }
    }
}

static void record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    recovered *x = e->state;
    hp_flow_facts *flow = e->facts->current.flow;
    if (r->event.kind == HP_EV_STEP) {
        if (e->facts->current.step == x->step) {
            begin(e, x);
        }
    } else if (r->event.kind == HP_EV_FLOW) {
        if (x->begun && !x->running && selected(e, flow)) {
            add_flow(x, flow);
        }
    } else if (x->begun) {
        received(e->facts, x, r->at);
    }
}

static bool decided(const hp_expectation *e)
{
    const recovered *x = e->state;
    if (!x->begun) {
        return false;
    }
    if (hp_expectation_is_late(e, hp_time_add(step_time(e), e->expect->recovered.within))) {
        return true;
    }
    return (x->running || !hp_traffic_pending(e->facts, e->expect->recovered.from, e->expect->recovered.to)) &&
           all_recovered(x);
}

/* "alice to bob after 1.200s (a gap of 1.300s)". False when it was too late, or never. */
static bool judge_flow(const hp_expectation *e, hp_judgement *j, const recovery *f)
{
    hp_text_separate(j->got);
    hp_text_flow(j->got, f->flow->from, f->flow->to);
    if (f->at == HP_NEVER) {
        g_string_append(j->got, " did not recover");
        if (f->flow->next_sequence == f->next_sequence) {
            g_string_append(j->got, ": nothing was sent after the step");
        } else if (f->last != HP_NEVER) {
            g_string_append(j->got, ": nothing arrived after ");
            hp_text_time(j->got, f->last);
        }
        return false;
    }
    g_string_append(j->got, " after ");
    hp_text_time(j->got, f->at - step_time(e));
    if (f->last != HP_NEVER) {
        g_string_append(j->got, " (a gap of ");
        hp_text_time(j->got, f->gap);
        g_string_append_c(j->got, ')');
    }
    return f->at - step_time(e) <= e->expect->recovered.within;
}

static void judge(const hp_expectation *e, hp_judgement *j)
{
    const recovered *x = e->state;
    const hp_expect *expect = e->expect;
    const recovery *last = NULL, *failed = NULL;
    hp_text_flow(j->expected, expect->recovered.from, expect->recovered.to);
    if (j->expected->len == 0) {
        g_string_append(j->expected, "every flow");
    }
    g_string_append_printf(j->expected, " recovered from `%s` within ", expect->recovered.step);
    hp_text_time(j->expected, expect->recovered.within);
    if (!x->begun) {
        g_string_append_printf(j->got, "the step `%s` was never carried out", expect->recovered.step);
        return;
    }
    for (unsigned i = 0; i < x->flows->len; i++) {
        const recovery *f = &g_array_index(x->flows, recovery, i);
        if (!judge_flow(e, j, f)) {
            failed = failed == NULL ? f : failed;
        } else if (last == NULL || f->at > last->at) {
            last = f;
        }
    }
    if (x->flows->len == 0) {
        g_string_append(j->got, "no such flow was running at the step or began after it");
    } else if (failed == NULL) {
        j->passed = true;
        j->at = last->at;
        j->packet = last->packet;
    } else {
        j->at = MIN(j->ended, hp_time_add(step_time(e), expect->recovered.within));
        j->packet = failed->packet;
        g_autoptr(GString) drops = g_string_new(NULL);
        hp_diagnosis_append_drops(j->diagnose(j), true, drops);
        if (drops->len > 0) {
            g_string_append_printf(j->got, "; %s", drops->str);
        }
    }
}

const hp_expectation_ops hp_expect_recovered_ops = {
    .init = init,
    .record = record,
    .decided = decided,
    .judge = judge,
    .clear = clear,
    .state_size = sizeof(recovered),
    .outlasts_window = true,
    .events = HP_EVENT_BIT(HP_EV_STEP) | HP_EVENT_BIT(HP_EV_FLOW) | HP_EVENT_BIT(HP_EV_DATA_RECEIVED),
};
