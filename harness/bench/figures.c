/* From the result of a run to the figures that are compared.
 *
 * Everything comes from the result, that is from the trace, but for the CPU of the servers' engines, which the meter
 * counted. A call is a pair of peers that had a session with each other: it is connected when both ends' first component
 * is, and its time is that of the later end, since the first call step. Streams are weighed alike, not by their packets. */
#include "bench/figures.h"

#include <math.h>
#include <string.h>

typedef struct mean {
    double sum;
    unsigned n;
} mean;

static void take(mean *m, double value)
{
    m->sum += value;
    m->n++;
}

static double mean_of(const mean *m)
{
    return m->n > 0 ? m->sum / m->n : NAN;
}

static double ms(hp_time t)
{
    return (double)t / HP_MS;
}

/* ---- calls ---- */

static bool is_first_component(const hp_session_result *s)
{
    return s->stream == 1 && s->component == 1;
}

static const hp_session_result *other_end(const hp_result *r, const hp_session_result *s)
{
    for (unsigned i = 0; i < r->n_sessions; i++) {
        const hp_session_result *o = &r->sessions[i];
        if (is_first_component(o) && strcmp(o->peer, s->with) == 0 && strcmp(o->with, s->peer) == 0)
            return o;
    }
    return NULL;
}

/* Sessions of a hundred peers are a few hundred, and this is once a run: looking through all of them will do. */
static unsigned look_at_calls(const hp_result *r, double *ret_connect, double *ret_unconnected)
{
    unsigned calls = 0;
    mean times = {0};
    for (unsigned i = 0; i < r->n_sessions; i++) {
        const hp_session_result *s = &r->sessions[i];
        if (!is_first_component(s) || strcmp(s->peer, s->with) > 0)
            continue; /* told once, by the end whose name comes first */
        const hp_session_result *o = other_end(r, s);
        calls++;
        if (o && s->connected != HP_NEVER && o->connected != HP_NEVER && r->first_call != HP_NEVER)
            take(&times, ms(MAX(s->connected, o->connected) - r->first_call));
    }
    *ret_connect = mean_of(&times);
    *ret_unconnected = calls > 0 ? 100.0 * (calls - times.n) / calls : NAN;
    return calls;
}

/* ---- streams ---- */

typedef struct streams {
    mean latency, median, p95, jitter, mos;
    hp_time max;
    uint64_t received, lost;
    unsigned n;
    double seconds; /* of all of them together */
} streams;

static void take_latency(streams *s, const hp_distribution *d)
{
    if (d->count == 0)
        return;
    take(&s->latency, ms(d->mean));
    take(&s->median, ms(d->median));
    take(&s->p95, ms(d->p95));
    s->max = MAX(s->max, d->max);
}

hp_time hp_bench_media_ended(const hp_result *r)
{
    const hp_scenario *scenario = r->plan->scenario;
    hp_time ended = r->ended;
    for (unsigned i = scenario->n_steps; i > 0; i--) {
        const hp_step *step = &scenario->steps[i - 1];
        if (step->kind != HP_STEP_HOLD || !step->has_at)
            break;
        ended = MIN(ended, step->at);
    }
    return ended;
}

static streams look_at_streams(const hp_result *r)
{
    const hp_time ended = hp_bench_media_ended(r);
    streams s = {0};
    for (unsigned i = 0; i < r->n_tracks; i++) {
        const hp_media_figures *f = &r->tracks[i].figures;
        take_latency(&s, &f->latency);
        if (f->received > 0)
            take(&s.jitter, ms(f->jitter_mean));
        if (f->mos_milli > 0)
            take(&s.mos, f->mos_milli / 1000.0);
        if (f->first_packet != HP_NEVER && f->first_packet < ended)
            s.seconds += (double)(ended - f->first_packet) / HP_S;
        s.received += f->received;
        s.lost += f->lost;
        s.n++;
    }
    for (unsigned i = 0; i < r->n_flows; i++) {
        const hp_flow_result *f = &r->flows[i];
        take_latency(&s, &f->latency);
        s.received += f->received;
        s.lost += f->lost;
        s.n++;
    }
    return s;
}

/* ---- servers ---- */

static double per(double value, double by)
{
    return by > 0 ? value / by : NAN;
}

static void look_at_servers(const hp_result *r, const streams *s, unsigned calls, const hp_server_meter *meter,
                            double *of)
{
    double packets = 0, bytes = 0;
    for (unsigned i = 0; i < r->n_servers; i++) {
        packets += (double)r->servers[i].relayed_packets;
        bytes += (double)r->servers[i].relayed_bytes;
    }
    of[HP_BENCH_RELAYED_PACKETS] = packets > 0 ? per(packets, s->seconds) : NAN;
    of[HP_BENCH_RELAYED_BYTES] = packets > 0 ? per(bytes, s->seconds) : NAN;
    if (!meter)
        return;
    double relaying = (double)hp_server_meter_net(meter, &meter->relaying) / HP_US;
    of[HP_BENCH_CPU_PACKET] = per(relaying, packets);
    of[HP_BENCH_CPU_STREAM] = packets > 0 ? per(relaying, s->seconds) : NAN;
    /* A server that nobody asked anything has no figure; one whose work is too little to measure has nought. */
    of[HP_BENCH_CPU_CALL] =
        meter->other.calls == 0 ? NAN : per((double)hp_server_meter_net(meter, &meter->other) / HP_US, calls);
}

unsigned hp_bench_n_calls(const hp_result *result)
{
    double connect, unconnected;
    return look_at_calls(result, &connect, &unconnected);
}

void hp_bench_figures_of(const hp_result *result, const hp_server_meter *meter, hp_bench_figures *ret)
{
    double *of = ret->of;
    for (unsigned i = 0; i < HP_BENCH_FIGURE_N; i++)
        of[i] = NAN;
    unsigned calls = look_at_calls(result, &of[HP_BENCH_CONNECT], &of[HP_BENCH_UNCONNECTED]);
    streams s = look_at_streams(result);
    of[HP_BENCH_LATENCY_MEAN] = mean_of(&s.latency);
    of[HP_BENCH_LATENCY_MEDIAN] = mean_of(&s.median);
    of[HP_BENCH_LATENCY_P95] = mean_of(&s.p95);
    of[HP_BENCH_LATENCY_MAX] = s.latency.n > 0 ? ms(s.max) : NAN;
    of[HP_BENCH_JITTER] = mean_of(&s.jitter);
    of[HP_BENCH_LOSS] = s.received + s.lost > 0 ? 100.0 * (double)s.lost / (double)(s.received + s.lost) : NAN;
    of[HP_BENCH_MOS] = mean_of(&s.mos);
    look_at_servers(result, &s, calls, meter, of);
}
