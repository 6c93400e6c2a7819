/* RTCP: frames, reports, source descriptions, goodbyes, feedback, NTP timestamps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"
#include "wire/rtcp.h"

static const hp_rtcp_sender_info info = {
    .ssrc = 0x01020304,
    .ntp = UINT64_C(0xe93c0f0080000000),
    .rtp_timestamp = 0xa0a1a2a3,
    .packets = 1000,
    .octets = 160000,
};
static const hp_rtcp_report_block block = {
    .ssrc = 0x0a0b0c0d,
    .fraction_lost = 64,
    .cumulative_lost = -2,
    .extended_highest = 0x0001fffe,
    .jitter = 77,
    .last_sr = 0x0f008000,
    .delay_since_last_sr = 65536,
};

/* SR with a block, SDES with a CNAME: a compound packet as RFC 3550 section 6.1 asks for. */
static size_t write_compound(uint8_t *out, size_t cap)
{
    hp_rtcp_writer w;

    hp_rtcp_begin(&w, out, cap);
    hp_rtcp_add_sr(&w, &info, &block, 1);
    hp_rtcp_add_cname(&w, info.ssrc, "as@host");
    return hp_rtcp_finish(&w);
}

static void assert_block(const hp_rtcp_report_block *got, const hp_rtcp_report_block *wanted)
{
    assert_int_equal(got->ssrc, wanted->ssrc);
    assert_int_equal(got->fraction_lost, wanted->fraction_lost);
    assert_int_equal(got->cumulative_lost, wanted->cumulative_lost);
    assert_int_equal(got->extended_highest, wanted->extended_highest);
    assert_int_equal(got->jitter, wanted->jitter);
    assert_int_equal(got->last_sr, wanted->last_sr);
    assert_int_equal(got->delay_since_last_sr, wanted->delay_since_last_sr);
}

static void a_compound_packet_there_and_back(void **state)
{
    uint8_t out[128];
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    hp_rtcp_sender_info sr;
    hp_rtcp_report_block b;
    const char *text;
    size_t cursor = 0, len, n = write_compound(out, sizeof out);

    assert_int_equal(n, 72);
    assert_true(hp_rtcp_parse(out, n, &d));
    assert_int_equal(d.n_packets, 2);
    assert_true(d.is_compound);
    assert_true(hp_rtcp_next(&d, &cursor, &p));
    assert_int_equal(p.type, HP_RTCP_SR);
    assert_int_equal(p.count, 1);
    assert_true(hp_rtcp_read_sr(&p, &sr));
    assert_int_equal(sr.ssrc, info.ssrc);
    assert_true(sr.ntp == info.ntp);
    assert_int_equal(sr.rtp_timestamp, info.rtp_timestamp);
    assert_int_equal(sr.packets, 1000);
    assert_int_equal(sr.octets, 160000);
    assert_true(hp_rtcp_read_block(&p, 0, &b));
    assert_block(&b, &block);
    assert_false(hp_rtcp_read_block(&p, 1, &b));
    assert_true(hp_rtcp_next(&d, &cursor, &p));
    assert_int_equal(p.type, HP_RTCP_SDES);
    assert_true(hp_rtcp_sdes_cname(&p, info.ssrc, &text, &len));
    assert_int_equal(len, 7);
    assert_memory_equal(text, "as@host", 7);
    assert_false(hp_rtcp_sdes_cname(&p, 1, &text, &len));
    assert_false(hp_rtcp_next(&d, &cursor, &p));
}

static void bytes_are_those_of_the_rfc(void **state)
{
    uint8_t out[128];
    hp_rtcp_writer w;

    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_sr(&w, &info, &block, 1);
    hp_rtcp_add_cname(&w, info.ssrc, "as@hos");
    hp_rtcp_finish(&w);
    g_autoptr(GBytes) wanted = hex_bytes("81c8000c 01020304 e93c0f00 80000000 a0a1a2a3 000003e8 00027100"
                                         "0a0b0c0d 40fffffe 0001fffe 0000004d 0f008000 00010000"
                                         "81ca0004 01020304 01066173 40686f73 00000000");
    gsize len;
    const uint8_t *data = g_bytes_get_data(wanted, &len);
    assert_int_equal(w.len, len);
    assert_memory_equal(out, data, len);
}

static void cnames_end_with_a_zero_and_fill_a_word(void **state)
{
    for (size_t n = 0; n <= 256; n++) {
        uint8_t out[300];
        char name[257];
        hp_rtcp_writer w;
        memset(name, 'x', n);
        name[n] = '\0';
        hp_rtcp_begin(&w, out, sizeof out);
        hp_rtcp_add_cname(&w, 9, name);
        size_t len = hp_rtcp_finish(&w);
        if (n == 256) {
            assert_int_equal(len, 0);
            continue;
        }
        assert_int_equal(len, 4 + (4 + 2 + n) / 4 * 4 + 4);
        hp_rtcp_datagram d;
        hp_rtcp_packet p;
        size_t cursor = 0, got;
        const char *text;
        assert_true(hp_rtcp_parse(out, len, &d) && hp_rtcp_next(&d, &cursor, &p));
        assert_true(hp_rtcp_sdes_cname(&p, 9, &text, &got));
        assert_int_equal(got, n);
        assert_int_equal(out[len - 1], 0);
    }
}

static void frames_must_add_up(void **state)
{
    uint8_t out[128];
    hp_rtcp_datagram d;
    size_t n = write_compound(out, sizeof out);

    for (size_t len = 0; len < n; len++) {
        g_autofree uint8_t *exact = g_memdup2(out, len);
        /* 52 bytes are the SR alone, which is a whole frame. */
        assert_int_equal(hp_rtcp_parse(exact, len, &d), len == 52);
    }
    out[n] = 0;
    assert_false(hp_rtcp_parse(out, n + 1, &d));
    out[52] = 0x41; /* the second packet's version */
    assert_false(hp_rtcp_parse(out, n, &d));
    out[52] = 0x81;
    out[0] = 0xc1;
    assert_false(hp_rtcp_parse(out, n, &d));
}

static void reduced_size_is_told_apart(void **state)
{
    uint8_t out[64];
    hp_rtcp_writer w;
    hp_rtcp_datagram d;

    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_pli(&w, 1, 2);
    assert_true(hp_rtcp_parse(out, hp_rtcp_finish(&w), &d));
    assert_false(d.is_compound);
    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_rr(&w, 1, NULL, 0);
    hp_rtcp_add_pli(&w, 1, 2);
    assert_true(hp_rtcp_parse(out, hp_rtcp_finish(&w), &d));
    assert_true(d.is_compound);
}

static void padding_is_the_last_packets(void **state)
{
    /* RR, then a BYE without sources that is padded by 4. */
    uint8_t data[] = {0x80, 201, 0, 1, 0, 0, 0, 7, 0xa0, 203, 0, 1, 0, 0, 0, 4};
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    size_t cursor = 0;

    assert_true(hp_rtcp_parse(data, sizeof data, &d));
    assert_true(hp_rtcp_next(&d, &cursor, &p) && hp_rtcp_next(&d, &cursor, &p));
    assert_int_equal(p.padding, 4);
    assert_int_equal(p.body_len, 0);
    data[15] = 0;
    assert_false(hp_rtcp_parse(data, sizeof data, &d));
    data[15] = 5; /* would reach into the header */
    assert_false(hp_rtcp_parse(data, sizeof data, &d));
    data[15] = 4;
    data[0] = 0xa0; /* not the last */
    data[7] = 4;
    assert_false(hp_rtcp_parse(data, sizeof data, &d));
    /* Alone, it is the last, but appendix A.2 takes no padded first packet for compound. */
    assert_true(hp_rtcp_parse(data, 8, &d));
    assert_false(d.is_compound);
}

static void unknown_packets_are_walked_over(void **state)
{
    static const uint8_t data[] = {0x80, 201, 0, 1, 0,    0,   0, 7, 0x9f, 222, 0, 1,
                                   1,    2,   3, 4, 0x81, 203, 0, 1, 0,    0,   0, 7};
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    size_t cursor = 0;
    uint32_t ssrc;

    assert_true(hp_rtcp_parse(data, sizeof data, &d));
    assert_int_equal(d.n_packets, 3);
    assert_true(hp_rtcp_next(&d, &cursor, &p));
    assert_true(hp_rtcp_read_rr(&p, &ssrc));
    assert_int_equal(ssrc, 7);
    assert_true(hp_rtcp_next(&d, &cursor, &p));
    assert_int_equal(p.type, 222);
    assert_int_equal(p.count, 31);
    assert_null(hp_rtcp_type_name(p.type));
    assert_true(hp_rtcp_next(&d, &cursor, &p));
    assert_true(hp_rtcp_read_bye(&p, 0, &ssrc));
    assert_string_equal(hp_rtcp_type_name(p.type), "BYE");
}

static void a_packet_that_claims_too_much_is_refused(void **state)
{
    /* An RR and an SR that announce blocks they do not hold; a BYE that announces sources. */
    static const uint8_t rr[8] = {0x81, 201, 0, 1}, sr[28] = {0x81, 200, 0, 6}, bye[8] = {0x82, 203, 0, 1};
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    hp_rtcp_report_block b;
    hp_rtcp_sender_info s;
    uint32_t ssrc;
    size_t cursor = 0;

    assert_true(hp_rtcp_parse(rr, sizeof rr, &d) && hp_rtcp_next(&d, &cursor, &p));
    assert_false(hp_rtcp_read_rr(&p, &ssrc));
    assert_false(hp_rtcp_read_block(&p, 0, &b));
    assert_false(hp_rtcp_read_sr(&p, &s));
    cursor = 0;
    assert_true(hp_rtcp_parse(sr, sizeof sr, &d) && hp_rtcp_next(&d, &cursor, &p));
    assert_false(hp_rtcp_read_sr(&p, &s));
    assert_false(hp_rtcp_read_block(&p, 0, &b));
    cursor = 0;
    assert_true(hp_rtcp_parse(bye, sizeof bye, &d) && hp_rtcp_next(&d, &cursor, &p));
    assert_true(hp_rtcp_read_bye(&p, 0, &ssrc));
    assert_false(hp_rtcp_read_bye(&p, 1, &ssrc));
    assert_false(hp_rtcp_read_block(&p, 0, &b));
}

static void many_blocks_go_into_more_reports(void **state)
{
    hp_rtcp_report_block blocks[70];
    uint8_t out[2048];
    hp_rtcp_writer w;
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    size_t cursor = 0;
    static const unsigned counts[] = {31, 31, 8};
    unsigned seen = 0, packet = 0;

    for (unsigned i = 0; i < 70; i++) {
        blocks[i] = (hp_rtcp_report_block){.ssrc = i};
    }
    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_sr(&w, &info, blocks, 70);
    assert_true(hp_rtcp_parse(out, hp_rtcp_finish(&w), &d));
    while (hp_rtcp_next(&d, &cursor, &p)) {
        hp_rtcp_report_block b;
        assert_int_equal(p.type, packet == 0 ? HP_RTCP_SR : HP_RTCP_RR);
        assert_int_equal(p.count, counts[packet++]);
        for (unsigned i = 0; hp_rtcp_read_block(&p, i, &b); i++) {
            assert_int_equal(b.ssrc, seen++);
        }
    }
    assert_int_equal(seen, 70);
}

static void source_descriptions_have_many_chunks(void **state)
{
    /* Two chunks: CNAME "a" and NAME "bc"; CNAME "" in a chunk of its own. */
    static const uint8_t data[] = {0x82, 202, 0, 6, 0, 0, 0, 1, 1, 1, 'a', 2, 2, 'b',
                                   'c',  0,   0, 0, 0, 2, 1, 0, 0, 0, 0,   0, 0, 0};
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    hp_rtcp_sdes_cursor c = {0};
    hp_rtcp_sdes_item item;
    const char *text;
    size_t cursor = 0, len = 99;

    assert_true(hp_rtcp_parse(data, sizeof data, &d) && hp_rtcp_next(&d, &cursor, &p));
    assert_true(hp_rtcp_sdes_next(&p, &c, &item));
    assert_int_equal(item.ssrc, 1);
    assert_int_equal(item.type, HP_SDES_CNAME);
    assert_int_equal(item.length, 1);
    assert_true(hp_rtcp_sdes_next(&p, &c, &item));
    assert_int_equal(item.type, 2);
    assert_memory_equal(item.text, "bc", 2);
    assert_true(hp_rtcp_sdes_next(&p, &c, &item));
    assert_int_equal(item.ssrc, 2);
    assert_int_equal(item.length, 0);
    assert_false(hp_rtcp_sdes_next(&p, &c, &item));
    assert_true(hp_rtcp_sdes_cname(&p, 2, &text, &len));
    assert_int_equal(len, 0);
}

static void a_broken_chunk_ends_the_walk(void **state)
{
    /* An item longer than the packet; a chunk without an end; a chunk that is missing. */
    static const uint8_t cases[][12] = {
        {0x81, 202, 0, 2, 0, 0, 0, 1, 1, 3, 'a', 'b'},
        {0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 'a', 'b'},
        {0x82, 202, 0, 2, 0, 0, 0, 1, 1, 1, 'a', 0},
    };
    static const unsigned items[] = {0, 1, 1};

    for (size_t i = 0; i < 3; i++) {
        hp_rtcp_datagram d;
        hp_rtcp_packet p;
        hp_rtcp_sdes_cursor c = {0};
        hp_rtcp_sdes_item item;
        size_t cursor = 0;
        unsigned n = 0;
        assert_true(hp_rtcp_parse(cases[i], 12, &d) && hp_rtcp_next(&d, &cursor, &p));
        while (hp_rtcp_sdes_next(&p, &c, &item)) {
            n++;
        }
        assert_int_equal(n, items[i]);
    }
}

static void goodbyes_name_sources_and_reasons(void **state)
{
    static const uint32_t gone[] = {1, 0xfffffffe};
    uint8_t out[64];
    hp_rtcp_writer w;
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    const char *text;
    uint32_t ssrc;
    size_t cursor = 0, len;

    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_bye(&w, gone, 2, "over");
    assert_int_equal(hp_rtcp_finish(&w), 20);
    assert_true(hp_rtcp_parse(out, 20, &d) && hp_rtcp_next(&d, &cursor, &p));
    assert_true(hp_rtcp_read_bye(&p, 1, &ssrc));
    assert_int_equal(ssrc, 0xfffffffe);
    assert_false(hp_rtcp_read_bye(&p, 2, &ssrc));
    assert_true(hp_rtcp_bye_reason(&p, &text, &len));
    assert_int_equal(len, 4);
    assert_memory_equal(text, "over", 4);
    out[12] = 8; /* longer than the packet */
    assert_false(hp_rtcp_bye_reason(&p, &text, &len));
    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_bye(&w, gone, 1, NULL);
    assert_int_equal(hp_rtcp_finish(&w), 8);
    cursor = 0;
    assert_true(hp_rtcp_parse(out, 8, &d) && hp_rtcp_next(&d, &cursor, &p));
    assert_false(hp_rtcp_bye_reason(&p, &text, &len));
}

static void nacks_share_entries(void **state)
{
    static const uint16_t asked[] = {65534, 65535, 0, 14, 15, 40};
    uint8_t out[64];
    hp_rtcp_writer w;
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    hp_rtcp_feedback f;
    size_t at = 0, cursor = 0;
    uint16_t sequence;

    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_nack(&w, 0x11111111, 0x22222222, asked, 6);
    /* 65534 and those up to 16 ahead of it: 65535 (bit 0), 0 (bit 1), 14 (bit 15); then 15; then 40. */
    assert_int_equal(hp_rtcp_finish(&w), 24);
    assert_memory_equal(out,
                        "\x81\xcd\x00\x05\x11\x11\x11\x11\x22\x22\x22\x22"
                        "\xff\xfe\x80\x03\x00\x0f\x00\x00\x00\x28\x00\x00",
                        24);
    assert_true(hp_rtcp_parse(out, 24, &d) && hp_rtcp_next(&d, &cursor, &p));
    assert_true(hp_rtcp_read_feedback(&p, &f));
    assert_true(hp_rtcp_is_nack(&f) && !hp_rtcp_is_pli(&f) && !hp_rtcp_is_fir(&f));
    assert_int_equal(f.sender_ssrc, 0x11111111);
    assert_int_equal(f.media_ssrc, 0x22222222);
    cursor = 0;
    while (hp_rtcp_nack_next(&f, &cursor, &sequence)) {
        assert_int_equal(sequence, asked[at++]);
    }
    assert_int_equal(at, 6);
    assert_false(hp_rtcp_nack_next(&f, &cursor, &sequence));
    /* What does not rise begins an entry of its own. */
    static const uint16_t disorder[] = {10, 12, 11, 11};
    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_nack(&w, 1, 2, disorder, 4);
    assert_int_equal(hp_rtcp_finish(&w), 24);
    assert_memory_equal(out + 12, "\x00\x0a\x00\x02\x00\x0b\x00\x00\x00\x0b\x00\x00", 12);
    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_nack(&w, 1, 2, asked, 0);
    assert_int_equal(hp_rtcp_finish(&w), 0);
}

static void key_frames_are_asked_for(void **state)
{
    uint8_t out[64];
    hp_rtcp_writer w;
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    hp_rtcp_feedback f;
    size_t cursor = 0, entry = 0;
    uint32_t ssrc;
    uint8_t command;

    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_pli(&w, 1, 2);
    hp_rtcp_add_fir(&w, 1, 2, 200);
    assert_int_equal(hp_rtcp_finish(&w), 12 + 20);
    assert_memory_equal(out, "\x81\xce\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02", 12);
    assert_memory_equal(out + 12, "\x84\xce\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\xc8\x00\x00\x00",
                        20);
    assert_true(hp_rtcp_parse(out, 32, &d) && hp_rtcp_next(&d, &cursor, &p) && hp_rtcp_read_feedback(&p, &f));
    assert_true(hp_rtcp_is_pli(&f));
    assert_int_equal(f.media_ssrc, 2);
    assert_false(hp_rtcp_fir_next(&f, &entry, &ssrc, &command));
    assert_true(hp_rtcp_next(&d, &cursor, &p) && hp_rtcp_read_feedback(&p, &f));
    assert_true(hp_rtcp_is_fir(&f));
    assert_true(hp_rtcp_fir_next(&f, &entry, &ssrc, &command));
    assert_int_equal(ssrc, 2);
    assert_int_equal(command, 200);
    assert_false(hp_rtcp_fir_next(&f, &entry, &ssrc, &command));
}

static void an_overflow_sticks(void **state)
{
    uint8_t out[128];

    for (size_t cap = 0; cap < 72; cap++) {
        assert_int_equal(write_compound(out, cap), 0);
    }
    assert_int_equal(write_compound(out, 72), 72);
    hp_rtcp_writer w;
    uint32_t ssrcs[32] = {0};
    hp_rtcp_begin(&w, out, 8);
    hp_rtcp_add_pli(&w, 1, 2); /* does not fit */
    hp_rtcp_add_rr(&w, 1, NULL, 0); /* would */
    assert_int_equal(hp_rtcp_finish(&w), 0);
    hp_rtcp_begin(&w, out, sizeof out);
    hp_rtcp_add_bye(&w, ssrcs, 32, NULL);
    assert_int_equal(hp_rtcp_finish(&w), 0);
}

static void ntp_time_is_the_runs_wall_clock(void **state)
{
    hp_time back;

    /* 2024-01-01 is 3,913,056,000 s after 1900-01-01. */
    assert_true(hp_ntp_from_time(0) == UINT64_C(3913056000) << 32);
    assert_true(hp_ntp_from_time(HP_S / 2) == (UINT64_C(3913056000) << 32 | UINT32_C(0x80000000)));
    for (hp_time t = 0; t < 100 * HP_S; t = t * 3 + 7) {
        assert_true(hp_ntp_to_time(hp_ntp_from_time(t), &back));
        assert_true(back == t);
    }
    hp_time t = 999999999; /* the fraction rounds up into the next second and back */
    assert_true(hp_ntp_to_time(hp_ntp_from_time(t), &back) && back == t);
    t = UINT64_C(400000000) * HP_S + 1; /* after the wrap of 2036 */
    assert_true(hp_ntp_from_time(t) >> 32 == UINT64_C(3913056000) + 400000000 - (UINT64_C(1) << 32));
    assert_true(hp_ntp_to_time(hp_ntp_from_time(t), &back) && back == t);
    assert_false(hp_ntp_to_time((UINT64_C(3913056000) << 32) - 1, &back));
    assert_int_equal(hp_ntp_middle(UINT64_C(0x1122334455667788)), 0x33445566);
}

static void short_spans(void **state)
{
    assert_int_equal(hp_ntp_short_from_span(HP_S), 65536);
    assert_int_equal(hp_ntp_short_from_span(20 * HP_MS), 1310); /* 1310.72 */
    assert_int_equal(hp_ntp_short_from_span(65535 * HP_S + HP_S - 1), UINT32_MAX);
    assert_int_equal(hp_ntp_short_from_span(65536 * HP_S), UINT32_MAX);
    assert_int_equal(hp_ntp_short_from_span(HP_NEVER), UINT32_MAX);
    assert_true(hp_ntp_short_to_span(65536 + 32768) == 1500 * HP_MS);
    assert_true(hp_ntp_short_to_span(UINT32_MAX) == UINT64_C(65535999984741));
}

/* The example of RFC 3550 section 6.4.1, figure 2, in this run's clock: the SR leaves at 5 s, its report arrives at
 * 5 s + 6.125 s after a delay of 5.25 s: a round trip of 0.875 s. */
static void round_trips(void **state)
{
    hp_time sent = 5 * HP_S, arrival = sent + 6125 * HP_MS, rtt = 1;
    hp_rtcp_report_block b = {
        .last_sr = hp_ntp_middle(hp_ntp_from_time(sent)),
        .delay_since_last_sr = hp_ntp_short_from_span(5250 * HP_MS),
    };

    assert_true(hp_rtcp_round_trip(arrival, &b, &rtt));
    assert_true(rtt == 875 * HP_MS);
    b.delay_since_last_sr = hp_ntp_short_from_span(7 * HP_S);
    assert_false(hp_rtcp_round_trip(arrival, &b, &rtt));
    b = (hp_rtcp_report_block){.delay_since_last_sr = 5};
    assert_false(hp_rtcp_round_trip(arrival, &b, &rtt));
    assert_true(rtt == 875 * HP_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_compound_packet_there_and_back),
        cmocka_unit_test(bytes_are_those_of_the_rfc),
        cmocka_unit_test(cnames_end_with_a_zero_and_fill_a_word),
        cmocka_unit_test(frames_must_add_up),
        cmocka_unit_test(reduced_size_is_told_apart),
        cmocka_unit_test(padding_is_the_last_packets),
        cmocka_unit_test(unknown_packets_are_walked_over),
        cmocka_unit_test(a_packet_that_claims_too_much_is_refused),
        cmocka_unit_test(many_blocks_go_into_more_reports),
        cmocka_unit_test(source_descriptions_have_many_chunks),
        cmocka_unit_test(a_broken_chunk_ends_the_walk),
        cmocka_unit_test(goodbyes_name_sources_and_reasons),
        cmocka_unit_test(nacks_share_entries),
        cmocka_unit_test(key_frames_are_asked_for),
        cmocka_unit_test(an_overflow_sticks),
        cmocka_unit_test(ntp_time_is_the_runs_wall_clock),
        cmocka_unit_test(short_spans),
        cmocka_unit_test(round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
