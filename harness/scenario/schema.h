/* The schema table made visible: what parses is what is documented. */
#ifndef HP_SCENARIO_SCHEMA_H
#define HP_SCENARIO_SCHEMA_H

#include <glib.h>

/* JSON Schema (draft 2020-12) of a scenario file, pretty-printed, ending in a newline. Caller frees. */
char *hp_schema_json(void);
/* scenarios/REFERENCE.md. Caller frees. */
char *hp_schema_reference(void);
/* What one key means: "network.nats.*.mapping", "mapping", "expect.latency". Several keys of that name are all told.
 * NULL when there is none; *ret_nearest is then the nearest key, or NULL. Caller frees the text. */
char *hp_schema_explain(const char *key, const char **ret_nearest);

#endif
