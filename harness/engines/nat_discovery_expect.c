/* What the discovery client sees of a NAT with given knobs: the other half of a certificate. Observed and expected are
 * compared test by test; this file is the one place where a difference between "declared" and "observed" is explained.
 *
 * Declared and observed differ where RFC 5780's tests look at one host's flows only:
 *   - A NAT that maps per destination but lets flows to different destinations share an external port (overloading, RFC
 *     4787 section 4.2.1), and gives each flow its internal port, looks endpoint independent as long as no other host
 *     wants the same tuple. That is what netfilter and pf with static ports do, and it is RFC 4787 section 8's
 *     non-deterministic behaviour: a second host with the same port, or state left by an unsolicited packet, brings out
 *     the other face. Without overloading the second flow finds its port taken by the first: no such mask.
 *   - A pool with arbitrary pooling takes the mask off: each flow gets the next address.
 *   - Port parity and contiguity are also kept by a NAT that simply preserves ports.
 *   - Hairpinned packets that are filtered: where a flow to the NAT's own address gets a mapping of its own (mapping
 *     depends on the destination, and shows it), no host can open the filter for another's, so nothing loops.
 *   - The unreplied timeout and the limits never show: each mapping is answered, and few are made.
 *   - A mapping's absolute lifetime ends it when it is shorter than the timeout, and then nothing refreshes it.
 *
 * What is not determined stays out of `known`: the mapping where the alternate port is blocked and test III is needed;
 * port preservation where the ports that the client uses lie outside the NAT's range or block, for the collision policy
 * decides then. Two choices of the NAT that may coincide by chance (random ports that happen to be equal) are taken to
 * differ. */
#include <string.h>

#include "engines/nat_discovery_private.h"

#define FIRST_PORT 32768 /* below what drivers use as ephemeral ports */

static bool is_blocked(const hp_nat_config *nat, uint16_t port)
{
    for (unsigned i = 0; nat->blocked != NULL && i < nat->n_blocked; i++) {
        if (port >= nat->blocked[i].first && port <= nat->blocked[i].last) {
            return true;
        }
    }
    return nat->block_udp;
}

static bool has_pool(const hp_nat_config *nat)
{
    return nat->pool > 1 && nat->pooling == HP_NAT_ARBITRARY;
}

/* The internal port is always to be had. */
static bool has_room_to_preserve(const hp_nat_config *nat)
{
    bool given = nat->port_range.first != 0 || nat->port_range.last != 0;
    uint16_t first = MIN(nat->port_range.first, nat->port_range.last);
    uint16_t last = MAX(nat->port_range.first, nat->port_range.last);
    return nat->port_block == 0 && (!given || (first <= FIRST_PORT && last == UINT16_MAX));
}

static bool preserves(const hp_nat_config *nat)
{
    return nat->ports == HP_NAT_PORTS_PRESERVE && has_room_to_preserve(nat);
}

static hp_nat_behaviour mapping_seen(const hp_nat_config *nat)
{
    bool masked = nat->overload && preserves(nat) && !has_pool(nat);
    return masked ? HP_NAT_ENDPOINT_INDEPENDENT : nat->mapping;
}

static void expect_ports(const hp_nat_config *nat, hp_nat_discovery_result *ret)
{
    bool keeps = preserves(nat);
    if (nat->ports == HP_NAT_PORTS_PRESERVE && !keeps) {
        return;
    }
    ret->ports = nat->ports;
    ret->parity = keeps || nat->port_parity;
    ret->contiguity = (keeps && !has_pool(nat)) || nat->port_contiguity;
    ret->pooling = has_pool(nat) ? HP_NAT_ARBITRARY : HP_NAT_PAIRED;
    ret->known |= HP_NAT_TEST_PORTS;
}

static void expect_hairpin(const hp_nat_config *nat, hp_nat_discovery_result *ret)
{
    bool filtered = nat->hairpin_filtered && nat->filtering != HP_NAT_ENDPOINT_INDEPENDENT;
    bool loops = nat->hairpin != HP_NAT_HAIRPIN_NONE && (!filtered || mapping_seen(nat) == HP_NAT_ENDPOINT_INDEPENDENT);
    ret->hairpin = loops ? nat->hairpin : HP_NAT_HAIRPIN_NONE;
    ret->hairpin_filtered = loops && filtered;
    ret->known |= HP_NAT_TEST_HAIRPIN;
}

static void expect_lifetime(const hp_nat_config *nat, const hp_nat_discovery_config *config,
                            hp_nat_discovery_result *ret)
{
    hp_time step = config->lifetime_step != 0 ? config->lifetime_step : HP_S;
    hp_time longest = config->lifetime_max != 0 ? config->lifetime_max : 1800 * HP_S;
    bool well_known = config->server.port < 1024 && nat->udp_well_known_timeout != 0;
    hp_time timeout = well_known ? nat->udp_well_known_timeout : nat->udp_timeout;
    timeout = timeout != 0 ? timeout : 120 * HP_S;
    hp_time lifetime = nat->max_lifetime != 0 ? MIN(timeout, nat->max_lifetime) : timeout;
    hp_time nearest = (lifetime + step / 2) / step * step;
    ret->lifetime_open = nearest > longest;
    ret->lifetime = ret->lifetime_open ? longest : nearest;
    ret->known |= HP_NAT_TEST_LIFETIME;
    if (!ret->lifetime_open && ret->lifetime != 0) {
        bool absolute = nat->max_lifetime != 0 && nat->max_lifetime < lifetime / 5 * 6;
        ret->refreshed_by_outbound = !absolute && nat->refresh != HP_NAT_REFRESH_INBOUND;
        ret->refreshed_by_inbound = !absolute && nat->refresh != HP_NAT_REFRESH_OUTBOUND;
        ret->known |= HP_NAT_TEST_REFRESH;
    }
}

void hp_nat_discovery_expect(const hp_nat_config *nat, const hp_nat_discovery_config *config, uint16_t alternate_port,
                             hp_nat_discovery_result *ret)
{
    *ret = (hp_nat_discovery_result){.status = HP_NAT_DISCOVERY_DONE};
    if (is_blocked(nat, config->server.port)) {
        ret->status = HP_NAT_DISCOVERY_BLOCKED;
        ret->icmp = nat->answers_blocked ? HP_ICMP_ADMIN_PROHIBITED : HP_ICMP_NONE;
        return;
    }
    ret->natted = true;
    ret->mapping = mapping_seen(nat);
    if (ret->mapping == HP_NAT_ENDPOINT_INDEPENDENT || !is_blocked(nat, alternate_port)) {
        ret->known |= HP_NAT_TEST_MAPPING;
    }
    ret->filtering = nat->filtering;
    ret->known |= HP_NAT_TEST_FILTERING;
    expect_ports(nat, ret);
    expect_hairpin(nat, ret);
    ret->fragments = nat->fragments == HP_NAT_FRAGMENTS_DROP ? HP_NAT_PASSAGE_NONE : HP_NAT_PASSAGE_BOTH;
    ret->known |= HP_NAT_TEST_FRAGMENTS;
    expect_lifetime(nat, config, ret);
    ret->known &= config->tests != 0 ? config->tests : HP_NAT_TEST_ALL;
}

uint32_t hp_nat_discovery_difference(const hp_nat_discovery_result *a, const hp_nat_discovery_result *b)
{
    uint32_t different = 0;
    if (a->status != b->status || a->icmp != b->icmp) {
        return HP_NAT_TEST_ALL;
    }
    if (a->mapping != b->mapping) {
        different |= HP_NAT_TEST_MAPPING;
    }
    if (a->filtering != b->filtering) {
        different |= HP_NAT_TEST_FILTERING;
    }
    if (a->ports != b->ports || a->parity != b->parity || a->contiguity != b->contiguity || a->pooling != b->pooling) {
        different |= HP_NAT_TEST_PORTS;
    }
    if (a->hairpin != b->hairpin || a->hairpin_filtered != b->hairpin_filtered) {
        different |= HP_NAT_TEST_HAIRPIN;
    }
    if (a->fragments != b->fragments) {
        different |= HP_NAT_TEST_FRAGMENTS;
    }
    if (a->lifetime != b->lifetime || a->lifetime_open != b->lifetime_open) {
        different |= HP_NAT_TEST_LIFETIME;
    }
    if (a->refreshed_by_outbound != b->refreshed_by_outbound || a->refreshed_by_inbound != b->refreshed_by_inbound) {
        different |= HP_NAT_TEST_REFRESH;
    }
    return different & a->known & b->known;
}
