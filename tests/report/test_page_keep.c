/* Which entries of a long ladder a page keeps, and where the packets are told that expectations name. */
#include "report/fixture.h"

#include "report/page_private.h"

/* Entries 0 to n - 1, a millisecond apart, of packets 1 to n. */
static hp_ladder *ladder_of(unsigned n)
{
    hp_ladder *l = g_new0(hp_ladder, 1);
    l->entries = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < n; i++) {
        hp_ladder_entry *e = g_new0(hp_ladder_entry, 1);
        *e = (hp_ladder_entry){
            .at = i * HP_MS, .last = i * HP_MS, .shape = HP_LADDER_ARROW, .count = 1, .packet = i + 1};
        g_ptr_array_add(l->entries, e);
    }
    return l;
}

static hp_ladder_entry *entry(const hp_ladder *l, unsigned i)
{
    return g_ptr_array_index(l->entries, i);
}

/* What is kept as ranges: "0-4 7 9-9". */
static char *kept_of(hp_ladder *l, const char *result, unsigned cap)
{
    g_autoptr(JsonNode) node = json_from_string(result, NULL);
    g_autoptr(GArray) kept = hp_page_keep(l, json_node_get_object(node), cap);
    assert_true(kept->len <= cap);
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < kept->len;) {
        const unsigned from = g_array_index(kept, unsigned, i);
        unsigned to = from;
        while (i < kept->len && g_array_index(kept, unsigned, i) == to) {
            i++;
            to++;
        }
        g_string_append_printf(text, "%s%u-%u", text->len > 0 ? " " : "", from, to - 1);
    }
    g_ptr_array_unref(l->entries);
    g_free(l);
    return g_string_free(text, FALSE);
}

static void a_short_ladder_is_whole(void **state)
{
    g_autofree char *kept = kept_of(ladder_of(100), "{}", 100);
    assert_string_equal(kept, "0-99");
    g_autofree char *none = kept_of(ladder_of(0), "{}", 100);
    assert_string_equal(none, "");
}

static void beginning_and_end(void **state)
{
    g_autofree char *kept = kept_of(ladder_of(1000), "{}", 100);
    assert_string_equal(kept, "0-49 950-999");
}

/* A failure in the middle, with five entries (a twentieth of the cap) on either side. */
static void what_surrounds_a_failure(void **state)
{
    hp_ladder *l = ladder_of(1000);
    entry(l, 500)->bad = true;
    g_autofree char *kept = kept_of(l, "{}", 100);
    assert_string_equal(kept, "0-44 495-505 956-999");
}

/* Sixty failures take no more than half of the room: the first and the last of them. */
static void many_failures_leave_room(void **state)
{
    hp_ladder *l = ladder_of(1000);
    for (unsigned i = 0; i < 60; i++) {
        entry(l, 300 + 2 * i)->bad = true;
    }
    g_autofree char *kept = kept_of(l, "{}", 100);
    assert_true(g_str_has_prefix(kept, "0-25 300-300 302-302 "));
    assert_non_null(strstr(kept, " 346-346 372-372 "));
    assert_true(g_str_has_suffix(kept, " 418-418 974-999"));
}

static void what_concerns_everyone(void **state)
{
    hp_ladder *l = ladder_of(1000);
    for (unsigned i = 0; i < 1000; i += 100) {
        entry(l, i)->shape = HP_LADDER_ACROSS;
    }
    g_autofree char *kept = kept_of(l, "{}", 100);
    assert_string_equal(kept, "0-45 100-100 200-200 300-300 400-400 500-500 600-600 700-700 800-800 900-900 955-999");
}

static void packets_of_expectations(void **state)
{
    g_autofree char *kept = kept_of(ladder_of(1000),
                                    "{\"expectations\":[{\"packet\":701},{\"packet\":null},{\"packet\":0},7,"
                                    "{\"packet\":99999}]}",
                                    100);
    assert_string_equal(kept, "0-49 700-700 951-999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_ladder_is_whole),  cmocka_unit_test(beginning_and_end),
        cmocka_unit_test(what_surrounds_a_failure), cmocka_unit_test(many_failures_leave_room),
        cmocka_unit_test(what_concerns_everyone),   cmocka_unit_test(packets_of_expectations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
