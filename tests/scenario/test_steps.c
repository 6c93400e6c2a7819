/* `steps`: every action as an exact struct, and settings that carry over from step to step. */
#include "fixture.h"

#define NETWORK                                                                                                        \
    "network: {internet: {delay: 20ms}, lans: {lan: }, nats: {home: {udp-timeout: 60s, link: {delay: 4ms}}}}\n"        \
    "servers: {turn: turn}\n"                                                                                          \
    "peers: {alice: {interfaces: {wifi: home, lte: {link: {delay: 9ms}}}}, bob: {link: {delay: 3ms}}, carol: }\n"

static hp_scenario *with_steps(const char *steps)
{
    g_autofree char *text = g_strconcat(NETWORK "steps:\n", steps, NULL);
    return load_one(text);
}

static void call(void **state)
{
    hp_scenario *s = with_steps("- call: {from: alice, to: bob}\n"
                                "- at: 3s\n  label: two\n"
                                "  call: {from: bob, to: [alice, carol], streams: 2, components: 3}\n"
                                "- call: {from: carol, broadcast: true}\n");
    assert_int_equal(s->n_steps, 3);
    const hp_step *a = &s->steps[0], *b = &s->steps[1], *c = &s->steps[2];
    assert_int_equal(a->kind, HP_STEP_CALL);
    assert_int_equal(a->mark.line, 5);
    assert_int_equal(a->mark.column, 3);
    assert_null(a->label);
    assert_false(a->has_at);
    assert_string_equal(a->call.from, "alice");
    assert_string_equal(a->call.to[0], "bob");
    assert_null(a->call.to[1]);
    assert_int_equal(a->call.streams, 1);
    assert_int_equal(a->call.components, 1);
    assert_false(a->call.broadcast);
    assert_string_equal(b->label, "two");
    assert_true(b->has_at && b->at == 3 * HP_S);
    assert_string_equal(b->call.to[1], "carol");
    assert_int_equal(b->call.streams, 2);
    assert_int_equal(b->call.components, 3);
    assert_true(c->call.broadcast);
    assert_non_null(c->call.to);
    assert_null(c->call.to[0]);
    hp_scenario_free(s);
}

static void send_datagrams(void **state)
{
    hp_scenario *s = with_steps("- send: {from: alice, to: bob}\n"
                                "- send: {from: bob, to: alice, size: 1200, interval: 5ms, count: 100, both: false,\n"
                                "         wait: true, stream: 2, component: 2}\n"
                                "- send: {from: alice, to: bob, for: 1m}\n");
    const hp_step *a = &s->steps[0], *b = &s->steps[1], *c = &s->steps[2];
    assert_int_equal(a->kind, HP_STEP_SEND);
    assert_int_equal(a->send.size, 200);
    assert_true(a->send.interval == 20 * HP_MS && a->send.count == 0 && a->send.for_ns == 5 * HP_S);
    assert_true(a->send.both);
    assert_false(a->send.wait);
    assert_int_equal(a->send.stream, 1);
    assert_int_equal(a->send.component, 1);
    assert_int_equal(b->send.size, 1200);
    assert_true(b->send.interval == 5 * HP_MS && b->send.count == 100 && b->send.for_ns == 0);
    assert_false(b->send.both);
    assert_true(b->send.wait);
    assert_int_equal(b->send.stream, 2);
    assert_int_equal(b->send.component, 2);
    assert_true(c->send.for_ns == 60 * HP_S);
    hp_scenario_free(s);
}

static void waiting(void **state)
{
    hp_scenario *s = with_steps("- wait-for: ready\n"
                                "- wait-for: {state: failed, peers: alice, timeout: 5s}\n"
                                "- wait-for: {event: nat-mapping, of: home, where: {proto: udp, internal: 10.0.0.1}}\n"
                                "- wait: 2.5s\n");
    const hp_step *a = &s->steps[0], *b = &s->steps[1], *c = &s->steps[2], *d = &s->steps[3];
    assert_int_equal(a->kind, HP_STEP_WAIT_FOR);
    assert_string_equal(a->wait_for.state, "ready");
    assert_null(a->wait_for.peers);
    assert_true(a->wait_for.timeout == 30 * HP_S);
    assert_string_equal(b->wait_for.peers[0], "alice");
    assert_true(b->wait_for.timeout == 5 * HP_S);
    assert_null(c->wait_for.state);
    assert_int_equal(c->wait_for.event.kind, HP_EV_NAT_MAPPING);
    assert_string_equal(c->wait_for.event.subject, "home");
    assert_int_equal(c->wait_for.event.n_where, 2);
    assert_string_equal(c->wait_for.event.keys[0], "proto");
    assert_string_equal(c->wait_for.event.values[0], "udp");
    assert_string_equal(c->wait_for.event.keys[1], "internal");
    assert_string_equal(c->wait_for.event.values[1], "10.0.0.1");
    assert_int_equal(c->wait_for.event.mark.line, 7);
    assert_int_equal(d->kind, HP_STEP_WAIT);
    assert_true(d->wait == 2500 * HP_MS);
    hp_scenario_free(s);
}

static void nats_at_run_time(void **state)
{
    hp_scenario *s = with_steps("- reboot: home\n- renumber: home\n- renumber: {nat: home, to: [192.0.2.99]}\n"
                                "- rebind: home\n- rebind: {nat: home, host: alice}\n");
    assert_int_equal(s->steps[0].kind, HP_STEP_REBOOT);
    assert_string_equal(s->steps[0].nat.nat, "home");
    assert_int_equal(s->steps[1].kind, HP_STEP_RENUMBER);
    assert_int_equal(s->steps[1].nat.n_addresses, 0);
    assert_int_equal(s->steps[2].nat.n_addresses, 1);
    hp_addr address = hp_addr_v4(0xc0000263, 0);
    assert_true(hp_addr_equal(&s->steps[2].nat.addresses[0], &address));
    assert_int_equal(s->steps[3].kind, HP_STEP_REBIND);
    assert_null(s->steps[3].nat.host);
    assert_string_equal(s->steps[4].nat.host, "alice");
    hp_scenario_free(s);
}

static void set_nat_adds_up(void **state)
{
    hp_scenario *s = with_steps("- set-nat: {nat: home, hairpin: external-source}\n"
                                "- set-nat: {nat: home, udp-timeout: 10s}\n"
                                "- set-nat: {mapping: endpoint-independent, nat: home, preset: symmetric}\n");
    const hp_nat_config symmetric = hp_nat_preset_find("symmetric")->config;
    const hp_step *a = &s->steps[0], *b = &s->steps[1], *c = &s->steps[2];

    assert_int_equal(a->kind, HP_STEP_SET_NAT);
    assert_string_equal(a->nat.text, "hairpin: external-source");
    assert_int_equal(a->nat.config.hairpin, HP_NAT_HAIRPIN_EXTERNAL_SOURCE);
    assert_true(a->nat.config.udp_timeout == 60 * HP_S); /* the NAT's own */
    assert_int_equal(b->nat.config.hairpin, HP_NAT_HAIRPIN_EXTERNAL_SOURCE); /* of the step before */
    assert_true(b->nat.config.udp_timeout == 10 * HP_S);
    assert_string_equal(c->nat.text, "mapping: endpoint-independent, preset: symmetric");
    assert_int_equal(c->nat.config.mapping, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_int_equal(c->nat.config.filtering, symmetric.filtering);
    assert_true(c->nat.config.udp_timeout == symmetric.udp_timeout); /* a preset forgets what was before */
    assert_true(s->nats[0].config.udp_timeout == 60 * HP_S); /* the network stays as it was */
    hp_scenario_free(s);
}

static void set_link_adds_up(void **state)
{
    hp_scenario *s = with_steps("- set-link: {of: bob, direction: up, loss: 10%}\n"
                                "- set-link: {of: bob, direction: down, cut: true}\n"
                                "- set-link: {of: bob, rate: 1Mbit/s}\n"
                                "- set-link: {of: alice, interface: lte, jitter: 1ms}\n"
                                "- set-link: {of: alice, jitter: 1ms}\n"
                                "- set-link: {of: home, loss: 1%}\n"
                                "- set-link: {of: internet, delay: 80ms}\n"
                                "- set-link: {of: lan, loss: 2%}\n"
                                "- set-link: {of: turn, loss: 3%}\n");
    const hp_step *up = &s->steps[0], *down = &s->steps[1], *both = &s->steps[2];

    assert_int_equal(up->kind, HP_STEP_SET_LINK);
    assert_int_equal(up->link.direction, HP_SC_UP);
    assert_string_equal(up->link.text, "loss: 10%");
    assert_true(up->link.config.loss_ppb == 100000000 && up->link.config.delay_ns == 3 * HP_MS);
    assert_int_equal(down->link.direction, HP_SC_DOWN);
    assert_true(down->link.down_config.down && down->link.down_config.loss_ppb == 0);
    assert_memory_equal(&down->link.config, &down->link.down_config, sizeof down->link.config);
    assert_int_equal(both->link.direction, HP_SC_BOTH);
    assert_true(both->link.config.rate_bps == 1000000 && both->link.down_config.rate_bps == 1000000);
    assert_true(both->link.config.loss_ppb == 100000000 && !both->link.config.down);
    assert_true(both->link.down_config.loss_ppb == 0 && both->link.down_config.down);
    assert_string_equal(s->steps[3].link.interface, "lte");
    assert_true(s->steps[3].link.config.delay_ns == 9 * HP_MS);
    assert_null(s->steps[4].link.interface);
    assert_true(s->steps[4].link.config.delay_ns == 0);
    assert_true(s->steps[5].link.config.delay_ns == 4 * HP_MS);
    assert_true(s->steps[6].link.config.delay_ns == 80 * HP_MS);
    assert_true(s->steps[7].link.config.delay_ns == 500 * HP_US);
    assert_int_equal(s->steps[8].link.config.loss_ppb, 30000000);
    hp_scenario_free(s);
}

static void the_rest(void **state)
{
    hp_scenario *s = with_steps("- interface-down: bob\n- interface-up: {peer: alice, interface: lte}\n"
                                "- ice-restart: alice\n- ice-restart: {peer: alice, with: bob}\n"
                                "- close: {peer: bob, with: alice}\n- stop-server: turn\n- start-server: turn\n"
                                "- set-signaling: {loss: 50%}\n- set-signaling: {delay: 1s}\n");
    assert_int_equal(s->steps[0].kind, HP_STEP_INTERFACE);
    assert_string_equal(s->steps[0].interface.peer, "bob");
    assert_null(s->steps[0].interface.interface);
    assert_false(s->steps[0].interface.up);
    assert_int_equal(s->steps[1].kind, HP_STEP_INTERFACE);
    assert_string_equal(s->steps[1].interface.interface, "lte");
    assert_true(s->steps[1].interface.up);
    assert_int_equal(s->steps[2].kind, HP_STEP_ICE_RESTART);
    assert_string_equal(s->steps[2].session.peer, "alice");
    assert_null(s->steps[2].session.with);
    assert_string_equal(s->steps[3].session.with, "bob");
    assert_int_equal(s->steps[4].kind, HP_STEP_CLOSE);
    assert_string_equal(s->steps[4].session.peer, "bob");
    assert_int_equal(s->steps[5].kind, HP_STEP_STOP_SERVER);
    assert_string_equal(s->steps[5].server, "turn");
    assert_int_equal(s->steps[6].kind, HP_STEP_START_SERVER);
    assert_int_equal(s->steps[7].kind, HP_STEP_SET_SIGNALING);
    assert_int_equal(s->steps[7].signaling.loss_ppb, 500000000);
    assert_true(s->steps[7].signaling.delay == 50 * HP_MS && s->steps[7].signaling.echo);
    assert_int_equal(s->steps[8].signaling.loss_ppb, 500000000);
    assert_true(s->steps[8].signaling.delay == HP_S);
    hp_scenario_free(s);
}

static void what_cannot_be_a_step(void **state)
{
    assert_complains(NETWORK "steps:\n"
                             "- call: {from: alice}\n"
                             "- call: {from: alice, to: [bob, alice]}\n"
                             "- send: {from: bob, to: bob, count: 1, for: 1s, interval: 10ns, size: 31}\n"
                             "- wait-for: {}\n"
                             "- wait-for: {state: ready, event: candidate}\n"
                             "- wait-for: {state: ready, of: alice}\n"
                             "- wait-for: connectd\n"
                             "- set-nat: home\n"
                             "- set-nat: {nat: home}\n"
                             "- set-link: {of: bob}\n"
                             "- set-link: {of: lan, direction: up, loss: 1%}\n"
                             "- interface-down: {peer: alice, interface: wlan}\n"
                             "- {reboot: home, wait: 1s}\n"
                             "- {at: 1s}\n"
                             "- reboot\n"
                             "- [wait]\n"
                             "- {label: a, wait: 1s}\n"
                             "- {label: a, wait: 1s}\n",
                     "5:9: `call` lacks `to`\n"
                     "6:27: `alice` calls itself\n"
                     "7:25: `bob` sends to itself\n"
                     "7:45: `count` and `for` exclude each other\n"
                     "7:59: `interval` must be at least 1us\n"
                     "7:71: `size` must be from 32 to 65000, not 31\n"
                     "8:13: `wait-for` needs either `state` or `event`\n"
                     "9:13: `wait-for` needs either `state` or `event`\n"
                     "10:13: `of` and `where` go with `event` (`peers` says whose state)\n"
                     "11:13: `connectd` is not an ICE state (did you mean `connected`?)\n"
                     "12:12: steps.7.set-nat must be a map of keys and values\n"
                     "13:12: `set-nat` changes nothing\n"
                     "14:13: `set-link` changes nothing\n"
                     "15:34: `lan` has no directions\n"
                     "16:44: `alice` has no interface `wlan`\n"
                     "17:18: a step is one thing, and `reboot` is there already (put it in an item of its own)\n"
                     "18:3: this step says not what it is\n"
                     "19:3: steps.14.reboot lacks `nat`\n"
                     "20:3: steps.15 must be a map with one key that says what it is\n"
                     "22:3: the label `a` is given twice\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call),
        cmocka_unit_test(send_datagrams),
        cmocka_unit_test(waiting),
        cmocka_unit_test(nats_at_run_time),
        cmocka_unit_test(set_nat_adds_up),
        cmocka_unit_test(set_link_adds_up),
        cmocka_unit_test(the_rest),
        cmocka_unit_test(what_cannot_be_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
