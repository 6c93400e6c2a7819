/* Events of flows, data channels, DTLS, SRTP and media, as entries of a ladder. Single packets are no events: the capture
 * tells of them, and what became of a track as a whole stands in result.json. */
#include "report/ladder_event.h"

/* ---- data ---- */

static void on_flow(const hp_ladder_event_line *e)
{
    char interval[HP_TIME_TEXT];
    const char *channel = hp_ladder_text_of(e, "channel");
    char *text =
        g_strdup_printf("flow %u of %u datagrams%s%s", (unsigned)hp_ladder_u64_of(e, "flow"),
                        (unsigned)hp_ladder_u64_of(e, "count"), channel[0] != '\0' ? " on channel " : "", channel);
    hp_ladder_draft *draft =
        hp_ladder_add(e->b, e->at, HP_LADDER_ARROW, HP_LADDER_DATA, e->who, hp_ladder_peer(e, "to"), text);
    draft->entry.note = g_strdup_printf("%u bytes every %s", (unsigned)hp_ladder_u64_of(e, "size"),
                                        hp_time_format(hp_ladder_u64_of(e, "interval"), interval));
}

static void on_data_received(const hp_ladder_event_line *e)
{
    const uint64_t flow = hp_ladder_u64_of(e, "flow");
    if (g_hash_table_add(e->b->heard, GUINT_TO_POINTER((guint)flow))) {
        char latency[HP_TIME_TEXT];
        hp_ladder_draft *draft = hp_ladder_note(e, HP_LADDER_DATA, "first of flow %u", (unsigned)flow);
        draft->entry.note = g_strdup_printf("after %s", hp_time_format(hp_ladder_u64_of(e, "latency"), latency));
    }
}

static void on_data_refused(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_DATA, "flow %u: refused by the agent", (unsigned)hp_ladder_u64_of(e, "flow"))->folds =
        true;
}

static void on_channel_state(const hp_ladder_event_line *e)
{
    const char *state = hp_ladder_text_of(e, "state"), *reason = hp_ladder_text_of(e, "reason");
    hp_ladder_draft *draft = hp_ladder_note(e, HP_LADDER_DATA, "channel %s %s%s%s", hp_ladder_text_of(e, "label"),
                                            state, hp_ladder_colon(reason), reason);
    draft->entry.bad = strcmp(state, "failed") == 0;
}

static void on_sctp_state(const hp_ladder_event_line *e)
{
    const char *state = hp_ladder_text_of(e, "state"), *reason = hp_ladder_text_of(e, "reason");
    hp_ladder_note(e, HP_LADDER_DATA, "SCTP %s%s%s", state, hp_ladder_colon(reason), reason)->entry.bad =
        strcmp(state, "failed") == 0;
}

/* ---- DTLS and SRTP ---- */

static void on_dtls_state(const hp_ladder_event_line *e)
{
    g_autofree char *where = hp_ladder_place(e);
    const char *state = hp_ladder_text_of(e, "state"), *reason = hp_ladder_text_of(e, "reason"),
               *role = hp_ladder_text_of(e, "role"), *profile = hp_ladder_text_of(e, "profile");
    hp_ladder_draft *draft =
        hp_ladder_note(e, HP_LADDER_DTLS, "DTLS %s%s%s%s%s%s", state, profile[0] != '\0' ? " " : "", profile, where,
                       hp_ladder_colon(reason), reason);
    draft->entry.note = role[0] != '\0' ? g_strdup(role) : NULL;
    draft->entry.bad = strcmp(state, "failed") == 0;
}

static void on_dtls_timeout(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_DTLS, "DTLS timeout %u", (unsigned)hp_ladder_u64_of(e, "number"));
}

static void on_dtls_alert(const hp_ladder_event_line *e)
{
    const bool fatal = hp_ladder_u64_of(e, "fatal") != 0;
    hp_ladder_note(e, HP_LADDER_DTLS, "DTLS alert %s%s %s", fatal ? "fatal " : "", hp_ladder_text_of(e, "direction"),
                   hp_ladder_text_of(e, "name"))
        ->entry.bad = fatal;
}

static void on_srtp_refused(const hp_ladder_event_line *e)
{
    hp_ladder_draft *draft = hp_ladder_note(e, HP_LADDER_MEDIA, "%s refused: %s", hp_ladder_text_of(e, "what"),
                                            hp_ladder_text_of(e, "reason"));
    draft->folds = true;
    draft->entry.bad = true;
}

static void on_injected(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_OTHER, "attack: %s %s, %u packets", hp_ladder_text_of(e, "what"),
                   hp_ladder_text_of(e, "kind"), (unsigned)hp_ladder_u64_of(e, "count"))
        ->barrier = true;
}

/* ---- media ---- */

static const char *track_name(const hp_ladder_event_line *e)
{
    const uint64_t number = hp_ladder_u64_of(e, "track");
    for (unsigned i = 0; i < e->b->tracks->len; i++) {
        const hp_ladder_track *t = g_ptr_array_index(e->b->tracks, i);
        if (t->number == number) {
            return t->name;
        }
    }
    return "media";
}

static void on_media_track(const hp_ladder_event_line *e)
{
    hp_ladder_track *t = g_new0(hp_ladder_track, 1);
    t->number = hp_ladder_u64_of(e, "track");
    t->ssrc = hp_ladder_u64_of(e, "ssrc");
    t->rtx_ssrc = hp_ladder_u64_of(e, "rtx-ssrc");
    t->name = g_strdup(hp_ladder_text_of(e, "media"));
    g_ptr_array_add(e->b->tracks, t);
}

static void on_media_state(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_MEDIA, "%s %s", track_name(e), hp_ladder_text_of(e, "state"));
}

static void on_media_first(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_MEDIA, "first %s %s", hp_ladder_text_of(e, "media"), hp_ladder_text_of(e, "what"));
}

static void on_media_key_frame(const hp_ladder_event_line *e)
{
    if (strcmp(hp_ladder_text_of(e, "reason"), "request") == 0) {
        hp_ladder_note(e, HP_LADDER_MEDIA, "%s: key frame on request", track_name(e))->folds = true;
    }
}

static void on_media_frame_lost(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_MEDIA, "%s: frame %s", track_name(e), hp_ladder_text_of(e, "reason"))->folds = true;
}

static void on_media_freeze(const hp_ladder_event_line *e)
{
    char span[HP_TIME_TEXT];
    hp_ladder_note(e, HP_LADDER_MEDIA, "%s: froze for %s", track_name(e),
                   hp_time_format(hp_ladder_u64_of(e, "duration"), span))
        ->entry.bad = true;
}

static void on_media_feedback(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_MEDIA, "%s: asks by %s", track_name(e), hp_ladder_text_of(e, "what"))->folds = true;
}

static void on_media_ignored(const hp_ladder_event_line *e)
{
    hp_ladder_note(e, HP_LADDER_MEDIA, "%s ignored: %s", hp_ladder_text_of(e, "what"), hp_ladder_text_of(e, "reason"))
        ->folds = true;
}

/* ---- the table ---- */

static const hp_ladder_event_fn shown[HP_EV_N] = {
    [HP_EV_FLOW] = on_flow,
    [HP_EV_DATA_REFUSED] = on_data_refused,
    [HP_EV_DATA_RECEIVED] = on_data_received,
    [HP_EV_DTLS_STATE] = on_dtls_state,
    [HP_EV_DTLS_TIMEOUT] = on_dtls_timeout,
    [HP_EV_DTLS_ALERT] = on_dtls_alert,
    [HP_EV_SRTP_REFUSED] = on_srtp_refused,
    [HP_EV_MEDIA_IGNORED] = on_media_ignored,
    [HP_EV_MEDIA_TRACK] = on_media_track,
    [HP_EV_MEDIA_STATE] = on_media_state,
    [HP_EV_MEDIA_FIRST] = on_media_first,
    [HP_EV_MEDIA_KEY_FRAME] = on_media_key_frame,
    [HP_EV_MEDIA_FRAME_LOST] = on_media_frame_lost,
    [HP_EV_MEDIA_FREEZE] = on_media_freeze,
    [HP_EV_MEDIA_FEEDBACK] = on_media_feedback,
    [HP_EV_INJECTED] = on_injected,
    [HP_EV_CHANNEL_STATE] = on_channel_state,
    [HP_EV_SCTP_STATE] = on_sctp_state,
};

hp_ladder_event_fn hp_ladder_media_event(hp_event_kind kind)
{
    return (unsigned)kind < HP_EV_N ? shown[kind] : NULL;
}
