/* Every preset certifies itself: probes as in RFC 5780 section 4, sent through the emulated NAT, observe what the
 * preset declares. */
#include "world/nat_rig.h"

#define CLIENT "192.168.1.2:40000"
#define PRIMARY "203.0.113.1:3478"

/* The remotes of RFC 5780: another address with the same port, another address and port. */
static hp_nat_behaviour observed_mapping(const hp_nat_config *c)
{
    g_autoptr(rig) r = rig_new(c);
    g_autofree char *first = g_strdup(rig_out(r, CLIENT, PRIMARY));
    g_autofree char *other_address = g_strdup(rig_out(r, CLIENT, "203.0.113.2:3478"));
    g_autofree char *other_port = g_strdup(rig_out(r, CLIENT, "203.0.113.2:3479"));
    assert_string_not_equal(first, "-");
    if (strcmp(first, other_address) == 0)
        return HP_NAT_ENDPOINT_INDEPENDENT;
    return strcmp(other_address, other_port) == 0 ? HP_NAT_ADDRESS_DEPENDENT : HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
}

static hp_nat_behaviour observed_filtering(const hp_nat_config *c)
{
    g_autoptr(rig) r = rig_new(c);
    g_autofree char *external = g_strdup(rig_out(r, CLIENT, PRIMARY));
    assert_in(r, PRIMARY, external, CLIENT);
    if (strcmp(rig_in(r, "203.0.113.2:3479", external), CLIENT) == 0)
        return HP_NAT_ENDPOINT_INDEPENDENT;
    return strcmp(rig_in(r, "203.0.113.1:3479", external), CLIENT) == 0 ? HP_NAT_ADDRESS_DEPENDENT
                                                                        : HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
}

/* From a second socket of the client to the mapping of the first, which has sent to the second's before. */
static hp_nat_hairpin observed_hairpin(const hp_nat_config *c)
{
    g_autoptr(rig) r = rig_new(c);
    g_autofree char *first = g_strdup(rig_out(r, CLIENT, PRIMARY));
    g_autofree char *second = g_strdup(rig_out(r, "192.168.1.2:40001", PRIMARY));
    hp_addr internal = addr("192.168.1.2:40001"), external = addr(second);
    rig_give(r, HP_NAT_INSIDE, udp(CLIENT, second));
    rig_give(r, HP_NAT_INSIDE, udp("192.168.1.2:40001", first));
    const hp_packet *p = NULL, *next;
    while ((next = rig_got(r, HP_NAT_INSIDE)))
        p = next;
    if (!p)
        return HP_NAT_HAIRPIN_NONE;
    if (hp_addr_equal(&p->src, &internal))
        return HP_NAT_HAIRPIN_INTERNAL_SOURCE;
    assert_true(hp_addr_same_ip(&p->src, &external));
    return HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
}

/* How long an answered mapping lives after the last packet outwards (RFC 5780 section 4.6). */
static hp_time observed_lifetime(const hp_nat_config *c)
{
    g_autoptr(rig) r = rig_new(c);
    g_autofree char *external = g_strdup(rig_out(r, CLIENT, PRIMARY));
    assert_in(r, PRIMARY, external, CLIENT);
    assert_true(hp_world_run_until(r->world, 3600 * HP_S, NULL));
    hp_record record;
    assert_true(rig_last(r, HP_RECORD_EVENT, HP_EV_NAT_MAPPING_ENDED, &record));
    return record.at;
}

static void presets_are_what_they_declare(void **state)
{
    size_t n;
    const hp_nat_preset *presets = hp_nat_presets(&n);
    for (size_t i = 0; i < n; i++) {
        hp_nat_config c = presets[i].config;
        if (c.block_udp) {
            g_autoptr(rig) r = rig_new(&c);
            assert_out(r, CLIENT, PRIMARY, "-");
            assert_drop(r, 1, HP_DROP_NAT_BLOCKED);
            continue;
        }
        c.blocked = NULL; /* the probes use ports that some presets block */
        c.n_blocked = 0;
        /* A NAT that keeps the port of each flow looks endpoint independent until flows collide. */
        bool keeps = c.overload && c.ports == HP_NAT_PORTS_PRESERVE;
        hp_nat_behaviour mapping = observed_mapping(&c);
        if (mapping != (keeps ? HP_NAT_ENDPOINT_INDEPENDENT : c.mapping) || observed_filtering(&c) != c.filtering ||
            observed_hairpin(&c) != c.hairpin || observed_lifetime(&c) != c.udp_timeout)
            fail_msg("preset %s: mapping %d, filtering %d, hairpin %d, lifetime %" G_GUINT64_FORMAT, presets[i].name,
                     mapping, observed_filtering(&c), observed_hairpin(&c), observed_lifetime(&c));
    }
}

/* And by RFC 4787 section 8, what netfilter does once two flows want one tuple. */
static void port_keeping_nats_change_on_collision(void **state)
{
    const hp_nat_preset *p = hp_nat_preset_find("linux-netfilter");
    g_autoptr(rig) r = rig_new(&p->config);
    assert_out(r, CLIENT, PRIMARY, "192.0.2.1:40000");
    g_autofree char *moved = g_strdup(rig_out(r, "192.168.1.3:40000", PRIMARY));
    assert_string_not_equal(moved, "192.0.2.1:40000");
    assert_out(r, "192.168.1.3:40000", "203.0.113.2:3478", "192.0.2.1:40000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_are_what_they_declare),
        cmocka_unit_test(port_keeping_nats_change_on_collision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
