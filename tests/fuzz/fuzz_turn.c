/* Fuzzes the TURN server engine with sequences of inputs, and holds it to its invariants.
 *
 * The input is a program for four clients and some peers. Two of the clients are on TCP; what they send arrives in
 * pieces of a length that the input says (turn_streams.h). Each step is one byte of opcode and its operands:
 *
 *   raw        a datagram of the input's own bytes, from a client
 *   request    a request signed for the client with a nonce it was given, its attributes from the input: what lies
 *              behind the credentials is reached without the fuzzer having to guess an HMAC
 *   send       a Send indication with well-formed attributes; ChannelData likewise
 *   peer       a datagram, or an ICMP error, at an open relay; or something happens to a TCP connection of a relay
 *   time       the clock goes on by up to about 20 minutes
 *
 * Checked after every step: relays open at the driver, and allocations, are what the server says and never more than
 * its limits; nothing is relayed without a permission installed for that client and peer within the permission's
 * lifetime; no deadline lies in the past once run() was called; every datagram to a client that is not ChannelData
 * parses as STUN.
 */
#include "turn_streams.h"

enum { CLIENTS = 4, QUOTA = 2, CAPACITY = 3, RELAYS_MAX = 2 * CAPACITY + CAPACITY };

typedef struct grant {
    hp_addr client, peer;
    hp_time until;
} grant;

typedef struct rig {
    hp_turn_server *server;
    hp_time now;
    hp_addr clients[CLIENTS], server_addr;
    hp_stun_key keys[CLIENTS];
    char nonces[CLIENTS][128];
    size_t nonce_lengths[CLIENTS];
    hp_addr open[RELAYS_MAX];
    unsigned n_open;
    GArray *grants; /* of grant: what CreatePermission and ChannelBind could have installed */
    /* the request under way */
    const uint8_t *request;
    size_t request_length;
    unsigned sender;
    bool answered;
    streams streams;
} rig;

static streams *streams_of(void *user)
{
    return &((rig *)user)->streams;
}

typedef struct reader {
    const uint8_t *data;
    size_t left;
} reader;

static uint8_t take(reader *r)
{
    if (r->left == 0) {
        return 0;
    }
    r->left--;
    return *r->data++;
}

static const uint8_t *take_bytes(reader *r, size_t *length)
{
    const uint8_t *bytes = r->data;
    *length = MIN(*length, r->left);
    r->data += *length;
    r->left -= *length;
    return bytes;
}

/* ---- the driver's side ---- */

/* A granted request: every peer in it may be reached for the permission's lifetime from now on. Over a stream nobody
 * knows when it is heard, or whether: its peers may be reached at any time. */
static void note_grants(rig *f)
{
    hp_stun_msg m;
    hp_stun_attr a;
    bool late = f->sender >= CLIENTS - STREAM_CLIENTS;
    grant g = {.client = f->clients[f->sender], .until = late ? HP_NEVER : f->now + 300 * HP_S};
    CHECK(hp_stun_parse(f->request, f->request_length, &m));
    if (m.method != HP_STUN_CREATE_PERMISSION && m.method != HP_STUN_CHANNEL_BIND) {
        return;
    }
    for (size_t cursor = 0; hp_stun_next(&m, &cursor, &a);) {
        if (a.type == HP_STUN_XOR_PEER_ADDRESS && hp_stun_attr_addr(&m, &a, true, &g.peer)) {
            g_array_append_val(f->grants, g);
        }
    }
}

static bool granted(const rig *f, const hp_addr *client, const hp_addr *peer)
{
    for (guint i = 0; i < f->grants->len; i++) {
        const grant *g = &g_array_index(f->grants, grant, i);
        if (f->now < g->until && hp_addr_equal(&g->client, client) && hp_addr_same_ip(&g->peer, peer)) {
            return true;
        }
    }
    return false;
}

/* The same for a relayed address: whoever's it is. */
static bool granted_at(const rig *f, const hp_addr *relay, const hp_addr *peer)
{
    for (unsigned c = 0; c < CLIENTS; c++) {
        if (granted(f, &f->clients[c], peer)) {
            return true;
        }
    }
    return false;
}

static bool on_send(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                    const hp_stun_meta *meta)
{
    rig *f = user;
    hp_stun_msg m;
    hp_stun_attr a;
    hp_addr peer;
    CHECK(now == f->now && len > 0);
    if (data[0] >> 6 == 1) {
        return true;
    }
    CHECK(hp_stun_parse(data, len, &m));
    if (m.cls == HP_STUN_INDICATION) {
        CHECK(m.method == HP_STUN_DATA || m.method == HP_STUN_CONNECTION_ATTEMPT);
        CHECK(hp_stun_find(&m, HP_STUN_XOR_PEER_ADDRESS, &a));
        CHECK(hp_stun_attr_addr(&m, &a, true, &peer) && granted(f, &path->client, &peer));
        return true;
    }
    f->answered = true;
    unsigned c = f->sender;
    if (hp_stun_find(&m, HP_STUN_NONCE, &a)) {
        CHECK(a.length < sizeof f->nonces[c]);
        memcpy(f->nonces[c], a.value, a.length);
        f->nonce_lengths[c] = a.length;
    }
    if (m.cls == HP_STUN_SUCCESS && f->request != NULL && c < CLIENTS - STREAM_CLIENTS) {
        note_grants(f);
    }
    return true;
}

/* A message on a stream: the same, but that a stream's client may be another than the one under way. */
static void on_message(void *user, const hp_stun_path *path, const uint8_t *data, size_t len)
{
    rig *f = user;
    unsigned sender = f->sender;
    for (unsigned c = 0; c < CLIENTS; c++) {
        if (hp_addr_equal(&path->client, &f->clients[c])) {
            f->sender = c;
        }
    }
    on_send(f, f->now, path, data, len, NULL);
    f->sender = sender;
}

/* Permissions end with their relayed address. */
static void on_event(void *user, hp_time now, const hp_server_event *event)
{
    rig *f = user;
    if (event->kind != HP_SERVER_EV_ALLOCATION_ENDED) {
        return;
    }
    for (guint i = f->grants->len; i > 0; i--) {
        const grant *g = &g_array_index(f->grants, grant, i - 1);
        if (g->until != HP_NEVER && hp_addr_equal(&g->client, &event->client) &&
            g->peer.family == event->relay.family) {
            g_array_remove_index_fast(f->grants, i - 1);
        }
    }
}

static bool on_open(void *user, const hp_addr *relay, void **ret_handle)
{
    rig *f = user;
    CHECK(f->n_open < RELAYS_MAX);
    for (unsigned i = 0; i < f->n_open; i++) {
        CHECK(!hp_addr_equal(&f->open[i], relay));
    }
    f->open[f->n_open++] = *relay;
    *ret_handle = f;
    return true;
}

static void on_close(void *user, const hp_addr *relay, void *handle)
{
    rig *f = user;
    for (unsigned i = 0; i < f->n_open; i++) {
        if (hp_addr_equal(&f->open[i], relay)) {
            f->open[i] = f->open[--f->n_open];
            return;
        }
    }
    abort();
}

static bool on_relay(void *user, hp_time now, const hp_addr *relay, void *handle, const hp_addr *peer,
                     const uint8_t *data, size_t len, const hp_stun_meta *meta)
{
    rig *f = user;
    CHECK(now == f->now && handle == f);
    CHECK(granted(f, &f->clients[f->sender], peer));
    CHECK(!hp_addr_is_loopback(peer) && !hp_addr_is_unspecified(peer) && !hp_addr_equal(peer, &f->server_addr));
    return true;
}

/* ---- steps ---- */

static void input(rig *f, unsigned c, const uint8_t *data, size_t len)
{
    hp_stun_path path = hp_stun_path_udp(&f->clients[c], &f->server_addr);
    uint8_t *exact = g_memdup2(data, len); /* so that a read past the end is seen */
    f->sender = c;
    f->answered = false;
    if (c >= CLIENTS - STREAM_CLIENTS) {
        path.transport = HP_STUN_OVER_TCP;
        streams_input(&f->streams, f->server, f->now, c - (CLIENTS - STREAM_CLIENTS), &path, exact, len);
        g_free(exact);
        return;
    }
    hp_turn_server_input(f->server, f->now, &path, exact, len, &(hp_stun_meta){.ttl = 64});
    g_free(exact);
}

/* Attributes that requests are made of; the value comes from the input, or is one that makes sense. */
static void add_attribute(rig *f, reader *r, hp_stun_writer *w)
{
    static const uint16_t types[] = {
        HP_STUN_REQUESTED_TRANSPORT,
        HP_STUN_LIFETIME,
        HP_STUN_REQUESTED_ADDRESS_FAMILY,
        HP_STUN_XOR_PEER_ADDRESS,
        HP_STUN_EVEN_PORT,
        HP_STUN_ADDITIONAL_ADDRESS_FAMILY,
        HP_STUN_CHANNEL_NUMBER,
        HP_STUN_CONNECTION_ID,
        HP_STUN_RESERVATION_TOKEN,
        HP_STUN_DONT_FRAGMENT,
        HP_STUN_CHANGE_REQUEST,
        HP_STUN_RESPONSE_PORT,
        HP_STUN_PADDING,
        0x7ff0,
        HP_STUN_USERNAME,
        HP_STUN_NONCE,
    };
    uint8_t op = take(r);
    uint16_t type = types[op & 15];
    if (op >> 4 < 12) { /* a likely value */
        uint8_t v = take(r);
        if (type == HP_STUN_XOR_PEER_ADDRESS) {
            const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = v & 3};
            hp_addr a = v & 0x80 ? hp_addr_v6(six, 700) : hp_addr_v4(0xc6336400 | (v & 3), 700 + (v >> 2 & 7));
            hp_stun_add_addr(w, type, &a, true);
        } else if (type == HP_STUN_EVEN_PORT) {
            hp_stun_add(w, type, &v, 1);
        } else if (type == HP_STUN_CHANNEL_NUMBER) {
            hp_stun_add_u32(w, type, 0x40000000U + ((uint32_t)(v & 7) << 16));
        } else if (type == HP_STUN_LIFETIME) {
            hp_stun_add_u32(w, type, v * 16);
        } else if (type == HP_STUN_REQUESTED_TRANSPORT) {
            hp_stun_add_u32(w, type, v < 160 ? 17U << 24 : v < 250 ? 6U << 24 : (uint32_t)v << 24);
        } else if (type == HP_STUN_CONNECTION_ID) {
            hp_stun_add_u32(w, type, v < 250 ? f->streams.latest_id : v);
        } else {
            hp_stun_add_u32(w, type, (uint32_t)v << 24);
        }
        return;
    }
    size_t length = take(r) & 31;
    const uint8_t *bytes = take_bytes(r, &length);
    hp_stun_add(w, type, length > 0 ? bytes : (const uint8_t *)"", length);
}

static void signed_request(rig *f, reader *r, unsigned c)
{
    static const uint16_t methods[] = {HP_STUN_ALLOCATE,       HP_STUN_REFRESH, HP_STUN_CREATE_PERMISSION,
                                       HP_STUN_CHANNEL_BIND,   HP_STUN_BINDING, HP_STUN_CONNECT,
                                       HP_STUN_CONNECTION_BIND};
    static const char *const users[] = {"alice", "bob", "alice", "alice"};
    uint8_t buffer[2048], id[12] = {0};
    hp_stun_writer w;
    uint8_t how = take(r);
    id[0] = take(r);
    uint16_t method = methods[(how & 7) % G_N_ELEMENTS(methods)];
    hp_stun_begin(&w, buffer, sizeof buffer, HP_STUN_REQUEST, method, id, NULL);
    for (unsigned n = how >> 3 & 7; n > 0; n--) {
        add_attribute(f, r, &w);
    }
    hp_stun_add_text(&w, HP_STUN_USERNAME, users[c]);
    hp_stun_add_text(&w, HP_STUN_REALM, "hairpin");
    hp_stun_add(&w, HP_STUN_NONCE, f->nonces[c], f->nonce_lengths[c]);
    hp_stun_add_integrity(&w, &f->keys[c], false);
    if (how >> 6 == 1) {
        hp_stun_add_fingerprint(&w);
    }
    size_t length = hp_stun_finish(&w);
    if (length == 0) {
        return;
    }
    f->request = buffer;
    f->request_length = length;
    f->sender = c;
    if (c >= CLIENTS - STREAM_CLIENTS) {
        note_grants(f);
    }
    input(f, c, buffer, length);
    /* Without TCP relays nobody knows RFC 6062. */
    CHECK(f->answered || c >= CLIENTS - STREAM_CLIENTS || method >= HP_STUN_CONNECT);
    f->request = NULL;
}

static void send_indication(rig *f, reader *r, unsigned c)
{
    uint8_t buffer[2048];
    const uint8_t id[12] = {0};
    hp_stun_writer w;
    hp_stun_begin(&w, buffer, sizeof buffer, HP_STUN_INDICATION, HP_STUN_SEND, id, NULL);
    for (unsigned n = take(r) & 3; n > 0; n--) {
        add_attribute(f, r, &w);
    }
    hp_stun_add(&w, HP_STUN_DATA_ATTR, "data", 4);
    size_t length = hp_stun_finish(&w);
    input(f, c, buffer, length);
    CHECK(!f->answered || c >= CLIENTS - STREAM_CLIENTS);
}

static void peer_input(rig *f, reader *r)
{
    uint8_t which = take(r), v = take(r);
    if (f->n_open == 0) {
        return;
    }
    const hp_addr relay = f->open[which % f->n_open];
    const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = v & 3};
    hp_addr peer =
        relay.family == HP_AF_IPV6 ? hp_addr_v6(six, 700) : hp_addr_v4(0xc6336400 | (v & 3), 700 + (v >> 2 & 7));
    size_t length = take(r);
    const uint8_t *bytes = take_bytes(r, &length);
    if ((which & 0x40) != 0) {
        unsigned slot = (v >> 3 & 7) % STREAM_SLOTS;
        f->sender = slot < STREAM_CLIENTS ? CLIENTS - STREAM_CLIENTS + slot : f->sender;
        hp_turn_stream *accepted = streams_peer(&f->streams, f->server, f->now, v, &relay, &peer, bytes, length);
        CHECK(accepted == NULL || granted_at(f, &relay, &peer));
    } else if ((which & 0x80) != 0) {
        hp_turn_server_relay_icmp(f->server, f->now, &relay, &peer, v >> 4, v & 15, length);
    } else {
        hp_turn_server_relay_input(f->server, f->now, &relay, &peer, bytes, length, &(hp_stun_meta){.ttl = 64});
    }
}

static void step(rig *f, reader *r)
{
    uint8_t op = take(r);
    unsigned c = (op >> 4 & 3) % CLIENTS;
    size_t length = op & 0x80 ? take(r) : 40;
    switch (op & 7) {
    case 0: {
        const uint8_t *bytes = take_bytes(r, &length);
        input(f, c, bytes, length);
        break;
    }
    case 1:
    case 2:
    case 3:
        signed_request(f, r, c);
        break;
    case 4:
        send_indication(f, r, c);
        break;
    case 5: {
        const uint8_t number = take(r) & 7, data[8] = {0x40, number, 0, take(r) & 7};
        input(f, c, data, sizeof data);
        break;
    }
    case 6:
        peer_input(f, r);
        break;
    case 7:
        f->now += (hp_time)take(r) * take(r) * 20 * HP_MS + take(r);
        hp_turn_server_run(f->server, f->now);
        CHECK(hp_turn_server_deadline(f->server) > f->now);
        f->streams.piece = 1 + take(r);
        break;
    }
}

static void check(const rig *f)
{
    hp_turn_stats stats = hp_turn_server_stats(f->server);
    CHECK(stats.allocations <= CAPACITY && stats.reservations <= CAPACITY);
    CHECK(stats.relays <= 2 * stats.allocations && stats.relays >= stats.allocations);
    CHECK(stats.relays + stats.reservations == f->n_open);
    streams_check(&f->streams, &stats);
    CHECK((stats.relays + stats.reservations == 0) || hp_turn_server_deadline(f->server) != HP_NEVER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hp_server_ops ops = {.send = on_send,
                                      .event = on_event,
                                      .open_relay = on_open,
                                      .close_relay = on_close,
                                      .relay = on_relay,
                                      .read = streams_read,
                                      .write = streams_write,
                                      .close = streams_close,
                                      .open_tcp_relay = on_open,
                                      .close_tcp_relay = on_close,
                                      .connect = streams_connect};
    hp_turn_user users[2] = {{.name = (char *)"alice", .password = (char *)"secret"},
                             {.name = (char *)"bob", .password = (char *)"hidden"}};
    reader r = {data, size};
    uint8_t how = take(&r);
    hp_server_config config = {
        .kind = HP_SERVER_TURN,
        .transports = HP_SERVER_UDP | HP_SERVER_TCP,
        .relays = (how & 32) != 0 ? 0 : HP_RELAY_UDP | HP_RELAY_TCP,
        .accept_rfc3489 = true,
        .software = true,
        .users = users,
        .n_users = 2,
        .nat_discovery = (how & 1) != 0,
        .sha256 = (how & 2) != 0,
        .userhash = (how & 4) != 0,
        .dont_fragment = (how & 8) != 0,
        .user_quota = QUOTA,
        .capacity = CAPACITY,
        .relay_port_first = 50000,
        .relay_port_last = (how & 16) != 0 ? 50003 : 59999,
        .allow_private_peers = true,
    };
    const hp_addr addresses[3] = {hp_addr_v4(0xcb007101, 0), hp_addr_v4(0xcb007102, 0),
                                  hp_addr_v6((const uint8_t[16]){0x20, 0x01, 0x0d, 0xb8, [15] = 0x99}, 0)};
    rig f = {
        .now = HP_S, .server_addr = hp_addr_v4(0xcb007101, 3478), .grants = g_array_new(FALSE, FALSE, sizeof(grant))};
    hp_rng rng;
    streams_init(&f.streams, on_message, &f);
    hp_rng_init(&rng, 1, "server:fuzz");
    f.server = hp_turn_server_new(&config, addresses, 3, &rng, &ops, &f);
    for (unsigned c = 0; c < CLIENTS; c++) {
        f.clients[c] = hp_addr_v4(0xc000020a + c, 5000);
        f.keys[c] = c == 1 ? hp_stun_key_long("bob", "hairpin", "hidden", false)
                           : hp_stun_key_long("alice", "hairpin", "secret", false);
    }
    /* A beginning that chance would hardly find: client 2 has a TCP relay, a peer has connected, client 3 is bound to
     * it. */
    static const uint8_t bound[] = {0x21, 0x00, 0, /* Allocate: a nonce */
                                    0x21, 0x08, 1,    0x00, 200, /* Allocate, for TCP */
                                    0x21, 0x0a, 2,    0x03, 0x00, /* CreatePermission */
                                    0x06, 0x40, 0x00, 0, /* the peer */
                                    0x31, 0x06, 3, /* ConnectionBind: a nonce */
                                    0x31, 0x0e, 4,    0x07, 0x00}; /* ConnectionBind */
    reader before = {bound, (how & 64) != 0 ? sizeof bound : 0};
    for (unsigned steps = 0; before.left + r.left > 0 && steps < 200; steps++) {
        step(&f, before.left > 0 ? &before : &r);
        check(&f);
    }
    hp_turn_server_end_all(f.server, f.now, "stopped");
    check(&f);
    CHECK(f.n_open == 0);
    hp_turn_server_free(f.server);
    streams_clear(&f.streams);
    g_array_unref(f.grants);
    return 0;
}
