/* `hairpin agree`: every case in both worlds, and whether they say the same of it.
 *
 * First all cases run in the virtual world, which takes no time. What the live world cannot run, is not to be compared,
 * or took longer there than --longest, is left out and listed with its reason; the others run live. A live run that is
 * invalid, because the machine was too slow, is made once more when all others are over, alone, and what comes of that is
 * what counts; nothing else is ever repeated.
 *
 * With --virtual and --live nothing is run: two folders of results are compared, as runs with --out left them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/run_cases.h"
#include "cli/run_output.h"
#include "report/agree.h"
#include "report/evidence.h"
#include "report/page.h"
#include "report/run_read.h"

#define LONGEST "60s"
#define OF_VIRTUAL "virtual"
#define OF_LIVE "live"
#define OF_AGAIN "live-again"
#define FILE_NAME "agree.json"

typedef struct options {
    char *longest_text, *virtual_folder, *live_folder;
    hp_time longest;
} options;

/* What is known of a case while the command runs; by the plan's index. */
typedef struct one {
    const hp_plan *plan;
    char *document; /* of the virtual run; NULL: there is none */
    hp_agreement *agreement; /* once it is settled */
} one;

typedef struct both {
    const hp_run_options *run;
    const options *options;
    GArray *ones; /* of one */
    GHashTable *by_name; /* case name -> index + 1 */
} both;

static void clear_one(gpointer data)
{
    one *o = data;
    g_free(o->document);
    hp_agreement_free(o->agreement);
}

static one *find(const both *b, const char *name)
{
    guint index = GPOINTER_TO_UINT(g_hash_table_lookup(b->by_name, name));
    return index != 0 ? &g_array_index(b->ones, one, index - 1) : NULL;
}

/* ---- running ---- */

/* The cases of these plans in one of the worlds, with results in out/name. */
static int run_in(const both *b, GPtrArray *plans, const char *name, bool live, bool alone)
{
    hp_run_options o = *b->run;
    const hp_run_hooks hooks = {.only_bad = !b->run->verbose};
    g_autofree char *out = g_build_filename(b->run->out, name, NULL);
    const hp_cases cases = {.plans = plans, .shard = {0}};
    o.out = out;
    o.batch.out = out;
    o.batch.live = live;
    /* Live runs are made one at a time unless --jobs says otherwise, as `hairpin run --world live` does. */
    o.batch.jobs = alone || (live && b->run->jobs == NULL) ? 1 : b->run->batch.jobs;
    o.junit = NULL;
    o.html = NULL;
    if (!o.tap) {
        printf("%s world: %u case%s%s\n", live ? "live" : "virtual", plans->len, plans->len == 1 ? "" : "s",
               alone ? ", once more, as the machine was too slow" : "");
        fflush(stdout);
    }
    return hp_run_cases(&o, &cases, &hooks);
}

/* What a run came to is in its files: a verdict that is not good is for the comparison to judge. */
static bool has_run(int code)
{
    return code == HP_EXIT_GOOD || code == HP_EXIT_FAILED;
}

/* ---- reading ---- */

static bool take_virtual(const hp_run_entry *entry, JsonObject *document, void *user, GError **error)
{
    const both *b = user;
    one *o = find(b, entry->name);
    (void)error;
    if (o == NULL) {
        return true;
    }
    o->document = g_strndup(entry->line, entry->length);
    hp_time ended = hp_evidence_time(document, "ended_ns");
    if (o->agreement == NULL && ended != HP_NEVER && ended > b->options->longest) {
        char text[HP_TIME_TEXT];
        g_autofree char *why =
            g_strdup_printf("it takes %s, and --longest is %s", hp_time_format(ended, text), b->options->longest_text);
        o->agreement = hp_agree_leave_out(entry->name, o->plan->scenario->file, hp_verdict_name(entry->verdict), why);
    }
    return true;
}

/* A case that has an agreement already was run once more. */
static bool compare(one *o, JsonObject *live, GError **error)
{
    const hp_agree_config *agree = &o->plan->scenario->agree;
    const hp_agree_bounds bounds = {.connect = agree->connect, .latency = agree->latency, .why = agree->why};
    g_autoptr(JsonNode) node = json_from_string(o->document, error);
    if (node == NULL) {
        return false;
    }
    hp_agreement *a = hp_agree_compare(json_node_get_object(node), live, &bounds, error);
    if (a == NULL) {
        return false;
    }
    a->repeated = o->agreement != NULL;
    hp_agreement_free(o->agreement);
    o->agreement = a;
    return true;
}

/* Of the first live run, or of the second one of a case that was invalid. */
static bool take_live(const hp_run_entry *entry, JsonObject *document, void *user, GError **error)
{
    one *o = find(user, entry->name);
    const bool is_settled = o != NULL && o->agreement != NULL && o->agreement->outcome != HP_AGREE_INVALID;
    return o == NULL || o->document == NULL || is_settled || compare(o, document, error);
}

static bool read_results(both *b, const char *folder, hp_run_document_fn fn, GError **error)
{
    g_autoptr(hp_run_file) file = hp_run_file_read(folder, fn, b, error);
    return file != NULL;
}

/* ---- the whole ---- */

/* What the plan alone tells. */
static void leave_out(both *b)
{
    for (unsigned i = 0; i < b->ones->len; i++) {
        one *o = &g_array_index(b->ones, one, i);
        const hp_plan *plan = o->plan;
        const char *why = plan->scenario->agree.not_at_all != NULL ? plan->scenario->agree.not_at_all
                          : (plan->worlds & HP_WORLD_VIRTUAL) == 0 ? plan->no_virtual
                          : (plan->worlds & HP_WORLD_LIVE) == 0    ? plan->no_live
                                                                   : NULL;
        if (why != NULL) {
            o->agreement = hp_agree_leave_out(plan->case_name, plan->scenario->file, NULL, why);
        }
    }
}

/* The plans that are not settled, or with outcome those that came to it. */
static GPtrArray *choose(const both *b, const hp_agree_outcome *outcome)
{
    GPtrArray *plans = g_ptr_array_new();
    for (unsigned i = 0; i < b->ones->len; i++) {
        const one *o = &g_array_index(b->ones, one, i);
        if (outcome == NULL ? o->agreement == NULL : o->agreement != NULL && o->agreement->outcome == *outcome) {
            g_ptr_array_add(plans, (void *)o->plan);
        }
    }
    return plans;
}

static int run_both(both *b, GError **error)
{
    const hp_agree_outcome invalid = HP_AGREE_INVALID;
    g_autofree char *of_virtual = b->options->virtual_folder != NULL ? g_strdup(b->options->virtual_folder)
                                                                     : g_build_filename(b->run->out, OF_VIRTUAL, NULL);
    g_autofree char *of_live = b->options->live_folder != NULL ? g_strdup(b->options->live_folder)
                                                               : g_build_filename(b->run->out, OF_LIVE, NULL);
    g_autofree char *of_again = g_build_filename(b->run->out, OF_AGAIN, NULL);
    g_autoptr(GPtrArray) first = choose(b, NULL);
    int code = HP_EXIT_GOOD;
    if (b->options->virtual_folder == NULL && first->len > 0) {
        code = run_in(b, first, OF_VIRTUAL, false, false);
    }
    if (!has_run(code) || (first->len > 0 && !read_results(b, of_virtual, take_virtual, error))) {
        return code;
    }
    g_autoptr(GPtrArray) second = choose(b, NULL);
    if (b->options->live_folder == NULL && second->len > 0) {
        code = run_in(b, second, OF_LIVE, true, false);
    }
    /* Also when the machine can run none of them: each then has its reason. */
    if (second->len > 0 && !read_results(b, of_live, take_live, error)) {
        return code;
    }
    g_autoptr(GPtrArray) third = choose(b, &invalid);
    if (b->options->live_folder == NULL && third->len > 0) {
        code = run_in(b, third, OF_AGAIN, true, true);
        (void)read_results(b, of_again, take_live, error);
    }
    return code;
}

static GPtrArray *settle(both *b)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)hp_agreement_free);
    for (unsigned i = 0; i < b->ones->len; i++) {
        one *o = &g_array_index(b->ones, one, i);
        if (o->agreement == NULL) {
            o->agreement = hp_agree_leave_out(o->plan->case_name, o->plan->scenario->file, NULL,
                                              o->document == NULL ? "there is no virtual result of it"
                                                                  : "there is no live result of it");
        }
        g_ptr_array_add(all, g_steal_pointer(&o->agreement));
    }
    return all;
}

/* A difference is the worst that can be said; nothing that could be compared is no agreement. */
static int exit_code(const GPtrArray *all)
{
    unsigned n[HP_AGREE_N];
    hp_agree_count(all, n);
    if (n[HP_AGREE_DIFFERS] > 0) {
        return HP_EXIT_FAILED;
    }
    return n[HP_AGREE_INVALID] > 0 || n[HP_AGREE_AGREES] == 0 ? HP_EXIT_ENVIRONMENT : HP_EXIT_GOOD;
}

/* Of the live runs, whose evidence is what a reader wants to see, beside the comparison. */
static bool write_page(const both *b, const char *agree, GError **error)
{
    if (b->run->html == NULL) {
        return true;
    }
    g_autofree char *own = g_build_filename(b->run->out, OF_LIVE, NULL);
    const char *live = b->options->live_folder != NULL ? b->options->live_folder : own;
    const hp_page_options page = {.title = "Two worlds", .command = b->run->line, .agree = agree};
    const bool any = g_file_test(live, G_FILE_TEST_IS_DIR);
    return hp_page_write(any ? live : NULL, b->run->html, &page, NULL, error);
}

static int agree(const hp_run_options *run, const options *o, const hp_cases *cases)
{
    g_autoptr(GArray) ones = g_array_new(FALSE, TRUE, sizeof(one));
    g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GError) error = NULL;
    both b = {.run = run, .options = o, .ones = ones, .by_name = by_name};
    g_array_set_clear_func(ones, clear_one);
    for (unsigned i = 0; i < cases->plans->len; i++) {
        const one fresh = {.plan = cases->plans->pdata[i]};
        g_array_append_val(ones, fresh);
        g_hash_table_insert(by_name, (char *)fresh.plan->case_name, GUINT_TO_POINTER(i + 1));
    }
    leave_out(&b);
    if (g_mkdir_with_parents(run->out, 0777) != 0) {
        g_set_error(&error, HP_ERROR, HP_ERROR_IO, "%s: %s", run->out, g_strerror(errno));
        return hp_cli_fail(error);
    }
    int code = run_both(&b, &error);
    if (error != NULL) {
        return hp_cli_fail(error);
    }
    if (code == HP_EXIT_USAGE) {
        return code;
    }
    g_autoptr(GPtrArray) all = settle(&b);
    const hp_report_style style = hp_run_output_style(run->verbose);
    g_autofree char *text = hp_agree_text(all, &style);
    g_autofree char *path = g_build_filename(run->out, FILE_NAME, NULL);
    fputs(text, stdout);
    if (!hp_agree_write(all, path, &error) || !write_page(&b, path, &error)) {
        return hp_cli_fail(error);
    }
    return exit_code(all);
}

static bool read_options(options *o, const hp_run_options *run)
{
    if (run->out == NULL) {
        hp_cli_usage("agree: --out DIR is where the results of both worlds go");
        return false;
    }
    if (run->tap || run->junit != NULL || run->world != NULL) {
        hp_cli_usage("agree: --tap, --junit and --world are for runs in one world");
        return false;
    }
    if (o->longest_text == NULL) {
        o->longest_text = g_strdup(LONGEST);
    }
    if (!hp_time_parse(o->longest_text, &o->longest)) {
        hp_cli_usage("agree: --longest takes a time such as 60s or 10m, not `%s`", o->longest_text);
        return false;
    }
    return true;
}

static int load_and_run(hp_run_options *run, const options *o)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GError) error = NULL;
    hp_cases cases = {0};
    int code;
    if (!hp_cases_collect(run->paths, &run->cases, diags, &cases, &error)) {
        code = hp_cli_fail(error);
    } else {
        code = hp_run_cases_admit(run, &cases, diags);
        if (code == HP_EXIT_GOOD) {
            code = agree(run, o, &cases);
        }
    }
    hp_cases_clear(&cases);
    return code;
}

int hp_cmd_agree(int argc, char **argv)
{
    g_auto(hp_run_options) run = {.batch.evidence = HP_EVIDENCE_FAILURES};
    options o = {0};
    const GOptionEntry more[] = {
        {"longest", 0, 0, G_OPTION_ARG_STRING, &o.longest_text,
         "leave out what takes longer in the virtual world (default " LONGEST ")", "TIME"},
        {"virtual", 0, 0, G_OPTION_ARG_FILENAME, &o.virtual_folder, "take the virtual results from there", "DIR"},
        {"live", 0, 0, G_OPTION_ARG_FILENAME, &o.live_folder, "take the live results from there", "DIR"},
        {NULL}};
    int code = HP_EXIT_USAGE;
    if (hp_run_options_read(
            "agree", "- run scenarios in both worlds and compare",
            "Each PATH is a scenario file or a folder of them. The results are in DIR/virtual, DIR/live "
            "and DIR/agree.json. Exit code 1 when the worlds differ on a case, 3 when none could be "
            "compared or a live run was invalid.",
            more, &argc, &argv, &run) &&
        read_options(&o, &run)) {
        code = load_and_run(&run, &o);
    }
    g_free(o.longest_text);
    g_free(o.virtual_folder);
    g_free(o.live_folder);
    return code;
}
