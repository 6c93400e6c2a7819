/* TCP sockets of a host: listeners, ports, segments for nobody, many connections, callbacks, hosts without a link. */
#include "tcp_rig.h"

#include "base/error.h"
#include "wire/claimed_ports.h"

/* ---- listeners and ports ---- */

static void assert_refused_to(GError *error, hp_error_code code, const char *word)
{
    assert_true(g_error_matches(error, HP_ERROR, (int)code));
    assert_non_null(strstr(error->message, word));
    g_error_free(error);
}

static void refuse_listen(hp_host *host, const char *local, const char *word)
{
    hp_addr a = addr(local);
    GError *error = NULL;
    assert_null(hp_tcp_listen(host, &a, &listener_ops, NULL, &error));
    assert_refused_to(error, HP_ERROR_INVALID, word);
}

static void refuse_connect(hp_host *host, const char *local, const char *remote, const char *word)
{
    hp_addr from = addr(local), to = addr(remote);
    GError *error = NULL;
    assert_null(hp_tcp_connect(host, &from, &to, &end_ops, NULL, &error));
    assert_refused_to(error, HP_ERROR_INVALID, word);
}

static void test_listeners_exclude_each_other(void **state)
{
    rig *r = rig_new(NULL, NULL);
    hp_addr second = addr("192.0.2.22");
    hp_host_add_address(r->b, 0, &second);
    end one;
    end_init(&one, r);
    hp_tcp_listener *l = rig_listen(&one, r->b, BOB ":80");
    refuse_listen(r->b, BOB ":80", "192.0.2.2:80");
    refuse_listen(r->b, "0.0.0.0:80", "listens");
    refuse_listen(r->b, "192.0.2.99:80", "bob has no address 192.0.2.99");
    hp_tcp_listener *other = rig_listen(&one, r->b, "192.0.2.22:80");
    hp_tcp_listener *any = rig_listen(&one, r->b, "0.0.0.0:81");
    refuse_listen(r->b, BOB ":81", "listens");
    rig_listen(&one, r->b, "[::]:81"); /* another family */
    hp_tcp_listener_close(l);
    hp_tcp_listener_close(other);
    hp_tcp_listener_close(NULL);
    rig_listen(&one, r->b, "0.0.0.0:80");
    assert_int_equal(hp_tcp_listener_local(any).port, 81);
    assert_ptr_equal(hp_tcp_listener_host(any), r->b);
    /* A wildcard takes connections at every address of the host. */
    end client;
    end_init(&client, r);
    rig_connect_from(&client, r->a, NULL, "192.0.2.22:80");
    rig_until(r, HP_S);
    assert_int_equal(client.connected, 1);
    hp_addr at = hp_tcp_local(one.socket);
    assert_true(hp_addr_same_ip(&at, &second));
    end_clear(&client);
    end_clear(&one);
    rig_free(r);
}

/* ICE-TCP listens and connects at one port, to several remotes; only the four numbers are one connection's alone. */
static void test_ports_are_shared(void **state)
{
    rig *r = rig_new(NULL, NULL);
    end s1, s2, s3, c1, c2, c3;
    end_init(&s1, r);
    end_init(&s2, r);
    end_init(&s3, r);
    end_init(&c1, r);
    end_init(&c2, r);
    end_init(&c3, r);
    rig_listen(&s1, r->b, BOB ":80");
    rig_listen(&s2, r->b, BOB ":81");
    rig_listen(&s3, r->a, ALICE ":5000");
    rig_connect_from(&c1, r->a, ALICE ":5000", BOB ":80");
    rig_connect_from(&c2, r->a, ALICE ":5000", BOB ":81");
    refuse_connect(r->a, ALICE ":5000", BOB ":80", "already");
    rig_connect_from(&c3, r->b, NULL, ALICE ":5000");
    rig_until(r, HP_S);
    assert_int_equal(c1.connected + c2.connected + c3.connected, 3);
    assert_int_equal(hp_tcp_n_connections(r->a), 3);
    say(&c1, "1");
    say(&c2, "2");
    say(&c3, "3");
    rig_until(r, 2 * HP_S);
    assert_got(&s1, "1", 1);
    assert_got(&s2, "2", 1);
    assert_got(&s3, "3", 1);
    end *all[] = {&s1, &s2, &s3, &c1, &c2, &c3};
    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        end_clear(all[i]);
    }
    rig_free(r);
}

static void test_connects_that_cannot_be(void **state)
{
    rig *r = rig_new(NULL, NULL);
    refuse_connect(r->a, "192.0.2.99", SERVER, "no address");
    refuse_connect(r->a, ALICE, BOB, "cannot connect");
    refuse_connect(r->a, ALICE, "0.0.0.0:80", "cannot connect");
    refuse_connect(r->a, ALICE, "224.0.0.1:80", "cannot connect");
    refuse_connect(r->a, ALICE, "[2001:db8::1]:80", "family");
    refuse_connect(r->a, "::", "[2001:db8::1]:80", "no interface");
    hp_host_set_interface_up(r->a, 0, false);
    refuse_connect(r->a, "0.0.0.0", SERVER, "no interface");
    assert_int_equal(hp_trace_n_packets(r->trace), 0);
    assert_int_equal(hp_tcp_n_connections(r->a), 0);
    rig_free(r);
}

static void test_ephemeral_ports(void **state)
{
    rig *r = rig_new_full(1, NULL, NULL, false);
    static bool seen[65536];
    memset(seen, 0, sizeof seen);
    hp_addr local = addr(ALICE), got = {0}, first = {0};
    unsigned n = 0;
    GError *error = NULL;
    while (hp_tcp_reserve(r->a, &local, &got, &error)) {
        assert_in_range(got.port, 49152, 65535);
        assert_false(seen[got.port]);
        assert_false(hp_port_is_claimed(got.port));
        seen[got.port] = true;
        first = n++ == 0 ? got : first;
    }
    assert_refused_to(error, HP_ERROR_LIMIT, "ephemeral");
    assert_in_range(n, 16300, 16384);
    hp_addr to = addr(SERVER);
    error = NULL;
    assert_null(hp_tcp_connect(r->a, &local, &to, &end_ops, NULL, &error));
    assert_refused_to(error, HP_ERROR_LIMIT, "ephemeral");
    /* A reserved port can be connected from, and comes back. */
    end client;
    end_init(&client, r);
    client.socket = hp_tcp_connect(r->a, &first, &to, &end_ops, &client, NULL);
    assert_non_null(client.socket);
    hp_tcp_abort(client.socket);
    hp_tcp_release(r->a, &first);
    assert_true(hp_tcp_reserve(r->a, &local, &got, NULL));
    assert_int_equal(got.port, first.port);
    end_clear(&client);
    rig_free(r);
}

static void test_a_listener_closes(void **state)
{
    rig *r = rig_new(NULL, NULL);
    end client, server;
    end_init(&client, r);
    end_init(&server, r);
    hp_tcp_listener *l = rig_listen(&server, r->b, SERVER);
    rig_connect_from(&client, r->a, ALICE ":50000", SERVER);
    rig_until(r, 30 * HP_MS);
    hp_tcp_listener_close(l); /* half open: reset */
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "0ns alice SYN 0\n"
                                     "20ms bob SYN,ACK 0/1\n"
                                     "30ms bob RST,ACK 1/1\n"
                                     "40ms alice ACK 1/1\n"
                                     "60ms bob RST 1\n");
    assert_int_equal(client.closed, 1);
    assert_reason(&client, "reset");
    assert_int_equal(hp_tcp_n_connections(r->b), 0);
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

/* ---- what is not TCP as it should be ---- */

static hp_packet *tcp_packet(rig *r, const char *from, const char *to, const hp_tcp_header *h)
{
    uint8_t bytes[HP_TCP_HEADER_ROOM];
    hp_addr src = addr(from), dst = addr(to);
    hp_packet *p = hp_packet_new(HP_PROTO_TCP, &src, &dst, bytes, hp_tcp_write(h, bytes, sizeof bytes));
    p->uid = hp_world_new_uid(r->world);
    return p;
}

static void test_segments_for_nobody(void **state)
{
    static const struct {
        uint8_t flags;
        const char *answer;
    } cases[] = {{HP_TCP_SYN, "0ns bob RST,ACK 0/701\n"},
                 {HP_TCP_FIN, "0ns bob RST,ACK 0/701\n"},
                 {HP_TCP_SYN | HP_TCP_ACK, "0ns bob RST 33\n"},
                 {HP_TCP_ACK, "0ns bob RST 33\n"},
                 {HP_TCP_RST | HP_TCP_ACK, ""},
                 {0, "0ns bob RST,ACK 0/700\n"}};
    /* At a host without TCP, at a port that nobody listens at, at a listener (which takes the SYN). */
    for (unsigned where = 0; where < 3; where++) {
        for (unsigned i = where == 2 ? 1 : 0; i < G_N_ELEMENTS(cases); i++) {
            rig *r = rig_new(NULL, NULL);
            end server;
            end_init(&server, r);
            if (where > 0) {
                rig_listen(&server, r->b, where == 1 ? BOB ":81" : SERVER);
            }
            bool ignored = where == 2 && (cases[i].flags == HP_TCP_FIN || cases[i].flags == 0);
            hp_tcp_header h = {.seq = 700, .ack = 33, .flags = cases[i].flags};
            give(hp_host_node(r->b), 0, tcp_packet(r, ALICE ":1000", SERVER, &h));
            assert_string_equal(rig_said(r), ignored ? "" : cases[i].answer);
            assert_int_equal(count_drops(r->trace, HP_DROP_NO_SOCKET, NULL), 1);
            assert_int_equal(hp_tcp_n_connections(r->b), 0);
            end_clear(&server);
            rig_free(r);
        }
    }
}

static void test_malformed_segments_are_dropped(void **state)
{
    rig *r = rig_new(NULL, NULL);
    end client, server;
    rig_pair(r, &client, &server);
    rig_until(r, HP_S);
    rig_said(r);
    hp_tcp_header h = {.flags = HP_TCP_RST, .mss = 1};
    hp_packet *p = tcp_packet(r, ALICE ":50000", SERVER, &h);
    p->payload[17] = 0; /* the option's length */
    give(hp_host_node(r->b), 0, p);
    hp_record drop = {0};
    assert_int_equal(count_drops(r->trace, HP_DROP_MALFORMED, &drop), 1);
    assert_string_equal(drop.drop.detail, "not a well-formed TCP segment");
    p = tcp_packet(r, ALICE ":50000", SERVER, &h);
    p->corrupt = true;
    give(hp_host_node(r->b), 0, p);
    assert_int_equal(count_drops(r->trace, HP_DROP_CORRUPT, NULL), 1);
    assert_string_equal(rig_said(r), "");
    assert_state(&server, "ESTABLISHED");
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

static void count_other(void *user, hp_host *host, const hp_packet *p)
{
    ++*(unsigned *)user;
}

/* Who looks at everything sees TCP too, until the host itself uses it. */
static void test_who_sees_segments(void **state)
{
    rig *r = rig_new(NULL, NULL);
    unsigned n = 0;
    hp_host_set_other(r->b, count_other, &n);
    hp_tcp_header h = {.flags = HP_TCP_SYN};
    give(hp_host_node(r->b), 0, tcp_packet(r, ALICE ":1000", SERVER, &h));
    assert_int_equal(n, 1);
    assert_string_equal(rig_said(r), "");
    end server;
    end_init(&server, r);
    hp_tcp_listener *l = rig_listen(&server, r->b, BOB ":81");
    give(hp_host_node(r->b), 0, tcp_packet(r, ALICE ":1000", SERVER, &h));
    assert_int_equal(n, 1);
    assert_string_equal(rig_said(r), "0ns bob RST,ACK 0/1\n");
    hp_tcp_listener_close(l);
    give(hp_host_node(r->b), 0, tcp_packet(r, ALICE ":1000", SERVER, &h));
    assert_int_equal(n, 2);
    end_clear(&server);
    rig_free(r);
}

/* A flood of SYNs fills the backlog; what is beyond is dropped, and there is room again when they are forgotten. */
static void test_the_backlog(void **state)
{
    rig *r = rig_new(NULL, NULL);
    end server;
    end_init(&server, r);
    rig_listen(&server, r->b, SERVER);
    hp_tcp_header h = {.flags = HP_TCP_SYN, .window = 1000};
    for (unsigned i = 0; i < HP_TCP_BACKLOG + 10; i++) {
        hp_packet *p = tcp_packet(r, "203.0.113.9:1", SERVER, &h);
        p->src.port = (uint16_t)(1024 + i);
        give(hp_host_node(r->b), 0, p);
    }
    assert_int_equal(hp_tcp_n_connections(r->b), HP_TCP_BACKLOG);
    assert_int_equal(count_drops(r->trace, HP_DROP_RECV_BUFFER, NULL), 10);
    rig_until(r, 63 * HP_S);
    assert_int_equal(hp_tcp_n_connections(r->b), 0);
    end client;
    end_init(&client, r);
    rig_connect_from(&client, r->a, NULL, SERVER);
    rig_until(r, 64 * HP_S);
    assert_int_equal(client.connected, 1);
    assert_ptr_equal(hp_tcp_host(client.socket), r->a);
    assert_int_equal(hp_tcp_get_end(client.socket), HP_TCP_END_NONE);
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

/* ---- many ---- */

enum { MANY = 200 };

typedef struct crowd {
    rig *r;
    end servers[MANY];
    unsigned n;
} crowd;

static void crowd_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    crowd *c = user;
    end *e = &c->servers[c->n++];
    end_init(e, c->r);
    e->socket = socket;
    e->echo = true;
    hp_tcp_set_ops(socket, &end_ops, e);
}

static void test_two_hundred_connections(void **state)
{
    static const hp_tcp_listener_ops ops = {.accepted = crowd_accepted};
    g_autofree crowd *c = g_new0(crowd, 1);
    rig *r = c->r = rig_new(NULL, NULL);
    g_autofree end *clients = g_new0(end, MANY);
    hp_addr at = addr(SERVER);
    assert_non_null(hp_tcp_listen(r->b, &at, &ops, c, NULL));
    for (unsigned i = 0; i < MANY; i++) {
        end_init(&clients[i], r);
        rig_connect_from(&clients[i], r->a, NULL, SERVER);
        g_autofree char *text = g_strdup_printf("I am number %u", i);
        say(&clients[i], text);
    }
    rig_until(r, HP_S);
    assert_int_equal(c->n, MANY);
    assert_int_equal(hp_tcp_n_connections(r->a), MANY);
    assert_int_equal(hp_tcp_n_connections(r->b), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        g_autofree char *text = g_strdup_printf("I am number %u", i);
        assert_got(&clients[i], text, strlen(text));
        hp_tcp_close(clients[i].socket);
    }
    rig_until(r, 2 * HP_S);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(hp_tcp_at_eof(c->servers[i].socket));
        hp_tcp_close(c->servers[i].socket);
    }
    rig_until(r, 3 * HP_S);
    assert_int_equal(hp_tcp_n_connections(r->b), 0);
    assert_int_equal(hp_tcp_n_connections(r->a), MANY); /* TIME-WAIT */
    rig_until(r, 63 * HP_S);
    assert_int_equal(hp_tcp_n_connections(r->a), 0);
    for (unsigned i = 0; i < MANY; i++) {
        end_clear(&clients[i]);
        end_clear(&c->servers[i]);
    }
    rig_free(r);
}

/* ---- callbacks that close ---- */

static void close_in_connected(void *user, hp_tcp_socket *socket)
{
    end *e = user;
    e->connected++;
    hp_tcp_close(socket);
}

static void abort_in_readable(void *user, hp_tcp_socket *socket)
{
    end *e = user;
    e->readable++;
    hp_tcp_abort(socket);
}

static void test_callbacks_may_close(void **state)
{
    static const hp_tcp_ops closing = {.connected = close_in_connected, .closed = end_closed};
    static const hp_tcp_ops aborting = {.readable = abort_in_readable, .closed = end_closed};
    end c, s;
    rig *r = rig_new(NULL, NULL);
    rig_pair(r, &c, &s);
    hp_tcp_set_ops(c.socket, &closing, &c);
    rig_until(r, HP_S);
    assert_int_equal(c.connected, 1);
    assert_int_equal(c.closed, 0);
    assert_string_equal(rig_said(r), "0ns alice SYN 0\n"
                                     "20ms bob SYN,ACK 0/1\n"
                                     "40ms alice FIN,ACK 1/1\n"
                                     "60ms bob ACK 1/2\n");
    finish(r, &c, &s);

    r = established(NULL, NULL, &c, &s);
    hp_tcp_set_ops(s.socket, &aborting, &s);
    say(&c, "go away");
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 7\n"
                                     "120ms bob RST,ACK 1/8\n");
    assert_int_equal(s.closed, 0);
    assert_reason(&c, "reset");
    assert_int_equal(hp_tcp_n_connections(r->b), 0);
    finish(r, &c, &s);
}

/* Two hosts with nothing in between answer each other within one call; nothing nests all the same. */
static void test_hosts_without_a_link(void **state)
{
    rig *r = rig_new(NULL, NULL);
    hp_node_connect(hp_host_node(r->a), 0, hp_host_node(r->b), 0);
    hp_node_connect(hp_host_node(r->b), 0, hp_host_node(r->a), 0);
    end c, s;
    rig_pair(r, &c, &s);
    s.echo = true;
    s.close_on_eof = true;
    g_autofree uint8_t *bytes = some_bytes(100000);
    c.to_send = bytes;
    c.left = 100000;
    end_pump(&c);
    rig_until(r, HP_S);
    assert_got(&c, bytes, 100000);
    hp_tcp_close(c.socket);
    rig_until(r, 2 * HP_S);
    assert_null(s.socket);
    assert_int_equal(hp_tcp_n_connections(r->b), 0);
    finish(r, &c, &s);
}

/* A host connects to itself, to a listener and, as four numbers that are two, to its own SYN. */
static void test_a_host_connects_to_itself(void **state)
{
    rig *r = rig_new(NULL, NULL);
    end c, s, self;
    end_init(&c, r);
    end_init(&s, r);
    end_init(&self, r);
    rig_listen(&s, r->a, ALICE ":80");
    s.echo = true;
    rig_connect_from(&c, r->a, NULL, ALICE ":80");
    assert_int_equal(c.connected, 0); /* not within the call */
    say(&c, "me");
    rig_connect_from(&self, r->a, ALICE ":99", ALICE ":99");
    say(&self, "myself");
    rig_until(r, HP_S);
    assert_got(&c, "me", 2);
    assert_got(&self, "myself", 6);
    assert_int_equal(self.connected, 1);
    end_clear(&self);
    finish(r, &c, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listeners_exclude_each_other),
        cmocka_unit_test(test_ports_are_shared),
        cmocka_unit_test(test_connects_that_cannot_be),
        cmocka_unit_test(test_ephemeral_ports),
        cmocka_unit_test(test_a_listener_closes),
        cmocka_unit_test(test_segments_for_nobody),
        cmocka_unit_test(test_malformed_segments_are_dropped),
        cmocka_unit_test(test_who_sees_segments),
        cmocka_unit_test(test_the_backlog),
        cmocka_unit_test(test_two_hundred_connections),
        cmocka_unit_test(test_callbacks_may_close),
        cmocka_unit_test(test_hosts_without_a_link),
        cmocka_unit_test(test_a_host_connects_to_itself),
    };
    return cmocka_run_group_tests_name("tcp_socket", tests, NULL, NULL);
}
