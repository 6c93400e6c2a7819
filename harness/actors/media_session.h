/* Private to actors/: the media of one session: its m-lines, their transports and tracks, its data channels.
 *
 *   session --- transport, one an ICE component that carries anything: demultiplexer (RFC 7983), DTLS, SRTP
 *           --- track, one an m-line of audio or video: sender and receiver
 *           --- channels, one SCTP association over the DTLS of the application m-line
 *
 * peer_negotiation.c tells it of descriptions, peer_agent.c of ICE states and datagrams. Its own timer drives its
 * engines. It sends through the session's agent and never touches the signalling. */
#ifndef HP_ACTORS_MEDIA_SESSION_H
#define HP_ACTORS_MEDIA_SESSION_H

#include <nice/nice.h>

#include "actors/sdp.h"
#include "config/media.h"

typedef struct hp_session hp_session;
typedef struct hp_media_session hp_media_session;

/* call: what the offer asks for, ours or the other side's. NULL and error when an engine refuses its configuration, a
 * recording or a certificate. */
hp_media_session *hp_media_session_new(hp_session *session, const hp_call_config *call, GError **error);
/* Nothing is sent any more. */
void hp_media_session_free(hp_media_session *media);

/* How many ICE streams a call needs, and components of each. */
void hp_media_shape(const hp_call_config *call, unsigned *ret_streams, unsigned *ret_components);
/* Fills in the media sections of a description whose ICE streams stand already (sdp->streams, without sections). */
void hp_media_session_describe(hp_media_session *media, bool offer, hp_sdp *sdp);
/* What the other side's description says of media; called again for every later one. A description that does not fit
 * (another number of sections, no codec in common) makes its section silent; the reason is traced (media-ignored). */
void hp_media_session_remote(hp_media_session *media, bool offer, const hp_sdp *sdp);
/* A component changed its state. */
void hp_media_session_ice_state(hp_media_session *media, unsigned stream, unsigned component, NiceComponentState state);
/* A datagram came on a component; record: its capture record. Inside a callback of the agent. */
void hp_media_session_receive(hp_media_session *media, unsigned stream, unsigned component, const uint8_t *data,
                              size_t len, uint32_t record);
/* Wanted from now on; takes effect on this side at once, and the next description says it. */
void hp_media_session_set_hold(hp_media_session *media, const bool kinds[HP_MEDIA_N_KINDS], bool hold);
bool hp_media_session_set_bitrate(hp_media_session *media, uint32_t bitrate);
/* The call is over: RTCP BYE, SCTP shutdown, DTLS close_notify, in this order, as far as there is a path; then
 * silence. */
void hp_media_session_close(hp_media_session *media);
/* The run is over: what the receivers still have open (a freeze, missing packets) is told. The trace must still be
 * open. Nothing is received after it. */
void hp_media_session_finish(hp_media_session *media);

/* ---- data channels ---- */
typedef struct hp_channels hp_channels;
/* NULL when the descriptions have no application m-line. */
hp_channels *hp_media_session_channels(hp_media_session *media);
/* channels.c: */
bool hp_media_session_open_channel(hp_media_session *media, const hp_channel_config *config, GError **error);
bool hp_media_session_send_channel(hp_media_session *media, const char *label, const void *data, size_t len);

#endif
