/* A TCP connection as the firewall sees it: which side has sent what (RFC 9293 section 3.3.2, RFC 6092 section 3.3.1).
 *
 *   opening      a SYN went one way, or both ways (a SYN-ACK, or a simultaneous open, which look the same from here on)
 *   established  SYNs went both ways and an acknowledgement without a SYN followed
 *   closing      one side has sent its FIN
 *   closed       both have, or either has sent a RST
 *
 * The timers: transitory while opening and closing, established, closed; each segment refreshes but in the closed
 * state, so that a closed connection goes at a known time. A SYN on a closed connection begins a new one; the caller
 * sees to that.
 *
 * Limits: sequence numbers and windows are not looked at (REC-32 forbids it where the window scale was not seen), so
 * that a RST or FIN ends a connection wherever its number lies. Whether a segment's data passes is not looked at. */
#include "wire/tcp.h"

#include "world/firewall_private.h"

enum {
    SYN_OUT = 1 << 0,
    SYN_IN = 1 << 1,
    FIN_OUT = 1 << 2,
    FIN_IN = 1 << 3,
    ESTABLISHED = 1 << 4,
    RESET = 1 << 5,
};

enum { HEADER = 16, OFFSET_AT = 8, FLAGS_AT = 9, MIN_OFFSET = 5 }; /* payload[] begins at the sequence number */

static uint8_t flags_of(const hp_packet *p)
{
    return p->length >= HEADER ? p->payload[FLAGS_AT] : 0;
}

hp_segment_kind hp_firewall_segment_kind(const hp_packet *p)
{
    uint8_t flags = flags_of(p);
    if (p->length < HEADER || p->payload[OFFSET_AT] >> 4 < MIN_OFFSET) {
        return HP_SEGMENT_BAD;
    }
    if ((flags & HP_TCP_RST) != 0) {
        return HP_SEGMENT_RESET;
    }
    return (flags & (HP_TCP_SYN | HP_TCP_ACK)) == HP_TCP_SYN ? HP_SEGMENT_SYN : HP_SEGMENT_OTHER;
}

bool hp_firewall_tcp_is_closed(uint8_t state)
{
    return (state & RESET) != 0 || (state & (FIN_OUT | FIN_IN)) == (FIN_OUT | FIN_IN);
}

uint8_t hp_firewall_tcp_picked_up(void)
{
    return SYN_OUT | SYN_IN | ESTABLISHED;
}

uint8_t hp_firewall_tcp_next(uint8_t state, unsigned side, const hp_packet *p, hp_flow_timer *ret_timer)
{
    uint8_t flags = flags_of(p);
    bool out = side == HP_FIREWALL_INSIDE;

    if ((flags & HP_TCP_RST) != 0) {
        state |= RESET;
    } else {
        state |= (flags & HP_TCP_SYN) == 0 ? 0 : out ? SYN_OUT : SYN_IN;
        state |= (flags & HP_TCP_FIN) == 0 ? 0 : out ? FIN_OUT : FIN_IN;
        bool both = (state & (SYN_OUT | SYN_IN)) == (SYN_OUT | SYN_IN);
        if (both && (flags & (HP_TCP_SYN | HP_TCP_ACK)) == HP_TCP_ACK) {
            state |= ESTABLISHED;
        }
    }
    if (hp_firewall_tcp_is_closed(state)) {
        *ret_timer = HP_FLOW_TCP_CLOSED;
    } else if ((state & (FIN_OUT | FIN_IN)) == 0 && (state & ESTABLISHED) != 0) {
        *ret_timer = HP_FLOW_TCP_ESTABLISHED;
    } else {
        *ret_timer = HP_FLOW_TCP_TRANSITORY;
    }
    return state;
}
