/* The scripted middlebox: packets that it changes. What it made leaves with good checksums, but where a bad one was
 * asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "world/fragment.h"
#include "world/rules_rig.h"

static const uint8_t id[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static hp_packet *datagram(const char *src, const char *dst, const void *payload, size_t length)
{
    hp_addr from = addr(src), to = addr(dst);
    return hp_packet_new(HP_PROTO_UDP, &from, &to, payload, length);
}

static hp_rule_action rewriting(hp_rule_rewrite rewrite)
{
    return (hp_rule_action){.what = HP_RULE_REWRITE, .rewrite = rewrite};
}

/* Sends p up through a middlebox with this one action, and gives the rig with what has come out. */
static rig pass_through(hp_rule_action action, hp_packet *p)
{
    hp_rule rule = {.actions = &action, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    rig_up(&r, p);
    rig_run(&r, HP_S);
    return r;
}

static void assert_addr(hp_addr a, const char *text)
{
    char buf[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(&a, buf), text);
}

/* ---- headers ---- */

static void test_header_fields(void **state)
{
    hp_rule_action action = rewriting((hp_rule_rewrite){.src = addr("203.0.113.7"),
                                                        .dst = addr("198.51.100.1:99"),
                                                        .src_port = 4321,
                                                        .has_ttl = true,
                                                        .ttl = 1,
                                                        .has_dscp = true,
                                                        .dscp = 46,
                                                        .has_ecn = true,
                                                        .ecn = 3});
    rig r = pass_through(action, datagram(ALICE, SERVER, "hello", 5));
    const hp_packet *p = probe_at(r.far, 0)->p;
    assert_addr(p->src, "203.0.113.7:4321");
    assert_addr(p->dst, "198.51.100.1:99");
    assert_int_equal(p->ttl, 1);
    assert_int_equal(p->tos, 46 << 2 | 3);
    g_autoptr(hp_packet) read = through_wire(p);
    assert_false(read->corrupt);
    assert_string_equal(rig_note(&r, 0, NULL), "rule 1: source now 203.0.113.7:4321, destination now 198.51.100.1:99, "
                                               "TTL now 1, DSCP now 46, ECN 3");
    /* The changed packet is recorded as it leaves, at the middlebox's own tap. */
    hp_record record;
    assert_true(hp_trace_find_packet(r.trace, 2, &record));
    assert_string_equal(hp_trace_tap_name(r.trace, record.packet.tap), "box");
    assert_int_equal(record.packet.dir, HP_DIR_OUT);
    assert_addr(record.packet.src, "203.0.113.7:4321");
    rig_free(&r);
}

/* One DSCP leaves ECN alone; another family's address and a port without ports are not put in. */
static void test_header_fields_that_do_not_fit(void **state)
{
    hp_rule_action action =
        rewriting((hp_rule_rewrite){.src = addr("2001:db8::1"), .dst_port = 7, .has_dscp = true, .dscp = 8});
    hp_addr from = addr("10.0.0.2"), to = addr("192.0.2.9");
    hp_packet *ping = hp_packet_new(HP_PROTO_ICMP, &from, &to, "x", 1);
    ping->icmp_kind = HP_ICMP_ECHO_REQUEST;
    ping->src.port = 77;
    ping->tos = 1;
    rig r = pass_through(action, ping);
    const hp_packet *p = probe_at(r.far, 0)->p;
    assert_addr(p->src, "10.0.0.2:77");
    assert_int_equal(p->dst.port, 0);
    assert_int_equal(p->tos, 8 << 2 | 1);
    rig_free(&r);
}

static void collect(void *user, hp_packet *fragment)
{
    g_ptr_array_add(user, fragment);
}

static GPtrArray *fragments_of(hp_packet *p, uint32_t mtu)
{
    GPtrArray *pieces = g_ptr_array_new();
    p->ip_id = 7;
    assert_true(hp_fragment(p, mtu, collect, pieces));
    hp_packet_free(p);
    return pieces;
}

/* Gives the datagram that came out in fragments, put together by a host. */
static hp_packet *reassembled(const rig *r)
{
    probe *whole = probe_new(r->world, "whole");
    hp_reassembly *reassembly = hp_reassembly_new(&whole->node, NULL, NULL);
    hp_packet *p = NULL;
    for (unsigned i = 0; i < r->far->hits->len; i++) {
        assert_null(p);
        p = hp_reassembly_add(reassembly, through_wire(probe_at(r->far, i)->p));
    }
    assert_non_null(p);
    hp_reassembly_free(reassembly);
    return p;
}

static unsigned bits_apart(const uint8_t *a, const uint8_t *b, size_t n)
{
    unsigned bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits += (unsigned)__builtin_popcount(a[i] ^ b[i]);
    }
    return bits;
}

/* Changes in the first fragment keep the datagram's checksum true; those in a later one cannot, as it has left. */
static void test_fragments(void **state)
{
    uint8_t payload[2000], before[2000];
    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)(i * 7);
    }
    memcpy(payload + 11, (const uint8_t[]){10, 0, 0, 2}, 4);
    memcpy(before, payload, sizeof before);
    memcpy(payload + 11, (const uint8_t[]){203, 0, 113, 7}, 4);
    for (unsigned later = 0; later < 2; later++) {
        hp_rule_action actions[] = {
            rewriting((hp_rule_rewrite){
                .dst = addr("198.51.100.1:99"),
                .alg = {.on = true, .from = addr("10.0.0.2"), .to = addr("203.0.113.7"), .anywhere = true}}),
            {.what = HP_RULE_TRUNCATE, .truncate_to = 3}, /* not of fragments */
            {.what = HP_RULE_CORRUPT, .corrupt = {.bits = 5, .fix_checksum = true}},
        };
        hp_packet_range nth = {1 + later, 1 + later};
        hp_rule rules[] = {{.actions = actions, .n_actions = 2, .go_on = true},
                           {.nth = &nth, .n_nth = 1, .actions = actions + 2, .n_actions = 1}};
        rig r = rig_new(rules, 2);
        GPtrArray *pieces = fragments_of(datagram(ALICE, SERVER, before, sizeof before), 1500);
        assert_int_equal(pieces->len, 2);
        for (unsigned i = 0; i < pieces->len; i++) {
            rig_up(&r, pieces->pdata[i]);
        }
        g_ptr_array_free(pieces, TRUE);
        g_autoptr(hp_packet) p = reassembled(&r);
        assert_addr(p->src, ALICE);
        assert_addr(p->dst, "198.51.100.1:99");
        assert_int_equal(p->length, sizeof payload);
        assert_int_equal(bits_apart(p->payload, payload, sizeof payload), 5);
        assert_int_equal(p->corrupt, later != 0);
        rig_free(&r);
    }
}

/* ---- STUN ---- */

typedef struct message {
    uint8_t bytes[400];
    size_t length;
} message;

static message ice_check(void)
{
    message m;
    hp_stun_writer w;
    hp_stun_key key = hp_stun_key_short("pass", 4);
    hp_stun_begin(&w, m.bytes, sizeof m.bytes, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add_text(&w, HP_STUN_USERNAME, "bob:alice");
    hp_stun_add(&w, HP_STUN_USE_CANDIDATE, NULL, 0);
    hp_stun_add_u32(&w, HP_STUN_PRIORITY, 1000);
    hp_stun_add_integrity(&w, &key, false);
    hp_stun_add_fingerprint(&w);
    m.length = hp_stun_finish(&w);
    assert_int_not_equal(m.length, 0);
    return m;
}

static hp_stun_msg parse(const hp_packet *p)
{
    hp_stun_msg m;
    assert_true(hp_stun_parse(p->payload, p->length, &m));
    return m;
}

static bool has(const hp_stun_msg *m, uint16_t type)
{
    hp_stun_attr attr;
    return hp_stun_find(m, type, &attr);
}

static hp_stun_verdict integrity(const hp_stun_msg *m)
{
    hp_stun_key key = hp_stun_key_short("pass", 4);
    return hp_stun_check_integrity(m, &key, false);
}

static rig edit(hp_rule_rewrite rewrite, const message *m)
{
    return pass_through(rewriting(rewrite), datagram(ALICE, SERVER, m->bytes, m->length));
}

/* As a gateway leaves it: both protections stale. Then with each of them made right. */
static void test_remove_attribute(void **state)
{
    message check = ice_check();
    hp_rule_attribute remove = {.what = HP_RULE_ATTRIBUTE_REMOVE, .type = HP_STUN_USE_CANDIDATE};
    char password[] = "pass";
    for (unsigned mend = 0; mend < 4; mend++) {
        rig r = edit((hp_rule_rewrite){.attributes = &remove,
                                       .n_attributes = 1,
                                       .fingerprint = (mend & 1) != 0,
                                       .password = (mend & 2) != 0 ? password : NULL},
                     &check);
        const hp_packet *p = probe_at(r.far, 0)->p;
        assert_int_equal(p->length, check.length - 4);
        hp_stun_msg m = parse(p);
        assert_false(has(&m, HP_STUN_USE_CANDIDATE));
        assert_true(has(&m, HP_STUN_USERNAME));
        assert_true(has(&m, HP_STUN_PRIORITY));
        assert_memory_equal(m.id, id, 12);
        assert_int_equal(hp_stun_check_fingerprint(&m), (mend & 1) != 0 ? HP_STUN_GOOD : HP_STUN_BAD);
        assert_int_equal(integrity(&m), (mend & 2) != 0 ? HP_STUN_GOOD : HP_STUN_BAD);
        g_autoptr(hp_packet) read = through_wire(p);
        assert_false(read->corrupt);
        assert_string_equal(rig_note(&r, 0, NULL), "rule 1: STUN attributes rewritten");
        rig_free(&r);
    }
}

/* A message in which there is nothing to do stays as it came, protection included. */
static void test_nothing_to_edit(void **state)
{
    message check = ice_check();
    hp_addr nowhere = addr("192.0.2.77:1");
    hp_rule_attribute edits[] = {
        {.what = HP_RULE_ATTRIBUTE_REMOVE, .type = HP_STUN_NONCE},
        {.what = HP_RULE_ATTRIBUTE_REPLACE, .type = HP_STUN_XOR_MAPPED_ADDRESS, .address = nowhere},
    };
    rig r = edit((hp_rule_rewrite){.attributes = edits, .n_attributes = 2, .fingerprint = true}, &check);
    const hp_packet *p = probe_at(r.far, 0)->p;
    assert_int_equal(p->length, check.length);
    assert_memory_equal(p->payload, check.bytes, check.length);
    assert_null(rig_note(&r, 0, NULL));
    assert_int_equal(hp_trace_n_packets(r.trace), 1);
    rig_free(&r);
}

static void test_set_replace_add(void **state)
{
    message check = ice_check();
    uint8_t low[] = {0, 0, 0, 1}, name[] = {'x', 'y', 'z'};
    hp_rule_attribute edits[] = {
        {.what = HP_RULE_ATTRIBUTE_SET, .type = HP_STUN_PRIORITY, .value = low, .length = 4},
        {.what = HP_RULE_ATTRIBUTE_SET, .type = HP_STUN_SOFTWARE, .value = name, .length = 3},
        {.what = HP_RULE_ATTRIBUTE_ADD, .type = HP_STUN_XOR_MAPPED_ADDRESS, .address = addr("192.0.2.77:1234")},
        {.what = HP_RULE_ATTRIBUTE_ADD, .type = HP_STUN_OTHER_ADDRESS, .address = addr("[2001:db8::1]:5")},
    };
    rig r = edit((hp_rule_rewrite){.attributes = edits, .n_attributes = 4, .fingerprint = true}, &check);
    hp_stun_msg m = parse(probe_at(r.far, 0)->p);
    static const uint16_t order[] = {HP_STUN_USERNAME,          HP_STUN_USE_CANDIDATE,      HP_STUN_PRIORITY,
                                     HP_STUN_SOFTWARE,          HP_STUN_XOR_MAPPED_ADDRESS, HP_STUN_OTHER_ADDRESS,
                                     HP_STUN_MESSAGE_INTEGRITY, HP_STUN_FINGERPRINT};
    hp_stun_attr attr;
    size_t cursor = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        assert_true(hp_stun_next(&m, &cursor, &attr));
        assert_int_equal(attr.type, order[i]);
    }
    assert_false(hp_stun_next(&m, &cursor, &attr));
    uint32_t priority;
    hp_addr mapped;
    assert_true(hp_stun_find(&m, HP_STUN_PRIORITY, &attr) && hp_stun_attr_u32(&attr, &priority));
    assert_int_equal(priority, 1);
    assert_true(hp_stun_find(&m, HP_STUN_XOR_MAPPED_ADDRESS, &attr) && hp_stun_attr_addr(&m, &attr, true, &mapped));
    assert_addr(mapped, "192.0.2.77:1234");
    assert_true(hp_stun_find(&m, HP_STUN_OTHER_ADDRESS, &attr) && hp_stun_attr_addr(&m, &attr, false, &mapped));
    assert_addr(mapped, "[2001:db8::1]:5");
    assert_true(hp_stun_find(&m, HP_STUN_SOFTWARE, &attr));
    assert_int_equal(attr.length, 3);
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_GOOD);
    assert_int_equal(integrity(&m), HP_STUN_BAD);
    rig_free(&r);
}

/* ---- application-level gateway (why RFC 8489 section 14.2 hides addresses) ---- */

static message mapped_answer(void)
{
    message m;
    hp_stun_writer w;
    hp_addr alice = addr(ALICE);
    hp_stun_begin(&w, m.bytes, sizeof m.bytes, HP_STUN_SUCCESS, HP_STUN_BINDING, id, NULL);
    hp_stun_add_addr(&w, HP_STUN_MAPPED_ADDRESS, &alice, false);
    hp_stun_add_addr(&w, HP_STUN_XOR_MAPPED_ADDRESS, &alice, true);
    hp_stun_add_fingerprint(&w);
    m.length = hp_stun_finish(&w);
    return m;
}

static hp_addr address_in(const hp_packet *p, uint16_t type, bool xored)
{
    hp_stun_msg m = parse(p);
    hp_stun_attr attr;
    hp_addr a = {0};
    assert_true(hp_stun_find(&m, type, &attr) && hp_stun_attr_addr(&m, &attr, xored, &a));
    return a;
}

static void test_gateway(void **state)
{
    message answer = mapped_answer();
    static const struct {
        bool anywhere, attributes, xored, to_port;
        const char *plain, *hidden;
    } cases[] = {
        {.anywhere = true, .plain = "203.0.113.7:5000", .hidden = ALICE},
        {.attributes = true, .plain = "203.0.113.7:5000", .hidden = ALICE},
        {.attributes = true, .to_port = true, .plain = "203.0.113.7:99", .hidden = ALICE},
        {.xored = true, .plain = ALICE, .hidden = "203.0.113.7:5000"},
        {.anywhere = true,
         .attributes = true,
         .xored = true,
         .to_port = true,
         .plain = "203.0.113.7:99",
         .hidden = "203.0.113.7:99"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned mend = 0; mend < 2; mend++) {
            hp_rule_alg alg = {.on = true,
                               .from = addr("10.0.0.2"),
                               .to = addr(cases[i].to_port ? "203.0.113.7:99" : "203.0.113.7"),
                               .anywhere = cases[i].anywhere,
                               .attributes = cases[i].attributes,
                               .xored = cases[i].xored};
            rig r = edit((hp_rule_rewrite){.alg = alg, .fingerprint = mend != 0}, &answer);
            const hp_packet *p = probe_at(r.far, 0)->p;
            assert_addr(address_in(p, HP_STUN_MAPPED_ADDRESS, false), cases[i].plain);
            assert_addr(address_in(p, HP_STUN_XOR_MAPPED_ADDRESS, true), cases[i].hidden);
            hp_stun_msg m = parse(p);
            assert_int_equal(hp_stun_check_fingerprint(&m), mend != 0 ? HP_STUN_GOOD : HP_STUN_BAD);
            g_autoptr(hp_packet) read = through_wire(p);
            assert_false(read->corrupt);
            rig_free(&r);
        }
    }
}

/* Any bytes will do, over TCP and IPv6 as well; without `from` it is the sender's own address that is looked for. */
static void test_gateway_anywhere(void **state)
{
    uint8_t payload[] = {1, 10, 0, 0, 2, 10, 0, 0, 10, 0, 0, 2, 10, 0, 0};
    hp_rule_alg alg = {.on = true, .to = addr("203.0.113.7"), .anywhere = true};
    rig r = pass_through(rewriting((hp_rule_rewrite){.alg = alg}), datagram(ALICE, SERVER, payload, sizeof payload));
    static const uint8_t expected[] = {1, 203, 0, 113, 7, 10, 0, 0, 203, 0, 113, 7, 10, 0, 0};
    assert_memory_equal(probe_at(r.far, 0)->p->payload, expected, sizeof expected);
    assert_string_equal(rig_note(&r, 0, NULL), "rule 1: an address replaced 2 times in the payload");
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_ACK, 0x0a000002, 0, "\x0a\x01\x01\x02"));
    assert_int_equal(tcp_header(probe_at(r.far, 1)->p, NULL, NULL).seq, 0x0a000002); /* the header is no payload */
    rig_free(&r);

    hp_addr six = addr("2001:db8::2");
    uint8_t data[17] = {9};
    memcpy(data + 1, six.ip, 16);
    alg.to = addr("2001:db8::ffff");
    r = pass_through(rewriting((hp_rule_rewrite){.alg = alg}),
                     datagram("[2001:db8::2]:1", "[2001:db8::9]:2", data, sizeof data));
    assert_memory_equal(probe_at(r.far, 0)->p->payload + 1, alg.to.ip, 16);
    g_autoptr(hp_packet) read = through_wire(probe_at(r.far, 0)->p);
    assert_false(read->corrupt);
    rig_free(&r);
}

/* ---- bytes ---- */

static void test_corrupt(void **state)
{
    uint8_t zeros[40] = {0};
    for (unsigned fix = 0; fix < 2; fix++) {
        hp_rule_action action = {.what = HP_RULE_CORRUPT,
                                 .corrupt = {.bits = 9, .first = 10, .last = 11, .fix_checksum = fix != 0}};
        rig r = pass_through(action, datagram(ALICE, SERVER, zeros, sizeof zeros));
        const hp_packet *p = probe_at(r.far, 0)->p;
        assert_int_equal(__builtin_popcount(p->payload[10]) + __builtin_popcount(p->payload[11]), 9);
        for (unsigned i = 0; i < sizeof zeros; i++) {
            assert_true(i == 10 || i == 11 || p->payload[i] == 0);
        }
        g_autoptr(hp_packet) read = through_wire(p);
        assert_int_equal(read->corrupt, fix == 0);
        assert_string_equal(rig_note(&r, 0, NULL),
                            fix != 0 ? "rule 1: 9 bits flipped under a good checksum" : "rule 1: 9 bits flipped");
        rig_free(&r);
    }
    /* More bits than there are: all of them; none at all: the checksum alone. */
    hp_rule_action all = {.what = HP_RULE_CORRUPT, .corrupt = {.bits = 1000}};
    rig r = pass_through(all, datagram(ALICE, SERVER, zeros, 4));
    assert_memory_equal(probe_at(r.far, 0)->p->payload, "\xff\xff\xff\xff", 4);
    rig_up(&r, datagram(ALICE, SERVER, NULL, 0));
    assert_true(probe_at(r.far, 1)->p->corrupt);
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_ACK, 5, 6, "abcd"));
    const uint8_t *data;
    size_t length;
    hp_tcp_header h = tcp_header(probe_at(r.far, 2)->p, &data, &length);
    assert_int_equal(h.seq, 5); /* the header is spared */
    assert_int_equal(data[0], (uint8_t) ~'a');
    rig_free(&r);
}

static void test_truncate(void **state)
{
    hp_rule_action cut = {.what = HP_RULE_TRUNCATE, .truncate_to = 3};
    rig r = pass_through(cut, datagram(ALICE, SERVER, "abcdef", 6));
    g_autoptr(hp_packet) read = through_wire(probe_at(r.far, 0)->p);
    assert_false(read->corrupt);
    assert_int_equal(read->length, 3);
    assert_memory_equal(read->payload, "abc", 3);
    assert_string_equal(rig_note(&r, 0, NULL), "rule 1: cut from 6 to 3 bytes");
    rig_up(&r, datagram(ALICE, SERVER, "abc", 3));
    assert_int_equal(probe_at(r.far, 1)->p->length, 3);
    assert_null(rig_note(&r, 1, NULL));
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_ACK, 5, 6, "abcdef"));
    const uint8_t *data;
    size_t length;
    tcp_header(probe_at(r.far, 2)->p, &data, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(data, "abc", 3);
    rig_free(&r);
}

/* TURN over TCP in segments of a byte: the same stream. */
static void test_split(void **state)
{
    hp_rule_action split = {.what = HP_RULE_SPLIT, .split_to = 2};
    hp_rule rule = {.actions = &split, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_ACK | HP_TCP_PSH | HP_TCP_FIN, UINT32_MAX, 6, "abcde"));
    rig_run(&r, 1);
    assert_int_equal(r.far->hits->len, 3);
    char stream[6] = "";
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *data;
        size_t length;
        g_autoptr(hp_packet) read = through_wire(probe_at(r.far, i)->p);
        assert_false(read->corrupt);
        hp_tcp_header h = tcp_header(read, &data, &length);
        assert_int_equal(h.seq, UINT32_MAX + 2 * i);
        assert_int_equal(h.ack, 6);
        assert_int_equal(h.flags, i == 2 ? HP_TCP_ACK | HP_TCP_PSH | HP_TCP_FIN : HP_TCP_ACK);
        assert_int_equal(length, i == 2 ? 1 : 2);
        memcpy(stream + 2 * i, data, length);
        assert_int_equal(probe_at(r.far, i)->at, 0);
    }
    assert_string_equal(stream, "abcde");
    assert_string_equal(rig_note(&r, 0, NULL), "rule 1: split into 3 segments");
    /* What cannot be split passes. */
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_SYN, 1, 0, "abcde"));
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_ACK, 1, 0, "ab"));
    rig_up(&r, datagram(ALICE, SERVER, "abcde", 5));
    rig_run(&r, 2);
    assert_int_equal(r.far->hits->len, 6);
    rig_free(&r);
}

/* ---- hostile input ---- */

/* Everything at once to packets that make no sense: nothing is read or written out of bounds, everything passes. */
static void test_nonsense(void **state)
{
    hp_addr to = addr("203.0.113.7:5");
    uint8_t value[] = {1, 2, 3};
    hp_rule_attribute edits[] = {
        {.what = HP_RULE_ATTRIBUTE_SET, .type = HP_STUN_USERNAME, .value = value, .length = 3},
        {.what = HP_RULE_ATTRIBUTE_ADD, .type = HP_STUN_XOR_MAPPED_ADDRESS, .address = to},
        {.what = HP_RULE_ATTRIBUTE_REMOVE, .type = HP_STUN_PRIORITY},
    };
    char password[] = "pw";
    hp_rule_action actions[] = {
        rewriting(
            (hp_rule_rewrite){.src = to,
                              .attributes = edits,
                              .n_attributes = 3,
                              .fingerprint = true,
                              .password = password,
                              .alg = {.on = true, .to = to, .anywhere = true, .attributes = true, .xored = true}}),
        {.what = HP_RULE_SPLIT, .split_to = 1},
        {.what = HP_RULE_CORRUPT, .corrupt = {.bits = 3, .first = 2, .last = 9}},
        {.what = HP_RULE_TRUNCATE, .truncate_to = 30},
    };
    hp_rule rule = {.actions = actions, .n_actions = 4};
    rig r = rig_new(&rule, 1);
    message check = ice_check();
    static const uint8_t protos[] = {HP_PROTO_UDP, HP_PROTO_TCP, HP_PROTO_ICMP, 50};
    hp_addr from = addr(ALICE), server = addr(SERVER);
    unsigned n = 0;
    for (size_t cut = 0; cut <= check.length; cut++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(protos); i++, n++) {
            hp_packet *p = hp_packet_new(protos[i], &from, &server, check.bytes, cut);
            p->icmp_kind = protos[i] == HP_PROTO_ICMP ? HP_ICMP_OTHER : HP_ICMP_NONE;
            rig_up(&r, p);
        }
    }
    rig_run(&r, 1);
    assert_true(r.far->hits->len >= n);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_fields),   cmocka_unit_test(test_header_fields_that_do_not_fit),
        cmocka_unit_test(test_fragments),       cmocka_unit_test(test_remove_attribute),
        cmocka_unit_test(test_nothing_to_edit), cmocka_unit_test(test_set_replace_add),
        cmocka_unit_test(test_gateway),         cmocka_unit_test(test_gateway_anywhere),
        cmocka_unit_test(test_corrupt),         cmocka_unit_test(test_truncate),
        cmocka_unit_test(test_split),           cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
