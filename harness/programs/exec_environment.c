/* What a foreign program finds in its environment: everything that our own peer is told by peer_setup.h, as browsers
 * take it. A server that the peer can reach in both families is named by an address of each; one that is known by name
 * is named by that. Passwords are in the environment because the scenario has them in the open. */
#include "programs/exec_environment.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "plan/transports.h"
#include "programs/peer_setup.h"
#include "programs/program.h"

/* ---- ICE servers ---- */

/* The server as URLs have it, once or once a family. scheme: "turn". end: "?transport=tcp" or "". */
static void add_urls(JsonArray *urls, const hp_plan *plan, unsigned peer, unsigned server, const char *scheme,
                     uint16_t port, const char *end)
{
    const uint8_t families[] = {HP_AF_IPV4, HP_AF_IPV6};
    if (plan->peers[peer].n_dns > 0) {
        g_autofree char *url = g_strdup_printf("%s:%s:%u%s", scheme, plan->servers[server].dns_name, port, end);
        json_array_add_string_element(urls, url);
        return;
    }
    for (unsigned f = 0; f < G_N_ELEMENTS(families); f++) { /* further addresses of a family are of RFC 5780 */
        const hp_addr bare = hp_peer_setup_server_in(plan, peer, server, families[f]);
        if (!bare.family)
            continue;
        const hp_addr a = hp_addr_with_port(bare, port);
        char text[HP_ADDR_TEXT];
        g_autofree char *url = g_strdup_printf("%s:%s%s", scheme, hp_addr_format(&a, text), end);
        json_array_add_string_element(urls, url);
    }
}

static JsonObject *stun_server(const hp_plan *plan, unsigned peer)
{
    const unsigned server = (unsigned)plan->peers[peer].stun;
    JsonArray *urls = json_array_new();
    JsonObject *o = json_object_new();
    add_urls(urls, plan, peer, server, "stun", plan->servers[server].config.port, "");
    json_object_set_array_member(o, "urls", urls);
    return o;
}

static void set_account(JsonObject *o, const hp_plan *plan, unsigned peer, unsigned server)
{
    unsigned n;
    g_autofree hp_peer_turn *turn = hp_peer_setup_turn(plan, peer, &n);
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(turn[i].name, plan->servers[server].source->name) == 0) {
            json_object_set_string_member(o, "username", turn[i].user);
            json_object_set_string_member(o, "credential", turn[i].password);
            return;
        }
    }
}

static JsonObject *turn_server(const hp_plan *plan, unsigned peer, unsigned server)
{
    const hp_server_config *config = &plan->servers[server].config;
    const uint8_t wanted = hp_transports_of_peer(&plan->peers[peer].source->ice);
    JsonArray *urls = json_array_new();
    JsonObject *o = json_object_new();
    if (wanted & HP_SERVER_UDP)
        add_urls(urls, plan, peer, server, "turn", config->port, "?transport=udp");
    if (wanted & HP_SERVER_TCP)
        add_urls(urls, plan, peer, server, "turn", config->port, "?transport=tcp");
    if (wanted & HP_SERVER_TLS)
        add_urls(urls, plan, peer, server, "turns", config->tls_port, "?transport=tcp");
    json_object_set_array_member(o, "urls", urls);
    set_account(o, plan, peer, server);
    return o;
}

static void add_unless_empty(JsonArray *all, JsonObject *server)
{
    if (json_array_get_length(json_object_get_array_member(server, "urls")) > 0)
        json_array_add_object_element(all, server);
    else
        json_object_unref(server); /* out of the peer's reach */
}

/* Takes the array. */
static char *text_of(JsonArray *array)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);
    json_node_take_array(node, array);
    return json_to_string(node, FALSE);
}

char *hp_exec_ice_servers(const hp_plan *plan, unsigned peer)
{
    JsonArray *all = json_array_new();
    if (plan->peers[peer].stun >= 0)
        add_unless_empty(all, stun_server(plan, peer));
    for (unsigned i = 0; i < plan->peers[peer].n_turn; i++)
        add_unless_empty(all, turn_server(plan, peer, (unsigned)plan->peers[peer].turn[i]));
    return text_of(all);
}

const char *hp_exec_ice_policy(const hp_plan *plan, unsigned peer)
{
    return plan->peers[peer].source->ice.force_relay ? "relay" : "all";
}

/* ---- the environment ---- */

static void add(GPtrArray *all, const char *name, const char *value)
{
    g_ptr_array_add(all, g_strdup_printf("%s=%s", name, value));
}

static void add_port(GPtrArray *all, const char *name, uint16_t port)
{
    g_ptr_array_add(all, g_strdup_printf("%s=%u", name, port));
}

static void append_addresses(GString *text, const hp_plan_attachment *at)
{
    for (unsigned i = 0; i < at->n_addresses; i++) {
        char buf[HP_ADDR_TEXT];
        g_string_append_printf(text, "%s%s", text->len > 0 ? "," : "", hp_addr_format_ip(&at->addresses[i], buf));
    }
}

static void add_common(GPtrArray *all, const char *name, const char *role, const char *folder)
{
    add(all, "HAIRPIN_NAME", name);
    add(all, "HAIRPIN_ROLE", role);
    add(all, "HAIRPIN_SIGNALING", HP_PROGRAM_SIGNALING);
    add(all, "HAIRPIN_FOLDER", folder);
}

static char **end(GPtrArray *all, const hp_environment *own)
{
    for (unsigned i = 0; i < own->n; i++)
        add(all, own->names[i], own->values[i]);
    g_ptr_array_add(all, NULL);
    return (char **)g_ptr_array_free(all, FALSE);
}

char **hp_exec_peer_environment(const hp_plan *plan, unsigned index, const char *folder)
{
    const hp_plan_peer *peer = &plan->peers[index];
    GPtrArray *all = g_ptr_array_new();
    g_autoptr(GString) addresses = g_string_new(NULL);
    g_autofree char *servers = hp_exec_ice_servers(plan, index);
    for (unsigned i = 0; i < peer->n_interfaces; i++)
        append_addresses(addresses, &peer->interfaces[i]);
    add_common(all, peer->source->name, "peer", folder);
    add(all, "HAIRPIN_ADDRESSES", addresses->str);
    add(all, "HAIRPIN_ICE_SERVERS", servers);
    add(all, "HAIRPIN_ICE_TRANSPORT_POLICY", hp_exec_ice_policy(plan, index));
    return end(all, &peer->source->program.environment);
}

static char *users_of(const hp_server_config *config)
{
    JsonArray *users = json_array_new();
    for (unsigned i = 0; i < config->n_users; i++) {
        JsonObject *o = json_object_new();
        json_object_set_string_member(o, "name", config->users[i].name);
        json_object_set_string_member(o, "password", config->users[i].password);
        json_array_add_object_element(users, o);
    }
    return text_of(users);
}

char **hp_exec_server_environment(const hp_plan *plan, unsigned index, const char *folder, const char *certificate,
                                  const char *key)
{
    const hp_plan_server *server = &plan->servers[index];
    const bool dns = server->config.kind == HP_SERVER_DNS;
    GPtrArray *all = g_ptr_array_new();
    g_autoptr(GString) addresses = g_string_new(NULL);
    g_autofree char *users = users_of(&server->config);
    append_addresses(addresses, &server->attachment);
    add_common(all, server->source->name, "server", folder);
    add(all, "HAIRPIN_ADDRESSES", addresses->str);
    add_port(all, "HAIRPIN_PORT", !dns ? server->config.port : server->dns.port ? server->dns.port : 53);
    add_port(all, "HAIRPIN_TLS_PORT", server->config.tls_port);
    add(all, "HAIRPIN_USERS", users);
    add(all, "HAIRPIN_REALM", server->config.realm ? server->config.realm : "hairpin");
    if (certificate && key) {
        add(all, "HAIRPIN_CERTIFICATE", certificate);
        add(all, "HAIRPIN_KEY", key);
    }
    return end(all, &server->source->program.environment);
}

char **hp_exec_own_environment(const hp_environment *own)
{
    return end(g_ptr_array_new(), own);
}
