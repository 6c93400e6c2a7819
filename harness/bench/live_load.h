/* A load on the live fabric: one process sends from a namespace, another counts in a second one, and this process carries
 * the packets between them, through a link and a NAT. */
#ifndef HP_BENCH_LIVE_LOAD_H
#define HP_BENCH_LIVE_LOAD_H

#include <glib.h>

#include "live/device.h"
#include "live/lateness.h"

typedef struct hp_bench_live_load {
    unsigned rate; /* packets a second */
    hp_time duration;
    hp_time delay; /* of the link before the NAT */
    bool traced; /* recorded at all taps, as a run does */
    bool punctual; /* real-time priority and spinning, where allowed */
    hp_device_kind device;
} hp_bench_live_load;

typedef struct hp_bench_live_result {
    uint64_t sent, received;
    uint64_t queue_drops; /* by the kernel, before the fabric */
    uint64_t buffer_drops; /* by the kernel, at the receiver's socket */
    double cpu_ns; /* of this process, a packet that arrived; spinning is not in it */
    double user_ns; /* what was not spent in the kernel, spinning too */
    hp_lateness error; /* from the sender's call to the receiver's kernel, less the link's delay */
    hp_lateness lateness; /* the loop's own */
} hp_bench_live_result;

/* False with HP_ERROR_ENVIRONMENT where namespaces or devices cannot be had. */
bool hp_bench_live(const hp_bench_live_load *load, hp_bench_live_result *ret, GError **error);

/* How long it takes, by the clock on the wall, to make n hosts with an address and a route, and to take them away. */
bool hp_bench_live_hosts(unsigned n, hp_time *ret_set_up, hp_time *ret_tear_down, GError **error);

#endif
