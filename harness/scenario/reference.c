/* scenarios/REFERENCE.md: the whole table as a page.
 *
 * One section a schema, in the order in which a reader meets them. A small included part is repeated where it
 * belongs, since a reader should not have to assemble a map from pieces; a large one has a section of its own. Words
 * that a value may be are listed under the table with what each means. Events and presets come last,
 * from their own tables. */
#include <string.h>

#include "config/firewall.h"
#include "config/nat.h"
#include "scenario/doc.h"
#include "scenario/schema.h"
#include "trace/event.h"

/* Text in a table cell: a bar would end the cell. */
static void cell(GString *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        g_string_append(out, *p == '|' ? "\\" : "");
        g_string_append_c(out, *p);
    }
}

static void type_cell(GString *out, const hp_key *key)
{
    if (key->sub != NULL) {
        g_string_append_printf(out, "%s[%s](#%s)",
                               key->type == HP_V_BY_NAME ? "by name: "
                               : key->lone               ? "one or a list of "
                               : key->type == HP_V_LIST  ? "list of "
                               : key->type == HP_V_PAIRS ? "names and values: "
                                                         : "",
                               key->sub->name, key->sub->name);
    } else if (key->words == &hp_words_event) {
        g_string_append(out, "an [event](#events)");
    } else if (key->words != NULL) {
        cell(out, key->words->what);
        bool many =
            key->type == HP_V_ENUMS || key->type == HP_V_FLAGS || key->type == HP_V_SET || key->type == HP_V_NAMES;
        g_string_append(out, many ? ", or a list" : "");
    } else {
        g_autofree char *type = hp_doc_type(key);
        cell(out, type);
    }
}

static void row(void *user, const hp_schema *owner, const hp_key *key, hp_doc_role role)
{
    GString *out = user;
    g_autofree char *fallback = hp_doc_default(owner, key);

    g_string_append_printf(out, "| `%s` | ", key->name);
    type_cell(out, key);
    g_string_append(out, " | ");
    cell(out, role == HP_DOC_REQUIRED  ? "required"
              : role == HP_DOC_VARIANT ? "one of these"
              : fallback != NULL       ? fallback
                                       : "");
    g_string_append(out, " | ");
    cell(out, key->doc);
    g_string_append(out, " |\n");
}

/* A large part that several maps share is told once, in a section of its own. */
static bool has_section(const hp_schema *schema)
{
    return schema->n_keys >= 8;
}

static void rows(GString *out, const hp_schema *schema)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        const hp_key *key = &schema->keys[i];
        if (key->type != HP_V_INCLUDE) {
            row(out, schema, key, key->required ? HP_DOC_REQUIRED : HP_DOC_OPTIONAL);
        } else if (has_section(key->sub)) {
            g_string_append_printf(out, "| ... | | | and all keys of [%s](#%s) |\n", key->sub->name, key->sub->name);
        } else {
            rows(out, key->sub);
        }
    }
    for (unsigned i = 0; i < schema->n_variants; i++) {
        row(out, schema, &schema->variants[i], HP_DOC_VARIANT);
    }
}

static void word_list(GString *out, const hp_key *key, GPtrArray *seen)
{
    hp_word word;
    bool first = true;

    if (key->words == NULL || key->words == &hp_words_event || key->words == &hp_words_preset ||
        key->words == &hp_words_firewall_preset || g_ptr_array_find(seen, key->words, NULL)) {
        return;
    }
    g_ptr_array_add(seen, (void *)key->words);
    g_string_append_printf(out, "\nA value that is %s:", key->words->what);
    for (unsigned i = 0; hp_words_at(key->words, i, &word); i++) {
        if (word.doc == NULL) {
            g_string_append_printf(out, "%s `%s`", first ? "" : ",", word.name);
        } else {
            g_string_append_printf(out, "\n%s- `%s`: %s", first ? "\n" : "", word.name, word.doc);
        }
        first = false;
    }
    g_string_append(out, "\n");
}

static void word_lists(GString *out, const hp_schema *schema, GPtrArray *seen)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        if (schema->keys[i].type != HP_V_INCLUDE) {
            word_list(out, &schema->keys[i], seen);
        } else if (!has_section(schema->keys[i].sub)) {
            word_lists(out, schema->keys[i].sub, seen);
        }
    }
}

static void section(GString *out, const hp_schema *schema)
{
    g_autoptr(GPtrArray) seen = g_ptr_array_new();

    g_string_append_printf(out, "\n## %s\n\n%s\n", schema->name, schema->doc);
    if (schema->shorthand != NULL) {
        g_string_append_printf(out, "\nA value alone, without a map, is its `%s`.\n", schema->shorthand);
    }
    if (schema->map_shorthand != NULL) {
        g_string_append_printf(out, "\nA map without any of these keys is its `%s`.\n", schema->map_shorthand);
    }
    g_string_append(out, "\n| key | value | default | meaning |\n|---|---|---|---|\n");
    rows(out, schema);
    word_lists(out, schema, seen);
}

/* Large parts that the schema includes, and those that they include, unless told already. */
static void part_sections(GString *out, const hp_schema *schema, const GPtrArray *schemas, GPtrArray *told)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        const hp_schema *part = schema->keys[i].sub;
        if (schema->keys[i].type != HP_V_INCLUDE || g_ptr_array_find((GPtrArray *)schemas, part, NULL) ||
            g_ptr_array_find(told, part, NULL)) {
            continue;
        }
        part_sections(out, part, schemas, told);
        if (has_section(part)) {
            g_ptr_array_add(told, (void *)part);
            section(out, part);
        }
    }
}

/* The sections of included parts stand before the first map that includes them. */
static void sections(GString *out, const GPtrArray *schemas)
{
    g_autoptr(GPtrArray) told = g_ptr_array_new();

    for (unsigned i = 0; i < schemas->len; i++) {
        const hp_schema *schema = g_ptr_array_index(schemas, i);
        part_sections(out, schema, schemas, told);
        section(out, schema);
    }
}

static void append_events(GString *out)
{
    g_string_append(out, "\n## events\n\nWhat a run records, for `event`, `order` and `wait-for`. `of` is the subject, "
                         "`where` names fields.\n\n| event | of | fields | meaning |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < HP_EV_N; i++) {
        hp_event_kind kind = (hp_event_kind)i;
        g_auto(GStrv) fields = g_strsplit(hp_event_fields(kind), " ", -1);
        g_string_append_printf(out, "| `%s` | %s | ", hp_event_name(kind), hp_event_subject(kind));
        for (char **field = fields; *field != NULL; field++) {
            char *colon = strchr(*field, ':');
            if (colon != NULL) {
                *colon = '\0';
                g_string_append_printf(out, "%s`%s`", field == fields ? "" : " ", *field);
            }
        }
        g_string_append(out, " | ");
        cell(out, hp_event_doc(kind));
        g_string_append(out, " |\n");
    }
}

static void append_presets(GString *out)
{
    size_t n;
    const hp_nat_preset *presets = hp_nat_presets(&n);

    g_string_append(out, "\n## presets\n\nNATs to start from.\n\n| preset | what it is | where its knobs come from |\n"
                         "|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(out, "| `%s` | ", presets[i].name);
        cell(out, presets[i].about);
        g_string_append(out, " | ");
        cell(out, presets[i].source);
        g_string_append(out, " |\n");
    }
}

static void append_firewall_presets(GString *out)
{
    size_t n;
    const hp_firewall_preset *presets = hp_firewall_presets(&n);

    g_string_append(out, "\n## firewall presets\n\nFirewalls to start from.\n\n| preset | what it is | where its knobs "
                         "come from |\n|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(out, "| `%s` | ", presets[i].name);
        cell(out, presets[i].about);
        g_string_append(out, " | ");
        cell(out, presets[i].source);
        g_string_append(out, " |\n");
    }
}

char *hp_schema_reference(void)
{
    g_autoptr(GPtrArray) schemas = hp_doc_schemas();
    GString *out = g_string_new(
        "# The scenario language\n\n"
        "<!-- Made from the schema table by `hairpin schema --reference`: edit harness/scenario/table*.c. -->\n\n"
        "A scenario is a YAML 1.2 file. Durations, rates and ratios carry their unit. Comparisons are quoted (`\"< "
        "90ms\"`), "
        "since YAML gives `>` a meaning of its own; a number alone means exactly that many. A map whose keys all have "
        "their defaults may be left empty. `hairpin explain KEY` tells the same in a terminal.\n");

    sections(out, schemas);
    append_events(out);
    append_presets(out);
    append_firewall_presets(out);
    return g_string_free(out, FALSE);
}
