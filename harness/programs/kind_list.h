/* Private to kinds.c: the kinds of programs. */
#ifndef HP_PROGRAMS_KIND_LIST_H
#define HP_PROGRAMS_KIND_LIST_H

#include "programs/broker.h"
#include "programs/builtin_server.h"
#include "programs/chromium.h"
#include "programs/coturn.h"
#include "programs/exec_program.h"
#include "programs/libnice_peer.h"
#include "programs/raw_peer.h"
#include "programs/web.h"

static const hp_program_ops *const hp_program_kind_list[] = {
    &hp_broker_program, &hp_libnice_peer_program, &hp_raw_peer_program, &hp_builtin_server_program,
    &hp_coturn_program, &hp_exec_program,         &hp_aiortc_program,   &hp_webrtcbin_program,
    &hp_pion_program,   &hp_chromium_program,     &hp_web_program,
};

#endif
