/* `rules` and what a match asks of the inside of protocols: every key into its field, and what is said of mistakes. */
#include "fixture.h"

#define TAIL "peers: {a: , b: }\n"

/* The n rules of a text, whose first line is `rules:`. */
static hp_scenario *rules(const char *list)
{
    g_autofree char *text = g_strdup_printf("rules:\n%s" TAIL "steps:\n  - {wait: 1s, label: here}\n"
                                            "  - {wait: 1s, label: there}\n",
                                            list);
    return load_one(text);
}

static void every_key(void **state)
{
    hp_scenario *s =
        rules("  - {at: a, direction: up, match: {proto: udp}, filter: udp port 5, nth: [1, 4..6], from: 2s,\n"
              "     until: 3s, chance: 25%, limit: 7, label: x, go-on: true, off: true, quiet: true, do: drop}\n"
              "  - {at: b, from: here, until: there, do: pass}\n");
    const hp_sc_rule *r = &s->rules[0];

    assert_int_equal(s->n_rules, 2);
    assert_string_equal(r->at, "a");
    assert_int_equal(r->rule.direction, HP_RULE_UP);
    assert_int_equal(r->rule.match.proto, HP_MATCH_UDP);
    assert_string_equal(r->filter, "udp port 5");
    assert_int_equal(r->rule.n_nth, 2);
    assert_true(r->rule.nth[0].first == 1 && r->rule.nth[0].last == 1);
    assert_true(r->rule.nth[1].first == 4 && r->rule.nth[1].last == 6);
    assert_true(r->rule.from == 2 * HP_S && r->rule.to == 3 * HP_S);
    assert_int_equal(r->rule.chance_ppb, 250000000);
    assert_int_equal(r->rule.limit, 7);
    assert_string_equal(r->rule.label, "x");
    assert_true(r->rule.go_on && r->rule.off && r->rule.quiet);
    assert_int_equal(r->rule.n_actions, 1);
    assert_int_equal(r->rule.actions[0].what, HP_RULE_DROP);
    assert_string_equal(s->rules[1].from_step, "here");
    assert_string_equal(s->rules[1].until_step, "there");
    assert_int_equal(s->rules[1].rule.direction, HP_RULE_BOTH_WAYS);
    assert_null(s->rules[1].rule.label);
    assert_int_equal(s->rules[1].mark.line, 4);
    hp_scenario_free(s);
}

static void actions_with_their_defaults(void **state)
{
    hp_scenario *s =
        rules("  - {at: a, do: [drop, {drop: reset}, {delay: 20ms}, duplicate, {duplicate: 3}, reorder, corrupt,\n"
              "     {truncate: 0}, {split: 1}, {rate-limit: 1Mbit/s}, pass]}\n");
    const hp_rule_action *a = s->rules[0].rule.actions;

    assert_int_equal(s->rules[0].rule.n_actions, 11);
    assert_int_equal(a[0].refusal, HP_REFUSE_SILENTLY);
    assert_int_equal(a[1].refusal, HP_REFUSE_RESET);
    assert_true(a[2].what == HP_RULE_DELAY && a[2].delay.fixed == 20 * HP_MS && !a[2].delay.overtake);
    assert_true(a[3].what == HP_RULE_DUPLICATE && a[3].duplicate.copies == 1);
    assert_int_equal(a[4].duplicate.copies, 3);
    assert_true(a[5].what == HP_RULE_REORDER && a[5].reorder.packets == 1 && a[5].reorder.at_most == 10 * HP_MS);
    assert_true(a[6].what == HP_RULE_CORRUPT && a[6].corrupt.bits == 1 && a[6].corrupt.last == 0);
    assert_true(a[7].what == HP_RULE_TRUNCATE && a[7].truncate_to == 0);
    assert_true(a[8].what == HP_RULE_SPLIT && a[8].split_to == 1);
    assert_true(a[9].what == HP_RULE_RATE_LIMIT && a[9].rate.rate_bps == 1000000 && a[9].rate.burst_bytes == 15000);
    assert_int_equal(a[10].what, HP_RULE_PASS);
    hp_scenario_free(s);
}

static void actions_with_all_they_have(void **state)
{
    hp_scenario *s = rules("  - at: a\n    do:\n"
                           "      - delay: {by: 1ms, jitter: 2ms, overtake: true}\n"
                           "      - duplicate: {copies: 2, spacing: 3ms}\n"
                           "      - reorder: {packets: 4, at-most: 5ms}\n"
                           "      - corrupt: {bits: 6, first: 7, last: 8, fix-checksum: true}\n"
                           "      - rate-limit: {rate: 9kbit/s, burst: 10kB, answer: icmp}\n");
    const hp_rule_action *a = s->rules[0].rule.actions;

    assert_true(a[0].delay.fixed == HP_MS && a[0].delay.jitter == 2 * HP_MS && a[0].delay.overtake);
    assert_true(a[1].duplicate.copies == 2 && a[1].duplicate.spacing == 3 * HP_MS);
    assert_true(a[2].reorder.packets == 4 && a[2].reorder.at_most == 5 * HP_MS);
    assert_true(a[3].corrupt.bits == 6 && a[3].corrupt.first == 7 && a[3].corrupt.last == 8 &&
                a[3].corrupt.fix_checksum);
    assert_true(a[4].rate.rate_bps == 9000 && a[4].rate.burst_bytes == 10000 && a[4].rate.refusal == HP_REFUSE_ICMP);
    hp_scenario_free(s);
}

static void rewriting(void **state)
{
    hp_scenario *s = rules(
        "  - at: a\n    do:\n      rewrite:\n"
        "        {src: 192.0.2.1, dst-port: 9, ttl: 0, dscp: 46, ecn: 3, fingerprint: true, password: p, user: u, "
        "realm: r,\n"
        "         attributes: [{set: SOFTWARE, text: hi}, {replace: PRIORITY, number: 258}, {add: data, hex: 00ff},\n"
        "           {remove: USE-CANDIDATE}, {set: XOR-MAPPED-ADDRESS, address: '[2001:db8::1]:5'}, {add: USERNAME}],\n"
        "         alg: {in: [plain, anywhere], from: 10.0.0.1, to: 192.0.2.9:7}}\n");
    const hp_rule_rewrite *r = &s->rules[0].rule.actions[0].rewrite;
    const hp_rule_attribute *a = r->attributes;

    assert_true(r->src.family == HP_AF_IPV4 && r->dst.family == HP_AF_NONE && r->dst_port == 9 && r->src_port == 0);
    assert_true(r->has_ttl && r->ttl == 0 && r->has_dscp && r->dscp == 46 && r->has_ecn && r->ecn == 3);
    assert_true(r->fingerprint);
    assert_string_equal(r->password, "p");
    assert_int_equal(r->n_attributes, 6);
    assert_true(a[0].what == HP_RULE_ATTRIBUTE_SET && a[0].type == HP_STUN_SOFTWARE && a[0].length == 2);
    assert_memory_equal(a[0].value, "hi", 2);
    assert_true(a[1].what == HP_RULE_ATTRIBUTE_REPLACE && a[1].length == 4);
    assert_memory_equal(a[1].value, "\0\0\1\2", 4);
    assert_true(a[2].what == HP_RULE_ATTRIBUTE_ADD && a[2].type == HP_STUN_DATA_ATTR && a[2].length == 2);
    assert_memory_equal(a[2].value, "\0\xff", 2);
    assert_true(a[3].what == HP_RULE_ATTRIBUTE_REMOVE && a[3].type == HP_STUN_USE_CANDIDATE);
    assert_true(a[4].address.family == HP_AF_IPV6 && a[4].address.port == 5);
    assert_true(a[5].value == NULL && a[5].length == 0 && a[5].address.family == HP_AF_NONE);
    assert_true(r->alg.on && r->alg.anywhere && r->alg.attributes && !r->alg.xored);
    assert_true(r->alg.to.port == 7 && r->alg.from.family == HP_AF_IPV4);
    hp_scenario_free(s);
}

static void answers(void **state)
{
    hp_scenario *s = rules("  - at: a\n    do:\n"
                           "      - answer: {stun-error: 487}\n"
                           "      - answer: {stun-error: {code: 401, realm: r, nonce: n}, pass: true}\n"
                           "      - answer: {stun-success: 192.0.2.1:4000}\n"
                           "      - answer: stun-success\n"
                           "      - answer: {icmp: {kind: frag-needed, mtu: 1200, from: 10.0.0.1}}\n"
                           "      - answer: reset\n");
    const hp_rule_action *a = s->rules[0].rule.actions;

    assert_true(a[0].answer.kind == HP_RULE_ANSWER_STUN_ERROR && a[0].answer.code == 487 && !a[0].answer.pass);
    assert_true(a[1].answer.code == 401 && a[1].answer.pass);
    assert_string_equal(a[1].answer.nonce, "n");
    assert_true(a[2].answer.kind == HP_RULE_ANSWER_STUN_SUCCESS && a[2].answer.address.port == 4000);
    assert_int_equal(a[3].answer.address.family, HP_AF_NONE);
    assert_true(a[4].answer.kind == HP_RULE_ANSWER_ICMP && a[4].answer.icmp == HP_ICMP_FRAG_NEEDED &&
                a[4].answer.mtu == 1200 && a[4].answer.from.family == HP_AF_IPV4);
    assert_int_equal(a[5].answer.kind, HP_RULE_ANSWER_RESET);
    hp_scenario_free(s);
}

static void matches_look_inside(void **state)
{
    hp_scenario *s = rules(
        "  - at: a\n    do: drop\n    match:\n"
        "      ttl: \"< 5\"\n      dscp: 46\n      ecn: ce\n"
        "      tcp: {flags: [syn, ack], without: rst, data: false}\n"
        "      dtls: {content-type: handshake, handshake: server-hello, epoch: 0, version: dtls-1.2}\n"
        "  - {at: a, do: drop, match: {rtp: {payload-type: 0, ssrc: 0xdeadbeef, sequence: 65530..9, marker: true}}}\n"
        "  - {at: a, do: drop, match: {rtcp: {type: psfb, format: 1}}}\n"
        "  - {at: a, do: drop, match: {stun: {username: 'a:b', address: 10.0.0.0/8, port: 1..9,\n"
        "      address-in: XOR-PEER-ADDRESS}}}\n"
        "  - {at: a, do: drop, match: {dtls: true, rtp: false}}\n"
        "  - {at: a, do: drop, match: {rtp: {sequence: 7}, dtls: }}\n");
    const hp_match_detail *d = &s->rules[0].rule.match.detail;

    assert_compare(d->ttl, HP_UNIT_COUNT, INT64_MIN, 4);
    assert_true(d->has_dscp && d->dscp == 46 && d->has_ecn && d->ecn == 3);
    assert_int_equal(d->tcp.flags, 0x12);
    assert_int_equal(d->tcp.no_flags, 0x04);
    assert_int_equal(d->tcp.data, HP_ABSENT);
    assert_int_equal(s->rules[0].rule.match.dtls, HP_PRESENT);
    assert_true(d->dtls.has_content_type && d->dtls.content_type == 22 && d->dtls.has_handshake_type &&
                d->dtls.handshake_type == 2 && d->dtls.has_epoch && d->dtls.epoch == 0 && d->dtls.version == 0xfefd);

    d = &s->rules[1].rule.match.detail;
    assert_int_equal(s->rules[1].rule.match.rtp, HP_PRESENT);
    assert_true(d->rtp.has_payload_type && d->rtp.payload_type == 0 && d->rtp.ssrc == 0xdeadbeef && d->rtp.has_ssrc);
    assert_true(d->rtp.has_sequence && d->rtp.sequence_first == 65530 && d->rtp.sequence_last == 9);
    assert_int_equal(d->rtp.marker, HP_PRESENT);
    d = &s->rules[2].rule.match.detail;
    assert_true(d->rtcp.packet_type == 206 && d->rtcp.has_format && d->rtcp.format == 1);
    d = &s->rules[3].rule.match.detail;
    assert_string_equal(d->stun.username, "a:b");
    assert_true(d->stun.address.prefix.bits == 8 && d->stun.address.port_first == 1 && d->stun.address.port_last == 9);
    assert_int_equal(d->stun.address_in, HP_STUN_XOR_PEER_ADDRESS);
    assert_int_equal(s->rules[3].rule.match.stun.present, HP_PRESENT);
    assert_int_equal(s->rules[4].rule.match.dtls, HP_PRESENT);
    assert_int_equal(s->rules[4].rule.match.rtp, HP_ABSENT);
    d = &s->rules[5].rule.match.detail;
    assert_true(d->rtp.has_sequence && d->rtp.sequence_first == 7 && d->rtp.sequence_last == 7);
    assert_int_equal(s->rules[5].rule.match.dtls, HP_PRESENT); /* an empty map asks for no more */
    hp_scenario_free(s);
}

/* A later layer's match is one value: nothing of the former one is left, flags of its keys included. */
static void a_match_is_given_anew(void **state)
{
    hp_scenario *s = load_one(
        "network:\n  nats: {home: {link: {drop: 1, drop-match: {stun: {class: error, attribute: NONCE}, dscp: 0,\n"
        "    rtp: {sequence: 1}}, up: {drop-match: {dtls: true}}}}}\n" TAIL);
    const hp_match *up = &s->nats[0].link.up.drop_match, *down = &s->nats[0].link.down.drop_match;

    assert_true(down->stun.has_class && down->stun.n_with == 1 && down->detail.has_dscp &&
                down->detail.rtp.has_sequence);
    hp_match expected = {.dtls = HP_PRESENT};
    assert_true(hp_match_equal(up, &expected));
    assert_int_equal(up->stun.n_with, 0);
    hp_scenario_free(s);
}

static void a_matrix_over_rules(void **state)
{
    g_autoptr(GPtrArray) cases = load_all("rules:\n  - {at: a, do: {delay: 5ms}}\n" TAIL
                                          "matrix: {rules.0.nth: [1, 2], rules.0.do.delay.by: [10ms, 20ms]}\n");
    assert_int_equal(cases->len, 4);
    const hp_scenario *last = cases->pdata[3];
    assert_int_equal(last->rules[0].rule.nth[0].first, 2);
    assert_true(last->rules[0].rule.actions[0].delay.fixed == 20 * HP_MS);
}

static void mistakes(void **state)
{
    assert_complains("rules:\n"
                     "  - {do: drop}\n"
                     "  - {at: a}\n"
                     "  - {at: a, do: []}\n"
                     "  - {at: a, do: dorp}\n"
                     "  - {at: a, do: {drop: silence, delay: 1ms}}\n"
                     "  - {at: a, do: delay}\n"
                     "  - {at: a, do: rate-limit}\n"
                     "  - {at: a, do: {rate-limit: 0}}\n"
                     "  - {at: a, do: rewrite}\n"
                     "  - {at: a, do: {answer: {stun-error: 200}}}\n"
                     "  - {at: a, do: {answer: {icmp: echo-reply}}}\n"
                     "  - {at: a, do: drop, from: 5s, until: 5s}\n"
                     "  - {at: a, do: drop, until: 0}\n"
                     "  - {at: a, do: drop, from: nowhere}\n"
                     "  - {at: a, do: drop, chance: 0}\n"
                     "  - {at: a, do: drop, limit: 0}\n"
                     "  - {at: a, do: drop, from: wait, off: true}\n"
                     "  - {at: a, do: drop, label: twice}\n"
                     "  - {at: a, do: drop, label: twice}\n"
                     "  - {at: a, do: drop, colour: red}\n" TAIL "steps: [{wait: 1s}]\n",
                     "2:5: rules.0 lacks `at`\n"
                     "3:5: rules.1 lacks `do`\n"
                     "4:17: `do` must have 1 to 16 items, not 0\n"
                     "5:17: `dorp` is no rule-action (did you mean `drop`?)\n"
                     "6:33: a rule-action is one thing, and `drop` is there already (put it in an item of its own)\n"
                     "7:5: a delay delays by nothing\n"
                     "8:17: rules.6.do.0.rate-limit lacks `rate`\n"
                     "9:30: `rate` must be from 1bit/s to 1099.511627776Gbit/s, not 0\n"
                     "10:5: a rewrite changes nothing\n"
                     "11:39: `code` must be from 300 to 699, not 200\n"
                     "12:5: the ICMP answer must be an error\n"
                     "13:5: the time window ends before it begins\n"
                     "14:30: the time window ends before it begins\n"
                     "15:29: no step has the label or action `nowhere`\n"
                     "16:31: `chance` must be from 0.0000001% to 100%, not 0\n"
                     "17:30: `limit` must be from 1 to 9223372036854775807, not 0\n"
                     "18:40: `from` a step and `off` exclude each other\n"
                     "20:5: two rules have the label `twice`\n"
                     "21:23: unknown key `colour` in rules.19\n");
}

static void mistakes_in_attributes_and_matches(void **state)
{
    assert_complains("rules:\n"
                     "  - {at: a, do: {rewrite: {attributes: {set: SOFTWARES}}}}\n"
                     "  - {at: a, do: {rewrite: {attributes: {set: DATA, hex: 123}}}}\n"
                     "  - {at: a, do: {rewrite: {attributes: {set: DATA, hex: xy}}}}\n"
                     "  - {at: a, do: {rewrite: {attributes: {set: DATA, hex: 12, text: a}}}}\n"
                     "  - {at: a, do: {rewrite: {attributes: {remove: DATA, text: a}}}}\n"
                     "  - {at: a, do: {rewrite: {attributes: {set: DATA, address: 10.0.0.1}}}}\n"
                     "  - {at: a, do: {rewrite: {attributes: {text: a}}}}\n"
                     "  - {at: a, do: {rewrite: {alg: {in: plain}}}}\n"
                     "  - {at: a, do: {rewrite: {alg: {in: nowhere, to: 10.0.0.1}}}}\n"
                     "  - {at: a, do: drop, match: {tcp: {flags: fyn}}}\n"
                     "  - {at: a, do: drop, match: {tcp: {}}}\n"
                     "  - {at: a, do: drop, match: {tcp: {flags: syn, without: [ack, syn]}}}\n"
                     "  - {at: a, do: drop, match: {dtls: {present: false, epoch: 1}}}\n"
                     "  - {at: a, do: drop, match: {dtls: {handshake: finished}}}\n"
                     "  - {at: a, do: drop, match: {rtp: {sequence: 1..65536}}}\n"
                     "  - {at: a, do: drop, match: {rtp: {payload-type: 128}}}\n"
                     "  - {at: a, do: drop, match: {rtcp: {type: nack}}}\n"
                     "  - {at: a, do: drop, match: {stun: {address-in: NONCE}}}\n"
                     "  - {at: a, do: drop, match: {ecn: 4}}\n" TAIL,
                     "2:46: `SOFTWARES` is not a STUN attribute (did you mean `SOFTWARE`?)\n"
                     "3:57: `hex` must be bytes in hexadecimal such as 2112a442, not `123` (two digits a byte)\n"
                     "4:57: `hex` must be bytes in hexadecimal such as 2112a442, not `xy`\n"
                     "5:40: an attribute has one value: `text`, `hex`, `number` or `address`\n"
                     "6:40: what is removed gets no value\n"
                     "7:61: this attribute holds no address\n"
                     "8:40: this attribute-edit says not what it is\n"
                     "9:33: rules.7.do.0.rewrite.alg lacks `to`\n"
                     "10:38: `nowhere` is not a place where a gateway looks for addresses (did you mean `anywhere`?)\n"
                     "11:44: `fyn` is not a TCP flag (did you mean `fin`?)\n"
                     "12:36: `tcp` asks for nothing (`proto: tcp` is any segment)\n"
                     "13:36: a flag cannot be set and not be set\n"
                     "14:37: what is not DTLS has no other properties of DTLS\n"
                     "15:49: `finished` is not a DTLS handshake message in the clear\n"
                     "16:47: `sequence` must be a sequence number or a range of them such as 65530 or 65530..9, not "
                     "`1..65536`\n"
                     "17:51: `payload-type` must be from 0 to 127, not 128\n"
                     "18:44: `nack` is not a type of RTCP packet (one of `sr`, `rr`, `sdes`, `bye`, `app`, `rtpfb`, "
                     "`psfb`, `xr`)\n"
                     "19:50: `NONCE` holds no address\n"
                     "20:36: `4` is not an ECN codepoint (one of `not-ect`, `ect1`, `ect0`, `ce`)\n");
}

static void switching_and_expecting(void **state)
{
    hp_scenario *s = load_one("rules: [{at: a, do: drop, label: x}]\n" TAIL "steps: [{rule: {label: x, on: true}}]\n"
                              "expect: [rule: x, rule: {rule: x, hits: 3, matched: \">= 4\"}]\n");
    assert_int_equal(s->steps[0].kind, HP_STEP_RULE);
    assert_string_equal(s->steps[0].rule.label, "x");
    assert_true(s->steps[0].rule.on);
    assert_int_equal(s->expects[0].kind, HP_EXPECT_RULE);
    assert_false(s->expects[0].rule.hits.set);
    assert_compare(s->expects[1].rule.hits, HP_UNIT_COUNT, 3, 3);
    assert_compare(s->expects[1].rule.matched, HP_UNIT_COUNT, 4, INT64_MAX);
    hp_scenario_free(s);

    assert_complains("rules: [{at: a, do: drop, label: sharp}, {at: a, do: drop, label: mute, quiet: true}]\n" TAIL
                     "steps: [{rule: {label: shrap, on: true}}, {rule: {label: sharp}}]\n"
                     "expect:\n  - rule: shrap\n  - rule: {rule: sharp, matched: 1, after: 1s}\n"
                     "  - rule: {rule: mute, before: 1s}\n",
                     "3:24: no rule has the label `shrap` (did you mean `sharp`?)\n"
                     "3:50: steps.1.rule lacks `on`\n"
                     "5:11: no rule has the label `shrap` (did you mean `sharp`?)\n"
                     "6:34: `matched` is counted over the whole run, in no window\n"
                     "7:11: a quiet rule's hits are counted over the whole run, in no window\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key),
        cmocka_unit_test(actions_with_their_defaults),
        cmocka_unit_test(actions_with_all_they_have),
        cmocka_unit_test(rewriting),
        cmocka_unit_test(answers),
        cmocka_unit_test(matches_look_inside),
        cmocka_unit_test(a_match_is_given_anew),
        cmocka_unit_test(a_matrix_over_rules),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(mistakes_in_attributes_and_matches),
        cmocka_unit_test(switching_and_expecting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
