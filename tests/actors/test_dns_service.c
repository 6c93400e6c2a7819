/* The DNS server on a host: UDP, TCP in pieces, faults, stopping, and records that change. */
#include "actors/dns_service.h"

#include "names_net.h"
#include "wire/bytes.h"
#include "wire/dns.h"

#define SERVER "203.0.113.53"

typedef struct client {
    net *n;
    hp_host *host;
    hp_socket *socket;
    hp_tcp_socket *tcp;
    unsigned answers, ended;
    hp_time at;
    uint8_t last[4096];
    size_t length;
} client;

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    client *c = user;
    c->answers++;
    c->at = hp_world_now(c->n->world);
    c->length = MIN(d->length, sizeof c->last);
    memcpy(c->last, d->data, c->length);
}

static void on_readable(void *user, hp_tcp_socket *socket)
{
    client *c = user;
    c->length += hp_tcp_recv(socket, c->last + c->length, sizeof c->last - c->length);
    c->at = hp_world_now(c->n->world);
    c->ended += hp_tcp_at_eof(socket);
}

static size_t question(uint8_t *buf, size_t cap, uint16_t id, const char *name, uint16_t type)
{
    hp_dns_writer w;
    hp_dns_question q = {.type = type, .cls = HP_DNS_IN};
    assert_true(hp_dns_name_parse(name, &q.name));
    hp_dns_begin(&w, buf, cap, id, HP_DNS_RD);
    assert_true(hp_dns_add_question(&w, &q));
    return hp_dns_finish(&w);
}

static void ask(client *c, uint16_t id, const char *name, uint16_t type)
{
    uint8_t buf[512];
    hp_addr to = net_addr(SERVER ":53");
    size_t n = question(buf, sizeof buf, id, name, type);
    assert_true(hp_socket_send(c->socket, &to, buf, n, NULL));
    net_run(c->n, hp_world_now(c->n->world) + HP_S);
}

/* The code of an answer, and the address in it. */
static unsigned answer(const uint8_t *data, size_t length, hp_addr *ret)
{
    hp_dns_msg m;
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    *ret = (hp_addr){0};
    assert_true(hp_dns_parse(data, length, &m));
    while (hp_dns_next_record(&m, &cursor, &r)) {
        if (r.type == HP_DNS_A && r.section == HP_DNS_ANSWER) {
            *ret = r.addr;
        }
    }
    return m.rcode;
}

static void assert_answer(client *c, unsigned code, const char *address)
{
    hp_addr a;
    char text[HP_ADDR_TEXT];
    assert_int_equal(answer(c->last, c->length, &a), code);
    assert_string_equal(hp_addr_format(&a, text), address);
}

typedef struct bench {
    net *n;
    hp_addr address;
    hp_dns_host host;
    hp_dns_config config;
    hp_dns_service *service;
    client client;
} bench;

static bench *bench_new(const hp_dns_fault *fault)
{
    static const hp_socket_ops ops = {.datagram = on_datagram};
    g_autoptr(GError) error = NULL;
    bench *b = g_new0(bench, 1);
    b->n = net_new();
    b->address = net_addr("192.0.2.7");
    b->host = (hp_dns_host){.name = (char *)"turn.example", .addresses = &b->address, .n_addresses = 1};
    b->config = (hp_dns_config){.hosts = &b->host, .n_hosts = 1};
    if (fault != NULL) {
        b->config.faults = (hp_dns_fault *)fault;
        b->config.n_faults = 1;
    }
    b->service = hp_dns_service_new(net_add(b->n, "dns", SERVER, NULL), "dns", &b->config, &error);
    assert_null(error);
    b->client.n = b->n;
    b->client.host = net_add(b->n, "alice", "192.0.2.10", NULL);
    hp_addr local = net_addr("192.0.2.10:4000");
    b->client.socket = hp_host_bind(b->client.host, &local, &ops, &b->client, NULL);
    return b;
}

static void bench_free(bench *b)
{
    hp_tcp_close(b->client.tcp);
    hp_dns_service_free(b->service);
    net_free(b->n);
    g_free(b);
}

static void over_udp(void **state)
{
    bench *b = bench_new(NULL);
    hp_record r;
    ask(&b->client, 7, "Turn.Example", HP_DNS_A);
    assert_int_equal(b->client.answers, 1);
    assert_true(b->client.at == 10 * HP_MS);
    assert_answer(&b->client, HP_DNS_NOERROR, "192.0.2.7");
    assert_true(net_event(b->n, HP_EV_DNS_QUERY, 1, &r));
    assert_string_equal(r.event.subject, "dns");
    assert_string_equal(hp_record_text(&r, "name"), "Turn.Example");
    assert_string_equal(hp_record_text(&r, "type"), "A");
    assert_string_equal(hp_record_text(&r, "transport"), "udp");
    assert_string_equal(hp_record_text(&r, "answer"), "answered");
    assert_int_equal(hp_record_u64(&r, "records"), 1);
    ask(&b->client, 8, "nobody.example", HP_DNS_A);
    assert_answer(&b->client, HP_DNS_NXDOMAIN, "-");
    assert_true(net_event(b->n, HP_EV_DNS_QUERY, 2, &r));
    assert_string_equal(hp_record_text(&r, "code"), "NXDOMAIN");
    bench_free(b);
}

static void rubbish_is_traced_and_not_answered(void **state)
{
    bench *b = bench_new(NULL);
    hp_addr to = net_addr(SERVER ":53");
    hp_record r;
    hp_socket_send(b->client.socket, &to, "\x00", 1, NULL);
    hp_socket_send(b->client.socket, &to, "", 0, NULL);
    net_run(b->n, HP_S);
    assert_int_equal(b->client.answers, 0);
    assert_int_equal(net_count(b->n, HP_EV_DNS_QUERY), 2);
    assert_true(net_event(b->n, HP_EV_DNS_QUERY, 1, &r));
    assert_string_equal(hp_record_text(&r, "answer"), "silent");
    assert_string_equal(hp_record_text(&r, "name"), "");
    bench_free(b);
}

static void connect_to(bench *b)
{
    static const hp_tcp_ops ops = {.readable = on_readable};
    hp_addr to = net_addr(SERVER ":53");
    b->client.tcp = hp_tcp_connect(b->client.host, NULL, &to, &ops, &b->client, NULL);
    net_run(b->n, 100 * HP_MS);
    assert_int_equal(hp_tcp_get_state(b->client.tcp), HP_TCP_ESTABLISHED);
}

/* Two questions, byte by byte. */
static void over_tcp_in_pieces(void **state)
{
    bench *b = bench_new(NULL);
    uint8_t buf[512];
    connect_to(b);
    for (unsigned i = 0; i < 2; i++) {
        size_t n =
            question(buf + 2, sizeof buf - 2, (uint16_t)(100 + i), i == 0 ? "turn.example" : "x.example", HP_DNS_A);
        hp_put16(buf, (uint16_t)n);
        for (size_t k = 0; k < n + 2; k++) {
            assert_int_equal(hp_tcp_send(b->client.tcp, buf + k, 1), 1);
            net_run(b->n, hp_world_now(b->n->world) + HP_MS);
        }
    }
    net_run(b->n, hp_world_now(b->n->world) + HP_S);
    size_t first = hp_get16(b->client.last), second = hp_get16(b->client.last + 2 + first);
    assert_int_equal(b->client.length, first + second + 4);
    hp_addr a;
    assert_int_equal(answer(b->client.last + 2, first, &a), HP_DNS_NOERROR);
    assert_int_equal(hp_get16(b->client.last + 2), 100);
    assert_true(hp_addr_equal(&a, &b->address));
    assert_int_equal(answer(b->client.last + first + 4, second, &a), HP_DNS_NXDOMAIN);
    hp_record r;
    assert_true(net_event(b->n, HP_EV_DNS_QUERY, 2, &r));
    assert_string_equal(hp_record_text(&r, "transport"), "tcp");
    /* the client closes, and so does the server */
    hp_tcp_shutdown(b->client.tcp);
    net_run(b->n, hp_world_now(b->n->world) + HP_S);
    assert_int_equal(b->client.ended, 1);
    bench_free(b);
}

static void a_late_answer_for_a_client_that_has_gone(void **state)
{
    const hp_dns_fault fault = {.kind = HP_DNS_FAULT_DELAY, .delay_ns = 500 * HP_MS};
    bench *b = bench_new(&fault);
    uint8_t buf[512];
    connect_to(b);
    size_t n = question(buf + 2, sizeof buf - 2, 1, "turn.example", HP_DNS_A);
    hp_put16(buf, (uint16_t)n);
    hp_tcp_send(b->client.tcp, buf, n + 2);
    net_run(b->n, 200 * HP_MS);
    assert_int_equal(net_count(b->n, HP_EV_DNS_QUERY), 1);
    hp_tcp_abort(b->client.tcp);
    b->client.tcp = NULL;
    net_run(b->n, 2 * HP_S);
    assert_int_equal(b->client.length, 0);
    /* a datagram has nothing to miss */
    ask(&b->client, 2, "turn.example", HP_DNS_A);
    assert_true(b->client.at == 2 * HP_S + 510 * HP_MS);
    bench_free(b);
}

static void stopped_and_started(void **state)
{
    bench *b = bench_new(NULL);
    connect_to(b);
    hp_dns_service_stop(b->service);
    assert_false(hp_dns_service_is_running(b->service));
    hp_dns_service_stop(b->service);
    ask(&b->client, 1, "turn.example", HP_DNS_A);
    assert_int_equal(b->client.answers, 0);
    assert_int_equal(b->client.ended, 1); /* the connection was closed */
    hp_addr other = net_addr("192.0.2.8");
    hp_dns_host moved = {.name = (char *)"turn.example", .addresses = &other, .n_addresses = 1};
    assert_true(hp_dns_service_set_host(b->service, &moved, NULL)); /* remembered */
    assert_true(hp_dns_service_start(b->service, NULL));
    ask(&b->client, 2, "turn.example", HP_DNS_A);
    assert_answer(&b->client, HP_DNS_NOERROR, "192.0.2.8");
    assert_int_equal(net_count(b->n, HP_EV_SERVER_STARTED), 2);
    assert_int_equal(net_count(b->n, HP_EV_SERVER_STOPPED), 1);
    bench_free(b);
}

static void records_change(void **state)
{
    bench *b = bench_new(NULL);
    g_autoptr(GError) error = NULL;
    hp_addr other = net_addr("192.0.2.8");
    hp_dns_host moved = {.name = (char *)"TURN.example.", .addresses = &other, .n_addresses = 1};
    hp_dns_host alias = {.name = (char *)"relay.example", .cname = (char *)"turn.example"};
    assert_true(hp_dns_service_set_host(b->service, &moved, NULL));
    assert_true(hp_dns_service_set_host(b->service, &alias, NULL));
    other = net_addr("192.0.2.99"); /* it keeps its own copy */
    ask(&b->client, 1, "relay.example", HP_DNS_A);
    assert_answer(&b->client, HP_DNS_NOERROR, "192.0.2.8");
    /* what makes no sense changes nothing */
    hp_dns_host bad = {.name = (char *)"turn.example", .cname = (char *)"a..b"};
    assert_false(hp_dns_service_set_host(b->service, &bad, &error));
    assert_non_null(error);
    ask(&b->client, 2, "relay.example", HP_DNS_A);
    assert_answer(&b->client, HP_DNS_NOERROR, "192.0.2.8");
    bench_free(b);
}

static void without_an_address(void **state)
{
    g_autoptr(GError) error = NULL;
    net *n = net_new();
    hp_host *host = hp_host_new(n->world, "dns");
    hp_host_add_interface(host, NULL, 0);
    assert_null(hp_dns_service_new(host, "dns", &(hp_dns_config){0}, &error));
    assert_string_equal(error->message, "dns: a server needs an address");
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_udp),
        cmocka_unit_test(rubbish_is_traced_and_not_answered),
        cmocka_unit_test(over_tcp_in_pieces),
        cmocka_unit_test(a_late_answer_for_a_client_that_has_gone),
        cmocka_unit_test(stopped_and_started),
        cmocka_unit_test(records_change),
        cmocka_unit_test(without_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
