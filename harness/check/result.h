/* The result of one run: verdicts of the expectations and the figures a report shows, all computed from the trace. */
#ifndef HP_CHECK_RESULT_H
#define HP_CHECK_RESULT_H

#include <glib.h>

#include "base/diag.h"
#include "base/time.h"
#include "oracle/oracle.h"
#include "plan/plan.h"
#include "trace/trace.h"

typedef enum hp_verdict {
    HP_VERDICT_PASS,
    HP_VERDICT_FAIL, /* an expectation did not hold, or a step failed */
    HP_VERDICT_EXPECTED_FAILURE, /* known-bug, and it failed */
    HP_VERDICT_FIXED, /* known-bug, but everything held: fails the run */
    HP_VERDICT_CRASHED, /* the software under test died */
    HP_VERDICT_HUNG, /* it ran without end */
    HP_VERDICT_ERROR, /* Hairpin itself could not carry it out (a cap, no memory) */
    HP_VERDICT_INVALID, /* the machine was too slow for the live world: the run says nothing */
    HP_VERDICT_SKIPPED, /* it was not run: the world that was asked for, or this machine, cannot */
    HP_VERDICT_N
} hp_verdict;

const char *hp_verdict_name(hp_verdict verdict); /* "pass", "fail", "expected-failure", ... */
/* Whether a run with this verdict counts as good (exit code 0). */
bool hp_verdict_is_good(hp_verdict verdict);
/* Whether it is bad news: neither good nor skipped. */
bool hp_verdict_is_bad(hp_verdict verdict);
/* Whether it says nothing, for or against: invalid and skipped. */
bool hp_verdict_says_nothing(hp_verdict verdict);

typedef struct hp_expect_result {
    const hp_expect *expect; /* NULL for a finding that no line of the scenario asked for (a step that timed out) */
    char *what; /* the expectation as written, or what the finding is about; owned */
    hp_mark mark;
    bool passed;
    char *expected, *got; /* owned; got also when passed */
    hp_time at; /* when it was decided */
    uint32_t packet; /* the packet that shows it, 0 = none */
    hp_time too_long; /* failed, and only as times were longer than asked, by this much at most; else 0 */
    bool of_oracle; /* a finding of its own kind: prediction and run disagree (check/oracle.c) */
} hp_expect_result;

/* Counts and times over a set of samples; times exact, from one clock. */
typedef struct hp_distribution {
    uint64_t count;
    hp_time min, median, mean, p95, max; /* nearest-rank percentiles; 0 when count is 0 */
} hp_distribution;

typedef struct hp_flow_result {
    const char *from, *to; /* owned by the plan's scenario or interned in the result */
    const char *channel; /* label of the data channel it went over, or "" */
    unsigned flow;
    uint64_t sent, received, lost, duplicates, reordered; /* received counts distinct ones */
    hp_distribution latency;
} hp_flow_result;

/* One point of a track's series: HP_MEDIA_POINT_SPAN of run time, by arrival; what was lost stands where it was
 * sent. */
#define HP_MEDIA_POINT_SPAN (100 * HP_MS)
typedef struct hp_media_point {
    uint32_t sent, packets, lost; /* lost: sent in this span and never came as media */
    uint32_t octets; /* payload of first copies and repairs */
    uint32_t frames;
    uint32_t jitter_us; /* at the last packet, carried on; microseconds */
    hp_time latency_mean, latency_max; /* 0 without a packet */
} hp_media_point;

/* What a track's ends tell. Where one is a program that is not ours some figures are unknown, and said to be. */
typedef enum hp_figures_basis {
    HP_FIGURES_OF_PACKETS, /* both ends tell of each packet */
    HP_FIGURES_OF_ARRIVALS, /* the receiver alone does; what never came is concluded from what did */
    HP_FIGURES_OF_COUNTS, /* the receiver counts now and then, and so does a foreign sender */
} hp_figures_basis;
/* Figures that go together, as a set of those that are unknown. */
enum {
    HP_FIGURE_SENT = 1 << 0,
    HP_FIGURE_RECEIVED = 1 << 1,
    HP_FIGURE_LOST = 1 << 2, /* and loss */
    HP_FIGURE_ORDER =
        1 << 3, /* recovered, late, unusable, duplicates, reordered, discarded, foreign, refused by SRTP */
    HP_FIGURE_OCTETS = 1 << 4, /* and bitrate */
    HP_FIGURE_JITTER = 1 << 5,
    HP_FIGURE_JITTER_MAX = 1 << 6,
    HP_FIGURE_LATENCY = 1 << 7,
    HP_FIGURE_FIRST = 1 << 8, /* first packet and first frame */
    HP_FIGURE_RATING = 1 << 9,
    HP_FIGURE_FRAMES = 1 << 10, /* and frame rate */
    HP_FIGURE_PICTURE = 1 << 11, /* key frames, frames lost, their latency, freezes */
    HP_FIGURE_FEEDBACK = 1 << 12, /* nacks, plis */
    HP_FIGURE_REPAIRS = 1 << 13, /* retransmitted */
};

typedef struct hp_media_figures {
    hp_figures_basis basis;
    unsigned unknown; /* HP_FIGURE_*: what stands there means nothing */
    uint64_t sent, received, lost, recovered, late, unusable; /* packets: see hp_sc_measures */
    uint64_t in_flight; /* sent too shortly before the run's or the receiver's end to say: neither received nor lost */
    uint64_t duplicates, reordered, discarded, foreign, auth_failures, replays;
    uint64_t octets, bitrate;
    uint32_t loss_ppb, unusable_ppb;
    hp_time jitter_mean, jitter_max;
    hp_distribution latency;
    hp_time first_packet; /* run time, HP_NEVER: none */
    uint32_t burst_milli; /* BurstR of what was unusable */
    hp_time mouth_to_ear; /* mean */
    int32_t r_milli; /* audio; only where there is anything to rate */
    uint32_t mos_milli; /* 0: nothing to rate */
    hp_time first_frame;
    uint64_t frames, key_frames, frames_lost, frame_rate_milli;
    hp_distribution frame_latency;
    uint64_t freezes;
    hp_time freeze_time, freeze_longest;
    uint64_t nacks, plis, retransmitted;
} hp_media_figures;

typedef struct hp_track_result {
    unsigned track;
    hp_media_kind kind;
    const char *from, *to;
    uint32_t ssrc;
    hp_time called; /* when its call step was carried out; HP_NEVER: there was none */
    hp_media_figures figures; /* of the whole run */
    hp_time series_start; /* a multiple of HP_MEDIA_POINT_SPAN */
    hp_media_point *series; /* owned by the result */
    unsigned n_series;
} hp_track_result;

typedef struct hp_dtls_result {
    const char *peer, *with, *role, *profile, *state, *reason;
    unsigned session, stream, component;
    hp_time started, connected; /* HP_NEVER when not */
    uint64_t timeouts; /* flights sent again */
} hp_dtls_result;

typedef struct hp_session_result {
    const char *peer, *with;
    unsigned session, stream, component;
    hp_time gathered, connected, ready, failed; /* HP_NEVER when it did not happen; first times, run time */
    const char *state; /* the last one */
    const char *local_type, *remote_type; /* of the last selected pair, or NULL */
    hp_addr local, remote;
} hp_session_result;

typedef struct hp_nat_result {
    const char *nat;
    uint64_t mappings, mappings_ended, drops;
} hp_nat_result;

typedef struct hp_server_result {
    const char *server;
    uint64_t requests, errors, allocations;
    uint64_t relayed_packets, relayed_bytes; /* both ways */
} hp_server_result;

/* A raw peer's script. */
typedef struct hp_script_result {
    const char *peer, *outcome; /* "done", "failed", "running" */
    hp_time ended; /* HP_NEVER: it runs on */
    unsigned line; /* of the last action told of, 0: none */
    uint64_t sent, received, unexpected; /* messages (and changes of connections) */
} hp_script_result;
/* How prediction and run compare. */
typedef enum hp_oracle_verdict {
    HP_ORACLE_AGREES,
    HP_ORACLE_DISAGREES,
    HP_ORACLE_SHORTFALL, /* the software under test is known to do less: see oracle/shortfalls.h */
    HP_ORACLE_UNDECIDED, /* the run, or the part before the network changed, ended too early to say */
    HP_ORACLE_SILENT, /* the model does not cover this plan, or no call between the two was made */
    HP_ORACLE_N
} hp_oracle_verdict;

const char *hp_oracle_verdict_name(hp_oracle_verdict verdict); /* "agrees" */

/* Two peers that called each other. */
typedef struct hp_oracle_result {
    const char *a, *b;
    const hp_prediction *prediction; /* owned by the result's oracle */
    hp_oracle_verdict verdict;
    const char *why; /* of silent, undecided and shortfall; else "" */
    bool connected, settled; /* as of then: both ends had a pair; and were through with nominating */
    hp_outcome happened; /* when connected; else HP_OUTCOME_NONE */
    uint8_t local, remote; /* types of the pair that `a` had selected */
    uint8_t b_local, b_remote; /* and `b`, as it sees itself and `a` */
    bool b_differs; /* what `a` selected is as predicted, what `b` did is not */
    hp_time took; /* from the call to both ends connected; HP_NEVER: they were not */
    const struct hp_shortfall *shortfall; /* of that verdict, else NULL (oracle/shortfalls.h) */
} hp_oracle_result;

/* Connectivity checks of one peer that a place dropped for one reason. */
typedef struct hp_path_drops {
    const char *by, *place; /* who sent them; "office", "link alice>internet" */
    hp_drop_reason reason;
    uint64_t count; /* packets */
} hp_path_drops;

/* The way that two peers who called each other had at last (check/path.c). A raw peer has no ICE agent that says what it
 * came to: of its way the other end tells alone. */
typedef struct hp_path_result {
    const char *a, *b;
    hp_outcome kind; /* HP_OUTCOME_NONE: some component of either never had a pair */
    const char *a_type, *b_type; /* each end's own candidate in the first component's pair; NULL without one */
    hp_time connected; /* from the call until all components of both ends were; HP_NEVER */
    hp_time failed[2]; /* run time at which ICE first failed at a, at b; HP_NEVER */
    const char *left_in[2]; /* the ICE state in which an end without a pair was left; "": it had no session with the
                             * other; NULL: it had a pair, or failed, or has no ICE agent */
    const struct hp_oracle_result *prediction; /* in hp_result.predictions, or NULL */
    hp_path_drops *drops; /* of checks between the two, most first; none of a direct path. Owned */
    unsigned n_drops;
} hp_path_result;

/* ---- the live world: what a run says of itself ---- */

typedef struct hp_live_host_result {
    const char *host, *device; /* "tun", "veth" */
    uint64_t from_kernel, to_kernel; /* packets that passed between its kernel and the network */
    uint64_t tx_dropped; /* that the network did not take in time */
    uint64_t receive_errors, send_full; /* datagrams that had no room in a socket */
    uint64_t noise, malformed, refused; /* see live/device.h */
    uint64_t untold; /* of a kernel's NAT: how often mappings changed of which it could not tell */
} hp_live_host_result;

typedef struct hp_live_program_result {
    const char *program, *kind; /* "alice", "libnice" */
    hp_time user, system; /* CPU */
    uint64_t peak_kb;
    const char *scheduling; /* "rr": before ordinary processes; "nice", "ordinary" */
    uint64_t beats; /* how often it was looked how late it was; 0: nothing is known of that */
    hp_time stall_p99, stall_max; /* how late the machine let it be */
} hp_live_program_result;

typedef struct hp_live_result {
    bool told; /* false: the run came to no end, or was not begun; nothing of what follows is known */
    uint64_t timers; /* of the network, that fired */
    hp_time median, p99, max; /* how late they were */
    uint64_t late_records; /* of programs, told after their time had passed */
    hp_time worst_record; /* how far the worst was behind */
    hp_time stopped; /* when the network was, 0: not told */
    bool fifo, awake; /* granted */
    const char *refused; /* what punctuality was not, and why; "" */
    hp_live_host_result *hosts;
    unsigned n_hosts;
    hp_live_program_result *programs;
    unsigned n_programs;
    char *too_slow; /* why the run is invalid; NULL: it is not. Owned */
    char *summary; /* in words; NULL when not told. Owned */
} hp_live_result;

typedef struct hp_result {
    const hp_plan *plan;
    hp_verdict verdict;
    char *message; /* for crashed, hung, error: what happened; else NULL */
    hp_time ended; /* run time */
    const char *end_reason; /* decided, until, crashed, hung, limit */
    GPtrArray *expects; /* hp_expect_result*, in the scenario's order, findings last */
    hp_time first_call; /* HP_NEVER without a call */
    hp_flow_result *flows;
    unsigned n_flows;
    hp_track_result *tracks; /* audio and video, each way of its own */
    unsigned n_tracks;
    hp_dtls_result *dtls;
    unsigned n_dtls;
    hp_session_result *sessions;
    unsigned n_sessions;
    hp_oracle *oracle;
    hp_oracle_result *predictions; /* by peers, in the plan's order */
    unsigned n_predictions;
    hp_path_result *paths; /* likewise */
    unsigned n_paths;
    hp_nat_result *nats;
    unsigned n_nats;
    hp_server_result *servers;
    unsigned n_servers;
    hp_script_result *scripts;
    unsigned n_scripts;
    uint64_t packets, drops, events;
    uint64_t drops_by_reason[HP_DROP_N];
    hp_live_result *live; /* NULL: the virtual world */
    GStringChunk *strings; /* owns what the const char* above point to */
} hp_result;

void hp_result_free(hp_result *result);
/* It is one of the live world; returns result->live. */
hp_live_result *hp_result_be_live(hp_result *result);
/* The result of a case that is not run: skipped, and why. */
hp_result *hp_result_skip(const hp_plan *plan, const char *why);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_result, hp_result_free)

#endif
