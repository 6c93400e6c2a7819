/* The UPnP control point against our gateway, and against gateways that behave otherwise (engines/upnp_client.h). */
#include "engines/pcp_gateway.h"

#include "engines/upnp_client.h"

#define GATEWAY "192.168.1.1"
#define LOCAL "192.168.1.10"
#define SERVICE "urn:schemas-upnp-org:service:WANIPConnection:1"

typedef struct rig {
    gateway g;
    hp_upnp_igd *igd;
    hp_upnp_client *client;
    hp_time now;
    hp_upnp_conn *conn; /* the client's stream, at our gateway */
    bool open, connecting, ended; /* the stream; what it has not told the client yet */
    bool deaf, dead; /* nobody answers searches; nobody accepts connections */
    bool scripted; /* answers are the test's, not our gateway's */
    GString *to_client; /* on the stream, not delivered yet */
    GString *asked; /* the last request */
    GString *log; /* events: "mapped 1 203.0.113.5:5000 7200; " */
    unsigned n_searches, n_connects, n_closed;
} rig;

/* ---- client's ops ---- */

static void client_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    rig *r = user;
    hp_addr group = hp_ssdp_group(), from = gateway_addr(LOCAL ":50000");
    assert_true(hp_addr_equal(to, &group));
    r->n_searches++;
    if (!r->deaf) {
        hp_upnp_igd_input(r->igd, now, &from, data, len);
    }
}

static bool client_connect(void *user, hp_time now, const hp_addr *to)
{
    rig *r = user;
    hp_addr http = gateway_addr(GATEWAY ":5000"), from = gateway_addr(LOCAL ":50001");
    assert_true(hp_addr_equal(to, &http));
    assert_false(r->open);
    r->n_connects++;
    r->open = true;
    r->connecting = !r->dead;
    if (!r->scripted) {
        r->conn = hp_upnp_igd_accepted(r->igd, &from, r);
    }
    return true;
}

static void client_stream_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    rig *r = user;
    g_string_truncate(r->asked, 0);
    g_string_append_len(r->asked, (const char *)data, (gssize)len);
    if (!r->scripted) {
        hp_upnp_igd_stream(r->conn, now, data, len);
    }
}

static void client_stream_close(void *user, hp_time now)
{
    rig *r = user;
    assert_true(r->open);
    r->open = r->connecting = r->ended = false;
    r->n_closed++;
    g_string_truncate(r->to_client, 0);
    if (r->conn != NULL) {
        hp_upnp_igd_closed(g_steal_pointer(&r->conn));
    }
}

static void client_event(void *user, hp_time now, const hp_upnp_client_event *e)
{
    rig *r = user;
    char text[HP_ADDR_TEXT] = "-";
    if (e->external.family != HP_AF_NONE) {
        hp_addr_format(&e->external, text);
    }
    g_string_append_printf(r->log, "%s %d %s %u/%u; ", hp_upnp_client_event_name(e->kind), (int)e->mapping, text,
                           e->lifetime, e->code);
}

/* ---- the gateway's ---- */

static void igd_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    rig *r = user;
    hp_addr from = gateway_addr(GATEWAY ":1900");
    hp_upnp_client_input(r->client, now, &from, data, len);
}

static void igd_stream_send(void *user, hp_time now, void *stream, const uint8_t *data, size_t len)
{
    g_string_append_len(((rig *)user)->to_client, (const char *)data, (gssize)len);
}

static void igd_stream_close(void *user, hp_time now, void *stream)
{
    ((rig *)user)->ended = true;
}

static int setup(void **state)
{
    static const hp_upnp_client_ops ops = {.send = client_send,
                                           .connect = client_connect,
                                           .stream_send = client_stream_send,
                                           .stream_close = client_stream_close,
                                           .event = client_event};
    rig *r = g_new0(rig, 1);
    hp_addr local = gateway_addr(LOCAL);
    hp_port_client_config config = {0};
    r->to_client = g_string_new(NULL);
    r->asked = g_string_new(NULL);
    r->log = g_string_new(NULL);
    r->client = hp_upnp_client_new(&config, &local, &ops, r);
    *state = r;
    return 0;
}

static void start_gateway(rig *r)
{
    static const hp_upnp_ops ops = {.send = igd_send, .stream_send = igd_stream_send, .stream_close = igd_stream_close};
    hp_addr inside = gateway_addr(GATEWAY);
    hp_rng rng;
    hp_rng_init(&rng, 1, "igd");
    g_clear_pointer(&r->igd, hp_upnp_igd_free);
    gateway_start(&r->g, r->now);
    r->igd = hp_upnp_igd_new(r->g.leases, &inside, &rng, &ops, r);
}

static int teardown(void **state)
{
    rig *r = *state;
    hp_upnp_client_free(r->client);
    hp_upnp_igd_free(r->igd);
    hp_leases_free(r->g.leases);
    g_string_free(r->to_client, TRUE);
    g_string_free(r->asked, TRUE);
    g_string_free(r->log, TRUE);
    g_free(r);
    return 0;
}

/* One thing that is due at the present instant; false when nothing is. */
static bool turn(rig *r)
{
    if (r->connecting) {
        r->connecting = false;
        hp_upnp_client_connected(r->client, r->now);
    } else if (r->open && r->to_client->len > 0) {
        /* in pieces, as TCP may have it */
        size_t n = MIN(r->to_client->len, 700);
        g_autofree uint8_t *piece = g_memdup2(r->to_client->str, n);
        g_string_erase(r->to_client, 0, (gssize)n);
        hp_upnp_client_stream(r->client, r->now, piece, n);
    } else if (r->open && r->ended) {
        r->ended = false;
        hp_upnp_client_ended(r->client, r->now);
    } else if (hp_upnp_client_deadline(r->client) <= r->now) {
        hp_upnp_client_run(r->client, r->now);
    } else if (r->igd != NULL && hp_upnp_igd_deadline(r->igd) <= r->now) {
        hp_upnp_igd_run(r->igd, r->now);
    } else {
        return false;
    }
    return true;
}

static void until(rig *r, hp_time t)
{
    for (unsigned turns = 0;; turns++) {
        assert_true(turns < 10000);
        if (turn(r)) {
            continue;
        }
        hp_time next = hp_upnp_client_deadline(r->client);
        next = r->igd != NULL ? MIN(next, hp_upnp_igd_deadline(r->igd)) : next;
        if (next > t) {
            break;
        }
        r->now = MAX(next, r->now);
    }
    r->now = t;
}

static uint64_t map(rig *r, uint16_t internal, uint16_t external, bool exact)
{
    hp_upnp_wish wish = {
        .protocol = HP_LEASE_UDP, .internal_port = internal, .external_port = external, .exact = exact};
    return hp_upnp_client_map(r->client, r->now, &wish);
}

static void assert_log(rig *r, const char *expected)
{
    assert_string_equal(r->log->str, expected);
    g_string_truncate(r->log, 0);
}

/* ---- with our gateway ---- */

static void finds_asks_and_gives_back(void **state)
{
    rig *r = *state;
    start_gateway(r);
    uint64_t number = map(r, 5000, 0, false);
    assert_int_equal(number, 1);
    assert_int_equal(r->n_searches, 0); /* nothing but from run() */
    until(r, 2 * HP_S);
    assert_log(r, "mapped 1 203.0.113.5:5000 7200/0; ");
    assert_int_equal(r->n_searches, 1);
    assert_int_equal(r->n_connects, 3); /* description, address, mapping */
    assert_int_equal(r->n_closed, 3);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    assert_true(r->g.want.exact);
    assert_int_equal(r->g.want.internal.port, 5000);

    /* A second one needs no search and no description. */
    map(r, 5001, 6001, false);
    until(r, 3 * HP_S);
    assert_log(r, "mapped 2 203.0.113.5:6001 7200/0; ");
    assert_int_equal(r->n_connects, 4);
    hp_upnp_client_unmap(r->client, r->now, 1);
    until(r, 4 * HP_S);
    assert_log(r, "unmapped 1 203.0.113.5:5000 7200/0; ");
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    hp_upnp_client_unmap(r->client, r->now, 77);
    hp_upnp_client_unmap(r->client, r->now, 1);
    until(r, 5 * HP_S);
    assert_log(r, "");
}

static void renews_halfway(void **state)
{
    rig *r = *state;
    start_gateway(r);
    hp_upnp_wish wish = {.protocol = HP_LEASE_TCP, .internal_port = 80, .lifetime = 100 * HP_S};
    hp_upnp_client_map(r->client, 0, &wish);
    until(r, 49 * HP_S);
    assert_log(r, "mapped 1 203.0.113.5:80 100/0; ");
    until(r, 52 * HP_S);
    assert_log(r, "renewed 1 203.0.113.5:80 100/0; ");
    /* The address is asked for with it: a gateway that has another one is noticed. */
    r->g.external = gateway_addr("203.0.113.6");
    until(r, 103 * HP_S);
    assert_log(r, "mapped 1 203.0.113.6:80 100/0; ");
    r->dead = true;
    until(r, 210 * HP_S);
    /* Halfway to what is left again and again, then it is over. */
    assert_true(g_str_has_prefix(r->log->str, "no-answer 1 203.0.113.6:80 100/0; no-answer 1 "));
    assert_true(g_str_has_suffix(r->log->str, "; expired 1 203.0.113.6:80 100/0; "));
}

static void hears_of_a_reboot(void **state)
{
    rig *r = *state;
    start_gateway(r);
    map(r, 5000, 0, false);
    until(r, 10 * HP_S);
    assert_log(r, "mapped 1 203.0.113.5:5000 7200/0; ");
    start_gateway(r); /* nothing is left */
    hp_upnp_igd_announce(r->igd, r->now);
    until(r, 11 * HP_S);
    assert_log(r, "rebooted 0 - 0/0; renewed 1 203.0.113.5:5000 7200/0; ");
    assert_int_equal(hp_leases_count(r->g.leases), 1);
}

static void another_port_where_one_is_taken(void **state)
{
    rig *r = *state;
    start_gateway(r);
    r->g.taken = 5000;
    map(r, 5000, 0, false);
    map(r, 5002, 5000, true);
    until(r, 3 * HP_S);
    assert_log(r, "mapped 1 203.0.113.5:5001 7200/0; refused 2 - 7200/718; ");
}

static void gateways_with_whims(void **state)
{
    rig *r = *state;
    r->g.config.upnp_permanent_only = true;
    start_gateway(r);
    map(r, 5000, 0, false);
    until(r, 3 * HP_S);
    assert_log(r, "mapped 1 203.0.113.5:5000 0/0; ");
    assert_int_equal(hp_leases_nth(r->g.leases, 0)->expires, HP_NEVER);

    r->g.config = (hp_port_mapping_config){.upnp_same_port = true};
    start_gateway(r);
    map(r, 5001, 6001, false);
    map(r, 5002, 6002, true);
    until(r, 6 * HP_S);
    assert_log(r, "mapped 2 203.0.113.5:5001 7200/0; refused 3 - 7200/724; ");

    r->g.config = (hp_port_mapping_config){.refuse = true};
    start_gateway(r);
    map(r, 5003, 0, false);
    until(r, 9 * HP_S);
    assert_log(r, "refused 4 - 7200/606; ");
}

static void nobody_there(void **state)
{
    rig *r = *state;
    start_gateway(r);
    r->deaf = true;
    map(r, 5000, 0, false);
    until(r, 13999 * HP_MS); /* searches at 0, 2 and 6 s; the third has 8 s */
    assert_log(r, "");
    assert_int_equal(r->n_searches, 3);
    until(r, 14 * HP_S);
    assert_log(r, "no-answer 1 - 7200/0; ");
    /* The next wish begins anew. */
    r->deaf = false;
    map(r, 5001, 0, false);
    until(r, 16 * HP_S);
    assert_log(r, "mapped 2 203.0.113.5:5001 7200/0; ");
}

static void given_up_before_it_was_asked_for(void **state)
{
    rig *r = *state;
    start_gateway(r);
    r->deaf = true;
    map(r, 5000, 0, false);
    until(r, HP_S);
    hp_upnp_client_unmap(r->client, r->now, 1);
    r->deaf = false;
    until(r, 20 * HP_S);
    assert_log(r, "unmapped 1 - 7200/0; ");
    assert_int_equal(r->g.mapped, 0);
}

static void nobody_listens(void **state)
{
    rig *r = *state;
    start_gateway(r);
    r->dead = true;
    map(r, 5000, 0, false);
    until(r, 12 * HP_S); /* found, but no connection within 10 s */
    assert_log(r, "no-answer 1 - 7200/0; ");
    assert_int_equal(r->n_closed, 1);
}

/* ---- gateways that are not ours ---- */

static void found(rig *r, const char *location)
{
    hp_addr from = gateway_addr(GATEWAY ":1900");
    g_autofree char *text = g_strdup_printf("HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1"
                                            "\r\nLOCATION: %s\r\n\r\n",
                                            location);
    hp_upnp_client_input(r->client, r->now, &from, (const uint8_t *)text, strlen(text));
}

static void answer(rig *r, const char *head, const char *body)
{
    g_string_printf(r->to_client, "%s\r\n", head);
    if (strstr(head, "Content-Length") == NULL && strstr(head, "/1.1 ") != NULL) {
        g_string_append_printf(r->to_client, "Content-Length: %" G_GSIZE_FORMAT "\r\n", strlen(body));
    }
    g_string_append_printf(r->to_client, "\r\n%s", body);
}

static void scripted(rig *r)
{
    r->scripted = true;
    r->deaf = true;
    start_gateway(r);
    map(r, 5000, 0, false);
    until(r, HP_S);
}

static void believes_nothing_strange(void **state)
{
    rig *r = *state;
    static const char *const wrong[] = {
        "http://192.168.1.2:5000/x", /* not the one who says it */
        "http://router.local:5000/x",
        "https://192.168.1.1:5000/x",
        "http://[fd00::1]:5000/x",
        "http://192.168.1.1:5000/a b",
        "http://192.168.1.1:99999/",
        "/x",
        "",
    };
    scripted(r);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        found(r, wrong[i]);
        until(r, r->now + 1);
        assert_int_equal(r->n_connects, 0);
    }
    found(r, "http://192.168.1.1:5000");
    until(r, r->now + 1);
    assert_int_equal(r->n_connects, 1);
    assert_true(g_str_has_prefix(r->asked->str, "GET / HTTP/1.1\r\nHost: 192.168.1.1:5000\r\n"));
}

#define SERVICE_XML(type, url) "<service><serviceType>" type "</serviceType><controlURL>" url "</controlURL></service>"

static void reads_descriptions(void **state)
{
    rig *r = *state;
    scripted(r);
    found(r, "http://192.168.1.1:5000/d/desc.xml");
    until(r, 2 * HP_S);
    /* Without a length: it ends with the stream. The service that is wanted is not the first. */
    answer(r, "HTTP/1.0 200 OK",
           "<root><device><serviceList>" SERVICE_XML("urn:schemas-upnp-org:service:Layer3Forwarding:1", "/l3")
               SERVICE_XML(SERVICE, "\n /ctl ") "</serviceList></device></root>");
    until(r, 3 * HP_S);
    assert_int_equal(r->n_connects, 1);
    r->ended = true;
    until(r, 4 * HP_S);
    assert_int_equal(r->n_connects, 2);
    assert_true(g_str_has_prefix(r->asked->str, "POST /ctl HTTP/1.1\r\n"));
    assert_non_null(strstr(r->asked->str, "SOAPAction: \"" SERVICE "#GetExternalIPAddress\"\r\n"));
    answer(
        r, "HTTP/1.1 200 OK\r\nContent-Length: 93",
        "<a:E xmlns:a=\"x\"><u:R xmlns:u=\"y\"><NewExternalIPAddress>203.0.113.9</NewExternalIPAddress></u:R></a:E>");
    until(r, 5 * HP_S);
    assert_int_equal(r->n_connects, 2); /* 93 bytes are not all of it: XML that ends early */
    assert_log(r, "refused 1 - 7200/0; ");
}

static void fails_on_bad_answers(void **state)
{
    static const struct {
        const char *head, *body, *log;
    } bad[] = {
        {"HTTP/1.1 404 Not Found", "", "refused 1 - 7200/404; "},
        {"HTTP/1.1 200 OK", "<a/>", "refused 1 - 7200/0; "},
        {"HTTP/1.1 200 OK", "<a>", "refused 1 - 7200/0; "},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "0\r\n\r\n", "no-answer 1 - 7200/0; "},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1", "", "no-answer 1 - 7200/0; "},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999", "", "no-answer 1 - 7200/0; "},
        {"SSH-2.0-OpenSSH", "", "no-answer 1 - 7200/0; "},
        {"HTTP/1.1 200 OK",
         "<root>" SERVICE_XML("urn:schemas-upnp-org:service:WANIPConnection:1&#13;&#10;X-Evil: 1", "/ctl") "</root>",
         "refused 1 - 7200/0; "},
    };
    rig *r = *state;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        scripted(r);
        found(r, "http://192.168.1.1:5000/x");
        until(r, r->now + HP_S);
        answer(r, bad[i].head, bad[i].body);
        until(r, r->now + HP_S);
        assert_log(r, bad[i].log);
        assert_false(r->open);
        teardown(state);
        setup(state);
        r = *state;
    }
}

/* Without an external address a mapping is worth nothing: it is asked for until it is known. */
static void the_address_comes_first(void **state)
{
    rig *r = *state;
    start_gateway(r);
    r->g.external = (hp_addr){0};
    map(r, 5000, 0, false);
    until(r, 2 * HP_S);
    assert_log(r, "refused 1 - 7200/501; ");
    map(r, 5001, 0, false);
    until(r, 3 * HP_S);
    assert_log(r, "refused 2 - 7200/501; ");
    r->g.external = gateway_addr("203.0.113.5");
    map(r, 5002, 0, false);
    until(r, 4 * HP_S);
    assert_log(r, "mapped 3 203.0.113.5:5002 7200/0; ");
}

static void an_endless_answer_is_cut(void **state)
{
    rig *r = *state;
    scripted(r);
    found(r, "http://192.168.1.1:5000/x");
    until(r, r->now + HP_S);
    g_string_append(r->to_client, "HTTP/1.1 200 OK\r\n\r\n");
    for (unsigned i = 0; i < 70000; i++) {
        g_string_append_c(r->to_client, 'x');
    }
    until(r, r->now + HP_S);
    assert_log(r, "no-answer 1 - 7200/0; ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_asks_and_gives_back, setup, teardown),
        cmocka_unit_test_setup_teardown(renews_halfway, setup, teardown),
        cmocka_unit_test_setup_teardown(hears_of_a_reboot, setup, teardown),
        cmocka_unit_test_setup_teardown(another_port_where_one_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(gateways_with_whims, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_there, setup, teardown),
        cmocka_unit_test_setup_teardown(given_up_before_it_was_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_listens, setup, teardown),
        cmocka_unit_test_setup_teardown(believes_nothing_strange, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_descriptions, setup, teardown),
        cmocka_unit_test_setup_teardown(fails_on_bad_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(the_address_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(an_endless_answer_is_cut, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
