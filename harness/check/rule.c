/* `rule`: how often a rule of the scenario was carried out.
 *
 * Hits are counted one by one as rule-hit events come, so that the instant and the packet of the first and the last are
 * known, and windows can be looked at. A quiet rule leaves no such events, and nobody's tell what merely matched: both
 * are in the rule-counts event at the end of the run. A run that broke off has none; hits that were seen count then,
 * and what matched is at least as much. */
#include <string.h>

#include "check/expectation.h"

typedef struct rule {
    hp_tally hits;
    uint64_t matched; /* of the rule-counts event, or the hits that were seen */
    bool quiet, counted; /* counted: the rule-counts event was seen */
} rule;

static bool rule_init(hp_expectation *e, GError **error)
{
    rule *r = e->state;
    const hp_scenario *scenario = e->facts->plan->scenario;
    hp_tally_init(&r->hits, &e->expect->rule.hits, e->expect->rule.matched.set ? 0 : 1);
    for (unsigned i = 0; i < scenario->n_rules; i++) {
        r->quiet |=
            g_strcmp0(scenario->rules[i].rule.label, e->expect->rule.rule) == 0 && scenario->rules[i].rule.quiet;
    }
    return true;
}

static void rule_record(hp_expectation *e, const hp_trace *trace, const hp_record *record)
{
    rule *r = e->state;
    const hp_expect *x = e->expect;
    if (strcmp(record->event.subject, x->rule.rule) != 0) {
        return;
    }
    if (record->event.kind == HP_EV_RULE_COUNTS) {
        r->counted = true;
        r->matched = hp_record_u64(record, "matched");
        if (r->quiet) {
            hp_tally_add(&r->hits, hp_record_u64(record, "hits"), record->at, 0);
        }
        return;
    }
    if (!hp_expectation_in_window(e)) {
        return;
    }
    r->matched++;
    hp_tally_add(&r->hits, 1, record->at, (uint32_t)hp_record_u64(record, "packet"));
    e->fixed = r->hits.broken_at != HP_NEVER || (!x->rule.matched.set && hp_tally_is_fixed(&r->hits));
}

static void rule_judge(const hp_expectation *e, hp_judgement *j)
{
    const rule *r = e->state;
    const hp_expect *x = e->expect;
    if (r->hits.range.set) {
        hp_text_compare(j->expected, "hits", &r->hits.range);
    }
    hp_text_compare(j->expected, "matched", &x->rule.matched);
    g_string_append_printf(j->expected, " of rule %s", x->rule.rule);
    hp_text_window(j->expected, x);

    hp_text_count(j->got, r->hits.value, "hit", "hits");
    if (r->hits.first_at != HP_NEVER && !r->quiet) {
        g_string_append(j->got, ", the first at ");
        hp_text_time(j->got, r->hits.first_at);
    }
    if (r->counted) {
        hp_text_separate(j->got);
        hp_text_count(j->got, r->matched, "packet matched", "packets matched");
    }
    hp_tally_judge(&r->hits, j);
    if (j->passed && x->rule.matched.set) {
        j->at = j->ended;
        j->packet = 0;
        j->passed = hp_compare_holds(&x->rule.matched, (int64_t)MIN(r->matched, (uint64_t)INT64_MAX));
    }
}

const hp_expectation_ops hp_expect_rule_ops = {
    .init = rule_init,
    .record = rule_record,
    .judge = rule_judge,
    .state_size = sizeof(rule),
    .events = HP_EVENT_BIT(HP_EV_RULE_HIT) | HP_EVENT_BIT(HP_EV_RULE_COUNTS),
};
