/* What a server's process used in a live run, and what peers put on the wire, from a hand-made trace. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/live_usage.h"
#include "bench/variants.h"

#define assert_near(a, b) assert_true(fabs((a) - (b)) < 1e-9)

/* One call whose media stops at 1 s. */
typedef struct story {
    hp_bench_cases cases;
    hp_trace *trace;
    hp_result result;
    hp_session_result sessions[2];
    hp_track_result tracks[2];
} story;

static void begin(story *s)
{
    const hp_bench_network network = {.link = HP_MS, .server = "coturn"};
    g_autofree char *text = hp_bench_calls_text(&network, HP_BENCH_TURN_UDP, 1, HP_S);
    assert_true(hp_bench_cases_of_text(text, "one", 1, 1, &s->cases, NULL));
    s->trace = hp_trace_new_sized(1 << 20, NULL);
    s->sessions[0] = (hp_session_result){.peer = "a0", .with = "b0", .stream = 1, .component = 1};
    s->sessions[1] = (hp_session_result){.peer = "b0", .with = "a0", .stream = 1, .component = 1};
    s->tracks[0] = (hp_track_result){.from = "a0", .to = "b0", .figures = {.first_packet = 200 * HP_MS}};
    s->tracks[1] = (hp_track_result){.from = "b0", .to = "a0", .figures = {.first_packet = 250 * HP_MS}};
    s->result = (hp_result){.plan = s->cases.plans->pdata[0],
                            .ended = 2 * HP_S,
                            .sessions = s->sessions,
                            .n_sessions = 2,
                            .tracks = s->tracks,
                            .n_tracks = 2};
}

static void end(story *s)
{
    hp_trace_free(s->trace);
    hp_bench_cases_clear(&s->cases);
}

static void used(story *s, hp_time at, hp_time cpu)
{
    hp_trace_event(s->trace, at, HP_EV_SERVER_USAGE, "turn", HP_FT("cpu", cpu));
}

static void media(story *s, hp_time at, hp_media_record_kind kind, uint16_t flags)
{
    const hp_media_record record = {.kind = (uint8_t)kind, .flags = flags, .track = 1, .size = 80};
    hp_trace_media(s->trace, at, &record);
}

static void packet(story *s, hp_time at, const char *tap, uint8_t proto, hp_direction dir, size_t payload)
{
    hp_addr src = {0}, dst = {0};
    g_autofree uint8_t *bytes = g_malloc0(payload);
    hp_addr_parse("192.0.2.1", &src);
    hp_addr_parse("192.0.2.2", &dst);
    hp_packet *p = hp_packet_new(proto, &src, &dst, bytes, payload);
    hp_trace_packet(s->trace, at, hp_trace_tap(s->trace, tap), dir, p);
    hp_packet_free(p);
}

/* 5 ms for start and set-up, then 100 us a packet relayed (each is relayed twice), then an expensive end. */
static void tell_relaying(story *s)
{
    used(s, 0, 50 * HP_MS);
    media(s, 220 * HP_MS, HP_MEDIA_RECEIVED, 0);
    media(s, 240 * HP_MS, HP_MEDIA_RECEIVED, 0);
    used(s, 240 * HP_MS, 55 * HP_MS); /* not all tracks flow */
    used(s, 300 * HP_MS, 55 * HP_MS + 400 * HP_US);
    for (unsigned i = 0; i < 10; i++) {
        media(s, (400 + i) * HP_MS, HP_MEDIA_RECEIVED, 0);
        media(s, (400 + i) * HP_MS, HP_MEDIA_RECEIVED, HP_MEDIA_F_DUPLICATE);
        media(s, (400 + i) * HP_MS, HP_MEDIA_SENT, 0);
    }
    used(s, 700 * HP_MS, 56 * HP_MS);
    used(s, 900 * HP_MS, 57 * HP_MS + 400 * HP_US);
    media(s, 950 * HP_MS, HP_MEDIA_RECEIVED, 0);
    used(s, 1100 * HP_MS, 90 * HP_MS);
}

static void relaying_and_the_rest_are_told_apart(void **state)
{
    story s = {0};
    begin(&s);
    tell_relaying(&s);
    hp_bench_live_usage usage = hp_bench_live_usage_of(&s.result, s.trace, 2);
    assert_near(usage.cpu_packet, 100); /* 2 ms, 10 packets, 2 relays */
    assert_near(usage.cpu_call, 5000); /* 5.4 ms less 2 packets' 2 relays */
    end(&s);
}

static void nothing_is_relayed_directly(void **state)
{
    story s = {0};
    begin(&s);
    tell_relaying(&s);
    hp_bench_live_usage usage = hp_bench_live_usage_of(&s.result, s.trace, 0);
    assert_true(isnan(usage.cpu_packet));
    assert_near(usage.cpu_call, 5400);
    end(&s);
}

static void what_is_sent_beyond_the_payload(void **state)
{
    story s = {0};
    begin(&s);
    packet(&s, 240 * HP_MS, "a0", HP_PROTO_UDP, HP_DIR_OUT, 102); /* before all flow */
    for (unsigned i = 0; i < 4; i++) {
        const hp_time at = (300 + i) * HP_MS;
        media(&s, at, HP_MEDIA_SENT, 0);
        packet(&s, at, i % 2 == 0 ? "a0" : "b0", HP_PROTO_UDP, HP_DIR_OUT, 106);
        packet(&s, at, "a0", HP_PROTO_UDP, HP_DIR_IN, 106);
        packet(&s, at, "home/out", HP_PROTO_UDP, HP_DIR_OUT, 106);
        packet(&s, at, "turn", HP_PROTO_UDP, HP_DIR_OUT, 106);
        packet(&s, at, "a0", HP_PROTO_UDP, HP_DIR_OUT, 92); /* a check */
    }
    media(&s, 305 * HP_MS, HP_MEDIA_SENT, HP_MEDIA_F_REFUSED);
    packet(&s, 310 * HP_MS, "a0", HP_PROTO_TCP, HP_DIR_OUT, 20); /* beyond its ports */
    media(&s, HP_S, HP_MEDIA_SENT, 0); /* on hold by then */
    hp_bench_live_usage usage = hp_bench_live_usage_of(&s.result, s.trace, 2);
    /* IPv4 and UDP, what the payloads of 80 are wrapped in, and a segment of 44 bytes among four. */
    assert_near(usage.overhead, 28 + 26 + 11);
    assert_true(isnan(usage.cpu_packet));
    assert_true(isnan(usage.cpu_call));
    end(&s);
}

static void a_track_that_never_came(void **state)
{
    story s = {0};
    begin(&s);
    tell_relaying(&s);
    s.tracks[1].figures.first_packet = HP_NEVER;
    hp_bench_live_usage usage = hp_bench_live_usage_of(&s.result, s.trace, 2);
    assert_true(isnan(usage.cpu_packet));
    assert_true(isnan(usage.cpu_call));
    assert_true(isnan(usage.overhead));
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relaying_and_the_rest_are_told_apart),
        cmocka_unit_test(nothing_is_relayed_directly),
        cmocka_unit_test(what_is_sent_beyond_the_payload),
        cmocka_unit_test(a_track_that_never_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
