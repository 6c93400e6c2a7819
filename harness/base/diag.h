/* Diagnostics for the user's input: gathered, never printed here. Each has a place in a file, what is wrong,
 * and, where one exists, the nearest valid word. */
#ifndef HP_BASE_DIAG_H
#define HP_BASE_DIAG_H

#include <glib.h>
#include <stdbool.h>

/* A place in a scenario file, 1-based; line 0 means "the file as a whole". file is owned by hp_diags or
 * the scenario that made the mark. */
typedef struct hp_mark {
    const char *file;
    unsigned line, column;
} hp_mark;

typedef enum hp_severity { HP_SEVERITY_ERROR, HP_SEVERITY_WARNING } hp_severity;

typedef struct hp_diag {
    hp_severity severity;
    hp_mark mark;
    char *message; /* owned */
    char *hint; /* owned, or NULL: "did you mean `symmetric`?" */
    char *source_line; /* owned, or NULL: the line the mark points into */
} hp_diag;

typedef struct hp_diags {
    GPtrArray *list; /* of hp_diag*, in the order found */
    GStringChunk *strings; /* file names */
    unsigned n_errors, n_warnings;
} hp_diags;

hp_diags *hp_diags_new(void);
void hp_diags_free(hp_diags *diags);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_diags, hp_diags_free)

void hp_diags_add(hp_diags *diags, hp_severity severity, hp_mark mark, const char *source_line, const char *hint,
                  const char *format, ...) G_GNUC_PRINTF(6, 7);
/* Errors first by place: file, line, column. */
void hp_diags_sort(hp_diags *diags);
/* "file:line:col: error: message (hint)\n  source\n    ^\n" for every diagnostic. Caller frees. */
char *hp_diags_format(const hp_diags *diags);

/* The candidate nearest to word by edit distance, or NULL when none is near enough to be a likely slip. */
const char *hp_nearest_word(const char *word, const char *const *candidates, size_t n_candidates);

#endif
