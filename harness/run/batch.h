/* Many runs, each in a process of its own: a crash or an endless loop in the software under test is the verdict of its
 * scenario, with the trace up to there, and takes nothing else down. */
#ifndef HP_RUN_BATCH_H
#define HP_RUN_BATCH_H

#include "actors/server_meter.h"
#include "check/check.h"

typedef enum hp_evidence { HP_EVIDENCE_ALL, HP_EVIDENCE_FAILURES, HP_EVIDENCE_NONE } hp_evidence;

typedef struct hp_batch_options {
    unsigned jobs; /* processes at once; 0 = one a core */
    const char *out; /* evidence goes to out/<case name>/; NULL: none is kept */
    /* FAILURES takes away what an earlier run left of a case that passes now; NONE leaves alone what is there. */
    hp_evidence evidence;
    unsigned hang_s; /* real seconds without a step of the world until a run counts as hung; 0 = 10 */
    /* One a plan, zeroed, in memory that is shared with child processes: the CPU of its servers is counted there. NULL:
     * nobody wants to know. Of a live run nothing is counted there, but the trace has server-usage events. */
    hp_server_meter *meters;
    bool live; /* in the live world: real time, kernels, processes (live_run.h) */
    bool fail_fast; /* begin no more runs after the first bad verdict */
    const int *stop; /* a descriptor: once readable, what runs is ended and the batch fails. NULL: nothing does that */
    /* Called when a run is over, in the order in which they end. result and trace are valid during the call;
     * trace: NULL when it was skipped; evidence: its folder, or NULL. */
    void (*done)(void *user, unsigned index, const hp_result *result, const hp_trace *trace, const char *evidence);
    /* For showing how far it is; both may be NULL. A run begins; nothing happened for a second. */
    void (*begun)(void *user, unsigned index);
    void (*idle)(void *user);
    void *user; /* of all three */
} hp_batch_options;

/* Runs all plans; those that the world which is asked for cannot run are skipped, which is their verdict. False when Hairpin
 * itself failed: HP_ERROR_IO naming the path when evidence could not be written, HP_ERROR_ENVIRONMENT, or
 * HP_ERROR_SCENARIO for a bad pcap filter. Runs that were under way are ended first, and leave no evidence. */
bool hp_batch_run(hp_plan *const *plans, unsigned n_plans, const hp_batch_options *options, GError **error);

#endif
