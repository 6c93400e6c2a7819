/* DNS messages in packets: which are some, and how they read in one line. */
#ifndef HP_WIRE_DNS_PACKET_H
#define HP_WIRE_DNS_PACKET_H

#include <glib.h>

#include "wire/dns.h"

/* Whether a packet holds a whole DNS message: UDP from or to port 53 or 5353 whose payload is one, or TCP from or to
 * port 53 whose segment is a message behind its length (RFC 1035 section 4.2.2) and nothing else. segment: from the TCP
 * header on; for UDP the payload. *ret points into it. */
bool hp_dns_in_packet(uint8_t proto, uint16_t src_port, uint16_t dst_port, const uint8_t *segment, size_t length,
                      hp_dns_msg *ret);

/* "DNS A turn.example?", "turn.example A 192.0.2.1, 60 s", "turn.example: NXDOMAIN". Caller frees. */
char *hp_dns_describe(const hp_dns_msg *m);

#endif
