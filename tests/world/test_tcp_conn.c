/* A TCP connection fed by hand: which segments are acceptable, what resets it, what it answers, and that no segment
 * whatsoever breaks it. Also the byte ring and the map of connections under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "base/rng.h"
#include "world/tcp_conn.h"
#include "world/tcp_ring.h"
#include "world/tcp_table.h"

enum { ISN = 1000, THEIRS = 5000, MTU = 1500 };

typedef struct bench {
    hp_tcp_conn *conn;
    unsigned n; /* segments since the last look */
    hp_tcp_header last;
    uint8_t data[2048];
    uint32_t length;
    hp_time now;
} bench;

static void on_segment(void *user, const hp_tcp_segment *s)
{
    bench *b = user;
    b->n++;
    b->last = s->header;
    b->length = s->data.length[0] + s->data.length[1];
    assert_true(b->length <= sizeof b->data);
    if (s->data.length[0] > 0) {
        memcpy(b->data, s->data.bytes[0], s->data.length[0]);
    }
    if (s->data.length[1] > 0) {
        memcpy(b->data + s->data.length[0], s->data.bytes[1], s->data.length[1]);
    }
}

static const hp_tcp_conn_ops ops = {.segment = on_segment};

static void arrive(bench *b, uint32_t seq, uint32_t ack, uint8_t flags, const char *data)
{
    hp_tcp_header h = {.seq = seq, .ack = ack, .flags = flags, .window = 60000};
    b->n = 0;
    hp_tcp_conn_segment(b->conn, b->now, &h, (const uint8_t *)data, strlen(data));
    hp_tcp_conn_flush(b->conn, b->now);
}

static hp_tcp_config small_config(void)
{
    hp_tcp_config config;
    hp_tcp_config_init(&config);
    config.receive_buffer = 10000;
    return config;
}

/* Established at time 1 s; receives from THEIRS + 1 on with a window of 10000, sends from ISN + 1 on. */
static bench *bench_new(void)
{
    bench *b = g_new0(bench, 1);
    hp_tcp_config config = small_config();
    b->now = HP_S;
    b->conn = hp_tcp_conn_connect(&config, 4, MTU, ISN, &ops, b);
    hp_tcp_conn_flush(b->conn, b->now);
    assert_int_equal(b->last.flags, HP_TCP_SYN);
    assert_int_equal(b->last.window, 10000);
    arrive(b, THEIRS, ISN + 1, HP_TCP_SYN | HP_TCP_ACK, "");
    assert_int_equal(b->n, 1);
    assert_int_equal(hp_tcp_conn_state(b->conn), HP_TCP_ESTABLISHED);
    assert_int_equal(hp_tcp_conn_take_events(b->conn), HP_TCP_EV_CONNECTED | HP_TCP_EV_WRITABLE);
    return b;
}

static void bench_free(bench *b)
{
    hp_tcp_conn_free(b->conn);
    g_free(b);
}

/* One answer, an ACK that says what is expected. */
static void assert_challenged(bench *b)
{
    assert_int_equal(b->n, 1);
    assert_int_equal(b->last.flags, HP_TCP_ACK);
    assert_int_equal(b->last.ack, hp_tcp_conn_expected(b->conn));
    assert_int_equal(hp_tcp_conn_state(b->conn), HP_TCP_ESTABLISHED);
    b->now += HP_S; /* past the rate limit */
}

static void resets(void **state)
{
    bench *b = bench_new();
    arrive(b, THEIRS, 0, HP_TCP_RST, ""); /* before the window: nothing */
    assert_int_equal(b->n, 0);
    arrive(b, THEIRS + 10002, 0, HP_TCP_RST, ""); /* behind it */
    assert_int_equal(b->n, 0);
    arrive(b, THEIRS + 2, 0, HP_TCP_RST, ""); /* in it, but not exact (RFC 5961 section 3.2) */
    assert_challenged(b);
    arrive(b, THEIRS + 10001, 0, HP_TCP_RST, "");
    assert_challenged(b);
    arrive(b, THEIRS + 1, 0, HP_TCP_RST, "");
    assert_int_equal(b->n, 0);
    assert_int_equal(hp_tcp_conn_state(b->conn), HP_TCP_CLOSED);
    assert_int_equal(hp_tcp_conn_end(b->conn), HP_TCP_END_RESET);
    assert_int_equal(hp_tcp_conn_take_events(b->conn), HP_TCP_EV_CLOSED);
    assert_true(hp_tcp_conn_deadline(b->conn) == HP_NEVER);
    bench_free(b);
}

static void syns_are_challenged(void **state)
{
    bench *b = bench_new();
    static const uint32_t places[] = {THEIRS, THEIRS + 1, THEIRS + 500, THEIRS + 100000, THEIRS - 100000};
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        arrive(b, places[i], ISN + 1, HP_TCP_SYN | (i % 2 == 0 ? HP_TCP_ACK : 0), "");
        assert_challenged(b);
    }
    bench_free(b);
}

static void acknowledgements(void **state)
{
    bench *b = bench_new();
    hp_tcp_conn_send(b->conn, "0123456789", 10);
    hp_tcp_conn_flush(b->conn, b->now);
    arrive(b, THEIRS + 1, ISN + 12, HP_TCP_ACK, "not taken"); /* of what was never sent */
    assert_challenged(b);
    arrive(b, THEIRS + 1, ISN + 1 - 70000, HP_TCP_ACK, "nor this"); /* older than can be */
    assert_challenged(b);
    arrive(b, THEIRS + 1, 0, 0, "without an ACK");
    assert_int_equal(b->n, 0);
    assert_int_equal(hp_tcp_conn_available(b->conn), 0);
    arrive(b, THEIRS + 1, ISN, HP_TCP_ACK, "but"); /* old, and plausible */
    assert_int_equal(hp_tcp_conn_available(b->conn), 3);
    arrive(b, THEIRS + 4, ISN + 6, HP_TCP_ACK, "");
    assert_int_equal(hp_tcp_conn_get_stats(b->conn).bytes_acked, 5);
    arrive(b, THEIRS + 4, ISN + 11, HP_TCP_ACK, "");
    assert_int_equal(hp_tcp_conn_get_stats(b->conn).bytes_acked, 10);
    bench_free(b);
}

/* Two ends that disagree must not answer each other's answers for ever: one challenge in half a second. */
static void challenges_are_rare(void **state)
{
    bench *b = bench_new();
    arrive(b, THEIRS - 5, ISN + 1, HP_TCP_ACK, "");
    assert_int_equal(b->n, 1);
    b->now += 499 * HP_MS;
    arrive(b, THEIRS - 5, ISN + 1, HP_TCP_ACK, "");
    assert_int_equal(b->n, 0);
    arrive(b, THEIRS - 5, ISN + 1, HP_TCP_ACK, "data"); /* somebody waits for an answer to this */
    assert_int_equal(b->n, 1);
    b->now += HP_MS;
    arrive(b, THEIRS - 5, ISN + 1, HP_TCP_ACK, "");
    assert_int_equal(b->n, 1);
    bench_free(b);
}

static void read_all(bench *b, const char *expected)
{
    char out[64] = "";
    size_t n = hp_tcp_conn_recv(b->conn, out, sizeof out - 1);
    out[n] = '\0';
    assert_string_equal(out, expected);
}

static void data_in_pieces(void **state)
{
    bench *b = bench_new();
    uint32_t at = THEIRS + 1;
    arrive(b, at + 6, ISN + 1, HP_TCP_ACK, "6789");
    assert_int_equal(b->last.ack, at);
    arrive(b, at + 2, ISN + 1, HP_TCP_ACK, "23");
    arrive(b, at + 3, ISN + 1, HP_TCP_ACK, "345"); /* overlaps one, touches the other */
    assert_int_equal(b->n, 1);
    assert_int_equal(b->last.ack, at);
    assert_int_equal(hp_tcp_conn_take_events(b->conn), 0);
    arrive(b, at - 3, ISN + 1, HP_TCP_ACK, "xyz01"); /* begins before what is known */
    assert_int_equal(b->last.ack, at + 10);
    assert_int_equal(hp_tcp_conn_take_events(b->conn), HP_TCP_EV_READABLE);
    read_all(b, "0123456789");
    arrive(b, at + 10, ISN + 1, HP_TCP_ACK | HP_TCP_URG | HP_TCP_PSH, "!"); /* urgent data is data */
    read_all(b, "!");
    bench_free(b);
}

static void the_window_is_a_limit(void **state)
{
    bench *b = bench_new();
    g_autofree char *much = g_strnfill(12000, 'x');
    arrive(b, THEIRS + 1, ISN + 1, HP_TCP_ACK, much);
    assert_int_equal(hp_tcp_conn_available(b->conn), 10000);
    assert_int_equal(b->last.ack, THEIRS + 10001);
    assert_int_equal(b->last.window, 0);
    arrive(b, THEIRS + 10001, ISN + 1, HP_TCP_ACK, "y"); /* a probe: answered, not taken */
    assert_int_equal(b->n, 1);
    assert_int_equal(b->last.ack, THEIRS + 10001);
    /* What comes with it is heard all the same. */
    hp_tcp_conn_send(b->conn, "hi", 2);
    hp_tcp_conn_flush(b->conn, b->now);
    arrive(b, THEIRS + 10001, ISN + 3, HP_TCP_ACK, "y");
    assert_int_equal(hp_tcp_conn_get_stats(b->conn).bytes_acked, 2);
    arrive(b, THEIRS + 10001, 0, HP_TCP_RST, "");
    assert_int_equal(hp_tcp_conn_state(b->conn), HP_TCP_CLOSED);
    assert_int_equal(hp_tcp_conn_available(b->conn), 10000);
    bench_free(b);
}

/* Nothing comes after a FIN, whatever the sender says later. */
static void a_fin_is_the_end(void **state)
{
    bench *b = bench_new();
    arrive(b, THEIRS + 4, ISN + 1, HP_TCP_ACK | HP_TCP_FIN, "def");
    arrive(b, THEIRS + 8, ISN + 1, HP_TCP_ACK, "beyond");
    arrive(b, THEIRS + 5, ISN + 1, HP_TCP_ACK | HP_TCP_FIN, "efghi");
    assert_int_equal(hp_tcp_conn_state(b->conn), HP_TCP_ESTABLISHED);
    arrive(b, THEIRS + 1, ISN + 1, HP_TCP_ACK, "abc");
    assert_int_equal(hp_tcp_conn_state(b->conn), HP_TCP_CLOSE_WAIT);
    assert_int_equal(b->last.ack, THEIRS + 8);
    assert_int_equal(hp_tcp_conn_take_events(b->conn), HP_TCP_EV_READABLE | HP_TCP_EV_PEER_CLOSED);
    read_all(b, "abcdef");
    assert_true(hp_tcp_conn_at_eof(b->conn));
    arrive(b, THEIRS + 8, ISN + 1, HP_TCP_ACK, "more");
    assert_int_equal(hp_tcp_conn_available(b->conn), 0);
    bench_free(b);
}

static void sequence_numbers_wrap(void **state)
{
    bench b = {.now = HP_S};
    hp_tcp_config config = small_config();
    hp_tcp_header syn = {.seq = UINT32_MAX - 2, .flags = HP_TCP_SYN, .window = 60000};
    b.conn = hp_tcp_conn_accept(&config, 4, MTU, UINT32_MAX, &syn, &ops, &b);
    hp_tcp_conn_flush(b.conn, b.now);
    assert_int_equal(b.last.flags, HP_TCP_SYN | HP_TCP_ACK);
    assert_int_equal(b.last.seq, UINT32_MAX);
    assert_false(b.last.has_window_scale); /* not offered */
    arrive(&b, UINT32_MAX - 1, 0, HP_TCP_ACK, "abcdef");
    assert_int_equal(hp_tcp_conn_state(b.conn), HP_TCP_ESTABLISHED);
    hp_tcp_conn_send(b.conn, "123", 3);
    hp_tcp_conn_flush(b.conn, b.now);
    assert_int_equal(b.last.seq, 0);
    assert_int_equal(b.last.ack, 4);
    assert_int_equal(b.length, 3);
    assert_memory_equal(b.data, "123", 3);
    assert_int_equal(hp_tcp_conn_get_stats(b.conn).mss, 536); /* no option either */
    arrive(&b, 4, 3, HP_TCP_ACK, "");
    assert_int_equal(hp_tcp_conn_get_stats(b.conn).bytes_acked, 3);
    hp_tcp_conn_free(b.conn);
}

/* Half open: a SYN of another connection at the same numbers is told what is expected here, so that its sender can
 * reset what is left of the old one. */
static void a_stranger_in_the_handshake(void **state)
{
    bench b = {.now = HP_S};
    hp_tcp_config config = small_config();
    hp_tcp_header syn = {.seq = THEIRS, .flags = HP_TCP_SYN, .window = 60000};
    b.conn = hp_tcp_conn_accept(&config, 4, MTU, ISN, &syn, &ops, &b);
    hp_tcp_conn_flush(b.conn, b.now);
    arrive(&b, THEIRS + 70000, 0, HP_TCP_SYN, "");
    assert_int_equal(b.n, 1);
    assert_int_equal(b.last.flags, HP_TCP_ACK);
    assert_int_equal(b.last.seq, ISN + 1);
    assert_int_equal(b.last.ack, THEIRS + 1);
    arrive(&b, THEIRS, 0, HP_TCP_SYN, ""); /* the first one again: our SYN again */
    assert_int_equal(b.n, 1);
    assert_int_equal(b.last.flags, HP_TCP_SYN | HP_TCP_ACK);
    arrive(&b, THEIRS + 1, ISN + 7, HP_TCP_ACK, ""); /* of what was never sent */
    assert_int_equal(b.n, 1);
    assert_true((b.last.flags & HP_TCP_RST) != 0);
    assert_int_equal(b.last.seq, ISN + 7);
    assert_int_equal(hp_tcp_conn_state(b.conn), HP_TCP_SYN_RECEIVED);
    arrive(&b, THEIRS + 1, 0, HP_TCP_RST, "");
    assert_int_equal(b.n, 0);
    assert_int_equal(hp_tcp_conn_state(b.conn), HP_TCP_CLOSED);
    assert_int_equal(hp_tcp_conn_end(b.conn), HP_TCP_END_REFUSED);
    hp_tcp_conn_free(b.conn);
}

/* A receiver of tiny windows gets no tiny segments (silly windows), but half of its window is worth a segment. */
static void silly_windows(void **state)
{
    bench *b = bench_new();
    g_autofree char *much = g_strnfill(5000, 'x');
    hp_tcp_conn_set_nodelay(b->conn, true);
    hp_tcp_conn_send(b->conn, much, 5000);
    b->n = 0;
    hp_tcp_conn_flush(b->conn, b->now);
    assert_int_equal(b->n, 10); /* nine whole ones (the SYN had no MSS: 536) and, without Nagle, the rest */
    hp_tcp_header h = {.seq = THEIRS + 1, .ack = ISN + 5001, .flags = HP_TCP_ACK, .window = 100};
    hp_tcp_conn_segment(b->conn, b->now, &h, NULL, 0);
    hp_tcp_conn_send(b->conn, much, 5000);
    b->n = 0;
    hp_tcp_conn_flush(b->conn, b->now);
    assert_int_equal(b->n, 0);
    b->now = hp_tcp_conn_deadline(b->conn); /* until it has lasted too long */
    hp_tcp_conn_timeout(b->conn, b->now);
    hp_tcp_conn_flush(b->conn, b->now);
    assert_int_equal(b->n, 1);
    assert_int_equal(b->length, 100);
    bench_free(b);
}

/* More gaps than anybody needs: what would make yet another is not kept; all the same everything arrives in the end. */
static void too_many_gaps(void **state)
{
    enum { GAPS = 1024 };
    bench *b = bench_new();
    uint32_t at = THEIRS + 1;
    for (uint32_t i = 0; i < GAPS + 100; i++) {
        arrive(b, at + 2 * i + 1, ISN + 1, HP_TCP_ACK, "o");
        assert_int_equal(b->last.ack, at);
    }
    for (uint32_t i = 0; i < GAPS + 100; i++) {
        arrive(b, at + 2 * i, ISN + 1, HP_TCP_ACK, "e");
    }
    assert_int_equal(hp_tcp_conn_available(b->conn), 2 * GAPS + 1);
    char out[2 * GAPS + 1];
    assert_int_equal(hp_tcp_conn_recv(b->conn, out, sizeof out), sizeof out);
    for (uint32_t i = 0; i < sizeof out; i++) {
        assert_int_equal(out[i], i % 2 == 0 ? 'e' : 'o');
    }
    bench_free(b);
}

/* ---- anything at all ---- */

static uint32_t near(hp_rng *rng, uint32_t centre)
{
    switch (hp_rng_below(rng, 4)) {
    case 0:
        return centre;
    case 1:
        return centre + (uint32_t)hp_rng_below(rng, 20) - 10;
    case 2:
        return centre + (uint32_t)hp_rng_below(rng, 30000) - 15000;
    default: /* of a number: the last of four */
        return (uint32_t)hp_rng_u64(rng);
    }
}

/* Random segments around what is plausible, calls and times in between: it never breaks, never offers more than it was
 * sent or holds more than its buffer, and ends when it is aborted. */
static void hostile_segments(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 3, "hostile");
    uint8_t bytes[3000];
    hp_rng_bytes(&rng, bytes, sizeof bytes);
    unsigned seen[HP_TCP_STATE_N] = {0};
    for (unsigned round = 0; round < 3000; round++) {
        bench b = {.now = HP_S};
        hp_tcp_config config = small_config();
        config.keepalive = round % 3 == 0;
        hp_tcp_header syn = {
            .seq = THEIRS, .flags = HP_TCP_SYN, .window = 60000, .mss = (uint16_t)hp_rng_below(&rng, 3000)};
        b.conn = round % 2 == 0 ? hp_tcp_conn_connect(&config, 4, MTU, ISN, &ops, &b)
                                : hp_tcp_conn_accept(&config, 6, MTU, ISN, &syn, &ops, &b);
        hp_tcp_conn_flush(b.conn, b.now);
        uint32_t sent = ISN + 1;
        for (unsigned i = 0; i < 100; i++) {
            hp_tcp_header h = {.seq = near(&rng, round % 2 == 0 && i < 3 ? THEIRS : hp_tcp_conn_expected(b.conn)),
                               .ack = near(&rng, sent),
                               .flags = (uint8_t)(hp_rng_below(&rng, 8) == 0 ? hp_rng_u64(&rng) : HP_TCP_ACK),
                               .window = (uint16_t)hp_rng_below(&rng, 3) == 0 ? 0 : (uint16_t)hp_rng_u64(&rng),
                               .window_scale = (uint8_t)hp_rng_below(&rng, 15),
                               .has_window_scale = hp_rng_below(&rng, 2) == 0};
            if (i < 3 && hp_rng_below(&rng, 2) == 0) {
                h.flags = round % 2 == 0 ? HP_TCP_SYN | HP_TCP_ACK : HP_TCP_ACK;
                h.seq = THEIRS + round % 2;
                h.ack = ISN + 1;
            }
            hp_tcp_conn_segment(b.conn, b.now, &h, bytes, hp_rng_below(&rng, 2) == 0 ? 0 : hp_rng_below(&rng, 3000));
            switch (hp_rng_below(&rng, 10)) {
            case 0:
                sent += (uint32_t)hp_tcp_conn_send(b.conn, bytes, hp_rng_below(&rng, 3000));
                break;
            case 1:
                hp_tcp_conn_recv(b.conn, bytes, hp_rng_below(&rng, 3000));
                break;
            case 2:
                hp_tcp_conn_path_mtu(b.conn, near(&rng, sent), (uint32_t)hp_rng_below(&rng, 2000));
                break;
            case 3:
                b.now = hp_tcp_conn_deadline(b.conn) == HP_NEVER ? b.now : MAX(b.now, hp_tcp_conn_deadline(b.conn));
                hp_tcp_conn_timeout(b.conn, b.now);
                break;
            case 4:
                if (hp_rng_below(&rng, 10) == 0) {
                    hp_tcp_conn_shutdown(b.conn);
                }
                break;
            case 5:
                if (hp_rng_below(&rng, 30) == 0) {
                    hp_tcp_conn_close(b.conn, b.now);
                }
                break;
            default: /* of a number: mostly nothing */
                break;
            }
            hp_tcp_conn_flush(b.conn, b.now);
            assert_true(hp_tcp_conn_available(b.conn) <= 10000 + 1);
            assert_true(hp_tcp_conn_get_stats(b.conn).bytes_acked <= sent - (ISN + 1));
            seen[hp_tcp_conn_state(b.conn)]++;
        }
        hp_tcp_conn_abort(b.conn);
        hp_tcp_conn_flush(b.conn, b.now);
        assert_int_equal(hp_tcp_conn_state(b.conn), HP_TCP_CLOSED);
        assert_true(hp_tcp_conn_deadline(b.conn) == HP_NEVER);
        hp_tcp_conn_free(b.conn);
    }
    for (unsigned s = 0; s < HP_TCP_STATE_N; s++) {
        assert_true(s == HP_TCP_LISTEN ? seen[s] == 0 : seen[s] > 0);
    }
}

/* ---- beneath ---- */

static void the_ring(void **state)
{
    hp_tcp_ring ring = {0};
    GQueue model = G_QUEUE_INIT;
    hp_rng rng;
    hp_rng_init(&rng, 1, "ring");
    uint8_t bytes[5000];
    unsigned next = 0;
    for (unsigned i = 0; i < 2000; i++) {
        uint32_t n = (uint32_t)hp_rng_below(&rng, i < 1000 ? 3000 : 300);
        if (hp_rng_below(&rng, 2) == 0 && ring.length < 100000) {
            for (uint32_t k = 0; k < n; k++) {
                bytes[k] = (uint8_t)(next * 7 + next / 256);
                g_queue_push_tail(&model, GUINT_TO_POINTER((guint)bytes[k]));
                next++;
            }
            /* The second half before the first. */
            hp_tcp_ring_put(&ring, ring.length + n / 2, bytes + n / 2, n - n / 2);
            hp_tcp_ring_put(&ring, ring.length, bytes, n / 2);
            ring.length += n;
        } else {
            n = MIN(n, ring.length);
            hp_tcp_ring_take(&ring, bytes, n);
            for (uint32_t k = 0; k < n; k++) {
                assert_int_equal(bytes[k], GPOINTER_TO_UINT(g_queue_pop_head(&model)));
            }
        }
        assert_int_equal(ring.length, g_queue_get_length(&model));
    }
    g_queue_clear(&model);
    hp_tcp_ring_clear(&ring);
    hp_tcp_ring_take(&ring, NULL, 0);
    assert_int_equal(ring.capacity, 0);
}

static void the_table(void **state)
{
    enum { N = 4000 };
    static bool in[N];
    static int values[N];
    hp_tcp_table table = {0};
    hp_rng rng;
    hp_rng_init(&rng, 1, "table");
    size_t n = 0;
    for (unsigned i = 0; i < 20 * N; i++) {
        unsigned k = (unsigned)hp_rng_below(&rng, N);
        /* Few addresses and ports, so that pairs differ in one number only. */
        hp_tcp_pair pair = {.local = hp_addr_v4(0xc0000200 + k % 4, (uint16_t)(k / 4 % 20)),
                            .remote = hp_addr_v4(0xc0000300, (uint16_t)(k / 80))};
        assert_ptr_equal(hp_tcp_table_find(&table, &pair), in[k] ? &values[k] : NULL);
        if (in[k]) {
            hp_tcp_table_remove(&table, &pair);
            n--;
        } else {
            hp_tcp_table_add(&table, &pair, &values[k]);
            n++;
        }
        in[k] = !in[k];
        assert_int_equal(table.n, n);
    }
    hp_tcp_table_clear(&table);
}

static void names(void **state)
{
    assert_string_equal(hp_tcp_state_name(HP_TCP_CLOSED), "CLOSED");
    assert_string_equal(hp_tcp_state_name(HP_TCP_SYN_RECEIVED), "SYN-RECEIVED");
    assert_string_equal(hp_tcp_state_name(HP_TCP_TIME_WAIT), "TIME-WAIT");
    assert_string_equal(hp_tcp_end_name(HP_TCP_END_NONE), "none");
    assert_string_equal(hp_tcp_end_name(HP_TCP_END_ABORTED), "aborted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resets),
        cmocka_unit_test(syns_are_challenged),
        cmocka_unit_test(acknowledgements),
        cmocka_unit_test(challenges_are_rare),
        cmocka_unit_test(data_in_pieces),
        cmocka_unit_test(the_window_is_a_limit),
        cmocka_unit_test(a_fin_is_the_end),
        cmocka_unit_test(sequence_numbers_wrap),
        cmocka_unit_test(a_stranger_in_the_handshake),
        cmocka_unit_test(silly_windows),
        cmocka_unit_test(too_many_gaps),
        cmocka_unit_test(hostile_segments),
        cmocka_unit_test(the_ring),
        cmocka_unit_test(the_table),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests_name("tcp_conn", tests, NULL, NULL);
}
