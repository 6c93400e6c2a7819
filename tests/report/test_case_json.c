/* A case read back from its document shows what the case made of the result shows; spoilt documents are refused or read
 * as far as they go. */
#include "report/fixture.h"

#include "base/error.h"
#include "report/run_read.h"

static JsonObject *document_of(const hp_result *result, JsonNode **ret_root)
{
    g_autofree char *line = hp_report_json_line(result, NULL);
    *ret_root = json_from_string(line, NULL);
    assert_non_null(*ret_root);
    return json_node_get_object(*ret_root);
}

/* Everything that a report shows of a case, in every form. */
static char *shown(hp_report_case *c)
{
    const hp_report_style style = {.verbose = true};
    g_autoptr(hp_report) report = hp_report_new();
    hp_report_add(report, c);
    g_autofree char *text = hp_report_text_case(c, &style), *junit = hp_report_junit(report),
                    *tap = hp_report_tap(report);
    return g_strdup_printf("%s%s%sconnected %" G_GUINT64_FORMAT ", %u of %u held, %u disagree\n", text, junit, tap,
                           c->connected, c->n_held, c->n_expects, c->n_disagreeing);
}

static void assert_same(const hp_result *result)
{
    g_autoptr(JsonNode) root = NULL;
    JsonObject *document = document_of(result, &root);
    hp_report_case *read = hp_report_case_of_document(document, "out/x", NULL);
    assert_non_null(read);
    g_autofree char *a = shown(hp_report_case_new(result, NULL, "out/x")), *b = shown(read);
    assert_string_equal(a, b);
}

static void fill(fixture *f, hp_session_result *sessions, hp_track_result *tracks, hp_dtls_result *dtls)
{
    f->scenario.known_bug = (char *)"https://example.org/1";
    f->result.message = (char *)"two\nlines";
    fixture_expect(f, 31, "connected", "connected within 3s", "failed")->packet = 17;
    fixture_expect(f, 32, "delivery", NULL, "fine");
    hp_expect_result *finding = fixture_expect(f, 0, "wait-for", "done", "not");
    finding->expect = NULL;
    finding->mark.file = NULL;
    finding->at = HP_NEVER;
    sessions[0] = (hp_session_result){.peer = "a", .with = "b", .connected = HP_NEVER, .state = "failed"};
    sessions[1] = (hp_session_result){.peer = "b", .with = "a", .connected = 700 * HP_MS, .state = "ready"};
    f->result.first_call = 200 * HP_MS;
    f->result.sessions = sessions;
    f->result.n_sessions = 2;
    tracks[0] = (hp_track_result){.kind = HP_MEDIA_AUDIO, .from = "a", .to = "b", .called = HP_NEVER};
    tracks[0].figures = (hp_media_figures){.sent = 1500,
                                           .received = 1490,
                                           .lost = 10,
                                           .unusable = 12,
                                           .loss_ppb = 6666667,
                                           .unusable_ppb = 8000000,
                                           .foreign = 1,
                                           .latency = {.count = 1490, .p95 = 20500 * HP_US},
                                           .jitter_mean = 300 * HP_US,
                                           .mos_milli = 4410};
    tracks[1] = (hp_track_result){.kind = HP_MEDIA_VIDEO, .from = "b", .to = "a", .called = 1 * HP_S};
    tracks[1].figures = (hp_media_figures){.sent = 10,
                                           .received = 10,
                                           .frames = 4,
                                           .first_frame = 1500 * HP_MS,
                                           .frame_rate_milli = 29970,
                                           .freezes = 2,
                                           .freeze_longest = 400 * HP_MS,
                                           .latency = {.count = 10, .p95 = 1 * HP_MS}};
    f->result.tracks = tracks;
    f->result.n_tracks = 2;
    dtls[0] = (hp_dtls_result){.peer = "a",
                               .with = "b",
                               .role = "client",
                               .profile = "AEAD_AES_128_GCM",
                               .state = "connected",
                               .reason = "",
                               .started = 300 * HP_MS,
                               .connected = 400 * HP_MS,
                               .timeouts = 1};
    f->result.dtls = dtls;
    f->result.n_dtls = 1;
}

static void every_verdict_with_everything(void **state)
{
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        fixture f;
        hp_session_result sessions[2];
        hp_track_result tracks[2];
        hp_dtls_result dtls[1];
        fixture_init(&f, "nat/strict", (hp_verdict)v);
        fill(&f, sessions, tracks, dtls);
        assert_same(&f.result);
        g_autoptr(hp_report_case) c = hp_report_case_new(&f.result, NULL, NULL);
        assert_int_equal(c->connected, 500 * HP_MS);
        fixture_clear(&f);
    }
}

static void nothing_in_it(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_PASS);
    assert_same(&f.result);
    fixture_clear(&f);
}

/* Every member, and every member of the first element of every array, in turn gone or of another type. */
static void spoil(JsonObject *document, JsonObject *inner)
{
    static const char *const values[] = {NULL,  "null", "7", "-1", "1.5", "\"text\"", "[]", "{}", "[[1],2,\"x\",null]",
                                         "true"};
    g_autoptr(GList) members = json_object_get_members(inner);
    for (GList *m = members; m != NULL; m = m->next) {
        g_autoptr(JsonNode) kept = json_node_copy(json_object_get_member(inner, m->data));
        g_autofree char *key = g_strdup(m->data);
        for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
            if (values[i] == NULL) {
                json_object_remove_member(inner, key);
            } else {
                json_object_set_member(inner, key, json_from_string(values[i], NULL));
            }
            g_autoptr(GError) error = NULL;
            hp_report_case *c = hp_report_case_of_document(document, NULL, &error);
            assert_true((c == NULL) == (error != NULL));
            assert_true(error == NULL || error->code == HP_ERROR_INVALID);
            if (c != NULL) {
                g_autofree char *text = shown(c);
                assert_non_null(text);
            }
        }
        json_object_set_member(inner, key, json_node_copy(kept));
    }
}

static void nothing_is_taken_on_trust(void **state)
{
    fixture f;
    hp_session_result sessions[2];
    hp_track_result tracks[2];
    hp_dtls_result dtls[1];
    fixture_init(&f, "nat/strict", HP_VERDICT_FAIL);
    fill(&f, sessions, tracks, dtls);
    g_autoptr(JsonNode) root = NULL;
    JsonObject *document = document_of(&f.result, &root);
    static const char *const arrays[] = {"expectations", "sessions", "tracks", "dtls"};
    spoil(document, document);
    for (unsigned i = 0; i < G_N_ELEMENTS(arrays); i++) {
        JsonArray *array = json_object_get_array_member(document, arrays[i]);
        assert_true(json_array_get_length(array) > 0);
        spoil(document, json_array_get_object_element(array, 0));
    }
    fixture_clear(&f);
}

static void names_that_lead_elsewhere(void **state)
{
    static const char *const bad[] = {"", "/etc", "../x", "a/../b", "a/..", "a//b", ".", "a/"};
    static const char *const good[] = {"a", "a/b", "a..b/c", "m[x=10.0.0.0/8]"};
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_PASS);
    g_autoptr(JsonNode) root = NULL;
    JsonObject *document = document_of(&f.result, &root);
    hp_verdict verdict = HP_VERDICT_N;
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        json_object_set_string_member(document, "case", bad[i]);
        assert_false(hp_report_document_check(document, &verdict, &error));
        assert_non_null(strstr(error->message, "is no name of a case"));
        assert_int_equal(verdict, HP_VERDICT_N);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        json_object_set_string_member(document, "case", good[i]);
        assert_true(hp_report_document_check(document, &verdict, NULL));
        assert_int_equal(verdict, HP_VERDICT_PASS);
    }
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict_with_everything),
        cmocka_unit_test(nothing_in_it),
        cmocka_unit_test(nothing_is_taken_on_trust),
        cmocka_unit_test(names_that_lead_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
