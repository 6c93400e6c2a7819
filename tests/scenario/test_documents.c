/* The JSON Schema, the reference page and `explain`: made from the table, so what is tested is that the page in the
 * tree is the present one, and that the documents say what the loader does. test_schema.py judges scenarios by the
 * schema. */
#include "fixture.h"

#include <json-glib/json-glib.h>

#include "scenario/schema.h"

static void the_page_in_the_tree_is_current(void **state)
{
    g_autofree char *made = hp_schema_reference(), *kept = NULL;
    assert_true(g_file_get_contents(HAIRPIN_SOURCE_DIR "/scenarios/REFERENCE.md", &kept, NULL, NULL));
    assert_string_equal(made, kept);
}

static JsonObject *definition(JsonNode *root, const char *name)
{
    JsonObject *defs = json_object_get_object_member(json_node_get_object(root), "$defs");
    return json_object_get_object_member(defs, name);
}

static void the_schema_is_json(void **state)
{
    g_autofree char *text = hp_schema_json(), *again = hp_schema_json();
    g_autoptr(JsonParser) parser = json_parser_new();

    assert_string_equal(text, again);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_true(json_parser_load_from_data(parser, text, -1, NULL));
    JsonNode *root = json_parser_get_root(parser);
    assert_string_equal(json_object_get_string_member(json_node_get_object(root), "$schema"),
                        "https://json-schema.org/draft/2020-12/schema");
    JsonObject *link = definition(root, "link");
    assert_false(json_object_get_boolean_member(link, "additionalProperties"));
    JsonObject *mtu = json_object_get_object_member(json_object_get_object_member(link, "properties"), "mtu");
    assert_int_equal(json_object_get_int_member(mtu, "minimum"), 68);
    assert_string_equal(json_object_get_string_member(mtu, "description"), "largest IP packet (default: 1500)");
    JsonObject *ice = json_object_get_object_member(definition(root, "ice"), "properties");
    JsonObject *trickle = json_object_get_object_member(ice, "trickle");
    assert_string_equal(json_object_get_string_member(trickle, "type"), "boolean");
}

static void the_schema_tells_of_links(void **state)
{
    g_autofree char *text = hp_schema_json();
    g_autoptr(JsonParser) parser = json_parser_new();

    assert_true(json_parser_load_from_data(parser, text, -1, NULL));
    JsonNode *root = json_parser_get_root(parser);
    JsonObject *link = json_object_get_object_member(definition(root, "link"), "properties");
    JsonArray *delays = json_object_get_array_member(json_object_get_object_member(link, "jitter-list"), "anyOf");
    assert_int_equal(json_array_get_length(delays), 3); /* a file, 0, a list */
    assert_string_equal(json_object_get_string_member(json_array_get_object_element(delays, 2), "type"), "array");
    JsonObject *steps = json_object_get_object_member(link, "rate-steps");
    assert_string_equal(json_object_get_string_member(json_object_get_object_member(steps, "items"), "$ref"),
                        "#/$defs/rate-step");
    assert_true(json_object_has_member(definition(root, "outage"), "required"));

    g_autofree char *shape = hp_schema_explain("peers.link.jitter-shape", NULL);
    assert_non_null(strstr(shape, "\n  type: a number with at most three decimals from 0.001 to 1000\n"
                                  "  default: none; pareto needs one\n"));
    g_autofree char *kind = hp_schema_explain("network.internet.jitter-kind", NULL);
    assert_non_null(strstr(kind, "\n    empirical  one of `jitter-list`, each as likely as the other\n"));
}

static void the_schema_tells_of_media(void **state)
{
    g_autofree char *text = hp_schema_json();
    g_autoptr(JsonParser) parser = json_parser_new();

    assert_true(json_parser_load_from_data(parser, text, -1, NULL));
    JsonNode *root = json_parser_get_root(parser);
    JsonObject *media = json_object_get_object_member(definition(root, "peer-media"), "properties");
    static const char *const parts[] = {"audio", "video", "rtcp", "playout", "freeze", "security"};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        assert_true(json_object_has_member(media, parts[i]));
    }
    assert_int_equal(json_object_get_size(media), G_N_ELEMENTS(parts));
    JsonObject *video = json_object_get_object_member(definition(root, "peer-video"), "properties");
    JsonObject *fps = json_object_get_object_member(video, "fps");
    assert_int_equal(json_object_get_int_member(fps, "maximum"), 1000);
    assert_string_equal(json_object_get_string_member(fps, "description"), "frames a second (default: 30)");
    assert_false(
        json_object_has_member(json_object_get_object_member(definition(root, "audio"), "properties"), "nacks"));
}

static void explains_by_name_and_by_path(void **state)
{
    static const char expected[] = "network.nats.*.hairpin\n"
                                   "steps.*.set-nat.hairpin\n"
                                   "  packets from inside to an external address of the same NAT (RFC 4787 section 6)\n"
                                   "  type: a hairpinning behaviour\n"
                                   "    none             packets to its own external addresses are dropped\n"
                                   "    internal-source  they arrive with the sender's internal address\n"
                                   "    external-source  they arrive with the sender's external address\n"
                                   "  default: none\n";
    g_autofree char *name = hp_schema_explain("hairpin", NULL);
    assert_string_equal(name, expected);

    static const char *const paths[] = {"network.nats.*.mapping", "network.nats.home.mapping", "network.nats.mapping",
                                        "nats.mapping"};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *text = hp_schema_explain(paths[i], NULL);
        assert_non_null(text);
        assert_true(g_str_has_prefix(text, "network.nats.*.mapping\n  which flows share"));
    }
    g_autofree char *latency = hp_schema_explain("expect.latency", NULL);
    assert_true(g_str_has_prefix(latency, "expect.*.latency\n"));
    assert_non_null(strstr(latency, "    p95: 95 of 100 are as fast as this\n"));
    g_autofree char *ptime = hp_schema_explain("peers.alice.media.audio.ptime", NULL);
    assert_string_equal(ptime, "peers.*.media.audio.ptime\n  time between two packets\n"
                               "  type: a duration from 1ms to 1s\n  default: 20ms\n");
    g_autofree char *mos = hp_schema_explain("mos", NULL);
    assert_true(g_str_has_prefix(mos, "expect.*.media.audio.mos\n  mean opinion score"));
    assert_non_null(strstr(mos, "  type: a comparison such as \"> 4.05\" or 3.9..4.5\n"));
    g_autofree char *variation = hp_schema_explain("variation", NULL);
    assert_non_null(strstr(variation, "  type: a whole percentage from 0% to 90%\n  default: 10%\n"));
    g_autofree char *kinds = hp_schema_explain("steps.call.media", NULL);
    assert_true(g_str_has_prefix(kinds, "steps.*.call.media\n"));
    g_autofree char *required = hp_schema_explain("servers.kind", NULL);
    assert_non_null(strstr(required, "  required\n"));
}

static void knows_what_was_meant(void **state)
{
    const char *nearest = "untouched";
    assert_null(hp_schema_explain("network.nats.home.mappng", &nearest));
    assert_string_equal(nearest, "mapping");
    assert_null(hp_schema_explain("zzzzzzzz", &nearest));
    assert_null(nearest);
    assert_null(hp_schema_explain("", &nearest));
    assert_null(hp_schema_explain("latency.p95.mapping", &nearest));
    assert_string_equal(nearest, "mapping");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_in_the_tree_is_current), cmocka_unit_test(the_schema_is_json),
        cmocka_unit_test(the_schema_tells_of_links),       cmocka_unit_test(the_schema_tells_of_media),
        cmocka_unit_test(explains_by_name_and_by_path),    cmocka_unit_test(knows_what_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
