/* What the media of all peers of a run share: the numbers of tracks, as the trace has them, and each peer's
 * certificate. */
#ifndef HP_ACTORS_MEDIA_HUB_H
#define HP_ACTORS_MEDIA_HUB_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/media.h"
#include "engines/dtls.h"
#include "wire/captured.h"
#include "world/world.h"

typedef struct hp_media_hub hp_media_hub;

hp_media_hub *hp_media_hub_new(hp_world *world);
void hp_media_hub_free(hp_media_hub *hub);

/* ---- tracks of several processes ---- */

/* A table of tracks in memory that is shared with every process forked afterwards, so that the numbers of tracks are
 * unique over all of them. */
typedef struct hp_media_tracks hp_media_tracks;
enum { HP_MEDIA_MAX_SHARED_TRACKS = 16384 };
hp_media_tracks *hp_media_tracks_new(GError **error);
void hp_media_tracks_free(hp_media_tracks *tracks);
/* tracks outlives the hub. */
hp_media_hub *hp_media_hub_new_shared(hp_world *world, hp_media_tracks *tracks);
/* Who is a program of somebody else's, and adds no tracks: its tracks are added by who receives them. Without: nobody. */
void hp_media_hub_set_foreign(hp_media_hub *hub, bool (*is_foreign)(void *user, const char *peer), void *user);
bool hp_media_hub_is_foreign(const hp_media_hub *hub, const char *peer);

/* A new track: from `from` to `to` on that ICE stream under that SSRC. Streams that are not bundled are RTP sessions of
 * their own, in which one SSRC may stand for different sources. Numbers count from 1. rtx_ssrc 0: none. 0 when a shared
 * table is full: such a track is not told apart from the media of nobody. */
unsigned hp_media_hub_add_track(hp_media_hub *hub, const char *from, const char *to, unsigned stream, uint32_t ssrc,
                                uint32_t rtx_ssrc);
unsigned hp_media_hub_n_tracks(const hp_media_hub *hub);
/* The track of that SSRC (its own or its retransmissions'), the latest of several; 0 when nobody sends under it. */
unsigned hp_media_hub_find_track(const hp_media_hub *hub, const char *from, const char *to, unsigned stream,
                                 uint32_t ssrc);
/* A peer's certificate: made when first asked for, the same from then on. NULL and error when OpenSSL fails. */
const hp_dtls_identity *hp_media_hub_identity(hp_media_hub *hub, const char *peer, GError **error);

#endif
