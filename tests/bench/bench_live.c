/* The live fabric by hand: bench_live RATE SECONDS [traced] [punctual] [veth]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/live_load.h"

int main(int argc, char **argv)
{
    hp_bench_live_load load = {.rate = argc > 1 ? (unsigned)atoi(argv[1]) : 250000,
                               .duration = (hp_time)(argc > 2 ? atof(argv[2]) * 1e9 : 2e9),
                               .delay = 20 * HP_MS};
    for (int i = 3; i < argc; i++) {
        load.traced |= strcmp(argv[i], "traced") == 0;
        load.punctual |= strcmp(argv[i], "punctual") == 0;
        load.device = strcmp(argv[i], "veth") == 0 ? HP_DEVICE_VETH : load.device;
    }
    GError *error = NULL;
    hp_bench_live_result r;
    hp_time up, down;
    if (!hp_bench_live_hosts(20, &up, &down, &error) || !hp_bench_live(&load, &r, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 3;
    }
    printf("20 hosts: up %.1f ms, down %.1f ms\n", (double)up / 1e6, (double)down / 1e6);
    printf("sent %lu, lost %ld (queue %lu, buffer %lu), CPU %.0f ns a packet (user %.0f)\n", (unsigned long)r.sent,
           (long)(r.sent - r.received), (unsigned long)r.queue_drops, (unsigned long)r.buffer_drops, r.cpu_ns,
           r.user_ns);
    printf("error p50 %.1f p99 %.1f max %.1f us; lateness p50 %.1f p99 %.1f max %.1f us\n",
           (double)hp_lateness_percentile(&r.error, 500) / 1e3, (double)hp_lateness_percentile(&r.error, 990) / 1e3,
           (double)r.error.max / 1e3, (double)hp_lateness_percentile(&r.lateness, 500) / 1e3,
           (double)hp_lateness_percentile(&r.lateness, 990) / 1e3, (double)r.lateness.max / 1e3);
    return 0;
}
