/* The scripted middlebox: an ordered list of rules, each saying which packets and what is done to them.
 *
 * A rule applies to a packet when everything it says of it holds: direction, match, filter, time window. Such
 * packets are counted, from 1; `nth` picks some of those numbers, `chance_ppb` leaves the pick to luck, `limit` ends
 * the rule after so many hits. A packet that a rule does not hit goes on to the next one. One that it hits is done to
 * what `actions` say, in their order, and is then through with the list, unless the rule says go_on.
 *
 * Zeroed, a rule matches every packet and does nothing. It owns what it points to, but for filter_data. */
#ifndef HP_CONFIG_RULE_H
#define HP_CONFIG_RULE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "config/link.h"
#include "wire/match.h"

/* The middlebox stands between a near side and a far side. */
typedef enum hp_rule_direction {
    HP_RULE_BOTH_WAYS,
    HP_RULE_UP, /* from the near side to the far one */
    HP_RULE_DOWN,
} hp_rule_direction;

/* What the sender of a packet that may not pass gets to know. */
typedef enum hp_refusal {
    HP_REFUSE_SILENTLY,
    HP_REFUSE_ICMP, /* administratively prohibited, from the middlebox's own address; silence where it has none */
    HP_REFUSE_RESET, /* TCP: a RST as from the far end; every other protocol: as HP_REFUSE_ICMP */
} hp_refusal;

typedef enum hp_rule_do {
    HP_RULE_PASS, /* nothing */
    HP_RULE_DROP,
    HP_RULE_DELAY,
    HP_RULE_DUPLICATE,
    HP_RULE_REORDER,
    HP_RULE_REWRITE,
    HP_RULE_CORRUPT,
    HP_RULE_TRUNCATE,
    HP_RULE_SPLIT,
    HP_RULE_ANSWER,
    HP_RULE_RATE_LIMIT,
    HP_RULE_DO_N,
} hp_rule_do;

typedef struct hp_rule_delay {
    hp_time fixed, jitter; /* and a part in [0, jitter], both ends included */
    bool overtake; /* packets that this rule delays may pass each other; otherwise they keep their order */
} hp_rule_delay;

/* Copies are made of the packet as it is when this action's turn comes, and have its delay so far. */
typedef struct hp_rule_duplicate {
    uint32_t copies; /* besides the original; 0 = 1 */
    hp_time spacing; /* between one and the next */
} hp_rule_duplicate;

/* The packet is held until so many later ones of its flow (both addresses, ports and the protocol the same) have
 * left. */
typedef struct hp_rule_reorder {
    uint32_t packets; /* 0 = 1 */
    hp_time at_most; /* and no longer than this; 0 = 10 ms */
} hp_rule_reorder;

typedef enum hp_rule_attribute_do {
    HP_RULE_ATTRIBUTE_SET, /* the first of that type gets the value; where there is none, one is added */
    HP_RULE_ATTRIBUTE_REPLACE, /* the first of that type, if there is one */
    HP_RULE_ATTRIBUTE_ADD, /* one more, before what protects the message (MESSAGE-INTEGRITY, FINGERPRINT) */
    HP_RULE_ATTRIBUTE_REMOVE, /* every one of that type */
} hp_rule_attribute_do;

typedef struct hp_rule_attribute {
    hp_rule_attribute_do what;
    uint16_t type;
    hp_addr address; /* its value, plain or XORed as the type asks; family none: `value` is */
    uint8_t *value;
    uint16_t length;
} hp_rule_attribute;

/* An application-level gateway as home routers have them: it looks for one address and puts another in its place. */
typedef struct hp_rule_alg {
    bool on;
    hp_addr from; /* family none: the packet's own source */
    hp_addr to; /* with a port: a STUN attribute's port is replaced as well */
    bool anywhere; /* wherever the address's bytes stand in a UDP payload or TCP data */
    bool attributes; /* in STUN attributes that hold a plain address */
    bool xored; /* in those that hold an XORed one, as hardly any such gateway does */
} hp_rule_alg;

typedef struct hp_rule_rewrite {
    hp_addr src, dst; /* port 0: it stays; family none: the address stays */
    uint16_t src_port, dst_port; /* 0: stays. Of UDP and TCP. */
    bool has_ttl, has_dscp, has_ecn;
    uint8_t ttl, dscp, ecn;
    hp_rule_attribute *attributes; /* of a STUN message that is the UDP payload */
    unsigned n_attributes;
    hp_rule_alg alg;
    /* What protects a STUN message that is changed goes stale, as it does behind a real gateway, unless: */
    bool fingerprint; /* FINGERPRINT is made right */
    char *password; /* MESSAGE-INTEGRITY (both kinds) is made right with this; NULL: it is not */
    char *user, *realm; /* of a long-term key; NULL: the password is a short-term one */
} hp_rule_rewrite;

typedef struct hp_rule_corrupt {
    uint32_t bits; /* different ones, flipped in the payload; 0 = 1 */
    uint32_t first, last; /* among these bytes of it, counted from 0; last 0 = its end */
    bool fix_checksum; /* the packet arrives as a good one; otherwise the receiver drops it */
} hp_rule_corrupt;

typedef enum hp_rule_answer_kind {
    HP_RULE_ANSWER_STUN_ERROR, /* to a STUN request, in any method */
    HP_RULE_ANSWER_STUN_SUCCESS, /* to a Binding request */
    HP_RULE_ANSWER_ICMP,
    HP_RULE_ANSWER_RESET, /* to a TCP segment */
} hp_rule_answer_kind;

/* Made in place of the far end: from the packet's destination to its source. Only what asks for that answer gets it. */
typedef struct hp_rule_answer {
    hp_rule_answer_kind kind;
    uint16_t code; /* STUN error: 300..699 */
    char *realm, *nonce; /* of a STUN error; NULL: none */
    hp_addr address; /* success: the mapped address, family none: the packet's source; error: ALTERNATE-SERVER */
    hp_icmp_kind icmp; /* an error; HP_ICMP_NONE: administratively prohibited */
    uint32_t mtu; /* of HP_ICMP_FRAG_NEEDED */
    hp_addr from; /* source of the ICMP error; family none: the middlebox's own, or else the packet's destination */
    bool pass; /* the packet goes on as well */
} hp_rule_answer;

/* A token bucket: what finds too few tokens is dropped. */
typedef struct hp_rule_rate {
    uint64_t rate_bps;
    uint64_t burst_bytes; /* what the bucket holds, full at the start; at most HP_RULE_MAX_BURST */
    hp_refusal refusal;
} hp_rule_rate;

#define HP_RULE_MAX_BURST (UINT64_C(1) << 31)
#define HP_RULE_MAX_RATE (UINT64_C(1) << 40)
enum { HP_RULE_MAX_COPIES = 1000 };

/* Only the part that `what` names is looked at. */
typedef struct hp_rule_action {
    hp_rule_do what;
    hp_refusal refusal; /* drop */
    hp_rule_delay delay;
    hp_rule_duplicate duplicate;
    hp_rule_reorder reorder;
    hp_rule_rewrite rewrite;
    hp_rule_corrupt corrupt;
    uint32_t truncate_to; /* bytes of the UDP payload, or TCP data, that are left */
    uint32_t split_to; /* TCP: segments of at most this many bytes of data */
    hp_rule_answer answer;
    hp_rule_rate rate;
} hp_rule_action;

/* Runs on every packet that the match lets through; a compiled capture filter, say. */
typedef bool hp_rule_filter(const hp_packet *p, void *filter_data);

typedef struct hp_rule {
    char *label; /* for people, and the name of its random stream; NULL: its number */
    unsigned number; /* for people; 0: its place in the list, counted from 1 */
    hp_rule_direction direction;
    hp_match match;
    hp_rule_filter *filter; /* NULL: none */
    void *filter_data; /* borrowed */
    hp_time from, to; /* [from, to) of the run; to 0: to its end. Outside, the rule counts nothing. */
    hp_packet_range *nth; /* NULL: every one */
    unsigned n_nth;
    uint32_t chance_ppb; /* 0: always */
    uint64_t limit; /* 0: none */
    hp_rule_action *actions;
    unsigned n_actions;
    bool go_on; /* the next rules see the packet too */
    bool off; /* until it is switched on */
    bool quiet; /* its hits leave no remarks in the trace; drops are traced all the same */
} hp_rule;

/* Whether a rule makes sense; the message speaks of a field without a name of a place. */
bool hp_rule_check(const hp_rule *rule, GError **error);
/* A deep copy; *ret is overwritten. */
void hp_rule_copy(const hp_rule *rule, hp_rule *ret);
void hp_rule_clear(hp_rule *rule);

/* "drop", "rate-limit". */
const char *hp_rule_do_name(hp_rule_do what);

#endif
