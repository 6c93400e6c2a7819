/* How a raw agent's script goes: what it waits for and for how long, what it says when that does not come, repetition,
 * retransmission, reactions, streams, scripts within scripts. Times are exact. */
#include "raw_rig.h"

#include "wire/bytes.h"

#define SEND(...)                                                                                                      \
    {                                                                                                                  \
        .kind = HP_RAW_SEND, .send = {.to = "server", .socket = "main", .times = 1, __VA_ARGS__ }                      \
    }
#define TEXT(t) .message = {.content = HP_RAW_TEXT, .text = (t)}
#define RECEIVE(within_, ...)                                                                                          \
    {                                                                                                                  \
        .kind = HP_RAW_RECEIVE, .receive = {.within = (within_), .count = 1, .filter = {__VA_ARGS__} }                 \
    }

/* A message of the server with that transaction id. */
static size_t answer(uint8_t *buf, hp_stun_class cls, uint16_t method, const uint8_t *id, unsigned code)
{
    hp_stun_writer w;
    hp_stun_begin(&w, buf, HP_STUN_MAX, cls, method, id, NULL);
    if (code > 0) {
        hp_stun_add_error(&w, code, NULL);
        hp_stun_add_text(&w, HP_STUN_REALM, "here");
        hp_stun_add_text(&w, HP_STUN_NONCE, "once");
    } else {
        hp_stun_add_u32(&w, HP_STUN_LIFETIME, 600);
    }
    return hp_stun_finish(&w);
}

static void a_request_and_its_answer(void **state)
{
    char *names[] = {"life"}, *from[] = {"LIFETIME"};
    hp_raw_attribute wanted[] = {{.name = "LIFETIME", .type = HP_STUN_LIFETIME, .value = ">= 600"}};
    hp_raw_action script[] = {
        SEND(.as = "first", .message = {.content = HP_RAW_STUN, .stun = {.method = "Allocate"}}),
        RECEIVE(HP_S, .has_stun = true, .has_class = true, .cls = HP_STUN_SUCCESS, .answers = "first",
                .attributes = wanted, .n_attributes = 1),
        SEND(TEXT("t=${life} ${last.from}")),
    };
    raw_rig r = {0};
    uint8_t buf[HP_STUN_MAX];
    script[1].receive.keep = names;
    script[1].receive.keep_from = from;
    script[1].receive.n_keep = 1;
    rig_init(&r, script, 3);
    rig_start(&r);
    assert_int_equal(hp_raw_deadline(r.raw), HP_S);
    r.now = 300 * HP_MS;
    rig_datagram(&r, buf, answer(buf, HP_STUN_SUCCESS, HP_STUN_ALLOCATE, (const uint8_t *)"another id..", 0));
    assert_int_equal(r.out->len, 1); /* not its answer */
    rig_datagram(&r, buf, answer(buf, HP_STUN_SUCCESS, HP_STUN_ALLOCATE, rig_out(&r, 0)->bytes->data + 8, 0));
    assert_int_equal(r.out->len, 2);
    assert_memory_equal(rig_out(&r, 1)->bytes->data, "t=600 203.0.113.1:3478", 22);
    assert_true(hp_raw_is_done(r.raw));
    assert_int_equal(hp_raw_deadline(r.raw), HP_NEVER);
    hp_raw_finish(r.raw, r.now);
    rig_assert_told(&r, "sent 1 Allocate request\nreceived Allocate success\nreceived Allocate success\nmatched 2\n"
                        "sent 3 22 bytes\ndone done\nunexpected Allocate success\n");
    rig_clear(&r);
}

/* The reason told is the first condition that does not hold of the arrival that came nearest. */
static void what_came_nearest(void **state)
{
    hp_raw_attribute wanted[] = {{.name = "LIFETIME", .type = HP_STUN_LIFETIME, .value = "300"}};
    hp_raw_action script[] = {
        RECEIVE(2 * HP_S, .has_stun = true, .method = "Refresh", .has_class = true, .cls = HP_STUN_SUCCESS,
                .attributes = wanted, .n_attributes = 1),
    };
    const uint8_t *id = (const uint8_t *)"twelve bytes";
    raw_rig r = {0};
    uint8_t buf[HP_STUN_MAX];
    rig_init(&r, script, 1);
    rig_start(&r);
    rig_datagram(&r, buf, answer(buf, HP_STUN_SUCCESS, HP_STUN_REFRESH, id, 0));
    rig_datagram(&r, buf, answer(buf, HP_STUN_ERROR, HP_STUN_REFRESH, id, 401));
    rig_datagram(&r, "x", 1);
    g_string_truncate(r.told, 0);
    rig_run(&r, 2 * HP_S - 1);
    assert_false(hp_raw_is_done(r.raw));
    rig_run(&r, 2 * HP_S);
    rig_assert_told(&r, "missed 1 Refresh success with LIFETIME 300 (Refresh success: LIFETIME is `600`, not `300`)\n"
                        "done failed\n");
    rig_clear(&r);
}

/* What lay in the inbox counts, unless it is to be fresh; what does not fit stays for the next. */
static void the_inbox(void **state)
{
    hp_raw_action script[] = {
        {.kind = HP_RAW_WAIT, .wait = HP_S},
        RECEIVE(HP_S, .text = "b"),
        RECEIVE(HP_S, .text = "a"),
        RECEIVE(HP_S, .text = "c"),
    };
    raw_rig r = {0};
    script[3].receive.fresh = true;
    rig_init(&r, script, 4);
    rig_start(&r);
    rig_datagram(&r, "a", 1);
    rig_datagram(&r, "b", 1);
    rig_datagram(&r, "c", 1);
    g_string_truncate(r.told, 0);
    rig_run(&r, HP_S);
    rig_assert_told(&r, "matched 2\nmatched 3\n");
    rig_run(&r, 1500 * HP_MS);
    rig_datagram(&r, "c", 1);
    rig_assert_told(&r, "received 1 bytes\nmatched 4\ndone done\n");
    rig_clear(&r);
}

static void nothing_comes(void **state)
{
    hp_raw_action script[] = {
        {.kind = HP_RAW_RECEIVE_NOTHING, .receive = {.within = HP_S, .count = 1}},
        {.kind = HP_RAW_RECEIVE_NOTHING, .receive = {.within = HP_S, .count = 1, .filter = {.text = "no"}}},
    };
    raw_rig r = {0};
    rig_init(&r, script, 2);
    rig_datagram(&r, "early", 5); /* before it began */
    rig_start(&r);
    rig_run(&r, HP_S);
    rig_datagram(&r, "yes", 3);
    g_string_truncate(r.told, 0);
    r.now = 1300 * HP_MS;
    rig_datagram(&r, "no", 2);
    rig_assert_told(&r, "received 2 bytes\nmissed 2 like a message (2 bytes: it came)\ndone failed\n");
    rig_clear(&r);
}

/* RFC 8489 section 6.2.1: at 0, RTO, 3 RTO, 7 RTO and so on; an answer ends it. */
static void retransmission(void **state)
{
    hp_raw_action script[] = {
        SEND(.retransmit = {true, 500 * HP_MS, 7}, .message = {.content = HP_RAW_STUN}),
        {.kind = HP_RAW_WAIT, .wait = 100 * HP_S},
    };
    const unsigned at_ms[] = {0, 500, 1500, 3500, 7500, 15500, 31500};
    raw_rig r = {0}, s = {0};
    uint8_t buf[HP_STUN_MAX];
    rig_init(&r, script, 2);
    rig_start(&r);
    rig_run(&r, 99 * HP_S);
    assert_int_equal(r.out->len, 7);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(rig_out(&r, i)->at, at_ms[i] * HP_MS);
        assert_memory_equal(rig_out(&r, i)->bytes->data, rig_out(&r, 0)->bytes->data, 20);
    }
    rig_clear(&r);

    rig_init(&s, script, 2);
    rig_start(&s);
    rig_run(&s, 600 * HP_MS);
    rig_datagram(&s, buf, answer(buf, HP_STUN_ERROR, HP_STUN_BINDING, rig_out(&s, 0)->bytes->data + 8, 400));
    rig_run(&s, 99 * HP_S);
    assert_int_equal(s.out->len, 2);
    rig_clear(&s);
}

/* What goes through TURN is a request all the same: its own transaction id counts, not the wrapper's. */
static void a_request_through_turn(void **state)
{
    hp_raw_action script[] = {
        SEND(.retransmit = {true, 500 * HP_MS, 7}, .as = "q",
             .message = {.content = HP_RAW_STUN, .through_peer = "192.0.2.9:7000"}),
        RECEIVE(HP_S, .inside = true, .answers = "q"),
        SEND(.retransmit = {true, 500 * HP_MS, 7}, .as = "r",
             .message = {.content = HP_RAW_STUN, .through_channel = "0x4001"}),
        RECEIVE(HP_S, .inside = true, .answers = "r"),
        {.kind = HP_RAW_WAIT, .wait = 10 * HP_S},
    };
    raw_rig r = {0};
    uint8_t buf[HP_STUN_MAX], data[HP_STUN_MAX], wrapper[12] = {9};
    hp_stun_msg m;
    hp_stun_attr attr;
    hp_stun_writer w;
    rig_init(&r, script, 5);
    rig_start(&r);
    assert_true(hp_stun_parse(rig_out(&r, 0)->bytes->data, rig_out(&r, 0)->bytes->len, &m));
    assert_true(hp_stun_find(&m, HP_STUN_DATA_ATTR, &attr));
    size_t len = answer(buf, HP_STUN_SUCCESS, HP_STUN_BINDING, attr.value + 8, 0);
    hp_stun_begin(&w, data, sizeof data, HP_STUN_INDICATION, HP_STUN_DATA, wrapper, NULL);
    hp_stun_add(&w, HP_STUN_DATA_ATTR, buf, len);
    rig_datagram(&r, data, hp_stun_finish(&w));
    assert_int_equal(r.out->len, 2); /* the next one */
    len = answer(buf, HP_STUN_SUCCESS, HP_STUN_BINDING, rig_out(&r, 1)->bytes->data + 4 + 8, 0);
    memcpy(data, "\x40\x01\0", 4);
    data[3] = (uint8_t)len;
    memcpy(data + 4, buf, len);
    rig_datagram(&r, data, len + 4);
    rig_run(&r, 9 * HP_S);
    assert_int_equal(r.out->len, 2); /* none was sent again */
    rig_clear(&r);
}

static void repetition(void **state)
{
    hp_raw_action script[] = {SEND(.every = 50 * HP_MS, .message = {.content = HP_RAW_STUN})};
    raw_rig r = {0};
    script[0].send.times = 3;
    rig_init(&r, script, 1);
    rig_start(&r);
    rig_run(&r, HP_S);
    assert_int_equal(r.out->len, 3);
    assert_int_equal(rig_out(&r, 2)->at, 100 * HP_MS);
    /* Each is built anew. */
    assert_memory_not_equal(rig_out(&r, 1)->bytes->data + 8, rig_out(&r, 0)->bytes->data + 8, 12);
    rig_clear(&r);
}

/* ---- scripts ---- */

static void scripts_within_scripts(void **state)
{
    hp_raw_action knock[] = {SEND(TEXT("${what}"))};
    hp_raw_action beat[] = {{.kind = HP_RAW_WAIT, .wait = 300 * HP_MS}, SEND(TEXT("beat"))};
    hp_raw_script scripts[] = {{"knock", {0}, knock, 1}, {"beat", {0}, beat, 2}};
    char *keys[] = {"what"}, *values[] = {"knock $$"};
    hp_raw_action script[] = {
        {.kind = HP_RAW_SET, .set = {keys, values, 1}},
        {.kind = HP_RAW_START, .run = {"beat", 1}},
        {.kind = HP_RAW_DO, .run = {"knock", 2}},
        {.kind = HP_RAW_WAIT, .wait = HP_S},
    };
    raw_rig r = {.config = {.scripts = scripts, .n_scripts = 2}};
    rig_init(&r, script, 4);
    rig_start(&r);
    rig_run(&r, 2 * HP_S);
    assert_int_equal(r.out->len, 3);
    assert_memory_equal(rig_out(&r, 0)->bytes->data, "knock $", 7);
    assert_memory_equal(rig_out(&r, 1)->bytes->data, "knock $", 7);
    assert_memory_equal(rig_out(&r, 2)->bytes->data, "beat", 4);
    assert_int_equal(rig_out(&r, 2)->at, 300 * HP_MS);
    assert_true(hp_raw_is_done(r.raw));
    rig_clear(&r);
}

static void a_loop_without_time_ends(void **state)
{
    char *keys[] = {"x"}, *values[] = {"y"};
    hp_raw_action once[] = {{.kind = HP_RAW_SET, .mark = {.line = 9}, .set = {keys, values, 1}}};
    hp_raw_script scripts[] = {{"once", {0}, once, 1}};
    hp_raw_action script[] = {{.kind = HP_RAW_DO, .run = {"once", 1000000}}};
    raw_rig r = {.config = {.scripts = scripts, .n_scripts = 1}};
    rig_init(&r, script, 1);
    rig_start(&r);
    rig_assert_told(&r, "error 9 the scripts go round without any time passing\ndone failed\n");
    rig_clear(&r);
}

/* ---- reactions ---- */

/* Messages count as well as actions: a million of them at one instant would stop the world. */
static void sending_without_time_ends(void **state)
{
    hp_raw_action script[] = {SEND(TEXT("x"))};
    raw_rig r = {0};
    script[0].send.to = "192.0.2.9:9";
    script[0].send.times = 1000000;
    rig_init(&r, script, 1);
    rig_start(&r);
    assert_int_equal(r.out->len, 99999);
    assert_true(g_str_has_suffix(r.told->str, "error 1 too many messages without any time passing\ndone failed\n"));
    rig_clear(&r);

    r = (raw_rig){0};
    script[0].send.times = 99999;
    rig_init(&r, script, 1);
    rig_start(&r);
    assert_int_equal(r.out->len, 99999);
    assert_true(g_str_has_suffix(r.told->str, "done done\n"));
    rig_clear(&r);
}

/* A variable that doubles itself is stopped before it fills the memory. */
static void texts_have_an_end(void **state)
{
    char *keys[] = {"x"}, *ten[] = {"0123456789"}, *twice[] = {"${x}${x}"};
    hp_raw_action twofold[] = {{.kind = HP_RAW_SET, .mark = {.line = 9}, .set = {keys, twice, 1}}};
    hp_raw_script scripts[] = {{"twofold", {0}, twofold, 1}};
    hp_raw_action script[] = {{.kind = HP_RAW_SET, .set = {keys, ten, 1}}, {.kind = HP_RAW_DO, .run = {"twofold", 40}}};
    raw_rig r = {.config = {.scripts = scripts, .n_scripts = 1}};
    rig_init(&r, script, 2);
    rig_start(&r);
    rig_assert_told(&r, "error 9 a text with its variables is longer than 1048576 bytes\ndone failed\n");
    rig_clear(&r);
}

static void reactions(void **state)
{
    hp_raw_attribute code[] = {{.name = "ERROR-CODE", .type = HP_STUN_ERROR_CODE, .value = "487"}};
    hp_raw_answer answers[] = {
        {.nth_first = 1, .nth_last = 1, .kind = HP_RAW_ANSWER_SILENCE},
        {.nth_first = 1,
         .nth_last = 1,
         .delay = 50 * HP_MS,
         .message = {.content = HP_RAW_STUN,
                     .stun = {.has_class = true, .cls = HP_STUN_ERROR, .attributes = code, .n_attributes = 1}}},
        {.kind = HP_RAW_ANSWER_CHECKS},
    };
    raw_rig r = {.config = {.answers = answers, .n_answers = 3, .ufrag = "me", .password = "pw"}};
    hp_raw_action script[] = {{.kind = HP_RAW_WAIT, .wait = HP_S}};
    uint8_t buf[HP_STUN_MAX], forged[HP_STUN_MAX];
    hp_stun_writer w;
    hp_stun_key key = hp_stun_key_short("pw", 2);
    hp_stun_msg m;
    hp_stun_attr attr;
    hp_addr mapped;
    rig_init(&r, script, 1);
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, (const uint8_t *)"0123456789ab", NULL);
    hp_stun_add_text(&w, HP_STUN_USERNAME, "me:you");
    hp_stun_add_integrity(&w, &key, false);
    size_t len = hp_stun_finish(&w);
    memcpy(forged, buf, len);
    forged[len - 1] ^= 1;
    rig_datagram(&r, buf, len); /* silence */
    rig_datagram(&r, buf, len); /* 487, in a while */
    rig_datagram(&r, buf, len); /* a success at once */
    rig_datagram(&r, forged, len); /* nothing */
    assert_int_equal(r.out->len, 1);
    assert_true(hp_stun_parse(rig_out(&r, 0)->bytes->data, rig_out(&r, 0)->bytes->len, &m));
    assert_int_equal(m.cls, HP_STUN_SUCCESS);
    assert_memory_equal(m.id, "0123456789ab", 12);
    assert_int_equal(hp_stun_check_integrity(&m, &key, false), HP_STUN_GOOD);
    assert_true(hp_stun_find(&m, HP_STUN_XOR_MAPPED_ADDRESS, &attr) && hp_stun_attr_addr(&m, &attr, true, &mapped));
    assert_int_equal(mapped.port, 3478);
    rig_run(&r, HP_S);
    assert_int_equal(r.out->len, 2);
    assert_int_equal(rig_out(&r, 1)->at, 50 * HP_MS);
    assert_int_equal(rig_out(&r, 1)->bytes->data[1], 0x11); /* an error */
    hp_raw_finish(r.raw, r.now);
    assert_non_null(strstr(r.told->str, "unexpected Binding request\n")); /* the forged one, and only that */
    assert_null(strstr(strstr(r.told->str, "unexpected") + 1, "unexpected"));
    rig_clear(&r);
}

/* A driver that delivers at once calls the agent in the middle of sending: it is handled after that. */
static void an_echo_in_the_middle(void **state)
{
    hp_raw_action script[] = {SEND(TEXT("a")), SEND(TEXT("b")), RECEIVE(HP_S, .text = "b"), RECEIVE(HP_S, .text = "a")};
    raw_rig r = {.loops = true};
    rig_init(&r, script, 4);
    rig_start(&r);
    rig_assert_told(&r, "sent 1 1 bytes\nsent 2 1 bytes\nreceived 1 bytes\nreceived 1 bytes\nmatched 3\nmatched 4\n"
                        "done done\n");
    rig_clear(&r);
}

/* ---- streams ---- */

static const hp_addr server = {.ip = {203, 0, 113, 1}, .port = 3478, .family = HP_AF_IPV4};
static const hp_addr own = {.ip = {192, 0, 2, 1}, .port = 40000, .family = HP_AF_IPV4};

static void segments(void **state)
{
    uint32_t sizes[] = {1, 3};
    hp_raw_socket sockets[] = {{.name = "t", .transport = HP_RAW_OVER_TCP, .to = "server"}};
    hp_raw_action script[] = {
        SEND(TEXT("0123456789"), .segments = sizes, .n_segments = 2, .gap = 10 * HP_MS),
        SEND(.message = {.content = HP_RAW_CHANNEL_DATA, .channel_data = {.channel = "0x4000", .text = "abcde"}}),
    };
    raw_rig r = {.config = {.sockets = sockets, .n_sockets = 1}};
    script[0].send.socket = script[1].send.socket = "t";
    rig_init(&r, script, 2);
    rig_start(&r);
    assert_int_equal(r.out->len, 0); /* it waits for the connection */
    r.now = 40 * HP_MS;
    hp_raw_connected(r.raw, r.now, 0, &own, &server);
    rig_run(&r, HP_S);
    assert_int_equal(r.out->len, 4);
    rig_assert_out(&r, 0, "30");
    rig_assert_out(&r, 1, "313233");
    rig_assert_out(&r, 2, "343536373839");
    assert_int_equal(rig_out(&r, 2)->at, 60 * HP_MS);
    rig_assert_out(&r, 3, "400000056162636465000000"); /* padded on a stream (RFC 8656 section 12.5) */
    rig_clear(&r);
}

static void framings(void **state)
{
    hp_raw_socket sockets[] = {
        {.name = "stun", .transport = HP_RAW_OVER_TCP, .to = "server"},
        {.name = "length", .transport = HP_RAW_OVER_TCP, .to = "server", .framing = HP_RAW_FRAMING_LENGTH},
        {.name = "none", .transport = HP_RAW_OVER_TCP, .to = "server", .framing = HP_RAW_FRAMING_NONE},
    };
    hp_raw_action script[] = {
        SEND(TEXT("hi")),
        RECEIVE(HP_S, .socket = "stun", .bytes = "4000000161"),
        RECEIVE(HP_S, .socket = "stun", .has_stun = true, .method = "Binding"),
        RECEIVE(HP_S, .socket = "length", .text = "abc"),
        RECEIVE(HP_S, .socket = "length", .text = ""),
        RECEIVE(HP_S, .socket = "none", .text = "x"),
        RECEIVE(HP_S, .socket = "none", .is = HP_RAW_CLOSED),
        SEND(TEXT("too late")),
    };
    static const uint8_t binding[] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    raw_rig r = {.config = {.sockets = sockets, .n_sockets = 3}};
    script[0].send.socket = "length";
    script[7].send.socket = "none";
    rig_init(&r, script, 8);
    rig_start(&r);
    for (unsigned i = 0; i < 3; i++) {
        hp_raw_connected(r.raw, 0, i, &own, &server);
    }
    rig_assert_out(&r, 0, "00026869");
    g_string_truncate(r.told, 0);
    hp_raw_bytes_input(r.raw, 0, 0,
                       (const uint8_t *)"\x40\x00\x00\x01"
                                        "a",
                       5, 0);
    hp_raw_bytes_input(r.raw, 0, 0, (const uint8_t *)"\0\0\0", 3, 0); /* its padding */
    for (unsigned i = 0; i < sizeof binding; i++) {
        hp_raw_bytes_input(r.raw, 0, 0, binding + i, 1, 0);
    }
    hp_raw_bytes_input(r.raw, 0, 1, (const uint8_t *)"\0\3ab", 4, 0);
    hp_raw_bytes_input(r.raw, 0, 1, (const uint8_t *)"c\0\0\0", 4, 0);
    hp_raw_bytes_input(r.raw, 0, 2, (const uint8_t *)"x", 1, 0);
    hp_raw_ended(r.raw, 0, 2, HP_RAW_CLOSED, "", 0);
    rig_assert_told(&r, "received ChannelData 0x4000, 1 bytes\nmatched 2\nreceived Binding request\nmatched 3\n"
                        "received 3 bytes\nreceived 0 bytes\nmatched 4\nmatched 5\nreceived 1 bytes\nmatched 6\n"
                        "received closed\nmatched 7\nerror 8 the connection of socket `none` has ended\ndone failed\n");
    rig_clear(&r);
}

/* A connection that takes little keeps the order of what is said. */
static void a_full_connection(void **state)
{
    hp_raw_socket sockets[] = {{.name = "t", .transport = HP_RAW_OVER_TCP, .to = "server", .framing = 2}};
    hp_raw_action script[] = {SEND(TEXT("abcdef")), SEND(TEXT("gh")), {.kind = HP_RAW_CLOSE, .socket = "t"}};
    raw_rig r = {.config = {.sockets = sockets, .n_sockets = 1}, .room = 0};
    script[0].send.socket = script[1].send.socket = "t";
    rig_init(&r, script, 2);
    r.room = 2;
    rig_start(&r);
    hp_raw_connected(r.raw, 0, 0, &own, &server);
    r.room = 3;
    hp_raw_writable(r.raw, 0, 0);
    r.room = 100;
    hp_raw_writable(r.raw, 0, 0);
    assert_int_equal(r.out->len, 3);
    rig_assert_out(&r, 0, "6162");
    rig_assert_out(&r, 1, "636465");
    rig_assert_out(&r, 2, "666768");
    rig_clear(&r);
}

static void what_the_run_cuts_off(void **state)
{
    hp_raw_action script[] = {RECEIVE(10 * HP_S, .icmp = HP_ICMP_TTL_EXCEEDED, .is = HP_RAW_ICMP)};
    raw_rig r = {0};
    rig_init(&r, script, 1);
    rig_start(&r);
    hp_raw_icmp(r.raw, 0, 0, HP_ICMP_PORT_UNREACHABLE, &server, &server, 4);
    g_string_truncate(r.told, 0);
    hp_raw_finish(r.raw, HP_S);
    rig_assert_told(&r, "missed 1 an ICMP error before the run ends (an ICMP error: port-unreachable: it is "
                        "port-unreachable)\ndone failed\n");
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_and_its_answer),
        cmocka_unit_test(what_came_nearest),
        cmocka_unit_test(the_inbox),
        cmocka_unit_test(nothing_comes),
        cmocka_unit_test(retransmission),
        cmocka_unit_test(a_request_through_turn),
        cmocka_unit_test(repetition),
        cmocka_unit_test(scripts_within_scripts),
        cmocka_unit_test(a_loop_without_time_ends),
        cmocka_unit_test(sending_without_time_ends),
        cmocka_unit_test(texts_have_an_end),
        cmocka_unit_test(reactions),
        cmocka_unit_test(an_echo_in_the_middle),
        cmocka_unit_test(segments),
        cmocka_unit_test(framings),
        cmocka_unit_test(a_full_connection),
        cmocka_unit_test(what_the_run_cuts_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
