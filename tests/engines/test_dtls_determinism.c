/* Same seed, same bytes: every datagram, key, certificate and secret depends on the streams and on virtual time
 * alone. */
#include <openssl/rand.h>

#include "engines/dtls_pipe.h"
#include "engines/openssl_random.h"

/* All that a run gives out, in order: datagrams with their times, then keys and key log lines. */
static GByteArray *transcript(uint64_t seed, void (*prepare)(pipe_t *p))
{
    GByteArray *all = g_byte_array_new();
    pipe_t p;
    pipe_init(&p, seed);
    p.end[BOB].config.cookie = true;
    if (prepare) {
        prepare(&p);
    }
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(hp_dtls_send(p.end[i % 2].dtls, p.now, (const uint8_t *)"data", 4, NULL));
    }
    hp_dtls_close(p.end[ALICE].dtls, p.now);
    pipe_run(&p, HP_NEVER);
    for (unsigned n = 0; n < p.sent->len; n++) {
        const pipe_sent *s = pipe_sent_at(&p, n);
        g_byte_array_append(all, (const uint8_t *)&s->at, sizeof s->at);
        g_byte_array_append(all, s->bytes->data, s->bytes->len);
    }
    for (unsigned i = 0; i < 2; i++) {
        const hp_dtls_keys *keys = hp_dtls_get_keys(p.end[i].dtls);
        const char *line = pipe_find(&p, i, HP_DTLS_EV_KEYLOG, 0)->event.detail;
        g_byte_array_append(all, keys->block, sizeof keys->block);
        g_byte_array_append(all, (const uint8_t *)line, (guint)strlen(line));
        g_byte_array_append(all, hp_dtls_identity_fingerprint(p.end[i].identity)->bytes, 32);
    }
    pipe_close(&p);
    return all;
}

static void assert_same(GByteArray *a, GByteArray *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
    g_byte_array_unref(a);
    g_byte_array_unref(b);
}

static void lose_some(pipe_t *p)
{
    p->lost[0] = p->lost[3] = p->lost[6] = true;
    p->end[ALICE].config.mtu = p->end[BOB].config.mtu = 300;
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    assert_same(transcript(4, NULL), transcript(4, NULL));
    assert_same(transcript(4, lose_some), transcript(4, lose_some));
}

static void another_seed_gives_others(void **state)
{
    pipe_t p;
    uint8_t first[2][32];
    for (unsigned i = 0; i < 2; i++) {
        pipe_init(&p, 4 + i);
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        memcpy(first[i], pipe_sent_at(&p, 0)->bytes->data + 27, 32); /* the client random */
        pipe_close(&p);
    }
    assert_memory_not_equal(first[0], first[1], 32);
}

/* The day of the run is in no byte: only how much time passes matters. */
static void the_wall_clock_reaches_no_byte(void **state)
{
    GByteArray *now = transcript(4, lose_some);
    pipe_clock.epoch_s = UINT64_C(4102444800); /* the year 2100, when the certificates have long expired */
    GByteArray *later = transcript(4, lose_some);
    pipe_clock.epoch_s = HP_EPOCH_S;
    assert_same(now, later);
}

/* What else the process does with OpenSSL moves nobody's luck. */
static void others_draw_from_elsewhere(void **state)
{
    uint8_t noise[4][16];
    assert_int_equal(RAND_bytes(noise[0], 16), 1);
    GByteArray *before = transcript(4, NULL);
    assert_int_equal(RAND_bytes(noise[1], 16), 1);
    assert_int_equal(RAND_priv_bytes(noise[2], 16), 1);
    assert_int_equal(RAND_bytes(noise[3], 16), 1);
    GByteArray *between = transcript(5, NULL);
    g_byte_array_unref(between);
    assert_same(before, transcript(4, NULL));
    assert_memory_not_equal(noise[1], noise[2], 16);
    assert_memory_not_equal(noise[1], noise[3], 16);
}

/* The method by itself: a stream while one is set, OpenSSL's own generator otherwise; all entries answer. */
static void a_stream_stands_in_while_it_is_set(void **state)
{
    hp_rng rng, same;
    uint8_t expected[37], drawn[37];
    hp_rng_init(&rng, 4, "stream");
    same = rng;
    hp_rng_bytes(&same, expected, sizeof expected);

    assert_null(hp_openssl_random_use(&rng));
    assert_int_equal(RAND_bytes(drawn, sizeof drawn), 1);
    assert_memory_equal(drawn, expected, sizeof drawn);
    hp_rng_bytes(&same, expected, sizeof expected);
    assert_int_equal(RAND_priv_bytes(drawn, sizeof drawn), 1);
    assert_memory_equal(drawn, expected, sizeof drawn);
    assert_int_equal(RAND_status(), 1);
    RAND_seed("seed", 4);
    RAND_add("more", 4, 4.0);
    hp_rng_bytes(&same, expected, sizeof expected);
    assert_int_equal(RAND_bytes(drawn, sizeof drawn), 1);
    assert_memory_equal(drawn, expected, sizeof drawn);
    assert_ptr_equal(hp_openssl_random_use(NULL), &rng);

    hp_rng_bytes(&same, expected, sizeof expected);
    assert_int_equal(RAND_bytes(drawn, sizeof drawn), 1);
    assert_memory_not_equal(drawn, expected, sizeof drawn);
    assert_int_equal(RAND_status(), 1);
}

static void *draw_elsewhere(void *drawn)
{
    return GINT_TO_POINTER(RAND_bytes(drawn, 32));
}

/* Another thread, a web socket's say, is not drawn into the simulation. */
static void a_stream_belongs_to_its_thread(void **state)
{
    hp_rng rng, untouched;
    uint8_t drawn[32], expected[32];
    hp_rng_init(&rng, 4, "stream");
    untouched = rng;
    hp_openssl_random_use(&rng);
    assert_int_equal(GPOINTER_TO_INT(g_thread_join(g_thread_new("other", draw_elsewhere, drawn))), 1);
    hp_openssl_random_use(NULL);
    assert_memory_equal(&rng, &untouched, sizeof rng);
    hp_rng_bytes(&rng, expected, sizeof expected);
    assert_memory_not_equal(drawn, expected, sizeof drawn);
}

static void a_certificate_depends_on_stream_and_name(void **state)
{
    hp_rng rng, other;
    hp_rng_init(&rng, 4, "certificate");
    hp_rng_init(&other, 5, "certificate");
    g_autoptr(hp_dtls_identity) a = hp_dtls_identity_new(&rng, "alice", NULL);
    g_autoptr(hp_dtls_identity) again = hp_dtls_identity_new(&rng, "alice", NULL);
    g_autoptr(hp_dtls_identity) name = hp_dtls_identity_new(&rng, "bob", NULL);
    g_autoptr(hp_dtls_identity) seed = hp_dtls_identity_new(&other, "alice", NULL);
    assert_true(hp_dtls_fingerprint_equal(hp_dtls_identity_fingerprint(a), hp_dtls_identity_fingerprint(again)));
    assert_false(hp_dtls_fingerprint_equal(hp_dtls_identity_fingerprint(a), hp_dtls_identity_fingerprint(name)));
    assert_false(hp_dtls_fingerprint_equal(hp_dtls_identity_fingerprint(a), hp_dtls_identity_fingerprint(seed)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),       cmocka_unit_test(another_seed_gives_others),
        cmocka_unit_test(the_wall_clock_reaches_no_byte),           cmocka_unit_test(others_draw_from_elsewhere),
        cmocka_unit_test(a_stream_stands_in_while_it_is_set),       cmocka_unit_test(a_stream_belongs_to_its_thread),
        cmocka_unit_test(a_certificate_depends_on_stream_and_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
