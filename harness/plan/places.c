/* The places of a plan: zones, nodes, taps and links, by the names that the world will give them.
 *
 * A node is a place that stands for all its taps; a link is named after who is attached by it and its direction. */
#include "plan/places.h"

#include <string.h>

static void add_place(GPtrArray *places, char *place)
{
    g_ptr_array_add(places, place);
}

static void add_attachment_places(const hp_plan *plan, GPtrArray *places, const char *who, const hp_plan_attachment *at)
{
    add_place(places, g_strdup(at->tap));
    add_place(places, g_strdup_printf("%s/up", who));
    add_place(places, g_strdup_printf("%s/down", who));
    add_place(places, g_strdup_printf("%s/%s", plan->zones[at->zone].name, who));
}

/* Firewalls that have no network: they drop under the name of whom they stand before. */
static void add_firewall_places(const hp_plan *plan, GPtrArray *places)
{
    for (unsigned i = 0; i < plan->n_nats; i++)
        if (plan->nats[i].source->firewall.on)
            add_place(places, g_strdup_printf("%s/firewall", plan->nats[i].source->name));
    for (unsigned i = 0; i < plan->n_servers; i++)
        if (plan->servers[i].source->firewall.on)
            add_place(places, g_strdup_printf("%s/firewall", plan->servers[i].source->name));
    for (unsigned i = 0; i < plan->n_peers; i++)
        for (unsigned k = 0; k < plan->peers[i].n_interfaces; k++)
            if (plan->peers[i].source->interfaces[k].firewall.on)
                add_place(places, g_strdup_printf("%s/firewall", plan->peers[i].interfaces[k].tap));
}

char **hp_places_make(const hp_plan *plan)
{
    GPtrArray *places = g_ptr_array_new();
    for (unsigned i = 0; i < plan->n_zones; i++)
        add_place(places, g_strdup(plan->zones[i].name));
    for (unsigned i = 0; i < plan->n_nats; i++) {
        add_place(places, g_strdup_printf("%s/in", plan->nats[i].source->name));
        add_attachment_places(plan, places, plan->nats[i].source->name, &plan->nats[i].outside);
    }
    for (unsigned i = 0; i < plan->n_firewalls; i++)
        add_attachment_places(plan, places, plan->firewalls[i].source->name, &plan->firewalls[i].outside);
    add_firewall_places(plan, places);
    for (unsigned i = 0; i < plan->n_middleboxes; i++)
        add_place(places, g_strdup(plan->middleboxes[i].name));
    for (unsigned i = 0; i < plan->n_servers; i++)
        add_attachment_places(plan, places, plan->servers[i].source->name, &plan->servers[i].attachment);
    for (unsigned i = 0; i < plan->n_peers; i++) {
        const hp_plan_peer *peer = &plan->peers[i];
        if (peer->n_interfaces > 1)
            add_place(places, g_strdup(peer->source->name));
        for (unsigned k = 0; k < peer->n_interfaces; k++)
            add_attachment_places(plan, places, peer->interfaces[k].tap, &peer->interfaces[k]);
        for (unsigned k = 0; k < peer->n_interfaces; k++)
            if (peer->interfaces[k].clat) {
                add_place(places, g_strdup(peer->interfaces[k].clat));
                add_place(places, g_strdup_printf("%s/in", peer->interfaces[k].clat));
                add_place(places, g_strdup_printf("%s/out", peer->interfaces[k].clat));
            }
    }
    g_ptr_array_add(places, NULL);
    return (char **)g_ptr_array_free(places, FALSE);
}

static bool is_clat(const char *name, const char *at)
{
    return name && g_str_has_prefix(at, name) &&
           (strcmp(at + strlen(name), "") == 0 || strcmp(at + strlen(name), "/in") == 0 ||
            strcmp(at + strlen(name), "/out") == 0);
}

bool hp_places_has_tap(const hp_plan *plan, const char *at)
{
    for (unsigned i = 0; i < plan->n_nats; i++) {
        const char *name = plan->nats[i].source->name;
        size_t length = strlen(name);
        if (strncmp(at, name, length) == 0 &&
            (!at[length] || strcmp(at + length, "/in") == 0 || strcmp(at + length, "/out") == 0))
            return true;
    }
    for (unsigned i = 0; i < plan->n_middleboxes; i++)
        if (strcmp(plan->middleboxes[i].name, at) == 0)
            return true;
    if (hp_plan_find_server(plan, at) >= 0 || hp_plan_find_peer(plan, at) >= 0)
        return true;
    for (unsigned i = 0; i < plan->n_peers; i++)
        for (unsigned k = 0; k < plan->peers[i].n_interfaces; k++)
            if (strcmp(plan->peers[i].interfaces[k].tap, at) == 0 || is_clat(plan->peers[i].interfaces[k].clat, at))
                return true;
    return false;
}
