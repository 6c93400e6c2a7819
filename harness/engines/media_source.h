/* RTP from a recording: walks a list of captured packets in their own time, under another identity, once or for ever.
 * Reading capture files is not done here. */
#ifndef HP_ENGINES_MEDIA_SOURCE_H
#define HP_ENGINES_MEDIA_SOURCE_H

#include <glib.h>

#include "base/rng.h"
#include "config/media.h"
#include "wire/captured.h"

typedef struct hp_media_source_config {
    hp_media_identity id; /* rtx_ssrc is not looked at; what is not set is drawn */
    bool pick_set; /* of several SSRCs in the recording take `pick`; else that of the first RTP packet */
    uint32_t pick;
    bool pt_set; /* the payload type to send; else the recorded ones */
    uint8_t pt;
    bool loop; /* begins again at the end, numbers and timestamps going on */
} hp_media_source_config;

typedef struct hp_media_source hp_media_source;

/* Copies the packets. HP_ERROR_INVALID when no packet of the list is RTP of that SSRC. A time that goes back counts as
 * the time before it. */
hp_media_source *hp_media_source_new(const hp_captured *packets, size_t n, const hp_media_source_config *config,
                                     const hp_rng *rng, GError **error);
void hp_media_source_free(hp_media_source *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_media_source, hp_media_source_free)

uint32_t hp_media_source_ssrc(const hp_media_source *source);
/* Packets taken, and packets of the list that were not: other sources, no RTP. */
size_t hp_media_source_length(const hp_media_source *source, size_t *ret_skipped);
/* The first packet is due at `now`. */
void hp_media_source_start(hp_media_source *source, hp_time now);
/* When the next packet is due; HP_NEVER before the start and after the end. */
hp_time hp_media_source_deadline(const hp_media_source *source);
/* Writes the next packet if it is due, and returns its length; 0: none is due, or it does not fit (it is then
 * skipped). */
size_t hp_media_source_next(hp_media_source *source, hp_time now, uint8_t *ret, size_t cap);

#endif
