/* Theory of operation.
 *
 * Passes over one case of a scenario: zones come into being and everything is attached to one; they get networks, and
 * everything addresses (numbering.c); names become indices, names in DNS (names.c), recordings what they hold
 * (recordings.c); rules find their places (rules.c). That names exist and mean one thing the loader has checked; what
 * is found here is told with the mark of the element it is about, and a plan comes into being only when there was no
 * problem. */
#include "plan/plan.h"

#include <string.h>

#include "plan/names.h"
#include "plan/numbering.h"
#include "plan/places.h"
#include "plan/recordings.h"
#include "plan/rules.h"
#include "plan/transports.h"
#include "plan/worlds.h"

typedef struct plan_box {
    hp_plan plan; /* first: a hp_plan* is a plan_box* */
    GPtrArray *owned;
    char **places;
} plan_box;

void *hp_plan_own(hp_plan *plan, void *memory)
{
    g_ptr_array_add(((plan_box *)(void *)plan)->owned, memory);
    return memory;
}

bool hp_plan_is_told(const hp_diags *diags, hp_mark mark, const char *message)
{
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = diags->list->pdata[i];
        if (d->mark.line == mark.line && d->mark.column == mark.column && strcmp(d->message, message) == 0 &&
            g_strcmp0(d->mark.file, mark.file) == 0)
            return true;
    }
    return false;
}

void hp_plan_complain(hp_plan_builder *b, hp_mark mark, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    b->failed = true;
    if (hp_plan_is_told(b->diags, mark, message))
        return;
    g_autofree char *line = hp_scenario_source_line(b->scenario, mark.line);
    hp_diags_add(b->diags, HP_SEVERITY_ERROR, mark, line, hint, "%s", message);
}

/* ---- zones ---- */

static void make_zones(hp_plan_builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_zones = 1 + s->n_lans + s->n_nats + s->n_firewalls;
    plan->zones = HP_PLAN_OWN_ARRAY(plan, hp_plan_zone, plan->n_zones);
    plan->zones[0] = (hp_plan_zone){.name = "internet", .link = s->internet, .nat = -1, .firewall = -1};
    for (unsigned i = 0; i < s->n_lans; i++)
        plan->zones[1 + i] =
            (hp_plan_zone){.name = s->lans[i].name, .link = s->lans[i].link, .nat = -1, .firewall = -1};
    for (unsigned i = 0; i < s->n_nats; i++)
        plan->zones[1 + s->n_lans + i] =
            (hp_plan_zone){.name = s->nats[i].name, .link = s->nats[i].lan, .nat = (int)i, .firewall = -1};
    for (unsigned i = 0; i < s->n_firewalls; i++)
        plan->zones[1 + s->n_lans + s->n_nats + i] =
            (hp_plan_zone){.name = s->firewalls[i].name, .link = s->firewalls[i].lan, .nat = -1, .firewall = (int)i};
    b->attached = HP_PLAN_OWN_ARRAY(plan, unsigned, plan->n_zones);
    b->carrier = HP_PLAN_OWN_ARRAY(plan, bool, plan->n_zones);
}

/* The zone that a `behind:` names. The loader has seen to it that there is one. */
static unsigned zone_of(const hp_plan_builder *b, const char *behind)
{
    int zone = behind ? hp_plan_find_zone(b->plan, behind) : 0;
    g_assert(zone >= 0);
    return (unsigned)zone;
}

static unsigned inside_zone(const hp_plan_builder *b, unsigned nat)
{
    return 1 + b->scenario->n_lans + nat;
}

static void attach_nats(hp_plan_builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_nats = s->n_nats;
    plan->nats = HP_PLAN_OWN_ARRAY(plan, hp_plan_nat, s->n_nats);
    for (unsigned i = 0; i < s->n_nats; i++) {
        hp_plan_nat *nat = &plan->nats[i];
        nat->source = &s->nats[i];
        nat->inside_zone = inside_zone(b, i);
        nat->outside = (hp_plan_attachment){.zone = zone_of(b, s->nats[i].behind),
                                            .tap = hp_plan_own(plan, g_strdup_printf("%s/out", s->nats[i].name)),
                                            .link = s->nats[i].link};
        b->attached[nat->outside.zone]++;
        b->carrier[nat->outside.zone] = true;
    }
}

static void attach_firewalls(hp_plan_builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_firewalls = s->n_firewalls;
    plan->firewalls = HP_PLAN_OWN_ARRAY(plan, hp_plan_firewall, s->n_firewalls);
    for (unsigned i = 0; i < s->n_firewalls; i++) {
        hp_plan_firewall *firewall = &plan->firewalls[i];
        firewall->source = &s->firewalls[i];
        firewall->inside_zone = 1 + s->n_lans + s->n_nats + i;
        firewall->outside =
            (hp_plan_attachment){.zone = zone_of(b, s->firewalls[i].behind),
                                 .tap = hp_plan_own(plan, g_strdup_printf("%s/out", s->firewalls[i].name)),
                                 .link = s->firewalls[i].link};
        b->attached[firewall->outside.zone]++;
    }
}

static void check_nesting(hp_plan_builder *b)
{
    const hp_scenario *s = b->scenario;
    for (unsigned i = 1 + s->n_lans; i < b->plan->n_zones; i++) {
        int zone = (int)i;
        for (unsigned hops = 0; hops < b->plan->n_zones && zone >= 0; hops++)
            zone = hp_plan_zone_beyond(b->plan, (unsigned)zone);
        if (zone >= 0) {
            int nat = b->plan->zones[i].nat, firewall = b->plan->zones[i].firewall;
            hp_plan_complain(b, nat >= 0 ? s->nats[nat].mark : s->firewalls[firewall].mark, NULL,
                             "%s `%s` is behind itself", nat >= 0 ? "NAT" : "firewall", b->plan->zones[i].name);
            return;
        }
    }
}

static void attach_servers(hp_plan_builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_servers = s->n_servers;
    plan->servers = HP_PLAN_OWN_ARRAY(plan, hp_plan_server, s->n_servers);
    for (unsigned i = 0; i < s->n_servers; i++) {
        hp_plan_server *server = &plan->servers[i];
        server->source = &s->servers[i];
        server->config = s->servers[i].config;
        server->attachment = (hp_plan_attachment){
            .zone = zone_of(b, s->servers[i].behind), .tap = s->servers[i].name, .link = s->servers[i].link};
        b->attached[server->attachment.zone] += 2;
    }
}

static void attach_peers(hp_plan_builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_peers = s->n_peers;
    plan->peers = HP_PLAN_OWN_ARRAY(plan, hp_plan_peer, s->n_peers);
    for (unsigned i = 0; i < s->n_peers; i++) {
        const hp_sc_peer *source = &s->peers[i];
        hp_plan_peer *peer = &plan->peers[i];
        peer->source = source;
        peer->n_interfaces = source->n_interfaces;
        peer->interfaces = HP_PLAN_OWN_ARRAY(plan, hp_plan_attachment, source->n_interfaces);
        for (unsigned k = 0; k < source->n_interfaces; k++) {
            const hp_sc_interface *in = &source->interfaces[k];
            peer->interfaces[k] = (hp_plan_attachment){
                .zone = zone_of(b, in->behind),
                .name = in->name,
                .tap = source->n_interfaces > 1 ? hp_plan_own(plan, g_strdup_printf("%s/%s", source->name, in->name))
                                                : source->name,
                .link = in->link,
                .mtu = in->mtu};
            b->attached[peer->interfaces[k].zone]++;
        }
    }
}

/* ---- names of servers ---- */

/* The loader has seen to it that there is one. */
static int server_of(const hp_plan_builder *b, const char *name)
{
    int server = hp_plan_find_server(b->plan, name);
    g_assert(server >= 0);
    return server;
}

static void check_transports(hp_plan_builder *b, const hp_plan_peer *peer, int server, bool turn)
{
    g_autofree char *hint = NULL;
    g_autofree char *mistake = hp_transports_mistake(peer->source, b->plan->servers[server].source, turn, &hint);
    if (mistake)
        hp_plan_complain(b, peer->source->mark, hint, "%s", mistake);
}

static void resolve_peers(hp_plan_builder *b)
{
    hp_plan *plan = b->plan;
    for (unsigned i = 0; i < plan->n_peers; i++) {
        hp_plan_peer *peer = &plan->peers[i];
        const hp_ice_config *ice = &peer->source->ice;
        peer->stun = ice->stun ? server_of(b, ice->stun) : -1;
        peer->n_turn = ice->turn ? g_strv_length(ice->turn) : 0;
        peer->turn = HP_PLAN_OWN_ARRAY(plan, int, peer->n_turn);
        for (unsigned k = 0; k < peer->n_turn; k++)
            peer->turn[k] = server_of(b, ice->turn[k]);
        if (peer->stun >= 0)
            check_transports(b, peer, peer->stun, false);
        for (unsigned k = 0; k < peer->n_turn; k++)
            check_transports(b, peer, peer->turn[k], true);
    }
}

static void read_recordings(hp_plan_builder *b)
{
    for (unsigned i = 0; i < b->plan->n_peers; i++) {
        hp_plan_peer *peer = &b->plan->peers[i];
        for (unsigned k = 0; k < HP_MEDIA_N_KINDS; k++) {
            g_autoptr(GError) error = NULL;
            const char *path = peer->source->media.replay[k];
            if (path)
                peer->replay[k] = hp_recording_get(b->plan, path, &error);
            if (error)
                hp_plan_complain(b, peer->source->replay_mark[k], "the path is relative to the scenario's folder", "%s",
                                 error->message);
        }
    }
}

static void resolve_servers(hp_plan_builder *b)
{
    hp_plan *plan = b->plan;
    for (unsigned i = 0; i < plan->n_servers; i++) {
        hp_server_config *config = &plan->servers[i].config;
        if (!config->redirect)
            continue;
        int to = server_of(b, config->redirect);
        if (plan->servers[to].attachment.n_addresses == 0)
            continue;
        config->redirect_addr =
            hp_addr_with_port(plan->servers[to].attachment.addresses[0], plan->servers[to].config.port);
    }
}

/* ---- places ---- */

const char *const *hp_plan_places(const hp_plan *plan)
{
    return (const char *const *)((const plan_box *)(const void *)plan)->places;
}

/* Nothing is ever seen at a place that is not there, and `count: 0` would hold for ever. */
static void check_places(hp_plan_builder *b, const char *const *places)
{
    for (unsigned i = 0; i < b->scenario->n_expects; i++) {
        const hp_expect *e = &b->scenario->expects[i];
        bool drops = e->kind == HP_EXPECT_DROPS;
        const char *at = drops ? e->drops.at : e->kind == HP_EXPECT_PACKETS ? e->packets.at : NULL;
        /* "link alice/up" and "alice/up" are the same place. */
        const char *bare = at && g_str_has_prefix(at, "link ") ? at + strlen("link ") : at;
        bool known = at && g_strv_contains(places, bare);
        if (!at || (known && (drops || hp_places_has_tap(b->plan, at))))
            continue;
        const char *nearest = hp_nearest_word(bare, places, g_strv_length((char **)places));
        g_autofree char *hint = nearest ? g_strdup_printf("did you mean `%s`?", nearest) : NULL;
        if (known)
            hp_plan_complain(b, e->mark, "a peer, a server, a NAT, or a NAT's /in or /out",
                             "no packets are captured at `%s`", at);
        else
            hp_plan_complain(b, e->mark, hint, "there is no place `%s` to look at", at);
    }
}

/* ---- the whole ---- */

hp_plan *hp_plan_new(const hp_scenario *scenario, const char *case_name, uint64_t seed, hp_diags *diags)
{
    plan_box *box = g_new0(plan_box, 1);
    box->owned = g_ptr_array_new_with_free_func(g_free);
    hp_plan *plan = &box->plan;
    hp_plan_builder b = {.plan = plan, .diags = diags, .scenario = scenario};
    plan->scenario = scenario;
    plan->case_name = hp_plan_own(plan, g_strdup(case_name));
    plan->seed = seed;

    make_zones(&b);
    attach_nats(&b);
    attach_firewalls(&b);
    check_nesting(&b);
    attach_servers(&b);
    attach_peers(&b);
    hp_plan_number(&b);
    resolve_peers(&b);
    hp_plan_names(plan, box->owned);
    read_recordings(&b);
    resolve_servers(&b);
    hp_plan_find_worlds(&b);

    b.failed = !hp_plan_place_rules(plan, box->owned, diags) || b.failed;
    box->places = hp_places_make(plan);
    check_places(&b, hp_plan_places(plan));
    if (b.failed) {
        hp_plan_free(plan);
        return NULL;
    }
    return plan;
}

void hp_plan_free(hp_plan *plan)
{
    if (!plan)
        return;
    plan_box *box = (plan_box *)(void *)plan;
    for (unsigned i = 0; i < plan->n_peers; i++)
        for (unsigned k = 0; k < HP_MEDIA_N_KINDS; k++)
            g_clear_pointer(&plan->peers[i].replay[k], hp_capture_unref);
    g_free(plan->again);
    g_strfreev(box->places);
    g_ptr_array_unref(box->owned);
    g_free(box);
}
