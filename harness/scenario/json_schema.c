/* The JSON Schema (draft 2020-12) of a scenario file, for editors that complete and check YAML.
 *
 * Every schema of the table becomes an entry under $defs, and so does every type of value. It says what can be said
 * of one key at a time: names that must exist elsewhere and keys that exclude each other are left to the loader.
 * Where YAML may read plain text as a number or a boolean (a password of digits), both are allowed. */
#include <json-glib/json-glib.h>
#include <string.h>

#include "scenario/doc.h"
#include "scenario/schema.h"

#define NAME_PATTERN "^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$"
#define SPAN "[0-9]+(\\.[0-9]+)?"

static void member(JsonBuilder *b, const char *name, const char *value)
{
    json_builder_set_member_name(b, name);
    json_builder_add_string_value(b, value);
}

static void member_int(JsonBuilder *b, const char *name, int64_t value)
{
    json_builder_set_member_name(b, name);
    json_builder_add_int_value(b, value);
}

static void array_of_text(JsonBuilder *b, const char *name, const char *const *texts)
{
    json_builder_set_member_name(b, name);
    json_builder_begin_array(b);
    for (; *texts != NULL; texts++) {
        json_builder_add_string_value(b, *texts);
    }
    json_builder_end_array(b);
}

static void types(JsonBuilder *b, const char *first, const char *second, const char *third)
{
    const char *const list[] = {first, second, third, NULL};
    array_of_text(b, "type", list);
}

static void open_any_of(JsonBuilder *b)
{
    json_builder_set_member_name(b, "anyOf");
    json_builder_begin_array(b);
}

static void string_alternative(JsonBuilder *b, const char *pattern)
{
    json_builder_begin_object(b);
    member(b, "type", "string");
    if (pattern != NULL) {
        member(b, "pattern", pattern);
    }
    json_builder_end_object(b);
}

static void int_alternative(JsonBuilder *b, int64_t min, int64_t max)
{
    json_builder_begin_object(b);
    member(b, "type", "integer");
    member_int(b, "minimum", min);
    member_int(b, "maximum", max);
    json_builder_end_object(b);
}

static void ref(JsonBuilder *b, const hp_schema *schema)
{
    g_autofree char *path = g_strdup_printf("#/$defs/%s", schema->name);
    member(b, "$ref", path);
}

static void words(JsonBuilder *b, const hp_words *list)
{
    hp_word word;

    if (list->fold) { /* an enum would insist on case */
        member(b, "type", "string");
        return;
    }
    json_builder_set_member_name(b, "enum");
    json_builder_begin_array(b);
    for (unsigned i = 0; hp_words_at(list, i, &word); i++) {
        json_builder_add_string_value(b, word.name);
    }
    json_builder_end_array(b);
}

/* A scalar of that type, inside an open object. */
static void scalar(JsonBuilder *b, const hp_key *key)
{
    switch (key->type) {
    case HP_V_BOOL:
    case HP_V_NOT:
    case HP_V_PRESENCE:
        member(b, "type", "boolean");
        break;
    case HP_V_INT:
        member(b, "type", "integer");
        member_int(b, "minimum", key->min);
        member_int(b, "maximum", key->max);
        break;
    case HP_V_INTS: /* one of them */
        open_any_of(b);
        int_alternative(b, key->min, key->max);
        json_builder_end_array(b);
        break;
    case HP_V_NAME:
    case HP_V_NAMES:
    case HP_V_ENUM:
    case HP_V_ENUMS:
    case HP_V_FLAGS:
    case HP_V_SET:
    case HP_V_PRESET:
    case HP_V_FIREWALL_PRESET:
        if (key->words != NULL) {
            words(b, key->words);
        } else {
            types(b, "string", "integer", NULL);
        }
        break;
    case HP_V_DURATION:
    case HP_V_MILLISECONDS:
    case HP_V_DELAYS: /* one of a list */
        open_any_of(b);
        string_alternative(b, "^(0|" SPAN "(ns|us|ms|s|m|h))$");
        int_alternative(b, 0, 0);
        json_builder_end_array(b);
        break;
    case HP_V_RATIO:
    case HP_V_PERCENT:
        open_any_of(b);
        string_alternative(b, "^" SPAN "%?$");
        json_builder_begin_object(b);
        member(b, "type", "number");
        member_int(b, "minimum", 0);
        member_int(b, "maximum", 1);
        json_builder_end_object(b);
        json_builder_end_array(b);
        break;
    case HP_V_CHARS:
        types(b, "string", "number", "boolean");
        break;
    case HP_V_RATE:
        open_any_of(b);
        string_alternative(b, "^(0|" SPAN "[kMG]?b(it/s|ps))$");
        int_alternative(b, 0, 0);
        json_builder_end_array(b);
        break;
    case HP_V_BYTES:
        open_any_of(b);
        string_alternative(b, "^" SPAN "([kMG]?B|[KMG]iB)?$");
        int_alternative(b, 0, INT64_MAX);
        json_builder_end_array(b);
        break;
    case HP_V_PORTS:
    case HP_V_PORTS_LIST:
        open_any_of(b);
        int_alternative(b, 1, 65535);
        string_alternative(b, "^[0-9]+( *\\.\\. *[0-9]+)?$");
        json_builder_end_array(b);
        break;
    case HP_V_SEQUENCES:
        open_any_of(b);
        int_alternative(b, 0, UINT16_MAX);
        string_alternative(b, "^[0-9]+ *\\.\\. *[0-9]+$");
        json_builder_end_array(b);
        break;
    case HP_V_OCTETS32:
        member(b, "type", "integer");
        member_int(b, "minimum", 0);
        member_int(b, "maximum", UINT32_MAX);
        break;
    case HP_V_PACKETS:
    case HP_V_PACKETS_LIST:
        open_any_of(b);
        int_alternative(b, 1, UINT32_MAX);
        string_alternative(b, "^[0-9]+( *\\.\\. *[0-9]*)?$");
        json_builder_end_array(b);
        break;
    case HP_V_FAMILIES: {
        const char *const families[] = {"ipv4", "ipv6", NULL};
        array_of_text(b, "enum", families);
        break;
    }
    case HP_V_COMPARE:
    case HP_V_MILLI:
    case HP_V_OPPORTUNITIES: /* a file may bear a number as its name */
        types(b, "string", "number", NULL);
        break;
    case HP_V_ADDRESS:
    case HP_V_ADDRESSES:
    case HP_V_ENDPOINT:
    case HP_V_OCTETS: /* which may look like a number */
    case HP_V_PREFIX:
    case HP_V_PREFIXES:
    case HP_V_EDGE:
        types(b, "string", "integer", NULL);
        break;
    case HP_V_TEXT:
    case HP_V_TEMPLATE:
    case HP_V_TEMPLATES:
    case HP_V_TEXTS:
    case HP_V_PAIRS:
    case HP_V_WHERE:
    case HP_V_PAIR_TYPES:
    case HP_V_BEHIND:
    case HP_V_MAP:
    case HP_V_BY_NAME:
    case HP_V_LIST:
    case HP_V_INCLUDE:
    case HP_V_MATRIX:
    case HP_V_MATRIX_EXCEPT:
    case HP_V_WHEN:
    case HP_V_N:
        types(b, "string", "number", "boolean");
        break;
    }
}

/* One or a list, inside an open object. */
static void one_or_many(JsonBuilder *b, const hp_key *key)
{
    open_any_of(b);
    json_builder_begin_object(b);
    scalar(b, key);
    json_builder_end_object(b);
    json_builder_begin_object(b);
    member(b, "type", "array");
    json_builder_set_member_name(b, "items");
    json_builder_begin_object(b);
    scalar(b, key);
    json_builder_end_object(b);
    json_builder_end_object(b);
    json_builder_end_array(b);
}

/* A file's name, a duration by itself, or a list of durations. Inside an open object. */
static void delays(JsonBuilder *b, const hp_key *key)
{
    open_any_of(b);
    string_alternative(b, NULL);
    int_alternative(b, 0, 0);
    json_builder_begin_object(b);
    member(b, "type", "array");
    json_builder_set_member_name(b, "items");
    json_builder_begin_object(b);
    scalar(b, key);
    json_builder_end_object(b);
    json_builder_end_object(b);
    json_builder_end_array(b);
}

/* A map, or a list of names and of maps with one name. */
static void pairs(JsonBuilder *b, const hp_key *key)
{
    open_any_of(b);
    json_builder_begin_object(b);
    member(b, "type", "object");
    json_builder_set_member_name(b, "additionalProperties");
    json_builder_begin_object(b);
    ref(b, key->sub);
    json_builder_end_object(b);
    json_builder_end_object(b);
    json_builder_begin_object(b);
    member(b, "type", "array");
    json_builder_set_member_name(b, "items");
    json_builder_begin_object(b);
    open_any_of(b);
    string_alternative(b, NULL);
    json_builder_begin_object(b);
    member(b, "type", "object");
    member_int(b, "minProperties", 1);
    member_int(b, "maxProperties", 1);
    json_builder_set_member_name(b, "additionalProperties");
    json_builder_begin_object(b);
    ref(b, key->sub);
    json_builder_end_object(b);
    json_builder_end_object(b);
    json_builder_end_array(b);
    json_builder_end_object(b);
    json_builder_end_object(b);
    json_builder_end_array(b);
}

static void map_of(JsonBuilder *b, const hp_key *key)
{
    types(b, "object", key->type == HP_V_BEHIND || key->type == HP_V_BY_NAME ? "null" : NULL, NULL);
    if (key->type == HP_V_BY_NAME) {
        json_builder_set_member_name(b, "propertyNames");
        json_builder_begin_object(b);
        member(b, "pattern", key->sub->free_names ? "." : NAME_PATTERN);
        json_builder_end_object(b);
    } else if (key->type != HP_V_BEHIND) {
        member_int(b, "minProperties", 1);
    }
    json_builder_set_member_name(b, "additionalProperties");
    json_builder_begin_object(b);
    if (key->type == HP_V_BY_NAME) {
        ref(b, key->sub);
    } else if (key->type == HP_V_PAIR_TYPES) {
        const hp_key text = {.type = HP_V_TEXT};
        one_or_many(b, &text);
    } else if (key->type == HP_V_MATRIX) {
        types(b, "array", "string", "object"); /* values; `all` or a range; values with names */
        member_int(b, "minItems", 1);
    } else if (key->type != HP_V_WHEN && key->type != HP_V_MATRIX_EXCEPT) {
        types(b, "string", "number", "boolean");
    }
    json_builder_end_object(b);
}

static void value(JsonBuilder *b, const hp_key *key)
{
    switch ((int)key->type) {
    case HP_V_MAP:
        ref(b, key->sub);
        break;
    case HP_V_LIST:
        if (key->lone) {
            open_any_of(b);
            json_builder_begin_object(b);
            ref(b, key->sub);
            json_builder_end_object(b);
            json_builder_begin_object(b);
        }
        types(b, "array", key->min == 0 ? "null" : NULL, NULL);
        member_int(b, "minItems", key->min);
        member_int(b, "maxItems", key->max);
        json_builder_set_member_name(b, "items");
        json_builder_begin_object(b);
        ref(b, key->sub);
        json_builder_end_object(b);
        if (key->lone) {
            json_builder_end_object(b);
            json_builder_end_array(b);
        }
        break;
    case HP_V_MATRIX_EXCEPT:
        member(b, "type", "array");
        json_builder_set_member_name(b, "items");
        json_builder_begin_object(b);
        map_of(b, key);
        json_builder_end_object(b);
        break;
    case HP_V_BY_NAME:
    case HP_V_WHERE:
    case HP_V_PAIR_TYPES:
    case HP_V_BEHIND:
    case HP_V_MATRIX:
    case HP_V_WHEN:
        map_of(b, key);
        break;
    case HP_V_PAIRS:
        pairs(b, key);
        break;
    case HP_V_NAMES:
    case HP_V_ENUMS:
    case HP_V_FLAGS:
    case HP_V_SET:
    case HP_V_FAMILIES:
    case HP_V_ADDRESSES:
    case HP_V_PREFIXES:
    case HP_V_PORTS_LIST:
    case HP_V_PACKETS_LIST:
    case HP_V_TEMPLATES:
    case HP_V_TEXTS:
    case HP_V_INTS:
        one_or_many(b, key);
        break;
    case HP_V_DELAYS:
        delays(b, key);
        break;
    default:
        scalar(b, key);
    }
}

static void property(void *user, const hp_schema *owner, const hp_key *key, hp_doc_role role)
{
    JsonBuilder *b = user;
    g_autofree char *fallback = hp_doc_default(owner, key);
    g_autofree char *text = fallback == NULL ? NULL : g_strdup_printf("%s (default: %s)", key->doc, fallback);

    json_builder_set_member_name(b, key->name);
    json_builder_begin_object(b);
    value(b, key);
    member(b, "description", text != NULL ? text : key->doc);
    json_builder_end_object(b);
}

typedef struct name_list {
    GPtrArray *names;
    hp_doc_role role; /* which ones */
} name_list;

static void collect(void *user, const hp_schema *owner, const hp_key *key, hp_doc_role role)
{
    name_list *list = user;
    if (list->role == role) {
        g_ptr_array_add(list->names, (void *)key->name);
    }
}

static void append_object(JsonBuilder *b, const hp_schema *schema)
{
    g_autoptr(GPtrArray) required = g_ptr_array_new(), variants = g_ptr_array_new();
    name_list list = {required, HP_DOC_REQUIRED};

    hp_doc_keys(schema, collect, &list);
    list = (name_list){variants, HP_DOC_VARIANT};
    hp_doc_keys(schema, collect, &list);
    types(b, "object", required->len == 0 && variants->len == 0 ? "null" : NULL, NULL);
    json_builder_set_member_name(b, "properties");
    json_builder_begin_object(b);
    hp_doc_keys(schema, property, b);
    json_builder_end_object(b);
    json_builder_set_member_name(b, "additionalProperties");
    json_builder_add_boolean_value(b, FALSE);
    if (required->len > 0) {
        g_ptr_array_add(required, NULL);
        array_of_text(b, "required", (const char *const *)required->pdata);
    }
    if (variants->len > 0) {
        json_builder_set_member_name(b, "oneOf");
        json_builder_begin_array(b);
        for (unsigned i = 0; i < variants->len; i++) {
            const char *const one[] = {g_ptr_array_index(variants, i), NULL};
            json_builder_begin_object(b);
            array_of_text(b, "required", one);
            json_builder_end_object(b);
        }
        json_builder_end_array(b);
    }
}

static void shorthand(JsonBuilder *b, const hp_schema *schema, const char *name)
{
    size_t offset = 0;
    const hp_key *key = hp_schema_find(schema, name, &offset);

    json_builder_begin_object(b);
    value(b, key);
    json_builder_end_object(b);
}

static void bare_variants(JsonBuilder *b, const hp_schema *schema)
{
    json_builder_begin_object(b);
    json_builder_set_member_name(b, "enum");
    json_builder_begin_array(b);
    for (unsigned i = 0; i < schema->n_variants; i++) {
        json_builder_add_string_value(b, schema->variants[i].name);
    }
    json_builder_end_array(b);
    json_builder_end_object(b);
}

static void definition(JsonBuilder *b, const hp_schema *schema)
{
    bool alternatives = schema->shorthand != NULL || schema->map_shorthand != NULL || schema->n_variants > 0;

    member(b, "description", schema->doc);
    if (!alternatives) {
        append_object(b, schema);
        return;
    }
    open_any_of(b);
    json_builder_begin_object(b);
    append_object(b, schema);
    json_builder_end_object(b);
    if (schema->shorthand != NULL) {
        shorthand(b, schema, schema->shorthand);
    }
    if (schema->map_shorthand != NULL) {
        shorthand(b, schema, schema->map_shorthand);
    }
    if (schema->n_variants > 0) {
        bare_variants(b, schema);
    }
    json_builder_end_array(b);
}

char *hp_schema_json(void)
{
    g_autoptr(JsonBuilder) b = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autoptr(GPtrArray) schemas = hp_doc_schemas();

    json_builder_begin_object(b);
    member(b, "$schema", "https://json-schema.org/draft/2020-12/schema");
    member(b, "title", "Hairpin scenario");
    ref(b, &hp_schema_root);
    json_builder_set_member_name(b, "$defs");
    json_builder_begin_object(b);
    for (unsigned i = 0; i < schemas->len; i++) {
        const hp_schema *schema = g_ptr_array_index(schemas, i);
        json_builder_set_member_name(b, schema->name);
        json_builder_begin_object(b);
        definition(b, schema);
        json_builder_end_object(b);
    }
    json_builder_end_object(b);
    json_builder_end_object(b);

    JsonNode *root = json_builder_get_root(b);
    json_generator_set_root(generator, root);
    json_generator_set_pretty(generator, TRUE);
    g_autofree char *text = json_generator_to_data(generator, NULL);
    json_node_unref(root);
    return g_strdup_printf("%s\n", text);
}
