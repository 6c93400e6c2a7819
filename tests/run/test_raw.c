/* Runs with raw peers, from a scenario's text to its trace: when scripts begin, what waits for them, whom names mean, and
 * what becomes of a script that fails. */
#include "run_rig.h"

#include "report/report.h"

static const hp_expect_result *nth(const fixture *f, unsigned i)
{
    assert_true(i < f->result->expects->len);
    return f->result->expects->pdata[i];
}

static void a_script_begins_with_a_step(void **state)
{
    fixture f = run_text("peers:\n"
                         "  a: {kind: raw, start: go, script: [{send: {to: b, text: x}}, {wait: 1s}]}\n"
                         "  b: {kind: raw, sockets: {main: 7000}, start: 100ms, script: [{receive: {text: x}}]}\n"
                         "steps: [{wait: 2s}, {wait: 1s, label: go}, {wait-for: {script: a}}, {wait: 1s}]\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    assert_int_equal(event(&f, HP_EV_RAW_SENT, "a", 0).at, 2 * HP_S);
    assert_int_equal(event(&f, HP_EV_RAW_DONE, "a", 0).at, 3 * HP_S);
    assert_int_equal(event(&f, HP_EV_RAW_DONE, "b", 0).at, 2 * HP_S + 20 * HP_MS);
    /* Both ended before the wait-for, which therefore is over at once. */
    assert_int_equal(event(&f, HP_EV_STEP_DONE, "wait-for", 0).at, 3 * HP_S);
    assert_int_equal(f.result->ended, event(&f, HP_EV_RUN_END, "test", 0).at);
    clear(&f);
}

static void what_failed_is_told_by_line_and_packet(void **state)
{
    fixture f = run_text("servers: {turn: turn}\n"
                         "peers:\n"
                         "  a:\n"
                         "    kind: raw\n"
                         "    script:\n"
                         "      - send: {to: turn, stun: Allocate}\n"
                         "      - receive: {stun: {class: success}, within: 1s}\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_FAIL);
    assert_string_equal(nth(&f, 0)->expected, "line 7: receive STUN success");
    assert_int_equal(nth(&f, 0)->at, HP_S);
    assert_true(nth(&f, 0)->packet > 0);
    g_autofree char *got = g_strdup_printf(
        "after 1.000s the nearest was packet %u, Allocate error 401 Unauthorized: it is an error", nth(&f, 0)->packet);
    assert_string_equal(nth(&f, 0)->got, got);
    g_autofree char *json = hp_report_json(f.result);
    assert_non_null(strstr(json, "\"outcome\": \"failed\""));
    clear(&f);
}

/* A raw peer answers an agent's offer, its checks and its nomination; libnice is ready, and the raw side sees what the
 * agent says of itself. */
static void a_call_with_an_agent(void **state)
{
    fixture f = run_text("network: {nats: {home: port-restricted-cone}}\n"
                         "peers:\n"
                         "  alice: {behind: home}\n"
                         "  m:\n"
                         "    kind: raw\n"
                         "    answers: [checks]\n"
                         "    script:\n"
                         "      - receive-signal: {type: offer, from: alice}\n"
                         "      - signal: {answer: {candidates: [host]}}\n"
                         "      - receive: {stun: {class: request}, as: request}\n"
                         "      - send: {to: \"${request.from}\", as: own, check: {role: controlled}}\n"
                         "      - receive: {answers: own, stun: {class: success}}\n"
                         "steps: [call: {from: alice, to: m}]\n"
                         "expect:\n"
                         "  - connected: {peers: alice, within: 3s}\n"
                         "  - state: {peer: alice, state: ready}\n");
    for (unsigned i = 0; i < f.result->expects->len; i++) {
        if (!nth(&f, i)->passed) {
            fail_msg("%s: %s", nth(&f, i)->what, nth(&f, i)->got);
        }
    }
    assert_int_equal(f.result->expects->len, 3);
    clear(&f);
}

/* An offer of ours, with a candidate apart: the agent answers, and is the controlled side. */
static void an_offer_to_an_agent(void **state)
{
    fixture f = run_text("peers:\n"
                         "  bob:\n"
                         "  m:\n"
                         "    kind: raw\n"
                         "    answers: [checks]\n"
                         "    script:\n"
                         "      - signal: {offer: {more: true, trickle: true}, to: bob}\n"
                         "      - signal: {candidate: host, to: bob}\n"
                         "      - signal: {end: true, to: bob}\n"
                         "      - receive-signal: answer\n"
                         "      - receive-signal: candidate\n"
                         "      - send: {to: bob, as: own, check: {use-candidate: true}}\n"
                         "      - receive: {answers: own, stun: {class: success}}\n"
                         "steps: [wait: 5s]\n"
                         "expect: [{event: {event: ice-state, of: bob, where: {state: ready}}}]\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    clear(&f);
}

/* A DNS server is at port 53, and not where STUN and TURN servers are. */
static void a_dns_server_by_its_name(void **state)
{
    fixture f = run_text("servers: {dns: dns}\n"
                         "peers:\n"
                         "  m:\n"
                         "    kind: raw\n"
                         "    sockets: {t: {transport: tcp, to: dns, framing: length}}\n"
                         "    script:\n"
                         "      - set: {query: 123401000001000000000000016d076578616d706c650000010001}\n"
                         "      - send: {to: dns, bytes: \"${query}\"}\n"
                         "      - receive: {match: {dns: true}, from: \"${dns.address}\", within: 1s}\n"
                         "      - send: {socket: t, bytes: \"${query}\"}\n"
                         "      - receive: {socket: t, size: \"> 27\", within: 1s}\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    assert_int_equal(event(&f, HP_EV_RAW_MATCHED, "m", 0).at, 40 * HP_MS);
    assert_int_equal(event(&f, HP_EV_DNS_QUERY, "dns", 1).at, 60 * HP_MS); /* TCP was connected by then */
    clear(&f);
}

static void same_seed_same_bytes(void **state)
{
    const char *text = "servers: {turn: turn}\n"
                       "peers: {a: {kind: raw, script: [{send: {to: turn, random: 100, times: 3}}, {wait: 1s}]}}\n";
    fixture f = run_text(text), g = run_text(text);
    hp_trace_cursor c = {0}, d = {0};
    hp_record r, s;
    while (hp_trace_next(f.trace, &c, &r)) {
        assert_true(hp_trace_next(g.trace, &d, &s));
        assert_int_equal(r.type, s.type);
        if (r.type == HP_RECORD_PACKET) {
            assert_int_equal(r.packet.length, s.packet.length);
            assert_memory_equal(r.packet.bytes, s.packet.bytes, r.packet.length);
        }
    }
    clear(&f);
    clear(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_begins_with_a_step), cmocka_unit_test(what_failed_is_told_by_line_and_packet),
        cmocka_unit_test(a_call_with_an_agent),        cmocka_unit_test(an_offer_to_an_agent),
        cmocka_unit_test(same_seed_same_bytes),        cmocka_unit_test(a_dns_server_by_its_name),
    };
    return cmocka_run_group_tests(tests, start_seam, NULL);
}
