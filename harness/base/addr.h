/* Transport addresses: an IP address of either family and a port, in one flat value of 20 bytes.
 * IPv4 sits in ip[0..3] with the rest zero, so that equality is equality of bytes; an IPv4-mapped IPv6
 * address stays IPv6 (servers must be able to tell them apart). port is in host byte order; 0 = none. */
#ifndef HP_BASE_ADDR_H
#define HP_BASE_ADDR_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum { HP_AF_NONE = 0, HP_AF_IPV4 = 4, HP_AF_IPV6 = 6 };

typedef struct hp_addr {
    uint8_t ip[16];
    uint16_t port;
    uint8_t family; /* HP_AF_* */
    uint8_t reserved; /* always 0 */
} hp_addr;

/* Longest text of "[v6]:port", terminator included. */
#define HP_ADDR_TEXT 56

hp_addr hp_addr_v4(uint32_t host_order_ip, uint16_t port);
hp_addr hp_addr_v6(const uint8_t ip[static 16], uint16_t port);
/* Reads "192.0.2.1", "192.0.2.1:3478", "2001:db8::1", "[2001:db8::1]:3478". False on bad text. */
bool hp_addr_parse(const char *text, hp_addr *ret);
/* "192.0.2.1:3478", "[2001:db8::1]:3478"; without a port when it is 0; "-" when the family is none. Returns buf. */
const char *hp_addr_format(const hp_addr *a, char buf[static HP_ADDR_TEXT]);
/* The same without the port. */
const char *hp_addr_format_ip(const hp_addr *a, char buf[static HP_ADDR_TEXT]);

bool hp_addr_from_sockaddr(const struct sockaddr *sa, size_t len, hp_addr *ret);
size_t hp_addr_to_sockaddr(const hp_addr *a, struct sockaddr_storage *ret);

static inline bool hp_addr_equal(const hp_addr *a, const hp_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}
static inline bool hp_addr_same_ip(const hp_addr *a, const hp_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0;
}
static inline hp_addr hp_addr_with_port(hp_addr a, uint16_t port)
{
    a.port = port;
    return a;
}
/* a + n, as a big integer over the address bits (addresses of a pool or a LAN). */
hp_addr hp_addr_plus(hp_addr a, uint32_t n);

/* A seedless mix of all bytes; the same on every machine. */
static inline uint64_t hp_addr_hash(const hp_addr *a)
{
    uint64_t w[2];
    uint32_t tail;
    memcpy(w, a->ip, 16);
    memcpy(&tail, &a->port, 4);
    uint64_t h = (w[0] ^ ((uint64_t)tail << 32 | tail)) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
    h = (h ^ w[1]) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 29;
}

/* Both as a GHashTable wants them, for keys that are hp_addr. */
guint hp_addr_key_hash(gconstpointer addr);
gboolean hp_addr_key_equal(gconstpointer a, gconstpointer b);

bool hp_addr_is_loopback(const hp_addr *a);
bool hp_addr_is_unspecified(const hp_addr *a);
bool hp_addr_is_multicast(const hp_addr *a);
bool hp_addr_is_link_local(const hp_addr *a);
/* RFC 1918, RFC 6598 (100.64/10) or RFC 4193. */
bool hp_addr_is_private(const hp_addr *a);
/* ::ffff:0:0/96. The tests above look at the address as it stands and see no IPv4 address inside it. */
bool hp_addr_is_v4_mapped(const hp_addr *a);

typedef struct hp_prefix {
    hp_addr base; /* port 0, host bits zero */
    uint8_t bits;
} hp_prefix;

/* Reads "10.0.0.0/8" or a lone address (all bits). False on bad text, too many bits, or host bits set. */
bool hp_prefix_parse(const char *text, hp_prefix *ret);
const char *hp_prefix_format(const hp_prefix *p, char buf[static HP_ADDR_TEXT]);
bool hp_prefix_contains(const hp_prefix *p, const hp_addr *a);

#endif
