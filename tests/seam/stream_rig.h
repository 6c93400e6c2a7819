/* Simulated TCP sockets between two hosts, 10 ms apart, and what tests ask of them. */
#ifndef TESTS_SEAM_STREAM_RIG_H
#define TESTS_SEAM_STREAM_RIG_H

#include "two_hosts.h"

#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "seam/symbols.h"
#include "world/tcp.h"

#define ALL (G_IO_IN | G_IO_OUT | G_IO_HUP | G_IO_ERR)

static inline GSocket *open_stream(hp_seam_env *env)
{
    hp_seam_enter(env);
    GSocket *socket = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
    hp_seam_leave(env);
    assert_non_null(socket);
    g_socket_set_blocking(socket, FALSE);
    return socket;
}

static inline bool bind_to(GSocket *socket, const char *ip, guint port, GError **error)
{
    g_autoptr(GSocketAddress) local = g_inet_socket_address_new_from_string(ip, port);
    return g_socket_bind(socket, local, FALSE, error);
}

static inline GSocket *open_listener(hp_seam_env *env, const char *ip, guint port)
{
    GSocket *socket = open_stream(env);
    assert_true(bind_to(socket, ip, port, NULL));
    assert_true(g_socket_listen(socket, NULL));
    return socket;
}

static inline bool connect_to(GSocket *socket, const char *ip, guint port, GError **error)
{
    g_autoptr(GSocketAddress) remote = g_inet_socket_address_new_from_string(ip, port);
    return g_socket_connect(socket, remote, NULL, error);
}

static inline void assert_error(GError **error, int code)
{
    assert_non_null(*error);
    assert_true((*error)->domain == G_IO_ERROR);
    assert_int_equal((*error)->code, code);
    g_clear_error(error);
}

static inline GSocket *begin_connect(hp_seam_env *env, const char *ip, guint port)
{
    g_autoptr(GError) error = NULL;
    GSocket *socket = open_stream(env);
    assert_false(connect_to(socket, ip, port, &error));
    assert_error(&error, G_IO_ERROR_PENDING);
    return socket;
}

static inline void close_socket(GSocket *socket)
{
    assert_true(g_socket_close(socket, NULL));
    g_object_unref(socket);
}

static inline gssize write_text(GSocket *socket, const char *text, GError **error)
{
    GOutputVector vector = {text, strlen(text)};
    return g_socket_send_message(socket, NULL, &vector, 1, NULL, 0, 0, NULL, error);
}

static inline gssize read_bytes(GSocket *socket, void *out, size_t cap, GError **error)
{
    GInputVector vector = {out, cap};
    return g_socket_receive_message(socket, NULL, &vector, 1, NULL, NULL, NULL, NULL, error);
}

static inline void assert_reads(GSocket *socket, const char *text)
{
    char buffer[64] = {0};
    assert_int_equal(read_bytes(socket, buffer, sizeof buffer - 1, NULL), strlen(text));
    assert_string_equal(buffer, text);
}

static inline void assert_read_fails(GSocket *socket, int code)
{
    char buffer[8];
    g_autoptr(GError) error = NULL;
    assert_int_equal(read_bytes(socket, buffer, sizeof buffer, &error), -1);
    assert_error(&error, code);
}

static inline void assert_write_fails(GSocket *socket, int code)
{
    g_autoptr(GError) error = NULL;
    assert_int_equal(write_text(socket, "x", &error), -1);
    assert_error(&error, code);
}

static inline char *address_text(GSocketAddress *address)
{
    char *text = g_socket_connectable_to_string(G_SOCKET_CONNECTABLE(address));
    g_object_unref(address);
    return text;
}

/* A connection from host a to port 80 of host b, 20 ms into the run: a[0] connected, b[0] accepted, b[1] the
 * listener. */
typedef struct connected_pair {
    two_hosts *t;
    GSocket *a, *b, *listener;
} connected_pair;

static inline connected_pair pair_new(void)
{
    connected_pair p = {.t = two_hosts_new(1)};
    p.listener = open_listener(p.t->env[1], "10.0.0.2", 80);
    p.a = begin_connect(p.t->env[0], "10.0.0.2", 80);
    two_hosts_run(p.t, 30 * HP_MS);
    assert_true(g_socket_check_connect_result(p.a, NULL));
    p.b = g_socket_accept(p.listener, NULL, NULL);
    assert_non_null(p.b);
    return p;
}

static inline void pair_free(connected_pair *p)
{
    close_socket(p->a);
    close_socket(p->b);
    close_socket(p->listener);
    assert_int_equal(hp_seam_env_n_sockets(p->t->env[0]), 0);
    assert_int_equal(hp_seam_env_n_sockets(p->t->env[1]), 0);
    two_hosts_free(p->t);
}

#endif
