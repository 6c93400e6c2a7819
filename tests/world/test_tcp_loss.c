/* TCP over links that lose, reorder and double: what is sent again, and exactly when. The round trip is 40 ms, so
 * that the retransmission time-out is 240 ms, doubled each time. */
#include "tcp_rig.h"

static void test_the_only_segment_is_lost(void **state)
{
    end c, s;
    rig *r = established(LOSING({3, 5}), NULL, &c, &s);
    say(&c, "hello");
    rig_until(r, 3 * HP_S);
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 5 lost\n"
                                     "340ms alice PSH,ACK 1/1 len 5 lost\n"
                                     "820ms alice PSH,ACK 1/1 len 5 lost\n"
                                     "1.780s alice PSH,ACK 1/1 len 5\n"
                                     "1.840s bob ACK 1/6\n");
    assert_got(&s, "hello", 5);
    assert_int_equal(hp_world_next_deadline(r->world), HP_NEVER);
    /* Not measured, as it was sent again (Karn): the next one starts from the time-out as it was doubled. */
    assert_int_equal(hp_tcp_get_stats(c.socket).rto_ns, 1920 * HP_MS);
    say(&c, "again");
    rig_until(r, 5 * HP_S);
    assert_int_equal(hp_tcp_get_stats(c.socket).srtt_ns, 45 * HP_MS); /* 40 and 80 */
    finish(r, &c, &s);
}

static void test_first_of_many_is_lost(void **state)
{
    end c, s;
    rig *r = established(LOSING(NUMBER(3)), NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(10 * 1460);
    send_all(&c, bytes, 10 * 1460);
    rig_until(r, 141 * HP_MS);
    /* Every segment behind the gap is answered at once; the third answer brings the first segment again. */
    assert_string_equal(rig_said(r), "100ms alice ACK 1/1 len 1460 lost\n"
                                     "100ms alice ACK 1461/1 len 1460\n"
                                     "100ms alice ACK 2921/1 len 1460\n"
                                     "100ms alice ACK 4381/1 len 1460\n"
                                     "100ms alice ACK 5841/1 len 1460\n"
                                     "100ms alice ACK 7301/1 len 1460\n"
                                     "100ms alice ACK 8761/1 len 1460\n"
                                     "100ms alice ACK 10221/1 len 1460\n"
                                     "100ms alice ACK 11681/1 len 1460\n"
                                     "100ms alice PSH,ACK 13141/1 len 1460\n"
                                     "120ms bob ACK 1/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "140ms alice ACK 1/1 len 1460\n");
    assert_int_equal(s.got->len, 0);
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "160ms bob ACK 1/14601\n");
    assert_got(&s, bytes, 10 * 1460);
    hp_tcp_conn_stats stats = hp_tcp_get_stats(c.socket);
    assert_int_equal(stats.fast_retransmits, 1);
    assert_int_equal(stats.timeouts, 0);
    assert_int_equal(stats.retransmissions, 1);
    assert_int_equal(stats.ssthresh, 7300); /* half of what was under way */
    assert_int_equal(stats.cwnd, 2920); /* nothing was under way at the end */
    finish(r, &c, &s);
}

static void test_two_of_many_are_lost(void **state)
{
    end c, s;
    rig *r = established(LOSING(NUMBER(5), NUMBER(8)), NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(10 * 1460);
    send_all(&c, bytes, 10 * 1460);
    rig_until(r, 101 * HP_MS);
    rig_said(r);
    rig_until(r, HP_S);
    /* The answer to the first repair is partial, and says where the second one belongs (RFC 6582). */
    assert_string_equal(rig_said(r), "120ms bob ACK 1/2921\n"
                                     "120ms bob ACK 1/2921\n"
                                     "120ms bob ACK 1/2921\n"
                                     "120ms bob ACK 1/2921\n"
                                     "120ms bob ACK 1/2921\n"
                                     "120ms bob ACK 1/2921\n"
                                     "120ms bob ACK 1/2921\n"
                                     "140ms alice ACK 2921/1 len 1460\n"
                                     "160ms bob ACK 1/7301\n"
                                     "180ms alice ACK 7301/1 len 1460\n"
                                     "200ms bob ACK 1/14601\n");
    assert_got(&s, bytes, 10 * 1460);
    assert_int_equal(hp_tcp_get_stats(c.socket).fast_retransmits, 1);
    assert_int_equal(hp_tcp_get_stats(c.socket).timeouts, 0);
    finish(r, &c, &s);
}

/* No duplicate tells of a lost tail: the timer does. */
static void test_last_of_many_is_lost(void **state)
{
    end c, s;
    rig *r = established(LOSING(NUMBER(6)), NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(4 * 1460);
    send_all(&c, bytes, 4 * 1460);
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms alice ACK 1/1 len 1460\n"
                                     "100ms alice ACK 1461/1 len 1460\n"
                                     "100ms alice ACK 2921/1 len 1460\n"
                                     "100ms alice PSH,ACK 4381/1 len 1460 lost\n"
                                     "120ms bob ACK 1/2921\n"
                                     "160ms bob ACK 1/4381\n" /* the third waited 40 ms for a fourth */
                                     "420ms alice PSH,ACK 4381/1 len 1460\n" /* 240 ms after that came */
                                     "480ms bob ACK 1/5841\n");
    assert_got(&s, bytes, 4 * 1460);
    hp_tcp_conn_stats stats = hp_tcp_get_stats(c.socket);
    assert_int_equal(stats.timeouts, 1);
    assert_int_equal(stats.retransmissions, 1);
    finish(r, &c, &s);
}

static void test_a_lost_acknowledgement_does_not_matter(void **state)
{
    end c, s;
    rig *r = established(NULL, LOSING(NUMBER(2)), &c, &s);
    g_autofree uint8_t *bytes = some_bytes(4 * 1460);
    send_all(&c, bytes, 4 * 1460);
    rig_until(r, 105 * HP_MS);
    rig_said(r);
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "120ms bob ACK 1/2921 lost\n"
                                     "120ms bob ACK 1/5841\n");
    finish(r, &c, &s);
}

static void test_the_only_acknowledgement_is_lost(void **state)
{
    end c, s;
    rig *r = established(NULL, LOSING(NUMBER(2)), &c, &s);
    say(&c, "x");
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 1\n"
                                     "160ms bob ACK 1/2 lost\n"
                                     "340ms alice PSH,ACK 1/1 len 1\n"
                                     "360ms bob ACK 1/2\n"); /* seen before: at once */
    assert_got(&s, "x", 1);
    finish(r, &c, &s);
}

/* Everything that was under way is lost: back to the first byte, one segment, then two, as acknowledgements come. */
static void test_a_whole_window_is_lost(void **state)
{
    end c, s;
    rig *r = established(LOSING({3, 12}), NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(10 * 1460);
    send_all(&c, bytes, 10 * 1460);
    rig_until(r, 101 * HP_MS);
    rig_said(r);
    rig_until(r, 2 * HP_S);
    assert_string_equal(rig_said(r), "340ms alice ACK 1/1 len 1460\n"
                                     "400ms bob ACK 1/1461\n"
                                     "420ms alice ACK 1461/1 len 1460\n"
                                     "420ms alice ACK 2921/1 len 1460\n"
                                     "440ms bob ACK 1/4381\n"
                                     "460ms alice ACK 4381/1 len 1460\n"
                                     "460ms alice ACK 5841/1 len 1460\n"
                                     "460ms alice ACK 7301/1 len 1460\n"
                                     "480ms bob ACK 1/7301\n"
                                     "500ms alice ACK 8761/1 len 1460\n"
                                     "500ms alice ACK 10221/1 len 1460\n"
                                     "500ms alice ACK 11681/1 len 1460\n"
                                     "520ms bob ACK 1/10221\n"
                                     "520ms bob ACK 1/13141\n"
                                     "540ms alice PSH,ACK 13141/1 len 1460\n"
                                     "600ms bob ACK 1/14601\n");
    assert_got(&s, bytes, 10 * 1460);
    assert_int_equal(hp_tcp_get_stats(c.socket).ssthresh, 7300);
    assert_int_equal(hp_tcp_get_stats(c.socket).timeouts, 1);
    finish(r, &c, &s);
}

/* 15 retransmissions, the time between them doubled up to two minutes. */
static void test_a_peer_that_vanishes(void **state)
{
    end c, s;
    rig *r = established(LOSING({3, 0}), NULL, &c, &s);
    say(&c, "anybody there?");
    rig_until(r, 2000 * HP_S);
    assert_reason(&c, "timed-out");
    hp_time at = 100 * HP_MS, wait = 240 * HP_MS;
    for (unsigned i = 0; i <= 15; i++) {
        at += MIN(wait, 120 * HP_S);
        wait *= 2;
    }
    assert_int_equal(c.closed_at, at);
    assert_int_equal(hp_tcp_get_stats(c.socket).retransmissions, 15);
    assert_state(&s, "ESTABLISHED"); /* it has not noticed */
    finish(r, &c, &s);
}

static void test_user_timeout(void **state)
{
    end c, s;
    rig *r = established(LOSING({3, 0}), NULL, &c, &s);
    hp_tcp_set_user_timeout(c.socket, HP_S);
    say(&c, "anybody there?");
    rig_until(r, 10 * HP_S);
    assert_reason(&c, "timed-out");
    assert_int_equal(c.closed_at, 1100 * HP_MS);
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 14 lost\n"
                                     "340ms alice PSH,ACK 1/1 len 14 lost\n"
                                     "820ms alice PSH,ACK 1/1 len 14 lost\n");
    finish(r, &c, &s);
}

static void set_link(hp_link *link, uint32_t reorder_ppb, uint32_t duplicate_ppb)
{
    hp_link_config config = {
        .delay_ns = 20 * HP_MS, .reorder_ppb = reorder_ppb, .reorder_by_ns = 7 * HP_MS, .duplicate_ppb = duplicate_ppb};
    hp_link_configure(link, &config, "test");
}

/* The first of three overtaken by two: two duplicates, which is not enough to be taken for loss. */
static void test_slight_reordering(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    hp_tcp_set_nodelay(c.socket, true);
    set_link(r->there, HP_PPB, 0);
    say(&c, "one,");
    set_link(r->there, 0, 0);
    say(&c, "two,");
    say(&c, "three");
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "100ms alice PSH,ACK 1/1 len 4\n"
                                     "100ms alice PSH,ACK 5/1 len 4\n"
                                     "100ms alice PSH,ACK 9/1 len 5\n"
                                     "120ms bob ACK 1/1\n"
                                     "120ms bob ACK 1/1\n"
                                     "127ms bob ACK 1/14\n");
    assert_got(&s, "one,two,three", 13);
    assert_int_equal(s.readable, 1); /* all at once */
    finish(r, &c, &s);
}

/* Overtaken by three: sent again in vain, and nobody is confused by it. */
static void test_reordering_taken_for_loss(void **state)
{
    end c, s;
    rig *r = established(NULL, NULL, &c, &s);
    hp_tcp_set_nodelay(c.socket, true);
    say(&c, "0"); /* so that bob's window is known: an answer that changes it is no duplicate */
    rig_until(r, 200 * HP_MS);
    rig_said(r);
    set_link(r->there, HP_PPB, 0);
    say(&c, "1");
    set_link(r->there, 0, 0);
    say(&c, "2");
    say(&c, "3");
    say(&c, "4");
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "200ms alice PSH,ACK 2/1 len 1\n"
                                     "200ms alice PSH,ACK 3/1 len 1\n"
                                     "200ms alice PSH,ACK 4/1 len 1\n"
                                     "200ms alice PSH,ACK 5/1 len 1\n"
                                     "220ms bob ACK 1/2\n"
                                     "220ms bob ACK 1/2\n"
                                     "220ms bob ACK 1/2\n"
                                     "227ms bob ACK 1/6\n"
                                     "240ms alice PSH,ACK 2/1 len 4\n" /* one segment now */
                                     "260ms bob ACK 1/6\n");
    assert_got(&s, "01234", 5);
    finish(r, &c, &s);
}

static void test_every_packet_twice(void **state)
{
    end c, s;
    rig *r = rig_new(NULL, NULL);
    set_link(r->there, 0, HP_PPB);
    set_link(r->back, 0, HP_PPB);
    rig_pair(r, &c, &s);
    s.echo = true;
    s.close_on_eof = true;
    g_autofree uint8_t *bytes = some_bytes(100000);
    send_all(&c, bytes, 100000);
    rig_until(r, 10 * HP_S);
    assert_int_equal(c.left, 0);
    assert_got(&s, bytes, 100000);
    assert_got(&c, bytes, 100000);
    assert_int_equal(hp_tcp_get_stats(c.socket).timeouts, 0);
    hp_tcp_shutdown(c.socket);
    rig_until(r, 100 * HP_S);
    assert_reason(&c, "finished");
    assert_int_equal(hp_tcp_n_connections(r->a) + hp_tcp_n_connections(r->b), 0);
    finish(r, &c, &s);
}

/* Random loss, reordering, doubling and corruption both ways: every byte arrives once, in order, and the end too. */
static void test_a_very_bad_link(void **state)
{
    static const uint32_t losses[] = {10000000, 50000000, 200000000}; /* 1 %, 5 %, 20 % */
    g_autofree uint8_t *bytes = some_bytes(300000);
    for (unsigned i = 0; i < G_N_ELEMENTS(losses); i++) {
        hp_link_config bad = {.delay_ns = 20 * HP_MS,
                              .jitter_ns = 3 * HP_MS,
                              .loss_ppb = losses[i],
                              .reorder_ppb = 20000000,
                              .duplicate_ppb = 20000000,
                              .corrupt_ppb = 10000000};
        end c, s;
        rig *r = rig_new_full(i + 1, &bad, &bad, false);
        rig_pair(r, &c, &s);
        s.echo = false;
        s.close_on_eof = true;
        s.to_send = bytes; /* both ways at once */
        s.left = 200000;
        send_all(&c, bytes, 300000);
        rig_until(r, 600 * HP_S);
        hp_tcp_shutdown(c.socket);
        rig_until(r, 2000 * HP_S);
        assert_got(&s, bytes, 300000);
        assert_got(&c, bytes, 200000);
        assert_reason(&c, "finished");
        assert_int_equal(hp_tcp_n_connections(r->a) + hp_tcp_n_connections(r->b), 0);
        finish(r, &c, &s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_only_segment_is_lost),
        cmocka_unit_test(test_first_of_many_is_lost),
        cmocka_unit_test(test_two_of_many_are_lost),
        cmocka_unit_test(test_last_of_many_is_lost),
        cmocka_unit_test(test_a_lost_acknowledgement_does_not_matter),
        cmocka_unit_test(test_the_only_acknowledgement_is_lost),
        cmocka_unit_test(test_a_whole_window_is_lost),
        cmocka_unit_test(test_a_peer_that_vanishes),
        cmocka_unit_test(test_user_timeout),
        cmocka_unit_test(test_slight_reordering),
        cmocka_unit_test(test_reordering_taken_for_loss),
        cmocka_unit_test(test_every_packet_twice),
        cmocka_unit_test(test_a_very_bad_link),
    };
    return cmocka_run_group_tests_name("tcp_loss", tests, NULL, NULL);
}
