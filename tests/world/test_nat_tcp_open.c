/* Connections that the NAT did not expect: unsolicited SYNs (RFC 5382 REQ-4), strays, simultaneous opens through two
 * NATs of every mapping and filtering (REQ-2a). */
#include "world/nat_rig.h"

#define A "192.168.1.2:5000"
#define S1 "198.51.100.1:443"
#define E "192.0.2.1:5000"

static const hp_packet *answer(rig *r)
{
    return rig_got(r, HP_NAT_OUTSIDE);
}

static hp_tcp_header header(const hp_packet *p)
{
    hp_tcp_header h = {0};
    const uint8_t *data;
    size_t length;
    assert_int_equal(p->proto, HP_PROTO_TCP);
    assert_true(hp_tcp_parse(p->payload, p->length, &h, &data, &length));
    assert_int_equal(length, 0);
    return h;
}

static void check_addrs(const hp_packet *p, const char *src, const char *dst)
{
    hp_addr from = addr(src), to = addr(dst);
    assert_true(hp_addr_equal(&p->src, &from));
    assert_true(hp_addr_equal(&p->dst, &to));
}

static void silence_by_default(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_in(r, S1, E, SYN, "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    rig_until(r, 60 * HP_S);
    assert_null(answer(r));
}

/* REQ-4: not before 6 s; then port unreachable, about the SYN as it came. */
static void held_then_answered(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_unsolicited_syn = HP_NAT_SYN_HOLD;
    g_autoptr(rig) r = rig_new(&c);
    rig_until(r, HP_S);
    assert_tcp_in(r, S1, E, SYN, "-");
    assert_int_equal(rig_drops(r), 0);
    rig_until(r, 4 * HP_S);
    assert_tcp_in(r, S1, E, SYN, "-"); /* repeated: the first goes on waiting */
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    rig_until(r, 7 * HP_S - 1);
    assert_null(answer(r));
    rig_until(r, 7 * HP_S);
    assert_drop(r, 2, HP_DROP_NAT_NO_MAPPING);
    const hp_packet *p = answer(r);
    assert_non_null(p);
    assert_int_equal(probe_at(r->out, 0)->at, 7 * HP_S);
    assert_int_equal(p->icmp_kind, HP_ICMP_PORT_UNREACHABLE);
    check_addrs(p, "192.0.2.1", "198.51.100.1");
    check_addrs(p->inner, S1, E);
    assert_int_equal(hp_nat_get_stats(r->nat).no_mapping, 2);
    assert_tcp_in(r, S1, E, SYN, "-"); /* held anew */
    rig_until(r, 13 * HP_S);
    assert_non_null(answer(r));
}

/* REQ-4: an outbound SYN for the connection in that time, and nothing is ever answered. */
static void held_then_met(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_unsolicited_syn = HP_NAT_SYN_HOLD;
    c.tcp_hold_timeout = 10 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_in(r, S1, E, SYN, "-");
    assert_tcp_in(r, "198.51.100.2:443", E, SYN, "-");
    rig_until(r, 10 * HP_S - 1);
    assert_tcp_out(r, A, S1, SYN, E);
    hp_record record;
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    assert_true(rig_last(r, HP_RECORD_DROP, 0, &record));
    assert_string_equal(record.drop.detail, "a SYN came the other way");
    assert_tcp_in(r, S1, E, SYN, A); /* the repetition is let in */
    assert_tcp_state(r, A, S1, "handshake");
    rig_until(r, 30 * HP_S);
    check_addrs(answer(r)->inner, "198.51.100.2:443", E);
    assert_null(answer(r));
}

/* The same where a mapping is there, but the filter does not let the SYN in. */
static void held_when_filtered(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_unsolicited_syn = HP_NAT_SYN_HOLD;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S1, SYN, E);
    assert_tcp_in(r, "198.51.100.2:443", E, SYN, "-");
    assert_tcp_out(r, A, "198.51.100.2:443", SYN, E);
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    assert_int_equal(hp_nat_get_stats(r->nat).filtered, 1);
    rig_until(r, 20 * HP_S);
    assert_null(answer(r));
}

/* Between two hosts inside, too, where hairpinned SYNs are filtered. */
static void held_when_hairpinned(void **state)
{
    for (unsigned met = 0; met < 2; met++) {
        hp_nat_config c = hp_nat_config_default();
        c.tcp_unsolicited_syn = HP_NAT_SYN_HOLD;
        c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
        c.hairpin_filtered = true;
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_out(r, "192.168.1.3:6000", S1, SYN, "192.0.2.1:6000");
        rig_give(r, HP_NAT_INSIDE, tcp_at(A, "192.0.2.1:6000", SYN, 1, 0));
        assert_null(rig_got(r, HP_NAT_INSIDE));
        rig_until(r, 3 * HP_S);
        if (met) {
            rig_give(r, HP_NAT_INSIDE, tcp_at("192.168.1.3:6000", E, SYN, 1, 0));
            check_addrs(rig_got(r, HP_NAT_INSIDE), "192.0.2.1:6000", A);
            assert_drop(r, 1, HP_DROP_NAT_FILTERED);
        }
        rig_until(r, 20 * HP_S);
        const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
        assert_int_equal(p == NULL, met);
        if (p) {
            assert_int_equal(p->icmp_kind, HP_ICMP_PORT_UNREACHABLE);
            check_addrs(p->inner, A, "192.0.2.1:6000");
        }
    }
}

static void a_flood_is_held_within_bounds(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_unsolicited_syn = HP_NAT_SYN_HOLD;
    g_autoptr(rig) r = rig_new(&c);
    for (unsigned i = 0; i < 300; i++) {
        hp_packet *p = tcp_at(S1, E, SYN, i, 0);
        p->src.port = (uint16_t)(1000 + i);
        rig_give(r, HP_NAT_OUTSIDE, p);
    }
    assert_int_equal(rig_drops(r), 44);
    hp_nat_reboot(r->nat);
    assert_int_equal(rig_drops(r), 300);
    rig_until(r, 20 * HP_S);
    assert_null(answer(r));
    rig_give(r, HP_NAT_OUTSIDE, tcp_at(S1, E, SYN, 1, 0)); /* freed with the NAT */
}

static void answered_at_once(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_unsolicited_syn = HP_NAT_SYN_RST;
    {
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_in(r, S1, E, SYN, "-");
        const hp_packet *p = answer(r);
        check_addrs(p, E, S1);
        hp_tcp_header h = header(p);
        assert_int_equal(h.flags, RST_ACK);
        assert_int_equal(h.seq, 0);
        assert_int_equal(h.ack, OUT_SEQ + 1);
    }
    c.tcp_unsolicited_syn = HP_NAT_SYN_ICMP;
    {
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_in(r, S1, E, SYN, "-");
        assert_int_equal(answer(r)->icmp_kind, HP_ICMP_PORT_UNREACHABLE);
        assert_tcp_out(r, A, S1, SYN, E);
        assert_tcp_in(r, "198.51.100.2:443", E, SYN, "-");
        assert_int_equal(answer(r)->icmp_kind, HP_ICMP_ADMIN_PROHIBITED);
    }
    c.tcp_unsolicited_syn = HP_NAT_SYN_AS_UDP;
    c.unsolicited = HP_NAT_UNSOLICITED_ICMP;
    {
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_in(r, S1, E, SYN, "-");
        assert_int_equal(answer(r)->icmp_kind, HP_ICMP_PORT_UNREACHABLE);
    }
    c.tcp_unsolicited_syn = HP_NAT_SYN_DROP;
    {
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_in(r, S1, E, SYN, "-");
        assert_null(answer(r));
    }
}

/* On its inside address the NAT has no sockets either. */
static void segments_for_the_nat_itself(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    hp_addr own = addr("192.168.1.1");
    for (unsigned answers = 0; answers < 2; answers++) {
        c.unsolicited = answers ? HP_NAT_UNSOLICITED_ICMP : HP_NAT_UNSOLICITED_DROP;
        g_autoptr(rig) r = rig_new(&c);
        hp_nat_set_internal(r->nat, &own);
        rig_give(r, HP_NAT_INSIDE, tcp_at(A, "192.168.1.1:80", SYN, 8, 0));
        assert_drop(r, 1, HP_DROP_NO_SOCKET);
        const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
        assert_int_equal(p != NULL, answers);
        if (p) {
            check_addrs(p, "192.168.1.1:80", A);
            assert_int_equal(header(p).ack, 9);
        }
        assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    }
}

/* RFC 5382 section 5: what is no SYN and belongs to no connection. */
static void strays(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    {
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_out(r, A, S1, ACK, "-");
        assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
        assert_tcp_in(r, S1, E, ACK, "-");
        assert_drop(r, 2, HP_DROP_NAT_NO_MAPPING);
        assert_tcp_out(r, A, "198.51.100.2:443", SYN, E);
        assert_tcp_in(r, S1, E, ACK, "-");
        assert_drop(r, 3, HP_DROP_NAT_FILTERED);
        assert_int_equal(r->out->hits->len, 1);
        assert_int_equal(r->in->hits->len, 0);
    }
    c.tcp_stray = HP_NAT_STRAY_RST;
    {
        g_autoptr(rig) r = rig_new(&c);
        rig_give(r, HP_NAT_INSIDE, tcp_at(A, S1, ACK, 77, 99));
        const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
        check_addrs(p, S1, A);
        assert_int_equal(header(p).flags, RST);
        assert_int_equal(header(p).seq, 99);
        rig_give(r, HP_NAT_OUTSIDE, tcp_at(S1, E, HP_TCP_FIN, 77, 0));
        p = answer(r);
        check_addrs(p, E, S1);
        assert_int_equal(header(p).flags, RST_ACK);
        assert_int_equal(header(p).ack, 78);
        rig_give(r, HP_NAT_OUTSIDE, tcp_at(S1, E, RST, 77, 0)); /* a RST is never answered */
        assert_null(answer(r));
        assert_int_equal(rig_drops(r), 3);
    }
}

/* As nf_conntrack_tcp_loose: a connection outlives the NAT's memory. */
static void connections_are_picked_up(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_stray = HP_NAT_STRAY_PICK_UP;
    c.tcp_picked_up_timeout = 300 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S1, SYN_ACK, "-");
    assert_tcp_out(r, A, S1, FIN, "-");
    assert_tcp_out(r, A, S1, RST, "-");
    assert_int_equal(rig_drops(r), 3);
    assert_tcp_in(r, S1, E, ACK, "-"); /* from outside there is nobody to pick it up for */
    assert_tcp_out(r, A, S1, ACK, E);
    assert_tcp_state(r, A, S1, "picked-up");
    assert_tcp_in(r, S1, E, ACK, A);
    assert_tcp_state(r, A, S1, "established");
    /* Its window is not known: a RST is believed. */
    assert_string_equal(rig_tcp(r, HP_NAT_OUTSIDE, S1, E, RST, 12345, 0), A);
    assert_tcp_state(r, A, S1, "trans");
    assert_tcp_out(r, A, "198.51.100.2:443", ACK, E);
    rig_until(r, 300 * HP_S - 1);
    assert_tcp_state(r, A, "198.51.100.2:443", "picked-up");
    rig_until(r, 300 * HP_S);
    assert_tcp_state(r, A, "198.51.100.2:443", "closed");

    /* From outside, through a mapping whose filter would let a SYN in. */
    c.filtering = HP_NAT_ENDPOINT_INDEPENDENT;
    g_autoptr(rig) open = rig_new(&c);
    assert_tcp_out(open, A, S1, SYN, E);
    assert_tcp_in(open, "198.51.100.2:443", E, ACK, A);
    assert_tcp_state(open, A, "198.51.100.2:443", "picked-up");
}

/* REQ-2: what was let in by one mapping is answered by it, though an own SYN would make another. */
static void answers_leave_by_the_mapping_of_the_connection(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.filtering = HP_NAT_ENDPOINT_INDEPENDENT;
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S1, SYN, "192.0.2.1:1024");
    assert_tcp_in(r, "203.0.113.9:9", "192.0.2.1:1024", SYN, A);
    assert_tcp_out(r, A, "203.0.113.9:9", SYN_ACK, "192.0.2.1:1024");
    assert_tcp_in(r, "203.0.113.9:9", "192.0.2.1:1024", ACK, A);
    assert_tcp_state(r, A, "203.0.113.9:9", "established");
    assert_tcp_out(r, A, "203.0.113.10:9", SYN, "192.0.2.1:1025");
    /* The same remote by another mapping would be the same connection to the host. */
    assert_tcp_in(r, "203.0.113.9:9", "192.0.2.1:1025", SYN, "-");
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 2);
}

/* ---- two NATs ---- */

/* What lies between the NATs: server, NAT of A at port 0, NAT of B at port 1. */
typedef struct internet {
    hp_node node;
    hp_addr nats[2];
    hp_addr seen[2]; /* by the server */
} internet;

static void internet_receive(hp_node *node, unsigned port, hp_packet *p)
{
    internet *net = (internet *)node;
    for (unsigned i = 0; i < 2; i++) {
        if (hp_addr_same_ip(&p->dst, &net->nats[i])) {
            hp_node_emit(node, i, p);
            return;
        }
    }
    net->seen[port] = p->src;
    hp_packet_free(p);
}

static void internet_free(hp_node *node)
{
    hp_node_clear(node);
    g_free(node);
}

static const hp_node_ops internet_ops = {.kind = "internet", .receive = internet_receive, .free = internet_free};

/* An end of ICE-TCP: listens and connects from one port, answers as RFC 9293 figure 8 has it. */
typedef struct end {
    probe *p;
    hp_nat *nat;
    hp_addr local;
    unsigned seen;
    bool connected;
} end;

static void end_send(end *e, const hp_addr *to, uint8_t flags)
{
    hp_tcp_header h = {
        .seq = flags & HP_TCP_SYN ? 0 : 1, .ack = flags & HP_TCP_ACK ? 1 : 0, .window = 1000, .flags = flags};
    uint8_t bytes[HP_TCP_HEADER_ROOM];
    size_t n = hp_tcp_write(&h, bytes, sizeof bytes);
    hp_packet *p = hp_packet_new(HP_PROTO_TCP, &e->local, to, bytes, n);
    give(hp_nat_node(e->nat), HP_NAT_INSIDE, p);
}

/* Takes one packet; false when there is none. */
static bool end_step(end *e)
{
    if (e->seen >= e->p->hits->len)
        return false;
    const hp_packet *p = probe_at(e->p, e->seen++)->p;
    hp_addr from = p->src;
    if (p->proto != HP_PROTO_TCP)
        return true;
    switch (header(p).flags) {
    case SYN:
        end_send(e, &from, SYN_ACK);
        break;
    case SYN_ACK:
        end_send(e, &from, ACK);
        e->connected = true;
        break;
    case ACK:
        e->connected = true;
        break;
    default:
        break;
    }
    return true;
}

typedef struct nat_kind {
    hp_nat_behaviour mapping, filtering;
} nat_kind;

static bool connects(nat_kind a, nat_kind b, hp_nat_syn syn, bool *ret_errors)
{
    const nat_kind kinds[2] = {a, b};
    const char *externals[2] = {"192.0.2.1", "203.0.113.1"}, *locals[2] = {"192.168.1.2:5000", "10.0.0.2:6000"};
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    internet *net = g_new0(internet, 1);
    end ends[2];
    hp_addr server = addr("198.51.100.1:3478");

    hp_node_init(&net->node, &internet_ops, world, "internet");
    for (unsigned i = 0; i < 2; i++) {
        hp_nat_config c = hp_nat_config_default();
        c.ports = HP_NAT_PORTS_SEQUENTIAL;
        c.mapping = HP_NAT_ENDPOINT_INDEPENDENT;
        c.tcp_mapping = (hp_nat_own_behaviour)(kinds[i].mapping + 1);
        c.tcp_filtering = (hp_nat_own_behaviour)(kinds[i].filtering + 1);
        c.tcp_unsolicited_syn = syn;
        g_autofree char *name = g_strdup_printf("nat%u", i);
        g_autofree char *host = g_strdup_printf("host%u", i);
        ends[i] = (end){.p = probe_new(world, host), .nat = hp_nat_new(world, name, &c), .local = addr(locals[i])};
        net->nats[i] = addr(externals[i]);
        hp_nat_set_external(ends[i].nat, &net->nats[i], 1);
        hp_node *node = hp_nat_node(ends[i].nat);
        hp_node_connect(node, HP_NAT_INSIDE, &ends[i].p->node, 0);
        hp_node_connect(node, HP_NAT_OUTSIDE, &net->node, i);
        hp_node_connect(&net->node, i, node, HP_NAT_OUTSIDE);
    }
    for (unsigned i = 0; i < 2; i++)
        end_send(&ends[i], &server, SYN);
    /* SYNs as RFC 6298 repeats them, the first two of which cross nothing. */
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 2; i++) {
            if (!ends[i].connected)
                end_send(&ends[i], &net->seen[!i], SYN);
        }
        while (end_step(&ends[0]) || end_step(&ends[1]))
            continue;
        assert_true(hp_world_run_until(world, (round + 1) * HP_S, NULL));
    }
    bool connected = ends[0].connected && ends[1].connected;
    assert_true(hp_world_run_until(world, 20 * HP_S, NULL));
    *ret_errors = false;
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned n = 0; n < ends[i].p->hits->len; n++)
            *ret_errors |= hp_packet_is_icmp(probe_at(ends[i].p, n)->p);
    }
    return connected;
}

/* Whether the SYN comes to another mapping than the one by which the host has sent a SYN to that very remote: two
 * connections that the host could not tell apart. */
static bool clashes(nat_kind from, nat_kind to, bool to_was_first)
{
    return to_was_first && from.mapping == HP_NAT_ENDPOINT_INDEPENDENT && to.mapping != HP_NAT_ENDPOINT_INDEPENDENT;
}

/* Whether a SYN from `from` gets in at the address that `to` had told of itself. */
static bool gets_in(nat_kind from, nat_kind to, bool to_was_first)
{
    if (to.filtering == HP_NAT_ENDPOINT_INDEPENDENT)
        return !clashes(from, to, to_was_first);
    return to.mapping == HP_NAT_ENDPOINT_INDEPENDENT &&
           (to.filtering == HP_NAT_ADDRESS_DEPENDENT || from.mapping == HP_NAT_ENDPOINT_INDEPENDENT);
}

static void simultaneous_open_through_every_pair_of_nats(void **state)
{
    static const hp_nat_syn policies[] = {HP_NAT_SYN_DROP, HP_NAT_SYN_HOLD};
    unsigned n_connected = 0;
    for (unsigned i = 0; i < 81 * 2; i++) {
        nat_kind a = {(hp_nat_behaviour)(i % 3), (hp_nat_behaviour)(i / 3 % 3)};
        nat_kind b = {(hp_nat_behaviour)(i / 9 % 3), (hp_nat_behaviour)(i / 27 % 3)};
        bool errors, there = gets_in(a, b, false), back = gets_in(b, a, true), expected = there || back;
        bool connected = connects(a, b, policies[i / 81], &errors);
        if (connected != expected)
            print_error("mapping %d filtering %d against mapping %d filtering %d\n", a.mapping, a.filtering, b.mapping,
                        b.filtering);
        assert_int_equal(connected, expected);
        n_connected += connected;
        /* REQ-4: what came early was settled by the SYN that followed; what never gets in hears of it. */
        if (policies[i / 81] == HP_NAT_SYN_DROP || (there && back))
            assert_false(errors);
        else if (!expected && !clashes(b, a, true))
            assert_true(errors);
    }
    assert_int_equal(n_connected, 2 * 55);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_by_default),
        cmocka_unit_test(held_then_answered),
        cmocka_unit_test(held_then_met),
        cmocka_unit_test(held_when_filtered),
        cmocka_unit_test(held_when_hairpinned),
        cmocka_unit_test(a_flood_is_held_within_bounds),
        cmocka_unit_test(answered_at_once),
        cmocka_unit_test(segments_for_the_nat_itself),
        cmocka_unit_test(strays),
        cmocka_unit_test(connections_are_picked_up),
        cmocka_unit_test(answers_leave_by_the_mapping_of_the_connection),
        cmocka_unit_test(simultaneous_open_through_every_pair_of_nats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
