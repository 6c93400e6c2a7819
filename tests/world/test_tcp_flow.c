/* The flow of TCP data: both ways, Nagle and delayed acknowledgement, closed windows, throughput, the same bytes
 * again. */
#include "tcp_rig.h"

#include <glib/gstdio.h>

static void test_question_and_answer(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    s.echo = true;
    say(&c, "ping");
    rig_until(r, HP_S);
    /* The answer carries the acknowledgement; the last one waits for something to go with, in vain. */
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 4\n"
                                     "120ms bob PSH,ACK 1/5 len 4\n"
                                     "180ms alice ACK 5/5\n");
    assert_got(&c, "ping", 4);
    finish(r, &c, &s);
}

static void test_nagle(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    say(&c, "a");
    say(&c, "b");
    say(&c, "c");
    rig_until(r, HP_S);
    /* b and c wait for a's acknowledgement, which waits 40 ms. */
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 1\n"
                                     "160ms bob ACK 1/2\n"
                                     "180ms alice PSH,ACK 2/1 len 2\n"
                                     "240ms bob ACK 1/4\n");
    say(&c, "a");
    say(&c, "b");
    hp_tcp_set_nodelay(c.socket, true); /* sends what was held back */
    say(&c, "c");
    rig_until(r, 2 * HP_S);
    assert_string_equal(rig_said(r), "1.000s alice PSH,ACK 4/1 len 1\n"
                                     "1.000s alice PSH,ACK 5/1 len 1\n"
                                     "1.000s alice PSH,ACK 6/1 len 1\n"
                                     "1.020s bob ACK 1/6\n"
                                     "1.060s bob ACK 1/7\n");
    finish(r, &c, &s);
}

/* A large write leaves a small rest, which waits; with the FIN behind it, it does not. */
static void test_the_rest_of_a_write(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(3000);
    send_all(&c, bytes, 1500);
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms alice ACK 1/1 len 1460\n"
                                     "160ms bob ACK 1/1461\n"
                                     "180ms alice PSH,ACK 1461/1 len 40\n"
                                     "240ms bob ACK 1/1501\n");
    send_all(&c, bytes, 1500);
    hp_tcp_shutdown(c.socket);
    rig_until(r, 2 * HP_S);
    assert_string_equal(rig_said(r), "1.000s alice ACK 1501/1 len 1460\n"
                                     "1.000s alice FIN,PSH,ACK 2961/1 len 40\n"
                                     "1.020s bob ACK 1/3002\n");
    finish(r, &c, &s);
}

static void small_windows(rig *r, uint32_t bytes)
{
    hp_tcp_config config;
    hp_tcp_config_init(&config);
    config.receive_buffer = bytes;
    hp_tcp_set_config(r->b, &config);
}

/* A reader that stops: the window closes, is probed with a byte, less and less often, and opens again when it reads. */
static void test_zero_window(void **state)
{
    rig *r = rig_new(NULL, NULL);
    small_windows(r, 4000);
    end c, s;
    rig_pair(r, &c, &s);
    rig_until(r, 100 * HP_MS);
    rig_said(r);
    s.deaf = true;
    g_autofree uint8_t *bytes = some_bytes(10000);
    send_all(&c, bytes, 10000);
    rig_until(r, 4 * HP_S);
    assert_string_equal(rig_said(r), "100ms alice ACK 1/1 len 1460\n"
                                     "100ms alice ACK 1461/1 len 1460\n"
                                     "120ms bob ACK 1/2921\n"
                                     "380ms alice ACK 2921/1 len 1080\n" /* less than half a window: after a while */
                                     "440ms bob ACK 1/4001\n" /* window 0 */
                                     "705ms alice ACK 4001/1 len 1\n" /* 245 ms: a round trip was 80 ms */
                                     "725ms bob ACK 1/4001\n"
                                     "1.195s alice ACK 4001/1 len 1\n"
                                     "1.215s bob ACK 1/4001\n"
                                     "2.175s alice ACK 4001/1 len 1\n"
                                     "2.195s bob ACK 1/4001\n");
    assert_int_equal(hp_tcp_available(s.socket), 4000);
    assert_int_equal(hp_tcp_get_stats(c.socket).send_window, 0);
    /* A little room is no news; half of the buffer is. */
    uint8_t out[4000];
    assert_int_equal(hp_tcp_recv(s.socket, out, 1000), 1000);
    assert_memory_equal(out, bytes, 1000);
    rig_until(r, 4100 * HP_MS);
    assert_string_equal(rig_said(r), "");
    assert_int_equal(hp_tcp_recv(s.socket, out, 600), 600);
    s.deaf = false;
    rig_until(r, 5 * HP_S);
    /* The second answer is not delayed: reading left far more room than alice knew of. */
    assert_string_equal(rig_said(r), "4.100s bob ACK 1/4001\n"
                                     "4.120s alice ACK 4001/1 len 1460\n"
                                     "4.140s bob ACK 1/5461\n"
                                     "4.160s alice ACK 5461/1 len 1460\n"
                                     "4.160s alice ACK 6921/1 len 1460\n"
                                     "4.180s bob ACK 1/8381\n"
                                     "4.200s alice ACK 8381/1 len 1460\n"
                                     "4.260s bob ACK 1/9841\n"
                                     "4.280s alice PSH,ACK 9841/1 len 160\n"
                                     "4.340s bob ACK 1/10001\n");
    assert_int_equal(s.got->len, 8400);
    assert_memory_equal(s.got->data, bytes + 1600, 8400);
    finish(r, &c, &s);
}

/* The news of the open window is lost: the next probe finds out. */
static void test_a_lost_window_update(void **state)
{
    rig *r = rig_new(NULL, NULL);
    small_windows(r, 2000);
    end c, s;
    rig_pair(r, &c, &s);
    s.deaf = true;
    g_autofree uint8_t *bytes = some_bytes(5000);
    send_all(&c, bytes, 5000);
    rig_until(r, 3 * HP_S);
    hp_link_config lossy = *LOSING(NUMBER(1)), plain = {.delay_ns = 20 * HP_MS};
    lossy.drop[0] = (hp_packet_range){1, 0};
    hp_link_configure(r->back, &lossy, "test");
    s.deaf = false;
    end_read(&s);
    rig_until(r, 3001 * HP_MS);
    hp_link_configure(r->back, &plain, "test");
    rig_until(r, 20 * HP_S);
    assert_got(&s, bytes, 5000);
    finish(r, &c, &s);
}

/* The FIN, too, waits for a window; then it is the probe, and is taken, as it needs no room. */
static void test_a_fin_at_a_closed_window(void **state)
{
    rig *r = rig_new(NULL, NULL);
    small_windows(r, 1000);
    end c, s;
    rig_pair(r, &c, &s);
    s.deaf = true;
    g_autofree uint8_t *bytes = some_bytes(1000);
    rig_until(r, 100 * HP_MS);
    rig_said(r);
    send_all(&c, bytes, 1000);
    hp_tcp_shutdown(c.socket);
    rig_until(r, 10 * HP_S);
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 1000\n"
                                     "160ms bob ACK 1/1001\n"
                                     "425ms alice FIN,ACK 1001/1\n"
                                     "445ms bob ACK 1/1002\n");
    assert_state(&s, "CLOSE-WAIT");
    assert_state(&c, "FIN-WAIT-2");
    assert_false(hp_tcp_at_eof(s.socket));
    end_read(&s);
    assert_true(hp_tcp_at_eof(s.socket));
    assert_got(&s, bytes, 1000);
    finish(r, &c, &s);
}

/* A window that stays closed is asked for ever as long as somebody answers, and given up when nobody does. */
static void test_a_window_that_stays_closed(void **state)
{
    rig *r = rig_new(NULL, NULL);
    small_windows(r, 2000);
    end c, s;
    rig_pair(r, &c, &s);
    s.deaf = true;
    g_autofree uint8_t *bytes = some_bytes(5000);
    send_all(&c, bytes, 5000);
    rig_until(r, 5000 * HP_S);
    assert_state(&c, "ESTABLISHED");
    hp_host_set_silent(r->b, true);
    hp_host_set_interface_up(r->b, 0, false);
    rig_until(r, 10000 * HP_S);
    assert_reason(&c, "timed-out");
    finish(r, &c, &s);
}

static void test_writable_when_there_is_room(void **state)
{
    rig *r = rig_new(NULL, NULL);
    hp_tcp_config config = *hp_tcp_get_config(r->a);
    config.send_buffer = 30000;
    config.fixed_send_buffer = true;
    hp_tcp_set_config(r->a, &config);
    end c, s;
    rig_pair(r, &c, &s);
    rig_until(r, 100 * HP_MS);
    g_autofree uint8_t *bytes = some_bytes(40000);
    assert_int_equal(c.writable, 1);
    assert_int_equal(hp_tcp_room(c.socket), 30000);
    assert_int_equal(hp_tcp_send(c.socket, bytes, 40000), 30000);
    assert_int_equal(hp_tcp_send(c.socket, bytes, 1), 0);
    assert_int_equal(hp_tcp_room(c.socket), 0);
    rig_until(r, 139 * HP_MS);
    assert_int_equal(c.writable, 1);
    rig_until(r, 141 * HP_MS);
    assert_int_equal(c.writable, 2); /* told once, when a third was free */
    assert_true(hp_tcp_room(c.socket) >= 10000);
    rig_until(r, HP_S);
    assert_int_equal(c.writable, 2);
    assert_got(&s, bytes, 30000);
    finish(r, &c, &s);
}

/* What can be queued follows the congestion window: twice its ten segments at first, twice what it has grown to
 * later. */
static void test_the_send_buffer_is_tuned(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(200000);
    assert_int_equal(hp_tcp_room(c.socket), 2 * 10 * 1460);
    assert_int_equal(hp_tcp_send(c.socket, bytes, 200000), 29200);
    assert_int_equal(hp_tcp_room(c.socket), 0);
    rig_until(r, HP_S);
    assert_got(&s, bytes, 29200);
    assert_int_equal(hp_tcp_room(c.socket), 2 * 14 * 1460); /* it grows only while it holds the sender back */
    finish(r, &c, &s);
}

/* A time-out makes the congestion window one segment, and takes back no room: what the application says while all is
 * sent again has to wait somewhere. */
static void test_room_in_the_send_buffer_is_kept(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(200000);
    assert_int_equal(hp_tcp_send(c.socket, bytes, 200000), 29200);
    rig_until(r, HP_S);
    assert_int_equal(hp_tcp_room(c.socket), 2 * 14 * 1460);
    hp_host_set_interface_up(r->b, 0, false);
    assert_int_equal(hp_tcp_send(c.socket, bytes, 10000), 10000);
    rig_until(r, 2 * HP_S);
    assert_true(hp_tcp_get_stats(c.socket).timeouts > 0);
    assert_int_equal(hp_tcp_get_stats(c.socket).cwnd, 1460);
    assert_int_equal(hp_tcp_room(c.socket), 2 * 14 * 1460 - 10000);
    hp_host_set_interface_up(r->b, 0, true);
    rig_until(r, 20 * HP_S);
    assert_int_equal(s.got->len, 39200);
    assert_int_equal(hp_tcp_room(c.socket), 2 * 14 * 1460);
    finish(r, &c, &s);
}

/* A listener with a window of its own: that much is sent to who does not read, and no more. */
static void test_a_listener_with_a_small_window(void **state)
{
    end c, s;
    rig *r = rig_new(NULL, NULL);
    end_init(&c, r);
    end_init(&s, r);
    s.deaf = true;
    hp_tcp_listener_set_receive_buffer(rig_listen(&s, r->b, SERVER), 5000);
    rig_connect_from(&c, r->a, ALICE ":50000", SERVER);
    rig_until(r, 100 * HP_MS);
    assert_int_equal(hp_tcp_get_stats(c.socket).send_window, 5000);
    g_autofree uint8_t *bytes = some_bytes(20000);
    assert_int_equal(hp_tcp_send(c.socket, bytes, 20000), 20000);
    rig_until(r, 10 * HP_S);
    assert_int_equal(hp_tcp_available(s.socket), 5000);
    s.deaf = false;
    end_read(&s);
    rig_until(r, 20 * HP_S);
    assert_got(&s, bytes, 20000);
    finish(r, &c, &s);
}

static void test_both_ways_at_once(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(2000000);
    send_all(&c, bytes, 2000000);
    send_all(&s, bytes, 1500000);
    rig_until(r, 10 * HP_S);
    assert_got(&s, bytes, 2000000);
    assert_got(&c, bytes, 1500000);
    assert_int_equal(hp_tcp_get_stats(c.socket).retransmissions, 0);
    assert_int_equal(hp_tcp_get_stats(s.socket).retransmissions, 0);
    finish(r, &c, &s);
}

/* After a pause the window is no larger than at the start (RFC 5681 section 4.1). */
static void test_the_window_after_a_pause(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(400000);
    send_all(&c, bytes, 400000);
    rig_until(r, 5 * HP_S);
    assert_true(hp_tcp_get_stats(c.socket).cwnd > 100000);
    send_all(&c, bytes, 400000);
    assert_int_equal(hp_tcp_get_stats(c.socket).cwnd, 14600);
    rig_said(r);
    rig_until(r, 5001 * HP_MS);
    assert_string_equal(rig_said(r), "");
    finish(r, &c, &s);
}

/* What the application sends does not fill the window, so the window says nothing, and does not grow. */
static void test_an_unused_window_does_not_grow(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    hp_tcp_set_nodelay(c.socket, true);
    for (unsigned i = 0; i < 100; i++) {
        say(&c, "a little");
        rig_until(r, hp_world_now(r->world) + 10 * HP_MS);
    }
    assert_int_equal(hp_tcp_get_stats(c.socket).cwnd, 14600);
    finish(r, &c, &s);
}

/* ---- throughput ---- */

/* 100 Mbit/s, 20 ms each way. When slow start is over, 93 % of the rate must be payload: 1460 of 1500 bytes can be. */
static void test_bulk(void **state)
{
    enum { BYTES = 40000000 };
    static const hp_link_config fast = {.delay_ns = 20 * HP_MS, .rate_bps = 100000000};
    rig *r = rig_new_full(1, &fast, &fast, false);
    end c, s;
    rig_pair(r, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(BYTES);
    send_all(&c, bytes, BYTES);
    rig_until(r, HP_S);
    guint at_one = s.got->len;
    rig_until(r, 3 * HP_S);
    uint64_t bits = (uint64_t)(s.got->len - at_one) * 8;
    assert_in_range(bits, 2 * UINT64_C(97000000), 2 * UINT64_C(97400000)); /* 1460/1500 is 97.33 % */
    rig_until(r, 10 * HP_S);
    assert_got(&s, bytes, BYTES);
    assert_int_equal(hp_tcp_get_stats(c.socket).retransmissions, 0);
    finish(r, &c, &s);
}

/* A queue shorter than the window overflows: what NewReno makes of it, every byte right and most of the rate used. */
static void test_bulk_through_a_short_queue(void **state)
{
    enum { BYTES = 20000000 };
    static const hp_link_config fast = {.delay_ns = 10 * HP_MS, .rate_bps = 20000000, .queue_packets = 50};
    rig *r = rig_new_full(1, &fast, &fast, false);
    end c, s;
    rig_pair(r, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(BYTES);
    send_all(&c, bytes, BYTES);
    rig_until(r, 5 * HP_S);
    guint at_five = s.got->len;
    rig_until(r, 8 * HP_S);
    uint64_t bits = (uint64_t)(s.got->len - at_five) * 8;
    assert_in_range(bits, 3 * UINT64_C(19000000), 3 * UINT64_C(19500000));
    rig_until(r, 30 * HP_S);
    assert_got(&s, bytes, BYTES);
    assert_true(hp_tcp_get_stats(c.socket).fast_retransmits > 0);
    finish(r, &c, &s);
}

/* ---- the same again ---- */

static char *capture_of(uint64_t seed, const char *name, gsize *ret_length)
{
    hp_link_config bad = {.delay_ns = 20 * HP_MS, .jitter_ns = HP_MS, .loss_ppb = 20000000, .reorder_ppb = 10000000};
    rig *r = rig_new_full(seed, &bad, &bad, true);
    end c, s;
    end_init(&c, r);
    end_init(&s, r);
    rig_listen(&s, r->b, SERVER);
    rig_connect_from(&c, r->a, NULL, SERVER);
    s.echo = true;
    s.close_on_eof = true;
    g_autofree uint8_t *bytes = some_bytes(60000);
    send_all(&c, bytes, 60000);
    rig_until(r, 60 * HP_S);
    hp_tcp_close(c.socket);
    rig_until(r, 200 * HP_S);
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), name, NULL);
    GError *error = NULL;
    assert_true(hp_trace_write_pcapng(r->trace, path, NULL, &error));
    char *data = NULL;
    assert_true(g_file_get_contents(path, &data, ret_length, &error));
    if (g_getenv("HAIRPIN_KEEP_CAPTURE") == NULL) {
        g_unlink(path);
    }
    finish(r, &c, &s);
    return data;
}

static void test_the_same_seed_the_same_bytes(void **state)
{
    gsize n[3];
    g_autofree char *name = g_strdup_printf("hairpin-test-tcp-%d.pcapng", (int)getpid());
    g_autofree char *one = capture_of(1, name, &n[0]);
    g_autofree char *same = capture_of(1, name, &n[1]);
    g_autofree char *other = capture_of(2, name, &n[2]);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(one, same, n[0]);
    assert_true(n[0] != n[2] || memcmp(one, other, n[0]) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_question_and_answer),
        cmocka_unit_test(test_nagle),
        cmocka_unit_test(test_the_rest_of_a_write),
        cmocka_unit_test(test_zero_window),
        cmocka_unit_test(test_a_lost_window_update),
        cmocka_unit_test(test_a_fin_at_a_closed_window),
        cmocka_unit_test(test_a_window_that_stays_closed),
        cmocka_unit_test(test_writable_when_there_is_room),
        cmocka_unit_test(test_the_send_buffer_is_tuned),
        cmocka_unit_test(test_room_in_the_send_buffer_is_kept),
        cmocka_unit_test(test_a_listener_with_a_small_window),
        cmocka_unit_test(test_both_ways_at_once),
        cmocka_unit_test(test_the_window_after_a_pause),
        cmocka_unit_test(test_an_unused_window_does_not_grow),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_bulk_through_a_short_queue),
        cmocka_unit_test(test_the_same_seed_the_same_bytes),
    };
    return cmocka_run_group_tests_name("tcp_flow", tests, NULL, NULL);
}
