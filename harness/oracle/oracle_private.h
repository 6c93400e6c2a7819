/* What the files of the oracle share beside ground, walk and call. Private to oracle/. */
#ifndef HP_ORACLE_ORACLE_PRIVATE_H
#define HP_ORACLE_ORACLE_PRIVATE_H

#include "oracle/call.h"

/* explain.c: sentences about a call that was played with good luck, for a prediction whose outcomes are known. Appends
 * owned strings. */
void hp_explain(const hp_call *call, const hp_prediction *prediction, GPtrArray *sentences);

/* oracle.c: the same prediction for agents that lack something of ICE (HP_LIMIT_*), without reasons. */
hp_prediction hp_oracle_limited(const hp_oracle *oracle, unsigned a, unsigned b, uint8_t limits);
const hp_plan *hp_oracle_plan(const hp_oracle *oracle);
/* Whether the peer is called, and sends its answer with all candidates: it may have begun to check long before. */
bool hp_answers_whole(const hp_plan *plan, unsigned peer);

/* applies.c: what the plan has that the model leaves out, NULL: nothing. Caller frees. */
char *hp_outside_model(const hp_ground *ground, unsigned a, unsigned b);
int hp_first_changing_step(const hp_plan *plan);

#endif
