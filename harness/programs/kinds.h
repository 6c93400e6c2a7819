/* The kinds of programs by the names that scenarios use, and which one a peer or server of a plan is. Each kind declares
 * its ops in a header of its own, and kind_list.h lists them all:
 *
 *   broker.h          hp_broker_program
 *   libnice_peer.h    hp_libnice_peer_program     "libnice"
 *   raw_peer.h        hp_raw_peer_program         "raw"
 *   exec_program.h    hp_exec_program             "exec", and "aiortc", "webrtcbin", "pion"
 *   chromium.h        hp_chromium_program
 *   builtin_server.h  hp_builtin_server_program   "builtin": STUN, TURN and DNS
 *   coturn.h          hp_coturn_program
 *   web.h             hp_web_program */
#ifndef HP_PROGRAMS_KINDS_H
#define HP_PROGRAMS_KINDS_H

#include "programs/program.h"

/* What the plan's peer or server of that index runs; index is ignored for the broker. NULL and HP_ERROR_ENVIRONMENT:
 * this build has no such kind. */
const hp_program_ops *hp_program_kind_of(const hp_plan *plan, hp_program_role role, unsigned index, GError **error);

#endif
