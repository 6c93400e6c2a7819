/* A raw peer: a scripted client of STUN, TURN, ICE and DTLS (engines/raw.h) on a virtual host, with the host's sockets,
 * the broker and the world's clock. */
#ifndef HP_ACTORS_RAW_PEER_H
#define HP_ACTORS_RAW_PEER_H

#include "actors/signaling.h"
#include "config/raw.h"
#include "world/host.h"

typedef struct hp_raw_peer hp_raw_peer;

/* Where somebody of that name is reached over a transport; false: nobody is called so, or has such an address. */
typedef bool (*hp_raw_peer_resolve)(void *user, const hp_raw_peer *asking, const char *name, hp_raw_transport transport,
                                    hp_addr *ret);

/* config outlives it, and so does name. Opens nothing yet. */
hp_raw_peer *hp_raw_peer_new(hp_host *host, hp_signaling *signaling, const char *name, const hp_raw_config *config,
                             hp_raw_peer_resolve resolve, void *user);
/* Closes everything without a word. */
void hp_raw_peer_free(hp_raw_peer *peer);
/* Opens its sockets, once all raw peers are there, and begins its script at config->start, unless a step does. */
void hp_raw_peer_open(hp_raw_peer *peer);
/* Begins its script. */
void hp_raw_peer_start(hp_raw_peer *peer);
/* The run is over: tells what is left. Nothing is sent any more. */
void hp_raw_peer_finish(hp_raw_peer *peer);
/* Its script has ended, well or not. */
bool hp_raw_peer_is_done(const hp_raw_peer *peer);
/* What socket `main` is bound to; false while it is closed. */
bool hp_raw_peer_main_address(const hp_raw_peer *peer, hp_addr *ret);

#endif
