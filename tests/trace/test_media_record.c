/* Media records: written, read back, passed over, and never handed out when they are not what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/log.h"
#include "trace/trace.h"

static const hp_media_record sent = {
    .kind = HP_MEDIA_SENT, .flags = HP_MEDIA_F_RTX | HP_MEDIA_F_REFUSED, .track = 3, .sequence = 70000, .size = 160};
static const hp_media_record received = {.kind = HP_MEDIA_RECEIVED,
                                         .flags = HP_MEDIA_F_TIMED | HP_MEDIA_F_LATE,
                                         .track = UINT32_MAX,
                                         .sequence = UINT32_MAX,
                                         .size = 1200,
                                         .packet = 77,
                                         .jitter = 480,
                                         .span = UINT64_MAX};
static const hp_media_record frame = {
    .kind = HP_MEDIA_FRAME, .flags = HP_MEDIA_F_KEY, .track = 4, .sequence = 9, .span = 33 * HP_MS};

static void assert_media(const hp_record *r, uint64_t index, hp_time at, const hp_media_record *expected)
{
    assert_int_equal(r->type, HP_RECORD_MEDIA);
    assert_int_equal(r->index, index);
    assert_int_equal(r->at, at);
    assert_memory_equal(&r->media, expected, sizeof *expected);
}

static void read_back_as_written(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    hp_trace_media(trace, 5, &sent);
    hp_trace_event(trace, 6, HP_EV_SERVER_STOPPED, "turn");
    hp_media_record odd = received;
    odd.reserved = 0xee; /* does not reach the trace */
    hp_trace_media(trace, 7, &odd);
    hp_trace_media(trace, 3, &frame); /* time never goes back */
    assert_int_equal(hp_trace_n_records(trace), 4);
    assert_int_equal(hp_trace_n_packets(trace), 0);
    assert_int_equal(hp_trace_end(trace), 7);

    hp_trace_cursor cursor = {0};
    hp_record r;
    assert_true(hp_trace_next(trace, &cursor, &r));
    assert_media(&r, 0, 5, &sent);
    assert_true(hp_trace_next(trace, &cursor, &r));
    assert_int_equal(r.type, HP_RECORD_EVENT);
    assert_true(hp_trace_next(trace, &cursor, &r));
    assert_media(&r, 2, 7, &received);
    assert_true(hp_trace_next(trace, &cursor, &r));
    assert_media(&r, 3, 7, &frame);
    assert_false(hp_trace_next(trace, &cursor, &r));
    hp_trace_media(NULL, 0, &sent);
}

static void passed_over_and_asked_for(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const hp_addr from = hp_addr_v4(1, 1), to = hp_addr_v4(2, 2);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, "x", 1);
    for (unsigned i = 0; i < 3; i++) {
        hp_trace_media(trace, 10 * i, &sent);
        hp_trace_packet(trace, 10 * i, hp_trace_tap(trace, "a"), HP_DIR_OUT, p);
        hp_trace_media(trace, 10 * i + 1, &frame);
    }
    assert_int_equal(hp_trace_n_packets(trace), 3);
    hp_trace_cursor cursor = {0};
    hp_record r;
    static const uint64_t indices[] = {0, 2, 3, 5, 6, 8};
    for (unsigned i = 0; i < 6; i++) {
        assert_true(hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_MEDIA, &r));
        assert_media(&r, indices[i], i / 2 * 10 + i % 2, i % 2 == 0 ? &sent : &frame);
    }
    assert_false(hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_MEDIA, &r));
    cursor = (hp_trace_cursor){0};
    for (unsigned i = 0; i < 3; i++) {
        assert_true(hp_trace_next_of(trace, &cursor, ~(1u << HP_RECORD_MEDIA), &r));
        assert_int_equal(r.type, HP_RECORD_PACKET);
        assert_int_equal(r.packet.number, i + 1);
    }
    assert_false(hp_trace_next_of(trace, &cursor, ~(1u << HP_RECORD_MEDIA), &r));
    assert_int_equal(cursor.index, 9);

    assert_true(hp_trace_find_packet(trace, 3, &r));
    assert_int_equal(r.index, 7);
}

/* Where the n-th record of the log lies. */
static hp_log_head *record_at(hp_trace *trace, unsigned n)
{
    uint64_t at = HP_LOG_RECORDS;
    for (; n > 0; n--) {
        at += hp_log_head_at(trace, at)->size;
    }
    return (hp_log_head *)(void *)(trace->base + at);
}

static unsigned count(const hp_trace *trace)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next(trace, &cursor, &r)) {
        n++;
    }
    return n;
}

/* A record that cannot be right is not handed out; the log reads as ending there. */
static void what_cannot_be_right_is_not_handed_out(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    for (unsigned i = 0; i < 3; i++) {
        hp_trace_media(trace, i, &sent);
    }
    hp_log_media *second = (hp_log_media *)(void *)record_at(trace, 1);
    assert_int_equal(second->head.size, 56);
    assert_int_equal(count(trace), 3);
    for (unsigned kind = HP_MEDIA_RECORD_N; kind < 256; kind++) {
        second->media.kind = (uint8_t)kind;
        assert_int_equal(count(trace), 1);
    }
    second->media.kind = HP_MEDIA_FRAME;
    assert_int_equal(count(trace), 3);
    for (uint32_t size = 0; size < 56; size++) {
        second->head.size = size; /* too short for what it says it is */
        assert_int_equal(count(trace), 1);
    }
    second->head.size = 56;

    /* The last one torn: the log's end does not lie behind it. */
    hp_log_head *last = record_at(trace, 2);
    last->size = 48;
    assert_int_equal(count(trace), 0);
    last->size = 56;
    assert_int_equal(count(trace), 3);
}

/* A writer that dies in the middle leaves whole records; one that does not become visible is written over. */
static void a_killed_writer(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        hp_trace_media(trace, 1, &sent);
        hp_trace_media(trace, 2, &received);
        hp_log_media *torn = hp_log_begin(trace, sizeof *torn);
        memset(torn, 0xff, sizeof *torn);
        kill(getpid(), SIGKILL);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(count(trace), 2);
    hp_trace_media(trace, 3, &frame);
    hp_trace_cursor cursor = {0};
    hp_record r;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(hp_trace_next(trace, &cursor, &r));
    }
    assert_media(&r, 2, 3, &frame);
}

static void a_full_or_sealed_trace(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new_sized(2 * sizeof(hp_log_media) + 8, NULL);
    for (unsigned i = 0; i < 5; i++) {
        hp_trace_media(trace, i, &sent);
    }
    assert_true(hp_trace_overflowed(trace));
    assert_int_equal(hp_trace_n_lost(trace), 3);
    assert_int_equal(count(trace), 2);
    hp_trace_reset(trace);
    hp_trace_seal(trace);
    hp_trace_media(trace, 1, &sent);
    assert_int_equal(count(trace), 0);
    assert_int_equal(hp_trace_n_lost(trace), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_back_as_written),
        cmocka_unit_test(passed_over_and_asked_for),
        cmocka_unit_test(what_cannot_be_right_is_not_handed_out),
        cmocka_unit_test(a_killed_writer),
        cmocka_unit_test(a_full_or_sealed_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
