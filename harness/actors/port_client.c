/* The port mapping client of a peer: mappings that are kept, whichever protocol they are asked for with.
 *
 * An entry lives from map() until the engine says that its mapping is gone: refused, not answered, expired, or deleted
 * as was asked. In between it may be granted several times, with another external address each, when the gateway lost
 * its state or was renumbered. Whoever wanted it hears of every change until it gives the mapping up.
 *
 * What a protocol has no words for is refused here: filters, PEER and exact ports by NAT-PMP, PEER by UPnP.
 *
 * A PCP client whose gateway answers in NAT-PMP's version asks again by NAT-PMP (RFC 6887 appendix A); the entries move
 * to that engine one by one.
 *
 * Engines are run from one timer. Nothing of them is called from a caller's map() or unmap() but the entry of a
 * wish. */
#include "actors/port_client.h"

#include <assert.h>

#include "actors/port_client_private.h"
#include "actors/port_mapping_names.h"
#include "base/error.h"

static const char *const protocol_names[] = {
    [HP_PORT_MAPPING_NONE] = "none",
    [HP_PORT_MAPPING_NAT_PMP] = "nat-pmp",
    [HP_PORT_MAPPING_PCP] = "pcp",
    [HP_PORT_MAPPING_UPNP] = "upnp",
};
static_assert(G_N_ELEMENTS(protocol_names) == HP_PORT_MAPPING_UPNP + 1, "one name a protocol");

/* ---- the trace ---- */

void hp_port_client_trace(const hp_port_client *client, hp_port_mapping_protocol protocol, const hp_port_entry *entry,
                          const char *state, uint32_t lifetime_s, const char *reason)
{
    static const hp_port_entry nothing;
    char transport[HP_PORT_MAPPING_NAME];
    const hp_port_entry *e = entry != NULL ? entry : &nothing;
    hp_addr internal = entry != NULL ? hp_addr_with_port(client->local, e->wish.internal_port) : (hp_addr){0};
    hp_trace_event(hp_world_trace(client->world), hp_world_now(client->world), HP_EV_PORT_MAPPING, client->peer,
                   HP_FS("protocol", protocol_names[protocol]), HP_FS("state", state),
                   HP_FS("transport", hp_lease_transport(e->wish.protocol, transport)), HP_FA("internal", internal),
                   HP_FA("external", e->external), HP_FA("remote", e->wish.remote),
                   HP_FT("lifetime", lifetime_s * HP_S), HP_FS("reason", reason));
}

/* ---- entries ---- */

hp_port_entry *hp_port_client_entry(const hp_port_client *client, hp_port_mapping_protocol asked, uint64_t engine)
{
    for (unsigned i = 0; i < client->entries->len; i++) {
        hp_port_entry *e = client->entries->pdata[i];
        if (engine != 0 && e->engine == engine && e->asked == asked) {
            return e;
        }
    }
    return NULL;
}

static hp_port_entry *entry_of(const hp_port_client *client, uint64_t number)
{
    for (unsigned i = 0; i < client->entries->len; i++) {
        hp_port_entry *e = client->entries->pdata[i];
        if (e->number == number) {
            return e;
        }
    }
    return NULL;
}

static void tell(const hp_port_entry *e, const hp_addr *external)
{
    if (e->changed != NULL && !e->leaving) {
        e->changed(e->user, e->number, external);
    }
}

void hp_port_client_granted(hp_port_client *client, hp_port_entry *e, const hp_addr *external, bool renewed,
                            uint32_t lifetime_s)
{
    bool same = hp_addr_equal(&e->external, external);
    e->external = *external;
    e->lifetime_s = lifetime_s;
    hp_port_client_trace(client, e->asked, e, renewed && same ? "renewed" : "granted", lifetime_s, NULL);
    if (!same) {
        tell(e, external);
    }
}

void hp_port_client_gone(hp_port_client *client, hp_port_entry *e, const char *state, const char *reason)
{
    static const hp_addr none = {0};
    hp_port_entry copy = *e;
    hp_port_client_trace(client, e->asked, e, state, 0, reason);
    g_ptr_array_remove(client->entries, e);
    tell(&copy, &none);
}

/* ---- deadlines ---- */

void hp_port_client_settle(hp_port_client *client)
{
    hp_time at = HP_NEVER;
    for (unsigned i = 0; i < client->entries->len; i++) {
        if (((const hp_port_entry *)client->entries->pdata[i])->engine == 0) {
            at = hp_world_now(client->world);
        }
    }
    at = client->nat_pmp != NULL ? MIN(at, hp_nat_pmp_client_deadline(client->nat_pmp)) : at;
    at = client->pcp != NULL ? MIN(at, hp_pcp_client_deadline(client->pcp)) : at;
    at = client->upnp != NULL ? MIN(at, hp_upnp_client_deadline(client->upnp)) : at;
    hp_timer_arm(client->world, &client->timer, at);
}

/* Entries that no engine takes: told from here, so that map() calls nobody back. */
static void refuse_unaskable(hp_port_client *client)
{
    for (unsigned i = 0; i < client->entries->len;) {
        hp_port_entry *e = client->entries->pdata[i];
        if (e->engine == 0) {
            hp_port_client_gone(client, e, e->leaving ? "deleted" : "refused", "unsupported");
            i = 0;
        } else {
            i++;
        }
    }
}

static void timer_fired(void *owner, hp_time now)
{
    hp_port_client *client = owner;
    refuse_unaskable(client);
    if (client->nat_pmp != NULL) {
        hp_nat_pmp_client_run(client->nat_pmp, now);
    }
    if (client->pcp != NULL) {
        hp_pcp_client_run(client->pcp, now);
    }
    if (client->upnp != NULL) {
        hp_upnp_client_run(client->upnp, now);
    }
    hp_port_client_settle(client);
}

/* ---- wishes ---- */

static hp_prefix host_prefix(const hp_addr *addr)
{
    return (hp_prefix){.base = hp_addr_with_port(*addr, 0), .bits = addr->family == HP_AF_IPV4 ? 32 : 128};
}

static uint64_t ask_pcp(hp_port_client *client, const hp_port_wish *w, hp_time now)
{
    hp_pcp_wish wish = {.protocol = w->protocol,
                        .internal_port = w->internal_port,
                        .prefer_failure = w->exact,
                        .lifetime = w->lifetime};
    if (w->external_port != 0) {
        wish.external = (hp_addr){.family = client->local.family, .port = w->external_port};
    }
    if (w->remote.port != 0) {
        wish.remote = w->remote;
        wish.prefer_failure = false;
    } else if (w->remote.family != HP_AF_NONE) {
        wish.filters[wish.n_filters++] = (hp_lease_filter){.prefix = host_prefix(&w->remote)};
    }
    return hp_pcp_client_map(client->pcp, now, &wish);
}

static uint64_t ask_upnp(hp_port_client *client, const hp_port_wish *w, hp_time now)
{
    hp_upnp_wish wish = {.protocol = w->protocol,
                         .internal_port = w->internal_port,
                         .external_port = w->external_port,
                         .exact = w->exact,
                         .remote = w->remote,
                         .lifetime = w->lifetime};
    return w->remote.port == 0 ? hp_upnp_client_map(client->upnp, now, &wish) : 0;
}

static uint64_t ask_nat_pmp(hp_port_client *client, const hp_port_wish *w, hp_time now)
{
    if (w->exact || w->remote.family != HP_AF_NONE) {
        return 0;
    }
    return hp_nat_pmp_client_map(client->nat_pmp, now, w->protocol, w->internal_port, w->external_port, w->lifetime);
}

void hp_port_client_ask(hp_port_client *client, hp_port_entry *e, hp_port_mapping_protocol protocol)
{
    hp_time now = hp_world_now(client->world);
    e->asked = protocol;
    hp_port_client_trace(client, protocol, e, "requested", 0, NULL);
    switch (protocol) {
    case HP_PORT_MAPPING_NONE:
        return;
    case HP_PORT_MAPPING_NAT_PMP:
        e->engine = ask_nat_pmp(client, &e->wish, now);
        return;
    case HP_PORT_MAPPING_PCP:
        e->engine = ask_pcp(client, &e->wish, now);
        return;
    case HP_PORT_MAPPING_UPNP:
        e->engine = ask_upnp(client, &e->wish, now);
        return;
    }
}

uint64_t hp_port_client_map(hp_port_client *client, const hp_port_wish *wish, hp_port_changed changed, void *user)
{
    hp_port_entry *e = g_new0(hp_port_entry, 1);
    uint64_t number = client->next_number++;
    *e = (hp_port_entry){.number = number, .wish = *wish, .changed = changed, .user = user};
    g_ptr_array_add(client->entries, e);
    hp_port_client_ask(client, e, client->nat_pmp != NULL ? HP_PORT_MAPPING_NAT_PMP : client->protocol);
    hp_port_client_settle(client);
    return number;
}

void hp_port_client_unmap(hp_port_client *client, uint64_t mapping)
{
    hp_port_entry *e = entry_of(client, mapping);
    hp_time now = hp_world_now(client->world);
    if (e == NULL || e->leaving) {
        return;
    }
    e->leaving = true;
    switch (e->asked) {
    case HP_PORT_MAPPING_NONE:
        break;
    case HP_PORT_MAPPING_NAT_PMP:
        hp_nat_pmp_client_unmap(client->nat_pmp, now, e->engine);
        break;
    case HP_PORT_MAPPING_PCP:
        hp_pcp_client_unmap(client->pcp, now, e->engine);
        break;
    case HP_PORT_MAPPING_UPNP:
        hp_upnp_client_unmap(client->upnp, now, e->engine);
        break;
    }
    hp_port_client_settle(client);
}

uint64_t hp_port_client_find(const hp_port_client *client, uint8_t protocol, uint16_t internal_port)
{
    for (unsigned i = client->entries->len; i-- > 0;) {
        const hp_port_entry *e = client->entries->pdata[i];
        if (!e->leaving && e->wish.protocol == protocol && e->wish.internal_port == internal_port) {
            return e->number;
        }
    }
    return 0;
}

/* ---- life ---- */

hp_port_client *hp_port_client_new(hp_host *host, const char *peer, hp_port_mapping_protocol protocol,
                                   const hp_addr *local, const hp_port_client_config *config, GError **error)
{
    if (protocol == HP_PORT_MAPPING_NONE || (protocol != HP_PORT_MAPPING_PCP && local->family != HP_AF_IPV4)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s maps no ports of that family", peer,
                    protocol_names[protocol]);
        return NULL;
    }
    hp_port_client *client = g_new0(hp_port_client, 1);
    client->host = host;
    client->world = hp_host_world(host);
    client->peer = g_strdup(peer);
    client->protocol = protocol;
    client->config = *config;
    client->local = hp_addr_with_port(*local, 0);
    client->entries = g_ptr_array_new_with_free_func(g_free);
    client->next_number = 1;
    hp_byte_streams_init(&client->streams);
    hp_timer_init(&client->timer, HP_TIMER_ACTOR, hp_world_new_element(client->world), timer_fired, client);
    if (!hp_port_client_start(client, protocol, error)) {
        hp_port_client_free(client);
        return NULL;
    }
    return client;
}

void hp_port_client_free(hp_port_client *client)
{
    if (client == NULL) {
        return;
    }
    hp_timer_cancel(client->world, &client->timer);
    hp_port_client_stop(client);
    hp_byte_streams_clear(&client->streams);
    g_ptr_array_unref(client->entries);
    g_free(client->peer);
    g_free(client);
}

hp_port_mapping_protocol hp_port_client_protocol(const hp_port_client *client)
{
    return client->protocol;
}

hp_addr hp_port_client_local(const hp_port_client *client)
{
    return client->local;
}
