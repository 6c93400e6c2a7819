/* The course of candidate pairs: from what was sent and selected to spans of time.
 *
 * Spans are as the peer that checks can know: success counts when the answer comes. A pair without an answer ends with its
 * component (failed, or ready, after which libnice checks no further), or stays in checking. A selected pair that was
 * never seen to be checked is one all the same. */
#include "report/pairs_private.h"

#include <assert.h>

static const char *const state_names[] = {
    [HP_PAIR_WAITING] = "waiting", [HP_PAIR_CHECKING] = "checking", [HP_PAIR_SUCCEEDED] = "succeeded",
    [HP_PAIR_FAILED] = "failed",   [HP_PAIR_SELECTED] = "selected",
};
static_assert(G_N_ELEMENTS(state_names) == HP_PAIR_STATE_N, "one name a state");

const char *hp_pair_state_name(hp_pair_state state)
{
    return state_names[state];
}

/* The pair at the other end that a nominating request came in on: the same two addresses, as seen there. */
static void nominate_other(const hp_pairs *p, const hp_pairs_message *m)
{
    for (unsigned i = 0; i < p->pairs->len; i++) {
        hp_pair *pair = g_ptr_array_index(p->pairs, i);
        const bool there =
            m->seen_at.family == HP_AF_NONE ? pair->via != NULL : hp_addr_equal(&pair->sent_from, &m->seen_at);
        if (there && strcmp(pair->peer, m->to) == 0 && hp_addr_equal(&pair->remote, &m->seen_from)) {
            pair->asked = MIN(pair->asked, m->arrived);
        }
    }
}

/* ---- selections ---- */

static bool same_component(const hp_pairs_place *of, const hp_pair *pair)
{
    return of->session == pair->session && of->stream == pair->stream && of->component == pair->component &&
           strcmp(of->peer, pair->peer) == 0;
}

/* When the pair's component first failed, was ready or closed from `after` on; HP_NEVER. */
static hp_time change_after(const hp_pairs *p, const hp_pair *pair, hp_time after, bool failed, bool ready, bool closed)
{
    for (unsigned i = 0; i < p->changes->len; i++) {
        const hp_pairs_change *c = &g_array_index(p->changes, hp_pairs_change, i);
        const bool fits = c->closed ? c->of.session == pair->session && strcmp(c->of.peer, pair->peer) == 0
                                    : same_component(&c->of, pair);
        if (fits && c->at >= after && ((c->failed && failed) || (c->ready && ready) || (c->closed && closed))) {
            return c->at;
        }
    }
    return HP_NEVER;
}

/* A selected pair that was never checked on the wire, as far as that was seen, is one all the same. */
static hp_pair *selected_pair(const hp_pairs *p, const hp_pairs_selection *s)
{
    const bool relayed = strcmp(s->local_type, "relay") == 0;
    const hp_addr *from = relayed ? &s->local : &s->base;
    hp_pair *found = NULL;
    for (unsigned i = 0; i < p->pairs->len; i++) {
        hp_pair *pair = g_ptr_array_index(p->pairs, i);
        if (same_component(&s->of, pair) && hp_addr_equal(&pair->remote, &s->remote) &&
            (hp_addr_equal(&pair->sent_from, from) ||
             (s->tcp && from->port == 0 && hp_addr_same_ip(&pair->sent_from, from))) &&
            (pair->first == HP_NEVER || pair->first <= s->at)) {
            found = pair;
        }
    }
    if (found == NULL) {
        found = hp_pairs_add(p, s->of.peer);
        found->tcp = s->tcp;
        found->sent_from = *from;
        found->remote = s->remote;
        found->remote_type = g_strdup(s->remote_type);
        hp_pairs_put(p, found, &s->of);
    }
    return found;
}

static void match_selections(const hp_pairs *p)
{
    for (unsigned i = 0; i < p->selections->len; i++) {
        hp_pairs_selection *s = &g_array_index(p->selections, hp_pairs_selection, i);
        hp_pair *pair = selected_pair(p, s);
        s->pair = pair;
        pair->selected = MIN(pair->selected, s->at);
        g_free(pair->local_type);
        pair->local_type = g_strdup(s->local_type);
        pair->local = s->local;
        pair->base = hp_addr_equal(&s->base, &s->local) ? (hp_addr){0} : s->base;
    }
}

static void add_span(const hp_pair *pair, hp_pair_state state, hp_time from, hp_time to)
{
    if (from < to) {
        const hp_pair_span span = {state, from, to};
        g_array_append_val(pair->spans, span);
    }
}

/* From success or selection on: selected whenever it is the component's last selection, until the end. */
static void add_later_spans(const hp_pairs *p, const hp_pair *pair, hp_time from)
{
    const hp_time closed = change_after(p, pair, from, false, false, true);
    const hp_time failed = change_after(p, pair, from, true, false, false);
    const hp_time end = MIN(closed, failed);
    hp_pair_state state = HP_PAIR_SUCCEEDED;
    hp_time since = from;
    for (unsigned i = 0; i < p->selections->len; i++) {
        const hp_pairs_selection *s = &g_array_index(p->selections, hp_pairs_selection, i);
        const hp_pair_state now = s->pair == pair ? HP_PAIR_SELECTED : HP_PAIR_SUCCEEDED;
        if (!same_component(&s->of, pair) || s->at > end || now == state) {
            continue;
        }
        add_span(pair, state, since, MAX(s->at, from));
        since = MAX(s->at, from);
        state = now;
    }
    add_span(pair, state, since, end);
    if (failed < closed) {
        add_span(pair, HP_PAIR_FAILED, failed, closed);
    }
}

static void add_spans(const hp_pairs *p, hp_pair *pair)
{
    const hp_time worked = MIN(pair->success, pair->selected);
    if (pair->first != HP_NEVER && pair->known != HP_NEVER) {
        add_span(pair, HP_PAIR_WAITING, pair->known, pair->first);
    }
    if (worked != HP_NEVER) {
        if (pair->first != HP_NEVER) {
            add_span(pair, HP_PAIR_CHECKING, pair->first, worked);
        }
        add_later_spans(p, pair, worked);
        return;
    }
    const hp_time closed = change_after(p, pair, pair->first, false, false, true);
    const hp_time failed = MIN(pair->refused, change_after(p, pair, pair->first, true, false, false));
    const hp_time ready = change_after(p, pair, pair->last, false, true, false);
    add_span(pair, HP_PAIR_CHECKING, pair->first, MIN(MIN(failed, ready), closed));
    if (failed < closed && failed <= ready) {
        add_span(pair, HP_PAIR_FAILED, failed, closed);
    }
}

static gint by_first(gconstpointer a, gconstpointer b)
{
    const hp_pair *x = *(hp_pair *const *)a, *y = *(hp_pair *const *)b;
    const hp_time one = MIN(x->first, x->selected), other = MIN(y->first, y->selected);
    return one < other ? -1 : one > other;
}

static gint by_time(gconstpointer a, gconstpointer b)
{
    const hp_pair_check *x = a, *y = b;
    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    return x->packet < y->packet ? -1 : x->packet > y->packet;
}

GPtrArray *hp_pairs_finish(hp_pairs *p)
{
    for (unsigned i = 0; i < p->nominations->len; i++) {
        const hp_pairs_message *m = &g_array_index(p->nominations, hp_pairs_message, i);
        if (m->to != NULL && m->arrived != HP_NEVER) {
            nominate_other(p, m);
        }
    }
    match_selections(p);
    for (unsigned i = 0; i < p->pairs->len; i++) {
        hp_pair *pair = g_ptr_array_index(p->pairs, i);
        if (pair->asked != HP_NEVER && pair->success != HP_NEVER) {
            pair->nominated = MIN(pair->nominated, MAX(pair->asked, pair->success));
        }
        g_array_sort(pair->checks, by_time);
        add_spans(p, pair);
    }
    g_ptr_array_sort(p->pairs, by_first);
    return g_steal_pointer(&p->pairs);
}
