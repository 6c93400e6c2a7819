/* Bringing memory into the cache ahead of its use. Private to the folder. */
#ifndef HP_WORLD_PREFETCH_H
#define HP_WORLD_PREFETCH_H

/* p may be NULL or point anywhere. The empty statement is there because GCC takes a function that does no more than
 * prefetch for one without effect, and leaves out the calls to it. */
static inline void hp_prefetch(const void *p)
{
    __builtin_prefetch(p);
    __asm__ volatile("");
}

/* The same for what will be written to. */
static inline void hp_prefetch_write(const void *p)
{
    __builtin_prefetch(p, 1);
    __asm__ volatile("");
}

#endif
