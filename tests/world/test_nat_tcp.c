/* TCP sessions through a NAT: states, timers, RSTs, what keeps a mapping (RFC 5382, RFC 7857 section 2). */
#include "world/nat_rig.h"

#define A "192.168.1.2:5000"
#define S1 "198.51.100.1:443"
#define S2 "198.51.100.2:443"
#define E "192.0.2.1:5000"

static void handshake(rig *r)
{
    assert_tcp_out(r, A, S1, SYN, E);
    assert_tcp_in(r, S1, E, SYN_ACK, A);
    assert_tcp_out(r, A, S1, ACK, E);
    assert_tcp_state(r, A, S1, "established");
}

/* Both sides' FINs, acknowledged. */
static void close_both(rig *r)
{
    rig_tcp(r, HP_NAT_INSIDE, A, S1, FIN, IN_SEQ + 1, OUT_SEQ + 1);
    rig_tcp(r, HP_NAT_OUTSIDE, S1, E, FIN, OUT_SEQ + 1, IN_SEQ + 2);
    rig_tcp(r, HP_NAT_INSIDE, A, S1, ACK, IN_SEQ + 2, OUT_SEQ + 2);
    assert_tcp_state(r, A, S1, "time-wait");
}

/* RFC 7857 figure 1, and RFC 5382 section 5 for when a connection is established. */
static void a_connection_goes_through_its_states(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_state(r, A, S1, "closed");
    assert_tcp_out(r, A, S1, SYN, E);
    assert_tcp_state(r, A, S1, "out-init");
    assert_tcp_in(r, S1, E, SYN_ACK, A);
    assert_tcp_state(r, A, S1, "handshake");
    assert_tcp_out(r, A, S1, ACK, E);
    assert_tcp_state(r, A, S1, "established");
    rig_tcp(r, HP_NAT_INSIDE, A, S1, FIN, IN_SEQ + 1, OUT_SEQ + 1);
    assert_tcp_state(r, A, S1, "fin");
    rig_tcp(r, HP_NAT_OUTSIDE, S1, E, ACK, OUT_SEQ + 1, IN_SEQ + 2);
    assert_tcp_state(r, A, S1, "half-closed");
    rig_tcp(r, HP_NAT_OUTSIDE, S1, E, FIN, OUT_SEQ + 1, IN_SEQ + 2);
    assert_tcp_state(r, A, S1, "closing");
    rig_tcp(r, HP_NAT_INSIDE, A, S1, ACK, IN_SEQ + 2, OUT_SEQ + 2);
    assert_tcp_state(r, A, S1, "time-wait");
    assert_int_equal(hp_nat_get_stats(r->nat).tcp_sessions, 1);
    assert_int_equal(rig_drops(r), 0);
}

static void the_mapping_is_traced_as_tcp(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_record record;
    assert_tcp_out(r, A, S1, SYN, E);
    assert_true(rig_last(r, HP_RECORD_EVENT, HP_EV_NAT_MAPPING, &record));
    assert_string_equal(hp_record_text(&record, "proto"), "tcp");
    hp_addr internal = addr(A), remote = addr(S1), external, expected = addr(E);
    assert_true(hp_nat_lookup(r->nat, HP_PROTO_TCP, &internal, &remote, &external));
    assert_true(hp_addr_equal(&external, &expected));
    assert_false(hp_nat_lookup(r->nat, HP_PROTO_UDP, &internal, &remote, &external));
}

/* A translated segment is right on the wire, checksum included. */
static void segments_are_translated_whole(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    g_autoptr(rig) r = rig_new(&c);
    uint8_t bytes[200];
    rig_give(r, HP_NAT_INSIDE, tcp_at(A, S1, SYN, 0xfffffff0, 0));
    const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
    size_t n = hp_packet_write(p, bytes, sizeof bytes);
    g_autoptr(hp_packet) parsed = hp_packet_parse(bytes, n, NULL);
    assert_non_null(parsed);
    assert_false(parsed->corrupt);
    assert_int_equal(n, 40);
    assert_int_equal(bytes[20] << 8 | bytes[21], 1024);
    assert_int_equal(parsed->ttl, 63);
}

/* RFC 5382 REQ-5: each phase has its idle timeout, to the nanosecond; either direction refreshes. */
static void idle_timeouts_of_every_state(void **state)
{
    static const struct {
        const char *name;
        hp_time timeout;
    } phases[] = {
        {"out-init", 11 * HP_S},    {"handshake", 12 * HP_S}, {"established", 13 * HP_S}, {"fin", 14 * HP_S},
        {"half-closed", 15 * HP_S}, {"closing", 16 * HP_S},   {"time-wait", 17 * HP_S},   {"trans", 18 * HP_S},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(phases); i++) {
        hp_nat_config c = hp_nat_config_default();
        c.tcp_opening_timeout = 11 * HP_S;
        c.tcp_handshake_timeout = 12 * HP_S;
        c.tcp_established_timeout = 13 * HP_S;
        c.tcp_fin_timeout = 14 * HP_S;
        c.tcp_half_closed_timeout = 15 * HP_S;
        c.tcp_closing_timeout = 16 * HP_S;
        c.tcp_time_wait_timeout = 17 * HP_S;
        c.tcp_reset_timeout = 18 * HP_S;
        g_autoptr(rig) r = rig_new(&c);
        for (unsigned step = 0; step <= i; step++) {
            rig_until(r, step * HP_S);
            switch (step) {
            case 0:
                assert_tcp_out(r, A, S1, SYN, E);
                break;
            case 1:
                assert_tcp_in(r, S1, E, SYN_ACK, A);
                break;
            case 2:
                assert_tcp_out(r, A, S1, ACK, E);
                break;
            case 3:
                rig_tcp(r, HP_NAT_OUTSIDE, S1, E, FIN, OUT_SEQ + 1, IN_SEQ + 1);
                break;
            case 4:
                rig_tcp(r, HP_NAT_INSIDE, A, S1, ACK, IN_SEQ + 1, OUT_SEQ + 2);
                break;
            case 5:
                rig_tcp(r, HP_NAT_INSIDE, A, S1, FIN, IN_SEQ + 1, OUT_SEQ + 2);
                break;
            case 6:
                rig_tcp(r, HP_NAT_OUTSIDE, S1, E, ACK, OUT_SEQ + 2, IN_SEQ + 2);
                break;
            default:
                rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, OUT_SEQ + 2, 0);
                break;
            }
        }
        assert_tcp_state(r, A, S1, phases[i].name);
        hp_time end = i * HP_S + phases[i].timeout;
        rig_until(r, end - 1);
        assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
        rig_until(r, end);
        assert_ended(r, end, "expired", end);
        assert_int_equal(hp_nat_get_stats(r->nat).tcp_sessions, 0);
    }
}

/* RFC 5382 REQ-5: 2 hours 4 minutes and 4 minutes; RFC 7857 section 2.2: 4 minutes after a RST. */
static void default_timeouts(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    {
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_out(r, A, S1, SYN, E);
        rig_until(r, 240 * HP_S);
        assert_ended(r, 240 * HP_S, "expired", 240 * HP_S);
    }
    {
        g_autoptr(rig) r = rig_new(&c);
        handshake(r);
        rig_until(r, 7440 * HP_S);
        assert_ended(r, 7440 * HP_S, "expired", 7440 * HP_S);
    }
    {
        g_autoptr(rig) r = rig_new(&c);
        handshake(r);
        /* RFC 6146: one FIN leaves the connection as long as an established one. */
        rig_tcp(r, HP_NAT_INSIDE, A, S1, FIN, IN_SEQ + 1, OUT_SEQ + 1);
        rig_until(r, 7440 * HP_S);
        assert_ended(r, 7440 * HP_S, "expired", 7440 * HP_S);
    }
    {
        g_autoptr(rig) r = rig_new(&c);
        handshake(r);
        close_both(r);
        rig_until(r, 240 * HP_S);
        assert_ended(r, 240 * HP_S, "expired", 240 * HP_S);
    }
    {
        g_autoptr(rig) r = rig_new(&c);
        handshake(r);
        rig_tcp(r, HP_NAT_INSIDE, A, S1, RST, IN_SEQ + 1, 0);
        rig_until(r, 240 * HP_S);
        assert_ended(r, 240 * HP_S, "expired", 240 * HP_S);
    }
}

static void what_refreshes(void **state)
{
    static const struct {
        hp_nat_tcp_refresh refresh;
        hp_time end_out, end_in;
    } cases[] = {
        {HP_NAT_TCP_REFRESH_BOTH, 160 * HP_S, 160 * HP_S},
        {HP_NAT_TCP_REFRESH_OUTBOUND, 160 * HP_S, 100 * HP_S},
        {HP_NAT_TCP_REFRESH_INBOUND, 100 * HP_S, 160 * HP_S},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned side = 0; side < 2; side++) {
            hp_nat_config c = hp_nat_config_default();
            c.tcp_established_timeout = 100 * HP_S;
            c.tcp_refresh = cases[i].refresh;
            g_autoptr(rig) r = rig_new(&c);
            handshake(r);
            rig_until(r, 60 * HP_S);
            if (side == HP_NAT_INSIDE)
                assert_tcp_out(r, A, S1, ACK, E);
            else
                assert_tcp_in(r, S1, E, ACK, A);
            hp_time end = side == HP_NAT_INSIDE ? cases[i].end_out : cases[i].end_in;
            rig_until(r, end - 1);
            assert_int_equal(hp_nat_get_stats(r->nat).tcp_sessions, 1);
            rig_until(r, end);
            assert_ended(r, end, "expired", end);
        }
    }
}

/* In the opening states only SYNs count, so that stray segments keep nothing half open alive (RFC 6146 V6 INIT). */
static void only_syns_refresh_what_is_opening(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S1, SYN, E);
    rig_until(r, 100 * HP_S);
    assert_tcp_out(r, A, S1, SYN, E);
    rig_until(r, 200 * HP_S);
    assert_tcp_out(r, A, S1, ACK, E);
    rig_until(r, 340 * HP_S);
    assert_ended(r, 340 * HP_S, "expired", 340 * HP_S);
}

/* RFC 6146 section 3.5.2.1: a mapping lives as long as any of its sessions. */
static void a_mapping_lives_as_long_as_its_sessions(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S1, SYN, E);
    rig_until(r, 100 * HP_S);
    assert_tcp_out(r, A, S2, SYN, E);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
    assert_int_equal(hp_nat_get_stats(r->nat).tcp_sessions, 2);
    rig_until(r, 240 * HP_S);
    assert_tcp_state(r, A, S1, "closed");
    assert_tcp_state(r, A, S2, "out-init");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
    rig_until(r, 340 * HP_S);
    assert_ended(r, 340 * HP_S, "expired", 340 * HP_S);
}

/* RFC 7857 section 2.2, RFC 6146 TRANS: anything but a RST shows that the connection lives on. */
static void after_a_rst_the_connection_may_live_on(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    handshake(r);
    assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, OUT_SEQ + 1, 0), A);
    assert_tcp_state(r, A, S1, "trans");
    rig_until(r, 100 * HP_S);
    /* Another RST does not begin the four minutes anew. */
    assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, OUT_SEQ + 1, 0), A);
    rig_until(r, 240 * HP_S - 1);
    assert_tcp_out(r, A, S1, ACK, E);
    assert_tcp_state(r, A, S1, "established");
    rig_until(r, 240 * HP_S - 1 + 7440 * HP_S);
    assert_ended(r, 240 * HP_S - 1 + 7440 * HP_S, "expired", 240 * HP_S - 1 + 7440 * HP_S);
}

static void rst_as_the_knob_says(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_rst = HP_NAT_RST_REMOVE;
    {
        g_autoptr(rig) r = rig_new(&c);
        handshake(r);
        rig_until(r, HP_S);
        /* It passes all the same. */
        assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, OUT_SEQ + 1, 0), A);
        assert_ended(r, HP_S, "reset", HP_S);
        assert_tcp_in(r, S1, E, ACK, "-");
        assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    }
    c.tcp_rst = HP_NAT_RST_IGNORE;
    {
        g_autoptr(rig) r = rig_new(&c);
        handshake(r);
        rig_until(r, HP_S);
        assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, OUT_SEQ + 1, 0), A);
        assert_tcp_state(r, A, S1, "established");
        rig_until(r, 7440 * HP_S); /* and refreshes nothing (RFC 7857 section 7.1) */
        assert_ended(r, 7440 * HP_S, "expired", 7440 * HP_S);
    }
    /* netfilter: a SYN that only a RST answers leaves nothing; an established connection does. */
    c.tcp_rst = HP_NAT_RST_TRANSITORY;
    c.tcp_rst_unanswered_removes = true;
    {
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_out(r, A, S1, SYN, E);
        assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST_ACK, 0, IN_SEQ + 1), A);
        assert_ended(r, 0, "reset", 0);
        handshake(r);
        assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, OUT_SEQ + 1, 0), A);
        assert_tcp_state(r, A, S1, "trans");
    }
}

/* RFC 7857 section 2.2 note: a RST that its receiver would not take (off-path) passes and changes nothing. */
static void rst_is_checked_against_the_window(void **state)
{
    static const struct {
        uint32_t seq;
        const char *state;
    } cases[] = {
        {OUT_SEQ, "established"},
        {OUT_SEQ + 1, "trans"},
        {OUT_SEQ + 1 + 1000, "trans"},
        {OUT_SEQ + 2 + 1000, "established"},
        {0, "established"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned unchecked = 0; unchecked < 2; unchecked++) {
            hp_nat_config c = hp_nat_config_default();
            c.tcp_rst_unchecked = unchecked;
            g_autoptr(rig) r = rig_new(&c);
            handshake(r);
            assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, cases[i].seq, 0), A);
            assert_tcp_state(r, A, S1, unchecked ? "trans" : cases[i].state);
        }
    }
    /* While opening: it must acknowledge the SYN. */
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S1, SYN, E);
    assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST_ACK, 0, IN_SEQ + 2), A);
    assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, OUT_SEQ, 0), A);
    assert_tcp_state(r, A, S1, "out-init");
    assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST_ACK, 0, IN_SEQ + 1), A);
    assert_tcp_state(r, A, S1, "trans");
}

static hp_packet *syn_with_scale(const char *src, const char *dst, uint8_t flags, uint32_t seq, uint32_t ack)
{
    hp_addr from = addr(src), to = addr(dst);
    hp_tcp_header h = {
        .seq = seq, .ack = ack, .window = 1000, .flags = flags, .has_window_scale = true, .window_scale = 3};
    uint8_t bytes[HP_TCP_HEADER_ROOM];
    size_t n = hp_tcp_write(&h, bytes, sizeof bytes);
    return hp_packet_new(HP_PROTO_TCP, &from, &to, bytes, n);
}

static void windows_are_scaled(void **state)
{
    for (unsigned beyond = 0; beyond < 2; beyond++) {
        hp_nat_config c = hp_nat_config_default();
        g_autoptr(rig) r = rig_new(&c);
        rig_give(r, HP_NAT_INSIDE, syn_with_scale(A, S1, SYN, IN_SEQ, 0));
        rig_give(r, HP_NAT_OUTSIDE, syn_with_scale(S1, E, SYN_ACK, OUT_SEQ, IN_SEQ + 1));
        rig_got(r, HP_NAT_OUTSIDE);
        rig_got(r, HP_NAT_INSIDE);
        assert_tcp_out(r, A, S1, ACK, E);
        rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, OUT_SEQ + 1 + 8000 + beyond, 0);
        assert_tcp_state(r, A, S1, beyond ? "established" : "trans");
    }
}

/* RFC 5382 section 4.3: the difference between the two strictest filters is a SYN in TIME_WAIT. */
static void a_closed_connection_may_be_opened_anew(void **state)
{
    for (unsigned strict = 0; strict < 2; strict++) {
        hp_nat_config c = hp_nat_config_default();
        c.tcp_filtering = strict ? HP_NAT_OWN_CONNECTION_DEPENDENT : HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT;
        g_autoptr(rig) r = rig_new(&c);
        handshake(r);
        assert_tcp_in(r, S1, E, SYN, A); /* of the connection: for the host to refuse */
        assert_tcp_state(r, A, S1, "established");
        close_both(r);
        assert_tcp_in(r, S1, E, SYN, strict ? "-" : A);
        assert_tcp_state(r, A, S1, strict ? "time-wait" : "in-init");
        if (strict)
            assert_drop(r, 1, HP_DROP_NAT_FILTERED);
        assert_tcp_out(r, A, S1, SYN, E);
        assert_tcp_state(r, A, S1, strict ? "out-init" : "handshake");
    }
}

static void syn_from_both_sides_is_a_simultaneous_open(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_filtering = HP_NAT_OWN_CONNECTION_DEPENDENT; /* REQ-2a holds even here */
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S1, SYN, E);
    assert_tcp_in(r, S1, E, SYN, A);
    assert_tcp_state(r, A, S1, "handshake");
    assert_tcp_out(r, A, S1, SYN_ACK, E);
    assert_tcp_in(r, S1, E, SYN_ACK, A);
    assert_tcp_state(r, A, S1, "established");
    assert_int_equal(rig_drops(r), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_goes_through_its_states),
        cmocka_unit_test(the_mapping_is_traced_as_tcp),
        cmocka_unit_test(segments_are_translated_whole),
        cmocka_unit_test(idle_timeouts_of_every_state),
        cmocka_unit_test(default_timeouts),
        cmocka_unit_test(what_refreshes),
        cmocka_unit_test(only_syns_refresh_what_is_opening),
        cmocka_unit_test(a_mapping_lives_as_long_as_its_sessions),
        cmocka_unit_test(after_a_rst_the_connection_may_live_on),
        cmocka_unit_test(rst_as_the_knob_says),
        cmocka_unit_test(rst_is_checked_against_the_window),
        cmocka_unit_test(windows_are_scaled),
        cmocka_unit_test(a_closed_connection_may_be_opened_anew),
        cmocka_unit_test(syn_from_both_sides_is_a_simultaneous_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
