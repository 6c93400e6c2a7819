/* A fixture: two hosts, one wire of 10 ms each way, an environment on each. */
#ifndef TESTS_SEAM_TWO_HOSTS_H
#define TESTS_SEAM_TWO_HOSTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seam/seam.h"
#include "world/host.h"
#include "world/link.h"

typedef struct two_hosts {
    hp_trace *trace;
    hp_world *world;
    hp_host *host[2];
    hp_seam_env *env[2];
} two_hosts;

static inline void two_hosts_wire(two_hosts *t, unsigned from, unsigned to, const char *name)
{
    hp_link_config config = {.delay_ns = 10 * HP_MS};
    hp_node *link = hp_link_node(hp_link_new(t->world, name, &config));
    hp_node_connect(hp_host_node(t->host[from]), 0, link, 0);
    hp_node_connect(link, 0, hp_host_node(t->host[to]), 0);
}

/* a is 10.0.0.1 and fd00::1, b is 10.0.0.2 and fd00::2. */
static inline two_hosts *two_hosts_new(uint64_t seed)
{
    two_hosts *t = g_new0(two_hosts, 1);
    static const char *const names[] = {"a", "b"};
    t->trace = hp_trace_new_sized(64 << 20, NULL);
    assert_non_null(t->trace);
    t->world = hp_world_new(seed, t->trace);
    for (unsigned i = 0; i < 2; i++) {
        hp_addr addr = hp_addr_v4(0x0a000001 + i, 0);
        uint8_t v6[16] = {0xfd, [15] = (uint8_t)(i + 1)};
        hp_addr addr6 = hp_addr_v6(v6, 0);
        t->host[i] = hp_host_new(t->world, names[i]);
        unsigned interface = hp_host_add_interface(t->host[i], NULL, 0);
        hp_host_add_address(t->host[i], interface, &addr);
        hp_host_add_address(t->host[i], interface, &addr6);
        g_autofree char *name = g_strdup_printf("peer:%s/1", names[i]);
        t->env[i] = hp_seam_env_new(t->host[i], name);
    }
    two_hosts_wire(t, 0, 1, "a>b");
    two_hosts_wire(t, 1, 0, "b>a");
    return t;
}

static inline void two_hosts_free(two_hosts *t)
{
    hp_seam_env_free(t->env[0]);
    hp_seam_env_free(t->env[1]);
    hp_world_free(t->world);
    hp_trace_free(t->trace);
    g_free(t);
}

static inline void two_hosts_run(two_hosts *t, hp_time until)
{
    assert_true(hp_world_run_until(t->world, until, NULL));
}

#endif
