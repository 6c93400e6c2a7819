/* `connected` and `not-connected`: whether sessions came about.
 *
 * connected holds as soon as, for each peer in question,
 *   - every session it has (but those superseded, see facts.h) has all its components, as many as the call step asks
 *     for, and each of them was connected or ready at some time in the window and before the deadline, and
 *   - there is a session with everyone whom a call step that was carried out brings it together with.
 * It passes early only when no call step is still to come and as many sessions were seen as calls were made; in a
 * glare, where one of two sessions may never show, it is judged at the end. Once passed it stays passed: what happens
 * to the sessions later is for `state` and `consent` to ask.
 *
 * not-connected fails with the first component that connects, and is judged at the end: silence until then is what it
 * asks for. A run without a call proves nothing, so there it fails. */
#include <string.h>

#include "check/expectation.h"

typedef struct connected {
    hp_check_state wanted;
    unsigned n_calls; /* call steps of the scenario */
    const hp_session_facts *waiting; /* the session that was found wanting last: looked at first */
} connected;

static bool in_scope(const hp_expect *expect, const char *peer)
{
    return expect->connected.peers == NULL || g_strv_contains((const char *const *)expect->connected.peers, peer);
}

static const char *wanted_name(const hp_expect *expect)
{
    return expect->connected.state != NULL ? expect->connected.state : "connected";
}

static bool init(hp_expectation *e, GError **error)
{
    connected *c = e->state;
    const hp_scenario *scenario = e->facts->plan->scenario;
    const char *name = wanted_name(e->expect);
    if (!hp_check_state_from_name(name, &c->wanted)) {
        hp_expectation_error(e, error, "`%s` is no ICE state", name);
        return false;
    }
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        c->n_calls += scenario->steps[i].kind == HP_STEP_CALL;
    }
    return true;
}

/* When the component first was in the wanted state, inside the window and before the deadline; HP_NEVER. */
static hp_time component_time(const hp_expectation *e, const hp_component_facts *component)
{
    const connected *c = e->state;
    const hp_time deadline = hp_expectation_deadline(e, e->expect->connected.has_within, e->expect->connected.within);
    const hp_state_change *before = hp_component_state(component, e->window.start_index);
    if (!e->window.opened) {
        return HP_NEVER;
    }
    if (before != NULL && hp_check_state_is(before->state, c->wanted)) {
        return e->window.start;
    }
    for (unsigned i = 0; i < component->states->len; i++) {
        const hp_state_change *change = &g_array_index(component->states, hp_state_change, i);
        if (change->index >= e->window.start_index && change->index < e->window.end_index && change->at <= deadline &&
            hp_check_state_is(change->state, c->wanted)) {
            return change->at;
        }
    }
    return HP_NEVER;
}

/* When the last of its components was; HP_NEVER when one was not, or is missing. */
static hp_time session_time(const hp_expectation *e, const hp_session_facts *s)
{
    hp_time last = 0;
    if (s->components->len < s->expected) {
        return HP_NEVER;
    }
    for (unsigned i = 0; i < s->components->len; i++) {
        const hp_time t = component_time(e, g_ptr_array_index(s->components, i));
        if (t == HP_NEVER) {
            return HP_NEVER;
        }
        last = MAX(last, t);
    }
    return last;
}

static unsigned sessions_with(const hp_facts *facts, const char *peer, const char *with)
{
    const hp_peer_facts *p = hp_facts_peer(facts, peer);
    unsigned n = 0;
    for (unsigned i = 0; p != NULL && i < p->sessions->len; i++) {
        const hp_session_facts *s = g_ptr_array_index(p->sessions, i);
        n += with == NULL || strcmp(s->with, with) == 0;
    }
    return n;
}

/* Calls carried out so far that bring these two together, whoever made them. */
static unsigned calls_between(const hp_facts *facts, const char *a, const char *b)
{
    const hp_scenario *scenario = facts->plan->scenario;
    unsigned n = 0;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        const hp_step *step = &scenario->steps[i];
        if (step->kind != HP_STEP_CALL || !facts->steps[i].reached || step->call.to == NULL) {
            continue;
        }
        const char *const *to = (const char *const *)step->call.to;
        n += (strcmp(step->call.from, a) == 0 && g_strv_contains(to, b)) ||
             (strcmp(step->call.from, b) == 0 && g_strv_contains(to, a));
    }
    return n;
}

/* A peer that lacks a session it ought to have: with `with`, or with anybody when that is NULL. */
typedef struct lack {
    const char *peer, *with;
} lack;

static bool lacks(const hp_expectation *e, const char *peer, const char *with, bool early)
{
    if (!in_scope(e->expect, peer)) {
        return false;
    }
    const unsigned wanted = early && with != NULL ? calls_between(e->facts, peer, with) : 1;
    return sessions_with(e->facts, peer, with) < wanted;
}

/* The first session that is missing. early: also one that a call was made for and that has not shown yet. */
static bool find_lack(const hp_expectation *e, bool early, lack *ret)
{
    const hp_scenario *scenario = e->facts->plan->scenario;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        const hp_step *step = &scenario->steps[i];
        if (step->kind != HP_STEP_CALL || !e->facts->steps[i].reached) {
            continue;
        }
        const char *from = step->call.from;
        if (lacks(e, from, NULL, early)) {
            *ret = (lack){.peer = from};
            return true;
        }
        for (char **to = step->call.to; to != NULL && *to != NULL; to++) {
            if (lacks(e, from, *to, early)) {
                *ret = (lack){.peer = from, .with = *to};
                return true;
            }
            if (lacks(e, *to, from, early)) {
                *ret = (lack){.peer = *to, .with = from};
                return true;
            }
        }
    }
    for (char **peer = e->expect->connected.peers; peer != NULL && *peer != NULL; peer++) {
        if (lacks(e, *peer, NULL, early)) {
            *ret = (lack){.peer = *peer};
            return true;
        }
    }
    return false;
}

/* The first session that is not connected; sets *ret_last to the time of the last component otherwise. */
static const hp_session_facts *find_waiting(const hp_expectation *e, hp_time *ret_last)
{
    hp_time last = 0;
    for (unsigned p = 0; p < e->facts->peers->len; p++) {
        const hp_peer_facts *peer = g_ptr_array_index(e->facts->peers, p);
        for (unsigned i = 0; in_scope(e->expect, peer->name) && i < peer->sessions->len; i++) {
            const hp_session_facts *s = g_ptr_array_index(peer->sessions, i);
            const hp_time t = session_time(e, s);
            if (t != HP_NEVER) {
                last = MAX(last, t);
            } else if (!hp_facts_superseded(e->facts, s)) {
                return s;
            }
        }
    }
    *ret_last = last;
    return NULL;
}

static bool still_waiting(const hp_expectation *e, const hp_session_facts *s)
{
    return session_time(e, s) == HP_NEVER && !hp_facts_superseded(e->facts, s);
}

static void connected_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    connected *c = e->state;
    hp_time last;
    lack missing;
    if (e->fixed || e->facts->calls_reached < c->n_calls || c->n_calls == 0 ||
        (c->waiting != NULL && still_waiting(e, c->waiting))) {
        return;
    }
    c->waiting = find_waiting(e, &last);
    if (c->waiting == NULL && !find_lack(e, true, &missing)) {
        hp_expectation_fix(e, true, r->at, 0);
    }
}

static bool connected_decided(const hp_expectation *e)
{
    return hp_expectation_is_late(
        e, hp_expectation_deadline(e, e->expect->connected.has_within, e->expect->connected.within));
}

static void append_session(GString *text, const hp_session_facts *s)
{
    hp_text_separate(text);
    g_string_append(text, s->peer);
    if (*s->with != '\0') {
        g_string_append_printf(text, " with %s", s->with);
    }
}

static void describe_waiting(const hp_expectation *e, hp_judgement *j, const hp_session_facts *s)
{
    append_session(j->got, s);
    g_string_append(j->got, ": ");
    for (unsigned i = 0; i < s->components->len; i++) {
        const hp_component_facts *component = g_ptr_array_index(s->components, i);
        if (component_time(e, component) != HP_NEVER) {
            continue;
        }
        const hp_state_change *state = hp_component_state(component, e->window.end_index);
        if (s->components->len > 1) {
            g_string_append_printf(j->got, "component %u.%u ", component->stream, component->component);
        }
        g_string_append(j->got, state != NULL ? hp_check_state_name(state->state) : "disconnected");
        if (state != NULL) {
            g_string_append(j->got, " since ");
            hp_text_time(j->got, state->at);
        }
        g_string_append_c(j->got, ' ');
    }
    if (s->components->len < s->expected) {
        g_string_append_printf(j->got, "%u of %u components known ", s->components->len, s->expected);
    }
    hp_diagnosis *d = j->diagnose(j);
    const hp_peer_facts *peer = hp_facts_peer(e->facts, s->peer);
    g_string_append_printf(j->got, "(%u local and %u remote candidates; %s", s->local_candidates, s->remote_candidates,
                           peer->sessions->len > 1 ? "in all sessions " : "");
    hp_text_count(j->got, hp_diagnosis_checks(d, s->peer), "check", "checks");
    g_string_append_printf(j->got, " sent, %" G_GUINT64_FORMAT " answered)", hp_diagnosis_answers(d, s->peer));
}

static void describe_failure(const hp_expectation *e, hp_judgement *j)
{
    enum { MOST = 4 };
    unsigned n = 0;
    lack missing;
    for (unsigned p = 0; p < e->facts->peers->len; p++) {
        const hp_peer_facts *peer = g_ptr_array_index(e->facts->peers, p);
        for (unsigned i = 0; in_scope(e->expect, peer->name) && i < peer->sessions->len; i++) {
            const hp_session_facts *s = g_ptr_array_index(peer->sessions, i);
            if (still_waiting(e, s) && n++ < MOST) {
                describe_waiting(e, j, s);
            }
        }
    }
    if (n > MOST) {
        g_string_append_printf(j->got, ", and %u more", n - MOST);
    }
    if (find_lack(e, false, &missing)) {
        hp_text_separate(j->got);
        g_string_append_printf(j->got, "%s has no session", missing.peer);
        if (missing.with != NULL) {
            g_string_append_printf(j->got, " with %s", missing.with);
        }
    }
    g_autoptr(GString) drops = g_string_new(NULL);
    hp_diagnosis_append_drops(j->diagnose(j), false, drops);
    if (drops->len > 0) {
        g_string_append_printf(j->got, "; %s", drops->str);
    }
}

static void describe_success(const hp_expectation *e, hp_judgement *j, hp_time last)
{
    enum { MOST = 6 };
    unsigned n = 0;
    g_string_append(j->got, "after ");
    hp_text_time(j->got, last >= e->facts->first_call ? last - e->facts->first_call : 0);
    g_string_append(j->got, " (");
    for (unsigned p = 0; p < e->facts->peers->len; p++) {
        const hp_peer_facts *peer = g_ptr_array_index(e->facts->peers, p);
        for (unsigned i = 0; in_scope(e->expect, peer->name) && i < peer->sessions->len; i++) {
            const hp_session_facts *s = g_ptr_array_index(peer->sessions, i);
            const hp_time t = session_time(e, s);
            if (t != HP_NEVER && n++ < MOST) {
                append_session(j->got, s);
                g_string_append(j->got, " at ");
                hp_text_time(j->got, t);
            }
        }
    }
    if (n > MOST) {
        g_string_append_printf(j->got, ", and %u more", n - MOST);
    }
    g_string_append_c(j->got, ')');
}

static void append_peers(const hp_expect *expect, GString *text)
{
    if (expect->connected.peers != NULL) {
        g_autofree char *peers = g_strjoinv(", ", expect->connected.peers);
        g_string_append(text, peers);
    } else {
        g_string_append(text, "every peer in a call");
    }
}

static void connected_judge(const hp_expectation *e, hp_judgement *j)
{
    const hp_time deadline = hp_expectation_deadline(e, e->expect->connected.has_within, e->expect->connected.within);
    hp_time last = 0;
    lack missing;
    append_peers(e->expect, j->expected);
    g_string_append_printf(j->expected, " %s", wanted_name(e->expect));
    if (e->expect->connected.has_within) {
        g_string_append(j->expected, " within ");
        hp_text_time(j->expected, e->expect->connected.within);
    }
    hp_text_window(j->expected, e->expect);

    if (e->fixed) {
        (void)find_waiting(e, &last);
        j->passed = e->passed;
        j->at = e->at;
        describe_success(e, j, last);
    } else if (e->facts->first_call == HP_NEVER) {
        g_string_append(j->got, "no call was made");
    } else if (find_waiting(e, &last) == NULL && !find_lack(e, false, &missing)) {
        j->passed = true;
        j->at = last;
        describe_success(e, j, last);
    } else {
        j->at = MIN(j->ended, deadline);
        describe_failure(e, j);
    }
}

const hp_expectation_ops hp_expect_connected_ops = {
    .init = init,
    .record = connected_record,
    .decided = connected_decided,
    .judge = connected_judge,
    .state_size = sizeof(connected),
    .events = HP_EVENT_BIT(HP_EV_ICE_STATE) | HP_EVENT_BIT(HP_EV_PEER_CLOSED) | HP_EVENT_BIT(HP_EV_STEP),
};

/* ---- not-connected ---- */

typedef struct not_connected {
    const hp_session_facts *session; /* the one that did connect */
} not_connected;

static void not_connected_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    not_connected *c = e->state;
    hp_check_state state;
    if (!e->fixed && hp_expectation_in_window(e) && in_scope(e->expect, r->event.subject) &&
        hp_check_state_from_name(hp_record_text(r, "state"), &state) && hp_check_state_is(state, HP_CHECK_CONNECTED)) {
        c->session = e->facts->current.session;
        hp_expectation_fix(e, false, r->at, 0);
    }
}

/* A session that was connected when the window opened. */
static const hp_session_facts *connected_at_start(const hp_expectation *e)
{
    for (unsigned p = 0; p < e->facts->peers->len; p++) {
        const hp_peer_facts *peer = g_ptr_array_index(e->facts->peers, p);
        for (unsigned i = 0; in_scope(e->expect, peer->name) && i < peer->sessions->len; i++) {
            const hp_session_facts *s = g_ptr_array_index(peer->sessions, i);
            for (unsigned k = 0; k < s->components->len; k++) {
                const hp_component_facts *c = g_ptr_array_index(s->components, k);
                const hp_state_change *state = hp_component_state(c, e->window.start_index);
                if (state != NULL && hp_check_state_is(state->state, HP_CHECK_CONNECTED)) {
                    return s;
                }
            }
        }
    }
    return NULL;
}

/* The last state of every session in scope, so that "did not connect" says how it ended. */
static void describe_states(const hp_expectation *e, GString *text)
{
    for (unsigned p = 0; p < e->facts->peers->len; p++) {
        const hp_peer_facts *peer = g_ptr_array_index(e->facts->peers, p);
        for (unsigned i = 0; in_scope(e->expect, peer->name) && i < peer->sessions->len; i++) {
            const hp_session_facts *s = g_ptr_array_index(peer->sessions, i);
            for (unsigned k = 0; k < s->components->len; k++) {
                const hp_state_change *state =
                    hp_component_state(g_ptr_array_index(s->components, k), e->window.end_index);
                if (state != NULL) {
                    append_session(text, s);
                    g_string_append_printf(text, ": %s since ", hp_check_state_name(state->state));
                    hp_text_time(text, state->at);
                }
            }
        }
    }
    if (text->len == 0) {
        g_string_append(text, "no session came about");
    }
}

static void not_connected_judge(const hp_expectation *e, hp_judgement *j)
{
    const not_connected *c = e->state;
    const hp_session_facts *early = e->window.opened ? connected_at_start(e) : NULL;
    append_peers(e->expect, j->expected);
    g_string_append(j->expected, " never connected");
    hp_text_window(j->expected, e->expect);
    if (early != NULL) {
        append_session(j->got, early);
        g_string_append(j->got, " was connected when the window opened");
        j->at = e->window.start;
    } else if (e->fixed) {
        append_session(j->got, c->session);
        g_string_append(j->got, " connected at ");
        hp_text_time(j->got, e->at);
        j->at = e->at;
    } else if (e->facts->first_call == HP_NEVER) {
        g_string_append(j->got, "no call was made");
    } else {
        j->passed = true;
        describe_states(e, j->got);
    }
}

const hp_expectation_ops hp_expect_not_connected_ops = {
    .record = not_connected_record,
    .judge = not_connected_judge,
    .state_size = sizeof(not_connected),
    .events = HP_EVENT_BIT(HP_EV_ICE_STATE),
};
