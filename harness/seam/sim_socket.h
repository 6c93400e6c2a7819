/* Private to seam/: a GSocket without a kernel descriptor. socket.c makes it look like one to GIO's callers. */
#ifndef HP_SEAM_SIM_SOCKET_H
#define HP_SEAM_SIM_SOCKET_H

#include <gio/gio.h>

#include "seam/seam.h"

#define HP_TYPE_SIM_SOCKET (hp_sim_socket_get_type())
G_DECLARE_FINAL_TYPE(hp_sim_socket, hp_sim_socket, HP, SIM_SOCKET, GSocket)

/* A datagram that waits to be read; data is valid until the next arrival or pop. */
typedef struct hp_sim_datagram {
    hp_addr from;
    uint32_t record, length;
    const uint8_t *data;
} hp_sim_datagram;

/* Unbound, of that family (HP_AF_*), belonging to env, registered in its slots. */
hp_sim_socket *hp_sim_socket_new(hp_seam_env *env, uint8_t family);
/* Binds to a local address of the environment's host. False and a G_IO_ERROR as the kernel would have it. */
bool hp_sim_socket_bind(hp_sim_socket *self, const hp_addr *local, GError **error);
/* Nothing can be sent or read afterwards; the slot is free. Idempotent. */
void hp_sim_socket_close(hp_sim_socket *self);
bool hp_sim_socket_is_closed(const hp_sim_socket *self);

/* Unspecified, port 0, while unbound. */
hp_addr hp_sim_socket_local(const hp_sim_socket *self);
/* The number that stands for a descriptor, -1 once closed. */
int hp_sim_socket_fd(const hp_sim_socket *self);
/* A level and option of setsockopt(); false when it is unknown (which a caller may well ignore). */
bool hp_sim_socket_set_option(hp_sim_socket *self, int level, int option, int value);

/* Sends now, binding to an ephemeral port first if need be. False and a G_IO_ERROR. */
bool hp_sim_socket_send(hp_sim_socket *self, const hp_addr *to, const void *data, size_t length, GError **error);
static inline bool hp_sim_socket_is(GSocket *socket)
{
    return socket && G_OBJECT_TYPE(socket) == HP_TYPE_SIM_SOCKET;
}
/* What poll() would say of it: OUT, IN when datagrams wait; NVAL once closed. */
GIOCondition hp_sim_socket_condition(const hp_sim_socket *self);
/* The oldest datagram; false when there is none. */
bool hp_sim_socket_peek(const hp_sim_socket *self, hp_sim_datagram *ret);
void hp_sim_socket_pop(hp_sim_socket *self);
/* A GSocketAddress for the sender of a datagram; the last one is kept, since they repeat. */
GSocketAddress *hp_sim_socket_sender(hp_sim_socket *self, const hp_addr *from);

/* Of any simulated socket (source.c): what poll() would say, and a source that is ready when it says what the condition
 * asks for, or, of a TCP socket, that it has ended or met an error. */
GIOCondition hp_sim_condition(GSocket *socket);
GSource *hp_sim_source_new(GSocket *socket, GIOCondition condition);

GSocketAddress *hp_sim_address_to_gio(const hp_addr *addr);
/* False when it is no IP address. */
bool hp_sim_address_from_gio(GSocketAddress *address, hp_addr *ret);

#endif
