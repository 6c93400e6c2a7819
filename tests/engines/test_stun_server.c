/* The STUN server: framing, Binding, what is silent and what is answered (RFC 8489 sections 5, 6, 12 and 14). */
#include "engines/rig.h"

#include "engines/stun_server.h"

static rig_client client(void)
{
    return rig_client_new("192.0.2.10:5000", "alice", "secret");
}

static int setup(void **state)
{
    rig *r = g_new(rig, 1);
    rig_init(r);
    r->config.kind = HP_SERVER_STUN;
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

/* Section 6.3.1.1: XOR-MAPPED-ADDRESS is the source; section 6.3.1.2: the answer leaves from the address asked. */
static void binding(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &c), 0);
    const rig_sent *s = rig_last(r);
    hp_addr mapped = rig_attr_addr(s, HP_STUN_XOR_MAPPED_ADDRESS, true);
    rig_assert_addr(&mapped, "192.0.2.10:5000");
    mapped = rig_attr_addr(s, HP_STUN_MAPPED_ADDRESS, false);
    rig_assert_addr(&mapped, "192.0.2.10:5000");
    rig_assert_addr(&s->path.server, "203.0.113.1:3478");
    rig_assert_addr(&s->path.client, "192.0.2.10:5000");
    hp_stun_attr software = rig_attr(s, HP_STUN_SOFTWARE);
    assert_memory_equal(software.value, "Hairpin ", 8);
    assert_false(rig_has(s, HP_STUN_FINGERPRINT));
    assert_false(rig_has(s, HP_STUN_MESSAGE_INTEGRITY));
    assert_false(rig_has(s, HP_STUN_OTHER_ADDRESS));
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_REQUEST);
    assert_int_equal(e->method, HP_STUN_BINDING);
    assert_int_equal(e->answer, HP_ANSWER_SUCCESS);
    assert_string_equal(e->user, "");
}

/* Section 14.2: IPv6 as well. */
static void binding_ipv6(void **state)
{
    rig *r = *state;
    rig_start(r);
    r->server_addr = rig_addr("[2001:db8::1]:3478");
    rig_client c = rig_client_new("[2001:db8:9::7]:6000", "", "");
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &c), 0);
    hp_addr mapped = rig_attr_addr(rig_last(r), HP_STUN_XOR_MAPPED_ADDRESS, true);
    rig_assert_addr(&mapped, "[2001:db8:9::7]:6000");
}

static void no_software(void **state)
{
    rig *r = *state;
    r->config.software = false;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &c), 0);
    assert_false(rig_has(rig_last(r), HP_STUN_SOFTWARE));
}

/* Section 14: padding is zero when sent; every attribute's length leaves it out. */
static void padding_is_zero(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    memset(r->buffer, 0xff, sizeof r->buffer);
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &c), 0);
    size_t cursor = 0;
    hp_stun_attr a;
    while (hp_stun_next(&rig_last(r)->msg, &cursor, &a)) {
        for (unsigned i = a.length; i % 4 != 0; i++) {
            assert_int_equal(a.value[i], 0);
        }
    }
}

/* Sections 5 and 6.3: what gets no answer at all. */
static void silence(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    size_t length = hp_stun_finish(&r->w);
    uint8_t good[64];
    memcpy(good, r->buffer, length);
    uint8_t bad[80] = {0};
    rig_input(r, &c.addr, bad, 0, NULL);
    rig_input(r, &c.addr, good, 19, NULL); /* shorter than a header */
    memcpy(bad, good, 20);
    rig_input(r, &c.addr, bad, 24, NULL); /* longer than its length says */
    bad[3] = 2;
    rig_input(r, &c.addr, bad, 22, NULL); /* a length that is no multiple of 4 */
    memcpy(bad, good, 20);
    bad[0] |= 0x80;
    rig_input(r, &c.addr, bad, 20, NULL); /* top bits not 00 */
    memcpy(bad, good, 20);
    bad[0] = 0x40;
    rig_input(r, &c.addr, bad, 20, NULL); /* ChannelData, which a STUN server has no use for */
    memcpy(bad, good, 20);
    bad[3] = 4;
    bad[23] = 1;
    rig_input(r, &c.addr, bad, 24, NULL); /* an attribute that reaches past the end */
    assert_int_equal(r->sent->len, 0);
    static const uint16_t methods[] = {HP_STUN_ALLOCATE, HP_STUN_REFRESH, 0x002, 0x00a, 0xfff};
    for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) { /* unsupported methods */
        rig_begin(r, methods[i]);
        assert_int_equal(rig_send(r, &c), 0);
    }
    static const hp_stun_class classes[] = {HP_STUN_INDICATION, HP_STUN_SUCCESS, HP_STUN_ERROR};
    for (unsigned i = 0; i < G_N_ELEMENTS(classes); i++) {
        rig_begin_class(r, HP_STUN_BINDING, classes[i]);
        assert_int_equal(rig_send(r, &c), 0);
    }
    rig_input(r, &c.addr, good, 20, NULL);
    assert_int_equal(r->sent->len, 1);
}

/* Section 7: an answer has FINGERPRINT, as the last attribute (14.7), when its request had it; a bad one is silence. */
static void fingerprint(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_fingerprint(&r->w);
    assert_int_equal(rig_ask(r, &c), 0);
    assert_int_equal(hp_stun_check_fingerprint(&rig_last(r)->msg), HP_STUN_GOOD);
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_fingerprint(&r->w);
    r->buffer[r->w.len - 1] ^= 1;
    assert_int_equal(rig_send(r, &c), 0);
    assert_int_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->answer, HP_ANSWER_SILENCE);
}

static void required_fingerprint(void **state)
{
    rig *r = *state;
    r->config.require_fingerprint = true;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_send(r, &c), 0);
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_fingerprint(&r->w);
    assert_int_equal(rig_send(r, &c), 1);
}

/* Section 6.3.1: 420 lists every unknown comprehension-required attribute once, in order; optional ones are ignored. */
static void unknown_attributes(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add(&r->w, 0x8ffe, "abc", 3);
    hp_stun_add(&r->w, 0xffff, "", 0);
    assert_int_equal(rig_ask(r, &c), 0);
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_u32(&r->w, HP_STUN_PRIORITY, 1);
    hp_stun_add(&r->w, 0x8ffe, "", 0);
    hp_stun_add(&r->w, HP_STUN_USE_CANDIDATE, "", 0);
    hp_stun_add_u32(&r->w, HP_STUN_PRIORITY, 2);
    hp_stun_add(&r->w, 0x7fff, "", 0);
    assert_int_equal(rig_ask(r, &c), 420);
    hp_stun_attr unknown = rig_attr(rig_last(r), HP_STUN_UNKNOWN_ATTRIBUTES);
    assert_int_equal(unknown.length, 6);
    assert_memory_equal(unknown.value, "\x00\x24\x00\x25\x7f\xff", 6);
}

/* Section 6.3: known attributes that do not belong in a request are ignored; so is a USERNAME where nothing asks for
 * credentials, and attributes that only a TURN server knows are unknown. */
static void unexpected_attributes(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_text(&r->w, HP_STUN_USERNAME, "whoever:whomever");
    hp_stun_add_addr(&r->w, HP_STUN_XOR_MAPPED_ADDRESS, &c.addr, true);
    hp_stun_add_error(&r->w, 500, NULL);
    hp_stun_key key = hp_stun_key_short("x", 1);
    hp_stun_add_integrity(&r->w, &key, false);
    assert_int_equal(rig_ask(r, &c), 0);
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add_u32(&r->w, HP_STUN_CHANNEL_NUMBER, 0);
    assert_int_equal(rig_ask(r, &c), 420);
}

/* Section 14.5 and 14.6: attributes behind the integrity are not looked at. */
static void behind_the_integrity(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    hp_stun_key key = hp_stun_key_short("x", 1);
    for (unsigned sha256 = 0; sha256 < 2; sha256++) {
        rig_begin(r, HP_STUN_BINDING);
        hp_stun_add_integrity(&r->w, &key, sha256 == 1);
        hp_stun_add(&r->w, 0x7fff, "", 0);
        assert_int_equal(rig_ask(r, &c), 0);
    }
}

/* RFC 3489 clients: MAPPED-ADDRESS, not XORed, and their 16-byte id; 420 padded by repetition. */
static void rfc3489(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    memcpy(r->buffer + 4, "wxyz", 4);
    assert_int_equal(rig_send(r, &c), 1);
    const rig_sent *s = rig_last(r);
    assert_memory_equal(s->bytes, "\x01\x01\x00\x0cwxyz", 8);
    assert_memory_equal(s->bytes + 8, r->id, 12);
    assert_memory_equal(s->bytes + 20, "\x00\x01\x00\x08\x00\x01\x13\x88\xc0\x00\x02\x0a", 12);
    assert_int_equal(s->length, 32);
    rig_begin(r, HP_STUN_BINDING);
    memcpy(r->buffer + 4, "wxyz", 4);
    hp_stun_add(&r->w, 0x0002, "12345678", 8);
    assert_int_equal(rig_send(r, &c), 1);
    hp_stun_attr unknown = rig_attr(rig_last(r), HP_STUN_UNKNOWN_ATTRIBUTES);
    assert_int_equal(unknown.length, 4);
    assert_memory_equal(unknown.value, "\x00\x02\x00\x02", 4);
}

/* Section 5: without backwards compatibility a wrong cookie is silence. */
static void wrong_cookie(void **state)
{
    rig *r = *state;
    r->config.accept_rfc3489 = false;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    r->buffer[4] ^= 1;
    assert_int_equal(rig_send(r, &c), 0);
}

/* RFC 8656 section 5: TURN has no past before the cookie. */
static void turn_without_cookie(void **state)
{
    rig *r = *state;
    r->config.kind = HP_SERVER_TURN;
    rig_start(r);
    rig_client c = client();
    rig_begin_allocate(r);
    r->buffer[4] ^= 1;
    assert_int_equal(rig_send(r, &c), 0);
}

/* Section 6.3.1: the same request gets the same answer. */
static void retransmission(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &c), 0);
    rig_sent first = *rig_last(r);
    r->now += HP_S;
    assert_int_equal(rig_resend(r, &c), 1);
    assert_int_equal(rig_last(r)->length, first.length);
    assert_memory_equal(rig_last(r)->bytes, first.bytes, first.length);
}

/* A request of the largest size with nothing but unknown attributes is answered without a scratch. */
static void large_request(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client c = client();
    g_autofree uint8_t *big = g_malloc(20 + 4 * 16000);
    hp_stun_writer w;
    hp_stun_begin(&w, big, 20 + 4 * 16000, HP_STUN_REQUEST, HP_STUN_BINDING, r->id, NULL);
    for (unsigned i = 0; i < 16000; i++) {
        hp_stun_add(&w, (uint16_t)(0x4000 + i), "", 0);
    }
    size_t length = hp_stun_finish(&w);
    assert_int_equal(length, 20 + 4 * 16000);
    rig_input(r, &c.addr, big, length, NULL);
    assert_int_equal(rig_error(rig_last(r)), 420);
    assert_int_equal(rig_attr(rig_last(r), HP_STUN_UNKNOWN_ATTRIBUTES).length, 2 * 16000);
}

/* No answer is larger than a small multiple of its request (amplification). */
static void amplification(void **state)
{
    rig *r = *state;
    r->config.kind = HP_SERVER_TURN;
    r->config.nat_discovery = true;
    r->config.sha256 = true;
    r->addresses[r->n_addresses++] = rig_addr("203.0.113.2");
    rig_start(r);
    rig_client c = client();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &c), 0);
    assert_in_range(rig_last(r)->length, 20, 6 * 20);
    rig_begin(r, HP_STUN_BINDING);
    hp_stun_add(&r->w, HP_STUN_PADDING, "", 0);
    assert_int_equal(rig_ask(r, &c), 0);
    assert_in_range(rig_last(r)->length, 20, 6 * 20);
    rig_begin_allocate(r);
    assert_int_equal(rig_ask(r, &c), 401);
    assert_in_range(rig_last(r)->length, 20, 6 * 28);
}

/* The plain STUN engine on its own. */
static void stun_engine(void **state)
{
    rig *r = *state;
    rig_start(r);
    const hp_server_ops ops = {.send = rig_op_send};
    hp_rng rng;
    hp_rng_init(&rng, 1, "server:stun");
    r->config.port = 5555;
    g_autoptr(hp_stun_server) server = hp_stun_server_new(&r->config, r->addresses, 2, &rng, &ops, r);
    hp_addr bindings[4];
    assert_int_equal(hp_stun_server_bindings(server, bindings, 4), 2);
    rig_assert_addr(&bindings[0], "203.0.113.1:5555");
    rig_assert_addr(&bindings[1], "[2001:db8::1]:5555");
    assert_int_equal(hp_stun_server_bindings(server, bindings, 1), 2);
    rig_begin(r, HP_STUN_BINDING);
    hp_addr from = rig_addr("192.0.2.10:5000");
    hp_stun_path path = hp_stun_path_udp(&from, &bindings[0]);
    hp_stun_server_input(server, HP_S, &path, r->buffer, hp_stun_finish(&r->w), NULL);
    assert_int_equal(rig_error(rig_last(r)), 0);
    assert_int_equal(hp_stun_server_deadline(server), HP_NEVER);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(binding),
        T(binding_ipv6),
        T(no_software),
        T(padding_is_zero),
        T(silence),
        T(fingerprint),
        T(required_fingerprint),
        T(unknown_attributes),
        T(unexpected_attributes),
        T(behind_the_integrity),
        T(rfc3489),
        T(wrong_cookie),
        T(turn_without_cookie),
        T(retransmission),
        T(large_request),
        T(amplification),
        T(stun_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
