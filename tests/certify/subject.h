/* Certificates in tests: both halves of one, and how they compare. */
#ifndef HP_TESTS_CERTIFY_SUBJECT_H
#define HP_TESTS_CERTIFY_SUBJECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "certify/certify.h"
#include "certify/declare.h"

static inline hp_certificate *observe(const hp_nat_config *nat, const hp_firewall_config *firewall, uint64_t seed,
                                      uint8_t family)
{
    const hp_certify_subject s = {.nat = nat, .firewall = firewall, .seed = seed, .family = family};
    g_autoptr(GError) error = NULL;
    hp_certificate *c = hp_certify_observe(&s, &error);
    if (!c)
        fail_msg("%s", error->message);
    return c;
}

static inline hp_certificate *declare(const hp_nat_config *nat, const hp_firewall_config *firewall)
{
    const hp_certify_subject s = {.nat = nat, .firewall = firewall};
    return hp_certify_declare(&s);
}

static inline bool differs_on(const hp_certificate *a, const hp_certificate *b, hp_property property)
{
    hp_property found[HP_PROP_N];
    unsigned n = hp_certificate_differences(a, b, found);
    for (unsigned i = 0; i < n; i++) {
        if (found[i] == property)
            return true;
    }
    return false;
}

/* "udp-mapping: expected X, got Y; ...", "" when they are the same. */
static inline char *tell_differences(const hp_certificate *observed, const hp_certificate *declared)
{
    GString *s = g_string_new("");
    hp_property found[HP_PROP_N];
    unsigned n = hp_certificate_differences(observed, declared, found);
    for (unsigned i = 0; i < n; i++) {
        const hp_finding *got = &observed->findings[found[i]], *expected = &declared->findings[found[i]];
        g_string_append_printf(s, "\n    %s: expected %s`%s`, got %s`%s`", hp_property_get(found[i])->key,
                               expected->known ? "" : "(unknown) ", expected->text, got->known ? "" : "(unknown) ",
                               got->text);
    }
    return g_string_free(s, FALSE);
}

static inline void assert_certified(const char *what, const hp_certificate *observed, const hp_certificate *declared)
{
    g_autofree char *differences = tell_differences(observed, declared);
    if (*differences)
        fail_msg("%s is not what it declares:%s", what, differences);
}

#define assert_finding(c, property, words)                                                                             \
    do {                                                                                                               \
        assert_true((c)->findings[property].known);                                                                    \
        assert_string_equal((c)->findings[property].text, words);                                                      \
    } while (0)

#endif
