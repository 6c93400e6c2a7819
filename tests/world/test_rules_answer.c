/* The scripted middlebox: what it says in place of the far end, and to those whose packets it drops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "world/rules_rig.h"

static const uint8_t id[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static rig answering(hp_rule_answer answer)
{
    hp_rule_action action = {.what = HP_RULE_ANSWER, .answer = answer};
    hp_rule rule = {.direction = HP_RULE_UP, .actions = &action, .n_actions = 1};
    return rig_new(&rule, 1);
}

static hp_packet *request(hp_world *world, uint16_t method, bool fingerprint, const uint8_t *cookie)
{
    uint8_t bytes[100];
    hp_stun_writer w;
    hp_addr from = addr(ALICE), to = addr(SERVER);
    hp_stun_begin(&w, bytes, sizeof bytes, HP_STUN_REQUEST, method, id, cookie);
    if (fingerprint) {
        hp_stun_add_fingerprint(&w);
    }
    hp_packet *p = hp_packet_new(HP_PROTO_UDP, &from, &to, bytes, hp_stun_finish(&w));
    p->uid = hp_world_new_uid(world);
    return p;
}

static void assert_addr(hp_addr a, const char *text)
{
    char buf[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(&a, buf), text);
}

static void test_stun_error(void **state)
{
    char realm[] = "example.org", nonce[] = "n1";
    rig r = answering((hp_rule_answer){.code = 438, .realm = realm, .nonce = nonce});
    hp_packet *asked = request(r.world, HP_STUN_REFRESH, true, NULL);
    uint64_t uid = asked->uid;
    rig_up(&r, asked);
    rig_run(&r, 0);
    assert_int_equal(r.far->hits->len, 0);
    assert_int_equal(r.near->hits->len, 1);
    const hp_packet *p = probe_at(r.near, 0)->p;
    assert_addr(p->src, SERVER);
    assert_addr(p->dst, ALICE);
    assert_int_not_equal(p->uid, uid);
    hp_stun_msg m;
    hp_stun_attr attr;
    unsigned code;
    assert_true(hp_stun_parse(p->payload, p->length, &m));
    assert_int_equal(m.cls, HP_STUN_ERROR);
    assert_int_equal(m.method, HP_STUN_REFRESH);
    assert_memory_equal(m.id, id, 12);
    assert_true(hp_stun_find(&m, HP_STUN_ERROR_CODE, &attr) && hp_stun_attr_error(&attr, &code, NULL, NULL));
    assert_int_equal(code, 438);
    assert_true(hp_stun_find(&m, HP_STUN_NONCE, &attr));
    assert_memory_equal(attr.value, "n1", 2);
    assert_true(hp_stun_find(&m, HP_STUN_REALM, &attr));
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_GOOD);
    hp_record last;
    assert_int_equal(count_drops(r.trace, HP_DROP_RULE, &last), 1);
    assert_string_equal(last.drop.detail, "rule 1: answered in place of the far end");
    /* The answer is in the capture, at the middlebox's tap. */
    hp_record record;
    assert_true(hp_trace_find_packet(r.trace, 2, &record));
    assert_string_equal(hp_trace_tap_name(r.trace, record.packet.tap), "box");
    rig_free(&r);
}

/* Success tells the source, or what the rule says; without a cookie in the old attribute. Other methods pass. */
static void test_stun_success(void **state)
{
    static const uint8_t old[4] = {9, 9, 9, 9};
    for (unsigned i = 0; i < 4; i++) {
        bool given = (i & 1) != 0, cookie = (i & 2) != 0;
        rig r = answering((hp_rule_answer){.kind = HP_RULE_ANSWER_STUN_SUCCESS,
                                           .address = given ? addr("203.0.113.7:77") : (hp_addr){0},
                                           .pass = true});
        rig_up(&r, request(r.world, HP_STUN_BINDING, false, cookie ? NULL : old));
        rig_up(&r, request(r.world, HP_STUN_ALLOCATE, false, NULL));
        rig_run(&r, 0);
        assert_int_equal(r.far->hits->len, 2);
        assert_int_equal(r.near->hits->len, 1);
        const hp_packet *p = probe_at(r.near, 0)->p;
        hp_stun_msg m;
        hp_stun_attr attr;
        hp_addr mapped;
        assert_true(hp_stun_parse(p->payload, p->length, &m));
        assert_int_equal(m.cls, HP_STUN_SUCCESS);
        assert_int_equal(m.has_cookie, cookie);
        assert_true(hp_stun_find(&m, cookie ? HP_STUN_XOR_MAPPED_ADDRESS : HP_STUN_MAPPED_ADDRESS, &attr));
        assert_true(hp_stun_attr_addr(&m, &attr, cookie, &mapped));
        assert_addr(mapped, given ? "203.0.113.7:77" : ALICE);
        assert_false(hp_stun_find(&m, HP_STUN_FINGERPRINT, &attr));
        assert_string_equal(rig_note(&r, 0, NULL), "rule 1: answered, and passed on");
        rig_free(&r);
    }
}

/* What asks for no answer goes on: indications, answers, other datagrams, corrupt requests, resets. */
static void test_unanswerable(void **state)
{
    rig r = answering((hp_rule_answer){.code = 400});
    uint8_t indication[HP_STUN_HEADER];
    hp_stun_writer w;
    hp_addr from = addr(ALICE), to = addr(SERVER);
    hp_stun_begin(&w, indication, sizeof indication, HP_STUN_INDICATION, HP_STUN_BINDING, id, NULL);
    rig_up(&r, hp_packet_new(HP_PROTO_UDP, &from, &to, indication, sizeof indication));
    rig_send(&r, 0);
    hp_packet *bad = request(r.world, HP_STUN_BINDING, false, NULL);
    bad->corrupt = true;
    rig_up(&r, bad);
    rig_run(&r, 0);
    assert_int_equal(r.far->hits->len, 3);
    assert_int_equal(r.near->hits->len, 0);
    rig_free(&r);

    r = answering((hp_rule_answer){.kind = HP_RULE_ANSWER_RESET});
    rig_send(&r, 0);
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_RST, 5, 0, ""));
    rig_run(&r, 0);
    assert_int_equal(r.far->hits->len, 2);
    assert_int_equal(r.near->hits->len, 0);
    rig_free(&r);
}

/* RFC 9293 section 3.10.7.1. */
static void test_reset(void **state)
{
    rig r = answering((hp_rule_answer){.kind = HP_RULE_ANSWER_RESET});
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_SYN, 1000, 0, ""));
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_ACK, 1001, 555, "hello"));
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_FIN, 2000, 0, "abc"));
    rig_run(&r, 0);
    static const struct {
        uint8_t flags;
        uint32_t seq, ack;
    } expected[] = {{HP_TCP_RST | HP_TCP_ACK, 0, 1001}, {HP_TCP_RST, 555, 0}, {HP_TCP_RST | HP_TCP_ACK, 0, 2004}};
    assert_int_equal(r.near->hits->len, 3);
    for (unsigned i = 0; i < 3; i++) {
        const hp_packet *p = probe_at(r.near, i)->p;
        hp_tcp_header h = tcp_header(p, NULL, NULL);
        assert_int_equal(h.flags, expected[i].flags);
        assert_int_equal(h.seq, expected[i].seq);
        assert_int_equal(h.ack, expected[i].ack);
        assert_addr(p->src, SERVER);
        assert_addr(p->dst, ALICE);
        g_autoptr(hp_packet) read = through_wire(p);
        assert_false(read->corrupt);
    }
    rig_free(&r);
}

/* The error's source: what the rule says, else the middlebox's own, else the far end. */
static void test_icmp(void **state)
{
    static const char *const sources[] = {"192.0.2.9", "10.0.0.1", "198.51.100.5"};
    for (unsigned i = 0; i < 3; i++) {
        rig r = answering((hp_rule_answer){.kind = HP_RULE_ANSWER_ICMP,
                                           .icmp = i == 2 ? HP_ICMP_FRAG_NEEDED : HP_ICMP_NONE,
                                           .mtu = 1280,
                                           .from = i == 2 ? addr(sources[2]) : (hp_addr){0}});
        hp_addr own = addr("10.0.0.1");
        hp_rules_set_address(r.box, i > 0 ? &own : NULL, NULL);
        rig_send(&r, 0);
        rig_run(&r, 0);
        const hp_packet *p = probe_at(r.near, 0)->p;
        assert_addr(p->src, sources[i]);
        assert_int_equal(p->icmp_kind, i == 2 ? HP_ICMP_FRAG_NEEDED : HP_ICMP_ADMIN_PROHIBITED);
        assert_int_equal(p->icmp_mtu, i == 2 ? 1280 : 0);
        assert_addr(p->inner->src, ALICE);
        rig_free(&r);
    }
}

static void test_refusals(void **state)
{
    hp_rule_action refuse = {.what = HP_RULE_DROP, .refusal = HP_REFUSE_RESET};
    hp_rule rule = {.actions = &refuse, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    hp_addr own = addr("10.0.0.1");
    hp_rules_set_address(r.box, &own, NULL);
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_SYN, 1000, 0, ""));
    rig_send(&r, 0);
    rig_up(&r, udp_packet(r.world, "[2001:db8::1]:1", "[2001:db8::2]:2", 5)); /* no address of that family */
    rig_give(&r, HP_RULES_FAR, udp_packet(r.world, SERVER, ALICE, 5));
    rig_run(&r, 0);
    assert_int_equal(count_drops(r.trace, HP_DROP_RULE, NULL), 4);
    assert_int_equal(r.near->hits->len, 2);
    assert_int_equal(tcp_header(probe_at(r.near, 0)->p, NULL, NULL).flags, HP_TCP_RST | HP_TCP_ACK);
    assert_int_equal(probe_at(r.near, 1)->p->icmp_kind, HP_ICMP_ADMIN_PROHIBITED);
    assert_int_equal(r.far->hits->len, 1);
    assert_int_equal(probe_at(r.far, 0)->p->icmp_kind, HP_ICMP_ADMIN_PROHIBITED);
    rig_free(&r);
}

/* ---- rules as values ---- */

static void test_copy(void **state)
{
    hp_rule rule = {.label = g_strdup("a"), .n_nth = 1, .n_actions = 1, .from = 5};
    rule.nth = g_new0(hp_packet_range, 1);
    rule.match.detail.stun.username = g_strdup("alice");
    rule.actions = g_new0(hp_rule_action, 1);
    rule.actions[0].answer.realm = g_strdup("r");
    rule.actions[0].rewrite.password = g_strdup("p");
    rule.actions[0].rewrite.n_attributes = 1;
    rule.actions[0].rewrite.attributes = g_new0(hp_rule_attribute, 1);
    rule.actions[0].rewrite.attributes[0].value = g_memdup2("xyz", 3);
    rule.actions[0].rewrite.attributes[0].length = 3;
    hp_rule copy;
    hp_rule_copy(&rule, &copy);
    hp_rule_clear(&rule);
    assert_null(rule.label);
    assert_string_equal(copy.label, "a");
    assert_string_equal(copy.match.detail.stun.username, "alice");
    assert_string_equal(copy.actions[0].answer.realm, "r");
    assert_string_equal(copy.actions[0].rewrite.password, "p");
    assert_memory_equal(copy.actions[0].rewrite.attributes[0].value, "xyz", 3);
    hp_rule_clear(&copy);
    hp_rule_clear(&copy);
    hp_rule_clear(NULL);
}

static void test_check(void **state)
{
    hp_packet_range backwards = {5, 3};
    hp_rule_attribute empty = {.what = HP_RULE_ATTRIBUTE_SET, .length = 4};
    hp_addr four = addr("10.0.0.1"), six = addr("2001:db8::1");
    char user[] = "u";
    const struct {
        hp_rule rule;
        hp_rule_action action;
        const char *message;
    } cases[] = {
        {{.from = 5, .to = 5}, {0}, "the time window ends before it begins"},
        {{.nth = &backwards, .n_nth = 1}, {0}, "a range of packets ends before it begins"},
        {{0}, {.what = HP_RULE_DELAY}, "a delay delays by nothing"},
        {{0}, {.what = HP_RULE_DUPLICATE, .duplicate = {.copies = 1001}}, "at most 1000 copies of one packet"},
        {{0}, {.what = HP_RULE_REWRITE}, "a rewrite changes nothing"},
        {{0},
         {.what = HP_RULE_REWRITE, .rewrite = {.src = four, .dst = six}},
         "source and destination are of different families"},
        {{0}, {.what = HP_RULE_REWRITE, .rewrite = {.has_ecn = true, .ecn = 4}}, "DSCP is 0 to 63, ECN 0 to 3"},
        {{0},
         {.what = HP_RULE_REWRITE, .rewrite = {.has_ttl = true, .user = user}},
         "a long-term key needs user, realm and password"},
        {{0},
         {.what = HP_RULE_REWRITE, .rewrite = {.attributes = &empty, .n_attributes = 1}},
         "a STUN attribute has a length and no value"},
        {{0},
         {.what = HP_RULE_REWRITE, .rewrite = {.alg = {.on = true, .anywhere = true}}},
         "an application-level gateway needs the address that it puts in"},
        {{0},
         {.what = HP_RULE_REWRITE, .rewrite = {.alg = {.on = true, .from = six, .to = four}}},
         "an application-level gateway's two addresses are of different families"},
        {{0},
         {.what = HP_RULE_REWRITE, .rewrite = {.alg = {.on = true, .to = four}}},
         "an application-level gateway has nowhere to look"},
        {{0},
         {.what = HP_RULE_CORRUPT, .corrupt = {.first = 5, .last = 3}},
         "the bytes to be corrupted end before they begin"},
        {{0}, {.what = HP_RULE_SPLIT}, "a segment cannot be split into nothing"},
        {{0}, {.what = HP_RULE_ANSWER, .answer = {.code = 200}}, "a STUN error code is 300 to 699"},
        {{0},
         {.what = HP_RULE_ANSWER, .answer = {.kind = HP_RULE_ANSWER_ICMP, .icmp = HP_ICMP_ECHO_REPLY}},
         "the ICMP answer must be an error"},
        {{0}, {.what = HP_RULE_DO_N}, "no such action"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_rule_action action = cases[i].action;
        hp_rule rule = cases[i].rule;
        rule.actions = &action;
        rule.n_actions = 1;
        g_autoptr(GError) error = NULL;
        assert_false(hp_rule_check(&rule, &error));
        assert_string_equal(error->message, cases[i].message);
    }
    assert_string_equal(hp_rule_do_name(HP_RULE_RATE_LIMIT), "rate-limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stun_error), cmocka_unit_test(test_stun_success), cmocka_unit_test(test_unanswerable),
        cmocka_unit_test(test_reset),      cmocka_unit_test(test_icmp),         cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_copy),       cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
