/* The log: what is written is read back, also by a parent whose child was killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "trace/log.h"
#include "trace/trace.h"

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static hp_packet *udp(const char *src, const char *dst, const char *payload)
{
    const hp_addr from = addr(src), to = addr(dst);
    return hp_packet_new(HP_PROTO_UDP, &from, &to, payload, strlen(payload));
}

static hp_record next(const hp_trace *trace, hp_trace_cursor *cursor)
{
    hp_record r;
    assert_true(hp_trace_next(trace, cursor, &r));
    return r;
}

static void an_empty_trace(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    hp_trace_cursor cursor = {0};
    hp_record r;
    assert_false(hp_trace_next(trace, &cursor, &r));
    assert_false(hp_trace_find_packet(trace, 1, &r));
    assert_int_equal(hp_trace_n_records(trace), 0);
    assert_int_equal(hp_trace_n_packets(trace), 0);
    assert_int_equal(hp_trace_n_taps(trace), 0);
    assert_int_equal(hp_trace_end(trace), 0);
    assert_string_equal(hp_trace_tap_name(trace, 0), "");
    assert_false(hp_trace_overflowed(trace));
}

static void packets_read_back(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const uint32_t tap = hp_trace_tap(trace, "alice");
    g_autoptr(hp_packet) p = udp("192.168.1.2:5000", "203.0.113.1:3478", "hello");
    p->uid = 77;
    p->ttl = 9;
    p->tos = 0xb8;
    assert_int_equal(hp_trace_packet(trace, 5, tap, HP_DIR_OUT, p), 1);
    assert_int_equal(p->last_record, 1);
    p->corrupt = true;
    assert_int_equal(hp_trace_packet(trace, 6, tap, HP_DIR_IN, p), 2);
    assert_int_equal(p->last_record, 2);

    hp_trace_cursor cursor = {0};
    hp_record r = next(trace, &cursor);
    assert_int_equal(r.type, HP_RECORD_PACKET);
    assert_int_equal(r.at, 5);
    assert_int_equal(r.index, 0);
    assert_int_equal(r.packet.number, 1);
    assert_int_equal(r.packet.tap, tap);
    assert_int_equal(r.packet.dir, HP_DIR_OUT);
    assert_int_equal(r.packet.uid, 77);
    assert_true(hp_addr_equal(&r.packet.src, &p->src));
    assert_true(hp_addr_equal(&r.packet.dst, &p->dst));
    assert_int_equal(r.packet.proto, HP_PROTO_UDP);
    assert_int_equal(r.packet.ttl, 9);
    assert_int_equal(r.packet.tos, 0xb8);
    assert_false(r.packet.fragment);
    assert_false(r.packet.corrupt);
    assert_int_equal(r.packet.length, 33);
    assert_int_equal(r.packet.payload_length, 5);
    assert_memory_equal(r.packet.payload, "hello", 5);
    assert_ptr_equal(r.packet.payload, r.packet.bytes + 28);
    uint8_t wire[64];
    p->corrupt = false;
    assert_int_equal(hp_packet_write(p, wire, sizeof wire), 33);
    assert_memory_equal(r.packet.bytes, wire, 33);

    r = next(trace, &cursor);
    assert_int_equal(r.index, 1);
    assert_int_equal(r.packet.number, 2);
    assert_int_equal(r.packet.dir, HP_DIR_IN);
    assert_true(r.packet.corrupt);
    assert_false(hp_trace_next(trace, &cursor, &r));
    assert_int_equal(hp_trace_n_packets(trace), 2);
    assert_int_equal(hp_trace_end(trace), 6);
    assert_true(hp_trace_find_packet(trace, 2, &r));
    assert_int_equal(r.at, 6);
    assert_false(hp_trace_find_packet(trace, 3, &r));
    assert_false(hp_trace_find_packet(trace, 0, &r));
}

static void types_can_be_passed_over(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const uint32_t tap = hp_trace_tap(trace, "alice");
    g_autoptr(hp_packet) p = udp("192.168.1.2:5000", "203.0.113.1:3478", "hello");
    for (unsigned i = 0; i < 3; i++) {
        hp_trace_packet(trace, i * HP_MS, tap, HP_DIR_OUT, p);
        hp_trace_event(trace, i * HP_MS, HP_EV_CONSENT, "alice", HP_FS("state", "lost"));
    }
    hp_trace_cursor cursor = {0};
    hp_record r;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_EVENT, &r));
        assert_int_equal(r.type, HP_RECORD_EVENT);
        assert_int_equal(r.index, 2 * i + 1);
    }
    assert_false(hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_EVENT, &r));
    /* What was passed over is behind the cursor, what comes later is not. */
    assert_false(hp_trace_next(trace, &cursor, &r));
    hp_trace_packet(trace, HP_S, tap, HP_DIR_OUT, p);
    assert_false(hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_EVENT, &r));
    assert_false(hp_trace_next(trace, &cursor, &r));
    assert_int_equal(cursor.index, 7);
}

/* The same bytes at every tap, also after a NAT changed the ports and the sum of the payload is known already. */
static void a_known_sum_gives_the_same_bytes(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const uint32_t tap = hp_trace_tap(trace, "alice");
    g_autoptr(hp_packet) p = udp("192.168.1.2:5000", "203.0.113.1:3478", "an odd payload!");
    hp_trace_packet(trace, 0, tap, HP_DIR_OUT, p);
    p->src = addr("192.0.2.1:61000");
    hp_trace_packet(trace, 0, tap, HP_DIR_OUT, p);
    g_autoptr(hp_packet) fresh = udp("192.0.2.1:61000", "203.0.113.1:3478", "an odd payload!");
    uint8_t expected[100];
    const size_t length = hp_packet_write(fresh, expected, sizeof expected);
    hp_record r;
    assert_true(hp_trace_find_packet(trace, 2, &r));
    assert_int_equal(r.packet.length, length);
    assert_memory_equal(r.packet.bytes, expected, length);
}

/* TCP keeps its checksum in the payload, whatever stands there. */
static void a_known_sum_of_tcp_gives_the_same_bytes(void **state)
{
    static const uint8_t segment[] = "\0\0\3\xe8\0\0\7\xd0\x50\x10\3\xe8\xab\xcd\0\0 odd";
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const uint32_t tap = hp_trace_tap(trace, "alice");
    const hp_addr inside = addr("192.168.1.2:5000"), outside = addr("192.0.2.1:61000"), to = addr("203.0.113.1:80");
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_TCP, &inside, &to, segment, sizeof segment - 1);
    hp_trace_packet(trace, 0, tap, HP_DIR_OUT, p);
    p->src = outside;
    hp_trace_packet(trace, 0, tap, HP_DIR_OUT, p);
    assert_true(p->sum_known);
    const hp_addr *const sources[] = {&inside, &outside};
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(hp_packet) fresh = hp_packet_new(HP_PROTO_TCP, sources[i], &to, segment, sizeof segment - 1);
        uint8_t expected[100];
        const size_t length = hp_packet_write(fresh, expected, sizeof expected);
        hp_record r;
        assert_true(hp_trace_find_packet(trace, i + 1, &r));
        assert_int_equal(r.packet.length, length);
        assert_memory_equal(r.packet.bytes, expected, length);
        g_autoptr(hp_packet) parsed = hp_packet_parse(r.packet.bytes, r.packet.length, NULL);
        assert_false(parsed->corrupt);
    }
}

/* A run that writes little takes little memory. */
static void a_short_log_has_nothing_made_ready(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const uint64_t before = trace->ready;
    for (unsigned i = 0; i < 5000; i++) {
        hp_trace_event(trace, i, HP_EV_SERVER_STOPPED, "turn");
    }
    assert_true(hp_log_end(trace) > HP_LOG_RECORDS + 100000);
    assert_int_equal(trace->ready, before);
    struct stat status;
    assert_int_equal(fstat(trace->fd, &status), 0);
    assert_true((uint64_t)status.st_blocks * 512 <= hp_log_end(trace) - HP_LOG_RECORDS + 3 * 4096);
}

static void payload_is_for_udp_and_first_fragments(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const uint32_t tap = hp_trace_tap(trace, "a");
    g_autoptr(hp_packet) empty = udp("[2001:db8::1]:1", "[2001:db8::2]:2", "");
    g_autoptr(hp_packet) first = udp("192.0.2.1:1", "192.0.2.2:2", "12345678");
    first->frag_total = 40;
    first->frag_more = true;
    g_autoptr(hp_packet) later = udp("192.0.2.1:0", "192.0.2.2:0", "abcdefgh");
    later->frag_total = 40;
    later->frag_offset = 16;
    const hp_addr from = addr("192.0.2.1:7"), to = addr("192.0.2.2");
    g_autoptr(hp_packet) ping = hp_packet_new(HP_PROTO_ICMP, &from, &to, "ping", 4);
    ping->icmp_kind = HP_ICMP_ECHO_REQUEST;
    hp_packet *const all[] = {empty, first, later, ping};
    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        assert_int_equal(hp_trace_packet(trace, i, tap, HP_DIR_OUT, all[i]), i + 1);
    }

    hp_trace_cursor cursor = {0};
    hp_record r = next(trace, &cursor);
    assert_non_null(r.packet.payload);
    assert_int_equal(r.packet.payload_length, 0);
    assert_int_equal(r.packet.length, 48);
    r = next(trace, &cursor);
    assert_true(r.packet.fragment);
    assert_int_equal(r.packet.payload_length, 8);
    assert_memory_equal(r.packet.payload, "12345678", 8);
    r = next(trace, &cursor);
    assert_true(r.packet.fragment);
    assert_null(r.packet.payload);
    assert_int_equal(r.packet.payload_length, 0);
    r = next(trace, &cursor);
    assert_null(r.packet.payload);
    assert_int_equal(r.packet.icmp_kind, HP_ICMP_ECHO_REQUEST);
}

static void drops_notes_and_events_read_back(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_packet) p = udp("192.168.1.2:5000", "203.0.113.1:3478", "x");
    p->uid = 3;
    hp_trace_packet(trace, 10, hp_trace_tap(trace, "home/in"), HP_DIR_IN, p);
    hp_trace_drop(trace, 20, "home", p, HP_DROP_NAT_FILTERED, NULL);
    hp_trace_drop(trace, 20, "home", p, HP_DROP_RULE, "rule 2");
    hp_trace_note(trace, 30, 1, "this one decided it");
    const hp_addr where = addr("[2001:db8::5]:9");
    hp_trace_event(trace, 40, HP_EV_CANDIDATE, "alice", HP_FU("session", 7), HP_FS("type", "srflx"),
                   HP_FA("address", where), HP_FI("delta", -4), HP_FT("age", 9 * HP_S), HP_FS("none", NULL));
    hp_trace_event(trace, 50, HP_EV_SERVER_STOPPED, "turn");

    hp_trace_cursor cursor = {0};
    hp_record r = next(trace, &cursor);
    r = next(trace, &cursor);
    assert_int_equal(r.type, HP_RECORD_DROP);
    assert_int_equal(r.at, 20);
    assert_int_equal(r.index, 1);
    assert_string_equal(r.drop.place, "home");
    assert_string_equal(r.drop.detail, "");
    assert_int_equal(r.drop.reason, HP_DROP_NAT_FILTERED);
    assert_int_equal(r.drop.uid, 3);
    assert_int_equal(r.drop.packet, 1);
    assert_int_equal(r.drop.proto, HP_PROTO_UDP);
    assert_true(hp_addr_equal(&r.drop.src, &p->src));
    assert_true(hp_addr_equal(&r.drop.dst, &p->dst));
    r = next(trace, &cursor);
    assert_string_equal(r.drop.detail, "rule 2");
    r = next(trace, &cursor);
    assert_int_equal(r.type, HP_RECORD_NOTE);
    assert_int_equal(r.note.packet, 1);
    assert_string_equal(r.note.text, "this one decided it");

    r = next(trace, &cursor);
    assert_int_equal(r.type, HP_RECORD_EVENT);
    assert_int_equal(r.at, 40);
    assert_int_equal(r.event.kind, HP_EV_CANDIDATE);
    assert_string_equal(r.event.subject, "alice");
    assert_int_equal(r.event.n_fields, 6);
    assert_int_equal(hp_record_u64(&r, "session"), 7);
    assert_int_equal(hp_record_u64(&r, "age"), 9 * HP_S);
    assert_int_equal((int64_t)hp_record_u64(&r, "delta"), -4);
    assert_string_equal(hp_record_text(&r, "type"), "srflx");
    assert_string_equal(hp_record_text(&r, "none"), "");
    const hp_addr found = hp_record_addr(&r, "address");
    assert_true(hp_addr_equal(&found, &where));
    /* A field of another type, or none at all, reads as nothing. */
    assert_int_equal(hp_record_u64(&r, "type"), 0);
    assert_int_equal(hp_record_u64(&r, "absent"), 0);
    assert_string_equal(hp_record_text(&r, "session"), "");
    assert_int_equal(hp_record_addr(&r, "session").family, HP_AF_NONE);
    hp_field field;
    assert_true(hp_record_field(&r, 3, &field));
    assert_string_equal(field.key, "delta");
    assert_int_equal(field.type, 'i');
    assert_int_equal(field.i, -4);
    assert_false(hp_record_field(&r, 6, &field));

    r = next(trace, &cursor);
    assert_int_equal(r.event.kind, HP_EV_SERVER_STOPPED);
    assert_int_equal(r.event.n_fields, 0);
    assert_false(hp_record_field(&r, 0, &field));
    assert_int_equal(hp_trace_n_records(trace), 6);
    /* The cursor goes on when more is appended. */
    assert_false(hp_trace_next(trace, &cursor, &r));
    hp_trace_event(trace, 60, HP_EV_SERVER_STARTED, "turn");
    r = next(trace, &cursor);
    assert_int_equal(r.index, 6);
}

static void a_drop_without_a_record_names_no_packet(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "");
    hp_trace_drop(trace, 1, "link a>b", p, HP_DROP_LINK_LOSS, NULL);
    hp_trace_cursor cursor = {0};
    assert_int_equal(next(trace, &cursor).drop.packet, 0);
}

static void without_a_trace_nothing_happens(void **state)
{
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "");
    assert_int_equal(hp_trace_tap(NULL, "a"), 0);
    assert_int_equal(hp_trace_packet(NULL, 0, 0, HP_DIR_IN, p), 0);
    assert_int_equal(p->last_record, 0);
    hp_trace_name_address(NULL, "a", &p->src);
    hp_trace_drop(NULL, 0, "a", p, HP_DROP_TTL, NULL);
    hp_trace_note(NULL, 0, 1, "a");
    hp_trace_event(NULL, 0, HP_EV_RUN_END, "a", HP_FS("reason", "until"));
    hp_trace_reset(NULL);
    hp_trace_free(NULL);
}

static void taps_and_strings_are_kept_once(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    char name[16] = "alice";
    assert_int_equal(hp_trace_tap(trace, name), 0);
    assert_int_equal(hp_trace_tap(trace, "bob"), 1);
    g_strlcpy(name, "carol", sizeof name); /* the same place, another word */
    assert_int_equal(hp_trace_tap(trace, name), 2);
    assert_int_equal(hp_trace_tap(trace, "alice"), 0);
    assert_int_equal(hp_trace_n_taps(trace), 3);
    assert_string_equal(hp_trace_tap_name(trace, 0), "alice");
    assert_string_equal(hp_trace_tap_name(trace, 2), "carol");
    assert_string_equal(hp_trace_tap_name(trace, 3), "");

    hp_trace_event(trace, 0, HP_EV_STEP, name, HP_FU("step", 1));
    const uint64_t first = hp_log_end(trace);
    hp_trace_event(trace, 0, HP_EV_STEP, "carol", HP_FU("step", 2));
    const uint64_t second = hp_log_end(trace);
    assert_int_equal(second - first, sizeof(hp_log_event) + sizeof(hp_log_field) + 8);
}

static void many_strings(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    for (unsigned i = 0; i < 5000; i++) {
        g_autofree char *name = g_strdup_printf("peer%u", i);
        assert_int_equal(hp_trace_tap(trace, name), i);
    }
    for (unsigned i = 0; i < 5000; i++) {
        g_autofree char *name = g_strdup_printf("peer%u", i);
        assert_int_equal(hp_trace_tap(trace, name), i);
        assert_string_equal(hp_trace_tap_name(trace, i), name);
    }
}

static void time_never_goes_back(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    hp_trace_event(trace, 100, HP_EV_SERVER_STOPPED, "a");
    hp_trace_event(trace, 40, HP_EV_SERVER_STARTED, "a");
    hp_trace_cursor cursor = {0};
    assert_int_equal(next(trace, &cursor).at, 100);
    assert_int_equal(next(trace, &cursor).at, 100);
    assert_int_equal(hp_trace_end(trace), 100);
}

static void long_text_is_cut_between_characters(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    GString *text = g_string_new("ab");
    while (text->len < HP_TRACE_MAX_TEXT + 10) {
        g_string_append(text, "\xe2\x82\xac");
    }
    g_autofree char *euros = g_string_free(text, FALSE);
    hp_trace_event(trace, 0, HP_EV_SIGNAL_SENT, "alice", HP_FS("json", euros), HP_FU("message", 3));
    hp_trace_cursor cursor = {0};
    const hp_record r = next(trace, &cursor);
    const char *kept = hp_record_text(&r, "json");
    assert_int_equal(strlen(kept), 2 + (HP_TRACE_MAX_TEXT - 2) / 3 * 3);
    assert_true(g_utf8_validate(kept, -1, NULL));
    assert_int_equal(hp_record_u64(&r, "message"), 3);
}

static void reset_forgets_everything(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new_sized(65536, NULL);
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "secret of the first run");
    for (unsigned i = 0; i < 10000; i++) {
        hp_trace_packet(trace, i, hp_trace_tap(trace, "old"), HP_DIR_IN, p);
    }
    assert_true(hp_trace_overflowed(trace));
    hp_trace_reset(trace);
    assert_false(hp_trace_overflowed(trace));
    assert_int_equal(hp_trace_n_taps(trace), 0);
    assert_int_equal(hp_trace_n_records(trace), 0);
    assert_int_equal(hp_trace_end(trace), 0);
    assert_int_equal(hp_trace_tap(trace, "new"), 0);
    assert_string_equal(hp_trace_tap_name(trace, 0), "new");
    hp_trace_event(trace, 1, HP_EV_SERVER_STOPPED, "old");
    hp_trace_cursor cursor = {0};
    hp_record r = next(trace, &cursor);
    assert_int_equal(r.index, 0);
    assert_int_equal(r.at, 1);
    assert_string_equal(r.event.subject, "old");
    assert_false(hp_trace_next(trace, &cursor, &r));
}

static void overflow_ends_the_log_and_counts_on(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new_sized(4096, NULL);
    const uint32_t tap = hp_trace_tap(trace, "a");
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "0123456789");
    uint32_t kept = 0;
    while (hp_trace_packet(trace, kept, tap, HP_DIR_IN, p) != 0) {
        kept++;
        assert_int_equal(p->last_record, kept);
    }
    /* The string of the tap, then packets of 136 bytes: a head of 96, 38 bytes of packet, padding. */
    assert_int_equal(sizeof(hp_log_string) + 8, 40);
    assert_int_equal(kept, (4096 - 40) / 136);
    assert_int_equal(p->last_record, kept);
    assert_true(hp_trace_overflowed(trace));
    assert_int_equal(hp_trace_n_lost(trace), 1);
    /* A small record might still fit, but a log with a hole in it would lie. */
    hp_trace_event(trace, 99, HP_EV_SERVER_STOPPED, "a");
    hp_trace_note(trace, 99, 1, "");
    hp_trace_drop(trace, 99, "a", p, HP_DROP_TTL, NULL);
    assert_int_equal(hp_trace_n_lost(trace), 4);
    assert_int_equal(hp_trace_n_records(trace), kept);
    hp_trace_cursor cursor = {0};
    hp_record r;
    uint32_t read = 0;
    while (hp_trace_next(trace, &cursor, &r)) {
        read++;
    }
    assert_int_equal(read, kept);
    /* A known tap is still found, a new one has nowhere to go. */
    assert_int_equal(hp_trace_tap(trace, "a"), 0);
    assert_int_equal(hp_trace_tap(trace, "b"), 0);
    assert_int_equal(hp_trace_n_taps(trace), 1);
}

static void an_unfinished_record_is_invisible(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    hp_trace_event(trace, 1, HP_EV_SERVER_STOPPED, "turn");
    hp_trace_cursor cursor = {0};
    hp_record r = next(trace, &cursor);
    /* As a writer leaves it that dies before the commit: a whole head, and half a body. */
    hp_log_head *half = (hp_log_head *)(void *)(trace->base + hp_log_end(trace));
    *half = (hp_log_head){.size = 64, .kind = HP_LOG_EVENT, .records = 2, .at = 5};
    assert_false(hp_trace_next(trace, &cursor, &r));
    assert_int_equal(hp_trace_n_records(trace), 1);
    assert_int_equal(hp_trace_end(trace), 1);
    hp_trace_event(trace, 7, HP_EV_SERVER_STARTED, "turn");
    r = next(trace, &cursor);
    assert_int_equal(r.at, 7);
    assert_int_equal(r.index, 1);
}

/* Whatever the software under test scribbles over the mapping, reading stays inside it. */
static void a_scribbled_log_is_read_without_harm(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new_sized(8192, NULL);
    for (unsigned round = 0; round < 2000; round++) {
        hp_trace_reset(trace);
        g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "payload");
        hp_trace_packet(trace, 1, hp_trace_tap(trace, "alice"), HP_DIR_IN, p);
        hp_trace_drop(trace, 2, "home", p, HP_DROP_RULE, "rule");
        hp_trace_note(trace, 3, 1, "note");
        hp_trace_event(trace, 4, HP_EV_SELECTED_PAIR, "alice", HP_FS("local", "host"), HP_FA("local-address", p->src));
        const uint64_t n = hp_log_end(trace) - HP_LOG_RECORDS;
        uint64_t mix = (round + 1) * UINT64_C(0x9e3779b97f4a7c15);
        for (unsigned i = 0; i < 4; i++) {
            mix ^= mix >> 29;
            mix *= UINT64_C(0xbf58476d1ce4e5b9);
            const uint64_t at = HP_LOG_RECORDS + (mix >> 8) % (n / 4) * 4;
            memset(trace->base + at, (int)(mix & 0xff), 4);
        }
        if (round % 16 == 0) {
            memset(trace->base, 0xff, 16);
        }
        hp_trace_cursor cursor = {0};
        hp_record r;
        unsigned read = 0;
        size_t text = 0;
        while (hp_trace_next(trace, &cursor, &r) && read < 1000) {
            read++;
            if (r.type == HP_RECORD_EVENT) {
                text += strlen(r.event.subject);
                hp_record_iter iter;
                hp_record_iter_init(&iter, &r);
                for (hp_field f; hp_record_iter_next(&iter, &f);) {
                    text += strlen(f.key) + (f.type == 's' ? strlen(f.s) : 0);
                }
            } else if (r.type == HP_RECORD_DROP) {
                text += strlen(r.drop.place) + strlen(r.drop.detail);
            } else if (r.type == HP_RECORD_PACKET && r.packet.length > 0) {
                text += r.packet.bytes[r.packet.length - 1];
            }
        }
        assert_true(read <= 4);
        assert_true(text < 100000);
        trace->log->magic = HP_LOG_MAGIC;
        trace->log->last = 0;
    }
}

/* What a reader takes for an empty log a writer must not go on behind. */
static void a_log_whose_head_makes_no_sense_is_begun_again(void **state)
{
    static const uint64_t wild[] = {1, HP_LOG_RECORDS + 4, UINT64_C(0x0101010101010101), UINT64_MAX};
    g_autoptr(hp_trace) trace = hp_trace_new_sized(8192, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(wild); i++) {
        hp_trace_reset(trace);
        hp_trace_note(trace, 3, 1, "before");
        hp_trace_mend(trace);
        assert_int_equal(hp_trace_n_records(trace), 1); /* there was nothing to mend */
        trace->log->last = wild[i];
        trace->log->filled = UINT64_MAX;
        hp_trace_mend(trace);
        assert_int_equal(trace->log->filled, trace->size);
        hp_trace_event(trace, 4, HP_EV_SUT_CRASH, "case", HP_FS("message", "gone"));
        hp_trace_cursor cursor = {0};
        hp_record r = next(trace, &cursor);
        assert_int_equal(r.type, HP_RECORD_EVENT);
        assert_string_equal(hp_record_text(&r, "message"), "gone");
        assert_int_equal(hp_trace_n_records(trace), 1);
    }
}

static void text_without_an_end_is_not_text(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    hp_trace_event(trace, 1, HP_EV_PEER_ERROR, "alice", HP_FU("session", 1), HP_FS("message", "abc"));
    memset(trace->base + hp_log_end(trace) - 8, 'x', 8);
    hp_trace_cursor cursor = {0};
    hp_record r = next(trace, &cursor);
    assert_int_equal(hp_record_u64(&r, "session"), 1);
    assert_string_equal(hp_record_text(&r, "message"), "");
    hp_field field;
    assert_false(hp_record_field(&r, 1, &field));
    hp_trace_note(trace, 2, 1, "abc");
    memset(trace->base + hp_log_end(trace) - 8, 'x', 8);
    assert_false(hp_trace_next(trace, &cursor, &r));
}

/* ---- another process writes ---- */

static void write_forever(hp_trace *trace)
{
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "0123456789");
    const uint32_t tap = hp_trace_tap(trace, "child");
    for (uint64_t i = 0;; i++) {
        g_autofree char *subject = g_strdup_printf("subject%u", (unsigned)(i % 300));
        p->uid = i;
        hp_trace_packet(trace, i, tap, HP_DIR_OUT, p);
        hp_trace_event(trace, i, HP_EV_STEP, subject, HP_FU("step", i), HP_FS("target", subject));
    }
}

static void a_killed_child_leaves_a_whole_log(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new_sized(UINT64_C(1) << 28, NULL);
    hp_trace_event(trace, 0, HP_EV_SERVER_STOPPED, "parent");
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_forever(trace);
        _exit(1);
    }
    while (hp_trace_n_records(trace) < 20000) {
        /* the child is at work */
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));

    hp_trace_cursor cursor = {0};
    hp_record r = next(trace, &cursor);
    assert_string_equal(r.event.subject, "parent");
    uint64_t n = 1;
    while (hp_trace_next(trace, &cursor, &r)) {
        const uint64_t i = (n - 1) / 2;
        assert_int_equal(r.index, n);
        assert_int_equal(r.at, i);
        if (n % 2 == 1) {
            assert_int_equal(r.type, HP_RECORD_PACKET);
            assert_int_equal(r.packet.number, i + 1);
            assert_int_equal(r.packet.uid, i);
            assert_memory_equal(r.packet.payload, "0123456789", 10);
        } else {
            assert_int_equal(hp_record_u64(&r, "step"), i);
            assert_string_equal(hp_record_text(&r, "target"), r.event.subject);
        }
        n++;
    }
    assert_true(n >= 20000);
    assert_int_equal(n, hp_trace_n_records(trace));
    assert_int_equal(hp_trace_n_packets(trace), n / 2);
    assert_string_equal(hp_trace_tap_name(trace, 0), "child");

    /* The parent, whose caches know nothing of the child's strings, goes on where the child stopped. */
    hp_trace_event(trace, 0, HP_EV_SUT_CRASH, "child", HP_FS("signal", "SIGKILL"));
    r = next(trace, &cursor);
    assert_int_equal(r.event.kind, HP_EV_SUT_CRASH);
    assert_int_equal(r.index, n);
    assert_string_equal(hp_record_text(&r, "signal"), "SIGKILL");
    assert_int_equal(hp_trace_tap(trace, "child"), 0);
    assert_int_equal(hp_trace_tap(trace, "parent"), 1);

    /* What it had the kernel find beyond the end was beyond the end. */
    assert_true(hp_log_end(trace) > HP_LOG_RECORDS + (UINT64_C(1) << 20));
    assert_true(trace->ready > hp_log_end(trace) && trace->ready <= hp_log_end(trace) + (UINT64_C(1) << 19));
    cursor = (hp_trace_cursor){0};
    for (uint64_t i = 0; i <= n; i++) {
        r = next(trace, &cursor);
        assert_int_equal(r.index, i);
        if (r.type == HP_RECORD_PACKET) {
            assert_int_equal(r.packet.uid, (i - 1) / 2);
            assert_memory_equal(r.packet.payload, "0123456789", 10);
        }
    }
}

static void a_reset_in_another_process_is_noticed(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    hp_trace_event(trace, 0, HP_EV_SERVER_STOPPED, "one");
    assert_int_equal(hp_trace_tap(trace, "tap"), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        hp_trace_reset(trace);
        hp_trace_note(trace, 0, 1, "one"); /* the same text where the string was, but in no string record */
        hp_trace_tap(trace, "other");
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    hp_trace_event(trace, 0, HP_EV_SERVER_STARTED, "one");
    assert_int_equal(hp_trace_tap(trace, "tap"), 1);
    hp_trace_cursor cursor = {0};
    assert_string_equal(next(trace, &cursor).note.text, "one");
    assert_string_equal(next(trace, &cursor).event.subject, "one");
    assert_string_equal(hp_trace_tap_name(trace, 0), "other");
}

static void a_sealed_trace_takes_nothing(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_packet) p = udp("192.0.2.1:1", "192.0.2.2:2", "");
    hp_trace_event(trace, 1, HP_EV_SERVER_STOPPED, "turn");
    assert_int_equal(hp_trace_tap(trace, "alice"), 0);
    hp_trace_seal(trace);
    hp_trace_event(trace, 2, HP_EV_SERVER_STARTED, "turn");
    assert_int_equal(hp_trace_packet(trace, 2, 0, HP_DIR_IN, p), 0);
    hp_trace_drop(trace, 2, "new place", p, HP_DROP_TTL, NULL);
    hp_trace_note(trace, 2, 1, "note");
    assert_int_equal(hp_trace_tap(trace, "alice"), 0);
    assert_int_equal(hp_trace_tap(trace, "turn"), 0);
    assert_int_equal(hp_trace_n_taps(trace), 1);
    assert_int_equal(hp_trace_n_records(trace), 1);
    assert_int_equal(hp_trace_end(trace), 1);
    assert_false(hp_trace_overflowed(trace));
    hp_trace_reset(trace);
    hp_trace_event(trace, 3, HP_EV_SERVER_STARTED, "turn");
    assert_int_equal(hp_trace_n_records(trace), 1);
    hp_trace_seal(NULL);
}

/* In a child of its own, since a limit cannot be raised again: 0 when a trace within `limit` bytes works as told. */
static int with_file_size_limit(rlim_t limit, bool works)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
        g_autoptr(GError) error = NULL;
        g_autoptr(hp_trace) trace = hp_trace_new(&error);
        hp_trace_event(trace, 1, HP_EV_SERVER_STOPPED, "turn");
        const bool good = works ? trace != NULL && hp_trace_n_records(trace) == 1
                                : trace == NULL && g_error_matches(error, HP_ERROR, HP_ERROR_ENVIRONMENT);
        hp_trace_free(g_steal_pointer(&trace));
        g_clear_error(&error);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_file_size_limit_is_kept(void **state)
{
    assert_int_equal(with_file_size_limit(HP_LOG_RECORDS + 4096, true), 0);
    assert_int_equal(with_file_size_limit(4096, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_trace),
        cmocka_unit_test(packets_read_back),
        cmocka_unit_test(types_can_be_passed_over),
        cmocka_unit_test(a_known_sum_gives_the_same_bytes),
        cmocka_unit_test(a_known_sum_of_tcp_gives_the_same_bytes),
        cmocka_unit_test(a_short_log_has_nothing_made_ready),
        cmocka_unit_test(payload_is_for_udp_and_first_fragments),
        cmocka_unit_test(drops_notes_and_events_read_back),
        cmocka_unit_test(a_drop_without_a_record_names_no_packet),
        cmocka_unit_test(without_a_trace_nothing_happens),
        cmocka_unit_test(taps_and_strings_are_kept_once),
        cmocka_unit_test(many_strings),
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(reset_forgets_everything),
        cmocka_unit_test(overflow_ends_the_log_and_counts_on),
        cmocka_unit_test(an_unfinished_record_is_invisible),
        cmocka_unit_test(a_scribbled_log_is_read_without_harm),
        cmocka_unit_test(text_without_an_end_is_not_text),
        cmocka_unit_test(a_killed_child_leaves_a_whole_log),
        cmocka_unit_test(a_reset_in_another_process_is_noticed),
        cmocka_unit_test(a_sealed_trace_takes_nothing),
        cmocka_unit_test(a_log_whose_head_makes_no_sense_is_begun_again),
        cmocka_unit_test(a_file_size_limit_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
