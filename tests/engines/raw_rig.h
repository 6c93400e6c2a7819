/* A raw agent with nothing around it: what it sends is kept, what it tells is kept as lines of text. */
#ifndef TESTS_ENGINES_RAW_RIG_H
#define TESTS_ENGINES_RAW_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engines/raw.h"
#include "wire/stun_value.h"

typedef struct raw_out {
    unsigned socket;
    hp_addr to;
    GByteArray *bytes;
    hp_time at;
} raw_out;

typedef struct raw_rig {
    hp_raw *raw;
    hp_raw_config config;
    hp_time now;
    GArray *out; /* of raw_out; of streams a write each */
    GString *told; /* "sent 3 Binding request\n" */
    size_t room; /* what a stream takes */
    bool refuse; /* sends fail */
    bool loops; /* what is sent to its own socket comes back at once */
    unsigned n_closed, n_reset;
    char *signalled;
} raw_rig;

static inline bool rig_open(void *user, unsigned number, const hp_raw_socket *socket, const hp_addr *remote,
                            hp_addr *ret_local, GError **error)
{
    *ret_local = hp_addr_v4(0xc0000201, (uint16_t)(socket->port > 0 ? socket->port : 40000 + number));
    return true;
}

static inline void rig_close(void *user, unsigned number, bool reset)
{
    raw_rig *r = user;
    r->n_closed += !reset;
    r->n_reset += reset;
}

static inline void rig_keep(raw_rig *r, unsigned number, const hp_addr *to, const uint8_t *data, size_t len)
{
    raw_out o = {.socket = number, .to = to != NULL ? *to : (hp_addr){0}, .bytes = g_byte_array_new(), .at = r->now};
    g_byte_array_append(o.bytes, data, (guint)len);
    g_array_append_val(r->out, o);
}

static inline bool rig_send(void *user, unsigned number, const hp_addr *to, const uint8_t *data, size_t len,
                            uint8_t ttl, uint8_t tos, bool dont_fragment, uint32_t *ret_packet)
{
    raw_rig *r = user;
    if (r->refuse) {
        return false;
    }
    rig_keep(r, number, to, data, len);
    *ret_packet = r->out->len;
    if (r->loops) {
        hp_addr own;
        hp_raw_local(r->raw, NULL, &own);
        hp_raw_datagram_input(r->raw, r->now, number,
                              &(hp_raw_datagram){.from = own, .to = own, .data = data, .length = len});
    }
    return true;
}

static inline size_t rig_write(void *user, unsigned number, const uint8_t *data, size_t len, uint32_t *ret_packet)
{
    raw_rig *r = user;
    size_t taken = MIN(len, r->room);
    r->room -= taken;
    if (taken > 0) {
        rig_keep(r, number, NULL, data, taken);
    }
    *ret_packet = r->out->len;
    return taken;
}

static inline bool rig_resolve(void *user, const char *name, hp_raw_transport transport, hp_addr *ret)
{
    if (strcmp(name, "server") != 0) {
        return false;
    }
    *ret = hp_addr_v4(0xcb007101, transport == HP_RAW_OVER_TLS ? 5349 : 3478);
    return true;
}

static inline bool rig_own(void *user, hp_addr *ret)
{
    *ret = hp_addr_v4(0xc0000201, 0);
    return true;
}

static inline bool rig_signal(void *user, hp_time now, const hp_raw_signal *signal, GError **error)
{
    raw_rig *r = user;
    g_free(r->signalled);
    r->signalled = hp_raw_expand(r->raw, signal->json, error);
    return r->signalled != NULL;
}

static inline void rig_event(void *user, hp_time now, const hp_raw_event *e)
{
    static const char *const names[] = {"sent",       "received", "matched", "missed",
                                        "unexpected", "done",     "error",   "keylog"};
    raw_rig *r = user;
    if (e->kind == HP_RAW_EV_KEYLOG) {
        return;
    }
    g_string_append_printf(r->told, "%s", names[e->kind]);
    if (e->line > 0) {
        g_string_append_printf(r->told, " %u", e->line);
    }
    if (*e->text != '\0') {
        g_string_append_printf(r->told, " %s", e->text);
    }
    if (*e->nearest != '\0') {
        g_string_append_printf(r->told, " (%s: %s)", e->nearest, e->why);
    }
    g_string_append_c(r->told, '\n');
}

/* Actions of the main script; each gets its number from 1 as its line. */
static inline void rig_init(raw_rig *r, hp_raw_action *actions, unsigned n)
{
    static const hp_raw_ops ops = {.open = rig_open,
                                   .close = rig_close,
                                   .send = rig_send,
                                   .write = rig_write,
                                   .resolve = rig_resolve,
                                   .own_address = rig_own,
                                   .signal = rig_signal,
                                   .event = rig_event};
    hp_rng rng;
    hp_rng_init(&rng, 1, "raw-test");
    for (unsigned i = 0; i < n; i++) {
        actions[i].mark.line = i + 1;
    }
    r->config.script = (hp_raw_script){.name = (char *)"script", .actions = actions, .n_actions = n};
    r->out = g_array_new(FALSE, FALSE, sizeof(raw_out));
    r->told = g_string_new(NULL);
    r->room = SIZE_MAX;
    r->raw = hp_raw_new(&r->config, &rng, &ops, r);
    hp_raw_open(r->raw, 0);
}

static inline void rig_clear(raw_rig *r)
{
    hp_raw_free(r->raw);
    for (guint i = 0; i < r->out->len; i++) {
        g_byte_array_unref(g_array_index(r->out, raw_out, i).bytes);
    }
    g_array_unref(r->out);
    g_string_free(r->told, TRUE);
    g_free(r->signalled);
}

static inline void rig_start(raw_rig *r)
{
    hp_raw_start(r->raw, r->now);
}

/* Lets time pass, deadline by deadline. */
static inline void rig_run(raw_rig *r, hp_time until)
{
    while (hp_raw_deadline(r->raw) <= until) {
        r->now = MAX(r->now, hp_raw_deadline(r->raw));
        hp_raw_run(r->raw, r->now);
    }
    r->now = until;
}

static inline const raw_out *rig_out(const raw_rig *r, unsigned i)
{
    assert_true(i < r->out->len);
    return &g_array_index(r->out, raw_out, i);
}

static inline void rig_assert_out(const raw_rig *r, unsigned i, const char *hex)
{
    g_autofree char *actual = hp_hex_format(rig_out(r, i)->bytes->data, rig_out(r, i)->bytes->len);
    assert_string_equal(actual, hex);
}

/* A datagram from the server comes to socket 0. */
static inline void rig_datagram(raw_rig *r, const void *data, size_t len)
{
    const hp_addr from = hp_addr_v4(0xcb007101, 3478), to = hp_addr_v4(0xc0000201, 40000);
    hp_raw_datagram_input(r->raw, r->now, 0, &(hp_raw_datagram){.from = from, .to = to, .data = data, .length = len});
}

static inline void rig_assert_told(raw_rig *r, const char *lines)
{
    assert_string_equal(r->told->str, lines);
    g_string_truncate(r->told, 0);
}

#endif
