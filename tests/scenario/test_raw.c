/* Raw peers in the scenario language: what becomes of what is written, and what is said about what cannot be meant. */
#include "fixture.h"

#include "wire/stun_value.h"

static const char *const head = "servers: {turn: turn}\n"
                                "peers:\n"
                                "  mallory:\n"
                                "    kind: raw\n";

static hp_scenario *load_raw(const char *rest)
{
    g_autofree char *text = g_strconcat(head, rest, NULL);
    return load_one(text);
}

static void assert_said(const char *rest, const char *said)
{
    g_autofree char *text = g_strconcat(head, rest, NULL);
    g_autofree char *actual = complaints(text);
    assert_string_equal(actual, said);
}

static void a_script(void **state)
{
    g_autoptr(hp_scenario) s = load_raw(
        "    ufrag: me\n"
        "    role: controlled\n"
        "    sockets: {t: {transport: tcp, to: turn}, u: 5000}\n"
        "    answers: [{match: {stun: {method: Binding}}, with: {text: no}, nth: 2..3, delay: 10ms}, checks]\n"
        "    script:\n"
        "      - send: {to: turn, stun: {method: Allocate, attributes: [REQUESTED-TRANSPORT: udp, USE-CANDIDATE, "
        "0x8fff: 00]},\n"
        "               as: first, retransmit: true, socket: u}\n"
        "      - receive: {answers: first, stun: {class: error, code: 401}, within: 1s, keep: {a: REALM, b: from}}\n"
        "      - send: {socket: t, bytes: 00 01, segments: [1, 1], gap: 5ms}\n"
        "      - nothing: 2s\n"
        "      - wait-until: 3s\n"
        "      - do: {script: more, times: 3}\n"
        "    scripts: {more: [set: {x: \"${a} ${self.u} ${turn.address}\"}]}\n"
        "    start: 500ms\n");
    const hp_sc_peer *peer = &s->peers[0];
    const hp_raw_config *raw = &peer->raw;
    assert_true(peer->is_raw);
    assert_string_equal(raw->ufrag, "me");
    assert_int_equal(raw->role, HP_RAW_CONTROLLED);
    assert_int_equal(raw->start, 500 * HP_MS);
    assert_int_equal(raw->n_sockets, 2);
    assert_int_equal(raw->sockets[0].transport, HP_RAW_OVER_TCP);
    assert_string_equal(raw->sockets[0].to, "turn");
    assert_int_equal(raw->sockets[1].port, 5000);
    assert_int_equal(raw->n_answers, 2);
    assert_int_equal(raw->answers[0].nth_last, 3);
    assert_int_equal(raw->answers[0].delay, 10 * HP_MS);
    assert_int_equal(raw->answers[0].message.content, HP_RAW_TEXT);
    assert_int_equal(raw->answers[1].kind, HP_RAW_ANSWER_CHECKS);

    const hp_raw_action *a = raw->script.actions;
    assert_int_equal(raw->script.n_actions, 6);
    assert_int_equal(a[0].kind, HP_RAW_SEND);
    assert_int_equal(a[0].mark.line, 10);
    assert_string_equal(a[0].send.to, "turn");
    assert_string_equal(a[0].send.as, "first");
    assert_true(a[0].send.retransmit.on);
    assert_int_equal(a[0].send.retransmit.rto, 500 * HP_MS);
    assert_int_equal(a[0].send.message.content, HP_RAW_STUN);
    assert_int_equal(a[0].send.message.stun.n_attributes, 3);
    assert_int_equal(a[0].send.message.stun.attributes[1].type, HP_STUN_USE_CANDIDATE);
    assert_null(a[0].send.message.stun.attributes[1].value);
    assert_int_equal(a[0].send.message.stun.attributes[2].type, 0x8fff);
    assert_string_equal(a[0].send.message.stun.attributes[2].value, "00");
    assert_int_equal(a[1].receive.filter.code, 401);
    assert_true(a[1].receive.filter.has_class);
    assert_int_equal(a[1].receive.within, HP_S);
    assert_int_equal(a[1].receive.n_keep, 2);
    assert_string_equal(a[1].receive.keep_from[1], "from");
    assert_int_equal(a[2].send.n_segments, 2);
    assert_int_equal(a[2].send.gap, 5 * HP_MS);
    assert_int_equal(a[3].kind, HP_RAW_RECEIVE_NOTHING);
    assert_int_equal(a[3].receive.within, 2 * HP_S);
    assert_int_equal(a[4].wait, 3 * HP_S);
    assert_int_equal(a[5].run.times, 3);

    /* It is expected to be carried out, though nobody says so. */
    assert_int_equal(s->n_expects, 1);
    assert_int_equal(s->expects[0].kind, HP_EXPECT_SCRIPT);
    assert_string_equal(s->expects[0].script.peer, "mallory");
    assert_string_equal(s->expects[0].text, "script: mallory");
    assert_int_equal(s->expects[0].mark.line, 10);
}

static void who_expects_it_is_not_helped(void **state)
{
    g_autoptr(hp_scenario) s = load_raw("    script: [{wait: 1s}]\nexpect: [{script: {peer: mallory, fails: true}}]\n");
    assert_int_equal(s->n_expects, 1);
    assert_true(s->expects[0].script.fails);
}

static void attributes_that_cannot_be(void **state)
{
    assert_said("    script: [{send: {to: turn, stun: {attributes: [USERNAM: x]}}}]\n",
                "5:52: `USERNAM` is not a STUN attribute (did you mean `USERNAME`?)\n");
    assert_said("    script: [{send: {to: turn, stun: {attributes: [LIFETIME: soon]}}}]\n",
                "5:62: the value of LIFETIME is a number of 32 bits, not `soon`\n");
    assert_said("    script: [{send: {to: turn, stun: {attributes: [LIFETIME]}}}]\n",
                "5:52: LIFETIME lacks its value: a number of 32 bits\n");
    assert_said("    script: [{send: {to: turn, stun: {attributes: [XOR-PEER-ADDRESS: bob]}}}]\n",
                "5:70: no peer or server is called `bob`\n");
    assert_said("    script: [{send: {to: turn, stun: {attributes: [MESSAGE-INTEGRITY]}}}]\n",
                "5:52: MESSAGE-INTEGRITY needs a `password` or a `key`\n");
    assert_said("    script: [{send: {to: turn, stun: {attributes: [FINGERPRINT: maybe]}}}]\n",
                "5:65: FINGERPRINT is `right` or `wrong`, and has no key\n");
    assert_said("    script: [{send: {to: turn, stun: {attributes: [SOFTWARE: {text: a, hex: 00}]}}}]\n",
                "5:62: SOFTWARE has one value: `value`, `hex` or `text`\n");
    assert_said("    script: [{send: {to: turn, stun: {attributes: [DATA: {hex: 0}]}}}]\n",
                "5:64: `hex` must be hexadecimal digits in pairs, not `0`\n");
    assert_said("    script: [{receive: {stun: {attributes: {LIFETIME: often}}}}]\n",
                "5:55: the value of LIFETIME is a number of 32 bits, not `often`\n");
}

static void messages_that_cannot_be(void **state)
{
    assert_said(
        "    script: [{send: {to: turn}}]\n",
        "5:21: it does not say what is sent (`stun`, `check`, `channel-data`, `bytes`, `text`, `random`, `dtls`, "
        "`rtp` or `again`)\n");
    assert_said(
        "    script: [{send: {to: turn, text: a, bytes: 00}}]\n",
        "5:21: it says more than one thing at once (`stun`, `check`, `channel-data`, `bytes`, `text`, `random`, "
        "`dtls`, `rtp` or `again`)\n");
    assert_said("    script: [{send: {to: turn, stun: Alocate}}]\n",
                "5:38: `Alocate` is not a STUN method, or a number of 12 bits (did you mean `Allocate`?)\n");
    assert_said("    script: [{send: {to: turn, stun: {id: 00ff}}}]\n",
                "5:43: `id` must be 24 hexadecimal digits, not `00ff`\n");
    assert_said("    script: [{send: {to: tern, text: a}}]\n",
                "5:26: no peer or server is called `tern` (did you mean `turn`?)\n");
    assert_said("    script: [{send: {to: turn, dtls: {epoch: 1}}}]\n",
                "5:38: a DTLS record has either a `client-hello` or a `body`\n");
    assert_said("    script: [{send: {to: turn, text: a, segments: 1}}]\n",
                "5:14: `segments` and `gap` are of TCP, and not of socket `main`\n");
    assert_said("    script: [{signal: {to: mallory}}]\n",
                "5:23: a signal is one of `offer`, `answer`, `candidate`, `end` and `json`\n");
    assert_said("    script: [{receive: {is: closed, text: x}}]\n", "5:24: only a message has contents\n");
    assert_said("    script: [{receive: {stun: Binding, keep: {x: COLOUR}}}]\n",
                "5:50: `COLOUR` is nothing to be kept (an attribute, or `from`, `id`, `bytes`, `text`, `size`, "
                "`dtls-cookie`)\n");
}

static void names_that_are_not_there(void **state)
{
    assert_said("    script: [{send: {to: turn, text: \"${relais}\"}}, {receive: {keep: {relay: from}}}]\n",
                "5:38: nothing gives `relais` a value (did you mean `relay`?)\n");
    assert_said("    script: [{send: {to: turn, text: \"${self.colour}\"}}]\n",
                "5:38: nothing gives `self.colour` a value (`keep` and `set` make variables)\n");
    assert_said("    script: [{send: {to: turn, text: \"${open\"}}]\n",
                "5:38: a variable is written `${name}` (a dollar sign by itself is `$$`)\n");
    assert_said("    script: [{send: {to: turn, text: a, socket: mian}}]\n",
                "5:14: there is no socket `mian` (did you mean `main`?)\n");
    /* What could not be read is not looked for: an action without a kind has no socket either. */
    assert_said("    sockets: {second: 5001}\n    script: [{senl: {to: turn, text: a, socket: second}}]\n",
                "6:15: unknown key `senl` in peers.mallory.script.0 (did you mean `send`?)\n");
    assert_said("    script: [{receive: {answers: frist}}, {send: {to: turn, text: a, as: first}}]\n",
                "5:14: nothing is sent `as` `frist` (did you mean `first`?)\n");
    assert_said("    script: [{do: nothing-here}]\n", "5:14: there is no script `nothing-here`\n");
    assert_said("    script: [{do: a}]\n    scripts: {a: [{do: b}], b: [{do: a}]}\n",
                "6:15: this script comes round to itself: `a`\n");
    assert_said("    sockets: {t: {transport: tcp}}\n",
                "5:18: socket `t` either connects `to` somebody or `listens`\n");
}

/* The walk is over scripts, not over ways through them: of those there are 12 to the power of 9 here. */
static void scripts_that_call_scripts(void **state)
{
    g_autoptr(GString) tower = g_string_new("    script: [do: s0]\n    scripts:\n");
    for (unsigned i = 0; i < 9; i++) {
        g_string_append_printf(tower, "      s%u: [", i);
        for (unsigned k = 0; k < 12; k++) {
            g_string_append_printf(tower, "do: s%u, ", i + 1);
        }
        g_string_append(tower, "wait: 1s]\n");
    }
    g_string_append(tower, "      s9: [wait: 1s]\n");
    g_autoptr(hp_scenario) s = load_raw(tower->str);
    assert_int_equal(s->peers[0].raw.n_scripts, 10);

    g_autoptr(GString) ring = g_string_new("    script: [do: r0]\n    scripts:\n");
    for (unsigned i = 0; i < 20; i++) {
        g_string_append_printf(ring, "      r%u: [start: r%u]\n", i, (i + 1) % 20);
    }
    assert_said(ring->str, "7:7: this script comes round to itself: `r0`\n");
}

static void what_is_not_said_by_halves(void **state)
{
    assert_said("    script: [{send: {to: turn, text: a, retransmit: true}}]\n",
                "5:53: only a STUN request is sent until it is answered\n");
    assert_said("    script: [{send: {to: turn, stun: {class: indication}, retransmit: {rc: 3}}}]\n",
                "5:71: only a STUN request is sent until it is answered\n");
    g_autoptr(hp_scenario) fine = load_raw("    script: [{send: {to: turn, bytes: \"00\", retransmit: {rc: 3}}},"
                                           " {send: {to: turn, text: a, retransmit: false}}]\n");
    assert_false(fine->peers[0].raw.script.actions[1].send.retransmit.on);
    assert_said("    script: [{signal: {end: false}}]\n", "5:29: `end` is `true`, or is not there at all\n");
}

/* What agents have raw peers have not, and the other way round. */
static void two_kinds_of_peers(void **state)
{
    assert_said("    ice: {trickle: false}\n", "5:10: `ice` is for peers of kind agent\n");
    assert_said("  alice: {script: []}\n", "5:19: `script` is for peers of kind raw\n");
    assert_said("  alice: {}\nsteps: [{call: {from: mallory, to: alice}}]\n",
                "6:23: peer `mallory` is raw: it has no ICE agent (its `script` says what it does)\n");
    assert_said("  alice: {}\nexpect: [{script: alice}]\n", "6:10: peer `alice` has no script\n");
    assert_said("steps: [{wait-for: {script: mallory}}]\n", "5:9: peer `mallory` has no script\n");
}

/* Every attribute's text reads back as it was written. */
static void values_go_both_ways(void **state)
{
    static const struct {
        uint16_t type;
        const char *text, *hex;
    } cases[] = {
        {HP_STUN_LIFETIME, "600", "00000258"},
        {HP_STUN_ICE_CONTROLLING, "18446744073709551615", "ffffffffffffffff"},
        {HP_STUN_CHANNEL_NUMBER, "0x4001", "40010000"},
        {HP_STUN_REQUESTED_TRANSPORT, "udp", "11000000"},
        {HP_STUN_REQUESTED_TRANSPORT, "99", "63000000"},
        {HP_STUN_REQUESTED_ADDRESS_FAMILY, "ipv6", "02000000"},
        {HP_STUN_EVEN_PORT, "128", "80"},
        {HP_STUN_ERROR_CODE, "438 Stale Nonce", "000004265374616c65204e6f6e6365"},
        {HP_STUN_UNKNOWN_ATTRIBUTES, "USERNAME 0x7fff", "00067fff"},
        {HP_STUN_PASSWORD_ALGORITHMS, "sha256 md5", "0002000000010000"},
        {HP_STUN_MAPPED_ADDRESS, "192.0.2.1:80", "00010050c0000201"},
        {HP_STUN_XOR_MAPPED_ADDRESS, "192.0.2.1:80", "00012142e112a643"},
        {HP_STUN_PADDING, "3", "000000"},
        {HP_STUN_USE_CANDIDATE, "", ""},
        {0x8fff, "00ff10", "00ff10"},
    };
    uint8_t buf[HP_STUN_MAX], mask[16] = {0x21, 0x12, 0xa4, 0x42};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GError) error = NULL;
        hp_stun_writer w;
        hp_stun_msg m;
        hp_stun_attr attr;
        assert_true(hp_stun_value_parse(cases[i].type, cases[i].text, mask, bytes, &error));
        g_autofree char *hex = hp_hex_format(bytes->data, bytes->len);
        assert_string_equal(hex, cases[i].hex);
        hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, mask + 4, NULL);
        hp_stun_add(&w, cases[i].type, bytes->data, bytes->len);
        assert_true(hp_stun_parse(buf, hp_stun_finish(&w), &m));
        assert_true(hp_stun_find(&m, cases[i].type, &attr));
        g_autofree char *text = hp_stun_value_format(&m, &attr);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script),
        cmocka_unit_test(who_expects_it_is_not_helped),
        cmocka_unit_test(attributes_that_cannot_be),
        cmocka_unit_test(messages_that_cannot_be),
        cmocka_unit_test(names_that_are_not_there),
        cmocka_unit_test(scripts_that_call_scripts),
        cmocka_unit_test(what_is_not_said_by_halves),
        cmocka_unit_test(two_kinds_of_peers),
        cmocka_unit_test(values_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
