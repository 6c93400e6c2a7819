/* Real TCP through NATs: hosts that connect, send, close and open simultaneously, with times to the nanosecond. */
#include "world/link.h"
#include "world/nat_rig.h"
#include "world/tcp.h"

#define WIRE (10 * HP_MS)

/* A host behind a NAT. */
typedef struct side {
    hp_host *host;
    hp_nat *nat; /* NULL: none */
    hp_addr internal, external; /* of the one connection */
    hp_tcp_socket *socket;
    hp_time connected, closed; /* 0: not yet */
    hp_tcp_end end;
} side;

typedef struct pair {
    hp_trace *trace;
    hp_world *world;
    side a, b;
} pair;

static void on_connected(void *user, hp_tcp_socket *socket)
{
    side *s = user;
    s->connected = hp_world_now(hp_host_world(s->host));
}

static void on_closed(void *user, hp_tcp_socket *socket, hp_tcp_end end)
{
    side *s = user;
    s->closed = hp_world_now(hp_host_world(s->host));
    s->end = end;
}

static const hp_tcp_ops ops = {.connected = on_connected, .closed = on_closed};

static void on_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    side *s = user;
    s->socket = socket;
    hp_tcp_set_ops(socket, &ops, s);
    on_connected(s, socket);
}

static const hp_tcp_listener_ops listener_ops = {.accepted = on_accepted};

/* Returns the node and port that face the other side. */
static hp_node *side_init(side *s, hp_world *world, const char *name, const hp_nat_config *config, const char *internal,
                          const char *external, unsigned *ret_port)
{
    g_autofree char *nat_name = g_strconcat(name, "-nat", NULL);
    *s = (side){.host = hp_host_new(world, name), .internal = addr(internal), .external = addr(external)};
    hp_host_add_interface(s->host, NULL, 0);
    hp_host_add_address(s->host, 0, &s->internal);
    *ret_port = HP_NAT_INSIDE;
    if (!config)
        return hp_host_node(s->host);
    s->nat = hp_nat_new(world, nat_name, config);
    hp_nat_set_external(s->nat, &s->external, 1);
    hp_node_connect(hp_host_node(s->host), 0, hp_nat_node(s->nat), HP_NAT_INSIDE);
    hp_node_connect(hp_nat_node(s->nat), HP_NAT_INSIDE, hp_host_node(s->host), 0);
    *ret_port = HP_NAT_OUTSIDE;
    return hp_nat_node(s->nat);
}

static void wire(hp_world *world, const char *name, hp_node *from, unsigned out, hp_node *to, unsigned in)
{
    hp_link *link = hp_link_new(world, name, &(hp_link_config){.delay_ns = WIRE});
    hp_node_connect(from, out, hp_link_node(link), 0);
    hp_node_connect(hp_link_node(link), 0, to, in);
}

static pair *pair_new(const hp_nat_config *a, const hp_nat_config *b)
{
    pair *p = g_new0(pair, 1);
    unsigned port_a, port_b;
    p->trace = hp_trace_new(NULL);
    p->world = hp_world_new(1, p->trace);
    hp_node *node_a =
        side_init(&p->a, p->world, "a", a, a ? "192.168.1.2:5000" : "192.0.2.1:5000", "192.0.2.1:5000", &port_a);
    hp_node *node_b =
        side_init(&p->b, p->world, "b", b, b ? "10.0.0.2:6000" : "203.0.113.1:6000", "203.0.113.1:6000", &port_b);
    wire(p->world, "ab", node_a, port_a, node_b, port_b);
    wire(p->world, "ba", node_b, port_b, node_a, port_a);
    return p;
}

static void pair_free(pair *p)
{
    hp_world_free(p->world);
    hp_trace_free(p->trace);
    g_free(p);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pair, pair_free)

static void until(pair *p, hp_time t)
{
    assert_true(hp_world_run_until(p->world, t, NULL));
}

static void connect_side(side *from, const side *to)
{
    from->socket = hp_tcp_connect(from->host, &from->internal, &to->external, &ops, from, NULL);
    assert_non_null(from->socket);
}

static const char *state_of(const side *s, const side *other)
{
    const char *state = hp_nat_tcp_state_of(s->nat, &s->internal, &other->external);
    return state ? state : "closed";
}

static void a_connection_from_birth_to_end(void **state)
{
    g_autoptr(pair) p = pair_new(&hp_nat_preset_find("linux-netfilter")->config, NULL);
    hp_tcp_listener *listener = hp_tcp_listen(p->b.host, &p->b.internal, &listener_ops, &p->b, NULL);
    assert_non_null(listener);
    connect_side(&p->a, &p->b);
    until(p, HP_S);
    assert_int_equal(p->a.connected, 2 * WIRE);
    assert_int_equal(p->b.connected, 3 * WIRE);
    assert_string_equal(state_of(&p->a, &p->b), "established");
    char text[HP_ADDR_TEXT];
    hp_addr seen = hp_tcp_remote(p->b.socket);
    assert_string_equal(hp_addr_format(&seen, text), "192.0.2.1:5000");

    uint8_t data[20000] = {0}, back[20000];
    assert_int_equal(hp_tcp_send(p->a.socket, data, sizeof data), sizeof data);
    until(p, 2 * HP_S);
    assert_int_equal(hp_tcp_recv(p->b.socket, back, sizeof back), sizeof back);
    hp_tcp_shutdown(p->a.socket);
    until(p, 3 * HP_S);
    assert_string_equal(state_of(&p->a, &p->b), "half-closed");
    hp_tcp_close(p->b.socket); /* FIN at 3 s, acknowledged at 3 s + WIRE */
    until(p, 4 * HP_S);
    assert_string_equal(state_of(&p->a, &p->b), "time-wait");
    hp_tcp_close(p->a.socket);
    until(p, 3 * HP_S + WIRE + 120 * HP_S - 1);
    assert_string_equal(state_of(&p->a, &p->b), "time-wait");
    until(p, 3 * HP_S + WIRE + 120 * HP_S);
    assert_string_equal(state_of(&p->a, &p->b), "closed");
    assert_int_equal(hp_nat_get_stats(p->a.nat).mappings, 0);
    assert_int_equal(count_drops(p->trace, HP_DROP_NAT_NO_MAPPING, NULL), 0);
    hp_tcp_listener_close(listener);
}

/* RFC 5382 REQ-2a and REQ-4, with the ends two seconds apart. */
static void simultaneous_open_where_early_syns_wait(void **state)
{
    const hp_nat_config *config = &hp_nat_preset_find("rfc4787-strict")->config;
    g_autoptr(pair) p = pair_new(config, config);
    connect_side(&p->a, &p->b);
    until(p, 2 * HP_S);
    connect_side(&p->b, &p->a);
    until(p, 20 * HP_S);
    assert_int_equal(p->b.connected, 2 * HP_S + 2 * WIRE);
    assert_int_equal(p->a.connected, 2 * HP_S + 3 * WIRE);
    assert_int_equal(p->a.closed, 0);
    assert_string_equal(state_of(&p->a, &p->b), "established");
    assert_string_equal(state_of(&p->b, &p->a), "established");
    assert_int_equal(hp_nat_get_stats(p->a.nat).mappings, 1);
    /* The SYN of 0 s waited until 2 s, its repetition at 1 s did not; nobody was told. */
    hp_record record;
    assert_int_equal(count_drops(p->trace, HP_DROP_NAT_NO_MAPPING, &record), 2);
    assert_int_equal(record.at, 2 * HP_S);
    hp_tcp_close(p->a.socket);
    hp_tcp_close(p->b.socket);
    until(p, 21 * HP_S);
    assert_string_equal(state_of(&p->a, &p->b), "time-wait");
    until(p, 300 * HP_S);
    assert_int_equal(hp_nat_get_stats(p->a.nat).mappings, 0);
    assert_int_equal(hp_nat_get_stats(p->b.nat).mappings, 0);
}

/* And where they are answered by a RST the first to come gives up (RFC 5382 section 4.3). */
static void early_syns_that_are_reset_end_the_attempt(void **state)
{
    const hp_nat_config *config = &hp_nat_preset_find("linux-netfilter")->config;
    g_autoptr(pair) p = pair_new(config, config);
    connect_side(&p->a, &p->b);
    until(p, 2 * HP_S);
    assert_int_equal(p->a.closed, 2 * WIRE);
    assert_string_equal(state_of(&p->a, &p->b), "closed");
    connect_side(&p->b, &p->a);
    until(p, 4 * HP_S);
    assert_int_equal(p->b.closed, 2 * HP_S + 2 * WIRE);
    assert_int_equal(p->a.connected, 0);
    assert_int_equal(p->b.connected, 0);
    hp_tcp_close(p->a.socket);
    hp_tcp_close(p->b.socket);
}

/* A reboot in the middle: netfilter picks the connection up, a strict NAT loses it. */
static void a_reboot_under_a_connection(void **state)
{
    for (unsigned loose = 0; loose < 2; loose++) {
        hp_nat_config c = hp_nat_preset_find("linux-netfilter")->config;
        if (!loose)
            c.tcp_stray = HP_NAT_STRAY_RST;
        g_autoptr(pair) p = pair_new(&c, NULL);
        hp_tcp_listener *listener = hp_tcp_listen(p->b.host, &p->b.internal, &listener_ops, &p->b, NULL);
        connect_side(&p->a, &p->b);
        until(p, HP_S);
        hp_nat_reboot(p->a.nat);
        assert_int_equal(hp_tcp_send(p->a.socket, "x", 1), 1);
        until(p, 2 * HP_S);
        assert_int_equal(p->a.closed, loose ? 0 : HP_S);
        assert_int_equal(hp_tcp_available(p->b.socket), loose);
        assert_string_equal(state_of(&p->a, &p->b), loose ? "established" : "closed");
        hp_tcp_abort(p->a.socket);
        hp_tcp_abort(p->b.socket);
        hp_tcp_listener_close(listener);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_from_birth_to_end),
        cmocka_unit_test(simultaneous_open_where_early_syns_wait),
        cmocka_unit_test(early_syns_that_are_reset_end_the_attempt),
        cmocka_unit_test(a_reboot_under_a_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
