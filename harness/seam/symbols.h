/* Private to seam/: the one table of interposed symbols, and the way to their next definitions. */
#ifndef HP_SEAM_SYMBOLS_H
#define HP_SEAM_SYMBOLS_H

#include <gio/gio.h>
#include <netdb.h>
#include <nice/interfaces.h>
#include <nice/nice.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

/* X(symbol). Where each is defined: clock.c, random.c, source.c, socket.c, socket_stream.c, interfaces.c, guard.c. */
#define HP_SEAM_SYMBOLS(X)                                                                                             \
    /* clock.c: GLib binds its own clock functions to itself, so its libc calls are needed as well */                  \
    X(clock_gettime)                                                                                                   \
    X(gettimeofday)                                                                                                    \
    X(time)                                                                                                            \
    X(g_get_monotonic_time)                                                                                            \
    X(g_get_real_time)                                                                                                 \
    /* random.c */                                                                                                     \
    X(g_random_int_range)                                                                                              \
    X(g_random_double)                                                                                                 \
    X(g_random_set_seed)                                                                                               \
    X(gnutls_rnd)                                                                                                      \
    /* source.c: what changes when a context next has something to do */                                               \
    X(g_source_attach)                                                                                                 \
    X(g_source_add_child_source)                                                                                       \
    X(g_source_set_ready_time)                                                                                         \
    /* socket.c */                                                                                                     \
    X(g_socket_new)                                                                                                    \
    X(g_socket_bind)                                                                                                   \
    X(g_socket_get_local_address)                                                                                      \
    X(g_socket_set_blocking)                                                                                           \
    X(g_socket_set_option)                                                                                             \
    X(g_socket_get_fd)                                                                                                 \
    X(g_socket_close)                                                                                                  \
    X(g_socket_send_message)                                                                                           \
    X(g_socket_send_messages)                                                                                          \
    X(g_socket_receive_message)                                                                                        \
    X(g_socket_condition_check)                                                                                        \
    X(g_socket_create_source)                                                                                          \
    X(setsockopt)                                                                                                      \
    /* socket_stream.c: what only stream sockets can do */                                                             \
    X(g_socket_connect)                                                                                                \
    X(g_socket_listen)                                                                                                 \
    X(g_socket_accept)                                                                                                 \
    X(g_socket_get_remote_address)                                                                                     \
    X(g_socket_is_connected)                                                                                           \
    X(g_socket_check_connect_result)                                                                                   \
    X(g_socket_get_available_bytes)                                                                                    \
    X(g_socket_shutdown)                                                                                               \
    /* interfaces.c */                                                                                                 \
    X(nice_interfaces_get_local_ips)                                                                                   \
    X(nice_interfaces_get_if_index_by_addr)                                                                            \
    /* guard.c */                                                                                                      \
    X(socket)                                                                                                          \
    X(eventfd)                                                                                                         \
    X(getaddrinfo)

/* From <gnutls/crypto.h>, whose development files are not needed otherwise. */
int gnutls_rnd(int level, void *data, size_t len);

typedef enum hp_seam_symbol {
#define X(name) HP_SYM_##name,
    HP_SEAM_SYMBOLS(X)
#undef X
        HP_SYM_N
} hp_seam_symbol;

/* The definition the program would have had without us. Looked up once; aborts when there is none. */
void *hp_seam_next(hp_seam_symbol symbol);
#define HP_NEXT(name) ((typeof(&name))hp_seam_next(HP_SYM_##name))

/* That every symbol of the table resolves to this program's own definition. False: HP_ERROR_ENVIRONMENT naming it. */
bool hp_seam_check_symbols(GError **error);

#endif
