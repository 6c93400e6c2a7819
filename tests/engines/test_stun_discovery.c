/* NAT behaviour discovery (RFC 5780 sections 6 and 7). */
#include "engines/rig.h"

static int setup(void **state)
{
    rig *r = g_new(rig, 1);
    rig_init(r);
    r->config.kind = HP_SERVER_STUN;
    r->config.nat_discovery = true;
    r->addresses[r->n_addresses++] = rig_addr("203.0.113.2");
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig *r = *state;
    rig_end(r);
    g_free(r);
    return 0;
}

static rig_client client(void)
{
    return rig_client_new("192.0.2.10:5000", "", "");
}

/* Section 6.1, table 1: from each of the four addresses, each of the four combinations. */
static void change_request(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    static const char *const here[] = {"203.0.113.1:3478", "203.0.113.1:3479", "203.0.113.2:3478", "203.0.113.2:3479"};
    for (unsigned i = 0; i < 4; i++) {
        r->server_addr = rig_addr(here[i]);
        for (uint32_t flags = 0; flags < 4; flags++) { /* bit 0: change port, bit 1: change IP */
            rig_begin(r, HP_STUN_BINDING);
            hp_stun_add_u32(&r->w, HP_STUN_CHANGE_REQUEST, flags << 1);
            assert_int_equal(rig_ask(r, &c), 0);
            const rig_sent *s = rig_last(r);
            rig_assert_addr(&s->path.server, here[i ^ flags]);
            rig_assert_addr(&s->path.client, "192.0.2.10:5000");
            hp_addr origin = rig_attr_addr(s, HP_STUN_RESPONSE_ORIGIN, false);
            rig_assert_addr(&origin, here[i ^ flags]);
            hp_addr other = rig_attr_addr(s, HP_STUN_OTHER_ADDRESS, false);
            rig_assert_addr(&other, here[i ^ 3]);
            assert_true(rig_has(s, HP_STUN_MAPPED_ADDRESS) && rig_has(s, HP_STUN_XOR_MAPPED_ADDRESS));
        }
    }
}

static void bindings(void **state)
{
    rig *r = *state;
    r->config.port = 1000;
    r->config.alternate_port = 2000;
    rig_start(r);
    hp_addr all[8];
    static const char *const expected[] = {"203.0.113.1:1000",   "203.0.113.1:2000", "[2001:db8::1]:1000",
                                           "[2001:db8::1]:2000", "203.0.113.2:1000", "203.0.113.2:2000"};
    assert_int_equal(hp_turn_server_bindings(r->server, all, 8), 6);
    for (unsigned i = 0; i < 6; i++) {
        rig_assert_addr(&all[i], expected[i]);
    }
}

/* Sections 6.1 and 7.4: with one address of the family, no OTHER-ADDRESS and 420 for CHANGE-REQUEST. */
static void one_address(void **state)
{
    rig *r = *state;
    rig_start(r);
    r->server_addr = rig_addr("[2001:db8::1]:3478");
    rig_client c = rig_client_new("[2001:db8:9::7]:6000", "", "");
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &c), 0);
    assert_false(rig_has(rig_last(r), HP_STUN_OTHER_ADDRESS));
    assert_true(rig_has(rig_last(r), HP_STUN_RESPONSE_ORIGIN));
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_u32(&r->w, HP_STUN_CHANGE_REQUEST, 0);
    assert_int_equal(rig_ask(r, &c), 420);
    hp_stun_attr unknown = rig_attr(rig_last(r), HP_STUN_UNKNOWN_ATTRIBUTES);
    assert_memory_equal(unknown.value, "\x00\x03", 2);
}

/* A server that is not asked to do any of this knows none of the attributes. */
static void not_offered(void **state)
{
    rig *r = *state;
    r->config.nat_discovery = false;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_u32(&r->w, HP_STUN_CHANGE_REQUEST, 0);
    hp_stun_add_u32(&r->w, HP_STUN_RESPONSE_PORT, 0);
    hp_stun_add_u32(&r->w, HP_STUN_PADDING, 0);
    assert_int_equal(rig_ask(r, &c), 420);
    hp_stun_attr unknown = rig_attr(rig_last(r), HP_STUN_UNKNOWN_ATTRIBUTES);
    assert_int_equal(unknown.length, 6);
    assert_memory_equal(unknown.value, "\x00\x03\x00\x27\x00\x26", 6);
}

static void malformed(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add(&r->w, HP_STUN_CHANGE_REQUEST, "\x00\x02", 2);
    assert_int_equal(rig_ask(r, &c), 400);
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add(&r->w, HP_STUN_RESPONSE_PORT, "\x00", 1);
    assert_int_equal(rig_ask(r, &c), 400);
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_u32(&r->w, HP_STUN_RESPONSE_PORT, 0);
    assert_int_equal(rig_ask(r, &c), 400);
}

/* Section 7.5: the answer goes to the port named, whichever of two lengths the attribute has. */
static void response_port(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    for (size_t length = 2; length <= 4; length += 2) {
        rig_begin(r, HP_STUN_BINDING);
        hp_stun_add(&r->w, HP_STUN_RESPONSE_PORT, "\x1f\x90\x00\x00", length);
        assert_int_equal(rig_ask(r, &c), 0);
        rig_assert_addr(&rig_last(r)->path.client, "192.0.2.10:8080");
        hp_addr mapped = rig_attr_addr(rig_last(r), HP_STUN_XOR_MAPPED_ADDRESS, true);
        rig_assert_addr(&mapped, "192.0.2.10:5000");
    }
}

/* Section 6.1: PADDING comes back, at most an MTU of it; with RESPONSE-PORT it is 400, answered where it came from. */
static void padding(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    static const size_t asked[] = {5, 1500, 2000}, given[] = {8, 1500, 1500};
    static const uint8_t bytes[2000];
    for (unsigned i = 0; i < 3; i++) {
        rig_begin(r, HP_STUN_BINDING);
        hp_stun_add(&r->w, HP_STUN_PADDING, bytes, asked[i]);
        assert_int_equal(rig_ask(r, &c), 0);
        assert_int_equal(rig_attr(rig_last(r), HP_STUN_PADDING).length, given[i]);
    }
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add(&r->w, HP_STUN_PADDING, bytes, 100);
    hp_stun_add_u32(&r->w, HP_STUN_RESPONSE_PORT, UINT32_C(8080) << 16);
    assert_int_equal(rig_ask(r, &c), 400);
    rig_assert_addr(&rig_last(r)->path.client, "192.0.2.10:5000");
}

/* RFC 3489 clients change addresses too. */
static void rfc3489_change(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    memcpy(r->buffer + 4, "wxyz", 4);
    hp_stun_add_u32(&r->w, HP_STUN_CHANGE_REQUEST, 6);
    assert_int_equal(rig_send(r, &c), 1);
    rig_assert_addr(&rig_last(r)->path.server, "203.0.113.2:3479");
}

/* One port for both is no pair: nothing that needs a second port is promised. */
static void one_port(void **state)
{
    rig *r = *state;
    r->config.port = r->config.alternate_port = 3479;
    rig_start(r);
    hp_addr all[8];
    assert_int_equal(hp_turn_server_bindings(r->server, all, 8), 3);
    rig_client c = client();
    r->server_addr = rig_addr("203.0.113.1:3479");
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &c), 0);
    assert_false(rig_has(rig_last(r), HP_STUN_OTHER_ADDRESS));
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_u32(&r->w, HP_STUN_CHANGE_REQUEST, 2);
    assert_int_equal(rig_ask(r, &c), 420);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(change_request), T(bindings),      T(one_address), T(one_port),       T(not_offered),
        T(malformed),      T(response_port), T(padding),     T(rfc3489_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
