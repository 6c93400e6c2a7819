/* The shortfalls of libnice 0.1.21.
 *
 * One that takes something from what an agent gathers is told by playing the call again without it: it accounts for a
 * run if that run is what such an agent would come to. The others are told by what the run came to. */
#include "oracle/shortfalls.h"

#include "oracle/oracle_private.h"

typedef struct entry {
    hp_shortfall told;
    uint8_t limits; /* HP_LIMIT_*; 0: `accounts` says */
    bool (*accounts)(const hp_oracle *oracle, const hp_prediction *p, hp_outcome happened, uint8_t local,
                     uint8_t remote);
} entry;

/* The way through the NAT's outside was there first, and works as predicted for it. */
static bool stopped_at_first(const hp_oracle *oracle, const hp_prediction *p, hp_outcome happened, uint8_t local,
                             uint8_t remote)
{
    const hp_plan *plan = hp_oracle_plan(oracle);
    hp_prediction lesser = *p;
    lesser.outcome = lesser.worst = HP_OUTCOME_HAIRPIN;
    return happened == HP_OUTCOME_HAIRPIN && p->outcome == HP_OUTCOME_DIRECT && p->types[HP_OUTCOME_HAIRPIN].local &&
           (plan->peers[p->a].source->ice.nomination == HP_ICE_NOMINATION_AGGRESSIVE ||
            plan->peers[p->b].source->ice.nomination == HP_ICE_NOMINATION_AGGRESSIVE) &&
           hp_oracle_allows(oracle, &lesser, happened, local, remote);
}

/* Triggered checks go first (RFC 8445 section 6.1.4.2), and here each brings forth another. */
static bool never_gets_on(const hp_oracle *oracle, const hp_prediction *p, hp_outcome happened, uint8_t local,
                          uint8_t remote)
{
    return happened == HP_OUTCOME_NONE && p->endless;
}

/* Where the offer's side filters by address, the answerer is heard only after the other side has had the answer. */
static bool gave_up_early(const hp_oracle *oracle, const hp_prediction *p, hp_outcome happened, uint8_t local,
                          uint8_t remote)
{
    const hp_plan *plan = hp_oracle_plan(oracle);
    hp_prediction lesser = *p;
    lesser.outcome = lesser.worst = HP_OUTCOME_RELAY;
    return happened == HP_OUTCOME_RELAY && p->outcome > HP_OUTCOME_RELAY && p->types[HP_OUTCOME_RELAY].local &&
           (hp_answers_whole(plan, p->a) || hp_answers_whole(plan, p->b)) &&
           hp_oracle_allows(oracle, &lesser, happened, local, remote);
}

/* Two ways through a relay that work at once are enough for it, while the direct one waits for the retransmission of a
 * check that a filter has dropped: that is only where an end is found by its checks alone. */
static bool nominated_early(const hp_oracle *oracle, const hp_prediction *p, hp_outcome happened, uint8_t local,
                            uint8_t remote)
{
    const hp_plan *plan = hp_oracle_plan(oracle);
    const hp_pair_types best = p->types[p->outcome];
    hp_prediction lesser = *p;
    lesser.outcome = lesser.worst = happened;
    return happened == HP_OUTCOME_RELAY && p->outcome > HP_OUTCOME_RELAY && p->types[HP_OUTCOME_RELAY].local &&
           ((best.local | best.remote) & HP_TYPE_PRFLX) != 0 &&
           (plan->peers[p->a].source->ice.nomination == HP_ICE_NOMINATION_REGULAR ||
            plan->peers[p->b].source->ice.nomination == HP_ICE_NOMINATION_REGULAR) &&
           hp_oracle_allows(oracle, &lesser, happened, local, remote);
}

static const entry entries[] = {
    {{"no-cookie", "libnice asks STUN servers without the magic cookie, which this server does not answer",
      "agent/agent.c, priv_add_new_candidate_discovery_stun(): RFC 3489"},
     HP_LIMIT_NO_COOKIE,
     NULL},
    {{"one-address", "libnice knows one address of a server, and gathers nothing in the other family",
      "agent/agent.c, nice_agent_gather_candidates(): one stun_server_ip, host_ip_version must be a TURN server's"},
     HP_LIMIT_ONE_ADDRESS,
     NULL},
    {{"ipv4-relays", "libnice never asks a TURN server for an IPv6 address",
      "stun/usages/turn.c, stun_usage_turn_create(): no REQUESTED-ADDRESS-FAMILY"},
     HP_LIMIT_IPV4_RELAYS,
     NULL},
    {{"stops-at-first",
      "with aggressive nomination libnice drops all pairs that it has not begun to check, even better ones, when the "
      "first one works",
      "agent/conncheck.c, priv_prune_pending_checks()"},
     0,
     stopped_at_first},
    {{"never-gets-on",
      "libnice sends triggered checks before all others, and where every check shows a new address they never end",
      "agent/conncheck.c, priv_conn_check_tick_agent_locked()"},
     0,
     never_gets_on},
    {{"gives-up-early",
      "libnice checks as soon as it has the offer and gives a check up after two seconds, while its answer still waits "
      "for "
      "candidates",
      "stun/usages/timer.h: 500 ms, sent three times"},
     0,
     gave_up_early},
    {{"nominates-early",
      "with regular nomination libnice takes the better of the first two pairs that work, while a check of a still "
      "better one waits to be sent again",
      "agent/conncheck.c, priv_conn_check_tick_stream_nominate(): NICE_MIN_NUMBER_OF_VALID_PAIRS"},
     0,
     nominated_early},
};

const hp_shortfall *hp_shortfall_nth(size_t n)
{
    return n < G_N_ELEMENTS(entries) ? &entries[n].told : NULL;
}

static bool accounts(const entry *e, const hp_oracle *oracle, const hp_prediction *p, hp_outcome happened,
                     uint8_t local, uint8_t remote)
{
    if (!e->limits)
        return e->accounts(oracle, p, happened, local, remote);
    const hp_prediction limited = hp_oracle_limited(oracle, p->a, p->b, e->limits);
    return hp_oracle_allows(oracle, &limited, happened, local, remote);
}

const hp_shortfall *hp_shortfall_find(const hp_oracle *oracle, const hp_prediction *prediction, hp_outcome happened,
                                      uint8_t local, uint8_t remote)
{
    for (size_t i = 0; i < G_N_ELEMENTS(entries); i++)
        if (accounts(&entries[i], oracle, prediction, happened, local, remote))
            return &entries[i].told;
    return NULL;
}
