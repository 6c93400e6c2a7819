/* The STUN and TURN server's engine alone, with many clients that do the same: no world, no sockets, no trace. */
#ifndef HP_BENCH_ENGINE_H
#define HP_BENCH_ENGINE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hp_bench_engine hp_bench_engine;

/* What every client does once, in turn. Each needs those before it, but Binding and Refresh, which need ALLOCATE alone
 * or nothing. */
typedef enum hp_bench_op {
    HP_BENCH_OP_BINDING,
    HP_BENCH_OP_CHALLENGE, /* Allocate without credentials, which gets 401 and a nonce */
    HP_BENCH_OP_ALLOCATE,
    HP_BENCH_OP_REFRESH,
    HP_BENCH_OP_PERMISSION, /* CreatePermission */
    HP_BENCH_OP_CHANNEL_BIND,
    HP_BENCH_OP_SEND, /* a Send indication of HP_BENCH_PAYLOAD bytes, relayed to the peer */
    HP_BENCH_OP_CHANNEL_OUT, /* ChannelData with the same, likewise */
    HP_BENCH_OP_CHANNEL_IN, /* a datagram of the peer's, relayed to the client as ChannelData */
    HP_BENCH_OP_N
} hp_bench_op;
/* A small RTP packet of audio. */
#define HP_BENCH_PAYLOAD 172

const char *hp_bench_op_name(hp_bench_op op); /* "turn-allocate" */

/* Every client has an address and a peer of its own. seed: of the server's random stream. */
hp_bench_engine *hp_bench_engine_new(unsigned n_clients, uint64_t seed);
void hp_bench_engine_free(hp_bench_engine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_bench_engine, hp_bench_engine_free)

/* Does it `rounds` times for all clients; *ret_ns: CPU nanoseconds, in which no message was made. False when the server
 * did not answer every one of them as it should (an error of ours). */
bool hp_bench_engine_do(hp_bench_engine *engine, hp_bench_op op, unsigned rounds, uint64_t *ret_ns);
/* Bytes of the last message to a client or a peer that the engine sent. */
size_t hp_bench_engine_last_size(const hp_bench_engine *engine);

/* Bytes of the heap that an engine holds for each of n allocations with a channel, its tables included; 0 where the heap
 * cannot tell (a sanitizer's). */
double hp_bench_engine_memory(unsigned n, uint64_t seed);

#endif
