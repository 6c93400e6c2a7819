/* What a key means, told to whoever asks for it by name or by path.
 *
 * A query is compared from its end: `mapping` and `nats.home.mapping` both find network.nats.*.mapping. A `*` in a
 * key's path stands for a name or a list item that the file chooses; in a query it may be written as `*`, as any
 * name, or be left out. One key can be reached by several paths (a link's keys hang in many places): it is told
 * once, with all its paths. */
#include <string.h>

#include "scenario/doc.h"
#include "scenario/schema.h"

typedef struct finding {
    const hp_schema *owner;
    const hp_key *key;
    GPtrArray *paths;
} finding;

typedef struct search {
    char **query;
    GString *path;
    GPtrArray *findings;
    GPtrArray *names; /* of all keys, for the nearest */
} search;

static void free_finding(void *data)
{
    finding *f = data;
    g_ptr_array_unref(f->paths);
    g_free(f);
}

/* Whether the last parts of path are the query; n and m count what is left to compare. */
static bool ends_with(char **path, guint n, char **query, guint m)
{
    if (m == 0) {
        return true;
    }
    if (n == 0) {
        return false;
    }
    if (strcmp(path[n - 1], "*") == 0) {
        return ends_with(path, n - 1, query, m) || ends_with(path, n - 1, query, m - 1);
    }
    return strcmp(path[n - 1], query[m - 1]) == 0 && ends_with(path, n - 1, query, m - 1);
}

static void found(search *s, const hp_schema *owner, const hp_key *key)
{
    for (unsigned i = 0; i < s->findings->len; i++) {
        finding *f = g_ptr_array_index(s->findings, i);
        if (f->key == key) {
            g_ptr_array_add(f->paths, g_strdup(s->path->str));
            return;
        }
    }
    finding *f = g_new(finding, 1);
    *f = (finding){owner, key, g_ptr_array_new_with_free_func(g_free)};
    g_ptr_array_add(f->paths, g_strdup(s->path->str));
    g_ptr_array_add(s->findings, f);
}

static void visit(void *user, const hp_schema *owner, const hp_key *key, hp_doc_role role)
{
    search *s = user;
    size_t before = s->path->len;

    g_string_append_printf(s->path, "%s%s", before > 0 ? "." : "", key->name);
    g_ptr_array_add(s->names, (void *)key->name);
    g_auto(GStrv) parts = g_strsplit(s->path->str, ".", -1);
    guint n = g_strv_length(parts), m = g_strv_length(s->query);
    /* The last part must be the key itself, or any key under a `*` would answer to any word. */
    if (m > 0 && strcmp(s->query[m - 1], key->name) == 0 && ends_with(parts, n, s->query, m)) {
        found(s, owner, key);
    }
    if (key->sub != NULL) {
        g_string_append(s->path,
                        key->type == HP_V_BY_NAME || key->type == HP_V_LIST || key->type == HP_V_PAIRS ? ".*" : "");
        hp_doc_keys(key->sub, visit, s);
    }
    g_string_truncate(s->path, before);
}

static void tell_words(GString *out, const hp_words *words)
{
    hp_word word;
    int width = 0;

    for (unsigned i = 0; hp_words_at(words, i, &word); i++) {
        width = MAX(width, (int)strlen(word.name));
    }
    for (unsigned i = 0; hp_words_at(words, i, &word); i++) {
        if (word.doc != NULL) {
            g_string_append_printf(out, "    %-*s  %s\n", width, word.name, word.doc);
        } else {
            g_string_append_printf(out, "    %s\n", word.name);
        }
    }
}

static void tell_key(void *user, const hp_schema *owner, const hp_key *key, hp_doc_role role)
{
    g_autofree char *fallback = hp_doc_default(owner, key);
    g_string_append_printf(user, "    %s%s: %s", key->name, role == HP_DOC_REQUIRED ? " (required)" : "", key->doc);
    if (fallback != NULL) {
        g_string_append_printf(user, " [%s]", fallback);
    }
    g_string_append_c(user, '\n');
}

static void tell(GString *out, const finding *f)
{
    const hp_key *key = f->key;
    g_autofree char *fallback = hp_doc_default(f->owner, key);

    for (unsigned i = 0; i < f->paths->len; i++) {
        g_string_append_printf(out, "%s\n", (const char *)g_ptr_array_index(f->paths, i));
    }
    g_string_append_printf(out, "  %s\n", key->doc);
    if (key->words != NULL) {
        g_string_append_printf(out, "  type: %s\n", key->words->what);
        tell_words(out, key->words);
    } else {
        g_autofree char *type = hp_doc_type(key);
        g_string_append_printf(out, "  type: %s\n", type);
    }
    if (key->required) {
        g_string_append(out, "  required\n");
    } else if (fallback != NULL) {
        g_string_append_printf(out, "  default: %s\n", fallback);
    }
    if (key->sub != NULL) {
        g_string_append_printf(out, "  %s\n", key->sub->doc);
        if (key->sub->shorthand != NULL) {
            g_string_append_printf(out, "  A value alone is its `%s`.\n", key->sub->shorthand);
        }
        hp_doc_keys(key->sub, tell_key, out);
    }
}

char *hp_schema_explain(const char *key, const char **ret_nearest)
{
    g_auto(GStrv) query = g_strsplit(key, ".", -1);
    g_autoptr(GString) path = g_string_new(NULL);
    g_autoptr(GPtrArray) findings = g_ptr_array_new_with_free_func(free_finding);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    search s = {query, path, findings, names};
    guint n = g_strv_length(query);

    hp_doc_keys(&hp_schema_root, visit, &s);
    if (findings->len == 0) {
        if (ret_nearest != NULL) {
            *ret_nearest = n == 0 ? NULL : hp_nearest_word(query[n - 1], (const char *const *)names->pdata, names->len);
        }
        return NULL;
    }
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < findings->len; i++) {
        g_string_append(out, i > 0 ? "\n" : "");
        tell(out, g_ptr_array_index(findings, i));
    }
    return g_string_free(out, FALSE);
}
