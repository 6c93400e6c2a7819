/* Results read back: the documents of one run's OUT/result.json, and cases for the reports made of them. */
#ifndef HP_REPORT_RUN_READ_H
#define HP_REPORT_RUN_READ_H

#include <json-glib/json-glib.h>

#include "report/report.h"

/* ---- one document, "hairpin-result/1" (case_json.c) ---- */

/* Whether it can be made a case of. False and HP_ERROR_INVALID saying what is wrong with it. */
bool hp_report_document_check(JsonObject *document, hp_verdict *ret_verdict, GError **error);
/* As hp_report_case_new() makes it of the result; packets that failures name are looked up in the evidence folder, if
 * there is any (else NULL). NULL and HP_ERROR_INVALID. */
hp_report_case *hp_report_case_of_document(JsonObject *document, const char *evidence, GError **error);

/* ---- OUT/result.json, "hairpin-run/1" (run_read.c) ---- */

typedef struct hp_run_entry {
    const char *line; /* the document as it stands in the file; lives as long as the file's hp_run_file */
    size_t length;
    char *name; /* of the case */
    hp_verdict verdict;
} hp_run_entry;

typedef struct hp_run_file {
    char *path, *version; /* version: of the Hairpin that wrote it */
    GArray *entries; /* of hp_run_entry, ordered by name */
    GMappedFile *map;
} hp_run_file;

/* Told of every case in turn while the file is read; the document is valid during the call only. False and error end the
 * reading. */
typedef bool (*hp_run_document_fn)(const hp_run_entry *entry, JsonObject *document, void *user, GError **error);

/* Reads `folder`/result.json, a document at a time. fn may be NULL. NULL and HP_ERROR_IO when it cannot be read, or
 * HP_ERROR_INVALID naming path and line when it is not, or not wholly, what a run wrote. */
hp_run_file *hp_run_file_read(const char *folder, hp_run_document_fn fn, void *user, GError **error);
void hp_run_file_free(hp_run_file *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_run_file, hp_run_file_free)

#endif
