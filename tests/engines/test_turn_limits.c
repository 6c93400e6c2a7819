/* Quotas, capacity, ports, and what becomes of a port that had an owner (RFC 8656 sections 5, 7.2 and 21). */
#include "engines/rig.h"

#include "engines/turn_ports.h"

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

static rig_client user(const char *name, uint16_t port)
{
    rig_client c = rig_client_new("192.0.2.10:5000", name, strcmp(name, "alice") == 0 ? "secret" : "hidden");
    c.addr.port = port;
    return c;
}

static unsigned allocate(rig *r, rig_client *c, const char *even)
{
    rig_begin_allocate(r);
    if (even != NULL) {
        hp_stun_add(&r->w, HP_STUN_EVEN_PORT, even, 1);
    }
    return rig_login(r, c);
}

/* Section 7.2 check 10: 486 by user name; a deleted allocation makes room. */
static void quota(void **state)
{
    rig *r = *state;
    r->config.user_quota = 2;
    rig_start(r);
    rig_client a1 = user("alice", 1), a2 = user("alice", 2), a3 = user("alice", 3), b = user("bob", 4);
    assert_int_equal(allocate(r, &a1, NULL), 0);
    assert_int_equal(allocate(r, &a2, NULL), 0);
    assert_int_equal(allocate(r, &a3, NULL), 486);
    assert_int_equal(allocate(r, &b, NULL), 0);
    assert_int_equal(rig_refresh(r, &a1, 0), 0);
    assert_int_equal(allocate(r, &a3, NULL), 0);
}

/* 508 when the server is full, whoever asks. */
static void capacity(void **state)
{
    rig *r = *state;
    r->config.capacity = 2;
    rig_start(r);
    rig_client a = user("alice", 1), b = user("bob", 2), c = user("bob", 3);
    assert_int_equal(allocate(r, &a, NULL), 0);
    assert_int_equal(allocate(r, &b, NULL), 0);
    assert_int_equal(allocate(r, &c, NULL), 508);
    r->now += 600 * HP_S;
    assert_int_equal(allocate(r, &c, NULL), 0);
}

/* Reservations cannot be hoarded: they are counted like allocations, and still a quota of one can redeem its token. */
static void reservations(void **state)
{
    rig *r = *state;
    r->config.user_quota = 1;
    rig_start(r);
    rig_client a1 = user("alice", 1), a2 = user("alice", 2);
    assert_int_equal(allocate(r, &a1, "\x80"), 0);
    uint8_t token[8];
    memcpy(token, rig_attr(rig_last(r), HP_STUN_RESERVATION_TOKEN).value, 8);
    assert_int_equal(rig_refresh(r, &a1, 0), 0);
    assert_int_equal(allocate(r, &a1, "\x80"), 486);
    rig_begin_allocate(r);
    hp_stun_add(&r->w, HP_STUN_RESERVATION_TOKEN, token, 8);
    assert_int_equal(rig_login(r, &a2), 0);
    assert_int_equal(rig_refresh(r, &a2, 0), 0);
    assert_int_equal(allocate(r, &a1, "\x80"), 0);
}

/* All ports of the range, each once, then 508. */
static void every_port(void **state)
{
    rig *r = *state;
    r->config.relay_port_first = 50001;
    r->config.relay_port_last = 50010;
    rig_start(r);
    unsigned seen = 0;
    for (uint16_t i = 0; i < 10; i++) {
        rig_client c = user("alice", (uint16_t)(100 + i));
        hp_addr relay = rig_allocate(r, &c);
        assert_in_range(relay.port, 50001, 50010);
        seen |= 1U << (relay.port - 50001);
    }
    assert_int_equal(seen, 0x3ff);
    rig_client c = user("alice", 200);
    assert_int_equal(allocate(r, &c, NULL), 508);
}

/* A port that the host does not give is passed over, and free again for the next try. */
static void port_in_use(void **state)
{
    rig *r = *state;
    r->config.relay_port_first = 50000;
    r->config.relay_port_last = 50001;
    r->taken_port = 50000;
    rig_start(r);
    rig_client a = user("alice", 1), b = user("bob", 2);
    assert_int_equal(rig_allocate(r, &a).port, 50001);
    assert_int_equal(allocate(r, &b, NULL), 508);
    r->taken_port = 0;
    assert_int_equal(rig_allocate(r, &b).port, 50000);
}

/* A pair of which either port is refused is closed again as a whole. */
static void half_a_pair(void **state)
{
    rig *r = *state;
    r->config.relay_port_first = 50000;
    r->config.relay_port_last = 50001;
    rig_start(r);
    rig_client a = user("alice", 1);
    for (uint16_t taken = 50000; taken <= 50001; taken++) {
        r->taken_port = taken;
        assert_int_equal(allocate(r, &a, "\x80"), 508);
        assert_int_equal(r->open->len, 0);
    }
    r->taken_port = 0;
    assert_int_equal(allocate(r, &a, "\x80"), 0);
    assert_int_equal(r->open->len, 2);
}

/* Late packets of a port's former peers never reach its next owner: the port rests for a minute. */
static void port_rests(void **state)
{
    rig *r = *state;
    r->config.relay_port_first = r->config.relay_port_last = 50000;
    rig_start(r);
    rig_client a = user("alice", 1), b = user("bob", 2);
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    assert_int_equal(rig_refresh(r, &a, 0), 0);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:7", "late", NULL), 0);
    r->now += HP_TURN_PORT_REST - 1;
    assert_int_equal(allocate(r, &b, NULL), 508);
    r->now++;
    hp_addr again = rig_allocate(r, &b);
    assert_true(hp_addr_equal(&again, &relay));
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:7", "later", NULL), 0);
}

/* Permissions and channels have a cap (508); what has expired makes room. */
static void permission_cap(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = user("alice", 1);
    rig_allocate(r, &a);
    hp_addr peer = rig_addr("198.18.0.0:7");
    for (unsigned i = 0; i < HP_TURN_MAX_PERMISSIONS; i += 64) {
        rig_begin(r, HP_STUN_CREATE_PERMISSION);
        for (unsigned k = 0; k < 64; k++) {
            hp_addr p = hp_addr_plus(peer, i + k);
            hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &p, true);
        }
        assert_int_equal(rig_login(r, &a), 0);
    }
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 508);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 508);
    assert_int_equal(rig_permit(r, &a, "198.18.0.0:9"), 0);
    r->now += 299 * HP_S;
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.18.0.1:7"), 0);
    r->now += 2 * HP_S;
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 1);
}

static void add_peers(rig *r, hp_addr first, unsigned n)
{
    rig_begin(r, HP_STUN_CREATE_PERMISSION);
    for (unsigned k = 0; k < n; k++) {
        hp_addr p = hp_addr_plus(first, k);
        hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &p, true);
    }
}

/* A request that names dead permissions among new ones: the dead make room, and then need it again themselves. */
static void permission_cap_with_dead_ones(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = user("alice", 1);
    rig_allocate(r, &a);
    hp_addr dying = rig_addr("198.18.0.0:7"), alive = rig_addr("198.19.0.0:7");
    add_peers(r, dying, 32);
    assert_int_equal(rig_login(r, &a), 0);
    r->now += 200 * HP_S;
    for (unsigned i = 0; i < HP_TURN_MAX_PERMISSIONS - 32; i += 32) {
        add_peers(r, hp_addr_plus(alive, i), 32);
        assert_int_equal(rig_login(r, &a), 0);
    }
    r->now += 100 * HP_S; /* the first 32 are dead, the others live */
    add_peers(r, hp_addr_plus(dying, 16), 33); /* 16 dead ones and 17 new ones, where 32 fit */
    assert_int_equal(rig_login(r, &a), 508);
    add_peers(r, hp_addr_plus(dying, 16), 32);
    assert_int_equal(rig_login(r, &a), 0);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 508);
}

static void channel_cap(void **state)
{
    rig *r = *state;
    r->config.lifetime = 3600 * HP_S;
    rig_start(r);
    rig_client a = user("alice", 1);
    rig_allocate(r, &a);
    char text[32];
    for (uint16_t i = 0; i < HP_TURN_MAX_CHANNELS; i++) {
        g_snprintf(text, sizeof text, "198.51.100.1:%u", 1000U + i);
        assert_int_equal(rig_bind(r, &a, (uint16_t)(0x4000 + i), text), 0);
    }
    assert_int_equal(rig_bind(r, &a, 0x4f00, "198.51.100.1:9"), 508);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:1000"), 0);
    r->now += 600 * HP_S;
    assert_int_equal(rig_bind(r, &a, 0x4f00, "198.51.100.1:9"), 0);
    assert_int_equal(rig_send_channel(r, &a, 0x4f00, "x", NULL), 1);
    assert_int_equal(rig_send_channel(r, &a, 0x4001, "x", NULL), 0);
}

/* First requests from any number of sources leave nothing behind. */
static void spoofed_sources(void **state)
{
    rig *r = *state;
    rig_start(r);
    for (uint16_t i = 1; i < 1000; i++) {
        rig_client c = user("alice", i);
        rig_begin_allocate(r);
        assert_int_equal(rig_ask(r, &c), 401);
    }
    hp_turn_stats stats = hp_turn_server_stats(r->server);
    assert_int_equal(stats.allocations + stats.relays + stats.reservations, 0);
    assert_int_equal(hp_turn_server_deadline(r->server), HP_NEVER);
}

/* Ends are told in the order of creation. */
static void end_all(void **state)
{
    rig *r = *state;
    rig_start(r);
    for (uint16_t i = 1; i <= 20; i++) {
        rig_client c = user("bob", i);
        assert_int_equal(allocate(r, &c, i == 5 ? "\x80" : NULL), 0);
    }
    rig_client gone = user("bob", 7);
    assert_int_equal(rig_refresh(r, &gone, 0), 0);
    guint before = r->events->len;
    hp_turn_server_end_all(r->server, r->now, "run-end");
    assert_int_equal(r->open->len, 0);
    assert_int_equal(r->events->len, before + 19);
    uint16_t previous = 0;
    for (guint i = before; i < r->events->len; i++) {
        const hp_server_event *e = &g_array_index(r->events, hp_server_event, i);
        assert_string_equal(e->reason, "run-end");
        assert_true(e->client.port > previous && e->client.port != 7);
        previous = e->client.port;
    }
    assert_int_equal(hp_turn_server_deadline(r->server), HP_NEVER);
}

/* Two relays of one server as each other's peers: loops end with the TTL (section 21.1.7). */
static void relay_to_relay(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = user("alice", 1), b = user("bob", 2);
    hp_addr ra = rig_allocate(r, &a), rb = rig_allocate(r, &b);
    char text[HP_ADDR_TEXT];
    assert_int_equal(rig_bind(r, &a, 0x4000, hp_addr_format(&rb, text)), 0);
    assert_int_equal(rig_bind(r, &b, 0x4000, hp_addr_format(&ra, text)), 0);
    const hp_stun_meta meta = {.ttl = 3};
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "round", &meta), 1);
    const rig_sent *s = rig_last_relayed(r);
    assert_int_equal(rig_peer_sends(r, &rb, hp_addr_format(&ra, text), "round", &s->meta), 1);
    rig_assert_addr(&rig_last(r)->path.client, "192.0.2.10:2");
    assert_int_equal(rig_last(r)->meta.ttl, 1);
    assert_int_equal(rig_send_channel(r, &b, 0x4000, "round", &rig_last(r)->meta), 0);
}

/* The port pool itself. */
static void ports(void **state)
{
    hp_turn_ports pool;
    hp_rng rng;
    uint16_t port;
    hp_rng_init(&rng, 5, "ports");
    hp_turn_ports_init(&pool, 63, 130);
    bool seen[65536] = {false};
    for (unsigned i = 0; i < 33; i++) { /* 64-65 to 128-129, pairs only; 63 and 130 have no partner */
        assert_true(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV4, HP_PORT_PAIR, &port));
        assert_true(port % 2 == 0 && port >= 64 && port <= 128 && !seen[port]);
        seen[port] = true;
    }
    assert_false(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV4, HP_PORT_PAIR, &port));
    assert_true(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV4, HP_PORT_EVEN, &port));
    assert_int_equal(port, 130);
    assert_false(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV4, HP_PORT_EVEN, &port));
    assert_true(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV4, HP_PORT_ANY, &port));
    assert_int_equal(port, 63);
    assert_false(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV4, HP_PORT_ANY, &port));
    assert_true(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV6, HP_PORT_ANY, &port)); /* the other family is apart */
    hp_turn_ports_retire(&pool, 10, HP_AF_IPV4, 64);
    hp_turn_ports_retire(&pool, 20, HP_AF_IPV4, 65);
    assert_false(hp_turn_ports_take(&pool, &rng, HP_TURN_PORT_REST + 9, HP_AF_IPV4, HP_PORT_ANY, &port));
    assert_false(hp_turn_ports_take(&pool, &rng, HP_TURN_PORT_REST + 10, HP_AF_IPV4, HP_PORT_PAIR, &port));
    assert_true(hp_turn_ports_take(&pool, &rng, HP_TURN_PORT_REST + 10, HP_AF_IPV4, HP_PORT_ANY, &port));
    assert_int_equal(port, 64);
    assert_true(hp_turn_ports_take(&pool, &rng, HP_TURN_PORT_REST + 20, HP_AF_IPV4, HP_PORT_ANY, &port));
    assert_int_equal(port, 65);
    hp_turn_ports_clear(&pool);
    hp_turn_ports_init(&pool, 65535, 65535);
    assert_false(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV4, HP_PORT_PAIR, &port));
    assert_true(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV4, HP_PORT_ANY, &port));
    assert_int_equal(port, 65535);
    hp_turn_ports_clear(&pool);
    hp_turn_ports_init(&pool, 2, 1);
    assert_false(hp_turn_ports_take(&pool, &rng, 0, HP_AF_IPV4, HP_PORT_ANY, &port));
    hp_turn_ports_clear(&pool);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(quota),
        T(capacity),
        T(reservations),
        T(every_port),
        T(port_in_use),
        T(half_a_pair),
        T(port_rests),
        T(permission_cap),
        T(permission_cap_with_dead_ones),
        T(channel_cap),
        T(spoofed_sources),
        T(end_all),
        T(relay_to_relay),
        cmocka_unit_test(ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
