/* A NAT's application-level gateway: which addresses in payloads it translates, either way, and what it leaves. */
#include "nat_rig.h"

#include "wire/stun.h"

#define INSIDE "10.0.0.5:4000"
#define OUTSIDE "192.0.2.1:4000"
#define SERVER "203.0.113.9:3478"

static rig *with_alg(bool anywhere, bool plain, bool xored)
{
    hp_nat_config config = hp_nat_config_default();
    config.alg = (hp_nat_alg){.anywhere = anywhere, .plain = plain, .xored = xored};
    return rig_new(&config);
}

static hp_packet *datagram(const char *src, const char *dst, const uint8_t *data, size_t n)
{
    hp_addr from = addr(src), to = addr(dst);
    return hp_packet_new(HP_PROTO_UDP, &from, &to, data, n);
}

/* A message with both forms of an address. */
static size_t message(uint8_t *buf, size_t room, const char *mapped)
{
    static const uint8_t id[12] = {1, 2, 3};
    hp_addr a = addr(mapped);
    hp_stun_writer w;
    hp_stun_begin(&w, buf, room, HP_STUN_SUCCESS, HP_STUN_BINDING, id, NULL);
    hp_stun_add_addr(&w, HP_STUN_MAPPED_ADDRESS, &a, false);
    hp_stun_add_addr(&w, HP_STUN_XOR_MAPPED_ADDRESS, &a, true);
    return hp_stun_finish(&w);
}

static void assert_holds(const hp_packet *p, const char *plain, const char *xored)
{
    hp_stun_msg m;
    hp_stun_attr attr;
    hp_addr a;
    char text[HP_ADDR_TEXT];
    assert_true(hp_stun_parse(p->payload, p->length, &m));
    assert_true(hp_stun_find(&m, HP_STUN_MAPPED_ADDRESS, &attr) && hp_stun_attr_addr(&m, &attr, false, &a));
    assert_string_equal(hp_addr_format(&a, text), plain);
    assert_true(hp_stun_find(&m, HP_STUN_XOR_MAPPED_ADDRESS, &attr) && hp_stun_attr_addr(&m, &attr, true, &a));
    assert_string_equal(hp_addr_format(&a, text), xored);
}

/* Sends an answer with the outside address in; looks at what comes in. */
static void answer_holds(rig *r, const char *told, const char *plain, const char *xored)
{
    uint8_t buf[100];
    size_t n = message(buf, sizeof buf, told);
    assert_string_equal(rig_out(r, INSIDE, SERVER), OUTSIDE);
    rig_give(r, HP_NAT_OUTSIDE, datagram(SERVER, OUTSIDE, buf, n));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_non_null(p);
    assert_holds(p, plain, xored);
}

static void what_is_looked_at(void **state)
{
    static const struct {
        bool anywhere, plain, xored;
        const char *mapped, *xor_mapped;
    } cases[] = {
        {false, false, false, OUTSIDE, OUTSIDE},
        {false, true, false, INSIDE, OUTSIDE},
        {false, false, true, OUTSIDE, INSIDE},
        {true, false, false, INSIDE, OUTSIDE}, /* its bytes, whose port is the same here */
        {true, true, true, INSIDE, INSIDE},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(rig) r = with_alg(cases[i].anywhere, cases[i].plain, cases[i].xored);
        answer_holds(r, OUTSIDE, cases[i].mapped, cases[i].xor_mapped);
    }
}

/* The address is the NAT's, the port another mapping's: which inside port that is, nobody asks. */
static void another_port_stays(void **state)
{
    g_autoptr(rig) r = with_alg(false, true, true);
    answer_holds(r, "192.0.2.1:4999", "10.0.0.5:4999", "10.0.0.5:4999");
    g_autoptr(rig) other = with_alg(false, true, true);
    answer_holds(other, "192.0.2.2:4000", "192.0.2.2:4000", "192.0.2.2:4000");
}

static void outwards_the_inside_address_is_hidden(void **state)
{
    g_autoptr(rig) r = with_alg(false, true, false);
    uint8_t buf[100];
    size_t n = message(buf, sizeof buf, INSIDE);
    rig_give(r, HP_NAT_INSIDE, datagram(INSIDE, SERVER, buf, n));
    assert_holds(rig_got(r, HP_NAT_OUTSIDE), OUTSIDE, INSIDE);
}

static void anywhere_is_any_payload(void **state)
{
    g_autoptr(rig) r = with_alg(true, false, false);
    const uint8_t data[] = {1, 10, 0, 0, 5, 9, 10, 0, 0, 6, 10, 0, 0},
                  expected[] = {1, 192, 0, 2, 1, 9, 10, 0, 0, 6, 10, 0, 0};
    rig_give(r, HP_NAT_INSIDE, datagram(INSIDE, SERVER, data, sizeof data));
    const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
    assert_int_equal(p->length, sizeof expected);
    assert_memory_equal(p->payload, expected, sizeof expected);

    /* TCP data too, and not the header, which may hold such bytes as a sequence number. */
    hp_packet *segment = tcp_at(INSIDE, SERVER, HP_TCP_SYN, 0x0a000005, 0);
    hp_addr from = addr(INSIDE), to = addr(SERVER);
    uint8_t bytes[64];
    size_t head = segment->length;
    memcpy(bytes, segment->payload, head);
    memcpy(bytes + head, data, sizeof data);
    hp_packet_free(segment);
    rig_give(r, HP_NAT_INSIDE, hp_packet_new(HP_PROTO_TCP, &from, &to, bytes, head + sizeof data));
    p = rig_got(r, HP_NAT_OUTSIDE);
    assert_memory_equal(p->payload, bytes, head);
    assert_memory_equal(p->payload + head, expected, sizeof expected);
}

static void at_run_time(void **state)
{
    g_autoptr(rig) r = with_alg(false, false, false);
    answer_holds(r, OUTSIDE, OUTSIDE, OUTSIDE);
    hp_nat_config config = *hp_nat_get_config(r->nat);
    config.alg.plain = true;
    hp_nat_configure(r->nat, &config, "alg: plain");
    answer_holds(r, OUTSIDE, INSIDE, OUTSIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_looked_at),
        cmocka_unit_test(another_port_stays),
        cmocka_unit_test(outwards_the_inside_address_is_hidden),
        cmocka_unit_test(anywhere_is_any_payload),
        cmocka_unit_test(at_run_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
