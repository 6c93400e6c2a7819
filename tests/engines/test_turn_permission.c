/* CreatePermission and ChannelBind (RFC 8656 sections 9, 10 and 12), and which peers are out of reach. */
#include "engines/rig.h"

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

/* Asks for permissions for several peers at once. */
static unsigned permit_all(rig *r, rig_client *c, const char *const *peers)
{
    rig_begin(r, HP_STUN_CREATE_PERMISSION);
    for (unsigned i = 0; peers[i] != NULL; i++) {
        hp_addr peer = rig_addr(peers[i]);
        hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &peer, true);
    }
    return rig_login(r, c);
}

/* Section 9: a permission is for an IP address, whatever the port, both ways, and for this allocation alone. */
static void permission(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice(), b = rig_client_new("192.0.2.11:5000", "bob", "hidden");
    hp_addr relay = rig_allocate(r, &a), other = rig_allocate(r, &b);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_PERMISSION);
    rig_assert_addr(&e->peer, "198.51.100.1");
    rig_assert_addr(&e->client, "192.0.2.10:5000");
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:1", "x", NULL), 1);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:65535", "x", NULL), 1);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.2:7", "x", NULL), 0);
    assert_string_equal(rig_drop_reason(r), "no-permission");
    assert_int_equal(rig_peer_sends(r, &other, "198.51.100.1:7", "x", NULL), 0);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:99", "x", NULL, false), 1);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.2:7", "x", NULL, false), 0);
    assert_int_equal(rig_send_data(r, &b, "198.51.100.1:7", "x", NULL, false), 0);
    assert_string_equal(rig_drop_reason(r), "no-permission");
}

/* Section 9: 300 s to the nanosecond; CreatePermission and ChannelBind refresh it, data does not. */
static void permission_lifetime(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    hp_time end = r->now + 300 * HP_S;
    r->now = end - 1;
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:1", "x", NULL), 1);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:1", "x", NULL, false), 1);
    r->now = end;
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:1", "x", NULL), 0);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:1", "x", NULL, false), 0);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_PERMISSION), 2);
    r->now += 200 * HP_S;
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_PERMISSION), 2); /* a refresh is no installation */
    assert_int_equal(rig_refresh(r, &a, -1), 0);
    r->now += 200 * HP_S;
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 0);
    r->now += 299 * HP_S;
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:1", "x", NULL), 1);
}

static void configured_lifetimes(void **state)
{
    rig *r = *state;
    r->config.permission_lifetime = 10 * HP_S;
    r->config.channel_lifetime = 5 * HP_S;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 0);
    r->now += 5 * HP_S - 1;
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 1);
    r->now += 1;
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 0);
    assert_string_equal(rig_drop_reason(r), "no-channel");
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:7", "x", NULL, false), 1);
    r->now += 5 * HP_S;
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:7", "x", NULL, false), 0);
}

/* Section 10.2: no peer or a malformed one 400, a wrong family 443, a refused one 403; and then none is installed. */
static void all_or_none(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    static const char *const none[] = {NULL};
    static const char *const family[] = {"198.51.100.1:7", "[2001:db8:9::1]:7", NULL};
    static const char *const refused[] = {"198.51.100.1:7", "127.0.0.1:7", NULL};
    static const char *const good[] = {"198.51.100.1:7", "198.51.100.2:7", "198.51.100.1:9", NULL};
    assert_int_equal(permit_all(r, &a, none), 400);
    assert_int_equal(permit_all(r, &a, family), 443);
    assert_int_equal(permit_all(r, &a, refused), 403);
    hp_addr peer = rig_addr("198.51.100.1:7");
    rig_begin(r, HP_STUN_CREATE_PERMISSION);
    hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &peer, true);
    hp_stun_add(&r->w, HP_STUN_XOR_PEER_ADDRESS, "\0\1\0\0", 4);
    assert_int_equal(rig_login(r, &a), 400);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_PERMISSION), 0);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:7", "x", NULL, false), 0);
    assert_int_equal(permit_all(r, &a, good), 0);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_PERMISSION), 2);
}

/* A peer behind the integrity is not asked for. */
static void peer_behind_the_integrity(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    hp_addr one = rig_addr("198.51.100.1:7"), two = rig_addr("198.51.100.2:7");
    rig_begin(r, HP_STUN_CREATE_PERMISSION);
    hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &one, true);
    rig_sign(r, &a);
    hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &two, true);
    assert_int_equal(rig_ask(r, &a), 0);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:7", "x", NULL, false), 1);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.2:7", "x", NULL, false), 0);
}

/* Section 12.2: numbers 0x4000 to 0x4FFF, with a peer. */
static void channel_numbers(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x3fff, "198.51.100.1:7"), 400);
    assert_int_equal(rig_bind(r, &a, 0x5000, "198.51.100.1:7"), 400);
    assert_int_equal(rig_bind(r, &a, 0x7fff, "198.51.100.1:7"), 400);
    assert_int_equal(rig_bind(r, &a, 0, "198.51.100.1:7"), 400);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 0);
    assert_int_equal(rig_bind(r, &a, 0x4fff, "198.51.100.1:8"), 0);
    rig_begin(r, HP_STUN_CHANNEL_BIND);
    hp_stun_add_u32(&r->w, HP_STUN_CHANNEL_NUMBER, UINT32_C(0x40010000));
    assert_int_equal(rig_login(r, &a), 400);
    hp_addr peer = rig_addr("198.51.100.1:9");
    rig_begin(r, HP_STUN_CHANNEL_BIND);
    hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &peer, true);
    assert_int_equal(rig_login(r, &a), 400);
    rig_begin(r, HP_STUN_CHANNEL_BIND);
    hp_stun_add(&r->w, HP_STUN_CHANNEL_NUMBER, "\x40\x01", 2);
    hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &peer, true);
    assert_int_equal(rig_login(r, &a), 400);
    assert_int_equal(rig_bind(r, &a, 0x4001, "198.51.100.1"), 400); /* port 0 */
    assert_int_equal(rig_bind(r, &a, 0x4001, "[2001:db8:9::1]:7"), 443);
    assert_int_equal(rig_bind(r, &a, 0x4001, "127.0.0.1:7"), 403);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_CHANNEL), 2);
}

/* Section 12.2: a number has one peer and a peer one number; the same pair again is a refresh. */
static void channel_conflicts(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice(), b = rig_client_new("192.0.2.11:5000", "bob", "hidden");
    rig_allocate(r, &a);
    rig_allocate(r, &b);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 0);
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_CHANNEL);
    assert_int_equal(e->channel, 0x4000);
    rig_assert_addr(&e->peer, "198.51.100.1:7");
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:8"), 400);
    assert_int_equal(rig_bind(r, &a, 0x4001, "198.51.100.1:7"), 400);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 0);
    assert_int_equal(rig_bind(r, &b, 0x4000, "198.51.100.1:8"), 0); /* another allocation's channels are its own */
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_CHANNEL), 2);
}

/* Sections 12 and 12.2: 600 s, refreshed by binding again; once unbound, number and peer are free for others. */
static void channel_lifetime(void **state)
{
    rig *r = *state;
    r->config.lifetime = 3600 * HP_S;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    hp_time start = r->now;
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 0);
    r->now = start + 500 * HP_S;
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 0);
    r->now = start + 1099 * HP_S;
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 1);
    r->now = start + 1100 * HP_S;
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 0);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:7", "x", NULL), 1);
    assert_int_equal(rig_last(r)->msg.method, HP_STUN_DATA);
    assert_int_equal(rig_bind(r, &a, 0x4001, "198.51.100.1:7"), 0);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:8"), 0);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_CHANNEL), 3);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 1);
    rig_assert_addr(&rig_last_relayed(r)->path.client, "198.51.100.1:8");
    assert_int_equal(rig_send_channel(r, &a, 0x4001, "x", NULL), 1);
    rig_assert_addr(&rig_last_relayed(r)->path.client, "198.51.100.1:7");
}

/* A number and a peer that were bound, each to another that is gone: both old bindings go. */
static void both_stale(void **state)
{
    rig *r = *state;
    r->config.lifetime = 3600 * HP_S;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 0);
    assert_int_equal(rig_bind(r, &a, 0x4001, "198.51.100.2:7"), 0);
    r->now += 600 * HP_S;
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.2:7"), 0);
    assert_int_equal(rig_send_channel(r, &a, 0x4001, "x", NULL), 0);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 1);
    rig_assert_addr(&rig_last_relayed(r)->path.client, "198.51.100.2:7");
}

/* Section 9: ChannelBind installs a permission, and a channel needs one: it outlives its permission by 300 s. */
static void channel_without_permission(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:7"), 0);
    assert_int_equal(rig_count_events(r, HP_SERVER_EV_PERMISSION), 1);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:99", "x", NULL, false), 1);
    r->now += 300 * HP_S;
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 0);
    assert_string_equal(rig_drop_reason(r), "no-permission");
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:7", "x", NULL), 0);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:1"), 0);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 1);
}

/* Peers that nobody may reach (RFC 8656 sections 10.2 and 21.4), by either method. */
static void refused_peers(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, UINT32_C(2) << 24);
    assert_int_equal(rig_login(r, &a), 0);
    static const char *const refused[] = {
        "0.0.0.0:7",
        "0.1.2.3:7",
        "127.0.0.1:7",
        "127.255.255.255:7",
        "224.0.0.1:7",
        "255.255.255.255:7",
        "169.254.169.254:7",
        "[::]:7",
        "[::1]:7",
        "[ff02::1]:7",
        "[fe80::1]:7",
        "[::ffff:8.8.8.8]:7",
        "[::ffff:127.0.0.1]:7",
        "[::8.8.8.8]:7",
        "[2001::1]:7",
        "[2002:808:808::1]:7",
        "[64:ff9b::127.0.0.1]:7",
        "[64:ff9b::a9fe:a9fe]:7",
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(refused); i++) {
        assert_int_equal(rig_permit(r, &a, refused[i]), 403);
        assert_int_equal(rig_bind(r, &a, 0x4000, refused[i]), 403);
        assert_int_equal(rig_send_data(r, &a, refused[i], "x", NULL, false), 0);
    }
    static const char *const allowed[] = {
        "8.8.8.8:7",     "10.0.0.1:7",        "192.168.1.1:7", "100.64.0.1:7",         "[fd00::1]:7",
        "203.0.113.1:7", "[2001:db8:9::1]:7", "1.0.0.1:7",     "[64:ff9b::8.8.8.8]:7", "[2001:1::1]:7"};
    for (unsigned i = 0; i < G_N_ELEMENTS(allowed); i++) {
        assert_int_equal(rig_permit(r, &a, allowed[i]), 0);
    }
}

static void configured_peers(void **state)
{
    rig *r = *state;
    hp_prefix denied[2];
    assert_true(hp_prefix_parse("198.51.100.128/25", &denied[0]));
    assert_true(hp_prefix_parse("2001:db8:f000::/36", &denied[1]));
    r->config.denied_peers = denied;
    r->config.n_denied_peers = 2;
    r->config.allow_private_peers = false;
    r->config.allow_loopback_peers = true;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, UINT32_C(2) << 24);
    assert_int_equal(rig_login(r, &a), 0);
    static const struct {
        const char *peer;
        unsigned code;
    } cases[] = {
        {"198.51.100.127:7", 0},
        {"198.51.100.128:7", 403},
        {"198.51.100.255:7", 403},
        {"[2001:db8:efff::1]:7", 0},
        {"[2001:db8:ffff::1]:7", 403},
        {"10.0.0.1:7", 403},
        {"192.168.0.1:7", 403},
        {"100.64.0.1:7", 403},
        {"[fd00::1]:7", 403},
        {"127.0.0.1:7", 0},
        {"[::1]:7", 0},
        {"[64:ff9b::198.51.100.200]:7", 403},
        {"8.8.8.8:7", 0},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_int_equal(rig_permit(r, &a, cases[i].peer), cases[i].code);
    }
    r->config.denied_peers = NULL;
    r->config.n_denied_peers = 0;
}

/* The server's own address is a peer (another client's relay is there), its listening ports are not. */
static void own_address(void **state)
{
    rig *r = *state;
    r->config.nat_discovery = true;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4000, "203.0.113.1:3478"), 403);
    assert_int_equal(rig_bind(r, &a, 0x4000, "203.0.113.1:3479"), 403);
    assert_int_equal(rig_bind(r, &a, 0x4000, "203.0.113.1:50000"), 0);
    assert_int_equal(rig_send_data(r, &a, "203.0.113.1:50001", "x", NULL, false), 1);
    assert_int_equal(rig_send_data(r, &a, "203.0.113.1:3478", "x", NULL, false), 0);
    assert_string_equal(rig_drop_reason(r), "forbidden");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(permission),
        T(permission_lifetime),
        T(configured_lifetimes),
        T(all_or_none),
        T(peer_behind_the_integrity),
        T(channel_numbers),
        T(channel_conflicts),
        T(channel_lifetime),
        T(both_stale),
        T(channel_without_permission),
        T(refused_peers),
        T(configured_peers),
        T(own_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
