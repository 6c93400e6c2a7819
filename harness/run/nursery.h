/* A process whose only work is to fork: every child begins from the same memory, which nothing has touched since the
 * nursery was made (nursery.c). */
#ifndef HP_RUN_NURSERY_H
#define HP_RUN_NURSERY_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct hp_nursery hp_nursery;

/* What became of a child. */
typedef struct hp_nursery_end {
    bool by_signal;
    int value; /* the signal, or the exit code */
} hp_nursery_end;

/* `child` is called in each child, with user and the number that hp_nursery_begin() was given, and does not return.
 * Memory that child and caller share must be mapped before. NULL and HP_ERROR_ENVIRONMENT when there is no process. */
hp_nursery *hp_nursery_new(void (*child)(void *user, unsigned number), void *user, GError **error);
/* Ends the nursery, and its child if it has one. NULL is let pass. */
void hp_nursery_free(hp_nursery *nursery);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_nursery, hp_nursery_free)

/* Has a child forked; there must be none. HP_ERROR_ENVIRONMENT when it cannot be asked for. */
bool hp_nursery_begin(hp_nursery *nursery, unsigned number, GError **error);
/* Whether there is a child that was not taken yet. */
bool hp_nursery_is_busy(const hp_nursery *nursery);
/* A descriptor that is readable when the child is gone, for poll(). */
int hp_nursery_fd(const hp_nursery *nursery);
/* Kills the child; false when it has not told its number yet, then ask again. The end is to be taken as ever. */
bool hp_nursery_kill(hp_nursery *nursery);
/* Waits for the child's end. HP_ERROR_ENVIRONMENT when it could not be forked or the nursery is gone. */
bool hp_nursery_take(hp_nursery *nursery, hp_nursery_end *ret, GError **error);

#endif
