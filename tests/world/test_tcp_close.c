/* How TCP connections end: in order, by halves, at once from both sides, by reset, by silence. */
#include "tcp_rig.h"

static void test_in_order(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    say(&c, "bye");
    hp_tcp_shutdown(c.socket);
    assert_state(&c, "FIN-WAIT-1");
    assert_int_equal(hp_tcp_send(c.socket, "x", 1), 0);
    assert_int_equal(hp_tcp_room(c.socket), 0);
    rig_until(r, 125 * HP_MS);
    assert_state(&s, "CLOSE-WAIT");
    assert_got(&s, "bye", 3);
    assert_true(hp_tcp_at_eof(s.socket));
    assert_int_equal(s.readable, 2); /* data, then the end */
    assert_int_equal(s.closed, 0);
    rig_until(r, 150 * HP_MS);
    assert_state(&c, "FIN-WAIT-2");
    hp_tcp_shutdown(s.socket);
    assert_state(&s, "LAST-ACK");
    rig_until(r, 180 * HP_MS);
    assert_state(&c, "TIME-WAIT");
    assert_int_equal(c.closed, 1);
    assert_int_equal(c.closed_at, 170 * HP_MS);
    assert_reason(&c, "finished");
    rig_until(r, 200 * HP_MS);
    assert_state(&s, "CLOSED");
    assert_int_equal(s.closed_at, 190 * HP_MS);
    assert_reason(&s, "finished");
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 3\n"
                                     "100ms alice FIN,ACK 4/1\n"
                                     "120ms bob ACK 1/5\n"
                                     "150ms bob FIN,ACK 1/5\n"
                                     "170ms alice ACK 5/2\n");
    assert_int_equal(hp_tcp_n_connections(r->a), 1);
    assert_int_equal(hp_tcp_n_connections(r->b), 0);
    rig_until(r, 60169 * HP_MS);
    assert_state(&c, "TIME-WAIT");
    rig_until(r, 60170 * HP_MS);
    assert_state(&c, "CLOSED");
    assert_int_equal(hp_tcp_n_connections(r->a), 0);
    assert_int_equal(c.closed, 1); /* told once */
    assert_int_equal(hp_world_next_deadline(r->world), HP_NEVER);
    hp_tcp_close(c.socket);
    hp_tcp_close(s.socket);
    hp_tcp_close(NULL);
    hp_tcp_abort(NULL);
    finish(r, &c, &s);
}

/* One half is closed; the other goes on for as long as it likes. */
static void test_half_close(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    say(&c, "question");
    hp_tcp_shutdown(c.socket);
    rig_until(r, 300 * HP_S);
    assert_state(&c, "FIN-WAIT-2"); /* held: no time limit */
    assert_state(&s, "CLOSE-WAIT");
    g_autofree uint8_t *bytes = some_bytes(200000);
    s.to_send = bytes;
    s.left = 200000;
    end_pump(&s);
    rig_until(r, 310 * HP_S);
    assert_got(&c, bytes, 200000);
    assert_int_equal(c.closed, 0);
    hp_tcp_close(s.socket);
    s.socket = NULL;
    rig_until(r, 311 * HP_S);
    assert_reason(&c, "finished");
    assert_int_equal(s.closed, 0); /* given up: nobody is told */
    assert_int_equal(hp_tcp_n_connections(r->b), 0);
    finish(r, &c, &s);
}

static void test_simultaneous_close(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    hp_tcp_shutdown(c.socket);
    hp_tcp_shutdown(s.socket);
    rig_until(r, 125 * HP_MS);
    assert_state(&c, "CLOSING");
    assert_state(&s, "CLOSING");
    rig_until(r, 141 * HP_MS);
    assert_state(&c, "TIME-WAIT");
    assert_state(&s, "TIME-WAIT");
    assert_string_equal(rig_said(r), "100ms alice FIN,ACK 1/1\n"
                                     "100ms bob FIN,ACK 1/1\n"
                                     "120ms bob ACK 2/2\n"
                                     "120ms alice ACK 2/2\n");
    assert_int_equal(c.closed_at, 140 * HP_MS);
    rig_until(r, 60140 * HP_MS);
    assert_int_equal(hp_tcp_n_connections(r->a) + hp_tcp_n_connections(r->b), 0);
    finish(r, &c, &s);
}

static void test_a_lost_fin(void **state)
{
    end c, s;
    rig *r = established(LOSING(NUMBER(3)), NULL, &c, &s);
    hp_tcp_shutdown(c.socket);
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms alice FIN,ACK 1/1 lost\n"
                                     "340ms alice FIN,ACK 1/1\n"
                                     "360ms bob ACK 1/2\n");
    finish(r, &c, &s);
}

/* The FIN arrives, the data before it does not: it is kept until the gap is filled. */
static void test_a_fin_out_of_order(void **state)
{
    end c, s;
    rig *r = established(LOSING(NUMBER(3)), NULL, &c, &s);
    say(&c, "last words");
    hp_tcp_shutdown(c.socket);
    rig_until(r, 200 * HP_MS);
    assert_state(&s, "ESTABLISHED");
    rig_until(r, HP_S);
    assert_state(&s, "CLOSE-WAIT");
    assert_got(&s, "last words", 10);
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 10 lost\n"
                                     "100ms alice FIN,ACK 11/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "340ms alice FIN,PSH,ACK 1/1 len 10\n"
                                     "360ms bob ACK 1/12\n");
    finish(r, &c, &s);
}

/* The last ACK is lost: the FIN comes again, is answered, and TIME-WAIT begins anew. */
static void test_a_lost_last_ack(void **state)
{
    end c, s;
    rig *r = established(LOSING(NUMBER(4)), NULL, &c, &s);
    s.close_on_eof = true;
    hp_tcp_shutdown(c.socket);
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms alice FIN,ACK 1/1\n"
                                     "120ms bob FIN,ACK 1/2\n" /* what the callback does carries the ACK */
                                     "140ms alice ACK 2/2 lost\n"
                                     "360ms bob FIN,ACK 1/2\n"
                                     "380ms alice ACK 2/2\n");
    assert_int_equal(c.closed_at, 140 * HP_MS);
    rig_until(r, 60379 * HP_MS);
    assert_state(&c, "TIME-WAIT");
    rig_until(r, 60380 * HP_MS);
    assert_state(&c, "CLOSED");
    finish(r, &c, &s);
}

static void test_a_shorter_time_wait(void **state)
{
    rig *r = rig_new(NULL, NULL);
    hp_tcp_config config = *hp_tcp_get_config(r->a);
    assert_int_equal(config.time_wait_ns, 60 * HP_S);
    config.time_wait_ns = 5 * HP_S;
    hp_tcp_set_config(r->a, &config);
    end c, s;
    rig_pair(r, &c, &s);
    s.close_on_eof = true;
    hp_tcp_close(c.socket); /* still connecting: gone at once */
    c.socket = NULL;
    assert_int_equal(hp_tcp_n_connections(r->a), 0);
    rig_until(r, HP_S);
    assert_int_equal(hp_tcp_n_connections(r->b), 0); /* the SYN,ACK met a reset */
    rig_connect_from(&c, r->a, ALICE ":50000", SERVER);
    rig_until(r, 2 * HP_S);
    hp_tcp_close(c.socket);
    rig_until(r, 2039 * HP_MS);
    assert_int_equal(hp_tcp_n_connections(r->a), 1);
    rig_until(r, 7039 * HP_MS);
    assert_int_equal(hp_tcp_n_connections(r->a), 1);
    rig_until(r, 7040 * HP_MS);
    assert_int_equal(hp_tcp_n_connections(r->a), 0);
    finish(r, &c, &s);
}

/* The same four numbers again while bob still waits: taken over (RFC 1122 section 4.2.2.13). */
static void test_a_new_connection_in_time_wait(void **state)
{
    end c, s, again;
    rig *r = established(NULL, NULL, &c, &s);
    c.close_on_eof = true;
    end_init(&again, r);
    hp_tcp_close(s.socket);
    s.socket = NULL;
    rig_until(r, HP_S);
    assert_null(c.socket);
    assert_int_equal(hp_tcp_n_connections(r->b), 1); /* TIME-WAIT is on bob's side */
    assert_int_equal(hp_tcp_n_connections(r->a), 0);
    rig_said(r);
    rig_connect_from(&again, r->a, ALICE ":50000", SERVER);
    say(&again, "second");
    rig_until(r, 2 * HP_S);
    assert_string_equal(rig_said(r), "1.000s alice SYN 0\n"
                                     "1.020s bob SYN,ACK 0/1\n"
                                     "1.040s alice PSH,ACK 1/1 len 6\n"
                                     "1.100s bob ACK 1/7\n");
    assert_got(&s, "second", 6);
    assert_int_equal(hp_tcp_n_connections(r->b), 1);
    end_clear(&again);
    finish(r, &c, &s);
}

static void test_abort(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    say(&c, "unread");
    s.deaf = true;
    rig_until(r, 150 * HP_MS);
    hp_tcp_abort(c.socket);
    assert_int_equal(hp_tcp_n_connections(r->a), 0); /* no TIME-WAIT */
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 6\n"
                                     "150ms alice RST,ACK 7/1\n"
                                     "160ms bob ACK 1/7\n" /* crosses it, and meets nobody */
                                     "180ms alice RST 7\n");
    assert_int_equal(s.closed, 1);
    assert_int_equal(s.closed_at, 170 * HP_MS);
    assert_reason(&s, "reset");
    assert_int_equal(c.closed, 0);
    /* What came can still be read. */
    assert_int_equal(hp_tcp_available(s.socket), 6);
    assert_false(hp_tcp_at_eof(s.socket));
    end_read(&s);
    assert_got(&s, "unread", 6);
    assert_true(hp_tcp_at_eof(s.socket));
    hp_tcp_close(s.socket);
    finish(r, &c, &s);
}

/* Closed with something unread, or before something more comes: the other side must learn that it was in vain. */
static void test_close_without_reading(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    s.deaf = true;
    say(&c, "unread");
    rig_until(r, 170 * HP_MS);
    rig_said(r);
    hp_tcp_close(s.socket);
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "170ms bob RST,ACK 1/7\n");
    assert_reason(&c, "reset");
    finish(r, &c, &s);

    r = established(NULL, NULL, &c, &s);
    hp_tcp_close(s.socket);
    rig_until(r, 150 * HP_MS);
    say(&c, "too late");
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms bob FIN,ACK 1/1\n"
                                     "120ms alice ACK 1/2\n"
                                     "150ms alice PSH,ACK 1/2 len 8\n"
                                     "170ms bob RST,ACK 2/1\n");
    assert_reason(&c, "reset");
    assert_int_equal(hp_tcp_n_connections(r->b), 0);
    finish(r, &c, &s);
}

/* Nobody holds it any more and the other side never ends: FIN-WAIT-2 lasts a minute. */
static void test_an_orphan_in_fin_wait_2(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    hp_tcp_close(c.socket);
    rig_until(r, 60139 * HP_MS);
    assert_int_equal(hp_tcp_n_connections(r->a), 1);
    rig_until(r, 60140 * HP_MS);
    assert_int_equal(hp_tcp_n_connections(r->a), 0);
    finish(r, &c, &s);
}

/* Data that waits is sent after close, the connection then ends by itself. */
static void test_close_sends_what_waits(void **state)
{
    rig *r = rig_new(NULL, NULL);
    hp_tcp_config config = *hp_tcp_get_config(r->a);
    config.fixed_send_buffer = true;
    hp_tcp_set_config(r->a, &config);
    end c, s;
    rig_pair(r, &c, &s);
    rig_until(r, 100 * HP_MS);
    g_autofree uint8_t *bytes = some_bytes(500000);
    assert_int_equal(hp_tcp_send(c.socket, bytes, 500000), 500000);
    s.close_on_eof = true;
    hp_tcp_close(c.socket);
    rig_until(r, 5 * HP_S);
    assert_got(&s, bytes, 500000);
    assert_null(s.socket);
    rig_until(r, 100 * HP_S);
    assert_int_equal(hp_tcp_n_connections(r->a) + hp_tcp_n_connections(r->b), 0);
    finish(r, &c, &s);
}

/* ---- silence ---- */

static void test_keepalive(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    hp_tcp_set_keepalive(c.socket, true, 10 * HP_S, HP_S, 3);
    rig_until(r, 15 * HP_S);
    assert_string_equal(rig_said(r), "10.100s alice ACK 0/1\n"
                                     "10.120s bob ACK 1/1\n"); /* alive: ten seconds more */
    hp_host_set_interface_up(r->b, 0, false);
    rig_until(r, 60 * HP_S);
    assert_string_equal(rig_said(r), "20.140s alice ACK 0/1\n"
                                     "21.140s alice ACK 0/1\n"
                                     "22.140s alice ACK 0/1\n"
                                     "23.140s alice RST,ACK 1/1\n");
    assert_reason(&c, "timed-out");
    assert_int_equal(c.closed_at, 23140 * HP_MS);
    assert_state(&s, "ESTABLISHED");
    finish(r, &c, &s);
}

static void test_traffic_puts_keepalive_off(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    hp_tcp_set_keepalive(c.socket, true, 10 * HP_S, HP_S, 3);
    rig_until(r, 6 * HP_S);
    say(&s, "x");
    rig_until(r, 12 * HP_S);
    rig_said(r);
    hp_tcp_set_keepalive(c.socket, false, 10 * HP_S, HP_S, 3);
    rig_until(r, 100 * HP_S);
    assert_string_equal(rig_said(r), "");
    finish(r, &c, &s);
}

/* With its interface down a host sends nothing, says nothing, and its connections end by their time-outs. */
static void test_an_interface_goes_down(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    hp_host_set_interface_up(r->a, 0, false);
    hp_tcp_set_user_timeout(c.socket, 40 * HP_S);
    say(&c, "into the void");
    rig_until(r, 20 * HP_S);
    assert_string_equal(rig_said(r), "");
    assert_state(&c, "ESTABLISHED");
    hp_host_set_interface_up(r->a, 0, true); /* back in time: the next retransmission gets through */
    rig_until(r, 35 * HP_S);
    assert_got(&s, "into the void", 13);
    hp_addr address = addr(ALICE);
    hp_host_remove_address(r->a, 0, &address);
    rig_said(r);
    say(&c, "gone");
    rig_until(r, 100 * HP_S);
    assert_string_equal(rig_said(r), "");
    assert_reason(&c, "timed-out");
    assert_int_equal(c.closed_at, 75 * HP_S);
    finish(r, &c, &s);
}

/* A host that forgot everything resets what is left over from before. */
static void test_strays_are_reset(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    hp_host_set_interface_up(r->a, 0, false); /* bob hears nothing of this */
    hp_tcp_abort(c.socket);
    hp_host_set_interface_up(r->a, 0, true);
    say(&s, "hello?");
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms bob PSH,ACK 1/1 len 6\n"
                                     "120ms alice RST 1\n");
    assert_reason(&s, "reset");
    assert_int_equal(s.closed_at, 140 * HP_MS);
    assert_int_equal(count_drops(r->trace, HP_DROP_NO_SOCKET, NULL), 1);
    finish(r, &c, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_simultaneous_close),
        cmocka_unit_test(test_a_lost_fin),
        cmocka_unit_test(test_a_fin_out_of_order),
        cmocka_unit_test(test_a_lost_last_ack),
        cmocka_unit_test(test_a_shorter_time_wait),
        cmocka_unit_test(test_a_new_connection_in_time_wait),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_close_without_reading),
        cmocka_unit_test(test_an_orphan_in_fin_wait_2),
        cmocka_unit_test(test_close_sends_what_waits),
        cmocka_unit_test(test_keepalive),
        cmocka_unit_test(test_traffic_puts_keepalive_off),
        cmocka_unit_test(test_an_interface_goes_down),
        cmocka_unit_test(test_strays_are_reset),
    };
    return cmocka_run_group_tests_name("tcp_close", tests, NULL, NULL);
}
