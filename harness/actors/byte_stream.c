/* Bytes in, bytes out, over one TCP connection (see byte_stream.h).
 *
 * Life: open (callbacks, sends) -> closed by its user: flushing what waits, told nothing -> given up, freed. A stream
 * is not freed in the middle of its own callback (`busy`), but when that is over. What the other side has sent is read
 * as soon as it is there, so that nothing here ever closes a window. */
#include "actors/byte_stream.h"

enum { CHUNK = 4096 };

struct hp_byte_stream {
    hp_byte_streams *set;
    hp_tcp_socket *socket;
    const hp_byte_stream_ops *ops;
    void *user;
    GByteArray *out; /* TCP has not taken it yet */
    bool busy, ended, closed, over; /* over: the connection is no more */
};

static void stream_free(void *data)
{
    hp_byte_stream *s = data;
    g_byte_array_unref(s->out);
    g_free(s);
}

void hp_byte_streams_init(hp_byte_streams *set)
{
    set->list = g_ptr_array_new_with_free_func(stream_free);
}

void hp_byte_streams_clear(hp_byte_streams *set)
{
    for (unsigned i = 0; i < set->list->len; i++) {
        hp_byte_stream *s = set->list->pdata[i];
        hp_tcp_set_ops(s->socket, NULL, NULL); /* it goes with its host */
    }
    g_clear_pointer(&set->list, g_ptr_array_unref);
}

static void flush(hp_byte_stream *s)
{
    if (s->out->len > 0) {
        size_t taken = hp_tcp_send(s->socket, s->out->data, s->out->len);
        g_byte_array_remove_range(s->out, 0, (guint)taken);
    }
}

/* Frees what nobody needs any more. */
static void settle(hp_byte_stream *s)
{
    if (s->closed && !s->busy && (s->out->len == 0 || s->over)) {
        hp_tcp_close(s->socket);
        g_ptr_array_remove(s->set->list, s);
    }
}

static void end(hp_byte_stream *s)
{
    if (!s->ended && !s->closed) {
        s->ended = true;
        s->ops->ended(s->user);
    }
}

static void on_connected(void *user, hp_tcp_socket *socket)
{
    hp_byte_stream *s = user;
    s->busy = true;
    if (!s->closed && s->ops->connected != NULL) {
        s->ops->connected(s->user);
    }
    s->busy = false;
    settle(s);
}

static void on_readable(void *user, hp_tcp_socket *socket)
{
    hp_byte_stream *s = user;
    uint8_t chunk[CHUNK];
    size_t length;
    s->busy = true;
    while ((length = hp_tcp_recv(socket, chunk, sizeof chunk)) > 0) {
        if (!s->closed) {
            s->ops->data(s->user, chunk, length);
        }
    }
    if (hp_tcp_at_eof(socket)) {
        end(s);
    }
    s->busy = false;
    settle(s);
}

static void on_writable(void *user, hp_tcp_socket *socket)
{
    hp_byte_stream *s = user;
    flush(s);
    settle(s);
}

static void on_closed(void *user, hp_tcp_socket *socket, hp_tcp_end why)
{
    hp_byte_stream *s = user;
    s->busy = true;
    s->over = true;
    end(s);
    s->busy = false;
    settle(s);
}

hp_byte_stream *hp_byte_stream_new(hp_byte_streams *set, hp_tcp_socket *socket, const hp_byte_stream_ops *ops,
                                   void *user)
{
    static const hp_tcp_ops tcp_ops = {
        .connected = on_connected, .readable = on_readable, .writable = on_writable, .closed = on_closed};
    hp_byte_stream *s = g_new0(hp_byte_stream, 1);
    *s = (hp_byte_stream){.set = set, .socket = socket, .ops = ops, .user = user, .out = g_byte_array_new()};
    hp_tcp_set_nodelay(socket, true);
    hp_tcp_set_ops(socket, &tcp_ops, s);
    g_ptr_array_add(set->list, s);
    return s;
}

void hp_byte_stream_send(hp_byte_stream *s, const uint8_t *data, size_t len)
{
    g_byte_array_append(s->out, data, (guint)len);
    flush(s);
}

void hp_byte_stream_close(hp_byte_stream *s)
{
    s->closed = true;
    settle(s);
}
