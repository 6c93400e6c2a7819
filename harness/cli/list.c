/* `hairpin list`: the cases that paths hold, a line each. */
#include <stdio.h>

#include "cli/cli.h"

int hp_cmd_list(int argc, char **argv)
{
    g_autofree char *pattern = NULL, *tag = NULL;
    g_auto(GStrv) paths = NULL;
    const GOptionEntry entries[] = {{"filter", 'f', 0, G_OPTION_ARG_STRING, &pattern,
                                     "only cases whose name holds this, or matches this glob", "TEXT"},
                                    {"tag", 't', 0, G_OPTION_ARG_STRING, &tag, "only scenarios with this tag", "TAG"},
                                    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "PATH..."},
                                    {NULL}};
    if (!hp_cli_options("- list the cases", NULL, entries, &argc, &argv))
        return HP_EXIT_USAGE;
    if (!paths)
        return hp_cli_usage("list: which scenarios? Give a file or a folder");
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GError) error = NULL;
    const hp_case_filter filter = {.pattern = pattern, .tag = tag};
    hp_cases cases = {0};
    int code = HP_EXIT_GOOD;
    if (!hp_cases_collect(paths, &filter, diags, &cases, &error)) {
        code = hp_cli_fail(error);
    } else if (diags->n_errors > 0) {
        hp_diags_sort(diags);
        g_autofree char *text = hp_diags_format(diags);
        fputs(text, stderr);
        code = HP_EXIT_USAGE;
    } else if (cases.plans->len == 0) {
        code = hp_cli_usage("no scenario matches");
    }
    for (unsigned i = 0; code == HP_EXIT_GOOD && i < cases.plans->len; i++) {
        const hp_plan *plan = cases.plans->pdata[i];
        const char *about = plan->scenario->about;
        printf("%s%s%s\n", plan->case_name, about ? "  " : "", about ? about : "");
    }
    hp_cases_clear(&cases);
    return code;
}
