/* A headless Chromium as a peer: program kind "chromium". */
#ifndef HP_PROGRAMS_CHROMIUM_H
#define HP_PROGRAMS_CHROMIUM_H

#include "programs/program.h"

extern const hp_program_ops hp_chromium_program;

#endif
