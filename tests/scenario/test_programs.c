/* What runs peers, servers and NATs in the live world; worlds; agreement. */
#include "fixture.h"

static void programs(void **state)
{
    hp_scenario *s = load_one("defaults: {program: chromium, page: p.html, environment: {A: 1, B: two}}\n"
                              "peers:\n  a:\n  b: {program: pion}\n  c: {exec: [python3, -u, -u]}\n  d: {exec: ls}\n"
                              "  e: {kind: raw}\n  f: {page: q.html, environment: {C: x}}\n  g: {program: libnice}");
    assert_int_equal(s->peers[0].program.program, HP_PEER_CHROMIUM);
    assert_string_equal(s->peers[0].program.page, "p.html");
    assert_int_equal(s->peers[0].program.environment.n, 2);
    assert_string_equal(s->peers[0].program.environment.names[1], "B");
    assert_string_equal(s->peers[0].program.environment.values[1], "two");
    assert_int_equal(s->peers[1].program.program, HP_PEER_PION);
    assert_null(s->peers[1].program.page);
    assert_int_equal(s->peers[2].program.program, HP_PEER_EXEC);
    assert_string_equal(s->peers[2].program.exec[2], "-u");
    assert_null(s->peers[2].program.exec[3]);
    assert_null(s->peers[2].program.page);
    assert_string_equal(s->peers[3].program.exec[0], "ls");
    assert_int_equal(s->peers[4].program.program, HP_PEER_LIBNICE);
    assert_int_equal(s->peers[5].program.program, HP_PEER_CHROMIUM);
    assert_string_equal(s->peers[5].program.page, "q.html");
    assert_int_equal(s->peers[5].program.environment.n, 1);
    assert_int_equal(s->peers[6].program.program, HP_PEER_LIBNICE);
    hp_scenario_free(s);
    s = load_one("defaults: {exec: [x]}\npeers: {a: {program: aiortc}, b: }");
    assert_int_equal(s->peers[0].program.program, HP_PEER_AIORTC);
    assert_int_equal(s->peers[1].program.program, HP_PEER_EXEC);
    hp_scenario_free(s);
}

static void programs_that_are_wrong(void **state)
{
    assert_complains("peers: {a: {program: chrome}}",
                     "1:22: `chrome` is not a program that can be a peer (one of `libnice`, `chromium`, `aiortc`, "
                     "`webrtcbin`, `pion`)\n");
    assert_complains("peers: {a: {program: pion, exec: ls}}",
                     "1:22: a peer is one thing: `program`, or what `exec` starts\n");
    assert_complains("peers: {a: {exec: []}}", "1:19: `exec` names no program (for example `[python3, program.py]`)\n");
    assert_complains("peers: {a: {page: x.html}}", "1:19: only a browser opens a page (add `program: chromium`)\n");
    assert_complains("peers: {a: {kind: raw, program: pion}}", "1:33: a raw peer has no `program`\n");
}

static void knobs_of_our_own_peer(void **state)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    static const char text[] = "servers: {t: turn}\npeers:\n"
                               "  a: {program: pion, ice: {turn: t, trickle: false}, client: {ignores-own: false}}\n";
    GPtrArray *cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    assert_non_null(cases);
    assert_int_equal(diags->list->len, 2);
    const hp_diag *first = g_ptr_array_index(diags->list, 0), *second = g_ptr_array_index(diags->list, 1);
    assert_string_equal(first->message, "`trickle` does nothing to `a`, which is program pion");
    assert_string_equal(second->message, "`ignores-own` does nothing to `a`, which is program pion");
    g_ptr_array_unref(cases);
}

static void servers(void **state)
{
    hp_scenario *s = load_one("servers:\n  a: {kind: stun, program: coturn}\n  b: {kind: dns, exec: [x, y]}\n"
                              "  c: {kind: web, root: www}\n  d: {kind: web, root: www, port: 8080}\n"
                              "  e: {kind: other, exec: sfu, port: 9, environment: {A: b}}\n  f: turn\npeers: {p: }");
    assert_int_equal(s->servers[0].program.program, HP_SERVER_COTURN);
    assert_int_equal(s->servers[1].program.program, HP_SERVER_EXEC);
    assert_int_equal(s->servers[2].config.port, 80);
    assert_string_equal(s->servers[2].program.root, "www");
    assert_int_equal(s->servers[3].config.port, 8080);
    assert_int_equal(s->servers[4].config.kind, HP_SERVER_OTHER);
    assert_string_equal(s->servers[4].program.environment.values[0], "b");
    assert_int_equal(s->servers[5].program.program, HP_SERVER_BUILTIN);
    hp_scenario_free(s);
}

static void servers_that_are_wrong(void **state)
{
    assert_complains("servers: {s: {kind: web}}\npeers: {a: }",
                     "1:14: a web server needs `root`: the folder that it serves\n");
    assert_complains("servers: {s: {kind: web, root: x, realm: y}}\npeers: {a: }",
                     "1:35: only a STUN or TURN server has `realm`\n");
    assert_complains("servers: {s: {kind: other}}\npeers: {a: }",
                     "1:14: a server of kind other needs `exec`: the program that it is\n");
    assert_complains("servers: {s: {kind: turn, root: x}}\npeers: {a: }",
                     "1:33: only a server of kind web has `root`\n");
    assert_complains("servers: {s: {kind: turn, environment: {A: b}}}\npeers: {a: }",
                     "1:40: a builtin server has no environment (add `exec` or a `program`)\n");
    assert_complains("servers: {s: {kind: turn, program: coturn, exec: x}}\npeers: {a: }",
                     "1:36: a server is one thing: `program`, or what `exec` starts\n");
    assert_complains("servers: {s: {kind: dns, program: coturn}}\npeers: {a: }", "1:35: coturn is no DNS server\n");
    assert_complains("servers: {s: {kind: web, root: x}}\npeers: {a: {ice: {stun: s}}}",
                     "2:25: server `s` is no STUN server\n");
}

/* Every knob that is a lie with coturn is refused by name. */
static void what_coturn_cannot_be_told(void **state)
{
    const char *const knobs[] = {"require-fingerprint: true",
                                 "sha256: true",
                                 "userhash: true",
                                 "lifetime: 5m",
                                 "capacity: 3",
                                 "dont-fragment: false",
                                 "tls-max: \"1.2\"",
                                 "alpn: false",
                                 "stream-idle: 5s",
                                 "connect-timeout: 40s",
                                 "bind-timeout: 5s",
                                 "faults: [silence]",
                                 "max-lifetime: 5m",
                                 "users: {\"a:b\": c}",
                                 "users: {a: 0xff}",
                                 "users: {a: \"b c\"}",
                                 "nonce-lifetime: 1500ms",
                                 "realm: \"a\\nuser=x:y\"",
                                 "users: {a: {password: b, expires: 5s}}"};
    for (unsigned i = 0; i < G_N_ELEMENTS(knobs); i++) {
        g_autofree char *text = g_strdup_printf(
            "servers:\n  s: {kind: turn, program: %%s, transports: [udp, tcp, tls], %s}\npeers: {a: }", knobs[i]);
        g_auto(GStrv) parts = g_strsplit(text, "%s", 2);
        g_autofree char *coturn = g_strconcat(parts[0], "coturn", parts[1], NULL);
        g_autofree char *builtin = g_strconcat(parts[0], "builtin", parts[1], NULL);
        g_autofree char *said = complaints(coturn);
        assert_true(g_str_has_prefix(said, "2:") && strstr(said, "coturn"));
        hp_scenario_free(load_one(builtin));
    }
    assert_complains("servers: {s: {kind: turn, program: coturn, users: {a: {}}}}\npeers: {a: }",
                     "1:55: servers.s.users.a lacks `password`\n");
    hp_scenario_free(load_one("servers: {s: {kind: turn, program: coturn, nat-discovery: true, software: false,\n"
                              "  users: {a: b}, max-lifetime: 10m, nonce-lifetime: 30s}}\npeers: {a: }"));
}

static void kernels(void **state)
{
    hp_scenario *s =
        load_one("network:\n  nats:\n    a: {kernel: masquerade, udp-timeout: 30s, preset: linux-netfilter}\n"
                 "    b: {kernel: masquerade-fully-random}\n    c: symmetric\npeers: {p: }");
    assert_int_equal(s->nats[0].kernel, HP_KERNEL_NAT_MASQUERADE);
    assert_int_equal(s->nats[1].kernel, HP_KERNEL_NAT_FULLY_RANDOM);
    assert_int_equal(s->nats[2].kernel, HP_KERNEL_NAT_NONE);
    hp_scenario_free(s);
    assert_complains("network: {nats: {a: {kernel: masquerade, mapping: endpoint-independent}}}\npeers: {p: }",
                     "1:42: a kernel's NAT has no knob `mapping`\n");
    assert_complains("network: {nats: {a: {kernel: masquerade, port-mapping: pcp}}}\npeers: {p: }",
                     "1:42: a kernel's NAT has no knob `port-mapping`\n");
}

static void worlds_and_agreement(void **state)
{
    hp_scenario *s = load_one("worlds: live\nworlds-why: because\nagree: {connect: 1s, why: slow}\npeers: {p: }");
    assert_int_equal(s->worlds, HP_WORLD_LIVE);
    assert_string_equal(s->worlds_why, "because");
    assert_int_equal(s->worlds_mark.line, 1);
    assert_true(s->agree.connect == HP_S && s->agree.latency == 0);
    assert_string_equal(s->agree.why, "slow");
    hp_scenario_free(s);
    s = load_one("agree: {not: it measures the machine}\npeers: {p: }");
    assert_int_equal(s->worlds, 0);
    assert_string_equal(s->agree.not_at_all, "it measures the machine");
    hp_scenario_free(s);
    assert_complains("worlds-why: x\npeers: {p: }", "1:13: `worlds-why` gives a reason for nothing (add `worlds`)\n");
    assert_complains("agree: {latency: 1s}\npeers: {p: }", "1:8: bounds of its own need a reason (add `why`)\n");
    assert_complains("agree: {why: x}\npeers: {p: }",
                     "1:14: `why` gives a reason for nothing (add `connect` or `latency`)\n");
    assert_complains("agree: {not: x, why: y}\npeers: {p: }", "1:8: what is not compared needs no bounds\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs),
        cmocka_unit_test(programs_that_are_wrong),
        cmocka_unit_test(knobs_of_our_own_peer),
        cmocka_unit_test(servers),
        cmocka_unit_test(servers_that_are_wrong),
        cmocka_unit_test(what_coturn_cannot_be_told),
        cmocka_unit_test(kernels),
        cmocka_unit_test(worlds_and_agreement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
