/* Fuzzes everything in wire/ that reads bytes from the network: STUN parsing, walking and every typed reader,
 * integrity and fingerprint checks, ChannelData, demultiplexing, description, matching, IP packets.
 *
 * Besides not crashing, three things must hold. A STUN message rebuilt from its attributes has the same length and the
 * same bytes outside padding. ChannelData written from what was read is a prefix of the input. A parsed IP packet can
 * be written, has the length it announces, and what was written parses again into a packet that is written the same. */
#include <glib.h>
#include <string.h>

#include "wire/demux.h"
#include "wire/match.h"
#include "wire/packet.h"
#include "wire/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_attribute(const hp_stun_msg *m, const hp_stun_attr *a)
{
    hp_addr addr;
    uint32_t u32;
    uint64_t u64;
    unsigned code;
    const char *reason;
    size_t reason_len;
    hp_stun_attr found;
    char text[HP_ADDR_TEXT];

    g_assert(a->value + a->length <= m->data + m->length);
    for (unsigned xored = 0; xored < 2; xored++) {
        if (hp_stun_attr_addr(m, a, xored == 1, &addr)) {
            g_assert(hp_addr_format(&addr, text) == text);
        }
    }
    hp_stun_attr_u32(a, &u32);
    hp_stun_attr_u64(a, &u64);
    if (hp_stun_attr_error(a, &code, &reason, &reason_len)) {
        g_assert(code >= 300 && code <= 699 && reason_len == a->length - 4U);
    }
    g_assert(hp_stun_find(m, a->type, &found));
    hp_stun_find_protected(m, a->type, &found);
}

static void fuzz_stun(const uint8_t *data, size_t size)
{
    static const hp_stun_key key = {.bytes = "secret", .length = 6};
    hp_stun_msg m;
    hp_stun_attr a;
    hp_stun_writer w;
    size_t cursor = 0;

    g_assert(!hp_stun_parse(data, size, &m) || hp_stun_looks_like(data, size));
    if (!hp_stun_parse(data, size, &m)) {
        return;
    }
    g_autofree uint8_t *again = g_malloc(size);
    hp_stun_begin(&w, again, size, m.cls, m.method, m.id, m.data + 4);
    while (hp_stun_next(&m, &cursor, &a)) {
        read_attribute(&m, &a);
        hp_stun_add(&w, a.type, a.value, a.length);
        g_assert(w.overflow || memcmp(again + (a.value - data), a.value, a.length) == 0);
    }
    g_assert(hp_stun_finish(&w) == size && memcmp(again, data, HP_STUN_HEADER) == 0);
    hp_stun_check_integrity(&m, &key, false);
    hp_stun_check_integrity(&m, &key, true);
    hp_stun_check_fingerprint(&m);
}

static void fuzz_channel_data(const uint8_t *data, size_t size)
{
    uint16_t channel;
    const uint8_t *payload;
    size_t len;

    if (hp_channel_data_parse(data, size, &channel, &payload, &len)) {
        g_autofree uint8_t *out = g_malloc(size);
        g_assert(hp_channel_data_write(out, size, channel, payload, len) == len + 4);
        g_assert(memcmp(out, data, len + 4) == 0);
    }
}

static void fuzz_match(const hp_match_subject *s)
{
    uint16_t attribute = HP_STUN_USE_CANDIDATE;
    const hp_match matches[] = {
        {.stun = {.present = HP_ABSENT}, .inside = true},
        {.stun = {.method = HP_STUN_BINDING, .error_code = 400, .integrity = HP_PRESENT}, .inside = true},
        {.stun = {.with = &attribute, .n_with = 1}, .inside = true},
        {.channel = 0x4000, .inside = true},
        {.dtls = HP_PRESENT, .rtp = HP_ABSENT, .rtcp = HP_ABSENT, .inside = true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(matches); i++) {
        hp_match outermost = matches[i];
        outermost.inside = false;
        g_assert(!hp_match_packet(&outermost, s) || hp_match_packet(&matches[i], s));
    }
}

static void fuzz_packet(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_packet) p = hp_packet_parse(data, size, &error);

    g_assert((p == NULL) == (error != NULL));
    if (p == NULL) {
        return;
    }
    g_assert(hp_packet_is_icmp_error(p) == (p->inner != NULL));
    size_t len = hp_packet_wire_length(p);
    g_autofree uint8_t *first = g_malloc(len), *second = g_malloc(len);
    g_assert(len <= size && hp_packet_write(p, first, len) == len);
    g_autoptr(hp_packet) q = hp_packet_parse(first, len, NULL);
    g_assert(q != NULL);
    /* The second parse of a corrupt later fragment cannot know; all else comes back. */
    g_assert(q->corrupt == p->corrupt && q->length == p->length && hp_addr_equal(&q->src, &p->src));
    g_assert(hp_packet_wire_length(q) == len && hp_packet_write(q, second, len) == len);
    g_assert(memcmp(first, second, len) == 0);

    g_autoptr(hp_packet) copy = hp_packet_copy(p);
    hp_match_subject s = hp_match_subject_of(copy);
    fuzz_match(&s);
    hp_addr from = p->dst;
    g_autoptr(hp_packet) report = hp_packet_icmp_error(HP_ICMP_TTL_EXCEEDED, &from, p, 0);
    if (report != NULL) {
        size_t report_len = hp_packet_wire_length(report);
        g_autofree uint8_t *out = g_malloc(report_len);
        g_assert(report_len <= 1280 && hp_packet_write(report, out, report_len) == report_len);
        g_autoptr(hp_packet) read = hp_packet_parse(out, report_len, NULL);
        g_assert(read != NULL && read->inner != NULL && !read->corrupt);
    }
}

/* The same bytes with an IPv4 header that holds: checksums are a wall to a fuzzer. */
static void fuzz_mended_packet(const uint8_t *data, size_t size)
{
    if (size < 20 || size > 65535 || data[0] >> 4 != 4) {
        return;
    }
    g_autofree uint8_t *copy = g_memdup2(data, size);
    size_t header = MIN((size_t)(copy[0] & 15) * 4, size);
    copy[2] = (uint8_t)(size >> 8);
    copy[3] = (uint8_t)size;
    copy[10] = copy[11] = 0;
    uint16_t checksum = (uint16_t)~hp_packet_sum(copy, header);
    copy[10] = (uint8_t)(checksum >> 8);
    copy[11] = (uint8_t)checksum;
    fuzz_packet(copy, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_stun(data, size);
    fuzz_channel_data(data, size);
    fuzz_packet(data, size);
    fuzz_mended_packet(data, size);
    g_autofree char *text = hp_wire_describe(data, size);
    g_assert(g_utf8_validate(text, -1, NULL));
    hp_match_subject s = {.proto = HP_PROTO_UDP, .payload = data, .payload_length = size};
    fuzz_match(&s);
    return 0;
}
