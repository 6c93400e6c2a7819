/* trace.pcapng, written by hand: one section in little-endian byte order, on every machine.
 *
 *   Section Header      who made it, and the caller's comment
 *   Interface           one a tap, in the order of the taps: raw IP, nanoseconds
 *   Name Resolution     one entry an address, with every name it was given, in the order of the naming
 *   Decryption Secrets  what opens the DTLS in it: the lines of dtls-secret events, each once, in the order of the
 *                       first mention. They stand before all packets, as a viewer reads a file from the front
 *   Enhanced Packet     one a packet record, so that frame n in a viewer is packet n of the trace
 *
 * A block is: type, total length, body, options, total length again; everything is padded to 32 bits. A packet's
 * options are its direction at the tap and, as comments, the drops and notes that speak of it. Those come later in the
 * log than their packet, as do secrets, so a first pass gathers where they are.
 *
 * Nothing of the host goes in: no clock, no path, no names but those of the scenario. Run time 0 is HP_EPOCH_S. */
#include "trace/trace.h"

#include <stdlib.h>
#include <string.h>

#include "trace/log.h"
#include "trace/output.h"

enum {
    BLOCK_SECTION = 0x0A0D0D0A,
    BLOCK_INTERFACE = 1,
    BLOCK_NAMES = 4,
    BLOCK_PACKET = 6,
    BLOCK_SECRETS = 10,
    OPT_END = 0,
    OPT_COMMENT = 1,
    OPT_USERAPPL = 4,
    OPT_IF_NAME = 2,
    OPT_IF_TSRESOL = 9,
    OPT_EPB_FLAGS = 2,
    NAMES_END = 0,
    NAMES_IPV4 = 1,
    NAMES_IPV6 = 2,
    SECRETS_TLS_KEY_LOG = 0x544c534b, /* "TLSK" */
    LINKTYPE_RAW = 101,
    FLAGS_INBOUND = 1,
    FLAGS_OUTBOUND = 2,
    /* An option's length has 16 bits. */
    MAX_OPTION = 65532,
    /* Remarks shown on one packet; a viewer refuses blocks of many megabytes. */
    MAX_REMARKS = 64,
    /* Bytes of secrets after which another block is begun, for the same reason. */
    MAX_SECRETS = 1 << 20,
};
#define BYTE_ORDER_MAGIC UINT32_C(0x1A2B3C4D)

/* ---- blocks ---- */

static void put16(GByteArray *block, uint16_t value)
{
    const uint16_t le = GUINT16_TO_LE(value);
    g_byte_array_append(block, (const uint8_t *)&le, sizeof le);
}

static void put32(GByteArray *block, uint32_t value)
{
    const uint32_t le = GUINT32_TO_LE(value);
    g_byte_array_append(block, (const uint8_t *)&le, sizeof le);
}

static void put_padded(GByteArray *block, const void *bytes, size_t n)
{
    static const uint8_t zeroes[4] = {0};
    g_byte_array_append(block, bytes, (guint)n);
    g_byte_array_append(block, zeroes, (guint)(-n & 3));
}

static void put_option(GByteArray *block, uint16_t code, const void *value, size_t n)
{
    put16(block, code);
    put16(block, (uint16_t)n);
    put_padded(block, value, n);
}

/* Text as an option: valid UTF-8, and cut at a character's edge where it is too long for one. */
static void put_text_option(GByteArray *block, uint16_t code, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    size_t n = strlen(valid);
    if (n > MAX_OPTION) {
        n = (size_t)(g_utf8_find_prev_char(valid, valid + MAX_OPTION + 1) - valid);
    }
    put_option(block, code, valid, n);
}

/* Starts a block; its length is filled in by end_block(). */
static void begin_block(GByteArray *block, uint32_t type)
{
    g_byte_array_set_size(block, 0);
    put32(block, type);
    put32(block, 0);
}

static void end_block(GByteArray *block, hp_output *o)
{
    const uint32_t length = GUINT32_TO_LE(block->len + 4);
    memcpy(block->data + 4, &length, sizeof length);
    put32(block, block->len + 4);
    hp_output_bytes(o, block->data, block->len);
}

/* ---- the parts before the packets ---- */

static void write_section(const hp_trace *trace, GByteArray *block, hp_output *o, const char *comment)
{
    begin_block(block, BLOCK_SECTION);
    put32(block, BYTE_ORDER_MAGIC);
    put16(block, 1);
    put16(block, 0);
    put32(block, UINT32_MAX); /* the section's length is not given: 64 bits of ones */
    put32(block, UINT32_MAX);
    if (comment != NULL && comment[0] != '\0') {
        put_text_option(block, OPT_COMMENT, comment);
    }
    if (hp_trace_overflowed(trace)) {
        g_autofree char *text = g_strdup_printf(
            "incomplete: the trace was full, %" G_GUINT64_FORMAT " later records are missing", hp_trace_n_lost(trace));
        put_text_option(block, OPT_COMMENT, text);
    }
    put_text_option(block, OPT_USERAPPL, "Hairpin " HAIRPIN_VERSION);
    put_option(block, OPT_END, NULL, 0);
    end_block(block, o);
}

static void write_interfaces(const hp_trace *trace, GByteArray *block, hp_output *o)
{
    static const uint8_t nanoseconds = 9;
    const unsigned n_taps = hp_trace_n_taps(trace);
    for (unsigned tap = 0; tap < n_taps; tap++) {
        begin_block(block, BLOCK_INTERFACE);
        put16(block, LINKTYPE_RAW);
        put16(block, 0);
        put32(block, 0); /* packets are never cut */
        put_text_option(block, OPT_IF_NAME, hp_trace_tap_name(trace, tap));
        put_option(block, OPT_IF_TSRESOL, &nanoseconds, 1);
        put_option(block, OPT_END, NULL, 0);
        end_block(block, o);
    }
}

typedef struct named_addr {
    hp_addr addr;
    GPtrArray *names; /* interned text, in the order of the naming */
} named_addr;

static void free_named(gpointer data)
{
    named_addr *named = data;
    g_ptr_array_unref(named->names);
    g_free(named);
}

static void add_name(GPtrArray *list, GHashTable *by_addr, const hp_addr *addr, const char *name)
{
    named_addr *named = g_hash_table_lookup(by_addr, addr);
    if (named == NULL) {
        named = g_new0(named_addr, 1);
        named->addr = *addr;
        named->names = g_ptr_array_new();
        g_ptr_array_add(list, named);
        g_hash_table_insert(by_addr, &named->addr, named);
    }
    if (name[0] != '\0' && !g_ptr_array_find_with_equal_func(named->names, name, g_str_equal, NULL)) {
        g_ptr_array_add(named->names, (gpointer)name);
    }
}

static void put_named(GByteArray *block, const named_addr *named)
{
    g_autoptr(GByteArray) record = g_byte_array_new();
    const bool is_v4 = named->addr.family == HP_AF_IPV4;
    g_byte_array_append(record, named->addr.ip, is_v4 ? 4 : 16);
    for (unsigned i = 0; i < named->names->len; i++) {
        g_autofree char *valid = g_utf8_make_valid(g_ptr_array_index(named->names, i), -1);
        const size_t n = strlen(valid) + 1;
        if (record->len + n > MAX_OPTION) {
            break;
        }
        g_byte_array_append(record, (const uint8_t *)valid, (guint)n);
    }
    if (record->len > (is_v4 ? 4 : 16)) {
        put_option(block, is_v4 ? NAMES_IPV4 : NAMES_IPV6, record->data, record->len);
    }
}

static void write_names(const hp_trace *trace, GByteArray *block, hp_output *o)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_named);
    g_autoptr(GHashTable) by_addr = g_hash_table_new(hp_addr_key_hash, hp_addr_key_equal);
    const uint64_t end = hp_log_end(trace);
    const hp_log_head *head;
    for (uint64_t at = HP_LOG_RECORDS; (head = hp_log_checked(trace, at, end)) != NULL; at += head->size) {
        if (head->kind == HP_LOG_NAME) {
            const hp_log_name *r = (const hp_log_name *)(const void *)head;
            add_name(list, by_addr, &r->addr, hp_log_text(trace->base, end, r->name));
        }
    }
    if (list->len == 0) {
        return;
    }
    begin_block(block, BLOCK_NAMES);
    for (unsigned i = 0; i < list->len; i++) {
        put_named(block, g_ptr_array_index(list, i));
    }
    put_option(block, NAMES_END, NULL, 0);
    end_block(block, o);
}

/* ---- what is told later than where it is shown ---- */

/* Where a drop or a note is, and of which packet it speaks. */
typedef struct remark {
    uint32_t packet;
    hp_trace_cursor cursor;
} remark;

typedef struct gathered {
    GArray *remarks; /* by packet, and in the order of the log for each */
    GArray *secrets; /* hp_trace_cursor of dtls-secret events */
} gathered;

static int compare_remarks(const void *a, const void *b)
{
    const remark *x = a, *y = b;
    if (x->packet != y->packet) {
        return x->packet < y->packet ? -1 : 1;
    }
    return x->cursor.index < y->cursor.index ? -1 : x->cursor.index > y->cursor.index;
}

/* Most records are packets and other events: only the heads of those are looked at. */
static gathered gather(const hp_trace *trace)
{
    gathered all = {g_array_new(FALSE, FALSE, sizeof(remark)), g_array_new(FALSE, FALSE, sizeof(hp_trace_cursor))};
    const uint64_t end = hp_log_end(trace);
    const hp_log_head *head;
    for (uint64_t at = HP_LOG_RECORDS; (head = hp_log_checked(trace, at, end)) != NULL; at += head->size) {
        const hp_trace_cursor cursor = {.offset = at, .index = head->records - 1};
        if (head->kind == HP_LOG_EVENT && ((const hp_log_event *)(const void *)head)->kind == HP_EV_DTLS_SECRET) {
            g_array_append_val(all.secrets, cursor);
            continue;
        }
        const remark found = {head->kind == HP_LOG_DROP   ? ((const hp_log_drop *)(const void *)head)->packet
                              : head->kind == HP_LOG_NOTE ? ((const hp_log_note *)(const void *)head)->packet
                                                          : 0,
                              cursor};
        if (found.packet != 0) {
            g_array_append_val(all.remarks, found);
        }
    }
    if (all.remarks->len > 1) {
        qsort(all.remarks->data, all.remarks->len, sizeof(remark), compare_remarks);
    }
    return all;
}

static void gathered_clear(gathered *all)
{
    g_array_unref(all->remarks);
    g_array_unref(all->secrets);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(gathered, gathered_clear)

/* ---- secrets ---- */

static void write_key_log(GByteArray *block, GString *lines, hp_output *o)
{
    if (lines->len == 0) {
        return;
    }
    begin_block(block, BLOCK_SECRETS);
    put32(block, SECRETS_TLS_KEY_LOG);
    put32(block, (uint32_t)lines->len);
    put_padded(block, lines->str, lines->len);
    end_block(block, o);
    g_string_truncate(lines, 0);
}

static void write_secrets(const hp_trace *trace, GByteArray *block, hp_output *o, const GArray *secrets)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) lines = g_string_new(NULL);
    for (unsigned i = 0; i < secrets->len; i++) {
        hp_trace_cursor cursor = g_array_index(secrets, hp_trace_cursor, i);
        hp_record r;
        const char *line = hp_trace_next(trace, &cursor, &r) ? hp_record_text(&r, "line") : "";
        if (line[0] == '\0' || !g_hash_table_add(known, (gpointer)line)) {
            continue;
        }
        if (lines->len + strlen(line) >= MAX_SECRETS) {
            write_key_log(block, lines, o);
        }
        g_string_append(lines, line);
        g_string_append_c(lines, '\n');
    }
    write_key_log(block, lines, o);
}

/* ---- packets ---- */

static char *drop_comment(const hp_record *drop, hp_time packet_at)
{
    char span[HP_TIME_TEXT];
    const bool later = drop->at > packet_at;
    return g_strdup_printf("dropped at %s%s%s: %s (%s)%s%s", drop->drop.place, later ? " after " : "",
                           later ? hp_time_format(drop->at - packet_at, span) : "", hp_drop_name(drop->drop.reason),
                           hp_drop_doc(drop->drop.reason), drop->drop.detail[0] != '\0' ? ": " : "", drop->drop.detail);
}

static void put_remark(const hp_trace *trace, GByteArray *block, const remark *m, hp_time packet_at)
{
    hp_trace_cursor cursor = m->cursor;
    hp_record r;
    if (!hp_trace_next(trace, &cursor, &r)) {
        return;
    }
    if (r.type == HP_RECORD_NOTE) {
        put_text_option(block, OPT_COMMENT, r.note.text);
    } else if (r.type == HP_RECORD_DROP) {
        g_autofree char *text = drop_comment(&r, packet_at);
        put_text_option(block, OPT_COMMENT, text);
    }
}

/* Puts the comments of packet `number`, whose remarks start at *next or later, and moves *next past them. */
static void put_remarks(const hp_trace *trace, GByteArray *block, GArray *remarks, unsigned *next, uint32_t number,
                        hp_time packet_at)
{
    unsigned n = 0;
    for (; *next < remarks->len; (*next)++) {
        const remark *m = &g_array_index(remarks, remark, *next);
        if (m->packet > number) {
            break;
        }
        if (m->packet == number && n++ < MAX_REMARKS) {
            put_remark(trace, block, m, packet_at);
        }
    }
    if (n > MAX_REMARKS) {
        g_autofree char *text = g_strdup_printf("and %u more remarks, see events.jsonl", n - MAX_REMARKS);
        put_text_option(block, OPT_COMMENT, text);
    }
}

/* What stands before a packet's bytes, and behind them when there is no remark: most packets are this and nothing else,
 * so it is laid out once and copied. */
typedef struct packet_head {
    uint32_t type, total, tap, high, low, captured, length;
} packet_head;
typedef struct packet_tail {
    uint16_t flags_code, flags_length;
    uint32_t flags;
    uint16_t end_code, end_length;
    uint32_t total;
} packet_tail;
G_STATIC_ASSERT(sizeof(packet_head) == 28 && sizeof(packet_tail) == 16);

static packet_head packet_head_of(const hp_record *r)
{
    const uint64_t stamp = HP_EPOCH_S * HP_S + r->at;
    return (packet_head){.type = GUINT32_TO_LE(BLOCK_PACKET),
                         .tap = GUINT32_TO_LE(r->packet.tap),
                         .high = GUINT32_TO_LE((uint32_t)(stamp >> 32)),
                         .low = GUINT32_TO_LE((uint32_t)stamp),
                         .captured = GUINT32_TO_LE(r->packet.length),
                         .length = GUINT32_TO_LE(r->packet.length)};
}

static uint32_t packet_flags(const hp_record *r)
{
    return GUINT32_TO_LE(r->packet.dir == HP_DIR_IN ? FLAGS_INBOUND : FLAGS_OUTBOUND);
}

static void write_plain_packet(hp_output *o, const hp_record *r)
{
    const size_t padding = -r->packet.length & 3;
    packet_head head = packet_head_of(r);
    const uint32_t total = (uint32_t)(sizeof head + r->packet.length + padding + sizeof(packet_tail));
    head.total = GUINT32_TO_LE(total);
    const packet_tail tail = {.flags_code = GUINT16_TO_LE(OPT_EPB_FLAGS),
                              .flags_length = GUINT16_TO_LE(4),
                              .flags = packet_flags(r),
                              .total = GUINT32_TO_LE(total)};
    hp_output_bytes(o, &head, sizeof head);
    hp_output_bytes(o, r->packet.bytes, r->packet.length);
    memset(hp_output_room(o, padding), 0, padding);
    o->at += padding;
    hp_output_bytes(o, &tail, sizeof tail);
}

/* A packet with remarks, whose first is at *next. */
static void write_remarked_packet(const hp_trace *trace, GByteArray *block, hp_output *o, GArray *remarks,
                                  unsigned *next, const hp_record *r)
{
    const packet_head head = packet_head_of(r);
    const uint32_t flags = packet_flags(r);
    g_byte_array_set_size(block, 0);
    g_byte_array_append(block, (const uint8_t *)&head, sizeof head);
    put_padded(block, r->packet.bytes, r->packet.length);
    put_option(block, OPT_EPB_FLAGS, &flags, sizeof flags);
    put_remarks(trace, block, remarks, next, r->packet.number, r->at);
    put_option(block, OPT_END, NULL, 0);
    end_block(block, o);
}

static void write_packets(const hp_trace *trace, GByteArray *block, hp_output *o, GArray *remarks)
{
    unsigned next = 0;
    const unsigned n_taps = hp_trace_n_taps(trace);
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_PACKET, &r)) {
        if (r.packet.tap >= n_taps) {
            continue;
        }
        if (next < remarks->len && g_array_index(remarks, remark, next).packet <= r.packet.number) {
            write_remarked_packet(trace, block, o, remarks, &next, &r);
        } else {
            write_plain_packet(o, &r);
        }
    }
}

bool hp_trace_write_pcapng(const hp_trace *trace, const char *path, const char *comment, GError **error)
{
    hp_output *o = hp_output_open(path, error);
    if (o == NULL) {
        return false;
    }
    g_autoptr(GByteArray) block = g_byte_array_sized_new(2048);
    write_section(trace, block, o, comment);
    write_interfaces(trace, block, o);
    write_names(trace, block, o);
    g_auto(gathered) all = gather(trace);
    write_secrets(trace, block, o, all.secrets);
    write_packets(trace, block, o, all.remarks);
    return hp_output_close(o, error);
}
