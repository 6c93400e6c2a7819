/* The path of signalling messages: the broker and what it does to them. */
#ifndef HP_CONFIG_SIGNALING_H
#define HP_CONFIG_SIGNALING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/* Which messages a per-type rule speaks of. */
typedef enum hp_signal_type {
    HP_SIGNAL_OFFER,
    HP_SIGNAL_ANSWER,
    HP_SIGNAL_CANDIDATE,
    HP_SIGNAL_N_TYPES
} hp_signal_type;

typedef struct hp_signaling_config {
    hp_time delay; /* client to broker to client, in all; default 50 ms */
    hp_time jitter; /* uniform extra */
    uint32_t loss_ppb, duplicate_ppb;
    uint32_t reorder_ppb; /* chance that a message is held back by reorder_by */
    hp_time reorder_by; /* 0: 200 ms */
    hp_time type_delay[HP_SIGNAL_N_TYPES]; /* extra for all messages of a type: a late answer */
    bool echo; /* the sender hears its own messages too; default true, as in the sample */
    bool addressed; /* a message that names somebody in `to` reaches only them (and its sender's echo): what a broker
                       with rooms does; default false, everything reaches everyone */
} hp_signaling_config;

#endif
