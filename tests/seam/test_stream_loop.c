/* Simulated TCP sockets in a main loop: when their sources are ready, and what wakes their environment. */
#include "stream_rig.h"

typedef struct watcher {
    hp_seam_env *env;
    GSocket *socket;
    GSource *source;
    unsigned n_calls;
    GIOCondition last;
    bool reads, removes;
} watcher;

static gboolean on_ready(GSocket *socket, GIOCondition condition, gpointer user)
{
    watcher *w = user;
    char buffer[4];
    w->n_calls++;
    w->last = condition;
    if (w->reads) {
        read_bytes(socket, buffer, sizeof buffer, NULL);
    }
    return w->removes ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void watch(watcher *w, hp_seam_env *env, GSocket *socket, GIOCondition condition)
{
    w->env = env;
    w->socket = socket;
    hp_seam_enter(env);
    w->source = g_socket_create_source(socket, condition, NULL);
    g_source_set_callback(w->source, (GSourceFunc)G_CALLBACK(on_ready), w, NULL);
    g_source_attach(w->source, hp_seam_env_context(env));
    hp_seam_leave(env);
}

static void unwatch(watcher *w)
{
    g_source_destroy(w->source);
    g_source_unref(w->source);
}

static unsigned n_woken;

static void on_wake(void *user)
{
    n_woken++;
}

static void run_env(hp_seam_env *env)
{
    hp_time next;
    assert_true(hp_seam_run(env, 1000, &next, NULL));
    assert_true(next == HP_NEVER);
}

static void test_sources_are_levels(void **state)
{
    connected_pair p = pair_new();
    watcher w = {.reads = true};
    watch(&w, p.t->env[1], p.b, G_IO_IN);
    hp_seam_set_wake(p.t->env[1], on_wake, NULL);
    run_env(p.t->env[1]);
    assert_int_equal(w.n_calls, 0);
    n_woken = 0;
    assert_int_equal(write_text(p.a, "ten bytes!", NULL), 10);
    two_hosts_run(p.t, 45 * HP_MS);
    assert_int_equal(n_woken, 1);
    run_env(p.t->env[1]);
    assert_int_equal(w.n_calls, 3); /* of 4, 4 and 2 bytes */
    assert_int_equal(w.last, G_IO_IN);
    run_env(p.t->env[1]);
    assert_int_equal(w.n_calls, 3);

    /* The end is a level that no read removes; HUP comes though nobody asked for it. */
    w.removes = true;
    assert_true(g_socket_shutdown(p.b, FALSE, TRUE, NULL));
    assert_true(g_socket_close(p.a, NULL));
    two_hosts_run(p.t, 100 * HP_MS);
    run_env(p.t->env[1]);
    assert_int_equal(w.n_calls, 4);
    assert_int_equal(w.last, G_IO_IN | G_IO_HUP);
    unwatch(&w);
    pair_free(&p);
}

static void test_out_when_connected_and_with_room(void **state)
{
    two_hosts *t = two_hosts_new(1);
    hp_tcp_config config = *hp_tcp_get_config(t->host[0]);
    config.fixed_send_buffer = true;
    hp_tcp_set_config(t->host[0], &config);
    GSocket *listener = open_listener(t->env[1], "10.0.0.2", 80), *a = begin_connect(t->env[0], "10.0.0.2", 80);
    watcher w = {.removes = true};
    watch(&w, t->env[0], a, G_IO_OUT);
    run_env(t->env[0]);
    two_hosts_run(t, 20 * HP_MS);
    run_env(t->env[0]);
    assert_int_equal(w.n_calls, 1);
    assert_int_equal(w.last, G_IO_OUT);
    unwatch(&w);

    g_autofree char *much = g_strnfill(16 << 20, 'x');
    GOutputVector vector = {much, 16 << 20};
    assert_true(g_socket_send_message(a, NULL, &vector, 1, NULL, 0, 0, NULL, NULL) < 16 << 20);
    watcher again = {.removes = true};
    watch(&again, t->env[0], a, G_IO_OUT);
    run_env(t->env[0]);
    assert_int_equal(again.n_calls, 0);
    hp_seam_set_wake(t->env[0], on_wake, NULL);
    n_woken = 0;
    two_hosts_run(t, 45 * HP_MS); /* the first acknowledgements make too little room to speak of */
    assert_int_equal(n_woken, 0);
    assert_int_equal(g_socket_condition_check(a, G_IO_OUT), 0);
    two_hosts_run(t, 1 * HP_S);
    assert_int_equal(n_woken, 1);
    run_env(t->env[0]);
    assert_int_equal(again.n_calls, 1);
    unwatch(&again);
    close_socket(a);
    close_socket(listener);
    two_hosts_free(t);
}

static void test_refusal_wakes_a_reader(void **state)
{
    two_hosts *t = two_hosts_new(1);
    GSocket *a = begin_connect(t->env[0], "10.0.0.2", 81);
    watcher w = {.removes = true};
    watch(&w, t->env[0], a, G_IO_IN);
    run_env(t->env[0]);
    two_hosts_run(t, 20 * HP_MS);
    run_env(t->env[0]);
    assert_int_equal(w.n_calls, 1);
    assert_int_equal(w.last, G_IO_IN | G_IO_HUP | G_IO_ERR);
    unwatch(&w);
    close_socket(a);
    two_hosts_free(t);
}

int main(void)
{
    if (!hp_seam_start(NULL, NULL)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sources_are_levels),
        cmocka_unit_test(test_out_when_connected_and_with_room),
        cmocka_unit_test(test_refusal_wakes_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
