/* The oracle in result.json: for every two peers that called each other what was predicted, why, and how it compares. */
#include "oracle/shortfalls.h"
#include "report/json_writer.h"

static void put_types(hp_json *j, const char *key, uint8_t types)
{
    g_autofree char *text = hp_types_text(types);
    hp_json_text(j, key, types == 0 ? NULL : text);
}

static void put_prediction(hp_json *j, const hp_oracle_result *r)
{
    const hp_prediction *p = r->prediction;
    hp_json_open(j, NULL, '{');
    hp_json_text(j, "a", r->a);
    hp_json_text(j, "b", r->b);
    hp_json_text(j, "verdict", hp_oracle_verdict_name(r->verdict));
    hp_json_text(j, "why", r->why[0] != '\0' ? r->why : NULL);
    hp_json_text(j, "shortfall", r->shortfall != NULL ? r->shortfall->name : NULL);
    hp_json_text(j, "predicted", hp_outcome_name(p->outcome));
    hp_json_text(j, "at_worst", hp_outcome_name(p->worst));
    put_types(j, "a_types", p->types[p->outcome].local);
    put_types(j, "b_types", p->types[p->outcome].remote);
    hp_json_bool(j, "may_die", p->may_die);
    hp_json_words(j, "reasons", p->reasons);
    const bool known = r->verdict != HP_ORACLE_SILENT && r->verdict != HP_ORACLE_UNDECIDED;
    hp_json_text(j, "happened", known ? hp_outcome_name(r->happened) : NULL);
    put_types(j, "a_type", r->local);
    put_types(j, "b_type", r->remote);
    hp_json_close(j, '}');
}

void hp_json_oracle(hp_json *j, const hp_result *result)
{
    hp_json_open(j, "oracle", '[');
    for (unsigned i = 0; i < result->n_predictions; i++) {
        put_prediction(j, &result->predictions[i]);
    }
    hp_json_close(j, ']');
}
