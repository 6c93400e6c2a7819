/* DNS64 in the DNS server (RFC 6147, RFC 7050). */
#include "engines/dns_server_rig.h"

/* RFC 6147 section 7.1's addresses; section 5.1.7's TTL. */
static void test_dns64(void **state)
{
    rig *r = *state;
    r->config.dns64.on = true;
    start(r);
    ask(r, "turn.example", HP_DNS_AAAA);
    assert_answer(r, HP_DNS_NOERROR, 2, 0);
    assert_address(r, 0, "64:ff9b::c000:201");
    assert_int_equal(record(r, 0).ttl, 60);
    assert_int_equal(r->event.verdict, HP_DNS_SYNTHESISED);
    /* 5.1.1: not where there is one. */
    ask(r, "both.example", HP_DNS_AAAA);
    assert_answer(r, HP_DNS_NOERROR, 1, 0);
    assert_address(r, 0, "2001:db8::3");
    assert_int_equal(r->event.verdict, HP_DNS_ANSWERED);
    /* 5.1.4: IPv4-mapped ones count as absent. */
    ask(r, "mapped.example", HP_DNS_AAAA);
    assert_answer(r, HP_DNS_NOERROR, 1, 0);
    assert_address(r, 0, "64:ff9b::c000:208");
    /* 5.1.5: chains come along. */
    ask(r, "alias.example", HP_DNS_AAAA);
    assert_answer(r, HP_DNS_NOERROR, 3, 0);
    assert_int_equal(record(r, 0).type, HP_DNS_CNAME);
    /* 5.1.2: NXDOMAIN stays; A answers stay. */
    ask(r, "nobody.example", HP_DNS_AAAA);
    assert_answer(r, HP_DNS_NXDOMAIN, 0, 1);
    ask(r, "turn.example", HP_DNS_A);
    assert_address(r, 0, "192.0.2.1");
    /* 5.5: a client that asks for DNSSEC and checks itself. */
    ask_with(r, "turn.example", HP_DNS_AAAA, HP_DNS_RD | HP_DNS_CD, 1232, true, false);
    assert_answer(r, HP_DNS_NOERROR, 0, 1);
    /* RFC 6052 section 3.1. */
    ask(r, "home.example", HP_DNS_AAAA);
    assert_answer(r, HP_DNS_NOERROR, 0, 1);
    /* RFC 7050 section 3. */
    ask(r, "ipv4only.arpa", HP_DNS_AAAA);
    assert_answer(r, HP_DNS_NOERROR, 2, 0);
    assert_address(r, 0, "64:ff9b::c000:aa");
    assert_address(r, 1, "64:ff9b::c000:ab");
}

static void test_dns64_prefix(void **state)
{
    rig *r = *state;
    hp_prefix exclude;
    r->config.dns64.on = true;
    assert_true(hp_prefix_parse("2001:db8:64::/48", &r->config.dns64.prefix));
    assert_true(hp_prefix_parse("2001:db8::/64", &exclude));
    r->config.dns64.exclude = &exclude;
    r->config.dns64.n_exclude = 1;
    start(r);
    ask(r, "home.example", HP_DNS_AAAA);
    assert_address(r, 0, "2001:db8:64:a00:0:100::");
    ask(r, "both.example", HP_DNS_AAAA);
    assert_answer(r, HP_DNS_NOERROR, 1, 0);
    assert_address(r, 0, "2001:db8:64:c000:2:300::");
    assert_true(hp_prefix_parse("2001:db8:64::/52", &r->config.dns64.prefix));
    static const hp_dns_server_ops ops = {.send = on_send};
    g_autoptr(GError) error = NULL;
    assert_null(hp_dns_server_new(&r->config, &ops, r, &error));
    assert_non_null(error);
}

/* Section 5.3.1, the second option. */
static void test_dns64_reverse(void **state)
{
    rig *r = *state;
    r->config.dns64.on = true;
    start(r);
    ask(r, "1.0.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa", HP_DNS_PTR);
    assert_answer(r, HP_DNS_NOERROR, 2, 0);
    char text[HP_DNS_NAME_TEXT];
    hp_dns_record cname = record(r, 0), ptr = record(r, 1);
    assert_int_equal(cname.type, HP_DNS_CNAME);
    assert_string_equal(hp_dns_name_format(&cname.target, text), "1.2.0.192.in-addr.arpa");
    assert_string_equal(hp_dns_name_format(&ptr.target, text), "turn.example");
    ask(r, "7.7.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa", HP_DNS_PTR);
    assert_answer(r, HP_DNS_NXDOMAIN, 0, 1);
}

static void test_bad_config(void **state)
{
    static const hp_dns_server_ops ops = {.send = on_send};
    hp_addr a = addr_of("192.0.2.1");
    hp_dns_host bad[][2] = {
        {{.name = "a..b"}, {.name = "x"}},
        {{.name = "a", .cname = ""}, {.name = "x"}},
        {{.name = "a", .cname = "b", .addresses = &a, .n_addresses = 1}, {.name = "x"}},
        {{.name = "a", .cname = "b"}, {.name = "A", .addresses = &a, .n_addresses = 1}},
        {{.name = "a", .addresses = &a, .n_addresses = 1}, {.name = "a", .cname = "b"}},
        {{.name = "a", .cname = "b"}, {.name = "a", .cname = "c"}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        hp_dns_config config = {.hosts = bad[i], .n_hosts = 2};
        g_autoptr(GError) error = NULL;
        assert_null(hp_dns_server_new(&config, &ops, NULL, &error));
        assert_non_null(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dns64, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dns64_prefix, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dns64_reverse, setup, teardown),
        cmocka_unit_test(test_bad_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
