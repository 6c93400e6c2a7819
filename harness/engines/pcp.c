/* The PCP server (RFC 6887 sections 8.2, 9, 11.3, 12.3, 13, 14.1, 15).
 *
 * Silence: less than 2 bytes, and responses. Everything else gets an answer, an error as a rule with the request's own
 * bytes behind the header. Order of the checks: version (UNSUPP_VERSION with the one version spoken here, which a
 * NAT-PMP client understands as well), length (24 to 1100 bytes, a multiple of 4), the client's address against the
 * source, opcode, data, options, then the operation. A request that could not be parsed leaves the last 96 bits of the
 * client's address in the reserved field (section 7.2).
 *
 * A mapping belongs to whoever knows its nonce: MAP and PEER with another one are not authorized, deletion included
 * (11.3, 17.1's simple threat model). A mapping that NAT-PMP or UPnP made has none; MAP finds it and tells of it, but
 * neither renews nor ends it. PEER never shortens and never ends a mapping (12.1). Mappings for all ports or all
 * protocols are not supported (UNSUPP_PROTOCOL), deleting them is: it ends those of the client with that nonce.
 *
 * FILTERs are added to those a mapping has; one of prefix length 0 clears what came before it (13.3). A set that grows
 * too large is refused as a whole. Errors stand for 30 s or 30 min (7.4). */
#include "engines/pcp.h"

#include "engines/pcp_private.h"
#include "wire/bytes.h"

#define RESPONSE 0x80
#define SHORT_ERROR 30
#define LONG_ERROR 1800

struct hp_pcp_server {
    hp_leases *leases;
    bool ipv4, ipv6;
    hp_pcp_server_ops ops;
    void *user;
    hp_announcer announcer;
};

hp_pcp_server *hp_pcp_server_new(hp_leases *leases, bool ipv4, bool ipv6, const hp_pcp_server_ops *ops, void *user)
{
    hp_pcp_server *server = g_new0(hp_pcp_server, 1);
    server->leases = leases;
    server->ipv4 = ipv4;
    server->ipv6 = ipv6;
    server->ops = *ops;
    server->user = user;
    server->announcer = hp_announcer_idle();
    return server;
}

void hp_pcp_server_free(hp_pcp_server *server)
{
    g_free(server);
}

static uint32_t error_lifetime(hp_pcp_result result)
{
    switch (result) {
    case HP_PCP_SUCCESS:
        return 0;
    case HP_PCP_NETWORK_FAILURE:
    case HP_PCP_NO_RESOURCES:
    case HP_PCP_USER_EX_QUOTA:
    case HP_PCP_CANNOT_PROVIDE_EXTERNAL:
        return SHORT_ERROR;
    case HP_PCP_UNSUPP_VERSION:
    case HP_PCP_NOT_AUTHORIZED:
    case HP_PCP_MALFORMED_REQUEST:
    case HP_PCP_UNSUPP_OPCODE:
    case HP_PCP_UNSUPP_OPTION:
    case HP_PCP_MALFORMED_OPTION:
    case HP_PCP_UNSUPP_PROTOCOL:
    case HP_PCP_ADDRESS_MISMATCH:
    case HP_PCP_EXCESSIVE_REMOTE_PEERS:
        return LONG_ERROR;
    }
    return LONG_ERROR;
}

static hp_pcp_result result_of(hp_lease_outcome outcome)
{
    switch (outcome) {
    case HP_LEASE_GRANTED:
        return HP_PCP_SUCCESS;
    case HP_LEASE_REFUSED:
        return HP_PCP_NOT_AUTHORIZED;
    case HP_LEASE_NO_RESOURCES:
        return HP_PCP_NO_RESOURCES;
    case HP_LEASE_QUOTA:
        return HP_PCP_USER_EX_QUOTA;
    case HP_LEASE_TAKEN:
        return HP_PCP_CANNOT_PROVIDE_EXTERNAL;
    case HP_LEASE_NO_NETWORK:
        return HP_PCP_NETWORK_FAILURE;
    }
    return HP_PCP_NO_RESOURCES;
}

/* Section 15: rounded up to the shortest, cut to the longest. */
static hp_time granted_lifetime(const hp_pcp_server *server, uint32_t seconds)
{
    const hp_port_mapping_config *c = hp_leases_config(server->leases);
    return CLAMP(seconds * HP_S, c->min_lifetime, c->max_lifetime);
}

static bool nonce_matches(const hp_lease *lease, const hp_pcp_request *r)
{
    return lease->has_nonce && memcmp(lease->nonce, r->nonce, sizeof r->nonce) == 0;
}

/* Is there a wish for an external address or port that this one does not meet? */
static bool misses_wish(const hp_pcp_request *r, const hp_addr *external)
{
    return (r->suggested.port != 0 && r->suggested.port != external->port) ||
           (!hp_addr_is_unspecified(&r->suggested) && !hp_addr_same_ip(&r->suggested, external));
}

static hp_pcp_result delete_mappings(hp_pcp_server *server, hp_time now, const hp_pcp_request *r)
{
    static const hp_addr anyone;
    unsigned ended = 0, foreign = 0;
    for (unsigned i = 0; i < hp_leases_count(server->leases);) {
        hp_lease *l = hp_leases_nth(server->leases, i);
        bool meant = (r->protocol == 0 || l->protocol == r->protocol) && hp_addr_equal(&l->remote, &anyone) &&
                     (r->internal.port == 0 ? hp_addr_same_ip(&l->internal, &r->client)
                                            : hp_addr_equal(&l->internal, &r->internal));
        if (meant && nonce_matches(l, r)) {
            hp_leases_release(server->leases, now, l);
            ended++;
            continue;
        }
        foreign += meant;
        i++;
    }
    /* What does not exist is deleted with success, so that a repeated request gets the same answer (15.1). */
    return ended == 0 && foreign > 0 ? HP_PCP_NOT_AUTHORIZED : HP_PCP_SUCCESS;
}

static hp_pcp_result grant(hp_pcp_server *server, hp_time now, const hp_pcp_request *r, bool exact, hp_lease **ret)
{
    hp_lease_want want = {
        .by = HP_LEASE_PCP,
        .protocol = r->protocol,
        .internal = r->internal,
        .external = r->suggested,
        .exact = exact,
        .remote = r->remote,
        .lifetime = granted_lifetime(server, r->lifetime),
    };
    hp_addr external;
    bool known = hp_leases_external(server->leases, r->client.family, &external);
    if (hp_addr_is_unspecified(&r->suggested) && known) {
        want.external = hp_addr_with_port(external, r->suggested.port);
    }
    hp_lease_outcome outcome = hp_leases_grant(server->leases, now, &want, ret);
    if (outcome != HP_LEASE_GRANTED) {
        return result_of(outcome);
    }
    if (exact && misses_wish(r, &(*ret)->external)) {
        hp_leases_release(server->leases, now, *ret);
        return HP_PCP_CANNOT_PROVIDE_EXTERNAL;
    }
    (*ret)->has_nonce = true;
    memcpy((*ret)->nonce, r->nonce, sizeof r->nonce);
    return HP_PCP_SUCCESS;
}

/* The filters a mapping will have; false: too many. */
static bool merge_filters(const hp_pcp_server *server, const hp_lease *lease, const hp_pcp_request *r,
                          hp_lease_filter out[static HP_LEASE_MAX_FILTERS], unsigned *ret_n)
{
    uint32_t limit = hp_leases_config(server->leases)->pcp_max_filters;
    unsigned kept = lease != NULL && !r->filters_reset ? lease->n_filters : 0;
    if (r->too_many_filters || r->n_filters > limit) {
        return false;
    }
    for (unsigned i = 0; i < kept; i++) {
        out[i] = lease->filters[i];
    }
    unsigned n = kept;
    for (unsigned i = 0; i < r->n_filters; i++) {
        bool known = false;
        for (unsigned k = 0; k < n; k++) {
            known |= out[k].port == r->filters[i].port && out[k].prefix.bits == r->filters[i].prefix.bits &&
                     hp_addr_equal(&out[k].prefix.base, &r->filters[i].prefix.base);
        }
        /* A renewal repeats what it asked for before. */
        if (known) {
            continue;
        }
        if (n >= limit) {
            return false;
        }
        out[n++] = r->filters[i];
    }
    *ret_n = n;
    return true;
}

static hp_pcp_result handle_map(hp_pcp_server *server, hp_time now, const hp_pcp_request *r, hp_pcp_answer *answer)
{
    hp_lease_filter filters[HP_LEASE_MAX_FILTERS];
    unsigned n_filters;
    if (hp_leases_config(server->leases)->refuse) {
        return HP_PCP_NOT_AUTHORIZED;
    }
    answer->external = r->suggested;
    if (r->lifetime == 0) {
        return delete_mappings(server, now, r);
    }
    if ((r->protocol != HP_LEASE_TCP && r->protocol != HP_LEASE_UDP) || r->internal.port == 0) {
        return HP_PCP_UNSUPP_PROTOCOL;
    }
    hp_lease *lease = hp_leases_find(server->leases, r->protocol, &r->internal, &r->remote);
    bool its_own = lease == NULL || nonce_matches(lease, r);
    if (lease != NULL && lease->has_nonce && !its_own) {
        return HP_PCP_NOT_AUTHORIZED;
    }
    if (lease != NULL && r->prefer_failure && misses_wish(r, &lease->external)) {
        return HP_PCP_CANNOT_PROVIDE_EXTERNAL;
    }
    bool filtered = r->filters_reset || r->n_filters > 0;
    if (filtered && !its_own) {
        return HP_PCP_NOT_AUTHORIZED;
    }
    if (!merge_filters(server, lease, r, filters, &n_filters)) {
        return HP_PCP_EXCESSIVE_REMOTE_PEERS;
    }
    if (lease == NULL) {
        hp_pcp_result result = grant(server, now, r, r->prefer_failure, &lease);
        if (result != HP_PCP_SUCCESS) {
            return result;
        }
    } else if (its_own) {
        hp_leases_renew(server->leases, now, lease, granted_lifetime(server, r->lifetime));
    }
    if (filtered) {
        hp_leases_set_filters(server->leases, now, lease, filters, n_filters);
    }
    answer->external = lease->external;
    answer->lifetime = (uint32_t)(granted_lifetime(server, r->lifetime) / HP_S);
    return HP_PCP_SUCCESS;
}

static hp_pcp_result handle_peer(hp_pcp_server *server, hp_time now, const hp_pcp_request *r, hp_pcp_answer *answer)
{
    if (hp_leases_config(server->leases)->refuse) {
        return HP_PCP_NOT_AUTHORIZED;
    }
    if (r->protocol != HP_LEASE_TCP && r->protocol != HP_LEASE_UDP) {
        return HP_PCP_UNSUPP_PROTOCOL;
    }
    hp_lease *lease = hp_leases_find(server->leases, r->protocol, &r->internal, &r->remote);
    if (lease != NULL && !nonce_matches(lease, r)) {
        return HP_PCP_NOT_AUTHORIZED;
    }
    if (lease != NULL && misses_wish(r, &lease->external)) {
        return HP_PCP_CANNOT_PROVIDE_EXTERNAL;
    }
    if (lease == NULL) {
        bool wish = r->suggested.port != 0 || !hp_addr_is_unspecified(&r->suggested);
        hp_pcp_result result = grant(server, now, r, wish, &lease);
        if (result != HP_PCP_SUCCESS) {
            return result;
        }
    } else if (hp_time_add(now, granted_lifetime(server, r->lifetime)) > lease->expires) {
        hp_leases_renew(server->leases, now, lease, granted_lifetime(server, r->lifetime));
    }
    answer->external = lease->external;
    answer->lifetime = hp_lease_seconds_left(lease, now);
    return HP_PCP_SUCCESS;
}

static void put_head(const hp_pcp_server *server, hp_time now, uint8_t *out, uint8_t opcode, hp_pcp_result result,
                     uint32_t lifetime)
{
    out[0] = HP_PCP_VERSION;
    out[1] = opcode | RESPONSE;
    out[2] = 0;
    out[3] = (uint8_t)result;
    hp_put32(out + 4, lifetime);
    hp_put32(out + 8, hp_leases_epoch(server->leases, now));
}

static void answer_with(hp_pcp_server *server, hp_time now, hp_pcp_server_event *event, uint8_t *out, size_t len,
                        uint32_t lifetime)
{
    event->lifetime = event->result == HP_PCP_SUCCESS ? lifetime : error_lifetime(event->result);
    put_head(server, now, out, event->opcode, event->result, event->lifetime);
    if (server->ops.event != NULL) {
        server->ops.event(server->user, now, event);
    }
    server->ops.send(server->user, now, &event->client, out, len);
}

static hp_pcp_result handle(hp_pcp_server *server, hp_time now, const hp_pcp_request *r, hp_pcp_answer *answer)
{
    switch ((hp_pcp_opcode)r->opcode) {
    case HP_PCP_ANNOUNCE:
        return HP_PCP_SUCCESS;
    case HP_PCP_MAP:
        return handle_map(server, now, r, answer);
    case HP_PCP_PEER:
        return handle_peer(server, now, r, answer);
    }
    return HP_PCP_UNSUPP_OPCODE;
}

/* Options that a server may skip are not repeated in its answer (section 7.3). Returns the answer's length. */
static size_t drop_skipped_options(uint8_t *out, size_t at, size_t len)
{
    size_t kept = at;
    while (at < len) {
        size_t whole = 4 + ((size_t)hp_get16(out + at + 2) + 3) / 4 * 4;
        if (out[at] < 128) {
            memmove(out + kept, out + at, whole);
            kept += whole;
        }
        at += whole;
    }
    return kept;
}

/* Turns the request in `out` into an answer and sends it. */
static void handle_request(hp_pcp_server *server, hp_time now, hp_pcp_server_event *event, uint8_t *out, size_t len)
{
    hp_pcp_request r;
    hp_pcp_answer answer = {0};
    event->result = hp_pcp_read(out, len, hp_leases_config(server->leases), &r);
    if (!hp_addr_same_ip(&r.client, &event->client)) {
        event->result = HP_PCP_ADDRESS_MISMATCH;
    }
    if (event->result != HP_PCP_MALFORMED_REQUEST && event->result != HP_PCP_MALFORMED_OPTION) {
        memset(out + 12, 0, 12);
    }
    if (event->result == HP_PCP_SUCCESS) {
        event->protocol = r.protocol;
        event->internal = r.opcode == HP_PCP_ANNOUNCE ? (hp_addr){0} : r.internal;
        event->remote = r.remote;
        event->result = handle(server, now, &r, &answer);
    }
    if (event->result == HP_PCP_SUCCESS) {
        size_t body = HP_PCP_HEADER;
        if (r.opcode != HP_PCP_ANNOUNCE) {
            event->external = answer.external;
            hp_put16(out + 42, answer.external.port);
            hp_pcp_put_addr(out + 44, &answer.external);
            body += r.opcode == HP_PCP_MAP ? HP_PCP_MAP_DATA : HP_PCP_PEER_DATA;
        }
        len = drop_skipped_options(out, body, len);
    }
    answer_with(server, now, event, out, len, answer.lifetime);
}

void hp_pcp_server_input(hp_pcp_server *server, hp_time now, const hp_addr *from, const uint8_t *data, size_t len)
{
    uint8_t out[HP_PCP_MAX] = {0};
    hp_leases_run(server->leases, now);
    if (len < 2 || (data[1] & RESPONSE) != 0) {
        return;
    }
    hp_pcp_server_event event = {.client = *from, .version = data[0], .opcode = data[1]};
    memcpy(out, data, MIN(len, sizeof out));
    size_t padded = CLAMP((len + 3) / 4 * 4, HP_PCP_HEADER, HP_PCP_MAX);
    if (data[0] != HP_PCP_VERSION) {
        event.result = HP_PCP_UNSUPP_VERSION;
        answer_with(server, now, &event, out, padded, 0);
    } else if (len < HP_PCP_HEADER || len > HP_PCP_MAX || len % 4 != 0) {
        event.result = HP_PCP_MALFORMED_REQUEST;
        answer_with(server, now, &event, out, padded, 0);
    } else {
        handle_request(server, now, &event, out, len);
    }
}

void hp_pcp_server_announce(hp_pcp_server *server, hp_time now)
{
    if (!hp_leases_config(server->leases)->no_announce) {
        hp_announcer_start(&server->announcer, now);
    }
}

hp_time hp_pcp_server_deadline(const hp_pcp_server *server)
{
    return MIN(server->announcer.next, hp_leases_deadline(server->leases));
}

void hp_pcp_server_run(hp_pcp_server *server, hp_time now)
{
    static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 0x01};
    static const uint32_t all_hosts = 0xe0000001;
    const hp_addr v4 = hp_addr_v4(all_hosts, HP_PCP_CLIENT_PORT), v6 = hp_addr_v6(all_nodes, HP_PCP_CLIENT_PORT);
    hp_leases_run(server->leases, now);
    while (hp_announcer_step(&server->announcer, now)) {
        uint8_t out[HP_PCP_HEADER] = {0};
        put_head(server, now, out, HP_PCP_ANNOUNCE, HP_PCP_SUCCESS, 0);
        if (server->ipv4) {
            server->ops.send(server->user, now, &v4, out, sizeof out);
        }
        if (server->ipv6) {
            server->ops.send(server->user, now, &v6, out, sizeof out);
        }
    }
}
