/* Finding out what a NAT does, from outside it: the suite of probes that a preset's certificate comes from.
 *
 * Built around the subject, with ideal links: inside hosts on one LAN, outside hosts with several addresses and ports.
 * Nothing but packets that were sent and packets that arrived decides; the knobs are only handed to the NAT under test,
 * and as many external addresses as its `pool` asks for are given to it. */
#ifndef HP_CERTIFY_CERTIFY_H
#define HP_CERTIFY_CERTIFY_H

#include "certify/certificate.h"
#include "config/firewall.h"
#include "config/nat.h"

typedef struct hp_certify_subject {
    const hp_nat_config *nat;
    const hp_firewall_config *firewall; /* stands inside the NAT; NULL: none */
    uint64_t seed;
    uint8_t family; /* of both sides: HP_AF_*, 0: IPv4. With NAT64 IPv4 is that of the outside: hosts speak IPv6 */
} hp_certify_subject;

/* Virtual days pass, so that it takes a fraction of a second. NULL and error (HP_ERROR_LIMIT) when the world fails. */
hp_certificate *hp_certify_observe(const hp_certify_subject *subject, GError **error);

#endif
