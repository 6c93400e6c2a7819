/* A program of the user's, or an adapter of ours, as a peer or a server (EXEC.md). */
#ifndef HP_PROGRAMS_EXEC_PROGRAM_H
#define HP_PROGRAMS_EXEC_PROGRAM_H

#include "programs/program.h"

extern const hp_program_ops hp_exec_program;

/* The same with a program that is not in the scenario: argv outlives the call (an adapter). For ops->start(). */
void *hp_exec_program_start(hp_program *program, const char *const *argv, GError **error);
/* The rest of the ops of such a kind. */
void hp_exec_program_begin(void *self);
void hp_exec_program_step(void *self, const hp_step *step, unsigned index);
void hp_exec_program_finish(void *self);
void hp_exec_program_free(void *self);

#endif
