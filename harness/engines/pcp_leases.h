/* The explicit mappings of one gateway, whichever protocol they were asked for with: lifetimes, limits, the epoch.
 *
 * The NAT behind it makes and ends mappings when told through ops; it keeps one until unmap(), however long. No op may
 * call the table. Times handed in never go back. */
#ifndef HP_ENGINES_PCP_LEASES_H
#define HP_ENGINES_PCP_LEASES_H

#include <glib.h>

#include "base/addr.h"
#include "base/time.h"
#include "config/port_mapping.h"
#include "engines/stun_deadline.h"

#define HP_LEASE_NONCE 12
#define HP_LEASE_MAX_FILTERS 32
#define HP_LEASE_TEXT 128

enum { HP_LEASE_TCP = 6, HP_LEASE_UDP = 17 };

typedef enum hp_lease_protocol { HP_LEASE_NAT_PMP, HP_LEASE_PCP, HP_LEASE_UPNP } hp_lease_protocol;
const char *hp_lease_protocol_name(hp_lease_protocol protocol); /* "nat-pmp" */

typedef enum hp_lease_outcome {
    HP_LEASE_GRANTED,
    HP_LEASE_REFUSED, /* by policy */
    HP_LEASE_NO_RESOURCES, /* no port left, or the table is full */
    HP_LEASE_QUOTA, /* this host has its share */
    HP_LEASE_TAKEN, /* the external port asked for, and no other would do */
    HP_LEASE_NO_NETWORK, /* the gateway has no external address */
} hp_lease_outcome;

typedef struct hp_lease_want {
    hp_lease_protocol by;
    uint8_t protocol; /* HP_LEASE_TCP, HP_LEASE_UDP */
    hp_addr internal;
    hp_addr external; /* suggested: family none, or port 0, where there is no wish */
    bool exact; /* that one or none */
    hp_addr remote; /* the one peer it is for, of UPnP with port 0: any of its ports; family none: anyone */
    hp_time lifetime; /* HP_NEVER: until it is ended */
} hp_lease_want;

/* Only traffic from these may come in; an empty list lets everyone in (RFC 6887 section 13.3). */
typedef struct hp_lease_filter {
    hp_prefix prefix;
    uint16_t port; /* 0: any */
} hp_lease_filter;

typedef struct hp_lease {
    uint64_t number; /* 1, 2, 3 ... in the order they were made */
    hp_lease_protocol by;
    uint8_t protocol;
    hp_addr internal, external;
    hp_addr remote; /* family none: anyone */
    hp_time expires; /* HP_NEVER: never */
    bool has_nonce;
    uint8_t nonce[HP_LEASE_NONCE];
    hp_lease_filter filters[HP_LEASE_MAX_FILTERS];
    unsigned n_filters;
    char text[HP_LEASE_TEXT]; /* UPnP: what it is for; ends in NUL */
    hp_deadline due;
    struct hp_leases *table;
} hp_lease;

typedef struct hp_lease_ops {
    /* Makes a mapping. On HP_LEASE_GRANTED *ret_external is its address and port; it may differ from the one suggested
     * unless want->exact. Outbound traffic from the internal address must use it too. */
    hp_lease_outcome (*map)(void *user, hp_time now, const hp_lease_want *want, hp_addr *ret_external);
    void (*unmap)(void *user, hp_time now, const hp_lease *lease);
    /* The external address of a family, port 0. False: there is none now. */
    bool (*external)(void *user, uint8_t family, hp_addr *ret);
    /* The filters of a lease changed. May be NULL. */
    void (*filter)(void *user, hp_time now, const hp_lease *lease);
    /* A lease ran out; unmap() follows. May be NULL. */
    void (*expired)(void *user, hp_time now, const hp_lease *lease);
} hp_lease_ops;

typedef struct hp_leases hp_leases;

/* config and ops are copied; the epoch begins at `now`. */
hp_leases *hp_leases_new(const hp_port_mapping_config *config, hp_time now, const hp_lease_ops *ops, void *user);
/* Ends no mapping: they go with the NAT. */
void hp_leases_free(hp_leases *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_leases, hp_leases_free)

const hp_port_mapping_config *hp_leases_config(const hp_leases *table);
bool hp_leases_external(const hp_leases *table, uint8_t family, hp_addr *ret);
/* Seconds since the epoch (RFC 6886 section 3.6, RFC 6887 section 8.5). */
uint32_t hp_leases_epoch(const hp_leases *table, hp_time now);
/* The NAT rebooted: everything is forgotten without unmap(), and the epoch begins anew. */
void hp_leases_reset(hp_leases *table, hp_time now);

unsigned hp_leases_count(const hp_leases *table);
/* In the order they were made; NULL past the end. */
hp_lease *hp_leases_nth(hp_leases *table, unsigned n);
/* By the inside; remote of family none finds those for anyone. */
hp_lease *hp_leases_find(hp_leases *table, uint8_t protocol, const hp_addr *internal, const hp_addr *remote);
/* By the outside: port and, of UPnP, remote host (port 0, family none: anyone). */
hp_lease *hp_leases_find_external(hp_leases *table, uint8_t protocol, uint16_t port, const hp_addr *remote);

/* A new one; there must be none of the same protocol, inside and remote. */
hp_lease_outcome hp_leases_grant(hp_leases *table, hp_time now, const hp_lease_want *want, hp_lease **ret);
/* A new lifetime from now on; HP_NEVER: until it is ended. */
void hp_leases_renew(hp_leases *table, hp_time now, hp_lease *lease, hp_time lifetime);
void hp_leases_set_filters(hp_leases *table, hp_time now, hp_lease *lease, const hp_lease_filter *filters, unsigned n);
/* Ends it: unmap(), and it is gone. */
void hp_leases_release(hp_leases *table, hp_time now, hp_lease *lease);
/* Whole seconds left, rounded up; 0 for one without end. */
uint32_t hp_lease_seconds_left(const hp_lease *lease, hp_time now);

hp_time hp_leases_deadline(const hp_leases *table);
void hp_leases_run(hp_leases *table, hp_time now);

/* ---- announcements: ten, the first now, then after 250 ms, doubling (RFC 6886 section 3.2.1) ---- */

typedef struct hp_announcer {
    hp_time next; /* HP_NEVER: none is left */
    hp_time interval;
    unsigned left;
} hp_announcer;

static inline hp_announcer hp_announcer_idle(void)
{
    return (hp_announcer){.next = HP_NEVER};
}
void hp_announcer_start(hp_announcer *a, hp_time now);
/* Is one due? Moves on to the next when so. */
bool hp_announcer_step(hp_announcer *a, hp_time now);

#endif
