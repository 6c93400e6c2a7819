/* What became of the datagrams of a throughput run. */
#ifndef HP_BENCH_DELIVERY_H
#define HP_BENCH_DELIVERY_H

#include "base/time.h"
#include "trace/trace.h"

/* A datagram that arrives so much later than the fastest of its flow came too late: what ITU-T G.114 has a conversation
 * bear in all. */
#define HP_BENCH_TOO_LATE (400 * HP_MS)

/* sent = in_time + late + refused + lost */
typedef struct hp_bench_delivery {
    uint64_t sent; /* that the sender meant to arrive */
    uint64_t in_time, late; /* of those that arrived; duplicates count once */
    uint64_t refused; /* the sender's agent did not take them: its socket was full */
    uint64_t lost; /* the rest: on the way, or they were not there at the run's end */
    hp_time spread; /* from the least latency to the largest of those in time */
} hp_bench_delivery;

/* Of all flows in the trace as one; there should be one. Arrivals at the same peer of a number that has arrived already
 * are passed over. */
hp_bench_delivery hp_bench_delivery_of(const hp_trace *trace);

#endif
