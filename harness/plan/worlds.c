/* Theory of operation.
 *
 * A plan runs in both worlds unless something in it says otherwise: what is a program of its own (a browser, coturn,
 * the user's) or a kernel is in the live world alone, and `worlds` may say that a scenario is for one of them. When
 * `worlds` asks for a world that cannot be, that is an error, and so is a step that a foreign program cannot take:
 * such a program is told what is in programs/EXEC.md, and nothing else. So is an expectation on flows with such an end,
 * which could never be known. The files that a scenario names must be there;
 * whether a program of the system is installed is known when it is started, and not before. */
#include "plan/worlds.h"

#include <string.h>

const char *hp_plan_peer_program(const hp_plan_peer *peer)
{
    return peer->source->is_raw ? "raw" : hp_peer_program_name(peer->source->program.program);
}

const char *hp_plan_server_program(const hp_plan_server *server)
{
    return server->source->config.kind == HP_SERVER_WEB ? "web"
                                                        : hp_server_program_name(server->source->program.program);
}

bool hp_plan_is_foreign(const hp_plan_peer *peer)
{
    return !peer->source->is_raw && peer->source->program.program != HP_PEER_LIBNICE;
}

char *hp_plan_path(const hp_plan *plan, const char *path)
{
    if (g_path_is_absolute(path)) {
        return g_strdup(path);
    }
    g_autofree char *folder = g_path_get_dirname(plan->scenario->file);
    return g_build_filename(folder, path, NULL);
}

/* ---- worlds ---- */

/* Why the virtual world cannot run it; NULL: it can. */
static char *find_live_only(const hp_plan *plan)
{
    for (unsigned i = 0; i < plan->n_peers; i++) {
        if (hp_plan_is_foreign(&plan->peers[i])) {
            return g_strdup_printf("peer `%s` is program %s, which is in the live world alone",
                                   plan->peers[i].source->name, hp_plan_peer_program(&plan->peers[i]));
        }
    }
    for (unsigned i = 0; i < plan->n_servers; i++) {
        const hp_sc_server *server = plan->servers[i].source;
        if (server->config.kind == HP_SERVER_WEB) {
            return g_strdup_printf("server `%s` is a web server, which is in the live world alone", server->name);
        }
        if (server->program.program != HP_SERVER_BUILTIN) {
            return g_strdup_printf("server `%s` is program %s, which is in the live world alone", server->name,
                                   hp_plan_server_program(&plan->servers[i]));
        }
    }
    for (unsigned i = 0; i < plan->n_nats; i++) {
        if (plan->nats[i].source->kernel != HP_KERNEL_NAT_NONE) {
            return g_strdup_printf("NAT `%s` is a kernel's, which is in the live world alone",
                                   plan->nats[i].source->name);
        }
    }
    return NULL;
}

static char *reason(const hp_scenario *s, const char *world)
{
    return s->worlds_why ? g_strdup_printf("the scenario is for the %s world: %s", world, s->worlds_why)
                         : g_strdup_printf("the scenario is for the %s world", world);
}

static void choose_worlds(hp_plan_builder *b)
{
    hp_plan *plan = b->plan;
    const hp_scenario *s = b->scenario;
    g_autofree char *live_only = find_live_only(plan);

    plan->worlds = s->worlds != 0 ? s->worlds : live_only != NULL ? HP_WORLD_LIVE : HP_WORLDS_BOTH;
    if (live_only != NULL && (plan->worlds & HP_WORLD_VIRTUAL) != 0) {
        hp_plan_complain(b, s->worlds_mark, "say `worlds: live`, or nothing", "the virtual world cannot run this: %s",
                         live_only);
    }
    if ((plan->worlds & HP_WORLD_VIRTUAL) == 0) {
        plan->no_virtual = hp_plan_own(plan, live_only != NULL ? g_steal_pointer(&live_only) : reason(s, "live"));
    }
    if ((plan->worlds & HP_WORLD_LIVE) == 0) {
        plan->no_live = hp_plan_own(plan, reason(s, "virtual"));
    }
}

/* ---- steps ---- */

/* Whether a foreign program can be told of such a step: what the protocol has a word for. A browser can be told to hold, by
 * our own page. */
static bool can_take(hp_peer_program program, hp_step_kind kind)
{
    switch (kind) {
    case HP_STEP_HOLD:
        return program == HP_PEER_CHROMIUM;
    case HP_STEP_SET_MEDIA:
    case HP_STEP_MAP_PORT:
    case HP_STEP_UNMAP_PORT:
        return false;
    case HP_STEP_CALL:
    case HP_STEP_SEND:
    case HP_STEP_WAIT_FOR:
    case HP_STEP_WAIT:
    case HP_STEP_REBOOT:
    case HP_STEP_RENUMBER:
    case HP_STEP_REBIND:
    case HP_STEP_SET_NAT:
    case HP_STEP_SET_LINK:
    case HP_STEP_INTERFACE:
    case HP_STEP_ICE_RESTART:
    case HP_STEP_CLOSE:
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
    return true;
}

/* The peer that must do something in that step, or NULL. */
static const char *taker(const hp_step *step)
{
    switch ((int)step->kind) {
    case HP_STEP_HOLD:
        return step->hold.peer;
    case HP_STEP_SET_MEDIA:
        return step->set_media.peer;
    case HP_STEP_MAP_PORT:
    case HP_STEP_UNMAP_PORT:
        return step->map_port.peer;
    default:
        return NULL;
    }
}

/* A kernel can forget everything, and have other addresses. */
static void check_kernel_nat(hp_plan_builder *b, const hp_step *step)
{
    if (step->kind != HP_STEP_REBIND && step->kind != HP_STEP_SET_NAT) {
        return;
    }
    int nat = hp_plan_find_nat(b->plan, step->nat.nat);
    if (nat >= 0 && b->plan->nats[nat].source->kernel != HP_KERNEL_NAT_NONE) {
        hp_plan_complain(b, step->mark, "`reboot` and `renumber` it can be told",
                         "NAT `%s` is a kernel's, which cannot "
                         "be told to `%s`",
                         step->nat.nat, hp_step_name(step));
    }
}

/* The foreign peer of that name; NULL: it is none. */
static const hp_plan_peer *foreign(const hp_plan *plan, const char *name)
{
    int i = name != NULL ? hp_plan_find_peer(plan, name) : -1;
    return i >= 0 && hp_plan_is_foreign(&plan->peers[i]) ? &plan->peers[i] : NULL;
}

/* Foreign peers have no sessions but those of WebRTC. */
static void check_call(hp_plan_builder *b, const hp_step *step)
{
    const hp_plan_peer *peer = foreign(b->plan, step->call.from);
    for (char **to = step->call.to; peer == NULL && to != NULL && *to != NULL; to++) {
        peer = foreign(b->plan, *to);
    }
    if (peer != NULL && !hp_call_has_media(&step->call.config)) {
        hp_plan_complain(b, step->mark, "add `media: [audio]` or `data: true`",
                         "peer `%s` is program %s, whose calls have media or data channels", peer->source->name,
                         hp_plan_peer_program(peer));
    }
}

static void check_send(hp_plan_builder *b, const hp_step *step)
{
    const hp_plan_peer *from = foreign(b->plan, step->send.from), *peer = from;
    if (peer == NULL) {
        peer = foreign(b->plan, step->send.to);
    }
    if (peer != NULL && step->send.channel.label == NULL) {
        hp_plan_complain(b, step->mark, "add `channel: {label: data}`",
                         "peer `%s` is program %s, which sends over data channels alone", peer->source->name,
                         hp_plan_peer_program(peer));
    }
}

/* A send of that kind is among those that an expectation selects, one way or the other. */
static bool is_selected(const hp_step *step, const char *from, const char *to, const char *channel)
{
    if (step->kind != HP_STEP_SEND || (channel != NULL && g_strcmp0(step->send.channel.label, channel) != 0)) {
        return false;
    }
    bool there = (from == NULL || strcmp(from, step->send.from) == 0) && (to == NULL || strcmp(to, step->send.to) == 0);
    bool back = (from == NULL || strcmp(from, step->send.to) == 0) && (to == NULL || strcmp(to, step->send.from) == 0);
    return there || (step->send.both && back);
}

/* Our own peers number and time what they send each other; a foreign end neither sends nor reads such datagrams. */
static void check_flow(hp_plan_builder *b, const hp_expect *e, const char *from, const char *to, const char *channel)
{
    for (unsigned i = 0; i < b->scenario->n_steps; i++) {
        const hp_step *step = &b->scenario->steps[i];
        if (!is_selected(step, from, to, channel)) {
            continue;
        }
        const hp_plan_peer *peer = foreign(b->plan, step->send.from);
        peer = peer != NULL ? peer : foreign(b->plan, step->send.to);
        if (peer != NULL) {
            hp_plan_complain(b, e->mark, "`event: {event: channel-message, of: PEER, count: N}` tells what has arrived",
                             "`%s`: peer `%s` is program %s, and what becomes of messages to or from it is not known",
                             hp_expect_name(e->kind), peer->source->name, hp_plan_peer_program(peer));
            return;
        }
    }
}

static void check_expects(hp_plan_builder *b)
{
    for (unsigned i = 0; i < b->scenario->n_expects; i++) {
        const hp_expect *e = &b->scenario->expects[i];
        if (e->kind == HP_EXPECT_DELIVERY) {
            check_flow(b, e, e->delivery.from, e->delivery.to, e->delivery.channel);
        } else if (e->kind == HP_EXPECT_LATENCY) {
            check_flow(b, e, e->latency.from, e->latency.to, e->latency.channel);
        }
    }
}

static void check_steps(hp_plan_builder *b)
{
    for (unsigned i = 0; i < b->scenario->n_steps; i++) {
        const hp_step *step = &b->scenario->steps[i];
        check_kernel_nat(b, step);
        if (step->kind == HP_STEP_CALL) {
            check_call(b, step);
        } else if (step->kind == HP_STEP_SEND) {
            check_send(b, step);
        }
        const hp_plan_peer *who = foreign(b->plan, taker(step));
        if (who != NULL && !can_take(who->source->program.program, step->kind)) {
            hp_plan_complain(b, step->mark, NULL, "peer `%s` is program %s, which cannot be told to `%s`",
                             who->source->name, hp_plan_peer_program(who), hp_step_name(step));
        }
    }
}

/* ---- files ---- */

static void check_file(hp_plan_builder *b, hp_mark mark, const char *key, const char *path, GFileTest test,
                       const char *what)
{
    g_autofree char *full = hp_plan_path(b->plan, path);
    if (!g_file_test(full, test)) {
        hp_plan_complain(b, mark, "the path is relative to the scenario's folder", "`%s`: %s is no %s", key, full,
                         what);
    }
}

/* A program with a slash in its name is a file; another one is looked for when it is started. */
static void check_exec(hp_plan_builder *b, hp_mark mark, char **exec)
{
    if (exec != NULL && strchr(exec[0], '/') != NULL) {
        check_file(b, mark, "exec", exec[0], G_FILE_TEST_IS_EXECUTABLE, "program");
    }
}

static void check_files(hp_plan_builder *b)
{
    for (unsigned i = 0; i < b->plan->n_peers; i++) {
        const hp_sc_peer *peer = b->plan->peers[i].source;
        check_exec(b, peer->mark, peer->program.exec);
        if (peer->program.page != NULL && strstr(peer->program.page, "://") == NULL) {
            check_file(b, peer->mark, "page", peer->program.page, G_FILE_TEST_IS_REGULAR, "file");
        }
    }
    for (unsigned i = 0; i < b->plan->n_servers; i++) {
        const hp_sc_server *server = b->plan->servers[i].source;
        check_exec(b, server->mark, server->program.exec);
        if (server->program.root != NULL) {
            check_file(b, server->mark, "root", server->program.root, G_FILE_TEST_IS_DIR, "folder");
        }
    }
}

void hp_plan_find_worlds(hp_plan_builder *b)
{
    choose_worlds(b);
    check_steps(b);
    check_expects(b);
    check_files(b);
}
