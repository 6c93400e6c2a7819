/* The scripted middlebox: a list of rules that every packet goes down, in either direction.
 *
 * A packet is looked at once: its fields become a match subject, its payload is read by the first rule that asks for
 * it (hp_match_view). What a rule did may have changed both, so that they are read anew before the next rule.
 *
 * Nothing leaves while the list is walked. The packet itself leaves when it is through, at once when nothing delayed
 * it; copies, pieces and answers leave behind it by way of the queue (rule_queue.c), at the same instant if they have
 * no delay. So a neighbour that answers within the call finds the list in order.
 *
 * Counting: a rule's number of a packet is how many, this one included, had everything the rule says hold within its
 * time window, whether or not `nth`, luck or the limit then spared them. Luck is drawn only for packets that nth picks
 * and the limit has room for; every rule has a random stream of its own, named after node and label (or number), so
 * that a rule that is added moves no other's luck if it carries a label.
 *
 * Limits: a rule sees packets, not streams: TCP data is not put in order for it, and a fragment that is not the first
 * shows neither ports nor payload. Rules are not told of each other's doings but by the packet itself. */
#include "world/rules_private.h"

#include "base/error.h"
#include "world/packet_ranges.h"

/* ---- whether a rule hits ---- */

static bool is_direction(hp_rule_direction direction, unsigned in)
{
    switch (direction) {
    case HP_RULE_BOTH_WAYS:
        return true;
    case HP_RULE_UP:
        return in == HP_RULES_NEAR;
    case HP_RULE_DOWN:
        return in == HP_RULES_FAR;
    }
    return false;
}

static bool is_picked(hp_rule_state *state, uint64_t number)
{
    const hp_rule *rule = &state->rule;
    if (rule->n_nth == 0) {
        return true;
    }
    while (state->next_nth < rule->n_nth && rule->nth[state->next_nth].last != 0 &&
           rule->nth[state->next_nth].last < number) {
        state->next_nth++;
    }
    return state->next_nth < rule->n_nth && rule->nth[state->next_nth].first <= number;
}

static bool applies(const hp_rule_state *state, unsigned in, hp_time now, hp_match_view *view, const hp_packet *p)
{
    const hp_rule *rule = &state->rule;
    return !rule->off && is_direction(rule->direction, in) && now >= rule->from && (rule->to == 0 || now < rule->to) &&
           hp_match_view_holds(view, &rule->match, state->detail) &&
           (rule->filter == NULL || rule->filter(p, rule->filter_data));
}

static bool hits(hp_rule_state *state)
{
    const hp_rule *rule = &state->rule;
    uint64_t number = ++state->counts.matched;
    if (!is_picked(state, number) || (rule->limit != 0 && state->counts.hits >= rule->limit) ||
        (rule->chance_ppb != 0 && !hp_rng_chance(&state->rng, rule->chance_ppb))) {
        return false;
    }
    state->counts.hits++;
    return true;
}

/* ---- a packet's way ---- */

static void carry_out(hp_rules *rules, hp_rule_state *state, hp_rule_passage *passage)
{
    hp_trace *trace = hp_world_trace(rules->node.world);
    uint32_t record = passage->p->last_record;

    if (!state->rule.quiet) {
        hp_trace_event(trace, hp_world_now(rules->node.world), HP_EV_RULE_HIT, state->subject,
                       HP_FS("place", rules->node.name), HP_FS("do", state->doings), HP_FU("packet", record),
                       HP_FU("number", state->counts.matched), HP_FU("hits", state->counts.hits));
    }
    if (trace != NULL && record != 0 && !state->rule.quiet) {
        passage->remark = g_string_new(NULL);
    }
    hp_rule_carry_out(rules, state, passage);
    if (passage->remark == NULL) {
        return;
    }
    if (passage->remark->len > 0) {
        g_autofree char *text = g_strdup_printf("%s: %s", state->name, passage->remark->str);
        hp_trace_note(trace, hp_world_now(rules->node.world), record, text);
    }
    g_string_free(g_steal_pointer(&passage->remark), TRUE);
}

static void send_on(hp_rules *rules, const hp_rule_passage *passage)
{
    hp_time now = hp_world_now(rules->node.world);
    hp_packet *p = passage->p;

    /* What follows is queued first: a neighbour that is called below may have sent more by the time it returns. With
     * a delay the packet itself is queued, and before them. */
    bool held = p != NULL && passage->hold_for != 0 &&
                hp_rule_hold(rules, p, passage->out, passage->hold_for, hp_time_add(now, passage->hold_at_most),
                             passage->changed);
    bool waits = p != NULL && !held && passage->delay > 0;
    if (waits) {
        hp_rule_wait(rules, p, passage->out, hp_time_add(now, passage->delay), passage->changed);
    }
    for (unsigned i = 0; passage->followers != NULL && i < passage->followers->len; i++) {
        const hp_rule_follower *f = &g_array_index(passage->followers, hp_rule_follower, i);
        hp_rule_wait(rules, f->p, f->out, hp_time_add(now, f->delay), f->changed);
    }
    if (p != NULL && !held && !waits) {
        hp_rule_leave(rules, p, passage->out, passage->changed);
    }
}

static void rules_receive(hp_node *node, unsigned port, hp_packet *p)
{
    hp_rules *rules = (hp_rules *)node;
    unsigned in = port == HP_RULES_NEAR ? HP_RULES_NEAR : HP_RULES_FAR;
    hp_rule_passage passage = {.p = p, .in = in, .out = 1 - in};
    hp_time now = hp_world_now(node->world);
    hp_match_subject subject = hp_match_subject_of(p);
    hp_match_view view;
    hp_match_view_init(&view, &subject);

    for (unsigned i = 0; i < rules->n; i++) {
        hp_rule_state *state = &rules->list[i];
        if (!applies(state, in, now, &view, passage.p) || !hits(state)) {
            continue;
        }
        carry_out(rules, state, &passage);
        if (passage.p == NULL || !state->rule.go_on) {
            break;
        }
        subject = hp_match_subject_of(passage.p);
        hp_match_view_init(&view, &subject);
    }
    send_on(rules, &passage);
    if (passage.followers != NULL) {
        g_array_free(passage.followers, TRUE);
    }
}

/* ---- the node ---- */

static void free_list(hp_rule_state *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        hp_rule_clear(&list[i].rule);
        g_free(list[i].name);
        g_free(list[i].subject);
        g_free(list[i].doings);
        g_free(list[i].memory);
    }
    g_free(list);
}

static void rules_free(hp_node *node)
{
    hp_rules *rules = (hp_rules *)node;
    hp_rule_queue_clear(rules);
    free_list(rules->list, rules->n);
    hp_node_clear(node);
    g_free(rules);
}

/* Most packets pass as they are: what is beyond gets ready for this one as if nothing stood in between. */
static void rules_hint(const hp_node *node, unsigned port, const hp_packet *p, hp_hint hint)
{
    unsigned out = port == HP_RULES_NEAR ? HP_RULES_FAR : HP_RULES_NEAR;
    if (hp_node_is_connected(node, out) && node->out[out].node->ops->hint != NULL) {
        node->out[out].node->ops->hint(node->out[out].node, node->out[out].port, p, hint);
    }
}

static const hp_node_ops rules_ops = {
    .kind = "rules",
    .receive = rules_receive,
    .hint = rules_hint,
    .free = rules_free,
};

hp_rules *hp_rules_new(hp_world *world, const char *name)
{
    hp_rules *rules = g_new0(hp_rules, 1);
    hp_node_init(&rules->node, &rules_ops, world, name);
    if (hp_world_trace(world) != NULL) {
        rules->tap = hp_trace_tap(hp_world_trace(world), name);
    }
    hp_rule_queue_init(rules);
    return rules;
}

hp_node *hp_rules_node(hp_rules *rules)
{
    return &rules->node;
}

void hp_rules_divert(hp_rules *rules, unsigned side, hp_node *from, unsigned from_port)
{
    hp_node *node = &rules->node;
    unsigned out = 1 - side;

    g_assert(side <= HP_RULES_FAR && hp_node_is_connected(from, from_port));
    hp_port to = from->out[from_port];
    g_assert(!hp_node_is_connected(node, out) || (node->out[out].node == to.node && node->out[out].port == to.port));
    hp_node_connect(node, out, to.node, to.port);
    hp_node_connect(from, from_port, node, side);
}

void hp_rules_set_address(hp_rules *rules, const hp_addr *ipv4, const hp_addr *ipv6)
{
    rules->address4 = ipv4 != NULL ? *ipv4 : (hp_addr){0};
    rules->address6 = ipv6 != NULL ? *ipv6 : (hp_addr){0};
}

/* ---- the list ---- */

static unsigned number_of(const hp_rule *rule, unsigned index)
{
    return rule->number != 0 ? rule->number : index + 1;
}

static char *name_of(const hp_rule *rule, unsigned index)
{
    return rule->label != NULL ? g_strdup_printf("rule %u (%s)", number_of(rule, index), rule->label)
                               : g_strdup_printf("rule %u", number_of(rule, index));
}

/* "rewrite, delay" */
static char *doings_of(const hp_rule *rule)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < rule->n_actions; i++) {
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", hp_rule_do_name(rule->actions[i].what));
    }
    return g_string_free(text, FALSE);
}

static void init_state(const hp_rules *rules, hp_rule_state *state, const hp_rule *rule, unsigned index)
{
    *state = (hp_rule_state){
        .name = name_of(rule, index),
        .subject = rule->label != NULL ? g_strdup(rule->label) : g_strdup_printf("%u", number_of(rule, index)),
        .doings = doings_of(rule),
    };
    hp_rule_copy(rule, &state->rule);
    state->detail = hp_match_detail_is_empty(&state->rule.match.detail) ? NULL : &state->rule.match.detail;
    hp_packet_range *given = state->rule.nth;
    state->rule.nth = hp_packet_ranges_merge(given, state->rule.n_nth, &state->rule.n_nth);
    g_free(given);

    g_autofree char *stream = rule->label != NULL
                                  ? g_strdup_printf("rule:%s:%s", rules->node.name, rule->label)
                                  : g_strdup_printf("rule:%s:%u", rules->node.name, number_of(rule, index));
    hp_world_rng(rules->node.world, stream, &state->rng);
    state->memory = g_new0(hp_rule_memory, rule->n_actions);
    for (unsigned i = 0; i < rule->n_actions; i++) {
        state->memory[i].tokens = rule->actions[i].rate.burst_bytes * 8 * HP_S;
        state->memory[i].filled = hp_world_now(rules->node.world);
    }
}

bool hp_rules_set(hp_rules *rules, const hp_rule *list, unsigned n, GError **error)
{
    for (unsigned i = 0; i < n; i++) {
        if (!hp_rule_check(&list[i], error)) {
            g_autofree char *name = name_of(&list[i], i);
            g_prefix_error(error, "%s: ", name);
            return false;
        }
    }
    hp_rule_state *fresh = g_new0(hp_rule_state, n);
    for (unsigned i = 0; i < n; i++) {
        init_state(rules, &fresh[i], &list[i], i);
    }
    free_list(rules->list, rules->n);
    rules->list = fresh;
    rules->n = n;
    return true;
}

void hp_rules_switch(hp_rules *rules, unsigned index, bool on)
{
    g_assert(index < rules->n);
    rules->list[index].rule.off = !on;
}

unsigned hp_rules_n(const hp_rules *rules)
{
    return rules->n;
}

hp_rule_counts hp_rules_counts(const hp_rules *rules, unsigned index)
{
    g_assert(index < rules->n);
    return rules->list[index].counts;
}

unsigned hp_rules_n_waiting(const hp_rules *rules)
{
    return rules->waiting->len + rules->held->len;
}
