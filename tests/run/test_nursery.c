/* Nurseries: what children begin with, how their ends are told, and that nobody is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "run/nursery.h"

/* What the children of these tests are told to do: the number they are given, or one of these. */
enum { TELL_COUNT = 1000, ABORT, WAIT, TELL_PARENT, TELL_BLOCKED };

typedef struct world {
    int count; /* changed by caller and children, each in memory of its own */
    pid_t *parent; /* shared */
    int held; /* a pipe's end that a child keeps open */
} world;

static void child(void *user, unsigned number)
{
    world *w = user;
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    switch (number) {
    case TELL_COUNT:
        _exit(w->count++);
    case ABORT:
        signal(SIGABRT, SIG_DFL);
        abort();
    case WAIT:
        for (;;)
            pause();
    case TELL_PARENT:
        *w->parent = getppid();
        _exit(0);
    case TELL_BLOCKED: {
        sigset_t now;
        sigprocmask(SIG_SETMASK, NULL, &now);
        _exit(sigismember(&now, SIGINT) + 2 * sigismember(&now, SIGTERM) + 4 * sigismember(&now, SIGUSR1));
    }
    default:
        _exit((int)number);
    }
}

static hp_nursery *make(world *w)
{
    GError *error = NULL;
    hp_nursery *nursery = hp_nursery_new(child, w, &error);
    assert_null(error);
    assert_non_null(nursery);
    return nursery;
}

static hp_nursery_end run(hp_nursery *nursery, unsigned number)
{
    hp_nursery_end end = {0};
    assert_true(hp_nursery_begin(nursery, number, NULL));
    assert_true(hp_nursery_is_busy(nursery));
    assert_true(hp_nursery_take(nursery, &end, NULL));
    assert_false(hp_nursery_is_busy(nursery));
    return end;
}

static void the_end_is_told(void **state)
{
    world w = {0};
    g_autoptr(hp_nursery) nursery = make(&w);
    for (unsigned number = 0; number < 256; number += 51) {
        hp_nursery_end end = run(nursery, number);
        assert_false(end.by_signal);
        assert_int_equal(end.value, number);
    }
    hp_nursery_end end = run(nursery, ABORT);
    assert_true(end.by_signal);
    assert_int_equal(end.value, SIGABRT);
    end = run(nursery, 3); /* a death is that child's alone */
    assert_false(end.by_signal);
    assert_int_equal(end.value, 3);
}

static void every_child_begins_with_the_same_memory(void **state)
{
    world w = {.count = 7};
    g_autoptr(hp_nursery) nursery = make(&w);
    for (unsigned i = 0; i < 4; i++) {
        w.count = 100 + (int)i; /* the caller's own from now on */
        assert_int_equal(run(nursery, TELL_COUNT).value, 7); /* nor does it see what the child before wrote */
    }
}

static void a_child_can_be_killed(void **state)
{
    world w = {0};
    g_autoptr(hp_nursery) nursery = make(&w);
    assert_false(hp_nursery_kill(nursery)); /* there is none */
    for (unsigned i = 0; i < 3; i++) {
        assert_true(hp_nursery_begin(nursery, WAIT, NULL));
        while (!hp_nursery_kill(nursery))
            ;
        struct pollfd gone = {.fd = hp_nursery_fd(nursery), .events = POLLIN};
        assert_int_equal(poll(&gone, 1, -1), 1);
        hp_nursery_end end = {0};
        assert_true(hp_nursery_take(nursery, &end, NULL));
        assert_true(end.by_signal);
        assert_int_equal(end.value, SIGKILL);
        assert_false(hp_nursery_kill(nursery)); /* taken */
        assert_int_equal(run(nursery, 5).value, 5);
        assert_false(hp_nursery_kill(nursery));
    }
}

/* The last holder of the pipe's writing end is the child, or nobody. */
static void a_child_does_not_outlive_its_nursery(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    world w = {.held = ends[1]};
    hp_nursery *nursery = make(&w);
    close(ends[1]);
    assert_true(hp_nursery_begin(nursery, WAIT, NULL));
    struct pollfd fd = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 0), 0); /* held open */
    hp_nursery_free(nursery);
    assert_int_equal(poll(&fd, 1, -1), 1);
    assert_int_equal(fd.revents & (POLLIN | POLLHUP), POLLHUP);
    close(ends[0]);
}

static void a_nursery_that_is_gone_is_an_error(void **state)
{
    pid_t *parent = mmap(NULL, sizeof *parent, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(parent != MAP_FAILED);
    world w = {.parent = parent};
    g_autoptr(hp_nursery) nursery = make(&w);
    assert_int_equal(run(nursery, TELL_PARENT).value, 0);
    assert_true(*parent > 0 && *parent != getpid());
    assert_int_equal(kill(*parent, SIGKILL), 0);
    assert_true(hp_nursery_begin(nursery, 1, NULL)); /* nobody reads it, and nobody dies of that */
    g_autoptr(GError) error = NULL;
    hp_nursery_end end = {true, -1};
    assert_false(hp_nursery_take(nursery, &end, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_ENVIRONMENT));
    assert_string_equal(error->message, "the process that starts runs is gone");
    assert_true(end.by_signal);
    assert_int_equal(end.value, -1);
    munmap(parent, sizeof *parent);
}

/* A caller that holds back what would end it, or waits for nobody, has children like any other. */
static void signals_of_the_caller_are_its_own(void **state)
{
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGUSR1);
    sigprocmask(SIG_BLOCK, &ends, &before);
    world w = {0};
    hp_nursery *nursery = make(&w);
    assert_int_equal(run(nursery, TELL_BLOCKED).value, 4); /* nobody's business but the caller's */
    hp_nursery_free(nursery);
    sigprocmask(SIG_SETMASK, &before, NULL);

    signal(SIGCHLD, SIG_IGN);
    nursery = make(&w);
    hp_nursery_end end = run(nursery, 6);
    assert_false(end.by_signal);
    assert_int_equal(end.value, 6);
    hp_nursery_free(nursery);
    signal(SIGCHLD, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_is_told),
        cmocka_unit_test(every_child_begins_with_the_same_memory),
        cmocka_unit_test(a_child_can_be_killed),
        cmocka_unit_test(a_child_does_not_outlive_its_nursery),
        cmocka_unit_test(a_nursery_that_is_gone_is_an_error),
        cmocka_unit_test(signals_of_the_caller_are_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
