/* Raw peers in a rig: who is meant by a name in a script, when all raw peers are in this process and can be asked what
 * their sockets are bound to. */
#include "programs/peer_setup.h"
#include "run/rig.h"

static bool main_address(void *user, unsigned peer, hp_addr *ret)
{
    const hp_rig *rig = user;
    return hp_raw_peer_main_address(rig->raw_peers[peer], ret);
}

static bool resolve_for_raw(void *user, const hp_raw_peer *asking, const char *name, hp_raw_transport transport,
                            hp_addr *ret)
{
    hp_rig *rig = user;
    unsigned own = 0;
    while (own < rig->plan->n_peers && rig->raw_peers[own] != asking)
        own++;
    return own < rig->plan->n_peers && hp_raw_setup_resolve(rig->plan, own, name, transport, main_address, rig, ret);
}

hp_raw_peer *hp_rig_raw_peer_new(hp_rig *rig, unsigned i)
{
    const hp_sc_peer *source = rig->plan->peers[i].source;
    return hp_raw_peer_new(rig->peer_hosts[i], rig->signaling, source->name, &source->raw, resolve_for_raw, rig);
}
