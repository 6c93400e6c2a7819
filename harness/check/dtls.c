/* `dtls`: whether the DTLS associations under media came about, how fast, as what; or that they failed as they should.
 *
 * Of every peer in question each association must have been in the wanted state at some time in the window and before
 * the deadline (being in it when the window opens counts), and everything else that is asked must be true of it: the
 * reason it failed for, its profile and role, how long the handshake took (from its first handshaking to its first
 * connected), how many flights were sent again before it was in the wanted state. A peer must have an association at
 * all; for `connected`, as many as its sessions' calls ask for. Sessions superseded by another (facts.h) are not looked
 * at. An association that came about without a profile is one of data channels alone; a profile is then asked of the
 * peer's others.
 *
 * It passes early when no call step is still to come, every call has its session, and all of that holds; what happens
 * later changes nothing then. */
#include <string.h>

#include "check/expectation.h"

typedef struct dtls {
    unsigned n_calls; /* call steps of the scenario */
} dtls;

static const char *wanted_state(const hp_expect *x)
{
    return x->dtls.state != NULL ? x->dtls.state : "connected";
}

static bool init(hp_expectation *e, GError **error)
{
    static const char *const states[] = {"connected", "failed", "closed", NULL};
    dtls *d = e->state;
    const hp_scenario *scenario = e->facts->plan->scenario;
    if (!g_strv_contains(states, wanted_state(e->expect))) {
        hp_expectation_error(e, error, "`%s` is no DTLS state to wait for", wanted_state(e->expect));
        return false;
    }
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        d->n_calls += scenario->steps[i].kind == HP_STEP_CALL;
    }
    return true;
}

static hp_time deadline_of(const hp_expectation *e)
{
    return hp_expectation_deadline(e, e->expect->dtls.has_within, e->expect->dtls.within);
}

/* ---- who is in question ---- */

/* Pairs that calls with media carried out so far make of the peer and another. */
static unsigned media_calls_of(const hp_facts *facts, const char *peer)
{
    const hp_scenario *scenario = facts->plan->scenario;
    unsigned n = 0;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        const hp_step *step = &scenario->steps[i];
        if (step->kind != HP_STEP_CALL || !facts->steps[i].reached || !hp_call_has_media(&step->call.config)) {
            continue;
        }
        const bool is_caller = strcmp(step->call.from, peer) == 0;
        n += is_caller && step->call.broadcast;
        for (char **to = step->call.to; to != NULL && *to != NULL; to++) {
            n += is_caller || strcmp(*to, peer) == 0;
        }
    }
    return n;
}

static bool in_scope(const hp_expectation *e, const char *peer)
{
    char **peers = e->expect->dtls.peers;
    return peers != NULL ? g_strv_contains((const char *const *)peers, peer) : media_calls_of(e->facts, peer) > 0;
}

/* ---- one association ---- */

/* Names of profiles in scenarios; in the trace they are those of the registry. */
static const char *const profiles[][2] = {
    {"aes-128-gcm", "SRTP_AEAD_AES_128_GCM"},
    {"aes-256-gcm", "SRTP_AEAD_AES_256_GCM"},
    {"aes-cm-128-hmac-sha1-80", "SRTP_AES128_CM_HMAC_SHA1_80"},
};

static bool is_profile(const char *wanted, const char *got)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(profiles); i++) {
        if (strcmp(profiles[i][0], wanted) == 0) {
            return strcmp(profiles[i][1], got) == 0;
        }
    }
    return strcmp(wanted, got) == 0;
}

static bool has_profile(const hp_dtls_facts *a, const char *wanted)
{
    const bool has_only_data = *a->profile == '\0' && hp_dtls_first(a, "connected") != NULL;
    return wanted == NULL || has_only_data || is_profile(wanted, a->profile);
}

/* The change by which the association was in the wanted state in the window, with the wanted reason; NULL. *ret_at:
 * since when in the window. */
static const hp_dtls_change *find_change(const hp_expectation *e, const hp_dtls_facts *a, hp_time *ret_at)
{
    const hp_expect *x = e->expect;
    for (unsigned i = 0; i < a->changes->len && e->window.opened; i++) {
        const hp_dtls_change *c = &g_array_index(a->changes, hp_dtls_change, i);
        const bool lasts =
            i + 1 == a->changes->len || g_array_index(a->changes, hp_dtls_change, i + 1).index >= e->window.start_index;
        const hp_time at = MAX(c->at, e->window.start);
        if (strcmp(c->state, wanted_state(x)) == 0 && (c->index >= e->window.start_index || lasts) &&
            c->index < e->window.end_index && at <= deadline_of(e) &&
            (x->dtls.reason == NULL || strcmp(x->dtls.reason, c->reason) == 0)) {
            *ret_at = at;
            return c;
        }
    }
    return NULL;
}

static bool handshake_time(const hp_dtls_facts *a, hp_time *ret)
{
    const hp_dtls_change *started = hp_dtls_first(a, "handshaking");
    const hp_dtls_change *connected = hp_dtls_first(a, "connected");
    if (started == NULL || connected == NULL || connected->at < started->at) {
        return false;
    }
    *ret = connected->at - started->at;
    return true;
}

/* Whether all that is asked is true of it; *ret_at as find_change() has it. What is told of it goes to text, if that is
 * not NULL. */
static bool holds(const hp_expectation *e, const hp_dtls_facts *a, hp_time *ret_at, GString *text)
{
    const hp_expect *x = e->expect;
    const hp_dtls_change *change = find_change(e, a, ret_at);
    const uint64_t timeouts = hp_dtls_timeouts_before(a, change != NULL ? change->index : UINT64_MAX);
    hp_time duration = 0;
    const bool timed = handshake_time(a, &duration);
    if (text != NULL) {
        const hp_dtls_change *last = change != NULL ? change : hp_dtls_last(a);
        g_string_append(text, last != NULL ? last->state : "not begun");
        if (last != NULL) {
            g_string_append(text, change != NULL ? " at " : " since ");
            hp_text_time(text, last->at);
        }
        if (last != NULL && *last->reason != '\0') {
            g_string_append_printf(text, " (%s)", last->reason);
        }
        if (x->dtls.profile != NULL || x->dtls.role != NULL) {
            g_string_append_printf(text, " as %s with %s", *a->role != '\0' ? a->role : "neither side",
                                   *a->profile != '\0' ? a->profile : "no profile");
        }
        if (timed && x->dtls.duration.set) {
            g_string_append(text, ", handshake ");
            hp_text_time(text, duration);
        }
        if (timeouts > 0 || x->dtls.retransmissions.set) {
            g_string_append(text, ", ");
            hp_text_count(text, timeouts, "flight", "flights");
            g_string_append(text, " sent again");
        }
    }
    return change != NULL && has_profile(a, x->dtls.profile) &&
           (x->dtls.role == NULL || strcmp(x->dtls.role, a->role) == 0) &&
           (!x->dtls.duration.set || (timed && hp_compare_holds(&x->dtls.duration, (int64_t)duration))) &&
           (!x->dtls.retransmissions.set || hp_compare_holds(&x->dtls.retransmissions, (int64_t)timeouts));
}

static bool is_of(const hp_expectation *e, const hp_dtls_facts *a, const char *peer)
{
    if (strcmp(a->peer, peer) != 0) {
        return false;
    }
    const hp_session_facts *session = hp_facts_session(e->facts, peer, a->session);
    return session == NULL || !hp_facts_superseded(e->facts, session);
}

/* ---- one peer ---- */

/* What is missing of a peer's associations as its sessions go; 0 unless `connected` is asked for. */
static unsigned lacking(const hp_expectation *e, const char *peer)
{
    const hp_peer_facts *p = hp_facts_peer(e->facts, peer);
    unsigned missing = 0;
    for (unsigned i = 0; p != NULL && i < p->sessions->len; i++) {
        const hp_session_facts *s = g_ptr_array_index(p->sessions, i);
        unsigned known = 0;
        for (unsigned k = 0; k < e->facts->associations->len; k++) {
            const hp_dtls_facts *a = g_ptr_array_index(e->facts->associations, k);
            known += a->session == s->number && strcmp(a->peer, peer) == 0;
        }
        if (!hp_facts_superseded(e->facts, s) && known < s->expected_dtls) {
            missing += s->expected_dtls - known;
        }
    }
    return strcmp(wanted_state(e->expect), "connected") == 0 ? missing : 0;
}

static void describe(const hp_expectation *e, const hp_dtls_facts *a, GString *text)
{
    hp_time at;
    g_string_append_printf(text, "%s%s%s%s", text->len > 0 ? "; " : "", a->peer, *a->with != '\0' ? " with " : "",
                           a->with);
    const hp_session_facts *s = hp_facts_session(e->facts, a->peer, a->session);
    if (s != NULL && s->expected_dtls > 1) {
        g_string_append_printf(text, " component %u.%u", a->stream, a->component);
    }
    g_string_append(text, ": ");
    (void)holds(e, a, &at, text);
}

/* Whether the peer is as expected. *last: raised to when its last association was. Those that are (good) or are not are
 * told in text, if that is not NULL. */
static bool judge_peer(const hp_expectation *e, const char *peer, hp_time *last, GString *text, bool good)
{
    unsigned n = 0;
    bool passed = true, secured = e->expect->dtls.profile == NULL;
    for (unsigned i = 0; i < e->facts->associations->len; i++) {
        const hp_dtls_facts *a = g_ptr_array_index(e->facts->associations, i);
        hp_time at = 0;
        if (!is_of(e, a, peer)) {
            continue;
        }
        const bool fine = holds(e, a, &at, NULL);
        n++;
        secured |= *a->profile != '\0';
        passed &= fine;
        *last = fine ? MAX(*last, at) : *last;
        if (text != NULL && fine == good) {
            describe(e, a, text);
        }
    }
    const unsigned missing = n > 0 ? lacking(e, peer) : 0;
    if (text != NULL && !good && (n == 0 || missing > 0 || !secured)) {
        g_string_append_printf(text, "%s%s ", text->len > 0 ? "; " : "", peer);
        if (n == 0) {
            g_string_append(text, "has no DTLS association");
        } else if (missing == 0) {
            g_string_append(text, "has no association with an SRTP profile");
        } else {
            g_string_append(text, "lacks ");
            hp_text_count(text, missing, "association", "associations");
        }
    }
    return passed && n > 0 && missing == 0 && secured;
}

/* Over all peers in question; false also when there is none. */
static bool judge_peers(const hp_expectation *e, hp_time *ret_last, GString *text, bool good)
{
    bool passed = true;
    unsigned n = 0;
    *ret_last = 0;
    for (unsigned p = 0; p < e->facts->peers->len; p++) {
        const hp_peer_facts *peer = g_ptr_array_index(e->facts->peers, p);
        if (!in_scope(e, peer->name)) {
            continue;
        }
        n++;
        passed &= judge_peer(e, peer->name, ret_last, text, good);
        if (!passed && text == NULL) {
            return false;
        }
    }
    return passed && n > 0;
}

/* ---- following ---- */

/* A session for each call that was made; the caller's is known at once, the other's when the offer came. */
static bool every_call_has_its_session(const hp_expectation *e)
{
    for (unsigned p = 0; p < e->facts->peers->len; p++) {
        const hp_peer_facts *peer = g_ptr_array_index(e->facts->peers, p);
        if (in_scope(e, peer->name) && peer->sessions->len < media_calls_of(e->facts, peer->name)) {
            return false;
        }
    }
    return true;
}

static void record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    const dtls *d = e->state;
    hp_time last;
    if (!e->fixed && d->n_calls > 0 && e->facts->calls_reached == d->n_calls && every_call_has_its_session(e) &&
        judge_peers(e, &last, NULL, true)) {
        hp_expectation_fix(e, true, r->at, 0);
    }
}

static bool decided(const hp_expectation *e)
{
    return hp_expectation_is_late(e, deadline_of(e));
}

/* ---- the end ---- */

static void append_expected(const hp_expect *x, GString *text)
{
    if (x->dtls.peers != NULL) {
        g_autofree char *peers = g_strjoinv(", ", x->dtls.peers);
        g_string_append(text, peers);
    } else {
        g_string_append(text, "every peer in a call with media");
    }
    g_string_append_printf(text, ": dtls %s", wanted_state(x));
    if (x->dtls.reason != NULL) {
        g_string_append_printf(text, " (%s)", x->dtls.reason);
    }
    if (x->dtls.has_within) {
        g_string_append(text, " within ");
        hp_text_time(text, x->dtls.within);
    }
    if (x->dtls.profile != NULL) {
        g_string_append_printf(text, ", profile %s", x->dtls.profile);
    }
    if (x->dtls.role != NULL) {
        g_string_append_printf(text, ", role %s", x->dtls.role);
    }
    hp_text_compare(text, "handshake", &x->dtls.duration);
    hp_text_compare(text, "retransmissions", &x->dtls.retransmissions);
    hp_text_window(text, x);
}

static void judge(const hp_expectation *e, hp_judgement *j)
{
    hp_time last = 0;
    append_expected(e->expect, j->expected);
    if (e->facts->first_call == HP_NEVER) {
        g_string_append(j->got, "no call was made");
        return;
    }
    j->passed = judge_peers(e, &last, NULL, true) || e->fixed;
    (void)judge_peers(e, &last, j->got, j->passed);
    if (e->fixed) {
        j->at = e->at;
    } else {
        j->at = j->passed ? last : MIN(j->ended, deadline_of(e));
    }
    if (j->got->len == 0) {
        g_string_append(j->got, "no peer was in a call with media");
    }
    if (!j->passed) {
        g_autoptr(GString) drops = g_string_new(NULL);
        hp_diagnosis_append_drops(j->diagnose(j), true, drops);
        g_string_append_printf(j->got, "%s%s", drops->len > 0 ? "; " : "", drops->str);
    }
}

const hp_expectation_ops hp_expect_dtls_ops = {
    .init = init,
    .record = record,
    .decided = decided,
    .judge = judge,
    .state_size = sizeof(dtls),
    .events = HP_EVENT_BIT(HP_EV_STEP) | HP_EVENT_BIT(HP_EV_DTLS_STATE) | HP_EVENT_BIT(HP_EV_PEER_CLOSED) |
              HP_EVENT_BIT(HP_EV_GATHERING_STARTED),
};
