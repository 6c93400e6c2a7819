/* Theory of operation.
 *
 * actors/signaling does all that a broker does: it delays, loses and doubles copies, and traces them. Here a client of
 * it (a *member*) is given a WebSocket, the *connection*, or none while it is away.
 *
 *   member      one a peer of the plan, in its order, from the start; further ones for connections that a web server
 *               hands on without saying for whom. A member is never taken away: its messages under way are still its.
 *   connection  belongs to one member at any time. A new connection for a member that has one closes the former (code
 *               1001), and what that one still says is not heard.
 *
 * libsoup calls from GLib's main context, outside the loop's turns: hp_loop_advance() brings the world to the present
 * before it is touched. Before run time begins, messages are taken and wait; nothing is delivered.
 *
 * Limits: a text of more than 256 KiB is refused by the broker and traced, one of more than 1 MiB ends its connection;
 * binary messages are dropped and traced. A member that has sent more than 64 MiB in a run fails it. */
#include "programs/broker.h"

#include <libsoup/soup.h>
#include <string.h>

#include "actors/signaling.h"
#include "base/error.h"
#include "live/loop.h"
#include "programs/signaling_client.h"
#include "programs/soup.h"

enum { MAX_MESSAGE = 1 << 20, MAX_TOTAL_MIB = 64 };

typedef struct broker broker;
typedef struct connection connection;

typedef struct member {
    broker *owner;
    char *name;
    unsigned number; /* in the signalling */
    hp_program_shared *shared; /* of the peer's program; NULL: nobody wants to know */
    connection *at; /* NULL: away */
    size_t heard; /* octets in a run */
} member;

struct connection {
    SoupWebsocketConnection *socket;
    member *of;
    bool framed;
};

typedef struct entrance {
    broker *owner;
    const hp_program_listener *listener;
    SoupServer *server;
    unsigned n_guests; /* members without a name of their own */
} entrance;

struct broker {
    hp_program *program;
    hp_signaling *signaling;
    GPtrArray *members; /* of member; peers first, by index */
    GPtrArray *connections; /* of connection */
    entrance *entrances; /* one a listener */
};

/* ---- from the broker to a client ---- */

static void on_signal(void *user, const char *from, bool own, uint64_t message, const char *json)
{
    const member *to = user;
    const connection *c = to->at;
    if (!c || !hp_soup_is_open(c->socket))
        return;
    if (c->framed) {
        g_autofree char *text = hp_signaling_write_frame(from, own, message, json);
        soup_websocket_connection_send_text(c->socket, text);
    } else {
        soup_websocket_connection_send_text(c->socket, json);
    }
}

/* ---- members ---- */

static member *add_member(broker *b, char *name, hp_program_shared *shared)
{
    member *m = g_new0(member, 1);
    m->owner = b;
    m->name = name;
    m->shared = shared;
    m->number = hp_signaling_join(b->signaling, m->name, on_signal, m);
    hp_signaling_set_away(b->signaling, m->number, true);
    g_ptr_array_add(b->members, m);
    return m;
}

static void free_member(void *p)
{
    member *m = p;
    g_free(m->name);
    g_free(m);
}

static member *find_member(const broker *b, const char *name)
{
    for (unsigned i = 0; i < b->members->len; i++) {
        member *m = b->members->pdata[i];
        if (strcmp(m->name, name) == 0)
            return m;
    }
    return NULL;
}

static void set_connection(member *m, connection *c)
{
    m->at = c;
    hp_signaling_set_away(m->owner->signaling, m->number, c == NULL);
    if (m->shared)
        __atomic_store_n(&m->shared->joined, c ? 1 : 0, __ATOMIC_RELEASE);
}

/* ---- connections ---- */

static void free_connection(void *p)
{
    connection *c = p;
    g_signal_handlers_disconnect_by_data(c->socket, c);
    if (c->of && c->of->at == c)
        set_connection(c->of, NULL);
    g_object_unref(c->socket);
    g_free(c);
}

/* True once it has said so much that it must be an endless loop, which fills the others' queues and the trace. The run
 * fails by its name. */
static bool is_flood(connection *c, size_t length)
{
    member *m = c->of;
    const size_t most = (size_t)MAX_TOTAL_MIB << 20, before = m->heard;
    m->heard += MIN(length, most);
    if (m->heard <= most)
        return false;
    if (before <= most)
        hp_program_failed(m->owner->program, "%s has sent more than %d MiB of signalling in one run", m->name,
                          MAX_TOTAL_MIB);
    return true;
}

static void on_message(SoupWebsocketConnection *socket, SoupWebsocketDataType type, GBytes *bytes, void *user)
{
    connection *c = user;
    hp_program *program = c->of->owner->program;
    if (c->of->at != c)
        return;
    hp_loop_advance(program->loop);
    if (is_flood(c, g_bytes_get_size(bytes)))
        return;
    if (type != SOUP_WEBSOCKET_DATA_TEXT) {
        hp_trace_event(program->trace, hp_world_now(program->world), HP_EV_SIGNAL_DROPPED, c->of->name, HP_FS("to", ""),
                       HP_FS("type", "?"), HP_FU("message", 0),
                       HP_FS("reason", "a binary message: signalling is text"));
        return;
    }
    gsize length = 0;
    const char *data = g_bytes_get_data(bytes, &length);
    g_autofree char *text = g_strndup(data ? data : "", length);
    uint64_t message = 0;
    const char *json = c->framed && program->messages ? hp_signaling_read_numbered(text, &message) : NULL;
    if (json)
        hp_signaling_pass(c->of->owner->signaling, c->of->number, message, json);
    else
        hp_signaling_send(c->of->owner->signaling, c->of->number, text);
}

static void on_closed(SoupWebsocketConnection *socket, void *user)
{
    connection *c = user;
    hp_loop_advance(c->of->owner->program->loop);
    g_ptr_array_remove_fast(c->of->owner->connections, c);
}

/* Whom a connection is for; NULL: nobody of that name. */
static member *whom(entrance *at, const char *path)
{
    broker *b = at->owner;
    if (at->listener->role == HP_PROGRAM_PEER)
        return find_member(b, at->listener->name);
    if (g_str_has_prefix(path, "/as/"))
        return find_member(b, path + strlen("/as/"));
    return add_member(b, g_strdup_printf("%s/%u", at->listener->name, ++at->n_guests), NULL);
}

static void on_websocket(SoupServer *server, SoupServerMessage *message, const char *path,
                         SoupWebsocketConnection *socket, void *user)
{
    entrance *at = user;
    hp_loop_advance(at->owner->program->loop);
    member *m = whom(at, path);
    if (!m) {
        soup_websocket_connection_close(socket, SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "there is no such peer");
        return;
    }
    connection *c = g_new0(connection, 1);
    c->socket = g_object_ref(socket);
    c->of = m;
    c->framed = g_strcmp0(soup_websocket_connection_get_protocol(socket), HP_SIGNALING_PROTOCOL) == 0;
    soup_websocket_connection_set_max_incoming_payload_size(socket, MAX_MESSAGE);
    g_signal_connect(socket, "message", G_CALLBACK(on_message), c);
    g_signal_connect(socket, "closed", G_CALLBACK(on_closed), c);
    g_ptr_array_add(at->owner->connections, c);
    connection *former = m->at;
    set_connection(m, c);
    if (former && hp_soup_is_open(former->socket))
        soup_websocket_connection_close(former->socket, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, "another one took its place");
}

/* ---- plain HTTP ---- */

/* For whoever opens the address in a browser. */
static void on_request(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, void *user)
{
    static const char hello[] = "Hairpin's signalling broker: open a WebSocket here.\n";
    SoupMessageHeaders *headers = soup_server_message_get_request_headers(message);
    if (soup_message_headers_header_contains(headers, "Upgrade", "websocket"))
        return; /* libsoup asks this handler first: without an answer it goes on with the other one */
    if (!hp_soup_only_reads(message))
        return;
    soup_server_message_set_status(message, strcmp(path, "/") == 0 ? SOUP_STATUS_OK : SOUP_STATUS_NOT_FOUND, NULL);
    if (strcmp(path, "/") == 0)
        soup_server_message_set_response(message, "text/plain", SOUP_MEMORY_STATIC, hello, sizeof hello - 1);
}

/* ---- the program ---- */

static bool open_entrance(entrance *at, GError **error)
{
    char *protocols[] = {(char *)HP_SIGNALING_PROTOCOL, NULL};
    int fd = dup(at->listener->fd); /* the socket is libsoup's to close, the listener is not */
    if (fd < 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "the broker's socket for %s: %s", at->listener->name,
                    g_strerror(errno));
        return false;
    }
    g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, error);
    if (!socket) {
        close(fd);
        return false;
    }
    at->server = soup_server_new("server-header", "hairpin", NULL);
    hp_soup_drop_bodies(at->server);
    soup_server_add_handler(at->server, NULL, on_request, at, NULL);
    soup_server_add_websocket_handler(at->server, NULL, NULL, protocols, on_websocket, at, NULL);
    return soup_server_listen_socket(at->server, socket, 0, error);
}

static void broker_free(void *self)
{
    broker *b = self;
    g_ptr_array_unref(b->connections);
    for (unsigned i = 0; i < b->program->n_listeners; i++) {
        if (b->entrances[i].server) {
            soup_server_disconnect(b->entrances[i].server);
            g_object_unref(b->entrances[i].server);
        }
    }
    hp_signaling_free(b->signaling);
    g_ptr_array_unref(b->members);
    g_free(b->entrances);
    g_free(b);
}

static hp_program_shared *shared_of(const hp_program *program, unsigned peer)
{
    for (unsigned i = 0; i < program->n_listeners; i++)
        if (program->listeners[i].role == HP_PROGRAM_PEER && program->listeners[i].index == peer)
            return program->listeners[i].shared;
    return NULL;
}

static void *broker_start(hp_program *program, GError **error)
{
    broker *b = g_new0(broker, 1);
    b->program = program;
    b->signaling = hp_signaling_new(program->world, &program->plan->scenario->signaling);
    hp_signaling_share_numbers(b->signaling, program->messages);
    b->members = g_ptr_array_new_with_free_func(free_member);
    b->connections = g_ptr_array_new_with_free_func(free_connection);
    b->entrances = g_new0(entrance, MAX(program->n_listeners, 1));
    for (unsigned i = 0; i < program->plan->n_peers; i++)
        add_member(b, g_strdup(program->plan->peers[i].source->name), shared_of(program, i));
    for (unsigned i = 0; i < program->n_listeners; i++) {
        b->entrances[i] = (entrance){.owner = b, .listener = &program->listeners[i]};
        if (!open_entrance(&b->entrances[i], error)) {
            broker_free(b);
            return NULL;
        }
    }
    hp_program_ready(program);
    return b;
}

static void broker_step(void *self, const hp_step *step, unsigned index)
{
    broker *b = self;
    if (step->kind == HP_STEP_SET_SIGNALING)
        hp_signaling_configure(b->signaling, &step->signaling);
}

static void broker_finish(void *self)
{
    broker *b = self;
    hp_program_finished(b->program);
}

const hp_program_ops hp_broker_program = {
    .name = "broker",
    .needs_host = false,
    .start = broker_start,
    .step = broker_step,
    .finish = broker_finish,
    .free = broker_free,
};
