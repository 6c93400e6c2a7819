/* A web server in the world: program kind "web", for servers of `kind: web`. */
#ifndef HP_PROGRAMS_WEB_H
#define HP_PROGRAMS_WEB_H

#include "programs/program.h"

extern const hp_program_ops hp_web_program;

#endif
