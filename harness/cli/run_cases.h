/* Running planned cases the way the command line does it: output while they run, the reports afterwards, the exit
 * code. A command that wants to show something of its own is told of every case. */
#ifndef HP_CLI_RUN_CASES_H
#define HP_CLI_RUN_CASES_H

#include "cli/run_options.h"
#include "report/report.h"

typedef struct hp_run_hooks {
    void *user;
    /* A case is over, in the order in which they end; index: of its plan. All is valid during the call only.
     * evidence: its folder, or NULL. May be NULL. */
    void (*done)(void *user, unsigned index, const hp_result *result, const hp_trace *trace, const char *evidence);
    /* All that ran is over and OUT/result.json is written; the report holds the cases in the order of the plans.
     * Called before the summary is printed, and not when Hairpin itself failed. False and error make the command
     * fail. May be NULL. */
    bool (*over)(void *user, const hp_report *report, const hp_report_style *style, GError **error);
    bool only_bad; /* print no line for a case that is good, as with --quiet */
} hp_run_hooks;

/* What a command that ran these ends with. */
int hp_run_cases_exit(const hp_report *report);
/* Prints what was found while loading, and says whether anything can be run: HP_EXIT_GOOD, or the exit code of a run
 * that came to nothing. */
int hp_run_cases_admit(const hp_run_options *options, const hp_cases *cases, hp_diags *diags);
/* Runs cases->plans (ordered by case name), prints, writes JUnit and OUT/result.json. hooks may be NULL. Returns the
 * exit code. */
int hp_run_cases(const hp_run_options *options, const hp_cases *cases, const hp_run_hooks *hooks);

#endif
