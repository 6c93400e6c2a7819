/* A program of the user's as a peer or a server (EXEC.md), and our adapters, which are such programs too. */
#ifndef HP_PROGRAMS_EXEC_PROGRAM_H
#define HP_PROGRAMS_EXEC_PROGRAM_H

#include "programs/program.h"

extern const hp_program_ops hp_exec_program, hp_aiortc_program, hp_webrtcbin_program, hp_pion_program;

#endif
