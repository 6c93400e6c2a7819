/* Relays for TCP (RFC 6062), control: Allocate, Connect, ConnectionAttempt, ConnectionBind, and their errors. */
#include "connection_rig.h"

/* ---- Allocate (section 5.1) ---- */

static void allocation(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    allocated(s, &a, &relay);
    assert_int_equal(s->listening->len, 1);
    assert_int_equal(r->open->len, 0);
    assert_true(hp_addr_equal(&g_array_index(s->listening, hp_addr, 0), &relay));
    assert_false(rig_has(rig_last(r), HP_STUN_RESERVATION_TOKEN));
    assert_int_equal(rig_u32(rig_last(r), HP_STUN_LIFETIME), 600);
    assert_int_equal(rig_refresh(r, &a, 0), 0);
    assert_int_equal(s->listening->len, 0);
}

static unsigned ask_allocate(rig *r, rig_client *c, uint8_t protocol, uint16_t attribute)
{
    rig_begin(r, HP_STUN_ALLOCATE);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_TRANSPORT, (uint32_t)protocol << 24);
    if (attribute == HP_STUN_EVEN_PORT) {
        hp_stun_add(&r->w, attribute, "", 1);
    } else if (attribute == HP_STUN_RESERVATION_TOKEN) {
        hp_stun_add(&r->w, attribute, "12345678", 8);
    } else if (attribute != 0) {
        hp_stun_add(&r->w, attribute, "", 0);
    }
    return rig_login(r, c);
}

static void allocation_errors(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    stream_rig_start(s);
    stream_rig_connect(s, ALICE, HP_STUN_OVER_TCP);
    rig_client a = alice();
    assert_int_equal(ask_allocate(r, &a, 6, HP_STUN_EVEN_PORT), 400);
    assert_int_equal(ask_allocate(r, &a, 6, HP_STUN_RESERVATION_TOKEN), 400);
    assert_int_equal(ask_allocate(r, &a, 6, HP_STUN_DONT_FRAGMENT), 400);
    assert_int_equal(ask_allocate(r, &a, 132, 0), 442);
    /* Over UDP there are no TCP allocations. */
    r->input = NULL;
    rig_client u = alice();
    assert_int_equal(ask_allocate(r, &u, 6, 0), 400);
    assert_int_equal(s->listening->len, 0);
}

/* What the server does not relay is 442 for TCP and 403 for UDP. */
static void relays_by_policy(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    r->config.relays = HP_RELAY_TCP;
    stream_rig_start(s);
    stream_rig_connect(s, ALICE, HP_STUN_OVER_TCP);
    rig_client a = alice();
    assert_int_equal(ask_allocate(r, &a, 17, 0), 403);
    assert_int_equal(ask_allocate(r, &a, 6, 0), 0);
    hp_turn_server_free(r->server);
    r->config.relays = 0;
    stream_rig_start(s);
    stream_rig_connect(s, ALICE, HP_STUN_OVER_TCP);
    a = alice();
    assert_int_equal(ask_allocate(r, &a, 6, 0), 442);
    /* Connect is then a method that nobody knows. */
    stream_rig_begin_connect(s, &a, PEER);
    assert_int_equal(rig_send(r, &a), 0);
    assert_int_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->answer, HP_ANSWER_SILENCE);
}

/* ---- Connect (section 5.2) ---- */

static void connect_and_bind(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    allocated(s, &a, &relay);
    r->now = 2 * HP_S;
    wire *peer = stream_rig_ask_peer(s, &a, PEER);
    assert_true(hp_addr_equal(&peer->path.server, &relay));
    stream_rig_assert_connection(s, "connecting", "");
    guint events = rig_count_events(r, HP_SERVER_EV_REQUEST);
    r->now = 3 * HP_S;
    hp_turn_stream_connected(peer->stream, r->now);
    const rig_sent *answer = rig_last(r);
    assert_int_equal(answer->at, 3 * HP_S);
    assert_int_equal(rig_error(answer), 0);
    assert_memory_equal(answer->msg.id, r->id, 12);
    hp_stun_key key = rig_key(r, &a, false);
    assert_int_equal(hp_stun_check_integrity(&answer->msg, &key, false), HP_STUN_GOOD);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_REQUEST), events + 1);
    assert_int_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->answer, HP_ANSWER_SUCCESS);
    assert_string_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->user, "alice");
    uint32_t id = rig_u32(answer, HP_STUN_CONNECTION_ID);
    assert_int_not_equal(id, 0);
    assert_int_equal(rig_last_event(r, HP_SERVER_EV_CONNECTION)->connection, id);
    stream_rig_assert_connection(s, "pending", "");

    /* What the peer says before there is somebody to hear it waits where it is. */
    wire_put(peer, "early ", 6);
    assert_int_equal(peer->to_server->len, 6);
    wire *data = bound(s, ALICE_DATA, id);
    stream_rig_assert_connection(s, "bound", "");
    assert_int_equal(peer->to_server->len, 0);
    wire_put(peer, "late", 4);
    wire_put(data, "to the peer", 11);
    wire_assert_got(peer, "to the peer");
    wire_assert_got(data, "late"); /* "early " went out with the answer, before the wire became raw */
    /* No byte is looked at: STUN and what is none go through alike. */
    wire_put(data, "\x80\x00\x01\x00\x00\x21\x12\xa4\x42", 9);
    assert_int_equal(peer->from_server->len, 20);
    rig_refresh(r, &a, 0);
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_ALLOCATION_ENDED);
    assert_int_equal(e->bytes_to_client, 10);
    assert_int_equal(e->bytes_to_peer, 20);
}

/* Nothing but the answer stands before the peer's first byte. */
static void bytes_follow_the_answer(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    allocated(s, &a, &relay);
    wire *peer = connected(s, &a, PEER, &id);
    wire_put(peer, "\x80 early", 7);
    wire *data = stream_rig_connect(s, ALICE_DATA, HP_STUN_OVER_TCP);
    rig_client c = rig_client_new(ALICE_DATA, "alice", "secret");
    rig_challenge(r, &c);
    g_byte_array_set_size(data->from_server, 0);
    data->raw = true;
    /* The client does not wait for the answer with its own. */
    rig_begin(r, HP_STUN_CONNECTION_BIND);
    hp_stun_add_u32(&r->w, HP_STUN_CONNECTION_ID, id);
    rig_sign(r, &c);
    size_t length = hp_stun_finish(&r->w);
    memcpy(r->buffer + length, "mine", 4);
    wire_put(data, r->buffer, length + 4);
    wire_assert_got(peer, "mine");
    hp_stun_msg m;
    size_t answer = 20 + ((size_t)data->from_server->data[2] << 8 | data->from_server->data[3]);
    assert_true(hp_stun_parse(data->from_server->data, answer, &m));
    assert_int_equal(m.cls, HP_STUN_SUCCESS);
    assert_int_equal(m.method, HP_STUN_CONNECTION_BIND);
    assert_int_equal(data->from_server->len, answer + 7);
    assert_memory_equal(data->from_server->data + answer, "\x80 early", 7);
}

static void connect_errors(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    r->config.allow_private_peers = false;
    allocated(s, &a, &relay);
    /* 400: no address, or no port */
    rig_begin(r, HP_STUN_CONNECT);
    assert_int_equal(rig_login(r, &a), 400);
    stream_rig_begin_connect(s, &a, "198.51.100.7");
    assert_int_equal(rig_ask(r, &a), 400);
    /* 443: of a family without relay */
    stream_rig_begin_connect(s, &a, "[2001:db8::7]:700");
    assert_int_equal(rig_ask(r, &a), 443);
    /* 403: a peer nobody may reach, and the server itself */
    stream_rig_begin_connect(s, &a, "10.0.0.1:700");
    assert_int_equal(rig_ask(r, &a), 403);
    stream_rig_begin_connect(s, &a, "127.0.0.1:700");
    assert_int_equal(rig_ask(r, &a), 403);
    stream_rig_begin_connect(s, &a, "203.0.113.1:3478");
    assert_int_equal(rig_ask(r, &a), 403);
    stream_rig_begin_connect(s, &a, "203.0.113.1:5349");
    assert_int_equal(rig_ask(r, &a), 403);
    /* 446: under way, pending, active; another port is another peer */
    wire *peer = stream_rig_ask_peer(s, &a, PEER);
    stream_rig_begin_connect(s, &a, PEER);
    assert_int_equal(rig_ask(r, &a), 446);
    hp_turn_stream_connected(peer->stream, r->now);
    id = rig_u32(rig_last(r), HP_STUN_CONNECTION_ID);
    stream_rig_begin_connect(s, &a, PEER);
    assert_int_equal(rig_ask(r, &a), 446);
    bound(s, ALICE_DATA, id);
    stream_rig_begin_connect(s, &a, PEER);
    assert_int_equal(rig_ask(r, &a), 446);
    stream_rig_ask_peer(s, &a, "198.51.100.7:701");
    assert_int_equal(hp_turn_server_stats(r->server).connections, 2);
    /* 447: it cannot even begin */
    s->refuse_connect = true;
    stream_rig_begin_connect(s, &a, "198.51.100.8:700");
    assert_int_equal(rig_ask(r, &a), 447);
    assert_int_equal(hp_turn_server_stats(r->server).connections, 2);
    /* 437: no allocation */
    stream_rig_connect(s, "192.0.2.99:1", HP_STUN_OVER_TCP);
    rig_client other = rig_client_new("192.0.2.99:1", "alice", "secret");
    stream_rig_begin_connect(s, &other, PEER);
    assert_int_equal(rig_ask(r, &other), 437);
    /* 441: somebody else's */
    rig_client bob = rig_client_new(ALICE, "bob", "hidden");
    memcpy(bob.nonce, a.nonce, sizeof a.nonce);
    bob.nonce_length = a.nonce_length;
    stream_rig_begin_connect(s, &bob, PEER);
    assert_int_equal(rig_ask(r, &bob), 441);
}

/* Connect belongs to TCP allocations, channels and Send to UDP ones. */
static void wrong_kind_of_allocation(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    allocated(s, &a, &relay);
    assert_int_equal(rig_permit(r, &a, "198.51.100.7"), 0);
    assert_int_equal(rig_bind(r, &a, 0x4000, PEER), 403);
    assert_int_equal(rig_send_data(r, &a, PEER, "x", NULL, false), 0);
    assert_string_equal(rig_drop_reason(r), "tcp-relay");
    hp_addr from = rig_addr(PEER);
    hp_turn_server_relay_input(r->server, r->now, &relay, &from, (const uint8_t *)"x", 1, NULL);
    assert_int_equal(r->relayed->len, 0);
    stream_rig_connect(s, "192.0.2.20:1", HP_STUN_OVER_TCP);
    rig_client b = rig_client_new("192.0.2.20:1", "bob", "hidden");
    rig_allocate(r, &b);
    stream_rig_begin_connect(s, &b, PEER);
    assert_int_equal(rig_ask(r, &b), 403);
}

/* A peer that refuses, and one that never answers: 447, after 30 s in the latter case. */
static void connect_fails(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    allocated(s, &a, &relay);
    wire *refuses = stream_rig_ask_peer(s, &a, PEER);
    r->now += 40 * HP_MS;
    wire_lose(refuses);
    assert_int_equal(rig_error(rig_last(r)), 447);
    assert_memory_equal(rig_last(r)->msg.id, r->id, 12);
    assert_int_equal(rig_last(r)->at, HP_S + 40 * HP_MS);
    stream_rig_assert_connection(s, "closed", "failed");
    r->now = 2 * HP_S;
    guint before = r->sent->len;
    wire *silent = stream_rig_ask_peer(s, &a, PEER);
    stream_rig_run(s, 32 * HP_S - 1);
    assert_int_equal(r->sent->len, before);
    stream_rig_run(s, 32 * HP_S);
    assert_int_equal(r->sent->len, before + 1);
    assert_int_equal(rig_error(rig_last(r)), 447);
    assert_int_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->code, 447);
    assert_true(silent->closed);
    stream_rig_assert_connection(s, "closed", "timeout");
    assert_int_equal(hp_turn_server_stats(r->server).connections, 0);
}

/* ---- peers that connect (section 5.3) ---- */

static void connection_attempt(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    allocated(s, &a, &relay);
    assert_null(stream_rig_peer(s, &relay, PEER));
    assert_string_equal(rig_drop_reason(r), "no-permission");
    assert_int_equal(rig_permit(r, &a, "198.51.100.7"), 0);
    guint before = r->sent->len;
    wire *peer = stream_rig_peer(s, &relay, PEER);
    assert_non_null(peer);
    assert_int_equal(r->sent->len, before + 1);
    const rig_sent *told = rig_last(r);
    assert_int_equal(told->msg.cls, HP_STUN_INDICATION);
    assert_int_equal(told->msg.method, HP_STUN_CONNECTION_ATTEMPT);
    hp_addr who = rig_attr_addr(told, HP_STUN_XOR_PEER_ADDRESS, true);
    rig_assert_addr(&who, PEER);
    uint32_t id = rig_u32(told, HP_STUN_CONNECTION_ID);
    stream_rig_begin_connect(s, &a, PEER);
    assert_int_equal(rig_ask(r, &a), 446);
    wire_put(peer, "hello", 5);
    wire *data = bound(s, ALICE_DATA, id);
    wire_put(data, "there", 5);
    wire_assert_got(peer, "there");
    wire_put(peer, " again", 6);
    wire_assert_got(data, " again");
    /* A permission that expires ends nothing that has begun (300 s), but lets nobody else in. */
    stream_rig_run(s, 302 * HP_S);
    wire_put(data, "!", 1);
    wire_assert_got(peer, "there!");
    assert_null(stream_rig_peer(s, &relay, "198.51.100.7:701"));
    /* An address that is no relay. */
    hp_addr nobody = rig_addr("203.0.113.1:1");
    assert_null(stream_rig_peer(s, &nobody, PEER));
}

/* 30 s without ConnectionBind and the peer's connection is closed, after Connect as after ConnectionAttempt. */
static void never_bound(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    allocated(s, &a, &relay);
    assert_int_equal(rig_permit(r, &a, "198.51.100.8"), 0);
    r->now = 5 * HP_S;
    wire *out = connected(s, &a, PEER, &id);
    r->now = 7 * HP_S;
    wire *in = stream_rig_peer(s, &relay, "198.51.100.8:700");
    stream_rig_run(s, 35 * HP_S - 1);
    assert_false(out->closed);
    stream_rig_run(s, 35 * HP_S);
    assert_true(out->closed);
    stream_rig_assert_connection(s, "closed", "timeout");
    stream_rig_run(s, 37 * HP_S - 1);
    assert_false(in->closed);
    stream_rig_run(s, 37 * HP_S);
    assert_true(in->closed);
    stream_rig_connect(s, ALICE_DATA, HP_STUN_OVER_TCP);
    rig_client c = rig_client_new(ALICE_DATA, "alice", "secret");
    assert_int_equal(stream_rig_bind(s, &c, id), 400);
}

/* ---- ConnectionBind (section 5.4) ---- */

static void bind_errors(void **state)
{
    stream_rig *s = *state;
    rig *r = &s->r;
    rig_client a;
    hp_addr relay;
    uint32_t id;
    allocated(s, &a, &relay);
    connected(s, &a, PEER, &id);
    stream_rig_connect(s, ALICE_DATA, HP_STUN_OVER_TLS);
    rig_client c = rig_client_new(ALICE_DATA, "alice", "secret");
    rig_begin(r, HP_STUN_CONNECTION_BIND);
    assert_int_equal(rig_login(r, &c), 400);
    assert_int_equal(stream_rig_bind(s, &c, id ^ 1), 400);
    assert_int_equal(stream_rig_bind(s, &c, 0), 400);
    /* On the control connection. */
    assert_int_equal(stream_rig_bind(s, &a, id), 400);
    /* By somebody else. */
    rig_client b = rig_client_new(ALICE_DATA, "bob", "hidden");
    assert_int_equal(stream_rig_bind(s, &b, id), 441);
    /* Over UDP. */
    r->input = NULL;
    rig_client u = rig_client_new(ALICE_DATA, "alice", "secret");
    assert_int_equal(stream_rig_bind(s, &u, id), 400);
    r->input = stream_rig_input;
    /* After all that it is still there; and it can be bound once. */
    assert_int_equal(stream_rig_bind(s, &c, id), 0);
    stream_rig_connect(s, "192.0.2.10:5002", HP_STUN_OVER_TCP);
    rig_client d = rig_client_new("192.0.2.10:5002", "alice", "secret");
    assert_int_equal(stream_rig_bind(s, &d, id), 400);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(allocation),
        TEST(allocation_errors),
        TEST(relays_by_policy),
        TEST(connect_and_bind),
        TEST(bytes_follow_the_answer),
        TEST(connect_errors),
        TEST(wrong_kind_of_allocation),
        TEST(connect_fails),
        TEST(connection_attempt),
        TEST(never_bound),
        TEST(bind_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
