/* `script`: a raw peer's script is carried out to its end, or fails as it should.
 *
 * The script itself judges what comes while it runs (engines/raw_filter.c) and writes into the trace what it judged;
 * this reads that. The first raw-missed or raw-error is the reason that is told; an error of an answer, which the
 * script does not wait for, fails it too. raw-done is the end. */
#include <string.h>

#include "check/expectation.h"

typedef struct script {
    bool done, failed; /* raw-done has come; something went wrong */
    hp_time done_at;
    unsigned line; /* of the last action that is known to have been carried out */
    GString *expected, *got; /* of what went wrong first */
    hp_time failed_at;
    uint32_t packet;
} script;

static bool init(hp_expectation *e, GError **error)
{
    script *s = e->state;
    s->expected = g_string_new(NULL);
    s->got = g_string_new(NULL);
    return true;
}

static void clear(hp_expectation *e)
{
    script *s = e->state;
    g_string_free(s->expected, TRUE);
    g_string_free(s->got, TRUE);
}

static void note_missed(script *s, const hp_record *r)
{
    const char *nearest = hp_record_text(r, "nearest");
    char waited[HP_TIME_TEXT];
    g_string_printf(s->expected, "line %u: %s %s", (unsigned)hp_record_u64(r, "line"), hp_record_text(r, "action"),
                    hp_record_text(r, "expected"));
    hp_time_format(hp_record_u64(r, "waited"), waited);
    if (*nearest == '\0') {
        g_string_printf(s->got, "nothing came within %s", waited);
    } else if (s->packet != 0) {
        g_string_printf(s->got, "after %s the nearest was packet %u, %s: %s", waited, s->packet, nearest,
                        hp_record_text(r, "why"));
    } else {
        g_string_printf(s->got, "after %s the nearest was %s: %s", waited, nearest, hp_record_text(r, "why"));
    }
}

static void note_failure(script *s, const hp_record *r)
{
    if (s->failed) {
        return;
    }
    s->failed = true;
    s->failed_at = r->at;
    s->packet = (uint32_t)hp_record_u64(r, "packet");
    if (r->event.kind == HP_EV_RAW_MISSED) {
        note_missed(s, r);
        return;
    }
    g_string_printf(s->expected, "line %u: %s can be done", (unsigned)hp_record_u64(r, "line"),
                    hp_record_text(r, "action"));
    g_string_assign(s->got, hp_record_text(r, "message"));
}

static void record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    script *s = e->state;
    if (strcmp(r->event.subject, e->expect->script.peer) != 0) {
        return;
    }
    if (r->event.kind == HP_EV_RAW_MISSED || r->event.kind == HP_EV_RAW_ERROR) {
        note_failure(s, r);
    } else if (r->event.kind == HP_EV_RAW_DONE) {
        s->done = true;
        s->done_at = r->at;
    } else {
        s->line = (unsigned)hp_record_u64(r, "line");
    }
    e->fixed = s->done;
}

static void judge(const hp_expectation *e, hp_judgement *j)
{
    const script *s = e->state;
    const hp_expect *x = e->expect;
    bool failed = s->failed, late = s->done && x->script.has_within && s->done_at > x->script.within;
    g_string_append_printf(j->expected, "the script of %s %s", x->script.peer,
                           x->script.fails ? "fails" : "is carried out");
    if (x->script.has_within) {
        g_string_append(j->expected, " by ");
        hp_text_time(j->expected, x->script.within);
    }
    j->passed = s->done && !late && failed == x->script.fails;
    if (failed) {
        if (!x->script.fails) {
            g_string_assign(j->expected, s->expected->str);
        }
        g_string_append(j->got, s->got->str);
        j->at = s->failed_at;
        j->packet = s->packet;
    } else if (s->done) {
        g_string_append(j->got, "done at ");
        hp_text_time(j->got, s->done_at);
        j->at = s->done_at;
    } else if (s->line > 0) {
        g_string_append_printf(j->got, "it never ended: the last that was done is line %u", s->line);
    } else {
        g_string_append(j->got, "it never ended, and nothing of it was done");
    }
}

const hp_expectation_ops hp_expect_script_ops = {
    .init = init,
    .record = record,
    .judge = judge,
    .clear = clear,
    .state_size = sizeof(script),
    .events = HP_EVENT_BIT(HP_EV_RAW_SENT) | HP_EVENT_BIT(HP_EV_RAW_MATCHED) | HP_EVENT_BIT(HP_EV_RAW_MISSED) |
              HP_EVENT_BIT(HP_EV_RAW_ERROR) | HP_EVENT_BIT(HP_EV_RAW_DONE),
};
