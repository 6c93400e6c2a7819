/* What other folders call a step. */
#include "scenario/model.h"

const char *hp_step_label(const hp_step *step)
{
    return step->label ? step->label : hp_step_name(step);
}
