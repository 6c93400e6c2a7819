/* The UPnP gateway: searches, descriptions, HTTP that is cut, wrong or too long. */
#include "engines/upnp_rig.h"

/* ---- SSDP ---- */

static void search(rig *r, const char *text)
{
    g_autofree uint8_t *exact = g_memdup2(text, strlen(text));
    hp_upnp_igd_input(r->igd, r->now, &r->host, exact, strlen(text));
}

#define SEARCH(host, mx, st)                                                                                           \
    "M-SEARCH * HTTP/1.1\r\nHOST: " host "\r\nMAN: \"ssdp:discover\"\r\n" mx "ST: " st "\r\n\r\n"
#define GROUP "239.255.255.250:1900"
#define URN "urn:schemas-upnp-org:"

static void test_search(void **state)
{
    rig *r = *state;
    search(r, SEARCH(GROUP, "MX: 2\r\n", URN "device:InternetGatewayDevice:1"));
    hp_time due = hp_upnp_igd_deadline(r->igd);
    assert_in_range(due, 0, 2 * HP_S - 1);
    hp_upnp_igd_run(r->igd, due);
    assert_int_equal(r->sent, 1);
    assert_true(hp_addr_equal(&r->to, &r->host));
    assert_true(g_str_has_prefix(r->datagram->str, "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\n"
                                                   "LOCATION: http://192.168.1.1:5000/rootDesc.xml\r\nSERVER: "));
    assert_has(r->datagram, "\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\nUSN: uuid:");
    assert_true(g_str_has_suffix(r->datagram->str, "::urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"));
    assert_string_equal(r->action, "M-SEARCH");
    /* To this host alone: at once. */
    search(r, SEARCH("192.168.1.1:1900", "", "ssdp:all"));
    assert_int_equal(hp_upnp_igd_deadline(r->igd), 0);
    hp_upnp_igd_run(r->igd, 0);
    assert_int_equal(r->sent, 9);
    static const char *const found[] = {"upnp:rootdevice", URN "service:WANIPConnection:1", URN "device:WANDevice:1",
                                        URN "device:WANConnectionDevice:1"};
    static const char *const not_found[] = {"upnp:other",
                                            URN "service:WANIPConnection:2",
                                            URN "device:WANDevice:0",
                                            URN "device:WANDevice:",
                                            URN "device:WANDevice:11",
                                            "uuid:1",
                                            ""};
    for (size_t i = 0; i < G_N_ELEMENTS(found) + G_N_ELEMENTS(not_found); i++) {
        bool expected = i < G_N_ELEMENTS(found);
        g_autofree char *text = g_strdup_printf(SEARCH("192.168.1.1:1900", "", "%s"),
                                                expected ? found[i] : not_found[i - G_N_ELEMENTS(found)]);
        unsigned before = r->sent;
        search(r, text);
        hp_upnp_igd_run(r->igd, 0);
        assert_int_equal(r->sent - before, expected ? 1 : 0);
    }
}

static void test_search_odd(void **state)
{
    rig *r = *state;
    static const char *const silent[] = {
        "",
        "M-SEARCH",
        SEARCH(GROUP, "", "ssdp:all"), /* no MX */
        SEARCH(GROUP, "MX: 0\r\n", "ssdp:all"),
        SEARCH(GROUP, "MX: x\r\n", "ssdp:all"),
        "M-SEARCH * HTTP/1.1\r\nHOST: " GROUP "\r\nMAN: ssdp:discover\r\nMX: 1\r\nST: ssdp:all\r\n\r\n",
        "M-SEARCH * HTTP/1.1\r\nHOST: " GROUP "\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\r\n",
        "M-SEARCH / HTTP/1.1\r\nHOST: " GROUP "\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n",
        "NOTIFY * HTTP/1.1\r\nHOST: " GROUP "\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n",
        "M-SEARCH * HTTP/1.1\r\nHOST: " GROUP "\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n",
        "M-SEARCH * HTTP/1.1\r\nHOST : " GROUP "\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n",
        "M-SEARCH * HTTP/1.1 \r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: ssdp:all\r\n\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(silent); i++) {
        search(r, silent[i]);
        assert_int_equal(hp_upnp_igd_deadline(r->igd), HP_NEVER);
    }
    /* Long waits are cut to 5 s, and the queue is bound. */
    for (unsigned i = 0; i < 20; i++) {
        search(r, SEARCH(GROUP, "MX: 4294967295\r\n", "ssdp:all"));
    }
    hp_upnp_igd_run(r->igd, 5 * HP_S);
    assert_int_equal(r->sent, 64);
    r->g.config.upnp_silent = true;
    start(r);
    search(r, SEARCH("192.168.1.1:1900", "", "ssdp:all"));
    hp_upnp_igd_announce(r->igd, 0);
    assert_int_equal(hp_upnp_igd_deadline(r->igd), HP_NEVER);
}

static void test_announce(void **state)
{
    rig *r = *state;
    r->g.config.upnp_version = 2;
    r->g.config.upnp_port = 49152;
    start(r);
    assert_int_equal(hp_upnp_igd_port(r->igd), 49152);
    hp_upnp_igd_announce(r->igd, HP_S);
    hp_upnp_igd_run(r->igd, HP_S);
    assert_int_equal(r->sent, 8);
    hp_addr group = hp_ssdp_group();
    assert_true(hp_addr_equal(&r->to, &group));
    assert_true(g_str_has_prefix(r->datagram->str, "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"));
    assert_has(r->datagram, "\r\nLOCATION: http://192.168.1.1:49152/rootDesc.xml\r\n"
                            "NT: urn:schemas-upnp-org:service:WANIPConnection:2\r\nNTS: ssdp:alive\r\n");
    /* Version 2 answers a search for version 1 as version 1. */
    search(r, SEARCH("192.168.1.1:1900", "", URN "service:WANIPConnection:1"));
    hp_upnp_igd_run(r->igd, HP_S);
    assert_has(r->datagram, "ST: urn:schemas-upnp-org:service:WANIPConnection:1\r\n");
}

/* ---- HTTP ---- */

static void test_descriptions(void **state)
{
    rig *r = *state;
    assert_int_equal(http(r, "GET /rootDesc.xml HTTP/1.1\r\nHost: 192.168.1.1:5000\r\n\r\n"), 200);
    assert_has(r->stream, "<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>");
    assert_has(r->stream, "<controlURL>/ctl/IPConn</controlURL>");
    assert_has(r->stream, "Content-Type: text/xml; charset=\"utf-8\"\r\n");
    const char *body = strstr(r->stream->str, "\r\n\r\n") + 4;
    g_autofree char *length = g_strdup_printf("Content-Length: %zu\r\n", strlen(body));
    assert_has(r->stream, length);
    g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&(GMarkupParser){0}, 0, NULL, NULL);
    assert_true(g_markup_parse_context_parse(context, body, -1, NULL));
    assert_true(g_markup_parse_context_end_parse(context, NULL));
    assert_int_equal(http(r, "GET http://192.168.1.1:5000/WANIPCn.xml HTTP/1.1\r\n\r\n"), 200);
    assert_has(r->stream, "<name>AddPortMapping</name>");
    assert_null(strstr(r->stream->str, "AddAnyPortMapping"));
    assert_int_equal(http(r, "HEAD /rootDesc.xml HTTP/1.1\r\n\r\n"), 200);
    assert_true(g_str_has_suffix(r->stream->str, "\r\n\r\n"));
    assert_int_equal(http(r, "GET /other HTTP/1.1\r\n\r\n"), 404);
    assert_int_equal(http(r, "SUBSCRIBE /evt/IPConn HTTP/1.1\r\n\r\n"), 405);
    assert_int_equal(http(r, "GET / HTTP/1.1\r\n\r\nGET /rootDesc.xml HTTP/1.1\r\n\r\n"), 404);
    assert_has(r->stream, "HTTP/1.1 200 OK"); /* two at once */
    assert_false(r->closed);
    assert_int_equal(http(r, "GET /rootDesc.xml HTTP/1.1\r\nConnection: close\r\n\r\n"), 200);
    assert_true(r->closed);
    assert_has(r->stream, "Connection: close\r\n");
    hp_upnp_igd_closed(r->conn);
    r->g.config.upnp_version = 2;
    start(r);
    assert_int_equal(http(r, "GET /WANIPCn.xml HTTP/1.0\r\n\r\n"), 200);
    assert_has(r->stream, "<name>AddAnyPortMapping</name>");
    assert_true(r->closed);
}

static void test_bad_http(void **state)
{
    rig *r = *state;
    static const struct {
        const char *text;
        unsigned status;
    } cases[] = {
        {"GET\r\n\r\n", 400},
        {"\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\na: b\rc\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"POST /ctl/IPConn HTTP/1.1\r\n\r\n", 411},
        {"POST /ctl/IPConn HTTP/1.1\r\nContent-Length: 16385\r\n\r\n", 413},
        {"POST /ctl/IPConn HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        start(r);
        assert_int_equal(http(r, cases[i].text), cases[i].status);
        assert_true(r->closed);
        assert_int_equal(r->event.status, cases[i].status);
        assert_int_equal(http(r, "GET /rootDesc.xml HTTP/1.1\r\n\r\n"), 0); /* nothing more is read */
    }
    start(r);
    g_autofree char *long_line = g_strnfill(HP_UPNP_MAX_HEAD + 1, 'a');
    assert_int_equal(http(r, long_line), 431);
    start(r);
    g_autoptr(GString) many = g_string_new("GET / HTTP/1.1\r\n");
    for (unsigned i = 0; i < 33; i++) {
        g_string_append(many, "a: b\r\n");
    }
    g_string_append(many, "\r\n");
    assert_int_equal(http(r, many->str), 400);
    start(r);
    g_string_truncate(r->stream, 0);
    put(r, "GET / HTTP/1.1\r\na: \0\r\n\r\n", 24);
    assert_true(r->closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_search, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search_odd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_announce, setup, teardown),
        cmocka_unit_test_setup_teardown(test_descriptions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_http, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
