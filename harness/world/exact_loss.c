/* Exact losses: numbers of packets, counted from 1, that a link drops.
 *
 * Without `drop_some` the number is that of the packet on the link, over its whole life: a change of settings does not
 * count anew, and a number that has passed by the time it is listed is never dropped. With it only packets that
 * `drop_match` matches have numbers. Those belong to the match: they go on through any change that leaves the match as
 * it is, and begin at 1 where another match is set, as nobody has counted what that would have matched before. Turning
 * drop_some off forgets the count.
 *
 * A packet is counted before anything can happen to it, also on a link that is down. One that is fragmented on this
 * very link is one packet; fragments that come in are each looked at alone, and only the first shows its payload. */
#include "world/exact_loss.h"

#include <string.h>

#include "world/packet_ranges.h"

/* ---- settings ---- */

void hp_exact_loss_configure(hp_exact_loss *loss, const hp_link_config *old, hp_link_config *fresh)
{
    hp_packet_range *listed = fresh->drop;
    fresh->drop = hp_packet_ranges_merge(listed, fresh->n_drop, &fresh->n_drop);
    g_free(listed);
    if (!old->drop_some || !fresh->drop_some || !hp_match_equal(&old->drop_match, &fresh->drop_match)) {
        loss->matched = 0;
    }
    loss->next = 0;
}

/* ---- packets ---- */

static bool is_listed(hp_exact_loss *loss, const hp_link_config *c, uint64_t n)
{
    while (loss->next < c->n_drop && c->drop[loss->next].last != 0 && c->drop[loss->next].last < n) {
        loss->next++;
    }
    return loss->next < c->n_drop && c->drop[loss->next].first <= n;
}

bool hp_exact_loss_takes(hp_exact_loss *loss, const hp_link_config *config, const hp_packet *p, uint64_t n,
                         uint64_t *ret_number)
{
    if (config->drop_some) {
        const hp_match_subject subject = hp_match_subject_of(p);
        if (!hp_match_packet(&config->drop_match, &subject)) {
            return false;
        }
        n = ++loss->matched;
    }
    if (!is_listed(loss, config, n)) {
        return false;
    }
    *ret_number = n;
    return true;
}
