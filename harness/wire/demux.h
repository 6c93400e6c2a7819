/* What a datagram holds, by its first bytes (RFC 7983 section 7, RFC 5761 section 4):
 *
 *    0..3     STUN          20..63   DTLS          64..79   TURN ChannelData         128..191  RTP and RTCP
 *
 * The ranges overlap with arbitrary application data, so that each kind's fixed part is looked at too. */
#ifndef HP_WIRE_DEMUX_H
#define HP_WIRE_DEMUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum hp_wire_kind {
    HP_WIRE_OTHER,
    HP_WIRE_STUN,
    HP_WIRE_CHANNEL_DATA,
    HP_WIRE_DTLS,
    HP_WIRE_RTP,
    HP_WIRE_RTCP,
} hp_wire_kind;

hp_wire_kind hp_wire_classify(const uint8_t *data, size_t len);

/* The message that stands whole at the beginning of a stretch of a TCP stream: STUN or ChannelData as TURN has them
 * there (RFC 8656 section 3.1), or STUN, DTLS, RTP or RTCP behind a length of two bytes, as ICE-TCP has them (RFC
 * 4571). Without the length, and without ChannelData's padding. A guess, as the above. False when there is none. */
bool hp_wire_first_message(const uint8_t *data, size_t len, const uint8_t **ret, size_t *ret_len);

/* A DTLS 1.2 handshake message's type as its RFC writes it: "ClientHello"; NULL for other numbers. (describe.c) */
const char *hp_dtls_handshake_name(uint8_t type);

#endif
