/* `delivery` and `latency`: what became of the datagrams that flows sent.
 *
 * A window holds datagrams by the time they were sent, wherever in time they arrive: a datagram lost in an outage has
 * no other time. sent counts what the agent was handed, received distinct sequence numbers, loss is what of sent did
 * not arrive in parts per billion. A datagram that the agent refused was sent and lost: the user meant it to arrive;
 * the text tells how many those were.
 * latency takes the first arrival of each datagram, all selected flows together.
 *
 * A flow may go over a data channel; its messages count as datagrams. Without a `channel` filter both kinds are
 * meant. */
#include "check/traffic.h"

#include <string.h>

#include "base/rng.h"
#include "check/stats.h"

/* ---- when nothing more can come ---- */

static bool fits(const char *wanted, const char *got)
{
    return wanted == NULL || strcmp(wanted, got) == 0;
}

bool hp_flow_selected(const hp_flow_facts *flow, const hp_flow_choice *choice)
{
    return fits(choice->from, flow->from) && fits(choice->to, flow->to) && fits(choice->channel, flow->channel);
}

static bool step_selected(const hp_step *step, const hp_flow_choice *choice)
{
    const char *channel = step->send.channel.label != NULL ? step->send.channel.label : "";
    const bool forth = fits(choice->from, step->send.from) && fits(choice->to, step->send.to);
    const bool back = fits(choice->from, step->send.to) && fits(choice->to, step->send.from);
    return fits(choice->channel, channel) && (forth || (step->send.both && back));
}

bool hp_traffic_pending(const hp_facts *facts, const hp_flow_choice *choice)
{
    const hp_scenario *scenario = facts->plan->scenario;
    unsigned promised = 0;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        const hp_step *step = &scenario->steps[i];
        if (step->kind != HP_STEP_SEND) {
            continue;
        }
        if (!facts->steps[i].reached && step_selected(step, choice)) {
            return true;
        }
        promised += facts->steps[i].reached ? 1 + step->send.both : 0;
    }
    return facts->flows->len < promised;
}

bool hp_traffic_done(const hp_facts *facts, const hp_flow_choice *choice)
{
    if (hp_traffic_pending(facts, choice)) {
        return false;
    }
    for (unsigned i = 0; i < facts->flows->len; i++) {
        const hp_flow_facts *flow = g_ptr_array_index(facts->flows, i);
        if (hp_flow_selected(flow, choice) &&
            (flow->done == HP_NEVER ||
             (flow->received < flow->sent && facts->now < hp_time_add(flow->done, HP_TRAFFIC_GRACE)))) {
            return false;
        }
    }
    return true;
}

/* ---- which datagrams a window holds ---- */

/* For each flow, by its index: whether it is selected, and the sequence numbers sent in the window. */
typedef struct selection {
    GByteArray *selected; /* 1 yes, 2 no */
    GArray *in_window; /* hp_sequences; empty for an unrestricted window */
} selection;

static void selection_init(selection *s)
{
    s->selected = g_byte_array_new();
    s->in_window = g_array_new(FALSE, TRUE, sizeof(hp_sequences));
}

static void selection_clear(selection *s)
{
    for (unsigned i = 0; s->in_window != NULL && i < s->in_window->len; i++) {
        hp_sequences_clear(&g_array_index(s->in_window, hp_sequences, i));
    }
    g_clear_pointer(&s->in_window, g_array_unref);
    g_clear_pointer(&s->selected, g_byte_array_unref);
}

static bool selects(selection *s, const hp_flow_facts *flow, const hp_flow_choice *choice)
{
    if (flow->index >= s->selected->len) {
        const unsigned known = s->selected->len;
        g_byte_array_set_size(s->selected, flow->index + 1);
        memset(s->selected->data + known, 0, flow->index + 1 - known);
    }
    guint8 *selected = &s->selected->data[flow->index];
    if (*selected == 0) {
        *selected = hp_flow_selected(flow, choice) ? 1 : 2;
    }
    return *selected == 1;
}

static hp_sequences *sequences_of(selection *s, const hp_flow_facts *flow)
{
    if (flow->index >= s->in_window->len) {
        g_array_set_size(s->in_window, flow->index + 1);
    }
    return &g_array_index(s->in_window, hp_sequences, flow->index);
}

/* Notes a datagram as sent in the window; false when it was sent outside. */
static bool select_sent(const hp_expectation *e, selection *s)
{
    if (!e->window.restricted) {
        return true;
    }
    if (!hp_expectation_in_window(e)) {
        return false;
    }
    hp_sequences_add(sequences_of(s, e->facts->current.flow), e->facts->current.sequence);
    return true;
}

static bool was_sent_in_window(const hp_expectation *e, selection *s)
{
    return !e->window.restricted ||
           hp_sequences_has(sequences_of(s, e->facts->current.flow), e->facts->current.sequence);
}

/* Whether any flow that the expectation speaks of began. */
static bool any_flow(const hp_facts *facts, const hp_flow_choice *choice)
{
    for (unsigned i = 0; i < facts->flows->len; i++) {
        if (hp_flow_selected(g_ptr_array_index(facts->flows, i), choice)) {
            return true;
        }
    }
    return false;
}

/* "from alice to bob over chat: "; nothing for any flow. */
static void text_choice(GString *text, const hp_flow_choice *choice)
{
    hp_text_flow(text, choice->from, choice->to);
    if (choice->channel != NULL) {
        g_string_append_printf(text, "%sover channel `%s`", text->len > 0 ? " " : "", choice->channel);
    }
    if (text->len > 0) {
        g_string_append(text, ": ");
    }
}

/* ---- delivery ---- */

typedef struct delivery {
    selection selection;
    uint64_t sent, refused, received, duplicates, reordered;
    uint32_t first_duplicate, first_reordered; /* packets */
} delivery;

static hp_flow_choice delivery_choice(const hp_expect *x)
{
    return (hp_flow_choice){.from = x->delivery.from, .to = x->delivery.to, .channel = x->delivery.channel};
}

static bool delivery_init(hp_expectation *e, GError **error)
{
    delivery *d = e->state;
    selection_init(&d->selection);
    return true;
}

static void delivery_clear(hp_expectation *e)
{
    delivery *d = e->state;
    selection_clear(&d->selection);
}

static void delivery_received(const hp_expectation *e, delivery *d)
{
    const uint32_t packet = e->facts->current.arrival.packet;
    if (!was_sent_in_window(e, &d->selection)) {
        return;
    }
    if (e->facts->current.duplicate) {
        d->first_duplicate = d->duplicates++ == 0 ? packet : d->first_duplicate;
        return;
    }
    d->received++;
    if (e->facts->current.reordered) {
        d->first_reordered = d->reordered++ == 0 ? packet : d->first_reordered;
    }
}

static void delivery_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    delivery *d = e->state;
    const hp_flow_choice choice = delivery_choice(e->expect);
    if (!selects(&d->selection, e->facts->current.flow, &choice)) {
        return;
    }
    if (r->event.kind == HP_EV_DATA_RECEIVED) {
        delivery_received(e, d);
    } else if (r->event.kind == HP_EV_DATA_SENT) {
        d->sent += select_sent(e, &d->selection);
    } else {
        d->refused += !e->window.restricted || hp_expectation_in_window(e);
    }
}

static bool delivery_decided(const hp_expectation *e)
{
    const hp_flow_choice choice = delivery_choice(e->expect);
    return hp_traffic_done(e->facts, &choice);
}

static bool holds(const hp_compare *c, uint64_t value)
{
    return !c->set || hp_compare_holds(c, (int64_t)MIN(value, (uint64_t)INT64_MAX));
}

static int64_t loss_ppb(const delivery *d)
{
    const uint64_t lost = d->sent > d->received ? d->sent - d->received : 0;
    return d->sent > 0 ? (int64_t)((unsigned __int128)lost * HP_PPB / d->sent) : 0;
}

static void delivery_expected(const hp_expect *x, GString *text)
{
    const hp_flow_choice choice = delivery_choice(x);
    text_choice(text, &choice);
    hp_text_compare(text, "sent", &x->delivery.sent);
    hp_text_compare(text, "received", &x->delivery.received);
    hp_text_compare(text, "loss", &x->delivery.loss);
    hp_text_compare(text, "duplicates", &x->delivery.duplicates);
    hp_text_compare(text, "reordered", &x->delivery.reordered);
}

static bool delivery_asks_nothing(const hp_expect *x)
{
    return !x->delivery.sent.set && !x->delivery.received.set && !x->delivery.loss.set && !x->delivery.duplicates.set &&
           !x->delivery.reordered.set;
}

static void delivery_got(const hp_expectation *e, const delivery *d, hp_judgement *j)
{
    const uint64_t lost = d->sent > d->received ? d->sent - d->received : 0;
    g_string_append_printf(j->got, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " lost", lost, d->sent);
    if (d->sent > 0) {
        g_string_append(j->got, " (");
        hp_text_value(j->got, HP_UNIT_RATIO, loss_ppb(d));
        g_string_append_c(j->got, ')');
    }
    if (e->expect->delivery.received.set) {
        g_string_append_printf(j->got, ", %" G_GUINT64_FORMAT " received", d->received);
    }
    if (d->duplicates > 0 || e->expect->delivery.duplicates.set) {
        g_string_append_printf(j->got, ", %" G_GUINT64_FORMAT " duplicates", d->duplicates);
    }
    if (d->reordered > 0 || e->expect->delivery.reordered.set) {
        g_string_append_printf(j->got, ", %" G_GUINT64_FORMAT " reordered", d->reordered);
    }
    if (d->refused > 0) {
        g_string_append_printf(j->got, ", %" G_GUINT64_FORMAT " refused by the agent", d->refused);
    }
}

static void delivery_judge(const hp_expectation *e, hp_judgement *j)
{
    const delivery *d = e->state;
    const hp_expect *x = e->expect;
    const bool loss_holds = !x->delivery.loss.set || (d->sent > 0 && holds(&x->delivery.loss, (uint64_t)loss_ppb(d)));
    const bool duplicates_hold = holds(&x->delivery.duplicates, d->duplicates);
    const bool reordered_holds = holds(&x->delivery.reordered, d->reordered);
    const hp_flow_choice choice = delivery_choice(x);
    delivery_expected(x, j->expected);
    if (delivery_asks_nothing(x)) {
        g_string_append(j->expected, "received >= 1");
    }
    hp_text_window(j->expected, x);
    if (!any_flow(e->facts, &choice)) {
        g_string_append(j->got, "no such flow began");
        return;
    }
    j->passed = loss_holds && duplicates_hold && reordered_holds && holds(&x->delivery.sent, d->sent) &&
                holds(&x->delivery.received, d->received) && (!delivery_asks_nothing(x) || d->received > 0);
    delivery_got(e, d, j);
    if (j->passed) {
        return;
    }
    if (!duplicates_hold) {
        j->packet = d->first_duplicate;
    } else if (!reordered_holds) {
        j->packet = d->first_reordered;
    }
    if (d->received < d->sent) {
        g_autoptr(GString) drops = g_string_new(NULL);
        hp_diagnosis_append_drops(j->diagnose(j), true, drops);
        g_string_append_printf(j->got, "; %s", drops->len > 0 ? drops->str : "no drop of data was recorded");
    }
    hp_text_dtls_trouble(j->got, e->facts);
}

const hp_expectation_ops hp_expect_delivery_ops = {
    .init = delivery_init,
    .record = delivery_record,
    .decided = delivery_decided,
    .judge = delivery_judge,
    .clear = delivery_clear,
    .state_size = sizeof(delivery),
    .outlasts_window = true,
    .events = HP_EVENT_BIT(HP_EV_DATA_SENT) | HP_EVENT_BIT(HP_EV_DATA_REFUSED) | HP_EVENT_BIT(HP_EV_DATA_RECEIVED),
};

/* ---- latency ---- */

typedef struct latency {
    selection selection;
    GArray *arrivals; /* hp_arrival */
} latency;

static hp_flow_choice latency_choice(const hp_expect *x)
{
    return (hp_flow_choice){.from = x->latency.from, .to = x->latency.to, .channel = x->latency.channel};
}

static bool latency_init(hp_expectation *e, GError **error)
{
    latency *l = e->state;
    selection_init(&l->selection);
    l->arrivals = g_array_new(FALSE, FALSE, sizeof(hp_arrival));
    if (e->window.restricted) {
        e->events |= HP_EVENT_BIT(HP_EV_DATA_SENT);
    }
    return true;
}

static void latency_clear(hp_expectation *e)
{
    latency *l = e->state;
    selection_clear(&l->selection);
    g_clear_pointer(&l->arrivals, g_array_unref);
}

static void latency_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    latency *l = e->state;
    const hp_flow_choice choice = latency_choice(e->expect);
    if (!selects(&l->selection, e->facts->current.flow, &choice)) {
        return;
    }
    if (r->event.kind == HP_EV_DATA_SENT) {
        select_sent(e, &l->selection);
    } else if (!e->facts->current.duplicate && was_sent_in_window(e, &l->selection)) {
        g_array_append_val(l->arrivals, e->facts->current.arrival);
    }
}

static bool latency_decided(const hp_expectation *e)
{
    const hp_flow_choice choice = latency_choice(e->expect);
    return hp_traffic_done(e->facts, &choice);
}

/* The first arrival that took exactly that long: the packet that shows a figure. */
static uint32_t packet_of(const latency *l, hp_time value)
{
    for (unsigned i = 0; i < l->arrivals->len; i++) {
        const hp_arrival *arrival = &g_array_index(l->arrivals, hp_arrival, i);
        if (arrival->latency == value) {
            return arrival->packet;
        }
    }
    return 0;
}

typedef struct figure {
    const char *name;
    const hp_compare *range;
    hp_time value;
    bool is_sample;
} figure;

/* What fails is a time that is too long, by how much; or something else, and then it is not only times. */
static void note_too_long(const hp_compare *range, hp_time value, hp_time *worst, bool *only)
{
    if ((int64_t)MIN(value, (hp_time)INT64_MAX) > range->max) {
        *worst = MAX(*worst, value - (hp_time)range->max);
    } else {
        *only = false;
    }
}

static void latency_judge(const hp_expectation *e, hp_judgement *j)
{
    const latency *l = e->state;
    const hp_expect *x = e->expect;
    const unsigned n = l->arrivals->len;
    g_autofree hp_time *samples = g_new(hp_time, n);
    for (unsigned i = 0; i < n; i++) {
        samples[i] = g_array_index(l->arrivals, hp_arrival, i).latency;
    }
    const hp_distribution d = hp_distribution_of(samples, n);
    const figure figures[] = {
        {"max", &x->latency.max, d.max, true},          {"p95", &x->latency.p95, d.p95, true},
        {"median", &x->latency.median, d.median, true}, {"mean", &x->latency.mean, d.mean, false},
        {"min", &x->latency.min, d.min, true},
    };
    const hp_flow_choice choice = latency_choice(x);
    text_choice(j->expected, &choice);
    j->passed = n > 0;
    bool only_too_long = n > 0;
    hp_time too_long = 0;
    for (unsigned i = G_N_ELEMENTS(figures); i > 0; i--) {
        const figure *f = &figures[i - 1];
        hp_text_compare(j->expected, f->name, f->range);
        if (n > 0) {
            hp_text_separate(j->got);
            g_string_append_printf(j->got, "%s ", f->name);
            hp_text_time(j->got, f->value);
        }
        if (n > 0 && !holds(f->range, f->value)) {
            j->passed = false;
            j->packet = f->is_sample ? packet_of(l, f->value) : j->packet;
            note_too_long(f->range, f->value, &too_long, &only_too_long);
        }
    }
    j->too_long = only_too_long ? too_long : 0;
    hp_text_window(j->expected, x);
    if (n > 0) {
        g_string_append(j->got, " over ");
        hp_text_count(j->got, n, "datagram", "datagrams");
    } else {
        g_string_append(j->got, any_flow(e->facts, &choice) ? "no datagram arrived" : "no such flow began");
    }
}

const hp_expectation_ops hp_expect_latency_ops = {
    .init = latency_init,
    .record = latency_record,
    .decided = latency_decided,
    .judge = latency_judge,
    .clear = latency_clear,
    .state_size = sizeof(latency),
    .outlasts_window = true,
    .events = HP_EVENT_BIT(HP_EV_DATA_RECEIVED),
};
