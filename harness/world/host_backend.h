/* A host whose stack is not the simulated one: what stands behind the functions of host.h and tcp.h then.
 *
 * host*.c and tcp*.c keep what is the same for both: names, interfaces, addresses, which ports are taken, the errors
 * for what cannot be. A host with a backend hands the rest on. The simulated stack has none (NULL), and its cost is one
 * comparison a call.
 *
 * A backend's sockets begin with the host's own structs (host_private.h, tcp_private.h), so that hp_socket_local() and
 * the like need not ask. For those who write a backend; everybody else needs host.h and tcp.h only. */
#ifndef HP_WORLD_HOST_BACKEND_H
#define HP_WORLD_HOST_BACKEND_H

#include "world/host_private.h"
#include "world/tcp_private.h"

/* What came of opening a socket at an address. */
typedef enum hp_host_opened {
    HP_HOST_OPENED,
    HP_HOST_PORT_TAKEN, /* by somebody the host knows nothing of; where the port may be chosen, another is tried */
    HP_HOST_NOT_OPENED,
} hp_host_opened;

struct hp_host_backend {
    size_t socket_size, listener_size; /* of what begins with hp_socket, hp_tcp_listener */
    /* Before anything of the host is freed: closes what there is. */
    void (*free)(hp_host *host);
    /* Addresses or interfaces changed, or somebody wants to see what else comes (hp_host_set_other()). */
    void (*changed)(hp_host *host);

    /* UDP. The socket has all of its common members, and joins the host's lists when this is good. error is set unless
     * it is. */
    hp_host_opened (*open)(hp_socket *socket, GError **error);
    /* The host has taken it off its lists and frees it. What it was told to send is sent. */
    void (*close)(hp_socket *socket);
    bool (*join)(hp_socket *socket, const hp_addr *group, GError **error);
    /* from: the socket's address, or the one that was chosen for a wildcard. */
    bool (*send)(hp_socket *socket, const hp_addr *from, const hp_addr *to, const void *data, size_t length,
                 const hp_send_options *options);
    /* Takes ownership. */
    void (*send_packet)(hp_host *host, unsigned interface, hp_packet *p);

    /* TCP. A listener is opened and closed as a socket is, and has its members; the rest is as tcp.h says of each. What
     * only concerns addresses was checked. */
    hp_host_opened (*tcp_listen)(hp_tcp_listener *listener, GError **error);
    void (*tcp_listener_close)(hp_tcp_listener *listener);
    void (*tcp_listener_set_receive_buffer)(hp_tcp_listener *listener, uint32_t bytes);
    /* local: checked, and of remote's family; port 0 where any will do. */
    hp_tcp_socket *(*tcp_connect)(hp_host *host, const hp_addr *local, const hp_addr *remote, const hp_tcp_ops *ops,
                                  void *user, GError **error);
    size_t (*tcp_send)(hp_tcp_socket *socket, const void *data, size_t length);
    size_t (*tcp_room)(const hp_tcp_socket *socket);
    size_t (*tcp_recv)(hp_tcp_socket *socket, void *out, size_t cap);
    size_t (*tcp_peek)(const hp_tcp_socket *socket, void *out, size_t cap);
    size_t (*tcp_available)(const hp_tcp_socket *socket);
    bool (*tcp_at_eof)(const hp_tcp_socket *socket);
    void (*tcp_shutdown)(hp_tcp_socket *socket);
    void (*tcp_close)(hp_tcp_socket *socket);
    void (*tcp_abort)(hp_tcp_socket *socket);
    void (*tcp_set_nodelay)(hp_tcp_socket *socket, bool nodelay);
    void (*tcp_set_tos)(hp_tcp_socket *socket, uint8_t tos);
    void (*tcp_set_keepalive)(hp_tcp_socket *socket, bool on, hp_time idle_ns, hp_time interval_ns, unsigned count);
    void (*tcp_set_user_timeout)(hp_tcp_socket *socket, hp_time timeout_ns);
    hp_tcp_state (*tcp_state)(const hp_tcp_socket *socket);
    hp_tcp_end (*tcp_end)(const hp_tcp_socket *socket);
    hp_tcp_conn_stats (*tcp_stats)(const hp_tcp_socket *socket);
    unsigned (*tcp_n_connections)(const hp_host *host);
};

/* Call before the host has sockets. data: what the backend keeps of it, hp_host_backend_data(). */
void hp_host_set_backend(hp_host *host, const hp_host_backend *backend, void *data);
static inline void *hp_host_backend_data(const hp_host *host)
{
    return host->backend_data;
}

#endif
