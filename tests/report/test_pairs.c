/* Candidate pairs: their course from packets and events made by hand, with exact times. Packets take 10 ms between alice
 * and the outside. */
#include "report/ladder_evidence.h"

#include "report/ladder.h"
#include "report/pairs.h"

typedef struct told {
    evidence e;
    hp_ladder *ladder;
} told;

static int setup(void **state)
{
    told *r = g_new0(told, 1);
    evidence_init(&r->e);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    told *r = *state;
    evidence_clear(&r->e);
    hp_ladder_free(r->ladder);
    g_free(r);
    return 0;
}

static const hp_pair *nth_pair(told *r, unsigned n_pairs, unsigned i)
{
    if (r->ladder == NULL) {
        const hp_ladder_options options = {.detailed = true, .to = HP_NEVER};
        g_autoptr(GError) error = NULL;
        evidence_write(&r->e);
        r->ladder = hp_ladder_read(r->e.folder, &options, &error);
        assert_null(error);
        assert_null(r->ladder->complaint);
    }
    assert_int_equal(r->ladder->pairs->len, n_pairs);
    return g_ptr_array_index(r->ladder->pairs, i);
}

static void assert_addr(const hp_addr *a, const char *text)
{
    char text_of[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(a, text_of), text);
}

/* "waiting 100-200 checking 200-" in ms. */
static void assert_spans(const hp_pair *pair, const char *wanted)
{
    g_autoptr(GString) s = g_string_new(NULL);
    for (unsigned i = 0; i < pair->spans->len; i++) {
        const hp_pair_span *span = &g_array_index(pair->spans, hp_pair_span, i);
        g_string_append_printf(s, "%s%s %u-", s->len > 0 ? " " : "", hp_pair_state_name(span->state),
                               (unsigned)(span->from / HP_MS));
        if (span->to != HP_NEVER) {
            g_string_append_printf(s, "%u", (unsigned)(span->to / HP_MS));
        }
    }
    assert_string_equal(s->str, wanted);
}

/* "request 100 success 120". */
static void assert_checks(const hp_pair *pair, const char *wanted)
{
    g_autoptr(GString) s = g_string_new(NULL);
    for (unsigned i = 0; i < pair->checks->len; i++) {
        const hp_pair_check *c = &g_array_index(pair->checks, hp_pair_check, i);
        assert_true(c->packet > 0);
        g_string_append_printf(s, "%s%s %u", s->len > 0 ? " " : "", c->what, (unsigned)(c->at / HP_MS));
    }
    assert_string_equal(s->str, wanted);
}

static void candidate(evidence *e, hp_time at, const char *peer, const char *type, const char *address,
                      const char *base)
{
    g_autofree char *members = g_strdup_printf("\"session\":1,\"stream\":1,\"component\":1,\"type\":\"%s\","
                                               "\"transport\":\"udp\",\"address\":\"%s\",\"base\":\"%s\","
                                               "\"server\":\"%s\"",
                                               type, address, base, strcmp(type, "relay") == 0 ? "turn" : "");
    event(e, at, "candidate", peer, members);
}

static void remote_candidate(evidence *e, hp_time at, const char *peer, const char *type, const char *address)
{
    g_autofree char *members = g_strdup_printf("\"session\":1,\"stream\":1,\"component\":1,\"type\":\"%s\","
                                               "\"transport\":\"udp\",\"address\":\"%s\"",
                                               type, address);
    event(e, at, "remote-candidate", peer, members);
}

static void ice_state(evidence *e, hp_time at, const char *peer, const char *with, const char *state)
{
    g_autofree char *members = g_strdup_printf(
        "\"session\":1,\"with\":\"%s\",\"stream\":1,\"component\":1,\"state\":\"%s\",\"previous\":\"\"", with, state);
    event(e, at, "ice-state", peer, members);
}

static void select_pair(evidence *e, hp_time at, const char *peer, const char *with, const char *local_type,
                        const char *local, const char *base, const char *remote)
{
    g_autofree char *members = g_strdup_printf(
        "\"session\":1,\"with\":\"%s\",\"stream\":1,\"component\":1,\"local\":\"%s\",\"remote\":\"host\","
        "\"local-address\":\"%s\",\"remote-address\":\"%s\",\"local-base\":\"%s\",\"transport\":\"udp\"",
        with, local_type, local, remote, base);
    event(e, at, "selected-pair", peer, members);
}

/* alice knows herself from 0 on, bob from 50 ms. */
static void both_known(evidence *e)
{
    candidate(e, 0, "alice", "host", ALICE, ALICE);
    candidate(e, 0, "bob", "host", BOB, BOB);
    remote_candidate(e, 50 * HP_MS, "alice", "host", BOB);
    remote_candidate(e, 60 * HP_MS, "bob", "srflx", HOME);
    ice_state(e, 50 * HP_MS, "alice", "bob", "connecting");
    ice_state(e, 60 * HP_MS, "bob", "alice", "connecting");
}

static void check_and_answer(evidence *e, hp_time at, uint8_t id, bool nominates)
{
    const bytes request = stun(HP_STUN_REQUEST, HP_STUN_BINDING, id, 0, NULL, nominates);
    const bytes answer = stun(HP_STUN_SUCCESS, HP_STUN_BINDING, id, 0, HOME, false);
    alice_sends(e, at, BOB, request.data, request.len);
    alice_gets(e, at + 20 * HP_MS, BOB, answer.data, answer.len);
}

static void succeeded_and_selected(void **state)
{
    told *r = *state;
    both_known(&r->e);
    check_and_answer(&r->e, 100 * HP_MS, 1, false);
    check_and_answer(&r->e, 200 * HP_MS, 2, true);
    select_pair(&r->e, 230 * HP_MS, "alice", "bob", "srflx", HOME, ALICE, BOB);
    const hp_pair *p = nth_pair(r, 1, 0);
    assert_string_equal(p->peer, "alice");
    assert_string_equal(p->with, "bob");
    assert_int_equal(p->session, 1);
    assert_int_equal(p->stream, 1);
    assert_int_equal(p->component, 1);
    assert_false(p->tcp);
    assert_string_equal(p->local_type, "srflx");
    assert_addr(&p->local, HOME);
    assert_addr(&p->base, ALICE);
    assert_string_equal(p->remote_type, "host");
    assert_addr(&p->remote, BOB);
    assert_null(p->via);
    assert_spans(p, "waiting 50-100 checking 100-130 succeeded 130-230 selected 230-");
    assert_checks(p, "request 100 success 130 request 200 success 230");
    assert_int_equal(p->nominated, 230 * HP_MS);
    assert_int_equal(p->selected, 230 * HP_MS);
}

/* bob's checks are filtered until alice's open the way; alice nominates, which bob learns when his own has succeeded. */
static void drops_and_the_controlled_end(void **state)
{
    told *r = *state;
    const bytes first = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 9, 0, NULL, false);
    const bytes second = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 10, 0, NULL, false);
    const bytes answer = stun(HP_STUN_SUCCESS, HP_STUN_BINDING, 10, 0, BOB, false);
    both_known(&r->e);
    bob_in_vain(&r->e, 80 * HP_MS, first.data, first.len);
    check_and_answer(&r->e, 100 * HP_MS, 1, true); /* comes to bob at 110 */
    alice_gets(&r->e, 150 * HP_MS, BOB, second.data, second.len);
    alice_sends(&r->e, 160 * HP_MS, BOB, answer.data, answer.len);
    const hp_pair *bob = nth_pair(r, 2, 0), *alice = nth_pair(r, 2, 1);
    assert_string_equal(bob->peer, "bob");
    assert_string_equal(bob->remote_type, "srflx");
    assert_checks(bob, "dropped 80 request 150 success 170");
    assert_spans(bob, "waiting 60-80 checking 80-170 succeeded 170-");
    assert_int_equal(bob->nominated, 170 * HP_MS);
    assert_true(bob->selected == HP_NEVER);
    assert_int_equal(alice->nominated, 130 * HP_MS);
}

/* In a Send indication until the server, from the relayed address behind it. */
static void relayed(void **state)
{
    told *r = *state;
    const bytes request = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 5, 0, NULL, false);
    const bytes answer = stun(HP_STUN_SUCCESS, HP_STUN_BINDING, 5, 0, RELAY, false);
    const bytes sent = indication(HP_STUN_SEND, BOB, &request), got = indication(HP_STUN_DATA, BOB, &answer);
    both_known(&r->e);
    candidate(&r->e, 70 * HP_MS, "alice", "relay", RELAY, ALICE);
    alice_sends(&r->e, 100 * HP_MS, TURN, sent.data, sent.len);
    g_autoptr(hp_packet) out = packet(RELAY, BOB, request.data, request.len);
    hp_trace_packet(r->e.trace, 110 * HP_MS, r->e.turn, HP_DIR_OUT, out);
    hp_trace_packet(r->e.trace, 120 * HP_MS, r->e.bob, HP_DIR_IN, out);
    g_autoptr(hp_packet) back = packet(BOB, RELAY, answer.data, answer.len);
    hp_trace_packet(r->e.trace, 120 * HP_MS, r->e.bob, HP_DIR_OUT, back);
    hp_trace_packet(r->e.trace, 130 * HP_MS, r->e.turn, HP_DIR_IN, back);
    alice_gets(&r->e, 130 * HP_MS, TURN, got.data, got.len);
    const hp_pair *p = nth_pair(r, 1, 0);
    assert_string_equal(p->peer, "alice");
    assert_string_equal(p->local_type, "relay");
    assert_addr(&p->local, RELAY);
    assert_string_equal(p->via, "turn");
    assert_addr(&p->remote, BOB);
    assert_checks(p, "request 100 success 140");
    assert_spans(p, "waiting 70-100 checking 100-140 succeeded 140-");
}

/* Without an answer a pair fails with its component; an error fails it at once, but for a conflict of roles. */
static void failures(void **state)
{
    told *r = *state;
    const bytes lost = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 9, 0, NULL, false);
    const bytes request = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 3, 0, NULL, false);
    const bytes conflict = stun(HP_STUN_ERROR, HP_STUN_BINDING, 3, 487, NULL, false);
    const bytes other = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 4, 0, NULL, false);
    const bytes refusal = stun(HP_STUN_ERROR, HP_STUN_BINDING, 4, 400, NULL, false);
    both_known(&r->e);
    bob_in_vain(&r->e, 80 * HP_MS, lost.data, lost.len);
    ice_state(&r->e, 900 * HP_MS, "bob", "alice", "failed");
    event(&r->e, 990 * HP_MS, "peer-closed", "bob", "\"session\":1");
    alice_sends(&r->e, 100 * HP_MS, BOB, request.data, request.len);
    alice_gets(&r->e, 120 * HP_MS, BOB, conflict.data, conflict.len);
    alice_sends(&r->e, 200 * HP_MS, BOB, other.data, other.len);
    alice_gets(&r->e, 220 * HP_MS, BOB, refusal.data, refusal.len);
    assert_spans(nth_pair(r, 2, 0), "waiting 60-80 checking 80-900 failed 900-990");
    assert_checks(nth_pair(r, 2, 1), "request 100 error 130 request 200 error 230");
    assert_spans(nth_pair(r, 2, 1), "waiting 50-100 checking 100-230 failed 230-");
}

/* libnice checks no further when it is ready. */
static void given_up(void **state)
{
    told *r = *state;
    const bytes lost = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 9, 0, NULL, false);
    both_known(&r->e);
    bob_in_vain(&r->e, 80 * HP_MS, lost.data, lost.len);
    ice_state(&r->e, 500 * HP_MS, "bob", "alice", "ready");
    assert_spans(nth_pair(r, 1, 0), "waiting 60-80 checking 80-500");
}

/* Another user name is another generation: an ICE restart checks the same addresses again. */
static void a_restart(void **state)
{
    told *r = *state;
    both_known(&r->e);
    for (unsigned i = 0; i < 2; i++) {
        bytes b = {0};
        uint8_t id[12] = {(uint8_t)(20 + i)};
        hp_stun_writer w;
        hp_stun_begin(&w, b.data, sizeof b.data, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
        hp_stun_add_text(&w, HP_STUN_USERNAME, i == 0 ? "old:one" : "new:two");
        b.len = hp_stun_finish(&w);
        alice_sends(&r->e, (100 + 400 * i) * HP_MS, BOB, b.data, b.len);
    }
    assert_checks(nth_pair(r, 2, 0), "request 100");
    assert_checks(nth_pair(r, 2, 1), "request 500");
}

/* One selection ends the other's, and a pair may come back. */
static void selections_take_turns(void **state)
{
    told *r = *state;
    both_known(&r->e);
    check_and_answer(&r->e, 100 * HP_MS, 1, false);
    select_pair(&r->e, 130 * HP_MS, "alice", "bob", "host", ALICE, ALICE, BOB);
    select_pair(&r->e, 300 * HP_MS, "alice", "bob", "relay", RELAY, ALICE, BOB);
    select_pair(&r->e, 400 * HP_MS, "alice", "bob", "host", ALICE, ALICE, BOB);
    ice_state(&r->e, 800 * HP_MS, "alice", "bob", "failed");
    const hp_pair *host = nth_pair(r, 2, 0), *relay = nth_pair(r, 2, 1);
    assert_spans(host,
                 "waiting 50-100 checking 100-130 selected 130-300 succeeded 300-400 selected 400-800 failed 800-");
    assert_int_equal(host->selected, 130 * HP_MS);
    assert_string_equal(relay->local_type, "relay");
    assert_spans(relay, "selected 300-400 succeeded 400-800 failed 800-");
    assert_checks(relay, "");
}

/* What servers are asked is no check. */
static void servers_are_no_pairs(void **state)
{
    told *r = *state;
    const bytes request = stun(HP_STUN_REQUEST, HP_STUN_BINDING, 1, 0, NULL, false);
    const bytes answer = stun(HP_STUN_SUCCESS, HP_STUN_BINDING, 1, 0, HOME, false);
    both_known(&r->e);
    alice_sends(&r->e, 100 * HP_MS, TURN, request.data, request.len);
    alice_gets(&r->e, 120 * HP_MS, TURN, answer.data, answer.len);
    check_and_answer(&r->e, 200 * HP_MS, 2, false);
    assert_checks(nth_pair(r, 1, 0), "request 200 success 230");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(succeeded_and_selected),
        TEST(drops_and_the_controlled_end),
        TEST(relayed),
        TEST(failures),
        TEST(given_up),
        TEST(a_restart),
        TEST(selections_take_turns),
        TEST(servers_are_no_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
