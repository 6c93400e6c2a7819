/* The options of `hairpin serve`, made into a server's configuration: all by options, or one server of a scenario.
 *
 * With --config the scenario says everything but what only this machine knows: --listen, --relay, --certificate and
 * --key may be said besides. Passwords may come from a file, as everybody can read a command line. */
#include "cli/serve_options.h"

#include <string.h>

#include "base/error.h"
#include "live/kernel_addresses.h"

typedef struct words {
    char **listen, **users, **denied;
    char *user_file, *realm, *transports, *tls_port, *certificate, *key, *relay_ports, *lifetime, *max_lifetime,
        *config, *server, *quota, *capacity, *gather;
    char **relays;
    gboolean rfc5780, no_private, loopback, tcp_relays, sha256;
    char **rest;
} words;

static void words_clear(words *w)
{
    char *texts[] = {w->user_file, w->realm,       w->transports, w->tls_port,     w->certificate,
                     w->key,       w->relay_ports, w->lifetime,   w->max_lifetime, w->config,
                     w->server,    w->quota,       w->capacity,   w->gather};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(texts[i]);
    }
    g_strfreev(w->listen);
    g_strfreev(w->users);
    g_strfreev(w->denied);
    g_strfreev(w->relays);
    g_strfreev(w->rest);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(words, words_clear)

static bool read_words(words *w, int *argc, char ***argv)
{
    const GOptionEntry entries[] = {
        {"listen", 'l', 0, G_OPTION_ARG_STRING_ARRAY, &w->listen,
         "where to listen (default: this machine's addresses, port 3478); may be repeated", "ADDR[:PORT]"},
        {"user", 'u', 0, G_OPTION_ARG_STRING_ARRAY, &w->users,
         "who may relay; without any it is a STUN server; may be repeated", "NAME:PASSWORD"},
        {"users", 0, 0, G_OPTION_ARG_FILENAME, &w->user_file, "the same, a line each", "FILE"},
        {"realm", 0, 0, G_OPTION_ARG_STRING, &w->realm, "default hairpin", "REALM"},
        {"transport", 't', 0, G_OPTION_ARG_STRING, &w->transports, "of udp, tcp, tls and dtls (default udp,tcp)",
         "LIST"},
        {"tls-port", 0, 0, G_OPTION_ARG_STRING, &w->tls_port, "of TLS and DTLS (default 5349)", "PORT"},
        {"certificate", 0, 0, G_OPTION_ARG_FILENAME, &w->certificate, "in PEM (default: one that is made now)", "FILE"},
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &w->key, "its private key, in PEM", "FILE"},
        {"relay", 0, 0, G_OPTION_ARG_STRING_ARRAY, &w->relays,
         "address of relays (default: the first to listen at); one of each family", "ADDR"},
        {"relay-ports", 0, 0, G_OPTION_ARG_STRING, &w->relay_ports, "default 49152-65535", "A-B"},
        {"relay-tcp", 0, 0, G_OPTION_ARG_NONE, &w->tcp_relays, "relay TCP too (RFC 6062)", NULL},
        {"lifetime", 0, 0, G_OPTION_ARG_STRING, &w->lifetime, "of an allocation (default 10m)", "TIME"},
        {"max-lifetime", 0, 0, G_OPTION_ARG_STRING, &w->max_lifetime, "that a client can ask for (default 1h)", "TIME"},
        {"user-quota", 0, 0, G_OPTION_ARG_STRING, &w->quota, "allocations of one user", "N"},
        {"capacity", 0, 0, G_OPTION_ARG_STRING, &w->capacity, "allocations in all", "N"},
        {"gather", 0, 0, G_OPTION_ARG_STRING, &w->gather,
         "under load, let datagrams gather for so long (default 100us; 0: never)", "TIME"},
        {"sha256", 0, 0, G_OPTION_ARG_NONE, &w->sha256, "offer SHA-256 before MD5 (RFC 8489)", NULL},
        {"rfc5780", 0, 0, G_OPTION_ARG_NONE, &w->rfc5780, "NAT discovery, with port 3479 too; wants two addresses",
         NULL},
        {"deny-peer", 0, 0, G_OPTION_ARG_STRING_ARRAY, &w->denied, "no relaying there; may be repeated", "PREFIX"},
        {"no-private-peers", 0, 0, G_OPTION_ARG_NONE, &w->no_private, "no relaying to private addresses", NULL},
        {"allow-loopback-peers", 0, 0, G_OPTION_ARG_NONE, &w->loopback, "relaying to 127.0.0.1 and ::1 too", NULL},
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &w->config, "a scenario, of which one server is meant", "FILE"},
        {"server", 's', 0, G_OPTION_ARG_STRING, &w->server, "its name (default: the only one)", "NAME"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &w->rest, NULL, NULL},
        {NULL}};
    return hp_cli_options("- be a STUN and TURN server on this machine",
                          "Serves until it gets SIGINT or SIGTERM. One line says when it is ready, some what it did.",
                          entries, argc, argv);
}

static void *keep(hp_serve_options *o, void *memory)
{
    g_ptr_array_add(o->keep, memory);
    return memory;
}

static bool read_number(const char *text, unsigned least, unsigned most, unsigned *ret)
{
    guint64 value;
    if (!g_ascii_string_to_unsigned(text, 10, least, most, &value, NULL)) {
        return false;
    }
    *ret = (unsigned)value;
    return true;
}

/* ---- users ---- */

static bool add_user(hp_serve_options *o, GArray *users, const char *text)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0') {
        return false;
    }
    hp_turn_user user = {.name = keep(o, g_strndup(text, (gsize)(colon - text))),
                         .password = keep(o, g_strdup(colon + 1))};
    g_array_append_val(users, user);
    return true;
}

static int read_user_file(hp_serve_options *o, const char *path, GArray *users)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        return hp_cli_usage("serve: --users: %s", error->message);
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i] != NULL; i++) {
        g_strstrip(lines[i]);
        if (*lines[i] != '\0' && *lines[i] != '#' && !add_user(o, users, lines[i])) {
            return hp_cli_usage("serve: --users: line %u of %s is no NAME:PASSWORD", i + 1, path);
        }
    }
    return HP_EXIT_GOOD;
}

static int read_users(hp_serve_options *o, const words *w)
{
    GArray *users = g_array_new(FALSE, FALSE, sizeof(hp_turn_user));
    for (char **u = w->users; u != NULL && *u != NULL; u++) {
        if (!add_user(o, users, *u)) {
            g_array_unref(users);
            return hp_cli_usage("serve: --user wants NAME:PASSWORD");
        }
    }
    int code = w->user_file != NULL ? read_user_file(o, w->user_file, users) : HP_EXIT_GOOD;
    o->server.n_users = users->len;
    o->server.users = keep(o, g_array_free(users, FALSE));
    o->server.kind = o->server.n_users > 0 ? HP_SERVER_TURN : HP_SERVER_STUN;
    return code;
}

/* ---- what is served ---- */

const hp_serve_transport hp_serve_transports[HP_SERVE_N_TRANSPORTS] = {{"udp", HP_SERVER_UDP, false},
                                                                       {"tcp", HP_SERVER_TCP, false},
                                                                       {"tls", HP_SERVER_TLS, true},
                                                                       {"dtls", HP_SERVER_DTLS, true}};

static int read_transports(hp_serve_options *o, const char *text)
{
    o->server.transports = 0;
    g_auto(GStrv) names = g_strsplit(text, ",", -1);
    for (unsigned i = 0; names[i] != NULL; i++) {
        unsigned k = 0;
        while (k < HP_SERVE_N_TRANSPORTS && strcmp(hp_serve_transports[k].name, names[i]) != 0) {
            k++;
        }
        if (k == HP_SERVE_N_TRANSPORTS) {
            return hp_cli_usage("serve: --transport: `%s` is none of udp, tcp, tls, dtls", names[i]);
        }
        o->server.transports |= hp_serve_transports[k].bit;
    }
    return o->server.transports != 0 ? HP_EXIT_GOOD
                                     : hp_cli_usage("serve: --transport wants one of udp, tcp, tls, dtls");
}

static int read_relay_ports(hp_serve_options *o, const char *text)
{
    unsigned first, last;
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);
    if (g_strv_length(ends) != 2 || !read_number(ends[0], 1, 65535, &first) || !read_number(ends[1], 1, 65535, &last) ||
        first > last) {
        return hp_cli_usage("serve: --relay-ports: `%s` is no range such as 49152-65535", text);
    }
    o->server.relay_port_first = (uint16_t)first;
    o->server.relay_port_last = (uint16_t)last;
    return HP_EXIT_GOOD;
}

static int read_denied(hp_serve_options *o, char *const *texts)
{
    unsigned n = texts != NULL ? g_strv_length((char **)texts) : 0;
    o->server.denied_peers = keep(o, g_new0(hp_prefix, n + 1));
    for (unsigned i = 0; i < n; i++) {
        if (!hp_prefix_parse(texts[i], &o->server.denied_peers[i])) {
            return hp_cli_usage("serve: --deny-peer: `%s` is no prefix such as 10.0.0.0/8", texts[i]);
        }
    }
    o->server.n_denied_peers = n;
    return HP_EXIT_GOOD;
}

static int read_times(hp_serve_options *o, const words *w)
{
    const struct {
        const char *name, *text;
        hp_time *ret;
    } times[] = {{"lifetime", w->lifetime, &o->server.lifetime},
                 {"max-lifetime", w->max_lifetime, &o->server.max_lifetime}};
    for (unsigned i = 0; i < G_N_ELEMENTS(times); i++) {
        if (times[i].text != NULL && (!hp_time_parse(times[i].text, times[i].ret) || *times[i].ret < HP_S)) {
            return hp_cli_usage("serve: --%s: `%s` is no time such as 10m", times[i].name, times[i].text);
        }
    }
    return HP_EXIT_GOOD;
}

static int read_numbers(hp_serve_options *o, const words *w)
{
    unsigned port = 0;
    if (w->tls_port != NULL && !read_number(w->tls_port, 1, 65535, &port)) {
        return hp_cli_usage("serve: --tls-port: `%s` is no port", w->tls_port);
    }
    o->server.tls_port = (uint16_t)port;
    if (w->quota != NULL && !read_number(w->quota, 1, UINT32_MAX, &o->server.user_quota)) {
        return hp_cli_usage("serve: --user-quota: `%s` is no number", w->quota);
    }
    if (w->capacity != NULL && !read_number(w->capacity, 1, UINT32_MAX, &o->server.capacity)) {
        return hp_cli_usage("serve: --capacity: `%s` is no number", w->capacity);
    }
    return HP_EXIT_GOOD;
}

static int read_server(hp_serve_options *o, const words *w)
{
    o->name = g_strdup(w->server != NULL ? w->server : "serve");
    o->server = (hp_server_config){
        .transports = HP_SERVER_UDP | HP_SERVER_TCP,
        .accept_rfc3489 = true,
        .software = true,
        .dont_fragment = true,
        .wide_channels = true,
        .nat_discovery = w->rfc5780,
        .sha256 = w->sha256,
        .allow_private_peers = !w->no_private,
        .allow_loopback_peers = w->loopback,
        .relays = w->tcp_relays ? HP_RELAY_UDP | HP_RELAY_TCP : 0,
        .realm = w->realm != NULL ? keep(o, g_strdup(w->realm)) : NULL,
    };
    int code = read_users(o, w);
    code = code == HP_EXIT_GOOD && w->transports != NULL ? read_transports(o, w->transports) : code;
    code = code == HP_EXIT_GOOD && w->relay_ports != NULL ? read_relay_ports(o, w->relay_ports) : code;
    code = code == HP_EXIT_GOOD ? read_denied(o, w->denied) : code;
    code = code == HP_EXIT_GOOD ? read_times(o, w) : code;
    return code == HP_EXIT_GOOD ? read_numbers(o, w) : code;
}

/* ---- of a scenario ---- */

static int choose_server(hp_serve_options *o, const words *w, const hp_plan *plan)
{
    int index = w->server != NULL ? hp_plan_find_server(plan, w->server) : plan->n_servers == 1 ? 0 : -1;
    if (index < 0) {
        return w->server != NULL
                   ? hp_cli_usage("serve: %s has no server `%s`", w->config, w->server)
                   : hp_cli_usage("serve: %s has %u servers; --server NAME says which", w->config, plan->n_servers);
    }
    const hp_plan_server *server = &plan->servers[index];
    o->server = server->config;
    o->is_dns = server->config.kind == HP_SERVER_DNS;
    o->dns = server->dns;
    o->name = g_strdup(server->source->name);
    if (o->server.kind == HP_SERVER_WEB || o->server.kind == HP_SERVER_OTHER ||
        strcmp(hp_plan_server_program(server), "builtin") != 0) {
        return hp_cli_usage("serve: %s is a server that another program is to be", o->name);
    }
    g_array_append_vals(o->addresses, server->attachment.addresses, server->attachment.n_addresses);
    return HP_EXIT_GOOD;
}

static int read_config(hp_serve_options *o, const words *w)
{
    char *paths[] = {w->config, NULL};
    const hp_case_filter all = {0};
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GError) error = NULL;
    if (!hp_cases_collect(paths, &all, diags, &o->cases, &error)) {
        return hp_cli_fail(error);
    }
    hp_diags_sort(diags);
    g_autofree char *text = hp_diags_format(diags);
    if (diags->n_errors > 0) {
        return hp_cli_usage("serve: %s", text);
    }
    return o->cases.plans->len > 0 ? choose_server(o, w, o->cases.plans->pdata[0])
                                   : hp_cli_usage("serve: no scenario in %s", w->config);
}

/* ---- where ---- */

static bool listens_at(const hp_serve_options *o, const hp_addr *addr)
{
    for (guint i = 0; i < o->addresses->len; i++) {
        if (hp_addr_same_ip(&g_array_index(o->addresses, hp_addr, i), addr)) {
            return true;
        }
    }
    return false;
}

static int read_listen(hp_serve_options *o, char *const *texts)
{
    if (texts == NULL) {
        return HP_EXIT_GOOD;
    }
    g_array_set_size(o->addresses, 0);
    uint16_t port = 0;
    for (unsigned i = 0; texts[i] != NULL; i++) {
        hp_addr addr;
        if (!hp_addr_parse(texts[i], &addr)) {
            return hp_cli_usage("serve: --listen: `%s` is no address such as 192.0.2.1 or [2001:db8::1]:3478",
                                texts[i]);
        }
        if (hp_addr_is_unspecified(&addr) || hp_addr_is_multicast(&addr)) {
            return hp_cli_usage(
                "serve: --listen: `%s` is no address of one interface; without --listen it is all of them", texts[i]);
        }
        if (listens_at(o, &addr)) {
            return hp_cli_usage("serve: --listen: `%s` is there twice", texts[i]);
        }
        if (addr.port != 0 && port != 0 && addr.port != port) {
            return hp_cli_usage("serve: --listen: one port for all addresses, not %u and %u", port, addr.port);
        }
        port = addr.port != 0 ? addr.port : port;
        addr.port = 0;
        g_array_append_val(o->addresses, addr);
    }
    o->server.port = port != 0 ? port : o->server.port;
    o->dns.port = port != 0 ? port : o->dns.port;
    return HP_EXIT_GOOD;
}

static int read_relays(hp_serve_options *o, char *const *texts)
{
    for (unsigned i = 0; texts != NULL && texts[i] != NULL; i++) {
        hp_addr addr;
        if (!hp_addr_parse(texts[i], &addr) || addr.port != 0 || hp_addr_is_unspecified(&addr)) {
            return hp_cli_usage("serve: --relay: `%s` is no address such as 192.0.2.1", texts[i]);
        }
        hp_addr *slot = addr.family == HP_AF_IPV6 ? &o->server.relay_ipv6 : &o->server.relay_ipv4;
        if (slot->family != HP_AF_NONE) {
            return hp_cli_usage("serve: --relay: one address of each family");
        }
        *slot = addr;
        bool apart = !listens_at(o, &addr);
        if (apart != o->server.relays_apart && i > 0) {
            return hp_cli_usage("serve: --relay: either both are addresses to listen at, or none");
        }
        o->server.relays_apart = apart;
    }
    return HP_EXIT_GOOD;
}

/* RFC 5780 has a server answer from another address than it was asked at. */
static bool has_a_pair(const hp_serve_options *o)
{
    unsigned n4 = 0, n6 = 0;
    for (guint i = 0; i < o->addresses->len; i++) {
        const bool v6 = g_array_index(o->addresses, hp_addr, i).family == HP_AF_IPV6;
        n6 += v6;
        n4 += !v6;
    }
    return n4 > 1 || n6 > 1;
}

static int read_place(hp_serve_options *o, const words *w)
{
    int code = read_listen(o, w->listen);
    if (code == HP_EXIT_GOOD && o->addresses->len == 0) {
        g_autoptr(GError) error = NULL;
        GArray *here = hp_kernel_addresses(&error);
        if (here == NULL) {
            return hp_cli_fail(error);
        }
        g_array_unref(o->addresses);
        o->addresses = here;
    }
    if (code == HP_EXIT_GOOD && w->rfc5780 && !has_a_pair(o)) {
        return hp_cli_usage("serve: --rfc5780 wants two addresses of a family to listen at");
    }
    code = code == HP_EXIT_GOOD ? read_relays(o, w->relays) : code;
    if (code == HP_EXIT_GOOD && w->gather != NULL &&
        (!hp_time_parse(w->gather, &o->gathering) || o->gathering > 10 * HP_MS)) {
        return hp_cli_usage("serve: --gather: `%s` is no time up to 10ms", w->gather);
    }
    if (code == HP_EXIT_GOOD && (w->certificate != NULL) != (w->key != NULL)) {
        return hp_cli_usage("serve: --certificate and --key belong together");
    }
    o->server.certificate = w->certificate != NULL ? keep(o, g_strdup(w->certificate)) : NULL;
    o->server.private_key = w->key != NULL ? keep(o, g_strdup(w->key)) : NULL;
    return code;
}

int hp_serve_options_read(hp_serve_options *ret, int argc, char **argv)
{
    g_auto(words) w = {0};
    *ret = (hp_serve_options){.keep = g_ptr_array_new_with_free_func(g_free),
                              .gathering = 100 * HP_US,
                              .addresses = g_array_new(FALSE, FALSE, sizeof(hp_addr))};
    if (!read_words(&w, &argc, &argv)) {
        return HP_EXIT_USAGE;
    }
    if (w.rest != NULL) {
        return hp_cli_usage("serve: `%s` is no option; a scenario comes with --config", w.rest[0]);
    }
    int code = w.config != NULL ? read_config(ret, &w) : read_server(ret, &w);
    return code == HP_EXIT_GOOD ? read_place(ret, &w) : code;
}

void hp_serve_options_clear(hp_serve_options *o)
{
    if (o->cases.plans != NULL) {
        hp_cases_clear(&o->cases);
    }
    g_array_unref(o->addresses);
    g_ptr_array_unref(o->keep);
    g_free(o->name);
}
