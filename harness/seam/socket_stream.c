/* The part of GSocket's interface that belongs to stream sockets. For a simulated UDP socket these answer as the kernel
 * answers for an unconnected datagram socket; all that are not simulated pass through. */
#include "seam/env.h"
#include "seam/sim_socket.h"
#include "seam/sim_stream.h"
#include "seam/symbols.h"

static void refuse(GError **error, const char *what)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s: Operation not supported", what);
}

gboolean g_socket_connect(GSocket *socket, GSocketAddress *address, GCancellable *cancellable, GError **error)
{
    if (hp_sim_stream_is(socket)) {
        hp_addr remote;
        if (g_cancellable_set_error_if_cancelled(cancellable, error)) {
            return FALSE;
        }
        if (!hp_sim_address_from_gio(address, &remote)) {
            g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Error connecting: Invalid argument");
            return FALSE;
        }
        return hp_sim_stream_connect((hp_sim_stream *)socket, &remote, error);
    }
    if (!hp_sim_socket_is(socket)) {
        return HP_NEXT(g_socket_connect)(socket, address, cancellable, error);
    }
    refuse(error, "Error connecting");
    return FALSE;
}

gboolean g_socket_listen(GSocket *socket, GError **error)
{
    if (hp_sim_stream_is(socket)) {
        return hp_sim_stream_listen((hp_sim_stream *)socket, error);
    }
    if (!hp_sim_socket_is(socket)) {
        return HP_NEXT(g_socket_listen)(socket, error);
    }
    refuse(error, "could not listen");
    return FALSE;
}

GSocket *g_socket_accept(GSocket *socket, GCancellable *cancellable, GError **error)
{
    if (hp_sim_stream_is(socket)) {
        if (g_cancellable_set_error_if_cancelled(cancellable, error)) {
            return NULL;
        }
        return (GSocket *)hp_sim_stream_accept((hp_sim_stream *)socket, error);
    }
    if (!hp_sim_socket_is(socket)) {
        return HP_NEXT(g_socket_accept)(socket, cancellable, error);
    }
    refuse(error, "Error accepting connection");
    return NULL;
}

GSocketAddress *g_socket_get_remote_address(GSocket *socket, GError **error)
{
    if (hp_sim_stream_is(socket)) {
        hp_addr remote;
        return hp_sim_stream_remote((hp_sim_stream *)socket, &remote, error) ? hp_sim_address_to_gio(&remote) : NULL;
    }
    if (!hp_sim_socket_is(socket)) {
        return HP_NEXT(g_socket_get_remote_address)(socket, error);
    }
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED,
                        "could not get remote address: Transport endpoint is not connected");
    return NULL;
}

gboolean g_socket_is_connected(GSocket *socket)
{
    if (hp_sim_stream_is(socket)) {
        return hp_sim_stream_is_connected((hp_sim_stream *)socket);
    }
    return hp_sim_socket_is(socket) ? FALSE : HP_NEXT(g_socket_is_connected)(socket);
}

gboolean g_socket_check_connect_result(GSocket *socket, GError **error)
{
    if (hp_sim_stream_is(socket)) {
        return hp_sim_stream_check_connect_result((hp_sim_stream *)socket, error);
    }
    return hp_sim_socket_is(socket) ? TRUE : HP_NEXT(g_socket_check_connect_result)(socket, error);
}

/* Of the first datagram that waits, as FIONREAD counts for UDP; of TCP all that can be read. */
gssize g_socket_get_available_bytes(GSocket *socket)
{
    if (hp_sim_stream_is(socket)) {
        return hp_sim_stream_available((hp_sim_stream *)socket);
    }
    if (!hp_sim_socket_is(socket)) {
        return HP_NEXT(g_socket_get_available_bytes)(socket);
    }
    hp_sim_datagram d;
    return hp_sim_socket_peek((hp_sim_socket *)socket, &d) ? (gssize)d.length : 0;
}

gboolean g_socket_shutdown(GSocket *socket, gboolean shutdown_read, gboolean shutdown_write, GError **error)
{
    if (hp_sim_stream_is(socket)) {
        return hp_sim_stream_shutdown((hp_sim_stream *)socket, shutdown_read, shutdown_write, error);
    }
    return hp_sim_socket_is(socket) ? TRUE : HP_NEXT(g_socket_shutdown)(socket, shutdown_read, shutdown_write, error);
}
