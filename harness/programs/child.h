/* Private to programs/: a child process on the loop: its end, its pipes, its orderly end. For kinds that run somebody
 * else's program. */
#ifndef HP_PROGRAMS_CHILD_H
#define HP_PROGRAMS_CHILD_H

#include "programs/program.h"

typedef struct hp_child hp_child;

typedef struct hp_child_ops {
    /* What it wrote to stdout; NULL: stdout goes to the log. */
    void (*output)(void *user, const void *data, size_t len);
    /* It has ended, and everything that it wrote was told. status: as waitpid() has it. The child may be freed. */
    void (*ended)(void *user, int status);
} hp_child_ops;

/* Started in `folder` (NULL: where we are). NULL with error as hp_program_spawn() has it. */
hp_child *hp_child_new(hp_program *program, const char *folder, const char *const *argv, const char *const *environment,
                       const hp_child_ops *ops, void *user, GError **error);
/* Kills it when it is still there. NULL is fine. */
void hp_child_free(hp_child *child);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_child, hp_child_free)

/* 0: it has ended. */
pid_t hp_child_pid(const hp_child *child);
/* To its stdin, as fast as it reads. */
void hp_child_write(hp_child *child, const void *data, size_t len);
/* Nothing more is written: its stdin ends once it has read all. */
void hp_child_close_input(hp_child *child);
/* Told to end: by SIGTERM after `patience_ms` (0: at once), by SIGKILL a second later. ended() is called as ever. */
void hp_child_end(hp_child *child, unsigned patience_ms);

/* "ended with exit code 3", "was ended by signal 11 (Segmentation fault)". Caller frees. */
char *hp_child_status_text(int status);

#endif
