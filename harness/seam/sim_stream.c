/* A simulated TCP socket's life: a GObject that is a GSocket by type alone (as sim_socket.c says of UDP), in front of a
 * listener or a connection of the host's TCP.
 *
 *     new --bind--> bound --listen--> listening --accept--> (another one, connected)
 *      |              |
 *      +---connect----+--> connecting --> connected --> ended
 *
 * close is legal in every state. Everything is non-blocking, as libnice wants its sockets: connect() sends the SYN and
 * reports G_IO_ERROR_PENDING, accept() and reads report WOULD_BLOCK.
 *
 * bind() is what the kernel makes of it: it takes a port, and it is refused (EINVAL) once the socket has one, be it
 * from an earlier bind() or from connect(), which chooses one. libnice 0.1.21 binds after connecting and takes no
 * notice of the refusal.
 *
 * The connection's callbacks only note what poll() and SO_ERROR would say, and ask for a turn of the context: readiness
 * is a level, and the sources look at it (source.c). An error is told once, to whoever asks first (a read, a write, the
 * connect result), and stands in G_IO_ERR until then; what came before it can still be read, as on Linux.
 *
 * GIO keeps two notes of its own beside the kernel's state, and libnice depends on them: a socket counts as connected
 * only once its connect result has been asked for and was good, and it forgets the remote address when it was bad.
 *
 * Limits: no backlog but the host's (HP_TCP_BACKLOG): an established connection waits for accept() however many do.
 * A port that bind() names is not refused though other connections have it (as with SO_REUSEADDR); a second listener
 * is. While the environment is drained nothing is sent: connections are left as they are, and go with their host. */
#include <errno.h>

#include "base/error.h"
#include "seam/sim_stream_private.h"

/* The names of a GObject type's functions are fixed by its macro. */
G_DEFINE_FINAL_TYPE(hp_sim_stream, hp_sim_stream, G_TYPE_SOCKET)

static void constructed(GObject *object)
{
    /* Not chained up, on purpose: GSocket would open a descriptor. */
}

static void finalize(GObject *object)
{
    hp_sim_stream_close((hp_sim_stream *)object);
    G_OBJECT_CLASS(hp_sim_stream_parent_class)->finalize(object);
}

static void hp_sim_stream_class_init(hp_sim_streamClass *klass)
{
    G_OBJECT_CLASS(klass)->constructed = constructed;
    G_OBJECT_CLASS(klass)->finalize = finalize;
}

static void hp_sim_stream_init(hp_sim_stream *self)
{
    g_queue_init(&self->waiting);
}

hp_sim_stream *hp_sim_stream_new(hp_seam_env *env, uint8_t family)
{
    hp_sim_stream *self = g_object_new(HP_TYPE_SIM_STREAM, NULL);
    self->env = env;
    self->family = family;
    self->local = (hp_addr){.family = family};
    self->slot = hp_seam_take_slot(env, (GSocket *)self);
    return self;
}

bool hp_sim_stream_fail(GError **error, int number, const char *what)
{
    g_set_error(error, G_IO_ERROR, (gint)g_io_error_from_errno(number), "%s: %s", what, g_strerror(number));
    return false;
}

bool hp_sim_stream_check_open(const hp_sim_stream *self, GError **error)
{
    if (self->closed) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CLOSED, "Socket is already closed");
    }
    return !self->closed;
}

int hp_sim_stream_fd(const hp_sim_stream *self)
{
    return self->closed ? -1 : HP_SEAM_FD_BASE + (int)self->slot;
}

/* ---- what the connection tells ---- */

/* Something that a source may look at has changed. */
static void changed(hp_sim_stream *self)
{
    hp_seam_disturb(self->env);
}

static int errno_of(const hp_sim_stream *self, hp_tcp_end end)
{
    switch (end) {
    case HP_TCP_END_REFUSED:
        return ECONNREFUSED;
    case HP_TCP_END_UNREACHABLE:
        return EHOSTUNREACH;
    case HP_TCP_END_RESET: /* a reset behind the FIN can only mean what we wrote meanwhile */
        return self->peer_finished ? EPIPE : ECONNRESET;
    case HP_TCP_END_TIMED_OUT:
        return ETIMEDOUT;
    case HP_TCP_END_NONE:
    case HP_TCP_END_FINISHED:
    case HP_TCP_END_ABORTED:
        return 0;
    }
    return 0;
}

static bool peer_has_finished(hp_tcp_state state)
{
    switch (state) {
    case HP_TCP_CLOSE_WAIT:
    case HP_TCP_CLOSING:
    case HP_TCP_LAST_ACK:
    case HP_TCP_TIME_WAIT:
        return true;
    case HP_TCP_CLOSED:
    case HP_TCP_LISTEN:
    case HP_TCP_SYN_SENT:
    case HP_TCP_SYN_RECEIVED:
    case HP_TCP_ESTABLISHED:
    case HP_TCP_FIN_WAIT_1:
    case HP_TCP_FIN_WAIT_2:
        return false;
    }
    return false;
}

static void on_connected(void *user, hp_tcp_socket *tcp)
{
    changed(user);
}

static void on_readable(void *user, hp_tcp_socket *tcp)
{
    hp_sim_stream *self = user;
    self->record = hp_tcp_last_record(tcp);
    self->peer_finished = self->peer_finished || peer_has_finished(hp_tcp_get_state(tcp));
    changed(self);
}

static void on_writable(void *user, hp_tcp_socket *tcp)
{
    hp_sim_stream *self = user;
    self->full = false;
    changed(self);
}

static void on_closed(void *user, hp_tcp_socket *tcp, hp_tcp_end end)
{
    hp_sim_stream *self = user;
    self->error = errno_of(self, end);
    changed(self);
}

static const hp_tcp_ops tcp_ops = {
    .connected = on_connected, .readable = on_readable, .writable = on_writable, .closed = on_closed};

bool hp_sim_stream_has_ended(const hp_sim_stream *self)
{
    return self->tcp && hp_tcp_get_end(self->tcp) != HP_TCP_END_NONE;
}

/* ---- local address ---- */

bool hp_sim_stream_bind(hp_sim_stream *self, const hp_addr *local, GError **error)
{
    static const char what[] = "Error binding to address";
    g_autoptr(GError) why = NULL;
    if (!hp_sim_stream_check_open(self, error)) {
        return false;
    }
    if (self->bound || self->tcp || self->listener) {
        return hp_sim_stream_fail(error, EINVAL, what);
    }
    if (local->family != self->family) {
        return hp_sim_stream_fail(error, EAFNOSUPPORT, what);
    }
    if (!hp_tcp_reserve(self->env->host, local, &self->local, &why)) {
        bool no_port = g_error_matches(why, HP_ERROR, HP_ERROR_LIMIT);
        return hp_sim_stream_fail(error, no_port ? EADDRINUSE : EADDRNOTAVAIL, what);
    }
    self->bound = true;
    return true;
}

static void unbind(hp_sim_stream *self)
{
    if (self->bound) {
        self->bound = false;
        hp_tcp_release(self->env->host, &self->local);
    }
}

hp_addr hp_sim_stream_local(const hp_sim_stream *self)
{
    if (self->tcp) {
        return hp_tcp_local(self->tcp);
    }
    return self->listener ? hp_tcp_listener_local(self->listener) : self->local;
}

/* ---- listening ---- */

static void on_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *tcp)
{
    hp_sim_stream *self = user;
    g_queue_push_tail(&self->waiting, tcp);
    changed(self);
}

bool hp_sim_stream_listen(hp_sim_stream *self, GError **error)
{
    static const hp_tcp_listener_ops ops = {.accepted = on_accepted};
    static const char what[] = "could not listen";
    g_autoptr(GError) why = NULL;
    if (!hp_sim_stream_check_open(self, error)) {
        return false;
    }
    if (self->listener) {
        return true;
    }
    if (self->tcp) {
        return hp_sim_stream_fail(error, EINVAL, what);
    }
    self->listener = hp_tcp_listen(self->env->host, &self->local, &ops, self, &why);
    if (!self->listener) {
        return hp_sim_stream_fail(error, EADDRINUSE, what);
    }
    return true;
}

hp_sim_stream *hp_sim_stream_accept(hp_sim_stream *self, GError **error)
{
    static const char what[] = "Error accepting connection";
    if (!hp_sim_stream_check_open(self, error)) {
        return NULL;
    }
    hp_tcp_socket *tcp = self->listener ? g_queue_pop_head(&self->waiting) : NULL;
    if (!tcp) {
        hp_sim_stream_fail(error, self->listener ? EAGAIN : EINVAL, what);
        return NULL;
    }
    hp_sim_stream *accepted = hp_sim_stream_new(self->env, self->family);
    accepted->tcp = tcp;
    hp_tcp_set_ops(tcp, &tcp_ops, accepted);
    accepted->remote = hp_tcp_remote(tcp);
    accepted->has_remote = accepted->connected_read = accepted->connected_write = true;
    accepted->record = hp_tcp_last_record(tcp);
    accepted->peer_finished = peer_has_finished(hp_tcp_get_state(tcp));
    accepted->error = errno_of(accepted, hp_tcp_get_end(tcp)); /* while it waited */
    accepted->options = self->options;
    hp_sim_stream_apply_options(accepted);
    return accepted;
}

/* ---- connecting ---- */

static int errno_in_state(const hp_sim_stream *self)
{
    if (self->listener) {
        return EISCONN;
    }
    if (!self->tcp) {
        return 0;
    }
    return self->connect_pending && hp_tcp_get_state(self->tcp) == HP_TCP_SYN_SENT ? EALREADY : EISCONN;
}

bool hp_sim_stream_connect(hp_sim_stream *self, const hp_addr *remote, GError **error)
{
    static const char what[] = "Error connecting";
    g_autoptr(GError) why = NULL;
    if (!hp_sim_stream_check_open(self, error)) {
        return false;
    }
    self->remote = *remote; /* GIO remembers it whatever comes of it */
    self->has_remote = true;
    int refused = errno_in_state(self);
    if (refused != 0) {
        return hp_sim_stream_fail(error, refused, what);
    }
    if (remote->family != self->family) {
        return hp_sim_stream_fail(error, EAFNOSUPPORT, what);
    }
    if (!self->env->muted) {
        self->tcp = hp_tcp_connect(self->env->host, &self->local, remote, &tcp_ops, self, &why);
    }
    if (!self->tcp) {
        bool no_port = g_error_matches(why, HP_ERROR, HP_ERROR_LIMIT);
        return hp_sim_stream_fail(error, no_port ? EADDRNOTAVAIL : ENETUNREACH, what);
    }
    hp_sim_stream_apply_options(self);
    self->connect_pending = true;
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_PENDING, "Connection in progress");
    return false;
}

bool hp_sim_stream_check_connect_result(hp_sim_stream *self, GError **error)
{
    if (!hp_sim_stream_check_open(self, error)) {
        return false;
    }
    if (self->error != 0) {
        hp_sim_stream_fail(error, self->error, "Error connecting");
        self->error = 0;
        self->has_remote = false;
        return false;
    }
    self->connected_read = self->connected_write = true;
    return true;
}

bool hp_sim_stream_is_connected(const hp_sim_stream *self)
{
    return self->connected_read || self->connected_write;
}

bool hp_sim_stream_remote(hp_sim_stream *self, hp_addr *ret, GError **error)
{
    if (!hp_sim_stream_check_open(self, error)) {
        return false;
    }
    if (self->connect_pending) {
        if (!hp_sim_stream_check_connect_result(self, error)) {
            return false;
        }
        self->connect_pending = false;
    }
    if (!self->has_remote) {
        return hp_sim_stream_fail(error, ENOTCONN, "could not get remote address");
    }
    *ret = self->remote;
    return true;
}

/* ---- closing ---- */

void hp_sim_stream_close(hp_sim_stream *self)
{
    if (self->closed || !self->env) {
        return;
    }
    self->closed = true;
    if (self->listener) {
        hp_tcp_listener_close(self->listener);
        self->listener = NULL;
    }
    hp_tcp_socket *tcp;
    while ((tcp = g_queue_pop_head(&self->waiting)) != NULL) {
        if (!self->env->muted) {
            hp_tcp_abort(tcp);
        }
    }
    if (self->tcp) {
        hp_tcp_set_ops(self->tcp, NULL, NULL);
        if (!self->env->muted) {
            hp_tcp_close(self->tcp);
        }
        self->tcp = NULL;
    }
    unbind(self);
    self->connected_read = self->connected_write = false;
    hp_seam_free_slot(self->env, self->slot);
}
