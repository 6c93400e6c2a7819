/* The time of a live run, one for all of its processes: nanoseconds of CLOCK_MONOTONIC since the run began.
 *
 * The instant of run time 0 lies in one page that is shared by every process forked after hp_live_clock_new(). Until
 * somebody calls hp_live_clock_begin() the run has not begun, and its time is 0. */
#ifndef HP_LIVE_CLOCK_H
#define HP_LIVE_CLOCK_H

#include <glib.h>
#include <time.h>

#include "base/time.h"

/* A clock of the machine, as CLOCK_MONOTONIC. */
static inline hp_time hp_clock_read(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (hp_time)t.tv_sec * HP_S + (hp_time)t.tv_nsec;
}

typedef struct hp_live_clock hp_live_clock;

/* NULL and HP_ERROR_ENVIRONMENT without memory to share. */
hp_live_clock *hp_live_clock_new(GError **error);
/* Of this process; the others keep theirs. */
void hp_live_clock_free(hp_live_clock *clock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_live_clock, hp_live_clock_free)

/* Run time 0 is now. Legal once; a second call changes nothing. */
void hp_live_clock_begin(hp_live_clock *clock);
bool hp_live_clock_has_begun(const hp_live_clock *clock);
/* Run time; 0 before the beginning. */
hp_time hp_live_clock_now(const hp_live_clock *clock);
/* The CLOCK_MONOTONIC instant of a run time, saturating; HP_NEVER before the beginning. */
hp_time hp_live_clock_monotonic(const hp_live_clock *clock, hp_time run_time);

#endif
