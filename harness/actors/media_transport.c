/* Theory of operation.
 *
 * The DTLS endpoint is made when the role is known and started when there is a path too: on either side, since an
 * answer to a ClientHello that finds no path is lost, and DTLS would wait a second before it tries again. Until then up
 * to MAX_WAITING datagrams of DTLS wait. That also serves an offerer that left the choice of roles to the answer and
 * hears the ClientHello first (RFC 8842 section 5.3): it listens when the answer has come.
 *
 * RTP and RTCP are told apart by RFC 5761 section 4, whatever component they come on; each is authenticated in a copy.
 * Keys come out of the exporter (RFC 5764 section 4.2) or of the descriptions (RFC 4568); in both cases one context
 * each way serves RTP and RTCP, as they do with rtcp-mux. Without it each component has a transport and, by DTLS, keys
 * of its own (RFC 5764 section 4).
 *
 * When the other side says close_notify nothing more is sent, but what was overtaken by it is still taken.
 */
#include "actors/media_transport.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "actors/media_secure.h"
#include "wire/bytes.h"
#include "wire/demux.h"

enum {
    MAX_WAITING = 8,
    /* What is authenticated on the stack; longer packets are copied to the heap. */
    USUAL_PACKET = HP_MEDIA_PACKET_MAX + HP_SRTP_MAX_OVERHEAD,
};

typedef struct waiting {
    uint8_t *data;
    size_t len;
    uint32_t record;
} waiting;

struct hp_media_transport {
    hp_media_transport_config config;
    const hp_media_transport_ops *ops;
    void *user;
    hp_rng rng;
    hp_dtls *dtls; /* from when the role is known */
    bool started, writable, keyed, over;
    hp_dtls_fingerprint expected[HP_DTLS_MAX_FINGERPRINTS];
    unsigned n_expected;
    hp_srtp *in, *out;
    waiting queue[MAX_WAITING];
    unsigned n_waiting;
    uint32_t record; /* of the datagram that DTLS is looking at */
};

static const char *const kind_names[] = {
    [HP_WIRE_OTHER] = "other", [HP_WIRE_STUN] = "stun", [HP_WIRE_CHANNEL_DATA] = "channel-data",
    [HP_WIRE_DTLS] = "dtls",   [HP_WIRE_RTP] = "rtp",   [HP_WIRE_RTCP] = "rtcp",
};
static_assert(G_N_ELEMENTS(kind_names) == HP_WIRE_RTCP + 1, "a kind of datagram lacks its name");

#define TRACE(t, kind, ...)                                                                                            \
    hp_trace_event(hp_world_trace((t)->config.world), hp_world_now((t)->config.world), (kind), (t)->config.peer,       \
                   __VA_ARGS__)
#define WHERE(t)                                                                                                       \
    HP_FU("session", (t)->config.session), HP_FU("stream", (t)->config.stream),                                        \
        HP_FU("component", (t)->config.component)

static const char *with_text(const hp_media_transport *t)
{
    return *t->config.with ? *t->config.with : "";
}

/* ---- telling ---- */

static void trace_ignored(const hp_media_transport *t, const char *what, const char *reason, uint32_t record)
{
    TRACE(t, HP_EV_MEDIA_IGNORED, WHERE(t), HP_FS("what", what), HP_FS("reason", reason), HP_FU("packet", record));
}

static void trace_state(const hp_media_transport *t, const char *state, hp_dtls_profile profile, const char *reason)
{
    TRACE(t, HP_EV_DTLS_STATE, HP_FU("session", t->config.session), HP_FS("with", with_text(t)),
          HP_FU("stream", t->config.stream), HP_FU("component", t->config.component), HP_FS("state", state),
          HP_FS("role", hp_dtls_role_name(hp_dtls_get_role(t->dtls))),
          HP_FS("profile", profile != HP_DTLS_PROFILE_NONE ? hp_dtls_profile_name(profile) : ""),
          HP_FS("reason", reason));
}

static void hex(char *out, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

static void trace_key(const hp_media_transport *t, const char *direction, const hp_srtp_keys *keys)
{
    char key[2 * HP_SRTP_MAX_KEY + 1], salt[2 * HP_SRTP_MAX_SALT + 1];
    hex(key, keys->key, hp_srtp_key_length(keys->profile));
    hex(salt, keys->salt, hp_srtp_salt_length(keys->profile));
    TRACE(t, HP_EV_SRTP_KEY, WHERE(t), HP_FS("direction", direction),
          HP_FS("profile", hp_srtp_profile_name(keys->profile)), HP_FS("key", key), HP_FS("salt", salt));
}

/* data: as it came; its header is in the clear, and unauthenticated. */
static void trace_refused(const hp_media_transport *t, hp_wire_kind kind, const char *reason, const uint8_t *data,
                          size_t len, uint32_t record)
{
    bool rtp = kind == HP_WIRE_RTP;
    size_t at = rtp ? 8 : 4;
    uint32_t ssrc = len >= at + 4 ? hp_get32(data + at) : 0;
    uint32_t sequence = rtp && len >= 4 ? hp_get16(data + 2) : 0;
    unsigned track = hp_media_hub_find_track(t->config.hub, with_text(t), t->config.peer, t->config.stream, ssrc);
    TRACE(t, HP_EV_SRTP_REFUSED, WHERE(t), HP_FS("what", kind_names[kind]), HP_FS("reason", reason),
          HP_FU("track", track), HP_FU("ssrc", ssrc), HP_FU("sequence", sequence), HP_FU("packet", record));
}

/* ---- keys ---- */

static hp_srtp *context_new(const hp_media_transport *t, hp_srtp_direction direction, const hp_srtp_keys *keys)
{
    g_autoptr(GError) error = NULL;
    /* Retransmissions without RTX and duplicates in a recording are the same packet again, octet for octet. */
    hp_srtp_config config = {.direction = direction,
                             .window = t->config.secure->replay_window,
                             .allow_repeat = direction == HP_SRTP_OUTBOUND};
    hp_srtp *srtp = hp_srtp_new(&config, keys, &error);
    if (!srtp) {
        g_error("%s", error->message); /* the configuration was checked, and the keys are ours */
    }
    return srtp;
}

static void take_keys(hp_media_transport *t, const hp_srtp_keys *out, const hp_srtp_keys *in)
{
    t->out = context_new(t, HP_SRTP_OUTBOUND, out);
    t->in = context_new(t, HP_SRTP_INBOUND, in);
    trace_key(t, "out", out);
    trace_key(t, "in", in);
}

static void become_keyed(hp_media_transport *t, hp_time now)
{
    t->keyed = true;
    t->ops->keyed(t->user, t, now);
}

static void take_exported(hp_media_transport *t, const hp_dtls_keys *keys)
{
    g_autoptr(GError) error = NULL;
    hp_srtp_keys client, server;
    if (keys->length == 0) {
        return;
    }
    if (!hp_srtp_keys_from_exporter(keys->profile, keys->block, keys->length, &client, &server, &error)) {
        g_error("%s", error->message);
    }
    bool active = hp_dtls_get_role(t->dtls) == HP_DTLS_ACTIVE;
    take_keys(t, active ? &client : &server, active ? &server : &client);
}

static void become_over(hp_media_transport *t, hp_time now, const char *reason)
{
    if (!t->over) {
        t->over = true;
        t->ops->over(t->user, t, now, reason);
    }
}

/* ---- DTLS ---- */

static void dtls_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    hp_media_transport *t = user;
    t->ops->send(t->user, t->config.stream, t->config.component, data, len);
}

static void trace_alert(const hp_media_transport *t, const char *direction, const hp_dtls_event *event)
{
    TRACE(t, HP_EV_DTLS_ALERT, WHERE(t), HP_FS("direction", direction), HP_FU("fatal", event->fatal ? 1 : 0),
          HP_FU("number", event->number), HP_FS("name", event->detail));
}

static void dtls_event(void *user, hp_time now, const hp_dtls_event *event)
{
    hp_media_transport *t = user;
    const hp_dtls_keys *keys = hp_dtls_get_keys(t->dtls);
    switch (event->kind) {
    case HP_DTLS_EV_HANDSHAKE:
        if (hp_dtls_get_state(t->dtls) == HP_DTLS_UNVERIFIED) {
            trace_state(t, "unverified", event->profile, "");
        }
        break;
    case HP_DTLS_EV_CONNECTED:
        trace_state(t, "connected", event->profile, "");
        take_exported(t, event->keys);
        become_keyed(t, now);
        break;
    case HP_DTLS_EV_DATA:
        t->ops->data(t->user, t, now, event->data, event->length, t->record);
        break;
    case HP_DTLS_EV_TIMEOUT:
        TRACE(t, HP_EV_DTLS_TIMEOUT, WHERE(t), HP_FU("number", event->number));
        break;
    case HP_DTLS_EV_ALERT_SENT:
        trace_alert(t, "out", event);
        break;
    case HP_DTLS_EV_ALERT_RECEIVED:
        trace_alert(t, "in", event);
        break;
    case HP_DTLS_EV_FAILED:
        trace_state(t, "failed", HP_DTLS_PROFILE_NONE, hp_dtls_failure_name(event->failure));
        become_over(t, now, hp_dtls_failure_name(event->failure));
        break;
    case HP_DTLS_EV_CLOSED:
        trace_state(t, "closed", keys ? keys->profile : HP_DTLS_PROFILE_NONE, event->by_peer ? "peer" : "local");
        become_over(t, now, event->by_peer ? "peer" : "local");
        break;
    case HP_DTLS_EV_DROPPED:
        trace_ignored(t, "dtls", event->detail, t->record);
        break;
    case HP_DTLS_EV_KEYLOG:
        TRACE(t, HP_EV_DTLS_SECRET, HP_FS("line", event->detail));
        break;
    }
}

/* Not while the session has no agent yet: then OpenSSL sees the process's clock, and only to open an endpoint. */
static void dtls_enter(void *user)
{
    const hp_media_transport *t = user;
    if (*t->config.env) {
        hp_seam_enter(*t->config.env);
    }
}

static void dtls_leave(void *user)
{
    const hp_media_transport *t = user;
    if (*t->config.env) {
        hp_seam_leave(*t->config.env);
    }
}

static const hp_dtls_ops dtls_ops = {.send = dtls_send, .event = dtls_event, .enter = dtls_enter, .leave = dtls_leave};

static void input_dtls(hp_media_transport *t, hp_time now, const uint8_t *data, size_t len, uint32_t record)
{
    t->record = record;
    hp_dtls_input(t->dtls, now, data, len);
    t->record = 0;
}

static void start_if_ready(hp_media_transport *t, hp_time now)
{
    if (!t->dtls || !t->writable || t->started || t->over) {
        return;
    }
    t->started = true;
    trace_state(t, "handshaking", HP_DTLS_PROFILE_NONE, "");
    hp_dtls_start(t->dtls, now);
    for (unsigned i = 0; i < t->n_waiting; i++) {
        input_dtls(t, now, t->queue[i].data, t->queue[i].len, t->queue[i].record);
        g_free(t->queue[i].data);
    }
    t->n_waiting = 0;
}

static void hear_dtls(hp_media_transport *t, hp_time now, const uint8_t *data, size_t len, uint32_t record)
{
    if (t->started) {
        input_dtls(t, now, data, len, record);
    } else if (t->in || t->over) {
        trace_ignored(t, "dtls", t->in ? "keys stand in the description" : "association over", record);
    } else if (t->n_waiting == MAX_WAITING) {
        trace_ignored(t, "dtls", "too many wait", record);
    } else {
        t->queue[t->n_waiting++] = (waiting){.data = g_memdup2(data, len), .len = len, .record = record};
    }
}

/* ---- construction ---- */

hp_media_transport *hp_media_transport_new(const hp_media_transport_config *config, const hp_media_transport_ops *ops,
                                           void *user, GError **error)
{
    if (!hp_media_secure_check(config->secure, error) || !hp_srtp_start(error)) {
        return NULL;
    }
    hp_media_transport *t = g_new0(hp_media_transport, 1);
    t->config = *config;
    t->ops = ops;
    t->user = user;
    g_autofree char *stream = g_strdup_printf("dtls:%s/%" G_GUINT64_FORMAT "/%u/%u", config->peer, config->session,
                                              config->stream, config->component);
    hp_world_rng(config->world, stream, &t->rng);
    return t;
}

void hp_media_transport_free(hp_media_transport *t)
{
    if (!t) {
        return;
    }
    for (unsigned i = 0; i < t->n_waiting; i++) {
        g_free(t->queue[i].data);
    }
    hp_dtls_free(t->dtls);
    hp_srtp_free(t->in);
    hp_srtp_free(t->out);
    g_free(t);
}

void hp_media_transport_set_role(hp_media_transport *t, hp_time now, hp_dtls_role role)
{
    if (t->dtls || t->in || t->over) {
        return;
    }
    hp_dtls_config config = hp_media_secure_dtls(t->config.secure, role, t->config.srtp);
    g_autoptr(GError) error = NULL;
    const hp_dtls_identity *identity = hp_media_hub_identity(t->config.hub, t->config.peer, &error);
    if (identity) {
        t->dtls = hp_dtls_new(&config, identity, &t->rng, &dtls_ops, t, &error);
    }
    if (!t->dtls) {
        g_error("%s", error->message); /* the configuration was checked; what is left is an OpenSSL that cannot do it */
    }
    hp_dtls_set_peer_fingerprints(t->dtls, now, t->expected, t->n_expected);
    start_if_ready(t, now);
}

void hp_media_transport_expect(hp_media_transport *t, hp_time now, const hp_dtls_fingerprint *fingerprints, size_t n)
{
    t->n_expected = (unsigned)MIN(n, HP_DTLS_MAX_FINGERPRINTS);
    for (unsigned i = 0; i < t->n_expected; i++) {
        t->expected[i] = fingerprints[i];
    }
    if (t->dtls) {
        hp_dtls_set_peer_fingerprints(t->dtls, now, t->expected, t->n_expected);
    }
}

void hp_media_transport_set_keys(hp_media_transport *t, hp_time now, const hp_srtp_keys *out, const hp_srtp_keys *in)
{
    if (t->dtls || t->in || t->over) {
        return;
    }
    take_keys(t, out, in);
    if (t->writable) {
        become_keyed(t, now);
    }
}

void hp_media_transport_set_writable(hp_media_transport *t, hp_time now)
{
    if (t->writable) {
        return;
    }
    t->writable = true;
    if (t->dtls) {
        start_if_ready(t, now);
    } else if (t->in) {
        become_keyed(t, now);
    }
}

/* ---- what comes in ---- */

static void hear_srtp(hp_media_transport *t, hp_time now, hp_wire_kind kind, const uint8_t *data, size_t len,
                      uint32_t record)
{
    if (!t->in) {
        trace_refused(t, kind, "no-keys", data, len, record);
        return;
    }
    alignas(8) uint8_t usual[USUAL_PACKET];
    g_autofree uint8_t *large = len > sizeof usual ? g_malloc(len) : NULL;
    uint8_t *packet = large ? large : usual;
    memcpy(packet, data, len);
    hp_srtp_result result =
        kind == HP_WIRE_RTP ? hp_srtp_unprotect(t->in, packet, &len) : hp_srtp_unprotect_rtcp(t->in, packet, &len);
    if (result != HP_SRTP_OK) {
        trace_refused(t, kind, hp_srtp_result_name(result), data, len, record);
    } else if (kind == HP_WIRE_RTP) {
        t->ops->rtp(t->user, t, now, packet, len, record);
    } else {
        t->ops->rtcp(t->user, t, now, packet, len);
    }
}

void hp_media_transport_input(hp_media_transport *t, hp_time now, const uint8_t *data, size_t len, uint32_t record)
{
    hp_wire_kind kind = hp_wire_classify(data, len);
    switch (kind) {
    case HP_WIRE_DTLS:
        hear_dtls(t, now, data, len, record);
        return;
    case HP_WIRE_RTP:
    case HP_WIRE_RTCP:
        hear_srtp(t, now, kind, data, len, record);
        return;
    case HP_WIRE_OTHER:
    case HP_WIRE_STUN:
    case HP_WIRE_CHANNEL_DATA:
        trace_ignored(t, kind_names[kind], "no kind of media", record);
        return;
    }
}

/* ---- what goes out ---- */

static bool send_srtp(hp_media_transport *t, bool rtcp, const uint8_t *data, size_t len)
{
    alignas(8) uint8_t packet[USUAL_PACKET];
    if (!t->keyed || !t->out || t->over || len > HP_MEDIA_PACKET_MAX) {
        return false;
    }
    memcpy(packet, data, len);
    hp_srtp_result result = rtcp ? hp_srtp_protect_rtcp(t->out, packet, &len, sizeof packet)
                                 : hp_srtp_protect(t->out, packet, &len, sizeof packet);
    return result == HP_SRTP_OK && t->ops->send(t->user, t->config.stream, t->config.component, packet, len);
}

bool hp_media_transport_send_rtp(hp_media_transport *t, const uint8_t *data, size_t len)
{
    return send_srtp(t, false, data, len);
}

bool hp_media_transport_send_rtcp(hp_media_transport *t, const uint8_t *data, size_t len)
{
    return send_srtp(t, true, data, len);
}

bool hp_media_transport_send_data(hp_media_transport *t, hp_time now, const uint8_t *data, size_t len)
{
    return t->dtls && !t->over && hp_dtls_send(t->dtls, now, data, len, NULL);
}

hp_time hp_media_transport_deadline(const hp_media_transport *t)
{
    return t->dtls ? hp_dtls_deadline(t->dtls) : HP_NEVER;
}

void hp_media_transport_run(hp_media_transport *t, hp_time now)
{
    if (t->dtls) {
        hp_dtls_run(t->dtls, now);
    }
}

void hp_media_transport_close(hp_media_transport *t, hp_time now)
{
    if (t->started) {
        hp_dtls_close(t->dtls, now);
    }
    become_over(t, now, "local");
}

bool hp_media_transport_is_keyed(const hp_media_transport *t)
{
    return t->keyed && !t->over;
}

const hp_dtls *hp_media_transport_dtls(const hp_media_transport *t)
{
    return t->dtls;
}
