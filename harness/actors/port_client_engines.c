/* The three client engines of a port mapping client: their sockets, and what their events mean for its entries.
 *
 * NAT-PMP tells of a mapping's port and of the external address apart; an entry is granted once both are known, and
 * anew when either changes. So the address is asked for with the first mapping, and heard from announcements after
 * that.
 *
 * Announcements come to a group: 224.0.0.1 and ff02::1 on port 5350, or SSDP's 239.255.255.250 on port 1900. Where
 * that port is somebody else's on this host, none are heard, and a gateway's reboot shows with the next renewal
 * alone. */
#include "actors/port_client_private.h"
#include "actors/port_mapping_names.h"

/* ---- NAT-PMP ---- */

static void send_request(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    hp_port_client *client = user;
    hp_socket_send(client->socket, to, data, len, NULL);
}

/* Every mapping that NAT-PMP granted a port for has the external address that is known now. */
static void address_known(hp_port_client *client, const hp_addr *address)
{
    for (unsigned i = 0; i < client->entries->len; i++) {
        hp_port_entry *e = client->entries->pdata[i];
        hp_addr external = hp_addr_with_port(*address, e->external.port);
        if (e->asked == HP_PORT_MAPPING_NAT_PMP && e->external.port != 0 && !hp_addr_equal(&external, &e->external)) {
            hp_port_client_granted(client, e, &external, false, e->lifetime_s);
        }
    }
}

static void on_nat_pmp(void *user, hp_time now, const hp_nat_pmp_client_event *event)
{
    hp_port_client *client = user;
    hp_port_entry *e = hp_port_client_entry(client, HP_PORT_MAPPING_NAT_PMP, event->mapping);
    char reason[HP_PORT_MAPPING_NAME];
    switch (event->kind) {
    case HP_NAT_PMP_EXTERNAL_ADDRESS:
        address_known(client, &event->external);
        return;
    case HP_NAT_PMP_REBOOTED:
        hp_port_client_trace(client, HP_PORT_MAPPING_NAT_PMP, NULL, "rebooted", 0, NULL);
        return;
    case HP_NAT_PMP_MAPPED:
    case HP_NAT_PMP_RENEWED:
        if (e != NULL && event->external.family == HP_AF_NONE) {
            e->external.port = event->external.port; /* address_known() goes on */
            e->lifetime_s = event->lifetime;
        } else if (e != NULL) {
            hp_port_client_granted(client, e, &event->external, event->kind == HP_NAT_PMP_RENEWED, event->lifetime);
        }
        return;
    case HP_NAT_PMP_UNMAPPED:
        if (e != NULL) {
            hp_port_client_gone(client, e, "deleted", NULL);
        }
        return;
    case HP_NAT_PMP_REFUSED:
        if (e != NULL) {
            hp_port_client_gone(client, e, "refused", hp_nat_pmp_outcome(event->code, reason));
        }
        return;
    case HP_NAT_PMP_NO_ANSWER:
        if (e != NULL && (e->external.family == HP_AF_NONE || e->leaving)) {
            hp_port_client_gone(client, e, "no-answer", NULL);
        } else if (e != NULL) {
            hp_port_client_trace(client, e->asked, e, "no-answer", 0, NULL);
        }
        return;
    case HP_NAT_PMP_EXPIRED:
        if (e != NULL) {
            hp_port_client_gone(client, e, "lost", NULL);
        }
        return;
    }
}

/* ---- PCP ---- */

/* The gateway speaks NAT-PMP and no PCP: what was not granted is asked for anew. */
static void turn_to_nat_pmp(hp_port_client *client)
{
    if (client->nat_pmp == NULL && !hp_port_client_start(client, HP_PORT_MAPPING_NAT_PMP, NULL)) {
        return;
    }
    for (unsigned i = 0; i < client->entries->len; i++) {
        hp_port_entry *e = client->entries->pdata[i];
        if (e->asked == HP_PORT_MAPPING_PCP && e->external.family == HP_AF_NONE && !e->leaving) {
            hp_port_client_ask(client, e, HP_PORT_MAPPING_NAT_PMP);
        }
    }
}

static void refuse_all(hp_port_client *client, const char *reason)
{
    for (unsigned i = 0; i < client->entries->len;) {
        hp_port_entry *e = client->entries->pdata[i];
        if (e->asked == HP_PORT_MAPPING_PCP && e->external.family == HP_AF_NONE) {
            hp_port_client_gone(client, e, "refused", reason);
            i = 0;
        } else {
            i++;
        }
    }
}

static void on_pcp(void *user, hp_time now, const hp_pcp_client_event *event)
{
    hp_port_client *client = user;
    hp_port_entry *e = hp_port_client_entry(client, HP_PORT_MAPPING_PCP, event->mapping);
    char reason[HP_PORT_MAPPING_NAME];
    switch (event->kind) {
    case HP_PCP_CLIENT_REBOOTED:
        hp_port_client_trace(client, HP_PORT_MAPPING_PCP, NULL, "rebooted", 0, NULL);
        return;
    case HP_PCP_CLIENT_VERSION:
        if (event->version == 0 && client->local.family == HP_AF_IPV4) {
            turn_to_nat_pmp(client);
        } else {
            refuse_all(client, hp_pcp_outcome(event->result, reason));
        }
        return;
    case HP_PCP_CLIENT_MAPPED:
    case HP_PCP_CLIENT_RENEWED:
        if (e != NULL) {
            hp_port_client_granted(client, e, &event->external, event->kind == HP_PCP_CLIENT_RENEWED, event->lifetime);
        }
        return;
    case HP_PCP_CLIENT_UNMAPPED:
        if (e != NULL) {
            hp_port_client_gone(client, e, "deleted", NULL);
        }
        return;
    case HP_PCP_CLIENT_REFUSED:
        if (e != NULL) {
            hp_port_client_gone(client, e, "refused", hp_pcp_outcome(event->result, reason));
        }
        return;
    case HP_PCP_CLIENT_NO_ANSWER:
        if (e != NULL && (e->external.family == HP_AF_NONE || e->leaving)) {
            hp_port_client_gone(client, e, "no-answer", NULL);
        } else if (e != NULL) {
            hp_port_client_trace(client, e->asked, e, "no-answer", 0, NULL);
        }
        return;
    case HP_PCP_CLIENT_EXPIRED:
        if (e != NULL) {
            hp_port_client_gone(client, e, "lost", NULL);
        }
        return;
    }
}

/* ---- UPnP ---- */

static void on_upnp(void *user, hp_time now, const hp_upnp_client_event *event)
{
    hp_port_client *client = user;
    hp_port_entry *e = hp_port_client_entry(client, HP_PORT_MAPPING_UPNP, event->mapping);
    char reason[HP_PORT_MAPPING_NAME];
    switch (event->kind) {
    case HP_UPNP_CLIENT_REBOOTED:
        hp_port_client_trace(client, HP_PORT_MAPPING_UPNP, NULL, "rebooted", 0, NULL);
        return;
    case HP_UPNP_CLIENT_MAPPED:
    case HP_UPNP_CLIENT_RENEWED:
        if (e != NULL) {
            hp_port_client_granted(client, e, &event->external, event->kind == HP_UPNP_CLIENT_RENEWED, event->lifetime);
        }
        return;
    case HP_UPNP_CLIENT_UNMAPPED:
        if (e != NULL) {
            hp_port_client_gone(client, e, "deleted", NULL);
        }
        return;
    case HP_UPNP_CLIENT_REFUSED:
        if (e != NULL) {
            bool said = event->code != 0;
            hp_port_client_gone(client, e, "refused", said ? hp_upnp_outcome(event->code, reason) : "unreadable");
        }
        return;
    case HP_UPNP_CLIENT_NO_ANSWER:
        if (e != NULL && (e->external.family == HP_AF_NONE || e->leaving)) {
            hp_port_client_gone(client, e, "no-answer", NULL);
        } else if (e != NULL) {
            hp_port_client_trace(client, e->asked, e, "no-answer", 0, NULL);
        }
        return;
    case HP_UPNP_CLIENT_EXPIRED:
        if (e != NULL) {
            hp_port_client_gone(client, e, "lost", NULL);
        }
        return;
    }
}

static void send_search(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    static const hp_send_options options = {.ttl = 2};
    hp_port_client *client = user;
    hp_socket_send(client->socket, to, data, len, &options);
}

static void on_connected(void *user)
{
    hp_port_client *client = user;
    hp_upnp_client_connected(client->upnp, hp_world_now(client->world));
    hp_port_client_settle(client);
}

static void on_data(void *user, const uint8_t *data, size_t len)
{
    hp_port_client *client = user;
    hp_upnp_client_stream(client->upnp, hp_world_now(client->world), data, len);
    hp_port_client_settle(client);
}

static void on_ended(void *user)
{
    hp_port_client *client = user;
    hp_upnp_client_ended(client->upnp, hp_world_now(client->world));
    hp_port_client_settle(client);
}

static bool connect_stream(void *user, hp_time now, const hp_addr *to)
{
    static const hp_byte_stream_ops ops = {.connected = on_connected, .data = on_data, .ended = on_ended};
    hp_port_client *client = user;
    hp_tcp_socket *socket = hp_tcp_connect(client->host, &client->local, to, NULL, NULL, NULL);
    if (socket == NULL) {
        return false;
    }
    client->stream = hp_byte_stream_new(&client->streams, socket, &ops, client);
    return true;
}

static void stream_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    hp_byte_stream_send(((hp_port_client *)user)->stream, data, len);
}

static void stream_close(void *user, hp_time now)
{
    hp_byte_stream_close(g_steal_pointer(&((hp_port_client *)user)->stream));
}

/* ---- sockets ---- */

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    hp_port_client *client = user;
    hp_time now = hp_world_now(client->world);
    if (client->upnp != NULL) {
        hp_upnp_client_input(client->upnp, now, &d->from, d->data, d->length);
    }
    if (client->pcp != NULL) {
        hp_pcp_client_input(client->pcp, now, &d->from, d->data, d->length);
    }
    if (client->nat_pmp != NULL) {
        hp_nat_pmp_client_input(client->nat_pmp, now, &d->from, d->data, d->length);
    }
    hp_port_client_settle(client);
}

static void on_icmp(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                    const hp_packet *error)
{
    hp_port_client *client = user;
    hp_time now = hp_world_now(client->world);
    if (kind != HP_ICMP_PORT_UNREACHABLE) {
        return;
    }
    if (client->pcp != NULL) {
        hp_pcp_client_unreachable(client->pcp, now);
    }
    if (client->nat_pmp != NULL) {
        hp_nat_pmp_client_unreachable(client->nat_pmp, now);
    }
    hp_port_client_settle(client);
}

static bool open_sockets(hp_port_client *client, hp_port_mapping_protocol protocol, GError **error)
{
    static const hp_socket_ops ops = {.datagram = on_datagram, .icmp = on_icmp};
    bool upnp = protocol == HP_PORT_MAPPING_UPNP;
    hp_addr at = hp_addr_with_port(client->local, upnp ? HP_SSDP_PORT : HP_PCP_CLIENT_PORT), group = {0};
    if (client->socket != NULL) {
        return true;
    }
    hp_addr_parse(upnp ? "239.255.255.250" : at.family == HP_AF_IPV6 ? "ff02::1" : "224.0.0.1", &group);
    client->socket = hp_host_bind(client->host, &client->local, &ops, client, error);
    client->group = hp_host_bind(client->host, &at, &ops, client, NULL);
    return client->socket != NULL && (client->group == NULL || hp_socket_join(client->group, &group, error));
}

bool hp_port_client_start(hp_port_client *client, hp_port_mapping_protocol protocol, GError **error)
{
    static const hp_nat_pmp_client_ops nat_pmp = {.send = send_request, .event = on_nat_pmp};
    static const hp_pcp_client_ops pcp = {.send = send_request, .event = on_pcp};
    static const hp_upnp_client_ops upnp = {.send = send_search,
                                            .connect = connect_stream,
                                            .stream_send = stream_send,
                                            .stream_close = stream_close,
                                            .event = on_upnp};
    char ip[HP_ADDR_TEXT];
    g_autofree char *name = g_strdup_printf("port-mapping:%s/%s", client->peer, hp_addr_format_ip(&client->local, ip));
    hp_rng rng;

    if (!open_sockets(client, protocol, error)) {
        return false;
    }
    switch (protocol) {
    case HP_PORT_MAPPING_NONE:
        break;
    case HP_PORT_MAPPING_NAT_PMP:
        client->nat_pmp = hp_nat_pmp_client_new(&client->config, &nat_pmp, client);
        hp_nat_pmp_client_ask_address(client->nat_pmp, hp_world_now(client->world));
        break;
    case HP_PORT_MAPPING_PCP:
        hp_world_rng(client->world, name, &rng);
        client->pcp = hp_pcp_client_new(&client->config, &client->local, &rng, &pcp, client);
        break;
    case HP_PORT_MAPPING_UPNP:
        client->upnp = hp_upnp_client_new(&client->config, &client->local, &upnp, client);
        break;
    }
    return true;
}

void hp_port_client_stop(hp_port_client *client)
{
    hp_nat_pmp_client_free(client->nat_pmp);
    hp_pcp_client_free(client->pcp);
    hp_upnp_client_free(client->upnp);
    hp_socket_close(client->socket);
    hp_socket_close(client->group);
}
