/* The UPnP gateway's control: every action and its errors, requests that are no such thing. */
#include "engines/upnp_rig.h"

/* ---- control ---- */

static char *soap_request(const char *action, unsigned version, const char *arguments)
{
    g_autofree char *body =
        g_strdup_printf("<?xml version=\"1.0\"?>\r\n"
                        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                        "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
                        "<u:%s xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:%u\">%s</u:%s>"
                        "</s:Body></s:Envelope>\r\n",
                        action, version, arguments, action);
    return g_strdup_printf("POST /ctl/IPConn HTTP/1.1\r\nHost: 192.168.1.1:5000\r\nContent-Length: %zu\r\n"
                           "Content-Type: text/xml\r\n"
                           "SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:%u#%s\"\r\n\r\n%s",
                           strlen(body), version, action, body);
}

/* Returns the UPnP error, 0 for success. */
static unsigned soap_version(rig *r, const char *action, unsigned version, const char *arguments)
{
    g_autofree char *text = soap_request(action, version, arguments);
    unsigned status = http(r, text);
    assert_string_equal(r->action, r->event.error == 401 ? r->action : action);
    if (status == 200) {
        assert_int_equal(r->event.error, 0);
        return 0;
    }
    assert_int_equal(status, 500);
    g_autofree char *code = g_strdup_printf("<errorCode>%u</errorCode>", r->event.error);
    assert_has(r->stream, code);
    return r->event.error;
}

static unsigned soap(rig *r, const char *action, const char *arguments)
{
    return soap_version(r, action, 1, arguments);
}

#define ADD(remote, external, protocol, internal, client, lease)                                                       \
    "<NewRemoteHost>" remote "</NewRemoteHost><NewExternalPort>" external "</NewExternalPort><NewProtocol>" protocol   \
    "</NewProtocol><NewInternalPort>" internal "</NewInternalPort><NewInternalClient>" client                          \
    "</NewInternalClient><NewEnabled>1</NewEnabled><NewPortMappingDescription>a &lt;game&gt;"                          \
    "</NewPortMappingDescription><NewLeaseDuration>" lease "</NewLeaseDuration>"
#define KEY(remote, external, protocol)                                                                                \
    "<NewRemoteHost>" remote "</NewRemoteHost><NewExternalPort>" external "</NewExternalPort><NewProtocol>" protocol   \
    "</NewProtocol>"
#define ME "192.168.1.10"
#define GOOD ADD("", "6000", "UDP", "5000", ME, "0")

static void test_exact_answers(void **state)
{
    rig *r = *state;
    assert_int_equal(soap(r, "GetExternalIPAddress", ""), 0);
    assert_string_equal(
        r->stream->str,
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nContent-Length: 357\r\nEXT:\r\n"
        "Server: Hairpin/" HAIRPIN_VERSION " UPnP/1.0 IGD\r\n\r\n"
        "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
        "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
        "<u:GetExternalIPAddressResponse xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\">"
        "<NewExternalIPAddress>203.0.113.5</NewExternalIPAddress></u:GetExternalIPAddressResponse>"
        "</s:Body></s:Envelope>\r\n");
    assert_int_equal(soap(r, "DeletePortMapping", KEY("", "6000", "UDP")), 714);
    const char *body = strstr(r->stream->str, "\r\n\r\n") + 4;
    assert_string_equal(body,
                        "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
                        "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body><s:Fault>"
                        "<faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
                        "<UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\"><errorCode>714</errorCode>"
                        "<errorDescription>NoSuchEntryInArray</errorDescription></UPnPError></detail></s:Fault></"
                        "s:Body></s:Envelope>\r\n");
}

static void test_mappings(void **state)
{
    rig *r = *state;
    assert_int_equal(soap(r, "AddPortMapping", GOOD), 0);
    hp_lease *l = hp_leases_nth(r->g.leases, 0);
    assert_non_null(l);
    assert_int_equal(l->external.port, 6000);
    assert_int_equal(l->expires, HP_NEVER);
    assert_string_equal(l->text, "a <game>");
    assert_true(r->g.want.exact);
    r->now = 10 * HP_S;
    assert_int_equal(soap(r, "AddPortMapping", ADD("", "6000", "UDP", "5000", ME, "60")), 0);
    assert_int_equal(l->expires, 70 * HP_S);
    assert_int_equal(r->g.mapped, 1);
    /* The same host, another inside port. */
    assert_int_equal(soap(r, "AddPortMapping", ADD("", "6000", "UDP", "5001", ME, "60")), 0);
    assert_int_equal(r->g.unmapped, 1);
    assert_int_equal(hp_leases_nth(r->g.leases, 0)->internal.port, 5001);
    assert_int_equal(soap(r, "AddPortMapping", ADD("198.51.100.1", "6001", "TCP", "5001", ME, "0")), 0);
    assert_int_equal(r->g.want.remote.family, HP_AF_IPV4);
    r->now = 20 * HP_S;
    assert_int_equal(soap(r, "GetGenericPortMappingEntry", "<NewPortMappingIndex>0</NewPortMappingIndex>"), 0);
    assert_has(r->stream, "<NewRemoteHost></NewRemoteHost><NewExternalPort>6000</NewExternalPort>"
                          "<NewProtocol>UDP</NewProtocol><NewInternalPort>5001</NewInternalPort>"
                          "<NewInternalClient>192.168.1.10</NewInternalClient><NewEnabled>1</NewEnabled>"
                          "<NewPortMappingDescription>a &lt;game&gt;</NewPortMappingDescription>"
                          "<NewLeaseDuration>50</NewLeaseDuration>");
    assert_int_equal(soap(r, "GetGenericPortMappingEntry", "<NewPortMappingIndex>1</NewPortMappingIndex>"), 0);
    assert_has(r->stream, "<NewRemoteHost>198.51.100.1</NewRemoteHost>");
    assert_int_equal(soap(r, "GetGenericPortMappingEntry", "<NewPortMappingIndex>2</NewPortMappingIndex>"), 713);
    assert_int_equal(soap(r, "GetGenericPortMappingEntry", "<NewPortMappingIndex>x</NewPortMappingIndex>"), 402);
    assert_int_equal(soap(r, "GetSpecificPortMappingEntry", KEY("", "6000", "UDP")), 0);
    assert_int_equal(soap(r, "GetSpecificPortMappingEntry", KEY("", "6000", "TCP")), 714);
    assert_int_equal(soap(r, "GetStatusInfo", ""), 0);
    assert_has(r->stream, "<NewUptime>20</NewUptime>");
    assert_int_equal(soap(r, "GetConnectionTypeInfo", ""), 0);
    assert_int_equal(soap(r, "GetNATRSIPStatus", ""), 0);
    assert_int_equal(soap(r, "DeletePortMapping", KEY("", "6001", "TCP")), 714);
    assert_int_equal(soap(r, "DeletePortMapping", KEY("198.51.100.1", "6001", "TCP")), 0);
    assert_int_equal(hp_leases_count(r->g.leases), 1);
    hp_upnp_igd_run(r->igd, 70 * HP_S);
    assert_int_equal(hp_leases_count(r->g.leases), 0);
    assert_int_equal(r->g.expired, 1);
    r->g.external = (hp_addr){0};
    assert_int_equal(soap(r, "GetExternalIPAddress", ""), 501);
    assert_int_equal(soap(r, "AddPortMapping", GOOD), 501);
}

static void test_errors(void **state)
{
    rig *r = *state;
    static const struct {
        const char *arguments;
        unsigned error;
    } cases[] = {
        {"", 402},
        {KEY("", "6000", "UDP"), 402},
        {ADD("", "65536", "UDP", "5000", ME, "0"), 402},
        {ADD("", "+6", "UDP", "5000", ME, "0"), 402},
        {ADD("", "6000", "SCTP", "5000", ME, "0"), 402},
        {ADD("", "6000", "UDP", "5000", "host", "0"), 402},
        {ADD("", "6000", "UDP", "5000", ME ":80", "0"), 402},
        {ADD("nobody", "6000", "UDP", "5000", ME, "0"), 402},
        {ADD("", "6000", "UDP", "5000", ME, "4294967296"), 402},
        {ADD("", "6000", "UDP", "0", ME, "0"), 402},
        {ADD("", "0", "UDP", "5000", ME, "0"), 716},
        {ADD("", "6000", "UDP", "5000", "192.168.1.11", "0"), 606},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_int_equal(soap(r, "AddPortMapping", cases[i].arguments), cases[i].error);
    }
    assert_int_equal(hp_leases_count(r->g.leases), 0);
    assert_int_equal(soap(r, "AddAnyPortMapping", GOOD), 401);
    assert_int_equal(soap(r, "Reboot", ""), 401);
    assert_int_equal(soap_version(r, "GetExternalIPAddress", 2, ""), 401);
    /* Somebody else's. */
    assert_int_equal(soap(r, "AddPortMapping", GOOD), 0);
    r->conn = hp_upnp_igd_accepted(r->igd, &(hp_addr){.ip = {192, 168, 1, 11}, .port = 1, .family = HP_AF_IPV4}, r);
    assert_int_equal(soap(r, "AddPortMapping", ADD("", "6000", "UDP", "5000", "192.168.1.11", "0")), 718);
    assert_int_equal(soap(r, "DeletePortMapping", KEY("", "6000", "UDP")), 606);
    r->g.taken = 6002;
    assert_int_equal(soap(r, "AddPortMapping", ADD("", "6002", "UDP", "5000", "192.168.1.11", "0")), 718);
    r->g.refusal = HP_LEASE_NO_RESOURCES;
    assert_int_equal(soap(r, "AddPortMapping", ADD("", "6003", "UDP", "5000", "192.168.1.11", "0")), 501);
}

static void test_knobs(void **state)
{
    rig *r = *state;
    r->g.config.upnp_permanent_only = true;
    r->g.config.upnp_wildcard_remote_only = true;
    r->g.config.upnp_any_client = true;
    start(r);
    assert_int_equal(soap(r, "AddPortMapping", ADD("", "6000", "UDP", "5000", ME, "60")), 725);
    assert_int_equal(soap(r, "AddPortMapping", ADD("198.51.100.1", "6000", "UDP", "5000", ME, "0")), 726);
    assert_int_equal(soap(r, "AddPortMapping", ADD("", "6000", "UDP", "5000", "192.168.1.77", "0")), 0);
    assert_int_equal(soap(r, "DeletePortMapping", KEY("", "6000", "UDP")), 0);
    r->g.config = (hp_port_mapping_config){.upnp_same_port = true, .max_mappings = 1, .upnp_version = 2};
    start(r);
    assert_int_equal(soap(r, "AddPortMapping", GOOD), 724);
    assert_int_equal(soap(r, "AddPortMapping", ADD("", "6000", "UDP", "6000", ME, "0")), 0);
    assert_int_equal(hp_leases_nth(r->g.leases, 0)->expires, 604800 * HP_S);
    assert_int_equal(soap(r, "AddPortMapping", ADD("", "6001", "UDP", "6001", ME, "0")), 728);
    r->g.config.refuse = true;
    start(r);
    assert_int_equal(soap(r, "AddPortMapping", GOOD), 606);
}

static void test_version_2(void **state)
{
    rig *r = *state;
    r->g.config.upnp_version = 2;
    start(r);
    assert_int_equal(soap_version(r, "AddAnyPortMapping", 2, ADD("", "6000", "UDP", "5000", ME, "60")), 0);
    assert_has(r->stream, "WANIPConnection:2\"><NewReservedPort>6000</NewReservedPort>");
    assert_int_equal(soap_version(r, "AddAnyPortMapping", 2, ADD("", "6001", "UDP", "5000", ME, "90")), 0);
    assert_has(r->stream, "<NewReservedPort>6000</NewReservedPort>");
    assert_int_equal(soap_version(r, "AddAnyPortMapping", 2, ADD("", "6000", "UDP", "5001", ME, "60")), 0);
    assert_has(r->stream, "<NewReservedPort>40000</NewReservedPort>");
    assert_int_equal(soap_version(r, "AddPortMapping", 2, ADD("", "6000", "UDP", "0", ME, "60")), 732);
    hp_lease_want want = {
        .by = HP_LEASE_PCP,
        .protocol = HP_LEASE_UDP,
        .internal = gateway_addr("192.168.1.11:7000"),
        .external = gateway_addr("203.0.113.5:7000"),
        .lifetime = HP_NEVER,
    };
    hp_lease *l;
    assert_int_equal(hp_leases_grant(r->g.leases, 0, &want, &l), HP_LEASE_GRANTED);
    assert_int_equal(soap_version(r, "AddPortMapping", 2, ADD("", "7000", "UDP", "7000", ME, "60")), 729);
}

static void test_bad_soap(void **state)
{
    rig *r = *state;
    static const char *const bodies[] = {
        "",
        "<",
        "text",
        "<s:Envelope>",
        "<s:Envelope></s:Envelope>",
        "<s:Envelope><s:Body></s:Body></s:Envelope>",
        "<s:Envelope><s:Header/><s:Body><u:GetStatusInfo/></s:Body></s:Envelope>",
        "<s:Envelope><s:Body><u:Other/></s:Body></s:Envelope>",
        "<s:Envelope><s:Body><u:GetStatusInfo/><u:GetStatusInfo/></s:Body></s:Envelope>",
        "<s:Envelope><s:Body><u:GetStatusInfo><a/><a/></u:GetStatusInfo></s:Body></s:Envelope>",
        "<s:Envelope><s:Body><u:GetStatusInfo><a><b/></a></u:GetStatusInfo></s:Body></s:Envelope>",
        "<!DOCTYPE x><s:Envelope><s:Body><u:GetStatusInfo/></s:Body></s:Envelope>",
        "<s:Envelope><s:Body><u:GetStatusInfo><a>&x;</a></u:GetStatusInfo></s:Body></s:Envelope>",
        "<s:Envelope><s:Body><u:GetStatusInfo><a>\xff</a></u:GetStatusInfo></s:Body></s:Envelope>",
        "<s:Envelope><s:Body><u:GetStatusInfo><a/><b/><c/><d/><e/><f/><g/><h/><i/><j/><k/><l/><m/><n/><o/><p/><q/>"
        "</u:GetStatusInfo></s:Body></s:Envelope>",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *text =
            g_strdup_printf("POST /ctl/IPConn HTTP/1.1\r\nContent-Length: %zu\r\n"
                            "SOAPAction: urn:schemas-upnp-org:service:WANIPConnection:1#GetStatusInfo\r\n\r\n%s",
                            strlen(bodies[i]), bodies[i]);
        assert_int_equal(http(r, text), 500);
        assert_int_equal(r->event.error, 401);
    }
    assert_int_equal(http(r, "POST /ctl/IPConn HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), 500);
    assert_int_equal(http(r, "POST /ctl/IPConn HTTP/1.1\r\nContent-Length: 0\r\nSOAPAction: \"x\"\r\n\r\n"), 500);
    assert_false(r->closed);
}

/* Byte by byte, and cut anywhere: no answer before the last byte, and always the same one. */
static void test_every_split(void **state)
{
    rig *r = *state;
    g_autofree char *text = soap_request("AddPortMapping", 1, GOOD);
    size_t len = strlen(text);
    g_string_truncate(r->stream, 0);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(r->stream->len, 0);
        put(r, text + i, 1);
    }
    g_autofree char *first = g_strdup(r->stream->str);
    for (size_t i = 0; i < len; i += 7) {
        g_string_truncate(r->stream, 0);
        put(r, text, i);
        assert_int_equal(r->stream->len, 0);
        put(r, text + i, len - i);
        assert_string_equal(r->stream->str, first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exact_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mappings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_knobs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_version_2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_soap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_split, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
