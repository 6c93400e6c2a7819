/* Raw peers' scripts, as the trace tells of them, and what the result says of them. One entry a raw peer with a script,
 * in the plan's order. */
#include <string.h>

#include "check/checker.h"
#include "check/expectation.h"

void hp_facts_init_scripts(hp_facts *facts)
{
    const hp_plan *plan = facts->plan;
    facts->scripts = g_new0(hp_script_facts, plan->n_peers);
    for (unsigned i = 0; i < plan->n_peers; i++) {
        const hp_sc_peer *peer = plan->peers[i].source;
        if (peer->is_raw && peer->raw.script.n_actions > 0) {
            facts->scripts[facts->n_scripts++] =
                (hp_script_facts){.peer = peer->name, .outcome = "running", .ended = HP_NEVER};
        }
    }
}

void hp_facts_script_event(hp_facts *facts, const hp_record *r)
{
    hp_script_facts *s = NULL;
    for (unsigned i = 0; i < facts->n_scripts && s == NULL; i++) {
        s = strcmp(facts->scripts[i].peer, r->event.subject) == 0 ? &facts->scripts[i] : NULL;
    }
    if (s == NULL) {
        return;
    }
    s->sent += r->event.kind == HP_EV_RAW_SENT;
    s->received += r->event.kind == HP_EV_RAW_RECEIVED;
    s->unexpected += r->event.kind == HP_EV_RAW_UNEXPECTED;
    if (hp_record_u64(r, "line") > 0 && s->ended == HP_NEVER) {
        s->line = (unsigned)hp_record_u64(r, "line");
    }
    if (r->event.kind == HP_EV_RAW_DONE) {
        s->ended = r->at;
        s->outcome = hp_facts_string(facts, hp_record_text(r, "outcome"));
    }
}

void hp_result_fill_scripts(hp_result *result, const hp_facts *facts)
{
    result->n_scripts = facts->n_scripts;
    result->scripts = g_new0(hp_script_result, facts->n_scripts);
    for (unsigned i = 0; i < facts->n_scripts; i++) {
        const hp_script_facts *s = &facts->scripts[i];
        result->scripts[i] = (hp_script_result){
            .peer = g_string_chunk_insert_const(result->strings, s->peer),
            .outcome = g_string_chunk_insert_const(result->strings, s->outcome),
            .ended = s->ended,
            .line = s->line,
            .sent = s->sent,
            .received = s->received,
            .unexpected = s->unexpected,
        };
    }
}
