/* The data channels of a session: the engine (engines/data_channel.h) between the session's DTLS and its peer's users.
 *
 * The engine needs the DTLS role and the size of a datagram, so it is made when DTLS is connected; channels that are
 * asked for before are kept, and opened then. The association begins on both sides at once (RFC 8841 section 9.3).
 *
 * The end comes in three ways. The association ends by itself: the engine says so. DTLS goes: then nothing can be said
 * any more, and the association is over for DTLS's reason. The call is over: an ABORT is said while DTLS can carry it.
 * It is not a SHUTDOWN because nobody would be there for the other side's answer; browsers do the same.
 *
 * Every state is traced once: the association's as sctp-state, each channel's as channel-state. A channel that has come
 * to its end without a stream is number 65535 there. Messages carry the capture record of the datagram that completed
 * them.
 *
 * All calls are made inside the session's environment, but the engine enters it again around usrsctp, as it may be
 * entered from an unrelated call: calls nest. */
#include "actors/channels.h"

#include <string.h>

#include "actors/peer_private.h"
#include "base/error.h"
#include "engines/data_channel.h"

/* RFC 8841 section 6.1: what a description that says nothing means. */
enum { MAX_MESSAGE_UNTOLD = 65536 };

struct hp_channels {
    hp_session *session;
    hp_rng rng;
    hp_channels_ops ops;
    void *user;
    uint16_t remote_port;
    uint32_t remote_max_message;
    GPtrArray *wanted; /* of hp_channel_config*: asked for before there is an engine */
    hp_data_channels *engine; /* NULL: DTLS is not connected yet, or the engine refused */
    bool over; /* no association any more, and none to come */
    const char *cut; /* why nothing can be said any more, while the engine is told so */
    uint32_t record; /* of the datagram that is being read; 0: none */
};

#define CHANNELS_TRACE(channels, kind, ...)                                                                            \
    HP_PEER_TRACE((channels)->session->peer, (kind), HP_FU("session", (channels)->session->number), __VA_ARGS__)

static void trace_association(const hp_channels *channels, const char *state, const char *reason)
{
    CHANNELS_TRACE(channels, HP_EV_SCTP_STATE, HP_FS("state", state), HP_FS("reason", reason));
}

static const char *with_of(const hp_channels *channels)
{
    return channels->session->with ? channels->session->with : "";
}

static void channel_changed(const hp_channels *channels, unsigned stream, const char *label, hp_channel_state state,
                            const char *reason)
{
    hp_peer *peer = channels->session->peer;
    CHANNELS_TRACE(channels, HP_EV_CHANNEL_STATE, HP_FU("channel", stream), HP_FS("label", label),
                   HP_FS("state", hp_channel_state_name(state)), HP_FS("reason", reason));
    bool over = state == HP_CHANNEL_CLOSED || state == HP_CHANNEL_FAILED;
    if (peer->channel_change && (over || state == HP_CHANNEL_OPEN)) {
        peer->channel_change(peer->channel_change_user, peer, with_of(channels), label, !over);
    }
}

/* ---- configurations that wait ---- */

static hp_channel_config *copy_config(const hp_channel_config *config)
{
    hp_channel_config *copy = g_new(hp_channel_config, 1);
    *copy = *config;
    copy->label = g_strdup(config->label ? config->label : "");
    copy->protocol = g_strdup(config->protocol);
    return copy;
}

static void free_config(gpointer data)
{
    hp_channel_config *config = data;
    g_free(config->label);
    g_free(config->protocol);
    g_free(config);
}

static GPtrArray *steal_wanted(hp_channels *channels)
{
    GPtrArray *wanted = channels->wanted;
    channels->wanted = g_ptr_array_new_with_free_func(free_config);
    return wanted;
}

/* There is no association to come for those that wait for one. */
static void give_up_wanted(hp_channels *channels, hp_channel_state state, const char *reason)
{
    g_autoptr(GPtrArray) wanted = steal_wanted(channels);
    for (unsigned i = 0; i < wanted->len; i++) {
        const hp_channel_config *config = wanted->pdata[i];
        channel_changed(channels, HP_CHANNEL_NO_STREAM, config->label, state, reason);
    }
}

/* ---- ops of the engine ---- */

static void on_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    const hp_channels *channels = user;
    if (!channels->cut) {
        channels->ops.send(channels->user, now, data, len);
    }
}

static void on_event(void *user, hp_time now, const hp_channel_event *event)
{
    hp_channels *channels = user;
    hp_peer *peer = channels->session->peer;
    const char *reason = channels->cut ? channels->cut : event->detail;
    switch (event->kind) {
    case HP_CHANNEL_EV_CONNECTED:
        trace_association(channels, hp_sctp_state_name(HP_SCTP_CONNECTED), "");
        if (peer->channel_change) {
            peer->channel_change(peer->channel_change_user, peer, with_of(channels), NULL, true);
        }
        break;
    case HP_CHANNEL_EV_ENDED:
        channels->over = true;
        trace_association(channels, hp_sctp_state_name(event->failed ? HP_SCTP_FAILED : HP_SCTP_CLOSED), reason);
        break;
    case HP_CHANNEL_EV_STATE:
        if (event->channel->state != HP_CHANNEL_CLOSING) {
            channel_changed(channels, event->stream, event->channel->config.label, event->channel->state,
                            event->detail[0] ? reason : "");
        }
        break;
    case HP_CHANNEL_EV_MESSAGE:
        if (peer->channel_receive) {
            peer->channel_receive(peer->channel_user, peer, with_of(channels), event->channel->config.label,
                                  event->data, event->length, channels->record);
        }
        break;
    case HP_CHANNEL_EV_WRITABLE: /* flows do not wait */
        break;
    case HP_CHANNEL_EV_DROPPED: {
        g_autofree char *why = g_strdup_printf("SCTP stream %u: %s", event->stream, event->detail);
        CHANNELS_TRACE(channels, HP_EV_MEDIA_IGNORED, HP_FU("stream", 0), HP_FU("component", 0),
                       HP_FS("what", "data-channel"), HP_FS("reason", why), HP_FU("packet", channels->record));
        break;
    }
    }
}

static void on_enter(void *user)
{
    const hp_channels *channels = user;
    hp_seam_enter(channels->session->env);
}

static void on_leave(void *user)
{
    const hp_channels *channels = user;
    hp_seam_leave(channels->session->env);
}

/* ---- what the media session says ---- */

hp_channels *hp_channels_new(hp_session *session, const hp_rng *rng, const hp_channels_ops *ops, void *user)
{
    hp_channels *channels = g_new0(hp_channels, 1);
    channels->session = session;
    channels->rng = *rng;
    channels->ops = *ops;
    channels->user = user;
    channels->remote_max_message = MAX_MESSAGE_UNTOLD;
    channels->wanted = g_ptr_array_new_with_free_func(free_config);
    return channels;
}

void hp_channels_free(hp_channels *channels)
{
    if (!channels) {
        return;
    }
    hp_data_channels_free(channels->engine);
    g_ptr_array_unref(channels->wanted);
    g_free(channels);
}

void hp_channels_set_remote(hp_channels *channels, uint16_t port, uint32_t max_message)
{
    channels->remote_port = port;
    channels->remote_max_message = max_message > 0 ? max_message : MAX_MESSAGE_UNTOLD;
}

void hp_channels_connected(hp_channels *channels, hp_time now, bool dtls_client, size_t mtu)
{
    static const hp_data_channels_ops ops = {.send = on_send, .event = on_event, .enter = on_enter, .leave = on_leave};
    g_autoptr(GError) error = NULL;
    if (channels->over || channels->engine) {
        return;
    }
    const hp_data_channels_config config = {
        .sctp = {.local_port = HP_CHANNELS_PORT,
                 .remote_port = channels->remote_port,
                 .mtu = (unsigned)MIN(mtu, HP_SCTP_MAX_MTU),
                 .max_message = HP_CHANNELS_MAX_MESSAGE},
        .dtls_client = dtls_client,
        .max_message = channels->remote_max_message,
    };
    channels->engine = hp_data_channels_new(&config, &channels->rng, &ops, channels, &error);
    if (!channels->engine) {
        channels->over = true;
        trace_association(channels, hp_sctp_state_name(HP_SCTP_FAILED), error->message);
        give_up_wanted(channels, HP_CHANNEL_FAILED, "no association");
        return;
    }
    trace_association(channels, hp_sctp_state_name(HP_SCTP_CONNECTING), "");
    g_autoptr(GPtrArray) wanted = steal_wanted(channels);
    for (unsigned i = 0; i < wanted->len; i++) {
        /* Nothing to refuse: the configuration was looked at, and there is an association to come. */
        hp_data_channels_open(channels->engine, now, wanted->pdata[i], NULL);
    }
    hp_data_channels_start(channels->engine, now);
}

/* cut: nothing can be said any more, for that reason. NULL: an ABORT is. */
static void end(hp_channels *channels, hp_time now, const char *cut, const char *reason)
{
    if (channels->over) {
        return;
    }
    channels->over = true;
    give_up_wanted(channels, HP_CHANNEL_CLOSED, reason);
    if (channels->engine) {
        channels->cut = cut;
        hp_data_channels_end(channels->engine, now, false);
        channels->cut = NULL;
    }
}

void hp_channels_disconnected(hp_channels *channels, hp_time now, const char *reason)
{
    end(channels, now, reason, reason);
}

void hp_channels_close(hp_channels *channels, hp_time now)
{
    end(channels, now, NULL, "aborted");
}

void hp_channels_input(hp_channels *channels, hp_time now, const uint8_t *data, size_t len, uint32_t record)
{
    if (!channels->engine) {
        return;
    }
    channels->record = record;
    hp_data_channels_input(channels->engine, now, data, len);
    channels->record = 0;
}

hp_time hp_channels_deadline(const hp_channels *channels)
{
    return channels->engine ? hp_data_channels_deadline(channels->engine) : HP_NEVER;
}

void hp_channels_run(hp_channels *channels, hp_time now)
{
    if (channels->engine) {
        hp_data_channels_run(channels->engine, now);
    }
}

/* ---- what the peer's users say ---- */

static bool is_wanted(const hp_channels *channels, const char *label)
{
    for (unsigned i = 0; i < channels->wanted->len; i++) {
        const hp_channel_config *config = channels->wanted->pdata[i];
        if (strcmp(config->label, label) == 0) {
            return true;
        }
    }
    return false;
}

static bool open_channel(hp_channels *channels, hp_time now, const hp_channel_config *config, GError **error)
{
    const char *label = config->label ? config->label : "";
    if (channels->over) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "the SCTP association is over");
        return false;
    }
    if (channels->engine) {
        return hp_data_channels_find(channels->engine, label) ||
               hp_data_channels_open(channels->engine, now, config, error);
    }
    if (!is_wanted(channels, label)) {
        if (!hp_data_channel_check(config, error)) {
            return false;
        }
        g_ptr_array_add(channels->wanted, copy_config(config));
    }
    return true;
}

bool hp_media_session_open_channel(hp_media_session *media, const hp_channel_config *config, GError **error)
{
    hp_channels *channels = hp_media_session_channels(media);
    if (!channels) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "the session has no data channels");
        return false;
    }
    bool opened = open_channel(channels, hp_world_now(channels->session->peer->world), config, error);
    channels->ops.wake(channels->user);
    return opened;
}

static const hp_data_channel *open_one(const hp_channels *channels, const char *label)
{
    const hp_data_channel *channel =
        channels && channels->engine ? hp_data_channels_find(channels->engine, label) : NULL;
    return channel && channel->state == HP_CHANNEL_OPEN ? channel : NULL;
}

bool hp_media_session_send_channel(hp_media_session *media, const char *label, const void *data, size_t len)
{
    hp_channels *channels = hp_media_session_channels(media);
    const hp_data_channel *channel = open_one(channels, label);
    if (!channel) {
        return false;
    }
    hp_time now = hp_world_now(channels->session->peer->world);
    bool taken = hp_data_channels_send(channels->engine, now, channel, false, data, len) == HP_SCTP_OK;
    channels->ops.wake(channels->user);
    return taken;
}

void hp_peer_set_channel_change(hp_peer *peer, hp_peer_channel_change change, void *user)
{
    peer->channel_change = change;
    peer->channel_change_user = user;
}

bool hp_peer_channel_is_open(const hp_peer *peer, const char *with, const char *label)
{
    const hp_session *session = hp_peer_find_session(peer, with);
    return session && session->media && open_one(hp_media_session_channels(session->media), label);
}
