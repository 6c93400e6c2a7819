/* A built-in server on a virtual host: what it binds, sends, traces, and when. */
#include "actors/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/stun.h"
#include "world/router.h"

typedef struct net {
    hp_trace *trace;
    hp_world *world;
    hp_router *core;
    unsigned n_hosts;
    hp_host *turn, *alice, *bob;
    hp_socket *alice_socket, *bob_socket;
    hp_addr alice_addr, bob_addr, server_addr;
    hp_server_config config;
    hp_turn_user user;
    hp_server *server;
    /* the latest datagram at either socket */
    unsigned n_received;
    hp_time at;
    hp_addr from;
    uint8_t bytes[4096];
    size_t length;
    hp_datagram head;
    uint32_t id;
    char nonce[128];
    size_t nonce_length;
    hp_addr relay;
} net;

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static hp_host *add_host(net *n, const char *name, const char *const *addresses)
{
    hp_host *host = hp_host_new(n->world, name);
    unsigned interface = hp_host_add_interface(host, NULL, 0);
    unsigned port = n->n_hosts++;
    hp_node_connect(hp_host_node(host), interface, hp_router_node(n->core), port);
    hp_node_connect(hp_router_node(n->core), port, hp_host_node(host), interface);
    for (unsigned i = 0; addresses[i] != NULL; i++) {
        hp_addr a = addr(addresses[i]);
        hp_prefix route;
        assert_true(hp_prefix_parse(addresses[i], &route));
        hp_host_add_address(host, interface, &a);
        hp_router_add_route(n->core, &route, port);
    }
    return host;
}

static void received(void *user, hp_socket *socket, const hp_datagram *d)
{
    net *n = user;
    assert_true(d->length <= sizeof n->bytes);
    n->n_received++;
    n->at = hp_world_now(n->world);
    n->from = d->from;
    n->length = d->length;
    n->head = *d;
    memcpy(n->bytes, d->data, d->length);
}

static int setup(void **state)
{
    static const char *const turn[] = {"203.0.113.1", "203.0.113.2", "2001:db8::1", NULL};
    static const char *const alice[] = {"192.0.2.10", NULL};
    static const char *const bob[] = {"198.51.100.7", NULL};
    static const hp_socket_ops ops = {.datagram = received};
    net *n = g_new0(net, 1);
    n->trace = hp_trace_new(NULL);
    n->world = hp_world_new(1, n->trace);
    n->core = hp_router_new(n->world, "core", &(hp_router_config){0});
    n->turn = add_host(n, "turn", turn);
    n->alice = add_host(n, "alice", alice);
    n->bob = add_host(n, "bob", bob);
    n->alice_addr = addr("192.0.2.10:5000");
    n->bob_addr = addr("198.51.100.7:7000");
    n->server_addr = addr("203.0.113.1:3478");
    n->alice_socket = hp_host_bind(n->alice, &n->alice_addr, &ops, n, NULL);
    n->bob_socket = hp_host_bind(n->bob, &n->bob_addr, &ops, n, NULL);
    n->user = (hp_turn_user){.name = (char *)"alice", .password = (char *)"secret"};
    n->config = (hp_server_config){
        .kind = HP_SERVER_TURN,
        .accept_rfc3489 = true,
        .users = &n->user,
        .n_users = 1,
        .dont_fragment = true,
        .allow_private_peers = true,
    };
    *state = n;
    return 0;
}

static int teardown(void **state)
{
    net *n = *state;
    hp_server_free(n->server);
    hp_world_free(n->world);
    hp_trace_free(n->trace);
    g_free(n);
    return 0;
}

static void start(net *n)
{
    g_autoptr(GError) error = NULL;
    n->server = hp_server_new(n->turn, "turn", &n->config, &error);
    assert_null(error);
    assert_non_null(n->server);
}

static void run_until(net *n, hp_time until)
{
    assert_true(hp_world_run_until(n->world, until, NULL));
}

/* Lets everything of the present instant happen. */
static void settle(net *n)
{
    run_until(n, hp_world_now(n->world));
}

static void begin(net *n, hp_stun_writer *w, uint8_t *buf, size_t cap, uint16_t method, hp_stun_class cls)
{
    uint8_t id[12] = {0};
    n->id++;
    memcpy(id, &n->id, sizeof n->id);
    hp_stun_begin(w, buf, cap, cls, method, id, NULL);
}

static void send_from_alice(net *n, hp_stun_writer *w, const hp_send_options *options)
{
    size_t length = hp_stun_finish(w);
    assert_true(length > 0);
    assert_true(hp_socket_send(n->alice_socket, &n->server_addr, w->buf, length, options));
    settle(n);
}

static unsigned answer_code(const net *n)
{
    hp_stun_msg m;
    hp_stun_attr a;
    unsigned code = 0;
    assert_true(hp_stun_parse(n->bytes, n->length, &m));
    if (hp_stun_find(&m, HP_STUN_ERROR_CODE, &a)) {
        assert_true(hp_stun_attr_error(&a, &code, NULL, NULL));
    }
    return code;
}

static hp_addr answer_addr(const net *n, uint16_t type)
{
    hp_stun_msg m;
    hp_stun_attr a;
    hp_addr ret = {0};
    assert_true(hp_stun_parse(n->bytes, n->length, &m));
    assert_true(hp_stun_find(&m, type, &a) && hp_stun_attr_addr(&m, &a, true, &ret));
    return ret;
}

static void learn_nonce(net *n)
{
    hp_stun_msg m;
    hp_stun_attr a;
    assert_true(hp_stun_parse(n->bytes, n->length, &m));
    assert_true(hp_stun_find(&m, HP_STUN_NONCE, &a) && a.length < sizeof n->nonce);
    memcpy(n->nonce, a.value, a.length);
    n->nonce_length = a.length;
}

/* Sends a request with credentials; the answer's code. */
static unsigned login(net *n, hp_stun_writer *w)
{
    unsigned before = n->n_received;
    hp_stun_key key = hp_stun_key_long("alice", "hairpin", "secret", false);
    hp_stun_add_text(w, HP_STUN_USERNAME, "alice");
    hp_stun_add_text(w, HP_STUN_REALM, "hairpin");
    hp_stun_add(w, HP_STUN_NONCE, n->nonce, n->nonce_length);
    hp_stun_add_integrity(w, &key, false);
    send_from_alice(n, w, NULL);
    assert_int_equal(n->n_received, before + 1);
    return answer_code(n);
}

static void begin_allocate(net *n, hp_stun_writer *w, uint8_t *buf, size_t cap)
{
    begin(n, w, buf, cap, HP_STUN_ALLOCATE, HP_STUN_REQUEST);
    hp_stun_add_u32(w, HP_STUN_REQUESTED_TRANSPORT, UINT32_C(17) << 24);
}

static void allocate(net *n)
{
    uint8_t buf[600];
    hp_stun_writer w;
    begin_allocate(n, &w, buf, sizeof buf);
    send_from_alice(n, &w, NULL);
    assert_int_equal(answer_code(n), 401);
    learn_nonce(n);
    begin_allocate(n, &w, buf, sizeof buf);
    assert_int_equal(login(n, &w), 0);
    n->relay = answer_addr(n, HP_STUN_XOR_RELAYED_ADDRESS);
}

static void bind_channel(net *n, uint16_t number)
{
    uint8_t buf[600];
    hp_stun_writer w;
    begin(n, &w, buf, sizeof buf, HP_STUN_CHANNEL_BIND, HP_STUN_REQUEST);
    hp_stun_add_u32(&w, HP_STUN_CHANNEL_NUMBER, (uint32_t)number << 16);
    hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &n->bob_addr, true);
    assert_int_equal(login(n, &w), 0);
}

/* The latest event of a kind; false when there is none. */
static bool last_event(const net *n, hp_event_kind kind, hp_record *ret)
{
    hp_trace_cursor cursor = {0};
    hp_record record;
    bool found = false;
    while (hp_trace_next(n->trace, &cursor, &record)) {
        if (record.type == HP_RECORD_EVENT && record.event.kind == kind) {
            *ret = record;
            found = true;
        }
    }
    return found;
}

static void binding(void **state)
{
    net *n = *state;
    start(n);
    hp_record record;
    assert_true(last_event(n, HP_EV_SERVER_STARTED, &record));
    assert_string_equal(record.event.subject, "turn");
    uint8_t buf[100];
    hp_stun_writer w;
    begin(n, &w, buf, sizeof buf, HP_STUN_BINDING, HP_STUN_REQUEST);
    send_from_alice(n, &w, NULL);
    assert_int_equal(n->n_received, 1);
    assert_true(hp_addr_equal(&n->from, &n->server_addr));
    hp_addr mapped = answer_addr(n, HP_STUN_XOR_MAPPED_ADDRESS);
    assert_true(hp_addr_equal(&mapped, &n->alice_addr));
    assert_true(last_event(n, HP_EV_SERVER_REQUEST, &record));
    assert_string_equal(record.event.subject, "turn");
    assert_string_equal(hp_record_text(&record, "method"), "Binding");
    assert_string_equal(hp_record_text(&record, "answer"), "success");
    assert_int_equal(hp_record_u64(&record, "code"), 0);
    hp_addr client = hp_record_addr(&record, "client");
    assert_true(hp_addr_equal(&client, &n->alice_addr));
}

/* What the server cannot read is dropped with a trace that names its capture record, and does no harm. */
static void malformed(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *detail;
    } cases[] = {
        {"", 0, "no STUN message"},
        {"\0", 1, "no STUN message"},
        {"GET / HTTP/1.1\r\n\r\n", 18, "ChannelData for a server that relays nothing"},
        {"\0\1\0\4\x21\x12\xa4\x42............", 20, "no STUN message"}, /* four bytes are missing */
        {"\0\1\0\4\x21\x12\xa4\x42............\x80\x22\0\1", 24, "no STUN message"}, /* so is an attribute's value */
        {"\x40\0\0\4abc", 7, "ChannelData for a server that relays nothing"},
        {"\x40\0\0\4abc", 7, "no ChannelData"},
        {"\x16\xfe\xff", 3, "no STUN message"},
    };
    net *n = *state;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        n->config.kind = strncmp(cases[i].detail, "ChannelData", 11) == 0 ? HP_SERVER_STUN : HP_SERVER_TURN;
        start(n);
        assert_true(hp_socket_send(n->alice_socket, &n->server_addr, cases[i].bytes, cases[i].length, NULL));
        settle(n);
        hp_trace_cursor cursor = {0};
        hp_record record, drop = {0};
        uint32_t latest = 0;
        unsigned drops = 0;
        while (hp_trace_next(n->trace, &cursor, &record)) {
            latest = record.type == HP_RECORD_PACKET ? record.packet.number : latest;
            if (record.type == HP_RECORD_DROP && record.drop.reason == HP_DROP_MALFORMED) {
                drop = record;
                drops++;
            }
        }
        assert_int_equal(drops, i + 1);
        assert_string_equal(drop.drop.place, "turn");
        assert_string_equal(drop.drop.detail, cases[i].detail);
        assert_int_equal(drop.drop.packet, latest);
        assert_true(hp_addr_equal(&drop.drop.src, &n->alice_addr));
        assert_int_equal(n->n_received, 0);
        hp_server_free(n->server);
        n->server = NULL;
    }
    binding(state);
}

/* A method nobody knows is met with silence, and traced by its number. */
static void unknown_method(void **state)
{
    net *n = *state;
    start(n);
    uint8_t buf[100];
    hp_stun_writer w;
    begin(n, &w, buf, sizeof buf, 0x0ff, HP_STUN_REQUEST);
    send_from_alice(n, &w, NULL);
    assert_int_equal(n->n_received, 0);
    hp_record record;
    assert_true(last_event(n, HP_EV_SERVER_REQUEST, &record));
    assert_string_equal(hp_record_text(&record, "method"), "0x0ff");
    assert_string_equal(hp_record_text(&record, "answer"), "silence");
}

/* Data both ways through a channel, with the events and counts of an allocation's life. */
static void relaying(void **state)
{
    net *n = *state;
    start(n);
    allocate(n);
    bind_channel(n, 0x4000);
    hp_record record;
    assert_true(last_event(n, HP_EV_TURN_ALLOCATION, &record));
    hp_addr relay = hp_record_addr(&record, "relay");
    assert_true(hp_addr_equal(&relay, &n->relay));
    assert_string_equal(hp_record_text(&record, "user"), "alice");
    assert_int_equal(hp_record_u64(&record, "lifetime"), 600 * HP_S);
    assert_true(last_event(n, HP_EV_TURN_PERMISSION, &record));
    hp_addr peer = hp_record_addr(&record, "peer");
    assert_true(hp_addr_same_ip(&peer, &n->bob_addr));
    assert_true(last_event(n, HP_EV_TURN_CHANNEL, &record));
    assert_int_equal(hp_record_u64(&record, "channel"), 0x4000);

    const hp_send_options options = {.ttl = 33, .tos = 0xb9, .dont_fragment = true};
    assert_true(hp_socket_send(n->alice_socket, &n->server_addr, "\x40\x00\x00\x05hello", 9, &options));
    settle(n);
    assert_int_equal(n->length, 5);
    assert_memory_equal(n->bytes, "hello", 5);
    assert_true(hp_addr_equal(&n->from, &n->relay));
    assert_int_equal(n->head.ttl, 32);
    assert_int_equal(n->head.tos, 0xb9);
    assert_true(n->head.dont_fragment);

    assert_true(
        hp_socket_send(n->bob_socket, &n->relay, "hi", 2, &(hp_send_options){.tos = 0x28, .may_fragment = true}));
    settle(n);
    assert_int_equal(n->length, 6);
    assert_memory_equal(n->bytes, "\x40\x00\x00\x02hi", 6);
    assert_true(hp_addr_equal(&n->from, &n->server_addr));
    assert_int_equal(n->head.ttl, 63);
    assert_int_equal(n->head.tos, 0x28);
    assert_false(n->head.dont_fragment);

    run_until(n, HP_S);
    hp_server_finish(n->server);
    assert_true(last_event(n, HP_EV_TURN_ALLOCATION_ENDED, &record));
    assert_int_equal(record.at, HP_S);
    assert_string_equal(hp_record_text(&record, "reason"), "run-end");
    assert_int_equal(hp_record_u64(&record, "bytes-to-peer"), 5);
    assert_int_equal(hp_record_u64(&record, "bytes-to-client"), 2);
    assert_int_equal(hp_record_u64(&record, "packets-to-peer"), 1);
    assert_int_equal(hp_record_u64(&record, "packets-to-client"), 1);
    assert_int_equal(hp_world_next_deadline(n->world), HP_NEVER);
}

/* RFC 8656 section 11.5: an ICMP error about relayed data comes back as a Data indication, channel or not. */
static void icmp(void **state)
{
    net *n = *state;
    start(n);
    allocate(n);
    bind_channel(n, 0x4000);
    hp_socket_close(n->bob_socket);
    assert_true(hp_socket_send(n->alice_socket, &n->server_addr, "\x40\x00\x00\x01x", 5, NULL));
    settle(n);
    hp_stun_msg m;
    hp_stun_attr a;
    assert_true(hp_stun_parse(n->bytes, n->length, &m));
    assert_int_equal(m.method, HP_STUN_DATA);
    hp_addr peer = answer_addr(n, HP_STUN_XOR_PEER_ADDRESS);
    assert_true(hp_addr_equal(&peer, &n->bob_addr));
    assert_true(hp_stun_find(&m, HP_STUN_ICMP, &a));
    assert_int_equal(a.length, 8);
    assert_memory_equal(a.value, "\x00\x00\x06\x03\x00\x00\x00\x00", 8); /* type 3, code 3 */
}

/* The timer follows the engine: an allocation ends at its very instant. */
static void expiry(void **state)
{
    net *n = *state;
    start(n);
    run_until(n, 5 * HP_S);
    allocate(n);
    assert_int_equal(hp_world_next_deadline(n->world), 605 * HP_S);
    run_until(n, 700 * HP_S);
    hp_record record;
    assert_true(last_event(n, HP_EV_TURN_ALLOCATION_ENDED, &record));
    assert_int_equal(record.at, 605 * HP_S);
    assert_string_equal(hp_record_text(&record, "reason"), "expired");
    unsigned before = n->n_received;
    assert_true(hp_socket_send(n->bob_socket, &n->relay, "late", 4, NULL));
    settle(n);
    assert_int_equal(n->n_received, before);
}

/* Stop ends every allocation and closes every socket; start knows nothing of what was, not even its own nonces. */
static void stop_and_start(void **state)
{
    net *n = *state;
    start(n);
    allocate(n);
    assert_true(hp_server_is_running(n->server));
    hp_server_stop(n->server);
    assert_false(hp_server_is_running(n->server));
    hp_record record;
    assert_true(last_event(n, HP_EV_TURN_ALLOCATION_ENDED, &record));
    assert_string_equal(hp_record_text(&record, "reason"), "stopped");
    assert_true(last_event(n, HP_EV_SERVER_STOPPED, &record));
    assert_int_equal(hp_world_next_deadline(n->world), HP_NEVER);
    unsigned before = n->n_received;
    uint8_t buf[600];
    hp_stun_writer w;
    begin_allocate(n, &w, buf, sizeof buf);
    send_from_alice(n, &w, NULL);
    assert_int_equal(n->n_received, before);
    hp_server_stop(n->server);
    assert_true(hp_server_start(n->server, NULL));
    assert_true(hp_server_start(n->server, NULL));
    hp_addr relay = n->relay;
    begin(n, &w, buf, sizeof buf, HP_STUN_REFRESH, HP_STUN_REQUEST);
    assert_int_equal(login(n, &w), 438);
    learn_nonce(n);
    begin(n, &w, buf, sizeof buf, HP_STUN_REFRESH, HP_STUN_REQUEST);
    assert_int_equal(login(n, &w), 437);
    allocate(n);
    assert_false(hp_addr_equal(&n->relay, &relay));
}

/* A delayed answer leaves when its time has come. */
static void delayed_answer(void **state)
{
    net *n = *state;
    hp_server_fault fault = {.kind = HP_FAULT_DELAY, .method = HP_STUN_BINDING, .delay_ns = 250 * HP_MS};
    n->config.faults = &fault;
    n->config.n_faults = 1;
    start(n);
    run_until(n, HP_S);
    uint8_t buf[100];
    hp_stun_writer w;
    begin(n, &w, buf, sizeof buf, HP_STUN_BINDING, HP_STUN_REQUEST);
    send_from_alice(n, &w, NULL);
    assert_int_equal(n->n_received, 0);
    run_until(n, 2 * HP_S);
    assert_int_equal(n->n_received, 1);
    assert_int_equal(n->at, HP_S + 250 * HP_MS);
    hp_record record;
    assert_true(last_event(n, HP_EV_SERVER_REQUEST, &record));
    assert_string_equal(hp_record_text(&record, "answer"), "fault");
}

/* Without an RFC 5780 pair the other address is the other port. */
static void answer_from_elsewhere(void **state)
{
    net *n = *state;
    hp_server_fault fault = {.kind = HP_FAULT_OTHER_ADDRESS};
    n->config.faults = &fault;
    n->config.n_faults = 1;
    start(n);
    uint8_t buf[100];
    hp_stun_writer w;
    for (unsigned i = 1; i <= 2; i++) {
        begin(n, &w, buf, sizeof buf, HP_STUN_BINDING, HP_STUN_REQUEST);
        send_from_alice(n, &w, NULL);
        assert_int_equal(n->n_received, i);
        char text[HP_ADDR_TEXT];
        assert_string_equal(hp_addr_format(&n->from, text), "203.0.113.1:3479");
    }
    /* It does not listen there. */
    n->server_addr.port = 3479;
    begin(n, &w, buf, sizeof buf, HP_STUN_BINDING, HP_STUN_REQUEST);
    send_from_alice(n, &w, NULL);
    assert_int_equal(n->n_received, 2);
}

/* RFC 5780 section 6.1: two addresses, two ports, and CHANGE-REQUEST between them. */
static void discovery(void **state)
{
    net *n = *state;
    static const char *const expected[] = {"203.0.113.1:3478", "203.0.113.1:3479", "203.0.113.2:3478",
                                           "203.0.113.2:3479"};
    n->config.nat_discovery = true;
    start(n);
    for (uint32_t flags = 0; flags < 4; flags++) {
        uint8_t buf[100];
        hp_stun_writer w;
        begin(n, &w, buf, sizeof buf, HP_STUN_BINDING, HP_STUN_REQUEST);
        hp_stun_add_u32(&w, HP_STUN_CHANGE_REQUEST, flags << 1);
        send_from_alice(n, &w, NULL);
        char text[HP_ADDR_TEXT];
        assert_string_equal(hp_addr_format(&n->from, text), expected[flags]);
    }
}

/* A taken port or a host without an address is an error, and leaves nothing behind. */
static void cannot_bind(void **state)
{
    net *n = *state;
    static const hp_socket_ops ops = {.datagram = received};
    hp_addr local = addr("[2001:db8::1]:3478");
    hp_socket *other = hp_host_bind(n->turn, &local, &ops, n, NULL);
    assert_non_null(other);
    g_autoptr(GError) error = NULL;
    assert_null(hp_server_new(n->turn, "turn", &n->config, &error));
    assert_non_null(error);
    hp_socket_close(other);
    start(n);
    static const char *const none[] = {NULL};
    hp_host *bare = add_host(n, "bare", none);
    g_clear_error(&error);
    assert_null(hp_server_new(bare, "bare", &n->config, &error));
    assert_non_null(error);
}

/* What the host cannot send is traced as dropped, and not counted. */
static void unsent(void **state)
{
    net *n = *state;
    uint8_t buf[600];
    hp_stun_writer w;
    hp_addr peer = addr("[2001:db8:9::1]:700"), relay_ip = addr("2001:db8::1");
    start(n);
    begin_allocate(n, &w, buf, sizeof buf);
    send_from_alice(n, &w, NULL);
    learn_nonce(n);
    begin_allocate(n, &w, buf, sizeof buf);
    hp_stun_add_u32(&w, HP_STUN_REQUESTED_ADDRESS_FAMILY, UINT32_C(2) << 24);
    assert_int_equal(login(n, &w), 0);
    begin(n, &w, buf, sizeof buf, HP_STUN_CREATE_PERMISSION, HP_STUN_REQUEST);
    hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &peer, true);
    assert_int_equal(login(n, &w), 0);
    hp_record record;
    for (unsigned i = 0; i < 2; i++) {
        begin(n, &w, buf, sizeof buf, HP_STUN_SEND, HP_STUN_INDICATION);
        hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &peer, true);
        hp_stun_add(&w, HP_STUN_DATA_ATTR, "x", 1);
        send_from_alice(n, &w, NULL);
        assert_int_equal(last_event(n, HP_EV_TURN_DROPPED, &record), i == 1);
        hp_host_remove_address(n->turn, 0, &relay_ip);
    }
    assert_string_equal(hp_record_text(&record, "reason"), "unsent");
    hp_addr dropped = hp_record_addr(&record, "peer");
    assert_true(hp_addr_equal(&dropped, &peer));
    hp_server_finish(n->server);
    assert_true(last_event(n, HP_EV_TURN_ALLOCATION_ENDED, &record));
    assert_int_equal(hp_record_u64(&record, "packets-to-peer"), 1);
}

/* Two runs of one seed: the same relay ports and the same nonces. */
static void same_seed_same_bytes(void **state)
{
    net *n = *state;
    start(n);
    allocate(n);
    hp_addr relay = n->relay;
    char nonce[sizeof n->nonce];
    memcpy(nonce, n->nonce, sizeof nonce);
    void *second;
    setup(&second);
    net *again = second;
    start(again);
    allocate(again);
    assert_true(hp_addr_equal(&again->relay, &relay));
    assert_memory_equal(again->nonce, nonce, again->nonce_length);
    teardown(&second);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(binding),
        T(malformed),
        T(unknown_method),
        T(relaying),
        T(icmp),
        T(expiry),
        T(stop_and_start),
        T(delayed_answer),
        T(answer_from_elsewhere),
        T(discovery),
        T(cannot_bind),
        T(unsent),
        T(same_seed_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
