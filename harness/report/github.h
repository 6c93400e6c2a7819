/* A run as GitHub Actions shows it: annotations at lines of scenario files, and a page of Markdown for the step. Both are
 * text; the command line prints the one and appends the other to the file that $GITHUB_STEP_SUMMARY names. */
#ifndef HP_REPORT_GITHUB_H
#define HP_REPORT_GITHUB_H

#include "base/diag.h"
#include "report/report.h"

/* The page of one step may hold so much; more than that is thrown away as a whole by GitHub. */
#define HP_GITHUB_SUMMARY_MAX ((size_t)1 << 20)

/* Workflow commands, a line each: an error for every mistake, a warning for every oddity of the scenarios. GitHub shows
 * ten of a kind in a step and drops the rest in silence, so the last one says how many more there are. Caller frees. */
char *hp_github_diags(const hp_diags *diags);
/* The same of cases: an error for each that is not good (once for a repeated one), a warning for a known bug that is
 * gone. Caller frees. */
char *hp_github_report(const hp_report *report);
/* Markdown of at most `room` bytes: totals, what failed and how to run it again, what was not as predicted, known bugs,
 * who was slowest to connect. What does not fit is left out, and that is said. "" when there is no room for that either.
 * Caller frees. */
char *hp_github_summary(const hp_report *report, unsigned n_not_run, size_t room);

#endif
