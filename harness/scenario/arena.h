/* Private to scenario/: memory that is freed all at once. */
#ifndef HP_SCENARIO_ARENA_H
#define HP_SCENARIO_ARENA_H

#include <glib.h>
#include <stddef.h>

typedef struct hp_arena hp_arena;

hp_arena *hp_arena_new(void);
void hp_arena_free(hp_arena *arena);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_arena, hp_arena_free)

/* Zeroed, fit for any type. size 0 gives a valid pointer. */
void *hp_arena_alloc(hp_arena *arena, size_t size);
char *hp_arena_text(hp_arena *arena, const char *text); /* NULL gives NULL */
char *hp_arena_text_n(hp_arena *arena, const char *text, size_t len);

#endif
