/* Private to report/: a ladder under construction.
 *
 *   ladder.c           reads the folder through the others, then sorts, selects and folds
 *   ladder_result.c    result.json: roles, verdict, figures
 *   ladder_events.c    events.jsonl: entries, drops, whose address is whose; ladder_events_media.c for media and data
 *   ladder_marks.c     marks of plots
 *   ladder_legs.c      trace.pcapng: packets followed from host to host
 *   ladder_wire.c      what a datagram holds; ladder_segment.c for a TCP segment
 *   ladder_messages.c  legs to entries */
#ifndef HP_REPORT_LADDER_PRIVATE_H
#define HP_REPORT_LADDER_PRIVATE_H

#include "report/evidence.h"
#include "report/ladder.h"
#include "wire/demux.h"
#include "wire/stun.h"

/* ---- what a datagram holds (ladder_wire.c) ---- */

/* Handshake messages of one datagram that are looked at. */
enum { HP_LADDER_MAX_HANDSHAKE = 12 };

typedef struct hp_ladder_wire {
    hp_wire_kind kind; /* of what is inside any TURN framing */
    uint8_t proto;
    bool wrapped; /* it is inside a Send or Data indication, or ChannelData */
    bool fragment; /* a later fragment: the rest says nothing */
    hp_addr peer; /* wrapped, or ChannelBind: the address on the relay's other side; family none: not told */
    uint16_t channel; /* ChannelData, ChannelBind: its number; else 0 */
    uint64_t key; /* the same for the same innermost bytes */
    /* STUN */
    uint16_t method;
    hp_stun_class cls;
    unsigned code; /* of an error */
    bool nominates; /* USE-CANDIDATE */
    uint64_t user; /* hash of USERNAME; 0: none */
    bool tells_icmp; /* ICMP: a Data indication about an error (RFC 8656 section 11.6) */
    uint8_t id[12];
    hp_addr mapped; /* XOR-MAPPED-ADDRESS or, of an Allocate, XOR-RELAYED-ADDRESS */
    /* RTP */
    uint32_t ssrc;
    bool has_ssrc;
    /* DTLS */
    char *handshake; /* "ServerHello, Certificate"; owned; NULL: none */
    char *dns; /* "DNS A turn.example?"; owned; NULL: none */
    uint64_t handshake_keys[HP_LADDER_MAX_HANDSHAKE]; /* one a message: the same when it is sent again */
    unsigned n_handshake_keys;
    /* TCP */
    const char *segment; /* what it is when no message could be read: "TCP SYN", "TLS"; static; NULL */
    bool acknowledges; /* and nothing else */
} hp_ladder_wire;

void hp_ladder_wire_read(const hp_packet *packet, hp_ladder_wire *ret);
void hp_ladder_wire_clear(hp_ladder_wire *wire);
/* For ladder_segment.c: a message, however it came; more bytes of a key. */
void hp_ladder_datagram_read(const uint8_t *data, size_t len, hp_ladder_wire *w);
uint64_t hp_ladder_key(uint64_t key, const uint8_t *data, size_t n);
/* A whole segment. ret->key: begun as a datagram's. */
void hp_ladder_segment_read(const hp_packet *packet, hp_ladder_wire *ret);
/* One line for --packets. Caller frees. */
char *hp_ladder_wire_describe(const hp_packet *packet);

/* ---- legs: a packet from one host to the next ---- */

typedef struct hp_ladder_leg hp_ladder_leg;
struct hp_ladder_leg {
    hp_time at, arrived; /* arrived: HP_NEVER: it did not */
    uint32_t number; /* of its first record */
    int from, to;
    unsigned copies; /* arrivals */
    hp_addr src, dst; /* as it left */
    char *dropped; /* "filtered at home"; owned; NULL */
    char *touched; /* "rule no-nomination: rewrite"; owned; NULL */
    hp_ladder_leg *onwards; /* the leg by which a TURN server passed it on */
    bool is_onwards; /* this is such a leg */
    hp_ladder_wire wire;
    char *text; /* --packets only; owned */
    /* where it was seen last */
    hp_addr last_src, last_dst;
    hp_time last_at;
    int last_nat; /* -1: at a host */
    bool last_inwards; /* at that tap */
    hp_time touched_at; /* when a rule was carried out on it last */
    bool at_gateway; /* it came from inside to the NAT that has the address it is for, or to a group */
    hp_ladder_leg *next_of_key; /* an older one */
};

/* ---- the builder ---- */

/* An entry with what only the builder needs. */
typedef struct hp_ladder_draft {
    hp_ladder_entry entry; /* first, so that the pointer is that of the entry too */
    bool folds; /* entries that say the same become one */
    bool barrier; /* nothing folds across it */
    unsigned rank; /* at one instant: lower ones stand first; 1: events */
    unsigned order; /* and then in the order of making */
} hp_ladder_draft;

typedef struct hp_ladder_track {
    uint64_t number, ssrc, rtx_ssrc;
    char *name; /* "audio" */
} hp_ladder_track;

typedef struct hp_ladder_lost {
    hp_time at;
    hp_addr src, dst;
    char *why; /* "host-down at alice" */
} hp_ladder_lost;

typedef struct hp_ladder_touch {
    hp_time at;
    char *text; /* "rule no-nomination: rewrite" */
} hp_ladder_touch;

typedef struct hp_ladder_tap {
    int participant; /* HP_LADDER_NOBODY: a NAT */
    int nat; /* its number, or -1 */
    bool rules; /* a middlebox of rules: what it changed or made is seen there as it leaves */
    bool inside; /* of the NAT */
    bool loop; /* what a host sends itself, which arrives where it leaves */
} hp_ladder_tap;

typedef struct hp_ladder_builder {
    const hp_ladder_options *options;
    hp_ladder *ladder; /* participants in the order they were met */
    GPtrArray *drafts; /* hp_ladder_draft* */
    GHashTable *participants; /* name to index + 1 */
    GHashTable *nats; /* name to number + 1 */
    GHashTable *servers; /* names that result.json calls servers */
    GHashTable *owners; /* hp_addr to participant + 1 */
    GHashTable *gateways; /* hp_addr to number of a NAT + 1 */
    GHashTable *drops; /* packet number to "filtered at home" */
    GHashTable *touched; /* packet number to hp_ladder_touch */
    GHashTable *roles; /* "alice 1" to the ICE role last told */
    GHashTable *heard; /* numbers of flows that somebody got something of */
    GPtrArray *tracks; /* hp_ladder_track* */
    hp_ladder_draft *step; /* the last step, or NULL */
    struct hp_pairs *pairs; /* detailed only */
    GPtrArray *lost; /* hp_ladder_lost*: drops of packets that no tap saw */
    /* packets */
    GPtrArray *taps; /* hp_ladder_tap* */
    GPtrArray *legs; /* hp_ladder_leg* */
    hp_ladder_leg *entered; /* the one that came in at a NAT last, or NULL */
    GPtrArray *touched_legs; /* those that a rule was carried out on, borrowed */
    GHashTable *legs_by_key; /* newest of its key */
    GHashTable *streamers; /* participants that sent over TCP */
    GHashTable *channels; /* "participant address number" to hp_addr */
    hp_time end; /* of everything that was read */
    hp_time longest; /* that a packet took from host to host */
} hp_ladder_builder;

/* The participant of that name, made when it is new. */
int hp_ladder_participant_of(hp_ladder_builder *b, const char *name, hp_ladder_role role);
hp_ladder_role hp_ladder_role_of(const hp_ladder_builder *b, int participant); /* not of HP_LADDER_NOBODY */
bool hp_ladder_is_server(const hp_ladder_builder *b, int participant);
unsigned hp_ladder_n_peers(const hp_ladder_builder *b);
void hp_ladder_own(hp_ladder_builder *b, const hp_addr *addr, int participant); /* the first one stays */
int hp_ladder_owner(const hp_ladder_builder *b, const hp_addr *addr); /* with the port, else of the host; or nobody */
void hp_ladder_add_nat(hp_ladder_builder *b, const char *name);

/* A new entry. text is taken. Entries live as long as the builder. */
hp_ladder_draft *hp_ladder_add(hp_ladder_builder *b, hp_time at, hp_ladder_shape shape, hp_ladder_kind kind, int from,
                               int to, char *text);

/* ---- the sources ---- */

/* False when it is of another version, or none at all. */
bool hp_ladder_read_result(hp_ladder_builder *b, JsonObject *result, const char *path, GError **error);
void hp_ladder_add_summary(hp_ladder_builder *b, JsonObject *result);
void hp_ladder_event(const hp_evidence_line *line, void *builder); /* hp_evidence_line_fn */
/* Marks of plots (ladder_marks.c): what a line says that changes the network, or asks for something else than before. */
void hp_ladder_add_mark(const hp_ladder_builder *b, const hp_evidence_line *line);
extern const hp_evidence_capture hp_ladder_capture; /* user: the builder */
void hp_ladder_leg_free(gpointer leg);
void hp_ladder_touch_free(gpointer touch);
/* Why a leg did not arrive; NULL: it did. Caller frees. */
char *hp_ladder_leg_fate(const hp_ladder_builder *b, const hp_ladder_leg *leg);
/* When all is read: entries for the legs. */
void hp_ladder_add_messages(hp_ladder_builder *b);

#endif
