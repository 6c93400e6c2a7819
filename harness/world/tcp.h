/* TCP sockets of a host: listeners and connections, made of tcp_conn.h and the host's packets.
 *
 * A connection is known by its four numbers (local and remote address and port), which only one can have; a segment for
 * none goes to the listener of its address and port, or of the port. As with SO_REUSEADDR on Linux any number of
 * connections may begin at a port that another one, or a listener, has. A SYN for nobody, or a stray segment, is
 * answered with a reset, unless the host is silent.
 *
 * The callbacks say that something changed, once: readable when more came, writable when there is room again. They come
 * from a packet's arrival or a timer, never from within a call of this interface, and never one inside another: a
 * packet that arrives meanwhile (hosts wired without a link) waits for a timer at the same instant. Every call is legal
 * in them, on any socket.
 *
 * A socket belongs to its user until hp_tcp_close() or hp_tcp_abort(), also after it was closed from the other side;
 * what the connection still has to do then (sending, FIN, TIME-WAIT) it does by itself. All sockets go with their host.
 *
 * With its interface down, or its address gone, a connection sends and receives nothing, and ends by its time-outs. */
#ifndef HP_WORLD_TCP_H
#define HP_WORLD_TCP_H

#include "world/host.h"
#include "world/tcp_conn.h"

typedef struct hp_tcp_listener hp_tcp_listener;
typedef struct hp_tcp_socket hp_tcp_socket;

/* Any may be NULL. */
typedef struct hp_tcp_ops {
    void (*connected)(void *user, hp_tcp_socket *socket);
    void (*readable)(void *user, hp_tcp_socket *socket); /* data, or the end of it */
    void (*writable)(void *user, hp_tcp_socket *socket); /* after connected, and after a send that took not all */
    /* The last one: finished in order, or why not. What came and was not read can still be. */
    void (*closed)(void *user, hp_tcp_socket *socket, hp_tcp_end end);
} hp_tcp_ops;

typedef struct hp_tcp_listener_ops {
    /* A connection is established. It is the listener's user's from now on: hp_tcp_set_ops() says who is called. */
    void (*accepted)(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket);
} hp_tcp_listener_ops;

/* Most connections of one listener that are not established yet; SYNs beyond are dropped. */
enum { HP_TCP_BACKLOG = 4096 };

/* What connections made from now on start with. */
void hp_tcp_set_config(hp_host *host, const hp_tcp_config *config);
const hp_tcp_config *hp_tcp_get_config(hp_host *host);

/* A free ephemeral port for local, kept from other draws until hp_tcp_release(): what bind() does before it is known
 * whether the socket will listen or connect. A port that is given is kept too, whoever else has it. False and
 * HP_ERROR_INVALID when local is not the host's, HP_ERROR_LIMIT when no port is left. */
bool hp_tcp_reserve(hp_host *host, const hp_addr *local, hp_addr *ret, GError **error);
void hp_tcp_release(hp_host *host, const hp_addr *reserved);

/* local: an address of the host, or an unspecified one of a family; port 0: an ephemeral one. NULL and HP_ERROR_INVALID
 * when the address is not the host's or another listener has it. */
hp_tcp_listener *hp_tcp_listen(hp_host *host, const hp_addr *local, const hp_tcp_listener_ops *ops, void *user,
                               GError **error);
/* Half-open connections end with a reset; accepted ones stay. NULL is allowed. */
void hp_tcp_listener_close(hp_tcp_listener *listener);
/* Connections that begin from now on advertise at most that many bytes; 0: what hp_tcp_set_config() says. */
void hp_tcp_listener_set_receive_buffer(hp_tcp_listener *listener, uint32_t bytes);
hp_addr hp_tcp_listener_local(const hp_tcp_listener *listener);
hp_host *hp_tcp_listener_host(const hp_tcp_listener *listener);

/* Begins to connect, and sends the SYN. local may be NULL, unspecified, or without a port. NULL and HP_ERROR_INVALID
 * when local is not the host's, no interface leads there, or the four numbers are taken; HP_ERROR_LIMIT when no port is
 * left. */
hp_tcp_socket *hp_tcp_connect(hp_host *host, const hp_addr *local, const hp_addr *remote, const hp_tcp_ops *ops,
                              void *user, GError **error);
/* ops may be NULL: nobody is told. Nothing that happened before is told again. */
void hp_tcp_set_ops(hp_tcp_socket *socket, const hp_tcp_ops *ops, void *user);

/* How much was taken: less than length when the buffer is full, 0 when nothing can be sent (any more). */
size_t hp_tcp_send(hp_tcp_socket *socket, const void *data, size_t length);
size_t hp_tcp_room(const hp_tcp_socket *socket);
size_t hp_tcp_recv(hp_tcp_socket *socket, void *out, size_t cap);
/* The same bytes, which stay. */
size_t hp_tcp_peek(const hp_tcp_socket *socket, void *out, size_t cap);
size_t hp_tcp_available(const hp_tcp_socket *socket);
bool hp_tcp_at_eof(const hp_tcp_socket *socket); /* nothing more will come, and all was read */
/* No more is sent: FIN after what waits. While connecting it is the end, of which nobody is told. */
void hp_tcp_shutdown(hp_tcp_socket *socket);
/* Gives the socket up. NULL is allowed. */
void hp_tcp_close(hp_tcp_socket *socket); /* in order; by a reset when something was not read */
void hp_tcp_abort(hp_tcp_socket *socket); /* by a reset */

void hp_tcp_set_nodelay(hp_tcp_socket *socket, bool nodelay);
/* The traffic class of the segments from now on; 0 to begin with. */
void hp_tcp_set_tos(hp_tcp_socket *socket, uint8_t tos);
void hp_tcp_set_keepalive(hp_tcp_socket *socket, bool on, hp_time idle_ns, hp_time interval_ns, unsigned count);
void hp_tcp_set_user_timeout(hp_tcp_socket *socket, hp_time timeout_ns); /* 0: by the number of retransmissions */

hp_addr hp_tcp_local(const hp_tcp_socket *socket);
hp_addr hp_tcp_remote(const hp_tcp_socket *socket);
hp_host *hp_tcp_host(const hp_tcp_socket *socket);
hp_tcp_state hp_tcp_get_state(const hp_tcp_socket *socket);
hp_tcp_end hp_tcp_get_end(const hp_tcp_socket *socket); /* HP_TCP_END_NONE while it lives */
hp_tcp_conn_stats hp_tcp_get_stats(const hp_tcp_socket *socket);
/* The capture record of the segment that arrived last, 0 before the first or without a trace: in a callback, of the one
 * that it is about, unless a timer is. */
uint32_t hp_tcp_last_record(const hp_tcp_socket *socket);
/* Connections that are not closed, those in TIME-WAIT included. */
unsigned hp_tcp_n_connections(const hp_host *host);

#endif
