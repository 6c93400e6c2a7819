/* A host whose sockets are the kernel's: those of the network namespace the process is in.
 *
 * Every function of world/host.h and world/tcp.h works on it, so that actors run on it unchanged. Its interfaces and
 * addresses are described with hp_host_add_interface() and hp_host_add_address(), which configure nothing: they say
 * what the namespace has, and the host errs like a simulated one for what it has not. An interface that is set down
 * sends and receives nothing here, whatever the kernel's does.
 *
 * Callbacks come from the loop; the world's clock is at the present in them. Datagrams wait in the host until the end
 * of the loop's turn, or until a queue is full; those of one socket leave in order. What the kernel has no room for is
 * lost and counted. There are no capture records: `record` and `uid` of a datagram are 0, and whether a received one
 * had DF is not known: IPv4 ones are taken for such that had, as most have. */
#ifndef HP_LIVE_KERNEL_HOST_H
#define HP_LIVE_KERNEL_HOST_H

#include "live/loop.h"
#include "world/host.h"

/* The loop outlives it. Goes with the world, like any host. */
hp_host *hp_kernel_host_new(hp_world *world, const char *name, hp_loop *loop);
bool hp_host_is_kernel(const hp_host *host);
/* The loop of a kernel host. */
hp_loop *hp_kernel_host_loop(const hp_host *host);

typedef struct hp_kernel_host_counters {
    uint64_t datagrams_in, datagrams_out;
    uint64_t receive_calls, send_calls; /* recvmmsg, sendmmsg */
    uint64_t send_full; /* datagrams lost as the kernel had no room for them */
    uint64_t send_errors; /* lost for any other reason that was known only when they left */
} hp_kernel_host_counters;
/* host is a kernel host. */
hp_kernel_host_counters hp_kernel_host_get_counters(const hp_host *host);
/* Gathers what comes in: where datagrams come so fast that eight or more would within `longest`, the host sleeps that long
 * before the loop looks again, once a turn. A server under load then wakes up for a batch instead of each datagram, and
 * each waits half of `longest` on average; timers of the world are late by as much. 0, the default: never. */
void hp_kernel_host_set_gathering(hp_host *host, hp_time longest);
/* Sends now what waits for the end of the turn. */
void hp_kernel_host_flush(hp_host *host);

#endif
