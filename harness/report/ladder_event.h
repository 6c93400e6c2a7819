/* Private to report/: what the functions behind events share (ladder_events.c, ladder_events_media.c). */
#ifndef HP_REPORT_LADDER_EVENT_H
#define HP_REPORT_LADDER_EVENT_H

#include "report/ladder_private.h"

typedef struct hp_ladder_event_line {
    hp_ladder_builder *b;
    hp_time at;
    const char *subject;
    JsonObject *o;
    int who; /* the subject, where it is a participant */
} hp_ladder_event_line;

static inline const char *hp_ladder_text_of(const hp_ladder_event_line *e, const char *key)
{
    return hp_evidence_text(e->o, key);
}

static inline uint64_t hp_ladder_u64_of(const hp_ladder_event_line *e, const char *key)
{
    return hp_evidence_u64(e->o, key);
}

/* A note at the subject. */
hp_ladder_draft *hp_ladder_note(const hp_ladder_event_line *e, hp_ladder_kind kind, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* The peer that a member names, or nobody. */
int hp_ladder_peer(const hp_ladder_event_line *e, const char *key);
/* " with bob" where there is more than one to be with, " 2.1" of another component than the first. Caller frees. */
char *hp_ladder_place(const hp_ladder_event_line *e);

static inline const char *hp_ladder_colon(const char *text)
{
    return text[0] != '\0' ? ": " : "";
}

typedef void (*hp_ladder_event_fn)(const hp_ladder_event_line *e);
/* Of data, DTLS, SRTP and media; NULL for other kinds, and for those that are not shown. */
hp_ladder_event_fn hp_ladder_media_event(hp_event_kind kind);
/* Of raw peers' scripts; NULL likewise. */
hp_ladder_event_fn hp_ladder_raw_event(hp_event_kind kind);

#endif
