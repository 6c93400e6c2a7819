/* `hairpin serve`: the STUN, TURN and DNS servers of the virtual world on the sockets of this machine, for real clients.
 *
 * One process, one thread: a world in real time (live/loop.h), a host on the kernel's sockets, a server. Nothing is
 * traced, so that nothing grows. Random numbers are the kernel's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "actors/dns_service.h"
#include "actors/server.h"
#include "base/error.h"
#include "base/rng.h"
#include "cli/cli.h"
#include "cli/serve_options.h"
#include "cli/stop.h"
#include "live/descriptors.h"
#include "live/kernel_addresses.h"
#include "live/kernel_host.h"
#include "seam/seam.h"

typedef struct serving {
    hp_live_clock *clock;
    hp_world *world;
    hp_loop *loop;
    hp_host *host;
    hp_server *server; /* one of the two */
    hp_dns_service *dns;
} serving;

static void serving_end(serving *s)
{
    hp_dns_service_free(s->dns);
    hp_server_free(s->server);
    hp_loop_free(s->loop);
    hp_world_free(s->world);
    hp_live_clock_free(s->clock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(serving, serving_end)

static bool describe(serving *s, const hp_serve_options *o, GError **error)
{
    if (!hp_kernel_host_describe(s->host, (const hp_addr *)o->addresses->data, o->addresses->len, error)) {
        return false;
    }
    const hp_addr relays[] = {o->server.relay_ipv4, o->server.relay_ipv6};
    for (unsigned i = 0; i < G_N_ELEMENTS(relays); i++) {
        if (relays[i].family != HP_AF_NONE && !hp_kernel_host_describe(s->host, &relays[i], 1, error)) {
            return false;
        }
    }
    return true;
}

static bool begin(serving *s, const hp_serve_options *o, GError **error)
{
    s->clock = hp_live_clock_new(error);
    if (s->clock == NULL) {
        return false;
    }
    hp_live_clock_begin(s->clock);
    s->world = hp_world_new(0, NULL); /* hp_rng_use_kernel(): the seed says nothing */
    s->loop = hp_loop_new(s->world, s->clock, NULL, error);
    if (s->loop == NULL) {
        return false;
    }
    s->host = hp_kernel_host_new(s->world, o->name, s->loop);
    hp_kernel_host_set_gathering(s->host, o->gathering);
    if (!describe(s, o, error)) {
        return false;
    }
    if (o->is_dns) {
        s->dns = hp_dns_service_new(s->host, o->name, &o->dns, error);
        return s->dns != NULL;
    }
    hp_server_config config = o->server;
    config.epoch_s = (uint64_t)(g_get_real_time() / G_USEC_PER_SEC);
    s->server = hp_server_new(s->host, o->name, &config, error);
    return s->server != NULL;
}

/* ---- what is told ---- */

static void print_ready(const hp_serve_options *o)
{
    const hp_server_config *c = &o->server;
    uint8_t set = c->transports != 0 ? c->transports : HP_SERVER_UDP;
    g_autoptr(GString) text = g_string_new("ready:");
    if (o->is_dns) {
        set = HP_SERVER_UDP | HP_SERVER_TCP;
    }
    for (guint i = 0; i < o->addresses->len; i++) {
        for (unsigned k = 0; k < HP_SERVE_N_TRANSPORTS; k++) {
            const hp_serve_transport *t = &hp_serve_transports[k];
            uint16_t port = o->is_dns   ? (o->dns.port != 0 ? o->dns.port : 53)
                            : t->secure ? (c->tls_port != 0 ? c->tls_port : 5349)
                                        : (c->port != 0 ? c->port : 3478);
            hp_addr at = hp_addr_with_port(g_array_index(o->addresses, hp_addr, i), port);
            char buf[HP_ADDR_TEXT];
            if ((set & t->bit) != 0) {
                g_string_append_printf(text, " %s:%s", t->name, hp_addr_format(&at, buf));
            }
        }
    }
    printf("%s\n", text->str);
    fflush(stdout);
}

static void print_totals(const serving *s)
{
    hp_kernel_host_counters c = hp_kernel_host_get_counters(s->host);
    if (s->server != NULL) {
        const hp_server_totals *t = hp_server_get_totals(s->server);
        printf("%" G_GUINT64_FORMAT " requests, %" G_GUINT64_FORMAT
               " of them answered with an error, %" G_GUINT64_FORMAT " allocations\n",
               t->requests, t->errors, t->allocations);
        printf("relayed to peers %" G_GUINT64_FORMAT " packets (%" G_GUINT64_FORMAT
               " bytes), to clients %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT "), not relayed %" G_GUINT64_FORMAT "\n",
               t->packets_to_peers, t->bytes_to_peers, t->packets_to_clients, t->bytes_to_clients, t->dropped);
    }
    printf("datagrams in %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT " calls), out %" G_GUINT64_FORMAT
           " (%" G_GUINT64_FORMAT " calls), no room for %" G_GUINT64_FORMAT ", not sent %" G_GUINT64_FORMAT "\n",
           c.datagrams_in, c.receive_calls, c.datagrams_out, c.send_calls, c.send_full, c.send_errors);
}

static void on_signal(void *user, uint32_t events)
{
    hp_loop_quit(user);
}

static int serve(const hp_serve_options *o)
{
    g_autoptr(GError) error = NULL;
    g_auto(serving) s = {0};
    hp_descriptors_raise();
    if (!begin(&s, o, &error)) {
        return hp_cli_fail(error);
    }
    hp_stop stop;
    hp_stop_begin(&stop);
    hp_loop_watch *watch = stop.fd >= 0 ? hp_loop_add(s.loop, stop.fd, EPOLLIN, on_signal, s.loop) : NULL;
    print_ready(o);
    bool ok = hp_loop_run(s.loop, &error);
    hp_loop_remove(watch);
    if (s.server != NULL) {
        hp_server_stop(s.server);
    }
    hp_kernel_host_flush(s.host);
    print_totals(&s);
    if (stop.fd >= 0) {
        close(stop.fd); /* the signal was what ends it in order: it stays held back */
    }
    return ok ? HP_EXIT_GOOD : hp_cli_fail(error);
}

int hp_cmd_serve(int argc, char **argv)
{
    hp_serve_options o;
    int code = hp_serve_options_read(&o, argc, argv);
    g_autoptr(GError) error = NULL;
    if (code == HP_EXIT_GOOD && !hp_rng_use_kernel()) {
        fprintf(stderr, "hairpin: the kernel has no random numbers: %s\n", g_strerror(errno));
        code = HP_EXIT_ENVIRONMENT;
    }
    if (code == HP_EXIT_GOOD && !hp_seam_start(NULL, &error)) {
        code = hp_cli_fail(error);
    }
    code = code == HP_EXIT_GOOD ? serve(&o) : code;
    hp_serve_options_clear(&o);
    return code;
}
