/* `hairpin matrix`: a template for every combination of what its axes name.
 *
 * It is `hairpin run` of one file whose matrix the command line may add to, with a grid in the end. Without a file the
 * template is BUILT_IN: two peers, each behind a NAT of every preset, with every set of servers, held to what the oracle
 * predicts. What connects must do so within 2 s, three times what the slowest takes (0.7 s); with other axes than its own
 * within 10 s, as libnice takes 6.3 s where candidates are signalled together and a server does not answer. Lines are printed for what failed only, and evidence is kept of that only: most cells are as they should be,
 * and there are many. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/run_cases.h"
#include "report/grid.h"
#include "trace/output.h"

static const char BUILT_IN[] = "about: Two peers behind two NATs, held to what the oracle predicts.\n"
                               "network: {nats: {home: full-cone, office: full-cone}}\n"
                               "servers: {stun: stun, turn: {kind: turn, transports: [udp, tcp, tls]}}\n"
                               "peers: {alice: {behind: home}, bob: {behind: office}}\n"
                               "steps: [{call: {from: alice, to: bob}}]\n"
                               "until: 45s\n"
                               "expect: [{predicted: {within: %s}}]\n"
                               "matrix: {home: all, office: all, servers: all}\n";

typedef struct options {
    char **axes, **except;
    char *json, *csv;
    gboolean pairwise;
} options;

static void options_clear(options *o)
{
    g_strfreev(o->axes);
    g_strfreev(o->except);
    g_free(o->json);
    g_free(o->csv);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(options, options_clear)

typedef struct matrix {
    const options *options;
    hp_grid *grid;
    bool tap;
} matrix;

static bool write_file(const char *path, const char *text, GError **error)
{
    hp_output *o = hp_output_open(path, error);
    if (o == NULL) {
        return false;
    }
    hp_output_text(o, text);
    return hp_output_close(o, error);
}

/* Told before anything runs, not at its end. NULL: nothing is to be written. A pipe is opened once alone. */
static bool may_write(const char *path, GError **error)
{
    struct stat st;
    if (path == NULL || (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
        return true;
    }
    g_autoptr(hp_output) o = hp_output_open(path, error);
    return o != NULL;
}

static void one_done(void *user, unsigned index, const hp_result *result, const hp_trace *trace, const char *evidence)
{
    const matrix *m = user;
    hp_grid_add(m->grid, result, evidence);
}

/* As wide as the terminal, or as a page. */
static unsigned width_of_output(void)
{
    struct winsize size = {0};
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static bool all_over(void *user, const hp_report *report, const hp_report_style *style, GError **error)
{
    const matrix *m = user;
    hp_grid_sort(m->grid);
    if (!m->tap) {
        g_autofree char *text = hp_grid_text(m->grid, style, width_of_output());
        fputs(text, stdout);
        (void)fflush(stdout);
    }
    g_autofree char *json = m->options->json != NULL ? hp_grid_json(m->grid) : NULL;
    g_autofree char *csv = m->options->csv != NULL ? hp_grid_csv(m->grid) : NULL;
    return (json == NULL || write_file(m->options->json, json, error)) &&
           (csv == NULL || write_file(m->options->csv, csv, error));
}

/* What runs this matrix again, but for what chooses among its cases. */
static GString *command_of(const options *o, const char *file)
{
    GString *command = g_string_new("hairpin matrix");
    if (file != NULL) {
        hp_report_append_word(command, file);
    }
    for (char **axis = o->axes; axis != NULL && *axis != NULL; axis++) {
        g_string_append(command, " --axis");
        hp_report_append_word(command, *axis);
    }
    return command;
}

static bool has_seeds(const hp_scenario *scenario)
{
    for (unsigned i = 0; i < scenario->n_axes; i++) {
        if (g_strcmp0(scenario->axes[i].path, "seed") == 0) {
            return true;
        }
    }
    return false;
}

/* Every case by its label, which names the values of all axes: neither exceptions nor the reduction matter for one. */
static void tell_again(const hp_cases *cases, const options *o, const char *file)
{
    for (unsigned i = 0; i < cases->plans->len; i++) {
        hp_plan *plan = cases->plans->pdata[i];
        const char *label = strchr(plan->case_name, '['), *end = strrchr(plan->case_name, ']');
        GString *command = command_of(o, file);
        if (!has_seeds(plan->scenario)) {
            g_string_append_printf(command, " --seed %" G_GUINT64_FORMAT, plan->seed);
        }
        if (label != NULL && end != NULL) { /* what --repeat put behind it is no part of it */
            g_autofree char *filter = g_strndup(label, (gsize)(end + 1 - label));
            g_string_append(command, " --filter");
            hp_report_append_word(command, filter);
        }
        g_free(plan->again);
        plan->again = g_string_free(command, FALSE);
    }
}

static int run_matrix(const hp_run_options *run, const options *o, const hp_cases *cases, const char *file)
{
    const GPtrArray *scenarios = cases->files->pdata[0];
    const hp_scenario *first = scenarios->pdata[0];
    if (first->n_axes == 0) {
        return hp_cli_usage("matrix: %s has no `matrix`; give axes, as --axis trickle=yes,no", first->file);
    }
    if (run->cases.has_seed && has_seeds(first)) {
        return hp_cli_usage("matrix: --seed and an axis of seeds exclude each other");
    }
    tell_again(cases, o, file);
    g_autoptr(hp_grid) grid = hp_grid_new(scenarios);
    matrix m = {.options = o, .grid = grid, .tap = run->tap};
    const hp_run_hooks hooks = {.user = &m, .done = one_done, .over = all_over, .only_bad = !run->verbose};
    return hp_run_cases(run, cases, &hooks);
}

/* The template, as strict as its axes let it be. */
static char *built_in_text(const options *o)
{
    static const char *const own[] = {"home=", "office=", "servers=", "seeds="};
    bool only_own = true;
    for (char **axis = o->axes; axis != NULL && *axis != NULL; axis++) {
        bool is_own = false;
        for (unsigned i = 0; i < G_N_ELEMENTS(own); i++) {
            is_own |= g_str_has_prefix(*axis, own[i]);
        }
        only_own &= is_own;
    }
    return g_strdup_printf(BUILT_IN, only_own ? "2s" : "10s");
}

static int load_and_run(hp_run_options *run, const options *o)
{
    static char built_in[] = "matrix";
    char *const names[] = {built_in, NULL};
    const char *file = run->paths != NULL ? run->paths[0] : NULL;
    const hp_matrix_request request = {.axes = o->axes, .except = o->except, .pairwise = o->pairwise};
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GError) error = NULL;
    hp_cases cases = {0};
    int code;
    run->cases.request = &request;
    g_autofree char *text = file == NULL ? built_in_text(o) : NULL;
    run->cases.text = text;
    if (!may_write(o->json, &error) || !may_write(o->csv, &error) ||
        !hp_cases_collect(file != NULL ? run->paths : names, &run->cases, diags, &cases, &error)) {
        code = hp_cli_fail(error);
    } else {
        code = hp_run_cases_admit(run, &cases, diags);
        if (code == HP_EXIT_GOOD) {
            code = run_matrix(run, o, &cases, file);
        }
    }
    hp_cases_clear(&cases);
    run->cases.request = NULL;
    run->cases.text = NULL;
    return code;
}

int hp_cmd_matrix(int argc, char **argv)
{
    g_auto(options) o = {0};
    g_auto(hp_run_options) run = {.batch.evidence = HP_EVIDENCE_FAILURES, .may_lack_paths = true};
    const GOptionEntry more[] = {
        {"axis", 'a', 0, G_OPTION_ARG_STRING_ARRAY, &o.axes,
         "an axis, instead of the file's or beside them: home=all, servers=none,stun+turn, seeds=1..20, or a path of "
         "the scenario",
         "NAME=VALUES"},
        {"except", 'x', 0, G_OPTION_ARG_STRING_ARRAY, &o.except, "leave a combination out", "NAME=VALUE,NAME=VALUE..."},
        {"pairwise", 0, 0, G_OPTION_ARG_NONE, &o.pairwise,
         "only so many cases that every two values of every two axes meet", NULL},
        {"json", 0, 0, G_OPTION_ARG_FILENAME, &o.json, "write the grid as JSON", "FILE"},
        {"csv", 0, 0, G_OPTION_ARG_FILENAME, &o.csv, "write the grid as CSV, a line a cell", "FILE"},
        {NULL}};
    if (!hp_run_options_read("matrix", "- run a scenario for every combination of its axes",
                             "FILE is a scenario. Without one, two peers behind NATs `home` and `office` call each "
                             "other: every preset on both sides, with every set of servers, held to what the oracle "
                             "predicts: the kind of path, the candidates of both ends, and connected within 2 s (10 s "
                             "with axes besides home, office, servers and seeds).",
                             more, &argc, &argv, &run)) {
        return HP_EXIT_USAGE;
    }
    if (run.paths != NULL && (run.paths[1] != NULL || g_file_test(run.paths[0], G_FILE_TEST_IS_DIR))) {
        return hp_cli_usage("matrix: one file at a time");
    }
    if (run.cases.repeat > 1) {
        return hp_cli_usage("matrix: many seeds are an axis here: --axis seeds=1..%u", run.cases.repeat);
    }
    return load_and_run(&run, &o);
}
