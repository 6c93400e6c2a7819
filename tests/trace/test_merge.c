/* Several traces become one: in the order of time, with everything that records refer to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "trace/merge.h"
#include "trace/trace.h"

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static uint32_t put_packet(hp_trace *trace, hp_time at, const char *tap, const char *payload)
{
    const hp_addr from = addr("192.168.1.2:5000"), to = addr("203.0.113.1:3478");
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, payload, strlen(payload));
    return hp_trace_packet(trace, at, hp_trace_tap(trace, tap), HP_DIR_OUT, p);
}

/* All events' subjects and packets' payloads, one letter each, as they stand in the trace. */
static char *order_of(const hp_trace *trace)
{
    GString *text = g_string_new(NULL);
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(trace, &cursor, &r))
        g_string_append_c(text, r.type == HP_RECORD_PACKET ? (char)r.packet.payload[0] : r.event.subject[0]);
    return g_string_free(text, FALSE);
}

typedef struct setup {
    hp_trace *into, *a, *b;
    hp_trace_merge *merge;
} setup;

static int set_up(void **state)
{
    setup *s = g_new0(setup, 1);
    s->into = hp_trace_new_sized(1 << 20, NULL);
    s->a = hp_trace_new_sized(1 << 20, NULL);
    s->b = hp_trace_new_sized(1 << 20, NULL);
    s->merge = hp_trace_merge_new(s->into);
    hp_trace_merge_add(s->merge, s->a);
    hp_trace_merge_add(s->merge, s->b);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    setup *s = *state;
    hp_trace_merge_free(s->merge);
    hp_trace_free(s->into);
    hp_trace_free(s->a);
    hp_trace_free(s->b);
    g_free(s);
    return 0;
}

static void times_decide_and_then_the_order_of_adding(void **state)
{
    setup *s = *state;
    put_packet(s->a, 10, "alice", "A");
    put_packet(s->a, 20, "alice", "B");
    put_packet(s->a, 30, "alice", "C");
    hp_trace_event(s->b, 5, HP_EV_RUN_START, "1", HP_FU("seed", 1));
    hp_trace_event(s->b, 20, HP_EV_RUN_START, "2", HP_FU("seed", 1));
    hp_trace_event(s->b, 30, HP_EV_RUN_START, "3", HP_FU("seed", 1));
    hp_trace_event(s->b, 31, HP_EV_RUN_START, "4", HP_FU("seed", 1));
    assert_true(hp_trace_merge_run(s->merge, UINT64_MAX, UINT64_MAX));
    g_autofree char *order = order_of(s->into);
    assert_string_equal(order, "1AB2C34");
    assert_int_equal(hp_trace_merge_get_stats(s->merge).records, 7);
    assert_int_equal(hp_trace_merge_get_stats(s->merge).late, 0);
}

static void what_is_too_young_is_held_back(void **state)
{
    setup *s = *state;
    put_packet(s->a, 10, "alice", "A");
    put_packet(s->a, 30, "alice", "B");
    assert_true(hp_trace_merge_run(s->merge, 29, UINT64_MAX));
    assert_int_equal(hp_trace_n_records(s->into), 1);
    hp_trace_event(s->b, 20, HP_EV_RUN_START, "1", HP_FU("seed", 1));
    assert_true(hp_trace_merge_run(s->merge, 40, UINT64_MAX));
    g_autofree char *order = order_of(s->into);
    assert_string_equal(order, "A1B");
}

static void late_records_keep_their_order_and_are_counted(void **state)
{
    setup *s = *state;
    put_packet(s->a, 100, "alice", "A");
    assert_true(hp_trace_merge_run(s->merge, 100, UINT64_MAX));
    hp_trace_event(s->b, 40, HP_EV_RUN_START, "1", HP_FU("seed", 1));
    hp_trace_event(s->b, 70, HP_EV_RUN_START, "2", HP_FU("seed", 1));
    assert_true(hp_trace_merge_run(s->merge, 200, UINT64_MAX));
    g_autofree char *order = order_of(s->into);
    assert_string_equal(order, "A12");
    assert_int_equal(hp_trace_end(s->into), 100);
    const hp_trace_merge_stats stats = hp_trace_merge_get_stats(s->merge);
    assert_int_equal(stats.late, 2);
    assert_int_equal(stats.worst, 60);
}

static void it_goes_on_where_it_was_cut_off(void **state)
{
    setup *s = *state;
    for (unsigned i = 0; i < 10; i++)
        put_packet(s->a, i, "alice", "A");
    assert_false(hp_trace_merge_run(s->merge, 100, 4));
    assert_int_equal(hp_trace_n_records(s->into), 4);
    assert_false(hp_trace_merge_run(s->merge, 100, 5));
    assert_true(hp_trace_merge_run(s->merge, 100, 5));
    assert_int_equal(hp_trace_n_records(s->into), 10);
}

static void everything_a_record_says_comes_along(void **state)
{
    setup *s = *state;
    const hp_addr mapped = addr("192.0.2.1:4000");
    hp_trace_tap(s->into, "else"); /* so that numbers of taps differ */
    put_packet(s->b, 1, "nobody", "X"); /* only the first has packets */
    put_packet(s->a, 1, "alice", "first");
    const hp_addr from = addr("192.168.1.2:5000"), to = addr("203.0.113.1:3478");
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, "A", 1);
    p->uid = 77;
    hp_trace_packet(s->a, 2, hp_trace_tap(s->a, "home/in"), HP_DIR_IN, p);
    hp_trace_drop(s->a, 3, "home", p, HP_DROP_NO_ROUTE, "why");
    hp_trace_note(s->a, 4, 2, "remark");
    hp_trace_event(s->b, 5, HP_EV_ICE_STATE, "bob", HP_FS("state", "ready"), HP_FU("component", 1),
                   HP_FA("address", mapped));
    const hp_media_record media = {.kind = HP_MEDIA_RECEIVED, .track = 3, .sequence = 9, .size = 172};
    hp_trace_media(s->b, 6, &media);
    assert_true(hp_trace_merge_run(s->merge, 10, UINT64_MAX));

    hp_trace_cursor cursor = {0};
    hp_record r;
    assert_true(hp_trace_next(s->into, &cursor, &r) && hp_trace_next(s->into, &cursor, &r));
    assert_int_equal(r.packet.number, 2);
    assert_string_equal(hp_trace_tap_name(s->into, r.packet.tap), "home/in");
    assert_int_equal(r.packet.uid, 77);
    assert_int_equal(r.packet.dir, HP_DIR_IN);
    assert_int_equal(r.packet.payload_length, 1);
    assert_true(hp_trace_next(s->into, &cursor, &r));
    assert_string_equal(r.drop.place, "home");
    assert_string_equal(r.drop.detail, "why");
    assert_int_equal(r.drop.reason, HP_DROP_NO_ROUTE);
    assert_int_equal(r.drop.packet, 2);
    assert_int_equal(r.drop.uid, 77);
    assert_true(hp_trace_next(s->into, &cursor, &r));
    assert_int_equal(r.note.packet, 2);
    assert_string_equal(r.note.text, "remark");
    assert_true(hp_trace_next(s->into, &cursor, &r));
    assert_string_equal(r.event.subject, "bob");
    assert_int_equal(r.event.kind, HP_EV_ICE_STATE);
    assert_int_equal(r.event.n_fields, 3);
    assert_string_equal(hp_record_text(&r, "state"), "ready");
    assert_int_equal(hp_record_u64(&r, "component"), 1);
    const hp_addr read = hp_record_addr(&r, "address");
    assert_true(hp_addr_equal(&read, &mapped));
    assert_true(hp_trace_next(s->into, &cursor, &r));
    assert_memory_equal(&r.media, &media, sizeof media);
    assert_false(hp_trace_next(s->into, &cursor, &r));
}

/* The one that was looked at before the end too. */
static void what_comes_after_the_end_of_a_run(void **state)
{
    setup *s = *state;
    const hp_media_record media = {.kind = HP_MEDIA_SENT, .track = 3, .sequence = 9, .size = 172};
    hp_trace_media(s->a, 10, &media);
    hp_trace_media(s->a, 21, &media);
    hp_trace_event(s->a, 22, HP_EV_ICE_STATE, "alice", HP_FS("state", "failed"));
    hp_trace_media(s->b, 20, &media);
    hp_trace_media(s->b, 21, &media);
    hp_trace_event(s->b, 30, HP_EV_ICE_STATE, "bob", HP_FS("state", "failed"));
    assert_true(hp_trace_merge_run(s->merge, 15, UINT64_MAX));
    hp_trace_merge_close(s->merge, 20);
    static const hp_time times[] = {10, 20, 20, 20};
    static const hp_record_type types[] = {HP_RECORD_MEDIA, HP_RECORD_EVENT, HP_RECORD_MEDIA, HP_RECORD_EVENT};
    hp_trace_cursor cursor = {0};
    hp_record r;
    for (unsigned i = 0; i < G_N_ELEMENTS(times); i++) {
        assert_true(hp_trace_next(s->into, &cursor, &r));
        assert_int_equal(r.at, times[i]);
        assert_int_equal(r.type, types[i]);
    }
    assert_false(hp_trace_next(s->into, &cursor, &r));
    assert_int_equal(hp_trace_merge_get_stats(s->merge).late, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(times_decide_and_then_the_order_of_adding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_young_is_held_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(late_records_keep_their_order_and_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_goes_on_where_it_was_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everything_a_record_says_comes_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_after_the_end_of_a_run, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
