/* External ports: which are taken, and which one a new mapping gets (RFC 4787 section 4.2; ICMP ids are treated like
 * ports, RFC 5508 section 3.1).
 *
 * A port space is one external address and protocol: 256 pages of 256 ports, made when first used. A port's entry is
 * its newest mapping; those that share it by overloading follow in a chain. That table answers the outside lookup by
 * itself. Only overloaded mappings need a second look, in the tuple index, to be told apart by their remote.
 *
 * Choosing, in this order:
 *   1. contiguity: next to the port of its RTP or RTCP partner, when that partner is mapped and the place is free;
 *   2. preservation: the internal port itself, on any address the mapping may use;
 *   3. the policy: upwards from where it points, or random draws (sixteen, then upwards from the last), on one address
 *      after the other; with contiguity wanted, first among ports that leave room for the partner.
 * A port is acceptable when its parity fits (strictly, where parity is kept), when it is free or shareable, and when
 * no state left by an unsolicited packet holds its tuple.
 *
 * An address may be any of the pool's in turn (arbitrary pooling) or the host's own (paired). With port blocks the
 * host's blocks take the place of the range; well_known_apart and the pool's rotation then have nothing to say.
 * TCP has its policy, parity and overloading for itself, ICMP its policy; collisions, range and well_known_apart are
 * common, contiguity is UDP's alone (RTP and RTCP are).
 * All addresses that the NAT was given are used; `pool` in the configuration is for whoever numbers the network. */
#include "world/nat_private.h"

#include "wire/claimed_ports.h"

/* ---- the pool ---- */

static void spaces_free(hp_nat_external *e)
{
    for (unsigned proto = 0; proto < HP_NAT_N_PROTOS; proto++) {
        hp_nat_port_space *space = e->spaces[proto];
        for (unsigned i = 0; space && i < G_N_ELEMENTS(space->pages); i++)
            g_free(space->pages[i]);
        g_clear_pointer(&e->spaces[proto], g_free);
    }
}

void hp_nat_pool_clear(hp_nat_pool *pool)
{
    for (unsigned i = 0; i < pool->n; i++) {
        spaces_free(&pool->externals[i]);
        g_free(pool->externals[i].block_owners);
    }
    g_free(pool->externals);
    g_free(pool->of_family[0]);
    g_free(pool->of_family[1]);
    hp_addr_map_clear(&pool->by_addr);
    *pool = (hp_nat_pool){0};
}

void hp_nat_pool_set(hp_nat *nat, const hp_addr *addrs, size_t n)
{
    hp_nat_pool *pool = &nat->pool;

    hp_nat_pool_clear(pool);
    n = MIN(n, UINT16_MAX);
    pool->externals = g_new0(hp_nat_external, n);
    pool->of_family[0] = g_new0(uint16_t, n);
    pool->of_family[1] = g_new0(uint16_t, n);
    for (size_t i = 0; i < n; i++) {
        hp_addr a = hp_addr_with_port(addrs[i], 0);
        if (a.family == HP_AF_NONE || hp_addr_map_find(&pool->by_addr, &a))
            continue;
        unsigned family = hp_nat_family(&a);
        pool->of_family[family][pool->n_of_family[family]++] = (uint16_t)pool->n;
        hp_addr_map_set(&pool->by_addr, &a, pool->n);
        pool->externals[pool->n++].addr = a;
    }
    hp_nat_hosts_decide(nat);
}

void hp_nat_pool_reset(hp_nat *nat)
{
    for (unsigned i = 0; i < nat->pool.n; i++)
        spaces_free(&nat->pool.externals[i]);
    nat->pool.rotor[0] = nat->pool.rotor[1] = 0;
    hp_nat_quarantine_restore(nat);
}

size_t hp_nat_pool_memory(const hp_nat_pool *pool)
{
    size_t n = pool->n * (sizeof *pool->externals + sizeof(uint16_t));
    for (unsigned i = 0; i < pool->n; i++) {
        for (unsigned proto = 0; proto < HP_NAT_N_PROTOS; proto++) {
            const hp_nat_port_space *space = pool->externals[i].spaces[proto];
            n += space ? sizeof *space : 0;
            for (unsigned page = 0; space && page < G_N_ELEMENTS(space->pages); page++)
                n += space->pages[page] ? sizeof *space->pages[page] : 0;
        }
    }
    return n;
}

static hp_nat_port_space *space_of(hp_nat *nat, uint16_t external, hp_nat_proto proto)
{
    hp_nat_port_space **space = &nat->pool.externals[external].spaces[proto];
    if (!*space)
        *space = g_new0(hp_nat_port_space, 1);
    return *space;
}

static hp_nat_port_page *page_of(hp_nat *nat, uint16_t external, hp_nat_proto proto, uint16_t port)
{
    hp_nat_port_page **page = &space_of(nat, external, proto)->pages[port >> 8];
    if (!*page)
        *page = g_new0(hp_nat_port_page, 1);
    return *page;
}

static uint32_t head_of(const hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port)
{
    const hp_nat_port_space *space = nat->pool.externals[external].spaces[proto];
    const hp_nat_port_page *page = space ? space->pages[port >> 8] : NULL;
    return page ? page->heads[port & 0xff] : 0;
}

void hp_nat_ports_link(hp_nat *nat, uint32_t id)
{
    hp_nat_table *t = &nat->table;
    const hp_nat_mapping *m = hp_nat_hot(t, id);
    hp_nat_port_page *page = page_of(nat, m->external, m->proto, m->port);
    uint32_t *head = &page->heads[m->port & 0xff];

    hp_nat_cold(t, id)->by_port = (hp_nat_links){.next = *head};
    if (*head)
        hp_nat_cold(t, *head)->by_port.previous = id;
    else
        page->used++;
    *head = id;
    if (nat->policy[m->proto].overload && m->kind != HP_NAT_ENDPOINT_INDEPENDENT && !(m->flags & HP_NAT_TUPLED))
        hp_nat_tuple_add(t, id);
}

void hp_nat_ports_unlink(hp_nat *nat, uint32_t id, bool reserve)
{
    hp_nat_table *t = &nat->table;
    const hp_nat_mapping *m = hp_nat_hot(t, id);
    hp_nat_port_page *page = page_of(nat, m->external, m->proto, m->port);
    uint32_t *head = &page->heads[m->port & 0xff];
    hp_nat_links links = hp_nat_cold(t, id)->by_port;

    if (m->flags & HP_NAT_TUPLED)
        hp_nat_tuple_remove(t, id);
    if (links.next)
        hp_nat_cold(t, links.next)->by_port.previous = links.previous;
    if (links.previous) {
        hp_nat_cold(t, links.previous)->by_port.next = links.next;
        return;
    }
    *head = links.next;
    if (links.next)
        return;
    if (reserve) {
        *head = HP_NAT_RESERVED;
    } else if (hp_nat_quarantines(nat, m->proto)) {
        *head = HP_NAT_RESERVED;
        hp_nat_quarantine_add(nat, m->proto, m->external, m->port);
    } else {
        page->used--;
    }
}

void hp_nat_ports_reserve(hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port)
{
    hp_nat_port_page *page = page_of(nat, external, proto, port);
    if (page->heads[port & 0xff] == 0) {
        page->heads[port & 0xff] = HP_NAT_RESERVED;
        page->used++;
    }
}

void hp_nat_ports_unreserve(hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port)
{
    hp_nat_port_page *page = page_of(nat, external, proto, port);
    if (page->heads[port & 0xff] == HP_NAT_RESERVED) {
        page->heads[port & 0xff] = 0;
        page->used--;
    }
}

void hp_nat_ports_release(hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port)
{
    if (hp_nat_quarantines(nat, proto) && head_of(nat, proto, external, port) == HP_NAT_RESERVED)
        hp_nat_quarantine_add(nat, proto, external, port);
    else
        hp_nat_ports_unreserve(nat, proto, external, port);
}

uint32_t hp_nat_ports_lookup(const hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port,
                             const hp_addr *remote)
{
    const hp_nat_table *t = &nat->table;
    uint32_t head = head_of(nat, proto, external, port);
    if (!head || t->tuples.count == 0)
        return head == HP_NAT_RESERVED ? 0 : head;
    if (head == HP_NAT_RESERVED)
        return 0;

    uint32_t id = hp_nat_tuple_find(t, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, proto, external, port, remote);
    if (!id)
        id = hp_nat_tuple_find(t, HP_NAT_ADDRESS_DEPENDENT, proto, external, port, remote);
    if (!id && nat->policy[proto].filtering == HP_NAT_ADDRESS_DEPENDENT) {
        for (id = head; id && !hp_nat_session_has(t, id, HP_NAT_ADDRESS_DEPENDENT, remote);)
            id = hp_nat_cold(t, id)->by_port.next;
    }
    /* Overloaded and filtered by nothing, the newest flow gets what no flow claims. */
    return id ? id : head;
}

void hp_nat_ports_hint(const hp_nat *nat, hp_nat_proto proto, const hp_addr *external, hp_hint hint)
{
    int index = hp_nat_external_of(&nat->pool, external);
    const hp_nat_port_space *space = index >= 0 ? nat->pool.externals[index].spaces[proto] : NULL;
    const hp_nat_port_page *page = space ? space->pages[external->port >> 8] : NULL;
    if (!page)
        return;
    const uint32_t *head = &page->heads[external->port & 0xff];
    switch (hint) {
    case HP_HINT_FAR:
        hp_prefetch(head);
        break;
    case HP_HINT_NEAR:
        if (*head && *head != HP_NAT_RESERVED)
            hp_prefetch_write(hp_nat_hot(&nat->table, *head));
        break;
    }
}

/* ---- choosing ---- */

hp_nat_span hp_nat_ports_range(const hp_nat_config *config, hp_nat_proto proto, uint16_t internal_port)
{
    hp_port_range r = config->port_range;
    bool given = r.first != 0 || r.last != 0;
    if (!given && proto == HP_NAT_ICMP)
        return (hp_nat_span){.first = 0, .last = UINT16_MAX};

    hp_nat_span span = given ? (hp_nat_span){.first = MIN(r.first, r.last), .last = MAX(r.first, r.last)}
                             : (hp_nat_span){.first = 1024, .last = UINT16_MAX};
    if (config->well_known_apart && proto != HP_NAT_ICMP) {
        if (internal_port < 1024)
            return (hp_nat_span){.first = 1, .last = 1023};
        span.first = MAX(span.first, 1024);
        if (span.last < span.first)
            span.last = UINT16_MAX;
    }
    /* Port 0 says "no reply expected" in UDP, and TCP has none such: nothing is ever mapped to it. */
    if (proto != HP_NAT_ICMP)
        span.first = MAX(span.first, 1);
    span.last = MAX(span.last, span.first);
    return span;
}

/* Whether a mapping of that kind and remote could not be told from those that have the port. */
static bool conflicts(const hp_nat *nat, const hp_nat_want *want, uint16_t external, uint16_t port, uint32_t head)
{
    const hp_nat_table *t = &nat->table;

    if (head == HP_NAT_RESERVED || !nat->policy[want->proto].overload || want->kind == HP_NAT_ENDPOINT_INDEPENDENT)
        return true;
    const uint32_t *n_of_kind = t->n_of_kind[want->proto];
    if (n_of_kind[want->kind] == n_of_kind[0] + n_of_kind[1] + n_of_kind[2])
        return hp_nat_tuple_find(t, want->kind, want->proto, external, port, &want->remote) != 0;
    /* Of several kinds, the coarser one decides: rare, only after a change of knobs or beside inbound-first state. */
    for (uint32_t id = head; id; id = hp_nat_cold(t, id)->by_port.next) {
        const hp_nat_mapping *m = hp_nat_hot(t, id);
        if (hp_nat_same_remote(MIN(m->kind, want->kind), &m->remote, &want->remote))
            return true;
    }
    return false;
}

static bool acceptable(hp_nat *nat, const hp_nat_want *want, uint16_t external, uint16_t port)
{
    if (nat->policy[want->proto].parity && ((port ^ want->internal.port) & 1))
        return false;
    if (want->rebind) {
        const hp_nat_mapping *m = hp_nat_hot(&nat->table, want->rebind);
        if (m->external == external && m->port == port)
            return false;
    }
    uint32_t head = head_of(nat, want->proto, external, port);
    if (head && conflicts(nat, want, external, port, head))
        return false;
    return want->proto != HP_NAT_UDP || !hp_nat_inbound_holds(nat, external, port, &want->remote);
}

static bool in_span(hp_nat_span span, uint32_t port)
{
    return port >= span.first && port <= span.last;
}

/* Where the partner of a port would be: RTP on the even port, RTCP on the odd one above. */
static int partner_step(const hp_nat_want *want)
{
    return want->internal.port & 1 ? -1 : 1;
}

/* acceptable(), and the partner's place is free too. */
static bool leaves_room(hp_nat *nat, const hp_nat_want *want, uint16_t external, uint32_t port, hp_nat_span span)
{
    uint32_t neighbour = port + (uint32_t)partner_step(want);
    return in_span(span, neighbour) && head_of(nat, want->proto, external, (uint16_t)neighbour) == 0;
}

typedef struct search {
    hp_nat *nat;
    const hp_nat_want *want;
    bool contiguous; /* only ports with room beside them */
    bool random;
} search;

static bool fits(const search *s, uint16_t external, uint32_t port, hp_nat_span span)
{
    return acceptable(s->nat, s->want, external, (uint16_t)port) &&
           (!s->contiguous || leaves_room(s->nat, s->want, external, port, span));
}

static uint32_t first_try(const search *s, uint16_t external, hp_nat_span span)
{
    hp_nat *nat = s->nat;
    const hp_nat_want *want = s->want;
    uint32_t port;

    if (s->random)
        return span.first + (uint32_t)hp_rng_below(&nat->rng, span.last - span.first + 1);
    if (nat->policy[want->proto].ports == HP_NAT_PORTS_SEQUENTIAL)
        port = nat->config.port_block ? nat->hosts.records[want->host].next_port
                                      : space_of(nat, external, want->proto)->next;
    else if (want->rebind)
        port = hp_nat_hot(&nat->table, want->rebind)->port + 1u;
    else
        port = want->internal.port + 1u;
    return in_span(span, port) ? port : span.first;
}

static bool search_span(const search *s, uint16_t external, hp_nat_span span, uint16_t *ret)
{
    uint32_t n = span.last - span.first + 1, start = first_try(s, external, span);

    for (unsigned draw = 0; s->random && draw < 16; draw++) {
        if (!hp_port_is_claimed((uint16_t)start) && fits(s, external, start, span)) {
            *ret = (uint16_t)start;
            return true;
        }
        start = first_try(s, external, span);
    }
    hp_nat_port_space *space = space_of(s->nat, external, s->want->proto);
    for (uint32_t i = 0; i < n;) {
        uint32_t port = start + i <= span.last ? start + i : start + i - n;
        const hp_nat_port_page *page = space->pages[port >> 8];
        if (page && page->used == G_N_ELEMENTS(page->heads) && !s->nat->policy[s->want->proto].overload) {
            i += MIN(0x100 - (port & 0xff), span.last - port + 1);
            continue;
        }
        if (fits(s, external, port, span)) {
            *ret = (uint16_t)port;
            return true;
        }
        i++;
    }
    return false;
}

/* The places a mapping may go, in order of preference. */
typedef struct place {
    uint16_t external;
    hp_nat_span span;
} place;

static bool nth_place(hp_nat *nat, const hp_nat_want *want, unsigned turn, unsigned n, bool may_grow, place *ret)
{
    unsigned family = hp_nat_family(&want->remote);
    const hp_nat_pool *pool = &nat->pool;

    if (nat->config.port_block) {
        if (!want->host || (n >= nat->hosts.records[want->host].n_blocks &&
                            !(may_grow && hp_nat_hosts_add_block(nat, want->host, family))))
            return false;
        uint32_t block = nat->hosts.records[want->host].blocks[n];
        *ret = (place){.external = (uint16_t)(block >> 16), .span = hp_nat_block_span(nat, block)};
        return true;
    }
    ret->span = hp_nat_ports_range(&nat->config, want->proto, want->internal.port);
    if (nat->config.pooling == HP_NAT_PAIRED && want->host && pool->n_of_family[family] > 1) {
        ret->external = hp_nat_hosts_paired(nat, want->host, family);
        return n == 0;
    }
    if (n >= pool->n_of_family[family])
        return false;
    ret->external = pool->of_family[family][(turn + n) % pool->n_of_family[family]];
    return true;
}

static bool beside_partner(hp_nat *nat, const hp_nat_want *want, place *ret, uint16_t *ret_port)
{
    int step = partner_step(want);
    hp_addr internal = hp_addr_with_port(want->internal, (uint16_t)(want->internal.port + step));
    hp_addr remote = hp_addr_with_port(want->remote, (uint16_t)(want->remote.port + step));
    uint32_t id = hp_nat_table_find(&nat->table, want->kind, want->proto, &internal, &remote);
    if (!id)
        return false;

    const hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    uint32_t port = (uint32_t)(m->port - step);
    place p;
    for (unsigned n = 0; nth_place(nat, want, 0, n, false, &p); n++) {
        if (p.external == m->external && in_span(p.span, port) && acceptable(nat, want, p.external, (uint16_t)port)) {
            *ret = p;
            *ret_port = (uint16_t)port;
            return true;
        }
    }
    return false;
}

static bool find_place(hp_nat *nat, const hp_nat_want *want, unsigned turn, place *ret, uint16_t *ret_port)
{
    const hp_nat_config *config = &nat->config;
    bool contiguity = config->port_contiguity && want->proto == HP_NAT_UDP;
    hp_nat_ports policy = nat->policy[want->proto].ports;
    bool preserve = policy == HP_NAT_PORTS_PRESERVE;

    if (contiguity && beside_partner(nat, want, ret, ret_port))
        return true;
    if (preserve && !want->rebind) {
        /* A host's first block is its own before anything is tried. */
        for (unsigned n = 0; nth_place(nat, want, turn, n, n == 0, ret); n++) {
            if (in_span(ret->span, want->internal.port) && acceptable(nat, want, ret->external, want->internal.port)) {
                *ret_port = want->internal.port;
                return true;
            }
        }
        if (config->collision == HP_NAT_COLLISION_REFUSE)
            return false;
    }
    search s = {
        .nat = nat,
        .want = want,
        .random = policy == HP_NAT_PORTS_RANDOM || (preserve && config->collision == HP_NAT_COLLISION_RANDOM),
    };
    for (unsigned pass = contiguity ? 0 : 1; pass < 2; pass++) {
        s.contiguous = pass == 0;
        for (unsigned n = 0; nth_place(nat, want, turn, n, true, ret); n++) {
            if (search_span(&s, ret->external, ret->span, ret_port))
                return true;
        }
    }
    return false;
}

/* A host asks for a port by name: where no range was set, any will do, well-known ones too (RFC 6887 section 11.3
 * leaves it to the NAT). */
static hp_nat_span wish_span(const hp_nat *nat, hp_nat_span drawn)
{
    hp_port_range range = nat->config.port_range;
    bool bound = nat->config.port_block > 0 || range.first != 0 || range.last != 0;
    return bound ? drawn : (hp_nat_span){.first = 1, .last = UINT16_MAX};
}

bool hp_nat_ports_try(hp_nat *nat, const hp_nat_want *want, const hp_addr *wish, uint16_t *ret_external,
                      uint16_t *ret_port)
{
    place found;

    if (nat->quarantine.n)
        hp_nat_quarantine_shed(nat);
    for (unsigned n = 0; nth_place(nat, want, 0, n, n == 0, &found); n++) {
        const hp_addr *addr = &nat->pool.externals[found.external].addr;
        if ((wish->family != HP_AF_NONE && !hp_addr_same_ip(addr, wish)) ||
            !in_span(wish_span(nat, found.span), wish->port) || !acceptable(nat, want, found.external, wish->port))
            continue;
        *ret_external = found.external;
        *ret_port = wish->port;
        return true;
    }
    return false;
}

bool hp_nat_ports_find(hp_nat *nat, const hp_nat_want *want, uint16_t *ret_external, uint16_t *ret_port)
{
    unsigned family = hp_nat_family(&want->remote);
    unsigned turn = nat->config.pooling == HP_NAT_ARBITRARY ? nat->pool.rotor[family]++ : 0;
    place found;
    uint16_t port;

    if (nat->quarantine.n)
        hp_nat_quarantine_shed(nat);
    if (!find_place(nat, want, turn, &found, &port))
        return false;
    if (nat->policy[want->proto].ports == HP_NAT_PORTS_SEQUENTIAL) {
        if (nat->config.port_block)
            nat->hosts.records[want->host].next_port = (uint16_t)(port + 1);
        else
            space_of(nat, found.external, want->proto)->next = (uint16_t)(port + 1);
    }
    *ret_external = found.external;
    *ret_port = port;
    return true;
}
