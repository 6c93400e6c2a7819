/* A DNS server, sans-IO (RFC 1034, 1035, 2308, 6891): the names of its configuration, no upstream, faults by script,
 * DNS64 (RFC 6147).
 *
 * Messages are handed in with the present time; answers leave through send(), the last thing an input does, so that a
 * driver may deliver synchronously. Over a stream the driver adds and strips the length of 16 bits in front of each
 * message. Times handed in never go back. */
#ifndef HP_ENGINES_DNS_SERVER_H
#define HP_ENGINES_DNS_SERVER_H

#include <glib.h>

#include "base/addr.h"
#include "base/time.h"
#include "config/dns.h"
#include "wire/dns.h"

/* Equal bytes are an equal path: zero it before filling it. */
typedef struct hp_dns_path {
    hp_addr client, server;
    bool stream; /* TCP */
} hp_dns_path;

typedef enum hp_dns_verdict {
    HP_DNS_ANSWERED, /* rcode NOERROR with at least one record of the asked type */
    HP_DNS_NO_DATA,
    HP_DNS_SYNTHESISED, /* by DNS64 */
    HP_DNS_ERROR, /* another rcode */
    HP_DNS_SILENT, /* nothing was sent: a fault, or no query at all */
} hp_dns_verdict;
const char *hp_dns_verdict_name(hp_dns_verdict verdict); /* "no-data" */

const char *hp_dns_fault_kind_name(hp_dns_fault_kind kind); /* "wrong-id" */

/* Of every message that comes in. */
typedef struct hp_dns_server_event {
    hp_dns_path path;
    const hp_dns_question *question; /* valid during the call; NULL when there was none to be read */
    hp_dns_verdict verdict;
    unsigned rcode;
    bool truncated;
    bool fault; /* a scripted fault had its hand in it */
    unsigned answers; /* records in the answer section */
} hp_dns_server_event;

typedef struct hp_dns_server_ops {
    void (*send)(void *user, hp_time now, const hp_dns_path *path, const uint8_t *data, size_t len);
    /* May be NULL. */
    void (*event)(void *user, hp_time now, const hp_dns_server_event *event);
} hp_dns_server_ops;

typedef struct hp_dns_server hp_dns_server;

/* NULL and HP_ERROR_INVALID when a name, a prefix or a set of records makes no sense. config may go away afterwards;
 * ops is copied. */
hp_dns_server *hp_dns_server_new(const hp_dns_config *config, const hp_dns_server_ops *ops, void *user, GError **error);
void hp_dns_server_free(hp_dns_server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_dns_server, hp_dns_server_free)

/* Takes zones, hosts and TTLs of config in place of those it has; faults, DNS64 and the rest stay as they are. False
 * and HP_ERROR_INVALID as above: nothing has changed then. */
bool hp_dns_server_reload(hp_dns_server *server, const hp_dns_config *config, GError **error);

uint16_t hp_dns_server_port(const hp_dns_server *server);
void hp_dns_server_input(hp_dns_server *server, hp_time now, const hp_dns_path *path, const uint8_t *data, size_t len);
hp_time hp_dns_server_deadline(const hp_dns_server *server);
/* Sends what was delayed and is due. */
void hp_dns_server_run(hp_dns_server *server, hp_time now);

#endif
