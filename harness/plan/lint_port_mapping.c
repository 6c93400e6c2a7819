/* Rules of the lint about port mapping: who asks where nobody is to be asked, and the other way round.
 *
 * Only certain things are said. A peer behind a NAT that speaks no such protocol may well ask in vain on purpose; one
 * that is behind no NAT has nobody to ask. */
#include "plan/lint.h"

/* The NAT of one of the peer's interfaces; false past the last. */
static bool nat_of(const hp_lint *l, const hp_plan_peer *peer, unsigned interface, const hp_sc_nat **ret)
{
    if (interface >= peer->n_interfaces) {
        return false;
    }
    int nat = l->plan->zones[peer->interfaces[interface].zone].nat;
    *ret = nat >= 0 ? l->plan->nats[nat].source : NULL;
    return true;
}

static bool is_behind_any(const hp_lint *l, const hp_plan_peer *peer)
{
    const hp_sc_nat *nat;
    for (unsigned k = 0; nat_of(l, peer, k, &nat); k++) {
        if (nat != NULL) {
            return true;
        }
    }
    return false;
}

static bool is_behind(const hp_lint *l, const hp_plan_peer *peer, const hp_sc_nat *wanted)
{
    const hp_sc_nat *nat;
    for (unsigned k = 0; nat_of(l, peer, k, &nat); k++) {
        if (nat == wanted) {
            return true;
        }
    }
    return false;
}

static bool has_step(const hp_lint *l, const char *peer, hp_step_kind kind, unsigned before, const hp_sc_map_port *like)
{
    for (unsigned i = 0; i < before; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind == kind && g_strcmp0(step->map_port.peer, peer) == 0 &&
            (like == NULL ||
             (step->map_port.internal == like->internal && step->map_port.transport == like->transport))) {
            return true;
        }
    }
    return false;
}

static bool asks(const hp_lint *l, const hp_plan_peer *peer)
{
    return peer->source->ice.port_mapping != HP_PORT_MAPPING_NONE ||
           has_step(l, peer->source->name, HP_STEP_MAP_PORT, l->scenario->n_steps, NULL);
}

static void nobody_asks(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_nats; i++) {
        const hp_sc_nat *nat = l->plan->nats[i].source;
        bool asked = nat->port_mapping_mark.line == 0;
        for (unsigned j = 0; j < l->plan->n_peers && !asked; j++) {
            asked = is_behind(l, &l->plan->peers[j], nat) && asks(l, &l->plan->peers[j]);
        }
        if (!asked) {
            hp_lint_warn(l, nat->port_mapping_mark, "a peer behind it does with `ice: {port-mapping: pcp}`",
                         "nobody asks NAT `%s` for a port", nat->name);
        }
    }
}

static void nobody_to_ask(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_plan_peer *peer = &l->plan->peers[i];
        if (peer->source->ice.port_mapping != HP_PORT_MAPPING_NONE && !is_behind_any(l, peer)) {
            hp_lint_warn(l, peer->source->mark, "put it behind a NAT", "peer `%s` has no gateway to ask for a port",
                         peer->source->name);
        }
    }
}

static void steps_in_vain(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        const hp_sc_map_port *m = &step->map_port;
        if (step->kind != HP_STEP_MAP_PORT && step->kind != HP_STEP_UNMAP_PORT) {
            continue;
        }
        const hp_plan_peer *peer = &l->plan->peers[hp_plan_find_peer(l->plan, m->peer)];
        bool has_own = peer->source->ice.port_mapping != HP_PORT_MAPPING_NONE;
        if (!is_behind_any(l, peer)) {
            hp_lint_warn(l, step->mark, "put it behind a NAT", "peer `%s` has no gateway to ask for a port", m->peer);
        } else if (step->kind == HP_STEP_MAP_PORT && m->protocol == HP_PORT_MAPPING_NONE && !has_own) {
            hp_lint_warn(l, step->mark, "say `protocol: pcp`", "`map-port` without a protocol");
        } else if (step->kind == HP_STEP_UNMAP_PORT && !has_own && !has_step(l, m->peer, HP_STEP_MAP_PORT, i, m)) {
            hp_lint_warn(l, step->mark, "`map-port` comes first", "port %u of `%s` is not mapped", m->internal,
                         m->peer);
        }
    }
}

void hp_lint_port_mapping(const hp_lint *l)
{
    nobody_asks(l);
    nobody_to_ask(l);
    steps_in_vain(l);
}
