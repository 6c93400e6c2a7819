/* Data through the relay (RFC 8656 sections 11, 12 and 14): Send and ChannelData towards peers, Data and ChannelData
 * towards clients, ICMP errors as Data indications.
 *
 * A packet costs two or three look-ups by hash, no allocation and no HMAC. What may not pass is dropped with an event
 * that says why; nothing here ever answers, and nothing refreshes a permission or a channel.
 *
 * IP fields: DSCP and ECN are copied. The TTL is decremented where it is known, as a router does, and a datagram whose
 * TTL runs out is dropped, which ends loops between relays (section 21.1.7). DF is copied between IPv4 and IPv4, and
 * set by DONT-FRAGMENT in a Send indication; with IPv6 on either side both are ignored (section 13). Between a stream
 * and UDP nothing is copied either way, and DONT-FRAGMENT alone sets DF (sections 15 and 16). */
#include "engines/turn_private.h"

void hp_turn_tell_dropped(const hp_turn_server *server, hp_time now, const hp_addr *client, const hp_addr *peer,
                          const char *reason)
{
    hp_server_event event = {.kind = HP_SERVER_EV_DROPPED, .client = *client, .user = "", .reason = reason};
    if (peer != NULL) {
        event.peer = *peer;
    }
    hp_stun_server_event(server->stun, now, &event);
}

/* What goes out when `in` came in. False when the TTL ran out. */
static bool translate(const hp_stun_meta *in, bool ipv4_to_ipv4, bool force_df, hp_stun_meta *ret)
{
    if (in->ttl == 1) {
        return false;
    }
    *ret = (hp_stun_meta){
        .ttl = in->ttl == 0 ? 0 : (uint8_t)(in->ttl - 1),
        .tos = in->tos,
        .dont_fragment = ipv4_to_ipv4 && (in->dont_fragment || force_df),
        .relayed = ipv4_to_ipv4,
        .never_cut = ipv4_to_ipv4 && force_df,
    };
    return true;
}

/* ---- towards peers ---- */

static void to_peer(hp_turn_relay *relay, hp_time now, const hp_addr *peer, const uint8_t *data, size_t len,
                    const hp_stun_meta *in, bool force_df)
{
    hp_turn_server *server = relay->server;
    const hp_addr *client = &relay->allocation->path.client;
    hp_stun_meta out;
    if (hp_turn_peer_is_self(server, peer)) {
        hp_turn_tell_dropped(server, now, client, peer, "forbidden");
        return;
    }
    if (!translate(in, client->family == HP_AF_IPV4 && peer->family == HP_AF_IPV4, force_df, &out)) {
        hp_turn_tell_dropped(server, now, client, peer, "ttl");
        return;
    }
    relay->packets_to_peer++;
    relay->bytes_to_peer += len;
    if (!server->stun->ops.relay(server->stun->user, now, &relay->addr, relay->handle, peer, data, len, &out)) {
        relay->packets_to_peer--;
        relay->bytes_to_peer -= len;
        hp_turn_tell_dropped(server, now, client, peer, "unsent");
    }
}

void hp_turn_send(hp_turn_server *server, hp_time now, const hp_stun_msg *m, const hp_stun_path *path,
                  const hp_stun_meta *meta)
{
    const hp_turn_allocation *allocation = hp_turn_find(server, path);
    hp_stun_attr address, data, df;
    hp_addr peer;
    if (allocation == NULL) {
        hp_turn_tell_dropped(server, now, &path->client, NULL, "no-allocation");
        return;
    }
    if (hp_stun_server_has_unknown(server->stun, path, m)) {
        hp_turn_tell_dropped(server, now, &path->client, NULL, "unknown-attribute");
        return;
    }
    if (!hp_stun_find_protected(m, HP_STUN_XOR_PEER_ADDRESS, &address) ||
        !hp_stun_attr_addr(m, &address, true, &peer) || peer.port == 0 ||
        !hp_stun_find_protected(m, HP_STUN_DATA_ATTR, &data)) {
        hp_turn_tell_dropped(server, now, &path->client, NULL, "malformed");
        return;
    }
    hp_turn_relay *relay = allocation->relays[hp_turn_slot(peer.family)];
    if (relay == NULL || relay->tcp) {
        hp_turn_tell_dropped(server, now, &path->client, &peer, relay == NULL ? "family" : "tcp-relay");
        return;
    }
    if (!hp_turn_permits(relay, now, &peer)) {
        hp_turn_tell_dropped(server, now, &path->client, &peer, "no-permission");
        return;
    }
    to_peer(relay, now, &peer, data.value, data.length, meta, hp_stun_find_protected(m, HP_STUN_DONT_FRAGMENT, &df));
}

void hp_turn_channel_data(hp_turn_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                          size_t len, const hp_stun_meta *meta)
{
    const hp_turn_allocation *allocation = hp_turn_find(server, path);
    uint16_t number;
    const uint8_t *payload;
    size_t length;
    if (allocation == NULL) {
        hp_turn_tell_dropped(server, now, &path->client, NULL, "no-allocation");
        return;
    }
    bool wide = server->stun->config.wide_channels;
    if (!(wide ? hp_channel_data_parse_wide : hp_channel_data_parse)(data, len, &number, &payload, &length)) {
        hp_turn_tell_dropped(server, now, &path->client, NULL, "malformed");
        return;
    }
    const hp_turn_channel *channel = g_hash_table_lookup(allocation->channels, GUINT_TO_POINTER(number));
    if (channel == NULL || now >= channel->expires) {
        hp_turn_tell_dropped(server, now, &path->client, NULL, "no-channel");
        return;
    }
    if (now >= channel->permission->expires) {
        hp_turn_tell_dropped(server, now, &path->client, &channel->peer, "no-permission");
        return;
    }
    hp_addr peer = channel->peer;
    to_peer(channel->relay, now, &peer, payload, length, meta, false);
}

/* ---- towards clients ---- */

/* Begins a Data indication about a peer in the front's buffer. */
static void begin_data(hp_turn_server *server, hp_stun_writer *w, const hp_addr *peer)
{
    uint8_t id[12];
    hp_rng_bytes(&server->stun->rng, id, sizeof id);
    hp_stun_begin(w, server->stun->out, sizeof server->stun->out, HP_STUN_INDICATION, HP_STUN_DATA, id, NULL);
    hp_stun_add_addr(w, HP_STUN_XOR_PEER_ADDRESS, peer, true);
}

void hp_turn_server_relay_input(hp_turn_server *server, hp_time now, const hp_addr *to, const hp_addr *peer,
                                const uint8_t *data, size_t len, const hp_stun_meta *meta)
{
    static const hp_stun_meta nothing;
    hp_stun_server *stun = server->stun;
    hp_stun_server_run(stun, now);
    hp_turn_relay *relay = g_hash_table_lookup(server->by_relay, to);
    if (relay == NULL || relay->tcp) { /* a reserved port, or one that has just been closed */
        return;
    }
    const hp_stun_path *path = &relay->allocation->path;
    const hp_turn_channel *channel = g_hash_table_lookup(relay->channels, peer);
    bool permitted = channel != NULL ? now < channel->permission->expires : hp_turn_permits(relay, now, peer);
    if (!permitted) {
        hp_turn_tell_dropped(server, now, &path->client, peer, "no-permission");
        return;
    }
    /* A stream has its own IP fields, whatever it carries (section 16). */
    bool stream = hp_stun_is_stream(path->transport);
    hp_stun_meta out;
    if (!translate(meta != NULL && !stream ? meta : &nothing,
                   path->client.family == HP_AF_IPV4 && peer->family == HP_AF_IPV4, false, &out)) {
        hp_turn_tell_dropped(server, now, &path->client, peer, "ttl");
        return;
    }
    size_t length;
    if (channel != NULL && now < channel->expires) {
        length = hp_channel_data_write(stun->out, sizeof stun->out, channel->number, data, len);
    } else {
        hp_stun_writer w;
        begin_data(server, &w, peer);
        hp_stun_add(&w, HP_STUN_DATA_ATTR, data, len);
        length = hp_stun_finish(&w);
    }
    /* What fits a datagram from the peer may not fit one to the client. */
    size_t most = path->client.family == HP_AF_IPV6 ? 65535 - 8 : 65535 - 28;
    if (length == 0 || (length > most && !stream)) {
        hp_turn_tell_dropped(server, now, &path->client, peer, "too-long");
        return;
    }
    relay->packets_to_client++;
    relay->bytes_to_client += len;
    hp_stun_path copy = *path;
    if (!hp_stun_server_send(stun, now, &copy, stun->out, length, &out, true)) {
        relay->packets_to_client--;
        relay->bytes_to_client -= len;
        hp_turn_tell_dropped(server, now, &copy.client, peer, "unsent");
    }
}

/* Section 11.5: destination unreachable and time exceeded, and IPv6's packet too big. */
static bool icmp_matters(uint8_t family, uint8_t type)
{
    return family == HP_AF_IPV6 ? type >= 1 && type <= 3 : type == 3 || type == 11;
}

void hp_turn_server_relay_icmp(hp_turn_server *server, hp_time now, const hp_addr *from, const hp_addr *peer,
                               uint8_t type, uint8_t code, uint32_t mtu)
{
    hp_stun_server *stun = server->stun;
    hp_stun_server_run(stun, now);
    const hp_turn_relay *relay = g_hash_table_lookup(server->by_relay, from);
    if (relay == NULL || !icmp_matters(peer->family, type) || !hp_turn_permits(relay, now, peer)) {
        return;
    }
    bool too_big = peer->family == HP_AF_IPV6 ? type == 2 : type == 3 && code == 4;
    /* Section 18.13: 16 reserved bits, 7 of type, 9 of code, and 32 of error data. */
    uint64_t value = (uint64_t)((uint32_t)type << 9 | code) << 32 | (too_big ? mtu : 0);
    hp_stun_writer w;
    begin_data(server, &w, peer);
    hp_stun_add_u64(&w, HP_STUN_ICMP, value);
    size_t length = hp_stun_finish(&w);
    hp_stun_path path = relay->allocation->path;
    hp_stun_server_send(stun, now, &path, stun->out, length, NULL, true);
}
