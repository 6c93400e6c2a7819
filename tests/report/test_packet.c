/* One packet on one line, from a trace and from its capture file. */
#include "report/fixture.h"

#include <glib/gstdio.h>
#include <stdio.h>

static const char *const lines[] = {
    "alice out 192.168.1.2:5000 > 203.0.113.1:3478 Binding request",
    "home/in in 192.168.1.2:5000 > 203.0.113.1:3478 Binding request",
    "alice in 203.0.113.1 > 192.168.1.2 ICMP administratively prohibited",
};

static void from_a_trace(void **state)
{
    g_autoptr(hp_trace) trace = fixture_trace();
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = hp_report_packet_line(trace, i + 1);
        assert_string_equal(line, lines[i]);
    }
    assert_null(hp_report_packet_line(trace, 0));
    assert_null(hp_report_packet_line(trace, 4));
}

static char *capture_of(const hp_trace *trace, const char *dir)
{
    char *path = g_build_filename(dir, "trace.pcapng", NULL);
    assert_true(hp_trace_write_pcapng(trace, path, NULL, NULL));
    return path;
}

static void from_a_file(void **state)
{
    g_autoptr(hp_trace) trace = fixture_trace();
    g_autofree char *dir = g_dir_make_tmp("hairpin-packet-XXXXXX", NULL);
    g_autofree char *path = capture_of(trace, dir);
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = hp_report_packet_line_of_file(path, i + 1);
        assert_string_equal(line, lines[i]);
    }
    assert_null(hp_report_packet_line_of_file(path, 0));
    assert_null(hp_report_packet_line_of_file(path, 4));

    /* A report over finished runs finds the line in the evidence. */
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_FAIL);
    fixture_expect(&f, 1, "a", "b", "c")->packet = 2;
    g_autoptr(hp_report_case) c = fixture_case(&f, dir);
    const hp_report_failure *failure = g_ptr_array_index(c->failures, 0);
    assert_string_equal(failure->packet_line, lines[1]);
    g_unlink(path);
    g_rmdir(dir);
    assert_null(hp_report_packet_line_of_file(path, 1));
}

static void write_over(const char *path, const char *bytes, gsize length)
{
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* A capture cut off or changed anywhere gives another line or none. */
static void from_a_damaged_file(void **state)
{
    g_autoptr(hp_trace) trace = fixture_trace();
    g_autofree char *dir = g_dir_make_tmp("hairpin-packet-XXXXXX", NULL);
    g_autofree char *path = capture_of(trace, dir);
    g_autofree char *bytes = NULL;
    gsize length = 0;
    assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    for (gsize cut = 0; cut < length; cut++) {
        write_over(path, bytes, cut);
        assert_null(hp_report_packet_line_of_file(path, 3));
    }
    for (gsize i = 0; i < length; i++) {
        const char was = bytes[i];
        bytes[i] = (char)0xff;
        write_over(path, bytes, length);
        g_free(hp_report_packet_line_of_file(path, 3));
        bytes[i] = was;
    }
    g_unlink(path);
    g_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_a_trace),
        cmocka_unit_test(from_a_file),
        cmocka_unit_test(from_a_damaged_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
