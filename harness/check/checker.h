/* What checker.c needs from the other files of check/. Private to check/. */
#ifndef HP_CHECK_CHECKER_H
#define HP_CHECK_CHECKER_H

#include "check/expectation.h"
#include "check/facts.h"
#include "check/result.h"

/* An empty result (result.c). */
hp_result *hp_result_new(const hp_plan *plan);
/* Flows, sessions, NATs, servers and counters (stats.c). */
void hp_result_fill(hp_result *result, const hp_facts *facts);
/* Tracks and DTLS associations (stats_media.c). */
void hp_result_fill_media(hp_result *result, const hp_facts *facts);
/* facts_scripts.c */
void hp_result_fill_scripts(hp_result *result, const hp_facts *facts);
/* Predictions for all peers that called each other, compared with what happened (oracle.c). Findings about
 * disagreements are added at the end of result->expects. Reads result->ended. */
void hp_result_ask_oracle(hp_result *result, hp_facts *facts);
/* The ways that peers had to each other, after hp_result_ask_oracle(). Reads the trace once more where a way was not
 * direct (path.c). */
void hp_result_fill_paths(hp_result *result, const hp_facts *facts, const hp_trace *trace);
/* What two peers of the plan have come to by `ended`, against the prediction (oracle.c). */
typedef struct hp_comparison {
    hp_oracle_result result; /* names and prediction alone unless called */
    bool made; /* a call step that may bring the two together was carried out */
    bool called; /* each end has a session with the other, which has begun */
    bool over; /* neither has anything left to do: it is through with nominating, or has failed with all candidates */
    bool waited; /* both have been at it for so long that nothing more is waited for */
    hp_time since; /* when the last of them changed its state */
} hp_comparison;
hp_comparison hp_oracle_compare(const hp_facts *facts, unsigned a, unsigned b, hp_time ended);
/* What no line of the scenario asked for: steps that timed out or were never reached, calls that the software under
 * test refused (findings.c). Reads result->end_reason and ended. */
void hp_findings_add(hp_result *result, const hp_facts *facts);

#endif
