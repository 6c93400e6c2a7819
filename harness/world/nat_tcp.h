/* The connections of TCP mappings: what RFC 7857 section 2 and RFC 6146 section 3.5.2 call sessions.
 *
 * Life of a session
 * =================
 *
 *            SYN out                 SYN in, admitted             ACK without a session (tcp_stray: pick up)
 *               |                         |                            |
 *               v        SYN in           v        SYN out             v
 *           OUT_INIT ----------+      IN_INIT ----------+          PICKED_UP
 *                              v                        v              |
 *                              +------> HANDSHAKE <-----+              |
 *                                           | ACK was sent both ways   | ACK of the other side
 *                                           v                          |
 *                                      ESTABLISHED <-------------------+
 *                                           | FIN of one side; from HANDSHAKE and PICKED_UP too
 *                                           v
 *                                          FIN ------ acknowledged ------> HALF_CLOSED
 *                                           | FIN of the other side            |
 *                                           +---------> CLOSING <--------------+
 *                                                          | both acknowledged
 *                                                          v
 *                                                      TIME_WAIT
 *
 *   RST, any state: TRANS (or the end, or nothing: tcp_rst). In TRANS anything but a RST leads back to where the RST
 *   struck. A bare SYN in CLOSING, TIME_WAIT and TRANS begins a new connection: OUT_INIT, or IN_INIT if admitted.
 *
 * One timeout belongs to each state. Entering a state starts it; a packet that passes starts it again, if tcp_refresh
 * counts its direction. In OUT_INIT and IN_INIT only SYNs count, and a RST never does. A session's end takes its
 * mapping along when it was the last one: a TCP mapping without sessions does not exist.
 *
 * Legal in every state: segments pass both ways (the NAT is no firewall: it judges what opens a connection, and no
 * more). A session is found again by what the inside host sees of it, its own endpoint and the remote; there is one for
 * such a pair, whatever mapping it came by. Nobody keeps an id over a call that may end a session. */
#ifndef HP_WORLD_NAT_TCP_H
#define HP_WORLD_NAT_TCP_H

#include "wire/tcp.h"
#include "world/nat_table.h"

typedef enum hp_nat_tcp_state {
    HP_NAT_TCP_OUT_INIT,
    HP_NAT_TCP_IN_INIT,
    HP_NAT_TCP_HANDSHAKE,
    HP_NAT_TCP_PICKED_UP,
    HP_NAT_TCP_ESTABLISHED,
    HP_NAT_TCP_FIN,
    HP_NAT_TCP_HALF_CLOSED,
    HP_NAT_TCP_CLOSING,
    HP_NAT_TCP_TIME_WAIT,
    HP_NAT_TCP_TRANS,
    HP_NAT_TCP_N_STATES,
} hp_nat_tcp_state;

/* Arrays of two are indexed by the side that sent: HP_NAT_INSIDE, HP_NAT_OUTSIDE; bit sets hold 1 << side. */
typedef struct hp_nat_tcp_session {
    hp_addr internal, remote;
    uint32_t mapping;
    hp_time refreshed;
    hp_nat_links
        by_mapping; /* a ring in order of creation: the newest's next is the oldest; next chains free records */
    hp_nat_links by_age; /* of its state, least recently refreshed first */
    uint32_t next[2]; /* the sequence number after all that was sent; known where `seen` */
    uint32_t ack[2], edge[2]; /* highest acknowledgement, highest right edge of the window; known where `acked` */
    uint8_t scale[2]; /* of the window; HP_NAT_TCP_NO_SCALE: not offered */
    uint8_t state, before; /* hp_nat_tcp_state; before: where TRANS was entered from */
    uint8_t seen, acked, fins; /* which sides sent anything, an ACK, a FIN */
    bool unchecked; /* picked up: its window is not known */
} hp_nat_tcp_session;

enum { HP_NAT_TCP_NO_SCALE = 0xff };

typedef struct hp_nat_tcp_table {
    hp_nat_tcp_session *records; /* [0] unused */
    uint32_t n, capacity, free;
    hp_nat_index index;
    hp_nat_links by_age[HP_NAT_TCP_N_STATES]; /* .next: oldest, .previous: newest */
} hp_nat_tcp_table;

/* ---- nat_tcp_table.c ---- */

uint32_t hp_nat_tcp_find(const hp_nat_tcp_table *t, const hp_addr *internal, const hp_addr *remote);
/* A new session of the mapping between its inside endpoint and the remote; 0 when ids have run out. */
uint32_t hp_nat_tcp_add(hp_nat_tcp_table *t, hp_nat_mapping_cold *cold, uint32_t mapping, const hp_addr *internal,
                        const hp_addr *remote, hp_nat_tcp_state state, hp_time now);
void hp_nat_tcp_remove(hp_nat_tcp_table *t, hp_nat_mapping_cold *cold, uint32_t session);
/* To the end of the state's list. */
void hp_nat_tcp_enter(hp_nat_tcp_table *t, uint32_t session, hp_nat_tcp_state state, hp_time now);
void hp_nat_tcp_clear(hp_nat_tcp_table *t);
size_t hp_nat_tcp_memory(const hp_nat_tcp_table *t);

/* ---- nat_tcp_state.c: no NAT, only the machine ---- */

typedef struct hp_nat_segment {
    uint32_t seq, ack, end; /* end: the sequence number after data, SYN and FIN */
    uint16_t window;
    uint8_t flags, scale; /* HP_TCP_FIN and so on; HP_NAT_TCP_NO_SCALE */
} hp_nat_segment;

/* False when there is no header that can be read. */
bool hp_nat_segment_read(const hp_packet *p, hp_nat_segment *ret);
/* A bare SYN, that asks for a connection. */
static inline bool hp_nat_segment_opens(const hp_nat_segment *segment)
{
    return (segment->flags & (HP_TCP_SYN | HP_TCP_ACK | HP_TCP_RST | HP_TCP_FIN)) == HP_TCP_SYN;
}
/* Nothing known of the connection but that it is in that state. */
void hp_nat_tcp_reset_tracking(hp_nat_tcp_session *s);
/* Takes note of what a segment that is no RST says. */
void hp_nat_tcp_track(hp_nat_tcp_session *s, unsigned side, const hp_nat_segment *segment);
/* The state that such a segment, tracked, leads to. */
hp_nat_tcp_state hp_nat_tcp_next_state(const hp_nat_tcp_session *s, unsigned side, const hp_nat_segment *segment);
/* Whether the receiver would believe that RST (RFC 9293 section 3.5.3), as far as the NAT can tell. */
bool hp_nat_tcp_believes_rst(const hp_nat_tcp_session *s, unsigned side, const hp_nat_segment *rst);
const char *hp_nat_tcp_state_name(hp_nat_tcp_state state);

#endif
