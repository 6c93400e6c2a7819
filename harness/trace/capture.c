/* Reading recordings: UDP payloads and their times out of a pcap or pcapng file, over libpcap.
 *
 *   frame    link header (by the file's link type), VLAN tags
 *   packet   IPv4 or IPv6, as its own version field says; IPv6 extension headers (RFC 8200 section 4)
 *   datagram UDP; its payload is kept
 *
 * A recording is somebody's evidence, so more is taken than a receiving host would take: checksums are not looked at,
 * as a capture made where a packet is sent shows them before the hardware fills them in, and bytes behind the end of
 * the IP packet are what Ethernet pads with. What is not a whole datagram is passed over and counted: other protocols,
 * fragments of either family (a whole packet with a fragment header, RFC 6946, is no fragment), frames that the
 * snapshot length cut.
 *
 * Times keep their distances: they count from the first datagram, which is at 0, in nanoseconds whatever the file's
 * resolution. A clock that was set back during the recording stands still until it has caught up.
 *
 * Payloads lie one behind the other in one block of memory. Limits: 1 GiB of payload; one link type a file, which is
 * libpcap's own limit (capture_file.c); at most 8 VLAN tags and 16 extension headers a frame. */
#include "trace/capture.h"

#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "trace/capture_file.h"
#include "wire/bytes.h"

enum {
    ETHERTYPE_V4 = 0x0800,
    ETHERTYPE_V6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100, /* IEEE 802.1Q; the next two are outer tags (802.1ad, and before it) */
    ETHERTYPE_SERVICE = 0x88a8,
    ETHERTYPE_QINQ = 0x9100,
    ETHERNET_HEADER = 14,
    VLAN_TAG = 4,
    FAMILY_HEADER = 4, /* of BSD's loopback */
    MAX_TAGS = 8,
    MAX_EXTENSIONS = 16,
    PROTO_UDP = 17,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    UDP_HEADER = 8,
};
#define MAX_BYTES (UINT32_C(1) << 30)

typedef struct span {
    const uint8_t *at;
    size_t n;
} span;

/* Moves past n bytes; false when there are not as many. */
static bool skip(span *s, size_t n)
{
    if (n > s->n) {
        return false;
    }
    s->at += n;
    s->n -= n;
    return true;
}

/* Cuts what lies behind n bytes; false when there are not as many. */
static bool cut(span *s, size_t n)
{
    if (n > s->n) {
        return false;
    }
    s->n = n;
    return true;
}

/* ---- the link's header ---- */

/* From an EtherType at `type`, with `s` behind it, to the IP packet. */
static bool skip_tags(uint16_t type, span *s)
{
    for (unsigned i = 0; i < MAX_TAGS; i++) {
        if (type != ETHERTYPE_VLAN && type != ETHERTYPE_SERVICE && type != ETHERTYPE_QINQ) {
            break;
        }
        const uint8_t *tag = s->at;
        if (!skip(s, VLAN_TAG)) {
            return false;
        }
        type = hp_get16(tag + 2);
    }
    return type == ETHERTYPE_V4 || type == ETHERTYPE_V6;
}

/* A header of `length` bytes with an EtherType at `at`. */
static bool skip_typed(span *s, size_t length, size_t at)
{
    const uint8_t *header = s->at;
    return skip(s, length) && skip_tags(hp_get16(header + at), s);
}

static bool link_is_known(int link_type)
{
    switch (link_type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
        return true;
    default: /* libpcap knows some two hundred more */
        return false;
    }
}

/* Leaves the IP packet, perhaps with padding behind it. */
static bool skip_link(int link_type, span *s)
{
    switch (link_type) {
    case DLT_EN10MB:
        return skip_typed(s, ETHERNET_HEADER, 12);
    case DLT_LINUX_SLL:
        return skip_typed(s, SLL_HDR_LEN, 14);
    case DLT_LINUX_SLL2:
        return skip_typed(s, SLL2_HDR_LEN, 0);
    case DLT_NULL:
    case DLT_LOOP:
        /* An address family, whose number for IPv6 depends on the system: the packet's version field says it too. */
        return skip(s, FAMILY_HEADER);
    default:
        return true;
    }
}

/* ---- IP and UDP ---- */

/* Leaves what follows the IPv4 header, and is not beyond the packet's end. */
static bool skip_ipv4(span *s)
{
    if (s->n < IPV4_HEADER) {
        return false;
    }
    const uint8_t *header = s->at;
    const size_t length = (size_t)(header[0] & 0x0f) * 4;
    const bool fragment = (hp_get16(header + 6) & 0x3fff) != 0; /* more to come, or an offset */
    return length >= IPV4_HEADER && !fragment && header[9] == PROTO_UDP && cut(s, hp_get16(header + 2)) &&
           skip(s, length);
}

/* The same for IPv6 and its extension headers. */
static bool skip_ipv6(span *s)
{
    if (s->n < IPV6_HEADER) {
        return false;
    }
    uint8_t next = s->at[6];
    if (!cut(s, IPV6_HEADER + (size_t)hp_get16(s->at + 4)) || !skip(s, IPV6_HEADER)) {
        return false;
    }
    for (unsigned i = 0; i < MAX_EXTENSIONS && next != PROTO_UDP; i++) {
        if (s->n < 8) {
            return false;
        }
        const uint8_t *header = s->at;
        size_t length = ((size_t)header[1] + 1) * 8;
        switch (next) {
        case 0: /* hop by hop */
        case 43: /* routing */
        case 60: /* destination options */
        case 135: /* mobility */
            break;
        case 44: /* fragment: one with neither an offset nor more to come is whole */
            if ((hp_get16(header + 2) & 0xfff9) != 0) {
                return false;
            }
            length = 8;
            break;
        case 51: /* authentication (RFC 4302 section 2.2) */
            length = ((size_t)header[1] + 2) * 4;
            break;
        default:
            return false;
        }
        next = header[0];
        if (!skip(s, length)) {
            return false;
        }
    }
    return next == PROTO_UDP;
}

/* Leaves the UDP payload. */
static bool skip_to_payload(int link_type, span *s)
{
    if (!skip_link(link_type, s) || s->n == 0) {
        return false;
    }
    const unsigned version = s->at[0] >> 4;
    if (!(version == 4 ? skip_ipv4(s) : version == 6 && skip_ipv6(s)) || s->n < UDP_HEADER) {
        return false;
    }
    const size_t length = hp_get16(s->at + 4);
    return length >= UDP_HEADER && cut(s, length) && skip(s, UDP_HEADER);
}

/* ---- a file ---- */

typedef struct reader {
    hp_capture capture;
    GByteArray *bytes; /* payloads, in the order of `list` */
    GArray *list; /* hp_captured; data is set at the end, when bytes no longer moves */
    bool has_start;
    int64_t start; /* of the first datagram on the file's clock */
} reader;

static void reader_free(reader *r)
{
    g_byte_array_unref(r->bytes);
    g_array_unref(r->list);
    g_free(r);
}

/* Nanoseconds since 1970, held inside what 64 bits can say: a damaged file's times may be anything. */
static int64_t stamp_of(const struct pcap_pkthdr *header)
{
    const int64_t last = INT64_MAX / (int64_t)HP_S - 1;
    const int64_t seconds = CLAMP((int64_t)header->ts.tv_sec, 0, last);
    return seconds * (int64_t)HP_S + CLAMP((int64_t)header->ts.tv_usec, 0, (int64_t)HP_S - 1);
}

static bool take_frame(reader *r, int link_type, const struct pcap_pkthdr *header, const uint8_t *data,
                       const char *path, GError **error)
{
    span s = {data, header->caplen};
    if (!skip_to_payload(link_type, &s)) {
        r->capture.n_skipped++;
        return true;
    }
    if (s.n > MAX_BYTES - r->bytes->len) {
        g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "%s: more than 1 GiB of datagrams", path);
        return false;
    }
    const int64_t stamp = stamp_of(header);
    if (!r->has_start) {
        r->has_start = true;
        r->start = stamp;
    }
    const hp_time before = r->list->len > 0 ? g_array_index(r->list, hp_captured, r->list->len - 1).at : 0;
    const hp_time after = stamp > r->start ? (hp_time)(stamp - r->start) : 0;
    const hp_captured taken = {.at = MAX(before, after), .len = s.n};
    g_byte_array_append(r->bytes, s.at, (guint)s.n);
    g_array_append_val(r->list, taken);
    return true;
}

static bool read_frames(reader *r, pcap_t *pcap, FILE *file, const char *path, GError **error)
{
    const int link_type = pcap_datalink(pcap);
    if (!link_is_known(link_type)) {
        const char *name = pcap_datalink_val_to_name(link_type);
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID,
                    "%s: its link type is %s (%d); Ethernet, raw IP, Linux cooked and loopback are known", path,
                    name != NULL ? name : "unknown", link_type);
        return false;
    }
    struct pcap_pkthdr *header;
    const u_char *data;
    int got;
    while ((got = pcap_next_ex(pcap, &header, &data)) == 1) {
        if (!take_frame(r, link_type, header, data, path, error)) {
            return false;
        }
    }
    if (got == PCAP_ERROR) {
        const bool unreadable = ferror(file) != 0;
        g_set_error(error, HP_ERROR, unreadable ? HP_ERROR_IO : HP_ERROR_INVALID, "%s: after %zu frames: %s", path,
                    r->list->len + r->capture.n_skipped, pcap_geterr(pcap));
        return false;
    }
    if (r->list->len == 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: no UDP datagram among its %zu frames", path,
                    r->capture.n_skipped);
        return false;
    }
    return true;
}

/* The list gets its pointers; from now on nothing changes. */
static hp_capture *finish(reader *r)
{
    size_t at = 0;
    for (unsigned i = 0; i < r->list->len; i++) {
        hp_captured *c = &g_array_index(r->list, hp_captured, i);
        c->data = r->bytes->data + at;
        at += c->len;
    }
    r->capture.datagrams = (hp_captured *)(void *)r->list->data;
    r->capture.n = r->list->len;
    g_atomic_ref_count_init(&r->capture.refs);
    return &r->capture;
}

hp_capture *hp_capture_read(const char *path, GError **error)
{
    g_auto(hp_capture_file) file = {0};
    if (!hp_capture_file_open(path, &file, error)) {
        return NULL;
    }
    char why[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap = pcap_fopen_offline_with_tstamp_precision(file.stream, PCAP_TSTAMP_PRECISION_NANO, why);
    if (pcap == NULL) {
        g_set_error(error, HP_ERROR, ferror(file.stream) != 0 ? HP_ERROR_IO : HP_ERROR_INVALID, "%s: no capture: %s",
                    path, why);
        return NULL;
    }
    reader *r = g_new0(reader, 1);
    r->bytes = g_byte_array_sized_new(4096); /* never without memory, so that an empty payload has a place too */
    r->list = g_array_new(FALSE, FALSE, sizeof(hp_captured));
    const bool read = read_frames(r, pcap, file.stream, path, error);
    pcap_close(pcap);
    file.stream = NULL; /* went with it */
    if (!read) {
        reader_free(r);
        return NULL;
    }
    return finish(r);
}

hp_capture *hp_capture_ref(hp_capture *capture)
{
    g_atomic_ref_count_inc(&capture->refs);
    return capture;
}

void hp_capture_unref(hp_capture *capture)
{
    if (capture != NULL && g_atomic_ref_count_dec(&capture->refs)) {
        reader_free((reader *)capture);
    }
}
