/* libFuzzer over the scenario loader: any bytes give either cases and no error, or errors and no case. What was
 * loaded is then read through its line lookup, and everything is freed, so that a leak or a stale pointer shows. */
#include <stddef.h>
#include <stdint.h>

#include "scenario/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *cases = hp_scenario_parse("fuzz.yaml", (const char *)data, size, diags);

    g_assert((cases == NULL) == (diags->n_errors > 0));
    g_autofree char *said = hp_diags_format(diags);
    g_assert(g_utf8_validate(said, -1, NULL));
    for (unsigned i = 0; cases != NULL && i < cases->len; i++) {
        const hp_scenario *s = g_ptr_array_index(cases, i);
        for (unsigned j = 0; j < s->n_steps; j++) {
            g_autofree char *line = hp_scenario_source_line(s, s->steps[j].mark.line);
            g_assert(line != NULL && hp_step_name(&s->steps[j]) != NULL);
        }
        for (unsigned j = 0; j < s->n_peers; j++) {
            g_assert(s->peers[j].n_interfaces > 0);
        }
    }
    if (cases != NULL) {
        g_ptr_array_unref(cases);
    }
    return 0;
}
