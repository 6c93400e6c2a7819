/* What a call costs, from the scenario's text to the evidence on disk.
 *
 *   bench_call            the table of the README
 *   bench_call NAME N     runs one of the cases N times and prints nothing (for a profiler)
 *
 * CPU is this process's own (user + system), the best of several rounds; memory is what the world of 500 calls holds
 * when all are up: private pages that are there, and what was asked of malloc (libnice asks for two receive buffers of
 * 64 kB a component and touches few of their pages). */
#include <glib/gstdio.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/report.h"
#include "run/run.h"
#include "seam/seam.h"

enum { ROUNDS = 5, REPEATS = 40, MANY = 500 };

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

#define TRAFFIC                                                                                                        \
    "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: connected\n"                                              \
    "  - send: {from: alice, to: bob, size: 200, interval: 10ms, count: 1000, both: false}\n"                          \
    "expect:\n  - connected\n  - delivery: {sent: 1000, loss: 0%}\nuntil: 20s\n"

static const char host_call[] = "name: host\npeers: {alice: , bob: }\n" TRAFFIC;
static const char relay_call[] =
    "name: relay\nnetwork: {nats: {home: symmetric, office: symmetric}}\nservers: {turn: turn}\n"
    "defaults: {ice: {stun: turn, turn: turn}}\npeers: {alice: {behind: home}, bob: {behind: office}}\n" TRAFFIC;

/* n pairs that all call at once, without traffic; the run ends when all are ready. */
static char *many_calls(unsigned n)
{
    GString *text = g_string_new("name: many\nsignaling: {addressed: true}\npeers:\n");
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(text, "  a%u:\n  b%u:\n", i, i);
    g_string_append(text, "steps:\n");
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(text, "  - call: {from: a%u, to: b%u}\n", i, i);
    g_string_append(text, "expect:\n  - connected: {state: ready}\nuntil: 30s\n");
    return g_string_free(text, FALSE);
}

typedef struct loaded {
    GPtrArray *scenarios;
    hp_plan *plan;
} loaded;

static loaded load(const char *text)
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

static void unload(loaded *l)
{
    hp_plan_free(l->plan);
    g_ptr_array_unref(l->scenarios);
}

/* The whole of one case: text, plan, run, evidence. */
static void whole_run(const char *text, hp_trace *trace, const char *folder)
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
static double best_of(const char *text, hp_trace *trace, const char *folder, unsigned repeats)
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

static memory memory_now(void)
{
    struct mallinfo2 info = mallinfo2();
    unsigned long pages = 0, shared = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    g_assert(statm && fscanf(statm, "%*u %lu %lu", &pages, &shared) == 2);
    fclose(statm);
    return (memory){info.uordblks + info.hblkhd, (pages - shared) * 4096};
}

/* What a plan's world holds when its run is over and before it is taken down. */
static memory held_by(const char *text, hp_trace *trace)
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

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    if (!hp_seam_start(NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 3;
    }
    g_autoptr(hp_trace) trace = hp_trace_new(&error);
    g_autofree char *folder = g_dir_make_tmp("hairpin-bench-XXXXXX", &error);
    if (!trace || !folder) {
        fprintf(stderr, "%s\n", error->message);
        return 3;
    }
    g_autofree char *many = many_calls(MANY), *one = many_calls(1);
    if (argc == 3) {
        const char *text = strcmp(argv[1], "host") == 0 ? host_call : strcmp(argv[1], "relay") == 0 ? relay_call : many;
        for (int i = atoi(argv[2]); i > 0; i--)
            whole_run(text, trace, folder);
        return 0;
    }
    /* First, while the heap is small: later its free pages would be counted as there already. */
    memory held = held_by(many, trace);
    whole_run(host_call, trace, folder); /* types and caches warm */
    printf("%-62s %8.2f ms CPU\n", "host call, 10 s, 1,000 datagrams of 200 bytes, evidence written",
           best_of(host_call, trace, folder, REPEATS));
    printf("%-62s %8.2f ms CPU\n", "the same by TURN through two symmetric NATs",
           best_of(relay_call, trace, folder, REPEATS));
    double alone = best_of(one, trace, NULL, REPEATS), together = best_of(many, trace, NULL, 1) / MANY;
    printf("%-62s %8.3f ms CPU\n", "setting up one host call, alone in its world", alone);
    printf("%-62s %8.3f ms CPU (%.2f times)\n", "the same as one of 500 at once", together, together / alone);
    printf("%-62s %8.1f kB resident (%.1f kB asked of malloc)\n", "memory of one of 500 host pairs",
           (double)held.resident / 1000 / MANY, (double)held.asked / 1000 / MANY);
    g_autofree char *clean = g_strdup_printf("rm -r '%s'", folder);
    return system(clean) == 0 ? 0 : 1;
}
