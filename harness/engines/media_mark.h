/* The measuring header: the first octets of every payload that hp_media_sender makes, so that a receiver in the same
 * run knows exactly what became of each packet and frame.
 *
 *    0                   1                   2                   3
 *   +-------------------------------+---------------+---------------+
 *   |         magic 0x4850          |     flags     |       0       |
 *   +-------------------------------+---------------+---------------+
 *   |                           frame id                            |
 *   +---------------------------------------------------------------+
 *   |       sequence: packets before this one, plus the first       |
 *   |                    RTP sequence number                        |
 *   +---------------------------------------------------------------+
 *   |     first transmission, nanoseconds after the capture         |
 *   +---------------------------------------------------------------+
 *   |          capture time, nanoseconds of run time (64 bits)      |
 *   |                                                               |
 *   +---------------------------------------------------------------+
 *
 * A retransmission carries it unchanged. */
#ifndef HP_ENGINES_MEDIA_MARK_H
#define HP_ENGINES_MEDIA_MARK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/time.h"
#include "config/media.h"

enum {
    HP_MARK_MAGIC = 0x4850,
    HP_MARK_KEY = 1 << 0, /* of a key frame; every packet of it has the flag */
    HP_MARK_START = 1 << 1, /* first packet of a frame */
    HP_MARK_END = 1 << 2, /* last packet of a frame */
    HP_MARK_COMFORT = 1 << 3, /* audio: of a silence */
};

typedef struct hp_media_mark {
    uint8_t flags;
    uint32_t frame, sequence, offset;
    hp_time capture;
} hp_media_mark;

static inline void hp_media_mark_write(uint8_t out[static HP_MEDIA_MARK], const hp_media_mark *mark)
{
    uint32_t words[4] = {GUINT32_TO_BE((uint32_t)HP_MARK_MAGIC << 16 | (uint32_t)mark->flags << 8),
                         GUINT32_TO_BE(mark->frame), GUINT32_TO_BE(mark->sequence), GUINT32_TO_BE(mark->offset)};
    uint64_t capture = GUINT64_TO_BE(mark->capture);
    memcpy(out, words, sizeof words);
    memcpy(out + sizeof words, &capture, sizeof capture);
}

/* False for a payload that begins with no such header. */
static inline bool hp_media_mark_read(const uint8_t *payload, size_t len, hp_media_mark *ret)
{
    uint32_t words[4];
    uint64_t capture;
    if (len < HP_MEDIA_MARK)
        return false;
    memcpy(words, payload, sizeof words);
    uint32_t first = GUINT32_FROM_BE(words[0]);
    if (first >> 16 != HP_MARK_MAGIC || (first & 0xff) != 0)
        return false;
    memcpy(&capture, payload + sizeof words, sizeof capture);
    *ret = (hp_media_mark){.flags = (uint8_t)(first >> 8),
                           .frame = GUINT32_FROM_BE(words[1]),
                           .sequence = GUINT32_FROM_BE(words[2]),
                           .offset = GUINT32_FROM_BE(words[3]),
                           .capture = GUINT64_FROM_BE(capture)};
    return true;
}

#endif
