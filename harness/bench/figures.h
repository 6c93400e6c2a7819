/* What one run says of its calls: from result and meter to a handful of numbers. */
#ifndef HP_BENCH_FIGURES_H
#define HP_BENCH_FIGURES_H

#include "actors/server_meter.h"
#include "check/result.h"

typedef enum hp_bench_figure {
    HP_BENCH_CONNECT, /* ms, from the first call to both ends connected; mean over the calls */
    HP_BENCH_UNCONNECTED, /* % of the calls */
    HP_BENCH_LATENCY_MEAN, /* ms one way; each a mean over the streams */
    HP_BENCH_LATENCY_MEDIAN,
    HP_BENCH_LATENCY_P95,
    HP_BENCH_LATENCY_MAX,
    HP_BENCH_JITTER, /* ms, RFC 3550; tracks only */
    HP_BENCH_LOSS, /* % of what was sent and is not under way */
    HP_BENCH_MOS, /* mean over the tracks of audio */
    HP_BENCH_RELAYED_PACKETS, /* by all servers, a second and stream; each leg counts */
    HP_BENCH_RELAYED_BYTES, /* of payload, likewise */
    HP_BENCH_CPU_PACKET, /* us of CPU in the servers' engines for each relayed packet */
    HP_BENCH_CPU_STREAM, /* us of CPU in the servers' engines, relaying, for each second of a stream */
    HP_BENCH_CPU_CALL, /* us of CPU in the servers' engines for everything else, each call */
    HP_BENCH_FIGURE_N
} hp_bench_figure;

/* NAN: the run does not say (nothing connected, nothing was relayed). A stream is a track, or a flow of datagrams. */
typedef struct hp_bench_figures {
    double of[HP_BENCH_FIGURE_N];
} hp_bench_figures;

/* When media stopped: at the holds that are the last steps, or with the run. */
hp_time hp_bench_media_ended(const hp_result *result);
/* Pairs of peers that had a session with each other. */
unsigned hp_bench_n_calls(const hp_result *result);
/* meter may be NULL: there are no figures of CPU then. */
void hp_bench_figures_of(const hp_result *result, const hp_server_meter *meter, hp_bench_figures *ret);

#endif
