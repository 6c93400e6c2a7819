/* What raw peers' scripts tell, as notes in a ladder. What they say and hear are packets, and shown as such; here stands
 * what a packet does not show: a script that waits in vain, one that cannot do what it should, its end, and changes of its
 * connections. */
#include "report/ladder_event.h"

static void on_raw_missed(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_OTHER, "line %u missed: %s %s", (unsigned)hp_ladder_u64_of(e, "line"),
                   hp_ladder_text_of(e, "action"), hp_ladder_text_of(e, "expected"))
        ->entry.bad = true;
}

static void on_raw_error(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_OTHER, "line %u: %s", (unsigned)hp_ladder_u64_of(e, "line"),
                   hp_ladder_text_of(e, "message"))
        ->entry.bad = true;
}

static void on_raw_done(const hp_ladder_event_line *e)
{
    const char *outcome = hp_ladder_text_of(e, "outcome");
    hp_ladder_note(e, HP_LADDER_OTHER, "script %s", outcome)->entry.bad = g_strcmp0(outcome, "failed") == 0;
}

static void on_raw_unexpected(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_OTHER, "not expected: %s", hp_ladder_text_of(e, "what"))->folds = true;
}

hp_ladder_event_fn hp_ladder_raw_event(hp_event_kind kind)
{
    return kind == HP_EV_RAW_MISSED       ? on_raw_missed
           : kind == HP_EV_RAW_ERROR      ? on_raw_error
           : kind == HP_EV_RAW_DONE       ? on_raw_done
           : kind == HP_EV_RAW_UNEXPECTED ? on_raw_unexpected
                                          : NULL;
}
