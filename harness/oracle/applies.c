/* What the oracle does not speak of. Its model has no clock and no chance but that of nat.h's knobs, so it is silent
 * where a plan's outcome hangs on either: packets that are lost by number or often, answers that come late, servers
 * that are scripted to misbehave, tables with room for a handful of flows, agents of other protocols than RFC 8445's.
 *
 * Steps that change the network are not in here: up to the first of them the prediction holds. */
#include <string.h>

#include "oracle/oracle_private.h"

#define LONGEST_WAY (500 * HP_MS) /* one way, all delays together: a first retransmission then still helps */
#define LATEST_ANSWER (10 * HP_S)
enum { MOST_LOSS_PPB = 100000000, FEWEST_MAPPINGS = 16 };

static char *of_link(const hp_link_config *link, const char *name, hp_time *delay)
{
    *delay += link->delay_ns + link->jitter_ns;
    if (hp_link_is_cut(link))
        return NULL; /* that much is in the model */
    if (link->n_drop > 0 || link->n_outages > 0)
        return g_strdup_printf("the link of %s loses packets at chosen moments", name);
    if (link->loss_ppb > MOST_LOSS_PPB || link->burst_enter_ppb > 0 || link->corrupt_ppb > MOST_LOSS_PPB)
        return g_strdup_printf("the link of %s loses so much that chance decides", name);
    if (link->n_rate_steps > 0 || link->n_opportunities > 0)
        return g_strdup_printf("the rate of %s's link changes", name);
    return NULL;
}

/* RFC 7422: a subscriber's block follows from its address, and whoever comes to a block that is taken gets none. So one
 * alone has its own, and so have several whose numbers lie within the number of blocks. */
static bool blocks_may_collide(const hp_ground *ground, const hp_plan_nat *nat, unsigned zone)
{
    const hp_nat_config *config = &nat->source->config;
    const hp_port_range range = config->port_range;
    const unsigned ports = range.last ? (unsigned)range.last - range.first + 1 : 65536 - 1024;
    unsigned n = 0;
    bool ipv6 = false;
    uint32_t lowest = UINT32_MAX, highest = 0;
    for (unsigned i = 0; i < ground->n_holders; i++) {
        const hp_holder *holder = &ground->holders[i];
        if (holder->zone != zone)
            continue;
        const uint8_t *ip = holder->ip.ip;
        const uint32_t number = (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
        n++;
        ipv6 |= holder->ip.family != HP_AF_IPV4;
        lowest = MIN(lowest, number);
        highest = MAX(highest, number);
    }
    for (unsigned i = 0; i < ground->n_routes; i++)
        if (ground->routes[i].zone == zone)
            return true;
    return n > 1 && (ipv6 || highest - lowest >= MAX(ports / config->port_block, 1));
}

static char *of_nat(const hp_ground *ground, const hp_plan_nat *nat, unsigned zone)
{
    const hp_nat_config *config = &nat->source->config;
    const uint32_t limits[] = {config->max_mappings, config->max_mappings_per_host, config->max_udp_per_host,
                               config->max_sessions_per_mapping};
    for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++)
        if (limits[i] > 0 && limits[i] < FEWEST_MAPPINGS)
            return g_strdup_printf("%s has room for %u flows", nat->source->name, limits[i]);
    const hp_port_mapping_config *gateway = &nat->source->port_mapping;
    if ((gateway->max_mappings && gateway->max_mappings < FEWEST_MAPPINGS) ||
        (gateway->max_per_host && gateway->max_per_host < FEWEST_MAPPINGS))
        return g_strdup_printf("%s maps few ports on request", nat->source->name);
    if (config->alg.anywhere || config->alg.plain || config->alg.xored)
        return g_strdup_printf("%s rewrites addresses in payloads", nat->source->name);
    if (config->port_block > 0 && config->port_blocks == HP_NAT_BLOCKS_DETERMINISTIC &&
        blocks_may_collide(ground, nat, zone))
        return g_strdup_printf("who has which ports of %s depends on its subscribers' numbers", nat->source->name);
    if (config->udp_timeout && config->udp_timeout < LATEST_ANSWER)
        return g_strdup_printf("%s forgets a flow while ICE is still at work", nat->source->name);
    return NULL;
}

static char *of_server(const hp_plan_server *server)
{
    const hp_server_config *c = &server->config;
    const char *name = server->source->name;
    if (c->n_faults > 0)
        return g_strdup_printf("%s is scripted to misbehave", name);
    if (c->user_quota > 0 || c->capacity > 0)
        return g_strdup_printf("%s has room for some clients only", name);
    if (c->redirect || c->binding_auth || c->require_fingerprint)
        return g_strdup_printf("%s asks more of its clients than RFC 8445 says of them", name);
    for (unsigned i = 0; i < c->n_users; i++)
        if (c->users[i].expires > 0)
            return g_strdup_printf("credentials of %s expire", name);
    return NULL;
}

/* The links from an attachment to the core, with NATs on the way. */
static char *of_way(const hp_ground *ground, const hp_plan_attachment *at, const char *name, hp_time *delay)
{
    const hp_plan *plan = ground->plan;
    char *why = NULL;
    while (at && !why) {
        const hp_plan_zone *zone = &plan->zones[at->zone];
        hp_time unused = 0;
        why = of_link(&at->link.up, name, delay);
        if (!why)
            why = of_link(&at->link.down, name, &unused);
        if (!why)
            why = of_link(&zone->link, zone->name, delay);
        if (!why && zone->nat >= 0)
            why = of_nat(ground, &plan->nats[zone->nat], at->zone);
        name = zone->name;
        at = hp_ground_way_out(plan, at->zone);
    }
    return why;
}

static char *of_walls(const hp_ground *ground)
{
    for (unsigned i = 0; i < ground->n_walls; i++) {
        const hp_firewall_config *config = &ground->walls[i].config;
        const hp_time timeouts[] = {config->udp_timeout, config->udp_unreplied_timeout};
        if (!hp_wall_is_shallow(config))
            return g_strdup_printf("the firewall of %s looks into packets", ground->walls[i].name);
        for (unsigned k = 0; k < G_N_ELEMENTS(timeouts); k++)
            if (timeouts[k] && timeouts[k] < LATEST_ANSWER)
                return g_strdup_printf("the firewall of %s forgets a flow while ICE is still at work",
                                       ground->walls[i].name);
        if ((config->max_flows && config->max_flows < FEWEST_MAPPINGS) ||
            (config->max_flows_per_host && config->max_flows_per_host < FEWEST_MAPPINGS))
            return g_strdup_printf("the firewall of %s has room for few flows", ground->walls[i].name);
    }
    return NULL;
}

static char *of_agent(const hp_plan_peer *peer)
{
    const hp_ice_config *ice = &peer->source->ice;
    const hp_sc_client *client = &peer->source->client;
    const char *name = peer->source->name;
    if (peer->n_interfaces == 0)
        return g_strdup_printf("nothing is known of %s's network", name);
    if (peer->source->is_raw)
        return g_strdup_printf("%s does what its script says", name);
    if (ice->compatibility != HP_ICE_RFC5245)
        return g_strdup_printf("%s does not speak RFC 8445's ICE", name);
    if (ice->stun_max_retransmissions >= 0 || ice->stun_initial_timeout_ms >= 0 || ice->stun_reliable_timeout_ms >= 0 ||
        ice->max_connectivity_checks >= 0 || ice->idle_timeout_ms >= 0)
        return g_strdup_printf("%s has patience of its own", name);
    if (!client->queue_early_candidates || client->send_before_set || client->null_id_until > 0 ||
        !client->ignores_own || client->answer_delay > LATEST_ANSWER)
        return g_strdup_printf("the signalling client of %s has weak points", name);
    return NULL;
}

static char *of_peer(const hp_ground *ground, unsigned index, hp_time *delay)
{
    const hp_plan *plan = ground->plan;
    const hp_plan_peer *peer = &plan->peers[index];
    char *why = of_agent(peer);
    for (unsigned i = 0; !why && i < peer->n_interfaces; i++) {
        hp_time here = 0;
        why = of_way(ground, &peer->interfaces[i], peer->source->name, &here);
        *delay = MAX(*delay, here);
    }
    for (unsigned i = 0; !why && i < peer->n_dns; i++)
        if (plan->servers[peer->dns[i]].dns.n_faults > 0)
            why = g_strdup_printf("%s is scripted to misbehave", plan->servers[peer->dns[i]].source->name);
    for (unsigned i = 0; !why && i <= peer->n_turn; i++) {
        int server = i < peer->n_turn ? peer->turn[i] : peer->stun;
        hp_time unused = 0;
        if (server < 0)
            continue;
        why = of_server(&plan->servers[server]);
        if (!why)
            why = of_way(ground, &plan->servers[server].attachment, plan->servers[server].source->name, &unused);
    }
    return why;
}

static char *of_signaling(const hp_signaling_config *s)
{
    hp_time latest = s->delay + s->jitter;
    for (unsigned i = 0; i < HP_SIGNAL_N_TYPES; i++)
        latest = MAX(latest, s->delay + s->jitter + s->type_delay[i]);
    if (s->loss_ppb > 0)
        return g_strdup("signalling loses messages");
    if (latest > LATEST_ANSWER)
        return g_strdup("signalling takes longer than NATs may remember");
    return NULL;
}

char *hp_outside_model(const hp_ground *ground, unsigned a, unsigned b)
{
    const hp_plan *plan = ground->plan;
    hp_time delay_a = 0, delay_b = 0;
    char *why = of_signaling(&plan->scenario->signaling);
    if (!why && plan->scenario->n_rules > 0)
        why = g_strdup("rules do as they like with packets");
    if (!why)
        why = of_walls(ground);
    if (!why)
        why = of_peer(ground, a, &delay_a);
    if (!why)
        why = of_peer(ground, b, &delay_b);
    if (!why && !plan->peers[a].source->ice.full_mode && !plan->peers[b].source->ice.full_mode)
        why = g_strdup("neither end checks anything: both are lite");
    if (!why && delay_a + delay_b > LONGEST_WAY)
        why = g_strdup("the way is so long that timers of ICE decide");
    return why;
}

int hp_first_changing_step(const hp_plan *plan)
{
    for (unsigned i = 0; i < plan->scenario->n_steps; i++) {
        switch (plan->scenario->steps[i].kind) {
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
        case HP_STEP_SET_DNS:
        case HP_STEP_SET_FIREWALL:
        case HP_STEP_RULE:
        case HP_STEP_MAP_PORT:
        case HP_STEP_UNMAP_PORT:
        case HP_STEP_INJECT:
            return (int)i;
        case HP_STEP_CALL:
        case HP_STEP_SEND:
        case HP_STEP_WAIT_FOR:
        case HP_STEP_WAIT:
        case HP_STEP_HOLD:
        case HP_STEP_SET_MEDIA:
        case HP_STEP_N:
            break;
        }
    }
    return -1;
}
