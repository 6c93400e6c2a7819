/* State that unsolicited packets leave behind, as netfilter's connection tracking keeps it.
 *
 * There a packet from R to the NAT's own E:p that no flow claims begins a flow of its own, between R and the NAT
 * itself. While that state lives (the unreplied timeout, renewed by every such packet) the tuple (E:p, R) is taken. An
 * inside host that now sends to R from a port that would be mapped to p finds the tuple in use and gets another
 * external port: the peer behind R, whose check came first, sees an address that it was never told of. That is the
 * race which makes hole punching through such NATs fail or fall back to peer reflexive candidates.
 *
 * Only UDP makes such state: an unsolicited SYN meets no listener, and the RST that answers it ends netfilter's state
 * as soon as it began. The packet itself is dropped all the same. States are found through an index and wait in
 * order of their last refresh, so that dead ones are shed whenever a new one comes, without a timer: nothing can be
 * observed of their end but that the tuple is free. At most 65536 live at a time; the one idle longest gives way. */
#include "world/nat_private.h"

enum { MAX_STATES = 65536 };

static uint64_t inbound_hash(uint16_t external, uint16_t port, const hp_addr *remote)
{
    uint64_t h = hp_addr_hash(remote) ^ (uint64_t)external << 16 ^ port;
    h *= UINT64_C(0x8bb84b93962eacc9);
    return h ^ h >> 32;
}

static uint64_t record_hash(const void *owner, uint32_t i)
{
    const hp_nat_inbound_state *s = &((const hp_nat_inbound *)owner)->records[i];
    return inbound_hash(s->external, s->port, &s->remote);
}

static uint32_t inbound_find(const hp_nat_inbound *in, uint16_t external, uint16_t port, const hp_addr *remote)
{
    hp_nat_probe probe = hp_nat_index_start(&in->index, inbound_hash(external, port, remote));
    uint32_t i;
    while ((i = hp_nat_index_next(&in->index, &probe)) != 0) {
        const hp_nat_inbound_state *s = &in->records[i];
        if (s->port == port && s->external == external && hp_addr_equal(&s->remote, remote))
            break;
    }
    return i;
}

static void age_append(hp_nat_inbound *in, uint32_t i)
{
    in->records[i].by_age = (hp_nat_links){.previous = in->by_age.previous};
    if (in->by_age.previous)
        in->records[in->by_age.previous].by_age.next = i;
    else
        in->by_age.next = i;
    in->by_age.previous = i;
}

static void age_remove(hp_nat_inbound *in, uint32_t i)
{
    hp_nat_links links = in->records[i].by_age;
    if (links.previous)
        in->records[links.previous].by_age.next = links.next;
    else
        in->by_age.next = links.next;
    if (links.next)
        in->records[links.next].by_age.previous = links.previous;
    else
        in->by_age.previous = links.previous;
}

static void forget_oldest(hp_nat_inbound *in)
{
    uint32_t i = in->by_age.next;
    hp_nat_index_remove(&in->index, record_hash(in, i), i, record_hash, in);
    age_remove(in, i);
    in->records[i].by_age.next = in->free;
    in->free = i;
}

static void shed(hp_nat *nat)
{
    hp_nat_inbound *in = &nat->inbound;
    hp_time now = hp_world_now(nat->node.world), timeout = nat->timeouts[HP_NAT_TIMER_UNREPLIED];
    while (in->by_age.next && hp_time_add(in->records[in->by_age.next].refreshed, timeout) <= now)
        forget_oldest(in);
}

void hp_nat_inbound_note(hp_nat *nat, uint16_t external, uint16_t port, const hp_addr *remote)
{
    hp_nat_inbound *in = &nat->inbound;

    shed(nat);
    uint32_t i = inbound_find(in, external, port, remote);
    if (i) {
        age_remove(in, i);
    } else {
        if (in->index.count >= MAX_STATES)
            forget_oldest(in);
        i = in->free;
        if (i) {
            in->free = in->records[i].by_age.next;
        } else {
            in->n = MAX(in->n, 1);
            if (in->n >= in->capacity) {
                in->capacity += in->capacity / 2 + 16;
                in->records = g_renew(hp_nat_inbound_state, in->records, in->capacity);
            }
            i = in->n++;
        }
        in->records[i] = (hp_nat_inbound_state){.remote = *remote, .external = external, .port = port};
        hp_nat_index_insert(&in->index, record_hash(in, i), i, record_hash, in);
    }
    in->records[i].refreshed = hp_world_now(nat->node.world);
    age_append(in, i);
}

bool hp_nat_inbound_holds(hp_nat *nat, uint16_t external, uint16_t port, const hp_addr *remote)
{
    if (nat->inbound.index.count == 0)
        return false;
    shed(nat);
    return inbound_find(&nat->inbound, external, port, remote) != 0;
}

void hp_nat_inbound_clear(hp_nat_inbound *in)
{
    g_free(in->records);
    hp_nat_index_clear(&in->index);
    *in = (hp_nat_inbound){0};
}

size_t hp_nat_inbound_memory(const hp_nat_inbound *in)
{
    return in->capacity * sizeof *in->records + hp_nat_index_memory(&in->index);
}
