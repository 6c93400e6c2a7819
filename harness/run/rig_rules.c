/* Rules in the rig: each place that they name gets one middlebox, put into the wires that lead there.
 *
 *   host or NAT outside:   node -- [rules] -- access link, zone          near is the node's side
 *   inside of a NAT:       zone -- [rules] -- firewall, NAT              near is the zone's side
 *   LAN, Internet:         crossings -- [rules] -- router                near is where packets come from
 *
 * So "up" is away from hosts everywhere, as it is with links. A host's firewall belongs to the host: rules stand beyond
 * it. At a zone a packet passes once, on its way in; what the middlebox answers there is routed like any other packet.
 *
 * Its ICMP errors come from the zone's gateway. A pcap filter sees the packet as it would be captured there. */
#include "run/rig_private.h"

#include "base/error.h"
#include "check/filter.h"

/* ---- pcap filters ---- */

static bool filter_passes(const hp_packet *p, void *data)
{
    size_t room = hp_packet_wire_length(p);
    g_autofree uint8_t *bytes = g_malloc(room);
    size_t length = hp_packet_write(p, bytes, room);
    return length > 0 && hp_filter_passes(data, bytes, (uint32_t)length);
}

static void free_filter(void *filter)
{
    hp_filter_free(filter);
}

static bool compile_filters(hp_rig *rig, GError **error)
{
    const hp_scenario *scenario = rig->plan->scenario;
    rig->filters = g_ptr_array_new_with_free_func(free_filter);
    for (unsigned i = 0; i < scenario->n_rules; i++) {
        const hp_sc_rule *rule = &scenario->rules[i];
        g_autofree char *message = NULL;
        hp_filter *filter = rule->filter ? hp_filter_new(rule->filter, &message) : NULL;
        if (message) {
            g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s:%u: %s", rule->mark.file, rule->mark.line, message);
            return false;
        }
        g_ptr_array_add(rig->filters, filter);
    }
    return true;
}

/* ---- wires ---- */

static void divert_attachment(hp_rig *rig, hp_rules *rules, const hp_rig_attachment *at)
{
    hp_rules_divert(rules, HP_RULES_NEAR, at->node, at->node_port);
    hp_rules_divert(rules, HP_RULES_FAR, hp_link_node(at->crossing), 1);
    if (at->up)
        hp_rules_divert(rules, HP_RULES_FAR, hp_link_node(at->up), 1);
    if (at->down)
        hp_rules_divert(rules, HP_RULES_FAR, hp_link_node(at->down), 0);
    else
        hp_rules_divert(rules, HP_RULES_FAR, hp_router_node(rig->zones[at->zone].router), at->router_port);
    const hp_plan_zone *zone = &rig->plan->zones[at->zone];
    hp_rules_set_address(rules, &zone->router4, &zone->router6);
}

static void divert_inside(hp_rig *rig, hp_rules *rules, const hp_rig_inside *at)
{
    hp_rules_divert(rules, HP_RULES_NEAR, hp_router_node(rig->zones[at->zone].router), at->router_port);
    hp_rules_divert(rules, HP_RULES_NEAR, hp_link_node(at->crossing), 1);
    hp_rules_divert(rules, HP_RULES_FAR, at->node, at->node_port);
    const hp_plan_zone *zone = &rig->plan->zones[at->zone];
    hp_rules_set_address(rules, &zone->router4, &zone->router6);
}

static void divert_zone(hp_rig *rig, hp_rules *rules, unsigned zone)
{
    hp_node *node = hp_rules_node(rules), *router = hp_router_node(rig->zones[zone].router);
    const GPtrArray *crossings = rig->zones[zone].crossings;
    for (unsigned i = 0; i < crossings->len; i++)
        hp_node_connect(hp_link_node(crossings->pdata[i]), 0, node, HP_RULES_NEAR);
    /* A router takes packets at any port alike. */
    hp_node_connect(node, HP_RULES_FAR, router, 0);
    hp_node_connect(node, HP_RULES_NEAR, router, 0);
    hp_rules_set_address(rules, &rig->plan->zones[zone].router4, &rig->plan->zones[zone].router6);
}

static void divert(hp_rig *rig, hp_rules *rules, const hp_plan_middlebox *box)
{
    switch (box->kind) {
    case HP_PLACE_PEER:
        divert_attachment(rig, rules, &rig->peer_attachments[box->index][box->interface]);
        break;
    case HP_PLACE_SERVER:
        divert_attachment(rig, rules, &rig->server_attachments[box->index]);
        break;
    case HP_PLACE_NAT:
        divert_attachment(rig, rules, &rig->nat_outsides[box->index]);
        break;
    case HP_PLACE_NAT_INSIDE:
        divert_inside(rig, rules, &rig->nat_insides[box->index]);
        break;
    case HP_PLACE_FIREWALL:
        divert_attachment(rig, rules, &rig->firewall_outsides[box->index]);
        break;
    case HP_PLACE_FIREWALL_INSIDE:
        divert_inside(rig, rules, &rig->firewall_insides[box->index]);
        break;
    case HP_PLACE_ZONE:
        divert_zone(rig, rules, box->index);
        break;
    }
}

/* ---- the lists ---- */

static bool fill(hp_rig *rig, hp_rules *rules, const hp_plan_middlebox *box, GError **error)
{
    g_autofree hp_rule *list = g_new0(hp_rule, box->n_rules);
    for (unsigned i = 0; i < box->n_rules; i++) {
        const hp_sc_rule *source = &rig->plan->scenario->rules[box->rules[i]];
        list[i] = source->rule; /* borrows: the middlebox makes a copy */
        list[i].number = box->rules[i] + 1;
        list[i].off = source->rule.off || source->from_step != NULL;
        list[i].filter_data = rig->filters->pdata[box->rules[i]];
        list[i].filter = list[i].filter_data ? filter_passes : NULL;
    }
    return hp_rules_set(rules, list, box->n_rules, error);
}

bool hp_rig_build_rules(hp_rig *rig, GError **error)
{
    const hp_plan *plan = rig->plan;
    if (!compile_filters(rig, error))
        return false;
    rig->middleboxes = g_new0(hp_rules *, plan->n_middleboxes);
    for (unsigned i = 0; i < plan->n_middleboxes; i++) {
        rig->middleboxes[i] = hp_rules_new(rig->world, plan->middleboxes[i].name);
        if (!fill(rig, rig->middleboxes[i], &plan->middleboxes[i], error))
            return false;
        divert(rig, rig->middleboxes[i], &plan->middleboxes[i]);
    }
    return true;
}

/* ---- at run time ---- */

/* Its label, else its number in the file: as the middlebox calls it in its events. */
static char *name_of(const hp_rig *rig, unsigned rule)
{
    const char *label = rig->plan->scenario->rules[rule].rule.label;
    return label ? g_strdup(label) : g_strdup_printf("%u", rule + 1);
}

void hp_rig_switch_rule(hp_rig *rig, unsigned rule, bool on)
{
    const hp_plan *plan = rig->plan;
    for (unsigned i = 0; i < plan->n_middleboxes; i++)
        for (unsigned k = 0; k < plan->middleboxes[i].n_rules; k++)
            if (plan->middleboxes[i].rules[k] == rule)
                hp_rules_switch(rig->middleboxes[i], k, on);
    g_autofree char *name = name_of(rig, rule);
    hp_trace_event(hp_world_trace(rig->world), hp_world_now(rig->world), HP_EV_RULE_SWITCHED, name,
                   HP_FS("state", on ? "on" : "off"));
}

void hp_rig_pass_step(hp_rig *rig, unsigned step)
{
    const hp_scenario *scenario = rig->plan->scenario;
    for (unsigned i = 0; i < scenario->n_rules; i++) {
        const hp_sc_rule *rule = &scenario->rules[i];
        if (rule->from_step && hp_plan_find_step(rig->plan, rule->from_step) == (int)step)
            hp_rig_switch_rule(rig, i, true);
        if (rule->until_step && hp_plan_find_step(rig->plan, rule->until_step) == (int)step)
            hp_rig_switch_rule(rig, i, false);
    }
}

void hp_rig_finish(hp_rig *rig)
{
    const hp_plan *plan = rig->plan;
    for (unsigned rule = 0; rule < plan->scenario->n_rules; rule++) {
        hp_rule_counts sum = {0};
        for (unsigned i = 0; i < plan->n_middleboxes; i++) {
            for (unsigned k = 0; k < plan->middleboxes[i].n_rules; k++) {
                if (plan->middleboxes[i].rules[k] != rule)
                    continue;
                hp_rule_counts counts = hp_rules_counts(rig->middleboxes[i], k);
                sum.matched += counts.matched;
                sum.hits += counts.hits;
            }
        }
        g_autofree char *name = name_of(rig, rule);
        hp_trace_event(hp_world_trace(rig->world), hp_world_now(rig->world), HP_EV_RULE_COUNTS, name,
                       HP_FU("matched", sum.matched), HP_FU("hits", sum.hits));
    }
}
