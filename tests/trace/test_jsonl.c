/* events.jsonl, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "base/error.h"
#include "trace/trace.h"

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static char *write_and_read(const hp_trace *trace)
{
    g_autofree char *dir = g_dir_make_tmp("hairpin-jsonl-XXXXXX", NULL);
    assert_non_null(dir);
    g_autofree char *path = g_build_filename(dir, "events.jsonl", NULL);
    g_autoptr(GError) error = NULL;
    assert_true(hp_trace_write_events(trace, path, &error));
    char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_unlink(path);
    g_rmdir(dir);
    return text;
}

static void every_kind_of_line(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    const hp_addr from = addr("192.168.1.2:5000"), to = addr("203.0.113.1:3478"), six = addr("[2001:db8::1]:9");
    const hp_addr none = {.family = HP_AF_NONE};
    hp_trace_event(trace, 0, HP_EV_RUN_START, "nat/\"odd\" name", HP_FU("seed", UINT64_MAX));
    hp_trace_event(trace, 20 * HP_MS, HP_EV_NAT_MAPPING, "home", HP_FS("proto", "udp"), HP_FA("internal", from),
                   HP_FA("external", six), HP_FA("remote", none));
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &from, &to, "x", 1);
    p->uid = 8;
    hp_trace_packet(trace, 20 * HP_MS, hp_trace_tap(trace, "home/in"), HP_DIR_IN, p);
    hp_trace_drop(trace, 21 * HP_MS, "home", p, HP_DROP_NAT_NO_PORT, NULL);
    hp_trace_drop(trace, 21 * HP_MS, "home", p, HP_DROP_RULE, "line\n2");
    hp_trace_note(trace, 22 * HP_MS, 1, "seen");
    hp_trace_media(trace, 22 * HP_MS, &(hp_media_record){.kind = HP_MEDIA_FRAME, .track = 1}); /* no line */
    p->proto = 132;
    p->last_record = 0;
    hp_trace_drop(trace, 23 * HP_MS, "home", p, HP_DROP_NAT_PROTOCOL, NULL);
    hp_trace_event(trace, 60 * HP_S, HP_EV_SERVER_STOPPED, "turn");
    hp_trace_event(trace, 60 * HP_S, HP_EV_STEP, "x", HP_FI("offset", -5), HP_FT("span", 7));
    g_autofree char *text = write_and_read(trace);
    assert_string_equal(
        text, "{\"at\":0,\"event\":\"run-start\",\"subject\":\"nat/\\\"odd\\\" name\",\"seed\":18446744073709551615}\n"
              "{\"at\":20000000,\"event\":\"nat-mapping\",\"subject\":\"home\",\"proto\":\"udp\","
              "\"internal\":\"192.168.1.2:5000\",\"external\":\"[2001:db8::1]:9\",\"remote\":\"-\"}\n"
              "{\"at\":21000000,\"event\":\"drop\",\"place\":\"home\",\"reason\":\"no-port\",\"packet\":1,\"uid\":8,"
              "\"proto\":\"udp\",\"src\":\"192.168.1.2:5000\",\"dst\":\"203.0.113.1:3478\"}\n"
              "{\"at\":21000000,\"event\":\"drop\",\"place\":\"home\",\"reason\":\"rule\",\"packet\":1,\"uid\":8,"
              "\"proto\":\"udp\",\"src\":\"192.168.1.2:5000\",\"dst\":\"203.0.113.1:3478\",\"detail\":\"line\\n2\"}\n"
              "{\"at\":22000000,\"event\":\"note\",\"packet\":1,\"text\":\"seen\"}\n"
              "{\"at\":23000000,\"event\":\"drop\",\"place\":\"home\",\"reason\":\"protocol\",\"packet\":0,\"uid\":8,"
              "\"proto\":\"132\",\"src\":\"192.168.1.2:5000\",\"dst\":\"203.0.113.1:3478\"}\n"
              "{\"at\":60000000000,\"event\":\"server-stopped\",\"subject\":\"turn\"}\n"
              "{\"at\":60000000000,\"event\":\"step\",\"subject\":\"x\",\"offset\":-5,\"span\":7}\n");
}

static void a_full_trace_says_so(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new_sized(128, NULL);
    for (unsigned i = 0; i < 5; i++) {
        hp_trace_event(trace, i, HP_EV_SERVER_STOPPED, "turn");
    }
    g_autofree char *text = write_and_read(trace);
    /* 40 bytes of text, then two events of 32. */
    assert_string_equal(text, "{\"at\":0,\"event\":\"server-stopped\",\"subject\":\"turn\"}\n"
                              "{\"at\":1,\"event\":\"server-stopped\",\"subject\":\"turn\"}\n"
                              "{\"at\":1,\"event\":\"overflow\",\"lost\":3}\n");
}

static void nothing_recorded_gives_an_empty_file(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autofree char *text = write_and_read(trace);
    assert_string_equal(text, "");
}

static void a_bad_path_is_named(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(GError) error = NULL;
    assert_false(hp_trace_write_events(trace, "/nonexistent-folder/events.jsonl", &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_non_null(strstr(error->message, "/nonexistent-folder/events.jsonl"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_line),
        cmocka_unit_test(a_full_trace_says_so),
        cmocka_unit_test(nothing_recorded_gives_an_empty_file),
        cmocka_unit_test(a_bad_path_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
