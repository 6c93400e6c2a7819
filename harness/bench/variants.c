/* One call, several ways: the same scenario, seed for seed, but for what its agents may use.
 *
 * Built-in calls are written as scenarios and go through the loader and the planner like any other; so a bench says
 * nothing that a user could not look at with `hairpin run`. The broker takes no time: what is compared is ICE and the path.
 * Random streams belong to elements by name, and the elements are the same in all variants, so that a link has the same
 * luck with its nth packet whichever way the call goes.
 *
 * A file of the user's own is loaded and then bent: TURN taken away from every agent, or made all that it may use. Its
 * steps, its network and its servers stay. Expectations are dropped, as a call that is sent another way than it was
 * written for would fail them, and an expectation that is decided may end a run early. */
#include "bench/variants.h"

#include <assert.h>
#include <string.h>

#include "base/compare.h"
#include "base/error.h"

static const char *const way_names[] = {"direct", "turn-udp", "turn-tcp", "turn-tls"};
static_assert(G_N_ELEMENTS(way_names) == HP_BENCH_WAY_N, "a name for each way");

const char *hp_bench_way_name(hp_bench_way way)
{
    return way_names[way];
}

/* ---- built-in calls ---- */

static const char *ice_of(hp_bench_way way)
{
    switch (way) {
    case HP_BENCH_DIRECT:
        return "{stun: turn}";
    case HP_BENCH_TURN_UDP:
        return "{stun: turn, turn: turn, turn-transports: udp, force-relay: true}";
    case HP_BENCH_TURN_TCP:
        return "{stun: turn, turn: turn, turn-transports: tcp, force-relay: true}";
    case HP_BENCH_TURN_TLS:
        return "{stun: turn, turn: turn, turn-transports: tls, force-relay: true}";
    case HP_BENCH_WAY_N:
        break;
    }
    g_return_val_if_reached("{}");
}

static char *link_text(const hp_bench_network *n, bool bottleneck)
{
    g_autofree char *loss = hp_unit_format(HP_UNIT_RATIO, n->loss_ppb);
    g_autofree char *rate =
        bottleneck ? g_strdup_printf(", rate: %" G_GUINT64_FORMAT "bit/s, queue: 25", n->rate) : g_strdup("");
    return g_strdup_printf("{delay: %" G_GUINT64_FORMAT "ns, jitter: %" G_GUINT64_FORMAT "ns, loss: %s%s}", n->link,
                           n->jitter, loss, rate);
}

static GString *begin(const hp_bench_network *n, hp_bench_way way, unsigned n_calls, bool bottleneck)
{
    g_autofree char *plain = link_text(n, false), *up = link_text(n, bottleneck);
    GString *out = g_string_new(NULL);
    g_string_append_printf(out,
                           "signaling: {addressed: true, delay: 0}\n"
                           "network:\n"
                           "  internet: {delay: 0}\n"
                           "  nats:\n"
                           "    home: {preset: port-restricted-cone, lan: {delay: 0}, link: {up: %s, down: %s}}\n"
                           "    office: {preset: port-restricted-cone, lan: {delay: 0}, link: {up: %s, down: %s}}\n"
                           "servers:\n"
                           "  turn: {kind: turn, transports: [udp, tcp, tls]%s%s, link: {up: %s, down: %s}}\n"
                           "defaults: {ice: %s}\n"
                           "peers:\n",
                           up, plain, plain, plain, n->server ? ", program: " : "", n->server ? n->server : "", plain,
                           plain, ice_of(way));
    for (unsigned i = 0; i < n_calls; i++)
        g_string_append_printf(out, "  a%u: {behind: home}\n  b%u: {behind: office}\n", i, i);
    g_string_append(out, "steps:\n");
    return out;
}

char *hp_bench_calls_text(const hp_bench_network *network, hp_bench_way way, unsigned n, hp_time duration)
{
    /* For what TCP is sending again when the media stops. */
    const hp_time drain = network->drain > 0 ? network->drain : 2 * HP_S;
    GString *out = begin(network, way, n, false);
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(out, "  - call: {from: a%u, to: b%u, media: audio}\n", i, i);
    for (unsigned i = 0; i < n; i++)
        g_string_append_printf(out, "  - {at: %" G_GUINT64_FORMAT "ns, hold: a%u}\n", duration, i);
    g_string_append_printf(out, "until: %" G_GUINT64_FORMAT "ns\n", duration + drain);
    return g_string_free(out, FALSE);
}

char *hp_bench_speech_text(const hp_bench_network *network, hp_bench_way way, hp_time speech)
{
    const hp_time patience = 10 * HP_S;
    GString *out = begin(network, way, 1, false);
    g_string_append_printf(out,
                           "  - call: {from: a0, to: b0, media: audio}\n"
                           "  - wait-for: {event: media-first, of: b0, timeout: %" G_GUINT64_FORMAT "ns}\n"
                           "  - wait: %" G_GUINT64_FORMAT "ns\n"
                           "expect: [connected]\n" /* decided long before, so that the steps' end is the run's */
                           "until: %" G_GUINT64_FORMAT "ns\n",
                           patience, speech, 2 * patience + speech);
    return g_string_free(out, FALSE);
}

char *hp_bench_load_text(const hp_bench_network *network, hp_bench_way way, unsigned size, hp_time interval,
                         hp_time duration)
{
    const hp_time patience = 10 * HP_S, drain = 2 * HP_S;
    GString *out = begin(network, way, 1, true);
    g_string_append_printf(out,
                           "  - call: {from: a0, to: b0}\n"
                           "  - wait-for: {state: ready, timeout: %" G_GUINT64_FORMAT "ns}\n"
                           "  - wait: 1s\n" /* channels are bound by then */
                           "  - send: {from: a0, to: b0, both: false, size: %u, interval: %" G_GUINT64_FORMAT
                           "ns, for: %" G_GUINT64_FORMAT "ns}\n"
                           "until: %" G_GUINT64_FORMAT "ns\n",
                           patience, size, interval, duration, patience + HP_S + duration + drain);
    return g_string_free(out, FALSE);
}

/* ---- cases ---- */

void hp_bench_cases_clear(hp_bench_cases *cases)
{
    g_clear_pointer(&cases->plans, g_ptr_array_unref);
    g_clear_pointer(&cases->scenarios, g_ptr_array_unref);
}

static bool fail(const char *name, const hp_diags *diags, GError **error)
{
    g_autofree char *text = hp_diags_format(diags);
    g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s cannot be run:\n%s", name, g_strchomp(text));
    return false;
}

static bool plan_seeds(hp_bench_cases *cases, const char *name, unsigned first, unsigned n_seeds, hp_diags *diags,
                       GError **error)
{
    cases->plans = g_ptr_array_new_with_free_func((GDestroyNotify)hp_plan_free);
    for (unsigned seed = first; seed < first + n_seeds; seed++) {
        g_autofree char *case_name = g_strdup_printf("%s[seed=%u]", name, seed);
        hp_plan *plan = hp_plan_new(cases->scenarios->pdata[0], case_name, seed, diags);
        if (!plan)
            return fail(name, diags, error);
        g_ptr_array_add(cases->plans, plan);
    }
    return true;
}

bool hp_bench_cases_of_text(const char *text, const char *name, unsigned first, unsigned n_seeds, hp_bench_cases *ret,
                            GError **error)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_auto(hp_bench_cases) cases = {.scenarios = hp_scenario_parse(name, text, strlen(text), diags)};
    if (!cases.scenarios)
        return fail(name, diags, error);
    if (!plan_seeds(&cases, name, first, n_seeds, diags, error))
        return false;
    *ret = cases;
    cases = (hp_bench_cases){0};
    return true;
}

/* ---- a file of the user's ---- */

static bool has_call(const hp_scenario *scenario)
{
    for (unsigned i = 0; i < scenario->n_steps; i++)
        if (scenario->steps[i].kind == HP_STEP_CALL)
            return true;
    return false;
}

/* Whether any agent goes by a relay now. */
static bool bend(hp_scenario *scenario, hp_bench_way way)
{
    bool any = false;
    for (unsigned i = 0; i < scenario->n_peers; i++) {
        hp_ice_config *ice = &scenario->peers[i].ice;
        bool has_turn = ice->turn && ice->turn[0];
        ice->force_relay = way != HP_BENCH_DIRECT && has_turn;
        if (way == HP_BENCH_DIRECT)
            ice->turn = NULL; /* the strings are the scenario's arena's */
        any |= ice->force_relay;
    }
    scenario->n_expects = 0;
    scenario->known_bug = NULL;
    return any;
}

bool hp_bench_cases_of_file(const char *path, hp_bench_way way, unsigned n_seeds, hp_bench_cases *ret, GError **error)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_auto(hp_bench_cases) cases = {.scenarios = hp_scenario_load(path, diags)};
    if (!cases.scenarios)
        return fail(path, diags, error);
    if (cases.scenarios->len != 1) {
        g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO,
                    "%s has a matrix of %u cases; a bench takes one: leave the matrix out", path, cases.scenarios->len);
        return false;
    }
    hp_scenario *scenario = cases.scenarios->pdata[0];
    if (!has_call(scenario)) {
        g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s has no call", path);
        return false;
    }
    if (!bend(scenario, way) && way != HP_BENCH_DIRECT) {
        g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO,
                    "%s: no peer has a TURN server (`ice: {turn: NAME}`), so that there is nothing to compare with",
                    path);
        return false;
    }
    g_autofree char *name = g_strdup_printf("%s %s", scenario->name, way == HP_BENCH_DIRECT ? "direct" : "relay");
    if (!plan_seeds(&cases, name, 1, n_seeds, diags, error))
        return false;
    *ret = cases;
    cases = (hp_bench_cases){0};
    return true;
}
