/* A server's DTLS clients: cookies, many at a time, loss, ends, strays, and the same bytes on every run. */
#include "dtls_net.h"

static void assert_stats(const net *n, unsigned handshakes, unsigned clients)
{
    hp_dtls_server_stats stats = hp_dtls_server_get_stats(n->server);
    assert_int_equal(stats.handshakes, handshakes);
    assert_int_equal(stats.clients, clients);
}

static void several_clients(void **state)
{
    net *n = *state;
    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("dtls:%u", i);
        begin(n, i, name);
    }
    settle(n);
    assert_stats(n, 0, 3);
    assert_int_equal(n->n_handshakes, 3);
    assert_int_equal(n->n_keylog, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(n->parties[i].connected_at, HP_S);
        assert_null(hp_dtls_get_keys(n->parties[i].dtls)->length ? "keys" : NULL);
    }
    say(n, 0, "from zero");
    say(n, 2, "from two");
    assert_string_equal(n->parties[0].heard->str, "<from zero>");
    assert_string_equal(n->parties[1].heard->str, "");
    assert_string_equal(n->parties[2].heard->str, "<from two>");
    /* An unprompted datagram, and one to nobody. */
    assert_true(hp_dtls_server_send(n->server, n->now, &n->parties[1].path, (const uint8_t *)"hi", 2));
    assert_false(hp_dtls_server_send(n->server, n->now, &n->parties[3].path, (const uint8_t *)"hi", 2));
    settle(n);
    assert_string_equal(n->parties[1].heard->str, "hi");
    /* Nothing is due but silence. */
    assert_int_equal(hp_dtls_server_deadline(n->server), HP_S + HP_DTLS_SERVER_IDLE);
}

/* RFC 6347 section 4.2.1: before the cookie has come back one small datagram is all that anybody gets. */
static void cookie_first(void **state)
{
    net *n = *state;
    begin(n, 0, "dtls:0");
    const letter *hello = g_queue_peek_head(&n->letters);
    GByteArray *first = g_byte_array_ref(hello->bytes);
    hp_stun_path forged = n->parties[3].path;
    for (unsigned i = 0; i < 5; i++) {
        g_autofree uint8_t *copy = g_memdup2(first->data, first->len);
        copy[10] = (uint8_t)i; /* the record's sequence number: a replay would not be answered at all */
        hp_dtls_server_input(n->server, n->now, &forged, copy, first->len);
        hp_dtls_server_input(n->server, n->now, &forged, copy, first->len);
    }
    assert_stats(n, 1, 0);
    assert_int_equal(n->n_from_server, 5);
    for (GList *at = n->letters.head->next; at != NULL; at = at->next) {
        const letter *l = at->data;
        assert_in_range(l->bytes->len, 1, 60);
        assert_int_equal(l->bytes->data[0], 22);
        assert_int_equal(l->bytes->data[13], 3); /* HelloVerifyRequest */
    }
    g_byte_array_unref(first);
    settle(n);
    assert_stats(n, 1, 1);
    run(n, 61 * HP_S - 1);
    assert_stats(n, 1, 1);
    run(n, 61 * HP_S);
    assert_stats(n, 0, 1);
    assert_string_equal(n->ended->str, ""); /* nobody ever heard of it */
}

static void strays(void **state)
{
    net *n = *state;
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"", 0},
        {"\x16", 1},
        {"\x00\x01\x00\x00\x21\x12\xa4\x42"
         "123456789012",
         20}, /* STUN */
        {"\x17\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x01\x00\x0d"
         "application data",
         29},
        {"\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0c"
         "\x0e\0\0\0\0\0\0\0\0\0\0\0",
         25}, /* no ClientHello */
        {"\x16\x03\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0c"
         "\x01\0\0\0\0\0\0\0\0\0\0\0",
         25}, /* TLS */
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree uint8_t *exact = g_memdup2(cases[i].bytes, cases[i].length);
        hp_dtls_server_input(n->server, n->now, &n->parties[0].path, exact, cases[i].length);
    }
    assert_stats(n, 0, 0);
    assert_int_equal(n->n_from_server, 0);
    /* A ClientHello that is none further on ends as it began, and nobody is told. */
    static const uint8_t bad[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 1, 0,
                                  0,  4,    0,    0, 0, 0, 0, 0, 0, 4, 1, 2, 3,  4};
    hp_dtls_server_input(n->server, n->now, &n->parties[0].path, bad, sizeof bad);
    settle(n);
    run(n, 100 * HP_S);
    assert_stats(n, 0, 0);
    assert_string_equal(n->ended->str, "");
}

/* Loss in the handshake: the server's flight is sent again when its timer expires. */
static void loss(void **state)
{
    net *n = *state;
    begin(n, 0, "dtls:0");
    /* ClientHello, HelloVerifyRequest and ClientHello pass; the server's flight is lost. */
    for (unsigned i = 0; i < 3; i++) {
        letter *l = g_queue_pop_head(&n->letters);
        n->lose = i == 2 ? 100 : 0;
        if (l->to_server) {
            hp_dtls_server_input(n->server, n->now, &l->path, l->bytes->data, l->bytes->len);
        } else {
            hp_dtls_input(n->parties[0].dtls, n->now, l->bytes->data, l->bytes->len);
        }
        g_byte_array_unref(l->bytes);
        g_free(l);
    }
    n->lose = 0;
    assert_stats(n, 1, 0);
    assert_int_equal(hp_dtls_server_deadline(n->server), 2 * HP_S);
    run(n, 2 * HP_S);
    assert_stats(n, 0, 1);
    assert_int_equal(n->parties[0].connected_at, 2 * HP_S);
}

static void ends(void **state)
{
    net *n = *state;
    for (unsigned i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("dtls:%u", i);
        begin(n, i, name);
    }
    settle(n);
    hp_dtls_close(n->parties[0].dtls, n->now);
    settle(n);
    assert_stats(n, 0, 2);
    assert_string_equal(n->ended->str, "5000 closed;");
    /* What comes late from it is a stray. */
    unsigned before = n->n_from_server;
    static const uint8_t late[] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 0};
    hp_dtls_server_input(n->server, n->now, &n->parties[0].path, late, sizeof late);
    assert_int_equal(n->n_from_server, before);
    /* Silence for two hours; who speaks stays. */
    n->now = 5000 * HP_S;
    say(n, 1, "still here");
    run(n, 7201 * HP_S - 1);
    assert_stats(n, 0, 2);
    run(n, 7201 * HP_S);
    assert_stats(n, 0, 1);
    assert_string_equal(n->ended->str, "5000 closed;5002 idle;");
    assert_true(n->parties[2].closed); /* it was told */
    /* The server goes. */
    hp_dtls_server_close_all(n->server, n->now);
    settle(n);
    assert_true(n->parties[1].closed);
    assert_stats(n, 0, 0);
    assert_int_equal(hp_dtls_server_deadline(n->server), HP_NEVER);
    assert_string_equal(n->ended->str, "5000 closed;5002 idle;");
}

/* RFC 6347 section 4.2.8: a client that has lost its state begins anew from the same port. The old association stays
 * until the cookie has come back, so that nobody else can end it. */
static void begins_anew(void **state)
{
    net *n = *state;
    begin(n, 0, "dtls:0");
    settle(n);
    say(n, 0, "one");
    hp_dtls *old = g_steal_pointer(&n->parties[0].dtls);
    begin(n, 0, "dtls:0 again");
    /* The ClientHello arrives, its answer does not get back: as if it was forged. */
    letter *hello = g_queue_pop_head(&n->letters);
    n->lose = 1;
    hp_dtls_server_input(n->server, n->now, &hello->path, hello->bytes->data, hello->bytes->len);
    assert_stats(n, 1, 1);
    assert_true(hp_dtls_send(old, n->now, (const uint8_t *)"two", 3, NULL));
    hp_dtls *fresh = n->parties[0].dtls;
    n->parties[0].dtls = old;
    settle(n);
    assert_string_equal(n->parties[0].heard->str, "<one><two>");
    assert_string_equal(n->ended->str, "");
    /* Now it is the client, whose ClientHello goes out again after a second. */
    n->parties[0].dtls = fresh;
    run(n, n->now + HP_S);
    assert_string_equal(n->ended->str, "5000 replaced;");
    assert_stats(n, 0, 1);
    say(n, 0, "three");
    assert_string_equal(n->parties[0].heard->str, "<one><two><three>");
    g_byte_array_unref(hello->bytes);
    g_free(hello);
    hp_dtls_free(old);
}

/* A flood of first datagrams pushes out the oldest of them, and nobody who is connected. */
static void flood(void **state)
{
    net *n = *state;
    begin(n, 0, "dtls:0");
    settle(n);
    begin(n, 1, "dtls:1");
    letter *hello = g_queue_pop_head(&n->letters);
    for (unsigned i = 0; i < HP_DTLS_SERVER_MAX_HANDSHAKES + 20; i++) {
        hp_stun_path path = hello->path;
        path.client = hp_addr_v4(0x0b000000 + i, 700);
        hp_dtls_server_input(n->server, n->now, &path, hello->bytes->data, hello->bytes->len);
    }
    assert_stats(n, HP_DTLS_SERVER_MAX_HANDSHAKES, 1);
    hp_dtls_server_input(n->server, n->now, &hello->path, hello->bytes->data, hello->bytes->len);
    settle(n);
    assert_stats(n, HP_DTLS_SERVER_MAX_HANDSHAKES - 1, 2);
    say(n, 0, "a");
    say(n, 1, "b");
    assert_string_equal(n->parties[0].heard->str, "<a>");
    assert_string_equal(n->parties[1].heard->str, "<b>");
    g_byte_array_unref(hello->bytes);
    g_free(hello);
}

/* As large as DTLS takes it, and not a byte more. */
static void large(void **state)
{
    net *n = *state;
    n->echo = false;
    begin(n, 0, "dtls:0");
    settle(n);
    size_t most = hp_dtls_data_mtu(n->parties[0].dtls);
    g_autofree uint8_t *bytes = g_malloc0(most + 1);
    assert_true(most > 16000);
    assert_true(hp_dtls_server_send(n->server, n->now, &n->parties[0].path, bytes, most));
    assert_false(hp_dtls_server_send(n->server, n->now, &n->parties[0].path, bytes, most + 1));
    settle(n);
    assert_int_equal(n->parties[0].heard->len, most);
}

static void determinism(void **state)
{
    GByteArray *all[2];
    for (unsigned i = 0; i < 2; i++) {
        void *fresh;
        setup(&fresh);
        net *n = fresh;
        begin(n, 0, "dtls:0");
        begin(n, 1, "dtls:1");
        settle(n);
        say(n, 0, "hello");
        hp_dtls_server_close_all(n->server, n->now);
        settle(n);
        all[i] = g_byte_array_ref(n->all);
        teardown(&fresh);
    }
    assert_int_equal(all[0]->len, all[1]->len);
    assert_memory_equal(all[0]->data, all[1]->data, all[0]->len);
    g_byte_array_unref(all[0]);
    g_byte_array_unref(all[1]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(several_clients),
        TEST(cookie_first),
        TEST(strays),
        TEST(loss),
        TEST(ends),
        TEST(begins_anew),
        TEST(flood),
        TEST(large),
        cmocka_unit_test(determinism),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
