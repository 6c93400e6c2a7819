/* The presets: complete, distinct, and what their names say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the three above */
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "config/firewall.h"
#include "config/nat.h"

static void names_are_unique_and_found(void **state)
{
    size_t n;
    const hp_nat_preset *presets = hp_nat_presets(&n);
    assert_true(n >= 16);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(hp_nat_preset_find(presets[i].name), &presets[i]);
        assert_int_equal(strspn(presets[i].name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(presets[i].name));
        assert_true(strlen(presets[i].about) > 10 && strlen(presets[i].source) >= 6);
    }
    assert_null(hp_nat_preset_find("no-such-nat"));
    assert_null(hp_nat_preset_find(""));
    assert_null(hp_nat_preset_find(NULL));
}

static void all_start_from_the_default(void **state)
{
    size_t n;
    const hp_nat_preset *presets = hp_nat_presets(&n);
    for (size_t i = 0; i < n; i++) {
        const hp_nat_config *c = &presets[i].config;
        assert_true(c->udp_timeout >= 10 * HP_S);
        assert_true(c->icmp_timeout >= 2 * HP_S);
        assert_true(c->icmp_errors || strcmp(presets[i].name, "no-fragments") == 0);
        assert_int_equal(c->n_blocked > 0, c->blocked != NULL);
        for (unsigned b = 0; c->blocked && b < c->n_blocked; b++)
            assert_true(c->blocked[b].first <= c->blocked[b].last);
    }
}

static void firewalls_exist(void **state)
{
    size_t n;
    const hp_nat_preset *presets = hp_nat_presets(&n);
    unsigned guarded = 0;
    for (size_t i = 0; i < n; i++) {
        hp_firewall_config firewall;
        if (!presets[i].firewall)
            continue;
        assert_true(hp_firewall_preset_config(presets[i].firewall, &firewall));
        hp_firewall_config_clear(&firewall);
        guarded++;
    }
    assert_true(guarded >= 4);
}

static void the_default_is_what_the_header_says(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    assert_int_equal(c.mapping, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_int_equal(c.filtering, HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
    assert_int_equal(c.ports, HP_NAT_PORTS_PRESERVE);
    assert_int_equal(c.hairpin, HP_NAT_HAIRPIN_NONE);
    assert_int_equal(c.udp_timeout, 120 * HP_S);
    assert_int_equal(c.refresh, HP_NAT_REFRESH_OUTBOUND);
    assert_true(c.icmp_errors);
    assert_false(c.block_udp);
}

static void classes(const char *name, hp_nat_behaviour mapping, hp_nat_behaviour filtering)
{
    const hp_nat_preset *p = hp_nat_preset_find(name);
    assert_non_null(p);
    assert_int_equal(p->config.mapping, mapping);
    assert_int_equal(p->config.filtering, filtering);
}

static void the_four_classes_of_rfc_3489(void **state)
{
    classes("full-cone", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ENDPOINT_INDEPENDENT);
    classes("restricted-cone", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ADDRESS_DEPENDENT);
    classes("port-restricted-cone", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
    classes("symmetric", HP_NAT_ADDRESS_AND_PORT_DEPENDENT, HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
}

/* RFC 4787 section 12. */
static void rfc4787_presets_fulfil_it(void **state)
{
    static const char *const names[] = {"rfc4787", "rfc4787-strict"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        const hp_nat_config *c = &hp_nat_preset_find(names[i])->config;
        assert_int_equal(c->mapping, HP_NAT_ENDPOINT_INDEPENDENT); /* REQ-1 */
        assert_int_equal(c->pooling, HP_NAT_PAIRED); /* REQ-2 */
        assert_false(c->overload); /* REQ-3 */
        assert_true(c->well_known_apart); /* REQ-3a */
        assert_true(c->port_parity); /* REQ-4 */
        assert_true(c->udp_timeout >= 300 * HP_S); /* REQ-5, 5c */
        assert_int_equal(c->udp_unreplied_timeout, 0);
        assert_int_not_equal(c->refresh, HP_NAT_REFRESH_INBOUND); /* REQ-6 */
        assert_int_not_equal(c->filtering, HP_NAT_ADDRESS_AND_PORT_DEPENDENT); /* REQ-8 */
        assert_int_equal(c->hairpin, HP_NAT_HAIRPIN_EXTERNAL_SOURCE); /* REQ-9a */
        assert_false(c->icmp_error_ends_mapping); /* REQ-12 */
        assert_true(c->icmp_errors); /* REQ-12b */
        assert_int_equal(c->fragments, HP_NAT_FRAGMENTS_OUT_OF_ORDER); /* REQ-14 */
    }
}

/* RFC 5382 section 8, RFC 7857, RFC 5508 section 9; 0 is the RFC's own value. */
static void rfc_presets_fulfil_those_of_tcp_and_icmp(void **state)
{
    static const char *const names[] = {"rfc4787", "rfc4787-strict", "cgn-rfc6888"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        const hp_nat_config *c = &hp_nat_preset_find(names[i])->config;
        assert_int_equal(c->tcp_mapping, HP_NAT_BEHAVIOUR_AS_UDP); /* RFC 5382 REQ-1, by RFC 4787 REQ-1 */
        assert_int_equal(c->tcp_filtering, HP_NAT_BEHAVIOUR_AS_UDP); /* REQ-3 */
        assert_int_equal(c->tcp_unsolicited_syn, HP_NAT_SYN_HOLD); /* REQ-4 */
        assert_int_equal(c->tcp_hold_timeout, 0);
        assert_int_equal(c->tcp_established_timeout, 0); /* REQ-5 */
        assert_int_equal(c->tcp_opening_timeout, 0);
        assert_int_equal(c->tcp_closing_timeout, 0);
        assert_int_equal(c->tcp_overload, HP_NAT_CHOICE_AS_UDP); /* REQ-7 */
        assert_false(c->overload);
        assert_int_equal(c->tcp_hairpin, HP_NAT_HAIRPIN_AS_UDP); /* REQ-8 */
        assert_int_equal(c->hairpin, HP_NAT_HAIRPIN_EXTERNAL_SOURCE);
        assert_false(c->icmp_error_ends_mapping || c->icmp_unreachable_ends_mapping); /* REQ-10, RFC 5508 REQ-6 */
        assert_int_equal(c->tcp_rst, HP_NAT_RST_TRANSITORY); /* RFC 7857 section 2.2 */
        assert_false(c->tcp_rst_unchecked);
        assert_int_equal(c->icmp_mapping, HP_NAT_BEHAVIOUR_AS_UDP); /* RFC 5508 REQ-1a */
        assert_true(c->icmp_timeout >= 60 * HP_S); /* REQ-2 */
        assert_false(c->icmp_inner_untranslated); /* REQ-4a, REQ-5a */
    }
    const hp_nat_config *c = &hp_nat_preset_find("cgn-rfc6888")->config;
    assert_int_equal(c->port_quarantine, 120 * HP_S); /* RFC 6888 REQ-8 */
    assert_false(c->port_quarantine_tcp);
}

/* net.netfilter.nf_conntrack_tcp_timeout_* as the kernel has them. */
static void netfilter_presets_have_the_timers_of_the_kernel(void **state)
{
    static const char *const names[] = {"linux-netfilter", "linux-netfilter-firewalled", "linux-netfilter-random"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        const hp_nat_config *c = &hp_nat_preset_find(names[i])->config;
        assert_int_equal(c->tcp_opening_timeout, 120 * HP_S); /* syn_sent */
        assert_int_equal(c->tcp_handshake_timeout, 60 * HP_S); /* syn_recv */
        assert_int_equal(c->tcp_established_timeout, 432000 * HP_S);
        assert_int_equal(c->tcp_fin_timeout, 120 * HP_S); /* fin_wait */
        assert_int_equal(c->tcp_half_closed_timeout, 60 * HP_S); /* close_wait */
        assert_int_equal(c->tcp_closing_timeout, 30 * HP_S); /* last_ack */
        assert_int_equal(c->tcp_time_wait_timeout, 120 * HP_S);
        assert_int_equal(c->tcp_reset_timeout, 10 * HP_S); /* close */
        assert_int_equal(c->tcp_picked_up_timeout, 300 * HP_S); /* unacknowledged */
        assert_int_equal(c->tcp_stray, HP_NAT_STRAY_PICK_UP); /* nf_conntrack_tcp_loose */
        assert_true(c->tcp_rst_unanswered_removes);
        assert_int_equal(c->fragments, HP_NAT_FRAGMENTS_REASSEMBLE); /* nf_defrag */
    }
    assert_int_equal(hp_nat_preset_find("linux-netfilter")->config.tcp_unsolicited_syn, HP_NAT_SYN_RST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_found),
        cmocka_unit_test(all_start_from_the_default),
        cmocka_unit_test(firewalls_exist),
        cmocka_unit_test(the_default_is_what_the_header_says),
        cmocka_unit_test(the_four_classes_of_rfc_3489),
        cmocka_unit_test(rfc4787_presets_fulfil_it),
        cmocka_unit_test(rfc_presets_fulfil_those_of_tcp_and_icmp),
        cmocka_unit_test(netfilter_presets_have_the_timers_of_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
