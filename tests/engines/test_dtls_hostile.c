/* What a path or an attacker can throw at an endpoint. Nothing crashes it; what is no DTLS is dropped with a reason;
 * what is forged under keys is dropped by them; and whatever happens, keys come out only where both sides have the
 * same. */
#include "engines/dtls_pipe.h"

static void throw(pipe_t * p, unsigned to, const uint8_t *data, size_t len)
{
    hp_dtls_input(p->end[to].dtls, p->now, data, len);
}

/* A record header of 13 bytes and its content. */
static size_t record(uint8_t *out, uint8_t type, uint16_t epoch, uint8_t sequence, const uint8_t *content, size_t len)
{
    const uint8_t header[] = {type, 0xfe, 0xfd,     (uint8_t)(epoch >> 8), (uint8_t)epoch, 0, 0, 0,
                              0,    0,    sequence, (uint8_t)(len >> 8),   (uint8_t)len};
    memcpy(out, header, sizeof header);
    memcpy(out + sizeof header, content, len);
    return sizeof header + len;
}

static void what_is_no_dtls_is_dropped_with_a_reason(void **state)
{
    static const struct {
        uint8_t bytes[16];
        size_t length;
        const char *reason;
    } rows[] = {
        {{0}, 0, "empty"},
        {{0x80, 0x60}, 2, "content type"},
        {{24, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1}, 14, "content type"},
        {{22}, 1, "truncated"},
        {{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0}, 12, "truncated"},
        {{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1}, 14, "truncated"},
        {{22, 0x03, 0x03, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1}, 14, "version"},
        {{22, 0xfe, 0xfc, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1}, 14, "version"},
        {{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0}, 13, "empty"},
        {{23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1}, 14, "early data"},
    };
    pipe_t p;
    pipe_init(&p, 3);
    pipe_open(&p);
    for (unsigned to = 0; to < 2; to++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
            throw(&p, to, rows[i].bytes, rows[i].length);
            const pipe_told *t = pipe_find(&p, to, HP_DTLS_EV_DROPPED, i);
            assert_non_null(t);
            assert_string_equal(t->event.detail, rows[i].reason);
            assert_int_equal(t->event.number, rows[i].length);
        }
    }
    g_autofree uint8_t *huge = g_malloc0(HP_DTLS_MAX_MTU + 1);
    throw(&p, BOB, huge, HP_DTLS_MAX_MTU + 1);
    assert_string_equal(pipe_find(&p, BOB, HP_DTLS_EV_DROPPED, G_N_ELEMENTS(rows))->event.detail, "oversized");
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, ALICE), 80 * HP_MS);
    pipe_close(&p);
}

/* Forged application data before the keys, between the records of a good datagram: it goes, they stay. */
static void early_data_does_not_end_the_handshake(void **state)
{
    pipe_t p;
    pipe_init(&p, 3);
    pipe_open(&p);
    for (unsigned turn = 0; p.flying->len > 0; turn++) {
        pipe_flying *f = p.flying->pdata[0];
        uint8_t forged[32];
        size_t len = record(forged, 23, 0, 200, (const uint8_t *)"forged", 6);
        g_byte_array_prepend(f->bytes, forged, (guint)len);
        g_byte_array_append(f->bytes, forged, (guint)len);
        unsigned to = f->to;
        assert_true(pipe_step(&p, HP_NEVER));
        const pipe_told *t = pipe_find(&p, to, HP_DTLS_EV_DROPPED, turn / 2);
        assert_string_equal(t->event.detail, "early data");
        assert_int_equal(t->event.number, 2 * len);
    }
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, ALICE), 80 * HP_MS);
    assert_int_equal(pipe_count(&p, ALICE, HP_DTLS_EV_DATA) + pipe_count(&p, BOB, HP_DTLS_EV_DATA), 0);
    pipe_close(&p);
}

/* Every datagram arrives cut off at every length first and whole afterwards. The whole records of a cut one count. */
static void truncated_datagrams_are_harmless(void **state)
{
    pipe_t p;
    pipe_init(&p, 3);
    pipe_open(&p);
    while (p.flying->len > 0) {
        const pipe_flying *f = p.flying->pdata[0];
        unsigned to = f->to;
        g_autoptr(GByteArray) whole = g_byte_array_ref(f->bytes);
        p.now = f->due;
        for (guint len = 1; len < whole->len; len++) {
            throw(&p, to, whole->data, len);
        }
        assert_true(pipe_step(&p, HP_NEVER));
    }
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, ALICE), 80 * HP_MS);
    pipe_close(&p);
}

/* One byte of one datagram changed, the original lost. The handshake may fail or need a retransmission; when both sides
 * have keys they are the same, and a side that fails has none. */
static void changed_datagrams_give_no_wrong_keys(void **state)
{
    unsigned ended[2] = {0};
    for (unsigned n = 0; n < 4; n++) {
        for (unsigned at = 0; at < 640; at += 5) {
            pipe_t p;
            pipe_init(&p, 3);
            pipe_open(&p);
            while (p.sent->len <= n && pipe_step(&p, HP_S)) {
            }
            pipe_flying *f = p.flying->pdata[0];
            if (at < f->bytes->len) {
                f->bytes->data[at] ^= 0x41;
                pipe_run(&p, 600 * HP_S);
                const hp_dtls_keys *a = hp_dtls_get_keys(p.end[ALICE].dtls);
                const hp_dtls_keys *b = hp_dtls_get_keys(p.end[BOB].dtls);
                if (a && b) {
                    pipe_assert_connected(&p);
                }
                ended[a && b]++;
            }
            pipe_close(&p);
        }
    }
    /* Both happen, or the test looks at nothing. */
    assert_true(ended[false] > 20);
    assert_true(ended[true] > 5);
}

/* Once there are keys, nothing that was not made with them is believed. */
static void forgery_does_not_touch_an_association(void **state)
{
    pipe_t p;
    pipe_init(&p, 3);
    pipe_open(&p);
    pipe_run(&p, 200 * HP_MS);
    pipe_assert_connected(&p);
    assert_true(hp_dtls_send(p.end[ALICE].dtls, p.now, (const uint8_t *)"hello", 5, NULL));
    g_autoptr(GByteArray) genuine = g_byte_array_ref(pipe_sent_at(&p, p.sent->len - 1)->bytes);
    for (guint at = 0; at < genuine->len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            g_autofree uint8_t *forged = g_memdup2(genuine->data, genuine->len);
            forged[at] ^= (uint8_t)(1 << bit);
            throw(&p, BOB, forged, genuine->len);
        }
    }
    /* close_notify, a fatal alert, a ClientHello, a Finished: in the clear, and in epochs that have no keys. */
    static const uint8_t close_notify[] = {1, 0}, fatal[] = {2, 40};
    static const uint8_t finished[] = {20, 0, 0, 12, 0, 3, 0, 0, 0, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    for (uint16_t epoch = 0; epoch < 4; epoch++) {
        uint8_t forged[64];
        throw(&p, BOB, forged, record(forged, 21, epoch, 99, close_notify, sizeof close_notify));
        throw(&p, BOB, forged, record(forged, 21, epoch, 98, fatal, sizeof fatal));
        throw(&p, BOB, forged, record(forged, 22, epoch, 97, finished, sizeof finished));
        throw(&p, BOB, forged, record(forged, 20, epoch, 96, (const uint8_t *)"\1", 1));
        throw(&p, BOB, forged, record(forged, 23, epoch, 95, fatal, sizeof fatal));
    }
    const pipe_sent *hello = pipe_sent_at(&p, 0);
    throw(&p, BOB, hello->bytes->data, hello->bytes->len);
    assert_int_equal(pipe_count(&p, BOB, HP_DTLS_EV_DATA), 0);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    /* The genuine one got through, once, and its copy does not. */
    assert_int_equal(pipe_count(&p, BOB, HP_DTLS_EV_DATA), 1);
    assert_memory_equal(pipe_find(&p, BOB, HP_DTLS_EV_DATA, 0)->data->data, "hello", 5);
    throw(&p, BOB, genuine->data, genuine->len);
    assert_int_equal(pipe_count(&p, BOB, HP_DTLS_EV_DATA), 1);
    assert_int_equal(pipe_count(&p, BOB, HP_DTLS_EV_ALERT_SENT), 0);
    assert_int_equal(hp_dtls_get_state(p.end[BOB].dtls), HP_DTLS_CONNECTED);
    pipe_close(&p);
}

/* Random bytes, random bytes behind a good record header, and spliced pieces of real datagrams, at every stage. */
static void garbage_never_crashes(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 3, "garbage");
    for (unsigned round = 0; round < 40; round++) {
        pipe_t p;
        pipe_init(&p, round);
        p.end[BOB].config.cookie = round & 1;
        p.end[ALICE].config.mtu = p.end[BOB].config.mtu = 300;
        pipe_open(&p);
        do {
            for (unsigned i = 0; i < 10 && p.sent->len < PIPE_MOST / 2; i++) {
                uint8_t bytes[600];
                size_t len = 1 + hp_rng_below(&rng, 299);
                hp_rng_bytes(&rng, bytes, len);
                unsigned kind = (unsigned)hp_rng_below(&rng, 3);
                const GByteArray *real = pipe_sent_at(&p, (unsigned)hp_rng_below(&rng, p.sent->len))->bytes;
                if (kind == 1) {
                    uint8_t content[600];
                    memcpy(content, bytes, len);
                    len = record(bytes, (uint8_t)(20 + hp_rng_below(&rng, 4)), (uint16_t)hp_rng_below(&rng, 3),
                                 (uint8_t)hp_rng_below(&rng, 256), content, len);
                } else if (kind == 2) {
                    size_t from = hp_rng_below(&rng, real->len);
                    memcpy(bytes, real->data, MIN(from, len));
                    len = MIN(sizeof bytes, real->len);
                    memcpy(bytes + from, real->data + from, len - from);
                    bytes[hp_rng_below(&rng, len)] ^= (uint8_t)(1 << hp_rng_below(&rng, 8));
                }
                throw(&p, (unsigned)hp_rng_below(&rng, 2), bytes, len);
            }
        } while (p.sent->len < PIPE_MOST / 2 && pipe_step(&p, 20 * HP_S));
        const hp_dtls_keys *a = hp_dtls_get_keys(p.end[ALICE].dtls), *b = hp_dtls_get_keys(p.end[BOB].dtls);
        if (a && b) {
            assert_memory_equal(a->block, b->block, sizeof a->block);
        }
        pipe_close(&p);
    }
}

/* An attacker's plaintext alert during the handshake ends it, as DTLS 1.2 has it; it is told as what it is. */
static void an_alert_in_the_handshake_ends_it(void **state)
{
    static const struct {
        uint8_t alert[2];
        const char *detail;
    } rows[] = {{{2, 40}, "handshake failure"}, {{1, 0}, "close notify"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        pipe_t p;
        uint8_t forged[64];
        pipe_init(&p, 3);
        pipe_open(&p);
        pipe_run(&p, 30 * HP_MS);
        throw(&p, ALICE, forged, record(forged, 21, 0, 50, rows[i].alert, 2));
        pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_ALERT);
        assert_int_equal(pipe_alert(&p, ALICE, HP_DTLS_EV_ALERT_RECEIVED), rows[i].alert[1]);
        assert_string_equal(pipe_find(&p, ALICE, HP_DTLS_EV_FAILED, 0)->event.detail, rows[i].detail);
        unsigned sent = p.sent->len;
        pipe_run(&p, 40 * HP_MS);
        assert_int_equal(p.sent->len, sent);
        pipe_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_dtls_is_dropped_with_a_reason),
        cmocka_unit_test(early_data_does_not_end_the_handshake),
        cmocka_unit_test(truncated_datagrams_are_harmless),
        cmocka_unit_test(changed_datagrams_give_no_wrong_keys),
        cmocka_unit_test(forgery_does_not_touch_an_association),
        cmocka_unit_test(garbage_never_crashes),
        cmocka_unit_test(an_alert_in_the_handshake_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
