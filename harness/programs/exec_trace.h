/* From what a foreign program says to events of the trace: one converter for `exec:` programs, adapters and browsers. */
#ifndef HP_PROGRAMS_EXEC_TRACE_H
#define HP_PROGRAMS_EXEC_TRACE_H

#include "programs/exec_lines.h"
#include "trace/trace.h"

typedef struct hp_exec_trace hp_exec_trace;

typedef struct hp_exec_trace_ops {
    void (*ready)(void *user); /* the program said so, for the first time */
    void (*state)(void *user, const char *state); /* worst ICE state over its open sessions; NULL: it has none */
} hp_exec_trace_ops;

/* name: the peer's, outlives it. Either function may be NULL. */
hp_exec_trace *hp_exec_trace_new(hp_trace *trace, const char *name, const hp_exec_trace_ops *ops, void *user);
void hp_exec_trace_free(hp_exec_trace *converter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_exec_trace, hp_exec_trace_free)

void hp_exec_trace_event(hp_exec_trace *converter, hp_time now, const hp_exec_event *event);
/* The same of a line as it came. */
void hp_exec_trace_line(hp_exec_trace *converter, hp_time now, const char *line, size_t len);

#endif
