/* NAT-PMP, both sides: exact messages, the table behind them, retransmission, renewal, reboots. */
#include "engines/pcp_gateway.h"

#include "engines/nat_pmp.h"
#include "engines/pcp.h"

typedef struct rig {
    gateway g;
    hp_nat_pmp_server *server;
    hp_nat_pmp_client *client;
    hp_port_client_config client_config;
    hp_addr host;
    hp_time now;
    /* what the server sent last */
    unsigned sent;
    hp_time sent_at[16];
    hp_addr to;
    uint8_t bytes[1200];
    size_t length;
    hp_nat_pmp_server_event event;
    /* the client */
    bool deaf; /* the server hears nothing */
    unsigned asked, events;
    hp_time asked_at[16];
    uint8_t request[16];
    size_t request_length;
    hp_nat_pmp_client_event told[16];
} rig;

static void on_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    rig *r = user;
    r->sent_at[r->sent++ % 16] = now;
    r->to = *to;
    memcpy(r->bytes, data, len);
    r->length = len;
    if (r->client != NULL) {
        hp_addr gateway_address = gateway_addr("192.168.1.1:5351");
        hp_nat_pmp_client_input(r->client, now, &gateway_address, r->bytes, len);
    }
}

static void on_event(void *user, hp_time now, const hp_nat_pmp_server_event *event)
{
    rig *r = user;
    r->event = *event;
}

static void on_ask(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    rig *r = user;
    r->asked_at[r->asked++ % 16] = now;
    memcpy(r->request, data, len);
    r->request_length = len;
    if (!r->deaf) {
        hp_nat_pmp_server_input(r->server, now, &r->host, data, len);
    }
}

static void on_told(void *user, hp_time now, const hp_nat_pmp_client_event *event)
{
    rig *r = user;
    r->told[r->events++ % 16] = *event;
}

static void start(rig *r)
{
    static const hp_nat_pmp_server_ops ops = {.send = on_send, .event = on_event};
    gateway_start(&r->g, 0);
    g_clear_pointer(&r->server, hp_nat_pmp_server_free);
    r->server = hp_nat_pmp_server_new(r->g.leases, &ops, r);
}

static void start_client(rig *r)
{
    static const hp_nat_pmp_client_ops ops = {.send = on_ask, .event = on_told};
    r->client_config.gateway = gateway_addr("192.168.1.1");
    r->client = hp_nat_pmp_client_new(&r->client_config, &ops, r);
}

static int setup(void **state)
{
    rig *r = g_new0(rig, 1);
    r->host = gateway_addr("192.168.1.10:50000");
    start(r);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig *r = *state;
    hp_nat_pmp_client_free(r->client);
    hp_nat_pmp_server_free(r->server);
    hp_leases_free(r->g.leases);
    g_free(r);
    return 0;
}

/* What the server answers; "" for silence. */
static void exchange(rig *r, const char *request, const char *answer)
{
    g_autoptr(GBytes) bytes = hex_bytes(request);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_autofree uint8_t *exact = g_memdup2(data, len);
    r->length = 0;
    hp_nat_pmp_server_input(r->server, r->now, &r->host, exact, len);
    gateway_assert_bytes(r->bytes, r->length, answer);
}

static void test_address(void **state)
{
    rig *r = *state;
    r->now = 5999 * HP_MS;
    exchange(r, "0000", "0080 0000 00000005 cb007105");
    assert_true(hp_addr_equal(&r->to, &r->host));
    r->g.external = (hp_addr){0};
    exchange(r, "0000", "0080 0003 00000005 00000000");
    assert_int_equal(r->event.code, HP_NAT_PMP_NETWORK_FAILURE);
}

/* Sections 3.3 and 3.4. */
static void test_map(void **state)
{
    rig *r = *state;
    exchange(r, "0001 0000 1388 1770 00000e10", "0081 0000 00000000 1388 1770 00000e10");
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    hp_lease *l = hp_leases_nth(r->g.leases, 0);
    assert_int_equal(l->protocol, HP_LEASE_UDP);
    hp_addr internal = gateway_addr("192.168.1.10:5000"), external = gateway_addr("203.0.113.5:6000");
    assert_true(hp_addr_equal(&l->internal, &internal));
    assert_true(hp_addr_equal(&l->external, &external));
    assert_int_equal(l->expires, 3600 * HP_S);
    /* Once more, with another wish: the same mapping, a new lifetime. */
    r->now = 100 * HP_S;
    exchange(r, "0001 ffff 1388 1771 0000003c", "0081 0000 00000064 1388 1770 0000003c");
    assert_int_equal(l->expires, 160 * HP_S);
    assert_int_equal(hp_leases_deadline(r->g.leases), 160 * HP_S);
    /* TCP is another one. */
    exchange(r, "0002 0000 1388 0000 00000e10", "0082 0000 00000064 1388 9c40 00000e10");
    /* No longer than a day. */
    exchange(r, "0002 0000 1388 0000 ffffffff", "0082 0000 00000064 1388 9c40 00015180");
    r->now = 160 * HP_S;
    hp_nat_pmp_server_run(r->server, r->now);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    assert_int_equal(r->g.expired, 1);
    assert_int_equal(r->g.unmapped, 1);
    /* Deletion, again, and of what never was. */
    exchange(r, "0002 0000 1388 0000 00000000", "0082 0000 000000a0 1388 0000 00000000");
    exchange(r, "0002 0000 1388 0000 00000000", "0082 0000 000000a0 1388 0000 00000000");
    assert_int_equal(hp_leases_count(r->g.leases), 0);
    assert_int_equal(r->g.unmapped, 2);
}

static void test_delete_all(void **state)
{
    rig *r = *state;
    exchange(r, "0001 0000 1388 0000 00000e10", "0081 0000 00000000 1388 9c40 00000e10");
    exchange(r, "0001 0000 1389 0000 00000e10", "0081 0000 00000000 1389 9c41 00000e10");
    exchange(r, "0002 0000 1389 0000 00000e10", "0082 0000 00000000 1389 9c42 00000e10");
    r->host = gateway_addr("192.168.1.11:50000");
    exchange(r, "0001 0000 1388 0000 00000e10", "0081 0000 00000000 1388 9c43 00000e10");
    r->host = gateway_addr("192.168.1.10:50000");
    exchange(r, "0001 0000 0000 0000 00000000", "0081 0000 00000000 0000 0000 00000000");
    assert_int_equal(hp_leases_count(r->g.leases), 2);
    /* One of UPnP's cannot be deleted, neither alone nor with all; the others are. */
    hp_lease_want want = {
        .by = HP_LEASE_UPNP,
        .protocol = HP_LEASE_TCP,
        .internal = gateway_addr("192.168.1.10:80"),
        .lifetime = HP_NEVER,
    };
    hp_lease *l;
    assert_int_equal(hp_leases_grant(r->g.leases, 0, &want, &l), HP_LEASE_GRANTED);
    exchange(r, "0002 0000 0050 0000 00000000", "0082 0002 00000000 0050 0000 00000000");
    exchange(r, "0002 0000 0000 0000 00000000", "0082 0002 00000000 0000 0000 00000000");
    assert_int_equal(hp_leases_count(r->g.leases), 2);
    /* But asked for, it is told. */
    exchange(r, "0002 0000 0050 0000 00000e10", "0082 0000 00000000 0050 9c44 00000e10");
}

static void test_refusals(void **state)
{
    rig *r = *state;
    r->g.refusal = HP_LEASE_NO_RESOURCES;
    exchange(r, "0001 0000 1388 1770 00000e10", "0081 0004 00000000 1388 0000 00000000");
    r->g.refusal = HP_LEASE_GRANTED;
    r->g.external = (hp_addr){0};
    exchange(r, "0001 0000 1388 1770 00000e10", "0081 0003 00000000 1388 0000 00000000");
    r->g.config.refuse = true;
    start(r);
    exchange(r, "0001 0000 1388 1770 00000e10", "0081 0002 00000000 1388 0000 00000000");
    r->g.config = (hp_port_mapping_config){.max_mappings = 2, .max_per_host = 1};
    r->g.external = gateway_addr("203.0.113.5");
    start(r);
    exchange(r, "0001 0000 0000 1770 00000e10", "0081 0002 00000000 0000 0000 00000000"); /* port 0 */
    exchange(r, "0001 0000 1388 1770 00000e10", "0081 0000 00000000 1388 1770 00000e10");
    exchange(r, "0001 0000 1389 1771 00000e10", "0081 0004 00000000 1389 0000 00000000");
    r->host = gateway_addr("192.168.1.11:50000");
    exchange(r, "0001 0000 1389 1771 00000e10", "0081 0000 00000000 1389 1771 00000e10");
    r->host = gateway_addr("192.168.1.12:50000");
    exchange(r, "0001 0000 1389 1772 00000e10", "0081 0004 00000000 1389 0000 00000000");
}

/* Section 3.3: the port of the other transport is kept for the same host. */
static void test_companion(void **state)
{
    rig *r = *state;
    exchange(r, "0002 0000 0050 0050 00000e10", "0082 0000 00000000 0050 0050 00000e10");
    r->host = gateway_addr("192.168.1.11:50000");
    exchange(r, "0001 0000 0050 0050 00000e10", "0081 0000 00000000 0050 9c40 00000e10");
    r->g.next_port = 80;
    exchange(r, "0001 0000 0051 0000 00000e10", "0081 0000 00000000 0051 0051 00000e10");
    assert_int_equal(r->g.unmapped, 1);
    r->host = gateway_addr("192.168.1.10:50000");
    exchange(r, "0001 0000 0050 0050 00000e10", "0081 0000 00000000 0050 0050 00000e10");
}

/* Section 3.5. */
static void test_odd_requests(void **state)
{
    rig *r = *state;
    r->now = 7 * HP_S;
    exchange(r, "", "");
    exchange(r, "00", "");
    exchange(r, "0080", ""); /* a response */
    exchange(r, "0001 0000 1388 1770 00000e", ""); /* cut short */
    exchange(r, "0101", "0080 0001 00000007");
    exchange(r, "0201 0000 00000e10 00000000 00000000 0000ffff c0a8010a", "0080 0001 00000007");
    exchange(r, "0003", "0083 0005");
    exchange(r, "007f 0000 0102030405", "00ff 0005 0102030405");
    exchange(r, "0000 beef", "0080 0000 00000007 cb007105");
    r->host = gateway_addr("[2001:db8::1]:5000");
    exchange(r, "0000", "");
}

/* Section 3.2.1: ten, doubling from 250 ms, the epoch counting on. */
static void test_announcements(void **state)
{
    rig *r = *state;
    hp_leases_reset(r->g.leases, HP_S);
    hp_nat_pmp_server_announce(r->server, HP_S);
    hp_time expected = HP_S;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(hp_nat_pmp_server_deadline(r->server), expected);
        hp_nat_pmp_server_run(r->server, expected);
        assert_int_equal(r->sent, i + 1);
        expected += (250 * HP_MS) << i;
    }
    assert_int_equal(hp_nat_pmp_server_deadline(r->server), HP_NEVER);
    gateway_assert_bytes(r->bytes, r->length, "0080 0000 0000007f cb007105");
    hp_addr group = gateway_addr("224.0.0.1:5350");
    assert_true(hp_addr_equal(&r->to, &group));
    r->g.config.no_announce = true;
    start(r);
    hp_nat_pmp_server_announce(r->server, 0);
    assert_int_equal(hp_nat_pmp_server_deadline(r->server), HP_NEVER);
}

/* ---- the client ---- */

static void run_to(rig *r, hp_time until)
{
    hp_time next;
    while ((next = MIN(hp_nat_pmp_client_deadline(r->client), hp_nat_pmp_server_deadline(r->server))) <= until) {
        r->now = MAX(r->now, next);
        hp_nat_pmp_client_run(r->client, r->now);
        hp_nat_pmp_server_run(r->server, r->now);
    }
    r->now = until;
}

static void test_client(void **state)
{
    rig *r = *state;
    start_client(r);
    hp_nat_pmp_client_ask_address(r->client, 0);
    uint64_t a = hp_nat_pmp_client_map(r->client, 0, HP_LEASE_UDP, 5000, 6000, 100 * HP_S);
    uint64_t b = hp_nat_pmp_client_map(r->client, 0, HP_LEASE_TCP, 5001, 0, 0);
    assert_int_equal(a, 1);
    assert_int_equal(b, 2);
    run_to(r, HP_MS);
    assert_int_equal(r->asked, 3);
    assert_int_equal(r->events, 3);
    assert_int_equal(r->told[0].kind, HP_NAT_PMP_EXTERNAL_ADDRESS);
    assert_int_equal(r->told[1].kind, HP_NAT_PMP_MAPPED);
    assert_int_equal(r->told[1].mapping, a);
    hp_addr external = gateway_addr("203.0.113.5:6000");
    assert_true(hp_addr_equal(&r->told[1].external, &external));
    assert_int_equal(r->told[1].lifetime, 100);
    gateway_assert_bytes(r->request, r->request_length, "0002 0000 1389 0000 00001c20");
    /* Halfway: with the port it has. */
    run_to(r, 50 * HP_S - 1);
    assert_int_equal(r->asked, 3);
    run_to(r, 50 * HP_S);
    assert_int_equal(r->asked, 4);
    gateway_assert_bytes(r->request, r->request_length, "0001 0000 1388 1770 00000064");
    assert_int_equal(r->told[3].kind, HP_NAT_PMP_RENEWED);
    hp_nat_pmp_client_unmap(r->client, r->now, a);
    hp_nat_pmp_client_unmap(r->client, r->now, 77);
    run_to(r, 60 * HP_S);
    gateway_assert_bytes(r->request, r->request_length, "0001 0000 1388 0000 00000000");
    assert_int_equal(r->told[4].kind, HP_NAT_PMP_UNMAPPED);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
}

/* Section 3.1: nine requests, 250 ms doubling, 64 s after the last. */
static void test_client_silence(void **state)
{
    rig *r = *state;
    r->deaf = true;
    start_client(r);
    hp_nat_pmp_client_map(r->client, 0, HP_LEASE_UDP, 5000, 0, 0);
    run_to(r, 127749 * HP_MS);
    assert_int_equal(r->asked, 9);
    for (unsigned i = 0; i < 9; i++) {
        assert_int_equal(r->asked_at[i], 250 * HP_MS * ((1U << i) - 1));
    }
    assert_int_equal(r->events, 0);
    run_to(r, 127750 * HP_MS);
    assert_int_equal(r->events, 1);
    assert_int_equal(r->told[0].kind, HP_NAT_PMP_NO_ANSWER);
    assert_int_equal(hp_nat_pmp_client_deadline(r->client), HP_NEVER);
    /* Port unreachable says the same sooner. */
    hp_nat_pmp_client_ask_address(r->client, r->now);
    run_to(r, r->now);
    hp_nat_pmp_client_unreachable(r->client, r->now);
    assert_int_equal(r->told[1].kind, HP_NAT_PMP_NO_ANSWER);
    assert_int_equal(r->told[1].mapping, 0);
}

/* A renewal that fails, the expiry after it, a deletion nobody hears. */
static void test_client_expiry(void **state)
{
    rig *r = *state;
    r->client_config.attempts = 2;
    start_client(r);
    hp_nat_pmp_client_map(r->client, 0, HP_LEASE_UDP, 5000, 0, 16 * HP_S);
    run_to(r, HP_S);
    r->deaf = true;
    run_to(r, 16 * HP_S - 1);
    /* 8 s, then each time halfway to the end, while that is a second away. */
    assert_int_equal(r->asked_at[1], 8 * HP_S);
    assert_int_equal(r->asked_at[2], 8250 * HP_MS);
    assert_int_equal(r->asked_at[3], 12375 * HP_MS);
    run_to(r, 16 * HP_S);
    assert_int_equal(r->told[(r->events - 1) % 16].kind, HP_NAT_PMP_EXPIRED);
    assert_int_equal(hp_nat_pmp_client_deadline(r->client), HP_NEVER);
    uint64_t m = hp_nat_pmp_client_map(r->client, r->now, HP_LEASE_UDP, 5000, 0, 16 * HP_S);
    r->deaf = false;
    run_to(r, 17 * HP_S);
    r->deaf = true;
    unsigned asked = r->asked;
    hp_nat_pmp_client_unmap(r->client, r->now, m);
    run_to(r, 20 * HP_S);
    assert_int_equal(r->asked, asked + 2);
    assert_int_equal(r->told[(r->events - 1) % 16].kind, HP_NAT_PMP_NO_ANSWER);
}

/* Sections 3.6 and 3.7. */
static void test_client_reboot(void **state)
{
    rig *r = *state;
    start_client(r);
    hp_nat_pmp_client_map(r->client, 0, HP_LEASE_UDP, 5000, 6000, 0);
    run_to(r, 100 * HP_S);
    hp_leases_reset(r->g.leases, r->now);
    assert_int_equal(hp_leases_count(r->g.leases), 0);
    hp_nat_pmp_server_announce(r->server, r->now);
    run_to(r, 100 * HP_S);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    assert_int_equal(r->asked, 2);
    assert_int_equal(r->told[1].kind, HP_NAT_PMP_REBOOTED);
    assert_int_equal(r->told[2].kind, HP_NAT_PMP_EXTERNAL_ADDRESS);
    assert_int_equal(r->told[3].kind, HP_NAT_PMP_RENEWED);
    assert_int_equal(hp_leases_nth(r->g.leases, 0)->external.port, 6000);
    run_to(r, 300 * HP_S);
    assert_int_equal(r->asked, 2);
    /* Another port this time: told as a new mapping. */
    hp_leases_reset(r->g.leases, r->now);
    r->g.taken = 6000;
    hp_nat_pmp_server_announce(r->server, r->now);
    run_to(r, 301 * HP_S);
    hp_nat_pmp_client_event last = r->told[(r->events - 1) % 16];
    assert_int_equal(last.kind, HP_NAT_PMP_MAPPED);
    assert_int_equal(last.external.port, 40000);
}

static void test_client_refused(void **state)
{
    rig *r = *state;
    r->g.config.max_mappings = 1;
    start(r);
    start_client(r);
    hp_nat_pmp_client_map(r->client, 0, HP_LEASE_UDP, 5000, 0, 0);
    hp_nat_pmp_client_map(r->client, 0, HP_LEASE_UDP, 5001, 0, 0);
    run_to(r, HP_S);
    assert_int_equal(r->told[1].kind, HP_NAT_PMP_REFUSED);
    assert_int_equal(r->told[1].code, HP_NAT_PMP_OUT_OF_RESOURCES);
    /* Strangers, requests, cut answers and answers to others change nothing. */
    r->deaf = true;
    hp_nat_pmp_client_map(r->client, r->now, HP_LEASE_UDP, 5002, 0, 0);
    run_to(r, HP_S);
    unsigned events = r->events;
    hp_addr gateway_address = gateway_addr("192.168.1.1:5351"), stranger = gateway_addr("192.168.1.66:5351");
    g_autoptr(GBytes) good = hex_bytes("0081 0000 00000001 138a 9c50 00000e10");
    const uint8_t *data = g_bytes_get_data(good, NULL);
    hp_nat_pmp_client_input(r->client, r->now, &stranger, data, 16);
    for (size_t i = 0; i < 16; i++) {
        g_autofree uint8_t *exact = g_memdup2(data, i);
        hp_nat_pmp_client_input(r->client, r->now, &gateway_address, exact, i);
    }
    g_autoptr(GBytes) other = hex_bytes("0082 0000 00000001 138a 9c50 00000e10");
    hp_nat_pmp_client_input(r->client, r->now, &gateway_address, g_bytes_get_data(other, NULL), 16);
    assert_int_equal(r->events, events);
    hp_nat_pmp_client_input(r->client, r->now, &gateway_address, data, 16);
    assert_int_equal(r->events, events + 1);
    assert_string_equal(hp_nat_pmp_client_event_name(r->told[events].kind), "mapped");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delete_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_companion, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_announcements, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_reboot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
