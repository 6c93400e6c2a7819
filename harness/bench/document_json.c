/* The document as JSON, written and read back.
 *
 * Figures are written with twelve digits: more than any of them is worth, and few enough that 180 does not become
 * 180.00000000000003. Reading takes nothing on trust: what lacks a format, a name or a figure is refused as a whole, since
 * a baseline that is half understood would compare half of what it should. */
#include <assert.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "bench/document.h"
#include "report/evidence.h"
#include "report/json_writer.h"

#define FORMAT "hairpin-bench/1"

static const char *const better_names[] = {NULL, "lower", "higher"};
static_assert(G_N_ELEMENTS(better_names) == HP_BENCH_BETTER_N, "a name for each");

/* ---- writing ---- */

static void put_real(hp_json *j, const char *key, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    hp_json_member(j, key);
    hp_output_text(j->o, g_ascii_formatd(text, sizeof text, "%.12g", value + 0.0)); /* no -0 */
}

static void put_point(hp_json *j, const hp_bench_point *p)
{
    hp_json_open(j, NULL, '{');
    put_real(j, "x", p->x);
    hp_json_u64(j, "n", p->s.n);
    put_real(j, "mean", p->s.mean);
    put_real(j, "low", p->s.low);
    put_real(j, "high", p->s.high);
    put_real(j, "min", p->s.min);
    put_real(j, "median", p->s.median);
    put_real(j, "max", p->s.max);
    hp_json_close(j, '}');
}

static void put_metric(hp_json *j, const hp_bench_metric *m)
{
    hp_json_open(j, NULL, '{');
    hp_json_text(j, "name", m->name);
    hp_json_text(j, "about", m->about);
    hp_json_text(j, "unit", m->unit);
    hp_json_text(j, "better", better_names[m->better]);
    hp_json_bool(j, "virtual", m->is_virtual);
    if (m->x_name) {
        hp_json_open(j, "x", '{');
        hp_json_text(j, "name", m->x_name);
        hp_json_text(j, "unit", m->x_unit);
        hp_json_close(j, '}');
    } else {
        hp_json_text(j, "x", NULL);
    }
    hp_json_open(j, "variants", '[');
    for (unsigned i = 0; i < m->variants->len; i++) {
        const hp_bench_variant *v = m->variants->pdata[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", v->name);
        hp_json_open(j, "points", '[');
        for (unsigned k = 0; k < v->points->len; k++)
            put_point(j, &g_array_index(v->points, hp_bench_point, k));
        hp_json_close(j, ']');
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
    hp_json_close(j, '}');
}

static void put_document(hp_output *o, const hp_bench_document *d)
{
    hp_json j = {.o = o, .first = true, .depth = 1};
    hp_output_char(o, '{');
    hp_json_text(&j, "format", FORMAT);
    hp_json_text(&j, "hairpin", d->hairpin);
    hp_json_text(&j, "kind", d->kind);
    hp_json_text(&j, "about", d->about);
    hp_json_open(&j, "seeds", '[');
    for (unsigned i = 0; i < d->seeds->len; i++)
        hp_json_text(&j, NULL, d->seeds->pdata[i]);
    hp_json_close(&j, ']');
    hp_json_open(&j, "settings", '{');
    for (unsigned i = 0; i < d->settings->len; i++) {
        const hp_bench_setting *s = &g_array_index(d->settings, hp_bench_setting, i);
        hp_json_text(&j, s->name, s->text);
    }
    hp_json_close(&j, '}');
    hp_json_open(&j, "metrics", '[');
    for (unsigned i = 0; i < d->metrics->len; i++)
        put_metric(&j, d->metrics->pdata[i]);
    hp_json_close(&j, ']');
    hp_json_close(&j, '}');
    hp_output_char(o, '\n');
}

char *hp_bench_document_json(const hp_bench_document *document)
{
    hp_output *o = hp_output_memory();
    put_document(o, document);
    return hp_output_take(o, NULL);
}

bool hp_bench_document_write(const hp_bench_document *document, const char *path, GError **error)
{
    hp_output *o = hp_output_open(path, error);
    if (!o)
        return false;
    put_document(o, document);
    return hp_output_close(o, error);
}

/* ---- reading ---- */

static bool get_real(JsonObject *object, const char *key, double *ret)
{
    JsonNode *node = json_object_get_member(object, key);
    if (!node || !JSON_NODE_HOLDS_VALUE(node))
        return false;
    GType type = json_node_get_value_type(node);
    if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
        return false;
    *ret = type == G_TYPE_INT64 ? (double)json_node_get_int(node) : json_node_get_double(node);
    return isfinite(*ret);
}

static bool get_point(JsonObject *object, hp_bench_point *ret)
{
    uint64_t n = hp_evidence_u64(object, "n");
    *ret = (hp_bench_point){.s.n = (unsigned)n};
    return n > 0 && n <= G_MAXUINT && get_real(object, "x", &ret->x) && get_real(object, "mean", &ret->s.mean) &&
           get_real(object, "low", &ret->s.low) && get_real(object, "high", &ret->s.high) &&
           get_real(object, "min", &ret->s.min) && get_real(object, "median", &ret->s.median) &&
           get_real(object, "max", &ret->s.max);
}

/* What is wrong, as a literal, or NULL. */
static const char *get_variant(JsonObject *object, hp_bench_metric *m)
{
    const char *name = hp_evidence_text(object, "name");
    if (*name == '\0' || hp_bench_metric_find(m, name))
        return "a variant without a name of its own";
    hp_bench_variant *v = g_new0(hp_bench_variant, 1);
    v->name = g_strdup(name);
    v->points = g_array_new(FALSE, FALSE, sizeof(hp_bench_point));
    g_ptr_array_add(m->variants, v);
    for (unsigned i = 0; i < hp_evidence_n(object, "points"); i++) {
        JsonObject *at = hp_evidence_at(object, "points", i);
        hp_bench_point p;
        if (!at || !get_point(at, &p) || hp_bench_variant_at(v, p.x))
            return "a point that is none";
        g_array_append_val(v->points, p);
    }
    return NULL;
}

static bool get_better(JsonObject *object, hp_bench_better *ret)
{
    const char *text = hp_evidence_text(object, "better");
    *ret = HP_BENCH_NEITHER;
    for (unsigned i = HP_BENCH_LOWER; i < HP_BENCH_BETTER_N; i++)
        if (strcmp(text, better_names[i]) == 0)
            *ret = (hp_bench_better)i;
    return *ret != HP_BENCH_NEITHER || *text == '\0';
}

static const char *get_metric(JsonObject *object, hp_bench_document *d)
{
    JsonObject *x = hp_evidence_object(object, "x");
    hp_bench_subject subject = {
        .name = hp_evidence_text(object, "name"),
        .about = hp_evidence_text(object, "about"),
        .unit = hp_evidence_text(object, "unit"),
        .is_virtual = hp_evidence_bool(object, "virtual"),
        .x_name = x ? hp_evidence_text(x, "name") : NULL,
        .x_unit = x ? hp_evidence_text(x, "unit") : NULL,
    };
    if (!get_better(object, &subject.better))
        return "`better` is lower, higher or null";
    if (*subject.name == '\0' || hp_bench_document_find(d, subject.name))
        return "a metric without a name of its own";
    hp_bench_metric *m = hp_bench_document_metric(d, &subject);
    for (unsigned i = 0; i < hp_evidence_n(object, "variants"); i++) {
        JsonObject *variant = hp_evidence_at(object, "variants", i);
        const char *wrong = variant ? get_variant(variant, m) : "a variant that is none";
        if (wrong)
            return wrong;
    }
    return NULL;
}

static void get_settings(JsonObject *object, hp_bench_document *d)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;
    if (!object)
        return;
    json_object_iter_init_ordered(&iter, object);
    while (json_object_iter_next_ordered(&iter, &name, &node))
        hp_bench_document_set(d, name, "%s", hp_evidence_text(object, name));
}

static const char *get_document(JsonObject *object, hp_bench_document *d)
{
    JsonNode *seeds = json_object_get_member(object, "seeds");
    JsonArray *list = seeds && JSON_NODE_HOLDS_ARRAY(seeds) ? json_node_get_array(seeds) : NULL;
    if (!list)
        return "`seeds` is no list";
    for (unsigned i = 0; i < json_array_get_length(list); i++) {
        JsonNode *seed = json_array_get_element(list, i);
        if (!JSON_NODE_HOLDS_VALUE(seed) || json_node_get_value_type(seed) != G_TYPE_STRING)
            return "a seed that is no text";
        g_ptr_array_add(d->seeds, g_strdup(json_node_get_string(seed)));
    }
    get_settings(hp_evidence_object(object, "settings"), d);
    for (unsigned i = 0; i < hp_evidence_n(object, "metrics"); i++) {
        JsonObject *metric = hp_evidence_at(object, "metrics", i);
        const char *wrong = metric ? get_metric(metric, d) : "a metric that is none";
        if (wrong)
            return wrong;
    }
    return d->metrics->len == 0 ? "no metrics" : NULL;
}

hp_bench_document *hp_bench_document_read(const char *path, GError **error)
{
    g_autoptr(GError) inner = NULL;
    g_autoptr(JsonNode) root = hp_evidence_load_json(path, &inner);
    if (!root && inner->code == HP_ERROR_IO) {
        g_propagate_error(error, g_steal_pointer(&inner));
        return NULL;
    }
    JsonObject *object = root ? json_node_get_object(root) : NULL;
    if (!object || strcmp(hp_evidence_text(object, "format"), FORMAT) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s: no figures of hairpin bench (%s)", path, FORMAT);
        return NULL;
    }
    g_autoptr(hp_bench_document) d =
        hp_bench_document_new(hp_evidence_text(object, "kind"), hp_evidence_text(object, "about"));
    g_free(d->hairpin);
    d->hairpin = g_strdup(hp_evidence_text(object, "hairpin"));
    const char *wrong = get_document(object, d);
    if (wrong) {
        g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s: %s", path, wrong);
        return NULL;
    }
    return g_steal_pointer(&d);
}
