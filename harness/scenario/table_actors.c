/* The schema of `servers`, `peers` and `signaling`.
 *
 * A peer starts from `defaults`, and each of its interfaces from what the peer says itself: such schemas inherit, so
 * their keys' defaults are applied once, to the first link of that chain. */
#include <assert.h>
#include <string.h>

#include "scenario/table_dns.h"
#include "scenario/table_programs.h"

/* ---- servers ---- */

static const hp_word server_kinds[] = {
    {"stun", HP_SERVER_STUN, "answers Binding requests"},
    {"turn", HP_SERVER_TURN, "relays, and answers Binding requests too"},
    {"dns", HP_SERVER_DNS, "resolves names"},
    {"web", HP_SERVER_WEB, "serves a folder over HTTP, and the broker's WebSocket at /ws; live world only"},
    {"other", HP_SERVER_OTHER, "whatever its `exec` is; live world only"},
};
static const hp_words server_kind_words = HP_WORDS("a kind of server", server_kinds);

static bool method_at(unsigned i, hp_word *ret)
{
    const char *name = hp_stun_method_names()[i]; /* i never passes the first NULL: the search ends there */
    uint16_t method;
    if (name == NULL || !hp_stun_method_from_name(name, &method)) {
        return false;
    }
    *ret = (hp_word){name, method, NULL};
    return true;
}
const hp_words hp_words_method = {.what = "a STUN method", .at = method_at, .fold = true};

static_assert(offsetof(hp_server_fault, nth_last) == offsetof(hp_server_fault, nth_first) + sizeof(uint64_t),
              "a packet range in place");

#define F(field) HP_FIELD(hp_server_fault, field)
static const hp_key fault_common_keys[] = {
    {"method", HP_V_ENUM, F(method), .words = &hp_words_method, .shown = "any", .doc = "requests of this method"},
    {"nth", HP_V_PACKETS, .offset = offsetof(hp_server_fault, nth_first), .size = sizeof(hp_packet_range),
     .shown = "all", .doc = "which of those requests, counted from 1"},
    {"from", HP_V_DURATION, F(from), .shown = "the start", .doc = "not before this run time"},
    {"until", HP_V_DURATION, F(until), .shown = "the end", .doc = "not from this run time on"},
    {"name", HP_V_TEXT, HP_FIELD(hp_sc_fault, name), .shown = "any", .doc = "kind dns: queries for this name"},
    {"type", HP_V_ENUM, HP_FIELD(hp_sc_fault, type), .words = &hp_words_dns_type, .shown = "any",
     .doc = "kind dns: queries of this type"},
};
static const hp_schema fault_common = {
    .name = "fault",
    .doc = "Which requests a fault strikes.",
    .size = sizeof(hp_sc_fault),
    HP_KEYS(fault_common_keys),
};
static const hp_key fault_delay_keys[] = {
    {"by", HP_V_DURATION, F(delay_ns), .required = true, .doc = "how long"},
    {.type = HP_V_INCLUDE, .sub = &fault_common},
};
static const hp_schema fault_delay = {
    .name = "fault-delay",
    .doc = "The answer waits.",
    .size = sizeof(hp_sc_fault),
    HP_KEYS(fault_delay_keys),
    .shorthand = "by",
};
static const hp_key fault_error_keys[] = {
    {"code", HP_V_INT, F(code), .min = 300, .max = 699, .required = true, .doc = "STUN error code"},
    {.type = HP_V_INCLUDE, .sub = &fault_common},
};
static const hp_schema fault_error = {
    .name = "fault-error",
    .doc = "The answer is an error.",
    .size = sizeof(hp_sc_fault),
    HP_KEYS(fault_error_keys),
    .shorthand = "code",
};
#undef F
static const hp_key fault_address_keys[] = {
    {"address", HP_V_ADDRESS, HP_FIELD(hp_sc_fault, address), .shown = "192.0.2.255, 2001:db8::ff",
     .doc = "in place of the right one, where the family agrees"},
    {.type = HP_V_INCLUDE, .sub = &fault_common},
};
static const hp_schema fault_address = {
    .name = "fault-address",
    .doc = "The answer has another address.",
    .size = sizeof(hp_sc_fault),
    HP_KEYS(fault_address_keys),
    .shorthand = "address",
};
#define DNS_FAULT(kind) .tag = HP_SC_FAULT_DNS + HP_DNS_FAULT_##kind
static const hp_key fault_variants[] = {
    {"silence", HP_V_MAP, .sub = &fault_common, .tag = HP_FAULT_SILENCE, .doc = "no answer"},
    {"delay", HP_V_MAP, .sub = &fault_delay, .tag = HP_FAULT_DELAY, .doc = "a late answer: `delay: 200ms`"},
    {"error", HP_V_MAP, .sub = &fault_error, .tag = HP_FAULT_ERROR, .doc = "an error: `error: 438`"},
    {"other-address", HP_V_MAP, .sub = &fault_common, .tag = HP_FAULT_OTHER_ADDRESS,
     .doc = "the answer comes from another address or port"},
    {"wrong-id", HP_V_MAP, .sub = &fault_common, .tag = HP_FAULT_WRONG_ID,
     .doc = "the answer carries another transaction id"},
    {"bad-integrity", HP_V_MAP, .sub = &fault_common, .tag = HP_FAULT_BAD_INTEGRITY,
     .doc = "the answer's MESSAGE-INTEGRITY is wrong"},
    {"wrong-mapped", HP_V_MAP, .sub = &fault_common, .tag = HP_FAULT_WRONG_MAPPED,
     .doc = "the answer tells a wrong mapped address (one port too high)"},
    {"forget", HP_V_MAP, .sub = &fault_common, .tag = HP_FAULT_FORGET,
     .doc = "the allocation is lost before the request is looked at"},
    {"servfail", HP_V_MAP, .sub = &fault_common, DNS_FAULT(SERVFAIL), .doc = "kind dns: the answer is SERVFAIL"},
    {"refused", HP_V_MAP, .sub = &fault_common, DNS_FAULT(REFUSED), .doc = "kind dns: the answer is REFUSED"},
    {"nxdomain", HP_V_MAP, .sub = &fault_common, DNS_FAULT(NXDOMAIN), .doc = "kind dns: a name that exists is denied"},
    {"empty", HP_V_MAP, .sub = &fault_common, DNS_FAULT(EMPTY), .doc = "kind dns: the name exists, its records do not"},
    {"truncate", HP_V_MAP, .sub = &fault_common, DNS_FAULT(TRUNCATE),
     .doc = "kind dns: over UDP nothing comes but the advice to ask over TCP"},
    {"wrong-address", HP_V_MAP, .sub = &fault_address, DNS_FAULT(WRONG_ADDRESS),
     .doc = "kind dns: the answer has another address: `wrong-address: 192.0.2.66`"},
    {"wrong-question", HP_V_MAP, .sub = &fault_common, DNS_FAULT(WRONG_QUESTION),
     .doc = "kind dns: the answer repeats another question"},
};
#undef DNS_FAULT
static const hp_schema fault = {
    .name = "server-fault",
    .doc = "A scripted fault.",
    .size = sizeof(hp_sc_fault),
    .variants = fault_variants,
    .n_variants = G_N_ELEMENTS(fault_variants),
    .tag = offsetof(hp_server_fault, kind),
};

#define F(field) HP_FIELD(hp_turn_user, field)
static const hp_key user_keys[] = {
    {"password", HP_V_TEXT, F(password), .required = true, .doc = "password"},
    {"expires", HP_V_DURATION, F(expires), .shown = "never", .doc = "run time from which on it is refused"},
};
#undef F
static const hp_schema user = {
    .name = "user",
    .doc = "A user of a TURN server; the password alone will do.",
    .size = sizeof(hp_turn_user),
    .free_names = true, /* alice@example.com, 1700000000:alice */
    HP_KEYS(user_keys),
    .shorthand = "password",
};

static_assert(offsetof(hp_server_config, relay_port_last) ==
                  offsetof(hp_server_config, relay_port_first) + sizeof(uint16_t),
              "a port range in place");

#define F(field) HP_FIELD(hp_sc_server, field)
static const hp_key server_keys[] = {
    {"kind", HP_V_ENUM, F(config.kind), .words = &server_kind_words, .required = true, .doc = "what it is"},
    {"behind", HP_V_NAME, F(behind), .ref = HP_REF_ZONE, .fallback = "internet", .doc = "the network it is in"},
    {"link", HP_V_MAP, F(link), .sub = &hp_schema_link_pair, .doc = "its link to that network"},
    {"firewall", HP_V_MAP, F(firewall), .sub = &hp_schema_firewall, .shown = "none",
     .doc = "a firewall before its interface"},
    {"families", HP_V_FAMILIES, F(family), .fallback = "ipv4", .doc = "address families"},
    {"addresses", HP_V_ADDRESSES, F(addresses), HP_COUNT(hp_sc_server, n_addresses), .shown = "chosen",
     .doc = "its addresses: one of each family, two with nat-discovery"},
    {"stopped", HP_V_BOOL, F(stopped), .fallback = "false", .doc = "it does not run until a step starts it"},
    {.type = HP_V_INCLUDE, .offset = offsetof(hp_sc_server, config), .sub = &hp_schema_server_transports},
    {"port", HP_V_INT, F(config.port), .min = 1, .max = 65535, .fallback = "3478",
     .doc = "port of UDP and TCP; of kind dns 53, of kind web 80"},
    {"alternate-port", HP_V_INT, F(config.alternate_port), .min = 1, .max = 65535, .fallback = "3479",
     .doc = "the second port of nat-discovery"},
    {"nat-discovery", HP_V_BOOL, F(config.nat_discovery), .fallback = "false",
     .doc = "RFC 5780: a second address and port, OTHER-ADDRESS, CHANGE-REQUEST, RESPONSE-PORT"},
    {"accept-rfc3489", HP_V_BOOL, F(config.accept_rfc3489), .fallback = "true",
     .doc = "answers requests without the magic cookie, with MAPPED-ADDRESS"},
    {"require-fingerprint", HP_V_BOOL, F(config.require_fingerprint), .fallback = "false",
     .doc = "does not answer requests without FINGERPRINT"},
    {"software", HP_V_BOOL, F(config.software), .fallback = "true", .doc = "answers carry SOFTWARE"},
    {"binding-auth", HP_V_BOOL, F(config.binding_auth), .fallback = "false",
     .doc = "Binding requests must be authenticated too"},
    {"users", HP_V_BY_NAME, F(config.users), HP_COUNT(hp_sc_server, config.n_users), .sub = &user,
     .shown = "for turn: one user `hairpin` with the password `hairpin`",
     .doc = "who may use it, with long-term credentials: `{alice: secret}`"},
    {"realm", HP_V_TEXT, F(config.realm), .fallback = "hairpin", .doc = "realm of the credentials"},
    {"sha256", HP_V_BOOL, F(config.sha256), .fallback = "false",
     .doc = "offers PASSWORD-ALGORITHMS with SHA-256 before MD5 (RFC 8489 section 9.2)"},
    {"userhash", HP_V_BOOL, F(config.userhash), .fallback = "false", .doc = "asks for USERHASH instead of USERNAME"},
    {"nonce-lifetime", HP_V_DURATION, F(config.nonce_lifetime), .fallback = "1h", .doc = "life of a nonce"},
    {"lifetime", HP_V_DURATION, F(config.lifetime), .fallback = "10m",
     .doc = "life of an allocation that asks for none"},
    {"max-lifetime", HP_V_DURATION, F(config.max_lifetime), .fallback = "1h",
     .doc = "the most an allocation may ask for"},
    {"permission-lifetime", HP_V_DURATION, F(config.permission_lifetime), .fallback = "5m",
     .doc = "life of a permission; RFC 8656 section 9 fixes it, other values are for hunting bugs"},
    {"channel-lifetime", HP_V_DURATION, F(config.channel_lifetime), .fallback = "10m", .doc = "life of a channel"},
    {"relay-ports", HP_V_PORTS, .offset = offsetof(hp_sc_server, config.relay_port_first), .size = 2 * sizeof(uint16_t),
     .shown = "49152..65535", .doc = "ports of relayed addresses"},
    {"user-quota", HP_V_INT, F(config.user_quota), .max = UINT32_MAX, .shown = "no limit",
     .doc = "allocations of one user (error 486)"},
    {"capacity", HP_V_INT, F(config.capacity), .max = UINT32_MAX, .shown = "no limit",
     .doc = "allocations in all (error 508)"},
    {"dont-fragment", HP_V_BOOL, F(config.dont_fragment), .fallback = "true",
     .doc = "knows DONT-FRAGMENT; else error 420"},
    {"allow-private-peers", HP_V_BOOL, F(config.allow_private_peers), .fallback = "true",
     .doc = "relays to private addresses; else error 403"},
    {"allow-loopback-peers", HP_V_BOOL, F(config.allow_loopback_peers), .fallback = "false",
     .doc = "relays to loopback addresses; else error 403"},
    {"denied-peers", HP_V_PREFIXES, F(config.denied_peers), HP_COUNT(hp_sc_server, config.n_denied_peers),
     .shown = "none", .doc = "networks it does not relay to (error 403)"},
    {"redirect", HP_V_NAME, F(config.redirect), .ref = HP_REF_STUN, .shown = "none",
     .doc = "sends every client to that server: error 300 with ALTERNATE-SERVER"},
    {"faults", HP_V_LIST, F(faults), HP_COUNT(hp_sc_server, n_faults), .sub = &fault, .max = 1000, .shown = "none",
     .doc = "what it does wrong on request"},
    {"dns-name", HP_V_TEXT, F(dns_name), .shown = "NAME.example", .doc = "its name in DNS"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_dns_server, F(dns)},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_server_program, F(program)},
};
#undef F

/* A TURN server that nobody may use would make the shortest way to write one useless. */
static void finish_server(hp_loader *l, void *base, const hp_tree *node)
{
    hp_sc_server *server = base;
    hp_loader_check_server_kind(l, server, node);
    hp_loader_check_server_program(l, server, node);
    hp_loader_sort_faults(l, server, node);
    if (server->config.kind == HP_SERVER_TURN && hp_tree_get(node, "users") == NULL) {
        hp_turn_user *only = hp_arena_alloc(l->arena, sizeof *only);
        only->name = hp_arena_text(l->arena, "hairpin");
        only->password = only->name;
        server->config.users = only;
        server->config.n_users = 1;
    }
    if (server->config.nat_discovery && server->config.port == server->config.alternate_port) {
        hp_loader_error(l, node, NULL, "`nat-discovery` needs two ports: `port` and `alternate-port` are both %u",
                        server->config.port);
    }
    if (server->config.realm != NULL && strlen(server->config.realm) > HP_LOAD_MAX_USER) {
        hp_loader_error(l, hp_tree_get(node, "realm"), NULL, "`realm` must have at most %d bytes", HP_LOAD_MAX_USER);
    }
}

const hp_schema hp_schema_server = {
    .name = "server",
    .doc = "A STUN, TURN, DNS or web server; built in, unless `program` or `exec` says otherwise. The kind alone will "
           "do.",
    .size = sizeof(hp_sc_server),
    HP_KEYS(server_keys),
    .mark = offsetof(hp_sc_server, mark),
    .shorthand = "kind",
    .finish = finish_server,
};

/* ---- peers ---- */

static const hp_word compatibilities[] = {
    {"rfc5245", HP_ICE_RFC5245, "ICE as in RFC 5245 and RFC 8445"},
    {"google", HP_ICE_GOOGLE, "Google Talk"},
    {"msn", HP_ICE_MSN, "MSN Messenger"},
    {"wlm2009", HP_ICE_WLM2009, "Windows Live Messenger 2009"},
    {"oc2007", HP_ICE_OC2007, "Office Communicator 2007"},
    {"oc2007r2", HP_ICE_OC2007R2, "Office Communicator 2007 R2"},
    {"draft19", HP_ICE_DRAFT19, "draft-ietf-mmusic-ice-19"},
};
static const hp_words compatibility_words = HP_WORDS("an ICE dialect", compatibilities);
static const hp_word nominations[] = {
    {"aggressive", HP_ICE_NOMINATION_AGGRESSIVE, "every check nominates"},
    {"regular", HP_ICE_NOMINATION_REGULAR, "a pair is nominated once it is known to be good"},
};
static const hp_words nomination_words = HP_WORDS("a nomination", nominations);
static const hp_word roles[] = {
    {"auto", HP_ICE_ROLE_AUTO, "whoever offers controls"},
    {"controlling", HP_ICE_ROLE_CONTROLLING, "controls"},
    {"controlled", HP_ICE_ROLE_CONTROLLED, "is controlled"},
};
static const hp_words role_words = HP_WORDS("an ICE role", roles);

static_assert(offsetof(hp_ice_config, port_max) == offsetof(hp_ice_config, port_min) + sizeof(int),
              "a port range in place");

static void start_ice(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_ice_config *ice = base;
    ice->stun_pacing_timer_ms = ice->stun_initial_timeout_ms = ice->stun_reliable_timeout_ms = -1;
    ice->stun_max_retransmissions = ice->max_connectivity_checks = ice->idle_timeout_ms = -1;
    ice->port_min = ice->port_max = ice->tos = -1;
}

#define F(field) HP_FIELD(hp_ice_config, field)
static const hp_key ice_keys[] = {
    {"stun", HP_V_NAME, F(stun), .ref = HP_REF_STUN, .shown = "none", .doc = "the STUN server it asks"},
    {"turn", HP_V_NAMES, F(turn), .ref = HP_REF_TURN, .shown = "none", .doc = "the TURN servers it uses"},
    {"turn-transports", HP_V_SET, F(turn_transports), .words = &hp_words_turn_transport, .fallback = "udp",
     .doc = "over which it uses each of them: udp first, then tcp, then tls. Over TLS it goes through a tunnel program "
            "beside it, as libnice has no TLS"},
    {"turn-user", HP_V_TEXT, F(turn_user), .shown = "the server's first", .doc = "as which of the server's users"},
    {"turn-password", HP_V_TEXT, F(turn_password), .shown = "the right one",
     .doc = "with another password than the right one"},
    {"compatibility", HP_V_ENUM, F(compatibility), .words = &compatibility_words, .fallback = "rfc5245",
     .doc = "the ICE dialect it speaks"},
    {"nomination", HP_V_ENUM, F(nomination), .words = &nomination_words, .fallback = "aggressive",
     .doc = "how the controlling agent chooses a pair"},
    {"role", HP_V_ENUM, F(role), .words = &role_words, .fallback = "auto", .doc = "who chooses"},
    {"trickle", HP_V_BOOL, F(trickle), .fallback = "true",
     .doc = "candidates are sent one by one as they are found; false: in the description"},
    {"trickle-interval", HP_V_DURATION, F(trickle_interval), .fallback = "0",
     .doc = "pause between two candidate messages"},
    {"full-mode", HP_V_BOOL, F(full_mode), .fallback = "true", .doc = "false: an ICE-lite agent"},
    {"force-relay", HP_V_BOOL, F(force_relay), .fallback = "false", .doc = "only relayed candidates"},
    {"consent-freshness", HP_V_BOOL, F(consent_freshness), .fallback = "false",
     .doc = "asks for consent while it sends (RFC 7675)"},
    {"keepalive-conncheck", HP_V_BOOL, F(keepalive_conncheck), .fallback = "false",
     .doc = "connectivity checks as keepalives"},
    {"support-renomination", HP_V_BOOL, F(support_renomination), .fallback = "false",
     .doc = "knows the NOMINATION attribute"},
    {"reliable", HP_V_BOOL, F(reliable), .fallback = "false", .doc = "pseudo-TCP over the chosen pair"},
    {"ice-udp", HP_V_BOOL, F(ice_udp), .fallback = "true", .doc = "UDP candidates"},
    {"ice-tcp", HP_V_BOOL, F(ice_tcp), .fallback = "false", .doc = "TCP candidates (RFC 6544)"},
    {"upnp", HP_V_BOOL, F(upnp), .fallback = "false",
     .doc = "libnice's own search for a UPnP gateway, which needs a real network; `port-mapping: upnp` works here"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_port_client},
    {"stun-pacing-timer", HP_V_MILLISECONDS, F(stun_pacing_timer_ms), .min = 1, .shown = "libnice's own",
     .doc = "time between two checks (Ta)"},
    {"stun-initial-timeout", HP_V_MILLISECONDS, F(stun_initial_timeout_ms), .min = 20, .shown = "libnice's own",
     .doc = "first retransmission timeout (RTO)"},
    {"stun-reliable-timeout", HP_V_MILLISECONDS, F(stun_reliable_timeout_ms), .min = 1, .shown = "libnice's own",
     .doc = "timeout of a request over TCP"},
    {"stun-max-retransmissions", HP_V_INT, F(stun_max_retransmissions), .min = 1, .max = 99, .shown = "libnice's own",
     .doc = "how often a request is sent (Rc)"},
    {"max-connectivity-checks", HP_V_INT, F(max_connectivity_checks), .max = 100000, .shown = "libnice's own",
     .doc = "how many pairs it checks at most"},
    {"idle-timeout", HP_V_MILLISECONDS, F(idle_timeout_ms), .min = 50, .shown = "libnice's own",
     .doc = "silence after which connecting has failed"},
    {"ports", HP_V_PORTS, .offset = offsetof(hp_ice_config, port_min), .size = 2 * sizeof(int), .shown = "any",
     .doc = "local ports"},
    {"ufrag", HP_V_TEXT, F(ufrag), .shown = "random", .doc = "its user name fragment"},
    {"password", HP_V_TEXT, F(password), .shown = "random", .doc = "its ICE password"},
    {"tos", HP_V_INT, F(tos), .max = 255, .shown = "libnice's own", .doc = "traffic class of what it sends"},
    {"software", HP_V_TEXT, F(software), .shown = "none", .doc = "its SOFTWARE attribute"},
};
#undef F

static void finish_ice(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_ice_config *ice = base;
    if (!ice->ice_udp && !ice->ice_tcp) {
        hp_loader_error(l, hp_tree_get(node, "ice-udp"), NULL, "an agent without UDP and TCP has no candidates");
    }
}

static const hp_schema ice_schema = {
    .name = "ice",
    .doc = "The peer's libnice agent.",
    .size = sizeof(hp_ice_config),
    HP_KEYS(ice_keys),
    .start = start_ice,
    .finish = finish_ice,
};

#define F(field) HP_FIELD(hp_sc_client, field)
static const hp_key client_keys[] = {
    {"queue-early-candidates", HP_V_BOOL, F(queue_early_candidates), .fallback = "true",
     .doc = "candidates that come before the description wait for it; false: they are lost"},
    {"send-before-set", HP_V_BOOL, F(send_before_set), .fallback = "false",
     .doc = "the description is sent before it is set locally, so before gathering begins"},
    {"null-id-until", HP_V_DURATION, F(null_id_until), .fallback = "0",
     .doc = "until then its messages carry no id, and it takes its own echo for another's"},
    {"ignores-own", HP_V_BOOL, F(ignores_own), .fallback = "true", .doc = "ignores its own messages by their id"},
    {"answers-any-offer", HP_V_BOOL, F(answers_any_offer), .fallback = "true",
     .doc = "answers an offer that names nobody"},
    {"answer-delay", HP_V_DURATION, F(answer_delay), .fallback = "0", .doc = "thinking time before an answer"},
};
#undef F
static const hp_schema client = {
    .name = "client",
    .doc = "How the peer's signalling client behaves: carefully, unless told otherwise.",
    .size = sizeof(hp_sc_client),
    HP_KEYS(client_keys),
};

#define F(field) HP_FIELD(hp_sc_interface, field)
static const hp_key attachment_keys[] = {
    {"link", HP_V_MAP, F(link), .sub = &hp_schema_link_pair, .doc = "the link to its network"},
    {"families", HP_V_FAMILIES, F(family), .fallback = "ipv4", .doc = "address families"},
    {"mtu", HP_V_INT, F(mtu), .min = 68, .max = 65535, .shown = "1500", .doc = "the interface's own MTU"},
    {"clat", HP_V_BOOL, F(clat), .fallback = "false",
     .doc = "beside IPv6 it has IPv4, translated to IPv6 for a NAT64 on the way (464XLAT, RFC 6877)"},
    {"firewall", HP_V_MAP, F(firewall), .sub = &hp_schema_firewall, .shown = "none",
     .doc = "a firewall before the interface"},
};
static const hp_schema attachment = {
    .name = "attachment-common",
    .doc = "What peers and interfaces have alike.",
    .size = sizeof(hp_sc_interface),
    HP_KEYS(attachment_keys),
};
static const hp_key interface_keys[] = {
    {"behind", HP_V_NAME, F(behind), .ref = HP_REF_ZONE, .fallback = "internet", .doc = "the network it is in"},
    {.type = HP_V_INCLUDE, .sub = &attachment},
    {"addresses", HP_V_ADDRESSES, F(addresses), HP_COUNT(hp_sc_interface, n_addresses), .shown = "chosen",
     .doc = "its addresses, instead of one of each family"},
};
#undef F

static void start_interface(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_sc_interface *interface = base;
    char *name = interface->name;
    hp_mark mark = interface->mark;
    *interface = ((const hp_sc_peer *)parent)->common;
    interface->name = name;
    interface->mark = mark;
}

static const hp_schema interface_schema = {
    .name = "interface",
    .doc = "One of several interfaces; the network it is in alone will do. It starts from what the peer says itself.",
    .size = sizeof(hp_sc_interface),
    HP_KEYS(interface_keys),
    .mark = offsetof(hp_sc_interface, mark),
    .shorthand = "behind",
    .inherits = true,
    .start = start_interface,
};

#define F(field) HP_FIELD(hp_sc_peer, field)
static const hp_key peer_common_keys[] = {
    {"ice", HP_V_MAP, F(ice), .sub = &ice_schema, .doc = "its ICE agent"},
    {"client", HP_V_MAP, F(client), .sub = &client, .doc = "its signalling client"},
    {"dns", HP_V_MAP, F(dns), .sub = &hp_schema_peer_dns, .shown = "none: it knows the addresses of its servers",
     .doc = "the DNS servers that it asks for its STUN and TURN servers"},
    {"mdns", HP_V_MAP, F(mdns), .sub = &hp_schema_mdns, .shown = "false",
     .doc = "its host candidates show .local names"},
    {"media", HP_V_MAP, .sub = &hp_schema_peer_media, .doc = "its audio and video, and how they are secured"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_peer_program, F(program)},
    {.type = HP_V_INCLUDE, .sub = &attachment, F(common)},
};
const hp_schema hp_schema_peer_common = {
    .name = "peer-common",
    .doc = "What `defaults` may say for all peers.",
    .size = sizeof(hp_sc_peer),
    HP_KEYS(peer_common_keys),
};

static void start_defaults(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    ((hp_sc_peer *)base)->common.behind = hp_arena_text(l->arena, "internet");
}
static void finish_defaults(hp_loader *l, void *base, const hp_tree *node)
{
    hp_loader_finish_peer_program(l, &((hp_sc_peer *)base)->program, node);
}

static const hp_key defaults_keys[] = {
    {.type = HP_V_INCLUDE, .sub = &hp_schema_peer_common},
};
const hp_schema hp_schema_defaults = {
    .name = "defaults",
    .doc = "What every peer starts from.",
    .size = sizeof(hp_sc_peer),
    HP_KEYS(defaults_keys),
    .start = start_defaults,
    .finish = finish_defaults,
};

static const hp_word peer_kinds[] = {
    {"agent", false, "a libnice agent and a signalling client"},
    {"raw", true, "it says what its `script` says, and nothing else"},
};
static const hp_words peer_kind_words = HP_WORDS("a kind of peer", peer_kinds);

static const hp_key peer_keys[] = {
    {"kind", HP_V_ENUM, F(is_raw), .words = &peer_kind_words, .fallback = "agent", .doc = "what it is"},
    {"behind", HP_V_NAME, F(common.behind), .ref = HP_REF_ZONE, .shown = "internet", .doc = "the network it is in"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_peer_common},
    {"addresses", HP_V_ADDRESSES, F(common.addresses), HP_COUNT(hp_sc_peer, common.n_addresses), .shown = "chosen",
     .doc = "its addresses, instead of one of each family"},
    {"interfaces", HP_V_BY_NAME, F(interfaces), HP_COUNT(hp_sc_peer, n_interfaces), .sub = &interface_schema,
     .shown = "one", .doc = "several interfaces: `{wifi: home, lte: cgn}`"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_raw_peer, F(raw)},
};
#undef F

static void start_peer(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_sc_peer *peer = base;
    char *name = peer->name;
    hp_mark mark = peer->mark;
    *peer = l->root->defaults;
    peer->name = name;
    peer->mark = mark;
    peer->media_mark = (hp_mark){0};
    for (unsigned i = 0; i < HP_MEDIA_N_KINDS; i++) {
        peer->track_mark[i] = (hp_mark){0};
        if (peer->media.replay[i] == NULL) {
            peer->made_up[i] = NULL;
        }
    }
}

static void finish_peer(hp_loader *l, void *base, const hp_tree *node)
{
    hp_sc_peer *peer = base;

    if (peer->n_interfaces == 0) {
        peer->interfaces = hp_arena_alloc(l->arena, sizeof *peer->interfaces);
        peer->interfaces[0] = peer->common;
        peer->interfaces[0].mark = peer->mark;
        peer->n_interfaces = 1;
    } else if (peer->common.n_addresses > 0) {
        hp_loader_error(l, hp_tree_get(node, "addresses"), "give each interface its own",
                        "several interfaces cannot share addresses");
    }
    hp_loader_finish_raw(l, peer, node);
    hp_loader_check_peer_program(l, peer, node);
}

const hp_schema hp_schema_peer = {
    .name = "peer",
    .doc = "A peer: an ICE agent and a signalling client on a host. Without keys it is on the Internet.",
    .size = sizeof(hp_sc_peer),
    HP_KEYS(peer_keys),
    .mark = offsetof(hp_sc_peer, mark),
    .inherits = true,
    .start = start_peer,
    .finish = finish_peer,
};

/* ---- signalling ---- */

#define F(field) HP_FIELD(hp_signaling_config, field)
static const hp_key signaling_keys[] = {
    {"delay", HP_V_DURATION, F(delay), .fallback = "50ms", .doc = "from client to client, through the broker"},
    {"jitter", HP_V_DURATION, F(jitter), .fallback = "0", .doc = "extra delay, uniform between 0 and this"},
    {"loss", HP_V_RATIO, F(loss_ppb), .fallback = "0", .doc = "chance that a copy is lost"},
    {"duplicate", HP_V_RATIO, F(duplicate_ppb), .fallback = "0", .doc = "chance that a copy arrives twice"},
    {"reorder", HP_V_RATIO, F(reorder_ppb), .fallback = "0", .doc = "chance that a copy is held back"},
    {"reorder-by", HP_V_DURATION, F(reorder_by), .fallback = "200ms", .doc = "how long it is held back"},
    {"offer-delay", HP_V_DURATION, F(type_delay[HP_SIGNAL_OFFER]), .fallback = "0", .doc = "extra delay of offers"},
    {"answer-delay", HP_V_DURATION, F(type_delay[HP_SIGNAL_ANSWER]), .fallback = "0", .doc = "extra delay of answers"},
    {"candidate-delay", HP_V_DURATION, F(type_delay[HP_SIGNAL_CANDIDATE]), .fallback = "0",
     .doc = "extra delay of candidates"},
    {"echo", HP_V_BOOL, F(echo), .fallback = "true", .doc = "the sender hears its own messages"},
    {"addressed", HP_V_BOOL, F(addressed), .fallback = "false",
     .doc = "a message that names somebody reaches only them, as with rooms; else everything reaches everyone"},
};
#undef F
static_assert(HP_SIGNAL_N_TYPES == 3, "one key a type");
const hp_schema hp_schema_signaling = {
    .name = "signaling",
    .doc = "The broker between the clients, and what it does to messages.",
    .size = sizeof(hp_signaling_config),
    HP_KEYS(signaling_keys),
};
