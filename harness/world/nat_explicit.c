/* Who holds explicit mappings, and whom these let in (see nat_explicit.h).
 *
 * An explicit mapping is an ordinary entry of the table whose timer is HP_NAT_TIMER_EXPLICIT; nothing else tells it
 * apart. Beside the table stand its grants, in order of their making, at least one as long as it is explicit. A mapping
 * that traffic had made before becomes explicit with its first grant and keeps its port (RFC 6887 section 11.3): a wish
 * for another is disappointed, refused when it is exact, or fulfilled by moving the mapping when the caller asks for
 * that, as a UPnP gateway is expected to map the very port it is told.
 *
 * Where the mapping behaviour is another one, flows of the endpoint itself may have got the port that is wished for, as
 * happens after a reboot that traffic notices before the client does. They are no reason to refuse it: their mappings
 * give way to the explicit one (ended: replaced), which knows their remotes and serves them on. That is UDP's; TCP's
 * connections, and ports that would have to be quarantined first, keep theirs.
 *
 * A mapping for a remote with its port is what PCP's PEER asks for; it holds an implicit mapping alive and lets nobody
 * else in than the NAT's own filtering does. All others are MAP's or UPnP's.
 *
 * The end of the last grant leaves an ordinary mapping behind where traffic would have made one: its timeout runs since
 * the last packet that refreshed it, and on a NAT with another mapping behaviour it serves the remotes that it knows.
 *
 * Until its inside endpoint sends, a mapping for anybody has the unspecified address of a family as its remote: that of
 * its external address. NAT64 gives an IPv6 host mappings at IPv4 addresses. IPv6 that is routed, or has its prefix
 * replaced, needs no mapping: all is granted and nothing kept.
 *
 * Limits: two inside hosts cannot share an external port by their remotes, as UPnP's remote host would allow; the
 * second is told that the port is taken. The mapping of a grant for a remote host lets that host in by its address
 * whatever other grants say. */
#include "world/nat_explicit.h"

#include "world/nat_private.h"

typedef struct hp_nat_grant {
    hp_addr remote; /* as in the request */
    hp_nat_map_filter *filters; /* owned */
    unsigned n_filters;
} hp_nat_grant;

typedef struct hp_nat_grants {
    hp_nat_grant *list; /* owned */
    unsigned n;
} hp_nat_grants;

static void grants_free(void *data)
{
    hp_nat_grants *grants = data;
    for (unsigned i = 0; i < grants->n; i++)
        g_free(grants->list[i].filters);
    g_free(grants->list);
    g_free(grants);
}

GHashTable *hp_nat_grants_new(void)
{
    return g_hash_table_new_full(NULL, NULL, NULL, grants_free);
}

static hp_nat_grants *grants_of(const hp_nat *nat, uint32_t id)
{
    return g_hash_table_lookup(nat->grants, GUINT_TO_POINTER(id));
}

void hp_nat_grants_forget(hp_nat *nat, uint32_t id)
{
    g_hash_table_remove(nat->grants, GUINT_TO_POINTER(id));
}

size_t hp_nat_grants_memory(const hp_nat *nat)
{
    return g_hash_table_size(nat->grants) * (sizeof(hp_nat_grants) + sizeof(hp_nat_grant));
}

/* ---- who may send ---- */

static bool is_peer(const hp_nat_grant *grant)
{
    return grant->remote.port != 0;
}

static bool grant_admits(const hp_nat_grant *grant, const hp_addr *remote)
{
    if (is_peer(grant) || (grant->remote.family != HP_AF_NONE && !hp_addr_same_ip(&grant->remote, remote)))
        return false;
    for (unsigned i = 0; i < grant->n_filters; i++) {
        const hp_nat_map_filter *f = &grant->filters[i];
        if (hp_prefix_contains(&f->prefix, remote) && (f->port == 0 || f->port == remote->port))
            return true;
    }
    return grant->n_filters == 0;
}

bool hp_nat_grants_admit(const hp_nat *nat, uint32_t id, const hp_addr *remote)
{
    const hp_nat_grants *grants = grants_of(nat, id);
    for (unsigned i = 0; i < grants->n; i++) {
        if (grant_admits(&grants->list[i], remote))
            return true;
    }
    return false;
}

bool hp_nat_explicit_admits(const hp_nat *nat, hp_nat_proto proto, uint32_t id, const hp_addr *remote)
{
    const hp_nat_grants *grants = grants_of(nat, id);
    hp_nat_behaviour filtering = nat->policy[proto].filtering;

    if (hp_nat_grants_admit(nat, id, remote))
        return true;
    /* Filters would mean nothing on a NAT that filters by nothing: only what was sent to counts beside them. */
    for (unsigned i = 0; i < grants->n; i++) {
        if (!is_peer(&grants->list[i]))
            filtering = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    }
    return hp_nat_session_has(&nat->table, id, filtering, remote);
}

/* ---- making ---- */

static hp_nat_proto proto_of(uint8_t proto)
{
    g_assert(proto == HP_PROTO_UDP || proto == HP_PROTO_TCP);
    return proto == HP_PROTO_UDP ? HP_NAT_UDP : HP_NAT_TCP;
}

/* The family of the remotes that a mapping is for, which is that of its external address: the host's own, or IPv4 for
 * an IPv6 host where NAT64 is wanted or all there is. */
static uint8_t family_of(const hp_nat *nat, const hp_nat_map_request *request)
{
    uint8_t own = request->internal.family;
    bool nat64 = own == HP_AF_IPV6 && nat->config.nat64;
    if (request->remote.family != HP_AF_NONE)
        return request->remote.family;
    if (request->external.family == HP_AF_IPV4 && nat64)
        return HP_AF_IPV4;
    return nat64 && nat->config.ipv6 == HP_NAT_IPV6_TRANSLATE && nat->pool.n_of_family[1] == 0 ? HP_AF_IPV4 : own;
}

/* In the place of a remote where a mapping is for anybody of a family. */
static hp_addr anybody(uint8_t family)
{
    return (hp_addr){.family = family};
}

/* Which mapping a grant holds, whether there or yet to be made. */
static uint32_t find(const hp_nat *nat, hp_nat_proto proto, uint8_t family, const hp_addr *internal,
                     const hp_addr *remote)
{
    hp_addr any = anybody(family);
    return remote->port != 0 ? hp_nat_mapping_find(nat, proto, internal, remote)
                             : hp_nat_table_find(&nat->table, HP_NAT_ENDPOINT_INDEPENDENT, proto, internal, &any);
}

static bool fulfils(const hp_addr *external, const hp_addr *wish)
{
    return (wish->family == HP_AF_NONE || hp_addr_same_ip(wish, external)) &&
           (wish->port == 0 || wish->port == external->port);
}

static bool is_as_wished(const hp_nat *nat, uint32_t id, const hp_addr *wish)
{
    hp_addr external = hp_nat_mapping_external(nat, id);
    return fulfils(&external, wish);
}

static bool move(hp_nat *nat, uint32_t id, const hp_addr *wish)
{
    const hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    hp_nat_want want = {.proto = (hp_nat_proto)m->proto,
                        .kind = (hp_nat_behaviour)m->kind,
                        .internal = m->internal,
                        .remote = m->remote,
                        .host = hp_nat_cold(&nat->table, id)->host,
                        .rebind = id};
    uint16_t external, port;
    if (wish->port == 0 || !hp_nat_ports_try(nat, &want, wish, &external, &port))
        return false;
    hp_nat_mapping_move(nat, id, external, port, false);
    return true;
}

static hp_nat_map_outcome why_not(const hp_nat *nat, const hp_nat_map_request *request, hp_nat_proto proto,
                                  const hp_nat_verdict *v)
{
    if (v->reason == HP_DROP_NAT_NO_PORT)
        return request->exact ? HP_NAT_MAP_TAKEN : HP_NAT_MAP_NO_PORT;
    uint32_t max = nat->config.max_mappings;
    bool table = max && nat->table.n >= max;
    bool host = nat->policy[proto].max_per_host || nat->config.max_mappings_per_host;
    return host && !table ? HP_NAT_MAP_HOST_FULL : HP_NAT_MAP_TABLE_FULL;
}

/* The newest mapping at the port wished for, if all that are there are the endpoint's own; else 0. */
static uint32_t own_flows_at(const hp_nat *nat, const hp_nat_map_request *request, hp_nat_proto proto)
{
    uint8_t family = family_of(nat, request);
    hp_addr wish = request->external, nobody = anybody(family);
    if (proto != HP_NAT_UDP || wish.port == 0 || hp_nat_quarantines(nat, proto))
        return 0;
    if (wish.family == HP_AF_NONE)
        hp_nat_external_address(nat, family, &wish);
    int external = hp_nat_external_of(&nat->pool, &wish);
    uint32_t newest =
        external >= 0 ? hp_nat_ports_lookup(nat, proto, (uint16_t)external, request->external.port, &nobody) : 0;
    for (uint32_t id = newest; id; id = hp_nat_cold(&nat->table, id)->by_port.next) {
        if (!hp_addr_equal(&hp_nat_hot(&nat->table, id)->internal, &request->internal) ||
            hp_nat_is_explicit(&nat->table, id))
            return 0;
    }
    return newest;
}

/* Ends them, and gives their remotes. */
static GArray *replace(hp_nat *nat, uint32_t newest)
{
    GArray *remotes = g_array_new(FALSE, FALSE, sizeof(hp_addr));
    for (uint32_t id = newest, next; id; id = next) {
        next = hp_nat_cold(&nat->table, id)->by_port.next;
        g_array_append_val(remotes, hp_nat_hot(&nat->table, id)->remote);
        hp_nat_mapping_end(nat, id, HP_NAT_END_REPLACED);
    }
    return remotes;
}

static hp_nat_map_outcome make(hp_nat *nat, const hp_nat_map_request *request, hp_nat_proto proto, uint32_t *ret)
{
    bool peer = request->remote.port != 0;
    hp_nat_behaviour kind = peer ? nat->policy[proto].mapping : HP_NAT_ENDPOINT_INDEPENDENT;
    hp_nat_wish wish = {.external = request->external, .exact = request->exact};
    hp_addr remote = peer ? request->remote : anybody(family_of(nat, request));
    hp_nat_verdict v = {0};
    g_autoptr(GArray) remotes = replace(nat, peer ? 0 : own_flows_at(nat, request, proto));

    *ret = hp_nat_mapping_make(nat, kind, proto, &request->internal, &remote, &wish, &v);
    for (unsigned i = 0; *ret && i < remotes->len; i++)
        hp_nat_session_add(&nat->table, *ret, &g_array_index(remotes, hp_addr, i), nat->max_sessions);
    return *ret ? HP_NAT_MAP_OK : why_not(nat, request, proto, &v);
}

static hp_nat_map_outcome take(hp_nat *nat, const hp_nat_map_request *request, hp_nat_proto proto, uint32_t id)
{
    if (request->exact && !is_as_wished(nat, id, &request->external) &&
        (hp_nat_is_explicit(&nat->table, id) || !request->move || !move(nat, id, &request->external)))
        return HP_NAT_MAP_TAKEN;
    if (request->remote.port != 0 && !hp_addr_equal(&hp_nat_hot(&nat->table, id)->remote, &request->remote) &&
        !hp_nat_session_has(&nat->table, id, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, &request->remote))
        hp_nat_session_add(&nat->table, id, &request->remote, nat->max_sessions);
    hp_nat_mapping_set_explicit(nat, id, true);
    return HP_NAT_MAP_OK;
}

/* IPv6 that the NAT routes or whose prefix it replaces: everybody may send to every port anyway (nat_ipv6.c). */
static hp_nat_map_outcome map_untranslated(const hp_nat *nat, const hp_nat_map_request *request, hp_addr *ret_external)
{
    hp_addr external = request->internal;
    if (nat->config.ipv6 == HP_NAT_IPV6_PREFIX && !hp_npt_map(&nat->npt, true, &external))
        return HP_NAT_MAP_NO_ADDRESS;
    if (request->exact && !fulfils(&external, &request->external))
        return HP_NAT_MAP_TAKEN;
    *ret_external = external;
    return HP_NAT_MAP_OK;
}

hp_nat_map_outcome hp_nat_map(hp_nat *nat, const hp_nat_map_request *request, hp_addr *ret_external)
{
    hp_nat_proto proto = proto_of(request->proto);
    hp_nat_map_outcome outcome;

    if (!hp_nat_is_inside(nat, &request->internal) || request->internal.port == 0)
        return HP_NAT_MAP_NOT_INSIDE;
    uint8_t family = family_of(nat, request);
    if (family == HP_AF_IPV6 && nat->config.ipv6 != HP_NAT_IPV6_TRANSLATE)
        return map_untranslated(nat, request, ret_external);
    if (nat->pool.n_of_family[family == HP_AF_IPV6] == 0)
        return HP_NAT_MAP_NO_ADDRESS;
    uint32_t id = find(nat, proto, family, &request->internal, &request->remote);
    outcome = id ? take(nat, request, proto, id) : make(nat, request, proto, &id);
    if (outcome != HP_NAT_MAP_OK)
        return outcome;

    hp_nat_grants *grants = grants_of(nat, id);
    if (!grants) {
        grants = g_new0(hp_nat_grants, 1);
        g_hash_table_insert(nat->grants, GUINT_TO_POINTER(id), grants);
    }
    grants->list = g_renew(hp_nat_grant, grants->list, grants->n + 1);
    grants->list[grants->n++] = (hp_nat_grant){.remote = request->remote};
    *ret_external = hp_nat_mapping_external(nat, id);
    return HP_NAT_MAP_OK;
}

/* ---- changing, ending ---- */

static hp_nat_grant *find_grant(const hp_nat *nat, uint8_t protocol, const hp_addr *internal, const hp_addr *remote,
                                uint32_t *ret_id)
{
    /* Of anybody's grants the family is not told: an IPv6 host may have one for IPv4 (NAT64). */
    static const uint8_t families[] = {HP_AF_IPV4, HP_AF_IPV6};
    for (unsigned f = 0; f < G_N_ELEMENTS(families); f++) {
        uint32_t id = find(nat, proto_of(protocol), remote->family ? remote->family : families[f], internal, remote);
        hp_nat_grants *grants = id ? grants_of(nat, id) : NULL;
        for (unsigned i = 0; grants && i < grants->n; i++) {
            if (hp_addr_equal(&grants->list[i].remote, remote)) {
                *ret_id = id;
                return &grants->list[i];
            }
        }
    }
    return NULL;
}

void hp_nat_map_set_filters(hp_nat *nat, uint8_t proto, const hp_addr *internal, const hp_addr *remote,
                            const hp_nat_map_filter *filters, unsigned n)
{
    uint32_t id;
    hp_nat_grant *grant = find_grant(nat, proto, internal, remote, &id);
    if (!grant)
        return;
    g_free(grant->filters);
    grant->filters = n ? g_memdup2(filters, n * sizeof *filters) : NULL;
    grant->n_filters = n;
}

/* Whether the inside endpoint has itself sent through the mapping. */
static bool carries_traffic(const hp_nat *nat, uint32_t id)
{
    const hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    if (m->proto == HP_NAT_TCP)
        return hp_nat_cold(&nat->table, id)->n_tcp > 0;
    return !hp_addr_is_unspecified(&m->remote) || m->sessions;
}

void hp_nat_unmap(hp_nat *nat, uint8_t proto, const hp_addr *internal, const hp_addr *remote)
{
    uint32_t id;
    hp_nat_grant *grant = find_grant(nat, proto, internal, remote, &id);
    if (!grant)
        return;
    hp_nat_grants *grants = grants_of(nat, id);
    g_free(grant->filters);
    grants->n--;
    for (; grant < grants->list + grants->n; grant++)
        *grant = grant[1];
    if (grants->n > 0)
        return;
    if (carries_traffic(nat, id)) {
        hp_nat_mapping_set_explicit(nat, id, false);
        hp_nat_grants_forget(nat, id);
    } else {
        hp_nat_mapping_end(nat, id, HP_NAT_END_UNMAPPED);
    }
}

bool hp_nat_external_address(const hp_nat *nat, uint8_t family, hp_addr *ret)
{
    unsigned f = family == HP_AF_IPV6;
    if (nat->pool.n_of_family[f] == 0)
        return false;
    *ret = nat->pool.externals[nat->pool.of_family[f][0]].addr;
    return true;
}
