/* Prediction against run, for every two peers that had a session with each other.
 *
 * What happened is read from the states and selected pairs of both ends, up to the first step that changed the network
 * (hp_oracle_changing_step()), or to the end. A call of several components or sessions has happened as its worst part
 * did. It has come to nothing when an end says so, or is still at it after PATIENCE; before that it is undecided. A pair
 * that is worse than predicted counts once both ends are through with nominating, one that is better at once. Types are
 * those of the pair that each end selected, as that end sees them: peer reflexive is a matter of who looks.
 *
 * A disagreement is one of three: the oracle is wrong, the fabric is wrong, or the software under test does less than
 * ICE can. All three are worth a finding, but for the shortfalls that are known (oracle/shortfalls.h). Scenarios of known
 * bugs are compared and told, without a finding: they fail on purpose. */
#include <assert.h>
#include <string.h>

#include "check/checker.h"
#include "oracle/shortfalls.h"

#define PATIENCE (30 * HP_S)

static const char *const verdict_names[] = {
    [HP_ORACLE_AGREES] = "agrees",       [HP_ORACLE_DISAGREES] = "disagrees", [HP_ORACLE_SHORTFALL] = "shortfall",
    [HP_ORACLE_UNDECIDED] = "undecided", [HP_ORACLE_SILENT] = "silent",
};
static_assert(G_N_ELEMENTS(verdict_names) == HP_ORACLE_N, "one name a verdict");

const char *hp_oracle_verdict_name(hp_oracle_verdict verdict)
{
    return verdict_names[verdict];
}

/* What one end of a call has come to. */
typedef struct end_state {
    unsigned components;
    bool connected; /* each has a pair */
    bool settled; /* and is ready */
    bool failed; /* some component says that it has none */
    bool over; /* each is ready, or has failed with all candidates gathered */
    bool relayed, hairpinned;
    hp_time since; /* when the first of them began; HP_NEVER: none has */
    hp_time last; /* when the last of them changed its state */
    hp_time connected_at; /* when the last of them first was; HP_NEVER: one never was */
    uint8_t local, remote;
} end_state;

static hp_time first_connected(const hp_component_facts *c)
{
    for (unsigned i = 0; i < c->states->len; i++) {
        const hp_state_change *change = &g_array_index(c->states, hp_state_change, i);
        if (hp_check_state_is(change->state, HP_CHECK_CONNECTED)) {
            return change->at;
        }
    }
    return HP_NEVER;
}

static void look_at(const hp_facts *facts, unsigned peer, unsigned with, const hp_session_facts *s,
                    const hp_component_facts *c, uint64_t end, end_state *ret)
{
    const hp_state_change *state = hp_component_state(c, end);
    const hp_pair_change *pair = hp_component_pair(c, end);
    if (state == NULL) {
        return;
    }
    ret->components++;
    ret->since = MIN(ret->since, g_array_index(c->states, hp_state_change, 0).at);
    ret->last = MAX(ret->last, state->at);
    ret->connected_at = MAX(ret->connected_at, first_connected(c));
    ret->connected &= pair != NULL;
    ret->settled &= state->state == HP_CHECK_READY;
    ret->failed |= state->state == HP_CHECK_FAILED;
    ret->over &= state->state == HP_CHECK_READY || (state->state == HP_CHECK_FAILED && s->gathered->len > 0);
    if (pair != NULL) {
        ret->local |= hp_type_of_name(pair->local);
        ret->remote |= hp_type_of_name(pair->remote);
        ret->hairpinned |= hp_oracle_hairpins(facts->oracle, peer, with, &pair->remote_address);
    }
    ret->relayed |= ((ret->local | ret->remote) & HP_TYPE_RELAY) != 0;
}

/* A peer of the plan that had a session. */
typedef struct caller {
    unsigned peer;
    const hp_peer_facts *facts;
} caller;

static GArray *peers_with_sessions(const hp_facts *facts)
{
    GArray *ret = g_array_new(FALSE, FALSE, sizeof(caller));
    for (unsigned i = 0; i < facts->plan->n_peers; i++) {
        const caller c = {i, hp_facts_peer(facts, facts->plan->peers[i].source->name)};
        if (c.facts != NULL && c.facts->sessions->len > 0) {
            g_array_append_val(ret, c);
        }
    }
    return ret;
}

static end_state look_at_end(const hp_facts *facts, unsigned peer, unsigned with, uint64_t end)
{
    end_state ret = {.connected = true, .settled = true, .over = true, .since = HP_NEVER};
    const char *other = facts->plan->peers[with].source->name;
    const hp_peer_facts *p = hp_facts_peer(facts, facts->plan->peers[peer].source->name);
    for (unsigned i = 0; p != NULL && i < p->sessions->len; i++) {
        const hp_session_facts *s = g_ptr_array_index(p->sessions, i);
        if (strcmp(s->with, other) != 0 || hp_facts_superseded(facts, s)) {
            continue;
        }
        for (unsigned k = 0; k < s->components->len; k++) {
            look_at(facts, peer, with, s, g_ptr_array_index(s->components, k), end, &ret);
        }
        ret.over &= s->components->len >= s->expected;
    }
    ret.connected &= ret.components > 0;
    return ret;
}

/* When the first call step that may bring the two together was carried out; HP_NEVER. */
static hp_time call_time(const hp_facts *facts, const char *a, const char *b)
{
    const hp_scenario *scenario = facts->plan->scenario;
    hp_time first = HP_NEVER;
    for (unsigned i = 0; i < scenario->n_steps; i++) {
        const hp_step *step = &scenario->steps[i];
        if (step->kind != HP_STEP_CALL || !facts->steps[i].reached) {
            continue;
        }
        const char *from = step->call.from;
        const char *other = g_strcmp0(from, a) == 0 ? b : g_strcmp0(from, b) == 0 ? a : NULL;
        if (other != NULL && (step->call.to == NULL || g_strv_contains((const char *const *)step->call.to, other))) {
            first = MIN(first, facts->steps[i].at);
        }
    }
    return first;
}

/* Up to which record, and which instant, the prediction holds. */
static uint64_t limit_of(const hp_facts *facts, hp_time *at)
{
    const int step = hp_oracle_changing_step(facts->oracle);
    if (step < 0 || !facts->steps[step].reached) {
        return UINT64_MAX;
    }
    *at = facts->steps[step].at;
    return facts->steps[step].index;
}

static void judge(hp_oracle *oracle, hp_oracle_result *r, const end_state *a, const end_state *b, hp_time now)
{
    const hp_prediction *p = r->prediction;
    const bool waited = now - MAX(a->since, b->since) >= PATIENCE; /* both have begun */
    if (!hp_oracle_applies(oracle, p->a, p->b, &r->why)) {
        r->verdict = HP_ORACLE_SILENT;
        return;
    }
    r->why = "";
    r->connected = a->connected && b->connected;
    r->settled = r->connected && a->settled && b->settled;
    if (r->connected) {
        const bool relayed = a->relayed || b->relayed, hairpinned = a->hairpinned || b->hairpinned;
        r->happened = relayed ? HP_OUTCOME_RELAY : hairpinned ? HP_OUTCOME_HAIRPIN : HP_OUTCOME_DIRECT;
        r->local = a->local;
        r->remote = a->remote;
        r->b_local = b->local;
        r->b_remote = b->remote;
    }
    const hp_prediction *mirror = r->connected ? hp_oracle_pair(oracle, p->b, p->a) : NULL;
    const bool fits = hp_oracle_allows(oracle, p, r->happened, r->local, r->remote);
    const bool b_fits = mirror == NULL || hp_oracle_allows(oracle, mirror, r->happened, r->b_local, r->b_remote);
    r->b_differs = fits && !b_fits;
    if (fits && b_fits) {
        r->verdict = HP_ORACLE_AGREES;
    } else if (r->connected ? !r->settled && r->happened <= p->outcome : !a->failed && !b->failed && !waited) {
        r->verdict = HP_ORACLE_UNDECIDED;
        r->why = "ICE was still at work when the run, or the network as it was, ended";
    } else {
        r->shortfall = r->b_differs ? hp_shortfall_find(oracle, mirror, r->happened, r->b_local, r->b_remote)
                                    : hp_shortfall_find(oracle, p, r->happened, r->local, r->remote);
        r->verdict = r->shortfall != NULL ? HP_ORACLE_SHORTFALL : HP_ORACLE_DISAGREES;
        r->why = r->shortfall != NULL ? r->shortfall->cause : "";
    }
}

hp_comparison hp_oracle_compare(const hp_facts *facts, unsigned a, unsigned b, hp_time ended)
{
    const hp_plan *plan = facts->plan;
    const uint64_t end = limit_of(facts, &ended);
    const end_state one = look_at_end(facts, a, b, end), other = look_at_end(facts, b, a, end);
    hp_comparison c = {
        .result = {.a = plan->peers[a].source->name, .b = plan->peers[b].source->name, .took = HP_NEVER},
        .called = one.components > 0 && other.components > 0,
    };
    const hp_time called = call_time(facts, c.result.a, c.result.b);
    c.made = called != HP_NEVER;
    c.result.prediction = hp_oracle_pair(facts->oracle, a, b);
    if (!c.called) {
        return c;
    }
    const hp_time connected = MAX(one.connected_at, other.connected_at);
    c.over = one.over && other.over;
    c.since = MAX(one.last, other.last);
    c.waited = ended - MAX(one.since, other.since) >= PATIENCE;
    if (connected != HP_NEVER && called != HP_NEVER && connected >= called) {
        c.result.took = connected - called;
    }
    judge(facts->oracle, &c.result, &one, &other, ended);
    return c;
}

/* "direct, alice srflx or prflx, bob host"; by_b: "direct, as bob sees it alice srflx or prflx, bob host". */
static char *outcome_text(const hp_oracle_result *r, hp_outcome outcome, bool by_b, uint8_t local, uint8_t remote)
{
    g_autofree char *own = hp_types_text(by_b ? remote : local);
    g_autofree char *other = hp_types_text(by_b ? local : remote);
    return outcome == HP_OUTCOME_NONE
               ? g_strdup(hp_outcome_name(outcome))
               : g_strdup_printf("%s, %s%s%s%s %s, %s %s", hp_outcome_name(outcome), by_b ? "as " : "",
                                 by_b ? r->b : "", by_b ? " sees it " : "", r->a, own, r->b, other);
}

static void add_finding(hp_result *result, const hp_oracle_result *r)
{
    hp_expect_result *finding = g_new0(hp_expect_result, 1);
    const hp_prediction *p = r->prediction;
    /* Of a kind of path that luck allows, its own types; else those of the best. */
    const bool allowed = r->happened >= p->worst && r->happened <= p->outcome && r->connected;
    const hp_outcome told = allowed ? r->happened : p->outcome;
    g_autofree char *reasons = g_strjoinv("; ", p->reasons);
    const hp_pair_types *types =
        r->b_differs ? &hp_oracle_pair(result->oracle, p->b, p->a)->types[told] : &p->types[told];
    g_autofree char *predicted = outcome_text(r, told, r->b_differs, types->local, types->remote);
    finding->mark = result->plan->peers[p->a].source->mark;
    finding->at = result->ended;
    finding->of_oracle = true;
    finding->what = g_strdup_printf("oracle: %s and %s", r->a, r->b);
    finding->expected = g_strdup_printf("%s (%s)", predicted, reasons);
    finding->got = r->b_differs ? outcome_text(r, r->happened, true, r->b_local, r->b_remote)
                                : outcome_text(r, r->happened, false, r->local, r->remote);
    g_ptr_array_add(result->expects, finding);
}

/* Whether that peer ever had a session with that name. A prediction costs far more than this: a world of a thousand
 * peers has half a million pairs, of which few ever call each other. */
static bool had_session(const hp_peer_facts *peer, const char *with)
{
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        if (strcmp(((const hp_session_facts *)g_ptr_array_index(peer->sessions, i))->with, with) == 0) {
            return true;
        }
    }
    return false;
}

void hp_result_ask_oracle(hp_result *result, hp_facts *facts)
{
    const hp_plan *plan = facts->plan;
    g_autoptr(GArray) peers = peers_with_sessions(facts);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(hp_oracle_result));
    for (unsigned i = 0; i < peers->len; i++) {
        for (unsigned k = i + 1; k < peers->len; k++) {
            const caller *one = &g_array_index(peers, caller, i), *other = &g_array_index(peers, caller, k);
            if (!had_session(one->facts, plan->peers[other->peer].source->name) ||
                !had_session(other->facts, plan->peers[one->peer].source->name)) {
                continue;
            }
            const hp_comparison c = hp_oracle_compare(facts, one->peer, other->peer, result->ended);
            if (c.called) {
                g_array_append_val(rows, c.result);
            }
        }
    }
    result->oracle = g_steal_pointer(&facts->oracle);
    result->n_predictions = rows->len;
    result->predictions = (hp_oracle_result *)(void *)g_array_free(g_steal_pointer(&rows), FALSE);
    for (unsigned i = 0; i < result->n_predictions && plan->scenario->known_bug == NULL; i++) {
        if (result->predictions[i].verdict == HP_ORACLE_DISAGREES) {
            add_finding(result, &result->predictions[i]);
        }
    }
}
