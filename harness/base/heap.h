/* The heap of a process that loads much and then forks many short-lived children: see heap.c. Nothing here changes what
 * a program computes, only where its memory lies and what it costs; with another C library, or under a sanitizer,
 * nothing happens at all. */
#ifndef HP_BASE_HEAP_H
#define HP_BASE_HEAP_H

#include <glib.h>

/* Before much is loaded: address space for it, in huge pages where the kernel has them. Once a process is enough, and
 * again does no harm. */
void hp_heap_reserve(void);

/* What keeps a heap settled. */
typedef struct hp_heap_hold hp_heap_hold;
/* When all is loaded, before forking: from now on memory is taken behind all that there is, never in between, until the
 * hold is released. NULL when there is nothing to hold. */
hp_heap_hold *hp_heap_settle(void);
void hp_heap_release(hp_heap_hold *hold); /* NULL is let pass */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_heap_hold, hp_heap_release)

/* In a child, first of all: its own memory begins on a page that no other process has. */
void hp_heap_begin_child(void);

#endif
