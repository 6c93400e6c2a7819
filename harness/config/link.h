/* What a link does to packets, one direction. All zero = an ideal wire. */
#ifndef HP_CONFIG_LINK_H
#define HP_CONFIG_LINK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "wire/match.h"

typedef enum hp_mtu_mode {
    HP_MTU_FRAGMENT, /* IPv4 without DF is fragmented; DF and IPv6 get ICMP frag-needed / packet too big */
    HP_MTU_FRAG_NEEDED, /* never fragments: always the ICMP error */
    HP_MTU_BLACK_HOLE, /* too big is dropped without a word */
} hp_mtu_mode;

/* A run of packet numbers, counted from 1 in the order the link saw them; last 0 = open end. */
typedef struct hp_packet_range {
    uint64_t first, last;
} hp_packet_range;

/* How the extra delay of a packet is drawn. */
typedef enum hp_jitter_kind {
    HP_JITTER_UNIFORM, /* in [0, jitter], both ends included */
    HP_JITTER_NORMAL, /* mean jitter, standard deviation jitter_sigma; what would be below 0 is drawn again */
    HP_JITTER_PARETO, /* never below jitter; above x with the chance (jitter / x) ^ shape */
    HP_JITTER_LIST, /* the delays of jitter_list in turn, one a packet, over and over */
    HP_JITTER_EMPIRICAL, /* one of jitter_list, each as likely as the other */
} hp_jitter_kind;

typedef enum hp_queue_kind {
    HP_QUEUE_DROP_TAIL, /* takes what it has room for */
    HP_QUEUE_CODEL, /* the same, and drops at the head by how long packets waited (RFC 8289) */
} hp_queue_kind;

/* From `at` on; 0 in a schedule: nothing is sent. */
typedef struct hp_rate_step {
    hp_time at;
    uint64_t rate_bps;
} hp_rate_step;

/* [from, to) */
typedef struct hp_time_window {
    hp_time from, to;
} hp_time_window;

typedef struct hp_link_config {
    uint64_t rate_bps; /* serialisation rate; 0 = unlimited */
    hp_time delay_ns; /* one-way propagation */
    hp_time
        jitter_ns; /* extra delay, drawn as jitter_kind says; keeps order unless reorder or jitter_overtakes is set */
    uint32_t loss_ppb; /* independent loss; the good state's loss with bursts on */
    /* Gilbert-Elliott bursts: on when burst_enter_ppb > 0. */
    uint32_t burst_enter_ppb, burst_leave_ppb, burst_loss_ppb;
    hp_packet_range *drop; /* exact losses */
    unsigned n_drop;
    bool drop_some; /* the numbers of `drop` count only the packets that drop_match matches */
    hp_match drop_match; /* its lists belong to whoever made the config */
    uint32_t duplicate_ppb;
    uint32_t reorder_ppb; /* chance that a packet is held back by reorder_by_ns, so that later ones pass it */
    hp_time reorder_by_ns; /* 0: one jitter, or 10 ms without jitter */
    uint32_t corrupt_ppb; /* chance of flipped bits; the receiving host drops the packet */
    uint32_t queue_packets; /* waiting for the rate; 0 = 1000 */
    uint64_t queue_bytes; /* 0 = no byte limit */
    uint32_t mtu; /* 0 = 1500; at least 1280 for IPv6, but in a black hole */
    hp_mtu_mode mtu_mode;
    bool down; /* black hole: everything is dropped */

    hp_jitter_kind jitter_kind;
    hp_time jitter_sigma_ns; /* normal */
    uint32_t jitter_shape_milli; /* Pareto's shape in thousandths */
    hp_time jitter_max_ns; /* no draw is longer: it is cut to this; 0 = no limit. Not for uniform jitter and lists */
    hp_time *jitter_list; /* list, empirical */
    unsigned n_jitter_list;
    bool jitter_overtakes; /* a packet with little jitter passes one that met more */

    bool burst_steady; /* the chain starts as if it had run for ever, else in the good state */

    hp_queue_kind queue_kind;
    hp_time codel_target_ns, codel_interval_ns; /* 0 = 5 ms, 100 ms */
    bool codel_ecn; /* marks ECN-capable packets instead of dropping them */

    /* What follows counts its instants from the start of the run, or, with times_from_change, from the last
     * hp_link_configure() that changed any of it. */
    hp_rate_step *rate_steps; /* a rate that changes; rate_bps holds before the first */
    unsigned n_rate_steps;
    hp_time rate_cycle; /* the steps begin anew after this; 0 = once, the last one stays */
    /* Opportunities to send, as mahimahi's traces have them; instead of a rate. Each carries HP_OPPORTUNITY_BYTES, a
     * packet takes its length and HP_OPPORTUNITY_HEADER. Begin anew with the last one's instant. */
    hp_time *opportunities;
    unsigned n_opportunities;
    hp_time_window *outages; /* a black hole in each of these */
    unsigned n_outages;
    hp_time outage_cycle; /* the windows begin anew after this; 0 = once */
    bool times_from_change;
} hp_link_config;

/* mahimahi reads packets from a TUN device, which puts 4 bytes before each: an IP packet of 1500 bytes takes exactly
 * one opportunity. */
enum { HP_OPPORTUNITY_BYTES = 1504, HP_OPPORTUNITY_HEADER = 4 };

/* Whether the settings make sense, arrays above all: sorted, not empty where they are needed, within their cycle. The
 * message speaks of a field without a name of a place: "the rate's steps are not in order". */
bool hp_link_config_check(const hp_link_config *config, GError **error);
/* Whether its jitter can delay a packet at all: drawn at random, or taken from a list. */
bool hp_link_config_has_jitter(const hp_link_config *config);
/* Hands every packet on as it is, at once. A queue's limit means nothing without a rate. */
bool hp_link_config_is_ideal(const hp_link_config *config);
/* A deep copy. */
void hp_link_config_copy(const hp_link_config *from, hp_link_config *ret);
/* Frees what hp_link_config_copy() made, and leaves an ideal wire. */
void hp_link_config_clear(hp_link_config *config);

/* The same rates, and nothing that would send a packet at another instant. */
bool hp_link_config_same_rate(const hp_link_config *a, const hp_link_config *b);
bool hp_link_config_same_outages(const hp_link_config *a, const hp_link_config *b);

#endif
