/* Theory of operation.
 *
 * A pair is played with good luck first. Only when something on the way was left to luck it is played again with bad
 * luck, for each order of who sends first, and with bad luck while gathering alone: what all agree on is certain, what
 * they do not is the span between `worst` and `outcome`. */
#include "oracle/oracle.h"

#include <assert.h>
#include <string.h>

#include "oracle/oracle_private.h"

struct hp_oracle {
    const hp_plan *plan;
    hp_ground ground;
    GHashTable *answers; /* pair number -> answer */
    int changing_step;
};

typedef struct answer {
    hp_prediction prediction;
    char *outside; /* why it does not apply; NULL: it does */
} answer;

static const char *const outcome_names[] = {
    [HP_OUTCOME_NONE] = "no path",
    [HP_OUTCOME_RELAY] = "relay",
    [HP_OUTCOME_HAIRPIN] = "hairpin",
    [HP_OUTCOME_DIRECT] = "direct",
};
static_assert(G_N_ELEMENTS(outcome_names) == HP_OUTCOME_N, "one name an outcome");

const char *hp_outcome_name(hp_outcome outcome)
{
    return outcome_names[outcome];
}

static const char *const type_names[] = {"host", "srflx", "prflx", "relay"};

uint8_t hp_type_of_name(const char *name)
{
    for (unsigned i = 0; name && i < G_N_ELEMENTS(type_names); i++)
        if (strcmp(type_names[i], name) == 0)
            return (uint8_t)(1 << i);
    return 0;
}

char *hp_types_text(uint8_t types)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(type_names); i++)
        if (types & 1 << i)
            g_string_append_printf(text, "%s%s", text->len ? " or " : "", type_names[i]);
    return g_string_free(text->len ? text : g_string_append(text, "none"), FALSE);
}

static void answer_free(void *p)
{
    answer *a = p;
    g_strfreev(a->prediction.reasons);
    g_free(a->outside);
    g_free(a);
}

hp_oracle *hp_oracle_new(const hp_plan *plan)
{
    hp_oracle *oracle = g_new0(hp_oracle, 1);
    oracle->plan = plan;
    hp_ground_init(&oracle->ground, plan);
    oracle->answers = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, answer_free);
    oracle->changing_step = hp_first_changing_step(plan);
    return oracle;
}

void hp_oracle_free(hp_oracle *oracle)
{
    if (!oracle)
        return;
    g_hash_table_unref(oracle->answers);
    hp_ground_clear(&oracle->ground);
    g_free(oracle);
}

static void add_types(hp_prediction *p, const hp_call *call)
{
    for (unsigned outcome = 0; outcome < HP_OUTCOME_N; outcome++) {
        p->types[outcome].local |= call->types[outcome].local;
        p->types[outcome].remote |= call->types[outcome].remote;
    }
}

/* Section 11 of RFC 8445 lets keepalives be 15 s apart. */
static bool may_die(const hp_plan *plan, unsigned peer)
{
    const hp_time keepalives = 15 * HP_S;
    for (unsigned i = 0; i < plan->peers[peer].n_interfaces; i++) {
        unsigned zone = plan->peers[peer].interfaces[i].zone;
        for (const hp_plan_attachment *out; (out = hp_ground_way_out(plan, zone)); zone = out->zone) {
            if (plan->zones[zone].nat < 0)
                continue;
            const hp_nat_config *config = &plan->nats[plan->zones[zone].nat].source->config;
            hp_time timeout = config->udp_timeout ? config->udp_timeout : 120 * HP_S;
            if (timeout <= keepalives || (config->max_lifetime && config->max_lifetime <= 2 * keepalives))
                return true;
        }
    }
    return false;
}

static const hp_call_manner fortunate = {HP_LUCK_GOOD, HP_LUCK_GOOD, 0};
static const hp_call_manner unfortunate[] = {
    {HP_LUCK_BAD, HP_LUCK_BAD, 0}, {HP_LUCK_BAD, HP_LUCK_BAD, 1}, {HP_LUCK_BAD, HP_LUCK_GOOD, 0}};

static void play(const hp_oracle *oracle, hp_call *call, const hp_prediction *p, hp_call_manner manner, uint8_t limits)
{
    manner.limits = limits;
    hp_call_play(call, &oracle->ground, p->a, p->b, &manner);
}

/* Outcomes and types. The call is left as it went with good luck. True: nothing was too much for the tables. */
static bool play_all(const hp_oracle *oracle, hp_call *call, uint8_t limits, hp_prediction *p)
{
    play(oracle, call, p, fortunate, limits);
    p->outcome = p->worst = hp_call_outcome(call);
    p->endless = call->endless;
    add_types(p, call);
    bool full = call->walk.full;
    if (!call->walk.chancy)
        return !full;
    for (unsigned i = 0; i < G_N_ELEMENTS(unfortunate); i++) {
        play(oracle, call, p, unfortunate[i], limits);
        p->worst = MIN(p->worst, hp_call_outcome(call));
        p->outcome = MAX(p->outcome, hp_call_outcome(call));
        add_types(p, call);
        full |= call->walk.full;
    }
    play(oracle, call, p, fortunate, limits);
    return !full;
}

static answer *predict(hp_oracle *oracle, unsigned a, unsigned b)
{
    answer *made = g_new0(answer, 1);
    hp_prediction *p = &made->prediction;
    g_autofree hp_call *call = g_new(hp_call, 1); /* large, and of no use afterwards */
    *p = (hp_prediction){.a = a, .b = b, .may_die = may_die(oracle->plan, a) || may_die(oracle->plan, b)};
    const bool complete = play_all(oracle, call, 0, p);
    GPtrArray *sentences = g_ptr_array_new();
    hp_explain(call, p, sentences);
    p->n_reasons = sentences->len;
    g_ptr_array_add(sentences, NULL);
    p->reasons = (char **)g_ptr_array_free(sentences, FALSE);
    made->outside = complete ? hp_outside_model(&oracle->ground, a, b)
                             : g_strdup("the peers have more addresses than the oracle keeps in mind");
    return made;
}

hp_prediction hp_oracle_limited(const hp_oracle *oracle, unsigned a, unsigned b, uint8_t limits)
{
    hp_prediction p = {.a = a, .b = b};
    g_autofree hp_call *call = g_new(hp_call, 1);
    play_all(oracle, call, limits, &p);
    return p;
}

bool hp_answers_whole(const hp_plan *plan, unsigned peer)
{
    const char *name = plan->peers[peer].source->name;
    for (unsigned i = 0; i < plan->scenario->n_steps; i++) {
        const hp_step *step = &plan->scenario->steps[i];
        if (step->kind != HP_STEP_CALL || strcmp(step->call.from, name) == 0)
            continue;
        if (!step->call.to || g_strv_contains((const char *const *)step->call.to, name))
            return !plan->peers[peer].source->ice.trickle;
    }
    return false;
}

/* A check may succeed before the server has told the address that it came from: RFC 8445 section 7.2.5.3.1 then makes a
 * peer reflexive candidate, and the one that comes later is redundant. The other end is in the same case with every
 * candidate that is signalled late: with trickle, and with an answer that waits for all of them while its sender checks
 * what the offer brought. */
static uint8_t early_types(const hp_plan *plan, unsigned peer, uint8_t types, uint8_t late)
{
    bool early = plan->peers[peer].source->ice.trickle || hp_answers_whole(plan, peer);
    return early && types & late ? types | HP_TYPE_PRFLX : types;
}

bool hp_oracle_allows(const hp_oracle *oracle, const hp_prediction *p, hp_outcome happened, uint8_t local,
                      uint8_t remote)
{
    const hp_pair_types types = p->types[happened];
    if (happened < p->worst || happened > p->outcome)
        return false;
    const uint8_t locals = early_types(oracle->plan, p->a, types.local, HP_TYPE_SRFLX);
    const uint8_t remotes = early_types(oracle->plan, p->b, types.remote, HP_TYPE_HOST | HP_TYPE_SRFLX | HP_TYPE_RELAY);
    return happened == HP_OUTCOME_NONE || ((local & ~locals) == 0 && (remote & ~remotes) == 0);
}

const hp_plan *hp_oracle_plan(const hp_oracle *oracle)
{
    return oracle->plan;
}

static answer *ask(hp_oracle *oracle, unsigned a, unsigned b)
{
    g_assert(a < oracle->plan->n_peers && b < oracle->plan->n_peers && a != b);
    int64_t number = (int64_t)a * oracle->plan->n_peers + b;
    answer *known = g_hash_table_lookup(oracle->answers, &number);
    if (!known) {
        known = predict(oracle, a, b);
        g_hash_table_insert(oracle->answers, g_memdup2(&number, sizeof number), known);
    }
    return known;
}

const hp_prediction *hp_oracle_pair(hp_oracle *oracle, unsigned a, unsigned b)
{
    return &ask(oracle, a, b)->prediction;
}

bool hp_oracle_applies(hp_oracle *oracle, unsigned a, unsigned b, const char **ret_why)
{
    const answer *known = ask(oracle, a, b);
    if (ret_why)
        *ret_why = known->outside;
    return !known->outside;
}

int hp_oracle_changing_step(const hp_oracle *oracle)
{
    return oracle->changing_step;
}

static bool is_behind(const hp_plan *plan, unsigned peer, unsigned nat)
{
    for (unsigned i = 0; i < plan->peers[peer].n_interfaces; i++)
        if (hp_ground_is_behind(plan, plan->peers[peer].interfaces[i].zone, nat))
            return true;
    return false;
}

bool hp_oracle_hairpins(const hp_oracle *oracle, unsigned a, unsigned b, const hp_addr *remote)
{
    const hp_plan *plan = oracle->plan;
    for (unsigned n = 0; n < plan->n_nats; n++) {
        const hp_plan_nat *nat = &plan->nats[n];
        bool own = nat->source->config.ipv6 == HP_NAT_IPV6_PREFIX && hp_prefix_contains(&nat->routed6, remote);
        for (unsigned i = 0; i < nat->outside.n_addresses; i++)
            own |= hp_addr_same_ip(&nat->outside.addresses[i], remote);
        if (own && is_behind(plan, a, n) && is_behind(plan, b, n))
            return true;
    }
    return false;
}
