/* The DNS server: answers, negative answers, truncation, faults. */
#include "engines/dns_server_rig.h"

static void test_exact(void **state)
{
    rig *r = *state;
    start(r);
    ask(r, "TURN.example", HP_DNS_A);
    g_autoptr(GBytes) expected =
        hex_bytes("0102 8580 0001 0002 0000 0000 045455524e 076578616d706c65 00 0001 0001"
                  "c00c 0001 0001 0000012c 0004 c0000201 c00c 0001 0001 0000012c 0004 c0000202");
    assert_int_equal(r->length, g_bytes_get_size(expected));
    assert_memory_equal(r->bytes, g_bytes_get_data(expected, NULL), r->length);
    assert_int_equal(r->event.verdict, HP_DNS_ANSWERED);
    assert_int_equal(r->event.answers, 2);
    hp_dns_path path = path_of(false);
    assert_memory_equal(&r->path, &path, sizeof path);
    assert_int_equal(hp_dns_server_port(r->server), 53);
}

static void test_negative(void **state)
{
    rig *r = *state;
    r->config.negative_ttl = 30 * HP_S;
    start(r);
    ask(r, "turn.example", HP_DNS_AAAA);
    assert_answer(r, HP_DNS_NOERROR, 0, 1);
    assert_int_equal(r->event.verdict, HP_DNS_NO_DATA);
    hp_dns_record soa = record(r, 0);
    assert_int_equal(soa.type, HP_DNS_SOA);
    assert_int_equal(soa.name.length, 1);
    assert_int_equal(soa.ttl, 30);
    assert_int_equal(soa.soa.minimum, 30);
    ask(r, "nobody.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NXDOMAIN, 0, 1);
    assert_int_equal(r->event.verdict, HP_DNS_ERROR);
    /* A name between others exists (RFC 8020). */
    ask(r, "down.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 0, 1);
}

static void test_zones(void **state)
{
    rig *r = *state;
    char *zones[] = {"example", "sub.example"};
    r->config.zones = zones;
    r->config.n_zones = 2;
    start(r);
    ask(r, "x.sub.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NXDOMAIN, 0, 1);
    hp_dns_name apex;
    hp_dns_name_parse("sub.example", &apex);
    hp_dns_record soa = record(r, 0);
    assert_true(hp_dns_name_equal(&soa.name, &apex));
    ask(r, "sub.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 0, 1);
    ask(r, "sub.example", HP_DNS_SOA);
    assert_answer(r, HP_DNS_NOERROR, 1, 0);
    ask(r, "www.test", HP_DNS_A);
    assert_answer(r, HP_DNS_REFUSED, 0, 0);
    /* A chain that leaves the zones ends there. */
    ask(r, "far.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 1, 0);
}

static void test_cname(void **state)
{
    rig *r = *state;
    start(r);
    ask(r, "alias.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 3, 0);
    assert_int_equal(record(r, 0).type, HP_DNS_CNAME);
    assert_address(r, 2, "192.0.2.2");
    ask(r, "alias.example", HP_DNS_CNAME);
    assert_answer(r, HP_DNS_NOERROR, 1, 0);
    /* RFC 6604: the code is that of the chain's end. */
    ask(r, "far.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NXDOMAIN, 1, 1);
    ask(r, "loop.example", HP_DNS_A);
    assert_answer(r, HP_DNS_SERVFAIL, 0, 0);
}

static void test_reverse(void **state)
{
    rig *r = *state;
    start(r);
    ask(r, "2.2.0.192.in-addr.arpa", HP_DNS_PTR);
    assert_answer(r, HP_DNS_NOERROR, 1, 0);
    char text[HP_DNS_NAME_TEXT];
    hp_dns_record ptr = record(r, 0);
    assert_string_equal(hp_dns_name_format(&ptr.target, text), "turn.example");
    r->config.no_reverse = true;
    start(r);
    ask(r, "2.2.0.192.in-addr.arpa", HP_DNS_PTR);
    assert_answer(r, HP_DNS_NXDOMAIN, 0, 1);
}

/* 12 + 18 bytes and 16 for each address. */
static void test_truncation(void **state)
{
    rig *r = *state;
    hp_addr many[60];
    for (unsigned i = 0; i < 60; i++) {
        many[i] = hp_addr_v4(0xc6336400 + i, 0);
    }
    r->hosts[15] = (hp_dns_host){.name = "many.example", .addresses = many, .n_addresses = 60};
    unsigned n = r->config.n_hosts;
    r->hosts[n] = r->hosts[15];
    r->config.n_hosts++;
    start(r);
    r->config.n_hosts--;
    ask(r, "many.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 0, 0);
    assert_true((r->msg.flags & HP_DNS_TC) != 0);
    assert_true(r->event.truncated);
    ask_with(r, "many.example", HP_DNS_A, HP_DNS_RD, 4096, false, false);
    assert_answer(r, HP_DNS_NOERROR, 60, 0);
    assert_false((r->msg.flags & HP_DNS_TC) != 0);
    assert_int_equal(r->length, 12 + 18 + 60 * 16 + 11);
    assert_true(r->msg.has_opt);
    assert_int_equal(r->msg.udp_size, 1232);
    ask_with(r, "many.example", HP_DNS_A, HP_DNS_RD, 1000, false, false);
    assert_answer(r, HP_DNS_NOERROR, 0, 0);
    assert_true((r->msg.flags & HP_DNS_TC) != 0);
    assert_true(r->msg.has_opt);
    ask_with(r, "many.example", HP_DNS_A, HP_DNS_RD, 0, false, true);
    assert_answer(r, HP_DNS_NOERROR, 60, 0);
    assert_true(r->path.stream);
}

static void test_not_queries(void **state)
{
    rig *r = *state;
    start(r);
    hp_dns_path path = path_of(false);
    static const struct {
        const char *hex;
        int rcode; /* -1: silence */
    } cases[] = {
        {"0102 0100 0001 0000 0000 00", -1}, /* no whole header */
        {"0102 8100 0001 0000 0000 0000 00 0001 0001", -1}, /* a response */
        {"0102 2900 0001 0000 0000 0000 00 0001 0001", HP_DNS_NOTIMP}, /* UPDATE */
        {"0102 0100 0000 0000 0000 0000", HP_DNS_FORMERR}, /* no question */
        {"0102 0100 0002 0000 0000 0000 00 0001 0001 00 0001 0001", HP_DNS_FORMERR},
        {"0102 0100 0001 0000 0000 0000 c00c 0001 0001", HP_DNS_FORMERR},
        {"0102 0100 0001 0000 0000 0000 00 0001 0003", HP_DNS_REFUSED}, /* class CHAOS */
        {"0102 0100 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00010000 0000", HP_DNS_BADVERS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) bytes = hex_bytes(cases[i].hex);
        gsize len;
        const uint8_t *data = g_bytes_get_data(bytes, &len);
        unsigned sent = r->sent, events = r->events;
        hp_dns_server_input(r->server, 0, &path, data, len);
        assert_int_equal(r->sent - sent, cases[i].rcode < 0 ? 0 : 1);
        assert_int_equal(r->events - events, 1);
        if (cases[i].rcode >= 0) {
            assert_int_equal(r->msg.rcode, cases[i].rcode);
            assert_int_equal(r->msg.id, 0x0102);
        } else {
            assert_int_equal(r->event.verdict, HP_DNS_SILENT);
        }
    }
}

static void test_no_edns(void **state)
{
    rig *r = *state;
    r->config.no_edns = true;
    start(r);
    ask_with(r, "turn.example", HP_DNS_A, HP_DNS_RD, 1232, false, false);
    assert_int_equal(r->msg.rcode, HP_DNS_FORMERR);
    ask(r, "turn.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 2, 0);
}

static void test_faults(void **state)
{
    rig *r = *state;
    r->faults[0] = (hp_dns_fault){.kind = HP_DNS_FAULT_SILENCE, .name = "turn.example", .nth_first = 2, .nth_last = 2};
    r->faults[1] = (hp_dns_fault){.kind = HP_DNS_FAULT_DELAY, .type = HP_DNS_AAAA, .delay_ns = 3 * HP_S};
    r->faults[2] =
        (hp_dns_fault){.kind = HP_DNS_FAULT_SERVFAIL, .name = "both.example", .from = HP_S, .until = 2 * HP_S};
    r->config.n_faults = 3;
    start(r);
    ask(r, "turn.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 2, 0);
    assert_false(r->event.fault);
    ask(r, "TURN.EXAMPLE", HP_DNS_A);
    assert_int_equal(r->length, 0);
    assert_true(r->event.fault);
    assert_int_equal(r->event.verdict, HP_DNS_SILENT);
    ask(r, "turn.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 2, 0);
    ask(r, "both.example", HP_DNS_AAAA);
    assert_int_equal(r->length, 0);
    assert_int_equal(hp_dns_server_deadline(r->server), 3 * HP_S);
    hp_dns_server_run(r->server, 3 * HP_S);
    assert_answer(r, HP_DNS_NOERROR, 1, 0);
    assert_int_equal(r->at, 3 * HP_S);
    assert_int_equal(hp_dns_server_deadline(r->server), HP_NEVER);
    r->now = HP_S;
    ask(r, "both.example", HP_DNS_A);
    assert_answer(r, HP_DNS_SERVFAIL, 0, 0);
    r->now = 2 * HP_S;
    ask(r, "both.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 1, 0);
}

static void test_wrong_answers(void **state)
{
    rig *r = *state;
    r->config.n_faults = 1;
    r->faults[0] = (hp_dns_fault){.kind = HP_DNS_FAULT_WRONG_ADDRESS};
    start(r);
    ask(r, "turn.example", HP_DNS_A);
    assert_address(r, 1, "192.0.2.255");
    ask(r, "both.example", HP_DNS_AAAA);
    assert_address(r, 0, "2001:db8::ff");
    r->faults[0].address = addr_of("203.0.113.7");
    start(r);
    ask(r, "both.example", HP_DNS_A);
    assert_address(r, 0, "203.0.113.7");
    r->faults[0] = (hp_dns_fault){.kind = HP_DNS_FAULT_WRONG_ID};
    start(r);
    ask(r, "turn.example", HP_DNS_A);
    assert_int_equal(r->msg.id, 0xfefd);
    r->faults[0] = (hp_dns_fault){.kind = HP_DNS_FAULT_WRONG_QUESTION};
    start(r);
    ask(r, "turn.example", HP_DNS_A);
    hp_dns_cursor cursor = {0};
    hp_dns_question q;
    assert_true(hp_dns_next_question(&r->msg, &cursor, &q));
    assert_int_equal(q.type, HP_DNS_AAAA);
    r->faults[0] = (hp_dns_fault){.kind = HP_DNS_FAULT_TRUNCATE};
    start(r);
    ask(r, "turn.example", HP_DNS_A);
    assert_answer(r, HP_DNS_NOERROR, 0, 0);
    assert_true((r->msg.flags & HP_DNS_TC) != 0);
    ask_with(r, "turn.example", HP_DNS_A, HP_DNS_RD, 0, false, true);
    assert_answer(r, HP_DNS_NOERROR, 2, 0);
    static const struct {
        hp_dns_fault_kind kind;
        unsigned rcode;
    } codes[] = {{HP_DNS_FAULT_REFUSED, HP_DNS_REFUSED},
                 {HP_DNS_FAULT_NXDOMAIN, HP_DNS_NXDOMAIN},
                 {HP_DNS_FAULT_EMPTY, HP_DNS_NOERROR}};
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        r->faults[0] = (hp_dns_fault){.kind = codes[i].kind};
        start(r);
        ask(r, "turn.example", HP_DNS_A);
        assert_answer(r, codes[i].rcode, 0, 0);
    }
    assert_string_equal(hp_dns_fault_kind_name(HP_DNS_FAULT_WRONG_QUESTION), "wrong-question");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_negative, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cname, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reverse, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_queries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_edns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_answers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
