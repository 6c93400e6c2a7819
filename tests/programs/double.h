/* A program's process without the process: a world, a loop, GLib's context, a trace; and what a kind says to its run
 * process is kept in `said`. The functions of programs/program.c are defined here, so that one is not linked. */
#ifndef TESTS_PROGRAMS_DOUBLE_H
#define TESTS_PROGRAMS_DOUBLE_H

#include "planned.h"

#include "live/clock.h"
#include "live/loop.h"
#include "programs/program.h"

typedef struct double_process {
    hp_program program; /* first: a program of this test is one of these */
    hp_live_clock *clock;
    GSource *source;
    planned planned;
    GString *said;
    char *folder;
    hp_program_shared shared;
} double_process;

static inline double_process *double_of(hp_program *program)
{
    return (double_process *)(void *)program;
}

void hp_program_ready(hp_program *program)
{
    g_string_append(double_of(program)->said, "ready;");
}

void hp_program_finished(hp_program *program)
{
    g_string_append(double_of(program)->said, "finished;");
}

void hp_program_failed(hp_program *program, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append(double_of(program)->said, "failed: ");
    g_string_append_vprintf(double_of(program)->said, format, args);
    g_string_append_c(double_of(program)->said, ';');
    va_end(args);
}

void hp_program_set_state(hp_program *program, const char *state)
{
    g_string_append_printf(double_of(program)->said, "%s;", state ? state : "none");
}

void hp_program_set_flows(hp_program *program, unsigned running)
{
    program->shared->flows = running;
}

static inline double_process *double_new(const char *scenario, hp_program_role role, unsigned index)
{
    double_process *d = g_new0(double_process, 1);
    d->said = g_string_new(NULL);
    d->clock = hp_live_clock_new(NULL);
    assert_non_null(d->clock);
    d->planned = planned_of("t.yaml", scenario);
    d->folder = g_dir_make_tmp("hairpin-test-XXXXXX", NULL);
    hp_program *p = &d->program;
    const hp_plan *plan = d->planned.plan;
    p->plan = plan;
    p->role = role;
    p->index = index;
    p->name = role == HP_PROGRAM_BROKER   ? "broker"
              : role == HP_PROGRAM_SERVER ? plan->servers[index].source->name
                                          : plan->peers[index].source->name;
    p->trace = hp_trace_new_sized(1 << 20, NULL);
    p->world = hp_world_new(1, p->trace);
    p->clock = d->clock;
    p->loop = hp_loop_new(p->world, d->clock, NULL, NULL);
    assert_non_null(p->loop);
    p->folder = d->folder;
    p->shared = &d->shared;
    d->source = hp_loop_source(p->loop);
    g_source_attach(d->source, NULL);
    return d;
}

static inline void double_free(double_process *d)
{
    g_source_destroy(d->source);
    g_source_unref(d->source);
    hp_world_free(d->program.world);
    hp_loop_free(d->program.loop);
    hp_trace_free(d->program.trace);
    hp_live_clock_free(d->clock);
    planned_clear(&d->planned);
    g_string_free(d->said, TRUE);
    const char *const rm[] = {"rm", "-rf", d->folder, NULL};
    g_spawn_sync(NULL, (char **)rm, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_free(d->folder);
    g_free(d);
}

static inline gboolean double_is_late(gpointer late)
{
    *(bool *)late = true;
    return G_SOURCE_REMOVE;
}

/* Turns the main context until the condition holds; a test that waits for it in vain fails after 20 s. */
#define double_until(condition)                                                                                        \
    do {                                                                                                               \
        bool late_ = false;                                                                                            \
        guint timer_ = g_timeout_add_seconds(20, double_is_late, &late_);                                              \
        while (!(condition) && !late_)                                                                                 \
            g_main_context_iteration(NULL, TRUE);                                                                      \
        if (!late_)                                                                                                    \
            g_source_remove(timer_);                                                                                   \
        if (!(condition))                                                                                              \
            fail_msg("waited in vain for: %s", #condition);                                                            \
    } while (0)

/* Every event of that kind, as its subject and the values of these keys, each line's end a ";". */
static inline char *double_events(const hp_trace *trace, hp_event_kind kind, const char *key)
{
    GString *text = g_string_new(NULL);
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(trace, &cursor, &r))
        if (r.type == HP_RECORD_EVENT && r.event.kind == kind)
            g_string_append_printf(text, "%s %s;", r.event.subject, hp_record_text(&r, key));
    return g_string_free(text, FALSE);
}

#define assert_told(trace, kind, key, expected)                                                                        \
    do {                                                                                                               \
        g_autofree char *told_ = double_events((trace), (kind), (key));                                                \
        assert_string_equal(told_, expected);                                                                          \
    } while (0)

#endif
