/* The NAT knobs of TCP and ICMP, of quarantine, port blocks and limits: every key and every word, in a NAT, over a
 * preset and in `set-nat`, and what the documents say of them. */
#include "fixture.h"

#include "scenario/schema.h"

#define NAT(knobs) "network: {nats: {n: {" knobs "}}}\npeers: {a: {behind: n}}"

static hp_nat_config load_knobs(const char *knobs)
{
    g_autofree char *text = g_strdup_printf(NAT("%s"), knobs);
    hp_scenario *s = load_one(text);
    hp_nat_config config = s->nats[0].config;
    assert_int_equal(config.n_blocked, 0); /* nothing that goes with the scenario */
    hp_scenario_free(s);
    return config;
}

/* A bare NAT with one knob changed is the default but for that one. */
#define assert_knob(text, field, value)                                                                                \
    do {                                                                                                               \
        hp_nat_config loaded_ = load_knobs(text), expected_ = hp_nat_config_default();                                 \
        expected_.field = (value);                                                                                     \
        assert_memory_equal(&loaded_, &expected_, sizeof loaded_);                                                     \
    } while (0)

static void without_a_word_all_is_as_udp(void **state)
{
    hp_nat_config c = load_knobs(""), plain = hp_nat_config_default();
    assert_memory_equal(&c, &plain, sizeof c);
    assert_int_equal(c.icmp_mapping, HP_NAT_BEHAVIOUR_AS_UDP);
    assert_int_equal(c.tcp_filtering, HP_NAT_BEHAVIOUR_AS_UDP);
    assert_int_equal(c.tcp_ports, HP_NAT_PORTS_AS_UDP);
    assert_int_equal(c.tcp_hairpin, HP_NAT_HAIRPIN_AS_UDP);
    assert_int_equal(c.tcp_overload, HP_NAT_CHOICE_AS_UDP);
    assert_int_equal(c.tcp_unsolicited_syn, HP_NAT_SYN_AS_UDP);
    assert_int_equal(c.tcp_stray, HP_NAT_STRAY_DROP);
    assert_int_equal(c.tcp_rst, HP_NAT_RST_TRANSITORY);
    assert_int_equal(c.tcp_refresh, HP_NAT_TCP_REFRESH_BOTH);
    assert_int_equal(c.port_blocks, HP_NAT_BLOCKS_PREFERRED);
    assert_true(c.tcp_opening_timeout == 0 && c.port_quarantine == 0);
    assert_false(c.block_tcp || c.tcp_rst_unchecked || c.port_quarantine_tcp);
}

static void behaviours(void **state)
{
    assert_knob("icmp-mapping: as-udp", icmp_mapping, HP_NAT_BEHAVIOUR_AS_UDP);
    assert_knob("icmp-mapping: endpoint-independent", icmp_mapping, HP_NAT_OWN_ENDPOINT_INDEPENDENT);
    assert_knob("icmp-mapping: address-dependent", icmp_mapping, HP_NAT_OWN_ADDRESS_DEPENDENT);
    assert_knob("icmp-mapping: address-and-port-dependent", icmp_mapping, HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT);
    assert_knob("icmp-filtering: address-dependent", icmp_filtering, HP_NAT_OWN_ADDRESS_DEPENDENT);
    assert_knob("tcp-mapping: address-and-port-dependent", tcp_mapping, HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT);
    assert_knob("tcp-filtering: endpoint-independent", tcp_filtering, HP_NAT_OWN_ENDPOINT_INDEPENDENT);
    assert_knob("tcp-filtering: connection-dependent", tcp_filtering, HP_NAT_OWN_CONNECTION_DEPENDENT);

    assert_knob("icmp-ports: preserve", icmp_ports, HP_NAT_OWN_PORTS_PRESERVE);
    assert_knob("icmp-ports: sequential", icmp_ports, HP_NAT_OWN_PORTS_SEQUENTIAL);
    assert_knob("tcp-ports: random", tcp_ports, HP_NAT_OWN_PORTS_RANDOM);
    assert_knob("tcp-ports: as-udp", tcp_ports, HP_NAT_PORTS_AS_UDP);

    assert_knob("tcp-hairpin: none", tcp_hairpin, HP_NAT_OWN_HAIRPIN_NONE);
    assert_knob("tcp-hairpin: internal-source", tcp_hairpin, HP_NAT_OWN_HAIRPIN_INTERNAL_SOURCE);
    assert_knob("tcp-hairpin: external-source", tcp_hairpin, HP_NAT_OWN_HAIRPIN_EXTERNAL_SOURCE);
    assert_knob("tcp-overload: no", tcp_overload, HP_NAT_CHOICE_NO);
    assert_knob("tcp-overload: yes", tcp_overload, HP_NAT_CHOICE_YES);
    assert_knob("tcp-port-parity: yes", tcp_port_parity, HP_NAT_CHOICE_YES);
    assert_knob("tcp-port-parity: as-udp", tcp_port_parity, HP_NAT_CHOICE_AS_UDP);
}

static void answers(void **state)
{
    assert_knob("tcp-unsolicited-syn: as-udp", tcp_unsolicited_syn, HP_NAT_SYN_AS_UDP);
    assert_knob("tcp-unsolicited-syn: drop", tcp_unsolicited_syn, HP_NAT_SYN_DROP);
    assert_knob("tcp-unsolicited-syn: hold", tcp_unsolicited_syn, HP_NAT_SYN_HOLD);
    assert_knob("tcp-unsolicited-syn: rst", tcp_unsolicited_syn, HP_NAT_SYN_RST);
    assert_knob("tcp-unsolicited-syn: icmp", tcp_unsolicited_syn, HP_NAT_SYN_ICMP);
    assert_knob("tcp-stray: rst", tcp_stray, HP_NAT_STRAY_RST);
    assert_knob("tcp-stray: pick-up", tcp_stray, HP_NAT_STRAY_PICK_UP);
    assert_knob("tcp-rst: remove", tcp_rst, HP_NAT_RST_REMOVE);
    assert_knob("tcp-rst: ignore", tcp_rst, HP_NAT_RST_IGNORE);
    assert_knob("tcp-rst-unchecked: true", tcp_rst_unchecked, true);
    assert_knob("tcp-rst-unanswered-removes: true", tcp_rst_unanswered_removes, true);
    assert_knob("block-tcp: true", block_tcp, true);
    assert_knob("icmp-unreachable-ends-mapping: true", icmp_unreachable_ends_mapping, true);
    assert_knob("icmp-inner-untranslated: true", icmp_inner_untranslated, true);
    assert_knob("fragments: reassemble", fragments, HP_NAT_FRAGMENTS_REASSEMBLE);
}

static void times(void **state)
{
    assert_knob("tcp-refresh: outbound", tcp_refresh, HP_NAT_TCP_REFRESH_OUTBOUND);
    assert_knob("tcp-refresh: inbound", tcp_refresh, HP_NAT_TCP_REFRESH_INBOUND);
    assert_knob("tcp-hold-timeout: 1s", tcp_hold_timeout, HP_S);
    assert_knob("tcp-opening-timeout: 2s", tcp_opening_timeout, 2 * HP_S);
    assert_knob("tcp-handshake-timeout: 3s", tcp_handshake_timeout, 3 * HP_S);
    assert_knob("tcp-picked-up-timeout: 4s", tcp_picked_up_timeout, 4 * HP_S);
    assert_knob("tcp-established-timeout: 2h", tcp_established_timeout, 7200 * HP_S);
    assert_knob("tcp-fin-timeout: 5s", tcp_fin_timeout, 5 * HP_S);
    assert_knob("tcp-half-closed-timeout: 6s", tcp_half_closed_timeout, 6 * HP_S);
    assert_knob("tcp-closing-timeout: 7s", tcp_closing_timeout, 7 * HP_S);
    assert_knob("tcp-time-wait-timeout: 8s", tcp_time_wait_timeout, 8 * HP_S);
    assert_knob("tcp-reset-timeout: 9s", tcp_reset_timeout, 9 * HP_S);
}

static void ports_and_limits(void **state)
{
    assert_knob("port-blocks: deterministic", port_blocks, HP_NAT_BLOCKS_DETERMINISTIC);
    assert_knob("port-blocks: dynamic", port_blocks, HP_NAT_BLOCKS_DYNAMIC);
    assert_knob("port-quarantine: 90s", port_quarantine, 90 * HP_S);
    assert_knob("port-quarantine-tcp: true", port_quarantine_tcp, true);
    assert_knob("port-quarantine-max: 4294967295", port_quarantine_max, UINT32_MAX);
    assert_knob("max-udp-per-host: 1", max_udp_per_host, 1);
    assert_knob("max-tcp-per-host: 2", max_tcp_per_host, 2);
    assert_knob("max-icmp-per-host: 3", max_icmp_per_host, 3);
}

/* The knobs stand before the preset in the file, and in another table than the preset's own key. */
static void over_a_preset(void **state)
{
    hp_nat_config expected = hp_nat_preset_find("linux-netfilter")->config;
    assert_int_equal(expected.tcp_stray, HP_NAT_STRAY_PICK_UP);
    assert_true(expected.tcp_closing_timeout != 0);
    expected.tcp_stray = HP_NAT_STRAY_DROP;
    expected.tcp_closing_timeout = 0;
    expected.tcp_mapping = HP_NAT_OWN_ENDPOINT_INDEPENDENT;
    expected.fragments = HP_NAT_FRAGMENTS_DROP;
    hp_nat_config c = load_knobs("tcp-stray: drop, tcp-closing-timeout: 0, tcp-mapping: endpoint-independent, "
                                 "fragments: drop, preset: linux-netfilter");
    assert_memory_equal(&c, &expected, sizeof c);
}

static void set_nat_changes_them(void **state)
{
    hp_scenario *s = load_one("network: {nats: {n: {tcp-rst: ignore, port-quarantine: 1m}}}\npeers: {a: {behind: n}}\n"
                              "steps:\n  - set-nat: {nat: n, tcp-rst: remove, max-tcp-per-host: 7}\n"
                              "  - set-nat: {nat: n, tcp-mapping: address-dependent}\n"
                              "  - set-nat: {nat: n, preset: cgn-rfc6888, port-quarantine: 0}\n");
    const hp_nat_config *first = &s->steps[0].nat.config, *second = &s->steps[1].nat.config;
    hp_nat_config third = hp_nat_preset_find("cgn-rfc6888")->config;

    assert_int_equal(first->tcp_rst, HP_NAT_RST_REMOVE);
    assert_int_equal(first->max_tcp_per_host, 7);
    assert_int_equal(first->tcp_mapping, HP_NAT_BEHAVIOUR_AS_UDP);
    assert_true(first->port_quarantine == 60 * HP_S);
    assert_int_equal(second->tcp_rst, HP_NAT_RST_REMOVE);
    assert_int_equal(second->tcp_mapping, HP_NAT_OWN_ADDRESS_DEPENDENT);
    assert_int_equal(second->max_tcp_per_host, 7);
    assert_true(third.port_quarantine == 120 * HP_S);
    third.port_quarantine = 0;
    assert_memory_equal(&s->steps[2].nat.config, &third, sizeof third);
    assert_string_equal(s->steps[1].nat.text, "tcp-mapping: address-dependent");
    hp_scenario_free(s);
}

static void mappings_may_end_by_a_reset(void **state)
{
    hp_scenario *s = load_one(NAT("") "\nexpect: [mappings: {nat: n, ended: reset, count: 0}]");
    assert_string_equal(s->expects[0].mappings.ended, "reset");
    hp_scenario_free(s);
}

static void mistakes(void **state)
{
    assert_complains(NAT("tcp-maping: as-udp"), "1:22: unknown key `tcp-maping` in network.nats.n "
                                                "(did you mean `tcp-mapping`?)\n");
    /* That word is TCP's filtering only. */
    assert_complains(NAT("tcp-mapping: connection-dependent, icmp-filtering: connection-dependent"),
                     "1:35: `connection-dependent` is not a protocol's own NAT behaviour (one of `as-udp`, "
                     "`endpoint-independent`, `address-dependent`, `address-and-port-dependent`)\n"
                     "1:73: `connection-dependent` is not a protocol's own NAT behaviour (one of `as-udp`, "
                     "`endpoint-independent`, `address-dependent`, `address-and-port-dependent`)\n");
    assert_complains(NAT("tcp-overload: true"), "1:36: `true` is not a choice for TCP "
                                                "(one of `as-udp`, `no`, `yes`)\n");
    assert_complains(NAT("mapping: as-udp"), "1:31: `as-udp` is not a NAT behaviour (RFC 4787) (one of "
                                             "`endpoint-independent`, `address-dependent`, "
                                             "`address-and-port-dependent`)\n");
    assert_complains(NAT("tcp-reset-timeout: 4"), "1:41: `tcp-reset-timeout` must be a duration such as 20ms, "
                                                  "1.5s or 10m, not `4` (add a unit: `4ms` or `4s`)\n");
    assert_complains(NAT("max-tcp-per-host: -1"), "1:40: `max-tcp-per-host` must be from 0 to 4294967295, not -1\n");
}

static void the_documents_tell_of_them(void **state)
{
    static const char syn[] = "network.nats.*.tcp-refresh\n"
                              "steps.*.set-nat.tcp-refresh\n"
                              "  what keeps a connection alive\n"
                              "  type: a refresh direction of TCP\n"
                              "    both      by either\n"
                              "    outbound  by segments from inside\n"
                              "    inbound   by segments from outside\n"
                              "  default: both\n";
    g_autofree char *told = hp_schema_explain("tcp-refresh", NULL);
    assert_string_equal(told, syn);
    g_autofree char *timeout = hp_schema_explain("tcp-fin-timeout", NULL);
    assert_non_null(strstr(timeout, "  default: as tcp-established-timeout\n"));
    g_autofree char *own = hp_schema_explain("tcp-overload", NULL);
    assert_non_null(strstr(own, "  default: as-udp\n"));

    g_autofree char *page = hp_schema_reference();
    const char *part = strstr(page, "\n## protocol-knobs\n"), *knobs = strstr(page, "\n## knobs\n"),
               *nat = strstr(page, "\n## nat\n");
    assert_true(part != NULL && knobs != NULL && nat != NULL && part < knobs && knobs < nat);
    assert_null(strstr(part + 1, "\n## protocol-knobs\n"));
    assert_non_null(strstr(knobs, "| ... | | | and all keys of [protocol-knobs](#protocol-knobs) |\n"));
    assert_non_null(strstr(part, "| `tcp-stray` | a rule for stray segments | drop | "));
    assert_non_null(strstr(part, "| `port-quarantine` | a duration such as 20ms, 1.5s or 10m | none | "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_word_all_is_as_udp),
        cmocka_unit_test(behaviours),
        cmocka_unit_test(answers),
        cmocka_unit_test(times),
        cmocka_unit_test(ports_and_limits),
        cmocka_unit_test(over_a_preset),
        cmocka_unit_test(set_nat_changes_them),
        cmocka_unit_test(mappings_may_end_by_a_reset),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(the_documents_tell_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
