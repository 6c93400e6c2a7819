/* Fragments (RFC 4787 section 11). */
#include "world/fragment.h"
#include "world/nat_rig.h"

#define A "192.168.1.2:5000"
#define S "198.51.100.1:3478"
#define E "192.0.2.1:5000"

static void collect(void *user, hp_packet *fragment)
{
    g_ptr_array_add(user, fragment);
}

/* The fragments of a datagram of 3000 bytes. */
static GPtrArray *fragments(const char *src, const char *dst)
{
    static const uint8_t payload[3000] = {1, 2, 3};
    hp_addr from = addr(src), to = addr(dst);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, payload, sizeof payload);
    p->uid = 77;
    GPtrArray *list = g_ptr_array_new();
    assert_true(hp_fragment(p, 1500, collect, list));
    assert_int_equal(list->len, 3);
    return list;
}

static hp_packet *piece(GPtrArray *list, unsigned i)
{
    return g_steal_pointer(&g_ptr_array_index(list, i));
}

static void list_free(GPtrArray *list)
{
    for (unsigned i = 0; i < list->len; i++)
        hp_packet_free(g_ptr_array_index(list, i));
    g_ptr_array_free(list, TRUE);
}

static void check(const hp_packet *p, uint32_t offset, const char *src, const char *dst)
{
    char text[HP_ADDR_TEXT];
    assert_non_null(p);
    assert_int_equal(p->frag_offset, offset);
    assert_string_equal(hp_addr_format(&p->src, text), src);
    assert_string_equal(hp_addr_format(&p->dst, text), dst);
    assert_int_equal(p->ttl, 63);
}

static void in_order(void **state)
{
    for (unsigned mode = HP_NAT_FRAGMENTS_OUT_OF_ORDER; mode <= HP_NAT_FRAGMENTS_IN_ORDER; mode++) {
        hp_nat_config c = hp_nat_config_default();
        c.fragments = (hp_nat_fragments)mode;
        g_autoptr(rig) r = rig_new(&c);
        GPtrArray *list = fragments(A, S);
        for (unsigned i = 0; i < 3; i++)
            rig_give(r, HP_NAT_INSIDE, piece(list, i));
        check(rig_got(r, HP_NAT_OUTSIDE), 0, E, S);
        check(rig_got(r, HP_NAT_OUTSIDE), 1480, "192.0.2.1", "198.51.100.1");
        check(rig_got(r, HP_NAT_OUTSIDE), 2960, "192.0.2.1", "198.51.100.1");
        list_free(list);
        list = fragments(S, E);
        for (unsigned i = 0; i < 3; i++)
            rig_give(r, HP_NAT_OUTSIDE, piece(list, i));
        check(rig_got(r, HP_NAT_INSIDE), 0, S, A);
        check(rig_got(r, HP_NAT_INSIDE), 1480, "198.51.100.1", "192.168.1.2");
        check(rig_got(r, HP_NAT_INSIDE), 2960, "198.51.100.1", "192.168.1.2");
        list_free(list);
        assert_int_equal(rig_drops(r), 0);
    }
}

/* Sends a datagram in fragments, the last one first, through a NAT and then as bytes; `flip` changes one of the bytes
 * of that fragment on the way. */
static hp_packet *through_nat(const char *external, const char *src, const char *dst, int flip)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new_seeded(1, &c, external);
    GPtrArray *list = fragments(src, dst);
    hp_reassembly *reassembly = hp_reassembly_new(&r->out->node, NULL, NULL);
    hp_packet *whole = NULL;
    for (unsigned i = 3; i-- > 0;)
        rig_give(r, HP_NAT_INSIDE, piece(list, i));
    for (int i = 0; i < 3; i++) {
        uint8_t bytes[1600];
        size_t n = hp_packet_write(rig_got(r, HP_NAT_OUTSIDE), bytes, sizeof bytes);
        if (i == flip)
            bytes[n - 1] ^= 1;
        hp_packet *parsed = hp_packet_parse(bytes, n, NULL);
        assert_non_null(parsed);
        whole = hp_reassembly_add(reassembly, parsed);
    }
    hp_reassembly_free(reassembly);
    list_free(list);
    return whole;
}

/* The port changes, and so does the checksum. */
static void the_receiver_can_reassemble(void **state)
{
    static const char *const flows[][3] = {{"192.0.2.1", "192.168.1.2:500", S},
                                           {"2001:db8:4e::1", "[fd00::2]:500", "[2001:db8::1]:3478"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(flows); i++) {
        for (int flip = -1; flip < 3; flip++) {
            g_autoptr(hp_packet) whole = through_nat(flows[i][0], flows[i][1], flows[i][2], flip);
            hp_addr external = addr(flows[i][0]);
            assert_non_null(whole);
            assert_true(hp_addr_same_ip(&whole->src, &external));
            assert_int_equal(whole->src.port, 1024);
            assert_int_equal(whole->corrupt, flip >= 0);
            assert_int_equal(whole->length, 3000);
        }
    }
}

static void later_ones_wait_for_the_first(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    GPtrArray *list = fragments(A, S);
    rig_give(r, HP_NAT_INSIDE, piece(list, 2));
    rig_until(r, 10 * HP_S);
    rig_give(r, HP_NAT_INSIDE, piece(list, 1));
    assert_null(rig_got(r, HP_NAT_OUTSIDE));
    rig_until(r, 30 * HP_S - 1);
    rig_give(r, HP_NAT_INSIDE, piece(list, 0));
    check(rig_got(r, HP_NAT_OUTSIDE), 0, E, S);
    check(rig_got(r, HP_NAT_OUTSIDE), 2960, "192.0.2.1", "198.51.100.1");
    check(rig_got(r, HP_NAT_OUTSIDE), 1480, "192.0.2.1", "198.51.100.1");
    assert_int_equal(rig_drops(r), 0);
    list_free(list);
}

static void but_not_for_ever(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    GPtrArray *list = fragments(A, S);
    rig_until(r, HP_S);
    rig_give(r, HP_NAT_INSIDE, piece(list, 2));
    rig_until(r, 20 * HP_S);
    rig_give(r, HP_NAT_INSIDE, piece(list, 1));
    rig_until(r, 31 * HP_S - 1);
    assert_int_equal(rig_drops(r), 0);
    rig_until(r, 31 * HP_S);
    assert_drop(r, 2, HP_DROP_NAT_FRAGMENT);
    assert_int_equal(hp_world_next_deadline(r->world), HP_NEVER);
    list_free(list);
}

static void in_order_only(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.fragments = HP_NAT_FRAGMENTS_IN_ORDER;
    g_autoptr(rig) r = rig_new(&c);
    GPtrArray *list = fragments(A, S);
    rig_give(r, HP_NAT_INSIDE, piece(list, 1));
    assert_drop(r, 1, HP_DROP_NAT_FRAGMENT);
    rig_give(r, HP_NAT_INSIDE, piece(list, 0));
    rig_give(r, HP_NAT_INSIDE, piece(list, 2));
    check(rig_got(r, HP_NAT_OUTSIDE), 0, E, S);
    check(rig_got(r, HP_NAT_OUTSIDE), 2960, "192.0.2.1", "198.51.100.1");
    assert_int_equal(rig_drops(r), 1);
    list_free(list);
}

static void none_at_all(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.fragments = HP_NAT_FRAGMENTS_DROP;
    g_autoptr(rig) r = rig_new(&c);
    GPtrArray *list = fragments(A, S);
    for (unsigned i = 0; i < 3; i++)
        rig_give(r, HP_NAT_INSIDE, piece(list, i));
    assert_drop(r, 3, HP_DROP_NAT_FRAGMENT);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    list_free(list);
}

static void all_share_the_fate_of_the_first(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, "198.51.100.9:9", E);
    GPtrArray *list = fragments(S, E);
    rig_give(r, HP_NAT_OUTSIDE, piece(list, 1));
    rig_give(r, HP_NAT_OUTSIDE, piece(list, 0));
    assert_drop(r, 2, HP_DROP_NAT_FILTERED);
    rig_give(r, HP_NAT_OUTSIDE, piece(list, 2));
    assert_drop(r, 3, HP_DROP_NAT_FILTERED);
    list_free(list);
}

static void a_flood_is_limited(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    GPtrArray *list = fragments(A, S);
    for (unsigned i = 0; i < 65; i++) {
        hp_packet *p = hp_packet_copy(g_ptr_array_index(list, 1));
        p->ip_id = 1;
        rig_give(r, HP_NAT_INSIDE, p);
    }
    assert_drop(r, 1, HP_DROP_NAT_FRAGMENT);
    for (unsigned i = 0; i < 1000; i++) {
        hp_packet *p = hp_packet_copy(g_ptr_array_index(list, 1));
        p->ip_id = 1000 + i;
        rig_give(r, HP_NAT_INSIDE, p);
    }
    assert_drop(r, 1 + 1000 - (512 - 64), HP_DROP_NAT_FRAGMENT);
    /* Fragments in order and whole packets pass all the same (REQ-14a). */
    rig_give(r, HP_NAT_INSIDE, piece(list, 0));
    check(rig_got(r, HP_NAT_OUTSIDE), 0, E, S);
    assert_out(r, A, S, E);
    hp_nat_reboot(r->nat);
    assert_int_equal(rig_drops(r), 1065);
    list_free(list);
}

static void what_was_let_go_counts_no_more(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    GPtrArray *list = fragments(A, S);
    for (unsigned i = 0; i < 20 * 65; i++) {
        /* Sixty-four later fragments, then the first. */
        hp_packet *p = hp_packet_copy(g_ptr_array_index(list, i % 65 == 64 ? 0 : 1));
        p->ip_id = 1000 + i / 65;
        rig_give(r, HP_NAT_INSIDE, p);
    }
    assert_int_equal(rig_drops(r), 0);
    assert_int_equal(hp_nat_get_stats(r->nat).out_packets, 20 * 65);
    list_free(list);
}

static void fragments_hairpin(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.3:6000", S, "192.0.2.1:6000");
    GPtrArray *list = fragments(A, "192.0.2.1:6000");
    rig_give(r, HP_NAT_INSIDE, piece(list, 1));
    rig_give(r, HP_NAT_INSIDE, piece(list, 0));
    check(rig_got(r, HP_NAT_INSIDE), 0, E, "192.168.1.3:6000");
    check(rig_got(r, HP_NAT_INSIDE), 1480, "192.0.2.1", "192.168.1.3");
    list_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(the_receiver_can_reassemble),
        cmocka_unit_test(later_ones_wait_for_the_first),
        cmocka_unit_test(but_not_for_ever),
        cmocka_unit_test(in_order_only),
        cmocka_unit_test(none_at_all),
        cmocka_unit_test(all_share_the_fate_of_the_first),
        cmocka_unit_test(a_flood_is_limited),
        cmocka_unit_test(what_was_let_go_counts_no_more),
        cmocka_unit_test(fragments_hairpin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
