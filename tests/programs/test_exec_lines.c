/* Lines of foreign programs: what is read of them, and that nothing they say is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "programs/exec_lines.h"

static hp_exec_event *parse(const char *line)
{
    return hp_exec_event_parse(line, strlen(line));
}

static void every_event_has_its_kind(void **state)
{
    for (unsigned i = 0; i < HP_EXEC_N_EVENTS; i++) {
        g_autofree char *line = g_strdup_printf("{\"event\":\"%s\"}", hp_exec_event_name((hp_exec_event_kind)i));
        g_autoptr(hp_exec_event) event = parse(line);
        assert_int_equal(event->kind, i);
        assert_null(event->with);
        assert_null(event->state);
    }
}

static void a_selected_pair(void **state)
{
    g_autoptr(hp_exec_event) e = parse(
        " {\"event\":\"selected-pair\",\"with\":\"bob\",\"local\":{\"type\":\"relay\",\"address\":\"203.0.113.9\","
        "\"port\":50000,\"transport\":\"udp\",\"relay-protocol\":\"tls\"},\"remote\":{\"type\":\"prflx\",\"address\":"
        "\"2001:db8::1\",\"port\":9},\"new\":[1]}");
    hp_addr local, remote;
    assert_true(hp_addr_parse("203.0.113.9:50000", &local) && hp_addr_parse("[2001:db8::1]:9", &remote));
    assert_int_equal(e->kind, HP_EXEC_SELECTED_PAIR);
    assert_string_equal(e->with, "bob");
    assert_string_equal(e->local.type, "relay");
    assert_string_equal(e->local.transport, "udp");
    assert_string_equal(e->local.relay_protocol, "tls");
    assert_true(hp_addr_equal(&e->local.address, &local));
    assert_string_equal(e->remote.type, "prflx");
    assert_null(e->remote.transport);
    assert_true(hp_addr_equal(&e->remote.address, &remote));
}

static void an_address_that_is_none_is_not_told(void **state)
{
    const char *const addresses[] = {"\"a83c.local\"", "\"\"", "7", "null", "\"192.0.2.1:5\"", "\"10.0.0.0/8\""};
    for (unsigned i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autofree char *line =
            g_strdup_printf("{\"event\":\"candidate\",\"type\":\"host\",\"address\":%s,\"port\":4}", addresses[i]);
        g_autoptr(hp_exec_event) e = parse(line);
        assert_int_equal(e->kind, HP_EXEC_CANDIDATE);
        assert_int_equal(e->local.address.family, HP_AF_NONE);
        assert_string_equal(e->local.type, "host");
    }
    g_autoptr(hp_exec_event) scoped = parse("{\"event\":\"candidate\",\"address\":\"fe80::1%eth0\",\"port\":70000}");
    assert_int_equal(scoped->local.address.family, HP_AF_IPV6);
    assert_int_equal(scoped->local.address.port, 0);
}

static void media_tells_what_it_knows(void **state)
{
    g_autoptr(hp_exec_event) e = parse("{\"event\":\"media\",\"with\":\"bob\",\"kind\":\"video\",\"direction\":\"in\","
                                       "\"packets\":12,\"lost\":-1,\"jitter-ms\":2.5,\"frames\":7.0,\"octets\":\"9\"}");
    assert_int_equal(e->kind, HP_EXEC_MEDIA);
    assert_string_equal(e->media, "video");
    assert_true(e->in);
    assert_true(e->packets.told && e->packets.value == 12);
    assert_true(e->lost.told && e->lost.value == -1);
    assert_true(e->jitter.told && e->jitter.value == 2500 * (int64_t)HP_US);
    assert_true(e->frames.told && e->frames.value == 7);
    assert_false(e->octets.told);
    g_autoptr(hp_exec_event) huge = parse("{\"event\":\"media\",\"packets\":1e300,\"direction\":\"out\","
                                          "\"jitter-ms\":9007199254740992,\"octets\":9007199254740993}");
    assert_false(huge->packets.told || huge->jitter.told || huge->in);
}

static void members_of_the_wrong_type_are_absent(void **state)
{
    g_autoptr(hp_exec_event) e =
        parse("{\"event\":\"ice-state\",\"with\":7,\"state\":[\"connected\"],\"local\":\"x\",\"text\":null}");
    assert_int_equal(e->kind, HP_EXEC_ICE_STATE);
    assert_null(e->with);
    assert_null(e->state);
    assert_null(e->text);
}

static void what_is_no_event_is_a_log(void **state)
{
    const char *const lines[] = {"listening on 3478",
                                 "[1, 2]",
                                 "{\"event\":\"dance\"}",
                                 "{\"event\":7}",
                                 "{}",
                                 "{\"event\":\"ready\"",
                                 "{\"event\":\"ready\"} and more",
                                 "null",
                                 "{'",
                                 "\"ready\""};
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(hp_exec_event) e = parse(lines[i]);
        assert_int_equal(e->kind, HP_EXEC_LOG);
        assert_string_equal(e->text, lines[i]);
    }
    g_autoptr(hp_exec_event) bad = parse("caf\xe9");
    assert_true(g_utf8_validate(bad->text, -1, NULL));
}

static void deep_nesting_never_reaches_the_parser(void **state)
{
    enum { DEEP = 900000 };
    const char *const forms[] = {"{\"event\":", "{\"event\":'\"',", "{\"event\":/*\"*/"};
    for (unsigned i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autoptr(GString) line = g_string_new(forms[i]);
        for (unsigned k = 0; k < DEEP; k++)
            g_string_append_c(line, '[');
        g_autoptr(hp_exec_event) e = hp_exec_event_parse(line->str, line->len);
        assert_int_equal(e->kind, HP_EXEC_LOG);
    }
}

/* ---- the stream ---- */

static void collect(void *user, const char *line, size_t len)
{
    g_string_append_len(user, line, (gssize)len);
    g_string_append_c(user, '|');
}

static void lines_however_they_are_cut(void **state)
{
    const char text[] = "one\n\ntwo\r\nthree\n\r\nfour";
    for (size_t cut = 1; cut < sizeof text; cut++) {
        g_autoptr(GString) seen = g_string_new(NULL);
        g_autoptr(hp_exec_lines) lines = hp_exec_lines_new(collect, seen);
        for (size_t at = 0; at < sizeof text - 1; at += cut)
            assert_true(hp_exec_lines_input(lines, text + at, MIN(cut, sizeof text - 1 - at), NULL));
        assert_string_equal(seen->str, "one|two|three|");
        hp_exec_lines_end(lines);
        hp_exec_lines_end(lines);
        assert_string_equal(seen->str, "one|two|three|four|");
    }
}

static void a_line_without_end_is_refused(void **state)
{
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(hp_exec_lines) lines = hp_exec_lines_new(collect, seen);
    g_autofree char *much = g_strnfill(HP_EXEC_MAX_LINE, 'x');
    g_autoptr(GError) error = NULL;
    assert_true(hp_exec_lines_input(lines, "a\n", 2, NULL));
    assert_true(hp_exec_lines_input(lines, much, HP_EXEC_MAX_LINE, &error));
    assert_false(hp_exec_lines_input(lines, "x", 1, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_LIMIT));
    assert_false(hp_exec_lines_input(lines, "\nb\n", 3, NULL));
    hp_exec_lines_end(lines);
    assert_string_equal(seen->str, "a|");
}

static void ignore(void *user, const char *line, size_t len)
{
    (void)user;
    (void)line;
    (void)len;
}

static void a_flood_is_refused(void **state)
{
    g_autoptr(hp_exec_lines) lines = hp_exec_lines_new(ignore, NULL);
    g_autofree char *line = g_strnfill(HP_EXEC_MAX_LINE - 1, 'x');
    g_autoptr(GError) error = NULL;
    for (size_t told = 0; told < HP_EXEC_MAX_TOTAL; told += HP_EXEC_MAX_LINE)
        assert_true(hp_exec_lines_input(lines, line, HP_EXEC_MAX_LINE - 1, NULL) &&
                    hp_exec_lines_input(lines, "\n", 1, NULL));
    assert_false(hp_exec_lines_input(lines, "y", 1, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_LIMIT));
    assert_non_null(strstr(error->message, "256 MiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_has_its_kind),
        cmocka_unit_test(a_selected_pair),
        cmocka_unit_test(an_address_that_is_none_is_not_told),
        cmocka_unit_test(media_tells_what_it_knows),
        cmocka_unit_test(members_of_the_wrong_type_are_absent),
        cmocka_unit_test(what_is_no_event_is_a_log),
        cmocka_unit_test(deep_nesting_never_reaches_the_parser),
        cmocka_unit_test(lines_however_they_are_cut),
        cmocka_unit_test(a_line_without_end_is_refused),
        cmocka_unit_test(a_flood_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
