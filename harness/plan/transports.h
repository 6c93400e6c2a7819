/* Over what peers and servers speak to each other, and whether a peer can reach a server over what it was told. */
#ifndef HP_PLAN_TRANSPORTS_H
#define HP_PLAN_TRANSPORTS_H

#include "scenario/model.h"

/* The transports of a peer's TURN servers, or of a server: HP_SERVER_*, never 0. */
uint8_t hp_transports_of_peer(const hp_ice_config *ice);
uint8_t hp_transports_of_server(const hp_server_config *config);
/* What is wrong with it, and *ret_hint (may be NULL): new strings; NULL when nothing is. turn: as a TURN server, else
 * for STUN, which libnice speaks over UDP alone. */
char *hp_transports_mistake(const hp_sc_peer *peer, const hp_sc_server *server, bool turn, char **ret_hint);

#endif
