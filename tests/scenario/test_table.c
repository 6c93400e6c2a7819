/* The schema table looked at as data: what the compiler cannot see about it. */
#include "fixture.h"

#include "scenario/doc.h"
#include "scenario/loader.h"

static void names_are_unique(const hp_schema *schema)
{
    g_autoptr(GPtrArray) names = hp_schema_key_names(schema);
    for (unsigned i = 0; i < names->len; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(g_ptr_array_index(names, i), g_ptr_array_index(names, j)) == 0) {
                fail_msg("key %s twice in %s", (const char *)g_ptr_array_index(names, i), schema->name);
            }
        }
    }
}

static void no_key_twice_in_a_map(void **state)
{
    g_autoptr(GPtrArray) schemas = hp_doc_schemas();
    assert_int_equal(schemas->len > 40, 1);
    for (unsigned i = 0; i < schemas->len; i++) {
        names_are_unique(g_ptr_array_index(schemas, i));
    }
}

static void no_name_of_a_schema_twice(void **state)
{
    g_autoptr(GPtrArray) schemas = hp_doc_schemas();
    for (unsigned i = 0; i < schemas->len; i++) {
        for (unsigned j = 0; j < i; j++) {
            const hp_schema *a = g_ptr_array_index(schemas, i), *b = g_ptr_array_index(schemas, j);
            assert_string_not_equal(a->name, b->name);
        }
    }
}

static void check_key(void *user, const hp_schema *owner, const hp_key *key, hp_doc_role role)
{
    hp_word word;

    if (key->doc == NULL || *key->doc == '\0') {
        fail_msg("%s.%s has no documentation", owner->name, key->name);
    }
    if (key->type == HP_V_INT && key->min >= key->max) {
        fail_msg("%s.%s has an empty range", owner->name, key->name);
    }
    if ((key->type == HP_V_MAP || key->type == HP_V_BY_NAME || key->type == HP_V_LIST || key->type == HP_V_PAIRS) !=
        (key->sub != NULL)) {
        fail_msg("%s.%s: its type and its schema disagree", owner->name, key->name);
    }
    if (key->max != 0 && key->type != HP_V_LIST && key->min >= key->max) {
        fail_msg("%s.%s has an empty range", owner->name, key->name);
    }
    if (key->type == HP_V_FLAGS) {
        assert_non_null(key->words);
        for (unsigned i = 0; i < key->words->n; i++) {
            assert_in_range(key->words->list[i].value, 0, key->size / sizeof(bool) - 1);
        }
    }
    if ((key->type == HP_V_ENUM || key->type == HP_V_ENUMS || key->type == HP_V_PRESET) && key->words == NULL) {
        fail_msg("%s.%s has no words", owner->name, key->name);
    }
    if (key->offset + key->size > owner->size) {
        fail_msg("%s.%s lies outside its struct", owner->name, key->name);
    }
    for (unsigned i = 0; key->words != NULL && hp_words_at(key->words, i, &word); i++) {
        hp_word found;
        assert_true(hp_words_find(key->words, word.name, &found));
        assert_int_equal(found.value, word.value);
        if (word.doc == NULL && !key->words->fold) {
            fail_msg("%s.%s: value %s has no documentation", owner->name, key->name, word.name);
        }
    }
}

static void every_key_and_word_is_documented(void **state)
{
    g_autoptr(GPtrArray) schemas = hp_doc_schemas();
    for (unsigned i = 0; i < schemas->len; i++) {
        hp_doc_keys(g_ptr_array_index(schemas, i), check_key, NULL);
    }
}

/* A shorthand that names no key would only be found by whoever uses it. */
static void shorthands_exist(void **state)
{
    g_autoptr(GPtrArray) schemas = hp_doc_schemas();
    for (unsigned i = 0; i < schemas->len; i++) {
        const hp_schema *schema = g_ptr_array_index(schemas, i);
        size_t offset = 0;
        if (schema->shorthand != NULL) {
            assert_non_null(hp_schema_find(schema, schema->shorthand, &offset));
        }
        if (schema->map_shorthand != NULL) {
            assert_non_null(hp_schema_find(schema, schema->map_shorthand, &offset));
        }
    }
}

static void every_enum_value_has_a_word(void **state)
{
    size_t base = 0;
    const hp_key *mapping = hp_schema_find(&hp_schema_knobs, "mapping", &base);
    const hp_key *hairpin = hp_schema_find(&hp_schema_knobs, "hairpin", &base);

    for (int i = 0; i <= HP_NAT_ADDRESS_AND_PORT_DEPENDENT; i++) {
        assert_non_null(hp_words_name(mapping->words, i));
    }
    for (int i = 0; i <= HP_NAT_HAIRPIN_EXTERNAL_SOURCE; i++) {
        assert_non_null(hp_words_name(hairpin->words, i));
    }
    for (int i = 0; i < HP_EV_N; i++) {
        assert_string_equal(hp_words_name(&hp_words_event, i), hp_event_name((hp_event_kind)i));
    }
    for (int i = 0; i < HP_EXPECT_N; i++) {
        assert_non_null(hp_expect_name((hp_expect_kind)i));
    }
    for (int i = 0; i < HP_STEP_N; i++) {
        hp_step step = {.kind = (hp_step_kind)i};
        assert_non_null(hp_step_name(&step));
    }
}

static void steps_are_named_as_they_are_written(void **state)
{
    hp_step step = {.kind = HP_STEP_INTERFACE};
    assert_string_equal(hp_step_name(&step), "interface-down");
    step.interface.up = true;
    assert_string_equal(hp_step_name(&step), "interface-up");
    assert_string_equal(hp_step_label(&step), "interface-up");
    step = (hp_step){.kind = HP_STEP_HOLD};
    assert_string_equal(hp_step_name(&step), "hold");
    step.hold.resume = true;
    assert_string_equal(hp_step_name(&step), "resume");
    step.kind = HP_STEP_SET_NAT;
    assert_string_equal(hp_step_name(&step), "set-nat");
    step.label = (char *)"mine";
    assert_string_equal(hp_step_label(&step), "mine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_twice_in_a_map),
        cmocka_unit_test(no_name_of_a_schema_twice),
        cmocka_unit_test(every_key_and_word_is_documented),
        cmocka_unit_test(shorthands_exist),
        cmocka_unit_test(every_enum_value_has_a_word),
        cmocka_unit_test(steps_are_named_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
