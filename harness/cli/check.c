/* `hairpin check`: every mistake and every oddity of the scenarios, without running them. */
#include <stdio.h>

#include "cli/cli.h"

int hp_cmd_check(int argc, char **argv)
{
    gboolean strict = FALSE;
    g_auto(GStrv) paths = NULL;
    const GOptionEntry entries[] = {{"strict", 0, 0, G_OPTION_ARG_NONE, &strict, "warnings fail too", NULL},
                                    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "PATH..."},
                                    {NULL}};
    if (!hp_cli_options("- check scenarios without running them", NULL, entries, &argc, &argv))
        return HP_EXIT_USAGE;
    if (!paths)
        return hp_cli_usage("check: which scenarios? Give a file or a folder");
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GError) error = NULL;
    const hp_case_filter all = {0};
    hp_cases cases = {0};
    if (!hp_cases_collect(paths, &all, diags, &cases, &error)) {
        hp_cases_clear(&cases);
        return hp_cli_fail(error);
    }
    hp_diags_sort(diags);
    g_autofree char *text = hp_diags_format(diags);
    fputs(text, stderr);
    int code = diags->n_errors > 0 || (strict && diags->n_warnings > 0) ? HP_EXIT_USAGE : HP_EXIT_GOOD;
    if (code == HP_EXIT_GOOD && cases.plans->len == 0)
        code = hp_cli_usage("check: no scenario found");
    else
        printf("%u case%s, %u error%s, %u warning%s\n", cases.plans->len, cases.plans->len == 1 ? "" : "s",
               diags->n_errors, diags->n_errors == 1 ? "" : "s", diags->n_warnings, diags->n_warnings == 1 ? "" : "s");
    hp_cases_clear(&cases);
    return code;
}
