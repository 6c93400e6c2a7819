/* Private to programs/: the two halves of the kind `exec`. Each one's self begins with a pointer to its program. */
#ifndef HP_PROGRAMS_EXEC_PRIVATE_H
#define HP_PROGRAMS_EXEC_PRIVATE_H

#include "programs/program.h"

/* exec_program.c: a peer; folder NULL: started where we are. */
void *hp_exec_peer_start(hp_program *program, const char *folder, const char *const *argv, GError **error);

/* exec_server.c. */
void *hp_exec_server_start(hp_program *program, const char *folder, GError **error);
void hp_exec_server_step(void *self, const hp_step *step);
void hp_exec_server_finish(void *self);
void hp_exec_server_free(void *self);

#endif
