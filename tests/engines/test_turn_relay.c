/* Data through the relay (RFC 8656 sections 11, 12 and 14). */
#include "engines/rig.h"

static int setup(void **state)
{
    rig *r = g_new(rig, 1);
    rig_init(r);
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

static rig_client alice(void)
{
    return rig_client_new("192.0.2.10:5000", "alice", "secret");
}

/* Section 11.2: what a Send indication carries goes out from the relayed address; an empty one too. */
static void send_indication(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "hello", NULL, false), 1);
    const rig_sent *s = rig_last_relayed(r);
    assert_true(hp_addr_equal(&s->path.server, &relay));
    rig_assert_addr(&s->path.client, "198.51.100.1:700");
    assert_int_equal(s->length, 5);
    assert_memory_equal(s->bytes, "hello", 5);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "", NULL, false), 1);
    assert_int_equal(rig_last_relayed(r)->length, 0);
}

/* Section 11.2 and 5: what is dropped, and never answered. */
static void dropped_sends(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    guint sent = r->sent->len;
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "x", NULL, false), 0);
    assert_string_equal(rig_drop_reason(r), "no-allocation");
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 0);
    assert_string_equal(rig_drop_reason(r), "no-allocation");
    assert_int_equal(r->sent->len, sent);
    rig_allocate(r, &a);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    sent = r->sent->len;
    hp_addr peer = rig_addr("198.51.100.1:700");
    for (unsigned i = 0; i < 5; i++) {
        rig_begin_class(r, HP_STUN_SEND, HP_STUN_INDICATION);
        if (i == 1) {
            hp_stun_add(&r->w, HP_STUN_XOR_PEER_ADDRESS, "\0\1\0\0", 4);
        } else if (i == 4) {
            peer.port = 0;
        }
        if (i > 1) {
            hp_stun_add_addr(&r->w, HP_STUN_XOR_PEER_ADDRESS, &peer, true);
        }
        if (i != 2) {
            hp_stun_add(&r->w, HP_STUN_DATA_ATTR, "x", 1);
        }
        if (i == 3) {
            hp_stun_add(&r->w, 0x7fff, "", 0);
        }
        assert_int_equal(rig_send(r, &a), 0);
        assert_string_equal(rig_drop_reason(r), i == 3 ? "unknown-attribute" : "malformed");
    }
    assert_int_equal(rig_send_data(r, &a, "[2001:db8:9::1]:700", "x", NULL, false), 0);
    assert_string_equal(rig_drop_reason(r), "family");
    assert_int_equal(r->relayed->len, 0);
    assert_int_equal(r->sent->len, sent);
}

/* Section 11.3: data from a permitted peer without a channel is a Data indication with address and data. */
static void data_indication(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    static const char *const texts[] = {"", "x", "abcde"};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", texts[i], NULL), 1);
        const rig_sent *s = rig_last(r);
        assert_int_equal(s->msg.method, HP_STUN_DATA);
        assert_int_equal(s->msg.cls, HP_STUN_INDICATION);
        hp_addr peer = rig_attr_addr(s, HP_STUN_XOR_PEER_ADDRESS, true);
        rig_assert_addr(&peer, "198.51.100.1:700");
        hp_stun_attr data = rig_attr(s, HP_STUN_DATA_ATTR);
        assert_int_equal(data.length, strlen(texts[i]));
        assert_memory_equal(data.value, texts[i], data.length);
        rig_assert_addr(&s->path.client, "192.0.2.10:5000");
        rig_assert_addr(&s->path.server, "203.0.113.1:3478");
    }
    uint8_t id[12];
    memcpy(id, rig_last(r)->msg.id, 12);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "x", NULL), 1);
    assert_memory_not_equal(rig_last(r)->msg.id, id, 12);
}

/* Sections 12.5 to 12.7: a bound peer's data comes as ChannelData only; both kinds go out. */
static void channel(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4abc, "198.51.100.1:700"), 0);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "hello", NULL), 1);
    assert_int_equal(rig_last(r)->length, 9);
    assert_memory_equal(rig_last(r)->bytes, "\x4a\xbc\x00\x05hello", 9);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "", NULL), 1);
    assert_memory_equal(rig_last(r)->bytes, "\x4a\xbc\x00\x00", 4);
    assert_int_equal(rig_last(r)->length, 4);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:701", "hello", NULL), 1);
    assert_int_equal(rig_last(r)->msg.method, HP_STUN_DATA);
    assert_int_equal(rig_send_channel(r, &a, 0x4abc, "hey", NULL), 1);
    rig_assert_addr(&rig_last_relayed(r)->path.client, "198.51.100.1:700");
    assert_int_equal(rig_send_channel(r, &a, 0x4abc, "", NULL), 1);
    assert_int_equal(rig_last_relayed(r)->length, 0);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "ho", NULL, false), 1);
}

/* Section 12.6: a length past the datagram, a reserved or an unbound number: dropped. Padding is not relayed. */
static void odd_channel_data(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:700"), 0);
    static const struct {
        const char *bytes;
        size_t length;
        const char *reason;
    } cases[] = {
        {"\x40\x00\x00\x02x", 5, "malformed"},  {"\x40\x00\xff\xffx", 5, "malformed"},
        {"\x40\x00\x00", 3, "malformed"},       {"\x40", 1, "malformed"},
        {"\x50\x00\x00\x01x", 5, "malformed"},  {"\x7f\xff\x00\x01x", 5, "malformed"},
        {"\x40\x01\x00\x01x", 5, "no-channel"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree uint8_t *exact = g_memdup2(cases[i].bytes, cases[i].length);
        rig_input(r, &a.addr, exact, cases[i].length, NULL);
        assert_int_equal(r->relayed->len, 0);
        assert_string_equal(rig_drop_reason(r), cases[i].reason);
    }
    rig_input(r, &a.addr, "\x40\x00\x00\x01x\x01\x02\x03", 8, NULL);
    assert_int_equal(rig_last_relayed(r)->length, 1);
}

/* Neither Send nor ChannelData nor peer data refreshes anything (sections 11.2 and 12.6). */
static void data_refreshes_nothing(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:700"), 0);
    for (unsigned i = 0; i < 299; i++) {
        r->now += HP_S;
        assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 1);
        assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "x", NULL, false), 1);
        assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "x", NULL), 1);
    }
    r->now += HP_S;
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 0);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "x", NULL, false), 0);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "x", NULL), 0);
    assert_int_equal(hp_turn_server_deadline(r->server), 601 * HP_S);
}

static void assert_meta(const rig_sent *s, uint8_t ttl, uint8_t tos, bool df)
{
    assert_int_equal(s->meta.ttl, ttl);
    assert_int_equal(s->meta.tos, tos);
    assert_int_equal(s->meta.dont_fragment, df);
}

/* Section 14: DSCP and ECN and DF are copied, the TTL decremented; DONT-FRAGMENT sets DF; a TTL that runs out drops. */
static void ip_fields(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:700"), 0);
    assert_meta(rig_last(r), 0, 0, false); /* answers are the server's own */
    const hp_stun_meta df = {.ttl = 40, .tos = 0xbb, .dont_fragment = true};
    const hp_stun_meta no_df = {.ttl = 2, .tos = 0x01};
    const hp_stun_meta dying = {.ttl = 1};
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", &df), 1);
    assert_meta(rig_last_relayed(r), 39, 0xbb, true);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", &no_df), 1);
    assert_meta(rig_last_relayed(r), 1, 0x01, false);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", NULL), 1);
    assert_meta(rig_last_relayed(r), 0, 0, false);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "x", &df, false), 1);
    assert_meta(rig_last_relayed(r), 39, 0xbb, true);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "x", &no_df, true), 1);
    assert_meta(rig_last_relayed(r), 1, 0x01, true);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "x", &df), 1);
    assert_meta(rig_last(r), 39, 0xbb, true);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:701", "x", &no_df), 1);
    assert_meta(rig_last(r), 1, 0x01, false);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "x", &dying), 0);
    assert_string_equal(rig_drop_reason(r), "ttl");
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "x", &dying), 0);
    assert_string_equal(rig_drop_reason(r), "ttl");
}

/* Section 13: between families, and between IPv6 and IPv6, DF and DONT-FRAGMENT count for nothing. */
static void ip_fields_across_families(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_REQUESTED_ADDRESS_FAMILY, UINT32_C(2) << 24);
    assert_int_equal(rig_login(r, &a), 0);
    hp_addr relay = rig_attr_addr(rig_last(r), HP_STUN_XOR_RELAYED_ADDRESS, true);
    assert_int_equal(rig_permit(r, &a, "[2001:db8:9::1]:7"), 0);
    const hp_stun_meta df = {.ttl = 40, .tos = 0xbb, .dont_fragment = true};
    assert_int_equal(rig_send_data(r, &a, "[2001:db8:9::1]:700", "x", &df, true), 1);
    assert_meta(rig_last_relayed(r), 39, 0xbb, false);
    assert_int_equal(rig_peer_sends(r, &relay, "[2001:db8:9::1]:700", "x", &df), 1);
    assert_meta(rig_last(r), 39, 0xbb, false);
}

/* Without the feature, a Send with DONT-FRAGMENT has an unknown attribute (section 11.2). */
static void dont_fragment_not_supported(void **state)
{
    rig *r = *state;
    r->config.dont_fragment = false;
    rig_start(r);
    rig_client a = alice();
    rig_allocate(r, &a);
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "x", NULL, true), 0);
    assert_string_equal(rig_drop_reason(r), "unknown-attribute");
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:700", "x", NULL, false), 1);
}

/* Section 11.5: types 3 and 11 (IPv6: 1, 2, 3) come back with the ICMP attribute, channel or not; by the permission for
 * the peer, not for who sent the error. */
static void icmp(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    rig_begin_allocate(r);
    hp_stun_add_u32(&r->w, HP_STUN_ADDITIONAL_ADDRESS_FAMILY, UINT32_C(2) << 24);
    assert_int_equal(rig_login(r, &a), 0);
    hp_addr v4 = g_array_index(r->open, hp_addr, 0), v6 = g_array_index(r->open, hp_addr, 1);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:700"), 0);
    assert_int_equal(rig_permit(r, &a, "[2001:db8:9::1]:7"), 0);
    static const struct {
        const char *peer;
        uint8_t type, code;
        uint32_t mtu;
        const char *value;
    } cases[] = {
        {"198.51.100.1:700", 3, 3, 9, "\0\0\x06\x03\0\0\0\0"},
        {"198.51.100.1:700", 3, 4, 1280, "\0\0\x06\x04\0\0\x05\0"},
        {"198.51.100.1:1", 11, 0, 0, "\0\0\x16\0\0\0\0\0"},
        {"198.51.100.1:1", 5, 0, 0, NULL},
        {"198.51.100.1:1", 12, 0, 0, NULL},
        {"198.51.100.2:700", 3, 3, 0, NULL},
        {"[2001:db8:9::1]:700", 1, 4, 0, "\0\0\x02\x04\0\0\0\0"},
        {"[2001:db8:9::1]:700", 2, 0, 1400, "\0\0\x04\0\0\0\x05\x78"},
        {"[2001:db8:9::1]:700", 3, 1, 7, "\0\0\x06\x01\0\0\0\0"},
        {"[2001:db8:9::1]:700", 4, 0, 0, NULL},
        {"[2001:db8:9::1]:700", 11, 0, 0, NULL},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_addr peer = rig_addr(cases[i].peer);
        guint before = r->sent->len;
        hp_turn_server_relay_icmp(r->server, r->now, peer.family == HP_AF_IPV4 ? &v4 : &v6, &peer, cases[i].type,
                                  cases[i].code, cases[i].mtu);
        assert_int_equal(r->sent->len, before + (cases[i].value != NULL));
        if (cases[i].value == NULL) {
            continue;
        }
        const rig_sent *s = rig_last(r);
        assert_int_equal(s->msg.method, HP_STUN_DATA);
        assert_false(rig_has(s, HP_STUN_DATA_ATTR));
        hp_addr got = rig_attr_addr(s, HP_STUN_XOR_PEER_ADDRESS, true);
        assert_true(hp_addr_equal(&got, &peer));
        assert_int_equal(rig_attr(s, HP_STUN_ICMP).length, 8);
        assert_memory_equal(rig_attr(s, HP_STUN_ICMP).value, cases[i].value, 8);
    }
    hp_addr nobody = rig_addr("203.0.113.1:1"), peer = rig_addr("198.51.100.1:700");
    guint before = r->sent->len;
    hp_turn_server_relay_icmp(r->server, r->now, &nobody, &peer, 3, 3, 0);
    assert_int_equal(r->sent->len, before);
}

/* Counters count payload, and only what left. */
static void counters(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    assert_int_equal(rig_bind(r, &a, 0x4000, "198.51.100.1:700"), 0);
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "12345", NULL), 1);
    assert_int_equal(rig_send_data(r, &a, "198.51.100.1:1", "123", NULL, false), 1);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "1234567", NULL), 1);
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.9:700", "1234567", NULL), 0);
    r->no_network = true;
    assert_int_equal(rig_send_channel(r, &a, 0x4000, "12345", NULL), 0);
    assert_string_equal(rig_drop_reason(r), "unsent");
    assert_int_equal(rig_peer_sends(r, &relay, "198.51.100.1:700", "x", NULL), 0);
    assert_string_equal(rig_drop_reason(r), "unsent");
    r->no_network = false;
    hp_turn_server_end_all(r->server, r->now, "stopped");
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_ALLOCATION_ENDED);
    assert_string_equal(e->reason, "stopped");
    assert_int_equal(e->packets_to_peer, 2);
    assert_int_equal(e->bytes_to_peer, 8);
    assert_int_equal(e->packets_to_client, 1);
    assert_int_equal(e->bytes_to_client, 7);
}

/* A datagram that no longer fits one once it is wrapped is dropped, not cut. */
static void too_long(void **state)
{
    rig *r = *state;
    rig_start(r);
    rig_client a = alice();
    hp_addr relay = rig_allocate(r, &a);
    hp_addr peer = rig_addr("198.51.100.1:700");
    assert_int_equal(rig_permit(r, &a, "198.51.100.1:7"), 0);
    static const uint8_t big[65507];
    static const size_t lengths[] = {65507, 65468, 65469};
    static const unsigned fits[] = {0, 1, 0};
    for (unsigned i = 0; i < 3; i++) {
        guint before = r->sent->len;
        hp_turn_server_relay_input(r->server, r->now, &relay, &peer, big, lengths[i], NULL);
        assert_int_equal(r->sent->len, before + fits[i]);
    }
    assert_string_equal(rig_drop_reason(r), "too-long");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(send_indication),
        T(dropped_sends),
        T(data_indication),
        T(channel),
        T(odd_channel_data),
        T(data_refreshes_nothing),
        T(ip_fields),
        T(ip_fields_across_families),
        T(dont_fragment_not_supported),
        T(icmp),
        T(counters),
        T(too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
