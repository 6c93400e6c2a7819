/* What a call costs, from the scenario's text to the evidence on disk.
 *
 *   bench_call            the table of the README
 *   bench_call NAME N     runs one of the cases N times and prints nothing (for a profiler)
 *
 * Memory is what the world of 500 calls holds when all are up (libnice asks for two receive buffers of 64 kB a
 * component and touches few of their pages). */
#include "bench_run.h"

enum { REPEATS = 40, MANY = 500 };

#define TRAFFIC                                                                                                        \
    "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: connected\n"                                              \
    "  - send: {from: alice, to: bob, size: 200, interval: 10ms, count: 1000, both: false}\n"                          \
    "expect:\n  - connected\n  - delivery: {sent: 1000, loss: 0%}\nuntil: 20s\n"

static const char host_call[] = "name: host\npeers: {alice: , bob: }\n" TRAFFIC;
static const char relay_call[] =
    "name: relay\nnetwork: {nats: {home: symmetric, office: symmetric}}\nservers: {turn: turn}\n"
    "defaults: {ice: {stun: turn, turn: turn}}\npeers: {alice: {behind: home}, bob: {behind: office}}\n" TRAFFIC;

/* A day without a word behind two NATs; `ice` says more of the agents. */
#define IDLE(ice)                                                                                                      \
    "name: idle\nnetwork: {nats: {home: {udp-timeout: 30s}, office: {udp-timeout: 30s}}}\nservers: {stun: stun}\n"     \
    "defaults: {ice: {stun: stun" ice "}}\npeers: {alice: {behind: home}, bob: {behind: office}}\n"                    \
    "steps:\n  - call: {from: alice, to: bob}\nexpect:\n  - connected\n  - mappings: {nat: home, at-end: 1}\n"         \
    "until: 24h\n"
static const char idle_call[] = IDLE(""), consent_call[] = IDLE(", consent-freshness: true");

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
    printf("%-62s %8.0f ms CPU\n", "24 idle hours behind two NATs, keepalives, no evidence",
           best_of(idle_call, trace, NULL, 1));
    printf("%-62s %8.0f ms CPU\n", "the same with consent checks, evidence written",
           best_of(consent_call, trace, folder, 1));
    double alone = best_of(one, trace, NULL, REPEATS), together = best_of(many, trace, NULL, 1) / MANY;
    printf("%-62s %8.3f ms CPU\n", "setting up one host call, alone in its world", alone);
    printf("%-62s %8.3f ms CPU (%.2f times)\n", "the same as one of 500 at once", together, together / alone);
    printf("%-62s %8.1f kB resident (%.1f kB asked of malloc)\n", "memory of one of 500 host pairs",
           (double)held.resident / 1000 / MANY, (double)held.asked / 1000 / MANY);
    g_autofree char *clean = g_strdup_printf("rm -r '%s'", folder);
    return system(clean) == 0 ? 0 : 1;
}
