/* `predicted`: what a call comes to is what the oracle makes of the plan.
 *
 * The comparison is oracle.c's, the same that every run gets; here it becomes a verdict of its own. A pair of peers is
 *   - right when both ends agree with the prediction and are through, or nothing was predicted and nothing connected;
 *   - short when a known shortfall of the software under test accounts for the difference: that holds, and is told,
 *     unless `strict`;
 *   - wrong when the two differ, when it connected too late, when no call was made, when the run ended before anything
 *     could be said, and when the oracle has no opinion: a line that asserts nothing must not pass.
 *
 * When nothing can change any more, the run may end. That is so once both ends are ready: libnice then has nothing left
 * to check. Where an end has failed it may be called back by whatever is still under way (a check, a message), so
 * it must have been quiet for SETTLING on top of what signalling takes. Where an end does neither it is given up after
 * oracle.c's patience. And at the first step that changes the network the prediction ends. A call that names nobody may
 * be answered by anybody: it is judged at the end. */
#include "check/checker.h"
#include "oracle/shortfalls.h"

#define SETTLING (2 * HP_S) /* more than a packet of a plan that the oracle speaks of takes there and back */

typedef enum state {
    PAIR_OPEN,
    PAIR_RIGHT,
    PAIR_SHORT,
    PAIR_WRONG,
} state;

typedef struct predicted {
    bool open_call; /* some call names nobody */
    hp_time signaling; /* the longest that a message is under way */
} predicted;

static bool is_between(const hp_expectation *e, unsigned a, unsigned b)
{
    const hp_plan *plan = e->facts->plan;
    const char *const *between = (const char *const *)e->expect->predicted.between;
    return between == NULL || (g_strv_contains(between, plan->peers[a].source->name) &&
                               g_strv_contains(between, plan->peers[b].source->name));
}

static bool calls(const hp_step *step, const char *from, const char *to)
{
    return step->kind == HP_STEP_CALL && step->call.to != NULL && strcmp(step->call.from, from) == 0 &&
           g_strv_contains((const char *const *)step->call.to, to);
}

/* Whether a step of the scenario asks for a call between the two, be it carried out or not. */
static bool is_asked_for(const hp_expectation *e, unsigned a, unsigned b)
{
    const hp_scenario *scenario = e->facts->plan->scenario;
    const char *one = e->facts->plan->peers[a].source->name, *other = e->facts->plan->peers[b].source->name;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        if (calls(&scenario->steps[i], one, other) || calls(&scenario->steps[i], other, one)) {
            return true;
        }
    }
    return e->expect->predicted.between != NULL;
}

static bool init(hp_expectation *e, GError **error)
{
    predicted *p = e->state;
    const hp_scenario *scenario = e->facts->plan->scenario;
    const hp_signaling_config *s = &scenario->signaling;
    hp_time of_type = 0;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        p->open_call |= scenario->steps[i].kind == HP_STEP_CALL && scenario->steps[i].call.to == NULL;
    }
    for (unsigned i = 0; i < HP_SIGNAL_N_TYPES; i++) {
        of_type = MAX(of_type, s->type_delay[i]);
    }
    p->signaling = s->delay + s->jitter + of_type + (s->reorder_ppb > 0 ? s->reorder_by : 0);
    return true;
}

/* The step that ends what the prediction speaks of was reached. */
static bool is_past(const hp_expectation *e)
{
    const int step = hp_oracle_changing_step(e->facts->oracle);
    return step >= 0 && e->facts->steps[step].reached;
}

static bool is_too_late(const hp_expectation *e, const hp_comparison *c)
{
    return e->expect->predicted.has_within && c->result.connected &&
           (c->result.took == HP_NEVER || c->result.took > e->expect->predicted.within);
}

/* As of `now`: PAIR_OPEN when more may come. */
static state state_of(const hp_expectation *e, const hp_comparison *c, hp_time now)
{
    const predicted *p = e->state;
    if (!c->called) {
        return PAIR_OPEN;
    }
    if (!c->waited && !is_past(e) &&
        (!c->over || (!c->result.settled && now < hp_time_add(c->since, SETTLING + p->signaling)))) {
        return PAIR_OPEN;
    }
    switch (c->result.verdict) {
    case HP_ORACLE_AGREES:
        return is_too_late(e, c) ? PAIR_WRONG : PAIR_RIGHT;
    case HP_ORACLE_SHORTFALL:
        return e->expect->predicted.strict || is_too_late(e, c) ? PAIR_WRONG : PAIR_SHORT;
    case HP_ORACLE_DISAGREES:
    case HP_ORACLE_UNDECIDED:
    case HP_ORACLE_SILENT:
    case HP_ORACLE_N:
        break;
    }
    return PAIR_WRONG;
}

/* Whether every pair that is asked for, or came about, is through. */
static bool predicted_decided(const hp_expectation *e)
{
    const predicted *p = e->state;
    const hp_facts *facts = e->facts;
    bool any = false;
    if (is_past(e)) {
        return true;
    }
    if (p->open_call) {
        return false;
    }
    for (unsigned a = 0; a < facts->plan->n_peers; a++) {
        for (unsigned b = a + 1; b < facts->plan->n_peers; b++) {
            if (!is_between(e, a, b) || !is_asked_for(e, a, b)) {
                continue;
            }
            const hp_comparison c = hp_oracle_compare(facts, a, b, facts->now);
            if (state_of(e, &c, facts->now) == PAIR_OPEN) {
                return false;
            }
            any = true;
        }
    }
    return any;
}

/* "srflx/relay" */
static void append_types(GString *text, uint8_t local, uint8_t remote)
{
    g_autofree char *own = hp_types_text(local);
    g_autofree char *other = hp_types_text(remote);
    g_string_append_printf(text, ", %s/%s", own, other);
}

static void append_outcome(GString *text, hp_outcome outcome, uint8_t local, uint8_t remote)
{
    g_string_append(text, hp_outcome_name(outcome));
    if (outcome != HP_OUTCOME_NONE) {
        append_types(text, local, remote);
    }
}

static void describe_expected(const hp_expectation *e, const hp_comparison *c, GString *text)
{
    const hp_prediction *p = c->result.prediction;
    hp_text_separate(text);
    g_string_append_printf(text, "%s and %s as predicted", c->result.a, c->result.b);
    if (!hp_oracle_applies(e->facts->oracle, p->a, p->b, NULL)) {
        return;
    }
    g_string_append(text, ": ");
    append_outcome(text, p->outcome, p->types[p->outcome].local, p->types[p->outcome].remote);
    if (p->worst != p->outcome) {
        g_string_append(text, ", or by ill luck ");
        append_outcome(text, p->worst, p->types[p->worst].local, p->types[p->worst].remote);
    }
    if (e->expect->predicted.has_within && p->outcome != HP_OUTCOME_NONE) {
        g_string_append(text, ", within ");
        hp_text_time(text, e->expect->predicted.within);
    }
}

static void describe_got(const hp_expectation *e, const hp_comparison *c, bool name, GString *text)
{
    const hp_oracle_result *r = &c->result;
    hp_text_separate(text);
    if (name) {
        g_string_append_printf(text, "%s and %s: ", r->a, r->b);
    }
    if (!c->called) {
        g_string_append(text, c->made ? "no path: the other end never took part" : "no call was made");
        return;
    }
    if (r->verdict == HP_ORACLE_SILENT) {
        g_string_append_printf(text, "the oracle has no opinion: %s", r->why);
        return;
    }
    append_outcome(text, r->happened, r->local, r->remote);
    if (r->connected && r->took != HP_NEVER) {
        g_string_append(text, ", ");
        hp_text_time(text, r->took);
    }
    if (r->b_differs) {
        g_string_append_printf(text, ", as %s sees it", r->b);
        append_types(text, r->b_remote, r->b_local);
    }
    if (r->verdict == HP_ORACLE_UNDECIDED) {
        g_string_append_printf(text, " so far: %s", r->why);
    } else if (r->shortfall != NULL) {
        g_string_append_printf(text, ", a known shortfall (%s): %s", r->shortfall->name, r->shortfall->cause);
    } else if (r->verdict == HP_ORACLE_AGREES && r->happened < r->prediction->outcome) {
        g_string_append(text, ", by ill luck");
    }
}

/* What is open when everything is over was too short a run, but for a pair that is where it was predicted to be, and for
 * a call without a path whose caller never came so far as to send its offer. */
static state state_at_end(const hp_expectation *e, const hp_comparison *c, hp_time ended)
{
    const hp_prediction *p = c->result.prediction;
    if (!c->called && c->made && p->outcome == HP_OUTCOME_NONE &&
        hp_oracle_applies(e->facts->oracle, p->a, p->b, NULL)) {
        return PAIR_RIGHT;
    }
    const state now = state_of(e, c, ended);
    return now == PAIR_OPEN && c->called && c->result.verdict == HP_ORACLE_AGREES && c->result.connected &&
                   !is_too_late(e, c)
               ? PAIR_RIGHT
               : now;
}

static void predicted_judge(const hp_expectation *e, hp_judgement *j)
{
    const hp_plan *plan = e->facts->plan;
    g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(hp_comparison));
    for (unsigned a = 0; a < plan->n_peers; a++) {
        for (unsigned b = a + 1; b < plan->n_peers; b++) {
            if (!is_between(e, a, b)) {
                continue;
            }
            const hp_comparison c = hp_oracle_compare(e->facts, a, b, j->ended);
            if (c.called || is_asked_for(e, a, b)) {
                g_array_append_val(pairs, c);
            }
        }
    }
    j->passed = pairs->len > 0;
    for (unsigned i = 0; i < pairs->len; i++) {
        const hp_comparison *c = &g_array_index(pairs, hp_comparison, i);
        const state came_to = state_at_end(e, c, j->ended);
        describe_expected(e, c, j->expected);
        describe_got(e, c, pairs->len > 1, j->got);
        if (came_to == PAIR_OPEN && c->called && c->result.verdict == HP_ORACLE_AGREES) {
            g_string_append(j->got, " so far: ICE was still at work when the run ended");
        }
        j->passed &= came_to == PAIR_RIGHT || came_to == PAIR_SHORT;
    }
    if (pairs->len == 0) {
        g_string_append(j->expected, "a call as predicted");
        g_string_append(j->got, "no call was made");
    }
}

const hp_expectation_ops hp_expect_predicted_ops = {
    .init = init,
    .decided = predicted_decided,
    .judge = predicted_judge,
    .state_size = sizeof(predicted),
};
