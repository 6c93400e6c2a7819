/* Private to pairs.c and pairs_spans.c: what was told of candidates and pairs. */
#ifndef HP_REPORT_PAIRS_PRIVATE_H
#define HP_REPORT_PAIRS_PRIVATE_H

#include "report/pairs.h"

/* Of a session's component. */
typedef struct hp_pairs_place {
    const char *peer;
    unsigned session, stream, component;
} hp_pairs_place;

typedef struct hp_pairs_candidate {
    hp_pairs_place of;
    hp_time at;
    bool remote, tcp;
    const char *type, *server;
    hp_addr addr, base;
} hp_pairs_candidate;

typedef struct hp_pairs_change {
    hp_pairs_place of;
    hp_time at;
    bool failed, ready, closed; /* closed: the session as a whole */
} hp_pairs_change;

typedef struct hp_pairs_selection {
    hp_pairs_place of;
    hp_time at;
    const char *local_type, *remote_type;
    hp_addr local, base, remote;
    bool tcp;
    const hp_pair *pair; /* once it is found */
} hp_pairs_selection;

struct hp_pairs {
    GStringChunk *strings;
    GArray *candidates, *changes, *selections;
    GHashTable *withs; /* "peer session" to the other end's name */
    GPtrArray *pairs; /* hp_pair* */
    GHashTable *requests; /* transaction id in hex to hp_pair */
    GHashTable *nominating; /* transaction ids in hex */
    GArray *nominations; /* hp_pairs_message: those requests; names are borrowed */
};

/* A pair of a peer of which nothing is known yet. */
hp_pair *hp_pairs_add(const hp_pairs *pairs, const char *peer);
/* Says which session and component it is of. */
void hp_pairs_put(const hp_pairs *pairs, hp_pair *pair, const hp_pairs_place *of);

#endif
