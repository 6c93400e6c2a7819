/* CoDel, RFC 8289 section 5: drops (or marks, RFC 3168) at the head of a queue in which
 * packets have waited for longer than `target` all through an `interval`, then ever more often, by interval / sqrt(n).
 *
 *   not dropping   waiting must have been too long for an interval before anything is dropped. Then the packet at the
 *                  head goes, the one behind it is sent in any case, and the dropping state begins.
 *   dropping       one that waited too little, or an empty queue, ends it. At drop_next the head goes, and the next,
 *                  as long as drop_next lies not in the future.
 *
 * A spell that begins within 16 intervals of the last one goes on with the rate that one ended with.
 *
 * The RFC's loop over a queue is turned inside out: the owner of the queue shows one packet after the other, and the
 * flags `again` and `entered` say at which point of the loop the next one arrives.
 *
 * Limits: no fair queueing (RFC 8290). A mark ends the step as a packet that is sent does. */
#include "world/codel.h"

#include <glib.h>

#include "world/fixed_point.h"

#define MEMORY 16 /* intervals */

hp_time hp_codel_control_law(hp_time t, hp_time interval, uint32_t count)
{
    return hp_time_add(t, hp_fixed_sqrt((unsigned __int128)interval * interval / MAX(count, 1)));
}

/* Whether packets have waited too long for long enough. */
static bool is_too_long(hp_codel *codel, const hp_codel_settings *s, hp_time now, hp_time waited, uint64_t bytes)
{
    if (waited < s->target || bytes <= s->mtu) {
        codel->first_above = 0;
        return false;
    }
    if (codel->first_above == 0) {
        codel->first_above = hp_time_add(now, s->interval);
        return false;
    }
    return now >= codel->first_above;
}

/* In the dropping state, at the head of the RFC's loop. */
static hp_codel_verdict drop_if_due(hp_codel *codel, const hp_codel_settings *s, hp_time now, bool may_mark)
{
    if (!codel->dropping || now < codel->drop_next) {
        return HP_CODEL_SEND;
    }
    codel->count++;
    if (may_mark) {
        codel->drop_next = hp_codel_control_law(codel->drop_next, s->interval, codel->count);
        return HP_CODEL_MARK;
    }
    codel->again = true;
    return HP_CODEL_DROP;
}

static hp_codel_verdict enter(hp_codel *codel, const hp_codel_settings *s, hp_time now, bool may_mark)
{
    uint32_t drops = codel->count - codel->last_count;
    /* drop_next may lie ahead: then the last spell has only just ended. */
    bool recent = now < hp_time_add(codel->drop_next, MEMORY * s->interval);
    codel->count = drops > 1 && recent ? drops : 1;
    codel->last_count = codel->count;
    codel->dropping = true;
    codel->drop_next = hp_codel_control_law(now, s->interval, codel->count);
    codel->entered = !may_mark;
    return may_mark ? HP_CODEL_MARK : HP_CODEL_DROP;
}

hp_codel_verdict hp_codel_judge(hp_codel *codel, const hp_codel_settings *settings, hp_time now, hp_time waited,
                                uint64_t bytes, bool may_mark)
{
    bool too_long = is_too_long(codel, settings, now, waited, bytes);
    bool again = codel->again, entered = codel->entered;
    codel->again = codel->entered = false;
    if (entered) {
        return HP_CODEL_SEND;
    }
    if (!codel->dropping) {
        return too_long ? enter(codel, settings, now, may_mark) : HP_CODEL_SEND;
    }
    if (!too_long) {
        codel->dropping = false;
    } else if (again) {
        codel->drop_next = hp_codel_control_law(codel->drop_next, settings->interval, codel->count);
    }
    return drop_if_due(codel, settings, now, may_mark);
}

void hp_codel_is_empty(hp_codel *codel)
{
    codel->first_above = 0;
    codel->dropping = false;
    codel->again = codel->entered = false;
}
