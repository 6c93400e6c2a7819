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

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "live/kernel_host.h"
#include "live/loop.h"
#include "seam/seam.h"

static inline bool live_net_up(int by, const char *name, const char *address)
{
    struct ifreq r = {0};
    g_strlcpy(r.ifr_name, name, sizeof r.ifr_name);
    if (address) {
        struct sockaddr_in at = {.sin_family = AF_INET};
        inet_pton(AF_INET, address, &at.sin_addr);
        memcpy(&r.ifr_addr, &at, sizeof at);
        if (ioctl(by, SIOCSIFADDR, &r) != 0) {
            return false;
        }
        inet_pton(AF_INET, "255.255.255.0", &at.sin_addr);
        memcpy(&r.ifr_netmask, &at, sizeof at);
        if (ioctl(by, SIOCSIFNETMASK, &r) != 0) {
            return false;
        }
    }
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    return ioctl(by, SIOCSIFFLAGS, &r) == 0;
}

/* The process is in it from then on. NULL, or why that cannot be. */
static inline const char *live_net_enter(void)
{
    if (unshare(CLONE_NEWNET) != 0) {
        return "this process may not make a network namespace";
    }
    int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC); /* stays open: the device goes with it */
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    g_strlcpy(r.ifr_name, "eth0", sizeof r.ifr_name);
    if (tun < 0 || ioctl(tun, TUNSETIFF, &r) != 0) {
        return "/dev/net/tun cannot be opened";
    }
    int by = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = live_net_up(by, "lo", NULL) && live_net_up(by, "eth0", "10.9.0.1");
    close(by);
    return ok ? NULL : "the interfaces could not be set up";
}

/* label: "eth0:1", "eth0:2", ... */
static inline bool live_net_address(const char *label, const char *address)
{
    int by = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = live_net_up(by, label, address);
    close(by);
    return ok;
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
