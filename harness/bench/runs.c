/* A batch for figures: no evidence, and no verdict but "it came to its end".
 *
 * The meters lie in memory that is shared before anything forks: whichever process carries a run out counts there, and
 * the parent reads it when the run is over. */
#include "bench/runs.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/error.h"
#include "run/batch.h"
#include "seam/seam.h"

typedef struct runs {
    hp_bench_run_fn fn;
    void *user;
    const hp_server_meter *meters;
    const hp_bench_runs_options *options;
    unsigned first_bad; /* index; n_plans: none */
    char *message; /* of that one */
    bool skipped; /* it was */
} runs;

static void one_done(void *user, unsigned index, const hp_result *result, const hp_trace *trace, const char *evidence)
{
    runs *r = user;
    switch (result->verdict) {
    case HP_VERDICT_PASS:
    case HP_VERDICT_FAIL:
    case HP_VERDICT_EXPECTED_FAILURE:
    case HP_VERDICT_FIXED:
        r->fn(r->user, index, result, trace, r->meters && !r->options->live ? &r->meters[index] : NULL);
        return;
    case HP_VERDICT_INVALID:
        if (r->options->live) {
            ++*r->options->ret_spoilt;
            return;
        }
        break;
    case HP_VERDICT_CRASHED:
    case HP_VERDICT_HUNG:
    case HP_VERDICT_ERROR:
    case HP_VERDICT_SKIPPED:
    case HP_VERDICT_N:
        break;
    }
    if (index >= r->first_bad)
        return;
    r->first_bad = index;
    r->skipped = result->verdict == HP_VERDICT_SKIPPED;
    g_free(r->message);
    r->message = g_strdup_printf("%s, seed %" G_GUINT64_FORMAT ": %s: %s", result->plan->case_name, result->plan->seed,
                                 hp_verdict_name(result->verdict), result->message ? result->message : "");
}

bool hp_bench_runs(hp_plan *const *plans, unsigned n_plans, const hp_bench_runs_options *options, hp_bench_run_fn fn,
                   void *user, GError **error)
{
    runs r = {.fn = fn, .user = user, .options = options, .first_bad = n_plans};
    size_t size = MAX(n_plans, 1) * sizeof(hp_server_meter);
    hp_server_meter *meters = NULL;
    if (options->metered) {
        void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) {
            g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "no shared memory for a bench: %s", g_strerror(errno));
            return false;
        }
        r.meters = meters = shared;
    }
    const hp_batch_options batch = {.jobs = options->jobs,
                                    .hang_s = options->hang_s,
                                    .evidence = HP_EVIDENCE_NONE,
                                    .meters = meters,
                                    .live = options->live,
                                    .done = one_done,
                                    .user = &r};
    bool ok = hp_seam_start(NULL, error) && hp_batch_run(plans, n_plans, &batch, error);
    if (ok && r.message) {
        g_set_error_literal(error, HP_ERROR, r.skipped ? HP_ERROR_ENVIRONMENT : HP_ERROR_REFUSED, r.message);
        ok = false;
    }
    g_free(r.message);
    if (meters)
        munmap(meters, size);
    return ok;
}
