/* Expectations about one agent's ICE: `pair`, `state`, `candidates`, `consent`.
 *
 * pair looks at the pair that each component selected last before the window's end; a session superseded by another
 * (facts.h) is not looked at. state asks two different things: that a component enters a state in the window (being in
 * it already does not count, or `after:` would say nothing), or, with `never`, that none is in it at any time in the
 * window, the moment it opens included. candidates and consent count events. */
#include <string.h>

#include "check/expectation.h"

/* ---- pair ---- */

static bool type_fits(const char *types, const char *type)
{
    g_auto(GStrv) list = g_strsplit(types, "|", -1);
    return g_strv_contains((const char *const *)list, type);
}

static void append_selected(GString *text, const hp_session_facts *s, const hp_component_facts *c,
                            const hp_pair_change *pair)
{
    hp_text_separate(text);
    g_string_append_printf(text, "%s: ", s->peer);
    if (s->components->len > 1) {
        g_string_append_printf(text, "component %u.%u ", c->stream, c->component);
    }
    if (pair == NULL) {
        g_string_append(text, "no pair selected");
    } else {
        g_string_append_printf(text, "%s since ", pair->local);
        hp_text_time(text, pair->at);
    }
}

static void pair_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    /* The facts keep every selection; the last one is looked up at the end. */
}

/* Judges every session of one peer; false when one of them, or all of them, are not as expected. */
static bool judge_peer(const hp_expectation *e, hp_judgement *j, const char *name, const char *types, hp_time *last)
{
    const hp_peer_facts *peer = hp_facts_peer(e->facts, name);
    bool holds = true;
    unsigned n = 0;
    for (unsigned i = 0; peer != NULL && i < peer->sessions->len; i++) {
        const hp_session_facts *s = g_ptr_array_index(peer->sessions, i);
        if ((e->expect->pair.with != NULL && strcmp(e->expect->pair.with, s->with) != 0) ||
            hp_facts_superseded(e->facts, s)) {
            continue;
        }
        n++;
        holds &= s->components->len >= s->expected;
        for (unsigned k = 0; k < s->components->len; k++) {
            const hp_component_facts *c = g_ptr_array_index(s->components, k);
            const hp_pair_change *pair = hp_component_pair(c, e->window.end_index);
            append_selected(j->got, s, c, pair);
            holds &= pair != NULL && type_fits(types, pair->local);
            *last = pair != NULL ? MAX(*last, pair->at) : *last;
        }
        if (s->components->len < s->expected) {
            hp_text_separate(j->got);
            g_string_append_printf(j->got, "%s: %u of %u components known", name, s->components->len, s->expected);
        }
    }
    if (n == 0) {
        hp_text_separate(j->got);
        g_string_append_printf(j->got, "%s: no session", name);
    }
    return holds && n > 0;
}

static void pair_judge(const hp_expectation *e, hp_judgement *j)
{
    hp_time last = 0;
    bool holds = true;
    for (unsigned i = 0; i < e->expect->pair.n; i++) {
        hp_text_separate(j->expected);
        g_string_append_printf(j->expected, "%s %s", e->expect->pair.peers[i], e->expect->pair.types[i]);
        holds &= judge_peer(e, j, e->expect->pair.peers[i], e->expect->pair.types[i], &last);
    }
    if (e->expect->pair.with != NULL) {
        g_string_append_printf(j->expected, " with %s", e->expect->pair.with);
    }
    hp_text_window(j->expected, e->expect);
    j->passed = holds;
    j->at = holds ? last : j->ended;
}

const hp_expectation_ops hp_expect_pair_ops = {
    .record = pair_record,
    .judge = pair_judge,
};

/* ---- state ---- */

typedef struct state_expectation {
    hp_check_state wanted;
    const hp_session_facts *session; /* where it was seen */
    unsigned stream, component;
} state_expectation;

static bool state_init(hp_expectation *e, GError **error)
{
    state_expectation *s = e->state;
    const char *name = e->expect->state.state;
    if (name == NULL || !hp_check_state_from_name(name, &s->wanted)) {
        hp_expectation_error(e, error, "`%s` is no ICE state", name != NULL ? name : "");
        return false;
    }
    return true;
}

static bool state_selects(const hp_expect *expect, const hp_session_facts *s, unsigned stream, unsigned component)
{
    return strcmp(s->peer, expect->state.peer) == 0 &&
           (expect->state.with == NULL || strcmp(expect->state.with, s->with) == 0) &&
           (expect->state.stream == 0 || expect->state.stream == stream) &&
           (expect->state.component == 0 || expect->state.component == component);
}

static hp_time state_deadline(const hp_expectation *e)
{
    return hp_expectation_deadline(e, e->expect->state.has_within, e->expect->state.within);
}

static void state_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    state_expectation *s = e->state;
    const hp_session_facts *session = e->facts->current.session;
    const unsigned stream = (unsigned)hp_record_u64(r, "stream");
    const unsigned component = (unsigned)hp_record_u64(r, "component");
    hp_check_state state;
    if (e->fixed || !hp_expectation_in_window(e) || r->at > state_deadline(e) ||
        !state_selects(e->expect, session, stream, component) ||
        !hp_check_state_from_name(hp_record_text(r, "state"), &state) || !hp_check_state_is(state, s->wanted)) {
        return;
    }
    s->session = session;
    s->stream = stream;
    s->component = component;
    hp_expectation_fix(e, !e->expect->state.never, r->at, 0);
}

static bool state_decided(const hp_expectation *e)
{
    return hp_expectation_is_late(e, state_deadline(e));
}

/* The states of what is selected as of the window's end; with wanted_at_start, only those that were in the wanted state
 * when it opened. Returns how many. */
static unsigned append_states(const hp_expectation *e, GString *text, bool wanted_at_start)
{
    const state_expectation *x = e->state;
    const hp_peer_facts *peer = hp_facts_peer(e->facts, e->expect->state.peer);
    unsigned n = 0;
    for (unsigned i = 0; peer != NULL && i < peer->sessions->len; i++) {
        const hp_session_facts *s = g_ptr_array_index(peer->sessions, i);
        for (unsigned k = 0; k < s->components->len; k++) {
            const hp_component_facts *c = g_ptr_array_index(s->components, k);
            const uint64_t index = wanted_at_start ? e->window.start_index : e->window.end_index;
            const hp_state_change *change = hp_component_state(c, index);
            if (change == NULL || !state_selects(e->expect, s, c->stream, c->component) ||
                (wanted_at_start && !hp_check_state_is(change->state, x->wanted))) {
                continue;
            }
            hp_text_separate(text);
            g_string_append_printf(text, "%s%s%s %s since ", s->peer, *s->with != '\0' ? " with " : "", s->with,
                                   hp_check_state_name(change->state));
            hp_text_time(text, change->at);
            n++;
        }
    }
    return n;
}

static void state_expected(const hp_expect *expect, GString *text)
{
    g_string_append(text, expect->state.peer);
    if (expect->state.with != NULL) {
        g_string_append_printf(text, " with %s", expect->state.with);
    }
    if (expect->state.stream != 0) {
        g_string_append_printf(text, " stream %u", expect->state.stream);
    }
    if (expect->state.component != 0) {
        g_string_append_printf(text, " component %u", expect->state.component);
    }
    g_string_append_printf(text, "%s %s", expect->state.never ? " never" : " becomes", expect->state.state);
    if (expect->state.has_within) {
        g_string_append(text, " within ");
        hp_text_time(text, expect->state.within);
    }
    hp_text_window(text, expect);
}

static void state_judge(const hp_expectation *e, hp_judgement *j)
{
    const state_expectation *s = e->state;
    const bool never = e->expect->state.never;
    state_expected(e->expect, j->expected);
    if (never && e->window.opened && append_states(e, j->got, true) > 0) {
        g_string_append(j->got, ", when the window opened");
        j->at = e->window.start;
    } else if (e->fixed) {
        g_string_append_printf(j->got, "%s%s%s %s at ", s->session->peer, *s->session->with != '\0' ? " with " : "",
                               s->session->with, e->expect->state.state);
        hp_text_time(j->got, e->at);
        if (s->session->components->len > 1) {
            g_string_append_printf(j->got, " (component %u.%u)", s->stream, s->component);
        }
        j->passed = e->passed;
        j->at = e->at;
    } else {
        j->passed = never;
        j->at = MIN(j->ended, state_deadline(e));
        if (append_states(e, j->got, false) == 0) {
            g_string_append_printf(j->got, "%s: no such session had a state", e->expect->state.peer);
        }
    }
}

const hp_expectation_ops hp_expect_state_ops = {
    .init = state_init,
    .record = state_record,
    .decided = state_decided,
    .judge = state_judge,
    .state_size = sizeof(state_expectation),
    .events = HP_EVENT_BIT(HP_EV_ICE_STATE),
};

/* ---- candidates ---- */

typedef struct candidates {
    hp_tally tally;
    uint64_t others; /* of the same peer, but not as asked for */
} candidates;

static bool candidates_init(hp_expectation *e, GError **error)
{
    candidates *c = e->state;
    hp_tally_init(&c->tally, &e->expect->candidates.count, 1);
    e->events = HP_EVENT_BIT(e->expect->candidates.remote ? HP_EV_REMOTE_CANDIDATE : HP_EV_CANDIDATE);
    return true;
}

static bool address_fits(const hp_addr *wanted, hp_addr got)
{
    return wanted->family == HP_AF_NONE ||
           (wanted->port != 0 ? hp_addr_equal(wanted, &got) : hp_addr_same_ip(wanted, &got));
}

static void candidates_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    candidates *c = e->state;
    const hp_expect *x = e->expect;
    if (!hp_expectation_in_window(e) ||
        (x->candidates.peer != NULL && strcmp(x->candidates.peer, r->event.subject) != 0)) {
        return;
    }
    if ((x->candidates.type != NULL && strcmp(x->candidates.type, hp_record_text(r, "type")) != 0) ||
        (x->candidates.server != NULL && strcmp(x->candidates.server, hp_record_text(r, "server")) != 0) ||
        !address_fits(&x->candidates.address, hp_record_addr(r, "address"))) {
        c->others++;
        return;
    }
    hp_tally_add(&c->tally, 1, r->at, 0);
    e->fixed = hp_tally_is_fixed(&c->tally);
}

static void candidates_judge(const hp_expectation *e, hp_judgement *j)
{
    const candidates *c = e->state;
    const hp_expect *x = e->expect;
    char address[HP_ADDR_TEXT];
    g_autofree char *range = hp_compare_format(&c->tally.range);
    g_string_append_printf(j->expected, "%s %s%s%s", range, x->candidates.remote ? "remote " : "",
                           x->candidates.type != NULL ? x->candidates.type : "", x->candidates.type ? " " : "");
    g_string_append(j->expected, "candidates");
    if (x->candidates.peer != NULL) {
        g_string_append_printf(j->expected, " of %s", x->candidates.peer);
    }
    if (x->candidates.server != NULL) {
        g_string_append_printf(j->expected, " from %s", x->candidates.server);
    }
    if (x->candidates.address.family != HP_AF_NONE) {
        g_string_append_printf(j->expected, " at %s", hp_addr_format(&x->candidates.address, address));
    }
    hp_text_window(j->expected, x);
    hp_tally_judge(&c->tally, j);
    g_string_append_printf(j->got, "%" G_GUINT64_FORMAT, c->tally.value);
    if (c->tally.first_at != HP_NEVER) {
        g_string_append(j->got, ", the first at ");
        hp_text_time(j->got, c->tally.first_at);
    }
    if (c->others > 0) {
        g_string_append_printf(j->got, " (and %" G_GUINT64_FORMAT " other%s)", c->others, c->others == 1 ? "" : "s");
    }
}

const hp_expectation_ops hp_expect_candidates_ops = {
    .init = candidates_init,
    .record = candidates_record,
    .judge = candidates_judge,
    .state_size = sizeof(candidates),
};

/* ---- consent ---- */

typedef struct consent {
    hp_tally tally;
    const char *last; /* the peer's last consent event, whatever it said; a string of the trace */
    hp_time last_at;
} consent;

static bool consent_init(hp_expectation *e, GError **error)
{
    consent *c = e->state;
    hp_tally_init(&c->tally, &e->expect->consent.count, 1);
    return true;
}

static hp_time consent_deadline(const hp_expectation *e)
{
    return hp_expectation_deadline(e, e->expect->consent.has_within, e->expect->consent.within);
}

static void consent_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    consent *c = e->state;
    const char *state = hp_record_text(r, "state");
    if (!hp_expectation_in_window(e) || r->at > consent_deadline(e) ||
        (e->expect->consent.peer != NULL && strcmp(e->expect->consent.peer, r->event.subject) != 0)) {
        return;
    }
    c->last = state;
    c->last_at = r->at;
    if (e->expect->consent.state == NULL || strcmp(e->expect->consent.state, state) == 0) {
        hp_tally_add(&c->tally, 1, r->at, 0);
        e->fixed = hp_tally_is_fixed(&c->tally);
    }
}

static bool consent_decided(const hp_expectation *e)
{
    return hp_expectation_is_late(e, consent_deadline(e));
}

static void consent_judge(const hp_expectation *e, hp_judgement *j)
{
    const consent *c = e->state;
    const hp_expect *x = e->expect;
    g_autofree char *range = hp_compare_format(&c->tally.range);
    g_string_append_printf(j->expected, "consent%s%s %s %s times", x->consent.peer != NULL ? " of " : "",
                           x->consent.peer != NULL ? x->consent.peer : "",
                           x->consent.state != NULL ? x->consent.state : "changes", range);
    if (x->consent.has_within) {
        g_string_append(j->expected, " within ");
        hp_text_time(j->expected, x->consent.within);
    }
    hp_text_window(j->expected, x);
    j->at = MIN(j->ended, consent_deadline(e));
    hp_tally_judge(&c->tally, j);
    hp_text_count(j->got, c->tally.value, "time", "times");
    if (c->tally.first_at != HP_NEVER) {
        g_string_append(j->got, ", first at ");
        hp_text_time(j->got, c->tally.first_at);
    } else if (c->last != NULL) {
        g_string_append_printf(j->got, "; last heard: %s at ", c->last);
        hp_text_time(j->got, c->last_at);
    } else {
        g_string_append(j->got, "; no word of consent at all");
    }
}

const hp_expectation_ops hp_expect_consent_ops = {
    .init = consent_init,
    .record = consent_record,
    .decided = consent_decided,
    .judge = consent_judge,
    .state_size = sizeof(consent),
    .events = HP_EVENT_BIT(HP_EV_CONSENT),
};
