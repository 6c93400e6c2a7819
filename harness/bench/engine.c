/* A TURN server's engine driven as fast as it goes.
 *
 * All clients' messages are made before the clock starts, so that what is timed is the server's work: parsing, integrity,
 * tables, answers. What it sends ends in the ops below, which count and look at the first two bytes; a relay "socket" is
 * an address. The engine's own time moves a microsecond a message.
 *
 * Memory is asked of malloc (mallinfo2): bytes in use after all clients have allocated and bound a channel, minus those
 * before, over the number of allocations. It is exact to what malloc rounds up and keeps in its thread cache, and belongs
 * to the C library as much as to us. */
#include "bench/engine.h"

#include <assert.h>
#include <malloc.h>
#include <string.h>

#include "bench/clock.h"
#include "engines/turn_server.h"
#include "wire/stun.h"

enum { MESSAGE = 512, CHANNEL = 0x4000, NONCE_MAX = 128, FIRST_PORT = 1024, PORTS = 60000 };

static const char *const op_names[] = {"stun-binding",    "turn-challenge",     "turn-allocate",
                                       "turn-refresh",    "turn-permission",    "turn-channel-bind",
                                       "turn-send-relay", "turn-channel-relay", "turn-peer-relay"};
static_assert(G_N_ELEMENTS(op_names) == HP_BENCH_OP_N, "a name for each operation");

const char *hp_bench_op_name(hp_bench_op op)
{
    return op_names[op];
}

typedef struct client {
    hp_addr addr, peer, relay;
    uint8_t message[MESSAGE];
    size_t length;
    char nonce[NONCE_MAX];
    size_t nonce_length;
} client;

struct hp_bench_engine {
    hp_server_config config;
    hp_turn_user user;
    hp_stun_key key;
    hp_addr address;
    hp_turn_server *server;
    client *clients;
    unsigned n_clients;
    hp_time now;
    uint32_t next_id;
    client *present; /* whose message the engine has */
    bool challenging;
    uint64_t good; /* answers, or relayed datagrams, as they should be */
    size_t last_size;
};

/* ---- what the engine does ---- */

static void learn_nonce(client *c, const uint8_t *data, size_t len)
{
    hp_stun_msg m;
    hp_stun_attr nonce;
    if (hp_stun_parse(data, len, &m) && hp_stun_find(&m, HP_STUN_NONCE, &nonce) && nonce.length <= NONCE_MAX) {
        memcpy(c->nonce, nonce.value, nonce.length);
        c->nonce_length = nonce.length;
    }
}

static bool on_send(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                    const hp_stun_meta *meta)
{
    enum { CLASS_HIGH = 0x01, CLASS_LOW = 0x10, CHANNEL_BITS = 0x40 }; /* RFC 8489 section 5, RFC 8656 section 12.4 */
    hp_bench_engine *e = user;
    bool success = (data[0] & CLASS_HIGH) != 0 && (data[1] & CLASS_LOW) == 0;
    e->good += e->challenging ? !success : success || (data[0] & 0xc0) == CHANNEL_BITS;
    e->last_size = len;
    if (e->challenging)
        learn_nonce(e->present, data, len);
    return true;
}

static bool on_open(void *user, const hp_addr *relay, void **ret_handle)
{
    hp_bench_engine *e = user;
    e->present->relay = *relay;
    *ret_handle = e->present;
    return true;
}

static void on_close(void *user, const hp_addr *relay, void *handle)
{
}

static bool on_relay(void *user, hp_time now, const hp_addr *relay, void *handle, const hp_addr *peer,
                     const uint8_t *data, size_t len, const hp_stun_meta *meta)
{
    hp_bench_engine *e = user;
    e->good += len == HP_BENCH_PAYLOAD;
    e->last_size = len;
    return true;
}

/* ---- life ---- */

hp_bench_engine *hp_bench_engine_new(unsigned n_clients, uint64_t seed)
{
    static const hp_server_ops ops = {
        .send = on_send, .open_relay = on_open, .close_relay = on_close, .relay = on_relay};
    hp_bench_engine *e = g_new0(hp_bench_engine, 1);
    e->user = (hp_turn_user){.name = (char *)"bench", .password = (char *)"secret"};
    e->config = (hp_server_config){.kind = HP_SERVER_TURN,
                                   .accept_rfc3489 = true,
                                   .software = true,
                                   .users = &e->user,
                                   .n_users = 1,
                                   .relay_port_first = FIRST_PORT,
                                   .relay_port_last = FIRST_PORT + PORTS - 1,
                                   .dont_fragment = true,
                                   .allow_private_peers = true};
    e->key = hp_stun_key_long(e->user.name, "hairpin", e->user.password, false);
    e->address = hp_addr_v4(0xcb007101, 0);
    e->now = HP_S;
    e->n_clients = n_clients;
    e->clients = g_new0(client, n_clients);
    for (unsigned i = 0; i < n_clients; i++) {
        e->clients[i].addr = hp_addr_v4(0xc6120001 + i, 40000);
        e->clients[i].peer = hp_addr_v4(0xc6130001 + i, 50000);
    }
    hp_rng rng;
    hp_rng_init(&rng, seed, "bench");
    e->server = hp_turn_server_new(&e->config, &e->address, 1, &rng, &ops, e);
    return e;
}

void hp_bench_engine_free(hp_bench_engine *e)
{
    if (!e)
        return;
    hp_turn_server_free(e->server);
    g_free(e->clients);
    g_free(e);
}

size_t hp_bench_engine_last_size(const hp_bench_engine *engine)
{
    return engine->last_size;
}

/* ---- messages ---- */

static void sign(const hp_bench_engine *e, const client *c, hp_stun_writer *w)
{
    hp_stun_add_text(w, HP_STUN_USERNAME, e->user.name);
    hp_stun_add_text(w, HP_STUN_REALM, "hairpin");
    hp_stun_add(w, HP_STUN_NONCE, c->nonce, c->nonce_length);
    hp_stun_add_integrity(w, &e->key, false);
}

static void begin(hp_bench_engine *e, client *c, hp_stun_writer *w, hp_stun_class cls, uint16_t method)
{
    uint8_t id[12] = {0};
    e->next_id++;
    memcpy(id, &e->next_id, sizeof e->next_id);
    hp_stun_begin(w, c->message, sizeof c->message, cls, method, id, NULL);
}

static void write_request(hp_bench_engine *e, client *c, hp_stun_writer *w, uint16_t method)
{
    const uint32_t udp = UINT32_C(17) << 24;
    begin(e, c, w, HP_STUN_REQUEST, method);
    if (method == HP_STUN_ALLOCATE)
        hp_stun_add_u32(w, HP_STUN_REQUESTED_TRANSPORT, udp);
    if (method == HP_STUN_CHANNEL_BIND)
        hp_stun_add_u32(w, HP_STUN_CHANNEL_NUMBER, (uint32_t)CHANNEL << 16);
    if (method == HP_STUN_CHANNEL_BIND || method == HP_STUN_CREATE_PERMISSION)
        hp_stun_add_addr(w, HP_STUN_XOR_PEER_ADDRESS, &c->peer, true);
}

/* Into c->message. */
static void write_message(hp_bench_engine *e, hp_bench_op op, client *c)
{
    static const uint8_t payload[HP_BENCH_PAYLOAD] = {0x80};
    hp_stun_writer w;
    switch (op) {
    case HP_BENCH_OP_BINDING:
        write_request(e, c, &w, HP_STUN_BINDING);
        break;
    case HP_BENCH_OP_CHALLENGE:
        write_request(e, c, &w, HP_STUN_ALLOCATE);
        break;
    case HP_BENCH_OP_ALLOCATE:
        write_request(e, c, &w, HP_STUN_ALLOCATE);
        sign(e, c, &w);
        break;
    case HP_BENCH_OP_REFRESH:
        write_request(e, c, &w, HP_STUN_REFRESH);
        sign(e, c, &w);
        break;
    case HP_BENCH_OP_PERMISSION:
        write_request(e, c, &w, HP_STUN_CREATE_PERMISSION);
        sign(e, c, &w);
        break;
    case HP_BENCH_OP_CHANNEL_BIND:
        write_request(e, c, &w, HP_STUN_CHANNEL_BIND);
        sign(e, c, &w);
        break;
    case HP_BENCH_OP_SEND:
        begin(e, c, &w, HP_STUN_INDICATION, HP_STUN_SEND);
        hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &c->peer, true);
        hp_stun_add(&w, HP_STUN_DATA_ATTR, payload, sizeof payload);
        break;
    case HP_BENCH_OP_CHANNEL_OUT:
        c->length = hp_channel_data_write(c->message, sizeof c->message, CHANNEL, payload, sizeof payload);
        return;
    case HP_BENCH_OP_CHANNEL_IN:
    case HP_BENCH_OP_N:
        memcpy(c->message, payload, sizeof payload);
        c->length = sizeof payload;
        return;
    }
    c->length = hp_stun_finish(&w);
}

static void hand_in(hp_bench_engine *e, hp_bench_op op, client *c)
{
    hp_addr server = hp_addr_with_port(e->address, 3478);
    e->present = c;
    e->now += HP_US;
    if (op == HP_BENCH_OP_CHANNEL_IN) {
        hp_turn_server_relay_input(e->server, e->now, &c->relay, &c->peer, c->message, c->length, NULL);
        return;
    }
    hp_stun_path path = hp_stun_path_udp(&c->addr, &server);
    hp_turn_server_input(e->server, e->now, &path, c->message, c->length, NULL);
}

bool hp_bench_engine_do(hp_bench_engine *e, hp_bench_op op, unsigned rounds, uint64_t *ret_ns)
{
    uint64_t taken = 0, before = e->good;
    e->challenging = op == HP_BENCH_OP_CHALLENGE;
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < e->n_clients; i++)
            write_message(e, op, &e->clients[i]);
        uint64_t started = hp_bench_cpu();
        for (unsigned i = 0; i < e->n_clients; i++)
            hand_in(e, op, &e->clients[i]);
        taken += hp_bench_cpu() - started;
    }
    if (ret_ns)
        *ret_ns = taken;
    return e->good - before == (uint64_t)rounds * e->n_clients;
}

/* ---- memory ---- */

static size_t heap_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* The same with as many engines as it takes for ENOUGH allocations in all: what malloc's caches blur is some kilobytes. */
double hp_bench_engine_memory(unsigned n, uint64_t seed)
{
    enum { ENOUGH = 2000 };
    static const hp_bench_op ops[] = {HP_BENCH_OP_CHALLENGE, HP_BENCH_OP_ALLOCATE, HP_BENCH_OP_CHANNEL_BIND};
    const unsigned n_engines = (ENOUGH + n - 1) / n;
    g_autoptr(GPtrArray) engines = g_ptr_array_new_with_free_func((GDestroyNotify)hp_bench_engine_free);
    /* The first one is not counted: what libraries keep after their first use is none of the engine's. */
    for (unsigned i = 0; i <= n_engines; i++)
        g_ptr_array_add(engines, hp_bench_engine_new(n, seed));
    size_t before = 0;
    for (unsigned i = 0; i <= n_engines; i++) {
        for (unsigned op = 0; op < G_N_ELEMENTS(ops); op++)
            g_return_val_if_fail(hp_bench_engine_do(engines->pdata[i], ops[op], 1, NULL), 0);
        before = i == 0 ? heap_in_use() : before;
    }
    size_t after = heap_in_use();
    return after > before ? (double)(after - before) / ((double)n_engines * n) : 0;
}
