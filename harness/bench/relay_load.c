/* The relay bench's generator: blocking exchanges to set up, then one loop that writes what is due and reads what came.
 *
 * What is due follows the clock: after t seconds rate * t packets were sent. Between looks at the clock at most 128 leave,
 * and everything that came is read, so that no queue here fills; the generator's own limit shows as fewer packets sent
 * than wanted, never as loss. Packets are made beforehand, one a flow; only their stamp changes, which a UDP checksum of
 * 0 (there is none) allows. */
#include "bench/relay_load.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "live/lateness.h"
#include "wire/bytes.h"
#include "wire/ip.h"
#include "wire/stun.h"

enum {
    BURST = 128,
    CHANNEL = 0x4000,
    CHANNEL_HEADER = 4,
    STAMP = 16, /* bytes of payload: the window's number, and when it was sent */
    MESSAGE = 1024,
    TRIES = 50,
    WAIT_MS = 100, /* for an answer */
    MAX_PACKET = 2048,
    HEADERS = HP_IPV4_HEADER + HP_UDP_HEADER,
    FIRST_PORT = 10000, /* of the clients */
    PEER_PORT = 9000,
};
#define AFTERWARDS (100 * HP_MS) /* that something may still come after the last packet was sent */

typedef struct flow {
    uint8_t bytes[MAX_PACKET]; /* the whole packet */
    size_t length, stamp; /* stamp: where it is */
} flow;

typedef struct turn_client {
    hp_addr addr, relay;
    char nonce[256], realm[256];
    flow up, down;
} turn_client;

struct hp_relay_load {
    hp_relay_load_config config;
    turn_client *clients;
    hp_addr peer;
    uint32_t next_id;
    uint64_t window; /* the number of the present one */
    uint64_t turn; /* whose turn it is */
    uint64_t sent, received;
    hp_lateness delays;
};

static hp_time now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (hp_time)t.tv_sec * HP_S + (hp_time)t.tv_nsec;
}

/* ---- setting up ---- */

static void write_datagram(const hp_relay_load *load, const hp_addr *from, const hp_addr *to, const void *data,
                           size_t length)
{
    uint8_t bytes[MAX_PACKET];
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, from, to, data, length);
    size_t n = hp_packet_write(p, bytes, sizeof bytes);
    if (write(load->config.device, bytes, n) < 0) {
        return; /* it is asked again */
    }
}

/* The UDP payload of the next datagram for that client, waiting for it until `end`; 0 bytes without one. */
static size_t read_datagram(const hp_relay_load *load, const hp_addr *to, hp_time end, uint8_t out[static MESSAGE])
{
    for (hp_time t; (t = now()) < end;) {
        struct pollfd ready = {.fd = load->config.device, .events = POLLIN};
        uint8_t bytes[MAX_PACKET];
        poll(&ready, 1, (int)((end - t) / HP_MS) + 1);
        ssize_t n = read(load->config.device, bytes, sizeof bytes);
        g_autoptr(hp_packet) p = n > 0 ? hp_packet_parse(bytes, (size_t)n, NULL) : NULL;
        if (p != NULL && p->proto == HP_PROTO_UDP && hp_addr_equal(&p->dst, to) && p->length <= MESSAGE) {
            memcpy(out, p->payload, p->length);
            return p->length;
        }
    }
    return 0;
}

/* Sends until there is an answer to it; returns its length, 0 without one. */
static size_t ask(const hp_relay_load *load, const hp_addr *from, const uint8_t *message, size_t length,
                  uint8_t answer[static MESSAGE])
{
    for (unsigned i = 0; i < TRIES; i++) {
        size_t n;
        hp_time end = now() + WAIT_MS * HP_MS;
        write_datagram(load, from, &load->config.server, message, length);
        while ((n = read_datagram(load, from, end, answer)) > 0) {
            hp_stun_msg m;
            if (hp_stun_parse(answer, n, &m) && memcmp(m.id, message + 8, 12) == 0) {
                return n;
            }
        }
    }
    return 0;
}

static void begin(hp_relay_load *load, hp_stun_writer *w, uint8_t *out, uint16_t method)
{
    uint8_t id[12] = "relay load";
    hp_put32(id + 8, ++load->next_id);
    hp_stun_begin(w, out, MESSAGE, HP_STUN_REQUEST, method, id, NULL);
}

static void copy_text(const hp_stun_msg *m, uint16_t type, char out[static 256])
{
    hp_stun_attr a;
    if (hp_stun_find(m, type, &a) && a.length < 256) {
        memcpy(out, a.value, a.length);
        out[a.length] = '\0';
    }
}

/* Adds the credentials and asks; false with the error's code in *ret_code, 0 without an answer. */
static bool ask_server(const hp_relay_load *load, turn_client *c, hp_stun_writer *w, uint8_t answer[static MESSAGE],
                       hp_stun_msg *ret, unsigned *ret_code)
{
    if (c->nonce[0] != '\0') {
        hp_stun_key key = hp_stun_key_long(load->config.user, c->realm, load->config.password, false);
        hp_stun_add_text(w, HP_STUN_USERNAME, load->config.user);
        hp_stun_add_text(w, HP_STUN_REALM, c->realm);
        hp_stun_add_text(w, HP_STUN_NONCE, c->nonce);
        hp_stun_add_integrity(w, &key, false);
    }
    size_t length = ask(load, &c->addr, w->buf, hp_stun_finish(w), answer);
    hp_stun_attr a;
    *ret_code = 0;
    if (length == 0 || !hp_stun_parse(answer, length, ret)) {
        return false;
    }
    if (ret->cls == HP_STUN_SUCCESS) {
        return true;
    }
    copy_text(ret, HP_STUN_NONCE, c->nonce);
    copy_text(ret, HP_STUN_REALM, c->realm);
    if (hp_stun_find(ret, HP_STUN_ERROR_CODE, &a)) {
        hp_stun_attr_error(&a, ret_code, NULL, NULL);
    }
    return false;
}

static bool allocate(hp_relay_load *load, turn_client *c, unsigned *ret_code)
{
    enum { UDP = 17 };
    uint8_t message[MESSAGE], answer[MESSAGE];
    for (unsigned i = 0; i < 3; i++) {
        hp_stun_writer w;
        hp_stun_msg m;
        hp_stun_attr a;
        begin(load, &w, message, HP_STUN_ALLOCATE);
        hp_stun_add_u32(&w, HP_STUN_REQUESTED_TRANSPORT, (uint32_t)UDP << 24);
        if (ask_server(load, c, &w, answer, &m, ret_code)) {
            return hp_stun_find(&m, HP_STUN_XOR_RELAYED_ADDRESS, &a) && hp_stun_attr_addr(&m, &a, true, &c->relay);
        }
        if (*ret_code != 401 && *ret_code != 438) {
            return false;
        }
    }
    return false;
}

static bool bind_channel(hp_relay_load *load, turn_client *c, unsigned *ret_code)
{
    uint8_t message[MESSAGE], answer[MESSAGE];
    hp_stun_writer w;
    hp_stun_msg m;
    begin(load, &w, message, HP_STUN_CHANNEL_BIND);
    hp_stun_add_u32(&w, HP_STUN_CHANNEL_NUMBER, (uint32_t)CHANNEL << 16);
    hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &load->peer, true);
    return ask_server(load, c, &w, answer, &m, ret_code);
}

static void make_flow(flow *f, const hp_addr *from, const hp_addr *to, const void *data, size_t length, size_t header)
{
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, from, to, data, length);
    p->no_checksum = true;
    p->dont_fragment = true;
    f->length = hp_packet_write(p, f->bytes, sizeof f->bytes);
    f->stamp = HEADERS + header;
}

static bool add_client(hp_relay_load *load, unsigned i, GError **error)
{
    turn_client *c = &load->clients[i];
    uint8_t data[MAX_PACKET] = {0}, payload[MAX_PACKET] = {0};
    unsigned code = 0;
    c->addr = hp_addr_with_port(load->config.clients, (uint16_t)(FIRST_PORT + i));
    if (!allocate(load, c, &code) || !bind_channel(load, c, &code)) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "relay bench: client %u: %s", i + 1,
                    code != 0 ? hp_stun_error_reason(code) : "the server does not answer");
        return false;
    }
    size_t length = hp_channel_data_write(data, sizeof data, CHANNEL, payload, load->config.size);
    make_flow(&c->up, &c->addr, &load->config.server, data, length, CHANNEL_HEADER);
    make_flow(&c->down, &load->peer, &c->relay, payload, load->config.size, 0);
    return true;
}

hp_relay_load *hp_relay_load_new(const hp_relay_load_config *config, GError **error)
{
    hp_relay_load *load = g_new0(hp_relay_load, 1);
    load->config = *config;
    load->config.size = CLAMP(config->size, STAMP, MAX_PACKET - HEADERS - CHANNEL_HEADER);
    load->clients = g_new0(turn_client, config->n_clients);
    load->peer = hp_addr_with_port(config->peer, PEER_PORT);
    for (unsigned i = 0; i < config->n_clients; i++) {
        if (!add_client(load, i, error)) {
            hp_relay_load_free(load);
            return NULL;
        }
    }
    return load;
}

void hp_relay_load_free(hp_relay_load *load)
{
    if (load != NULL) {
        g_free(load->clients);
        g_free(load);
    }
}

/* ---- the load ---- */

static bool write_flow(hp_relay_load *load, flow *f, hp_time t)
{
    memcpy(f->bytes + f->stamp, &load->window, sizeof load->window);
    memcpy(f->bytes + f->stamp + sizeof load->window, &t, sizeof t);
    return write(load->config.device, f->bytes, f->length) == (ssize_t)f->length;
}

static void send_some(hp_relay_load *load, uint64_t n, hp_time t)
{
    for (uint64_t i = 0; i < n; i += 2) {
        turn_client *c = &load->clients[load->turn++ % load->config.n_clients];
        load->sent += write_flow(load, &c->up, t);
        load->sent += write_flow(load, &c->down, t);
    }
}

/* What the server sends: to a client as ChannelData, to the peer as it was. */
static void take(hp_relay_load *load, const uint8_t *bytes, size_t n, hp_time t)
{
    enum { PROTOCOL_AT = 9, DESTINATION_AT = 16 };
    if (n < HEADERS || bytes[0] != 0x45 || bytes[PROTOCOL_AT] != HP_PROTO_UDP) {
        return;
    }
    bool to_peer = memcmp(bytes + DESTINATION_AT, load->peer.ip, 4) == 0;
    size_t at = to_peer ? HEADERS : HEADERS + CHANNEL_HEADER;
    uint64_t window;
    hp_time sent;
    if (n != at + load->config.size) {
        return;
    }
    memcpy(&window, bytes + at, sizeof window);
    memcpy(&sent, bytes + at + sizeof window, sizeof sent);
    if (window == load->window) {
        load->received++;
        hp_lateness_add(&load->delays, t > sent ? t - sent : 0);
    }
}

static void receive_some(hp_relay_load *load)
{
    uint8_t bytes[MAX_PACKET];
    hp_time t = now();
    for (unsigned i = 0; i < BURST; i++) {
        ssize_t n = read(load->config.device, bytes, sizeof bytes);
        if (n <= 0) {
            return;
        }
        take(load, bytes, (size_t)n, t);
    }
}

static void begin_window(hp_relay_load *load)
{
    load->window++;
    load->sent = 0;
    load->received = 0;
    load->delays = (hp_lateness){.n = 0};
}

/* Waits for what is still under way. */
static hp_relay_window end_window(hp_relay_load *load, hp_time lasted)
{
    hp_relay_window w = {.lasted = lasted, .sent = load->sent};
    for (hp_time end = now() + AFTERWARDS; load->received < w.sent && now() < end;) {
        receive_some(load);
    }
    w.received = load->received;
    w.delay_median = hp_lateness_percentile(&load->delays, 500);
    w.delay_p99 = hp_lateness_percentile(&load->delays, 990);
    return w;
}

hp_relay_window hp_relay_load_saturate(hp_relay_load *load, unsigned under_way, hp_time length)
{
    begin_window(load);
    hp_time start = now(), t, heard = start;
    uint64_t lost = 0;
    while ((t = now()) - start < length) {
        uint64_t gone = load->received + lost, received = load->received;
        if (load->sent < gone + under_way) {
            send_some(load, (gone + under_way - load->sent + 1) & ~UINT64_C(1), t);
        }
        receive_some(load);
        if (load->received != received) {
            heard = t;
        } else if (t - heard > AFTERWARDS) {
            lost = load->sent - load->received;
            heard = t;
        }
    }
    return end_window(load, t - start);
}

hp_relay_window hp_relay_load_run(hp_relay_load *load, uint64_t rate, hp_time length)
{
    begin_window(load);
    hp_time start = now(), t;
    uint64_t offered = 0;
    while ((t = now()) - start < length) {
        uint64_t due = (uint64_t)((unsigned __int128)rate * (t - start) / HP_S);
        if (due >= offered + 2) {
            uint64_t n = MIN(due - offered, BURST) & ~UINT64_C(1);
            send_some(load, n, t);
            offered += n;
        }
        receive_some(load);
    }
    return end_window(load, t - start);
}
