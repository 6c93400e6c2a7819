/* The DevTools protocol without a pipe: messages in pieces, answers to whom they belong, and what is no message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "programs/devtools.h"

typedef struct heard {
    hp_devtools *devtools;
    GString *text; /* what happened, in order */
    unsigned wants;
    bool again; /* the first event sends a command */
} heard;

static void on_event(void *user, const char *session, const char *method, JsonObject *params)
{
    heard *h = user;
    const char *text = hp_devtools_text(params, "text");
    g_string_append_printf(h->text, "event %s %s %s\n", session ? session : "-", method, text ? text : "-");
    if (h->again) {
        h->again = false;
        hp_devtools_command(h->devtools, NULL, "Again", NULL, NULL, NULL);
    }
}

static void on_write(void *user)
{
    ((heard *)user)->wants++;
}

static void on_answer(void *user, JsonObject *result, const char *error)
{
    heard *h = user;
    const char *text = hp_devtools_text(result, "value");
    g_string_append_printf(h->text, "answer %s %s\n", text ? text : "-", error ? error : "-");
}

static int setup(void **state)
{
    static const hp_devtools_ops ops = {.event = on_event, .wants_to_write = on_write};
    heard *h = g_new0(heard, 1);
    h->text = g_string_new("");
    h->devtools = hp_devtools_new(&ops, h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    heard *h = *state;
    hp_devtools_free(h->devtools);
    g_string_free(h->text, TRUE);
    g_free(h);
    return 0;
}

static bool feed(heard *h, const char *text, size_t length)
{
    return hp_devtools_input(h->devtools, text, length, NULL);
}

#define FEED(h, text) feed((h), (text), sizeof(text)) /* with its NUL */

static void commands_are_numbered(void **state)
{
    heard *h = *state;
    JsonObject *params = json_object_new();
    json_object_set_string_member(params, "url", "a\"b");
    hp_devtools_command(h->devtools, NULL, "Target.createTarget", params, NULL, NULL);
    hp_devtools_command(h->devtools, "s1", "Page.enable", NULL, NULL, NULL);
    static const char expected[] = "{\"id\":1,\"method\":\"Target.createTarget\",\"params\":{\"url\":\"a\\\"b\"}}\0"
                                   "{\"id\":2,\"method\":\"Page.enable\",\"params\":{},\"sessionId\":\"s1\"}";
    size_t length;
    const char *output = hp_devtools_output(h->devtools, &length);
    assert_int_equal(length, sizeof expected);
    assert_memory_equal(output, expected, length);
    assert_int_equal(h->wants, 2);
    hp_devtools_written(h->devtools, 5);
    output = hp_devtools_output(h->devtools, &length);
    assert_int_equal(length, sizeof expected - 5);
    assert_memory_equal(output, expected + 5, length);
    hp_devtools_written(h->devtools, length);
    hp_devtools_output(h->devtools, &length);
    assert_int_equal(length, 0);
}

static void answers_find_whom_they_belong_to(void **state)
{
    heard *h = *state, other = {.text = g_string_new("")};
    hp_devtools_command(h->devtools, NULL, "A", NULL, on_answer, h);
    hp_devtools_command(h->devtools, NULL, "B", NULL, on_answer, &other);
    hp_devtools_command(h->devtools, NULL, "C", NULL, NULL, NULL);
    assert_true(FEED(h, "{\"id\":2,\"result\":{\"value\":\"two\"}}"));
    assert_true(FEED(h, "{\"id\":3,\"result\":{}}"));
    assert_true(FEED(h, "{\"id\":1,\"error\":{\"code\":-32000,\"message\":\"no\"}}"));
    assert_true(FEED(h, "{\"id\":1,\"result\":{\"value\":\"late\"}}"));
    assert_true(FEED(h, "{\"id\":99,\"result\":{}}"));
    assert_string_equal(h->text->str, "answer - no\n");
    assert_string_equal(other.text->str, "answer two -\n");
    g_string_free(other.text, TRUE);
}

/* Whatever the pieces are. */
static void messages_come_in_pieces(void **state)
{
    heard *h = *state;
    static const char stream[] = "{\"method\":\"X\",\"sessionId\":\"s\",\"params\":{\"text\":\"\xc3\xa4\"}}\0"
                                 "{\"method\":\"Y\"}\0"
                                 "{\"other\":1}\0"
                                 "{\"method\":\"Z\",\"params\":[1]}";
    for (size_t piece = 1; piece <= sizeof stream; piece++) {
        g_string_truncate(h->text, 0);
        for (size_t at = 0; at < sizeof stream; at += piece) {
            assert_true(feed(h, stream + at, MIN(piece, sizeof stream - at)));
        }
        assert_string_equal(h->text->str, "event s X \xc3\xa4\nevent - Y -\nevent - Z -\n");
    }
}

static void an_event_may_send_a_command(void **state)
{
    heard *h = *state;
    h->again = true;
    assert_true(feed(h, "{\"method\":\"X\"}\0{\"method\":\"Y\"}", 30));
    assert_string_equal(h->text->str, "event - X -\nevent - Y -\n");
    assert_int_equal(h->wants, 1);
}

static void what_is_no_message_ends_it(void **state)
{
    static const char *const bad[] = {"hello", "[1]", "", "{\"id\":1", "3"};
    static const hp_devtools_ops ops = {.event = on_event};
    heard *h = *state;
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(hp_devtools) devtools = hp_devtools_new(&ops, h);
        g_autoptr(GError) error = NULL;
        assert_false(hp_devtools_input(devtools, bad[i], strlen(bad[i]) + 1, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
        assert_false(hp_devtools_input(devtools, "{\"method\":\"X\"}", 15, NULL));
    }
    assert_string_equal(h->text->str, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commands_are_numbered, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_find_whom_they_belong_to, setup, teardown),
        cmocka_unit_test_setup_teardown(messages_come_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_may_send_a_command, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_message_ends_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
