/* How long a prediction takes: every pair of NAT presets, with STUN and TURN.
 *
 *   bench_oracle [ROUNDS]      default 20 rounds over all pairs
 *
 * A prediction is that of a pair of peers of an oracle that was just made, reasons included. The making of the oracle
 * for a plan of two peers is in the figure too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/nat.h"
#include "oracle/oracle.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static hp_plan *make(const char *home, const char *office, hp_diags *diags)
{
    g_autofree char *text = g_strdup_printf(
        "network: {nats: {home: {preset: %s}, office: {preset: %s}}}\n"
        "servers: {stun: stun, turn: {kind: turn, users: {u: p}}}\ndefaults: {ice: {stun: stun, turn: turn}}\n"
        "peers: {alice: {behind: home}, bob: {behind: office}}\n",
        home, office);
    GPtrArray *scenarios = hp_scenario_parse("bench.yaml", text, strlen(text), diags);
    return scenarios ? hp_plan_new(scenarios->pdata[0], "bench", 1, diags) : NULL; /* kept until the end */
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20, by_outcome[HP_OUTCOME_N] = {0};
    size_t n_presets;
    const hp_nat_preset *presets = hp_nat_presets(&n_presets);
    hp_diags *diags = hp_diags_new();
    GPtrArray *plans = g_ptr_array_new();
    for (size_t i = 0; i < n_presets; i++)
        for (size_t k = 0; k < n_presets; k++) {
            hp_plan *plan = make(presets[i].name, presets[k].name, diags);
            if (plan)
                g_ptr_array_add(plans, plan);
        }
    double start = now();
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned i = 0; i < plans->len; i++) {
            g_autoptr(hp_oracle) oracle = hp_oracle_new(plans->pdata[i]);
            by_outcome[hp_oracle_pair(oracle, 0, 1)->outcome] += r == 0;
        }
    double taken = now() - start;
    printf("%u pairs of presets, %u rounds: %.1f us a prediction\n", plans->len, rounds,
           taken * 1e6 / rounds / plans->len);
    for (unsigned outcome = 0; outcome < HP_OUTCOME_N; outcome++)
        printf("  %-8s %u\n", hp_outcome_name((hp_outcome)outcome), by_outcome[outcome]);
    return 0;
}
