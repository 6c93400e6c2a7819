/* The protocol of EXEC.md without the pipes: octets from a program become events, commands become lines.
 *
 * One line is one JSON object. What is no such line, or an event that nobody knows, becomes an event of kind LOG with
 * the line as its text, so that nothing that a program says is lost. Members that nobody knows are ignored; a member of
 * the wrong type counts as absent. */
#ifndef HP_PROGRAMS_EXEC_LINES_H
#define HP_PROGRAMS_EXEC_LINES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "plan/plan.h"

/* A longer line is refused, and its sender with it. */
enum { HP_EXEC_MAX_LINE = 1 << 20 };
/* So is a program that says more than this in a run: it would fill the trace. */
enum { HP_EXEC_MAX_TOTAL = 256 << 20 };

typedef enum hp_exec_event_kind {
    HP_EXEC_READY,
    HP_EXEC_SESSION,
    HP_EXEC_ICE_STATE,
    HP_EXEC_GATHERING_DONE,
    HP_EXEC_CANDIDATE, /* of its own: local */
    HP_EXEC_SELECTED_PAIR,
    HP_EXEC_DTLS_STATE,
    HP_EXEC_MEDIA,
    HP_EXEC_CHANNEL,
    HP_EXEC_DATA,
    HP_EXEC_LOG,
    HP_EXEC_ERROR,
    HP_EXEC_N_EVENTS
} hp_exec_event_kind;

/* Texts are NULL where the line has none. */
typedef struct hp_exec_candidate {
    char *type, *transport, *relay_protocol;
    hp_addr address; /* family none: hidden, a name, or not told */
} hp_exec_candidate;

/* A count that the line tells or does not. */
typedef struct hp_exec_count {
    bool told;
    int64_t value;
} hp_exec_count;

typedef struct hp_exec_event {
    hp_exec_event_kind kind;
    char *with; /* the other peer */
    char *state; /* SESSION, ICE_STATE, DTLS_STATE, CHANNEL */
    char *text; /* LOG, ERROR */
    char *label; /* CHANNEL, DATA */
    hp_exec_candidate local, remote; /* SELECTED_PAIR; CANDIDATE: local alone */
    char *media; /* MEDIA: "audio" or "video" */
    bool in; /* MEDIA: what it received */
    hp_exec_count packets, octets, lost, frames; /* MEDIA, since the beginning */
    hp_exec_count jitter; /* MEDIA, ns */
    hp_exec_count size; /* DATA */
} hp_exec_event;

/* Never NULL. line need not end in NUL. */
hp_exec_event *hp_exec_event_parse(const char *line, size_t len);
void hp_exec_event_free(hp_exec_event *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_exec_event, hp_exec_event_free)
const char *hp_exec_event_name(hp_exec_event_kind kind); /* "ice-state" */

/* ---- lines out of a stream ---- */

typedef struct hp_exec_lines hp_exec_lines;

/* Empty lines are skipped. */
hp_exec_lines *hp_exec_lines_new(void (*line)(void *user, const char *line, size_t len), void *user);
void hp_exec_lines_free(hp_exec_lines *lines);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_exec_lines, hp_exec_lines_free)
/* False and HP_ERROR_LIMIT: a line grew beyond HP_EXEC_MAX_LINE, or all of them beyond HP_EXEC_MAX_TOTAL, and nothing is
 * read any more. */
bool hp_exec_lines_input(hp_exec_lines *lines, const void *data, size_t len, GError **error);
/* The stream has ended: what lacks a line's end is a line all the same. */
void hp_exec_lines_end(hp_exec_lines *lines);

/* ---- what a program is told: one line without its end; the caller frees it ---- */

/* What the step of that index asks of the peer of that index; NULL: nothing, or nothing that the protocol knows. Of a
 * `call` to several peers each is a line of its own, joined by line ends. */
char *hp_exec_command(const hp_plan *plan, unsigned step, unsigned peer);
char *hp_exec_command_finish(void);

#endif
