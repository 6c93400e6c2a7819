/* The heap before and after fork(): where memory comes from once it is settled. With a heap that is not glibc's there is
 * nothing to settle, and nothing to hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/heap.h"

enum { N = 2000, HUGE_PAGE = 2 * 1024 * 1024 };

static const size_t sizes[] = {24, 40, 100, 500, 1000, 3000, 9000, 30000};

/* Memory of all sizes, every other piece of it given back; filled with its number. */
typedef struct mottled {
    uint8_t *pieces[N];
    uintptr_t top; /* no piece ends higher */
} mottled;

static size_t size_of(unsigned i)
{
    return sizes[i % G_N_ELEMENTS(sizes)];
}

static mottled *mottled_new(void)
{
    mottled *m = g_new0(mottled, 1);
    for (unsigned i = 0; i < N; i++) {
        m->pieces[i] = malloc(size_of(i));
        memset(m->pieces[i], (int)(i % 251), size_of(i));
        m->top = MAX(m->top, (uintptr_t)m->pieces[i] + size_of(i));
    }
    for (unsigned i = 0; i < N; i += 2 + i / 8 % 2) {
        free(m->pieces[i]);
        m->pieces[i] = NULL;
    }
    return m;
}

/* Whether nobody wrote to what was kept. */
static bool is_whole(const mottled *m)
{
    for (unsigned i = 0; i < N; i++)
        for (size_t at = 0; m->pieces[i] && at < size_of(i); at++)
            if (m->pieces[i][at] != i % 251)
                return false;
    return true;
}

static void mottled_free(mottled *m)
{
    for (unsigned i = 0; i < N; i++)
        free(m->pieces[i]);
    g_free(m);
}

/* How many of new pieces of all sizes begin below `limit`. */
static unsigned n_below(uintptr_t limit)
{
    void *fresh[G_N_ELEMENTS(sizes) * 20];
    unsigned n = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(fresh); i++) {
        fresh[i] = malloc(size_of(i));
        memset(fresh[i], 0xff, size_of(i));
        n += (uintptr_t)fresh[i] < limit;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(fresh); i++)
        free(fresh[i]);
    return n;
}

static void no_hole_is_used_while_the_heap_is_settled(void **state)
{
    mottled *m = mottled_new();
    hp_heap_hold *hold = hp_heap_settle();
    if (!hold) {
        mottled_free(m);
        skip();
    }
    assert_int_equal(n_below(m->top), 0);
    assert_true(is_whole(m));
    hp_heap_release(hold);
    assert_true(n_below(m->top) > 0);
    assert_true(is_whole(m));
    mottled_free(m);
}

static void a_heap_can_be_settled_again(void **state)
{
    for (unsigned i = 0; i < 5; i++) {
        mottled *m = mottled_new();
        g_autoptr(hp_heap_hold) hold = hp_heap_settle();
        assert_int_equal(hold ? n_below(m->top) : 0, 0);
        assert_true(is_whole(m));
        mottled_free(m);
    }
    hp_heap_release(NULL);
}

static void a_child_has_pages_of_its_own(void **state)
{
    hp_heap_reserve();
    mottled *m = mottled_new();
    g_autoptr(hp_heap_hold) hold = hp_heap_settle();
    void *of_caller = malloc(100);
    const uintptr_t next = ((uintptr_t)of_caller + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    const pid_t pid = fork();
    if (pid == 0) {
        hp_heap_begin_child();
        _exit(hold && n_below(next) > 0 ? 1 : is_whole(m) ? 0 : 2);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(is_whole(m));
    free(of_caller);
    mottled_free(m);
}

static void memory_kept_before_a_reservation_is_kept(void **state)
{
    mottled *m = mottled_new();
    hp_heap_reserve();
    hp_heap_reserve();
    assert_true(is_whole(m));
    char *large = malloc(40 * HUGE_PAGE); /* more than half of what is reserved */
    memset(large, 1, 40 * HUGE_PAGE);
    assert_true(is_whole(m));
    free(large);
    mottled_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_hole_is_used_while_the_heap_is_settled),
        cmocka_unit_test(a_heap_can_be_settled_again),
        cmocka_unit_test(a_child_has_pages_of_its_own),
        cmocka_unit_test(memory_kept_before_a_reservation_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
