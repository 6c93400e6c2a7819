/* How much CPU a server's engine really takes: a stop-watch around it, for benchmarks.
 *
 * It reads the clock of the thread's CPU and nothing else, so that no byte of a run depends on whether it is there.
 * DTLS is not in it (the engine sees what is decrypted), TLS is. */
#ifndef HP_ACTORS_SERVER_METER_H
#define HP_ACTORS_SERVER_METER_H

#include <stdbool.h>
#include <stdint.h>

/* What one kind of work took: real nanoseconds of CPU, calls of the engine, and stretches between two readings of the
 * clock, each of which has about the cost of one reading in it. */
typedef struct hp_server_work {
    uint64_t cpu_ns, calls, stretches;
} hp_server_work;

/* Zero it before use. One meter may be given to several servers of a world. */
typedef struct hp_server_meter {
    hp_server_work relaying; /* calls in which data was relayed */
    hp_server_work other; /* requests and their answers, timers, handshakes */
    uint64_t reading_ns, readings; /* CPU of two readings without anything between them, one pair a call */
    /* private: the call under way */
    uint64_t since; /* thread CPU time; 0: the watch stands still */
    bool relayed;
    hp_server_work call;
} hp_server_meter;

/* The CPU nanoseconds of that work (one of the meter's) without those of reading the clock. */
uint64_t hp_server_meter_net(const hp_server_meter *meter, const hp_server_work *work);

/* ---- for actors/server*.c; meter may be NULL everywhere: nothing happens ---- */

/* Around every call of the engine. Calls do not nest. */
void hp_server_meter_enter(hp_server_meter *meter);
void hp_server_meter_leave(hp_server_meter *meter);
/* Around what the engine has the world do. Outside a call of the engine, or within such a stretch, nothing happens. */
bool hp_server_meter_pause(hp_server_meter *meter);
void hp_server_meter_resume(hp_server_meter *meter, bool was_running);
/* The present call relays data. */
void hp_server_meter_relays(hp_server_meter *meter);

#endif
