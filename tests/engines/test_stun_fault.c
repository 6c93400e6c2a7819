/* Scripted faults (config/server.h): which requests meet them, and what becomes of the answer. */
#include "engines/rig.h"

#include "engines/fault.h"

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

static void start_with(rig *r, const hp_server_fault *faults, unsigned n)
{
    r->config.faults = (hp_server_fault *)faults;
    r->config.n_faults = n;
    rig_start(r);
}

/* Counting: by method, over all, by range, within a window; counting goes on outside the window. */
static void counting(void **state)
{
    static const hp_server_fault faults[] = {
        {.kind = HP_FAULT_SILENCE, .method = HP_STUN_BINDING, .nth_first = 2, .nth_last = 3},
        {.kind = HP_FAULT_WRONG_ID, .nth_first = 5},
        {.kind = HP_FAULT_ERROR, .code = 500, .from = 10, .until = 20},
        {.kind = HP_FAULT_DELAY, .delay_ns = 7, .method = HP_STUN_REFRESH, .nth_first = 1, .nth_last = 1, .from = 10},
        {.kind = HP_FAULT_DELAY, .delay_ns = 3, .method = HP_STUN_REFRESH},
    };
    hp_fault_counts counts = {0};
    const unsigned n = G_N_ELEMENTS(faults);
    hp_fault_effect e = hp_fault_next(&counts, faults, n, 0, HP_STUN_BINDING);
    assert_false(e.any);
    e = hp_fault_next(&counts, faults, n, 0, HP_STUN_REFRESH);
    assert_true(e.any && !e.silence && e.delay_ns == 3);
    e = hp_fault_next(&counts, faults, n, 9, HP_STUN_BINDING);
    assert_true(e.silence && e.code == 0);
    e = hp_fault_next(&counts, faults, n, 10, HP_STUN_BINDING);
    assert_true(e.silence && e.code == 500 && !e.wrong_id);
    e = hp_fault_next(&counts, faults, n, 19, HP_STUN_BINDING);
    assert_true(!e.silence && e.code == 500 && e.wrong_id);
    e = hp_fault_next(&counts, faults, n, 20, HP_STUN_REFRESH);
    assert_true(e.code == 0 && e.wrong_id && e.delay_ns == 3); /* the second Refresh: not the 7 ns of the first */
}

static void assert_faulty(const rig *r, unsigned code)
{
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_REQUEST);
    assert_int_equal(e->answer, HP_ANSWER_FAULT);
    assert_int_equal(e->code, code);
}

static void silence(void **state)
{
    rig *r = *state;
    start_with(
        r, &(hp_server_fault){.kind = HP_FAULT_SILENCE, .method = HP_STUN_ALLOCATE, .nth_first = 2, .nth_last = 2}, 1);
    rig_client a = alice();
    rig_challenge(r, &a);
    rig_begin_allocate(r);
    rig_sign(r, &a);
    assert_int_equal(rig_send(r, &a), 0);
    assert_faulty(r, 0);
    assert_int_equal(r->open->len, 0);
    assert_int_equal(rig_resend(r, &a), 1);
    assert_int_equal(rig_error(rig_last(r)), 0);
    assert_int_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->answer, HP_ANSWER_SUCCESS);
}

/* What a delayed answer answers has happened already; answers leave in the order of their times. */
static void delay(void **state)
{
    rig *r = *state;
    static const hp_server_fault faults[] = {
        {.kind = HP_FAULT_DELAY, .method = HP_STUN_ALLOCATE, .nth_first = 2, .nth_last = 2, .delay_ns = 3 * HP_S},
        {.kind = HP_FAULT_DELAY, .method = HP_STUN_BINDING, .delay_ns = HP_S},
    };
    start_with(r, faults, 2);
    rig_client a = alice();
    rig_begin_allocate(r);
    rig_sign(r, &a);
    assert_int_equal(rig_send(r, &a), 0);
    uint8_t id[12];
    memcpy(id, r->id, 12);
    assert_int_equal(r->open->len, 1);
    assert_faulty(r, 0);
    assert_int_equal(hp_turn_server_deadline(r->server), 4 * HP_S);
    r->now = 2 * HP_S;
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_send(r, &a), 0);
    assert_int_equal(hp_turn_server_deadline(r->server), 3 * HP_S);
    guint before = r->sent->len;
    hp_turn_server_run(r->server, 3 * HP_S - 1);
    assert_int_equal(r->sent->len, before);
    hp_turn_server_run(r->server, 3 * HP_S);
    assert_int_equal(r->sent->len, before + 1);
    assert_int_equal(rig_last(r)->msg.method, HP_STUN_BINDING);
    hp_turn_server_run(r->server, 4 * HP_S);
    assert_int_equal(rig_last(r)->msg.method, HP_STUN_ALLOCATE);
    assert_int_equal(rig_last(r)->at, 4 * HP_S);
    assert_memory_equal(rig_last(r)->msg.id, id, 12);
    assert_int_equal(rig_error(rig_last(r)), 0);
}

/* A server that goes away takes its waiting answers with it. */
static void delayed_for_ever(void **state)
{
    rig *r = *state;
    start_with(r, &(hp_server_fault){.kind = HP_FAULT_DELAY, .delay_ns = HP_NEVER}, 1);
    rig_client a = alice();
    for (unsigned i = 0; i < 3; i++) {
        rig_begin(r, HP_STUN_BINDING);
        assert_int_equal(rig_send(r, &a), 0);
    }
    assert_int_equal(hp_turn_server_deadline(r->server), HP_NEVER);
}

/* A forced error has no effect but itself; it is signed when the request's credentials were good. */
static void error(void **state)
{
    rig *r = *state;
    static const hp_server_fault faults[] = {
        {.kind = HP_FAULT_ERROR, .method = HP_STUN_ALLOCATE, .nth_first = 2, .nth_last = 2, .code = 508},
        {.kind = HP_FAULT_ERROR, .method = HP_STUN_REFRESH, .nth_first = 1, .nth_last = 1, .code = 438},
        {.kind = HP_FAULT_ERROR, .method = HP_STUN_REFRESH, .nth_first = 2, .nth_last = 2, .code = 420},
        {.kind = HP_FAULT_ERROR, .method = HP_STUN_REFRESH, .nth_first = 3, .nth_last = 3, .code = 42},
        {.kind = HP_FAULT_ERROR, .method = HP_STUN_BINDING, .code = 300},
    };
    start_with(r, faults, G_N_ELEMENTS(faults));
    rig_client a = alice();
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &a), 508);
    assert_faulty(r, 508);
    assert_string_equal(rig_last_event(r, HP_SERVER_EV_REQUEST)->user, "alice");
    assert_int_equal(r->open->len, 0);
    assert_int_equal(rig_refresh(r, &a, -1), 438);
    assert_true(rig_has(rig_last(r), HP_STUN_NONCE) && rig_has(rig_last(r), HP_STUN_REALM));
    assert_int_equal(rig_refresh(r, &a, -1), 420);
    assert_int_equal(rig_attr(rig_last(r), HP_STUN_UNKNOWN_ATTRIBUTES).length, 0);
    assert_int_equal(rig_refresh(r, &a, -1), 500); /* 42 is no error code */
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &a), 300);
    assert_false(rig_has(rig_last(r), HP_STUN_MESSAGE_INTEGRITY));
}

/* From the pair's other address; without a pair, from the other port. */
static void other_address(void **state)
{
    rig *r = *state;
    const hp_server_fault fault = {.kind = HP_FAULT_OTHER_ADDRESS};
    start_with(r, &fault, 1);
    rig_client a = alice();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &a), 0);
    rig_assert_addr(&rig_last(r)->path.server, "203.0.113.1:3479");
    hp_turn_server_free(r->server);
    r->config.nat_discovery = true;
    r->addresses[r->n_addresses++] = rig_addr("203.0.113.2");
    start_with(r, &fault, 1);
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &a), 0);
    rig_assert_addr(&rig_last(r)->path.server, "203.0.113.2:3479");
    hp_turn_server_free(r->server);
    r->config.port = r->config.alternate_port = 3478; /* no pair */
    start_with(r, &fault, 1);
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &a), 0);
    rig_assert_addr(&rig_last(r)->path.server, "203.0.113.1:3479");
}

static void wrong_id(void **state)
{
    rig *r = *state;
    start_with(r, &(hp_server_fault){.kind = HP_FAULT_WRONG_ID, .method = HP_STUN_BINDING}, 1);
    rig_client a = alice();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_send(r, &a), 1);
    assert_memory_not_equal(rig_last(r)->msg.id, r->id, 12);
    assert_int_equal(rig_error(rig_last(r)), 0);
}

/* Only the integrity is wrong: the FINGERPRINT is right. */
static void bad_integrity(void **state)
{
    rig *r = *state;
    start_with(r, &(hp_server_fault){.kind = HP_FAULT_BAD_INTEGRITY, .method = HP_STUN_ALLOCATE}, 1);
    rig_client a = alice();
    rig_begin_allocate(r);
    rig_sign(r, &a);
    hp_stun_add_fingerprint(&r->w);
    assert_int_equal(rig_ask(r, &a), 0);
    hp_stun_key key = rig_key(r, &a, false);
    assert_int_equal(hp_stun_check_integrity(&rig_last(r)->msg, &key, false), HP_STUN_BAD);
    assert_int_equal(hp_stun_check_fingerprint(&rig_last(r)->msg), HP_STUN_GOOD);
}

static void wrong_mapped(void **state)
{
    rig *r = *state;
    start_with(r, &(hp_server_fault){.kind = HP_FAULT_WRONG_MAPPED}, 1);
    rig_client a = alice();
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &a), 0);
    hp_addr mapped = rig_attr_addr(rig_last(r), HP_STUN_XOR_MAPPED_ADDRESS, true);
    rig_assert_addr(&mapped, "192.0.2.10:5001");
    a.addr.port = 65535;
    rig_begin(r, HP_STUN_BINDING);
    assert_int_equal(rig_ask(r, &a), 0);
    mapped = rig_attr_addr(rig_last(r), HP_STUN_XOR_MAPPED_ADDRESS, true);
    rig_assert_addr(&mapped, "192.0.2.10:1");
    rig_begin_allocate(r);
    assert_int_equal(rig_login(r, &a), 0);
    mapped = rig_attr_addr(rig_last(r), HP_STUN_XOR_MAPPED_ADDRESS, true);
    rig_assert_addr(&mapped, "192.0.2.10:1");
}

/* The server loses the allocation of the 5-tuple, and no other, before it looks at the request. */
static void forget(void **state)
{
    rig *r = *state;
    start_with(r, &(hp_server_fault){.kind = HP_FAULT_FORGET, .method = HP_STUN_REFRESH, .nth_first = 2}, 1);
    rig_client a = alice(), b = rig_client_new("192.0.2.11:5000", "bob", "hidden");
    hp_addr relay = rig_allocate(r, &a);
    rig_allocate(r, &b);
    assert_int_equal(rig_refresh(r, &a, -1), 0);
    assert_int_equal(rig_refresh(r, &a, -1), 437);
    assert_faulty(r, 437);
    assert_int_equal(r->open->len, 1);
    const hp_server_event *e = rig_last_event(r, HP_SERVER_EV_ALLOCATION_ENDED);
    assert_string_equal(e->reason, "forgotten");
    assert_true(hp_addr_equal(&e->relay, &relay));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting), T(silence),  T(delay),         T(delayed_for_ever), T(error),
        T(other_address),           T(wrong_id), T(bad_integrity), T(wrong_mapped),     T(forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
