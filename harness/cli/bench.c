/* `hairpin bench`: TURN against direct in either world, Hairpin's own servers and fabric, the live fabric, or TURN servers
 * under load; and each against a baseline. */
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/compare.h"
#include "bench/live_fabric.h"
#include "bench/self.h"
#include "cli/bench_options.h"
#include "cli/cli.h"
#include "report/page.h"
#include "seam/seam.h"

/* The exit code for figures that could not be had: a run that crashed is as good as an expectation that failed. */
static int fail(const GError *error)
{
    int code = hp_cli_fail(error);
    return error->domain == HP_ERROR && error->code == HP_ERROR_REFUSED ? HP_EXIT_FAILED : code;
}

/* ---- what is told ---- */

typedef struct outcome {
    hp_bench_document *baseline; /* NULL: none */
    hp_bench_thresholds thresholds;
} outcome;

static void outcome_clear(outcome *o)
{
    hp_bench_document_free(o->baseline);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(outcome, outcome_clear)

static bool read_outcome(const hp_bench_options *o, outcome *ret, int *ret_code)
{
    g_autoptr(GError) error = NULL;
    ret->thresholds = (hp_bench_thresholds){.machine = 0.1, .simulated = 0};
    *ret_code = HP_EXIT_USAGE;
    if ((o->threshold || o->virtual_threshold) && !o->compare)
        return hp_cli_usage("bench: thresholds are about --compare FILE"), false;
    if (!hp_bench_read_threshold("threshold", o->threshold, &ret->thresholds.machine) ||
        !hp_bench_read_threshold("virtual-threshold", o->virtual_threshold, &ret->thresholds.simulated))
        return false;
    if (!o->compare)
        return true;
    /* Read before anything runs: a baseline that is none is told at once. */
    ret->baseline = hp_bench_document_read(o->compare, &error);
    if (!ret->baseline)
        *ret_code = hp_cli_fail(error);
    return ret->baseline != NULL;
}

/* Told before anything runs: a bench may take minutes. */
static bool can_write(const char *path, GError **error)
{
    if (!path)
        return true;
    g_autofree char *folder = g_path_get_dirname(path);
    if (access(folder, W_OK | X_OK) == 0 && !g_file_test(path, G_FILE_TEST_IS_DIR))
        return true;
    g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s cannot be written", path);
    return false;
}

/* The page takes the figures from a file; without one of the user's from one that is gone afterwards. */
static bool write_page(const hp_bench_options *o, const hp_bench_document *d, GError **error)
{
    g_autofree char *part = g_strdup_printf("%s.figures", o->html);
    const char *written = o->json ? o->json : o->save;
    const hp_page_options page = {.title = "Hairpin bench", .bench = written ? written : part};
    if (!written && !hp_bench_document_write(d, part, error))
        return false;
    bool ok = hp_page_write(NULL, o->html, &page, NULL, error);
    if (!written)
        g_unlink(part);
    return ok;
}

static int tell(const hp_bench_options *o, const outcome *against, const hp_bench_document *d)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = hp_bench_document_text(d);
    fputs(text, stdout);
    if ((o->json && !hp_bench_document_write(d, o->json, &error)) ||
        (o->save && !hp_bench_document_write(d, o->save, &error)) || (o->html && !write_page(o, d, &error)))
        return hp_cli_fail(error);
    if (!against->baseline)
        return HP_EXIT_GOOD;
    g_autoptr(GArray) changes = hp_bench_compare(against->baseline, d, &against->thresholds, &error);
    if (!changes) {
        g_prefix_error(&error, "%s: ", o->compare);
        return hp_cli_fail(error);
    }
    g_autofree char *told = hp_bench_changes_text(changes);
    printf("\nAgainst %s (hairpin %s):\n%s", o->compare, against->baseline->hairpin, told);
    return hp_bench_changes_are_good(changes) ? HP_EXIT_GOOD : HP_EXIT_FAILED;
}

/* ---- the benches ---- */

/* One of them is asked for; the options of the others say nothing. */
typedef struct request {
    bool in_live, relay, live_fabric, self;
    hp_bench_turn_live_options calls; /* in_live */
    hp_bench_relay_options relays;
    hp_bench_live_fabric_options fabric;
    hp_bench_self_options own; /* self */
    hp_bench_turn_options turn; /* none of these */
} request;

static bool read_request(const hp_bench_options *o, GArray *clients, request *ret)
{
    *ret = (request){.relay = o->relay != NULL,
                     .live_fabric = o->live_fabric,
                     .self = o->self,
                     .fabric = hp_bench_live_fabric_defaults(),
                     .own = hp_bench_self_defaults(),
                     .turn = hp_bench_turn_defaults()};
    if (!hp_cli_world("bench", o->world, &ret->in_live))
        return false;
    if (ret->in_live)
        return hp_bench_options_live(o, clients, &ret->calls);
    if (ret->relay)
        return hp_bench_options_relay(o, clients, &ret->relays);
    if (o->quick) {
        hp_bench_self_quick(&ret->own);
        hp_bench_live_fabric_quick(&ret->fabric);
    }
    return hp_bench_options_fit(o) && hp_bench_options_turn(o, clients, &ret->turn) &&
           hp_bench_read_number("repeats", o->repeats, 1, 1000, &ret->own.repeats) &&
           hp_bench_read_number("repeats", o->repeats, 1, 1000, &ret->fabric.repeats);
}

static hp_bench_document *measure(const request *r, GError **error)
{
    if (r->in_live)
        return hp_bench_turn_live(&r->calls, error);
    if (r->relay)
        return hp_bench_relay_run(&r->relays, error);
    if (r->live_fabric)
        return hp_bench_live_fabric(&r->fabric, error);
    if (r->self)
        return hp_seam_start(NULL, error) ? hp_bench_self(&r->own, error) : NULL;
    return hp_bench_turn(&r->turn, error);
}

int hp_cmd_bench(int argc, char **argv)
{
    g_auto(hp_bench_options) o = {0};
    g_auto(outcome) against = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) clients = g_array_new(FALSE, FALSE, sizeof(unsigned));
    request r;
    int code;
    if (!hp_bench_options_read(&o, &argc, &argv) || !read_request(&o, clients, &r))
        return HP_EXIT_USAGE;
    if (!read_outcome(&o, &against, &code))
        return code;
    if (!can_write(o.json, &error) || !can_write(o.save, &error) || !can_write(o.html, &error))
        return hp_cli_fail(error);
    g_autoptr(hp_bench_document) d = measure(&r, &error);
    return d ? tell(&o, &against, d) : fail(error);
}
