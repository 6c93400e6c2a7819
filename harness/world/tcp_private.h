/* What the files of a host's TCP share. Private to tcp_stack.c, tcp_socket.c, tcp_listener.c and the host. */
#ifndef HP_WORLD_TCP_PRIVATE_H
#define HP_WORLD_TCP_PRIVATE_H

#include "world/host_private.h"
#include "world/tcp.h"
#include "world/tcp_table.h"

/* Of a host with a backend only stack, pair, ops, user, held and pins are used, and it is in no list or table.
 *
 * Half open: `listener` is set, nobody holds it. Held: its user may use it. Neither: the connection ends by itself. A
 * socket is in the stack's table exactly while its connection is not CLOSED, and is freed when it is closed, not held
 * and not pinned. */
struct hp_tcp_socket {
    hp_tcp_stack *stack;
    hp_tcp_conn *conn;
    hp_tcp_pair pair;
    hp_tcp_ops ops;
    void *user;
    hp_timer timer;
    hp_tcp_listener *listener;
    bool held, in_table;
    unsigned pins; /* on the stack of a callback */
    uint32_t last_record; /* of the segment that arrived last */
    uint8_t tos;
    hp_tcp_socket *previous, *next;
};

struct hp_tcp_listener {
    hp_tcp_stack *stack;
    hp_addr local;
    hp_tcp_listener_ops ops;
    void *user;
    uint32_t receive_buffer; /* of its connections; 0: the host's usual one */
    unsigned n_half_open;
    hp_tcp_listener *previous, *next;
};

struct hp_tcp_stack {
    hp_host *host;
    hp_rng rng;
    uint64_t isn_secret;
    hp_tcp_config config;
    hp_tcp_table connections;
    hp_addr_map listeners; /* local -> hp_tcp_listener* */
    hp_addr_map
        ports; /* unspecified address and port -> listeners, connections and reservations of that family there */
    hp_tcp_socket *first_socket, *last_socket; /* all, in order of creation */
    hp_tcp_listener *first_listener, *last_listener;
    unsigned entered; /* a connection is being worked on: what arrives now waits */
    GQueue waiting; /* of hp_packet* */
    hp_timer waiting_timer;
};

/* tcp_stack.c */
hp_tcp_stack *hp_tcp_stack_of(hp_host *host); /* made when it is first asked for */
bool hp_tcp_choose_port(hp_tcp_stack *stack, hp_addr *local, GError **error);
void hp_tcp_count_port(hp_tcp_stack *stack, const hp_addr *local, int change);
void hp_tcp_send_segment(hp_host *host, const hp_tcp_pair *pair, uint8_t tos, const hp_tcp_segment *segment);
uint32_t hp_tcp_new_isn(hp_tcp_stack *stack, const hp_tcp_pair *pair);
bool hp_tcp_check_local(const hp_host *host, const hp_addr *local, GError **error);
static inline hp_time hp_tcp_now(const hp_tcp_stack *stack)
{
    return hp_world_now(stack->host->node.world);
}
static inline hp_addr hp_tcp_any(const hp_addr *local)
{
    return (hp_addr){.family = local->family, .port = local->port};
}

/* tcp_socket.c */
/* A new socket for a connection that is made with `syn`, or with a SYN of ours when that is NULL. receive_buffer: 0 for
 * the usual one. */
hp_tcp_socket *hp_tcp_socket_new(hp_tcp_stack *stack, const hp_tcp_pair *pair, const hp_tcp_header *syn,
                                 uint32_t receive_buffer);
/* Around whatever is done to a connection: end tells its user what happened when `tell`, sends what it owes, arms its
 * timer, and frees the socket when it is done with. */
void hp_tcp_socket_begin(hp_tcp_socket *socket);
void hp_tcp_socket_end(hp_tcp_socket *socket, bool tell);
void hp_tcp_socket_destroy(hp_tcp_socket *socket);

/* tcp_listener.c */
/* The listener for a segment to `to`, or NULL. */
hp_tcp_listener *hp_tcp_find_listener(const hp_tcp_stack *stack, const hp_addr *to);
/* A SYN, and its capture record. False when the backlog is full. */
bool hp_tcp_listener_take(hp_tcp_listener *listener, const hp_tcp_pair *pair, const hp_tcp_header *syn,
                          uint32_t record);
void hp_tcp_listener_destroy(hp_tcp_listener *listener);

#endif
