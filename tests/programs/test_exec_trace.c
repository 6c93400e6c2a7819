/* From what foreign programs say to events of the trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "programs/exec_trace.h"

typedef struct setup {
    hp_trace *trace;
    hp_exec_trace *converter;
    GString *said; /* to the program's process */
    hp_time now;
} setup;

static void on_ready(void *user)
{
    g_string_append(((setup *)user)->said, "ready ");
}

static void on_state(void *user, const char *state)
{
    g_string_append_printf(((setup *)user)->said, "%s ", state ? state : "none");
}

static int set_up(void **state)
{
    static const hp_exec_trace_ops ops = {.ready = on_ready, .state = on_state};
    setup *s = g_new0(setup, 1);
    s->trace = hp_trace_new_sized(1 << 20, NULL);
    s->said = g_string_new(NULL);
    s->converter = hp_exec_trace_new(s->trace, "alice", &ops, s);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    setup *s = *state;
    hp_exec_trace_free(s->converter);
    hp_trace_free(s->trace);
    g_string_free(s->said, TRUE);
    g_free(s);
    return 0;
}

static void say(setup *s, const char *line)
{
    s->now += HP_MS;
    hp_exec_trace_line(s->converter, s->now, line, strlen(line));
}

/* Every event as "name key=value ...\n". */
static char *events_of(const setup *s)
{
    GString *text = g_string_new(NULL);
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(s->trace, &cursor, &r)) {
        hp_record_iter iter;
        hp_field f;
        assert_string_equal(r.event.subject, "alice");
        g_string_append(text, hp_event_name(r.event.kind));
        hp_record_iter_init(&iter, &r);
        while (hp_record_iter_next(&iter, &f)) {
            char buf[HP_ADDR_TEXT];
            g_string_append_printf(text, " %s=", f.key);
            if (f.type == 's')
                g_string_append(text, f.s);
            else if (f.type == 'a')
                g_string_append(text, hp_addr_format(&f.a, buf));
            else
                g_string_append_printf(text, "%" G_GINT64_FORMAT, f.i);
        }
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

#define assert_events(s, expected)                                                                                     \
    do {                                                                                                               \
        g_autofree char *events_ = events_of(s);                                                                       \
        assert_string_equal(events_, expected);                                                                        \
    } while (0)

static void a_call_from_beginning_to_end(void **state)
{
    setup *s = *state;
    say(s, "{\"event\":\"ready\"}");
    say(s, "{\"event\":\"ready\"}");
    say(s, "{\"event\":\"session\",\"with\":\"bob\",\"state\":\"open\"}");
    say(s, "{\"event\":\"ice-state\",\"with\":\"bob\",\"state\":\"new\"}");
    say(s, "{\"event\":\"candidate\",\"with\":\"bob\",\"type\":\"srflx\",\"address\":\"192.0.2.1\",\"port\":7,"
           "\"transport\":\"udp\"}");
    say(s, "{\"event\":\"candidate\",\"with\":\"bob\",\"type\":\"host\",\"address\":\"x.local\",\"port\":7}");
    say(s, "{\"event\":\"gathering-done\",\"with\":\"bob\"}");
    say(s, "{\"event\":\"ice-state\",\"with\":\"bob\",\"state\":\"checking\"}");
    say(s, "{\"event\":\"ice-state\",\"with\":\"bob\",\"state\":\"connected\"}");
    say(s, "{\"event\":\"ice-state\",\"with\":\"bob\",\"state\":\"connected\"}");
    say(s, "{\"event\":\"selected-pair\",\"with\":\"bob\",\"local\":{\"type\":\"relay\",\"address\":\"203.0.113.1\","
           "\"port\":5,\"transport\":\"udp\",\"relay-protocol\":\"tcp\"},\"remote\":{\"type\":\"prflx\"}}");
    say(s, "{\"event\":\"dtls-state\",\"with\":\"bob\",\"state\":\"new\"}");
    say(s, "{\"event\":\"dtls-state\",\"with\":\"bob\",\"state\":\"connecting\"}");
    say(s, "{\"event\":\"dtls-state\",\"with\":\"bob\",\"state\":\"connected\"}");
    say(s, "{\"event\":\"ice-state\",\"with\":\"bob\",\"state\":\"completed\"}");
    say(s, "{\"event\":\"session\",\"with\":\"bob\",\"state\":\"closed\"}");
    assert_events(s, "gathering-started session=1\n"
                     "candidate session=1 stream=1 component=1 type=srflx transport=udp address=192.0.2.1:7\n"
                     "candidate session=1 stream=1 component=1 type=host\n"
                     "gathering-done session=1 stream=1\n"
                     "ice-state session=1 with=bob stream=1 component=1 state=connecting previous=disconnected\n"
                     "ice-state session=1 with=bob stream=1 component=1 state=connected previous=connecting\n"
                     "selected-pair session=1 with=bob stream=1 component=1 local=relay remote=prflx "
                     "local-address=203.0.113.1:5 transport=udp relay-protocol=tcp\n"
                     "dtls-state session=1 with=bob stream=1 component=1 state=handshaking\n"
                     "dtls-state session=1 with=bob stream=1 component=1 state=connected\n"
                     "ice-state session=1 with=bob stream=1 component=1 state=ready previous=connected\n"
                     "peer-closed session=1\n");
    assert_string_equal(s->said->str, "ready disconnected connecting connected ready none ");
}

static void sessions_are_told_apart(void **state)
{
    setup *s = *state;
    say(s, "{\"event\":\"ice-state\",\"with\":\"bob\",\"state\":\"connected\"}");
    say(s, "{\"event\":\"ice-state\",\"with\":\"carol\",\"state\":\"checking\"}");
    say(s, "{\"event\":\"ice-state\",\"state\":\"failed\"}");
    say(s, "{\"event\":\"ice-state\",\"with\":\"bob\",\"state\":\"closed\"}");
    say(s, "{\"event\":\"ice-state\",\"with\":\"bob\",\"state\":\"checking\"}");
    say(s, "{\"event\":\"session\",\"state\":\"closed\"}");
    assert_events(s, "ice-state session=1 with=bob stream=1 component=1 state=connected previous=disconnected\n"
                     "ice-state session=2 with=carol stream=1 component=1 state=connecting previous=disconnected\n"
                     "ice-state session=3 with= stream=1 component=1 state=failed previous=disconnected\n"
                     "peer-closed session=1\n"
                     "ice-state session=4 with=bob stream=1 component=1 state=connecting previous=disconnected\n"
                     "peer-closed session=3\n");
    assert_string_equal(s->said->str, "connected connecting failed failed failed connecting ");
}

static void media_channels_and_the_rest(void **state)
{
    setup *s = *state;
    say(s,
        "{\"event\":\"media\",\"with\":\"bob\",\"kind\":\"audio\",\"direction\":\"in\",\"packets\":50,\"octets\":900,"
        "\"lost\":-2,\"jitter-ms\":1.5}");
    say(s,
        "{\"event\":\"media\",\"with\":\"bob\",\"kind\":\"video\",\"direction\":\"out\",\"frames\":3,\"packets\":-1}");
    say(s, "{\"event\":\"media\",\"with\":\"bob\",\"kind\":\"smell\",\"direction\":\"out\",\"packets\":3}");
    say(s, "{\"event\":\"channel\",\"with\":\"bob\",\"label\":\"chat\",\"state\":\"open\"}");
    say(s, "{\"event\":\"channel\",\"with\":\"bob\",\"label\":\"file\",\"state\":\"connecting\"}");
    say(s, "{\"event\":\"channel\",\"with\":\"bob\",\"label\":\"chat\",\"state\":\"closing\"}");
    say(s, "{\"event\":\"channel\",\"with\":\"bob\",\"label\":\"chat\",\"state\":\"closed\"}");
    say(s, "{\"event\":\"data\",\"with\":\"bob\",\"label\":\"chat\",\"size\":12}");
    say(s, "{\"event\":\"error\",\"with\":\"bob\",\"text\":\"no restart\"}");
    say(s, "{\"event\":\"error\",\"text\":\"no camera\"}");
    say(s, "Traceback (most recent call last):");
    assert_events(s, "media-stats session=1 with=bob media=audio direction=in packets=50 octets=900 lost=-2 "
                     "jitter=1500000\n"
                     "media-stats session=1 with=bob media=video direction=out frames=3\n"
                     "channel-state session=1 channel=0 label=chat state=open\n"
                     "channel-state session=1 channel=1 label=file state=opening\n"
                     "channel-state session=1 channel=0 label=chat state=closed\n"
                     "channel-message session=1 with=bob label=chat size=12\n"
                     "peer-error session=1 message=no restart\n"
                     "peer-error session=0 message=no camera\n"
                     "sut-log level=info message=Traceback (most recent call last):\n");
}

static unsigned n_of(const setup *s, const char *what)
{
    g_autofree char *events = events_of(s);
    unsigned n = 0;
    for (const char *at = events; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* Whoever makes up sessions without end costs neither memory nor time. */
static void sessions_without_end(void **state)
{
    setup *s = *state;
    for (unsigned i = 0; i < 5000; i++) {
        g_autofree char *line = g_strdup_printf("{\"event\": \"session\", \"with\": \"p%u\", \"state\": \"open\"}", i);
        say(s, line);
    }
    assert_int_equal(n_of(s, "gathering-started"), 4096);
    assert_int_equal(n_of(s, "sut-log"), 5000 - 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_from_beginning_to_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sessions_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(media_channels_and_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sessions_without_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
