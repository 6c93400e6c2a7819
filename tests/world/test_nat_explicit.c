/* Explicit mappings of a NAT: filtering, ports, lifetimes, who holds them (world/nat_explicit.h). */
#include "world/nat_rig.h"

#include "world/nat_explicit.h"

static hp_nat_config symmetric(void)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    return c;
}

static hp_nat_map_request request(uint8_t proto, const char *internal, uint16_t port)
{
    return (hp_nat_map_request){.proto = proto, .internal = addr(internal), .external = {.port = port}};
}

static const char *map_as(rig *r, const hp_nat_map_request *q)
{
    static const char *const names[] = {[HP_NAT_MAP_NOT_INSIDE] = "not-inside", [HP_NAT_MAP_NO_ADDRESS] = "no-address",
                                        [HP_NAT_MAP_TAKEN] = "taken",           [HP_NAT_MAP_NO_PORT] = "no-port",
                                        [HP_NAT_MAP_TABLE_FULL] = "table-full", [HP_NAT_MAP_HOST_FULL] = "host-full"};
    hp_addr external = {0};
    hp_nat_map_outcome outcome = hp_nat_map(r->nat, q, &external);
    if (outcome != HP_NAT_MAP_OK) {
        assert_int_equal(external.family, HP_AF_NONE); /* left alone */
        return names[outcome];
    }
    return hp_addr_format(&external, r->text);
}

static const char *map_udp(rig *r, const char *internal, uint16_t port)
{
    hp_nat_map_request q = request(HP_PROTO_UDP, internal, port);
    return map_as(r, &q);
}

static void unmap(rig *r, uint8_t proto, const char *internal, const char *remote)
{
    hp_addr from = addr(internal), to = {0};
    if (remote)
        to = addr(remote);
    hp_nat_unmap(r->nat, proto, &from, &to);
}

#define INSIDE "10.0.0.2:5000"
#define OTHER "10.0.0.3:5000"
#define SERVER "203.0.113.1:3478"
#define STRANGER "198.51.100.9:777"

/* ---- who may send ---- */

static void anybody_may_send(void **state)
{
    hp_nat_config c = symmetric();
    g_autoptr(rig) r = rig_new(&c);

    assert_out(r, INSIDE, SERVER, "192.0.2.1:1024");
    assert_in(r, STRANGER, "192.0.2.1:1024", "-");
    assert_string_equal(map_udp(r, INSIDE, 7000), "192.0.2.1:7000");
    assert_in(r, STRANGER, "192.0.2.1:7000", INSIDE);
    /* What has a mapping of its own keeps it; everything else leaves by the explicit one. */
    assert_out(r, INSIDE, SERVER, "192.0.2.1:1024");
    assert_out(r, INSIDE, STRANGER, "192.0.2.1:7000");
    assert_out(r, INSIDE, "198.51.100.10:1", "192.0.2.1:7000");
    /* Another endpoint has nothing of it. */
    assert_out(r, OTHER, STRANGER, "192.0.2.1:1025");
}

static void filters_let_in_whom_they_name(void **state)
{
    hp_nat_config c = symmetric();
    c.filtering = HP_NAT_ENDPOINT_INDEPENDENT; /* the strictest test: without filters everybody would be in */
    g_autoptr(rig) r = rig_new(&c);
    hp_addr internal = addr(INSIDE), none = {0};
    hp_nat_map_filter filters[2] = {{.port = 0}, {.port = 9}};
    assert_true(hp_prefix_parse("198.51.100.0/28", &filters[0].prefix));
    assert_true(hp_prefix_parse("198.51.100.99/32", &filters[1].prefix));

    assert_string_equal(map_udp(r, INSIDE, 7000), "192.0.2.1:7000");
    hp_nat_map_set_filters(r->nat, HP_PROTO_UDP, &internal, &none, filters, 2);
    assert_in(r, "198.51.100.15:1", "192.0.2.1:7000", INSIDE);
    assert_in(r, "198.51.100.16:1", "192.0.2.1:7000", "-");
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    assert_in(r, "198.51.100.99:9", "192.0.2.1:7000", INSIDE);
    assert_in(r, "198.51.100.99:10", "192.0.2.1:7000", "-");
    /* And whom the host itself has sent to, by address and port. */
    assert_in(r, "198.51.100.200:5", "192.0.2.1:7000", "-");
    assert_out(r, INSIDE, "198.51.100.200:5", "192.0.2.1:7000");
    assert_in(r, "198.51.100.200:5", "192.0.2.1:7000", INSIDE);
    assert_in(r, "198.51.100.200:6", "192.0.2.1:7000", "-");
    hp_nat_map_set_filters(r->nat, HP_PROTO_UDP, &internal, &none, NULL, 0);
    assert_in(r, "198.51.100.200:6", "192.0.2.1:7000", INSIDE);
}

static void one_remote_host(void **state)
{
    hp_nat_config c = symmetric();
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_UDP, INSIDE, 7000);
    q.remote = hp_addr_with_port(addr(STRANGER), 0);

    assert_string_equal(map_as(r, &q), "192.0.2.1:7000");
    assert_in(r, STRANGER, "192.0.2.1:7000", INSIDE);
    assert_in(r, "198.51.100.9:1", "192.0.2.1:7000", INSIDE); /* whatever its port */
    assert_in(r, "198.51.100.8:777", "192.0.2.1:7000", "-");
    /* A grant for a second one holds the same mapping. */
    q.remote = hp_addr_with_port(addr("198.51.100.8:1"), 0);
    q.exact = true;
    assert_string_equal(map_as(r, &q), "192.0.2.1:7000");
    assert_in(r, "198.51.100.8:777", "192.0.2.1:7000", INSIDE);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
    unmap(r, HP_PROTO_UDP, INSIDE, "198.51.100.9");
    assert_in(r, STRANGER, "192.0.2.1:7000", "-");
    assert_in(r, "198.51.100.8:777", "192.0.2.1:7000", INSIDE);
    unmap(r, HP_PROTO_UDP, INSIDE, "198.51.100.8");
    assert_ended(r, 0, "unmapped", 0);
    /* Another host cannot share the port, not even for another remote. */
    assert_string_equal(map_as(r, &q), "192.0.2.1:7000");
    q.internal = addr(OTHER);
    q.remote = hp_addr_with_port(addr("198.51.100.7:1"), 0);
    assert_string_equal(map_as(r, &q), "taken");
}

/* PEER: as a packet to that remote would have made it. */
static void peer_is_filtered_as_ever(void **state)
{
    hp_nat_config c = symmetric();
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_UDP, INSIDE, 0);
    q.remote = addr(SERVER);

    assert_string_equal(map_as(r, &q), "192.0.2.1:1024");
    assert_in(r, SERVER, "192.0.2.1:1024", INSIDE);
    assert_in(r, STRANGER, "192.0.2.1:1024", "-");
    assert_out(r, INSIDE, SERVER, "192.0.2.1:1024");
    assert_out(r, INSIDE, STRANGER, "192.0.2.1:1025"); /* its own mapping */
    rig_until(r, 1000 * HP_S);
    assert_in(r, SERVER, "192.0.2.1:1024", INSIDE); /* held far beyond its timeout */
    unmap(r, HP_PROTO_UDP, INSIDE, SERVER);
    /* The packet is no refresh where outbound ones alone are: the last was at 0. */
    rig_until(r, 1000 * HP_S);
    assert_ended(r, 1000 * HP_S, "expired", 1000 * HP_S);
}

/* ---- lifetimes ---- */

static void never_idles_out(void **state)
{
    hp_nat_config c = symmetric();
    c.max_lifetime = 600 * HP_S;
    g_autoptr(rig) r = rig_new(&c);

    map_udp(r, INSIDE, 7000);
    rig_until(r, 5000 * HP_S);
    assert_in(r, STRANGER, "192.0.2.1:7000", INSIDE);
    /* Others do, beside it: the oldest in the table is no longer the first to go. */
    assert_out(r, OTHER, SERVER, "192.0.2.1:1024");
    for (hp_time t = 5100 * HP_S; t < 5600 * HP_S; t += 100 * HP_S) {
        rig_until(r, t);
        rig_out(r, OTHER, SERVER);
    }
    rig_until(r, 5600 * HP_S);
    assert_ended(r, 5600 * HP_S, "lifetime", 600 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
}

static void goes_on_where_traffic_holds_it(void **state)
{
    hp_nat_config c = symmetric();
    g_autoptr(rig) r = rig_new(&c);

    map_udp(r, INSIDE, 7000);
    rig_until(r, 50 * HP_S);
    assert_out(r, INSIDE, SERVER, "192.0.2.1:7000");
    rig_until(r, 60 * HP_S);
    unmap(r, HP_PROTO_UDP, INSIDE, NULL);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING_ENDED), 0);
    /* The flow under way is not torn; but it is a mapping like others now. */
    assert_in(r, STRANGER, "192.0.2.1:7000", "-");
    assert_in(r, SERVER, "192.0.2.1:7000", INSIDE);
    assert_out(r, INSIDE, STRANGER, "192.0.2.1:1024");
    rig_until(r, 300 * HP_S);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING_ENDED), 2);
    hp_record record;
    hp_trace_cursor cursor = {0};
    while (hp_trace_next(r->trace, &cursor, &record) &&
           (record.type != HP_RECORD_EVENT || record.event.kind != HP_EV_NAT_MAPPING_ENDED)) {
    }
    assert_int_equal(record.at, 170 * HP_S); /* 120 s after its last outbound packet */
    assert_string_equal(hp_record_text(&record, "reason"), "expired");
}

static void ends_when_given_up_unused(void **state)
{
    hp_nat_config c = symmetric();
    g_autoptr(rig) r = rig_new(&c);

    map_udp(r, INSIDE, 7000);
    assert_in(r, STRANGER, "192.0.2.1:7000", INSIDE); /* what comes in alone is no use of it */
    rig_until(r, 3 * HP_S);
    unmap(r, HP_PROTO_UDP, INSIDE, NULL);
    assert_ended(r, 3 * HP_S, "unmapped", 3 * HP_S);
    assert_in(r, STRANGER, "192.0.2.1:7000", "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    unmap(r, HP_PROTO_UDP, INSIDE, NULL); /* no matter */
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING_ENDED), 1);
}

static void a_reboot_ends_it(void **state)
{
    hp_nat_config c = symmetric();
    g_autoptr(rig) r = rig_new(&c);
    hp_addr renewed = addr("192.0.2.9");

    map_udp(r, INSIDE, 7000);
    hp_nat_reboot(r->nat);
    assert_ended(r, 0, "reboot", 0);
    assert_in(r, STRANGER, "192.0.2.1:7000", "-");
    assert_string_equal(map_udp(r, INSIDE, 7000), "192.0.2.1:7000"); /* nothing is left of the old grant */
    hp_nat_renumber(r->nat, &renewed, 1);
    assert_ended(r, 0, "renumber", 0);
    assert_string_equal(map_udp(r, INSIDE, 7000), "192.0.2.9:7000");
}

static void icmp_does_not_end_it(void **state)
{
    hp_nat_config c = symmetric();
    c.icmp_error_ends_mapping = true;
    g_autoptr(rig) r = rig_new(&c);

    map_udp(r, INSIDE, 7000);
    rig_give(r, HP_NAT_INSIDE, udp(INSIDE, SERVER));
    hp_addr from = addr("203.0.113.1");
    hp_packet *error = hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &from, rig_got(r, HP_NAT_OUTSIDE), 0);
    rig_give(r, HP_NAT_OUTSIDE, error);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING_ENDED), 0);
    rig_got(r, HP_NAT_INSIDE);
    assert_in(r, STRANGER, "192.0.2.1:7000", INSIDE);
}

/* ---- ports ---- */

static void wishes_and_what_becomes_of_them(void **state)
{
    hp_nat_config c = hp_nat_config_default(); /* endpoint-independent, preserving */
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_UDP, OTHER, 80);

    assert_string_equal(map_as(r, &q), "192.0.2.1:80"); /* a port that assignment would never draw */
    q.internal = addr("10.0.0.4:6000");
    assert_string_equal(map_as(r, &q), "192.0.2.1:6000"); /* taken: what the NAT would choose */
    q.internal = addr("10.0.0.4:6001");
    q.exact = true;
    assert_string_equal(map_as(r, &q), "taken");
    q.external.port = 81;
    q.external = hp_addr_with_port(addr("192.0.2.77"), 81); /* not an address of the NAT's */
    assert_string_equal(map_as(r, &q), "taken");
    q.exact = false;
    assert_string_equal(map_as(r, &q), "192.0.2.1:81"); /* rather another address than another port */
    /* TCP's ports are others. */
    q = request(HP_PROTO_TCP, "10.0.0.4:6002", 80);
    assert_string_equal(map_as(r, &q), "192.0.2.1:80");
    /* A dynamic mapping never gets an explicit one's port. */
    assert_out(r, "10.0.0.5:6000", SERVER, "192.0.2.1:6001");
}

static void a_mapping_that_is_there_becomes_explicit(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_UDP, INSIDE, 7000);

    assert_out(r, INSIDE, SERVER, "192.0.2.1:5000");
    assert_in(r, STRANGER, "192.0.2.1:5000", "-");
    assert_string_equal(map_as(r, &q), "192.0.2.1:5000"); /* it keeps its port */
    assert_in(r, STRANGER, "192.0.2.1:5000", INSIDE);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING), 1);
    unmap(r, HP_PROTO_UDP, INSIDE, NULL);
    assert_in(r, STRANGER, "192.0.2.1:5000", "-");
    q.exact = true;
    assert_string_equal(map_as(r, &q), "taken");
    q.move = true; /* unless that very port is what is wanted */
    assert_string_equal(map_as(r, &q), "192.0.2.1:7000");
    assert_ended(r, 0, "rebind", 0);
    assert_out(r, INSIDE, SERVER, "192.0.2.1:7000");
    assert_in(r, SERVER, "192.0.2.1:5000", "-");
    /* An explicit one is not moved by a further grant. */
    q.external.port = 7001;
    q.remote = addr("198.51.100.8");
    assert_string_equal(map_as(r, &q), "taken");
}

/* A flow of the host itself that happens to have the port is no obstacle, another host's is. */
static void own_flows_give_way(void **state)
{
    hp_nat_config c = symmetric();
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_UDP, OTHER, 1024);
    q.exact = true;

    rig_until(r, HP_S);
    assert_out(r, INSIDE, SERVER, "192.0.2.1:1024");
    assert_string_equal(map_as(r, &q), "taken");
    q.internal = addr(INSIDE);
    assert_string_equal(map_as(r, &q), "192.0.2.1:1024");
    assert_ended(r, HP_S, "replaced", 0);
    assert_out(r, INSIDE, SERVER, "192.0.2.1:1024");
    assert_in(r, STRANGER, "192.0.2.1:1024", INSIDE);
    /* The remote is known: given up, the mapping goes on for that flow. */
    unmap(r, HP_PROTO_UDP, INSIDE, NULL);
    assert_in(r, SERVER, "192.0.2.1:1024", INSIDE);
    assert_in(r, STRANGER, "192.0.2.1:1024", "-");

    c.port_quarantine = 120 * HP_S;
    hp_nat_configure(r->nat, &c, NULL);
    assert_out(r, OTHER, SERVER, "192.0.2.1:1025");
    q = request(HP_PROTO_UDP, OTHER, 1025);
    q.exact = true;
    assert_string_equal(map_as(r, &q), "taken");
}

static void rebind_leaves_it_alone(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);

    map_udp(r, INSIDE, 7000);
    rig_out(r, OTHER, SERVER);
    assert_int_equal(hp_nat_rebind(r->nat, NULL), 1);
    assert_in(r, STRANGER, "192.0.2.1:7000", INSIDE);
    assert_out(r, INSIDE, SERVER, "192.0.2.1:7000");
}

static void parity_blocks_and_quarantine_hold(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.port_parity = true;
    c.port_quarantine = 120 * HP_S;
    c.port_range = (hp_port_range){2000, 2999};
    c.port_block = 100;
    g_autoptr(rig) r = rig_new(&c);
    hp_prefix inside;
    assert_true(hp_prefix_parse("10.0.0.0/24", &inside));
    hp_nat_add_inside_prefix(r->nat, &inside);

    /* Host 2 has the block from 2200 on. */
    assert_string_equal(map_udp(r, INSIDE, 2210), "192.0.2.1:2210");
    assert_string_equal(map_udp(r, "10.0.0.2:5001", 2310), "192.0.2.1:2201"); /* another's block */
    assert_string_equal(map_udp(r, "10.0.0.2:5003", 2212), "192.0.2.1:2203"); /* odd stays odd */
    unmap(r, HP_PROTO_UDP, INSIDE, NULL);
    hp_nat_map_request q = request(HP_PROTO_UDP, "10.0.0.2:5004", 2210);
    q.exact = true;
    assert_string_equal(map_as(r, &q), "taken"); /* it was just given up */
    rig_until(r, 120 * HP_S);
    assert_string_equal(map_as(r, &q), "192.0.2.1:2210");
    q = request(HP_PROTO_UDP, "10.1.0.2:5004", 0);
    assert_string_equal(map_as(r, &q), "not-inside");
    q = request(HP_PROTO_UDP, "10.0.0.2:0", 0);
    assert_string_equal(map_as(r, &q), "not-inside");
}

static void no_address_of_that_family(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_UDP, "[fd00::2]:5000", 0);
    hp_addr external;

    assert_string_equal(map_as(r, &q), "no-address");
    assert_false(hp_nat_external_address(r->nat, HP_AF_IPV6, &external));
    assert_true(hp_nat_external_address(r->nat, HP_AF_IPV4, &external));
    assert_string_equal(hp_addr_format_ip(&external, r->text), "192.0.2.1");
}

/* An IPv6 host gets ports of the IPv4 address where NAT64 is what there is. */
static void nat64_maps_at_the_ipv4_address(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.nat64 = true;
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_UDP, "[2001:db8:1::2]:5000", 7000);
    hp_addr remote = {0};

    assert_string_equal(map_as(r, &q), "192.0.2.1:7000");
    rig_give(r, HP_NAT_OUTSIDE, udp(STRANGER, "192.0.2.1:7000"));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_non_null(p);
    assert_string_equal(hp_addr_format(&p->src, r->text), "[64:ff9b::c633:6409]:777");
    assert_string_equal(hp_addr_format(&p->dst, r->text), "[2001:db8:1::2]:5000");
    /* What the host sends to IPv4 leaves by it. */
    rig_give(r, HP_NAT_INSIDE, udp("[2001:db8:1::2]:5000", "[64:ff9b::cb00:7101]:3478"));
    p = rig_got(r, HP_NAT_OUTSIDE);
    assert_non_null(p);
    assert_string_equal(hp_addr_format(&p->src, r->text), "192.0.2.1:7000");
    hp_nat_map_filter nobody = {0};
    assert_true(hp_prefix_parse("203.0.113.0/24", &nobody.prefix));
    hp_nat_map_set_filters(r->nat, HP_PROTO_UDP, &q.internal, &remote, &nobody, 1);
    rig_give(r, HP_NAT_OUTSIDE, udp(STRANGER, "192.0.2.1:7000"));
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    unmap(r, HP_PROTO_UDP, "[2001:db8:1::2]:5000", NULL);
    rig_until(r, 120 * HP_S);
    assert_ended(r, 120 * HP_S, "expired", 120 * HP_S);
}

/* IPv6 that is only routed is open as it is: the host's own address is the external one. */
static void routed_ipv6_needs_no_mapping(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ipv6 = HP_NAT_IPV6_ROUTE;
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_UDP, "[2001:db8:1::2]:5000", 7000);

    assert_string_equal(map_as(r, &q), "[2001:db8:1::2]:5000");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    q.exact = true;
    assert_string_equal(map_as(r, &q), "taken");
    unmap(r, HP_PROTO_UDP, "[2001:db8:1::2]:5000", NULL);
}

static void a_replaced_prefix_is_told(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ipv6 = HP_NAT_IPV6_PREFIX;
    g_autoptr(rig) r = rig_new(&c);
    hp_prefix inside, outside;
    assert_true(hp_prefix_parse("fd00:1:2::/48", &inside));
    assert_true(hp_prefix_parse("2001:db8:1::/48", &outside));
    hp_nat_set_external_prefix(r->nat, &inside, &outside);
    hp_nat_add_inside_prefix(r->nat, &inside);
    hp_nat_map_request q = request(HP_PROTO_UDP, "[fd00:1:2:1::2]:5000", 0);

    const char *external = map_as(r, &q);
    assert_true(g_str_has_prefix(external, "[2001:db8:1:"));
    g_autofree char *to = g_strdup(external);
    rig_give(r, HP_NAT_OUTSIDE, udp("[2001:db8:9::9]:1", to));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_non_null(p);
    assert_string_equal(hp_addr_format(&p->dst, r->text), "[fd00:1:2:1::2]:5000");
}

/* ---- limits ---- */

static void limits_count_it_and_evict_others(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.max_mappings = 2;
    c.max_mappings_per_host = 1;
    g_autoptr(rig) r = rig_new(&c);

    map_udp(r, INSIDE, 7000);
    assert_string_equal(map_udp(r, "10.0.0.2:5001", 0), "host-full");
    assert_out(r, OTHER, SERVER, "192.0.2.1:5000");
    assert_string_equal(map_udp(r, "10.0.0.4:5000", 0), "table-full");
    c.eviction = HP_NAT_EVICT_OLDEST;
    hp_nat_configure(r->nat, &c, NULL);
    /* The oldest is explicit: the other goes, and then nobody is left to go. */
    assert_string_equal(map_udp(r, "10.0.0.4:5000", 0), "192.0.2.1:5000");
    assert_ended(r, 0, "evicted", 0);
    assert_out(r, OTHER, SERVER, "-");
    assert_drop(r, 1, HP_DROP_NAT_LIMIT);
    c.eviction = HP_NAT_EVICT_LEAST_RECENT;
    hp_nat_configure(r->nat, &c, NULL);
    assert_out(r, OTHER, SERVER, "-");
    assert_out(r, INSIDE, SERVER, "192.0.2.1:7000");
}

/* ---- TCP ---- */

static void a_syn_is_let_in(void **state)
{
    hp_nat_config c = symmetric();
    c.tcp_filtering = HP_NAT_OWN_CONNECTION_DEPENDENT; /* which lets nobody in at all */
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_TCP, INSIDE, 80);

    assert_string_equal(map_as(r, &q), "192.0.2.1:80");
    assert_tcp_in(r, STRANGER, "192.0.2.1:80", SYN, INSIDE);
    assert_tcp_out(r, INSIDE, STRANGER, SYN_ACK, "192.0.2.1:80");
    assert_tcp_in(r, STRANGER, "192.0.2.1:80", ACK, INSIDE);
    assert_tcp_state(r, INSIDE, STRANGER, "established");
    /* Its own connections leave by it. */
    assert_tcp_out(r, INSIDE, SERVER, SYN, "192.0.2.1:80");
    /* A stray segment opens nothing. */
    assert_tcp_in(r, "198.51.100.77:1", "192.0.2.1:80", ACK, "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
}

static void outlives_its_connections(void **state)
{
    hp_nat_config c = symmetric();
    g_autoptr(rig) r = rig_new(&c);
    hp_nat_map_request q = request(HP_PROTO_TCP, INSIDE, 80);

    map_as(r, &q);
    assert_tcp_in(r, STRANGER, "192.0.2.1:80", SYN, INSIDE);
    rig_until(r, 1000 * HP_S); /* opened, never answered: gone after 240 s */
    assert_tcp_state(r, INSIDE, STRANGER, "closed");
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING_ENDED), 0);
    assert_tcp_in(r, STRANGER, "192.0.2.1:80", SYN, INSIDE);
    /* Given up with a connection under way, it lasts as long as that. */
    unmap(r, HP_PROTO_TCP, INSIDE, NULL);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING_ENDED), 0);
    assert_tcp_out(r, INSIDE, STRANGER, SYN_ACK, "192.0.2.1:80");
    assert_tcp_in(r, "198.51.100.77:1", "192.0.2.1:80", SYN, "-");
    rig_until(r, 1240 * HP_S);
    assert_ended(r, 1240 * HP_S, "expired", 1240 * HP_S);
}

static void hairpins(void **state)
{
    hp_nat_config c = symmetric();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    c.hairpin_filtered = true;
    g_autoptr(rig) r = rig_new(&c);

    map_udp(r, INSIDE, 7000);
    rig_give(r, HP_NAT_INSIDE, udp(OTHER, "192.0.2.1:7000"));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_non_null(p);
    assert_string_equal(hp_addr_format(&p->src, r->text), "192.0.2.1:1024");
    assert_string_equal(hp_addr_format(&p->dst, r->text), INSIDE);
}

/* ---- the way to a host in the NAT's box ---- */

static void local_host_has_the_inside_addresses(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_addr inside = addr("10.0.0.1");
    probe *box = probe_new(r->world, "box");
    hp_nat_set_internal(r->nat, &inside);

    rig_give(r, HP_NAT_INSIDE, udp(INSIDE, "10.0.0.1:5351"));
    assert_drop(r, 1, HP_DROP_NO_SOCKET);
    hp_node_connect(hp_nat_node(r->nat), HP_NAT_LOCAL, &box->node, 0);
    rig_give(r, HP_NAT_INSIDE, udp(INSIDE, "10.0.0.1:5351"));
    rig_give(r, HP_NAT_INSIDE, udp(INSIDE, "239.255.255.250:1900"));
    assert_int_equal(box->hits->len, 2);
    /* From outside there is no way, under whatever address. */
    rig_give(r, HP_NAT_OUTSIDE, udp(STRANGER, "10.0.0.1:5351"));
    rig_give(r, HP_NAT_OUTSIDE, udp(STRANGER, "192.0.2.1:5351"));
    rig_give(r, HP_NAT_OUTSIDE, udp(STRANGER, "239.255.255.250:1900"));
    assert_int_equal(box->hits->len, 2);
    assert_int_equal(rig_drops(r), 4);
    /* What it sends goes inside, unchanged. */
    rig_give(r, HP_NAT_LOCAL, udp("10.0.0.1:5351", INSIDE));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_string_equal(hp_addr_format(&p->src, r->text), "10.0.0.1:5351");
    assert_int_equal(p->ttl, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anybody_may_send),
        cmocka_unit_test(filters_let_in_whom_they_name),
        cmocka_unit_test(one_remote_host),
        cmocka_unit_test(peer_is_filtered_as_ever),
        cmocka_unit_test(never_idles_out),
        cmocka_unit_test(goes_on_where_traffic_holds_it),
        cmocka_unit_test(ends_when_given_up_unused),
        cmocka_unit_test(a_reboot_ends_it),
        cmocka_unit_test(icmp_does_not_end_it),
        cmocka_unit_test(wishes_and_what_becomes_of_them),
        cmocka_unit_test(a_mapping_that_is_there_becomes_explicit),
        cmocka_unit_test(own_flows_give_way),
        cmocka_unit_test(rebind_leaves_it_alone),
        cmocka_unit_test(parity_blocks_and_quarantine_hold),
        cmocka_unit_test(no_address_of_that_family),
        cmocka_unit_test(nat64_maps_at_the_ipv4_address),
        cmocka_unit_test(routed_ipv6_needs_no_mapping),
        cmocka_unit_test(a_replaced_prefix_is_told),
        cmocka_unit_test(limits_count_it_and_evict_others),
        cmocka_unit_test(a_syn_is_let_in),
        cmocka_unit_test(outlives_its_connections),
        cmocka_unit_test(hairpins),
        cmocka_unit_test(local_host_has_the_inside_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
