/* What usrsctp says, on its way to the driver.
 *
 * usrsctp calls back from deep inside its own work, so all that is done here is to copy and to queue. Messages come in
 * whole; one that comes in parts is larger than what this side said it takes, and ends the association. Notifications
 * are taken for their states; those nobody asked for are left alone. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "engines/sctp_private.h"

typedef struct queued_event {
    hp_sctp_event event;
    uint8_t data[];
} queued_event;

void hp_sctp_tell(hp_sctp *sctp, const hp_sctp_event *event)
{
    if (sctp->muted) {
        return;
    }
    queued_event *queued = g_malloc(sizeof *queued + event->length);
    queued->event = *event;
    queued->event.detail = event->detail ? event->detail : "";
    if (event->length > 0) {
        memcpy(queued->data, event->data, event->length);
    }
    queued->event.data = queued->data;
    g_queue_push_tail(&sctp->events, queued);
}

void hp_sctp_flush(hp_sctp *sctp)
{
    hp_time now = sctp->now;
    queued_event *queued;
    GBytes *packet;
    while ((queued = g_queue_pop_head(&sctp->events))) {
        if (sctp->ops.event) {
            sctp->ops.event(sctp->user, now, &queued->event);
        }
        g_free(queued);
    }
    while ((packet = g_queue_pop_head(&sctp->packets))) {
        gsize len;
        const uint8_t *data = g_bytes_get_data(packet, &len);
        sctp->ops.send(sctp->user, now, data, len);
        g_bytes_unref(packet);
    }
}

void hp_sctp_clear_queues(hp_sctp *sctp)
{
    g_queue_clear_full(&sctp->events, g_free);
    g_queue_clear_full(&sctp->packets, (GDestroyNotify)g_bytes_unref);
}

/* ---- usrsctp's callbacks ---- */

static void over(hp_sctp *sctp, bool wanted, const char *detail)
{
    if (sctp->state == HP_SCTP_CLOSED || sctp->state == HP_SCTP_FAILED) {
        return;
    }
    sctp->state = wanted ? HP_SCTP_CLOSED : HP_SCTP_FAILED;
    hp_sctp_tell(sctp, &(hp_sctp_event){.kind = wanted ? HP_SCTP_EV_CLOSED : HP_SCTP_EV_FAILED, .detail = detail});
}

/* An ABORT has a cause or comes with its chunk. Otherwise it is usrsctp that gave up: over what it has just read, or
 * because nothing came. */
static const char *why_lost(const hp_sctp *sctp, const struct sctp_assoc_change *change, size_t len, const char *abort)
{
    if (change->sac_error != 0 || len > offsetof(struct sctp_assoc_change, sac_info)) {
        return abort;
    }
    return sctp->reading ? "protocol" : "timeout";
}

static void on_change(hp_sctp *sctp, const struct sctp_assoc_change *change, size_t len)
{
    const char *detail;
    switch (change->sac_state) {
    case SCTP_COMM_UP:
        if (sctp->state == HP_SCTP_CONNECTING) {
            sctp->state = HP_SCTP_CONNECTED;
            hp_sctp_tell(sctp, &(hp_sctp_event){.kind = HP_SCTP_EV_CONNECTED, .streams = change->sac_outbound_streams});
        }
        break;
    case SCTP_COMM_LOST:
        detail = why_lost(sctp, change, len, "aborted-by-peer");
        over(sctp, strcmp(detail, "aborted-by-peer") == 0, detail);
        break;
    case SCTP_RESTART:
        over(sctp, false, "restarted");
        break;
    case SCTP_SHUTDOWN_COMP:
        over(sctp, true, "shutdown");
        break;
    case SCTP_CANT_STR_ASSOC:
        over(sctp, false, why_lost(sctp, change, len, "refused"));
        break;
    default: /* an open set of numbers */
        break;
    }
}

/* Without a list it is about all streams. */
static void on_reset(hp_sctp *sctp, const struct sctp_stream_reset_event *reset, size_t len)
{
    const uint16_t flags = reset->strreset_flags;
    size_t n = (len - offsetof(struct sctp_stream_reset_event, strreset_stream_list)) / sizeof(uint16_t);
    for (size_t i = 0; i < MAX(n, 1); i++) {
        if (n > 0 && !(flags & SCTP_STREAM_RESET_INCOMING_SSN)) {
            g_hash_table_remove(sctp->resetting, GUINT_TO_POINTER(reset->strreset_stream_list[i]));
        }
        hp_sctp_tell(sctp,
                     &(hp_sctp_event){.kind = HP_SCTP_EV_STREAM_RESET,
                                      .all = n == 0,
                                      .stream = n > 0 ? reset->strreset_stream_list[i] : 0,
                                      .incoming = (flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0,
                                      .failed = (flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0});
    }
}

static void on_notification(hp_sctp *sctp, const union sctp_notification *notification, size_t len)
{
    if (len < sizeof notification->sn_header || len != notification->sn_header.sn_length) {
        return;
    }
    switch (notification->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
        on_change(sctp, &notification->sn_assoc_change, len);
        break;
    case SCTP_STREAM_RESET_EVENT:
        on_reset(sctp, &notification->sn_strreset_event, len);
        break;
    default: /* likewise */
        break;
    }
}

int hp_sctp_on_receive(struct socket *socket, union sctp_sockstore from, void *data, size_t len,
                       struct sctp_rcvinfo info, int flags, void *user)
{
    hp_sctp *sctp = user;
    if (!data) {
        return 1; /* the end, which notifications have told of */
    }
    if (flags & MSG_NOTIFICATION) {
        on_notification(sctp, data, len);
    } else if (!(flags & MSG_EOR) || len > sctp->config.max_message) {
        over(sctp, false, "message-too-large");
    } else if (sctp->state == HP_SCTP_CONNECTED || sctp->state == HP_SCTP_CLOSING) {
        hp_sctp_tell(sctp, &(hp_sctp_event){.kind = HP_SCTP_EV_MESSAGE,
                                            .stream = info.rcv_sid,
                                            .ppid = g_ntohl(info.rcv_ppid),
                                            .unordered = (info.rcv_flags & SCTP_UNORDERED) != 0,
                                            .data = data,
                                            .length = len});
    }
    free(data); /* usrsctp's malloc() */
    return 1;
}

int hp_sctp_on_room(struct socket *socket, uint32_t room, void *user)
{
    hp_sctp *sctp = user;
    if (sctp->blocked) {
        sctp->blocked = false;
        hp_sctp_tell(sctp, &(hp_sctp_event){.kind = HP_SCTP_EV_WRITABLE});
    }
    return 1;
}
