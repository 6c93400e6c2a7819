/* The broker behind WebSockets: who is who by where a connection comes from, who replaces whom, what is lost. */
#include <libsoup/soup.h>
#include <sys/socket.h>
#include <unistd.h>

#include "double.h"
#include "programs/broker.h"
#include "programs/signaling_client.h"

static const char scenario[] = "name: t\nsignaling: {delay: 0}\nservers: {www: {kind: web, root: /tmp}}\n"
                               "peers: {alice: , bob: , carol: }\n";

enum { ALICE, BOB, CAROL, WWW, N_LISTENERS };

typedef struct setup {
    double_process *d;
    hp_program_listener listeners[N_LISTENERS];
    hp_program_shared shared[N_LISTENERS];
    int ports[N_LISTENERS];
    uint64_t messages; /* the last one's number, of the run */
    SoupSession *session;
} setup;

typedef struct client {
    SoupWebsocketConnection *socket;
    GString *heard;
    bool closed;
} client;

/* Each listener stands for a namespace: here they differ by their ports. */
static void listen_at(setup *s, unsigned i, hp_program_role role, unsigned index, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocket) socket = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, 0, &error);
    assert_true(socket && g_socket_bind(socket, any, TRUE, &error) && g_socket_listen(socket, &error));
    g_autoptr(GSocketAddress) local = g_socket_get_local_address(socket, NULL);
    s->ports[i] = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local));
    s->listeners[i] = (hp_program_listener){
        .fd = dup(g_socket_get_fd(socket)), .role = role, .index = index, .name = name, .shared = &s->shared[i]};
}

static int set_up(void **state)
{
    setup *s = g_new0(setup, 1);
    s->d = double_new(scenario, HP_PROGRAM_BROKER, 0);
    listen_at(s, ALICE, HP_PROGRAM_PEER, 0, "alice");
    listen_at(s, BOB, HP_PROGRAM_PEER, 1, "bob");
    listen_at(s, CAROL, HP_PROGRAM_PEER, 2, "carol");
    listen_at(s, WWW, HP_PROGRAM_SERVER, 0, "www");
    s->d->program.listeners = s->listeners;
    s->d->program.n_listeners = N_LISTENERS;
    s->d->program.messages = &s->messages;
    s->session = soup_session_new();
    g_autoptr(GError) error = NULL;
    s->d->program.self = hp_broker_program.start(&s->d->program, &error);
    assert_non_null(s->d->program.self);
    assert_string_equal(s->d->said->str, "ready;");
    hp_live_clock_begin(s->d->clock);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    setup *s = *state;
    hp_broker_program.free(s->d->program.self);
    g_object_unref(s->session);
    for (unsigned i = 0; i < N_LISTENERS; i++)
        close(s->listeners[i].fd);
    double_free(s->d);
    g_free(s);
    return 0;
}

static void on_text(SoupWebsocketConnection *socket, gint type, GBytes *message, gpointer user)
{
    client *c = user;
    g_string_append_printf(c->heard, "%s|", (const char *)g_bytes_get_data(message, NULL));
}

static void on_closed(SoupWebsocketConnection *socket, gpointer user)
{
    ((client *)user)->closed = true;
}

static void on_connected(GObject *session, GAsyncResult *result, gpointer user)
{
    *(SoupWebsocketConnection **)user = soup_session_websocket_connect_finish(SOUP_SESSION(session), result, NULL);
    assert_non_null(*(SoupWebsocketConnection **)user);
}

static client *connect_to(setup *s, unsigned listener, const char *path, const char *protocol)
{
    client *c = g_new0(client, 1);
    g_autofree char *uri = g_strdup_printf("ws://127.0.0.1:%d%s", s->ports[listener], path);
    g_autoptr(SoupMessage) message = soup_message_new("GET", uri);
    char *protocols[] = {(char *)protocol, NULL};
    c->heard = g_string_new(NULL);
    soup_session_websocket_connect_async(s->session, message, NULL, protocol ? protocols : NULL, G_PRIORITY_DEFAULT,
                                         NULL, on_connected, &c->socket);
    double_until(c->socket);
    g_signal_connect(c->socket, "message", G_CALLBACK(on_text), c);
    g_signal_connect(c->socket, "closed", G_CALLBACK(on_closed), c);
    return c;
}

static void hang_up(client *c)
{
    if (soup_websocket_connection_get_state(c->socket) == SOUP_WEBSOCKET_STATE_OPEN)
        soup_websocket_connection_close(c->socket, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
    double_until(c->closed);
    g_object_unref(c->socket);
    g_string_free(c->heard, TRUE);
    g_free(c);
}

static bool joined(const setup *s, unsigned i)
{
    return __atomic_load_n(&s->shared[i].joined, __ATOMIC_ACQUIRE) == 1;
}

static const char offer[] = "{\"id\":\"alice\",\"type\":\"offer\",\"sdp\":\"v=0\"}";
static const char answer[] = "{\"id\":\"bob\",\"type\":\"answer\",\"sdp\":\"v=0\"}";

static void a_client_is_who_it_comes_from(void **state)
{
    setup *s = *state;
    client *alice = connect_to(s, ALICE, "/", NULL), *bob = connect_to(s, BOB, "/", HP_SIGNALING_PROTOCOL);
    double_until(joined(s, ALICE) && joined(s, BOB));
    assert_false(joined(s, CAROL));
    soup_websocket_connection_send_text(alice->socket, offer);
    double_until(alice->heard->len > 0 && bob->heard->len > 0);
    soup_websocket_connection_send_text(bob->socket, answer);
    double_until(strchr(bob->heard->str, '|') != strrchr(bob->heard->str, '|'));
    double_until(strstr(alice->heard->str, "answer"));
    g_autofree char *plain = g_strdup_printf("%s|%s|", offer, answer);
    g_autofree char *framed = g_strdup_printf("alice 0 1\n%s|bob 1 2\n%s|", offer, answer);
    assert_string_equal(alice->heard->str, plain);
    assert_string_equal(bob->heard->str, framed);
    assert_told(s->d->program.trace, HP_EV_SIGNAL_SENT, "type", "alice offer;bob answer;");
    assert_told(s->d->program.trace, HP_EV_SIGNAL_DROPPED, "reason", "alice away;bob away;"); /* for carol */
    hang_up(alice);
    hang_up(bob);
    double_until(!joined(s, ALICE) && !joined(s, BOB));
}

/* Who numbers its messages has traced them as sent; the numbers of others come from the same counter. */
static void a_client_may_number_its_messages(void **state)
{
    setup *s = *state;
    client *alice = connect_to(s, ALICE, "/", HP_SIGNALING_PROTOCOL), *bob = connect_to(s, BOB, "/", NULL);
    double_until(joined(s, ALICE) && joined(s, BOB));
    s->messages = 7;
    g_autofree char *numbered = hp_signaling_write_numbered(7, offer);
    soup_websocket_connection_send_text(alice->socket, numbered);
    double_until(bob->heard->len > 0 && alice->heard->len > 0);
    assert_told(s->d->program.trace, HP_EV_SIGNAL_SENT, "type", "");
    soup_websocket_connection_send_text(bob->socket, numbered); /* a plain client's is no JSON */
    soup_websocket_connection_send_text(alice->socket, "9\n{}"); /* and a number makes no message of what is none */
    soup_websocket_connection_send_text(bob->socket, answer);
    double_until(strstr(alice->heard->str, "answer"));
    g_autofree char *framed = g_strdup_printf("alice 1 7\n%s|bob 0 8\n%s|", offer, answer);
    assert_string_equal(alice->heard->str, framed);
    assert_told(s->d->program.trace, HP_EV_SIGNAL_SENT, "type", "bob ?;bob answer;");
    g_autofree char *dropped = double_events(s->d->program.trace, HP_EV_SIGNAL_DROPPED, "reason");
    assert_non_null(strstr(dropped, "bob a signalling message"));
    hang_up(alice);
    hang_up(bob);
}

static void a_new_connection_takes_the_place_of_the_former(void **state)
{
    setup *s = *state;
    client *old = connect_to(s, ALICE, "/", NULL), *new = connect_to(s, ALICE, "/", NULL);
    double_until(old->closed);
    assert_int_equal(soup_websocket_connection_get_close_code(old->socket), SOUP_WEBSOCKET_CLOSE_GOING_AWAY);
    assert_true(joined(s, ALICE));
    soup_websocket_connection_send_text(new->socket, offer);
    double_until(new->heard->len > 0);
    assert_string_equal(old->heard->str, "");
    hang_up(old);
    assert_true(joined(s, ALICE));
    hang_up(new);
    double_until(!joined(s, ALICE));
}

static void what_is_no_message_costs_itself_alone(void **state)
{
    setup *s = *state;
    client *alice = connect_to(s, ALICE, "/", NULL);
    g_autofree char *deep = g_strnfill(200000, '[');
    soup_websocket_connection_send_text(alice->socket, "no JSON");
    soup_websocket_connection_send_text(alice->socket, "{\"type\":\"hello\"}");
    soup_websocket_connection_send_text(alice->socket, deep);
    soup_websocket_connection_send_binary(alice->socket, "x", 1);
    soup_websocket_connection_send_text(alice->socket, offer);
    double_until(alice->heard->len > 0);
    g_autofree char *dropped = double_events(s->d->program.trace, HP_EV_SIGNAL_DROPPED, "reason");
    assert_non_null(strstr(dropped, "no JSON"));
    assert_non_null(strstr(dropped, "type hello"));
    assert_non_null(strstr(dropped, "nests deeper"));
    assert_non_null(strstr(dropped, "a binary message"));
    hang_up(alice);
}

static void a_web_server_says_whose_page_it_is(void **state)
{
    setup *s = *state;
    client *page = connect_to(s, WWW, "/as/carol", NULL), *guest = connect_to(s, WWW, "/", NULL);
    client *second = connect_to(s, WWW, "/", NULL), *nobody = connect_to(s, WWW, "/as/zoe", NULL);
    double_until(joined(s, CAROL));
    double_until(nobody->closed);
    soup_websocket_connection_send_text(guest->socket, offer);
    double_until(page->heard->len > 0 && guest->heard->len > 0 && second->heard->len > 0);
    assert_told(s->d->program.trace, HP_EV_SIGNAL_SENT, "type", "www/1 offer;");
    assert_told(s->d->program.trace, HP_EV_SIGNAL_RECEIVED, "from", "carol www/1;www/1 www/1;www/2 www/1;");
    hang_up(page);
    hang_up(guest);
    hang_up(second);
    hang_up(nobody);
}

static void set_signaling_is_carried_out(void **state)
{
    setup *s = *state;
    const hp_step step = {.kind = HP_STEP_SET_SIGNALING, .signaling = {.echo = false}};
    client *alice = connect_to(s, ALICE, "/", NULL), *bob = connect_to(s, BOB, "/", NULL);
    hp_broker_program.step(s->d->program.self, &step, 0);
    soup_websocket_connection_send_text(alice->socket, offer);
    double_until(bob->heard->len > 0);
    assert_string_equal(alice->heard->str, "");
    hp_broker_program.finish(s->d->program.self);
    assert_string_equal(s->d->said->str, "ready;finished;");
    hang_up(alice);
    hang_up(bob);
}

/* Whoever never stops is named, and costs the others nothing. */
static void a_flood_fails_the_run(void **state)
{
    setup *s = *state;
    client *alice = connect_to(s, 0, "/", NULL), *bob = connect_to(s, 1, "/", NULL);
    g_autofree char *much = g_strnfill(1 << 20, ' ');
    for (unsigned i = 0; i <= 64; i++)
        soup_websocket_connection_send_binary(alice->socket, much, 1 << 20);
    double_until(strstr(s->d->said->str, "failed: "));
    assert_string_equal(s->d->said->str, "ready;failed: alice has sent more than 64 MiB of signalling in one run;");
    soup_websocket_connection_send_text(alice->socket, offer);
    soup_websocket_connection_send_text(bob->socket, answer);
    double_until(alice->heard->len > 0);
    assert_null(strstr(bob->heard->str, "offer"));
    hang_up(alice);
    hang_up(bob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_client_is_who_it_comes_from, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_may_number_its_messages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_connection_takes_the_place_of_the_former, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_message_costs_itself_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_web_server_says_whose_page_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(set_signaling_is_carried_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_fails_the_run, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
