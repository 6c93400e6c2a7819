/* SCTP associations in pairs with a path between them, in virtual time.
 *
 * End 2k talks to end 2k + 1. Every packet has a number in the order in which they are sent (0, 1, ...), and a test
 * says by that number or by chance what becomes of it. Arrivals come before timers at one instant, in the order in
 * which they were sent; of timers the one of the end with the lower number comes first.
 *
 * The clock that usrsctp sees (gettimeofday) is this program's own and shows the pipe's time while an end has entered;
 * outside, a look from usrsctp is a fault. */
#ifndef HP_TESTS_ENGINES_SCTP_PIPE_H
#define HP_TESTS_ENGINES_SCTP_PIPE_H

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>
#include <glib.h>

#include "engines/sctp.h"

enum { PIPE_ENDS = 4, PIPE_MOST = 4096 };

static struct {
    unsigned entered;
    hp_time now;
    unsigned looked_outside;
} pipe_clock;

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    Dl_info from;
    if (pipe_clock.entered == 0 && dladdr(__builtin_return_address(0), &from) && strstr(from.dli_fname, "usrsctp")) {
        pipe_clock.looked_outside++;
    }
    *tv = (struct timeval){.tv_sec = (time_t)(HP_EPOCH_S + pipe_clock.now / HP_S),
                           .tv_usec = (suseconds_t)(pipe_clock.now % HP_S / HP_US)};
    return 0;
}

typedef struct pipe_packet {
    hp_time at; /* sent */
    hp_time due;
    unsigned from, number;
    GBytes *bytes;
    bool lost, arrived;
} pipe_packet;

typedef struct pipe_told {
    hp_time at;
    hp_sctp_event event; /* data leads nowhere */
    GBytes *data;
} pipe_told;

struct pipe_path;
typedef struct pipe_end {
    struct pipe_path *pipe;
    unsigned index;
    hp_sctp *sctp;
    GPtrArray *told; /* of pipe_told* */
} pipe_end;

typedef struct pipe_path {
    hp_time now, delay;
    hp_rng luck;
    uint32_t loss_ppb, jitter; /* jitter: whole milliseconds more, at random */
    bool cut;
    unsigned n_ends;
    pipe_end end[PIPE_ENDS];
    GPtrArray *packets; /* of pipe_packet*, all of the run, in order of sending */
    unsigned first_flying;
    bool lose[PIPE_MOST];
    hp_time later[PIPE_MOST];
    uint64_t runs;
} pipe_t;

static inline void pipe_free_packet(gpointer p)
{
    g_bytes_unref(((pipe_packet *)p)->bytes);
    g_free(p);
}

static inline void pipe_free_told(gpointer p)
{
    g_bytes_unref(((pipe_told *)p)->data);
    g_free(p);
}

static inline void pipe_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    pipe_end *end = user;
    pipe_t *p = end->pipe;
    assert_int_equal(now, p->now);
    assert_int_equal(pipe_clock.entered, 0);
    pipe_packet *packet = g_new0(pipe_packet, 1);
    packet->at = now;
    packet->number = p->packets->len;
    packet->from = end->index;
    packet->bytes = g_bytes_new(data, len);
    bool told = packet->number < PIPE_MOST;
    packet->lost = p->cut || (told && p->lose[packet->number]) || hp_rng_chance(&p->luck, p->loss_ppb);
    packet->due = now + p->delay + (told ? p->later[packet->number] : 0) +
                  (p->jitter > 0 ? hp_rng_below(&p->luck, p->jitter + 1) * HP_MS : 0);
    g_ptr_array_add(p->packets, packet);
}

static inline void pipe_event(void *user, hp_time now, const hp_sctp_event *event)
{
    pipe_end *end = user;
    assert_int_equal(now, end->pipe->now);
    pipe_told *told = g_new0(pipe_told, 1);
    told->at = now;
    told->event = *event;
    told->data = g_bytes_new(event->data, event->length);
    g_ptr_array_add(end->told, told);
}

static inline void pipe_enter(void *user)
{
    pipe_clock.entered++;
}

static inline void pipe_leave(void *user)
{
    pipe_clock.entered--;
}

static const hp_sctp_ops pipe_ops = {.send = pipe_send, .event = pipe_event, .enter = pipe_enter, .leave = pipe_leave};

static inline pipe_t *pipe_new(uint64_t seed, hp_time delay)
{
    pipe_t *p = g_new0(pipe_t, 1);
    p->delay = delay;
    p->packets = g_ptr_array_new_with_free_func(pipe_free_packet);
    hp_rng_init(&p->luck, seed, "path");
    return p;
}

/* An end more; config NULL: the usual one. */
static inline hp_sctp *pipe_add(pipe_t *p, uint64_t seed, const hp_sctp_config *config)
{
    static const hp_sctp_config usual = {.mtu = 1150};
    g_autoptr(GError) error = NULL;
    g_autofree char *name = g_strdup_printf("sctp:%u", p->n_ends);
    hp_rng rng;
    hp_rng_init(&rng, seed, name);
    pipe_end *end = &p->end[p->n_ends];
    *end = (pipe_end){.pipe = p, .index = p->n_ends++, .told = g_ptr_array_new_with_free_func(pipe_free_told)};
    end->sctp = hp_sctp_new(config ? config : &usual, &rng, &pipe_ops, end, &error);
    assert_null(error);
    assert_non_null(end->sctp);
    return end->sctp;
}

static inline void pipe_free(pipe_t *p)
{
    for (unsigned i = 0; i < p->n_ends; i++) {
        hp_sctp_free(p->end[i].sctp);
        g_ptr_array_unref(p->end[i].told);
    }
    g_ptr_array_unref(p->packets);
    g_free(p);
    assert_int_equal(pipe_clock.looked_outside, 0);
    pipe_clock.now = 0;
}

static inline pipe_packet *pipe_next_arrival(pipe_t *p)
{
    pipe_packet *next = NULL;
    while (p->first_flying < p->packets->len) {
        const pipe_packet *first = p->packets->pdata[p->first_flying];
        if (!first->lost && !first->arrived) {
            break;
        }
        p->first_flying++;
    }
    for (unsigned i = p->first_flying; i < p->packets->len; i++) {
        pipe_packet *packet = p->packets->pdata[i];
        if (!packet->lost && !packet->arrived && (!next || packet->due < next->due)) {
            next = packet;
        }
    }
    return next;
}

static inline void pipe_run(pipe_t *p, hp_time until)
{
    for (;;) {
        pipe_packet *arrival = pipe_next_arrival(p);
        hp_time at = arrival ? arrival->due : HP_NEVER;
        pipe_end *due = NULL;
        for (unsigned i = 0; i < p->n_ends; i++) {
            hp_time deadline = p->end[i].sctp ? MAX(hp_sctp_deadline(p->end[i].sctp), p->now) : HP_NEVER;
            if (deadline < at) {
                at = deadline;
                due = &p->end[i];
            }
        }
        if (at > until || (!due && !arrival)) {
            break;
        }
        p->now = pipe_clock.now = at;
        if (due) {
            p->runs++;
            hp_sctp_run(due->sctp, p->now);
        } else {
            arrival->arrived = true;
            gsize len;
            const uint8_t *data = g_bytes_get_data(arrival->bytes, &len);
            hp_sctp *to = p->end[arrival->from ^ 1].sctp;
            if (to) {
                hp_sctp_input(to, p->now, data, len);
            }
        }
    }
    p->now = pipe_clock.now = until;
}

/* Two connected ends, 10 ms from each other. */
static inline pipe_t *pipe_connected(uint64_t seed)
{
    pipe_t *p = pipe_new(seed, 10 * HP_MS);
    pipe_add(p, seed, NULL);
    pipe_add(p, seed, NULL);
    hp_sctp_start(p->end[0].sctp, 0);
    hp_sctp_start(p->end[1].sctp, 0);
    pipe_run(p, HP_S);
    assert_int_equal(hp_sctp_get_state(p->end[0].sctp), HP_SCTP_CONNECTED);
    assert_int_equal(hp_sctp_get_state(p->end[1].sctp), HP_SCTP_CONNECTED);
    return p;
}

/* The n-th event of a kind that an end told, or NULL. */
static inline const pipe_told *pipe_find(const pipe_t *p, unsigned end, hp_sctp_event_kind kind, unsigned n)
{
    for (unsigned i = 0; i < p->end[end].told->len; i++) {
        const pipe_told *told = p->end[end].told->pdata[i];
        if (told->event.kind == kind && n-- == 0) {
            return told;
        }
    }
    return NULL;
}

static inline unsigned pipe_count(const pipe_t *p, unsigned end, hp_sctp_event_kind kind)
{
    unsigned n = 0;
    while (pipe_find(p, end, kind, n)) {
        n++;
    }
    return n;
}

static inline hp_sctp_result pipe_say(pipe_t *p, unsigned end, uint16_t stream, const void *data, size_t len)
{
    return hp_sctp_send(p->end[end].sctp, p->now,
                        &(hp_sctp_message){.stream = stream, .ppid = 53, .data = data, .length = len});
}

#endif
