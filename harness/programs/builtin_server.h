/* Hairpin's own STUN, TURN and DNS servers as a program of a live run. */
#ifndef HP_PROGRAMS_BUILTIN_SERVER_H
#define HP_PROGRAMS_BUILTIN_SERVER_H

#include "programs/program.h"

extern const hp_program_ops hp_builtin_server_program;

#endif
