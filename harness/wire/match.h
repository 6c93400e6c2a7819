/* A match on packets, as expectations and middlebox rules use it.
 *
 * A zeroed hp_match matches every packet; each field that is set narrows it, and all must hold. What a field asks about
 * the payload (stun, channel_data, dtls, rtp, rtcp) is asked of the UDP payload itself, or of the message that stands
 * at the beginning of a TCP segment's data (hp_wire_first_message()); with `inside`, also of what a
 * TURN Send or Data indication or ChannelData carries: the match then holds when the payload or something wrapped in it
 * satisfies all of those fields at once. The other fields always speak of the outermost packet.
 *
 * A match owns its two attribute lists, its detail's user name, and nothing else: fill them with g_malloc'ed memory (or
 * leave them NULL) and call hp_match_clear() at the end. A struct copy shares them; hp_match_copy() does not.
 *
 * Its detail narrows further, inside the protocols: flags of TCP, records of DTLS, fields of RTP and RTCP, contents of
 * STUN attributes. It is asked of the same layer of the payload. */
#ifndef HP_WIRE_MATCH_H
#define HP_WIRE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/compare.h"
#include "wire/demux.h"
#include "wire/packet.h"
#include "wire/stun.h"

typedef enum hp_presence { HP_EITHER, HP_PRESENT, HP_ABSENT } hp_presence;

typedef enum hp_match_proto {
    HP_MATCH_ANY_PROTO,
    HP_MATCH_UDP,
    HP_MATCH_TCP,
    HP_MATCH_ICMP, /* of either family */
} hp_match_proto;

typedef struct hp_match_end {
    hp_prefix prefix; /* base.family HP_AF_NONE: any address */
    uint16_t port_first, port_last; /* inclusive; 0, 0: any. A range excludes what has no ports. */
} hp_match_end;

/* Any field that is set asks for a STUN message, `present` need not be. */
typedef struct hp_match_stun {
    hp_presence present;
    bool has_class;
    hp_stun_class cls;
    uint16_t method; /* 0: any */
    unsigned error_code; /* 0: any */
    hp_presence integrity; /* either MESSAGE-INTEGRITY; presence, not correctness */
    uint16_t *with, *without; /* owned; attributes that must, or must not, be there */
    unsigned n_with, n_without;
} hp_match_stun;

/* Any field that is set asks for a TCP segment whose header can be seen. */
typedef struct hp_match_tcp {
    uint8_t flags, no_flags; /* HP_TCP_SYN and so on: all of these are set, none of those */
    hp_presence data; /* bytes after the header */
} hp_match_tcp;

/* Any field that is set asks for DTLS with a record header in the classic form; one record of the datagram must hold
 * all of them. A handshake type can be seen in epoch 0 alone: later ones are encrypted. */
typedef struct hp_match_dtls {
    bool has_content_type, has_handshake_type, has_epoch;
    uint8_t content_type; /* 20 change-cipher-spec, 21 alert, 22 handshake, 23 application data */
    uint8_t handshake_type; /* 1 client-hello, 2 server-hello, 11 certificate, ...: of any message in the record */
    uint16_t epoch;
    uint16_t version; /* of the record: 0xfeff is DTLS 1.0, 0xfefd 1.2; 0: any */
} hp_match_dtls;

/* Any field that is set asks for RTP (or SRTP: the header is in the clear). */
typedef struct hp_match_rtp {
    bool has_payload_type, has_ssrc, has_sequence;
    uint8_t payload_type;
    hp_presence marker;
    uint32_t ssrc;
    uint16_t sequence_first, sequence_last; /* inclusive; the first above the last goes round the wrap */
} hp_match_rtp;

/* Any field that is set asks for RTCP; one packet of the compound must hold all of them. Of SRTCP only the first
 * packet's header can be seen. */
typedef struct hp_match_rtcp {
    uint8_t packet_type; /* 200..207; 0: any */
    bool has_format;
    uint8_t format; /* the feedback message type of RTPFB and PSFB; asks for one of these two */
} hp_match_rtcp;

/* Any field that is set asks for STUN, and goes with the fields of hp_match_stun. */
typedef struct hp_match_stun_contents {
    char *username; /* owned; exactly this; NULL: any */
    hp_match_end address; /* what an address attribute holds, its XOR undone */
    uint16_t address_in; /* in this attribute; 0: in any that is known to hold an address */
} hp_match_stun_contents;

/* Any field that is set, `present` too, asks for a whole DNS message (dns_packet.h), over UDP or TCP. */
typedef struct hp_match_dns {
    hp_presence present, response; /* response: an answer, or a question */
    char *name; /* owned; asked for, or in a message without a question answered; NULL: any */
    uint16_t type; /* of the question or, without one, of an answer; 0: any */
    bool has_rcode;
    unsigned rcode; /* of a response */
} hp_match_dns;

/* Zeroed, it asks for nothing. It owns username and the name in dns. */
typedef struct hp_match_detail {
    hp_compare ttl; /* the hop limit of IPv6 */
    bool has_dscp, has_ecn;
    uint8_t dscp, ecn; /* 0..63, 0..3 */
    hp_match_tcp tcp;
    hp_match_dtls dtls;
    hp_match_rtp rtp;
    hp_match_rtcp rtcp;
    hp_match_stun_contents stun;
    hp_match_dns dns;
} hp_match_detail;

typedef struct hp_match {
    hp_match_proto proto;
    uint8_t family; /* HP_AF_NONE: any */
    hp_match_end src, dst;
    hp_icmp_kind icmp_kind; /* HP_ICMP_NONE: any */
    hp_presence fragment, corrupt;
    hp_compare size; /* of the UDP payload; when set, only UDP with a payload to be seen matches */
    hp_match_stun stun;
    hp_presence channel_data;
    uint16_t channel; /* 0: any; else asks for ChannelData */
    hp_presence dtls, rtp, rtcp;
    bool inside;
    hp_match_detail detail;
} hp_match;

/* What is matched: a packet, or a capture record of one. */
typedef struct hp_match_subject {
    hp_addr src, dst;
    uint8_t proto; /* HP_PROTO_* */
    uint8_t icmp_kind; /* hp_icmp_kind */
    bool fragment, corrupt;
    const uint8_t *payload; /* of UDP; NULL when there is none to be seen (other protocols, later fragments) */
    size_t payload_length;
    uint8_t ttl, tos; /* tos: DSCP << 2 | ECN */
    const uint8_t *segment; /* of TCP, from the sequence number on; NULL when there is none to be seen */
    size_t segment_length;
} hp_match_subject;

hp_match_subject hp_match_subject_of(const hp_packet *p);
bool hp_match_packet(const hp_match *m, const hp_match_subject *s);
/* A connectivity check (RFC 8445 section 7.2.2: a Binding request with PRIORITY), also inside of what TURN carries. */
bool hp_match_ice_check(const hp_match_subject *s);
/* A deep copy; *ret is overwritten. */
void hp_match_copy(const hp_match *m, hp_match *ret);
/* Frees what the match owns and zeroes it. NULL is fine. */
void hp_match_clear(hp_match *m);
/* Whether nothing narrows it: every packet matches. */
bool hp_match_is_empty(const hp_match *m);
/* Whether two ask for the same. */
bool hp_match_equal(const hp_match *a, const hp_match *b);

/* The same for what a match says in detail; hp_match_copy() and the others above see to it. */
void hp_match_detail_copy(const hp_match_detail *d, hp_match_detail *ret);
void hp_match_detail_clear(hp_match_detail *d);
bool hp_match_detail_is_empty(const hp_match_detail *d);
bool hp_match_detail_equal(const hp_match_detail *a, const hp_match_detail *b);

/* ---- many matches on one packet ---- */

enum { HP_MATCH_MAX_LAYERS = 4 };

/* One layer of the payload: the UDP payload itself (of TCP, the first message), or what TURN wraps in it. */
typedef struct hp_match_layer {
    hp_wire_kind kind;
    uint16_t channel; /* of ChannelData */
    const uint8_t *data; /* NULL: none to be seen */
    size_t length;
    hp_stun_msg stun; /* when kind is HP_WIRE_STUN */
} hp_match_layer;

/* A packet under several matches: each layer is read once, when the first match asks for it. The subject must outlive
 * the view. */
typedef struct hp_match_view {
    const hp_match_subject *subject;
    unsigned n_layers; /* that have been read */
    bool ended; /* there are no more */
    const uint8_t *inner; /* what the last one wraps */
    size_t inner_length;
    hp_match_layer layers[HP_MATCH_MAX_LAYERS];
} hp_match_view;

static inline void hp_match_view_init(hp_match_view *view, const hp_match_subject *subject)
{
    view->subject = subject;
    view->n_layers = 0;
    view->ended = false;
}
/* Whether a STUN attribute is known to hold an address, and in which form. */
bool hp_match_is_address_attribute(uint16_t type, bool *ret_xored);

/* d: &m->detail, or NULL when it is known to ask for nothing, which saves looking. */
bool hp_match_view_holds(hp_match_view *view, const hp_match *m, const hp_match_detail *d);

#endif
