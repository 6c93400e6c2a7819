/* A second look at the whole trace, taken only when an expectation failed: what a reader wants to know next. Private to
 * check/. */
#ifndef HP_CHECK_DIAGNOSIS_H
#define HP_CHECK_DIAGNOSIS_H

#include <glib.h>

#include "plan/plan.h"
#include "trace/trace.h"

typedef struct hp_diagnosis hp_diagnosis;

hp_diagnosis *hp_diagnosis_new(const hp_plan *plan, const hp_trace *trace);
void hp_diagnosis_free(hp_diagnosis *d);

/* Connectivity checks (Binding requests with a PRIORITY) that left this peer, and Binding answers that reached it. */
uint64_t hp_diagnosis_checks(const hp_diagnosis *d, const char *peer);
uint64_t hp_diagnosis_answers(const hp_diagnosis *d, const char *peer);
/* Appends "12 dropped at home: filtered; 3 dropped at link alice>internet: loss", most frequent first, at most four
 * places and then a sum; nothing when there were no drops. data_only: only packets that carry no STUN transaction. */
void hp_diagnosis_append_drops(const hp_diagnosis *d, bool data_only, GString *text);

#endif
