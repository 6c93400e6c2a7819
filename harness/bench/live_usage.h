/* What a live run says of its server's process, and of what its peers put on the wire. */
#ifndef HP_BENCH_LIVE_USAGE_H
#define HP_BENCH_LIVE_USAGE_H

#include "check/result.h"

/* NAN: the run does not say. */
typedef struct hp_bench_live_usage {
    double cpu_packet; /* us of CPU for each time that a packet of media was relayed, while media flowed */
    double cpu_call; /* us for everything else before that, each call */
    double overhead; /* bytes that peers sent (IP and up) beyond the payload, for each packet of media they sent */
} hp_bench_live_usage;

/* relays: how often each packet is relayed on its way; 0: not at all, and what cpu_packet says is NAN. */
hp_bench_live_usage hp_bench_live_usage_of(const hp_result *result, const hp_trace *trace, unsigned relays);

#endif
