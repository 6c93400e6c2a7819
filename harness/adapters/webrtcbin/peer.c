/* A peer made of GStreamer's webrtcbin, as a program of the exec protocol (harness/programs/EXEC.md): orders are lines
 * on stdin, events lines on stdout, and the broker is a WebSocket.
 *
 * Messages find their session by the sender's name. Glare: the smaller name keeps its offer, the other forgets its own
 * and answers. An offer of another o= session than the present one is a new call. A candidate waits for the description
 * that its ufrag names.
 *
 * The end: after "finish", or the end of stdin, each session tells its last counters and closes. GStreamer may take its
 * time, or never come back from a state change; a thread ends the process after a second and a half in any case. */
#include "adapters/webrtcbin/peer.h"

#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/webrtcbin/plugins.h"
#include "adapters/webrtcbin/session.h"

enum { STATS_INTERVAL_S = 1, CLOSE_LIMIT_MS = 1500 };

static char *text_of(JsonObject *object)
{
    g_autoptr(JsonNode) root = json_node_alloc();
    json_node_init_object(root, object);
    return json_to_string(root, FALSE);
}

void peer_say(const char *event, JsonObject *more)
{
    g_autoptr(JsonObject) line = more ? more : json_object_new();
    json_object_set_string_member(line, "event", event);
    g_autofree char *text = text_of(line);
    printf("%s\n", text);
    fflush(stdout);
}

void peer_say_text(const char *event, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    JsonObject *more = json_object_new();
    json_object_set_string_member(more, "text", text);
    peer_say(event, more);
}

void peer_send(peer *self, JsonObject *message)
{
    g_autoptr(JsonObject) owned = message;
    g_autofree char *text = text_of(owned);
    if (soup_websocket_connection_get_state(self->socket) == SOUP_WEBSOCKET_STATE_OPEN) {
        soup_websocket_connection_send_text(self->socket, text);
    }
}

/* ---- the broker ---- */

static session *find(const peer *self, const char *other)
{
    session *unnamed = NULL;
    for (unsigned i = self->sessions->len; i-- > 0;) {
        session *one = self->sessions->pdata[i];
        if (one->closed) {
            continue;
        }
        if (g_strcmp0(one->other, other) == 0) {
            return one;
        }
        unnamed = !one->other && !unnamed ? one : unnamed;
    }
    return unnamed;
}

static void take_offer(peer *self, const char *other, const char *sdp)
{
    session *present = find(self, other);
    g_autofree char *origin = description_origin(sdp);
    if (present && present->offered && strcmp(self->name, other) < 0) {
        peer_say_text("log", "offer of %s ignored (glare)", other);
        return;
    }
    if (present && (present->offered || g_strcmp0(present->origin, origin) != 0)) {
        session_close(present);
        present = NULL;
    }
    session_answer(present ? present : session_new(self, other), sdp);
}

static void take_answer(peer *self, const char *other, const char *sdp)
{
    session *present = find(self, other);
    if (present && present->offered) {
        session_take_answer(present, other, sdp);
    } else {
        peer_say_text("log", "answer of %s ignored", other);
    }
}

static void take_candidate(peer *self, const char *other, JsonObject *message)
{
    session *present = find(self, other);
    const char *ufrag = json_object_get_string_member_with_default(message, "ufrag", NULL);
    if (present && present->described && (!ufrag || g_strcmp0(ufrag, present->ufrag) == 0)) {
        session_add_candidate(present, message);
    } else {
        g_ptr_array_add(self->early, json_object_ref(message));
    }
}

static void on_message(SoupWebsocketConnection *socket, int type, GBytes *bytes, void *user)
{
    peer *self = user;
    gsize size = 0;
    const char *data = g_bytes_get_data(bytes, &size);
    g_autofree char *text = g_strndup(data, size);
    g_autoptr(JsonNode) root = json_from_string(text, NULL);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        return;
    }
    JsonObject *message = json_node_get_object(root);
    const char *other = json_object_get_string_member_with_default(message, "id", NULL);
    const char *to = json_object_get_string_member_with_default(message, "to", NULL);
    const char *kind = json_object_get_string_member_with_default(message, "type", "");
    const char *sdp = json_object_get_string_member_with_default(message, "sdp", NULL);
    if (!other || g_str_equal(other, self->name) || (to && !g_str_equal(to, self->name))) {
        return;
    }
    if (g_str_equal(kind, "candidate")) {
        take_candidate(self, other, message);
    } else if (g_str_equal(kind, "offer") && sdp) {
        take_offer(self, other, sdp);
    } else if (g_str_equal(kind, "answer") && sdp) {
        take_answer(self, other, sdp);
    }
}

/* ---- orders ---- */

static void *end_anyway(void *user)
{
    g_usleep((gulong)CLOSE_LIMIT_MS * 1000);
    _exit(0);
}

static void last_stats(session *self)
{
    session_close(self);
    peer *owner = self->peer;
    for (unsigned i = 0; i < owner->sessions->len; i++) {
        if (!((const session *)owner->sessions->pdata[i])->closed) {
            return;
        }
    }
    g_main_loop_quit(owner->loop);
}

static void finish(peer *self)
{
    bool open = false;
    g_thread_unref(g_thread_new("end", end_anyway, NULL));
    for (unsigned i = 0; i < self->sessions->len; i++) {
        session *one = self->sessions->pdata[i];
        if (!one->closed) {
            open = true;
            session_stats(one, last_stats);
        }
    }
    if (!open) {
        g_main_loop_quit(self->loop);
    }
}

static void carry_out_on(session *one, const char *kind, JsonObject *order)
{
    if (g_str_equal(kind, "close")) {
        session_stats(one, session_close);
    } else if (g_str_equal(kind, "restart")) {
        peer_say_text("error", "webrtcbin cannot restart ICE");
    } else if (g_str_equal(kind, "send")) {
        session_send_data(one, order);
    } else {
        peer_say_text("log", "webrtcbin's adapter does not know \"%s\"", kind);
    }
}

/* False: it is the last. */
static bool carry_out(peer *self, JsonObject *order)
{
    const char *kind = json_object_get_string_member_with_default(order, "do", "");
    const char *with = json_object_get_string_member_with_default(order, "with", NULL);
    if (g_str_equal(kind, "finish")) {
        finish(self);
        return false;
    }
    if (g_str_equal(kind, "call")) {
        session_offer(session_new(self, json_object_get_string_member_with_default(order, "to", NULL)), order);
        return true;
    }
    for (unsigned i = 0; i < self->sessions->len; i++) {
        session *one = self->sessions->pdata[i];
        if (!one->closed && (!with || g_strcmp0(one->other, with) == 0)) {
            carry_out_on(one, kind, order);
        }
    }
    return true;
}

static void on_line(GObject *source, GAsyncResult *result, void *user)
{
    peer *self = user;
    GDataInputStream *orders = G_DATA_INPUT_STREAM(source);
    g_autofree char *line = g_data_input_stream_read_line_finish(orders, result, NULL, NULL);
    if (!line) {
        finish(self);
        return;
    }
    g_autoptr(JsonNode) root = json_from_string(line, NULL);
    if (root && JSON_NODE_HOLDS_OBJECT(root) && !carry_out(self, json_node_get_object(root))) {
        return;
    }
    g_data_input_stream_read_line_async(orders, G_PRIORITY_DEFAULT, NULL, on_line, self);
}

static gboolean tell_stats(void *user)
{
    peer *self = user;
    for (unsigned i = 0; i < self->sessions->len; i++) {
        session *one = self->sessions->pdata[i];
        if (!one->closed) {
            session_stats(one, NULL);
        }
    }
    return G_SOURCE_CONTINUE;
}

static void on_connected(GObject *source, GAsyncResult *result, void *user)
{
    peer *self = user;
    g_autoptr(GError) error = NULL;
    self->socket = soup_session_websocket_connect_finish(SOUP_SESSION(source), result, &error);
    if (!self->socket) {
        peer_say_text("error", "no broker: %s", error->message);
        self->exit_code = 1;
        g_main_loop_quit(self->loop);
        return;
    }
    soup_websocket_connection_set_max_incoming_payload_size(self->socket, 0);
    g_signal_connect(self->socket, "message", G_CALLBACK(on_message), self);
    g_timeout_add_seconds(STATS_INTERVAL_S, tell_stats, self);
    g_autoptr(GInputStream) stdin_stream = g_unix_input_stream_new(STDIN_FILENO, FALSE);
    GDataInputStream *orders = g_data_input_stream_new(stdin_stream);
    g_data_input_stream_read_line_async(orders, G_PRIORITY_DEFAULT, NULL, on_line, self);
    peer_say("ready", NULL);
}

static const char *environment(const char *key, const char *otherwise)
{
    const char *value = g_getenv(key);
    return value && *value ? value : otherwise;
}

int main(int argc, char **argv)
{
    bool check = argc > 1 && g_str_equal(argv[1], "--check");
    plugins_no_registry();
    if (!check) {
        gst_init(NULL, NULL);
    }
    g_autofree char *missing = check ? plugins_missing() : plugins_load();
    if (check || missing) {
        if (missing) {
            printf("%s\n", missing);
        }
        return missing ? 1 : 0;
    }
    g_autoptr(JsonNode) servers = json_from_string(environment("HAIRPIN_ICE_SERVERS", "[]"), NULL);
    if (!servers || !JSON_NODE_HOLDS_ARRAY(servers)) {
        peer_say_text("error", "HAIRPIN_ICE_SERVERS is no array");
        return 1;
    }
    peer self = {
        .name = environment("HAIRPIN_NAME", "webrtcbin"),
        .ice_servers = json_node_get_array(servers),
        .relay_only = g_str_equal(environment("HAIRPIN_ICE_TRANSPORT_POLICY", "all"), "relay"),
        .loop = g_main_loop_new(NULL, FALSE),
        .soup = soup_session_new(),
        .sessions = g_ptr_array_new(),
        .early = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref),
    };
    g_autoptr(SoupMessage) message = soup_message_new("GET", environment("HAIRPIN_SIGNALING", "ws://127.0.0.1:7880/"));
    if (!message) {
        peer_say_text("error", "HAIRPIN_SIGNALING is no address");
        return 1;
    }
    soup_session_websocket_connect_async(self.soup, message, NULL, NULL, G_PRIORITY_DEFAULT, NULL, on_connected, &self);
    g_main_loop_run(self.loop);
    if (self.socket && soup_websocket_connection_get_state(self.socket) == SOUP_WEBSOCKET_STATE_OPEN) {
        soup_websocket_connection_close(self.socket, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
        g_main_context_iteration(NULL, FALSE);
    }
    _exit(self.exit_code); /* the library's threads are not joined */
}
