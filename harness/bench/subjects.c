/* What is said of every figure of a run, for the benches that have it: the virtual one (turn.c) and the live one
 * (turn_live.c), in which nothing is virtual. */
#include "bench/subjects.h"

#include <assert.h>

#include "base/compare.h"

#define CLIENTS .x_name = "clients", .x_unit = ""

static const hp_bench_subject subjects[] = {
    [HP_BENCH_CONNECT] = {.name = "time-to-connect",
                          .about = "from the call to both ends connected",
                          .unit = "ms",
                          .better = HP_BENCH_LOWER,
                          .is_virtual = true,
                          CLIENTS},
    [HP_BENCH_UNCONNECTED] = {.name = "unconnected",
                              .about = "calls that did not connect",
                              .unit = "%",
                              .better = HP_BENCH_LOWER,
                              .is_virtual = true,
                              CLIENTS},
    [HP_BENCH_LATENCY_MEAN] = {.name = "latency",
                               .about = "one way, mean",
                               .unit = "ms",
                               .better = HP_BENCH_LOWER,
                               .is_virtual = true,
                               CLIENTS},
    [HP_BENCH_LATENCY_MEDIAN] = {.name = "latency-median",
                                 .about = "one way, median",
                                 .unit = "ms",
                                 .better = HP_BENCH_LOWER,
                                 .is_virtual = true,
                                 CLIENTS},
    [HP_BENCH_LATENCY_P95] = {.name = "latency-p95",
                              .about = "one way, 95th percentile",
                              .unit = "ms",
                              .better = HP_BENCH_LOWER,
                              .is_virtual = true,
                              CLIENTS},
    [HP_BENCH_LATENCY_MAX] = {.name = "latency-max",
                              .about = "one way, the slowest packet of the run",
                              .unit = "ms",
                              .better = HP_BENCH_LOWER,
                              .is_virtual = true,
                              CLIENTS},
    [HP_BENCH_JITTER] = {.name = "jitter",
                         .about = "of arrival (RFC 3550), mean",
                         .unit = "ms",
                         .better = HP_BENCH_LOWER,
                         .is_virtual = true,
                         CLIENTS},
    [HP_BENCH_LOSS] = {.name = "loss",
                       .about = "packets that never came",
                       .unit = "%",
                       .better = HP_BENCH_LOWER,
                       .is_virtual = true,
                       CLIENTS},
    [HP_BENCH_MOS] = {.name = "mos",
                      .about = "how the conversation sounds (ITU-T G.107), mean",
                      .unit = "",
                      .better = HP_BENCH_HIGHER,
                      .is_virtual = true,
                      CLIENTS},
    [HP_BENCH_RELAYED_PACKETS] = {.name = "relayed-packets",
                                  .about = "that the server relays a second for each stream; with a relay at both ends "
                                           "each packet is relayed twice",
                                  .unit = "1/s",
                                  .better = HP_BENCH_LOWER,
                                  .is_virtual = true,
                                  CLIENTS},
    [HP_BENCH_RELAYED_BYTES] = {.name = "relayed-bytes",
                                .about = "of payload, likewise, a second for each stream",
                                .unit = "B",
                                .better = HP_BENCH_LOWER,
                                .is_virtual = true,
                                CLIENTS},
    [HP_BENCH_CPU_PACKET] = {.name = "server-cpu-packet",
                             .about = "CPU of the server's engine (with TLS) for each relayed packet",
                             .unit = "us",
                             .better = HP_BENCH_LOWER,
                             CLIENTS},
    [HP_BENCH_CPU_STREAM] = {.name = "server-cpu-stream",
                             .about = "the same for each stream and second",
                             .unit = "us",
                             .better = HP_BENCH_LOWER,
                             CLIENTS},
    [HP_BENCH_CPU_CALL] = {.name = "server-cpu-setup",
                           .about =
                               "CPU of the server's engine (with TLS) for requests, handshakes and timers, each call",
                           .unit = "us",
                           .better = HP_BENCH_LOWER,
                           CLIENTS},
};
static_assert(G_N_ELEMENTS(subjects) == HP_BENCH_FIGURE_N, "a subject for each figure");

static const hp_bench_subject added_latency = {.name = "added-latency",
                                               .about = "one way, mean, relay minus direct of the same seed",
                                               .unit = "ms",
                                               .better = HP_BENCH_LOWER,
                                               .is_virtual = true,
                                               CLIENTS};

hp_bench_subject hp_bench_figure_subject(hp_bench_figure figure, bool live)
{
    hp_bench_subject subject = subjects[figure];
    subject.is_virtual = subject.is_virtual && !live;
    return subject;
}

hp_bench_subject hp_bench_added_latency_subject(bool live)
{
    hp_bench_subject subject = added_latency;
    subject.is_virtual = !live;
    return subject;
}

void hp_bench_tell_calls(hp_bench_document *document, const hp_bench_network *network, const unsigned *clients,
                         unsigned n_clients, hp_time duration)
{
    char text[HP_TIME_TEXT];
    g_autofree char *loss = hp_unit_format(HP_UNIT_RATIO, network->loss_ppb);
    g_autoptr(GString) list = g_string_new(NULL);
    for (unsigned i = 0; i < n_clients; i++)
        g_string_append_printf(list, "%s%u", i > 0 ? "," : "", clients[i]);
    hp_bench_document_set(document, "clients", "%s", list->str);
    hp_bench_document_set(document, "link", "%s", hp_time_format(network->link, text));
    hp_bench_document_set(document, "jitter", "%s", hp_time_format(network->jitter, text));
    hp_bench_document_set(document, "loss", "%s", loss);
    hp_bench_document_set(document, "duration", "%s", hp_time_format(duration, text));
}
