/* What the media of all peers of a run share: the numbers of tracks, as the trace has them, and each peer's
 * certificate. */
#ifndef HP_ACTORS_MEDIA_HUB_H
#define HP_ACTORS_MEDIA_HUB_H

#include <glib.h>
#include <stdint.h>

#include "config/media.h"
#include "engines/dtls.h"
#include "wire/captured.h"
#include "world/world.h"

typedef struct hp_media_hub hp_media_hub;

hp_media_hub *hp_media_hub_new(hp_world *world);
void hp_media_hub_free(hp_media_hub *hub);

/* A new track: from `from` to `to` on that ICE stream under that SSRC. Streams that are not bundled are RTP sessions of
 * their own, in which one SSRC may stand for different sources. Numbers count from 1. rtx_ssrc 0: none. */
unsigned hp_media_hub_add_track(hp_media_hub *hub, const char *from, const char *to, unsigned stream, uint32_t ssrc,
                                uint32_t rtx_ssrc);
unsigned hp_media_hub_n_tracks(const hp_media_hub *hub);
/* The track of that SSRC (its own or its retransmissions'), the latest of several; 0 when nobody sends under it. */
unsigned hp_media_hub_find_track(const hp_media_hub *hub, const char *from, const char *to, unsigned stream,
                                 uint32_t ssrc);
/* A peer's certificate: made when first asked for, the same from then on. NULL and error when OpenSSL fails. */
const hp_dtls_identity *hp_media_hub_identity(hp_media_hub *hub, const char *peer, GError **error);

#endif
