/* An arena: blocks that only grow, and are freed together.
 *
 * A scenario is some hundred small strings and arrays that live and die as one. A block is a quarter of all blocks before
 * it, from 4 KiB to 64 KiB, so that little is left unused at the end: there is an arena a case, and cases are many. What
 * is larger gets a block of its own size. Memory comes zeroed, so that a struct that the schema fills field by field has
 * no uninitialised padding. Nothing is ever given back singly: an array that grows should be sized first. */
#include "scenario/arena.h"

#include <stdint.h>
#include <string.h>

#define FIRST_BLOCK 4096
#define LAST_BLOCK 65536
#define ALIGNMENT 16

typedef struct block {
    struct block *previous;
    size_t size, used;
    _Alignas(ALIGNMENT) uint8_t bytes[];
} block;

struct hp_arena {
    block *last;
    size_t total; /* of all blocks */
};

hp_arena *hp_arena_new(void)
{
    return g_new0(hp_arena, 1);
}

void hp_arena_free(hp_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (block *b = arena->last; b != NULL;) {
        block *previous = b->previous;
        g_free(b);
        b = previous;
    }
    g_free(arena);
}

static void *alloc(hp_arena *arena, size_t size, size_t alignment)
{
    block *b = arena->last;
    size_t start = b == NULL ? 0 : (b->used + alignment - 1) / alignment * alignment;

    if (b == NULL || start > b->size || size > b->size - start) {
        size_t block_size = MAX(CLAMP(arena->total / 4, FIRST_BLOCK, LAST_BLOCK), size);
        b = g_malloc0(sizeof *b + block_size);
        b->size = block_size;
        b->previous = arena->last;
        arena->last = b;
        arena->total += block_size;
        start = 0;
    }
    b->used = start + size;
    return b->bytes + start;
}

void *hp_arena_alloc(hp_arena *arena, size_t size)
{
    return alloc(arena, size, ALIGNMENT);
}

char *hp_arena_text_n(hp_arena *arena, const char *text, size_t len)
{
    char *copy = alloc(arena, len + 1, 1);
    memcpy(copy, text, len);
    return copy;
}

char *hp_arena_text(hp_arena *arena, const char *text)
{
    return text == NULL ? NULL : hp_arena_text_n(arena, text, strlen(text));
}
