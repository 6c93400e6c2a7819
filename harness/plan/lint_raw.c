/* Rules about raw peers: scripts that can never begin, scripts that nobody carries out, actions beyond the run's end.
 *
 * When an action of a script comes about depends on what it receives; only pauses and `wait-until` are certain, so an
 * action is called too late only when even these lie beyond the end. */
#include <string.h>

#include "plan/lint.h"

bool hp_lint_speaks_of(const hp_sc_peer *peer, const char *name)
{
    for (char **text = peer->raw.texts; peer->is_raw && text != NULL && *text != NULL; text++) {
        if (strstr(*text, name) != NULL) {
            return true;
        }
    }
    return false;
}

bool hp_lint_has_script(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        if (l->plan->peers[i].source->raw.script.n_actions > 0) {
            return true;
        }
    }
    return false;
}

static bool signals(const hp_raw_script *script)
{
    for (unsigned i = 0; i < script->n_actions; i++) {
        if (script->actions[i].kind == HP_RAW_SIGNAL) {
            return true;
        }
    }
    return false;
}

bool hp_lint_raw_signals(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_raw_config *raw = &l->plan->peers[i].source->raw;
        bool any = signals(&raw->script);
        for (unsigned k = 0; k < raw->n_scripts && !any; k++) {
            any = signals(&raw->scripts[k]);
        }
        if (any) {
            return true;
        }
    }
    return false;
}

/* A lower bound of when the script begins; HP_NEVER: it does not. */
static hp_time beginning(const hp_lint *l, const hp_raw_config *raw)
{
    if (raw->start_step == NULL) {
        return raw->start;
    }
    int step = hp_plan_find_step(l->plan, raw->start_step);
    return step >= 0 ? l->earliest[step] : HP_NEVER;
}

static void check_times(const hp_lint *l, const hp_sc_peer *peer)
{
    hp_time at = beginning(l, &peer->raw), until = l->scenario->until;
    if (at >= until) {
        hp_lint_warn(l, peer->raw.script.mark, "raise `until`", "the script of `%s` never begins: the run ends before",
                     peer->name);
        return;
    }
    for (unsigned i = 0; i < peer->raw.script.n_actions; i++) {
        const hp_raw_action *action = &peer->raw.script.actions[i];
        if (action->kind == HP_RAW_WAIT) {
            at = hp_time_add(at, action->wait);
        } else if (action->kind == HP_RAW_RECEIVE_NOTHING) {
            at = hp_time_add(at, action->receive.within);
        } else if (action->kind == HP_RAW_WAIT_UNTIL) {
            at = MAX(at, action->wait);
        }
        if (at > until) {
            hp_lint_warn(l, action->mark, "raise `until`",
                         "the script of `%s` never gets past this: the run ends before", peer->name);
            return;
        }
    }
}

static bool carries_out(const hp_raw_script *script, const char *name)
{
    for (unsigned i = 0; i < script->n_actions; i++) {
        const hp_raw_action *action = &script->actions[i];
        if ((action->kind == HP_RAW_DO || action->kind == HP_RAW_START) && strcmp(action->run.script, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_use(const hp_lint *l, const hp_raw_config *raw)
{
    for (unsigned i = 0; i < raw->n_scripts; i++) {
        bool used = carries_out(&raw->script, raw->scripts[i].name);
        for (unsigned k = 0; k < raw->n_scripts; k++) {
            used = used || carries_out(&raw->scripts[k], raw->scripts[i].name);
        }
        if (!used) {
            hp_lint_warn(l, raw->scripts[i].mark, "name it in a `do` or `start`", "nobody carries out script `%s`",
                         raw->scripts[i].name);
        }
    }
}

void hp_lint_raw(const hp_lint *l)
{
    for (unsigned i = 0; i < l->plan->n_peers; i++) {
        const hp_sc_peer *peer = l->plan->peers[i].source;
        if (!peer->is_raw) {
            continue;
        }
        if (peer->raw.script.n_actions > 0) {
            check_times(l, peer);
        }
        check_use(l, &peer->raw);
    }
}
