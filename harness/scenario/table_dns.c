/* The schema of names: DNS servers, peers' resolvers, multicast DNS, and the step that changes records.
 *
 * A DNS server is a server like the others, and so its keys stand among theirs; which of them go with which kind is
 * checked once all are read. The same goes for faults: one list, in which a fault that servers of both sorts can have
 * has one name, and is sorted here into the list of the server's own sort. What the DNS server would refuse (a name
 * that is none, a CNAME beside addresses) is refused here, where there is a place to point to. */
#include "scenario/table_dns.h"

#include <assert.h>
#include <string.h>

#include "wire/dns.h"
#include "wire/dns64.h"

#define MAX_TTL ((int64_t)INT32_MAX * (int64_t)HP_S) /* RFC 2181 section 8 */
#define SECOND ((int64_t)HP_S)

static const hp_word types[] = {
    {"a", HP_DNS_A, "an IPv4 address"},
    {"aaaa", HP_DNS_AAAA, "an IPv6 address"},
    {"ptr", HP_DNS_PTR, "the name of an address"},
};
const hp_words hp_words_dns_type = {
    .what = "a type of DNS record", .list = types, .n = G_N_ELEMENTS(types), .fold = true};

static const hp_word rcodes[] = {
    {"noerror", HP_DNS_NOERROR, "no error"},     {"formerr", HP_DNS_FORMERR, "not understood"},
    {"servfail", HP_DNS_SERVFAIL, "no luck"},    {"nxdomain", HP_DNS_NXDOMAIN, "no such name"},
    {"notimp", HP_DNS_NOTIMP, "cannot do that"}, {"refused", HP_DNS_REFUSED, "will not do that"},
};
const hp_words hp_words_dns_rcode = {
    .what = "a DNS response code", .list = rcodes, .n = G_N_ELEMENTS(rcodes), .fold = true};

/* ---- records ---- */

static bool is_name(const char *text)
{
    hp_dns_name name;
    return text != NULL && hp_dns_name_parse(text, &name);
}

static void finish_host(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_dns_host *host = base;
    if (!is_name(host->name)) {
        hp_loader_error(l, node, NULL, "`%s` is no name that DNS could carry", host->name);
    }
    if (host->cname != NULL && !is_name(host->cname)) {
        hp_loader_error(l, hp_tree_get(node, "cname"), NULL, "`%s` is no name that DNS could carry", host->cname);
    }
    if (host->cname != NULL && host->n_addresses > 0) {
        hp_loader_error(l, node, NULL, "a name with a CNAME has nothing else (RFC 1034 section 3.6.2)");
    }
}

#define F(field) HP_FIELD(hp_dns_host, field)
static const hp_key host_keys[] = {
    {"addresses", HP_V_ADDRESSES, F(addresses), HP_COUNT(hp_dns_host, n_addresses), .shown = "none",
     .doc = "its addresses of either family"},
    {"cname", HP_V_TEXT, F(cname), .shown = "none", .doc = "it is another name for this one"},
    {"ttl", HP_V_DURATION, F(ttl), .min = SECOND, .max = MAX_TTL, .shown = "the server's",
     .doc = "how long an answer may be kept"},
};
#undef F
static const hp_schema host_schema = {
    .name = "dns-host",
    .doc =
        "The records of a name; its address or addresses alone will do. Without any the name exists, and has no data.",
    .size = sizeof(hp_dns_host),
    .free_names = true,
    HP_KEYS(host_keys),
    .shorthand = "addresses",
    .finish = finish_host,
};

static void check_twice(hp_loader *l, const hp_dns_host *hosts, unsigned n, const hp_tree *node)
{
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < i; k++) {
            hp_dns_name a, b;
            if (hp_dns_name_parse(hosts[i].name, &a) && hp_dns_name_parse(hosts[k].name, &b) &&
                hp_dns_name_equal(&a, &b)) {
                hp_loader_error(l, node, NULL, "`%s` and `%s` are one name", hosts[k].name, hosts[i].name);
            }
        }
    }
}

/* ---- DNS servers ---- */

static void finish_dns64(hp_loader *l, void *base, const hp_tree *node)
{
    hp_dns64_config *dns64 = base;
    if (hp_tree_get(node, "on") == NULL) {
        dns64->on = true;
    }
    if (dns64->prefix.base.family != HP_AF_NONE && !hp_dns64_prefix_valid(&dns64->prefix)) {
        hp_loader_error(l, hp_tree_get(node, "prefix"), NULL,
                        "a prefix for DNS64 has 32, 40, 48, 56, 64 or 96 bits (RFC 6052 section 2.2)");
    }
}

#define F(field) HP_FIELD(hp_dns64_config, field)
static const hp_key dns64_keys[] = {
    {"on", HP_V_BOOL, F(on), .shown = "true", .doc = "whether it is done at all"},
    {"prefix", HP_V_PREFIX, F(prefix), .min = HP_AF_IPV6, .shown = "64:ff9b::/96", .doc = "of the addresses it makes"},
    {"exclude", HP_V_PREFIXES, F(exclude), HP_COUNT(hp_dns64_config, n_exclude), .shown = "::ffff:0:0/96",
     .doc = "IPv6 addresses that count as if they were not there (RFC 6147 section 5.1.4)"},
    {"private-addresses", HP_V_BOOL, F(private_addresses), .fallback = "false",
     .doc = "also private IPv4 addresses, which 64:ff9b::/96 may not hold (RFC 6052 section 3.1)"},
};
#undef F
static const hp_schema dns64_schema = {
    .name = "dns64",
    .doc = "DNS64 (RFC 6147): names without an IPv6 address get one made of their IPv4 address. `true` alone will do.",
    .size = sizeof(hp_dns64_config),
    HP_KEYS(dns64_keys),
    .shorthand = "on",
    .finish = finish_dns64,
};

#define F(field) HP_FIELD(hp_dns_config, field)
static const hp_key dns_server_keys[] = {
    {"zones", HP_V_NAMES, F(zones), .ref = HP_REF_DOMAIN, .shown = "the whole tree",
     .doc = "kind dns: names it answers for; others are refused, and only `hosts` are known in them"},
    {"hosts", HP_V_BY_NAME, F(hosts), HP_COUNT(hp_dns_config, n_hosts), .sub = &host_schema,
     .shown = "without `zones`: every server and peer as NAME.example",
     .doc = "kind dns: names and their addresses, in front of those it has by itself"},
    {"ttl", HP_V_DURATION, F(ttl), .min = SECOND, .max = MAX_TTL, .fallback = "5m",
     .doc = "kind dns: how long answers may be kept"},
    {"negative-ttl", HP_V_DURATION, F(negative_ttl), .min = SECOND, .max = MAX_TTL, .fallback = "1m",
     .doc = "kind dns: how long it may be kept that there is nothing (RFC 2308)"},
    {"max-udp", HP_V_INT, F(max_udp), .min = 512, .max = 65535, .fallback = "1232",
     .doc = "kind dns: the longest answer over UDP; what is longer is truncated, and asked for again over TCP"},
    {"edns", HP_V_NOT, F(no_edns), .fallback = "true", .doc = "kind dns: knows EDNS (RFC 6891); else FORMERR"},
    {"reverse", HP_V_NOT, F(no_reverse), .fallback = "true", .doc = "kind dns: has the names of addresses (PTR)"},
    {"dns64", HP_V_MAP, F(dns64), .sub = &dns64_schema, .shown = "false", .doc = "kind dns: DNS64"},
};
#undef F
const hp_schema hp_schema_dns_server = {
    .name = "dns-server",
    .doc = "What a server of kind dns has besides.",
    .size = sizeof(hp_dns_config),
    HP_KEYS(dns_server_keys),
};

/* ---- which key goes with which kind ---- */

static const char *const for_all[] = {"kind", "behind", "link",    "families", "addresses", "dns-name",    "stopped",
                                      "port", "faults", "program", "exec",     "root",      "environment", NULL};
/* Of servers of kind web and other. */
static const char *const for_web[] = {"kind", "behind",  "link", "families", "addresses",   "dns-name", "stopped",
                                      "port", "program", "exec", "root",     "environment", "firewall", NULL};

void hp_loader_check_server_kind(hp_loader *l, hp_sc_server *server, const hp_tree *node)
{
    bool dns = server->config.kind == HP_SERVER_DNS;
    bool web = server->config.kind == HP_SERVER_WEB, bare = web || server->config.kind == HP_SERVER_OTHER;
    for (unsigned i = 0; i < node->n; i++) {
        const hp_tree *key = node->pairs[i].key;
        size_t offset = 0;
        bool of_dns = hp_schema_find(&hp_schema_dns_server, key->text, &offset) != NULL;
        bool known = of_dns || hp_schema_find(&hp_schema_server, key->text, &offset) != NULL;
        if (known && of_dns != dns && !g_strv_contains(for_all, key->text)) {
            hp_loader_error(l, key, NULL, dns ? "a DNS server has no `%s`" : "only a DNS server has `%s`", key->text);
        } else if (known && bare && !g_strv_contains(for_web, key->text)) {
            hp_loader_error(l, key, NULL, "only a STUN or TURN server has `%s`", key->text);
        }
    }
    if (web && hp_tree_get(node, "port") == NULL) {
        server->config.port = 80;
    }
    if (server->dns_name != NULL && !is_name(server->dns_name)) {
        hp_loader_error(l, hp_tree_get(node, "dns-name"), NULL, "`%s` is no name that DNS could carry",
                        server->dns_name);
    }
    if (!dns) {
        return;
    }
    server->dns.port = hp_tree_get(node, "port") != NULL ? server->config.port : 0;
    for (char **zone = server->dns.zones; zone != NULL && *zone != NULL; zone++) {
        server->dns.n_zones++;
        if (!is_name(*zone)) {
            hp_loader_error(l, hp_tree_get(node, "zones"), NULL, "`%s` is no name that DNS could carry", *zone);
        }
    }
    check_twice(l, server->dns.hosts, server->dns.n_hosts, hp_tree_get(node, "hosts"));
}

/* ---- faults ---- */

/* The DNS server's fault of that kind, or -1. */
static int dns_kind(int kind)
{
    switch (kind) {
    case HP_FAULT_SILENCE:
        return HP_DNS_FAULT_SILENCE;
    case HP_FAULT_DELAY:
        return HP_DNS_FAULT_DELAY;
    case HP_FAULT_WRONG_ID:
        return HP_DNS_FAULT_WRONG_ID;
    case HP_SC_FAULT_DNS + HP_DNS_FAULT_SERVFAIL:
    case HP_SC_FAULT_DNS + HP_DNS_FAULT_REFUSED:
    case HP_SC_FAULT_DNS + HP_DNS_FAULT_NXDOMAIN:
    case HP_SC_FAULT_DNS + HP_DNS_FAULT_EMPTY:
    case HP_SC_FAULT_DNS + HP_DNS_FAULT_TRUNCATE:
    case HP_SC_FAULT_DNS + HP_DNS_FAULT_WRONG_ADDRESS:
    case HP_SC_FAULT_DNS + HP_DNS_FAULT_WRONG_QUESTION:
        return kind - HP_SC_FAULT_DNS;
    default: /* of STUN and TURN servers */
        return -1;
    }
}

static void check_fault(hp_loader *l, const hp_sc_fault *fault, bool dns, const hp_tree *at)
{
    int kind = (int)fault->stun.kind;
    if (dns && (dns_kind(kind) < 0 || fault->stun.method != 0)) {
        hp_loader_error(l, at, NULL, "this fault is one of STUN and TURN servers");
    } else if (!dns && (kind >= HP_SC_FAULT_DNS || fault->name != NULL || fault->type != 0)) {
        hp_loader_error(l, at, NULL, "this fault is one of DNS servers");
    }
    if (fault->name != NULL && !is_name(fault->name)) {
        hp_loader_error(l, at, NULL, "`%s` is no name that could be asked for", fault->name);
    }
}

void hp_loader_sort_faults(hp_loader *l, hp_sc_server *server, const hp_tree *node)
{
    bool dns = server->config.kind == HP_SERVER_DNS;
    const hp_tree *list = hp_tree_get(node, "faults");
    unsigned n = server->n_faults;
    if (n == 0) {
        return;
    }
    server->config.faults = hp_arena_alloc(l->arena, n * sizeof *server->config.faults);
    server->dns.faults = hp_arena_alloc(l->arena, n * sizeof *server->dns.faults);
    for (unsigned i = 0; i < n; i++) {
        const hp_sc_fault *fault = &server->faults[i];
        check_fault(l, fault, dns, list->kind == HP_NODE_LIST && i < list->n ? list->items[i] : list);
        if (!dns) {
            server->config.faults[server->config.n_faults++] = fault->stun;
        } else if (dns_kind((int)fault->stun.kind) >= 0) {
            server->dns.faults[server->dns.n_faults++] =
                (hp_dns_fault){.kind = (hp_dns_fault_kind)dns_kind((int)fault->stun.kind),
                               .name = fault->name,
                               .type = fault->type,
                               .nth_first = fault->stun.nth_first,
                               .nth_last = fault->stun.nth_last,
                               .from = fault->stun.from,
                               .until = fault->stun.until,
                               .delay_ns = fault->stun.delay_ns,
                               .address = fault->address};
        }
    }
}

/* ---- peers ---- */

#define F(field) HP_FIELD(hp_sc_resolver, field)
static const hp_key peer_dns_keys[] = {
    {"servers", HP_V_NAMES, F(servers), .ref = HP_REF_DNS, .required = true,
     .doc = "the DNS servers it asks, in this order"},
    {"timeout", HP_V_DURATION, F(config.timeout), .min = 1, .max = 3600 * SECOND, .fallback = "5s",
     .doc = "for one server's answer"},
    {"attempts", HP_V_INT, F(config.attempts), .min = 1, .max = 100, .fallback = "2",
     .doc = "rounds through all servers"},
    {"edns", HP_V_NOT, F(config.no_edns), .fallback = "true", .doc = "queries carry EDNS with 1232 bytes"},
    {"tcp", HP_V_NOT, F(config.no_stream), .fallback = "true", .doc = "asks again over TCP for what was truncated"},
    {"cache-size", HP_V_INT, F(config.cache_size), .min = 1, .max = 65535, .fallback = "256",
     .doc = "answers that are kept"},
    {"max-ttl", HP_V_DURATION, F(config.max_ttl), .min = SECOND, .max = MAX_TTL, .fallback = "24h",
     .doc = "answers are kept no longer than this, whatever they say"},
};
#undef F
const hp_schema hp_schema_peer_dns = {
    .name = "peer-dns",
    .doc = "How the peer resolves the names of its STUN and TURN servers before it gathers; the server's name, or a "
           "list of "
           "them, alone will do.",
    .size = sizeof(hp_sc_resolver),
    HP_KEYS(peer_dns_keys),
    .shorthand = "servers",
};

static void finish_mdns(hp_loader *l, void *base, const hp_tree *node)
{
    hp_sc_mdns *mdns = base;
    if (hp_tree_get(node, "on") == NULL) {
        mdns->on = true;
    }
}

#define F(field) HP_FIELD(hp_sc_mdns, field)
static const hp_key mdns_keys[] = {
    {"on", HP_V_BOOL, F(on), .shown = "true", .doc = "whether it does so at all"},
    {"hide", HP_V_NOT, F(shows_addresses), .fallback = "true",
     .doc = "false: its own candidates show addresses, and it only resolves the names of others, as servers do"},
    {"probe", HP_V_BOOL, F(config.probe), .fallback = "false",
     .doc = "asks for its names before it uses them (RFC 6762 section 8.1)"},
    {"silent", HP_V_BOOL, F(config.silent), .fallback = "false", .doc = "does not announce its names; it answers"},
    {"deaf", HP_V_BOOL, F(config.deaf), .fallback = "false", .doc = "announces its names, and never answers"},
    {"ttl", HP_V_DURATION, F(config.ttl), .min = SECOND, .max = MAX_TTL, .fallback = "2m", .doc = "of its records"},
    {"timeout", HP_V_DURATION, F(config.timeout), .min = 1, .max = 3600 * SECOND, .fallback = "5s",
     .doc = "after which another's name is given up"},
};
#undef F
const hp_schema hp_schema_mdns = {
    .name = "mdns",
    .doc = "Multicast DNS as browsers use it: host candidates show names under .local in place of addresses, which the "
           "other side asks for on the local network. `true` alone will do.",
    .size = sizeof(hp_sc_mdns),
    HP_KEYS(mdns_keys),
    .shorthand = "on",
    .finish = finish_mdns,
};

/* ---- the step ---- */

static void finish_set_dns(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_step *step = base;
    check_twice(l, step->dns.hosts, step->dns.n_hosts, hp_tree_get(node, "hosts"));
}

#define F(field) HP_FIELD(hp_step, field)
static const hp_key set_dns_keys[] = {
    {"server", HP_V_NAME, F(dns.server), .ref = HP_REF_DNS, .required = true, .doc = "which DNS server"},
    {"hosts", HP_V_BY_NAME, F(dns.hosts), HP_COUNT(hp_step, dns.n_hosts), .sub = &host_schema, .required = true,
     .doc = "what these names are from now on; others stay as they are"},
};
#undef F
const hp_schema hp_schema_set_dns = {
    .name = "set-dns",
    .doc = "A DNS server's records change. What resolvers have in their caches stays there.",
    .size = sizeof(hp_step),
    HP_KEYS(set_dns_keys),
    .finish = finish_set_dns,
};

/* ---- matches ---- */

static void finish_match(hp_loader *l, void *base, const hp_tree *node)
{
    hp_match_dns *dns = base;
    if (dns->present == HP_EITHER) {
        dns->present = HP_PRESENT;
    } else if (dns->present == HP_ABSENT && node->n > 1) {
        hp_loader_error(l, node, NULL, "what is not DNS has no other properties of DNS");
    }
    if (dns->name != NULL && !is_name(dns->name)) {
        hp_loader_error(l, hp_tree_get(node, "name"), NULL, "`%s` is no name that DNS could carry", dns->name);
    }
}

#define F(field) HP_FIELD(hp_match_dns, field)
static const hp_key match_dns_keys[] = {
    {"present", HP_V_PRESENCE, F(present), .shown = "true", .doc = "false: only what is not DNS"},
    {"name", HP_V_TEXT, F(name), .shown = "any", .doc = "the name that is asked for"},
    {"type", HP_V_ENUM, F(type), .words = &hp_words_dns_type, .shown = "any", .doc = "the type that is asked for"},
    {"response", HP_V_PRESENCE, F(response), .shown = "either", .doc = "an answer, or a question"},
    {"rcode", HP_V_ENUM, F(rcode), HP_FLAG(hp_match_dns, has_rcode), .words = &hp_words_dns_rcode, .shown = "any",
     .doc = "an answer with this code"},
};
#undef F
const hp_schema hp_schema_match_dns = {
    .name = "match-dns",
    .doc = "A DNS message. `true` alone means any, `false` none.",
    .size = sizeof(hp_match_dns),
    HP_KEYS(match_dns_keys),
    .shorthand = "present",
    .finish = finish_match,
};
