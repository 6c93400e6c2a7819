/* What the association says, and what that means for its data channels (data_channel.c).
 *
 * Whatever breaks RFC 8832 costs its channel and nothing else: the stream is reset, so that the peer hears of it, and
 * the driver is told that the channel has failed. That includes an OPEN that makes no sense on a stream without a
 * channel, which makes one that has failed from the start.
 *
 * Streams come free on both sides at different times. A peer whose resets are done may open the next channel on a
 * stream that this side is still resetting: that OPEN waits until it is done, too. */
#include "engines/data_channel_private.h"

static void drop(hp_data_channels *channels, hp_time now, uint16_t stream, const char *why)
{
    hp_dc_tell(channels, now, (hp_channel_event){.kind = HP_CHANNEL_EV_DROPPED, .stream = stream, .detail = why});
}

static void connected(hp_data_channels *channels, hp_time now, uint16_t streams)
{
    g_ptr_array_set_size(channels->by_stream, MIN(streams, HP_CHANNEL_NO_STREAM));
    hp_dc_tell(channels, now, (hp_channel_event){.kind = HP_CHANNEL_EV_CONNECTED});
    for (guint i = 0; i < channels->list->len; i++) {
        hp_dc_entry *c = channels->list->pdata[i];
        if (c->public.state != HP_CHANNEL_OPENING || c->public.stream != HP_CHANNEL_NO_STREAM) {
            continue;
        }
        uint16_t stream = hp_dc_free_stream(channels);
        if (stream == HP_CHANNEL_NO_STREAM) {
            hp_dc_set_state(channels, now, c, HP_CHANNEL_FAILED, "no-stream");
        } else {
            hp_dc_begin_to_open(channels, now, c, stream);
        }
    }
}

static void ended(hp_data_channels *channels, hp_time now, bool failed, const char *why)
{
    for (guint i = 0; i < channels->list->len; i++) {
        hp_dc_entry *c = channels->list->pdata[i];
        if (!hp_dc_is_over(c)) {
            hp_dc_set_state(channels, now, c, failed ? HP_CHANNEL_FAILED : HP_CHANNEL_CLOSED, why);
        }
    }
    hp_dc_tell(channels, now, (hp_channel_event){.kind = HP_CHANNEL_EV_ENDED, .failed = failed, .detail = why});
}

/* ---- what comes in ---- */

static void on_open(hp_data_channels *channels, hp_time now, uint16_t stream, const hp_dcep_open *open)
{
    bool even = stream % 2 == 0;
    hp_dc_entry *c = hp_dc_entry_new(channels, false, &open->channel);
    hp_dc_take_stream(channels, c, stream);
    if (even == channels->config.dtls_client) {
        hp_dc_fail(channels, now, c, "stream-of-ours");
        return;
    }
    /* The ACK is first on the stream, whatever the driver sends when it hears of the channel. */
    hp_dc_say_control(channels, now, stream, hp_dcep_write_ack());
    hp_dc_set_state(channels, now, c, HP_CHANNEL_OPEN, NULL);
}

static void on_control(hp_data_channels *channels, hp_time now, const hp_sctp_event *message)
{
    hp_dcep_type type;
    hp_dcep_open open;
    const char *fault = NULL;
    hp_dc_entry *c = hp_dc_on_stream(channels, message->stream);
    if (!c && message->stream >= channels->by_stream->len) {
        drop(channels, now, message->stream, "no way back on that stream");
        return;
    }
    if (c && hp_dc_is_over(c) && c->incoming_reset && !c->outgoing_reset && !c->early) {
        c->early = g_bytes_new(message->data, message->length);
        return;
    }
    if (!hp_dcep_read(message->data, message->length, &type, &open, &fault)) {
        if (!c) {
            c = hp_dc_entry_new(channels, false, &(hp_channel_config){0});
            hp_dc_take_stream(channels, c, message->stream);
        }
        g_autofree char *why = g_strdup_printf("malformed-%s", fault);
        hp_dc_fail(channels, now, c, why);
        return;
    }
    switch (type) {
    case HP_DCEP_OPEN:
        if (c) {
            hp_dc_fail(channels, now, c, "stream-in-use");
        } else {
            on_open(channels, now, message->stream, &open);
        }
        hp_dcep_open_clear(&open);
        break;
    case HP_DCEP_ACK:
        if (c && c->public.state == HP_CHANNEL_OPENING) {
            hp_dc_set_state(channels, now, c, HP_CHANNEL_OPEN, NULL);
        } else {
            drop(channels, now, message->stream, "an ACK of nothing");
        }
        break;
    }
}

static void on_user_message(hp_data_channels *channels, hp_time now, const hp_sctp_event *message)
{
    hp_dc_entry *c = hp_dc_on_stream(channels, message->stream);
    bool text = message->ppid == HP_PPID_STRING || message->ppid == HP_PPID_STRING_EMPTY;
    bool empty = message->ppid == HP_PPID_STRING_EMPTY || message->ppid == HP_PPID_BINARY_EMPTY;
    if (!text && !empty && message->ppid != HP_PPID_BINARY) {
        drop(channels, now, message->stream, "an unknown payload protocol");
        return;
    }
    if (c && c->public.state == HP_CHANNEL_OPENING) {
        hp_dc_set_state(channels, now, c, HP_CHANNEL_OPEN, NULL); /* an unordered message may arrive before the ACK */
    }
    if (!c || c->public.state != HP_CHANNEL_OPEN) {
        drop(channels, now, message->stream, "no open channel");
        return;
    }
    hp_dc_tell(channels, now,
               (hp_channel_event){.kind = HP_CHANNEL_EV_MESSAGE,
                                  .channel = &c->public,
                                  .stream = message->stream,
                                  .text = text,
                                  .data = message->data,
                                  .length = empty ? 0 : message->length});
}

static void stream_was_reset(hp_data_channels *channels, hp_time now, hp_dc_entry *c, const hp_sctp_event *event)
{
    if (event->incoming) {
        c->incoming_reset = true;
        if (c->public.state == HP_CHANNEL_OPENING || c->public.state == HP_CHANNEL_OPEN) {
            hp_dc_set_state(channels, now, c, HP_CHANNEL_CLOSED, "closed-by-peer");
            hp_dc_reset(channels, now, c);
        }
    } else {
        c->outgoing_reset = true;
    }
    if (c->public.state == HP_CHANNEL_CLOSING && c->incoming_reset && c->outgoing_reset) {
        hp_dc_set_state(channels, now, c, HP_CHANNEL_CLOSED, "closed");
    }
    if (c->early && c->incoming_reset && c->outgoing_reset) {
        g_autoptr(GBytes) early = g_steal_pointer(&c->early);
        channels->by_stream->pdata[c->public.stream] = NULL;
        gsize len;
        const uint8_t *data = g_bytes_get_data(early, &len);
        on_control(channels, now, &(hp_sctp_event){.stream = c->public.stream, .data = data, .length = len});
    }
}

static void on_reset(hp_data_channels *channels, hp_time now, const hp_sctp_event *event)
{
    for (guint i = 0; event->all && i < channels->by_stream->len; i++) {
        if (channels->by_stream->pdata[i]) {
            stream_was_reset(channels, now, channels->by_stream->pdata[i], event);
        }
    }
    hp_dc_entry *c = event->all ? NULL : hp_dc_on_stream(channels, event->stream);
    if (c) {
        stream_was_reset(channels, now, c, event);
    }
}

void hp_dc_on_event(void *user, hp_time now, const hp_sctp_event *event)
{
    hp_data_channels *channels = user;
    hp_dc_begin(channels);
    switch (event->kind) {
    case HP_SCTP_EV_CONNECTED:
        connected(channels, now, event->streams);
        break;
    case HP_SCTP_EV_MESSAGE:
        if (event->ppid == HP_PPID_DCEP) {
            on_control(channels, now, event);
        } else {
            on_user_message(channels, now, event);
        }
        break;
    case HP_SCTP_EV_STREAM_RESET:
        on_reset(channels, now, event);
        break;
    case HP_SCTP_EV_WRITABLE:
        hp_dc_flush_controls(channels, now);
        hp_dc_tell(channels, now, (hp_channel_event){.kind = HP_CHANNEL_EV_WRITABLE});
        break;
    case HP_SCTP_EV_CLOSED:
        ended(channels, now, false, event->detail);
        break;
    case HP_SCTP_EV_FAILED:
        ended(channels, now, true, event->detail);
        break;
    }
    hp_dc_end(channels);
}
