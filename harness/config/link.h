/* What a link does to packets, one direction. All zero = an ideal wire. */
#ifndef HP_CONFIG_LINK_H
#define HP_CONFIG_LINK_H

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

typedef struct hp_link_config {
    uint64_t rate_bps; /* serialisation rate; 0 = unlimited */
    hp_time delay_ns; /* one-way propagation */
    hp_time jitter_ns; /* extra delay, uniform in [0, jitter]; keeps order unless reorder says otherwise */
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
} hp_link_config;

#endif
