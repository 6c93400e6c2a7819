/* A packet on the emulated network: layer 3 and the ports as fields, the rest as bytes.
 *
 *   uid        identity given where the packet was born; kept through NATs, links and fragments, so that the
 *              trace can say which packet a drop or a delivery speaks of. A duplicate keeps the uid.
 *   src, dst   addresses; ports for UDP and TCP; for an ICMP query src.port (outbound) and dst.port (reply)
 *              both carry the query id, as RFC 5508 sees it: a request is written with src.port, a reply with
 *              dst.port. Ports of an ICMP error and of a non-first fragment are 0.
 *   payload    UDP: the bytes after the UDP header. TCP: the segment from the sequence number on (ports are in
 *              src/dst). ICMP query: the bytes after the 8-byte header. ICMP error: empty, the offending packet
 *              (cut short as on the wire) is `inner`; an error inside an error is not looked into and keeps its bytes
 *              as payload. Any other protocol: what follows the IP header. Fragment: its slice of the UDP payload.
 *   inner      of an ICMP error: where it was cut, original_length and l4_sum say how long the payload was and what it
 *              summed up to, so that lengths and checksum are written as they were, also after a NAT changed ports.
 *
 * Fragments: frag_total > 0. frag_offset counts bytes of the transport datagram (header included, so the first
 * fragment has offset 0 and carries the UDP header, its payload being frag_len - 8 bytes). l4_sum is the 16-bit one's
 * complement sum of the whole UDP payload (hp_packet_sum()), so that a first fragment's checksum can be written after a
 * NAT changed its ports. frag_total is the length of the whole datagram, UDP header included; a parsed later fragment
 * knows no more than its own end, so that frag_total is at least frag_offset + length there (and exact for the last).
 * Fragments of TCP and ICMP queries work the same way, with l4_sum over the payload as if its checksum field were 0. */
#ifndef HP_WIRE_PACKET_H
#define HP_WIRE_PACKET_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

enum { HP_PROTO_ICMP = 1, HP_PROTO_TCP = 6, HP_PROTO_UDP = 17, HP_PROTO_ICMPV6 = 58 };

/* ICMP meanings, the same for both families; the codec maps them to type and code. */
typedef enum hp_icmp_kind {
    HP_ICMP_NONE,
    HP_ICMP_ECHO_REQUEST,
    HP_ICMP_ECHO_REPLY,
    HP_ICMP_PORT_UNREACHABLE,
    HP_ICMP_HOST_UNREACHABLE,
    HP_ICMP_NET_UNREACHABLE,
    HP_ICMP_ADMIN_PROHIBITED,
    HP_ICMP_FRAG_NEEDED, /* icmp_mtu holds the next hop's MTU (ICMPv6: packet too big) */
    HP_ICMP_TTL_EXCEEDED,
    HP_ICMP_REASSEMBLY_TIMEOUT,
    HP_ICMP_OTHER, /* icmp_type and icmp_code as on the wire */
} hp_icmp_kind;

typedef struct hp_packet hp_packet;
struct hp_packet {
    hp_addr src, dst;
    uint64_t uid;
    uint8_t proto; /* HP_PROTO_*; both ICMPs are told apart by the addresses' family */
    uint8_t ttl;
    uint8_t tos; /* DSCP << 2 | ECN */
    bool dont_fragment; /* always true in meaning for IPv6 */
    bool corrupt; /* a link flipped bits: the receiving host drops it (bad checksum) */
    bool no_checksum; /* UDP that came without one (0 on the wire) and is written so; ours always have one */
    uint8_t icmp_kind, icmp_type, icmp_code; /* hp_icmp_kind */
    uint32_t icmp_mtu; /* frag needed: the MTU; echo: the sequence number; HP_ICMP_OTHER: bytes 4 to 7 of the header */
    uint32_t ip_id; /* fragment identification */
    uint32_t frag_offset, frag_total; /* see above */
    bool frag_more;
    uint16_t l4_sum;
    bool sum_known; /* l4_sum is that of payload[] as it stands; whoever changes the payload clears this */
    hp_packet *inner; /* owned; ICMP errors only */
    uint32_t original_length; /* of the payload before `inner` was cut; 0 = not cut */
    uint32_t length; /* of payload */
    uint32_t capacity;
    uint32_t last_record; /* the trace's number of this packet's latest capture record, 0 = none */
    uint8_t payload[];
};

/* A zeroed packet with room for length bytes of payload (copied when payload is not NULL); ttl 64. Never NULL. */
hp_packet *hp_packet_new(uint8_t proto, const hp_addr *src, const hp_addr *dst, const void *payload, size_t length);
hp_packet *hp_packet_copy(const hp_packet *p);
void hp_packet_free(hp_packet *p);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_packet, hp_packet_free)

static inline bool hp_packet_is_icmp(const hp_packet *p)
{
    return p->proto == HP_PROTO_ICMP || p->proto == HP_PROTO_ICMPV6;
}
bool hp_packet_is_icmp_error(const hp_packet *p);

/* The one's complement sum of big-endian 16-bit words (an odd last byte is the high half of a word), folded: what
 * l4_sum holds. Slices at even offsets can be summed apart and added with end-around carry. */
uint16_t hp_packet_sum(const void *data, size_t length);

/* The sum of p's payload that l4_sum keeps: for TCP with the checksum field as zero. */
uint16_t hp_packet_payload_sum(const hp_packet *p);

/* The ICMP error that reports `offending` (copied and cut: 28 bytes of it for IPv4 + as much as fits 548 bytes, IPv6
 * up to 1280 bytes in all), from `from` to the offender's source. NULL where RFC 1122 / 4443 forbid one (about an ICMP
 * error, a multicast, for IPv4 a non-first fragment). */
hp_packet *hp_packet_icmp_error(hp_icmp_kind kind, const hp_addr *from, const hp_packet *offending, uint32_t mtu);

/* The answer to an echo request: the same id, sequence number, traffic class and bytes, the other way. */
hp_packet *hp_packet_echo_reply(const hp_packet *request);

/* Length on the wire, IP header included. */
size_t hp_packet_wire_length(const hp_packet *p);
/* Writes the IP packet with correct checksums (a bad one when `corrupt`; a later fragment, which has none, gets a
 * flipped byte instead). Returns its length, or 0 when cap is too small or the packet fits no IP packet: src and dst of
 * different families, more than 65535 bytes, a fragment that does not start or stop at a multiple of 8. */
size_t hp_packet_write(const hp_packet *p, uint8_t *out, size_t cap);
/* The IP and UDP header alone, as if p (UDP, no fragment) had `length` bytes of payload; in place of the UDP checksum the
 * sum of the pseudo header, as those want it who fill in checksums later (virtio's NEEDS_CSUM). Returns its length, or 0
 * when cap is too small or the packet fits no IP packet. */
size_t hp_packet_write_udp_header(const hp_packet *p, size_t length, uint8_t *out, size_t cap);
/* Parses an IP packet, as the live world's TUN gives it. NULL and error (HP_ERROR_INVALID) when malformed. uid is 0. */
hp_packet *hp_packet_parse(const uint8_t *data, size_t len, GError **error);

#endif
