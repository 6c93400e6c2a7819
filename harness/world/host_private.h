/* What the files of the host share. Private to host*.c. */
#ifndef HP_WORLD_HOST_PRIVATE_H
#define HP_WORLD_HOST_PRIVATE_H

#include "world/addr_map.h"
#include "world/fragment.h"
#include "world/host.h"

typedef struct hp_host_interface {
    char *name; /* NULL: the only one */
    uint32_t mtu;
    bool up;
    bool has_tap;
    uint32_t tap;
    hp_host_to_kernel_func to_kernel; /* NULL: its packets are for this host's own sockets */
    void *to_kernel_user;
} hp_host_interface;

typedef struct hp_host_address {
    hp_addr ip; /* port 0 */
    unsigned interface;
} hp_host_address;

typedef struct hp_tcp_stack hp_tcp_stack;
typedef struct hp_host_backend hp_host_backend;

/* Open: in the host's list and its maps. Closed: gone; hp_socket_close() frees it at once. What a datagram that comes
 * in needs stands first, in one cache line mostly. */
struct hp_socket {
    int interface; /* that has local's address and is up, else -1; -1 for a wildcard */
    bool wildcard; /* bound to the unspecified address of its family */
    hp_socket_ops ops;
    void *user;
    hp_host *host;
    hp_addr local;
    hp_socket *previous, *next;
    hp_addr group; /* that it has joined, port 0; family none: none */
};

struct hp_host {
    hp_node node;
    hp_trace *trace; /* of its taps: the world's; may be NULL */
    bool silent;
    GArray *interfaces; /* of hp_host_interface */
    GArray *addresses; /* of hp_host_address, in order of addition */
    hp_addr_map address_map; /* ip -> interface */
    hp_addr_map sockets; /* local -> hp_socket* */
    hp_addr_map ports; /* unspecified address and port -> sockets of that family on that port */
    unsigned n_wildcards;
    hp_socket *first_socket, *last_socket;
    hp_rng rng;
    uint16_t next_ip_id;
    hp_reassembly *reassembly; /* made when the first fragment comes */
    hp_addr_map path_mtu; /* IPv6 destinations -> MTU and when it was learnt, see host_output.c */
    GQueue loop; /* of hp_packet*, on their way to the host itself */
    hp_timer loop_timer;
    bool has_loop_tap;
    uint32_t loop_tap;
    hp_tcp_stack *tcp; /* NULL until the host first listens or connects */
    hp_host_other_func other;
    void *other_user;
    const hp_host_backend *backend; /* NULL: the simulated stack, see host_backend.h */
    void *backend_data;
};

static inline hp_host_interface *hp_host_interface_at(const hp_host *host, unsigned i)
{
    return &g_array_index(host->interfaces, hp_host_interface, i);
}

/* The up interface with this IP (the port is not looked at), or -1. */
int hp_host_reachable_at(const hp_host *host, const hp_addr *addr);
/* Call after addresses or interfaces changed. */
void hp_host_refresh_sockets(hp_host *host);
void hp_host_close_all(hp_host *host);
/* The socket that a datagram to `to` belongs to, or NULL: also when the IP is not the host's (any more). */
hp_socket *hp_host_find_socket(const hp_host *host, const hp_addr *to);
/* The socket that has joined that group on that interface, for that port; NULL without one. */
hp_socket *hp_host_find_member(const hp_host *host, unsigned interface, const hp_addr *group);

/* The source that a packet to `to` leaves from when nothing else is said, and its interface; -1 when there is none. */
int hp_host_choose_source(const hp_host *host, const hp_addr *to, hp_addr *ret_ip);

void hp_host_record(hp_host *host, unsigned interface, hp_direction dir, hp_packet *p);
/* On the way round to the host itself. */
void hp_host_record_loop(hp_host *host, hp_packet *p);
/* Sends p out of an up interface, or round to the host itself. Takes ownership; false when it was dropped for its
 * size. */
bool hp_host_output(hp_host *host, unsigned interface, hp_packet *p);
/* Whether there is such an interface, and it is up; else p is dropped and traced. */
bool hp_host_may_leave(hp_host *host, unsigned interface, hp_packet *p);
/* hp_host_output() of a UDP datagram of a socket: with or without DF. */
bool hp_host_output_datagram(hp_host *host, unsigned interface, hp_packet *p, bool may_fragment);
/* Sends an error about p, from the address p went to, unless the host is silent. */
void hp_host_send_error(hp_host *host, hp_icmp_kind kind, const hp_packet *p);
/* The largest packet towards dst that leaves in one piece. */
uint32_t hp_host_mtu_to(const hp_host *host, unsigned interface, const hp_addr *dst);
void hp_host_learn_path_mtu(hp_host *host, const hp_addr *dst, uint32_t mtu);
void hp_host_deliver_loop(void *owner, hp_time now);

void hp_host_receive(hp_node *node, unsigned port, hp_packet *p);
void hp_host_hint(const hp_node *node, unsigned port, const hp_packet *p, hp_hint hint);
/* A packet past the tap. */
void hp_host_input(hp_host *host, unsigned interface, hp_packet *p);
/* The same at an outboard interface (host_outboard.c). */
void hp_host_input_outboard(hp_host *host, unsigned interface, hp_packet *p);

/* tcp_stack.c */
/* A whole segment for one of the host's addresses; takes ownership. */
void hp_tcp_input(hp_host *host, hp_packet *p);
/* An ICMP error about a segment. False when it is about none of the host's connections. */
bool hp_tcp_icmp(hp_host *host, const hp_packet *error);
/* Whether somebody listens, or has a connection. */
bool hp_tcp_is_used(const hp_host *host);
void hp_tcp_stack_free(hp_tcp_stack *stack);

#endif
