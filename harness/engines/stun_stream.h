/* STUN and ChannelData messages out of a byte stream (RFC 8489 section 6.2.2, RFC 8656 section 12.5). */
#ifndef HP_ENGINES_STUN_STREAM_H
#define HP_ENGINES_STUN_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest message: a STUN header and the most that its length field can say in whole words. ChannelData with its
 * padding is shorter. */
enum { HP_STUN_STREAM_MAX = 20 + 65532 };

/* Zero it to start.
 *
 *   whole     put, next, rest
 *   broken    the same, but nothing comes out any more and what is put is thrown away */
typedef struct hp_stun_stream {
    uint8_t *bytes;
    size_t from, until, capacity; /* what is held lies in [from, until) */
    const char *broken;
} hp_stun_stream;

/* Frees what it holds; it can be used anew. */
void hp_stun_stream_clear(hp_stun_stream *stream);
void hp_stun_stream_put(hp_stun_stream *stream, const uint8_t *data, size_t len);
/* The next whole message, of ChannelData without its padding; valid until the next call of put or clear. False: more is
 * needed, or the stream is broken. */
bool hp_stun_stream_next(hp_stun_stream *stream, const uint8_t **ret, size_t *ret_len);
/* Takes out what has not become a message: after the last STUN message of a connection that is something else from then
 * on. Valid as above. */
const uint8_t *hp_stun_stream_rest(hp_stun_stream *stream, size_t *ret_len);
/* Why no message can follow, a literal: "first-byte" (neither STUN nor ChannelData), "length" (of STUN: no whole
 * words), "cookie". NULL while all is well. */
const char *hp_stun_stream_broken(const hp_stun_stream *stream);

/* How many zero bytes follow a ChannelData message of that length on a stream. */
static inline size_t hp_stun_stream_padding(size_t message_length)
{
    return -message_length & 3;
}

#endif
