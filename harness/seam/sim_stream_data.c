/* What a simulated TCP socket does with data, what poll() says of it, and its options.
 *
 * Reads come in this order, as on Linux: what has arrived; the end (0 bytes) where the other side said that it was; an
 * error that nobody was told (one behind such an end is for who writes); any other end; WOULD_BLOCK. Writes: an error
 * that nobody was told; EPIPE after the end or a shutdown; WOULD_BLOCK while connecting or with a full buffer; else as
 * much as fits. A message of several parts is one write, so that with TCP_NODELAY it is one segment.
 *
 * poll() says HUP when nothing will go either way any more, and for a socket that was never connected; IN at the end of
 * the data, too; OUT also when writing can only fail. After a write that was not taken whole there is room when a third
 * of the buffer is free (tcp.h), as on Linux; before one, as long as a byte fits. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "seam/sim_stream_private.h"

/* ---- conditions ---- */

static bool is_connecting(const hp_sim_stream *self)
{
    hp_tcp_state state = hp_tcp_get_state(self->tcp);
    return state == HP_TCP_SYN_SENT || state == HP_TCP_SYN_RECEIVED;
}

static bool nothing_comes(const hp_sim_stream *self)
{
    return self->shut_read || self->peer_finished || hp_sim_stream_has_ended(self);
}

static bool nothing_goes(const hp_sim_stream *self)
{
    return self->shut_write || hp_sim_stream_has_ended(self);
}

GIOCondition hp_sim_stream_condition(const hp_sim_stream *self)
{
    if (self->closed) {
        return G_IO_NVAL;
    }
    if (self->listener) {
        return self->waiting.length == 0 ? 0 : G_IO_IN;
    }
    if (!self->tcp) {
        return G_IO_HUP | G_IO_OUT;
    }
    GIOCondition now = self->error != 0 ? G_IO_ERR : 0;
    bool in_end = nothing_comes(self), out_end = nothing_goes(self);
    now |= in_end && out_end ? G_IO_HUP : 0;
    now |= in_end || hp_tcp_available(self->tcp) > 0 ? G_IO_IN : 0;
    if (!is_connecting(self)) {
        now |= out_end || (!self->full && hp_tcp_room(self->tcp) > 0) ? G_IO_OUT : 0;
    }
    return now;
}

/* ---- data ---- */

/* The error that nobody was told; 0: none. */
static int take_error(hp_sim_stream *self)
{
    int error = self->error;
    self->error = 0;
    return error;
}

static int send_failure(hp_sim_stream *self)
{
    int error = take_error(self);
    if (error != 0) {
        return error;
    }
    return !self->tcp || nothing_goes(self) ? EPIPE : 0;
}

gssize hp_sim_stream_send(hp_sim_stream *self, const void *data, size_t length, GError **error)
{
    static const char what[] = "Error sending message";
    if (!hp_sim_stream_check_open(self, error)) {
        return -1;
    }
    int failure = send_failure(self);
    if (failure != 0) {
        hp_sim_stream_fail(error, failure, what);
        return -1;
    }
    if (self->env->muted) {
        return (gssize)length;
    }
    size_t taken = is_connecting(self) ? 0 : hp_tcp_send(self->tcp, data, length);
    self->full |= taken < length;
    if (taken == 0 && (length > 0 || is_connecting(self))) {
        hp_sim_stream_fail(error, EAGAIN, what);
        return -1;
    }
    if (self->env->sent) {
        self->env->sent(self->env->sent_user, data, taken);
    }
    return (gssize)taken;
}

static int receive_failure(hp_sim_stream *self)
{
    if (!self->tcp) {
        return ENOTCONN;
    }
    if (self->peer_finished) {
        return 0;
    }
    int error = take_error(self);
    return error != 0 ? error : nothing_comes(self) ? 0 : EAGAIN;
}

gssize hp_sim_stream_receive(hp_sim_stream *self, void *out, size_t cap, bool peek, GError **error)
{
    if (!hp_sim_stream_check_open(self, error)) {
        return -1;
    }
    size_t available = self->tcp ? hp_tcp_available(self->tcp) : 0;
    if (available > 0) {
        if (peek) {
            return (gssize)hp_tcp_peek(self->tcp, out, cap);
        }
        if (self->record != 0) {
            self->env->last_record = self->record;
        }
        return (gssize)hp_tcp_recv(self->tcp, out, cap);
    }
    int failure = receive_failure(self);
    if (failure != 0) {
        hp_sim_stream_fail(error, failure, "Error receiving message");
        return -1;
    }
    return 0;
}

gssize hp_sim_stream_available(const hp_sim_stream *self)
{
    if (self->closed || self->listener) {
        return -1;
    }
    return self->tcp ? (gssize)hp_tcp_available(self->tcp) : 0;
}

bool hp_sim_stream_shutdown(hp_sim_stream *self, bool read, bool write, GError **error)
{
    if (!hp_sim_stream_check_open(self, error)) {
        return false;
    }
    if (!read && !write) {
        return true;
    }
    if (!self->tcp || hp_sim_stream_has_ended(self)) {
        return hp_sim_stream_fail(error, ENOTCONN, "Unable to shutdown socket");
    }
    self->shut_read |= read;
    if (write && !self->shut_write) {
        self->shut_write = true;
        if (!self->env->muted) {
            hp_tcp_shutdown(self->tcp);
        }
    }
    self->connected_read &= !read;
    self->connected_write &= !write;
    hp_seam_disturb(self->env);
    return true;
}

/* ---- options ---- */

static void apply_keepalive(hp_sim_stream *self)
{
    const hp_tcp_config *usual = hp_tcp_get_config(self->env->host);
    const stream_options *o = &self->options;
    hp_tcp_set_keepalive(self->tcp, o->keepalive,
                         o->keepalive_idle_s ? o->keepalive_idle_s * HP_S : usual->keepalive_idle_ns,
                         o->keepalive_interval_s ? o->keepalive_interval_s * HP_S : usual->keepalive_interval_ns,
                         o->keepalive_count ? o->keepalive_count : usual->keepalive_count);
}

void hp_sim_stream_apply_options(hp_sim_stream *self)
{
    const stream_options *o = &self->options;
    if (!self->tcp || self->env->muted) {
        return;
    }
    hp_tcp_set_nodelay(self->tcp, o->nodelay);
    hp_tcp_set_tos(self->tcp, o->tos);
    if (o->keepalive) {
        apply_keepalive(self);
    }
    if (o->user_timeout_ms > 0) {
        hp_tcp_set_user_timeout(self->tcp, o->user_timeout_ms * HP_MS);
    }
}

static bool set_tcp_option(hp_sim_stream *self, int option, int value)
{
    stream_options *o = &self->options;
    if (option == TCP_NODELAY) {
        o->nodelay = value != 0;
    } else if (option == TCP_KEEPIDLE && value > 0) {
        o->keepalive_idle_s = (unsigned)value;
    } else if (option == TCP_KEEPINTVL && value > 0) {
        o->keepalive_interval_s = (unsigned)value;
    } else if (option == TCP_KEEPCNT && value > 0) {
        o->keepalive_count = (unsigned)value;
    } else if (option == TCP_USER_TIMEOUT && value >= 0) {
        o->user_timeout_ms = (unsigned)value;
        if (self->tcp && value == 0) {
            hp_tcp_set_user_timeout(self->tcp, 0);
        }
    } else {
        return false;
    }
    return true;
}

bool hp_sim_stream_set_option(hp_sim_stream *self, int level, int option, int value)
{
    bool v6 = self->family == HP_AF_IPV6;
    bool was_alive = self->options.keepalive;
    if (self->closed) {
        return false;
    }
    if (level == IPPROTO_TCP) {
        if (!set_tcp_option(self, option, value)) {
            return false;
        }
    } else if (level == SOL_SOCKET && option == SO_KEEPALIVE) {
        self->options.keepalive = value != 0;
    } else if (level == (v6 ? IPPROTO_IPV6 : IPPROTO_IP) && option == (v6 ? IPV6_TCLASS : IP_TOS)) {
        self->options.tos = (uint8_t)value;
    } else {
        return level == SOL_SOCKET && option == SO_REUSEADDR; /* hosts always allow it */
    }
    hp_sim_stream_apply_options(self);
    if (self->tcp && was_alive && !self->options.keepalive) {
        apply_keepalive(self);
    }
    return true;
}
