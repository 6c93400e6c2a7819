/* The schema of what runs a peer, a server or a NAT in the live world, of the worlds that a scenario is for, and of
 * what `hairpin agree` holds the two worlds to.
 *
 * A program of its own is named by `program`, the user's by `exec`; both may stand in `defaults`, and what a peer says
 * itself replaces what was said there. What goes with which program, and whether coturn has a knob, is told here, with the
 * mark of the key; what the plan must know (whether a step can be taken) is told in plan/worlds.c. */
#include "scenario/table_programs.h"

#include <assert.h>
#include <string.h>

/* ---- peers ---- */

static const hp_word peer_programs[] = {
    {"libnice", HP_PEER_LIBNICE, "Hairpin's own peer, on libnice"},
    {"chromium", HP_PEER_CHROMIUM, "a headless Chromium; live world only"},
    {"aiortc", HP_PEER_AIORTC, "aiortc, a Python library; live world only"},
    {"webrtcbin", HP_PEER_WEBRTCBIN, "GStreamer's webrtcbin; live world only"},
    {"pion", HP_PEER_PION, "pion, a Go library; live world only"},
};
static const hp_words peer_program_words = HP_WORDS("a program that can be a peer", peer_programs);
static_assert(G_N_ELEMENTS(peer_programs) == HP_PEER_N_PROGRAMS - 1, "all but exec");

static const char *const of_other_programs[] = {"exec", "page", NULL}, *const of_browsers[] = {"page", NULL};

#define F(field) HP_FIELD(hp_peer_program_config, field)
static const hp_key peer_keys[] = {
    {"program", HP_V_ENUM, F(program), .words = &peer_program_words, .shown = "libnice", .forgets = of_other_programs,
     .doc = "what the peer is"},
    {"exec", HP_V_TEXTS, F(exec), .shown = "none", .forgets = of_browsers,
     .doc = "a program of yours as the peer, with its arguments: `[python3, peer.py]`. It is started in the scenario's "
            "folder and speaks the protocol of harness/programs/EXEC.md; live world only"},
    {"page", HP_V_TEXT, F(page), .shown = "Hairpin's own",
     .doc = "program chromium: the page that it opens, a file beside the scenario, or a URL"},
    {"environment", HP_V_WHERE, .offset = offsetof(hp_peer_program_config, environment), .shown = "none",
     .doc = "further variables of the program's environment"},
};
#undef F
const hp_schema hp_schema_peer_program = {
    .name = "peer-program",
    .doc = "What runs a peer in the live world.",
    .size = sizeof(hp_peer_program_config),
    HP_KEYS(peer_keys),
};

static bool is_empty(hp_loader *l, const hp_tree *node, char **exec)
{
    if (exec == NULL || (exec[0] != NULL && *exec[0] != '\0')) {
        return false;
    }
    hp_loader_error(l, node, "for example `[python3, program.py]`", "`exec` names no program");
    return true;
}

void hp_loader_finish_peer_program(hp_loader *l, hp_peer_program_config *config, const hp_tree *node)
{
    const hp_tree *program = hp_tree_get(node, "program"), *exec = hp_tree_get(node, "exec");

    if (program != NULL && exec != NULL) {
        hp_loader_error(l, program, NULL, "a peer is one thing: `program`, or what `exec` starts");
    }
    if (is_empty(l, exec, config->exec)) {
        return;
    }
    if (config->exec != NULL) {
        config->program = HP_PEER_EXEC;
    } else if (config->program == HP_PEER_EXEC) {
        config->program = HP_PEER_LIBNICE;
    }
    if (config->page != NULL && config->program != HP_PEER_CHROMIUM) {
        hp_loader_error(l, hp_tree_get(node, "page"), "add `program: chromium`", "only a browser opens a page");
    }
}

/* What `ice` says to any peer: servers and which candidates may be used. Everything else are libnice's own knobs. */
static const char *const ice_of_all[] = {"stun",        "turn", "turn-transports", "turn-user", "turn-password",
                                         "force-relay", NULL};

static void warn_of_knobs(hp_loader *l, const hp_sc_peer *peer, const hp_tree *map, const char *const *but)
{
    for (unsigned i = 0; map != NULL && map->kind == HP_NODE_MAP && i < map->n; i++) {
        const hp_tree *key = map->pairs[i].key;
        if (but == NULL || !g_strv_contains(but, key->text)) {
            hp_load_report(l->load, HP_SEVERITY_WARNING, key->line, key->column, "it is a knob of Hairpin's own peer",
                           "`%s` does nothing to `%s`, which is program %s", key->text, peer->name,
                           hp_peer_program_name(peer->program.program));
        }
    }
}

void hp_loader_check_peer_program(hp_loader *l, hp_sc_peer *peer, const hp_tree *node)
{
    static const char *const keys[] = {"program", "exec", "page", "environment"};

    if (peer->is_raw) {
        for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
            if (hp_tree_get(node, keys[i]) != NULL) {
                hp_loader_error(l, hp_tree_get(node, keys[i]), NULL, "a raw peer has no `%s`", keys[i]);
            }
        }
        peer->program = (hp_peer_program_config){0}; /* what `defaults` say of agents */
        return;
    }
    hp_loader_finish_peer_program(l, &peer->program, node);
    if (peer->program.program != HP_PEER_LIBNICE) {
        warn_of_knobs(l, peer, hp_tree_get(node, "ice"), ice_of_all);
        warn_of_knobs(l, peer, hp_tree_get(node, "client"), NULL);
    }
}

/* ---- servers ---- */

static const hp_word server_programs[] = {
    {"builtin", HP_SERVER_BUILTIN, "Hairpin's own"},
    {"coturn", HP_SERVER_COTURN, "coturn's turnserver; live world only"},
};
static const hp_words server_program_words = HP_WORDS("a program that can be a server", server_programs);
static_assert(G_N_ELEMENTS(server_programs) == HP_SERVER_N_PROGRAMS - 1, "all but exec");

#define F(field) HP_FIELD(hp_server_program_config, field)
static const hp_key server_keys[] = {
    {"program", HP_V_ENUM, F(program), .words = &server_program_words, .fallback = "builtin",
     .doc = "kinds stun and turn: what the server is"},
    {"exec", HP_V_TEXTS, F(exec), .shown = "none",
     .doc = "a program of yours as the server, with its arguments; see harness/programs/EXEC.md. Live world only"},
    {"root", HP_V_TEXT, F(root), .shown = "none",
     .doc = "kind web: the folder that it serves, from the scenario's folder; required"},
    {"environment", HP_V_WHERE, .offset = offsetof(hp_server_program_config, environment), .shown = "none",
     .doc = "with `exec`: further variables of its environment"},
};
#undef F
const hp_schema hp_schema_server_program = {
    .name = "server-program",
    .doc = "What runs a server in the live world.",
    .size = sizeof(hp_server_program_config),
    HP_KEYS(server_keys),
};

/* What coturn cannot be told, or would do otherwise than the builtin server. */
static const struct {
    const char *key, *why;
} not_of_coturn[] = {
    {"require-fingerprint", "it answers requests without FINGERPRINT"},
    {"sha256", "it knows MD5 alone"},
    {"userhash", "it does not know USERHASH"},
    {"lifetime", "its allocations last 10 minutes, unless a client asks for more"},
    {"capacity", "it has no error 508"},
    {"dont-fragment", "it always knows DONT-FRAGMENT"},
    {"tls-max", "it has no newest version of TLS"},
    {"alpn", "it always takes ALPN"},
    {"stream-idle", "how long it keeps connections is its own"},
    {"connect-timeout", "its time for connections is its own"},
    {"bind-timeout", "its time for ConnectionBind is its own"},
    {"faults", "it makes no mistakes on request"},
};

/* Its configuration is lines of `user=NAME:PASSWORD`, where a password of 0x... is a key. */
static void check_coturn_user(hp_loader *l, const hp_turn_user *user, const hp_tree *at)
{
    if (user->name == NULL || user->password == NULL) {
        return; /* said already: both are required */
    }
    if (user->expires != 0) {
        hp_loader_error(l, at, "use the builtin server", "coturn cannot be told when user `%s` expires", user->name);
    }
    bool odd = strchr(user->name, ':') != NULL || g_str_has_prefix(user->password, "0x");
    for (unsigned i = 0; i < 2; i++) {
        const char *text = i == 0 ? user->name : user->password;
        for (const char *c = text; *c != '\0'; c++) {
            odd = odd || g_ascii_iscntrl(*c) || g_ascii_isspace(*c);
        }
    }
    if (odd) {
        hp_loader_error(
            l, at, "use the builtin server",
            "coturn cannot be told of user `%s`: no spaces, no `:` in the name, no `0x` before the password",
            user->name);
    }
}

static void check_coturn(hp_loader *l, const hp_sc_server *server, const hp_tree *node)
{
    const struct {
        const char *key;
        const hp_time *value;
    } spans[] = {
        {"nonce-lifetime", &server->config.nonce_lifetime},
        {"max-lifetime", &server->config.max_lifetime},
        {"permission-lifetime", &server->config.permission_lifetime},
        {"channel-lifetime", &server->config.channel_lifetime},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(not_of_coturn); i++) {
        const hp_tree *at = hp_tree_get(node, not_of_coturn[i].key);
        if (at != NULL) {
            hp_loader_error(l, at, "use the builtin server", "coturn cannot be told `%s`: %s", not_of_coturn[i].key,
                            not_of_coturn[i].why);
        }
    }
    for (const char *c = server->config.realm; c != NULL && *c != '\0'; c++) {
        if (g_ascii_iscntrl(*c)) {
            hp_loader_error(l, hp_tree_get(node, "realm"), "use the builtin server",
                            "coturn cannot be told of a realm with control characters");
            break;
        }
    }
    for (unsigned i = 0; i < server->config.n_users; i++) {
        check_coturn_user(l, &server->config.users[i], hp_tree_get(node, "users"));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(spans); i++) {
        const hp_tree *at = hp_tree_get(node, spans[i].key);
        if (at != NULL && *spans[i].value % HP_S != 0) {
            hp_loader_error(l, at, NULL, "coturn counts whole seconds: `%s`", spans[i].key);
        }
    }
    if (hp_tree_get(node, "max-lifetime") != NULL && server->config.max_lifetime < 600 * HP_S) {
        hp_loader_error(l, hp_tree_get(node, "max-lifetime"), "use the builtin server",
                        "coturn's allocations last 10 minutes at least");
    }
}

void hp_loader_check_server_program(hp_loader *l, hp_sc_server *server, const hp_tree *node)
{
    hp_server_program_config *config = &server->program;
    const hp_tree *program = hp_tree_get(node, "program"), *exec = hp_tree_get(node, "exec"),
                  *root = hp_tree_get(node, "root"), *environment = hp_tree_get(node, "environment");

    if (program != NULL && exec != NULL) {
        hp_loader_error(l, program, NULL, "a server is one thing: `program`, or what `exec` starts");
    }
    if (is_empty(l, exec, config->exec)) {
        return;
    }
    if (config->exec != NULL) {
        config->program = HP_SERVER_EXEC;
    }
    if (environment != NULL && config->program == HP_SERVER_BUILTIN) {
        hp_loader_error(l, environment, "add `exec` or a `program`", "a builtin server has no environment");
    }
    if (root != NULL && server->config.kind != HP_SERVER_WEB) {
        hp_loader_error(l, root, NULL, "only a server of kind web has `root`");
    }
    if (config->program == HP_SERVER_COTURN) {
        check_coturn(l, server, node);
    }
    switch (server->config.kind) {
    case HP_SERVER_STUN:
    case HP_SERVER_TURN:
        break;
    case HP_SERVER_DNS:
        if (config->program == HP_SERVER_COTURN) {
            hp_loader_error(l, program, NULL, "coturn is no DNS server");
        }
        break;
    case HP_SERVER_WEB:
        if (root == NULL) {
            hp_loader_error(l, node, NULL, "a web server needs `root`: the folder that it serves");
        }
        if (config->program != HP_SERVER_BUILTIN) {
            hp_loader_error(l, exec != NULL ? exec : program, "use kind `other`", "a web server is builtin");
        }
        break;
    case HP_SERVER_OTHER:
        if (config->program != HP_SERVER_EXEC) {
            hp_loader_error(l, node, NULL, "a server of kind other needs `exec`: the program that it is");
        }
        break;
    }
}

/* ---- NATs ---- */

static const hp_word kernels[] = {
    {"masquerade", HP_KERNEL_NAT_MASQUERADE, "nftables' masquerade: the internal port where it is free"},
    {"masquerade-random", HP_KERNEL_NAT_RANDOM, "masquerade with `random`"},
    {"masquerade-fully-random", HP_KERNEL_NAT_FULLY_RANDOM, "masquerade with `fully-random`"},
};
const hp_words hp_words_kernel_nat = HP_WORDS("a kind of kernel NAT", kernels);

/* What a kernel's NAT can be told beside where it stands. */
static const char *const of_kernels[] = {"udp-timeout", "udp-unreplied-timeout", "icmp-timeout", "ipv6", NULL};

void hp_loader_start_kernel_nat(hp_sc_nat *nat, const hp_tree *node)
{
    if (node->kind != HP_NODE_SCALAR && hp_tree_get(node, "kernel") != NULL && hp_tree_get(node, "preset") == NULL) {
        nat->config = hp_nat_preset_find("linux-netfilter")->config;
    }
}

void hp_loader_finish_kernel_nat(hp_loader *l, hp_sc_nat *nat, const hp_tree *node)
{
    if (nat->kernel == HP_KERNEL_NAT_NONE) {
        return;
    }
    if (nat->kernel != HP_KERNEL_NAT_MASQUERADE) {
        nat->config.ports = HP_NAT_PORTS_RANDOM;
    }
    const char *presets[] = {"linux-netfilter", "linux-netfilter-firewalled",
                             nat->kernel == HP_KERNEL_NAT_MASQUERADE ? NULL : "linux-netfilter-random", NULL};
    if (nat->preset != NULL && !g_strv_contains(presets, nat->preset)) {
        hp_loader_error(l, hp_tree_get(node, "preset"), "linux-netfilter is the preset that says what it does",
                        "a kernel's NAT of kind `%s` is not `%s`", hp_kernel_nat_name(nat->kernel), nat->preset);
    }
    for (unsigned i = 0; i < node->n; i++) {
        const hp_tree *key = node->pairs[i].key;
        size_t offset = 0;
        bool knob = hp_schema_find(&hp_schema_knobs, key->text, &offset) != NULL;
        bool more = strcmp(key->text, "port-mapping") == 0 || g_str_has_prefix(key->text, "nat64") ||
                    strcmp(key->text, "outside6") == 0;
        if (more || (knob && !g_strv_contains(of_kernels, key->text))) {
            hp_loader_error(l, key, NULL, "a kernel's NAT has no knob `%s`", key->text);
        }
    }
    if (nat->config.ipv6 == HP_NAT_IPV6_PREFIX) {
        hp_loader_error(l, hp_tree_get(node, "ipv6"), NULL, "a kernel's NAT translates or routes IPv6");
    }
    if (nat->n_addresses > 2 || (nat->n_addresses == 2 && nat->addresses[0].family == nat->addresses[1].family)) {
        hp_loader_error(l, hp_tree_get(node, "addresses"), NULL, "a kernel's NAT has one address of each family");
    }
}

/* ---- worlds ---- */

static const hp_word worlds[] = {
    {"virtual", HP_WORLD_VIRTUAL, "simulated, in virtual time"},
    {"live", HP_WORLD_LIVE, "network namespaces and real programs, in real time"},
    {"both", HP_WORLDS_BOTH, "either"},
};
const hp_words hp_words_worlds = HP_WORDS("a world", worlds);

void hp_loader_check_worlds(hp_loader *l, const hp_scenario *scenario, const hp_tree *node)
{
    if (scenario->worlds_why != NULL && scenario->worlds == 0) {
        hp_loader_error(l, hp_tree_get(node, "worlds-why"), "add `worlds`", "`worlds-why` gives a reason for nothing");
    }
}

/* ---- agree ---- */

static void finish_agree(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_agree_config *agree = base;
    bool bounds = agree->connect != 0 || agree->latency != 0;

    if (agree->not_at_all != NULL && (bounds || agree->why != NULL)) {
        hp_loader_error(l, node, NULL, "what is not compared needs no bounds");
    } else if (bounds && agree->why == NULL) {
        hp_loader_error(l, node, "add `why`", "bounds of its own need a reason");
    } else if (agree->why != NULL && !bounds) {
        hp_loader_error(l, hp_tree_get(node, "why"), "add `connect` or `latency`", "`why` gives a reason for nothing");
    }
}

#define F(field) HP_FIELD(hp_agree_config, field)
static const hp_key agree_keys[] = {
    {"connect", HP_V_DURATION, F(connect), .min = 1, .max = INT64_C(3600) * HP_S, .shown = "the command's",
     .doc = "how far the times to connect may be apart"},
    {"latency", HP_V_DURATION, F(latency), .min = 1, .max = INT64_C(3600) * HP_S, .shown = "the command's",
     .doc = "how far latencies may be apart"},
    {"why", HP_V_TEXT, F(why), .shown = "none", .doc = "why these bounds; required with them"},
    {"not", HP_V_TEXT, F(not_at_all), .shown = "it is compared", .doc = "why the two worlds are not compared here"},
};
#undef F
const hp_schema hp_schema_agree = {
    .name = "agree",
    .doc = "How near to each other `hairpin agree` must find the virtual and the live run.",
    .size = sizeof(hp_agree_config),
    HP_KEYS(agree_keys),
    .finish = finish_agree,
};
