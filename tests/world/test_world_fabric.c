/* Hosts, links and a router together: a run depends on its seed alone, and what is added beside disturbs nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/host.h"
#include "world/link.h"
#include "world/probe.h"
#include "world/router.h"

enum { MAX_HOSTS = 6, DATAGRAMS = 400, PORT = 7000 };

typedef struct talker {
    hp_host *host;
    hp_socket *socket;
    hp_timer timer;
    hp_world *world;
    hp_rng rng;
    unsigned partner, left;
} talker;

static hp_addr address_of(unsigned i)
{
    return hp_addr_v4(0xc0000201 + i, PORT); /* 192.0.2.1 and on */
}

/* Hosts talk in pairs: 0 with 1, 2 with 3, ... */
static void talk(void *owner, hp_time now)
{
    talker *t = owner;
    uint8_t data[3000] = {0};
    hp_addr to = address_of(t->partner);
    assert_true(hp_socket_send(t->socket, &to, data, hp_rng_below(&t->rng, sizeof data), NULL));
    if (--t->left > 0) {
        hp_timer_arm(t->world, &t->timer, now + hp_rng_below(&t->rng, 4 * HP_MS));
    }
}

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
}

/* The whole trace as text: every packet with its bytes, every drop. Only what concerns hosts below `watched`; uids are
 * left out, as they count the packets of the whole world. */
static char *run(uint64_t seed, unsigned n_hosts, unsigned watched)
{
    static const hp_socket_ops ops = {.datagram = on_datagram};
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_world) world = hp_world_new(seed, trace);
    hp_router_config core = {.hop = true, .unreachable = true, .address4 = addr("203.0.113.1")};
    hp_router *router = hp_router_new(world, "internet", &core);
    hp_link_config config = {
        .rate_bps = 20000000,
        .delay_ns = 10 * HP_MS,
        .jitter_ns = 3 * HP_MS,
        .loss_ppb = HP_PPB / 50,
        .burst_enter_ppb = HP_PPB / 100,
        .burst_leave_ppb = HP_PPB / 3,
        .burst_loss_ppb = HP_PPB / 2,
        .duplicate_ppb = HP_PPB / 40,
        .reorder_ppb = HP_PPB / 20,
        .corrupt_ppb = HP_PPB / 60,
        .queue_packets = 4,
        .mtu = 1400,
    };
    talker talkers[MAX_HOSTS] = {0};
    for (unsigned i = 0; i < n_hosts; i++) {
        talker *t = &talkers[i];
        g_autofree char *name = g_strdup_printf("host%u", i);
        g_autofree char *up = g_strdup_printf("host%u>internet", i);
        g_autofree char *down = g_strdup_printf("internet>host%u", i);
        hp_addr local = address_of(i);
        t->world = world;
        t->host = hp_host_new(world, name);
        hp_host_add_interface(t->host, NULL, 0);
        hp_host_add_address(t->host, 0, &local);
        t->socket = hp_host_bind(t->host, &local, &ops, t, NULL);
        hp_link *there = hp_link_new(world, up, &config), *back = hp_link_new(world, down, &config);
        hp_node_connect(hp_host_node(t->host), 0, hp_link_node(there), 0);
        hp_node_connect(hp_link_node(there), 0, hp_router_node(router), i);
        hp_node_connect(hp_router_node(router), i, hp_link_node(back), 0);
        hp_node_connect(hp_link_node(back), 0, hp_host_node(t->host), 0);
        hp_prefix prefix = {.base = hp_addr_with_port(local, 0), .bits = 32};
        hp_router_add_route(router, &prefix, i);
        hp_rng_init(&t->rng, seed, name);
        t->partner = i ^ 1;
        t->left = DATAGRAMS;
        hp_timer_init(&t->timer, HP_TIMER_ACTOR, hp_world_new_element(world), talk, t);
        hp_timer_arm(world, &t->timer, 0);
    }
    assert_true(hp_world_run_until(world, 120 * HP_S, NULL));
    assert_int_equal(hp_world_next_deadline(world), HP_NEVER);

    GString *text = g_string_new(NULL);
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(trace, &cursor, &r)) {
        const hp_addr *src = r.type == HP_RECORD_PACKET ? &r.packet.src : &r.drop.src;
        if ((r.type != HP_RECORD_PACKET && r.type != HP_RECORD_DROP) || src->ip[3] > watched) {
            continue;
        }
        g_string_append_printf(text, "%" G_GUINT64_FORMAT " ", r.at);
        if (r.type == HP_RECORD_PACKET) {
            g_string_append_printf(text, "%s %d ", hp_trace_tap_name(trace, r.packet.tap), r.packet.dir);
            for (uint32_t i = 0; i < MIN(r.packet.length, 48); i++) {
                g_string_append_printf(text, "%02x", r.packet.bytes[i]);
            }
            g_string_append_printf(text, " %u\n", r.packet.length);
        } else {
            g_string_append_printf(text, "%s %s\n", r.drop.place, hp_drop_name(r.drop.reason));
        }
    }
    return g_string_free(text, FALSE);
}

static void test_same_seed_same_run(void **state)
{
    g_autofree char *once = run(11, 4, 255);
    g_autofree char *again = run(11, 4, 255);
    g_autofree char *other = run(12, 4, 255);
    assert_string_equal(once, again);
    assert_string_not_equal(once, other);
    /* Something of everything happened. */
    static const char *const wanted[] = {"burst-loss", " loss", "queue", "corrupt", "reassembly"};
    for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
        assert_non_null(strstr(once, wanted[i]));
    }
}

static void test_neighbours_do_not_disturb(void **state)
{
    g_autofree char *alone = run(11, 2, 2);
    g_autofree char *in_company = run(11, 6, 2);
    assert_string_equal(alone, in_company);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_run),
        cmocka_unit_test(test_neighbours_do_not_disturb),
    };
    return cmocka_run_group_tests_name("fabric", tests, NULL, NULL);
}
