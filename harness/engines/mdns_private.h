/* Private to multicast DNS: names held, queries under way, what was heard, and what waits to be sent. */
#ifndef HP_ENGINES_MDNS_PRIVATE_H
#define HP_ENGINES_MDNS_PRIVATE_H

#include "engines/mdns.h"
#include "engines/stun_deadline.h"

/* Longest message sent; within any link's MTU (section 17). */
#define HP_MDNS_MAX 1232

typedef enum hp_mdns_state {
    HP_MDNS_PROBING, /* asks whether anyone has it; does not answer for it */
    HP_MDNS_ANNOUNCING, /* answers, and says so on its own; defends it */
    HP_MDNS_ESTABLISHED, /* answers and defends it */
} hp_mdns_state;

typedef struct hp_mdns_held {
    hp_deadline due;
    hp_mdns *m;
    hp_dns_name name;
    hp_addr addresses[HP_MDNS_MAX_ADDRESSES]; /* sorted as section 8.2 compares them: IPv4 first, then by bytes */
    unsigned n_addresses;
    hp_mdns_state state;
    unsigned steps; /* probes or announcements sent in this state */
    bool told; /* HP_MDNS_EV_ANNOUNCED was */
    hp_time multicast; /* when its records last went to the groups; HP_NEVER: not yet */
} hp_mdns_held;

typedef struct hp_mdns_search {
    hp_deadline due;
    hp_mdns *m;
    uint64_t number;
    hp_dns_name name;
    uint16_t type;
    hp_time fails, interval;
    unsigned sent;
    bool denied; /* NSEC said there is none */
} hp_mdns_search;

typedef struct hp_mdns_heard {
    hp_dns_name name;
    hp_addr address;
    hp_time at, expires;
} hp_mdns_heard;

struct hp_mdns {
    hp_mdns_config config;
    uint32_t ttl;
    bool ipv4, ipv6;
    hp_rng rng;
    hp_mdns_ops ops;
    void *user;
    hp_deadlines deadlines;
    GPtrArray *held; /* of hp_mdns_held */
    GPtrArray *searches; /* of hp_mdns_search, in the order made */
    GArray *heard; /* of hp_mdns_heard, in the order heard */
    GPtrArray *outbox; /* of struct outgoing; see mdns.c */
    uint64_t next_number;
};

/* ---- mdns.c ---- */

/* Sends now, from run(). to: NULL for the groups. */
void hp_mdns_send(hp_mdns *m, hp_time now, const hp_addr *to, const hp_dns_writer *w);
void hp_mdns_tell(hp_mdns *m, hp_time now, hp_mdns_event_kind kind, const hp_dns_name *name, const hp_addr *other,
                  bool flag);
bool hp_mdns_name_parse(const char *text, hp_dns_name *ret, GError **error);

/* ---- mdns_responder.c ---- */

void hp_mdns_held_free(void *held);
hp_mdns_held *hp_mdns_find_held(hp_mdns *m, const hp_dns_name *name);
void hp_mdns_take_query(hp_mdns *m, hp_time now, const hp_addr *from, const hp_dns_msg *msg);
/* A response may speak of a name we hold. */
void hp_mdns_take_rival(hp_mdns *m, hp_time now, const hp_addr *from, const hp_dns_msg *msg);

/* ---- mdns_querier.c ---- */

void hp_mdns_search_free(void *search);
void hp_mdns_take_response(hp_mdns *m, hp_time now, const hp_dns_msg *msg);

#endif
