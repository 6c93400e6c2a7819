/* Allocate and Refresh (RFC 8656 sections 7.2 and 8.2).
 *
 * The checks of Allocate stand in the order of section 7.2. A repeated Allocate (same 5-tuple, same transaction id,
 * same user) is answered anew from the allocation it made, with the time that is left; a repeated Refresh refreshes
 * again.
 *
 * LIFETIME is whole seconds: what is left, rounded down, but 1 as long as anything is left.
 *
 * A redirect (300) needs an alternate of the client's address family (RFC 8489 section 10); without one the server
 * serves the client itself. It is only ever sent to authenticated requests, and signed. */
#include "engines/turn_private.h"

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };

/* The first byte of an attribute of that length; *ret is left alone when it is absent. False: 400. */
static bool read_byte(const hp_stun_msg *m, uint16_t type, size_t length, bool *ret_present, uint8_t *ret)
{
    hp_stun_attr a;
    *ret_present = hp_stun_find_protected(m, type, &a);
    if (!*ret_present) {
        return true;
    }
    if (a.length != length) {
        return false;
    }
    *ret = a.value[0];
    return true;
}

static bool read_lifetime(const hp_turn_server *server, const hp_stun_msg *m, bool refresh, hp_time *ret)
{
    hp_stun_attr a;
    uint32_t seconds;
    hp_time lifetime = server->lifetime;
    if (hp_stun_find_protected(m, HP_STUN_LIFETIME, &a)) {
        if (!hp_stun_attr_u32(&a, &seconds)) {
            return false;
        }
        hp_time wanted = MIN(seconds * HP_S, server->max_lifetime);
        lifetime = refresh && seconds == 0 ? 0 : MAX(wanted, server->lifetime);
    }
    *ret = lifetime;
    return true;
}

static uint32_t seconds_left(hp_time now, hp_time at)
{
    return at <= now ? 0 : (uint32_t)MAX((at - now) / HP_S, 1);
}

/* ---- Allocate ---- */

static void add_address_error(hp_stun_writer *w, uint8_t family, unsigned code)
{
    const char *reason = hp_stun_error_reason(code);
    uint8_t value[4 + 128] = {family == HP_AF_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4, 0, (uint8_t)(code / 100),
                              (uint8_t)(code % 100)};
    size_t length = 4;
    while (reason != NULL && *reason != '\0' && length < 4 + 127) {
        value[length++] = (uint8_t)*reason++;
    }
    hp_stun_add(w, HP_STUN_ADDRESS_ERROR_CODE, value, length);
}

static void add_allocation(const hp_stun_request *r, const hp_turn_allocation *allocation)
{
    hp_time expires = 0;
    for (unsigned slot = 0; slot < 2; slot++) {
        const hp_turn_relay *relay = allocation->relays[slot];
        if (relay != NULL) {
            hp_stun_add_addr(r->w, HP_STUN_XOR_RELAYED_ADDRESS, &relay->addr, true);
            expires = MAX(expires, relay->expiry.at);
        }
    }
    hp_stun_add_addr(r->w, HP_STUN_XOR_MAPPED_ADDRESS, &r->mapped, true);
    hp_stun_add_u32(r->w, HP_STUN_LIFETIME, seconds_left(r->now, expires));
    if (allocation->has_token) {
        hp_stun_add(r->w, HP_STUN_RESERVATION_TOKEN, allocation->token, sizeof allocation->token);
    }
    if (allocation->refused_family != HP_AF_NONE) {
        add_address_error(r->w, allocation->refused_family, allocation->refused_code);
    }
}

static bool has_any(const hp_stun_msg *m, const uint16_t *types, size_t n)
{
    hp_stun_attr a;
    for (size_t i = 0; i < n; i++) {
        if (hp_stun_find_protected(m, types[i], &a)) {
            return true;
        }
    }
    return false;
}

/* Section 7.2, checks 3 and 4, and RFC 6062 section 5.1. DONT-FRAGMENT that nobody understands was dealt with as an
 * unknown attribute. */
static unsigned check_transport(const hp_turn_server *server, const hp_stun_request *r, bool *ret_tcp)
{
    static const uint16_t udp_only[] = {HP_STUN_DONT_FRAGMENT, HP_STUN_EVEN_PORT, HP_STUN_RESERVATION_TOKEN};
    bool present;
    uint8_t protocol = 0;
    if (!read_byte(r->msg, HP_STUN_REQUESTED_TRANSPORT, 4, &present, &protocol) || !present) {
        return 400;
    }
    if (protocol == PROTOCOL_UDP) {
        return server->relays_udp ? 0 : 403;
    }
    if (protocol != PROTOCOL_TCP || !server->relays_tcp) {
        return 442;
    }
    *ret_tcp = true;
    return hp_stun_is_stream(r->path.transport) && !has_any(r->msg, udp_only, G_N_ELEMENTS(udp_only)) ? 0 : 400;
}

/* Section 7.2, checks 5 to 9: what is asked for. */
static unsigned read_wish(const hp_turn_server *server, const hp_stun_msg *m, hp_turn_wish *ret)
{
    bool has_family, has_additional, has_even;
    uint8_t family = FAMILY_IPV4, additional = 0, even = 0;
    if (!read_byte(m, HP_STUN_REQUESTED_ADDRESS_FAMILY, 4, &has_family, &family) ||
        !read_byte(m, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, 4, &has_additional, &additional) ||
        !read_byte(m, HP_STUN_EVEN_PORT, 1, &has_even, &even) || !read_lifetime(server, m, false, &ret->lifetime)) {
        return 400;
    }
    hp_stun_attr token;
    if (hp_stun_find_protected(m, HP_STUN_RESERVATION_TOKEN, &token)) {
        if (token.length != 8 || has_even || has_family || has_additional) {
            return 400;
        }
        ret->token = token.value;
        return hp_turn_reservation_find(server, token.value) != NULL ? 0 : 508;
    }
    bool reserve = has_even && (even & 0x80) != 0;
    if (has_additional && (has_family || additional != FAMILY_IPV6 || reserve)) {
        return 400;
    }
    ret->shape = !has_even ? HP_PORT_ANY : reserve ? HP_PORT_PAIR : HP_PORT_EVEN;
    ret->dual = has_additional;
    ret->family[HP_TURN_V4] = has_additional || family == FAMILY_IPV4;
    ret->family[HP_TURN_V6] = has_additional || family == FAMILY_IPV6;
    for (unsigned slot = 0; slot < 2 && !ret->dual; slot++) {
        if (ret->family[slot] && server->relay_address[slot].family == HP_AF_NONE) {
            return 440;
        }
    }
    return ret->family[HP_TURN_V4] || ret->family[HP_TURN_V6] ? 0 : 440;
}

/* Section 7.2, check 10, and the server's own capacity. Reservations are limited like allocations, on their own count:
 * a user with a quota of one can still redeem the token of a pair. */
static unsigned check_limits(const hp_turn_server *server, const hp_stun_user *user, const hp_turn_wish *wish)
{
    const hp_server_config *config = &server->stun->config;
    bool reserve = wish->shape == HP_PORT_PAIR;
    if (config->user_quota != 0 && (server->user_allocations[user->index] >= config->user_quota ||
                                    (reserve && server->user_reservations[user->index] >= config->user_quota))) {
        return 486;
    }
    if (config->capacity != 0 && (server->n_allocations >= config->capacity ||
                                  (reserve && g_hash_table_size(server->reservations) >= config->capacity))) {
        return 508;
    }
    return 0;
}

unsigned hp_turn_allocate(hp_turn_server *server, hp_stun_request *r)
{
    hp_turn_allocation *allocation = hp_turn_find(server, &r->path);
    if (allocation != NULL) {
        if (allocation->user != r->credentials.user ||
            memcmp(allocation->transaction, r->msg->id, sizeof allocation->transaction) != 0) {
            return 437;
        }
        add_allocation(r, allocation);
        return 0;
    }
    if (hp_turn_is_tunnel(&r->path.client)) {
        return 403;
    }
    if (r->alternate.family != HP_AF_NONE && r->alternate.family == r->path.client.family) {
        return 300;
    }
    hp_turn_wish wish = {0};
    unsigned code = check_transport(server, r, &wish.tcp);
    code = code != 0 ? code : read_wish(server, r->msg, &wish);
    code = code != 0 ? code : check_limits(server, r->credentials.user, &wish);
    code = code != 0 ? code : hp_turn_allocation_new(server, r, &wish, &allocation);
    if (code != 0) {
        return code;
    }
    add_allocation(r, allocation);
    for (unsigned slot = 0; slot < 2; slot++) {
        const hp_turn_relay *relay = allocation->relays[slot];
        if (relay != NULL) {
            hp_stun_server_event(server->stun, r->now,
                                 &(hp_server_event){
                                     .kind = HP_SERVER_EV_ALLOCATION,
                                     .client = r->path.client,
                                     .transport = r->path.transport,
                                     .relay = relay->addr,
                                     .user = allocation->user->name,
                                     .lifetime = wish.lifetime,
                                 });
        }
    }
    return 0;
}

/* ---- Refresh ---- */

unsigned hp_turn_refresh(hp_turn_server *server, hp_stun_request *r, hp_turn_allocation *allocation)
{
    bool has_family;
    uint8_t family = 0;
    hp_time lifetime;
    if (!read_byte(r->msg, HP_STUN_REQUESTED_ADDRESS_FAMILY, 4, &has_family, &family) ||
        !read_lifetime(server, r->msg, true, &lifetime)) {
        return 400;
    }
    hp_turn_relay *relays[2] = {allocation->relays[0], allocation->relays[1]};
    if (has_family) {
        unsigned slot = family == FAMILY_IPV6 ? HP_TURN_V6 : HP_TURN_V4;
        if ((family != FAMILY_IPV4 && family != FAMILY_IPV6) || relays[slot] == NULL) {
            return 443;
        }
        relays[1 - slot] = NULL;
    }
    for (unsigned slot = 0; slot < 2; slot++) {
        if (relays[slot] == NULL) {
            continue;
        }
        if (lifetime == 0) {
            hp_turn_relay_end(relays[slot], r->now, "deleted");
        } else {
            hp_turn_set_expiry(relays[slot], hp_time_add(r->now, lifetime));
        }
    }
    hp_stun_add_u32(r->w, HP_STUN_LIFETIME, seconds_left(r->now, hp_time_add(r->now, lifetime)));
    return 0;
}
