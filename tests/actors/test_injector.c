/* An attacker before a host: what it sends, byte by byte, when, and where it is recorded. Two plain hosts, 1 ms from
 * each other; bob is attacked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "actors/injector.h"
#include "base/rng.h"
#include "wire/demux.h"
#include "wire/stun.h"
#include "world/link.h"

typedef struct arrival {
    hp_time at;
    hp_addr from, to;
    uint8_t ttl, tos;
    uint32_t record;
    size_t length;
    uint8_t data[1500];
} arrival;

typedef struct fixture {
    hp_trace *trace;
    hp_world *world;
    hp_host *alice, *bob;
    hp_link *up, *down;
    hp_socket *from, *to;
    hp_injector *injector;
    GArray *arrivals; /* of arrival, at bob's socket */
} fixture;

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    arrival a = {.at = hp_world_now(hp_host_world(hp_socket_host(socket))),
                 .from = d->from,
                 .to = d->to,
                 .ttl = d->ttl,
                 .tos = d->tos,
                 .record = d->record,
                 .length = d->length};
    assert_true(d->length <= sizeof a.data);
    memcpy(a.data, d->data, d->length);
    g_array_append_val((GArray *)user, a);
}

static void on_nothing(void *user, hp_socket *socket, const hp_datagram *d)
{
}

static const hp_socket_ops keep = {.datagram = on_datagram}, forget = {.datagram = on_nothing};

static hp_link *wire(hp_world *world, hp_host *from, hp_host *to, unsigned to_interface)
{
    g_autofree char *name = g_strdup_printf("%s>%s", hp_host_name(from), hp_host_name(to));
    hp_link *link = hp_link_new(world, name, &(hp_link_config){.delay_ns = HP_MS});
    hp_node_connect(hp_host_node(from), 0, hp_link_node(link), 0);
    hp_node_connect(hp_link_node(link), 0, hp_host_node(to), to_interface);
    return link;
}

/* bob_interfaces 2: packets come to the second one, "lte". */
static fixture fixture_with(uint64_t seed, bool traced, unsigned bob_interfaces)
{
    fixture f = {.trace = traced ? hp_trace_new_sized(64 << 20, NULL) : NULL};
    f.world = hp_world_new(seed, f.trace);
    f.alice = hp_host_new(f.world, "alice");
    f.bob = hp_host_new(f.world, "bob");
    hp_addr a = addr("192.0.2.1:1000"), b = addr("192.0.2.2:2000");
    hp_host_add_interface(f.alice, NULL, 0);
    hp_host_add_address(f.alice, 0, &a);
    if (bob_interfaces == 2) {
        hp_host_add_interface(f.bob, "wifi", 0);
        hp_host_add_interface(f.bob, "lte", 0);
    } else {
        hp_host_add_interface(f.bob, NULL, 0);
    }
    hp_host_add_address(f.bob, bob_interfaces - 1, &b);
    f.up = wire(f.world, f.alice, f.bob, bob_interfaces - 1);
    f.arrivals = g_array_new(FALSE, FALSE, sizeof(arrival));
    f.from = hp_host_bind(f.alice, &a, &forget, NULL, NULL);
    f.to = hp_host_bind(f.bob, &b, &keep, f.arrivals, NULL);
    assert_true(f.from != NULL && f.to != NULL);
    f.injector = hp_injector_new(f.world);
    return f;
}

static fixture fixture_new(uint64_t seed)
{
    return fixture_with(seed, true, 1);
}

static void clear(fixture *f)
{
    hp_injector_free(f->injector);
    hp_world_free(f->world);
    hp_trace_free(f->trace);
    g_array_unref(f->arrivals);
}

static void run(fixture *f, hp_time until)
{
    assert_true(hp_world_run_until(f->world, until, NULL));
}

static void transmit(fixture *f, const void *data, size_t length)
{
    hp_addr to = hp_socket_local(f->to);
    assert_true(hp_socket_send(f->from, &to, data, length, &(hp_send_options){.ttl = 61, .tos = 0xb8}));
}

static void send_wrapped(fixture *f, const void *data, size_t length)
{
    uint8_t wrapped[1500];
    transmit(f, wrapped, hp_channel_data_write(wrapped, sizeof wrapped, 0x4007, data, length));
}

static unsigned start(fixture *f, hp_inject_what what, hp_inject_kind kind, uint64_t count)
{
    const hp_injector_config config = {.host = f->bob,
                                       .inject = {.what = what, .kind = kind, .count = count, .interval = 10 * HP_MS}};
    return hp_injector_start(f->injector, &config);
}

static const arrival *arrived(const fixture *f, unsigned i)
{
    assert_true(i < f->arrivals->len);
    return &g_array_index(f->arrivals, arrival, i);
}

static void assert_arrived(const fixture *f, unsigned i, hp_time at, const void *data, size_t length)
{
    const arrival *a = arrived(f, i);
    assert_int_equal(a->at, at);
    assert_int_equal(a->length, length);
    assert_memory_equal(a->data, data, length);
}

/* The n-th record of those types. */
static hp_record nth(const fixture *f, unsigned types, unsigned n)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    do {
        assert_true(hp_trace_next_of(f->trace, &cursor, types, &r));
    } while (n-- > 0);
    return r;
}

static void assert_injected(const fixture *f, unsigned n, hp_time at, const char *what, const char *kind,
                            uint64_t count, uint64_t found)
{
    const hp_record r = nth(f, 1u << HP_RECORD_EVENT, n);
    assert_int_equal(r.event.kind, HP_EV_INJECTED);
    assert_int_equal(r.at, at);
    assert_string_equal(r.event.subject, "bob");
    assert_string_equal(hp_record_text(&r, "what"), what);
    assert_string_equal(hp_record_text(&r, "kind"), kind);
    assert_int_equal(hp_record_u64(&r, "count"), count);
    assert_int_equal(hp_record_u64(&r, "found"), found);
}

static void assert_note(const fixture *f, unsigned n, uint32_t packet, const char *text)
{
    const hp_record r = nth(f, 1u << HP_RECORD_NOTE, n);
    assert_int_equal(r.note.packet, packet);
    assert_string_equal(r.note.text, text);
}

/* An RTP packet with a CSRC and an extension: 12 + 4 + 8 bytes of header, 20 of payload. */
enum { RTP_HEAD = 24, RTP_LENGTH = 44 };
static void make_rtp(uint8_t *out, uint16_t sequence)
{
    static const uint8_t head[RTP_HEAD] = {0x91, 111, 0, 0, 0,    0,    1, 2, 0x5e, 0xed, 0, 1,
                                           0,    0,   0, 9, 0xbe, 0xde, 0, 1, 0x10, 7,    0, 0};
    memcpy(out, head, sizeof head);
    out[2] = (uint8_t)(sequence >> 8);
    out[3] = (uint8_t)sequence;
    memset(out + RTP_HEAD, sequence & 0xff, RTP_LENGTH - RTP_HEAD);
}

static void send_rtp(fixture *f, uint16_t sequence)
{
    uint8_t data[RTP_LENGTH];
    make_rtp(data, sequence);
    transmit(f, data, sizeof data);
}

static const uint8_t rtcp[] = {0x80, 200, 0, 6, 0x5e, 0xed, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                               11,   12,  0, 0, 0,    1,    0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t dtls[] = {22, 0xfe, 0xfd, 0, 0, 0,    0,    0,    0,    0xfc, 0x18, 0, 3, 1, 2,
                               3, /* a second record: */
                               20, 0xfe, 0xfd, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 2, 4, 5};

static size_t make_stun(uint8_t *out, size_t cap, uint8_t id)
{
    const uint8_t ids[12] = {id, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    hp_stun_writer w;
    hp_stun_begin(&w, out, cap, HP_STUN_REQUEST, HP_STUN_BINDING, ids, NULL);
    hp_stun_add_u32(&w, HP_STUN_PRIORITY, 77);
    hp_stun_add_fingerprint(&w);
    return hp_stun_finish(&w);
}

/* ---- tests ---- */

static void replay_sends_the_last_ones_again(void **state)
{
    fixture f = fixture_new(1);
    for (uint16_t i = 0; i < 5; i++) {
        send_rtp(&f, i);
        transmit(&f, rtcp, sizeof rtcp);
    }
    run(&f, 100 * HP_MS);
    assert_int_equal(f.arrivals->len, 10);
    assert_int_equal(hp_trace_n_packets(f.trace), 20);
    assert_int_equal(start(&f, HP_INJECT_REPLAY, HP_INJECT_RTP, 3), 1);
    assert_int_equal(f.arrivals->len, 10); /* in a step of its own */
    assert_false(hp_injector_done(f.injector, 1));
    run(&f, 119 * HP_MS);
    assert_false(hp_injector_all_done(f.injector));
    run(&f, 120 * HP_MS);
    assert_true(hp_injector_done(f.injector, 1));
    assert_true(hp_injector_all_done(f.injector));
    run(&f, HP_S);
    assert_int_equal(f.arrivals->len, 13);
    assert_injected(&f, 0, 100 * HP_MS, "replay", "rtp", 3, 3);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t data[RTP_LENGTH];
        make_rtp(data, (uint16_t)(2 + i));
        assert_arrived(&f, 10 + i, (100 + 10 * i) * HP_MS, data, sizeof data);
        const arrival *again = arrived(&f, 10 + i), *first = arrived(&f, 2 * (2 + i));
        assert_int_equal(again->ttl, 61);
        assert_int_equal(again->tos, 0xb8);
        assert_true(hp_addr_equal(&again->from, &first->from) && hp_addr_equal(&again->to, &first->to));
        /* Recorded at bob's tap like what a link delivers: the same IP packet, though it is another one. */
        assert_int_equal(again->record, 21 + i);
        hp_record one, other;
        assert_true(hp_trace_find_packet(f.trace, first->record, &one));
        assert_true(hp_trace_find_packet(f.trace, again->record, &other));
        assert_int_equal(one.packet.tap, other.packet.tap);
        assert_int_equal(other.packet.dir, HP_DIR_IN);
        assert_int_equal(one.packet.length, other.packet.length);
        assert_memory_equal(one.packet.bytes, other.packet.bytes, one.packet.length);
        assert_true(one.packet.uid != other.packet.uid);
        g_autofree char *note = g_strdup_printf("injected: replay of packet %u", first->record);
        assert_note(&f, i, again->record, note);
    }
    clear(&f);
}

static void copies_count_once_and_few_go_round(void **state)
{
    fixture f = fixture_new(1);
    send_rtp(&f, 7);
    send_rtp(&f, 8);
    send_rtp(&f, 7);
    send_rtp(&f, 8);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_REPLAY, HP_INJECT_RTP, 5);
    run(&f, HP_S);
    assert_injected(&f, 0, 50 * HP_MS, "replay", "rtp", 5, 2);
    assert_int_equal(f.arrivals->len, 9);
    for (unsigned i = 0; i < 5; i++) {
        uint8_t data[RTP_LENGTH];
        make_rtp(data, (uint16_t)(7 + i % 2));
        assert_arrived(&f, 4 + i, (50 + 10 * i) * HP_MS, data, sizeof data);
    }
    clear(&f);
}

/* What an attack put there is no model of the next one, forged or not. */
static void attacks_do_not_feed_on_each_other(void **state)
{
    fixture f = fixture_new(1);
    send_rtp(&f, 7);
    run(&f, 50 * HP_MS);
    assert_int_equal(start(&f, HP_INJECT_FORGE, HP_INJECT_RTP, 4), 1);
    run(&f, 500 * HP_MS);
    assert_int_equal(start(&f, HP_INJECT_REPLAY, HP_INJECT_RTP, 2), 2);
    run(&f, HP_S);
    assert_injected(&f, 1, 500 * HP_MS, "replay", "rtp", 2, 1);
    uint8_t data[RTP_LENGTH];
    make_rtp(data, 7);
    assert_int_equal(f.arrivals->len, 7);
    assert_arrived(&f, 5, 500 * HP_MS, data, sizeof data);
    assert_arrived(&f, 6, 510 * HP_MS, data, sizeof data);
    clear(&f);
}

static void nothing_found_sends_nothing(void **state)
{
    fixture f = fixture_new(1);
    send_rtp(&f, 7);
    run(&f, 50 * HP_MS);
    unsigned attack = start(&f, HP_INJECT_REPLAY, HP_INJECT_DTLS, 5);
    assert_true(hp_injector_done(f.injector, attack));
    attack = start(&f, HP_INJECT_REPLAY, HP_INJECT_RTP, 0);
    assert_true(hp_injector_done(f.injector, attack));
    run(&f, HP_S);
    assert_int_equal(f.arrivals->len, 1);
    assert_injected(&f, 0, 50 * HP_MS, "replay", "dtls", 5, 0);
    assert_injected(&f, 1, 50 * HP_MS, "replay", "rtp", 0, 0);
    clear(&f);
}

static void without_a_trace_nothing_happens(void **state)
{
    fixture f = fixture_with(1, false, 1);
    send_rtp(&f, 7);
    run(&f, 50 * HP_MS);
    assert_true(hp_injector_done(f.injector, start(&f, HP_INJECT_REPLAY, HP_INJECT_RTP, 5)));
    run(&f, HP_S);
    assert_int_equal(f.arrivals->len, 1);
    clear(&f);
}

/* The attack's own stream, from which a test can tell what was drawn. */
static hp_rng attack_rng(const fixture *f, unsigned number_on_host)
{
    g_autofree char *name = g_strdup_printf("injector:bob:%u", number_on_host);
    hp_rng rng;
    hp_world_rng(f->world, name, &rng);
    return rng;
}

static void forged_rtp(void **state)
{
    fixture f = fixture_new(3);
    send_rtp(&f, 65000);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_FORGE, HP_INJECT_RTP, 3);
    run(&f, HP_S);
    hp_rng rng = attack_rng(&f, 1);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t expected[RTP_LENGTH];
        make_rtp(expected, (uint16_t)(65000 + 1000 + i)); /* wraps */
        hp_rng_bytes(&rng, expected + RTP_HEAD, RTP_LENGTH - RTP_HEAD);
        assert_arrived(&f, 1 + i, (50 + 10 * i) * HP_MS, expected, sizeof expected);
        assert_int_equal(arrived(&f, 1 + i)->ttl, 61);
        assert_int_equal(arrived(&f, 1 + i)->tos, 0xb8);
    }
    assert_note(&f, 0, 3, "injected: forged from packet 2");
    clear(&f);
}

static void forged_rtcp(void **state)
{
    fixture f = fixture_new(3);
    transmit(&f, rtcp, sizeof rtcp);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_FORGE, HP_INJECT_RTCP, 1);
    run(&f, HP_S);
    hp_rng rng = attack_rng(&f, 1);
    uint8_t expected[sizeof rtcp];
    memcpy(expected, rtcp, 8);
    hp_rng_bytes(&rng, expected + 8, sizeof rtcp - 8);
    assert_arrived(&f, 1, 50 * HP_MS, expected, sizeof expected);
    clear(&f);
}

static void forged_dtls(void **state)
{
    fixture f = fixture_new(3);
    transmit(&f, dtls, sizeof dtls);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_FORGE, HP_INJECT_DTLS, 2);
    run(&f, HP_S);
    hp_rng rng = attack_rng(&f, 1);
    for (unsigned i = 0; i < 2; i++) {
        /* 0xfc18 + 1000 = 0x10000; the other's sequence number runs over into the epoch. */
        uint8_t expected[sizeof dtls] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 1, 0, (uint8_t)i,          0, 3, 0, 0, 0,
                                         20, 0xfe, 0xfd, 0, 2, 0, 0, 0, 0, 3, (uint8_t)(0xe7 + i), 0, 2};
        hp_rng_bytes(&rng, expected + 13, 3);
        hp_rng_bytes(&rng, expected + 29, 2);
        assert_arrived(&f, 1 + i, (50 + 10 * i) * HP_MS, expected, sizeof expected);
    }
    clear(&f);
}

/* A record longer than its datagram, and one of DTLS 1.3, of whose header the first byte is kept. */
static void forged_dtls_of_odd_shapes(void **state)
{
    static const uint8_t cut[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 200, 1, 2, 3};
    static const uint8_t newer[] = {0x2f, 1, 2, 0, 4, 1, 2, 3, 4};
    fixture f = fixture_new(3);
    transmit(&f, cut, sizeof cut);
    transmit(&f, newer, sizeof newer);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_FORGE, HP_INJECT_DTLS, 2);
    run(&f, HP_S);
    hp_rng rng = attack_rng(&f, 1);
    uint8_t expected[sizeof cut] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 3, 0xe9, 0, 200};
    hp_rng_bytes(&rng, expected + 13, 3);
    assert_arrived(&f, 2, 50 * HP_MS, expected, sizeof expected);
    uint8_t expected_newer[sizeof newer] = {0x2f};
    hp_rng_bytes(&rng, expected_newer + 1, sizeof newer - 1);
    assert_arrived(&f, 3, 60 * HP_MS, expected_newer, sizeof expected_newer);
    clear(&f);
}

static void forged_stun(void **state)
{
    fixture f = fixture_new(3);
    uint8_t stun[64];
    const size_t length = make_stun(stun, sizeof stun, 9);
    transmit(&f, stun, length);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_FORGE, HP_INJECT_STUN, 1);
    run(&f, HP_S);
    hp_rng rng = attack_rng(&f, 1);
    hp_rng_bytes(&rng, stun + 8, 12);
    assert_arrived(&f, 1, 50 * HP_MS, stun, length);
    hp_stun_msg m;
    assert_true(hp_stun_parse(stun, length, &m));
    assert_int_equal(hp_stun_check_fingerprint(&m), HP_STUN_BAD);
    clear(&f);
}

static void truncated(void **state)
{
    fixture f = fixture_new(5);
    send_rtp(&f, 0x0102);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_TRUNCATE, HP_INJECT_RTP, 400);
    run(&f, 10 * HP_S);
    assert_int_equal(f.arrivals->len, 401);
    uint8_t whole[RTP_LENGTH];
    make_rtp(whole, 0x0102);
    hp_rng rng = attack_rng(&f, 1);
    bool seen[RTP_LENGTH] = {false};
    for (unsigned i = 0; i < 400; i++) {
        const size_t length = 1 + hp_rng_below(&rng, RTP_LENGTH - 1);
        assert_arrived(&f, 1 + i, (50 + 10 * i) * HP_MS, whole, length);
        seen[length] = true;
    }
    assert_true(seen[1] && seen[RTP_LENGTH - 1]);
    assert_note(&f, 0, 3, "injected: cut from packet 2");
    clear(&f);
}

static void junk_passes_for_its_kind(void **state)
{
    uint8_t stun[64], sample[RTP_LENGTH];
    make_rtp(sample, 1);
    const size_t stun_length = make_stun(stun, sizeof stun, 9);
    for (hp_inject_kind kind = HP_INJECT_RTP; kind <= HP_INJECT_STUN; kind++) {
        fixture f = fixture_new(7);
        transmit(&f, sample, sizeof sample);
        transmit(&f, rtcp, sizeof rtcp);
        transmit(&f, dtls, sizeof dtls);
        transmit(&f, stun, stun_length);
        run(&f, 50 * HP_MS);
        start(&f, HP_INJECT_JUNK, kind, 1000);
        run(&f, 20 * HP_S);
        assert_int_equal(f.arrivals->len, 1004);
        size_t least = SIZE_MAX, most = 0;
        uint8_t low = 255, high = 0;
        for (unsigned i = 4; i < 1004; i++) {
            const arrival *a = arrived(&f, i);
            least = MIN(least, a->length);
            most = MAX(most, a->length);
            low = MIN(low, a->data[0]);
            high = MAX(high, a->data[0]);
            if (kind == HP_INJECT_RTP || kind == HP_INJECT_RTCP) {
                assert_int_equal(hp_wire_classify(a->data, a->length),
                                 kind == HP_INJECT_RTP ? HP_WIRE_RTP : HP_WIRE_RTCP);
            }
        }
        static const uint8_t first[][2] = {{128, 191}, {128, 191}, {20, 63}, {0, 3}};
        assert_int_equal(low, first[kind][0]);
        assert_int_equal(high, first[kind][1]);
        assert_int_equal(least, 12);
        assert_int_equal(most, 200);
        g_autofree char *note = g_strdup_printf("injected: junk after packet %u", 5 + (unsigned)kind);
        assert_note(&f, 0, 9, note);
        clear(&f);
    }
}

static void what_is_wrapped_is_altered_inside(void **state)
{
    uint8_t inner[RTP_LENGTH];
    make_rtp(inner, 100);
    for (hp_inject_what what = HP_INJECT_REPLAY; what <= HP_INJECT_JUNK; what++) {
        fixture f = fixture_new(9);
        send_wrapped(&f, inner, sizeof inner);
        send_wrapped(&f, dtls, sizeof dtls);
        run(&f, 50 * HP_MS);
        start(&f, what, HP_INJECT_RTP, 2);
        run(&f, HP_S);
        assert_injected(&f, 0, 50 * HP_MS, (const char *const[]){"replay", "forge", "truncate", "junk"}[what], "rtp", 2,
                        1);
        hp_rng rng = attack_rng(&f, 1);
        for (unsigned i = 0; i < 2; i++) {
            const arrival *a = arrived(&f, 2 + i);
            uint16_t channel = 0;
            const uint8_t *data = NULL;
            size_t length = 0;
            assert_true(hp_channel_data_parse(a->data, a->length, &channel, &data, &length));
            assert_int_equal(channel, 0x4007);
            assert_int_equal(a->length, length + 4);
            uint8_t expected[RTP_LENGTH];
            make_rtp(expected, (uint16_t)(what == HP_INJECT_FORGE ? 1100 + i : 100));
            switch (what) {
            case HP_INJECT_REPLAY:
                assert_int_equal(length, sizeof expected);
                break;
            case HP_INJECT_FORGE:
                hp_rng_bytes(&rng, expected + RTP_HEAD, RTP_LENGTH - RTP_HEAD);
                assert_int_equal(length, sizeof expected);
                break;
            case HP_INJECT_TRUNCATE:
                assert_int_equal(length, 1 + hp_rng_below(&rng, RTP_LENGTH - 1));
                break;
            case HP_INJECT_JUNK:
                assert_int_equal(length, 12 + hp_rng_below(&rng, 189));
                assert_int_equal(hp_wire_classify(data, length), HP_WIRE_RTP);
                hp_rng_bytes(&rng, (uint8_t[200]){0}, length);
                continue;
            }
            assert_memory_equal(data, expected, length);
        }
        clear(&f);
    }
}

/* Only what came to the host counts: not what it sent, nor what came to another, nor broken or cut packets. */
static void models_are_what_came_in_whole(void **state)
{
    fixture f = fixture_new(1);
    f.down = wire(f.world, f.bob, f.alice, 0);
    hp_addr to = hp_socket_local(f.from);
    uint8_t data[RTP_LENGTH];
    make_rtp(data, 1);
    assert_true(hp_socket_send(f.to, &to, data, sizeof data, NULL));
    run(&f, 10 * HP_MS);
    hp_link_configure(f.up, &(hp_link_config){.corrupt_ppb = HP_PPB}, "corrupt");
    send_rtp(&f, 2);
    hp_link_configure(f.up, &(hp_link_config){.mtu = 40}, "mtu");
    make_rtp(data, 3);
    const hp_addr bob = hp_socket_local(f.to);
    assert_true(hp_socket_send(f.from, &bob, data, sizeof data, &(hp_send_options){.may_fragment = true}));
    hp_link_configure(f.up, &(hp_link_config){.loss_ppb = HP_PPB}, "loss");
    send_rtp(&f, 4);
    run(&f, 20 * HP_MS);
    assert_int_equal(f.arrivals->len, 1); /* the reassembled one */
    start(&f, HP_INJECT_REPLAY, HP_INJECT_RTP, 5);
    run(&f, HP_S);
    assert_int_equal(f.arrivals->len, 1);
    const hp_record r = nth(&f, 1u << HP_RECORD_EVENT, 3);
    assert_int_equal(hp_record_u64(&r, "found"), 0);
    clear(&f);
}

static void a_host_with_two_interfaces(void **state)
{
    fixture f = fixture_with(1, true, 2);
    send_rtp(&f, 1);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_REPLAY, HP_INJECT_RTP, 1);
    run(&f, HP_S);
    assert_int_equal(f.arrivals->len, 2);
    hp_record r;
    assert_true(hp_trace_find_packet(f.trace, 3, &r));
    assert_string_equal(hp_trace_tap_name(f.trace, r.packet.tap), "bob/lte");
    clear(&f);
}

static void a_host_that_is_down_takes_nothing(void **state)
{
    fixture f = fixture_new(1);
    send_rtp(&f, 1);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_REPLAY, HP_INJECT_RTP, 3);
    hp_host_set_interface_up(f.bob, 0, false);
    run(&f, 65 * HP_MS);
    hp_host_set_interface_up(f.bob, 0, true);
    run(&f, HP_S);
    assert_int_equal(f.arrivals->len, 2);
    assert_int_equal(arrived(&f, 1)->at, 70 * HP_MS);
    assert_note(&f, 0, 3, "injected: replay of packet 2");
    assert_int_equal(nth(&f, 1u << HP_RECORD_DROP, 1).drop.reason, HP_DROP_HOST_DOWN);
    clear(&f);
}

/* The same seed, the same bytes; another attack on that host draws others. */
static void luck_is_the_attacks_own(void **state)
{
    uint8_t drawn[2][RTP_LENGTH];
    for (unsigned order = 0; order < 2; order++) {
        fixture f = fixture_new(11);
        send_rtp(&f, 1);
        transmit(&f, rtcp, sizeof rtcp);
        run(&f, 50 * HP_MS);
        start(&f, HP_INJECT_FORGE, HP_INJECT_RTP, 1);
        if (order == 1) {
            start(&f, HP_INJECT_FORGE, HP_INJECT_RTP, 1);
        }
        run(&f, HP_S);
        memcpy(drawn[order], arrived(&f, 2)->data, RTP_LENGTH);
        if (order == 1) {
            assert_memory_equal(drawn[0], drawn[1], RTP_LENGTH);
            assert_memory_not_equal(arrived(&f, 3)->data + RTP_HEAD, drawn[1] + RTP_HEAD, RTP_LENGTH - RTP_HEAD);
        }
        clear(&f);
    }
}

/* Freed in the middle of an attack, it leaves no timer behind. */
static void freed_while_it_runs(void **state)
{
    fixture f = fixture_new(1);
    send_rtp(&f, 1);
    run(&f, 50 * HP_MS);
    start(&f, HP_INJECT_REPLAY, HP_INJECT_RTP, 100);
    run(&f, 55 * HP_MS);
    hp_injector_free(g_steal_pointer(&f.injector));
    assert_int_equal(hp_world_next_deadline(f.world), HP_NEVER);
    clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_sends_the_last_ones_again),
        cmocka_unit_test(copies_count_once_and_few_go_round),
        cmocka_unit_test(attacks_do_not_feed_on_each_other),
        cmocka_unit_test(nothing_found_sends_nothing),
        cmocka_unit_test(without_a_trace_nothing_happens),
        cmocka_unit_test(forged_rtp),
        cmocka_unit_test(forged_rtcp),
        cmocka_unit_test(forged_dtls),
        cmocka_unit_test(forged_dtls_of_odd_shapes),
        cmocka_unit_test(forged_stun),
        cmocka_unit_test(truncated),
        cmocka_unit_test(junk_passes_for_its_kind),
        cmocka_unit_test(what_is_wrapped_is_altered_inside),
        cmocka_unit_test(models_are_what_came_in_whole),
        cmocka_unit_test(a_host_with_two_interfaces),
        cmocka_unit_test(a_host_that_is_down_takes_nothing),
        cmocka_unit_test(luck_is_the_attacks_own),
        cmocka_unit_test(freed_while_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
