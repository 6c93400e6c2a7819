/* The stop-watch of a server's engine.
 *
 * It runs from enter to leave, and stands still from pause to resume: sending into the world, tracing and sockets are the
 * rig's work and not a server's. TLS is not paused, as it is a part of what a server does for a relayed byte.
 *
 *   enter ====== pause ...... resume ====== leave      = is counted, in two stretches
 *
 * A call is put down as relaying when something was relayed in it, whatever else it did; so a byte stream's call, which
 * may answer a request and pass data on, needs no guess.
 *
 * Reading the clock is a system call, and costs about as much as relaying a small datagram. Each stretch has once that
 * cost in it: the end of one reading and the beginning of the next. What that is here and now is found out at the end of
 * every call, by two readings with nothing in between, and taken off by hp_server_meter_net(); what is left is exact in
 * the mean, not for one call. */
#include "actors/server_meter.h"

#include <stddef.h>
#include <time.h>

static uint64_t read_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void stop(hp_server_meter *meter)
{
    meter->call.cpu_ns += read_clock() - meter->since;
    meter->call.stretches++;
    meter->since = 0;
}

void hp_server_meter_enter(hp_server_meter *meter)
{
    if (meter == NULL) {
        return;
    }
    meter->call = (hp_server_work){.calls = 1};
    meter->relayed = false;
    meter->since = read_clock();
}

void hp_server_meter_leave(hp_server_meter *meter)
{
    if (meter == NULL) {
        return;
    }
    stop(meter);
    hp_server_work *sum = meter->relayed ? &meter->relaying : &meter->other;
    sum->cpu_ns += meter->call.cpu_ns;
    sum->calls += meter->call.calls;
    sum->stretches += meter->call.stretches;
    uint64_t first = read_clock();
    meter->reading_ns += read_clock() - first;
    meter->readings++;
}

bool hp_server_meter_pause(hp_server_meter *meter)
{
    if (meter == NULL || meter->since == 0) {
        return false;
    }
    stop(meter);
    return true;
}

void hp_server_meter_resume(hp_server_meter *meter, bool was_running)
{
    if (was_running) {
        meter->since = read_clock();
    }
}

void hp_server_meter_relays(hp_server_meter *meter)
{
    if (meter != NULL) {
        meter->relayed = true;
    }
}

uint64_t hp_server_meter_net(const hp_server_meter *meter, const hp_server_work *work)
{
    uint64_t cost = meter->readings > 0 ? work->stretches * meter->reading_ns / meter->readings : 0;
    return work->cpu_ns > cost ? work->cpu_ns - cost : 0;
}
