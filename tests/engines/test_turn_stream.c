/* TURN clients on TCP and TLS: framing, flow control, and what ends with a connection (RFC 8656, RFC 8489 section
 * 6.2.2). */
#include "stream_rig.h"

static const char *const alice_addr = "192.0.2.10:5000";

static int setup(void **state)
{
    stream_rig *s = g_new0(stream_rig, 1);
    stream_rig_init(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    stream_rig *s = *state;
    stream_rig_end(s);
    g_free(s);
    return 0;
}

static rig_client alice(void)
{
    return rig_client_new(alice_addr, "alice", "secret");
}

/* The whole of a UDP allocation over TCP: nonce, Allocate, permission, data both ways, channel, Refresh. */
static void udp_relay_over_tcp(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    stream_rig_assert_stream(s, "open", "");
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(r->open->len, 1);
    assert_int_equal(s->listening->len, 0);
    hp_addr mapped = rig_attr_addr(rig_last(r), HP_STUN_XOR_MAPPED_ADDRESS, true);
    rig_assert_addr(&mapped, alice_addr);
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_REQUEST);
    assert_string_equal(hp_stun_transport_name(e->transport), "tcp");
    assert_string_equal(hp_stun_transport_name(rig_last_event(r, HP_SERVER_EV_ALLOCATION)->transport), "tcp");

    assert_int_equal(rig_permit(r, &a, "198.51.100.7"), 0);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.7:700", "to the peer", NULL, true), 1);
    assert_memory_equal(rig_last_relayed(r)->bytes, "to the peer", 11);
    assert_true(rig_last_relayed(r)->meta.dont_fragment);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.7:700", "to alice", NULL), 1);
    assert_int_equal(rig_last(r)->msg.method, HP_STUN_DATA);
    assert_memory_equal(rig_attr(rig_last(r), HP_STUN_DATA_ATTR).value, "to alice", 8);

    /* Section 12.5: over a stream ChannelData is padded, which its length does not say. */
    assert_int_equal(rig_bind(r, &a, 0x4001, "198.51.100.7:700"), 0);
    g_byte_array_set_size(w->from_server, 0);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.7:700", "hello", NULL), 1);
    assert_int_equal(w->from_server->len, 12);
    assert_memory_equal(w->from_server->data, "\x40\x01\x00\x05hello\0\0\0", 12);
    guint before = r->relayed->len;
    wire_put(w,
             "\x40\x01\x00\x03"
             "abc\0"
             "\x40\x01\x00\x04"
             "defg",
             16);
    assert_int_equal(r->relayed->len, before + 2);
    assert_int_equal(rig_last_relayed(r)->length, 4);
    assert_memory_equal(rig_last_relayed(r)->bytes, "defg", 4);

    assert_int_equal(rig_refresh(r, &a, 0), 0);
    assert_int_equal(r->open->len, 0);
    assert_false(w->closed); /* the connection goes on */
    assert_int_equal(rig_refresh(r, &a, 600), 437);
}

/* Sections 15 and 16: no IP field of a datagram goes into a stream, nor does its TTL end there. */
static void ip_fields_stay_outside(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_permit(r, &a, "198.51.100.7"), 0);
    const hp_stun_meta meta = {.ttl = 1, .tos = 0xb9, .dont_fragment = true};
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.7:700", "x", &meta), 1);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.7:700", "y", NULL, false), 1);
    assert_int_equal(rig_last_relayed(r)->meta.ttl, 0);
    assert_int_equal(rig_last_relayed(r)->meta.tos, 0);
    assert_false(rig_last_relayed(r)->meta.dont_fragment);
    /* What fits no datagram may fit a stream: a payload that leaves no room for Data's header in one. */
    g_autofree uint8_t *large = g_malloc0(65507);
    hp_addr peer = rig_addr("198.51.100.7:700");
    guint before = r->sent->len;
    hp_turn_server_relay_input(r->server, r->now, &relay, &peer, large, 65507, NULL);
    assert_int_equal(r->sent->len, before + 1);
    assert_int_equal(rig_attr(rig_last(r), HP_STUN_DATA_ATTR).length, 65507);
}

/* However the bytes are cut, the messages are the same. */
static void pieces(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TLS);
    w->read_most = 1;
    rig_client a = alice();
    rig_allocate(r, &a);
    assert_string_equal(hp_stun_transport_name(rig_last_event(r, HP_SERVER_EV_REQUEST)->transport), "tls");
    /* Three requests at once are answered in order (RFC 8489 section 6.2.2). */
    uint8_t three[3 * 20];
    for (unsigned i = 0; i < 3; i++) {
        hp_stun_writer one;
        const uint8_t id[12] = {(uint8_t)i};
        hp_stun_begin(&one, three + 20 * i, 20, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
        assert_int_equal(hp_stun_finish(&one), 20);
    }
    guint before = r->sent->len;
    wire_put(w, three, sizeof three);
    assert_int_equal(r->sent->len, before + 3);
    for (unsigned i = 0; i < 3; i++) {
        const rig_sent *sent = r->sent->pdata[before + i];
        assert_int_equal(sent->msg.id[0], i);
        assert_int_equal(rig_error(sent), 0);
    }
}

/* Two clients behind one NAT port number, one over UDP and one over TCP, are two 5-tuples. */
static void transports_are_apart(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    rig_client a = alice(), b = alice();
    rig_allocate(r, &a);
    r->input = NULL;
    rig_challenge(r, &b);
    assert_string_equal(hp_stun_transport_name(rig_last_event(r, HP_SERVER_EV_REQUEST)->transport), "udp");
    rig_allocate(r, &b);
    assert_int_equal(hp_turn_server_stats(r->server).allocations, 2);
    /* A nonce of the one is stale at the other (RFC 8489 section 9.2.4). */
    memcpy(b.nonce, a.nonce, sizeof b.nonce);
    assert_int_equal(rig_refresh(r, &b, 600), 438);
}

/* The allocation goes with its connection, however that ends. */
static void disconnection(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    rig_client a = alice();
    wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    rig_allocate(r, &a);
    r->now += HP_S;
    wire_end(w);
    assert_true(w->closed);
    assert_int_equal(w->closed_at, r->now);
    stream_rig_assert_stream(s, "closed", "client");
    assert_string_equal(rig_last_event(r, HP_SERVER_EV_ALLOCATION_ENDED)->reason, "disconnected");
    assert_int_equal(r->open->len, 0);

    w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    a = alice();
    rig_allocate(r, &a);
    wire_lose(w);
    assert_false(w->closed); /* there is nothing to close */
    stream_rig_assert_stream(s, "closed", "lost");
    assert_string_equal(rig_last_event(r, HP_SERVER_EV_ALLOCATION_ENDED)->reason, "disconnected");
    assert_int_equal(hp_turn_server_stats(r->server).streams, 0);
    assert_int_equal(hp_turn_server_deadline(r->server), HP_NEVER);

    /* The same 5-tuple again, before the server has seen the old connection end. */
    stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    a = alice();
    rig_allocate(r, &a);
    stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    assert_int_equal(r->open->len, 0);
    assert_int_equal(hp_turn_server_stats(r->server).streams, 1);
    a = alice();
    rig_allocate(r, &a);
}

/* What was asked before the end is answered. */
static void answers_before_the_end(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    uint8_t request[20];
    hp_stun_writer writer;
    const uint8_t id[12] = {9};
    hp_stun_begin(&writer, request, sizeof request, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_finish(&writer);
    g_byte_array_append(w->to_server, request, sizeof request);
    wire_end(w);
    assert_int_equal(r->sent->len, 1);
    assert_true(w->closed);
}

static void broken_streams(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *reason;
    } cases[] = {
        {"\x80\0\0\0", 4, "first-byte"},
        {"\x00\x01\x00\x01", 4, "length"},
        {"\x16\x03\x01\x04\x00\x01\x00\x01", 8, "cookie"},
    };
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
        rig_client a = alice();
        rig_allocate(r, &a);
        wire_put(w, cases[i].bytes, cases[i].length);
        assert_true(w->closed);
        stream_rig_assert_stream(s, "closed", cases[i].reason);
        assert_int_equal(r->open->len, 0);
    }
    /* A message that is framed well and else makes no sense costs nobody the connection. */
    wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    wire_put(w,
             "\x00\x01\x00\x04\x21\x12\xa4\x42"
             "123456789012"
             "\x80\x22\xff\xff",
             24);
    wire_put(w,
             "\x7f\x00\x00\x04"
             "junk",
             8);
    rig_client a = alice();
    rig_allocate(r, &a);
    assert_false(w->closed);
}

/* Whoever asks and does not read is not heard any more, and is served on when it reads. */
static void client_that_does_not_read(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    r->config.software = false;
    stream_rig_start(s);
    wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    uint8_t request[20];
    hp_stun_writer writer;
    const uint8_t id[12] = {9};
    hp_stun_begin(&writer, request, sizeof request, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_finish(&writer);
    w->room = 50; /* an answer is 44 bytes */
    for (unsigned i = 0; i < 4; i++) {
        wire_put(w, request, sizeof request);
    }
    assert_int_equal(r->sent->len, 1);
    assert_int_equal(w->from_server->len, 50);
    assert_int_equal(w->to_server->len, 2 * 20); /* the third and the fourth were not even read */
    wire_make_room(w, 0);
    assert_int_equal(w->to_server->len, 2 * 20);
    wire_make_room(w, SIZE_MAX);
    assert_int_equal(w->from_server->len, 4 * 44);
    assert_int_equal(r->sent->len, 4);
    assert_int_equal(w->to_server->len, 0);
}

/* Data of UDP peers waits up to a limit and is dropped beyond, whole messages only. */
static void backlog(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.7:700"), 0);
    g_byte_array_set_size(w->from_server, 0);
    guint before = r->sent->len;
    w->room = 10;
    g_autofree char *kilobyte = g_strnfill(1020, 'x'); /* 1024 with its header */
    for (unsigned i = 0; i < 100; i++) {
        rig_peer_sends(r, &relay, "198.51.100.7:700", kilobyte, NULL);
    }
    /* 10 bytes went out at once; 64 messages less those 10 bytes wait, and the next one would be beyond 65536. */
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_DROPPED), 36);
    assert_string_equal(rig_drop_reason(r), "unsent");
    r->now += HP_S;
    wire_make_room(w, SIZE_MAX);
    assert_int_equal(w->from_server->len, 64 * 1024);
    assert_int_equal(r->sent->len, before + 64);
    rig_refresh(r, &a, 0);
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_ALLOCATION_ENDED);
    assert_int_equal(e->packets_to_client, 64);
    assert_int_equal(e->bytes_to_client, 64 * 1020);
}

/* A client that has no allocation and says nothing whole is closed after 600 s; one that has is not. */
static void idleness(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    wire *silent = stream_rig_connect(s, "192.0.2.11:1", HP_STUN_OVER_TCP);
    wire *slow = stream_rig_connect(s, "192.0.2.12:1", HP_STUN_OVER_TCP);
    wire *busy = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_LIFETIME, 700);
    assert_int_equal(rig_login(r, &a), 0);
    r->now = 300 * HP_S;
    wire_put(slow, "\x00\x01\x00", 3); /* not whole */
    stream_rig_run(s, 601 * HP_S - 1);
    assert_false(silent->closed);
    stream_rig_run(s, 601 * HP_S);
    assert_true(silent->closed && slow->closed);
    assert_int_equal(silent->closed_at, 601 * HP_S);
    stream_rig_assert_stream(s, "closed", "idle");
    assert_false(busy->closed);
    /* The allocation expires at 701 s; its connection is looked at every 600 s from then on. */
    stream_rig_run(s, 1201 * HP_S - 1);
    assert_int_equal(r->open->len, 0);
    assert_false(busy->closed);
    stream_rig_run(s, 1201 * HP_S);
    assert_true(busy->closed);
    assert_int_equal(hp_turn_server_deadline(r->server), HP_NEVER);
}

static void too_many(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    char text[HP_ADDR_TEXT];
    for (unsigned i = 0; i < HP_TURN_MAX_STREAMS; i++) {
        hp_addr a = hp_addr_v4(0xc0000201 + i / 60000, (uint16_t)(1024 + i % 60000));
        assert_non_null(stream_rig_connect(s, hp_addr_format(&a, text), HP_STUN_OVER_TCP)->stream);
    }
    assert_null(stream_rig_connect(s, "198.51.100.1:1024", HP_STUN_OVER_TCP)->stream);
    stream_rig_assert_stream(s, "closed", "limit");
    assert_int_equal(hp_turn_server_stats(r->server).streams, HP_TURN_MAX_STREAMS);
}

/* What can only be done with datagrams is an unknown attribute over a stream (RFC 5780 section 7.2 over UDP alone). */
static void change_request_over_tcp(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    r->config.nat_discovery = true;
    r->addresses[r->n_addresses++] = rig_addr("203.0.113.2");
    stream_rig_start(s);
    stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    rig_client a = alice();
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_u32(&r->w, HP_STUN_CHANGE_REQUEST, 6);
    assert_int_equal(rig_ask(r, &a), 420);
    assert_memory_equal(rig_attr(rig_last(r), HP_STUN_UNKNOWN_ATTRIBUTES).value, "\x00\x03", 2);
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &a), 0);
    hp_addr other = rig_attr_addr(rig_last(r), HP_STUN_OTHER_ADDRESS, false);
    rig_assert_addr(&other, "203.0.113.2:3479");
}

/* Faults shape answers on a stream as they do elsewhere, but for where they come from. */
static void faults(void **state)
{
    hp_server_fault list[] = {
        {.kind = HP_FAULT_OTHER_ADDRESS, .method = HP_STUN_BINDING, .nth_first = 1, .nth_last = 1},
        {.kind = HP_FAULT_SILENCE, .method = HP_STUN_BINDING, .nth_first = 2, .nth_last = 2},
        {.kind = HP_FAULT_DELAY, .method = HP_STUN_BINDING, .nth_first = 3, .nth_last = 4, .delay_ns = 2 * HP_S},
    };
    stream_rig *s = *state;
    rig *r = &s->r;
    r->config.faults = list;
    r->config.n_faults = G_N_ELEMENTS(list);
    stream_rig_start(s);
    wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    rig_client a = alice();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &a), 0);
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_send(r, &a), 0);
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_send(r, &a), 0);
    stream_rig_run(s, 3 * HP_S);
    assert_int_equal(r->sent->len, 2);
    assert_int_equal(rig_last(r)->at, 3 * HP_S);
    /* The connection may be gone before the answer. */
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_send(r, &a), 0);
    wire_end(w);
    stream_rig_run(s, 10 * HP_S);
    assert_int_equal(r->sent->len, 2);
}

static void listeners(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    hp_addr at[8];
    r->config.transports = HP_SERVER_TCP | HP_SERVER_TLS | HP_SERVER_DTLS;
    r->config.tls_port = 443;
    stream_rig_start(s);
    assert_int_equal(hp_turn_server_bindings(r->server, at, 8), 0);
    assert_int_equal(hp_turn_server_listeners(r->server, HP_STUN_OVER_UDP, at, 8), 0);
    assert_int_equal(hp_turn_server_listeners(r->server, HP_STUN_OVER_TCP, at, 8), 2);
    rig_assert_addr(&at[0], "203.0.113.1:3478");
    rig_assert_addr(&at[1], "[2001:db8::1]:3478");
    assert_int_equal(hp_turn_server_listeners(r->server, HP_STUN_OVER_TLS, at, 8), 2);
    rig_assert_addr(&at[0], "203.0.113.1:443");
    assert_int_equal(hp_turn_server_listeners(r->server, HP_STUN_OVER_DTLS, at, 1), 2);
    hp_turn_server_free(r->server);
    r->config.transports = 0;
    r->config.tls_port = 0;
    stream_rig_start(s);
    assert_int_equal(hp_turn_server_listeners(r->server, HP_STUN_OVER_UDP, at, 8), 2);
    assert_int_equal(hp_turn_server_listeners(r->server, HP_STUN_OVER_TCP, at, 8), 0);
    hp_turn_server_free(r->server);
    r->config.transports = HP_SERVER_UDP | HP_SERVER_TLS;
    stream_rig_start(s);
    assert_int_equal(hp_turn_server_listeners(r->server, HP_STUN_OVER_TLS, at, 8), 2);
    rig_assert_addr(&at[1], "[2001:db8::1]:5349");
}

/* An association of DTLS is a path like any other, and its end is an end. */
static void dtls_path(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    uint8_t request[20];
    hp_stun_writer writer;
    const uint8_t id[12] = {9};
    hp_stun_path path = {
        .client = rig_addr(alice_addr), .server = rig_addr("203.0.113.1:5349"), .transport = HP_STUN_OVER_DTLS};
    hp_stun_begin(&writer, request, sizeof request, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_finish(&writer);
    hp_turn_server_input(r->server, r->now, &path, request, sizeof request, NULL);
    assert_int_equal(rig_last(r)->path.transport, HP_STUN_OVER_DTLS);
    assert_string_equal(hp_stun_transport_name(rig_last_event(r, HP_SERVER_EV_REQUEST)->transport), "dtls");
    hp_turn_server_path_ended(r->server, r->now, &path);
}

static void stopped(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    wire *w = stream_rig_connect(s, alice_addr, HP_STUN_OVER_TCP);
    rig_client a = alice();
    rig_allocate(r, &a);
    hp_turn_server_end_all(r->server, r->now, "stopped");
    assert_string_equal(rig_last_event(r, HP_SERVER_EV_ALLOCATION_ENDED)->reason, "stopped");
    stream_rig_assert_stream(s, "closed", "stopped");
    assert_true(w->closed);
    assert_int_equal(hp_turn_server_deadline(r->server), HP_NEVER);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(udp_relay_over_tcp),
        TEST(ip_fields_stay_outside),
        TEST(pieces),
        TEST(transports_are_apart),
        TEST(disconnection),
        TEST(answers_before_the_end),
        TEST(broken_streams),
        TEST(client_that_does_not_read),
        TEST(backlog),
        TEST(idleness),
        TEST(too_many),
        TEST(change_request_over_tcp),
        TEST(faults),
        TEST(listeners),
        TEST(dtls_path),
        TEST(stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
