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
                              "  \"matrix\": [],\n"
                              "  \"until_ns\": 60000000000,\n"
                              "  \"known_bug\": null,\n"
                              "  \"again\": \"hairpin run scenarios/nat/strict.yaml --seed 7\",\n"
                              "  \"verdict\": \"pass\",\n"
                              "  \"good\": true,\n"
                              "  \"message\": null,\n"
                              "  \"ended_ns\": 12500000000,\n"
                              "  \"end_reason\": \"decided\",\n"
                              "  \"first_call_ns\": null,\n"
                              "  \"expectations\": [],\n"
                              "  \"sessions\": [],\n"
                              "  \"flows\": [],\n"
                              "  \"tracks\": [],\n"
                              "  \"dtls\": [],\n"
                              "  \"oracle\": [],\n"
                              "  \"path\": [],\n"
                              "  \"network\": {\n"
                              "    \"zones\": [],\n"
                              "    \"nats\": [],\n"
                              "    \"firewalls\": [],\n"
                              "    \"servers\": [],\n"
                              "    \"peers\": [],\n"
                              "    \"middleboxes\": []\n"
                              "  },\n"
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
        {.from = "bob", .to = "alice", .channel = "chat", .flow = 2},
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
                              "  \"matrix\": [],\n"
                              "  \"until_ns\": 60000000000,\n"
                              "  \"known_bug\": \"https://example.org/1\",\n"
                              "  \"again\": \"hairpin run scenarios/nat/strict.yaml --seed 18446744073709551615 "
                              "--filter '[home.preset=symmetric]'\",\n"
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
                              "      \"of_oracle\": false,\n"
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
                              "      \"of_oracle\": false,\n"
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
                              "      \"channel\": \"chat\",\n"
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
                              "  \"tracks\": [],\n"
                              "  \"dtls\": [],\n"
                              "  \"oracle\": [],\n"
                              "  \"path\": [],\n"
                              "  \"network\": {\n"
                              "    \"zones\": [],\n"
                              "    \"nats\": [],\n"
                              "    \"firewalls\": [],\n"
                              "    \"servers\": [],\n"
                              "    \"peers\": [],\n"
                              "    \"middleboxes\": []\n"
                              "  },\n"
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

/* What stands between two keys of the whole. */
static char *part(const char *text, const char *from, const char *to)
{
    const char *start = strstr(text, from), *end = strstr(text, to);
    assert_non_null(start);
    assert_non_null(end);
    return g_strndup(start, (gsize)(end - start));
}

static void media(void **state)
{
    fixture f;
    fixture_init(&f, "media/call", HP_VERDICT_PASS);
    hp_media_point points[] = {
        {.sent = 5,
         .packets = 4,
         .lost = 1,
         .octets = 320,
         .frames = 3,
         .jitter_us = 250,
         .latency_mean = 20 * HP_MS,
         .latency_max = 5 * HP_S},
        {.jitter_us = UINT32_MAX},
    };
    hp_track_result tracks[] = {
        {.track = 1,
         .kind = HP_MEDIA_AUDIO,
         .from = "alice",
         .to = "bob",
         .ssrc = UINT32_MAX,
         .called = 17,
         .figures = {.sent = 1,
                     .received = 2,
                     .lost = 3,
                     .in_flight = 33,
                     .recovered = 4,
                     .late = 5,
                     .unusable = 6,
                     .duplicates = 7,
                     .reordered = 8,
                     .discarded = 9,
                     .foreign = 10,
                     .auth_failures = 11,
                     .replays = 12,
                     .octets = 13,
                     .bitrate = 14,
                     .loss_ppb = 15,
                     .unusable_ppb = 16,
                     .jitter_mean = 17,
                     .jitter_max = 18,
                     .latency = {.count = 1, .min = 2, .median = 3, .mean = 4, .p95 = 5, .max = 6},
                     .first_packet = 19,
                     .burst_milli = 1500,
                     .mouth_to_ear = 20,
                     .r_milli = -21,
                     .mos_milli = 1000,
                     .first_frame = HP_NEVER},
         .series_start = 200 * HP_MS,
         .series = points,
         .n_series = 2},
        {.track = 2,
         .kind = HP_MEDIA_VIDEO,
         .from = "bob",
         .to = "alice",
         .figures = {.first_packet = HP_NEVER,
                     .first_frame = 1,
                     .frames = 2,
                     .key_frames = 3,
                     .frames_lost = 4,
                     .frame_rate_milli = 29970,
                     .freezes = 5,
                     .freeze_time = 6,
                     .freeze_longest = 7,
                     .nacks = 8,
                     .plis = 9,
                     .retransmitted = 10},
         .series = points,
         .n_series = 1},
        {.track = 3, .from = "x", .to = "y", .figures = {.first_packet = HP_NEVER, .first_frame = HP_NEVER}},
    };
    hp_dtls_result dtls[] = {
        {.peer = "alice",
         .with = "bob",
         .role = "active",
         .profile = "SRTP_AEAD_AES_128_GCM",
         .state = "connected",
         .reason = "",
         .session = 1,
         .stream = 2,
         .component = 3,
         .started = 4,
         .connected = 5,
         .timeouts = 6},
        {.peer = "bob",
         .with = "",
         .role = "",
         .profile = "",
         .state = "failed",
         .reason = "timeout",
         .started = HP_NEVER,
         .connected = HP_NEVER},
    };
    f.result.tracks = tracks;
    f.result.n_tracks = 3;
    f.result.dtls = dtls;
    f.result.n_dtls = 2;
    g_autofree char *text = hp_report_json(&f.result);
    fixture_clear(&f);
    assert_is_json(text);
    g_autofree char *audio = part(text, "  \"tracks\"", "    {\n      \"track\": 2");
    assert_string_equal(audio, "  \"tracks\": [\n"
                               "    {\n"
                               "      \"track\": 1,\n"
                               "      \"kind\": \"audio\",\n"
                               "      \"from\": \"alice\",\n"
                               "      \"to\": \"bob\",\n"
                               "      \"ssrc\": 4294967295,\n"
                               "      \"called_ns\": 17,\n"
                               "      \"sent\": 1,\n"
                               "      \"received\": 2,\n"
                               "      \"lost\": 3,\n"
                               "      \"in_flight\": 33,\n"
                               "      \"recovered\": 4,\n"
                               "      \"late\": 5,\n"
                               "      \"unusable\": 6,\n"
                               "      \"loss_ppb\": 15,\n"
                               "      \"unusable_ppb\": 16,\n"
                               "      \"duplicates\": 7,\n"
                               "      \"reordered\": 8,\n"
                               "      \"discarded\": 9,\n"
                               "      \"foreign\": 10,\n"
                               "      \"auth_failures\": 11,\n"
                               "      \"replays\": 12,\n"
                               "      \"octets\": 13,\n"
                               "      \"bitrate\": 14,\n"
                               "      \"first_packet_ns\": 19,\n"
                               "      \"jitter_mean_ns\": 17,\n"
                               "      \"jitter_max_ns\": 18,\n"
                               "      \"latency\": {\n"
                               "        \"count\": 1,\n"
                               "        \"min_ns\": 2,\n"
                               "        \"median_ns\": 3,\n"
                               "        \"mean_ns\": 4,\n"
                               "        \"p95_ns\": 5,\n"
                               "        \"max_ns\": 6\n"
                               "      },\n"
                               "      \"burst_milli\": 1500,\n"
                               "      \"mouth_to_ear_ns\": 20,\n"
                               "      \"r_milli\": -21,\n"
                               "      \"mos_milli\": 1000,\n"
                               "      \"series\": {\n"
                               "        \"start_ns\": 200000000,\n"
                               "        \"interval_ns\": 100000000,\n"
                               "        \"sent\": [5,0],\n"
                               "        \"packets\": [4,0],\n"
                               "        \"lost\": [1,0],\n"
                               "        \"octets\": [320,0],\n"
                               "        \"jitter_us\": [250,4294967295],\n"
                               "        \"latency_mean_ns\": [20000000,0],\n"
                               "        \"latency_max_ns\": [5000000000,0]\n"
                               "      }\n"
                               "    },\n");
    g_autofree char *video = part(text, "      \"first_frame_ns\"", "    {\n      \"track\": 3");
    assert_string_equal(video, "      \"first_frame_ns\": 1,\n"
                               "      \"frames\": 2,\n"
                               "      \"key_frames\": 3,\n"
                               "      \"frames_lost\": 4,\n"
                               "      \"frame_rate_milli\": 29970,\n"
                               "      \"frame_latency\": {\n"
                               "        \"count\": 0,\n"
                               "        \"min_ns\": null,\n"
                               "        \"median_ns\": null,\n"
                               "        \"mean_ns\": null,\n"
                               "        \"p95_ns\": null,\n"
                               "        \"max_ns\": null\n"
                               "      },\n"
                               "      \"freezes\": 5,\n"
                               "      \"freeze_time_ns\": 6,\n"
                               "      \"freeze_longest_ns\": 7,\n"
                               "      \"nacks\": 8,\n"
                               "      \"plis\": 9,\n"
                               "      \"retransmitted\": 10,\n"
                               "      \"series\": {\n"
                               "        \"start_ns\": 0,\n"
                               "        \"interval_ns\": 100000000,\n"
                               "        \"sent\": [5],\n"
                               "        \"packets\": [4],\n"
                               "        \"lost\": [1],\n"
                               "        \"octets\": [320],\n"
                               "        \"frames\": [3],\n"
                               "        \"jitter_us\": [250],\n"
                               "        \"latency_mean_ns\": [20000000],\n"
                               "        \"latency_max_ns\": [5000000000]\n"
                               "      }\n"
                               "    },\n");
    g_autofree char *silent = part(text, "      \"burst_milli\": 0", "  \"dtls\"");
    assert_string_equal(silent, "      \"burst_milli\": 0,\n"
                                "      \"mouth_to_ear_ns\": null,\n"
                                "      \"r_milli\": null,\n"
                                "      \"mos_milli\": null,\n"
                                "      \"series\": null\n"
                                "    }\n"
                                "  ],\n");
    g_autofree char *associations = part(text, "  \"dtls\"", "  \"oracle\"");
    assert_string_equal(associations, "  \"dtls\": [\n"
                                      "    {\n"
                                      "      \"peer\": \"alice\",\n"
                                      "      \"with\": \"bob\",\n"
                                      "      \"session\": 1,\n"
                                      "      \"stream\": 2,\n"
                                      "      \"component\": 3,\n"
                                      "      \"state\": \"connected\",\n"
                                      "      \"reason\": null,\n"
                                      "      \"role\": \"active\",\n"
                                      "      \"profile\": \"SRTP_AEAD_AES_128_GCM\",\n"
                                      "      \"started_ns\": 4,\n"
                                      "      \"connected_ns\": 5,\n"
                                      "      \"timeouts\": 6\n"
                                      "    },\n"
                                      "    {\n"
                                      "      \"peer\": \"bob\",\n"
                                      "      \"with\": \"\",\n"
                                      "      \"session\": 0,\n"
                                      "      \"stream\": 0,\n"
                                      "      \"component\": 0,\n"
                                      "      \"state\": \"failed\",\n"
                                      "      \"reason\": \"timeout\",\n"
                                      "      \"role\": null,\n"
                                      "      \"profile\": null,\n"
                                      "      \"started_ns\": null,\n"
                                      "      \"connected_ns\": null,\n"
                                      "      \"timeouts\": 0\n"
                                      "    }\n"
                                      "  ],\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_result),
        cmocka_unit_test(every_field),
        cmocka_unit_test(media),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
