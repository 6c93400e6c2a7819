/* One call of webrtcbin's: descriptions, candidates, states.
 *
 * Everything here runs in the main context; the library's callbacks are posted into it (post.c), in order, so that
 * a description is sent before the candidates that follow it. A promise's reply belongs to the promise: what is read
 * from it is copied before the promise goes.
 *
 * webrtcbin 1.22 cannot restart ICE, and an offer that asks it to is not answered. */
#include "adapters/webrtcbin/session.h"

#include <string.h>

const char *const session_kind_names[] = {[SESSION_AUDIO] = "audio", [SESSION_VIDEO] = "video"};
/* Of our own offers. */
static const int own_types[] = {[SESSION_AUDIO] = 111, [SESSION_VIDEO] = 96};
static const char *const codecs[] = {[SESSION_AUDIO] = "OPUS", [SESSION_VIDEO] = "VP8"};

void session_say(session *self, const char *event, JsonObject *more)
{
    if (self->closed) {
        g_clear_pointer(&more, json_object_unref);
        return;
    }
    more = more ? more : json_object_new();
    if (self->other) {
        json_object_set_string_member(more, "with", self->other);
    } else {
        json_object_set_null_member(more, "with");
    }
    peer_say(event, more);
}

void session_say_state(session *self, const char *event, const char *state)
{
    JsonObject *more = json_object_new();
    json_object_set_string_member(more, "state", state);
    session_say(self, event, more);
}

/* "connected", of a property that is an enum. */
static const char *nick_of(void *object, const char *property)
{
    GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(object), property);
    int value = 0;
    g_object_get(object, property, &value, NULL);
    const GEnumValue *found = g_enum_get_value(G_PARAM_SPEC_ENUM(spec)->enum_class, value);
    return found ? found->value_nick : "";
}

/* ---- what the library says ---- */

static void tell_ice_state(session *self, const char *state, unsigned number)
{
    if (!g_str_equal(state, "closed")) {
        session_say_state(self, "ice-state", state);
    }
    session_stats(self, NULL);
}

static void on_ice_state(GObject *bin, GParamSpec *spec, void *user)
{
    session_post(user, tell_ice_state, nick_of(bin, "ice-connection-state"), 0);
}

static JsonObject *message_of(session *self, const char *type)
{
    JsonObject *message = json_object_new();
    json_object_set_string_member(message, "id", self->peer->name);
    json_object_set_string_member(message, "type", type);
    if (self->other) {
        json_object_set_string_member(message, "to", self->other);
    }
    return message;
}

static char *local_sdp(session *self)
{
    g_autoptr(GstWebRTCSessionDescription) description = NULL;
    g_object_get(self->bin, "local-description", &description, NULL);
    return description ? gst_sdp_message_as_text(description->sdp) : NULL;
}

/* "candidate:FOUNDATION COMPONENT TRANSPORT PRIORITY ADDRESS PORT typ TYPE ..." */
static void tell_candidate(session *self, const char *candidate)
{
    g_auto(GStrv) words = g_strsplit(candidate, " ", 9);
    if (g_strv_length(words) < 8) {
        return;
    }
    g_autofree char *transport = g_ascii_strdown(words[2], -1);
    JsonObject *more = json_object_new();
    json_object_set_string_member(more, "type", words[7]);
    json_object_set_string_member(more, "address", words[4]);
    json_object_set_int_member(more, "port", g_ascii_strtoll(words[5], NULL, 10));
    json_object_set_string_member(more, "transport", transport);
    session_say(self, "candidate", more);
}

static void send_candidate(session *self, const char *candidate, unsigned line)
{
    JsonObject *message = message_of(self, "candidate");
    if (candidate) {
        tell_candidate(self, candidate);
        g_autofree char *sdp = local_sdp(self), *mid = sdp ? description_mid(sdp, line) : NULL;
        json_object_set_string_member(message, "candidate", candidate);
        json_object_set_int_member(message, "sdpMLineIndex", line);
        if (mid) {
            json_object_set_string_member(message, "sdpMid", mid);
        }
    } else {
        json_object_set_null_member(message, "candidate");
    }
    peer_send(self->peer, message);
}

static void on_candidate(GstElement *bin, unsigned line, const char *candidate, void *user)
{
    session_post(user, send_candidate, candidate, line);
}

static void tell_gathered(session *self, const char *state, unsigned number)
{
    if (!self->end_sent) {
        self->end_sent = true;
        session_say(self, "gathering-done", NULL);
        send_candidate(self, NULL, 0);
    }
}

static void on_gathering(GObject *bin, GParamSpec *spec, void *user)
{
    if (g_str_equal(nick_of(bin, "ice-gathering-state"), "complete")) {
        session_post(user, tell_gathered, NULL, 0);
    }
}

static void on_pad(GstElement *bin, GstPad *pad, void *user)
{
    if (GST_PAD_DIRECTION(pad) == GST_PAD_SRC) {
        session_drain(user, pad);
    }
}

static void on_channel(GstElement *bin, GstWebRTCDataChannel *channel, void *user)
{
    session_add_channel(user, channel);
}

static gboolean on_bus(GstBus *bus, GstMessage *message, void *user)
{
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        g_autoptr(GError) error = NULL;
        gst_message_parse_error(message, &error, NULL);
        peer_say_text("error", "%s: %s", GST_MESSAGE_SRC_NAME(message), error->message);
    }
    return G_SOURCE_CONTINUE;
}

/* ---- the servers ---- */

/* "turn:HOST:PORT?transport=tcp" -> "turn://USER:PASSWORD@HOST:PORT?transport=tcp", as libnice's element wants it. */
static char *nice_uri(const char *url, const char *user, const char *password)
{
    const char *colon = strchr(url, ':');
    if (!colon) {
        return NULL;
    }
    g_autofree char *scheme = g_strndup(url, (gsize)(colon - url));
    const char *host = colon + 1 + 2 * g_str_has_prefix(colon + 1, "//");
    if (!user) {
        return g_strdup_printf("%s://%s", scheme, host);
    }
    g_autofree char *name = g_uri_escape_string(user, NULL, FALSE);
    g_autofree char *secret = g_uri_escape_string(password ? password : "", NULL, FALSE);
    return g_strdup_printf("%s://%s:%s@%s", scheme, name, secret, host);
}

static void add_server(session *self, const char *url, const char *user, const char *password)
{
    if (g_str_has_prefix(url, "stun")) {
        g_autofree char *uri = nice_uri(url, NULL, NULL);
        g_object_set(self->bin, "stun-server", uri, NULL);
        return;
    }
    g_autofree char *uri = nice_uri(url, user, password);
    gboolean taken = FALSE;
    if (uri) {
        g_signal_emit_by_name(self->bin, "add-turn-server", uri, &taken);
    }
    if (!taken) {
        peer_say_text("error", "webrtcbin does not take the server %s", url);
    }
}

static void add_servers(session *self)
{
    for (unsigned i = 0; i < json_array_get_length(self->peer->ice_servers); i++) {
        JsonObject *server = json_array_get_object_element(self->peer->ice_servers, i);
        const char *user = json_object_get_string_member_with_default(server, "username", NULL);
        const char *password = json_object_get_string_member_with_default(server, "credential", NULL);
        JsonNode *urls = json_object_get_member(server, "urls");
        if (urls && JSON_NODE_HOLDS_ARRAY(urls)) {
            JsonArray *list = json_node_get_array(urls);
            for (unsigned j = 0; j < json_array_get_length(list); j++) {
                add_server(self, json_array_get_string_element(list, j), user, password);
            }
        } else if (urls && JSON_NODE_HOLDS_VALUE(urls)) {
            add_server(self, json_node_get_string(urls), user, password);
        }
    }
}

session *session_new(peer *owner, const char *other)
{
    session *self = g_new0(session, 1);
    self->peer = owner;
    self->other = g_strdup(other);
    self->channels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
    self->unsent = g_ptr_array_new_with_free_func((GDestroyNotify)json_object_unref);
    self->pipeline = gst_pipeline_new(NULL);
    self->bin = gst_element_factory_make("webrtcbin", NULL);
    g_object_set(self->bin, "bundle-policy", GST_WEBRTC_BUNDLE_POLICY_MAX_BUNDLE, NULL);
    if (owner->relay_only) {
        g_object_set(self->bin, "ice-transport-policy", GST_WEBRTC_ICE_TRANSPORT_POLICY_RELAY, NULL);
    }
    add_servers(self);
    gst_bin_add(GST_BIN(self->pipeline), self->bin);
    g_signal_connect(self->bin, "on-ice-candidate", G_CALLBACK(on_candidate), self);
    g_signal_connect(self->bin, "notify::ice-connection-state", G_CALLBACK(on_ice_state), self);
    g_signal_connect(self->bin, "notify::ice-gathering-state", G_CALLBACK(on_gathering), self);
    g_signal_connect(self->bin, "pad-added", G_CALLBACK(on_pad), self);
    g_signal_connect(self->bin, "on-data-channel", G_CALLBACK(on_channel), self);
    g_autoptr(GstBus) bus = gst_element_get_bus(self->pipeline);
    gst_bus_add_watch(bus, on_bus, self);
    g_ptr_array_add(owner->sessions, self);
    if (other) {
        session_say_state(self, "session", "open");
    }
    return self;
}

/* ---- descriptions ---- */

/* Text of the description that a promise has brought under that name, NULL with the error told. Caller frees. */
static char *text_of(GstPromise *promise, const char *name)
{
    g_autoptr(GstWebRTCSessionDescription) description = NULL;
    g_autoptr(GError) error = NULL;
    const GstStructure *reply =
        gst_promise_wait(promise) == GST_PROMISE_RESULT_REPLIED ? gst_promise_get_reply(promise) : NULL;
    if (reply && gst_structure_has_field(reply, name)) {
        gst_structure_get(reply, name, GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &description, NULL);
    } else if (reply && gst_structure_has_field(reply, "error")) {
        gst_structure_get(reply, "error", G_TYPE_ERROR, &error, NULL);
    }
    return description ? gst_sdp_message_as_text(description->sdp)
                       : g_strdup_printf("!%s", error ? error->message : "no description");
}

static bool set_description(session *self, const char *signal, GstWebRTCSDPType type, const char *sdp,
                            GstPromise *promise)
{
    GstSDPMessage *message = NULL;
    if (gst_sdp_message_new_from_text(sdp, &message) != GST_SDP_OK) {
        peer_say_text("error", "GStreamer cannot read the description");
        return false;
    }
    g_autoptr(GstWebRTCSessionDescription) description = gst_webrtc_session_description_new(type, message);
    g_signal_emit_by_name(self->bin, signal, description, promise);
    return true;
}

static void described(session *self, const char *sdp, unsigned type)
{
    if (*sdp == '!') {
        peer_say_text("error", "webrtcbin makes no description: %s", sdp + 1);
        return;
    }
    if (!set_description(self, "set-local-description", type, sdp, NULL)) {
        return;
    }
    JsonObject *message = message_of(self, gst_webrtc_sdp_type_to_string(type));
    json_object_set_string_member(message, "sdp", sdp);
    peer_send(self->peer, message);
}

static void on_offer(GstPromise *promise, void *user)
{
    g_autofree char *sdp = text_of(promise, "offer");
    session_post(user, described, sdp, GST_WEBRTC_SDP_TYPE_OFFER);
    gst_promise_unref(promise);
}

static void on_answer(GstPromise *promise, void *user)
{
    g_autofree char *sdp = text_of(promise, "answer");
    session_post(user, described, sdp, GST_WEBRTC_SDP_TYPE_ANSWER);
    gst_promise_unref(promise);
}

void session_offer(session *self, JsonObject *order)
{
    bool media = false;
    for (int kind = 0; kind < SESSION_N_KINDS; kind++) {
        if (json_object_get_boolean_member_with_default(order, session_kind_names[kind], FALSE)) {
            media |= session_add_source(self, kind, own_types[kind]);
        }
    }
    gst_element_set_state(self->pipeline, GST_STATE_PLAYING);
    if (!media || json_object_get_boolean_member_with_default(order, "data", FALSE)) {
        GstWebRTCDataChannel *channel = NULL;
        g_signal_emit_by_name(self->bin, "create-data-channel", "data", NULL, &channel);
        if (channel) {
            session_add_channel(self, channel);
            g_object_unref(channel);
        }
    }
    self->offered = true;
    g_signal_emit_by_name(self->bin, "create-offer", NULL, gst_promise_new_with_change_func(on_offer, self, NULL));
}

static void flush_early(session *self)
{
    GPtrArray *early = self->peer->early;
    for (unsigned i = 0; i < early->len;) {
        JsonObject *message = early->pdata[i];
        if (g_strcmp0(json_object_get_string_member(message, "id"), self->other) != 0) {
            i++;
            continue;
        }
        const char *ufrag = json_object_get_string_member_with_default(message, "ufrag", NULL);
        if (!ufrag || g_strcmp0(ufrag, self->ufrag) == 0) {
            session_add_candidate(self, message);
        }
        g_ptr_array_remove_index(early, i);
    }
}

static void remote_set(session *self, const char *problem, unsigned is_offer)
{
    if (*problem) {
        peer_say_text("error", "webrtcbin refuses the description: %s", problem);
        return;
    }
    self->described = true;
    flush_early(self);
    if (is_offer) {
        g_signal_emit_by_name(self->bin, "create-answer", NULL,
                              gst_promise_new_with_change_func(on_answer, self, NULL));
    }
}

static void on_remote_set(GstPromise *promise, void *user)
{
    session *self = user;
    g_autoptr(GError) error = NULL;
    const GstStructure *reply =
        gst_promise_wait(promise) == GST_PROMISE_RESULT_REPLIED ? gst_promise_get_reply(promise) : NULL;
    if (reply && gst_structure_has_field(reply, "error")) {
        gst_structure_get(reply, "error", G_TYPE_ERROR, &error, NULL);
    }
    session_post(self, remote_set, error ? error->message : "", self->is_answerer);
    gst_promise_unref(promise);
}

static void set_remote(session *self, GstWebRTCSDPType type, const char *sdp)
{
    g_free(self->origin);
    g_free(self->ufrag);
    self->origin = description_origin(sdp);
    self->ufrag = description_find(sdp, "a=ice-ufrag:");
    self->is_answerer = type == GST_WEBRTC_SDP_TYPE_OFFER;
    GstPromise *promise = gst_promise_new_with_change_func(on_remote_set, self, NULL);
    if (!set_description(self, "set-remote-description", type, sdp, promise)) {
        gst_promise_unref(promise);
    }
}

void session_answer(session *self, const char *sdp)
{
    g_autofree char *ufrag = description_find(sdp, "a=ice-ufrag:");
    if (self->ufrag && g_strcmp0(ufrag, self->ufrag) != 0) {
        peer_say_text("error", "webrtcbin cannot restart ICE: the offer that asks for it is not answered");
        return;
    }
    for (int kind = 0; kind < SESSION_N_KINDS; kind++) {
        int payload_type = description_payload_type(sdp, codecs[kind]);
        if (payload_type >= 0 && !self->sends[kind]) {
            session_add_source(self, kind, payload_type);
        }
    }
    gst_element_set_state(self->pipeline, GST_STATE_PLAYING);
    set_remote(self, GST_WEBRTC_SDP_TYPE_OFFER, sdp);
}

void session_take_answer(session *self, const char *other, const char *sdp)
{
    if (!self->other) {
        session_say_state(self, "session", "closed"); /* what was told of an unnamed one */
        self->other = g_strdup(other);
        session_say_state(self, "session", "open");
    }
    self->offered = false;
    set_remote(self, GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
}

/* The line a candidate is for: by its number, else by its mid in the remote description, which shares its order with
 * ours. The end of candidates has no use: webrtcbin goes on checking. */
void session_add_candidate(session *self, JsonObject *message)
{
    const char *candidate = json_object_get_string_member_with_default(message, "candidate", NULL);
    if (!candidate || !*candidate) {
        return;
    }
    gint64 line = json_object_get_int_member_with_default(message, "sdpMLineIndex", -1);
    const char *mid = json_object_get_string_member_with_default(message, "sdpMid", NULL);
    g_autofree char *sdp = local_sdp(self);
    for (unsigned i = 0; line < 0 && sdp && mid; i++) {
        g_autofree char *found = description_mid(sdp, i);
        if (!found) {
            break;
        }
        line = g_str_equal(found, mid) ? (gint64)i : line;
    }
    g_signal_emit_by_name(self->bin, "add-ice-candidate", (unsigned)MAX(0, line), candidate);
}

void session_close(session *self)
{
    if (self->closed) {
        return;
    }
    session_say_state(self, "session", "closed");
    self->closed = true;
    gst_element_set_state(self->pipeline, GST_STATE_NULL);
}
