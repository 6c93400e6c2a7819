/* What the trace has told so far, kept once for all expectations and for the result. Private to check/.
 *
 * Every record is visited once, in order. Lists that grow with rare events (states, pairs) keep their whole history
 * with record indices, so that a question about a window ("in which state when the window opened?") can be answered
 * later. What grows with every datagram is kept flat: a bit for each sequence number, a time for each arrival. */
#ifndef HP_CHECK_FACTS_H
#define HP_CHECK_FACTS_H

#include <glib.h>
#include <string.h>

#include "base/addr.h"
#include "base/time.h"
#include "check/media_facts.h"
#include "oracle/oracle.h"
#include "plan/plan.h"
#include "trace/trace.h"

/* ---- sessions ---- */

typedef enum hp_check_state {
    HP_CHECK_DISCONNECTED,
    HP_CHECK_GATHERING,
    HP_CHECK_CONNECTING,
    HP_CHECK_CONNECTED,
    HP_CHECK_READY,
    HP_CHECK_FAILED,
    HP_CHECK_STATE_N
} hp_check_state;

const char *hp_check_state_name(hp_check_state state);
bool hp_check_state_from_name(const char *name, hp_check_state *ret);
/* Whether being in `state` satisfies a wish for `wanted`: ready counts as connected. */
static inline bool hp_check_state_is(hp_check_state state, hp_check_state wanted)
{
    return state == wanted || (wanted == HP_CHECK_CONNECTED && state == HP_CHECK_READY);
}

typedef struct hp_state_change {
    uint64_t index; /* of the record */
    hp_time at;
    hp_check_state state;
} hp_state_change;

typedef struct hp_pair_change {
    uint64_t index;
    hp_time at;
    const char *local, *remote; /* candidate types */
    hp_addr local_address, remote_address;
} hp_pair_change;

typedef struct hp_component_facts {
    unsigned stream, component;
    GArray *states; /* hp_state_change; empty: disconnected, nothing was heard */
    GArray *pairs; /* hp_pair_change */
} hp_component_facts;

typedef struct hp_session_facts {
    const char *peer, *with; /* with "" until an event names it */
    unsigned number;
    unsigned expected; /* components the call steps ask for; at least 1 */
    unsigned expected_dtls; /* DTLS associations likewise; 0 without media */
    unsigned local_candidates, remote_candidates;
    hp_time closed; /* HP_NEVER while open */
    bool was_connected; /* some component, at some time */
    GPtrArray *components; /* hp_component_facts*, by stream and component */
    GArray *gathered; /* hp_gathered */
} hp_session_facts;

typedef struct hp_gathered {
    unsigned stream;
    hp_time at;
} hp_gathered;

typedef struct hp_peer_facts {
    const char *name;
    GPtrArray *sessions; /* hp_session_facts*, by first mention */
} hp_peer_facts;

/* ---- flows ---- */

/* A growing set of sequence numbers. */
typedef struct hp_sequences {
    uint64_t *words;
    uint64_t n_words;
} hp_sequences;

/* Adds; false when it was there. Numbers of 2^28 and above are not kept and always new. */
bool hp_sequences_add(hp_sequences *set, uint64_t sequence);
bool hp_sequences_has(const hp_sequences *set, uint64_t sequence);
void hp_sequences_clear(hp_sequences *set);

typedef struct hp_arrival {
    hp_time latency;
    uint32_t packet;
} hp_arrival;

typedef struct hp_flow_facts {
    uint64_t number;
    unsigned index; /* among the flows, by first mention */
    const char *from, *to;
    const char *channel; /* label of the data channel, or "" */
    hp_time started, done, last_sent, last_received; /* HP_NEVER when not (yet) */
    uint64_t done_index; /* record index of FLOW_DONE, UINT64_MAX */
    uint64_t sent, refused, received, duplicates, reordered; /* received counts distinct ones */
    uint64_t next_sequence; /* one above the highest sent */
    uint64_t highest_received; /* valid when received > 0 */
    hp_sequences got;
    GArray *arrivals; /* hp_arrival of distinct datagrams, by arrival */
} hp_flow_facts;

/* ---- steps, NATs, servers, refusals ---- */

typedef struct hp_step_facts {
    bool reached, done;
    hp_time at, done_at;
    uint64_t index; /* record index of STEP */
    const char *outcome; /* of STEP_DONE; "" when it said none */
} hp_step_facts;

typedef struct hp_nat_facts {
    uint64_t mappings, mappings_ended, drops;
} hp_nat_facts;

typedef struct hp_server_facts {
    uint64_t requests, errors, allocations, relayed_packets, relayed_bytes;
} hp_server_facts;

typedef struct hp_rule_facts {
    bool counted; /* the run came to its end, and told */
    uint64_t matched, hits;
} hp_rule_facts;

typedef struct hp_refused_call {
    const char *peer, *message;
    hp_time at; /* the first */
    uint64_t count;
} hp_refused_call;

/* A raw peer's script. */
typedef struct hp_script_facts {
    const char *peer, *outcome; /* "running", "done", "failed" */
    hp_time ended; /* HP_NEVER */
    unsigned line; /* of the last action told of */
    uint64_t sent, received, unexpected;
} hp_script_facts;

typedef struct hp_facts {
    const hp_plan *plan;
    hp_oracle *oracle; /* the result takes it */
    GStringChunk *strings;
    hp_time now; /* of the last record */
    uint64_t n_records;
    hp_time first_call; /* HP_NEVER without a call */
    GPtrArray *peers; /* hp_peer_facts*: the plan's in its order, then strangers by first mention */
    GHashTable *peer_index; /* name -> hp_peer_facts* */
    GPtrArray *flows; /* hp_flow_facts*, by first mention */
    GHashTable *flow_index; /* &number -> hp_flow_facts* */
    GPtrArray *tracks; /* hp_track_facts*, by first mention */
    GPtrArray *track_index; /* by number; NULL where there is none */
    GArray *strays; /* hp_media_stray */
    unsigned n_strays_settled;
    GPtrArray *associations; /* hp_dtls_facts*, by first mention */
    hp_step_facts *steps; /* as many as the scenario has */
    unsigned calls_reached, sends_reached;
    hp_nat_facts *nats;
    GHashTable *nat_index; /* name -> index + 1 */
    hp_server_facts *servers;
    GHashTable *server_index;
    hp_rule_facts *rules; /* as many as the scenario has */
    hp_script_facts *scripts; /* of raw peers that have one, in the plan's order */
    unsigned n_scripts;
    GPtrArray *refusals; /* hp_refused_call*, by first mention */
    GPtrArray *unresolved; /* hp_refused_call*, alike; message: the server's name in DNS */
    struct hp_live_facts *live; /* live.h; NULL in the virtual world */
    uint64_t packets, drops, events;
    uint64_t drops_by_reason[HP_DROP_N];

    /* About the record at hand, for the expectations that look at it next. */
    struct {
        hp_flow_facts *flow; /* of a FLOW*, DATA* event */
        hp_track_facts *track; /* of a MEDIA* event that says which */
        uint64_t sequence; /* of a DATA* event */
        hp_arrival arrival; /* of DATA_RECEIVED */
        bool duplicate, reordered; /* of DATA_RECEIVED */
        hp_session_facts *session; /* of an event with a session */
        int step; /* of a STEP or STEP_DONE event, index in the scenario, or -1 */
    } current;
} hp_facts;

hp_facts *hp_facts_new(const hp_plan *plan);
void hp_facts_free(hp_facts *facts);
void hp_facts_record(hp_facts *facts, const hp_record *r);

/* NULL when the name was never mentioned. */
hp_peer_facts *hp_facts_peer(const hp_facts *facts, const char *name);
/* Closed before it ever connected, while the same peer has another session with the same other end: what is left of a
 * glare or of a second answer. Nobody waits for such a session. */
bool hp_facts_superseded(const hp_facts *facts, const hp_session_facts *session);
/* When a component first was in that state, as expectations name states; HP_NEVER. */
hp_time hp_component_first(const hp_component_facts *c, hp_check_state wanted);
/* The last pair selected before record index `end`, or NULL. */
const hp_pair_change *hp_component_pair(const hp_component_facts *c, uint64_t end);
/* The state in force just before record `index`. */
const hp_state_change *hp_component_state(const hp_component_facts *c, uint64_t index);

/* Whether a tap ("bob", "bob/wifi") belongs to the peer or server of that name. */
static inline bool hp_tap_is_of(const char *tap, const char *name)
{
    const size_t n = strlen(name);
    return strncmp(tap, name, n) == 0 && (tap[n] == '\0' || tap[n] == '/');
}
/* The session of that number; NULL. */
const hp_session_facts *hp_facts_session(const hp_facts *facts, const char *peer, unsigned number);

/* facts_media.c: records and events of media. */
void hp_facts_media_record(hp_facts *facts, const hp_record *r);
void hp_facts_media_event(hp_facts *facts, const hp_record *r);
void hp_track_facts_free(void *track);
/* The kind of media that an event names; false: none that there is. */
bool hp_facts_media_kind(const hp_record *r, hp_media_kind *ret);
/* A new track; NULL where that number is taken. */
hp_track_facts *hp_facts_add_track(hp_facts *facts, unsigned number, hp_media_kind kind, const char *from,
                                   const char *to, const hp_record *began);
/* facts_counts.c: what programs that are not ours count. */
void hp_facts_counts_event(hp_facts *facts, const hp_record *r);
/* Whether a peer of that name is a program that is not ours. */
bool hp_facts_is_foreign(const hp_facts *facts, const char *peer);
/* Whoever sends to `peer` in a session with `with` is heard no more. */
void hp_facts_media_hung_up(hp_facts *facts, const char *peer, const char *with, hp_time at);
/* Ascribes strays to whoever received them, as far as the trace tells: each counts as foreign for every track to that
 * peer. Once the trace is whole; again after more was fed. */
void hp_facts_settle_strays(hp_facts *facts, const hp_trace *trace);
/* The state in force just before record `index`; false before the track's first. */
bool hp_track_state_at(const hp_track_facts *track, uint64_t index, hp_track_change *ret);
/* facts_dtls.c: DTLS events. */
void hp_facts_dtls_event(hp_facts *facts, const hp_record *r);
void hp_dtls_facts_free(void *association);
/* facts_flows.c: events of flows and datagrams. */
void hp_facts_flow_event(hp_facts *facts, const hp_record *r);
void hp_flow_facts_free(void *flow);
/* facts_scripts.c: raw peers. */
void hp_facts_init_scripts(hp_facts *facts);
void hp_facts_script_event(hp_facts *facts, const hp_record *r);
/* facts_sessions.c: events that carry a session. */
void hp_facts_session_event(hp_facts *facts, const hp_record *r);
void hp_peer_facts_free(void *peer);
hp_peer_facts *hp_facts_add_peer(hp_facts *facts, const char *name);
const char *hp_facts_string(hp_facts *facts, const char *text);

#endif
