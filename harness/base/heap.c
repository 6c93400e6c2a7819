#include "base/heap.h"

#include <malloc.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGEST = 64 * 1024, FINE = 1024, STEP = 16, SMALLEST = 24, HUGE_PAGE = 2 * 1024 * 1024 };
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

struct hp_heap_hold {
    hp_heap_hold *next;
};

static size_t smaller(size_t size)
{
    return size > FINE ? size - size / 16 / STEP * STEP : size - STEP;
}

hp_heap_hold *hp_heap_settle(void)
{
    const char *e = g_getenv("SETTLE");
    if (!e)
        return NULL;
    hp_heap_hold *held = NULL;
    { struct mallinfo2 q = mallinfo2(); if (g_getenv("SETTLEV")) g_printerr("before: arena %zu ordblks %zu smblks %zu fordblks %zu uordblks %zu keepcost %zu hblkhd %zu\n", q.arena,q.ordblks,q.smblks,q.fordblks,q.uordblks,q.keepcost,q.hblkhd); }
    char *end = (char*)sbrk(0);
    char *top = end - mallinfo2().keepcost;
    unsigned n=0; size_t total=0;
    for (size_t size = LARGEST; size >= SMALLEST; size = smaller(size)) {
        for (;;) {
            hp_heap_hold *p = malloc(size);
            if ((char *)p >= top) {
                free(p);
                break;
            }
            p->next = held;
            held = p; n++; total+=size;
        }
    }
    if (g_getenv("SETTLEV")) { struct mallinfo2 q = mallinfo2(); g_printerr("arena %zu ordblks %zu smblks %zu fordblks %zu uordblks %zu keepcost %zu hblkhd %zu\n", q.arena,q.ordblks,q.smblks,q.fordblks,q.uordblks,q.keepcost,q.hblkhd); }
    if (g_getenv("SETTLEV")) g_printerr("soaked %u %zu end %p top %p keep %zu\n", n, total, end, top, (size_t)(end-top));
    if (*e >= '2') {
        struct mallinfo2 m = mallinfo2();
        char *bottom = (char*)sbrk(0) - m.arena;
        uintptr_t a = ((uintptr_t)bottom + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE, b = (uintptr_t)top / HUGE_PAGE * HUGE_PAGE;
        gint64 t = g_get_monotonic_time();
        int rc = b > a ? madvise((void*)a, b - a, MADV_COLLAPSE) : 0;
        if (g_getenv("SETTLEV")) g_printerr("collapse %d %zu: %d us\n", rc, (size_t)(b-a), (int)(g_get_monotonic_time()-t));
    }
    if (*e >= '3') {
        mallopt(M_TOP_PAD, 32 * HUGE_PAGE);
        mallopt(M_TRIM_THRESHOLD, 1 << 30);
        hp_heap_hold *p = malloc((size_t)((char*)sbrk(0) - top) );
        p->next = held; held = p;
        uintptr_t a = (uintptr_t)top / HUGE_PAGE * HUGE_PAGE + HUGE_PAGE, b = (uintptr_t)sbrk(0) / HUGE_PAGE * HUGE_PAGE;
        int rc = madvise((void*)a, b - a, MADV_HUGEPAGE);
        if (g_getenv("SETTLEV")) g_printerr("advise %d %zu\n", rc, (size_t)(b-a));
    }
    return held;
}

void hp_heap_begin_child(void)
{
    const char *e = g_getenv("SETTLE");
    if (!e || *e<'3') return;
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    if (*e < '4') return;
    char *top = (char*)sbrk(0) - mallinfo2().keepcost;
    uintptr_t b = (uintptr_t)top / HUGE_PAGE * HUGE_PAGE + HUGE_PAGE;
    char *p = malloc(b - (uintptr_t)top - 32);
    if (g_getenv("SETTLEV")) fprintf(stderr, "top %p b %lx p %p top now %p\n", top, b, p, (char*)sbrk(0) - mallinfo2().keepcost);
}

void hp_heap_release(hp_heap_hold *hold)
{
    while (hold) {
        hp_heap_hold *next = hold->next;
        free(hold);
        hold = next;
    }
}
