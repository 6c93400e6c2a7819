/* A case's row in the index: what lists, grids and filters need, taken out of its result document.
 *
 * Where several pairs of peers called, the row tells the worst of them: a path that is none, a prediction that was not
 * met, the longest time to connect. Paths and predictions of results that an older version wrote may be missing. */
#include <string.h>

#include "report/evidence.h"
#include "report/page_private.h"

static void put_path(hp_json *j, JsonObject *result)
{
    static const char *const ranks[] = {"none", "relay", "hairpin", "direct", NULL};
    JsonObject *worst = NULL;
    unsigned rank = G_N_ELEMENTS(ranks);
    hp_time connected = 0;
    for (unsigned i = 0; i < hp_evidence_n(result, "path"); i++) {
        JsonObject *path = hp_evidence_at(result, "path", i);
        unsigned own = 0;
        while (ranks[own] != NULL && strcmp(ranks[own], hp_evidence_text(path, "kind")) != 0) {
            own++;
        }
        connected = MAX(connected, hp_evidence_time(path, "connected_ns"));
        if (ranks[own] != NULL && own < rank) {
            worst = path;
            rank = own;
        }
    }
    hp_json_time(j, "connected_ns", worst != NULL ? connected : HP_NEVER);
    hp_json_text(j, "path", worst != NULL ? ranks[rank] : NULL);
    const char *a = hp_evidence_text(worst, "a_type"), *b = hp_evidence_text(worst, "b_type");
    g_autofree char *types = g_strdup_printf("%s/%s", a, b);
    hp_json_text(j, "types", a[0] != '\0' && b[0] != '\0' ? types : NULL);
}

static void put_oracle(hp_json *j, JsonObject *result)
{
    static const char *const ranks[] = {"disagrees", "shortfall", "undecided", "agrees", "silent", NULL};
    unsigned rank = G_N_ELEMENTS(ranks) - 1;
    const char *predicted = "";
    for (unsigned i = 0; i < hp_evidence_n(result, "oracle"); i++) {
        JsonObject *o = hp_evidence_at(result, "oracle", i);
        for (unsigned own = 0; own < rank; own++) {
            if (strcmp(ranks[own], hp_evidence_text(o, "verdict")) == 0) {
                rank = own;
                predicted = hp_evidence_text(o, "predicted");
            }
        }
    }
    hp_json_text(j, "oracle", ranks[rank]);
    hp_json_text(j, "predicted", predicted[0] == '\0' ? NULL : strcmp(predicted, "no path") == 0 ? "none" : predicted);
}

static void put_failed(hp_json *j, JsonObject *result)
{
    hp_json_open(j, "failed", '[');
    for (unsigned i = 0; i < hp_evidence_n(result, "expectations"); i++) {
        JsonObject *e = hp_evidence_at(result, "expectations", i);
        if (e != NULL && !hp_evidence_bool(e, "passed")) {
            g_autofree char *text = g_strdup_printf("%s: %s", hp_evidence_text(e, "what"), hp_evidence_text(e, "got"));
            hp_json_text(j, NULL, text);
        }
    }
    hp_json_close(j, ']');
}

static void put_matrix(hp_json *j, JsonObject *result)
{
    hp_json_open(j, "matrix", '{');
    for (unsigned i = 0; i < hp_evidence_n(result, "matrix"); i++) {
        JsonObject *axis = hp_evidence_at(result, "matrix", i);
        if (hp_evidence_text(axis, "name")[0] != '\0') {
            hp_json_text(j, hp_evidence_text(axis, "name"), hp_evidence_text(axis, "value"));
        }
    }
    hp_json_close(j, '}');
}

char **hp_page_axes(JsonObject *result)
{
    GPtrArray *names = g_ptr_array_new();
    for (unsigned i = 0; i < hp_evidence_n(result, "matrix"); i++) {
        const char *name = hp_evidence_text(hp_evidence_at(result, "matrix", i), "name");
        if (name[0] != '\0') {
            g_ptr_array_add(names, g_strdup(name));
        }
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static void put_text(hp_json *j, JsonObject *result, const char *key)
{
    const char *text = hp_evidence_text(result, key);
    hp_json_text(j, key, text[0] != '\0' ? text : NULL);
}

void hp_page_row(hp_json *j, JsonObject *result, bool evidence)
{
    JsonNode *tags = json_object_get_member(result, "tags");
    g_autofree char *seed = g_strdup_printf("%" G_GUINT64_FORMAT, hp_evidence_u64(result, "seed"));
    hp_json_open(j, NULL, '{');
    hp_json_text(j, "name", hp_evidence_text(result, "case"));
    hp_json_text(j, "file", hp_evidence_text(result, "file"));
    hp_json_text(j, "verdict", hp_evidence_text(result, "verdict"));
    hp_json_text(j, "about", hp_evidence_text(result, "about"));
    if (tags != NULL && JSON_NODE_HOLDS_ARRAY(tags)) {
        hp_page_node(j, "tags", tags);
    } else {
        hp_json_open(j, "tags", '[');
        hp_json_close(j, ']');
    }
    hp_json_text(j, "seed", seed);
    hp_json_time(j, "ended_ns", hp_evidence_time(result, "ended_ns"));
    put_path(j, result);
    put_oracle(j, result);
    put_failed(j, result);
    put_text(j, result, "known_bug");
    put_matrix(j, result);
    hp_json_bool(j, "evidence", evidence);
}
