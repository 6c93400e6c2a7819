/* One packet of a capture on one line: tap, direction, addresses, and what it holds.
 *
 * From a trace, or from a trace.pcapng of ours: a run's evidence is often all that is left of it when the report is
 * written. The reader knows just the blocks that trace/pcapng.c writes (little-endian, interfaces before packets, raw
 * IP) and checks every length before it is followed; anything else reads as "no such packet". */
#include "report/report.h"

#include <assert.h>
#include <stdio.h>

#include "wire/packet.h"
#include "wire/stun.h"

static const char *const icmp_names[] = {
    [HP_ICMP_NONE] = "",
    [HP_ICMP_ECHO_REQUEST] = " echo request",
    [HP_ICMP_ECHO_REPLY] = " echo reply",
    [HP_ICMP_PORT_UNREACHABLE] = " port unreachable",
    [HP_ICMP_HOST_UNREACHABLE] = " host unreachable",
    [HP_ICMP_NET_UNREACHABLE] = " net unreachable",
    [HP_ICMP_ADMIN_PROHIBITED] = " administratively prohibited",
    [HP_ICMP_FRAG_NEEDED] = " fragmentation needed",
    [HP_ICMP_TTL_EXCEEDED] = " TTL exceeded",
    [HP_ICMP_REASSEMBLY_TIMEOUT] = " reassembly timeout",
    [HP_ICMP_OTHER] = "",
};
static_assert(G_N_ELEMENTS(icmp_names) == HP_ICMP_OTHER + 1, "one name an ICMP meaning");

typedef struct subject {
    const char *tap;
    bool inwards, corrupt, fragment;
    hp_addr src, dst;
    uint8_t proto, icmp_kind;
    uint32_t length; /* of the IP packet */
    const uint8_t *payload; /* of UDP, or NULL */
    uint32_t payload_length;
} subject;

static char *describe(const subject *s)
{
    if (s->payload != NULL) {
        return hp_wire_describe(s->payload, s->payload_length);
    }
    switch (s->proto) {
    case HP_PROTO_ICMP:
    case HP_PROTO_ICMPV6:
        return g_strconcat("ICMP", s->icmp_kind < G_N_ELEMENTS(icmp_names) ? icmp_names[s->icmp_kind] : "", NULL);
    case HP_PROTO_TCP:
        return g_strdup_printf("TCP, %u bytes in all", s->length);
    case HP_PROTO_UDP:
        return g_strdup_printf("UDP, %u bytes in all", s->length);
    default: /* any other IP protocol number */
        return g_strdup_printf("IP protocol %u, %u bytes in all", s->proto, s->length);
    }
}

static char *line_of(const subject *s)
{
    char src[HP_ADDR_TEXT], dst[HP_ADDR_TEXT];
    g_autofree char *what = describe(s);
    return g_strdup_printf("%s %s %s > %s %s%s%s", s->tap, s->inwards ? "in" : "out", hp_addr_format(&s->src, src),
                           hp_addr_format(&s->dst, dst), what, s->fragment ? " (fragment)" : "",
                           s->corrupt ? " (corrupt)" : "");
}

char *hp_report_packet_line(const hp_trace *trace, uint32_t number)
{
    hp_record r;
    if (!hp_trace_find_packet(trace, number, &r)) {
        return NULL;
    }
    const subject s = {
        .tap = hp_trace_tap_name(trace, r.packet.tap),
        .inwards = r.packet.dir == HP_DIR_IN,
        .corrupt = r.packet.corrupt,
        .fragment = r.packet.fragment,
        .src = r.packet.src,
        .dst = r.packet.dst,
        .proto = r.packet.proto,
        .icmp_kind = r.packet.icmp_kind,
        .length = r.packet.length,
        .payload = r.packet.payload,
        .payload_length = r.packet.payload_length,
    };
    return line_of(&s);
}

/* ---- from a file ---- */

enum { BLOCK_INTERFACE = 1, BLOCK_PACKET = 6, OPT_IF_NAME = 2, OPT_EPB_FLAGS = 2, MAX_BLOCK = 1 << 24 };

static uint16_t read16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The first option of that code from `at` on; NULL when there is none. */
static const uint8_t *find_option(const GByteArray *body, uint32_t at, uint16_t code, uint16_t *ret_length)
{
    while (at <= body->len && body->len - at >= 4) {
        const uint16_t length = read16(body->data + at + 2);
        if (length > body->len - at - 4) {
            return NULL;
        }
        if (read16(body->data + at) == code) {
            *ret_length = length;
            return body->data + at + 4;
        }
        at += 4 + (length + 3u) / 4 * 4;
    }
    return NULL;
}

/* Reads one block. False at the end, or where the file is not what we write. */
static bool read_block(FILE *file, uint32_t *ret_type, GByteArray *body)
{
    uint8_t head[8];
    if (fread(head, sizeof head, 1, file) != 1) {
        return false;
    }
    const uint32_t total = read32(head + 4);
    if (total < 12 || total % 4 != 0 || total > MAX_BLOCK) {
        return false;
    }
    g_byte_array_set_size(body, total - 8);
    if (fread(body->data, body->len, 1, file) != 1 || read32(body->data + body->len - 4) != total) {
        return false;
    }
    g_byte_array_set_size(body, total - 12);
    *ret_type = read32(head);
    return true;
}

static void add_tap(GPtrArray *taps, const GByteArray *body)
{
    uint16_t length = 0;
    const uint8_t *name = find_option(body, 8, OPT_IF_NAME, &length);
    g_ptr_array_add(taps, name != NULL ? g_strndup((const char *)name, length) : g_strdup(""));
}

static char *line_of_block(const GPtrArray *taps, const GByteArray *body)
{
    if (body->len < 20) {
        return NULL;
    }
    const uint32_t tap = read32(body->data), length = read32(body->data + 12);
    if (tap >= taps->len || length > body->len - 20) {
        return NULL;
    }
    uint16_t n_flags = 0;
    const uint8_t *flags = find_option(body, 20 + (length + 3) / 4 * 4, OPT_EPB_FLAGS, &n_flags);
    g_autoptr(hp_packet) p = hp_packet_parse(body->data + 20, length, NULL);
    if (p == NULL) {
        return NULL;
    }
    const subject s = {
        .tap = g_ptr_array_index(taps, tap),
        .inwards = flags != NULL && n_flags == 4 && (flags[0] & 3) == 1,
        .corrupt = p->corrupt,
        .fragment = p->frag_total > 0,
        .src = p->src,
        .dst = p->dst,
        .proto = p->proto,
        .icmp_kind = p->icmp_kind,
        .length = length,
        .payload = p->proto == HP_PROTO_UDP && p->frag_offset == 0 ? p->payload : NULL,
        .payload_length = p->length,
    };
    return line_of(&s);
}

char *hp_report_packet_line_of_file(const char *pcapng_path, uint32_t number)
{
    FILE *file = fopen(pcapng_path, "rbe");
    if (file == NULL) {
        return NULL;
    }
    g_autoptr(GPtrArray) taps = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GByteArray) body = g_byte_array_new();
    char *line = NULL;
    uint32_t type, n = 0;
    while (n < number && read_block(file, &type, body)) {
        if (type == BLOCK_INTERFACE) {
            add_tap(taps, body);
        } else if (type == BLOCK_PACKET && ++n == number) {
            line = line_of_block(taps, body);
        }
    }
    (void)fclose(file);
    return line;
}
