/* Multicast DNS on a virtual host: an engine an interface, its sockets, the world's clock and the trace.
 *
 * An interface takes part with its first address of each family: a UDP socket bound to that address and port 5353,
 * which has joined the family's group. So an answer to a query that asks for unicast (RFC 6762 section 5.4) finds the
 * same socket. Everything leaves with a TTL of 255, and what comes with another one has crossed a router, or pretends
 * to be of this link: it is not looked at (section 11).
 *
 * Each address has a name of its own, a version 4 UUID (RFC 9562 section 5.4) from the host's own stream, for as long
 * as the run lasts. A lookup asks on all interfaces; it has failed when it has on each. */
#include "actors/mdns_host.h"

#include "base/error.h"
#include "trace/trace.h"

enum { MDNS_TTL = 255, MAX_ADDRESSES = 16, MAX_LINKS = 8 };

/* An interface that takes part. */
typedef struct mdns_link {
    hp_mdns_host *m;
    unsigned interface;
    hp_socket *sockets[2]; /* IPv4, IPv6; NULL: no address of that family */
    hp_mdns *engine;
} mdns_link;

typedef struct made_name {
    hp_addr address;
    char *name;
} made_name;

typedef struct lookup {
    uint64_t number;
    char *name;
    hp_time begun;
    uint64_t queries[MAX_LINKS]; /* by link; 0: ended, or never asked */
    unsigned sent;
    hp_mdns_status status;
    hp_mdns_host_done done; /* NULL: told, or cancelled */
    void *user;
} lookup;

struct hp_mdns_host {
    hp_host *host;
    hp_world *world;
    char *name;
    hp_rng rng;
    mdns_link links[MAX_LINKS];
    unsigned n_links;
    GArray *names; /* of made_name */
    GPtrArray *lookups; /* of lookup */
    uint64_t next_number;
    hp_timer timer;
};

/* ---- the clock ---- */

static void arm(hp_mdns_host *m)
{
    hp_time at = HP_NEVER;
    for (unsigned i = 0; i < m->n_links; i++) {
        at = MIN(at, hp_mdns_deadline(m->links[i].engine));
    }
    hp_timer_arm(m->world, &m->timer, at);
}

static void timer_fired(void *owner, hp_time now)
{
    hp_mdns_host *m = owner;
    for (unsigned i = 0; i < m->n_links; i++) {
        hp_mdns_run(m->links[i].engine, now);
    }
    for (unsigned i = 0; i < m->lookups->len;) {
        const lookup *l = m->lookups->pdata[i];
        if (l->done == NULL) {
            g_ptr_array_remove_index(m->lookups, i);
        } else {
            i++;
        }
    }
    arm(m);
}

/* ---- sockets ---- */

static void datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    mdns_link *link = user;
    if (d->ttl != MDNS_TTL) {
        return;
    }
    hp_mdns_input(link->engine, hp_world_now(link->m->world), &d->from, d->data, d->length);
    arm(link->m);
}

static void send_message(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    static const hp_send_options options = {.ttl = MDNS_TTL};
    const mdns_link *link = user;
    hp_socket *socket = link->sockets[to->family == HP_AF_IPV6];
    if (socket != NULL) {
        hp_socket_send(socket, to, data, len, &options);
    }
}

/* ---- what engines tell ---- */

static void trace_name(const hp_mdns_host *m, const char *name, const hp_addr *address, const char *what,
                       const hp_addr *other)
{
    hp_trace_event(hp_world_trace(m->world), hp_world_now(m->world), HP_EV_MDNS_NAME, m->name, HP_FS("name", name),
                   HP_FA("address", *address), HP_FS("what", what), HP_FA("other", *other));
}

static void happened(void *user, hp_time now, const hp_mdns_event *event)
{
    const mdns_link *link = user;
    const hp_mdns_host *m = link->m;
    char text[HP_DNS_NAME_TEXT];
    hp_dns_name_format(&event->name, text);
    for (unsigned i = 0; i < m->names->len; i++) {
        const made_name *made = &g_array_index(m->names, made_name, i);
        if (g_ascii_strcasecmp(made->name, text) == 0) {
            trace_name(m, made->name, &made->address, hp_mdns_event_kind_name(event->kind), &event->other);
        }
    }
}

static bool is_asking(const hp_mdns_host *m, const lookup *l)
{
    for (unsigned i = 0; i < m->n_links; i++) {
        if (l->queries[i] != 0) {
            return true;
        }
    }
    return false;
}

static void give_up_queries(hp_mdns_host *m, lookup *l)
{
    for (unsigned i = 0; i < m->n_links; i++) {
        if (l->queries[i] != 0) {
            hp_mdns_cancel(m->links[i].engine, l->queries[i]);
            l->queries[i] = 0;
        }
    }
}

static void tell(hp_mdns_host *m, lookup *l, const hp_addr *address)
{
    hp_mdns_host_done done = l->done;
    hp_mdns_found found = {.name = l->name,
                           .status = address != NULL ? HP_MDNS_FOUND : l->status,
                           .address = address != NULL ? hp_addr_with_port(*address, 0) : (hp_addr){0},
                           .sent = l->sent,
                           .took = hp_world_now(m->world) - l->begun};
    l->done = NULL;
    if (done != NULL) {
        done(l->user, &found);
    }
}

/* From run(): lookups stay in the list until timer_fired() is done. */
static void result(void *user, hp_time now, const hp_mdns_result *r)
{
    const mdns_link *link = user;
    hp_mdns_host *m = link->m;
    unsigned n = (unsigned)(link - m->links);
    for (unsigned i = 0; i < m->lookups->len; i++) {
        lookup *l = m->lookups->pdata[i];
        if (l->queries[n] != r->query) {
            continue;
        }
        l->queries[n] = 0;
        l->sent += r->sent;
        if (r->status == HP_MDNS_FOUND) {
            give_up_queries(m, l);
            tell(m, l, &r->addresses[0]);
        } else {
            l->status = r->status;
            if (!is_asking(m, l)) {
                tell(m, l, NULL);
            }
        }
        return;
    }
}

/* ---- names ---- */

static char *make_name(hp_mdns_host *m)
{
    uint8_t b[16];
    hp_rng_bytes(&m->rng, b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80); /* variant */
    return g_strdup_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x.local", b[0], b[1],
                           b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static mdns_link *link_of(hp_mdns_host *m, const hp_addr *address)
{
    int interface = hp_host_interface_of(m->host, address);
    for (unsigned i = 0; i < m->n_links; i++) {
        if (interface >= 0 && m->links[i].interface == (unsigned)interface) {
            return &m->links[i];
        }
    }
    return NULL;
}

const char *hp_mdns_host_name_of(hp_mdns_host *m, const hp_addr *address)
{
    made_name made = {.address = hp_addr_with_port(*address, 0)};
    for (unsigned i = 0; i < m->names->len; i++) {
        const made_name *other = &g_array_index(m->names, made_name, i);
        if (hp_addr_equal(&other->address, &made.address)) {
            return other->name;
        }
    }
    mdns_link *link = link_of(m, &made.address);
    if (link == NULL) {
        return NULL;
    }
    made.name = make_name(m);
    g_array_append_val(m->names, made);
    trace_name(m, made.name, &made.address, "made", &(hp_addr){0});
    hp_mdns_register(link->engine, hp_world_now(m->world), made.name, &made.address, 1, NULL);
    arm(m);
    return made.name;
}

/* ---- lookups ---- */

uint64_t hp_mdns_host_lookup(hp_mdns_host *m, const char *name, hp_mdns_host_done done, void *user)
{
    hp_time now = hp_world_now(m->world);
    lookup *l = g_new0(lookup, 1);
    l->number = m->next_number++;
    l->name = g_strdup(name);
    l->begun = now;
    l->status = HP_MDNS_TIMED_OUT;
    l->done = done;
    l->user = user;
    for (unsigned i = 0; i < m->n_links; i++) {
        l->queries[i] = hp_mdns_query(m->links[i].engine, now, name, HP_DNS_ANY, NULL);
    }
    uint64_t number = is_asking(m, l) ? l->number : 0;
    if (number == 0) {
        l->done = NULL;
    }
    g_ptr_array_add(m->lookups, l);
    arm(m);
    return number;
}

void hp_mdns_host_cancel(hp_mdns_host *m, uint64_t number)
{
    for (unsigned i = 0; i < m->lookups->len; i++) {
        lookup *l = m->lookups->pdata[i];
        if (l->number == number && l->done != NULL) {
            l->done = NULL;
            give_up_queries(m, l);
        }
    }
}

/* ---- life ---- */

static void lookup_free(void *data)
{
    lookup *l = data;
    g_free(l->name);
    g_free(l);
}

static void clear_made(void *data)
{
    g_free(((made_name *)data)->name);
}

static bool add_socket(hp_mdns_host *m, mdns_link *link, const hp_addr *address, GError **error)
{
    static const hp_socket_ops ops = {.datagram = datagram};
    hp_socket **socket = &link->sockets[address->family == HP_AF_IPV6];
    hp_addr local = hp_addr_with_port(*address, HP_MDNS_PORT), group = hp_mdns_group(address->family);
    if (*socket != NULL) {
        return true;
    }
    *socket = hp_host_bind(m->host, &local, &ops, link, error);
    return *socket != NULL && hp_socket_join(*socket, &group, error);
}

static bool open_links(hp_mdns_host *m, const hp_mdns_config *config, GError **error)
{
    static const hp_mdns_ops ops = {.send = send_message, .result = result, .event = happened};
    hp_addr addresses[MAX_ADDRESSES];
    size_t n = hp_host_addresses(m->host, addresses, G_N_ELEMENTS(addresses));
    for (size_t i = 0; i < MIN(n, G_N_ELEMENTS(addresses)); i++) {
        mdns_link *link = link_of(m, &addresses[i]);
        if (link == NULL && m->n_links == MAX_LINKS) {
            continue;
        }
        if (link == NULL) {
            link = &m->links[m->n_links++];
            *link = (mdns_link){.m = m, .interface = (unsigned)hp_host_interface_of(m->host, &addresses[i])};
        }
        if (!add_socket(m, link, &addresses[i], error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < m->n_links; i++) {
        mdns_link *link = &m->links[i];
        hp_rng rng;
        g_autofree char *stream = g_strdup_printf("mdns:%s/%u", m->name, link->interface);
        hp_world_rng(m->world, stream, &rng);
        link->engine = hp_mdns_new(config, link->sockets[0] != NULL, link->sockets[1] != NULL, &rng, &ops, link);
    }
    return true;
}

hp_mdns_host *hp_mdns_host_new(hp_host *host, const char *name, const hp_mdns_config *config, GError **error)
{
    hp_mdns_host *m = g_new0(hp_mdns_host, 1);
    g_autofree char *stream = g_strconcat("mdns-names:", name, NULL);
    m->host = host;
    m->world = hp_host_world(host);
    m->name = g_strdup(name);
    hp_world_rng(m->world, stream, &m->rng);
    m->names = g_array_new(false, false, sizeof(made_name));
    g_array_set_clear_func(m->names, clear_made);
    m->lookups = g_ptr_array_new_with_free_func(lookup_free);
    m->next_number = 1;
    hp_timer_init(&m->timer, HP_TIMER_ACTOR, hp_world_new_element(m->world), timer_fired, m);
    if (!open_links(m, config, error)) {
        hp_mdns_host_free(m);
        return NULL;
    }
    return m;
}

void hp_mdns_host_free(hp_mdns_host *m)
{
    if (m == NULL) {
        return;
    }
    hp_timer_cancel(m->world, &m->timer);
    for (unsigned i = 0; i < m->n_links; i++) {
        hp_mdns_free(m->links[i].engine);
        hp_socket_close(m->links[i].sockets[0]);
        hp_socket_close(m->links[i].sockets[1]);
    }
    g_ptr_array_unref(m->lookups);
    g_array_unref(m->names);
    g_free(m->name);
    g_free(m);
}
