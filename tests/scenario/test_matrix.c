/* `matrix`, `matrix-except` and `when`: which cases there are, in which order, and what each holds. */
#include "fixture.h"

static const hp_scenario *nth(const GPtrArray *cases, unsigned i)
{
    return g_ptr_array_index(cases, i);
}

static void the_last_path_turns_fastest(void **state)
{
    g_autoptr(GPtrArray) cases = load_all("network: {nats: {home: {udp-timeout: 30s}, office: symmetric}}\n"
                                          "peers: {a: {behind: home}}\n"
                                          "matrix:\n  network.nats.home.preset: [full-cone, symmetric]\n"
                                          "  defaults.ice.trickle: [true, false]\n");
    static const char *const labels[] = {
        "home.preset=full-cone, ice.trickle=true",
        "home.preset=full-cone, ice.trickle=false",
        "home.preset=symmetric, ice.trickle=true",
        "home.preset=symmetric, ice.trickle=false",
    };
    assert_int_equal(cases->len, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(nth(cases, i)->label, labels[i]);
        assert_string_equal(nth(cases, i)->nats[0].preset, i < 2 ? "full-cone" : "symmetric");
        assert_true(nth(cases, i)->nats[0].config.udp_timeout == 30 * HP_S); /* what the file says stays */
        assert_int_equal(nth(cases, i)->peers[0].ice.trickle, i % 2 == 0);
        assert_string_equal(nth(cases, i)->nats[1].preset, "symmetric");
    }
}

static void every_kind_of_path(void **state)
{
    g_autoptr(GPtrArray) cases =
        load_all("network: {nats: {home: symmetric}}\nservers: {turn: turn}\npeers: {a: {behind: home}, b: }\n"
                 "steps: [{call: {from: a, to: b}}, {reboot: home}, {send: {from: a, to: b}}]\n"
                 "expect: [connected, {pair: {a: host}}, {event: {event: step}}]\n"
                 "matrix:\n"
                 "  network.nats.home.udp-timeout: [5s]\n" /* through a shorthand */
                 "  servers.turn.lifetime: [20s]\n"
                 "  steps.2.send.size: [100]\n"
                 "  steps.1.at: [9s]\n"
                 "  expect.0.connected.within: [4s]\n" /* through a bare word */
                 "  expect.1.pair.a: [relay]\n" /* through a map shorthand */
                 "  expect.2.event.where.step: [3]\n"
                 "  signaling.loss: [1%]\n" /* the file has no signaling */
                 "  peers.b.ice: [{stun: turn}]\n"
                 "  seed: [5]\n");
    const hp_scenario *s = nth(cases, 0);

    assert_int_equal(cases->len, 1);
    assert_string_equal(s->nats[0].preset, "symmetric");
    assert_true(s->nats[0].config.udp_timeout == 5 * HP_S);
    assert_int_equal(s->servers[0].config.kind, HP_SERVER_TURN);
    assert_true(s->servers[0].config.lifetime == 20 * HP_S);
    assert_int_equal(s->steps[2].send.size, 100);
    assert_true(s->steps[1].has_at && s->steps[1].at == 9 * HP_S);
    assert_string_equal(s->steps[1].nat.nat, "home");
    assert_true(s->expects[0].connected.has_within && s->expects[0].connected.within == 4 * HP_S);
    assert_string_equal(s->expects[1].pair.types[0], "relay");
    assert_string_equal(s->expects[2].event.pattern.values[0], "3");
    assert_int_equal(s->signaling.loss_ppb, 10000000);
    assert_true(s->signaling.delay == 50 * HP_MS);
    assert_string_equal(s->peers[1].ice.stun, "turn");
    assert_int_equal(s->seed, 5);
    assert_string_equal(s->label,
                        "home.udp-timeout=5s, turn.lifetime=20s, send.size=100, 1.at=9s, connected.within=4s, "
                        "pair.a=relay, where.step=3, signaling.loss=1%, b.ice={stun: turn}, seed=5");
}

static void only_what_is_there(void **state)
{
    assert_complains("network: {nats: {home: }}\npeers: {alice: {behind: home}}\nsteps: [wait: 1s]\nmatrix:\n"
                     "  network.nats.hom.preset: [symmetric]\n",
                     "5:3: path `network.nats.hom.preset`: no nat called `hom` (did you mean `home`?)\n");
    assert_complains(
        "network: {nats: {home: }}\npeers: {alice: {behind: home}}\nmatrix: {network.nats.home.mappin: [x]}\n",
        "3:10: path `network.nats.home.mappin`: no key `mappin` (did you mean `mapping`?)\n");
    assert_complains("peers: {a: }\nsteps: [wait: 1s]\nmatrix: {steps.1.wait: [1s]}\n",
                     "3:10: path `steps.1.wait`: `1` is no item of `steps` (items are counted from 0)\n");
    assert_complains("peers: {a: }\nmatrix: {seed.x: [1]}\n", "2:10: path `seed.x`: `seed` has no keys of its own\n");
    assert_complains("peers: {a: }\nmatrix: {matrix.x: [1]}\n",
                     "2:10: path `matrix.x`: a matrix cannot set `matrix`\n");
    assert_complains("peers: {a: }\nmatrix: {seed: 1}\n", "2:16: `seed` needs a list of values\n");
    assert_complains("peers: {a: }\nmatrix: {seed: []}\n", "2:16: `seed` needs a list of values\n");
    assert_complains("peers: {a: }\nmatrix: [seed]\n", "2:9: `matrix` must be a map from paths to lists of values\n");
    assert_complains("peers: {a: }\nmatrix: {seed: [1, 2, 1]}\n", "2:23: `1` of `seed`: this value is there already\n");
    assert_complains("peers: {a: }\nmatrix-except: [{seed: 1}]\n", "2:16: `matrix-except` without `matrix`\n");
}

/* A mistake in one value is reported at that value, a mistake elsewhere once, however many cases there are. */
static void mistakes_are_said_once(void **state)
{
    assert_complains("network: {nats: {home: }}\npeers: {a: {behind: home}}\nuntil: 5\nmatrix:\n"
                     "  network.nats.home.preset: [symmetric, symetric, full-cone]\n  seed: [1, 2, x]\n",
                     "3:8: `until` must be a duration such as 20ms, 1.5s or 10m, not `5` (add a unit: `5ms` or `5s`)\n"
                     "5:41: `symetric` is not a NAT preset (did you mean `symmetric`?)\n"
                     "6:16: `seed` must be a whole number, not `x`\n");
}

static void exceptions(void **state)
{
    g_autoptr(GPtrArray) cases =
        load_all("peers: {a: , b: }\n"
                 "matrix: {peers.a.mtu: [1000, 1100, 1200], peers.b.mtu: [1000, 1100]}\n"
                 "matrix-except:\n  - {a.mtu: 1000, peers.b.mtu: 1000}\n  - {a.mtu: [1100, 1200], b.mtu: 1100}\n");
    assert_int_equal(cases->len, 3);
    assert_string_equal(nth(cases, 0)->label, "a.mtu=1000, b.mtu=1100");
    assert_string_equal(nth(cases, 1)->label, "a.mtu=1100, b.mtu=1000");
    assert_string_equal(nth(cases, 2)->label, "a.mtu=1200, b.mtu=1000");
    assert_int_equal(nth(cases, 2)->peers[0].interfaces[0].mtu, 1200);

    assert_complains("peers: {a: , b: }\nmatrix: {peers.a.mtu: [1000], peers.b.mtu: [1000]}\nmatrix-except:\n"
                     "  - {mtu: 1000}\n  - {c.mtu: 1000}\n  - 7\n",
                     "4:6: `mtu` may mean several paths of the matrix (give more of the path)\n"
                     "5:6: `c.mtu` is no path of the matrix\n"
                     "6:5: an exception must be a map from paths to values\n");
    assert_complains("peers: {a: }\nmatrix: {seed: [1]}\nmatrix-except: [{seed: 1}]\n",
                     "2:9: `matrix-except` leaves no case\n");
}

static void only_when(void **state)
{
    g_autoptr(GPtrArray) cases =
        load_all("network: {nats: {home: }}\nservers: {t: turn}\npeers: {a: {behind: home, ice: {turn: t}}, b: }\n"
                 "steps:\n  - call: {from: a, to: b}\n  - when: {home.preset: symmetric}\n    wait: 7s\n"
                 "expect:\n  - {pair: {a: relay}, when: {preset: symmetric}}\n"
                 "  - {pair: {a: srflx}, when: {preset: [full-cone, restricted-cone]}}\n"
                 "matrix: {network.nats.home.preset: [full-cone, restricted-cone, symmetric]}\n");
    assert_int_equal(cases->len, 3);
    for (unsigned i = 0; i < 3; i++) {
        const hp_scenario *s = nth(cases, i);
        assert_int_equal(s->n_steps, i == 2 ? 2 : 1);
        assert_int_equal(s->n_expects, 1);
        assert_string_equal(s->expects[0].pair.types[0], i == 2 ? "relay" : "srflx");
    }
    assert_true(nth(cases, 2)->steps[1].wait == 7 * HP_S);
    assert_complains("peers: {a: }\nexpect: [{connected: , when: {preset: x}}]\n",
                     "2:31: `preset` is no path of the matrix\n");
}

static void names_grow_until_they_differ(void **state)
{
    g_autoptr(GPtrArray) cases =
        load_all("network: {nats: {n: {lan: }, m: {lan: }}}\npeers: {a: {behind: n}}\n"
                 "matrix: {network.nats.n.lan.delay: [1ms], network.nats.m.lan.delay: [2ms], until: [3s]}\n");
    assert_string_equal(nth(cases, 0)->label, "n.lan.delay=1ms, m.lan.delay=2ms, until=3s");
    assert_true(nth(cases, 0)->nats[0].lan.delay_ns == HP_MS);
    assert_true(nth(cases, 0)->nats[1].lan.delay_ns == 2 * HP_MS);
    assert_true(nth(cases, 0)->until == 3 * HP_S);
}

static void there_is_an_end_to_it(void **state)
{
    g_autoptr(GString) text = g_string_new("peers: {a: , b: , c: }\nmatrix:\n");
    for (const char *peer = "abc"; *peer != '\0'; peer++) {
        g_string_append_printf(text, "  peers.%c.mtu: [", *peer);
        for (unsigned i = 0; i < 22; i++) {
            g_string_append_printf(text, "%s%u", i > 0 ? ", " : "", 1000 + i);
        }
        g_string_append(text, "]\n");
    }
    assert_complains(text->str, "5:3: the matrix has more than 10000 cases (`matrix-reduce: pairwise` makes fewer)\n");
}

/* Cases own what they hold: each can be kept when the others are gone. */
static void cases_live_alone(void **state)
{
    GPtrArray *cases = load_all("name: n\npeers: {a: }\nmatrix: {seed: [1, 2, 3]}\n");
    hp_scenario *second = g_ptr_array_steal_index(cases, 1);
    g_ptr_array_unref(cases);
    assert_string_equal(second->label, "seed=2");
    assert_string_equal(second->peers[0].mark.file, "t.yaml");
    g_autofree char *line = hp_scenario_source_line(second, 1);
    assert_string_equal(line, "name: n");
    hp_scenario_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_path_turns_fastest),
        cmocka_unit_test(every_kind_of_path),
        cmocka_unit_test(only_what_is_there),
        cmocka_unit_test(mistakes_are_said_once),
        cmocka_unit_test(exceptions),
        cmocka_unit_test(only_when),
        cmocka_unit_test(names_grow_until_they_differ),
        cmocka_unit_test(there_is_an_end_to_it),
        cmocka_unit_test(cases_live_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
