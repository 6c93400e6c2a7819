/* TURN against direct: the ways that are compared, and the scenarios that carry a call by each of them. */
#ifndef HP_BENCH_VARIANTS_H
#define HP_BENCH_VARIANTS_H

#include <glib.h>

#include "base/diag.h"
#include "base/time.h"
#include "plan/plan.h"

typedef enum hp_bench_way {
    HP_BENCH_DIRECT, /* STUN only: host or server-reflexive candidates */
    HP_BENCH_TURN_UDP, /* relayed candidates only, the server reached over UDP */
    HP_BENCH_TURN_TCP,
    HP_BENCH_TURN_TLS,
    HP_BENCH_WAY_N
} hp_bench_way;

const char *hp_bench_way_name(hp_bench_way way); /* "direct", "turn-udp" */

/* The network of the built-in calls: two NATs that keep one port for all destinations, callers behind one and callees
 * behind the other, and a TURN server on the Internet. All three have the same access link, each way; nothing else takes
 * time. So a packet crosses two links directly, and four through the relay. */
typedef struct hp_bench_network {
    hp_time link, jitter; /* delay of an access link, and at most so much more, uniform */
    uint32_t loss_ppb; /* of an access link, each way */
    uint64_t rate; /* bits a second of the callers' uplink, for throughput alone */
    const char *server; /* `program` of the TURN server: "coturn"; NULL: nothing is said of it */
    hp_time drain; /* how long calls are listened to after their media has stopped; 0: 2 s */
} hp_bench_network;

/* n calls with audio at once. Media stops at `duration`, and the run some time later, so that nothing is under way then
 * and what is not there is lost. Caller frees. */
char *hp_bench_calls_text(const hp_bench_network *network, hp_bench_way way, unsigned n, hp_time duration);
/* One call with audio that ends when so much time has passed since its callee heard the first of it, however long that
 * took. Caller frees. */
char *hp_bench_speech_text(const hp_bench_network *network, hp_bench_way way, hp_time speech);
/* One call, and datagrams of `size` bytes one way at that interval for that long, through an uplink of network->rate.
 * Caller frees. */
char *hp_bench_load_text(const hp_bench_network *network, hp_bench_way way, unsigned size, hp_time interval,
                         hp_time duration);

/* Scenarios and the plans made of them, one a seed. */
typedef struct hp_bench_cases {
    GPtrArray *scenarios; /* of hp_scenario: as the loader gave it */
    GPtrArray *plans; /* of hp_plan, seed by seed */
} hp_bench_cases;

void hp_bench_cases_clear(hp_bench_cases *cases);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hp_bench_cases, hp_bench_cases_clear)

/* Plans for the n_seeds seeds from first on of a text above. HP_ERROR_SCENARIO with what is wrong. */
bool hp_bench_cases_of_text(const char *text, const char *name, unsigned first, unsigned n_seeds, hp_bench_cases *ret,
                            GError **error);
/* The same of a scenario file, whose agents are made to go that way: directly (no TURN servers), or by relays alone over
 * the transport that the file says. Its expectations are left out, so that it runs to its end. HP_ERROR_SCENARIO when
 * it cannot be read, has several cases, no call, or (for a relay) no TURN server; way is DIRECT or TURN_UDP, which stands
 * for any transport. */
bool hp_bench_cases_of_file(const char *path, hp_bench_way way, unsigned n_seeds, hp_bench_cases *ret, GError **error);

#endif
