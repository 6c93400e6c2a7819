/* The limit of open descriptors, RLIMIT_NOFILE.
 *
 * The usual 1,024 are a matter of select(), which our processes do not use, and most machines let a process have many
 * times that without asking anybody. What the limit was is kept for hp_descriptors_restore(): one number a process, as
 * the limit itself is one, and a fork takes it along with that.
 *
 * Best effort: where the limit cannot be raised it stays, and what needs more says that there are too many open files. */
#include "live/descriptors.h"

#include <glib.h>
#include <sys/resource.h>

enum { MOST = 1 << 20 }; /* what Linux lets anybody ask for, unless told otherwise (fs.nr_open) */

static rlim_t before; /* 0: not raised */

void hp_descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= MIN(limit.rlim_max, (rlim_t)MOST)) {
        return;
    }
    const rlim_t was = limit.rlim_cur;
    limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)MOST);
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && before == 0) {
        before = was;
    }
}

void hp_descriptors_restore(void)
{
    struct rlimit limit;
    if (before != 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = MIN(before, limit.rlim_max);
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}
