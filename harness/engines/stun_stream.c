/* STUN and ChannelData messages out of a byte stream.
 *
 * Both begin with a kind and a length, and nothing else separates them:
 *
 *    00 + 14 bits of type    length, a multiple of 4    cookie, id, attributes: 20 + length bytes
 *    01 + 14 bits of number  length                     data: 4 + length bytes, then zeros up to a multiple of 4
 *
 * So one wrong byte and everything that follows is read at the wrong place: there is no way back, and whoever owns the
 * connection has to close it. What is looked at is what must hold for the frame to be one: the two bits, the length in
 * whole words, and of STUN the cookie. Clients without the cookie (RFC 3489) had UDP only. Length and cookie
 * tell STUN from a TLS ClientHello on the wrong port, which begins with 00 bits too. Anything else about a message is
 * its receiver's business, and a bad one leaves the stream in step: ChannelData with a number that nobody may use
 * (0x5000 and up) is framed and then discarded like any other.
 *
 * The length field bounds a message to 64 kB, and with it what is held: a message in the making, and what was put in
 * behind it. Who puts in no more than a fixed amount before taking out all there is (turn_stream.c) bounds that too. */
#include "engines/stun_stream.h"

#include <glib.h>
#include <string.h>

#include "wire/stun.h"

enum { CHANNEL_HEADER = 4, COOKIE_AT = 4, COOKIE_END = 8 };

static bool has_cookie(const uint8_t *message)
{
    static const uint8_t cookie[4] = {HP_STUN_COOKIE >> 24, HP_STUN_COOKIE >> 16 & 0xff, HP_STUN_COOKIE >> 8 & 0xff,
                                      HP_STUN_COOKIE & 0xff};
    return memcmp(message + COOKIE_AT, cookie, sizeof cookie) == 0;
}

void hp_stun_stream_clear(hp_stun_stream *stream)
{
    g_free(stream->bytes);
    *stream = (hp_stun_stream){0};
}

void hp_stun_stream_put(hp_stun_stream *stream, const uint8_t *data, size_t len)
{
    if (stream->broken != NULL || len == 0) {
        return;
    }
    size_t held = stream->until - stream->from;
    if (stream->until + len > stream->capacity) {
        if (held > 0) {
            memmove(stream->bytes, stream->bytes + stream->from, held);
        }
        stream->from = 0;
        stream->until = held;
    }
    if (held + len > stream->capacity) {
        stream->capacity = MAX(held + len, 2 * stream->capacity);
        stream->bytes = g_realloc(stream->bytes, stream->capacity);
    }
    memcpy(stream->bytes + stream->until, data, len);
    stream->until += len;
}

static bool fail(hp_stun_stream *stream, const char *reason)
{
    hp_stun_stream_clear(stream);
    stream->broken = reason;
    return false;
}

static bool take(hp_stun_stream *stream, size_t length, size_t padding, const uint8_t **ret, size_t *ret_len)
{
    if (stream->until - stream->from < length + padding) {
        return false;
    }
    *ret = stream->bytes + stream->from;
    *ret_len = length;
    stream->from += length + padding;
    return true;
}

bool hp_stun_stream_next(hp_stun_stream *stream, const uint8_t **ret, size_t *ret_len)
{
    size_t held = stream->until - stream->from;
    if (held == 0) {
        return false;
    }
    const uint8_t *at = stream->bytes + stream->from;
    /* A stream that is none should not have to fill a header first. */
    if (at[0] >> 7 != 0) {
        return fail(stream, "first-byte");
    }
    if (held < CHANNEL_HEADER) {
        return false;
    }
    size_t length = (size_t)at[2] << 8 | at[3];
    if (at[0] >> 6 == 1) {
        length += CHANNEL_HEADER;
        return take(stream, length, hp_stun_stream_padding(length), ret, ret_len);
    }
    if (length % 4 != 0) {
        return fail(stream, "length");
    }
    if (held >= COOKIE_END && !has_cookie(at)) {
        return fail(stream, "cookie");
    }
    return held >= COOKIE_END && take(stream, HP_STUN_HEADER + length, 0, ret, ret_len);
}

const uint8_t *hp_stun_stream_rest(hp_stun_stream *stream, size_t *ret_len)
{
    const uint8_t *rest = stream->bytes != NULL ? stream->bytes + stream->from : (const uint8_t *)"";
    *ret_len = stream->until - stream->from;
    stream->from = stream->until;
    return rest;
}

const char *hp_stun_stream_broken(const hp_stun_stream *stream)
{
    return stream->broken;
}
