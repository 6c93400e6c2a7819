/* The resolver on a host: both families at once, the resolution delay, servers in turn, TCP, the cache; to the
 * millisecond. */
#include "actors/resolver.h"

#include "actors/dns_service.h"
#include "names_net.h"

#define DNS "203.0.113.53"
#define OTHER "203.0.113.54"

typedef struct answer {
    unsigned n;
    hp_addr address;
    hp_dns_status status;
    hp_time took, at;
    net *net;
} answer;

static void on_done(void *user, const hp_resolved *resolved)
{
    answer *a = user;
    a->n++;
    a->address = resolved->address;
    a->status = resolved->status;
    a->took = resolved->took;
    a->at = hp_world_now(a->net->world);
}

typedef struct bench {
    net *n;
    hp_addr addresses[40];
    hp_dns_host host;
    hp_dns_config config;
    hp_dns_fault faults[2];
    hp_host *alice, *dns;
    hp_dns_service *service;
    hp_addr servers[2];
    hp_resolver_config resolver_config;
    hp_resolver *resolver;
    answer answer;
} bench;

/* turn.example has 192.0.2.7, and 2001:db8::7 too where asked. */
static bench *bench_new(bool both, const char *alice6)
{
    bench *b = g_new0(bench, 1);
    b->n = net_new();
    b->answer.net = b->n;
    b->addresses[0] = net_addr("192.0.2.7");
    b->addresses[1] = net_addr("2001:db8::7");
    b->host = (hp_dns_host){.name = (char *)"turn.example", .addresses = b->addresses, .n_addresses = both ? 2 : 1};
    b->config = (hp_dns_config){.hosts = &b->host, .n_hosts = 1, .faults = b->faults};
    b->alice = net_add(b->n, "alice", "192.0.2.10", alice6);
    b->dns = net_add(b->n, "dns", DNS, NULL);
    b->servers[0] = net_addr(DNS);
    b->resolver_config = (hp_resolver_config){.servers = b->servers, .n_servers = 1};
    return b;
}

static void start(bench *b)
{
    g_autoptr(GError) error = NULL;
    b->service = hp_dns_service_new(b->dns, "dns", &b->config, &error);
    assert_null(error);
    b->resolver = hp_resolver_new(b->alice, "alice", &b->resolver_config);
}

static void bench_free(bench *b)
{
    hp_resolver_free(b->resolver);
    hp_dns_service_free(b->service);
    net_free(b->n);
    g_free(b);
}

static uint64_t look_up(bench *b, const char *name)
{
    return hp_resolver_lookup(b->resolver, name, on_done, &b->answer);
}

static void assert_answer(const bench *b, unsigned n, const char *address, hp_time took)
{
    char text[HP_ADDR_TEXT];
    assert_int_equal(b->answer.n, n);
    assert_string_equal(hp_addr_format(&b->answer.address, text), address);
    assert_true(b->answer.took == took);
}

static void one_family(void **state)
{
    bench *b = bench_new(true, NULL);
    hp_record r;
    start(b);
    assert_true(look_up(b, "turn.example") > 0);
    assert_int_equal(b->answer.n, 0); /* never from within */
    net_run(b->n, HP_S);
    assert_answer(b, 1, "192.0.2.7", 10 * HP_MS);
    assert_int_equal(b->answer.status, HP_DNS_FOUND);
    assert_int_equal(net_count(b->n, HP_EV_DNS_ANSWER), 1); /* a host without IPv6 does not ask for AAAA */
    assert_true(net_event(b->n, HP_EV_DNS_ANSWER, 1, &r));
    assert_string_equal(r.event.subject, "alice");
    assert_string_equal(hp_record_text(&r, "type"), "A");
    assert_string_equal(hp_record_text(&r, "outcome"), "found");
    assert_string_equal(hp_record_text(&r, "addresses"), "192.0.2.7");
    bench_free(b);
}

static void both_families_at_once_and_ipv6_first(void **state)
{
    bench *b = bench_new(true, "2001:db8::10");
    hp_record r;
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, HP_S);
    assert_answer(b, 1, "2001:db8::7", 10 * HP_MS);
    assert_int_equal(net_sent(b->n, "alice", HP_PROTO_UDP), 2);
    assert_true(net_event(b->n, HP_EV_DNS_QUERY, 1, &r));
    assert_string_equal(hp_record_text(&r, "type"), "AAAA"); /* in this order: RFC 8305 section 3 */
    bench_free(b);
}

static void aaaa_is_not_waited_for_when_it_says_no(void **state)
{
    bench *b = bench_new(false, "2001:db8::10");
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, HP_S);
    assert_answer(b, 1, "192.0.2.7", 10 * HP_MS);
    bench_free(b);
}

static void a_late_aaaa_is_waited_for_50_ms(void **state)
{
    bench *b = bench_new(true, "2001:db8::10");
    b->faults[0] = (hp_dns_fault){
        .kind = HP_DNS_FAULT_DELAY, .type = HP_DNS_AAAA, .delay_ns = 49 * HP_MS, .nth_first = 1, .nth_last = 1};
    b->faults[1] = (hp_dns_fault){
        .kind = HP_DNS_FAULT_DELAY, .type = HP_DNS_AAAA, .delay_ns = 51 * HP_MS, .nth_first = 2, .nth_last = 2};
    b->config.n_faults = 2;
    b->resolver_config.max_ttl = HP_S;
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, HP_S);
    assert_answer(b, 1, "2001:db8::7", 59 * HP_MS);
    net_run(b->n, 5 * HP_S);
    look_up(b, "turn.example");
    net_run(b->n, 6 * HP_S);
    assert_answer(b, 2, "192.0.2.7", 60 * HP_MS);
    assert_int_equal(net_count(b->n, HP_EV_DNS_ANSWER), 4); /* the late answer is taken, for the cache */
    bench_free(b);
}

static void a_fast_aaaa_does_not_wait_for_a(void **state)
{
    bench *b = bench_new(true, "2001:db8::10");
    b->faults[0] = (hp_dns_fault){.kind = HP_DNS_FAULT_SILENCE, .type = HP_DNS_A};
    b->config.n_faults = 1;
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, HP_S);
    assert_answer(b, 1, "2001:db8::7", 10 * HP_MS);
    bench_free(b);
}

static void what_is_not_there(void **state)
{
    bench *b = bench_new(false, "2001:db8::10");
    start(b);
    look_up(b, "nobody.example");
    net_run(b->n, HP_S);
    assert_answer(b, 1, "-", 10 * HP_MS);
    assert_int_equal(b->answer.status, HP_DNS_NO_NAME);
    look_up(b, "bad..name"); /* no name at all: at once, but not from within */
    assert_int_equal(b->answer.n, 1);
    net_run(b->n, 2 * HP_S);
    assert_answer(b, 2, "-", 0);
    assert_int_equal(b->answer.status, HP_DNS_FAILED);
    bench_free(b);
}

static void from_the_cache_until_the_ttl_is_over(void **state)
{
    bench *b = bench_new(false, NULL);
    b->config.ttl = 20 * HP_S;
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, 19 * HP_S);
    assert_answer(b, 1, "192.0.2.7", 10 * HP_MS);
    hp_addr moved = net_addr("192.0.2.8");
    hp_dns_host host = {.name = (char *)"turn.example", .addresses = &moved, .n_addresses = 1};
    assert_true(hp_dns_service_set_host(b->service, &host, NULL));
    look_up(b, "turn.example");
    net_run(b->n, 20 * HP_S + 9 * HP_MS);
    assert_answer(b, 2, "192.0.2.7", 0);
    assert_int_equal(net_sent(b->n, "alice", HP_PROTO_UDP), 1);
    net_run(b->n, 20 * HP_S + 10 * HP_MS); /* kept since 10 ms */
    look_up(b, "turn.example");
    net_run(b->n, 25 * HP_S);
    assert_answer(b, 3, "192.0.2.8", 10 * HP_MS);
    bench_free(b);
}

static void a_closed_port_makes_it_the_next_ones_turn(void **state)
{
    bench *b = bench_new(false, NULL);
    net_add(b->n, "nobody", OTHER, NULL); /* answers with ICMP port unreachable */
    b->servers[0] = net_addr(OTHER);
    b->servers[1] = net_addr(DNS);
    b->resolver_config.n_servers = 2;
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, HP_S);
    assert_answer(b, 1, "192.0.2.7", 20 * HP_MS);
    bench_free(b);
}

static void a_silent_one_does_so_after_the_time_out(void **state)
{
    bench *b = bench_new(false, NULL);
    b->servers[0] = net_addr("203.0.113.99");
    b->servers[1] = net_addr(DNS);
    b->resolver_config.n_servers = 2;
    b->resolver_config.timeout = 300 * HP_MS;
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, HP_S);
    assert_answer(b, 1, "192.0.2.7", 310 * HP_MS);
    bench_free(b);
}

static void many_addresses_come_over_tcp(void **state)
{
    bench *b = bench_new(false, NULL);
    for (unsigned i = 0; i < 40; i++) {
        b->addresses[i] = hp_addr_v4(0xc0000200 + i, 0);
    }
    b->host.n_addresses = 40;
    b->config.max_udp = 512;
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, HP_S);
    assert_answer(b, 1, "192.0.2.0", 30 * HP_MS);
    hp_record r;
    assert_true(net_event(b->n, HP_EV_DNS_QUERY, 2, &r));
    assert_string_equal(hp_record_text(&r, "transport"), "tcp");
    assert_int_equal(hp_tcp_n_connections(b->dns), 0); /* both sides have closed; ours waits in TIME-WAIT */
    bench_free(b);
}

/* TCP is refused where UDP answers: the query fails at once, and does not wait for its time-out. */
static void tcp_that_is_refused(void **state)
{
    bench *b = bench_new(false, NULL);
    b->faults[0] = (hp_dns_fault){.kind = HP_DNS_FAULT_TRUNCATE};
    b->config.n_faults = 1;
    b->resolver_config.attempts = 1;
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, 9 * HP_MS);
    hp_dns_service_stop(b->service); /* the truncated answer is under way */
    net_run(b->n, HP_S);
    assert_answer(b, 1, "-", 20 * HP_MS);
    assert_int_equal(b->answer.status, HP_DNS_TIMED_OUT);
    bench_free(b);
}

static void cancelled_lookups_are_not_told_of(void **state)
{
    bench *b = bench_new(false, NULL);
    start(b);
    uint64_t lookup = look_up(b, "turn.example");
    net_run(b->n, HP_MS);
    hp_resolver_cancel(b->resolver, lookup);
    hp_resolver_cancel(b->resolver, 4711);
    net_run(b->n, HP_S);
    assert_int_equal(b->answer.n, 0);
    assert_int_equal(net_count(b->n, HP_EV_DNS_ANSWER), 1);
    bench_free(b);
}

static void a_host_without_a_way_out(void **state)
{
    bench *b = bench_new(false, NULL);
    start(b);
    hp_host_set_interface_up(b->alice, 0, false);
    look_up(b, "turn.example");
    net_run(b->n, HP_S);
    assert_answer(b, 1, "-", 0); /* no address, so nothing to ask for */
    bench_free(b);
}

/* The run ends while a query is out, over UDP or TCP. */
static void freed_in_the_middle(void **state)
{
    bench *b = bench_new(false, NULL);
    b->faults[0] = (hp_dns_fault){.kind = HP_DNS_FAULT_TRUNCATE};
    b->config.n_faults = 1;
    start(b);
    look_up(b, "turn.example");
    net_run(b->n, 12 * HP_MS);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_family),
        cmocka_unit_test(both_families_at_once_and_ipv6_first),
        cmocka_unit_test(aaaa_is_not_waited_for_when_it_says_no),
        cmocka_unit_test(a_late_aaaa_is_waited_for_50_ms),
        cmocka_unit_test(a_fast_aaaa_does_not_wait_for_a),
        cmocka_unit_test(what_is_not_there),
        cmocka_unit_test(from_the_cache_until_the_ttl_is_over),
        cmocka_unit_test(a_closed_port_makes_it_the_next_ones_turn),
        cmocka_unit_test(a_silent_one_does_so_after_the_time_out),
        cmocka_unit_test(many_addresses_come_over_tcp),
        cmocka_unit_test(tcp_that_is_refused),
        cmocka_unit_test(cancelled_lookups_are_not_told_of),
        cmocka_unit_test(a_host_without_a_way_out),
        cmocka_unit_test(freed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
