/* A TURN server under test, with everything it sends, relays and tells of on record, and a client that speaks to it.
 *
 * The server is at 203.0.113.1, 203.0.113.2 and 2001:db8::1, 2001:db8::2 as far as a test asks for them; time moves
 * only when a test moves rig.now. A request is written into rig.w between rig_begin() and rig_send() or rig_login(). */
#ifndef HP_TESTS_ENGINES_RIG_H
#define HP_TESTS_ENGINES_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "engines/turn_server.h"
#include "wire/stun.h"

typedef struct rig_sent {
    hp_time at;
    hp_stun_path path; /* for what was relayed: server is the relayed address, client the peer */
    hp_stun_meta meta;
    uint8_t bytes[66000];
    size_t length;
    hp_stun_msg msg; /* zero when it is no STUN */
} rig_sent;

typedef struct rig {
    hp_server_config config;
    hp_turn_user users[3];
    hp_addr addresses[4];
    size_t n_addresses;
    hp_turn_server *server;
    hp_time now;
    GPtrArray *sent, *relayed; /* of rig_sent */
    GArray *events; /* of hp_server_event */
    GArray *open; /* hp_addr of open relays */
    uint16_t taken_port; /* open_relay refuses it */
    bool no_network; /* send and relay fail */
    /* What clients send goes here instead of into the server as a datagram (stream_rig.h). */
    void (*input)(struct rig *r, const hp_addr *from, const uint8_t *data, size_t len);
    /* the request being written */
    uint8_t buffer[4096];
    hp_stun_writer w;
    uint8_t id[12];
    uint32_t next_id;
    hp_addr server_addr;
} rig;

typedef struct rig_client {
    hp_addr addr;
    const char *user, *password;
    char nonce[256];
    size_t nonce_length;
} rig_client;

static inline hp_addr rig_addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static inline bool rig_op_send(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                               const hp_stun_meta *meta)
{
    rig *r = user;
    if (r->no_network) {
        return false;
    }
    rig_sent *s = g_new0(rig_sent, 1);
    *s = (rig_sent){.at = now, .path = *path, .meta = *meta, .length = len};
    memcpy(s->bytes, data, len);
    if (!hp_stun_parse(s->bytes, len, &s->msg)) {
        s->msg = (hp_stun_msg){0};
    }
    g_ptr_array_add(r->sent, s);
    return true;
}

static inline void rig_op_event(void *user, hp_time now, const hp_server_event *event)
{
    rig *r = user;
    g_array_append_val(r->events, *event);
}

static inline int rig_find_open(const rig *r, const hp_addr *relay)
{
    for (guint i = 0; i < r->open->len; i++) {
        if (hp_addr_equal(&g_array_index(r->open, hp_addr, i), relay)) {
            return (int)i;
        }
    }
    return -1;
}

static inline bool rig_op_open(void *user, const hp_addr *relay, void **ret_handle)
{
    rig *r = user;
    assert_int_equal(rig_find_open(r, relay), -1);
    if (relay->port == r->taken_port) {
        return false;
    }
    g_array_append_val(r->open, *relay);
    *ret_handle = GUINT_TO_POINTER(relay->port);
    return true;
}

static inline void rig_op_close(void *user, const hp_addr *relay, void *handle)
{
    rig *r = user;
    int index = rig_find_open(r, relay);
    assert_true(index >= 0);
    assert_int_equal(GPOINTER_TO_UINT(handle), relay->port);
    g_array_remove_index(r->open, (guint)index);
}

static inline bool rig_op_relay(void *user, hp_time now, const hp_addr *relay, void *handle, const hp_addr *peer,
                                const uint8_t *data, size_t len, const hp_stun_meta *meta)
{
    rig *r = user;
    assert_true(rig_find_open(r, relay) >= 0);
    assert_int_equal(GPOINTER_TO_UINT(handle), relay->port);
    if (r->no_network) {
        return false;
    }
    rig_sent *s = g_new0(rig_sent, 1);
    *s = (rig_sent){.at = now, .path = {.client = *peer, .server = *relay}, .meta = *meta, .length = len};
    memcpy(s->bytes, data, len);
    g_ptr_array_add(r->relayed, s);
    return true;
}

/* Defaults: a TURN server with users alice and bob, on one address of each family. Change r->config, then rig_start. */
static inline void rig_init(rig *r)
{
    memset(r, 0, sizeof *r);
    r->users[0] = (hp_turn_user){.name = (char *)"alice", .password = (char *)"secret"};
    r->users[1] = (hp_turn_user){.name = (char *)"bob", .password = (char *)"hidden"};
    r->config = (hp_server_config){
        .kind = HP_SERVER_TURN,
        .accept_rfc3489 = true,
        .software = true,
        .users = r->users,
        .n_users = 2,
        .dont_fragment = true,
        .allow_private_peers = true,
    };
    r->addresses[r->n_addresses++] = rig_addr("203.0.113.1");
    r->addresses[r->n_addresses++] = rig_addr("2001:db8::1");
    r->server_addr = rig_addr("203.0.113.1:3478");
    r->now = HP_S;
    r->sent = g_ptr_array_new_with_free_func(g_free);
    r->relayed = g_ptr_array_new_with_free_func(g_free);
    r->events = g_array_new(FALSE, FALSE, sizeof(hp_server_event));
    r->open = g_array_new(FALSE, FALSE, sizeof(hp_addr));
}

static inline void rig_start(rig *r)
{
    static const hp_server_ops ops = {rig_op_send, rig_op_event, rig_op_open, rig_op_close, rig_op_relay};
    hp_rng rng;
    hp_rng_init(&rng, 1, "server:turn");
    r->server = hp_turn_server_new(&r->config, r->addresses, r->n_addresses, &rng, &ops, r);
}

static inline void rig_end(rig *r)
{
    hp_turn_server_free(r->server);
    assert_int_equal(r->open->len, 0);
    g_ptr_array_unref(r->sent);
    g_ptr_array_unref(r->relayed);
    g_array_unref(r->events);
    g_array_unref(r->open);
}

/* ---- what came out ---- */

static inline const rig_sent *rig_last(const rig *r)
{
    assert_true(r->sent->len > 0);
    return r->sent->pdata[r->sent->len - 1];
}

static inline const rig_sent *rig_last_relayed(const rig *r)
{
    assert_true(r->relayed->len > 0);
    return r->relayed->pdata[r->relayed->len - 1];
}

static inline const hp_server_event *rig_last_event(const rig *r, hp_server_event_kind kind)
{
    for (guint i = r->events->len; i > 0; i--) {
        const hp_server_event *e = &g_array_index(r->events, hp_server_event, i - 1);
        if (e->kind == kind) {
            return e;
        }
    }
    fail_msg("no event of kind %d", kind);
    return NULL;
}

static inline unsigned rig_count_events(const rig *r, hp_server_event_kind kind)
{
    unsigned n = 0;
    for (guint i = 0; i < r->events->len; i++) {
        n += g_array_index(r->events, hp_server_event, i).kind == kind;
    }
    return n;
}

static inline bool rig_has(const rig_sent *s, uint16_t type)
{
    hp_stun_attr a;
    return hp_stun_find(&s->msg, type, &a);
}

static inline hp_stun_attr rig_attr(const rig_sent *s, uint16_t type)
{
    hp_stun_attr a;
    if (!hp_stun_find(&s->msg, type, &a)) {
        fail_msg("no attribute 0x%04x", type);
    }
    return a;
}

static inline uint32_t rig_u32(const rig_sent *s, uint16_t type)
{
    hp_stun_attr a = rig_attr(s, type);
    uint32_t value = 0;
    assert_true(hp_stun_attr_u32(&a, &value));
    return value;
}

static inline void rig_assert_addr(const hp_addr *a, const char *text)
{
    char got[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(a, got), text);
}

static inline hp_addr rig_attr_addr(const rig_sent *s, uint16_t type, bool xored)
{
    hp_stun_attr a = rig_attr(s, type);
    hp_addr addr = {0};
    assert_true(hp_stun_attr_addr(&s->msg, &a, xored, &addr));
    return addr;
}

static inline unsigned rig_error(const rig_sent *s)
{
    if (s->msg.cls == HP_STUN_SUCCESS) {
        return 0;
    }
    assert_int_equal(s->msg.cls, HP_STUN_ERROR);
    hp_stun_attr a = rig_attr(s, HP_STUN_ERROR_CODE);
    unsigned code = 0;
    const char *reason;
    size_t length;
    assert_true(hp_stun_attr_error(&a, &code, &reason, &length));
    assert_true(length < 128);
    return code;
}

/* ---- what goes in ---- */

static inline void rig_new_id(rig *r)
{
    r->next_id++;
    memset(r->id, 0xa5, sizeof r->id);
    memcpy(r->id + 8, &r->next_id, 4);
}

static inline hp_stun_writer *rig_begin_class(rig *r, uint16_t method, hp_stun_class cls)
{
    rig_new_id(r);
    hp_stun_begin(&r->w, r->buffer, sizeof r->buffer, cls, method, r->id, NULL);
    return &r->w;
}

static inline hp_stun_writer *rig_begin(rig *r, uint16_t method)
{
    return rig_begin_class(r, method, HP_STUN_REQUEST);
}

static inline void rig_input(rig *r, const hp_addr *from, const void *data, size_t len, const hp_stun_meta *meta)
{
    if (r->input != NULL) {
        r->input(r, from, data, len);
        return;
    }
    hp_stun_path path = hp_stun_path_udp(from, &r->server_addr);
    hp_turn_server_input(r->server, r->now, &path, data, len, meta);
}

/* Sends what was written; how many datagrams came out to clients. */
static inline unsigned rig_send(rig *r, const rig_client *c)
{
    guint before = r->sent->len;
    size_t length = hp_stun_finish(&r->w);
    assert_true(length > 0);
    rig_input(r, &c->addr, r->buffer, length, NULL);
    return r->sent->len - before;
}

/* Sends the same bytes again. */
static inline unsigned rig_resend(rig *r, const rig_client *c)
{
    guint before = r->sent->len;
    rig_input(r, &c->addr, r->buffer, r->w.len, NULL);
    return r->sent->len - before;
}

/* One answer is expected. Returns its error code, 0 for success. */
static inline unsigned rig_ask(rig *r, const rig_client *c)
{
    assert_int_equal(rig_send(r, c), 1);
    const rig_sent *s = rig_last(r);
    assert_int_equal(s->msg.method, (unsigned)(r->buffer[1] & 0x0f));
    assert_memory_equal(s->msg.id, r->id, 12);
    return rig_error(s);
}

static inline void rig_learn_nonce(rig *r, rig_client *c)
{
    hp_stun_attr nonce = rig_attr(rig_last(r), HP_STUN_NONCE);
    assert_true(nonce.length < sizeof c->nonce);
    memcpy(c->nonce, nonce.value, nonce.length);
    c->nonce_length = nonce.length;
}

static inline rig_client rig_client_new(const char *addr, const char *user, const char *password)
{
    return (rig_client){.addr = rig_addr(addr), .user = user, .password = password};
}

/* Gets a nonce by asking without credentials. */
static inline void rig_challenge(rig *r, rig_client *c)
{
    rig_begin(r, HP_STUN_ALLOCATE);
    assert_int_equal(rig_ask(r, c), 401);
    rig_learn_nonce(r, c);
}

static inline hp_stun_key rig_key(const rig *r, const rig_client *c, bool sha256)
{
    return hp_stun_key_long(c->user, r->config.realm != NULL ? r->config.realm : "hairpin", c->password, sha256);
}

/* Adds credentials to what was written. */
static inline void rig_sign(rig *r, rig_client *c)
{
    if (c->nonce_length == 0) {
        uint8_t saved[sizeof r->buffer], id[12];
        hp_stun_writer w = r->w;
        memcpy(saved, r->buffer, sizeof saved);
        memcpy(id, r->id, sizeof id);
        rig_challenge(r, c);
        memcpy(r->buffer, saved, sizeof saved);
        memcpy(r->id, id, sizeof id);
        r->w = w;
    }
    hp_stun_add_text(&r->w, HP_STUN_USERNAME, c->user);
    hp_stun_add_text(&r->w, HP_STUN_REALM, r->config.realm != NULL ? r->config.realm : "hairpin");
    hp_stun_add(&r->w, HP_STUN_NONCE, c->nonce, c->nonce_length);
    hp_stun_key key = rig_key(r, c, false);
    hp_stun_add_integrity(&r->w, &key, false);
}

/* Signs, sends, checks the answer's integrity. Returns its error code. */
static inline unsigned rig_login(rig *r, rig_client *c)
{
    rig_sign(r, c);
    unsigned code = rig_ask(r, c);
    hp_stun_key key = rig_key(r, c, false);
    if (code != 401) {
        assert_int_equal(hp_stun_check_integrity(&rig_last(r)->msg, &key, false), HP_STUN_GOOD);
    }
    return code;
}

static inline void rig_begin_allocate(rig *r)
{
    rig_begin(r, HP_STUN_ALLOCATE);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_TRANSPORT, UINT32_C(17) << 24);
}

/* Allocates an IPv4 relay; returns its address. */
static inline hp_addr rig_allocate(rig *r, rig_client *c)
{
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, c), 0);
    return rig_attr_addr(rig_last(r), HP_STUN_XOR_RELAYED_ADDRESS, true);
}

static inline unsigned rig_permit(rig *r, rig_client *c, const char *peer)
{
    hp_addr a = rig_addr(peer);
    rig_begin(r, HP_STUN_CREATE_PERMISSION);
    hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &a, true);
    return rig_login(r, c);
}

static inline unsigned rig_bind(rig *r, rig_client *c, uint16_t number, const char *peer)
{
    hp_addr a = rig_addr(peer);
    rig_begin(r, HP_STUN_CHANNEL_BIND);
    hp_stun_add_u32(&r->w, HP_STUN_CHANNEL_NUMBER, (uint32_t)number << 16);
    hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &a, true);
    return rig_login(r, c);
}

/* Lifetime in seconds; below 0: without LIFETIME. */
static inline unsigned rig_refresh(rig *r, rig_client *c, int lifetime)
{
    rig_begin(r, HP_STUN_REFRESH);
    if (lifetime >= 0) {
        hp_stun_add_u32(&r->w, HP_STUN_LIFETIME, (uint32_t)lifetime);
    }
    return rig_login(r, c);
}

/* Sends a Send indication; how many datagrams went to peers. */
static inline unsigned rig_send_data(rig *r, const rig_client *c, const char *peer, const char *text,
                                     const hp_stun_meta *meta, bool df)
{
    guint before = r->relayed->len;
    hp_addr a = rig_addr(peer);
    rig_begin_class(r, HP_STUN_SEND, HP_STUN_INDICATION);
    hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &a, true);
    if (df) {
        hp_stun_add(&r->w, HP_STUN_DONT_FRAGMENT, "", 0);
    }
    hp_stun_add(&r->w, HP_STUN_DATA_ATTR, text, strlen(text));
    size_t length = hp_stun_finish(&r->w);
    assert_true(length > 0);
    rig_input(r, &c->addr, r->buffer, length, meta);
    return r->relayed->len - before;
}

static inline unsigned rig_send_channel(rig *r, const rig_client *c, uint16_t number, const char *text,
                                        const hp_stun_meta *meta)
{
    guint before = r->relayed->len;
    uint8_t message[1024];
    size_t length = hp_channel_data_write(message, sizeof message, number, text, strlen(text));
    assert_true(length > 0);
    rig_input(r, &c->addr, message, length, meta);
    return r->relayed->len - before;
}

/* A peer sends to a relayed address; how many datagrams went to clients. */
static inline unsigned rig_peer_sends(rig *r, const hp_addr *relay, const char *peer, const char *text,
                                      const hp_stun_meta *meta)
{
    guint before = r->sent->len;
    hp_addr from = rig_addr(peer);
    hp_turn_server_relay_input(r->server, r->now, relay, &from, (const uint8_t *)text, strlen(text), meta);
    return r->sent->len - before;
}

static inline const char *rig_drop_reason(const rig *r)
{
    return rig_last_event(r, HP_SERVER_EV_DROPPED)->reason;
}

#endif
