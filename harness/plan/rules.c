/* Rules and the places where they stand: each place that rules name gets one middlebox, which holds them in the order
 * of the file.
 *
 * A peer with several interfaces is as many places; each has a middlebox of its own, with its own counts. A LAN or the
 * Internet is one place, however many are attached to it: every packet that crosses it passes there once, and on no
 * way back, so that a direction says nothing there. */
#include "plan/rules.h"

#include <string.h>

static void complain(const hp_plan *plan, hp_diags *diags, const hp_sc_rule *rule, const char *hint,
                     const char *message)
{
    if (hp_plan_is_told(diags, rule->mark, message))
        return;
    g_autofree char *line = hp_scenario_source_line(plan->scenario, rule->mark.line);
    hp_diags_add(diags, HP_SEVERITY_ERROR, rule->mark, line, hint, "%s", message);
}

static void add_box(GArray *boxes, hp_place_kind kind, unsigned index, unsigned interface, const char *place)
{
    hp_plan_middlebox box = {
        .kind = kind, .index = index, .interface = interface, .name = g_strdup_printf("rules %s", place)};
    g_array_append_val(boxes, box);
}

/* Every place that a rule can be at, in a fixed order. */
static GArray *all_boxes(const hp_plan *plan)
{
    GArray *boxes = g_array_new(FALSE, FALSE, sizeof(hp_plan_middlebox));
    for (unsigned i = 0; i < plan->n_zones; i++)
        if (plan->zones[i].nat < 0 && plan->zones[i].firewall < 0)
            add_box(boxes, HP_PLACE_ZONE, i, 0, plan->zones[i].name);
    for (unsigned i = 0; i < plan->n_nats; i++) {
        const char *name = plan->nats[i].source->name;
        g_autofree char *inside = g_strdup_printf("%s/inside", name);
        add_box(boxes, HP_PLACE_NAT, i, 0, name);
        add_box(boxes, HP_PLACE_NAT_INSIDE, i, 0, inside);
    }
    for (unsigned i = 0; i < plan->n_firewalls; i++) {
        const char *name = plan->firewalls[i].source->name;
        g_autofree char *inside = g_strdup_printf("%s/inside", name);
        add_box(boxes, HP_PLACE_FIREWALL, i, 0, name);
        add_box(boxes, HP_PLACE_FIREWALL_INSIDE, i, 0, inside);
    }
    for (unsigned i = 0; i < plan->n_servers; i++)
        add_box(boxes, HP_PLACE_SERVER, i, 0, plan->servers[i].source->name);
    for (unsigned i = 0; i < plan->n_peers; i++)
        for (unsigned k = 0; k < plan->peers[i].n_interfaces; k++)
            add_box(boxes, HP_PLACE_PEER, i, k, plan->peers[i].interfaces[k].tap);
    return boxes;
}

/* Whether a rule's `at` means this place: its name, or of a peer's interface the peer's. */
static bool is_meant(const hp_plan *plan, const hp_plan_middlebox *box, const char *at)
{
    return strcmp(box->name + strlen("rules "), at) == 0 ||
           (box->kind == HP_PLACE_PEER && strcmp(plan->peers[box->index].source->name, at) == 0);
}

static bool place_rule(const hp_plan *plan, GArray *boxes, GPtrArray *lists, unsigned index, hp_diags *diags)
{
    const hp_sc_rule *rule = &plan->scenario->rules[index];
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    bool found = false;
    for (unsigned i = 0; i < boxes->len; i++) {
        const hp_plan_middlebox *box = &g_array_index(boxes, hp_plan_middlebox, i);
        g_ptr_array_add(names, box->name + strlen("rules "));
        if (!is_meant(plan, box, rule->at))
            continue;
        found = true;
        g_array_append_val(lists->pdata[i], index);
        if (box->kind == HP_PLACE_ZONE && rule->rule.direction != HP_RULE_BOTH_WAYS) {
            g_autofree char *message =
                g_strdup_printf("what crosses `%s` does so in no direction: leave `direction` out", rule->at);
            complain(plan, diags, rule, "put the rule at a peer, a server, a NAT or a firewall", message);
            return false;
        }
    }
    if (!found) {
        const char *nearest = hp_nearest_word(rule->at, (const char *const *)names->pdata, names->len);
        g_autofree char *hint = nearest ? g_strdup_printf("did you mean `%s`?", nearest) : NULL;
        g_autofree char *message = g_strdup_printf("there is no place `%s` for a rule", rule->at);
        complain(plan, diags, rule, hint, message);
    }
    return found;
}

static void free_list(void *list)
{
    g_array_free(list, TRUE);
}

bool hp_plan_place_rules(hp_plan *plan, GPtrArray *owned, hp_diags *diags)
{
    g_autoptr(GArray) boxes = all_boxes(plan);
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func(free_list);
    bool good = true;
    for (unsigned i = 0; i < boxes->len; i++)
        g_ptr_array_add(lists, g_array_new(FALSE, FALSE, sizeof(unsigned)));
    for (unsigned i = 0; i < plan->scenario->n_rules; i++)
        good = place_rule(plan, boxes, lists, i, diags) && good;

    plan->middleboxes = g_new0(hp_plan_middlebox, boxes->len);
    g_ptr_array_add(owned, plan->middleboxes);
    for (unsigned i = 0; i < boxes->len; i++) {
        hp_plan_middlebox *box = &g_array_index(boxes, hp_plan_middlebox, i);
        const GArray *list = lists->pdata[i];
        g_ptr_array_add(owned, box->name);
        if (list->len == 0)
            continue;
        box->n_rules = list->len;
        box->rules = g_memdup2(list->data, list->len * sizeof(unsigned));
        g_ptr_array_add(owned, box->rules);
        plan->middleboxes[plan->n_middleboxes++] = *box;
    }
    return good;
}
