/* CreatePermission and ChannelBind (RFC 8656 sections 9, 10.2 and 12.2).
 *
 * Permissions go by IP address, channels by transport address. Both live by comparison with the clock (now < expires)
 * and need no timer: nothing happens when one ends but that data is dropped from then on. An expired record stays until
 * its table is full or its number or peer is bound anew, so a table never holds more than its cap.
 *
 * CreatePermission looks at every peer before it installs any: one bad peer and none is installed. */
#include "engines/turn_private.h"

static hp_turn_permission *find_permission(const hp_turn_relay *relay, const hp_addr *peer)
{
    hp_addr ip = hp_addr_with_port(*peer, 0);
    return g_hash_table_lookup(relay->permissions, &ip);
}

bool hp_turn_permits(const hp_turn_relay *relay, hp_time now, const hp_addr *peer)
{
    const hp_turn_permission *permission = find_permission(relay, peer);
    return permission != NULL && now < permission->expires;
}

static gboolean permission_is_dead(gpointer ip, gpointer permission, gpointer now)
{
    const hp_turn_permission *p = permission;
    return p->n_channels == 0 && p->expires <= *(hp_time *)now;
}

static bool has_room(const hp_turn_relay *relay, unsigned n)
{
    return g_hash_table_size(relay->permissions) + n <= HP_TURN_MAX_PERMISSIONS;
}

/* Throws out the dead ones when n more would not fit beside them. */
static void make_room(hp_turn_relay *relay, hp_time now, unsigned n)
{
    if (!has_room(relay, n)) {
        g_hash_table_foreach_remove(relay->permissions, permission_is_dead, &now);
    }
}

/* Installs or refreshes. There is room. */
static hp_turn_permission *install(hp_turn_relay *relay, hp_time now, const hp_addr *peer)
{
    hp_turn_permission *permission = find_permission(relay, peer);
    if (permission == NULL) {
        permission = g_new0(hp_turn_permission, 1);
        permission->ip = hp_addr_with_port(*peer, 0);
        g_hash_table_insert(relay->permissions, &permission->ip, permission);
    }
    bool fresh = permission->expires <= now;
    permission->expires = hp_time_add(now, relay->server->permission_lifetime);
    if (fresh) {
        hp_stun_server_event(relay->server->stun, now,
                             &(hp_server_event){
                                 .kind = HP_SERVER_EV_PERMISSION,
                                 .client = relay->allocation->path.client,
                                 .relay = relay->addr,
                                 .peer = permission->ip,
                                 .user = relay->allocation->user->name,
                             });
    }
    return permission;
}

/* The checks that both methods share. Returns 0 and the relay of the peer's family, or an error code. */
static unsigned check_peer(const hp_turn_server *server, const hp_turn_allocation *allocation, const hp_addr *peer,
                           hp_turn_relay **ret)
{
    hp_turn_relay *relay = allocation->relays[hp_turn_slot(peer->family)];
    if (relay == NULL) {
        return 443;
    }
    if (!hp_turn_peer_allowed(server, peer)) {
        return 403;
    }
    *ret = relay;
    return 0;
}

/* How many of the request's peers need a permission made on that relay; one named twice counts twice. */
static unsigned count_fresh(const hp_turn_relay *relay, const hp_stun_msg *m)
{
    size_t cursor = 0;
    hp_stun_attr a;
    hp_addr peer;
    unsigned n = 0;
    while (hp_stun_next_covered(m, &cursor, &a)) {
        n += a.type == HP_STUN_XOR_PEER_ADDRESS && hp_stun_attr_addr(m, &a, true, &peer) &&
             peer.family == relay->addr.family && find_permission(relay, &peer) == NULL;
    }
    return n;
}

unsigned hp_turn_create_permission(hp_turn_server *server, hp_stun_request *r, hp_turn_allocation *allocation)
{
    size_t cursor = 0;
    hp_stun_attr a;
    hp_addr peer;
    hp_turn_relay *relay;
    unsigned n[2] = {0};
    while (hp_stun_next_covered(r->msg, &cursor, &a)) {
        if (a.type != HP_STUN_XOR_PEER_ADDRESS) {
            continue;
        }
        if (!hp_stun_attr_addr(r->msg, &a, true, &peer)) {
            return 400;
        }
        unsigned code = check_peer(server, allocation, &peer, &relay);
        if (code != 0) {
            return code;
        }
        n[hp_turn_slot(peer.family)]++;
    }
    if (n[HP_TURN_V4] + n[HP_TURN_V6] == 0) {
        return 400;
    }
    for (unsigned slot = 0; slot < 2; slot++) {
        relay = allocation->relays[slot];
        if (n[slot] == 0) {
            continue;
        }
        make_room(relay, r->now, n[slot]); /* before counting: a dead one that is thrown out must be made anew */
        if (!has_room(relay, count_fresh(relay, r->msg))) {
            return 508;
        }
    }
    for (cursor = 0; hp_stun_next_covered(r->msg, &cursor, &a);) {
        if (a.type == HP_STUN_XOR_PEER_ADDRESS && hp_stun_attr_addr(r->msg, &a, true, &peer)) {
            install(allocation->relays[hp_turn_slot(peer.family)], r->now, &peer);
        }
    }
    return 0;
}

/* ---- channels ---- */

static void unbind(hp_turn_allocation *allocation, hp_turn_channel *channel)
{
    channel->permission->n_channels--;
    g_hash_table_remove(allocation->channels, GUINT_TO_POINTER(channel->number));
    g_hash_table_remove(channel->relay->channels, &channel->peer);
}

static gboolean channel_is_dead(gpointer peer, gpointer channel, gpointer now)
{
    hp_turn_channel *c = channel;
    if (c->expires > *(hp_time *)now) {
        return FALSE;
    }
    c->permission->n_channels--;
    g_hash_table_remove(c->relay->allocation->channels, GUINT_TO_POINTER(c->number));
    return TRUE;
}

static bool channels_have_room(hp_turn_relay *relay, hp_time now)
{
    if (g_hash_table_size(relay->channels) >= HP_TURN_MAX_CHANNELS) {
        g_hash_table_foreach_remove(relay->channels, channel_is_dead, &now);
    }
    return g_hash_table_size(relay->channels) < HP_TURN_MAX_CHANNELS;
}

static bool read_binding(const hp_stun_msg *m, bool wide, uint16_t *ret_number, hp_addr *ret_peer)
{
    hp_stun_attr number, peer;
    uint32_t value;
    if (!hp_stun_find_protected(m, HP_STUN_CHANNEL_NUMBER, &number) || !hp_stun_attr_u32(&number, &value) ||
        !hp_stun_find_protected(m, HP_STUN_XOR_PEER_ADDRESS, &peer) || !hp_stun_attr_addr(m, &peer, true, ret_peer) ||
        ret_peer->port == 0) {
        return false;
    }
    *ret_number = (uint16_t)(value >> 16);
    return *ret_number >= 0x4000 && *ret_number <= (wide ? 0x7fff : 0x4fff);
}

unsigned hp_turn_channel_bind(hp_turn_server *server, hp_stun_request *r, hp_turn_allocation *allocation)
{
    uint16_t number;
    hp_addr peer;
    if (!read_binding(r->msg, server->stun->config.wide_channels, &number, &peer)) {
        return 400;
    }
    hp_turn_relay *relay = NULL;
    unsigned code = check_peer(server, allocation, &peer, &relay);
    if (code != 0) {
        return code;
    }
    if (relay->tcp || hp_turn_peer_is_self(server, &peer) || hp_turn_is_tunnel(&r->path.client)) {
        return 403;
    }
    hp_turn_channel *by_number = g_hash_table_lookup(allocation->channels, GUINT_TO_POINTER(number));
    hp_turn_channel *by_peer = g_hash_table_lookup(relay->channels, &peer);
    bool same = by_number != NULL && by_number == by_peer;
    if (!same &&
        ((by_number != NULL && r->now < by_number->expires) || (by_peer != NULL && r->now < by_peer->expires))) {
        return 400;
    }
    hp_turn_channel *channel = same ? by_number : NULL;
    if (!same && by_number != NULL) {
        unbind(allocation, by_number);
    }
    if (!same && by_peer != NULL) {
        unbind(allocation, by_peer);
    }
    make_room(relay, r->now, 1);
    bool needs_permission = find_permission(relay, &peer) == NULL;
    if ((needs_permission && !has_room(relay, 1)) || (!same && !channels_have_room(relay, r->now))) {
        return 508;
    }
    bool fresh = !same || channel->expires <= r->now;
    hp_turn_permission *permission = install(relay, r->now, &peer);
    if (channel == NULL) {
        channel = g_new0(hp_turn_channel, 1);
        channel->peer = peer;
        channel->relay = relay;
        channel->permission = permission;
        channel->number = number;
        permission->n_channels++;
        g_hash_table_insert(relay->channels, &channel->peer, channel);
        g_hash_table_insert(allocation->channels, GUINT_TO_POINTER(number), channel);
    }
    channel->expires = hp_time_add(r->now, server->channel_lifetime);
    if (fresh) {
        hp_stun_server_event(server->stun, r->now,
                             &(hp_server_event){
                                 .kind = HP_SERVER_EV_CHANNEL,
                                 .client = allocation->path.client,
                                 .relay = relay->addr,
                                 .peer = peer,
                                 .channel = number,
                                 .user = allocation->user->name,
                             });
    }
    return 0;
}
