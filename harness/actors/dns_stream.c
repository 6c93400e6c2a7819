/* DNS messages over TCP: bytes of a socket to messages, and back (RFC 1035 section 4.2.2).
 *
 * Input gathers in a buffer until a message is whole; the buffer never holds more than one message and what one read
 * brought behind it. Output that the socket does not take at once waits. A message of zero bytes is passed on: what
 * reads it will find it too short.
 *
 * Freed in its own callback, a stream only gives up its socket; the memory goes when the callback is back. */
#include "actors/dns_stream.h"

#include "wire/bytes.h"

enum { CHUNK = 4096, LENGTH = 2 };

struct hp_dns_stream {
    hp_tcp_socket *socket;
    hp_dns_stream_ops ops;
    void *user;
    GByteArray *in, *out;
    bool busy; /* in a callback */
    bool dead;
};

static void destroy(hp_dns_stream *s)
{
    g_byte_array_unref(s->in);
    g_byte_array_unref(s->out);
    g_free(s);
}

/* Passes on what is whole. False when the stream is gone. */
static bool deliver(hp_dns_stream *s)
{
    while (!s->dead && s->in->len >= LENGTH) {
        size_t length = hp_get16(s->in->data);
        if (s->in->len < LENGTH + length) {
            break;
        }
        g_autofree uint8_t *message = g_memdup2(s->in->data + LENGTH, length);
        g_byte_array_remove_range(s->in, 0, (guint)(LENGTH + length));
        s->ops.message(s->user, s, message, length);
    }
    return !s->dead;
}

static void flush(hp_dns_stream *s)
{
    size_t taken = s->out->len > 0 ? hp_tcp_send(s->socket, s->out->data, s->out->len) : 0;
    if (taken > 0) {
        g_byte_array_remove_range(s->out, 0, (guint)taken);
    }
}

static void readable(void *user, hp_tcp_socket *socket)
{
    hp_dns_stream *s = user;
    uint8_t chunk[CHUNK];
    size_t n;
    s->busy = true;
    while (!s->dead && (n = hp_tcp_recv(socket, chunk, sizeof chunk)) > 0) {
        g_byte_array_append(s->in, chunk, (guint)n);
        deliver(s);
    }
    if (!s->dead && hp_tcp_at_eof(socket)) {
        s->ops.ended(s->user, s);
    }
    s->busy = false;
    if (s->dead) {
        destroy(s);
    }
}

static void writable(void *user, hp_tcp_socket *socket)
{
    flush(user);
}

static void closed(void *user, hp_tcp_socket *socket, hp_tcp_end end)
{
    hp_dns_stream *s = user;
    s->busy = true;
    s->ops.ended(s->user, s);
    s->busy = false;
    if (s->dead) {
        destroy(s);
    }
}

hp_dns_stream *hp_dns_stream_new(hp_tcp_socket *socket, const hp_dns_stream_ops *ops, void *user)
{
    static const hp_tcp_ops tcp = {.connected = writable, .readable = readable, .writable = writable, .closed = closed};
    hp_dns_stream *s = g_new0(hp_dns_stream, 1);
    s->socket = socket;
    s->ops = *ops;
    s->user = user;
    s->in = g_byte_array_new();
    s->out = g_byte_array_new();
    hp_tcp_set_nodelay(socket, true);
    hp_tcp_set_ops(socket, &tcp, s);
    return s;
}

static void give_up(hp_dns_stream *s, bool quietly)
{
    if (s == NULL || s->dead) {
        return;
    }
    s->dead = true;
    hp_tcp_set_ops(s->socket, NULL, NULL);
    if (!quietly) {
        hp_tcp_close(s->socket);
    }
    if (!s->busy) {
        destroy(s);
    }
}

void hp_dns_stream_free(hp_dns_stream *s)
{
    give_up(s, false);
}

void hp_dns_stream_abandon(hp_dns_stream *s)
{
    give_up(s, true);
}

void hp_dns_stream_send(hp_dns_stream *s, const uint8_t *data, size_t len)
{
    uint8_t length[LENGTH];
    g_return_if_fail(!s->dead && len <= UINT16_MAX);
    hp_put16(length, (uint16_t)len);
    g_byte_array_append(s->out, length, LENGTH);
    g_byte_array_append(s->out, data, (guint)len);
    flush(s);
}

hp_addr hp_dns_stream_remote(const hp_dns_stream *s)
{
    return hp_tcp_remote(s->socket);
}

hp_addr hp_dns_stream_local(const hp_dns_stream *s)
{
    return hp_tcp_local(s->socket);
}
