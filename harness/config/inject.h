/* What an attacker on the path makes of packets that came by before. */
#ifndef HP_CONFIG_INJECT_H
#define HP_CONFIG_INJECT_H

#include <stdint.h>

#include "base/time.h"

typedef enum hp_inject_what {
    HP_INJECT_REPLAY, /* sends them again as they were */
    HP_INJECT_FORGE, /* a later sequence number and other bytes behind the header */
    HP_INJECT_TRUNCATE, /* cut short */
    HP_INJECT_JUNK, /* random bytes that pass for that kind in the first one alone */
} hp_inject_what;

typedef enum hp_inject_kind { HP_INJECT_RTP, HP_INJECT_RTCP, HP_INJECT_DTLS, HP_INJECT_STUN } hp_inject_kind;

typedef struct hp_inject_config {
    hp_inject_what what;
    hp_inject_kind kind; /* default rtp */
    uint64_t count; /* default 10; the last so many of the kind that came to that peer, again from the first of them
                       when fewer did */
    hp_time interval; /* default 10 ms */
} hp_inject_config;

#endif
