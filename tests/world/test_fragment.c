/* Cutting packets up and putting them together again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/hex.h"
#include "world/fragment.h"
#include "world/probe.h"

#define A4 "192.0.2.1:1000"
#define B4 "198.51.100.2:2000"
#define A6 "[2001:db8::1]:1000"
#define B6 "[2001:db8::2]:2000"

typedef struct bench {
    hp_trace *trace;
    hp_world *world;
    probe *node;
    hp_reassembly *r;
    GPtrArray *pieces; /* of hp_packet*, not owned once given to the reassembly */
    unsigned timeouts;
    uint64_t timeout_uid;
} bench;

static void on_timeout(void *user, const hp_packet *first)
{
    bench *b = user;
    b->timeouts++;
    b->timeout_uid = first->uid;
}

static void bench_init(bench *b)
{
    *b = (bench){.trace = hp_trace_new(NULL), .pieces = g_ptr_array_new()};
    assert_non_null(b->trace);
    b->world = hp_world_new(1, b->trace);
    b->node = probe_new(b->world, "node");
    b->r = hp_reassembly_new(&b->node->node, on_timeout, b);
}

static void bench_clear(bench *b)
{
    hp_reassembly_free(b->r);
    hp_world_free(b->world);
    hp_trace_free(b->trace);
    g_ptr_array_free(b->pieces, TRUE);
}

static void collect(void *user, hp_packet *fragment)
{
    g_ptr_array_add(user, fragment);
}

static hp_packet *piece(bench *b, unsigned i)
{
    assert_true(i < b->pieces->len);
    return g_ptr_array_index(b->pieces, i);
}

/* Cuts a packet and forgets it; the pieces are in b->pieces. */
static void cut(bench *b, hp_packet *p, uint32_t mtu)
{
    g_ptr_array_set_size(b->pieces, 0);
    assert_true(hp_fragment(p, mtu, collect, b->pieces));
    hp_packet_free(p);
}

static void assert_whole(hp_packet *whole, const hp_packet *original)
{
    uint8_t got[2048], wanted[2048];
    if (whole == NULL) {
        fail_msg("the datagram is not whole");
        return;
    }
    assert_int_equal(whole->frag_total, 0);
    assert_int_equal(whole->uid, original->uid);
    size_t n = hp_packet_write(whole, got, sizeof got);
    assert_int_equal(n, hp_packet_write(original, wanted, sizeof wanted));
    /* The identification differs where the original had none. */
    wanted[4] = got[4];
    wanted[5] = got[5];
    wanted[10] = got[10];
    wanted[11] = got[11];
    assert_memory_equal(got, wanted, n);
    hp_packet_free(whole);
}

/* Every order of four pieces, both families; the result is the packet that was cut. */
static void test_any_order(void **state)
{
    bench b;
    bench_init(&b);
    for (unsigned round = 0; round < 48; round++) {
        bool v6 = round >= 24;
        hp_packet *p = v6 ? udp_packet(b.world, A6, B6, 1700) : udp_packet(b.world, A4, B4, 1700);
        p->ip_id = 100 + round;
        p->tos = 0xb8;
        g_autoptr(hp_packet) original = hp_packet_copy(p);
        cut(&b, p, v6 ? 500 : 480);
        assert_int_equal(b.pieces->len, 4);
        unsigned order[4], left = round % 24;
        unsigned pool[4] = {0, 1, 2, 3};
        for (unsigned i = 0; i < 4; i++) {
            unsigned pick = left % (4 - i);
            left /= 4 - i;
            order[i] = pool[pick];
            memmove(&pool[pick], &pool[pick + 1], (3 - pick) * sizeof pool[0]);
        }
        for (unsigned i = 0; i < 3; i++) {
            assert_null(hp_reassembly_add(b.r, piece(&b, order[i])));
            assert_int_equal(hp_reassembly_pending(b.r), 1);
        }
        assert_whole(hp_reassembly_add(b.r, piece(&b, order[3])), original);
        assert_int_equal(hp_reassembly_pending(b.r), 0);
    }
    assert_int_equal(hp_world_next_deadline(b.world), HP_NEVER);
    bench_clear(&b);
}

static void test_sizes_on_the_wire(void **state)
{
    bench b;
    bench_init(&b);
    for (uint32_t mtu = 48; mtu < 200; mtu += 7) {
        hp_packet *p = udp_packet(b.world, A4, B4, 777);
        p->ip_id = mtu;
        g_autoptr(hp_packet) original = hp_packet_copy(p);
        cut(&b, p, mtu);
        hp_packet *whole = NULL;
        for (unsigned i = 0; i < b.pieces->len; i++) {
            hp_packet *one = piece(&b, i);
            uint32_t length = (uint32_t)hp_packet_wire_length(one);
            assert_true(length <= mtu);
            assert_true(i + 1 == b.pieces->len || length > mtu - 8);
            assert_null(whole);
            whole = hp_reassembly_add(b.r, one);
        }
        assert_whole(whole, original);
    }
    bench_clear(&b);
}

/* The first fragment's UDP checksum is that of the whole datagram, through parser and writer. */
static void test_bytes_survive_the_wire(void **state)
{
    bench b;
    bench_init(&b);
    hp_packet *p = udp_packet(b.world, A6, B6, 1501);
    g_autoptr(hp_packet) original = hp_packet_copy(p);
    cut(&b, p, 1280);
    assert_int_equal(b.pieces->len, 2);
    hp_packet *whole = NULL;
    for (unsigned i = 0; i < 2; i++) {
        uint8_t bytes[1280];
        GError *error = NULL;
        size_t n = hp_packet_write(piece(&b, i), bytes, sizeof bytes);
        assert_true(n > 0);
        hp_packet *parsed = hp_packet_parse(bytes, n, &error);
        assert_null(error);
        parsed->uid = original->uid;
        hp_packet_free(piece(&b, i));
        whole = hp_reassembly_add(b.r, parsed);
    }
    assert_false(whole->corrupt);
    assert_whole(whole, original);
    bench_clear(&b);
}

static void test_fragments_of_fragments(void **state)
{
    bench b;
    bench_init(&b);
    hp_packet *p = udp_packet(b.world, A4, B4, 1292);
    p->ip_id = 5;
    g_autoptr(hp_packet) original = hp_packet_copy(p);
    cut(&b, p, 700); /* 680 + 620 */
    assert_int_equal(b.pieces->len, 2);
    g_autoptr(hp_packet) first = piece(&b, 0);
    g_autoptr(hp_packet) second = piece(&b, 1);
    GPtrArray *smaller = g_ptr_array_new();
    assert_true(hp_fragment(second, 420, collect, smaller)); /* 400 + 220 */
    assert_true(hp_fragment(first, 420, collect, smaller)); /* 400 + 280 */
    assert_int_equal(smaller->len, 4);
    static const struct {
        uint32_t offset;
        bool more;
    } wanted[] = {{680, true}, {1080, false}, {0, true}, {400, true}};
    hp_packet *whole = NULL;
    for (unsigned i = 0; i < 4; i++) {
        hp_packet *one = g_ptr_array_index(smaller, i);
        assert_int_equal(one->frag_offset, wanted[i].offset);
        assert_int_equal(one->frag_more, wanted[i].more);
        assert_int_equal(one->frag_total, 1300);
        if (one->frag_offset == 0) {
            assert_int_equal(one->l4_sum, hp_packet_sum(original->payload, original->length)); /* of all of it */
        }
        whole = hp_reassembly_add(b.r, one);
    }
    assert_whole(whole, original);
    g_ptr_array_free(smaller, TRUE);
    bench_clear(&b);
}

static void test_echo_and_tcp(void **state)
{
    bench b;
    bench_init(&b);
    hp_packet *p = udp_packet(b.world, A4, B4, 900);
    p->proto = HP_PROTO_ICMP;
    p->icmp_kind = HP_ICMP_ECHO_REQUEST;
    p->icmp_mtu = 17; /* sequence number */
    g_autoptr(hp_packet) echo = hp_packet_copy(p);
    cut(&b, p, 500);
    assert_null(hp_reassembly_add(b.r, piece(&b, 1)));
    assert_whole(hp_reassembly_add(b.r, piece(&b, 0)), echo);

    p = udp_packet(b.world, A4, B4, 900);
    p->proto = HP_PROTO_TCP;
    g_autoptr(hp_packet) tcp = hp_packet_copy(p);
    cut(&b, p, 500);
    assert_int_equal(piece(&b, 0)->length, 476); /* 480 with the ports */
    assert_null(hp_reassembly_add(b.r, piece(&b, 1)));
    assert_whole(hp_reassembly_add(b.r, piece(&b, 0)), tcp);
    bench_clear(&b);
}

/* As a TUN device gives them: datagrams of TCP and of a ping, made and cut by an independent program. */
static void test_bytes_of_any_protocol(void **state)
{
    static const struct {
        const char *pieces[2];
        uint32_t length; /* of the payload, as packet.h counts it */
    } cases[] = {
        {{"4500002cbeef20004006afa5c0000201c63364029c4001bb010203040a0b0c0d5018200089e10000696e2074",
          "4500001dbeef00034006cfb1c0000201c6336402776f20706965636573"},
         29},
        {{"6000000000202c4020010db800000000000000000000000120010db800000000000000000000000206000001deadbeef"
          "9c4001bb010203040a0b0c0d501820001aa40000696e2074",
          "6000000000112c4020010db800000000000000000000000120010db800000000000000000000000206000018deadbeef"
          "776f20706965636573"},
         29},
        {{"6000000000182c4020010db800000000000000000000000120010db80000000000000000000000023a000001deadbeef"
          "8000c259004d0007696e2074776f2070",
          "60000000000d2c4020010db800000000000000000000000120010db80000000000000000000000023a000010deadbeef6965636573"},
         13},
    };
    bench b;
    bench_init(&b);
    for (unsigned round = 0; round < 4 * G_N_ELEMENTS(cases); round++) {
        unsigned i = round / 4, early = round & 1;
        bool spoiled = round & 2;
        hp_packet *parsed[2];
        for (unsigned k = 0; k < 2; k++) {
            g_autoptr(GBytes) bytes = hex_bytes(cases[i].pieces[k]);
            gsize n;
            const uint8_t *data = g_bytes_get_data(bytes, &n);
            parsed[k] = hp_packet_parse(data, n, NULL);
            assert_non_null(parsed[k]);
        }
        parsed[1]->payload[0] ^= spoiled;
        assert_null(hp_reassembly_add(b.r, parsed[early]));
        g_autoptr(hp_packet) whole = hp_reassembly_add(b.r, parsed[1 - early]);
        assert_non_null(whole);
        assert_int_equal(whole->length, cases[i].length);
        assert_int_equal(whole->corrupt, spoiled);
        if (!spoiled) {
            assert_memory_equal(whole->payload + whole->length - 13, "in two pieces", 13);
        }
    }
    bench_clear(&b);
}

static void test_copies_are_harmless(void **state)
{
    bench b;
    bench_init(&b);
    hp_packet *p = udp_packet(b.world, A4, B4, 900);
    g_autoptr(hp_packet) original = hp_packet_copy(p);
    cut(&b, p, 500);
    assert_null(hp_reassembly_add(b.r, hp_packet_copy(piece(&b, 0))));
    assert_null(hp_reassembly_add(b.r, piece(&b, 0)));
    assert_whole(hp_reassembly_add(b.r, piece(&b, 1)), original);
    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_REASSEMBLY, &r), 1);
    assert_string_equal(r.drop.detail, "a copy of a fragment already held");
    bench_clear(&b);
}

/* RFC 5722: the whole datagram goes, and what still comes of it. */
static void test_overlaps_end_the_datagram(void **state)
{
    bench b;
    bench_init(&b);
    cut(&b, udp_packet(b.world, A6, B6, 900), 500); /* 448 + 448 + 12 */
    assert_int_equal(b.pieces->len, 3);
    hp_packet *overlap = hp_packet_copy(piece(&b, 1));
    overlap->frag_offset -= 8;
    assert_null(hp_reassembly_add(b.r, piece(&b, 0)));
    assert_null(hp_reassembly_add(b.r, overlap));
    assert_int_equal(count_drops(b.trace, HP_DROP_REASSEMBLY, NULL), 2);
    assert_null(hp_reassembly_add(b.r, piece(&b, 1)));
    assert_null(hp_reassembly_add(b.r, piece(&b, 2)));
    assert_int_equal(count_drops(b.trace, HP_DROP_REASSEMBLY, NULL), 4);
    assert_int_equal(hp_reassembly_pending(b.r), 1);
    assert_true(hp_world_run_until(b.world, 60 * HP_S, NULL));
    assert_int_equal(hp_reassembly_pending(b.r), 0);
    assert_int_equal(b.timeouts, 0);
    bench_clear(&b);
}

/* Gives the reassembly one piece and frees the others. */
static void add_only(bench *b, unsigned i)
{
    for (unsigned k = 0; k < b->pieces->len; k++) {
        if (k != i) {
            hp_packet_free(piece(b, k));
        }
    }
    assert_null(hp_reassembly_add(b->r, piece(b, i)));
}

static void test_bytes_beyond_the_last_are_an_overlap(void **state)
{
    bench b;
    bench_init(&b);
    cut(&b, udp_packet(b.world, A4, B4, 1292), 576); /* 552 + 552 + 196 */
    hp_packet *beyond = hp_packet_copy(piece(&b, 1));
    beyond->frag_offset = 1304;
    add_only(&b, 2);
    assert_null(hp_reassembly_add(b.r, beyond));
    assert_int_equal(count_drops(b.trace, HP_DROP_REASSEMBLY, NULL), 2);
    /* The other way round: a last fragment that ends before what is held. */
    cut(&b, udp_packet(b.world, A4, B4, 1292), 576);
    hp_packet *last = hp_packet_copy(piece(&b, 0));
    last->frag_more = false;
    add_only(&b, 1);
    assert_null(hp_reassembly_add(b.r, last));
    assert_int_equal(count_drops(b.trace, HP_DROP_REASSEMBLY, NULL), 4);
    bench_clear(&b);
}

static void test_timeouts(void **state)
{
    bench b;
    bench_init(&b);
    cut(&b, udp_packet(b.world, A4, B4, 900), 500);
    uint64_t uid = piece(&b, 0)->uid;
    assert_null(hp_reassembly_add(b.r, piece(&b, 0)));
    hp_packet_free(piece(&b, 1));
    assert_true(hp_world_run_until(b.world, 10 * HP_S, NULL));
    cut(&b, udp_packet(b.world, A6, B6, 900), 500);
    assert_null(hp_reassembly_add(b.r, piece(&b, 1))); /* without its first */
    hp_packet_free(piece(&b, 0));
    hp_packet_free(piece(&b, 2));

    assert_int_equal(hp_world_next_deadline(b.world), 30 * HP_S);
    assert_true(hp_world_run_until(b.world, 30 * HP_S - 1, NULL));
    assert_int_equal(hp_reassembly_pending(b.r), 2);
    assert_true(hp_world_run_until(b.world, 30 * HP_S, NULL));
    assert_int_equal(hp_reassembly_pending(b.r), 1);
    assert_int_equal(b.timeouts, 1);
    assert_int_equal(b.timeout_uid, uid);
    assert_int_equal(hp_world_next_deadline(b.world), 70 * HP_S);
    assert_true(hp_world_run_until(b.world, 70 * HP_S, NULL));
    assert_int_equal(hp_reassembly_pending(b.r), 0);
    assert_int_equal(b.timeouts, 1); /* nobody to tell without a first fragment */
    assert_int_equal(count_drops(b.trace, HP_DROP_REASSEMBLY, NULL), 2);
    bench_clear(&b);
}

static void test_the_oldest_gives_way(void **state)
{
    bench b;
    bench_init(&b);
    for (unsigned i = 0; i < HP_REASSEMBLY_MAX + 1; i++) {
        cut(&b, udp_packet(b.world, A4, B4, 900), 500);
        assert_null(hp_reassembly_add(b.r, piece(&b, 0)));
        hp_packet_free(piece(&b, 1));
    }
    assert_int_equal(hp_reassembly_pending(b.r), HP_REASSEMBLY_MAX);
    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_REASSEMBLY, &r), 1);
    assert_int_equal(r.drop.uid, 1);
    bench_clear(&b);
}

static void test_misshapen_fragments(void **state)
{
    bench b;
    bench_init(&b);
    static const struct {
        uint32_t offset, length;
        bool more;
        const char *detail;
    } cases[] = {
        {8, 0, false, "an empty fragment"},
        {12, 16, true, "not a multiple of eight bytes"},
        {8, 15, true, "not a multiple of eight bytes"},
        {65528, 8, false, "beyond the largest datagram"},
        {0xfffffff8, 8, false, "beyond the largest datagram"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_packet *p = udp_packet(b.world, A4, B4, cases[i].length);
        p->frag_offset = cases[i].offset;
        p->frag_more = cases[i].more;
        p->frag_total = cases[i].offset + cases[i].length;
        assert_null(hp_reassembly_add(b.r, p));
        hp_record r = {0};
        assert_int_equal(count_drops(b.trace, HP_DROP_REASSEMBLY, &r), i + 1);
        assert_string_equal(r.drop.detail, cases[i].detail);
    }
    assert_int_equal(hp_reassembly_pending(b.r), 0);
    bench_clear(&b);
}

static void test_marks_carry_over(void **state)
{
    bench b;
    bench_init(&b);
    cut(&b, udp_packet(b.world, A4, B4, 900), 500);
    piece(&b, 0)->tos = 1;
    piece(&b, 1)->tos = 3;
    piece(&b, 1)->corrupt = true;
    piece(&b, 1)->last_record = 99;
    piece(&b, 1)->ttl = 7;
    assert_null(hp_reassembly_add(b.r, piece(&b, 0)));
    g_autoptr(hp_packet) whole = hp_reassembly_add(b.r, piece(&b, 1));
    assert_int_equal(whole->tos, 3);
    assert_true(whole->corrupt);
    assert_int_equal(whole->last_record, 99);
    assert_int_equal(whole->ttl, 64); /* the first fragment's */
    bench_clear(&b);
}

/* Two datagrams of one pair at a time, told apart by their identification. */
static void test_interleaved(void **state)
{
    bench b;
    bench_init(&b);
    hp_packet *p = udp_packet(b.world, A4, B4, 900), *q = udp_packet(b.world, A4, B4, 901);
    g_autoptr(hp_packet) first = hp_packet_copy(p);
    g_autoptr(hp_packet) second = hp_packet_copy(q);
    cut(&b, p, 500);
    hp_packet *p0 = piece(&b, 0), *p1 = piece(&b, 1);
    cut(&b, q, 500);
    assert_null(hp_reassembly_add(b.r, p1));
    assert_null(hp_reassembly_add(b.r, piece(&b, 0)));
    assert_int_equal(hp_reassembly_pending(b.r), 2);
    assert_whole(hp_reassembly_add(b.r, p0), first);
    assert_whole(hp_reassembly_add(b.r, piece(&b, 1)), second);
    bench_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_sizes_on_the_wire),
        cmocka_unit_test(test_bytes_survive_the_wire),
        cmocka_unit_test(test_fragments_of_fragments),
        cmocka_unit_test(test_echo_and_tcp),
        cmocka_unit_test(test_bytes_of_any_protocol),
        cmocka_unit_test(test_copies_are_harmless),
        cmocka_unit_test(test_overlaps_end_the_datagram),
        cmocka_unit_test(test_bytes_beyond_the_last_are_an_overlap),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_the_oldest_gives_way),
        cmocka_unit_test(test_misshapen_fragments),
        cmocka_unit_test(test_marks_carry_over),
        cmocka_unit_test(test_interleaved),
    };
    return cmocka_run_group_tests_name("fragment", tests, NULL, NULL);
}
