/* The result of a whole run, OUT/result.json, version "hairpin-run/1":
 *
 *   {
 *   "format": "hairpin-run/1",
 *   "hairpin": "0.1.0",
 *   "totals": {"cases": 2, "pass": 1, "fail": 1, "expected-failure": 0, ...every verdict},
 *   "cases": [
 *   {"format":"hairpin-result/1", ...},
 *   {"format":"hairpin-result/1", ...}
 *   ]
 *   }
 *
 * A case's document is the one of its own result.json without white space, on a line of its own, so that a reader can
 * take line after line. Cases stand in the order of their names (strcmp). Nothing in it says how, where or when the run
 * was made: the same cases make the same bytes, in one run or in shards that were merged. */
#ifndef HP_REPORT_RUN_JSON_H
#define HP_REPORT_RUN_JSON_H

#include "check/result.h"

#define HP_RUN_JSON_FORMAT "hairpin-run/1"
#define HP_RUN_JSON_FILE "result.json"

typedef struct hp_run_json hp_run_json;

/* For at most n_cases, of which any may stay away. Takes away what an earlier run left as `folder`/result.json, and keeps
 * what does not fit a buffer in an unnamed file there. NULL and HP_ERROR_IO naming the path. */
hp_run_json *hp_run_json_new(const char *folder, unsigned n_cases, GError **error);
void hp_run_json_free(hp_run_json *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_run_json, hp_run_json_free)
/* Adds a case, once an index, in any order; the order in the file is that of the indices. */
void hp_run_json_add(hp_run_json *run, unsigned index, const hp_result *result);
/* The same of a case whose document there is already: one line, without its end. */
void hp_run_json_add_document(hp_run_json *run, unsigned index, hp_verdict verdict, const char *line, size_t length);
/* Writes `folder`/result.json, whole or not at all. False and HP_ERROR_IO naming the path, also when an addition could not
 * be kept. */
bool hp_run_json_write(hp_run_json *run, const char *folder, GError **error);

#endif
