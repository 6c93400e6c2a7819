/* Theory of operation.
 *
 * The numbers that a stream misses, in rising order, each with when it was noticed and when it may be asked for. A gap
 * is asked for after nack_delay, then again each round trip, nack_tries times at most; `wait` after it was noticed it
 * is given up. When more than HP_MEDIA_MAX_MISSING are missing, asking is pointless: the list empties, and its owner
 * asks for a key frame instead.
 *
 * Numbers are added in rising order but for a stream whose first packets were reordered, and removed one at a time near
 * the front, so that a sorted array serves. */
#include "engines/media_receiver_private.h"

/* The index of the first gap with at least that number. */
static unsigned lower_bound(const hp_media_missing *m, int64_t number)
{
    unsigned from = 0, to = m->n;
    while (from < to) {
        unsigned middle = (from + to) / 2;
        if (m->gaps[middle].number < number) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static void remove_range(hp_media_missing *m, unsigned from, unsigned to)
{
    memmove(m->gaps + from, m->gaps + to, (m->n - to) * sizeof *m->gaps);
    m->n -= to - from;
}

bool hp_media_missing_add(hp_media_missing *m, int64_t number, hp_time now, hp_time delay)
{
    if (m->n == HP_MEDIA_MAX_MISSING) {
        m->n = 0;
        return false;
    }
    unsigned at = lower_bound(m, number);
    memmove(m->gaps + at + 1, m->gaps + at, (m->n - at) * sizeof *m->gaps);
    m->gaps[at] = (hp_media_gap){.number = number, .noticed = now, .next_nack = hp_time_add(now, delay)};
    m->n++;
    return true;
}

void hp_media_missing_remove(hp_media_missing *m, int64_t number)
{
    unsigned at = lower_bound(m, number);
    if (at < m->n && m->gaps[at].number == number)
        remove_range(m, at, at + 1);
}

void hp_media_missing_forget(hp_media_missing *m, int64_t number)
{
    if (hp_media_missing_until(m, number))
        remove_range(m, 0, lower_bound(m, number + 1));
}

bool hp_media_missing_expire(hp_media_missing *m, hp_time now, hp_time wait, int64_t *ret_number)
{
    unsigned kept = 0;
    bool any = false;
    for (unsigned i = 0; i < m->n; i++) {
        if (hp_time_add(m->gaps[i].noticed, wait) <= now) {
            any = true;
            *ret_number = m->gaps[i].number;
        } else {
            m->gaps[kept++] = m->gaps[i];
        }
    }
    m->n = kept;
    return any;
}

unsigned hp_media_missing_ask(hp_media_missing *m, hp_time now, hp_time again, unsigned tries, uint16_t *ret,
                              unsigned cap)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->n && n < cap; i++) {
        hp_media_gap *gap = &m->gaps[i];
        if (gap->next_nack > now || gap->tries >= tries)
            continue;
        ret[n++] = (uint16_t)gap->number;
        gap->tries++;
        gap->next_nack = hp_time_add(now, again);
    }
    return n;
}

hp_time hp_media_missing_deadline(const hp_media_missing *m, hp_time wait, unsigned tries, bool ask)
{
    hp_time due = HP_NEVER;
    for (unsigned i = 0; i < m->n; i++) {
        const hp_media_gap *gap = &m->gaps[i];
        due = MIN(due, hp_time_add(gap->noticed, wait));
        if (ask && gap->tries < tries)
            due = MIN(due, gap->next_nack);
    }
    return due;
}
