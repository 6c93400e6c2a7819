/* Results: names of verdicts, and the result as an object that owns its strings. */
#include "check/result.h"

#include <assert.h>

#include "check/checker.h"

static const char *const verdict_names[] = {
    [HP_VERDICT_PASS] = "pass",   [HP_VERDICT_FAIL] = "fail",       [HP_VERDICT_EXPECTED_FAILURE] = "expected-failure",
    [HP_VERDICT_FIXED] = "fixed", [HP_VERDICT_CRASHED] = "crashed", [HP_VERDICT_HUNG] = "hung",
    [HP_VERDICT_ERROR] = "error", [HP_VERDICT_INVALID] = "invalid", [HP_VERDICT_SKIPPED] = "skipped",
};
static_assert(G_N_ELEMENTS(verdict_names) == HP_VERDICT_N, "one name a verdict");

const char *hp_verdict_name(hp_verdict verdict)
{
    return (unsigned)verdict < HP_VERDICT_N ? verdict_names[verdict] : "unknown";
}

bool hp_verdict_is_good(hp_verdict verdict)
{
    return verdict == HP_VERDICT_PASS || verdict == HP_VERDICT_EXPECTED_FAILURE;
}

bool hp_verdict_is_bad(hp_verdict verdict)
{
    return !hp_verdict_is_good(verdict) && verdict != HP_VERDICT_SKIPPED;
}

bool hp_verdict_says_nothing(hp_verdict verdict)
{
    return verdict == HP_VERDICT_INVALID || verdict == HP_VERDICT_SKIPPED;
}

static void free_expect_result(void *p)
{
    hp_expect_result *r = p;
    g_free(r->what);
    g_free(r->expected);
    g_free(r->got);
    g_free(r);
}

hp_result *hp_result_new(const hp_plan *plan)
{
    hp_result *result = g_new0(hp_result, 1);
    result->plan = plan;
    result->first_call = HP_NEVER;
    result->expects = g_ptr_array_new_with_free_func(free_expect_result);
    result->strings = g_string_chunk_new(256);
    return result;
}

hp_live_result *hp_result_be_live(hp_result *result)
{
    if (result->live == NULL) {
        result->live = g_new0(hp_live_result, 1);
        result->live->refused = "";
    }
    return result->live;
}

hp_result *hp_result_skip(const hp_plan *plan, const char *why)
{
    hp_result *result = hp_result_new(plan);
    result->verdict = HP_VERDICT_SKIPPED;
    result->message = g_strdup(why);
    result->end_reason = "skipped";
    return result;
}

static void free_live(hp_live_result *live)
{
    if (live == NULL) {
        return;
    }
    g_free(live->hosts);
    g_free(live->programs);
    g_free(live->too_slow);
    g_free(live->summary);
    g_free(live);
}

void hp_result_free(hp_result *result)
{
    if (result == NULL) {
        return;
    }
    g_free(result->message);
    free_live(result->live);
    g_ptr_array_unref(result->expects);
    g_free(result->flows);
    for (unsigned i = 0; i < result->n_tracks; i++) {
        g_free(result->tracks[i].series);
    }
    g_free(result->tracks);
    g_free(result->dtls);
    g_free(result->sessions);
    g_free(result->predictions);
    for (unsigned i = 0; i < result->n_paths; i++) {
        g_free(result->paths[i].drops);
    }
    g_free(result->paths);
    hp_oracle_free(result->oracle);
    g_free(result->nats);
    g_free(result->servers);
    g_free(result->scripts);
    g_string_chunk_free(result->strings);
    g_free(result);
}
