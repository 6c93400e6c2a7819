/* Lint of names: DNS servers, who asks them, and for what.
 *
 * Whether a name is known is read off the records as the plan has them and off the steps that add some; what a fault or
 * a TTL makes of it in the run is not foreseen. */
#include <string.h>

#include "plan/lint.h"
#include "wire/dns.h"

static bool has_record(const hp_dns_host *hosts, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++) {
        if (hp_dns_name_is_same(hosts[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool knows(const hp_lint *l, const hp_plan_server *dns, const char *name)
{
    bool known = has_record(dns->dns.hosts, dns->dns.n_hosts, name);
    for (unsigned i = 0; i < l->scenario->n_steps && !known; i++) {
        const hp_step *step = &l->scenario->steps[i];
        known = step->kind == HP_STEP_SET_DNS && strcmp(step->dns.server, dns->source->name) == 0 &&
                has_record(step->dns.hosts, step->dns.n_hosts, name);
    }
    return known;
}

static bool asks(const hp_plan_peer *peer, unsigned server)
{
    for (unsigned k = 0; k < peer->n_dns; k++) {
        if (peer->dns[k] == (int)server) {
            return true;
        }
    }
    return false;
}

static bool asks_for(const hp_lint *l, const hp_plan_peer *peer, const char *name)
{
    bool asked = peer->stun >= 0 && hp_dns_name_is_same(l->plan->servers[peer->stun].dns_name, name);
    for (unsigned k = 0; k < peer->n_turn && !asked; k++) {
        asked = hp_dns_name_is_same(l->plan->servers[peer->turn[k]].dns_name, name);
    }
    return asked;
}

static void unused_server(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_servers; i++) {
        const hp_plan_server *server = &l->plan->servers[i];
        bool used = server->source->config.kind != HP_SERVER_DNS;
        for (unsigned k = 0; k < l->plan->n_peers && !used; k++) {
            used = asks(&l->plan->peers[k], i) || hp_lint_speaks_of(l->plan->peers[k].source, server->source->name);
        }
        if (!used) {
            hp_lint_warn(l, server->source->mark, "name it in a peer's `dns`", "nobody asks DNS server `%s`",
                         server->source->name);
        }
    }
}

static void unreachable_server(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_plan_peer *peer = &l->plan->peers[i];
        if (peer->n_dns > peer->resolver.n_servers) {
            hp_lint_warn(l, peer->source->mark, "give both an address of one family: `families`",
                         "peer `%s` cannot reach %s of its DNS servers: they have no address family in common",
                         peer->source->name, peer->resolver.n_servers == 0 ? "any" : "some");
        }
    }
}

static void nothing_to_resolve(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_plan_peer *peer = &l->plan->peers[i];
        if (peer->n_dns > 0 && peer->stun < 0 && peer->n_turn == 0) {
            hp_lint_warn(l, peer->source->mark, "name a server in its `ice`",
                         "peer `%s` has DNS servers, and no STUN or TURN server to look for", peer->source->name);
        }
    }
}

static void unknown_name_of(const hp_lint *l, const hp_plan_peer *peer, int server)
{
    bool known = peer->n_dns == 0;
    for (unsigned k = 0; k < peer->n_dns && !known; k++) {
        known = knows(l, &l->plan->servers[peer->dns[k]], l->plan->servers[server].dns_name);
    }
    if (!known) {
        hp_lint_warn(l, peer->source->mark, "add it to the server's `hosts`",
                     "peer `%s` asks for `%s`, which none of its DNS servers knows", peer->source->name,
                     l->plan->servers[server].dns_name);
    }
}

static void unknown_name(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_plan_peer *peer = &l->plan->peers[i];
        if (peer->stun >= 0) {
            unknown_name_of(l, peer, peer->stun);
        }
        for (unsigned k = 0; k < peer->n_turn; k++) {
            unknown_name_of(l, peer, peer->turn[k]);
        }
    }
}

static void fault_for_nobody(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_servers; i++) {
        const hp_plan_server *server = &l->plan->servers[i];
        for (unsigned f = 0; f < server->dns.n_faults; f++) {
            const char *name = server->dns.faults[f].name;
            bool asked = name == NULL;
            for (unsigned k = 0; k < l->plan->n_peers && !asked; k++) {
                asked = asks(&l->plan->peers[k], i) && asks_for(l, &l->plan->peers[k], name);
            }
            if (!asked) {
                hp_lint_warn(l, server->source->mark, NULL, "a fault of `%s` is about `%s`, which nobody asks it for",
                             server->source->name, name);
            }
        }
    }
}

void hp_lint_names(const hp_lint *l)
{
    unused_server(l);
    unreachable_server(l);
    nothing_to_resolve(l);
    unknown_name(l);
    fault_for_nobody(l);
}
