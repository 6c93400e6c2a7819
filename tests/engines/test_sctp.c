/* An SCTP association's life and delivery (RFC 9260), partial reliability (RFC 3758, RFC 7496), stream resets (RFC
 * 6525), in exact virtual times. */
#include "sctp_pipe.h"

#include "base/error.h"

enum { DATA = 0, INIT = 1, INIT_ACK = 2, HEARTBEAT = 4, ABORT = 6, COOKIE_ECHO = 10, COOKIE_ACK = 11 };

static const pipe_packet *packet(const pipe_t *p, unsigned number)
{
    assert_in_range(number, 0, p->packets->len - 1);
    return p->packets->pdata[number];
}

/* The type of a packet's first chunk. */
static unsigned chunk(const pipe_packet *packet)
{
    return ((const uint8_t *)g_bytes_get_data(packet->bytes, NULL))[12];
}

static unsigned count_from(const pipe_t *p, unsigned from, unsigned type)
{
    unsigned n = 0;
    for (unsigned i = 0; i < p->packets->len; i++) {
        n += packet(p, i)->from == from && chunk(packet(p, i)) == type;
    }
    return n;
}

static uint32_t number_of(const pipe_told *told)
{
    uint32_t number;
    gsize len;
    const uint8_t *data = g_bytes_get_data(told->data, &len);
    assert_in_range(len, sizeof number, UINT32_MAX);
    memcpy(&number, data, sizeof number);
    return number;
}

static hp_sctp_result say_number(pipe_t *p, uint32_t number, const hp_sctp_message *how)
{
    hp_sctp_message message = *how;
    message.ppid = 53;
    message.data = &number;
    message.length = sizeof number;
    return hp_sctp_send(p->end[0].sctp, p->now, &message);
}

/* ---- life ---- */

static void test_both_begin_at_once(void **state)
{
    static const unsigned types[] = {INIT, INIT, INIT_ACK, INIT_ACK, COOKIE_ECHO, COOKIE_ECHO, COOKIE_ACK, COOKIE_ACK};
    pipe_t *p = pipe_connected(1);
    assert_int_equal(p->packets->len, G_N_ELEMENTS(types));
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
        assert_int_equal(chunk(packet(p, i)), types[i]);
        assert_int_equal(packet(p, i)->at, i / 2 * 10 * HP_MS);
    }
    for (unsigned end = 0; end < 2; end++) {
        const pipe_told *told = pipe_find(p, end, HP_SCTP_EV_CONNECTED, 0);
        assert_int_equal(told->at, 30 * HP_MS);
        assert_int_equal(told->event.streams, HP_SCTP_DEFAULT_STREAMS);
        assert_int_equal(p->end[end].told->len, 1);
    }
    pipe_free(p);
}

/* What comes before start() is dropped, like the first INIT here; the other side's own INIT then does. */
static void test_one_begins_late(void **state)
{
    pipe_t *p = pipe_new(1, 10 * HP_MS);
    hp_sctp *alice = pipe_add(p, 1, NULL), *bob = pipe_add(p, 1, NULL);
    hp_sctp_start(alice, 0);
    pipe_run(p, 100 * HP_MS);
    assert_int_equal(p->packets->len, 1);
    hp_sctp_start(bob, p->now);
    pipe_run(p, HP_S);
    assert_int_equal(hp_sctp_get_state(alice), HP_SCTP_CONNECTED);
    assert_int_equal(pipe_find(p, 0, HP_SCTP_EV_CONNECTED, 0)->at, 130 * HP_MS);
    assert_int_equal(pipe_find(p, 1, HP_SCTP_EV_CONNECTED, 0)->at, 140 * HP_MS);
    pipe_free(p);
}

static void test_the_smaller_number_of_streams_holds(void **state)
{
    const hp_sctp_config few = {.mtu = 1200, .streams = 16}, more = {.mtu = 1200, .streams = 100};
    pipe_t *p = pipe_new(1, HP_MS);
    hp_sctp_start(pipe_add(p, 1, &few), 0);
    hp_sctp_start(pipe_add(p, 1, &more), 0);
    pipe_run(p, HP_S);
    assert_int_equal(pipe_find(p, 0, HP_SCTP_EV_CONNECTED, 0)->event.streams, 16);
    assert_int_equal(pipe_find(p, 1, HP_SCTP_EV_CONNECTED, 0)->event.streams, 16);
    assert_int_equal(pipe_say(p, 1, 15, "x", 1), HP_SCTP_OK);
    assert_int_equal(pipe_say(p, 1, 16, "x", 1), HP_SCTP_REFUSED);
    pipe_free(p);
}

/* RTO.Initial 1 s, doubled each time (RFC 9260 section 5.1). */
static void test_nobody_answers(void **state)
{
    static const unsigned seconds[] = {0, 1, 3, 7};
    const hp_sctp_config config = {.mtu = 1200, .init_retransmits = 3};
    pipe_t *p = pipe_new(1, HP_MS);
    hp_sctp *alice = pipe_add(p, 1, &config);
    pipe_add(p, 1, NULL);
    hp_sctp_start(alice, 0);
    pipe_run(p, 60 * HP_S);
    assert_int_equal(count_from(p, 0, INIT), G_N_ELEMENTS(seconds));
    for (unsigned i = 0; i < G_N_ELEMENTS(seconds); i++) {
        assert_int_equal(chunk(packet(p, i)), INIT);
        assert_int_equal(packet(p, i)->at, seconds[i] * HP_S);
    }
    assert_int_equal(hp_sctp_get_state(alice), HP_SCTP_FAILED);
    const pipe_told *told = pipe_find(p, 0, HP_SCTP_EV_FAILED, 0);
    assert_string_equal(told->event.detail, "timeout");
    assert_int_equal(told->at, 15 * HP_S);
    assert_int_equal(hp_sctp_deadline(alice), HP_NEVER);
    pipe_free(p);
}

static void test_the_path_is_cut(void **state)
{
    const hp_sctp_config config = {.mtu = 1200, .retransmits = 2};
    pipe_t *p = pipe_new(1, 10 * HP_MS);
    hp_sctp_start(pipe_add(p, 1, &config), 0);
    hp_sctp_start(pipe_add(p, 1, &config), 0);
    pipe_run(p, HP_S);
    p->cut = true;
    unsigned before = p->packets->len;
    assert_int_equal(pipe_say(p, 0, 0, "x", 1), HP_SCTP_OK);
    pipe_run(p, 29 * HP_S);
    const pipe_told *told = pipe_find(p, 0, HP_SCTP_EV_FAILED, 0);
    assert_non_null(told);
    assert_string_equal(told->event.detail, "timeout");
    /* the message at 1 s, again after one, two more and four more seconds; the last farewell is an ABORT */
    static const unsigned seconds[] = {1, 2, 4, 8};
    for (unsigned i = 0; i < G_N_ELEMENTS(seconds); i++) {
        assert_int_equal(packet(p, before + i)->at, seconds[i] * HP_S);
    }
    assert_int_equal(chunk(packet(p, before + 3)), ABORT);
    assert_int_equal(told->at, 8 * HP_S);
    assert_int_equal(pipe_say(p, 0, 0, "x", 1), HP_SCTP_REFUSED);
    pipe_free(p);
}

static void test_shutdown_delivers_first(void **state)
{
    pipe_t *p = pipe_connected(1);
    uint8_t *large = g_malloc0(100000);
    assert_int_equal(pipe_say(p, 0, 0, large, 100000), HP_SCTP_OK);
    hp_sctp_shutdown(p->end[0].sctp, p->now);
    assert_int_equal(hp_sctp_get_state(p->end[0].sctp), HP_SCTP_CLOSING);
    assert_int_equal(pipe_say(p, 0, 0, "x", 1), HP_SCTP_REFUSED);
    pipe_run(p, 5 * HP_S);
    assert_int_equal(pipe_find(p, 1, HP_SCTP_EV_MESSAGE, 0)->event.length, 100000);
    for (unsigned end = 0; end < 2; end++) {
        assert_string_equal(pipe_find(p, end, HP_SCTP_EV_CLOSED, 0)->event.detail, "shutdown");
        assert_int_equal(hp_sctp_get_state(p->end[end].sctp), HP_SCTP_CLOSED);
        assert_int_equal(hp_sctp_deadline(p->end[end].sctp), HP_NEVER);
    }
    g_free(large);
    pipe_free(p);
}

static void test_abort(void **state)
{
    pipe_t *p = pipe_connected(1);
    hp_sctp_abort(p->end[0].sctp, p->now);
    assert_string_equal(pipe_find(p, 0, HP_SCTP_EV_CLOSED, 0)->event.detail, "aborted");
    assert_int_equal(chunk(packet(p, p->packets->len - 1)), ABORT);
    pipe_run(p, 2 * HP_S);
    const pipe_told *told = pipe_find(p, 1, HP_SCTP_EV_CLOSED, 0);
    assert_string_equal(told->event.detail, "aborted-by-peer");
    assert_int_equal(told->at, HP_S + 10 * HP_MS);
    hp_sctp_abort(p->end[0].sctp, p->now);
    hp_sctp_start(p->end[0].sctp, p->now);
    assert_int_equal(pipe_count(p, 0, HP_SCTP_EV_CLOSED), 1);
    pipe_free(p);
}

/* Nothing but heartbeats every 30 s, each way, and the timers for them. */
static void test_idle_is_cheap(void **state)
{
    pipe_t *p = pipe_connected(1);
    pipe_run(p, 10 * HP_S);
    unsigned before = p->packets->len;
    uint64_t runs = p->runs;
    pipe_run(p, 310 * HP_S);
    assert_in_range(p->packets->len - before, 32, 44);
    assert_in_range(p->runs - runs, 16, 44);
    assert_int_equal(count_from(p, 0, HEARTBEAT) + count_from(p, 1, HEARTBEAT), (p->packets->len - 8) / 2);
    pipe_free(p);
}

static void test_without_heartbeats_nothing_is_due(void **state)
{
    const hp_sctp_config config = {.mtu = 1200, .heartbeat = HP_NEVER};
    pipe_t *p = pipe_new(1, 10 * HP_MS);
    hp_sctp_start(pipe_add(p, 1, &config), 0);
    hp_sctp_start(pipe_add(p, 1, &config), 0);
    pipe_run(p, 600 * HP_S);
    assert_int_equal(p->packets->len, 8);
    assert_int_equal(pipe_say(p, 0, 0, "x", 1), HP_SCTP_OK);
    pipe_run(p, 601 * HP_S);
    assert_int_equal(pipe_find(p, 1, HP_SCTP_EV_MESSAGE, 0)->at, 600 * HP_S + 10 * HP_MS);
    pipe_free(p);
}

static void test_bad_configurations(void **state)
{
    const hp_sctp_config bad[] = {{.mtu = 0},
                                  {.mtu = HP_SCTP_MIN_MTU - 1},
                                  {.mtu = HP_SCTP_MAX_MTU + 1},
                                  {.mtu = 1200, .max_message = HP_SCTP_MAX_MESSAGE + 1},
                                  {.mtu = 1200, .rto_min = 2 * HP_S, .rto_initial = HP_S},
                                  {.mtu = 1200, .rto_max = HP_MS},
                                  {.mtu = 1200, .heartbeat = 1},
                                  {.mtu = 1200, .retransmits = 256}};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        const hp_rng rng = {.s = {1}};
        assert_null(hp_sctp_new(&bad[i], &rng, &pipe_ops, NULL, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    }
}

/* ---- delivery ---- */

static void test_messages_and_packets_of_any_size(void **state)
{
    static const size_t sizes[] = {1, 1000, 1116, 1117, 1150, 5000, 60000, 65535, 262144};
    pipe_t *p = pipe_connected(1);
    uint8_t *data = g_malloc(262144);
    for (size_t i = 0; i < 262144; i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        assert_int_equal(pipe_say(p, i % 2, (uint16_t)i, data, sizes[i]), HP_SCTP_OK);
        pipe_run(p, p->now + 5 * HP_S);
        const pipe_told *told = pipe_find(p, 1 - i % 2, HP_SCTP_EV_MESSAGE, i / 2);
        assert_non_null(told);
        assert_int_equal(told->event.stream, i);
        assert_int_equal(told->event.ppid, 53);
        assert_int_equal(told->event.length, sizes[i]);
        assert_memory_equal(g_bytes_get_data(told->data, NULL), data, sizes[i]);
    }
    size_t largest = 0;
    for (unsigned i = 0; i < p->packets->len; i++) {
        largest = MAX(largest, g_bytes_get_size(packet(p, i)->bytes));
    }
    assert_int_equal(largest, 1148);
    g_free(data);
    pipe_free(p);
}

static void test_the_smallest_mtu(void **state)
{
    const hp_sctp_config config = {.mtu = HP_SCTP_MIN_MTU};
    pipe_t *p = pipe_new(1, HP_MS);
    hp_sctp_start(pipe_add(p, 1, &config), 0);
    hp_sctp_start(pipe_add(p, 1, &config), 0);
    pipe_run(p, HP_S);
    uint8_t data[5000] = {0};
    assert_int_equal(pipe_say(p, 0, 0, data, sizeof data), HP_SCTP_OK);
    pipe_run(p, 2 * HP_S);
    assert_int_equal(pipe_find(p, 1, HP_SCTP_EV_MESSAGE, 0)->event.length, sizeof data);
    for (unsigned i = 0; i < p->packets->len; i++) {
        assert_in_range(g_bytes_get_size(packet(p, i)->bytes), 16, HP_SCTP_MIN_MTU);
    }
    pipe_free(p);
}

static void test_in_order_whatever_is_lost(void **state)
{
    pipe_t *p = pipe_connected(7);
    p->loss_ppb = HP_PPB / 10;
    p->jitter = 30;
    for (uint32_t i = 0; i < 500; i++) {
        assert_int_equal(say_number(p, i, &(hp_sctp_message){.stream = 3}), HP_SCTP_OK);
        pipe_run(p, p->now + 20 * HP_MS);
    }
    pipe_run(p, p->now + 60 * HP_S);
    assert_int_equal(pipe_count(p, 1, HP_SCTP_EV_MESSAGE), 500);
    for (uint32_t i = 0; i < 500; i++) {
        assert_int_equal(number_of(pipe_find(p, 1, HP_SCTP_EV_MESSAGE, i)), i);
    }
    pipe_free(p);
}

static void test_large_messages_under_loss(void **state)
{
    pipe_t *p = pipe_connected(11);
    p->loss_ppb = HP_PPB / 20;
    uint8_t *data = g_malloc(60000);
    for (unsigned i = 0; i < 10; i++) {
        memset(data, (int)i, 60000);
        assert_int_equal(pipe_say(p, 0, 1, data, 60000), HP_SCTP_OK);
        assert_int_equal(pipe_say(p, 1, 1, data, 60000), HP_SCTP_OK);
    }
    pipe_run(p, 300 * HP_S);
    for (unsigned end = 0; end < 2; end++) {
        assert_int_equal(pipe_count(p, end, HP_SCTP_EV_MESSAGE), 10);
        for (unsigned i = 0; i < 10; i++) {
            const pipe_told *told = pipe_find(p, end, HP_SCTP_EV_MESSAGE, i);
            memset(data, (int)i, 60000);
            assert_int_equal(told->event.length, 60000);
            assert_memory_equal(g_bytes_get_data(told->data, NULL), data, 60000);
        }
    }
    g_free(data);
    pipe_free(p);
}

/* The first of two messages is lost and comes again a second later; the second waits for it only when it is ordered, on
 * the same stream. */
static void test_who_waits_for_what_is_lost(void **state)
{
    const hp_sctp_message second[] = {{.stream = 0}, {.stream = 0, .unordered = true}, {.stream = 1}};
    const hp_time arrives[] = {HP_S, 0, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(second); i++) {
        pipe_t *p = pipe_connected(1);
        p->lose[p->packets->len] = true;
        say_number(p, 1, &(hp_sctp_message){.stream = 0, .unordered = second[i].unordered});
        say_number(p, 2, &second[i]);
        pipe_run(p, 5 * HP_S);
        assert_int_equal(pipe_count(p, 1, HP_SCTP_EV_MESSAGE), 2);
        const pipe_told *first = pipe_find(p, 1, HP_SCTP_EV_MESSAGE, arrives[i] > 0 ? 0 : 1);
        const pipe_told *other = pipe_find(p, 1, HP_SCTP_EV_MESSAGE, arrives[i] > 0 ? 1 : 0);
        assert_int_equal(number_of(first), 1);
        assert_int_equal(number_of(other), 2);
        assert_int_equal(other->event.unordered, second[i].unordered);
        assert_int_equal(first->at, 2 * HP_S + 10 * HP_MS);
        assert_int_equal(other->at, HP_S + arrives[i] + 10 * HP_MS);
        pipe_free(p);
    }
}

static unsigned arrived_of(pipe_t *p, const hp_sctp_message *how, unsigned n)
{
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(say_number(p, i, how), HP_SCTP_OK);
        pipe_run(p, p->now + 20 * HP_MS);
    }
    pipe_run(p, p->now + 120 * HP_S);
    return pipe_count(p, 1, HP_SCTP_EV_MESSAGE);
}

/* A message that may not be sent again arrives when its one packet does. */
static void test_no_retransmissions(void **state)
{
    pipe_t *p = pipe_connected(3);
    for (unsigned i = 0; i < 100; i += 10) {
        p->lose[p->packets->len] = true;
        say_number(p, i, &(hp_sctp_message){.reliability = HP_SCTP_RETRANSMITS, .limit = 0, .unordered = true});
        pipe_run(p, p->now + 5 * HP_S);
        say_number(p, i + 1, &(hp_sctp_message){.reliability = HP_SCTP_RETRANSMITS, .limit = 0, .unordered = true});
        pipe_run(p, p->now + 5 * HP_S);
    }
    assert_int_equal(pipe_count(p, 1, HP_SCTP_EV_MESSAGE), 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(number_of(pipe_find(p, 1, HP_SCTP_EV_MESSAGE, i)), 10 * i + 1);
    }
    pipe_free(p);
}

static void test_limits_lose_more_the_tighter_they_are(void **state)
{
    const hp_sctp_message limits[] = {{.reliability = HP_SCTP_RETRANSMITS, .limit = 0},
                                      {.reliability = HP_SCTP_RETRANSMITS, .limit = 2},
                                      {.reliability = HP_SCTP_LIFETIME, .limit = 100},
                                      {.reliability = HP_SCTP_RELIABLE}};
    unsigned arrived[G_N_ELEMENTS(limits)];
    for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++) {
        pipe_t *p = pipe_connected(5);
        p->loss_ppb = HP_PPB / 5;
        arrived[i] = arrived_of(p, &limits[i], 300);
        pipe_free(p);
    }
    assert_in_range(arrived[0], 180, 280);
    assert_in_range(arrived[1], arrived[0] + 1, 300);
    assert_in_range(arrived[2], 180, 299);
    assert_int_equal(arrived[3], 300);
}

/* Lost and past its lifetime when its turn to be sent again comes: it never arrives, and what is behind it does. */
static void test_a_lifetime_ends(void **state)
{
    pipe_t *p = pipe_connected(1);
    p->lose[p->packets->len] = true;
    say_number(p, 1, &(hp_sctp_message){.reliability = HP_SCTP_LIFETIME, .limit = 500});
    pipe_run(p, p->now + 10 * HP_MS);
    say_number(p, 2, &(hp_sctp_message){.reliability = HP_SCTP_LIFETIME, .limit = 500});
    pipe_run(p, 10 * HP_S);
    assert_int_equal(pipe_count(p, 1, HP_SCTP_EV_MESSAGE), 1);
    assert_int_equal(number_of(pipe_find(p, 1, HP_SCTP_EV_MESSAGE, 0)), 2);
    pipe_free(p);
}

static void test_a_full_buffer(void **state)
{
    const hp_sctp_config config = {.mtu = 1200, .send_buffer = 64 << 10};
    pipe_t *p = pipe_new(1, 10 * HP_MS);
    hp_sctp_start(pipe_add(p, 1, &config), 0);
    hp_sctp_start(pipe_add(p, 1, &config), 0);
    pipe_run(p, HP_S);
    uint8_t data[10000] = {0};
    unsigned taken = 0;
    while (pipe_say(p, 0, 0, data, sizeof data) == HP_SCTP_OK) {
        taken++;
    }
    assert_int_equal(taken, 6);
    assert_int_equal(pipe_say(p, 0, 0, data, sizeof data), HP_SCTP_WOULD_BLOCK);
    assert_int_equal(pipe_count(p, 0, HP_SCTP_EV_WRITABLE), 0);
    pipe_run(p, 2 * HP_S);
    assert_int_equal(pipe_count(p, 0, HP_SCTP_EV_WRITABLE), 1);
    assert_int_equal(pipe_say(p, 0, 0, data, sizeof data), HP_SCTP_OK);
    uint8_t *large = g_malloc0((64 << 10) + 1);
    assert_int_equal(pipe_say(p, 0, 0, large, (64 << 10) + 1), HP_SCTP_REFUSED);
    pipe_run(p, 3 * HP_S);
    assert_int_equal(pipe_count(p, 1, HP_SCTP_EV_MESSAGE), 7);
    g_free(large);
    pipe_free(p);
}

static void test_a_message_larger_than_agreed(void **state)
{
    const hp_sctp_config small = {.mtu = 1200, .max_message = 5000};
    pipe_t *p = pipe_new(1, 10 * HP_MS);
    hp_sctp_start(pipe_add(p, 1, NULL), 0);
    hp_sctp_start(pipe_add(p, 1, &small), 0);
    pipe_run(p, HP_S);
    uint8_t data[20000] = {0};
    assert_int_equal(pipe_say(p, 0, 0, data, 5000), HP_SCTP_OK);
    pipe_run(p, 2 * HP_S);
    assert_int_equal(pipe_count(p, 1, HP_SCTP_EV_MESSAGE), 1);
    assert_int_equal(pipe_say(p, 0, 0, data, 5001), HP_SCTP_OK);
    pipe_run(p, 3 * HP_S);
    assert_string_equal(pipe_find(p, 1, HP_SCTP_EV_FAILED, 0)->event.detail, "message-too-large");
    assert_string_equal(pipe_find(p, 0, HP_SCTP_EV_CLOSED, 0)->event.detail, "aborted-by-peer");
    pipe_free(p);
}

static void test_streams_are_reset(void **state)
{
    pipe_t *p = pipe_connected(1);
    pipe_say(p, 0, 4, "one", 3);
    assert_true(hp_sctp_reset_stream(p->end[0].sctp, p->now, 4));
    assert_int_equal(pipe_say(p, 0, 4, "two", 3), HP_SCTP_REFUSED);
    pipe_run(p, 3 * HP_S);
    assert_int_equal(pipe_count(p, 1, HP_SCTP_EV_MESSAGE), 1);
    const pipe_told *theirs = pipe_find(p, 1, HP_SCTP_EV_STREAM_RESET, 0);
    assert_int_equal(theirs->event.stream, 4);
    assert_true(theirs->event.incoming);
    assert_false(theirs->event.failed);
    const pipe_told *ours = pipe_find(p, 0, HP_SCTP_EV_STREAM_RESET, 0);
    assert_int_equal(ours->event.stream, 4);
    assert_false(ours->event.incoming);
    assert_false(ours->event.failed);
    assert_int_equal(ours->at, theirs->at + 10 * HP_MS);
    assert_int_equal(pipe_say(p, 0, 4, "three", 5), HP_SCTP_OK);
    pipe_run(p, 4 * HP_S);
    assert_int_equal(pipe_count(p, 1, HP_SCTP_EV_MESSAGE), 2);
    assert_false(hp_sctp_reset_stream(p->end[0].sctp, p->now, HP_SCTP_DEFAULT_STREAMS));
    pipe_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_begin_at_once),
        cmocka_unit_test(test_one_begins_late),
        cmocka_unit_test(test_the_smaller_number_of_streams_holds),
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_the_path_is_cut),
        cmocka_unit_test(test_shutdown_delivers_first),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_idle_is_cheap),
        cmocka_unit_test(test_without_heartbeats_nothing_is_due),
        cmocka_unit_test(test_bad_configurations),
        cmocka_unit_test(test_messages_and_packets_of_any_size),
        cmocka_unit_test(test_the_smallest_mtu),
        cmocka_unit_test(test_in_order_whatever_is_lost),
        cmocka_unit_test(test_large_messages_under_loss),
        cmocka_unit_test(test_who_waits_for_what_is_lost),
        cmocka_unit_test(test_no_retransmissions),
        cmocka_unit_test(test_limits_lose_more_the_tighter_they_are),
        cmocka_unit_test(test_a_lifetime_ends),
        cmocka_unit_test(test_a_full_buffer),
        cmocka_unit_test(test_a_message_larger_than_agreed),
        cmocka_unit_test(test_streams_are_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
