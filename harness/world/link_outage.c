/* Outages: windows in which a link is a black hole, once or in a cycle (a station that scans other channels for 200 ms
 * every 15 s). A window holds from its first instant to just before its end. No timer belongs to it: whoever asks at a
 * time beyond `until` looks the state up, and what nobody asks about costs nothing. */
#include "world/link_outage.h"

void hp_outage_configure(hp_outage *outage, hp_time origin)
{
    *outage = (hp_outage){.origin = origin};
}

/* The first window that ends after `within`. */
static unsigned window_after(const hp_link_config *c, hp_time within)
{
    unsigned low = 0, high = c->n_outages;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (c->outages[middle].to <= within) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void hp_outage_look(hp_outage *outage, const hp_link_config *c, hp_time now)
{
    hp_time since = now - outage->origin;
    hp_time within = c->outage_cycle != 0 ? since % c->outage_cycle : since;
    unsigned i = window_after(c, within);
    outage->out = i < c->n_outages && c->outages[i].from <= within;
    hp_time end = c->outage_cycle != 0 ? c->outage_cycle : HP_NEVER;
    if (i < c->n_outages) {
        end = outage->out ? c->outages[i].to : c->outages[i].from;
    }
    outage->until = end == HP_NEVER ? HP_NEVER : hp_time_add(now, end - within);
}
