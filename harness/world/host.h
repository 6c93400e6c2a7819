/* A host: interfaces with addresses, UDP sockets, ICMP; its TCP sockets are world/tcp.h.
 *
 * Sending picks the interface that owns the socket's bound address; an unbound socket (any address) takes the first
 * interface of the destination's family. A host can reach itself: its own addresses loop back inside. A datagram to a
 * port without a socket is answered with ICMP port unreachable (unless `silent`), an echo request with a reply. A
 * datagram larger than the interface's MTU is fragmented (IPv4 without DF, and IPv6 at the source); fragments are
 * reassembled within 30 s (60 s for IPv6). Every packet in and out is recorded at the interface's tap, "host" when the
 * host has one interface, else "host/interface", and "host/lo" for what it sends to itself. */
#ifndef HP_WORLD_HOST_H
#define HP_WORLD_HOST_H

#include "world/world.h"

typedef struct hp_host hp_host;
typedef struct hp_socket hp_socket;

hp_host *hp_host_new(hp_world *world, const char *name);
hp_node *hp_host_node(hp_host *host);
const char *hp_host_name(const hp_host *host);
hp_world *hp_host_world(const hp_host *host);
/* No ICMP port unreachable, no echo reply. */
void hp_host_set_silent(hp_host *host, bool silent);
/* It has no taps: another element, of whose box it is a part, records all that it sends and receives. */
void hp_host_set_untapped(hp_host *host);

/* Adds interface number n (0, 1, ...), which is also the node port it sends and receives on. name may be NULL for the
 * only one. mtu 0 = 1500. */
unsigned hp_host_add_interface(hp_host *host, const char *name, uint32_t mtu);
void hp_host_add_address(hp_host *host, unsigned interface, const hp_addr *addr);
void hp_host_remove_address(hp_host *host, unsigned interface, const hp_addr *addr);
/* Down: sends and receives nothing; its sockets stay. */
void hp_host_set_interface_up(hp_host *host, unsigned interface, bool up);
unsigned hp_host_n_interfaces(const hp_host *host);
const char *hp_host_interface_name(const hp_host *host, unsigned interface);
/* All addresses of up interfaces, in order of addition; returns how many, fills up to cap. */
size_t hp_host_addresses(const hp_host *host, hp_addr *ret, size_t cap);
/* Whether an up interface has an address of that family (HP_AF_*). */
bool hp_host_has_family(const hp_host *host, uint8_t family);
/* Index of the interface that has this address, or -1. */
int hp_host_interface_of(const hp_host *host, const hp_addr *addr);

typedef struct hp_datagram {
    hp_addr from, to;
    const uint8_t *data; /* valid during the call */
    size_t length;
    uint8_t ttl, tos;
    bool dont_fragment;
    uint32_t record; /* the capture record of its arrival, 0 without a trace */
    uint64_t uid;
} hp_datagram;

typedef struct hp_socket_ops {
    void (*datagram)(void *user, hp_socket *socket, const hp_datagram *d);
    /* An ICMP error came back for something this socket sent to `to`; original: first bytes of what was sent. May be
     * NULL. */
    void (*icmp)(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                 const hp_packet *error);
} hp_socket_ops;

/* Binds a UDP socket. local: an address of the host, or an unspecified one of a family (port 0: an ephemeral port from
 * the host's stream, 49152-65535). NULL and HP_ERROR_INVALID when the address is not the host's or the port is taken
 * by an overlapping socket, HP_ERROR_LIMIT when no ephemeral port is left. */
hp_socket *hp_host_bind(hp_host *host, const hp_addr *local, const hp_socket_ops *ops, void *user, GError **error);
void hp_socket_close(hp_socket *socket);
hp_addr hp_socket_local(const hp_socket *socket);
hp_host *hp_socket_host(const hp_socket *socket);

/* The socket, which is bound to an address of the host, takes what comes for the group and its port on the interface
 * that has that address, too. A datagram sent to a group does not come back to the host that sent it. False and
 * HP_ERROR_INVALID when group is no multicast address of the socket's family, or the socket is bound to no address. */
bool hp_socket_join(hp_socket *socket, const hp_addr *group, GError **error);

/* Unless one of the two is asked for, an IPv4 datagram has DF while it fits what is known of the path, and is cut by the
 * host, without DF, beyond that (host_output.c). */
typedef struct hp_send_options {
    uint8_t ttl; /* 0 = 64 */
    uint8_t tos;
    bool dont_fragment; /* never in fragments, whatever is known of the path: IP_PMTUDISC_PROBE */
    bool may_fragment; /* no DF: IP_PMTUDISC_DONT. For IPv4 */
} hp_send_options;

/* Sends one datagram now. options may be NULL. False when no interface can carry it (down, no address of that
 * family), like ENETUNREACH, and when it is too long or may not be fragmented to the interface's MTU, like EMSGSIZE. */
bool hp_socket_send(hp_socket *socket, const hp_addr *to, const void *data, size_t length,
                    const hp_send_options *options);
/* Sends any packet as if the host had made it (ICMP, spoofed sources); takes ownership. uid 0 gets one. Traced drops
 * where it cannot go. */
void hp_host_send_packet(hp_host *host, unsigned interface, hp_packet *p);

/* Sees what came for the host and it has no use for itself: echo replies, other protocols, ICMP errors about packets of
 * no socket, and TCP segments as long as the host itself neither listens nor has a connection (they are reset then
 * where nobody looks). Without it they are dropped (no-socket). p is valid during the call. */
typedef void (*hp_host_other_func)(void *user, hp_host *host, const hp_packet *p);
void hp_host_set_other(hp_host *host, hp_host_other_func other, void *user);

/* ---- outboard: a host whose sockets are elsewhere (the kernel's, in the live world) ---- */

/* What arrives at that interface, for whomever, goes to to_kernel() after its tap, and to no socket of this host; the
 * callee takes ownership. Up and down, addresses, taps and hp_host_send_packet() work as ever. A whole packet that is
 * corrupt is dropped here, as a kernel would. NULL: an ordinary interface again. */
typedef void (*hp_host_to_kernel_func)(void *user, unsigned interface, hp_packet *p);
void hp_host_set_outboard(hp_host *host, unsigned interface, hp_host_to_kernel_func to_kernel, void *user);
/* A packet that the host elsewhere sends: through the tap into the world, as it is. Takes ownership; uid 0 gets one. */
void hp_host_from_outboard(hp_host *host, unsigned interface, hp_packet *p);

#endif
