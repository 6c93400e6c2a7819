/* What clients reach a server over, and over what a peer reaches its TURN servers. */
#include "fixture.h"

static void defaults(void **state)
{
    hp_scenario *s = load_one("servers: {t: turn, s: stun}\npeers: {a: {ice: {turn: t}}}");
    for (unsigned i = 0; i < 2; i++) {
        const hp_server_config *c = &s->servers[i].config;
        assert_int_equal(c->transports, HP_SERVER_UDP);
        assert_int_equal(c->relays, HP_RELAY_UDP);
        assert_int_equal(c->port, 3478);
        assert_int_equal(c->tls_port, 5349);
        assert_int_equal(c->tls_min, HP_TLS_ANY);
        assert_int_equal(c->tls_max, HP_TLS_ANY);
        assert_false(c->no_alpn);
        assert_true(c->stream_idle == 600 * HP_S);
        assert_true(c->connect_timeout == 30 * HP_S && c->bind_timeout == 30 * HP_S);
    }
    assert_int_equal(s->peers[0].ice.turn_transports, HP_SERVER_UDP);
    hp_scenario_free(s);
}

static void given(void **state)
{
    hp_scenario *s =
        load_one("servers:\n  t:\n    kind: turn\n    transports: [tls, tcp, dtls]\n    relays: [tcp, udp]\n"
                 "    port: 80\n    tls-port: 443\n    tls-min: 1.3\n    tls-max: \"1.3\"\n"
                 "    alpn: false\n    stream-idle: 5s\n    connect-timeout: 40s\n    bind-timeout: 100ms\n"
                 "  one: {kind: turn, transports: tcp, port: 443}\n"
                 "peers:\n  a: {ice: {turn: t, turn-transports: [tls, tcp]}}\n"
                 "  b: {ice: {turn: one, turn-transports: tcp}}");
    const hp_server_config *c = &s->servers[0].config;
    assert_int_equal(c->transports, HP_SERVER_TCP | HP_SERVER_TLS | HP_SERVER_DTLS);
    assert_int_equal(c->relays, HP_RELAY_UDP | HP_RELAY_TCP);
    assert_int_equal(c->port, 80);
    assert_int_equal(c->tls_port, 443);
    assert_int_equal(c->tls_min, HP_TLS_1_3);
    assert_int_equal(c->tls_max, HP_TLS_1_3);
    assert_true(c->no_alpn);
    assert_true(c->stream_idle == 5 * HP_S);
    assert_true(c->connect_timeout == 40 * HP_S && c->bind_timeout == 100 * HP_MS);
    assert_int_equal(s->servers[1].config.transports, HP_SERVER_TCP);
    assert_int_equal(s->peers[0].ice.turn_transports, HP_SERVER_TCP | HP_SERVER_TLS);
    assert_int_equal(s->peers[1].ice.turn_transports, HP_SERVER_TCP);
    hp_scenario_free(s);
}

static void words_that_are_none(void **state)
{
    assert_complains(
        "servers:\n  a: {kind: turn, transports: [udp, tpc]}\n  b: {kind: turn, transports: []}\n"
        "  c: {kind: turn, transports: [tcp, tcp]}\n  d: {kind: turn, relays: tls}\n"
        "  e: {kind: turn, transports: tls, tls-min: 1.1}\n  f: {kind: turn, transports: {tcp: true}}\n"
        "peers: {p: {ice: {turn: a, turn-transports: dtls}}}\n",
        "2:37: `tpc` is not a transport of clients (RFC 8656 section 3.1) (did you mean `tcp`?)\n"
        "3:31: `transports` is empty\n"
        "4:37: `tcp` is named twice\n"
        "5:27: `tls` is not what a TURN server relays (one of `udp`, `tcp`)\n"
        "6:45: `1.1` is not a version of TLS (did you mean `1.2`?)\n"
        "7:31: `transports` must be a word or a list of words, not a map\n"
        "8:45: `dtls` is not a transport that the agent reaches a TURN server over (did you mean `tls`?)\n");
}

static void what_makes_no_sense(void **state)
{
    assert_complains(
        "servers:\n  a: {kind: turn, transports: [tcp, tls], port: 443, tls-port: 443}\n"
        "  b: {kind: turn, tls-port: 443, alpn: false}\n"
        "  c: {kind: turn, stream-idle: 1s, bind-timeout: 1s}\n"
        "  d: {kind: turn, relays: [udp, tcp]}\n"
        "  e: {kind: turn, transports: tls, tls-min: 1.3, tls-max: 1.2}\n"
        "  f: {kind: turn, transports: tcp, connect-timeout: 29s}\n"
        "  g: {kind: turn, transports: dtls, tls-max: 1.2}\npeers: {p: }\n",
        "2:6: `port` and `tls-port` are both 443\n"
        "3:29: `tls-port` of a server without TLS (add `tls` to `transports`)\n"
        "3:40: `alpn` of a server without TLS (add `tls` to `transports`)\n"
        "4:32: `stream-idle` of a server without TCP and TLS (add `tcp` to `transports`)\n"
        "4:50: `bind-timeout` of a server without TCP and TLS (add `tcp` to `transports`)\n"
        "5:27: TCP is relayed only for clients over TCP or TLS (RFC 6062 section 5.1) (add `tcp` to `transports`)\n"
        "6:45: `tls-min` is newer than `tls-max`\n"
        "7:53: `connect-timeout` must be from 30s to 86400s, not 29s\n"
        "8:46: `tls-max` of a server without TLS (add `tls` to `transports`)\n");
}

/* UDP and TCP have ports of their own. */
static void one_port_for_udp_and_tls(void **state)
{
    hp_scenario *s =
        load_one("servers: {t: {kind: turn, transports: [udp, tls], port: 443, tls-port: 443}}\npeers: {a: }");
    assert_int_equal(s->servers[0].config.transports, HP_SERVER_UDP | HP_SERVER_TLS);
    hp_scenario_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(given),
        cmocka_unit_test(words_that_are_none),
        cmocka_unit_test(what_makes_no_sense),
        cmocka_unit_test(one_port_for_udp_and_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
