/* Private to actors/: what secures one ICE component of a media session: tells its datagrams apart (RFC 7983), has the
 * DTLS association and the SRTP contexts. It owns no agent and no timer.
 *
 *   waiting:  the role or the path is missing; DTLS that comes is kept (a few datagrams), RTP is refused for want of
 *             keys
 *   started:  the handshake goes on
 *   keyed:    RTP, RTCP and data pass both ways
 *   over:     closed or failed: nothing is sent any more. What was under way is still heard */
#ifndef HP_ACTORS_MEDIA_TRANSPORT_H
#define HP_ACTORS_MEDIA_TRANSPORT_H

#include "actors/media_hub.h"
#include "config/media.h"
#include "engines/dtls.h"
#include "engines/media_event.h"
#include "engines/srtp.h"
#include "seam/seam.h"

typedef struct hp_media_transport hp_media_transport;

typedef struct hp_media_transport_config {
    hp_world *world;
    hp_media_hub *hub;
    const hp_secure_config *secure; /* outlives the transport */
    /* Of the session that owns it; both may be filled in later. */
    hp_seam_env *const *env; /* whose clock OpenSSL is shown */
    char *const *with;
    const char *peer; /* outlives the transport */
    uint64_t session;
    unsigned stream, component;
    bool srtp; /* it carries RTP or RTCP, so that a profile is agreed on */
} hp_media_transport_config;

/* All but send may call the transport's sending functions; none may free it. */
typedef struct hp_media_transport_ops {
    /* To the agent; false: not taken. */
    bool (*send)(void *user, unsigned stream, unsigned component, const uint8_t *data, size_t len);
    /* An authenticated packet in the clear; record: its capture record. */
    void (*rtp)(void *user, hp_media_transport *t, hp_time now, const uint8_t *data, size_t len, uint32_t record);
    void (*rtcp)(void *user, hp_media_transport *t, hp_time now, const uint8_t *data, size_t len);
    /* Application data out of DTLS. */
    void (*data)(void *user, hp_media_transport *t, hp_time now, const uint8_t *data, size_t len, uint32_t record);
    /* Keys are there, and a path. Once. */
    void (*keyed)(void *user, hp_media_transport *t, hp_time now);
    /* The association was closed, or failed. Once. */
    void (*over)(void *user, hp_media_transport *t, hp_time now, const char *reason);
} hp_media_transport_ops;

/* HP_ERROR_INVALID where secure makes no sense. ops outlive the transport. */
hp_media_transport *hp_media_transport_new(const hp_media_transport_config *config, const hp_media_transport_ops *ops,
                                           void *user, GError **error);
void hp_media_transport_free(hp_media_transport *t);

/* Both descriptions are known: DTLS with that role, from when there is a path. Does nothing when it has one already, or
 * keys. */
void hp_media_transport_set_role(hp_media_transport *t, hp_time now, hp_dtls_role role);
/* What the peer's certificate is to be; best said before the role. n 0: nobody said. */
void hp_media_transport_expect(hp_media_transport *t, hp_time now, const hp_dtls_fingerprint *fingerprints, size_t n);
/* Security descriptions: no DTLS. */
void hp_media_transport_set_keys(hp_media_transport *t, hp_time now, const hp_srtp_keys *out, const hp_srtp_keys *in);
/* The component can carry datagrams. */
void hp_media_transport_set_writable(hp_media_transport *t, hp_time now);

/* A datagram came on the component. */
void hp_media_transport_input(hp_media_transport *t, hp_time now, const uint8_t *data, size_t len, uint32_t record);
/* A packet in the clear, of at most HP_MEDIA_PACKET_MAX octets. False when it did not leave. */
bool hp_media_transport_send_rtp(hp_media_transport *t, const uint8_t *data, size_t len);
bool hp_media_transport_send_rtcp(hp_media_transport *t, const uint8_t *data, size_t len);
bool hp_media_transport_send_data(hp_media_transport *t, hp_time now, const uint8_t *data, size_t len);

hp_time hp_media_transport_deadline(const hp_media_transport *t);
void hp_media_transport_run(hp_media_transport *t, hp_time now);
/* Says close_notify if there is whom to say it to. */
void hp_media_transport_close(hp_media_transport *t, hp_time now);

bool hp_media_transport_is_keyed(const hp_media_transport *t); /* and not over */
/* NULL while no role is known. */
const hp_dtls *hp_media_transport_dtls(const hp_media_transport *t);

#endif
