/* The environment: its context's turns and deadlines, waking, draining, the log, the interfaces. */
#include "two_hosts.h"

#include <gio/gio.h>
#include <nice/interfaces.h>

#include "base/error.h"

static gboolean count_once(gpointer user)
{
    ++*(unsigned *)user;
    return G_SOURCE_REMOVE;
}

static gboolean count_always(gpointer user)
{
    ++*(unsigned *)user;
    return G_SOURCE_CONTINUE;
}

static GSource *add_timeout(hp_seam_env *env, guint ms, GSourceFunc callback, unsigned *count)
{
    hp_seam_enter(env); /* a timeout reads the clock where it is made */
    GSource *source = g_timeout_source_new(ms);
    g_source_set_callback(source, callback, count, NULL);
    g_source_attach(source, hp_seam_env_context(env));
    hp_seam_leave(env);
    return source;
}

static void test_deadlines(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned count = 0;
    hp_time next = 1;
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(next, HP_NEVER);

    g_autoptr(GSource) source = add_timeout(t->env[0], 25, count_once, &count);
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(next, 25 * HP_MS);
    two_hosts_run(t, 24 * HP_MS + 1);
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(count, 0);
    assert_int_equal(next, 25 * HP_MS); /* what was answered stands until something changes */
    two_hosts_run(t, next);
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(count, 1);
    assert_int_equal(next, HP_NEVER);
    two_hosts_free(t);
}

/* At rest, a context is not asked again; whatever could make it ready earlier than it said wakes it. */
static void test_what_ends_a_rest(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned late = 0, early = 0, reset = 0;
    hp_time next;
    g_autoptr(GSource) a = add_timeout(t->env[0], 1000, count_once, &late);
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(next, HP_S);
    g_autoptr(GSource) b = add_timeout(t->env[0], 50, count_once, &early);
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(next, 50 * HP_MS);
    two_hosts_run(t, next);
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(early, 1);
    assert_int_equal(next, HP_S);

    g_autoptr(GSource) c = add_timeout(t->env[0], 5000, count_once, &reset);
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    hp_seam_enter(t->env[0]);
    g_source_set_ready_time(c, 0);
    hp_seam_leave(t->env[0]);
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(reset, 1);
    two_hosts_run(t, HP_S);
    assert_true(hp_seam_run(t->env[0], 10, &next, NULL));
    assert_int_equal(late, 1);
    assert_int_equal(next, HP_NEVER);
    two_hosts_free(t);
}

/* A fraction of a millisecond is rounded up, so no turn is wasted at one instant. */
static void test_no_busy_loop_before_a_deadline(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned count = 0;
    hp_time next;
    g_autoptr(GSource) source = g_timeout_source_new(1000);
    g_source_set_callback(source, count_once, &count, NULL);
    g_source_attach(source, hp_seam_env_context(t->env[0]));
    g_source_set_ready_time(source, 3600000400); /* 0.4 ms of run time */
    assert_true(hp_seam_run(t->env[0], 2, &next, NULL));
    assert_int_equal(next, HP_MS);
    two_hosts_run(t, next);
    assert_true(hp_seam_run(t->env[0], 2, &next, NULL));
    assert_int_equal(count, 1);
    two_hosts_free(t);
}

static void test_second_timers_are_not_shifted(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned count = 0;
    hp_time next;
    hp_seam_enter(t->env[0]);
    g_autoptr(GSource) source = g_timeout_source_new_seconds(5);
    hp_seam_leave(t->env[0]);
    g_source_set_callback(source, count_once, &count, NULL);
    g_source_attach(source, hp_seam_env_context(t->env[0]));
    assert_true(hp_seam_run(t->env[0], 2, &next, NULL));
    assert_int_equal(next, 5 * HP_S);
    two_hosts_free(t);
}

/* A hundred turns at one instant, then time passes a little. */
static void test_a_busy_context_takes_time(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned count = 0;
    hp_time next;
    g_autoptr(GSource) source = g_idle_source_new();
    g_source_set_callback(source, count_always, &count, NULL);
    g_source_attach(source, hp_seam_env_context(t->env[0]));
    assert_true(hp_seam_run(t->env[0], 1000, &next, NULL));
    assert_int_equal(next, HP_US);
    assert_int_equal(count, HP_SEAM_BUSY_TURNS);
    g_source_destroy(source);
    assert_true(hp_seam_run(t->env[0], 1000, &next, NULL));
    assert_int_equal(next, HP_NEVER);
    two_hosts_free(t);
}

static void test_endless_loop_is_an_error(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned count = 0;
    hp_time next = 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(GSource) source = g_idle_source_new();
    g_source_set_callback(source, count_always, &count, NULL);
    g_source_attach(source, hp_seam_env_context(t->env[0]));
    for (unsigned i = 1; i <= 2; i++) {
        assert_true(hp_seam_run(t->env[0], 250, &next, NULL));
        assert_int_equal(next, i * HP_US);
        two_hosts_run(t, next);
    }
    assert_false(hp_seam_run(t->env[0], 250, &next, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_LIMIT));
    assert_int_equal(count, 250);
    assert_int_equal(next, 2 * HP_US);
    two_hosts_free(t);
}

static bool counted_three(void *user)
{
    return *(unsigned *)user >= 3;
}

static void test_drain_runs_ahead(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned count = 0;
    g_autoptr(GSource) source = add_timeout(t->env[0], 1000, count_always, &count);
    hp_seam_drain(t->env[0], counted_three, &count);
    assert_int_equal(count, 3);
    assert_int_equal(hp_world_now(t->world), 0);
    hp_seam_enter(t->env[0]);
    assert_int_equal(g_get_monotonic_time(), 3603000000);
    hp_seam_leave(t->env[0]);
    g_source_destroy(source);
    hp_seam_drain(t->env[0], counted_three, &(unsigned){0}); /* nothing to wait for */
    two_hosts_free(t);
}

typedef struct log_line {
    char *domain, *level, *message;
    unsigned n;
} log_line;

static void take_log(void *user, const char *domain, const char *level, const char *message)
{
    log_line *line = user;
    g_free(line->domain);
    g_free(line->level);
    g_free(line->message);
    *line = (log_line){g_strdup(domain), g_strdup(level), g_strdup(message), line->n + 1};
}

static void test_log_goes_to_the_sink(void **state)
{
    two_hosts *t = two_hosts_new(1);
    log_line line = {0};
    hp_seam_env_set_log(t->env[0], take_log, &line);
    hp_seam_enter(t->env[0]);
    g_log("libnice", G_LOG_LEVEL_WARNING, "Agent %p : stream 0x12 has 0x55d0c0ffee00, 0xBEEF01", (void *)t);
    assert_string_equal(line.domain, "libnice");
    assert_string_equal(line.level, "warning");
    assert_string_equal(line.message, "Agent 0x* : stream 0x12 has 0x*, 0x*");
    g_log(NULL, G_LOG_LEVEL_CRITICAL, "assertion 'x' failed");
    assert_string_equal(line.domain, "");
    assert_string_equal(line.level, "critical");
    assert_int_equal(line.n, 2);
    g_log("libnice", G_LOG_LEVEL_DEBUG, "not for the sink");
    assert_int_equal(line.n, 2);
    hp_seam_env_set_log(t->env[0], NULL, NULL);
    g_log("libnice", G_LOG_LEVEL_WARNING, "swallowed");
    hp_seam_leave(t->env[0]);
    take_log(&line, NULL, NULL, NULL);
    two_hosts_free(t);
}

static char *local_ips(hp_seam_env *env, bool loopback)
{
    hp_seam_enter(env);
    GList *list = nice_interfaces_get_local_ips(loopback);
    hp_seam_leave(env);
    GString *joined = g_string_new(NULL);
    for (GList *l = list; l; l = l->next) {
        g_string_append_printf(joined, "%s%s", joined->len ? " " : "", (const char *)l->data);
    }
    g_list_free_full(list, g_free);
    return g_string_free(joined, FALSE);
}

static void assert_local_ips(hp_seam_env *env, bool loopback, const char *expected)
{
    g_autofree char *ips = local_ips(env, loopback);
    assert_string_equal(ips, expected);
}

static void test_interfaces(void **state)
{
    two_hosts *t = two_hosts_new(1);
    hp_addr loopback = hp_addr_v4(0x7f000001, 0), second = hp_addr_v4(0x0a010001, 0);
    unsigned lo = hp_host_add_interface(t->host[0], "lo", 0), wifi = hp_host_add_interface(t->host[0], "wifi", 0);
    hp_host_add_address(t->host[0], lo, &loopback);
    hp_host_add_address(t->host[0], wifi, &second);
    assert_local_ips(t->env[0], false, "10.0.0.1 fd00::1 10.1.0.1");
    assert_local_ips(t->env[0], true, "10.0.0.1 fd00::1 10.1.0.1 127.0.0.1");

    NiceAddress addr;
    nice_address_init(&addr);
    assert_true(nice_address_set_from_string(&addr, "10.1.0.1"));
    hp_seam_enter(t->env[0]);
    assert_int_equal(nice_interfaces_get_if_index_by_addr(&addr), wifi + 1);
    nice_address_set_from_string(&addr, "10.9.9.9");
    assert_int_equal(nice_interfaces_get_if_index_by_addr(&addr), 0);
    hp_seam_leave(t->env[0]);

    hp_host_set_interface_up(t->host[0], 0, false);
    assert_local_ips(t->env[0], false, "10.1.0.1");
    two_hosts_free(t);
}

static int start(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_what_ends_a_rest),
        cmocka_unit_test(test_no_busy_loop_before_a_deadline),
        cmocka_unit_test(test_second_timers_are_not_shifted),
        cmocka_unit_test(test_a_busy_context_takes_time),
        cmocka_unit_test(test_endless_loop_is_an_error),
        cmocka_unit_test(test_drain_runs_ahead),
        cmocka_unit_test(test_log_goes_to_the_sink),
        cmocka_unit_test(test_interfaces),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
