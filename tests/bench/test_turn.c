/* TURN against direct: figures that can be computed by hand, that they are the same however they are come by, and that
 * measuring the servers' CPU leaves no mark in a run. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/figures.h"
#include "bench/saturation.h"
#include "bench/turn.h"
#include "run/run.h"
#include "seam/seam.h"

#define assert_figure(d, metric, variant, x, value) assert_true(fabs(mean(d, metric, variant, x) - (value)) < 1e-9)

static double mean(const hp_bench_document *d, const char *metric, const char *variant, double x)
{
    const hp_bench_metric *m = hp_bench_document_find(d, metric);
    const hp_bench_variant *v = m ? hp_bench_metric_find(m, variant) : NULL;
    const hp_bench_point *p = v ? hp_bench_variant_at(v, x) : NULL;
    if (!p)
        fail_msg("no %s of %s at %g", metric, variant, x);
    return p->s.mean;
}

/* Two seeds, one and three calls, over links of 20 ms that lose nothing. */
static hp_bench_document *ideal(unsigned jobs)
{
    static const unsigned clients[] = {1, 3};
    g_autoptr(GError) error = NULL;
    hp_bench_turn_options o = hp_bench_turn_defaults();
    o.n_seeds = 2;
    o.clients = clients;
    o.n_clients = G_N_ELEMENTS(clients);
    o.network.jitter = 0;
    o.network.loss_ppb = 0;
    o.duration = 2 * HP_S;
    o.load_duration = 0;
    o.jobs = jobs;
    hp_bench_document *d = hp_bench_turn(&o, &error);
    if (!d)
        fail_msg("%s", error->message);
    return d;
}

static unsigned samples(const hp_bench_document *d, const char *metric, const char *variant, double x)
{
    return hp_bench_variant_at(hp_bench_metric_find(hp_bench_document_find(d, metric), variant), x)->s.n;
}

static void test_by_hand(void **state)
{
    g_autoptr(hp_bench_document) d = ideal(0);
    for (double x = 1; x <= 3; x += 2) {
        /* Two access links directly, four by the relay; relay to relay is within the server. */
        assert_figure(d, "latency", "direct", x, 40);
        assert_figure(d, "latency-max", "direct", x, 40);
        assert_figure(d, "latency-median", "turn-udp", x, 80);
        assert_figure(d, "added-latency", "turn-udp", x, 40);
        assert_figure(d, "jitter", "direct", x, 0);
        assert_figure(d, "loss", "turn-udp", x, 0);
        assert_figure(d, "unconnected", "turn-tls", x, 0);
        assert_true(mean(d, "time-to-connect", "direct", x) < mean(d, "time-to-connect", "turn-udp", x));
        assert_true(mean(d, "time-to-connect", "turn-udp", x) < mean(d, "time-to-connect", "turn-tcp", x));
        assert_true(mean(d, "time-to-connect", "turn-tcp", x) < mean(d, "time-to-connect", "turn-tls", x));
        /* 50 packets a second, each by two relays, and some checks and reports, also when media has stopped. */
        double relayed = mean(d, "relayed-packets", "turn-udp", x);
        assert_true(relayed > 100 && relayed < 130);
        /* A meter for each run. */
        assert_int_equal(samples(d, "server-cpu-packet", "turn-udp", x), 2);
        assert_int_equal(samples(d, "server-cpu-setup", "direct", x), 2);
    }
    assert_null(hp_bench_metric_find(hp_bench_document_find(d, "relayed-packets"), "direct"));
    assert_null(hp_bench_metric_find(hp_bench_document_find(d, "server-cpu-packet"), "direct"));
    assert_null(hp_bench_document_find(d, "throughput"));
}

static char *virtual_part(hp_bench_document *d)
{
    for (unsigned i = d->metrics->len; i > 0; i--)
        if (!((const hp_bench_metric *)d->metrics->pdata[i - 1])->is_virtual)
            g_ptr_array_remove_index(d->metrics, i - 1);
    return hp_bench_document_json(d);
}

static void test_virtual_figures_repeat(void **state)
{
    g_autoptr(hp_bench_document) one = ideal(1), two = ideal(2);
    g_autofree char *a = virtual_part(one), *b = virtual_part(two);
    assert_true(one->metrics->len >= 9);
    assert_string_equal(a, b);
}

static void test_saturation(void **state)
{
    const hp_bench_saturation_options o = {
        .network = {.link = 20 * HP_MS, .rate = 1000000}, .size = 1000, .duration = 10 * HP_S, .rounds = 6};
    hp_bench_saturation direct[2], relay[2];
    g_autoptr(GError) error = NULL;
    assert_true(hp_bench_saturate(&o, HP_BENCH_DIRECT, 2, direct, &error));
    assert_true(hp_bench_saturate(&o, HP_BENCH_TURN_UDP, 2, relay, &error));
    for (unsigned i = 0; i < 2; i++) {
        /* 8 bytes of UDP and 20 of IP; 4 more of ChannelData. */
        assert_true(fabs(direct[i].overhead - 2.8) < 1e-9);
        assert_true(fabs(relay[i].overhead - 3.2) < 1e-9);
        /* All that the uplink carries is 1028 or 1032 bytes for each 1000. */
        assert_true(direct[i].goodput <= 1e9 / 1028 && direct[i].goodput > 0.99e9 / 1028);
        assert_true(relay[i].goodput <= 1e9 / 1032 && relay[i].goodput > 0.99e9 / 1032);
        assert_true(direct[i].load >= direct[i].goodput);
        /* What does not fit is lost to the queue, a percent and more of it, and nowhere else. */
        assert_true(direct[i].lost > 1 && relay[i].lost > 1);
        assert_true(direct[i].refused == 0 && direct[i].late == 0 && relay[i].refused == 0 && relay[i].late == 0);
    }
}

/* TCP that loses nothing fills the uplink, with 20 bytes of TCP and 20 of IP for each of its segments, and TLS nearly;
 * beyond that the sender's socket refuses, and what it took is late. Nothing is lost on the way. */
static void test_saturation_of_streams(void **state)
{
    const hp_bench_saturation_options o = {
        .network = {.link = 20 * HP_MS, .rate = 1000000}, .size = 1000, .duration = 10 * HP_S, .rounds = 6};
    hp_bench_saturation tcp, tls;
    g_autoptr(GError) error = NULL;
    assert_true(hp_bench_saturate(&o, HP_BENCH_TURN_TCP, 1, &tcp, &error));
    assert_true(hp_bench_saturate(&o, HP_BENCH_TURN_TLS, 1, &tls, &error));
    assert_true(fabs(tcp.overhead - 4.4) < 0.1); /* 20 + 20 + 4 */
    assert_true(tcp.goodput <= 1e9 / 1044 && tcp.goodput > 0.95e9 / 1044);
    assert_true(tls.goodput <= 1e9 / 1066 && tls.goodput > 0.85e9 / 1066);
    assert_true(tcp.refused + tcp.late > 1 && tls.refused + tls.late > 1);
    assert_true(tcp.lost == 0 && tls.lost == 0);
}

/* ---- what a run says ---- */

static hp_result *run_text(const char *text, hp_trace *trace, hp_bench_cases *cases)
{
    g_autoptr(GError) error = NULL;
    assert_true(hp_bench_cases_of_text(text, "call", 5, 1, cases, &error));
    hp_result *result = hp_run_plan(cases->plans->pdata[0], trace, NULL, &error);
    assert_non_null(result);
    return result;
}

/* A meter filled in by hand: 3 us for each packet that was relayed, 1 ms for all else, and readings of 10 ns. */
static void test_figures_of_a_meter(void **state)
{
    const hp_bench_network network = {.link = 20 * HP_MS};
    g_autofree char *text = hp_bench_calls_text(&network, HP_BENCH_TURN_UDP, 2, 3 * HP_S);
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_auto(hp_bench_cases) cases = {0};
    g_autoptr(hp_result) result = run_text(text, trace, &cases);
    const uint64_t packets = result->servers[0].relayed_packets;
    const hp_server_meter meter = {
        .relaying = {.cpu_ns = packets * 3010, .calls = packets, .stretches = packets},
        .other = {.cpu_ns = HP_MS + 100 * 10, .calls = 50, .stretches = 100},
        .reading_ns = 700,
        .readings = 70,
    };
    hp_bench_figures f;
    hp_bench_figures_of(result, &meter, &f);
    assert_true(packets > 500);
    assert_true(fabs(f.of[HP_BENCH_CPU_PACKET] - 3) < 1e-9);
    assert_true(fabs(f.of[HP_BENCH_CPU_CALL] - 500) < 1e-9); /* two calls */
    assert_true(fabs(f.of[HP_BENCH_CPU_STREAM] - 3 * f.of[HP_BENCH_RELAYED_PACKETS]) < 1e-9);
    hp_bench_figures without;
    hp_bench_figures_of(result, NULL, &without);
    assert_true(isnan(without.of[HP_BENCH_CPU_PACKET]) && isnan(without.of[HP_BENCH_CPU_CALL]));
    assert_true(without.of[HP_BENCH_RELAYED_PACKETS] == f.of[HP_BENCH_RELAYED_PACKETS]);
    /* Streams last until the hold at 3 s, though the run does not end there. */
    double seconds = 0;
    for (unsigned i = 0; i < result->n_tracks; i++)
        seconds += (double)(3 * HP_S - result->tracks[i].figures.first_packet) / HP_S;
    assert_int_equal(result->n_tracks, 4);
    assert_true(fabs(f.of[HP_BENCH_RELAYED_PACKETS] * seconds - (double)packets) < 1e-6);
}

/* What TCP sends again when the media stops arrives none the less: with seed 5 a segment of the last moment is lost. */
static void test_streams_lose_nothing(void **state)
{
    const hp_bench_network network = {.link = 20 * HP_MS, .jitter = 2 * HP_MS, .loss_ppb = 10000000};
    for (unsigned way = HP_BENCH_TURN_TCP; way <= HP_BENCH_TURN_TLS; way++) {
        g_autofree char *text = hp_bench_calls_text(&network, way, 10, 3 * HP_S);
        g_autoptr(hp_trace) trace = hp_trace_new(NULL);
        g_auto(hp_bench_cases) cases = {0};
        g_autoptr(hp_result) result = run_text(text, trace, &cases);
        hp_bench_figures f;
        hp_bench_figures_of(result, NULL, &f);
        assert_true(result->drops_by_reason[HP_DROP_LINK_LOSS] > 100);
        assert_true(f.of[HP_BENCH_LOSS] == 0);
    }
}

/* The same speech whichever way the call goes: what is heard between its first packet and the end, two seconds later. */
static void test_speech_is_as_long_by_relay(void **state)
{
    const hp_bench_network network = {.link = 20 * HP_MS};
    const hp_time frame =
        20 * HP_MS; /* it is the first frame that is waited for, which is whole with the next packet */
    for (unsigned way = HP_BENCH_DIRECT; way <= HP_BENCH_TURN_UDP; way++) {
        g_autofree char *text = hp_bench_speech_text(&network, way, 2 * HP_S);
        g_autoptr(hp_trace) trace = hp_trace_new(NULL);
        g_auto(hp_bench_cases) cases = {0};
        g_autoptr(hp_result) result = run_text(text, trace, &cases);
        assert_int_equal(result->verdict, HP_VERDICT_PASS);
        assert_int_equal(result->n_tracks, 2);
        const bool first = strcmp(result->tracks[0].to, "b0") == 0;
        const hp_media_figures *heard = &result->tracks[first ? 0 : 1].figures;
        assert_int_equal(heard->received, 101);
        assert_int_equal(result->ended, heard->first_packet + frame + 2 * HP_S);
    }
}

/* ---- files of the user's own ---- */

static hp_bench_document *of_file(const char *text, GError **error)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("call-XXXXXX.yaml", &path, NULL);
    assert_true(fd >= 0);
    close(fd);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    hp_bench_turn_options o = hp_bench_turn_defaults();
    o.n_seeds = 2;
    o.file = path;
    hp_bench_document *d = hp_bench_turn(&o, error);
    g_unlink(path);
    return d;
}

#define PEERS                                                                                                          \
    "servers: {turn: turn}\ndefaults: {ice: {stun: turn, turn: turn}}\npeers: {alice: {behind: home}, bob: }\n"
#define STEPS                                                                                                          \
    "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: ready\n  - send: {from: alice, to: bob, count: 50}\n"     \
    "expect:\n  - pair: {alice: host}\n  - latency: {max: \"< 1ns\"}\nuntil: 6s\n"

static void test_file(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_bench_document) d = of_file("network: {nats: {home: full-cone}}\n" PEERS STEPS, &error);
    if (!d)
        fail_msg("%s", error->message);
    /* The Internet takes 20 ms and alice's LAN 0.5; the server is on the Internet, and so is bob. */
    assert_figure(d, "latency", "direct", 1, 20.5);
    assert_figure(d, "latency", "relay", 1, 40.5);
    assert_figure(d, "loss", "direct", 1, 0);
}

static void test_file_without_direct(void **state)
{
    g_autoptr(GError) error = NULL;
    assert_null(of_file("network: {nats: {home: udp-blocking-office}}\n" PEERS STEPS, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_REFUSED));
    assert_non_null(strstr(error->message, "no call connects"));
}

static void test_files_that_cannot_be_benched(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"peers: {alice: , bob: }\n" STEPS, "no peer has a TURN server"},
        {"network: {nats: {home: full-cone}}\n" PEERS, "has no call"},
        {"network: {nats: {home: full-cone}}\n" PEERS STEPS
         "matrix: {network.nats.home.preset: [full-cone, symmetric]}\n",
         "2 cases"},
        {"peers: [\n", "cannot be run"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(of_file(cases[i].text, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_SCENARIO));
        if (!strstr(error->message, cases[i].message))
            fail_msg("%s", error->message);
    }
}

/* ---- the stop-watch ---- */

static GBytes *capture_of(const hp_plan *plan, hp_server_meter *meter)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_trace) trace = hp_trace_new(&error);
    g_autoptr(hp_result) result = hp_run_plan_metered(plan, trace, NULL, meter, &error);
    assert_non_null(result);
    g_autofree char *folder = g_dir_make_tmp("bench-XXXXXX", &error);
    g_autofree char *packets = g_build_filename(folder, "p", NULL), *events = g_build_filename(folder, "e", NULL);
    assert_true(hp_trace_write_pcapng(trace, packets, NULL, &error));
    assert_true(hp_trace_write_events(trace, events, &error));
    GByteArray *all = g_byte_array_new();
    const char *const paths[] = {packets, events};
    for (unsigned i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *text = NULL;
        gsize length;
        assert_true(g_file_get_contents(paths[i], &text, &length, &error));
        g_byte_array_append(all, (const guint8 *)text, (guint)length);
        g_unlink(paths[i]);
    }
    g_rmdir(folder);
    return g_byte_array_free_to_bytes(all);
}

static void test_measuring_leaves_no_mark(void **state)
{
    const hp_bench_network network = {.link = 20 * HP_MS, .jitter = 2 * HP_MS, .loss_ppb = 10000000};
    for (unsigned way = 0; way < HP_BENCH_WAY_N; way++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = hp_bench_calls_text(&network, way, 2, 2 * HP_S);
        g_auto(hp_bench_cases) cases = {0};
        hp_server_meter meter = {0};
        assert_true(hp_bench_cases_of_text(text, "call", 1, 1, &cases, &error));
        g_autoptr(GBytes) without = capture_of(cases.plans->pdata[0], NULL);
        g_autoptr(GBytes) with = capture_of(cases.plans->pdata[0], &meter);
        assert_true(g_bytes_get_size(with) > 100000);
        assert_true(g_bytes_equal(with, without));
        /* It did count: requests in every variant, relaying by TURN alone. */
        assert_true(meter.other.calls > 0);
        assert_int_equal(meter.relaying.calls > 300, way != HP_BENCH_DIRECT);
        assert_true(meter.relaying.stretches >= meter.relaying.calls);
    }
}

static void test_net_work(void **state)
{
    const hp_server_work work = {.cpu_ns = 1000, .calls = 2, .stretches = 4};
    hp_server_meter meter = {.reading_ns = 200, .readings = 2};
    assert_int_equal(hp_server_meter_net(&meter, &work), 600);
    meter.reading_ns = 600;
    assert_int_equal(hp_server_meter_net(&meter, &work), 0); /* never less than nothing */
    meter = (hp_server_meter){0};
    assert_int_equal(hp_server_meter_net(&meter, &work), 1000);
}

static int start(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_virtual_figures_repeat),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_saturation_of_streams),
        cmocka_unit_test(test_figures_of_a_meter),
        cmocka_unit_test(test_streams_lose_nothing),
        cmocka_unit_test(test_speech_is_as_long_by_relay),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_without_direct),
        cmocka_unit_test(test_files_that_cannot_be_benched),
        cmocka_unit_test(test_measuring_leaves_no_mark),
        cmocka_unit_test(test_net_work),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
