/* The way that two peers had in the end, and which of their checks were dropped. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include "check/check.h"
#include "wire/stun.h"

typedef struct run {
    hp_diags *diags;
    GPtrArray *scenarios;
    hp_plan *plan;
    hp_trace *trace;
    hp_result *result;
} run;

#define CALL                                                                                                           \
    "network: {nats: {home: symmetric, office: symmetric}}\n"                                                          \
    "servers: {turn: {kind: turn, users: {u: p}}}\ndefaults: {ice: {stun: turn, turn: turn}}\n"                        \
    "peers: {alice: {behind: home}, bob: {behind: office}, carol: {}}\n"                                               \
    "steps: [{wait: 1s}, {call: {from: bob, to: alice}}]\n"

#define RAW                                                                                                            \
    "peers: {alice: {}, bob: {kind: raw, script: [{receive-signal: offer}]}}\n"                                        \
    "steps: [{wait: 1s}, {call: {from: alice, to: bob}}]\n"

static int begin_with(void **state, const char *text)
{
    run *r = g_new0(run, 1);
    r->diags = hp_diags_new();
    r->scenarios = hp_scenario_parse("test.yaml", text, strlen(text), r->diags);
    r->plan = r->scenarios != NULL ? hp_plan_new(r->scenarios->pdata[0], "test", 7, r->diags) : NULL;
    assert_non_null(r->plan);
    r->trace = hp_trace_new_sized(1 << 20, NULL);
    hp_trace_event(r->trace, 0, HP_EV_STEP, "wait", HP_FU("step", 1));
    hp_trace_event(r->trace, 1 * HP_S, HP_EV_STEP, "call", HP_FU("step", 2));
    *state = r;
    return 0;
}

static int begin(void **state)
{
    return begin_with(state, CALL);
}

static int begin_raw(void **state)
{
    return begin_with(state, RAW);
}

static int clear(void **state)
{
    run *r = *state;
    hp_result_free(r->result);
    hp_trace_free(r->trace);
    hp_plan_free(r->plan);
    g_ptr_array_unref(r->scenarios);
    hp_diags_free(r->diags);
    g_free(r);
    return 0;
}

static const hp_path_result *finish(run *r)
{
    g_autoptr(hp_checker) checker = hp_checker_new(r->plan, NULL);
    r->result = hp_checker_finish(checker, r->trace, HP_VERDICT_PASS, NULL, "until", 60 * HP_S);
    assert_int_equal(r->result->n_paths, 1);
    assert_string_equal(r->result->paths[0].a, "alice");
    assert_string_equal(r->result->paths[0].b, "bob");
    return &r->result->paths[0];
}

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static void state_of(const run *r, hp_time at, const char *peer, const char *with, const char *state)
{
    hp_trace_event(r->trace, at, HP_EV_ICE_STATE, peer, HP_FU("session", 1), HP_FS("with", with), HP_FU("stream", 1),
                   HP_FU("component", 1), HP_FS("state", state), HP_FS("previous", ""));
}

static void pair_of(const run *r, hp_time at, const char *peer, const char *with, const char *local, const char *remote)
{
    hp_trace_event(r->trace, at, HP_EV_SELECTED_PAIR, peer, HP_FU("session", 1), HP_FS("with", with),
                   HP_FU("stream", 1), HP_FU("component", 1), HP_FS("local", local), HP_FS("remote", remote),
                   HP_FA("local-address", addr("10.0.0.1:1")), HP_FA("remote-address", addr("10.0.0.2:2")),
                   HP_FA("local-base", addr("10.0.0.1:1")));
}

static void connect_both(const run *r, const char *alice, const char *bob)
{
    state_of(r, 1100 * HP_MS, "alice", "bob", "connecting");
    state_of(r, 1200 * HP_MS, "bob", "alice", "connecting");
    pair_of(r, 1500 * HP_MS, "alice", "bob", alice, bob);
    state_of(r, 1500 * HP_MS, "alice", "bob", "connected");
    pair_of(r, 1750 * HP_MS, "bob", "alice", bob, alice);
    state_of(r, 1750 * HP_MS, "bob", "alice", "ready");
}

/* A packet with this inside that is dropped. priority: a check's; inside: of a Send indication to it. */
static void dropped(const run *r, const char *tap, const char *src, const char *dst, bool priority, const char *inside,
                    const char *place, hp_drop_reason reason)
{
    static const uint8_t id[12] = {1};
    uint8_t check[200], data[400];
    hp_stun_writer w;
    hp_stun_begin(&w, check, sizeof check, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    if (priority) {
        hp_stun_add_u32(&w, HP_STUN_PRIORITY, 1);
    }
    size_t length = hp_stun_finish(&w);
    const uint8_t *payload = check;
    if (inside != NULL) {
        const hp_addr peer = addr(inside);
        hp_stun_begin(&w, data, sizeof data, HP_STUN_INDICATION, HP_STUN_SEND, id, NULL);
        hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &peer, true);
        hp_stun_add(&w, HP_STUN_DATA_ATTR, check, length);
        length = hp_stun_finish(&w);
        payload = data;
    }
    const hp_addr from = addr(src), to = addr(dst);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, payload, length);
    static uint64_t uid = 100;
    p->uid = ++uid;
    hp_trace_packet(r->trace, 2 * HP_S, hp_trace_tap(r->trace, tap), HP_DIR_OUT, p);
    if (reason == HP_DROP_NO_SOCKET) { /* it came there first */
        hp_trace_packet(r->trace, 2 * HP_S, hp_trace_tap(r->trace, place), HP_DIR_IN, p);
    }
    hp_trace_drop(r->trace, 2 * HP_S, place, p, reason, NULL);
}

static void a_direct_path(void **state)
{
    run *r = *state;
    connect_both(r, "host", "srflx");
    dropped(r, "alice", "192.168.1.10:5000", "192.0.2.12:6000", true, NULL, "office", HP_DROP_NAT_FILTERED);
    const hp_path_result *path = finish(r);
    assert_int_equal(path->kind, HP_OUTCOME_DIRECT);
    assert_string_equal(path->a_type, "host");
    assert_string_equal(path->b_type, "srflx");
    assert_int_equal(path->connected, 750 * HP_MS); /* from the call step to the later of the two */
    assert_true(path->prediction == &r->result->predictions[0]);
    assert_int_equal(path->n_drops, 0);
    assert_true(path->failed[0] == HP_NEVER && path->failed[1] == HP_NEVER);
}

static void a_relayed_path_with_its_drops(void **state)
{
    run *r = *state;
    connect_both(r, "relay", "prflx");
    hp_trace_event(r->trace, 1800 * HP_MS, HP_EV_CANDIDATE, "bob", HP_FU("session", 1), HP_FU("stream", 1),
                   HP_FU("component", 1), HP_FS("type", "relay"), HP_FA("address", addr("203.0.113.10:7000")));
    dropped(r, "alice", "192.168.1.10:5000", "192.0.2.12:6000", true, NULL, "office", HP_DROP_NAT_FILTERED);
    dropped(r, "alice", "192.168.1.10:5000", "192.0.2.12:6001", true, NULL, "office", HP_DROP_NAT_FILTERED);
    dropped(r, "alice", "192.168.1.10:5000", "192.168.2.10:6000", true, NULL, "internet", HP_DROP_NO_ROUTE);
    dropped(r, "bob", "192.168.2.10:6000", "203.0.113.10:3478", true, "192.0.2.10:1", "home", HP_DROP_NAT_NO_MAPPING);
    dropped(r, "turn", "203.0.113.10:7000", "192.0.2.10:1", true, NULL, "home", HP_DROP_NAT_FILTERED);
    dropped(r, "alice", "192.168.1.10:5000", "192.0.2.12:6000", true, NULL, "bob", HP_DROP_NO_SOCKET);
    /* None of these is a check between the two: no PRIORITY, a server's own, somebody else's. */
    dropped(r, "alice", "192.168.1.10:5000", "203.0.113.10:3478", false, NULL, "home", HP_DROP_LINK_LOSS);
    dropped(r, "turn", "203.0.113.10:9999", "192.0.2.10:1", true, NULL, "home", HP_DROP_LINK_LOSS);
    dropped(r, "carol", "198.51.100.10:5000", "192.0.2.12:6000", true, NULL, "office", HP_DROP_NAT_FILTERED);
    const hp_path_result *path = finish(r);
    assert_int_equal(path->kind, HP_OUTCOME_RELAY);
    static const hp_path_drops wanted[] = {
        {"alice", "office", HP_DROP_NAT_FILTERED, 2}, {"alice", "bob", HP_DROP_NO_SOCKET, 1},
        {"alice", "internet", HP_DROP_NO_ROUTE, 1},   {"bob", "home", HP_DROP_NAT_FILTERED, 1},
        {"bob", "home", HP_DROP_NAT_NO_MAPPING, 1},
    };
    assert_int_equal(path->n_drops, G_N_ELEMENTS(wanted));
    for (unsigned i = 0; i < G_N_ELEMENTS(wanted); i++) {
        assert_string_equal(path->drops[i].by, wanted[i].by);
        assert_string_equal(path->drops[i].place, wanted[i].place);
        assert_int_equal(path->drops[i].reason, wanted[i].reason);
        assert_int_equal(path->drops[i].count, wanted[i].count);
    }
}

/* Both ends need a pair; when each failed is kept. */
static void no_path(void **state)
{
    run *r = *state;
    state_of(r, 1100 * HP_MS, "alice", "bob", "connecting");
    pair_of(r, 1500 * HP_MS, "alice", "bob", "host", "host");
    state_of(r, 1500 * HP_MS, "alice", "bob", "connected");
    state_of(r, 1200 * HP_MS + HP_S, "bob", "alice", "connecting");
    state_of(r, 9 * HP_S, "bob", "alice", "failed");
    const hp_path_result *path = finish(r);
    assert_int_equal(path->kind, HP_OUTCOME_NONE);
    assert_null(path->a_type);
    assert_null(path->b_type);
    assert_true(path->connected == HP_NEVER);
    assert_true(path->failed[0] == HP_NEVER);
    assert_int_equal(path->failed[1], 9 * HP_S);
}

/* The other end never heard of the call. */
static void one_end_alone(void **state)
{
    run *r = *state;
    state_of(r, 1100 * HP_MS, "bob", "alice", "gathering");
    const hp_path_result *path = finish(r);
    assert_int_equal(path->kind, HP_OUTCOME_NONE);
    assert_null(path->prediction);
    assert_string_equal(path->left_in[0], "");
    assert_string_equal(path->left_in[1], "gathering");
}

/* Of a raw peer's way the other end tells. */
static void a_raw_peer(void **state)
{
    run *r = *state;
    state_of(r, 1100 * HP_MS, "alice", "bob", "connecting");
    pair_of(r, 1500 * HP_MS, "alice", "bob", "host", "prflx");
    state_of(r, 1500 * HP_MS, "alice", "bob", "ready");
    const hp_path_result *path = finish(r);
    assert_int_equal(path->kind, HP_OUTCOME_DIRECT);
    assert_string_equal(path->a_type, "host");
    assert_string_equal(path->b_type, "prflx");
    assert_int_equal(path->connected, 500 * HP_MS);
    assert_null(path->left_in[0]);
    assert_null(path->left_in[1]);
}

static void a_raw_peer_that_is_not_reached(void **state)
{
    run *r = *state;
    state_of(r, 1100 * HP_MS, "alice", "bob", "connecting");
    const hp_path_result *path = finish(r);
    assert_int_equal(path->kind, HP_OUTCOME_NONE);
    assert_string_equal(path->left_in[0], "connecting");
    assert_null(path->left_in[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_direct_path),
        TEST(a_relayed_path_with_its_drops),
        TEST(no_path),
        TEST(one_end_alone),
        cmocka_unit_test_setup_teardown(a_raw_peer, begin_raw, clear),
        cmocka_unit_test_setup_teardown(a_raw_peer_that_is_not_reached, begin_raw, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
