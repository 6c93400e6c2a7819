/* What the documents share: how a key's type and default are put into words, and the walk over the table. */
#include "scenario/doc.h"

#include <string.h>

#include "scenario/loader.h"

/* " from 1ms to 1s", of what is no bare number. */
static void append_bounds(GString *out, const hp_key *key)
{
    hp_unit unit = key->type == HP_V_DURATION ? HP_UNIT_TIME
                   : key->type == HP_V_RATE   ? HP_UNIT_RATE
                   : key->type == HP_V_BYTES  ? HP_UNIT_BYTES
                   : key->type == HP_V_MILLI  ? HP_UNIT_MILLI
                                              : HP_UNIT_COUNT;
    const char *sign = key->type == HP_V_PERCENT ? "%" : "";
    g_autofree char *min = hp_unit_format(unit, key->min), *max = hp_unit_format(unit, key->max);

    if (key->max == 0) {
        g_string_append_printf(out, ", at least %s%s", min, sign);
    } else {
        g_string_append_printf(out, " from %s%s to %s%s", min, sign, max, sign);
    }
}

static bool has_bounds(const hp_key *key)
{
    return (key->type == HP_V_DURATION || key->type == HP_V_RATE || key->type == HP_V_BYTES ||
            key->type == HP_V_MILLI || key->type == HP_V_PERCENT) &&
           (key->min != 0 || key->max != 0);
}

char *hp_doc_type(const hp_key *key)
{
    GString *out = g_string_new(NULL);
    const char *example = hp_value_example(key);
    hp_word word;

    if (key->words != NULL) {
        bool many =
            key->type == HP_V_ENUMS || key->type == HP_V_FLAGS || key->type == HP_V_SET || key->type == HP_V_NAMES;
        g_string_append(out, key->type == HP_V_PAIR_TYPES ? "by peer, one or a list of "
                             : many                       ? "one or a list of "
                                                          : "");
        for (unsigned i = 0; hp_words_at(key->words, i, &word); i++) {
            g_string_append_printf(out, "%s`%s`", i > 0 ? ", " : "", word.name);
        }
        return g_string_free(out, FALSE);
    }
    g_string_append(out, hp_value_what(key->type));
    if (has_bounds(key)) {
        append_bounds(out, key);
    } else if (key->type == HP_V_INT) {
        g_string_append_printf(out, " from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, key->min, key->max);
    } else if (example != NULL) {
        g_string_append_printf(out, " such as %s", example);
    }
    return g_string_free(out, FALSE);
}

char *hp_doc_default(const hp_schema *schema, const hp_key *key)
{
    char *text = NULL;

    if (key->fallback != NULL) {
        return key->type == HP_V_MAP ? g_strdup_printf("{%s}", key->fallback) : g_strdup(key->fallback);
    }
    if (schema->start == hp_loader_start_knobs) {
        g_autofree void *knobs = g_malloc0(schema->size);
        schema->start(NULL, knobs, NULL, NULL);
        text = hp_value_format(key, knobs);
    }
    return text != NULL ? text : g_strdup(key->shown);
}

static void visit_keys(const hp_schema *schema, hp_doc_visit visit, void *user, bool loose)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        const hp_key *key = &schema->keys[i];
        if (key->type == HP_V_INCLUDE) {
            visit_keys(key->sub, visit, user, loose || key->loose);
        } else {
            visit(user, schema, key, key->required && !loose ? HP_DOC_REQUIRED : HP_DOC_OPTIONAL);
        }
    }
    for (unsigned i = 0; i < schema->n_variants; i++) {
        visit(user, schema, &schema->variants[i], HP_DOC_VARIANT);
    }
}

void hp_doc_keys(const hp_schema *schema, hp_doc_visit visit, void *user)
{
    visit_keys(schema, visit, user, false);
}

static void add_schema(GPtrArray *list, const hp_schema *schema);

static void add_sub(void *user, const hp_schema *owner, const hp_key *key, hp_doc_role role)
{
    if (key->sub != NULL) {
        add_schema(user, key->sub);
    }
}

static void add_schema(GPtrArray *list, const hp_schema *schema)
{
    if (!g_ptr_array_find(list, schema, NULL)) {
        g_ptr_array_add(list, (void *)schema);
        hp_doc_keys(schema, add_sub, list);
    }
}

GPtrArray *hp_doc_schemas(void)
{
    GPtrArray *list = g_ptr_array_new();
    add_schema(list, &hp_schema_root);
    return list;
}
