/* STUN and TURN messages (RFC 8489, 8656, 5780, 8445, 5389, and what RFC 3489 clients send).
 *
 *    0                   1                   2                   3
 *   +-+-+---------------------------+-------------------------------+
 *   |0 0|   message type            |        message length         |
 *   +-------------------------------+-------------------------------+
 *   |              magic cookie 0x2112A442                          |
 *   +---------------------------------------------------------------+
 *   |              transaction id (96 bits)                         |
 *   +---------------------------------------------------------------+
 *
 * Reading allocates nothing: hp_stun_parse() checks the frame, hp_stun_next() walks attributes in place.
 * Writing fills a caller's buffer; an overflow sticks and shows in hp_stun_writer_finish(). */
#ifndef HP_WIRE_STUN_H
#define HP_WIRE_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define HP_STUN_COOKIE UINT32_C(0x2112A442)
#define HP_STUN_HEADER 20
#define HP_STUN_MAX 1500 /* what our own writers make at most, but for PADDING and DATA */

typedef enum hp_stun_class {
    HP_STUN_REQUEST = 0,
    HP_STUN_INDICATION = 1,
    HP_STUN_SUCCESS = 2,
    HP_STUN_ERROR = 3,
} hp_stun_class;

typedef enum hp_stun_method {
    HP_STUN_BINDING = 0x001,
    HP_STUN_ALLOCATE = 0x003,
    HP_STUN_REFRESH = 0x004,
    HP_STUN_SEND = 0x006,
    HP_STUN_DATA = 0x007,
    HP_STUN_CREATE_PERMISSION = 0x008,
    HP_STUN_CHANNEL_BIND = 0x009,
    HP_STUN_CONNECT = 0x00a,
    HP_STUN_CONNECTION_BIND = 0x00b,
    HP_STUN_CONNECTION_ATTEMPT = 0x00c,
} hp_stun_method;

typedef enum hp_stun_attr_type {
    HP_STUN_MAPPED_ADDRESS = 0x0001,
    HP_STUN_CHANGE_REQUEST = 0x0003,
    HP_STUN_USERNAME = 0x0006,
    HP_STUN_MESSAGE_INTEGRITY = 0x0008,
    HP_STUN_ERROR_CODE = 0x0009,
    HP_STUN_UNKNOWN_ATTRIBUTES = 0x000a,
    HP_STUN_CHANNEL_NUMBER = 0x000c,
    HP_STUN_LIFETIME = 0x000d,
    HP_STUN_XOR_PEER_ADDRESS = 0x0012,
    HP_STUN_DATA_ATTR = 0x0013,
    HP_STUN_REALM = 0x0014,
    HP_STUN_NONCE = 0x0015,
    HP_STUN_XOR_RELAYED_ADDRESS = 0x0016,
    HP_STUN_REQUESTED_ADDRESS_FAMILY = 0x0017,
    HP_STUN_EVEN_PORT = 0x0018,
    HP_STUN_REQUESTED_TRANSPORT = 0x0019,
    HP_STUN_DONT_FRAGMENT = 0x001a,
    HP_STUN_ACCESS_TOKEN = 0x001b,
    HP_STUN_MESSAGE_INTEGRITY_SHA256 = 0x001c,
    HP_STUN_PASSWORD_ALGORITHM = 0x001d,
    HP_STUN_USERHASH = 0x001e,
    HP_STUN_XOR_MAPPED_ADDRESS = 0x0020,
    HP_STUN_RESERVATION_TOKEN = 0x0022,
    HP_STUN_PRIORITY = 0x0024,
    HP_STUN_USE_CANDIDATE = 0x0025,
    HP_STUN_PADDING = 0x0026,
    HP_STUN_RESPONSE_PORT = 0x0027,
    HP_STUN_CONNECTION_ID = 0x002a,
    HP_STUN_ADDITIONAL_ADDRESS_FAMILY = 0x8000,
    HP_STUN_ADDRESS_ERROR_CODE = 0x8001,
    HP_STUN_PASSWORD_ALGORITHMS = 0x8002,
    HP_STUN_ALTERNATE_DOMAIN = 0x8003,
    HP_STUN_ICMP = 0x8004,
    HP_STUN_SOFTWARE = 0x8022,
    HP_STUN_ALTERNATE_SERVER = 0x8023,
    HP_STUN_CACHE_TIMEOUT = 0x8027,
    HP_STUN_FINGERPRINT = 0x8028,
    HP_STUN_ICE_CONTROLLED = 0x8029,
    HP_STUN_ICE_CONTROLLING = 0x802a,
    HP_STUN_RESPONSE_ORIGIN = 0x802b,
    HP_STUN_OTHER_ADDRESS = 0x802c,
    HP_STUN_ECN_CHECK = 0x802d,
    HP_STUN_NOMINATION = 0xc001,
} hp_stun_attr_type;

typedef struct hp_stun_msg {
    const uint8_t *data;
    size_t length; /* header included */
    uint16_t method; /* hp_stun_method, or an unknown one */
    hp_stun_class cls;
    bool has_cookie; /* false: an RFC 3489 client (its transaction id has 128 bits, cookie field included) */
    const uint8_t *id; /* 12 bytes at data + 8 (the cookie field at data + 4) */
} hp_stun_msg;

typedef struct hp_stun_attr {
    uint16_t type, length; /* length without padding */
    const uint8_t *value;
} hp_stun_attr;

/* Whether the first bytes could be STUN (top bits 00, length multiple of 4 and equal to the datagram's). */
bool hp_stun_looks_like(const uint8_t *data, size_t len);
/* Checks frame and attribute boundaries. False for anything that is not one whole STUN message (trailing bytes
 * included). A datagram without the magic cookie parses, with has_cookie false. */
bool hp_stun_parse(const uint8_t *data, size_t len, hp_stun_msg *ret);
/* Walks the attributes: start with a zeroed *cursor. False at the end. */
bool hp_stun_next(const hp_stun_msg *m, size_t *cursor, hp_stun_attr *ret);
/* The first attribute of that type, wherever it stands. */
bool hp_stun_find(const hp_stun_msg *m, uint16_t type, hp_stun_attr *ret);
/* The same, but attributes that RFC 8489 section 14.5 tells a receiver to ignore (after MESSAGE-INTEGRITY, but for
 * MESSAGE-INTEGRITY-SHA256 and FINGERPRINT) are not seen. */
bool hp_stun_find_protected(const hp_stun_msg *m, uint16_t type, hp_stun_attr *ret);

/* Address attributes; xor tells XOR-*. False when malformed. */
bool hp_stun_attr_addr(const hp_stun_msg *m, const hp_stun_attr *a, bool xored, hp_addr *ret);
bool hp_stun_attr_u32(const hp_stun_attr *a, uint32_t *ret);
bool hp_stun_attr_u64(const hp_stun_attr *a, uint64_t *ret);
/* ERROR-CODE as 300..699; reason may be NULL, else a view into the message. False when malformed. */
bool hp_stun_attr_error(const hp_stun_attr *a, unsigned *ret_code, const char **ret_reason, size_t *ret_reason_len);

/* Keys. Long-term: MD5 (16 bytes) or SHA-256 (32 bytes) of username:realm:password (RFC 8489 section 9.2.2). */
typedef struct hp_stun_key {
    uint8_t bytes[64];
    size_t length;
    bool is_digests; /* of a password longer than 64 bytes: its SHA-1 (20 bytes), then its SHA-256 (32 bytes), which is
                        what HMAC makes of such a key; otherwise bytes are the key */
} hp_stun_key;
hp_stun_key hp_stun_key_short(const char *password, size_t len);
hp_stun_key hp_stun_key_long(const char *user, const char *realm, const char *password, bool sha256);
/* Has libcrypto set up what it keeps for these digests once in a process: before forking, so that every child has it. */
void hp_stun_warm_up(void);
/* SHA-256(user:realm), the USERHASH value. */
void hp_stun_userhash(const char *user, const char *realm, uint8_t out[static 32]);

typedef enum hp_stun_verdict { HP_STUN_ABSENT, HP_STUN_GOOD, HP_STUN_BAD } hp_stun_verdict;
/* MESSAGE-INTEGRITY (sha256 false: HMAC-SHA1, 20 bytes; true: MESSAGE-INTEGRITY-SHA256, 16 to 32 bytes). One that the
 * receiver must ignore, as it follows MESSAGE-INTEGRITY-SHA256, is absent. */
hp_stun_verdict hp_stun_check_integrity(const hp_stun_msg *m, const hp_stun_key *key, bool sha256);
hp_stun_verdict hp_stun_check_fingerprint(const hp_stun_msg *m);

typedef struct hp_stun_writer {
    uint8_t *buf;
    size_t cap, len;
    bool overflow;
} hp_stun_writer;

/* id: 12 bytes. With cookie NULL the magic cookie is written, else those 4 bytes (answers to RFC 3489 clients). */
void hp_stun_begin(hp_stun_writer *w, uint8_t *buf, size_t cap, hp_stun_class cls, uint16_t method, const uint8_t *id,
                   const uint8_t *cookie);
void hp_stun_add(hp_stun_writer *w, uint16_t type, const void *value, size_t len);
void hp_stun_add_u32(hp_stun_writer *w, uint16_t type, uint32_t value);
void hp_stun_add_u64(hp_stun_writer *w, uint16_t type, uint64_t value);
void hp_stun_add_text(hp_stun_writer *w, uint16_t type, const char *text);
void hp_stun_add_addr(hp_stun_writer *w, uint16_t type, const hp_addr *a, bool xored);
/* reason NULL: the usual phrase for the code. */
void hp_stun_add_error(hp_stun_writer *w, unsigned code, const char *reason);
void hp_stun_add_integrity(hp_stun_writer *w, const hp_stun_key *key, bool sha256);
/* Cut to `size` bytes, at most 20 or 32 (RFC 8489 section 14.6 allows 16 to 32 of SHA-256; other sizes are for
 * tests). */
void hp_stun_add_integrity_of(hp_stun_writer *w, const hp_stun_key *key, bool sha256, size_t size);
void hp_stun_add_fingerprint(hp_stun_writer *w);
/* Total length, or 0 after an overflow, which is also what an impossible value leaves behind (an error code outside
 * 300..699, an address without a family). */
size_t hp_stun_finish(hp_stun_writer *w);

/* Names as in the RFCs ("Binding", "XOR-MAPPED-ADDRESS", "request"); NULL when unknown. From name: false if unknown,
 * ignoring case. */
const char *hp_stun_method_name(uint16_t method);
const char *hp_stun_class_name(hp_stun_class cls);
const char *hp_stun_attr_name(uint16_t type);
const char *hp_stun_error_reason(unsigned code);
bool hp_stun_method_from_name(const char *name, uint16_t *ret);
bool hp_stun_class_from_name(const char *name, hp_stun_class *ret);
bool hp_stun_attr_from_name(const char *name, uint16_t *ret);
/* Name tables for suggestions; NULL-terminated. */
const char *const *hp_stun_method_names(void);
const char *const *hp_stun_attr_names(void);

/* TURN ChannelData (RFC 8656 section 12.4): number 0x4000..0x4FFF, length, data. */
bool hp_channel_data_parse(const uint8_t *data, size_t len, uint16_t *ret_channel, const uint8_t **ret_payload,
                           size_t *ret_len);
/* The same with numbers up to 0x7FFF, which clients of RFC 5766 use. */
bool hp_channel_data_parse_wide(const uint8_t *data, size_t len, uint16_t *ret_channel, const uint8_t **ret_payload,
                                size_t *ret_len);
/* Returns 4 + len, or 0 when cap is too small. No padding (UDP). */
size_t hp_channel_data_write(uint8_t *out, size_t cap, uint16_t channel, const void *payload, size_t len);

/* One line for people: "Binding request", "Allocate error 401 Unauthorized", "ChannelData 0x4000, 200 bytes",
 * "200 bytes". Caller frees. */
char *hp_wire_describe(const uint8_t *data, size_t len);

#endif
