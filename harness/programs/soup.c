/* Theory of operation: small things that libsoup leaves to whoever uses it. A WebSocket's socket is below its stream only
 * where no TLS lies between, as here everywhere; a method's name is an interned text, so that its address tells it. */
#include "programs/soup.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

bool hp_soup_is_open(SoupWebsocketConnection *socket)
{
    return socket && soup_websocket_connection_get_state(socket) == SOUP_WEBSOCKET_STATE_OPEN;
}

void hp_soup_no_delay(SoupWebsocketConnection *socket)
{
    GIOStream *stream = soup_websocket_connection_get_io_stream(socket);
    if (G_IS_SOCKET_CONNECTION(stream))
        g_socket_set_option(g_socket_connection_get_socket(G_SOCKET_CONNECTION(stream)), IPPROTO_TCP, TCP_NODELAY, 1,
                            NULL);
}

static void on_headers(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, void *user)
{
    soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
}

void hp_soup_drop_bodies(SoupServer *server)
{
    soup_server_add_early_handler(server, NULL, on_headers, NULL, NULL);
}

bool hp_soup_only_reads(SoupServerMessage *message)
{
    const char *method = soup_server_message_get_method(message);
    if (method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD)
        return true;
    soup_server_message_set_status(message, SOUP_STATUS_METHOD_NOT_ALLOWED, NULL);
    return false;
}
