/* The NAT-PMP client (RFC 6886 sections 3.1 to 3.7).
 *
 * Requests go out one at a time (3.1): what else is wanted waits its turn, the external address first, then mappings
 * in the order they were made. A request is sent again after 250 ms, doubling, nine times in all by default; 64 s
 * after the last one there is no answer. Life of a mapping:
 *
 *   NEW       asked for, not granted yet: refusal and silence end it
 *   LIVE      granted; asked for again halfway to its end (3.3), and from there halfway to what is left, as long as
 *             that is a second at least; ends when its lifetime does
 *   LEAVING   a deletion is to be sent or was; any answer ends it, and so do two requests without one
 *
 * Each packet of the gateway carries its epoch. When that lies more than two seconds below 7/8 of what has passed here
 * since the last packet, the gateway has lost its state, and every live mapping is asked for at once, with the port it
 * had (3.6, 3.7). Only packets from the gateway's address count; answers match by opcode and inside port. */
#include "engines/nat_pmp.h"

#include <assert.h>

#include "wire/bytes.h"

#define RESPONSE 128
#define DEFAULT_LIFETIME (7200 * HP_S)
#define DEFAULT_TIMEOUT (250 * HP_MS)
#define DEFAULT_ATTEMPTS 9
#define DELETE_ATTEMPTS 2

typedef enum mapping_state { NEW, LIVE, LEAVING } mapping_state;

typedef struct mapping {
    uint64_t number;
    uint8_t protocol;
    uint16_t internal_port, external_port; /* external: suggested, then granted */
    uint32_t lifetime; /* asked for, in seconds */
    mapping_state state;
    bool wanted; /* a request is to be sent */
    hp_time renew, expires;
} mapping;

struct hp_nat_pmp_client {
    hp_port_client_config config;
    hp_nat_pmp_client_ops ops;
    void *user;
    GPtrArray *mappings; /* in the order made */
    uint64_t next_number;
    bool address_wanted;
    hp_time now; /* of the last call: when what is wanted became due */
    hp_addr external; /* family none: not known */
    /* the request under way */
    bool busy;
    uint64_t subject; /* 0: the external address */
    unsigned sent;
    hp_time timeout;
    /* the gateway's clock */
    bool has_epoch;
    uint32_t epoch;
    hp_time epoch_at;
};

static const char *const event_names[] = {
    [HP_NAT_PMP_EXTERNAL_ADDRESS] = "external-address",
    [HP_NAT_PMP_MAPPED] = "mapped",
    [HP_NAT_PMP_RENEWED] = "renewed",
    [HP_NAT_PMP_UNMAPPED] = "unmapped",
    [HP_NAT_PMP_REFUSED] = "refused",
    [HP_NAT_PMP_NO_ANSWER] = "no-answer",
    [HP_NAT_PMP_EXPIRED] = "expired",
    [HP_NAT_PMP_REBOOTED] = "rebooted",
};
static_assert(G_N_ELEMENTS(event_names) == HP_NAT_PMP_REBOOTED + 1, "one name an event");

const char *hp_nat_pmp_client_event_name(hp_nat_pmp_client_event_kind kind)
{
    return event_names[kind];
}

hp_nat_pmp_client *hp_nat_pmp_client_new(const hp_port_client_config *config, const hp_nat_pmp_client_ops *ops,
                                         void *user)
{
    hp_nat_pmp_client *client = g_new0(hp_nat_pmp_client, 1);
    client->config = *config;
    client->config.gateway.port = config->gateway.port != 0 ? config->gateway.port : HP_NAT_PMP_PORT;
    client->config.lifetime = config->lifetime != 0 ? config->lifetime : DEFAULT_LIFETIME;
    client->config.first_timeout = config->first_timeout != 0 ? config->first_timeout : DEFAULT_TIMEOUT;
    client->config.attempts = config->attempts != 0 ? config->attempts : DEFAULT_ATTEMPTS;
    client->ops = *ops;
    client->user = user;
    client->mappings = g_ptr_array_new_with_free_func(g_free);
    client->next_number = 1;
    client->timeout = HP_NEVER;
    return client;
}

void hp_nat_pmp_client_free(hp_nat_pmp_client *client)
{
    if (client != NULL) {
        g_ptr_array_unref(client->mappings);
        g_free(client);
    }
}

static mapping *find(const hp_nat_pmp_client *client, uint64_t number)
{
    for (unsigned i = 0; i < client->mappings->len; i++) {
        mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->number == number) {
            return m;
        }
    }
    return NULL;
}

static void tell(hp_nat_pmp_client *client, hp_time now, hp_nat_pmp_client_event_kind kind, const mapping *m,
                 uint32_t lifetime, unsigned code)
{
    hp_nat_pmp_client_event e = {.kind = kind, .lifetime = lifetime, .code = code, .external = client->external};
    if (m != NULL) {
        e.mapping = m->number;
        e.protocol = m->protocol;
        e.internal_port = m->internal_port;
        e.external.port = m->external_port;
    }
    client->ops.event(client->user, now, &e);
}

/* Takes a mapping out and tells why. */
static void drop(hp_nat_pmp_client *client, hp_time now, mapping *m, hp_nat_pmp_client_event_kind kind, unsigned code)
{
    mapping copy = *m;
    if (client->busy && client->subject == m->number) {
        client->busy = false;
    }
    g_ptr_array_remove(client->mappings, m);
    tell(client, now, kind, &copy, 0, code);
}

void hp_nat_pmp_client_ask_address(hp_nat_pmp_client *client, hp_time now)
{
    client->now = now;
    client->address_wanted = true;
}

uint64_t hp_nat_pmp_client_map(hp_nat_pmp_client *client, hp_time now, uint8_t protocol, uint16_t internal_port,
                               uint16_t external_port, hp_time lifetime)
{
    mapping *m = g_new0(mapping, 1);
    hp_time asked = lifetime != 0 ? lifetime : client->config.lifetime;
    client->now = now;
    m->number = client->next_number++;
    m->protocol = protocol;
    m->internal_port = internal_port;
    m->external_port = external_port;
    m->lifetime = (uint32_t)CLAMP(asked / HP_S, 1, UINT32_MAX);
    m->wanted = true;
    m->renew = m->expires = HP_NEVER;
    g_ptr_array_add(client->mappings, m);
    return m->number;
}

void hp_nat_pmp_client_unmap(hp_nat_pmp_client *client, hp_time now, uint64_t number)
{
    mapping *m = find(client, number);
    client->now = now;
    if (m == NULL || m->state == LEAVING) {
        return;
    }
    /* Even one that was never granted may be there, its answer lost. */
    if (client->busy && client->subject == number) {
        client->busy = false;
    }
    m->state = LEAVING;
    m->wanted = true;
    m->renew = HP_NEVER;
}

/* ---- sending ---- */

static mapping *next_wanted(const hp_nat_pmp_client *client)
{
    for (unsigned i = 0; i < client->mappings->len; i++) {
        mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->wanted) {
            return m;
        }
    }
    return NULL;
}

static void send_request(hp_nat_pmp_client *client, hp_time now)
{
    uint8_t out[12] = {0};
    size_t length = 2;
    const mapping *m = find(client, client->subject);
    if (m != NULL) {
        bool leaving = m->state == LEAVING;
        out[1] = m->protocol == HP_LEASE_UDP ? HP_NAT_PMP_MAP_UDP : HP_NAT_PMP_MAP_TCP;
        hp_put16(out + 4, m->internal_port);
        hp_put16(out + 6, leaving ? 0 : m->external_port);
        hp_put32(out + 8, leaving ? 0 : m->lifetime);
        length = sizeof out;
    }
    client->timeout = hp_time_add(now, client->config.first_timeout << MIN(client->sent, 20));
    client->sent++;
    hp_addr gateway = client->config.gateway;
    client->ops.send(client->user, now, &gateway, out, length);
}

static void begin_next(hp_nat_pmp_client *client, hp_time now)
{
    mapping *m = next_wanted(client);
    if (!client->address_wanted && m == NULL) {
        return;
    }
    client->subject = client->address_wanted ? 0 : m->number;
    if (client->address_wanted) {
        client->address_wanted = false;
    } else {
        m->wanted = false;
    }
    client->busy = true;
    client->sent = 0;
    send_request(client, now);
}

static void set_renewal(mapping *m, hp_time now)
{
    hp_time half = m->expires > now ? (m->expires - now) / 2 : 0;
    m->renew = half >= HP_S ? hp_time_add(now, half) : HP_NEVER;
}

static void give_up(hp_nat_pmp_client *client, hp_time now)
{
    mapping *m = find(client, client->subject);
    client->busy = false;
    if (m == NULL) {
        tell(client, now, HP_NAT_PMP_NO_ANSWER, NULL, 0, 0);
    } else if (m->state == LIVE) {
        set_renewal(m, now);
        tell(client, now, HP_NAT_PMP_NO_ANSWER, m, 0, 0);
    } else {
        drop(client, now, m, HP_NAT_PMP_NO_ANSWER, 0);
    }
}

hp_time hp_nat_pmp_client_deadline(const hp_nat_pmp_client *client)
{
    hp_time next = client->busy ? client->timeout : HP_NEVER;
    if (!client->busy && (client->address_wanted || next_wanted(client) != NULL)) {
        return client->now;
    }
    for (unsigned i = 0; i < client->mappings->len; i++) {
        const mapping *m = g_ptr_array_index(client->mappings, i);
        next = MIN(next, MIN(m->renew, m->expires));
    }
    return next;
}

/* One thing that is due; false when nothing is. */
static bool step(hp_nat_pmp_client *client, hp_time now)
{
    for (unsigned i = 0; i < client->mappings->len; i++) {
        mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->expires <= now) {
            bool leaving = m->state == LEAVING;
            drop(client, now, m, leaving ? HP_NAT_PMP_UNMAPPED : HP_NAT_PMP_EXPIRED, 0);
            return true;
        }
        if (m->renew <= now) {
            m->renew = HP_NEVER;
            m->wanted = true;
            return true;
        }
    }
    if (!client->busy) {
        begin_next(client, now);
        return client->busy;
    }
    if (client->timeout > now) {
        return false;
    }
    const mapping *m = find(client, client->subject);
    unsigned attempts = client->config.attempts;
    if (m != NULL && m->state == LEAVING) {
        attempts = MIN(attempts, DELETE_ATTEMPTS);
    }
    if (client->sent < attempts) {
        send_request(client, now);
    } else {
        give_up(client, now);
    }
    return true;
}

void hp_nat_pmp_client_run(hp_nat_pmp_client *client, hp_time now)
{
    client->now = now;
    while (step(client, now)) {
    }
}

void hp_nat_pmp_client_unreachable(hp_nat_pmp_client *client, hp_time now)
{
    client->now = now;
    if (client->busy) {
        give_up(client, now);
    }
}

/* ---- receiving ---- */

static void take_epoch(hp_nat_pmp_client *client, hp_time now, uint32_t epoch)
{
    hp_time passed = now - client->epoch_at;
    uint64_t expected = client->epoch + (passed - passed / 8) / HP_S;
    bool lost = client->has_epoch && (uint64_t)epoch + 2 < expected;
    client->has_epoch = true;
    client->epoch = epoch;
    client->epoch_at = now;
    if (!lost) {
        return;
    }
    for (unsigned i = 0; i < client->mappings->len; i++) {
        mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->state == LIVE) {
            m->renew = HP_NEVER;
            m->wanted = true;
        }
    }
    tell(client, now, HP_NAT_PMP_REBOOTED, NULL, 0, 0);
}

static void take_address(hp_nat_pmp_client *client, hp_time now, const uint8_t *data, unsigned code)
{
    bool asked = client->busy && client->subject == 0;
    client->busy = client->busy && !asked;
    if (code != HP_NAT_PMP_SUCCESS) {
        if (asked) {
            tell(client, now, HP_NAT_PMP_REFUSED, NULL, 0, code);
        }
        return;
    }
    hp_addr external = hp_addr_v4(hp_get32(data + 8), 0);
    bool changed = !hp_addr_equal(&external, &client->external);
    client->external = external;
    if (asked || changed) {
        tell(client, now, HP_NAT_PMP_EXTERNAL_ADDRESS, NULL, 0, 0);
    }
}

static void take_mapping(hp_nat_pmp_client *client, hp_time now, const uint8_t *data, unsigned code)
{
    mapping *m = client->busy ? find(client, client->subject) : NULL;
    uint8_t protocol = (data[1] & 127) == HP_NAT_PMP_MAP_UDP ? HP_LEASE_UDP : HP_LEASE_TCP;
    uint32_t lifetime = hp_get32(data + 12);
    if (m == NULL || m->protocol != protocol || m->internal_port != hp_get16(data + 8) ||
        (code == HP_NAT_PMP_SUCCESS && (lifetime == 0) != (m->state == LEAVING))) {
        return;
    }
    client->busy = false;
    if (m->state == LEAVING) {
        drop(client, now, m, code == HP_NAT_PMP_SUCCESS ? HP_NAT_PMP_UNMAPPED : HP_NAT_PMP_REFUSED, code);
        return;
    }
    if (code != HP_NAT_PMP_SUCCESS) {
        drop(client, now, m, HP_NAT_PMP_REFUSED, code);
        return;
    }
    uint16_t external_port = hp_get16(data + 10);
    bool renewed = m->state == LIVE && external_port == m->external_port;
    m->state = LIVE;
    m->wanted = false;
    m->external_port = external_port;
    m->expires = hp_time_add(now, lifetime * HP_S);
    set_renewal(m, now);
    tell(client, now, renewed ? HP_NAT_PMP_RENEWED : HP_NAT_PMP_MAPPED, m, lifetime, 0);
}

void hp_nat_pmp_client_input(hp_nat_pmp_client *client, hp_time now, const hp_addr *from, const uint8_t *data,
                             size_t len)
{
    if (len < 8 || data[0] != 0 || data[1] < RESPONSE || !hp_addr_same_ip(from, &client->config.gateway)) {
        return;
    }
    client->now = now;
    unsigned code = hp_get16(data + 2);
    unsigned opcode = data[1] & 127;
    if (code == HP_NAT_PMP_UNSUPPORTED_VERSION || code == HP_NAT_PMP_UNSUPPORTED_OPCODE) {
        /* Such answers need not have the fields that say which request they are about: there is only one. */
        mapping *m = client->busy ? find(client, client->subject) : NULL;
        if (m != NULL) {
            drop(client, now, m, HP_NAT_PMP_REFUSED, code);
        } else if (client->busy) {
            client->busy = false;
            tell(client, now, HP_NAT_PMP_REFUSED, NULL, 0, code);
        }
        return;
    }
    bool address = opcode == HP_NAT_PMP_ADDRESS && len >= 12;
    bool map = (opcode == HP_NAT_PMP_MAP_UDP || opcode == HP_NAT_PMP_MAP_TCP) && len >= 16;
    if (!address && !map) {
        return;
    }
    take_epoch(client, now, hp_get32(data + 4));
    if (address) {
        take_address(client, now, data, code);
    } else {
        take_mapping(client, now, data, code);
    }
}
