/* `hairpin report`: what a run left in a folder, as one page of HTML. */
#include <stdio.h>

#include "base/error.h"
#include "cli/cli.h"
#include "report/page.h"

/* What stands in a folder is the user's, as scenarios are: wrong contents are bad usage, not a broken environment. */
static int fail(const GError *error)
{
    return g_error_matches(error, HP_ERROR, HP_ERROR_INVALID) ? hp_cli_usage("report: %s", error->message)
                                                              : hp_cli_fail(error);
}

static int write_page(const char *folder, const char *path, const hp_page_options *options)
{
    g_autoptr(GError) error = NULL;
    hp_page_figures figures;
    if (!hp_page_write(folder, path, options, &figures, &error)) {
        return fail(error);
    }
    printf("%s: %u case%s, %u with evidence, %.1f MB\n", path, figures.cases, figures.cases == 1 ? "" : "s",
           figures.with_evidence, (double)figures.bytes / 1e6);
    if (figures.spoilt > 0) {
        printf("%u of them spoilt or cut off; the page says what is missing\n", figures.spoilt);
    }
    return HP_EXIT_GOOD;
}

int hp_cmd_report(int argc, char **argv)
{
    g_autofree char *out = NULL, *title = NULL, *bench = NULL, *agree = NULL;
    g_auto(GStrv) folders = NULL;
    const GOptionEntry entries[] = {
        {"out", 'o', 0, G_OPTION_ARG_FILENAME, &out, "the page's file (default: DIR/report.html)", "FILE"},
        {"title", 0, 0, G_OPTION_ARG_STRING, &title, "what stands above it", "TEXT"},
        {"bench", 0, 0, G_OPTION_ARG_FILENAME, &bench, "show what `hairpin bench` wrote, too", "FILE"},
        {"agree", 0, 0, G_OPTION_ARG_FILENAME, &agree, "show what `hairpin agree` wrote, too", "FILE"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &folders, NULL, "DIR"},
        {NULL}};
    if (!hp_cli_options("- show a run as a page of HTML",
                        "DIR is what `run --out DIR` wrote, or the evidence folder of one case. The page is one file "
                        "that needs nothing beside it.",
                        entries, &argc, &argv)) {
        return HP_EXIT_USAGE;
    }
    if ((folders == NULL && bench == NULL) || (folders != NULL && folders[1] != NULL)) {
        return hp_cli_usage(folders == NULL ? "report: of which run? Give the folder that `run --out` wrote"
                                            : "report: one folder at a time; `merge` joins the shards of a run");
    }
    if (folders == NULL && out == NULL) {
        return hp_cli_usage("report: --bench without a folder needs --out");
    }
    if (folders != NULL && !g_file_test(folders[0], G_FILE_TEST_IS_DIR)) {
        return hp_cli_usage("report: %s: no such folder", folders[0]);
    }
    const char *folder = folders != NULL ? folders[0] : NULL;
    g_autofree char *beside = folder != NULL ? g_build_filename(folder, "report.html", NULL) : NULL;
    const hp_page_options options = {.title = title, .bench = bench, .agree = agree};
    return write_page(folder, out != NULL ? out : beside, &options);
}
