/* What the files of a kernel host share. Private to live/kernel_*.c. */
#ifndef HP_LIVE_KERNEL_PRIVATE_H
#define HP_LIVE_KERNEL_PRIVATE_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "live/kernel_host.h"
#include "world/host_backend.h"

typedef struct hp_kernel_host hp_kernel_host;
typedef struct hp_kernel_socket hp_kernel_socket;
typedef struct hp_kernel_tcp hp_kernel_tcp;
typedef struct hp_kernel_listener hp_kernel_listener;
typedef struct hp_kernel_inbox hp_kernel_inbox;
typedef struct hp_kernel_outbox hp_kernel_outbox;
typedef struct hp_kernel_raw hp_kernel_raw;

enum { HP_KERNEL_USUAL_TTL = 64 };

typedef union hp_kernel_name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} hp_kernel_name;

struct hp_kernel_socket {
    hp_socket base; /* first: hp_socket* is cast to and fro */
    hp_kernel_host *kernel;
    int fd, group_fd; /* -1: none */
    hp_loop_watch *watch, *group_watch;
    uint32_t scope; /* interface index of a link-local address, else 0 */
    uint32_t first_out, last_out; /* in the outbox, counted from 1; 0: nothing */
    uint8_t ttl, tos; /* the descriptor's own */
    uint8_t n_fields_set; /* how often they were changed */
    uint16_t n_expected; /* datagrams that the next read asks for */
    uint64_t full_at; /* the turn at which a read last brought all it asked for */
    int discover; /* as hp_kernel_set_discover() set it last */
    bool one_by_one; /* the way out takes no segmentation offload */
    bool multicasts; /* prepared for it */
};

struct hp_kernel_listener {
    hp_tcp_listener base; /* first: hp_tcp_listener* is cast to and fro */
    hp_kernel_host *kernel;
    int fd;
    hp_loop_watch *watch;
    hp_timer pause;
    bool *gone; /* set when it is closed within its own callback */
};

struct hp_kernel_host {
    hp_host *host;
    hp_loop *loop; /* NULL when the world goes, as the loop has gone before */
    hp_loop_end *at_end;
    hp_kernel_socket *receiving; /* whose datagrams are being handed out; NULL when it was closed meanwhile */
    hp_kernel_inbox *inbox;
    hp_kernel_outbox *outbox;
    hp_kernel_raw *raw;
    GArray *indices; /* of int: the kernel's index of each interface, 0: not looked up yet, -1: it has none */
    hp_kernel_tcp *first_tcp; /* all */
    unsigned n_connections;
    hp_kernel_host_counters counters;
    uint64_t turn; /* of the loop, counted from 2 */
    hp_time gathering; /* 0: off */
    hp_time counted_at; /* CLOCK_MONOTONIC */
    uint64_t counted; /* counters.datagrams_in then */
    uint64_t expected_milli; /* datagrams that come within `gathering`, a running mean, in thousandths */
};

static inline hp_kernel_host *hp_kernel_of(const hp_host *host)
{
    return hp_host_backend_data(host);
}

/* kernel_host.c */
/* Returns its length. scope: for a link-local address. */
socklen_t hp_kernel_name_of(const hp_addr *addr, uint32_t scope, hp_kernel_name *ret);
hp_addr hp_kernel_addr_of(const hp_kernel_name *name);
/* The kernel's index of interface n, 0 when none of its addresses is there. */
uint32_t hp_kernel_index_of(hp_kernel_host *kernel, unsigned interface);
/* The scope id that an address needs: the index of its interface when it is link-local, else 0. */
uint32_t hp_kernel_scope_of(hp_kernel_host *kernel, const hp_addr *local);
/* Sets error from errno: "alice: 192.0.2.1:3478: Address already in use". */
void hp_kernel_set_error(GError **error, const hp_kernel_host *kernel, const hp_addr *addr, int number);
/* What a socket or listener that errno kept from opening is: closes fd unless it is negative, and sets error. */
hp_host_opened hp_kernel_not_opened(const hp_kernel_host *kernel, const hp_addr *local, int fd, GError **error);
/* bind(), also to an address whose interface is down. False: errno. */
bool hp_kernel_bind(hp_kernel_host *kernel, int fd, const hp_addr *local);

/* kernel_udp.c */
hp_host_opened hp_kernel_udp_open(hp_socket *socket, GError **error);
void hp_kernel_udp_close(hp_socket *socket);
bool hp_kernel_udp_join(hp_socket *socket, const hp_addr *group, GError **error);
hp_kernel_inbox *hp_kernel_inbox_new(void);
void hp_kernel_inbox_free(hp_kernel_inbox *inbox);

/* kernel_send.c */
bool hp_kernel_udp_send(hp_socket *socket, const hp_addr *from, const hp_addr *to, const void *data, size_t length,
                        const hp_send_options *options);
/* The descriptor's IP_MTU_DISCOVER: IP_PMTUDISC_WANT, _PROBE or _DONT. */
void hp_kernel_set_discover(hp_kernel_socket *socket, int discover);
/* What waits of one socket; of all. */
void hp_kernel_flush_socket(hp_kernel_socket *socket);
void hp_kernel_flush_all(hp_kernel_host *kernel);
hp_kernel_outbox *hp_kernel_outbox_new(void);
void hp_kernel_outbox_free(hp_kernel_outbox *outbox);

/* kernel_errors.c */
/* Reads the error queue and tells the socket's user. The socket may be closed within. */
void hp_kernel_udp_errors(hp_kernel_socket *socket);

/* kernel_raw.c */
void hp_kernel_send_packet(hp_host *host, unsigned interface, hp_packet *p);
/* Opens or closes what host->other wants to see. */
void hp_kernel_raw_changed(hp_kernel_host *kernel);
void hp_kernel_raw_free(hp_kernel_host *kernel);

/* kernel_tcp.c */
hp_tcp_socket *hp_kernel_tcp_connect(hp_host *host, const hp_addr *local, const hp_addr *remote, const hp_tcp_ops *ops,
                                     void *user, GError **error);
/* A connection that was accepted; takes the descriptor. NULL when the loop cannot watch it. */
hp_tcp_socket *hp_kernel_tcp_take(hp_kernel_host *kernel, int fd, const hp_addr *local, const hp_addr *remote);
void hp_kernel_tcp_free_all(hp_kernel_host *kernel);
void hp_kernel_tcp_close(hp_tcp_socket *socket);
void hp_kernel_tcp_abort(hp_tcp_socket *socket);
void hp_kernel_tcp_shutdown(hp_tcp_socket *socket);
unsigned hp_kernel_tcp_n_connections(const hp_host *host);
hp_tcp_state hp_kernel_tcp_state(const hp_tcp_socket *socket);

/* kernel_tcp_data.c */
size_t hp_kernel_tcp_send(hp_tcp_socket *socket, const void *data, size_t length);
size_t hp_kernel_tcp_room(const hp_tcp_socket *socket);
size_t hp_kernel_tcp_recv(hp_tcp_socket *socket, void *out, size_t cap);
size_t hp_kernel_tcp_peek(const hp_tcp_socket *socket, void *out, size_t cap);
size_t hp_kernel_tcp_available(const hp_tcp_socket *socket);
bool hp_kernel_tcp_at_eof(const hp_tcp_socket *socket);
void hp_kernel_tcp_set_nodelay(hp_tcp_socket *socket, bool nodelay);
void hp_kernel_tcp_set_tos(hp_tcp_socket *socket, uint8_t tos);
void hp_kernel_tcp_set_keepalive(hp_tcp_socket *socket, bool on, hp_time idle_ns, hp_time interval_ns, unsigned count);
void hp_kernel_tcp_set_user_timeout(hp_tcp_socket *socket, hp_time timeout_ns);
hp_tcp_end hp_kernel_tcp_end(const hp_tcp_socket *socket);
hp_tcp_conn_stats hp_kernel_tcp_stats(const hp_tcp_socket *socket);

/* kernel_listener.c */
hp_host_opened hp_kernel_tcp_listen(hp_tcp_listener *listener, GError **error);
void hp_kernel_listener_close(hp_tcp_listener *listener);
void hp_kernel_listener_set_receive_buffer(hp_tcp_listener *listener, uint32_t bytes);

#endif
