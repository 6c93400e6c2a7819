/* trace.pcapng read back: the blocks that trace/pcapng.c writes, and no others, since a general reader (libpcap's) loses
 * the interfaces' names. Little-endian, one section, raw IP, nanoseconds; blocks of types that are not looked at are
 * passed over.
 *
 * The file is mapped and walked once; a length is checked before it is followed. */
#include "report/evidence.h"

#include "base/error.h"

enum {
    BLOCK_SECTION = 0x0A0D0D0A,
    BLOCK_INTERFACE = 1,
    BLOCK_NAMES = 4,
    BLOCK_PACKET = 6,
    OPT_END = 0,
    OPT_IF_NAME = 2,
    OPT_IF_TSRESOL = 9,
    OPT_EPB_FLAGS = 2,
    NAMES_IPV4 = 1,
    NAMES_IPV6 = 2,
    LINKTYPE_RAW = 101,
    NANOSECONDS = 9,
    VERSION = 1,
    BLOCK_FRAME = 12, /* type, length, length again */
    SECTION_BODY = 16,
    INTERFACE_BODY = 8,
    PACKET_BODY = 20,
};
#define BYTE_ORDER_MAGIC UINT32_C(0x1A2B3C4D)

typedef struct reader {
    const char *path;
    const hp_evidence_capture *fns;
    void *user;
    bool in_section, enough;
    unsigned n_taps;
    uint32_t n_packets;
} reader;

/* A stretch of bytes of the file. */
typedef struct span {
    const uint8_t *data;
    size_t length;
} span;

static uint16_t read16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static size_t padded(size_t n)
{
    return (n + 3) / 4 * 4;
}

static bool refuse(const reader *r, GError **error, const char *what)
{
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s, after packet %u", r->path, what, r->n_packets);
    return false;
}

/* Takes the next option (or name record, which has the same frame) off the front of `rest`. False at the end. */
static bool next_option(span *rest, uint16_t *ret_code, span *ret_value)
{
    if (rest->length < 4) {
        return false;
    }
    const uint16_t code = read16(rest->data);
    const size_t length = read16(rest->data + 2);
    if (code == OPT_END || length > rest->length - 4) {
        return false;
    }
    *ret_code = code;
    *ret_value = (span){rest->data + 4, length};
    const size_t taken = MIN(4 + padded(length), rest->length);
    *rest = (span){rest->data + taken, rest->length - taken};
    return true;
}

static bool find_option(span rest, uint16_t code, span *ret)
{
    uint16_t found;
    span value;
    while (next_option(&rest, &found, &value)) {
        if (found == code) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool read_section(reader *r, span body, GError **error)
{
    if (r->in_section || body.length < SECTION_BODY || read32(body.data) != BYTE_ORDER_MAGIC) {
        return refuse(r, error, "not a capture that Hairpin wrote");
    }
    if (read16(body.data + 4) != VERSION) {
        return refuse(r, error, "pcapng of another version");
    }
    r->in_section = true;
    return true;
}

static bool read_interface(reader *r, span body, GError **error)
{
    span value;
    if (body.length < INTERFACE_BODY || read16(body.data) != LINKTYPE_RAW ||
        !find_option((span){body.data + INTERFACE_BODY, body.length - INTERFACE_BODY}, OPT_IF_TSRESOL, &value) ||
        value.length != 1 || value.data[0] != NANOSECONDS) {
        return refuse(r, error, "an interface that Hairpin did not write");
    }
    g_autofree char *name = NULL;
    if (find_option((span){body.data + INTERFACE_BODY, body.length - INTERFACE_BODY}, OPT_IF_NAME, &value)) {
        name = g_strndup((const char *)value.data, value.length);
    }
    r->n_taps++;
    r->fns->tap(name != NULL ? name : "", r->user);
    return true;
}

static void read_names(const reader *r, span body)
{
    uint16_t code;
    span value;
    while (next_option(&body, &code, &value)) {
        const size_t n = code == NAMES_IPV4 ? 4 : code == NAMES_IPV6 ? 16 : 0;
        if (n == 0 || value.length < n) {
            continue;
        }
        hp_addr addr = {.family = code == NAMES_IPV4 ? HP_AF_IPV4 : HP_AF_IPV6};
        memcpy(addr.ip, value.data, n);
        for (size_t at = n; at < value.length;) {
            g_autofree char *name = g_strndup((const char *)value.data + at, value.length - at);
            r->fns->name(name, &addr, r->user);
            at += strlen(name) + 1;
        }
    }
}

static bool read_packet(reader *r, span body, GError **error)
{
    if (body.length < PACKET_BODY) {
        return refuse(r, error, "a packet that is cut short");
    }
    const size_t length = read32(body.data + 12);
    if (length > body.length - PACKET_BODY || read32(body.data) >= r->n_taps) {
        return refuse(r, error, "a packet that is cut short, or of no interface");
    }
    if (r->fns->wanted != NULL && !r->fns->wanted(r->n_packets + 1, r->user)) {
        r->n_packets++;
        return true;
    }
    const uint64_t stamp = (uint64_t)read32(body.data + 4) << 32 | read32(body.data + 8);
    const size_t options = MIN(PACKET_BODY + padded(length), body.length);
    span flags;
    const bool has_flags =
        find_option((span){body.data + options, body.length - options}, OPT_EPB_FLAGS, &flags) && flags.length == 4;
    g_autoptr(hp_packet) packet = hp_packet_parse(body.data + PACKET_BODY, length, NULL);
    const hp_evidence_packet told = {.number = ++r->n_packets,
                                     .at = stamp > HP_EPOCH_S * HP_S ? stamp - HP_EPOCH_S * HP_S : 0,
                                     .tap = read32(body.data),
                                     .inwards = has_flags && (flags.data[0] & 3) == 1,
                                     .packet = packet,
                                     .length = (uint32_t)length};
    r->enough = !r->fns->packet(&told, r->user);
    return true;
}

static bool read_block(reader *r, uint32_t type, span body, GError **error)
{
    if (!r->in_section && type != BLOCK_SECTION) {
        return refuse(r, error, "not a capture that Hairpin wrote");
    }
    switch (type) {
    case BLOCK_SECTION:
        return read_section(r, body, error);
    case BLOCK_INTERFACE:
        return read_interface(r, body, error);
    case BLOCK_NAMES:
        read_names(r, body);
        return true;
    case BLOCK_PACKET:
        return read_packet(r, body, error);
    default: /* secrets, and whatever later versions add */
        return true;
    }
}

bool hp_evidence_read_capture(const char *path, const hp_evidence_capture *fns, void *user, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, &cause);
    if (file == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s", cause->message);
        return false;
    }
    reader r = {.path = path, .fns = fns, .user = user};
    span rest = {(const uint8_t *)g_mapped_file_get_contents(file), g_mapped_file_get_length(file)};
    while (rest.length > 0 && !r.enough) {
        const size_t total = rest.length >= BLOCK_FRAME ? read32(rest.data + 4) : 0;
        if (total < BLOCK_FRAME || total % 4 != 0 || total > rest.length || read32(rest.data + total - 4) != total) {
            return refuse(&r, error, r.in_section ? "the file is cut off" : "not a capture that Hairpin wrote");
        }
        if (!read_block(&r, read32(rest.data), (span){rest.data + 8, total - BLOCK_FRAME}, error)) {
            return false;
        }
        rest = (span){rest.data + total, rest.length - total};
    }
    return r.in_section || refuse(&r, error, "the file is empty");
}
