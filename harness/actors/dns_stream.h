/* DNS messages over one TCP connection, each behind its length in 16 bits (RFC 1035 section 4.2.2, RFC 7766 section 8).
 * Private to actors/: the DNS server's clients, and the resolver's servers. */
#ifndef HP_ACTORS_DNS_STREAM_H
#define HP_ACTORS_DNS_STREAM_H

#include "world/tcp.h"

typedef struct hp_dns_stream hp_dns_stream;

typedef struct hp_dns_stream_ops {
    /* A whole message. The stream may be freed in it. */
    void (*message)(void *user, hp_dns_stream *stream, const uint8_t *data, size_t len);
    /* Nothing more will come, in order or not. The stream is still to be freed, which it may be in here. */
    void (*ended)(void *user, hp_dns_stream *stream);
} hp_dns_stream_ops;

/* Takes the socket, connected or connecting. ops is copied. */
hp_dns_stream *hp_dns_stream_new(hp_tcp_socket *socket, const hp_dns_stream_ops *ops, void *user);
/* Closes the connection. NULL is allowed. */
void hp_dns_stream_free(hp_dns_stream *stream);
/* The same without a word to the network: the run is over, and the socket goes with its host. */
void hp_dns_stream_abandon(hp_dns_stream *stream);
/* Once connected, in order. */
void hp_dns_stream_send(hp_dns_stream *stream, const uint8_t *data, size_t len);
hp_addr hp_dns_stream_remote(const hp_dns_stream *stream);
hp_addr hp_dns_stream_local(const hp_dns_stream *stream);

#endif
