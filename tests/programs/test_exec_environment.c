/* What foreign programs are told of servers and of themselves; coturn's configuration. */
#include "double.h"
#include "programs/bound_port.h"
#include "programs/coturn.h"
#include "programs/exec_environment.h"

static const char scenario[] =
    "name: t\n"
    "servers:\n"
    "  both: {kind: turn, families: [ipv4, ipv6], transports: [udp, tcp, tls], port: 80, tls-port: 443,\n"
    "         users: {alice: secret, bob: geheim}, realm: here}\n"
    "  four: {kind: stun, nat-discovery: true}\n"
    "  dns: dns\n"
    "peers:\n"
    "  dual: {families: [ipv4, ipv6], ice: {stun: four, turn: [both], turn-transports: [udp, tcp, tls],\n"
    "         turn-user: bob, force-relay: true}, environment: {K: v, HAIRPIN_NAME: mine}, exec: true}\n"
    "  six: {families: ipv6, ice: {stun: four, turn: both, turn-password: wrong}, exec: true}\n"
    "  named: {ice: {stun: four, turn: both, turn-transports: tls}, dns: dns, exec: true}\n"
    "  alone: {exec: true}\n";

static int set_up(void **state)
{
    planned *s = g_new0(planned, 1);
    *s = planned_of("t.yaml", scenario);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    planned *s = *state;
    planned_clear(s);
    g_free(s);
    return 0;
}

static void servers_as_browsers_take_them(void **state)
{
    const planned *s = *state;
    g_autofree char *dual = hp_exec_ice_servers(s->plan, 0), *six = hp_exec_ice_servers(s->plan, 1);
    g_autofree char *named = hp_exec_ice_servers(s->plan, 2), *alone = hp_exec_ice_servers(s->plan, 3);
    assert_string_equal(dual,
                        "[{\"urls\":[\"stun:203.0.113.11:3478\"]},"
                        "{\"urls\":[\"turn:203.0.113.10:80?transport=udp\",\"turn:[2001:db8:53::a]:80?transport=udp\","
                        "\"turn:203.0.113.10:80?transport=tcp\",\"turn:[2001:db8:53::a]:80?transport=tcp\","
                        "\"turns:203.0.113.10:443?transport=tcp\",\"turns:[2001:db8:53::a]:443?transport=tcp\"],"
                        "\"username\":\"bob\",\"credential\":\"geheim\"}]");
    assert_string_equal(six, "[{\"urls\":[\"turn:[2001:db8:53::a]:80?transport=udp\"],"
                             "\"username\":\"alice\",\"credential\":\"wrong\"}]");
    assert_string_equal(named, "[{\"urls\":[\"stun:four.example:3478\"]},"
                               "{\"urls\":[\"turns:both.example:443?transport=tcp\"],"
                               "\"username\":\"alice\",\"credential\":\"secret\"}]");
    assert_string_equal(alone, "[]");
    assert_string_equal(hp_exec_ice_policy(s->plan, 0), "relay");
    assert_string_equal(hp_exec_ice_policy(s->plan, 1), "all");
}

static void the_scenario_has_the_last_word(void **state)
{
    const planned *s = *state;
    g_auto(GStrv) environment = hp_exec_peer_environment(s->plan, 0, "/f");
    assert_string_equal(g_environ_getenv(environment, "HAIRPIN_SIGNALING"), "ws://127.0.0.1:7880/");
    assert_string_equal(g_environ_getenv(environment, "HAIRPIN_FOLDER"), "/f");
    assert_string_equal(g_environ_getenv(environment, "HAIRPIN_ICE_TRANSPORT_POLICY"), "relay");
    assert_string_equal(g_environ_getenv(environment, "K"), "v");
    const guint n = g_strv_length(environment);
    assert_string_equal(environment[n - 1], "HAIRPIN_NAME=mine");
}

static void what_a_server_is_told(void **state)
{
    const planned *s = *state;
    g_auto(GStrv) turn = hp_exec_server_environment(s->plan, 0, "/f", "/c.pem", "/k.pem");
    g_auto(GStrv) dns = hp_exec_server_environment(s->plan, 2, "/f", NULL, NULL);
    assert_string_equal(g_environ_getenv(turn, "HAIRPIN_ROLE"), "server");
    assert_string_equal(g_environ_getenv(turn, "HAIRPIN_PORT"), "80");
    assert_string_equal(g_environ_getenv(turn, "HAIRPIN_TLS_PORT"), "443");
    assert_string_equal(g_environ_getenv(turn, "HAIRPIN_REALM"), "here");
    assert_string_equal(g_environ_getenv(turn, "HAIRPIN_ADDRESSES"), "203.0.113.10,2001:db8:53::a");
    assert_string_equal(g_environ_getenv(turn, "HAIRPIN_USERS"),
                        "[{\"name\":\"alice\",\"password\":\"secret\"},{\"name\":\"bob\",\"password\":\"geheim\"}]");
    assert_string_equal(g_environ_getenv(turn, "HAIRPIN_CERTIFICATE"), "/c.pem");
    assert_string_equal(g_environ_getenv(turn, "HAIRPIN_KEY"), "/k.pem");
    assert_string_equal(g_environ_getenv(dns, "HAIRPIN_PORT"), "53");
    assert_null(g_environ_getenv(dns, "HAIRPIN_KEY"));
}

/* ---- coturn ---- */

static char *config_of(const char *text)
{
    planned p = planned_of("t.yaml", text);
    const hp_plan_server *server = &p.plan->servers[0];
    const bool secure = (server->config.transports & (HP_SERVER_TLS | HP_SERVER_DTLS)) != 0;
    char *config = hp_coturn_config(server, server->attachment.addresses, server->attachment.n_addresses, "/f",
                                    secure ? "/f/c.pem" : NULL, secure ? "/f/k.pem" : NULL);
    planned_clear(&p);
    return config;
}

#define TAIL "no-cli\nlog-file=stdout\nsimple-log\nuserdb=/f/turndb\npidfile=/f/turnserver.pid\n"

static void the_least_that_coturn_is_told(void **state)
{
    g_autofree char *stun = config_of("servers: {s: {kind: stun, program: coturn}}\npeers: {a: {ice: {stun: s}}}\n");
    assert_string_equal(stun, "listening-ip=203.0.113.10\nrelay-ip=203.0.113.10\nlistening-port=3478\nno-tcp\nno-tls\n"
                              "no-dtls\nno-rfc5780\nstun-only\nrealm=hairpin\nfingerprint\n" TAIL);
    g_autofree char *turn = config_of("servers: {s: {kind: turn, program: coturn}}\npeers: {a: {ice: {turn: s}}}\n");
    assert_string_equal(turn, "listening-ip=203.0.113.10\nrelay-ip=203.0.113.10\nlistening-port=3478\nno-tcp\nno-tls\n"
                              "no-dtls\nno-rfc5780\nrealm=hairpin\nlt-cred-mech\nuser=hairpin:hairpin\nno-tcp-relay\n"
                              "stale-nonce=3600\nmax-allocate-lifetime=3600\npermission-lifetime=300\n"
                              "channel-lifetime=600\nfingerprint\n" TAIL);
}

static void all_that_coturn_can_be_told(void **state)
{
    g_autofree char *config = config_of(
        "servers:\n  s: {kind: turn, program: coturn, families: [ipv4, ipv6], nat-discovery: true, port: 1000,\n"
        "      alternate-port: 1001, transports: [udp, tcp, tls, dtls], tls-port: 1002, tls-min: \"1.3\",\n"
        "      relays: [udp, tcp], software: false, accept-rfc3489: false, binding-auth: true, realm: here,\n"
        "      users: {alice: secret}, nonce-lifetime: 30s, max-lifetime: 20m, permission-lifetime: 1m,\n"
        "      channel-lifetime: 2m, relay-ports: 50000..50009, user-quota: 3, allow-private-peers: false,\n"
        "      allow-loopback-peers: true, denied-peers: [198.51.100.128/25, \"2001:db8:5::/48\"], redirect: t}\n"
        "  t: turn\npeers: {a: {ice: {turn: s}}}\n");
    assert_string_equal(
        config,
        "listening-ip=203.0.113.10\nrelay-ip=203.0.113.10\nlistening-ip=203.0.113.11\n"
        "listening-ip=2001:db8:53::a\nrelay-ip=2001:db8:53::a\nlistening-ip=2001:db8:53::b\n"
        "listening-port=1000\ntls-listening-port=1002\ncert=/f/c.pem\npkey=/f/k.pem\nno-tlsv1\nno-tlsv1_1\nno-tlsv1_2\n"
        "alt-listening-port=1001\nrealm=here\nlt-cred-mech\nuser=alice:secret\nsecure-stun\n"
        "min-port=50000\nmax-port=50009\nuser-quota=3\nstale-nonce=30\nmax-allocate-lifetime=1200\n"
        "permission-lifetime=60\nchannel-lifetime=120\nalternate-server=203.0.113.12:3478\n"
        "denied-peer-ip=10.0.0.0-10.255.255.255\ndenied-peer-ip=172.16.0.0-172.31.255.255\n"
        "denied-peer-ip=192.168.0.0-192.168.255.255\ndenied-peer-ip=100.64.0.0-100.127.255.255\n"
        "denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n"
        "denied-peer-ip=198.51.100.128-198.51.100.255\n"
        "denied-peer-ip=2001:db8:5::-2001:db8:5:ffff:ffff:ffff:ffff:ffff\nallow-loopback-peers\n"
        "fingerprint\nno-software-attribute\nno-stun-backward-compatibility\n" TAIL);
}

/* ---- the kernel's tables ---- */

static void ports_in_a_table(void **state)
{
    static const char table[] =
        "  sl  local_address rem_address   st tx_queue rx_queue\n"
        "   0: 0100007F:1EC8 00000000:0000 0A 00000000:00000000\n"
        "  10: 00000000000000000000000001000000:0D96 00000000000000000000000000000000:0000 07 00000000:00000000\n"
        "   1: 0100007F:0050 0100007F:ABCD 01 00000000:00000000\n   2: garbage\n";
    assert_true(hp_bound_port_in(table, 7880, "0A"));
    assert_true(hp_bound_port_in(table, 7880, NULL));
    assert_true(hp_bound_port_in(table, 3478, NULL));
    assert_false(hp_bound_port_in(table, 3478, "0A"));
    assert_false(hp_bound_port_in(table, 80, "0A")); /* a connection, no listener */
    assert_false(hp_bound_port_in(table, 0xabcd, NULL)); /* somebody else's port */
    assert_false(hp_bound_port_in("", 80, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(servers_as_browsers_take_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_scenario_has_the_last_word, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_server_is_told, set_up, tear_down),
        cmocka_unit_test(the_least_that_coturn_is_told),
        cmocka_unit_test(all_that_coturn_can_be_told),
        cmocka_unit_test(ports_in_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
