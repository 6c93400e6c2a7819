/* The lines, the summary and the files of a report. */
#include "cli/run_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

hp_report_style hp_run_output_style(bool verbose)
{
    return (hp_report_style){.colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL, .verbose = verbose};
}

void hp_run_output_case(const hp_run_output *output, const hp_report_case *c)
{
    const bool only_bad = output->quiet || output->only_bad;
    if (output->tap || (only_bad && hp_verdict_is_good(c->verdict))) {
        return;
    }
    g_autofree char *text = hp_report_text_case(c, &output->style);
    fputs(text, stdout);
    (void)fflush(stdout);
}

bool hp_run_output_files(const hp_run_output *output, const hp_report *report, GError **error)
{
    g_autofree char *beside =
        output->junit == NULL && output->out != NULL ? g_build_filename(output->out, "junit.xml", NULL) : NULL;
    const char *junit = output->junit != NULL ? output->junit : beside;
    return junit == NULL || hp_report_write_junit(report, junit, error);
}

static bool has_evidence(const hp_report *report)
{
    for (unsigned i = 0; i < report->cases->len; i++) {
        if (((const hp_report_case *)report->cases->pdata[i])->evidence != NULL) {
            return true;
        }
    }
    return false;
}

void hp_run_output_summary(const hp_run_output *output, const hp_report *report, unsigned n_not_run)
{
    if (output->tap) {
        g_autofree char *tap = hp_report_tap(report);
        fputs(tap, stdout);
        return;
    }
    g_autofree char *summary = hp_report_text_summary(report, &output->style);
    fputs(summary, stdout);
    if (n_not_run > 0) {
        printf("%u not run (--fail-fast)\n", n_not_run);
    }
    if (has_evidence(report)) {
        printf("Evidence: %s/<case>/{trace.pcapng,events.jsonl,result.json}\n", output->out);
    }
}
