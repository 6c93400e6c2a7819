/* `event`: how often an event happens. `order`: that events happen one after the other.
 *
 * In an order each event must come after the one before it in the log; other events may lie between. The first event
 * that fits is taken for each place, which finds the order whenever there is one. */
#include <string.h>

#include "check/expectation.h"

/* "nat-mapping of home where proto is udp". */
static void append_pattern(const hp_event_pattern *pattern, GString *text)
{
    g_string_append(text, hp_event_name(pattern->kind));
    if (pattern->subject != NULL) {
        g_string_append_printf(text, " of %s", pattern->subject);
    }
    for (unsigned i = 0; i < pattern->n_where; i++) {
        g_string_append_printf(text, "%s %s is %s", i == 0 ? " where" : " and", pattern->keys[i], pattern->values[i]);
    }
}

/* ---- event ---- */

static bool event_init(hp_expectation *e, GError **error)
{
    hp_tally *t = e->state;
    hp_tally_init(t, &e->expect->event.count, 1);
    e->events = HP_EVENT_BIT(e->expect->event.pattern.kind);
    return true;
}

static void event_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    hp_tally *t = e->state;
    if (hp_expectation_in_window(e) && hp_event_pattern_matches(&e->expect->event.pattern, r)) {
        hp_tally_add(t, 1, r->at, (uint32_t)hp_record_u64(r, "packet"));
        e->fixed = hp_tally_is_fixed(t);
    }
}

static void event_judge(const hp_expectation *e, hp_judgement *j)
{
    const hp_tally *t = e->state;
    g_autofree char *range = hp_compare_format(&t->range);
    append_pattern(&e->expect->event.pattern, j->expected);
    g_string_append_printf(j->expected, " %s times", range);
    hp_text_window(j->expected, e->expect);
    hp_tally_judge(t, j);
    hp_text_count(j->got, t->value, "time", "times");
    if (t->first_at != HP_NEVER) {
        g_string_append(j->got, ", first at ");
        hp_text_time(j->got, t->first_at);
    }
    if (t->value > 1) {
        g_string_append(j->got, ", last at ");
        hp_text_time(j->got, t->last_at);
    }
}

const hp_expectation_ops hp_expect_event_ops = {
    .init = event_init,
    .record = event_record,
    .judge = event_judge,
    .state_size = sizeof(hp_tally),
};

/* ---- order ---- */

typedef struct order {
    unsigned n_found;
    hp_time *at; /* of those found */
} order;

static bool order_init(hp_expectation *e, GError **error)
{
    order *o = e->state;
    const hp_expect *x = e->expect;
    o->at = g_new0(hp_time, x->order.n);
    for (unsigned i = 0; i < x->order.n; i++) {
        e->events |= HP_EVENT_BIT(x->order.patterns[i].kind);
    }
    return true;
}

static void order_clear(hp_expectation *e)
{
    order *o = e->state;
    g_clear_pointer(&o->at, g_free);
}

static void order_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    order *o = e->state;
    const hp_expect *x = e->expect;
    if (o->n_found < x->order.n && hp_expectation_in_window(e) &&
        hp_event_pattern_matches(&x->order.patterns[o->n_found], r)) {
        o->at[o->n_found++] = r->at;
        if (o->n_found == x->order.n) {
            hp_expectation_fix(e, true, r->at, (uint32_t)hp_record_u64(r, "packet"));
        }
    }
}

static void order_judge(const hp_expectation *e, hp_judgement *j)
{
    const order *o = e->state;
    const hp_expect *x = e->expect;
    for (unsigned i = 0; i < x->order.n; i++) {
        g_string_append(j->expected, i > 0 ? ", then " : "");
        append_pattern(&x->order.patterns[i], j->expected);
    }
    hp_text_window(j->expected, x);
    for (unsigned i = 0; i < o->n_found; i++) {
        hp_text_separate(j->got);
        g_string_append(j->got, hp_event_name(x->order.patterns[i].kind));
        g_string_append(j->got, " at ");
        hp_text_time(j->got, o->at[i]);
    }
    j->passed = o->n_found == x->order.n;
    if (j->passed) {
        j->at = x->order.n > 0 ? e->at : j->ended;
        j->packet = e->packet;
    } else {
        g_string_append(j->got, o->n_found > 0 ? ", then no " : "no ");
        append_pattern(&x->order.patterns[o->n_found], j->got);
    }
}

const hp_expectation_ops hp_expect_order_ops = {
    .init = order_init,
    .record = order_record,
    .judge = order_judge,
    .clear = order_clear,
    .state_size = sizeof(order),
};
