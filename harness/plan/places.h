/* Private to plan/: the words that may stand after `at:` in an expectation. */
#ifndef HP_PLAN_PLACES_H
#define HP_PLAN_PLACES_H

#include "plan/plan.h"

/* All of them, NULL-terminated. Caller frees (g_strfreev). */
char **hp_places_make(const hp_plan *plan);
/* Whether packets are captured there: at interfaces, and on both sides of a NAT. A place of several taps goes by their
 * common part. */
bool hp_places_has_tap(const hp_plan *plan, const char *at);

#endif
