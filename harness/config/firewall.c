/* A firewall's settings as a value, and the presets.
 *
 * The presets but "rfc6092" and "transparent" are the offices, hotels and campuses that calls fail in: what is left
 * open there are the web's ports, or a proxy's, and names. Web pages speak QUIC where UDP 443 is open, so that
 * "web-and-quic" exists beside "web-only". */
#include "config/firewall.h"

#include <string.h>

#include "base/error.h"

enum { DNS_PORT = 53, HTTP_PORT = 80, HTTPS_PORT = 443 };

/* ---- values ---- */

static void copy_policies(hp_firewall_policy **list, unsigned n)
{
    *list = g_memdup2(*list, n * sizeof **list);
    for (unsigned i = 0; i < n; i++) {
        hp_firewall_policy *policy = &(*list)[i];
        hp_match match = policy->match;
        policy->label = g_strdup(policy->label);
        hp_match_copy(&match, &policy->match);
    }
}

static void free_policies(hp_firewall_policy *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_free(list[i].label);
        hp_match_clear(&list[i].match);
    }
    g_free(list);
}

void hp_firewall_config_copy(const hp_firewall_config *from, hp_firewall_config *ret)
{
    hp_firewall_config copy = *from;
    copy_policies(&copy.out, copy.n_out);
    copy_policies(&copy.in, copy.n_in);
    *ret = copy;
}

void hp_firewall_config_clear(hp_firewall_config *config)
{
    if (config == NULL) {
        return;
    }
    free_policies(config->out, config->n_out);
    free_policies(config->in, config->n_in);
    *config = (hp_firewall_config){0};
}

bool hp_firewall_config_check(const hp_firewall_config *config, GError **error)
{
    const hp_time times[] = {config->udp_timeout,
                             config->udp_unreplied_timeout,
                             config->udp_well_known_timeout,
                             config->tcp_transitory_timeout,
                             config->tcp_established_timeout,
                             config->tcp_closed_timeout,
                             config->icmp_timeout,
                             config->other_timeout,
                             config->syn_wait};
    for (unsigned i = 0; i < G_N_ELEMENTS(times); i++) {
        if (times[i] == HP_NEVER) {
            g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "a firewall's timeouts end at some time");
            return false;
        }
    }
    return true;
}

hp_firewall_policy *hp_firewall_add_policy(hp_firewall_config *config, bool outwards, bool allow, const char *label)
{
    hp_firewall_policy **list = outwards ? &config->out : &config->in;
    unsigned *n = outwards ? &config->n_out : &config->n_in;

    *list = g_renew(hp_firewall_policy, *list, *n + 1);
    memmove(*list + 1, *list, *n * sizeof **list);
    ++*n;
    (*list)[0] = (hp_firewall_policy){.label = g_strdup(label), .allow = allow};
    return *list;
}

void hp_firewall_allow_proxy(hp_firewall_config *config, const hp_addr *proxy)
{
    hp_firewall_policy *policy = hp_firewall_add_policy(config, true, true, "proxy");
    policy->match.proto = HP_MATCH_TCP;
    policy->match.dst = (hp_match_end){
        .prefix = {.base = hp_addr_with_port(*proxy, 0), .bits = proxy->family == HP_AF_IPV6 ? 128 : 32},
        .port_first = proxy->port,
        .port_last = proxy->port,
    };
}

/* ---- presets ---- */

static void allow_port(hp_firewall_config *config, hp_match_proto proto, uint16_t port, const char *label)
{
    hp_firewall_policy *policy = hp_firewall_add_policy(config, true, true, label);
    policy->match.proto = proto;
    policy->match.dst.port_first = policy->match.dst.port_last = port;
}

static void deny_udp(hp_firewall_config *config, hp_refusal refusal)
{
    hp_firewall_policy *policy = hp_firewall_add_policy(config, true, false, "no UDP");
    policy->match.proto = HP_MATCH_UDP;
    policy->refusal = refusal;
    allow_port(config, HP_MATCH_UDP, DNS_PORT, "DNS");
}

static void make_rfc6092(hp_firewall_config *config)
{
    config->filtering = config->tcp_filtering = HP_FIREWALL_ENDPOINT_INDEPENDENT;
    config->in_refusal = HP_REFUSE_ICMP;
    config->syn_wait = 6 * HP_S;
    config->passes_ipsec = true;
    config->blocks_unique_local = true;
    config->hop = true;
}

static void make_strict(hp_firewall_config *config)
{
    config->udp_timeout = 120 * HP_S;
    config->udp_unreplied_timeout = 30 * HP_S;
}

static void make_transparent(hp_firewall_config *config)
{
    config->in_allowed = true;
    config->tcp_picks_up = true;
    config->fragments = HP_FIREWALL_FRAGMENTS_PASS;
}

static void make_udp_blocked(hp_firewall_config *config)
{
    deny_udp(config, HP_REFUSE_SILENTLY);
}

static void make_udp_refused(hp_firewall_config *config)
{
    deny_udp(config, HP_REFUSE_ICMP);
}

static void make_proxy_only(hp_firewall_config *config)
{
    config->out_denied = true;
    allow_port(config, HP_MATCH_UDP, DNS_PORT, "DNS");
}

static void make_https_only(hp_firewall_config *config)
{
    make_proxy_only(config);
    allow_port(config, HP_MATCH_TCP, HTTPS_PORT, "HTTPS");
}

static void make_web_only(hp_firewall_config *config)
{
    make_https_only(config);
    allow_port(config, HP_MATCH_TCP, HTTP_PORT, "HTTP");
}

static void make_web_and_quic(hp_firewall_config *config)
{
    make_web_only(config);
    allow_port(config, HP_MATCH_UDP, HTTPS_PORT, "QUIC");
}

static const hp_firewall_preset presets[] = {
    {"rfc6092", "a home router's IPv6 firewall as recommended: whoever learns an open endpoint may send to it",
     "RFC 6092 section 3"},
    {"strict", "answers alone come in, from where was sent to; short UDP timers",
     "Linux nf_conntrack's defaults: 120 s, 30 s until a packet came back"},
    {"transparent", "everything passes both ways", "RFC 6092 REC-49"},
    {"udp-blocked", "no UDP but DNS leaves, and nobody is told", "an office network"},
    {"udp-refused", "no UDP but DNS leaves, with ICMP administratively prohibited", "an office network"},
    {"web-only", "TCP to ports 80 and 443, and DNS", "a hotel's or a campus's network"},
    {"web-and-quic", "the same, and UDP to port 443", "a hotel's or a campus's network"},
    {"https-only", "TCP to port 443, and DNS", "an office network"},
    {"proxy-only", "nothing but DNS leaves, until a proxy is allowed", "an office network with an HTTP proxy"},
};

typedef void make_func(hp_firewall_config *config);
static make_func *const makers[] = {
    make_rfc6092,  make_strict,       make_transparent, make_udp_blocked, make_udp_refused,
    make_web_only, make_web_and_quic, make_https_only,  make_proxy_only,
};
G_STATIC_ASSERT(G_N_ELEMENTS(makers) == G_N_ELEMENTS(presets));

const hp_firewall_preset *hp_firewall_presets(size_t *ret_n)
{
    *ret_n = G_N_ELEMENTS(presets);
    return presets;
}

bool hp_firewall_preset_config(const char *name, hp_firewall_config *ret)
{
    for (size_t i = 0; i < G_N_ELEMENTS(presets); i++) {
        if (strcmp(presets[i].name, name) == 0) {
            *ret = (hp_firewall_config){0};
            makers[i](ret);
            return true;
        }
    }
    return false;
}
