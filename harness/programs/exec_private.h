/* Private to programs/: the kind `exec` as a server (exec_server.c). Like that of a peer (exec_program.c), its self begins
 * with a pointer to its program. */
#ifndef HP_PROGRAMS_EXEC_PRIVATE_H
#define HP_PROGRAMS_EXEC_PRIVATE_H

#include "programs/program.h"

void *hp_exec_server_start(hp_program *program, const char *folder, GError **error);
void hp_exec_server_step(void *self, const hp_step *step);
void hp_exec_server_finish(void *self);
void hp_exec_server_free(void *self);

#endif
