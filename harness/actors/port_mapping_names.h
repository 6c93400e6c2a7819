/* Private to actors/: how the trace names what the port mapping protocols have numbers for. */
#ifndef HP_ACTORS_PORT_MAPPING_NAMES_H
#define HP_ACTORS_PORT_MAPPING_NAMES_H

#include <stdint.h>

enum { HP_PORT_MAPPING_NAME = 40 };

/* "success", "not-authorized": RFC 6886 section 3.5; an unknown code in decimal. Returns out. */
const char *hp_nat_pmp_outcome(unsigned code, char out[HP_PORT_MAPPING_NAME]);
/* "success", "no-resources": RFC 6887 section 7.4, in small letters with hyphens. */
const char *hp_pcp_outcome(unsigned result, char out[HP_PORT_MAPPING_NAME]);
/* "success", or the error of UPnP or status of HTTP in decimal: "718". */
const char *hp_upnp_outcome(unsigned error, char out[HP_PORT_MAPPING_NAME]);
/* "udp", "tcp", "" for no protocol, else the number. */
const char *hp_lease_transport(uint8_t protocol, char out[HP_PORT_MAPPING_NAME]);

#endif
