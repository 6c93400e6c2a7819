/* A UPnP gateway under test, one stream to it, and what it sent on record. */
#ifndef HP_TESTS_ENGINES_UPNP_RIG_H
#define HP_TESTS_ENGINES_UPNP_RIG_H

#include "engines/pcp_gateway.h"

#include "engines/upnp_igd.h"

typedef struct rig {
    gateway g;
    hp_upnp_igd *igd;
    hp_upnp_conn *conn;
    hp_addr host;
    hp_time now;
    unsigned sent;
    hp_time sent_at;
    hp_addr to;
    GString *datagram, *stream; /* the last one; all of it */
    bool closed;
    hp_upnp_event event;
    char action[64]; /* of the event */
    unsigned events;
} rig;

static inline void on_send(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    rig *r = user;
    r->sent++;
    r->sent_at = now;
    r->to = *to;
    g_string_truncate(r->datagram, 0);
    g_string_append_len(r->datagram, (const char *)data, (gssize)len);
}

static inline void on_stream_send(void *user, hp_time now, void *stream, const uint8_t *data, size_t len)
{
    rig *r = user;
    assert_ptr_equal(stream, r);
    g_string_append_len(r->stream, (const char *)data, (gssize)len);
}

static inline void on_stream_close(void *user, hp_time now, void *stream)
{
    rig *r = user;
    assert_false(r->closed);
    r->closed = true;
}

static inline void on_event(void *user, hp_time now, const hp_upnp_event *event)
{
    rig *r = user;
    r->events++;
    r->event = *event;
    g_strlcpy(r->action, event->action, sizeof r->action);
}

static inline void start(rig *r)
{
    static const hp_upnp_ops ops = {
        .send = on_send,
        .stream_send = on_stream_send,
        .stream_close = on_stream_close,
        .event = on_event,
    };
    hp_addr inside = gateway_addr("192.168.1.1");
    hp_rng rng;
    hp_rng_init(&rng, 1, "igd");
    g_clear_pointer(&r->igd, hp_upnp_igd_free);
    gateway_start(&r->g, 0);
    r->igd = hp_upnp_igd_new(r->g.leases, &inside, &rng, &ops, r);
    r->conn = hp_upnp_igd_accepted(r->igd, &r->host, r);
    r->closed = false;
}

static inline int setup(void **state)
{
    rig *r = g_new0(rig, 1);
    r->datagram = g_string_new(NULL);
    r->stream = g_string_new(NULL);
    r->host = gateway_addr("192.168.1.10:50000");
    start(r);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    rig *r = *state;
    hp_upnp_igd_free(r->igd);
    hp_leases_free(r->g.leases);
    g_string_free(r->datagram, true);
    g_string_free(r->stream, true);
    g_free(r);
    return 0;
}

static inline void assert_has(const GString *text, const char *part)
{
    if (strstr(text->str, part) == NULL) {
        fail_msg("no `%s` in:\n%s", part, text->str);
    }
}

static inline void put(rig *r, const char *text, size_t len)
{
    g_autofree uint8_t *exact = g_memdup2(text, len);
    hp_upnp_igd_stream(r->conn, r->now, exact, len);
}

/* One request; returns the status. */
static inline unsigned http(rig *r, const char *text)
{
    g_string_truncate(r->stream, 0);
    put(r, text, strlen(text));
    if (!g_str_has_prefix(r->stream->str, "HTTP/1.1 ")) {
        return 0;
    }
    return (unsigned)g_ascii_strtoull(r->stream->str + 9, NULL, 10);
}

#endif
