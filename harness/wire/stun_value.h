/* The values of STUN attributes as text: "alice", "203.0.113.1:3478", "600", "401 Unauthorized", "udp", "5a5a".
 *
 * The form goes by the attribute's type; one whose type is not known has hexadecimal digits. Reading and writing are
 * each other's inverse, but for defaults: an error code without a phrase gets the usual one. */
#ifndef HP_WIRE_STUN_VALUE_H
#define HP_WIRE_STUN_VALUE_H

#include <glib.h>

#include "wire/stun.h"

typedef enum hp_stun_value_kind {
    HP_STUN_VALUE_HEX,
    HP_STUN_VALUE_TEXT,
    HP_STUN_VALUE_ADDRESS, /* plain or XORed */
    HP_STUN_VALUE_U32,
    HP_STUN_VALUE_U64,
    HP_STUN_VALUE_U16, /* and two reserved bytes: a channel number, a port */
    HP_STUN_VALUE_TRANSPORT, /* "udp", "tcp" or a number, and three reserved bytes */
    HP_STUN_VALUE_FAMILY, /* "ipv4", "ipv6" or a number; likewise */
    HP_STUN_VALUE_BYTE, /* EVEN-PORT: 0, or 128 to reserve the next */
    HP_STUN_VALUE_FLAG, /* no value at all */
    HP_STUN_VALUE_ERROR, /* "401", "401 Unauthorized" */
    HP_STUN_VALUE_TYPES, /* attribute types, by name or number: "0x7ffe PRIORITY" */
    HP_STUN_VALUE_ALGORITHM, /* "md5", "sha256": of PASSWORD-ALGORITHM; several of PASSWORD-ALGORITHMS */
    HP_STUN_VALUE_USERHASH, /* "user:realm" when written; hexadecimal when read */
    HP_STUN_VALUE_ZEROS, /* PADDING: how many bytes */
    HP_STUN_VALUE_COMPUTED, /* integrity and fingerprint: of the message, not of any text */
} hp_stun_value_kind;

hp_stun_value_kind hp_stun_value_kind_of(uint16_t type);
/* "a number", for messages. */
const char *hp_stun_value_what(hp_stun_value_kind kind);

/* Appends the value to out, without padding. mask: the message's bytes 4 to 19 (cookie and transaction id), for XORed
 * addresses. HP_ERROR_INVALID when the text is no such value; out is left alone then. */
bool hp_stun_value_parse(uint16_t type, const char *text, const uint8_t mask[static 16], GByteArray *out,
                         GError **error);
/* The attribute's value; hexadecimal digits when it is not what its type says. Caller frees. */
char *hp_stun_value_format(const hp_stun_msg *m, const hp_stun_attr *attr);

/* "Binding", "0x0fe", "12"; up to 12 bits. False for anything else. */
bool hp_stun_method_parse(const char *text, uint16_t *ret);
/* "USERNAME", "0x8022". */
bool hp_stun_type_parse(const char *text, uint16_t *ret);

/* Bytes in hexadecimal digits; spaces and colons may stand between bytes. Appends; false and out left alone
 * otherwise. */
bool hp_hex_parse(const char *text, GByteArray *out);
/* Caller frees. */
char *hp_hex_format(const uint8_t *data, size_t len);

#endif
