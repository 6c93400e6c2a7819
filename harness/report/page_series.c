/* Series of tracks in a result document, made no longer than a page can use: neighbouring points become one, by the same
 * factor in all rows of a track. Counts add up, maxima stay maxima; a mean is weighted by the packets it is of, and
 * jitter, which is a level and no sum, has its largest. */
#include <string.h>

#include "report/evidence.h"
#include "report/page_private.h"

typedef enum merge { SUM, LARGEST, WEIGHTED } merge;

static merge merge_of(const char *row)
{
    if (strcmp(row, "latency_mean_ns") == 0) {
        return WEIGHTED;
    }
    return strcmp(row, "latency_max_ns") == 0 || strcmp(row, "jitter_us") == 0 ? LARGEST : SUM;
}

static int64_t number_at(JsonArray *row, unsigned i)
{
    JsonNode *node = row != NULL && i < json_array_get_length(row) ? json_array_get_element(row, i) : NULL;
    return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_int(node) : 0;
}

static JsonArray *merge_row(JsonArray *row, merge how, JsonArray *weights, unsigned factor)
{
    const unsigned n = json_array_get_length(row);
    JsonArray *merged = json_array_sized_new(n / factor + 1);
    for (unsigned from = 0; from < n; from += factor) {
        int64_t value = 0;
        double weighted = 0, weight = 0;
        for (unsigned i = from; i < MIN(from + factor, n); i++) {
            const int64_t x = number_at(row, i);
            value = how == LARGEST ? MAX(value, x) : value + (how == SUM ? x : 0);
            weighted += (double)x * (double)number_at(weights, i);
            weight += (double)number_at(weights, i);
        }
        json_array_add_int_element(merged, how != WEIGHTED ? value : weight > 0 ? (int64_t)(weighted / weight) : 0);
    }
    return merged;
}

static JsonArray *row_of(JsonObject *series, const char *name)
{
    JsonNode *node = json_object_get_member(series, name);
    return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static void thin(JsonObject *series)
{
    g_autoptr(GList) names = json_object_get_members(series);
    unsigned longest = 0;
    for (GList *at = names; at != NULL; at = at->next) {
        JsonArray *row = row_of(series, at->data);
        longest = MAX(longest, row != NULL ? json_array_get_length(row) : 0);
    }
    const unsigned factor = (longest + HP_PAGE_POINTS - 1) / HP_PAGE_POINTS;
    if (factor <= 1) {
        return;
    }
    JsonArray *weights = row_of(series, "packets");
    g_autoptr(JsonArray) kept = weights != NULL ? json_array_ref(weights) : json_array_new();
    for (GList *at = names; at != NULL; at = at->next) {
        JsonArray *row = row_of(series, at->data);
        if (row != NULL) {
            json_object_set_array_member(series, at->data, merge_row(row, merge_of(at->data), kept, factor));
        }
    }
    json_object_set_int_member(series, "interval_ns", (gint64)hp_evidence_u64(series, "interval_ns") * (gint64)factor);
}

void hp_page_thin_series(JsonObject *result)
{
    for (unsigned i = 0; i < hp_evidence_n(result, "tracks"); i++) {
        JsonObject *track = hp_evidence_at(result, "tracks", i);
        JsonObject *series = track != NULL ? hp_evidence_object(track, "series") : NULL;
        if (series != NULL) {
            thin(series);
        }
    }
}
