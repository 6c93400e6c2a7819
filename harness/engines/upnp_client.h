/* A UPnP control point that maps ports, sans-IO: it finds the Internet gateway by SSDP, reads its description, and asks
 * its WANIPConnection over HTTP/1.1, one connection a request (UPnP Device Architecture 1.1; WANIPConnection 1).
 *
 * Mappings are kept until they are ended. Only event() is called from elsewhere than run(). Times never go back. */
#ifndef HP_ENGINES_UPNP_CLIENT_H
#define HP_ENGINES_UPNP_CLIENT_H

#include "engines/upnp_igd.h"

typedef enum hp_upnp_client_event_kind {
    HP_UPNP_CLIENT_MAPPED, /* mapping external lifetime; the first time, and again when external changed */
    HP_UPNP_CLIENT_RENEWED, /* mapping external lifetime */
    HP_UPNP_CLIENT_UNMAPPED, /* mapping: gone, as was asked for */
    HP_UPNP_CLIENT_REFUSED, /* mapping code: it is gone */
    HP_UPNP_CLIENT_NO_ANSWER, /* mapping; it is gone unless it was being renewed */
    HP_UPNP_CLIENT_EXPIRED, /* mapping: not renewed in time; it is gone */
    HP_UPNP_CLIENT_REBOOTED, /* the gateway announces itself: all mappings are asked for again */
} hp_upnp_client_event_kind;
const char *hp_upnp_client_event_name(hp_upnp_client_event_kind kind); /* "no-answer" */

typedef struct hp_upnp_client_event {
    hp_upnp_client_event_kind kind;
    uint64_t mapping; /* 0: none */
    uint8_t protocol;
    uint16_t internal_port;
    hp_addr external; /* of family none where there is none */
    uint32_t lifetime; /* 0: without end */
    unsigned code; /* of UPnP, or of HTTP where that is all there is */
} hp_upnp_client_event;

typedef struct hp_upnp_client_ops {
    /* A datagram from one port of the host, whose answers go to hp_upnp_client_input(). */
    void (*send)(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len);
    /* Begins to connect; hp_upnp_client_connected() or _ended() follows, from elsewhere. False: it cannot be. There is
     * one stream at a time. */
    bool (*connect)(void *user, hp_time now, const hp_addr *to);
    void (*stream_send)(void *user, hp_time now, const uint8_t *data, size_t len);
    /* The stream is of no more use; nothing is told of it any more. */
    void (*stream_close)(void *user, hp_time now);
    /* May start and end mappings. */
    void (*event)(void *user, hp_time now, const hp_upnp_client_event *event);
} hp_upnp_client_ops;

typedef struct hp_upnp_client hp_upnp_client;

/* local: the host's IPv4 address towards the gateway. config: `gateway` and `max_timeout` say nothing; first_timeout:
 * before the first repeated search, doubling, 0: 2 s; attempts: searches, 0: 3; give_up: one request's time, 0: 10 s;
 * lifetime as it says. ops is copied. */
hp_upnp_client *hp_upnp_client_new(const hp_port_client_config *config, const hp_addr *local,
                                   const hp_upnp_client_ops *ops, void *user);
void hp_upnp_client_free(hp_upnp_client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_upnp_client, hp_upnp_client_free)

typedef struct hp_upnp_wish {
    uint8_t protocol; /* HP_LEASE_TCP, HP_LEASE_UDP */
    uint16_t internal_port, external_port; /* external 0: the same, or one above where that is taken */
    bool exact; /* that external port and no other */
    hp_addr remote; /* only this host may send; family none: anyone */
    hp_time lifetime; /* 0: the configured one; HP_NEVER: without end */
} hp_upnp_wish;

/* Keeps a mapping until it is ended. Returns its number, never 0. */
uint64_t hp_upnp_client_map(hp_upnp_client *client, hp_time now, const hp_upnp_wish *wish);
/* An unknown number is no matter. */
void hp_upnp_client_unmap(hp_upnp_client *client, hp_time now, uint64_t mapping);
/* A datagram to the port that searches leave from, or to 239.255.255.250:1900. */
void hp_upnp_client_input(hp_upnp_client *client, hp_time now, const hp_addr *from, const uint8_t *data, size_t len);
void hp_upnp_client_connected(hp_upnp_client *client, hp_time now);
void hp_upnp_client_stream(hp_upnp_client *client, hp_time now, const uint8_t *data, size_t len);
/* The stream has ended, or never was: nothing more comes. */
void hp_upnp_client_ended(hp_upnp_client *client, hp_time now);
hp_time hp_upnp_client_deadline(const hp_upnp_client *client);
void hp_upnp_client_run(hp_upnp_client *client, hp_time now);

#endif
