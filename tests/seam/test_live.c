/* Live environments: everything passes to the kernel and the machine's clock, the default context polls the inner one,
 * the log and what is sent are still told of. */
#include "live_net.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <nice/nice.h>

#include "seam/env.h"

static void test_everything_passes(void **state)
{
    NEEDS_NET();
    live_net *n = live_net_new();
    hp_seam_env *env = hp_seam_env_new(n->host, "peer:alice/1");
    assert_true(hp_seam_env_is_live(env));
    hp_seam_enter(env);
    assert_null(hp_seam_current());
    assert_ptr_equal(hp_seam_innermost(), env);
    struct timespec before, after;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &before); /* not by the interposed function */
    gint64 between = g_get_monotonic_time();
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &after);
    assert_in_range(between, before.tv_sec * 1000000 + before.tv_nsec / 1000,
                    after.tv_sec * 1000000 + after.tv_nsec / 1000);
    g_autoptr(GSocket) socket = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
    assert_non_null(socket);
    assert_in_range(g_socket_get_fd(socket), 0, HP_SEAM_FD_BASE - 1);
    GList *ips = nice_interfaces_get_local_ips(FALSE);
    assert_non_null(g_list_find_custom(ips, "10.9.0.1", (GCompareFunc)strcmp));
    assert_null(g_list_find_custom(ips, "127.0.0.1", (GCompareFunc)strcmp));
    g_list_free_full(ips, g_free);
    hp_seam_leave(env);
    assert_null(hp_seam_innermost());
    hp_time next = 0;
    assert_true(hp_seam_run(env, 1, &next, NULL));
    assert_int_equal(next, HP_NEVER);
    assert_int_equal(hp_seam_kernel_sockets(), 0); /* counts simulations only */
    hp_seam_env_free(env);
    live_net_free(n);
}

/* ---- the bridge ---- */

typedef struct seen {
    live_net *net;
    hp_seam_env *env;
    hp_time at; /* the world's */
    hp_time real; /* the run's */
    unsigned n, n_logged, n_woken;
    hp_seam_env *innermost;
    int fd;
} seen;

static void note(seen *s)
{
    s->n++;
    s->at = hp_world_now(s->net->world);
    s->real = hp_live_clock_now(s->net->clock);
    s->innermost = hp_seam_innermost();
    g_warning("something odd at 0x12345678");
}

static gboolean on_timeout(gpointer user)
{
    seen *s = user;
    note(s);
    assert_int_equal(write(s->fd, "x", 1), 1);
    return G_SOURCE_REMOVE;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer user)
{
    seen *s = user;
    note(s);
    hp_loop_quit(s->net->loop);
    return G_SOURCE_REMOVE;
}

static void on_log(void *user, const char *domain, const char *level, const char *message)
{
    seen *s = user;
    s->n_logged += strcmp(message, "something odd at 0x*") == 0 && strcmp(level, "warning") == 0;
}

static void on_wake(void *user)
{
    ((seen *)user)->n_woken++;
}

static void test_sources_are_polled(void **state)
{
    NEEDS_NET();
    live_net *n = live_net_new();
    seen s = {.net = n, .env = hp_seam_env_new(n->host, "peer:alice/1")};
    int pair[2];
    assert_int_equal(pipe(pair), 0);
    s.fd = pair[1];
    hp_seam_env_set_log(s.env, on_log, &s);
    hp_seam_set_wake(s.env, on_wake, &s);
    hp_seam_enter(s.env);
    g_autoptr(GSource) timeout = g_timeout_source_new(20);
    g_source_set_callback(timeout, on_timeout, &s, NULL);
    g_source_attach(timeout, hp_seam_env_context(s.env));
    g_autoptr(GSource) readable = g_unix_fd_source_new(pair[0], G_IO_IN);
    g_source_set_callback(readable, G_SOURCE_FUNC(on_readable), &s, NULL);
    g_source_attach(readable, hp_seam_env_context(s.env));
    hp_seam_leave(s.env);
    hp_live_clock_begin(n->clock);
    live_net_run(n);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.n_logged, 2);
    assert_true(s.n_woken >= 2);
    assert_ptr_equal(s.innermost, s.env);
    assert_null(hp_seam_innermost());
    assert_in_range(s.at, 19 * HP_MS, s.real); /* the present, not the loop's last turn */
    hp_seam_env_free(s.env);
    close(pair[0]);
    close(pair[1]);
    live_net_free(n);
}

/* The timer is due when the bridge brings the world to the present, and takes the environment away. */
typedef struct ending {
    live_net *net;
    hp_seam_env *env;
    hp_timer timer;
    unsigned n;
} ending;

static void take_away(void *owner, hp_time now)
{
    ending *e = owner;
    g_clear_pointer(&e->env, hp_seam_env_free);
    hp_loop_quit(e->net->loop);
}

static gboolean count(gpointer user)
{
    ending *e = user;
    e->n++;
    hp_timer_arm(e->net->world, &e->timer, hp_world_now(e->net->world) + 1); /* over when the next turn begins */
    return G_SOURCE_CONTINUE;
}

static void test_freed_by_a_timer(void **state)
{
    NEEDS_NET();
    live_net *n = live_net_new();
    ending e = {.net = n, .env = hp_seam_env_new(n->host, "peer:alice/1")};
    hp_timer_init(&e.timer, HP_TIMER_ACTOR, hp_world_new_element(n->world), take_away, &e);
    g_autoptr(GSource) idle = g_idle_source_new();
    g_source_set_callback(idle, count, &e, NULL);
    g_source_set_priority(idle, G_PRIORITY_DEFAULT);
    g_source_attach(idle, hp_seam_env_context(e.env));
    hp_live_clock_begin(n->clock);
    live_net_run(n);
    assert_null(e.env);
    assert_true(e.n >= 1);
    live_net_free(n);
}

/* ---- two agents ---- */

typedef struct end {
    hp_seam_env *env;
    NiceAgent *agent;
    struct end *other;
    live_net *net;
    bool ready;
    unsigned n_checks; /* told of as sent */
    char received[16];
} end;

static void on_state(NiceAgent *agent, guint stream, guint component, guint to, gpointer user)
{
    end *e = user;
    e->ready |= to == NICE_COMPONENT_STATE_READY;
    if (e->ready && e->other->ready) {
        hp_seam_enter(e->env);
        assert_int_equal(nice_agent_send(e->agent, 1, 1, 5, "hello"), 5);
        hp_seam_leave(e->env);
    }
}

static void on_data(NiceAgent *agent, guint stream, guint component, guint length, gchar *data, gpointer user)
{
    end *e = user;
    assert_int_equal(hp_seam_env_last_record(e->env), 0);
    g_strlcpy(e->received, data, MIN(length + 1, sizeof e->received));
    hp_loop_quit(e->net->loop);
}

static void on_sent(void *user, const uint8_t *data, size_t length)
{
    ((end *)user)->n_checks += length >= 20 && data[0] == 0 && data[1] == 1; /* Binding request */
}

static void exchange(end *from, end *to)
{
    g_autofree char *ufrag = NULL, *password = NULL;
    nice_agent_get_local_credentials(from->agent, 1, &ufrag, &password);
    assert_true(nice_agent_set_remote_credentials(to->agent, 1, ufrag, password));
    GSList *candidates = nice_agent_get_local_candidates(from->agent, 1, 1);
    assert_non_null(candidates);
    assert_true(nice_agent_set_remote_candidates(to->agent, 1, 1, candidates) > 0);
    g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
}

static void on_gathered(NiceAgent *agent, guint stream, gpointer user)
{
    end *e = user;
    exchange(e, e->other);
}

static void test_two_agents_connect(void **state)
{
    NEEDS_NET();
    live_net *n = live_net_new();
    end ends[2] = {{.net = n, .other = &ends[1]}, {.net = n, .other = &ends[0]}};
    for (unsigned i = 0; i < 2; i++) {
        end *e = &ends[i];
        e->env = hp_seam_env_new(n->host, i == 0 ? "peer:alice/1" : "peer:bob/1");
        hp_seam_env_set_sent(e->env, on_sent, e);
        hp_seam_enter(e->env);
        e->agent = nice_agent_new(hp_seam_env_context(e->env), NICE_COMPATIBILITY_RFC5245);
        g_object_set(e->agent, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode", i == 0, NULL);
        assert_int_equal(nice_agent_add_stream(e->agent, 1), 1);
        nice_agent_attach_recv(e->agent, 1, 1, hp_seam_env_context(e->env), on_data, e);
        g_signal_connect(e->agent, "component-state-changed", G_CALLBACK(on_state), e);
        g_signal_connect(e->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), e);
        hp_seam_leave(e->env);
    }
    hp_live_clock_begin(n->clock);
    for (unsigned i = 0; i < 2; i++) {
        hp_seam_enter(ends[i].env);
        assert_true(nice_agent_gather_candidates(ends[i].agent, 1));
        hp_seam_leave(ends[i].env);
    }
    live_net_run(n);
    assert_true(ends[0].ready && ends[1].ready);
    assert_true(ends[0].n_checks > 0 && ends[1].n_checks > 0);
    assert_true(strcmp(ends[0].received, "hello") == 0 || strcmp(ends[1].received, "hello") == 0);
    for (unsigned i = 0; i < 2; i++) {
        hp_seam_enter(ends[i].env);
        g_clear_object(&ends[i].agent);
        hp_seam_leave(ends[i].env);
        hp_seam_drain(ends[i].env, NULL, NULL);
        hp_seam_env_free(ends[i].env);
    }
    live_net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_passes),
        cmocka_unit_test(test_sources_are_polled),
        cmocka_unit_test(test_freed_by_a_timer),
        cmocka_unit_test(test_two_agents_connect),
    };
    g_autoptr(GError) error = NULL;
    if (!hp_seam_start(NULL, &error)) {
        g_error("%s", error->message);
    }
    refusal = live_net_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
