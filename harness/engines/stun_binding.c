/* The Binding method: RFC 8489 section 6.3.1.1, RFC 3489 clients, and NAT behaviour discovery (RFC 5780).
 *
 * A client with the magic cookie gets XOR-MAPPED-ADDRESS, and MAPPED-ADDRESS as well, so that a capture shows when
 * something on the way rewrites addresses in payloads. A client without the cookie gets MAPPED-ADDRESS alone (RFC 5389
 * section 12.2), with its 16-byte id.
 *
 * With nat_discovery and two addresses of the request's family the server is the pair of RFC 5780 section 6: A1 and A2,
 * each with P1 and P2. With one address, or one port, there is no OTHER-ADDRESS and CHANGE-REQUEST is an unknown
 * attribute (420); RESPONSE-PORT and PADDING work all the same.
 *
 * PADDING in an answer is as long as the request's, at most the MTU. The RFC would have it as long as the MTU always,
 * which makes a 32-byte request from a forged source into 1.5 kB for its victim; a client that pads as it should (with
 * an MTU) sees no difference. */
#include "engines/stun_request.h"

#define MTU 1500

static bool pair(const hp_stun_server *server, uint8_t family, hp_addr ret[2])
{
    unsigned n = 0;
    for (unsigned i = 0; i < server->n_addresses && n < 2; i++) {
        if (server->addresses[i].family == family) {
            ret[n++] = server->addresses[i];
        }
    }
    return n == 2;
}

bool hp_stun_other_address(const hp_stun_server *server, const hp_addr *here, hp_addr *ret)
{
    hp_addr both[2];
    if (!server->config.nat_discovery || server->port == server->alternate_port || !pair(server, here->family, both)) {
        return false;
    }
    bool first = hp_addr_same_ip(here, &both[0]);
    if ((!first && !hp_addr_same_ip(here, &both[1])) ||
        (here->port != server->port && here->port != server->alternate_port)) {
        return false;
    }
    *ret = hp_addr_with_port(both[first ? 1 : 0], here->port == server->port ? server->alternate_port : server->port);
    return true;
}

/* CHANGE-REQUEST and RESPONSE-PORT decide both ends of the answer's path. */
static unsigned place_answer(const hp_stun_server *server, hp_stun_request *r, bool has_padding)
{
    hp_stun_attr a;
    hp_addr other;
    if (hp_stun_find_protected(r->msg, HP_STUN_CHANGE_REQUEST, &a) &&
        hp_stun_other_address(server, &r->path.server, &other)) {
        uint32_t flags;
        if (!hp_stun_attr_u32(&a, &flags)) {
            return 400;
        }
        if ((flags & 4) != 0) { /* change IP */
            r->reply_path.server = hp_addr_with_port(other, r->reply_path.server.port);
        }
        if ((flags & 2) != 0) { /* change port */
            r->reply_path.server.port = other.port;
        }
    }
    if (server->config.nat_discovery && hp_stun_find_protected(r->msg, HP_STUN_RESPONSE_PORT, &a)) {
        if (has_padding || (a.length != 2 && a.length != 4)) {
            return 400;
        }
        uint16_t port = (uint16_t)(a.value[0] << 8 | a.value[1]);
        if (port == 0) {
            return 400;
        }
        r->reply_path.client.port = port;
    }
    return 0;
}

unsigned hp_stun_binding(hp_stun_server *server, hp_stun_request *r)
{
    hp_stun_attr padding = {0};
    bool has_padding = server->config.nat_discovery && hp_stun_find_protected(r->msg, HP_STUN_PADDING, &padding);
    unsigned code = place_answer(server, r, has_padding);
    if (code != 0) {
        return code;
    }
    if (!r->msg->has_cookie) {
        hp_stun_add_addr(r->w, HP_STUN_MAPPED_ADDRESS, &r->mapped, false);
        return 0;
    }
    hp_stun_add_addr(r->w, HP_STUN_XOR_MAPPED_ADDRESS, &r->mapped, true);
    hp_stun_add_addr(r->w, HP_STUN_MAPPED_ADDRESS, &r->mapped, false);
    if (!server->config.nat_discovery) {
        return 0;
    }
    hp_stun_add_addr(r->w, HP_STUN_RESPONSE_ORIGIN, &r->reply_path.server, false);
    hp_addr other;
    if (hp_stun_other_address(server, &r->path.server, &other)) {
        hp_stun_add_addr(r->w, HP_STUN_OTHER_ADDRESS, &other, false);
    }
    if (has_padding) {
        static const uint8_t zeros[MTU];
        size_t length = ((size_t)padding.length + 3) & ~(size_t)3;
        hp_stun_add(r->w, HP_STUN_PADDING, zeros, length < MTU ? length : MTU);
    }
    return 0;
}
