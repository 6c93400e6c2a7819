/* The oracle: how two peers of a plan will be able to reach each other, told from the plan alone.
 *
 * It asks what any full implementation of ICE (RFC 8445) could do between NATs of these kinds, not what libnice does;
 * where libnice is known to do less, shortfalls.h says so. It looks at the plan as it stands at the first call: what
 * steps change later is outside, and so is everything that depends on instants rather than on behaviour. */
#ifndef HP_ORACLE_ORACLE_H
#define HP_ORACLE_ORACLE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "plan/plan.h"

/* In the order of preference, the least first. */
typedef enum hp_outcome {
    HP_OUTCOME_NONE, /* no path at all */
    HP_OUTCOME_RELAY, /* only through a TURN server */
    HP_OUTCOME_HAIRPIN, /* through the outside of a NAT that both are behind */
    HP_OUTCOME_DIRECT,
    HP_OUTCOME_N
} hp_outcome;

const char *hp_outcome_name(hp_outcome outcome); /* "no path", "relay", "hairpin", "direct" */

/* Candidate types as a set (RFC 8445 section 5.1.1). */
enum { HP_TYPE_HOST = 1 << 0, HP_TYPE_SRFLX = 1 << 1, HP_TYPE_PRFLX = 1 << 2, HP_TYPE_RELAY = 1 << 3 };

uint8_t hp_type_of_name(const char *name); /* "srflx"; 0: unknown */
/* "host or srflx"; caller frees. "none" for the empty set. */
char *hp_types_text(uint8_t types);

/* The types that a pair of one outcome may have, as peer `a` of the prediction sees it; 0, 0: no such pair. */
typedef struct hp_pair_types {
    uint8_t local, remote;
} hp_pair_types;

typedef struct hp_prediction {
    unsigned a, b; /* peers of the plan, as asked for */
    hp_outcome outcome; /* the best that can come about; the pair that is selected is of this kind */
    hp_outcome
        worst; /* where luck decides (whose packet is first, which address of a pool): the worst; else = outcome */
    hp_pair_types types[HP_OUTCOME_N]; /* of each kind of path that exists */
    bool may_die; /* a NAT on the way forgets an idle flow before keepalives come (RFC 8445 section 11: 15 s) */
    bool endless; /* every check shows the other end a new address, and so on for ever */
    char **reasons; /* sentences for people, NULL-terminated */
    unsigned n_reasons;
} hp_prediction;

typedef struct hp_oracle hp_oracle;

/* The plan outlives the oracle. */
hp_oracle *hp_oracle_new(const hp_plan *plan);
void hp_oracle_free(hp_oracle *oracle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_oracle, hp_oracle_free)

/* Two different peers; computed when first asked for, owned by the oracle. The same pair in the other order is another
 * prediction, with local and remote swapped. */
const hp_prediction *hp_oracle_pair(hp_oracle *oracle, unsigned a, unsigned b);

/* Whether a run may have come to this: the kind of path (HP_OUTCOME_NONE: none) and the types of the pair that `a`
 * selected. Addresses that may have been seen before they were gathered or signalled (trickle) may be peer
 * reflexive. */
bool hp_oracle_allows(const hp_oracle *oracle, const hp_prediction *prediction, hp_outcome happened, uint8_t local,
                      uint8_t remote);

/* Whether the model covers what the plan has for this pair; if not, ret_why (may be NULL) says what it leaves out. The
 * text belongs to the oracle. */
bool hp_oracle_applies(hp_oracle *oracle, unsigned a, unsigned b, const char **ret_why);
/* The first step that changes what the prediction rests on, as an index; -1: none. The prediction holds until then. */
int hp_oracle_changing_step(const hp_oracle *oracle);

/* Whether a NAT that both peers are behind has this external address: a pair with such a remote address hairpins. */
bool hp_oracle_hairpins(const hp_oracle *oracle, unsigned a, unsigned b, const hp_addr *remote);

#endif
