/* TLS endpoints: handshakes, data with flow control, ends, and what goes wrong. */
#include "tls_pipe.h"

enum { NO_APPLICATION_PROTOCOL = 120, BAD_CERTIFICATE = 42, PROTOCOL_VERSION = 70, CLOSE_NOTIFY = 0 };

static int setup(void **state)
{
    tls_pipe *p = g_new0(tls_pipe, 1);
    tls_pipe_init(p, 1);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    tls_pipe *p = *state;
    tls_pipe_close(p);
    g_free(p);
    return 0;
}

static void assert_handshake(tls_pipe *p, hp_tls_version version, const char *suite)
{
    for (unsigned i = 0; i < 2; i++) {
        tls_pipe_assert_state(p, i, "connected");
        const tls_told *t = tls_pipe_find(p, i, HP_TLS_EV_CONNECTED);
        assert_int_equal(t->event.number, version);
        assert_string_equal(t->event.detail, suite);
        assert_string_equal(t->event.alpn, "stun.turn");
        assert_null(tls_pipe_find(p, i, HP_TLS_EV_ALERT_SENT));
        assert_non_null(tls_pipe_find(p, i, HP_TLS_EV_KEYLOG));
    }
    const tls_told *c = tls_pipe_find(p, CLIENT, HP_TLS_EV_CONNECTED);
    assert_true(hp_dtls_fingerprint_equal(&c->fingerprint, hp_dtls_identity_fingerprint(p->end[SERVER].identity)));
    assert_null(tls_pipe_find(p, SERVER, HP_TLS_EV_CONNECTED)->event.fingerprint);
}

static void say(tls_pipe *p, unsigned from, const char *text)
{
    char got[256] = "";
    assert_int_equal(hp_tls_write(p->end[from].tls, (const uint8_t *)text, strlen(text)), strlen(text));
    tls_pipe_settle(p);
    assert_int_equal(hp_tls_read(p->end[1 - from].tls, (uint8_t *)got, sizeof got), strlen(text));
    assert_string_equal(got, text);
    assert_int_equal(hp_tls_read(p->end[1 - from].tls, (uint8_t *)got, sizeof got), 0);
}

static void version_1_3(void **state)
{
    tls_pipe *p = *state;
    tls_pipe_open(p);
    assert_int_equal(hp_tls_write(p->end[CLIENT].tls, (const uint8_t *)"x", 1), 0);
    tls_pipe_shake_hands(p);
    assert_handshake(p, HP_TLS_1_3, "TLS_AES_128_GCM_SHA256");
    /* No session ticket follows the handshake: the next the server says is a record of 5 + 14 + 1 + 16 bytes. */
    guint before = p->end[SERVER].sent->len;
    say(p, CLIENT, "hello");
    say(p, SERVER, "hello yourself");
    assert_int_equal(p->end[SERVER].sent->len, before + 36);
    hp_tls_close(p->end[CLIENT].tls);
    tls_pipe_assert_state(p, CLIENT, "closed");
    assert_false(tls_pipe_find(p, CLIENT, HP_TLS_EV_CLOSED)->event.by_peer);
    tls_pipe_settle(p);
    tls_pipe_assert_state(p, SERVER, "connected"); /* nobody has read up to it */
    uint8_t byte;
    assert_int_equal(hp_tls_read(p->end[SERVER].tls, &byte, 1), 0);
    tls_pipe_assert_state(p, SERVER, "closed");
    assert_true(tls_pipe_find(p, SERVER, HP_TLS_EV_CLOSED)->event.by_peer);
    assert_int_equal(tls_pipe_alert(p, SERVER, HP_TLS_EV_ALERT_RECEIVED), CLOSE_NOTIFY);
    assert_int_equal(tls_pipe_alert(p, SERVER, HP_TLS_EV_ALERT_SENT), CLOSE_NOTIFY);
    hp_tls_input_end(p->end[SERVER].tls);
    hp_tls_input_end(p->end[CLIENT].tls); /* as it should be: it has said so */
    assert_null(tls_pipe_find(p, CLIENT, HP_TLS_EV_FAILED));
    assert_null(tls_pipe_find(p, SERVER, HP_TLS_EV_FAILED));
}

static void version_1_2(void **state)
{
    tls_pipe *p = *state;
    p->end[SERVER].config.max = HP_TLS_1_2;
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    assert_handshake(p, HP_TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256");
    say(p, SERVER, "first");
    say(p, CLIENT, "second");
}

static void no_common_version(void **state)
{
    tls_pipe *p = *state;
    p->end[SERVER].config.min = HP_TLS_1_3;
    p->end[CLIENT].config.max = HP_TLS_1_2;
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    tls_pipe_assert_state(p, SERVER, "failed");
    tls_pipe_assert_state(p, CLIENT, "failed");
    assert_int_equal(tls_pipe_alert(p, SERVER, HP_TLS_EV_ALERT_SENT), PROTOCOL_VERSION);
    assert_int_equal(tls_pipe_alert(p, CLIENT, HP_TLS_EV_ALERT_RECEIVED), PROTOCOL_VERSION);
}

/* RFC 7301 section 3.2. */
static void alpn(void **state)
{
    tls_pipe *p = *state;
    p->end[CLIENT].config.alpn = "h2";
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    tls_pipe_assert_failed(p, SERVER, "no application protocol");
    tls_pipe_assert_state(p, CLIENT, "failed");
    assert_int_equal(tls_pipe_alert(p, CLIENT, HP_TLS_EV_ALERT_RECEIVED), NO_APPLICATION_PROTOCOL);
    tls_pipe_close(p);

    tls_pipe_init(p, 1);
    p->end[CLIENT].config.alpn = NULL;
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    tls_pipe_assert_state(p, CLIENT, "connected");
    assert_string_equal(tls_pipe_find(p, SERVER, HP_TLS_EV_CONNECTED)->event.alpn, "");
    tls_pipe_close(p);

    tls_pipe_init(p, 1);
    p->end[SERVER].config.alpn = NULL;
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    tls_pipe_assert_state(p, CLIENT, "connected");
    assert_string_equal(tls_pipe_find(p, CLIENT, HP_TLS_EV_CONNECTED)->event.alpn, "");
}

static void certificate(void **state)
{
    tls_pipe *p = *state;
    hp_rng rng;
    hp_rng_init(&rng, 1, "certificate:turn");
    p->end[SERVER].identity = hp_dtls_identity_new(&rng, "turn", NULL);
    hp_dtls_fingerprint fingerprint = *hp_dtls_identity_fingerprint(p->end[SERVER].identity);
    p->end[CLIENT].config.expected = &fingerprint;
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    tls_pipe_assert_state(p, CLIENT, "connected");
    tls_pipe_close(p);

    tls_pipe_init(p, 1);
    fingerprint.bytes[0] ^= 1;
    p->end[CLIENT].config.expected = &fingerprint;
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    tls_pipe_assert_failed(p, CLIENT, "fingerprint");
    assert_int_equal(tls_pipe_alert(p, CLIENT, HP_TLS_EV_ALERT_SENT), BAD_CERTIFICATE);
    assert_int_equal(hp_tls_read(p->end[CLIENT].tls, fingerprint.bytes, 1), 0);
    assert_int_equal(hp_tls_write(p->end[CLIENT].tls, fingerprint.bytes, 1), 0);
}

static void byte_by_byte(void **state)
{
    tls_pipe *p = *state;
    p->cut = 1;
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    assert_handshake(p, HP_TLS_1_3, "TLS_AES_128_GCM_SHA256");
    say(p, CLIENT, "one by one");
}

/* A reader that stops makes the writer stop; all bytes arrive, and in order. */
static void flow_control(void **state)
{
    enum { TOTAL = 1000000 };
    tls_pipe *p = *state;
    hp_tls *client, *server;
    g_autofree uint8_t *bytes = g_malloc(TOTAL), *got = g_malloc(TOTAL);
    hp_rng rng;
    hp_rng_init(&rng, 2, "bytes");
    hp_rng_bytes(&rng, bytes, TOTAL);
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    client = p->end[CLIENT].tls;
    server = p->end[SERVER].tls;
    size_t written = 0, taken;
    while ((taken = hp_tls_write(client, bytes + written, TOTAL - written)) > 0) {
        written += taken;
        tls_pipe_settle(p);
    }
    /* Two records of 16384 + 22 bytes and a part of a third in the reader, and four whole ones and a bit in the
     * writer. */
    assert_int_equal(hp_tls_input_room(server), 0);
    assert_in_range(written, 5 * 16384, 8 * 16384);
    size_t read = 0;
    while (read < TOTAL) {
        taken = hp_tls_read(server, got + read, 10000);
        read += taken;
        tls_pipe_settle(p);
        written += hp_tls_write(client, bytes + written, TOTAL - written);
        tls_pipe_settle(p);
        assert_true(taken > 0);
    }
    assert_int_equal(written, TOTAL);
    assert_memory_equal(got, bytes, TOTAL);
}

/* What came before the end can be read; an end without close_notify is no end. */
static void truncation(void **state)
{
    tls_pipe *p = *state;
    char got[16] = "";
    tls_pipe_open(p);
    tls_pipe_shake_hands(p);
    hp_tls_write(p->end[CLIENT].tls, (const uint8_t *)"last", 4);
    tls_pipe_settle(p);
    hp_tls_input_end(p->end[SERVER].tls);
    tls_pipe_assert_state(p, SERVER, "connected");
    assert_int_equal(hp_tls_read(p->end[SERVER].tls, (uint8_t *)got, sizeof got), 4);
    assert_string_equal(got, "last");
    assert_int_equal(hp_tls_read(p->end[SERVER].tls, (uint8_t *)got, sizeof got), 0);
    tls_pipe_assert_failed(p, SERVER, "truncated");
    hp_tls_input_end(p->end[CLIENT].tls);
    tls_pipe_assert_failed(p, CLIENT, "truncated");
    tls_pipe_close(p);

    tls_pipe_init(p, 1);
    tls_pipe_open(p);
    hp_tls_start(p->end[CLIENT].tls);
    hp_tls_input_end(p->end[CLIENT].tls);
    tls_pipe_assert_failed(p, CLIENT, "truncated");
}

static void hostile_bytes(void **state)
{
    tls_pipe *p = *state;
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18},
        {"\x00\x01\x00\x00\x21\x12\xa4\x42"
         "123456789012",
         20}, /* STUN on the TLS port */
        {"\x16\x03\x01\xff\xff\x01\x02\x03\x04\x05\x06", 11}, /* a record that is too long */
        {"\x16\x03\x01\x00\x04\x0b\x00\x00\x00\x00\x00", 11}, /* a Certificate before the ClientHello */
        {"\x17\x03\x03\x00\x02hi\x00\x00\x00\x00", 11}, /* data before it */
        {"\x15\x03\x03\x00\x02\x02\x28\x00\x00\x00\x00", 11}, /* a fatal alert */
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_tls_input(p->end[SERVER].tls, (const uint8_t *)cases[i].bytes, cases[i].length);
        tls_pipe_assert_state(p, SERVER, "failed");
        assert_int_equal(hp_tls_input(p->end[SERVER].tls, (const uint8_t *)"x", 1), 0);
        tls_pipe_close(p);
        tls_pipe_init(p, 1);
        tls_pipe_open(p);
    }
    /* A bit of a record is turned over. */
    tls_pipe_shake_hands(p);
    hp_tls_write(p->end[CLIENT].tls, (const uint8_t *)"hello", 5);
    size_t length;
    g_autofree uint8_t *record = NULL;
    const uint8_t *output = hp_tls_output(p->end[CLIENT].tls, &length);
    record = g_memdup2(output, length);
    record[length - 1] ^= 1;
    hp_tls_input(p->end[SERVER].tls, record, length);
    assert_int_equal(hp_tls_read(p->end[SERVER].tls, record, 1), 0);
    tls_pipe_assert_state(p, SERVER, "failed");
    assert_int_equal(tls_pipe_alert(p, SERVER, HP_TLS_EV_ALERT_SENT), 20); /* bad_record_mac */
}

static int setup_open(void **state)
{
    setup(state);
    tls_pipe_open(*state);
    return 0;
}

static void bad_config(void **state)
{
    g_autoptr(GError) error = NULL;
    hp_tls_config config = {.alpn = HP_TLS_ALPN};
    assert_null(hp_tls_context_new(&config, NULL, &error));
    assert_string_equal(error->message, "tls: a server needs a certificate");
    g_clear_error(&error);
    config = (hp_tls_config){.client = true, .min = HP_TLS_1_3, .max = HP_TLS_1_2};
    assert_null(hp_tls_context_new(&config, NULL, &error));
    assert_string_equal(error->message, "tls: no version left");
    g_clear_error(&error);
    config = (hp_tls_config){.client = true, .alpn = ""};
    assert_null(hp_tls_context_new(&config, NULL, &error));
    assert_string_equal(error->message, "tls: the name of a protocol must have 1 to 255 bytes");
}

/* The same seed gives the same bytes, another one others: both versions, keys and all. */
static void determinism(void **state)
{
    static const hp_tls_version versions[] = {HP_TLS_1_2, HP_TLS_1_3};
    for (unsigned v = 0; v < 2; v++) {
        GByteArray *sent[3][2];
        for (unsigned run = 0; run < 3; run++) {
            tls_pipe p;
            tls_pipe_init(&p, run == 2 ? 2 : 1);
            p.end[CLIENT].config.max = versions[v];
            tls_pipe_open(&p);
            tls_pipe_shake_hands(&p);
            assert_int_equal(tls_pipe_find(&p, CLIENT, HP_TLS_EV_CONNECTED)->event.number, versions[v]);
            say(&p, CLIENT, "hello");
            hp_tls_close(p.end[CLIENT].tls);
            tls_pipe_settle(&p);
            for (unsigned i = 0; i < 2; i++) {
                sent[run][i] = g_byte_array_ref(p.end[i].sent);
            }
            tls_pipe_close(&p);
        }
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(sent[0][i]->len, sent[1][i]->len);
            assert_memory_equal(sent[0][i]->data, sent[1][i]->data, sent[0][i]->len);
            assert_true(sent[0][i]->len != sent[2][i]->len ||
                        memcmp(sent[0][i]->data, sent[2][i]->data, sent[0][i]->len) != 0);
            for (unsigned run = 0; run < 3; run++) {
                g_byte_array_unref(sent[run][i]);
            }
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(version_1_3),
        TEST(version_1_2),
        TEST(no_common_version),
        TEST(alpn),
        TEST(certificate),
        TEST(byte_by_byte),
        TEST(flow_control),
        TEST(truncation),
        cmocka_unit_test_setup_teardown(hostile_bytes, setup_open, teardown),
        cmocka_unit_test(bad_config),
        cmocka_unit_test(determinism),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
