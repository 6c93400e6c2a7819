/* The part of GSocket's interface that every socket's user calls, for simulated sockets: UDP (sim_socket.h) and TCP
 * (sim_stream.h).
 *
 * A socket made while an environment is entered is simulated; every other socket passes through to GIO, also while one
 * is entered. Errors are those of the kernel, as GIO reports them. A cancellable is looked at where GIO looks at it
 * first. A message of no parts is one zero byte to send, and one byte to be read and forgotten, on a TCP socket, as in
 * GIO. */
#include <errno.h>
#include <string.h>

#include "seam/env.h"
#include "seam/sim_socket.h"
#include "seam/sim_stream.h"
#include "seam/symbols.h"

enum { STACK_MESSAGE = 2048 };

GSocket *g_socket_new(GSocketFamily family, GSocketType type, GSocketProtocol protocol, GError **error)
{
    hp_seam_env *env = hp_seam_current();
    if (!env) {
        return HP_NEXT(g_socket_new)(family, type, protocol, error);
    }
    bool v6 = family == G_SOCKET_FAMILY_IPV6;
    if (v6 || family == G_SOCKET_FAMILY_IPV4) {
        uint8_t of = v6 ? HP_AF_IPV6 : HP_AF_IPV4;
        if (type == G_SOCKET_TYPE_DATAGRAM) {
            return (GSocket *)hp_sim_socket_new(env, of);
        }
        if (type == G_SOCKET_TYPE_STREAM) {
            return (GSocket *)hp_sim_stream_new(env, of);
        }
    }
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                        "Unable to create socket: simulated hosts have UDP and TCP over IPv4 and IPv6 only");
    return NULL;
}

static bool is_simulated(GSocket *socket)
{
    return hp_sim_socket_is(socket) || hp_sim_stream_is(socket);
}

gboolean g_socket_bind(GSocket *socket, GSocketAddress *address, gboolean allow_reuse, GError **error)
{
    if (!is_simulated(socket)) {
        return HP_NEXT(g_socket_bind)(socket, address, allow_reuse, error);
    }
    hp_addr local;
    if (!hp_sim_address_from_gio(address, &local)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                            "Error binding to address: Invalid argument");
        return FALSE;
    }
    return hp_sim_stream_is(socket) ? hp_sim_stream_bind((hp_sim_stream *)socket, &local, error)
                                    : hp_sim_socket_bind((hp_sim_socket *)socket, &local, error);
}

GSocketAddress *g_socket_get_local_address(GSocket *socket, GError **error)
{
    if (!is_simulated(socket)) {
        return HP_NEXT(g_socket_get_local_address)(socket, error);
    }
    if (hp_sim_condition(socket) == G_IO_NVAL) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CLOSED, "could not get local address: socket closed");
        return NULL;
    }
    hp_addr local = hp_sim_stream_is(socket) ? hp_sim_stream_local((hp_sim_stream *)socket)
                                             : hp_sim_socket_local((hp_sim_socket *)socket);
    return hp_sim_address_to_gio(&local);
}

void g_socket_set_blocking(GSocket *socket, gboolean blocking)
{
    /* Simulated ones never block. */
    if (!is_simulated(socket)) {
        HP_NEXT(g_socket_set_blocking)(socket, blocking);
    }
}

static bool set_option(GSocket *socket, int level, int option, int value)
{
    return hp_sim_stream_is(socket) ? hp_sim_stream_set_option((hp_sim_stream *)socket, level, option, value)
                                    : hp_sim_socket_set_option((hp_sim_socket *)socket, level, option, value);
}

gboolean g_socket_set_option(GSocket *socket, gint level, gint option, gint value, GError **error)
{
    if (!is_simulated(socket)) {
        return HP_NEXT(g_socket_set_option)(socket, level, option, value, error);
    }
    if (!set_option(socket, level, option, value)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, "Protocol not available");
        return FALSE;
    }
    return TRUE;
}

/* libnice sets the type of service on the descriptor itself. */
int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    hp_seam_env *env = hp_seam_current();
    GSocket *self = env ? hp_seam_socket_from_fd(env, fd) : NULL;
    if (!self) {
        return HP_NEXT(setsockopt)(fd, level, option, value, length);
    }
    int number;
    if (length < sizeof number) {
        errno = EINVAL;
        return -1;
    }
    memcpy(&number, value, sizeof number);
    if (!set_option(self, level, option, number)) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return 0;
}

int g_socket_get_fd(GSocket *socket)
{
    if (hp_sim_stream_is(socket)) {
        return hp_sim_stream_fd((hp_sim_stream *)socket);
    }
    return hp_sim_socket_is(socket) ? hp_sim_socket_fd((hp_sim_socket *)socket) : HP_NEXT(g_socket_get_fd)(socket);
}

gboolean g_socket_close(GSocket *socket, GError **error)
{
    if (!is_simulated(socket)) {
        return HP_NEXT(g_socket_close)(socket, error);
    }
    if (hp_sim_stream_is(socket)) {
        hp_sim_stream_close((hp_sim_stream *)socket);
    } else {
        hp_sim_socket_close((hp_sim_socket *)socket);
    }
    return TRUE;
}

GIOCondition g_socket_condition_check(GSocket *socket, GIOCondition condition)
{
    if (!is_simulated(socket)) {
        return HP_NEXT(g_socket_condition_check)(socket, condition);
    }
    /* GIO, too, always looks for the last three. */
    return hp_sim_condition(socket) & (condition | G_IO_HUP | G_IO_ERR | G_IO_NVAL);
}

GSource *g_socket_create_source(GSocket *socket, GIOCondition condition, GCancellable *cancellable)
{
    if (!is_simulated(socket)) {
        return HP_NEXT(g_socket_create_source)(socket, condition, cancellable);
    }
    GSource *source = hp_sim_source_new(socket, condition);
    if (cancellable) {
        g_autoptr(GSource) cancelled = g_cancellable_source_new(cancellable);
        g_source_add_child_source(source, cancelled);
        g_source_set_dummy_callback(cancelled);
    }
    return source;
}

/* ---- sending ---- */

static size_t vectors_size(const GOutputVector *vectors, gint n)
{
    size_t size = 0;
    for (gint i = 0; n < 0 ? vectors[i].buffer != NULL : i < n; i++) {
        size += vectors[i].size;
    }
    return size;
}

static void gather(const GOutputVector *vectors, gint n, uint8_t *out)
{
    for (gint i = 0; n < 0 ? vectors[i].buffer != NULL : i < n; i++) {
        if (vectors[i].size) {
            memcpy(out, vectors[i].buffer, vectors[i].size);
            out += vectors[i].size;
        }
    }
}

/* Tells a live environment what passes by on its way to the kernel. A datagram of several parts is put together for
 * that; one of more than STACK_MESSAGE bytes is not of interest then: a connectivity check is far shorter. */
static void tell_sent(const GOutputVector *vectors, gint n)
{
    const hp_seam_env *env = hp_seam_innermost();
    if (!env || !env->bridge || !env->sent) {
        return;
    }
    size_t length = vectors_size(vectors, n);
    uint8_t message[STACK_MESSAGE];
    if (n == 1) {
        env->sent(env->sent_user, vectors[0].buffer, length);
    } else if (length <= sizeof message) {
        gather(vectors, n, message);
        env->sent(env->sent_user, message, length);
    }
}

static gssize send_to(hp_sim_socket *self, GSocketAddress *address, const uint8_t *data, size_t length, GError **error)
{
    hp_addr to;
    if (!address || !hp_sim_address_from_gio(address, &to)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED,
                            "Error sending message: Destination address required");
        return -1;
    }
    return hp_sim_socket_send(self, &to, data, length, error) ? (gssize)length : -1;
}

static gssize send_bytes(GSocket *socket, GSocketAddress *address, const uint8_t *data, size_t length, GError **error)
{
    return hp_sim_stream_is(socket) ? hp_sim_stream_send((hp_sim_stream *)socket, data, length, error)
                                    : send_to((hp_sim_socket *)socket, address, data, length, error);
}

static gssize send_vectors(GSocket *socket, GSocketAddress *address, const GOutputVector *vectors, gint n,
                           GError **error)
{
    size_t length = vectors_size(vectors, n);
    if (n == 1) {
        return send_bytes(socket, address, vectors[0].buffer, length, error);
    }
    uint8_t on_stack[STACK_MESSAGE] = {0};
    if (n == 0 && hp_sim_stream_is(socket)) {
        return send_bytes(socket, address, on_stack, 1, error);
    }
    uint8_t *message = length > sizeof on_stack ? g_malloc(length) : on_stack;
    gather(vectors, n, message);
    gssize sent = send_bytes(socket, address, message, length, error);
    if (message != on_stack) {
        g_free(message);
    }
    return sent;
}

gssize g_socket_send_message(GSocket *socket, GSocketAddress *address, GOutputVector *vectors, gint num_vectors,
                             GSocketControlMessage **messages, gint num_messages, gint flags, GCancellable *cancellable,
                             GError **error)
{
    if (!is_simulated(socket)) {
        tell_sent(vectors, num_vectors);
        return HP_NEXT(g_socket_send_message)(socket, address, vectors, num_vectors, messages, num_messages, flags,
                                              cancellable, error);
    }
    if (g_cancellable_set_error_if_cancelled(cancellable, error)) {
        return -1;
    }
    return send_vectors(socket, address, vectors, num_vectors, error);
}

/* How many were sent; an error counts only when it struck the first. */
gint g_socket_send_messages(GSocket *socket, GOutputMessage *messages, guint num_messages, gint flags,
                            GCancellable *cancellable, GError **error)
{
    if (!is_simulated(socket)) {
        for (guint i = 0; i < num_messages; i++) {
            tell_sent(messages[i].vectors, (gint)messages[i].num_vectors);
        }
        return HP_NEXT(g_socket_send_messages)(socket, messages, num_messages, flags, cancellable, error);
    }
    if (g_cancellable_set_error_if_cancelled(cancellable, error)) {
        return -1;
    }
    for (guint i = 0; i < num_messages; i++) {
        GOutputMessage *m = &messages[i];
        gssize sent = send_vectors(socket, m->address, m->vectors, (gint)m->num_vectors, i == 0 ? error : NULL);
        if (sent < 0) {
            return i == 0 ? -1 : (gint)i;
        }
        m->bytes_sent = (guint)sent;
    }
    return (gint)num_messages;
}

/* ---- receiving ---- */

static size_t scatter(const uint8_t *data, size_t length, const GInputVector *vectors, gint n)
{
    size_t done = 0;
    for (gint i = 0; (n < 0 ? vectors[i].buffer != NULL : i < n) && done < length; i++) {
        size_t part = MIN(vectors[i].size, length - done);
        if (part) {
            memcpy(vectors[i].buffer, data + done, part);
            done += part;
        }
    }
    return done;
}

static gssize receive_datagram(hp_sim_socket *self, GSocketAddress **address, GInputVector *vectors, gint n, bool peek,
                               gint *flags, GError **error)
{
    hp_sim_datagram d;
    if (!hp_sim_socket_peek(self, &d)) {
        bool closed = hp_sim_socket_is_closed(self);
        g_set_error_literal(error, G_IO_ERROR, closed ? G_IO_ERROR_CLOSED : G_IO_ERROR_WOULD_BLOCK,
                            closed ? "Socket is already closed"
                                   : "Error receiving message: Resource temporarily unavailable");
        return -1;
    }
    size_t length = scatter(d.data, d.length, vectors, n);
    if (address) {
        *address = hp_sim_socket_sender(self, &d.from);
    }
    if (flags) {
        *flags = length < d.length ? MSG_TRUNC : 0;
    }
    if (!peek) {
        hp_sim_socket_pop(self);
    }
    return (gssize)length;
}

/* No address: recvmsg() tells none of a connected socket, and GIO then gives NULL. */
static gssize receive_bytes(hp_sim_stream *self, GSocketAddress **address, GInputVector *vectors, gint n, bool peek,
                            gint *flags, GError **error)
{
    uint8_t on_stack[STACK_MESSAGE], forgotten;
    GInputVector one = {&forgotten, 1};
    gssize length;
    if (n == 0) {
        vectors = &one;
        n = 1;
    }
    if (n == 1) {
        length = hp_sim_stream_receive(self, vectors[0].buffer, vectors[0].size, peek, error);
    } else {
        size_t cap = 0;
        for (gint i = 0; n < 0 ? vectors[i].buffer != NULL : i < n; i++) {
            cap += vectors[i].size;
        }
        uint8_t *bytes = cap > sizeof on_stack ? g_malloc(cap) : on_stack;
        length = hp_sim_stream_receive(self, bytes, cap, peek, error);
        if (length > 0) {
            scatter(bytes, (size_t)length, vectors, n);
        }
        if (bytes != on_stack) {
            g_free(bytes);
        }
    }
    if (length >= 0 && address) {
        *address = NULL;
    }
    if (length >= 0 && flags) {
        *flags = 0;
    }
    return length;
}

gssize g_socket_receive_message(GSocket *socket, GSocketAddress **address, GInputVector *vectors, gint num_vectors,
                                GSocketControlMessage ***messages, gint *num_messages, gint *flags,
                                GCancellable *cancellable, GError **error)
{
    if (!is_simulated(socket)) {
        return HP_NEXT(g_socket_receive_message)(socket, address, vectors, num_vectors, messages, num_messages, flags,
                                                 cancellable, error);
    }
    if (g_cancellable_set_error_if_cancelled(cancellable, error)) {
        return -1;
    }
    bool peek = flags && (*flags & G_SOCKET_MSG_PEEK);
    gssize length = hp_sim_stream_is(socket)
                        ? receive_bytes((hp_sim_stream *)socket, address, vectors, num_vectors, peek, flags, error)
                        : receive_datagram((hp_sim_socket *)socket, address, vectors, num_vectors, peek, flags, error);
    if (length >= 0 && messages) {
        *messages = NULL;
    }
    if (length >= 0 && num_messages) {
        *num_messages = 0;
    }
    return length;
}
