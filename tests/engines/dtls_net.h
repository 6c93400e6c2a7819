/* A DTLS server with a few clients and the datagrams between them, which arrive in order and without delay. */
#ifndef HP_TESTS_ENGINES_DTLS_NET_H
#define HP_TESTS_ENGINES_DTLS_NET_H

#include "dtls_pipe.h"

#include "engines/dtls_server.h"

enum { MOST = 4 };

typedef struct net net;

typedef struct party {
    net *n;
    hp_stun_path path;
    hp_dtls *dtls; /* NULL: only its address is used */
    GString *heard;
    hp_time connected_at;
    bool failed, closed;
} party;

typedef struct letter {
    bool to_server;
    hp_stun_path path;
    GByteArray *bytes;
} letter;

struct net {
    hp_time now;
    hp_dtls_identity *server_identity, *client_identity;
    hp_dtls_server *server;
    party parties[MOST];
    GQueue letters; /* under way, delivered in order and without delay */
    GByteArray *all; /* everything that was sent */
    unsigned n_from_server, n_handshakes, n_keylog;
    unsigned lose; /* the next so many letters */
    GString *ended; /* "port reason;" each */
    bool echo;
};

static inline void net_enter(void *user)
{
    assert_false(pipe_clock.entered);
    pipe_clock.entered = true;
    pipe_clock.now = ((net *)user)->now;
}

static inline void net_leave(void *user)
{
    pipe_clock.entered = false;
}

static inline void post(net *n, bool to_server, const hp_stun_path *path, const uint8_t *data, size_t len)
{
    g_byte_array_append(n->all, data, (guint)len);
    if (n->lose > 0) {
        n->lose--;
        return;
    }
    letter *l = g_new(letter, 1);
    *l = (letter){.to_server = to_server, .path = *path, .bytes = pipe_copy(data, len)};
    g_queue_push_tail(&n->letters, l);
}

/* ---- the server's driver ---- */

static inline void on_send(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len)
{
    net *n = user;
    assert_int_equal(now, n->now);
    n->n_from_server++;
    post(n, false, path, data, len);
}

static inline void on_data(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len)
{
    net *n = user;
    g_autofree char *text = g_strdup_printf("<%.*s>", (int)len, (const char *)data);
    if (n->echo) {
        assert_true(hp_dtls_server_send(n->server, now, path, (const uint8_t *)text, strlen(text)));
    }
}

static inline void on_event(void *user, hp_time now, const hp_stun_path *path, const hp_dtls_event *event)
{
    net *n = user;
    n->n_handshakes += event->kind == HP_DTLS_EV_HANDSHAKE;
    n->n_keylog += event->kind == HP_DTLS_EV_KEYLOG;
}

static inline void on_ended(void *user, hp_time now, const hp_stun_path *path, const char *reason)
{
    net *n = user;
    g_string_append_printf(n->ended, "%u %s;", path->client.port, reason);
}

/* ---- the clients' ---- */

static inline void client_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    party *c = user;
    post(c->n, true, &c->path, data, len);
}

static inline void client_event(void *user, hp_time now, const hp_dtls_event *event)
{
    party *c = user;
    if (event->kind == HP_DTLS_EV_DATA) {
        g_string_append_len(c->heard, (const char *)event->data, (gssize)event->length);
    }
    if (event->kind == HP_DTLS_EV_CONNECTED) {
        c->connected_at = now;
        assert_int_equal(event->profile, HP_DTLS_PROFILE_NONE);
        hp_dtls_set_mtu(c->dtls, HP_DTLS_MAX_MTU, NULL);
    }
    c->failed = c->failed || event->kind == HP_DTLS_EV_FAILED;
    c->closed = c->closed || event->kind == HP_DTLS_EV_CLOSED;
}

static inline void client_enter(void *user)
{
    net_enter(((party *)user)->n);
}

/* Gives party i a new endpoint, with a stream of its own, and starts it. */
static inline void begin(net *n, unsigned i, const char *name)
{
    static const hp_dtls_ops ops = {
        .send = client_send, .event = client_event, .enter = client_enter, .leave = net_leave};
    const hp_dtls_config config = {.role = HP_DTLS_ACTIVE};
    party *c = &n->parties[i];
    hp_rng rng;
    hp_rng_init(&rng, 1, name);
    hp_dtls_free(c->dtls);
    c->connected_at = HP_NEVER;
    c->dtls = hp_dtls_new(&config, n->client_identity, &rng, &ops, c, NULL);
    hp_dtls_set_peer_fingerprints(c->dtls, n->now, hp_dtls_identity_fingerprint(n->server_identity), 1);
    hp_dtls_start(c->dtls, n->now);
}

/* Delivers all that is under way, and what comes of it. */
static inline void settle(net *n)
{
    for (letter *l; (l = g_queue_pop_head(&n->letters)) != NULL;) {
        g_autofree uint8_t *exact = g_memdup2(l->bytes->data, l->bytes->len);
        if (l->to_server) {
            hp_dtls_server_input(n->server, n->now, &l->path, exact, l->bytes->len);
        } else {
            for (unsigned i = 0; i < MOST; i++) {
                party *c = &n->parties[i];
                if (c->dtls != NULL && memcmp(&c->path, &l->path, sizeof l->path) == 0) {
                    hp_dtls_input(c->dtls, n->now, exact, l->bytes->len);
                }
            }
        }
        g_byte_array_unref(l->bytes);
        g_free(l);
    }
}

/* Time goes on; timers of the server come before those of the clients. */
static inline void run(net *n, hp_time until)
{
    for (;;) {
        settle(n);
        hp_time next = hp_dtls_server_deadline(n->server);
        for (unsigned i = 0; i < MOST; i++) {
            next = n->parties[i].dtls ? MIN(next, hp_dtls_deadline(n->parties[i].dtls)) : next;
        }
        if (next > until) {
            break;
        }
        n->now = next;
        hp_dtls_server_run(n->server, next);
        for (unsigned i = 0; i < MOST; i++) {
            if (n->parties[i].dtls) {
                hp_dtls_run(n->parties[i].dtls, next);
            }
        }
    }
    n->now = until;
}

static inline void say(net *n, unsigned i, const char *text)
{
    assert_true(hp_dtls_send(n->parties[i].dtls, n->now, (const uint8_t *)text, strlen(text), NULL));
    settle(n);
}

static inline int setup(void **state)
{
    static const hp_dtls_server_ops ops = {
        .send = on_send, .data = on_data, .event = on_event, .ended = on_ended, .enter = net_enter, .leave = net_leave};
    net *n = g_new0(net, 1);
    hp_rng rng;
    n->now = HP_S;
    n->echo = true;
    n->all = g_byte_array_new();
    n->ended = g_string_new(NULL);
    g_queue_init(&n->letters);
    hp_rng_init(&rng, 1, "certificate:turn");
    n->server_identity = hp_dtls_identity_new(&rng, "turn", NULL);
    hp_rng_init(&rng, 1, "certificate:alice");
    n->client_identity = hp_dtls_identity_new(&rng, "alice", NULL);
    hp_rng_init(&rng, 1, "server:turn");
    n->server = hp_dtls_server_new(n->server_identity, &rng, &ops, n);
    for (unsigned i = 0; i < MOST; i++) {
        n->parties[i] = (party){
            .n = n,
            .path = {.client = hp_addr_v4(0xc000020a, (uint16_t)(5000 + i)),
                     .server = hp_addr_v4(0xcb007101, 5349),
                     .transport = HP_STUN_OVER_DTLS},
            .heard = g_string_new(NULL),
            .connected_at = HP_NEVER,
        };
    }
    pipe_clock.entered = false;
    pipe_clock.looked = pipe_clock.looked_outside = 0;
    *state = n;
    return 0;
}

static inline int teardown(void **state)
{
    net *n = *state;
    hp_dtls_server_free(n->server);
    for (unsigned i = 0; i < MOST; i++) {
        hp_dtls_free(n->parties[i].dtls);
        g_string_free(n->parties[i].heard, TRUE);
    }
    for (letter *l; (l = g_queue_pop_head(&n->letters)) != NULL; g_free(l)) {
        g_byte_array_unref(l->bytes);
    }
    hp_dtls_identity_free(n->server_identity);
    hp_dtls_identity_free(n->client_identity);
    g_byte_array_unref(n->all);
    g_string_free(n->ended, TRUE);
    g_free(n);
    assert_int_equal(pipe_clock.looked_outside, 0);
    return 0;
}

#endif
