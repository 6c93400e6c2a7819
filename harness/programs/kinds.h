/* The kinds of programs by the names that scenarios use, and which one a peer or server of a plan is. Each kind declares
 * its own hp_program_ops in a header of its own; kinds.c lists them all. */
#ifndef HP_PROGRAMS_KINDS_H
#define HP_PROGRAMS_KINDS_H

#include "programs/program.h"

/* NULL: there is none of that name. */
const hp_program_ops *hp_program_kind(const char *name);
/* What the plan's peer or server of that index runs; index is ignored for the broker. NULL and HP_ERROR_ENVIRONMENT:
 * this build has no such kind. */
const hp_program_ops *hp_program_kind_of(const hp_plan *plan, hp_program_role role, unsigned index, GError **error);

#endif
