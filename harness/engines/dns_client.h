/* A caching stub resolver, sans-IO (RFC 1034 section 5.3.1, RFC 1035 section 7, RFC 2308 for what is not there).
 *
 * One query asks for one type of one name. Servers are asked in their order, each for the timeout, in several rounds;
 * what a server answers with an error makes the next one's turn. Answers are kept for their TTL.
 *
 * Datagrams and messages of streams are handed in with the present time; a driver adds and strips the length in front
 * of messages on a stream. send() and result() may be called from input() and run() alone, as the last thing they do
 * for a query, so that result() may start and cancel queries. Times never go back. */
#ifndef HP_ENGINES_DNS_CLIENT_H
#define HP_ENGINES_DNS_CLIENT_H

#include <glib.h>

#include "base/addr.h"
#include "base/rng.h"
#include "base/time.h"
#include "config/dns.h"
#include "wire/dns.h"

/* Addresses of one answer that are kept. */
#define HP_DNS_CLIENT_MAX_ADDRESSES 16

typedef enum hp_dns_status {
    HP_DNS_FOUND,
    HP_DNS_NOTHING, /* the name exists, the type does not */
    HP_DNS_NO_NAME, /* NXDOMAIN */
    HP_DNS_FAILED, /* every server that answered had an error; the last one is in `rcode` */
    HP_DNS_CUT_OFF, /* the answer was truncated and may not be asked for over a stream */
    HP_DNS_TIMED_OUT, /* no answer at all, or the query's deadline came first */
} hp_dns_status;
const char *hp_dns_status_name(hp_dns_status status); /* "no-name" */

typedef struct hp_dns_result {
    uint64_t query;
    hp_dns_name name;
    uint16_t type;
    hp_dns_status status;
    unsigned rcode;
    hp_addr addresses[HP_DNS_CLIENT_MAX_ADDRESSES]; /* of A and AAAA, in the order of the answer; port 0 */
    unsigned n_addresses;
    hp_dns_name canonical; /* where the chain of CNAMEs ended; of PTR its data */
    uint32_t ttl; /* what is left of it, in seconds */
    bool cached;
    hp_addr server; /* who answered; family none when nobody did or the cache did */
    unsigned sent; /* messages it took */
} hp_dns_result;

typedef struct hp_dns_client_ops {
    void (*send)(void *user, hp_time now, const hp_addr *server, bool stream, const uint8_t *data, size_t len);
    void (*result)(void *user, hp_time now, const hp_dns_result *result);
} hp_dns_client_ops;

typedef struct hp_dns_client hp_dns_client;

/* config is copied with its servers; ops and rng are copied, message ids come from rng. */
hp_dns_client *hp_dns_client_new(const hp_resolver_config *config, const hp_rng *rng, const hp_dns_client_ops *ops,
                                 void *user);
void hp_dns_client_free(hp_dns_client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_dns_client, hp_dns_client_free)

/* Asks for A, AAAA or PTR; at `deadline` (HP_NEVER: none) the query has failed. Returns its number, never 0; the first
 * message, or the answer from the cache, leaves with the next run(), due at once. 0 and HP_ERROR_INVALID for a bad name
 * or type. */
uint64_t hp_dns_client_query(hp_dns_client *client, hp_time now, const char *name, uint16_t type, hp_time deadline,
                             GError **error);
/* No result will come. An unknown number is no matter. */
void hp_dns_client_cancel(hp_dns_client *client, uint64_t query);
void hp_dns_client_flush_cache(hp_dns_client *client);
void hp_dns_client_input(hp_dns_client *client, hp_time now, const hp_addr *from, bool stream, const uint8_t *data,
                         size_t len);
/* ICMP port unreachable from a server, or a stream that failed: the next server's turn for those who wait for it. */
void hp_dns_client_unreachable(hp_dns_client *client, hp_time now, const hp_addr *server);
hp_time hp_dns_client_deadline(const hp_dns_client *client);
void hp_dns_client_run(hp_dns_client *client, hp_time now);

#endif
