/* The UPnP half of a NAT's port mapping services: SSDP on UDP port 1900, HTTP on a TCP port of its own, both on the
 * inside IPv4 address. SSDP leaves with a TTL of 2 (UPnP Device Architecture 1.1 section 1).
 *
 * A connection is the engine's until the engine closes it, or the other side does: whichever comes first ends it
 * here. */
#include "actors/gateway_private.h"
#include "actors/port_mapping_names.h"

typedef struct gateway_conn {
    hp_gateway *gateway;
    hp_byte_stream *stream;
    hp_upnp_conn *conn; /* the engine's */
} gateway_conn;

/* ---- SSDP ---- */

static void send_ssdp(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    const hp_gateway *g = user;
    static const hp_send_options options = {.ttl = 2};
    hp_socket_send(g->ssdp, to, data, len, &options);
}

static void on_ssdp(void *user, hp_socket *socket, const hp_datagram *d)
{
    hp_gateway *g = user;
    uint64_t told = g->n_told;
    hp_upnp_igd_input(g->igd, hp_world_now(g->world), &d->from, d->data, d->length);
    if (g->n_told == told) {
        hp_gateway_ignored(g, "upnp", &d->from);
    }
    hp_gateway_settle(g);
}

static void on_event(void *user, hp_time now, const hp_upnp_event *e)
{
    char outcome[HP_PORT_MAPPING_NAME];
    unsigned error = e->error != 0 ? e->error : e->status != 0 && e->status != 200 ? e->status : 0;
    hp_gateway_request r = {
        .client = e->client,
        .protocol = "upnp",
        .request = e->action,
        .outcome = hp_upnp_outcome(error, outcome),
        .transport = e->protocol,
        .internal = e->internal,
        .external = e->external,
    };
    hp_gateway_trace_request(user, &r);
}

/* ---- HTTP ---- */

static void conn_end(gateway_conn *c)
{
    hp_upnp_igd_closed(c->conn);
    hp_byte_stream_close(c->stream);
    g_ptr_array_remove_fast(c->gateway->conns, c);
    g_free(c);
}

static void stream_send(void *user, hp_time now, void *stream, const uint8_t *data, size_t len)
{
    hp_byte_stream_send(((gateway_conn *)stream)->stream, data, len);
}

static void stream_close(void *user, hp_time now, void *stream)
{
    conn_end(stream);
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    gateway_conn *c = user;
    hp_gateway *g = c->gateway;
    hp_upnp_igd_stream(c->conn, hp_world_now(g->world), data, len);
    hp_gateway_settle(g);
}

static void on_ended(void *user)
{
    conn_end(user);
}

static void accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    static const hp_byte_stream_ops ops = {.data = on_data, .ended = on_ended};
    hp_gateway *g = user;
    gateway_conn *c = g_new0(gateway_conn, 1);
    hp_addr client = hp_tcp_remote(socket);
    c->gateway = g;
    c->conn = hp_upnp_igd_accepted(g->igd, &client, c);
    c->stream = hp_byte_stream_new(&g->streams, socket, &ops, c);
    g_ptr_array_add(g->conns, c);
}

/* ---- life ---- */

bool hp_gateway_start_upnp(hp_gateway *g, GError **error)
{
    static const hp_upnp_ops ops = {
        .send = send_ssdp, .stream_send = stream_send, .stream_close = stream_close, .event = on_event};
    static const hp_socket_ops socket_ops = {.datagram = on_ssdp};
    static const hp_tcp_listener_ops listener_ops = {.accepted = accepted};
    g_autofree char *stream = g_strconcat("gateway:", g->name, NULL);
    hp_rng rng;

    if (g->inside[0].family == HP_AF_NONE) {
        return true; /* nothing of it speaks IPv6 */
    }
    g->conns = g_ptr_array_new();
    hp_world_rng(g->world, stream, &rng);
    g->igd = hp_upnp_igd_new(g->leases, &g->inside[0], &rng, &ops, g);
    hp_addr ssdp = hp_addr_with_port(g->inside[0], HP_SSDP_PORT);
    hp_addr http = hp_addr_with_port(g->inside[0], hp_upnp_igd_port(g->igd));
    g->ssdp = hp_host_bind(g->host, &ssdp, &socket_ops, g, error);
    const hp_addr group = hp_ssdp_group();
    if (g->ssdp == NULL || !hp_socket_join(g->ssdp, &group, error)) {
        return false;
    }
    g->http = hp_tcp_listen(g->host, &http, &listener_ops, g, error);
    return g->http != NULL;
}

void hp_gateway_stop_upnp(hp_gateway *g)
{
    for (unsigned i = 0; g->conns != NULL && i < g->conns->len; i++) {
        gateway_conn *c = g->conns->pdata[i];
        hp_upnp_igd_closed(c->conn);
        g_free(c); /* its stream is with the others */
    }
    g_clear_pointer(&g->conns, g_ptr_array_unref);
    g_clear_pointer(&g->igd, hp_upnp_igd_free);
}
