/* Requirements are judged by what was observed, and every one of them is judged or says why it cannot be. */
#include "certify/subject.h"

#include "certify/requirements.h"

static hp_certificate *certificate_of(const char *name)
{
    const hp_nat_preset *preset = hp_nat_preset_find(name);
    assert_non_null(preset);
    return observe(&preset->config, NULL, 1, HP_AF_IPV4);
}

/* The n-th row of that number, from 0; a requirement may have two. */
static hp_requirement_verdict judge(const hp_certificate *c, const char *rfc, const char *number, unsigned nth,
                                    char **ret_reason)
{
    for (unsigned i = 0; i < hp_requirements_count(); i++) {
        const hp_requirement *r = hp_requirement_get(i);
        if (strcmp(r->rfc, rfc) == 0 && strcmp(r->number, number) == 0 && nth-- == 0)
            return hp_requirement_judge(i, c, ret_reason);
    }
    fail_msg("there is no %s %s", rfc, number);
    return HP_REQUIREMENT_N_VERDICTS;
}

#define assert_judged(c, rfc, number, verdict)                                                                         \
    do {                                                                                                               \
        g_autofree char *reason_ = NULL;                                                                               \
        hp_requirement_verdict got_ = judge((c), (rfc), (number), 0, &reason_);                                        \
        if (got_ != (verdict))                                                                                         \
            fail_msg("%s %s: expected %s, got %s (%s)", (rfc), (number), hp_requirement_verdict_name(verdict),         \
                     hp_requirement_verdict_name(got_), reason_);                                                      \
    } while (0)

#define PASS HP_REQUIREMENT_PASS
#define FAIL HP_REQUIREMENT_FAIL
#define UNSEEN HP_REQUIREMENT_UNSEEN

static void the_good_nat_fails_nothing_of_three_rfcs(void **state)
{
    g_autoptr(hp_certificate) c = certificate_of("rfc4787");
    unsigned passed = 0;
    for (unsigned i = 0; i < hp_requirements_count(); i++) {
        const hp_requirement *r = hp_requirement_get(i);
        g_autofree char *reason = NULL;
        if (strcmp(r->rfc, "RFC 6888") == 0)
            continue;
        hp_requirement_verdict verdict = hp_requirement_judge(i, c, &reason);
        if (verdict == FAIL)
            fail_msg("%s %s: %s", r->rfc, r->number, reason);
        passed += verdict == PASS;
    }
    assert_int_equal(passed, 30);
}

static void the_good_carrier_fails_nothing_of_rfc_6888(void **state)
{
    g_autoptr(hp_certificate) c = certificate_of("cgn-rfc6888");
    assert_judged(c, "RFC 6888", "REQ-1", PASS);
    assert_judged(c, "RFC 6888", "REQ-2", PASS);
    assert_judged(c, "RFC 6888", "REQ-4", PASS);
    assert_judged(c, "RFC 6888", "REQ-7", PASS);
    assert_judged(c, "RFC 6888", "REQ-8", PASS);
    assert_judged(c, "RFC 6888", "REQ-9", UNSEEN);
    assert_judged(c, "RFC 6888", "REQ-11b", PASS);
    assert_judged(c, "RFC 6888", "REQ-11d", PASS);
    assert_judged(c, "RFC 6888", "REQ-15", PASS);

    g_autoptr(hp_certificate) fixed = certificate_of("cgn-deterministic");
    assert_judged(fixed, "RFC 6888", "REQ-8", PASS); /* by its exception b */
}

static void bad_nats_fail_what_they_break(void **state)
{
    g_autoptr(hp_certificate) netfilter = certificate_of("linux-netfilter");
    assert_judged(netfilter, "RFC 4787", "REQ-1", FAIL);
    assert_judged(netfilter, "RFC 4787", "REQ-3", FAIL);
    assert_judged(netfilter, "RFC 4787", "REQ-3a", PASS);
    assert_judged(netfilter, "RFC 4787", "REQ-5", FAIL); /* 30 s until answered */
    assert_judged(netfilter, "RFC 4787", "REQ-9", FAIL);
    assert_judged(netfilter, "RFC 4787", "REQ-11", FAIL);
    assert_judged(netfilter, "RFC 4787", "REQ-14", PASS);
    assert_judged(netfilter, "RFC 5382", "REQ-4", FAIL); /* a RST at once */
    assert_judged(netfilter, "RFC 5508", "REQ-2", FAIL);
    assert_judged(netfilter, "RFC 6888", "REQ-1", FAIL);
    assert_judged(netfilter, "RFC 6888", "REQ-8", FAIL);

    g_autoptr(hp_certificate) internal = certificate_of("hairpin-internal-source");
    assert_judged(internal, "RFC 4787", "REQ-9", PASS);
    assert_judged(internal, "RFC 4787", "REQ-9a", FAIL);

    g_autoptr(hp_certificate) fragile = certificate_of("icmp-fragile");
    assert_judged(fragile, "RFC 4787", "REQ-12", FAIL);
    assert_judged(fragile, "RFC 5382", "REQ-10", FAIL);

    g_autoptr(hp_certificate) strict = certificate_of("cgn-strict");
    assert_judged(strict, "RFC 6888", "REQ-2", FAIL);
    assert_judged(strict, "RFC 5382", "REQ-5", FAIL);
    assert_judged(strict, "RFC 5382", "REQ-4", PASS); /* silence, as 4a allows */

    g_autoptr(hp_certificate) table = certificate_of("small-table");
    assert_judged(table, "RFC 6888", "REQ-11d", FAIL);
    g_autoptr(hp_certificate) pieces = certificate_of("no-fragments");
    assert_judged(pieces, "RFC 4787", "REQ-14", FAIL);
    assert_judged(pieces, "RFC 4787", "REQ-12b", FAIL);
    assert_judged(pieces, "RFC 5508", "REQ-4", UNSEEN);
}

static void transitory_timers_are_a_row_of_their_own(void **state)
{
    g_autoptr(hp_certificate) c = certificate_of("openbsd-pf");
    g_autofree char *established = NULL, *transitory = NULL;
    assert_int_equal(judge(c, "RFC 5382", "REQ-5", 0, &established), PASS); /* one day */
    assert_int_equal(judge(c, "RFC 5382", "REQ-5", 1, &transitory), FAIL);
    assert_non_null(strstr(transitory, "TCP timer, SYN answered: 30 s"));
}

static void what_does_not_leave_cannot_be_judged(void **state)
{
    g_autoptr(hp_certificate) c = certificate_of("udp-blocking-office");
    assert_judged(c, "RFC 4787", "REQ-1", UNSEEN);
    assert_judged(c, "RFC 4787", "REQ-5", UNSEEN);
    assert_judged(c, "RFC 6888", "REQ-1", PASS); /* what shows of RFC 4787 are its ICMP errors */
    assert_judged(c, "RFC 5382", "REQ-1", PASS);
    g_autofree char *reason = NULL;
    judge(c, "RFC 4787", "REQ-1", 0, &reason);
    assert_string_equal(reason, "UDP mapping: no UDP leaves");
}

static void every_judgement_has_a_reason(void **state)
{
    g_autoptr(hp_certificate) c = certificate_of("captive-portal");
    for (unsigned i = 0; i < hp_requirements_count(); i++) {
        g_autofree char *reason = NULL;
        assert_true(hp_requirement_judge(i, c, &reason) < HP_REQUIREMENT_N_VERDICTS);
        assert_true(strlen(reason) > 0);
        assert_non_null(hp_requirement_get(i)->text);
    }
}

/* The form itself. */
static void ports_are_told_as_ranges(void **state)
{
    g_autoptr(hp_certificate) c = hp_certificate_new();
    g_autofree bool *ports = g_new0(bool, 65536);
    hp_certificate_say_ports(c, HP_PROP_UDP_LEAVES, ports);
    assert_finding(c, HP_PROP_UDP_LEAVES, "none");
    ports[53] = ports[443] = ports[444] = ports[65535] = true;
    hp_certificate_say_ports(c, HP_PROP_UDP_LEAVES, ports);
    assert_finding(c, HP_PROP_UDP_LEAVES, "53, 443-444, 65535");
    memset(ports, 1, 65536);
    hp_certificate_say_ports(c, HP_PROP_UDP_LEAVES, ports);
    assert_finding(c, HP_PROP_UDP_LEAVES, "all");
    ports[1] = ports[5060] = ports[5061] = false;
    hp_certificate_say_ports(c, HP_PROP_UDP_LEAVES, ports);
    assert_finding(c, HP_PROP_UDP_LEAVES, "all but 1, 5060-5061");
}

static void times_are_told_to_the_millisecond(void **state)
{
    g_autofree char *whole = hp_certificate_time_text(120 * HP_S), *part = hp_certificate_time_text(1500 * HP_MS);
    g_autofree char *up = hp_certificate_time_text(HP_MS + 1);
    assert_string_equal(whole, "120 s");
    assert_string_equal(part, "1.500 s");
    assert_string_equal(up, "0.002 s");
}

static void timers_are_observed_to_the_millisecond(void **state)
{
    hp_nat_config config = hp_nat_config_default();
    config.udp_timeout = 1234567 * HP_US;
    config.tcp_established_timeout = 5 * 86400 * HP_S + 7 * HP_MS;
    g_autoptr(hp_certificate) observed = observe(&config, NULL, 1, HP_AF_IPV4);
    g_autoptr(hp_certificate) declared = declare(&config, NULL);
    assert_finding(observed, HP_PROP_UDP_TIMER, "1.235 s");
    assert_finding(observed, HP_PROP_TCP_TIMER_ESTABLISHED, "432000.007 s");
    assert_certified("a NAT with odd timers", observed, declared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_nat_fails_nothing_of_three_rfcs),
        cmocka_unit_test(the_good_carrier_fails_nothing_of_rfc_6888),
        cmocka_unit_test(bad_nats_fail_what_they_break),
        cmocka_unit_test(transitory_timers_are_a_row_of_their_own),
        cmocka_unit_test(what_does_not_leave_cannot_be_judged),
        cmocka_unit_test(every_judgement_has_a_reason),
        cmocka_unit_test(ports_are_told_as_ranges),
        cmocka_unit_test(times_are_told_to_the_millisecond),
        cmocka_unit_test(timers_are_observed_to_the_millisecond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
