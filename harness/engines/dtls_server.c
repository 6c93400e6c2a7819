/* A server's DTLS clients, told apart by the path of their datagrams.
 *
 *     nobody --ClientHello--> HANDSHAKING --cookie, handshake--> CONNECTED --close_notify, failure, silence--> nobody
 *
 * An endpoint begins with a ClientHello and with nothing else: what comes from an address that nobody knows is dropped
 * without a word, so that strays and the datagrams of a forgotten client cost nothing. Each endpoint asks for the
 * ClientHello again with a cookie (RFC 6347 section 4.2.1): whoever forges a source address is answered with 60 bytes
 * once, and never with a certificate. It does keep an endpoint busy meanwhile (that is OpenSSL's, which cannot go on
 * with a handshake that another object has begun but in DTLSv1_listen()); so there is a cap on handshakes under way,
 * and the oldest goes when one more comes. A flood keeps honest clients out only as long as it fills the table within
 * their round trip.
 *
 * A client that lost its state and begins anew from the same port (RFC 6347 section 4.2.8) gets a second endpoint
 * beside the first, and the first is given up only when the cookie has shown that it is really there. Until then
 * records of epoch 0 go to the second and all others to the first.
 *
 * The endpoint of dtls.c is WebRTC's: both sides show a certificate, and nothing passes before the signalled
 * fingerprint has been seen. A TURN client has none and logs in with a password (RFC 8489 section 6.2.3). So its
 * endpoint is told to ask for none, and counts as connected with the handshake's end (on_connected()).
 *
 * One datagram of a client is one message for whoever is above: datagrams may be as large as DTLS takes them once the
 * handshake is done, since a TURN client relies on its relay to pass whole what it sends; IP fragments what is too big.
 *
 * An endpoint must not be freed while it calls. Ended ones wait in `graves` for the end of the outermost call. */
#include "engines/dtls_server.h"

#include <string.h>

#include "engines/stun_deadline.h"

typedef struct client client;

struct client {
    hp_dtls_server *server;
    hp_stun_path path;
    hp_dtls *dtls;
    bool connected, over;
    hp_time heard; /* its latest datagram, or its beginning */
    hp_deadline deadline;
    client *successor, *predecessor; /* the second endpoint of one path, and back */
    GList handshake; /* in server->handshakes while not connected */
};

struct hp_dtls_server {
    const hp_dtls_identity *identity;
    hp_rng rng;
    hp_dtls_server_ops ops;
    void *user;
    GHashTable *by_path; /* &client->path -> client, owned; not the successors */
    GQueue handshakes; /* of client, the one that began first at its head */
    hp_deadlines deadlines;
    GPtrArray *graves; /* of client */
    unsigned depth; /* of calls under way */
    unsigned n_clients;
};

enum { RECORD_HEADER = 13, HANDSHAKE_HEADER = 12, CONTENT_HANDSHAKE = 22, TYPE_CLIENT_HELLO = 1 };

/* ---- the end of a client ---- */

static void client_free(gpointer p)
{
    client *c = p;
    hp_dtls_free(c->dtls);
    g_free(c);
}

/* Takes it out of everything; nobody finds it any more. reason NULL: nobody is told. */
static void end(client *c, hp_time now, const char *reason)
{
    hp_dtls_server *server = c->server;
    if (c->over) {
        return;
    }
    c->over = true;
    hp_deadlines_clear(&server->deadlines, &c->deadline);
    if (c->connected) {
        server->n_clients--;
    } else {
        g_queue_unlink(&server->handshakes, &c->handshake);
    }
    if (c->predecessor != NULL) {
        c->predecessor->successor = NULL;
    } else {
        g_hash_table_remove(server->by_path, &c->path);
        client *next = c->successor;
        if (next != NULL) {
            c->successor = NULL;
            next->predecessor = NULL;
            g_hash_table_insert(server->by_path, &next->path, next);
        }
    }
    c->predecessor = NULL;
    g_ptr_array_add(server->graves, c);
    if (c->connected && reason != NULL && server->ops.ended != NULL) {
        server->ops.ended(server->user, now, &c->path, reason);
    }
}

static void enter(hp_dtls_server *server)
{
    server->depth++;
}

static void leave(hp_dtls_server *server)
{
    if (--server->depth == 0) {
        g_ptr_array_set_size(server->graves, 0);
    }
}

/* ---- time ---- */

static hp_time limit(const client *c)
{
    return hp_time_add(c->heard, c->connected ? HP_DTLS_SERVER_IDLE : HP_DTLS_SERVER_HANDSHAKE);
}

/* A limit that has moved away is found out when the old one is due. */
static void arm(client *c)
{
    hp_time wanted = MIN(hp_dtls_deadline(c->dtls), limit(c));
    if (!c->over && (c->deadline.index == 0 || c->deadline.at > wanted)) {
        hp_deadlines_set(&c->server->deadlines, &c->deadline, wanted);
    }
}

static void due(void *owner, hp_time now)
{
    client *c = owner;
    if (now >= limit(c)) {
        end(c, now, "idle");
        if (c->connected) {
            hp_dtls_close(c->dtls, now);
        }
        return;
    }
    hp_dtls_run(c->dtls, now);
    arm(c);
}

/* ---- what endpoints call ---- */

static void on_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    const client *c = user;
    c->server->ops.send(c->server->user, now, &c->path, data, len);
}

static void on_connected(client *c)
{
    hp_dtls_server *server = c->server;
    c->connected = true;
    g_queue_unlink(&server->handshakes, &c->handshake);
    server->n_clients++;
    hp_deadlines_clear(&server->deadlines, &c->deadline); /* the next one is far off */
    hp_dtls_set_mtu(c->dtls, HP_DTLS_MAX_MTU, NULL);
}

static void on_event(void *user, hp_time now, const hp_dtls_event *event)
{
    client *c = user;
    hp_dtls_server *server = c->server;
    if (c->over) {
        return;
    }
    if (event->kind == HP_DTLS_EV_DATA) {
        server->ops.data(server->user, now, &c->path, event->data, event->length);
        return;
    }
    if (event->kind == HP_DTLS_EV_CONNECTED) { /* HANDSHAKE has told of it */
        on_connected(c);
        return;
    }
    if (server->ops.event != NULL) {
        server->ops.event(server->user, now, &c->path, event);
    }
    if (event->kind == HP_DTLS_EV_CLOSED || event->kind == HP_DTLS_EV_FAILED) {
        end(c, now, event->kind == HP_DTLS_EV_CLOSED ? "closed" : "failed");
    }
}

static void on_enter(void *user)
{
    const client *c = user;
    if (c->server->ops.enter != NULL) {
        c->server->ops.enter(c->server->user);
    }
}

static void on_leave(void *user)
{
    const client *c = user;
    if (c->server->ops.leave != NULL) {
        c->server->ops.leave(c->server->user);
    }
}

/* ---- clients ---- */

static client *client_new(hp_dtls_server *server, hp_time now, const hp_stun_path *path)
{
    static const hp_dtls_ops ops = {.send = on_send, .event = on_event, .enter = on_enter, .leave = on_leave};
    static const hp_dtls_config config = {.role = HP_DTLS_PASSIVE, .cookie = true, .any_peer = true};
    hp_rng rng;
    hp_rng_init(&rng, hp_rng_u64(&server->rng), "dtls-client");
    client *c = g_new0(client, 1);
    c->server = server;
    c->path = *path;
    c->heard = now;
    c->deadline.fire = due;
    c->deadline.owner = c;
    c->handshake.data = c;
    c->dtls = hp_dtls_new(&config, server->identity, &rng, &ops, c, NULL);
    g_assert(c->dtls != NULL);
    if (server->handshakes.length >= HP_DTLS_SERVER_MAX_HANDSHAKES) {
        end(g_queue_peek_head(&server->handshakes), now, NULL);
    }
    g_queue_push_tail_link(&server->handshakes, &c->handshake);
    hp_dtls_start(c->dtls, now);
    return c;
}

static bool is_epoch_0(const uint8_t *data, size_t len)
{
    return len >= RECORD_HEADER && data[3] == 0 && data[4] == 0;
}

static bool begins_with_client_hello(const uint8_t *data, size_t len)
{
    return len >= RECORD_HEADER + HANDSHAKE_HEADER && data[0] == CONTENT_HANDSHAKE && data[1] == 0xfe &&
           is_epoch_0(data, len) && data[RECORD_HEADER] == TYPE_CLIENT_HELLO;
}

/* Whom a datagram is for; NULL: nobody. */
static client *choose(hp_dtls_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len)
{
    client *c = g_hash_table_lookup(server->by_path, path);
    bool hello = begins_with_client_hello(data, len);
    if (c == NULL) {
        if (!hello || g_hash_table_size(server->by_path) >= HP_DTLS_SERVER_MAX_CLIENTS) {
            return NULL;
        }
        c = client_new(server, now, path);
        g_hash_table_insert(server->by_path, &c->path, c);
        return c;
    }
    if (c->successor != NULL) {
        return is_epoch_0(data, len) ? c->successor : c;
    }
    if (c->connected && hello) {
        client *next = client_new(server, now, path);
        c->successor = next;
        next->predecessor = c;
        return next;
    }
    return c;
}

/* The cookie came back: the retransmission timer of the flight that follows it runs. */
static void take_over(client *c, hp_time now)
{
    if (c->predecessor != NULL && !c->over && hp_dtls_deadline(c->dtls) != HP_NEVER) {
        end(c->predecessor, now, "replaced");
    }
}

void hp_dtls_server_input(hp_dtls_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                          size_t len)
{
    enter(server);
    client *c = choose(server, now, path, data, len);
    if (c != NULL) {
        if (c->connected) {
            c->heard = now;
        }
        hp_dtls_input(c->dtls, now, data, len);
        take_over(c, now);
        arm(c);
    }
    leave(server);
}

bool hp_dtls_server_send(hp_dtls_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len)
{
    client *c = g_hash_table_lookup(server->by_path, path);
    if (c == NULL || !c->connected) {
        return false;
    }
    enter(server);
    bool sent = hp_dtls_send(c->dtls, now, data, len, NULL);
    leave(server);
    return sent;
}

hp_time hp_dtls_server_deadline(const hp_dtls_server *server)
{
    return hp_deadlines_next(&server->deadlines);
}

void hp_dtls_server_run(hp_dtls_server *server, hp_time now)
{
    enter(server);
    hp_deadlines_run(&server->deadlines, now);
    leave(server);
}

/* ---- creation and end ---- */

static guint path_hash(gconstpointer key)
{
    const hp_stun_path *path = key;
    uint64_t local = hp_addr_hash(&path->server);
    return (guint)(hp_addr_hash(&path->client) + (local << 7 | local >> 57));
}

static gboolean path_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(hp_stun_path)) == 0;
}

hp_dtls_server *hp_dtls_server_new(const hp_dtls_identity *identity, const hp_rng *rng, const hp_dtls_server_ops *ops,
                                   void *user)
{
    hp_dtls_server *server = g_new0(hp_dtls_server, 1);
    server->identity = identity;
    server->rng = *rng;
    server->ops = *ops;
    server->user = user;
    server->by_path = g_hash_table_new(path_hash, path_equal);
    g_queue_init(&server->handshakes);
    server->graves = g_ptr_array_new_with_free_func(client_free);
    return server;
}

/* The table is keyed by addresses, whose hash has no seed: its order is the same on every run. */
static GPtrArray *all_clients(const hp_dtls_server *server)
{
    GPtrArray *all = g_ptr_array_new();
    GHashTableIter iter;
    gpointer c;
    g_hash_table_iter_init(&iter, server->by_path);
    while (g_hash_table_iter_next(&iter, NULL, &c)) {
        g_ptr_array_add(all, c);
    }
    return all;
}

void hp_dtls_server_close_all(hp_dtls_server *server, hp_time now)
{
    g_autoptr(GPtrArray) all = all_clients(server);
    enter(server);
    for (guint i = 0; i < all->len; i++) {
        client *c = all->pdata[i];
        if (!c->over && c->successor != NULL) {
            end(c->successor, now, NULL);
        }
        if (!c->over) {
            end(c, now, NULL);
            if (c->connected) {
                hp_dtls_close(c->dtls, now);
            }
        }
    }
    leave(server);
}

void hp_dtls_server_free(hp_dtls_server *server)
{
    if (server == NULL) {
        return;
    }
    g_autoptr(GPtrArray) all = all_clients(server);
    for (guint i = 0; i < all->len; i++) {
        client *c = all->pdata[i];
        if (c->successor != NULL) {
            end(c->successor, 0, NULL);
        }
        end(c, 0, NULL);
    }
    g_ptr_array_unref(server->graves);
    g_hash_table_destroy(server->by_path);
    hp_deadlines_free(&server->deadlines);
    g_free(server);
}

hp_dtls_server_stats hp_dtls_server_get_stats(const hp_dtls_server *server)
{
    return (hp_dtls_server_stats){.handshakes = server->handshakes.length, .clients = server->n_clients};
}
