/* Diagnostics as text, their order, and the nearest word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/error.h"

static void test_format(void **state)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    char file[] = "call.yaml";

    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){file, 3, 11}, "  preset: symetric\n", "did you mean `symmetric`?",
                 "no preset `%s`", "symetric");
    hp_diags_add(diags, HP_SEVERITY_WARNING, (hp_mark){file, 0, 0}, NULL, NULL, "no step uses `%s`", "turn");
    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){file, 7, 0}, "x", NULL, "no column");
    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){NULL, 0, 0}, NULL, NULL, "no place");
    file[0] = 'X'; /* the name was copied */
    g_autofree char *text = hp_diags_format(diags);
    assert_string_equal(text, "call.yaml:3:11: error: no preset `symetric` (did you mean `symmetric`?)\n"
                              "    preset: symetric\n"
                              "            ^\n"
                              "call.yaml: warning: no step uses `turn`\n"
                              "call.yaml:7: error: no column\n"
                              "  x\n"
                              "error: no place\n");
    assert_int_equal(diags->n_errors, 3);
    assert_int_equal(diags->n_warnings, 1);
}

static void test_caret(void **state)
{
    static const struct {
        const char *line;
        unsigned column;
        const char *caret;
    } cases[] = {
        {"abc", 1, "  ^\n"},          {"abc", 3, "    ^\n"},
        {"\ta\tbc", 4, "  \t \t^\n"}, {"\xc3\xa4\xe2\x82\xac: x", 5, "      ^\n"}, /* two characters of five bytes */
        {"ab", 9, "    ^\n"}, /* past the end: at the end */
        {"a\xff\x80z", 3, "    ^\n"}, /* not UTF-8 */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(hp_diags) diags = hp_diags_new();
        hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){"f", 1, cases[i].column}, cases[i].line, NULL, "m");
        g_autofree char *text = hp_diags_format(diags);
        g_autofree char *expected =
            g_strdup_printf("f:1:%u: error: m\n  %s\n%s", cases[i].column, cases[i].line, cases[i].caret);
        assert_string_equal(text, expected);
    }
}

static void test_order(void **state)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    hp_diags_add(diags, HP_SEVERITY_WARNING, (hp_mark){"a", 1, 1}, NULL, NULL, "w1");
    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){"b", 1, 1}, NULL, NULL, "e5");
    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){"a", 10, 1}, NULL, NULL, "e4");
    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){"a", 9, 2}, NULL, NULL, "e2");
    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){"a", 9, 2}, NULL, NULL, "e3");
    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){"a", 9, 1}, NULL, NULL, "e1");
    hp_diags_sort(diags);
    static const char *const expected[] = {"e1", "e2", "e3", "e4", "e5", "w1"};
    for (unsigned i = 0; i < 6; i++) {
        const hp_diag *d = g_ptr_array_index(diags->list, i);
        assert_string_equal(d->message, expected[i]);
    }
    hp_diags_free(NULL);
}

static void test_nearest_word(void **state)
{
    static const char *const words[] = {
        "symmetric", "full-cone", "restricted-cone", "delay", "jitter", "loss", "dealy-max", "udp", "at", "", "boss"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"symetric", "symmetric"},
        {"Symmetric", "symmetric"},
        {"fullcone", "full-cone"},
        {"restricted", "restricted-cone"},
        {"dleay", "delay"},
        {"jiter", "jitter"},
        {"lsos", "loss"},
        {"moss", "loss"}, /* a tie goes to the first of the table */
        {"upd", "udp"},
        {"xyz", NULL},
        {"", NULL},
        {"a", "at"},
        {"zq", NULL},
        {"completely-else", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *nearest = hp_nearest_word(cases[i].word, words, G_N_ELEMENTS(words));
        if (cases[i].nearest == NULL) {
            assert_null(nearest);
        } else {
            assert_non_null(nearest);
            assert_string_equal(nearest, cases[i].nearest);
        }
    }
    assert_null(hp_nearest_word("x", NULL, 0));
}

static void test_error_domain(void **state)
{
    g_autoptr(GError) error = g_error_new(HP_ERROR, HP_ERROR_LIMIT, "x");
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_LIMIT));
    assert_string_equal(g_quark_to_string(HP_ERROR), "hp-error-quark");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),       cmocka_unit_test(test_caret),        cmocka_unit_test(test_order),
        cmocka_unit_test(test_nearest_word), cmocka_unit_test(test_error_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
