/* The schema of what clients reach a server over, and of the relays that need a connection: keys of `servers`.
 *
 * The sets are of the bits of config/server.h. What makes no sense together is said here, with the mark of the key: two
 * listeners on one port, a key of TLS or of connections where there are none, TCP relays for clients on UDP. */
#include "scenario/loader.h"

static const hp_word transports[] = {
    {"udp", HP_SERVER_UDP, "UDP"},
    {"tcp", HP_SERVER_TCP, "TCP"},
    {"tls", HP_SERVER_TLS, "TLS over TCP"},
    {"dtls", HP_SERVER_DTLS, "DTLS over UDP"},
};
static const hp_words transport_words = HP_WORDS("a transport of clients (RFC 8656 section 3.1)", transports);
const hp_words hp_words_turn_transport = {.what = "a transport that the agent reaches a TURN server over",
                                          .list = transports,
                                          .n = G_N_ELEMENTS(transports) - 1}; /* libnice knows no DTLS */
static const hp_word relays[] = {
    {"udp", HP_RELAY_UDP, "UDP (RFC 8656)"},
    {"tcp", HP_RELAY_TCP, "TCP connections with peers (RFC 6062)"},
};
static const hp_words relay_words = HP_WORDS("what a TURN server relays", relays);
static const hp_word tls_versions[] = {
    {"any", HP_TLS_ANY, "1.2 and 1.3"},
    {"1.2", HP_TLS_1_2, "TLS 1.2"},
    {"1.3", HP_TLS_1_3, "TLS 1.3"},
};
static const hp_words tls_version_words = HP_WORDS("a version of TLS", tls_versions);

#define F(field) HP_FIELD(hp_server_config, field)
static const hp_key transport_keys[] = {
    {"transports", HP_V_SET, F(transports), .words = &transport_words, .fallback = "udp",
     .doc = "what clients reach it over"},
    {"tls-port", HP_V_INT, F(tls_port), .min = 1, .max = 65535, .fallback = "5349", .doc = "port of TLS and DTLS"},
    {"tls-min", HP_V_ENUM, F(tls_min), .words = &tls_version_words, .fallback = "any",
     .doc = "the oldest version of TLS that it takes"},
    {"tls-max", HP_V_ENUM, F(tls_max), .words = &tls_version_words, .fallback = "any",
     .doc = "the newest one. DTLS is 1.2 always"},
    {"alpn", HP_V_NOT, F(no_alpn), .fallback = "true", .doc = "TLS clients may ask for `stun.turn` (RFC 7443)"},
    {"stream-idle", HP_V_DURATION, F(stream_idle), .min = HP_MS, .max = INT64_C(86400) * HP_S, .fallback = "10m",
     .doc = "a TCP or TLS connection without allocation that says nothing for so long is closed"},
    {"relays", HP_V_SET, F(relays), .words = &relay_words, .fallback = "udp", .doc = "what it relays"},
    {"connect-timeout", HP_V_DURATION, F(connect_timeout), .min = 30 * HP_S, .max = INT64_C(86400) * HP_S,
     .fallback = "30s", .doc = "how long it tries to connect to a peer (RFC 6062 section 5.2: 30 s at least)"},
    {"bind-timeout", HP_V_DURATION, F(bind_timeout), .min = HP_MS, .max = INT64_C(86400) * HP_S, .fallback = "30s",
     .doc = "how long a peer's connection waits for its ConnectionBind (RFC 6062)"},
};
#undef F

static void finish_transports(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_server_config *config = base;
    const uint8_t streams = HP_SERVER_TCP | HP_SERVER_TLS, secure = HP_SERVER_TLS | HP_SERVER_DTLS;
    const uint8_t tcp = config->transports & streams, udp = config->transports & (HP_SERVER_UDP | HP_SERVER_DTLS);
    bool both = tcp == streams || udp == (HP_SERVER_UDP | HP_SERVER_DTLS);
    if (both && config->port == config->tls_port) {
        hp_loader_error(l, node, NULL, "`port` and `tls-port` are both %u", config->port);
    }
    if (config->tls_min != HP_TLS_ANY && config->tls_max != HP_TLS_ANY && config->tls_min > config->tls_max) {
        hp_loader_error(l, hp_tree_get(node, "tls-min"), NULL, "`tls-min` is newer than `tls-max`");
    }
    static const char *const of_tls[] = {"tls-port", "tls-min", "tls-max", "alpn"};
    for (unsigned i = 0; i < G_N_ELEMENTS(of_tls); i++) {
        uint8_t needed = i == 0 ? secure : HP_SERVER_TLS;
        if ((config->transports & needed) == 0 && hp_tree_get(node, of_tls[i]) != NULL) {
            hp_loader_error(l, hp_tree_get(node, of_tls[i]), "add `tls` to `transports`",
                            "`%s` of a server without TLS", of_tls[i]);
        }
    }
    static const char *const of_streams[] = {"stream-idle", "connect-timeout", "bind-timeout"};
    for (unsigned i = 0; i < G_N_ELEMENTS(of_streams); i++) {
        if (tcp == 0 && hp_tree_get(node, of_streams[i]) != NULL) {
            hp_loader_error(l, hp_tree_get(node, of_streams[i]), "add `tcp` to `transports`",
                            "`%s` of a server without TCP and TLS", of_streams[i]);
        }
    }
    if ((config->relays & HP_RELAY_TCP) != 0 && tcp == 0) {
        hp_loader_error(l, hp_tree_get(node, "relays"), "add `tcp` to `transports`",
                        "TCP is relayed only for clients over TCP or TLS (RFC 6062 section 5.1)");
    }
}

const hp_schema hp_schema_server_transports = {
    .name = "server-transports",
    .doc = "What clients reach a server over, and what it relays.",
    .size = sizeof(hp_server_config),
    HP_KEYS(transport_keys),
    .finish = finish_transports,
};
