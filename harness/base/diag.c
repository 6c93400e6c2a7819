/* Diagnostics for the user's input, and the nearest valid word for a slip of the pen.
 *
 * All text is copied: a diagnostic outlives the parser that found it. Columns count characters, not bytes, as
 * libfyaml's marks do, and the caret line repeats the tabs of the source line, so that the caret stands right in any
 * terminal.
 *
 * The distance between words is the restricted Damerau-Levenshtein one (insert, delete, replace, swap neighbours),
 * without regard to ASCII case. A candidate is near when it is off by at most a third of the longer word, where one
 * slip (two from five letters on) is always allowed, unless nothing of the word is left. */
#include "base/diag.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

static_assert(HP_SEVERITY_ERROR < HP_SEVERITY_WARNING, "errors sort first");

static void diag_free(void *data)
{
    hp_diag *diag = data;
    g_free(diag->message);
    g_free(diag->hint);
    g_free(diag->source_line);
    g_free(diag);
}

hp_diags *hp_diags_new(void)
{
    hp_diags *diags = g_new0(hp_diags, 1);
    diags->list = g_ptr_array_new_with_free_func(diag_free);
    diags->strings = g_string_chunk_new(256);
    return diags;
}

void hp_diags_free(hp_diags *diags)
{
    if (diags == NULL) {
        return;
    }
    g_ptr_array_unref(diags->list);
    g_string_chunk_free(diags->strings);
    g_free(diags);
}

void hp_diags_add(hp_diags *diags, hp_severity severity, hp_mark mark, const char *source_line, const char *hint,
                  const char *format, ...)
{
    hp_diag *diag = g_new0(hp_diag, 1);
    va_list args;

    diag->severity = severity;
    diag->mark = mark;
    if (mark.file != NULL) {
        diag->mark.file = g_string_chunk_insert_const(diags->strings, mark.file);
    }
    diag->hint = g_strdup(hint);
    if (source_line != NULL) {
        diag->source_line = g_strndup(source_line, strcspn(source_line, "\r\n"));
    }
    va_start(args, format);
    diag->message = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(diags->list, diag);
    switch (severity) {
    case HP_SEVERITY_ERROR:
        diags->n_errors++;
        break;
    case HP_SEVERITY_WARNING:
        diags->n_warnings++;
        break;
    }
}

static int compare_unsigned(unsigned a, unsigned b)
{
    return a < b ? -1 : a > b;
}

static int compare_diags(const void *a, const void *b)
{
    const hp_diag *x = *(const hp_diag *const *)a, *y = *(const hp_diag *const *)b;
    int order = compare_unsigned(x->severity, y->severity);
    if (order == 0) {
        order = g_strcmp0(x->mark.file, y->mark.file);
    }
    if (order == 0) {
        order = compare_unsigned(x->mark.line, y->mark.line);
    }
    return order != 0 ? order : compare_unsigned(x->mark.column, y->mark.column);
}

void hp_diags_sort(hp_diags *diags)
{
    g_ptr_array_sort(diags->list, compare_diags); /* stable: the order found decides at one place */
}

static const char *severity_name(hp_severity severity)
{
    switch (severity) {
    case HP_SEVERITY_ERROR:
        return "error";
    case HP_SEVERITY_WARNING:
        return "warning";
    }
    return "error";
}

static void append_source(GString *out, const hp_diag *diag)
{
    const char *p = diag->source_line;

    g_string_append_printf(out, "  %s\n", p);
    if (diag->mark.column == 0) {
        return;
    }
    g_string_append(out, "  ");
    for (unsigned column = 1; column < diag->mark.column && *p != '\0'; column++) {
        g_string_append_c(out, *p == '\t' ? '\t' : ' ');
        /* One character: a lead byte and its continuation bytes (text that is not UTF-8 is stepped over bytewise). */
        do {
            p++;
        } while (((unsigned char)*p & 0xc0) == 0x80);
    }
    g_string_append(out, "^\n");
}

char *hp_diags_format(const hp_diags *diags)
{
    GString *out = g_string_new(NULL);

    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *diag = g_ptr_array_index(diags->list, i);
        if (diag->mark.file != NULL) {
            g_string_append_printf(out, "%s:", diag->mark.file);
        }
        if (diag->mark.line > 0) {
            g_string_append_printf(out, "%u:", diag->mark.line);
            if (diag->mark.column > 0) {
                g_string_append_printf(out, "%u:", diag->mark.column);
            }
        }
        g_string_append_printf(out, "%s%s: %s", out->len > 0 && out->str[out->len - 1] == ':' ? " " : "",
                               severity_name(diag->severity), diag->message);
        if (diag->hint != NULL) {
            g_string_append_printf(out, " (%s)", diag->hint);
        }
        g_string_append_c(out, '\n');
        if (diag->source_line != NULL && diag->mark.line > 0) {
            append_source(out, diag);
        }
    }
    return g_string_free(out, FALSE);
}

/* Restricted Damerau-Levenshtein distance over three rows of the table. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t *cells = g_new(size_t, 3 * (b_len + 1));
    size_t *before = cells, *previous = before + b_len + 1, *row = previous + b_len + 1;

    for (size_t j = 0; j <= b_len; j++) {
        previous[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[j - 1]);
            size_t best = MIN(MIN(previous[j], row[j - 1]) + 1, previous[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 && g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[j - 2]) &&
                g_ascii_tolower(a[i - 2]) == g_ascii_tolower(b[j - 1])) {
                best = MIN(best, before[j - 2] + 1);
            }
            row[j] = best;
        }
        size_t *oldest = before;
        before = previous;
        previous = row;
        row = oldest;
    }
    size_t distance = previous[b_len];
    g_free(cells);
    return distance;
}

const char *hp_nearest_word(const char *word, const char *const *candidates, size_t n_candidates)
{
    const char *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    size_t len = strlen(word);

    for (size_t i = 0; i < n_candidates; i++) {
        size_t candidate_len = strlen(candidates[i]), longer = MAX(len, candidate_len);
        size_t limit = MAX(longer / 3, longer >= 5 ? 2 : 1);
        size_t apart = longer - MIN(len, candidate_len);
        if (apart > limit || apart >= nearest_distance || MIN(len, candidate_len) == 0) {
            continue;
        }
        size_t distance = edit_distance(word, len, candidates[i], candidate_len);
        if (distance <= limit && distance < longer && distance < nearest_distance) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
