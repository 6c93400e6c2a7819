/* Cases and problems as `hairpin list --json` tells them. */
#ifndef HP_REPORT_LIST_JSON_H
#define HP_REPORT_LIST_JSON_H

#include "base/diag.h"
#include "plan/plan.h"

/* One object, "hairpin-list/1": "cases" in the order of the plans, "problems" in that of the diagnostics. Caller frees. */
char *hp_report_list_json(hp_plan *const *plans, unsigned n_plans, const hp_diags *diags);

#endif
