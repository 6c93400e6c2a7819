/* IP/ICMP translation without state (RFC 7915): what a NAT64 and a CLAT do to a packet's headers.
 *
 * Which addresses a packet gets is its caller's business (a table there, a rule here); everything else is done here, in
 * both directions, so that both kinds of translator say the same. TTL and hop limit are left to the caller too, who is
 * the hop. Checksums are no matter: they are made when the packet is written. */
#ifndef HP_WORLD_TRANSLATE_H
#define HP_WORLD_TRANSLATE_H

#include "wire/packet.h"

/* The least MTU of an IPv6 link: what an IPv4 packet that may be fragmented is fitted to (RFC 7915 section 4), in bytes
 * on the wire. */
enum { HP_TRANSLATE_MTU = 1280 };

/* Addresses that a packet is to have, all of the other family; ports as they are to be. The inner ones are those of the
 * packet that an ICMP error quotes, and not looked at otherwise. */
typedef struct hp_translate_ends {
    hp_addr src, dst, inner_src, inner_dst;
} hp_translate_ends;

/* Why p, of family `from` (HP_AF_*), has no counterpart in the other family: a literal to be traced. NULL: it has
 * one. */
const char *hp_translate_refusal(const hp_packet *p, uint8_t from);

/* p, of family `from` and not refused, becomes a packet of the other family with those addresses. True: it has become
 * an IPv6 packet that is to be cut to HP_TRANSLATE_MTU (hp_fragment()), since its IPv4 sender left that to the
 * routers. */
bool hp_translate(hp_packet *p, uint8_t from, const hp_translate_ends *ends);

#endif
