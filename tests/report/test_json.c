/* result.json, byte for byte. */
#include "report/fixture.h"

#include <json-glib/json-glib.h>

static void assert_is_json(const char *text)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;
    assert_true(json_parser_load_from_data(parser, text, -1, &error));
}

static void a_bare_result(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_PASS);
    g_autofree char *text = hp_report_json(&f.result);
    fixture_clear(&f);
    assert_is_json(text);
    assert_string_equal(text, "{\n"
                              "  \"format\": \"hairpin-result/1\",\n"
                              "  \"hairpin\": \"" HAIRPIN_VERSION "\",\n"
                              "  \"file\": \"scenarios/nat/strict.yaml\",\n"
                              "  \"case\": \"nat/strict\",\n"
                              "  \"scenario\": \"strict\",\n"
                              "  \"label\": \"\",\n"
                              "  \"about\": null,\n"
                              "  \"tags\": [],\n"
                              "  \"seed\": 7,\n"
                              "  \"until_ns\": 60000000000,\n"
                              "  \"known_bug\": null,\n"
                              "  \"verdict\": \"pass\",\n"
                              "  \"good\": true,\n"
                              "  \"message\": null,\n"
                              "  \"ended_ns\": 12500000000,\n"
                              "  \"end_reason\": \"decided\",\n"
                              "  \"first_call_ns\": null,\n"
                              "  \"expectations\": [],\n"
                              "  \"sessions\": [],\n"
                              "  \"flows\": [],\n"
                              "  \"nats\": [],\n"
                              "  \"servers\": [],\n"
                              "  \"counts\": {\n"
                              "    \"packets\": 0,\n"
                              "    \"events\": 0,\n"
                              "    \"drops\": 0,\n"
                              "    \"drops_by_reason\": {}\n"
                              "  }\n"
                              "}\n");
}

static void every_field(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict[home.preset=symmetric]", HP_VERDICT_EXPECTED_FAILURE);
    f.scenario.label = (char *)"home.preset=symmetric";
    f.scenario.about = (char *)"Says \"no\".";
    f.tags[0] = (char *)"nat";
    f.tags[1] = (char *)"slow";
    f.scenario.tags = f.tags;
    f.scenario.known_bug = (char *)"https://example.org/1";
    f.plan.seed = UINT64_MAX;
    f.result.message = (char *)"line\nbreak";
    f.result.first_call = 5;
    fixture_expect(&f, 31, "connected: {within: 3s}", "connected within 3s", "failed")->packet = 17;
    hp_expect_result *finding = fixture_expect(&f, 0, "wait-for", NULL, "done");
    finding->expect = NULL;
    finding->mark.file = NULL;
    finding->at = HP_NEVER;
    hp_session_result session = {.peer = "alice",
                                 .with = "bob",
                                 .session = 1,
                                 .stream = 2,
                                 .component = 3,
                                 .gathered = 10,
                                 .connected = 20,
                                 .ready = 30,
                                 .failed = HP_NEVER,
                                 .state = "ready",
                                 .local_type = "host",
                                 .local = fixture_addr("192.168.1.2:5000")};
    f.result.sessions = &session;
    f.result.n_sessions = 1;
    hp_flow_result flows[] = {
        {.from = "alice",
         .to = "bob",
         .flow = 1,
         .sent = 5,
         .received = 4,
         .lost = 1,
         .duplicates = 2,
         .reordered = 3,
         .latency = {.count = 4, .min = 1, .median = 2, .mean = 3, .p95 = 4, .max = 5}},
        {.from = "bob", .to = "alice", .flow = 2},
    };
    f.result.flows = flows;
    f.result.n_flows = 2;
    hp_nat_result nat = {.nat = "home", .mappings = 3, .mappings_ended = 2, .drops = 1};
    f.result.nats = &nat;
    f.result.n_nats = 1;
    hp_server_result server = {
        .server = "turn", .requests = 9, .errors = 8, .allocations = 7, .relayed_packets = 6, .relayed_bytes = 5};
    f.result.servers = &server;
    f.result.n_servers = 1;
    f.result.packets = 100;
    f.result.events = 50;
    f.result.drops = 3;
    f.result.drops_by_reason[HP_DROP_RULE] = 1;
    f.result.drops_by_reason[HP_DROP_LINK_LOSS] = 2;
    g_autofree char *text = hp_report_json(&f.result);
    fixture_clear(&f);
    assert_is_json(text);
    assert_string_equal(text, "{\n"
                              "  \"format\": \"hairpin-result/1\",\n"
                              "  \"hairpin\": \"" HAIRPIN_VERSION "\",\n"
                              "  \"file\": \"scenarios/nat/strict.yaml\",\n"
                              "  \"case\": \"nat/strict[home.preset=symmetric]\",\n"
                              "  \"scenario\": \"strict\",\n"
                              "  \"label\": \"home.preset=symmetric\",\n"
                              "  \"about\": \"Says \\\"no\\\".\",\n"
                              "  \"tags\": [\n"
                              "    \"nat\",\n"
                              "    \"slow\"\n"
                              "  ],\n"
                              "  \"seed\": 18446744073709551615,\n"
                              "  \"until_ns\": 60000000000,\n"
                              "  \"known_bug\": \"https://example.org/1\",\n"
                              "  \"verdict\": \"expected-failure\",\n"
                              "  \"good\": true,\n"
                              "  \"message\": \"line\\nbreak\",\n"
                              "  \"ended_ns\": 12500000000,\n"
                              "  \"end_reason\": \"decided\",\n"
                              "  \"first_call_ns\": 5,\n"
                              "  \"expectations\": [\n"
                              "    {\n"
                              "      \"what\": \"connected: {within: 3s}\",\n"
                              "      \"finding\": false,\n"
                              "      \"file\": \"scenarios/nat/strict.yaml\",\n"
                              "      \"line\": 31,\n"
                              "      \"column\": 5,\n"
                              "      \"passed\": false,\n"
                              "      \"expected\": \"connected within 3s\",\n"
                              "      \"got\": \"failed\",\n"
                              "      \"at_ns\": 3250000000,\n"
                              "      \"packet\": 17\n"
                              "    },\n"
                              "    {\n"
                              "      \"what\": \"wait-for\",\n"
                              "      \"finding\": true,\n"
                              "      \"file\": null,\n"
                              "      \"line\": 0,\n"
                              "      \"column\": 5,\n"
                              "      \"passed\": true,\n"
                              "      \"expected\": \"as written\",\n"
                              "      \"got\": \"done\",\n"
                              "      \"at_ns\": null,\n"
                              "      \"packet\": 0\n"
                              "    }\n"
                              "  ],\n"
                              "  \"sessions\": [\n"
                              "    {\n"
                              "      \"peer\": \"alice\",\n"
                              "      \"with\": \"bob\",\n"
                              "      \"session\": 1,\n"
                              "      \"stream\": 2,\n"
                              "      \"component\": 3,\n"
                              "      \"state\": \"ready\",\n"
                              "      \"gathered_ns\": 10,\n"
                              "      \"connected_ns\": 20,\n"
                              "      \"ready_ns\": 30,\n"
                              "      \"failed_ns\": null,\n"
                              "      \"local_type\": \"host\",\n"
                              "      \"remote_type\": null,\n"
                              "      \"local\": \"192.168.1.2:5000\",\n"
                              "      \"remote\": null\n"
                              "    }\n"
                              "  ],\n"
                              "  \"flows\": [\n"
                              "    {\n"
                              "      \"flow\": 1,\n"
                              "      \"from\": \"alice\",\n"
                              "      \"to\": \"bob\",\n"
                              "      \"sent\": 5,\n"
                              "      \"received\": 4,\n"
                              "      \"lost\": 1,\n"
                              "      \"duplicates\": 2,\n"
                              "      \"reordered\": 3,\n"
                              "      \"latency\": {\n"
                              "        \"count\": 4,\n"
                              "        \"min_ns\": 1,\n"
                              "        \"median_ns\": 2,\n"
                              "        \"mean_ns\": 3,\n"
                              "        \"p95_ns\": 4,\n"
                              "        \"max_ns\": 5\n"
                              "      }\n"
                              "    },\n"
                              "    {\n"
                              "      \"flow\": 2,\n"
                              "      \"from\": \"bob\",\n"
                              "      \"to\": \"alice\",\n"
                              "      \"sent\": 0,\n"
                              "      \"received\": 0,\n"
                              "      \"lost\": 0,\n"
                              "      \"duplicates\": 0,\n"
                              "      \"reordered\": 0,\n"
                              "      \"latency\": {\n"
                              "        \"count\": 0,\n"
                              "        \"min_ns\": null,\n"
                              "        \"median_ns\": null,\n"
                              "        \"mean_ns\": null,\n"
                              "        \"p95_ns\": null,\n"
                              "        \"max_ns\": null\n"
                              "      }\n"
                              "    }\n"
                              "  ],\n"
                              "  \"nats\": [\n"
                              "    {\n"
                              "      \"nat\": \"home\",\n"
                              "      \"mappings\": 3,\n"
                              "      \"mappings_ended\": 2,\n"
                              "      \"drops\": 1\n"
                              "    }\n"
                              "  ],\n"
                              "  \"servers\": [\n"
                              "    {\n"
                              "      \"server\": \"turn\",\n"
                              "      \"requests\": 9,\n"
                              "      \"errors\": 8,\n"
                              "      \"allocations\": 7,\n"
                              "      \"relayed_packets\": 6,\n"
                              "      \"relayed_bytes\": 5\n"
                              "    }\n"
                              "  ],\n"
                              "  \"counts\": {\n"
                              "    \"packets\": 100,\n"
                              "    \"events\": 50,\n"
                              "    \"drops\": 3,\n"
                              "    \"drops_by_reason\": {\n"
                              "      \"loss\": 2,\n"
                              "      \"rule\": 1\n"
                              "    }\n"
                              "  }\n"
                              "}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_result),
        cmocka_unit_test(every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
