/* The PCP client against a server: requests, retransmission, renewal, reboots, versions. */
#include "engines/pcp_gateway.h"

#include "engines/pcp_client.h"

enum { LOG = 32 };

typedef struct rig {
    gateway g;
    hp_pcp_server *server;
    hp_nat_pmp_server *nat_pmp;
    hp_pcp_client *client;
    hp_port_client_config config;
    hp_addr host;
    hp_time now;
    bool deaf;
    bool old; /* the gateway speaks NAT-PMP alone */
    unsigned asked, events;
    hp_time asked_at[LOG];
    uint8_t request[1100];
    size_t request_length;
    hp_pcp_client_event told[LOG];
} rig;

static void on_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    rig *r = user;
    hp_addr gateway_address = gateway_addr("192.168.1.1:5351");
    if (r->client != NULL && to->family == HP_AF_IPV4) {
        hp_pcp_client_input(r->client, now, &gateway_address, data, len);
    }
}

static void on_ask(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    rig *r = user;
    r->asked_at[r->asked++ % LOG] = now;
    memcpy(r->request, data, len);
    r->request_length = len;
    if (!r->deaf) {
        hp_port_control_input(r->nat_pmp, r->old ? NULL : r->server, now, &r->host, data, len);
    }
}

static void on_told(void *user, hp_time now, const hp_pcp_client_event *event)
{
    rig *r = user;
    r->told[r->events++ % LOG] = *event;
}

static void start_client(rig *r)
{
    static const hp_pcp_client_ops ops = {.send = on_ask, .event = on_told};
    hp_rng rng;
    hp_rng_init(&rng, 1, "host");
    r->config.gateway = gateway_addr("192.168.1.1");
    g_clear_pointer(&r->client, hp_pcp_client_free);
    r->client = hp_pcp_client_new(&r->config, &r->host, &rng, &ops, r);
}

static int setup(void **state)
{
    static const hp_pcp_server_ops ops = {.send = on_send};
    static const hp_nat_pmp_server_ops nat_pmp_ops = {.send = on_send};
    rig *r = g_new0(rig, 1);
    r->host = gateway_addr("192.168.1.10:50000");
    gateway_start(&r->g, 0);
    r->server = hp_pcp_server_new(r->g.leases, true, false, &ops, r);
    r->nat_pmp = hp_nat_pmp_server_new(r->g.leases, &nat_pmp_ops, r);
    start_client(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig *r = *state;
    hp_pcp_client_free(r->client);
    hp_pcp_server_free(r->server);
    hp_nat_pmp_server_free(r->nat_pmp);
    hp_leases_free(r->g.leases);
    g_free(r);
    return 0;
}

static void run_to(rig *r, hp_time until)
{
    hp_time next;
    while ((next = MIN(hp_pcp_client_deadline(r->client), hp_pcp_server_deadline(r->server))) <= until) {
        r->now = MAX(r->now, next);
        hp_pcp_client_run(r->client, r->now);
        hp_pcp_server_run(r->server, r->now);
    }
    r->now = until;
}

static const hp_pcp_client_event *last(const rig *r)
{
    return &r->told[(r->events - 1) % LOG];
}

static void test_map(void **state)
{
    rig *r = *state;
    hp_pcp_wish wish = {.protocol = HP_LEASE_UDP, .internal_port = 5000, .lifetime = 1000 * HP_S};
    wish.external = gateway_addr("203.0.113.5:6000");
    wish.prefer_failure = true;
    wish.n_filters = 1;
    assert_true(hp_prefix_parse("198.51.100.0/24", &wish.filters[0].prefix));
    wish.filters[0].port = 3478;
    assert_int_equal(hp_pcp_client_map(r->client, 0, &wish), 1);
    run_to(r, 0);
    assert_int_equal(r->request_length, 88);
    memset(r->request + 24, 0, 12); /* the nonce */
    gateway_assert_bytes(
        r->request, r->request_length,
        "0201 0000 000003e8 00000000000000000000ffffc0a8010a 000000000000000000000000 11000000 1388 1770"
        "00000000000000000000ffffcb007105 02000000 03000014 00780d96 00000000000000000000ffffc6336400");
    assert_int_equal(r->events, 1);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_MAPPED);
    assert_int_equal(last(r)->lifetime, 1000);
    assert_true(hp_addr_equal(&last(r)->external, &wish.external));
    assert_int_equal(hp_leases_nth(r->g.leases, 0)->n_filters, 1);
    /* Between 1/2 and 5/8 of the lifetime. */
    run_to(r, 625 * HP_S);
    assert_int_equal(r->asked, 2);
    assert_in_range(r->asked_at[1], 500 * HP_S, 625 * HP_S);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_RENEWED);
    hp_pcp_client_unmap(r->client, r->now, 1);
    hp_pcp_client_unmap(r->client, r->now, 9);
    run_to(r, 626 * HP_S);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_UNMAPPED);
    assert_int_equal(hp_leases_count(r->g.leases), 0);
    assert_int_equal(hp_pcp_client_deadline(r->client), HP_NEVER);
}

/* Section 8.1.1: 3 s, doubling, 10 % around, up to 1024 s, without end. */
static void test_silence(void **state)
{
    rig *r = *state;
    r->deaf = true;
    hp_pcp_client_map(r->client, 0, &(hp_pcp_wish){.protocol = HP_LEASE_UDP, .internal_port = 5000});
    run_to(r, 6000 * HP_S);
    assert_int_equal(r->events, 0);
    assert_in_range(r->asked_at[1], 2700 * HP_MS, 3300 * HP_MS);
    for (unsigned i = 2; i < r->asked; i++) {
        hp_time before = r->asked_at[i - 1] - r->asked_at[i - 2], gap = r->asked_at[i] - r->asked_at[i - 1];
        hp_time nominal = MIN(2 * before, 1024 * HP_S);
        assert_in_range(gap, nominal / 10 * 9, nominal / 10 * 11);
    }
    assert_in_range(r->asked, 13, 16);
    /* Limited. */
    r->config.attempts = 2;
    r->asked = 0;
    start_client(r);
    hp_pcp_client_map(r->client, r->now, &(hp_pcp_wish){.protocol = HP_LEASE_UDP, .internal_port = 5000});
    run_to(r, r->now + 100 * HP_S);
    assert_int_equal(r->asked, 2);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_NO_ANSWER);
    hp_pcp_client_map(r->client, r->now, &(hp_pcp_wish){.protocol = HP_LEASE_UDP, .internal_port = 5000});
    run_to(r, r->now);
    hp_pcp_client_unreachable(r->client, r->now);
    assert_int_equal(r->events, 2);
}

static void test_expiry(void **state)
{
    rig *r = *state;
    hp_pcp_client_map(r->client, 0,
                      &(hp_pcp_wish){.protocol = HP_LEASE_UDP, .internal_port = 5000, .lifetime = 120 * HP_S});
    run_to(r, 0);
    r->deaf = true;
    run_to(r, 120 * HP_S - 1);
    assert_int_equal(r->events, 1);
    run_to(r, 120 * HP_S);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_EXPIRED);
    assert_int_equal(hp_pcp_client_deadline(r->client), HP_NEVER);
}

static void test_refused_and_peer(void **state)
{
    rig *r = *state;
    r->g.refusal = HP_LEASE_NO_RESOURCES;
    hp_pcp_client_map(r->client, 0, &(hp_pcp_wish){.protocol = HP_LEASE_UDP, .internal_port = 5000});
    run_to(r, 0);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_REFUSED);
    assert_int_equal(last(r)->result, HP_PCP_NO_RESOURCES);
    assert_int_equal(last(r)->lifetime, 30);
    r->g.refusal = HP_LEASE_GRANTED;
    hp_pcp_wish wish = {.protocol = HP_LEASE_UDP, .internal_port = 5000, .remote = gateway_addr("198.51.100.1:3478")};
    uint64_t m = hp_pcp_client_map(r->client, 0, &wish);
    run_to(r, 0);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_MAPPED);
    assert_true(hp_addr_equal(&last(r)->remote, &wish.remote));
    assert_int_equal(r->request_length, 80);
    unsigned asked = r->asked;
    hp_pcp_client_unmap(r->client, 0, m);
    run_to(r, HP_S);
    assert_int_equal(r->asked, asked);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_UNMAPPED);
}

/* Sections 8.5 and 14.1.3: within 5 s of the announcement, with the address it had. */
static void test_reboot(void **state)
{
    rig *r = *state;
    hp_pcp_wish wish = {.protocol = HP_LEASE_UDP, .internal_port = 5000};
    hp_pcp_client_map(r->client, 0, &wish);
    run_to(r, 100 * HP_S);
    r->g.next_port = 41000;
    hp_leases_reset(r->g.leases, r->now);
    hp_pcp_server_announce(r->server, r->now);
    run_to(r, 100 * HP_S);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_REBOOTED);
    run_to(r, 105 * HP_S);
    assert_int_equal(r->asked, 2);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_RENEWED);
    assert_int_equal(last(r)->external.port, 40000);
    run_to(r, 1000 * HP_S);
    assert_int_equal(r->asked, 2);
}

/* RFC 6886 section 1.1: a gateway of the old days answers at once. */
static void test_version(void **state)
{
    rig *r = *state;
    r->old = true;
    hp_pcp_client_map(r->client, 0, &(hp_pcp_wish){.protocol = HP_LEASE_UDP, .internal_port = 5000});
    run_to(r, 10 * HP_S);
    assert_int_equal(r->asked, 1);
    assert_int_equal(r->events, 1);
    assert_int_equal(last(r)->kind, HP_PCP_CLIENT_VERSION);
    assert_int_equal(last(r)->version, 0);
    assert_string_equal(hp_pcp_client_event_name(last(r)->kind), "version");
    assert_int_equal(hp_pcp_client_deadline(r->client), HP_NEVER);
}

/* Cut answers and strangers. */
static void test_hostile(void **state)
{
    rig *r = *state;
    r->deaf = true;
    hp_pcp_client_map(r->client, 0, &(hp_pcp_wish){.protocol = HP_LEASE_UDP, .internal_port = 5000});
    run_to(r, 0);
    uint8_t answer[64] = {0};
    memcpy(answer, r->request, 60);
    answer[1] |= 0x80;
    memset(answer + 8, 0, 16);
    hp_addr gateway_address = gateway_addr("192.168.1.1:5351"), stranger = gateway_addr("192.168.1.66:5351");
    hp_pcp_client_input(r->client, 0, &stranger, answer, 60);
    for (size_t i = 0; i < 60; i++) {
        g_autofree uint8_t *exact = g_memdup2(answer, i);
        hp_pcp_client_input(r->client, 0, &gateway_address, exact, i);
    }
    answer[24] ^= 1;
    hp_pcp_client_input(r->client, 0, &gateway_address, answer, 60);
    assert_int_equal(r->events, 0);
    answer[24] ^= 1;
    hp_pcp_client_input(r->client, 0, &gateway_address, answer, 60);
    assert_int_equal(r->events, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_and_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reboot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
