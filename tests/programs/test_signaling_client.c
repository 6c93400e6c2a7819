/* The client of a broker elsewhere: frames, and a WebSocket over loopback. */
#include "mini_broker.h"

static void test_frames(void **state)
{
    g_autofree char *text = hp_signaling_write_frame("alice", true, 7, "{\"a\":\n1}");
    assert_string_equal(text, "alice 1 7\n{\"a\":\n1}");
    g_autofree char *from = NULL;
    bool own = false;
    uint64_t message = 0;
    assert_string_equal(hp_signaling_read_frame(text, &from, &own, &message), "{\"a\":\n1}");
    assert_string_equal(from, "alice");
    assert_true(own);
    assert_int_equal(message, 7);
    g_autofree char *blank = NULL;
    assert_string_equal(hp_signaling_read_frame("a b 0 18446744073709551615\n", &blank, &own, &message), "");
    assert_string_equal(blank, "a b");
    assert_false(own);
    assert_true(message == UINT64_MAX);
}

static void test_numbers(void **state)
{
    static const char *const bad[] = {"", "{}", "7", "\n{}", "0\n{}", "x\n{}", "-7\n{}", "{\"a\":\n1}", "7 \n{}"};
    g_autofree char *text = hp_signaling_write_numbered(7, "{\"a\":\n1}");
    uint64_t message = 0;
    assert_string_equal(hp_signaling_read_numbered(text, &message), "{\"a\":\n1}");
    assert_int_equal(message, 7);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_null(hp_signaling_read_numbered(bad[i], &message));
    }
}

static void test_no_frames(void **state)
{
    static const char *const bad[] = {
        "",          "{}",       "alice 1 7",  "\n{}",     "1 7\n{}",    " 1 7\n{}", "a 2 7\n{}",
        "a 1 x\n{}", "a 1 \n{}", "a 10 7\n{}", "a1 7\n{}", "a 1 -7\n{}", "a  7\n{}", "a 1 1844674407370955161600\n{}"};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        char *from = NULL;
        bool own;
        uint64_t message;
        assert_null(hp_signaling_read_frame(bad[i], &from, &own, &message));
        assert_null(from);
    }
}

typedef struct heard {
    live_net *net;
    unsigned n_connected, n_lost, n;
    char why[160], from[32], json[256];
    bool own;
    uint64_t message;
    hp_time at, real;
} heard;

static void on_connected(void *user)
{
    ((heard *)user)->n_connected++;
}

static void on_lost(void *user, const char *why)
{
    heard *h = user;
    h->n_lost++;
    g_strlcpy(h->why, why, sizeof h->why);
}

static void on_signal(void *user, const char *from, bool own, uint64_t message, const char *json)
{
    heard *h = user;
    h->n++;
    h->own = own;
    h->message = message;
    h->at = hp_world_now(h->net->world);
    h->real = hp_live_clock_now(h->net->clock);
    g_strlcpy(h->from, from, sizeof h->from);
    g_strlcpy(h->json, json, sizeof h->json);
}

static const hp_signaling_client_ops ops = {.connected = on_connected, .lost = on_lost};

static void test_messages(void **state)
{
    NEEDS_NET();
    live_net *n = live_net_new();
    mini_broker *broker = mini_broker_new(n);
    heard at[2] = {{.net = n}, {.net = n}};
    hp_signaling_client *clients[2];
    unsigned member[2];
    for (unsigned i = 0; i < 2; i++) {
        const char *name = i == 0 ? "alice" : "bob";
        mini_client *c = mini_broker_add(broker, name);
        clients[i] = hp_signaling_client_new(n->loop, name, c->port, &ops, &at[i]);
        member[i] = hp_signaling_join(hp_signaling_client_signaling(clients[i]), name, on_signal, &at[i]);
    }
    LIVE_UNTIL(n, at[0].n_connected == 1 && at[1].n_connected == 1);
    hp_live_clock_begin(n->clock);
    hp_signaling_send(hp_signaling_client_signaling(clients[0]), member[0], "{\"type\":\"offer\"}");
    LIVE_UNTIL(n, at[0].n == 1 && at[1].n == 1);
    assert_string_equal(at[1].from, "alice");
    assert_string_equal(at[1].json, "{\"type\":\"offer\"}");
    assert_false(at[1].own);
    assert_true(at[0].own); /* the broker sends everything to everyone */
    assert_int_equal(at[0].message, at[1].message);
    assert_in_range(at[1].at, 1, at[1].real);

    /* Traced once, by the broker. */
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n_sent = 0;
    while (hp_trace_next(n->trace, &cursor, &r)) {
        n_sent += r.type == HP_RECORD_EVENT && r.event.kind == HP_EV_SIGNAL_SENT;
    }
    assert_int_equal(n_sent, 1);
    for (unsigned i = 0; i < 2; i++) {
        hp_signaling_client_free(clients[i]);
    }
    mini_broker_free(broker);
    live_net_free(n);
}

static char *last_text;

static void keep_text(SoupWebsocketConnection *connection, gint type, GBytes *bytes, gpointer user)
{
    g_free(last_text);
    last_text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* With a counter that all share, a message is traced where it is sent, at the time at which it is. */
static void test_messages_are_traced_where_they_are_sent(void **state)
{
    NEEDS_NET();
    live_net *n = live_net_new();
    mini_broker *broker = mini_broker_new(n);
    mini_client *c = mini_broker_add(broker, "alice");
    heard h = {.net = n};
    uint64_t last = 41;
    hp_signaling_client *client = hp_signaling_client_new(n->loop, "alice", c->port, &ops, &h);
    hp_signaling *signaling = hp_signaling_client_signaling(client);
    hp_signaling_share_numbers(signaling, &last);
    unsigned member = hp_signaling_join(signaling, "alice", on_signal, &h);
    LIVE_UNTIL(n, h.n_connected == 1 && c->connection);
    g_signal_handlers_disconnect_by_data(c->connection, c);
    g_signal_connect(c->connection, "message", G_CALLBACK(keep_text), c);
    hp_signaling_send(signaling, member, "{\"type\":\"offer\"}");
    assert_int_equal(last, 42);
    hp_trace_cursor cursor = {0};
    hp_record r;
    assert_true(hp_trace_next(n->trace, &cursor, &r));
    assert_int_equal(r.event.kind, HP_EV_SIGNAL_SENT);
    assert_int_equal(hp_record_u64(&r, "message"), 42);
    LIVE_UNTIL(n, last_text);
    assert_string_equal(last_text, "42\n{\"type\":\"offer\"}");
    g_clear_pointer(&last_text, g_free);
    hp_signaling_send(signaling, member, "{\"type\":\"hello\"}"); /* the broker's to refuse */
    LIVE_UNTIL(n, last_text);
    assert_string_equal(last_text, "{\"type\":\"hello\"}");
    assert_false(hp_trace_next(n->trace, &cursor, &r));
    g_clear_pointer(&last_text, g_free);
    hp_signaling_client_free(client);
    mini_broker_free(broker);
    live_net_free(n);
}

static void test_broker_goes_away(void **state)
{
    NEEDS_NET();
    live_net *n = live_net_new();
    mini_broker *broker = mini_broker_new(n);
    mini_client *c = mini_broker_add(broker, "alice");
    heard h = {.net = n};
    hp_signaling_client *client = hp_signaling_client_new(n->loop, "alice", c->port, &ops, &h);
    unsigned member = hp_signaling_join(hp_signaling_client_signaling(client), "alice", on_signal, &h);
    LIVE_UNTIL(n, h.n_connected == 1);
    mini_broker_hang_up(c);
    LIVE_UNTIL(n, h.n_lost == 1);
    assert_non_null(strstr(h.why, "bye"));
    hp_signaling_send(hp_signaling_client_signaling(client), member, "{}");
    hp_trace_cursor cursor = {0};
    hp_record r;
    assert_true(hp_trace_next(n->trace, &cursor, &r));
    assert_int_equal(r.event.kind, HP_EV_SIGNAL_DROPPED);
    hp_signaling_client_free(client);
    mini_broker_free(broker);
    live_net_free(n);
}

static void test_no_broker(void **state)
{
    NEEDS_NET();
    live_net *n = live_net_new();
    heard h = {.net = n};
    hp_signaling_client *client = hp_signaling_client_new(n->loop, "alice", 7880, &ops, &h);
    LIVE_UNTIL(n, h.n_lost == 1);
    assert_int_equal(h.n_connected, 0);
    assert_non_null(strstr(h.why, "no connection to the broker"));
    hp_signaling_client_free(client);
    /* and one that is freed before it is known */
    client = hp_signaling_client_new(n->loop, "alice", 7880, &ops, &h);
    hp_signaling_client_free(client);
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    assert_int_equal(h.n_lost, 1);
    live_net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_no_frames),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_broker_goes_away),
        cmocka_unit_test(test_no_broker),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_messages_are_traced_where_they_are_sent),
    };
    g_autoptr(GError) error = NULL;
    if (!hp_seam_start(NULL, &error)) {
        g_error("%s", error->message);
    }
    refusal = live_net_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
