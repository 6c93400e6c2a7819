/* The lint of port mapping: each rule speaks where it should, and says nothing of a scenario that is sound. */
#include "lint_fixture.h"

#define REST "steps: [{call: {from: a, to: b}}]\nexpect: [connected]\n"

static void nothing_to_say_of_what_is_sound(void **state)
{
    assert_lint("network: {nats: {home: {port-mapping: pcp}, silent: }}\n"
                "peers: {a: {behind: home, ice: {port-mapping: pcp}}, b: {behind: silent, ice: {port-mapping: upnp}}}\n"
                "steps: [{call: {from: a, to: b}}, {unmap-port: {peer: a, internal: 5}}]\n"
                "expect: [connected, candidates: {peer: a, type: srflx}, pair: {a: srflx}]\n",
                "");
    assert_lint("network: {nats: {home: {port-mapping: pcp}}}\npeers: {a: {behind: home}, b: }\n"
                "steps: [{map-port: {peer: a, protocol: pcp, internal: 5}}, {unmap-port: {peer: a, internal: 5}},\n"
                "  {call: {from: a, to: b}}]\nexpect: [connected]\n",
                "");
}

static void nobody_asks(void **state)
{
    assert_lint("network: {nats: {home: {port-mapping: pcp}}}\npeers: {a: {behind: home}, b: }\n" REST,
                "1:39: nobody asks NAT `home` for a port\n");
}

static void nobody_to_ask(void **state)
{
    assert_lint("peers:\n  a: {ice: {port-mapping: pcp}}\n  b:\n" REST,
                "2:3: peer `a` has no gateway to ask for a port\n");
}

static void steps_in_vain(void **state)
{
    assert_lint("network: {nats: {home: {port-mapping: pcp}}}\npeers: {a: {behind: home}, b: }\nsteps:\n"
                "- map-port: {peer: a, internal: 5}\n- map-port: {peer: b, internal: 5}\n"
                "- unmap-port: {peer: a, internal: 6}\n- unmap-port: {peer: a, internal: 5, transport: tcp}\n"
                "- call: {from: a, to: b}\nexpect: [connected]\n",
                "4:3: `map-port` without a protocol\n5:3: peer `b` has no gateway to ask for a port\n"
                "6:3: port 6 of `a` is not mapped\n7:3: port 5 of `a` is not mapped\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_say_of_what_is_sound),
        cmocka_unit_test(nobody_asks),
        cmocka_unit_test(nobody_to_ask),
        cmocka_unit_test(steps_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
