/* DNS messages and names: exact bytes, compression, every truncation, hostile pointers; RFC 6052 addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"
#include "wire/dns.h"
#include "wire/dns64.h"

static hp_dns_name name_of(const char *text)
{
    hp_dns_name name;
    assert_true(hp_dns_name_parse(text, &name));
    return name;
}

static hp_addr addr_of(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static void assert_name(const hp_dns_name *name, const char *expected)
{
    char text[HP_DNS_NAME_TEXT];
    assert_string_equal(hp_dns_name_format(name, text), expected);
}

/* In memory of its very length, so that a read past the end is seen by the sanitizer. */
static bool parses(const uint8_t *data, size_t len)
{
    g_autofree uint8_t *exact = g_memdup2(data, len);
    hp_dns_msg m;
    bool good = hp_dns_parse(exact, len, &m);
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    while (good && hp_dns_next_record(&m, &cursor, &r)) {
    }
    return good;
}

static bool hex_parses(const char *hex)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    return parses(data, len);
}

static void assert_bytes(const hp_dns_writer *w, const char *hex)
{
    g_autoptr(GBytes) bytes = hex_bytes(hex);
    gsize len;
    const uint8_t *expected = g_bytes_get_data(bytes, &len);
    assert_int_equal(hp_dns_finish(w), len);
    assert_memory_equal(w->buf, expected, len);
}

static void test_names(void **state)
{
    static const char *const good[] = {"a", "host.example", "a.b.c.d", "xn--bcher-kva.example", "_ice._udp.local"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        hp_dns_name n = name_of(good[i]);
        assert_name(&n, good[i]);
    }
    static const char *const bad[] = {"", "..", ".a", "a..b", "a..", "\\", "a\\", "a\\25", "a\\256"};
    hp_dns_name n;
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        assert_false(hp_dns_name_parse(bad[i], &n));
    }
    n = name_of(".");
    assert_int_equal(n.length, 1);
    assert_name(&n, ".");
    assert_int_equal(hp_dns_name_labels(&n), 0);
    n = name_of("example.");
    assert_name(&n, "example");
    n = name_of("a\\.b.c\\\\\\007");
    assert_int_equal(n.length, 9);
    assert_memory_equal(n.bytes, "\3a.b\3c\\\7\0", 9);
    assert_name(&n, "a\\.b.c\\\\\\007");
}

static void test_name_limits(void **state)
{
    hp_dns_name n;
    char label[66];
    memset(label, 'x', sizeof label);
    label[63] = '\0';
    assert_true(hp_dns_name_parse(label, &n));
    assert_int_equal(n.length, 65);
    label[63] = 'x';
    label[64] = '\0';
    assert_false(hp_dns_name_parse(label, &n));
    /* Three labels of 63 and one of 61 make 255 bytes with the root. */
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned i = 0; i < 3; i++) {
        g_string_append_printf(text, "%.63s.", label);
    }
    g_string_append_len(text, label, 61);
    assert_true(hp_dns_name_parse(text->str, &n));
    assert_int_equal(n.length, 255);
    char out[HP_DNS_NAME_TEXT];
    assert_string_equal(hp_dns_name_format(&n, out), text->str);
    g_string_append_c(text, 'x');
    assert_false(hp_dns_name_parse(text->str, &n));
    g_string_truncate(text, text->len - 1);
    g_string_append(text, ".y");
    assert_false(hp_dns_name_parse(text->str, &n));
}

static void test_comparison(void **state)
{
    hp_dns_name a = name_of("Host.Example"), b = name_of("hOST.eXAMPLE"), c = name_of("ost.example");
    hp_dns_name zone = name_of("EXAMPLE"), root = name_of("."), trap = name_of("h.badexample");
    assert_true(hp_dns_name_equal(&a, &b));
    assert_false(hp_dns_name_equal(&a, &c));
    assert_true(hp_dns_name_within(&a, &zone));
    assert_true(hp_dns_name_within(&a, &root));
    assert_true(hp_dns_name_within(&a, &b));
    assert_false(hp_dns_name_within(&zone, &a));
    assert_false(hp_dns_name_within(&trap, &zone));
    assert_false(hp_dns_name_within(&a, &c));
}

static void test_reverse(void **state)
{
    static const struct {
        const char *address, *name;
    } cases[] = {
        {"192.0.2.33", "33.2.0.192.in-addr.arpa"},
        {"2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_addr a = addr_of(cases[i].address), back;
        hp_dns_name n;
        assert_true(hp_dns_name_reverse(&a, &n));
        assert_name(&n, cases[i].name);
        assert_true(hp_dns_name_reversed(&n, &back));
        assert_true(hp_addr_equal(&a, &back));
    }
    static const char *const bad[] = {"2.0.192.in-addr.arpa",
                                      "256.2.0.192.in-addr.arpa",
                                      "033.2.0.192.in-addr.arpa",
                                      "x.2.0.192.in-addr.arpa",
                                      "1.2.3.4.5.6",
                                      "8.b.d.0.1.0.0.2.ip6.arpa",
                                      "g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        hp_dns_name n = name_of(bad[i]);
        hp_addr back;
        assert_false(hp_dns_name_reversed(&n, &back));
    }
}

static const char *const query = "1234 0100 0001 0000 0000 0000 04747572 6e076578 616d706c 6500 0001 0001";

static void test_query(void **state)
{
    uint8_t buf[HP_DNS_MAX_UDP];
    hp_dns_writer w;
    hp_dns_question q = {.name = name_of("turn.example"), .type = HP_DNS_A, .cls = HP_DNS_IN};
    hp_dns_begin(&w, buf, sizeof buf, 0x1234, HP_DNS_RD);
    assert_true(hp_dns_add_question(&w, &q));
    assert_bytes(&w, query);
    hp_dns_msg m;
    hp_dns_cursor cursor = {0};
    hp_dns_question back;
    assert_true(hp_dns_parse(buf, hp_dns_finish(&w), &m));
    assert_int_equal(m.id, 0x1234);
    assert_int_equal(m.flags, HP_DNS_RD);
    assert_int_equal(m.udp_size, 512);
    assert_true(hp_dns_next_question(&m, &cursor, &back));
    assert_true(hp_dns_name_equal(&q.name, &back.name));
    assert_int_equal(back.type, HP_DNS_A);
    assert_false(hp_dns_next_question(&m, &cursor, &back));
}

/* One record of each type, names compressed where they may be. */
static size_t write_everything(uint8_t *buf, size_t cap, bool multicast)
{
    static const uint8_t map[] = {0, 4, 0x40, 0, 0, 8};
    hp_dns_writer w;
    hp_dns_question q = {.name = name_of("a.example"), .type = HP_DNS_ANY, .cls = HP_DNS_IN};
    hp_dns_record r = {.section = HP_DNS_ANSWER, .name = q.name, .type = HP_DNS_CNAME, .cls = HP_DNS_IN, .ttl = 60};
    hp_dns_begin(&w, buf, cap, 1, HP_DNS_QR | HP_DNS_AA);
    w.multicast = multicast;
    hp_dns_add_question(&w, &q);
    r.target = name_of("b.example");
    hp_dns_add_record(&w, &r);
    r.name = r.target;
    r.type = HP_DNS_A;
    r.addr = addr_of("192.0.2.1");
    hp_dns_add_record(&w, &r);
    r.type = HP_DNS_AAAA;
    r.addr = addr_of("2001:db8::1");
    hp_dns_add_record(&w, &r);
    r.type = HP_DNS_TXT;
    r.rdata = (const uint8_t *)"\2hi\0";
    r.rdata_length = 4;
    hp_dns_add_record(&w, &r);
    r.type = HP_DNS_SRV;
    r.srv.priority = 1;
    r.srv.weight = 2;
    r.srv.port = 3478;
    r.srv.target = name_of("b.example");
    hp_dns_add_record(&w, &r);
    r.type = HP_DNS_NSEC;
    r.nsec.next = name_of("b.example");
    r.nsec.types = map;
    r.nsec.types_length = sizeof map;
    hp_dns_add_record(&w, &r);
    r.section = HP_DNS_AUTHORITY;
    r.name = name_of("example");
    r.type = HP_DNS_SOA;
    r.soa.mname = name_of("ns.example");
    r.soa.rname = name_of("root.ns.example");
    r.soa.serial = 1;
    r.soa.refresh = 2;
    r.soa.retry = 3;
    r.soa.expire = 4;
    r.soa.minimum = 5;
    hp_dns_add_record(&w, &r);
    hp_dns_add_opt(&w, 1232, 0, true);
    return hp_dns_finish(&w);
}

static const char *const everything = "0001 8400 0001 0006 0001 0001"
                                      "0161 076578616d706c65 00 00ff 0001"
                                      "c00c 0005 0001 0000003c 0004 0162 c00e"
                                      "c027 0001 0001 0000003c 0004 c0000201"
                                      "c027 001c 0001 0000003c 0010 20010db8000000000000000000000001"
                                      "c027 0010 0001 0000003c 0004 02686900"
                                      "c027 0021 0001 0000003c 0011 0001 0002 0d96 0162 076578616d706c65 00"
                                      "c027 002f 0001 0000003c 0011 0162 076578616d706c65 00 000440000008"
                                      "c00e 0006 0001 0000003c 0020 026e73c00e 04726f6f74c0ad"
                                      "0000000100000002000000030000000400000005"
                                      "00 0029 04d0 00008000 0000";

static void test_everything(void **state)
{
    uint8_t buf[HP_DNS_EDNS_UDP];
    hp_dns_writer w = {.buf = buf};
    w.length = write_everything(buf, sizeof buf, false);
    assert_bytes(&w, everything);
    hp_dns_msg m;
    hp_dns_cursor cursor = {0};
    hp_dns_record r;
    assert_true(hp_dns_parse(buf, w.length, &m));
    assert_true(m.has_opt);
    assert_int_equal(m.udp_size, 1232);
    assert_true(m.dnssec_ok);
    static const uint16_t types[] = {HP_DNS_CNAME, HP_DNS_A,    HP_DNS_AAAA, HP_DNS_TXT,
                                     HP_DNS_SRV,   HP_DNS_NSEC, HP_DNS_SOA,  HP_DNS_OPT};
    static const hp_dns_section sections[] = {0, 0, 0, 0, 0, 0, HP_DNS_AUTHORITY, HP_DNS_ADDITIONAL};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        assert_true(hp_dns_next_record(&m, &cursor, &r));
        assert_int_equal(r.type, types[i]);
        assert_int_equal(r.section, sections[i]);
        if (r.type == HP_DNS_CNAME) {
            assert_name(&r.target, "b.example");
        } else if (r.type == HP_DNS_SRV) {
            assert_int_equal(r.srv.port, 3478);
            assert_name(&r.srv.target, "b.example");
        } else if (r.type == HP_DNS_NSEC) {
            assert_true(hp_dns_nsec_has(&r, HP_DNS_A));
            assert_true(hp_dns_nsec_has(&r, HP_DNS_AAAA));
            assert_false(hp_dns_nsec_has(&r, HP_DNS_TXT));
            assert_false(hp_dns_nsec_has(&r, HP_DNS_ANY));
            assert_false(hp_dns_nsec_has(&r, 257));
        } else if (r.type == HP_DNS_SOA) {
            assert_name(&r.soa.rname, "root.ns.example");
            assert_int_equal(r.soa.minimum, 5);
        }
    }
    assert_false(hp_dns_next_record(&m, &cursor, &r));
}

/* RFC 6762 section 18.14: compressed in SRV and NSEC too; still the same message. */
static void test_multicast_compression(void **state)
{
    uint8_t plain[HP_DNS_EDNS_UDP], small[HP_DNS_EDNS_UDP];
    size_t a = write_everything(plain, sizeof plain, false), b = write_everything(small, sizeof small, true);
    assert_int_equal(a - b, 18);
    hp_dns_msg m, n;
    hp_dns_cursor c = {0}, d = {0};
    hp_dns_record r, s;
    assert_true(hp_dns_parse(plain, a, &m) && hp_dns_parse(small, b, &n));
    while (hp_dns_next_record(&m, &c, &r)) {
        assert_true(hp_dns_next_record(&n, &d, &s));
        assert_true(hp_dns_record_same(&r, &s));
    }
}

static void test_every_truncation(void **state)
{
    uint8_t buf[HP_DNS_EDNS_UDP + 1] = {0};
    size_t len = write_everything(buf, sizeof buf - 1, false);
    assert_true(parses(buf, len));
    for (size_t i = 0; i < len; i++) {
        assert_false(parses(buf, i));
    }
    assert_false(parses(buf, len + 1));
}

/* Every byte changed to a few values: whatever is made of it, nothing is read beyond the end. */
static void test_mutations(void **state)
{
    uint8_t buf[HP_DNS_EDNS_UDP];
    size_t len = write_everything(buf, sizeof buf, true);
    static const uint8_t values[] = {0x00, 0x01, 0x3f, 0x40, 0x80, 0xc0, 0xff};
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof values; k++) {
            uint8_t was = buf[i];
            buf[i] = values[k];
            parses(buf, len);
            buf[i] = was;
        }
    }
}

#define HEAD(questions, answers) "0000 0000 000" questions " 000" answers " 0000 0000 "

static void test_hostile(void **state)
{
    assert_true(hex_parses(HEAD("1", "0") "00 0001 0001"));
    static const char *const bad[] = {
        HEAD("1", "0") "c00c 0001 0001", /* a pointer to itself */
        HEAD("1", "0") "c00e 0161 00 0001 0001", /* forwards */
        HEAD("1", "0") "0161 c00c 0001 0001", /* into its own run */
        HEAD("1", "0") "c000 0001 0001", /* into the header */
        HEAD("1", "0") "c0", /* half a pointer */
        HEAD("1", "0") "4161 00 0001 0001", /* label type 01 */
        HEAD("1", "0") "8161 00 0001 0001", /* label type 10 */
        HEAD("2", "0") "0161 c00c 0001 0001 c00c 0001 0001", /* a loop in two steps */
        HEAD("0", "1") "00 0001 0001 00000000 0003 c00002", /* A of 3 bytes */
        HEAD("0", "1") "00 0001 0001 00000000 0005 c000020101",
        HEAD("0", "1") "00 001c 0001 00000000 0004 c0000201", /* AAAA of 4 */
        HEAD("0", "1") "00 0005 0001 00000000 0002 0000", /* a name and a byte */
        HEAD("0", "1") "00 0005 0001 00000000 0002 0161 00", /* the name runs out of its data */
        HEAD("0", "1") "00 0010 0001 00000000 0002 0261", /* a string runs out of its data */
        HEAD("0", "1") "00 0010 0001 00000000 0000", /* TXT without a string */
        HEAD("0", "1") "00 0021 0001 00000000 0006 000000000000", /* SRV without a target */
        HEAD("0", "1") "00 0006 0001 00000000 0015 0000 00000000000000000000000000000000000000", /* SOA a byte short */
        HEAD("0", "1") "00 002f 0001 00000000 0003 00 0001", /* a window without a map */
        HEAD("0", "1") "00 002f 0001 00000000 0007 00 000140 000180", /* windows out of order */
        HEAD("0", "1") "00 002f 0001 00000000 0005 00 00024000", /* a zero byte at the end of a map */
        HEAD("0", "1") "00 0029 04d0 00000000 0000", /* OPT as an answer */
        "0000 0000 0000 0000 0000 0002 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000", /* two of them */
        "0000 0000 0000 0000 0000 0001 0161 00 0029 04d0 00000000 0000", /* of another name than the root */
        "0000 0000 0000 0000 0000 0001 00 0029 04d0 00000000 0003 000100", /* half an option */
        "0000 0000 0000 0000 0000 0001 00 0029 04d0 00000000 0004 00010001", /* an option without its data */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        if (hex_parses(bad[i])) {
            fail_msg("message %zu was taken", i);
        }
    }
    assert_true(hex_parses(HEAD("0", "1") "00 0001 0003 00000000 0003 c00002")); /* class CHAOS: data unread */
    assert_true(hex_parses("0000 0000 0000 0000 0000 0001 00 0029 04d0 00000000 0005 00010001ff"));
}

/* A name that grows beyond 255 bytes through pointers. */
static void test_long_by_pointers(void **state)
{
    g_autoptr(GByteArray) b = g_byte_array_new();
    static const uint8_t head[12] = {0, 0, 0, 0, 0, 2};
    static const uint8_t root_and_type[5] = {0, 0, 1, 0, 1};
    static const uint8_t pointer_and_type[6] = {0xc0, 12, 0, 1, 0, 1};
    uint8_t label[64] = {63};
    memset(label + 1, 'x', 63);
    g_byte_array_append(b, head, sizeof head);
    for (unsigned i = 0; i < 3; i++) {
        g_byte_array_append(b, label, sizeof label);
    }
    g_byte_array_append(b, root_and_type, sizeof root_and_type);
    unsigned at = b->len;
    label[0] = 61;
    g_byte_array_append(b, label, 62);
    g_byte_array_append(b, pointer_and_type, sizeof pointer_and_type);
    assert_true(parses(b->data, b->len));
    g_byte_array_set_size(b, at);
    label[0] = 62;
    g_byte_array_append(b, label, 63);
    g_byte_array_append(b, pointer_and_type, sizeof pointer_and_type);
    assert_false(parses(b->data, b->len));
}

static void test_writer_limits(void **state)
{
    uint8_t buf[64];
    hp_dns_writer w;
    hp_dns_question q = {.name = name_of("a.example"), .type = HP_DNS_A, .cls = HP_DNS_IN};
    hp_dns_record r = {.name = q.name, .type = HP_DNS_A, .cls = HP_DNS_IN, .addr = addr_of("192.0.2.1")};
    /* 12 + 15, then 16 a record, 11 for OPT. */
    hp_dns_begin(&w, buf, 12 + 15 + 16 + 11 + 15, 0, 0);
    hp_dns_reserve_opt(&w);
    assert_true(hp_dns_add_question(&w, &q));
    assert_true(hp_dns_add_record(&w, &r));
    assert_false(hp_dns_add_record(&w, &r));
    assert_int_equal(hp_dns_finish(&w), 43);
    assert_true(hp_dns_add_opt(&w, 1232, HP_DNS_BADVERS, false));
    hp_dns_set_flags(&w, HP_DNS_TC);
    assert_int_equal(hp_dns_finish(&w), 54);
    hp_dns_msg m;
    assert_true(hp_dns_parse(buf, 54, &m));
    assert_int_equal(m.rcode, HP_DNS_BADVERS);
    assert_int_equal(m.flags, HP_DNS_TC);
    assert_int_equal(m.n_records[HP_DNS_ANSWER], 1);
    assert_false(hp_dns_add_question(&(hp_dns_writer){.buf = buf, .cap = 20, .length = 12}, &q));
}

static void test_type_names(void **state)
{
    char buf[12];
    assert_string_equal(hp_dns_type_name(HP_DNS_AAAA, buf), "AAAA");
    assert_string_equal(hp_dns_type_name(65, buf), "TYPE65");
    assert_string_equal(hp_dns_rcode_name(HP_DNS_NXDOMAIN, buf), "NXDOMAIN");
    assert_string_equal(hp_dns_rcode_name(HP_DNS_BADVERS, buf), "BADVERS");
    assert_string_equal(hp_dns_rcode_name(9, buf), "RCODE9");
}

/* RFC 6052 section 2.4, all six rows of the first table. */
static void test_dns64(void **state)
{
    static const struct {
        const char *prefix, *address;
    } rows[] = {
        {"2001:db8::/32", "2001:db8:c000:221::"},
        {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
        {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
        {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
        {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
        {"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"},
    };
    hp_addr v4 = hp_addr_v4(0xc0000221, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        hp_prefix prefix;
        hp_addr v6, expected = addr_of(rows[i].address), back;
        assert_true(hp_prefix_parse(rows[i].prefix, &prefix));
        assert_true(hp_dns64_embed(&prefix, &v4, &v6));
        assert_true(hp_addr_equal(&v6, &expected));
        assert_true(hp_dns64_extract(&prefix, &v6, &back));
        assert_true(hp_addr_equal(&back, &v4));
    }
    hp_prefix wrong;
    hp_addr out, outside = addr_of("2001:db9::1");
    assert_true(hp_prefix_parse("2001:db8::/33", &wrong));
    assert_false(hp_dns64_prefix_valid(&wrong));
    assert_true(hp_prefix_parse("2001:db8:0:0:100::/96", &wrong));
    assert_false(hp_dns64_prefix_valid(&wrong));
    hp_prefix well_known = hp_dns64_well_known();
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_prefix_format(&well_known, text), "64:ff9b::/96");
    assert_false(hp_dns64_extract(&well_known, &outside, &out));
    assert_false(hp_dns64_embed(&well_known, &outside, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_name_limits),
        cmocka_unit_test(test_comparison),
        cmocka_unit_test(test_reverse),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_multicast_compression),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_long_by_pointers),
        cmocka_unit_test(test_writer_limits),
        cmocka_unit_test(test_type_names),
        cmocka_unit_test(test_dns64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
