/* Theory of operation: HTTP over the kernel's sockets in the server's namespace, so that a browser fetches its page
 * through NATs and links as it would anywhere.
 *
 * GET and HEAD serve the files below `root`; a folder is its index.html. Nothing is cached, so that a page loaded again is
 * fetched again.
 *
 * /ws is the broker: each WebSocket of a page gets one to the broker, which listens on this host's loopback address
 * (broker.h), and what one says the other hears, in order. The page's peer is named by the cookie hairpin-peer
 * (chromium.c sets it) and passed on as the path /as/NAME, because behind NATs an address tells nobody apart; without
 * the cookie the broker gives it a name. What a page says before the broker's side is open waits. When one side closes
 * so does the other.
 *
 * stop-server closes the port and all connections; start-server opens it again, and so do new addresses. */
#include "programs/web.h"

#include <libsoup/soup.h>
#include <string.h>

#include "base/error.h"
#include "live/loop.h"
#include "programs/chromium_pages.h"
#include "programs/soup.h"

enum { MAX_FRAME = 1 << 20 };

typedef struct web {
    hp_program *program;
    SoupServer *server;
    SoupSession *session; /* towards the broker */
    GPtrArray *bridges; /* bridge* */
    char *root;
} web;

/* A page's WebSocket and its counterpart. */
typedef struct bridge {
    web *owner;
    SoupWebsocketConnection *page, *broker; /* broker NULL while it connects */
    GCancellable *cancel;
    GPtrArray *waiting; /* GBytes*: from the page, before the broker's side is open */
} bridge;

/* ---- WebSockets ---- */

static void say(SoupWebsocketConnection *socket, GBytes *message)
{
    if (hp_soup_is_open(socket)) {
        soup_websocket_connection_send_message(socket, SOUP_WEBSOCKET_DATA_TEXT, message);
    }
}

static void drop_socket(SoupWebsocketConnection **socket, bridge *b)
{
    if (*socket) {
        g_signal_handlers_disconnect_by_data(*socket, b);
        if (hp_soup_is_open(*socket)) {
            soup_websocket_connection_close(*socket, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
        }
        g_clear_object(socket);
    }
}

static void bridge_free(void *p)
{
    bridge *b = p;
    g_cancellable_cancel(b->cancel);
    drop_socket(&b->page, b);
    drop_socket(&b->broker, b);
    g_object_unref(b->cancel);
    g_ptr_array_unref(b->waiting);
    g_free(b);
}

static void page_says(SoupWebsocketConnection *socket, gint type, GBytes *message, gpointer user)
{
    bridge *b = user;
    (void)socket;
    (void)type;
    if (b->broker) {
        say(b->broker, message);
    } else {
        g_ptr_array_add(b->waiting, g_bytes_ref(message));
    }
}

static void broker_says(SoupWebsocketConnection *socket, gint type, GBytes *message, gpointer user)
{
    bridge *b = user;
    (void)socket;
    (void)type;
    say(b->page, message);
}

static void side_closed(SoupWebsocketConnection *socket, gpointer user)
{
    bridge *b = user;
    (void)socket;
    g_ptr_array_remove_fast(b->owner->bridges, b);
}

static SoupWebsocketConnection *watch(bridge *b, SoupWebsocketConnection *socket, GCallback message)
{
    soup_websocket_connection_set_max_incoming_payload_size(socket, MAX_FRAME);
    g_signal_connect(socket, "message", message, b);
    g_signal_connect(socket, "closed", G_CALLBACK(side_closed), b);
    return g_object_ref(socket);
}

static void broker_is_there(GObject *session, GAsyncResult *result, gpointer user)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SoupWebsocketConnection) socket =
        soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &error);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        return; /* the bridge is gone */
    }
    bridge *b = user;
    if (!socket) {
        g_printerr("no WebSocket of the broker: %s\n", error->message);
        g_ptr_array_remove_fast(b->owner->bridges, b);
        return;
    }
    hp_soup_no_delay(socket);
    b->broker = watch(b, socket, G_CALLBACK(broker_says));
    for (unsigned i = 0; i < b->waiting->len; i++) {
        say(b->broker, b->waiting->pdata[i]);
    }
    g_ptr_array_set_size(b->waiting, 0);
}

/* The value of hairpin-peer among the cookies, as a path of the broker's; "/" without. Caller frees. */
static char *path_of_peer(SoupServerMessage *message)
{
    static const char cookie[] = "hairpin-peer=";
    const char *header = soup_message_headers_get_list(soup_server_message_get_request_headers(message), "Cookie");
    g_auto(GStrv) cookies = g_strsplit(header ? header : "", ";", -1);
    for (unsigned i = 0; cookies[i]; i++) {
        const char *each = g_strstrip(cookies[i]);
        if (g_str_has_prefix(each, cookie)) {
            g_autofree char *name = g_uri_escape_string(each + strlen(cookie), NULL, FALSE);
            return g_strconcat("/as/", name, NULL);
        }
    }
    return g_strdup("/");
}

static void on_websocket(SoupServer *server, SoupServerMessage *message, const char *path,
                         SoupWebsocketConnection *socket, gpointer user)
{
    web *w = user;
    bridge *b = g_new0(bridge, 1);
    g_autofree char *whom = path_of_peer(message);
    g_autofree char *uri = g_strdup_printf("ws://127.0.0.1:%d%s", HP_PROGRAM_SIGNALING_PORT, whom);
    g_autoptr(SoupMessage) request = soup_message_new(SOUP_METHOD_GET, uri);
    (void)server;
    (void)path;
    b->owner = w;
    b->cancel = g_cancellable_new();
    b->waiting = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    b->page = watch(b, socket, G_CALLBACK(page_says));
    hp_soup_no_delay(socket);
    g_ptr_array_add(w->bridges, b);
    soup_session_websocket_connect_async(w->session, request, NULL, NULL, G_PRIORITY_DEFAULT, b->cancel,
                                         broker_is_there, b);
}

/* ---- files ---- */

static void on_request(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
                       gpointer user)
{
    web *w = user;
    char *text = NULL;
    gsize length = 0;
    (void)server;
    (void)query;
    if (!hp_soup_only_reads(message)) {
        return;
    }
    g_autofree char *file = hp_file_below(w->root, path);
    if (file && g_file_test(file, G_FILE_TEST_IS_DIR)) {
        char *index = g_build_filename(file, "index.html", NULL);
        g_free(file);
        file = index;
    }
    if (!file || !g_file_get_contents(file, &text, &length, NULL)) {
        soup_server_message_set_status(message, SOUP_STATUS_NOT_FOUND, NULL);
        return;
    }
    soup_message_headers_append(soup_server_message_get_response_headers(message), "Cache-Control", "no-store");
    soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
    soup_server_message_set_response(message, hp_media_type_of_file(file), SOUP_MEMORY_TAKE, text, length);
}

/* ---- the program ---- */

static void close_port(web *w)
{
    if (w->server) {
        g_ptr_array_set_size(w->bridges, 0);
        soup_server_disconnect(w->server);
        g_clear_object(&w->server);
    }
}

static bool open_port(web *w, GError **error)
{
    const hp_plan_server *plan = &w->program->plan->servers[w->program->index];
    if (w->server) {
        return true;
    }
    w->server = soup_server_new("server-header", "hairpin", "raw-paths", TRUE, NULL);
    hp_soup_drop_bodies(w->server);
    soup_server_add_handler(w->server, NULL, on_request, w, NULL);
    soup_server_add_websocket_handler(w->server, "/ws", NULL, NULL, on_websocket, w, NULL);
    hp_addr addresses[8];
    const size_t n =
        MIN(hp_host_addresses(w->program->host, addresses, G_N_ELEMENTS(addresses)), G_N_ELEMENTS(addresses));
    for (size_t i = 0; i < n; i++) {
        struct sockaddr_storage storage;
        const hp_addr address = hp_addr_with_port(addresses[i], plan->config.port);
        const size_t length = hp_addr_to_sockaddr(&address, &storage);
        g_autoptr(GSocketAddress) at = g_socket_address_new_from_native(&storage, length);
        if (!soup_server_listen(w->server, at, 0, error)) {
            close_port(w);
            return false;
        }
    }
    return true;
}

static void web_free(void *self)
{
    web *w = self;
    close_port(w);
    g_ptr_array_unref(w->bridges);
    soup_session_abort(w->session);
    g_object_unref(w->session);
    g_free(w->root);
    g_free(w);
}

static void *web_start(hp_program *program, GError **error)
{
    const hp_plan_server *server = &program->plan->servers[program->index];
    web *w = g_new0(web, 1);
    w->program = program;
    w->root = hp_plan_path(program->plan, server->source->program.root);
    w->session = soup_session_new_with_options("proxy-resolver", NULL, NULL);
    w->bridges = g_ptr_array_new_with_free_func(bridge_free);
    if (!server->source->stopped && !open_port(w, error)) {
        web_free(w);
        return NULL;
    }
    hp_program_ready(program);
    return w;
}

static void tell(web *w, hp_event_kind kind)
{
    hp_trace_event_fields(w->program->trace, hp_world_now(w->program->world), kind, w->program->name, NULL, 0);
}

static void web_step(void *self, const hp_step *step, unsigned index)
{
    web *w = self;
    g_autoptr(GError) error = NULL;
    (void)index;
    if (step->kind == HP_STEP_STOP_SERVER) {
        close_port(w);
        tell(w, HP_EV_SERVER_STOPPED);
    } else if (step->kind == HP_STEP_START_SERVER) {
        if (open_port(w, &error)) {
            tell(w, HP_EV_SERVER_STARTED);
        } else {
            hp_program_failed(w->program, "%s cannot listen again: %s", w->program->name, error->message);
        }
    }
}

/* It listens at its addresses, so it listens anew. */
static void web_addresses(void *self, unsigned interface)
{
    web *w = self;
    g_autoptr(GError) error = NULL;
    (void)interface;
    if (!w->server) {
        return;
    }
    close_port(w);
    if (!open_port(w, &error)) {
        hp_program_failed(w->program, "%s cannot listen at its new addresses: %s", w->program->name, error->message);
    }
}

static void web_finish(void *self)
{
    web *w = self;
    close_port(w);
    hp_program_finished(w->program);
}

const hp_program_ops hp_web_program = {
    .name = "web",
    .needs_host = true, /* which knows its addresses when they change */
    .start = web_start,
    .step = web_step,
    .addresses = web_addresses,
    .finish = web_finish,
    .free = web_free,
};
