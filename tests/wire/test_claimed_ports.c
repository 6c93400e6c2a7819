/* Ports that a viewer would misread. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wire/claimed_ports.h"

static void known_ones_are_claimed(void **state)
{
    assert_true(hp_port_is_claimed(54328)); /* elasticsearch */
    assert_true(hp_port_is_claimed(60001)); /* the last of the table */
    assert_false(hp_port_is_claimed(49152));
    assert_false(hp_port_is_claimed(65535));
    assert_false(hp_port_is_claimed(0));
}

static void few_are(void **state)
{
    unsigned dynamic = 0;
    for (unsigned port = 49152; port <= 65535; port++)
        dynamic += hp_port_is_claimed((uint16_t)port);
    assert_in_range(dynamic, 1, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_ones_are_claimed), cmocka_unit_test(few_are)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
