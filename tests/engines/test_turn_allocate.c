/* Allocate and Refresh (RFC 8656 sections 5 to 8). */
#include "engines/rig.h"

#define FAMILY_V4 (UINT32_C(1) << 24)
#define FAMILY_V6 (UINT32_C(2) << 24)

static int setup(void **state)
{
    rig *r = g_new(rig, 1);
    rig_init(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig *r = *state;
    rig_end(r);
    g_free(r);
    return 0;
}

static rig_client alice(void)
{
    return rig_client_new("192.0.2.10:5000", "alice", "secret");
}

/* Section 7.2: the answer has the relayed and the mapped address and the lifetime, signed; ports 49152 to 65535. */
static void allocate(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    const rig_sent *s = rig_last(r);
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format_ip(&relay, text), "203.0.113.1");
    assert_true(relay.port >= 49152);
    hp_addr mapped = rig_attr_addr(s, HP_STUN_XOR_MAPPED_ADDRESS, true);
    rig_assert_addr(&mapped, "192.0.2.10:5000");
    assert_int_equal(rig_u32(s, HP_STUN_LIFETIME), 600);
    assert_true(rig_has(s, HP_STUN_SOFTWARE));
    assert_false(rig_has(s, HP_STUN_RESERVATION_TOKEN));
    assert_int_equal(rig_find_open(r, &relay), 0);
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_ALLOCATION);
    assert_true(hp_addr_equal(&e->relay, &relay));
    rig_assert_addr(&e->client, "192.0.2.10:5000");
    assert_string_equal(e->user, "alice");
    assert_int_equal(e->lifetime, 600 * HP_S);
    e = rig_last_event(r, HP_SERVER_EV_REQUEST);
    assert_int_equal(e->method, HP_STUN_ALLOCATE);
    assert_int_equal(e->answer, HP_ANSWER_SUCCESS);
    assert_string_equal(e->user, "alice");
}

/* Section 7.2 check 1: Allocate is authenticated; nobody can log in where there are no users. */
static void no_users(void **state)
{
    rig *r = *state;
    r->config.n_users = 0;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &a), 401);
    assert_int_equal(r->open->len, 0);
}

/* Section 7.2 check 2: a second Allocate on the 5-tuple is 437; the same one again is answered as before, with the
 * time that is left (section 7.2, stateless stack approach). */
static void retransmission(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    r->now += 500 * HP_MS;
    assert_int_equal(rig_resend(r, &a), 1);
    const rig_sent *s = rig_last(r);
    assert_int_equal(rig_error(s), 0);
    hp_addr again = rig_attr_addr(s, HP_STUN_XOR_RELAYED_ADDRESS, true);
    assert_true(hp_addr_equal(&again, &relay));
    assert_int_equal(rig_u32(s, HP_STUN_LIFETIME), 599);
    assert_int_equal(r->open->len, 1);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_ALLOCATION), 1);
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &a), 437);
    assert_int_equal(r->open->len, 1);
}

/* The same transaction id from another user is another request. */
static void retransmission_of_another_user(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    uint8_t id[12];
    memcpy(id, r->id, sizeof id);
    rig_client b = rig_client_new("192.0.2.10:5000", "bob", "hidden");
    rig_challenge(r, &b);
    rig_begin_allocate(r);
    memcpy(r->id, id, sizeof id);
    memcpy(r->buffer + 8, id, sizeof id);
    assert_int_equal(rig_login(r, &b), 437);
}

/* Section 7.2 check 3: REQUESTED-TRANSPORT missing or malformed 400, other than UDP 442. */
static void transport(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin(r, HP_STUN_ALLOCATE);
    assert_int_equal(rig_login(r, &a), 400);
    rig_begin(r, HP_STUN_ALLOCATE);
    hp_stun_add(&r->w, HP_STUN_REQUESTED_TRANSPORT, "\x11", 1);
    assert_int_equal(rig_login(r, &a), 400);
    rig_begin(r, HP_STUN_ALLOCATE);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_TRANSPORT, UINT32_C(6) << 24);
    assert_int_equal(rig_login(r, &a), 442);
    assert_int_equal(r->open->len, 0);
}

/* Section 7.2 check 4: DONT-FRAGMENT that is not supported is an unknown attribute, named in the 420. */
static void dont_fragment(void **state)
{
    rig *r = *state;
    r->config.dont_fragment = false;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_DONT_FRAGMENT, "", 0);
    assert_int_equal(rig_login(r, &a), 420);
    hp_stun_attr unknown = rig_attr(rig_last(r), HP_STUN_UNKNOWN_ATTRIBUTES);
    assert_int_equal(unknown.length, 2);
    assert_memory_equal(unknown.value, "\x00\x1a", 2);
    hp_turn_server_free(r->server);
    r->config.dont_fragment = true;
    rig_start(r);
    a = alice();
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_DONT_FRAGMENT, "", 0);
    assert_int_equal(rig_login(r, &a), 0);
}

/* Section 7.2 check 5: a token with EVEN-PORT or a family is 400, a bad one 508. */
static void bad_tokens(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_RESERVATION_TOKEN, "12345678", 8);
    assert_int_equal(rig_login(r, &a), 508);
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_RESERVATION_TOKEN, "1234567", 7);
    assert_int_equal(rig_login(r, &a), 400);
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_RESERVATION_TOKEN, "12345678", 8);
    hp_stun_add(&r->w, HP_STUN_EVEN_PORT, "\x00", 1);
    assert_int_equal(rig_login(r, &a), 400);
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_RESERVATION_TOKEN, "12345678", 8);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, FAMILY_V4);
    assert_int_equal(rig_login(r, &a), 400);
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_RESERVATION_TOKEN, "12345678", 8);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 400);
}

/* Section 7.2 checks 6, 7, 9 (and RFC 6156 section 4.2): families. */
static void families(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, FAMILY_V4);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 400);
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_V4);
    assert_int_equal(rig_login(r, &a), 400);
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_V6);
    hp_stun_add(&r->w, HP_STUN_EVEN_PORT, "\x80", 1);
    assert_int_equal(rig_login(r, &a), 400);
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, UINT32_C(3) << 24);
    assert_int_equal(rig_login(r, &a), 440);
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 0);
    hp_addr relay = rig_attr_addr(rig_last(r), HP_STUN_XOR_RELAYED_ADDRESS, true);
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format_ip(&relay, text), "2001:db8::1");
}

/* Section 7.2 check 7: a server without IPv6 refuses it; one without IPv4 refuses a request that names no family. */
static void missing_family(void **state)
{
    rig *r = *state;
    r->n_addresses = 1;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 440);
    hp_turn_server_free(r->server);
    r->addresses[0] = rig_addr("2001:db8::1");
    rig_start(r);
    a = alice();
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &a), 440);
}

/* Section 7.2 check 9: a dual allocation has two relayed addresses. */
static void dual(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 0);
    size_t cursor = 0;
    hp_stun_attr attr;
    hp_addr relays[2] = {0};
    unsigned n = 0;
    while (hp_stun_next(&rig_last(r)->msg, &cursor, &attr)) {
        if (attr.type == HP_STUN_XOR_RELAYED_ADDRESS) {
            assert_true(n < 2 && hp_stun_attr_addr(&rig_last(r)->msg, &attr, true, &relays[n]));
            n++;
        }
    }
    assert_int_equal(n, 2);
    assert_int_equal(relays[0].family, HP_AF_IPV4);
    assert_int_equal(relays[1].family, HP_AF_IPV6);
    assert_false(rig_has(rig_last(r), HP_STUN_ADDRESS_ERROR_CODE));
    assert_int_equal(r->open->len, 2);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_ALLOCATION), 2);
    hp_turn_stats stats = hp_turn_server_stats(r->server);
    assert_int_equal(stats.allocations, 1);
    assert_int_equal(stats.relays, 2);
    /* Section 8.1: deleting one family leaves the other and what hangs on it. */
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:1"), 0);
    assert_int_equal(rig_bind(r, &a, 0x4000, "[2001:db8:1::1]:700"), 0);
    assert_int_equal(rig_bind(r, &a, 0x4001, "198.51.100.1:700"), 0);
    rig_begin(r, HP_STUN_REFRESH);
    hp_stun_add_u32(&r->w, HP_STUN_LIFETIME, 0);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 0);
    assert_int_equal(rig_u32(rig_last(r), HP_STUN_LIFETIME), 0);
    assert_int_equal(r->open->len, 1);
    assert_int_equal(rig_send_channel(r, &a, 0x4001, "x", NULL), 1);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 0);
    assert_int_equal(rig_send_data(r, &a, "[2001:db8:1::1]:700", "x", NULL, false), 0);
    assert_string_equal(rig_drop_reason(r), "family");
    assert_int_equal(rig_permit(r, &a, "[2001:db8:1::1]:700"), 443);
    rig_begin(r, HP_STUN_REFRESH);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 443);
}

/* Section 8.1: without a family, Refresh speaks of both halves. */
static void dual_deleted_whole(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 0);
    assert_int_equal(rig_refresh(r, &a, 0), 0);
    assert_int_equal(r->open->len, 0);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_ALLOCATION_ENDED), 2);
    assert_int_equal(rig_refresh(r, &a, 0), 437);
}

/* Section 7.2 check 9: half of a dual allocation is a success with ADDRESS-ERROR-CODE, repeated on retransmission. */
static void half_dual(void **state)
{
    rig *r = *state;
    r->n_addresses = 1;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 0);
    for (unsigned i = 0; i < 2; i++) {
        hp_stun_attr error = rig_attr(rig_last(r), HP_STUN_ADDRESS_ERROR_CODE);
        assert_true(error.length >= 4);
        assert_memory_equal(error.value, "\x02\x00\x04\x28", 4); /* IPv6, 440 */
        assert_int_equal(r->open->len, 1);
        rig_resend(r, &a);
    }
}

/* The other half may be out of ports: 508 in ADDRESS-ERROR-CODE. */
static void half_dual_by_ports(void **state)
{
    rig *r = *state;
    r->config.relay_port_first = r->config.relay_port_last = 50000;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    rig_client b = rig_client_new("192.0.2.11:5000", "bob", "hidden");
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &b), 0);
    assert_memory_equal(rig_attr(rig_last(r), HP_STUN_ADDRESS_ERROR_CODE).value, "\x01\x00\x05\x08", 4);
    hp_addr relay = rig_attr_addr(rig_last(r), HP_STUN_XOR_RELAYED_ADDRESS, true);
    rig_assert_addr(&relay, "[2001:db8::1]:50000");
    rig_client c = rig_client_new("192.0.2.12:5000", "bob", "hidden");
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &c), 508);
}

/* Section 7.2: EVEN-PORT gives an even port; a token only with the R bit. */
static void even_port(void **state)
{
    rig *r = *state;
    rig_start(r);
    for (unsigned i = 0; i < 20; i++) {
        rig_client c = alice();
        c.addr.port = (uint16_t)(5000 + i);
        rig_begin_allocate(r);
        hp_stun_add(&r->w, HP_STUN_EVEN_PORT, i % 2 == 0 ? "\x00" : "\x7f", 1);
        assert_int_equal(rig_login(r, &c), 0);
        assert_int_equal(rig_attr_addr(rig_last(r), HP_STUN_XOR_RELAYED_ADDRESS, true).port % 2, 0);
        assert_false(rig_has(rig_last(r), HP_STUN_RESERVATION_TOKEN));
    }
    rig_client c = rig_client_new("192.0.2.11:5000", "alice", "secret");
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_EVEN_PORT, "\x00\x00", 2);
    assert_int_equal(rig_login(r, &c), 400);
}

/* Section 7.2: a reserved port is held for 30 s and redeemed by its token, on any 5-tuple; data to it goes nowhere
 * until then. */
static void reservation(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_EVEN_PORT, "\x80", 1);
    assert_int_equal(rig_login(r, &a), 0);
    hp_addr lower = rig_attr_addr(rig_last(r), HP_STUN_XOR_RELAYED_ADDRESS, true);
    hp_addr upper = hp_addr_with_port(lower, (uint16_t)(lower.port + 1));
    assert_int_equal(lower.port % 2, 0);
    uint8_t token[8];
    assert_int_equal(rig_attr(rig_last(r), HP_STUN_RESERVATION_TOKEN).length, 8);
    memcpy(token, rig_attr(rig_last(r), HP_STUN_RESERVATION_TOKEN).value, 8);
    rig_resend(r, &a);
    assert_memory_equal(rig_attr(rig_last(r), HP_STUN_RESERVATION_TOKEN).value, token, 8);
    assert_int_equal(hp_turn_server_stats(r->server).reservations, 1);
    assert_int_equal(rig_peer_sends(r, &upper, "198.51.100.1:700", "x", NULL), 0);
    assert_int_equal(hp_turn_server_deadline(r->server), HP_S + HP_TURN_RESERVATION);

    r->now = HP_S + HP_TURN_RESERVATION - 1;
    rig_client b = rig_client_new("192.0.2.99:1234", "bob", "hidden");
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_RESERVATION_TOKEN, token, 8);
    assert_int_equal(rig_login(r, &b), 0);
    hp_addr got = rig_attr_addr(rig_last(r), HP_STUN_XOR_RELAYED_ADDRESS, true);
    assert_true(hp_addr_equal(&got, &upper));
    assert_int_equal(r->open->len, 2);
    assert_int_equal(hp_turn_server_stats(r->server).reservations, 0);
    rig_client c = rig_client_new("192.0.2.98:1234", "bob", "hidden");
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_RESERVATION_TOKEN, token, 8);
    assert_int_equal(rig_login(r, &c), 508);
}

static void reservation_expires(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_EVEN_PORT, "\x80", 1);
    assert_int_equal(rig_login(r, &a), 0);
    uint8_t token[8];
    memcpy(token, rig_attr(rig_last(r), HP_STUN_RESERVATION_TOKEN).value, 8);
    assert_int_equal(r->open->len, 2);
    r->now = HP_S + HP_TURN_RESERVATION;
    hp_turn_server_run(r->server, r->now);
    assert_int_equal(r->open->len, 1);
    rig_client b = rig_client_new("192.0.2.99:1234", "bob", "hidden");
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_RESERVATION_TOKEN, token, 8);
    assert_int_equal(rig_login(r, &b), 508);
}

/* Sections 7.2 and 8.2: a lifetime below the default is raised to it, one above the maximum cut. */
static void lifetimes(void **state)
{
    rig *r = *state;
    r->config.lifetime = 100 * HP_S;
    r->config.max_lifetime = 300 * HP_S;
    rig_start(r);
    static const uint32_t asked[] = {0, 50, 100, 200, 300, 301, UINT32_MAX};
    static const uint32_t given[] = {100, 100, 100, 200, 300, 300, 300};
    for (unsigned i = 0; i < G_N_ELEMENTS(asked); i++) {
        rig_client c = alice();
        c.addr.port = (uint16_t)(6000 + i);
        rig_begin_allocate(r);
        hp_stun_add_u32(&r->w, HP_STUN_LIFETIME, asked[i]);
        assert_int_equal(rig_login(r, &c), 0);
        assert_int_equal(rig_u32(rig_last(r), HP_STUN_LIFETIME), given[i]);
        if (asked[i] != 0) {
            assert_int_equal(rig_refresh(r, &c, (int)MIN(asked[i], 1000)), 0);
            assert_int_equal(rig_u32(rig_last(r), HP_STUN_LIFETIME), given[i]);
        }
    }
    rig_client c = alice();
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_LIFETIME, "\x00\x00", 2);
    assert_int_equal(rig_login(r, &c), 400);
}

/* Section 6: an allocation ends exactly when its lifetime does, and Refresh sets it anew. */
static void expiry(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(hp_turn_server_deadline(r->server), 601 * HP_S);
    r->now = 500 * HP_S;
    assert_int_equal(rig_refresh(r, &a, 700), 0);
    assert_int_equal(rig_u32(rig_last(r), HP_STUN_LIFETIME), 700);
    assert_int_equal(hp_turn_server_deadline(r->server), 1200 * HP_S);
    r->now = 1200 * HP_S - 1;
    hp_turn_server_run(r->server, r->now);
    assert_int_equal(rig_find_open(r, &relay), 0);
    r->now++;
    hp_turn_server_run(r->server, r->now);
    assert_int_equal(r->open->len, 0);
    assert_int_equal(hp_turn_server_deadline(r->server), HP_NEVER);
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_ALLOCATION_ENDED);
    assert_string_equal(e->reason, "expired");
    assert_true(hp_addr_equal(&e->relay, &relay));
    assert_int_equal(rig_refresh(r, &a, 700), 437);
}

/* What comes in at the very instant of expiry finds the allocation gone, whether or not run() was called. */
static void expiry_without_run(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:1"), 0);
    r->now = 601 * HP_S;
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "x", NULL), 0);
    assert_int_equal(r->open->len, 0);
}

/* Section 8.2: LIFETIME 0 deletes; repeated, it finds no allocation (437). */
static void deletion(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    assert_int_equal(rig_refresh(r, &a, 0), 0);
    assert_int_equal(rig_u32(rig_last(r), HP_STUN_LIFETIME), 0);
    assert_int_equal(r->open->len, 0);
    assert_string_equal(rig_last_event(r, HP_SERVER_EV_ALLOCATION_ENDED)->reason, "deleted");
    rig_resend(r, &a);
    assert_int_equal(rig_error(rig_last(r)), 437);
    rig_allocate(r, &a);
}

/* Section 8.2: a family that the allocation does not have is 443. */
static void refresh_family(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    rig_begin(r, HP_STUN_REFRESH);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, FAMILY_V6);
    assert_int_equal(rig_login(r, &a), 443);
    rig_begin(r, HP_STUN_REFRESH);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, FAMILY_V4);
    assert_int_equal(rig_login(r, &a), 0);
}

/* Section 5: without an allocation every other request is 437, with another user's 441. */
static void mismatch_and_wrong_user(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    assert_int_equal(rig_refresh(r, &a, 600), 437);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:1"), 437);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:1"), 437);
    rig_allocate(r, &a);
    rig_client b = rig_client_new("192.0.2.10:5000", "bob", "hidden");
    assert_int_equal(rig_refresh(r, &b, 0), 441);
    assert_int_equal(rig_permit(r, &b, "198.51.100.1:1"), 441);
    assert_int_equal(rig_bind(r, &b, 0x4000, "198.51.100.1:1"), 441);
    assert_int_equal(r->open->len, 1);
}

/* RFC 8489 section 10 and 14.8: 300 goes to authenticated requests only, signed, with an alternate of their family. */
static void redirect(void **state)
{
    rig *r = *state;
    r->config.redirect_addr = rig_addr("203.0.113.9:3478");
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    assert_int_equal(rig_ask(r, &a), 401);
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &a), 300);
    hp_addr alternate = rig_attr_addr(rig_last(r), HP_STUN_ALTERNATE_SERVER, false);
    rig_assert_addr(&alternate, "203.0.113.9:3478");
    r->server_addr = rig_addr("[2001:db8::1]:3478");
    rig_client six = rig_client_new("[2001:db8:2::1]:900", "alice", "secret");
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &six), 0);
}

/* Section 21.4: Teredo and 6to4 clients get nothing. */
static void tunnelled_client(void **state)
{
    rig *r = *state;
    rig_start(r);
    r->server_addr = rig_addr("[2001:db8::1]:3478");
    rig_client teredo = rig_client_new("[2001::5:1]:900", "alice", "secret");
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &teredo), 403);
    rig_client six_to_four = rig_client_new("[2002:c000:201::1]:900", "alice", "secret");
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &six_to_four), 403);
    assert_int_equal(r->open->len, 0);
}

/* The 5-tuple has both ends: one client at two of the server's addresses has two allocations. */
static void two_server_addresses(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr one = rig_allocate(r, &a);
    r->server_addr = rig_addr("203.0.113.1:3479");
    rig_client again = alice();
    hp_addr two = rig_allocate(r, &again);
    assert_false(hp_addr_equal(&one, &two));
    assert_int_equal(hp_turn_server_stats(r->server).allocations, 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(allocate),
        T(no_users),
        T(retransmission),
        T(retransmission_of_another_user),
        T(transport),
        T(dont_fragment),
        T(bad_tokens),
        T(families),
        T(missing_family),
        T(dual),
        T(dual_deleted_whole),
        T(half_dual),
        T(half_dual_by_ports),
        T(even_port),
        T(reservation),
        T(reservation_expires),
        T(lifetimes),
        T(expiry),
        T(expiry_without_run),
        T(deletion),
        T(refresh_family),
        T(mismatch_and_wrong_user),
        T(redirect),
        T(tunnelled_client),
        T(two_server_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
