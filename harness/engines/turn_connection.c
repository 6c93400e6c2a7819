/* Connections between a TCP relay and peers (RFC 6062): Connect, ConnectionAttempt, ConnectionBind, and the bytes.
 *
 *     Connect --> CONNECTING --connected--> PENDING --ConnectionBind--> BOUND
 *                                             ^
 *     a peer connects, with a permission -----+
 *
 * and an end from each: a time-out (30 s to connect, 30 s to be bound), either stream's end, the allocation's end. As
 * section 5.5 wants it both streams always end together. Whoever has closed its stream in order has all its bytes
 * handed on first; what was under way the other way is lost as far as nobody has taken it.
 *
 * Before it is bound nothing of a peer's is read: it waits in the driver's buffer, whose end the peer feels (sections
 * 5.2 and 5.3). A peer that has sent and closed meanwhile still gets its bytes through to who binds in time. Once bound
 * a chunk is read from one stream only when the other has taken the last one whole: flow control end to end, and a
 * relay that holds no more than a chunk in each direction.
 *
 * A Connect is answered when it is known what became of it; whoever asks a second time for the same peer meanwhile, or
 * as long as the connection lives, gets 446. Connect needs no permission (section 5.2 asks for none), but a peer that
 * nobody may reach is forbidden as ever. On a UDP allocation Connect is 403, as ChannelBind is on a TCP one; RFC 6062
 * says neither, and coturn does it so. ConnectionBind wants the user whose allocation it is (441), and a connection
 * that has no allocation of its own (400).
 *
 * Limit: RFC 6062 knows no half-closed connections, and neither does this. */
#include "engines/turn_private.h"

enum { CHUNK = 16384 };

static void tell(const hp_turn_connection *c, hp_time now, const char *state, const char *reason)
{
    hp_stun_server_event(c->relay->server->stun, now,
                         &(hp_server_event){
                             .kind = HP_SERVER_EV_CONNECTION,
                             .client = c->relay->allocation->path.client,
                             .transport = c->relay->allocation->path.transport,
                             .relay = c->relay->addr,
                             .peer = c->peer,
                             .user = c->relay->allocation->user->name,
                             .connection = c->id,
                             .state = state,
                             .reason = reason,
                         });
}

/* ---- life ---- */

static void answer_failure(hp_turn_server *server, hp_stun_request *r, hp_time now)
{
    if (r != NULL) {
        hp_stun_answer(server->stun, r, now, 447);
    }
}

static void timed_out(void *owner, hp_time now)
{
    hp_turn_connection *c = owner;
    hp_turn_server *server = c->relay->server;
    hp_stun_request *r = g_steal_pointer(&c->connect);
    hp_turn_connection_end(c, now, "timeout", NULL);
    answer_failure(server, r, now);
}

static void wait_for(hp_turn_connection *c, hp_time until)
{
    hp_deadlines_set(&c->relay->server->stun->deadlines, &c->timeout, until);
}

static hp_turn_connection *connection_new(hp_turn_relay *relay, const hp_addr *peer, void *handle)
{
    hp_turn_server *server = relay->server;
    hp_turn_connection *c = g_new0(hp_turn_connection, 1);
    const hp_stun_path path = {.client = *peer, .server = relay->addr, .transport = HP_STUN_OVER_TCP};
    c->relay = relay;
    c->peer = *peer;
    c->timeout.fire = timed_out;
    c->timeout.owner = c;
    c->peer_stream = hp_turn_stream_new(server, &path, handle, true);
    c->peer_stream->connection = c;
    c->previous = relay->last_connection;
    *(relay->last_connection != NULL ? &relay->last_connection->next : &relay->first_connection) = c;
    relay->last_connection = c;
    relay->n_connections++;
    server->n_connections++;
    return c;
}

static hp_turn_connection *find(const hp_turn_relay *relay, const hp_addr *peer)
{
    hp_turn_connection *c = relay->first_connection;
    while (c != NULL && !hp_addr_equal(&c->peer, peer)) {
        c = c->next;
    }
    return c;
}

/* There is a peer at the other end: from now on it has an id, and somebody has to bind it. */
static void become_pending(hp_turn_connection *c, hp_time now)
{
    hp_turn_server *server = c->relay->server;
    do {
        c->id = (uint32_t)hp_rng_u64(&server->stun->rng);
    } while (c->id == 0 || g_hash_table_contains(server->connections, GUINT_TO_POINTER(c->id)));
    g_hash_table_insert(server->connections, GUINT_TO_POINTER(c->id), c);
    c->state = HP_TURN_PENDING;
    wait_for(c, hp_time_add(now, server->bind_timeout));
    tell(c, now, "pending", NULL);
}

void hp_turn_connection_end(hp_turn_connection *c, hp_time now, const char *reason, hp_turn_stream *lost)
{
    hp_turn_relay *relay = c->relay;
    hp_turn_server *server = relay->server;
    hp_turn_stream *streams[2] = {c->peer_stream, c->client_stream};
    hp_deadlines_clear(&server->stun->deadlines, &c->timeout);
    if (c->id != 0) {
        g_hash_table_remove(server->connections, GUINT_TO_POINTER(c->id));
    }
    *(c->previous != NULL ? &c->previous->next : &relay->first_connection) = c->next;
    *(c->next != NULL ? &c->next->previous : &relay->last_connection) = c->previous;
    relay->n_connections--;
    server->n_connections--;
    for (unsigned i = 0; i < 2; i++) {
        if (streams[i] != NULL) {
            streams[i]->connection = NULL;
            hp_turn_stream_close(streams[i], now, reason, streams[i] == lost);
        }
    }
    if (reason != NULL) {
        tell(c, now, "closed", reason);
        if (c->connect != NULL) {
            hp_stun_answer_never(server->stun, g_steal_pointer(&c->connect), now);
        }
    }
    g_free(c->connect);
    g_free(c);
}

void hp_turn_connection_lost(hp_turn_connection *c, hp_time now, hp_turn_stream *stream)
{
    hp_turn_server *server = c->relay->server;
    hp_stun_request *r = g_steal_pointer(&c->connect);
    const char *reason = r != NULL ? "failed" : stream->is_peer ? "peer" : "client";
    hp_turn_connection_end(c, now, reason, stream);
    answer_failure(server, r, now);
}

/* ---- Connect ---- */

unsigned hp_turn_connect(hp_turn_server *server, hp_stun_request *r, hp_turn_allocation *allocation)
{
    const hp_stun_server *stun = server->stun;
    hp_stun_attr a;
    hp_addr peer;
    if (!hp_turn_is_tcp(allocation)) {
        return 403;
    }
    if (!hp_stun_find_protected(r->msg, HP_STUN_XOR_PEER_ADDRESS, &a) || !hp_stun_attr_addr(r->msg, &a, true, &peer) ||
        peer.port == 0) {
        return 400;
    }
    hp_turn_relay *relay = allocation->relays[hp_turn_slot(peer.family)];
    if (relay == NULL) {
        return 443;
    }
    if (find(relay, &peer) != NULL) {
        return 446;
    }
    if (!hp_turn_peer_allowed(server, &peer) || hp_turn_peer_is_self(server, &peer)) {
        return 403;
    }
    if (relay->n_connections >= HP_TURN_MAX_CONNECTIONS) {
        return 508;
    }
    hp_turn_connection *c = connection_new(relay, &peer, NULL);
    c->state = HP_TURN_CONNECTING;
    c->peer_stream->handle = stun->ops.connect(stun->user, r->now, &relay->addr, relay->handle, &peer, c->peer_stream);
    if (c->peer_stream->handle == NULL) {
        hp_turn_connection_end(c, r->now, NULL, c->peer_stream);
        return 447;
    }
    c->connect = hp_stun_request_keep(r);
    wait_for(c, hp_time_add(r->now, server->connect_timeout));
    tell(c, r->now, "connecting", NULL);
    return HP_STUN_LATER;
}

void hp_turn_stream_connected(hp_turn_stream *stream, hp_time now)
{
    hp_turn_server *server = stream->server;
    hp_stun_server *stun = server->stun;
    hp_turn_enter(server, now);
    hp_turn_connection *c = stream->connection;
    if (!stream->closed && c != NULL && c->state == HP_TURN_CONNECTING) {
        hp_stun_request *r = g_steal_pointer(&c->connect);
        become_pending(c, now);
        hp_stun_answer_begin(stun, r, now);
        hp_stun_add_u32(r->w, HP_STUN_CONNECTION_ID, c->id);
        hp_stun_answer(stun, r, now, 0);
    }
    hp_turn_leave(server);
}

/* ---- peers that connect ---- */

static hp_turn_stream *accept_peer(hp_turn_server *server, hp_time now, const hp_addr *to, const hp_addr *peer,
                                   void *handle)
{
    hp_stun_server *stun = server->stun;
    hp_turn_relay *relay = g_hash_table_lookup(server->by_relay, to);
    if (relay == NULL || !relay->tcp) {
        return NULL;
    }
    const hp_stun_path *path = &relay->allocation->path;
    if (!hp_turn_permits(relay, now, peer)) {
        hp_turn_tell_dropped(server, now, &path->client, peer, "no-permission");
        return NULL;
    }
    hp_turn_connection *old = find(relay, peer);
    if (old != NULL) {
        hp_turn_connection_end(old, now, "replaced", NULL);
    }
    if (relay->n_connections >= HP_TURN_MAX_CONNECTIONS) {
        hp_turn_tell_dropped(server, now, &path->client, peer, "limit");
        return NULL;
    }
    hp_turn_connection *c = connection_new(relay, peer, handle);
    become_pending(c, now);
    uint8_t id[12];
    hp_stun_writer w;
    hp_rng_bytes(&stun->rng, id, sizeof id);
    hp_stun_begin(&w, stun->out, sizeof stun->out, HP_STUN_INDICATION, HP_STUN_CONNECTION_ATTEMPT, id, NULL);
    hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, peer, true);
    hp_stun_add_u32(&w, HP_STUN_CONNECTION_ID, c->id);
    hp_stun_server_send(stun, now, path, stun->out, hp_stun_finish(&w), NULL, false);
    return c->peer_stream;
}

hp_turn_stream *hp_turn_server_accept_peer(hp_turn_server *server, hp_time now, const hp_addr *to, const hp_addr *peer,
                                           void *handle)
{
    hp_turn_enter(server, now);
    hp_turn_stream *stream = accept_peer(server, now, to, peer, handle);
    hp_turn_leave(server);
    return stream;
}

/* ---- ConnectionBind ---- */

unsigned hp_turn_connection_bind(hp_turn_server *server, hp_stun_request *r)
{
    hp_stun_attr a;
    uint32_t id;
    hp_turn_stream *stream = g_hash_table_lookup(server->streams, &r->path);
    if (stream == NULL || !hp_stun_find_protected(r->msg, HP_STUN_CONNECTION_ID, &a) || !hp_stun_attr_u32(&a, &id)) {
        return 400;
    }
    hp_turn_connection *c = g_hash_table_lookup(server->connections, GUINT_TO_POINTER(id));
    if (c == NULL || c->state != HP_TURN_PENDING || hp_turn_find(server, &r->path) != NULL) {
        return 400;
    }
    if (c->relay->allocation->user != r->credentials.user) {
        return 441;
    }
    hp_deadlines_clear(&server->stun->deadlines, &c->timeout);
    c->state = HP_TURN_BOUND;
    c->client_stream = stream;
    stream->connection = c;
    tell(c, r->now, "bound", NULL);
    return 0;
}

void hp_turn_connection_start(hp_turn_connection *c, hp_time now)
{
    hp_turn_stream *client = c->client_stream;
    c->answered = true;
    hp_turn_connection_pump(c, now, c->peer_stream);
    if (client->connection != NULL) { /* else that was the end of it */
        hp_turn_connection_pump(client->connection, now, client);
    }
}

/* ---- bytes ---- */

void hp_turn_connection_pump(hp_turn_connection *c, hp_time now, hp_turn_stream *from)
{
    const hp_stun_server *stun = c->relay->server->stun;
    hp_turn_stream *to = from->is_peer ? c->client_stream : c->peer_stream;
    if (c->state != HP_TURN_BOUND || !c->answered) {
        return;
    }
    while (to->out->len == 0) {
        uint8_t chunk[CHUNK];
        size_t length;
        const uint8_t *data = hp_stun_stream_rest(&from->in, &length);
        if (length == 0) {
            data = chunk;
            length = stun->ops.read(stun->user, now, from->handle, chunk, sizeof chunk);
        }
        if (length == 0) {
            if (from->eof) {
                hp_turn_connection_end(c, now, from->is_peer ? "peer" : "client", NULL);
            }
            return;
        }
        *(from->is_peer ? &c->relay->bytes_to_client : &c->relay->bytes_to_peer) += length;
        hp_turn_stream_write(to, now, data, length);
    }
}
