/* A match on packets, as expectations and middlebox rules use it.
 *
 * A zeroed hp_match matches every packet; each field that is set narrows it, and all must hold. What a field asks about
 * the payload (stun, channel_data, dtls, rtp, rtcp) is asked of the UDP payload itself; with `inside`, also of what a
 * TURN Send or Data indication or ChannelData carries: the match then holds when the payload or something wrapped in it
 * satisfies all of those fields at once. The other fields always speak of the outermost packet.
 *
 * A match owns its two attribute lists and nothing else: fill them with g_malloc'ed memory (or leave them NULL) and
 * call hp_match_clear() at the end. A struct copy shares them; hp_match_copy() does not. */
#ifndef HP_WIRE_MATCH_H
#define HP_WIRE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/compare.h"
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
} hp_match;

/* What is matched: a packet, or a capture record of one. */
typedef struct hp_match_subject {
    hp_addr src, dst;
    uint8_t proto; /* HP_PROTO_* */
    uint8_t icmp_kind; /* hp_icmp_kind */
    bool fragment, corrupt;
    const uint8_t *payload; /* of UDP; NULL when there is none to be seen (other protocols, later fragments) */
    size_t payload_length;
} hp_match_subject;

hp_match_subject hp_match_subject_of(const hp_packet *p);
bool hp_match_packet(const hp_match *m, const hp_match_subject *s);
/* A deep copy; *ret is overwritten. */
void hp_match_copy(const hp_match *m, hp_match *ret);
/* Frees what the match owns and zeroes it. NULL is fine. */
void hp_match_clear(hp_match *m);
/* Whether nothing narrows it: every packet matches. */
bool hp_match_is_empty(const hp_match *m);

#endif
