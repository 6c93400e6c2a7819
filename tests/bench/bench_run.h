/* Running whole scenarios under a stop-watch: what the benchmarks share.
 *
 * CPU is this process's own (user + system), the best of several rounds; memory is what a world holds when its run is
 * over: private pages that are there (the trace is not among them, it is shared), and what was asked of malloc. */
#ifndef HP_TESTS_BENCH_RUN_H
#define HP_TESTS_BENCH_RUN_H

#include <glib/gstdio.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/report.h"
#include "run/run.h"
#include "seam/seam.h"

enum { ROUNDS = 5 };

static inline double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

typedef struct loaded {
    GPtrArray *scenarios;
    hp_plan *plan;
} loaded;

static inline loaded load(const char *text)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    loaded l = {.scenarios = hp_scenario_parse("bench.yaml", text, strlen(text), diags)};
    l.plan = l.scenarios ? hp_plan_new(l.scenarios->pdata[0], "bench", 1, diags) : NULL;
    if (!l.plan) {
        g_autofree char *errors = hp_diags_format(diags);
        fputs(errors, stderr);
        exit(2);
    }
    return l;
}

static inline void unload(loaded *l)
{
    hp_plan_free(l->plan);
    g_ptr_array_unref(l->scenarios);
}

/* The whole of one case: text, plan, run, evidence. */
static inline void whole_run(const char *text, hp_trace *trace, const char *folder)
{
    loaded l = load(text);
    g_autoptr(GError) error = NULL;
    hp_trace_reset(trace);
    g_autoptr(hp_result) result = hp_run_plan(l.plan, trace, NULL, &error);
    if (!result || result->verdict != HP_VERDICT_PASS) {
        fprintf(stderr, "the benchmark's scenario did not pass: %s\n", error ? error->message : "");
        for (unsigned i = 0; result && i < result->expects->len; i++) {
            const hp_expect_result *e = result->expects->pdata[i];
            fprintf(stderr, "%s: expected %s, got %s\n", e->what, e->expected, e->got);
        }
        exit(1);
    }
    if (folder && !hp_report_write_evidence(folder, l.plan, trace, result, &error)) {
        fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
    hp_result_free(g_steal_pointer(&result));
    unload(&l);
}

/* Each run has a folder of its own, as runs have: evidence is not written over older evidence. */
static inline double best_of(const char *text, hp_trace *trace, const char *folder, unsigned repeats)
{
    static unsigned n_folders;
    double best = 1e9;
    for (unsigned round = 0; round < ROUNDS; round++) {
        double begin = cpu_ms();
        for (unsigned i = 0; i < repeats; i++) {
            g_autofree char *own = folder ? g_strdup_printf("%s/%u", folder, n_folders++) : NULL;
            whole_run(text, trace, own);
        }
        best = MIN(best, (cpu_ms() - begin) / repeats);
    }
    return best;
}

typedef struct memory {
    size_t asked, resident; /* bytes asked of malloc; private memory that is really there */
} memory;

static inline memory memory_now(void)
{
    struct mallinfo2 info = mallinfo2();
    unsigned long pages = 0, shared = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    g_assert(statm && fscanf(statm, "%*u %lu %lu", &pages, &shared) == 2);
    fclose(statm);
    return (memory){info.uordblks + info.hblkhd, (pages - shared) * 4096};
}

/* What a plan's world holds when its run is over and before it is taken down. */
static inline memory held_by(const char *text, hp_trace *trace)
{
    loaded l = load(text);
    g_autoptr(GError) error = NULL;
    hp_trace_reset(trace);
    memory before = memory_now();
    hp_run *run = hp_run_begin(l.plan, trace, &error);
    g_assert(run);
    hp_run_loop(run, NULL);
    memory held = memory_now();
    held.asked -= before.asked;
    held.resident -= before.resident;
    g_autoptr(hp_result) result = hp_run_finish(run);
    g_assert(result->verdict == HP_VERDICT_PASS);
    hp_result_free(g_steal_pointer(&result));
    unload(&l);
    return held;
}

#endif
