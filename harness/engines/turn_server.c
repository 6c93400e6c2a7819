/* The TURN server: what ties the methods together.
 *
 * A STUN server is its front and does all that is common (frames, credentials, unknown attributes, faults, answers);
 * this file is its extension. The rules of RFC 8656 section 5 for every method but Allocate stand here: no allocation
 * 437, another user's allocation 441, indications and ChannelData without an allocation dropped.
 *
 * Connections of clients over TCP and TLS are streams (turn_stream.c); the connections of TCP relays with peers are
 * made of two of them (turn_connection.c).
 *
 * State grows only for clients that logged in, and has a cap everywhere: allocations by capacity and quota (and by the
 * ports there are), permissions and channels by relay, reservations like allocations,
 * streams and connections by number. */
#include "engines/turn_server.h"

#include "engines/turn_private.h"

#define DEFAULT_LIFETIME (600 * HP_S)
#define DEFAULT_MAX_LIFETIME (3600 * HP_S)
#define PERMISSION_LIFETIME (300 * HP_S)
#define CHANNEL_LIFETIME (600 * HP_S)
#define STREAM_IDLE (600 * HP_S)
#define CONNECT_TIMEOUT (30 * HP_S)
#define BIND_TIMEOUT (30 * HP_S)
#define DEFAULT_TLS_PORT 5349
#define FIRST_PORT 49152
#define LAST_PORT 65535

/* ---- the front's extension ---- */

static bool supports(void *owner, uint16_t method, hp_stun_class cls)
{
    switch (method) {
    case HP_STUN_ALLOCATE:
    case HP_STUN_REFRESH:
    case HP_STUN_CREATE_PERMISSION:
    case HP_STUN_CHANNEL_BIND:
        return cls == HP_STUN_REQUEST;
    case HP_STUN_CONNECT:
    case HP_STUN_CONNECTION_BIND:
        return cls == HP_STUN_REQUEST && ((const hp_turn_server *)owner)->relays_tcp;
    case HP_STUN_SEND:
        return cls == HP_STUN_INDICATION;
    }
    return false;
}

static bool knows(void *owner, uint16_t attribute)
{
    const hp_turn_server *server = owner;
    switch (attribute) {
    case HP_STUN_CHANNEL_NUMBER:
    case HP_STUN_LIFETIME:
    case HP_STUN_XOR_PEER_ADDRESS:
    case HP_STUN_DATA_ATTR:
    case HP_STUN_XOR_RELAYED_ADDRESS:
    case HP_STUN_REQUESTED_ADDRESS_FAMILY:
    case HP_STUN_EVEN_PORT:
    case HP_STUN_REQUESTED_TRANSPORT:
    case HP_STUN_RESERVATION_TOKEN:
        return true;
    case HP_STUN_CONNECTION_ID:
        return server->relays_tcp;
    case HP_STUN_DONT_FRAGMENT:
        return server->stun->config.dont_fragment;
    }
    return false;
}

static unsigned request(void *owner, hp_stun_request *r)
{
    hp_turn_server *server = owner;
    if (r->msg->method == HP_STUN_ALLOCATE) {
        return hp_turn_allocate(server, r);
    }
    if (r->msg->method == HP_STUN_CONNECTION_BIND) {
        return hp_turn_connection_bind(server, r);
    }
    hp_turn_allocation *allocation = hp_turn_find(server, &r->path);
    if (allocation == NULL) {
        return 437;
    }
    if (allocation->user != r->credentials.user) {
        return 441;
    }
    switch (r->msg->method) {
    case HP_STUN_REFRESH:
        return hp_turn_refresh(server, r, allocation);
    case HP_STUN_CREATE_PERMISSION:
        return hp_turn_create_permission(server, r, allocation);
    case HP_STUN_CHANNEL_BIND:
        return hp_turn_channel_bind(server, r, allocation);
    case HP_STUN_CONNECT:
        return hp_turn_connect(server, r, allocation);
    }
    g_return_val_if_reached(500);
}

static void indication(void *owner, hp_time now, const hp_stun_msg *m, const hp_stun_path *path,
                       const hp_stun_meta *meta)
{
    hp_turn_send(owner, now, m, path, meta);
}

static void channel_data(void *owner, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                         const hp_stun_meta *meta)
{
    hp_turn_channel_data(owner, now, path, data, len, meta);
}

static void forget(void *owner, hp_time now, const hp_stun_path *path)
{
    hp_turn_allocation *allocation = hp_turn_find(owner, path);
    if (allocation != NULL) {
        hp_turn_allocation_end(allocation, now, "forgotten");
    }
}

/* ---- creation and end ---- */

static guint path_hash(gconstpointer key)
{
    const hp_stun_path *path = key;
    uint64_t server = hp_addr_hash(&path->server);
    return (guint)(hp_addr_hash(&path->client) + (server << 7 | server >> 57) + path->transport);
}

static gboolean path_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(hp_stun_path)) == 0;
}

static void set_times(hp_turn_server *server, const hp_server_config *config)
{
    server->lifetime = config->lifetime != 0 ? config->lifetime : DEFAULT_LIFETIME;
    server->max_lifetime = config->max_lifetime != 0 ? config->max_lifetime : DEFAULT_MAX_LIFETIME;
    if (config->max_lifetime == 0) {
        server->max_lifetime = MAX(server->max_lifetime, server->lifetime);
    }
    server->lifetime = MIN(server->lifetime, server->max_lifetime);
    server->permission_lifetime = config->permission_lifetime != 0 ? config->permission_lifetime : PERMISSION_LIFETIME;
    server->channel_lifetime = config->channel_lifetime != 0 ? config->channel_lifetime : CHANNEL_LIFETIME;
    server->stream_idle = config->stream_idle != 0 ? config->stream_idle : STREAM_IDLE;
    server->connect_timeout = config->connect_timeout != 0 ? config->connect_timeout : CONNECT_TIMEOUT;
    server->bind_timeout = config->bind_timeout != 0 ? config->bind_timeout : BIND_TIMEOUT;
}

hp_turn_server *hp_turn_server_new(const hp_server_config *config, const hp_addr *addresses, size_t n_addresses,
                                   const hp_rng *rng, const hp_server_ops *ops, void *user)
{
    hp_turn_server *server = g_new0(hp_turn_server, 1);
    server->stun = hp_stun_server_new(config, addresses, n_addresses, rng, ops, user);
    set_times(server, config);
    server->relay_address[hp_turn_slot(HP_AF_IPV4)] = hp_addr_with_port(config->relay_ipv4, 0);
    server->relay_address[hp_turn_slot(HP_AF_IPV6)] = hp_addr_with_port(config->relay_ipv6, 0);
    for (size_t i = 0; i < n_addresses; i++) {
        hp_addr *slot = &server->relay_address[hp_turn_slot(addresses[i].family)];
        if (slot->family == HP_AF_NONE && !hp_addr_is_link_local(&addresses[i])) {
            *slot = hp_addr_with_port(addresses[i], 0);
        }
    }
    hp_turn_ports_init(&server->ports, config->relay_port_first != 0 ? config->relay_port_first : FIRST_PORT,
                       config->relay_port_last != 0 ? config->relay_port_last : LAST_PORT);
    server->by_path = g_hash_table_new(path_hash, path_equal);
    server->by_relay = g_hash_table_new(hp_addr_key_hash, hp_addr_key_equal);
    server->reservations = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    server->streams = g_hash_table_new(path_hash, path_equal);
    server->connections = g_hash_table_new(NULL, NULL);
    server->graves = g_ptr_array_new_with_free_func(hp_turn_stream_free);
    server->stun->stream_send = hp_turn_stream_send;
    server->stun->stream_owner = server;
    server->tls_port = config->tls_port != 0 ? config->tls_port : DEFAULT_TLS_PORT;
    server->relays_udp = config->relays == 0 || (config->relays & HP_RELAY_UDP) != 0;
    server->relays_tcp = (config->relays & HP_RELAY_TCP) != 0 && ops->open_tcp_relay != NULL;
    server->user_allocations = g_new0(unsigned, config->n_users);
    server->user_reservations = g_new0(unsigned, config->n_users);
    if (config->kind == HP_SERVER_TURN) {
        server->stun->extension = (hp_stun_extension){
            .owner = server,
            .supports = supports,
            .knows = knows,
            .request = request,
            .indication = indication,
            .channel_data = channel_data,
            .forget = forget,
        };
    }
    return server;
}

/* The table's key is the token, drawn from the server's own stream: its order is the same on every run. */
static void end_reservations(hp_turn_server *server, hp_time now)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    GHashTableIter iter;
    gpointer reservation;
    g_hash_table_iter_init(&iter, server->reservations);
    while (g_hash_table_iter_next(&iter, NULL, &reservation)) {
        g_ptr_array_add(all, reservation);
    }
    for (guint i = 0; i < all->len; i++) {
        hp_turn_reservation_end(all->pdata[i], now);
    }
}

/* Allocations go before the streams they hang on, so that they end for the reason that is given. */
static void end_all(hp_turn_server *server, hp_time now, const char *reason)
{
    while (server->first != NULL) {
        hp_turn_allocation_end(server->first, now, reason);
    }
    end_reservations(server, now);
    while (server->first_stream != NULL) {
        hp_turn_stream_end(server->first_stream, now, reason, false);
    }
}

void hp_turn_server_end_all(hp_turn_server *server, hp_time now, const char *reason)
{
    server->depth++;
    end_all(server, now, reason);
    hp_turn_leave(server);
}

void hp_turn_server_free(hp_turn_server *server)
{
    if (server == NULL) {
        return;
    }
    end_all(server, 0, NULL);
    g_hash_table_destroy(server->by_path);
    g_hash_table_destroy(server->by_relay);
    g_hash_table_destroy(server->reservations);
    g_hash_table_destroy(server->streams);
    g_hash_table_destroy(server->connections);
    g_ptr_array_unref(server->graves);
    g_free(server->user_allocations);
    g_free(server->user_reservations);
    hp_turn_ports_clear(&server->ports);
    hp_stun_server_free(server->stun);
    g_free(server);
}

/* ---- the rest of the interface is the front's ---- */

size_t hp_turn_server_listeners(const hp_turn_server *server, uint8_t transport, hp_addr *ret, size_t cap)
{
    const hp_stun_server *stun = server->stun;
    unsigned wanted = stun->config.transports != 0 ? stun->config.transports : HP_SERVER_UDP;
    switch (transport) {
    case HP_STUN_OVER_UDP:
        return (wanted & HP_SERVER_UDP) != 0 ? hp_stun_server_bindings(stun, ret, cap) : 0;
    case HP_STUN_OVER_TCP:
        return (wanted & HP_SERVER_TCP) != 0 ? hp_stun_server_bindings(stun, ret, cap) : 0;
    }
    if ((wanted & (transport == HP_STUN_OVER_TLS ? HP_SERVER_TLS : HP_SERVER_DTLS)) == 0) {
        return 0;
    }
    for (unsigned i = 0; i < stun->n_addresses && i < cap; i++) {
        ret[i] = hp_addr_with_port(stun->addresses[i], server->tls_port);
    }
    return stun->n_addresses;
}

size_t hp_turn_server_bindings(const hp_turn_server *server, hp_addr *ret, size_t cap)
{
    return hp_turn_server_listeners(server, HP_STUN_OVER_UDP, ret, cap);
}

void hp_turn_server_path_ended(hp_turn_server *server, hp_time now, const hp_stun_path *path)
{
    hp_turn_enter(server, now);
    hp_turn_allocation *allocation = hp_turn_find(server, path);
    if (allocation != NULL) {
        hp_turn_allocation_end(allocation, now, "disconnected");
    }
    hp_turn_leave(server);
}

void hp_turn_server_input(hp_turn_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                          size_t len, const hp_stun_meta *meta)
{
    hp_turn_enter(server, now);
    hp_stun_server_input(server->stun, now, path, data, len, meta);
    hp_turn_leave(server);
}

hp_time hp_turn_server_deadline(const hp_turn_server *server)
{
    return hp_stun_server_deadline(server->stun);
}

void hp_turn_server_run(hp_turn_server *server, hp_time now)
{
    hp_turn_enter(server, now);
    hp_turn_leave(server);
}

hp_turn_stats hp_turn_server_stats(const hp_turn_server *server)
{
    return (hp_turn_stats){
        .allocations = server->n_allocations,
        .relays = g_hash_table_size(server->by_relay),
        .reservations = g_hash_table_size(server->reservations),
        .streams = g_hash_table_size(server->streams),
        .connections = server->n_connections,
    };
}
