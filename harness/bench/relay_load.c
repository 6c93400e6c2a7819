/* The relay bench's generator: blocking exchanges to set up, then one loop that writes what is due and reads what came.
 *
 * What is due follows the clock: after t seconds rate * t packets were sent. Between looks at the clock at most 128 leave,
 * and everything that came is read, so that no queue here fills; the generator's own limit shows as fewer packets sent
 * than wanted, never as loss. Packets are made beforehand, a frame a flow; only their stamps change. Their UDP checksums
 * are the pseudo header's sum alone, and the header before each packet (struct virtio_net_hdr) tells the kernel that the
 * rest is known to be good: what a card that has looked at the checksum says.
 *
 * What the server sends may be several datagrams in one, as the device offers to take them apart. */
#include "bench/relay_load.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/error.h"
#include "live/clock.h"
#include "live/device_tun.h"
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
    MAX_READ = 1 << 17, /* with datagrams in one */
    HEADERS = HP_IPV4_HEADER + HP_UDP_HEADER,
    FIRST_PORT = 10000, /* of the clients */
    PEER_PORT = 9000,
};
#define AFTERWARDS (100 * HP_MS) /* that something may still come after the last packet was sent */

/* What is written at once: one packet, or a train of one flow's, each `segment` bytes after the one before. */
typedef struct flow {
    uint8_t *bytes; /* the whole packet; owned */
    size_t length, stamp, segment; /* stamp: where the first is */
    unsigned n; /* stamps */
} flow;

/* What a client, or the peer for it, sends in a turn: a train where the device takes them, else `full` for all packets but
 * the last. */
typedef struct frame {
    flow train, full, last;
} frame;

typedef struct turn_client {
    hp_addr addr, relay;
    char nonce[256], realm[256];
    frame up, down;
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
    uint8_t in[MAX_READ];
};

static hp_time now(void)
{
    return hp_clock_read(CLOCK_MONOTONIC);
}

/* ---- the device ---- */

static bool write_packet(const hp_relay_load *load, struct virtio_net_hdr header, const uint8_t *bytes, size_t length)
{
    struct iovec parts[] = {{.iov_base = &header, .iov_len = sizeof header},
                            {.iov_base = (uint8_t *)bytes, .iov_len = length}};
    return writev(load->config.device, parts, G_N_ELEMENTS(parts)) == (ssize_t)(sizeof header + length);
}

/* The bytes of the next packet, 0: none. *ret_segment: of how many bytes each datagram in it is, 0: there is one. */
static size_t read_packet(hp_relay_load *load, size_t *ret_segment)
{
    struct virtio_net_hdr header;
    struct iovec parts[] = {{.iov_base = &header, .iov_len = sizeof header},
                            {.iov_base = load->in, .iov_len = sizeof load->in}};
    ssize_t n = readv(load->config.device, parts, G_N_ELEMENTS(parts));
    if (n <= (ssize_t)sizeof header) {
        return 0;
    }
    *ret_segment = header.gso_type != VIRTIO_NET_HDR_GSO_NONE ? header.gso_size : 0;
    return (size_t)n - sizeof header;
}

/* ---- setting up ---- */

static void write_datagram(const hp_relay_load *load, const hp_addr *from, const hp_addr *to, const void *data,
                           size_t length)
{
    uint8_t bytes[MAX_PACKET];
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, from, to, data, length);
    write_packet(load, (struct virtio_net_hdr){0}, bytes, hp_packet_write(p, bytes, sizeof bytes)); /* or asked again */
}

/* The UDP payload of the next datagram for that client, waiting for it until `end`; 0 bytes without one. */
static size_t read_datagram(hp_relay_load *load, const hp_addr *to, hp_time end, uint8_t out[static MESSAGE])
{
    for (hp_time t; (t = now()) < end;) {
        struct pollfd ready = {.fd = load->config.device, .events = POLLIN};
        size_t segment;
        poll(&ready, 1, (int)((end - t) / HP_MS) + 1);
        size_t n = read_packet(load, &segment);
        g_autoptr(hp_packet) p = n > 0 ? hp_packet_parse(load->in, n, NULL) : NULL;
        if (p != NULL && p->proto == HP_PROTO_UDP && hp_addr_equal(&p->dst, to) && p->length <= MESSAGE) {
            memcpy(out, p->payload, p->length);
            return p->length;
        }
    }
    return 0;
}

/* Sends until there is an answer to it; returns its length, 0 without one. */
static size_t ask(hp_relay_load *load, const hp_addr *from, const uint8_t *message, size_t length,
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
static bool ask_server(hp_relay_load *load, turn_client *c, hp_stun_writer *w, uint8_t answer[static MESSAGE],
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

/* The UDP checksum of a packet whose rest the receiver need not look at: the pseudo header's sum (RFC 768). */
static void set_partial_checksum(uint8_t *bytes, size_t length)
{
    enum { ADDRESSES_AT = 12, CHECKSUM_AT = HP_IPV4_HEADER + 6 };
    uint32_t sum = HP_PROTO_UDP + (uint32_t)(length - HP_IPV4_HEADER);
    for (size_t i = ADDRESSES_AT; i < HP_IPV4_HEADER; i += 2) {
        sum += hp_get16(bytes + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    hp_put16(bytes + CHECKSUM_AT, (uint16_t)(sum + (sum >> 16)));
}

/* n payloads, all but the last of `segment` bytes; in front of each `header` bytes stand before its stamp. */
static void make_flow(flow *f, const hp_addr *from, const hp_addr *to, const GByteArray *data, size_t segment,
                      size_t header)
{
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, from, to, data->data, data->len);
    p->no_checksum = true;
    p->dont_fragment = true;
    f->bytes = g_malloc(data->len + HEADERS);
    f->length = hp_packet_write(p, f->bytes, data->len + HEADERS);
    f->stamp = HEADERS + header;
    f->segment = segment;
    f->n = (unsigned)((data->len + segment - 1) / segment);
    set_partial_checksum(f->bytes, f->length);
}

static void add_payload(GByteArray *data, size_t size, bool channel)
{
    uint8_t payload[MAX_PACKET] = {0}, bytes[MAX_PACKET];
    size_t length = hp_channel_data_write(bytes, sizeof bytes, CHANNEL, payload, size);
    g_byte_array_append(data, channel ? bytes : payload, (guint)(channel ? length : size));
}

static void make_packets(const hp_relay_load *load, flow *f, const hp_addr *from, const hp_addr *to, unsigned n_full,
                         bool last)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    bool channel = hp_addr_equal(to, &load->config.server);
    size_t header = channel ? CHANNEL_HEADER : 0;
    for (unsigned i = 0; i < n_full; i++) {
        add_payload(data, load->config.size, channel);
    }
    if (last) {
        add_payload(data, load->config.last_size, channel);
    }
    make_flow(f, from, to, data, n_full > 0 ? load->config.size + header : data->len, header);
}

static void make_frame(const hp_relay_load *load, frame *f, const hp_addr *from, const hp_addr *to)
{
    make_packets(load, &f->train, from, to, load->config.frame - 1, true);
    make_packets(load, &f->full, from, to, 1, false);
    make_packets(load, &f->last, from, to, 0, true);
}

static void clear_frame(frame *f)
{
    g_free(f->train.bytes);
    g_free(f->full.bytes);
    g_free(f->last.bytes);
}

static bool add_client(hp_relay_load *load, unsigned i, GError **error)
{
    turn_client *c = &load->clients[i];
    unsigned code = 0;
    c->addr = hp_addr_with_port(load->config.clients, (uint16_t)(FIRST_PORT + i));
    if (!allocate(load, c, &code) || !bind_channel(load, c, &code)) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "relay bench: client %u: %s", i + 1,
                    code != 0 ? hp_stun_error_reason(code) : "the server does not answer");
        return false;
    }
    make_frame(load, &c->up, &c->addr, &load->config.server);
    make_frame(load, &c->down, &load->peer, &c->relay);
    return true;
}

hp_relay_load *hp_relay_load_new(const hp_relay_load_config *config, GError **error)
{
    hp_relay_load *load = g_new0(hp_relay_load, 1);
    load->config = *config;
    load->config.size = CLAMP(config->size, STAMP, MAX_PACKET - HEADERS - CHANNEL_HEADER);
    load->config.last_size = CLAMP(config->last_size, STAMP, load->config.size);
    load->config.frame = CLAMP(config->frame, 1, HP_RELAY_LOAD_MAX_FRAME);
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
        for (unsigned i = 0; i < load->config.n_clients; i++) {
            clear_frame(&load->clients[i].up);
            clear_frame(&load->clients[i].down);
        }
        g_free(load->clients);
        g_free(load);
    }
}

/* ---- the load ---- */

static unsigned write_flow(hp_relay_load *load, flow *f, hp_time t)
{
    for (unsigned i = 0; i < f->n; i++) {
        uint8_t *stamp = f->bytes + f->stamp + i * f->segment;
        memcpy(stamp, &load->window, sizeof load->window);
        memcpy(stamp + sizeof load->window, &t, sizeof t);
    }
    return write_packet(load, hp_tun_udp(HEADERS, f->n > 1 ? f->segment : 0), f->bytes, f->length) ? f->n : 0;
}

static void send_frame(hp_relay_load *load, frame *f, hp_time t)
{
    if (load->config.trains) {
        load->sent += write_flow(load, &f->train, t);
        return;
    }
    for (unsigned i = 1; i < load->config.frame; i++) {
        load->sent += write_flow(load, &f->full, t);
    }
    load->sent += write_flow(load, &f->last, t);
}

/* What is sent at once: a frame to the server, and one to the relay. */
static uint64_t step_of(const hp_relay_load *load)
{
    return UINT64_C(2) * load->config.frame;
}

static void send_some(hp_relay_load *load, uint64_t n, hp_time t)
{
    for (uint64_t i = 0; i < n; i += step_of(load)) {
        turn_client *c = &load->clients[load->turn++ % load->config.n_clients];
        send_frame(load, &c->up, t);
        send_frame(load, &c->down, t);
    }
}

static void take_one(hp_relay_load *load, const uint8_t *payload, size_t length, hp_time t)
{
    uint64_t window;
    hp_time sent;
    if (length != load->config.size && length != load->config.last_size) {
        return;
    }
    memcpy(&window, payload, sizeof window);
    memcpy(&sent, payload + sizeof window, sizeof sent);
    if (window == load->window) {
        load->received++;
        hp_lateness_add(&load->delays, t > sent ? t - sent : 0);
    }
}

/* What the server sends: to a client as ChannelData, to the peer as it was. */
static void take(hp_relay_load *load, const uint8_t *bytes, size_t n, size_t segment, hp_time t)
{
    enum { PROTOCOL_AT = 9, DESTINATION_AT = 16 };
    if (n < HEADERS || bytes[0] != 0x45 || bytes[PROTOCOL_AT] != HP_PROTO_UDP) {
        return;
    }
    bool to_peer = memcmp(bytes + DESTINATION_AT, load->peer.ip, 4) == 0;
    size_t header = to_peer ? 0 : CHANNEL_HEADER;
    for (size_t at = HEADERS, length; at < n; at += length) {
        length = segment != 0 ? MIN(segment, n - at) : n - at;
        if (length > header) {
            take_one(load, bytes + at + header, length - header, t);
        }
    }
}

static void receive_some(hp_relay_load *load)
{
    hp_time t = now();
    for (unsigned i = 0; i < BURST; i++) {
        size_t segment, n = read_packet(load, &segment);
        if (n == 0) {
            return;
        }
        take(load, load->in, n, segment, t);
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
    return w;
}

hp_relay_window hp_relay_load_saturate(hp_relay_load *load, unsigned under_way, hp_time length)
{
    begin_window(load);
    hp_time start = now(), t, heard = start;
    uint64_t lost = 0;
    while ((t = now()) - start < length) {
        uint64_t gone = load->received + lost, received = load->received;
        if (load->sent + step_of(load) <= gone + under_way) {
            send_some(load, gone + under_way - load->sent - step_of(load) + 1, t);
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
        if (due >= offered + step_of(load)) {
            uint64_t n = MIN(due - offered, MAX(BURST, step_of(load))) / step_of(load) * step_of(load);
            send_some(load, n, t);
            offered += n;
        }
        receive_some(load);
    }
    return end_window(load, t - start);
}
