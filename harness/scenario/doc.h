/* Private to scenario/: what the three documents (JSON Schema, reference, explain) ask of the table. */
#ifndef HP_SCENARIO_DOC_H
#define HP_SCENARIO_DOC_H

#include "scenario/table.h"

/* What a key takes, for people: "a duration such as 20ms, 1.5s or 10m", "one of `up`, `down`, `both`", "a map
 * (link)". */
char *hp_doc_type(const hp_key *key);
/* Its default, or NULL when there is nothing to say. Caller frees. */
char *hp_doc_default(const hp_schema *schema, const hp_key *key);
/* A value's text and example by itself (value_text.c). */
const char *hp_value_what(hp_value_type type);
const char *hp_value_example(const hp_key *key);

typedef enum hp_doc_role {
    HP_DOC_OPTIONAL,
    HP_DOC_REQUIRED,
    HP_DOC_VARIANT, /* exactly one of these */
} hp_doc_role;

/* Calls visit for every key (and variant) of the schema, those of included schemas where they stand; owner is the
 * schema that holds the key itself. */
typedef void (*hp_doc_visit)(void *user, const hp_schema *owner, const hp_key *key, hp_doc_role role);
void hp_doc_keys(const hp_schema *schema, hp_doc_visit visit, void *user);
/* All schemas that can be reached, each once, in the order of the table. Caller unrefs. */
GPtrArray *hp_doc_schemas(void);

#endif
