/* `hairpin list`: the cases that paths hold, a line each; or, with --json, everything another program needs to offer
 * them: with a file that is wrong its problems are listed beside the cases of the others, and the exit code is 2.
 *
 *   {"format": "hairpin-list/1", "hairpin": "0.1.0",
 *    "cases": [{"name", "file", "label", "about", "tags": [], "seed", "known_bug"}, ...],
 *    "problems": [{"severity": "error"|"warning", "file", "line", "column", "message", "hint"}, ...]} */
#include <stdio.h>

#include "cli/cli.h"
#include "report/list_json.h"

static void print_plain(const hp_cases *cases)
{
    for (unsigned i = 0; i < cases->plans->len; i++) {
        const hp_plan *plan = cases->plans->pdata[i];
        const char *about = plan->scenario->about;
        printf("%s%s%s\n", plan->case_name, about != NULL ? "  " : "", about != NULL ? about : "");
    }
}

static int list(const hp_cases *cases, hp_diags *diags, bool json)
{
    hp_diags_sort(diags);
    if (json) {
        g_autofree char *text = hp_report_list_json((hp_plan *const *)cases->plans->pdata, cases->plans->len, diags);
        fputs(text, stdout);
    } else if (diags->n_errors > 0) {
        g_autofree char *text = hp_diags_format(diags);
        fputs(text, stderr);
    } else if (cases->plans->len == 0) {
        return hp_cli_usage("no scenario matches");
    } else {
        print_plain(cases);
    }
    return diags->n_errors > 0 ? HP_EXIT_USAGE : HP_EXIT_GOOD;
}

int hp_cmd_list(int argc, char **argv)
{
    g_autofree char *pattern = NULL, *tag = NULL, *base = NULL;
    gboolean json = FALSE;
    g_auto(GStrv) paths = NULL;
    const GOptionEntry entries[] = {
        {"filter", 'f', 0, G_OPTION_ARG_STRING, &pattern, "only cases whose name holds this, or matches this glob",
         "TEXT"},
        {"tag", 't', 0, G_OPTION_ARG_STRING, &tag, "only scenarios with this tag", "TAG"},
        {"base", 0, 0, G_OPTION_ARG_FILENAME, &base, "name files given by themselves by their path below DIR", "DIR"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "for programs: files, tags, seeds, and what is wrong with files",
         NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "PATH..."},
        {NULL}};
    if (!hp_cli_options("- list the cases", NULL, entries, &argc, &argv)) {
        return HP_EXIT_USAGE;
    }
    if (paths == NULL) {
        return hp_cli_usage("list: which scenarios? Give a file or a folder");
    }
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GError) error = NULL;
    const hp_case_filter filter = {.pattern = pattern, .tag = tag, .base = base};
    hp_cases cases = {0};
    const int code =
        hp_cases_collect(paths, &filter, diags, &cases, &error) ? list(&cases, diags, json) : hp_cli_fail(error);
    hp_cases_clear(&cases);
    return code;
}
