/* Two TLS endpoints and the bytes between them. */
#ifndef HP_TESTS_ENGINES_TLS_PIPE_H
#define HP_TESTS_ENGINES_TLS_PIPE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "engines/tls.h"

enum { CLIENT, SERVER };

typedef struct tls_told {
    hp_tls_event event; /* detail and alpn are interned */
    hp_dtls_fingerprint fingerprint;
} tls_told;

typedef struct tls_end {
    hp_tls_config config;
    hp_dtls_identity *identity;
    hp_tls_context *context;
    hp_tls *tls;
    GArray *told; /* of tls_told */
    GByteArray *sent; /* everything it ever sent */
} tls_end;

typedef struct tls_pipe {
    uint64_t seed;
    size_t cut; /* most bytes that are moved at a time; 0: any */
    tls_end end[2];
} tls_pipe;

static inline void tls_pipe_on_event(void *user, const hp_tls_event *event)
{
    tls_end *end = user;
    tls_told t = {.event = *event};
    assert_non_null(event->detail);
    t.event.detail = g_intern_string(event->detail);
    t.event.alpn = g_intern_string(event->alpn);
    if (event->fingerprint) {
        t.fingerprint = *event->fingerprint;
    }
    g_array_append_val(end->told, t);
}

/* Both with ALPN and any version; change p->end[].config before tls_pipe_open(). */
static inline void tls_pipe_init(tls_pipe *p, uint64_t seed)
{
    *p = (tls_pipe){.seed = seed};
    p->end[CLIENT].config = (hp_tls_config){.client = true, .alpn = HP_TLS_ALPN, .server_name = "turn"};
    p->end[SERVER].config = (hp_tls_config){.alpn = HP_TLS_ALPN};
}

static inline void tls_pipe_open(tls_pipe *p)
{
    static const hp_tls_ops ops = {.event = tls_pipe_on_event};
    for (unsigned i = 0; i < 2; i++) {
        tls_end *end = &p->end[i];
        GError *error = NULL;
        hp_rng rng;
        if (i == SERVER && !end->identity) {
            hp_rng_init(&rng, p->seed, "certificate:turn");
            end->identity = hp_dtls_identity_new(&rng, "turn", &error);
            assert_null(error);
        }
        end->context = hp_tls_context_new(&end->config, end->identity, &error);
        assert_null(error);
        hp_rng_init(&rng, p->seed, i == SERVER ? "tls:turn" : "tls:alice");
        end->told = g_array_new(FALSE, FALSE, sizeof(tls_told));
        end->sent = g_byte_array_new();
        end->tls = hp_tls_new(end->context, &rng, &ops, end);
    }
}

static inline void tls_pipe_close(tls_pipe *p)
{
    for (unsigned i = 0; i < 2; i++) {
        tls_end *end = &p->end[i];
        hp_tls_free(end->tls);
        hp_tls_context_free(end->context);
        hp_dtls_identity_free(end->identity);
        g_array_unref(end->told);
        g_byte_array_unref(end->sent);
    }
}

/* Moves what one end has to send to the other, as far as that takes it. Returns how much. */
static inline size_t tls_pipe_move(tls_pipe *p, unsigned from)
{
    tls_end *a = &p->end[from], *b = &p->end[1 - from];
    size_t length;
    const uint8_t *bytes = hp_tls_output(a->tls, &length);
    length = p->cut != 0 ? MIN(length, p->cut) : length;
    if (length == 0) {
        return 0;
    }
    g_autofree uint8_t *exact = g_memdup2(bytes, length);
    size_t taken = hp_tls_input(b->tls, exact, length);
    g_byte_array_append(a->sent, exact, (guint)taken);
    hp_tls_output_sent(a->tls, taken);
    return taken;
}

static inline void tls_pipe_settle(tls_pipe *p)
{
    while (tls_pipe_move(p, CLIENT) + tls_pipe_move(p, SERVER) > 0) {
    }
}

static inline void tls_pipe_shake_hands(tls_pipe *p)
{
    hp_tls_start(p->end[CLIENT].tls);
    tls_pipe_settle(p);
}

static inline const tls_told *tls_pipe_find(const tls_pipe *p, unsigned who, hp_tls_event_kind kind)
{
    for (guint i = 0; i < p->end[who].told->len; i++) {
        const tls_told *t = &g_array_index(p->end[who].told, tls_told, i);
        if (t->event.kind == kind) {
            return t;
        }
    }
    return NULL;
}

static inline void tls_pipe_assert_state(const tls_pipe *p, unsigned who, const char *state)
{
    assert_string_equal(hp_tls_state_name(hp_tls_get_state(p->end[who].tls)), state);
}

static inline void tls_pipe_assert_failed(const tls_pipe *p, unsigned who, const char *detail)
{
    tls_pipe_assert_state(p, who, "failed");
    assert_string_equal(tls_pipe_find(p, who, HP_TLS_EV_FAILED)->event.detail, detail);
}

/* The number of the alert that it sent, or received; -1: none. */
static inline int tls_pipe_alert(const tls_pipe *p, unsigned who, hp_tls_event_kind kind)
{
    const tls_told *t = tls_pipe_find(p, who, kind);
    return t ? (int)t->event.number : -1;
}

#endif
