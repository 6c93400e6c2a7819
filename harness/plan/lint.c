/* What can never matter in a plan: one function a rule, its message beside it, all of them in one table.
 *
 * A finding is a warning: the run would go on and prove less than its author thinks. Rules speak only of what is
 * certain from the plan. When a step is carried out is known from below alone (its `at`, and the pauses before it:
 * what waits for an event may take no time), so a step is called too late only when even that bound lies beyond the
 * end. A broadcast call may be answered by anyone, and then no peer is called idle. The cases of a matrix share most
 * of their lines: a warning that is there already is not given again. */
#include <string.h>

#include "plan/lint.h"

void hp_lint_warn(const hp_lint *l, hp_mark mark, const char *hint, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    if (hp_plan_is_told(l->diags, mark, message)) {
        return;
    }
    g_autofree char *line = hp_scenario_source_line(l->scenario, mark.line);
    hp_diags_add(l->diags, HP_SEVERITY_WARNING, mark, line, hint, "%s", message);
}

/* As it would be written in a scenario: "20s", not "20.000s". */
static const char *span(hp_time t, char buf[static HP_TIME_TEXT])
{
    g_autofree char *text = hp_unit_format(HP_UNIT_TIME, (int64_t)MIN(t, INT64_MAX));
    g_strlcpy(buf, text, HP_TIME_TEXT);
    return buf;
}

bool hp_lint_is_named(char **names, const char *name)
{
    return names != NULL && g_strv_contains((const char *const *)names, name);
}

/* ---- what is there for nothing ---- */

static bool uses_server(const hp_plan_peer *peer, const char *name)
{
    return g_strcmp0(peer->source->ice.stun, name) == 0 || hp_lint_is_named(peer->source->ice.turn, name);
}

static void server_without_clients(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_servers; i++) {
        const hp_sc_server *server = l->plan->servers[i].source;
        bool used = server->config.kind == HP_SERVER_DNS || /* lint_names.c */
                    server->config.kind == HP_SERVER_WEB || server->config.kind == HP_SERVER_OTHER;
        for (unsigned j = 0; j < l->plan->n_peers; j++) {
            used = used || uses_server(&l->plan->peers[j], server->name);
        }
        for (unsigned j = 0; j < l->plan->n_peers; j++) {
            used = used || hp_lint_speaks_of(l->plan->peers[j].source, server->name);
        }
        for (unsigned j = 0; j < l->plan->n_servers; j++) {
            used = used || (j != i && g_strcmp0(l->plan->servers[j].config.redirect, server->name) == 0);
        }
        if (!used) {
            hp_lint_warn(l, server->mark, "name it in a peer's `ice: {stun, turn}`", "nobody uses server `%s`",
                         server->name);
        }
    }
}

bool hp_lint_is_inhabited(const hp_plan *plan, unsigned zone)
{
    for (unsigned i = 0; i < plan->n_peers; i++) {
        for (unsigned j = 0; j < plan->peers[i].n_interfaces; j++) {
            if (plan->peers[i].interfaces[j].zone == zone) {
                return true;
            }
        }
    }
    for (unsigned i = 0; i < plan->n_servers; i++) {
        if (plan->servers[i].attachment.zone == zone) {
            return true;
        }
    }
    for (unsigned i = 0; i < plan->n_nats; i++) {
        if (plan->nats[i].outside.zone == zone) {
            return true;
        }
    }
    for (unsigned i = 0; i < plan->n_firewalls; i++) {
        if (plan->firewalls[i].outside.zone == zone) {
            return true;
        }
    }
    return false;
}

static void nat_with_nobody_behind(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_nats; i++) {
        if (!hp_lint_is_inhabited(l->plan, l->plan->nats[i].inside_zone)) {
            const hp_sc_nat *nat = l->plan->nats[i].source;
            hp_lint_warn(l, nat->mark, "put a peer there: `behind`", "nobody is behind NAT `%s`", nat->name);
        }
    }
}

static void lan_with_nobody_on_it(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_lans; i++) {
        const hp_sc_lan *lan = &l->scenario->lans[i];
        int zone = hp_plan_find_zone(l->plan, lan->name);
        if (zone >= 0 && !hp_lint_is_inhabited(l->plan, (unsigned)zone)) {
            hp_lint_warn(l, lan->mark, "put a peer there: `behind`", "nobody is on LAN `%s`", lan->name);
        }
    }
}

static bool has_step(const hp_lint *l, hp_step_kind kind)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        if (l->scenario->steps[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static bool has_broadcast(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        if (l->scenario->steps[i].kind == HP_STEP_CALL && l->scenario->steps[i].call.broadcast) {
            return true;
        }
    }
    return false;
}

bool hp_lint_is_called(const hp_lint *l, unsigned n, const char *a, const char *b, hp_lint_call fits)
{
    for (unsigned i = 0; i < n; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind != HP_STEP_CALL || (fits != NULL && !fits(&step->call.config))) {
            continue;
        }
        bool from_a = a == NULL || strcmp(step->call.from, a) == 0;
        bool from_b = b == NULL || strcmp(step->call.from, b) == 0;
        bool to_a = a == NULL || hp_lint_is_named(step->call.to, a);
        bool to_b = b == NULL || hp_lint_is_named(step->call.to, b);
        if (step->call.broadcast || (from_a && to_b) || (from_b && to_a)) {
            return true;
        }
    }
    return false;
}

static void peer_in_no_call(const hp_lint *l)
{
    if (!has_step(l, HP_STEP_CALL) || has_broadcast(l) || hp_lint_raw_signals(l)) {
        return;
    }
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_sc_peer *peer = l->plan->peers[i].source;
        if (!peer->is_raw && !hp_lint_is_called(l, l->scenario->n_steps, peer->name, NULL, NULL)) {
            hp_lint_warn(l, peer->mark, NULL, "peer `%s` is in no call", peer->name);
        }
    }
}

static void relay_only_without_relay(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_sc_peer *peer = l->plan->peers[i].source;
        if (peer->ice.force_relay && l->plan->peers[i].n_turn == 0) {
            hp_lint_warn(l, peer->mark, "name a server: `ice: {turn}`",
                         "peer `%s` wants only relayed candidates, but has no TURN server", peer->name);
        }
    }
}

static void nothing_happens(const hp_lint *l)
{
    const hp_mark whole = {.file = l->scenario->file};
    if (!hp_lint_has_script(l) && l->scenario->n_steps == 0) {
        hp_lint_warn(l, whole, "begin with `steps: [call: {from, to}]`", "nothing happens: there are no steps");
    }
}

static void nothing_expected(const hp_lint *l)
{
    const hp_mark whole = {.file = l->scenario->file};
    if (l->scenario->n_expects == 0) {
        hp_lint_warn(l, whole, "begin with `expect: [connected]`", "nothing is expected: the run always passes");
    }
}

/* ---- steps ---- */

static void step_beyond_the_end(const hp_lint *l)
{
    char text[HP_TIME_TEXT], end[HP_TIME_TEXT];

    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        if (l->earliest[i] >= l->scenario->until) {
            const hp_step *step = &l->scenario->steps[i];
            hp_lint_warn(l, step->mark, NULL, "step `%s` is never reached: not before %s, and the run ends at %s",
                         hp_step_label(step), span(l->earliest[i], text), span(l->scenario->until, end));
            return; /* nor is any step after it */
        }
    }
}

static void step_late_for_its_time(const hp_lint *l)
{
    char text[HP_TIME_TEXT], late[HP_TIME_TEXT];

    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->has_at && l->earliest[i] > step->at) {
            hp_lint_warn(l, step->mark, "steps are carried out in the order of the list",
                         "step `%s` is for %s, but not carried out before %s", hp_step_label(step),
                         span(step->at, text), span(l->earliest[i], late));
        }
    }
}

static void send_without_call(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind == HP_STEP_SEND && !hp_lint_is_called(l, i, step->send.from, step->send.to, NULL)) {
            hp_lint_warn(l, step->mark, "put a `call` before it", "no call joins `%s` and `%s` before this step",
                         step->send.from, step->send.to);
        }
    }
}

static void session_step_without_call(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if ((step->kind == HP_STEP_ICE_RESTART || step->kind == HP_STEP_CLOSE) && !hp_lint_raw_signals(l) &&
            !hp_lint_is_called(l, i, step->session.peer, step->session.with, NULL)) {
            hp_lint_warn(l, step->mark, "put a `call` before it", "`%s` has no session at this step",
                         step->session.peer);
        }
    }
}

static void wait_for_state_without_call(const hp_lint *l)
{
    bool called = hp_lint_raw_signals(l);

    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        called = called || step->kind == HP_STEP_CALL;
        if (step->kind == HP_STEP_WAIT_FOR && step->wait_for.state != NULL && !called) {
            hp_lint_warn(l, step->mark, "put a `call` before it", "no session exists at this step, so none gets `%s`",
                         step->wait_for.state);
        }
    }
}

/* ---- expectations ---- */

static void connection_without_call(const hp_lint *l)
{
    if (has_step(l, HP_STEP_CALL) || hp_lint_raw_signals(l)) {
        return;
    }
    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        if (e->kind == HP_EXPECT_CONNECTED || e->kind == HP_EXPECT_NOT_CONNECTED || e->kind == HP_EXPECT_PAIR ||
            e->kind == HP_EXPECT_STATE || e->kind == HP_EXPECT_CANDIDATES || e->kind == HP_EXPECT_CONSENT) {
            hp_lint_warn(l, e->mark, "add a step `call`", "`%s` is about calls, and no step makes one",
                         hp_expect_name(e->kind));
        }
    }
}

bool hp_lint_has_flow(const hp_lint *l, unsigned n, const char *from, const char *to, const char *channel)
{
    for (unsigned i = 0; i < n; i++) {
        const hp_step *step = &l->scenario->steps[i];
        if (step->kind != HP_STEP_SEND || (channel != NULL && g_strcmp0(step->send.channel.label, channel) != 0)) {
            continue;
        }
        bool there =
            (from == NULL || strcmp(from, step->send.from) == 0) && (to == NULL || strcmp(to, step->send.to) == 0);
        bool back =
            (from == NULL || strcmp(from, step->send.to) == 0) && (to == NULL || strcmp(to, step->send.from) == 0);
        if (there || (step->send.both && back)) {
            return true;
        }
    }
    return false;
}

static void traffic_without_send(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        if ((e->kind == HP_EXPECT_DELIVERY || e->kind == HP_EXPECT_LATENCY) &&
            !hp_lint_has_flow(l, l->scenario->n_steps, e->delivery.from, e->delivery.to, e->delivery.channel)) {
            hp_lint_warn(l, e->mark, "add a step `send`", "`%s`: no step sends anything%s%s%s%s%s%s",
                         hp_expect_name(e->kind), e->delivery.from != NULL ? " from " : "",
                         e->delivery.from != NULL ? e->delivery.from : "", e->delivery.to != NULL ? " to " : "",
                         e->delivery.to != NULL ? e->delivery.to : "",
                         e->delivery.channel != NULL ? " over data channel " : "",
                         e->delivery.channel != NULL ? e->delivery.channel : "");
        }
    }
}

static void recovery_of_nothing(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        int step = e->kind == HP_EXPECT_RECOVERED ? hp_plan_find_step(l->plan, e->recovered.step) : -1;
        if (step >= 0 && !hp_lint_has_flow(l, (unsigned)step, e->recovered.from, e->recovered.to, NULL) &&
            !hp_lint_is_called(l, (unsigned)step, e->recovered.from, e->recovered.to, hp_lint_has_track)) {
            hp_lint_warn(l, e->mark, "put a `send`, or a call with `media`, before that step",
                         "no flow is running when step `%s` is carried out", e->recovered.step);
        }
    }
}

static void within_beyond_the_end(const hp_lint *l)
{
    char text[HP_TIME_TEXT], end[HP_TIME_TEXT];

    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        hp_time within = e->kind == HP_EXPECT_CONNECTED && e->connected.has_within ? e->connected.within
                         : e->kind == HP_EXPECT_STATE && e->state.has_within       ? e->state.within
                         : e->kind == HP_EXPECT_CONSENT && e->consent.has_within   ? e->consent.within
                         : e->kind == HP_EXPECT_DTLS && e->dtls.has_within         ? e->dtls.within
                         : e->kind == HP_EXPECT_RECOVERED                          ? e->recovered.within
                                                                                   : 0;
        int step = e->kind == HP_EXPECT_RECOVERED ? hp_plan_find_step(l->plan, e->recovered.step) : -1;
        hp_time last = hp_time_add(within, step >= 0 ? l->earliest[step] : 0);
        if (last > l->scenario->until) {
            hp_lint_warn(l, e->mark, "raise `until`", "`%s` may take until %s, but the run ends at %s",
                         hp_expect_name(e->kind), span(last, text), span(l->scenario->until, end));
        }
    }
}

static hp_time edge(const hp_lint *l, hp_time time, const char *step_name)
{
    int step = step_name == NULL ? -1 : hp_plan_find_step(l->plan, step_name);
    return step >= 0 && l->scenario->steps[step].has_at ? l->scenario->steps[step].at : time;
}

static void empty_window(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        const hp_sc_window *w = &e->window;
        if (edge(l, w->after, w->after_step) >= MIN(edge(l, w->before, w->before_step), l->scenario->until)) {
            hp_lint_warn(l, e->mark, NULL, "`%s` looks at a window in which there is no time", hp_expect_name(e->kind));
        }
    }
}

static const hp_plan_peer *peer_called(const hp_lint *l, const char *name)
{
    int i = hp_plan_find_peer(l->plan, name);
    return i < 0 ? NULL : &l->plan->peers[i];
}

/* Whether none of the candidate types ("srflx|prflx") can be had by this peer. */
static bool cannot_have(const hp_plan_peer *peer, const char *types)
{
    g_auto(GStrv) list = g_strsplit(types, "|", -1);
    for (char **type = list; *type != NULL; type++) {
        bool relay = strcmp(*type, "relay") == 0, srflx = strcmp(*type, "srflx") == 0;
        bool mapped = peer->source->ice.port_mapping != HP_PORT_MAPPING_NONE;
        if (relay ? peer->n_turn > 0 : !srflx || peer->stun >= 0 || peer->n_turn > 0 || mapped) {
            return false;
        }
    }
    return true;
}

static void candidate_without_server(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        for (unsigned j = 0; e->kind == HP_EXPECT_PAIR && j < e->pair.n; j++) {
            const hp_plan_peer *peer = peer_called(l, e->pair.peers[j]);
            if (peer != NULL && cannot_have(peer, e->pair.types[j])) {
                hp_lint_warn(l, e->mark, "name a server in its `ice`",
                             "peer `%s` has no server to get a candidate of type %s from", e->pair.peers[j],
                             e->pair.types[j]);
            }
        }
        if (e->kind != HP_EXPECT_CANDIDATES || e->candidates.remote || hp_compare_holds(&e->candidates.count, 0)) {
            continue;
        }
        const hp_plan_peer *peer = peer_called(l, e->candidates.peer);
        if (peer != NULL && e->candidates.server != NULL && !uses_server(peer, e->candidates.server)) {
            hp_lint_warn(l, e->mark, "name it in its `ice`", "peer `%s` does not use server `%s`", e->candidates.peer,
                         e->candidates.server);
        } else if (peer != NULL && e->candidates.type != NULL && cannot_have(peer, e->candidates.type)) {
            hp_lint_warn(l, e->mark, "name a server in its `ice`",
                         "peer `%s` has no server to get a candidate of type %s from", e->candidates.peer,
                         e->candidates.type);
        }
    }
}

static void relay_of_unused_server(const hp_lint *l)
{
    for (unsigned i = 0; i < l->scenario->n_expects; i++) {
        const hp_expect *e = &l->scenario->expects[i];
        bool used = e->kind != HP_EXPECT_RELAYED;
        for (unsigned j = 0; j < l->plan->n_peers && !used; j++) {
            const hp_plan_peer *peer = &l->plan->peers[j];
            used = e->relayed.at == NULL ? peer->n_turn > 0 || peer->source->is_raw
                                         : hp_lint_is_named(peer->source->ice.turn, e->relayed.at) ||
                                               hp_lint_speaks_of(peer->source, e->relayed.at);
        }
        /* A redirect leads clients to servers that they were not told of. */
        for (unsigned j = 0; j < l->plan->n_servers && !used; j++) {
            used = g_strcmp0(l->plan->servers[j].config.redirect, e->relayed.at) == 0 && e->relayed.at != NULL;
        }
        if (!used) {
            hp_lint_warn(l, e->mark, "name it in a peer's `ice: {turn}`", "no peer uses %s%s",
                         e->relayed.at == NULL ? "a TURN server" : "TURN server ",
                         e->relayed.at == NULL ? "" : e->relayed.at);
        }
    }
}

static void (*const rules[])(const hp_lint *l) = {
    server_without_clients,
    nat_with_nobody_behind,
    lan_with_nobody_on_it,
    peer_in_no_call,
    relay_only_without_relay,
    nothing_happens,
    nothing_expected,
    step_beyond_the_end,
    step_late_for_its_time,
    send_without_call,
    session_step_without_call,
    wait_for_state_without_call,
    connection_without_call,
    traffic_without_send,
    recovery_of_nothing,
    within_beyond_the_end,
    empty_window,
    candidate_without_server,
    relay_of_unused_server,
    hp_lint_media,
    hp_lint_names,
    hp_lint_rules,
    hp_lint_raw,
    hp_lint_port_mapping,
};

/* A step is not carried out before its own time, nor before the step before it is done. */
static void find_earliest(hp_lint *l)
{
    hp_time now = 0;

    for (unsigned i = 0; i < l->scenario->n_steps; i++) {
        const hp_step *step = &l->scenario->steps[i];
        now = step->has_at ? MAX(now, step->at) : now;
        l->earliest[i] = now;
        if (step->kind == HP_STEP_WAIT) {
            now = hp_time_add(now, step->wait);
        } else if (step->kind == HP_STEP_SEND && step->send.wait && step->send.count == 0) {
            now = hp_time_add(now, step->send.for_ns);
        }
    }
}

void hp_plan_lint(const hp_plan *plan, hp_diags *diags)
{
    g_autofree hp_time *earliest = g_new0(hp_time, MAX(plan->scenario->n_steps, 1));
    hp_lint l = {plan, plan->scenario, diags, earliest};

    find_earliest(&l);
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        rules[i](&l);
    }
}
