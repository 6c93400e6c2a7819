/* Counters, the selected pair and the state of DTLS, from webrtcbin's statistics.
 *
 * They come as one structure of structures, each with a "type"; the pair names both candidates by their ids. DTLS has
 * no signal of its own here: its state is read with each report. */
#include <string.h>

#include "adapters/webrtcbin/session.h"

typedef struct request {
    session *self;
    void (*done)(session *self);
    GstStructure *report; /* NULL: none came */
} request;

static const GstStructure *part(const GstStructure *report, const char *id)
{
    const GValue *value = id ? gst_structure_get_value(report, id) : NULL;
    return value && GST_VALUE_HOLDS_STRUCTURE(value) ? gst_value_get_structure(value) : NULL;
}

static gint64 number(const GstStructure *one, const char *field)
{
    const GValue *value = gst_structure_get_value(one, field);
    GValue converted = G_VALUE_INIT;
    if (!value) {
        return 0;
    }
    g_value_init(&converted, G_TYPE_INT64);
    return g_value_transform(value, &converted) ? g_value_get_int64(&converted) : 0;
}

/* What we send, by its SSRC; what we receive, by the clock of the stream itself, Opus' or VP8's: in a bundle 1.22 gives
 * every stream the codec and kind of one of them. -1 for another. */
static int kind_of(const session *self, const GstStructure *stream, bool inbound)
{
    for (int i = 0; i < SESSION_N_KINDS && !inbound; i++) {
        if (self->sends[i] && number(stream, "ssrc") == (gint64)self->ssrc[i]) {
            return i;
        }
    }
    const GstStructure *source = part(stream, "gst-rtpsource-stats");
    gint64 clock = source ? number(source, "clock-rate") : 0;
    return clock == 48000 ? SESSION_AUDIO : clock == 90000 ? SESSION_VIDEO : -1;
}

static const char *packets_field(bool inbound)
{
    return inbound ? "packets-received" : "packets-sent";
}

static void tell_stream(session *self, const GstStructure *stream, int kind, bool inbound)
{
    JsonObject *more = json_object_new();
    json_object_set_string_member(more, "kind", session_kind_names[kind]);
    json_object_set_string_member(more, "direction", inbound ? "in" : "out");
    json_object_set_int_member(more, "packets", number(stream, packets_field(inbound)));
    json_object_set_int_member(more, "octets", number(stream, inbound ? "bytes-received" : "bytes-sent"));
    if (inbound) {
        double jitter = 0;
        gst_structure_get_double(stream, "jitter", &jitter);
        json_object_set_int_member(more, "lost", number(stream, "packets-lost"));
        json_object_set_double_member(more, "jitter-ms", jitter * 1000);
    }
    json_object_set_int_member(more, "frames",
                               inbound ? g_atomic_int_get(&self->frames[kind].received)
                                       : g_atomic_int_get(&self->frames[kind].sent));
    session_say(self, "media", more);
}

static JsonObject *end_of(const GstStructure *candidate)
{
    JsonObject *end = json_object_new();
    const char *type = gst_structure_get_string(candidate, "candidate-type");
    const char *protocol = gst_structure_get_string(candidate, "protocol");
    const char *relay = gst_structure_get_string(candidate, "relay-protocol");
    g_autofree char *transport = g_ascii_strdown(protocol ? protocol : "udp", -1);
    json_object_set_string_member(end, "type", type ? type : "host");
    json_object_set_string_member(end, "address", gst_structure_get_string(candidate, "address"));
    json_object_set_int_member(end, "port", number(candidate, "port"));
    json_object_set_string_member(end, "transport", transport);
    if (relay && g_strcmp0(type, "relay") == 0) {
        json_object_set_string_member(end, "relay-protocol", relay);
    }
    return end;
}

static void tell_pair(session *self, const GstStructure *report, const GstStructure *pair)
{
    const GstStructure *local = part(report, gst_structure_get_string(pair, "local-candidate-id"));
    const GstStructure *remote = part(report, gst_structure_get_string(pair, "remote-candidate-id"));
    if (!local || !remote) {
        return;
    }
    g_autofree char *text =
        g_strdup_printf("%s %" G_GINT64_FORMAT " %s %" G_GINT64_FORMAT, gst_structure_get_string(local, "address"),
                        number(local, "port"), gst_structure_get_string(remote, "address"), number(remote, "port"));
    if (g_strcmp0(text, self->pair) == 0) {
        return;
    }
    g_free(self->pair);
    self->pair = g_steal_pointer(&text);
    JsonObject *more = json_object_new();
    json_object_set_object_member(more, "local", end_of(local));
    json_object_set_object_member(more, "remote", end_of(remote));
    session_say(self, "selected-pair", more);
}

typedef struct visit {
    session *self;
    const GstStructure *report;
    const GstStructure *streams[SESSION_N_KINDS][2]; /* kind, inbound: the one with the most packets */
} visit;

static void visit_stream(visit *of, const GstStructure *stream, bool inbound)
{
    int kind = kind_of(of->self, stream, inbound);
    gint64 packets = number(stream, packets_field(inbound));
    if (kind < 0 || packets == 0) {
        return;
    }
    const GstStructure **best = &of->streams[kind][inbound];
    if (!*best || packets > number(*best, packets_field(inbound))) { /* the other is of retransmissions */
        *best = stream;
    }
}

static gboolean visit_part(GQuark id, const GValue *value, void *user)
{
    visit *of = user;
    GstWebRTCStatsType type;
    const GstStructure *one = GST_VALUE_HOLDS_STRUCTURE(value) ? gst_value_get_structure(value) : NULL;
    if (!one || !gst_structure_get(one, "type", GST_TYPE_WEBRTC_STATS_TYPE, &type, NULL)) {
        return TRUE;
    }
    if (type == GST_WEBRTC_STATS_INBOUND_RTP || type == GST_WEBRTC_STATS_OUTBOUND_RTP) {
        visit_stream(of, one, type == GST_WEBRTC_STATS_INBOUND_RTP);
    } else if (type == GST_WEBRTC_STATS_CANDIDATE_PAIR) {
        tell_pair(of->self, of->report, one);
    }
    return TRUE;
}

static void tell_report(session *self, const GstStructure *report)
{
    visit of = {.self = self, .report = report};
    gst_structure_foreach(report, visit_part, &of);
    for (int kind = 0; kind < SESSION_N_KINDS; kind++) {
        for (int inbound = 0; inbound < 2; inbound++) {
            if (of.streams[kind][inbound]) {
                tell_stream(self, of.streams[kind][inbound], kind, inbound);
            }
        }
    }
}

/* Of the transport that all lines share. */
static void tell_dtls(session *self)
{
    g_autoptr(GstWebRTCRTPTransceiver) transceiver = NULL;
    g_autoptr(GstWebRTCRTPSender) sender = NULL;
    g_autoptr(GstObject) sctp = NULL;
    g_autoptr(GstWebRTCDTLSTransport) transport = NULL;
    g_signal_emit_by_name(self->bin, "get-transceiver", 0, &transceiver);
    if (transceiver) {
        g_object_get(transceiver, "sender", &sender, NULL);
        g_object_get(sender, "transport", &transport, NULL);
    } else {
        g_object_get(self->bin, "sctp-transport", &sctp, NULL);
        if (sctp) {
            g_object_get(sctp, "transport", &transport, NULL);
        }
    }
    if (!transport) {
        return;
    }
    GstWebRTCDTLSTransportState state;
    g_object_get(transport, "state", &state, NULL);
    g_autoptr(GEnumClass) names = g_type_class_ref(GST_TYPE_WEBRTC_DTLS_TRANSPORT_STATE);
    const GEnumValue *name = g_enum_get_value(names, (int)state);
    if (name && g_strcmp0(name->value_nick, self->dtls) != 0) {
        g_free(self->dtls);
        self->dtls = g_strdup(name->value_nick);
        session_say_state(self, "dtls-state", self->dtls);
    }
}

static gboolean tell(void *user)
{
    request *one = user;
    if (!one->self->closed) {
        tell_dtls(one->self);
        if (one->report) {
            tell_report(one->self, one->report);
        }
    }
    if (one->done) {
        one->done(one->self);
    }
    g_clear_pointer(&one->report, gst_structure_free);
    g_free(one);
    return G_SOURCE_REMOVE;
}

static void on_report(GstPromise *promise, void *user)
{
    request *one = user;
    const GstStructure *reply =
        gst_promise_wait(promise) == GST_PROMISE_RESULT_REPLIED ? gst_promise_get_reply(promise) : NULL;
    one->report = reply ? gst_structure_copy(reply) : NULL;
    gst_promise_unref(promise);
    g_idle_add_full(G_PRIORITY_DEFAULT, tell, one, NULL);
}

void session_stats(session *self, void (*done)(session *self))
{
    request *one = g_new0(request, 1);
    *one = (request){.self = self, .done = done};
    if (self->closed) {
        g_idle_add_full(G_PRIORITY_DEFAULT, tell, one, NULL);
        return;
    }
    g_signal_emit_by_name(self->bin, "get-stats", NULL, gst_promise_new_with_change_func(on_report, one, NULL));
}
