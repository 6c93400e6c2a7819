/* What a benchmark found, as a document ("hairpin-bench/1"): metrics, in variants, at points along an axis.
 *
 * The JSON is read by the report's page and by --compare; its shape:
 *
 *   {"format": "hairpin-bench/1", "hairpin": VERSION, "kind": "turn-vs-direct" | "self" | "live-fabric",
 *    "about": TEXT,
 *    "seeds": [TEXT], "settings": {NAME: TEXT},
 *    "metrics": [{"name", "about", "unit", "better": "lower" | "higher" | null, "virtual": BOOL,
 *                 "x": {"name", "unit"} | null,
 *                 "variants": [{"name", "points": [{"x", "n", "mean", "low", "high", "min", "median", "max"}]}]}]}
 *
 * A figure is virtual when it comes from the emulated world alone: the same settings give the same one on every machine.
 * All others are measured on this machine, and noisy. */
#ifndef HP_BENCH_DOCUMENT_H
#define HP_BENCH_DOCUMENT_H

#include <glib.h>
#include <stdbool.h>

#include "bench/statistics.h"

typedef enum hp_bench_better {
    HP_BENCH_NEITHER, /* neither way is better: a description, such as a count */
    HP_BENCH_LOWER,
    HP_BENCH_HIGHER,
    HP_BENCH_BETTER_N
} hp_bench_better;

typedef struct hp_bench_point {
    double x; /* 0 in a metric without an axis */
    hp_bench_summary s;
} hp_bench_point;

typedef struct hp_bench_variant {
    char *name;
    GArray *points; /* of hp_bench_point, in the order they were added */
} hp_bench_variant;

/* What is said of a metric before its figures; literals, or strings that outlive the call that takes it. */
typedef struct hp_bench_subject {
    const char *name; /* "time-to-connect" */
    const char *about; /* in words */
    const char *unit; /* "ms", "bit/s", "%", "us", "B", "1/s", "" */
    hp_bench_better better;
    bool is_virtual;
    const char *x_name, *x_unit; /* NULL: there is no axis, and at most one point a variant */
} hp_bench_subject;

typedef struct hp_bench_metric {
    char *name, *about, *unit;
    hp_bench_better better;
    bool is_virtual;
    char *x_name, *x_unit; /* NULL: no axis */
    GPtrArray *variants; /* of hp_bench_variant */
} hp_bench_metric;

typedef struct hp_bench_setting {
    char *name, *text;
} hp_bench_setting;

typedef struct hp_bench_document {
    char *hairpin, *kind, *about;
    GPtrArray *seeds; /* of char: decimal */
    GArray *settings; /* of hp_bench_setting */
    GPtrArray *metrics; /* of hp_bench_metric */
} hp_bench_document;

hp_bench_document *hp_bench_document_new(const char *kind, const char *about);
void hp_bench_document_free(hp_bench_document *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_bench_document, hp_bench_document_free)

/* The seeds 1..n. */
void hp_bench_document_set_seeds(hp_bench_document *document, unsigned n);
void hp_bench_document_set(hp_bench_document *document, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Adds a point; metric and variant come into being with their first one. Without samples nothing is added. */
void hp_bench_document_add(hp_bench_document *document, const hp_bench_subject *subject, const char *variant, double x,
                           const double *samples, unsigned n);

/* The metric of that name, made if need be. */
hp_bench_metric *hp_bench_document_metric(hp_bench_document *document, const hp_bench_subject *subject);
/* NULL when there is none. */
const hp_bench_metric *hp_bench_document_find(const hp_bench_document *document, const char *metric);
const hp_bench_variant *hp_bench_metric_find(const hp_bench_metric *metric, const char *variant);
const hp_bench_point *hp_bench_variant_at(const hp_bench_variant *variant, double x);

/* ---- document_json.c ---- */

/* Ends in a newline; caller frees. */
char *hp_bench_document_json(const hp_bench_document *document);
/* HP_ERROR_IO naming the path. */
bool hp_bench_document_write(const hp_bench_document *document, const char *path, GError **error);
/* NULL and HP_ERROR_IO, or HP_ERROR_SCENARIO when the file is no such document, naming it. */
hp_bench_document *hp_bench_document_read(const char *path, GError **error);

/* ---- document_text.c ---- */

/* The table for a terminal; ends in a newline. Caller frees. */
char *hp_bench_document_text(const hp_bench_document *document);
/* A figure for people in its unit, with three or four digits that matter: "40 ms", "9.71 Mbit/s". Caller frees. */
char *hp_bench_format(double value, const char *unit);

#endif
