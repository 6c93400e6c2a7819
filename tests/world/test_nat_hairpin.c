/* Hairpinning (RFC 4787 section 6). */
#include "world/nat_rig.h"

#define X1 "192.168.1.2:5000"
#define X2 "192.168.1.3:6000"
#define X2_OUT "192.0.2.1:6000"
#define S "198.51.100.1:3478"

/* Sends from one inside host to an external address; gives "source>destination" of what comes back in, or "-". */
static const char *hairpin(rig *r, const char *src, const char *dst)
{
    static char text[2 * HP_ADDR_TEXT];
    char a[HP_ADDR_TEXT], b[HP_ADDR_TEXT];
    rig_give(r, HP_NAT_INSIDE, udp(src, dst));
    assert_null(rig_got(r, HP_NAT_OUTSIDE));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    if (!p)
        return "-";
    assert_int_equal(p->ttl, 63);
    g_snprintf(text, sizeof text, "%s>%s", hp_addr_format(&p->src, a), hp_addr_format(&p->dst, b));
    return text;
}

static void none_drops(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, X2, S, X2_OUT);
    assert_string_equal(hairpin(r, X1, X2_OUT), "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_HAIRPIN);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1); /* the sender has got none */
}

static void external_source_is_shown(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    g_autoptr(rig) r = rig_new(&c);
    assert_string_equal(hairpin(r, X1, X2_OUT), "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    assert_out(r, X2, S, X2_OUT);
    assert_string_equal(hairpin(r, X1, X2_OUT), "192.0.2.1:5000>" X2);
    assert_string_equal(hairpin(r, X2, "192.0.2.1:5000"), X2_OUT ">" X1);
    assert_string_equal(hairpin(r, X2, X2_OUT), X2_OUT ">" X2); /* to itself */
    hp_nat_stats stats = hp_nat_get_stats(r->nat);
    assert_int_equal(stats.hairpinned, 3);
    assert_int_equal(stats.out_packets, 1);
    assert_int_equal(stats.in_packets, 0);
}

static void internal_source_is_shown(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.hairpin = HP_NAT_HAIRPIN_INTERNAL_SOURCE;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, X2, S, X2_OUT);
    assert_string_equal(hairpin(r, X1, X2_OUT), X1 ">" X2);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 2);
}

static void filtering_may_hold_for_hairpins(void **state)
{
    for (unsigned source = HP_NAT_HAIRPIN_INTERNAL_SOURCE; source <= HP_NAT_HAIRPIN_EXTERNAL_SOURCE; source++) {
        hp_nat_config c = hp_nat_config_default();
        c.hairpin = (hp_nat_hairpin)source;
        c.hairpin_filtered = true;
        g_autoptr(rig) r = rig_new(&c);
        assert_out(r, X2, S, X2_OUT);
        assert_string_equal(hairpin(r, X1, X2_OUT), "-");
        assert_drop(r, 1, HP_DROP_NAT_FILTERED);
        /* That packet has opened X1's side; X2's own opens the other. */
        const char *shown = source == HP_NAT_HAIRPIN_EXTERNAL_SOURCE ? X2_OUT ">" X1 : X2 ">" X1;
        assert_string_equal(hairpin(r, X2, "192.0.2.1:5000"), shown);
        shown = source == HP_NAT_HAIRPIN_EXTERNAL_SOURCE ? "192.0.2.1:5000>" X2 : X1 ">" X2;
        assert_string_equal(hairpin(r, X1, X2_OUT), shown);
    }
}

static void the_first_packet_may_be_lost(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    c.hairpin_drops_first = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, X2, S, X2_OUT);
    assert_string_equal(hairpin(r, X1, X2_OUT), "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_HAIRPIN);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 2);
    assert_string_equal(hairpin(r, X1, X2_OUT), "192.0.2.1:5000>" X2);
    /* A mapping that was there already loses nothing. */
    assert_string_equal(hairpin(r, X2, "192.0.2.1:5000"), X2_OUT ">" X1);
}

static void symmetric_hairpin_gets_a_mapping_of_its_own(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, X1, S, "192.0.2.1:1024");
    assert_out(r, X2, S, "192.0.2.1:1025");
    assert_string_equal(hairpin(r, X1, "192.0.2.1:1025"), "192.0.2.1:1026>" X2);
    assert_string_equal(hairpin(r, X2, "192.0.2.1:1026"), "192.0.2.1:1027>" X1);
}

static void overloaded_hairpins_are_told_apart(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.overload = true;
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    c.hairpin_filtered = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.4:6000", "198.51.100.2:1", "192.0.2.1:6000");
    assert_out(r, X2, S, X2_OUT);
    assert_out(r, X1, S, "192.0.2.1:5000");
    assert_string_equal(hairpin(r, X2, "192.0.2.1:5000"), "-");
    assert_string_equal(hairpin(r, X1, X2_OUT), "192.0.2.1:5000>" X2);
}

static void hairpins_refresh_both_mappings(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    c.refresh = HP_NAT_REFRESH_BOTH;
    c.udp_timeout = 30 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, X2, S, X2_OUT);
    rig_until(r, 20 * HP_S);
    assert_string_equal(hairpin(r, X1, X2_OUT), "192.0.2.1:5000>" X2);
    rig_until(r, 49 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 2);
    rig_until(r, 50 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    assert_ended(r, 50 * HP_S, "expired", 30 * HP_S);
}

static void hairpin_of_a_dying_packet(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, X2, S, X2_OUT);
    hp_packet *p = udp(X1, X2_OUT);
    p->ttl = 1;
    rig_give(r, HP_NAT_INSIDE, p);
    assert_drop(r, 1, HP_DROP_TTL);
    assert_int_equal(rig_got(r, HP_NAT_INSIDE)->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
}

static void eviction_of_the_target_is_survived(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    c.max_mappings = 1;
    c.eviction = HP_NAT_EVICT_OLDEST;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, X2, S, X2_OUT);
    assert_string_equal(hairpin(r, X1, X2_OUT), "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_drops),
        cmocka_unit_test(external_source_is_shown),
        cmocka_unit_test(internal_source_is_shown),
        cmocka_unit_test(filtering_may_hold_for_hairpins),
        cmocka_unit_test(the_first_packet_may_be_lost),
        cmocka_unit_test(symmetric_hairpin_gets_a_mapping_of_its_own),
        cmocka_unit_test(overloaded_hairpins_are_told_apart),
        cmocka_unit_test(hairpins_refresh_both_mappings),
        cmocka_unit_test(hairpin_of_a_dying_packet),
        cmocka_unit_test(eviction_of_the_target_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
