/* Clocks: what the software under test sees as the time.
 *
 * While an environment is entered, every clock that shows time passing (monotonic, real, boot time and their coarse and
 * raw kin) comes from its world. Real time is HP_EPOCH_S plus the run time; monotonic time starts at one hour, so that
 * code that subtracts a long interval from it, or takes 0 for "never", behaves as on a machine that has been up for a
 * while. Clocks of CPU time pass through. With no environment entered all of them do.
 *
 * libnice reads g_get_monotonic_time() and, for STUN timers, clock_gettime(); GLib's main loop calls its own
 * g_get_monotonic_time() without going through the PLT, but that in turn calls clock_gettime(). */
#include "seam/env.h"
#include "seam/symbols.h"

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / HP_S), .tv_nsec = (long)(ns % HP_S)};
}

static uint64_t real_ns(const hp_seam_env *env)
{
    return HP_EPOCH_S * HP_S + hp_seam_now(env);
}

static uint64_t monotonic_ns(const hp_seam_env *env)
{
    return HP_SEAM_MONOTONIC_OFFSET_NS + hp_seam_now(env);
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    const hp_seam_env *env = hp_seam_current();
    if (env) {
        switch (clock) {
        case CLOCK_REALTIME:
        case CLOCK_REALTIME_COARSE:
            *ts = to_timespec(real_ns(env));
            return 0;
        case CLOCK_MONOTONIC:
        case CLOCK_MONOTONIC_RAW:
        case CLOCK_MONOTONIC_COARSE:
        case CLOCK_BOOTTIME:
            *ts = to_timespec(monotonic_ns(env));
            return 0;
        default: /* CPU clocks */
            break;
        }
    }
    return HP_NEXT(clock_gettime)(clock, ts);
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    const hp_seam_env *env = hp_seam_current();
    if (!env) {
        return HP_NEXT(gettimeofday)(tv, zone);
    }
    uint64_t us = real_ns(env) / HP_US;
    *tv = (struct timeval){.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    return 0;
}

time_t time(time_t *ret)
{
    const hp_seam_env *env = hp_seam_current();
    if (!env) {
        return HP_NEXT(time)(ret);
    }
    time_t now = (time_t)(real_ns(env) / HP_S);
    if (ret) {
        *ret = now;
    }
    return now;
}

gint64 g_get_monotonic_time(void)
{
    const hp_seam_env *env = hp_seam_current();
    return env ? (gint64)(monotonic_ns(env) / HP_US) : HP_NEXT(g_get_monotonic_time)();
}

gint64 g_get_real_time(void)
{
    const hp_seam_env *env = hp_seam_current();
    return env ? (gint64)(real_ns(env) / HP_US) : HP_NEXT(g_get_real_time)();
}
