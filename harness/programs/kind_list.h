/* Private to kinds.c: the kinds that this build has. A header that is not there is a kind that is not built. */
#ifndef HP_PROGRAMS_KIND_LIST_H
#define HP_PROGRAMS_KIND_LIST_H

#include "programs/program.h"

#if __has_include("programs/broker.h")
#include "programs/broker.h"
#endif
#if __has_include("programs/libnice_peer.h")
#include "programs/libnice_peer.h"
#endif
#if __has_include("programs/raw_peer.h")
#include "programs/raw_peer.h"
#endif
#if __has_include("programs/builtin_server.h")
#include "programs/builtin_server.h"
#endif
#if __has_include("programs/coturn.h")
#include "programs/coturn.h"
#endif
#if __has_include("programs/exec_program.h")
#include "programs/exec_program.h"
#endif
#if __has_include("programs/chromium.h")
#include "programs/chromium.h"
#endif
#if __has_include("programs/web.h")
#include "programs/web.h"
#endif

static const hp_program_ops *const hp_program_kind_list[] = {
#if __has_include("programs/broker.h")
    &hp_broker_program,
#endif
#if __has_include("programs/libnice_peer.h")
    &hp_libnice_peer_program,
#endif
#if __has_include("programs/raw_peer.h")
    &hp_raw_peer_program,
#endif
#if __has_include("programs/builtin_server.h")
    &hp_builtin_server_program,
#endif
#if __has_include("programs/coturn.h")
    &hp_coturn_program,
#endif
#if __has_include("programs/exec_program.h")
    &hp_exec_program,
    &hp_aiortc_program,
    &hp_webrtcbin_program,
    &hp_pion_program,
#endif
#if __has_include("programs/chromium.h")
    &hp_chromium_program,
#endif
#if __has_include("programs/web.h")
    &hp_web_program,
#endif
    NULL,
};

#endif
