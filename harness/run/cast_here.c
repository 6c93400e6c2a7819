/* Theory of operation: everybody is in the rig, so what the director wants is a call. Flows are kept here, since the peers
 * that send and receive them are. */
#include "run/cast.h"

#include "actors/flow.h"
#include "programs/peer_steps.h"

typedef struct cast_here {
    hp_cast base;
    hp_rig *rig;
    hp_flows *flows;
} cast_here;

static cast_here *here(hp_cast *cast)
{
    return (cast_here *)(void *)cast;
}

static const hp_step *step_of(hp_cast *cast, unsigned step)
{
    return &here(cast)->rig->plan->scenario->steps[step];
}

static void begin(hp_cast *cast)
{
    const hp_rig *rig = here(cast)->rig;
    for (unsigned i = 0; i < rig->plan->n_peers; i++)
        if (rig->raw_peers[i])
            hp_raw_peer_open(rig->raw_peers[i]);
}

static void ask_peers(hp_cast *cast, unsigned step)
{
    const hp_rig *rig = here(cast)->rig;
    unsigned asked[HP_PEER_STEPS_MAX];
    unsigned n = hp_peer_steps_asked(rig->plan, step, asked);
    for (unsigned i = 0; i < n; i++)
        hp_peer_steps_carry_out(rig->plan, step, rig->peers[asked[i]], here(cast)->flows);
}

static void start_script(hp_cast *cast, unsigned peer, unsigned step)
{
    hp_raw_peer_start(here(cast)->rig->raw_peers[peer]);
}

static void set_interface(hp_cast *cast, unsigned peer, unsigned interface, bool up)
{
    hp_host_set_interface_up(here(cast)->rig->peer_hosts[peer], interface, up);
}

static void stop_server(hp_cast *cast, unsigned server, unsigned step)
{
    hp_rig_stop_server(here(cast)->rig, server);
}

static void start_server(hp_cast *cast, unsigned server, unsigned step)
{
    hp_rig_start_server(here(cast)->rig, server);
}

static void renumber_server(hp_cast *cast, unsigned server, unsigned step)
{
    const hp_step *s = step_of(cast, step);
    hp_rig_renumber_server(here(cast)->rig, server, s->nat.addresses, s->nat.n_addresses);
}

static void set_dns(hp_cast *cast, unsigned step)
{
    hp_rig_set_dns(here(cast)->rig, step_of(cast, step));
}

static void set_signaling(hp_cast *cast, unsigned step)
{
    hp_signaling_configure(here(cast)->rig->signaling, &step_of(cast, step)->signaling);
}

static const char *state(hp_cast *cast, unsigned peer)
{
    return hp_peer_state(here(cast)->rig->peers[peer], NULL);
}

static bool script_done(hp_cast *cast, unsigned peer)
{
    return hp_raw_peer_is_done(here(cast)->rig->raw_peers[peer]);
}

static bool flows_done(hp_cast *cast)
{
    return hp_flows_all_done(here(cast)->flows);
}

static void cast_free(hp_cast *cast)
{
    hp_flows_free(here(cast)->flows);
    g_free(cast);
}

hp_cast *hp_cast_here_new(hp_rig *rig)
{
    static const hp_cast_ops ops = {.begin = begin,
                                    .ask_peers = ask_peers,
                                    .start_script = start_script,
                                    .set_interface = set_interface,
                                    .stop_server = stop_server,
                                    .start_server = start_server,
                                    .renumber_server = renumber_server,
                                    .set_dns = set_dns,
                                    .set_signaling = set_signaling,
                                    .state = state,
                                    .script_done = script_done,
                                    .flows_done = flows_done,
                                    .free = cast_free};
    cast_here *cast = g_new0(cast_here, 1);
    cast->base.ops = &ops;
    cast->rig = rig;
    cast->flows = hp_flows_new(rig->world);
    for (unsigned i = 0; i < rig->plan->n_peers; i++)
        if (rig->peers[i])
            hp_flows_watch(cast->flows, rig->peers[i]);
    return &cast->base;
}
