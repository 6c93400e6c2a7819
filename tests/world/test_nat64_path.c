/* Real hosts across a NAT64: TCP that finds the MTU of the IPv6 side by errors that change their family, and a phone
 * with a CLAT that does the same from the other end. */
#include "world/clat.h"
#include "world/link.h"
#include "world/nat64_rig.h"
#include "world/tcp.h"

enum { BYTES = 28000, NARROW = 1280 };
#define WIRE (10 * HP_MS)
#define CLIENT6 "2001:db8:1::2"
#define CLIENT4 "192.0.0.2"

typedef struct path {
    hp_trace *trace;
    hp_world *world;
    hp_host *client, *server;
    hp_nat *nat;
    hp_tcp_socket *sender, *receiver; /* the accepted one sends, or the other way round */
    hp_link *narrow_in, *narrow_out; /* between the NAT64 and the client */
} path;

static void on_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    ((path *)user)->sender = socket;
}

static const hp_tcp_listener_ops listener_ops = {.accepted = on_accepted};
static const hp_tcp_ops client_ops = {0};

/* One direction; errors of the link come back to where the packet came from. */
static hp_link *wire(path *p, const char *name, hp_node *from, unsigned out, hp_node *to, unsigned in, uint32_t mtu)
{
    static const char *const router[] = {"198.51.100.254", "2001:db8:1::fe"};
    hp_addr v4 = addr(router[0]), v6 = addr(router[1]);
    hp_link *link = hp_link_new(p->world, name, &(hp_link_config){.delay_ns = WIRE, .mtu = mtu});
    hp_link_set_router_address(link, &v4, &v6);
    hp_node_connect(from, out, hp_link_node(link), 0);
    hp_node_connect(hp_link_node(link), 0, to, in);
    hp_node_connect(hp_link_node(link), 1, from, out);
    return link;
}

static path *path_new(bool clat)
{
    path *p = g_new0(path, 1);
    hp_nat_config c = nat64_config();
    hp_addr external = addr("192.0.2.1"), server = addr("198.51.100.1"), own = addr("2001:db8:1::1");
    hp_addr client6 = addr(CLIENT6), client4 = addr(CLIENT4);
    p->trace = hp_trace_new(NULL);
    p->world = hp_world_new(1, p->trace);
    p->nat = hp_nat_new(p->world, "home", &c);
    hp_nat_set_external(p->nat, &external, 1);
    hp_nat_set_internal(p->nat, &own);
    p->client = hp_host_new(p->world, "client");
    p->server = hp_host_new(p->world, "server");
    hp_host_add_interface(p->client, NULL, 0);
    hp_host_add_interface(p->server, NULL, 0);
    hp_host_add_address(p->client, 0, &client6);
    hp_host_add_address(p->server, 0, &server);
    hp_node *near = hp_host_node(p->client), *nat = hp_nat_node(p->nat);
    if (clat) {
        hp_clat_config config = {.host4 = client4, .own4 = addr("192.0.0.1"), .source6 = addr("2001:db8:1::c")};
        assert_true(hp_prefix_parse("64:ff9b::/96", &config.pref64));
        hp_host_add_address(p->client, 0, &client4);
        near = hp_clat_node(hp_clat_new(p->world, "clat", &config));
        hp_node_connect(hp_host_node(p->client), 0, near, HP_CLAT_HOST);
        hp_node_connect(near, HP_CLAT_HOST, hp_host_node(p->client), 0);
    }
    unsigned port = clat ? HP_CLAT_NETWORK : 0;
    p->narrow_out = wire(p, "up", near, port, nat, HP_NAT_INSIDE, NARROW);
    p->narrow_in = wire(p, "down", nat, HP_NAT_INSIDE, near, port, NARROW);
    wire(p, "out", nat, HP_NAT_OUTSIDE, hp_host_node(p->server), 0, 1500);
    wire(p, "back", hp_host_node(p->server), 0, nat, HP_NAT_OUTSIDE, 1500);
    hp_addr listen = addr("198.51.100.1:80");
    assert_non_null(hp_tcp_listen(p->server, &listen, &listener_ops, p, NULL));
    hp_addr remote = clat ? listen : addr("[64:ff9b::c633:6401]:80");
    p->receiver = hp_tcp_connect(p->client, NULL, &remote, &client_ops, p, NULL);
    assert_non_null(p->receiver);
    assert_true(hp_world_run_until(p->world, HP_S, NULL));
    assert_non_null(p->sender);
    return p;
}

static void path_free(path *p)
{
    hp_world_free(p->world);
    hp_trace_free(p->trace);
    g_free(p);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(path, path_free)

static void send_over(path *p, hp_tcp_socket *from, hp_tcp_socket *to)
{
    static uint8_t data[BYTES], got[BYTES];
    for (unsigned i = 0; i < BYTES; i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    assert_int_equal(hp_tcp_send(from, data, BYTES), BYTES);
    assert_true(hp_world_run_until(p->world, hp_world_now(p->world) + 30 * HP_S, NULL));
    assert_int_equal(hp_tcp_recv(to, got, BYTES), BYTES);
    assert_memory_equal(data, got, BYTES);
}

/* A link of 1280 bytes beyond the NAT64 is one of 1260 to an IPv4 server: 1220 bytes of TCP in both families. */
static void the_server_finds_the_mtu(void **state)
{
    g_autoptr(path) p = path_new(false);
    hp_addr seen = hp_tcp_remote(p->sender), client = addr("192.0.2.1");
    assert_true(hp_addr_same_ip(&seen, &client));
    assert_int_equal(hp_tcp_get_stats(p->sender).mss, 1440); /* what the client said it takes */
    send_over(p, p->sender, p->receiver);
    assert_int_equal(hp_tcp_get_stats(p->sender).mss, 1220);
    assert_true(hp_link_get_stats(p->narrow_in).too_big > 0);
}

/* The other way it is the client that learns it, as 1280, or behind a CLAT as 1260. */
static void the_client_finds_the_mtu(void **state)
{
    for (unsigned clat = 0; clat < 2; clat++) {
        g_autoptr(path) p = path_new(clat);
        assert_int_equal(hp_tcp_get_stats(p->receiver).mss, clat ? 1460 : 1440);
        send_over(p, p->receiver, p->sender);
        assert_int_equal(hp_tcp_get_stats(p->receiver).mss, 1220);
        assert_true(hp_link_get_stats(p->narrow_out).too_big > 0);
        send_over(p, p->sender, p->receiver);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_finds_the_mtu),
        cmocka_unit_test(the_client_finds_the_mtu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
