/* The discovery engine with a host's sockets and the world's clock.
 *
 * The engine numbers its sockets; each is a UDP socket bound to one address of the host, so that what the engine is
 * told as local is where datagrams leave from. Datagrams and ICMP errors go in as they come; the engine acts only from
 * the timer, which follows its deadline, so no socket is closed from inside its own delivery. Ports and transaction ids
 * come from the probe's own stream ("probe:NAME"). */
#include "actors/probe.h"

#include "base/error.h"

typedef struct probe_socket {
    hp_probe *probe;
    unsigned number;
    hp_socket *socket; /* NULL: closed */
} probe_socket;

struct hp_probe {
    hp_host *host;
    hp_world *world;
    hp_addr address; /* port 0 */
    hp_nat_discovery *engine;
    probe_socket sockets[HP_NAT_DISCOVERY_SOCKETS];
    hp_timer timer;
};

static void arm(hp_probe *probe)
{
    hp_time deadline = hp_nat_discovery_deadline(probe->engine);
    if (deadline != (hp_timer_is_armed(&probe->timer) ? probe->timer.at : HP_NEVER)) {
        hp_timer_arm(probe->world, &probe->timer, deadline);
    }
}

static void timer_fired(void *owner, hp_time now)
{
    hp_probe *probe = owner;
    hp_nat_discovery_run(probe->engine, now);
    arm(probe);
}

static void datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    const probe_socket *s = user;
    hp_nat_discovery_input(s->probe->engine, hp_world_now(s->probe->world), s->number, &d->from, d->data, d->length);
    arm(s->probe);
}

static void icmp(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                 const hp_packet *error)
{
    const probe_socket *s = user;
    hp_nat_discovery_icmp(s->probe->engine, hp_world_now(s->probe->world), s->number, to, kind);
    arm(s->probe);
}

static bool open_socket(void *user, unsigned number, uint16_t port, hp_addr *ret_local)
{
    static const hp_socket_ops ops = {.datagram = datagram, .icmp = icmp};
    hp_probe *probe = user;
    probe_socket *s = &probe->sockets[number];
    hp_addr local = hp_addr_with_port(probe->address, port);
    s->socket = hp_host_bind(probe->host, &local, &ops, s, NULL);
    if (s->socket == NULL) {
        return false;
    }
    *ret_local = hp_socket_local(s->socket);
    return true;
}

static void close_socket(void *user, unsigned number)
{
    hp_probe *probe = user;
    g_clear_pointer(&probe->sockets[number].socket, hp_socket_close);
}

static bool send_datagram(void *user, hp_time now, unsigned number, const hp_addr *to, const uint8_t *data, size_t len)
{
    hp_probe *probe = user;
    return hp_socket_send(probe->sockets[number].socket, to, data, len, NULL);
}

static bool address_of_family(hp_host *host, uint8_t family, hp_addr *ret)
{
    size_t n = hp_host_addresses(host, NULL, 0);
    g_autofree hp_addr *all = g_new0(hp_addr, n);
    hp_host_addresses(host, all, n);
    for (size_t i = 0; i < n; i++) {
        if (all[i].family == family && !hp_addr_is_link_local(&all[i])) {
            *ret = hp_addr_with_port(all[i], 0);
            return true;
        }
    }
    return false;
}

hp_probe *hp_probe_new(hp_host *host, const char *name, const hp_nat_discovery_config *config, GError **error)
{
    static const hp_nat_discovery_ops ops = {.open = open_socket, .close = close_socket, .send = send_datagram};
    g_autofree char *stream = g_strconcat("probe:", name, NULL);
    hp_addr address;
    hp_rng rng;
    if (!address_of_family(host, config->server.family, &address)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s has no address of the server's family", name,
                    hp_host_name(host));
        return NULL;
    }
    hp_probe *probe = g_new0(hp_probe, 1);
    probe->host = host;
    probe->world = hp_host_world(host);
    probe->address = address;
    for (unsigned i = 0; i < G_N_ELEMENTS(probe->sockets); i++) {
        probe->sockets[i] = (probe_socket){.probe = probe, .number = i};
    }
    hp_world_rng(probe->world, stream, &rng);
    probe->engine = hp_nat_discovery_new(config, &rng, hp_world_now(probe->world), &ops, probe);
    hp_timer_init(&probe->timer, HP_TIMER_ACTOR, hp_world_new_element(probe->world), timer_fired, probe);
    arm(probe);
    return probe;
}

void hp_probe_free(hp_probe *probe)
{
    if (probe == NULL) {
        return;
    }
    hp_timer_cancel(probe->world, &probe->timer);
    hp_nat_discovery_free(probe->engine);
    g_free(probe);
}

bool hp_probe_is_done(const hp_probe *probe)
{
    return hp_nat_discovery_get_result(probe->engine)->status != HP_NAT_DISCOVERY_RUNNING;
}

bool hp_probe_run(hp_probe *probe, hp_time until, GError **error)
{
    while (!hp_probe_is_done(probe)) {
        hp_time next = hp_world_next_deadline(probe->world);
        if (next > until || next == HP_NEVER) {
            g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "%s: the discovery did not end in time",
                        hp_host_name(probe->host));
            return false;
        }
        if (!hp_world_step(probe->world, error)) {
            return false;
        }
    }
    return true;
}

const hp_nat_discovery_result *hp_probe_get_result(const hp_probe *probe)
{
    return hp_nat_discovery_get_result(probe->engine);
}
