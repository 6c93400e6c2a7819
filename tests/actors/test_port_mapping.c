/* Gateways and their clients, each protocol through a LAN (actors/gateway.h, actors/port_client.h). */
#include "actors/gateway_lan.h"

typedef struct told {
    unsigned n;
    hp_addr external;
} told;

static void on_changed(void *user, uint64_t mapping, const hp_addr *external)
{
    told *t = user;
    t->n++;
    t->external = *external;
}

static hp_port_client *client_of(lan *l, hp_host *host, hp_port_mapping_protocol protocol, const char *local,
                                 hp_time lifetime)
{
    g_autoptr(GError) error = NULL;
    hp_addr ip = addr(local);
    hp_port_client_config config = {.gateway = addr(ip.family == HP_AF_IPV6 ? GATEWAY_IP6 : GATEWAY_IP),
                                    .lifetime = lifetime};
    hp_port_client *client = hp_port_client_new(host, hp_host_name(host), protocol, &ip, &config, &error);
    assert_null(error);
    g_ptr_array_add(l->clients, client);
    return client;
}

/* "at-us what state external; " of the events of one kind that came since. */
static const char *log_of(lan *l, hp_event_kind kind)
{
    static GString *text;
    hp_record record;
    char external[HP_ADDR_TEXT];
    if (text == NULL) {
        text = g_string_new(NULL);
    }
    g_string_truncate(text, 0);
    hp_trace_cursor start = l->cursor;
    while (lan_next(l, kind, &record)) {
        hp_addr a = hp_record_addr(&record, "external");
        g_string_append_printf(text, "%d ", (int)(record.at / HP_US));
        if (kind == HP_EV_GATEWAY_REQUEST) {
            g_string_append_printf(text, "%s %s %s", hp_record_text(&record, "protocol"),
                                   hp_record_text(&record, "request"), hp_record_text(&record, "outcome"));
        } else {
            const char *reason = kind == HP_EV_PORT_MAPPING ? hp_record_text(&record, "reason") : "";
            g_string_append_printf(text, "%s%s%s", hp_record_text(&record, "state"), *reason ? " " : "", reason);
        }
        if (a.family != HP_AF_NONE) {
            g_string_append_printf(text, " %s", hp_addr_format(&a, external));
        }
        g_string_append(text, "; ");
    }
    if (kind != HP_EV_PORT_MAPPING) { /* the peer's is looked at last */
        l->cursor = start;
    }
    return text->str;
}

static const hp_port_wish udp_5000 = {.protocol = HP_LEASE_UDP, .internal_port = 5000};

/* ---- one mapping, from asking to giving back ---- */

static void nat_pmp(void **state)
{
    lan *l = *state;
    told t = {0};
    lan_start(l);
    hp_port_client *client = client_of(l, l->alice, HP_PORT_MAPPING_NAT_PMP, ALICE_IP, 0);
    assert_string_equal(lan_from_outside(l, "203.0.113.9:9", EXTERNAL_IP ":1024"), "-");
    uint64_t number = hp_port_client_map(client, &udp_5000, on_changed, &t);
    assert_int_equal(t.n, 0); /* never from within */
    lan_until(l, HP_S);
    /* Each way takes 500 us; the external address is asked for first. */
    assert_string_equal(log_of(l, HP_EV_GATEWAY_REQUEST),
                        "500 nat-pmp address success; 1500 nat-pmp map success 192.0.2.1:1024; ");
    assert_string_equal(log_of(l, HP_EV_GATEWAY_MAPPING), "1500 mapped 192.0.2.1:1024; ");
    assert_string_equal(log_of(l, HP_EV_PORT_MAPPING), "0 requested; 2000 granted 192.0.2.1:1024; ");
    assert_int_equal(t.n, 1);
    assert_string_equal(hp_addr_format(&t.external, l->text), "192.0.2.1:1024");
    assert_string_equal(lan_from_outside(l, "203.0.113.9:9", EXTERNAL_IP ":1024"), "in");

    hp_port_client_unmap(client, number);
    lan_until(l, 2 * HP_S);
    assert_string_equal(log_of(l, HP_EV_GATEWAY_MAPPING), "1000500 unmapped 192.0.2.1:1024; ");
    assert_string_equal(log_of(l, HP_EV_PORT_MAPPING), "1001000 deleted 192.0.2.1:1024; ");
    assert_int_equal(t.n, 1); /* who gave it up is told nothing */
    assert_string_equal(lan_from_outside(l, "203.0.113.9:9", EXTERNAL_IP ":1024"), "-");
}

static void pcp(void **state)
{
    lan *l = *state;
    told t = {0};
    lan_start(l);
    hp_port_client *client = client_of(l, l->alice, HP_PORT_MAPPING_PCP, ALICE_IP, 200 * HP_S);
    hp_port_wish wish = udp_5000;
    wish.external_port = 7000;
    wish.remote = addr("203.0.113.9");
    uint64_t number = hp_port_client_map(client, &wish, on_changed, &t);
    lan_until(l, HP_S);
    assert_string_equal(log_of(l, HP_EV_GATEWAY_MAPPING), "500 mapped 192.0.2.1:7000; 500 filtered 192.0.2.1:7000; ");
    assert_string_equal(log_of(l, HP_EV_PORT_MAPPING), "0 requested; 1000 granted 192.0.2.1:7000; ");
    assert_string_equal(lan_from_outside(l, "203.0.113.9:9", EXTERNAL_IP ":7000"), "in");
    assert_string_equal(lan_from_outside(l, "203.0.113.8:9", EXTERNAL_IP ":7000"), "-");
    assert_int_equal(hp_port_client_find(client, HP_LEASE_UDP, 5000), number);
    assert_int_equal(hp_port_client_find(client, HP_LEASE_TCP, 5000), 0);
    /* Kept by renewing it halfway, for as long as the client wants. */
    lan_until(l, 1000 * HP_S);
    assert_string_equal(lan_from_outside(l, "203.0.113.9:9", EXTERNAL_IP ":7000"), "in");
    assert_int_equal(t.n, 1);
    hp_record record;
    assert_true(lan_next(l, HP_EV_PORT_MAPPING, &record));
    assert_string_equal(hp_record_text(&record, "state"), "renewed");
    assert_in_range(record.at, 100 * HP_S, 126 * HP_S);
    assert_int_equal(hp_record_u64(&record, "lifetime"), 200 * HP_S);
    g_ptr_array_remove(l->clients, client); /* says nothing: the lease runs out */
    lan_until(l, 1300 * HP_S);
    assert_true(g_str_has_suffix(log_of(l, HP_EV_GATEWAY_MAPPING), " expired 192.0.2.1:7000; "));
    assert_string_equal(lan_from_outside(l, "203.0.113.9:9", EXTERNAL_IP ":7000"), "-");
}

static void upnp(void **state)
{
    lan *l = *state;
    told t = {0};
    lan_start(l);
    hp_port_client *client = client_of(l, l->alice, HP_PORT_MAPPING_UPNP, ALICE_IP, 0);
    hp_port_wish wish = {.protocol = HP_LEASE_TCP, .internal_port = 8080, .external_port = 80, .exact = true};
    uint64_t number = hp_port_client_map(client, &wish, on_changed, &t);
    lan_until(l, 2 * HP_S);
    const char *requests = log_of(l, HP_EV_GATEWAY_REQUEST);
    assert_true(g_str_has_prefix(requests, "500 upnp M-SEARCH success; "));
    assert_non_null(strstr(requests, " upnp GET success; "));
    assert_non_null(strstr(requests, " upnp GetExternalIPAddress success 192.0.2.1; "));
    assert_true(g_str_has_suffix(requests, " upnp AddPortMapping success 192.0.2.1:80; "));
    assert_int_equal(t.n, 1);
    assert_string_equal(hp_addr_format(&t.external, l->text), "192.0.2.1:80");
    hp_port_client_unmap(client, number);
    lan_until(l, 3 * HP_S);
    assert_true(g_str_has_suffix(log_of(l, HP_EV_GATEWAY_MAPPING), " unmapped 192.0.2.1:80; "));
}

static void pcp_over_ipv6(void **state)
{
    lan *l = *state;
    told t = {0};
    lan_start(l);
    hp_port_client *client = client_of(l, l->alice, HP_PORT_MAPPING_PCP, ALICE_IP6, 0);
    hp_port_client_map(client, &udp_5000, on_changed, &t);
    lan_until(l, HP_S);
    assert_string_equal(log_of(l, HP_EV_PORT_MAPPING), "0 requested; 1000 granted [2001:db8::1]:1024; ");
    assert_string_equal(lan_from_outside(l, "[2001:db8:9::9]:9", "[" EXTERNAL_IP6 "]:1024"), "in");
    /* A reboot is announced to ff02::1; clocks may differ by two seconds before it counts as one. */
    lan_until(l, 10 * HP_S);
    hp_nat_reboot(l->nat);
    hp_gateway_restart(l->gateway);
    lan_until(l, 20 * HP_S);
    const char *log = log_of(l, HP_EV_PORT_MAPPING);
    assert_true(g_str_has_prefix(log, "10000500 rebooted; "));
    assert_true(g_str_has_suffix(log, " renewed [2001:db8::1]:1024; "));

    g_autoptr(GError) error = NULL;
    hp_addr ip = addr(ALICE_IP6);
    hp_port_client_config config = {0};
    assert_null(hp_port_client_new(l->alice, "alice", HP_PORT_MAPPING_NAT_PMP, &ip, &config, &error));
    assert_non_null(error);
}

/* ---- gateways that do not do as they are asked ---- */

static void a_gateway_with_nat_pmp_alone(void **state)
{
    lan *l = *state;
    told t = {0};
    l->config.pcp = false;
    lan_start(l);
    hp_port_client *client = client_of(l, l->alice, HP_PORT_MAPPING_PCP, ALICE_IP, 0);
    hp_port_client_map(client, &udp_5000, on_changed, &t);
    lan_until(l, HP_S);
    assert_string_equal(log_of(l, HP_EV_PORT_MAPPING), "0 requested; 1000 requested; 3000 granted 192.0.2.1:1024; ");
    assert_int_equal(t.n, 1);
}

static void refused(void **state)
{
    lan *l = *state;
    told t = {0};
    l->config.refuse = true;
    lan_start(l);
    hp_port_client *pmp = client_of(l, l->alice, HP_PORT_MAPPING_NAT_PMP, ALICE_IP, 0);
    hp_port_client *control = client_of(l, l->carol, HP_PORT_MAPPING_PCP, CAROL_IP, 0);
    hp_port_client_map(pmp, &udp_5000, on_changed, &t);
    hp_port_client_map(control, &udp_5000, on_changed, &t);
    hp_port_wish exact = {.protocol = HP_LEASE_UDP, .internal_port = 5001, .external_port = 80, .exact = true};
    hp_port_client_map(pmp, &exact, on_changed, &t); /* which NAT-PMP cannot say */
    lan_until(l, HP_S);
    assert_string_equal(log_of(l, HP_EV_PORT_MAPPING),
                        "0 requested; 0 requested; 0 requested; 0 refused unsupported; 1000 refused not-authorized; "
                        "2000 refused not-authorized; ");
    assert_int_equal(t.n, 3);
    assert_int_equal(t.external.family, HP_AF_NONE);
    assert_int_equal(hp_port_client_find(pmp, HP_LEASE_UDP, 5000), 0);
}

static void nobody_there(void **state)
{
    lan *l = *state;
    told t = {0};
    l->config = (hp_port_mapping_config){.upnp = true}; /* port 5351 is closed: an ICMP error says so */
    lan_start(l);
    hp_port_client *client = client_of(l, l->alice, HP_PORT_MAPPING_NAT_PMP, ALICE_IP, 0);
    hp_port_client_map(client, &udp_5000, on_changed, &t);
    lan_until(l, HP_S);
    assert_string_equal(log_of(l, HP_EV_PORT_MAPPING), "0 requested; 2000 no-answer; ");
    assert_int_equal(t.n, 1);
}

static void limits_are_common_to_all_protocols(void **state)
{
    lan *l = *state;
    told t = {0};
    l->config.max_per_host = 1;
    lan_start(l);
    hp_port_client *pmp = client_of(l, l->alice, HP_PORT_MAPPING_NAT_PMP, ALICE_IP, 0);
    hp_port_client_map(pmp, &udp_5000, on_changed, &t);
    lan_until(l, HP_S);
    hp_port_client *control = client_of(l, l->alice, HP_PORT_MAPPING_PCP, ALICE_IP, 0);
    hp_port_wish other = {.protocol = HP_LEASE_TCP, .internal_port = 80};
    hp_port_client_map(control, &other, on_changed, &t);
    lan_until(l, 2 * HP_S);
    assert_string_equal(log_of(l, HP_EV_PORT_MAPPING), "0 requested; 2000 granted 192.0.2.1:1024; 1000000 requested; "
                                                       "1001000 refused user-ex-quota; ");
}

/* ---- what happens to the NAT ---- */

static void a_reboot_is_announced(void **state)
{
    static const hp_port_mapping_protocol all[] = {HP_PORT_MAPPING_NAT_PMP, HP_PORT_MAPPING_UPNP};
    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        lan *l = *state;
        told t = {0};
        lan_start(l);
        hp_port_client *client = client_of(l, l->alice, all[i], ALICE_IP, 0);
        hp_port_client_map(client, &udp_5000, on_changed, &t);
        lan_until(l, 10 * HP_S);
        assert_int_equal(t.n, 1);
        log_of(l, HP_EV_PORT_MAPPING);
        hp_nat_reboot(l->nat);
        hp_gateway_restart(l->gateway);
        assert_string_equal(lan_from_outside(l, "203.0.113.9:9", EXTERNAL_IP ":1024"), "-");
        lan_until(l, 11 * HP_S);
        const char *log = log_of(l, HP_EV_PORT_MAPPING);
        assert_true(g_str_has_prefix(log, "10000500 rebooted; "));
        assert_non_null(strstr(log, " renewed 192.0.2.1:"));
        assert_int_equal(t.n, 1); /* the same port: nothing to tell */
        lan_teardown(state);
        lan_setup(state);
    }
}

static void a_renumbering_changes_the_address(void **state)
{
    lan *l = *state;
    told t = {0};
    lan_start(l);
    hp_port_client *client = client_of(l, l->alice, HP_PORT_MAPPING_NAT_PMP, ALICE_IP, 0);
    hp_port_client_map(client, &udp_5000, on_changed, &t);
    lan_until(l, 10 * HP_S);
    hp_addr external = addr("192.0.2.77");
    hp_nat_renumber(l->nat, &external, 1);
    hp_gateway_restart(l->gateway);
    lan_until(l, 11 * HP_S);
    assert_int_equal(t.n, 2);
    assert_string_equal(hp_addr_format(&t.external, l->text), "192.0.2.77:1024");
    assert_string_equal(lan_from_outside(l, "203.0.113.9:9", "192.0.2.77:1024"), "in");
}

static void a_host_that_is_gone_loses_its_port(void **state)
{
    lan *l = *state;
    told t = {0};
    lan_start(l);
    hp_port_client *client = client_of(l, l->alice, HP_PORT_MAPPING_PCP, ALICE_IP, 200 * HP_S);
    hp_port_client_map(client, &udp_5000, on_changed, &t);
    lan_until(l, 50 * HP_S);
    hp_host_set_interface_up(l->alice, 0, false);
    lan_until(l, 201 * HP_S);
    assert_string_equal(log_of(l, HP_EV_GATEWAY_MAPPING),
                        "500 mapped 192.0.2.1:1024; 200000500 expired 192.0.2.1:1024; ");
    assert_true(g_str_has_suffix(log_of(l, HP_EV_PORT_MAPPING), "200001000 lost 192.0.2.1:1024; "));
    assert_int_equal(t.n, 2);
    assert_int_equal(t.external.family, HP_AF_NONE);
}

/* ---- what is no request ---- */

typedef struct raw {
    hp_socket *socket;
    unsigned n;
} raw;

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    ((raw *)user)->n++;
}

static void malformed_requests_are_traced(void **state)
{
    static const struct {
        const char *to, *hex, *log;
    } sent[] = {
        {GATEWAY_IP ":5351", "00", "500 nat-pmp  ignored; "},
        {GATEWAY_IP ":5351", "00 01 00 00", "1500500 nat-pmp  ignored; "}, /* a request that is too short */
        {GATEWAY_IP ":5351", "02 01", "3000500 pcp map malformed-request; "},
        {GATEWAY_IP ":5351", "09 01", "4500500 pcp map unsupp-version; "},
        {GATEWAY_IP ":5351", "00 07 00 00", "6000500 nat-pmp unknown unsupported-opcode; "},
        {GATEWAY_IP ":1900", "ff", "7500500 upnp  ignored; "},
        {GATEWAY_IP ":5351", "02 81 00 00", "9000500 pcp  ignored; "}, /* an answer */
        {"239.255.255.250:1900", "4d 2d 53 45 41 52 43 48", "10500500 upnp  ignored; "},
    };
    static const hp_socket_ops ops = {.datagram = on_datagram};
    lan *l = *state;
    raw r = {0};
    hp_addr at = addr(ALICE_IP ":4000");
    lan_start(l);
    r.socket = hp_host_bind(l->alice, &at, &ops, &r, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(sent); i++) {
        g_autoptr(GBytes) bytes = hex_bytes(sent[i].hex);
        hp_addr to = addr(sent[i].to);
        lan_until(l, i * 1500 * HP_MS);
        l->cursor = hp_trace_tail(l->trace);
        assert_true(hp_socket_send(r.socket, &to, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), NULL));
        lan_until(l, i * 1500 * HP_MS + HP_S);
        assert_string_equal(log_of(l, HP_EV_GATEWAY_REQUEST), sent[i].log);
    }
    assert_int_equal(r.n, 3); /* what has an outcome has an answer */
    /* From outside nothing gets to it. */
    l->cursor = hp_trace_tail(l->trace);
    lan_from_outside(l, "203.0.113.9:9", EXTERNAL_IP ":5351");
    lan_from_outside(l, "203.0.113.9:9", GATEWAY_IP ":5351");
    lan_until(l, 20 * HP_S);
    assert_string_equal(log_of(l, HP_EV_GATEWAY_REQUEST), "");
}

/* A client of HTTP that sends rubbish gets an answer and is let go; its like does not disturb the next one. */
static void rubbish_over_http(void **state)
{
    static const hp_tcp_ops ops = {0};
    lan *l = *state;
    hp_addr to = addr(GATEWAY_IP ":5000");
    lan_start(l);
    hp_tcp_socket *socket = hp_tcp_connect(l->alice, NULL, &to, &ops, NULL, NULL);
    assert_non_null(socket);
    lan_until(l, HP_S);
    assert_int_equal(hp_tcp_send(socket, "\x16\x03\x01 no HTTP\r\n\r\n", 15), 15);
    lan_until(l, 2 * HP_S);
    char answer[64] = "";
    assert_true(hp_tcp_recv(socket, answer, sizeof answer - 1) > 0);
    assert_true(g_str_has_prefix(answer, "HTTP/1.1 400 Bad Request\r\n"));
    assert_string_equal(log_of(l, HP_EV_GATEWAY_REQUEST), "1000500 upnp  400; ");
    hp_tcp_abort(socket);
    hp_tcp_socket *idle = hp_tcp_connect(l->carol, NULL, &to, &ops, NULL, NULL); /* open until the end */
    lan_until(l, 3 * HP_S);
    assert_int_equal(hp_tcp_get_state(idle), HP_TCP_ESTABLISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nat_pmp, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(pcp, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(upnp, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(pcp_over_ipv6, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(a_gateway_with_nat_pmp_alone, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(refused, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(nobody_there, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(limits_are_common_to_all_protocols, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(a_reboot_is_announced, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(a_renumbering_changes_the_address, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(a_host_that_is_gone_loses_its_port, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(malformed_requests_are_traced, lan_setup, lan_teardown),
        cmocka_unit_test_setup_teardown(rubbish_over_http, lan_setup, lan_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
