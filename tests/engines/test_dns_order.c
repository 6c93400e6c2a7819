/* Destination address selection: the rules of RFC 6724 section 6 that a host can follow, each with a case of its
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "engines/dns_order.h"

/* "a b c" in order, and how many can be used behind it: "b a c/2". */
static char *order(const char *addresses, const char *sources)
{
    g_auto(GStrv) of = g_strsplit(addresses, " ", -1), from = g_strsplit(sources, " ", -1);
    hp_addr a[8], s[8];
    unsigned n = 0, n_sources = 0;
    for (char **text = of; *text != NULL; text++) {
        assert_true(hp_addr_parse(*text, &a[n++]));
    }
    for (char **text = from; *text != NULL; text++) {
        assert_true(hp_addr_parse(*text, &s[n_sources++]));
    }
    unsigned usable = hp_dns_order(a, n, s, n_sources);
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < n; i++) {
        char text[HP_ADDR_TEXT];
        g_string_append_printf(out, "%s%s", i > 0 ? " " : "", hp_addr_format(&a[i], text));
    }
    g_string_append_printf(out, "/%u", usable);
    return g_string_free(out, FALSE);
}

#define assert_order(addresses, sources, expected)                                                                     \
    do {                                                                                                               \
        g_autofree char *got_ = order(addresses, sources);                                                             \
        assert_string_equal(got_, expected);                                                                           \
    } while (0)

static void ipv6_first_by_precedence(void **state)
{
    assert_order("192.0.2.1 2001:db8::1", "198.51.100.1 2001:db8:1::1", "2001:db8::1 192.0.2.1/2");
    assert_order("2001:db8::1 192.0.2.1", "2001:db8:1::1 198.51.100.1", "2001:db8::1 192.0.2.1/2");
    /* what a NAT64 leads to is as good as any IPv6 */
    assert_order("192.0.2.1 64:ff9b::c000:201", "198.51.100.1 2001:db8:1::1", "64:ff9b::c000:201 192.0.2.1/2");
}

static void without_a_source_last(void **state)
{
    assert_order("2001:db8::1 192.0.2.1", "198.51.100.1", "192.0.2.1 2001:db8::1/1");
    assert_order("192.0.2.1 2001:db8::1", "2001:db8:1::1", "2001:db8::1 192.0.2.1/1");
    assert_order("192.0.2.1", "2001:db8:1::1", "192.0.2.1/0");
    assert_order("192.0.2.1 2001:db8::1", "", "2001:db8::1 192.0.2.1/0");
    assert_order("", "192.0.2.1", "/0");
}

/* Rule 5 comes before rule 6: a host whose only IPv6 address is a unique local one does better by IPv4. */
static void matching_labels_before_precedence(void **state)
{
    assert_order("2001:db8::1 192.0.2.1", "fd00::1 198.51.100.1", "192.0.2.1 2001:db8::1/2");
    assert_order("fd00::9 192.0.2.1", "fd00::1 198.51.100.1", "192.0.2.1 fd00::9/2"); /* both match: precedence 3, 35 */
    assert_order("2002:c000:201::1 192.0.2.1", "2002:c000:202::1 198.51.100.1", "192.0.2.1 2002:c000:201::1/2");
}

static void matching_scope_before_all_that(void **state)
{
    assert_order("fe80::1 192.0.2.1", "2001:db8::1 198.51.100.1", "192.0.2.1 fe80::1/2");
    /* rule 8: of equals the smaller scope */
    assert_order("2001:db8::1 fe80::1", "2001:db8::2 fe80::2", "fe80::1 2001:db8::1/2");
}

static void otherwise_as_they_came(void **state)
{
    assert_order("192.0.2.2 192.0.2.1 192.0.2.3", "198.51.100.1", "192.0.2.2 192.0.2.1 192.0.2.3/3");
    assert_order("2001:db8::2 192.0.2.2 2001:db8::1 192.0.2.1", "198.51.100.1 2001:db8:1::1",
                 "2001:db8::2 2001:db8::1 192.0.2.2 192.0.2.1/4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv6_first_by_precedence),
        cmocka_unit_test(without_a_source_last),
        cmocka_unit_test(matching_labels_before_precedence),
        cmocka_unit_test(matching_scope_before_all_that),
        cmocka_unit_test(otherwise_as_they_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
