/* Inside hosts, where a knob needs them told apart: paired pooling over several external addresses (RFC 4787 section
 * 4.1, REQ-2), a limit of mappings for each host (RFC 6888 REQ-4), and port blocks.
 *
 * Which address or block a host gets depends on its own address (its number within the inside prefix, or the low 32
 * bits of its address where no prefix is known), not on who came first: another host in the scenario moves nobody, and
 * an operator could compute the subscriber from the port, as RFC 6888 section 4 and REQ-14 want it. Only when the
 * preferred block is taken does the next free one serve. A host keeps its blocks while it is quiet; when none is free,
 * a host without mappings loses one. That is HP_NAT_BLOCKS_PREFERRED. With deterministic blocks (RFC 7422) a host has
 * its one block or none: where more hosts are than blocks, those whose numbers meet in one share it by who comes first.
 * Dynamic blocks (RFC 6888 REQ-14 without a rule for the operator) are given out from the lowest and all given back
 * with the host's last mapping.
 *
 * A host's record lives until the next reboot, renumbering or change of knobs. Where no knob needs hosts there are no
 * records at all, and mappings cost no memory for them.
 *
 * With NAT64 an IPv6 host has external addresses of both families, and a record for each: what is limited by host, or
 * given to one, is so by family. `reserved` in the record's address marks the one for IPv4. */
#include <string.h>

#include "world/nat_private.h"

void hp_nat_hosts_decide(hp_nat *nat)
{
    const hp_nat_config *c = &nat->config;
    nat->tells_hosts = c->port_block > 0 || c->max_mappings_per_host > 0 || c->max_udp_per_host > 0 ||
                       c->max_tcp_per_host > 0 || c->max_icmp_per_host > 0 ||
                       (c->pooling == HP_NAT_PAIRED && (nat->pool.n_of_family[0] > 1 || nat->pool.n_of_family[1] > 1));
}

static uint64_t host_hash(const void *owner, uint32_t host)
{
    return hp_addr_hash(&((const hp_nat_hosts *)owner)->records[host].ip);
}

uint32_t hp_nat_hosts_get(hp_nat *nat, const hp_addr *internal, const hp_addr *remote)
{
    hp_nat_hosts *hosts = &nat->hosts;
    if (!nat->tells_hosts)
        return 0;

    hp_addr ip = hp_addr_with_port(*internal, 0);
    ip.reserved = internal->family != remote->family;
    uint64_t hash = hp_addr_hash(&ip);
    hp_nat_probe probe = hp_nat_index_start(&hosts->index, hash);
    uint32_t host;
    while (hosts->records && (host = hp_nat_index_next(&hosts->index, &probe)) != 0) {
        if (hp_addr_equal(&hosts->records[host].ip, &ip))
            return host;
    }
    if (hosts->n == 0)
        hosts->n = 1;
    if (hosts->n > HP_NAT_INDEX_MAX_ID)
        return 0;
    if (!hosts->records || hosts->n >= hosts->capacity) {
        hosts->capacity += hosts->capacity / 2 + 16;
        hosts->records = g_renew(hp_nat_host, hosts->records, hosts->capacity);
    }
    host = hosts->n++;
    hosts->records[host] = (hp_nat_host){.ip = ip};
    hp_nat_index_insert(&hosts->index, hash, host, host_hash, hosts);
    return host;
}

void hp_nat_hosts_attach(hp_nat *nat, uint32_t host, uint32_t id)
{
    hp_nat_mapping_cold *cold = hp_nat_cold(&nat->table, id);
    cold->host = host;
    if (!host)
        return;
    hp_nat_host *h = &nat->hosts.records[host];
    cold->by_host = (hp_nat_links){.previous = h->newest};
    if (h->newest)
        hp_nat_cold(&nat->table, h->newest)->by_host.next = id;
    else
        h->oldest = id;
    h->newest = id;
    h->n++;
    h->n_of[hp_nat_hot(&nat->table, id)->proto]++;
}

void hp_nat_hosts_detach(hp_nat *nat, uint32_t id)
{
    hp_nat_mapping_cold *cold = hp_nat_cold(&nat->table, id);
    if (!cold->host)
        return;
    hp_nat_host *h = &nat->hosts.records[cold->host];
    if (cold->by_host.previous)
        hp_nat_cold(&nat->table, cold->by_host.previous)->by_host.next = cold->by_host.next;
    else
        h->oldest = cold->by_host.next;
    if (cold->by_host.next)
        hp_nat_cold(&nat->table, cold->by_host.next)->by_host.previous = cold->by_host.previous;
    else
        h->newest = cold->by_host.previous;
    h->n--;
    h->n_of[hp_nat_hot(&nat->table, id)->proto]--;
    cold->host = 0;
}

/* The host's number among the hosts of its inside prefix. */
static uint32_t host_number(const hp_nat *nat, const hp_addr *ip)
{
    unsigned last = ip->family == HP_AF_IPV4 ? 4 : 16;
    uint32_t number = 0, base = 0;
    for (unsigned i = 0; i < nat->n_inside; i++) {
        if (hp_prefix_contains(&nat->inside[i], ip)) {
            const uint8_t *b = nat->inside[i].base.ip + last - 4;
            base = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
            break;
        }
    }
    const uint8_t *b = ip->ip + last - 4;
    number = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return number - base;
}

uint16_t hp_nat_hosts_paired(hp_nat *nat, uint32_t host, unsigned family)
{
    hp_nat_host *h = &nat->hosts.records[host];
    if (!h->bound) {
        h->external = nat->pool.of_family[family][host_number(nat, &h->ip) % nat->pool.n_of_family[family]];
        h->bound = true;
    }
    return h->external;
}

/* ---- port blocks ---- */

static uint32_t block_size(const hp_nat *nat, hp_nat_span range)
{
    return MIN((uint32_t)nat->config.port_block, range.last - range.first + 1);
}

static hp_nat_span block_range(const hp_nat *nat)
{
    hp_nat_config config = nat->config;
    config.well_known_apart = false;
    return hp_nat_ports_range(&config, HP_NAT_UDP, 0);
}

static uint32_t blocks_per_address(const hp_nat *nat)
{
    hp_nat_span range = block_range(nat);
    return (range.last - range.first + 1) / block_size(nat, range);
}

hp_nat_span hp_nat_block_span(const hp_nat *nat, uint32_t block)
{
    hp_nat_span range = block_range(nat);
    uint32_t size = block_size(nat, range), first = range.first + (block & 0xffff) * size;
    return (hp_nat_span){.first = first, .last = first + size - 1};
}

static uint32_t *block_owner(hp_nat *nat, uint16_t external, uint32_t number)
{
    hp_nat_external *e = &nat->pool.externals[external];
    if (!e->block_owners)
        e->block_owners = g_new0(uint32_t, blocks_per_address(nat));
    return &e->block_owners[number];
}

static void block_take_back(hp_nat *nat, uint32_t host, uint32_t block)
{
    hp_nat_host *h = &nat->hosts.records[host];
    for (unsigned i = 0; i < h->n_blocks; i++) {
        if (h->blocks[i] == block) {
            memmove(&h->blocks[i], &h->blocks[i + 1], (h->n_blocks - i - 1u) * sizeof *h->blocks);
            h->n_blocks--;
            return;
        }
    }
}

/* Walks the blocks that the host may have, from its own number on (dynamic blocks: from the lowest): round the
 * addresses first, then upwards. */
static bool block_search(hp_nat *nat, uint32_t host, unsigned family, bool from_idle)
{
    const hp_nat_host *h = &nat->hosts.records[host];
    const hp_nat_pool *pool = &nat->pool;
    bool fixed = nat->config.pooling == HP_NAT_PAIRED && h->bound;
    uint32_t n_addresses = fixed ? 1 : pool->n_of_family[family], per_address = blocks_per_address(nat);
    uint32_t total = n_addresses * per_address, number = host_number(nat, &h->ip);

    if (fixed)
        number /= pool->n_of_family[family];
    if (nat->config.port_blocks == HP_NAT_BLOCKS_DYNAMIC)
        number = 0;
    uint32_t tries = nat->config.port_blocks == HP_NAT_BLOCKS_DETERMINISTIC ? MIN(total, 1) : total;
    for (uint32_t i = 0; i < tries; i++) {
        uint32_t at = (number % total + i) % total;
        uint16_t external = fixed ? h->external : pool->of_family[family][at % n_addresses];
        uint32_t *owner = block_owner(nat, external, at / n_addresses);
        uint32_t block = (uint32_t)external << 16 | at / n_addresses;
        if (*owner && (!from_idle || nat->hosts.records[*owner].n > 0 || *owner == host))
            continue;
        if (*owner)
            block_take_back(nat, *owner, block);
        *owner = host;
        hp_nat_host *mine = &nat->hosts.records[host];
        mine->blocks = g_renew(uint32_t, mine->blocks, mine->n_blocks + 1u);
        mine->blocks[mine->n_blocks++] = block;
        mine->external = external;
        mine->bound = true;
        return true;
    }
    return false;
}

bool hp_nat_hosts_add_block(hp_nat *nat, uint32_t host, unsigned family)
{
    bool one = nat->config.port_blocks == HP_NAT_BLOCKS_DETERMINISTIC;
    if (nat->hosts.records[host].n_blocks >= (one ? 1 : MAX(nat->config.port_blocks_per_host, 1)))
        return false;
    return block_search(nat, host, family, false) || (!one && block_search(nat, host, family, true));
}

void hp_nat_hosts_settle(hp_nat *nat, uint32_t host)
{
    if (!host || nat->config.port_blocks != HP_NAT_BLOCKS_DYNAMIC || nat->hosts.records[host].n > 0)
        return;
    hp_nat_host *h = &nat->hosts.records[host];
    for (unsigned i = 0; i < h->n_blocks; i++)
        *block_owner(nat, (uint16_t)(h->blocks[i] >> 16), h->blocks[i] & 0xffff) = 0;
    h->n_blocks = 0;
    h->bound = false;
}

/* ---- as a whole ---- */

void hp_nat_hosts_clear(hp_nat *nat)
{
    for (uint32_t i = 1; i < nat->hosts.n; i++)
        g_free(nat->hosts.records[i].blocks);
    g_free(nat->hosts.records);
    hp_nat_index_clear(&nat->hosts.index);
    nat->hosts = (hp_nat_hosts){0};
    for (unsigned i = 0; i < nat->pool.n; i++)
        g_clear_pointer(&nat->pool.externals[i].block_owners, g_free);
}

void hp_nat_hosts_rebuild(hp_nat *nat)
{
    hp_nat_table *t = &nat->table;
    hp_nat_hosts_clear(nat);
    for (uint32_t id = t->by_creation.next; id; id = hp_nat_cold(t, id)->by_creation.next) {
        const hp_nat_mapping *m = hp_nat_hot(t, id);
        uint32_t host = hp_nat_hosts_get(nat, &m->internal, &m->remote);
        hp_nat_hosts_attach(nat, host, id);
        if (host && !nat->hosts.records[host].bound) {
            nat->hosts.records[host].external = m->external;
            nat->hosts.records[host].bound = true;
        }
    }
}

size_t hp_nat_hosts_memory(const hp_nat *nat)
{
    size_t n = nat->hosts.capacity * sizeof *nat->hosts.records + hp_nat_index_memory(&nat->hosts.index);
    for (uint32_t i = 1; i < nat->hosts.n; i++)
        n += nat->hosts.records[i].n_blocks * sizeof(uint32_t);
    for (unsigned i = 0; i < nat->pool.n; i++)
        n += nat->pool.externals[i].block_owners ? blocks_per_address(nat) * sizeof(uint32_t) : 0;
    return n;
}
