/* The result of one run: verdicts of the expectations and the figures a report shows, all computed from the trace. */
#ifndef HP_CHECK_RESULT_H
#define HP_CHECK_RESULT_H

#include <glib.h>

#include "base/diag.h"
#include "base/time.h"
#include "plan/plan.h"
#include "trace/trace.h"

typedef enum hp_verdict {
    HP_VERDICT_PASS,
    HP_VERDICT_FAIL, /* an expectation did not hold, or a step failed */
    HP_VERDICT_EXPECTED_FAILURE, /* known-bug, and it failed */
    HP_VERDICT_FIXED, /* known-bug, but everything held: fails the run */
    HP_VERDICT_CRASHED, /* the software under test died */
    HP_VERDICT_HUNG, /* it ran without end */
    HP_VERDICT_ERROR, /* Hairpin itself could not carry it out (a cap, no memory) */
    HP_VERDICT_N
} hp_verdict;

const char *hp_verdict_name(hp_verdict verdict); /* "pass", "fail", "expected-failure", ... */
/* Whether a run with this verdict counts as good (exit code 0). */
bool hp_verdict_is_good(hp_verdict verdict);

typedef struct hp_expect_result {
    const hp_expect *expect; /* NULL for a finding that no line of the scenario asked for (a step that timed out) */
    char *what; /* the expectation as written, or what the finding is about; owned */
    hp_mark mark;
    bool passed;
    char *expected, *got; /* owned; got also when passed */
    hp_time at; /* when it was decided */
    uint32_t packet; /* the packet that shows it, 0 = none */
} hp_expect_result;

/* Counts and times over a set of samples; times exact, from one clock. */
typedef struct hp_distribution {
    uint64_t count;
    hp_time min, median, mean, p95, max; /* nearest-rank percentiles; 0 when count is 0 */
} hp_distribution;

typedef struct hp_flow_result {
    const char *from, *to; /* owned by the plan's scenario or interned in the result */
    unsigned flow;
    uint64_t sent, received, lost, duplicates, reordered; /* received counts distinct ones */
    hp_distribution latency;
} hp_flow_result;

typedef struct hp_session_result {
    const char *peer, *with;
    unsigned session, stream, component;
    hp_time gathered, connected, ready, failed; /* HP_NEVER when it did not happen; first times, run time */
    const char *state; /* the last one */
    const char *local_type, *remote_type; /* of the last selected pair, or NULL */
    hp_addr local, remote;
} hp_session_result;

typedef struct hp_nat_result {
    const char *nat;
    uint64_t mappings, mappings_ended, drops;
} hp_nat_result;

typedef struct hp_server_result {
    const char *server;
    uint64_t requests, errors, allocations;
    uint64_t relayed_packets, relayed_bytes; /* both ways */
} hp_server_result;

typedef struct hp_result {
    const hp_plan *plan;
    hp_verdict verdict;
    char *message; /* for crashed, hung, error: what happened; else NULL */
    hp_time ended; /* run time */
    const char *end_reason; /* decided, until, crashed, hung, limit */
    GPtrArray *expects; /* hp_expect_result*, in the scenario's order, findings last */
    hp_time first_call; /* HP_NEVER without a call */
    hp_flow_result *flows;
    unsigned n_flows;
    hp_session_result *sessions;
    unsigned n_sessions;
    hp_nat_result *nats;
    unsigned n_nats;
    hp_server_result *servers;
    unsigned n_servers;
    uint64_t packets, drops, events;
    uint64_t drops_by_reason[HP_DROP_N];
    GStringChunk *strings; /* owns what the const char* above point to */
} hp_result;

void hp_result_free(hp_result *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_result, hp_result_free)

#endif
