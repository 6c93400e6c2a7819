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

/* ---- whether two matches are one ---- */

static bool same_end(const hp_match_end *a, const hp_match_end *b)
{
    return hp_addr_equal(&a->prefix.base, &b->prefix.base) && a->prefix.bits == b->prefix.bits &&
           a->port_first == b->port_first && a->port_last == b->port_last;
}

static bool same_compare(const hp_compare *a, const hp_compare *b)
{
    return a->set == b->set && (!a->set || (a->min == b->min && a->max == b->max && a->unit == b->unit));
}

static bool same_list(const uint16_t *a, unsigned n_a, const uint16_t *b, unsigned n_b)
{
    return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof *a) == 0);
}

static bool same_stun(const hp_match_stun *a, const hp_match_stun *b)
{
    return a->present == b->present && a->has_class == b->has_class && (!a->has_class || a->cls == b->cls) &&
           a->method == b->method && a->error_code == b->error_code && a->integrity == b->integrity &&
           same_list(a->with, a->n_with, b->with, b->n_with) &&
           same_list(a->without, a->n_without, b->without, b->n_without);
}

/* A field that is added must be compared here. */
G_STATIC_ASSERT(GLIB_SIZEOF_VOID_P != 8 || sizeof(hp_match) == 168);

static bool same_match(const hp_match *a, const hp_match *b)
{
    return a->proto == b->proto && a->family == b->family && same_end(&a->src, &b->src) && same_end(&a->dst, &b->dst) &&
           a->icmp_kind == b->icmp_kind && a->fragment == b->fragment && a->corrupt == b->corrupt &&
           same_compare(&a->size, &b->size) && same_stun(&a->stun, &b->stun) && a->channel_data == b->channel_data &&
           a->channel == b->channel && a->dtls == b->dtls && a->rtp == b->rtp && a->rtcp == b->rtcp &&
           a->inside == b->inside;
}

/* ---- settings ---- */

void hp_exact_loss_configure(hp_exact_loss *loss, const hp_link_config *old, hp_link_config *fresh)
{
    hp_packet_range *listed = fresh->drop;
    fresh->drop = hp_packet_ranges_merge(listed, fresh->n_drop, &fresh->n_drop);
    g_free(listed);
    if (!old->drop_some || !fresh->drop_some || !same_match(&old->drop_match, &fresh->drop_match)) {
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
