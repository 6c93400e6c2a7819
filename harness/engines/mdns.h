/* Multicast DNS for one host on one link, sans-IO (RFC 6762): the names a host makes up for its addresses, as WebRTC
 * does to hide them in candidates, and the search for other hosts' names. Addresses only; no services.
 *
 * One socket on port 5353 that has joined the groups is assumed. send() and result() are called from inside run()
 * alone, so that a driver may deliver synchronously; event() may be called from anywhere and must not call the engine.
 * Times handed in never go back. */
#ifndef HP_ENGINES_MDNS_H
#define HP_ENGINES_MDNS_H

#include <glib.h>

#include "base/addr.h"
#include "base/rng.h"
#include "base/time.h"
#include "config/dns.h"
#include "wire/dns.h"

#define HP_MDNS_PORT 5353
#define HP_MDNS_MAX_ADDRESSES 16

hp_addr hp_mdns_group(uint8_t family); /* 224.0.0.251:5353, [ff02::fb]:5353 */

typedef enum hp_mdns_status {
    HP_MDNS_FOUND,
    HP_MDNS_NOTHING, /* the name's owner says that it has no such address (NSEC) */
    HP_MDNS_TIMED_OUT,
} hp_mdns_status;
const char *hp_mdns_status_name(hp_mdns_status status); /* "timed-out" */

typedef struct hp_mdns_result {
    uint64_t query;
    hp_dns_name name;
    hp_mdns_status status;
    hp_addr addresses[HP_MDNS_MAX_ADDRESSES];
    unsigned n_addresses;
    unsigned sent; /* queries it took; 0: the cache or this host knew */
} hp_mdns_result;

typedef enum hp_mdns_event_kind {
    HP_MDNS_EV_ANNOUNCED, /* the name is ours: its first announcement is out, or would be */
    HP_MDNS_EV_CONFLICT, /* another host has the name; lost: we gave it up (section 9) */
    HP_MDNS_EV_ANSWERED, /* a query for the name was answered */
    HP_MDNS_EV_GOODBYE, /* the name was withdrawn (section 10.1) */
} hp_mdns_event_kind;
const char *hp_mdns_event_kind_name(hp_mdns_event_kind kind); /* "announced" */

typedef struct hp_mdns_event {
    hp_mdns_event_kind kind;
    hp_dns_name name;
    hp_addr other; /* who asked, or who else has the name */
    bool unicast; /* of an answer */
    bool lost;
} hp_mdns_event;

typedef struct hp_mdns_ops {
    void (*send)(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len);
    void (*result)(void *user, hp_time now, const hp_mdns_result *result);
    /* May be NULL. */
    void (*event)(void *user, hp_time now, const hp_mdns_event *event);
} hp_mdns_ops;

typedef struct hp_mdns hp_mdns;

/* ipv4, ipv6: the groups to send to. config, ops and rng are copied; the delay before probes comes from rng. */
hp_mdns *hp_mdns_new(const hp_mdns_config *config, bool ipv4, bool ipv6, const hp_rng *rng, const hp_mdns_ops *ops,
                     void *user);
void hp_mdns_free(hp_mdns *m);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_mdns, hp_mdns_free)

/* Takes a name under .local. False and HP_ERROR_INVALID for other names, no address, or one that is held already. */
bool hp_mdns_register(hp_mdns *m, hp_time now, const char *name, const hp_addr *addresses, unsigned n_addresses,
                      GError **error);
/* Says goodbye. An unknown name is no matter. */
void hp_mdns_unregister(hp_mdns *m, hp_time now, const char *name);
/* Looks for the addresses of a name: HP_DNS_A, HP_DNS_AAAA, or HP_DNS_ANY for either. Returns its number; 0 and
 * HP_ERROR_INVALID for a name outside .local or another type. */
uint64_t hp_mdns_query(hp_mdns *m, hp_time now, const char *name, uint16_t type, GError **error);
void hp_mdns_cancel(hp_mdns *m, uint64_t query);
/* A datagram came to port 5353. The driver vouches for its coming from this link (section 11). */
void hp_mdns_input(hp_mdns *m, hp_time now, const hp_addr *from, const uint8_t *data, size_t len);
hp_time hp_mdns_deadline(const hp_mdns *m);
void hp_mdns_run(hp_mdns *m, hp_time now);

#endif
