/* Known bugs of NAT traversal that need a middlebox to show: each as the rules that provoke it, on the packets it is
 * about. Here it is only shown that the rules say what they should; what agents make of it is for scenarios. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "world/rules_rig.h"

static const uint8_t id[12] = {1};

typedef struct bytes {
    uint8_t data[200];
    size_t length;
} bytes;

static bytes stun(hp_stun_class cls, uint16_t method, uint16_t attribute)
{
    bytes b;
    hp_stun_writer w;
    hp_stun_begin(&w, b.data, sizeof b.data, cls, method, id, NULL);
    if (attribute != 0) {
        hp_stun_add(&w, attribute, NULL, 0);
    }
    b.length = hp_stun_finish(&w);
    return b;
}

static bytes in_channel(bytes inner)
{
    bytes b;
    b.length = hp_channel_data_write(b.data, sizeof b.data, 0x4000, inner.data, inner.length);
    return b;
}

static bytes rtp(uint16_t sequence)
{
    return (bytes){{0x80, 111, (uint8_t)(sequence >> 8), (uint8_t)sequence, 0, 0, 0, 0, 0, 0, 0, 7, 1}, 13};
}

static bytes dtls(uint8_t content_type, uint8_t epoch, uint8_t handshake)
{
    return (bytes){{content_type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0, 12, handshake}, 25};
}

static bool passes_at(rig *r, unsigned side, bytes b)
{
    hp_addr near = addr(ALICE), far = addr(SERVER);
    probe *other = side == HP_RULES_NEAR ? r->far : r->near;
    unsigned before = other->hits->len;
    rig_give(r, side,
             hp_packet_new(HP_PROTO_UDP, side == HP_RULES_NEAR ? &near : &far, side == HP_RULES_NEAR ? &far : &near,
                           b.data, b.length));
    return other->hits->len > before;
}

static bool up(rig *r, bytes b)
{
    return passes_at(r, HP_RULES_NEAR, b);
}

static rig dropping(hp_rule rule)
{
    hp_rule_action drop = {.what = HP_RULE_DROP};
    rule.actions = &drop;
    rule.n_actions = 1;
    return rig_new(&rule, 1);
}

/* bigbluebutton PR 17468: a gateway that cannot bear USE-CANDIDATE, on the direct path alone. */
static void test_use_candidate(void **state)
{
    uint16_t use_candidate = HP_STUN_USE_CANDIDATE;
    bytes nominates = stun(HP_STUN_REQUEST, HP_STUN_BINDING, HP_STUN_USE_CANDIDATE);
    hp_rule rule = {
        .match = {.stun = {.has_class = true, .cls = HP_STUN_REQUEST, .with = &use_candidate, .n_with = 1}}};
    rig r = dropping(rule);
    assert_false(up(&r, nominates));
    assert_true(up(&r, stun(HP_STUN_REQUEST, HP_STUN_BINDING, 0)));
    assert_true(up(&r, in_channel(nominates))); /* by the relay */
    rig_free(&r);
    rule.match.inside = true;
    r = dropping(rule);
    assert_false(up(&r, in_channel(nominates)));
    rig_free(&r);
}

/* pion/ice 336: one lost request, and never a server reflexive candidate. */
static void test_first_request(void **state)
{
    hp_packet_range first = {1, 1};
    rig r =
        dropping((hp_rule){.match = {.stun = {.has_class = true, .cls = HP_STUN_REQUEST, .method = HP_STUN_BINDING}},
                           .nth = &first,
                           .n_nth = 1});
    assert_true(up(&r, rtp(1)));
    assert_false(up(&r, stun(HP_STUN_REQUEST, HP_STUN_BINDING, 0)));
    assert_true(up(&r, stun(HP_STUN_REQUEST, HP_STUN_BINDING, 0)));
    rig_free(&r);
}

/* pion/ice 37fb5d2, libnice 306d471a: media goes on while consent is lost. libnice f456747e: all of it for 12 s. */
static void test_black_holes(void **state)
{
    for (unsigned all = 0; all < 2; all++) {
        rig r = dropping((hp_rule){
            .match = {.stun = {.present = all != 0 ? HP_EITHER : HP_PRESENT}}, .from = 10 * HP_S, .to = 22 * HP_S});
        for (unsigned at = 0; at < 30; at += 4) {
            bool within = at >= 10 && at < 22;
            rig_run(&r, at * HP_S);
            assert_int_equal(up(&r, stun(HP_STUN_REQUEST, HP_STUN_BINDING, 0)), !within);
            assert_int_equal(passes_at(&r, HP_RULES_FAR, stun(HP_STUN_SUCCESS, HP_STUN_BINDING, 0)), !within);
            assert_int_equal(up(&r, rtp(1)), !within || all == 0);
        }
        rig_free(&r);
    }
}

/* rtpengine 1040, libjuice PR 87: the answer comes from another address of the server. */
static void test_answer_from_another_address(void **state)
{
    hp_rule_action action = {.what = HP_RULE_REWRITE, .rewrite = {.src = addr("192.0.2.10")}};
    hp_rule rule = {
        .direction = HP_RULE_DOWN, .match = {.stun = {.present = HP_PRESENT}}, .actions = &action, .n_actions = 1};
    assert_true(hp_prefix_parse("192.0.2.9", &rule.match.src.prefix));
    rig r = rig_new(&rule, 1);
    assert_true(passes_at(&r, HP_RULES_FAR, stun(HP_STUN_SUCCESS, HP_STUN_BINDING, 0)));
    hp_addr from = probe_at(r.near, 0)->p->src, other = addr("192.0.2.10:3478");
    assert_true(hp_addr_equal(&from, &other));
    rig_free(&r);
}

/* aiortc 37f40204, libsrtp 567: the numbers around the wrap are lost. */
static void test_wrap(void **state)
{
    rig r = dropping(
        (hp_rule){.match.detail = {.rtp = {.has_sequence = true, .sequence_first = 65533, .sequence_last = 2}}});
    for (uint16_t i = 0; i < 12; i++) {
        uint16_t sequence = (uint16_t)(65530 + i);
        assert_int_equal(up(&r, rtp(sequence)), i < 3 || i > 8);
    }
    rig_free(&r);
}

/* pion/dtls 478: the last flight, which nothing acknowledges; Janus 252, aiortc 365: fragments never arrive. */
static void test_handshake(void **state)
{
    hp_packet_range first = {1, 1};
    rig r = dropping((hp_rule){.direction = HP_RULE_DOWN,
                               .match.detail = {.dtls = {.has_content_type = true,
                                                         .content_type = 22,
                                                         .has_epoch = true,
                                                         .epoch = 1}}, /* the server's Finished */
                               .nth = &first,
                               .n_nth = 1});
    assert_true(passes_at(&r, HP_RULES_FAR, dtls(22, 0, 2)));
    assert_true(up(&r, dtls(22, 1, 0)));
    assert_false(passes_at(&r, HP_RULES_FAR, dtls(22, 1, 0)));
    assert_true(passes_at(&r, HP_RULES_FAR, dtls(22, 1, 0)));
    rig_free(&r);

    r = dropping((hp_rule){.match = {.fragment = HP_PRESENT}});
    hp_packet *fragment = udp_packet(r.world, ALICE, SERVER, 100);
    fragment->frag_total = 2000;
    rig_up(&r, fragment);
    assert_int_equal(r.far->hits->len, 0);
    assert_true(up(&r, dtls(22, 0, 11)));
    rig_free(&r);
}

/* ex_ice 71 (two 487s at once), aioice 28 (438 on any request), aioice (a ChannelBind that is refused): errors that the
 * far end never sent. */
static void test_forged_errors(void **state)
{
    static const struct {
        uint16_t method, code;
    } cases[] = {{HP_STUN_BINDING, 487}, {HP_STUN_CREATE_PERMISSION, 438}, {HP_STUN_CHANNEL_BIND, 403}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_rule_action action = {.what = HP_RULE_ANSWER, .answer = {.code = cases[i].code}};
        hp_rule rule = {.match = {.stun = {.has_class = true, .cls = HP_STUN_REQUEST, .method = cases[i].method}},
                        .limit = 2,
                        .actions = &action,
                        .n_actions = 1};
        rig r = rig_new(&rule, 1);
        assert_false(up(&r, stun(HP_STUN_REQUEST, cases[i].method, 0)));
        assert_false(up(&r, stun(HP_STUN_REQUEST, cases[i].method, 0)));
        assert_true(up(&r, stun(HP_STUN_REQUEST, cases[i].method, 0)));
        rig_run(&r, 0);
        assert_int_equal(r.near->hits->len, 2);
        rig_free(&r);
    }
}

/* coturn PR 2027: one packet whose TTL is nearly spent. */
static void test_ttl(void **state)
{
    hp_packet_range fifth = {5, 5};
    hp_rule_action action = {.what = HP_RULE_REWRITE, .rewrite = {.has_ttl = true, .ttl = 1}};
    hp_rule rule = {
        .match = {.channel_data = HP_PRESENT}, .nth = &fifth, .n_nth = 1, .actions = &action, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    for (unsigned i = 1; i <= 6; i++) {
        assert_true(up(&r, in_channel(rtp((uint16_t)i))));
        assert_int_equal(probe_at(r.far, i - 1)->p->ttl, i == 5 ? 1 : 64);
    }
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_use_candidate), cmocka_unit_test(test_first_request),
        cmocka_unit_test(test_black_holes),   cmocka_unit_test(test_answer_from_another_address),
        cmocka_unit_test(test_wrap),          cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_forged_errors), cmocka_unit_test(test_ttl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
