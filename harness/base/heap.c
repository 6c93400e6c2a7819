/* What fork() costs, and how to have it cheap.
 *
 * A child of fork() shares all pages with its parent until one of them writes, and then that page is copied. Starting
 * thousands of children that live for a few milliseconds, nearly all time goes into three things, none of which a
 * profile of the program shows:
 *
 *   - Page tables: one entry for each page the parent has, plans of thousands of cases for the most part, is copied for
 *     every child. A huge page (2 MiB) is one entry instead of 512.
 *   - Copies: malloc() hands out the holes that freed memory left between the plans, so that a child which needs a few
 *     hundred kB writes to, and copies, a page for nearly each of its allocations.
 *   - Fresh pages: each one a fault, and zeroed by the kernel, one at a time.
 *
 * So hp_heap_reserve() makes room for the heap to grow in huge pages. hp_heap_settle() takes every hole and holds it,
 * has what came to lie in small pages all the same collapsed, and moves the heap's end to a boundary of huge pages. What
 * the process sets up for its children from there on lies close together. A child then moves its own end to the next
 * boundary, where a single fault gives it 2 MiB:
 *
 *      plans, holes held | caller's own, small pages | child's, huge pages ...
 *                        ^ boundary                  ^ boundary
 *
 * Limits: all of this is advice. The end of the heap is known from mallinfo2(), so that only glibc's malloc is served;
 * any other (musl's, a sanitizer's, one that is preloaded) is left alone or, where it cannot be told, only asked for
 * memory that is given back. Huge pages come only where the kernel has them to give; without, children cost more and
 * nothing else changes. A hold is as large as the holes were. */
#include "base/heap.h"

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sanitizer.h"

struct hp_heap_hold {
    hp_heap_hold *next;
};

#if defined(__GLIBC__) && !defined(HP_HAS_ASAN)
#if __GLIBC_PREREQ(2, 33)
#define KNOWN_HEAP 1
#endif
#endif

#ifdef KNOWN_HEAP

enum {
    HUGE_PAGE = 2 * 1024 * 1024,
    STEP = 512 * 1024 * 1024, /* by which the heap grows: address space, not memory */
    CHILD_ROOM = 2 * HUGE_PAGE, /* without as much behind the boundary a child is left where it is */
    LARGEST_HOLE = 64 * 1024,
    FINE_HOLE = 1024,
    SMALLEST_HOLE = 16, /* a request that the smallest chunk, of 32 bytes, is enough for */
    CACHED = 256 * 1024, /* no less than what malloc() caches for the thread, which counts as given out */
    HEADER = 16, /* of a chunk, and the unit of sizes */
};
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* since Linux 6.1; unknown before, which is as good as refused */
#endif

/* The main heap: [bottom, end), of which [top, end) was never given out or came back. */
typedef struct extent {
    uintptr_t bottom, top, end;
    size_t n_free; /* bytes in holes */
} extent;

static extent measure(void)
{
    const struct mallinfo2 info = mallinfo2();
    const uintptr_t end = (uintptr_t)sbrk(0);
    return (extent){end - info.arena, end - info.keepcost, end, info.fordblks - info.keepcost};
}

static uintptr_t boundary(uintptr_t address)
{
    return (address + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

static void advise(uintptr_t from, uintptr_t to, int advice)
{
    void *start = (void *)from; /* NOLINT(performance-no-int-to-ptr): where it is, is all we know */
    if (from < to)
        (void)madvise(start, to - from, advice);
}

/* At least `room` bytes between top and end. */
static extent make_room(size_t room)
{
    extent heap = measure();
    if (heap.end - heap.top >= room)
        return heap;
    mallopt(M_TOP_PAD, STEP);
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    mallopt(M_MMAP_THRESHOLD, HUGE_PAGE);
    void *volatile more = malloc(heap.end - heap.top + HEADER); /* volatile: or the compiler leaves the pair out */
    free(more);
    const uintptr_t was_end = heap.end;
    heap = measure();
    advise(boundary(MIN(was_end, heap.top)), heap.end / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
    return heap;
}

void hp_heap_reserve(void)
{
    (void)make_room(STEP / 2);
}

/* Smaller by a sixteenth, so that no hole of a size in between is left in more than that; the small ones one by one. */
static size_t smaller(size_t size)
{
    return size > FINE_HOLE ? size - size / HEADER / HEADER * HEADER : size - HEADER;
}

/* NULL, where memory is scarce, is let pass. */
static void hold(hp_heap_hold **held, void *memory)
{
    hp_heap_hold *taken = memory;
    if (taken == NULL)
        return;
    taken->next = *held;
    *held = taken;
}

/* Takes memory of every size that comes from below `top`, which is memory from holes. The bound is for a malloc() that
 * is not the one that was asked about its heap. */
static void take_holes(hp_heap_hold **held, const extent *heap)
{
    size_t left = heap->n_free + CACHED;
    for (size_t size = LARGEST_HOLE; size >= SMALLEST_HOLE; size = smaller(size)) {
        while (size <= left) {
            void *memory = malloc(size);
            const bool hole = (uintptr_t)memory >= heap->bottom && (uintptr_t)memory < heap->top;
            if (hole || size <= FINE_HOLE) /* what is small would not go back to the end, but be cached */
                hold(held, memory);
            else
                free(memory);
            if (!hole)
                break;
            left -= size;
        }
    }
}

hp_heap_hold *hp_heap_settle(void)
{
    hp_heap_hold *held = NULL;
    extent heap = make_room(STEP / 8);
    take_holes(&held, &heap);
    heap = measure();
    advise(boundary(heap.bottom), heap.top / HUGE_PAGE * HUGE_PAGE, MADV_COLLAPSE);
    const uintptr_t from = boundary(heap.top + HEADER);
    if (heap.end < from + HUGE_PAGE + CHILD_ROOM)
        return held;
    advise(from, from + HUGE_PAGE, MADV_NOHUGEPAGE);
    advise(from + HUGE_PAGE, heap.end / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
    hold(&held, malloc(from - heap.top));
    return held;
}

void hp_heap_begin_child(void)
{
    const extent heap = measure();
    const uintptr_t from = boundary(heap.top);
    if (heap.end < from + CHILD_ROOM)
        return;
    mallopt(M_MMAP_THRESHOLD, STEP / 16); /* what is large comes from there too */
    /* Never freed: the child ends soon, and until then must not come back to the pages before. */
    void *volatile gap = malloc(from - heap.top);
    (void)gap;
} /* NOLINT(clang-analyzer-unix.Malloc) */

#else

void hp_heap_reserve(void)
{
}

hp_heap_hold *hp_heap_settle(void)
{
    return NULL;
}

void hp_heap_begin_child(void)
{
}

#endif

void hp_heap_release(hp_heap_hold *hold)
{
    while (hold) {
        hp_heap_hold *next = hold->next;
        free(hold);
        hold = next;
    }
}
