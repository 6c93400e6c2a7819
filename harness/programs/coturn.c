/* Theory of operation.
 *
 * turnserver gets a configuration file of its own, its user database and pid file in the program's folder, and no way to
 * the rest of the machine but its namespace. It listens at every address that the plan gives the server and relays from
 * the first one of each family, as the builtin server does. What the scenario says and coturn cannot be told is refused
 * when the scenario is loaded (scenario/table_programs.c), so that every knob is either carried out or never met here.
 *
 * What stays different: coturn takes TLS and DTLS at the plain port too, answers 486 where a user's quota is reached,
 * adds FINGERPRINT to everything, and has one thread for each CPU.
 *
 * It is ready when its ports are bound (server_child.h), some 30 ms after its start. When its addresses change it is
 * started again with others: coturn binds to addresses, once. */
#include "programs/coturn.h"

#include "base/error.h"
#include "plan/transports.h"
#include "programs/certificate.h"
#include "programs/exec_environment.h"
#include "programs/server_child.h"

typedef struct coturn {
    hp_program *program;
    hp_server_child *child;
    char *certificate, *key, *config;
} coturn;

/* ---- the configuration ---- */

static void put(GString *text, const char *key, const char *value)
{
    g_string_append_printf(text, "%s=%s\n", key, value);
}

static void put_number(GString *text, const char *key, uint64_t value)
{
    g_string_append_printf(text, "%s=%" G_GUINT64_FORMAT "\n", key, value);
}

static void flag(GString *text, bool on, const char *key)
{
    if (on)
        g_string_append_printf(text, "%s\n", key);
}

static void put_addresses(GString *text, const hp_addr *addresses, unsigned n)
{
    bool relays[2] = {false, false};
    for (unsigned i = 0; i < n; i++) {
        const bool v6 = addresses[i].family == HP_AF_IPV6;
        char ip[HP_ADDR_TEXT];
        hp_addr_format_ip(&addresses[i], ip);
        put(text, "listening-ip", ip);
        if (!relays[v6])
            put(text, "relay-ip", ip);
        relays[v6] = true;
    }
}

static uint16_t alternate_port(const hp_server_config *c)
{
    return c->alternate_port != 0 ? c->alternate_port : 3479;
}

static void put_transports(GString *text, const hp_server_config *c, const char *certificate, const char *key)
{
    const uint8_t transports = hp_transports_of_server(c);
    put_number(text, "listening-port", c->port);
    flag(text, (transports & HP_SERVER_UDP) == 0, "no-udp");
    flag(text, (transports & HP_SERVER_TCP) == 0, "no-tcp");
    flag(text, (transports & HP_SERVER_TLS) == 0, "no-tls");
    flag(text, (transports & HP_SERVER_DTLS) == 0, "no-dtls");
    if (certificate && key) {
        put_number(text, "tls-listening-port", c->tls_port);
        put(text, "cert", certificate);
        put(text, "pkey", key);
        flag(text, true, "no-tlsv1");
        flag(text, true, "no-tlsv1_1");
        flag(text, c->tls_min == HP_TLS_1_3, "no-tlsv1_2");
    }
    if (c->nat_discovery)
        put_number(text, "alt-listening-port", alternate_port(c));
    flag(text, !c->nat_discovery, "no-rfc5780");
}

/* The last address of a network. */
static hp_addr last_of(const hp_prefix *prefix)
{
    hp_addr last = prefix->base;
    const unsigned bits = last.family == HP_AF_IPV6 ? 128 : 32;
    for (unsigned i = prefix->bits; i < bits; i++)
        last.ip[i / 8] |= (uint8_t)(0x80 >> i % 8);
    return last;
}

static void deny(GString *text, const hp_prefix *prefix)
{
    const hp_addr last = last_of(prefix);
    char from[HP_ADDR_TEXT], to[HP_ADDR_TEXT];
    g_string_append_printf(text, "denied-peer-ip=%s-%s\n", hp_addr_format_ip(&prefix->base, from),
                           hp_addr_format_ip(&last, to));
}

static void put_peers(GString *text, const hp_server_config *c)
{
    static const char *const private_networks[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                                                   "fc00::/7"}; /* as hp_addr_is_private() has them */
    for (unsigned i = 0; !c->allow_private_peers && i < G_N_ELEMENTS(private_networks); i++) {
        hp_prefix prefix;
        if (hp_prefix_parse(private_networks[i], &prefix))
            deny(text, &prefix);
    }
    for (unsigned i = 0; i < c->n_denied_peers; i++)
        deny(text, &c->denied_peers[i]);
    flag(text, c->allow_loopback_peers, "allow-loopback-peers");
}

static void put_seconds(GString *text, const char *key, hp_time span)
{
    if (span != 0)
        put_number(text, key, span / HP_S);
}

static void put_turn(GString *text, const hp_server_config *c)
{
    const uint8_t relays = c->relays != 0 ? c->relays : HP_RELAY_UDP;
    flag(text, (relays & HP_RELAY_UDP) == 0, "no-udp-relay");
    flag(text, (relays & HP_RELAY_TCP) == 0, "no-tcp-relay");
    if (c->relay_port_first != 0) {
        put_number(text, "min-port", c->relay_port_first);
        put_number(text, "max-port", c->relay_port_last);
    }
    if (c->user_quota != 0)
        put_number(text, "user-quota", c->user_quota);
    put_seconds(text, "stale-nonce", c->nonce_lifetime);
    put_seconds(text, "max-allocate-lifetime", c->max_lifetime);
    put_seconds(text, "permission-lifetime", c->permission_lifetime);
    put_seconds(text, "channel-lifetime", c->channel_lifetime);
    if (c->redirect_addr.family != HP_AF_NONE) {
        char to[HP_ADDR_TEXT];
        put(text, "alternate-server", hp_addr_format(&c->redirect_addr, to));
    }
    put_peers(text, c);
}

static void put_users(GString *text, const hp_server_config *c)
{
    put(text, "realm", c->realm ? c->realm : "hairpin");
    if (c->n_users == 0)
        return;
    flag(text, true, "lt-cred-mech");
    for (unsigned i = 0; i < c->n_users; i++)
        g_string_append_printf(text, "user=%s:%s\n", c->users[i].name, c->users[i].password);
    flag(text, c->binding_auth, "secure-stun");
}

static void put_file(GString *text, const char *key, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    put(text, key, path);
}

char *hp_coturn_config(const hp_plan_server *server, const hp_addr *addresses, unsigned n_addresses, const char *folder,
                       const char *certificate, const char *key)
{
    const hp_server_config *c = &server->config;
    GString *text = g_string_new(NULL);
    put_addresses(text, addresses, n_addresses);
    put_transports(text, c, certificate, key);
    flag(text, c->kind == HP_SERVER_STUN, "stun-only");
    put_users(text, c);
    if (c->kind == HP_SERVER_TURN)
        put_turn(text, c);
    flag(text, true, "fingerprint");
    flag(text, !c->software, "no-software-attribute");
    flag(text, !c->accept_rfc3489, "no-stun-backward-compatibility");
    flag(text, true, "no-cli");
    put(text, "log-file", "stdout");
    flag(text, true, "simple-log");
    put_file(text, "userdb", folder, "turndb");
    put_file(text, "pidfile", folder, "turnserver.pid");
    return g_string_free(text, FALSE);
}

/* ---- the kind ---- */

static bool write_config(coturn *x, GError **error)
{
    const hp_program *program = x->program;
    hp_addr addresses[8]; /* as they are now */
    const unsigned n =
        (unsigned)MIN(hp_host_addresses(program->host, addresses, G_N_ELEMENTS(addresses)), G_N_ELEMENTS(addresses));
    g_autofree char *text = hp_coturn_config(&program->plan->servers[program->index], addresses, n, program->folder,
                                             x->certificate, x->key);
    g_autoptr(GError) why = NULL;
    if (g_file_set_contents(x->config, text, -1, &why))
        return true;
    g_set_error_literal(error, HP_ERROR, HP_ERROR_IO, why->message);
    return false;
}

static void coturn_free(void *self)
{
    coturn *x = self;
    hp_server_child_free(x->child);
    g_free(x->certificate);
    g_free(x->key);
    g_free(x->config);
    g_free(x);
}

static void *coturn_start(hp_program *program, GError **error)
{
    const hp_plan_server *server = &program->plan->servers[program->index];
    const bool secure = (server->config.transports & (HP_SERVER_TLS | HP_SERVER_DTLS)) != 0;
    coturn *x = g_new0(coturn, 1);
    x->program = program;
    x->config = g_build_filename(program->folder, "turnserver.conf", NULL);
    const char *const argv[] = {"turnserver", "-c", x->config, NULL};
    hp_server_child_config config = {.argv = argv, .folder = program->folder};
    g_auto(GStrv) environment = hp_exec_own_environment(&server->source->program.environment);
    config.environment = (const char *const *)environment;
    hp_server_child_add_transports(&config, &server->config);
    if (server->config.nat_discovery && (hp_transports_of_server(&server->config) & HP_SERVER_UDP))
        hp_server_child_add_udp(&config, alternate_port(&server->config));
    if ((!secure || hp_certificate_write(server, program->folder, &x->certificate, &x->key, error)) &&
        write_config(x, error))
        x->child = hp_server_child_new(program, &config, error);
    if (!x->child) {
        coturn_free(x);
        return NULL;
    }
    return x;
}

static void coturn_step(void *self, const hp_step *step, unsigned index)
{
    const coturn *x = self;
    hp_server_child_step(x->child, step);
}

static void coturn_addresses(void *self, unsigned interface)
{
    coturn *x = self;
    g_autoptr(GError) error = NULL;
    if (write_config(x, &error))
        hp_server_child_restart(x->child);
    else
        hp_program_failed(x->program, "%s", error->message);
}

static void coturn_finish(void *self)
{
    const coturn *x = self;
    hp_server_child_finish(x->child);
}

static bool coturn_available(const hp_plan *plan, hp_program_role role, unsigned index, GError **error)
{
    g_autofree char *path = g_find_program_in_path("turnserver");
    if (!path)
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                    "there is no turnserver: it is in the Debian package coturn");
    return path != NULL;
}

const hp_program_ops hp_coturn_program = {
    .name = "coturn",
    .needs_host = true, /* which knows its addresses when they change */
    .available = coturn_available,
    .start = coturn_start,
    .step = coturn_step,
    .addresses = coturn_addresses,
    .finish = coturn_finish,
    .free = coturn_free,
};
