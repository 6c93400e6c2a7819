/* Symbols, clocks and randomness: ours inside an environment, untouched outside. */
#include "two_hosts.h"

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "seam/symbols.h"

static void test_start_finds_all_symbols(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    assert_true(hp_seam_start(&path, &error));
    assert_null(error);
    assert_non_null(strstr(path, "libnice"));
    assert_true(hp_seam_start(NULL, &error)); /* again is harmless */
    assert_true(HP_NEXT(clock_gettime) != clock_gettime);
}

static unsigned count_threads(void)
{
    g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
    unsigned n = 0;
    while (g_dir_read_name(tasks)) {
        n++;
    }
    return n;
}

/* Runs first: a caller forks after the start, and must not do so with another thread about. */
static void test_start_starts_no_thread(void **state)
{
    unsigned before = count_threads();
    assert_true(hp_seam_start(NULL, NULL));
    assert_int_equal(count_threads(), before);
}

static void test_clocks_show_virtual_time(void **state)
{
    two_hosts *t = two_hosts_new(1);
    struct timespec ts;
    struct timeval tv;
    two_hosts_run(t, 1500 * HP_MS + 7);
    hp_seam_enter(t->env[0]);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
    assert_int_equal(ts.tv_sec, 3601);
    assert_int_equal(ts.tv_nsec, 500000007);
    assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &ts), 0);
    assert_int_equal(ts.tv_sec, 3601);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts), 0);
    assert_int_equal(ts.tv_sec, 1704067201);
    assert_int_equal(ts.tv_nsec, 500000007);
    assert_int_equal(gettimeofday(&tv, NULL), 0);
    assert_int_equal(tv.tv_sec, 1704067201);
    assert_int_equal(tv.tv_usec, 500000);
    time_t seconds;
    assert_int_equal(time(&seconds), 1704067201);
    assert_int_equal(seconds, 1704067201);
    assert_int_equal(g_get_monotonic_time(), 3601500000);
    assert_int_equal(g_get_real_time(), 1704067201500000);
    hp_seam_leave(t->env[0]);
    two_hosts_free(t);
}

/* GLib's own reading, which no symbol of GLib's name can redirect: through clock_gettime(). */
static gboolean note_source_time(gpointer user)
{
    *(gint64 *)user = g_source_get_time(g_main_current_source());
    return G_SOURCE_REMOVE;
}

static void test_glib_itself_sees_virtual_time(void **state)
{
    two_hosts *t = two_hosts_new(1);
    two_hosts_run(t, 250 * HP_MS);
    gint64 seen = 0;
    hp_time next;
    g_autoptr(GSource) idle = g_idle_source_new();
    g_source_set_callback(idle, note_source_time, &seen, NULL);
    g_source_attach(idle, hp_seam_env_context(t->env[0]));
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(seen, 3600250000);
    two_hosts_free(t);
}

static void test_clocks_pass_through_outside(void **state)
{
    two_hosts *t = two_hosts_new(1);
    struct timespec ours, next;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &ours), 0);
    assert_int_equal(HP_NEXT(clock_gettime)(CLOCK_REALTIME, &next), 0);
    assert_true(next.tv_sec - ours.tv_sec <= 60);
    assert_true(time(NULL) > (time_t)HP_EPOCH_S);
    /* CPU time is real inside, too */
    hp_seam_enter(t->env[0]);
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ours), 0);
    assert_true(ours.tv_sec < 3600);
    hp_seam_leave(t->env[0]);
    two_hosts_free(t);
}

static void test_environments_nest(void **state)
{
    two_hosts *t = two_hosts_new(1), *other = two_hosts_new(1);
    two_hosts_run(t, HP_S);
    two_hosts_run(other, 2 * HP_S);
    hp_seam_enter(t->env[0]);
    hp_seam_enter(other->env[0]);
    hp_seam_enter(t->env[0]);
    assert_int_equal(g_get_monotonic_time(), 3601000000);
    hp_seam_leave(t->env[0]);
    assert_int_equal(g_get_monotonic_time(), 3602000000);
    hp_seam_leave(other->env[0]);
    assert_int_equal(g_get_monotonic_time(), 3601000000);
    hp_seam_leave(t->env[0]);
    two_hosts_free(t);
    two_hosts_free(other);
}

typedef struct draws {
    gint32 ranges[64];
    gdouble fraction;
    uint8_t nonce[16];
} draws;

static draws draw(hp_seam_env *env)
{
    draws d = {0};
    hp_seam_enter(env);
    for (unsigned i = 0; i < G_N_ELEMENTS(d.ranges); i++) {
        d.ranges[i] = g_random_int_range(-5, 11);
        assert_in_range(d.ranges[i] + 5, 0, 15);
    }
    g_random_set_seed(1); /* ignored */
    d.fraction = g_random_double();
    assert_int_equal(gnutls_rnd(0, d.nonce, sizeof d.nonce), 0);
    assert_int_equal(g_random_int_range(3, 3), 3);
    assert_int_equal(g_random_int_range(G_MININT32, G_MININT32 + 1), G_MININT32);
    hp_seam_leave(env);
    assert_true(d.fraction >= 0 && d.fraction < 1);
    return d;
}

static void test_randomness_is_seeded(void **state)
{
    two_hosts *t = two_hosts_new(1), *same = two_hosts_new(1), *other = two_hosts_new(2);
    draws first = draw(t->env[0]), again = draw(same->env[0]), neighbour = draw(t->env[1]);
    draws reseeded = draw(other->env[0]);
    assert_memory_equal(&first, &again, sizeof first);
    assert_memory_not_equal(&first, &neighbour, sizeof first);
    assert_memory_not_equal(&first, &reseeded, sizeof first);
    two_hosts_free(t);
    two_hosts_free(same);
    two_hosts_free(other);
}

static void test_randomness_passes_through_outside(void **state)
{
    uint8_t one[32] = {0}, two[32] = {0};
    assert_int_equal(gnutls_rnd(0, one, sizeof one), 0);
    assert_int_equal(gnutls_rnd(0, two, sizeof two), 0);
    assert_memory_not_equal(one, two, sizeof one);
    g_random_set_seed(42);
    gint32 drawn = g_random_int_range(0, G_MAXINT32);
    g_random_set_seed(42);
    assert_int_equal(g_random_int_range(0, G_MAXINT32), drawn);
    assert_true(g_random_double() < 1);
}

static void test_guard(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned before = hp_seam_kernel_sockets();
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(hp_seam_kernel_sockets(), before);

    fd = eventfd(0, EFD_CLOEXEC);
    assert_true(fd >= 0 && fd < 1 << 20);
    close(fd);

    hp_seam_enter(t->env[0]);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(hp_seam_kernel_sockets(), before + 1);

    /* no descriptor at all: every GMainContext would take one */
    assert_int_equal(eventfd(0, 0), 0x7fff0000);
    assert_int_equal(write(eventfd(0, 0), "12345678", 8), -1);

    struct addrinfo *found = NULL;
    assert_int_equal(getaddrinfo("localhost", NULL, NULL, &found), EAI_NONAME);
    assert_int_equal(getaddrinfo("192.0.2.1", "3478", NULL, &found), 0);
    freeaddrinfo(found);
    hp_seam_leave(t->env[0]);
    two_hosts_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_starts_no_thread),
        cmocka_unit_test(test_start_finds_all_symbols),
        cmocka_unit_test(test_clocks_show_virtual_time),
        cmocka_unit_test(test_glib_itself_sees_virtual_time),
        cmocka_unit_test(test_clocks_pass_through_outside),
        cmocka_unit_test(test_environments_nest),
        cmocka_unit_test(test_randomness_is_seeded),
        cmocka_unit_test(test_randomness_passes_through_outside),
        cmocka_unit_test(test_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
