/* The UPnP control point: finding the gateway, and one request after the other.
 *
 *   IDLE -- something is wanted --> SEARCHING -- answer or announcement --> FOUND -- description read --> READY
 *    ^                                 | no answer                            | none
 *    +---------------------------------+--------------------------------------+
 *
 * Back in IDLE, all that is not granted has failed; the next wish searches again. In READY requests go out one at a
 * time, each on a connection of its own: the external address first, then mappings in the order they were made. Life of
 * a mapping:
 *
 *   NEW       asked for, not granted yet: refusal and silence end it. A port that is taken (718) makes it try the next
 *             ones, eight in all, unless the wish was exact; a gateway that knows no leases (725) is asked without, one
 *             that wants equal ports (724) with those.
 *   LIVE      granted; asked for again halfway to its end, with the external address, and from there halfway to what is
 *             left; ends when its lease does. The gateway does not say what lease it granted.
 *   LEAVING   a deletion is to be sent or was; whatever comes of it ends it
 *
 * A gateway that announces itself may have lost its state: all that is live is asked for again. */
#include "engines/upnp_client.h"

#include <assert.h>

#include "engines/upnp_client_private.h"

#define DEFAULT_LIFETIME (7200 * HP_S)
#define DEFAULT_SEARCH_TIMEOUT (2 * HP_S)
#define DEFAULT_SEARCHES 3
#define DEFAULT_GIVE_UP (10 * HP_S)
#define SHORTEST_TIMEOUT HP_MS /* below it one instant could last for ever */

static const char *const event_names[] = {
    [HP_UPNP_CLIENT_MAPPED] = "mapped",       [HP_UPNP_CLIENT_RENEWED] = "renewed",
    [HP_UPNP_CLIENT_UNMAPPED] = "unmapped",   [HP_UPNP_CLIENT_REFUSED] = "refused",
    [HP_UPNP_CLIENT_NO_ANSWER] = "no-answer", [HP_UPNP_CLIENT_EXPIRED] = "expired",
    [HP_UPNP_CLIENT_REBOOTED] = "rebooted",
};
static_assert(G_N_ELEMENTS(event_names) == HP_UPNP_CLIENT_REBOOTED + 1, "one name an event");

const char *hp_upnp_client_event_name(hp_upnp_client_event_kind kind)
{
    return event_names[kind];
}

hp_upnp_client *hp_upnp_client_new(const hp_port_client_config *config, const hp_addr *local,
                                   const hp_upnp_client_ops *ops, void *user)
{
    hp_upnp_client *client = g_new0(hp_upnp_client, 1);
    hp_port_client_config *c = &client->config;
    *c = *config;
    c->lifetime = c->lifetime != 0 ? c->lifetime : DEFAULT_LIFETIME;
    c->first_timeout = c->first_timeout != 0 ? MAX(c->first_timeout, SHORTEST_TIMEOUT) : DEFAULT_SEARCH_TIMEOUT;
    c->attempts = c->attempts != 0 ? c->attempts : DEFAULT_SEARCHES;
    c->give_up = c->give_up != 0 ? MAX(c->give_up, SHORTEST_TIMEOUT) : DEFAULT_GIVE_UP;
    client->local = hp_addr_with_port(*local, 0);
    client->ops = *ops;
    client->user = user;
    client->mappings = g_ptr_array_new_with_free_func(g_free);
    client->next_number = 1;
    client->in = g_byte_array_new();
    client->search_at = client->timeout = HP_NEVER;
    return client;
}

void hp_upnp_client_free(hp_upnp_client *client)
{
    if (client == NULL) {
        return;
    }
    g_ptr_array_unref(client->mappings);
    g_byte_array_unref(client->in);
    hp_upnp_url_clear(&client->description);
    hp_upnp_url_clear(&client->control);
    g_free(client->service);
    g_free(client->request);
    g_free(client);
}

hp_upnp_mapping *hp_upnp_client_find(const hp_upnp_client *client, uint64_t number)
{
    for (unsigned i = 0; i < client->mappings->len; i++) {
        hp_upnp_mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->number == number) {
            return m;
        }
    }
    return NULL;
}

void hp_upnp_client_tell(hp_upnp_client *client, hp_time now, hp_upnp_client_event_kind kind, const hp_upnp_mapping *m,
                         unsigned code)
{
    hp_upnp_client_event e = {.kind = kind, .code = code};
    if (m != NULL) {
        e.mapping = m->number;
        e.protocol = m->wish.protocol;
        e.internal_port = m->wish.internal_port;
        e.external = m->told;
        e.lifetime = m->lease;
    }
    client->ops.event(client->user, now, &e);
}

void hp_upnp_client_drop(hp_upnp_client *client, hp_time now, hp_upnp_mapping *m, hp_upnp_client_event_kind kind,
                         unsigned code)
{
    hp_upnp_mapping copy = *m;
    g_ptr_array_remove(client->mappings, m);
    hp_upnp_client_tell(client, now, kind, &copy, code);
}

bool hp_upnp_client_is_about(const hp_upnp_client *client, const hp_upnp_mapping *m)
{
    return client->busy && client->subject == HP_UPNP_OF_MAPPING && client->number == m->number;
}

hp_upnp_mapping *hp_upnp_client_next(const hp_upnp_client *client)
{
    for (unsigned i = 0; i < client->mappings->len; i++) {
        hp_upnp_mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->wanted && !hp_upnp_client_is_about(client, m)) {
            return m;
        }
    }
    return NULL;
}

uint64_t hp_upnp_client_map(hp_upnp_client *client, hp_time now, const hp_upnp_wish *wish)
{
    hp_upnp_mapping *m = g_new0(hp_upnp_mapping, 1);
    hp_time lifetime = wish->lifetime != 0 ? wish->lifetime : client->config.lifetime;
    client->now = now;
    m->number = client->next_number++;
    m->wish = *wish;
    m->external_port = wish->external_port != 0 ? wish->external_port : wish->internal_port;
    m->lease = lifetime == HP_NEVER ? 0 : (uint32_t)CLAMP(lifetime / HP_S, 1, UINT32_MAX);
    m->wanted = true;
    m->renew = m->expires = HP_NEVER;
    g_ptr_array_add(client->mappings, m);
    return m->number;
}

void hp_upnp_client_unmap(hp_upnp_client *client, hp_time now, uint64_t number)
{
    hp_upnp_mapping *m = hp_upnp_client_find(client, number);
    client->now = now;
    if (m == NULL || m->state == HP_UPNP_LEAVING) {
        return;
    }
    m->state = HP_UPNP_LEAVING;
    m->wanted = true;
    m->renew = HP_NEVER;
}

/* ---- what is due ---- */

hp_time hp_upnp_client_deadline(const hp_upnp_client *client)
{
    hp_time next = client->busy ? client->timeout : HP_NEVER;
    bool idle = !client->busy && client->phase != HP_UPNP_SEARCHING;
    if (client->news || (idle && (client->phase == HP_UPNP_FOUND || hp_upnp_client_next(client) != NULL))) {
        return client->now;
    }
    if (client->phase == HP_UPNP_SEARCHING) {
        next = MIN(next, client->search_at);
    }
    for (unsigned i = 0; i < client->mappings->len; i++) {
        const hp_upnp_mapping *m = g_ptr_array_index(client->mappings, i);
        next = MIN(next, MIN(m->renew, m->expires));
    }
    return next;
}

/* One thing that is due; false when nothing is. */
static bool step(hp_upnp_client *client, hp_time now)
{
    if (client->news) {
        client->news = false;
        hp_upnp_client_look(client, now);
        return true;
    }
    for (unsigned i = 0; i < client->mappings->len; i++) {
        hp_upnp_mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->expires <= now) {
            if (hp_upnp_client_is_about(client, m)) {
                hp_upnp_client_end_exchange(client, now);
            }
            hp_upnp_client_drop(client, now, m,
                                m->state == HP_UPNP_LEAVING ? HP_UPNP_CLIENT_UNMAPPED : HP_UPNP_CLIENT_EXPIRED, 0);
            return true;
        }
        if (m->renew <= now) {
            m->renew = HP_NEVER;
            m->wanted = true;
            client->address_wanted = true;
            return true;
        }
    }
    if (client->busy) {
        if (client->timeout > now) {
            return false;
        }
        hp_upnp_client_fail(client, now, HP_UPNP_CLIENT_NO_ANSWER, 0);
        return true;
    }
    if (client->phase == HP_UPNP_SEARCHING && client->search_at <= now) {
        hp_upnp_client_search(client, now);
        return true;
    }
    return hp_upnp_client_begin(client, now);
}

void hp_upnp_client_run(hp_upnp_client *client, hp_time now)
{
    client->now = now;
    while (step(client, now)) {
    }
}

/* ---- what comes ---- */

void hp_upnp_client_input(hp_upnp_client *client, hp_time now, const hp_addr *from, const uint8_t *data, size_t len)
{
    hp_upnp_url url;
    bool alive;
    if (!hp_upnp_read_presence(data, len, from, &alive, &url)) {
        return;
    }
    client->now = now;
    if (client->phase == HP_UPNP_SEARCHING) {
        hp_upnp_url_clear(&client->description);
        client->description = url;
        client->phase = HP_UPNP_FOUND;
        client->search_at = HP_NEVER;
        return;
    }
    bool same = client->phase == HP_UPNP_READY && hp_addr_equal(&url.host, &client->description.host) &&
                strcmp(url.path, client->description.path) == 0;
    hp_upnp_url_clear(&url);
    if (!alive || !same) {
        return;
    }
    bool any = false;
    for (unsigned i = 0; i < client->mappings->len; i++) {
        hp_upnp_mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->state == HP_UPNP_LIVE && !hp_upnp_client_is_about(client, m)) {
            m->renew = HP_NEVER;
            m->wanted = true;
            client->address_wanted = true;
            any = true;
        }
    }
    if (any) {
        hp_upnp_client_tell(client, now, HP_UPNP_CLIENT_REBOOTED, NULL, 0);
    }
}

void hp_upnp_client_connected(hp_upnp_client *client, hp_time now)
{
    client->now = now;
    client->connected = client->busy;
    client->news = true;
}

void hp_upnp_client_stream(hp_upnp_client *client, hp_time now, const uint8_t *data, size_t len)
{
    client->now = now;
    if (client->busy && client->in->len <= HP_UPNP_CLIENT_MAX_ANSWER) {
        g_byte_array_append(client->in, data, (guint)len);
    }
    client->news = true;
}

void hp_upnp_client_ended(hp_upnp_client *client, hp_time now)
{
    client->now = now;
    client->ended = client->busy;
    client->news = true;
}
