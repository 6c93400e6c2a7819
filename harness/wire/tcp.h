/* TCP segments without I/O: the header from the sequence number on (a packet keeps the ports in its addresses, and its
 * checksum is written with the IP packet), the options that a handshake needs, and sequence arithmetic. */
#ifndef HP_WIRE_TCP_H
#define HP_WIRE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HP_TCP_FIN = 1 << 0,
    HP_TCP_SYN = 1 << 1,
    HP_TCP_RST = 1 << 2,
    HP_TCP_PSH = 1 << 3,
    HP_TCP_ACK = 1 << 4,
    HP_TCP_URG = 1 << 5,
    HP_TCP_ECE = 1 << 6,
    HP_TCP_CWR = 1 << 7,
};

enum {
    HP_TCP_HEADER = 20, /* the fixed header, ports included: what counts against an MTU */
    HP_TCP_MAX_SCALE = 14, /* RFC 7323 section 2.3 */
    HP_TCP_HEADER_ROOM = 56, /* the most that hp_tcp_write() writes */
};

typedef struct hp_tcp_header {
    uint32_t seq, ack;
    uint16_t window; /* as on the wire: not scaled */
    uint16_t urgent;
    uint16_t mss; /* option, 0: not there */
    uint8_t flags; /* HP_TCP_FIN and so on */
    uint8_t window_scale; /* when has_window_scale; at most HP_TCP_MAX_SCALE once parsed */
    bool has_window_scale, sack_permitted;
} hp_tcp_header;

/* Reads a segment as a packet's payload has it. False, outputs untouched, when it is shorter than its header, the data
 * offset is impossible or an option has an illegal length. */
bool hp_tcp_parse(const uint8_t *segment, size_t length, hp_tcp_header *ret, const uint8_t **ret_data,
                  size_t *ret_data_length);
/* The sequence number alone, of a segment that an ICMP error quotes and has mostly cut off. */
bool hp_tcp_quoted_seq(const uint8_t *segment, size_t length, uint32_t *ret);
/* Writes the header, a zero checksum and the options. Returns how many bytes, or 0 when cap is too small. */
size_t hp_tcp_write(const hp_tcp_header *h, uint8_t *out, size_t cap);
/* "SYN,ACK"; "-" without any. Returns buf. */
enum { HP_TCP_FLAGS_TEXT = 32 };
const char *hp_tcp_flags_format(uint8_t flags, char buf[static HP_TCP_FLAGS_TEXT]);

/* Sequence numbers go round: a is before b when the way forward from a to b is the shorter one (RFC 9293 section 3.4).
 */
static inline bool hp_tcp_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}
static inline bool hp_tcp_after(uint32_t a, uint32_t b)
{
    return hp_tcp_before(b, a);
}

#endif
