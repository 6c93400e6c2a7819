/* What can never matter of firewalls and rules.
 *
 * Of a match only what is certain without a run is looked at: an address at the wrong side of its place is not (ICMP,
 * spoofing and rewriting make most things possible), two demands that exclude each other are. */
#include <string.h>

#include "plan/lint.h"

static void firewall_with_nobody_behind(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_firewalls; i++) {
        if (!hp_lint_is_inhabited(l->plan, l->plan->firewalls[i].inside_zone)) {
            const hp_sc_firewall_zone *zone = l->plan->firewalls[i].source;
            hp_lint_warn(l, zone->mark, "put a peer there: `behind`", "nobody is behind firewall `%s`", zone->name);
        }
    }
}

static bool is_switched_on(const hp_scenario *s, const char *label)
{
    for (unsigned i = 0; label != NULL && i < s->n_steps; i++) {
        if (s->steps[i].kind == HP_STEP_RULE && s->steps[i].rule.on && strcmp(s->steps[i].rule.label, label) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a match wants a UDP payload, or a header, that its protocol has not. */
static const char *contradiction(const hp_match *m)
{
    bool tcp = m->detail.tcp.flags != 0 || m->detail.tcp.no_flags != 0 || m->detail.tcp.data != HP_EITHER;
    bool payload = m->stun.present == HP_PRESENT || m->channel_data == HP_PRESENT || m->channel != 0 ||
                   m->dtls == HP_PRESENT || m->rtp == HP_PRESENT || m->rtcp == HP_PRESENT;
    unsigned kinds = (m->stun.present == HP_PRESENT) + (m->channel_data == HP_PRESENT || m->channel != 0) +
                     (m->dtls == HP_PRESENT) + (m->rtp == HP_PRESENT) + (m->rtcp == HP_PRESENT);
    bool ends = m->src.prefix.base.family != HP_AF_NONE && m->dst.prefix.base.family != HP_AF_NONE &&
                m->src.prefix.base.family != m->dst.prefix.base.family;

    if (ends) {
        return "source and destination are of different families";
    }
    if (tcp && m->proto != HP_MATCH_ANY_PROTO && m->proto != HP_MATCH_TCP) {
        return "only TCP has flags of TCP";
    }
    if (m->icmp_kind != HP_ICMP_NONE && (payload || (m->proto != HP_MATCH_ANY_PROTO && m->proto != HP_MATCH_ICMP))) {
        return "it asks for ICMP and for another protocol";
    }
    if (payload && m->proto == HP_MATCH_ICMP) {
        return "ICMP has no payload that could be looked at";
    }
    return kinds > 1 ? "one payload is of one kind" : NULL;
}

static void rule_without_effect(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_rules; i++) {
        const hp_sc_rule *rule = &l->scenario->rules[i];
        const char *label = rule->rule.label, *why = contradiction(&rule->rule.match);
        g_autofree char *name = label != NULL ? g_strdup_printf("`%s`", label) : g_strdup_printf("%u", i + 1);
        if (rule->rule.off && !is_switched_on(l->scenario, label)) {
            hp_lint_warn(l, rule->mark, label == NULL ? "give it a `label` and a `rule` step" : "add a `rule` step",
                         "rule %s is off, and never switched on", name);
        }
        if (why != NULL) {
            hp_lint_warn(l, rule->mark, NULL, "rule %s can never match: %s", name, why);
        }
        if (rule->from_step == NULL && rule->rule.from >= l->scenario->until) {
            hp_lint_warn(l, rule->mark, "raise `until`", "rule %s begins when the run is over", name);
        }
    }
}

/* A rule that takes every packet, always, leaves none to those behind it. */
static bool takes_all(const hp_sc_rule *rule)
{
    const hp_rule *r = &rule->rule;
    return hp_match_is_empty(&r->match) && rule->filter == NULL && rule->from_step == NULL &&
           rule->until_step == NULL && r->direction == HP_RULE_BOTH_WAYS && r->from == 0 && r->to == 0 &&
           r->n_nth == 0 && r->chance_ppb == 0 && r->limit == 0 && !r->go_on && !r->off && r->label == NULL;
}

static void rule_behind_one_that_takes_all(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_middleboxes; i++) {
        const hp_plan_middlebox *box = &l->plan->middleboxes[i];
        for (unsigned k = 0; k + 1 < box->n_rules; k++) {
            if (takes_all(&l->scenario->rules[box->rules[k]])) {
                hp_lint_warn(l, l->scenario->rules[box->rules[k + 1]].mark, "put it first, or let the other `go-on`",
                             "rule %u leaves no packet for this one", box->rules[k] + 1);
                break;
            }
        }
    }
}

void hp_lint_rules(const hp_lint *l)
{
    firewall_with_nobody_behind(l);
    rule_without_effect(l);
    rule_behind_one_that_takes_all(l);
}
