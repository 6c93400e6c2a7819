/* Data channels. Orders for one that is not open yet wait until it is. */
#include "adapters/webrtcbin/session.h"

static const char *label_of(JsonObject *order)
{
    const char *label = json_object_get_string_member_with_default(order, "label", "data");
    return *label ? label : "data";
}

typedef struct stream { /* the messages of one order */
    GstWebRTCDataChannel *channel;
    GBytes *message;
    gint64 left;
} stream;

static void free_stream(void *user)
{
    stream *self = user;
    g_object_unref(self->channel);
    g_bytes_unref(self->message);
    g_free(self);
}

static gboolean send_next(void *user)
{
    stream *self = user;
    gst_webrtc_data_channel_send_data(self->channel, self->message);
    return --self->left > 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void start_stream(GstWebRTCDataChannel *channel, JsonObject *order)
{
    gint64 size = MAX(1, json_object_get_int_member_with_default(order, "size", 100));
    stream *self = g_new0(stream, 1);
    self->channel = g_object_ref(channel);
    self->message = g_bytes_new_take(g_malloc0((gsize)size), (gsize)size);
    self->left = MAX(1, json_object_get_int_member_with_default(order, "count", 1));
    guint interval = (guint)json_object_get_double_member_with_default(order, "interval-ms", 0);
    g_timeout_add_full(G_PRIORITY_DEFAULT, interval, send_next, self, free_stream);
}

static bool is_open(GstWebRTCDataChannel *channel)
{
    GstWebRTCDataChannelState state;
    g_object_get(channel, "ready-state", &state, NULL);
    return state == GST_WEBRTC_DATA_CHANNEL_STATE_OPEN;
}

static void tell_state(session *self, const char *label, unsigned open)
{
    JsonObject *more = json_object_new();
    json_object_set_string_member(more, "label", label);
    json_object_set_string_member(more, "state", open ? "open" : "closed");
    session_say(self, "channel", more);
    for (unsigned i = 0; open && i < self->unsent->len;) {
        JsonObject *order = self->unsent->pdata[i];
        if (g_str_equal(label_of(order), label)) {
            start_stream(g_hash_table_lookup(self->channels, label), order);
            g_ptr_array_remove_index(self->unsent, i);
        } else {
            i++;
        }
    }
}

static void tell_data(session *self, const char *label, unsigned size)
{
    JsonObject *more = json_object_new();
    json_object_set_string_member(more, "label", label);
    json_object_set_int_member(more, "size", size);
    session_say(self, "data", more);
}

static void post_of(session *self, GstWebRTCDataChannel *channel,
                    void (*func)(session *self, const char *label, unsigned number), unsigned number)
{
    g_autofree char *label = NULL;
    g_object_get(channel, "label", &label, NULL);
    session_post(self, func, label, number);
}

static void on_open(GstWebRTCDataChannel *channel, void *user)
{
    post_of(user, channel, tell_state, true);
}

static void on_close(GstWebRTCDataChannel *channel, void *user)
{
    post_of(user, channel, tell_state, false);
}

static void on_data(GstWebRTCDataChannel *channel, GBytes *data, void *user)
{
    post_of(user, channel, tell_data, data ? (unsigned)g_bytes_get_size(data) : 0);
}

static void on_text(GstWebRTCDataChannel *channel, const char *text, void *user)
{
    post_of(user, channel, tell_data, text ? (unsigned)strlen(text) : 0);
}

void session_add_channel(session *self, GstWebRTCDataChannel *channel)
{
    char *label = NULL;
    g_object_get(channel, "label", &label, NULL);
    g_hash_table_replace(self->channels, label, g_object_ref(channel));
    g_signal_connect(channel, "on-open", G_CALLBACK(on_open), self);
    g_signal_connect(channel, "on-close", G_CALLBACK(on_close), self);
    g_signal_connect(channel, "on-message-data", G_CALLBACK(on_data), self);
    g_signal_connect(channel, "on-message-string", G_CALLBACK(on_text), self);
    if (is_open(channel)) { /* one that the other side opened may have been before we listened */
        post_of(self, channel, tell_state, true);
    }
}

void session_send_data(session *self, JsonObject *order)
{
    const char *label = label_of(order);
    GstWebRTCDataChannel *channel = g_hash_table_lookup(self->channels, label);
    if (!channel) {
        g_signal_emit_by_name(self->bin, "create-data-channel", label, NULL, &channel);
        if (!channel) {
            peer_say_text("error", "webrtcbin makes no data channel \"%s\"", label);
            return;
        }
        session_add_channel(self, channel);
        g_object_unref(channel);
    }
    if (is_open(channel)) {
        start_stream(channel, order);
    } else {
        g_ptr_array_add(self->unsent, json_object_ref(order));
    }
}
