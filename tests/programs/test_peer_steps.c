/* What a peer is told, and what steps ask of it, from the plan alone. */
#include "planned.h"

#include "programs/peer_setup.h"
#include "programs/peer_steps.h"

static planned make(const char *text)
{
    return planned_of("test.yaml", text);
}

static const char *text_of(const hp_addr *a)
{
    static char text[HP_ADDR_TEXT];
    return hp_addr_format(a, text);
}

/* ---- settings ---- */

static void test_servers_by_address(void **state)
{
    planned p = make("network: {nats: {home: full-cone}}\n"
                     "servers: {stun: stun, turn: {kind: turn, transports: [udp, tls], tls-port: 443,\n"
                     "  users: {anna: one, bert: two}}}\n"
                     "peers:\n"
                     "  alice: {behind: home, ice: {stun: stun, turn: turn, turn-transports: [udp, tls]}}\n"
                     "  bob: {ice: {turn: turn, turn-user: bert}}\n");
    hp_peer_setup *alice = hp_peer_setup_new(p.plan, 0);
    assert_string_equal(alice->config.name, "alice");
    assert_string_equal(alice->config.stun_name, "stun");
    assert_string_equal(text_of(&alice->config.stun), "203.0.113.10:3478");
    assert_int_equal(alice->config.n_turn, 2);
    assert_int_equal(alice->config.turn[0].transport, HP_SERVER_UDP);
    assert_int_equal(alice->config.turn[0].addr.port, 3478);
    assert_int_equal(alice->config.turn[1].transport, HP_SERVER_TLS);
    assert_int_equal(alice->config.turn[1].addr.port, 443);
    assert_string_equal(alice->config.turn[1].user, "anna"); /* the first */
    assert_null(alice->config.resolver);
    assert_int_equal(alice->config.n_gateways, 1);
    assert_string_equal(text_of(&alice->config.gateways[0].gateway), "192.168.1.1");
    hp_peer_setup *bob = hp_peer_setup_new(p.plan, 1);
    assert_null(bob->config.stun_name);
    assert_int_equal(bob->config.n_turn, 1);
    assert_string_equal(bob->config.turn[0].user, "bert");
    assert_string_equal(bob->config.turn[0].password, "two");
    assert_int_equal(bob->config.n_gateways, 0);
    hp_peer_setup_free(alice);
    hp_peer_setup_free(bob);
    planned_clear(&p);
}

static void test_servers_by_name(void **state)
{
    planned p = make("servers: {dns: {kind: dns}, turn: {kind: turn}}\n"
                     "peers:\n"
                     "  alice: {dns: dns, ice: {stun: turn, turn: turn}}\n"
                     "  bob: {}\n");
    hp_peer_setup *alice = hp_peer_setup_new(p.plan, 0);
    assert_non_null(alice->config.resolver);
    assert_string_equal(alice->config.stun_host, "turn.example");
    assert_int_equal(alice->config.stun.family, HP_AF_NONE);
    assert_int_equal(alice->config.stun.port, 3478);
    assert_string_equal(alice->config.turn[0].host, "turn.example");
    hp_peer_setup_free(alice);
    planned_clear(&p);
}

/* ---- names of raw peers ---- */

static bool asked_main(void *user, unsigned peer, hp_addr *ret)
{
    *(unsigned *)user = peer;
    *ret = hp_addr_v4(0x01020304, 99);
    return true;
}

static void test_names_in_scripts(void **state)
{
    planned p = make("servers: {turn: {kind: turn, transports: [udp, tls], tls-port: 443}}\n"
                     "peers:\n"
                     "  alice: {kind: raw}\n"
                     "  mallory: {kind: raw, sockets: {main: {port: 4000}}}\n"
                     "  bob: {}\n");
    hp_addr at = {0};
    unsigned asked = 9;
    assert_true(hp_raw_setup_resolve(p.plan, 0, "turn", HP_RAW_OVER_UDP, asked_main, &asked, &at));
    assert_string_equal(text_of(&at), "203.0.113.10:3478");
    assert_true(hp_raw_setup_resolve(p.plan, 0, "turn", HP_RAW_OVER_TLS, asked_main, &asked, &at));
    assert_string_equal(text_of(&at), "203.0.113.10:443");
    assert_int_equal(asked, 9);
    assert_true(hp_raw_setup_resolve(p.plan, 0, "mallory", HP_RAW_OVER_UDP, asked_main, &asked, &at));
    assert_int_equal(asked, 1);
    assert_string_equal(text_of(&at), "1.2.3.4:99");
    assert_true(hp_raw_setup_resolve(p.plan, 0, "mallory", HP_RAW_OVER_UDP, hp_raw_setup_planned_main, p.plan, &at));
    assert_string_equal(text_of(&at), "198.51.100.11:4000");
    assert_true(hp_raw_setup_resolve(p.plan, 1, "alice", HP_RAW_OVER_UDP, hp_raw_setup_planned_main, p.plan, &at));
    assert_string_equal(text_of(&at), "198.51.100.10"); /* a port that nobody planned */
    assert_true(hp_raw_setup_resolve(p.plan, 0, "bob", HP_RAW_OVER_UDP, asked_main, &asked, &at));
    assert_int_equal(at.port, 0);
    assert_false(hp_raw_setup_resolve(p.plan, 0, "nobody", HP_RAW_OVER_UDP, asked_main, &asked, &at));
    planned_clear(&p);
}

/* ---- steps ---- */

static const char steps_text[] = "peers: {alice: {}, bob: {}, carol: {kind: raw, start: go, script: [wait: 1s]}}\n"
                                 "steps:\n"
                                 "  - call: {from: alice, to: bob}\n"
                                 "  - send: {from: alice, to: bob, count: 3, size: 100}\n"
                                 "  - wait: 1s\n"
                                 "  - send: {from: bob, to: alice, for: 1s, interval: 100ms, size: 300, both: false}\n"
                                 "  - ice-restart: {peer: bob}\n"
                                 "    label: go\n"
                                 "  - send: {from: bob, to: alice, count: 7, size: 400}\n"
                                 "  - set-signaling: {delay: 1s}\n"
                                 "  - close: {peer: alice}\n";

static void test_who_is_asked(void **state)
{
    planned p = make(steps_text);
    static const struct {
        unsigned n, peers[2];
    } expected[] = {{1, {0}}, {2, {0, 1}}, {0}, {1, {1}}, {1, {1}}, {2, {1, 0}}, {0}, {1, {0}}};
    assert_int_equal(p.plan->scenario->n_steps, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++) {
        unsigned asked[HP_PEER_STEPS_MAX] = {7, 7};
        assert_int_equal(hp_peer_steps_asked(p.plan, i, asked), expected[i].n);
        for (unsigned k = 0; k < expected[i].n; k++) {
            assert_int_equal(asked[k], expected[i].peers[k]);
        }
        assert_int_equal(hp_peer_steps_begins_script(p.plan, i, 2), i == 4);
        assert_false(hp_peer_steps_begins_script(p.plan, i, 0));
    }
    planned_clear(&p);
}

static void test_numbers_of_flows(void **state)
{
    planned p = make(steps_text);
    hp_step_flow flow;
    unsigned n = 0;
    for (unsigned i = 0; i < p.plan->scenario->n_steps; i++) {
        n += hp_peer_steps_flow(p.plan, i, false, &flow) + hp_peer_steps_flow(p.plan, i, true, &flow);
    }
    assert_int_equal(n, 5);
    assert_false(hp_peer_steps_flow(p.plan, 0, false, &flow));
    assert_true(hp_peer_steps_flow(p.plan, 1, false, &flow));
    assert_int_equal(flow.number, 1);
    assert_int_equal(flow.count, 3);
    assert_string_equal(flow.from, "alice");
    assert_string_equal(flow.to, "bob");
    assert_true(hp_peer_steps_flow(p.plan, 1, true, &flow));
    assert_int_equal(flow.number, 2);
    assert_string_equal(flow.from, "bob");
    assert_true(hp_peer_steps_flow(p.plan, 3, false, &flow));
    assert_int_equal(flow.number, 3);
    assert_int_equal(flow.count, 10);
    assert_false(hp_peer_steps_flow(p.plan, 3, true, &flow));
    assert_true(hp_peer_steps_flow(p.plan, 5, true, &flow));
    assert_int_equal(flow.number, 5);
    planned_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers_by_address), cmocka_unit_test(test_servers_by_name),
        cmocka_unit_test(test_names_in_scripts),   cmocka_unit_test(test_who_is_asked),
        cmocka_unit_test(test_numbers_of_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
