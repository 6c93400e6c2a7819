/* A built-in DNS server on a virtual host: the engine with the host's sockets, the world's clock and the trace.
 *
 * One UDP socket and one TCP listener stand at each address of the host. Answers leave from the address that was asked;
 * over TCP they find their connection by the client's address, and one that is gone gets none. A connection is closed
 * when the client closes it (RFC 7766 section 6.2.3 leaves the idle time to the server; ours is patient). One timer
 * follows the engine's deadlines.
 *
 * Records may change while it runs: the engine gets the whole list anew. What was stopped remembers the list.
 *
 * It shares no code with the STUN and TURN servers (server.c): those hang on an engine that pulls from streams, owns
 * relay sockets and keeps state a client; what is left in common is a timer and a list of sockets. */
#include "actors/dns_service.h"

#include <string.h>

#include "actors/dns_stream.h"
#include "base/error.h"
#include "engines/dns_server.h"

enum { MAX_ADDRESSES = 16 };

struct hp_dns_service {
    hp_host *host;
    hp_world *world;
    char *name;
    hp_dns_config config;
    GArray *hosts; /* of hp_dns_host: what config.hosts points to; their addresses are owned */
    hp_dns_server *engine; /* NULL while stopped */
    GPtrArray *sockets; /* of hp_socket */
    GPtrArray *listeners; /* of hp_tcp_listener */
    GPtrArray *streams; /* of hp_dns_stream */
    hp_timer timer;
};

static void arm(hp_dns_service *service)
{
    if (service->engine != NULL) {
        hp_timer_arm(service->world, &service->timer, hp_dns_server_deadline(service->engine));
    }
}

static void timer_fired(void *owner, hp_time now)
{
    hp_dns_service *service = owner;
    hp_dns_server_run(service->engine, now);
    arm(service);
}

static void input(hp_dns_service *service, const hp_addr *client, const hp_addr *at, bool stream, const uint8_t *data,
                  size_t len)
{
    hp_dns_path path = {.client = *client, .server = *at, .stream = stream};
    hp_dns_server_input(service->engine, hp_world_now(service->world), &path, data, len);
    arm(service);
}

/* ---- sockets ---- */

static void datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    input(user, &d->from, &d->to, false, d->data, d->length);
}

static void message(void *user, hp_dns_stream *stream, const uint8_t *data, size_t len)
{
    hp_addr client = hp_dns_stream_remote(stream), at = hp_dns_stream_local(stream);
    input(user, &client, &at, true, data, len);
}

static void ended(void *user, hp_dns_stream *stream)
{
    hp_dns_service *service = user;
    g_ptr_array_remove(service->streams, stream);
    hp_dns_stream_free(stream);
}

static void accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    static const hp_dns_stream_ops ops = {.message = message, .ended = ended};
    hp_dns_service *service = user;
    g_ptr_array_add(service->streams, hp_dns_stream_new(socket, &ops, service));
}

static hp_dns_stream *stream_of(const hp_dns_service *service, const hp_dns_path *path)
{
    for (unsigned i = 0; i < service->streams->len; i++) {
        hp_dns_stream *stream = service->streams->pdata[i];
        hp_addr client = hp_dns_stream_remote(stream), at = hp_dns_stream_local(stream);
        if (hp_addr_equal(&client, &path->client) && hp_addr_equal(&at, &path->server)) {
            return stream;
        }
    }
    return NULL;
}

static hp_socket *socket_at(const hp_dns_service *service, const hp_addr *at)
{
    for (unsigned i = 0; i < service->sockets->len; i++) {
        hp_addr local = hp_socket_local(service->sockets->pdata[i]);
        if (hp_addr_equal(&local, at)) {
            return service->sockets->pdata[i];
        }
    }
    return NULL;
}

static void send_answer(void *user, hp_time now, const hp_dns_path *path, const uint8_t *data, size_t len)
{
    const hp_dns_service *service = user;
    if (path->stream) {
        hp_dns_stream *stream = stream_of(service, path);
        if (stream != NULL) {
            hp_dns_stream_send(stream, data, len);
        }
        return;
    }
    hp_socket *socket = socket_at(service, &path->server);
    if (socket != NULL) {
        hp_socket_send(socket, &path->client, data, len, NULL);
    }
}

/* ---- the trace ---- */

static void trace_query(void *user, hp_time now, const hp_dns_server_event *e)
{
    const hp_dns_service *service = user;
    char name[HP_DNS_NAME_TEXT] = "", type[12], code[12];
    const char *type_text = "";
    if (e->question != NULL) {
        hp_dns_name_format(&e->question->name, name);
        type_text = hp_dns_type_name(e->question->type, type);
    }
    hp_trace_event(hp_world_trace(service->world), now, HP_EV_DNS_QUERY, service->name, HP_FA("client", e->path.client),
                   HP_FS("name", name), HP_FS("type", type_text), HP_FS("transport", e->path.stream ? "tcp" : "udp"),
                   HP_FS("answer", e->fault ? "fault" : hp_dns_verdict_name(e->verdict)),
                   HP_FS("code", hp_dns_rcode_name(e->rcode, code)), HP_FU("records", e->answers),
                   HP_FU("truncated", e->truncated));
}

/* ---- life ---- */

static void tear_down(hp_dns_service *service, bool quietly)
{
    hp_timer_cancel(service->world, &service->timer);
    g_clear_pointer(&service->engine, hp_dns_server_free);
    for (unsigned i = 0; i < service->sockets->len; i++) {
        hp_socket_close(service->sockets->pdata[i]);
    }
    g_ptr_array_set_size(service->sockets, 0);
    for (unsigned i = 0; i < service->listeners->len; i++) {
        hp_tcp_listener_close(service->listeners->pdata[i]);
    }
    g_ptr_array_set_size(service->listeners, 0);
    for (unsigned i = 0; i < service->streams->len; i++) {
        quietly ? hp_dns_stream_abandon(service->streams->pdata[i]) : hp_dns_stream_free(service->streams->pdata[i]);
    }
    g_ptr_array_set_size(service->streams, 0);
}

static bool listen_at(hp_dns_service *service, const hp_addr *at, GError **error)
{
    static const hp_socket_ops udp = {.datagram = datagram};
    static const hp_tcp_listener_ops tcp = {.accepted = accepted};
    hp_socket *socket = hp_host_bind(service->host, at, &udp, service, error);
    if (socket == NULL) {
        return false;
    }
    g_ptr_array_add(service->sockets, socket);
    hp_tcp_listener *listener = hp_tcp_listen(service->host, at, &tcp, service, error);
    if (listener == NULL) {
        return false;
    }
    g_ptr_array_add(service->listeners, listener);
    return true;
}

bool hp_dns_service_start(hp_dns_service *service, GError **error)
{
    static const hp_dns_server_ops ops = {.send = send_answer, .event = trace_query};
    if (service->engine != NULL) {
        return true;
    }
    hp_addr at[MAX_ADDRESSES];
    size_t n = hp_host_addresses(service->host, at, G_N_ELEMENTS(at));
    if (n == 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "a server needs an address");
        return false;
    }
    service->engine = hp_dns_server_new(&service->config, &ops, service, error);
    bool ok = service->engine != NULL;
    for (size_t i = 0; ok && i < MIN(n, G_N_ELEMENTS(at)); i++) {
        hp_addr local = hp_addr_with_port(at[i], hp_dns_server_port(service->engine));
        ok = listen_at(service, &local, error);
    }
    if (!ok) {
        tear_down(service, false);
        return false;
    }
    hp_trace_event_fields(hp_world_trace(service->world), hp_world_now(service->world), HP_EV_SERVER_STARTED,
                          service->name, NULL, 0);
    return true;
}

void hp_dns_service_stop(hp_dns_service *service)
{
    if (service->engine == NULL) {
        return;
    }
    tear_down(service, false);
    hp_trace_event_fields(hp_world_trace(service->world), hp_world_now(service->world), HP_EV_SERVER_STOPPED,
                          service->name, NULL, 0);
}

bool hp_dns_service_is_running(const hp_dns_service *service)
{
    return service->engine != NULL;
}

static void use_hosts(hp_dns_service *service)
{
    service->config.hosts = (hp_dns_host *)(void *)service->hosts->data;
    service->config.n_hosts = service->hosts->len;
}

static void free_addresses(void *host)
{
    g_free(((hp_dns_host *)host)->addresses);
}

static void append_host(GArray *hosts, const hp_dns_host *host)
{
    hp_dns_host copy = *host;
    copy.addresses = g_memdup2(host->addresses, host->n_addresses * sizeof *host->addresses);
    g_array_append_val(hosts, copy);
}

hp_dns_service *hp_dns_service_new(hp_host *host, const char *name, const hp_dns_config *config, GError **error)
{
    g_autoptr(GError) local = NULL;
    hp_dns_service *service = g_new0(hp_dns_service, 1);
    service->host = host;
    service->world = hp_host_world(host);
    service->name = g_strdup(name);
    service->config = *config;
    service->hosts = g_array_new(false, false, sizeof(hp_dns_host));
    g_array_set_clear_func(service->hosts, free_addresses);
    for (unsigned i = 0; i < config->n_hosts; i++) {
        append_host(service->hosts, &config->hosts[i]);
    }
    use_hosts(service);
    service->sockets = g_ptr_array_new();
    service->listeners = g_ptr_array_new();
    service->streams = g_ptr_array_new();
    hp_timer_init(&service->timer, HP_TIMER_ACTOR, hp_world_new_element(service->world), timer_fired, service);
    if (!hp_dns_service_start(service, &local)) {
        hp_dns_service_free(service);
        g_propagate_prefixed_error(error, g_steal_pointer(&local), "%s: ", name);
        return NULL;
    }
    return service;
}

void hp_dns_service_free(hp_dns_service *service)
{
    if (service == NULL) {
        return;
    }
    tear_down(service, true);
    g_ptr_array_unref(service->sockets);
    g_ptr_array_unref(service->listeners);
    g_ptr_array_unref(service->streams);
    g_array_unref(service->hosts);
    g_free(service->name);
    g_free(service);
}

bool hp_dns_service_set_host(hp_dns_service *service, const hp_dns_host *host, GError **error)
{
    GArray *before = service->hosts;
    GArray *after = g_array_new(false, false, sizeof(hp_dns_host));
    g_array_set_clear_func(after, free_addresses);
    for (unsigned i = 0; i < before->len; i++) {
        const hp_dns_host *other = &g_array_index(before, hp_dns_host, i);
        if (!hp_dns_name_is_same(other->name, host->name)) {
            append_host(after, other);
        }
    }
    append_host(after, host);
    service->hosts = after;
    use_hosts(service);
    if (service->engine != NULL && !hp_dns_server_reload(service->engine, &service->config, error)) {
        service->hosts = before;
        use_hosts(service);
        g_array_unref(after);
        return false;
    }
    g_array_unref(before);
    return true;
}
