/* Theory of operation: what the director wants becomes a message to the program that it is about. What is the network's, a
 * host's addresses and whether its interface is up, is done here in the rig and in the kernel first, and the program is
 * told of it then.
 *
 * A DNS server that knows a renumbered server's name by itself is sent the same step, after the server: the plan says to
 * it which one that is, and programs/renumbered.h which addresses it has from then on. */
#include "run/live_cast.h"

#include "programs/peer_steps.h"

typedef struct live_cast {
    hp_cast base;
    hp_rig *rig;
    hp_crew *crew;
    hp_live_net *net;
} live_cast;

static live_cast *live(hp_cast *cast)
{
    return (live_cast *)(void *)cast;
}

static const hp_step *step_of(hp_cast *cast, unsigned step)
{
    return &live(cast)->rig->plan->scenario->steps[step];
}

/* What the kernel would not do fails the run, as what the software under test refuses. */
static void tell_trouble(hp_cast *cast, const char *who, char *trouble)
{
    const hp_world *world = live(cast)->rig->world;
    if (trouble)
        hp_trace_event(hp_world_trace(world), hp_world_now(world), HP_EV_PEER_ERROR, who, HP_FU("session", 0),
                       HP_FS("message", trouble));
    g_free(trouble);
}

static void begin(hp_cast *cast)
{
    hp_crew_begin(live(cast)->crew);
}

static void ask_peers(hp_cast *cast, unsigned step)
{
    unsigned asked[HP_PEER_STEPS_MAX];
    unsigned n = hp_peer_steps_asked(live(cast)->rig->plan, step, asked);
    for (unsigned i = 0; i < n; i++)
        hp_crew_step(live(cast)->crew, HP_PROGRAM_PEER, asked[i], step);
}

static void start_script(hp_cast *cast, unsigned peer, unsigned step)
{
    hp_crew_step(live(cast)->crew, HP_PROGRAM_PEER, peer, step);
}

static void set_interface(hp_cast *cast, unsigned peer, unsigned interface, bool up)
{
    const hp_rig *rig = live(cast)->rig;
    hp_host_set_interface_up(rig->peer_hosts[peer], interface, up);
    tell_trouble(cast, rig->plan->peers[peer].source->name,
                 hp_live_net_set_interface(live(cast)->net, peer, interface, up));
    hp_crew_interface(live(cast)->crew, HP_PROGRAM_PEER, peer, interface, up);
}

static void ask_server(hp_cast *cast, unsigned server, unsigned step)
{
    hp_crew_step(live(cast)->crew, HP_PROGRAM_SERVER, server, step);
}

static void renumber_server(hp_cast *cast, unsigned server, unsigned step)
{
    const hp_step *s = step_of(cast, step);
    hp_rig *rig = live(cast)->rig;
    const hp_plan_server *plan = &rig->plan->servers[server];
    const hp_rig_attachment *at = &rig->server_attachments[server];
    hp_rig_readdress_server(rig, server, s->nat.addresses, s->nat.n_addresses);
    tell_trouble(cast, plan->source->name,
                 hp_live_net_readdress_server(live(cast)->net, server, at->addresses, at->n_addresses));
    hp_crew_addresses(live(cast)->crew, HP_PROGRAM_SERVER, server, 0, at->addresses, at->n_addresses);
    ask_server(cast, server, step);
    for (unsigned i = 0; i < rig->plan->n_servers; i++)
        if (i != server && hp_plan_knows_by_itself(&rig->plan->servers[i], plan->dns_name))
            ask_server(cast, i, step);
}

static void set_dns(hp_cast *cast, unsigned step)
{
    const int server = hp_plan_find_server(live(cast)->rig->plan, step_of(cast, step)->dns.server);
    ask_server(cast, (unsigned)server, step);
}

static void set_signaling(hp_cast *cast, unsigned step)
{
    hp_crew_step(live(cast)->crew, HP_PROGRAM_BROKER, 0, step);
}

static const char *state(hp_cast *cast, unsigned peer)
{
    return hp_crew_state(live(cast)->crew, peer);
}

static bool script_done(hp_cast *cast, unsigned peer)
{
    return hp_crew_script_done(live(cast)->crew, peer);
}

static bool flows_done(hp_cast *cast)
{
    return hp_crew_flows_done(live(cast)->crew);
}

static void cast_free(hp_cast *cast)
{
    g_free(cast);
}

hp_cast *hp_live_cast_new(hp_rig *rig, hp_crew *crew, hp_live_net *net)
{
    static const hp_cast_ops ops = {.begin = begin,
                                    .ask_peers = ask_peers,
                                    .start_script = start_script,
                                    .set_interface = set_interface,
                                    .stop_server = ask_server,
                                    .start_server = ask_server,
                                    .renumber_server = renumber_server,
                                    .set_dns = set_dns,
                                    .set_signaling = set_signaling,
                                    .state = state,
                                    .script_done = script_done,
                                    .flows_done = flows_done,
                                    .free = cast_free};
    live_cast *cast = g_new0(live_cast, 1);
    cast->base.ops = &ops;
    cast->rig = rig;
    cast->crew = crew;
    cast->net = net;
    return &cast->base;
}
