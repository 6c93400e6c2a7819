/* A broker of the least: one port of 127.0.0.1 a client, the virtual world's broker behind it, everything in this
 * process. What it says to clients is said as hp_signaling_write_frame() has it. */
#ifndef TESTS_PROGRAMS_MINI_BROKER_H
#define TESTS_PROGRAMS_MINI_BROKER_H

#include "seam/live_net.h"

#include <libsoup/soup.h>

#include "actors/signaling.h"
#include "programs/signaling_client.h"

typedef struct mini_client {
    struct mini_broker *broker;
    const char *name;
    unsigned number;
    SoupServer *server;
    int port;
    SoupWebsocketConnection *connection;
} mini_client;

typedef struct mini_broker {
    hp_loop *loop;
    hp_signaling *signaling;
    GPtrArray *clients; /* of mini_client */
} mini_broker;

static inline void mini_on_signal(void *user, const char *from, bool own, uint64_t message, const char *json)
{
    const mini_client *c = user;
    g_autofree char *text = hp_signaling_write_frame(from, own, message, json);
    if (c->connection) {
        soup_websocket_connection_send_text(c->connection, text);
    }
}

static inline void mini_on_message(SoupWebsocketConnection *connection, gint type, GBytes *bytes, gpointer user)
{
    const mini_client *c = user;
    g_autofree char *json = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    hp_loop_advance(c->broker->loop);
    hp_signaling_send(c->broker->signaling, c->number, json);
}

static inline void mini_on_websocket(SoupServer *server, SoupServerMessage *message, const char *path,
                                     SoupWebsocketConnection *connection, gpointer user)
{
    mini_client *c = user;
    assert_string_equal(soup_websocket_connection_get_protocol(connection), HP_SIGNALING_PROTOCOL);
    assert_null(c->connection);
    c->connection = g_object_ref(connection);
    g_signal_connect(connection, "message", G_CALLBACK(mini_on_message), c);
}

static inline mini_broker *mini_broker_new(live_net *net)
{
    static const hp_signaling_config config = {.echo = true};
    mini_broker *b = g_new0(mini_broker, 1);
    b->loop = net->loop;
    b->signaling = hp_signaling_new(net->world, &config);
    b->clients = g_ptr_array_new();
    return b;
}

static inline mini_client *mini_broker_add(mini_broker *b, const char *name)
{
    static const char *const protocols[] = {HP_SIGNALING_PROTOCOL, NULL};
    mini_client *c = g_new0(mini_client, 1);
    c->broker = b;
    c->name = name;
    c->number = hp_signaling_join(b->signaling, name, mini_on_signal, c);
    c->server = soup_server_new(NULL, NULL);
    soup_server_add_websocket_handler(c->server, NULL, NULL, (char **)(void *)protocols, mini_on_websocket, c, NULL);
    assert_true(soup_server_listen_local(c->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
    GSList *uris = soup_server_get_uris(c->server);
    c->port = g_uri_get_port(uris->data);
    g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
    g_ptr_array_add(b->clients, c);
    return c;
}

static inline void mini_broker_hang_up(mini_client *c)
{
    if (c->connection) {
        g_signal_handlers_disconnect_by_data(c->connection, c);
        if (soup_websocket_connection_get_state(c->connection) == SOUP_WEBSOCKET_STATE_OPEN) {
            soup_websocket_connection_close(c->connection, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "bye");
        }
        g_clear_object(&c->connection);
    }
}

static inline void mini_broker_free(mini_broker *b)
{
    for (unsigned i = 0; i < b->clients->len; i++) {
        mini_client *c = b->clients->pdata[i];
        if (c->connection) {
            g_signal_handlers_disconnect_by_data(c->connection, c);
        }
        g_clear_object(&c->connection);
        soup_server_disconnect(c->server);
        g_object_unref(c->server);
        g_free(c);
    }
    g_ptr_array_unref(b->clients);
    hp_signaling_free(b->signaling);
    g_free(b);
}

/* Turns of the default context until the condition holds; fails when it never does. */
#define LIVE_UNTIL(net, condition)                                                                                     \
    do {                                                                                                               \
        g_autoptr(GSource) live_source = hp_loop_source((net)->loop);                                                  \
        g_source_attach(live_source, NULL);                                                                            \
        while (!(condition) && (net)->guard != 0) {                                                                    \
            g_main_context_iteration(NULL, TRUE);                                                                      \
        }                                                                                                              \
        g_source_destroy(live_source);                                                                                 \
        assert_true(condition);                                                                                        \
    } while (0)

#endif
