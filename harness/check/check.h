/* Expectations, judged from the trace alone: a verdict can be computed again from a saved run.
 *
 * A checker follows a growing trace: feed it whenever records were appended, ask whether everything is decided, and
 * take the result at the end. The result depends on plan and trace only, not on how often it was fed. */
#ifndef HP_CHECK_CHECK_H
#define HP_CHECK_CHECK_H

#include "check/result.h"

/* Compiles the scenario's pcap filters and tells what is wrong with them (once, however many cases say it). */
void hp_check_filters(const hp_scenario *scenario, hp_diags *diags);

typedef struct hp_checker hp_checker;

/* Compiles what must be compiled (pcap filters). NULL and HP_ERROR_SCENARIO naming file:line when a filter is bad. */
hp_checker *hp_checker_new(const hp_plan *plan, GError **error);
void hp_checker_free(hp_checker *checker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_checker, hp_checker_free)

/* Reads the records appended since the last call. */
void hp_checker_feed(hp_checker *checker, const hp_trace *trace);
/* True when no further record can change any verdict for the better or the worse: every expectation is decided. Those
 * that speak of a whole run (`not-connected`, `pair`, `count: "<= 2"`) stay open until its end or that of their window;
 * delivery and latency until all their flows are done and nothing is in flight. A wait-for step that has not ended may
 * still time out, so it keeps the run open too. A scenario without expectations is never decided. */
bool hp_checker_decided(const hp_checker *checker);
/* Judges what is open as of now, after reading what was appended. message NULL unless the run itself went wrong (then
 * verdict says how: crashed, hung, error; else pass it HP_VERDICT_PASS). With known-bug a failure, a crash and a hang
 * become HP_VERDICT_EXPECTED_FAILURE and a pass HP_VERDICT_FIXED; an error stays one. Writes notes about packets that
 * decided a verdict to the trace. */
hp_result *hp_checker_finish(hp_checker *checker, hp_trace *trace, hp_verdict verdict, const char *message,
                             const char *end_reason, hp_time ended);

#endif
