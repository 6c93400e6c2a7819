/* Private to programs/: the flows that a program which is not ours sends, as far as anybody can tell. */
#ifndef HP_PROGRAMS_FOREIGN_FLOWS_H
#define HP_PROGRAMS_FOREIGN_FLOWS_H

#include "programs/program.h"

typedef struct hp_foreign_flows hp_foreign_flows;

hp_foreign_flows *hp_foreign_flows_new(hp_program *program);
/* NULL is fine. */
void hp_foreign_flows_free(hp_foreign_flows *flows);
/* It was told of a `send` just now. */
void hp_foreign_flows_begin(hp_foreign_flows *flows, const hp_step *step);
/* It sends nothing any more. */
void hp_foreign_flows_stop(hp_foreign_flows *flows);

#endif
