/* What the oracle says beside the outcome: reasons, silence, the step up to which it holds, known shortfalls. */
#include "fixture.h"

#include "oracle/shortfalls.h"

#define NATS(home, office) "network: {nats: {home: " home ", office: " office "}}\nservers: {stun: stun}\n"
#define STUN_BEHIND "defaults: {ice: {stun: stun}}\npeers: {alice: {behind: home}, bob: {behind: office}}\n"

static void assert_reasons(const char *text, const char *expected)
{
    g_autofree char *said = reasons(text);
    assert_string_equal(said, expected);
}

static void why_direct(void **state)
{
    assert_reasons("peers: {alice: , bob: }\n", "direct works because alice and bob reach each other's own addresses");
    assert_reasons(NATS("full-cone", "port-restricted-cone") STUN_BEHIND,
                   "direct works because home keeps one port for all destinations and office keeps one port for all "
                   "destinations");
    assert_reasons(NATS("symmetric", "restricted-cone") STUN_BEHIND,
                   "direct works because home maps per destination address and port, office keeps one port for all "
                   "destinations and office filters by address");
}

static void why_not(void **state)
{
    assert_reasons(NATS("symmetric", "port-restricted-cone") STUN_BEHIND,
                   "direct is impossible because home maps per destination address and port, office filters by address "
                   "and port and home filters by address and port\n"
                   "no relay helps because alice has no TURN server and bob has no TURN server");
    assert_reasons(NATS("full-cone", "full-cone") "peers: {alice: {behind: home}, bob: {behind: office}}\n",
                   "direct is impossible because nobody tells alice its address outside and nobody tells bob its "
                   "address outside\n"
                   "no relay helps because alice has no TURN server and bob has no TURN server");
    assert_reasons("peers: {alice: {families: [ipv6]}, bob: }\n",
                   "direct is impossible because the two have no address family in common\n"
                   "no relay helps because alice has no TURN server and bob has no TURN server");
    assert_reasons("peers: {alice: {link: {loss: 100%}}, bob: }\n",
                   "direct is impossible because a link on the way is cut\n"
                   "no relay helps because alice has no TURN server and bob has no TURN server");
}

static void why_relayed(void **state)
{
    assert_reasons("network: {nats: {home: symmetric, office: {preset: full-cone, block-udp: true}}}\n"
                   "servers: {turn: {kind: turn, transports: [udp, tcp], users: {u: p}}}\n"
                   "peers: {alice: {behind: home, ice: {turn: turn}},"
                   " bob: {behind: office, ice: {turn: turn, turn-transports: tcp}}}\n",
                   "direct is impossible because nobody tells bob its address outside, office lets no UDP out and home "
                   "maps per destination address and port\n"
                   "a relay works because alice reaches turn over UDP and bob reaches turn over TCP");
    assert_reasons("servers: {turn: {kind: turn, users: {u: p}}}\n"
                   "peers: {alice: {ice: {turn: turn, turn-password: wrong, force-relay: true}}, bob: }\n",
                   "direct is impossible because alice is told to use relays only\n"
                   "no relay helps because no TURN server takes alice's credentials and bob has no TURN server");
}

static void why_round(void **state)
{
    assert_reasons("network: {nats: {carrier: {preset: full-cone, hairpin: external-source},"
                   " home: {preset: full-cone, behind: carrier}, flat: {preset: full-cone, behind: carrier}}}\n"
                   "servers: {stun: stun}\ndefaults: {ice: {stun: stun}}\n"
                   "peers: {alice: {behind: home}, bob: {behind: flat}}\n",
                   "the way goes through a NAT's outside because both are behind carrier, which turns packets for its "
                   "own outside round");
}

static void luck_is_told(void **state)
{
    assert_reasons(
        NATS("linux-netfilter", "port-restricted-cone") STUN_BEHIND,
        "direct works because home keeps the port while nobody else has it and office keeps one port for all "
        "destinations\n"
        "luck decides: a check that reaches home before anything was sent that way takes the port away (no "
        "path at worst)");
}

static void short_timers_are_told(void **state)
{
    asked a = ask(NATS("{preset: full-cone, udp-timeout: 15s}", "full-cone") STUN_BEHIND);
    assert_true(a.p->may_die);
    assert_string_equal(a.p->reasons[1], "a NAT forgets idle flows before keepalives come: the path may die later");
    clear(&a);
    a = ask(NATS("{preset: full-cone, udp-timeout: 16s}", "full-cone") STUN_BEHIND);
    assert_false(a.p->may_die);
    clear(&a);
}

static void assert_silent(const char *text, const char *expected)
{
    asked a = ask(text);
    const char *why;
    assert_int_equal(hp_oracle_applies(a.oracle, 0, 1, &why), expected == NULL);
    if (expected)
        assert_string_equal(why, expected);
    else
        assert_null(why);
    clear(&a);
}

static void where_it_is_silent(void **state)
{
    assert_silent("peers: {alice: , bob: }\n", NULL);
    assert_silent("peers: {alice: {link: {loss: 5%}}, bob: }\n", NULL);
    assert_silent("peers: {alice: {link: {loss: 30%}}, bob: }\n",
                  "the link of alice loses so much that chance decides");
    assert_silent("network: {nats: {home: {max-mappings: 3}}}\npeers: {alice: {behind: home}, bob: }\n",
                  "home has room for 3 flows");
    /* Blocks by address: one subscriber has its own, and neighbours have; those that are 64 apart share one. */
    assert_silent("network: {nats: {cgn: cgn-deterministic}}\npeers: {alice: {behind: cgn}, bob: }\n", NULL);
    assert_silent("network: {nats: {cgn: cgn-deterministic}}\npeers: {alice: {behind: cgn}, bob: {behind: cgn}}\n",
                  NULL);
    assert_silent("network: {nats: {cgn: {preset: cgn-deterministic, inside4: 100.64.0.0/24}}}\npeers:\n"
                  "  alice: {behind: cgn, addresses: 100.64.0.2}\n  bob: {behind: cgn, addresses: 100.64.0.66}\n",
                  "who has which ports of cgn depends on its subscribers' numbers");
    assert_silent("network: {internet: {delay: 300ms}}\npeers: {alice: , bob: }\n",
                  "the way is so long that timers of ICE decide");
    assert_silent("signaling: {loss: 1%}\npeers: {alice: , bob: }\n", "signalling loses messages");
    assert_silent("servers: {stun: {kind: stun, faults: [{silence: {}}]}}\n"
                  "peers: {alice: {ice: {stun: stun}}, bob: }\n",
                  "stun is scripted to misbehave");
    assert_silent("peers: {alice: {kind: raw, script: [{wait: 1s}]}, bob: }\n", "alice does what its script says");
    assert_silent("rules: [{at: alice, match: {proto: udp}, do: drop}]\npeers: {alice: , bob: }\n",
                  "rules do as they like with packets");
    assert_silent("peers: {alice: {firewall: {preset: strict, out: [{deny: {stun: true}}]}}, bob: }\n",
                  "the firewall of alice looks into packets");
    assert_silent("defaults: {ice: {full-mode: false}}\npeers: {alice: , bob: }\n",
                  "neither end checks anything: both are lite");
}

static void until_something_changes(void **state)
{
    asked a = ask("network: {nats: {home: full-cone}}\npeers: {alice: {behind: home}, bob: }\n"
                  "steps: [{call: {from: alice, to: bob}}, {wait-for: ready}, {reboot: home}, {wait: 1s}]\n");
    assert_int_equal(hp_oracle_changing_step(a.oracle), 2);
    clear(&a);
    a = ask("peers: {alice: , bob: }\nsteps: [{call: {from: alice, to: bob}}, {wait: 1s}]\n");
    assert_int_equal(hp_oracle_changing_step(a.oracle), -1);
    clear(&a);
}

/* ---- what a run may come to ---- */

static const char *shortfall(asked *a, hp_outcome happened, uint8_t local, uint8_t remote)
{
    const hp_shortfall *found = hp_shortfall_find(a->oracle, a->p, happened, local, remote);
    return found ? found->name : "none";
}

static void what_is_allowed(void **state)
{
    asked a = ask(NATS("linux-netfilter", "port-restricted-cone") STUN_BEHIND);
    assert_true(hp_oracle_allows(a.oracle, a.p, HP_OUTCOME_DIRECT, HP_TYPE_SRFLX, HP_TYPE_SRFLX));
    assert_true(hp_oracle_allows(a.oracle, a.p, HP_OUTCOME_NONE, 0, 0)); /* bad luck */
    assert_false(hp_oracle_allows(a.oracle, a.p, HP_OUTCOME_DIRECT, HP_TYPE_HOST, HP_TYPE_SRFLX));
    assert_false(hp_oracle_allows(a.oracle, a.p, HP_OUTCOME_RELAY, HP_TYPE_RELAY, HP_TYPE_SRFLX));
    clear(&a);
}

/* Seen before it was gathered, an address is peer reflexive; without trickle everything is gathered first. */
static void early_addresses(void **state)
{
    const char *text = "network: {nats: {home: full-cone}}\nservers: {stun: stun}\n"
                       "peers: {alice: {behind: home, ice: {stun: stun, trickle: %s}}, bob: {ice: {trickle: false}}}\n";
    for (unsigned trickle = 0; trickle < 2; trickle++) {
        g_autofree char *with = g_strdup_printf(text, trickle ? "true" : "false");
        asked a = ask(with);
        assert_true(hp_oracle_allows(a.oracle, a.p, HP_OUTCOME_DIRECT, HP_TYPE_SRFLX, HP_TYPE_HOST));
        assert_int_equal(hp_oracle_allows(a.oracle, a.p, HP_OUTCOME_DIRECT, HP_TYPE_PRFLX, HP_TYPE_HOST), trickle);
        assert_false(hp_oracle_allows(a.oracle, a.p, HP_OUTCOME_DIRECT, HP_TYPE_SRFLX, HP_TYPE_PRFLX));
        clear(&a);
    }
    /* An answer waits for all candidates, the checks of whoever sends it do not. */
    for (unsigned called = 0; called < 2; called++) {
        g_autofree char *with = g_strdup_printf(text, "false");
        g_autofree char *call = g_strdup_printf("%ssteps: [{call: {from: %s, to: %s}}]\n", with,
                                                called ? "alice" : "bob", called ? "bob" : "alice");
        asked a = ask(call);
        assert_int_equal(hp_oracle_allows(a.oracle, a.p, HP_OUTCOME_DIRECT, HP_TYPE_SRFLX, HP_TYPE_PRFLX), called);
        assert_int_equal(hp_oracle_allows(a.oracle, a.p, HP_OUTCOME_DIRECT, HP_TYPE_PRFLX, HP_TYPE_HOST), !called);
        clear(&a);
    }
}

static void known_shortfalls(void **state)
{
    asked a = ask("network: {nats: {home: {preset: symmetric, families: [ipv4, ipv6], ipv6: prefix},"
                  " office: {preset: symmetric, families: [ipv4, ipv6], ipv6: prefix}}}\n"
                  "servers: {stun: {kind: stun, families: [ipv4, ipv6]}}\n"
                  "defaults: {families: [ipv4, ipv6], ice: {stun: stun}}\n"
                  "peers: {alice: {behind: home}, bob: {behind: office}}\n");
    assert_int_equal(a.p->outcome, HP_OUTCOME_DIRECT);
    assert_string_equal(shortfall(&a, HP_OUTCOME_NONE, 0, 0), "one-address");
    assert_string_equal(shortfall(&a, HP_OUTCOME_RELAY, HP_TYPE_RELAY, HP_TYPE_RELAY), "none");
    clear(&a);

    a = ask("network: {nats: {home: {preset: symmetric, families: [ipv6]}, office: {preset: symmetric, families: "
            "[ipv6]}}}\nservers: {turn: {kind: turn, families: [ipv6], users: {u: p}}}\ndefaults: {families: [ipv6]}\n"
            "peers: {alice: {behind: home, ice: {stun: turn}}, bob: {behind: office, ice: {turn: turn}}}\n");
    assert_int_equal(a.p->outcome, HP_OUTCOME_RELAY);
    assert_string_equal(shortfall(&a, HP_OUTCOME_NONE, 0, 0), "ipv4-relays");
    clear(&a);

    a = ask("network: {nats: {home: full-cone}}\nservers: {stun: {kind: stun, accept-rfc3489: false}}\n"
            "defaults: {ice: {trickle: false}}\npeers: {alice: {behind: home, ice: {stun: stun}}, bob: }\n");
    assert_string_equal(shortfall(&a, HP_OUTCOME_DIRECT, HP_TYPE_PRFLX, HP_TYPE_HOST), "no-cookie");
    assert_string_equal(shortfall(&a, HP_OUTCOME_NONE, 0, 0), "none");
    clear(&a);

    const char *carrier = "network: {nats: {carrier: {mapping: %s, filtering: endpoint-independent, ports: random,"
                          " hairpin: external-source}, home: {preset: full-cone, behind: carrier}}}\n"
                          "servers: {stun: stun}\ndefaults: {ice: {stun: stun, nomination: %s}}\n"
                          "peers: {alice: {behind: home}, bob: {behind: carrier}}\n";
    g_autofree char *aggressive = g_strdup_printf(carrier, "endpoint-independent", "aggressive");
    g_autofree char *regular = g_strdup_printf(carrier, "endpoint-independent", "regular");
    g_autofree char *endless = g_strdup_printf(carrier, "address-and-port-dependent", "aggressive");
    a = ask(aggressive);
    assert_string_equal(shortfall(&a, HP_OUTCOME_HAIRPIN, HP_TYPE_SRFLX, HP_TYPE_SRFLX), "stops-at-first");
    assert_string_equal(shortfall(&a, HP_OUTCOME_NONE, 0, 0), "none");
    clear(&a);
    a = ask(regular);
    assert_string_equal(shortfall(&a, HP_OUTCOME_HAIRPIN, HP_TYPE_SRFLX, HP_TYPE_SRFLX), "none");
    clear(&a);
    a = ask(endless);
    assert_int_equal(a.p->outcome, HP_OUTCOME_DIRECT);
    assert_true(a.p->endless);
    assert_string_equal(shortfall(&a, HP_OUTCOME_NONE, 0, 0), "never-gets-on");
    clear(&a);
    static const char *const late = "network: {nats: {home: restricted-cone, office: symmetric}}\n"
                                    "servers: {turn: turn}\ndefaults: {ice: {stun: turn, turn: turn, trickle: %s}}\n"
                                    "peers: {alice: {behind: home}, bob: {behind: office}}\n"
                                    "steps: [{call: {from: alice, to: bob}}]\n";
    for (unsigned trickle = 0; trickle < 2; trickle++) {
        g_autofree char *with = g_strdup_printf(late, trickle ? "true" : "false");
        a = ask(with);
        assert_int_equal(a.p->outcome, HP_OUTCOME_DIRECT);
        assert_string_equal(shortfall(&a, HP_OUTCOME_RELAY, HP_TYPE_RELAY, HP_TYPE_RELAY),
                            trickle ? "none" : "gives-up-early");
        assert_string_equal(shortfall(&a, HP_OUTCOME_NONE, 0, 0), "none");
        clear(&a);
    }
    /* Where one end is found by its checks alone, and by nobody who nominates as he goes. */
    g_autofree char *chosen = g_strdup_printf(late, "true, nomination: regular");
    a = ask(chosen);
    assert_string_equal(shortfall(&a, HP_OUTCOME_RELAY, HP_TYPE_RELAY, HP_TYPE_RELAY), "nominates-early");
    assert_string_equal(shortfall(&a, HP_OUTCOME_RELAY, HP_TYPE_HOST, HP_TYPE_RELAY), "none");
    assert_string_equal(shortfall(&a, HP_OUTCOME_NONE, 0, 0), "none");
    clear(&a);
    for (size_t i = 0; hp_shortfall_nth(i); i++)
        assert_true(strlen(hp_shortfall_nth(i)->cause) > 0 && strlen(hp_shortfall_nth(i)->where) > 0);
    assert_null(hp_shortfall_nth(7));
}

static void words(void **state)
{
    g_autofree char *all = hp_types_text(HP_TYPE_HOST | HP_TYPE_SRFLX | HP_TYPE_PRFLX | HP_TYPE_RELAY);
    g_autofree char *none = hp_types_text(0);
    assert_string_equal(all, "host or srflx or prflx or relay");
    assert_string_equal(none, "none");
    assert_int_equal(hp_type_of_name("relay"), HP_TYPE_RELAY);
    assert_int_equal(hp_type_of_name("relayed"), 0);
    assert_int_equal(hp_type_of_name(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(why_direct),         cmocka_unit_test(why_not),
        cmocka_unit_test(why_relayed),        cmocka_unit_test(why_round),
        cmocka_unit_test(luck_is_told),       cmocka_unit_test(short_timers_are_told),
        cmocka_unit_test(where_it_is_silent), cmocka_unit_test(until_something_changes),
        cmocka_unit_test(what_is_allowed),    cmocka_unit_test(early_addresses),
        cmocka_unit_test(known_shortfalls),   cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
