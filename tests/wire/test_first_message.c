/* The message that a stretch of a TCP stream begins with, and matches that see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/demux.h"
#include "wire/match.h"
#include "wire/stun.h"
#include "wire/tcp.h"

static const uint8_t id[12] = {1, 2, 3};

static size_t binding(uint8_t *out, size_t cap)
{
    hp_stun_writer w;
    hp_stun_begin(&w, out, cap, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_add_u32(&w, HP_STUN_PRIORITY, 7);
    return hp_stun_finish(&w);
}

/* What is found, as an offset and a length; -1: nothing. */
static int found(const uint8_t *data, size_t len, size_t *ret_len)
{
    const uint8_t *message;
    return hp_wire_first_message(data, len, &message, ret_len) ? (int)(message - data) : -1;
}

static void test_turn_on_tcp(void **state)
{
    uint8_t bytes[200] = {0};
    size_t n = binding(bytes, sizeof bytes), len = 0;
    assert_int_equal(found(bytes, n, &len), 0);
    assert_int_equal(len, n);
    assert_int_equal(found(bytes, n + 30, &len), 0); /* and more behind it */
    assert_int_equal(len, n);
    assert_int_equal(found(bytes, n - 1, &len), -1);
    static const uint8_t channel[] = {0x40, 0x01, 0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0, 0, 0x40};
    assert_int_equal(found(channel, sizeof channel, &len), 0);
    assert_int_equal(len, 9);
    assert_int_equal(found(channel, 8, &len), -1);
    assert_int_equal(found(channel, 9, &len), 0);
}

static void test_framed(void **state)
{
    uint8_t bytes[200] = {0};
    size_t n = binding(bytes + 2, sizeof bytes - 2), len = 0;
    bytes[1] = (uint8_t)n;
    assert_int_equal(found(bytes, n + 2, &len), 2);
    assert_int_equal(len, n);
    assert_int_equal(found(bytes, n + 50, &len), 2);
    assert_int_equal(found(bytes, n + 1, &len), -1);
    const uint8_t rtp[] = {0, 12, 0x80, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3};
    assert_int_equal(found(rtp, sizeof rtp, &len), 2);
    assert_int_equal(len, 12);
    const uint8_t dtls[] = {0, 14, 22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
    assert_int_equal(found(dtls, sizeof dtls, &len), 2);
    /* TURN's own framing is not used behind a length. */
    const uint8_t channel[] = {0, 5, 0x40, 0x01, 0, 1, 'x'};
    assert_int_equal(found(channel, sizeof channel, &len), -1);
}

static void test_nothing(void **state)
{
    size_t len = 0;
    const uint8_t text[] = "GET / HTTP/1.1\r\n\r\n", tls[] = {22, 3, 1, 0, 5, 1, 0, 0, 1, 0}, zero[40] = {0};
    assert_int_equal(found(text, sizeof text, &len), -1);
    assert_int_equal(found(tls, sizeof tls, &len), -1);
    assert_int_equal(found(zero, sizeof zero, &len), -1);
    for (size_t n = 0; n < 4; n++) {
        assert_int_equal(found(zero, n, &len), -1);
    }
    const uint8_t all[4] = {0xff, 0xff, 0xff, 0xff}, most[4] = {0x40, 0, 0xff, 0xff};
    assert_int_equal(found(all, sizeof all, &len), -1);
    assert_int_equal(found(most, sizeof most, &len), -1);
}

static hp_match_subject segment_of(uint8_t *bytes, size_t cap, const uint8_t *data, size_t len)
{
    const hp_tcp_header h = {.seq = 1, .ack = 2, .flags = HP_TCP_ACK | HP_TCP_PSH};
    size_t n = hp_tcp_write(&h, bytes, cap);
    memcpy(bytes + n, data, len);
    return (hp_match_subject){.proto = HP_PROTO_TCP, .segment = bytes, .segment_length = n + len};
}

/* A check over ICE-TCP, and one that a TURN client on TCP wraps. */
static void test_matches_see_it(void **state)
{
    uint8_t check[100], framed[102] = {0}, wrapped[104] = {0x40, 0}, bytes[200];
    size_t n = binding(check, sizeof check);
    uint16_t priority[] = {HP_STUN_PRIORITY};
    const hp_match is_check = {.stun = {.has_class = true, .method = HP_STUN_BINDING, .with = priority, .n_with = 1}};
    hp_match inside = is_check;
    inside.inside = true;

    framed[1] = (uint8_t)n;
    memcpy(framed + 2, check, n);
    hp_match_subject s = segment_of(bytes, sizeof bytes, framed, n + 2);
    assert_true(hp_match_packet(&is_check, &s));
    const hp_match over_udp = {.proto = HP_MATCH_UDP, .stun = {.present = HP_PRESENT}};
    assert_false(hp_match_packet(&over_udp, &s));

    wrapped[3] = (uint8_t)n;
    memcpy(wrapped + 4, check, n);
    s = segment_of(bytes, sizeof bytes, wrapped, n + 4);
    assert_false(hp_match_packet(&is_check, &s));
    assert_true(hp_match_packet(&inside, &s));
    const hp_match channel = {.channel = 0x4000};
    assert_true(hp_match_packet(&channel, &s));

    s = segment_of(bytes, sizeof bytes, (const uint8_t *)"text", 4);
    assert_false(hp_match_packet(&inside, &s));
    s.segment = NULL;
    assert_false(hp_match_packet(&inside, &s));
}

/* A view begins as it is found on the stack. */
static void test_others_have_none(void **state)
{
    static const uint8_t protos[] = {HP_PROTO_ICMP, HP_PROTO_ICMPV6, HP_PROTO_TCP, HP_PROTO_UDP, 99};
    const hp_match any_stun = {.stun = {.present = HP_PRESENT}}, no_stun = {.stun = {.present = HP_ABSENT}};
    for (unsigned i = 0; i < G_N_ELEMENTS(protos); i++) {
        const hp_match_subject s = {.proto = protos[i]};
        hp_match_view view;
        memset(&view, 0xa5, sizeof view);
        hp_match_view_init(&view, &s);
        assert_false(hp_match_view_holds(&view, &any_stun, NULL));
        assert_true(hp_match_view_holds(&view, &no_stun, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turn_on_tcp),    cmocka_unit_test(test_framed),           cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_matches_see_it), cmocka_unit_test(test_others_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
