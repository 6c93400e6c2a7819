/* Multicast DNS on hosts of one link: names for addresses, lookups, the TTL rule, several interfaces. */
#include "actors/mdns_host.h"

#include "names_net.h"

typedef struct answer {
    unsigned n;
    hp_mdns_found last;
    hp_time at;
    net *net;
} answer;

static void on_done(void *user, const hp_mdns_found *found)
{
    answer *a = user;
    a->n++;
    a->last = *found;
    a->last.name = NULL;
    a->at = hp_world_now(a->net->world);
}

typedef struct bench {
    net *n;
    hp_host *hosts[2];
    hp_mdns_host *a, *b;
    answer answer;
} bench;

static bench *bench_new(const hp_mdns_config *of_a, const char *a6)
{
    bench *t = g_new0(bench, 1);
    t->n = net_new();
    t->answer.net = t->n;
    t->hosts[0] = net_add(t->n, "a", "10.0.0.1", a6);
    t->hosts[1] = net_add(t->n, "b", "10.0.0.2", "fd00::2");
    t->a = hp_mdns_host_new(t->hosts[0], "a", of_a, NULL);
    t->b = hp_mdns_host_new(t->hosts[1], "b", &(hp_mdns_config){0}, NULL);
    assert_non_null(t->a);
    assert_non_null(t->b);
    return t;
}

static void bench_free(bench *t)
{
    hp_mdns_host_free(t->a);
    hp_mdns_host_free(t->b);
    net_free(t->n);
    g_free(t);
}

static const char *name_of(hp_mdns_host *m, const char *address)
{
    hp_addr a = net_addr(address);
    return hp_mdns_host_name_of(m, &a);
}

static void assert_found(const bench *t, unsigned n, const char *address, hp_time took)
{
    char text[HP_ADDR_TEXT];
    assert_int_equal(t->answer.n, n);
    assert_int_equal(t->answer.last.status, HP_MDNS_FOUND);
    assert_string_equal(hp_addr_format(&t->answer.last.address, text), address);
    assert_true(t->answer.last.took == took);
}

static void a_name_is_a_uuid_of_its_own(void **state)
{
    bench *t = bench_new(&(hp_mdns_config){0}, "fd00::1");
    const char *v4 = name_of(t->a, "10.0.0.1"), *v6 = name_of(t->a, "fd00::1");
    assert_int_equal(strlen(v4), 36 + strlen(".local"));
    assert_int_equal(v4[14], '4'); /* version */
    assert_non_null(strchr("89ab", v4[19])); /* variant */
    assert_true(g_str_has_suffix(v4, ".local"));
    assert_string_not_equal(v4, v6);
    assert_ptr_equal(name_of(t->a, "10.0.0.1:4711"), v4); /* once made, it stays; ports do not matter */
    assert_null(name_of(t->a, "10.0.0.2"));
    hp_record r;
    assert_true(net_event(t->n, HP_EV_MDNS_NAME, 1, &r));
    assert_string_equal(hp_record_text(&r, "what"), "made");
    assert_string_equal(r.event.subject, "a");
    bench_free(t);
}

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    ++*(unsigned *)user;
}

static void announced_names_are_known_at_once(void **state)
{
    bench *t = bench_new(&(hp_mdns_config){0}, NULL);
    const char *name = name_of(t->a, "10.0.0.1");
    net_run(t->n, 100 * HP_MS);
    hp_mdns_host_lookup(t->b, name, on_done, &t->answer);
    assert_int_equal(t->answer.n, 0); /* never from within */
    net_run(t->n, HP_S);
    assert_found(t, 1, "10.0.0.1", 0);
    assert_int_equal(t->answer.last.sent, 0);
    bench_free(t);
}

static void others_are_asked_for(void **state)
{
    bench *t = bench_new(&(hp_mdns_config){.silent = true}, "fd00::1");
    const char *v4 = name_of(t->a, "10.0.0.1"), *v6 = name_of(t->a, "fd00::1");
    hp_mdns_host_lookup(t->b, v4, on_done, &t->answer);
    net_run(t->n, HP_S);
    assert_found(t, 1, "10.0.0.1", 10 * HP_MS); /* links of 5 ms */
    assert_int_equal(t->answer.last.sent, 1);
    hp_mdns_host_lookup(t->b, v6, on_done, &t->answer);
    net_run(t->n, 2 * HP_S);
    assert_found(t, 2, "fd00::1", 10 * HP_MS);
    bench_free(t);
}

static void its_own_names_need_no_network(void **state)
{
    bench *t = bench_new(&(hp_mdns_config){0}, NULL);
    const char *name = name_of(t->a, "10.0.0.1");
    hp_mdns_host_lookup(t->a, name, on_done, &t->answer);
    net_run(t->n, HP_MS);
    assert_found(t, 1, "10.0.0.1", 0);
    bench_free(t);
}

static void nobody_answers(void **state)
{
    bench *t = bench_new(&(hp_mdns_config){.silent = true, .deaf = true}, NULL);
    hp_mdns_host_lookup(t->b, name_of(t->a, "10.0.0.1"), on_done, &t->answer);
    net_run(t->n, 10 * HP_S);
    assert_int_equal(t->answer.n, 1);
    assert_int_equal(t->answer.last.status, HP_MDNS_TIMED_OUT);
    assert_true(t->answer.last.took == 5 * HP_S);
    assert_int_equal(t->answer.last.address.family, HP_AF_NONE);
    bench_free(t);
}

static void names_that_are_none(void **state)
{
    bench *t = bench_new(&(hp_mdns_config){0}, NULL);
    assert_true(hp_mdns_host_lookup(t->b, "host.example", on_done, &t->answer) == 0);
    assert_true(hp_mdns_host_lookup(t->b, "..local", on_done, &t->answer) == 0);
    net_run(t->n, 10 * HP_S);
    assert_int_equal(t->answer.n, 0);
    bench_free(t);
}

static void cancelled(void **state)
{
    bench *t = bench_new(&(hp_mdns_config){.silent = true}, NULL);
    uint64_t lookup = hp_mdns_host_lookup(t->b, name_of(t->a, "10.0.0.1"), on_done, &t->answer);
    net_run(t->n, HP_MS);
    hp_mdns_host_cancel(t->b, lookup);
    hp_mdns_host_cancel(t->b, 99);
    net_run(t->n, 10 * HP_S);
    assert_int_equal(t->answer.n, 0);
    bench_free(t);
}

/* Everything leaves with a TTL of 255, and nothing else is looked at. */
static void a_ttl_of_255(void **state)
{
    bench *t = bench_new(&(hp_mdns_config){0}, NULL);
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    name_of(t->a, "10.0.0.1");
    net_run(t->n, 5 * HP_S);
    while (hp_trace_next(t->n->trace, &cursor, &r)) {
        if (r.type == HP_RECORD_PACKET && r.packet.dir == HP_DIR_OUT) {
            assert_int_equal(r.packet.ttl, 255);
            n++;
        }
    }
    assert_true(n >= 2);
    bench_free(t);

    /* the same question twice, from another port of b; the first as if it had crossed a router */
    static const hp_socket_ops ops = {.datagram = on_datagram};
    unsigned heard = 0;
    uint8_t buf[512];
    t = bench_new(&(hp_mdns_config){.silent = true}, NULL);
    hp_addr local = net_addr("10.0.0.2:6000"), to = net_addr("10.0.0.1:5353");
    hp_socket *socket = hp_host_bind(t->hosts[1], &local, &ops, &heard, NULL);
    hp_dns_question q = {.type = HP_DNS_A, .cls = HP_DNS_IN};
    hp_dns_writer w;
    assert_true(hp_dns_name_parse(name_of(t->a, "10.0.0.1"), &q.name));
    hp_dns_begin(&w, buf, sizeof buf, 1, 0);
    hp_dns_add_question(&w, &q);
    for (unsigned i = 0; i < 2; i++) {
        hp_send_options options = {.ttl = i == 0 ? 254 : 255};
        assert_true(hp_socket_send(socket, &to, buf, hp_dns_finish(&w), &options));
        net_run(t->n, (i + 1) * HP_S);
        assert_int_equal(heard, i);
    }
    bench_free(t);
}

static void the_port_is_taken(void **state)
{
    static const hp_socket_ops ops = {0};
    g_autoptr(GError) error = NULL;
    net *n = net_new();
    hp_host *host = net_add(n, "a", "10.0.0.1", NULL);
    hp_addr local = net_addr("10.0.0.1:5353");
    assert_non_null(hp_host_bind(host, &local, &ops, NULL, NULL));
    assert_null(hp_mdns_host_new(host, "a", &(hp_mdns_config){0}, &error));
    assert_non_null(error);
    net_free(n);
}

static void the_other_interface_knows(void **state)
{
    bench *t = bench_new(&(hp_mdns_config){.silent = true}, NULL);
    /* b2 has two interfaces; only the second one is on the link */
    hp_host *two = hp_host_new(t->n->world, "two");
    hp_addr lonely = net_addr("172.16.0.1"), near = net_addr("10.0.0.9");
    hp_prefix route = {.base = near, .bits = 32};
    hp_link *link = hp_link_new(t->n->world, "two", &(hp_link_config){.delay_ns = 5 * HP_MS});
    hp_host_add_interface(two, "far", 0);
    hp_host_add_interface(two, "near", 0);
    hp_host_add_address(two, 0, &lonely);
    hp_host_add_address(two, 1, &near);
    hp_node_connect(hp_host_node(two), 1, hp_link_node(link), 0);
    hp_node_connect(hp_link_node(link), 0, hp_router_node(t->n->core), 5);
    hp_node_connect(hp_router_node(t->n->core), 5, hp_host_node(two), 1);
    hp_router_add_route(t->n->core, &route, 5);
    hp_mdns_host *m = hp_mdns_host_new(two, "two", &(hp_mdns_config){.timeout = 2 * HP_S}, NULL);
    hp_mdns_host_lookup(m, name_of(t->a, "10.0.0.1"), on_done, &t->answer);
    net_run(t->n, 10 * HP_S);
    assert_found(t, 1, "10.0.0.1", 10 * HP_MS);
    hp_mdns_host_lookup(m, "nobody.local", on_done, &t->answer);
    net_run(t->n, 20 * HP_S);
    assert_int_equal(t->answer.n, 2);
    assert_int_equal(t->answer.last.sent, 4); /* at 0 and 1 s, on each */
    assert_true(t->answer.last.took == 2 * HP_S);
    hp_mdns_host_free(m);
    bench_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_a_uuid_of_its_own),
        cmocka_unit_test(announced_names_are_known_at_once),
        cmocka_unit_test(others_are_asked_for),
        cmocka_unit_test(its_own_names_need_no_network),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(a_ttl_of_255),
        cmocka_unit_test(the_port_is_taken),
        cmocka_unit_test(the_other_interface_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
