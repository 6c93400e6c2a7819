/* Private to actors/: a TCP socket as an engine wants it, which hands over bytes and closes what it has no use for:
 * whatever TCP does not take at once waits here, and a close lets it out first. */
#ifndef HP_ACTORS_BYTE_STREAM_H
#define HP_ACTORS_BYTE_STREAM_H

#include "world/tcp.h"

typedef struct hp_byte_stream hp_byte_stream;

typedef struct hp_byte_stream_ops {
    void (*connected)(void *user); /* of one that was not accepted; may be NULL */
    void (*data)(void *user, const uint8_t *data, size_t len);
    void (*ended)(void *user); /* the other side sends no more, or the connection failed; once */
} hp_byte_stream_ops;

/* Owns its streams, and must go before their hosts do. */
typedef struct hp_byte_streams {
    GPtrArray *list; /* of hp_byte_stream */
} hp_byte_streams;

void hp_byte_streams_init(hp_byte_streams *set);
/* All at once, without a word to anybody. */
void hp_byte_streams_clear(hp_byte_streams *set);

/* Takes the socket. ops must live as long as the stream. */
hp_byte_stream *hp_byte_stream_new(hp_byte_streams *set, hp_tcp_socket *socket, const hp_byte_stream_ops *ops,
                                   void *user);
void hp_byte_stream_send(hp_byte_stream *stream, const uint8_t *data, size_t len);
/* Legal in a callback. Nothing is told any more, and the stream must not be used again. */
void hp_byte_stream_close(hp_byte_stream *stream);

#endif
