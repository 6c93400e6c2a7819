/* The environment: whose code is running, and its main context.
 *
 * A GMainContext of one's own for each agent, because libnice's sources are looked at one by one at every turn. Its
 * poll function never sleeps. Its turns are taken apart here: after prepare and query it is known whether anything is
 * ready and how long GLib would wait, and when nothing is, that wait is the time of the next run: the context is at
 * rest. It stays so until that time, a source being added or given a ready time (source.c), or an arrival; and after
 * the arrival was dispatched it is at rest again without being asked. GLib rounds up to whole milliseconds, as it does
 * before a real poll, so no turn is spent waiting at one instant.
 *
 * A live environment (live.c) is entered without becoming the current one: every interposed function then behaves as
 * outside of any.
 *
 * Which environment is entered is thread-local: GLib starts worker threads of its own (GTask's), and they must see the
 * real clock. Entering nests, also between environments, by a small stack. */
#include "seam/env.h"

#include <gio/gio.h>

#include "base/error.h"
#include "live/kernel_host.h"

enum { MAX_NESTING = 32, MAX_FDS = 4 };

/* Of a drain: runs in all, turns without rest, and how far the clock may run. */
enum { DRAIN_RUNS = 100000, DRAIN_TURNS = 10000 };
#define DRAIN_SPAN_NS (UINT64_C(3600) * HP_S)

static _Thread_local struct {
    hp_seam_env *current; /* NULL while the innermost is live */
    unsigned depth;
    hp_seam_env *stack[MAX_NESTING]; /* what was entered; the innermost is the last */
} entered;

hp_seam_env *hp_seam_current(void)
{
    return entered.current;
}

hp_seam_env *hp_seam_innermost(void)
{
    return entered.depth > 0 ? entered.stack[entered.depth - 1] : NULL;
}

static hp_seam_env *current_of(hp_seam_env *innermost)
{
    return innermost && !innermost->bridge ? innermost : NULL;
}

void hp_seam_enter(hp_seam_env *env)
{
    g_assert(entered.depth < MAX_NESTING);
    entered.stack[entered.depth++] = env;
    entered.current = current_of(env);
}

void hp_seam_leave(hp_seam_env *env)
{
    g_assert(entered.depth > 0 && entered.stack[entered.depth - 1] == env);
    entered.depth--;
    entered.current = current_of(hp_seam_innermost());
}

/* Only for who iterates the context without us. */
static gint never_sleep(GPollFD *fds, guint n, gint timeout_ms)
{
    return 0;
}

/* GTask's type starts GLib's worker thread and a thread pool, whose contexts need real event descriptors. */
static void start_threads(void)
{
    hp_seam_env *outer = entered.current;
    entered.current = NULL;
    g_type_ensure(G_TYPE_TASK);
    entered.current = outer;
}

hp_seam_env *hp_seam_env_new(hp_host *host, const char *name)
{
    start_threads();
    hp_seam_env *env = g_new0(hp_seam_env, 1);
    env->host = host;
    env->world = hp_host_world(host);
    hp_world_rng(env->world, name, &env->rng);
    env->slots = g_ptr_array_new();
    if (hp_host_is_kernel(host)) {
        env->context = g_main_context_new();
        env->bridge = hp_seam_bridge_new(env);
        return env;
    }
    hp_seam_enter(env);
    env->context = g_main_context_new();
    g_main_context_set_poll_func(env->context, never_sleep);
    hp_seam_leave(env);
    return env;
}

bool hp_seam_env_is_live(const hp_seam_env *env)
{
    return env->bridge != NULL;
}

void hp_seam_env_free(hp_seam_env *env)
{
    if (!env) {
        return;
    }
    g_assert(env->n_sockets == 0 && !env->running);
    if (env->bridge) {
        g_source_destroy(env->bridge);
        g_source_unref(env->bridge);
    }
    hp_seam_enter(env);
    g_main_context_unref(env->context);
    hp_seam_leave(env);
    g_ptr_array_unref(env->slots);
    g_free(env);
}

void hp_seam_env_set_log(hp_seam_env *env, hp_seam_log log, void *user)
{
    env->log = log;
    env->log_user = user;
}

void hp_seam_env_set_sent(hp_seam_env *env, hp_seam_sent sent, void *user)
{
    env->sent = sent;
    env->sent_user = user;
}

GMainContext *hp_seam_env_context(hp_seam_env *env)
{
    return env->context;
}

void hp_seam_set_wake(hp_seam_env *env, void (*wake)(void *user), void *user)
{
    env->wake = wake;
    env->wake_user = user;
}

void hp_seam_stir(void)
{
    if (entered.current) {
        entered.current->at_rest = false;
    }
}

void hp_seam_notify(hp_seam_env *env)
{
    if (!env->running && env->wake) {
        env->wake(env->wake_user);
    }
}

void hp_seam_disturb(hp_seam_env *env)
{
    env->at_rest = false;
    hp_seam_notify(env);
}

unsigned hp_seam_take_slot(hp_seam_env *env, GSocket *socket)
{
    env->n_sockets++;
    for (unsigned i = 0; i < env->slots->len; i++) {
        if (!env->slots->pdata[i]) {
            env->slots->pdata[i] = socket;
            return i;
        }
    }
    g_ptr_array_add(env->slots, socket);
    return env->slots->len - 1;
}

void hp_seam_free_slot(hp_seam_env *env, unsigned slot)
{
    env->slots->pdata[slot] = NULL;
    env->n_sockets--;
}

GSocket *hp_seam_socket_from_fd(const hp_seam_env *env, int fd)
{
    if (fd < HP_SEAM_FD_BASE || (unsigned)(fd - HP_SEAM_FD_BASE) >= env->slots->len) {
        return NULL;
    }
    return env->slots->pdata[fd - HP_SEAM_FD_BASE];
}

unsigned hp_seam_env_n_sockets(const hp_seam_env *env)
{
    return env->n_sockets;
}

uint32_t hp_seam_env_last_record(const hp_seam_env *env)
{
    return env->last_record;
}

/* No source was added and none is due: only an arrival can make one ready. */
static bool only_arrivals(const hp_seam_env *env)
{
    return env->at_rest && hp_seam_now(env) < env->rest_until;
}

/* One turn. Comes to rest when nothing is ready. */
static void turn(hp_seam_env *env)
{
    GPollFD fds[MAX_FDS];
    gint priority, timeout_ms;
    env->at_rest = only_arrivals(env); /* dispatching one leaves the others as they are, unless it stirs */
    gboolean ready = g_main_context_prepare(env->context, &priority);
    gint n = g_main_context_query(env->context, priority, &timeout_ms, fds, MAX_FDS);
    g_assert(n <= MAX_FDS); /* its own wake-up descriptor; simulated sockets have none */
    if (!ready && timeout_ms != 0) {
        env->at_rest = true;
        env->rest_until = timeout_ms < 0 ? HP_NEVER : hp_time_add(hp_seam_now(env), (hp_time)timeout_ms * HP_MS);
        return;
    }
    for (gint i = 0; i < n; i++) {
        fds[i].revents = 0;
    }
    if (g_main_context_check(env->context, priority, fds, n)) {
        g_main_context_dispatch(env->context);
    }
}

/* Nothing can be ready now: known without asking GLib, which looks at every source to find that out. */
static bool is_at_rest(const hp_seam_env *env)
{
    return env->n_queued == 0 && only_arrivals(env);
}

bool hp_seam_run(hp_seam_env *env, unsigned max_iterations, hp_time *ret_next, GError **error)
{
    g_assert(!env->running);
    if (env->bridge) {
        *ret_next = HP_NEVER;
        return true;
    }
    if (!is_at_rest(env)) {
        env->running = true;
        hp_seam_enter(env);
        gboolean owned = g_main_context_acquire(env->context);
        g_assert(owned);
        for (unsigned i = 0; i < HP_SEAM_BUSY_TURNS && env->busy_turns < max_iterations && !is_at_rest(env); i++) {
            turn(env);
            env->busy_turns++;
        }
        g_main_context_release(env->context);
        hp_seam_leave(env);
        env->running = false;
    }
    if (only_arrivals(env)) {
        env->busy_turns = 0;
        *ret_next = env->rest_until;
        return true;
    }
    if (env->busy_turns >= max_iterations) {
        g_set_error(error, HP_ERROR, HP_ERROR_LIMIT,
                    "the main context did not come to rest within %u turns: an endless loop", max_iterations);
        return false;
    }
    *ret_next = hp_seam_now(env) + HP_US;
    return true;
}

void hp_seam_drain(hp_seam_env *env, bool (*done)(void *user), void *user)
{
    if (env->bridge) {
        hp_seam_live_drain(env, done, user);
        return;
    }
    env->muted = true;
    hp_time next;
    for (unsigned i = 0; i < DRAIN_RUNS && hp_seam_run(env, DRAIN_TURNS, &next, NULL); i++) {
        if (!done || done(user) || next == HP_NEVER || env->ahead > DRAIN_SPAN_NS) {
            return;
        }
        env->ahead += next - hp_seam_now(env);
    }
}
