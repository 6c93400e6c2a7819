/* One run, from a scenario's text to its trace: topology, the timing of steps, endings. */
#include "run_rig.h"

static unsigned count_events(const fixture *f, hp_event_kind kind)
{
    hp_trace_cursor cursor = {0};
    unsigned n = 0;
    for (hp_record r; hp_trace_next(f->trace, &cursor, &r);)
        n += r.type == HP_RECORD_EVENT && r.event.kind == kind;
    return n;
}

#define TWO "peers: {alice: , bob: }\n"

static void steps_keep_their_times(void **state)
{
    fixture f = run_text(TWO "network: {nats: {home: full-cone}}\nsteps:\n"
                             "  - wait: 2s\n  - reboot: home\n  - at: 5s\n    reboot: home\n  - reboot: home\n"
                             "until: 6s\n");
    assert_int_equal(event(&f, HP_EV_STEP, "wait", 0).at, 0);
    assert_int_equal(event(&f, HP_EV_STEP, "reboot", 0).at, 2 * HP_S);
    assert_int_equal(event(&f, HP_EV_STEP, "reboot", 1).at, 5 * HP_S);
    assert_int_equal(event(&f, HP_EV_STEP, "reboot", 2).at, 5 * HP_S);
    assert_int_equal(f.result->ended, 6 * HP_S);
    assert_string_equal(f.result->end_reason, "until");
    clear(&f);
}

static void a_step_whose_time_has_passed_follows_at_once(void **state)
{
    fixture f = run_text(TWO "network: {nats: {home: full-cone}}\nsteps:\n  - wait: 3s\n  - at: 1s\n    reboot: home\n"
                             "until: 4s\n");
    assert_int_equal(event(&f, HP_EV_STEP, "reboot", 0).at, 3 * HP_S);
    clear(&f);
}

static void the_internet_takes_its_delay_once(void **state)
{
    fixture f = run_text(TWO "network: {internet: {delay: 30ms}}\nsteps:\n  - call: {from: alice, to: bob}\n"
                             "  - wait-for: ready\n  - send: {from: alice, to: bob, count: 3, interval: 10ms}\n"
                             "expect:\n  - connected\n  - delivery: {received: 6}\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    assert_int_equal(f.result->n_flows, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(f.result->flows[i].latency.min, 30 * HP_MS);
        assert_int_equal(f.result->flows[i].latency.max, 30 * HP_MS);
    }
    hp_record first = event(&f, HP_EV_DATA_SENT, "alice", 0), third = event(&f, HP_EV_DATA_SENT, "alice", 2);
    assert_int_equal(third.at - first.at, 20 * HP_MS);
    clear(&f);
}

static void access_links_add_up(void **state)
{
    fixture f =
        run_text("network: {internet: {delay: 10ms}, nats: {home: {preset: full-cone, link: {delay: 5ms}}}}\n"
                 "servers: {stun: stun}\n"
                 "peers:\n  alice: {behind: home, link: {up: {delay: 3ms}, down: {delay: 1ms}}, ice: {stun: stun}}\n"
                 "  bob: {ice: {stun: stun}}\n"
                 "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: ready\n"
                 "  - send: {from: alice, to: bob, count: 1}\nexpect:\n  - delivery: {received: 2}\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    /* alice's 3 ms, the inside's 0.5 ms, the home's 5 ms, the Internet's 10 ms. */
    assert_int_equal(event(&f, HP_EV_DATA_RECEIVED, "bob", 0).at - event(&f, HP_EV_DATA_SENT, "alice", 0).at,
                     18 * HP_MS + 500 * HP_US);
    assert_int_equal(event(&f, HP_EV_DATA_RECEIVED, "alice", 0).at - event(&f, HP_EV_DATA_SENT, "bob", 0).at,
                     16 * HP_MS + 500 * HP_US);
    clear(&f);
}

/* Knobs that are neither a delay nor a plain loss must not make a link vanish as if it were ideal. */
static void jitter_from_a_list_alone_is_a_link(void **state)
{
    fixture f = run_text("network: {internet: {delay: 10ms}}\n"
                         "peers:\n  alice: {link: {up: {jitter-kind: list, jitter-list: 5ms}}}\n  bob:\n"
                         "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: ready\n"
                         "  - send: {from: alice, to: bob, count: 3}\nexpect:\n  - delivery: {received: 6}\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(event(&f, HP_EV_DATA_RECEIVED, "bob", i).at - event(&f, HP_EV_DATA_SENT, "alice", i).at,
                         15 * HP_MS);
        assert_int_equal(event(&f, HP_EV_DATA_RECEIVED, "alice", i).at - event(&f, HP_EV_DATA_SENT, "bob", i).at,
                         10 * HP_MS);
    }
    clear(&f);
}

/* How many packets were dropped for that reason in [from, to), and in all. */
static unsigned count_drops(const fixture *f, hp_drop_reason reason, hp_time from, hp_time to, unsigned *ret_all)
{
    hp_trace_cursor cursor = {0};
    unsigned n = 0;
    *ret_all = 0;
    for (hp_record r; hp_trace_next(f->trace, &cursor, &r);)
        if (r.type == HP_RECORD_DROP && r.drop.reason == reason) {
            n += r.at >= from && r.at < to;
            (*ret_all)++;
        }
    return n;
}

static void outages_count_from_the_step_that_brings_them(void **state)
{
    fixture f = run_text(TWO "network: {internet: {delay: 10ms}}\nsteps:\n"
                             "  - call: {from: alice, to: bob}\n  - wait-for: ready\n"
                             "  - send: {from: alice, to: bob, for: 15s, interval: 20ms, both: false}\n"
                             "  - {at: 5s, set-link: {of: alice, direction: up, outages: [{from: 1s, to: 2s}],\n"
                             "                        outage-cycle: 4s, times-from: change}}\n"
                             "expect:\n  - delivery: {sent: 750, received: 600}\nuntil: 20s\n");
    unsigned all = 0;
    unsigned in_windows = count_drops(&f, HP_DROP_LINK_DOWN, 6 * HP_S, 7 * HP_S, &all) +
                          count_drops(&f, HP_DROP_LINK_DOWN, 10 * HP_S, 11 * HP_S, &all) +
                          count_drops(&f, HP_DROP_LINK_DOWN, 14 * HP_S, 15 * HP_S, &all);
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    assert_true(all >= 150);
    assert_int_equal(in_windows, all);
    clear(&f);
}

static void a_run_ends_when_all_is_decided(void **state)
{
    fixture f = run_text(TWO "steps:\n  - call: {from: alice, to: bob}\nexpect:\n  - connected: {within: 3s}\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    assert_string_equal(f.result->end_reason, "decided");
    assert_true(f.result->ended < HP_S);
    assert_int_equal(event(&f, HP_EV_RUN_END, NULL, 0).at, f.result->ended);
    clear(&f);
}

static void a_wait_that_times_out_fails_the_run_and_goes_on(void **state)
{
    fixture f = run_text(TWO "network: {nats: {home: full-cone}}\nsteps:\n"
                             "  - wait-for: {event: nat-mapping, of: home, timeout: 2s}\n  - reboot: home\n"
                             "  - call: {from: alice, to: bob}\nexpect:\n  - connected\nuntil: 10s\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_FAIL);
    hp_record done = event(&f, HP_EV_STEP_DONE, "wait-for", 0);
    assert_int_equal(done.at, 2 * HP_S);
    assert_string_equal(hp_record_text(&done, "outcome"), "timeout");
    assert_int_equal(event(&f, HP_EV_STEP, "reboot", 0).at, 2 * HP_S);
    const hp_expect_result *connected = f.result->expects->pdata[0], *finding = f.result->expects->pdata[1];
    assert_true(connected->passed);
    assert_false(finding->passed);
    assert_null(finding->expect);
    clear(&f);
}

static void a_wait_for_an_event_ends_with_it(void **state)
{
    fixture f = run_text("network: {nats: {home: full-cone}}\nservers: {stun: stun}\n"
                         "peers: {alice: {behind: home, ice: {stun: stun}}, bob: }\n"
                         "steps:\n  - call: {from: alice, to: bob}\n"
                         "  - wait-for: {event: candidate, of: alice, where: {type: srflx}}\n"
                         "  - reboot: home\nuntil: 5s\n");
    hp_record srflx = event(&f, HP_EV_CANDIDATE, "alice", 1);
    assert_string_equal(hp_record_text(&srflx, "type"), "srflx");
    assert_int_equal(event(&f, HP_EV_STEP, "reboot", 0).at, srflx.at);
    assert_true(srflx.at > 40 * HP_MS); /* there and back over the Internet */
    clear(&f);
}

static void a_server_that_is_stopped_is_silent_until_started(void **state)
{
    fixture f = run_text("servers: {stun: {kind: stun, stopped: true}}\n"
                         "peers: {alice: {ice: {stun: stun}}, bob: }\n"
                         "steps:\n  - call: {from: alice, to: bob}\n  - at: 1s\n    start-server: stun\nuntil: 5s\n");
    assert_int_equal(event(&f, HP_EV_SERVER_STARTED, "stun", 1).at, HP_S);
    hp_record request = event(&f, HP_EV_SERVER_REQUEST, "stun", 0);
    assert_true(request.at > HP_S);
    clear(&f);
}

static void an_address_of_the_network_that_nobody_has_stays_inside(void **state)
{
    fixture f =
        run_text("network:\n  nats:\n    home: {preset: full-cone, inside4: 192.168.1.0/24}\n"
                 "    flat: {preset: full-cone, inside4: 192.168.1.0/24}\n"
                 "peers: {alice: {behind: home, addresses: 192.168.1.5}, bob: {behind: flat, addresses: 192.168.1.6}}\n"
                 "steps:\n  - call: {from: alice, to: bob}\n"
                 "expect:\n  - not-connected\n  - drops: {at: home, reason: no-route}\n"
                 "  - drops: {at: flat, reason: no-route}\n  - mappings: {nat: home, count: 0}\nuntil: 10s\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    clear(&f);
}

static void renumbering_moves_the_routes(void **state)
{
    fixture f = run_text("network: {nats: {home: full-cone}}\nservers: {stun: stun}\n"
                         "peers: {alice: {behind: home, ice: {stun: stun}}, bob: }\n"
                         "steps:\n  - renumber: {nat: home, to: 192.0.2.77}\n  - call: {from: alice, to: bob}\n"
                         "  - wait-for: ready\n  - send: {from: alice, to: bob, count: 5}\n"
                         "expect:\n  - candidates: {peer: alice, type: srflx, address: 192.0.2.77}\n"
                         "  - delivery: {received: 10}\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    clear(&f);
}

static void two_runs_are_the_same_to_the_byte(void **state)
{
    static const char text[] = TWO "network: {internet: {delay: 20ms, jitter: 10ms, loss: 5%}}\n"
                                   "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: connected\n"
                                   "  - send: {from: alice, to: bob, count: 50}\nuntil: 20s\n";
    fixture a = run_text(text), b = run_text(text);
    hp_trace_cursor x = {0}, y = {0};
    hp_record r, s;
    unsigned n = 0;
    while (hp_trace_next(a.trace, &x, &r)) {
        assert_true(hp_trace_next(b.trace, &y, &s));
        assert_int_equal(r.type, s.type);
        assert_int_equal(r.at, s.at);
        if (r.type == HP_RECORD_PACKET) {
            assert_int_equal(r.packet.length, s.packet.length);
            assert_memory_equal(r.packet.bytes, s.packet.bytes, r.packet.length);
        }
        n++;
    }
    assert_false(hp_trace_next(b.trace, &y, &s));
    assert_true(n > 200);
    clear(&a);
    clear(&b);
}

static void tearing_down_leaves_no_records(void **state)
{
    fixture f = run_text(TWO "steps:\n  - call: {from: alice, to: bob}\nexpect:\n  - connected\n");
    hp_trace_cursor cursor = {0};
    hp_record r, last = {0};
    while (hp_trace_next(f.trace, &cursor, &r))
        if (r.type == HP_RECORD_EVENT)
            last = r;
    assert_int_equal(last.event.kind, HP_EV_RUN_END);
    assert_int_equal(count_events(&f, HP_EV_PEER_CLOSED), 0);
    clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_keep_their_times),
                                       cmocka_unit_test(a_step_whose_time_has_passed_follows_at_once),
                                       cmocka_unit_test(the_internet_takes_its_delay_once),
                                       cmocka_unit_test(access_links_add_up),
                                       cmocka_unit_test(jitter_from_a_list_alone_is_a_link),
                                       cmocka_unit_test(outages_count_from_the_step_that_brings_them),
                                       cmocka_unit_test(a_run_ends_when_all_is_decided),
                                       cmocka_unit_test(a_wait_that_times_out_fails_the_run_and_goes_on),
                                       cmocka_unit_test(a_wait_for_an_event_ends_with_it),
                                       cmocka_unit_test(a_server_that_is_stopped_is_silent_until_started),
                                       cmocka_unit_test(an_address_of_the_network_that_nobody_has_stays_inside),
                                       cmocka_unit_test(renumbering_moves_the_routes),
                                       cmocka_unit_test(two_runs_are_the_same_to_the_byte),
                                       cmocka_unit_test(tearing_down_leaves_no_records)};
    return cmocka_run_group_tests(tests, start_seam, NULL);
}
