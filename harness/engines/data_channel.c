/* Data channels: how they open, carry messages and close (RFC 8832 sections 4 to 6, RFC 8831 sections 6.4 to 6.7).
 *
 *     open() --> OPENING --ACK, or data--> OPEN --close()--> CLOSING --both streams reset--> CLOSED
 *     the peer's OPEN ------------------> OPEN --the peer's stream is reset--> CLOSED
 *     anything that breaks the protocol: the stream is reset, FAILED
 *
 * A channel is a pair of streams of one number. The number is taken from the opener's half of them, the lowest that is
 * free, once the association is there; it is free again when the resets of both directions are done, which may be after
 * the channel's end has been told. The peer's OPEN has to come on a free stream of its own half.
 *
 * Messages of the establishment protocol are sent in order and reliably. When SCTP has no room for one it waits, and
 * all user messages are held up (HP_SCTP_WOULD_BLOCK) until it has left, so that none passes it. The opener sends user
 * messages from the ACK on: unordered ones cannot arrive before the channel is known.
 *
 * Limits: priorities are sent as 256 and otherwise ignored. Streams are never added (RFC 6525 section 4.5): of them
 * there are as many as both sides offered. A message on a stream without a channel, or with a payload protocol that is
 * unknown or deprecated, is dropped and told of. */
#include "engines/data_channel.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "engines/data_channel_private.h"

enum { PRIORITY_NORMAL = 256 }; /* RFC 8831 section 6.4 */

/* A message of the establishment protocol. */
typedef struct control {
    uint16_t stream;
    GBytes *message;
} control;

static const char *const state_names[] = {
    [HP_CHANNEL_OPENING] = "opening", [HP_CHANNEL_OPEN] = "open",     [HP_CHANNEL_CLOSING] = "closing",
    [HP_CHANNEL_CLOSED] = "closed",   [HP_CHANNEL_FAILED] = "failed",
};
static_assert(G_N_ELEMENTS(state_names) == HP_CHANNEL_FAILED + 1, "a name for every state");

const char *hp_channel_state_name(hp_channel_state state)
{
    return state_names[state];
}

static bool association_over(const hp_data_channels *channels)
{
    hp_sctp_state state = hp_sctp_get_state(channels->sctp);
    return state == HP_SCTP_CLOSED || state == HP_SCTP_FAILED;
}

/* ---- the life of a channel ---- */

hp_dc_entry *hp_dc_entry_new(hp_data_channels *channels, bool ours, const hp_channel_config *config)
{
    hp_dc_entry *c = g_new0(hp_dc_entry, 1);
    c->public = (hp_data_channel){.stream = HP_CHANNEL_NO_STREAM, .ours = ours, .config = *config};
    c->public.config.label = g_strdup(config->label ? config->label : "");
    c->public.config.protocol = g_strdup(config->protocol ? config->protocol : "");
    g_ptr_array_add(channels->list, c);
    return c;
}

static void channel_free(gpointer data)
{
    hp_dc_entry *c = data;
    g_free(c->public.config.label);
    g_free(c->public.config.protocol);
    g_clear_pointer(&c->early, g_bytes_unref);
    g_free(c);
}

static void control_free(gpointer data)
{
    control *waiting = data;
    g_bytes_unref(waiting->message);
    g_free(waiting);
}

void hp_dc_tell(hp_data_channels *channels, hp_time now, hp_channel_event event)
{
    event.detail = event.detail ? event.detail : "";
    channels->ops.event(channels->user, now, &event);
}

void hp_dc_set_state(hp_data_channels *channels, hp_time now, hp_dc_entry *c, hp_channel_state state, const char *why)
{
    c->public.state = state;
    hp_dc_tell(channels, now,
               (hp_channel_event){
                   .kind = HP_CHANNEL_EV_STATE, .channel = &c->public, .stream = c->public.stream, .detail = why});
}

hp_dc_entry *hp_dc_on_stream(const hp_data_channels *channels, uint16_t stream)
{
    return stream < channels->by_stream->len ? channels->by_stream->pdata[stream] : NULL;
}

void hp_dc_begin(hp_data_channels *channels)
{
    channels->depth++;
}

void hp_dc_end(hp_data_channels *channels)
{
    if (--channels->depth > 0) {
        return;
    }
    for (guint i = 0; i < channels->list->len;) {
        hp_dc_entry *c = channels->list->pdata[i];
        bool holds_stream = c->public.stream != HP_CHANNEL_NO_STREAM && !association_over(channels) &&
                            !(c->incoming_reset && c->outgoing_reset);
        if (!hp_dc_is_over(c) || holds_stream) {
            i++;
            continue;
        }
        if (hp_dc_on_stream(channels, c->public.stream) == c) {
            channels->by_stream->pdata[c->public.stream] = NULL;
        }
        g_ptr_array_remove_index(channels->list, i);
    }
}

/* ---- messages of the establishment protocol ---- */

static hp_sctp_result send_control(hp_data_channels *channels, hp_time now, const control *message)
{
    gsize len;
    const void *data = g_bytes_get_data(message->message, &len);
    return hp_sctp_send(
        channels->sctp, now,
        &(hp_sctp_message){.stream = message->stream, .ppid = HP_PPID_DCEP, .data = data, .length = len});
}

void hp_dc_flush_controls(hp_data_channels *channels, hp_time now)
{
    control *next;
    while ((next = g_queue_pop_head(&channels->waiting))) {
        if (send_control(channels, now, next) == HP_SCTP_WOULD_BLOCK) {
            g_queue_push_head(&channels->waiting, next);
            return;
        }
        control_free(next);
    }
}

void hp_dc_say_control(hp_data_channels *channels, hp_time now, uint16_t stream, GBytes *message)
{
    control *c = g_new(control, 1);
    *c = (control){.stream = stream, .message = message};
    g_queue_push_tail(&channels->waiting, c);
    hp_dc_flush_controls(channels, now);
}

/* ---- closing ---- */

void hp_dc_reset(hp_data_channels *channels, hp_time now, hp_dc_entry *c)
{
    if (!hp_sctp_reset_stream(channels->sctp, now, c->public.stream)) {
        c->outgoing_reset = true; /* the association is going, too */
    }
}

void hp_dc_fail(hp_data_channels *channels, hp_time now, hp_dc_entry *c, const char *why)
{
    if (!hp_dc_is_over(c)) {
        hp_dc_set_state(channels, now, c, HP_CHANNEL_FAILED, why);
        hp_dc_reset(channels, now, c);
    }
}

void hp_data_channels_close(hp_data_channels *channels, hp_time now, const hp_data_channel *public)
{
    hp_dc_entry *c = (hp_dc_entry *)public;
    hp_dc_begin(channels);
    if (c->public.state == HP_CHANNEL_OPENING && c->public.stream == HP_CHANNEL_NO_STREAM) {
        hp_dc_set_state(channels, now, c, HP_CHANNEL_CLOSED, "closed");
    } else if (c->public.state == HP_CHANNEL_OPENING || c->public.state == HP_CHANNEL_OPEN) {
        hp_dc_set_state(channels, now, c, HP_CHANNEL_CLOSING, NULL);
        hp_dc_reset(channels, now, c);
    }
    hp_dc_end(channels);
}

/* ---- opening ---- */

uint16_t hp_dc_free_stream(const hp_data_channels *channels)
{
    for (guint stream = channels->config.dtls_client ? 0 : 1; stream < channels->by_stream->len; stream += 2) {
        if (!channels->by_stream->pdata[stream]) {
            return (uint16_t)stream;
        }
    }
    return HP_CHANNEL_NO_STREAM;
}

void hp_dc_take_stream(hp_data_channels *channels, hp_dc_entry *c, uint16_t stream)
{
    c->public.stream = stream;
    channels->by_stream->pdata[stream] = c;
}

void hp_dc_begin_to_open(hp_data_channels *channels, hp_time now, hp_dc_entry *c, uint16_t stream)
{
    hp_dc_take_stream(channels, c, stream);
    GBytes *message =
        hp_dcep_write_open(&(hp_dcep_open){.priority = PRIORITY_NORMAL, .channel = c->public.config}, NULL);
    hp_dc_set_state(channels, now, c, HP_CHANNEL_OPENING, NULL);
    hp_dc_say_control(channels, now, stream, message);
}

bool hp_data_channel_check(const hp_channel_config *config, GError **error)
{
    g_autoptr(GBytes) message = hp_dcep_write_open(&(hp_dcep_open){.channel = *config}, error);
    return message != NULL;
}

const hp_data_channel *hp_data_channels_open(hp_data_channels *channels, hp_time now, const hp_channel_config *config,
                                             GError **error)
{
    if (!hp_data_channel_check(config, error)) {
        return NULL;
    }
    hp_sctp_state state = hp_sctp_get_state(channels->sctp);
    if (state == HP_SCTP_CLOSING || association_over(channels)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "data channel: the SCTP association is %s",
                    hp_sctp_state_name(state));
        return NULL;
    }
    uint16_t stream = hp_dc_free_stream(channels);
    if (state == HP_SCTP_CONNECTED && stream == HP_CHANNEL_NO_STREAM) {
        g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "data channel: all %u streams are in use",
                    channels->by_stream->len);
        return NULL;
    }
    hp_dc_begin(channels);
    hp_dc_entry *c = hp_dc_entry_new(channels, true, config);
    if (state == HP_SCTP_CONNECTED) {
        hp_dc_begin_to_open(channels, now, c, stream);
    }
    bool over = hp_dc_is_over(c); /* a driver may deliver at once */
    hp_dc_end(channels);
    if (over) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "data channel: over at once");
    }
    return over ? NULL : &c->public;
}

/* ---- between the association and the driver ---- */

static void on_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    const hp_data_channels *channels = user;
    channels->ops.send(channels->user, now, data, len);
}

static void on_enter(void *user)
{
    const hp_data_channels *channels = user;
    if (channels->ops.enter) {
        channels->ops.enter(channels->user);
    }
}

static void on_leave(void *user)
{
    const hp_data_channels *channels = user;
    if (channels->ops.leave) {
        channels->ops.leave(channels->user);
    }
}

/* ---- what is asked of it ---- */

void hp_data_channels_start(hp_data_channels *channels, hp_time now)
{
    hp_sctp_start(channels->sctp, now);
}

void hp_data_channels_input(hp_data_channels *channels, hp_time now, const uint8_t *data, size_t len)
{
    hp_sctp_input(channels->sctp, now, data, len);
}

hp_time hp_data_channels_deadline(const hp_data_channels *channels)
{
    return hp_sctp_deadline(channels->sctp);
}

void hp_data_channels_run(hp_data_channels *channels, hp_time now)
{
    hp_sctp_run(channels->sctp, now);
}

void hp_data_channels_end(hp_data_channels *channels, hp_time now, bool graceful)
{
    if (graceful) {
        hp_sctp_shutdown(channels->sctp, now);
    } else {
        hp_sctp_abort(channels->sctp, now);
    }
}

hp_sctp_state hp_data_channels_state(const hp_data_channels *channels)
{
    return hp_sctp_get_state(channels->sctp);
}

const hp_data_channel *hp_data_channels_find(const hp_data_channels *channels, const char *label)
{
    const hp_data_channel *opening = NULL;
    for (guint i = 0; i < channels->list->len; i++) {
        const hp_data_channel *c = channels->list->pdata[i];
        if (strcmp(c->config.label, label) != 0) {
            continue;
        }
        if (c->state == HP_CHANNEL_OPEN) {
            return c;
        }
        if (c->state == HP_CHANNEL_OPENING && !opening) {
            opening = c;
        }
    }
    return opening;
}

static hp_sctp_message describe(const hp_data_channel *public, bool text, const void *data, size_t len)
{
    static const uint8_t nothing[1] = {0};
    const hp_channel_config *config = &public->config;
    hp_sctp_message message = {.stream = public->stream,
                               .ppid = text ? HP_PPID_STRING : HP_PPID_BINARY,
                               .unordered = config->unordered,
                               .data = data,
                               .length = len};
    if (len == 0) {
        message.ppid = text ? HP_PPID_STRING_EMPTY : HP_PPID_BINARY_EMPTY;
        message.data = nothing;
        message.length = sizeof nothing;
    }
    if (config->limit_retransmits) {
        message.reliability = HP_SCTP_RETRANSMITS;
        message.limit = config->max_retransmits;
    } else if (config->limit_lifetime) {
        message.reliability = HP_SCTP_LIFETIME;
        message.limit = (uint32_t)(config->max_lifetime / HP_MS);
    }
    return message;
}

hp_sctp_result hp_data_channels_send(hp_data_channels *channels, hp_time now, const hp_data_channel *public, bool text,
                                     const void *data, size_t len)
{
    if (public->state != HP_CHANNEL_OPEN || (channels->config.max_message > 0 && len > channels->config.max_message)) {
        return HP_SCTP_REFUSED;
    }
    if (!g_queue_is_empty(&channels->waiting)) {
        return HP_SCTP_WOULD_BLOCK;
    }
    const hp_sctp_message message = describe(public, text, data, len);
    hp_dc_begin(channels);
    hp_sctp_result result = hp_sctp_send(channels->sctp, now, &message);
    hp_dc_end(channels);
    return result;
}

/* ---- construction ---- */

hp_data_channels *hp_data_channels_new(const hp_data_channels_config *config, const hp_rng *rng,
                                       const hp_data_channels_ops *ops, void *user, GError **error)
{
    static const hp_sctp_ops sctp_ops = {
        .send = on_send, .event = hp_dc_on_event, .enter = on_enter, .leave = on_leave};
    g_autoptr(hp_data_channels) channels = g_new0(hp_data_channels, 1);
    channels->config = *config;
    channels->ops = *ops;
    channels->user = user;
    channels->list = g_ptr_array_new_with_free_func(channel_free);
    channels->by_stream = g_ptr_array_new();
    g_queue_init(&channels->waiting);
    channels->sctp = hp_sctp_new(&config->sctp, rng, &sctp_ops, channels, error);
    return channels->sctp ? g_steal_pointer(&channels) : NULL;
}

void hp_data_channels_free(hp_data_channels *channels)
{
    if (!channels) {
        return;
    }
    hp_sctp_free(channels->sctp);
    g_ptr_array_unref(channels->list);
    g_ptr_array_unref(channels->by_stream);
    g_queue_clear_full(&channels->waiting, control_free);
    g_free(channels);
}
