/* A built-in STUN or TURN server on a virtual host: the engine (engines/turn_server.h) with the host's sockets, the
 * world's clock and the trace.
 *
 * One socket stands at every address and port that the engine names; more are opened when an answer is to leave from
 * another port (the OTHER_ADDRESS fault), and what arrives there is not read. Relay sockets are opened and closed as
 * the engine asks. Clients on TCP and TLS, and the TCP connections of relays, are server_stream.c's; DTLS is
 * server_dtls.c's, between the sockets here and the engine. One timer follows the deadlines; they are looked at after
 * everything that went in.
 *
 * A stopped server has no engine and no sockets. Starting makes a new engine with a new stream drawn from the server's
 * own ("server:NAME"), so that neither nonces nor relay ports repeat; its certificate stays the same. Every step of the
 * engine is traced as trace/event.h says; what the engine calls a relay that could not be sent is the host saying no
 * (interface down), or a client on a stream that does not read. */
#include "actors/server.h"

#include "actors/server_private.h"
#include "base/error.h"
#include "wire/ip.h"
#include "wire/stun.h"

typedef struct server_socket {
    hp_socket *socket;
    hp_addr local;
} server_socket;

typedef struct relay_socket {
    hp_server *server;
    hp_socket *socket;
    hp_addr local;
} relay_socket;

static void arm(hp_server *server)
{
    if (server->engine == NULL) {
        return;
    }
    hp_time deadline = MIN(hp_turn_server_deadline(server->engine), hp_server_dtls_deadline(server));
    if (deadline != (hp_timer_is_armed(&server->timer) ? server->timer.at : HP_NEVER)) {
        hp_timer_arm(server->world, &server->timer, deadline);
    }
}

void hp_server_settle(hp_server *server)
{
    hp_server_settle_streams(server);
    arm(server);
}

static void timer_fired(void *owner, hp_time now)
{
    hp_server *server = owner;
    hp_server_dtls_run(server, now);
    hp_server_meter_enter(server->meter);
    hp_turn_server_run(server->engine, now);
    hp_server_meter_leave(server->meter);
    hp_server_settle(server);
}

static hp_stun_meta meta_of(const hp_datagram *d)
{
    return (hp_stun_meta){.ttl = d->ttl, .tos = d->tos, .dont_fragment = d->dont_fragment};
}

static hp_send_options options_of(const hp_stun_meta *meta)
{
    return (hp_send_options){.ttl = meta->ttl,
                             .tos = meta->tos,
                             .dont_fragment = meta->never_cut,
                             .may_fragment = meta->relayed && !meta->dont_fragment};
}

/* ---- the server's own sockets ---- */

/* Why the engine will pass over it without a word, or NULL. */
static const char *what_is_wrong(const hp_server *server, const hp_datagram *d)
{
    enum { CHANNEL_DATA = 1 }; /* the first two bits (RFC 8656 section 12.4) */
    uint16_t channel;
    const uint8_t *payload;
    size_t length;
    hp_stun_msg m;
    if (d->length > 0 && d->data[0] >> 6 == CHANNEL_DATA) {
        if (server->config.kind != HP_SERVER_TURN) {
            return "ChannelData for a server that relays nothing";
        }
        bool good = server->config.wide_channels
                        ? hp_channel_data_parse_wide(d->data, d->length, &channel, &payload, &length)
                        : hp_channel_data_parse(d->data, d->length, &channel, &payload, &length);
        return good ? NULL : "no ChannelData";
    }
    return hp_stun_parse(d->data, d->length, &m) ? NULL : "no STUN message";
}

/* Leaves a trace of a datagram that nobody could read. */
static void drop_malformed(hp_server *server, const hp_datagram *d, const char *detail)
{
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &d->from, &d->to, NULL, 0);
    p->uid = d->uid;
    p->last_record = d->record;
    hp_trace_drop(hp_world_trace(server->world), hp_world_now(server->world), server->name, p, HP_DROP_MALFORMED,
                  detail);
}

static void client_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    hp_server *server = user;
    const char *wrong = what_is_wrong(server, d);
    if (wrong != NULL) {
        drop_malformed(server, d, wrong);
        return;
    }
    hp_stun_path path = hp_stun_path_udp(&d->from, &d->to);
    hp_stun_meta meta = meta_of(d);
    hp_server_meter_enter(server->meter);
    hp_turn_server_input(server->engine, hp_world_now(server->world), &path, d->data, d->length, &meta);
    hp_server_meter_leave(server->meter);
    hp_server_settle(server);
}

static void dtls_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    hp_server *server = user;
    hp_stun_path path = {.client = d->from, .server = d->to, .transport = HP_STUN_OVER_DTLS};
    hp_stun_meta meta = meta_of(d);
    hp_server_dtls_input(server, hp_world_now(server->world), &path, d->data, d->length, &meta);
    hp_server_settle(server);
}

static void unread_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
}

static hp_socket *bind_socket(hp_server *server, const hp_addr *local,
                              void (*datagram)(void *user, hp_socket *socket, const hp_datagram *d), GError **error)
{
    const hp_socket_ops ops = {.datagram = datagram};
    server_socket s = {.local = *local, .socket = hp_host_bind(server->host, local, &ops, server, error)};
    if (s.socket != NULL) {
        g_array_append_val(server->sockets, s);
    }
    return s.socket;
}

static hp_socket *socket_at(hp_server *server, const hp_addr *local)
{
    for (guint i = 0; i < server->sockets->len; i++) {
        const server_socket *s = &g_array_index(server->sockets, server_socket, i);
        if (hp_addr_equal(&s->local, local)) {
            return s->socket;
        }
    }
    return bind_socket(server, local, unread_datagram, NULL);
}

bool hp_server_send_datagram(hp_server *server, const hp_stun_path *path, const uint8_t *data, size_t len,
                             const hp_stun_meta *meta)
{
    hp_socket *socket = socket_at(server, &path->server);
    hp_send_options options = options_of(meta);
    return socket != NULL && hp_socket_send(socket, &path->client, data, len, &options);
}

static bool send_to_client(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                           const hp_stun_meta *meta)
{
    hp_server *server = user;
    bool running = hp_server_meter_pause(server->meter);
    bool sent = path->transport == HP_STUN_OVER_DTLS ? hp_server_dtls_send(server, now, path, data, len, meta)
                                                     : hp_server_send_datagram(server, path, data, len, meta);
    hp_server_meter_resume(server->meter, running);
    return sent;
}

/* ---- relay sockets ---- */

/* An allocation that is over at this very instant ends within the call, and its relay with it: hence the copies. */
static void relay_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    const relay_socket *relay = user;
    const hp_addr local = relay->local;
    hp_server *server = relay->server;
    hp_stun_meta meta = meta_of(d);
    hp_server_meter_enter(server->meter);
    hp_server_meter_relays(server->meter);
    hp_turn_server_relay_input(server->engine, hp_world_now(server->world), &local, &d->from, d->data, d->length,
                               &meta);
    hp_server_meter_leave(server->meter);
    hp_server_settle(server);
}

static void relay_icmp(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                       const hp_packet *error)
{
    const relay_socket *relay = user;
    const hp_addr local = relay->local;
    hp_server *server = relay->server;
    uint8_t type = error->icmp_type, code = error->icmp_code; /* of a kind that has no name */
    hp_icmp_to_wire(to->family, kind, &type, &code);
    hp_turn_server_relay_icmp(server->engine, hp_world_now(server->world), &local, to, type, code, error->icmp_mtu);
    hp_server_settle(server);
}

static bool open_relay(void *user, const hp_addr *local, void **ret_handle)
{
    static const hp_socket_ops ops = {.datagram = relay_datagram, .icmp = relay_icmp};
    hp_server *server = user;
    relay_socket *relay = g_new0(relay_socket, 1);
    *relay = (relay_socket){.server = server, .local = *local};
    bool running = hp_server_meter_pause(server->meter);
    relay->socket = hp_host_bind(server->host, local, &ops, relay, NULL);
    hp_server_meter_resume(server->meter, running);
    if (relay->socket == NULL) {
        g_free(relay);
        return false;
    }
    *ret_handle = relay;
    return true;
}

static void close_relay(void *user, const hp_addr *local, void *handle)
{
    relay_socket *relay = handle;
    bool running = hp_server_meter_pause(relay->server->meter);
    hp_socket_close(relay->socket);
    hp_server_meter_resume(relay->server->meter, running);
    g_free(relay);
}

static bool send_to_peer(void *user, hp_time now, const hp_addr *local, void *handle, const hp_addr *peer,
                         const uint8_t *data, size_t len, const hp_stun_meta *meta)
{
    const relay_socket *relay = handle;
    hp_send_options options = options_of(meta);
    hp_server_meter_relays(relay->server->meter);
    bool running = hp_server_meter_pause(relay->server->meter);
    bool sent = hp_socket_send(relay->socket, peer, data, len, &options);
    hp_server_meter_resume(relay->server->meter, running);
    return sent;
}

/* ---- the trace ---- */

static void trace_request(hp_trace *trace, hp_time now, const char *name, const hp_server_event *e)
{
    char number[16];
    const char *method = hp_stun_method_name(e->method);
    if (method == NULL) {
        g_snprintf(number, sizeof number, "0x%03x", e->method);
        method = number;
    }
    hp_trace_event(trace, now, HP_EV_SERVER_REQUEST, name, HP_FA("client", e->client), HP_FS("method", method),
                   HP_FS("answer", hp_server_answer_name(e->answer)), HP_FU("code", e->code), HP_FS("user", e->user),
                   HP_FS("transport", hp_stun_transport_name(e->transport)));
}

void hp_server_trace_stream(hp_server *server, hp_time now, const hp_addr *client, uint8_t transport, const char *state,
                            const char *reason)
{
    hp_trace_event(hp_world_trace(server->world), now, HP_EV_SERVER_STREAM, server->name, HP_FA("client", *client),
                   HP_FS("transport", hp_stun_transport_name(transport)), HP_FS("state", state),
                   HP_FS("reason", reason));
}

static void count(hp_server_totals *totals, const hp_server_event *e)
{
    switch (e->kind) {
    case HP_SERVER_EV_REQUEST:
        totals->requests++;
        totals->errors += e->code != 0;
        break;
    case HP_SERVER_EV_ALLOCATION:
        totals->allocations++;
        break;
    case HP_SERVER_EV_ALLOCATION_ENDED:
        totals->packets_to_peers += e->packets_to_peer;
        totals->packets_to_clients += e->packets_to_client;
        totals->bytes_to_peers += e->bytes_to_peer;
        totals->bytes_to_clients += e->bytes_to_client;
        break;
    case HP_SERVER_EV_DROPPED:
        totals->dropped++;
        break;
    case HP_SERVER_EV_PERMISSION:
    case HP_SERVER_EV_CHANNEL:
    case HP_SERVER_EV_STREAM:
    case HP_SERVER_EV_CONNECTION:
        break;
    }
}

static void write_event(hp_server *server, hp_time now, const hp_server_event *e)
{
    hp_trace *trace = hp_world_trace(server->world);
    const char *name = server->name;
    switch (e->kind) {
    case HP_SERVER_EV_REQUEST:
        trace_request(trace, now, name, e);
        break;
    case HP_SERVER_EV_ALLOCATION:
        hp_trace_event(trace, now, HP_EV_TURN_ALLOCATION, name, HP_FA("client", e->client), HP_FA("relay", e->relay),
                       HP_FS("user", e->user), HP_FT("lifetime", e->lifetime));
        break;
    case HP_SERVER_EV_ALLOCATION_ENDED:
        hp_trace_event(trace, now, HP_EV_TURN_ALLOCATION_ENDED, name, HP_FA("client", e->client),
                       HP_FA("relay", e->relay), HP_FS("reason", e->reason), HP_FU("bytes-to-peer", e->bytes_to_peer),
                       HP_FU("bytes-to-client", e->bytes_to_client), HP_FU("packets-to-peer", e->packets_to_peer),
                       HP_FU("packets-to-client", e->packets_to_client));
        break;
    case HP_SERVER_EV_PERMISSION:
        hp_trace_event(trace, now, HP_EV_TURN_PERMISSION, name, HP_FA("client", e->client), HP_FA("peer", e->peer));
        break;
    case HP_SERVER_EV_CHANNEL:
        hp_trace_event(trace, now, HP_EV_TURN_CHANNEL, name, HP_FA("client", e->client), HP_FU("channel", e->channel),
                       HP_FA("peer", e->peer));
        break;
    case HP_SERVER_EV_DROPPED:
        hp_trace_event(trace, now, HP_EV_TURN_DROPPED, name, HP_FA("client", e->client), HP_FA("peer", e->peer),
                       HP_FS("reason", e->reason));
        break;
    case HP_SERVER_EV_STREAM:
        hp_server_trace_stream(server, now, &e->client, e->transport, e->state, e->reason);
        break;
    case HP_SERVER_EV_CONNECTION:
        hp_trace_event(trace, now, HP_EV_TURN_CONNECTION, name, HP_FA("client", e->client), HP_FA("relay", e->relay),
                       HP_FA("peer", e->peer), HP_FU("connection", e->connection), HP_FS("state", e->state),
                       HP_FS("reason", e->reason));
        break;
    }
}

static void trace_event(void *user, hp_time now, const hp_server_event *e)
{
    hp_server *server = user;
    bool running = hp_server_meter_pause(server->meter);
    count(&server->totals, e);
    write_event(server, now, e);
    hp_server_meter_resume(server->meter, running);
}

/* ---- life ---- */

void hp_server_set_meter(hp_server *server, hp_server_meter *meter)
{
    server->meter = meter;
}

static void close_sockets(hp_server *server)
{
    for (guint i = 0; i < server->sockets->len; i++) {
        hp_socket_close(g_array_index(server->sockets, server_socket, i).socket);
    }
    g_array_set_size(server->sockets, 0);
}

static void tear_down(hp_server *server)
{
    hp_timer_cancel(server->world, &server->timer);
    g_clear_pointer(&server->engine, hp_turn_server_free);
    hp_server_close_streams(server);
    hp_server_dtls_stop(server);
    close_sockets(server);
}

static bool listen_everywhere(hp_server *server, GError **error)
{
    hp_addr at[2 * HP_STUN_MAX_ADDRESSES];
    size_t n = hp_turn_server_listeners(server->engine, HP_STUN_OVER_UDP, at, G_N_ELEMENTS(at));
    for (size_t i = 0; i < n; i++) {
        if (bind_socket(server, &at[i], client_datagram, error) == NULL) {
            return false;
        }
    }
    n = hp_turn_server_listeners(server->engine, HP_STUN_OVER_DTLS, at, G_N_ELEMENTS(at));
    if (n > 0 && !hp_server_dtls_start(server, error)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (bind_socket(server, &at[i], dtls_datagram, error) == NULL) {
            return false;
        }
    }
    return hp_server_listen_streams(server, error);
}

/* One certificate for a server's life. */
static bool need_identity(hp_server *server, GError **error)
{
    enum { MAX_COMMON_NAME = 64 };
    if ((server->config.transports & (HP_SERVER_TLS | HP_SERVER_DTLS)) == 0 || server->identity != NULL) {
        return true;
    }
    hp_rng rng;
    g_autofree char *stream = g_strconcat("server-identity:", server->name, NULL);
    g_autofree char *name = g_strndup(server->name, MAX_COMMON_NAME);
    bool sayable = *name != '\0' && g_utf8_validate(name, -1, NULL);
    hp_world_rng(server->world, stream, &rng);
    const hp_server_config *config = &server->config;
    server->identity = config->certificate != NULL
                           ? hp_dtls_identity_load(config->certificate, config->private_key, error)
                           : hp_dtls_identity_new_at(&rng, sayable ? name : "server",
                                                     config->epoch_s != 0 ? config->epoch_s : HP_EPOCH_S, error);
    return server->identity != NULL;
}

/* Where only relayed addresses are to lie nothing listens. Returns how many are left. */
static size_t without_relays(const hp_server *server, hp_addr *addresses, size_t n)
{
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        bool apart = server->config.relays_apart && (hp_addr_same_ip(&addresses[i], &server->config.relay_ipv4) ||
                                                     hp_addr_same_ip(&addresses[i], &server->config.relay_ipv6));
        if (!apart) {
            addresses[left++] = addresses[i];
        }
    }
    return left;
}

bool hp_server_start(hp_server *server, GError **error)
{
    static const hp_server_ops ops = {
        .send = send_to_client,
        .event = trace_event,
        .open_relay = open_relay,
        .close_relay = close_relay,
        .relay = send_to_peer,
        .read = hp_server_read,
        .write = hp_server_write,
        .close = hp_server_close,
        .open_tcp_relay = hp_server_open_tcp_relay,
        .close_tcp_relay = hp_server_close_tcp_relay,
        .connect = hp_server_connect,
    };
    if (server->engine != NULL) {
        return true;
    }
    hp_addr addresses[HP_STUN_MAX_ADDRESSES];
    size_t n = hp_host_addresses(server->host, addresses, G_N_ELEMENTS(addresses));
    n = without_relays(server, addresses, MIN(n, G_N_ELEMENTS(addresses)));
    if (n == 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: a server needs an address", server->name);
        return false;
    }
    if (!need_identity(server, error)) {
        return false;
    }
    hp_rng life;
    hp_rng_init(&life, hp_rng_u64(&server->rng), server->name);
    if (server->identity != NULL) {
        hp_rng_init(&server->security_rng, hp_rng_u64(&server->rng), server->name);
    }
    server->engine = hp_turn_server_new(&server->config, addresses, n, &life, &ops, server);
    if (!listen_everywhere(server, error)) {
        tear_down(server);
        return false;
    }
    hp_trace_event_fields(hp_world_trace(server->world), hp_world_now(server->world), HP_EV_SERVER_STARTED,
                          server->name, NULL, 0);
    return true;
}

hp_server *hp_server_new(hp_host *host, const char *name, const hp_server_config *config, GError **error)
{
    hp_server *server = g_new0(hp_server, 1);
    server->host = host;
    server->world = hp_host_world(host);
    server->name = g_strdup(name);
    server->config = *config;
    server->sockets = g_array_new(FALSE, FALSE, sizeof(server_socket));
    hp_server_init_streams(server);
    g_autofree char *element = g_strconcat("server:", name, NULL);
    hp_world_rng(server->world, element, &server->rng);
    hp_timer_init(&server->timer, HP_TIMER_ACTOR, hp_world_new_element(server->world), timer_fired, server);
    if (!hp_server_start(server, error)) {
        hp_server_free(server);
        return NULL;
    }
    return server;
}

void hp_server_stop(hp_server *server)
{
    if (server->engine == NULL) {
        return;
    }
    hp_time now = hp_world_now(server->world);
    hp_turn_server_end_all(server->engine, now, "stopped");
    hp_server_dtls_close(server, now);
    tear_down(server);
    hp_trace_event_fields(hp_world_trace(server->world), now, HP_EV_SERVER_STOPPED, server->name, NULL, 0);
}

const hp_server_totals *hp_server_get_totals(const hp_server *server)
{
    return &server->totals;
}

bool hp_server_is_running(const hp_server *server)
{
    return server->engine != NULL;
}

void hp_server_finish(hp_server *server)
{
    if (server->engine != NULL) {
        server->finishing = true;
        hp_turn_server_end_all(server->engine, hp_world_now(server->world), "run-end");
        hp_server_settle(server);
    }
}

void hp_server_free(hp_server *server)
{
    if (server == NULL) {
        return;
    }
    server->finishing = true;
    tear_down(server);
    hp_server_free_streams(server);
    hp_server_dtls_free(server);
    hp_dtls_identity_free(server->identity);
    g_array_unref(server->sockets);
    g_free(server->name);
    g_free(server);
}
