/* Byte streams for fuzz_turn.c: clients on TCP, whose bytes arrive in pieces, and peers of TCP relays.
 *
 * Each stream is a slot; the engine has its address as handle. Checked: the engine reads and writes no stream that it
 * has closed, no two streams share a slot, what is written on a stream that speaks STUN is whole messages in step, and
 * the number of streams and connections is what the engine says. */
#ifndef HP_TESTS_FUZZ_TURN_STREAMS_H
#define HP_TESTS_FUZZ_TURN_STREAMS_H

#include <glib.h>

#include "check.h"
#include "engines/stun_stream.h"
#include "engines/turn_server.h"
#include "wire/stun.h"

enum { STREAM_CLIENTS = 2, STREAM_PEERS = 4, STREAM_SLOTS = STREAM_CLIENTS + STREAM_PEERS };

typedef struct slot {
    struct streams *all;
    bool used, is_peer, connecting;
    bool raw; /* no messages any more */
    hp_stun_path path;
    hp_turn_stream *stream;
    GByteArray *waiting; /* to be read */
    size_t room; /* that may still be written into */
    hp_stun_stream framer;
} slot;

typedef struct streams {
    slot slots[STREAM_SLOTS];
    size_t piece; /* how much arrives at a time */
    uint32_t latest_id;
    void (*message)(void *user, const hp_stun_path *path, const uint8_t *data, size_t len);
    void *user;
} streams;

static void streams_init(streams *s, void (*message)(void *, const hp_stun_path *, const uint8_t *, size_t), void *user)
{
    *s = (streams){.piece = 7, .message = message, .user = user};
    for (unsigned i = 0; i < STREAM_SLOTS; i++) {
        s->slots[i].all = s;
        s->slots[i].waiting = g_byte_array_new();
    }
}

static void streams_open(slot *at, const hp_stun_path *path, bool is_peer)
{
    CHECK(!at->used);
    at->used = true;
    at->is_peer = is_peer;
    at->raw = is_peer;
    at->connecting = false;
    at->path = *path;
    at->room = SIZE_MAX;
    g_byte_array_set_size(at->waiting, 0);
    hp_stun_stream_clear(&at->framer);
}

static void streams_clear(streams *s)
{
    for (unsigned i = 0; i < STREAM_SLOTS; i++) {
        CHECK(!s->slots[i].used);
        hp_stun_stream_clear(&s->slots[i].framer);
        g_byte_array_unref(s->slots[i].waiting);
    }
}

/* ---- ops ---- */

static size_t streams_read(void *user, hp_time now, void *handle, uint8_t *out, size_t cap)
{
    slot *at = handle;
    CHECK(at->used && !at->connecting);
    size_t length = MIN(MIN(cap, at->waiting->len), at->all->piece);
    if (length > 0) {
        memcpy(out, at->waiting->data, length);
        g_byte_array_remove_range(at->waiting, 0, (guint)length);
    }
    return length;
}

static size_t streams_write(void *user, hp_time now, void *handle, const uint8_t *data, size_t len)
{
    slot *at = handle;
    CHECK(at->used && !at->connecting && len > 0);
    size_t taken = MIN(len, at->room);
    at->room -= at->room == SIZE_MAX ? 0 : taken;
    hp_stun_stream_put(&at->framer, data, at->raw ? 0 : taken);
    const uint8_t *message;
    size_t length;
    while (!at->raw && hp_stun_stream_next(&at->framer, &message, &length)) {
        hp_stun_msg m;
        hp_stun_attr a;
        at->all->message(at->all->user, &at->path, message, length);
        if (!hp_stun_parse(message, length, &m)) {
            continue;
        }
        if (hp_stun_find(&m, HP_STUN_CONNECTION_ID, &a)) {
            CHECK(hp_stun_attr_u32(&a, &at->all->latest_id));
        }
        at->raw = m.method == HP_STUN_CONNECTION_BIND && m.cls == HP_STUN_SUCCESS;
    }
    CHECK(hp_stun_stream_broken(&at->framer) == NULL);
    return taken;
}

static void streams_close(void *user, hp_time now, void *handle)
{
    slot *at = handle;
    CHECK(at->used);
    at->used = false;
    at->stream = NULL;
}

static slot *streams_free_peer(streams *s)
{
    for (unsigned i = STREAM_CLIENTS; i < STREAM_SLOTS; i++) {
        if (!s->slots[i].used) {
            return &s->slots[i];
        }
    }
    return NULL;
}

static streams *streams_of(void *user);

static void *streams_connect(void *user, hp_time now, const hp_addr *relay, void *relay_handle, const hp_addr *peer,
                             hp_turn_stream *stream)
{
    slot *at = streams_free_peer(streams_of(user));
    CHECK(!hp_addr_is_loopback(peer) && !hp_addr_is_unspecified(peer));
    if (at == NULL) {
        return NULL;
    }
    streams_open(at, &(hp_stun_path){.client = *peer, .server = *relay, .transport = HP_STUN_OVER_TCP}, true);
    at->connecting = true;
    at->stream = stream;
    return at;
}

/* ---- what happens ---- */

static void streams_lose(slot *at, hp_time now)
{
    hp_turn_stream *stream = at->stream;
    at->used = false;
    at->stream = NULL;
    hp_turn_stream_lost(stream, now);
}

/* Bytes of client number c, which connects first where it is not. */
static void streams_input(streams *s, hp_turn_server *server, hp_time now, unsigned c, const hp_stun_path *path,
                          const uint8_t *data, size_t len)
{
    slot *at = &s->slots[c];
    if (!at->used) {
        streams_open(at, path, false);
        at->stream = hp_turn_server_accept(server, now, path, at);
        CHECK(at->stream != NULL);
    }
    g_byte_array_append(at->waiting, data, (guint)len);
    while (at->used && at->waiting->len > 0) {
        guint before = at->waiting->len;
        hp_turn_stream_readable(at->stream, now);
        if (!at->used || at->waiting->len == before) {
            break;
        }
    }
}

/* Something happens to a stream of a client or a peer, or a peer connects. Returns whom the engine accepted. */
static hp_turn_stream *streams_peer(streams *s, hp_turn_server *server, hp_time now, unsigned what,
                                    const hp_addr *relay, const hp_addr *peer, const uint8_t *data, size_t len)
{
    slot *at = &s->slots[(what >> 3 & 7) % STREAM_SLOTS];
    if ((what & 7) == 0) {
        slot *fresh = streams_free_peer(s);
        if (fresh == NULL) {
            return NULL;
        }
        streams_open(fresh, &(hp_stun_path){.client = *peer, .server = *relay, .transport = HP_STUN_OVER_TCP}, true);
        hp_turn_stream *stream = hp_turn_server_accept_peer(server, now, relay, peer, fresh);
        CHECK(stream == NULL || fresh->used);
        fresh->stream = stream;
        fresh->used = stream != NULL;
        return stream;
    }
    if (!at->used) {
        return NULL;
    }
    if (at->connecting) {
        if ((what & 7) < 5) {
            at->connecting = false;
            hp_turn_stream_connected(at->stream, now);
        } else {
            streams_lose(at, now);
        }
        return NULL;
    }
    switch (what & 7) {
    case 1:
    case 2:
        g_byte_array_append(at->waiting, data, (guint)len);
        hp_turn_stream_readable(at->stream, now);
        break;
    case 3:
        hp_turn_stream_ended(at->stream, now);
        break;
    case 4:
        at->room = len; /* what is written from now on waits */
        break;
    case 5:
        at->room = SIZE_MAX;
        hp_turn_stream_writable(at->stream, now);
        break;
    case 6:
        at->room = len;
        hp_turn_stream_writable(at->stream, now);
        break;
    case 7:
        streams_lose(at, now);
        break;
    }
    return NULL;
}

static void streams_check(const streams *s, const hp_turn_stats *stats)
{
    unsigned clients = 0, peers = 0;
    for (unsigned i = 0; i < STREAM_SLOTS; i++) {
        clients += s->slots[i].used && !s->slots[i].is_peer;
        peers += s->slots[i].used && s->slots[i].is_peer;
    }
    CHECK(clients == stats->streams && peers == stats->connections);
}

#endif
