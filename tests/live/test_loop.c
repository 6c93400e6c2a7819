/* The loop's order of things, and the clock it goes by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "live/loop.h"

#define PATIENCE (20 * HP_S)
enum { LOG = 64, PIPES = 3 };

typedef struct rig {
    hp_world *world;
    hp_live_clock *clock;
    hp_loop *loop;
    char log[LOG]; /* a letter for everything that happened */
    unsigned n;
    hp_timer timer;
    hp_time fired_at; /* the world's clock when it last did */
    hp_time again; /* > 0: it is armed anew, so much later */
    unsigned times;
    hp_time told;
    int pipes[PIPES][2];
    hp_loop_watch *watches[PIPES];
} rig;

static void note(rig *r, char what)
{
    if (r->n < LOG - 1) {
        r->log[r->n++] = what;
    }
}

static void on_timer(void *owner, hp_time now)
{
    rig *r = owner;
    note(r, 't');
    r->fired_at = now;
    if (r->times > 0 && --r->times > 0) {
        hp_timer_arm(r->world, &r->timer, now + r->again);
    }
}

static void drain(rig *r, unsigned i)
{
    char byte;
    assert_int_equal(read(r->pipes[i][0], &byte, 1), 1);
}

static void on_first(void *user, uint32_t events)
{
    assert_int_equal(events, EPOLLIN);
    drain(user, 0);
    note(user, 'a');
}

static void on_second(void *user, uint32_t events)
{
    drain(user, 1);
    note(user, 'b');
}

static void on_end(void *user)
{
    note(user, '.');
}

static rig *rig_new(const hp_loop_options *options)
{
    rig *r = g_new0(rig, 1);
    r->world = hp_world_new(1, NULL);
    r->clock = hp_live_clock_new(NULL);
    r->loop = hp_loop_new(r->world, r->clock, options, NULL);
    assert_non_null(r->loop);
    hp_timer_init(&r->timer, HP_TIMER_ACTOR, hp_world_new_element(r->world), on_timer, r);
    for (unsigned i = 0; i < PIPES; i++) {
        assert_int_equal(pipe(r->pipes[i]), 0);
    }
    return r;
}

static void rig_free(rig *r)
{
    hp_timer_cancel(r->world, &r->timer);
    hp_loop_free(r->loop);
    hp_world_free(r->world);
    hp_live_clock_free(r->clock);
    for (unsigned i = 0; i < PIPES; i++) {
        close(r->pipes[i][0]);
        close(r->pipes[i][1]);
    }
    g_free(r);
}

static void poke(const rig *r, unsigned i)
{
    assert_int_equal(write(r->pipes[i][1], "", 1), 1);
}

static void turn(rig *r, hp_time longest)
{
    GError *error = NULL;
    if (!hp_loop_turn(r->loop, longest, &error)) {
        fail_msg("%s", error->message);
    }
}

static void wait_until(const rig *r, hp_time at)
{
    while (hp_live_clock_now(r->clock) < at) {
        usleep(100);
    }
}

static void before_the_beginning(void **state)
{
    rig *r = rig_new(NULL);
    r->watches[0] = hp_loop_add(r->loop, r->pipes[0][0], EPOLLIN, on_first, r);
    assert_false(hp_live_clock_has_begun(r->clock));
    assert_int_equal(hp_live_clock_now(r->clock), 0);
    assert_true(hp_live_clock_monotonic(r->clock, 5) == HP_NEVER);
    hp_timer_arm(r->world, &r->timer, 0);
    poke(r, 0);
    turn(r, HP_MS);
    turn(r, HP_MS);
    assert_string_equal(r->log, "a"); /* descriptors are served, no timer fires */
    assert_int_equal(hp_world_now(r->world), 0);
    hp_live_clock_begin(r->clock);
    turn(r, HP_NEVER);
    assert_string_equal(r->log, "at");
    hp_time instant = hp_live_clock_monotonic(r->clock, 5);
    hp_live_clock_begin(r->clock); /* a second beginning is none */
    assert_true(hp_live_clock_monotonic(r->clock, 5) == instant);
    rig_free(r);
}

/* What a watch sees of the clock while it is called. */
typedef struct look {
    rig *r;
    hp_time world, real;
} look;

static void on_look(void *user, uint32_t events)
{
    look *l = user;
    drain(l->r, 0);
    note(l->r, 'a');
    l->world = hp_world_now(l->r->world);
    l->real = hp_live_clock_now(l->r->clock);
}

static void timers_fire_before_descriptors(void **state)
{
    rig *r = rig_new(NULL);
    look l = {.r = r};
    hp_loop_add(r->loop, r->pipes[0][0], EPOLLIN, on_look, &l);
    hp_loop_at_end(r->loop, on_end, r);
    hp_live_clock_begin(r->clock);
    hp_timer_arm(r->world, &r->timer, HP_MS);
    poke(r, 0);
    wait_until(r, 3 * HP_MS);
    turn(r, HP_NEVER);
    assert_string_equal(r->log, "ta.");
    /* The timer at its own instant, however late; the descriptor in the present. */
    assert_int_equal(r->fired_at, HP_MS);
    assert_true(l.world >= 3 * HP_MS);
    assert_true(l.world <= l.real);
    assert_int_equal(hp_loop_lateness(r->loop)->n, 1);
    assert_true(hp_loop_lateness(r->loop)->max >= 2 * HP_MS);
    rig_free(r);
}

/* Two descriptors, and a timer that becomes due while the first one is served. */
static void on_slow(void *user, uint32_t events)
{
    rig *r = user;
    drain(r, 0);
    note(r, 'a');
    hp_time at = hp_live_clock_now(r->clock) + HP_MS;
    hp_timer_arm(r->world, &r->timer, at);
    wait_until(r, at);
}

static void timers_fire_between_descriptors(void **state)
{
    rig *r = rig_new(NULL);
    hp_loop_add(r->loop, r->pipes[0][0], EPOLLIN, on_slow, r);
    hp_loop_add(r->loop, r->pipes[1][0], EPOLLIN, on_second, r);
    hp_live_clock_begin(r->clock);
    poke(r, 0);
    poke(r, 1);
    turn(r, HP_NEVER);
    assert_string_equal(r->log, "atb");
    rig_free(r);
}

/* Each takes the other away: whoever comes first, the other is not called. */
static void on_either(void *user, uint32_t events)
{
    rig *r = user;
    note(r, 'x');
    hp_loop_remove(r->watches[0]);
    hp_loop_remove(r->watches[1]);
    hp_loop_remove(r->watches[1]); /* twice is once */
}

static void removing_inside_a_callback(void **state)
{
    rig *r = rig_new(NULL);
    for (unsigned i = 0; i < 2; i++) {
        r->watches[i] = hp_loop_add(r->loop, r->pipes[i][0], EPOLLIN, on_either, r);
        poke(r, i);
    }
    turn(r, HP_NEVER);
    assert_string_equal(r->log, "x");
    turn(r, 0); /* both are still readable, and nobody asks */
    assert_string_equal(r->log, "x");
    /* The descriptor can be watched again. */
    r->watches[0] = hp_loop_add(r->loop, r->pipes[0][0], EPOLLIN, on_first, r);
    turn(r, HP_NEVER);
    assert_string_equal(r->log, "xa");
    rig_free(r);
}

static void modifying_a_watch(void **state)
{
    rig *r = rig_new(NULL);
    r->watches[0] = hp_loop_add(r->loop, r->pipes[0][0], 0, on_first, r);
    poke(r, 0);
    turn(r, 0);
    assert_string_equal(r->log, "");
    hp_loop_modify(r->watches[0], EPOLLIN);
    turn(r, 0);
    assert_string_equal(r->log, "a");
    rig_free(r);
}

static void a_file_cannot_be_watched(void **state)
{
    rig *r = rig_new(NULL);
    FILE *file = tmpfile();
    assert_null(hp_loop_add(r->loop, fileno(file), EPOLLIN, on_first, r));
    assert_int_equal(errno, EPERM);
    fclose(file);
    rig_free(r);
}

static void a_turn_has_an_end(void **state)
{
    rig *r = rig_new(NULL);
    hp_live_clock_begin(r->clock);
    hp_time before = hp_live_clock_now(r->clock);
    turn(r, 2 * HP_MS);
    assert_true(hp_live_clock_now(r->clock) >= before + 2 * HP_MS);
    assert_true(hp_world_now(r->world) >= before + 2 * HP_MS);
    /* The timer of an earlier wait does not cut the next one short. */
    hp_timer_arm(r->world, &r->timer, hp_live_clock_now(r->clock) + HP_MS);
    turn(r, HP_NEVER);
    assert_string_equal(r->log, "t");
    hp_timer_arm(r->world, &r->timer, hp_live_clock_now(r->clock) + 5 * HP_MS);
    hp_timer_cancel(r->world, &r->timer);
    before = hp_live_clock_now(r->clock);
    turn(r, 2 * HP_MS);
    assert_true(hp_live_clock_now(r->clock) >= before + 2 * HP_MS);
    rig_free(r);
}

static void the_end_of_a_turn(void **state)
{
    rig *r = rig_new(NULL);
    hp_loop_add(r->loop, r->pipes[0][0], EPOLLIN, on_first, r);
    hp_loop_add(r->loop, r->pipes[1][0], EPOLLIN, on_second, r);
    hp_loop_end *end = hp_loop_at_end(r->loop, on_end, r);
    poke(r, 0);
    turn(r, HP_NEVER);
    poke(r, 1);
    turn(r, HP_NEVER);
    assert_string_equal(r->log, "a.b.");
    hp_loop_at_end_remove(end);
    poke(r, 0);
    turn(r, HP_NEVER);
    assert_string_equal(r->log, "a.b.a");
    rig_free(r);
}

/* All beats and all spinning of a punctual loop change nothing of what happens. */
static void a_punctual_loop_is_the_same(void **state)
{
    hp_loop_options options = hp_loop_options_punctual();
    rig *r = rig_new(&options);
    const hp_loop_report *report = hp_loop_report_get(r->loop);
    assert_true(report->fifo == (strstr(report->refused, "SCHED_FIFO") == NULL));
    assert_true(report->keep_awake == (strstr(report->refused, "dma_latency") == NULL));
    hp_loop_add(r->loop, r->pipes[0][0], EPOLLIN, on_first, r);
    hp_live_clock_begin(r->clock);
    r->times = 30;
    r->again = HP_MS;
    hp_timer_arm(r->world, &r->timer, HP_MS);
    poke(r, 0);
    while (r->times > 0) {
        turn(r, HP_NEVER);
    }
    assert_int_equal(r->fired_at, 30 * HP_MS);
    assert_int_equal(r->n, 31);
    assert_true(hp_loop_lateness(r->loop)->n > 30); /* with the heartbeats */
    if (report->spin > 0) {
        assert_true(report->spun_ns > 0);
        assert_true(report->spun_ns < hp_live_clock_now(r->clock));
    }
    rig_free(r);
}

/* ---- running, and GLib ---- */

static void quit(void *owner, hp_time now)
{
    rig *r = owner;
    note(r, 'q');
    hp_loop_quit(r->loop);
}

static void running_until_quit(void **state)
{
    rig *r = rig_new(NULL);
    hp_loop_quit(r->loop);
    assert_true(hp_loop_run(r->loop, NULL)); /* at once */
    assert_string_equal(r->log, "");
    hp_live_clock_begin(r->clock);
    hp_timer_init(&r->timer, HP_TIMER_ACTOR, 1, quit, r);
    hp_timer_arm(r->world, &r->timer, HP_MS);
    assert_true(hp_loop_run(r->loop, NULL));
    assert_string_equal(r->log, "q");
    rig_free(r);
}

static void feed_itself(void *owner, hp_time now)
{
    rig *r = owner;
    hp_timer_arm(r->world, &r->timer, now);
}

static void a_world_that_cannot_go_on(void **state)
{
    for (unsigned glib = 0; glib < 2; glib++) {
        rig *r = rig_new(NULL);
        g_autoptr(GError) error = NULL;
        hp_live_clock_begin(r->clock);
        hp_timer_init(&r->timer, HP_TIMER_ACTOR, 1, feed_itself, r);
        hp_timer_arm(r->world, &r->timer, HP_MS);
        bool ok = glib ? hp_loop_run_glib(r->loop, NULL, &error) : hp_loop_run(r->loop, &error);
        assert_false(ok);
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_LIMIT));
        rig_free(r);
    }
}

/* A source of another library arms a timer of the world, and nothing else happens: the loop must wake for it. */
static gboolean on_idle(gpointer user)
{
    rig *r = user;
    hp_loop_advance(r->loop);
    note(r, 'g');
    hp_timer_arm(r->world, &r->timer, hp_world_now(r->world) + 5 * HP_MS);
    return G_SOURCE_REMOVE;
}

static void look_at_told(void *user, uint32_t events)
{
    rig *r = user;
    drain(r, 0);
    assert_true(r->told == hp_world_now(r->world)); /* what is told now bears this time */
    assert_in_range(r->told, 1, hp_live_clock_now(r->clock));
    note(r, 'a');
}

static void note_told(void *owner, hp_time now)
{
    rig *r = owner;
    assert_true(r->told <= now); /* late or not: it bears its own instant */
    note(r, 't');
}

static void up_to_when_all_is_told(void **state)
{
    rig *r = rig_new(NULL);
    hp_timer timer;
    hp_timer_init(&timer, HP_TIMER_ACTOR, hp_world_new_element(r->world), note_told, r);
    hp_loop_keep_told(r->loop, &r->told);
    assert_int_equal(r->told, 0);
    turn(r, 0);
    assert_true(r->told == HP_NEVER); /* asleep, and nothing is due */
    assert_non_null(hp_loop_add(r->loop, r->pipes[0][0], EPOLLIN, look_at_told, r));
    hp_timer_arm(r->world, &timer, HP_MS);
    turn(r, 0);
    assert_int_equal(r->told, HP_MS);
    hp_live_clock_begin(r->clock);
    while (hp_live_clock_now(r->clock) < 2 * HP_MS)
        ; /* it is late now */
    poke(r, 0);
    turn(r, PATIENCE);
    assert_string_equal(r->log, "ta");
    assert_true(r->told == HP_NEVER);
    hp_loop_advance(r->loop); /* something came by another way, and is being told */
    assert_true(r->told == hp_world_now(r->world));
    turn(r, 0);
    assert_true(r->told == HP_NEVER);
    rig_free(r);
}

/* In a process of its own, as limits stay. Where it may not, it says so and runs all the same. */
static void ahead_of_ordinary_processes(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        const hp_loop_options options = hp_loop_options_ahead();
        rig *r = rig_new(&options);
        const hp_loop_report *report = hp_loop_report_get(r->loop);
        struct rlimit bursts;
        const bool rr = (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_RR;
        bool good = rr == (strcmp(report->scheduling, "rr") == 0) && rr == (strlen(report->refused) == 0);
        good = good && getrlimit(RLIMIT_RTTIME, &bursts) == 0 &&
               bursts.rlim_cur <= (rlim_t)HP_LOOP_LONGEST_BURST_S * 1000000;
        pid_t grandchild = fork();
        if (grandchild == 0) {
            _exit(sched_getscheduler(0) == SCHED_OTHER && getpriority(PRIO_PROCESS, 0) >= 0 ? 0 : 1);
        }
        int inherited = 1;
        waitpid(grandchild, &inherited, 0);
        _exit(good && inherited == 0 ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void driven_by_glib(void **state)
{
    rig *r = rig_new(NULL);
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(GSource) idle = g_idle_source_new();
    hp_live_clock_begin(r->clock);
    hp_loop_add(r->loop, r->pipes[0][0], EPOLLIN, on_first, r);
    poke(r, 0);
    hp_timer_init(&r->timer, HP_TIMER_ACTOR, 1, quit, r);
    g_source_set_callback(idle, on_idle, r, NULL);
    g_source_attach(idle, context);
    assert_true(hp_loop_run_glib(r->loop, context, NULL));
    assert_string_equal(r->log, "agq");
    rig_free(r);
}

static void ends_run_before_glib_sleeps(void **state)
{
    rig *r = rig_new(NULL);
    g_autoptr(GSource) source = hp_loop_source(r->loop);
    g_autoptr(GMainContext) context = g_main_context_new();
    g_source_attach(source, context);
    hp_loop_at_end(r->loop, on_end, r);
    hp_loop_add(r->loop, r->pipes[0][0], EPOLLIN, on_first, r);
    g_main_context_iteration(context, FALSE); /* nothing is ready, and still what was queued goes */
    assert_string_equal(r->log, ".");
    poke(r, 0);
    g_main_context_iteration(context, TRUE);
    assert_non_null(strstr(r->log, "a."));
    g_source_destroy(source);
    rig_free(r);
}

/* ---- the clock and the histogram ---- */

static void one_clock_for_all_processes(void **state)
{
    hp_live_clock *clock = hp_live_clock_new(NULL);
    int ends[2], back[2];
    hp_time at;
    char byte;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(back), 0);
    pid_t child = fork();
    if (child == 0) {
        bool ok = !hp_live_clock_has_begun(clock) && write(back[1], "", 1) == 1 && read(ends[0], &byte, 1) == 1 &&
                  hp_live_clock_has_begun(clock);
        at = hp_live_clock_monotonic(clock, 0);
        _exit(ok && write(back[1], &at, sizeof at) == sizeof at ? 0 : 1);
    }
    assert_int_equal(read(back[0], &byte, 1), 1); /* it has looked */
    hp_live_clock_begin(clock);
    assert_int_equal(write(ends[1], "", 1), 1);
    assert_int_equal(read(back[0], &at, sizeof at), sizeof at);
    assert_true(at == hp_live_clock_monotonic(clock, 0));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (unsigned i = 0; i < 2; i++) {
        close(ends[i]);
        close(back[i]);
    }
    hp_live_clock_free(clock);
}

static void the_histogram(void **state)
{
    g_autofree hp_lateness *l = g_new0(hp_lateness, 1);
    assert_int_equal(hp_lateness_percentile(l, 500), 0);
    for (hp_time i = 1; i <= 1000; i++) {
        hp_lateness_add(l, i * HP_US);
    }
    assert_int_equal(l->n, 1000);
    assert_int_equal(l->max, HP_MS);
    assert_in_range(hp_lateness_percentile(l, 500), 500 * HP_US, 535 * HP_US);
    assert_in_range(hp_lateness_percentile(l, 990), 990 * HP_US, HP_MS);
    assert_int_equal(hp_lateness_percentile(l, 1000), HP_MS);
    assert_in_range(hp_lateness_percentile(l, 900), 900 * HP_US, 963 * HP_US);

    g_autofree hp_lateness *small = g_new0(hp_lateness, 1);
    for (hp_time i = 0; i < 40; i++) {
        hp_lateness_add(small, i);
    }
    assert_in_range(hp_lateness_percentile(small, 500), 19, 21);
    hp_lateness_add(small, HP_NEVER - 1); /* past the last bucket */
    assert_true(hp_lateness_percentile(small, 1000) == HP_NEVER - 1);
    for (hp_time i = 0; i < 40; i++) {
        hp_lateness_add(l, i);
    }
    hp_lateness_add(l, HP_NEVER - 1);
    assert_int_equal(l->n, 1041);
    assert_true(l->max == HP_NEVER - 1);
    assert_in_range(hp_lateness_percentile(l, 500), 460 * HP_US, 510 * HP_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_beginning),
        cmocka_unit_test(timers_fire_before_descriptors),
        cmocka_unit_test(timers_fire_between_descriptors),
        cmocka_unit_test(removing_inside_a_callback),
        cmocka_unit_test(modifying_a_watch),
        cmocka_unit_test(a_file_cannot_be_watched),
        cmocka_unit_test(a_turn_has_an_end),
        cmocka_unit_test(the_end_of_a_turn),
        cmocka_unit_test(a_punctual_loop_is_the_same),
        cmocka_unit_test(running_until_quit),
        cmocka_unit_test(a_world_that_cannot_go_on),
        cmocka_unit_test(up_to_when_all_is_told),
        cmocka_unit_test(ahead_of_ordinary_processes),
        cmocka_unit_test(driven_by_glib),
        cmocka_unit_test(ends_run_before_glib_sleeps),
        cmocka_unit_test(one_clock_for_all_processes),
        cmocka_unit_test(the_histogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
