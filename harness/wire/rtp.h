/* RTP packets (RFC 3550 section 5.1), their header extensions (RFC 8285) and retransmissions (RFC 4588).
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---+-+-+-------+-+-------------+-------------------------------+
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   +---+-+-+-------+-+-------------+-------------------------------+
 *   |                           timestamp                           |
 *   +---------------------------------------------------------------+
 *   |                             SSRC                              |
 *   +===============================================================+
 *   |                       CSRC (CC of them)                       |
 *   +-------------------------------+-------------------------------+   present
 *   |   extension profile           |   length in 32-bit words      |   when X
 *   +-------------------------------+-------------------------------+   is set
 *
 * Reading allocates nothing and gives views into the datagram. Writing fills a caller's buffer and returns the length,
 * or 0 when it does not fit or the header cannot be written. */
#ifndef HP_WIRE_RTP_H
#define HP_WIRE_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

enum {
    HP_RTP_HEADER = 12, /* without CSRC and extension */
    HP_RTP_MAX_CSRC = 15,
    HP_RTP_EXT_ONE_BYTE = 0xbede, /* RFC 8285 section 4.2 */
    HP_RTP_EXT_TWO_BYTE = 0x1000, /* RFC 8285 section 4.3; the low 4 bits are the application's */
    HP_RTX_OSN = 2, /* octets of the original sequence number before a retransmitted payload */
};

/* The fields of a header, for writing. */
typedef struct hp_rtp_header {
    uint8_t pt; /* 0..127 */
    bool marker;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    unsigned n_csrc; /* 0..15 */
    const uint32_t *csrc;
    bool has_extension;
    uint16_t ext_profile;
    const uint8_t *ext; /* whole 32-bit words: ext_len is a multiple of 4 */
    size_t ext_len;
    uint8_t padding; /* octets after the payload, their count included; 0 = none (hp_rtp_write only) */
} hp_rtp_header;

/* A packet as read. Pointers lead into data. */
typedef struct hp_rtp_packet {
    const uint8_t *data;
    size_t length; /* the whole datagram */
    uint8_t pt;
    bool marker;
    bool has_padding; /* the P bit */
    bool has_extension;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    unsigned n_csrc;
    const uint8_t *csrc; /* 4 * n_csrc bytes, network order: hp_rtp_csrc() */
    uint16_t ext_profile;
    const uint8_t *ext;
    size_t ext_len;
    size_t header_len; /* CSRC and extension included */
    const uint8_t *payload;
    size_t payload_len; /* without padding */
    size_t padding; /* octets, the count octet included */
} hp_rtp_packet;

/* Whether the datagram is an RTP packet by RFC 3550 appendix A.1: version 2, CSRC list and extension inside it, a
 * padding count between 1 and what is left. Payload types 64..95, which share the second byte with RTCP on one port
 * (RFC 5761 section 4), parse too: hp_wire_classify() tells them apart. */
bool hp_rtp_parse(const uint8_t *data, size_t len, hp_rtp_packet *ret);
/* The same for an SRTP packet: the header is in the clear, padding is not, so that payload is all that follows the
 * header (ciphertext, padding, MKI and tag together) and padding is 0, whatever has_padding says. */
bool hp_rtp_parse_encrypted(const uint8_t *data, size_t len, hp_rtp_packet *ret);
/* i < n_csrc. */
uint32_t hp_rtp_csrc(const hp_rtp_packet *p, unsigned i);

/* Octets that the header takes. */
size_t hp_rtp_header_length(const hp_rtp_header *h);
/* Writes the header alone, to be followed by payload that the caller puts there; h->padding must be 0. */
size_t hp_rtp_write_header(uint8_t *out, size_t cap, const hp_rtp_header *h);
/* Writes a whole packet, padding included. payload may be NULL when len is 0. */
size_t hp_rtp_write(uint8_t *out, size_t cap, const hp_rtp_header *h, const void *payload, size_t len);

/* ---- header extension elements ---- */

typedef struct hp_rtp_ext {
    uint8_t id; /* 1..14 (one-byte form), 1..255 (two-byte form) */
    size_t length; /* 1..16, or 0..255 */
    const uint8_t *value;
} hp_rtp_ext;

/* Walks the elements of either form: start with a zeroed *cursor. False at the end, at an element that the RFC says
 * ends the walk (one-byte form: id 15, or id 0 with a length), at one that does not fit, and for other profiles. */
bool hp_rtp_ext_next(const hp_rtp_packet *p, size_t *cursor, hp_rtp_ext *ret);
bool hp_rtp_ext_find(const hp_rtp_packet *p, uint8_t id, hp_rtp_ext *ret);
/* Writes elements in the form that profile asks for, padded to 32 bits: what goes to hp_rtp_header.ext. 0 when it does
 * not fit, or an element cannot be told in that form. */
size_t hp_rtp_ext_write(uint8_t *out, size_t cap, uint16_t profile, const hp_rtp_ext *elements, size_t n);

/* ---- retransmission (RFC 4588 section 4) ---- */

/* The original sequence number and payload inside a retransmission. False when the payload is shorter than the number,
 * as of packets that only probe for bandwidth. ret_payload and ret_len may be NULL. */
bool hp_rtx_read(const hp_rtp_packet *rtx, uint16_t *ret_original_sequence, const uint8_t **ret_payload,
                 size_t *ret_len);
/* Makes the retransmission of an original: marker, timestamp, CSRC and extension stay, padding goes. */
size_t hp_rtx_write(uint8_t *out, size_t cap, const hp_rtp_packet *original, uint8_t rtx_pt, uint16_t rtx_sequence,
                    uint32_t rtx_ssrc);
/* Makes the original again from its retransmission; 0 when it carries none. */
size_t hp_rtx_restore(uint8_t *out, size_t cap, const hp_rtp_packet *rtx, uint8_t original_pt, uint32_t original_ssrc);

/* A span in units of a media clock, rounded down: 20 ms at 48,000 Hz are 960. A media clock that starts with the run
 * has (uint32_t)hp_rtp_units(now, rate) plus its first timestamp. */
uint64_t hp_rtp_units(hp_time span, uint32_t clock_rate);
/* And back, rounded down; clock_rate must not be 0. */
hp_time hp_rtp_span(uint64_t units, uint32_t clock_rate);

#endif
