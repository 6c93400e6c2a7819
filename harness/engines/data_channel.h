/* WebRTC's data channels (RFC 8831, RFC 8832) over one SCTP association, sans-IO.
 *
 * Datagrams of the DTLS association below are handed in with the present time; datagrams, events and the next deadline
 * come out, as with the association itself (engines/sctp.h), which lives in here. */
#ifndef HP_ENGINES_DATA_CHANNEL_H
#define HP_ENGINES_DATA_CHANNEL_H

#include "config/media.h"
#include "engines/sctp.h"

typedef enum hp_channel_state {
    HP_CHANNEL_OPENING, /* the association, or the peer's ACK, is waited for. Legal: close */
    HP_CHANNEL_OPEN, /* Legal: send, close */
    HP_CHANNEL_CLOSING, /* the streams are being reset. What comes in is dropped */
    HP_CHANNEL_CLOSED, /* as one side wanted, or the association ended so. The end */
    HP_CHANNEL_FAILED, /* for a reason. The end */
} hp_channel_state;
const char *hp_channel_state_name(hp_channel_state state); /* "opening" */

/* No stream of RFC 8832's has this number: of a channel that has none yet. */
enum { HP_CHANNEL_NO_STREAM = 65535 };

/* Valid from open() or its first event until its last one, CLOSED or FAILED, has been told. */
typedef struct hp_data_channel {
    uint16_t stream; /* both ways */
    bool ours; /* this side opened it */
    hp_channel_config config; /* strings never NULL */
    hp_channel_state state;
} hp_data_channel;

typedef struct hp_data_channels_config {
    hp_sctp_config sctp;
    bool dtls_client; /* this side's channels have even numbers, else odd ones (RFC 8832 section 6) */
    uint32_t max_message; /* octets that the peer takes (RFC 8841 section 6); 0: any */
} hp_data_channels_config;

typedef enum hp_channel_event_kind {
    HP_CHANNEL_EV_CONNECTED, /* the association is there */
    HP_CHANNEL_EV_ENDED, /* it is no more: failed, detail (as engines/sctp.h says). Channels have been told before */
    HP_CHANNEL_EV_STATE, /* channel has another state, or is new; detail (why it closed or failed) */
    HP_CHANNEL_EV_MESSAGE, /* channel, text, data */
    HP_CHANNEL_EV_WRITABLE, /* there is room again, after HP_SCTP_WOULD_BLOCK */
    HP_CHANNEL_EV_DROPPED, /* detail: what came and was of no use; stream */
} hp_channel_event_kind;

/* Pointers are valid during the call. */
typedef struct hp_channel_event {
    hp_channel_event_kind kind;
    const hp_data_channel *channel;
    bool failed, text;
    uint16_t stream;
    const char *detail; /* never NULL */
    const uint8_t *data;
    size_t length;
} hp_channel_event;

/* As those of hp_sctp_ops; event may not be NULL. */
typedef struct hp_data_channels_ops {
    void (*send)(void *user, hp_time now, const uint8_t *data, size_t len);
    void (*event)(void *user, hp_time now, const hp_channel_event *event);
    void (*enter)(void *user); /* may be NULL, as may leave */
    void (*leave)(void *user);
} hp_data_channels_ops;

typedef struct hp_data_channels hp_data_channels;

/* Errors as of hp_sctp_new(). */
hp_data_channels *hp_data_channels_new(const hp_data_channels_config *config, const hp_rng *rng,
                                       const hp_data_channels_ops *ops, void *user, GError **error);
/* Says nothing, neither to the peer nor to the driver. */
void hp_data_channels_free(hp_data_channels *channels);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_data_channels, hp_data_channels_free)

void hp_data_channels_start(hp_data_channels *channels, hp_time now);
void hp_data_channels_input(hp_data_channels *channels, hp_time now, const uint8_t *data, size_t len);
hp_time hp_data_channels_deadline(const hp_data_channels *channels);
void hp_data_channels_run(hp_data_channels *channels, hp_time now);
/* Ends the association: by an ABORT, or (graceful) when all is delivered. */
void hp_data_channels_end(hp_data_channels *channels, hp_time now, bool graceful);
hp_sctp_state hp_data_channels_state(const hp_data_channels *channels);

/* Whether there can be such a channel; HP_ERROR_INVALID: no. */
bool hp_data_channel_check(const hp_channel_config *config, GError **error);
/* Opens a channel; config's strings are copied. Before the association is there it waits for that. NULL and
 * HP_ERROR_INVALID: such a channel cannot be, or the association is over; HP_ERROR_LIMIT: no stream is free. */
const hp_data_channel *hp_data_channels_open(hp_data_channels *channels, hp_time now, const hp_channel_config *config,
                                             GError **error);
/* The channel of that label that is open, or else opening: the first of several. NULL: none. */
const hp_data_channel *hp_data_channels_find(const hp_data_channels *channels, const char *label);
/* One message, which may be empty. HP_SCTP_REFUSED: the channel is not open, or the message larger than the peer
 * takes. */
hp_sctp_result hp_data_channels_send(hp_data_channels *channels, hp_time now, const hp_data_channel *channel, bool text,
                                     const void *data, size_t len);
/* What was sent is still delivered (RFC 8831 section 6.7). */
void hp_data_channels_close(hp_data_channels *channels, hp_time now, const hp_data_channel *channel);

#endif
