/* Findings: what went wrong although no line of the scenario asked about it.
 *
 * A wait-for step whose condition never came about; a step that was never reached when the scenario's time was up; a
 * call that the software under test refused; a server whose name a peer could not resolve, so that it went without; a
 * rule that no packet ever matched, unless an expectation about it says that this may be so. The call and the name are
 * no findings where an `event` or `order` expectation speaks of peer-error, or of dns-answer or dns-resolved:
 * then the scenario knows of it and judges it itself. When the run broke off (a crash, a cap) steps not
 * reached are a consequence, not a finding. */
#include <string.h>

#include "check/checker.h"

static hp_expect_result *add(hp_result *result, hp_mark mark, hp_time at)
{
    hp_expect_result *r = g_new0(hp_expect_result, 1);
    r->mark = mark;
    r->at = at;
    g_ptr_array_add(result->expects, r);
    return r;
}

static char *step_name(const hp_scenario *scenario, unsigned i)
{
    return g_strdup_printf("step %u (%s)", i + 1, hp_step_label(&scenario->steps[i]));
}

static void check_step(hp_result *result, const hp_facts *facts, unsigned i)
{
    const hp_scenario *scenario = facts->plan->scenario;
    const hp_step *step = &scenario->steps[i];
    const hp_step_facts *f = &facts->steps[i];
    const bool ran_out = strcmp(result->end_reason, "until") == 0;
    char since[HP_TIME_TEXT];
    if (!f->reached && ran_out) {
        hp_expect_result *r = add(result, step->mark, result->ended);
        r->what = step_name(scenario, i);
        r->expected = g_strdup("every step is reached before the run's `until`");
        r->got = g_strdup_printf("step %u (%s) was never reached", i + 1, hp_step_label(step));
    } else if (f->reached && step->kind == HP_STEP_WAIT_FOR && strcmp(f->outcome, "timeout") == 0) {
        hp_expect_result *r = add(result, step->mark, f->done_at);
        char timeout[HP_TIME_TEXT];
        r->what = step_name(scenario, i);
        r->expected = g_strdup_printf("what it waits for, within %s", hp_time_format(step->wait_for.timeout, timeout));
        r->got = g_strdup_printf("it timed out (waiting since %s)", hp_time_format(f->at, since));
    } else if (f->reached && step->kind == HP_STEP_WAIT_FOR && !f->done && ran_out) {
        hp_expect_result *r = add(result, step->mark, result->ended);
        r->what = step_name(scenario, i);
        r->expected = g_strdup("what it waits for, before the run's `until`");
        r->got = g_strdup_printf("still waiting since %s when the run ended", hp_time_format(f->at, since));
    }
}

/* Whether an expectation about the rule allows that it does nothing. */
static bool may_be_idle(const hp_scenario *scenario, const char *label)
{
    for (unsigned i = 0; label != NULL && i < scenario->n_expects; i++) {
        const hp_expect *e = &scenario->expects[i];
        if (e->kind == HP_EXPECT_RULE && strcmp(e->rule.rule, label) == 0 &&
            ((e->rule.hits.set && hp_compare_holds(&e->rule.hits, 0)) ||
             (e->rule.matched.set && hp_compare_holds(&e->rule.matched, 0)))) {
            return true;
        }
    }
    return false;
}

static void check_rule(hp_result *result, const hp_facts *facts, unsigned i)
{
    const hp_sc_rule *rule = &facts->plan->scenario->rules[i];
    const char *label = rule->rule.label;
    if (!facts->rules[i].counted || facts->rules[i].matched > 0 || may_be_idle(facts->plan->scenario, label)) {
        return;
    }
    hp_expect_result *r = add(result, rule->mark, result->ended);
    r->what = label != NULL ? g_strdup_printf("rule %s", label) : g_strdup_printf("rule %u", i + 1);
    r->expected = g_strdup("every rule matches some packet");
    r->got = g_strdup_printf("%s never matched", r->what);
}

static bool scenario_speaks_of(const hp_scenario *scenario, hp_event_kind kind)
{
    for (unsigned i = 0; i < scenario->n_expects; i++) {
        const hp_expect *e = &scenario->expects[i];
        if (e->kind == HP_EXPECT_EVENT && e->event.pattern.kind == kind) {
            return true;
        }
        for (unsigned k = 0; e->kind == HP_EXPECT_ORDER && k < e->order.n; k++) {
            if (e->order.patterns[k].kind == kind) {
                return true;
            }
        }
    }
    return false;
}

static hp_mark peer_mark(const hp_plan *plan, const char *peer)
{
    for (unsigned i = 0; i < plan->n_peers; i++) {
        if (strcmp(plan->peers[i].source->name, peer) == 0) {
            return plan->peers[i].source->mark;
        }
    }
    return (hp_mark){.file = plan->scenario->file};
}

static void check_names(hp_result *result, const hp_facts *facts)
{
    for (unsigned i = 0; i < facts->unresolved->len; i++) {
        const hp_refused_call *unresolved = g_ptr_array_index(facts->unresolved, i);
        hp_expect_result *r = add(result, peer_mark(facts->plan, unresolved->peer), unresolved->at);
        r->what = g_strdup_printf("peer %s", unresolved->peer);
        r->expected = g_strdup("the names of its servers are found");
        r->got = g_strdup_printf("`%s` was not found: it went without that server", unresolved->message);
    }
}

void hp_findings_add(hp_result *result, const hp_facts *facts)
{
    const hp_scenario *scenario = facts->plan->scenario;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        check_step(result, facts, i);
    }
    for (unsigned i = 0; i < scenario->n_rules; i++) {
        check_rule(result, facts, i);
    }
    if (!scenario_speaks_of(scenario, HP_EV_DNS_ANSWER) && !scenario_speaks_of(scenario, HP_EV_DNS_RESOLVED)) {
        check_names(result, facts);
    }
    if (scenario_speaks_of(scenario, HP_EV_PEER_ERROR)) {
        return;
    }
    for (unsigned i = 0; i < facts->refusals->len; i++) {
        const hp_refused_call *refusal = g_ptr_array_index(facts->refusals, i);
        hp_expect_result *r = add(result, peer_mark(facts->plan, refusal->peer), refusal->at);
        r->what = g_strdup_printf("peer %s", refusal->peer);
        r->expected = g_strdup("the software under test refuses no call");
        r->got = refusal->count == 1
                     ? g_strdup(refusal->message)
                     : g_strdup_printf("%s (%" G_GUINT64_FORMAT " times)", refusal->message, refusal->count);
    }
}
