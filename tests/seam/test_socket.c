/* Simulated sockets behind GSocket's interface, between two hosts. */
#include "two_hosts.h"

#include <gio/gio.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "seam/symbols.h"

static GSocketAddress *address_of(const char *ip, guint port)
{
    return g_inet_socket_address_new_from_string(ip, port);
}

static GSocket *open_bound(hp_seam_env *env, const char *ip, guint port)
{
    bool v6 = strchr(ip, ':') != NULL;
    g_autoptr(GSocketAddress) local = address_of(ip, port);
    hp_seam_enter(env);
    GSocket *socket = g_socket_new(v6 ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM,
                                   G_SOCKET_PROTOCOL_UDP, NULL);
    assert_non_null(socket);
    assert_true(g_socket_bind(socket, local, FALSE, NULL));
    hp_seam_leave(env);
    return socket;
}

static void close_socket(GSocket *socket)
{
    assert_true(g_socket_close(socket, NULL));
    g_object_unref(socket);
}

static gssize send_text(GSocket *socket, const char *ip, guint port, const char *text, GError **error)
{
    g_autoptr(GSocketAddress) to = address_of(ip, port);
    GOutputVector vector = {text, strlen(text)};
    return g_socket_send_message(socket, to, &vector, 1, NULL, 0, 0, NULL, error);
}

static gssize receive(GSocket *socket, char *buffer, size_t size, char **ret_from, gint *flags, GError **error)
{
    g_autoptr(GSocketAddress) from = NULL;
    GInputVector vector = {buffer, size};
    gssize n = g_socket_receive_message(socket, &from, &vector, 1, NULL, NULL, flags, NULL, error);
    if (ret_from && from) {
        *ret_from = g_socket_connectable_to_string(G_SOCKET_CONNECTABLE(from));
    }
    return n;
}

static void assert_receives(GSocket *socket, const char *text, const char *expected_from)
{
    char buffer[64] = {0};
    g_autofree char *from = NULL;
    assert_int_equal(receive(socket, buffer, sizeof buffer - 1, &from, NULL, NULL), strlen(text));
    assert_string_equal(buffer, text);
    assert_string_equal(from, expected_from);
}

static void assert_would_block(GSocket *socket)
{
    char buffer[8];
    g_autoptr(GError) error = NULL;
    assert_int_equal(receive(socket, buffer, sizeof buffer, NULL, NULL, &error), -1);
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK));
}

static void test_datagrams_between_hosts(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned before = hp_seam_kernel_sockets();
    GSocket *a = open_bound(t->env[0], "10.0.0.1", 1000), *b = open_bound(t->env[1], "10.0.0.2", 2000);
    assert_int_equal(hp_seam_env_n_sockets(t->env[0]), 1);
    assert_would_block(b);
    assert_int_equal(send_text(a, "10.0.0.2", 2000, "one", NULL), 3);
    assert_int_equal(send_text(a, "10.0.0.2", 2000, "", NULL), 0);
    assert_int_equal(send_text(a, "10.0.0.2", 2000, "three", NULL), 5);
    two_hosts_run(t, 10 * HP_MS - 1);
    assert_int_equal(g_socket_condition_check(b, G_IO_IN), 0);
    two_hosts_run(t, 10 * HP_MS);
    assert_int_equal(g_socket_condition_check(b, G_IO_IN | G_IO_OUT), G_IO_IN | G_IO_OUT);
    assert_int_equal(g_socket_get_available_bytes(b), 3);
    assert_receives(b, "one", "10.0.0.1:1000");
    assert_int_equal(hp_seam_env_last_record(t->env[1]), 4); /* after three leave a, the first to come in at b */
    assert_receives(b, "", "10.0.0.1:1000");
    assert_receives(b, "three", "10.0.0.1:1000");
    assert_would_block(b);
    assert_int_equal(send_text(b, "10.0.0.1", 1000, "back", NULL), 4);
    two_hosts_run(t, 20 * HP_MS);
    assert_receives(a, "back", "10.0.0.2:2000");
    close_socket(a);
    close_socket(b);
    assert_int_equal(hp_seam_env_n_sockets(t->env[0]), 0);
    assert_int_equal(hp_seam_kernel_sockets(), before);
    two_hosts_free(t);
}

static void test_ipv6_and_ephemeral_ports(void **state)
{
    two_hosts *t = two_hosts_new(1);
    GSocket *a = open_bound(t->env[0], "fd00::1", 0), *b = open_bound(t->env[1], "::", 2000);
    g_autoptr(GSocketAddress) local = g_socket_get_local_address(a, NULL);
    guint16 port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local));
    assert_in_range(port, 49152, 65535);
    assert_int_equal(send_text(a, "fd00::2", 2000, "six", NULL), 3);
    two_hosts_run(t, 10 * HP_MS);
    g_autofree char *from = g_strdup_printf("[fd00::1]:%u", port);
    assert_receives(b, "six", from);
    close_socket(a);
    close_socket(b);
    two_hosts_free(t);
}

static void test_vectors(void **state)
{
    two_hosts *t = two_hosts_new(1);
    GSocket *a = open_bound(t->env[0], "10.0.0.1", 1000), *b = open_bound(t->env[1], "10.0.0.2", 2000);
    g_autoptr(GSocketAddress) to = address_of("10.0.0.2", 2000);
    g_autofree char *large = g_strnfill(3000, 'x');
    GOutputVector parts[] = {{"ab", 2}, {"", 0}, {large, 3000}, {"cd", 2}};
    GOutputMessage messages[] = {{.address = to, .vectors = parts, .num_vectors = 4},
                                 {.address = to, .vectors = parts, .num_vectors = 1}};
    assert_int_equal(g_socket_send_messages(a, messages, 2, 0, NULL, NULL), 2);
    assert_int_equal(messages[0].bytes_sent, 3004);
    assert_int_equal(messages[1].bytes_sent, 2);
    GOutputVector ended[] = {{"xy", 2}, {"z", 1}, {NULL, 0}};
    assert_int_equal(g_socket_send_message(a, to, ended, -1, NULL, 0, 0, NULL, NULL), 3);
    two_hosts_run(t, 10 * HP_MS);

    char head[3], rest[4000];
    GInputVector in[] = {{head, sizeof head}, {rest, sizeof rest}};
    gint flags = G_SOCKET_MSG_PEEK;
    assert_int_equal(g_socket_receive_message(b, NULL, in, 2, NULL, NULL, &flags, NULL, NULL), 3004);
    flags = 0;
    assert_int_equal(g_socket_receive_message(b, NULL, in, 2, NULL, NULL, &flags, NULL, NULL), 3004);
    assert_int_equal(flags, 0);
    assert_memory_equal(head, "abx", 3);
    assert_memory_equal(rest + 2999, "cd", 2);
    assert_int_equal(g_socket_receive_message(b, NULL, in, 1, NULL, NULL, &flags, NULL, NULL), 2);
    char two[2];
    assert_int_equal(receive(b, two, 2, NULL, &flags, NULL), 2); /* cut short, and said so */
    assert_int_equal(flags, MSG_TRUNC);
    assert_would_block(b);
    close_socket(a);
    close_socket(b);
    two_hosts_free(t);
}

static void assert_refused(GSocket *socket, const char *ip, guint port, const char *data, GIOErrorEnum code)
{
    g_autoptr(GError) error = NULL;
    assert_int_equal(send_text(socket, ip, port, data, &error), -1);
    assert_true(g_error_matches(error, G_IO_ERROR, (int)code));
}

static void test_errors_are_the_kernels(void **state)
{
    two_hosts *t = two_hosts_new(1);
    GSocket *a = open_bound(t->env[0], "10.0.0.1", 1000);
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketAddress) taken = address_of("10.0.0.1", 1000), foreign = address_of("10.0.0.9", 0);
    g_autofree char *huge = g_strnfill(65508, 'x');

    hp_seam_enter(t->env[0]);
    g_autoptr(GSocket) second = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
    assert_null(g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error));
    hp_seam_leave(t->env[0]);
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED));
    g_clear_error(&error);
    assert_false(g_socket_bind(second, taken, FALSE, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE));
    g_clear_error(&error);
    assert_false(g_socket_bind(second, foreign, FALSE, &error));
    assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_FAILED));
    g_clear_error(&error);

    assert_refused(a, "10.0.0.2", 2000, huge, G_IO_ERROR_MESSAGE_TOO_LARGE);
    assert_refused(a, "fd00::2", 2000, "x", G_IO_ERROR_INVALID_ARGUMENT);
    assert_refused(a, "10.0.0.2", 0, "x", G_IO_ERROR_INVALID_ARGUMENT);
    hp_host_set_interface_up(t->host[0], 0, false);
    assert_refused(a, "10.0.0.2", 2000, "x", G_IO_ERROR_NETWORK_UNREACHABLE);
    hp_host_set_interface_up(t->host[0], 0, true);
    assert_false(g_socket_connect(a, taken, NULL, NULL));
    assert_false(g_socket_is_connected(a));
    assert_null(g_socket_get_remote_address(a, NULL));
    g_socket_close(a, NULL);
    assert_refused(a, "10.0.0.2", 2000, "x", G_IO_ERROR_CLOSED);
    assert_int_equal(g_socket_get_fd(a), -1);
    g_object_unref(a);
    g_socket_close(second, NULL);
    two_hosts_free(t);
}

static uint8_t tos_of_last_packet(const two_hosts *t)
{
    hp_record r;
    assert_true(hp_trace_find_packet(t->trace, hp_trace_n_packets(t->trace), &r));
    return r.packet.tos;
}

/* libnice uses setsockopt() on the descriptor; others g_socket_set_option(). */
static void test_type_of_service(void **state)
{
    two_hosts *t = two_hosts_new(1);
    int tos = 0xb8;
    GSocket *a = open_bound(t->env[0], "10.0.0.1", 1000), *six = open_bound(t->env[0], "fd00::1", 1000);
    send_text(a, "10.0.0.2", 9, "x", NULL);
    assert_int_equal(tos_of_last_packet(t), 0);
    hp_seam_enter(t->env[0]);
    assert_true(g_socket_get_fd(a) >= 0x7fe00000);
    assert_int_equal(setsockopt(g_socket_get_fd(a), IPPROTO_IP, IP_TOS, &tos, sizeof tos), 0);
    assert_int_equal(setsockopt(g_socket_get_fd(a), IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos), -1);
    assert_int_equal(setsockopt(g_socket_get_fd(a), IPPROTO_IP, IP_TOS, &tos, 1), -1);
    assert_int_equal(setsockopt(-1, IPPROTO_IP, IP_TOS, &tos, sizeof tos), -1);
    hp_seam_leave(t->env[0]);
    send_text(a, "10.0.0.2", 9, "x", NULL);
    assert_int_equal(tos_of_last_packet(t), 0xb8);
    assert_true(g_socket_set_option(a, IPPROTO_IP, IP_TOS, 0, NULL));
    send_text(a, "10.0.0.2", 9, "x", NULL);
    assert_int_equal(tos_of_last_packet(t), 0);
    assert_true(g_socket_set_option(six, IPPROTO_IPV6, IPV6_TCLASS, 0x88, NULL));
    send_text(six, "fd00::2", 9, "x", NULL);
    assert_int_equal(tos_of_last_packet(t), 0x88);
    assert_false(g_socket_set_option(a, SOL_SOCKET, SO_BROADCAST, 1, NULL));
    close_socket(a);
    close_socket(six);
    two_hosts_free(t);
}

static unsigned count_drops(const two_hosts *t, hp_drop_reason reason)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next(t->trace, &cursor, &r)) {
        n += r.type == HP_RECORD_DROP && r.drop.reason == reason;
    }
    return n;
}

static void test_receive_buffer_is_finite(void **state)
{
    two_hosts *t = two_hosts_new(1);
    GSocket *a = open_bound(t->env[0], "10.0.0.1", 1000), *b = open_bound(t->env[1], "10.0.0.2", 2000);
    for (unsigned i = 0; i < 400; i++) {
        send_text(a, "10.0.0.2", 2000, "ten bytes.", NULL);
    }
    two_hosts_run(t, HP_S);
    /* 10 bytes behind 28 of header, padded to 40, and 576 of the kernel's: 212992 / 616 */
    unsigned n = 0;
    char buffer[16];
    while (receive(b, buffer, sizeof buffer, NULL, NULL, NULL) == 10) {
        n++;
    }
    assert_int_equal(n, 345);
    assert_int_equal(count_drops(t, HP_DROP_RECV_BUFFER), 55);
    close_socket(a);
    close_socket(b);
    two_hosts_free(t);
}

/* Linux says nothing to an unconnected UDP socket when a port is unreachable. */
static void test_port_unreachable_is_not_seen(void **state)
{
    two_hosts *t = two_hosts_new(1);
    GSocket *a = open_bound(t->env[0], "10.0.0.1", 1000);
    send_text(a, "10.0.0.2", 2000, "x", NULL);
    two_hosts_run(t, HP_S);
    assert_would_block(a);
    assert_int_equal(send_text(a, "10.0.0.2", 2000, "x", NULL), 1);
    close_socket(a);
    two_hosts_free(t);
}

typedef struct reader {
    two_hosts *t;
    hp_timer timer;
    unsigned n_dispatched, n_woken;
    hp_time at;
    char text[16];
} reader;

static gboolean on_readable(GSocket *socket, GIOCondition condition, gpointer user)
{
    reader *r = user;
    assert_int_equal(condition, G_IO_IN);
    r->n_dispatched++;
    r->at = hp_world_now(r->t->world);
    assert_true(receive(socket, r->text, sizeof r->text, NULL, NULL, NULL) >= 0);
    return G_SOURCE_CONTINUE;
}

static void on_wake(void *user)
{
    reader *r = user;
    r->n_woken++;
    hp_timer_arm(r->t->world, &r->timer, hp_world_now(r->t->world));
}

static void run_context(void *owner, hp_time now)
{
    reader *r = owner;
    hp_time next;
    assert_true(hp_seam_run(r->t->env[1], 10, &next, NULL));
    assert_int_equal(next, HP_NEVER);
}

static void test_source_wakes_its_context(void **state)
{
    two_hosts *t = two_hosts_new(1);
    reader r = {.t = t};
    hp_timer_init(&r.timer, HP_TIMER_ACTOR, hp_world_new_element(t->world), run_context, &r);
    hp_seam_set_wake(t->env[1], on_wake, &r);
    GSocket *a = open_bound(t->env[0], "10.0.0.1", 1000), *b = open_bound(t->env[1], "10.0.0.2", 2000);
    GSource *source = g_socket_create_source(b, G_IO_IN, NULL);
    g_source_set_callback(source, G_SOURCE_FUNC(on_readable), &r, NULL);
    g_source_attach(source, hp_seam_env_context(t->env[1]));
    g_source_unref(source);
    send_text(a, "10.0.0.2", 2000, "first", NULL);
    send_text(a, "10.0.0.2", 2000, "second", NULL);
    two_hosts_run(t, HP_S);
    assert_int_equal(r.n_woken, 2);
    assert_int_equal(r.n_dispatched, 2);
    assert_int_equal(r.at, 10 * HP_MS);
    assert_string_equal(r.text, "second");
    close_socket(a);
    close_socket(b);
    two_hosts_free(t);
}

static void test_kernel_sockets_pass_through(void **state)
{
    two_hosts *t = two_hosts_new(1);
    g_autoptr(GSocketAddress) any = address_of("127.0.0.1", 0);
    g_autoptr(GSocket) real = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
    assert_non_null(real);
    assert_true(g_socket_bind(real, any, FALSE, NULL));
    hp_seam_enter(t->env[0]); /* also from inside, as a harness's own socket would be */
    assert_true(g_socket_get_fd(real) < 1 << 20);
    g_socket_set_blocking(real, FALSE);
    assert_false(g_socket_is_connected(real));
    assert_would_block(real);
    g_autoptr(GSocketAddress) local = g_socket_get_local_address(real, NULL);
    assert_true(g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local)) > 0);
    assert_true(g_socket_close(real, NULL));
    hp_seam_leave(t->env[0]);
    two_hosts_free(t);
}

static int start(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datagrams_between_hosts),
        cmocka_unit_test(test_ipv6_and_ephemeral_ports),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_errors_are_the_kernels),
        cmocka_unit_test(test_type_of_service),
        cmocka_unit_test(test_receive_buffer_is_finite),
        cmocka_unit_test(test_port_unreachable_is_not_seen),
        cmocka_unit_test(test_source_wakes_its_context),
        cmocka_unit_test(test_kernel_sockets_pass_through),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
