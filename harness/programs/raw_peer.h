/* A raw peer (actors/raw_peer.h) as a program of the live world: its script on the kernel's sockets. Kind "raw". */
#ifndef HP_PROGRAMS_RAW_PEER_H
#define HP_PROGRAMS_RAW_PEER_H

#include "programs/program.h"

extern const hp_program_ops hp_raw_peer_program;

#endif
