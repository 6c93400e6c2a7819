/* Addresses: text, socket addresses, arithmetic, ranges, prefixes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <netinet/in.h>

#include "base/addr.h"

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static void test_text_round_trip(void **state)
{
    static const char *const texts[] = {
        "192.0.2.1",
        "192.0.2.1:3478",
        "0.0.0.0",
        "255.255.255.255:65535",
        "2001:db8::1",
        "[2001:db8::1]:3478",
        "::",
        "[::1]:9",
        "::ffff:192.0.2.1",
        "2001:db8:1111:2222:3333:4444:5555:6666",
        "[2001:db8:1111:2222:3333:4444:5555:6666]:65535",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        char buf[HP_ADDR_TEXT];
        hp_addr a = addr(texts[i]);
        assert_string_equal(hp_addr_format(&a, buf), texts[i]);
    }
}

static void test_text_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:x",
        "192.0.2.1:-1",
        "[192.0.2.1]:5",
        "[2001:db8::1",
        "[2001:db8::1]x",
        "[2001:db8::1]:",
        "2001:db8::1::",
        "fe80::1%eth0",
        "example.org",
        "192.0.2.1 ",
        " 192.0.2.1",
        "[]:5",
        "192.0.2.1:99999999999999999999",
        "1234:5678:1234:5678:1234:5678:1234:5678:1234:5678:1234:5678:1234:5678",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        hp_addr a = hp_addr_v4(1, 1), before = a;
        assert_false(hp_addr_parse(bad[i], &a));
        assert_true(hp_addr_equal(&a, &before));
    }
}

static void test_flat_bytes(void **state)
{
    hp_addr a = hp_addr_v4(0xc0000201, 3478);
    hp_addr b = addr("192.0.2.1:3478");
    static const uint8_t expected[16] = {192, 0, 2, 1};
    assert_memory_equal(a.ip, expected, 16);
    assert_true(hp_addr_equal(&a, &b));
    assert_true(hp_addr_hash(&a) == hp_addr_hash(&b));
    b = hp_addr_with_port(b, 1);
    assert_false(hp_addr_equal(&a, &b));
    assert_true(hp_addr_same_ip(&a, &b));
    assert_true(hp_addr_hash(&a) != hp_addr_hash(&b));
    g_autoptr(GHashTable) table = g_hash_table_new(hp_addr_key_hash, hp_addr_key_equal);
    g_hash_table_add(table, &a);
    hp_addr same = addr("192.0.2.1:3478");
    assert_true(g_hash_table_contains(table, &same));
    assert_false(g_hash_table_contains(table, &b)); /* another port */

    hp_addr mapped = addr("[::ffff:192.0.2.1]:3478");
    assert_false(hp_addr_same_ip(&a, &mapped));
    assert_true(hp_addr_is_v4_mapped(&mapped));
    assert_false(hp_addr_is_v4_mapped(&a));
    hp_addr none = {0};
    char buf[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(&none, buf), "-");
    assert_string_equal(hp_addr_format_ip(&mapped, buf), "::ffff:192.0.2.1");
}

static void test_sockaddr(void **state)
{
    static const char *const texts[] = {"192.0.2.1:3478", "[2001:db8::1]:3478", "[::]:1"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        hp_addr a = addr(texts[i]), b;
        struct sockaddr_storage sa;
        size_t len = hp_addr_to_sockaddr(&a, &sa);
        assert_int_equal(len, a.family == HP_AF_IPV4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        assert_true(hp_addr_from_sockaddr((struct sockaddr *)&sa, len, &b));
        assert_true(hp_addr_equal(&a, &b));
        assert_false(hp_addr_from_sockaddr((struct sockaddr *)&sa, len - 1, &b));
    }
    hp_addr none = {0};
    struct sockaddr_storage sa;
    assert_int_equal(hp_addr_to_sockaddr(&none, &sa), 0);
    assert_false(hp_addr_from_sockaddr((struct sockaddr *)&sa, sizeof sa, &none));
}

static void test_plus(void **state)
{
    static const struct {
        const char *from;
        uint32_t n;
        const char *to;
    } cases[] = {
        {"192.0.2.1", 0, "192.0.2.1"},
        {"192.0.2.255", 1, "192.0.3.0"},
        {"10.0.0.1:5", 0x01020304, "11.2.3.5:5"},
        {"255.255.255.255", 2, "0.0.0.1"},
        {"2001:db8::ffff:ffff", 1, "2001:db8::1:0:0"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, "::"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char buf[HP_ADDR_TEXT];
        hp_addr a = hp_addr_plus(addr(cases[i].from), cases[i].n);
        assert_string_equal(hp_addr_format(&a, buf), cases[i].to);
    }
}

static void test_ranges(void **state)
{
    /* l loopback, u unspecified, m multicast, k link-local, p private */
    static const struct {
        const char *text, *ranges;
    } cases[] = {
        {"127.0.0.1", "l"},   {"127.255.255.255", "l"}, {"128.0.0.0", ""},    {"::1", "l"},
        {"0.0.0.0", "u"},     {"0.0.0.1", ""},          {"::", "u"},          {"::2", ""},
        {"224.0.0.1", "m"},   {"239.255.255.255", "m"}, {"240.0.0.0", ""},    {"ff02::1", "m"},
        {"169.254.0.1", "k"}, {"169.255.0.1", ""},      {"fe80::1", "k"},     {"febf::1", "k"},
        {"fec0::1", ""},      {"10.1.2.3", "p"},        {"172.16.0.1", "p"},  {"172.31.255.255", "p"},
        {"172.32.0.0", ""},   {"172.15.255.255", ""},   {"192.168.1.1", "p"}, {"192.169.0.0", ""},
        {"100.64.0.0", "p"},  {"100.127.255.255", "p"}, {"100.128.0.0", ""},  {"100.63.255.255", ""},
        {"fc00::1", "p"},     {"fdff::1", "p"},         {"fe00::1", ""},      {"192.0.2.1", ""},
        {"2001:db8::1", ""},  {"::ffff:127.0.0.1", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_addr a = addr(cases[i].text);
        const char *r = cases[i].ranges;
        assert_int_equal(hp_addr_is_loopback(&a), strchr(r, 'l') != NULL);
        assert_int_equal(hp_addr_is_unspecified(&a), strchr(r, 'u') != NULL);
        assert_int_equal(hp_addr_is_multicast(&a), strchr(r, 'm') != NULL);
        assert_int_equal(hp_addr_is_link_local(&a), strchr(r, 'k') != NULL);
        assert_int_equal(hp_addr_is_private(&a), strchr(r, 'p') != NULL);
    }
}

static void test_prefix(void **state)
{
    static const struct {
        const char *prefix, *inside, *outside;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        {"192.0.2.128/25", "192.0.2.200", "192.0.2.127"},
        {"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
        {"0.0.0.0/0", "203.0.113.9", "::"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
        {"::/0", "2001:db8::1", "192.0.2.1"},
        {"2001:db8::1/128", "2001:db8::1", "2001:db8::2"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_prefix p;
        char buf[HP_ADDR_TEXT];
        hp_addr inside = addr(cases[i].inside), outside = addr(cases[i].outside);
        assert_true(hp_prefix_parse(cases[i].prefix, &p));
        assert_string_equal(hp_prefix_format(&p, buf), cases[i].prefix);
        assert_true(hp_prefix_contains(&p, &inside));
        assert_false(hp_prefix_contains(&p, &outside));
    }
    hp_prefix lone;
    assert_true(hp_prefix_parse("192.0.2.1", &lone));
    assert_int_equal(lone.bits, 32);
    assert_true(hp_prefix_parse("2001:db8::1", &lone));
    assert_int_equal(lone.bits, 128);

    static const char *const bad[] = {
        "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "/8", "", "2001:db8::1/64", "::/129", "10.0.0.0:5/8",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_false(hp_prefix_parse(bad[i], &lone));
        assert_int_equal(lone.bits, 128);
    }
    hp_addr none = {0};
    hp_prefix nothing = {0};
    assert_false(hp_prefix_contains(&nothing, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_round_trip), cmocka_unit_test(test_text_refused), cmocka_unit_test(test_flat_bytes),
        cmocka_unit_test(test_sockaddr),        cmocka_unit_test(test_plus),         cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
