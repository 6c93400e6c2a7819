/* A PID namespace for the processes that a run starts: when the run's process ends, however it ends, they all do, with
 * all that they have started themselves, and so do the namespaces and sockets they held. */
#ifndef HP_LIVE_CAGE_H
#define HP_LIVE_CAGE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct hp_cage hp_cage;

/* From now on every child that the calling thread forks is in the cage. Its first process does nothing but wait for
 * orphans and for the end of the thread that called this. NULL and HP_ERROR_ENVIRONMENT where it is not allowed. */
hp_cage *hp_cage_new(GError **error);
/* Kills everything in it, and returns at once: for those who want to wait for their children one by one (wait4). */
void hp_cage_kill(hp_cage *cage);
/* Kills everything in it and waits until that is so; children of the process that nobody has waited for are waited for
 * here. No fork of this thread succeeds afterwards. */
void hp_cage_free(hp_cage *cage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_cage, hp_cage_free)

/* In a child: a mount namespace of its own, in which /proc shows the cage. */
bool hp_cage_settle(GError **error);
/* In a child that has settled: `path` reads as `file` does, for this process and its children alone. */
bool hp_cage_overlay(const char *file, const char *path, GError **error);

#endif
