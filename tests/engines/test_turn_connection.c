/* Relays for TCP (RFC 6062), data: bytes, flow control, and how a connection ends. */
#include "connection_rig.h"

/* ---- bytes ---- */

/* Whoever is not read is not read from: the relay holds a chunk each way, and all bytes arrive in order. */
static void backpressure(void **state)
{
    enum { TOTAL = 1000000, CHUNK = 16384 };
    stream_rig *s = *state;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    allocated(s, &a, &relay);
    wire *peer = connected(s, &a, PEER, &id);
    wire *data = bound(s, ALICE_DATA, id);
    g_autofree uint8_t *bytes = g_malloc(TOTAL);
    hp_rng rng;
    hp_rng_init(&rng, 3, "bytes");
    hp_rng_bytes(&rng, bytes, TOTAL);
    data->room = 100;
    wire_put(peer, bytes, TOTAL);
    assert_int_equal(data->from_server->len, 100);
    assert_int_equal(peer->to_server->len, TOTAL - CHUNK);
    wire_make_room(data, 0);
    wire_make_room(data, CHUNK - 100 - 1);
    assert_int_equal(peer->to_server->len, TOTAL - CHUNK); /* one byte of the chunk still waits */
    wire_make_room(data, 1);
    assert_int_equal(data->from_server->len, CHUNK);
    assert_int_equal(peer->to_server->len, TOTAL - 2 * CHUNK);
    /* The other way is not held up by it. */
    wire_put(data, "other way", 9);
    wire_assert_got(peer, "other way");
    wire_make_room(data, SIZE_MAX);
    assert_int_equal(data->from_server->len, TOTAL);
    assert_memory_equal(data->from_server->data, bytes, TOTAL);
    assert_int_equal(peer->to_server->len, 0);
}

/* ---- ends (section 5.5) ---- */

static void peer_closes(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    wire *control = allocated(s, &a, &relay);
    wire *peer = connected(s, &a, PEER, &id);
    wire *data = bound(s, ALICE_DATA, id);
    /* All that it said arrives first, though the client is slow. */
    data->room = 4;
    wire_put(peer, "last words", 10);
    wire_end(peer);
    assert_false(peer->closed || data->closed);
    r->now += HP_S;
    wire_make_room(data, SIZE_MAX);
    wire_assert_got(data, "last words");
    assert_true(peer->closed && data->closed);
    assert_int_equal(data->closed_at, 2 * HP_S);
    stream_rig_assert_connection(s, "closed", "peer");
    stream_rig_assert_stream(s, "closed", "peer");
    assert_false(control->closed);
    /* The peer can be connected to again. */
    peer = connected(s, &a, PEER, &id);
    data = bound(s, "192.0.2.10:5002", id);
    wire_lose(peer); /* a reset */
    assert_true(data->closed);
    stream_rig_assert_connection(s, "closed", "peer");
}

static void client_closes(void **state)
{
    stream_rig *s = *state;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    wire *control = allocated(s, &a, &relay);
    wire *peer = connected(s, &a, PEER, &id);
    wire *data = bound(s, ALICE_DATA, id);
    g_byte_array_append(data->to_server, (const uint8_t *)"bye", 3);
    wire_end(data);
    wire_assert_got(peer, "bye");
    assert_true(peer->closed && data->closed);
    stream_rig_assert_connection(s, "closed", "client");
    assert_false(control->closed);
    peer = connected(s, &a, PEER, &id);
    data = bound(s, ALICE_DATA, id);
    wire_lose(data);
    assert_true(peer->closed);
    assert_false(data->closed);
    assert_int_equal(hp_turn_server_stats(s->r.server).connections, 0);
    assert_int_equal(hp_turn_server_stats(s->r.server).streams, 1);
}

/* A peer that spoke and left before anybody was bound is still heard; one that was reset is not. */
static void peer_closes_while_pending(void **state)
{
    stream_rig *s = *state;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    allocated(s, &a, &relay);
    wire *peer = connected(s, &a, PEER, &id);
    wire_put(peer, "in a hurry", 10);
    wire_end(peer);
    assert_false(peer->closed);
    wire *data = stream_rig_connect(s, ALICE_DATA, HP_STUN_OVER_TCP);
    rig_client c = rig_client_new(ALICE_DATA, "alice", "secret");
    rig_challenge(&s->r, &c);
    data->raw = true;
    g_byte_array_set_size(data->from_server, 0);
    rig_begin(&s->r, HP_STUN_CONNECTION_BIND);
    hp_stun_add_u32(&s->r.w, HP_STUN_CONNECTION_ID, id);
    rig_sign(&s->r, &c);
    rig_send(&s->r, &c);
    assert_true(data->closed && peer->closed);
    assert_memory_equal(data->from_server->data + data->from_server->len - 10, "in a hurry", 10);
    stream_rig_assert_connection(s, "closed", "peer");

    peer = connected(s, &a, PEER, &id);
    wire_lose(peer);
    stream_rig_connect(s, "192.0.2.10:5003", HP_STUN_OVER_TCP);
    rig_client d = rig_client_new("192.0.2.10:5003", "alice", "secret");
    assert_int_equal(stream_rig_bind(s, &d, id), 400);
}

/* With the allocation everything ends: by expiry, by Refresh, with the control connection. */
static void allocation_ends(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    wire *control = allocated(s, &a, &relay);
    wire *peer = connected(s, &a, PEER, &id);
    wire *data = bound(s, ALICE_DATA, id);
    wire *pending = connected(s, &a, "198.51.100.7:701", &id);
    wire *connecting = stream_rig_ask_peer(s, &a, "198.51.100.7:702");
    guint before = r->sent->len;
    assert_int_equal(rig_refresh(r, &a, 0), 0);
    assert_int_equal(r->sent->len, before + 1); /* the Connect under way is not answered */
    assert_true(peer->closed && data->closed && pending->closed && connecting->closed);
    stream_rig_assert_connection(s, "closed", "allocation-ended");
    stream_rig_assert_stream(s, "closed", "allocation-ended");
    assert_false(control->closed);

    relay = stream_rig_allocate(s, &a);
    peer = connected(s, &a, PEER, &id);
    data = bound(s, ALICE_DATA, id);
    hp_time made = r->now;
    stream_rig_run(s, made + 600 * HP_S - 1);
    assert_false(peer->closed);
    stream_rig_run(s, made + 600 * HP_S);
    assert_true(peer->closed && data->closed);

    rig_refresh(r, &a, 600); /* 437, but it keeps the connection's idle time away */
    rig_client b = a;
    stream_rig_allocate(s, &b);
    peer = connected(s, &b, PEER, &id);
    data = bound(s, ALICE_DATA, id);
    wire_end(control);
    assert_true(peer->closed && data->closed && control->closed);
    assert_int_equal(s->listening->len, 0);
    assert_int_equal(hp_turn_server_stats(r->server).streams, 0);
    assert_int_equal(hp_turn_server_deadline(r->server), HP_NEVER);
}

static void limits(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    char text[HP_ADDR_TEXT];
    allocated(s, &a, &relay);
    assert_int_equal(rig_permit(r, &a, "198.51.100.7"), 0);
    for (unsigned i = 0; i < HP_TURN_MAX_CONNECTIONS; i++) {
        hp_addr peer = hp_addr_v4(0xc6336407, (uint16_t)(1000 + i));
        stream_rig_ask_peer(s, &a, hp_addr_format(&peer, text));
    }
    stream_rig_begin_connect(s, &a, "198.51.100.7:9999");
    assert_int_equal(rig_ask(r, &a), 508);
    assert_null(stream_rig_peer(s, &relay, "198.51.100.7:9999"));
    assert_string_equal(rig_drop_reason(r), "limit");
    /* 256 answers at one instant, once nobody has answered for 30 s. */
    guint before = r->sent->len;
    stream_rig_run(s, 31 * HP_S);
    assert_int_equal(r->sent->len, before + HP_TURN_MAX_CONNECTIONS);
    assert_int_equal(hp_turn_server_stats(r->server).connections, 0);
}

/* Faults: a Connect whose answer is delayed, a ConnectionBind whose answer is delayed and whose bytes wait for it. */
static void delayed_answers(void **state)
{
    hp_server_fault list[] = {
        {.kind = HP_FAULT_DELAY, .method = HP_STUN_CONNECTION_BIND, .nth_first = 2, .delay_ns = 2 * HP_S},
        {.kind = HP_FAULT_DELAY, .method = HP_STUN_CONNECT, .nth_first = 2, .delay_ns = 3 * HP_S},
        {.kind = HP_FAULT_WRONG_ID, .method = HP_STUN_CONNECT, .nth_first = 2},
    };
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    r->config.faults = list;
    r->config.n_faults = G_N_ELEMENTS(list);
    allocated(s, &a, &relay);
    wire *peer = connected(s, &a, PEER, &id);
    wire *data = stream_rig_connect(s, ALICE_DATA, HP_STUN_OVER_TCP);
    rig_client c = rig_client_new(ALICE_DATA, "alice", "secret");
    rig_begin(r, HP_STUN_CONNECTION_BIND); /* the first: for the nonce */
    assert_int_equal(rig_ask(r, &c), 401);
    rig_learn_nonce(r, &c);
    rig_begin(r, HP_STUN_CONNECTION_BIND);
    hp_stun_add_u32(&r->w, HP_STUN_CONNECTION_ID, id);
    rig_sign(r, &c);
    assert_int_equal(rig_send(r, &c), 0);
    wire_put(peer, "\x80 waits", 7);
    wire_put(data, "waits", 5);
    assert_int_equal(peer->from_server->len, 0);
    g_byte_array_set_size(data->from_server, 0);
    data->raw = true;
    stream_rig_run(s, 3 * HP_S);
    wire_assert_got(peer, "waits");
    assert_memory_equal(data->from_server->data + data->from_server->len - 7, "\x80 waits", 7);
    guint before = r->sent->len;
    wire *second = stream_rig_ask_peer(s, &a, "198.51.100.7:701");
    hp_turn_stream_connected(second->stream, r->now);
    assert_int_equal(r->sent->len, before);
    stream_rig_run(s, 6 * HP_S);
    assert_int_equal(r->sent->len, before + 1);
    assert_int_equal(rig_last(r)->at, 6 * HP_S);
    assert_memory_not_equal(rig_last(r)->msg.id, r->id, 12);
}

/* Two runs give the same bytes. */
static void determinism(void **state)
{
    GByteArray *bytes[2] = {g_byte_array_new(), g_byte_array_new()};
    for (unsigned run = 0; run < 2; run++) {
        g_autofree stream_rig *s = g_new0(stream_rig, 1);
        rig_client a;
        hp_addr relay;
        uint32_t id;
        stream_rig_init(s);
        allocated(s, &a, &relay);
        rig_permit(&s->r, &a, "198.51.100.8");
        wire *peer = connected(s, &a, PEER, &id);
        stream_rig_peer(s, &relay, "198.51.100.8:1");
        wire *data = bound(s, ALICE_DATA, id);
        wire_put(peer, "x", 1);
        wire_end(data);
        stream_rig_run(s, 700 * HP_S);
        for (guint i = 0; i < s->r.sent->len; i++) {
            const rig_sent *sent = s->r.sent->pdata[i];
            g_byte_array_append(bytes[run], sent->bytes, (guint)sent->length);
        }
        for (guint i = 0; i < s->r.events->len; i++) {
            const hp_server_event *e = &g_array_index(s->r.events, hp_server_event, i);
            g_byte_array_append(bytes[run], (const uint8_t *)&e->kind, sizeof e->kind);
            g_byte_array_append(bytes[run], (const uint8_t *)&e->connection, sizeof e->connection);
        }
        stream_rig_end(s);
    }
    assert_int_equal(bytes[0]->len, bytes[1]->len);
    assert_memory_equal(bytes[0]->data, bytes[1]->data, bytes[0]->len);
    assert_true(bytes[0]->len > 500);
    g_byte_array_unref(bytes[0]);
    g_byte_array_unref(bytes[1]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(backpressure),    TEST(peer_closes), TEST(client_closes),   TEST(peer_closes_while_pending),
        TEST(allocation_ends), TEST(limits),      TEST(delayed_answers), cmocka_unit_test(determinism),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
