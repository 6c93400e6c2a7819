/* What a step asks of one peer.
 *
 * Every step that is about peers is taken apart by peer: a call is the caller's, a `send` with `both` is each end's own
 * flow. Who is asked is known from the plan, so that a director whose peers are in other processes asks the same ones in
 * the same order.
 *
 * Flows are numbered by the steps of the plan, from first to last, and not by the order in which they happen to begin:
 * the number is in the flow's datagrams, and both of its ends must know it. As steps are carried out in order, both come
 * to the same. */
#include "programs/peer_steps.h"

#include <string.h>

static const hp_step *step_of(const hp_plan *plan, unsigned step)
{
    return &plan->scenario->steps[step];
}

/* ---- who is asked ---- */

static unsigned add(const hp_plan *plan, const char *name, unsigned *ret, unsigned n)
{
    int peer = name ? hp_plan_find_peer(plan, name) : -1;
    if (peer >= 0)
        ret[n++] = (unsigned)peer;
    return n;
}

unsigned hp_peer_steps_asked(const hp_plan *plan, unsigned index, unsigned ret[HP_PEER_STEPS_MAX])
{
    const hp_step *step = step_of(plan, index);
    switch (step->kind) {
    case HP_STEP_CALL:
        return add(plan, step->call.from, ret, 0);
    case HP_STEP_SEND: {
        unsigned n = add(plan, step->send.from, ret, 0);
        return step->send.both ? add(plan, step->send.to, ret, n) : n;
    }
    case HP_STEP_ICE_RESTART:
    case HP_STEP_CLOSE:
        return add(plan, step->session.peer, ret, 0);
    case HP_STEP_HOLD:
        return add(plan, step->hold.peer, ret, 0);
    case HP_STEP_SET_MEDIA:
        return add(plan, step->set_media.peer, ret, 0);
    case HP_STEP_MAP_PORT:
    case HP_STEP_UNMAP_PORT:
        return add(plan, step->map_port.peer, ret, 0);
    case HP_STEP_WAIT:
    case HP_STEP_WAIT_FOR:
    case HP_STEP_REBOOT:
    case HP_STEP_RENUMBER:
    case HP_STEP_REBIND:
    case HP_STEP_SET_NAT:
    case HP_STEP_SET_LINK:
    case HP_STEP_INTERFACE:
    case HP_STEP_STOP_SERVER:
    case HP_STEP_START_SERVER:
    case HP_STEP_SET_SIGNALING:
    case HP_STEP_INJECT:
    case HP_STEP_SET_DNS:
    case HP_STEP_SET_FIREWALL:
    case HP_STEP_RULE:
    case HP_STEP_N:
        break;
    }
    return 0;
}

bool hp_peer_steps_begins_script(const hp_plan *plan, unsigned step, unsigned peer)
{
    const hp_sc_peer *source = plan->peers[peer].source;
    return source->is_raw && source->raw.start_step && hp_plan_find_step(plan, source->raw.start_step) == (int)step;
}

/* ---- flows ---- */

static unsigned flows_of(const hp_step *step)
{
    if (step->kind != HP_STEP_SEND)
        return 0;
    return step->send.both ? 2 : 1;
}

bool hp_peer_steps_flow(const hp_plan *plan, unsigned index, bool back, hp_step_flow *ret)
{
    const hp_step *step = step_of(plan, index);
    if (flows_of(step) < (back ? 2 : 1))
        return false;
    unsigned number = back ? 2 : 1;
    for (unsigned i = 0; i < index; i++)
        number += flows_of(step_of(plan, i));
    uint64_t count = step->send.count;
    if (count == 0)
        count = MAX(step->send.for_ns / MAX(step->send.interval, 1), 1);
    *ret = (hp_step_flow){.number = number,
                          .from = back ? step->send.to : step->send.from,
                          .to = back ? step->send.from : step->send.to,
                          .step = step,
                          .count = count};
    return true;
}

void hp_peer_steps_expect_flows(const hp_plan *plan, unsigned peer, hp_flows *flows)
{
    for (unsigned i = 0; i < plan->scenario->n_steps; i++) {
        for (unsigned back = 0; back < 2; back++) {
            hp_step_flow flow;
            if (hp_peer_steps_flow(plan, i, back, &flow) && hp_plan_find_peer(plan, flow.to) == (int)peer)
                hp_flows_expect(flows, flow.number, flow.step->send.size);
        }
    }
}

/* ---- asking ---- */

static void do_call(const hp_step *step, hp_peer *peer)
{
    if (step->call.broadcast) {
        hp_peer_call(peer, NULL, &step->call.config, NULL);
        return;
    }
    for (char **to = step->call.to; to && *to; to++)
        hp_peer_call(peer, *to, &step->call.config, NULL);
}

static void do_send(const hp_plan *plan, unsigned step, hp_peer *peer, hp_flows *flows)
{
    for (unsigned back = 0; back < 2; back++) {
        hp_step_flow flow;
        if (!hp_peer_steps_flow(plan, step, back, &flow) || g_strcmp0(flow.from, hp_peer_name(peer)) != 0)
            continue;
        const hp_step *of = flow.step;
        hp_flow_config config = {.from = peer,
                                 .to = flow.to,
                                 .stream = of->send.stream,
                                 .component = of->send.component,
                                 .size = of->send.size,
                                 .interval = of->send.interval,
                                 .count = flow.count,
                                 .channel = of->send.channel.label ? &of->send.channel : NULL,
                                 .number = flow.number};
        hp_flows_start(flows, &config);
    }
}

static void do_map_port(const hp_sc_map_port *m, hp_peer *peer)
{
    hp_port_wish wish = {.protocol = m->transport,
                         .internal_port = m->internal,
                         .external_port = m->external,
                         .exact = m->exact,
                         .remote = hp_addr_with_port(m->remote, m->remote_port),
                         .lifetime = m->lifetime};
    hp_peer_map_port(peer, m->protocol, &wish, NULL);
}

static void ask(const hp_plan *plan, unsigned index, hp_peer *peer, hp_flows *flows)
{
    const hp_step *step = step_of(plan, index);
    switch (step->kind) {
    case HP_STEP_CALL:
        do_call(step, peer);
        return;
    case HP_STEP_SEND:
        do_send(plan, index, peer, flows);
        return;
    case HP_STEP_ICE_RESTART:
        hp_peer_restart(peer, step->session.with, NULL);
        return;
    case HP_STEP_CLOSE:
        hp_peer_close(peer, step->session.with);
        return;
    case HP_STEP_HOLD:
        hp_peer_hold(peer, step->hold.with, step->hold.kinds, !step->hold.resume, NULL);
        return;
    case HP_STEP_SET_MEDIA:
        hp_peer_set_video_bitrate(peer, step->set_media.with, (uint32_t)step->set_media.video_bitrate, NULL);
        return;
    case HP_STEP_MAP_PORT:
        do_map_port(&step->map_port, peer);
        return;
    case HP_STEP_UNMAP_PORT:
        hp_peer_unmap_port(peer, step->map_port.transport, step->map_port.internal, NULL);
        return;
    case HP_STEP_WAIT:
    case HP_STEP_WAIT_FOR:
    case HP_STEP_REBOOT:
    case HP_STEP_RENUMBER:
    case HP_STEP_REBIND:
    case HP_STEP_SET_NAT:
    case HP_STEP_SET_LINK:
    case HP_STEP_INTERFACE:
    case HP_STEP_STOP_SERVER:
    case HP_STEP_START_SERVER:
    case HP_STEP_SET_SIGNALING:
    case HP_STEP_INJECT:
    case HP_STEP_SET_DNS:
    case HP_STEP_SET_FIREWALL:
    case HP_STEP_RULE:
    case HP_STEP_N:
        return; /* nobody is asked */
    }
}

void hp_peer_steps_carry_out(const hp_plan *plan, unsigned step, hp_peer *peer, hp_flows *flows)
{
    unsigned asked[HP_PEER_STEPS_MAX];
    unsigned n = hp_peer_steps_asked(plan, step, asked);
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(plan->peers[asked[i]].source->name, hp_peer_name(peer)) == 0) {
            ask(plan, step, peer, flows);
            return;
        }
    }
}
