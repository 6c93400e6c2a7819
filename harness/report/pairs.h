/* Private to report/: the candidate pairs of a run and their course, from checks on the wire and from events.
 *
 * A pair here is one that its peer checked, or selected: those that ICE formed and never used leave no trace. It is told
 * once for each peer, each generation of credentials (an ICE restart makes new ones) and each transport. */
#ifndef HP_REPORT_PAIRS_H
#define HP_REPORT_PAIRS_H

#include "base/addr.h"
#include "report/evidence.h"
#include "wire/stun.h"

typedef enum hp_pair_state {
    HP_PAIR_WAITING, /* both candidates are known, nothing was sent */
    HP_PAIR_CHECKING, /* a check was sent, no answer came */
    HP_PAIR_SUCCEEDED,
    HP_PAIR_FAILED, /* the component failed, or an answer forbade it */
    HP_PAIR_SELECTED,
    HP_PAIR_STATE_N
} hp_pair_state;

const char *hp_pair_state_name(hp_pair_state state); /* "waiting" */

typedef struct hp_pair_span {
    hp_pair_state state;
    hp_time from, to; /* to: HP_NEVER: until the end */
} hp_pair_span;

typedef struct hp_pair_check {
    hp_time at; /* a request or what was dropped: when it left; an answer: when it came */
    const char *what; /* "request", "success", "error", "dropped"; a literal */
    uint32_t packet;
} hp_pair_check;

typedef struct hp_pair {
    char *peer, *with; /* with: "" where no event told */
    unsigned session, stream, component; /* 0: no candidate told */
    bool tcp;
    char *local_type, *remote_type; /* "host", "srflx", "prflx", "relay" */
    hp_addr local, remote;
    hp_addr base; /* where it differs from local, else family none */
    char *via; /* the TURN server that relays it, or NULL */
    GArray *spans; /* hp_pair_span, by time */
    GArray *checks; /* hp_pair_check, by time */
    hp_time nominated; /* when it had succeeded and been nominated (RFC 8445 sections 7.2.5.3.4, 7.3.1.5); HP_NEVER */
    hp_time selected; /* first; HP_NEVER */
    /* The maker's own. */
    uint64_t user;
    hp_addr sent_from; /* base, or the relayed address */
    hp_time known, first, success, refused, asked, last; /* HP_NEVER; asked: nominated by the other end */
} hp_pair;

/* A Binding request or its answer, from end to end. */
typedef struct hp_pairs_message {
    hp_time at, arrived; /* arrived: HP_NEVER */
    const char *peer, *to; /* who sent it; whom it came to, or NULL */
    const char *server; /* relayed for `peer` by it, or NULL */
    bool tcp;
    hp_stun_class cls;
    unsigned code; /* of an error */
    bool nominates;
    uint64_t user; /* hash of USERNAME */
    uint8_t id[12];
    hp_addr src; /* as it left its sender, or the server */
    hp_addr dst; /* whom it was for, as its sender knows it */
    bool relay_side; /* src is the relayed address: seen from the server on */
    hp_addr seen_from, seen_at; /* as it came; seen_at: family none behind a relay */
    bool dropped;
    uint32_t packet;
} hp_pairs_message;

typedef struct hp_pairs hp_pairs;
hp_pairs *hp_pairs_new(void);
void hp_pairs_free(hp_pairs *pairs);
/* All events come before the first message. */
void hp_pairs_event(hp_pairs *pairs, const hp_evidence_line *line);
void hp_pairs_tell(hp_pairs *pairs, const hp_pairs_message *message);
/* hp_pair*, by first check; caller unrefs. Once. */
GPtrArray *hp_pairs_finish(hp_pairs *pairs);

#endif
