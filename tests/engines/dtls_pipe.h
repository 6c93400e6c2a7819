/* Two DTLS endpoints with a path between them, in virtual time.
 *
 * alice is the active side, bob the passive one, unless a test says otherwise. Every datagram has a number in the order
 * in which they are sent (0, 1, ...), and a test says by that number what becomes of it. Arrivals come before timers at
 * one instant, in the order in which they were sent; of timers alice's comes first.
 *
 * The clock that OpenSSL sees (gettimeofday, time) is this program's own: it shows the pipe's time while an endpoint
 * has entered, and counts how often OpenSSL looks at it, inside and outside. (GLib's allocator looks at it too.) */
#ifndef HP_TESTS_ENGINES_DTLS_PIPE_H
#define HP_TESTS_ENGINES_DTLS_PIPE_H

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>
#include <glib.h>

#include "engines/dtls.h"

enum { ALICE, BOB };
enum { PIPE_MOST = 256 }; /* datagrams whose fate can be told */

/* ---- the clock ---- */

static struct {
    bool entered;
    hp_time now;
    uint64_t epoch_s;
    unsigned looked, looked_outside;
} pipe_clock = {.epoch_s = HP_EPOCH_S};

static inline hp_time pipe_wall(const void *caller)
{
    Dl_info from;
    if (dladdr(caller, &from) && (strstr(from.dli_fname, "libssl") || strstr(from.dli_fname, "libcrypto"))) {
        pipe_clock.looked += pipe_clock.entered;
        pipe_clock.looked_outside += !pipe_clock.entered;
    }
    return pipe_clock.now;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    hp_time t = pipe_wall(__builtin_return_address(0));
    *tv =
        (struct timeval){.tv_sec = (time_t)(pipe_clock.epoch_s + t / HP_S), .tv_usec = (suseconds_t)(t % HP_S / HP_US)};
    return 0;
}

time_t time(time_t *ret)
{
    time_t t = (time_t)(pipe_clock.epoch_s + pipe_wall(__builtin_return_address(0)) / HP_S);
    if (ret) {
        *ret = t;
    }
    return t;
}

/* ---- the path ---- */

typedef struct pipe_sent {
    hp_time at;
    unsigned from;
    GByteArray *bytes;
} pipe_sent;

typedef struct pipe_flying {
    hp_time due;
    unsigned to;
    uint64_t order;
    GByteArray *bytes;
} pipe_flying;

typedef struct pipe_told {
    hp_time at;
    hp_dtls_event event; /* detail is interned, other pointers lead nowhere */
    hp_dtls_fingerprint fingerprint;
    hp_dtls_keys keys;
    GByteArray *data;
} pipe_told;

typedef struct pipe_end {
    struct pipe_path *pipe;
    unsigned index;
    hp_dtls_config config;
    hp_dtls_identity *identity;
    hp_dtls *dtls;
    GPtrArray *told; /* of pipe_told */
    unsigned depth; /* of enter */
    bool mute; /* loses all it sends */
    bool expects_other; /* told a fingerprint that the peer does not have */
    bool expects_nothing; /* told none */
} pipe_end;

typedef struct pipe_path {
    uint64_t seed;
    hp_time now, delay;
    bool synchronous; /* delivers from inside send() */
    bool cut; /* loses all */
    pipe_end end[2];
    GPtrArray *sent; /* of pipe_sent */
    GPtrArray *flying; /* of pipe_flying */
    uint64_t next_order;
    bool lost[PIPE_MOST], twice[PIPE_MOST];
    hp_time later[PIPE_MOST];
} pipe_t;

static inline void pipe_free_sent(gpointer p)
{
    pipe_sent *s = p;
    g_byte_array_unref(s->bytes);
    g_free(s);
}

static inline void pipe_free_flying(gpointer p)
{
    pipe_flying *f = p;
    g_byte_array_unref(f->bytes);
    g_free(f);
}

static inline void pipe_free_told(gpointer p)
{
    pipe_told *t = p;
    g_byte_array_unref(t->data);
    g_free(t);
}

static inline GByteArray *pipe_copy(const uint8_t *data, size_t len)
{
    return g_byte_array_append(g_byte_array_new(), data, (guint)len);
}

static inline void pipe_fly(pipe_t *p, unsigned to, const uint8_t *data, size_t len, hp_time delay)
{
    pipe_flying *f = g_new(pipe_flying, 1);
    *f = (pipe_flying){.due = p->now + delay, .to = to, .order = p->next_order++, .bytes = pipe_copy(data, len)};
    g_ptr_array_add(p->flying, f);
}

static inline void pipe_op_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    pipe_end *end = user;
    pipe_t *p = end->pipe;
    unsigned to = 1 - end->index;
    unsigned n = p->sent->len;
    assert_false(pipe_clock.entered);
    assert_int_equal(now, p->now);
    assert_in_range(n, 0, PIPE_MOST - 1);
    pipe_sent *s = g_new(pipe_sent, 1);
    *s = (pipe_sent){.at = now, .from = end->index, .bytes = pipe_copy(data, len)};
    g_ptr_array_add(p->sent, s);
    if (p->cut || end->mute || p->lost[n]) {
        return;
    }
    if (p->synchronous) {
        hp_dtls_input(p->end[to].dtls, now, data, len);
        return;
    }
    pipe_fly(p, to, data, len, p->delay + p->later[n]);
    if (p->twice[n]) {
        pipe_fly(p, to, data, len, p->delay + p->later[n]);
    }
}

static inline void pipe_op_event(void *user, hp_time now, const hp_dtls_event *event)
{
    pipe_end *end = user;
    assert_false(pipe_clock.entered);
    assert_non_null(event->detail);
    pipe_told *t = g_new0(pipe_told, 1);
    t->at = now;
    t->event = *event;
    t->event.detail = g_intern_string(event->detail);
    t->data = pipe_copy(event->data, event->length);
    if (event->fingerprint) {
        t->fingerprint = *event->fingerprint;
    }
    if (event->keys) {
        t->keys = *event->keys;
    }
    g_ptr_array_add(end->told, t);
}

static inline void pipe_op_enter(void *user)
{
    pipe_end *end = user;
    assert_false(pipe_clock.entered);
    pipe_clock.entered = true;
    pipe_clock.now = end->pipe->now;
}

static inline void pipe_op_leave(void *user)
{
    assert_true(pipe_clock.entered);
    pipe_clock.entered = false;
}

static const hp_dtls_ops pipe_ops = {
    .send = pipe_op_send, .event = pipe_op_event, .enter = pipe_op_enter, .leave = pipe_op_leave};

/* ---- its life ---- */

/* Both sides with all profiles and a path of 20 ms; change p->end[].config and the rest before pipe_open(). */
static inline void pipe_init(pipe_t *p, uint64_t seed)
{
    *p = (pipe_t){.seed = seed, .delay = 20 * HP_MS};
    p->sent = g_ptr_array_new_with_free_func(pipe_free_sent);
    p->flying = g_ptr_array_new_with_free_func(pipe_free_flying);
    for (unsigned i = 0; i < 2; i++) {
        p->end[i] = (pipe_end){
            .pipe = p,
            .index = i,
            .config = {.role = i == ALICE ? HP_DTLS_ACTIVE : HP_DTLS_PASSIVE,
                       .profiles = {HP_DTLS_PROFILE_AEAD_AES_128_GCM, HP_DTLS_PROFILE_AES128_CM_SHA1_80,
                                    HP_DTLS_PROFILE_AEAD_AES_256_GCM},
                       .n_profiles = 3},
            .told = g_ptr_array_new_with_free_func(pipe_free_told),
        };
    }
    pipe_clock.entered = false;
    pipe_clock.looked = pipe_clock.looked_outside = 0;
}

static inline void pipe_expect(pipe_t *p, unsigned who)
{
    pipe_end *end = &p->end[who];
    hp_dtls_fingerprint fingerprint = *hp_dtls_identity_fingerprint(p->end[1 - who].identity);
    fingerprint.bytes[31] ^= end->expects_other ? 1 : 0;
    hp_dtls_set_peer_fingerprints(end->dtls, p->now, &fingerprint, 1);
}

/* Makes certificates and endpoints; neither is started. */
static inline void pipe_make(pipe_t *p)
{
    static const char *const names[] = {"alice", "bob"};
    for (unsigned i = 0; i < 2; i++) {
        pipe_end *end = &p->end[i];
        hp_rng rng;
        GError *error = NULL;
        hp_rng_init(&rng, p->seed, i == ALICE ? "certificate:alice" : "certificate:bob");
        end->identity = hp_dtls_identity_new(&rng, names[i], &error);
        assert_null(error);
        hp_rng_init(&rng, p->seed, i == ALICE ? "dtls:alice" : "dtls:bob");
        end->dtls = hp_dtls_new(&end->config, end->identity, &rng, &pipe_ops, end, &error);
        assert_null(error);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (!p->end[i].expects_nothing) {
            pipe_expect(p, i);
        }
    }
}

/* ... and starts both now, bob first, so that he listens. */
static inline void pipe_open(pipe_t *p)
{
    pipe_make(p);
    hp_dtls_start(p->end[BOB].dtls, p->now);
    hp_dtls_start(p->end[ALICE].dtls, p->now);
}

static inline void pipe_close(pipe_t *p)
{
    for (unsigned i = 0; i < 2; i++) {
        hp_dtls_identity_free(p->end[i].identity);
        hp_dtls_free(p->end[i].dtls);
        g_ptr_array_unref(p->end[i].told);
    }
    g_ptr_array_unref(p->sent);
    g_ptr_array_unref(p->flying);
    assert_int_equal(pipe_clock.looked_outside, 0);
}

/* One arrival or timer. False when there is none until `until`. */
static inline bool pipe_step(pipe_t *p, hp_time until)
{
    guint first = 0;
    hp_time due = HP_NEVER;
    for (guint i = 0; i < p->flying->len; i++) {
        const pipe_flying *f = p->flying->pdata[i];
        if (f->due < due) {
            due = f->due;
            first = i;
        }
    }
    hp_time timers = MIN(hp_dtls_deadline(p->end[ALICE].dtls), hp_dtls_deadline(p->end[BOB].dtls));
    if (MIN(due, timers) > until || MIN(due, timers) == HP_NEVER) {
        return false;
    }
    if (due <= timers) {
        pipe_flying *f = g_ptr_array_steal_index(p->flying, first);
        p->now = due;
        hp_dtls_input(p->end[f->to].dtls, p->now, f->bytes->data, f->bytes->len);
        pipe_free_flying(f);
        return true;
    }
    p->now = timers;
    hp_dtls *whose = p->end[hp_dtls_deadline(p->end[ALICE].dtls) == timers ? ALICE : BOB].dtls;
    hp_dtls_run(whose, p->now);
    /* A timer that stays due would hold the time up. */
    assert_true(hp_dtls_deadline(whose) > p->now);
    return true;
}

static inline void pipe_run(pipe_t *p, hp_time until)
{
    while (pipe_step(p, until)) {
    }
    p->now = MAX(p->now, until == HP_NEVER ? p->now : until);
}

/* ---- what happened ---- */

/* The nth event of a kind, NULL when there are fewer. */
static inline const pipe_told *pipe_find(const pipe_t *p, unsigned who, hp_dtls_event_kind kind, unsigned nth)
{
    for (guint i = 0; i < p->end[who].told->len; i++) {
        const pipe_told *t = p->end[who].told->pdata[i];
        if (t->event.kind == kind && nth-- == 0) {
            return t;
        }
    }
    return NULL;
}

static inline unsigned pipe_count(const pipe_t *p, unsigned who, hp_dtls_event_kind kind)
{
    unsigned n = 0;
    while (pipe_find(p, who, kind, n)) {
        n++;
    }
    return n;
}

static inline hp_time pipe_connected_at(const pipe_t *p, unsigned who)
{
    const pipe_told *t = pipe_find(p, who, HP_DTLS_EV_CONNECTED, 0);
    return t ? t->at : HP_NEVER;
}

static inline const pipe_sent *pipe_sent_at(const pipe_t *p, unsigned n)
{
    assert_true(n < p->sent->len);
    return p->sent->pdata[n];
}

/* Both have keys, and the same. */
static inline void pipe_assert_connected(const pipe_t *p)
{
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(hp_dtls_state_name(hp_dtls_get_state(p->end[i].dtls)), "connected");
        assert_int_equal(pipe_count(p, i, HP_DTLS_EV_CONNECTED), 1);
        assert_int_equal(pipe_count(p, i, HP_DTLS_EV_FAILED), 0);
        assert_int_equal(hp_dtls_deadline(p->end[i].dtls), HP_NEVER);
    }
    const hp_dtls_keys *a = hp_dtls_get_keys(p->end[ALICE].dtls), *b = hp_dtls_get_keys(p->end[BOB].dtls);
    assert_int_equal(a->profile, b->profile);
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->block, b->block, sizeof a->block);
}

/* The alert's number, with the event given, or -1. */
static inline int pipe_alert(const pipe_t *p, unsigned who, hp_dtls_event_kind kind)
{
    const pipe_told *t = pipe_find(p, who, kind, 0);
    return t ? (int)t->event.number : -1;
}

static inline void pipe_assert_failed(const pipe_t *p, unsigned who, hp_dtls_failure failure)
{
    assert_string_equal(hp_dtls_state_name(hp_dtls_get_state(p->end[who].dtls)), "failed");
    assert_int_equal(pipe_count(p, who, HP_DTLS_EV_FAILED), 1);
    assert_string_equal(hp_dtls_failure_name(pipe_find(p, who, HP_DTLS_EV_FAILED, 0)->event.failure),
                        hp_dtls_failure_name(failure));
    assert_int_equal(pipe_count(p, who, HP_DTLS_EV_CONNECTED), 0);
    assert_null(hp_dtls_get_keys(p->end[who].dtls));
    assert_int_equal(hp_dtls_deadline(p->end[who].dtls), HP_NEVER);
}

#endif
