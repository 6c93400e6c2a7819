/* Fragments of TCP segments and ICMP queries, and a NAT that reassembles (RFC 4787 section 11 says it for UDP). */
#include "world/fragment.h"
#include "world/nat_rig.h"

#define A "192.168.1.2:500"
#define S1 "198.51.100.1:3478"

enum { LENGTH = 3000 };

static void collect(void *user, hp_packet *fragment)
{
    g_ptr_array_add(user, fragment);
}

/* A large packet of that protocol from the inside: a SYN with data (RFC 7413 sends such), or a ping. */
static hp_packet *large(uint8_t proto)
{
    hp_addr from = addr(A), to = addr(S1);
    uint8_t payload[LENGTH] = {0};
    if (proto == HP_PROTO_TCP) {
        hp_tcp_header h = {.seq = IN_SEQ, .window = 1000, .flags = SYN};
        assert_int_equal(hp_tcp_write(&h, payload, sizeof payload), 16);
    } else if (proto == HP_PROTO_ICMP) {
        from.port = to.port = 500;
    }
    payload[LENGTH - 1] = 99;
    hp_packet *p = hp_packet_new(proto, &from, &to, payload, LENGTH);
    p->icmp_kind = proto == HP_PROTO_ICMP ? HP_ICMP_ECHO_REQUEST : HP_ICMP_NONE;
    p->uid = 77;
    return p;
}

static GPtrArray *fragments(uint8_t proto)
{
    g_autoptr(hp_packet) p = large(proto);
    GPtrArray *list = g_ptr_array_new();
    assert_true(hp_fragment(p, 1500, collect, list));
    assert_int_equal(list->len, 3);
    return list;
}

static const uint8_t protos[] = {HP_PROTO_UDP, HP_PROTO_TCP, HP_PROTO_ICMP};

/* What leaves the NAT, put together by its receiver, is right as bytes. */
static void check_received(rig *r, uint8_t proto, unsigned n)
{
    hp_reassembly *reassembly = hp_reassembly_new(&r->out->node, NULL, NULL);
    g_autoptr(hp_packet) whole = NULL;
    for (unsigned i = 0; i < n; i++) {
        const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
        assert_non_null(p);
        assert_null(whole);
        hp_packet *copy = hp_packet_copy(p);
        whole = copy->frag_total > 0 ? hp_reassembly_add(reassembly, copy) : copy;
    }
    hp_reassembly_free(reassembly);
    assert_non_null(whole);
    assert_false(whole->corrupt);

    uint8_t bytes[4000];
    hp_addr external = addr("192.0.2.1");
    g_autoptr(hp_packet) parsed = hp_packet_parse(bytes, hp_packet_write(whole, bytes, sizeof bytes), NULL);
    assert_non_null(parsed);
    assert_false(parsed->corrupt);
    assert_int_equal(parsed->length, LENGTH);
    assert_int_equal(parsed->payload[LENGTH - 1], 99);
    assert_true(hp_addr_same_ip(&parsed->src, &external));
    assert_int_equal(parsed->src.port, proto == HP_PROTO_ICMP ? 500 : 1024);
}

static void every_protocol_in_every_order(void **state)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 0, 2}};
    static const hp_nat_fragments modes[] = {HP_NAT_FRAGMENTS_OUT_OF_ORDER, HP_NAT_FRAGMENTS_REASSEMBLE};
    for (unsigned i = 0; i < G_N_ELEMENTS(protos) * G_N_ELEMENTS(orders) * G_N_ELEMENTS(modes); i++) {
        uint8_t proto = protos[i % 3];
        const unsigned *order = orders[i / 3 % 3];
        hp_nat_config c = hp_nat_config_default();
        c.fragments = modes[i / 9];
        g_autoptr(rig) r = rig_new(&c);
        GPtrArray *list = fragments(proto);
        for (unsigned n = 0; n < 3; n++)
            rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, order[n]));
        check_received(r, proto, 3);
        /* Reassembled, they leave in order, and as long as they came. */
        for (unsigned n = 0; i / 9 && n < 3; n++) {
            const hp_packet *p = probe_at(r->out, n)->p;
            assert_int_equal(p->frag_offset, n * 1480);
            assert_int_equal(hp_packet_wire_length(p), n < 2 ? 1500 : LENGTH + 28 - 2960 - (proto == HP_PROTO_TCP) * 4);
        }
        assert_int_equal(hp_nat_get_stats(r->nat).out_packets, i / 9 ? 1 : 3);
        assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
        assert_int_equal(rig_drops(r), 0);
        g_ptr_array_free(list, TRUE);
    }
}

static void in_order_only(void **state)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(protos); i++) {
        hp_nat_config c = hp_nat_config_default();
        c.fragments = HP_NAT_FRAGMENTS_IN_ORDER;
        g_autoptr(rig) r = rig_new(&c);
        GPtrArray *list = fragments(protos[i]);
        rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, 1));
        assert_drop(r, 1, HP_DROP_NAT_FRAGMENT);
        rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, 0));
        rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, 2));
        assert_int_equal(r->out->hits->len, 2);
        g_ptr_array_free(list, TRUE);

        c.fragments = HP_NAT_FRAGMENTS_DROP;
        hp_nat_configure(r->nat, &c, "fragments");
        list = fragments(protos[i]);
        for (unsigned n = 0; n < 3; n++)
            rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, n));
        assert_drop(r, 4, HP_DROP_NAT_FRAGMENT);
        g_ptr_array_free(list, TRUE);
    }
}

/* The whole segment counts for the sequence numbers, not the slice that the NAT has seen. */
static void a_first_fragment_moves_the_session_by_the_whole_segment(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    GPtrArray *list = fragments(HP_PROTO_TCP);
    for (unsigned n = 0; n < 3; n++)
        rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, n));
    g_ptr_array_free(list, TRUE);
    /* SYN and 2984 bytes of data: a RST that acknowledges less is not of this connection. */
    rig_give(r, HP_NAT_OUTSIDE, tcp_at(S1, "192.0.2.1:1024", RST_ACK, 0, IN_SEQ + 2984));
    assert_tcp_state(r, A, S1, "out-init");
    rig_give(r, HP_NAT_OUTSIDE, tcp_at(S1, "192.0.2.1:1024", RST_ACK, 0, IN_SEQ + 2985));
    assert_tcp_state(r, A, S1, "trans");
}

/* RFC 1858: a header that is spread over fragments hides what it asks for. */
static void a_first_fragment_with_half_a_header(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    g_autoptr(hp_packet) p = large(HP_PROTO_TCP);
    GPtrArray *list = g_ptr_array_new();
    assert_true(hp_fragment(p, 28, collect, list));
    for (unsigned n = 0; n < list->len; n++)
        rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, n));
    assert_drop(r, list->len, HP_DROP_CORRUPT);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    g_ptr_array_free(list, TRUE);

    c.fragments = HP_NAT_FRAGMENTS_REASSEMBLE; /* which makes it whole first */
    hp_nat_configure(r->nat, &c, "fragments");
    list = g_ptr_array_new();
    assert_true(hp_fragment(p, 28, collect, list));
    for (unsigned n = 0; n < list->len; n++)
        rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, n));
    check_received(r, HP_PROTO_TCP, list->len);
    g_ptr_array_free(list, TRUE);
}

/* Fragments of a SYN that is refused share its fate, whatever answers it. */
static void fragments_of_an_unsolicited_syn(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_unsolicited_syn = HP_NAT_SYN_RST;
    g_autoptr(rig) r = rig_new(&c);
    GPtrArray *list = fragments(HP_PROTO_TCP);
    hp_addr from = addr(S1), to = addr("192.0.2.1:500");
    for (unsigned n = 0; n < 3; n++) {
        hp_packet *p = g_ptr_array_index(list, n);
        p->src = n ? hp_addr_with_port(from, 0) : from;
        p->dst = n ? hp_addr_with_port(to, 0) : to;
        rig_give(r, HP_NAT_OUTSIDE, p);
    }
    g_ptr_array_free(list, TRUE);
    assert_drop(r, 3, HP_DROP_NAT_NO_MAPPING);
    assert_int_equal(r->out->hits->len, 1);
}

/* What never becomes whole ends when its time is over, and with the NAT's memory. */
static void reassembly_gives_up(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.fragments = HP_NAT_FRAGMENTS_REASSEMBLE;
    g_autoptr(rig) r = rig_new(&c);
    GPtrArray *list = fragments(HP_PROTO_UDP);
    rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, 0));
    rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, 2));
    hp_packet_free(g_ptr_array_index(list, 1));
    g_ptr_array_free(list, TRUE);
    rig_until(r, 30 * HP_S - 1);
    assert_int_equal(rig_drops(r), 0);
    rig_until(r, 30 * HP_S);
    assert_drop(r, 2, HP_DROP_REASSEMBLY);
    assert_int_equal(r->in->hits->len + r->out->hits->len, 0);
    list = fragments(HP_PROTO_UDP);
    rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, 0));
    hp_nat_reboot(r->nat);
    assert_drop(r, 3, HP_DROP_REASSEMBLY); /* what it held is not lost without a word */
    rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, 1));
    rig_give(r, HP_NAT_INSIDE, g_ptr_array_index(list, 2));
    assert_int_equal(r->out->hits->len, 0);
    g_ptr_array_free(list, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_protocol_in_every_order),
        cmocka_unit_test(in_order_only),
        cmocka_unit_test(a_first_fragment_moves_the_session_by_the_whole_segment),
        cmocka_unit_test(a_first_fragment_with_half_a_header),
        cmocka_unit_test(fragments_of_an_unsolicited_syn),
        cmocka_unit_test(reassembly_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
