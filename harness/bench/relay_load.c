/* The relay bench's generator: plain blocking exchanges to set up, then one loop that sends what is due and reads what
 * came.
 *
 * What is due follows the clock: after t seconds rate * t packets were sent. Between looks at the clock at most 64 leave
 * each way, and everything that came is read, so that no queue here fills; the generator's own limit shows as fewer
 * packets sent than wanted, never as loss. The peer is one socket, whose datagrams leave by sendmmsg; the clients are
 * sockets of their own, as a server sees them, and send one by one in turn. */
#include "bench/relay_load.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "live/lateness.h"
#include "wire/bytes.h"
#include "wire/stun.h"

enum {
    BATCH = 64,
    CHANNEL = 0x4000,
    HEADER = 4, /* of ChannelData */
    NUMBERS = 16, /* bytes of payload that say which window it is of, and when it was sent */
    MESSAGE = 1024,
    TRIES = 40,
    WAIT_MS = 100, /* for an answer */
    ROOM = 8 << 20,
    MAX_PACKET = 2048,
};
#define AFTERWARDS (100 * HP_MS) /* that something may still come after the last packet was sent */

typedef struct turn_client {
    int fd;
    hp_addr relay;
    char nonce[256], realm[256];
} turn_client;

struct hp_relay_load {
    hp_relay_load_config config;
    turn_client *clients;
    int peer, epoll;
    hp_addr peer_address;
    uint32_t next_id;
    uint64_t window; /* the number of the present one */
    uint64_t turn; /* whose turn it is */
    uint64_t sent, received;
    hp_time looked; /* when the clock was last asked */
    hp_lateness delays;
    struct sockaddr_storage *relays;
    socklen_t relay_length;
    uint8_t packet[MAX_PACKET]; /* ChannelData; the payload is what the peer sends */
    struct mmsghdr out[BATCH], in[BATCH];
    struct iovec out_buffer, in_buffers[BATCH];
    uint8_t in_bytes[BATCH][MAX_PACKET];
};

static hp_time now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (hp_time)t.tv_sec * HP_S + (hp_time)t.tv_nsec;
}

static int open_socket(const hp_addr *at, const hp_addr *to)
{
    struct sockaddr_storage name;
    int room = ROOM;
    int fd = socket(at->family == HP_AF_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = (socklen_t)hp_addr_to_sockaddr(at, &name);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, length) != 0) {
        goto failed;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    }
    if (to != NULL) {
        length = (socklen_t)hp_addr_to_sockaddr(to, &name);
        if (connect(fd, (struct sockaddr *)&name, length) != 0) {
            goto failed;
        }
    }
    return fd;
failed:
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

/* ---- setting up ---- */

/* Sends until there is an answer to it; returns its length, 0 without one. */
static size_t ask(int fd, const uint8_t *message, size_t length, uint8_t answer[static MESSAGE])
{
    const struct timeval wait = {.tv_usec = WAIT_MS * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    for (unsigned i = 0; i < TRIES; i++) {
        send(fd, message, length, 0);
        ssize_t n;
        while ((n = recv(fd, answer, MESSAGE, 0)) >= 0 || errno == ECONNREFUSED) {
            hp_stun_msg m;
            if (n > 0 && hp_stun_parse(answer, (size_t)n, &m) && memcmp(m.id, message + 8, 12) == 0) {
                return (size_t)n;
            }
            if (n < 0) { /* nobody is there yet */
                const struct timespec pause = {.tv_nsec = 20000000};
                nanosleep(&pause, NULL);
                break;
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
    size_t length = ask(c->fd, w->buf, hp_stun_finish(w), answer);
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
    hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &load->peer_address, true);
    return ask_server(load, c, &w, answer, &m, ret_code);
}

static bool add_client(hp_relay_load *load, unsigned i, GError **error)
{
    turn_client *c = &load->clients[i];
    unsigned code = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = -1};
    c->fd = open_socket(&load->config.clients, &load->config.server);
    if (c->fd < 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "relay bench: a client's socket: %s", g_strerror(errno));
        return false;
    }
    if (!allocate(load, c, &code) || !bind_channel(load, c, &code)) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "relay bench: client %u: %s", i + 1,
                    code != 0 ? hp_stun_error_reason(code) : "the server does not answer");
        return false;
    }
    load->relay_length = (socklen_t)hp_addr_to_sockaddr(&c->relay, &load->relays[i]);
    event.data.fd = c->fd;
    return epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

static void prepare_buffers(hp_relay_load *load)
{
    hp_channel_data_write(load->packet, sizeof load->packet, CHANNEL, load->packet + HEADER, load->config.size);
    load->out_buffer = (struct iovec){.iov_base = load->packet + HEADER, .iov_len = load->config.size};
    for (unsigned i = 0; i < BATCH; i++) {
        load->out[i].msg_hdr = (struct msghdr){.msg_iov = &load->out_buffer, .msg_iovlen = 1};
        load->in_buffers[i] = (struct iovec){.iov_base = load->in_bytes[i], .iov_len = MAX_PACKET};
        load->in[i].msg_hdr = (struct msghdr){.msg_iov = &load->in_buffers[i], .msg_iovlen = 1};
    }
}

hp_relay_load *hp_relay_load_new(const hp_relay_load_config *config, GError **error)
{
    hp_relay_load *load = g_new0(hp_relay_load, 1);
    load->config = *config;
    load->config.size = CLAMP(config->size, NUMBERS, MAX_PACKET - HEADER);
    load->clients = g_new0(turn_client, config->n_clients);
    load->relays = g_new0(struct sockaddr_storage, config->n_clients);
    for (unsigned i = 0; i < config->n_clients; i++) {
        load->clients[i].fd = -1;
    }
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->peer = open_socket(&config->peer, NULL);
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = load->peer};
    bool ok = load->epoll >= 0 && load->peer >= 0 && getsockname(load->peer, (struct sockaddr *)&name, &length) == 0 &&
              hp_addr_from_sockaddr((struct sockaddr *)&name, length, &load->peer_address) &&
              epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->peer, &event) == 0;
    if (!ok) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "relay bench: the peer's socket: %s", g_strerror(errno));
    }
    for (unsigned i = 0; ok && i < config->n_clients; i++) {
        ok = add_client(load, i, error);
    }
    if (!ok) {
        hp_relay_load_free(load);
        return NULL;
    }
    prepare_buffers(load);
    return load;
}

void hp_relay_load_free(hp_relay_load *load)
{
    if (load == NULL) {
        return;
    }
    for (unsigned i = 0; i < load->config.n_clients; i++) {
        if (load->clients[i].fd >= 0) {
            close(load->clients[i].fd);
        }
    }
    const int fds[] = {load->peer, load->epoll};
    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    g_free(load->clients);
    g_free(load->relays);
    g_free(load);
}

bool hp_relay_load_answers(const hp_addr *server, const hp_addr *from)
{
    uint8_t message[MESSAGE], answer[MESSAGE];
    const uint8_t id[12] = "are you up?";
    hp_stun_writer w;
    int fd = open_socket(from, server);
    if (fd < 0) {
        return false;
    }
    hp_stun_begin(&w, message, sizeof message, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    bool answers = ask(fd, message, hp_stun_finish(&w), answer) > 0;
    close(fd);
    return answers;
}

/* ---- the load ---- */

static void send_some(hp_relay_load *load, uint64_t wanted)
{
    unsigned n = (unsigned)MIN(wanted, 2 * BATCH) / 2;
    size_t length = HEADER + load->config.size;
    memcpy(load->packet + HEADER, &load->window, sizeof load->window);
    memcpy(load->packet + HEADER + sizeof load->window, &load->looked, sizeof load->looked);
    for (unsigned i = 0; i < n; i++) {
        unsigned k = (unsigned)(load->turn++ % load->config.n_clients);
        load->sent += send(load->clients[k].fd, load->packet, length, MSG_DONTWAIT) == (ssize_t)length;
        load->out[i].msg_hdr.msg_name = &load->relays[k];
        load->out[i].msg_hdr.msg_namelen = load->relay_length;
    }
    int left = sendmmsg(load->peer, load->out, n, MSG_DONTWAIT);
    load->sent += left > 0 ? (uint64_t)left : 0;
}

static void read_all(hp_relay_load *load, int fd)
{
    size_t at = fd == load->peer ? 0 : HEADER;
    hp_time arrived = now();
    int n;
    do {
        n = recvmmsg(fd, load->in, BATCH, MSG_DONTWAIT, NULL);
        for (int i = 0; i < n; i++) {
            uint64_t window = 0;
            memcpy(&window, load->in_bytes[i] + at, sizeof window);
            if (load->in[i].msg_len == at + load->config.size && window == load->window) {
                hp_time sent;
                memcpy(&sent, load->in_bytes[i] + at + sizeof window, sizeof sent);
                hp_lateness_add(&load->delays, arrived > sent ? arrived - sent : 0);
                load->received++;
            }
        }
    } while (n == BATCH);
}

static void receive_some(hp_relay_load *load, int timeout_ms)
{
    struct epoll_event events[BATCH];
    int n = epoll_wait(load->epoll, events, BATCH, timeout_ms);
    for (int i = 0; i < n; i++) {
        read_all(load, events[i].data.fd);
    }
}

hp_relay_window hp_relay_load_run(hp_relay_load *load, uint64_t rate, hp_time length)
{
    load->window++;
    load->sent = 0;
    load->received = 0;
    load->delays = (hp_lateness){.n = 0};
    hp_time start = now(), t;
    uint64_t offered = 0;
    while ((t = now()) - start < length) {
        uint64_t due = (uint64_t)((unsigned __int128)rate * (t - start) / HP_S);
        if (due >= offered + 2) {
            uint64_t n = MIN(due - offered, 2 * BATCH) & ~UINT64_C(1);
            load->looked = t;
            send_some(load, n);
            offered += n;
        }
        receive_some(load, 0);
    }
    hp_relay_window w = {.lasted = t - start, .sent = load->sent};
    for (hp_time end = now() + AFTERWARDS; load->received < w.sent && now() < end;) {
        receive_some(load, 1);
    }
    w.received = load->received;
    w.delay_median = hp_lateness_percentile(&load->delays, 500);
    w.delay_p99 = hp_lateness_percentile(&load->delays, 990);
    return w;
}
