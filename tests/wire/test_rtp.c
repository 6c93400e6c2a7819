/* The RTP codec: headers, extensions, padding, retransmissions, media clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hex.h"
#include "wire/demux.h"
#include "wire/rtp.h"

/* A payload of 4 bytes behind two CSRCs and a one-byte extension with two elements, padded to 8. */
static const uint8_t full[] = {
    0xb2, 0xef, 0xff, 0xfe, 0x01, 0x02, 0x03, 0x04, 0xde, 0xad, 0xbe, 0xef, /* V P X CC=2, M pt 111 */
    0x00, 0x00, 0x00, 0x0a, 0x80, 0x00, 0x00, 0x0b, /* CSRC */
    0xbe, 0xde, 0x00, 0x02, 0x12, 0xaa, 0xbb, 0xcc, 0x00, 0x50, 0x77, 0x00, /* id 1: 3 bytes, id 5: 1 byte */
    'd',  'a',  't',  'a',  0x00, 0x00, 0x00, 0x04, /* padding */
};

static void reads_every_field(void **state)
{
    hp_rtp_packet p;

    assert_true(hp_rtp_parse(full, sizeof full, &p));
    assert_int_equal(p.pt, 111);
    assert_true(p.marker && p.has_padding && p.has_extension);
    assert_int_equal(p.sequence, 65534);
    assert_int_equal(p.timestamp, 0x01020304);
    assert_int_equal(p.ssrc, 0xdeadbeef);
    assert_int_equal(p.n_csrc, 2);
    assert_int_equal(hp_rtp_csrc(&p, 0), 10);
    assert_int_equal(hp_rtp_csrc(&p, 1), 0x8000000b);
    assert_int_equal(p.ext_profile, 0xbede);
    assert_ptr_equal(p.ext, full + 24);
    assert_int_equal(p.ext_len, 8);
    assert_int_equal(p.header_len, 32);
    assert_ptr_equal(p.payload, full + 32);
    assert_int_equal(p.payload_len, 4);
    assert_int_equal(p.padding, 4);
    assert_int_equal(p.length, sizeof full);
}

static void ciphertext_has_no_padding_to_read(void **state)
{
    hp_rtp_packet p;
    uint8_t data[sizeof full];

    memcpy(data, full, sizeof full);
    data[sizeof full - 1] = 0xff;
    assert_false(hp_rtp_parse(data, sizeof data, &p));
    assert_true(hp_rtp_parse_encrypted(data, sizeof data, &p));
    assert_true(p.has_padding);
    assert_int_equal(p.padding, 0);
    assert_int_equal(p.payload_len, 8);
}

/* Each length cuts something that the header announces: only padding lets shorter ones pass, when its count does. */
static void every_truncation_is_refused(void **state)
{
    for (size_t len = 0; len < sizeof full; len++) {
        hp_rtp_packet p = {.pt = 99};
        g_autofree uint8_t *exact = g_memdup2(full, len);
        bool parsed = hp_rtp_parse(exact, len, &p);
        assert_int_equal(p.pt, parsed ? 111 : 99);
        assert_false(parsed);
        assert_int_equal(hp_rtp_parse_encrypted(exact, len, &p), len >= 32);
    }
}

static void refuses_bad_versions_and_padding(void **state)
{
    hp_rtp_packet p;
    uint8_t data[sizeof full];

    for (unsigned version = 0; version < 4; version++) {
        memcpy(data, full, sizeof full);
        data[0] = (uint8_t)(version << 6 | 0x32);
        assert_int_equal(hp_rtp_parse(data, sizeof data, &p), version == 2);
    }
    memcpy(data, full, sizeof full);
    data[sizeof full - 1] = 0; /* a count that does not count itself */
    assert_false(hp_rtp_parse(data, sizeof data, &p));
    data[sizeof full - 1] = 8; /* all of the payload */
    assert_true(hp_rtp_parse(data, sizeof data, &p));
    assert_int_equal(p.payload_len, 0);
    data[sizeof full - 1] = 9;
    assert_false(hp_rtp_parse(data, sizeof data, &p));
    /* The P bit on a packet that ends with its header. */
    static const uint8_t bare[12] = {0xa0, 0x60};
    assert_false(hp_rtp_parse(bare, sizeof bare, &p));
}

static void an_extension_longer_than_the_packet_is_refused(void **state)
{
    hp_rtp_packet p;
    uint8_t data[20] = {0x90, 0x60, [12] = 0xbe, 0xde, 0x00, 0x01};

    assert_true(hp_rtp_parse(data, sizeof data, &p));
    assert_int_equal(p.payload_len, 0);
    data[15] = 2;
    assert_false(hp_rtp_parse(data, sizeof data, &p));
    data[14] = 0xff;
    assert_false(hp_rtp_parse(data, sizeof data, &p));
}

static void writes_what_it_reads(void **state)
{
    static const uint32_t csrc[] = {10, 0x8000000b};
    uint8_t out[sizeof full], ext[8];
    hp_rtp_ext elements[] = {{1, 3, (const uint8_t *)"\xaa\xbb\xcc"}, {5, 1, (const uint8_t *)"\x77"}};

    assert_int_equal(hp_rtp_ext_write(ext, sizeof ext, HP_RTP_EXT_ONE_BYTE, elements, 2), 8);
    hp_rtp_header h = {
        .pt = 111,
        .marker = true,
        .sequence = 65534,
        .timestamp = 0x01020304,
        .ssrc = 0xdeadbeef,
        .n_csrc = 2,
        .csrc = csrc,
        .has_extension = true,
        .ext_profile = HP_RTP_EXT_ONE_BYTE,
        .ext = ext,
        .ext_len = 8,
        .padding = 4,
    };
    assert_int_equal(hp_rtp_header_length(&h), 32);
    assert_int_equal(hp_rtp_write(out, sizeof out, &h, "data", 4), sizeof full);
    /* The writer packs elements without gaps; the sample has one between them. */
    assert_memory_equal(out, full, 28);
    assert_memory_equal(out + 28, "\x50\x77\x00\x00", 4);
    assert_memory_equal(out + 32, full + 32, 8);
    assert_int_equal(hp_rtp_write(out, sizeof out - 1, &h, "data", 4), 0);

    /* The header alone has no place for padding. */
    assert_int_equal(hp_rtp_write_header(out, sizeof out, &h), 0);
    h.padding = 0;
    assert_int_equal(hp_rtp_write_header(out, 32, &h), 32);
    assert_int_equal(hp_rtp_write_header(out, 31, &h), 0);
}

static void refuses_to_write_nonsense(void **state)
{
    uint8_t out[64];
    uint32_t csrc[16] = {0};
    uint8_t ext[5] = {0};

    assert_int_equal(hp_rtp_write(out, sizeof out, &(hp_rtp_header){.pt = 128}, NULL, 0), 0);
    assert_int_equal(hp_rtp_write(out, sizeof out, &(hp_rtp_header){.n_csrc = 16, .csrc = csrc}, NULL, 0), 0);
    hp_rtp_header odd = {.has_extension = true, .ext = ext, .ext_len = 5};
    assert_int_equal(hp_rtp_write(out, sizeof out, &odd, NULL, 0), 0);
    assert_int_equal(hp_rtp_write(out, sizeof out, &(hp_rtp_header){.padding = 53}, NULL, 0), 0);
    assert_int_equal(hp_rtp_write(out, sizeof out, &(hp_rtp_header){.padding = 52}, NULL, 0), 64);
    assert_int_equal(out[63], 52);
    assert_int_equal(hp_rtp_write(out, 12, &(hp_rtp_header){.pt = 127}, NULL, 0), 12);
}

static hp_rtp_packet with_extension(uint16_t profile, const uint8_t *ext, size_t len)
{
    return (hp_rtp_packet){.has_extension = true, .ext_profile = profile, .ext = ext, .ext_len = len};
}

static void walks_one_byte_elements(void **state)
{
    hp_rtp_packet p;
    hp_rtp_ext e;
    size_t cursor = 0;

    assert_true(hp_rtp_parse(full, sizeof full, &p));
    assert_true(hp_rtp_ext_next(&p, &cursor, &e));
    assert_int_equal(e.id, 1);
    assert_int_equal(e.length, 3);
    assert_memory_equal(e.value, "\xaa\xbb\xcc", 3);
    assert_true(hp_rtp_ext_next(&p, &cursor, &e)); /* over a padding byte */
    assert_int_equal(e.id, 5);
    assert_int_equal(e.length, 1);
    assert_false(hp_rtp_ext_next(&p, &cursor, &e));
    assert_true(hp_rtp_ext_find(&p, 5, &e));
    assert_int_equal(e.value[0], 0x77);
    assert_false(hp_rtp_ext_find(&p, 2, &e));
}

static void one_byte_walks_end_where_the_rfc_ends_them(void **state)
{
    static const uint8_t id15[] = {0x10, 0x01, 0xf0, 0x02, 0x20, 0x03, 0x00, 0x00};
    static const uint8_t id0[] = {0x10, 0x01, 0x01, 0x02, 0x02, 0x20, 0x03, 0x00};
    static const uint8_t cut[] = {0x10, 0x01, 0x2f, 0x00};
    hp_rtp_packet p = with_extension(HP_RTP_EXT_ONE_BYTE, id15, sizeof id15);
    hp_rtp_ext e;

    assert_true(hp_rtp_ext_find(&p, 1, &e));
    assert_false(hp_rtp_ext_find(&p, 15, &e));
    assert_false(hp_rtp_ext_find(&p, 2, &e));
    p = with_extension(HP_RTP_EXT_ONE_BYTE, id0, sizeof id0);
    assert_true(hp_rtp_ext_find(&p, 1, &e));
    assert_false(hp_rtp_ext_find(&p, 2, &e));
    p = with_extension(HP_RTP_EXT_ONE_BYTE, cut, sizeof cut);
    assert_true(hp_rtp_ext_find(&p, 1, &e));
    assert_false(hp_rtp_ext_find(&p, 2, &e));
    p = with_extension(0x1234, cut, sizeof cut);
    assert_false(hp_rtp_ext_find(&p, 1, &e));
}

static void walks_two_byte_elements(void **state)
{
    static const uint8_t ext[] = {0x01, 0x00, 0x00, 0xff, 0x02, 'h', 'i', 0x00, 0x03, 0x09, 0x00, 0x00};
    hp_rtp_packet p = with_extension(0x1007, ext, sizeof ext);
    hp_rtp_ext e;

    assert_true(hp_rtp_ext_find(&p, 1, &e));
    assert_int_equal(e.length, 0);
    assert_true(hp_rtp_ext_find(&p, 255, &e));
    assert_int_equal(e.length, 2);
    assert_memory_equal(e.value, "hi", 2);
    assert_false(hp_rtp_ext_find(&p, 3, &e)); /* longer than what is left */
    /* An id without a length byte. */
    p = with_extension(HP_RTP_EXT_TWO_BYTE, (const uint8_t *)"\x00\x00\x00\x01", 4);
    assert_false(hp_rtp_ext_find(&p, 1, &e));
}

static void writes_elements_in_either_form(void **state)
{
    uint8_t out[24], long_value[17] = {0};
    hp_rtp_ext e[] = {{1, 0, NULL}, {255, 2, (const uint8_t *)"hi"}};

    assert_int_equal(hp_rtp_ext_write(out, sizeof out, HP_RTP_EXT_TWO_BYTE, e, 2), 8);
    assert_memory_equal(out, "\x01\x00\xff\x02hi\x00\x00", 8);
    assert_int_equal(hp_rtp_ext_write(out, 7, HP_RTP_EXT_TWO_BYTE, e, 2), 0);
    assert_int_equal(hp_rtp_ext_write(out, sizeof out, HP_RTP_EXT_ONE_BYTE, e, 1), 0); /* no empty elements there */
    assert_int_equal(hp_rtp_ext_write(out, sizeof out, 0x9999, e, 2), 0);
    e[0] = (hp_rtp_ext){15, 1, long_value};
    assert_int_equal(hp_rtp_ext_write(out, sizeof out, HP_RTP_EXT_ONE_BYTE, e, 1), 0);
    e[0] = (hp_rtp_ext){0, 1, long_value};
    assert_int_equal(hp_rtp_ext_write(out, sizeof out, HP_RTP_EXT_TWO_BYTE, e, 1), 0);
    e[0] = (hp_rtp_ext){14, 17, long_value};
    assert_int_equal(hp_rtp_ext_write(out, sizeof out, HP_RTP_EXT_ONE_BYTE, e, 1), 0);
    e[0].length = 16;
    assert_int_equal(hp_rtp_ext_write(out, sizeof out, HP_RTP_EXT_ONE_BYTE, e, 1), 20);
}

static void a_retransmission_carries_the_original(void **state)
{
    uint8_t sent[64], again[64];
    hp_rtp_packet original, rtx, restored;
    uint16_t sequence;
    const uint8_t *payload;
    size_t len;

    assert_true(hp_rtp_parse(full, sizeof full, &original));
    size_t n = hp_rtx_write(sent, sizeof sent, &original, 97, 7, 0x11111111);
    assert_int_equal(n, 32 + 2 + 4);
    assert_true(hp_rtp_parse(sent, n, &rtx));
    assert_int_equal(rtx.pt, 97);
    assert_int_equal(rtx.sequence, 7);
    assert_int_equal(rtx.ssrc, 0x11111111);
    assert_int_equal(rtx.timestamp, 0x01020304);
    assert_true(rtx.marker);
    assert_false(rtx.has_padding);
    assert_int_equal(rtx.n_csrc, 2);
    assert_memory_equal(rtx.payload,
                        "\xff\xfe"
                        "data",
                        6);
    assert_true(hp_rtx_read(&rtx, &sequence, &payload, &len));
    assert_int_equal(sequence, 65534);
    assert_int_equal(len, 4);
    assert_ptr_equal(payload, rtx.payload + 2);

    n = hp_rtx_restore(again, sizeof again, &rtx, 111, 0xdeadbeef);
    assert_int_equal(n, 36);
    assert_true(hp_rtp_parse(again, n, &restored));
    assert_int_equal(again[0], full[0] & ~0x20);
    assert_memory_equal(again + 1, full + 1, 35);
}

static void a_retransmission_without_a_number_restores_nothing(void **state)
{
    static const uint8_t probe[] = {0xa0, 0x61, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0, 3};
    hp_rtp_packet p;
    uint8_t out[32];
    uint16_t sequence = 5;

    assert_true(hp_rtp_parse(probe, sizeof probe, &p));
    assert_int_equal(p.payload_len, 1);
    assert_false(hp_rtx_read(&p, &sequence, NULL, NULL));
    assert_int_equal(sequence, 5);
    assert_int_equal(hp_rtx_restore(out, sizeof out, &p, 96, 1), 0);
    assert_true(hp_rtp_parse(full, sizeof full, &p));
    assert_int_equal(hp_rtx_write(out, 32, &p, 97, 1, 1), 0);
    assert_int_equal(hp_rtx_write(out, sizeof out, &p, 128, 1, 1), 0);
}

static void media_clocks_are_exact_integers(void **state)
{
    assert_int_equal(hp_rtp_units(20 * HP_MS, 48000), 960);
    assert_int_equal(hp_rtp_units(HP_S / 30, 90000), 2999); /* 33,333,333 ns */
    assert_int_equal(hp_rtp_units(3600 * HP_S + 1, 90000), 324000000);
    assert_true(hp_rtp_units(100000 * HP_S, 90000) == UINT64_C(9000000000));
    assert_true(hp_rtp_span(960, 48000) == 20 * HP_MS);
    assert_true(hp_rtp_span(1, 90000) == 11111);
    assert_true(hp_rtp_span(UINT32_MAX, 48000) == UINT64_C(89478485312500));
}

static void one_port_for_rtp_and_rtcp(void **state)
{
    static const struct {
        uint8_t second;
        hp_wire_kind kind;
    } cases[] = {{0x00, HP_WIRE_RTP},  {0x3f, HP_WIRE_RTP}, {0xbf, HP_WIRE_RTP},
                 {0xc0, HP_WIRE_RTCP}, {200, HP_WIRE_RTCP}, {0xdf, HP_WIRE_RTCP},
                 {0xe0, HP_WIRE_RTP},  {0xef, HP_WIRE_RTP}, {0xff, HP_WIRE_RTP}};
    uint8_t data[12] = {0x80};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        data[1] = cases[i].second;
        assert_int_equal(hp_wire_classify(data, sizeof data), cases[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(ciphertext_has_no_padding_to_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(refuses_bad_versions_and_padding),
        cmocka_unit_test(an_extension_longer_than_the_packet_is_refused),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(refuses_to_write_nonsense),
        cmocka_unit_test(walks_one_byte_elements),
        cmocka_unit_test(one_byte_walks_end_where_the_rfc_ends_them),
        cmocka_unit_test(walks_two_byte_elements),
        cmocka_unit_test(writes_elements_in_either_form),
        cmocka_unit_test(a_retransmission_carries_the_original),
        cmocka_unit_test(a_retransmission_without_a_number_restores_nothing),
        cmocka_unit_test(media_clocks_are_exact_integers),
        cmocka_unit_test(one_port_for_rtp_and_rtcp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
