/* Ending in order when somebody wants it: Ctrl-C, a CI system that cancels a job, a terminal that is closed. */
#ifndef HP_CLI_STOP_H
#define HP_CLI_STOP_H

#include <glib.h>
#include <signal.h>

typedef struct hp_stop {
    int fd; /* readable once a signal came; -1 where there is none to wait for */
    sigset_t signals; /* that are held back */
} hp_stop;

/* From now on SIGINT, SIGTERM and SIGHUP wait, but for those that are ignored. */
void hp_stop_begin(hp_stop *ret);
/* They no longer do: if one came meanwhile, this process ends of it here, as if it had come now. */
void hp_stop_end(hp_stop *stop);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hp_stop, hp_stop_end)

#endif
