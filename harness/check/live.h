/* Private to check/: what a live run says of itself, and from which figures on it says nothing of anybody. */
#ifndef HP_CHECK_LIVE_H
#define HP_CHECK_LIVE_H

#include "check/facts.h"
#include "check/result.h"

/* How late timers of the network may be: links deliver that much later than they are told to. The first is what most
 * packets see, the second one hiccup, which a test of 50 ms periods would take for its own. Measured: README. */
#define HP_LIVE_MOST_P99 (5 * HP_MS)
#define HP_LIVE_MOST_MAX (50 * HP_MS)
/* How late programs of ours may be. A peer that stood still for longer is one that a timeout of 100 ms can mistake for a
 * dead one, and the order of what is told further off its time than that proves nothing. */
#define HP_LIVE_MOST_STALL (100 * HP_MS)
#define HP_LIVE_MOST_RECORD (100 * HP_MS)
enum { HP_LIVE_LEAST_TIMERS = 1000 }; /* of fewer one in a hundred is just the worst of all */

/* An event of the live world, which is no other's. */
void hp_facts_live_event(hp_facts *facts, const hp_record *r);
void hp_live_facts_free(struct hp_live_facts *live); /* NULL is fine */
/* result->live, when there was such an event. */
void hp_result_fill_live(hp_result *result, const hp_facts *facts);
/* After that, and after the expectations were judged: a run in which all that failed are times no further past their
 * bounds than the machine itself was late is invalid too. */
void hp_live_ask_expectations(hp_result *result);

#endif
