/* Private to programs/: what a server's process uses while a run is measured. */
#ifndef HP_PROGRAMS_USAGE_H
#define HP_PROGRAMS_USAGE_H

#include "programs/program.h"

typedef struct hp_usage hp_usage;

/* Tells the trace from now on (server-usage), at once and every HP_USAGE_EVERY_MS. NULL: the program is no server, or
 * nobody measures. */
enum { HP_USAGE_EVERY_MS = 100 };
hp_usage *hp_usage_new(hp_program *program);
/* Tells it a last time. NULL is fine. */
void hp_usage_free(hp_usage *usage);

#endif
