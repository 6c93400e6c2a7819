/* Private to run/: carries out the steps of a scenario.
 *
 * Steps are taken in order. A step with `at` waits for its time; `wait`, `wait-for` and a `send` that waits hold the
 * steps after them back. States, in order, never back: WAITING_TIME, then the step is carried out, then for some kinds
 * WAITING_EVENT or WAITING_FLOWS, then the next step. */
#ifndef HP_RUN_DIRECTOR_H
#define HP_RUN_DIRECTOR_H

#include "run/cast.h"

typedef struct hp_director hp_director;

/* seen: the trace that shows what all who take part do; in the virtual world the world's own. rig and cast outlive it. */
hp_director *hp_director_new(hp_rig *rig, hp_cast *cast, const hp_trace *seen);
void hp_director_free(hp_director *director);
/* Begins with the first step; call once, at time 0. */
void hp_director_start(hp_director *director);
/* Looks whether what the present step waits for has happened; call after the trace grew. */
void hp_director_poll(hp_director *director);
/* All steps are done and no flow is running. */
bool hp_director_done(const hp_director *director);

#endif
