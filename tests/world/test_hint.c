/* Hints: a link tells the far node what comes next, the far node only ever prefetches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include "world/host.h"
#include "world/link.h"
#include "world/nat.h"
#include "world/probe.h"

/* ---- when a link gives them ---- */

/* Writes down what it hears: F3 the first hint of the packet with TTL 3, N3 the second, A3 its arrival. */
typedef struct listener {
    hp_node node;
    GString *heard;
} listener;

static void listener_receive(hp_node *node, unsigned port, hp_packet *p)
{
    g_string_append_printf(((listener *)node)->heard, "A%u ", p->ttl);
    hp_packet_free(p);
}

static void listener_hint(const hp_node *node, unsigned port, const hp_packet *p, hp_hint hint)
{
    assert_int_equal(port, 7);
    g_string_append_printf(((const listener *)node)->heard, "%c%u ", hint == HP_HINT_FAR ? 'F' : 'N', p->ttl);
}

static void listener_free(hp_node *node)
{
    g_string_free(((listener *)node)->heard, TRUE);
    hp_node_clear(node);
    g_free(node);
}

static const hp_node_ops listener_ops = {
    .kind = "listener", .receive = listener_receive, .hint = listener_hint, .free = listener_free};

static listener *listener_new(hp_world *world)
{
    listener *self = g_new0(listener, 1);
    hp_node_init(&self->node, &listener_ops, world, "listener");
    self->heard = g_string_new(NULL);
    return self;
}

static void enter(hp_world *world, hp_link *link, unsigned number, size_t length, bool dont_fragment)
{
    hp_packet *p = udp_packet(world, "192.0.2.1:1000", "192.0.2.2:2000", length);
    p->ttl = (uint8_t)number;
    p->dont_fragment = dont_fragment;
    give(hp_link_node(link), 0, p);
}

static void test_a_burst_hears_of_each_twice(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    hp_link *link = hp_link_new(world, "a>b", &(hp_link_config){.delay_ns = HP_MS});
    listener *far = listener_new(world);
    hp_node_connect(hp_link_node(link), 0, &far->node, 7);
    for (unsigned i = 0; i < 12; i++) {
        enter(world, link, i, 10, false);
    }
    assert_string_equal(far->heard->str, "F0 F1 F2 F3 F4 N0 F5 N1 F6 N2 F7 N3 ");
    g_string_truncate(far->heard, 0);
    assert_true(hp_world_run_until(world, HP_S, NULL));
    assert_string_equal(far->heard->str,
                        "N4 F8 A0 N5 F9 A1 N6 F10 A2 N7 F11 A3 N8 A4 N9 A5 N10 A6 N11 A7 A8 A9 A10 A11 ");
}

static void test_a_held_back_packet_is_passed(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    hp_link_config config = {.delay_ns = HP_MS, .reorder_ppb = HP_PPB, .reorder_by_ns = 5 * HP_MS};
    hp_link *link = hp_link_new(world, "a>b", &config);
    listener *far = listener_new(world);
    hp_node_connect(hp_link_node(link), 0, &far->node, 7);
    enter(world, link, 0, 10, false);
    config.reorder_ppb = 0;
    hp_link_configure(link, &config, "in order again");
    enter(world, link, 1, 10, false);
    assert_true(hp_world_run_until(world, HP_S, NULL));
    /* 1 was put before the end of the flight, where nothing is said. */
    assert_string_equal(far->heard->str, "F0 A1 A0 ");
}

static void test_errors_that_go_back_are_not_announced(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    hp_link *link = hp_link_new(world, "a>b", &(hp_link_config){.delay_ns = HP_MS, .mtu = 500});
    hp_addr router = addr("192.0.2.254");
    hp_link_set_router_address(link, &router, NULL);
    listener *far = listener_new(world), *near = listener_new(world);
    hp_node_connect(hp_link_node(link), 0, &far->node, 7);
    hp_node_connect(hp_link_node(link), 1, &near->node, 7);
    enter(world, link, 1, 1000, true);
    assert_true(hp_world_run_until(world, HP_S, NULL));
    assert_string_equal(near->heard->str, "A64 ");
    assert_string_equal(far->heard->str, "");
}

static void test_a_node_that_takes_none(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    hp_link *link = hp_link_new(world, "a>b", &(hp_link_config){.delay_ns = HP_MS});
    for (unsigned i = 0; i < 12; i++) {
        enter(world, link, i, 10, false);
    }
    probe *far = probe_new(world, "far"); /* connected only now, and without hints */
    hp_node_connect(hp_link_node(link), 0, &far->node, 0);
    assert_true(hp_world_run_until(world, HP_S, NULL));
    assert_int_equal(far->hits->len, 12);
    assert_int_equal(probe_at(far, 11)->at, HP_MS);
}

/* ---- a run is the same with and without ---- */

enum { CLIENTS = 200, ROUNDS = 40, BURST = 50, SERVERS = 3, MAX_NODES = 8 };

typedef struct deaf_ops {
    hp_node_ops of[MAX_NODES];
    unsigned n;
} deaf_ops;

/* From here on the node takes no hints. */
static void make_deaf(deaf_ops *deaf, hp_node *node)
{
    g_assert(deaf->n < MAX_NODES);
    assert_non_null(node->ops->hint);
    hp_node_ops *ops = &deaf->of[deaf->n++];
    *ops = *node->ops;
    ops->hint = NULL;
    node->ops = ops;
}

static void on_server(void *user, hp_socket *socket, const hp_datagram *d)
{
    hp_socket_send(socket, &d->from, d->data, d->length, NULL);
    hp_addr stranger = hp_addr_with_port(d->from, (uint16_t)(d->from.port + 1)); /* mostly to nobody */
    hp_socket_send(socket, &stranger, "?", 1, NULL);
}

static void on_client(void *user, hp_socket *socket, const hp_datagram *d)
{
    (*(unsigned *)user)++;
}

static hp_link *wire(hp_world *world, const char *name, hp_node *from, unsigned out, hp_node *to, unsigned in)
{
    hp_link_config config = {
        .delay_ns = 10 * HP_MS,
        .jitter_ns = HP_MS,
        .loss_ppb = HP_PPB / 50,
        .duplicate_ppb = HP_PPB / 20,
        .reorder_ppb = HP_PPB / 10,
        .mtu = 700,
    };
    hp_link *link = hp_link_new(world, name, &config);
    hp_node_connect(from, out, hp_link_node(link), 0);
    hp_node_connect(hp_link_node(link), 0, to, in);
    return link;
}

static char *contents(const char *path, gsize *ret_length)
{
    char *text = NULL;
    assert_true(g_file_get_contents(path, &text, ret_length, NULL));
    g_unlink(path);
    return text;
}

/* A digest of the capture and of all events. */
static char *digest(const hp_trace *trace)
{
    g_autofree char *dir = g_dir_make_tmp("hairpin-hint-XXXXXX", NULL);
    g_autofree char *capture = g_build_filename(dir, "trace.pcapng", NULL);
    g_autofree char *events = g_build_filename(dir, "events.jsonl", NULL);
    assert_true(hp_trace_write_pcapng(trace, capture, NULL, NULL));
    assert_true(hp_trace_write_events(trace, events, NULL));
    gsize n_packets, n_events;
    g_autofree char *packet_bytes = contents(capture, &n_packets), *event_bytes = contents(events, &n_events);
    g_rmdir(dir);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(sum, (const guchar *)packet_bytes, (gssize)n_packets);
    g_checksum_update(sum, (const guchar *)event_bytes, (gssize)n_events);
    return g_strdup(g_checksum_get_string(sum));
}

/* Clients behind a NAT talk to servers in bursts, over links that do all they can; the NAT loses its mappings once. */
static char *run(const hp_nat_config *config, bool hints, unsigned *ret_answers)
{
    static const hp_socket_ops server_ops = {.datagram = on_server}, client_ops = {.datagram = on_client};
    deaf_ops deaf = {0};
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_world) world = hp_world_new(5, trace);
    hp_host *inside = hp_host_new(world, "inside"), *outside = hp_host_new(world, "outside");
    hp_nat *nat = hp_nat_new(world, "nat", config);
    hp_addr external = addr("203.0.113.1"), inner = addr("10.0.0.2");
    hp_nat_set_external(nat, &external, 1);
    hp_host_add_interface(inside, NULL, 0);
    hp_host_add_interface(outside, NULL, 0);
    hp_host_add_address(inside, 0, &inner);
    hp_node *nodes[] = {hp_host_node(inside), hp_nat_node(nat), hp_host_node(outside)};
    for (unsigned i = 0; !hints && i < G_N_ELEMENTS(nodes); i++) {
        make_deaf(&deaf, nodes[i]);
    }
    wire(world, "inside>nat", nodes[0], 0, nodes[1], HP_NAT_INSIDE);
    wire(world, "nat>outside", nodes[1], HP_NAT_OUTSIDE, nodes[2], 0);
    wire(world, "outside>nat", nodes[2], 0, nodes[1], HP_NAT_OUTSIDE);
    wire(world, "nat>inside", nodes[1], HP_NAT_INSIDE, nodes[0], 0);

    unsigned answers = 0;
    hp_addr servers[SERVERS];
    for (unsigned i = 0; i < SERVERS; i++) {
        servers[i] = hp_addr_v4(0xc0000201 + i, 3478);
        hp_host_add_address(outside, 0, &servers[i]);
        assert_non_null(hp_host_bind(outside, &servers[i], &server_ops, NULL, NULL));
    }
    hp_socket *clients[CLIENTS];
    for (unsigned i = 0; i < CLIENTS; i++) {
        hp_addr local = hp_addr_with_port(inner, (uint16_t)(5000 + i));
        clients[i] = hp_host_bind(inside, &local, &client_ops, &answers, NULL);
        assert_non_null(clients[i]);
    }
    hp_rng rng;
    hp_rng_init(&rng, 5, "talk");
    static const uint8_t data[1000] = {0};
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < BURST; i++) {
            hp_socket *client = clients[hp_rng_below(&rng, CLIENTS)];
            hp_socket_send(client, &servers[hp_rng_below(&rng, SERVERS)], data, hp_rng_below(&rng, sizeof data), NULL);
        }
        if (round == ROUNDS / 2) {
            hp_nat_reboot(nat);
        }
        assert_true(hp_world_run_until(world, hp_world_now(world) + 7 * HP_MS, NULL));
    }
    hp_nat_rebind(nat, NULL);
    assert_true(hp_world_run_until(world, hp_world_now(world) + HP_S, NULL));
    *ret_answers = answers;
    return digest(trace);
}

static void test_a_run_is_the_same_without(void **state)
{
    for (unsigned kind = HP_NAT_ENDPOINT_INDEPENDENT; kind <= HP_NAT_ADDRESS_AND_PORT_DEPENDENT; kind++) {
        hp_nat_config config = hp_nat_config_default();
        config.mapping = kind;
        config.overload = kind == HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
        unsigned answers_with = 0, answers_without = 0;
        g_autofree char *with = run(&config, true, &answers_with);
        g_autofree char *without = run(&config, false, &answers_without);
        assert_string_equal(with, without);
        assert_int_equal(answers_with, answers_without);
        assert_in_range(answers_with, ROUNDS * BURST / 2, ROUNDS * BURST * 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_hears_of_each_twice),
        cmocka_unit_test(test_a_held_back_packet_is_passed),
        cmocka_unit_test(test_errors_that_go_back_are_not_announced),
        cmocka_unit_test(test_a_node_that_takes_none),
        cmocka_unit_test(test_a_run_is_the_same_without),
    };
    return cmocka_run_group_tests_name("hint", tests, NULL, NULL);
}
