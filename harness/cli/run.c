/* `hairpin run`: loads everything first, and runs only when every file is right. */
#include "cli/run_cases.h"

int hp_cmd_run(int argc, char **argv)
{
    g_auto(hp_run_options) o = {0};
    g_autofree char *base = NULL, *only = NULL;
    g_autoptr(GHashTable) names = NULL;
    const GOptionEntry more[] = {
        {"only", 0, 0, G_OPTION_ARG_FILENAME, &only, "only the cases named in this file, a line each", "FILE"},
        {"base", 0, 0, G_OPTION_ARG_FILENAME, &base, "name files given by themselves by their path below DIR", "DIR"},
        {NULL}};
    if (!hp_run_options_read("run", "- run scenarios and judge them",
                             "Each PATH is a scenario file or a folder of them. Nothing runs unless every file is "
                             "right.",
                             more, &argc, &argv, &o)) {
        return HP_EXIT_USAGE;
    }
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GError) error = NULL;
    if (only != NULL && (names = hp_cases_read_names(only, &error)) == NULL) {
        return hp_cli_fail(error);
    }
    o.cases.base = base;
    o.cases.only = names;
    hp_cases cases = {0};
    int code;
    if (!hp_cases_collect(o.paths, &o.cases, diags, &cases, &error)) {
        code = hp_cli_fail(error);
    } else {
        code = hp_run_cases_admit(&o, &cases, diags);
        if (code == HP_EXIT_GOOD) {
            code = hp_run_cases(&o, &cases, NULL);
        }
    }
    hp_cases_clear(&cases);
    return code;
}
