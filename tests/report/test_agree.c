/* Two documents of a case: what is the same, what differs and by how much, and what is not compared. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include <glib/gstdio.h>
#include <unistd.h>

#include "base/error.h"
#include "report/agree.h"

static const hp_report_style plain;
static const hp_agree_bounds usual;

/* What a document says, with everything that is not given as it mostly is. */
typedef struct said {
    const char *name, *verdict, *local, *remote, *connected, *flow, *track, *message, *session;
} said;

static JsonNode *document(const said *s)
{
    const char *verdict = s->verdict != NULL ? s->verdict : "pass";
    const bool good = strcmp(verdict, "pass") == 0 || strcmp(verdict, "skipped") == 0;
    g_autofree char *text = g_strdup_printf(
        "{\"format\": \"hairpin-result/1\", \"file\": \"t.yaml\", \"case\": \"%s\", \"seed\": 1, \"again\": \"again\", "
        "\"verdict\": \"%s\", \"good\": %s, \"message\": %s, \"ended_ns\": 5000000000, \"first_call_ns\": 100000000, "
        "\"expectations\": [], \"sessions\": [{\"peer\": \"alice\", \"with\": \"bob\", \"session\": %s, \"stream\": 1, "
        "\"component\": 1, \"connected_ns\": %s, \"local_type\": \"%s\", \"remote_type\": \"%s\"}], \"flows\": [%s], "
        "\"tracks\": [%s], \"dtls\": []}",
        s->name != NULL ? s->name : "t", verdict, good ? "true" : "false", s->message != NULL ? s->message : "null",
        s->session != NULL ? s->session : "1", s->connected != NULL ? s->connected : "300000000",
        s->local != NULL ? s->local : "host", s->remote != NULL ? s->remote : "srflx", s->flow != NULL ? s->flow : "",
        s->track != NULL ? s->track : "");
    GError *error = NULL;
    JsonNode *node = json_from_string(text, &error);
    assert_null(error);
    return node;
}

static hp_agreement *compare(const said *of_virtual, const said *of_live, const hp_agree_bounds *bounds)
{
    GError *error = NULL;
    g_autoptr(JsonNode) a = document(of_virtual);
    g_autoptr(JsonNode) b = document(of_live);
    hp_agreement *agreement = hp_agree_compare(json_node_get_object(a), json_node_get_object(b), bounds, &error);
    if (error != NULL) {
        fail_msg("%s", error->message);
    }
    return agreement;
}

/* "what: virtual|live" of what differs. */
static char *differences(const hp_agreement *a)
{
    GString *s = g_string_new(NULL);
    for (unsigned i = 0; i < a->items->len; i++) {
        const hp_agree_item *item = a->items->pdata[i];
        if (item->differs) {
            g_string_append_printf(s, "%s: %s|%s\n", item->what, item->values[0], item->values[1]);
        }
    }
    return g_string_free(s, FALSE);
}

#define assert_differs(of_virtual, of_live, expected)                                                                  \
    do {                                                                                                               \
        g_autoptr(hp_agreement) a_ = compare(&(said)of_virtual, &(said)of_live, &usual);                               \
        g_autofree char *found_ = differences(a_);                                                                     \
        assert_string_equal(found_, expected);                                                                         \
        assert_int_equal(a_->outcome, *(expected) != '\0' ? HP_AGREE_DIFFERS : HP_AGREE_AGREES);                       \
    } while (0)
#define SAID(...)                                                                                                      \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

#define FLOW(received, median)                                                                                         \
    "{\"from\": \"alice\", \"to\": \"bob\", \"sent\": 10, \"received\": " received                                     \
    ", \"latency\": {\"count\": 1, \"median_ns\": " median "}}"

static void the_same(void **state)
{
    assert_differs(SAID(.flow = FLOW("10", "20000000")), SAID(.flow = FLOW("9", "24999999")), "");
    g_autoptr(hp_agreement) a = compare(&(said){0}, &(said){0}, &usual);
    assert_int_equal(a->items->len, 3); /* verdict, pair, connected */
}

static void verdicts(void **state)
{
    assert_differs(SAID(0), SAID(.verdict = "fail"), "verdict: pass|fail\n");
    assert_differs(SAID(.verdict = "expected-failure"), SAID(.verdict = "fixed"), "verdict: expected-failure|fixed\n");
}

static void pairs(void **state)
{
    assert_differs(SAID(.local = "srflx"), SAID(.local = "prflx"), "");
    assert_differs(SAID(.local = "srflx"), SAID(.local = "relay"),
                   "alice with bob: pair: reflexive/reflexive|relay/reflexive\n");
    assert_differs(SAID(.remote = "host"), SAID(.remote = "prflx"), "alice with bob: pair: host/host|host/reflexive\n");
}

/* Whose offer came first decides a session's number, and is no difference. */
static void numbers_of_sessions(void **state)
{
    assert_differs(SAID(.session = "1"), SAID(.session = "3"), "");
    assert_differs(SAID(.session = "1"), SAID(.session = "3", .remote = "relay"),
                   "alice with bob: pair: host/reflexive|host/relay\n");
}

static void times_to_connect(void **state)
{
    assert_differs(SAID(0), SAID(.connected = "600000000"), "");
    assert_differs(SAID(0), SAID(.connected = "600000001"), "alice with bob: connected: 200ms|500ms\n");
    assert_differs(SAID(.connected = "600000001"), SAID(0), "alice with bob: connected: 500ms|200ms\n");
    assert_differs(SAID(.connected = "null"), SAID(0), "alice with bob: connected: never|200ms\n");
    assert_differs(SAID(.connected = "null"), SAID(.connected = "null"), "");
}

/* The documents end at 5 s. */
static void a_run_that_was_over(void **state)
{
    assert_differs(SAID(.connected = "null"), SAID(.connected = "4700000001"), "");
    assert_differs(SAID(.connected = "4700000001", .remote = "relay"), SAID(.connected = "null"), "");
    assert_differs(SAID(.connected = "null"), SAID(.connected = "4700000000"),
                   "alice with bob: connected: never|4.600s\n");
}

static void bounds_of_its_own(void **state)
{
    const hp_agree_bounds wide = {.connect = HP_S, .latency = HP_MS, .why = "a slow start"};
    g_autoptr(hp_agreement) a = compare(&(said){.flow = FLOW("1", "20000000")},
                                        &(said){.connected = "1200000000", .flow = FLOW("1", "21000001")}, &wide);
    g_autofree char *found = differences(a);
    assert_string_equal(found, "flow from alice to bob: latency: 20ms|21ms\n");
    assert_string_equal(a->why, "a slow start");
}

static void flows_and_tracks(void **state)
{
#define TRACK "{\"kind\": \"audio\", \"from\": \"alice\", \"to\": \"bob\", \"received\": 5, "
    assert_differs(SAID(.flow = FLOW("10", "20000000")), SAID(.flow = FLOW("10", "25000001")),
                   "flow from alice to bob: latency: 20ms|25ms\n");
    assert_differs(SAID(.flow = FLOW("10", "20000000")), SAID(.flow = FLOW("0", "0")),
                   "flow from alice to bob: arrives: yes|no\nflow from alice to bob: latency: 20ms|never\n");
    assert_differs(SAID(.flow = FLOW("10", "20000000") "," FLOW("10", "20000000")),
                   SAID(.flow = FLOW("10", "20000000")), "flow from alice to bob (2): there|not there\n");
    assert_differs(SAID(0), SAID(.flow = FLOW("10", "20000000")), "flow from alice to bob: not there|there\n");
    assert_differs(SAID(.track = TRACK "\"latency\": {\"median_ns\": 1000000}}"),
                   SAID(.track = TRACK "\"latency\": {\"median_ns\": 9000000}}"),
                   "audio from alice to bob: latency: 1ms|9ms\n");
}

static void what_says_nothing(void **state)
{
    g_autoptr(hp_agreement) slow = compare(&(said){0}, &(said){.verdict = "invalid"}, &usual);
    assert_int_equal(slow->outcome, HP_AGREE_INVALID);
    assert_int_equal(slow->items->len, 0);
    g_autoptr(hp_agreement) skipped =
        compare(&(said){0}, &(said){.verdict = "skipped", .message = "\"no TUN\""}, &usual);
    assert_int_equal(skipped->outcome, HP_AGREE_LEFT_OUT);
    assert_string_equal(skipped->why, "no TUN");
}

static void no_document(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) good = document(&(said){0});
    g_autoptr(JsonNode) other = document(&(said){.name = "u"});
    g_autoptr(JsonNode) none = json_from_string("{\"format\": \"something\"}", NULL);
    JsonObject *g = json_node_get_object(good);
    assert_null(hp_agree_compare(g, json_node_get_object(none), &usual, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    g_clear_error(&error);
    assert_null(hp_agree_compare(g, json_node_get_object(other), &usual, &error));
    assert_string_equal(error->message, "`t` and `u` are two cases");
}

static void for_people_and_programs(void **state)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)hp_agreement_free);
    g_ptr_array_add(all, compare(&(said){0}, &(said){0}, &usual));
    g_ptr_array_add(
        all, compare(&(said){.name = "u\\u001b"}, &(said){.name = "u\\u001b", .connected = "700000000"}, &usual));
    g_ptr_array_add(all, hp_agree_leave_out("v", "v.yaml", NULL, "it takes a day"));
    g_autofree char *text = hp_agree_text(all, &plain);
    assert_string_equal(text, "agrees     t  (pass, 3 things compared)\n"
                              "DIFFERS    u\\x1b  (pass, 3 things compared)\n"
                              "           alice with bob: connected\n"
                              "             virtual   200ms\n"
                              "             live      600ms\n"
                              "             apart     400ms, at most 300ms\n"
                              "           again       again\n"
                              "left out   v  (it takes a day)\n"
                              "1 agree, 1 differs, 1 left out\n");

    GError *error = NULL;
    g_autofree char *folder = g_dir_make_tmp("hairpin-agree-XXXXXX", &error);
    g_autofree char *path = g_build_filename(folder, "agree.json", NULL);
    assert_true(hp_agree_write(all, path, &error));
    g_autofree char *json = NULL;
    assert_true(g_file_get_contents(path, &json, NULL, NULL));
    g_autoptr(JsonNode) node = json_from_string(json, &error);
    assert_null(error);
    JsonObject *totals = json_object_get_object_member(json_node_get_object(node), "totals");
    assert_int_equal(json_object_get_int_member(totals, "cases"), 3);
    assert_int_equal(json_object_get_int_member(totals, "differs"), 1);
    JsonArray *cases = json_object_get_array_member(json_node_get_object(node), "cases");
    JsonArray *items = json_object_get_array_member(json_array_get_object_element(cases, 1), "items");
    JsonObject *connected = json_array_get_object_element(items, 2);
    assert_int_equal(json_object_get_int_member(connected, "apart_ns"), 400 * HP_MS);
    assert_true(json_object_get_boolean_member(connected, "differs"));
    g_unlink(path);
    g_rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same),
        cmocka_unit_test(verdicts),
        cmocka_unit_test(pairs),
        cmocka_unit_test(numbers_of_sessions),
        cmocka_unit_test(times_to_connect),
        cmocka_unit_test(a_run_that_was_over),
        cmocka_unit_test(bounds_of_its_own),
        cmocka_unit_test(flows_and_tracks),
        cmocka_unit_test(what_says_nothing),
        cmocka_unit_test(no_document),
        cmocka_unit_test(for_people_and_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
