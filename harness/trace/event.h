/* The kinds of events in a trace, each with its fields: ONE table, from which names, the events.jsonl writer and the
 * reference page are made. A packet is not an event: see trace.h.
 *
 * subject: whom it is about (a peer, a NAT, a server, a step), as the scenario names it.
 * Field types: u = uint64, i = int64, t = a span or instant (ns), s = text, a = transport address. */
#ifndef HP_TRACE_EVENT_H
#define HP_TRACE_EVENT_H

#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/* X(ENUM, "name", "subject", "fields", "doc") */
#define HP_EVENT_TABLE(X)                                                                                              \
    X(RUN_START, "run-start", "scenario", "seed:u", "the run begins")                                                  \
    X(RUN_END, "run-end", "scenario", "reason:s", "the run ends: decided, until, or a cap")                            \
    X(STEP, "step", "step kind", "step:u target:s line:u label:s", "a step of the scenario is carried out")            \
    X(STEP_DONE, "step-done", "step kind", "step:u outcome:s",                                                         \
      "a step that takes time has finished (wait-for, send): done or timeout")                                         \
    X(SIGNAL_SENT, "signal-sent", "sending peer", "type:s message:u size:u json:s", "a signalling message leaves")     \
    X(SIGNAL_RECEIVED, "signal-received", "receiving peer", "from:s type:s message:u own:u", "one copy arrives")       \
    X(SIGNAL_DROPPED, "signal-dropped", "sending peer", "to:s type:s message:u reason:s", "one copy is lost")          \
    X(SIGNAL_IGNORED, "signal-ignored", "receiving peer", "from:s type:s message:u reason:s",                          \
      "a message the client throws away, and why")                                                                     \
    X(GATHERING_STARTED, "gathering-started", "peer", "session:u", "candidate gathering begins")                       \
    X(GATHERING_DONE, "gathering-done", "peer", "session:u stream:u", "all candidates of a stream are known")          \
    X(CANDIDATE, "candidate", "peer",                                                                                  \
      "session:u stream:u component:u type:s transport:s address:a base:a priority:u foundation:s server:s",           \
      "a local candidate is found")                                                                                    \
    X(REMOTE_CANDIDATE, "remote-candidate", "peer",                                                                    \
      "session:u stream:u component:u type:s address:a priority:u transport:s",                                        \
      "a remote candidate becomes known (signalled, or peer reflexive)")                                               \
    X(ICE_STATE, "ice-state", "peer", "session:u with:s stream:u component:u state:s previous:s",                      \
      "a component changes state: disconnected, gathering, connecting, connected, ready, failed")                      \
    X(SELECTED_PAIR, "selected-pair", "peer",                                                                          \
      "session:u with:s stream:u component:u local:s remote:s local-address:a remote-address:a local-base:a "          \
      "transport:s relay-protocol:s",                                                                                  \
      "the pair that carries data: candidate types and addresses, the local one's transport; a program that is "       \
      "not ours may say over what it reaches its relay")                                                               \
    X(ICE_ROLE, "ice-role", "peer", "session:u role:s", "the agent controls, or is controlled")                        \
    X(ICE_RESTART, "ice-restart", "peer", "session:u", "new credentials, gathering anew")                              \
    X(CONSENT, "consent", "peer", "session:u stream:u component:u state:s",                                            \
      "consent to send: granted, lost, regained")                                                                      \
    X(PEER_CLOSED, "peer-closed", "peer", "session:u", "an agent is closed")                                           \
    X(PEER_ERROR, "peer-error", "peer", "session:u message:s", "the software under test refused a call")               \
    X(FLOW, "flow", "sending peer", "flow:u to:s size:u interval:t count:u stream:u component:u channel:s",            \
      "a flow of numbered, time-stamped datagrams begins; channel: the data channel it goes over, or nothing")         \
    X(FLOW_DONE, "flow-done", "sending peer", "flow:u sent:u", "its last datagram was sent")                           \
    X(DATA_SENT, "data-sent", "sending peer", "flow:u sequence:u size:u", "one datagram is handed to the agent")       \
    X(DATA_REFUSED, "data-refused", "sending peer", "flow:u sequence:u", "the agent took no datagram")                 \
    X(DATA_RECEIVED, "data-received", "receiving peer", "flow:u sequence:u size:u latency:t packet:u",                 \
      "one datagram arrives; packet is its capture record")                                                            \
    X(DTLS_STATE, "dtls-state", "peer", "session:u with:s stream:u component:u state:s role:s profile:s reason:s",     \
      "a DTLS association: handshaking, unverified, connected, closed, failed (and why)")                              \
    X(DTLS_TIMEOUT, "dtls-timeout", "peer", "session:u stream:u component:u number:u",                                 \
      "a flight was not answered in time, and is sent again; in a row: its number")                                    \
    X(DTLS_ALERT, "dtls-alert", "peer", "session:u stream:u component:u direction:s fatal:u number:u name:s",          \
      "an alert is sent (out) or arrives (in)")                                                                        \
    X(DTLS_SECRET, "dtls-secret", "peer", "line:s", "a line of the NSS key log format: what decrypts the capture")     \
    X(SRTP_KEY, "srtp-key", "peer", "session:u stream:u component:u direction:s profile:s key:s salt:s",               \
      "a master key and salt, in hexadecimal, of what is sent (out) or received (in)")                                 \
    X(SRTP_REFUSED, "srtp-refused", "receiving peer",                                                                  \
      "session:u stream:u component:u what:s reason:s track:u ssrc:u sequence:u packet:u",                             \
      "SRTP refused a packet: auth-failed, replay, too-old, malformed, no-keys; track and ssrc as its header says")    \
    X(MEDIA_IGNORED, "media-ignored", "receiving peer", "session:u stream:u component:u what:s reason:s packet:u",     \
      "a datagram of a media session that nobody had a use for")                                                       \
    X(MEDIA_TRACK, "media-track", "sending peer",                                                                      \
      "track:u session:u to:s media:s ssrc:u rtx-ssrc:u pt:u clock:u ptime:t sequence:u source:s",                     \
      "what a sender of audio or video is; source: made-up, replay, or foreign, as its receiver tells")                \
    X(MEDIA_STATE, "media-state", "sending peer", "track:u state:s sent:u",                                            \
      "a sender is started, held, resumed or stopped; sent: packets so far")                                           \
    X(MEDIA_FIRST, "media-first", "receiving peer", "track:u media:s from:s what:s packet:u",                          \
      "the first packet of a track arrives, or its first frame is shown")                                              \
    X(MEDIA_KEY_FRAME, "media-key-frame", "sending peer", "track:u frame:u packets:u reason:s",                        \
      "a key frame is sent: start, interval or request")                                                               \
    X(MEDIA_FRAME_LOST, "media-frame-lost", "receiving peer", "track:u frame:u reason:s",                              \
      "a frame that is never shown: incomplete, or undecodable")                                                       \
    X(MEDIA_FREEZE, "media-freeze", "receiving peer", "track:u duration:t", "the picture stood still until now")       \
    X(MEDIA_FEEDBACK, "media-feedback", "receiving peer", "track:u what:s count:u",                                    \
      "the receiver asks the sender: nack (for count packets) or pli")                                                 \
    X(MEDIA_REPORT, "media-report", "sending peer", "track:u fraction-lost:u lost:i jitter:t round-trip:t",            \
      "a receiver's report block on this track; fraction-lost of 256; round-trip 0 while unknown")                     \
    X(MEDIA_STATS, "media-stats", "peer",                                                                              \
      "session:u with:s media:s direction:s packets:u octets:u lost:i jitter:t frames:u",                              \
      "what a program that is not ours has counted so far of its audio or video, in or out; what it does not tell is " \
      "left out")                                                                                                      \
    X(INJECTED, "injected", "peer", "what:s kind:s count:u found:u",                                                   \
      "an attacker begins to put packets before a peer, made of `found` packets that came to it before")               \
    X(CHANNEL_STATE, "channel-state", "peer", "session:u channel:u label:s state:s reason:s",                          \
      "a data channel: opening, open, closed, failed")                                                                 \
    X(CHANNEL_MESSAGE, "channel-message", "receiving peer", "session:u with:s label:s size:u",                         \
      "a message comes over a data channel to a program that is not ours")                                             \
    X(SCTP_STATE, "sctp-state", "peer", "session:u state:s reason:s",                                                  \
      "the SCTP association under the data channels: connecting, connected, closed, failed")                           \
    X(NAT_MAPPING, "nat-mapping", "nat", "proto:s internal:a external:a remote:a", "a mapping is created")             \
    X(NAT_MAPPING_ENDED, "nat-mapping-ended", "nat", "proto:s internal:a external:a reason:s age:t",                   \
      "a mapping ends: expired, lifetime, evicted, reboot, rebind, renumber, icmp, reset, unmapped, replaced")         \
    X(GATEWAY_REQUEST, "gateway-request", "nat",                                                                       \
      "client:a protocol:s request:s outcome:s transport:s internal:a external:a remote:a lifetime:t",                 \
      "a request to the NAT by nat-pmp, pcp or upnp, and what became of it: success, the error, or ignored")           \
    X(GATEWAY_MAPPING, "gateway-mapping", "nat", "protocol:s state:s transport:s internal:a external:a remote:a",      \
      "an explicit mapping is mapped, filtered, unmapped, expired, or forgotten by a reboot")                          \
    X(PORT_MAPPING, "port-mapping", "peer",                                                                            \
      "protocol:s state:s transport:s internal:a external:a remote:a lifetime:t reason:s",                             \
      "a port that a peer wants mapped: requested, granted, renewed, refused (and why), no-answer, lost, deleted; or " \
      "rebooted, of its gateway")                                                                                      \
    X(NAT_CHANGED, "nat-changed", "nat", "what:s", "reboot, renumber, rebind or another setting, at run time")         \
    X(LINK_CHANGED, "link-changed", "link", "what:s", "a link's setting changes at run time")                          \
    X(FIREWALL_CHANGED, "firewall-changed", "firewall", "what:s",                                                      \
      "reboot, or another setting of a firewall, at run time; its name: the NAT's, peer's or server's it belongs to")  \
    X(RULE_HIT, "rule-hit", "rule", "place:s do:s packet:u number:u hits:u",                                           \
      "a rule is carried out on a packet: the capture record it refers to, its number among those that matched, and "  \
      "how many it has hit at that place; not for a quiet rule")                                                       \
    X(RULE_SWITCHED, "rule-switched", "rule", "state:s", "a rule is switched on or off by a step")                     \
    X(RULE_COUNTS, "rule-counts", "rule", "matched:u hits:u", "at the end of the run: what a rule saw and did in all") \
    X(SERVER_REQUEST, "server-request", "server", "client:a method:s answer:s code:u user:s transport:s",              \
      "a STUN or TURN request over udp, tcp, tls or dtls, and what the server did: success, error, silence, fault")    \
    X(SERVER_STREAM, "server-stream", "server", "client:a transport:s state:s reason:s",                               \
      "a client's connection over tcp, tls or dtls: open, secure, alert-sent, alert-received, closed (and why)")       \
    X(TURN_ALLOCATION, "turn-allocation", "server", "client:a relay:a user:s lifetime:t", "an allocation is made")     \
    X(TURN_ALLOCATION_ENDED, "turn-allocation-ended", "server",                                                        \
      "client:a relay:a reason:s bytes-to-peer:u bytes-to-client:u packets-to-peer:u packets-to-client:u",             \
      "an allocation ends: deleted, expired, stopped, forgotten, disconnected, run-end")                               \
    X(TURN_PERMISSION, "turn-permission", "server", "client:a peer:a", "a permission is installed")                    \
    X(TURN_CHANNEL, "turn-channel", "server", "client:a channel:u peer:a", "a channel is bound")                       \
    X(TURN_CONNECTION, "turn-connection", "server", "client:a relay:a peer:a connection:u state:s reason:s",           \
      "a relay's TCP connection with a peer: connecting, pending, bound, closed (and why)")                            \
    X(TURN_DROPPED, "turn-dropped", "server", "client:a peer:a reason:s", "the relay threw data away, and why")        \
    X(SERVER_STOPPED, "server-stopped", "server", "", "the server is stopped by a step")                               \
    X(SERVER_STARTED, "server-started", "server", "", "the server runs (again)")                                       \
    X(DNS_QUERY, "dns-query", "server", "client:a name:s type:s transport:s answer:s code:s records:u truncated:u",    \
      "a DNS message comes to a server, and what it did: answered, no-data, synthesised, error, silent, fault")        \
    X(DNS_ANSWER, "dns-answer", "peer", "name:s type:s outcome:s code:s addresses:s server:a cached:u sent:u took:t",  \
      "a peer's query ends: found, nothing, no-name, failed, cut-off, timed-out; sent: messages it took")              \
    X(DNS_RESOLVED, "dns-resolved", "peer", "session:u server:s name:s address:a outcome:s took:t",                    \
      "the address of a server that a session uses; outcome failed: it goes without that server")                      \
    X(MDNS_NAME, "mdns-name", "peer", "name:s address:a what:s other:a",                                               \
      "a name under .local: made, announced, answered, conflict, goodbye")                                             \
    X(MDNS_RESOLVED, "mdns-resolved", "peer", "session:u name:s address:a sent:u took:t",                              \
      "the name in a remote candidate is found")                                                                       \
    X(MDNS_FAILED, "mdns-failed", "peer", "session:u name:s reason:s sent:u took:t",                                   \
      "a remote candidate is thrown away for its name: timed-out, nothing, unsupported, family, stale")                \
    X(RAW_SENT, "raw-sent", "raw peer", "line:u action:s socket:s to:a what:s size:u packet:u",                        \
      "a raw peer says something: by its script (send, retransmit) or by itself (answer)")                             \
    X(RAW_RECEIVED, "raw-received", "raw peer", "socket:s from:a what:s size:u packet:u",                              \
      "a message comes to a raw peer, or one of its connections changes")                                              \
    X(RAW_MATCHED, "raw-matched", "raw peer", "line:u action:s took:t packet:u",                                       \
      "what its script waited for came, or stayed away as it should")                                                  \
    X(RAW_MISSED, "raw-missed", "raw peer", "line:u action:s expected:s waited:t nearest:s why:s packet:u",            \
      "it did not; nearest: what came nearest, and why it did not fit")                                                \
    X(RAW_UNEXPECTED, "raw-unexpected", "raw peer", "socket:s from:a what:s packet:u",                                 \
      "a message that nothing in the script or the answers took, told at the run's end")                               \
    X(RAW_DONE, "raw-done", "raw peer", "script:s outcome:s", "its script has ended: done or failed")                  \
    X(RAW_ERROR, "raw-error", "raw peer", "line:u action:s message:s", "an action of its script could not be done")    \
    X(SUT_LOG, "sut-log", "peer", "level:s message:s", "a warning or critical of the software under test")             \
    X(SUT_CRASH, "sut-crash", "scenario", "signal:s message:s", "the process under test died, or ran without end")     \
    X(LIVE_FABRIC, "live-fabric", "fabric",                                                                            \
      "timers:u median:t p99:t max:t late-records:u worst-record:t stopped:t fifo:u awake:u refused:s",                \
      "live world, at the end: how late timers fired, what was told too late, what punctuality was granted")           \
    X(LIVE_HOST, "live-host", "host",                                                                                  \
      "device:s from-kernel:u to-kernel:u tx-dropped:u noise:u malformed:u refused:u receive-errors:u send-full:u "    \
      "untold:u",                                                                                                      \
      "live world, at the end: packets that passed between a kernel and the fabric, and what was lost there")          \
    X(LIVE_PROGRAM, "live-program", "program",                                                                         \
      "kind:s user:t system:t peak-kb:u scheduling:s beats:u stall-p99:t stall-max:t",                                 \
      "live world, at the end: CPU time and memory that a program has used, how late the machine let it be")           \
    X(SERVER_USAGE, "server-usage", "server", "cpu:t",                                                                 \
      "live world, in benches: the CPU time that the process which serves has used so far")

typedef enum hp_event_kind {
#define X(ENUM, name, subject, fields, doc) HP_EV_##ENUM,
    HP_EVENT_TABLE(X)
#undef X
        HP_EV_N
} hp_event_kind;

const char *hp_event_name(hp_event_kind kind); /* "ice-state" */
const char *hp_event_doc(hp_event_kind kind);
const char *hp_event_fields(hp_event_kind kind); /* the table's text */
const char *hp_event_subject(hp_event_kind kind); /* what the subject is: "peer", "server" */
bool hp_event_from_name(const char *name, hp_event_kind *ret);
const char *const *hp_event_names(void); /* NULL-terminated */

typedef struct hp_field {
    const char *key; /* a string literal from the table */
    char type; /* 'u', 'i', 't', 's', 'a' */
    union {
        uint64_t u;
        int64_t i;
        hp_time t;
        const char *s; /* NULL is written as "" */
        hp_addr a;
    };
} hp_field;

#define HP_FU(k, v) ((hp_field){.key = (k), .type = 'u', .u = (v)})
#define HP_FI(k, v) ((hp_field){.key = (k), .type = 'i', .i = (v)})
#define HP_FT(k, v) ((hp_field){.key = (k), .type = 't', .t = (v)})
#define HP_FS(k, v) ((hp_field){.key = (k), .type = 's', .s = (v)})
#define HP_FA(k, v) ((hp_field){.key = (k), .type = 'a', .a = (v)})

/* Why a packet went no further. X(ENUM, "name", "doc") */
#define HP_DROP_TABLE(X)                                                                                               \
    X(LINK_LOSS, "loss", "random loss on a link")                                                                      \
    X(LINK_BURST, "burst-loss", "loss in a burst")                                                                     \
    X(LINK_LIST, "drop-list", "the scenario lists this packet")                                                        \
    X(LINK_QUEUE, "queue", "the link's queue was full")                                                                \
    X(LINK_CODEL, "codel", "it waited too long in the link's queue (CoDel)")                                           \
    X(LINK_DOWN, "link-down", "the link is a black hole")                                                              \
    X(LINK_MTU, "mtu", "larger than the link's MTU")                                                                   \
    X(CORRUPT, "corrupt", "bad checksum at the receiver")                                                              \
    X(MALFORMED, "malformed", "not what its protocol asks for: its receiver could not read it")                        \
    X(NO_ROUTE, "no-route", "nobody has that address")                                                                 \
    X(TTL, "ttl", "the TTL ran out")                                                                                   \
    X(NO_SOCKET, "no-socket", "no socket at that port")                                                                \
    X(RECV_BUFFER, "receive-buffer", "the socket's receive buffer was full")                                           \
    X(HOST_DOWN, "host-down", "the host or interface is down")                                                         \
    X(REASSEMBLY, "reassembly", "fragments that never became whole")                                                   \
    X(BAD_SOURCE, "bad-source", "a source that does not belong there")                                                 \
    X(NAT_FILTERED, "filtered", "the NAT's filtering behaviour")                                                       \
    X(NAT_NO_MAPPING, "no-mapping", "no mapping at that external port")                                                \
    X(NAT_NO_HAIRPIN, "no-hairpin", "the NAT does not hairpin")                                                        \
    X(NAT_NO_PORT, "no-port", "no free external port")                                                                 \
    X(NAT_LIMIT, "limit", "the NAT's table, or the host's share of it, is full")                                       \
    X(NAT_BLOCKED, "blocked", "a protocol or port that may not pass")                                                  \
    X(NAT_FRAGMENT, "fragment", "a fragment the NAT does not pass")                                                    \
    X(NAT_PROTOCOL, "protocol", "a protocol the NAT does not know")                                                    \
    X(FIREWALL_POLICY, "policy", "a firewall's policy forbids it")                                                     \
    X(FIREWALL_NO_FLOW, "no-flow", "a firewall knows no flow that it belongs to, or could begin")                      \
    X(RULE, "rule", "a rule of the scenario")

typedef enum hp_drop_reason {
#define X(ENUM, name, doc) HP_DROP_##ENUM,
    HP_DROP_TABLE(X)
#undef X
        HP_DROP_N
} hp_drop_reason;

const char *hp_drop_name(hp_drop_reason reason);
const char *hp_drop_doc(hp_drop_reason reason);
bool hp_drop_from_name(const char *name, hp_drop_reason *ret);
const char *const *hp_drop_names(void); /* NULL-terminated */

#endif
