/* Over what a peer reaches its servers, held against what they offer. A peer that says nothing means UDP, also where
 * the server has none: an agent told of a server it cannot reach would wait for it, and the scenario would be about
 * that. */
#include "plan/transports.h"

static const char *const names[] = {"udp", "tcp", "tls", "dtls"};

uint8_t hp_transports_of_peer(const hp_ice_config *ice)
{
    return ice->turn_transports != 0 ? ice->turn_transports : HP_SERVER_UDP;
}

uint8_t hp_transports_of_server(const hp_server_config *config)
{
    return config->transports != 0 ? config->transports : HP_SERVER_UDP;
}

static char *list_of(uint8_t set)
{
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if ((set & 1U << i) != 0) {
            g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "", names[i]);
        }
    }
    return g_string_free(out, FALSE);
}

char *hp_transports_mistake(const hp_sc_peer *peer, const hp_sc_server *server, bool turn, char **ret_hint)
{
    uint8_t wanted = turn ? hp_transports_of_peer(&peer->ice) : HP_SERVER_UDP;
    uint8_t offered = hp_transports_of_server(&server->config);
    uint8_t missing = wanted & (uint8_t)~offered;
    if (missing == 0) {
        return NULL;
    }
    g_autofree char *lacks = list_of(missing), *has = list_of(offered);
    uint8_t usable = offered & (HP_SERVER_UDP | HP_SERVER_TCP | HP_SERVER_TLS);
    if (turn && usable != 0) {
        g_autofree char *word = list_of(usable & (uint8_t)-usable); /* the first of them */
        *ret_hint = g_strdup_printf("did you mean `turn-transports: %s`?", word);
    } else {
        *ret_hint = g_strdup_printf("add `%s` to its `transports`", lacks);
    }
    return g_strdup_printf("peer `%s` asks server `%s` over %s, which it does not offer: it has %s", peer->name,
                           server->name, lacks, has);
}
