/* IP fragmentation and reassembly over hp_packet (see wire/packet.h for how fragments look). */
#ifndef HP_WORLD_FRAGMENT_H
#define HP_WORLD_FRAGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "world/world.h"

/* Takes ownership of the fragment. */
typedef void (*hp_fragment_emit)(void *user, hp_packet *fragment);

/* Cuts p (itself possibly a fragment) into pieces whose wire length is at most mtu, in order. p stays the caller's.
 * ip_id 0 is replaced by p's uid. False, and nothing emitted, when the MTU has no room for eight bytes, or when p is an
 * ICMP error (those are made small enough to pass). */
bool hp_fragment(const hp_packet *p, uint32_t mtu, hp_fragment_emit emit, void *user);

static inline bool hp_packet_is_fragment(const hp_packet *p)
{
    return p->frag_total > 0;
}

typedef struct hp_reassembly hp_reassembly;

/* RFC 1122 section 3.3.2 (the lower end), RFC 8200 section 4.5. */
#define HP_REASSEMBLY_TIMEOUT_IPV4 (30 * HP_S)
#define HP_REASSEMBLY_TIMEOUT_IPV6 (60 * HP_S)

/* Datagrams that wait for fragments at one time; the oldest gives way. */
enum { HP_REASSEMBLY_MAX = 256 };

/* Drops are traced at `node`, whose element id the timer shares. on_timeout (may be NULL) is told the first fragment
 * of a datagram that was given up; it does not own it. */
hp_reassembly *hp_reassembly_new(hp_node *node, void (*on_timeout)(void *user, const hp_packet *first), void *user);
void hp_reassembly_free(hp_reassembly *r);
/* Gives up every datagram that waits; what it holds is dropped (reassembly, with that detail), and nobody is told. */
void hp_reassembly_flush(hp_reassembly *r, const char *detail);
/* Takes ownership of a fragment. Gives the whole packet once it is complete, else NULL. */
hp_packet *hp_reassembly_add(hp_reassembly *r, hp_packet *fragment);
/* Datagrams that wait. */
unsigned hp_reassembly_pending(const hp_reassembly *r);

#endif
