/* Private to actors/: the data channels of one session: an SCTP association (engines/sctp.h) and the channels in it
 * (engines/data_channel.h) over the DTLS association of the application m-line (RFC 8831, RFC 8832).
 *
 * Owned by the media session, which tells it what becomes of DTLS, hands it decrypted data, and runs it when it wants
 * to run. It traces sctp-state and channel-state; messages go up through the peer's channel_receive. */
#ifndef HP_ACTORS_CHANNELS_H
#define HP_ACTORS_CHANNELS_H

#include "actors/media_session.h"
#include "base/rng.h"

typedef struct hp_channels_ops {
    /* One datagram of application data over DTLS. What is not taken is lost, as on any path. */
    void (*send)(void *user, hp_time now, const uint8_t *data, size_t len);
    /* hp_channels_deadline() may have moved, other than by connected, input, run and close. */
    void (*wake)(void *user);
} hp_channels_ops;

/* The endpoint at an application m-line. rng is copied: a stream of its own, named after the session. */
hp_channels *hp_channels_new(hp_session *session, const hp_rng *rng, const hp_channels_ops *ops, void *user);
/* Says nothing to the other side. */
void hp_channels_free(hp_channels *channels);

/* What this side's description says (RFC 8841): the SCTP port, and the largest message it takes. */
enum { HP_CHANNELS_PORT = 5000, HP_CHANNELS_MAX_MESSAGE = 262144 };
/* What the other side's description says; 0: it does not (5000, 65536; RFC 8841 sections 5 and 6). Any time before
 * hp_channels_connected(). */
void hp_channels_set_remote(hp_channels *channels, uint16_t port, uint32_t max_message);

/* DTLS is CONNECTED: the association is begun, from this side too (RFC 8841 section 9.3). dtls_client: it has even
 * stream numbers (RFC 8832 section 6); mtu: hp_dtls_data_mtu(). Once only. */
void hp_channels_connected(hp_channels *channels, hp_time now, bool dtls_client, size_t mtu);
/* DTLS has been closed, or has failed: so is every channel. */
void hp_channels_disconnected(hp_channels *channels, hp_time now, const char *reason);
/* A datagram out of DTLS; record: its capture record. */
void hp_channels_input(hp_channels *channels, hp_time now, const uint8_t *data, size_t len, uint32_t record);
hp_time hp_channels_deadline(const hp_channels *channels);
void hp_channels_run(hp_channels *channels, hp_time now);
/* The call is over: an ABORT, while DTLS can still carry it; then silence. */
void hp_channels_close(hp_channels *channels, hp_time now);

#endif
