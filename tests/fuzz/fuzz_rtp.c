/* Fuzzes what a media path does with bytes from the network: demultiplexing, RTP and its header extensions,
 * retransmissions, every RTCP reader, sequence and jitter arithmetic, and unprotecting SRTP and SRTCP.
 *
 * Besides not crashing, these must hold. An RTP packet written from what was read is the same but for padding octets;
 * a retransmission gives the original back. A walk over RTCP visits as many packets as the parse counted and ends at
 * the datagram's end; NACKs written from what was read ask for the same numbers. SRTP accepts nothing it did not
 * protect, and gives back what it did. */
#include <glib.h>
#include <string.h>

#include "engines/srtp.h"
#include "wire/demux.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"
#include "wire/rtp_sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_SIZE = 4096, ROOM = MAX_SIZE + 64 };

static void fuzz_extensions(const hp_rtp_packet *p)
{
    hp_rtp_ext e, found;
    size_t cursor = 0;

    while (hp_rtp_ext_next(p, &cursor, &e)) {
        g_assert(e.id > 0 && e.value + e.length <= p->ext + p->ext_len && cursor <= p->ext_len);
        g_assert(hp_rtp_ext_find(p, e.id, &found) && found.value <= e.value);
    }
}

static void fuzz_rtp(const uint8_t *data, size_t size)
{
    hp_rtp_packet p, q, encrypted;
    uint32_t csrc[HP_RTP_MAX_CSRC];
    g_autofree uint8_t *out = g_malloc(size + HP_RTX_OSN), *back = g_malloc(size);

    if (!hp_rtp_parse(data, size, &p)) {
        return;
    }
    g_assert(hp_rtp_parse_encrypted(data, size, &encrypted) && encrypted.header_len == p.header_len);
    g_assert(p.header_len + p.payload_len + p.padding == size);
    for (unsigned i = 0; i < p.n_csrc; i++) {
        csrc[i] = hp_rtp_csrc(&p, i);
    }
    fuzz_extensions(&p);
    hp_rtp_header h = {
        .pt = p.pt,
        .marker = p.marker,
        .sequence = p.sequence,
        .timestamp = p.timestamp,
        .ssrc = p.ssrc,
        .n_csrc = p.n_csrc,
        .csrc = csrc,
        .has_extension = p.has_extension,
        .ext_profile = p.ext_profile,
        .ext = p.ext,
        .ext_len = p.ext_len,
        .padding = (uint8_t)p.padding,
    };
    g_assert(hp_rtp_write(out, size, &h, p.payload, p.payload_len) == size);
    g_assert(memcmp(out, data, p.header_len + p.payload_len) == 0 && (p.padding == 0 || out[size - 1] == p.padding));

    size_t n = hp_rtx_write(out, size + HP_RTX_OSN, &p, 97, 1, 2);
    g_assert(n == p.header_len + HP_RTX_OSN + p.payload_len && hp_rtp_parse(out, n, &q));
    n = hp_rtx_restore(back, size, &q, p.pt, p.ssrc);
    g_assert(n == p.header_len + p.payload_len);
    g_assert((back[0] | (p.has_padding ? 0x20 : 0)) == data[0] && memcmp(back + 1, data + 1, n - 1) == 0);
}

static void fuzz_feedback(const hp_rtcp_feedback *f)
{
    g_autoptr(GArray) asked = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    size_t cursor = 0, at = 0, walk = 0;
    uint32_t ssrc;
    uint16_t sequence;
    uint8_t command;

    while (hp_rtcp_fir_next(f, &cursor, &ssrc, &command)) {
        g_assert(cursor <= f->fci_len);
    }
    cursor = 0;
    while (hp_rtcp_nack_next(f, &cursor, &sequence)) {
        g_array_append_val(asked, sequence);
    }
    if (asked->len == 0) {
        return;
    }
    size_t cap = HP_RTCP_HEADER + 8 + 4 * (size_t)asked->len;
    g_autofree uint8_t *out = g_malloc(cap);
    hp_rtcp_writer w;
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    hp_rtcp_feedback g;
    hp_rtcp_begin(&w, out, cap);
    hp_rtcp_add_nack(&w, f->sender_ssrc, f->media_ssrc, (const uint16_t *)(void *)asked->data, asked->len);
    g_assert(hp_rtcp_parse(out, hp_rtcp_finish(&w), &d) && hp_rtcp_next(&d, &walk, &p));
    g_assert(hp_rtcp_read_feedback(&p, &g));
    for (cursor = 0; hp_rtcp_nack_next(&g, &cursor, &sequence); at++) {
        g_assert(at < asked->len && sequence == g_array_index(asked, uint16_t, at));
    }
    g_assert(at == asked->len);
}

static void fuzz_rtcp_packet(const hp_rtcp_packet *p)
{
    hp_rtcp_sender_info sr;
    hp_rtcp_report_block block;
    hp_rtcp_sdes_cursor chunks = {0};
    hp_rtcp_sdes_item item;
    hp_rtcp_feedback feedback;
    uint32_t ssrc;
    const char *text;
    size_t len;
    hp_time t;

    if (hp_rtcp_read_sr(p, &sr)) {
        g_assert(p->count == 0 || hp_rtcp_read_block(p, p->count - 1U, &block));
        hp_ntp_to_time(sr.ntp, &t);
    }
    if (hp_rtcp_read_rr(p, &ssrc)) {
        g_assert(p->count == 0 || hp_rtcp_read_block(p, p->count - 1U, &block));
    }
    for (unsigned i = 0; hp_rtcp_read_block(p, i, &block); i++) {
        g_assert(block.cumulative_lost >= -0x800000 && block.cumulative_lost <= 0x7fffff);
        hp_rtcp_round_trip(HP_S, &block, &t);
    }
    while (hp_rtcp_sdes_next(p, &chunks, &item)) {
        g_assert((const uint8_t *)item.text + item.length <= p->body + p->body_len);
        g_assert(item.type != HP_SDES_CNAME || hp_rtcp_sdes_cname(p, item.ssrc, &text, &len));
    }
    for (unsigned i = 0; hp_rtcp_read_bye(p, i, &ssrc); i++) {
        g_assert(i < p->count);
    }
    if (hp_rtcp_bye_reason(p, &text, &len)) {
        g_assert((const uint8_t *)text + len <= p->body + p->body_len);
    }
    if (hp_rtcp_read_feedback(p, &feedback)) {
        fuzz_feedback(&feedback);
    }
}

static void fuzz_rtcp(const uint8_t *data, size_t size)
{
    hp_rtcp_datagram d;
    hp_rtcp_packet p;
    size_t cursor = 0;
    unsigned n = 0;

    if (!hp_rtcp_parse(data, size, &d)) {
        return;
    }
    while (hp_rtcp_next(&d, &cursor, &p)) {
        g_assert(p.body + p.body_len + p.padding == data + cursor);
        fuzz_rtcp_packet(&p);
        n++;
    }
    g_assert(n == d.n_packets && cursor == size);
}

/* The bytes as a series of sequence numbers and of arrival times. */
static void fuzz_arithmetic(const uint8_t *data, size_t size)
{
    hp_rtp_receipt r;
    hp_rtp_jitter j = {0};
    int64_t extended = 0;

    for (size_t i = 0; i + 4 <= size; i += 4) {
        uint16_t sequence = (uint16_t)(data[i] << 8 | data[i + 1]);
        if (i == 0) {
            hp_rtp_receipt_init(&r, sequence, data[2] % 4);
        }
        hp_rtp_receipt_update(&r, sequence);
        int32_t lost = hp_rtp_receipt_lost(&r);
        g_assert(lost >= -0x800000 && lost <= 0x7fffff);
        hp_rtp_receipt_fraction_lost(&r);
        hp_rtp_jitter_update(&j, (uint32_t)data[i + 2] << 24, (uint32_t)data[i + 3] << 20);
        extended = hp_rtp_extend(extended, sequence);
        g_assert((uint16_t)extended == sequence);
    }
}

static void fuzz_profile(hp_srtp_profile profile, const uint8_t *data, size_t size)
{
    hp_srtp_keys keys = {.profile = profile, .key = {1}, .salt = {2}};
    g_autoptr(hp_srtp) in = hp_srtp_new(&(hp_srtp_config){.direction = HP_SRTP_INBOUND}, &keys, NULL);
    g_autoptr(hp_srtp) out = hp_srtp_new(&(hp_srtp_config){.direction = HP_SRTP_OUTBOUND}, &keys, NULL);
    g_autofree uint8_t *copy = g_malloc(ROOM);
    size_t len = size;

    g_assert(in != NULL && out != NULL);
    memcpy(copy, data, size);
    g_assert(hp_srtp_unprotect(in, copy, &len) != HP_SRTP_OK && len == size);
    memcpy(copy, data, size);
    g_assert(hp_srtp_unprotect_rtcp(in, copy, &len) != HP_SRTP_OK && len == size);

    memcpy(copy, data, size);
    if (hp_srtp_protect(out, copy, &len, ROOM) == HP_SRTP_OK) {
        g_assert(len == size + hp_srtp_overhead(profile, false));
        g_assert(hp_srtp_unprotect(in, copy, &len) == HP_SRTP_OK);
        g_assert(len == size && memcmp(copy, data, size) == 0);
    }
    memcpy(copy, data, size);
    len = size;
    if (hp_srtp_protect_rtcp(out, copy, &len, ROOM) == HP_SRTP_OK) {
        g_assert(len == size + hp_srtp_overhead(profile, true));
        g_assert(hp_srtp_unprotect_rtcp(in, copy, &len) == HP_SRTP_OK);
        g_assert(len == size && memcmp(copy, data, size) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hp_srtp_profile profiles[] = {HP_SRTP_AES128_CM_HMAC_SHA1_80, HP_SRTP_AEAD_AES_128_GCM,
                                               HP_SRTP_AEAD_AES_256_GCM};
    /* Kept for the process's life: while one context lives, libsrtp's library stays up and others are made fast. */
    static hp_srtp *anchor;
    if (anchor == NULL) {
        hp_srtp_keys keys = {.profile = HP_SRTP_AEAD_AES_128_GCM};
        anchor = hp_srtp_new(&(hp_srtp_config){0}, &keys, NULL);
        g_assert(anchor != NULL);
    }
    if (size == 0 || size > MAX_SIZE) {
        return 0;
    }
    hp_wire_kind kind = hp_wire_classify(data, size);
    g_assert(kind != HP_WIRE_RTP || data[0] >> 6 == 2);
    g_assert(kind != HP_WIRE_RTCP || data[0] >> 6 == 2);
    fuzz_rtp(data, size);
    fuzz_rtcp(data, size);
    fuzz_arithmetic(data, size);
    /* Making a context costs more than everything else: one profile an input, chosen by it. */
    fuzz_profile(profiles[data[size - 1] % G_N_ELEMENTS(profiles)], data, size);
    return 0;
}
