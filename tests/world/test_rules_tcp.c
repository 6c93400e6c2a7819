/* Real TCP connections through middleboxes and firewalls: what they do to segments, a stack copes with, or is told. */
#include "tcp_rig.h"

#include "world/firewall.h"
#include "world/rules.h"

static hp_rules *box_in_between(rig *r)
{
    hp_rules *box = hp_rules_new(r->world, "box");
    hp_rules_divert(box, HP_RULES_NEAR, hp_link_node(r->there), 0);
    hp_rules_divert(box, HP_RULES_FAR, hp_link_node(r->back), 0);
    return box;
}

/* Segments of a few bytes, some twice, some late, some with flipped bits: the stream is the same to the byte. */
static void test_stream_survives(void **state)
{
    enum { N = 20000 };
    end c, s;
    hp_rule_action split = {.what = HP_RULE_SPLIT, .split_to = 7}, twice = {.what = HP_RULE_DUPLICATE},
                   late = {.what = HP_RULE_REORDER, .reorder = {.packets = 3}}, bad = {.what = HP_RULE_CORRUPT};
    hp_rule rules[] = {
        {.chance_ppb = HP_PPB / 20, .actions = &bad, .n_actions = 1, .go_on = true},
        {.chance_ppb = HP_PPB / 4, .actions = &twice, .n_actions = 1, .go_on = true},
        {.direction = HP_RULE_UP, .chance_ppb = HP_PPB / 2, .actions = &split, .n_actions = 1},
        {.chance_ppb = HP_PPB / 4, .actions = &late, .n_actions = 1},
    };
    rig *r = rig_new(NULL, NULL);
    hp_rules *box = box_in_between(r);
    assert_true(hp_rules_set(box, rules, G_N_ELEMENTS(rules), NULL));
    rig_pair(r, &c, &s);
    s.echo = true;
    rig_until(r, 10 * HP_S); /* the handshake may have met with an accident */
    g_autofree uint8_t *bytes = some_bytes(N);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(hp_tcp_send(c.socket, bytes + i * (N / 20), N / 20), N / 20);
        rig_until(r, hp_world_now(r->world) + 10 * HP_S);
    }
    rig_until(r, hp_world_now(r->world) + 100 * HP_S);
    assert_int_equal(s.got->len, N);
    assert_memory_equal(s.got->data, bytes, N);
    assert_int_equal(c.got->len, N);
    assert_memory_equal(c.got->data, bytes, N);
    for (unsigned i = 0; i < G_N_ELEMENTS(rules); i++) {
        assert_true(hp_rules_counts(box, i).hits > 0);
    }
    end_clear(&c);
    end_clear(&s);
    rig_free(r);
}

/* A reset made on the way ends the connection as if the far end had sent it. */
static void test_reset_on_the_way(void **state)
{
    end c, s;
    hp_rule_action reset = {.what = HP_RULE_ANSWER, .answer = {.kind = HP_RULE_ANSWER_RESET}};
    hp_rule rule = {.direction = HP_RULE_UP, .actions = &reset, .n_actions = 1};
    for (unsigned established = 0; established < 2; established++) {
        rig *r = rig_new(NULL, NULL);
        hp_rules *box = box_in_between(r);
        rule.match.detail.tcp.data = established != 0 ? HP_PRESENT : HP_EITHER;
        assert_true(hp_rules_set(box, &rule, 1, NULL));
        rig_pair(r, &c, &s);
        rig_until(r, 100 * HP_MS);
        if (established != 0) {
            say(&c, "hello");
            rig_until(r, 200 * HP_MS);
        }
        assert_int_equal(c.connected, established);
        assert_int_equal(c.closed, 1);
        assert_int_equal(c.reason, established != 0 ? HP_TCP_END_RESET : HP_TCP_END_REFUSED);
        /* To the middlebox and back; a box beside the links adds nothing. */
        assert_int_equal(c.closed_at, established != 0 ? 120 * HP_MS : 20 * HP_MS);
        end_clear(&c);
        end_clear(&s);
        rig_free(r);
    }
}

/* ---- firewalls ---- */

/* alice's firewall, then bob's, each with its owner inside. */
static void walls_in_between(rig *r, const hp_firewall_config *config, hp_firewall *walls[2])
{
    walls[0] = hp_firewall_new(r->world, "alice's", config);
    walls[1] = hp_firewall_new(r->world, "bob's", config);
    hp_node *a = hp_firewall_node(walls[0]), *b = hp_firewall_node(walls[1]);
    hp_addr own = addr("192.0.2.250");
    hp_firewall_set_address(walls[0], HP_FIREWALL_OUTSIDE, &own);
    hp_firewall_set_address(walls[1], HP_FIREWALL_OUTSIDE, &own);
    hp_node_connect(hp_link_node(r->there), 0, a, HP_FIREWALL_INSIDE);
    hp_node_connect(a, HP_FIREWALL_OUTSIDE, b, HP_FIREWALL_OUTSIDE);
    hp_node_connect(b, HP_FIREWALL_INSIDE, hp_host_node(r->b), 0);
    hp_node_connect(hp_link_node(r->back), 0, b, HP_FIREWALL_INSIDE);
    hp_node_connect(b, HP_FIREWALL_OUTSIDE, a, HP_FIREWALL_OUTSIDE);
    hp_node_connect(a, HP_FIREWALL_INSIDE, hp_host_node(r->a), 0);
}

/* RFC 6092 REC-31, REC-34: two peers behind firewalls that connect to each other, at once or a little apart, get their
 * connection; a wait for the refusal is what makes the second possible. */
static void test_two_sides_connect(void **state)
{
    for (unsigned apart = 0; apart < 2; apart++) {
        hp_firewall_config config = {.in_refusal = HP_REFUSE_RESET, .syn_wait = 6 * HP_S};
        hp_firewall *walls[2];
        end c, s;
        rig *r = rig_new(NULL, NULL);
        walls_in_between(r, &config, walls);
        end_init(&c, r);
        end_init(&s, r);
        rig_connect_from(&c, r->a, ALICE ":5000", BOB ":6000");
        rig_until(r, apart * 500 * HP_MS);
        rig_connect_from(&s, r->b, BOB ":6000", ALICE ":5000");
        rig_until(r, 20 * HP_S);
        assert_int_equal(c.connected, 1);
        assert_int_equal(s.connected, 1);
        say(&c, "hello");
        say(&s, "bye");
        rig_until(r, 30 * HP_S);
        assert_int_equal(s.got->len, 5);
        assert_int_equal(c.got->len, 3);
        assert_int_equal(hp_firewall_get_stats(walls[0]).flows, 1);
        assert_int_equal(hp_firewall_get_stats(walls[1]).flows, 1);
        end_clear(&c);
        end_clear(&s);
        rig_free(r);
    }
}

/* Without the wait the first SYN is answered at once, and the attempt is over before the other side begins. */
static void test_refused_at_once(void **state)
{
    hp_firewall_config config = {.in_refusal = HP_REFUSE_RESET};
    hp_firewall *walls[2];
    end c;
    rig *r = rig_new(NULL, NULL);
    walls_in_between(r, &config, walls);
    end_init(&c, r);
    rig_connect_from(&c, r->a, ALICE ":5000", BOB ":6000");
    rig_until(r, 20 * HP_S);
    assert_int_equal(c.closed, 1);
    assert_int_equal(c.reason, HP_TCP_END_REFUSED);
    assert_int_equal(c.closed_at, 20 * HP_MS);
    end_clear(&c);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_survives),
        cmocka_unit_test(test_reset_on_the_way),
        cmocka_unit_test(test_two_sides_connect),
        cmocka_unit_test(test_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
