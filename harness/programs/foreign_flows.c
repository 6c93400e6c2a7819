/* Theory of operation: a `send` step is told to the program and timed here. Its flow counts as running for count times
 * interval from then on, since the protocol has no word for its end, and `wait: true` waits that long. A program that has
 * to open the channel first, or is slow, is still sending then: a step that must not come before the last message waits
 * for what it brings about (wait-for, channel-message). */
#include "programs/foreign_flows.h"

struct hp_foreign_flows {
    hp_program *program;
    GArray *ends; /* of hp_time */
    hp_timer timer; /* at the first of them */
};

static void rearm(hp_foreign_flows *f)
{
    hp_time first = HP_NEVER;
    for (unsigned i = 0; i < f->ends->len; i++)
        first = MIN(first, g_array_index(f->ends, hp_time, i));
    hp_timer_arm(f->program->world, &f->timer, first);
    hp_program_set_flows(f->program, f->ends->len);
}

static void flow_over(void *owner, hp_time now)
{
    hp_foreign_flows *f = owner;
    for (unsigned i = f->ends->len; i > 0; i--)
        if (g_array_index(f->ends, hp_time, i - 1) <= now)
            g_array_remove_index_fast(f->ends, i - 1);
    rearm(f);
}

hp_foreign_flows *hp_foreign_flows_new(hp_program *program)
{
    hp_foreign_flows *f = g_new0(hp_foreign_flows, 1);
    f->program = program;
    f->ends = g_array_new(FALSE, FALSE, sizeof(hp_time));
    hp_timer_init(&f->timer, HP_TIMER_ACTOR, hp_world_new_element(program->world), flow_over, f);
    return f;
}

void hp_foreign_flows_free(hp_foreign_flows *f)
{
    if (!f)
        return;
    hp_timer_cancel(f->program->world, &f->timer);
    g_array_unref(f->ends);
    g_free(f);
}

void hp_foreign_flows_begin(hp_foreign_flows *f, const hp_step *step)
{
    const hp_time length = step->send.count > 0 ? step->send.count * step->send.interval : step->send.for_ns;
    const hp_time over = hp_time_add(hp_world_now(f->program->world), length);
    g_array_append_val(f->ends, over);
    rearm(f);
}

void hp_foreign_flows_stop(hp_foreign_flows *f)
{
    g_array_set_size(f->ends, 0);
    rearm(f);
}
