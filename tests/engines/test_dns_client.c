/* The stub resolver: turns, timeouts, cache, streams, answers that are not its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engines/dns_client.h"
#include "engines/dns_server.h"

typedef struct rig {
    hp_resolver_config config;
    hp_addr servers[2];
    hp_dns_client *client;
    hp_time now;
    unsigned sent, results;
    hp_time sent_at[16];
    hp_addr sent_to[16];
    bool sent_stream[16];
    uint8_t bytes[512]; /* of the last message */
    size_t length;
    hp_dns_result result;
    hp_dns_server *answering; /* gets what is sent to server 0, when there is one */
} rig;

static hp_addr addr_of(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static void on_send(void *user, hp_time now, const hp_addr *server, bool stream, const uint8_t *data, size_t len)
{
    rig *r = user;
    assert_in_range(r->sent, 0, 15);
    r->sent_at[r->sent] = now;
    r->sent_to[r->sent] = *server;
    r->sent_stream[r->sent] = stream;
    r->sent++;
    memcpy(r->bytes, data, len);
    r->length = len;
    if (r->answering != NULL && hp_addr_equal(server, &r->servers[0])) {
        hp_dns_path path;
        memset(&path, 0, sizeof path);
        path.client = addr_of("192.0.2.100:40000");
        path.server = *server;
        path.stream = stream;
        hp_dns_server_input(r->answering, now, &path, r->bytes, len);
    }
}

static void on_result(void *user, hp_time now, const hp_dns_result *result)
{
    rig *r = user;
    r->results++;
    r->result = *result;
}

static const hp_dns_client_ops client_ops = {.send = on_send, .result = on_result};

static void from_server(void *user, hp_time now, const hp_dns_path *path, const uint8_t *data, size_t len)
{
    rig *r = user;
    hp_dns_client_input(r->client, now, &path->server, path->stream, data, len);
}

static void start(rig *r)
{
    hp_rng rng;
    hp_rng_init(&rng, 1, "resolver");
    g_clear_pointer(&r->client, hp_dns_client_free);
    r->client = hp_dns_client_new(&r->config, &rng, &client_ops, r);
}

static int setup(void **state)
{
    rig *r = g_new0(rig, 1);
    r->servers[0] = addr_of("192.0.2.53:53");
    r->servers[1] = addr_of("198.51.100.53:53");
    r->config.servers = r->servers;
    r->config.n_servers = 2;
    start(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig *r = *state;
    hp_dns_client_free(r->client);
    hp_dns_server_free(r->answering);
    g_free(r);
    return 0;
}

static void answer_by(rig *r, const hp_dns_config *config)
{
    static const hp_dns_server_ops ops = {.send = from_server};
    r->answering = hp_dns_server_new(config, &ops, r, NULL);
    assert_non_null(r->answering);
}

/* Runs the client up to that time. */
static void run_to(rig *r, hp_time until)
{
    while (hp_dns_client_deadline(r->client) <= until) {
        r->now = MAX(r->now, hp_dns_client_deadline(r->client));
        hp_dns_client_run(r->client, r->now);
    }
    r->now = until;
}

static void ask(rig *r, const char *name, uint16_t type)
{
    assert_int_not_equal(hp_dns_client_query(r->client, r->now, name, type, HP_NEVER, NULL), 0);
    run_to(r, r->now);
}

static void test_found_and_cached(void **state)
{
    rig *r = *state;
    hp_addr a[] = {addr_of("192.0.2.1"), addr_of("192.0.2.2")};
    hp_dns_host hosts[] = {{.name = "turn.example", .addresses = a, .n_addresses = 2, .ttl = 100 * HP_S},
                           {.name = "alias.example", .cname = "turn.example", .ttl = 30 * HP_S}};
    answer_by(r, &(hp_dns_config){.hosts = hosts, .n_hosts = 2});
    ask(r, "alias.example", HP_DNS_A);
    assert_int_equal(r->results, 1);
    assert_int_equal(r->result.status, HP_DNS_FOUND);
    assert_int_equal(r->result.n_addresses, 2);
    assert_true(hp_addr_equal(&r->result.addresses[1], &a[1]));
    assert_int_equal(r->result.ttl, 30);
    assert_false(r->result.cached);
    assert_int_equal(r->result.sent, 1);
    char text[HP_DNS_NAME_TEXT];
    assert_string_equal(hp_dns_name_format(&r->result.canonical, text), "turn.example");
    r->now = 29 * HP_S;
    ask(r, "ALIAS.example", HP_DNS_A);
    assert_int_equal(r->results, 2);
    assert_true(r->result.cached);
    assert_int_equal(r->result.ttl, 1);
    assert_int_equal(r->sent, 1);
    r->now = 30 * HP_S;
    ask(r, "alias.example", HP_DNS_A);
    assert_false(r->result.cached);
    assert_int_equal(r->sent, 2);
    hp_dns_client_flush_cache(r->client);
    ask(r, "alias.example", HP_DNS_A);
    assert_int_equal(r->sent, 3);
    ask(r, "1.2.0.192.in-addr.arpa", HP_DNS_PTR);
    assert_int_equal(r->result.status, HP_DNS_FOUND);
    assert_string_equal(hp_dns_name_format(&r->result.canonical, text), "turn.example");
}

/* RFC 2308: what is not there is kept as well. */
static void test_negative(void **state)
{
    rig *r = *state;
    hp_addr a = addr_of("192.0.2.1");
    hp_dns_host hosts[] = {{.name = "turn.example", .addresses = &a, .n_addresses = 1}};
    answer_by(r, &(hp_dns_config){.hosts = hosts, .n_hosts = 1, .negative_ttl = 10 * HP_S});
    ask(r, "turn.example", HP_DNS_AAAA);
    assert_int_equal(r->result.status, HP_DNS_NOTHING);
    ask(r, "nobody.example", HP_DNS_A);
    assert_int_equal(r->result.status, HP_DNS_NO_NAME);
    assert_int_equal(r->result.rcode, HP_DNS_NXDOMAIN);
    assert_int_equal(r->sent, 2);
    r->now = 9 * HP_S;
    ask(r, "nobody.example", HP_DNS_A);
    assert_int_equal(r->result.status, HP_DNS_NO_NAME);
    assert_true(r->result.cached);
    r->now = 10 * HP_S;
    ask(r, "nobody.example", HP_DNS_A);
    assert_int_equal(r->sent, 3);
}

static void test_timeouts(void **state)
{
    rig *r = *state;
    ask(r, "turn.example", HP_DNS_A);
    run_to(r, 30 * HP_S);
    assert_int_equal(r->sent, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(r->sent_at[i], i * 5 * HP_S);
        assert_true(hp_addr_equal(&r->sent_to[i], &r->servers[i % 2]));
    }
    assert_int_equal(r->results, 1);
    assert_int_equal(r->result.status, HP_DNS_TIMED_OUT);
    assert_int_equal(r->result.sent, 4);
    assert_int_equal(hp_dns_client_deadline(r->client), HP_NEVER);
}

static void test_deadline(void **state)
{
    rig *r = *state;
    assert_int_equal(hp_dns_client_query(r->client, 0, "turn.example", HP_DNS_A, 7 * HP_S, NULL), 1);
    run_to(r, 6999 * HP_MS);
    assert_int_equal(r->results, 0);
    run_to(r, 7 * HP_S);
    assert_int_equal(r->results, 1);
    assert_int_equal(r->result.status, HP_DNS_TIMED_OUT);
    assert_int_equal(r->sent, 2);
}

/* Answers made by hand. */
static size_t write_answer(const rig *r, uint8_t *buf, uint16_t id_mask, uint16_t type, unsigned rcode, uint16_t flags)
{
    hp_dns_msg m;
    hp_dns_cursor cursor = {0};
    hp_dns_question q;
    hp_dns_writer w;
    assert_true(hp_dns_parse(r->bytes, r->length, &m) && hp_dns_next_question(&m, &cursor, &q));
    hp_dns_begin(&w, buf, 512, m.id ^ id_mask, (uint16_t)(HP_DNS_QR | flags | rcode));
    q.type = type;
    hp_dns_add_question(&w, &q);
    hp_dns_record record = {.name = q.name, .type = HP_DNS_A, .cls = HP_DNS_IN, .ttl = 5, .addr = addr_of("192.0.2.9")};
    if (rcode == HP_DNS_NOERROR) {
        hp_dns_add_record(&w, &record);
    }
    return hp_dns_finish(&w);
}

static void test_not_ours(void **state)
{
    rig *r = *state;
    uint8_t buf[512];
    hp_addr stranger = addr_of("203.0.113.66:53"), other_port = addr_of("192.0.2.53:54");
    ask(r, "turn.example", HP_DNS_A);
    size_t len = write_answer(r, buf, 1, HP_DNS_A, 0, 0);
    hp_dns_client_input(r->client, 0, &r->servers[0], false, buf, len);
    len = write_answer(r, buf, 0, HP_DNS_AAAA, 0, 0);
    hp_dns_client_input(r->client, 0, &r->servers[0], false, buf, len);
    len = write_answer(r, buf, 0, HP_DNS_A, 0, 0);
    hp_dns_client_input(r->client, 0, &stranger, false, buf, len);
    hp_dns_client_input(r->client, 0, &other_port, false, buf, len);
    hp_dns_client_input(r->client, 0, &r->servers[1], false, buf, len); /* not asked yet */
    for (size_t i = 0; i < len; i++) {
        hp_dns_client_input(r->client, 0, &r->servers[0], false, buf, i);
    }
    buf[2] &= 0x7f;
    hp_dns_client_input(r->client, 0, &r->servers[0], false, buf, len);
    assert_int_equal(r->results, 0);
    buf[2] |= 0x80;
    hp_dns_client_input(r->client, 0, &r->servers[0], false, buf, len);
    assert_int_equal(r->results, 1);
    hp_dns_client_input(r->client, 0, &r->servers[0], false, buf, len);
    assert_int_equal(r->results, 1);
}

/* The first server's answer comes when the second is being asked. */
static void test_late_answer(void **state)
{
    rig *r = *state;
    uint8_t buf[512];
    ask(r, "turn.example", HP_DNS_A);
    run_to(r, 6 * HP_S);
    size_t len = write_answer(r, buf, 0, HP_DNS_A, 0, 0);
    hp_dns_client_input(r->client, r->now, &r->servers[0], false, buf, len);
    assert_int_equal(r->result.status, HP_DNS_FOUND);
    assert_true(hp_addr_equal(&r->result.server, &r->servers[0]));
}

static void test_errors(void **state)
{
    rig *r = *state;
    uint8_t buf[512];
    ask(r, "turn.example", HP_DNS_A);
    size_t len = write_answer(r, buf, 0, HP_DNS_A, HP_DNS_SERVFAIL, 0);
    hp_dns_client_input(r->client, HP_MS, &r->servers[0], false, buf, len);
    assert_int_equal(r->sent, 2);
    assert_int_equal(r->sent_at[1], HP_MS);
    assert_true(hp_addr_equal(&r->sent_to[1], &r->servers[1]));
    len = write_answer(r, buf, 0, HP_DNS_A, HP_DNS_REFUSED, 0);
    hp_dns_client_input(r->client, 2 * HP_MS, &r->servers[1], false, buf, len);
    hp_dns_client_unreachable(r->client, 3 * HP_MS, &r->servers[0]);
    assert_int_equal(r->sent, 4);
    hp_dns_client_unreachable(r->client, 4 * HP_MS, &r->servers[1]);
    assert_int_equal(r->results, 1);
    assert_int_equal(r->result.status, HP_DNS_FAILED);
    assert_int_equal(r->result.rcode, HP_DNS_REFUSED);
}

/* RFC 6891 section 7: a server that does not know OPT. */
static void test_formerr(void **state)
{
    rig *r = *state;
    hp_addr a = addr_of("192.0.2.1");
    hp_dns_host hosts[] = {{.name = "turn.example", .addresses = &a, .n_addresses = 1}};
    answer_by(r, &(hp_dns_config){.hosts = hosts, .n_hosts = 1, .no_edns = true});
    ask(r, "turn.example", HP_DNS_A);
    assert_int_equal(r->sent, 2);
    assert_true(hp_addr_equal(&r->sent_to[1], &r->servers[0]));
    assert_int_equal(r->result.status, HP_DNS_FOUND);
}

static void test_stream(void **state)
{
    rig *r = *state;
    hp_addr many[100];
    for (unsigned i = 0; i < 100; i++) {
        many[i] = hp_addr_v4(0xc6336400 + i, 0);
    }
    hp_dns_host hosts[] = {{.name = "turn.example", .addresses = many, .n_addresses = 100}};
    answer_by(r, &(hp_dns_config){.hosts = hosts, .n_hosts = 1});
    ask(r, "turn.example", HP_DNS_A);
    assert_int_equal(r->sent, 2);
    assert_false(r->sent_stream[0]);
    assert_true(r->sent_stream[1]);
    assert_int_equal(r->result.status, HP_DNS_FOUND);
    assert_int_equal(r->result.n_addresses, HP_DNS_CLIENT_MAX_ADDRESSES);
    r->config.no_stream = true;
    r->config.n_servers = 1;
    r->sent = 0;
    start(r);
    ask(r, "turn.example", HP_DNS_A);
    assert_int_equal(r->sent, 2);
    assert_int_equal(r->result.status, HP_DNS_CUT_OFF);
}

static void test_cancel_and_bad(void **state)
{
    rig *r = *state;
    g_autoptr(GError) error = NULL;
    uint64_t q = hp_dns_client_query(r->client, 0, "turn.example", HP_DNS_A, HP_NEVER, NULL);
    run_to(r, 0);
    hp_dns_client_cancel(r->client, q);
    hp_dns_client_cancel(r->client, 99);
    run_to(r, 60 * HP_S);
    assert_int_equal(r->results, 0);
    assert_int_equal(hp_dns_client_query(r->client, 0, "a..b", HP_DNS_A, HP_NEVER, &error), 0);
    assert_non_null(error);
    assert_int_equal(hp_dns_client_query(r->client, 0, "a", HP_DNS_SRV, HP_NEVER, NULL), 0);
    r->config.n_servers = 0;
    start(r);
    ask(r, "turn.example", HP_DNS_A);
    assert_int_equal(r->result.status, HP_DNS_TIMED_OUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found_and_cached, setup, teardown),
        cmocka_unit_test_setup_teardown(test_negative, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timeouts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_formerr, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_and_bad, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
