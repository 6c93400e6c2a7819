/* TLS and DTLS under a raw peer's sockets: the project's own endpoints, on the raw agent's stream or datagrams.
 *
 * With TLS, all that the connection carries goes through it. With DTLS, datagrams of the peer whose first byte is that
 * of a DTLS record do (RFC 7983 section 7), and what the script sends to that peer too, unless the socket is `plain`:
 * then the handshake alone is DTLS, as in DTLS-SRTP, and all else is as the script spells it out.
 *
 * Certificates are taken as they come; ours is made of the peer's stream, for the side that needs one. An endpoint that
 * is replaced is freed once nothing of it can be running. */
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"
#include "wire/demux.h"

enum { CHUNK = 4096 };

static void enter(void *user)
{
    const hp_raw *raw = ((hp_raw_endpoint *)user)->raw;
    if (raw->ops->enter != NULL) {
        raw->ops->enter(raw->user);
    }
}

static void leave(void *user)
{
    const hp_raw *raw = ((hp_raw_endpoint *)user)->raw;
    if (raw->ops->leave != NULL) {
        raw->ops->leave(raw->user);
    }
}

static void tell_secret(hp_raw_endpoint *at, const char *line)
{
    hp_raw_tell(at->raw, &(hp_raw_event){.kind = HP_RAW_EV_KEYLOG, .text = line});
}

static void tell(hp_raw_endpoint *at, hp_raw_arrival_kind kind, const char *detail)
{
    const hp_raw_arrival arrival = {
        .kind = kind, .at = at, .from = at->remote, .to = at->local, .detail = g_strdup(detail), .packet = at->packet};
    hp_raw_arrive(at->raw, &arrival);
}

static void is_secured(hp_raw_endpoint *at, const char *detail)
{
    at->handshaking = false;
    at->state = HP_RAW_SOCKET_OPEN;
    tell(at, HP_RAW_SECURED, detail);
}

/* Of a stream: nothing more comes. Of DTLS: the socket itself is as good as it was. */
static void is_over(hp_raw_endpoint *at, hp_raw_arrival_kind kind, const char *detail)
{
    bool told = at->state == HP_RAW_SOCKET_ENDED;
    at->handshaking = false;
    at->state = at->tls != NULL ? HP_RAW_SOCKET_ENDED : HP_RAW_SOCKET_OPEN;
    if (!told) {
        tell(at, kind, detail);
    }
}

/* ---- TLS ---- */

static void on_tls(void *user, const hp_tls_event *event)
{
    hp_raw_endpoint *at = user;
    switch (event->kind) {
    case HP_TLS_EV_CONNECTED:
        is_secured(at, event->alpn);
        break;
    case HP_TLS_EV_KEYLOG:
        tell_secret(at, event->detail);
        break;
    case HP_TLS_EV_CLOSED:
        if (event->by_peer) {
            is_over(at, HP_RAW_CLOSED, "close_notify");
        }
        break;
    case HP_TLS_EV_FAILED:
        is_over(at, HP_RAW_FAILED, event->detail);
        break;
    case HP_TLS_EV_ALERT_SENT:
    case HP_TLS_EV_ALERT_RECEIVED:
        break;
    }
}

static void flush_tls(hp_raw_endpoint *at)
{
    size_t len;
    const uint8_t *bytes;
    while (at->tls != NULL && (bytes = hp_tls_output(at->tls, &len), len > 0)) {
        hp_raw_write(at, bytes, len);
        hp_tls_output_sent(at->tls, len);
    }
}

static void read_tls(hp_raw_endpoint *at)
{
    uint8_t chunk[CHUNK];
    size_t len;
    while (at->tls != NULL && (len = hp_tls_read(at->tls, chunk, sizeof chunk)) > 0) {
        hp_raw_stream_arrive(at, chunk, len);
    }
}

void hp_raw_secure_bytes(hp_raw_endpoint *at, const uint8_t *data, size_t len)
{
    while (at->tls != NULL) {
        size_t taken = hp_tls_input(at->tls, data, len);
        data += taken;
        len -= taken;
        read_tls(at);
        flush_tls(at);
        if (len == 0 || taken == 0) {
            break;
        }
    }
}

void hp_raw_secure_end(hp_raw_endpoint *at)
{
    hp_tls_input_end(at->tls);
    read_tls(at);
    flush_tls(at);
}

static bool start_tls(hp_raw_endpoint *at, const hp_raw_secure *secure, const hp_rng *rng, GError **error)
{
    static const hp_tls_ops ops = {.event = on_tls};
    const hp_tls_config config = {.client = !secure->passive,
                                  .min = secure->min,
                                  .max = secure->max,
                                  .alpn = secure->alpn,
                                  .server_name = secure->server_name};
    at->tls_context = hp_tls_context_new(&config, at->raw->identity, error);
    if (at->tls_context == NULL) {
        return false;
    }
    at->tls = hp_tls_new(at->tls_context, rng, &ops, at);
    hp_tls_start(at->tls);
    flush_tls(at);
    return true;
}

/* ---- DTLS ---- */

static void on_dtls_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    hp_raw_endpoint *at = user;
    at->raw->ops->send(at->raw->user, at->number, &at->remote, data, len, 0, 0, false, &at->packet);
}

static void on_dtls(void *user, hp_time now, const hp_dtls_event *event)
{
    hp_raw_endpoint *at = user;
    switch (event->kind) {
    case HP_DTLS_EV_HANDSHAKE:
        is_secured(at, event->detail);
        break;
    case HP_DTLS_EV_DATA:
        hp_raw_message_arrive(at, &at->remote, event->data, event->length, 0, 0);
        break;
    case HP_DTLS_EV_KEYLOG:
        tell_secret(at, event->detail);
        break;
    case HP_DTLS_EV_CLOSED:
        if (event->by_peer) {
            is_over(at, HP_RAW_CLOSED, "close_notify");
        }
        break;
    case HP_DTLS_EV_FAILED:
        is_over(at, HP_RAW_FAILED, *event->detail != '\0' ? event->detail : hp_dtls_failure_name(event->failure));
        break;
    case HP_DTLS_EV_CONNECTED:
    case HP_DTLS_EV_TIMEOUT:
    case HP_DTLS_EV_ALERT_SENT:
    case HP_DTLS_EV_ALERT_RECEIVED:
    case HP_DTLS_EV_DROPPED:
        break;
    }
}

static bool start_dtls(hp_raw_endpoint *at, const hp_raw_secure *secure, const hp_rng *rng, GError **error)
{
    static const hp_dtls_ops ops = {.send = on_dtls_send, .event = on_dtls, .enter = enter, .leave = leave};
    const hp_dtls_config config = {.role = secure->passive ? HP_DTLS_PASSIVE : HP_DTLS_ACTIVE,
                                   .profiles = {HP_DTLS_PROFILE_AEAD_AES_128_GCM, HP_DTLS_PROFILE_AES128_CM_SHA1_80},
                                   .n_profiles = secure->srtp ? 2 : 0,
                                   .mtu = secure->mtu,
                                   .any_peer = true};
    at->dtls = hp_dtls_new(&config, at->raw->identity, rng, &ops, at, error);
    if (at->dtls == NULL) {
        return false;
    }
    hp_dtls_start(at->dtls, at->raw->now);
    return true;
}

bool hp_raw_secure_datagram(hp_raw_endpoint *at, const hp_addr *from, const uint8_t *data, size_t len)
{
    if (at->dtls == NULL || len == 0 || data[0] < 20 || data[0] > 63) {
        return false;
    }
    if (at->remote.family == HP_AF_NONE) { /* the passive side learns whom it is with */
        at->remote = *from;
    }
    if (!hp_addr_equal(from, &at->remote)) {
        return false;
    }
    hp_dtls_input(at->dtls, at->raw->now, data, len);
    return true;
}

/* ---- both ---- */

bool hp_raw_secure_start(hp_raw_endpoint *at, const hp_raw_secure *secure, const hp_addr *to, GError **error)
{
    hp_raw *raw = at->raw;
    hp_rng rng;
    hp_raw_secure_stop(at);
    if (!hp_raw_make_identity(raw, error)) {
        return false;
    }
    g_autofree char *name = g_strdup_printf("handshake-%" G_GUINT64_FORMAT, ++raw->generation);
    hp_rng_init(&rng, hp_rng_u64(&raw->rng), name);
    bool stream = at->config->transport == HP_RAW_OVER_TCP || at->config->transport == HP_RAW_OVER_TLS;
    at->handshaking = true;
    at->plain = secure->plain;
    if (!stream) {
        at->remote = to != NULL ? *to : (hp_addr){0};
    }
    at->state = at->plain ? HP_RAW_SOCKET_OPEN : HP_RAW_SOCKET_OPENING;
    bool ok = stream ? start_tls(at, secure, &rng, error) : start_dtls(at, secure, &rng, error);
    if (!ok) {
        at->handshaking = false;
        at->state = HP_RAW_SOCKET_OPEN;
    }
    return ok;
}

/* What may be in the middle of an event is freed with the agent: handshakes are few. */
void hp_raw_secure_stop(hp_raw_endpoint *at)
{
    hp_raw *raw = at->raw;
    if (at->tls != NULL) {
        g_ptr_array_add(raw->old_tls, at->tls);
        g_ptr_array_add(raw->old_contexts, at->tls_context);
        at->tls = NULL;
        at->tls_context = NULL;
    }
    if (at->dtls != NULL) {
        g_ptr_array_add(raw->old_dtls, at->dtls);
        at->dtls = NULL;
    }
    at->handshaking = at->plain = false;
}

bool hp_raw_secure_send(hp_raw_endpoint *at, const uint8_t *data, size_t len, GError **error)
{
    if (at->dtls != NULL) {
        return hp_dtls_send(at->dtls, at->raw->now, data, len, error);
    }
    while (len > 0) {
        size_t taken = hp_tls_write(at->tls, data, len);
        flush_tls(at);
        if (taken == 0) {
            g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "TLS takes nothing any more");
            return false;
        }
        data += taken;
        len -= taken;
    }
    return true;
}

void hp_raw_secure_close(hp_raw_endpoint *at)
{
    if (at->tls != NULL) {
        hp_tls_close(at->tls);
        flush_tls(at);
    } else if (at->dtls != NULL) {
        hp_dtls_close(at->dtls, at->raw->now);
    }
}
