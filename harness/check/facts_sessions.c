/* Sessions as the trace shows them: which components, in which states since when, on which pairs.
 *
 * A session is (peer, number); both ends of a call have one each. It is known from the first event that carries its
 * number; whom it is with may become known later (an offer that names nobody). How many components it is to have comes
 * from the plan's call steps, since a component that never made a sound would otherwise not be missed. */
#include <assert.h>
#include <string.h>

#include "check/facts.h"

static const char *const state_names[] = {
    [HP_CHECK_DISCONNECTED] = "disconnected", [HP_CHECK_GATHERING] = "gathering", [HP_CHECK_CONNECTING] = "connecting",
    [HP_CHECK_CONNECTED] = "connected",       [HP_CHECK_READY] = "ready",         [HP_CHECK_FAILED] = "failed",
};
static_assert(G_N_ELEMENTS(state_names) == HP_CHECK_STATE_N, "one name a state");

const char *hp_check_state_name(hp_check_state state)
{
    return state_names[state];
}

bool hp_check_state_from_name(const char *name, hp_check_state *ret)
{
    for (unsigned i = 0; i < HP_CHECK_STATE_N; i++) {
        if (strcmp(state_names[i], name) == 0) {
            *ret = (hp_check_state)i;
            return true;
        }
    }
    return false;
}

static void free_component(void *p)
{
    hp_component_facts *c = p;
    g_array_unref(c->states);
    g_array_unref(c->pairs);
    g_free(c);
}

static void free_session(void *p)
{
    hp_session_facts *s = p;
    g_ptr_array_unref(s->components);
    g_array_unref(s->gathered);
    g_free(s);
}

void hp_peer_facts_free(void *p)
{
    hp_peer_facts *peer = p;
    g_ptr_array_unref(peer->sessions);
    g_free(peer);
}

hp_peer_facts *hp_facts_peer(const hp_facts *facts, const char *name)
{
    return g_hash_table_lookup(facts->peer_index, name);
}

hp_peer_facts *hp_facts_add_peer(hp_facts *facts, const char *name)
{
    hp_peer_facts *peer = hp_facts_peer(facts, name);
    if (peer == NULL) {
        peer = g_new0(hp_peer_facts, 1);
        peer->name = hp_facts_string(facts, name);
        peer->sessions = g_ptr_array_new_with_free_func(free_session);
        g_ptr_array_add(facts->peers, peer);
        g_hash_table_insert(facts->peer_index, (char *)peer->name, peer);
    }
    return peer;
}

/* Whether a call step can have made a session of `peer` with `with`, or with anybody when that is "". */
static bool call_fits(const hp_step *step, const char *peer, const char *with)
{
    const char *from = step->call.from;
    const bool anybody = *with == '\0';
    if (step->call.broadcast && (strcmp(from, peer) == 0 || anybody || strcmp(from, with) == 0)) {
        return true;
    }
    for (char **to = step->call.to; to != NULL && *to != NULL; to++) {
        if ((strcmp(from, peer) == 0 && (anybody || strcmp(*to, with) == 0)) ||
            (strcmp(*to, peer) == 0 && (anybody || strcmp(from, with) == 0))) {
            return true;
        }
    }
    return false;
}

/* As actors shape a session: a stream for each m-line, or one for all; RTCP beside RTP, or with it. */
static unsigned call_components(const hp_call_config *call)
{
    if (!hp_call_has_media(call)) {
        return MAX(call->streams, 1) * MAX(call->components, 1);
    }
    const unsigned sections = call->media[HP_MEDIA_AUDIO] + call->media[HP_MEDIA_VIDEO] + call->data;
    return (call->bundle ? 1 : sections) * (call->rtcp_mux ? 1 : 2);
}

/* One association for each component that carries anything (RFC 5764 section 4); data channels have no RTCP. */
static unsigned call_associations(const hp_call_config *call)
{
    const unsigned media = call->media[HP_MEDIA_AUDIO] + call->media[HP_MEDIA_VIDEO];
    const unsigned a_section = call->rtcp_mux ? 1 : 2;
    if (call->bundle && media > 0) {
        return a_section;
    }
    return media * a_section + call->data;
}

/* The least that any call step asks for which can have made the session; 0 when none can. */
static unsigned least_of_calls(const hp_plan *plan, const char *peer, const char *with,
                               unsigned (*count)(const hp_call_config *call))
{
    unsigned least = 0;
    bool any = false;
    for (unsigned i = 0; i < plan->scenario->n_steps; i++) {
        const hp_step *step = &plan->scenario->steps[i];
        if (step->kind == HP_STEP_CALL && call_fits(step, peer, with)) {
            const unsigned n = count(&step->call.config);
            least = any ? MIN(least, n) : n;
            any = true;
        }
    }
    return least;
}

static void expect_of_calls(hp_session_facts *s, const hp_plan *plan)
{
    if (*s->with != '\0') {
        s->expected = MAX(least_of_calls(plan, s->peer, s->with, call_components), 1);
    }
    s->expected_dtls = least_of_calls(plan, s->peer, s->with, call_associations);
}

static hp_session_facts *find_session(const hp_peer_facts *peer, unsigned number)
{
    for (unsigned i = peer->sessions->len; i > 0; i--) {
        hp_session_facts *known = g_ptr_array_index(peer->sessions, i - 1);
        if (known->number == number) {
            return known;
        }
    }
    return NULL;
}

const hp_session_facts *hp_facts_session(const hp_facts *facts, const char *peer, unsigned number)
{
    const hp_peer_facts *p = hp_facts_peer(facts, peer);
    return p != NULL ? find_session(p, number) : NULL;
}

static hp_session_facts *get_session(hp_facts *facts, hp_peer_facts *peer, unsigned number)
{
    hp_session_facts *s = find_session(peer, number);
    if (s != NULL) {
        return s;
    }
    s = g_new0(hp_session_facts, 1);
    s->peer = peer->name;
    s->with = "";
    s->number = number;
    s->expected = 1;
    s->closed = HP_NEVER;
    s->components = g_ptr_array_new_with_free_func(free_component);
    s->gathered = g_array_new(FALSE, FALSE, sizeof(hp_gathered));
    expect_of_calls(s, facts->plan);
    g_ptr_array_add(peer->sessions, s);
    return s;
}

static hp_component_facts *get_component(hp_session_facts *s, unsigned stream, unsigned component)
{
    unsigned i = 0;
    for (; i < s->components->len; i++) {
        hp_component_facts *c = g_ptr_array_index(s->components, i);
        if (c->stream == stream && c->component == component) {
            return c;
        }
        if (c->stream > stream || (c->stream == stream && c->component > component)) {
            break;
        }
    }
    hp_component_facts *c = g_new0(hp_component_facts, 1);
    c->stream = stream;
    c->component = component;
    c->states = g_array_new(FALSE, FALSE, sizeof(hp_state_change));
    c->pairs = g_array_new(FALSE, FALSE, sizeof(hp_pair_change));
    g_ptr_array_insert(s->components, (int)i, c);
    return c;
}

typedef void (*session_handler)(hp_facts *facts, hp_session_facts *s, const hp_record *r);

static hp_component_facts *component_of(hp_session_facts *s, const hp_record *r)
{
    return get_component(s, (unsigned)hp_record_u64(r, "stream"), (unsigned)hp_record_u64(r, "component"));
}

static void gathering_done(hp_facts *facts, hp_session_facts *s, const hp_record *r)
{
    const hp_gathered gathered = {.stream = (unsigned)hp_record_u64(r, "stream"), .at = r->at};
    g_array_append_val(s->gathered, gathered);
}

static void local_candidate(hp_facts *facts, hp_session_facts *s, const hp_record *r)
{
    component_of(s, r);
    s->local_candidates++;
}

static void remote_candidate(hp_facts *facts, hp_session_facts *s, const hp_record *r)
{
    s->remote_candidates++;
}

static void state_change(hp_facts *facts, hp_session_facts *s, const hp_record *r)
{
    hp_state_change change = {.index = r->index, .at = r->at};
    hp_component_facts *c = component_of(s, r);
    if (hp_check_state_from_name(hp_record_text(r, "state"), &change.state)) {
        g_array_append_val(c->states, change);
        s->was_connected |= hp_check_state_is(change.state, HP_CHECK_CONNECTED);
    }
}

static void selected_pair(hp_facts *facts, hp_session_facts *s, const hp_record *r)
{
    const hp_pair_change change = {
        .index = r->index,
        .at = r->at,
        .local = hp_facts_string(facts, hp_record_text(r, "local")),
        .remote = hp_facts_string(facts, hp_record_text(r, "remote")),
        .local_address = hp_record_addr(r, "local-address"),
        .remote_address = hp_record_addr(r, "remote-address"),
    };
    g_array_append_val(component_of(s, r)->pairs, change);
}

static void closed(hp_facts *facts, hp_session_facts *s, const hp_record *r)
{
    s->closed = r->at;
    if (s->was_connected) {
        hp_facts_media_hung_up(facts, s->peer, s->with, r->at);
    }
}

/* Other kinds only make the session known. */
static const session_handler handlers[HP_EV_N] = {
    [HP_EV_GATHERING_DONE] = gathering_done,     [HP_EV_CANDIDATE] = local_candidate,
    [HP_EV_REMOTE_CANDIDATE] = remote_candidate, [HP_EV_ICE_STATE] = state_change,
    [HP_EV_SELECTED_PAIR] = selected_pair,       [HP_EV_PEER_CLOSED] = closed,
};

void hp_facts_session_event(hp_facts *facts, const hp_record *r)
{
    hp_peer_facts *peer = hp_facts_add_peer(facts, r->event.subject);
    hp_session_facts *s = get_session(facts, peer, (unsigned)hp_record_u64(r, "session"));
    const char *with = hp_record_text(r, "with");
    facts->current.session = s;
    if (*with != '\0' && strcmp(with, s->with) != 0) {
        s->with = hp_facts_string(facts, with);
        expect_of_calls(s, facts->plan);
    }
    if (handlers[r->event.kind] != NULL) {
        handlers[r->event.kind](facts, s, r);
    }
}

hp_time hp_component_first(const hp_component_facts *c, hp_check_state wanted)
{
    for (unsigned i = 0; i < c->states->len; i++) {
        const hp_state_change *change = &g_array_index(c->states, hp_state_change, i);
        if (hp_check_state_is(change->state, wanted)) {
            return change->at;
        }
    }
    return HP_NEVER;
}

bool hp_facts_superseded(const hp_facts *facts, const hp_session_facts *session)
{
    if (session->closed == HP_NEVER || session->was_connected) {
        return false;
    }
    const hp_peer_facts *peer = hp_facts_peer(facts, session->peer);
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        const hp_session_facts *other = g_ptr_array_index(peer->sessions, i);
        if (other != session && strcmp(other->with, session->with) == 0 &&
            (other->was_connected || other->closed == HP_NEVER)) {
            return true;
        }
    }
    return false;
}

const hp_pair_change *hp_component_pair(const hp_component_facts *c, uint64_t end)
{
    for (unsigned i = c->pairs->len; i > 0; i--) {
        const hp_pair_change *change = &g_array_index(c->pairs, hp_pair_change, i - 1);
        if (change->index < end) {
            return change;
        }
    }
    return NULL;
}

const hp_state_change *hp_component_state(const hp_component_facts *c, uint64_t index)
{
    for (unsigned i = c->states->len; i > 0; i--) {
        const hp_state_change *change = &g_array_index(c->states, hp_state_change, i - 1);
        if (change->index < index) {
            return change;
        }
    }
    return NULL;
}
