/* Every knob can be seen: a NAT with one knob turned is observed to be what its own knobs declare, and not what those
 * of the unturned one do. So neither half of a certificate can overlook a knob, and no knob is without effect.
 *
 * Each knob is turned on a NAT where it matters (a quarantine's limit needs a quarantine). What cannot be told apart
 * from outside has a table of its own, with the reason. */
#include "certify/subject.h"

#include "wire/dns64.h"

typedef void turn_func(hp_nat_config *c);

static hp_port_range sip[] = {{5060, 5061}};

/* What the knob needs beside it, and the knob. */
#define TURN(name, base, knob)                                                                                         \
    static void base_##name(hp_nat_config *c)                                                                          \
    {                                                                                                                  \
        base;                                                                                                          \
    }                                                                                                                  \
    static void turn_##name(hp_nat_config *c)                                                                          \
    {                                                                                                                  \
        c->knob;                                                                                                       \
    }

#define QUICK                                                                                                          \
    c->port_range = (hp_port_range)                                                                                    \
    {                                                                                                                  \
        50000, 50999                                                                                                   \
    }
#define SYMMETRIC_QUICK                                                                                                \
    (c->mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, c->ports = HP_NAT_PORTS_RANDOM,                                   \
     c->port_range = (hp_port_range){50000, 50999})
#define BLOCKS (c->ports = HP_NAT_PORTS_RANDOM, c->port_block = 64, c->hairpin = HP_NAT_HAIRPIN_NONE)
#define LIMITED (c->max_mappings_per_host = 20)
#define OPEN_TO_ALL (c->filtering = HP_NAT_ENDPOINT_INDEPENDENT)
#define HAIRPINS (c->hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE)
#define NOTHING (void)0

TURN(mapping, NOTHING, mapping = HP_NAT_ADDRESS_DEPENDENT)
TURN(filtering, NOTHING, filtering = HP_NAT_ADDRESS_DEPENDENT)
TURN(ports, QUICK, ports = HP_NAT_PORTS_SEQUENTIAL)
TURN(overload, c->mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, overload = true)
TURN(overload_at_random, SYMMETRIC_QUICK, overload = true)
TURN(port_parity, NOTHING, port_parity = true)
TURN(port_contiguity, NOTHING, port_contiguity = true)
TURN(well_known_apart, NOTHING, well_known_apart = true)
TURN(collision, NOTHING, collision = HP_NAT_COLLISION_RANDOM)
TURN(collision_refuse, c->port_range = ((hp_port_range){1, 65535}), collision = HP_NAT_COLLISION_REFUSE)
TURN(port_range, NOTHING, port_range = ((hp_port_range){30000, 60000}))
TURN(port_block, c->ports = HP_NAT_PORTS_RANDOM, port_block = 64)
TURN(port_blocks_per_host, BLOCKS, port_blocks_per_host = 2)
TURN(port_blocks, BLOCKS, port_blocks = HP_NAT_BLOCKS_DYNAMIC)
TURN(port_blocks_fixed, BLOCKS, port_blocks = HP_NAT_BLOCKS_DETERMINISTIC)
TURN(port_quarantine, NOTHING, port_quarantine = 90 * HP_S)
TURN(port_quarantine_of_blocks, BLOCKS, port_quarantine = 90 * HP_S)
TURN(port_quarantine_tcp, c->port_quarantine = 90 * HP_S, port_quarantine_tcp = true)
TURN(port_quarantine_max, c->port_quarantine = 90 * HP_S, port_quarantine_max = 30)
TURN(pool, NOTHING, pool = 3)
TURN(pooling, c->pool = 2, pooling = HP_NAT_ARBITRARY)
TURN(hairpin, NOTHING, hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE)
TURN(hairpin_internal, HAIRPINS, hairpin = HP_NAT_HAIRPIN_INTERNAL_SOURCE)
TURN(hairpin_filtered, HAIRPINS, hairpin_filtered = true)
TURN(hairpin_drops_first, HAIRPINS, hairpin_drops_first = true)
TURN(udp_timeout, NOTHING, udp_timeout = 119 * HP_S)
TURN(udp_unreplied_timeout, NOTHING, udp_unreplied_timeout = 31 * HP_S)
TURN(udp_well_known_timeout, NOTHING, udp_well_known_timeout = 61 * HP_S)
TURN(icmp_timeout, NOTHING, icmp_timeout = 61 * HP_S)
TURN(refresh, NOTHING, refresh = HP_NAT_REFRESH_INBOUND)
TURN(refresh_both, NOTHING, refresh = HP_NAT_REFRESH_BOTH)
TURN(max_lifetime, NOTHING, max_lifetime = 1001 * HP_S)
TURN(max_lifetime_below_timer, NOTHING, max_lifetime = 100 * HP_S)
TURN(max_mappings, NOTHING, max_mappings = 200)
TURN(max_mappings_per_host, NOTHING, max_mappings_per_host = 200)
TURN(max_udp_per_host, NOTHING, max_udp_per_host = 200)
TURN(max_tcp_per_host, NOTHING, max_tcp_per_host = 200)
TURN(max_icmp_per_host, NOTHING, max_icmp_per_host = 200)
TURN(max_sessions_per_mapping, NOTHING, max_sessions_per_mapping = 100)
TURN(eviction, LIMITED, eviction = HP_NAT_EVICT_OLDEST)
TURN(eviction_least_recent, (LIMITED, c->eviction = HP_NAT_EVICT_OLDEST), eviction = HP_NAT_EVICT_LEAST_RECENT)
TURN(inbound_first, NOTHING, inbound_first = true)
TURN(unsolicited, NOTHING, unsolicited = HP_NAT_UNSOLICITED_ICMP)
TURN(icmp_errors, NOTHING, icmp_errors = false)
TURN(icmp_error_ends_mapping, NOTHING, icmp_error_ends_mapping = true)
TURN(icmp_unreachable_ends_mapping, NOTHING, icmp_unreachable_ends_mapping = true)
TURN(icmp_inner_untranslated, NOTHING, icmp_inner_untranslated = true)
TURN(fragments, NOTHING, fragments = HP_NAT_FRAGMENTS_IN_ORDER)
TURN(fragments_drop, NOTHING, fragments = HP_NAT_FRAGMENTS_DROP)
TURN(fragments_reassemble, NOTHING, fragments = HP_NAT_FRAGMENTS_REASSEMBLE)
TURN(block_udp, NOTHING, block_udp = true)
TURN(block_tcp, NOTHING, block_tcp = true)
TURN(blocked, c->n_blocked = 1, blocked = sip)
TURN(n_blocked, c->blocked = sip, n_blocked = 1)
TURN(answers_blocked, c->block_udp = true, answers_blocked = true)
TURN(answers_limit, LIMITED, answers_blocked = true)
TURN(answers_ping, NOTHING, answers_ping = true)
TURN(ipv6, NOTHING, ipv6 = HP_NAT_IPV6_ROUTE)
TURN(ipv6_prefix, NOTHING, ipv6 = HP_NAT_IPV6_PREFIX)
TURN(nat64, NOTHING, nat64 = true)
TURN(nat64_prefix, c->nat64 = true, nat64_prefix = hp_dns64_well_known(); c->nat64_prefix.base.ip[11] = 1)
TURN(icmp_mapping, NOTHING, icmp_mapping = HP_NAT_OWN_ADDRESS_DEPENDENT)
TURN(icmp_filtering, NOTHING, icmp_filtering = HP_NAT_OWN_ENDPOINT_INDEPENDENT)
TURN(icmp_ports, NOTHING, icmp_ports = HP_NAT_OWN_PORTS_RANDOM)
TURN(tcp_mapping, NOTHING, tcp_mapping = HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT)
TURN(tcp_filtering, NOTHING, tcp_filtering = HP_NAT_OWN_CONNECTION_DEPENDENT)
TURN(tcp_filtering_open, NOTHING, tcp_filtering = HP_NAT_OWN_ENDPOINT_INDEPENDENT)
TURN(tcp_ports, NOTHING, tcp_ports = HP_NAT_OWN_PORTS_SEQUENTIAL)
TURN(tcp_overload, c->mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, tcp_overload = HP_NAT_CHOICE_YES)
TURN(tcp_port_parity, NOTHING, tcp_port_parity = HP_NAT_CHOICE_YES)
TURN(tcp_hairpin, HAIRPINS, tcp_hairpin = HP_NAT_OWN_HAIRPIN_NONE)
TURN(tcp_unsolicited_syn, NOTHING, tcp_unsolicited_syn = HP_NAT_SYN_HOLD)
TURN(tcp_unsolicited_syn_rst, NOTHING, tcp_unsolicited_syn = HP_NAT_SYN_RST)
TURN(tcp_hold_timeout, c->tcp_unsolicited_syn = HP_NAT_SYN_HOLD, tcp_hold_timeout = 7 * HP_S)
TURN(tcp_stray, NOTHING, tcp_stray = HP_NAT_STRAY_RST)
TURN(tcp_stray_pick_up, NOTHING, tcp_stray = HP_NAT_STRAY_PICK_UP)
TURN(tcp_rst, NOTHING, tcp_rst = HP_NAT_RST_REMOVE)
TURN(tcp_rst_ignore, NOTHING, tcp_rst = HP_NAT_RST_IGNORE)
TURN(tcp_rst_unchecked, NOTHING, tcp_rst_unchecked = true)
TURN(tcp_rst_unanswered_removes, NOTHING, tcp_rst_unanswered_removes = true)
TURN(tcp_refresh, NOTHING, tcp_refresh = HP_NAT_TCP_REFRESH_OUTBOUND)
TURN(tcp_refresh_inbound, NOTHING, tcp_refresh = HP_NAT_TCP_REFRESH_INBOUND)
TURN(tcp_opening_timeout, NOTHING, tcp_opening_timeout = 239 * HP_S)
TURN(tcp_handshake_timeout, NOTHING, tcp_handshake_timeout = 239 * HP_S)
TURN(tcp_picked_up_timeout, c->tcp_stray = HP_NAT_STRAY_PICK_UP, tcp_picked_up_timeout = 239 * HP_S)
TURN(tcp_established_timeout, NOTHING, tcp_established_timeout = 5 * 86400 * HP_S)
TURN(tcp_fin_timeout, NOTHING, tcp_fin_timeout = 239 * HP_S)
TURN(tcp_half_closed_timeout, NOTHING, tcp_half_closed_timeout = 239 * HP_S)
TURN(tcp_closing_timeout, NOTHING, tcp_closing_timeout = 239 * HP_S)
TURN(tcp_time_wait_timeout, NOTHING, tcp_time_wait_timeout = 239 * HP_S)
TURN(tcp_reset_timeout, NOTHING, tcp_reset_timeout = 239 * HP_S)

typedef struct knob_turn {
    const char *name;
    size_t offset, size; /* of the knob */
    turn_func *base, *turn;
    hp_property property; /* on which it shows, among others perhaps */
} knob_turn;

#define SIZE_OF(knob) sizeof(((hp_nat_config *)NULL)->knob)
#define AT(knob, name, shows)                                                                                          \
    {                                                                                                                  \
#name, offsetof(hp_nat_config, knob), SIZE_OF(knob), base_##name, turn_##name, HP_PROP_##shows                 \
    }
#define KNOB(knob, shows) AT(knob, knob, shows)

static const knob_turn turns[] = {
    KNOB(mapping, UDP_MAPPING),
    KNOB(filtering, UDP_FILTERING),
    KNOB(ports, UDP_PORTS),
    KNOB(overload, UDP_OVERLOAD),
    AT(overload, overload_at_random, UDP_OVERLOAD),
    KNOB(port_parity, UDP_PARITY),
    KNOB(port_contiguity, UDP_CONTIGUITY),
    KNOB(well_known_apart, UDP_WELL_KNOWN_PORTS),
    KNOB(collision, UDP_COLLISION),
    AT(collision, collision_refuse, UDP_COLLISION),
    KNOB(port_range, UDP_PORT_RANGE),
    KNOB(port_block, PORT_BLOCKS),
    KNOB(port_blocks_per_host, PORT_BLOCKS),
    KNOB(port_blocks, PORT_BLOCK_CHOICE),
    AT(port_blocks, port_blocks_fixed, PORT_BLOCK_CHOICE),
    KNOB(port_quarantine, UDP_QUARANTINE),
    AT(port_quarantine, port_quarantine_of_blocks, UDP_QUARANTINE),
    KNOB(port_quarantine_tcp, TCP_QUARANTINE),
    KNOB(port_quarantine_max, QUARANTINE_MAX),
    KNOB(pool, POOL),
    KNOB(pooling, POOLING),
    KNOB(hairpin, UDP_HAIRPIN),
    AT(hairpin, hairpin_internal, UDP_HAIRPIN),
    KNOB(hairpin_filtered, HAIRPIN_FILTER),
    KNOB(hairpin_drops_first, HAIRPIN_FIRST),
    KNOB(udp_timeout, UDP_TIMER),
    KNOB(udp_unreplied_timeout, UDP_TIMER_UNREPLIED),
    KNOB(udp_well_known_timeout, UDP_TIMER_WELL_KNOWN),
    KNOB(icmp_timeout, ICMP_TIMER),
    KNOB(refresh, UDP_REFRESH),
    AT(refresh, refresh_both, UDP_REFRESH),
    KNOB(max_lifetime, UDP_LIFETIME),
    AT(max_lifetime, max_lifetime_below_timer, UDP_TIMER),
    KNOB(max_mappings, TABLE_LIMIT),
    KNOB(max_mappings_per_host, HOST_LIMIT),
    KNOB(max_udp_per_host, UDP_LIMIT),
    KNOB(max_tcp_per_host, TCP_LIMIT),
    KNOB(max_icmp_per_host, ICMP_LIMIT),
    KNOB(max_sessions_per_mapping, REMOTES_LIMIT),
    KNOB(eviction, EVICTION),
    AT(eviction, eviction_least_recent, EVICTION),
    KNOB(inbound_first, INBOUND_FIRST),
    KNOB(unsolicited, UDP_UNSOLICITED),
    KNOB(icmp_errors, ICMP_ERRORS_IN),
    KNOB(icmp_error_ends_mapping, ICMP_ERRORS_END),
    KNOB(icmp_unreachable_ends_mapping, ICMP_ERRORS_END),
    KNOB(icmp_inner_untranslated, ICMP_ERRORS_QUOTE),
    KNOB(fragments, FRAGMENTS_IN),
    AT(fragments, fragments_drop, FRAGMENTS_OUT),
    AT(fragments, fragments_reassemble, FRAGMENTS_OUT),
    KNOB(block_udp, UDP_LEAVES),
    KNOB(block_tcp, TCP_LEAVES),
    KNOB(blocked, UDP_LEAVES),
    KNOB(n_blocked, TCP_LEAVES),
    KNOB(answers_blocked, BLOCKED_ANSWER),
    AT(answers_blocked, answers_limit, LIMIT_ANSWER),
    KNOB(answers_ping, PING),
    KNOB(ipv6, IPV6),
    AT(ipv6, ipv6_prefix, IPV6),
    KNOB(nat64, NAT64),
    KNOB(nat64_prefix, NAT64),
    KNOB(icmp_mapping, ICMP_MAPPING),
    KNOB(icmp_filtering, ICMP_FILTERING),
    KNOB(icmp_ports, ICMP_IDS),
    KNOB(tcp_mapping, TCP_MAPPING),
    KNOB(tcp_filtering, TCP_FILTERING),
    AT(tcp_filtering, tcp_filtering_open, TCP_FILTERING),
    KNOB(tcp_ports, TCP_PORTS),
    KNOB(tcp_overload, TCP_OVERLOAD),
    KNOB(tcp_port_parity, TCP_PARITY),
    KNOB(tcp_hairpin, TCP_HAIRPIN),
    KNOB(tcp_unsolicited_syn, TCP_SYN),
    AT(tcp_unsolicited_syn, tcp_unsolicited_syn_rst, TCP_SYN),
    KNOB(tcp_hold_timeout, TCP_SYN),
    KNOB(tcp_stray, TCP_STRAY),
    AT(tcp_stray, tcp_stray_pick_up, TCP_STRAY),
    KNOB(tcp_rst, TCP_RST),
    AT(tcp_rst, tcp_rst_ignore, TCP_RST),
    KNOB(tcp_rst_unchecked, TCP_RST_CHECK),
    KNOB(tcp_rst_unanswered_removes, TCP_RST_UNANSWERED),
    KNOB(tcp_refresh, TCP_REFRESH),
    AT(tcp_refresh, tcp_refresh_inbound, TCP_REFRESH),
    KNOB(tcp_opening_timeout, TCP_TIMER_OPENING),
    KNOB(tcp_handshake_timeout, TCP_TIMER_HANDSHAKE),
    KNOB(tcp_picked_up_timeout, TCP_TIMER_PICKED_UP),
    KNOB(tcp_established_timeout, TCP_TIMER_ESTABLISHED),
    KNOB(tcp_fin_timeout, TCP_TIMER_FIN),
    KNOB(tcp_half_closed_timeout, TCP_TIMER_HALF_CLOSED),
    KNOB(tcp_closing_timeout, TCP_TIMER_CLOSING),
    KNOB(tcp_time_wait_timeout, TCP_TIMER_TIME_WAIT),
    KNOB(tcp_reset_timeout, TCP_RST),
};

static hp_nat_config config_of(const knob_turn *t, bool turned)
{
    hp_nat_config c = hp_nat_config_default();
    t->base(&c);
    if (turned)
        t->turn(&c);
    return c;
}

static void every_turn_shows(void **state)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(turns); i++) {
        hp_nat_config before = config_of(&turns[i], false), after = config_of(&turns[i], true);
        g_autoptr(hp_certificate) unturned = declare(&before, NULL);
        g_autoptr(hp_certificate) declared = declare(&after, NULL);
        g_autoptr(hp_certificate) observed = observe(&after, NULL, 1, HP_AF_IPV4);
        assert_certified(turns[i].name, observed, declared);
        if (!differs_on(observed, unturned, turns[i].property))
            fail_msg("%s was turned, and %s did not show it", turns[i].name, hp_property_get(turns[i].property)->key);
    }
}

/* The bases themselves are certified, so that what shows is the knob. */
static void every_base_is_certified(void **state)
{
    GPtrArray *seen = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < G_N_ELEMENTS(turns); i++) {
        hp_nat_config c = config_of(&turns[i], false);
        bool known = false;
        for (unsigned k = 0; k < seen->len && !known; k++)
            known = memcmp(seen->pdata[k], &c, sizeof c) == 0;
        if (known)
            continue;
        g_ptr_array_add(seen, g_memdup2(&c, sizeof c));
        g_autoptr(hp_certificate) declared = declare(&c, NULL);
        g_autoptr(hp_certificate) observed = observe(&c, NULL, 1, HP_AF_IPV4);
        g_autofree char *name = g_strdup_printf("what %s starts from", turns[i].name);
        assert_certified(name, observed, declared);
    }
    g_ptr_array_unref(seen);
}

/* No knob is left out: what is turned leaves nothing between that is larger than padding. */
static void no_knob_is_missing(void **state)
{
    size_t end_of[sizeof(hp_nat_config)] = {0}, end = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(turns); i++) {
        hp_nat_config before = config_of(&turns[i], false), after = before;
        turns[i].turn(&after);
        assert_memory_not_equal((const char *)&before + turns[i].offset, (const char *)&after + turns[i].offset,
                                turns[i].size);
        end_of[turns[i].offset] = turns[i].offset + turns[i].size;
    }
    for (size_t at = 0; at < sizeof(hp_nat_config); at++) {
        if (end_of[at] == 0)
            continue;
        if (at - end >= sizeof(hp_time))
            fail_msg("no knob between the offsets %zu and %zu is turned", end, at);
        end = end_of[at];
    }
    assert_true(sizeof(hp_nat_config) - end < sizeof(hp_time));
}

/* ---- what cannot be seen ---- */

TURN(unseen_icmp_filter, c->icmp_filtering = HP_NAT_OWN_ADDRESS_DEPENDENT,
     icmp_filtering = HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT)
TURN(unseen_icmp_mapping, c->icmp_mapping = HP_NAT_OWN_ADDRESS_DEPENDENT,
     icmp_mapping = HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT)
TURN(unseen_overload, NOTHING, overload = true)
TURN(unseen_collision, c->ports = HP_NAT_PORTS_RANDOM; QUICK, collision = HP_NAT_COLLISION_REFUSE)
TURN(unseen_pooling, NOTHING, pooling = HP_NAT_ARBITRARY)
TURN(unseen_eviction, NOTHING, eviction = HP_NAT_EVICT_OLDEST)
TURN(unseen_hairpin_filter, NOTHING, hairpin_filtered = true)
TURN(unseen_first, HAIRPINS; c->hairpin_filtered = true, hairpin_drops_first = true)
TURN(unseen_hold, NOTHING, tcp_hold_timeout = 9 * HP_S)
TURN(unseen_picked_up, NOTHING, tcp_picked_up_timeout = 9 * HP_S)
TURN(unseen_reset, c->tcp_rst = HP_NAT_RST_REMOVE, tcp_reset_timeout = 9 * HP_S)
TURN(unseen_check, c->tcp_rst = HP_NAT_RST_IGNORE, tcp_rst_unchecked = true)
TURN(unseen_blocks, NOTHING, port_blocks_per_host = 3)
TURN(unseen_max_waiting, NOTHING, port_quarantine_max = 3)
TURN(unseen_answers, NOTHING, answers_blocked = true)
TURN(unseen_remotes, OPEN_TO_ALL, max_sessions_per_mapping = 100)

static const struct {
    turn_func *base, *turn;
    const char *why;
} unseen[] = {
    {base_unseen_icmp_filter, turn_unseen_icmp_filter, "a query's remote has no port to depend on"},
    {base_unseen_icmp_mapping, turn_unseen_icmp_mapping, "the same"},
    {base_unseen_overload, turn_unseen_overload, "an endpoint with one mapping for all remotes shares no port"},
    {base_unseen_collision, turn_unseen_collision, "no port is wished for, so none collides"},
    {base_unseen_pooling, turn_unseen_pooling, "there is one address"},
    {base_unseen_eviction, turn_unseen_eviction, "no limit is near"},
    {base_unseen_hairpin_filter, turn_unseen_hairpin_filter, "nothing hairpins"},
    {base_unseen_first, turn_unseen_first, "the filter has dropped the first packet already"},
    {base_unseen_hold, turn_unseen_hold, "no SYN is held"},
    {base_unseen_picked_up, turn_unseen_picked_up, "nothing is picked up"},
    {base_unseen_reset, turn_unseen_reset, "a RST ends the connection at once"},
    {base_unseen_check, turn_unseen_check, "no RST counts"},
    {base_unseen_blocks, turn_unseen_blocks, "there are no blocks"},
    {base_unseen_max_waiting, turn_unseen_max_waiting, "no port waits"},
    {base_unseen_answers, turn_unseen_answers, "nothing is blocked or refused"},
    {base_unseen_remotes, turn_unseen_remotes, "nobody is filtered, so nobody need be remembered"},
};

static void these_cannot_be_seen(void **state)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(unseen); i++) {
        hp_nat_config before = hp_nat_config_default(), after;
        unseen[i].base(&before);
        after = before;
        unseen[i].turn(&after);
        assert_memory_not_equal(&before, &after, sizeof before);
        g_autoptr(hp_certificate) declared = declare(&before, NULL);
        g_autoptr(hp_certificate) observed = observe(&after, NULL, 1, HP_AF_IPV4);
        assert_certified(unseen[i].why, observed, declared);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_knob_is_missing),
        cmocka_unit_test(every_turn_shows),
        cmocka_unit_test(every_base_is_certified),
        cmocka_unit_test(these_cannot_be_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
