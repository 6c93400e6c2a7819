/* The table of explicit mappings.
 *
 * A lease is one mapping of one protocol from an inside address and port, for anyone or for one remote peer. It lives
 * from grant to release or expiry; in between only its lifetime, filters and text change, never its addresses. Leases
 * are kept in the order they were made, which is the order UPnP counts them in.
 *
 * The port next to nobody: while a host holds a port of one transport by NAT-PMP or PCP, the same port of the other
 * transport is kept for that host (RFC 6886 section 3.3). A suggestion that breaks this is dropped, or refused when no
 * other port would do; a port that the NAT picks in spite of it is given back, and the ones above are tried.
 *
 * Limits: policy about who may ask is the servers' business, the choice of a port is the NAT's. */
#include "engines/pcp_leases.h"

#include <assert.h>

#define DEFAULT_MIN_LIFETIME (120 * HP_S)
#define DEFAULT_MAX_LIFETIME (86400 * HP_S)
#define DEFAULT_FILTERS 8
#define PORT_TRIES 16
#define ANNOUNCEMENTS 10
#define ANNOUNCE_INTERVAL (250 * HP_MS)

struct hp_leases {
    hp_port_mapping_config config;
    hp_lease_ops ops;
    void *user;
    hp_time epoch;
    GPtrArray *list; /* of hp_lease */
    hp_deadlines deadlines;
    uint64_t next_number;
};

static const char *const protocol_names[] = {
    [HP_LEASE_NAT_PMP] = "nat-pmp",
    [HP_LEASE_PCP] = "pcp",
    [HP_LEASE_UPNP] = "upnp",
};
static_assert(G_N_ELEMENTS(protocol_names) == HP_LEASE_UPNP + 1, "one name a protocol");

const char *hp_lease_protocol_name(hp_lease_protocol protocol)
{
    return protocol_names[protocol];
}

static void lease_free(void *data)
{
    hp_lease *lease = data;
    hp_deadlines_clear(&lease->table->deadlines, &lease->due);
    g_free(lease);
}

hp_leases *hp_leases_new(const hp_port_mapping_config *config, hp_time now, const hp_lease_ops *ops, void *user)
{
    hp_leases *table = g_new0(hp_leases, 1);
    hp_port_mapping_config *c = &table->config;
    *c = *config;
    c->min_lifetime = c->min_lifetime != 0 ? c->min_lifetime : DEFAULT_MIN_LIFETIME;
    c->max_lifetime = c->max_lifetime != 0 ? c->max_lifetime : DEFAULT_MAX_LIFETIME;
    c->min_lifetime = MIN(c->min_lifetime, c->max_lifetime);
    c->pcp_max_filters = MIN(c->pcp_max_filters != 0 ? c->pcp_max_filters : DEFAULT_FILTERS, HP_LEASE_MAX_FILTERS);
    table->ops = *ops;
    table->user = user;
    table->epoch = now;
    table->list = g_ptr_array_new_with_free_func(lease_free);
    table->next_number = 1;
    return table;
}

void hp_leases_free(hp_leases *table)
{
    if (table == NULL) {
        return;
    }
    g_ptr_array_unref(table->list);
    hp_deadlines_free(&table->deadlines);
    g_free(table);
}

const hp_port_mapping_config *hp_leases_config(const hp_leases *table)
{
    return &table->config;
}

bool hp_leases_external(const hp_leases *table, uint8_t family, hp_addr *ret)
{
    return table->ops.external(table->user, family, ret);
}

uint32_t hp_leases_epoch(const hp_leases *table, hp_time now)
{
    return (uint32_t)((now - table->epoch) / HP_S);
}

void hp_leases_reset(hp_leases *table, hp_time now)
{
    g_ptr_array_set_size(table->list, 0);
    if (!table->config.keep_epoch) {
        table->epoch = now;
    }
}

unsigned hp_leases_count(const hp_leases *table)
{
    return table->list->len;
}

hp_lease *hp_leases_nth(hp_leases *table, unsigned n)
{
    return n < table->list->len ? g_ptr_array_index(table->list, n) : NULL;
}

hp_lease *hp_leases_find(hp_leases *table, uint8_t protocol, const hp_addr *internal, const hp_addr *remote)
{
    for (unsigned i = 0; i < table->list->len; i++) {
        hp_lease *l = g_ptr_array_index(table->list, i);
        if (l->protocol == protocol && hp_addr_equal(&l->internal, internal) && hp_addr_equal(&l->remote, remote)) {
            return l;
        }
    }
    return NULL;
}

hp_lease *hp_leases_find_external(hp_leases *table, uint8_t protocol, uint16_t port, const hp_addr *remote)
{
    for (unsigned i = 0; i < table->list->len; i++) {
        hp_lease *l = g_ptr_array_index(table->list, i);
        if (l->protocol == protocol && l->external.port == port && hp_addr_equal(&l->remote, remote)) {
            return l;
        }
    }
    return NULL;
}

/* Does another host hold that port of the other transport? */
static bool neighbour_taken(const hp_leases *table, const hp_lease_want *want, uint16_t port)
{
    for (unsigned i = 0; i < table->list->len; i++) {
        const hp_lease *l = g_ptr_array_index(table->list, i);
        if (l->by != HP_LEASE_UPNP && want->by != HP_LEASE_UPNP && l->protocol != want->protocol &&
            l->external.port == port && !hp_addr_same_ip(&l->internal, &want->internal)) {
            return true;
        }
    }
    return false;
}

static bool port_allowed(const hp_leases *table, const hp_lease_want *want, uint16_t port)
{
    return port >= table->config.lowest_port && !neighbour_taken(table, want, port);
}

static hp_lease_outcome check_limits(const hp_leases *table, const hp_lease_want *want)
{
    unsigned of_host = 0;
    for (unsigned i = 0; i < table->list->len; i++) {
        const hp_lease *l = g_ptr_array_index(table->list, i);
        of_host += hp_addr_same_ip(&l->internal, &want->internal);
    }
    if (table->config.max_mappings != 0 && table->list->len >= table->config.max_mappings) {
        return HP_LEASE_NO_RESOURCES;
    }
    return table->config.max_per_host != 0 && of_host >= table->config.max_per_host ? HP_LEASE_QUOTA : HP_LEASE_GRANTED;
}

static void lease_due(void *owner, hp_time now)
{
    hp_lease *lease = owner;
    hp_leases *table = lease->table;
    if (table->ops.expired != NULL) {
        table->ops.expired(table->user, now, lease);
    }
    hp_leases_release(table, now, lease);
}

static hp_lease *make_lease(hp_leases *table, const hp_lease_want *want, const hp_addr *external)
{
    hp_lease *l = g_new0(hp_lease, 1);
    l->number = table->next_number;
    l->by = want->by;
    l->protocol = want->protocol;
    l->internal = want->internal;
    l->external = *external;
    l->remote = want->remote;
    l->due.fire = lease_due;
    l->due.owner = l;
    l->table = table;
    return l;
}

hp_lease_outcome hp_leases_grant(hp_leases *table, hp_time now, const hp_lease_want *want, hp_lease **ret)
{
    hp_lease_outcome outcome = check_limits(table, want);
    hp_lease_want ask = *want;
    hp_addr external = {0};
    if (outcome != HP_LEASE_GRANTED) {
        return outcome;
    }
    if (ask.external.port != 0 && !port_allowed(table, want, ask.external.port)) {
        if (want->exact) {
            return HP_LEASE_TAKEN;
        }
        ask.external.port = 0;
    }
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        outcome = table->ops.map(table->user, now, &ask, &external);
        if (outcome != HP_LEASE_GRANTED) {
            return outcome;
        }
        if (want->exact || port_allowed(table, want, external.port)) {
            hp_lease *lease = make_lease(table, want, &external);
            table->next_number++;
            g_ptr_array_add(table->list, lease);
            hp_leases_renew(table, now, lease, want->lifetime);
            *ret = lease;
            return HP_LEASE_GRANTED;
        }
        hp_lease *unwanted = make_lease(table, want, &external);
        table->ops.unmap(table->user, now, unwanted);
        g_free(unwanted);
        ask.external = hp_addr_with_port(external, external.port >= UINT16_MAX - 1 ? 1024 : external.port + 1);
        ask.external.port = MAX(ask.external.port, table->config.lowest_port);
    }
    return HP_LEASE_NO_RESOURCES;
}

void hp_leases_renew(hp_leases *table, hp_time now, hp_lease *lease, hp_time lifetime)
{
    lease->expires = hp_time_add(now, lifetime);
    hp_deadlines_set(&table->deadlines, &lease->due, lease->expires);
}

void hp_leases_set_filters(hp_leases *table, hp_time now, hp_lease *lease, const hp_lease_filter *filters, unsigned n)
{
    lease->n_filters = MIN(n, HP_LEASE_MAX_FILTERS);
    if (n > 0) {
        memcpy(lease->filters, filters, lease->n_filters * sizeof *filters);
    }
    if (table->ops.filter != NULL) {
        table->ops.filter(table->user, now, lease);
    }
}

void hp_leases_release(hp_leases *table, hp_time now, hp_lease *lease)
{
    table->ops.unmap(table->user, now, lease);
    g_ptr_array_remove(table->list, lease);
}

uint32_t hp_lease_seconds_left(const hp_lease *lease, hp_time now)
{
    if (lease->expires == HP_NEVER) {
        return 0;
    }
    return lease->expires <= now ? 0 : (uint32_t)((lease->expires - now + HP_S - 1) / HP_S);
}

hp_time hp_leases_deadline(const hp_leases *table)
{
    return hp_deadlines_next(&table->deadlines);
}

void hp_leases_run(hp_leases *table, hp_time now)
{
    hp_deadlines_run(&table->deadlines, now);
}

void hp_announcer_start(hp_announcer *a, hp_time now)
{
    *a = (hp_announcer){.next = now, .interval = ANNOUNCE_INTERVAL, .left = ANNOUNCEMENTS};
}

bool hp_announcer_step(hp_announcer *a, hp_time now)
{
    if (a->left == 0 || now < a->next) {
        return false;
    }
    a->left--;
    a->next = a->left > 0 ? hp_time_add(a->next, a->interval) : HP_NEVER;
    a->interval *= 2;
    return true;
}
