/* Private to sim_stream*.c. */
#ifndef HP_SEAM_SIM_STREAM_PRIVATE_H
#define HP_SEAM_SIM_STREAM_PRIVATE_H

#include "seam/env.h"
#include "seam/sim_stream.h"
#include "world/tcp.h"

/* What is asked of the connection before there is one. */
typedef struct stream_options {
    bool nodelay, keepalive;
    uint8_t tos;
    unsigned keepalive_idle_s, keepalive_interval_s, keepalive_count; /* 0: the host's */
    unsigned user_timeout_ms;
} stream_options;

/* Of listener and tcp at most one is there: neither in an unconnected socket, where `local` is what bind() got. */
struct _hp_sim_stream {
    GSocket parent;
    hp_seam_env *env;
    unsigned slot;
    uint8_t family;
    bool closed;
    bool bound; /* local's port is reserved at the host */
    hp_addr local;
    hp_tcp_listener *listener;
    GQueue waiting; /* of hp_tcp_socket*: established, not accepted yet */
    hp_tcp_socket *tcp;
    stream_options options;
    hp_addr remote;
    bool has_remote; /* as GIO remembers it: until the connect result turns out an error */
    bool connect_pending; /* GIO has not asked for the connect result */
    bool connected_read, connected_write; /* what g_socket_is_connected() looks at */
    bool shut_read, shut_write; /* by this side */
    bool full; /* the send buffer, since a write that it did not take whole until the host says there is room */
    bool peer_finished; /* the other side has sent its last */
    int error; /* an errno that nobody was told yet, as sk_err */
    uint32_t record; /* the capture record of the segment that last made it readable */
};

/* The error that GIO makes of an errno; always false. */
bool hp_sim_stream_fail(GError **error, int number, const char *what);
/* False and an error when it is closed. */
bool hp_sim_stream_check_open(const hp_sim_stream *self, GError **error);
/* The connection has come to its end, whichever way. */
bool hp_sim_stream_has_ended(const hp_sim_stream *self);
/* After the connection was made: all options that were asked for. */
void hp_sim_stream_apply_options(hp_sim_stream *self);

#endif
