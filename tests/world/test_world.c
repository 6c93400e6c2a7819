/* The clock, steps, caps, random streams and the wiring of nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "world/probe.h"

typedef struct journal {
    hp_world *world;
    GString *text;
} journal;

typedef struct alarm_clock {
    hp_timer timer;
    journal *diary;
    const char *name;
    hp_time again; /* armed for that long after it fired; 0 = not */
} alarm_clock;

static void ring(void *owner, hp_time now)
{
    alarm_clock *clock = owner;
    assert_int_equal(hp_world_now(clock->diary->world), now);
    g_string_append_printf(clock->diary->text, "%s@%" G_GUINT64_FORMAT " ", clock->name, now);
    if (clock->again != 0) {
        hp_timer_arm(clock->diary->world, &clock->timer, now + clock->again);
    }
}

static void clock_init(alarm_clock *clock, journal *diary, const char *name, hp_timer_class cls)
{
    *clock = (alarm_clock){.diary = diary, .name = name};
    hp_timer_init(&clock->timer, cls, hp_world_new_element(diary->world), ring, clock);
}

static void test_one_timer_a_step(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    journal diary = {world, g_string_new(NULL)};
    alarm_clock script, actor, link;
    g_autoptr(GError) error = NULL;
    clock_init(&script, &diary, "script", HP_TIMER_SCRIPT);
    clock_init(&actor, &diary, "actor", HP_TIMER_ACTOR);
    clock_init(&link, &diary, "link", HP_TIMER_LINK);
    hp_timer_arm(world, &script.timer, 10);
    hp_timer_arm(world, &actor.timer, 10);
    hp_timer_arm(world, &link.timer, 10);

    assert_int_equal(hp_world_next_deadline(world), 10);
    assert_true(hp_world_step(world, &error));
    assert_string_equal(diary.text->str, "link@10 ");
    assert_true(hp_world_step(world, &error));
    assert_true(hp_world_step(world, &error));
    assert_string_equal(diary.text->str, "link@10 actor@10 script@10 ");
    assert_false(hp_world_step(world, &error));
    assert_null(error);
    assert_int_equal(hp_world_steps(world), 3);
    assert_int_equal(hp_world_next_deadline(world), HP_NEVER);
    g_string_free(diary.text, TRUE);
}

static void test_the_past_is_now(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    journal diary = {world, g_string_new(NULL)};
    alarm_clock clock;
    clock_init(&clock, &diary, "late", HP_TIMER_ACTOR);
    assert_true(hp_world_run_until(world, 100, NULL));
    assert_int_equal(hp_world_now(world), 100);
    hp_timer_arm(world, &clock.timer, 7);
    assert_int_equal(hp_world_next_deadline(world), 100);
    assert_true(hp_world_run_until(world, 100, NULL));
    assert_string_equal(diary.text->str, "late@100 ");
    g_string_free(diary.text, TRUE);
}

static void test_run_until(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    journal diary = {world, g_string_new(NULL)};
    alarm_clock tick;
    clock_init(&tick, &diary, "tick", HP_TIMER_ACTOR);
    tick.again = 10;
    hp_timer_arm(world, &tick.timer, 10);
    assert_true(hp_world_run_until(world, 30, NULL));
    assert_string_equal(diary.text->str, "tick@10 tick@20 tick@30 ");
    assert_int_equal(hp_world_now(world), 30);
    assert_true(hp_world_run_until(world, 35, NULL));
    assert_int_equal(hp_world_now(world), 35);
    assert_true(hp_world_run_until(world, 20, NULL)); /* the clock does not go back */
    assert_int_equal(hp_world_now(world), 35);
    hp_timer_arm(world, &tick.timer, HP_NEVER);
    assert_false(hp_timer_is_armed(&tick.timer));
    tick.again = 0;
    hp_timer_arm(world, &tick.timer, 50);
    assert_true(hp_world_run_until(world, HP_NEVER, NULL));
    assert_int_equal(hp_world_now(world), 50);
    g_string_free(diary.text, TRUE);
}

/* What a timer arms for the same instant is sorted among what is still due. */
typedef struct chain {
    hp_timer first, second, third;
    hp_world *world;
    GString *text;
} chain;

static void chain_first(void *owner, hp_time now)
{
    chain *c = owner;
    g_string_append_c(c->text, '1');
    hp_timer_arm(c->world, &c->second, now); /* class link: before the third, though armed after it */
}

static void chain_second(void *owner, hp_time now)
{
    g_string_append_c(((chain *)owner)->text, '2');
}

static void chain_third(void *owner, hp_time now)
{
    chain *c = owner;
    g_string_append_c(c->text, '3');
    hp_timer_cancel(c->world, &c->third); /* not armed any more: nothing */
}

static void test_arming_within_an_instant(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    chain c = {.world = world, .text = g_string_new(NULL)};
    hp_timer_init(&c.first, HP_TIMER_NODE, 1, chain_first, &c);
    hp_timer_init(&c.second, HP_TIMER_LINK, 9, chain_second, &c);
    hp_timer_init(&c.third, HP_TIMER_ACTOR, 1, chain_third, &c);
    hp_timer_arm(world, &c.third, 5);
    hp_timer_arm(world, &c.first, 5);
    assert_true(hp_world_run_until(world, HP_S, NULL));
    assert_string_equal(c.text->str, "123");
    g_string_free(c.text, TRUE);
}

static void refire(void *owner, hp_time now)
{
    alarm_clock *clock = owner;
    hp_timer_arm(clock->diary->world, &clock->timer, now);
}

static void test_a_million_at_one_instant(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    journal diary = {world, NULL};
    alarm_clock clock = {.diary = &diary};
    g_autoptr(GError) error = NULL;
    probe_new(world, "the-culprit");
    hp_timer_init(&clock.timer, HP_TIMER_ACTOR, 1, refire, &clock);
    hp_timer_arm(world, &clock.timer, 1250 * HP_MS);
    assert_false(hp_world_run_until(world, 10 * HP_S, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_LIMIT));
    assert_non_null(strstr(error->message, "1.25"));
    assert_non_null(strstr(error->message, "the-culprit"));
    assert_int_equal(hp_world_steps(world), 1000000);
    assert_int_equal(hp_world_now(world), 1250 * HP_MS);
    hp_timer_cancel(world, &clock.timer);
}

static void test_streams_and_numbers(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(42, NULL);
    hp_rng a, b, same;
    hp_world_rng(world, "a", &a);
    hp_world_rng(world, "b", &b);
    hp_rng_init(&same, 42, "a");
    uint64_t from_a = hp_rng_u64(&a);
    assert_true(from_a == hp_rng_u64(&same));
    assert_true(from_a != hp_rng_u64(&b));
    assert_int_equal(hp_world_seed(world), 42);
    assert_int_equal(hp_world_new_uid(world), 1);
    assert_int_equal(hp_world_new_uid(world), 2);
    assert_int_equal(hp_world_new_element(world), 1);
    assert_int_equal(probe_new(world, "p")->node.id, 2);
}

static void test_wiring(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_world) world = hp_world_new(1, trace);
    probe *a = probe_new(world, "a");
    probe *b = probe_new(world, "b");
    hp_node_connect(&a->node, 3, &b->node, 7);
    assert_int_equal(a->node.n_out, 4);
    assert_true(hp_node_is_connected(&a->node, 3));
    assert_false(hp_node_is_connected(&a->node, 2));
    hp_node_emit(&a->node, 3, udp_packet(world, "192.0.2.1:1", "192.0.2.2:2", 10));
    assert_int_equal(b->hits->len, 1);
    assert_int_equal(probe_at(b, 0)->port, 7);

    hp_record r = {0};
    hp_node_emit(&a->node, 2, udp_packet(world, "192.0.2.1:1", "192.0.2.2:2", 10));
    hp_node_emit(&a->node, 9, udp_packet(world, "192.0.2.1:1", "192.0.2.2:2", 10));
    assert_int_equal(count_drops(trace, HP_DROP_NO_ROUTE, &r), 2);
    assert_string_equal(r.drop.place, "a");
    assert_int_equal(r.drop.uid, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_timer_a_step),
        cmocka_unit_test(test_the_past_is_now),
        cmocka_unit_test(test_run_until),
        cmocka_unit_test(test_arming_within_an_instant),
        cmocka_unit_test(test_a_million_at_one_instant),
        cmocka_unit_test(test_streams_and_numbers),
        cmocka_unit_test(test_wiring),
    };
    return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
