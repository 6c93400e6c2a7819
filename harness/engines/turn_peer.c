/* Peers that nobody may reach through the server (RFC 8656 sections 10.2, 12.2 and 21.4; CVE-2020-26262 is what
 * happens without this).
 *
 * Always refused: unspecified and "this network" (0.0.0.0/8), multicast, the limited broadcast, link-local (and with it
 * the metadata address 169.254.169.254), IPv4-mapped and IPv4-compatible IPv6 (IPv4 peers belong to an IPv4 relay),
 * Teredo and 6to4. Loopback and private addresses are refused as configured, and so are the configured prefixes. A
 * NAT64 address (64:ff9b::/96) stands for the IPv4 address inside it and is judged as that.
 *
 * The server's own addresses are good peers, since two clients of one server reach each other there, but not at the
 * ports it listens at. */
#include "engines/turn_private.h"

static bool starts_with(const hp_addr *a, const uint8_t *bytes, size_t n)
{
    return memcmp(a->ip, bytes, n) == 0;
}

bool hp_turn_is_tunnel(const hp_addr *a)
{
    static const uint8_t teredo[4] = {0x20, 0x01, 0, 0}, six_to_four[2] = {0x20, 0x02};
    return a->family == HP_AF_IPV6 && (starts_with(a, teredo, 4) || starts_with(a, six_to_four, 2));
}

/* The IPv4 address in the last four bytes of a NAT64 address. */
static bool inside_nat64(const hp_addr *a, hp_addr *ret)
{
    static const uint8_t prefix[12] = {0, 0x64, 0xff, 0x9b};
    if (a->family != HP_AF_IPV6 || !starts_with(a, prefix, sizeof prefix)) {
        return false;
    }
    *ret = (hp_addr){.family = HP_AF_IPV4};
    memcpy(ret->ip, a->ip + 12, 4);
    return true;
}

static bool embeds_ipv4(const hp_addr *a)
{
    static const uint8_t zeros[10], ones[2] = {0xff, 0xff}, none[2];
    if (a->family != HP_AF_IPV6 || !starts_with(a, zeros, sizeof zeros)) {
        return false;
    }
    /* ::1 and :: are of this shape too, and have their own rules. */
    bool mapped = memcmp(a->ip + 10, ones, 2) == 0;
    bool compatible = memcmp(a->ip + 10, none, 2) == 0 && !hp_addr_is_loopback(a);
    return mapped || compatible;
}

bool hp_turn_peer_allowed(const hp_turn_server *server, const hp_addr *peer)
{
    const hp_server_config *config = &server->stun->config;
    hp_addr ip = hp_addr_with_port(*peer, 0);
    for (unsigned i = 0; i < config->n_denied_peers; i++) {
        if (hp_prefix_contains(&config->denied_peers[i], &ip)) {
            return false;
        }
    }
    hp_addr inner;
    if (inside_nat64(&ip, &inner)) {
        return hp_turn_peer_allowed(server, &inner);
    }
    if (hp_addr_is_unspecified(&ip) || hp_addr_is_multicast(&ip) || hp_addr_is_link_local(&ip) || embeds_ipv4(&ip) ||
        hp_turn_is_tunnel(&ip)) {
        return false;
    }
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    if (ip.family == HP_AF_IPV4 && (ip.ip[0] == 0 || starts_with(&ip, broadcast, 4))) {
        return false;
    }
    if (hp_addr_is_loopback(&ip)) {
        return config->allow_loopback_peers;
    }
    return config->allow_private_peers || !hp_addr_is_private(&ip);
}

bool hp_turn_peer_is_self(const hp_turn_server *server, const hp_addr *peer)
{
    const hp_stun_server *stun = server->stun;
    bool tls = (stun->config.transports & (HP_SERVER_TLS | HP_SERVER_DTLS)) != 0;
    if (peer->port != stun->port && !(stun->config.nat_discovery && peer->port == stun->alternate_port) &&
        !(tls && peer->port == server->tls_port)) {
        return false;
    }
    for (unsigned i = 0; i < stun->n_addresses; i++) {
        if (hp_addr_same_ip(&stun->addresses[i], peer)) {
            return true;
        }
    }
    return false;
}
