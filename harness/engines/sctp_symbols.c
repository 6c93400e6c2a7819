/* usrsctp's timers, randomness and threads, made ours.
 *
 * usrsctp keeps its timers in a queue of its own that counts milliseconds when told to (usrsctp_handle_timers()), and
 * says nothing about when the next of them is due. It starts and stops every one of them through two functions that its
 * shared library exports and calls through its PLT: the dynamic linker binds those calls to the definitions here. They
 * note when a timer is due and for which association it runs, and pass on to usrsctp's own. So a driver knows the exact
 * deadline of each association, and one that is idle costs nothing.
 *
 * A timer runs for the association that usrsctp worked for when it was started. When it expires, usrsctp works for that
 * one again, whichever driver's call moved the clock.
 *
 * Random numbers come the same way: read_random() fills from the stream of the association usrsctp works for. usrsctp
 * draws once when a socket is made and hashes everything (tags, TSNs, cookie keys, heartbeat jitter) out of that.
 *
 * Threads: even without any, as it calls it, usrsctp starts one that would walk over all associations for requests that
 * are never made here. sctp_userspace_thread_create() refuses, which usrsctp takes well.
 *
 * Limits: this depends on names inside usrsctp (0.9.5). hp_sctp_timers_check() makes sure that each of them resolves
 * to this program's definition and has a next one, so that another library is refused and not misdriven. While usrsctp
 * runs for nobody here, all of them pass straight on. The state below is the process's, as usrsctp's is. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "base/error.h"
#include "engines/sctp_private.h"

typedef void (*expire_function)(void *argument);

/* usrsctp's own declarations are in headers that are not installed; the first argument's structure is left alone. */
int sctp_os_timer_start(void *callout, uint32_t ticks, expire_function expire, void *argument);
int sctp_os_timer_stop(void *callout);
void read_random(void *out, size_t len);
int sctp_userspace_thread_create(pthread_t *thread, void *(*run)(void *));

struct hp_sctp_timer {
    void *callout;
    uint64_t due_ms;
    expire_function expire;
    void *argument;
    GPtrArray *list; /* the one it is in */
    guint index;
    hp_sctp *owner; /* NULL: nobody */
};

static hp_sctp_timers state;

hp_sctp_timers *hp_sctp_timers_get(void)
{
    return &state;
}

static void *next_definition(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        g_error("no library defines %s", name);
    }
    return found;
}

#define NEXT(function) ((typeof(&function))next_definition(#function))

bool hp_sctp_timers_check(GError **error)
{
    const struct {
        const char *name;
        void *ours;
    } symbols[] = {
        {"sctp_os_timer_start", (void *)&sctp_os_timer_start},
        {"sctp_os_timer_stop", (void *)&sctp_os_timer_stop},
        {"read_random", (void *)&read_random},
        {"sctp_userspace_thread_create", (void *)&sctp_userspace_thread_create},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(symbols); i++) {
        if (dlsym(RTLD_DEFAULT, symbols[i].name) != symbols[i].ours || !dlsym(RTLD_NEXT, symbols[i].name)) {
            g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                        "sctp: usrsctp's calls of %s do not come to this program: is it another version, or linked in "
                        "statically?",
                        symbols[i].name);
            return false;
        }
    }
    return true;
}

void hp_sctp_timers_begin(void)
{
    state = (hp_sctp_timers){.by_callout = g_hash_table_new(NULL, NULL), .orphans = g_ptr_array_new()};
}

void hp_sctp_timers_end(void)
{
    g_assert(g_hash_table_size(state.by_callout) == 0);
    g_hash_table_unref(state.by_callout);
    g_ptr_array_unref(state.orphans);
    state = (hp_sctp_timers){0};
}

/* ---- lists ---- */

static void list_remove(hp_sctp_timer *timer)
{
    GPtrArray *list = timer->list;
    g_ptr_array_remove_index_fast(list, timer->index);
    if (timer->index < list->len) {
        hp_sctp_timer *moved = list->pdata[timer->index];
        moved->index = timer->index;
    }
}

static void list_add(hp_sctp_timer *timer, hp_sctp *owner)
{
    timer->owner = owner;
    timer->list = owner ? owner->timers : state.orphans;
    timer->index = timer->list->len;
    g_ptr_array_add(timer->list, timer);
}

uint64_t hp_sctp_timers_next(const GPtrArray *timers)
{
    uint64_t next = UINT64_MAX;
    for (guint i = 0; i < timers->len; i++) {
        const hp_sctp_timer *timer = timers->pdata[i];
        next = MIN(next, timer->due_ms);
    }
    return next;
}

void hp_sctp_timers_orphan(hp_sctp *sctp)
{
    while (sctp->timers->len > 0) {
        hp_sctp_timer *timer = sctp->timers->pdata[sctp->timers->len - 1];
        list_remove(timer);
        list_add(timer, NULL);
    }
}

/* ---- the interposed functions ---- */

static void forget(hp_sctp_timer *timer)
{
    g_hash_table_remove(state.by_callout, timer->callout);
    list_remove(timer);
    g_free(timer);
}

static void expired(void *data)
{
    hp_sctp_timer *timer = data;
    expire_function expire = timer->expire;
    void *argument = timer->argument;
    hp_sctp *outer = state.current;
    state.current = timer->owner;
    forget(timer);
    expire(argument);
    state.current = outer;
}

int sctp_os_timer_start(void *callout, uint32_t ticks, expire_function expire, void *argument)
{
    if (!state.by_callout || !callout || !expire) {
        return NEXT(sctp_os_timer_start)(callout, ticks, expire, argument);
    }
    hp_sctp_timer *timer = g_hash_table_lookup(state.by_callout, callout);
    if (timer) {
        list_remove(timer);
    } else {
        timer = g_new0(hp_sctp_timer, 1);
        timer->callout = callout;
        g_hash_table_insert(state.by_callout, callout, timer);
    }
    timer->due_ms = state.now_ms + MAX(ticks, 1); /* a tick is a millisecond, and none is no timer */
    timer->expire = expire;
    timer->argument = argument;
    list_add(timer, state.current);
    return NEXT(sctp_os_timer_start)(callout, ticks, expired, timer);
}

int sctp_os_timer_stop(void *callout)
{
    if (state.by_callout) {
        hp_sctp_timer *timer = g_hash_table_lookup(state.by_callout, callout);
        if (timer) {
            forget(timer);
        }
    }
    return NEXT(sctp_os_timer_stop)(callout);
}

void read_random(void *out, size_t len)
{
    if (!state.current) {
        NEXT(read_random)(out, len);
        return;
    }
    hp_rng_bytes(&state.current->rng, out, len);
}

int sctp_userspace_thread_create(pthread_t *thread, void *(*run)(void *))
{
    return state.by_callout ? EAGAIN : NEXT(sctp_userspace_thread_create)(thread, run);
}
