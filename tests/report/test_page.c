/* The parts of a page's data: packing, JSON inside a script element, series made shorter, and the page around it. */
#include "report/fixture.h"

#include <zlib.h>

#include "report/page_private.h"

/* ---- packing ---- */

static char *unpacked(const char *text, size_t room)
{
    gsize length;
    g_autofree guchar *packed = g_base64_decode(text, &length);
    char *plain = g_malloc0(room + 1);
    z_stream z = {.next_in = packed, .avail_in = (uInt)length, .next_out = (Bytef *)plain, .avail_out = (uInt)room};
    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(inflateEnd(&z), Z_OK);
    return plain;
}

static void packs_and_unpacks(void **state)
{
    g_autofree char *text = g_strnfill(100000, 'a');
    text[50000] = 'b';
    size_t length;
    g_autofree char *packed = hp_page_pack(text, strlen(text), &length);
    assert_int_equal(length, strlen(packed));
    assert_true(length < 400);
    g_autofree char *back = unpacked(packed, 100000);
    assert_string_equal(back, text);
}

static void nothing_ends_the_script(void **state)
{
    g_autofree char *safe = hp_page_safe_json("{\"a\":\"</script><!-- & \\\"x\\\" \xc3\xa9\"}");
    assert_string_equal(safe, "{\"a\":\"\\u003c/script\\u003e\\u003c!-- \\u0026 \\\"x\\\" \xc3\xa9\"}");
}

static void the_template(void **state)
{
    const char *head, *tail;
    size_t head_length, tail_length;
    hp_page_template(&head, &head_length, &tail, &tail_length);
    assert_true(g_str_has_prefix(head, "<!doctype html>"));
    assert_null(g_strstr_len(head, (gssize)head_length, "</body>"));
    assert_non_null(g_strstr_len(tail, (gssize)tail_length, "</body>"));
    assert_null(g_strstr_len(tail, (gssize)tail_length, "<!--hairpin-data-->"));
}

/* ---- JSON ---- */

static JsonNode *parsed(const char *text)
{
    g_autoptr(GError) error = NULL;
    JsonNode *node = json_from_string(text, &error);
    assert_null(error);
    return node;
}

static void values_are_written_again(void **state)
{
    static const char text[] = "{\"b\":[1,-2,null,true,false,\"x\\\"y\"],\"a\":{\"n\":9007199254740993,\"f\":0.25},"
                               "\"e\":{},\"l\":[]}";
    g_autoptr(JsonNode) node = parsed(text);
    hp_json j = {.o = hp_output_memory(), .depth = 1, .first = true, .one_line = true};
    hp_page_node(&j, NULL, node);
    g_autofree char *again = hp_output_take(j.o, NULL);
    assert_string_equal(again, text);
}

/* 3,000 points become 1,000, of three each. */
static void long_series(void **state)
{
    g_autoptr(GString) text = g_string_new("{\"tracks\":[7,{\"series\":null},{\"series\":{\"start_ns\":0,"
                                           "\"interval_ns\":100");
    static const char *const rows[] = {"sent", "packets", "jitter_us", "latency_mean_ns", "latency_max_ns"};
    for (unsigned row = 0; row < G_N_ELEMENTS(rows); row++) {
        g_string_append_printf(text, ",\"%s\":[", rows[row]);
        for (unsigned i = 0; i < 3000; i++) {
            /* packets 0, 1, 2, 0, 1, 2...; jitter counts down, the others up */
            g_string_append_printf(text, "%s%u", i > 0 ? "," : "", row == 1 ? i % 3 : row == 2 ? 3000 - i : i);
        }
        g_string_append(text, "]");
    }
    g_string_append(text, "}}]}");
    g_autoptr(JsonNode) node = parsed(text->str);
    JsonObject *result = json_node_get_object(node);
    hp_page_thin_series(result);
    JsonArray *tracks = json_object_get_array_member(result, "tracks");
    JsonObject *series = json_object_get_object_member(json_array_get_object_element(tracks, 2), "series");
    assert_int_equal(json_object_get_int_member(series, "interval_ns"), 300);
    static const int64_t second[] = {3 + 4 + 5, 0 + 1 + 2, 2997, (4 * 1 + 5 * 2) / 3, 5};
    for (unsigned row = 0; row < G_N_ELEMENTS(rows); row++) {
        JsonArray *values = json_object_get_array_member(series, rows[row]);
        assert_int_equal(json_array_get_length(values), 1000);
        assert_int_equal(json_array_get_int_element(values, 1), second[row]);
    }
}

static void short_series_stay(void **state)
{
    static const char text[] = "{\"tracks\":[{\"series\":{\"interval_ns\":100,\"sent\":[1,2,3]}}]}";
    g_autoptr(JsonNode) node = parsed(text);
    hp_page_thin_series(json_node_get_object(node));
    g_autofree char *again = json_to_string(node, FALSE);
    assert_string_equal(again, text);
}

/* ---- rows ---- */

static char *row_of(const char *text)
{
    g_autoptr(JsonNode) node = parsed(text);
    hp_json j = {.o = hp_output_memory(), .depth = 1, .first = true, .one_line = true};
    hp_page_row(&j, json_node_get_object(node), true);
    return hp_output_take(j.o, NULL);
}

/* Of several pairs the worst counts: the one without a path, the prediction that was not met. */
static void a_row_of_several_pairs(void **state)
{
    g_autofree char *row = row_of(
        "{\"case\":\"a/b\",\"file\":\"f\",\"verdict\":\"fail\",\"about\":null,\"tags\":[\"x\"],\"seed\":7,"
        "\"ended_ns\":9,\"path\":["
        "{\"kind\":\"direct\",\"a_type\":\"host\",\"b_type\":\"host\",\"connected_ns\":5},"
        "{\"kind\":\"relay\",\"a_type\":\"relay\",\"b_type\":\"srflx\",\"connected_ns\":8},"
        "{\"kind\":\"hairpin\",\"a_type\":\"srflx\",\"b_type\":\"srflx\",\"connected_ns\":6}],"
        "\"oracle\":[{\"verdict\":\"agrees\",\"predicted\":\"direct\"},"
        "{\"verdict\":\"disagrees\",\"predicted\":\"no path\"},{\"verdict\":\"silent\",\"predicted\":\"relay\"}],"
        "\"expectations\":[{\"what\":\"w\",\"passed\":true,\"got\":\"g\"},"
        "{\"what\":\"w2\",\"passed\":false,\"got\":\"g2\"}],"
        "\"known_bug\":\"https://example.org/1\","
        "\"matrix\":[{\"path\":\"network.nats.home.preset\",\"name\":\"home.preset\",\"value\":\"symmetric\"}]}");
    assert_string_equal(row, "{\"name\":\"a/b\",\"file\":\"f\",\"verdict\":\"fail\",\"about\":\"\",\"tags\":[\"x\"],"
                             "\"seed\":\"7\",\"ended_ns\":9,\"connected_ns\":8,\"path\":\"relay\","
                             "\"types\":\"relay/srflx\",\"oracle\":\"disagrees\",\"predicted\":\"none\","
                             "\"failed\":[\"w2: g2\"],\"known_bug\":\"https://example.org/1\","
                             "\"matrix\":{\"home.preset\":\"symmetric\"},\"evidence\":true");
}

static void one_pair_that_never_connected(void **state)
{
    g_autofree char *row = row_of("{\"case\":\"a\",\"path\":[{\"kind\":\"direct\",\"connected_ns\":5},"
                                  "{\"kind\":\"none\",\"connected_ns\":null}]}");
    assert_non_null(strstr(row, "\"connected_ns\":null,\"path\":\"none\",\"types\":null,\"oracle\":null,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_and_unpacks),
        cmocka_unit_test(nothing_ends_the_script),
        cmocka_unit_test(the_template),
        cmocka_unit_test(values_are_written_again),
        cmocka_unit_test(long_series),
        cmocka_unit_test(short_series_stay),
        cmocka_unit_test(a_row_of_several_pairs),
        cmocka_unit_test(one_pair_that_never_connected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
