/* How the cost of an operation grows with how many timers, or mappings, there are.
 *
 *   bench_growth           the table of the README
 *   bench_growth ROW N     one of heap-next, heap-move, nat-new, nat-packet, nat-expiry with N of them, and no table:
 *                          `valgrind --tool=callgrind` on it, and on the same with 0 operations (a third argument 0),
 *                          gives instructions an operation
 *
 *   heap next     the first timer fires and is armed again at a random time
 *   heap move     a timer somewhere in the heap is armed anew
 *   NAT new       a packet makes a mapping
 *   NAT packet    a packet of a mapping drawn at random passes, and refreshes it
 *   NAT expiry    a mapping whose time is over ends
 *
 * Nanoseconds of CPU; what grows beyond a logarithm is memory that the caches do not hold any more. Where the kernel
 * counts instructions (perf_event_open), they are printed behind. */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "wire/packet.h"
#include "world/heap.h"
#include "world/nat.h"

enum { SMALLEST = 1000, LARGEST = 1000000, OPERATIONS = 1000000, PORTS_PER_ADDRESS = 50000, FIRST_PORT = 10000 };
#define TIMEOUT (120 * HP_S)

typedef struct meter {
    int fd; /* of the instruction counter, -1: none */
    struct timespec started;
    uint64_t ns, instructions;
} meter;

static void meter_open(meter *m)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof attr,
                                   .config = PERF_COUNT_HW_INSTRUCTIONS,
                                   .disabled = 1,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1};
    m->fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static void meter_start(meter *m)
{
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &m->started);
    if (m->fd >= 0) {
        ioctl(m->fd, PERF_EVENT_IOC_RESET, 0);
        ioctl(m->fd, PERF_EVENT_IOC_ENABLE, 0);
    }
}

static void meter_stop(meter *m)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    m->ns = (uint64_t)(now.tv_sec - m->started.tv_sec) * HP_S + (uint64_t)now.tv_nsec - (uint64_t)m->started.tv_nsec;
    m->instructions = 0;
    if (m->fd >= 0) {
        ioctl(m->fd, PERF_EVENT_IOC_DISABLE, 0);
        if (read(m->fd, &m->instructions, sizeof m->instructions) != sizeof m->instructions) {
            m->instructions = 0;
        }
    }
}

static void never_fires(void *owner, hp_time now)
{
    g_assert_not_reached();
}

/* ---- the heap ---- */

typedef struct heap_rig {
    hp_heap heap;
    hp_timer *timers;
    hp_rng rng;
    uint32_t n;
} heap_rig;

static void heap_fill(heap_rig *r, uint32_t n)
{
    *r = (heap_rig){.timers = g_new0(hp_timer, n), .n = n};
    hp_rng_init(&r->rng, 1, "bench");
    for (uint32_t i = 0; i < n; i++) {
        hp_timer_init(&r->timers[i], HP_TIMER_NODE, i, never_fires, NULL);
        hp_heap_arm(&r->heap, &r->timers[i], hp_rng_below(&r->rng, HP_S));
    }
}

static void heap_next(meter *m, uint32_t n, uint64_t operations)
{
    heap_rig r;
    heap_fill(&r, n);
    meter_start(m);
    for (uint64_t i = 0; i < operations; i++) {
        hp_timer *first = hp_heap_take(&r.heap);
        hp_heap_arm(&r.heap, first, first->at + hp_rng_below(&r.rng, HP_S));
    }
    meter_stop(m);
    hp_heap_clear(&r.heap);
    g_free(r.timers);
}

static void heap_move(meter *m, uint32_t n, uint64_t operations)
{
    heap_rig r;
    heap_fill(&r, n);
    meter_start(m);
    for (uint64_t i = 0; i < operations; i++) {
        hp_heap_arm(&r.heap, &r.timers[hp_rng_below(&r.rng, n)], hp_rng_below(&r.rng, HP_S));
    }
    meter_stop(m);
    hp_heap_clear(&r.heap);
    g_free(r.timers);
}

/* ---- the NAT ---- */

typedef struct nat_rig {
    hp_world *world;
    hp_nat *nat;
    hp_node sink;
    hp_rng rng;
    uint64_t passed;
} nat_rig;

static void sink_receive(hp_node *node, unsigned port, hp_packet *p)
{
    ((nat_rig *)((char *)node - offsetof(nat_rig, sink)))->passed++;
    hp_packet_free(p);
}

static void sink_free(hp_node *node)
{
    hp_node_clear(node);
}

static void nat_open(nat_rig *r, uint32_t n)
{
    static const hp_node_ops ops = {.kind = "sink", .receive = sink_receive, .free = sink_free};
    *r = (nat_rig){.world = hp_world_new(1, NULL)};
    hp_rng_init(&r->rng, 1, "bench");
    hp_nat_config config = hp_nat_config_default();
    uint32_t n_addresses = (n + PORTS_PER_ADDRESS - 1) / PORTS_PER_ADDRESS;
    config.pool = (uint16_t)n_addresses;
    config.udp_timeout = TIMEOUT;
    r->nat = hp_nat_new(r->world, "nat", &config);
    g_autofree hp_addr *pool = g_new(hp_addr, n_addresses);
    for (uint32_t i = 0; i < n_addresses; i++) {
        pool[i] = hp_addr_v4(0xcb007101 + i, 0);
    }
    hp_nat_set_external(r->nat, pool, n_addresses);
    hp_node_init(&r->sink, &ops, r->world, "sink");
    hp_node_connect(hp_nat_node(r->nat), HP_NAT_OUTSIDE, &r->sink, 0);
}

static void nat_send(nat_rig *r, uint32_t index)
{
    hp_addr from =
        hp_addr_v4(0x0a000001 + index / PORTS_PER_ADDRESS, (uint16_t)(FIRST_PORT + index % PORTS_PER_ADDRESS));
    hp_addr to = hp_addr_v4(0xc6336401, 3478);
    hp_node *node = hp_nat_node(r->nat);
    node->ops->receive(node, HP_NAT_INSIDE, hp_packet_new(HP_PROTO_UDP, &from, &to, "x", 1));
}

/* A microsecond apart, so that every mapping has a time of its own to expire at. */
static void nat_fill(nat_rig *r, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        nat_send(r, i);
        hp_world_run_until(r->world, hp_world_now(r->world) + HP_US, NULL);
    }
    g_assert(r->passed == n && hp_nat_get_stats(r->nat).mappings == n);
}

static void nat_new(meter *m, uint32_t n, uint64_t operations)
{
    nat_rig r;
    nat_open(&r, n);
    meter_start(m);
    if (operations > 0) {
        nat_fill(&r, n);
    }
    meter_stop(m);
    hp_world_free(r.world);
}

static void nat_packet(meter *m, uint32_t n, uint64_t operations)
{
    nat_rig r;
    nat_open(&r, n);
    nat_fill(&r, n);
    meter_start(m);
    for (uint64_t i = 0; i < operations; i++) {
        nat_send(&r, (uint32_t)hp_rng_below(&r.rng, n));
    }
    meter_stop(m);
    hp_world_free(r.world);
}

static void nat_expiry(meter *m, uint32_t n, uint64_t operations)
{
    nat_rig r;
    nat_open(&r, n);
    nat_fill(&r, n);
    /* In another order than they were made. */
    for (uint32_t i = 0; i < n; i++) {
        nat_send(&r, (uint32_t)hp_rng_below(&r.rng, n));
        hp_world_run_until(r.world, hp_world_now(r.world) + HP_US, NULL);
    }
    meter_start(m);
    if (operations > 0) {
        hp_world_run_until(r.world, hp_world_now(r.world) + 2 * TIMEOUT, NULL);
        g_assert(hp_nat_get_stats(r.nat).mappings == 0);
    }
    meter_stop(m);
    hp_world_free(r.world);
}

/* ---- the table ---- */

typedef struct row {
    const char *name, *label;
    void (*measure)(meter *m, uint32_t n, uint64_t operations);
    bool one_each; /* as many operations as there are mappings */
} row;

static const row rows[] = {
    {"heap-next", "heap next", heap_next, false},   {"heap-move", "heap move", heap_move, false},
    {"nat-new", "NAT new", nat_new, true},          {"nat-packet", "NAT packet", nat_packet, false},
    {"nat-expiry", "NAT expiry", nat_expiry, true},
};

int main(int argc, char **argv)
{
    meter m = {0};
    meter_open(&m);
    if (argc >= 3) {
        uint32_t n = (uint32_t)strtoul(argv[2], NULL, 10);
        uint64_t operations = argc > 3 ? strtoull(argv[3], NULL, 10) : 100000;
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
            if (strcmp(argv[1], rows[i].name) == 0 && n > 0 && n <= LARGEST) {
                rows[i].measure(&m, n, operations);
                return 0;
            }
        }
        fprintf(stderr, "usage: bench_growth [heap-next|heap-move|nat-new|nat-packet|nat-expiry N [OPERATIONS]]\n");
        return 2;
    }
    printf("%-12s", "ns each, of");
    for (uint32_t n = SMALLEST; n <= LARGEST; n *= 10) {
        printf(" %10u", n);
    }
    printf("%s\n", m.fd >= 0 ? "   instructions each" : "");
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        GString *instructions = g_string_new(NULL);
        printf("%-12s", rows[i].label);
        for (uint32_t n = SMALLEST; n <= LARGEST; n *= 10) {
            rows[i].measure(&m, n, OPERATIONS);
            double each = rows[i].one_each ? n : OPERATIONS;
            printf(" %10.0f", (double)m.ns / each);
            g_string_append_printf(instructions, " %7.0f", (double)m.instructions / each);
            fflush(stdout);
        }
        printf("%s%s\n", m.fd >= 0 ? "  " : "", m.fd >= 0 ? instructions->str : "");
        g_string_free(instructions, TRUE);
    }
    return 0;
}
