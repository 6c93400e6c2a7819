/* Runs with raw peers, from a scenario's text to its trace: when scripts begin, what waits for them, whom names mean, and
 * what becomes of a script that fails. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "report/report.h"
#include "run/run.h"
#include "seam/seam.h"

typedef struct fixture {
    hp_trace *trace;
    GPtrArray *scenarios;
    hp_plan *plan;
    hp_result *result;
} fixture;

static fixture run_text(const char *text)
{
    fixture f = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_diags) diags = hp_diags_new();
    f.trace = hp_trace_new(&error);
    f.scenarios = hp_scenario_parse("test.yaml", text, strlen(text), diags);
    f.plan = f.scenarios ? hp_plan_new(f.scenarios->pdata[0], "test", 1, diags) : NULL;
    if (!f.plan) {
        g_autofree char *told = hp_diags_format(diags);
        fail_msg("%s", told);
    }
    f.result = hp_run_plan(f.plan, f.trace, NULL, &error);
    assert_non_null(f.result);
    return f;
}

static void clear(fixture *f)
{
    hp_result_free(f->result);
    hp_plan_free(f->plan);
    g_ptr_array_unref(f->scenarios);
    hp_trace_free(f->trace);
}

static const hp_expect_result *nth(const fixture *f, unsigned i)
{
    assert_true(i < f->result->expects->len);
    return f->result->expects->pdata[i];
}

/* The n-th (from 0) event of that kind and subject. */
static hp_record event(const fixture *f, hp_event_kind kind, const char *subject, unsigned n)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(f->trace, &cursor, &r)) {
        if (r.type == HP_RECORD_EVENT && r.event.kind == kind && strcmp(r.event.subject, subject) == 0 && n-- == 0) {
            return r;
        }
    }
    fail_msg("no such event: %s of %s", hp_event_name(kind), subject);
    return r;
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

static int start_seam(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
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
