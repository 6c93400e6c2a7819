/* Waking on time: a real-time priority, CPUs that do not fall asleep, and the last microseconds spent awake.
 *
 * The kernel stops real-time threads that never sleep (sched_rt_runtime_us: 50 ms of each second by default), which is a
 * stall of a thousand packets. So spinning has a budget: as much as the thread has slept, 5 ms at most at a time. With one
 * CPU there is no spinning at all, as it would take the CPU from those that are to be measured.
 *
 * Programs beside the fabric go before ordinary processes too, but behind it: a peer that is late on a busy machine would
 * be taken for a slow peer. They take turns (SCHED_RR), and one that never pauses gets SIGXCPU (RLIMIT_RTTIME), so that an
 * endless loop under test does not take the machine with it. Without the right to that, a nice value is the next best.
 *
 * The priority is not inherited by children and threads (SCHED_RESET_ON_FORK). The timer slack of the thread is 1 ns in any case. */
#include "live/punctual.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PRIORITY = 10, PRIORITY_AHEAD = 5, NICE_AHEAD = -10 };
#define MAX_BUDGET (5 * HP_MS)

hp_loop_options hp_loop_options_punctual(void)
{
    return (hp_loop_options){.fifo = true, .keep_awake = true, .spin = 50 * HP_US, .heartbeat = 10 * HP_MS};
}

hp_loop_options hp_loop_options_ahead(void)
{
    return (hp_loop_options){.ahead = true, .heartbeat = 20 * HP_MS};
}

static void refuse(hp_loop_report *report, const char *what, const char *why)
{
    size_t used = strlen(report->refused);
    g_snprintf(report->refused + used, sizeof report->refused - used, "%s%s: %s", used > 0 ? "; " : "", what, why);
}

static bool become_fifo(hp_loop_report *report)
{
    struct sched_param parameters = {.sched_priority = PRIORITY};
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0) {
        return true;
    }
    refuse(report, "SCHED_FIFO", g_strerror(errno));
    return false;
}

static void limit_bursts(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_RTTIME, &limit) == 0) {
        limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)HP_LOOP_LONGEST_BURST_S * 1000000);
        setrlimit(RLIMIT_RTTIME, &limit);
    }
}

static bool go_ahead(hp_loop_report *report)
{
    struct sched_param parameters = {.sched_priority = PRIORITY_AHEAD}, none = {0};
    limit_bursts();
    if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0) {
        report->scheduling = "rr";
        return true;
    }
    refuse(report, "SCHED_RR", g_strerror(errno));
    if (sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0 &&
        setpriority(PRIO_PROCESS, 0, NICE_AHEAD) == 0) {
        report->scheduling = "nice";
    } else {
        refuse(report, "nice", g_strerror(errno));
    }
    return false;
}

/* The kernel keeps the latency that was written for as long as the descriptor is open. */
static int keep_awake(hp_loop_report *report)
{
    static const int32_t none = 0;
    int fd = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, &none, sizeof none) == (ssize_t)sizeof none) {
        return fd;
    }
    refuse(report, "/dev/cpu_dma_latency", g_strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static unsigned n_cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

void hp_punctual_start(hp_punctual *punctual, const hp_loop_options *options, hp_loop_report *ret)
{
    *punctual = (hp_punctual){.dma_latency = -1};
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    ret->scheduling = "ordinary";
    if (options == NULL) {
        return;
    }
    punctual->heartbeat = options->heartbeat;
    ret->fifo = options->fifo && become_fifo(ret);
    if (ret->fifo) {
        ret->scheduling = "fifo";
    }
    punctual->real_time = ret->fifo || (options->ahead && go_ahead(ret));
    punctual->dma_latency = options->keep_awake ? keep_awake(ret) : -1;
    ret->keep_awake = punctual->dma_latency >= 0;
    if (options->spin > 0 && n_cpus() < 2) {
        refuse(ret, "spinning", "there is one CPU");
    } else {
        ret->spin = punctual->spin = options->spin;
    }
}

void hp_punctual_stop(hp_punctual *punctual)
{
    if (punctual->real_time) {
        struct sched_param parameters = {0};
        sched_setscheduler(0, SCHED_OTHER, &parameters);
        punctual->real_time = false;
    }
    if (punctual->dma_latency >= 0) {
        close(punctual->dma_latency);
        punctual->dma_latency = -1;
    }
}

void hp_punctual_slept(hp_punctual *punctual, hp_time slept)
{
    punctual->budget = MIN(punctual->budget + slept, MAX_BUDGET);
}

hp_time hp_punctual_lead(const hp_punctual *punctual)
{
    return punctual->budget >= punctual->spin ? punctual->spin : 0;
}

void hp_punctual_spun(hp_punctual *punctual, hp_time spun)
{
    punctual->budget -= MIN(spun, punctual->budget);
}
