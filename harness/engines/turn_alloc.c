/* Life cycles of allocations, relayed addresses and reservations (RFC 8656 sections 6 and 7.2, RFC 6062 section 5.1).
 *
 * An allocation is found by its 5-tuple, a relay by its address, a reservation by its token, each in O(1); what expires
 * stands in the front's heap of deadlines. Whatever walks over all allocations follows the list in order of creation,
 * never a hash table.
 *
 * A relayed address is unique: its port is taken in turn_ports.c before its socket is opened and returned only after
 * the socket was closed and the port has rested. A port that the driver cannot open (someone else has it) is passed
 * over; after OPEN_TRIES of them the server is out of capacity (508).
 *
 * Relays for TCP (RFC 6062) listen instead, on ports out of the same pool: a port number is one relay's or the other's.
 * Their connections end before they do.
 *
 * An allocation with two relayed addresses goes on with one when the other expires, is deleted, or could not be had
 * (sections 7.2 item 9 and 8.1). */
#include "engines/turn_private.h"

#define OPEN_TRIES 64

static void relay_expired(void *owner, hp_time now)
{
    hp_turn_relay_end(owner, now, "expired");
}

static void reservation_expired(void *owner, hp_time now)
{
    hp_turn_reservation_end(owner, now);
}

static void permission_free(gpointer permission)
{
    g_free(permission);
}

static void channel_free(gpointer channel)
{
    g_free(channel);
}

hp_turn_allocation *hp_turn_find(const hp_turn_server *server, const hp_stun_path *path)
{
    return g_hash_table_lookup(server->by_path, path);
}

void hp_turn_set_expiry(hp_turn_relay *relay, hp_time at)
{
    hp_deadlines_set(&relay->server->stun->deadlines, &relay->expiry, at);
}

/* ---- sockets ---- */

/* Opens the socket at addr's port, and for a pair the one above. */
static bool open_here(hp_turn_server *server, const hp_addr *addr, const hp_turn_wish *wish, void **ret_handle,
                      void **ret_upper)
{
    const hp_server_ops *ops = &server->stun->ops;
    void *handle = NULL;
    if (!(wish->tcp ? ops->open_tcp_relay : ops->open_relay)(server->stun->user, addr, &handle)) {
        return false;
    }
    if (wish->shape == HP_PORT_PAIR) {
        hp_addr upper = hp_addr_with_port(*addr, (uint16_t)(addr->port + 1));
        if (!ops->open_relay(server->stun->user, &upper, ret_upper)) {
            ops->close_relay(server->stun->user, addr, handle);
            return false;
        }
    }
    *ret_handle = handle;
    return true;
}

/* Takes a port of the family and opens its socket(s). False: 508. */
static bool open_port(hp_turn_server *server, hp_time now, unsigned slot, const hp_turn_wish *wish, hp_addr *ret_addr,
                      void **ret_handle, void **ret_upper)
{
    uint16_t refused[OPEN_TRIES];
    unsigned n_refused = 0;
    bool opened = false;
    uint8_t family = server->relay_address[slot].family;
    uint16_t port;
    while (!opened && n_refused < OPEN_TRIES &&
           hp_turn_ports_take(&server->ports, &server->stun->rng, now, family, wish->shape, &port)) {
        hp_addr addr = hp_addr_with_port(server->relay_address[slot], port);
        opened = open_here(server, &addr, wish, ret_handle, ret_upper);
        if (opened) {
            *ret_addr = addr;
        } else {
            refused[n_refused++] = port;
        }
    }
    for (unsigned i = 0; i < n_refused; i++) {
        hp_turn_ports_give_back(&server->ports, family, refused[i]);
        if (wish->shape == HP_PORT_PAIR) {
            hp_turn_ports_give_back(&server->ports, family, (uint16_t)(refused[i] + 1));
        }
    }
    return opened;
}

/* ---- relays ---- */

static hp_turn_relay *relay_new(hp_turn_server *server, hp_turn_allocation *allocation, const hp_addr *addr,
                                void *handle, bool tcp)
{
    hp_turn_relay *relay = g_new0(hp_turn_relay, 1);
    relay->server = server;
    relay->allocation = allocation;
    relay->addr = *addr;
    relay->handle = handle;
    relay->tcp = tcp;
    relay->expiry.fire = relay_expired;
    relay->expiry.owner = relay;
    relay->permissions = g_hash_table_new_full(hp_addr_key_hash, hp_addr_key_equal, NULL, permission_free);
    relay->channels = g_hash_table_new_full(hp_addr_key_hash, hp_addr_key_equal, NULL, channel_free);
    allocation->relays[hp_turn_slot(addr->family)] = relay;
    g_hash_table_insert(server->by_relay, &relay->addr, relay);
    return relay;
}

static void allocation_unlink(hp_turn_server *server, hp_turn_allocation *allocation)
{
    g_hash_table_remove(server->by_path, &allocation->path);
    if (allocation->previous != NULL) {
        allocation->previous->next = allocation->next;
    } else {
        server->first = allocation->next;
    }
    if (allocation->next != NULL) {
        allocation->next->previous = allocation->previous;
    } else {
        server->last = allocation->previous;
    }
    server->n_allocations--;
    server->user_allocations[allocation->user->index]--;
    g_hash_table_destroy(allocation->channels);
    g_free(allocation);
}

static gboolean channel_is_of(gpointer number, gpointer channel, gpointer relay)
{
    return ((hp_turn_channel *)channel)->relay == relay;
}

void hp_turn_relay_end(hp_turn_relay *relay, hp_time now, const char *reason)
{
    hp_turn_server *server = relay->server;
    hp_turn_allocation *allocation = relay->allocation;
    while (relay->first_connection != NULL) {
        hp_turn_connection_end(relay->first_connection, now, reason != NULL ? "allocation-ended" : NULL, NULL);
    }
    hp_server_event event = {
        .kind = HP_SERVER_EV_ALLOCATION_ENDED,
        .client = allocation->path.client,
        .relay = relay->addr,
        .user = allocation->user->name,
        .reason = reason,
        .bytes_to_peer = relay->bytes_to_peer,
        .bytes_to_client = relay->bytes_to_client,
        .packets_to_peer = relay->packets_to_peer,
        .packets_to_client = relay->packets_to_client,
    };
    hp_deadlines_clear(&server->stun->deadlines, &relay->expiry);
    g_hash_table_remove(server->by_relay, &relay->addr);
    g_hash_table_foreach_remove(allocation->channels, channel_is_of, relay);
    g_hash_table_destroy(relay->channels);
    g_hash_table_destroy(relay->permissions);
    hp_addr addr = relay->addr;
    void *handle = relay->handle;
    const hp_server_ops *ops = &server->stun->ops;
    void (*close_socket)(void *user, const hp_addr *addr, void *handle) =
        relay->tcp ? ops->close_tcp_relay : ops->close_relay;
    allocation->relays[hp_turn_slot(addr.family)] = NULL;
    g_free(relay);
    if (allocation->relays[HP_TURN_V4] == NULL && allocation->relays[HP_TURN_V6] == NULL) {
        allocation_unlink(server, allocation);
    }
    close_socket(server->stun->user, &addr, handle);
    hp_turn_ports_retire(&server->ports, now, addr.family, addr.port);
    if (reason != NULL) {
        hp_stun_server_event(server->stun, now, &event);
    }
}

void hp_turn_allocation_end(hp_turn_allocation *allocation, hp_time now, const char *reason)
{
    hp_turn_relay *relays[2] = {allocation->relays[0], allocation->relays[1]};
    for (unsigned slot = 0; slot < 2; slot++) {
        if (relays[slot] != NULL) {
            hp_turn_relay_end(relays[slot], now, reason);
        }
    }
}

/* ---- reservations ---- */

hp_turn_reservation *hp_turn_reservation_find(const hp_turn_server *server, const uint8_t token[static 8])
{
    uint64_t key;
    memcpy(&key, token, sizeof key);
    return g_hash_table_lookup(server->reservations, &key);
}

static void reservation_new(hp_turn_server *server, const hp_stun_request *r, const hp_addr *addr, void *handle,
                            uint8_t ret_token[static 8])
{
    hp_turn_reservation *reservation = g_new0(hp_turn_reservation, 1);
    reservation->server = server;
    reservation->user = r->credentials.user;
    reservation->addr = *addr;
    reservation->handle = handle;
    reservation->expiry.fire = reservation_expired;
    reservation->expiry.owner = reservation;
    do {
        hp_rng_bytes(&server->stun->rng, ret_token, 8);
    } while (hp_turn_reservation_find(server, ret_token) != NULL);
    memcpy(&reservation->token, ret_token, sizeof reservation->token);
    g_hash_table_insert(server->reservations, &reservation->token, reservation);
    server->user_reservations[reservation->user->index]++;
    hp_deadlines_set(&server->stun->deadlines, &reservation->expiry, hp_time_add(r->now, HP_TURN_RESERVATION));
}

void hp_turn_reservation_end(hp_turn_reservation *reservation, hp_time now)
{
    hp_turn_server *server = reservation->server;
    hp_deadlines_clear(&server->stun->deadlines, &reservation->expiry);
    server->user_reservations[reservation->user->index]--;
    hp_addr addr = reservation->addr;
    void *handle = reservation->handle;
    g_hash_table_remove(server->reservations, &reservation->token);
    if (handle != NULL) {
        server->stun->ops.close_relay(server->stun->user, &addr, handle);
        hp_turn_ports_retire(&server->ports, now, addr.family, addr.port);
    }
}

/* ---- allocations ---- */

/* One relayed address for each wanted family, by opening ports; the code of the last family that could not be had. */
static unsigned open_relays(hp_turn_server *server, const hp_stun_request *r, const hp_turn_wish *wish,
                            hp_turn_allocation *allocation)
{
    unsigned code = 0;
    for (unsigned slot = 0; slot < 2; slot++) {
        if (!wish->family[slot]) {
            continue;
        }
        hp_addr addr;
        void *handle = NULL, *upper = NULL;
        if (server->relay_address[slot].family == HP_AF_NONE) {
            code = 440;
        } else if (!open_port(server, r->now, slot, wish, &addr, &handle, &upper)) {
            code = 508;
        } else {
            relay_new(server, allocation, &addr, handle, wish->tcp);
            if (wish->shape == HP_PORT_PAIR) {
                hp_addr next = hp_addr_with_port(addr, (uint16_t)(addr.port + 1));
                reservation_new(server, r, &next, upper, allocation->token);
                allocation->has_token = true;
            }
            continue;
        }
        allocation->refused_family = slot == HP_TURN_V4 ? HP_AF_IPV4 : HP_AF_IPV6;
        allocation->refused_code = code;
    }
    return code;
}

unsigned hp_turn_allocation_new(hp_turn_server *server, const hp_stun_request *r, const hp_turn_wish *wish,
                                hp_turn_allocation **ret)
{
    hp_turn_allocation *allocation = g_new0(hp_turn_allocation, 1);
    unsigned code = 0;
    if (wish->token != NULL) {
        hp_turn_reservation *reservation = hp_turn_reservation_find(server, wish->token);
        if (reservation != NULL) {
            relay_new(server, allocation, &reservation->addr, reservation->handle, false);
            reservation->handle = NULL;
            hp_turn_reservation_end(reservation, r->now);
        } else {
            code = 508;
        }
    } else {
        code = open_relays(server, r, wish, allocation);
    }
    if (allocation->relays[HP_TURN_V4] == NULL && allocation->relays[HP_TURN_V6] == NULL) {
        g_free(allocation);
        return code;
    }
    allocation->path = r->path;
    allocation->user = r->credentials.user;
    memcpy(allocation->transaction, r->msg->id, sizeof allocation->transaction);
    allocation->channels = g_hash_table_new(NULL, NULL);
    g_hash_table_insert(server->by_path, &allocation->path, allocation);
    allocation->previous = server->last;
    if (server->last != NULL) {
        server->last->next = allocation;
    } else {
        server->first = allocation;
    }
    server->last = allocation;
    server->n_allocations++;
    server->user_allocations[allocation->user->index]++;
    for (unsigned slot = 0; slot < 2; slot++) {
        if (allocation->relays[slot] != NULL) {
            hp_turn_set_expiry(allocation->relays[slot], hp_time_add(r->now, wish->lifetime));
        }
    }
    *ret = allocation;
    return 0;
}
