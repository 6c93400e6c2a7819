/* Carrying out scripts.
 *
 * A thread is a script being carried out: a stack of frames (script, place, rounds to go), since `do` enters another
 * script and comes back; `start` begins one more thread. A thread runs until it has to wait:
 *
 *   READY --pause--> PAUSED --time--> READY
 *         --receive, nothing--> RECEIVING --something fits, time--> READY, or the script has failed
 *         --receive-signal--> LISTENING --likewise-->
 *         --send: gaps, rounds, a socket that is not open yet--> SENDING --all sent--> READY
 *
 * A receive looks at each arrival once, oldest first, those in the inbox included unless it is `fresh`; what it takes
 * is gone from there. `nothing` looks at what comes from its beginning on, and takes nothing. What comes at the very
 * instant a wait ends counts, as the world delivers before timers of actors fire.
 *
 * The first thing that goes wrong in any thread fails the main script, and all threads end; they also end with the main
 * script. The number of actions and of messages sent at one instant is bounded, so that a loop without a wait ends with
 * an error. */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"

static const char *const action_names[] = {
    [HP_RAW_SEND] = "send",
    [HP_RAW_RECEIVE] = "receive",
    [HP_RAW_RECEIVE_NOTHING] = "nothing",
    [HP_RAW_WAIT] = "wait",
    [HP_RAW_WAIT_UNTIL] = "wait-until",
    [HP_RAW_OPEN] = "open",
    [HP_RAW_CLOSE] = "close",
    [HP_RAW_ABORT] = "reset",
    [HP_RAW_SECURE] = "secure",
    [HP_RAW_SIGNAL] = "signal",
    [HP_RAW_RECEIVE_SIGNAL] = "receive-signal",
    [HP_RAW_DO] = "do",
    [HP_RAW_START] = "start",
    [HP_RAW_SET] = "set",
};
static_assert(G_N_ELEMENTS(action_names) == HP_RAW_ACTION_N, "a name for each action");

void hp_raw_thread_free(gpointer p)
{
    hp_raw_thread *t = p;
    g_clear_pointer(&t->pieces, g_ptr_array_unref);
    g_free(t->nearest);
    g_free(t->why);
    g_free(t);
}

/* ---- ends ---- */

static void end_all(hp_raw *raw, const char *outcome)
{
    for (guint i = 0; i < raw->threads->len; i++) {
        ((hp_raw_thread *)raw->threads->pdata[i])->state = HP_RAW_OVER;
    }
    g_ptr_array_set_size(raw->transactions, 0);
    if (!raw->done) {
        raw->done = true;
        hp_raw_tell(raw, &(hp_raw_event){.kind = HP_RAW_EV_DONE, .action = "script", .text = outcome});
    }
}

void hp_raw_fail(hp_raw *raw, const hp_raw_action *action, const char *message)
{
    hp_raw_tell(raw, &(hp_raw_event){.kind = HP_RAW_EV_ERROR,
                                     .line = action->mark.line,
                                     .action = action_names[action->kind],
                                     .text = message});
    end_all(raw, "failed");
}

void hp_raw_miss(hp_raw *raw, hp_raw_thread *t, const char *expected)
{
    hp_raw_tell(raw, &(hp_raw_event){.kind = HP_RAW_EV_MISSED,
                                     .line = t->action->mark.line,
                                     .action = action_names[t->action->kind],
                                     .text = expected,
                                     .span = raw->now - t->began,
                                     .nearest = t->nearest,
                                     .why = t->why,
                                     .packet = t->nearest_packet});
    end_all(raw, "failed");
}

void hp_raw_matched(hp_raw *raw, const hp_raw_thread *t, uint32_t packet)
{
    hp_raw_tell(raw, &(hp_raw_event){.kind = HP_RAW_EV_MATCHED,
                                     .line = t->action->mark.line,
                                     .action = action_names[t->action->kind],
                                     .span = raw->now - t->began,
                                     .packet = packet});
}

/* ---- actions ---- */

static const hp_raw_script *find_script(const hp_raw *raw, const char *name)
{
    for (unsigned i = 0; i < raw->config->n_scripts; i++) {
        if (strcmp(raw->config->scripts[i].name, name) == 0) {
            return &raw->config->scripts[i];
        }
    }
    return NULL;
}

static bool push(hp_raw_thread *t, const hp_raw_script *script, uint32_t times)
{
    if (t->depth == HP_RAW_MAX_DEPTH || script == NULL) {
        return false;
    }
    t->frames[t->depth++] = (hp_raw_frame){.script = script, .left = times - 1};
    return true;
}

bool hp_raw_begin_script(hp_raw *raw, const hp_raw_script *script, bool main)
{
    if (raw->done || raw->threads->len >= HP_RAW_MAX_THREADS) {
        return false;
    }
    hp_raw_thread *t = g_new0(hp_raw_thread, 1);
    t->main = main;
    t->wake = HP_NEVER;
    g_ptr_array_add(raw->threads, t);
    return push(t, script, 1);
}

static bool set_variables(hp_raw *raw, const hp_raw_action *action, GError **error)
{
    for (unsigned i = 0; i < action->set.n; i++) {
        g_autofree char *value = hp_raw_expand(raw, action->set.values[i], error);
        if (value == NULL) {
            return false;
        }
        hp_raw_set(raw, action->set.keys[i], value);
    }
    return true;
}

static bool too_many(GError **error, const char *what)
{
    g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "too many scripts %s", what);
    return false;
}

static void begin_receiving(hp_raw *raw, hp_raw_thread *t, bool fresh)
{
    t->seen = fresh ? raw->n_arrivals : 0;
    t->count = 0;
    t->nearest_score = -1;
    t->nearest_packet = 0;
    g_clear_pointer(&t->nearest, g_free);
    g_clear_pointer(&t->why, g_free);
}

/* Begins an action; where it takes time, the thread's state says so. False with error. */
static bool begin(hp_raw *raw, hp_raw_thread *t, GError **error)
{
    const hp_raw_action *action = t->action;
    switch (action->kind) {
    case HP_RAW_SEND:
        t->state = HP_RAW_SENDING;
        t->pieces = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        t->count = MAX(action->send.times, 1);
        return true;
    case HP_RAW_SECURE:
        t->state = HP_RAW_SENDING;
        return true;
    case HP_RAW_RECEIVE:
    case HP_RAW_RECEIVE_NOTHING:
        begin_receiving(raw, t, action->kind == HP_RAW_RECEIVE_NOTHING || action->receive.fresh);
        t->wake = hp_time_add(raw->now, action->receive.within);
        t->state = HP_RAW_RECEIVING;
        return true;
    case HP_RAW_RECEIVE_SIGNAL:
        begin_receiving(raw, t, false);
        t->wake = hp_time_add(raw->now, action->receive_signal.within);
        t->state = HP_RAW_LISTENING;
        return true;
    case HP_RAW_WAIT:
        t->wake = hp_time_add(raw->now, action->wait);
        t->state = HP_RAW_PAUSED;
        return true;
    case HP_RAW_WAIT_UNTIL:
        t->wake = action->wait;
        t->state = HP_RAW_PAUSED;
        return true;
    case HP_RAW_OPEN:
        return hp_raw_endpoint_open(hp_raw_find_socket(raw, action->socket), error);
    case HP_RAW_CLOSE:
    case HP_RAW_ABORT:
        hp_raw_endpoint_close(hp_raw_find_socket(raw, action->socket), action->kind == HP_RAW_ABORT);
        return true;
    case HP_RAW_SIGNAL:
        return raw->ops->signal(raw->user, raw->now, &action->signal, error);
    case HP_RAW_DO:
        return push(t, find_script(raw, action->run.script), action->run.times) || too_many(error, "one in the other");
    case HP_RAW_START:
        return hp_raw_begin_script(raw, find_script(raw, action->run.script), false) || too_many(error, "at once");
    case HP_RAW_SET:
        return set_variables(raw, action, error);
    case HP_RAW_ACTION_N:
        break;
    }
    return true;
}

/* The next action of the topmost script that has one; NULL at the end of all. */
static const hp_raw_action *next_action(hp_raw_thread *t)
{
    while (t->depth > 0) {
        hp_raw_frame *frame = &t->frames[t->depth - 1];
        if (frame->next < frame->script->n_actions) {
            return &frame->script->actions[frame->next++];
        }
        if (frame->left > 0 && frame->script->n_actions > 0) {
            frame->left--;
            frame->next = 0;
        } else {
            t->depth--;
        }
    }
    return NULL;
}

bool hp_raw_spend(hp_raw *raw, const hp_raw_action *action, const char *too_many)
{
    if (raw->actions_at != raw->now) {
        raw->actions_at = raw->now;
        raw->n_actions = 0;
    }
    if (++raw->n_actions > HP_RAW_MAX_ACTIONS) {
        hp_raw_fail(raw, action, too_many);
        return false;
    }
    return true;
}

static void begin_next(hp_raw *raw, hp_raw_thread *t)
{
    g_autoptr(GError) error = NULL;
    t->action = next_action(t);
    t->began = raw->now;
    t->wake = HP_NEVER;
    if (t->action == NULL) {
        t->state = HP_RAW_OVER;
        if (t->main) {
            end_all(raw, "done");
        }
        return;
    }
    if (hp_raw_spend(raw, t->action, "the scripts go round without any time passing") && !begin(raw, t, &error)) {
        hp_raw_fail(raw, t->action, error->message);
    }
}

/* True when it did anything. */
static bool step_thread(hp_raw *raw, hp_raw_thread *t)
{
    switch (t->state) {
    case HP_RAW_READY:
        begin_next(raw, t);
        return true;
    case HP_RAW_PAUSED:
        if (t->wake > raw->now) {
            return false;
        }
        t->state = HP_RAW_READY;
        return true;
    case HP_RAW_RECEIVING:
        return t->action->kind == HP_RAW_RECEIVE ? hp_raw_look_for_arrival(raw, t) : hp_raw_look_for_nothing(raw, t);
    case HP_RAW_LISTENING:
        return hp_raw_look_for_signal(raw, t);
    case HP_RAW_SENDING:
        return t->action->kind == HP_RAW_SEND ? hp_raw_go_on_sending(raw, t) : hp_raw_go_on_securing(raw, t);
    case HP_RAW_OVER:
        break;
    }
    return false;
}

void hp_raw_step(hp_raw *raw)
{
    bool progress = true;
    while (progress) {
        progress = false;
        for (guint i = 0; i < raw->threads->len; i++) {
            progress = step_thread(raw, raw->threads->pdata[i]) || progress;
        }
        for (guint i = raw->threads->len; i > 0; i--) {
            if (((hp_raw_thread *)raw->threads->pdata[i - 1])->state == HP_RAW_OVER) {
                g_ptr_array_remove_index(raw->threads, i - 1);
            }
        }
    }
}

void hp_raw_finish(hp_raw *raw, hp_time now)
{
    raw->now = now;
    for (guint i = 0; i < raw->threads->len && !raw->done; i++) {
        hp_raw_thread *t = raw->threads->pdata[i];
        if (t->action == NULL || t->state == HP_RAW_OVER || !t->main) {
            continue;
        }
        if (t->action->kind == HP_RAW_RECEIVE) {
            g_autofree char *what = hp_raw_filter_describe(&t->action->receive.filter);
            g_autofree char *expected = g_strdup_printf("%s before the run ends", what);
            hp_raw_miss(raw, t, expected);
        } else {
            hp_raw_fail(raw, t->action, "the run ended before this did");
        }
    }
    hp_raw_tell_unexpected(raw);
}
