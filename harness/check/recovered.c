/* `recovered`: how long after a step (a reboot, a restart) each flow, and each track of audio or video, needed to get a
 * datagram through again.
 *
 * Of each flow that was running at the step, the first datagram sent after it that arrived counts; the recovery took
 * from the step to that arrival, whether or not the flow was in fact interrupted. What was sent before the step may
 * still be on its way and proves nothing. When no selected flow was running, those that begin later are looked at in
 * the same way. A flow none of whose later datagrams arrives did not recover. With several steps of that name, the
 * first one counts.
 *
 * A track runs from its start to its stop, but for the time it is on hold; its packets count as they came the first
 * time as media. Where flows or tracks were running, all that were have to recover; where neither was, those of either
 * kind that begin later.
 *
 * The gap that the text tells is the longest silence between two arrivals, from the last one before the step to the
 * recovery. */
#include <string.h>

#include "check/traffic.h"

/* Of a flow, or of a track. */
typedef struct recovery {
    hp_flow_facts *flow; /* NULL: of a track; what follows is for flows, a track's facts say it all */
    const hp_track_facts *track;
    uint64_t next_sequence; /* the first number sent after the step */
    hp_time last; /* arrival before the recovery, HP_NEVER */
    hp_time gap; /* the longest silence so far */
    hp_time at; /* HP_NEVER until it recovered */
    uint32_t packet;
    bool sent_more; /* anything after the step; known at the end */
} recovery;

typedef struct recovered {
    int step;
    bool begun, running; /* the step was carried out; flows or tracks were running then */
    uint64_t step_index; /* its record */
    GArray *flows; /* recovery */
} recovered;

static bool init(hp_expectation *e, GError **error)
{
    recovered *x = e->state;
    x->flows = g_array_new(FALSE, FALSE, sizeof(recovery));
    x->step = hp_plan_find_step(e->facts->plan, e->expect->recovered.step);
    if (x->step < 0) {
        hp_expectation_error(e, error, "no step is called `%s`",
                             e->expect->recovered.step != NULL ? e->expect->recovered.step : "");
        return false;
    }
    return true;
}

static void clear(hp_expectation *e)
{
    recovered *x = e->state;
    g_clear_pointer(&x->flows, g_array_unref);
}

static hp_flow_choice flow_choice(const hp_expect *x)
{
    return (hp_flow_choice){.from = x->recovered.from, .to = x->recovered.to};
}

static hp_track_choice track_choice(const hp_expect *x)
{
    return (hp_track_choice){.from = x->recovered.from, .to = x->recovered.to, .kinds = {true, true}};
}

static bool flow_is_selected(const hp_expectation *e, const hp_flow_facts *flow)
{
    const hp_flow_choice choice = flow_choice(e->expect);
    return hp_flow_selected(flow, &choice);
}

static bool track_is_selected(const hp_expectation *e, const hp_track_facts *track)
{
    const hp_track_choice choice = track_choice(e->expect);
    return track != NULL && hp_track_chosen(track, &choice);
}

static void add_flow(recovered *x, hp_flow_facts *flow)
{
    const recovery r = {
        .flow = flow,
        .next_sequence = flow->next_sequence,
        .last = flow->last_received,
        .at = HP_NEVER,
    };
    g_array_append_val(x->flows, r);
}

static void add_track(recovered *x, const hp_track_facts *track)
{
    const recovery r = {.track = track, .last = HP_NEVER, .at = HP_NEVER};
    g_array_append_val(x->flows, r);
}

static bool is_running(const hp_track_facts *track)
{
    hp_track_change last;
    return !hp_track_state_at(track, UINT64_MAX, &last) || last.state == HP_TRACK_STARTED ||
           last.state == HP_TRACK_RESUMED;
}

static void begin(const hp_expectation *e, recovered *x, uint64_t index)
{
    x->begun = true;
    x->step_index = index;
    for (unsigned i = 0; i < e->facts->flows->len; i++) {
        hp_flow_facts *flow = g_ptr_array_index(e->facts->flows, i);
        if (flow_is_selected(e, flow) && flow->done == HP_NEVER) {
            add_flow(x, flow);
        }
    }
    for (unsigned i = 0; i < e->facts->tracks->len; i++) {
        const hp_track_facts *track = g_ptr_array_index(e->facts->tracks, i);
        if (track_is_selected(e, track) && is_running(track)) {
            add_track(x, track);
        }
    }
    x->running = x->flows->len > 0;
}

static hp_time step_time(const hp_expectation *e)
{
    const recovered *x = e->state;
    return e->facts->steps[x->step].at;
}

static bool all_recovered(const recovered *x)
{
    for (unsigned i = 0; i < x->flows->len; i++) {
        const recovery *f = &g_array_index(x->flows, recovery, i);
        const bool heard = f->track != NULL && f->track->heard && f->track->heard_index > x->step_index;
        if (f->at == HP_NEVER && !heard) {
            return false;
        }
    }
    return x->flows->len > 0;
}

static void received(const hp_facts *facts, recovered *x, hp_time at)
{
    for (unsigned i = 0; i < x->flows->len; i++) {
        recovery *f = &g_array_index(x->flows, recovery, i);
        if (f->flow == NULL || f->flow != facts->current.flow || f->at != HP_NEVER) {
            continue;
        }
        f->gap = f->last != HP_NEVER ? MAX(f->gap, at - f->last) : 0;
        if (facts->current.sequence >= f->next_sequence) {
            f->at = at;
            f->packet = facts->current.arrival.packet;
        } else {
            f->last = at;
        }
    }
}

static void record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    recovered *x = e->state;
    hp_flow_facts *flow = e->facts->current.flow;
    if (r->event.kind == HP_EV_STEP) {
        if (e->facts->current.step == x->step) {
            begin(e, x, r->index);
        }
    } else if (r->event.kind == HP_EV_FLOW) {
        if (x->begun && !x->running && flow_is_selected(e, flow)) {
            add_flow(x, flow);
        }
    } else if (r->event.kind == HP_EV_MEDIA_TRACK) {
        if (x->begun && !x->running && track_is_selected(e, e->facts->current.track)) {
            add_track(x, e->facts->current.track);
        }
    } else if (x->begun) {
        received(e->facts, x, r->at);
    }
}

static bool decided(const hp_expectation *e)
{
    const recovered *x = e->state;
    if (!x->begun) {
        return false;
    }
    if (hp_expectation_is_late(e, hp_time_add(step_time(e), e->expect->recovered.within))) {
        return true;
    }
    const hp_flow_choice flows = flow_choice(e->expect);
    const hp_track_choice tracks = track_choice(e->expect);
    return (x->running || (!hp_traffic_pending(e->facts, &flows) && !hp_media_pending(e->facts, &tracks))) &&
           all_recovered(x);
}

static int by_time(const void *a, const void *b)
{
    const hp_time x = *(const hp_time *)a;
    const hp_time y = *(const hp_time *)b;
    return (x > y) - (x < y);
}

/* Fills in what a track's facts say: the first arrival of what was sent after the step, and the silence before it. */
static void follow_track(const recovered *x, hp_time step, recovery *f)
{
    const GArray *packets = f->track->packets;
    g_autoptr(GArray) older = g_array_new(FALSE, FALSE, sizeof(hp_time)); /* arrivals of what was sent before */
    for (unsigned i = 0; i < packets->len; i++) {
        const hp_media_packet *p = &g_array_index(packets, hp_media_packet, i);
        f->sent_more |= p->index > x->step_index;
        if (p->index > x->step_index && p->received < f->at) {
            f->at = p->received;
            f->packet = p->packet;
        } else if (p->index < x->step_index && p->received != HP_NEVER) {
            g_array_append_val(older, p->received);
        }
    }
    g_array_sort(older, by_time);
    for (unsigned i = 0; i < older->len && g_array_index(older, hp_time, i) <= f->at; i++) {
        const hp_time at = g_array_index(older, hp_time, i);
        f->gap = at > step && f->last != HP_NEVER ? MAX(f->gap, at - f->last) : 0;
        f->last = at;
    }
    if (f->at != HP_NEVER && f->last != HP_NEVER) {
        f->gap = MAX(f->gap, f->at - f->last);
    }
}

/* "alice to bob after 1.200s (a gap of 1.300s)". False when it was too late, or never. */
static bool judge_one(const hp_expectation *e, hp_judgement *j, const recovery *f)
{
    hp_text_separate(j->got);
    if (f->track != NULL) {
        g_string_append_printf(j->got, "%s ", hp_media_kind_name(f->track->kind));
        hp_text_flow(j->got, f->track->from, f->track->to);
    } else {
        hp_text_flow(j->got, f->flow->from, f->flow->to);
    }
    if (f->at == HP_NEVER) {
        g_string_append(j->got, " did not recover");
        if (!f->sent_more) {
            g_string_append(j->got, ": nothing was sent after the step");
        } else if (f->last != HP_NEVER) {
            g_string_append(j->got, ": nothing arrived after ");
            hp_text_time(j->got, f->last);
        }
        return false;
    }
    g_string_append(j->got, " after ");
    hp_text_time(j->got, f->at - step_time(e));
    if (f->last != HP_NEVER) {
        g_string_append(j->got, " (a gap of ");
        hp_text_time(j->got, f->gap);
        g_string_append_c(j->got, ')');
    }
    return f->at - step_time(e) <= e->expect->recovered.within;
}

static void judge(const hp_expectation *e, hp_judgement *j)
{
    const recovered *x = e->state;
    const hp_expect *expect = e->expect;
    const recovery *last = NULL, *failed = NULL;
    g_autofree recovery *all = g_memdup2(x->flows->data, x->flows->len * sizeof(recovery));
    hp_text_flow(j->expected, expect->recovered.from, expect->recovered.to);
    if (j->expected->len == 0) {
        g_string_append(j->expected, "every flow and track");
    }
    g_string_append_printf(j->expected, " recovered from `%s` within ", expect->recovered.step);
    hp_text_time(j->expected, expect->recovered.within);
    if (!x->begun) {
        g_string_append_printf(j->got, "the step `%s` was never carried out", expect->recovered.step);
        return;
    }
    for (unsigned i = 0; i < x->flows->len; i++) {
        recovery *f = &all[i];
        if (f->track != NULL) {
            follow_track(x, step_time(e), f);
        } else {
            f->sent_more = f->flow->next_sequence != f->next_sequence;
        }
        if (!judge_one(e, j, f)) {
            failed = failed == NULL ? f : failed;
        } else if (last == NULL || f->at > last->at) {
            last = f;
        }
    }
    if (x->flows->len == 0) {
        g_string_append(j->got, "no such flow or track was running at the step or began after it");
    } else if (failed == NULL) {
        j->passed = true;
        j->at = last->at;
        j->packet = last->packet;
    } else {
        j->at = MIN(j->ended, hp_time_add(step_time(e), expect->recovered.within));
        j->packet = failed->packet;
        g_autoptr(GString) drops = g_string_new(NULL);
        hp_diagnosis_append_drops(j->diagnose(j), true, drops);
        if (drops->len > 0) {
            g_string_append_printf(j->got, "; %s", drops->str);
        }
    }
}

const hp_expectation_ops hp_expect_recovered_ops = {
    .init = init,
    .record = record,
    .decided = decided,
    .judge = judge,
    .clear = clear,
    .state_size = sizeof(recovered),
    .outlasts_window = true,
    .events = HP_EVENT_BIT(HP_EV_STEP) | HP_EVENT_BIT(HP_EV_FLOW) | HP_EVENT_BIT(HP_EV_DATA_RECEIVED) |
              HP_EVENT_BIT(HP_EV_MEDIA_TRACK),
};
