/* A world with hosts on the kernel's sockets, driven until something holds. Loopback addresses only. */
#ifndef TESTS_LIVE_KERNEL_RIG_H
#define TESTS_LIVE_KERNEL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "live/kernel_host.h"

typedef struct kernel_rig {
    hp_world *world;
    hp_live_clock *clock;
    hp_loop *loop;
} kernel_rig;

static inline void kernel_rig_start(kernel_rig *rig)
{
    rig->world = hp_world_new(1, NULL);
    rig->clock = hp_live_clock_new(NULL);
    assert_non_null(rig->clock);
    hp_live_clock_begin(rig->clock);
    g_autoptr(GError) error = NULL;
    rig->loop = hp_loop_new(rig->world, rig->clock, NULL, &error);
    assert_non_null(rig->loop);
}

static inline void kernel_rig_stop(kernel_rig *rig)
{
    hp_loop_free(rig->loop);
    hp_world_free(rig->world);
    hp_live_clock_free(rig->clock);
}

static inline hp_addr kernel_rig_addr(const char *text)
{
    hp_addr addr;
    assert_true(hp_addr_parse(text, &addr));
    return addr;
}

/* A host of that one address. */
static inline hp_host *kernel_rig_host(kernel_rig *rig, const char *name, const char *address)
{
    hp_host *host = hp_kernel_host_new(rig->world, name, rig->loop);
    hp_addr addr = kernel_rig_addr(address);
    hp_host_add_interface(host, NULL, 0);
    hp_host_add_address(host, 0, &addr);
    return host;
}

/* Turns until *value is at least `wanted`; a test that hangs fails after half a minute. */
static inline void kernel_rig_until(kernel_rig *rig, const unsigned *value, unsigned wanted)
{
    g_autoptr(GError) error = NULL;
    hp_time end = hp_live_clock_now(rig->clock) + 30 * HP_S;
    while (*value < wanted) {
        assert_true(hp_loop_turn(rig->loop, 100 * HP_MS, &error));
        if (hp_live_clock_now(rig->clock) > end) {
            fail_msg("%u of %u came", *value, wanted);
        }
    }
}

/* All that is under way on loopback has come when a turn that does not sleep finds nothing: one more is taken, as what
 * the first one sends leaves at its end. */
static inline void kernel_rig_settle(kernel_rig *rig)
{
    for (unsigned i = 0; i < 4; i++) {
        assert_true(hp_loop_turn(rig->loop, 0, NULL));
    }
}

#endif
