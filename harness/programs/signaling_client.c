/* A client of the broker in another process.
 *
 * One WebSocket (libsoup) to 127.0.0.1:PORT of the namespace that this process is in; the broker knows the client by the
 * namespace it comes from. A frame's first line says what the JSON cannot: who sent it, whether that was this client,
 * and the message's number. A name has no blanks or line ends in it (the scenario's loader sees to that), but it is read
 * from the right all the same.
 *
 * libsoup calls from GLib's default context, between the turns of the loop: each callback brings the world to the
 * present first. What is sent while there is no connection is lost, and traced as such, because no broker will.
 *
 * Limits: a frame that is no such frame, or no text, is passed over; a broker that is gone is not looked for again. */
#include "programs/signaling_client.h"

#include <gio/gio.h>
#include <libsoup/soup.h>
#include <string.h>

#include "programs/soup.h"

enum { MAX_FRAME = 16 << 20 };

struct hp_signaling_client {
    hp_loop *loop;
    hp_world *world;
    const char *name;
    hp_signaling *signaling;
    const hp_signaling_client_ops *ops;
    void *user;
    GCancellable *cancel;
    SoupSession *session;
    SoupWebsocketConnection *connection; /* NULL: not yet, or no more */
};

/* ---- frames ---- */

char *hp_signaling_write_frame(const char *from, bool own, uint64_t message, const char *json)
{
    return g_strdup_printf("%s %d %" G_GUINT64_FORMAT "\n%s", from, own, message, json);
}

const char *hp_signaling_read_frame(const char *text, char **ret_from, bool *ret_own, uint64_t *ret_message)
{
    const char *end = strchr(text, '\n');
    const char *number = end ? g_strrstr_len(text, end - text, " ") : NULL;
    const char *own = number ? g_strrstr_len(text, number - text, " ") : NULL;
    if (!own || own == text || number - own != 2 || (own[1] != '0' && own[1] != '1')) {
        return NULL;
    }
    g_autofree char *digits = g_strndup(number + 1, (gsize)(end - number - 1));
    guint64 message;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64, &message, NULL)) {
        return NULL;
    }
    *ret_from = g_strndup(text, (gsize)(own - text));
    *ret_own = own[1] == '1';
    *ret_message = message;
    return end + 1;
}

const char *hp_signaling_read_numbered(const char *text, uint64_t *ret_message)
{
    const char *end = strchr(text, '\n');
    g_autofree char *digits = end ? g_strndup(text, (gsize)(end - text)) : NULL;
    guint64 message;
    if (!digits || !g_ascii_string_to_unsigned(digits, 10, 1, G_MAXUINT64, &message, NULL)) {
        return NULL;
    }
    *ret_message = message;
    return end + 1;
}

char *hp_signaling_write_numbered(uint64_t message, const char *json)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT "\n%s", message, json);
}

/* ---- the connection ---- */

static void drop_connection(hp_signaling_client *client)
{
    if (client->connection) {
        g_signal_handlers_disconnect_by_data(client->connection, client);
        g_clear_object(&client->connection);
    }
}

static void on_message(SoupWebsocketConnection *connection, gint type, GBytes *bytes, gpointer user)
{
    hp_signaling_client *client = user;
    g_autofree char *from = NULL;
    bool own;
    uint64_t message;
    gsize length;
    const char *data = g_bytes_get_data(bytes, &length);
    if (type != SOUP_WEBSOCKET_DATA_TEXT || length == 0) {
        return;
    }
    g_autofree char *text = g_strndup(data, length);
    const char *json = hp_signaling_read_frame(text, &from, &own, &message);
    if (json) {
        hp_loop_advance(client->loop);
        hp_signaling_deliver(client->signaling, from, own, message, json);
    }
}

static void on_closed(SoupWebsocketConnection *connection, gpointer user)
{
    hp_signaling_client *client = user;
    const char *why = soup_websocket_connection_get_close_data(connection);
    g_autofree char *text =
        g_strdup_printf("the broker closed the connection%s%s", why && *why ? ": " : "", why ? why : "");
    hp_loop_advance(client->loop);
    drop_connection(client);
    client->ops->lost(client->user, text);
}

static void on_connected(GObject *session, GAsyncResult *result, gpointer user)
{
    g_autoptr(GError) error = NULL;
    SoupWebsocketConnection *connection = soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        return; /* the client is gone */
    }
    hp_signaling_client *client = user;
    hp_loop_advance(client->loop);
    if (!connection) {
        g_autofree char *text = g_strdup_printf("no connection to the broker: %s", error->message);
        client->ops->lost(client->user, text);
        return;
    }
    client->connection = connection;
    soup_websocket_connection_set_max_incoming_payload_size(connection, MAX_FRAME);
    hp_soup_no_delay(connection);
    g_signal_connect(connection, "message", G_CALLBACK(on_message), client);
    g_signal_connect(connection, "closed", G_CALLBACK(on_closed), client);
    client->ops->connected(client->user);
}

/* ---- the peer's side ---- */

static bool is_there(void *user)
{
    const hp_signaling_client *client = user;
    return hp_soup_is_open(client->connection);
}

static void send_json(void *user, uint64_t message, const char *json)
{
    hp_signaling_client *client = user;
    if (is_there(client)) {
        g_autofree char *numbered = message != 0 ? hp_signaling_write_numbered(message, json) : NULL;
        soup_websocket_connection_send_text(client->connection, numbered ? numbered : json);
        return;
    }
    hp_trace_event(hp_world_trace(client->world), hp_world_now(client->world), HP_EV_SIGNAL_DROPPED, client->name,
                   HP_FS("to", ""), HP_FS("type", "?"), HP_FU("message", 0), HP_FS("reason", "no-broker"));
}

hp_signaling *hp_signaling_client_signaling(hp_signaling_client *client)
{
    return client->signaling;
}

/* ---- life ---- */

hp_signaling_client *hp_signaling_client_new(hp_loop *loop, const char *name, int port,
                                             const hp_signaling_client_ops *ops, void *user)
{
    static const hp_signaling_remote_ops remote = {.send = send_json, .is_there = is_there};
    static const char *const protocols[] = {HP_SIGNALING_PROTOCOL, NULL};
    hp_signaling_client *client = g_new0(hp_signaling_client, 1);
    client->loop = loop;
    client->world = hp_loop_world(loop);
    client->name = name;
    client->ops = ops;
    client->user = user;
    client->signaling = hp_signaling_new_remote(client->world, &remote, client);
    client->cancel = g_cancellable_new();
    /* No proxy: nobody's desktop settings are asked, and nothing leads out of the namespace anyway. */
    client->session = g_object_new(SOUP_TYPE_SESSION, "proxy-resolver", NULL, NULL);
    g_autofree char *uri = g_strdup_printf("ws://127.0.0.1:%d/", port);
    g_autoptr(SoupMessage) message = soup_message_new(SOUP_METHOD_GET, uri);
    soup_session_websocket_connect_async(client->session, message, NULL, (char **)(void *)protocols, G_PRIORITY_DEFAULT,
                                         client->cancel, on_connected, client);
    return client;
}

void hp_signaling_client_free(hp_signaling_client *client)
{
    if (!client) {
        return;
    }
    g_cancellable_cancel(client->cancel);
    if (client->connection) {
        SoupWebsocketConnection *connection = g_object_ref(client->connection);
        drop_connection(client);
        if (hp_soup_is_open(connection)) {
            soup_websocket_connection_close(connection, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
        }
        g_object_unref(connection);
    }
    soup_session_abort(client->session);
    g_object_unref(client->session);
    g_object_unref(client->cancel);
    hp_signaling_free(client->signaling);
    g_free(client);
}
