/* A simulated UDP socket: a GObject that is a GSocket by type alone.
 *
 * The class does not chain up in `constructed`, so that GSocket never opens a descriptor; its private fields stay at
 * their defaults and no function of GIO's own may be called on it: socket.c catches all that libnice calls.
 *
 * Datagrams that arrive wait in one buffer of bytes, each behind a small header. It is read from the front and written
 * at the back; when the reader has caught up it starts again at 0, so in the steady state nothing is allocated for
 * a datagram. Its limit is that of a Linux socket's receive buffer, with the kernel's bookkeeping counted as roughly
 * SKB_OVERHEAD a datagram; what does not fit is dropped and traced ("receive-buffer").
 *
 * ICMP errors are not reported to the socket: Linux tells an unconnected UDP socket nothing unless it sets IP_RECVERR,
 * which libnice does not. */
#include "seam/sim_socket.h"

#include <netinet/in.h>
#include <string.h>

#include "base/error.h"
#include "seam/env.h"

enum {
    RECEIVE_BUFFER = 212992, /* net.core.rmem_default */
    SKB_OVERHEAD = 576,
    KEPT_CAPACITY = 4096, /* an empty buffer larger than this is given back */
    MAX_UDP_PAYLOAD = 65507,
};

typedef struct queued {
    hp_addr from;
    uint32_t record, length;
} queued;

struct _hp_sim_socket {
    GSocket parent;
    hp_seam_env *env;
    hp_socket *socket; /* NULL until bound, and after close */
    unsigned slot;
    bool closed;
    uint8_t family;
    hp_send_options options;
    uint8_t *bytes; /* queued datagrams from head to tail */
    size_t head, tail, capacity;
    unsigned n_queued;
    hp_addr sender;
    GSocketAddress *sender_gio; /* of `sender` */
};

/* The names of a GObject type's functions are fixed by its macro. */
G_DEFINE_FINAL_TYPE(hp_sim_socket, hp_sim_socket, G_TYPE_SOCKET)

static void constructed(GObject *object)
{
    /* Not chained up, on purpose: see above. */
}

static void finalize(GObject *object)
{
    hp_sim_socket *self = (hp_sim_socket *)object;
    hp_sim_socket_close(self);
    g_clear_object(&self->sender_gio);
    G_OBJECT_CLASS(hp_sim_socket_parent_class)->finalize(object);
}

static void hp_sim_socket_class_init(hp_sim_socketClass *klass)
{
    G_OBJECT_CLASS(klass)->constructed = constructed;
    G_OBJECT_CLASS(klass)->finalize = finalize;
}

static void hp_sim_socket_init(hp_sim_socket *self)
{
}

hp_sim_socket *hp_sim_socket_new(hp_seam_env *env, uint8_t family)
{
    hp_sim_socket *self = g_object_new(HP_TYPE_SIM_SOCKET, NULL);
    self->env = env;
    self->family = family;
    self->slot = hp_seam_take_slot(env, (GSocket *)self);
    return self;
}

/* ---- arrival ---- */

static void make_room(hp_sim_socket *self, size_t needed)
{
    if (self->tail + needed <= self->capacity) {
        return;
    }
    size_t waiting = self->tail - self->head;
    if (self->head) {
        memmove(self->bytes, self->bytes + self->head, waiting);
        self->head = 0;
        self->tail = waiting;
    }
    if (waiting + needed > self->capacity) {
        self->capacity = MAX(waiting + needed, MAX(2048, 2 * self->capacity));
        self->bytes = g_realloc(self->bytes, self->capacity);
    }
}

static size_t padded(size_t length)
{
    return (length + 7) & ~(size_t)7;
}

static void trace_overflow(const hp_sim_socket *self, const hp_datagram *d)
{
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &d->from, &d->to, d->data, d->length);
    p->uid = d->uid;
    p->ttl = d->ttl;
    p->tos = d->tos;
    p->last_record = d->record;
    hp_trace_drop(hp_world_trace(self->env->world), hp_world_now(self->env->world), hp_host_name(self->env->host), p,
                  HP_DROP_RECV_BUFFER, NULL);
}

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    hp_sim_socket *self = user;
    size_t charged = self->tail - self->head + (size_t)self->n_queued * SKB_OVERHEAD;
    if (charged + d->length + SKB_OVERHEAD > RECEIVE_BUFFER) {
        trace_overflow(self, d);
        return;
    }
    size_t needed = padded(sizeof(queued) + d->length);
    make_room(self, needed);
    queued header = {.from = d->from, .record = d->record, .length = (uint32_t)d->length};
    memcpy(self->bytes + self->tail, &header, sizeof header);
    if (d->length) {
        memcpy(self->bytes + self->tail + sizeof header, d->data, d->length);
    }
    self->tail += needed;
    self->n_queued++;
    self->env->n_queued++;
    hp_seam_notify(self->env);
}

static const hp_socket_ops socket_ops = {.datagram = on_datagram};

GIOCondition hp_sim_socket_condition(const hp_sim_socket *self)
{
    return self->closed ? G_IO_NVAL : G_IO_OUT | (self->n_queued > 0 ? G_IO_IN : 0);
}

bool hp_sim_socket_peek(const hp_sim_socket *self, hp_sim_datagram *ret)
{
    if (self->n_queued == 0) {
        return false;
    }
    queued header;
    memcpy(&header, self->bytes + self->head, sizeof header);
    *ret = (hp_sim_datagram){.from = header.from,
                             .record = header.record,
                             .length = header.length,
                             .data = self->bytes + self->head + sizeof header};
    return true;
}

void hp_sim_socket_pop(hp_sim_socket *self)
{
    queued header;
    memcpy(&header, self->bytes + self->head, sizeof header);
    self->env->last_record = header.record;
    self->head += padded(sizeof header + header.length);
    self->env->n_queued--;
    if (--self->n_queued == 0) {
        self->head = self->tail = 0;
        if (self->capacity > KEPT_CAPACITY) {
            g_clear_pointer(&self->bytes, g_free);
            self->capacity = 0;
        }
    }
}

/* ---- life ---- */

bool hp_sim_socket_bind(hp_sim_socket *self, const hp_addr *local, GError **error)
{
    if (self->closed || self->socket) {
        g_set_error_literal(error, G_IO_ERROR, self->closed ? G_IO_ERROR_CLOSED : G_IO_ERROR_INVALID_ARGUMENT,
                            "Error binding to address: socket closed or bound already");
        return false;
    }
    if (local->family != self->family) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                            "Error binding to address: Address family not supported by protocol");
        return false;
    }
    self->socket = hp_host_bind(self->env->host, local, &socket_ops, self, NULL);
    if (!self->socket) {
        hp_addr ip = hp_addr_with_port(*local, 0);
        bool ours = hp_addr_is_unspecified(&ip) || hp_host_interface_of(self->env->host, &ip) >= 0;
        g_set_error_literal(error, G_IO_ERROR, ours ? G_IO_ERROR_ADDRESS_IN_USE : G_IO_ERROR_FAILED,
                            ours ? "Error binding to address: Address already in use"
                                 : "Error binding to address: Cannot assign requested address");
        return false;
    }
    return true;
}

void hp_sim_socket_close(hp_sim_socket *self)
{
    if (self->closed || !self->env) {
        return;
    }
    self->closed = true;
    if (self->socket) {
        hp_socket_close(self->socket);
        self->socket = NULL;
    }
    g_clear_pointer(&self->bytes, g_free);
    self->head = self->tail = self->capacity = 0;
    self->env->n_queued -= self->n_queued;
    self->n_queued = 0;
    hp_seam_free_slot(self->env, self->slot);
}

bool hp_sim_socket_is_closed(const hp_sim_socket *self)
{
    return self->closed;
}

hp_addr hp_sim_socket_local(const hp_sim_socket *self)
{
    if (self->socket) {
        return hp_socket_local(self->socket);
    }
    return (hp_addr){.family = self->family};
}

int hp_sim_socket_fd(const hp_sim_socket *self)
{
    return self->closed ? -1 : HP_SEAM_FD_BASE + (int)self->slot;
}

bool hp_sim_socket_set_option(hp_sim_socket *self, int level, int option, int value)
{
    bool v6 = self->family == HP_AF_IPV6;
    if (level != (v6 ? IPPROTO_IPV6 : IPPROTO_IP)) {
        return false;
    }
    if (option == (v6 ? IPV6_TCLASS : IP_TOS)) {
        self->options.tos = (uint8_t)value;
        return true;
    }
    if (option == (v6 ? IPV6_UNICAST_HOPS : IP_TTL)) {
        self->options.ttl = value < 0 ? 0 : (uint8_t)value;
        return true;
    }
    if (option == (v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER)) {
        self->options.dont_fragment = value == IP_PMTUDISC_DO || value == IP_PMTUDISC_PROBE;
        self->options.may_fragment = value == IP_PMTUDISC_DONT;
        return true;
    }
    /* The socket is bound to one address, which says the interface already. */
    return option == (v6 ? IPV6_UNICAST_IF : IP_UNICAST_IF);
}

bool hp_sim_socket_send(hp_sim_socket *self, const hp_addr *to, const void *data, size_t length, GError **error)
{
    if (self->closed) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CLOSED, "Socket is already closed");
        return false;
    }
    if (length > MAX_UDP_PAYLOAD) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, "Error sending message: Message too long");
        return false;
    }
    if (to->family != self->family || to->port == 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Error sending message: Invalid argument");
        return false;
    }
    if (!self->socket) {
        hp_addr any = {.family = self->family};
        if (!hp_sim_socket_bind(self, &any, error)) {
            return false;
        }
    }
    if (self->env->sent) {
        self->env->sent(self->env->sent_user, data, length);
    }
    if (!self->env->muted && !hp_socket_send(self->socket, to, data, length, &self->options)) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NETWORK_UNREACHABLE,
                            "Error sending message: Network is unreachable");
        return false;
    }
    return true;
}

/* ---- addresses ---- */

GSocketAddress *hp_sim_address_to_gio(const hp_addr *addr)
{
    struct sockaddr_storage storage;
    size_t length = hp_addr_to_sockaddr(addr, &storage);
    return g_socket_address_new_from_native(&storage, length);
}

bool hp_sim_address_from_gio(GSocketAddress *address, hp_addr *ret)
{
    struct sockaddr_storage storage;
    gssize length = g_socket_address_get_native_size(address);
    return length > 0 && (size_t)length <= sizeof storage &&
           g_socket_address_to_native(address, &storage, sizeof storage, NULL) &&
           hp_addr_from_sockaddr((const struct sockaddr *)&storage, (size_t)length, ret);
}

GSocketAddress *hp_sim_socket_sender(hp_sim_socket *self, const hp_addr *from)
{
    if (!self->sender_gio || !hp_addr_equal(&self->sender, from)) {
        g_clear_object(&self->sender_gio);
        self->sender_gio = hp_sim_address_to_gio(from);
        self->sender = *from;
    }
    return g_object_ref(self->sender_gio);
}
