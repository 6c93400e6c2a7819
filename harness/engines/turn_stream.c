/* Byte streams: connections of clients over TCP or TLS, and what they have in common with those of peers.
 *
 * A client's stream is cut into messages (stun_stream.c) that go to the front one by one, each answered before the next
 * is looked at. What the driver does not take of an answer waits in `out`, and as long as anything waits there nothing
 * more is read: a client that asks and never reads stops being heard, and costs at most an answer and a read. Data of
 * UDP peers cannot be held up like that; it waits up to HP_TURN_STREAM_BACKLOG and is thrown away beyond, whole
 * messages only, so that the stream stays in step.
 *
 * The connection is the client's 5-tuple: when it ends, its allocation ends ("disconnected"), for nobody else could
 * ever use it (RFC 8656 sections 3.1 and 6: an allocation is tied to its 5-tuple). A stream that cannot be read as
 * messages is closed, and so is one without allocation that says nothing whole for stream_idle. RFC 8489 section 6.2.2
 * leaves closing to the client; the last rule is for those that are gone without a word.
 *
 * With ConnectionBind a client's stream becomes half of a connection (turn_connection.c), for good. What the client
 * sent behind the request without waiting for the answer belongs to the peer already.
 *
 * Streams end in the middle of almost anything: a timer, a request, a write. So a closed one is not freed before the
 * outermost call of the interface returns (hp_turn_leave()), and whoever goes on looking at one sees that it is
 * closed. */
#include "engines/turn_private.h"

enum { CHUNK = 16384 };

/* ---- life ---- */

static void tell(const hp_turn_stream *stream, hp_time now, const char *state, const char *reason)
{
    hp_stun_server_event(stream->server->stun, now,
                         &(hp_server_event){
                             .kind = HP_SERVER_EV_STREAM,
                             .client = stream->path.client,
                             .transport = stream->path.transport,
                             .user = "",
                             .state = state,
                             .reason = reason,
                         });
}

static void idle(void *owner, hp_time now)
{
    hp_turn_stream *stream = owner;
    hp_turn_server *server = stream->server;
    hp_time until = hp_time_add(stream->heard, server->stream_idle);
    if (stream->connection != NULL || hp_turn_find(server, &stream->path) != NULL) {
        until = hp_time_add(now, server->stream_idle);
    }
    if (until > now) {
        hp_deadlines_set(&server->stun->deadlines, &stream->idle, until);
    } else {
        hp_turn_stream_end(stream, now, "idle", false);
    }
}

hp_turn_stream *hp_turn_stream_new(hp_turn_server *server, const hp_stun_path *path, void *handle, bool is_peer)
{
    hp_turn_stream *stream = g_new0(hp_turn_stream, 1);
    stream->server = server;
    stream->handle = handle;
    stream->path = *path;
    stream->is_peer = is_peer;
    stream->out = g_byte_array_new();
    if (!is_peer) {
        g_hash_table_insert(server->streams, &stream->path, stream);
        stream->previous = server->last_stream;
        *(server->last_stream != NULL ? &server->last_stream->next : &server->first_stream) = stream;
        server->last_stream = stream;
        stream->idle.fire = idle;
        stream->idle.owner = stream;
    }
    return stream;
}

void hp_turn_stream_free(gpointer p)
{
    hp_turn_stream *stream = p;
    hp_stun_stream_clear(&stream->in);
    g_byte_array_unref(stream->out);
    g_free(stream);
}

void hp_turn_enter(hp_turn_server *server, hp_time now)
{
    server->depth++;
    hp_stun_server_run(server->stun, now);
}

void hp_turn_leave(hp_turn_server *server)
{
    if (--server->depth == 0) {
        g_ptr_array_set_size(server->graves, 0);
    }
}

void hp_turn_stream_close(hp_turn_stream *stream, hp_time now, const char *reason, bool lost)
{
    hp_turn_server *server = stream->server;
    if (stream->closed) {
        return;
    }
    stream->closed = true;
    g_ptr_array_add(server->graves, stream);
    if (!stream->is_peer) {
        hp_deadlines_clear(&server->stun->deadlines, &stream->idle);
        g_hash_table_remove(server->streams, &stream->path);
        *(stream->previous != NULL ? &stream->previous->next : &server->first_stream) = stream->next;
        *(stream->next != NULL ? &stream->next->previous : &server->last_stream) = stream->previous;
    }
    if (!lost) {
        server->stun->ops.close(server->stun->user, now, stream->handle);
    }
    if (!stream->is_peer && reason != NULL) {
        tell(stream, now, "closed", reason);
    }
}

void hp_turn_stream_end(hp_turn_stream *stream, hp_time now, const char *reason, bool lost)
{
    if (stream->connection != NULL) {
        hp_turn_connection_end(stream->connection, now, reason, lost ? stream : NULL);
        return;
    }
    hp_turn_allocation *allocation = hp_turn_find(stream->server, &stream->path);
    hp_turn_stream_close(stream, now, reason, lost);
    if (allocation != NULL) {
        hp_turn_allocation_end(allocation, now, reason != NULL ? "disconnected" : NULL);
    }
}

/* ---- out ---- */

static void flush(hp_turn_stream *stream, hp_time now)
{
    const hp_stun_server *stun = stream->server->stun;
    if (stream->out->len == 0 || stream->closed) {
        return;
    }
    size_t taken = stun->ops.write(stun->user, now, stream->handle, stream->out->data, stream->out->len);
    g_byte_array_remove_range(stream->out, 0, (guint)taken);
}

void hp_turn_stream_write(hp_turn_stream *stream, hp_time now, const uint8_t *data, size_t len)
{
    bool waits = stream->out->len > 0;
    g_byte_array_append(stream->out, data, (guint)len);
    if (!waits) {
        flush(stream, now);
    }
}

bool hp_turn_stream_send(void *owner, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                         bool may_drop)
{
    static const uint8_t zeros[3];
    hp_turn_server *server = owner;
    hp_turn_stream *stream = g_hash_table_lookup(server->streams, path);
    /* Bytes go through a data connection as soon as its request was answered; a message would be one of them. */
    if (stream == NULL || (stream->connection != NULL && stream->connection->answered)) {
        return false;
    }
    if (may_drop && stream->out->len > 0 && stream->out->len + len > HP_TURN_STREAM_BACKLOG) {
        return false;
    }
    bool waits = stream->out->len > 0;
    g_byte_array_append(stream->out, data, (guint)len);
    g_byte_array_append(stream->out, zeros, (guint)hp_stun_stream_padding(len));
    if (!waits) {
        flush(stream, now);
    }
    if (stream->connection != NULL) {
        hp_turn_connection_start(stream->connection, now);
    }
    return true;
}

/* ---- in ---- */

/* A client that speaks STUN: message by message as long as its answers find their way. */
static void serve(hp_turn_stream *stream, hp_time now)
{
    const hp_stun_server *stun = stream->server->stun;
    while (!stream->closed && stream->connection == NULL && stream->out->len == 0) {
        const uint8_t *message;
        size_t length;
        if (hp_stun_stream_next(&stream->in, &message, &length)) {
            stream->heard = now;
            hp_stun_server_input(stream->server->stun, now, &stream->path, message, length, NULL);
            continue;
        }
        const char *broken = hp_stun_stream_broken(&stream->in);
        if (broken != NULL) {
            hp_turn_stream_end(stream, now, broken, false);
            return;
        }
        uint8_t chunk[CHUNK];
        length = stun->ops.read(stun->user, now, stream->handle, chunk, sizeof chunk);
        if (length == 0) {
            if (stream->eof) {
                hp_turn_stream_end(stream, now, "client", false);
            }
            return;
        }
        hp_stun_stream_put(&stream->in, chunk, length);
    }
}

static void advance(hp_turn_stream *stream, hp_time now)
{
    if (stream->connection != NULL) {
        hp_turn_connection_pump(stream->connection, now, stream);
    } else {
        serve(stream, now);
    }
}

void hp_turn_stream_readable(hp_turn_stream *stream, hp_time now)
{
    hp_turn_server *server = stream->server;
    hp_turn_enter(server, now);
    if (!stream->closed) {
        advance(stream, now);
    }
    hp_turn_leave(server);
}

void hp_turn_stream_ended(hp_turn_stream *stream, hp_time now)
{
    hp_turn_server *server = stream->server;
    hp_turn_enter(server, now);
    if (!stream->closed) {
        stream->eof = true;
        advance(stream, now);
    }
    hp_turn_leave(server);
}

void hp_turn_stream_writable(hp_turn_stream *stream, hp_time now)
{
    hp_turn_server *server = stream->server;
    hp_turn_enter(server, now);
    hp_turn_connection *connection = stream->connection;
    flush(stream, now);
    if (!stream->closed && connection == NULL) {
        serve(stream, now);
    } else if (!stream->closed && connection->state == HP_TURN_BOUND) {
        hp_turn_connection_pump(connection, now, stream->is_peer ? connection->client_stream : connection->peer_stream);
    }
    hp_turn_leave(server);
}

void hp_turn_stream_lost(hp_turn_stream *stream, hp_time now)
{
    hp_turn_server *server = stream->server;
    hp_turn_enter(server, now);
    if (!stream->closed && stream->connection != NULL) {
        hp_turn_connection_lost(stream->connection, now, stream);
    } else if (!stream->closed) {
        hp_turn_stream_end(stream, now, "lost", true);
    }
    hp_turn_leave(server);
}

hp_turn_stream *hp_turn_server_accept(hp_turn_server *server, hp_time now, const hp_stun_path *path, void *handle)
{
    hp_turn_enter(server, now);
    hp_turn_stream *old = g_hash_table_lookup(server->streams, path);
    if (old != NULL) {
        hp_turn_stream_end(old, now, "replaced", false);
    }
    if (g_hash_table_size(server->streams) >= HP_TURN_MAX_STREAMS) {
        tell(&(hp_turn_stream){.server = server, .path = *path}, now, "closed", "limit");
        hp_turn_leave(server);
        return NULL;
    }
    hp_turn_stream *stream = hp_turn_stream_new(server, path, handle, false);
    stream->heard = now;
    hp_deadlines_set(&server->stun->deadlines, &stream->idle, hp_time_add(now, server->stream_idle));
    tell(stream, now, "open", NULL);
    hp_turn_leave(server);
    return stream;
}
