/* The topology in result.json: zones, and what is attached to them, as the plan has them before the first step.
 *
 * Zones are told by their index in the plan, the Internet being 0; NATs and firewalls have one outside (`zone`) and one
 * inside (`inside`). A link is told in a few words, from the host or NAT outwards, and the other way where that differs;
 * null is a wire without delay or loss. What only experts turn (queues, bursts, schedules) is named, not spelled out. */
#include "base/compare.h"
#include "report/json_writer.h"

/* ---- words ---- */

static void append(GString *text, const char *what, char *value)
{
    g_string_append_printf(text, "%s%s%s", text->len > 0 ? ", " : "", value, what);
    g_free(value);
}

/* "20ms, 1% loss"; "" of an ideal wire. */
static char *one_way(const hp_link_config *c)
{
    GString *text = g_string_new(NULL);
    if (c->down) {
        append(text, "", g_strdup("down"));
    }
    if (c->delay_ns > 0) {
        append(text, "", hp_unit_format(HP_UNIT_TIME, (int64_t)c->delay_ns));
    }
    if (c->jitter_ns > 0 || c->n_jitter_list > 0) {
        append(text, c->jitter_ns > 0 ? " jitter" : "",
               c->jitter_ns > 0 ? hp_unit_format(HP_UNIT_TIME, (int64_t)c->jitter_ns) : g_strdup("jitter"));
    }
    if (c->rate_bps > 0) {
        append(text, "", hp_unit_format(HP_UNIT_RATE, (int64_t)c->rate_bps));
    }
    if (c->n_rate_steps > 0 || c->n_opportunities > 0) {
        append(text, "", g_strdup("changing rate"));
    }
    if (c->loss_ppb > 0) {
        append(text, " loss", hp_unit_format(HP_UNIT_RATIO, c->loss_ppb));
    }
    if (c->burst_enter_ppb > 0) {
        append(text, "", g_strdup("bursts of loss"));
    }
    if (c->n_drop > 0) {
        append(text, "", g_strdup("listed drops"));
    }
    if (c->duplicate_ppb > 0) {
        append(text, " duplicated", hp_unit_format(HP_UNIT_RATIO, c->duplicate_ppb));
    }
    if (c->reorder_ppb > 0) {
        append(text, " reordered", hp_unit_format(HP_UNIT_RATIO, c->reorder_ppb));
    }
    if (c->corrupt_ppb > 0) {
        append(text, " corrupted", hp_unit_format(HP_UNIT_RATIO, c->corrupt_ppb));
    }
    if (c->mtu > 0) {
        append(text, "", g_strdup_printf("MTU %u", c->mtu));
    }
    if (c->n_outages > 0) {
        append(text, "", g_strdup("outages"));
    }
    return g_string_free(text, FALSE);
}

static void put_link(hp_json *j, const hp_sc_link *link)
{
    g_autofree char *up = one_way(&link->up), *down = one_way(&link->down);
    if (strcmp(up, down) == 0) {
        hp_json_text(j, "link", up[0] != '\0' ? up : NULL);
        return;
    }
    g_autofree char *both =
        g_strdup_printf("%s up; %s down", up[0] != '\0' ? up : "ideal", down[0] != '\0' ? down : "ideal");
    hp_json_text(j, "link", both);
}

static const char *behaviour(hp_nat_behaviour b)
{
    switch (b) {
    case HP_NAT_ENDPOINT_INDEPENDENT:
        return "endpoint-independent";
    case HP_NAT_ADDRESS_DEPENDENT:
        return "address-dependent";
    case HP_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return "address-and-port-dependent";
    }
    return "";
}

static char *nat_about(const hp_sc_nat *nat)
{
    if (nat->preset != NULL) {
        return g_strdup(nat->preset);
    }
    return g_strdup_printf("%s mapping, %s filtering", behaviour(nat->config.mapping),
                           behaviour(nat->config.filtering));
}

static const char *server_kind(hp_server_kind kind)
{
    switch (kind) {
    case HP_SERVER_STUN:
        return "stun";
    case HP_SERVER_TURN:
        return "turn";
    case HP_SERVER_DNS:
        return "dns";
    case HP_SERVER_WEB:
        return "web";
    case HP_SERVER_OTHER:
        return "other";
    }
    return "";
}

/* ---- the parts ---- */

static void put_prefix(hp_json *j, const char *key, const hp_prefix *prefix)
{
    char text[HP_ADDR_TEXT];
    hp_json_text(j, key, prefix->base.family != HP_AF_NONE ? hp_prefix_format(prefix, text) : NULL);
}

static void put_addresses(hp_json *j, const hp_plan_attachment *at)
{
    hp_json_open(j, "addresses", '[');
    for (unsigned i = 0; i < at->n_addresses; i++) {
        hp_json_addr(j, NULL, &at->addresses[i]);
    }
    if (at->clat4.family != HP_AF_NONE) {
        hp_json_addr(j, NULL, &at->clat4);
    }
    hp_json_close(j, ']');
}

static void put_zones(hp_json *j, const hp_plan *plan)
{
    hp_json_open(j, "zones", '[');
    for (unsigned i = 0; i < plan->n_zones; i++) {
        const hp_plan_zone *zone = &plan->zones[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", zone->name);
        hp_json_text(j, "of", i == 0 ? "internet" : zone->nat >= 0 ? "nat" : zone->firewall >= 0 ? "firewall" : "lan");
        put_prefix(j, "prefix4", &zone->prefix4);
        put_prefix(j, "prefix6", &zone->prefix6);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_nats(hp_json *j, const hp_plan *plan)
{
    hp_json_open(j, "nats", '[');
    for (unsigned i = 0; i < plan->n_nats; i++) {
        const hp_plan_nat *nat = &plan->nats[i];
        g_autofree char *about = nat_about(nat->source);
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", nat->source->name);
        hp_json_text(j, "about", about);
        hp_json_u64(j, "zone", nat->outside.zone);
        hp_json_u64(j, "inside", nat->inside_zone);
        put_addresses(j, &nat->outside);
        put_link(j, &nat->outside.link);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_firewalls(hp_json *j, const hp_plan *plan)
{
    hp_json_open(j, "firewalls", '[');
    for (unsigned i = 0; i < plan->n_firewalls; i++) {
        const hp_plan_firewall *firewall = &plan->firewalls[i];
        const char *preset = firewall->source->firewall.preset;
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", firewall->source->name);
        hp_json_text(j, "about", preset != NULL ? preset : "its own policies");
        hp_json_u64(j, "zone", firewall->outside.zone);
        hp_json_u64(j, "inside", firewall->inside_zone);
        put_link(j, &firewall->outside.link);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_servers(hp_json *j, const hp_plan *plan)
{
    hp_json_open(j, "servers", '[');
    for (unsigned i = 0; i < plan->n_servers; i++) {
        const hp_plan_server *server = &plan->servers[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", server->source->name);
        hp_json_text(j, "kind", server_kind(server->config.kind));
        hp_json_u64(j, "zone", server->attachment.zone);
        put_addresses(j, &server->attachment);
        put_link(j, &server->attachment.link);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_peers(hp_json *j, const hp_plan *plan)
{
    hp_json_open(j, "peers", '[');
    for (unsigned i = 0; i < plan->n_peers; i++) {
        const hp_plan_peer *peer = &plan->peers[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", peer->source->name);
        hp_json_text(j, "kind", peer->source->is_raw ? "raw" : "ice");
        hp_json_open(j, "interfaces", '[');
        for (unsigned k = 0; k < peer->n_interfaces; k++) {
            const hp_plan_attachment *at = &peer->interfaces[k];
            hp_json_open(j, NULL, '{');
            hp_json_text(j, "name", at->name);
            hp_json_u64(j, "zone", at->zone);
            put_addresses(j, at);
            put_link(j, &at->link);
            hp_json_close(j, '}');
        }
        hp_json_close(j, ']');
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static const char *place_of(const hp_plan *plan, const hp_plan_middlebox *box)
{
    switch (box->kind) {
    case HP_PLACE_PEER:
        return plan->peers[box->index].source->name;
    case HP_PLACE_SERVER:
        return plan->servers[box->index].source->name;
    case HP_PLACE_NAT:
    case HP_PLACE_NAT_INSIDE:
        return plan->nats[box->index].source->name;
    case HP_PLACE_FIREWALL:
    case HP_PLACE_FIREWALL_INSIDE:
        return plan->firewalls[box->index].source->name;
    case HP_PLACE_ZONE:
        return plan->zones[box->index].name;
    }
    return "";
}

static void put_middleboxes(hp_json *j, const hp_plan *plan)
{
    hp_json_open(j, "middleboxes", '[');
    for (unsigned i = 0; i < plan->n_middleboxes; i++) {
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", plan->middleboxes[i].name);
        hp_json_text(j, "at", place_of(plan, &plan->middleboxes[i]));
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

void hp_json_network(hp_json *j, const hp_plan *plan)
{
    hp_json_open(j, "network", '{');
    put_zones(j, plan);
    put_nats(j, plan);
    put_firewalls(j, plan);
    put_servers(j, plan);
    put_peers(j, plan);
    put_middleboxes(j, plan);
    hp_json_close(j, '}');
}
