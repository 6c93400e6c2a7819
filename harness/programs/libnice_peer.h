/* Our own peer (actors/peer.h) as a program of the live world: libnice on the kernel's sockets. Kind "libnice". */
#ifndef HP_PROGRAMS_LIBNICE_PEER_H
#define HP_PROGRAMS_LIBNICE_PEER_H

#include "programs/program.h"

extern const hp_program_ops hp_libnice_peer_program;

#endif
