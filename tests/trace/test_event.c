/* Names of events and drop reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "trace/event.h"

static void names_read_back(void **state)
{
    unsigned n = 0;
    for (const char *const *name = hp_event_names(); *name != NULL; name++, n++) {
        hp_event_kind kind = HP_EV_N;
        assert_true(hp_event_from_name(*name, &kind));
        assert_int_equal(kind, n);
        assert_string_equal(hp_event_name(kind), *name);
        assert_string_not_equal(hp_event_doc(kind), "");
    }
    assert_int_equal(n, HP_EV_N);
    n = 0;
    for (const char *const *name = hp_drop_names(); *name != NULL; name++, n++) {
        hp_drop_reason reason = HP_DROP_N;
        assert_true(hp_drop_from_name(*name, &reason));
        assert_int_equal(reason, n);
        assert_string_equal(hp_drop_name(reason), *name);
        assert_string_not_equal(hp_drop_doc(reason), "");
    }
    assert_int_equal(n, HP_DROP_N);
}

static void rows_stay_together(void **state)
{
    assert_string_equal(hp_event_name(HP_EV_ICE_STATE), "ice-state");
    assert_string_equal(hp_event_fields(HP_EV_ICE_STATE), "session:u with:s stream:u component:u state:s previous:s");
    assert_string_equal(hp_event_subject(HP_EV_ICE_STATE), "peer");
    assert_string_equal(hp_drop_name(HP_DROP_NAT_FILTERED), "filtered");
    assert_string_equal(hp_drop_doc(HP_DROP_NAT_FILTERED), "the NAT's filtering behaviour");
}

static void unknown_names_leave_the_output_alone(void **state)
{
    hp_event_kind kind = HP_EV_FLOW;
    assert_false(hp_event_from_name("ice-stat", &kind));
    assert_int_equal(kind, HP_EV_FLOW);
    hp_drop_reason reason = HP_DROP_RULE;
    assert_false(hp_drop_from_name("", &reason));
    assert_int_equal(reason, HP_DROP_RULE);
    assert_string_equal(hp_event_name(HP_EV_N), "unknown");
    assert_string_equal(hp_drop_name(HP_DROP_N), "unknown");
}

/* Every entry of a field list reads key:type with a type that the trace can hold, and no key comes twice. */
static void field_lists_are_well_formed(void **state)
{
    for (unsigned kind = 0; kind < HP_EV_N; kind++) {
        g_auto(GStrv) fields = g_strsplit(hp_event_fields((hp_event_kind)kind), " ", -1);
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (char **field = fields; *field != NULL; field++) {
            const char *colon = strchr(*field, ':');
            assert_non_null(colon);
            assert_non_null(strchr("uitsa", colon[1]));
            assert_int_equal(colon[2], '\0');
            assert_true(g_hash_table_add(seen, g_strndup(*field, (gsize)(colon - *field))));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_read_back),
        cmocka_unit_test(rows_stay_together),
        cmocka_unit_test(unknown_names_leave_the_output_alone),
        cmocka_unit_test(field_lists_are_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
