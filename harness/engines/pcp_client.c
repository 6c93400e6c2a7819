/* The PCP client.
 *
 * Each mapping is an exchange of its own, told apart by a random nonce. Life of a mapping:
 *
 *   NEW       asked for, not granted yet: refusal ends it, and silence where attempts or time are limited
 *   LIVE      granted; asked for again, at a random time between 1/2 and 5/8 of what is left (11.2.1), no sooner than
 *             in 4 s; ends when its lifetime does
 *   LEAVING   MAP with lifetime 0 was sent; any answer ends it, and so do two requests without one
 *
 * Retransmission (8.1.1): after IRT of 3 s, doubling up to MRT, each time 10 % more or less, without end by default.
 *
 * Each answer carries the gateway's epoch, checked against the last one and this host's clock by the rule of section
 * 8.5; one that fails makes every live mapping be asked for anew, with the address it had. Where an announcement told
 * so, each waits a random time of up to 5 s first (14.1.3), so that not all hosts ask at once.
 *
 * Only packets from the gateway's address count. An answer whose version is not 2 says what the gateway speaks. */
#include "engines/pcp_client.h"

#include <assert.h>

#include "engines/pcp_private.h"
#include "engines/stun_deadline.h"
#include "wire/bytes.h"

#define RESPONSE 0x80
#define DEFAULT_LIFETIME (7200 * HP_S)
#define DEFAULT_IRT (3 * HP_S)
#define DEFAULT_MRT (1024 * HP_S)
#define SHORTEST_TIMEOUT HP_MS /* below it one instant could last for ever */
#define DELETE_ATTEMPTS 2
#define RENEWAL_GAP (4 * HP_S)
#define RECOVERY_SPREAD (5 * HP_S)
#define FILTER_OPTION 24

typedef enum mapping_state { NEW, LIVE, LEAVING } mapping_state;

typedef struct mapping {
    hp_pcp_client *client;
    uint64_t number;
    hp_pcp_wish wish;
    uint32_t lifetime; /* asked for, in seconds */
    uint8_t nonce[HP_LEASE_NONCE];
    mapping_state state;
    hp_addr external; /* granted; family none until then */
    bool asking; /* a request is out */
    unsigned sent;
    hp_time rt; /* the last retransmission timeout */
    hp_time began; /* the exchange under way */
    hp_deadline act; /* request, retransmission, renewal */
    hp_deadline end; /* its lifetime */
} mapping;

struct hp_pcp_client {
    hp_port_client_config config;
    hp_addr local;
    hp_rng rng;
    hp_pcp_client_ops ops;
    void *user;
    GPtrArray *mappings; /* in the order made */
    uint64_t next_number;
    hp_deadlines deadlines;
    bool has_epoch;
    uint32_t epoch;
    hp_time epoch_at;
};

static const char *const event_names[] = {
    [HP_PCP_CLIENT_MAPPED] = "mapped",       [HP_PCP_CLIENT_RENEWED] = "renewed",
    [HP_PCP_CLIENT_UNMAPPED] = "unmapped",   [HP_PCP_CLIENT_REFUSED] = "refused",
    [HP_PCP_CLIENT_NO_ANSWER] = "no-answer", [HP_PCP_CLIENT_EXPIRED] = "expired",
    [HP_PCP_CLIENT_REBOOTED] = "rebooted",   [HP_PCP_CLIENT_VERSION] = "version",
};
static_assert(G_N_ELEMENTS(event_names) == HP_PCP_CLIENT_VERSION + 1, "one name an event");

const char *hp_pcp_client_event_name(hp_pcp_client_event_kind kind)
{
    return event_names[kind];
}

static void mapping_free(void *data)
{
    mapping *m = data;
    hp_deadlines_clear(&m->client->deadlines, &m->act);
    hp_deadlines_clear(&m->client->deadlines, &m->end);
    g_free(m);
}

hp_pcp_client *hp_pcp_client_new(const hp_port_client_config *config, const hp_addr *local, const hp_rng *rng,
                                 const hp_pcp_client_ops *ops, void *user)
{
    hp_pcp_client *client = g_new0(hp_pcp_client, 1);
    client->config = *config;
    client->config.gateway.port = config->gateway.port != 0 ? config->gateway.port : HP_PCP_PORT;
    client->config.lifetime = config->lifetime != 0 ? config->lifetime : DEFAULT_LIFETIME;
    client->config.first_timeout =
        config->first_timeout != 0 ? MAX(config->first_timeout, SHORTEST_TIMEOUT) : DEFAULT_IRT;
    client->config.max_timeout = config->max_timeout != 0 ? MAX(config->max_timeout, SHORTEST_TIMEOUT) : DEFAULT_MRT;
    client->local = hp_addr_with_port(*local, 0);
    client->rng = *rng;
    client->ops = *ops;
    client->user = user;
    client->mappings = g_ptr_array_new_with_free_func(mapping_free);
    client->next_number = 1;
    return client;
}

void hp_pcp_client_free(hp_pcp_client *client)
{
    if (client != NULL) {
        g_ptr_array_unref(client->mappings);
        hp_deadlines_free(&client->deadlines);
        g_free(client);
    }
}

static void tell(hp_pcp_client *client, hp_time now, hp_pcp_client_event_kind kind, const mapping *m, uint32_t lifetime,
                 unsigned result)
{
    hp_pcp_client_event e = {.kind = kind, .lifetime = lifetime, .result = result, .version = HP_PCP_VERSION};
    if (m != NULL) {
        e.mapping = m->number;
        e.protocol = m->wish.protocol;
        e.internal = hp_addr_with_port(client->local, m->wish.internal_port);
        e.external = m->external;
        e.remote = m->wish.remote;
    }
    client->ops.event(client->user, now, &e);
}

/* Takes a mapping out and tells why. */
static void drop(mapping *m, hp_time now, hp_pcp_client_event_kind kind, uint32_t lifetime, unsigned result)
{
    hp_pcp_client *client = m->client;
    mapping copy = *m;
    g_ptr_array_remove(client->mappings, m);
    tell(client, now, kind, &copy, lifetime, result);
}

/* ---- requests ---- */

static size_t put_filters(const mapping *m, uint8_t *out)
{
    size_t length = 0;
    for (unsigned i = 0; i < m->wish.n_filters; i++, length += FILTER_OPTION) {
        const hp_lease_filter *f = &m->wish.filters[i];
        uint8_t *option = out + length;
        memset(option, 0, FILTER_OPTION);
        option[0] = HP_PCP_FILTER;
        option[3] = FILTER_OPTION - 4;
        option[5] = (uint8_t)(f->prefix.bits + (f->prefix.base.family == HP_AF_IPV4 ? 96 : 0));
        hp_put16(option + 6, f->port);
        hp_pcp_put_addr(option + 8, &f->prefix.base);
    }
    return length;
}

static size_t write_request(const mapping *m, uint8_t out[static HP_PCP_MAX])
{
    const hp_pcp_client *client = m->client;
    bool peer = m->wish.remote.family != HP_AF_NONE;
    size_t length = HP_PCP_HEADER + (peer ? HP_PCP_PEER_DATA : HP_PCP_MAP_DATA);
    hp_addr none = {.family = client->local.family};
    hp_addr suggested = m->external.family != HP_AF_NONE        ? m->external
                        : m->wish.external.family != HP_AF_NONE ? m->wish.external
                                                                : none;
    memset(out, 0, length);
    out[0] = HP_PCP_VERSION;
    out[1] = peer ? HP_PCP_PEER : HP_PCP_MAP;
    hp_put32(out + 4, m->state == LEAVING ? 0 : m->lifetime);
    hp_pcp_put_addr(out + 8, &client->local);
    memcpy(out + 24, m->nonce, sizeof m->nonce);
    out[36] = m->wish.protocol;
    hp_put16(out + 40, m->wish.internal_port);
    hp_put16(out + 42, suggested.port);
    hp_pcp_put_addr(out + 44, &suggested);
    if (peer) {
        hp_put16(out + 60, m->wish.remote.port);
        hp_pcp_put_addr(out + 64, &m->wish.remote);
        return length;
    }
    if (m->state == LEAVING) {
        return length;
    }
    if (m->wish.prefer_failure) {
        static const uint8_t option[4] = {HP_PCP_PREFER_FAILURE};
        memcpy(out + length, option, sizeof option);
        length += sizeof option;
    }
    return length + put_filters(m, out + length);
}

static hp_time about(hp_pcp_client *client, hp_time t)
{
    return t / 1000 * (900 + hp_rng_below(&client->rng, 201));
}

static void send_request(mapping *m, hp_time now)
{
    hp_pcp_client *client = m->client;
    uint8_t out[HP_PCP_MAX];
    size_t length = write_request(m, out);
    m->rt = m->sent == 0 ? about(client, client->config.first_timeout)
                         : about(client, MIN(2 * m->rt, client->config.max_timeout));
    m->sent++;
    hp_deadlines_set(&client->deadlines, &m->act, hp_time_add(now, m->rt));
    hp_addr gateway = client->config.gateway;
    client->ops.send(client->user, now, &gateway, out, length);
}

static void set_renewal(mapping *m, hp_time now)
{
    hp_time left = m->end.at > now ? m->end.at - now : 0;
    hp_time wait = left / 2 + hp_rng_below(&m->client->rng, left / 8 + 1);
    m->asking = false;
    hp_deadlines_set(&m->client->deadlines, &m->act, hp_time_add(now, MAX(wait, RENEWAL_GAP)));
}

static void give_up(mapping *m, hp_time now)
{
    if (m->state == LIVE) {
        set_renewal(m, now);
        tell(m->client, now, HP_PCP_CLIENT_NO_ANSWER, m, 0, 0);
    } else {
        drop(m, now, HP_PCP_CLIENT_NO_ANSWER, 0, 0);
    }
}

static bool is_over(const mapping *m, hp_time now)
{
    const hp_port_client_config *c = &m->client->config;
    unsigned attempts = m->state == LEAVING ? DELETE_ATTEMPTS : c->attempts;
    return (attempts != 0 && m->sent >= attempts) || (c->give_up != 0 && now - m->began >= c->give_up);
}

static void act_due(void *owner, hp_time now)
{
    mapping *m = owner;
    if (!m->asking) {
        m->asking = true;
        m->sent = 0;
        m->began = now;
    } else if (is_over(m, now)) {
        give_up(m, now);
        return;
    }
    send_request(m, now);
}

static void end_due(void *owner, hp_time now)
{
    mapping *m = owner;
    drop(m, now, m->state == LEAVING ? HP_PCP_CLIENT_UNMAPPED : HP_PCP_CLIENT_EXPIRED, 0, 0);
}

uint64_t hp_pcp_client_map(hp_pcp_client *client, hp_time now, const hp_pcp_wish *wish)
{
    mapping *m = g_new0(mapping, 1);
    hp_time asked = wish->lifetime != 0 ? wish->lifetime : client->config.lifetime;
    m->client = client;
    m->number = client->next_number++;
    m->wish = *wish;
    m->wish.n_filters = MIN(wish->n_filters, HP_LEASE_MAX_FILTERS);
    m->lifetime = (uint32_t)CLAMP(asked / HP_S, 1, UINT32_MAX);
    hp_rng_bytes(&client->rng, m->nonce, sizeof m->nonce);
    m->act.fire = act_due;
    m->end.fire = end_due;
    m->act.owner = m->end.owner = m;
    g_ptr_array_add(client->mappings, m);
    hp_deadlines_set(&client->deadlines, &m->act, now);
    return m->number;
}

void hp_pcp_client_unmap(hp_pcp_client *client, hp_time now, uint64_t number)
{
    for (unsigned i = 0; i < client->mappings->len; i++) {
        mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->number != number || m->state == LEAVING) {
            continue;
        }
        if (m->wish.remote.family != HP_AF_NONE) {
            drop(m, now, HP_PCP_CLIENT_UNMAPPED, 0, 0);
            return;
        }
        m->state = LEAVING;
        m->asking = false;
        hp_deadlines_set(&client->deadlines, &m->act, now);
        return;
    }
}

void hp_pcp_client_unreachable(hp_pcp_client *client, hp_time now)
{
    /* What event() adds is not asking yet, and what give_up() ends is gone: the numbers say where to go on. */
    uint64_t last = 0;
    for (unsigned i = 0; i < client->mappings->len;) {
        mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->number > last && m->asking) {
            last = m->number;
            give_up(m, now);
            i = 0;
            continue;
        }
        i++;
    }
}

hp_time hp_pcp_client_deadline(const hp_pcp_client *client)
{
    return hp_deadlines_next(&client->deadlines);
}

void hp_pcp_client_run(hp_pcp_client *client, hp_time now)
{
    hp_deadlines_run(&client->deadlines, now);
}

/* ---- answers ---- */

/* Section 8.5: the server's clock must not go back by more than a second, and both must have run at about one pace. */
static bool epoch_valid(const hp_pcp_client *client, hp_time now, uint32_t epoch)
{
    int64_t client_delta = (int64_t)((now - client->epoch_at) / HP_S);
    int64_t server_delta = (int64_t)epoch - (int64_t)client->epoch;
    if (!client->has_epoch) {
        return true;
    }
    return server_delta >= -1 && client_delta + 2 >= server_delta - server_delta / 16 &&
           server_delta + 2 >= client_delta - client_delta / 16;
}

static void take_epoch(hp_pcp_client *client, hp_time now, uint32_t epoch, bool announced)
{
    bool valid = epoch_valid(client, now, epoch);
    client->has_epoch = true;
    client->epoch = epoch;
    client->epoch_at = now;
    if (valid) {
        return;
    }
    for (unsigned i = 0; i < client->mappings->len; i++) {
        mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->state == LIVE) {
            hp_time wait = announced ? hp_rng_below(&client->rng, RECOVERY_SPREAD + 1) : 0;
            m->asking = false;
            hp_deadlines_set(&client->deadlines, &m->act, hp_time_add(now, wait));
        }
    }
    tell(client, now, HP_PCP_CLIENT_REBOOTED, NULL, 0, 0);
}

static mapping *find(const hp_pcp_client *client, const uint8_t *data, size_t len, bool peer)
{
    for (unsigned i = 0; i < client->mappings->len; i++) {
        mapping *m = g_ptr_array_index(client->mappings, i);
        if ((m->wish.remote.family != HP_AF_NONE) != peer || memcmp(m->nonce, data + 24, sizeof m->nonce) != 0 ||
            m->wish.protocol != data[36] || m->wish.internal_port != hp_get16(data + 40)) {
            continue;
        }
        hp_addr remote = {0};
        if (peer) {
            remote = hp_addr_with_port(hp_pcp_get_addr(data + 64), hp_get16(data + 60));
        }
        if (hp_addr_equal(&remote, &m->wish.remote)) {
            return m;
        }
    }
    return NULL;
}

static void take_mapping(mapping *m, hp_time now, const uint8_t *data)
{
    hp_pcp_client *client = m->client;
    uint32_t lifetime = hp_get32(data + 4);
    unsigned result = data[3];
    if (m->state == LEAVING) {
        if (result != HP_PCP_SUCCESS) {
            drop(m, now, HP_PCP_CLIENT_REFUSED, lifetime, result);
        } else if (lifetime == 0) {
            drop(m, now, HP_PCP_CLIENT_UNMAPPED, 0, 0);
        }
        return;
    }
    if (result != HP_PCP_SUCCESS) {
        /* Only to what was asked: an old error says nothing about a mapping that lives. */
        if (m->asking) {
            drop(m, now, HP_PCP_CLIENT_REFUSED, lifetime, result);
        }
        return;
    }
    hp_addr external = hp_addr_with_port(hp_pcp_get_addr(data + 44), hp_get16(data + 42));
    bool renewed = m->state == LIVE && hp_addr_equal(&external, &m->external);
    m->state = LIVE;
    m->external = external;
    hp_deadlines_set(&client->deadlines, &m->end, hp_time_add(now, lifetime * HP_S));
    set_renewal(m, now);
    tell(client, now, renewed ? HP_PCP_CLIENT_RENEWED : HP_PCP_CLIENT_MAPPED, m, lifetime, 0);
}

static void take_version(hp_pcp_client *client, hp_time now, uint8_t version)
{
    for (unsigned i = 0; i < client->mappings->len;) {
        const mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->state == NEW) {
            g_ptr_array_remove_index(client->mappings, i);
        } else {
            i++;
        }
    }
    hp_pcp_client_event e = {
        .kind = HP_PCP_CLIENT_VERSION,
        .version = version,
        .result = HP_PCP_UNSUPP_VERSION,
    };
    client->ops.event(client->user, now, &e);
}

static bool anything_asked(const hp_pcp_client *client)
{
    for (unsigned i = 0; i < client->mappings->len; i++) {
        const mapping *m = g_ptr_array_index(client->mappings, i);
        if (m->asking) {
            return true;
        }
    }
    return false;
}

void hp_pcp_client_input(hp_pcp_client *client, hp_time now, const hp_addr *from, const uint8_t *data, size_t len)
{
    if (len < 8 || (data[1] & RESPONSE) == 0 || !hp_addr_same_ip(from, &client->config.gateway)) {
        return;
    }
    if (data[0] != HP_PCP_VERSION) {
        /* NAT-PMP's code of 16 bits has its low byte where PCP has its result. */
        if (data[3] == HP_PCP_UNSUPP_VERSION && anything_asked(client)) {
            take_version(client, now, data[0]);
        }
        return;
    }
    unsigned opcode = data[1] & 127;
    size_t needed = opcode == HP_PCP_MAP    ? HP_PCP_HEADER + HP_PCP_MAP_DATA
                    : opcode == HP_PCP_PEER ? HP_PCP_HEADER + HP_PCP_PEER_DATA
                                            : HP_PCP_HEADER;
    if (len < needed || len > HP_PCP_MAX || len % 4 != 0 || opcode > HP_PCP_PEER) {
        return;
    }
    take_epoch(client, now, hp_get32(data + 8), opcode == HP_PCP_ANNOUNCE);
    mapping *m = opcode != HP_PCP_ANNOUNCE ? find(client, data, len, opcode == HP_PCP_PEER) : NULL;
    if (m != NULL) {
        take_mapping(m, now, data);
    }
}
