/* DNS messages (RFC 1035 section 4), as unicast DNS and multicast DNS (RFC 6762) use them.
 *
 *    0                   1                   2                   3
 *   +-------------------------------+-+-------+-+-+-+-+-----+-------+
 *   |              id               |Q|opcode |A|T|R|R|Z A C| rcode |
 *   |                               |R|       |A|C|D|A|  D D|       |
 *   +-------------------------------+-+-------+-+-+-+-+-----+-------+
 *   |           questions           |            answers            |
 *   +-------------------------------+-------------------------------+
 *   |           authority           |           additional          |
 *   +-------------------------------+-------------------------------+
 *
 * hp_dns_parse() checks a message whole: every name, every record, the data of each known type to its last byte, and
 * that nothing follows the last record. The walkers then cannot fail. Nothing is allocated on either side. */
#ifndef HP_WIRE_DNS_H
#define HP_WIRE_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define HP_DNS_HEADER 12
#define HP_DNS_MAX_UDP 512 /* RFC 1035 section 4.2.1: without EDNS */
#define HP_DNS_EDNS_UDP 1232 /* what fits every IPv6 path unfragmented: 1280 - 40 - 8 */
#define HP_DNS_MAX 65535 /* over a stream, behind a length of 16 bits */
#define HP_DNS_MAX_LABEL 63
#define HP_DNS_MAX_NAME 255
/* Longest text of a name, every byte escaped, terminator included. */
#define HP_DNS_NAME_TEXT 1024

typedef enum hp_dns_type {
    HP_DNS_A = 1,
    HP_DNS_NS = 2,
    HP_DNS_CNAME = 5,
    HP_DNS_SOA = 6,
    HP_DNS_PTR = 12,
    HP_DNS_TXT = 16,
    HP_DNS_AAAA = 28,
    HP_DNS_SRV = 33,
    HP_DNS_OPT = 41,
    HP_DNS_NSEC = 47,
    HP_DNS_ANY = 255,
} hp_dns_type;
/* "AAAA", or "TYPE65" in buf (RFC 3597 section 5). */
const char *hp_dns_type_name(uint16_t type, char buf[static 12]);

enum { HP_DNS_IN = 1, HP_DNS_CLASS_ANY = 255 };
/* RFC 6762: the top bit of the class asks for a unicast answer in a question (section 5.4), and says that the record
 * set is complete in a record (section 10.2). */
#define HP_DNS_UNICAST UINT16_C(0x8000)
#define HP_DNS_CACHE_FLUSH UINT16_C(0x8000)

enum {
    HP_DNS_QR = 0x8000,
    HP_DNS_AA = 0x0400,
    HP_DNS_TC = 0x0200,
    HP_DNS_RD = 0x0100,
    HP_DNS_RA = 0x0080,
    HP_DNS_AD = 0x0020,
    HP_DNS_CD = 0x0010,
    HP_DNS_OPCODE = 0x7800,
    HP_DNS_RCODE = 0x000f,
};

typedef enum hp_dns_rcode {
    HP_DNS_NOERROR = 0,
    HP_DNS_FORMERR = 1,
    HP_DNS_SERVFAIL = 2,
    HP_DNS_NXDOMAIN = 3,
    HP_DNS_NOTIMP = 4,
    HP_DNS_REFUSED = 5,
    HP_DNS_BADVERS = 16, /* needs EDNS: its upper bits are in OPT */
} hp_dns_rcode;
/* "NXDOMAIN", or "RCODE9" in buf. */
const char *hp_dns_rcode_name(unsigned rcode, char buf[static 12]);

/* ---- names (dns_name.c) ---- */

/* As on the wire without compression: labels behind their lengths, the root's empty label last. Bytes behind `length`
 * are zero. Case is kept and never compared. A zeroed struct is no name. */
typedef struct hp_dns_name {
    uint8_t length; /* 1..255 */
    uint8_t bytes[HP_DNS_MAX_NAME];
} hp_dns_name;

/* "host.example", with or without the last dot; "." is the root. \. and \\ and \DDD stand for single bytes (RFC 1035
 * section 5.1). False on empty or long labels and long names. */
bool hp_dns_name_parse(const char *text, hp_dns_name *ret);
/* "host.example" without the last dot; "." for the root. Returns buf. */
const char *hp_dns_name_format(const hp_dns_name *name, char buf[static HP_DNS_NAME_TEXT]);
bool hp_dns_name_equal(const hp_dns_name *a, const hp_dns_name *b);
/* The same of two texts; false when either is no name. */
bool hp_dns_name_is_same(const char *a, const char *b);
/* Is it that domain, or below it? */
bool hp_dns_name_within(const hp_dns_name *name, const hp_dns_name *domain);
unsigned hp_dns_name_labels(const hp_dns_name *name); /* without the root */
/* The name under which PTR records of an address stand: in-addr.arpa (RFC 1035 section 3.5), ip6.arpa (RFC 3596). */
bool hp_dns_name_reverse(const hp_addr *addr, hp_dns_name *ret);
/* The address a complete reverse name speaks of. */
bool hp_dns_name_reversed(const hp_dns_name *name, hp_addr *ret);

/* ---- messages ---- */

typedef enum hp_dns_section { HP_DNS_ANSWER, HP_DNS_AUTHORITY, HP_DNS_ADDITIONAL } hp_dns_section;

typedef struct hp_dns_msg {
    const uint8_t *data;
    size_t length;
    uint16_t id, flags;
    uint16_t n_questions, n_records[3]; /* by section */
    bool has_opt; /* RFC 6891: at most one, of the root, in the additional section */
    uint16_t udp_size; /* of OPT; at least HP_DNS_MAX_UDP; HP_DNS_MAX_UDP without OPT */
    uint8_t edns_version, extended_rcode; /* of OPT */
    bool dnssec_ok; /* DO of OPT */
    unsigned rcode; /* with the upper bits of OPT */
} hp_dns_msg;

typedef struct hp_dns_question {
    hp_dns_name name;
    uint16_t type, cls;
} hp_dns_question;

/* One record, to read and to write. `type` says which of the union's members means something: addr for A and AAAA;
 * target for CNAME, PTR and NS; TXT and all others have rdata alone, which is written as it is. */
typedef struct hp_dns_record {
    hp_dns_section section;
    hp_dns_name name;
    uint16_t type, cls;
    uint32_t ttl;
    const uint8_t *rdata; /* read: where it stands in the message, names still compressed */
    uint16_t rdata_length;
    union {
        hp_addr addr;
        hp_dns_name target;
        struct {
            uint16_t priority, weight, port;
            hp_dns_name target;
        } srv;
        struct {
            hp_dns_name mname, rname;
            uint32_t serial, refresh, retry, expire, minimum;
        } soa;
        struct {
            hp_dns_name next;
            const uint8_t *types; /* type bit maps (RFC 4034 section 4.1.2) */
            uint16_t types_length;
        } nsec;
    };
} hp_dns_record;

/* Walks a message; zero it to start. */
typedef struct hp_dns_cursor {
    size_t offset;
    unsigned question, record;
} hp_dns_cursor;

bool hp_dns_parse(const uint8_t *data, size_t len, hp_dns_msg *ret);
/* Questions come first: false once all were seen. */
bool hp_dns_next_question(const hp_dns_msg *m, hp_dns_cursor *cursor, hp_dns_question *ret);
/* Skips what questions are left; then every record of all sections in order, OPT included. */
bool hp_dns_next_record(const hp_dns_msg *m, hp_dns_cursor *cursor, hp_dns_record *ret);
/* Does an NSEC record name that type? */
bool hp_dns_nsec_has(const hp_dns_record *nsec, uint16_t type);
/* Do both say the same of the same name? TTL, section and the class's top bit are not looked at. */
bool hp_dns_record_same(const hp_dns_record *a, const hp_dns_record *b);

/* ---- writing (dns_write.c) ---- */

#define HP_DNS_WRITER_NAMES 128

/* Fills a caller's buffer. Questions first, then records by section in order. What does not fit is left out whole:
 * the call returns false and the message stays as it was. */
typedef struct hp_dns_writer {
    uint8_t *buf;
    size_t cap, length;
    size_t reserved; /* of cap, kept free for hp_dns_add_opt() */
    bool multicast; /* compress names in SRV and NSEC too (RFC 6762 section 18.14; RFC 2782 forbids it) */
    uint16_t names[HP_DNS_WRITER_NAMES]; /* where labels stand that a pointer may lead to */
    unsigned n_names;
} hp_dns_writer;

/* cap must hold the header. */
void hp_dns_begin(hp_dns_writer *w, uint8_t *buf, size_t cap, uint16_t id, uint16_t flags);
/* Keeps room for OPT. */
void hp_dns_reserve_opt(hp_dns_writer *w);
bool hp_dns_add_question(hp_dns_writer *w, const hp_dns_question *q);
bool hp_dns_add_record(hp_dns_writer *w, const hp_dns_record *r);
/* OPT (RFC 6891 section 6.1), as the last record; the upper bits of rcode go into it. */
bool hp_dns_add_opt(hp_dns_writer *w, uint16_t udp_size, unsigned rcode, bool dnssec_ok);
/* Sets flags in the header, TC for one. */
void hp_dns_set_flags(hp_dns_writer *w, uint16_t flags);
/* How long the message is. */
size_t hp_dns_finish(const hp_dns_writer *w);

/* Bit maps of NSEC for types below 256, in ascending order of need: returns the length written, at most 34. */
size_t hp_dns_nsec_types(const uint16_t *types, size_t n_types, uint8_t ret[static 34]);

#endif
