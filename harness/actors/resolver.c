/* A stub resolver on a virtual host: the engine with sockets, the world's clock and the trace.
 *
 * A lookup asks for AAAA and A in this order, at one instant (RFC 8305 section 3), but for no family of which the host
 * has no address. It is over when
 *
 *   - every query has ended, or
 *   - AAAA has brought an address, whatever A does, or
 *   - A has brought one and AAAA is not there 50 ms later (the resolution delay of RFC 8305 section 8).
 *
 * Of the addresses there are then, destination address selection (RFC 6724, engines/dns_order.h) chooses one: of both
 * families its rule 6 takes IPv6. There is no race of connections: an agent is given one address of a server. Queries
 * that are still out when a lookup is over go on, and fill the cache.
 *
 * Over UDP all queries of a family leave from one socket with a random port, opened at first use; a truncated answer is
 * asked for again over a TCP connection of its own, closed when an answer has come over it. One timer follows the
 * engine and the resolution delays. */
#include "actors/resolver.h"

#include "actors/dns_stream.h"
#include "engines/dns_order.h"
#include "trace/trace.h"

#define RESOLUTION_DELAY (50 * HP_MS)
enum { N_TYPES = 2, MAX_SOURCES = 16 };
static const uint16_t types[N_TYPES] = {HP_DNS_AAAA, HP_DNS_A};

typedef struct lookup {
    uint64_t number;
    char *name;
    hp_time begun, over; /* over: at the latest; HP_NEVER while nothing was found */
    uint64_t queries[N_TYPES]; /* by type; 0: ended, or never asked */
    hp_addr found[N_TYPES * HP_DNS_CLIENT_MAX_ADDRESSES];
    unsigned n_found;
    bool found_v6;
    hp_dns_status status;
    hp_resolver_done done; /* NULL: told, or nobody wants to know */
    void *user;
} lookup;

struct hp_resolver {
    hp_host *host;
    hp_world *world;
    char *name;
    hp_dns_client *client;
    hp_socket *sockets[2]; /* IPv4, IPv6; NULL: not needed yet */
    GPtrArray *streams; /* of hp_dns_stream */
    GPtrArray *lookups; /* of lookup, in the order begun */
    uint64_t next_number;
    hp_timer timer;
};

/* ---- the clock ---- */

static void arm(hp_resolver *r)
{
    hp_time at = hp_dns_client_deadline(r->client);
    for (unsigned i = 0; i < r->lookups->len; i++) {
        const lookup *l = r->lookups->pdata[i];
        at = l->done != NULL ? MIN(at, l->over) : at;
    }
    hp_timer_arm(r->world, &r->timer, at);
}

static void tell(hp_resolver *r, lookup *l)
{
    hp_addr sources[MAX_SOURCES];
    size_t n = hp_host_addresses(r->host, sources, G_N_ELEMENTS(sources));
    hp_resolver_done done = l->done;
    hp_resolved resolved = {.name = l->name, .status = l->status, .took = hp_world_now(r->world) - l->begun};
    if (hp_dns_order(l->found, l->n_found, sources, (unsigned)MIN(n, G_N_ELEMENTS(sources))) > 0) {
        resolved.address = l->found[0];
        resolved.status = HP_DNS_FOUND;
    }
    l->done = NULL;
    done(l->user, &resolved);
}

static bool has_ended(const lookup *l)
{
    return l->queries[0] == 0 && l->queries[1] == 0;
}

/* Tells what is over, forgets what has ended. done() may begin and cancel lookups: the list is looked at anew. */
static void settle(hp_resolver *r)
{
    hp_time now = hp_world_now(r->world);
    for (unsigned i = 0; i < r->lookups->len;) {
        lookup *l = r->lookups->pdata[i];
        if (l->done != NULL && (has_ended(l) || l->found_v6 || now >= l->over)) {
            tell(r, l);
            i = 0;
        } else if (l->done == NULL && has_ended(l)) {
            g_ptr_array_remove_index(r->lookups, i);
        } else {
            i++;
        }
    }
    arm(r);
}

static void timer_fired(void *owner, hp_time now)
{
    hp_resolver *r = owner;
    hp_dns_client_run(r->client, now);
    settle(r);
}

/* ---- sockets ---- */

static void datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    hp_resolver *r = user;
    hp_dns_client_input(r->client, hp_world_now(r->world), &d->from, false, d->data, d->length);
    settle(r);
}

static void icmp(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                 const hp_packet *error)
{
    hp_resolver *r = user;
    if (kind == HP_ICMP_PORT_UNREACHABLE) {
        hp_dns_client_unreachable(r->client, hp_world_now(r->world), to);
        settle(r);
    }
}

static void message(void *user, hp_dns_stream *stream, const uint8_t *data, size_t len)
{
    hp_resolver *r = user;
    hp_addr server = hp_dns_stream_remote(stream);
    g_ptr_array_remove(r->streams, stream);
    hp_dns_client_input(r->client, hp_world_now(r->world), &server, true, data, len);
    hp_dns_stream_free(stream);
    settle(r);
}

static void ended(void *user, hp_dns_stream *stream)
{
    hp_resolver *r = user;
    hp_addr server = hp_dns_stream_remote(stream);
    g_ptr_array_remove(r->streams, stream);
    hp_dns_stream_free(stream);
    hp_dns_client_unreachable(r->client, hp_world_now(r->world), &server);
    settle(r);
}

static void ask_by_stream(hp_resolver *r, const hp_addr *server, const uint8_t *data, size_t len)
{
    static const hp_dns_stream_ops ops = {.message = message, .ended = ended};
    hp_tcp_socket *socket = hp_tcp_connect(r->host, NULL, server, NULL, NULL, NULL);
    if (socket != NULL) { /* without one the query meets its time-out */
        hp_dns_stream *stream = hp_dns_stream_new(socket, &ops, r);
        g_ptr_array_add(r->streams, stream);
        hp_dns_stream_send(stream, data, len);
    }
}

static void ask(void *user, hp_time now, const hp_addr *server, bool stream, const uint8_t *data, size_t len)
{
    static const hp_socket_ops ops = {.datagram = datagram, .icmp = icmp};
    hp_resolver *r = user;
    if (stream) {
        ask_by_stream(r, server, data, len);
        return;
    }
    hp_socket **socket = &r->sockets[server->family == HP_AF_IPV6];
    if (*socket == NULL) {
        hp_addr any = {.family = server->family};
        *socket = hp_host_bind(r->host, &any, &ops, r, NULL);
    }
    if (*socket != NULL) {
        hp_socket_send(*socket, server, data, len, NULL);
    }
}

/* ---- answers ---- */

static void trace_answer(const hp_resolver *r, const lookup *l, const hp_dns_result *result)
{
    char name[HP_DNS_NAME_TEXT], type[12], code[12];
    g_autoptr(GString) addresses = g_string_new(NULL);
    for (unsigned i = 0; i < result->n_addresses; i++) {
        char text[HP_ADDR_TEXT];
        g_string_append_printf(addresses, "%s%s", i > 0 ? " " : "", hp_addr_format_ip(&result->addresses[i], text));
    }
    hp_trace_event(
        hp_world_trace(r->world), hp_world_now(r->world), HP_EV_DNS_ANSWER, r->name,
        HP_FS("name", hp_dns_name_format(&result->name, name)), HP_FS("type", hp_dns_type_name(result->type, type)),
        HP_FS("outcome", hp_dns_status_name(result->status)), HP_FS("code", hp_dns_rcode_name(result->rcode, code)),
        HP_FS("addresses", addresses->str), HP_FA("server", result->server), HP_FU("cached", result->cached),
        HP_FU("sent", result->sent), HP_FT("took", hp_world_now(r->world) - l->begun));
}

static void take(lookup *l, unsigned type, hp_time now, const hp_dns_result *result)
{
    l->queries[type] = 0;
    if (result->status != HP_DNS_FOUND) {
        l->status = result->status;
        return;
    }
    for (unsigned i = 0; i < result->n_addresses; i++) {
        l->found[l->n_found++] = result->addresses[i];
    }
    if (result->n_addresses > 0) {
        l->found_v6 |= result->type == HP_DNS_AAAA;
        l->over = MIN(l->over, hp_time_add(now, RESOLUTION_DELAY));
    }
}

/* settle() follows, as every input and run is followed by it. */
static void answered(void *user, hp_time now, const hp_dns_result *result)
{
    hp_resolver *r = user;
    for (unsigned i = 0; i < r->lookups->len; i++) {
        lookup *l = r->lookups->pdata[i];
        for (unsigned type = 0; type < N_TYPES; type++) {
            if (l->queries[type] == result->query) {
                trace_answer(r, l, result);
                take(l, type, now, result);
                return;
            }
        }
    }
}

/* ---- lookups ---- */

static void lookup_free(void *data)
{
    lookup *l = data;
    g_free(l->name);
    g_free(l);
}

uint64_t hp_resolver_lookup(hp_resolver *r, const char *name, hp_resolver_done done, void *user)
{
    hp_time now = hp_world_now(r->world);
    lookup *l = g_new0(lookup, 1);
    l->number = r->next_number++;
    l->name = g_strdup(name);
    l->begun = now;
    l->over = HP_NEVER;
    l->status = HP_DNS_FAILED; /* of a host without any address, or a name that is none */
    l->done = done;
    l->user = user;
    g_ptr_array_add(r->lookups, l);
    for (unsigned type = 0; type < N_TYPES; type++) {
        if (hp_host_has_family(r->host, types[type] == HP_DNS_AAAA ? HP_AF_IPV6 : HP_AF_IPV4)) {
            l->queries[type] = hp_dns_client_query(r->client, now, name, types[type], HP_NEVER, NULL);
        }
    }
    if (has_ended(l)) {
        l->over = now;
    }
    arm(r);
    return l->number;
}

void hp_resolver_cancel(hp_resolver *r, uint64_t number)
{
    for (unsigned i = 0; i < r->lookups->len; i++) {
        lookup *l = r->lookups->pdata[i];
        if (l->number == number) {
            l->done = NULL;
        }
    }
}

/* ---- life ---- */

hp_resolver *hp_resolver_new(hp_host *host, const char *name, const hp_resolver_config *config)
{
    static const hp_dns_client_ops ops = {.send = ask, .result = answered};
    hp_resolver *r = g_new0(hp_resolver, 1);
    hp_rng rng;
    g_autofree char *stream = g_strconcat("resolver:", name, NULL);
    r->host = host;
    r->world = hp_host_world(host);
    r->name = g_strdup(name);
    hp_world_rng(r->world, stream, &rng);
    r->client = hp_dns_client_new(config, &rng, &ops, r);
    r->streams = g_ptr_array_new();
    r->lookups = g_ptr_array_new_with_free_func(lookup_free);
    r->next_number = 1;
    hp_timer_init(&r->timer, HP_TIMER_ACTOR, hp_world_new_element(r->world), timer_fired, r);
    return r;
}

void hp_resolver_free(hp_resolver *r)
{
    if (r == NULL) {
        return;
    }
    hp_timer_cancel(r->world, &r->timer);
    for (unsigned i = 0; i < r->streams->len; i++) {
        hp_dns_stream_abandon(r->streams->pdata[i]);
    }
    g_ptr_array_unref(r->streams);
    hp_socket_close(r->sockets[0]);
    hp_socket_close(r->sockets[1]);
    hp_dns_client_free(r->client);
    g_ptr_array_unref(r->lookups);
    g_free(r->name);
    g_free(r);
}
