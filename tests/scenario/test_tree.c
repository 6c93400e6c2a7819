/* YAML itself: what the tree keeps, what it refuses, and that a hostile file costs little. */
#include "fixture.h"

#include "scenario/tree.h"

static const hp_tree *tree_of(const char *text, hp_arena *arena)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    hp_source source = {"t.yaml", text, strlen(text)};
    const hp_tree *tree = hp_tree_parse(&source, arena, diags);
    g_autofree char *said = hp_diags_format(diags);
    assert_string_equal(said, "");
    return tree;
}

static void marks_are_where_things_begin(void **state)
{
    g_autoptr(hp_arena) arena = hp_arena_new();
    const hp_tree *t = tree_of("a: 1\nb:\n  c: \"x\"\n  d: [y,  'z']\ne:\n", arena);

    assert_int_equal(t->n, 3);
    assert_int_equal(hp_tree_get(t, "a")->line, 1);
    assert_int_equal(hp_tree_get(t, "a")->column, 4);
    const hp_tree *b = hp_tree_get(t, "b");
    assert_int_equal(hp_tree_get(b, "c")->line, 3);
    assert_int_equal(hp_tree_get(b, "c")->column, 6);
    assert_true(hp_tree_get(b, "c")->quoted);
    const hp_tree *d = hp_tree_get(b, "d");
    assert_int_equal(d->column, 6);
    assert_int_equal(d->items[1]->column, 11);
    assert_int_equal(hp_tree_get(t, "e")->kind, HP_NODE_NULL);
    assert_int_equal(hp_tree_get(t, "e")->line, 5);
    assert_int_equal(hp_tree_get(t, "e")->column, 1);
}

static void only_scalars_have_text(void **state)
{
    g_autoptr(hp_arena) arena = hp_arena_new();
    const hp_tree *t = tree_of("a: x\nb: ''\nc:\nd: [x]\ne: {x: y}\n", arena);
    assert_string_equal(hp_tree_text(t, "a"), "x");
    assert_string_equal(hp_tree_text(t, "b"), "");
    assert_null(hp_tree_text(t, "c"));
    assert_null(hp_tree_text(t, "d"));
    assert_null(hp_tree_text(t, "e"));
    assert_null(hp_tree_text(t, "f"));
    assert_null(hp_tree_text(hp_tree_get(t, "a"), "x"));
    assert_null(hp_tree_text(NULL, "a"));
}

static void renders_what_reads_back(void **state)
{
    g_autoptr(hp_arena) arena = hp_arena_new();
    static const char *const lines[] = {
        "{a: 1, b: \"< 90ms\", c: [x, y z, 1..3]}",
        "{a: \"\", b: \"null\", c: null, d: \"a: b\", e: \"x, y\"}",
        "{\"- a\": \"say \\\"hi\\\" \\\\ \\n\", t: \"tail \"}",
        "[[1], {}, []]",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        const hp_tree *tree = tree_of(lines[i], arena);
        hp_tree_render(tree, out);
        assert_string_equal(out->str, lines[i]);
        assert_true(hp_tree_equal(tree, tree_of(out->str, arena)));
    }
}

static void quoted_text_is_what_yaml_says(void **state)
{
    g_autoptr(hp_arena) arena = hp_arena_new();
    const hp_tree *t = tree_of("a: 'it''s ''''quoted'''' ''''''''''''''''''''''''''''''''''''''''''''''''x'\n"
                               "b: ' one  \r\n   two\n\n \t\n three '\nc: ''\nd: '\n '\ne: \"\\t\\u00e9\\\n   x\"\nf: "
                               "|\n  1\n  2\ng: >-\n  1\n  2\n",
                               arena);
    assert_string_equal(hp_tree_get(t, "a")->text, "it's ''quoted'' ''''''''''''''''''''''''x");
    assert_string_equal(hp_tree_get(t, "b")->text, " one two\n\nthree ");
    assert_string_equal(hp_tree_get(t, "c")->text, "");
    assert_int_equal(hp_tree_get(t, "c")->kind, HP_NODE_SCALAR);
    assert_string_equal(hp_tree_get(t, "d")->text, " ");
    assert_string_equal(hp_tree_get(t, "e")->text, "\t\xc3\xa9x");
    assert_string_equal(hp_tree_get(t, "f")->text, "1\n2\n");
    assert_string_equal(hp_tree_get(t, "g")->text, "1 2");
}

static void aliases_share_their_anchor(void **state)
{
    g_autoptr(hp_arena) arena = hp_arena_new();
    const hp_tree *t = tree_of("a: &x {k: 1}\nb: *x\n", arena);
    assert_ptr_equal(hp_tree_get(t, "a"), hp_tree_get(t, "b"));
    assert_int_equal(t->weight, 1 + 2 * (1 + 3));
}

static void refuses_what_is_no_scenario(void **state)
{
    assert_complains("", "0:0: empty: a scenario needs at least `peers`\n");
    assert_complains("# nothing\n", "0:0: empty: a scenario needs at least `peers`\n");
    assert_complains("~\n", "0:0: empty: a scenario needs at least `peers`\n");
    assert_complains("peers\n", "1:1: a scenario must be a map of keys and values\n");
    assert_complains("[1, 2]\n", "1:1: a scenario must be a map of keys and values\n");
    assert_complains("peers: {a: , b: \n", "2:1: did not find expected node content\n");
    assert_complains("peers:\n\ta: {}\n", "2:1: tab character may not be used as indentation\n");
    assert_complains("peers: {a: }\n--- \npeers: {b: }\n",
                     "2:1: one file holds one scenario: a second document begins here\n");
    assert_complains("peers: {a: *no}\n", "1:12: alias `*no` has no anchor `&no` before it\n");
    assert_complains("peers: &x {a: *x}\n", "1:15: alias `*x` has no anchor `&x` before it\n");
    assert_complains("peers: !custom {a: }\n", "1:16: tags (`!...`) have no meaning here\n");
    assert_complains("? [a]\n: 1\n", "1:3: a key must be a word\n");
    assert_complains("name: \"a\\0b\"\npeers: {a: }\n", "1:7: a NUL character in text\n");
}

static void refuses_bad_bytes(void **state)
{
    g_autofree char *latin = complaints_n("name: ok\nabout: caf\xe9\n", 20);
    assert_string_equal(latin, "2:11: not UTF-8 text\n");
    g_autofree char *nul = complaints_n("name: a\0b\n", 10);
    assert_string_equal(nul, "1:8: not UTF-8 text\n");
    static char large[HP_SOURCE_MAX + 1];
    memset(large, '\n', sizeof large);
    g_autofree char *said = complaints_n(large, sizeof large);
    assert_string_equal(said, "0:0: larger than 1 MiB: that is no scenario\n");
}

static void says_each_key_that_is_given_twice(void **state)
{
    assert_complains("peers: {a: }\nuntil: 5s\nuntil: 6s\nbogus: 1\nuntil: 7s\n",
                     "3:1: key `until` is given twice (first in line 2)\n"
                     "4:1: unknown key `bogus` in the scenario\n"
                     "5:1: key `until` is given twice (first in line 2)\n");
}

static void bombs_do_not_explode(void **state)
{
    g_autoptr(GString) bomb = g_string_new("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        g_string_append_printf(bomb, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) {
            g_string_append_printf(bomb, "%s*a%d", j > 0 ? ", " : "", i - 1);
        }
        g_string_append(bomb, "]\n");
    }
    assert_complains(bomb->str, "6:9: the file has too many values (aliases count as often as they are used)\n");

    g_autoptr(GString) deep = g_string_new("peers: ");
    for (int i = 0; i < 60; i++) {
        g_string_append_c(deep, '[');
    }
    for (int i = 0; i < 60; i++) {
        g_string_append_c(deep, ']');
    }
    assert_complains(deep->str, "1:55: nested too deeply\n");
}

static void source_lines_for_later(void **state)
{
    hp_scenario *s = load_one("name: x\npeers:\n  alice: {}\r\n");
    g_autofree char *first = hp_scenario_source_line(s, 1), *third = hp_scenario_source_line(s, 3);
    assert_string_equal(first, "name: x");
    assert_string_equal(third, "  alice: {}");
    assert_null(hp_scenario_source_line(s, 4));
    assert_null(hp_scenario_source_line(s, 0));
    assert_int_equal(s->peers[0].mark.line, 3);
    assert_int_equal(s->peers[0].mark.column, 3);
    assert_string_equal(s->peers[0].mark.file, "t.yaml");
    hp_scenario_free(s);
}

/* What is said of line 6 is about the line that YAML calls so, whichever breaks the file has. */
static void lines_are_what_yaml_counts(void **state)
{
    hp_scenario *s = load_one("about: y\r\rpeers:\r  alice: {} # \xe2\x80\xa8\r\n\n\r  bob: {}\r");
    const char *const lines[] = {"about: y", "", "peers:", "  alice: {} # \xe2\x80\xa8", "", "", "  bob: {}"};
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = hp_scenario_source_line(s, i + 1);
        assert_string_equal(line, lines[i]);
    }
    assert_null(hp_scenario_source_line(s, 8));
    assert_int_equal(s->peers[0].mark.line, 4);
    assert_int_equal(s->peers[1].mark.line, 7);
    hp_scenario_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_where_things_begin),
        cmocka_unit_test(only_scalars_have_text),
        cmocka_unit_test(renders_what_reads_back),
        cmocka_unit_test(quoted_text_is_what_yaml_says),
        cmocka_unit_test(aliases_share_their_anchor),
        cmocka_unit_test(refuses_what_is_no_scenario),
        cmocka_unit_test(refuses_bad_bytes),
        cmocka_unit_test(says_each_key_that_is_given_twice),
        cmocka_unit_test(bombs_do_not_explode),
        cmocka_unit_test(source_lines_for_later),
        cmocka_unit_test(lines_are_what_yaml_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
