/* What commands that have cases to tell of print and write: a run of its own, or results that were merged. */
#ifndef HP_CLI_RUN_OUTPUT_H
#define HP_CLI_RUN_OUTPUT_H

#include "base/diag.h"
#include "report/report.h"

#define HP_RUN_OUTPUT_JUNIT "junit.xml" /* below the folder of the results, unless told otherwise */

typedef struct hp_run_output {
    bool tap, quiet, github;
    bool only_bad; /* no lines for good cases, as with quiet */
    const char *out; /* folder, or NULL */
    const char *junit; /* file; NULL: OUT/junit.xml, if there is a folder */
    hp_report_style style;
} hp_run_output;

/* Whether stdout is a terminal that knows colours, and nobody asked for none (NO_COLOR, if it is not empty). */
bool hp_run_output_has_colour(void);
/* With colours where they are seen. */
hp_report_style hp_run_output_style(bool verbose);
/* Whether a case is worth a line here. */
bool hp_run_output_tells(const hp_run_output *output, const hp_report_case *c);
/* A case that is over, in its turn; nothing if it is worth no line. */
void hp_run_output_case(const hp_run_output *output, const hp_report_case *c);
/* The files: JUnit, and with github the page of the step where $GITHUB_STEP_SUMMARY names one. n_not_run: cases that
 * --fail-fast left out, here and below. */
bool hp_run_output_files(const hp_run_output *output, const hp_report *report, unsigned n_not_run, GError **error);
/* The last lines, with github the annotations before them; with tap the whole of it. */
void hp_run_output_summary(const hp_run_output *output, const hp_report *report, unsigned n_not_run);
/* With tap: what there is of a run that Hairpin could not carry on. Nothing otherwise. */
void hp_run_output_bail_out(const hp_run_output *output, const hp_report *report, unsigned n_planned,
                            const char *reason);
/* What was found while loading scenarios: for people to stderr, with github for it too. */
void hp_run_output_diags(const hp_run_output *output, hp_diags *diags);

#endif
