/* Theory of operation: the flags that make a headless Chromium a quiet, unattended peer.
 *
 * Camera and microphone are made up and allowed without asking. That needs a secure context, which 127.0.0.1 is and any
 * other http: origin is only when it is named. Host candidates bear addresses instead of mDNS names, because no page asks
 * for permission here; where names are wanted, our own peer has them. Local network access is allowed: the broker is on
 * the loopback address, which a page is otherwise refused, and so is everything behind a made-up NAT. Certificates are
 * made for each run, so nobody vouches for them. Whatever speaks to the browser's maker is off: nothing would answer.
 *
 * Servers of the scenario are known to the browser by their own names too, so that a `page: http://web/` needs no DNS. */
#include "programs/chromium_command.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#include "programs/exec_environment.h"
#include "programs/peer_setup.h"
#include "programs/program.h"

static const char *const features_off[] = {
    "WebRtcHideLocalIpsWithMdns",
    "LocalNetworkAccessChecks",
    "LocalNetworkAccessChecksWebRTC",
    "LocalNetworkAccessChecksWebSockets",
    "MediaRouter",
    "OptimizationHints",
    "Translate",
    "DnsOverHttps",
    NULL,
};

static const char *const quiet_flags[] = {
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-breakpad",
    "--no-pings",
    "--metrics-recording-only",
    "--mute-audio",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-ipc-flooding-protection",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--ignore-certificate-errors",
    "--remote-debugging-pipe",
};

/* What it looks for nevertheless: not a packet of it reaches the network. */
static const char quiet_names[] =
    "MAP *.google.com ~NOTFOUND, MAP *.googleapis.com ~NOTFOUND, MAP *.gvt1.com ~NOTFOUND";

char *hp_chromium_find(void)
{
    const char *names[] = {g_getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        char *path = names[i] ? g_find_program_in_path(names[i]) : NULL;
        if (path) {
            return path;
        }
    }
    return NULL;
}

static const char *page_of(const hp_plan *plan, unsigned peer)
{
    return plan->peers[peer].source->program.page;
}

bool hp_chromium_page_is_remote(const hp_plan *plan, unsigned peer)
{
    const char *page = page_of(plan, peer);
    return page && (g_str_has_prefix(page, "http://") || g_str_has_prefix(page, "https://"));
}

char *hp_chromium_url(const hp_plan *plan, unsigned peer)
{
    static const char own[] = "http://127.0.0.1:" G_STRINGIFY(HP_PROGRAM_SIGNALING_PORT) "/";
    return g_strdup(hp_chromium_page_is_remote(plan, peer) ? page_of(plan, peer) : own);
}

/* "MAP web 203.0.113.10, MAP turn [2001:db8::7]": the first address of a family that the peer has. */
static char *host_rules(const hp_plan *plan, unsigned peer)
{
    GString *rules = g_string_new(quiet_names);
    for (unsigned i = 0; i < plan->n_servers; i++) {
        const hp_plan_server *server = &plan->servers[i];
        for (unsigned j = 0; j < server->attachment.n_addresses; j++) {
            const hp_addr *address = &server->attachment.addresses[j];
            if (hp_peer_setup_has_family(&plan->peers[peer], address->family, false)) {
                char text[HP_ADDR_TEXT];
                const bool six = address->family == HP_AF_IPV6;
                hp_addr_format_ip(address, text);
                g_string_append_printf(rules, ", MAP %s %s%s%s", server->source->name, six ? "[" : "", text,
                                       six ? "]" : "");
                break;
            }
        }
    }
    return g_string_free(rules, FALSE);
}

/* Scheme, host and port: up to the path. */
static char *origin_of(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    return path ? g_strndup(url, (gsize)(path - url)) : g_strdup(url);
}

static void add(GPtrArray *command, const char *text)
{
    g_ptr_array_add(command, g_strdup(text));
}

char **hp_chromium_command(const hp_plan *plan, unsigned peer, const char *browser, const char *folder, const char *url)
{
    static const char *const shell[] = {"/bin/sh", "-c", "exec 3<&0 4>&1 </dev/null >&2; exec \"$@\"", "sh"};
    GPtrArray *command = g_ptr_array_new();
    g_autofree char *origin = origin_of(url), *rules = host_rules(plan, peer);
    for (unsigned i = 0; i < G_N_ELEMENTS(shell); i++) {
        add(command, shell[i]);
    }
    add(command, browser);
    for (unsigned i = 0; i < G_N_ELEMENTS(quiet_flags); i++) {
        add(command, quiet_flags[i]);
    }
    if (geteuid() == 0) { /* its sandbox refuses to run as root */
        add(command, "--no-sandbox");
    }
    g_ptr_array_add(command, g_strconcat("--user-data-dir=", folder, "/profile", NULL));
    g_ptr_array_add(command, g_strconcat("--unsafely-treat-insecure-origin-as-secure=", origin, NULL));
    g_autofree char *off = g_strjoinv(",", (char **)(void *)features_off);
    g_ptr_array_add(command, g_strconcat("--disable-features=", off, NULL));
    g_ptr_array_add(command, g_strconcat("--host-resolver-rules=", rules, NULL));
    add(command, "about:blank");
    g_ptr_array_add(command, NULL);
    return (char **)g_ptr_array_free(command, FALSE);
}

/* ---- what the page is told ---- */

static JsonNode *parsed(const char *json)
{
    JsonNode *node = json_from_string(json, NULL);
    return node ? node : json_node_new(JSON_NODE_NULL);
}

char *hp_chromium_preamble(const hp_plan *plan, unsigned peer)
{
    const hp_sc_peer *source = plan->peers[peer].source;
    const hp_environment *environment = &source->program.environment;
    g_autoptr(JsonObject) told = json_object_new();
    g_autofree char *servers = hp_exec_ice_servers(plan, peer);
    JsonArray *others = json_array_new();
    JsonObject *variables = json_object_new();
    for (unsigned i = 0; i < plan->n_peers; i++) {
        if (i != peer) {
            json_array_add_string_element(others, plan->peers[i].source->name);
        }
    }
    for (unsigned i = 0; i < environment->n; i++) {
        json_object_set_string_member(variables, environment->names[i], environment->values[i]);
    }
    json_object_set_string_member(told, "name", source->name);
    json_object_set_string_member(told, "signaling", HP_PROGRAM_SIGNALING);
    json_object_set_member(told, "iceServers", parsed(servers));
    json_object_set_string_member(told, "iceTransportPolicy", hp_exec_ice_policy(plan, peer));
    json_object_set_array_member(told, "others", others);
    json_object_set_object_member(told, "environment", variables);
    g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
    json_node_set_object(root, told);
    g_autofree char *text = json_to_string(root, FALSE);
    return g_strconcat("window.HAIRPIN = ", text, ";\n", NULL);
}
