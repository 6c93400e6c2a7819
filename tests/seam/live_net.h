/* A fixture: a network namespace of this process's own with one interface, 10.9.0.1/24, a kernel host of it, a loop.
 * More addresses: live_net_address().
 *
 * The interface is a TUN that nobody reads: what the host sends to its own address stays inside. */
#ifndef TESTS_SEAM_LIVE_NET_H
#define TESTS_SEAM_LIVE_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "live/device.h"
#include "live/kernel_host.h"
#include "live/loop.h"
#include "seam/seam.h"

/* Why tests have no namespace here; NULL: they have. What live_net_enter() said to the program's main(). */
static const char *refusal;

#define NEEDS_NET()                                                                                                    \
    if (refusal) {                                                                                                     \
        print_message("skipped: %s\n", refusal);                                                                       \
        skip();                                                                                                        \
    }

static hp_device *live_net_device; /* of the process, as long as it lives */

static inline bool live_net_address(const char *text)
{
    hp_device_address address = {.bits = 24};
    return hp_addr_parse(text, &address.ip) && hp_device_add_address(live_net_device, &address, NULL);
}

/* The process is in it from then on. NULL, or why that cannot be. */
static inline const char *live_net_enter(void)
{
    static GError *error;
    const hp_device_config config = {.name = "eth0", .kind = HP_DEVICE_TUN};
    hp_netns *ns = hp_netns_new("test", &error);
    live_net_device = ns ? hp_device_new(ns, &config, &error) : NULL;
    if (!live_net_device || !hp_netns_enter(ns, &error)) {
        return error->message;
    }
    return live_net_address("10.9.0.1") ? NULL : "the interface takes no address";
}

typedef struct live_net {
    hp_trace *trace;
    hp_world *world;
    hp_live_clock *clock;
    hp_loop *loop;
    hp_host *host;
    guint guard; /* ends the loop when nothing else does */
} live_net;

static inline gboolean live_net_too_long(gpointer user)
{
    live_net *n = user;
    n->guard = 0;
    hp_loop_quit(n->loop);
    return G_SOURCE_REMOVE;
}

static inline live_net *live_net_new(void)
{
    live_net *n = g_new0(live_net, 1);
    hp_addr at = hp_addr_v4(0x0a090001, 0);
    n->trace = hp_trace_new_sized(64 << 20, NULL);
    n->world = hp_world_new(1, n->trace);
    n->clock = hp_live_clock_new(NULL);
    n->loop = hp_loop_new(n->world, n->clock, NULL, NULL);
    assert_non_null(n->loop);
    n->host = hp_kernel_host_new(n->world, "alice", n->loop);
    hp_host_add_address(n->host, hp_host_add_interface(n->host, NULL, 0), &at);
    n->guard = g_timeout_add_seconds(30, live_net_too_long, n);
    return n;
}

/* Until hp_loop_quit(). */
static inline void live_net_run(live_net *n)
{
    g_autoptr(GError) error = NULL;
    assert_true(hp_loop_run_glib(n->loop, NULL, &error));
    assert_int_not_equal(n->guard, 0); /* 0: what was waited for did not happen */
}

static inline void live_net_free(live_net *n)
{
    g_source_remove(n->guard);
    hp_world_free(n->world);
    hp_loop_free(n->loop);
    hp_live_clock_free(n->clock);
    hp_trace_free(n->trace);
    g_free(n);
}

#endif
