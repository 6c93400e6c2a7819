/* Theory of operation.
 *
 * RFC 3550 section 6.3 with its names: tp is the last transmission, tn the next, members_before is pmembers. At tn the
 * interval is computed anew and the report put off when it would come too early (timer reconsideration); a member that
 * leaves pulls tn and tp nearer (reverse reconsideration). Section 6.3.1 divides the random interval by e - 3/2, which
 * makes up for the bias of reconsideration.
 *
 * All is integer arithmetic on nanoseconds; the average packet size is kept in sixteenths, since the filter's gain is
 * 1/16, and counts 28 octets of IPv4 and UDP headers (section 6.2).
 *
 * Limits: HP_RTCP_MEMBERS other participants; RTCP's bandwidth is shared as if S and R were 1/4 and 3/4; a BYE is sent
 * at once by its caller, as section 6.3.7 lets small groups do. */
#include "engines/media_rtcp_timer.h"

#include <glib.h>

#define LOWER_LAYERS 28
/* Member timeout in deterministic intervals, sender timeout in random ones (section 6.3.5). */
#define MEMBER_TIMEOUT 5
#define SENDER_TIMEOUT 2

static unsigned members(const hp_rtcp_timer *t)
{
    return t->n_members + 1;
}

/* Td of section 6.3.1. */
static hp_time deterministic(const hp_rtcp_timer *t, bool we_sent)
{
    unsigned senders = we_sent ? 1 : 0;
    for (unsigned i = 0; i < t->n_members; i++)
        senders += t->members[i].is_sender ? 1 : 0;
    /* n * C, where C = average / (share of the bandwidth), the share in quarters. */
    uint64_t n = members(t), quarters = 4;
    if (senders * 4 <= members(t)) {
        n = we_sent ? senders : members(t) - senders;
        quarters = we_sent ? 1 : 3;
    }
    hp_time span = n * t->average_16ths * 8 * (HP_S / 16) * 4 / (t->bandwidth * quarters);
    hp_time least = t->initial ? t->minimum / 2 : t->minimum;
    return MAX(span, least);
}

static hp_time randomised(hp_rtcp_timer *t, hp_time span)
{
    hp_time random = span / 2 + hp_rng_below(t->rng, span + 1);
    return (hp_time)((unsigned __int128)random * 10000000 / 12182818); /* e - 3/2 */
}

void hp_rtcp_timer_init(hp_rtcp_timer *t, const hp_rtcp_config *config, hp_rng *rng, hp_time now, size_t probable_size)
{
    *t = (hp_rtcp_timer){
        .rng = rng,
        .bandwidth = config->bandwidth,
        .minimum = config->interval,
        .off = config->off,
        .initial = true,
        .tp = now,
        .tn = HP_NEVER,
        .average_16ths = (uint32_t)(probable_size + LOWER_LAYERS) * 16,
        .members_before = 1,
    };
    if (!t->off)
        t->tn = now + randomised(t, deterministic(t, false));
}

/* Section 6.3.4: fewer members than before, so everything comes sooner. */
static void reconsider_reverse(hp_rtcp_timer *t, hp_time now)
{
    if (members(t) < t->members_before && !t->off) {
        t->tn = now + (t->tn > now ? t->tn - now : 0) * members(t) / t->members_before;
        t->tp = now - (now - t->tp) * members(t) / t->members_before;
    }
    t->members_before = members(t);
}

static hp_rtcp_member *find(hp_rtcp_timer *t, uint32_t ssrc)
{
    for (unsigned i = 0; i < t->n_members; i++) {
        if (t->members[i].ssrc == ssrc)
            return &t->members[i];
    }
    return NULL;
}

static void forget(hp_rtcp_timer *t, unsigned i)
{
    t->members[i] = t->members[--t->n_members];
}

void hp_rtcp_timer_sent_media(hp_rtcp_timer *t, hp_time now)
{
    t->we_sent = true;
    t->last_media = now;
}

void hp_rtcp_timer_heard(hp_rtcp_timer *t, hp_time now, uint32_t ssrc, bool media)
{
    hp_rtcp_member *m = find(t, ssrc);
    if (!m) {
        if (t->n_members == HP_RTCP_MEMBERS)
            return;
        m = &t->members[t->n_members++];
        *m = (hp_rtcp_member){.ssrc = ssrc};
    }
    m->heard = now;
    if (media) {
        m->is_sender = true;
        m->sent_media = now;
    }
}

static void average(hp_rtcp_timer *t, size_t octets)
{
    uint64_t size = (octets + LOWER_LAYERS) * 16;
    t->average_16ths = (uint32_t)((size + 15 * (uint64_t)t->average_16ths) / 16);
}

void hp_rtcp_timer_heard_size(hp_rtcp_timer *t, size_t octets)
{
    average(t, octets);
}

void hp_rtcp_timer_bye(hp_rtcp_timer *t, hp_time now, uint32_t ssrc)
{
    hp_rtcp_member *m = find(t, ssrc);
    if (!m)
        return;
    forget(t, (unsigned)(m - t->members));
    reconsider_reverse(t, now);
}

static void time_out(hp_rtcp_timer *t, hp_time now, hp_time interval)
{
    hp_time member_timeout = MEMBER_TIMEOUT * deterministic(t, false), sender_timeout = SENDER_TIMEOUT * interval;
    for (unsigned i = t->n_members; i-- > 0;) {
        hp_rtcp_member *m = &t->members[i];
        if (now - m->sent_media > sender_timeout)
            m->is_sender = false;
        if (now - m->heard > member_timeout)
            forget(t, i);
    }
    if (t->we_sent && now - t->last_media > sender_timeout)
        t->we_sent = false;
    if (members(t) < t->members_before)
        reconsider_reverse(t, now);
}

bool hp_rtcp_timer_expire(hp_rtcp_timer *t, hp_time now)
{
    hp_time interval = randomised(t, deterministic(t, t->we_sent));
    time_out(t, now, interval);
    t->members_before = members(t);
    if (t->tp + interval <= now)
        return true;
    t->tn = t->tp + interval;
    return false;
}

void hp_rtcp_timer_sent(hp_rtcp_timer *t, hp_time now, size_t octets)
{
    average(t, octets);
    t->initial = false;
    t->tp = now;
    t->tn = now + randomised(t, deterministic(t, t->we_sent));
}
