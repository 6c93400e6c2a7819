/* A scenario as structs: what the schema table fills, what the plan resolves. Names are still names here.
 *
 * One file gives one or more scenarios: a `matrix:` expands to one for each combination, each with its own label. All
 * strings and arrays belong to the scenario (hp_scenario_free); marks point into its file. A time or size that was not
 * given has the default that the schema table states, so that readers of these structs need no second guess. */
#ifndef HP_SCENARIO_MODEL_H
#define HP_SCENARIO_MODEL_H

#include <glib.h>

#include "base/compare.h"
#include "base/diag.h"
#include "config/dns.h"
#include "config/firewall.h"
#include "config/ice.h"
#include "config/inject.h"
#include "config/link.h"
#include "config/media.h"
#include "config/nat.h"
#include "config/port_mapping.h"
#include "config/program.h"
#include "config/raw.h"
#include "config/rule.h"
#include "config/server.h"
#include "config/signaling.h"
#include "trace/trace.h"
#include "wire/match.h"

/* Both directions of an attachment: up = away from the host (or out of the NAT), down = towards it. */
typedef struct hp_sc_link {
    hp_link_config up, down;
} hp_sc_link;

typedef struct hp_sc_family {
    bool ipv4, ipv6; /* default: ipv4 only */
} hp_sc_family;

/* A plain network without a NAT: hosts on it reach each other and nothing else. */
typedef struct hp_sc_lan {
    char *name;
    hp_mark mark;
    hp_link_config link; /* every packet that enters it passes this; default delay 500 us */
    hp_sc_family family;
    hp_prefix prefix4, prefix6; /* family none: the plan picks */
} hp_sc_lan;

/* A firewall as the scenario tells it. What it lets pass is judged by its own policies first, then by the preset's;
 * hp_sc_firewall_config() puts them together. */
typedef struct hp_sc_firewall {
    bool on;
    char *preset; /* NULL: none named */
    hp_firewall_config config; /* out and in are the preset's policies */
    hp_firewall_policy *out, *in; /* its own */
    unsigned n_out, n_in;
    bool has_hop; /* `hop` was given; else the place where it stands decides */
} hp_sc_firewall;

/* All knobs, to be cleared with hp_firewall_config_clear(). */
void hp_sc_firewall_config(const hp_sc_firewall *firewall, hp_firewall_config *ret);

/* A firewall with a network of its own behind it, without translation. */
typedef struct hp_sc_firewall_zone {
    char *name;
    hp_mark mark;
    hp_sc_firewall firewall;
    char *behind; /* zone its outside is in */
    hp_sc_link link; /* its access link to that zone */
    hp_link_config lan; /* the inside network */
    hp_sc_family family;
    hp_prefix inside4, inside6; /* family none: the plan picks */
} hp_sc_firewall_zone;

typedef struct hp_sc_nat {
    char *name;
    hp_mark mark;
    char *preset; /* NULL: none named; knobs are in config either way */
    hp_nat_config config;
    char *behind; /* zone its outside is in: "internet" (default), another NAT, a LAN */
    hp_sc_link link; /* its access link to that zone */
    hp_link_config lan; /* the inside network; default delay 500 us */
    hp_sc_firewall firewall; /* between the inside network and the NAT */
    hp_sc_family family; /* of the inside and of the translation */
    hp_prefix inside4, inside6; /* family none: the plan picks */
    hp_prefix outside6; /* of HP_NAT_IPV6_PREFIX; family none: the plan picks */
    hp_addr *addresses; /* external ones; none: the plan picks config.pool of each family */
    unsigned n_addresses;
    hp_port_mapping_config port_mapping; /* what its hosts may ask of it; default nothing */
    hp_mark port_mapping_mark; /* of `port-mapping`; line 0: it has none */
    hp_kernel_nat kernel; /* not none: a kernel translates, and of the knobs only few hold */
} hp_sc_nat;

/* A fault as the file has it: of a STUN or TURN server, or of a DNS server. stun.kind is a hp_fault_kind, or
 * HP_SC_FAULT_DNS and more: a hp_dns_fault_kind that the others have not. */
enum { HP_SC_FAULT_DNS = 100 };
typedef struct hp_sc_fault {
    hp_server_fault stun;
    char *name; /* DNS, from here on */
    uint16_t type;
    hp_addr address;
} hp_sc_fault;

typedef struct hp_sc_server {
    char *name;
    hp_mark mark;
    hp_server_config config;
    char *behind; /* zone: "internet" by default */
    hp_sc_link link;
    hp_sc_family family;
    hp_addr *addresses; /* none: the plan picks; two of a family with nat-discovery */
    unsigned n_addresses;
    bool stopped; /* starts stopped; a step starts it */
    char *dns_name; /* NULL: NAME.example */
    hp_dns_config dns; /* of kind HP_SERVER_DNS */
    hp_sc_fault *faults; /* the loader's own: they are in config or dns */
    unsigned n_faults;
    hp_sc_firewall firewall; /* before its interface */
    hp_server_program_config program;
} hp_sc_server;

/* How a peer finds its servers by name. */
typedef struct hp_sc_resolver {
    char **servers; /* names of DNS servers; NULL: it knows addresses */
    hp_resolver_config config; /* without servers: the plan has their addresses */
} hp_sc_resolver;

typedef struct hp_sc_mdns {
    bool on;
    bool shows_addresses; /* its own candidates; it resolves others' names all the same */
    hp_mdns_config config;
} hp_sc_mdns;

typedef struct hp_sc_interface {
    char *name; /* NULL for the only one */
    hp_mark mark;
    char *behind;
    hp_sc_link link;
    hp_sc_family family;
    hp_addr *addresses;
    unsigned n_addresses;
    uint32_t mtu; /* 0: 1500 */
    bool clat; /* IPv4 by the NAT64 on its way (RFC 6877) */
    hp_sc_firewall firewall; /* before it */
} hp_sc_interface;

/* How the signalling client of a peer behaves: a careful one by default, the sample's weak points on request. */
typedef struct hp_sc_client {
    bool queue_early_candidates; /* default true: candidates before the description wait; false: they are lost */
    bool send_before_set; /* the description is sent before setLocalDescription, so before gathering has begun */
    hp_time null_id_until; /* messages carry a null id until then: the client cannot tell its own echo */
    bool ignores_own; /* default true: own messages come back from the broker and are ignored by id */
    bool answers_any_offer; /* default true: also an offer that names nobody */
    hp_time answer_delay; /* thinking time before an answer */
} hp_sc_client;

typedef struct hp_sc_peer {
    char *name;
    hp_mark mark;
    hp_sc_interface *interfaces; /* at least one */
    unsigned n_interfaces;
    hp_ice_config ice;
    hp_sc_client client;
    hp_sc_resolver dns;
    hp_sc_mdns mdns;
    hp_peer_media_config media;
    hp_mark media_mark, track_mark[HP_MEDIA_N_KINDS]; /* of its own `media`, `audio`, `video`; line 0: it has none */
    hp_mark replay_mark[HP_MEDIA_N_KINDS]; /* of `replay`, its own or that of `defaults` */
    char *made_up[HP_MEDIA_N_KINDS]; /* the knobs of made-up media that stand beside, "`bitrate`, `fps`", or NULL */
    hp_sc_interface common; /* what the peer itself says of its interfaces; the loader's own */
    bool is_raw; /* no ICE agent: it says what `raw` says */
    hp_raw_config raw;
    hp_peer_program_config program;
} hp_sc_peer;

/* ---- rules ---- */

typedef struct hp_sc_rule {
    char *at; /* a place: the plan knows them */
    hp_mark mark;
    hp_rule rule; /* its label is NULL when none was given; filter is compiled where it is run */
    char *filter; /* a pcap filter, or NULL */
    char *from_step, *until_step; /* labels: it is switched on when the first is carried out, off at the second */
} hp_sc_rule;

/* ---- steps ---- */

/* "the first event of that kind about that subject whose fields have these values". */
typedef struct hp_event_pattern {
    hp_mark mark;
    hp_event_kind kind;
    char *subject; /* NULL: anyone */
    char **keys, **values; /* n_where pairs, values as text */
    unsigned n_where;
} hp_event_pattern;

/* "40ms", or a range "40ms..60ms" with both ends in it. False, and nothing written, when it is neither. */
bool hp_event_span_parse(const char *text, hp_time *ret_min, hp_time *ret_max);
/* Whether an event record is one the pattern speaks of. Values compare as text, as events.jsonl writes them: numbers in
 * decimal, times in ns, with a unit or as a range, addresses with or without their port. */
bool hp_event_pattern_matches(const hp_event_pattern *pattern, const hp_record *record);

typedef enum hp_step_kind {
    HP_STEP_CALL,
    HP_STEP_SEND,
    HP_STEP_WAIT_FOR,
    HP_STEP_WAIT,
    HP_STEP_REBOOT,
    HP_STEP_RENUMBER,
    HP_STEP_REBIND,
    HP_STEP_SET_NAT,
    HP_STEP_SET_LINK,
    HP_STEP_INTERFACE,
    HP_STEP_ICE_RESTART,
    HP_STEP_CLOSE,
    HP_STEP_STOP_SERVER,
    HP_STEP_START_SERVER,
    HP_STEP_SET_SIGNALING,
    HP_STEP_HOLD, /* and resume */
    HP_STEP_SET_MEDIA,
    HP_STEP_INJECT,
    HP_STEP_SET_DNS,
    HP_STEP_SET_FIREWALL,
    HP_STEP_RULE,
    HP_STEP_MAP_PORT,
    HP_STEP_UNMAP_PORT,
    HP_STEP_N
} hp_step_kind;

typedef struct hp_sc_inject {
    char *to; /* the peer they are put before */
    hp_inject_config config;
} hp_sc_inject;

/* A port that a peer's host asks its gateway for, or (unmap-port) gives back. */
typedef struct hp_sc_map_port {
    char *peer;
    hp_port_mapping_protocol protocol; /* none: the one that its ICE agent uses */
    uint8_t transport; /* IP protocol number of UDP or TCP */
    uint16_t internal, external; /* external 0: any */
    bool exact;
    hp_addr remote; /* only this host may send; family none: anyone */
    uint16_t remote_port; /* with remote: PCP's PEER */
    hp_time lifetime; /* 0: the peer's */
} hp_sc_map_port;

typedef enum hp_sc_link_direction { HP_SC_UP = 1, HP_SC_DOWN = 2, HP_SC_BOTH = 3 } hp_sc_link_direction;

typedef struct hp_step {
    hp_step_kind kind;
    hp_mark mark;
    char *label; /* NULL: the kind's name; what `after: reboot` in expectations refers to */
    bool has_at;
    hp_time at; /* run time; without `at` a step follows the one before at once */
    union {
        struct {
            char *from;
            char **to; /* NULL-terminated; one session each */
            hp_call_config config;
            bool broadcast; /* the offer names nobody: every client that hears it may answer */
        } call;
        struct {
            char *from, *to; /* `to` must be in a session with `from` */
            uint32_t size; /* bytes of a datagram; default 200, at least 32 */
            hp_time interval; /* default 20 ms */
            uint64_t count; /* 0: by `for_ns` */
            hp_time for_ns; /* default 5 s when count is 0 too */
            bool both; /* default true: both ways, two flows */
            bool wait; /* default false: the next step need not wait for its end */
            unsigned stream, component; /* default 1, 1 */
            hp_channel_config channel; /* label NULL: plain datagrams on the ICE component */
        } send;
        struct {
            char **peers; /* with state; NULL: everyone who is in a call */
            char *state; /* an ICE state name: every session of these peers is in it (ready counts as connected) */
            char *script; /* a raw peer: its script has ended; state is NULL then */
            hp_event_pattern event; /* used when state is NULL; counts from the start of this step */
            hp_time timeout; /* default 30 s: then the step fails the run */
        } wait_for;
        hp_time wait; /* a pause */
        struct {
            char *nat; /* renumber: or a server */
            hp_addr *addresses; /* renumber; none: the plan's spare ones */
            unsigned n_addresses;
            char *host; /* rebind: only this peer's mappings; NULL all */
            hp_nat_config config; /* set-nat: the knobs after the change (the schema applies them over the NAT's) */
            char *text; /* set-nat: what was changed, for the trace */
        } nat;
        struct {
            char *of; /* peer, server, NAT, LAN or "internet" */
            char *interface; /* of a peer with several; NULL: the first */
            hp_sc_link_direction direction; /* default both */
            hp_link_config config; /* up, after the change, over the present one; with direction down the same as */
            hp_link_config down_config; /* down, after the change; a LAN and the Internet have but one link: equal */
            char *text;
        } link;
        struct {
            char *peer, *interface;
            bool up;
        } interface;
        struct {
            char *peer, *with; /* with NULL: all sessions */
        } session; /* ice-restart, close */
        struct {
            char *peer, *with; /* with NULL: all sessions */
            bool kinds[HP_MEDIA_N_KINDS]; /* which media */
            bool resume;
        } hold;
        struct {
            char *peer, *with;
            uint64_t video_bitrate; /* bits a second */
        } set_media;
        hp_sc_inject inject;
        struct {
            char *server;
            hp_dns_host *hosts;
            unsigned n_hosts;
        } dns; /* set-dns */
        struct {
            char *of, *interface; /* a firewall, NAT, server or peer; interface NULL: all of a peer's */
            hp_sc_firewall firewall; /* after the change */
            char *text;
        } firewall;
        struct {
            char *label;
            bool on;
        } rule;
        hp_sc_map_port map_port; /* and unmap-port: peer, transport and internal */
        char *server; /* stop-server, start-server */
        hp_signaling_config signaling;
    };
} hp_step;

/* Its label, else its action's name. */
const char *hp_step_label(const hp_step *step);

/* ---- expectations ---- */

typedef enum hp_expect_kind {
    HP_EXPECT_CONNECTED,
    HP_EXPECT_NOT_CONNECTED,
    HP_EXPECT_PAIR,
    HP_EXPECT_STATE,
    HP_EXPECT_CANDIDATES,
    HP_EXPECT_DELIVERY,
    HP_EXPECT_LATENCY,
    HP_EXPECT_PACKETS,
    HP_EXPECT_DROPS,
    HP_EXPECT_MAPPINGS,
    HP_EXPECT_RELAYED,
    HP_EXPECT_CONSENT,
    HP_EXPECT_RECOVERED,
    HP_EXPECT_MEDIA,
    HP_EXPECT_DTLS,
    HP_EXPECT_LINK,
    HP_EXPECT_EVENT,
    HP_EXPECT_ORDER,
    HP_EXPECT_RULE,
    HP_EXPECT_SCRIPT,
    HP_EXPECT_PREDICTED,
    HP_EXPECT_N
} hp_expect_kind;

/* Ranges of a distribution of times. */
typedef struct hp_sc_spread {
    hp_compare min, median, mean, p95, max;
} hp_sc_spread;

/* What is asked of every track of a kind; unset ones are not. Media of a track is what its sender sent in the
 * window. */
typedef struct hp_sc_measures {
    hp_compare sent, received; /* packets, without retransmissions; received counts first copies */
    hp_compare loss; /* of sent: by the network, whether repaired or not */
    hp_compare unusable; /* of sent: never there, or too late (lost - recovered + late) */
    hp_compare recovered, late, duplicates, reordered, discarded; /* packets */
    hp_compare foreign; /* packets received that were never sent; 0 or an attack succeeded */
    hp_compare auth_failures, replays; /* packets that SRTP refused; by their claimed SSRC */
    hp_compare bitrate; /* of received and recovered payload, over the window, or from first arrival to last packet */
    hp_compare jitter, jitter_max; /* RFC 3550: the mean and the maximum over all packets */
    hp_sc_spread latency; /* one way, of first copies that came as media */
    hp_compare first_packet; /* after the call step */
    hp_compare mos; /* audio; HP_UNIT_MILLI */
    hp_compare first_frame; /* video from here on; after the call step */
    hp_compare frames, key_frames, frame_rate /* HP_UNIT_MILLI a second */;
    hp_sc_spread frame_latency; /* from capture until it could be shown */
    hp_compare freezes, freeze_time, freeze_longest;
    hp_compare nacks, plis, retransmitted; /* NACK messages, PLI messages, retransmissions sent */
} hp_sc_measures;

/* A window of run time; `after` and `before` may also name a step's label. */
typedef struct hp_sc_window {
    hp_time after, before; /* 0 and HP_NEVER when open */
    char *after_step, *before_step; /* NULL: by time */
} hp_sc_window;

typedef struct hp_expect {
    hp_expect_kind kind;
    hp_mark mark;
    char *text; /* the expectation as written, on one line */
    hp_sc_window window;
    union {
        struct {
            char **peers; /* NULL: every peer that is in a call */
            char *state; /* connected (default) or ready */
            bool has_within;
            hp_time within; /* counted from the first call step */
        } connected; /* and not_connected, where within is ignored */
        struct {
            char **peers; /* parallel arrays, n of them */
            char **types; /* host, srflx, prflx, relay; several joined by "|" */
            unsigned n;
            char *with; /* in the session with; NULL: any */
        } pair; /* the local candidate's type of the pair selected last */
        struct {
            char *peer, *with, *state; /* with NULL: any session */
            unsigned stream, component; /* 0: any */
            bool has_within, never;
            hp_time within; /* from the window's start, or the first call step */
        } state;
        struct {
            char *peer, *type, *server; /* type NULL: any; server NULL: any */
            bool remote; /* remote candidates instead of local ones */
            hp_compare count; /* default >= 1 */
            hp_addr address; /* family none: any */
        } candidates;
        struct {
            char *from, *to; /* NULL: any */
            char *channel; /* only flows over the data channel with that label; NULL: any flow */
            hp_compare sent, received, loss, duplicates, reordered;
        } delivery;
        struct {
            char *from, *to, *channel;
            hp_compare min, median, mean, p95, max;
        } latency;
        struct {
            char *at; /* a tap, or a node: all its taps; NULL everywhere */
            bool has_direction;
            int direction; /* hp_direction */
            hp_match match;
            char *filter; /* a pcap filter, or NULL */
            hp_compare count, bytes;
        } packets;
        struct {
            char *at; /* a node or link; NULL everywhere */
            bool has_reason;
            hp_drop_reason reason;
            hp_match match;
            hp_compare count;
        } drops;
        struct {
            char *nat;
            hp_compare count, at_end, external_ports; /* created; alive at the end; distinct external ports used */
            char *ended; /* only those that ended for this reason */
        } mappings;
        struct {
            char *at; /* a TURN server; NULL: any */
            hp_compare packets, bytes, allocations; /* relayed both ways */
        } relayed;
        struct {
            char *peer, *state; /* granted, lost, regained */
            hp_compare count; /* default >= 1 */
            bool has_within;
            hp_time within;
        } consent;
        struct {
            char *step; /* label or kind of the step that broke it */
            hp_time within;
            char *from, *to; /* NULL: every flow that was running */
        } recovered;
        struct {
            char *from, *to; /* NULL: any */
            bool asks[HP_MEDIA_N_KINDS]; /* whether a measure of that kind is given: then such a track must exist */
            hp_sc_measures of[HP_MEDIA_N_KINDS];
        } media;
        struct {
            char **peers; /* NULL: every peer that is in a call with media */
            char *state; /* connected (default), failed, closed */
            char *reason; /* of failed; NULL: any */
            char *profile, *role; /* "aes-128-gcm", as peers' profiles are named; "active" or "passive". NULL: any */
            bool has_within;
            hp_time within; /* after the window begins, or the first call step */
            hp_compare duration; /* of the handshake: from handshaking to connected */
            hp_compare retransmissions; /* dtls-timeout events before it got there */
        } dtls; /* of every association of these peers */
        struct {
            char *of, *interface; /* as in set-link */
            hp_sc_link_direction direction; /* default both; of a LAN and the Internet, whose links have but one, too */
            /* `declared` is an empty range: min above max. */
            hp_compare loss, delay, rate, duplicates, reordering, corruption;
        } link;
        struct {
            hp_event_pattern pattern;
            hp_compare count; /* default >= 1 */
        } event;
        struct {
            hp_event_pattern *patterns; /* each happens, after the one before it */
            unsigned n;
        } order;
        struct {
            char *rule; /* label */
            hp_compare hits; /* packets it was carried out on; default >= 1 when matched is not asked for either */
            hp_compare matched; /* packets of which all that it says held */
        } rule;
        struct {
            char *peer; /* a raw one */
            bool fails; /* its script is expected to fail */
            bool has_within;
            hp_time within; /* run time */
        } script;
        struct {
            char **between; /* two peers; NULL: every two that call each other */
            bool has_within;
            hp_time within; /* from the call to both ends connected; of calls that connect */
            bool strict; /* known shortfalls of the software under test fail */
        } predicted;
    };
} hp_expect;

/* One axis of a case's matrix. */
typedef struct hp_sc_axis {
    char *path; /* "network.nats.home.preset"; of an axis that sets several paths its name */
    char *name; /* "home", "home.preset": as the label shows it */
    char *value; /* "symmetric", likewise */
} hp_sc_axis;

typedef struct hp_scenario {
    char *file; /* path as given */
    char *name; /* the file's `name`, default: the file's stem */
    char *label; /* matrix values "home.preset=symmetric, trickle=false"; "" without a matrix */
    char *about;
    char **tags; /* NULL-terminated */
    uint64_t seed; /* default 1; the command line may override */
    bool has_seed;
    hp_time until; /* default 60 s */
    char *known_bug; /* link: the scenario is expected to fail; passing is reported as FIXED */
    hp_link_config internet; /* default delay 20 ms */
    hp_sc_lan *lans;
    unsigned n_lans;
    hp_sc_nat *nats;
    unsigned n_nats;
    hp_sc_firewall_zone *firewalls;
    unsigned n_firewalls;
    hp_sc_rule *rules;
    unsigned n_rules;
    hp_sc_server *servers;
    unsigned n_servers;
    hp_sc_peer *peers;
    unsigned n_peers;
    hp_signaling_config signaling;
    hp_step *steps;
    unsigned n_steps;
    hp_expect *expects;
    unsigned n_expects;
    char *source; /* the file's text, shared by its cases (a GRefString) */
    GHashTable *line_text; /* reserved for diagnostics; may be NULL */
    GHashTable *captures; /* paths to hp_capture*, shared by the file's cases: recordings that a plan has read; may be
                             NULL */
    GHashTable *link_files; /* what the loader has read for links; their arrays lie in it, for all cases of the file */
    uint8_t worlds; /* HP_WORLD_*: those that it is for; 0: not said, see hp_plan.worlds */
    char *worlds_why; /* the reason, or NULL */
    hp_mark worlds_mark; /* line 0: not said */
    hp_agree_config agree;
    hp_sc_axis *axes; /* of its matrix, in the matrix's order */
    unsigned n_axes;
    void *storage; /* the arena all strings and arrays live in; private to scenario/ */
} hp_scenario;

void hp_scenario_free(hp_scenario *scenario);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_scenario, hp_scenario_free)

/* As written in a scenario: "set-nat", "interface-up"; "not-connected". */
const char *hp_step_name(const hp_step *step);
const char *hp_expect_name(hp_expect_kind kind);

/* The text of a line of the scenario's file, for a diagnostic about a mark; NULL when there is none. Caller frees. */
char *hp_scenario_source_line(const hp_scenario *scenario, unsigned line);

/* Reads a file. Returns the cases in matrix order (a GPtrArray of hp_scenario*, owning), or NULL when there was any
 * error; errors and warnings of the whole file are added to diags either way. */
GPtrArray *hp_scenario_load(const char *path, hp_diags *diags);
/* What the command line adds to a file's matrix; NULL where it says nothing. */
typedef struct hp_matrix_request {
    char *const
        *axes; /* "home=all", "defaults.ice.trickle=true,false"; NULL-terminated. Replaces an axis of that name */
    char *const *except; /* "home=symmetric,office=full-cone" */
    bool pairwise;
} hp_matrix_request;

/* hp_scenario_load() with that; text: instead of the file's, NULL: path is read. */
GPtrArray *hp_scenario_load_matrix(const char *path, const char *text, const hp_matrix_request *request,
                                   hp_diags *diags);
/* The same from memory; path is what marks say. */
GPtrArray *hp_scenario_parse(const char *path, const char *text, size_t len, hp_diags *diags);

#endif
