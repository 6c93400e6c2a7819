/* A UPnP Internet Gateway Device, sans-IO: SSDP over UDP, description and control over HTTP/1.1 (UPnP Device
 * Architecture 1.1; WANIPConnection 1 and 2).
 *
 * SSDP is heard on 239.255.255.250:1900. HTTP runs over byte streams that a driver accepts on hp_upnp_igd_port() of an
 * inside address: bytes in, bytes out. Sending is the last thing an input does, so that a driver may deliver
 * synchronously. Times never go back. */
#ifndef HP_ENGINES_UPNP_IGD_H
#define HP_ENGINES_UPNP_IGD_H

#include <glib.h>

#include "base/rng.h"
#include "engines/pcp_leases.h"

#define HP_SSDP_PORT 1900
#define HP_UPNP_MAX_HEAD 8192 /* of a request line with its headers */
#define HP_UPNP_MAX_BODY 16384

hp_addr hp_ssdp_group(void); /* 239.255.255.250:1900 */

typedef struct hp_upnp_event {
    hp_addr client;
    const char *action; /* "AddPortMapping", "M-SEARCH", "GET"; valid during the call */
    unsigned status; /* of HTTP; 0: SSDP */
    unsigned error; /* of UPnP; 0: none */
    uint8_t protocol; /* of mappings */
    hp_addr internal, external; /* of family none where there is none */
} hp_upnp_event;

typedef struct hp_upnp_conn hp_upnp_conn;

typedef struct hp_upnp_ops {
    /* From port 1900 of the inside address. */
    void (*send)(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len);
    void (*stream_send)(void *user, hp_time now, void *stream, const uint8_t *data, size_t len);
    /* The server is done with the stream; what was sent goes out first. hp_upnp_igd_closed() is still to be called. */
    void (*stream_close)(void *user, hp_time now, void *stream);
    /* May be NULL. */
    void (*event)(void *user, hp_time now, const hp_upnp_event *event);
} hp_upnp_ops;

typedef struct hp_upnp_igd hp_upnp_igd;

/* inside: the gateway's inside address, for URLs. leases must outlive it; its config says what is allowed. rng is
 * copied: the UUID and the delays of answers come from it. */
hp_upnp_igd *hp_upnp_igd_new(hp_leases *leases, const hp_addr *inside, const hp_rng *rng, const hp_upnp_ops *ops,
                             void *user);
void hp_upnp_igd_free(hp_upnp_igd *igd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_upnp_igd, hp_upnp_igd_free)

uint16_t hp_upnp_igd_port(const hp_upnp_igd *igd);
/* Sends ssdp:alive for everything it is, at the next run(). */
void hp_upnp_igd_announce(hp_upnp_igd *igd, hp_time now);
/* A datagram came to 239.255.255.250:1900, or to port 1900 of the inside address. */
void hp_upnp_igd_input(hp_upnp_igd *igd, hp_time now, const hp_addr *from, const uint8_t *data, size_t len);
hp_time hp_upnp_igd_deadline(const hp_upnp_igd *igd);
void hp_upnp_igd_run(hp_upnp_igd *igd, hp_time now);

/* A stream was accepted; `stream` comes back in the ops. */
hp_upnp_conn *hp_upnp_igd_accepted(hp_upnp_igd *igd, const hp_addr *client, void *stream);
void hp_upnp_igd_stream(hp_upnp_conn *conn, hp_time now, const uint8_t *data, size_t len);
/* The stream is gone: closed by either side. conn is freed. */
void hp_upnp_igd_closed(hp_upnp_conn *conn);

#endif
