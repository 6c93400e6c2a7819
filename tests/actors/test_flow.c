/* Flows between two libnice peers on a LAN: what is sent, what is recognised when it arrives, and when. */
#include "lan.h"

#include "actors/flow.h"
#include "seam/seam.h"

typedef struct fixture {
    lan *l;
    hp_flows *flows;
} fixture;

static fixture connected(bool reliable)
{
    fixture f = {.l = lan_new(1)};
    f.l->ice.reliable = reliable;
    f.flows = hp_flows_new(f.l->world);
    hp_flows_watch(f.flows, lan_add_peer(f.l, "alice"));
    hp_flows_watch(f.flows, lan_add_peer(f.l, "bob"));
    assert_true(hp_peer_call(f.l->peers[0], "bob", &(hp_call_config){.streams = 1, .components = 1}, NULL));
    lan_run(f.l, 3 * HP_S);
    assert_string_equal(hp_peer_state(f.l->peers[0], NULL), "ready");
    return f;
}

static void clear(fixture *f)
{
    hp_flows_free(f->flows);
    lan_free(f->l);
}

static unsigned start(fixture *f, unsigned from, uint32_t size, hp_time interval, uint64_t count)
{
    const hp_flow_config config = {.from = f->l->peers[from],
                                   .to = from == 0 ? "bob" : "alice",
                                   .stream = 1,
                                   .component = 1,
                                   .size = size,
                                   .interval = interval,
                                   .count = count};
    return hp_flows_start(f->flows, &config);
}

/* Every datagram of a flow arrived, once, in order and whole. */
static void assert_all_arrived(const fixture *f, unsigned flow, uint32_t size, uint64_t count)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    uint64_t next = 0;
    while (hp_trace_next(f->l->trace, &cursor, &r)) {
        if (r.type == HP_RECORD_EVENT && r.event.kind == HP_EV_DATA_RECEIVED && hp_record_u64(&r, "flow") == flow) {
            assert_int_equal(hp_record_u64(&r, "sequence"), next++);
            assert_int_equal(hp_record_u64(&r, "size"), size);
        }
    }
    assert_int_equal(next, count);
}

static void test_pace_and_latency(void **state)
{
    fixture f = connected(false);
    assert_int_equal(start(&f, 0, 100, 7 * HP_MS, 3), 1);
    assert_int_equal(hp_flows_n_running(f.flows), 1);
    lan_run(f.l, 4 * HP_S);
    assert_true(hp_flows_all_done(f.flows));
    assert_all_arrived(&f, 1, 100, 3);
    for (unsigned i = 0; i < 3; i++) {
        hp_record r;
        assert_true(lan_find(f.l, HP_EV_DATA_SENT, "alice", NULL, NULL, i, &r));
        assert_int_equal(r.at, 3 * HP_S + i * 7 * HP_MS);
        assert_true(lan_find(f.l, HP_EV_DATA_RECEIVED, "bob", NULL, NULL, i, &r));
        assert_int_equal(r.at, 3 * HP_S + i * 7 * HP_MS + HP_MS);
        assert_int_equal(hp_record_u64(&r, "latency"), HP_MS);
        hp_record p;
        assert_true(hp_trace_find_packet(f.l->trace, (uint32_t)hp_record_u64(&r, "packet"), &p));
        assert_int_equal(p.at, r.at);
    }
    hp_record done;
    assert_true(lan_find(f.l, HP_EV_FLOW_DONE, "alice", NULL, NULL, 0, &done));
    assert_int_equal(done.at, 3 * HP_S + 14 * HP_MS);
    hp_record begun;
    assert_true(lan_find(f.l, HP_EV_FLOW, "alice", "channel", "", 0, &begun)); /* over none */
    assert_int_equal(begun.at, 3 * HP_S);
    clear(&f);
}

static void test_what_is_no_flow_is_left_alone(void **state)
{
    for (unsigned reliable = 0; reliable < 2; reliable++) {
        fixture f = connected(reliable);
        static const char forged[24] = "HPFL\0\0\0\x09";
        assert_true(hp_peer_send(f.l->peers[0], "bob", 1, 1, "hello", 5));
        assert_true(hp_peer_send(f.l->peers[0], "bob", 1, 1, forged, sizeof forged)); /* there is no ninth flow */
        lan_run(f.l, 4 * HP_S);
        assert_int_equal(lan_count(f.l, HP_EV_DATA_RECEIVED, NULL, NULL, NULL), 0);
        clear(&f);
    }
}

static void test_refused_counts_as_sent(void **state)
{
    fixture f = connected(false);
    hp_peer_close(f.l->peers[0], NULL);
    start(&f, 0, 100, HP_MS, 2);
    lan_run(f.l, 4 * HP_S);
    assert_int_equal(lan_count(f.l, HP_EV_DATA_SENT, "alice", NULL, NULL), 2);
    assert_int_equal(lan_count(f.l, HP_EV_DATA_REFUSED, "alice", NULL, NULL), 2);
    clear(&f);
}

/* Pseudo-TCP joins and cuts what is sent; with datagrams of two flows, one of a size that no segment holds, in one
 * stream, every one is found again. */
static void test_reliable_streams_are_taken_apart(void **state)
{
    fixture f = connected(true);
    start(&f, 0, 200, 2 * HP_MS, 100);
    start(&f, 0, 3001, 50 * HP_MS, 20);
    start(&f, 1, 24, HP_MS, 100);
    lan_run(f.l, 30 * HP_S);
    assert_int_equal(lan_count(f.l, HP_EV_DATA_REFUSED, NULL, NULL, NULL), 0);
    assert_all_arrived(&f, 1, 200, 100);
    assert_all_arrived(&f, 2, 3001, 20);
    assert_all_arrived(&f, 3, 24, 100);
    clear(&f);
}

/* Each end has flows of its own, as in processes of their own: who receives was told number and size. */
static void test_ends_apart(void **state)
{
    fixture f = connected(true);
    hp_flows *bobs = hp_flows_new(f.l->world);
    hp_flows_watch(bobs, f.l->peers[1]);
    hp_flows_expect(bobs, 5, 300);
    const hp_flow_config config = {.from = f.l->peers[0],
                                   .to = "bob",
                                   .stream = 1,
                                   .component = 1,
                                   .size = 300,
                                   .interval = 10 * HP_MS,
                                   .count = 4,
                                   .number = 5};
    assert_int_equal(hp_flows_start(f.flows, &config), 5);
    assert_int_equal(hp_flows_n_running(f.flows), 1);
    lan_run(f.l, 4 * HP_S);
    assert_int_equal(hp_flows_n_running(f.flows), 0);
    assert_all_arrived(&f, 5, 300, 4);
    /* one that nobody was told of is no flow */
    hp_flow_config unknown = config;
    unknown.number = 6;
    assert_int_equal(hp_flows_start(f.flows, &unknown), 6);
    lan_run(f.l, 5 * HP_S);
    assert_all_arrived(&f, 6, 300, 0);
    assert_int_equal(start(&f, 0, 100, HP_MS, 1), 7); /* the next after the highest */
    hp_flows_free(bobs);
    clear(&f);
}

static int set_up(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace_and_latency),
        cmocka_unit_test(test_what_is_no_flow_is_left_alone),
        cmocka_unit_test(test_refused_counts_as_sent),
        cmocka_unit_test(test_reliable_streams_are_taken_apart),
        cmocka_unit_test(test_ends_apart),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
