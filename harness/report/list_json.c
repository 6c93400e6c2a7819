/* What there is to run, for programs that offer it to somebody: editors, test runners. */
#include "report/list_json.h"

#include "report/json_writer.h"

static void put_case(hp_json *j, const hp_plan *plan)
{
    const hp_scenario *s = plan->scenario;
    hp_json_open(j, NULL, '{');
    hp_json_text(j, "name", plan->case_name);
    hp_json_text(j, "file", s->file);
    hp_json_text(j, "label", s->label != NULL ? s->label : "");
    hp_json_text(j, "about", s->about);
    hp_json_words(j, "tags", s->tags);
    hp_json_u64(j, "seed", plan->seed);
    hp_json_text(j, "known_bug", s->known_bug);
    hp_json_close(j, '}');
}

static void put_problem(hp_json *j, const hp_diag *d)
{
    hp_json_open(j, NULL, '{');
    switch (d->severity) {
    case HP_SEVERITY_ERROR:
        hp_json_text(j, "severity", "error");
        break;
    case HP_SEVERITY_WARNING:
        hp_json_text(j, "severity", "warning");
        break;
    }
    hp_json_text(j, "file", d->mark.file);
    hp_json_u64(j, "line", d->mark.line);
    hp_json_u64(j, "column", d->mark.column);
    hp_json_text(j, "message", d->message);
    hp_json_text(j, "hint", d->hint);
    hp_json_close(j, '}');
}

char *hp_report_list_json(hp_plan *const *plans, unsigned n_plans, const hp_diags *diags)
{
    hp_json j = {.o = hp_output_memory(), .depth = 1, .first = true};
    hp_output_char(j.o, '{');
    hp_json_text(&j, "format", "hairpin-list/1");
    hp_json_text(&j, "hairpin", HAIRPIN_VERSION);
    hp_json_open(&j, "cases", '[');
    for (unsigned i = 0; i < n_plans; i++) {
        put_case(&j, plans[i]);
    }
    hp_json_close(&j, ']');
    hp_json_open(&j, "problems", '[');
    for (unsigned i = 0; i < diags->list->len; i++) {
        put_problem(&j, g_ptr_array_index(diags->list, i));
    }
    hp_json_close(&j, ']');
    hp_output_literal(j.o, "\n}\n");
    return hp_output_take(j.o, NULL);
}
