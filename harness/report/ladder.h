/* A call as a ladder diagram: who took part, and what passed between them, in order of time. The model, made from an
 * evidence folder; how it is drawn is another file's business (ladder_text.h).
 *
 * Packets are told where people look for them: as an arrow from the host that sent one to the host that got it, across
 * links, NATs and TURN servers, with its fate. Unless asked otherwise, what says the same is folded into the first of it
 * and a count: the requests of a STUN or TURN exchange with their answers, connectivity checks by what they are, media by
 * track. Folding stops at whatever changes the world: steps, and ICE restarts. */
#ifndef HP_REPORT_LADDER_H
#define HP_REPORT_LADDER_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "base/addr.h"
#include "base/time.h"

typedef enum hp_ladder_role { HP_LADDER_PEER, HP_LADDER_SIGNALING, HP_LADDER_SERVER } hp_ladder_role;

typedef struct hp_ladder_participant {
    char *name;
    hp_ladder_role role;
} hp_ladder_participant;

typedef enum hp_ladder_shape {
    HP_LADDER_ACROSS, /* concerns everyone */
    HP_LADDER_NOTE, /* something at `from` */
    HP_LADDER_ARROW, /* from `from` to `to` */
    HP_LADDER_EXCHANGE, /* a request of `from`, and its answer */
} hp_ladder_shape;

typedef enum hp_ladder_kind {
    HP_LADDER_STEP, /* what the scenario does */
    HP_LADDER_SIGNAL,
    HP_LADDER_SERVED, /* STUN, TURN and DNS with a server */
    HP_LADDER_CHECK, /* STUN between peers */
    HP_LADDER_ICE, /* states, pairs */
    HP_LADDER_DTLS,
    HP_LADDER_MEDIA, /* audio, video and their control */
    HP_LADDER_DATA, /* other datagrams, data channels */
    HP_LADDER_OTHER,
    HP_LADDER_SUMMARY, /* figures of the whole run */
    HP_LADDER_KIND_N
} hp_ladder_kind;

enum { HP_LADDER_NOBODY = -1 };

typedef struct hp_ladder_entry {
    hp_time at, last; /* the first one, and the last that was folded into it */
    hp_ladder_shape shape;
    hp_ladder_kind kind;
    int from, to; /* participants; HP_LADDER_NOBODY: not known, or none */
    int via; /* the TURN server between them, or HP_LADDER_NOBODY */
    unsigned count; /* at least 1 */
    char *text; /* "Allocate: ok", "offer" */
    char *note; /* what may be left out for want of room; or NULL */
    char *dropped; /* why it never arrived, and where: "filtered at home"; or NULL */
    bool bad; /* a failure of the run, or of someone in it */
    uint32_t packet; /* the capture record in which it was sent; 0: it is no packet, or none was captured */
    hp_addr src, dst; /* of that packet; family none */
    const char *served; /* of HP_LADDER_SERVED: "stun", "turn", "dns"; a literal; else NULL */
    JsonObject *event; /* detailed only: what it is made from, owned; NULL: packets */
} hp_ladder_entry;

/* What changed the course of the run, for plots over time. */
typedef struct hp_ladder_mark {
    hp_time at;
    const char *kind; /* "step", "nat", "link", "firewall", "rule", "server", "restart"; a literal */
    char *text;
} hp_ladder_mark;

typedef struct hp_ladder {
    char *name, *about; /* of the case; "" when it is not known */
    char *verdict; /* "pass"; "" when it is not known */
    char *message; /* what happened to a run that could not be finished; or NULL */
    hp_time ended; /* HP_NEVER: not known */
    GPtrArray *participants; /* hp_ladder_participant*, as they stand from left to right */
    GPtrArray *entries; /* hp_ladder_entry*, by time */
    char *complaint; /* what of the evidence could not be read; NULL: all is there */
    GPtrArray *pairs; /* detailed only: hp_pair* (pairs.h), by first check; else NULL */
    GPtrArray *marks; /* detailed only: hp_ladder_mark*, by time; else NULL */
} hp_ladder;

typedef struct hp_ladder_options {
    bool packets; /* every packet between hosts, nothing folded */
    /* For a page rather than a terminal: requests and answers of servers are arrows of their own, checks fold only
     * between the same two addresses, events are kept, no figures are at the end; pairs and marks are made. */
    bool detailed;
    hp_time from, to; /* only entries that begin in this span; to HP_NEVER: no end */
    char **peers; /* NULL-terminated names: only what touches one of them; NULL: everyone */
} hp_ladder_options;

/* NULL and HP_ERROR_IO or HP_ERROR_INVALID when `folder` holds no evidence, or that of another version, or a name of
 * `peers` is none. Evidence that is cut off or spoilt gives what can be read of it, and a complaint. */
hp_ladder *hp_ladder_read(const char *folder, const hp_ladder_options *options, GError **error);
void hp_ladder_free(hp_ladder *ladder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_ladder, hp_ladder_free)

#endif
