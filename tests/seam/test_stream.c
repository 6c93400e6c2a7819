/* Simulated TCP sockets behind GSocket's interface: what GIO makes of the kernel's answers in every state. */
#include "stream_rig.h"

static void test_connect_accept_and_talk(void **state)
{
    two_hosts *t = two_hosts_new(1);
    unsigned kernel = hp_seam_kernel_sockets();
    GSocket *listener = open_listener(t->env[1], "10.0.0.2", 80);
    assert_null(g_socket_accept(listener, NULL, NULL));
    assert_int_equal(g_socket_condition_check(listener, ALL), 0);
    GSocket *a = begin_connect(t->env[0], "10.0.0.2", 80);
    assert_int_equal(g_socket_condition_check(a, ALL), 0);
    assert_false(g_socket_is_connected(a));
    assert_int_equal(g_socket_get_available_bytes(a), 0);
    assert_read_fails(a, G_IO_ERROR_WOULD_BLOCK);
    assert_write_fails(a, G_IO_ERROR_WOULD_BLOCK);

    two_hosts_run(t, 20 * HP_MS - 1);
    assert_int_equal(g_socket_condition_check(a, ALL), 0);
    two_hosts_run(t, 20 * HP_MS); /* SYN, SYN ACK */
    assert_int_equal(g_socket_condition_check(a, ALL), G_IO_OUT);
    assert_false(g_socket_is_connected(a)); /* GIO knows when it has asked */
    assert_true(g_socket_check_connect_result(a, NULL));
    assert_true(g_socket_is_connected(a));
    assert_int_equal(g_socket_condition_check(listener, ALL), 0);
    two_hosts_run(t, 30 * HP_MS);
    assert_int_equal(g_socket_condition_check(listener, ALL), G_IO_IN);
    GSocket *b = g_socket_accept(listener, NULL, NULL);
    assert_true(g_socket_is_connected(b));
    assert_int_equal(g_socket_condition_check(listener, ALL), 0);

    g_autofree char *here = address_text(g_socket_get_local_address(a, NULL));
    g_autofree char *seen = address_text(g_socket_get_remote_address(b, NULL));
    g_autofree char *there = address_text(g_socket_get_remote_address(a, NULL));
    assert_string_equal(here, seen);
    assert_string_equal(there, "10.0.0.2:80");

    assert_int_equal(write_text(a, "hello ", NULL), 6);
    assert_int_equal(write_text(a, "world", NULL), 5);
    two_hosts_run(t, 40 * HP_MS - 1);
    assert_int_equal(g_socket_condition_check(b, ALL), G_IO_OUT);
    two_hosts_run(t, 40 * HP_MS);
    assert_int_equal(g_socket_condition_check(b, ALL), G_IO_IN | G_IO_OUT);
    assert_reads(b, "hello ");
    two_hosts_run(
        t, 60 * HP_MS); /* Nagle: the second waited for the first's acknowledgement, which is delayed no longer */
    close_socket(a);
    close_socket(b);
    close_socket(listener);
    assert_int_equal(hp_seam_kernel_sockets(), kernel);
    two_hosts_free(t);
}

/* One write is one segment with TCP_NODELAY, however many parts it has, and its record is that of the segment. */
static void test_vectors_and_records(void **state)
{
    connected_pair p = pair_new();
    assert_true(g_socket_set_option(p.a, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL));
    GOutputVector parts[] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    uint32_t before = (uint32_t)hp_trace_n_records(p.t->trace);
    assert_int_equal(g_socket_send_message(p.a, NULL, parts, 3, NULL, 0, 0, NULL, NULL), 5);
    GOutputVector ended[] = {{"fg", 2}, {NULL, 0}};
    assert_int_equal(g_socket_send_message(p.a, NULL, ended, -1, NULL, 0, 0, NULL, NULL), 2);
    assert_int_equal(g_socket_send_message(p.a, NULL, NULL, 0, NULL, 0, 0, NULL, NULL), 1); /* a zero byte */
    assert_int_equal(hp_trace_n_records(p.t->trace) - before, 3);
    two_hosts_run(p.t, 40 * HP_MS);
    assert_int_equal(g_socket_get_available_bytes(p.b), 8);

    char head[3], rest[16];
    gint flags = G_SOCKET_MSG_PEEK;
    GSocketAddress *from = (GSocketAddress *)p.t;
    GInputVector in[] = {{head, sizeof head}, {rest, sizeof rest}};
    assert_int_equal(g_socket_receive_message(p.b, NULL, NULL, 0, NULL, NULL, &flags, NULL, NULL), 1);
    assert_int_equal(flags, 0);
    flags = G_SOCKET_MSG_PEEK;
    assert_int_equal(g_socket_receive_message(p.b, &from, in, 2, NULL, NULL, &flags, NULL, NULL), 8);
    assert_null(from);
    assert_memory_equal(head, "abc", 3);
    assert_memory_equal(rest, "defg", 5);
    assert_int_equal(hp_seam_env_last_record(p.t->env[1]), 0); /* a peek reads nothing */
    assert_int_equal(g_socket_receive_message(p.b, NULL, in, 1, NULL, NULL, NULL, NULL, NULL), 3);
    /* Three segments left a, then three came in; b acknowledged the second at once. */
    assert_int_equal(hp_seam_env_last_record(p.t->env[1]), before + 7);
    assert_int_equal(g_socket_receive_message(p.b, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL), 1); /* forgotten */
    assert_int_equal(g_socket_get_available_bytes(p.b), 4);
    pair_free(&p);
}

static void test_connection_refused(void **state)
{
    two_hosts *t = two_hosts_new(1);
    g_autoptr(GError) error = NULL;
    GSocket *a = begin_connect(t->env[0], "10.0.0.2", 81);
    two_hosts_run(t, 20 * HP_MS);
    assert_int_equal(g_socket_condition_check(a, ALL), ALL);
    assert_false(g_socket_check_connect_result(a, &error));
    assert_error(&error, G_IO_ERROR_CONNECTION_REFUSED);
    assert_int_equal(g_socket_condition_check(a, ALL), G_IO_IN | G_IO_OUT | G_IO_HUP); /* told once */
    assert_false(g_socket_is_connected(a));
    assert_null(g_socket_get_remote_address(a, NULL));
    char byte;
    assert_int_equal(read_bytes(a, &byte, 1, NULL), 0);
    assert_write_fails(a, G_IO_ERROR_BROKEN_PIPE);
    close_socket(a);

    GSocket *b = begin_connect(t->env[0], "10.0.0.2", 81);
    two_hosts_run(t, 40 * HP_MS);
    assert_read_fails(b, G_IO_ERROR_CONNECTION_REFUSED);
    close_socket(b);
    GSocket *c = begin_connect(t->env[0], "10.0.0.2", 81);
    two_hosts_run(t, 60 * HP_MS);
    assert_null(g_socket_get_remote_address(c, &error));
    assert_error(&error, G_IO_ERROR_CONNECTION_REFUSED);
    close_socket(c);
    two_hosts_free(t);
}

static void test_nobody_answers(void **state)
{
    two_hosts *t = two_hosts_new(1);
    g_autoptr(GError) error = NULL;
    hp_host_set_interface_up(t->host[1], 0, false);
    GSocket *a = open_stream(t->env[0]);
    assert_true(g_socket_set_option(a, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000, NULL));
    assert_false(connect_to(a, "10.0.0.2", 80, &error));
    assert_error(&error, G_IO_ERROR_PENDING);
    two_hosts_run(t, 4 * HP_S);
    assert_int_equal(g_socket_condition_check(a, ALL), 0);
    two_hosts_run(t, 8 * HP_S);
    assert_false(g_socket_check_connect_result(a, &error));
    assert_error(&error, G_IO_ERROR_TIMED_OUT);
    close_socket(a);

    hp_host_set_interface_up(t->host[0], 0, false);
    GSocket *b = open_stream(t->env[0]);
    assert_false(connect_to(b, "10.0.0.2", 80, &error));
    assert_error(&error, G_IO_ERROR_NETWORK_UNREACHABLE);
    close_socket(b);
    two_hosts_free(t);
}

/* A router says that it could not pass on the SYN. */
static void test_host_unreachable(void **state)
{
    two_hosts *t = two_hosts_new(1);
    g_autoptr(GError) error = NULL;
    hp_trace_cursor cursor = hp_trace_tail(t->trace);
    GSocket *a = begin_connect(t->env[0], "10.0.0.99", 80);
    hp_record syn;
    assert_true(hp_trace_next(t->trace, &cursor, &syn));
    hp_addr router = hp_addr_v4(0x0a000002, 0);
    g_autoptr(hp_packet) sent = hp_packet_parse(syn.packet.bytes, syn.packet.length, NULL);
    assert_non_null(sent);
    hp_packet *icmp = hp_packet_icmp_error(HP_ICMP_HOST_UNREACHABLE, &router, sent, 0);
    hp_host_send_packet(t->host[1], 0, icmp);
    two_hosts_run(t, 10 * HP_MS);
    assert_int_equal(g_socket_condition_check(a, ALL), ALL);
    assert_false(g_socket_check_connect_result(a, &error));
    assert_error(&error, G_IO_ERROR_HOST_UNREACHABLE);
    close_socket(a);
    two_hosts_free(t);
}

static void test_bind(void **state)
{
    two_hosts *t = two_hosts_new(1);
    g_autoptr(GError) error = NULL;
    GSocket *a = open_stream(t->env[0]);
    assert_false(bind_to(a, "10.0.0.9", 0, &error));
    assert_error(&error, (int)g_io_error_from_errno(EADDRNOTAVAIL));
    assert_false(bind_to(a, "fd00::1", 0, &error));
    assert_error(&error, (int)g_io_error_from_errno(EAFNOSUPPORT));
    assert_true(bind_to(a, "10.0.0.1", 0, NULL));
    g_autoptr(GSocketAddress) local = g_socket_get_local_address(a, NULL);
    guint16 port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local));
    assert_in_range(port, 49152, 65535);
    assert_false(bind_to(a, "10.0.0.1", 0, &error));
    assert_error(&error, G_IO_ERROR_INVALID_ARGUMENT);

    /* It connects from there; and a socket that connected first has a port already, which is how libnice 0.1.21 does
     * it. */
    GSocket *listener = open_listener(t->env[1], "10.0.0.2", 80);
    assert_false(connect_to(a, "10.0.0.2", 80, &error));
    assert_error(&error, G_IO_ERROR_PENDING);
    g_autofree char *expected = g_strdup_printf("10.0.0.1:%u", port);
    g_autofree char *bound = address_text(g_socket_get_local_address(a, NULL));
    assert_string_equal(bound, expected);
    GSocket *late = begin_connect(t->env[0], "10.0.0.2", 80);
    g_autofree char *chosen = address_text(g_socket_get_local_address(late, NULL));
    assert_false(bind_to(late, "10.0.0.1", 0, &error));
    assert_error(&error, G_IO_ERROR_INVALID_ARGUMENT);
    g_autofree char *kept = address_text(g_socket_get_local_address(late, NULL));
    assert_string_equal(kept, chosen);

    GSocket *second = open_stream(t->env[1]);
    assert_true(bind_to(second, "10.0.0.2", 80, NULL));
    assert_false(g_socket_listen(second, &error));
    assert_error(&error, G_IO_ERROR_ADDRESS_IN_USE);
    close_socket(second);
    close_socket(late);
    close_socket(listener);
    close_socket(a);
    two_hosts_free(t);
}

static void test_wrong_state(void **state)
{
    connected_pair p = pair_new();
    g_autoptr(GError) error = NULL;
    assert_false(connect_to(p.a, "10.0.0.2", 80, &error));
    assert_error(&error, (int)g_io_error_from_errno(EISCONN));
    assert_false(g_socket_listen(p.a, &error));
    assert_error(&error, G_IO_ERROR_INVALID_ARGUMENT);
    assert_null(g_socket_accept(p.a, NULL, &error));
    assert_error(&error, G_IO_ERROR_INVALID_ARGUMENT);
    assert_false(connect_to(p.listener, "10.0.0.1", 80, &error));
    assert_error(&error, (int)g_io_error_from_errno(EISCONN));
    assert_read_fails(p.listener, G_IO_ERROR_NOT_CONNECTED);
    assert_write_fails(p.listener, G_IO_ERROR_BROKEN_PIPE);
    assert_int_equal(g_socket_get_available_bytes(p.listener), -1);
    assert_true(g_socket_listen(p.listener, NULL)); /* again */

    GSocket *idle = open_stream(p.t->env[0]);
    assert_int_equal(g_socket_condition_check(idle, ALL), G_IO_HUP | G_IO_OUT);
    assert_read_fails(idle, G_IO_ERROR_NOT_CONNECTED);
    assert_write_fails(idle, G_IO_ERROR_BROKEN_PIPE);
    assert_null(g_socket_get_remote_address(idle, &error));
    assert_error(&error, G_IO_ERROR_NOT_CONNECTED);
    assert_false(g_socket_shutdown(idle, TRUE, TRUE, &error));
    assert_error(&error, G_IO_ERROR_NOT_CONNECTED);
    assert_false(connect_to(idle, "fd00::2", 80, &error));
    assert_error(&error, (int)g_io_error_from_errno(EAFNOSUPPORT));

    assert_true(g_socket_close(idle, NULL));
    assert_int_equal(g_socket_condition_check(idle, ALL), G_IO_NVAL);
    assert_int_equal(g_socket_get_fd(idle), -1);
    assert_read_fails(idle, G_IO_ERROR_CLOSED);
    assert_write_fails(idle, G_IO_ERROR_CLOSED);
    assert_false(bind_to(idle, "10.0.0.1", 0, &error));
    assert_error(&error, G_IO_ERROR_CLOSED);
    assert_null(g_socket_get_local_address(idle, &error));
    assert_error(&error, G_IO_ERROR_CLOSED);
    g_object_unref(idle);
    pair_free(&p);
}

static void test_peer_closes(void **state)
{
    connected_pair p = pair_new();
    assert_int_equal(write_text(p.a, "last words", NULL), 10);
    assert_true(g_socket_close(p.a, NULL));
    two_hosts_run(p.t, 50 * HP_MS);
    assert_int_equal(g_socket_condition_check(p.b, ALL), G_IO_IN | G_IO_OUT);
    assert_reads(p.b, "last words");
    char byte;
    assert_int_equal(read_bytes(p.b, &byte, 1, NULL), 0);
    assert_int_equal(g_socket_condition_check(p.b, ALL), G_IO_IN | G_IO_OUT); /* the end stays readable */
    gint flags = G_SOCKET_MSG_PEEK;
    assert_int_equal(g_socket_receive_message(p.b, NULL, NULL, 0, NULL, NULL, &flags, NULL, NULL), 0);
    /* Writing is allowed, and answered by a reset as nobody reads; then by EPIPE. */
    assert_int_equal(write_text(p.b, "too late", NULL), 8);
    two_hosts_run(p.t, 100 * HP_MS);
    assert_int_equal(g_socket_condition_check(p.b, ALL), ALL);
    assert_int_equal(read_bytes(p.b, &byte, 1, NULL), 0); /* the end was read: a reset behind it changes nothing */
    assert_int_equal(g_socket_condition_check(p.b, ALL), ALL);
    g_autoptr(GError) error = NULL;
    assert_int_equal(write_text(p.b, "x", &error), -1);
    g_autofree char *pipe = g_strdup_printf("Error sending message: %s", g_strerror(EPIPE));
    assert_string_equal(error->message, pipe); /* GIO has one code for this and for ECONNRESET */
    assert_write_fails(p.b, G_IO_ERROR_BROKEN_PIPE);
    pair_free(&p);
}

static void test_half_close(void **state)
{
    connected_pair p = pair_new();
    assert_true(g_socket_shutdown(p.a, FALSE, FALSE, NULL));
    assert_true(g_socket_shutdown(p.a, FALSE, TRUE, NULL));
    assert_true(g_socket_is_connected(p.a));
    assert_write_fails(p.a, G_IO_ERROR_BROKEN_PIPE);
    two_hosts_run(p.t, 50 * HP_MS);
    char byte;
    assert_int_equal(read_bytes(p.b, &byte, 1, NULL), 0);
    assert_int_equal(write_text(p.b, "still here", NULL), 10);
    two_hosts_run(p.t, 70 * HP_MS);
    assert_int_equal(g_socket_condition_check(p.a, ALL), G_IO_IN | G_IO_OUT);
    assert_reads(p.a, "still here");
    assert_true(g_socket_shutdown(p.b, TRUE, TRUE, NULL));
    assert_false(g_socket_is_connected(p.b));
    two_hosts_run(p.t, 100 * HP_MS);
    assert_int_equal(g_socket_condition_check(p.a, ALL), G_IO_IN | G_IO_OUT | G_IO_HUP);
    assert_int_equal(g_socket_condition_check(p.b, ALL), G_IO_IN | G_IO_OUT | G_IO_HUP);
    assert_int_equal(read_bytes(p.a, &byte, 1, NULL), 0);
    pair_free(&p);
}

static void test_shut_for_reading(void **state)
{
    connected_pair p = pair_new();
    char byte;
    assert_true(g_socket_shutdown(p.b, TRUE, FALSE, NULL));
    assert_int_equal(g_socket_condition_check(p.b, ALL), G_IO_IN | G_IO_OUT);
    assert_int_equal(read_bytes(p.b, &byte, 1, NULL), 0);
    assert_int_equal(write_text(p.a, "x", NULL), 1);
    two_hosts_run(p.t, 50 * HP_MS);
    assert_reads(p.b, "x"); /* what comes all the same is there, as on Linux */
    assert_int_equal(read_bytes(p.b, &byte, 1, NULL), 0);
    pair_free(&p);
}

static void test_reset_after_data(void **state)
{
    connected_pair p = pair_new();
    assert_int_equal(write_text(p.b, "unread", NULL), 6);
    two_hosts_run(p.t, 45 * HP_MS);
    assert_int_equal(write_text(p.a, "bye", NULL), 3);
    assert_true(g_socket_close(p.a, NULL)); /* with something unread: a reset */
    two_hosts_run(p.t, 60 * HP_MS);
    assert_int_equal(g_socket_condition_check(p.b, ALL), ALL);
    assert_reads(p.b, "bye");
    assert_read_fails(p.b, G_IO_ERROR_CONNECTION_CLOSED);
    char byte;
    assert_int_equal(read_bytes(p.b, &byte, 1, NULL), 0);
    pair_free(&p);
}

static void test_full_buffer(void **state)
{
    connected_pair p = pair_new();
    g_autofree char *much = g_strnfill(1 << 20, 'x');
    g_autofree char *in = g_malloc(1 << 20);
    size_t sent = 0, received = 0;
    gssize n;
    GOutputVector vector = {much, 1 << 20};
    while ((n = g_socket_send_message(p.a, NULL, &vector, 1, NULL, 0, 0, NULL, NULL)) > 0) {
        sent += (size_t)n;
    }
    assert_true(sent > 0 && sent < 16 << 20);
    assert_write_fails(p.a, G_IO_ERROR_WOULD_BLOCK);
    assert_int_equal(g_socket_condition_check(p.a, ALL), 0);
    hp_time now = 30 * HP_MS;
    while (g_socket_condition_check(p.a, G_IO_OUT) == 0) {
        now += 10 * HP_MS;
        two_hosts_run(p.t, now);
        assert_true(now < 2 * HP_S);
    }
    assert_int_equal(write_text(p.a, "z", NULL), 1);
    sent++;
    while (received < sent) {
        while ((n = read_bytes(p.b, in, 1 << 20, NULL)) > 0) {
            received += (size_t)n;
        }
        now += 10 * HP_MS;
        two_hosts_run(p.t, now);
        assert_true(now < 60 * HP_S);
    }
    assert_int_equal(received, sent);
    pair_free(&p);
}

static void test_several_connections_wait(void **state)
{
    two_hosts *t = two_hosts_new(1);
    GSocket *listener = open_listener(t->env[1], "0.0.0.0", 80);
    GSocket *a[3];
    for (unsigned i = 0; i < 3; i++) {
        a[i] = begin_connect(t->env[0], "10.0.0.2", 80);
    }
    two_hosts_run(t, 20 * HP_MS);
    static const char *const texts[] = {"one", "two", "three"};
    for (unsigned i = 0; i < 3; i++) {
        assert_true(g_socket_check_connect_result(a[i], NULL));
        assert_int_equal(write_text(a[i], texts[i], NULL), strlen(texts[i]));
    }
    two_hosts_run(t, 40 * HP_MS);
    for (unsigned i = 0; i < 2; i++) {
        GSocket *b = g_socket_accept(listener, NULL, NULL);
        assert_non_null(b);
        assert_reads(b, texts[i]); /* in the order of their arrival, with what came before accept() */
        close_socket(b);
    }
    assert_int_equal(g_socket_condition_check(listener, ALL), G_IO_IN);
    close_socket(listener); /* the third is reset */
    two_hosts_run(t, 60 * HP_MS);
    assert_read_fails(a[2], G_IO_ERROR_CONNECTION_CLOSED);
    for (unsigned i = 0; i < 3; i++) {
        close_socket(a[i]);
    }
    two_hosts_free(t);
}

/* One that was reset while it waited is accepted all the same, and says so. */
static void test_accepts_what_has_ended(void **state)
{
    two_hosts *t = two_hosts_new(1);
    GSocket *listener = open_listener(t->env[1], "10.0.0.2", 80);
    hp_addr remote = hp_addr_v4(0x0a000002, 80);
    hp_tcp_socket *raw = hp_tcp_connect(t->host[0], NULL, &remote, NULL, NULL, NULL);
    two_hosts_run(t, 30 * HP_MS);
    hp_tcp_abort(raw);
    two_hosts_run(t, 50 * HP_MS);
    GSocket *b = g_socket_accept(listener, NULL, NULL);
    assert_non_null(b);
    assert_int_equal(g_socket_condition_check(b, ALL), ALL);
    assert_read_fails(b, G_IO_ERROR_CONNECTION_CLOSED);
    close_socket(b);
    close_socket(listener);
    two_hosts_free(t);
}

static void test_options(void **state)
{
    connected_pair p = pair_new();
    g_autoptr(GError) error = NULL;
    assert_true(g_socket_set_option(p.a, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL));
    assert_true(g_socket_set_option(p.a, SOL_SOCKET, SO_KEEPALIVE, TRUE, NULL));
    assert_true(g_socket_set_option(p.a, IPPROTO_TCP, TCP_KEEPIDLE, 10, NULL));
    assert_true(g_socket_set_option(p.a, IPPROTO_TCP, TCP_KEEPINTVL, 1, NULL));
    assert_true(g_socket_set_option(p.a, IPPROTO_TCP, TCP_KEEPCNT, 3, NULL));
    assert_true(g_socket_set_option(p.a, SOL_SOCKET, SO_REUSEADDR, TRUE, NULL));
    assert_false(g_socket_set_option(p.a, IPPROTO_TCP, TCP_KEEPCNT, 0, &error));
    g_clear_error(&error);
    assert_false(g_socket_set_option(p.a, IPPROTO_TCP, 9999, 1, &error));
    assert_error(&error, G_IO_ERROR_FAILED);

    int tos = 0xb8;
    hp_seam_enter(p.t->env[0]);
    assert_int_equal(setsockopt(g_socket_get_fd(p.a), IPPROTO_IP, IP_TOS, &tos, sizeof tos), 0);
    hp_seam_leave(p.t->env[0]);
    hp_trace_cursor cursor = hp_trace_tail(p.t->trace);
    assert_int_equal(write_text(p.a, "x", NULL), 1);
    hp_record r;
    assert_true(hp_trace_next(p.t->trace, &cursor, &r));
    assert_int_equal(r.packet.tos, 0xb8);

    /* The keepalive notices that the other side is gone: 10 s, then three probes a second apart. */
    two_hosts_run(p.t, 100 * HP_MS);
    hp_host_set_interface_up(p.t->host[1], 0, false);
    two_hosts_run(p.t, 12 * HP_S);
    assert_int_equal(g_socket_condition_check(p.a, G_IO_ERR), 0);
    two_hosts_run(p.t, 14 * HP_S);
    assert_read_fails(p.a, G_IO_ERROR_TIMED_OUT);
    pair_free(&p);
}

/* What a socket owes the network when it is given up in the middle. */
static void test_given_up_while_connecting(void **state)
{
    two_hosts *t = two_hosts_new(1);
    GSocket *listener = open_listener(t->env[1], "10.0.0.2", 80);
    GSocket *a = begin_connect(t->env[0], "10.0.0.2", 80);
    g_object_unref(a); /* without close */
    assert_int_equal(hp_seam_env_n_sockets(t->env[0]), 0);
    assert_int_equal(hp_tcp_n_connections(t->host[0]), 0);
    two_hosts_run(t, 1 * HP_S);
    assert_int_equal(hp_tcp_n_connections(t->host[1]), 0); /* its SYN ACK was answered by a reset */
    assert_null(g_socket_accept(listener, NULL, NULL));
    close_socket(listener);
    two_hosts_free(t);
}

static void test_draining_sends_nothing(void **state)
{
    connected_pair p = pair_new();
    unsigned before = hp_trace_n_records(p.t->trace);
    GSocket *unbound = open_stream(p.t->env[0]);
    hp_seam_drain(p.t->env[0], NULL, NULL);
    assert_int_equal(write_text(p.a, "into the void", NULL), 13);
    g_autoptr(GError) error = NULL;
    assert_false(connect_to(unbound, "10.0.0.2", 80, &error));
    assert_error(&error, G_IO_ERROR_NETWORK_UNREACHABLE);
    close_socket(unbound);
    close_socket(p.a);
    assert_int_equal(hp_trace_n_records(p.t->trace), before);
    p.a = open_stream(p.t->env[0]);
    pair_free(&p);
}

static void test_cancelled(void **state)
{
    connected_pair p = pair_new();
    g_autoptr(GCancellable) cancelled = g_cancellable_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketAddress) remote = g_inet_socket_address_new_from_string("10.0.0.2", 80);
    g_cancellable_cancel(cancelled);
    assert_false(g_socket_connect(p.a, remote, cancelled, &error));
    assert_error(&error, G_IO_ERROR_CANCELLED);
    assert_null(g_socket_accept(p.listener, cancelled, &error));
    assert_error(&error, G_IO_ERROR_CANCELLED);
    char byte;
    GInputVector in = {&byte, 1};
    assert_int_equal(g_socket_receive_message(p.b, NULL, &in, 1, NULL, NULL, NULL, cancelled, &error), -1);
    assert_error(&error, G_IO_ERROR_CANCELLED);
    pair_free(&p);
}

int main(void)
{
    if (!hp_seam_start(NULL, NULL)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect_accept_and_talk),
        cmocka_unit_test(test_vectors_and_records),
        cmocka_unit_test(test_connection_refused),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_host_unreachable),
        cmocka_unit_test(test_bind),
        cmocka_unit_test(test_wrong_state),
        cmocka_unit_test(test_peer_closes),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_shut_for_reading),
        cmocka_unit_test(test_reset_after_data),
        cmocka_unit_test(test_full_buffer),
        cmocka_unit_test(test_several_connections_wait),
        cmocka_unit_test(test_accepts_what_has_ended),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_given_up_while_connecting),
        cmocka_unit_test(test_draining_sends_nothing),
        cmocka_unit_test(test_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
