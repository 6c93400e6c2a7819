/* Private to seam/: a GSocket for TCP without a kernel descriptor, on the host's own TCP (world/tcp.h). socket.c and
 * socket_stream.c make it look like one to GIO's callers.
 *
 * Functions that can fail set an error of G_IO_ERROR as GIO makes it of the kernel's errno. */
#ifndef HP_SEAM_SIM_STREAM_H
#define HP_SEAM_SIM_STREAM_H

#include <gio/gio.h>

#include "seam/seam.h"

#define HP_TYPE_SIM_STREAM (hp_sim_stream_get_type())
G_DECLARE_FINAL_TYPE(hp_sim_stream, hp_sim_stream, HP, SIM_STREAM, GSocket)

static inline bool hp_sim_stream_is(GSocket *socket)
{
    return socket && G_OBJECT_TYPE(socket) == HP_TYPE_SIM_STREAM;
}

/* Neither bound nor connected, of that family (HP_AF_*), belonging to env, registered in its slots. */
hp_sim_stream *hp_sim_stream_new(hp_seam_env *env, uint8_t family);
/* Gives up its connection in order, its listener with what was not accepted, its port. Idempotent. */
void hp_sim_stream_close(hp_sim_stream *self);
/* The number that stands for a descriptor, -1 once closed. */
int hp_sim_stream_fd(const hp_sim_stream *self);

/* Before connecting or listening, once: else G_IO_ERROR_INVALID_ARGUMENT. */
bool hp_sim_stream_bind(hp_sim_stream *self, const hp_addr *local, GError **error);
bool hp_sim_stream_listen(hp_sim_stream *self, GError **error);
/* The oldest established connection that waits; NULL and G_IO_ERROR_WOULD_BLOCK without one. */
hp_sim_stream *hp_sim_stream_accept(hp_sim_stream *self, GError **error);
/* Always false: G_IO_ERROR_PENDING when the SYN is out, another error when it never will be. */
bool hp_sim_stream_connect(hp_sim_stream *self, const hp_addr *remote, GError **error);
/* Takes the error the socket has met, as SO_ERROR does: the second time there is none. */
bool hp_sim_stream_check_connect_result(hp_sim_stream *self, GError **error);
bool hp_sim_stream_is_connected(const hp_sim_stream *self);
/* Unspecified, port 0, while unbound. */
hp_addr hp_sim_stream_local(const hp_sim_stream *self);
bool hp_sim_stream_remote(hp_sim_stream *self, hp_addr *ret, GError **error);
bool hp_sim_stream_shutdown(hp_sim_stream *self, bool read, bool write, GError **error);

/* How many bytes were taken, at least one of a length above 0; -1 and an error. */
gssize hp_sim_stream_send(hp_sim_stream *self, const void *data, size_t length, GError **error);
/* How many bytes were read, 0 at the end of them; -1 and an error. peek: they stay. */
gssize hp_sim_stream_receive(hp_sim_stream *self, void *out, size_t cap, bool peek, GError **error);
/* Bytes that can be read; -1 when closed or listening. */
gssize hp_sim_stream_available(const hp_sim_stream *self);
/* What poll() would say of it: any of IN, OUT, HUP, ERR; NVAL once closed. */
GIOCondition hp_sim_stream_condition(const hp_sim_stream *self);
/* A level and option of setsockopt(); false when it is unknown. */
bool hp_sim_stream_set_option(hp_sim_stream *self, int level, int option, int value);

#endif
