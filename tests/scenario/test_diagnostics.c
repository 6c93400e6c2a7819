/* What a user sees, to the letter. */
#include "fixture.h"

static char *format_of(const char *text)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    assert_null(hp_scenario_parse("dir/t.yaml", text, strlen(text), diags));
    return hp_diags_format(diags);
}

static void all_at_once_with_carets(void **state)
{
    g_autofree char *said = format_of("network:\n"
                                      "  internt: {delay: 20ms}\n"
                                      "  nats:\n"
                                      "    home: {preset: symetric, udp-timeout: 30}\n"
                                      "peers:\n"
                                      "  alice: {behind: hom, ice: {stun: tunr, trickle: yes}}\n"
                                      "  bob: 7\n"
                                      "until: never\n");
    assert_string_equal(
        said,
        "dir/t.yaml:2:3: error: unknown key `internt` in network (did you mean `internet`?)\n"
        "    internt: {delay: 20ms}\n"
        "    ^\n"
        "dir/t.yaml:4:20: error: `symetric` is not a NAT preset (did you mean `symmetric`?)\n"
        "      home: {preset: symetric, udp-timeout: 30}\n"
        "                     ^\n"
        "dir/t.yaml:4:43: error: `udp-timeout` must be a duration such as 20ms, 1.5s or 10m, not `30` (add a unit: "
        "`30ms` or `30s`)\n"
        "      home: {preset: symetric, udp-timeout: 30}\n"
        "                                            ^\n"
        "dir/t.yaml:6:19: error: no network (internet, a LAN, a NAT or a firewall) is called `hom` (did you mean "
        "`home`?)\n"
        "    alice: {behind: hom, ice: {stun: tunr, trickle: yes}}\n"
        "                    ^\n"
        "dir/t.yaml:6:36: error: no server is called `tunr`\n"
        "    alice: {behind: hom, ice: {stun: tunr, trickle: yes}}\n"
        "                                     ^\n"
        "dir/t.yaml:6:51: error: `trickle` must be true or false, not `yes` (did you mean `true`?)\n"
        "    alice: {behind: hom, ice: {stun: tunr, trickle: yes}}\n"
        "                                                    ^\n"
        "dir/t.yaml:7:8: error: peers.bob must be a map of keys and values\n"
        "    bob: 7\n"
        "         ^\n"
        "dir/t.yaml:8:8: error: `until` must be a duration such as 20ms, 1.5s or 10m, not `never`\n"
        "  until: never\n"
        "         ^\n");
}

static void carets_count_characters(void **state)
{
    g_autofree char *said = format_of("peers: {a: {ice: {ufrag: \"\xc3\xa9t\xc3\xa9\", tos: 256}}}\n");
    assert_string_equal(said, "dir/t.yaml:1:38: error: `tos` must be from 0 to 255, not 256\n"
                              "  peers: {a: {ice: {ufrag: \"\xc3\xa9t\xc3\xa9\", tos: 256}}}\n"
                              "                                       ^\n");
}

static void values_that_will_not_do(void **state)
{
    assert_complains(
        "network:\n"
        "  internet:\n"
        "    rate: 10\n"
        "    loss: 2\n"
        "    queue: 1.5\n"
        "    queue-bytes: lots\n"
        "    mtu: 67\n"
        "    drop: [0, 3..1, a]\n"
        "    delay: {ms: 5}\n"
        "    jitter:\n"
        "    burst: {enter: 1%}\n"
        "    mtu-mode: drop\n"
        "  lans: {l: {prefix4: 10.0.0.1/8, prefix6: 10.0.0.0/8, families: [ipv5]}}\n"
        "  nats: {n: {port-range: 9..1, pool: 0, blocked: 70000, addresses: 192.0.2.1:80}}\n"
        "peers: {a: {ice: {ports: 1-5, stun-initial-timeout: 0.5ms, idle-timeout: 10ms}, mtu: -1}}\n"
        "tags: [a, 'b c', a]\n",
        "3:11: `rate` must be a rate such as 10Mbit/s, not `10` (add a unit: kbit/s, Mbit/s)\n"
        "4:11: `loss` must be a ratio such as 0.1% or 0.001, not `2` (at most 1, or 100%)\n"
        "5:12: `queue` must be a whole number, not `1.5`\n"
        "6:18: `queue-bytes` must be a size such as 200, 20kB or 1MiB, not `lots`\n"
        "7:10: `mtu` must be from 68 to 65535, not 67\n"
        "8:12: `drop` must be a number, a range counted from 1, or a list such as 3, 1..3 or 5.., not `0`\n"
        "9:12: `delay` must be a duration such as 20ms, 1.5s or 10m, not a map\n"
        "10:5: `jitter` must be a duration such as 20ms, 1.5s or 10m, not nothing\n"
        "11:12: network.internet.burst lacks `leave`\n"
        "12:15: `drop` is not an MTU mode (one of `fragment`, `frag-needed`, `black-hole`)\n"
        "13:23: `prefix4` must be a network such as 10.0.0.0/8 or 2001:db8::/32, not `10.0.0.1/8` (no bits may "
        "be set behind the prefix)\n"
        "13:44: `prefix6` must be a network of IPv6\n"
        "13:67: `families` must be ipv4, ipv6 or both in a list, not `ipv5`\n"
        "14:26: `port-range` must be a port or a range of ports such as 3478 or 1024..65535, not `9..1`\n"
        "14:38: `pool` must be from 1 to 256, not 0\n"
        "14:50: `blocked` must be a port, a range of ports, or a list such as 3478 or 1024..65535, not `70000`\n"
        "14:68: `addresses` must be an IP address without a port, or a list such as 192.0.2.1 or 2001:db8::1, not "
        "`192.0.2.1:80`\n"
        "15:26: `ports` must be a port or a range of ports such as 3478 or 1024..65535, not `1-5`\n"
        "15:53: `stun-initial-timeout` must be a duration of whole milliseconds such as 20ms or 1.5s, not `0.5ms`\n"
        "15:74: `idle-timeout` must be at least 50ms\n"
        "15:86: `mtu` must be from 68 to 65535, not -1\n"
        "16:11: `b c` is not fit for a name (letters, digits, `-` and `_`, at most 63)\n");
}

static void names_are_given_once(void **state)
{
    assert_complains(
        "network: {lans: {x: }, nats: {y: , internet: }}\nservers: {y: stun, a.b: stun}\n"
        "peers: {x: , '': , -z: }\n",
        "1:36: the name `internet` is taken (peers, servers, NATs, firewalls and LANs share one space of names)\n"
        "2:11: the name `y` is given twice (peers, servers, NATs, firewalls and LANs share one space of names)\n"
        "2:20: `a.b` is not fit for a name (letters, digits, `-` and `_`, at most 63)\n"
        "3:9: the name `x` is given twice (peers, servers, NATs, firewalls and LANs share one space of names)\n"
        "3:14: `` is not fit for a name (letters, digits, `-` and `_`, at most 63)\n"
        "3:20: `-z` is not fit for a name (letters, digits, `-` and `_`, at most 63)\n");
}

static void servers_and_their_users(void **state)
{
    assert_complains("servers: {s: stun, t: {kind: turn, users: {u: p}}, w: {port: 1}, x: {kind: trun}}\n"
                     "network: {nats: {home: {behind: internet}}, behind: {home: internet, hme: internet}}\n"
                     "peers:\n  a: {ice: {turn: s}}\n  b: {ice: {turn: t, turn-user: v}}\n"
                     "  c: {ice: {turn: t, turn-user: v, turn-password: w}}\n  d: {ice: {ice-udp: false}}\n",
                     "1:55: servers.w lacks `kind`\n"
                     "1:76: `trun` is not a kind of server (did you mean `turn`?)\n"
                     "2:60: NAT `home` says itself what it is behind\n"
                     "2:70: no NAT is called `hme` (did you mean `home`?)\n"
                     "4:19: server `s` is not of kind turn\n"
                     "5:3: peer `b`: server `t` has no user `v` (give `turn-password` too, if it is meant to fail)\n"
                     "7:22: an agent without UDP and TCP has no candidates\n");
}

/* A user's name is the server's business: a mail address, or an expiry and a name as in TURN REST. */
static void names_of_users_are_free(void **state)
{
    assert_complains(
        "servers:\n  t: {kind: turn, users: {'1700000000:alice': p, a@example.com: p, '': p}}\n"
        "  d: {kind: stun, nat-discovery: true, port: 3479}\npeers: {a: {ice: {turn: t, turn-user: a@example.com}}}\n",
        "2:68: a user's name must have 1 to 763 bytes\n"
        "3:6: `nat-discovery` needs two ports: `port` and `alternate-port` are both 3479\n");
    g_autofree char *long_realm = g_strnfill(764, 'r');
    g_autofree char *text = g_strdup_printf("servers: {t: {kind: turn, realm: %s}}\npeers: {a: }\n", long_realm);
    assert_complains(text, "1:34: `realm` must have at most 763 bytes\n");
}

static void files_that_cannot_be_read(void **state)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    assert_null(hp_scenario_load("/nonexistent/x.yaml", diags));
    assert_null(hp_scenario_load("/", diags));
    g_autofree char *said = hp_diags_format(diags);
    assert_string_equal(said, "/nonexistent/x.yaml: error: cannot be read: No such file or directory\n"
                              "/: error: cannot be read: Is a directory\n");
}

static void there_is_an_end_to_complaints(void **state)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GString) text = g_string_new("peers: {a: }\n"), twice = g_string_new("peers: {a: }\n");

    for (unsigned i = 0; i < 5000; i++) {
        g_string_append_printf(text, "key%u: 1\n", i);
        g_string_append(twice, "until: 1s\n");
    }
    assert_null(hp_scenario_parse("a.yaml", text->str, text->len, diags));
    assert_int_equal(diags->n_errors, 200);
    assert_null(hp_scenario_parse("b.yaml", twice->str, twice->len, diags));
    assert_int_equal(diags->n_errors, 400);
    /* What was said about other files does not count. */
    GPtrArray *good = hp_scenario_parse("c.yaml", "peers: {a: }\n", 13, diags);
    assert_int_equal(diags->n_errors, 400);
    assert_int_equal(good->len, 1);
    g_ptr_array_unref(good);
}

static void lists_are_bounded(void **state)
{
    g_autoptr(GString) text = g_string_new("peers:\n");
    for (unsigned i = 0; i < 10001; i++) {
        g_string_append_printf(text, "  p%u:\n", i);
    }
    g_string_append(text, "tags: [");
    for (unsigned i = 0; i < 1001; i++) {
        g_string_append_printf(text, "t%u, ", i);
    }
    g_string_append(text, "]\nsteps:\n");
    for (unsigned i = 0; i < 2001; i++) {
        g_string_append(text, "- wait: 1ms\n");
    }
    assert_complains(text->str, "2:3: `peers` must have at most 10000 names, not 10001\n"
                                "10003:7: `tags` must have at most 1000 values, not 1001\n"
                                "10005:1: `steps` must have 0 to 2000 items, not 2001\n");
}

static void a_file_names_its_scenario(void **state)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *cases = hp_scenario_load(HAIRPIN_SOURCE_DIR "/tests/scenario/data/full.yaml", diags);
    g_autofree char *said = hp_diags_format(diags);
    assert_string_equal(said, "");
    assert_int_equal(cases->len, 1);
    const hp_scenario *s = g_ptr_array_index(cases, 0);
    assert_string_equal(s->name, "full");
    g_ptr_array_unref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_at_once_with_carets),   cmocka_unit_test(carets_count_characters),
        cmocka_unit_test(values_that_will_not_do),   cmocka_unit_test(names_are_given_once),
        cmocka_unit_test(servers_and_their_users),   cmocka_unit_test(names_of_users_are_free),
        cmocka_unit_test(files_that_cannot_be_read), cmocka_unit_test(there_is_an_end_to_complaints),
        cmocka_unit_test(lists_are_bounded),         cmocka_unit_test(a_file_names_its_scenario),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
