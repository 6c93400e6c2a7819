/* Private to wire/: what reading and writing IP packets share. Layouts are in ip_write.c. */
#ifndef HP_WIRE_IP_H
#define HP_WIRE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/bytes.h"
#include "wire/packet.h"

enum {
    HP_IPV4_HEADER = 20,
    HP_IPV6_HEADER = 40,
    HP_IPV6_FRAGMENT_HEADER = 8,
    HP_UDP_HEADER = 8,
    HP_ICMP_HEADER = 8,
    HP_TCP_PORTS = 4,
    HP_TCP_CHECKSUM = 12, /* offset in payload[], which starts at the sequence number */
    HP_TCP_HEADER_REST = 16, /* the fixed header from the sequence number on */
    HP_IP_MAX = 65535,
};

enum { HP_IPV4_DF = 0x4000, HP_IPV4_MF = 0x2000, HP_IPV4_OFFSET = 0x1fff };

enum {
    HP_IPV6_HOP_BY_HOP = 0,
    HP_IPV6_ROUTING = 43,
    HP_IPV6_FRAGMENT = 44,
    HP_IPV6_DESTINATION_OPTIONS = 60,
};

/* Adds up carries until 16 bits are left. */
static inline uint16_t hp_fold(uint64_t sum)
{
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

/* The sum over the pseudo header (RFC 768, RFC 8200 section 8.1). */
uint32_t hp_ip_pseudo_sum(const hp_addr *src, const hp_addr *dst, uint8_t proto, uint32_t l4_length);

/* The transport header's bytes that are not in payload[] when the packet starts its datagram: UDP 8, TCP's ports 4,
 * ICMP 8, other protocols and later fragments 0. */
size_t hp_ip_l4_header(const hp_packet *p);

/* Meanings to type and code and back. False for HP_ICMP_NONE and HP_ICMP_OTHER; HP_ICMP_OTHER for what has no name. */
bool hp_icmp_to_wire(uint8_t family, hp_icmp_kind kind, uint8_t *ret_type, uint8_t *ret_code);
hp_icmp_kind hp_icmp_from_wire(uint8_t family, uint8_t type, uint8_t code);
/* Whether messages of that type quote an offending packet. */
bool hp_icmp_type_is_error(uint8_t family, uint8_t type);

#endif
