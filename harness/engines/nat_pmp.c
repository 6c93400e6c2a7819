/* The NAT-PMP server (RFC 6886 sections 3.2 to 3.6).
 *
 * Every request is answered from the table of leases; nothing is remembered of clients. A request for an inside port
 * that has a mapping already, by whichever protocol, gets that one (3.3); its lifetime is taken from the request
 * unless UPnP or PCP made it, whose lifetimes are their own. Lifetimes are never longer than asked for. Deleting what
 * does not exist succeeds (3.4); deleting what another protocol made is not authorized.
 *
 * Silence: less than 2 bytes, responses, mapping requests cut short. A version other than 0 gets the 8 bytes of 3.5,
 * whose opcode is 128 (erratum 3618). An unknown opcode gets its own request back with code 5. Bytes behind a request
 * are ignored. Only IPv4 clients are heard. */
#include "engines/nat_pmp.h"

#include "wire/bytes.h"

#define RESPONSE 128
#define MAX_MESSAGE 1100
#define MAP_LENGTH 12
#define MAP_ANSWER 16
#define ADDRESS_ANSWER 12

struct hp_nat_pmp_server {
    hp_leases *leases;
    hp_nat_pmp_server_ops ops;
    void *user;
    hp_announcer announcer;
};

hp_nat_pmp_server *hp_nat_pmp_server_new(hp_leases *leases, const hp_nat_pmp_server_ops *ops, void *user)
{
    hp_nat_pmp_server *server = g_new0(hp_nat_pmp_server, 1);
    server->leases = leases;
    server->ops = *ops;
    server->user = user;
    server->announcer = hp_announcer_idle();
    return server;
}

void hp_nat_pmp_server_free(hp_nat_pmp_server *server)
{
    g_free(server);
}

static void answer(hp_nat_pmp_server *server, hp_time now, const hp_nat_pmp_server_event *event, const uint8_t *data,
                   size_t len)
{
    if (server->ops.event != NULL) {
        server->ops.event(server->user, now, event);
    }
    server->ops.send(server->user, now, &event->client, data, len);
}

static void put_head(const hp_nat_pmp_server *server, hp_time now, uint8_t *out, uint8_t opcode, unsigned code)
{
    out[0] = 0;
    out[1] = opcode | RESPONSE;
    hp_put16(out + 2, code);
    hp_put32(out + 4, hp_leases_epoch(server->leases, now));
}

static unsigned put_address(const hp_nat_pmp_server *server, hp_time now, uint8_t out[static ADDRESS_ANSWER])
{
    hp_addr external;
    bool known = hp_leases_external(server->leases, HP_AF_IPV4, &external);
    unsigned code = known ? HP_NAT_PMP_SUCCESS : HP_NAT_PMP_NETWORK_FAILURE;
    put_head(server, now, out, HP_NAT_PMP_ADDRESS, code);
    memset(out + 8, 0, 4);
    if (known) {
        memcpy(out + 8, external.ip, 4);
    }
    return code;
}

static unsigned code_of(hp_lease_outcome outcome)
{
    switch (outcome) {
    case HP_LEASE_GRANTED:
        return HP_NAT_PMP_SUCCESS;
    case HP_LEASE_REFUSED:
        return HP_NAT_PMP_NOT_AUTHORIZED;
    case HP_LEASE_NO_RESOURCES:
    case HP_LEASE_QUOTA:
    case HP_LEASE_TAKEN:
        return HP_NAT_PMP_OUT_OF_RESOURCES;
    case HP_LEASE_NO_NETWORK:
        return HP_NAT_PMP_NETWORK_FAILURE;
    }
    return HP_NAT_PMP_OUT_OF_RESOURCES;
}

static unsigned delete_one(hp_nat_pmp_server *server, hp_time now, uint8_t protocol, const hp_addr *internal)
{
    static const hp_addr anyone;
    hp_lease *lease = hp_leases_find(server->leases, protocol, internal, &anyone);
    if (lease == NULL) {
        return HP_NAT_PMP_SUCCESS;
    }
    if (lease->by != HP_LEASE_NAT_PMP) {
        return HP_NAT_PMP_NOT_AUTHORIZED;
    }
    hp_leases_release(server->leases, now, lease);
    return HP_NAT_PMP_SUCCESS;
}

static unsigned delete_all(hp_nat_pmp_server *server, hp_time now, uint8_t protocol, const hp_addr *client)
{
    unsigned code = HP_NAT_PMP_SUCCESS;
    for (unsigned i = 0; i < hp_leases_count(server->leases);) {
        hp_lease *lease = hp_leases_nth(server->leases, i);
        bool its = lease->protocol == protocol && hp_addr_same_ip(&lease->internal, client);
        if (its && lease->by == HP_LEASE_NAT_PMP) {
            hp_leases_release(server->leases, now, lease);
            continue;
        }
        code = its ? HP_NAT_PMP_NOT_AUTHORIZED : code;
        i++;
    }
    return code;
}

static unsigned map(hp_nat_pmp_server *server, hp_time now, const hp_lease_want *want, hp_nat_pmp_server_event *event)
{
    hp_lease *lease = hp_leases_find(server->leases, want->protocol, &want->internal, &want->remote);
    if (lease == NULL) {
        hp_lease_outcome outcome = hp_leases_grant(server->leases, now, want, &lease);
        if (outcome != HP_LEASE_GRANTED) {
            return code_of(outcome);
        }
    } else if (lease->by == HP_LEASE_NAT_PMP) {
        hp_leases_renew(server->leases, now, lease, want->lifetime);
    }
    event->external = lease->external;
    event->lifetime = (uint32_t)(want->lifetime / HP_S);
    return HP_NAT_PMP_SUCCESS;
}

static void handle_map(hp_nat_pmp_server *server, hp_time now, const uint8_t *data, hp_nat_pmp_server_event *event)
{
    const hp_port_mapping_config *config = hp_leases_config(server->leases);
    uint8_t out[MAP_ANSWER];
    uint32_t lifetime = hp_get32(data + 8);
    hp_lease_want want = {
        .by = HP_LEASE_NAT_PMP,
        .protocol = event->opcode == HP_NAT_PMP_MAP_UDP ? HP_LEASE_UDP : HP_LEASE_TCP,
        .internal = hp_addr_with_port(event->client, hp_get16(data + 4)),
        .lifetime = MIN(lifetime * HP_S, config->max_lifetime),
    };
    event->internal = want.internal;
    if (config->refuse || (lifetime != 0 && want.internal.port == 0)) {
        event->code = HP_NAT_PMP_NOT_AUTHORIZED;
    } else if (lifetime == 0) {
        event->code = want.internal.port == 0 ? delete_all(server, now, want.protocol, &event->client)
                                              : delete_one(server, now, want.protocol, &want.internal);
    } else {
        if (hp_leases_external(server->leases, HP_AF_IPV4, &want.external)) {
            want.external.port = hp_get16(data + 6);
        }
        event->code = map(server, now, &want, event);
    }
    put_head(server, now, out, event->opcode, event->code);
    hp_put16(out + 8, want.internal.port);
    hp_put16(out + 10, event->external.port);
    hp_put32(out + 12, event->lifetime);
    answer(server, now, event, out, sizeof out);
}

void hp_nat_pmp_server_input(hp_nat_pmp_server *server, hp_time now, const hp_addr *from, const uint8_t *data,
                             size_t len)
{
    uint8_t out[MAX_MESSAGE] = {0};
    hp_leases_run(server->leases, now);
    if (len < 2 || len > sizeof out || data[1] >= RESPONSE || from->family != HP_AF_IPV4) {
        return;
    }
    hp_nat_pmp_server_event event = {.client = *from, .version = data[0], .opcode = data[1]};
    if (data[0] != 0) {
        event.code = HP_NAT_PMP_UNSUPPORTED_VERSION;
        put_head(server, now, out, 0, event.code);
        answer(server, now, &event, out, 8);
    } else if (data[1] == HP_NAT_PMP_ADDRESS) {
        event.code = put_address(server, now, out);
        answer(server, now, &event, out, ADDRESS_ANSWER);
    } else if (data[1] == HP_NAT_PMP_MAP_UDP || data[1] == HP_NAT_PMP_MAP_TCP) {
        if (len >= MAP_LENGTH) {
            handle_map(server, now, data, &event);
        }
    } else {
        event.code = HP_NAT_PMP_UNSUPPORTED_OPCODE;
        memcpy(out, data, len);
        out[1] |= RESPONSE;
        hp_put16(out + 2, event.code);
        answer(server, now, &event, out, MAX(len, 4));
    }
}

void hp_nat_pmp_server_announce(hp_nat_pmp_server *server, hp_time now)
{
    if (!hp_leases_config(server->leases)->no_announce) {
        hp_announcer_start(&server->announcer, now);
    }
}

hp_time hp_nat_pmp_server_deadline(const hp_nat_pmp_server *server)
{
    return MIN(server->announcer.next, hp_leases_deadline(server->leases));
}

void hp_nat_pmp_server_run(hp_nat_pmp_server *server, hp_time now)
{
    static const uint32_t all_hosts = 0xe0000001;
    hp_leases_run(server->leases, now);
    while (hp_announcer_step(&server->announcer, now)) {
        uint8_t out[ADDRESS_ANSWER];
        hp_addr group = hp_addr_v4(all_hosts, HP_NAT_PMP_CLIENT_PORT);
        put_address(server, now, out);
        server->ops.send(server->user, now, &group, out, sizeof out);
    }
}
