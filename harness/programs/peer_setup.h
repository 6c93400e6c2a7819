/* What a peer is told before it begins, made from the plan alone: its servers with their addresses or names, accounts,
 * gateways, recordings. The same in both worlds. */
#ifndef HP_PROGRAMS_PEER_SETUP_H
#define HP_PROGRAMS_PEER_SETUP_H

#include "actors/peer.h"
#include "actors/raw_peer.h"
#include "plan/plan.h"

typedef struct hp_peer_setup {
    hp_peer_config config; /* hub is the caller's to set */
    hp_peer_turn *turn;
    GArray *gateways; /* of hp_peer_gateway */
} hp_peer_setup;

/* Of the peer of that index, which is no raw one. Its strings are the plan's. */
hp_peer_setup *hp_peer_setup_new(const hp_plan *plan, unsigned peer);
void hp_peer_setup_free(hp_peer_setup *setup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_peer_setup, hp_peer_setup_free)

/* Every TURN server of a peer, once for each transport that it uses it over (UDP, TCP, TLS); those that it cannot reach
 * in a family it has are left out. The array is the caller's. */
hp_peer_turn *hp_peer_setup_turn(const hp_plan *plan, unsigned peer, unsigned *ret_n);
/* Whether a peer has an address of that family. clats: an IPv4 address that only its host knows counts too. */
bool hp_peer_setup_has_family(const hp_plan_peer *peer, uint8_t family, bool clats);
/* The server's first address of that family, where the peer has the family too, be it by a CLAT; else family none. */
hp_addr hp_peer_setup_server_in(const hp_plan *plan, unsigned peer, unsigned server, uint8_t family);

/* Who is meant by a name in a raw peer's script: a server at the port of the transport that is asked for; another raw
 * peer at its socket `main`, which main_address knows (false: it does not); any other peer at its host's address, whose
 * port only signalling tells. Of several addresses the first counts that is of a family the asking peer has, IPv4 before
 * IPv6. */
typedef bool (*hp_raw_setup_main)(void *user, unsigned peer, hp_addr *ret);
bool hp_raw_setup_resolve(const hp_plan *plan, unsigned asking, const char *name, hp_raw_transport transport,
                          hp_raw_setup_main main_address, void *user, hp_addr *ret);
/* The same where nobody can be asked: the port that the plan gives the socket. */
bool hp_raw_setup_planned_main(void *plan, unsigned peer, hp_addr *ret);

#endif
