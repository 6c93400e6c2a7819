/* The broker in a world: copies arrive by its clock, and the trace tells of each. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "actors/signaling.h"

#define OFFER "{\"id\":\"alice\",\"type\":\"offer\"}"

typedef struct ear {
    hp_world *world;
    unsigned heard, own;
    hp_time at;
    uint64_t message;
    char from[16];
} ear;

static void hear(void *user, const char *from, bool own, uint64_t message, const char *json)
{
    ear *e = user;
    e->heard++;
    e->own += own;
    e->at = hp_world_now(e->world);
    e->message = message;
    g_strlcpy(e->from, from, sizeof e->from);
    assert_non_null(strstr(json, "offer"));
}

static unsigned count(const hp_trace *trace, hp_event_kind kind, const char *subject)
{
    hp_trace_cursor cursor = {0};
    unsigned n = 0;
    for (hp_record r; hp_trace_next(trace, &cursor, &r);)
        n += r.type == HP_RECORD_EVENT && r.event.kind == kind && strcmp(r.event.subject, subject) == 0;
    return n;
}

static void copies_arrive_by_the_worlds_clock(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_world) world = hp_world_new(1, trace);
    hp_signaling *signaling = hp_signaling_new(world, &(hp_signaling_config){.delay = 40 * HP_MS, .echo = true});
    ear alice = {world}, bob = {world};
    unsigned a = hp_signaling_join(signaling, "alice", hear, &alice);
    hp_signaling_join(signaling, "bob", hear, &bob);
    assert_true(hp_world_run_until(world, HP_S, NULL));
    hp_signaling_send(signaling, a, OFFER);
    assert_true(hp_world_run_until(world, 2 * HP_S, NULL));
    assert_int_equal(bob.heard, 1);
    assert_int_equal(bob.own, 0);
    assert_int_equal(bob.at, HP_S + 40 * HP_MS);
    assert_string_equal(bob.from, "alice");
    assert_int_equal(alice.heard, 1);
    assert_int_equal(alice.own, 1);
    assert_int_equal(alice.message, bob.message);
    assert_int_equal(count(trace, HP_EV_SIGNAL_SENT, "alice"), 1);
    assert_int_equal(count(trace, HP_EV_SIGNAL_RECEIVED, "alice"), 1);
    assert_int_equal(count(trace, HP_EV_SIGNAL_RECEIVED, "bob"), 1);
    hp_signaling_free(signaling);
}

static void losses_and_refusals_are_traced(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_world) world = hp_world_new(1, trace);
    hp_signaling *signaling = hp_signaling_new(world, &(hp_signaling_config){.delay = HP_MS, .loss_ppb = HP_PPB});
    ear alice = {world}, bob = {world};
    unsigned a = hp_signaling_join(signaling, "alice", hear, &alice);
    hp_signaling_join(signaling, "bob", hear, &bob);
    hp_signaling_send(signaling, a, OFFER);
    hp_signaling_send(signaling, a, "no JSON");
    assert_true(hp_world_run_until(world, HP_S, NULL));
    assert_int_equal(bob.heard, 0);
    assert_int_equal(count(trace, HP_EV_SIGNAL_SENT, "alice"), 2);
    assert_int_equal(count(trace, HP_EV_SIGNAL_DROPPED, "alice"), 2);
    hp_signaling_free(signaling);
}

static void new_settings_hold_for_later_messages(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    hp_signaling *signaling = hp_signaling_new(world, &(hp_signaling_config){.delay = 100 * HP_MS});
    ear alice = {world}, bob = {world};
    unsigned a = hp_signaling_join(signaling, "alice", hear, &alice);
    hp_signaling_join(signaling, "bob", hear, &bob);
    hp_signaling_send(signaling, a, OFFER);
    hp_signaling_configure(signaling, &(hp_signaling_config){.delay = 10 * HP_MS});
    hp_signaling_send(signaling, a, OFFER);
    assert_true(hp_world_run_until(world, 50 * HP_MS, NULL));
    assert_int_equal(bob.heard, 1);
    assert_int_equal(bob.message, 2);
    assert_true(hp_world_run_until(world, HP_S, NULL));
    assert_int_equal(bob.at, 100 * HP_MS);
    hp_signaling_free(signaling);
}

typedef struct line {
    unsigned n;
    uint64_t message;
    char json[64];
} line;

static void note_line(void *user, uint64_t message, const char *json)
{
    line *l = user;
    l->n++;
    l->message = message;
    g_strlcpy(l->json, json, sizeof l->json);
}

/* The broker is elsewhere, and so is what the trace tells. */
static void a_remote_broker_is_a_line(void **state)
{
    static const hp_signaling_remote_ops ops = {.send = note_line};
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_world) world = hp_world_new(1, trace);
    line out = {0};
    ear alice = {world};
    hp_signaling *signaling = hp_signaling_new_remote(world, &ops, &out);
    hp_signaling_deliver(signaling, "bob", false, 1, OFFER); /* before anybody is there */
    unsigned a = hp_signaling_join(signaling, "alice", hear, &alice);
    hp_signaling_send(signaling, a, OFFER);
    assert_int_equal(out.n, 1);
    assert_string_equal(out.json, OFFER);
    hp_signaling_deliver(signaling, "bob", false, 7, OFFER);
    hp_signaling_deliver(signaling, "alice", true, 8, OFFER);
    assert_int_equal(alice.heard, 2);
    assert_int_equal(alice.own, 1);
    assert_int_equal(alice.message, 8);
    assert_string_equal(alice.from, "alice");
    assert_int_equal(out.message, 0);
    assert_int_equal(hp_trace_n_records(trace), 0);
    assert_int_equal(hp_world_next_deadline(world), HP_NEVER);
    /* With a counter that all share, what is sent is told here. */
    uint64_t last = 4;
    hp_signaling_share_numbers(signaling, &last);
    hp_signaling_send(signaling, a, OFFER);
    assert_int_equal(out.message, 5);
    assert_int_equal(hp_trace_n_records(trace), 1);
    hp_signaling_free(signaling);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_arrive_by_the_worlds_clock), cmocka_unit_test(losses_and_refusals_are_traced),
        cmocka_unit_test(new_settings_hold_for_later_messages), cmocka_unit_test(a_remote_broker_is_a_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
