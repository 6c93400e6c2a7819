/* Hand-made plans and traces for the tests of check/: two peers, a NAT, a TURN server, and verbs that append records.
 *
 * A checker follows the trace from the first record on and is fed after every one of them; fixture_finish() judges the
 * same trace with a second checker in one go and asserts that both results are alike to the last letter. */
#ifndef HP_TESTS_CHECK_FIXTURE_H
#define HP_TESTS_CHECK_FIXTURE_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "check/check.h"

enum { FIXTURE_STEPS = 8, FIXTURE_EXPECTS = 8, FIXTURE_LINE = 30 };

typedef struct fixture {
    hp_scenario scenario;
    hp_plan plan;
    hp_sc_peer sc_peers[3];
    hp_plan_peer peers[3];
    hp_sc_nat sc_nat;
    hp_plan_nat nat;
    hp_sc_server sc_server;
    hp_plan_server server;
    hp_addr server_address;
    hp_step steps[FIXTURE_STEPS];
    hp_expect expects[FIXTURE_EXPECTS];
    hp_trace *trace;
    hp_checker *checker;
    hp_result *result;
} fixture;

static inline int fixture_setup(void **state)
{
    static char *names[] = {"alice", "bob", "carol"};
    fixture *f = g_new0(fixture, 1);
    f->scenario = (hp_scenario){
        .file = "test.yaml",
        .name = "test",
        .label = "",
        .until = 60 * HP_S,
        .steps = f->steps,
        .expects = f->expects,
        .peers = f->sc_peers,
        .n_peers = 3,
    };
    for (unsigned i = 0; i < 3; i++) {
        f->sc_peers[i].name = names[i];
        f->sc_peers[i].mark = (hp_mark){"test.yaml", 10 + i, 3};
        f->peers[i].source = &f->sc_peers[i];
    }
    f->sc_nat.name = "home";
    f->nat.source = &f->sc_nat;
    f->sc_server.name = "turn";
    f->server.source = &f->sc_server;
    f->server_address = hp_addr_v4(0xcb007101, 0);
    f->server.attachment.addresses = &f->server_address;
    f->server.attachment.n_addresses = 1;
    f->plan = (hp_plan){
        .scenario = &f->scenario,
        .case_name = "test",
        .peers = f->peers,
        .n_peers = 3,
        .nats = &f->nat,
        .n_nats = 1,
        .servers = &f->server,
        .n_servers = 1,
    };
    f->trace = hp_trace_new_sized(1 << 20, NULL);
    assert_non_null(f->trace);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture *f = *state;
    hp_checker_free(f->checker);
    hp_result_free(f->result);
    hp_trace_free(f->trace);
    g_free(f);
    return 0;
}

/* ---- the scenario ---- */

static inline hp_step *add_step(fixture *f, hp_step_kind kind)
{
    assert_true(f->scenario.n_steps < FIXTURE_STEPS);
    hp_step *step = &f->steps[f->scenario.n_steps];
    step->kind = kind;
    step->mark = (hp_mark){"test.yaml", 20 + f->scenario.n_steps, 5};
    f->scenario.n_steps++;
    return step;
}

static inline hp_step *add_call(fixture *f)
{
    static char *to[] = {"bob", NULL};
    hp_step *step = add_step(f, HP_STEP_CALL);
    step->call.from = "alice";
    step->call.to = to;
    step->call.config.streams = step->call.config.components = 1;
    return step;
}

static inline hp_step *add_send(fixture *f, bool both)
{
    hp_step *step = add_step(f, HP_STEP_SEND);
    step->send.from = "alice";
    step->send.to = "bob";
    step->send.both = both;
    return step;
}

/* Its line is FIXTURE_LINE plus its position. */
static inline hp_expect *add_expect(fixture *f, hp_expect_kind kind, char *text)
{
    assert_true(f->scenario.n_expects < FIXTURE_EXPECTS);
    hp_expect *e = &f->expects[f->scenario.n_expects];
    e->kind = kind;
    e->mark = (hp_mark){"test.yaml", FIXTURE_LINE + f->scenario.n_expects, 5};
    e->text = text;
    e->window.before = HP_NEVER;
    f->scenario.n_expects++;
    return e;
}

static inline hp_compare compare(const char *text, hp_unit unit)
{
    hp_compare c;
    assert_true(hp_compare_parse(text, unit, &c));
    return c;
}

/* ---- the trace ---- */

static inline void follow(fixture *f)
{
    if (f->checker == NULL) {
        g_autoptr(GError) error = NULL;
        f->checker = hp_checker_new(&f->plan, &error);
        if (f->checker == NULL) {
            fail_msg("%s", error->message);
        }
    }
    hp_checker_feed(f->checker, f->trace);
}

#define EVENT(f, at, kind, subject, ...)                                                                               \
    do {                                                                                                               \
        hp_trace_event((f)->trace, (at), (kind), (subject), __VA_ARGS__);                                              \
        follow(f);                                                                                                     \
    } while (0)

/* number counts from 1. */
static inline void ev_step(fixture *f, hp_time at, unsigned number)
{
    const char *kind = hp_step_name(&f->steps[number - 1]);
    EVENT(f, at, HP_EV_STEP, kind, HP_FU("step", number), HP_FS("target", ""),
          HP_FU("line", f->steps[number - 1].mark.line), HP_FS("label", hp_step_label(&f->steps[number - 1])));
}

static inline void ev_step_done(fixture *f, hp_time at, unsigned number, const char *outcome)
{
    EVENT(f, at, HP_EV_STEP_DONE, hp_step_name(&f->steps[number - 1]), HP_FU("step", number),
          HP_FS("outcome", outcome));
}

static inline void ev_state_of(fixture *f, hp_time at, const char *peer, unsigned session, const char *with,
                               unsigned component, const char *state)
{
    EVENT(f, at, HP_EV_ICE_STATE, peer, HP_FU("session", session), HP_FS("with", with), HP_FU("stream", 1),
          HP_FU("component", component), HP_FS("state", state), HP_FS("previous", ""));
}

/* Of the session between alice and bob. */
static inline void ev_state(fixture *f, hp_time at, const char *peer, const char *state)
{
    ev_state_of(f, at, peer, 1, strcmp(peer, "alice") == 0 ? "bob" : "alice", 1, state);
}

static inline void ev_pair(fixture *f, hp_time at, const char *peer, const char *local, const char *remote)
{
    EVENT(f, at, HP_EV_SELECTED_PAIR, peer, HP_FU("session", 1),
          HP_FS("with", strcmp(peer, "alice") == 0 ? "bob" : "alice"), HP_FU("stream", 1), HP_FU("component", 1),
          HP_FS("local", local), HP_FS("remote", remote), HP_FA("local-address", hp_addr_v4(0x0a000001, 1000)),
          HP_FA("remote-address", hp_addr_v4(0x0a000002, 2000)), HP_FA("local-base", hp_addr_v4(0x0a000001, 1000)));
}

static inline void ev_flow(fixture *f, hp_time at, unsigned flow, const char *from, const char *to)
{
    EVENT(f, at, HP_EV_FLOW, from, HP_FU("flow", flow), HP_FS("to", to), HP_FU("size", 200),
          HP_FT("interval", 20 * HP_MS), HP_FU("count", 100), HP_FU("stream", 1), HP_FU("component", 1));
}

static inline void ev_flow_done(fixture *f, hp_time at, unsigned flow, const char *from)
{
    EVENT(f, at, HP_EV_FLOW_DONE, from, HP_FU("flow", flow), HP_FU("sent", 0));
}

static inline void ev_sent(fixture *f, hp_time at, unsigned flow, uint64_t sequence)
{
    EVENT(f, at, HP_EV_DATA_SENT, "alice", HP_FU("flow", flow), HP_FU("sequence", sequence), HP_FU("size", 200));
}

static inline void ev_received(fixture *f, hp_time at, unsigned flow, uint64_t sequence, hp_time latency,
                               uint32_t packet)
{
    EVENT(f, at, HP_EV_DATA_RECEIVED, "bob", HP_FU("flow", flow), HP_FU("sequence", sequence), HP_FU("size", 200),
          HP_FT("latency", latency), HP_FU("packet", packet));
}

static inline hp_packet *make_packet(uint16_t from_port, uint16_t to_port, const void *payload, size_t length)
{
    const hp_addr src = hp_addr_v4(0x0a000001, from_port);
    const hp_addr dst = hp_addr_v4(0x0a000002, to_port);
    return hp_packet_new(HP_PROTO_UDP, &src, &dst, payload, length);
}

/* A UDP packet of 28 + length bytes; returns its number. */
static inline uint32_t ev_packet(fixture *f, hp_time at, const char *tap, hp_direction dir, uint16_t to_port,
                                 const void *payload, size_t length)
{
    g_autoptr(hp_packet) p = make_packet(1000, to_port, payload, length);
    const uint32_t number = hp_trace_packet(f->trace, at, hp_trace_tap(f->trace, tap), dir, p);
    follow(f);
    return number;
}

/* Records a packet at a tap and drops it at a place. */
static inline uint32_t ev_drop(fixture *f, hp_time at, const char *tap, const char *place, hp_drop_reason reason,
                               const void *payload, size_t length)
{
    g_autoptr(hp_packet) p = make_packet(1000, 2000, payload, length);
    const uint32_t number = hp_trace_packet(f->trace, at, hp_trace_tap(f->trace, tap), HP_DIR_OUT, p);
    hp_trace_drop(f->trace, at, place, p, reason, NULL);
    follow(f);
    return number;
}

/* ---- the result ---- */

static inline void assert_same_result(const hp_result *a, const hp_result *b)
{
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->expects->len, b->expects->len);
    assert_int_equal(a->n_flows, b->n_flows);
    assert_int_equal(a->n_sessions, b->n_sessions);
    assert_int_equal(a->n_dtls, b->n_dtls);
    assert_int_equal(a->n_tracks, b->n_tracks);
    for (unsigned i = 0; i < a->n_tracks; i++) {
        assert_int_equal(a->tracks[i].track, b->tracks[i].track);
        assert_int_equal(a->tracks[i].figures.sent, b->tracks[i].figures.sent);
        assert_int_equal(a->tracks[i].figures.received, b->tracks[i].figures.received);
        assert_int_equal(a->tracks[i].figures.foreign, b->tracks[i].figures.foreign);
        assert_int_equal(a->tracks[i].figures.mos_milli, b->tracks[i].figures.mos_milli);
        assert_int_equal(a->tracks[i].n_series, b->tracks[i].n_series);
    }
    assert_int_equal(a->packets, b->packets);
    assert_int_equal(a->drops, b->drops);
    for (unsigned i = 0; i < a->expects->len; i++) {
        const hp_expect_result *x = g_ptr_array_index(a->expects, i);
        const hp_expect_result *y = g_ptr_array_index(b->expects, i);
        assert_string_equal(x->what, y->what);
        assert_string_equal(x->expected, y->expected);
        assert_string_equal(x->got, y->got);
        assert_int_equal(x->passed, y->passed);
        assert_int_equal(x->at, y->at);
        assert_int_equal(x->packet, y->packet);
    }
}

static inline hp_result *fixture_finish_with(fixture *f, hp_time ended, hp_verdict verdict, const char *message,
                                             const char *reason)
{
    follow(f);
    g_autoptr(hp_checker) at_once = hp_checker_new(&f->plan, NULL);
    g_autoptr(hp_result) other = hp_checker_finish(at_once, f->trace, verdict, message, reason, ended);
    hp_result_free(f->result);
    f->result = hp_checker_finish(f->checker, f->trace, verdict, message, reason, ended);
    assert_same_result(f->result, other);
    return f->result;
}

static inline hp_result *fixture_finish(fixture *f, hp_time ended)
{
    return fixture_finish_with(f, ended, HP_VERDICT_PASS, NULL, "until");
}

static inline const hp_expect_result *nth(const fixture *f, unsigned i)
{
    assert_true(i < f->result->expects->len);
    return g_ptr_array_index(f->result->expects, i);
}

#define ASSERT_EXPECT(f, i, want_passed, want_at, want_packet, want_got)                                               \
    do {                                                                                                               \
        const hp_expect_result *r_ = nth(f, i);                                                                        \
        assert_string_equal(r_->got, want_got);                                                                        \
        assert_int_equal(r_->passed, want_passed);                                                                     \
        assert_int_equal(r_->at, want_at);                                                                             \
        assert_int_equal(r_->packet, want_packet);                                                                     \
    } while (0)

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
