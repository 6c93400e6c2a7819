/* The loop: what wakes it, and in which order things happen then. loop_glib.c makes a GLib source of it.
 *
 *   turn:  [at end of the last one] -> arm the timer -> sleep -> (spin) -> world to the present
 *          -> for each descriptor that is ready: world to the present, ready() -> what was asked for at the end
 *
 * Invariants: the world's clock never passes the run's; no watch is called before every timer that was due when it
 * became its turn has fired; within one advance only what was due at its beginning fires, so that a flood of timers
 * cannot keep the descriptors from being read, nor the other way round: one turn calls a watch once.
 *
 * The kernel's timer is in the epoll set edge-triggered: setting it anew clears it, and it is never read. While turns
 * find descriptors ready, it is not set at all: a turn looks first and sleeps only when there is nothing.
 *
 * Timers fire at their own instant, in the order of world.h; a world that is far behind is thus the same world, only
 * late, and the lateness of every one of them is counted.
 *
 * What is told (hp_loop_keep_told): before the present is read, the time of the last advance is told, and after it the
 * present, so that no moment lies between the two in which something could happen earlier than told.
 *
 * Limits: one thread. A callback that takes long makes everything late: nothing here can help that. */
#include "live/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"
#include "live/loop_private.h"

enum { EVENTS = 64, LATENESS_EVERY = 16 };

static hp_time monotonic(void)
{
    return hp_clock_read(CLOCK_MONOTONIC);
}

hp_loop *hp_loop_new(hp_world *world, const hp_live_clock *clock, const hp_loop_options *options, GError **error)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event of_timer = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (epoll < 0 || timer < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &of_timer) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "no epoll or timerfd: %s", g_strerror(errno));
        if (epoll >= 0) {
            close(epoll);
        }
        if (timer >= 0) {
            close(timer);
        }
        return NULL;
    }
    hp_loop *loop = g_new0(hp_loop, 1);
    loop->world = world;
    loop->clock = clock;
    loop->epoll = epoll;
    loop->timer = timer;
    loop->armed = HP_NEVER;
    loop->watches = g_ptr_array_new_with_free_func(g_free);
    loop->ends = g_ptr_array_new_with_free_func(g_free);
    hp_punctual_start(&loop->punctual, options, &loop->report);
    loop->beat = loop->punctual.heartbeat > 0 ? monotonic() + loop->punctual.heartbeat : HP_NEVER;
    return loop;
}

void hp_loop_relax(hp_loop *loop)
{
    hp_punctual_stop(&loop->punctual);
}

void hp_loop_free(hp_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    g_assert(!loop->in_turn);
    hp_punctual_stop(&loop->punctual);
    close(loop->epoll);
    close(loop->timer);
    g_clear_error(&loop->failure);
    g_ptr_array_free(loop->watches, TRUE);
    g_ptr_array_free(loop->ends, TRUE);
    g_free(loop);
}

hp_world *hp_loop_world(hp_loop *loop)
{
    return loop->world;
}

const hp_live_clock *hp_loop_clock(const hp_loop *loop)
{
    return loop->clock;
}

const hp_lateness *hp_loop_lateness(const hp_loop *loop)
{
    return &loop->lateness;
}

void hp_loop_lateness_reset(hp_loop *loop)
{
    memset(&loop->lateness, 0, sizeof loop->lateness);
    memset(&loop->stalls, 0, sizeof loop->stalls);
}

const hp_lateness *hp_loop_stalls(const hp_loop *loop)
{
    return &loop->stalls;
}

const hp_loop_report *hp_loop_report_get(const hp_loop *loop)
{
    return &loop->report;
}

/* ---- watches ---- */

hp_loop_watch *hp_loop_add(hp_loop *loop, int fd, uint32_t events, void (*ready)(void *user, uint32_t events),
                           void *user)
{
    hp_loop_watch *watch = g_new(hp_loop_watch, 1);
    *watch = (hp_loop_watch){.loop = loop, .fd = fd, .ready = ready, .user = user};
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        int why = errno;
        g_free(watch);
        errno = why;
        return NULL;
    }
    g_ptr_array_add(loop->watches, watch);
    return watch;
}

void hp_loop_modify(hp_loop_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    g_assert(!watch->removed);
    epoll_ctl(watch->loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void hp_loop_remove(hp_loop_watch *watch)
{
    if (watch == NULL || watch->removed) {
        return;
    }
    hp_loop *loop = watch->loop;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    if (loop->in_turn) {
        watch->removed = true; /* epoll may have told of it already */
        loop->has_removed = true;
    } else {
        g_ptr_array_remove_fast(loop->watches, watch);
    }
}

hp_loop_end *hp_loop_at_end(hp_loop *loop, void (*func)(void *user), void *user)
{
    hp_loop_end *end = g_new(hp_loop_end, 1);
    *end = (hp_loop_end){.loop = loop, .func = func, .user = user};
    g_ptr_array_add(loop->ends, end);
    return end;
}

bool hp_loop_is_in_turn(const hp_loop *loop)
{
    return loop->in_turn;
}

void hp_loop_at_end_remove(hp_loop_end *end)
{
    if (end != NULL) {
        end->removed = true;
        end->loop->has_removed = true;
    }
}

static void sweep(hp_loop *loop)
{
    loop->has_removed = false;
    for (unsigned i = loop->watches->len; i-- > 0;) {
        if (((hp_loop_watch *)g_ptr_array_index(loop->watches, i))->removed) {
            g_ptr_array_remove_index_fast(loop->watches, i);
        }
    }
    for (unsigned i = loop->ends->len; i-- > 0;) {
        if (((hp_loop_end *)g_ptr_array_index(loop->ends, i))->removed) {
            g_ptr_array_remove_index(loop->ends, i); /* the others keep their order */
        }
    }
}

void hp_loop_run_ends(hp_loop *loop)
{
    /* One that is added by another is called too. */
    for (unsigned i = 0; i < loop->ends->len; i++) {
        hp_loop_end *end = g_ptr_array_index(loop->ends, i);
        if (!end->removed) {
            end->func(end->user);
        }
    }
}

/* ---- the world ---- */

/* Sequentially consistent: the present is read after it, and a reader reads the present before it. */
static void tell(const hp_loop *loop, hp_time told)
{
    if (loop->told != NULL) {
        __atomic_store_n(loop->told, told, __ATOMIC_SEQ_CST);
    }
}

void hp_loop_keep_told(hp_loop *loop, hp_time *told)
{
    loop->told = told;
    tell(loop, hp_world_now(loop->world));
}

void hp_loop_tell_asleep(const hp_loop *loop)
{
    tell(loop, hp_world_next_deadline(loop->world));
}

/* Fires what is due at this moment, and sets the world's clock to it. */
static bool advance(hp_loop *loop, GError **error)
{
    tell(loop, hp_world_now(loop->world));
    hp_time now = hp_live_clock_now(loop->clock), real = now;
    if (now == 0) {
        return true; /* not begun */
    }
    loop->in_step = true;
    GError *cause = NULL;
    hp_time due;
    for (unsigned n = 1; (due = hp_world_next_deadline(loop->world)) <= now; n++) {
        hp_lateness_add(&loop->lateness, real - due);
        if (!hp_world_step(loop->world, &cause)) {
            break;
        }
        if (n % LATENESS_EVERY == 0) {
            real = hp_live_clock_now(loop->clock);
        }
    }
    bool ok = cause == NULL && hp_world_run_until(loop->world, now, &cause);
    loop->in_step = false;
    if (!ok) {
        g_propagate_error(error, cause);
    }
    tell(loop, hp_world_now(loop->world));
    return ok;
}

void hp_loop_advance(hp_loop *loop)
{
    if (!loop->in_step && loop->failure == NULL) {
        advance(loop, &loop->failure);
    }
}

/* ---- sleeping ---- */

static void set_timer(hp_loop *loop, hp_time at)
{
    if (at == loop->armed) {
        return;
    }
    struct itimerspec when = {0};
    if (at != HP_NEVER) {
        when.it_value = (struct timespec){.tv_sec = (time_t)(at / HP_S), .tv_nsec = (long)(at % HP_S)};
    }
    timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
    loop->armed = at;
}

/* The CLOCK_MONOTONIC instant of the world's next deadline, or of the next heartbeat. */
static hp_time next_deadline(const hp_loop *loop)
{
    hp_time due = hp_world_next_deadline(loop->world);
    return MIN(due != HP_NEVER ? hp_live_clock_monotonic(loop->clock, due) : HP_NEVER, loop->beat);
}

/* Missed heartbeats count once: the next one is a whole interval after the late one. What was missed before the run
 * began is nobody's lateness. */
static void beat(hp_loop *loop)
{
    hp_time now = monotonic(), start = hp_live_clock_monotonic(loop->clock, 0);
    if (now < loop->beat) {
        return;
    }
    hp_time computed = hp_clock_read(CLOCK_THREAD_CPUTIME_ID);
    if (start != HP_NEVER) {
        hp_time late = now - MAX(loop->beat, start);
        hp_lateness_add(&loop->lateness, late);
        hp_lateness_add(&loop->stalls, late - MIN(late, computed - loop->computed));
    }
    loop->computed = computed;
    loop->beat = now + loop->punctual.heartbeat;
}

bool hp_loop_arm(hp_loop *loop)
{
    hp_loop_tell_asleep(loop);
    hp_time due = next_deadline(loop);
    if (due != HP_NEVER && due <= monotonic()) {
        return false;
    }
    set_timer(loop, due);
    return true;
}

/* What epoll tells, the timer's own event left out. */
static int look(hp_loop *loop, struct epoll_event events[static EVENTS], int timeout)
{
    int n = epoll_wait(loop->epoll, events, EVENTS, timeout);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == NULL) {
            loop->armed = HP_NEVER; /* it fired, and is set to nothing now */
            events[i] = events[--n];
            break;
        }
    }
    return n;
}

/* Looks without sleeping until the deadline, or until something is ready. */
static int spin(hp_loop *loop, struct epoll_event events[static EVENTS], hp_time started, hp_time due)
{
    int n;
    hp_time now;
    do {
        n = look(loop, events, 0);
        now = monotonic();
    } while (n == 0 && now < due);
    hp_punctual_spun(&loop->punctual, now - started);
    loop->report.spun_ns += now - started;
    return n;
}

/* Sleeps until something is ready, a timer of the world is due, or `longest` is over. */
static int wait_for_something(hp_loop *loop, struct epoll_event events[static EVENTS], hp_time longest)
{
    if (longest == 0 || loop->busy) {
        int n = look(loop, events, 0);
        if (n != 0 || longest == 0) {
            return n;
        }
    }
    hp_time due = next_deadline(loop), now = monotonic();
    if (due <= now) {
        return look(loop, events, 0);
    }
    hp_time end = hp_time_add(now, longest);
    hp_time lead = due <= end ? hp_punctual_lead(&loop->punctual) : 0;
    hp_time awake = MIN(due, end) - lead;
    if (awake > now) {
        set_timer(loop, awake);
        int n = look(loop, events, -1);
        hp_time woke = monotonic();
        hp_punctual_slept(&loop->punctual, woke - now);
        if (n != 0 || lead == 0) {
            return n;
        }
        now = woke;
    }
    return now < due ? spin(loop, events, now, due) : look(loop, events, 0);
}

/* ---- turns ---- */

static bool dispatch(hp_loop *loop, const struct epoll_event *events, int n, GError **error)
{
    for (int i = 0; i < n; i++) {
        const hp_loop_watch *watch = events[i].data.ptr;
        if (!advance(loop, error)) {
            return false;
        }
        if (!watch->removed) {
            watch->ready(watch->user, events[i].events);
        }
    }
    return true;
}

bool hp_loop_turn(hp_loop *loop, hp_time longest, GError **error)
{
    g_assert(!loop->in_turn);
    if (loop->failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&loop->failure));
        return false;
    }
    struct epoll_event events[EVENTS];
    int n = wait_for_something(loop, events, longest);
    if (n < 0 && errno != EINTR) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "epoll: %s", g_strerror(errno));
        return false;
    }
    loop->report.turns++;
    if (loop->beat != HP_NEVER) {
        beat(loop);
    }
    loop->in_turn = true;
    bool ok = advance(loop, error) && dispatch(loop, events, n, error);
    if (ok) {
        hp_loop_run_ends(loop);
        hp_loop_tell_asleep(loop);
    }
    loop->busy = n > 0;
    loop->in_turn = false;
    if (loop->has_removed) {
        sweep(loop);
    }
    return ok;
}

bool hp_loop_run(hp_loop *loop, GError **error)
{
    bool ok = true;
    while (ok && !loop->quit) {
        ok = hp_loop_turn(loop, HP_NEVER, error);
    }
    loop->quit = false;
    return ok;
}

void hp_loop_quit(hp_loop *loop)
{
    loop->quit = true;
}
