/* Where packets wait in a middlebox: those that are delayed, in a heap by their time, and those that are held until
 * later packets of their flow have left.
 *
 * Delayed packets leave one a timer, those of one instant in the order in which they were put in. A held packet leaves
 * right behind the last of the later packets that it waits for, in the same call, or when its time is up. Only packets
 * that leave after it was held count, those that a rule delayed at the time they leave. Several that one packet
 * releases leave in the order of their arrival; they release no others.
 *
 * At most 256 packets are held; one that finds no place is not held at all. */
#include "world/rules_private.h"

enum { MAX_HELD = 256 };

/* ---- delayed ---- */

static hp_rule_waiting *waiting_at(const hp_rules *rules, unsigned i)
{
    return &g_array_index(rules->waiting, hp_rule_waiting, i);
}

static bool is_before(const hp_rule_waiting *a, const hp_rule_waiting *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void arm_waiting(hp_rules *rules)
{
    hp_timer_arm(rules->node.world, &rules->waiting_timer,
                 rules->waiting->len > 0 ? waiting_at(rules, 0)->at : HP_NEVER);
}

void hp_rule_wait(hp_rules *rules, hp_packet *p, unsigned out, hp_time at, bool changed)
{
    hp_rule_waiting entry = {
        .at = MIN(at, HP_NEVER - 1), .order = rules->next_order++, .p = p, .out = (uint8_t)out, .changed = changed};
    g_array_append_val(rules->waiting, entry);
    unsigned i = rules->waiting->len - 1;
    for (unsigned parent; i > 0 && is_before(&entry, waiting_at(rules, parent = (i - 1) / 2)); i = parent) {
        *waiting_at(rules, i) = *waiting_at(rules, parent);
    }
    *waiting_at(rules, i) = entry;
    arm_waiting(rules);
}

static hp_rule_waiting take_first(hp_rules *rules)
{
    hp_rule_waiting first = *waiting_at(rules, 0), last = *waiting_at(rules, rules->waiting->len - 1);
    unsigned n = rules->waiting->len - 1, i = 0;

    g_array_set_size(rules->waiting, n);
    for (unsigned child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_before(waiting_at(rules, child + 1), waiting_at(rules, child))) {
            child++;
        }
        if (!is_before(waiting_at(rules, child), &last)) {
            break;
        }
        *waiting_at(rules, i) = *waiting_at(rules, child);
    }
    if (n > 0) {
        *waiting_at(rules, i) = last;
    }
    return first;
}

static void on_waiting(void *owner, hp_time now)
{
    hp_rules *rules = owner;
    hp_rule_waiting first = take_first(rules);
    arm_waiting(rules);
    hp_rule_leave(rules, first.p, first.out, first.changed);
}

/* ---- held ---- */

static hp_rule_held *held_at(const hp_rules *rules, unsigned i)
{
    return &g_array_index(rules->held, hp_rule_held, i);
}

static void arm_held(hp_rules *rules)
{
    hp_time first = HP_NEVER;
    for (unsigned i = 0; i < rules->held->len; i++) {
        first = MIN(first, held_at(rules, i)->until);
    }
    hp_timer_arm(rules->node.world, &rules->held_timer, first);
}

bool hp_rule_hold(hp_rules *rules, hp_packet *p, unsigned out, uint32_t packets, hp_time until, bool changed)
{
    if (rules->held->len == MAX_HELD) {
        return false;
    }
    hp_rule_held entry = {
        .until = MIN(until, HP_NEVER - 1), .remaining = packets, .p = p, .out = (uint8_t)out, .changed = changed};
    g_array_append_val(rules->held, entry);
    arm_held(rules);
    return true;
}

static void depart(hp_rules *rules, hp_packet *p, unsigned out, bool changed)
{
    if (changed) {
        hp_world *world = rules->node.world;
        hp_trace_packet(hp_world_trace(world), hp_world_now(world), rules->tap, HP_DIR_OUT, p);
    }
    hp_node_emit(&rules->node, out, p);
}

static void on_held(void *owner, hp_time now)
{
    hp_rules *rules = owner;
    unsigned i = 0;
    while (held_at(rules, i)->until > now) {
        i++; /* the timer was armed for one of them */
    }
    hp_rule_held entry = *held_at(rules, i);
    g_array_remove_index(rules->held, i);
    arm_held(rules);
    depart(rules, entry.p, entry.out, entry.changed);
}

static bool same_flow(const hp_packet *a, const hp_packet *b)
{
    return a->proto == b->proto && hp_addr_equal(&a->src, &b->src) && hp_addr_equal(&a->dst, &b->dst);
}

/* Takes out those that p's leaving sets free; NULL when there are none. */
static GArray *release_for(hp_rules *rules, const hp_packet *p, unsigned out)
{
    GArray *free = NULL;
    for (unsigned i = 0; i < rules->held->len;) {
        hp_rule_held *held = held_at(rules, i);
        if (held->out != out || !same_flow(held->p, p) || --held->remaining > 0) {
            i++;
            continue;
        }
        if (free == NULL) {
            free = g_array_new(FALSE, FALSE, sizeof(hp_rule_held));
        }
        g_array_append_val(free, *held);
        g_array_remove_index(rules->held, i);
    }
    if (free != NULL) {
        arm_held(rules);
    }
    return free;
}

void hp_rule_leave(hp_rules *rules, hp_packet *p, unsigned out, bool changed)
{
    GArray *released = rules->held->len > 0 ? release_for(rules, p, out) : NULL;
    depart(rules, p, out, changed);
    if (released == NULL) {
        return;
    }
    for (unsigned i = 0; i < released->len; i++) {
        const hp_rule_held *held = &g_array_index(released, hp_rule_held, i);
        depart(rules, held->p, held->out, held->changed);
    }
    g_array_free(released, TRUE);
}

/* ---- both ---- */

void hp_rule_queue_init(hp_rules *rules)
{
    rules->waiting = g_array_new(FALSE, FALSE, sizeof(hp_rule_waiting));
    rules->held = g_array_new(FALSE, FALSE, sizeof(hp_rule_held));
    hp_timer_init(&rules->waiting_timer, HP_TIMER_LINK, rules->node.id, on_waiting, rules);
    hp_timer_init(&rules->held_timer, HP_TIMER_LINK, rules->node.id, on_held, rules);
}

void hp_rule_queue_clear(hp_rules *rules)
{
    hp_timer_cancel(rules->node.world, &rules->waiting_timer);
    hp_timer_cancel(rules->node.world, &rules->held_timer);
    for (unsigned i = 0; i < rules->waiting->len; i++) {
        hp_packet_free(waiting_at(rules, i)->p);
    }
    for (unsigned i = 0; i < rules->held->len; i++) {
        hp_packet_free(held_at(rules, i)->p);
    }
    g_array_free(rules->waiting, TRUE);
    g_array_free(rules->held, TRUE);
}
