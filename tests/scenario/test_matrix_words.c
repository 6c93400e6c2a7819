/* A matrix by words: NATs, servers, families and more; values with names; what the command line adds. */
#include "fixture.h"

#include "config/nat.h"

#define WORLD                                                                                                          \
    "network: {nats: {home: full-cone, office: full-cone}}\n"                                                          \
    "servers: {s: stun, t: {kind: turn, transports: [udp, tcp]}}\n"                                                    \
    "peers: {alice: {behind: home}, bob: {behind: office}}\n"

static const hp_scenario *nth(const GPtrArray *cases, unsigned i)
{
    return g_ptr_array_index(cases, i);
}

/* With what the command line adds; "" after an error, with the complaints in *ret_said. */
static GPtrArray *ask(const char *text, const hp_matrix_request *request, char **ret_said)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *cases = hp_scenario_load_matrix("t.yaml", text, request, diags);
    *ret_said = hp_diags_format(diags);
    return cases;
}

static GPtrArray *load_with(const char *text, const hp_matrix_request *request)
{
    g_autofree char *said = NULL;
    GPtrArray *cases = ask(text, request, &said);
    assert_string_equal(said, "");
    assert_non_null(cases);
    return cases;
}

static void assert_refused(const char *text, const hp_matrix_request *request, const char *expected)
{
    g_autofree char *said = NULL;
    assert_null(ask(text, request, &said));
    assert_string_equal(said, expected);
}

static void a_nat_stands_for_its_preset(void **state)
{
    g_autoptr(GPtrArray) cases =
        load_all(WORLD "matrix: {home: [symmetric, full-cone], office: all}\n"
                       "matrix-except: [{home: symmetric, office: symmetric}, {office.preset: full-cone}]\n");
    size_t presets = 0;
    hp_nat_presets(&presets);
    assert_true(presets >= 24);
    assert_int_equal(cases->len, 2 * presets - 3);
    assert_string_equal(nth(cases, 0)->nats[0].preset, "symmetric");
    assert_string_equal(nth(cases, 0)->axes[0].path, "network.nats.home.preset");
    assert_string_equal(nth(cases, 0)->axes[0].name, "home");
    assert_string_equal(nth(cases, 0)->axes[0].value, "symmetric");
    assert_int_equal(nth(cases, 0)->n_axes, 2);
    assert_true(g_str_has_prefix(nth(cases, 0)->label, "home=symmetric, office="));
}

static void servers(void **state)
{
    g_autoptr(GPtrArray) cases =
        load_all(WORLD "defaults: {ice: {stun: t, trickle: false}}\n"
                       "matrix: {servers: [none, stun, stun+turn, turn-tcp, turn+turn-tcp]}\n");
    static const char *const stun[] = {NULL, "s", "s", NULL, NULL};
    static const unsigned transports[] = {0, 0, HP_SERVER_UDP, HP_SERVER_TCP, HP_SERVER_UDP | HP_SERVER_TCP};
    assert_int_equal(cases->len, 5);
    for (unsigned i = 0; i < 5; i++) {
        const hp_ice_config *ice = &nth(cases, i)->peers[1].ice;
        assert_int_equal(g_strcmp0(ice->stun, stun[i]), 0);
        assert_int_equal(ice->turn != NULL, transports[i] != 0);
        if (transports[i] != 0) {
            assert_string_equal(ice->turn[0], "t");
            assert_int_equal(ice->turn_transports, transports[i]);
        }
        assert_false(ice->trickle); /* what the file says besides stays */
    }
    assert_string_equal(nth(cases, 2)->label, "servers=stun+turn");
    /* The key of that name is a path still. */
    g_autoptr(GPtrArray) maps = load_all("peers: {a: }\nmatrix: {servers: [{x: stun}, {y: stun}]}\n");
    assert_string_equal(nth(maps, 1)->servers[0].name, "y");

    assert_complains(WORLD "matrix: {servers: [stun+relay]}\n",
                     "4:20: `servers` may be none, or one or several of stun, turn, turn-tcp and turn-tls with + "
                     "between them, not `stun+relay`\n");
    assert_complains("peers: {a: }\nmatrix: {servers: [turn]}\n",
                     "2:20: `servers: turn`: the file has no server of kind turn\n");
    assert_complains("servers: {s: stun}\npeers: {a: {ice: {stun: s}}}\nmatrix: {servers: [none]}\n",
                     "3:10: the axis `servers` would not reach a, who has `stun` of its own (say it in `defaults`, or "
                     "use paths of the peers)\n");
}

static void agents(void **state)
{
    g_autoptr(GPtrArray) cases = load_all("peers: {a: }\nmatrix: {trickle: [yes, no], nomination: all, seeds: 3..4}\n");
    assert_int_equal(cases->len, 8);
    assert_true(nth(cases, 0)->peers[0].ice.trickle);
    assert_int_equal(nth(cases, 0)->peers[0].ice.nomination, HP_ICE_NOMINATION_AGGRESSIVE);
    assert_int_equal(nth(cases, 0)->seed, 3);
    assert_false(nth(cases, 7)->peers[0].ice.trickle);
    assert_int_equal(nth(cases, 7)->peers[0].ice.nomination, HP_ICE_NOMINATION_REGULAR);
    assert_int_equal(nth(cases, 7)->seed, 4);
    assert_string_equal(nth(cases, 7)->label, "trickle=no, nomination=regular, seeds=4");
    assert_complains("peers: {a: }\nmatrix: {trickle: [maybe]}\n", "2:20: `trickle` may be yes or no, not `maybe`\n");
}

static void families(void **state)
{
    g_autoptr(GPtrArray) cases =
        load_all("network: {nats: {home: full-cone, own: {families: ipv4}}}\nservers: {s: stun}\n"
                 "peers: {a: {behind: home}}\nmatrix: {families: all}\n");
    assert_int_equal(cases->len, 3);
    for (unsigned i = 0; i < 3; i++) {
        const hp_scenario *s = nth(cases, i);
        assert_int_equal(s->peers[0].interfaces[0].family.ipv4, i != 1);
        assert_int_equal(s->peers[0].interfaces[0].family.ipv6, i != 0);
        assert_true(s->nats[0].family.ipv4);
        assert_int_equal(s->nats[0].family.ipv6, i != 0);
        assert_false(s->nats[1].family.ipv6); /* which says so itself */
        assert_int_equal(s->servers[0].family.ipv6, i != 0);
    }
    assert_complains("peers: {a: {families: ipv4}}\nmatrix: {families: all}\n",
                     "2:10: the axis `families` would not reach a, who has `families` of its own (say it in "
                     "`defaults`, or use paths of the peers)\n");
}

/* IPv6 alone inside, also behind a NAT of that network; a CLAT for whoever wants IPv4. */
static void a_network_without_ipv4(void **state)
{
    static const char nested[] = "network: {nats: {phone: full-cone, hotspot: {behind: phone}, other: full-cone}}\n"
                                 "peers: {a: {behind: phone}, b: {behind: hotspot}, c: {interfaces: {x: phone, y: "
                                 "other}}, d: {behind: other}}\n";
    g_autofree char *text = g_strconcat(nested, "matrix: {phone: [ipv6-only-mobile, symmetric]}\n", NULL);
    g_autoptr(GPtrArray) cases = load_all(text);
    const hp_scenario *s = nth(cases, 0), *usual = nth(cases, 1);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(s->nats[i].family.ipv6 && !s->nats[i].family.ipv4);
        assert_true(s->peers[i].interfaces[0].family.ipv6 && !s->peers[i].interfaces[0].family.ipv4);
        assert_true(s->peers[i].interfaces[0].clat);
    }
    assert_true(s->peers[2].interfaces[0].clat && !s->peers[2].interfaces[1].clat);
    assert_true(s->nats[2].family.ipv4 && !s->nats[2].family.ipv6 && !s->peers[3].interfaces[0].clat);
    assert_true(usual->nats[0].family.ipv4 && !usual->peers[0].interfaces[0].clat);

    g_autofree char *ipv6 = g_strconcat(nested, "matrix: {families: [ipv6], phone: [ipv6-only-mobile]}\n", NULL);
    g_autoptr(GPtrArray) plain = load_all(ipv6);
    assert_false(nth(plain, 0)->peers[0].interfaces[0].clat);

    /* A path says it: then the case is what it is called, be it a mistake (the plan finds it). */
    g_autofree char *path = g_strconcat(
        nested, "matrix: {phone: [ipv6-only-mobile], peers.a.families: [[ipv4], [ipv6]], peers.a.clat: [false]}\n",
        NULL);
    g_autoptr(GPtrArray) said = load_all(path);
    assert_true(nth(said, 0)->peers[0].interfaces[0].family.ipv4 && !nth(said, 0)->peers[0].interfaces[0].family.ipv6);
    assert_true(nth(said, 1)->peers[0].interfaces[0].family.ipv6 && !nth(said, 1)->peers[0].interfaces[0].clat);
    assert_true(nth(said, 0)->peers[1].interfaces[0].family.ipv6 && nth(said, 0)->peers[1].interfaces[0].clat);

    assert_complains(WORLD "matrix: {families: [ipv4, dual], home: [symmetric, ipv6-only-mobile]}\n",
                     "4:52: home=ipv6-only-mobile has IPv6 alone, and cannot be combined with families=ipv4 (leave it "
                     "out: {home: ipv6-only-mobile, families: ipv4} in `matrix-except`, or as --except "
                     "home=ipv6-only-mobile,families=ipv4)\n");
    g_autoptr(GPtrArray) left = load_all(WORLD "matrix: {families: [ipv4, dual], home: [symmetric, ipv6-only-mobile]}\n"
                                               "matrix-except: [{home: ipv6-only-mobile, families: ipv4}]\n");
    assert_int_equal(left->len, 3);
}

static void values_with_names(void **state)
{
    g_autoptr(GPtrArray) cases =
        load_all(WORLD "matrix:\n  mood: {calm: , wild: {until: 9s, network.nats.home.udp-timeout: 7s}}\n"
                       "expect: [{connected: {within: 1s}, when: {mood: wild}}]\n");
    assert_int_equal(cases->len, 2);
    assert_string_equal(nth(cases, 1)->label, "mood=wild");
    assert_true(nth(cases, 0)->until == 60 * HP_S && nth(cases, 0)->n_expects == 0);
    assert_true(nth(cases, 1)->until == 9 * HP_S && nth(cases, 1)->n_expects == 1);
    assert_true(nth(cases, 1)->nats[0].config.udp_timeout == 7 * HP_S);
    assert_complains("peers: {a: }\nmatrix: {mood: {calm: 3}}\n",
                     "2:23: `calm` of `mood` must be a map from paths to values\n");
    assert_complains("peers: {a: }\nmatrix: {mood: {calm: {untill: 3s}}}\n",
                     "2:32: path `untill`: no key `untill` (did you mean `until`?)\n");
    assert_complains("peers: {a: }\nmatrix: {mood: {}}\n", "2:16: `mood` needs a list of values\n");
}

static void all_and_ranges_of_a_path(void **state)
{
    g_autoptr(GPtrArray) cases = load_all(WORLD "matrix: {defaults.ice.nomination: all, defaults.ice.trickle: all,"
                                                " peers.alice.mtu: 1200..1202}\n");
    assert_int_equal(cases->len, 12);
    assert_string_equal(nth(cases, 11)->label, "ice.nomination=regular, ice.trickle=false, alice.mtu=1202");
    assert_complains("peers: {a: }\nmatrix: {until: all}\n", "2:17: `until` needs a list of values\n");
    assert_complains("peers: {a: }\nmatrix: {seed: 5..4}\n",
                     "2:16: the range `5..4` of `seed` must go upwards and have at most 10000 numbers\n");
    assert_complains("peers: {a: }\nmatrix: {seed: 1..10001}\n",
                     "2:16: the range `1..10001` of `seed` must go upwards and have at most 10000 numbers\n");
    assert_complains("peers: {a: }\nmatrix: {seed: x..2}\n", "2:16: `seed` needs a list of values\n");
    assert_complains(WORLD "matrix: {hom: all}\n",
                     "4:10: path `hom`: no key, word or NAT is called so (did you mean `home`?)\n");
}

static void pairwise(void **state)
{
    g_autoptr(GPtrArray) cases =
        load_all("peers: {a: }\nmatrix: {seed: 1..3, peers.a.mtu: 1000..1002, defaults.ice.trickle: all,"
                 " defaults.ice.nomination: all}\nmatrix-reduce: pairwise\n");
    assert_int_equal(cases->len, 9);
    assert_string_equal(nth(cases, 0)->label, "seed=1, a.mtu=1000, ice.trickle=true, ice.nomination=aggressive");
    assert_complains("peers: {a: }\nmatrix: {seed: [1]}\nmatrix-reduce: pairwide\n",
                     "3:16: `pairwide` is not a reduction (did you mean `pairwise`?)\n");
    assert_complains("peers: {a: }\nmatrix: {seed: 1..1500, peers.a.mtu: 1000..1600}\nmatrix-reduce: pairwise\n",
                     "2:10: the matrix has more than 10000 cases\n");
}

static void the_command_line_adds(void **state)
{
    static const char file[] = WORLD "matrix: {network.nats.home.preset: [symmetric], servers: [none]}\n";
    char *axes[] = {(char *)"home.preset=full-cone,restricted-cone", (char *)"servers=stun", (char *)"trickle=all",
                    (char *)"office=[full-cone, symmetric]", NULL};
    char *except[] = {(char *)"home.preset=full-cone,office=[symmetric]", (char *)"trickle=no,office=full-cone", NULL};
    const hp_matrix_request request = {.axes = axes, .except = except};
    g_autoptr(GPtrArray) cases = load_with(file, &request);
    static const char *const labels[] = {
        "home.preset=full-cone, servers=stun, trickle=yes, office=full-cone",
        "home.preset=restricted-cone, servers=stun, trickle=yes, office=full-cone",
        "home.preset=restricted-cone, servers=stun, trickle=yes, office=symmetric",
        "home.preset=restricted-cone, servers=stun, trickle=no, office=symmetric",
    };
    assert_int_equal(cases->len, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(nth(cases, i)->label, labels[i]);
    }
    assert_string_equal(nth(cases, 3)->nats[1].preset, "symmetric");
    /* By its word instead of its path; a file without a matrix. */
    char *words[] = {(char *)"home=port-restricted-cone", (char *)"defaults.ice={},{stun: s}", NULL};
    const hp_matrix_request by_word = {.axes = words};
    g_autoptr(GPtrArray) replaced = load_with(WORLD "matrix: {network.nats.home.preset: [symmetric]}\n", &by_word);
    assert_int_equal(replaced->len, 2);
    assert_string_equal(nth(replaced, 1)->label, "home=port-restricted-cone, defaults.ice={stun: s}");
    g_autoptr(GPtrArray) fresh =
        load_with("network: {nats: {home: }}\nservers: {s: stun}\npeers: {a: {behind: home}}\n", &by_word);
    assert_string_equal(nth(fresh, 0)->label, "home=port-restricted-cone, defaults.ice={}");
    char *many[] = {(char *)"seeds=1..9", (char *)"trickle=all", (char *)"nomination=all", NULL};
    const hp_matrix_request few = {.axes = many, .pairwise = true};
    g_autoptr(GPtrArray) reduced = load_with("peers: {a: }\n", &few);
    assert_int_equal(reduced->len, 18);
}

static void the_command_line_errs(void **state)
{
    static const struct {
        const char *axis, *except, *said;
    } wrong[] = {
        {"home", NULL,
         "t.yaml: error: --axis takes NAME=VALUES, not `home` (as `home=all` or "
         "`defaults.ice.trickle=true,false`)\n"},
        {"hoem=all", NULL, "t.yaml: error: path `hoem`: no key, word or NAT is called so (did you mean `home`?)\n"},
        {"home=symetric", NULL, "t.yaml: error: `symetric` is not a NAT preset (did you mean `symmetric`?)\n"},
        {"home=symmetric,symmetric", NULL, "t.yaml: error: `symmetric` of `home`: this value is there already\n"},
        {"home=all", "offic=symmetric", "t.yaml: error: `offic` is no path of the matrix\n"},
        {NULL, "home=symmetric", "t.yaml: error: --except without a matrix\n"},
        {"home=symmetric", "home=symmetric", "t.yaml: error: `matrix-except` leaves no case\n"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        char *axes[] = {(char *)wrong[i].axis, NULL}, *except[] = {(char *)wrong[i].except, NULL};
        const hp_matrix_request request = {.axes = axes, .except = except};
        assert_refused(WORLD, &request, wrong[i].said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nat_stands_for_its_preset),
        cmocka_unit_test(servers),
        cmocka_unit_test(agents),
        cmocka_unit_test(families),
        cmocka_unit_test(a_network_without_ipv4),
        cmocka_unit_test(values_with_names),
        cmocka_unit_test(all_and_ranges_of_a_path),
        cmocka_unit_test(pairwise),
        cmocka_unit_test(the_command_line_adds),
        cmocka_unit_test(the_command_line_errs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
