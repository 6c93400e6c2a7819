/* The heap of a process that is about to fork many children: see heap.c. */
#ifndef HP_BASE_HEAP_H
#define HP_BASE_HEAP_H

#include <glib.h>

/* What keeps the heap settled; opaque. */
typedef struct hp_heap_hold hp_heap_hold;

/* Makes the heap as it is now cheap to inherit: whatever this process or its children allocate from now on lies behind
 * all that was allocated before, and what was allocated before is copied by fork() at next to no cost. Changes nothing
 * that a program can see but addresses. NULL where there is nothing to do (another C library, a sanitizer's heap). */
hp_heap_hold *hp_heap_settle(void);
void hp_heap_begin_child(void);
/* Gives back what the settled heap held. NULL is let pass. */
void hp_heap_release(hp_heap_hold *hold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_heap_hold, hp_heap_release)

#endif
