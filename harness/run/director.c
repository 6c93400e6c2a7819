/* Theory of operation: see director.h. The director owns one timer: it stands at the next step's `at`, at the end of a
 * pause, or at a wait's time-out. What a wait-for waits for is read off the trace (events) or asked of the peers
 * (states), whenever the trace has grown. Whoever takes part is asked through the cast (cast.h), so that the director is the
 * same whether peers and servers are in this process or not.
 *
 * What it does is written to the world's trace, and what happens is read off another one where many processes write:
 * merged, that one is behind the present, so an event counts only from the time of the wait-for on.
 *
 * A step that the software under test refuses is traced by the peer (peer-error), which fails the scenario; the steps
 * after it are still carried out. */
#include "run/director.h"

#include <string.h>

#include "actors/injector.h"
#include "programs/peer_steps.h"

typedef enum director_state {
    WAITING_TIME, /* timer armed: the next step's time */
    WAITING_EVENT, /* wait-for; timer armed: its time-out */
    WAITING_FLOWS, /* a send with `wait` */
    FINISHED,
} director_state;

struct hp_director {
    hp_rig *rig;
    hp_cast *cast;
    const hp_trace *seen; /* where events of all who take part are read */
    hp_injector *injector;
    hp_timer timer;
    director_state state;
    unsigned next; /* the step that is carried out next, or being waited on */
    hp_trace_cursor cursor; /* of a wait-for event */
    hp_time since; /* when it began */
    GHashTable *callers; /* names of all peers that were in a call so far */
};

static hp_trace *trace_of(const hp_director *d)
{
    return hp_world_trace(d->rig->world);
}

static const hp_step *step_at(const hp_director *d)
{
    return &d->rig->plan->scenario->steps[d->next];
}

/* ---- carrying out ---- */

/* Who is in a call from now on. */
static void note_callers(hp_director *d, const hp_step *step)
{
    if (step->kind != HP_STEP_CALL)
        return;
    g_hash_table_add(d->callers, step->call.from);
    for (char **to = step->call.to; !step->call.broadcast && to && *to; to++)
        g_hash_table_add(d->callers, *to);
}

static void do_rebind(hp_director *d, const hp_step *step, hp_nat *nat)
{
    if (!step->nat.host) {
        hp_nat_rebind(nat, NULL);
        return;
    }
    const hp_host *host = d->rig->peer_hosts[hp_plan_find_peer(d->rig->plan, step->nat.host)];
    hp_addr addresses[16];
    size_t n = hp_host_addresses(host, addresses, G_N_ELEMENTS(addresses));
    for (size_t i = 0; i < MIN(n, G_N_ELEMENTS(addresses)); i++)
        hp_nat_rebind(nat, &addresses[i]);
}

static void do_interface(hp_director *d, const hp_step *step)
{
    int peer = hp_plan_find_peer(d->rig->plan, step->interface.peer);
    const hp_host *host = d->rig->peer_hosts[peer];
    for (unsigned i = 0; i < hp_host_n_interfaces(host); i++) {
        const char *name = hp_host_interface_name(host, i);
        if (!step->interface.interface || (name && strcmp(name, step->interface.interface) == 0))
            d->cast->ops->set_interface(d->cast, (unsigned)peer, i, step->interface.up);
    }
}

static void do_inject(hp_director *d, const hp_step *step)
{
    int peer = hp_plan_find_peer(d->rig->plan, step->inject.to);
    hp_injector_config config = {.host = d->rig->peer_hosts[peer], .inject = step->inject.config};
    hp_injector_start(d->injector, &config);
}

static void do_rule(hp_director *d, const hp_step *step)
{
    const hp_scenario *scenario = d->rig->plan->scenario;
    for (unsigned i = 0; i < scenario->n_rules; i++)
        if (g_strcmp0(scenario->rules[i].rule.label, step->rule.label) == 0)
            hp_rig_switch_rule(d->rig, i, step->rule.on);
}

/* The name a step is about, for the trace. */
static const char *step_target(const hp_step *step)
{
    switch (step->kind) {
    case HP_STEP_CALL:
        return step->call.from;
    case HP_STEP_SEND:
        return step->send.from;
    case HP_STEP_REBOOT:
    case HP_STEP_RENUMBER:
    case HP_STEP_REBIND:
    case HP_STEP_SET_NAT:
        return step->nat.nat;
    case HP_STEP_SET_LINK:
        return step->link.of;
    case HP_STEP_INTERFACE:
        return step->interface.peer;
    case HP_STEP_ICE_RESTART:
    case HP_STEP_CLOSE:
        return step->session.peer;
    case HP_STEP_STOP_SERVER:
    case HP_STEP_START_SERVER:
        return step->server;
    case HP_STEP_HOLD:
        return step->hold.peer;
    case HP_STEP_SET_MEDIA:
        return step->set_media.peer;
    case HP_STEP_INJECT:
        return step->inject.to;
    case HP_STEP_SET_DNS:
        return step->dns.server;
    case HP_STEP_SET_FIREWALL:
        return step->firewall.of;
    case HP_STEP_RULE:
        return step->rule.label;
    case HP_STEP_MAP_PORT:
    case HP_STEP_UNMAP_PORT:
        return step->map_port.peer;
    case HP_STEP_WAIT_FOR:
        return step->wait_for.state    ? step->wait_for.state
               : step->wait_for.script ? step->wait_for.script
                                       : step->wait_for.event.subject;
    case HP_STEP_WAIT:
    case HP_STEP_SET_SIGNALING:
    case HP_STEP_N:
        break;
    }
    return "";
}

static void carry_out(hp_director *d, const hp_step *step)
{
    hp_rig *rig = d->rig;
    int nat = -1, server = -1;
    if (step->kind == HP_STEP_RENUMBER || step->kind == HP_STEP_REBIND || step->kind == HP_STEP_SET_NAT)
        nat = hp_plan_find_nat(rig->plan, step->nat.nat);
    if (step->kind == HP_STEP_STOP_SERVER || step->kind == HP_STEP_START_SERVER)
        server = hp_plan_find_server(rig->plan, step->server);

    switch (step->kind) {
    case HP_STEP_CALL:
    case HP_STEP_SEND:
    case HP_STEP_ICE_RESTART:
    case HP_STEP_CLOSE:
    case HP_STEP_HOLD:
    case HP_STEP_SET_MEDIA:
    case HP_STEP_MAP_PORT:
    case HP_STEP_UNMAP_PORT:
        note_callers(d, step);
        d->cast->ops->ask_peers(d->cast, d->next);
        break;
    case HP_STEP_REBOOT:
        hp_rig_reboot(rig, step->nat.nat);
        break;
    case HP_STEP_RENUMBER:
        if (nat >= 0)
            hp_rig_renumber(rig, (unsigned)nat, step->nat.addresses, step->nat.n_addresses);
        else
            d->cast->ops->renumber_server(d->cast, (unsigned)hp_plan_find_server(rig->plan, step->nat.nat), d->next);
        break;
    case HP_STEP_REBIND:
        do_rebind(d, step, rig->nats[nat]);
        break;
    case HP_STEP_SET_NAT:
        hp_nat_configure(rig->nats[nat], &step->nat.config, step->nat.text);
        break;
    case HP_STEP_SET_LINK:
        hp_rig_set_link(rig, step);
        break;
    case HP_STEP_INTERFACE:
        do_interface(d, step);
        break;
    case HP_STEP_STOP_SERVER:
        d->cast->ops->stop_server(d->cast, (unsigned)server, d->next);
        break;
    case HP_STEP_START_SERVER:
        d->cast->ops->start_server(d->cast, (unsigned)server, d->next);
        break;
    case HP_STEP_SET_SIGNALING:
        d->cast->ops->set_signaling(d->cast, d->next);
        break;
    case HP_STEP_INJECT:
        do_inject(d, step);
        break;
    case HP_STEP_SET_DNS:
        d->cast->ops->set_dns(d->cast, d->next);
        break;
    case HP_STEP_SET_FIREWALL:
        hp_rig_set_firewall(rig, step);
        break;
    case HP_STEP_RULE:
        do_rule(d, step);
        break;
    case HP_STEP_WAIT:
    case HP_STEP_WAIT_FOR:
    case HP_STEP_N:
        break;
    }
}

/* ---- waiting ---- */

static bool state_reached(const char *state, const char *wanted)
{
    return state && (strcmp(state, wanted) == 0 || (strcmp(wanted, "connected") == 0 && strcmp(state, "ready") == 0));
}

static bool all_in_state(const hp_director *d, const hp_step *step)
{
    const hp_plan *plan = d->rig->plan;
    bool any = false;
    for (unsigned i = 0; i < plan->n_peers; i++) {
        const char *name = plan->peers[i].source->name;
        if (plan->peers[i].source->is_raw)
            continue; /* it has no state */
        bool asked = step->wait_for.peers ? g_strv_contains((const char *const *)step->wait_for.peers, name)
                                          : g_hash_table_contains(d->callers, name);
        if (!asked)
            continue;
        any = true;
        if (!state_reached(d->cast->ops->state(d->cast, i), step->wait_for.state))
            return false;
    }
    return any;
}

static bool event_happened(hp_director *d, const hp_event_pattern *pattern)
{
    hp_record record;
    while (hp_trace_next(d->seen, &d->cursor, &record))
        if (record.at >= d->since && hp_event_pattern_matches(pattern, &record))
            return true;
    return false;
}

static bool script_ended(const hp_director *d, const char *name)
{
    return d->cast->ops->script_done(d->cast, (unsigned)hp_plan_find_peer(d->rig->plan, name));
}

/* Scripts that begin with a step do so after it. */
static void start_scripts(hp_director *d)
{
    for (unsigned i = 0; i < d->rig->plan->n_peers; i++)
        if (hp_peer_steps_begins_script(d->rig->plan, d->next, i))
            d->cast->ops->start_script(d->cast, i, d->next);
}

static bool wait_is_over(hp_director *d, const hp_step *step)
{
    switch (d->state) {
    case WAITING_EVENT:
        if (step->wait_for.script)
            return script_ended(d, step->wait_for.script);
        return step->wait_for.state ? all_in_state(d, step) : event_happened(d, &step->wait_for.event);
    case WAITING_FLOWS:
        return d->cast->ops->flows_done(d->cast);
    case WAITING_TIME:
    case FINISHED:
        break;
    }
    return false;
}

static void advance(hp_director *d);

static void step_is_done(hp_director *d, const char *outcome)
{
    hp_trace_event(trace_of(d), hp_world_now(d->rig->world), HP_EV_STEP_DONE, hp_step_name(step_at(d)),
                   HP_FU("step", d->next + 1), HP_FS("outcome", outcome));
    d->next++;
    d->state = WAITING_TIME;
    advance(d);
}

/* Carries out the present step; true when the next one may follow at once. */
static bool take_step(hp_director *d, hp_time now)
{
    const hp_step *step = step_at(d);
    d->cursor = hp_trace_tail(d->seen);
    d->since = now;
    hp_trace_event(trace_of(d), now, HP_EV_STEP, hp_step_name(step), HP_FU("step", d->next + 1),
                   HP_FS("target", step_target(step)), HP_FU("line", step->mark.line),
                   HP_FS("label", hp_step_label(step)));
    hp_rig_pass_step(d->rig, d->next);
    carry_out(d, step);
    start_scripts(d);
    if (step->kind == HP_STEP_WAIT_FOR) {
        d->state = WAITING_EVENT;
        hp_timer_arm(d->rig->world, &d->timer, hp_time_add(now, step->wait_for.timeout));
        return false;
    }
    if (step->kind == HP_STEP_SEND && step->send.wait) {
        d->state = WAITING_FLOWS;
        return false;
    }
    if (step->kind == HP_STEP_WAIT) {
        d->next++;
        hp_timer_arm(d->rig->world, &d->timer, hp_time_add(now, step->wait));
        return false;
    }
    d->next++;
    return true;
}

/* Carries out steps until one has to wait. */
static void advance(hp_director *d)
{
    const hp_scenario *scenario = d->rig->plan->scenario;
    hp_time now = hp_world_now(d->rig->world);
    hp_timer_cancel(d->rig->world, &d->timer);
    while (d->next < scenario->n_steps) {
        const hp_step *step = step_at(d);
        if (step->has_at && step->at > now) {
            hp_timer_arm(d->rig->world, &d->timer, step->at);
            return;
        }
        if (!take_step(d, now))
            return;
    }
    d->state = FINISHED;
}

static void fire(void *owner, hp_time now)
{
    hp_director *d = owner;
    (void)now;
    if (d->state == WAITING_EVENT)
        step_is_done(d, "timeout");
    else
        advance(d);
}

void hp_director_poll(hp_director *d)
{
    while ((d->state == WAITING_EVENT || d->state == WAITING_FLOWS) && wait_is_over(d, step_at(d)))
        step_is_done(d, "done");
}

/* ---- the whole ---- */

hp_director *hp_director_new(hp_rig *rig, hp_cast *cast, const hp_trace *seen)
{
    hp_director *d = g_new0(hp_director, 1);
    d->rig = rig;
    d->cast = cast;
    d->seen = seen;
    d->injector = hp_injector_new(rig->world);
    d->callers = g_hash_table_new(g_str_hash, g_str_equal);
    hp_timer_init(&d->timer, HP_TIMER_SCRIPT, hp_world_new_element(rig->world), fire, d);
    return d;
}

void hp_director_free(hp_director *d)
{
    if (!d)
        return;
    hp_timer_cancel(d->rig->world, &d->timer);
    hp_injector_free(d->injector);
    g_hash_table_unref(d->callers);
    g_free(d);
}

void hp_director_start(hp_director *d)
{
    d->cast->ops->begin(d->cast);
    hp_timer_arm(d->rig->world, &d->timer, 0);
}

bool hp_director_done(const hp_director *d)
{
    return d->state == FINISHED && d->cast->ops->flows_done(d->cast) && hp_injector_all_done(d->injector);
}
