/* The PCP server: exact messages, what is malformed, nonces, PEER, options, announcements. */
#include "engines/pcp_gateway.h"

#include "engines/pcp.h"

typedef struct rig {
    gateway g;
    hp_pcp_server *server;
    hp_nat_pmp_server *nat_pmp;
    hp_addr host;
    hp_time now;
    unsigned sent;
    hp_addr to;
    uint8_t bytes[1200];
    size_t length;
    hp_pcp_server_event event;
} rig;

static void on_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    rig *r = user;
    r->sent++;
    r->to = *to;
    memcpy(r->bytes, data, len);
    r->length = len;
}

static void on_event(void *user, hp_time now, const hp_pcp_server_event *event)
{
    rig *r = user;
    r->event = *event;
}

static void start(rig *r)
{
    static const hp_pcp_server_ops ops = {.send = on_send, .event = on_event};
    static const hp_nat_pmp_server_ops nat_pmp_ops = {.send = on_send};
    gateway_start(&r->g, 0);
    g_clear_pointer(&r->server, hp_pcp_server_free);
    g_clear_pointer(&r->nat_pmp, hp_nat_pmp_server_free);
    r->server = hp_pcp_server_new(r->g.leases, true, true, &ops, r);
    r->nat_pmp = hp_nat_pmp_server_new(r->g.leases, &nat_pmp_ops, r);
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
    hp_pcp_server_free(r->server);
    hp_nat_pmp_server_free(r->nat_pmp);
    hp_leases_free(r->g.leases);
    g_free(r);
    return 0;
}

static void send_hex(rig *r, const char *request)
{
    g_autoptr(GBytes) bytes = hex_bytes(request);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_autofree uint8_t *exact = g_memdup2(data, len);
    r->length = 0;
    hp_pcp_server_input(r->server, r->now, &r->host, exact, len);
}

static void exchange(rig *r, const char *request, const char *answer)
{
    send_hex(r, request);
    gateway_assert_bytes(r->bytes, r->length, answer);
}

static void assert_result(rig *r, const char *request, hp_pcp_result result)
{
    send_hex(r, request);
    assert_int_not_equal(r->length, 0);
    if (r->bytes[3] != result) {
        fail_msg("%s instead of %s", hp_pcp_result_name(r->bytes[3]), hp_pcp_result_name(result));
    }
    assert_int_equal(r->event.result, result);
}

#define HOST "00000000000000000000ffffc0a8010a"
#define ANY "00000000000000000000ffff00000000"
#define OUTSIDE "00000000000000000000ffffcb007105"
#define PEER_A "00000000000000000000ffffc6336401"
#define PEER_B "00000000000000000000ffffc6336402"
#define NONCE "0102030405060708090a0b0c"
#define OTHER "ffffffffffffffffffffffff"
#define ZERO12 "000000000000000000000000"
#define UDP "11000000"
#define TCP "06000000"
#define MAP(lifetime, nonce, protocol, ports, external) "0201 0000" lifetime HOST nonce protocol ports external

static void test_map(void **state)
{
    rig *r = *state;
    r->now = 9 * HP_S;
    exchange(r, MAP("00000e10", NONCE, UDP, "1388 1770", ANY),
             "0281 0000 00000e10 00000009" ZERO12 NONCE UDP "1388 1770" OUTSIDE);
    assert_true(hp_addr_equal(&r->to, &r->host));
    hp_lease *l = hp_leases_nth(r->g.leases, 0);
    assert_int_equal(l->expires, 3609 * HP_S);
    assert_int_equal(l->external.port, 6000);
    hp_addr internal = gateway_addr("192.168.1.10:5000");
    assert_true(hp_addr_equal(&r->event.internal, &internal));
    /* Renewed, whatever is suggested now; lifetimes within 2 min and a day. */
    r->now = 100 * HP_S;
    exchange(r, MAP("0000003c", NONCE, UDP, "1388 1771", ANY),
             "0281 0000 00000078 00000064" ZERO12 NONCE UDP "1388 1770" OUTSIDE);
    assert_int_equal(l->expires, 220 * HP_S);
    exchange(r, MAP("ffffffff", NONCE, UDP, "1388 1770", OUTSIDE),
             "0281 0000 00015180 00000064" ZERO12 NONCE UDP "1388 1770" OUTSIDE);
    /* No wish. */
    exchange(r, MAP("00000e10", NONCE, TCP, "1388 0000", ANY),
             "0281 0000 00000e10 00000064" ZERO12 NONCE TCP "1388 9c40" OUTSIDE);
    assert_int_equal(hp_leases_count(r->g.leases), 2);
    assert_int_equal(r->g.mapped, 2);
}

/* Section 11.3 and 15.1: who may change and end a mapping. */
static void test_nonce_and_delete(void **state)
{
    rig *r = *state;
    assert_result(r, MAP("00000e10", NONCE, UDP, "1388 1770", ANY), HP_PCP_SUCCESS);
    exchange(r, MAP("00000e10", OTHER, UDP, "1388 1770", ANY),
             "0281 0002 00000708 00000000" ZERO12 OTHER UDP "1388 1770" ANY);
    assert_result(r, MAP("00000000", OTHER, UDP, "1388 1770", ANY), HP_PCP_NOT_AUTHORIZED);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    exchange(r, MAP("00000000", NONCE, UDP, "1388 1770", ANY),
             "0281 0000 00000000 00000000" ZERO12 NONCE UDP "1388 1770" ANY);
    assert_int_equal(hp_leases_count(r->g.leases), 0);
    assert_int_equal(r->g.unmapped, 1);
    exchange(r, MAP("00000000", NONCE, UDP, "1388 1770", ANY),
             "0281 0000 00000000 00000000" ZERO12 NONCE UDP "1388 1770" ANY);
    /* All of a protocol, all protocols: those with the nonce. */
    assert_result(r, MAP("00000e10", NONCE, UDP, "1388 0000", ANY), HP_PCP_SUCCESS);
    assert_result(r, MAP("00000e10", NONCE, UDP, "1389 0000", ANY), HP_PCP_SUCCESS);
    assert_result(r, MAP("00000e10", NONCE, TCP, "1389 0000", ANY), HP_PCP_SUCCESS);
    assert_result(r, MAP("00000e10", OTHER, UDP, "138a 0000", ANY), HP_PCP_SUCCESS);
    assert_result(r, MAP("00000000", NONCE, UDP, "0000 0000", ANY), HP_PCP_SUCCESS);
    assert_int_equal(hp_leases_count(r->g.leases), 2);
    assert_result(r, MAP("00000000", NONCE, "00000000", "0000 0000", ANY), HP_PCP_SUCCESS);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    assert_result(r, MAP("00000000", NONCE, "00000000", "0000 0000", ANY), HP_PCP_NOT_AUTHORIZED);
    /* What NAT-PMP made is told of, not taken over. */
    hp_lease_want want = {
        .by = HP_LEASE_NAT_PMP,
        .protocol = HP_LEASE_UDP,
        .internal = gateway_addr("192.168.1.10:7000"),
        .lifetime = 60 * HP_S,
    };
    hp_lease *l;
    assert_int_equal(hp_leases_grant(r->g.leases, 0, &want, &l), HP_LEASE_GRANTED);
    assert_result(r, MAP("00000e10", NONCE, UDP, "1b58 0000", ANY), HP_PCP_SUCCESS);
    assert_int_equal(l->expires, 60 * HP_S);
    assert_result(r, MAP("00000000", NONCE, UDP, "1b58 0000", ANY), HP_PCP_NOT_AUTHORIZED);
}

#define GOOD MAP("00000e10", NONCE, UDP, "1388 1770", ANY)

static void test_malformed(void **state)
{
    rig *r = *state;
    static const char *const silent[] = {"", "02", "0281 0000" HOST, "0281 0000 00000000 00000000" ZERO12};
    for (size_t i = 0; i < G_N_ELEMENTS(silent); i++) {
        exchange(r, silent[i], "");
    }
    /* Section 7.2: what could not be parsed comes back, the end of the client's address in the reserved field. */
    exchange(r, "0101 0000 00000e10" HOST, "0281 0001 00000708 00000000 00000000 0000ffff c0a8010a");
    exchange(r, "0000", "0280 0001 00000708 00000000" ZERO12);
    exchange(r, "0201 0000 00000e10", "0281 0003 00000708 00000000" ZERO12);
    exchange(r, "0201 0000 00000e10" HOST "01", "0281 0003 00000708 00000000 00000000 0000ffff c0a8010a 01000000");
    static const struct {
        const char *hex;
        hp_pcp_result result;
    } cases[] = {
        {"0201 0000 00000e10" HOST NONCE UDP "1388 1770", HP_PCP_MALFORMED_REQUEST}, /* cut short */
        {"0203 0000 00000e10" HOST NONCE UDP "1388 1770" ANY, HP_PCP_UNSUPP_OPCODE},
        {"0201 0000 00000e10 00000000000000000000ffffc0a8010b" NONCE UDP "1388 1770" ANY, HP_PCP_ADDRESS_MISMATCH},
        {MAP("00000e10", NONCE, "84000000", "1388 0000", ANY), HP_PCP_UNSUPP_PROTOCOL},
        {MAP("00000e10", NONCE, "00000000", "1388 0000", ANY), HP_PCP_UNSUPP_PROTOCOL},
        {MAP("00000e10", NONCE, "00000000", "0000 0000", ANY), HP_PCP_UNSUPP_PROTOCOL},
        {MAP("00000e10", NONCE, UDP, "0000 0000", ANY), HP_PCP_UNSUPP_PROTOCOL},
        {GOOD "01000010" PEER_A, HP_PCP_UNSUPP_OPTION}, /* THIRD_PARTY */
        {GOOD "01000010" HOST, HP_PCP_MALFORMED_REQUEST}, /* which is the client itself */
        {GOOD "01000004 00000000", HP_PCP_MALFORMED_OPTION},
        {GOOD "7f000000", HP_PCP_UNSUPP_OPTION},
        {GOOD "02000000 02000000", HP_PCP_MALFORMED_OPTION},
        {GOOD "02000004 00000000", HP_PCP_MALFORMED_OPTION},
        {GOOD "02000004", HP_PCP_MALFORMED_OPTION}, /* longer than the message */
        {GOOD "0200ffff", HP_PCP_MALFORMED_OPTION},
        {GOOD "03000010 00600000" HOST, HP_PCP_MALFORMED_OPTION},
        {GOOD "03000014 005f0000" HOST, HP_PCP_MALFORMED_OPTION}, /* an IPv4 prefix below 96 */
        {GOOD "03000014 00810000" HOST, HP_PCP_MALFORMED_OPTION},
        {"0200 0000 00000000" HOST "02000000", HP_PCP_MALFORMED_OPTION},
        {"0202 0000 00000e10" HOST NONCE UDP "1388 0000" ANY, HP_PCP_MALFORMED_REQUEST}, /* PEER without a peer */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_result(r, cases[i].hex, cases[i].result);
        assert_int_equal(r->event.lifetime, 1800);
        assert_int_equal(r->length % 4, 0);
    }
    assert_int_equal(hp_leases_count(r->g.leases), 0);
    /* Longer than 1100 bytes: the answer is cut. */
    g_autofree uint8_t *big = g_malloc0(1104);
    big[0] = 2;
    big[1] = 1;
    hp_pcp_server_input(r->server, 0, &r->host, big, 1104);
    assert_int_equal(r->length, 1100);
    assert_int_equal(r->bytes[3], HP_PCP_MALFORMED_REQUEST);
    /* An option that may be skipped is, and does not come back. */
    exchange(r, GOOD "80000001 ff000000 02000000",
             "0281 0000 00000e10 00000000" ZERO12 NONCE UDP "1388 1770" OUTSIDE "02000000");
}

static void test_every_truncation(void **state)
{
    rig *r = *state;
    g_autoptr(GBytes) bytes = hex_bytes(GOOD "02000000 03000014 00800000" HOST);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    for (size_t i = 0; i <= len; i++) {
        g_autofree uint8_t *exact = g_memdup2(data, i);
        r->length = 0;
        hp_pcp_server_input(r->server, 0, &r->host, exact, i);
        if (i < 2) {
            assert_int_equal(r->length, 0);
            continue;
        }
        assert_in_range(r->length, HP_PCP_HEADER, HP_PCP_MAX);
        bool whole = i == 60 || i == 64 || i == len;
        assert_int_equal(r->bytes[3] == HP_PCP_SUCCESS, whole);
    }
}

/* Section 13.2. */
static void test_prefer_failure(void **state)
{
    rig *r = *state;
    r->g.taken = 6000;
    exchange(r, GOOD "02000000", "0281 000b 0000001e 00000000" ZERO12 NONCE UDP "1388 1770" ANY "02000000");
    assert_int_equal(hp_leases_count(r->g.leases), 0);
    assert_result(r, GOOD, HP_PCP_SUCCESS);
    assert_int_equal(r->event.external.port, 40000);
    assert_result(r, GOOD "02000000", HP_PCP_CANNOT_PROVIDE_EXTERNAL);
    assert_result(r, MAP("00000e10", NONCE, UDP, "1388 9c40", OUTSIDE) "02000000", HP_PCP_SUCCESS);
    /* Another external address than the one there is. */
    assert_result(r, MAP("00000e10", NONCE, TCP, "1388 1388", HOST) "02000000", HP_PCP_CANNOT_PROVIDE_EXTERNAL);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
}

#define FILTER(bits, port, address) "03000014 00" bits port address

/* Section 13.3. */
static void test_filters(void **state)
{
    rig *r = *state;
    r->g.config.pcp_max_filters = 2;
    start(r);
    exchange(r, GOOD FILTER("80", "0000", PEER_A) FILTER("78", "0d96", PEER_B),
             "0281 0000 00000e10 00000000" ZERO12 NONCE UDP "1388 1770" OUTSIDE FILTER("80", "0000", PEER_A)
                 FILTER("78", "0d96", PEER_B));
    hp_lease *l = hp_leases_nth(r->g.leases, 0);
    char text[HP_ADDR_TEXT];
    assert_int_equal(l->n_filters, 2);
    assert_string_equal(hp_prefix_format(&l->filters[1].prefix, text), "198.51.100.0/24");
    assert_int_equal(l->filters[1].port, 3478);
    assert_int_equal(r->g.filtered, 1);
    /* A renewal that repeats them adds nothing; a third one is too many and changes nothing. */
    assert_result(r, GOOD FILTER("80", "0000", PEER_A), HP_PCP_SUCCESS);
    assert_int_equal(l->n_filters, 2);
    assert_result(r, GOOD FILTER("80", "0001", PEER_A), HP_PCP_EXCESSIVE_REMOTE_PEERS);
    assert_int_equal(l->n_filters, 2);
    /* Length 0 clears those before it, in the mapping and in the message. */
    assert_result(r, GOOD FILTER("80", "0001", PEER_A) FILTER("00", "0000", ANY) FILTER("80", "0002", PEER_B),
                  HP_PCP_SUCCESS);
    assert_int_equal(l->n_filters, 1);
    assert_int_equal(l->filters[0].port, 2);
    assert_result(r, GOOD FILTER("00", "0000", ANY), HP_PCP_SUCCESS);
    assert_int_equal(l->n_filters, 0);
}

#define PEER(lifetime, nonce, ports, external, remote) "0202 0000" lifetime HOST nonce UDP ports external remote

/* Section 12. */
static void test_peer(void **state)
{
    rig *r = *state;
    exchange(r, PEER("00000e10", NONCE, "1388 0000", ANY, "0d96 0000" PEER_A),
             "0282 0000 00000e10 00000000" ZERO12 NONCE UDP "1388 9c40" OUTSIDE "0d96 0000" PEER_A);
    hp_addr remote = gateway_addr("198.51.100.1:3478");
    assert_true(hp_addr_equal(&r->g.want.remote, &remote));
    assert_true(hp_addr_equal(&r->event.remote, &remote));
    /* Never shorter, never ended. */
    r->now = 600 * HP_S;
    assert_result(r, PEER("00000000", NONCE, "1388 0000", ANY, "0d96 0000" PEER_A), HP_PCP_SUCCESS);
    assert_int_equal(r->event.lifetime, 3000);
    assert_result(r, PEER("00000e10", NONCE, "1388 9c40", OUTSIDE, "0d96 0000" PEER_A), HP_PCP_SUCCESS);
    assert_int_equal(r->event.lifetime, 3600);
    assert_result(r, PEER("00000e10", OTHER, "1388 0000", ANY, "0d96 0000" PEER_A), HP_PCP_NOT_AUTHORIZED);
    assert_result(r, PEER("00000e10", NONCE, "1388 9c41", ANY, "0d96 0000" PEER_A), HP_PCP_CANNOT_PROVIDE_EXTERNAL);
    r->g.taken = 6000;
    assert_result(r, PEER("00000e10", NONCE, "1388 1770", ANY, "0d96 0000" PEER_B), HP_PCP_CANNOT_PROVIDE_EXTERNAL);
    assert_result(r, PEER("00000e10", NONCE, "1388 0000", ANY, "0d96 0000" PEER_B) "02000000",
                  HP_PCP_MALFORMED_REQUEST);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    /* Deleting all mappings leaves those of PEER. */
    assert_result(r, MAP("00000000", NONCE, "00000000", "0000 0000", ANY), HP_PCP_SUCCESS);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    r->g.config.pcp_no_peer = true;
    start(r);
    assert_result(r, PEER("00000e10", NONCE, "1388 0000", ANY, "0d96 0000" PEER_A), HP_PCP_UNSUPP_OPCODE);
}

static void test_refusals(void **state)
{
    rig *r = *state;
    static const struct {
        hp_lease_outcome outcome;
        hp_pcp_result result;
        unsigned lifetime;
    } cases[] = {
        {HP_LEASE_REFUSED, HP_PCP_NOT_AUTHORIZED, 1800},   {HP_LEASE_NO_RESOURCES, HP_PCP_NO_RESOURCES, 30},
        {HP_LEASE_QUOTA, HP_PCP_USER_EX_QUOTA, 30},        {HP_LEASE_TAKEN, HP_PCP_CANNOT_PROVIDE_EXTERNAL, 30},
        {HP_LEASE_NO_NETWORK, HP_PCP_NETWORK_FAILURE, 30},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        r->g.refusal = cases[i].outcome;
        assert_result(r, GOOD, cases[i].result);
        assert_int_equal(r->event.lifetime, cases[i].lifetime);
    }
    r->g.refusal = HP_LEASE_GRANTED;
    r->g.config.refuse = true;
    start(r);
    assert_result(r, GOOD, HP_PCP_NOT_AUTHORIZED);
    r->g.config = (hp_port_mapping_config){.max_per_host = 1};
    start(r);
    assert_result(r, GOOD, HP_PCP_SUCCESS);
    assert_result(r, MAP("00000e10", NONCE, UDP, "1389 0000", ANY), HP_PCP_USER_EX_QUOTA);
}

/* Section 14.1 and appendix A of RFC 6887. */
static void test_announce_and_versions(void **state)
{
    rig *r = *state;
    r->now = 3 * HP_S;
    exchange(r, "0200 0000 00000000" HOST, "0280 0000 00000000 00000003" ZERO12);
    hp_leases_reset(r->g.leases, 5 * HP_S);
    hp_pcp_server_announce(r->server, 5 * HP_S);
    unsigned before = r->sent;
    hp_pcp_server_run(r->server, 6 * HP_S); /* at 0, 250 and 750 ms, to both groups */
    assert_int_equal(r->sent, before + 6);
    gateway_assert_bytes(r->bytes, r->length, "0280 0000 00000000 00000001" ZERO12);
    hp_addr group = gateway_addr("[ff02::1]:5350");
    assert_true(hp_addr_equal(&r->to, &group));
    static const uint8_t address_request[2] = {0, 0};
    hp_port_control_input(r->nat_pmp, r->server, 6 * HP_S, &r->host, address_request, 2);
    gateway_assert_bytes(r->bytes, r->length, "0080 0000 00000001 cb007105");
    hp_port_control_input(NULL, r->server, 6 * HP_S, &r->host, address_request, 2);
    gateway_assert_bytes(r->bytes, r->length, "0280 0001 00000708 00000001" ZERO12);
    uint8_t announce[24] = {2};
    hp_port_control_input(r->nat_pmp, NULL, 6 * HP_S, &r->host, announce, sizeof announce);
    gateway_assert_bytes(r->bytes, r->length, "0080 0001 00000001");
    r->length = 0;
    hp_port_control_input(NULL, NULL, 6 * HP_S, &r->host, announce, sizeof announce);
    assert_int_equal(r->length, 0);
    r->g.config.keep_epoch = true;
    start(r);
    hp_leases_reset(r->g.leases, 5 * HP_S);
    assert_int_equal(hp_leases_epoch(r->g.leases, 6 * HP_S), 6);
}

/* IPv6 hosts ask for pinholes: the address stays, as far as the NAT lets it. */
static void test_ipv6(void **state)
{
    rig *r = *state;
    r->host = gateway_addr("[2001:db8::10]:5000");
    r->g.external = gateway_addr("2001:db8::10");
    exchange(
        r, "0201 0000 00000e10 20010db8000000000000000000000010" NONCE UDP "1388 1388 00000000000000000000000000000000",
        "0281 0000 00000e10 00000000" ZERO12 NONCE UDP "1388 1388 20010db8000000000000000000000010");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonce_and_delete, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_truncation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prefer_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_announce_and_versions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ipv6, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
