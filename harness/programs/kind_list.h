/* Private to kinds.c: the kinds that this build has. A source that is not there is a kind that is not built. */
#ifndef HP_PROGRAMS_KIND_LIST_H
#define HP_PROGRAMS_KIND_LIST_H

#include "programs/program.h"

#if __has_include("programs/broker.c")
#include "programs/broker.h"
#endif
#if __has_include("programs/libnice_peer.c")
#include "programs/libnice_peer.h"
#endif
#if __has_include("programs/raw_peer.c")
#include "programs/raw_peer.h"
#endif
#if __has_include("programs/builtin_server.c")
#include "programs/builtin_server.h"
#endif
#if __has_include("programs/coturn.c")
#include "programs/coturn.h"
#endif
#if __has_include("programs/exec_program.c")
#include "programs/exec_program.h"
#endif
#if __has_include("programs/chromium.c")
#include "programs/chromium.h"
#endif
#if __has_include("programs/web.c")
#include "programs/web.h"
#endif

static const hp_program_ops *const hp_program_kind_list[] = {
#if __has_include("programs/broker.c")
    &hp_broker_program,
#endif
#if __has_include("programs/libnice_peer.c")
    &hp_libnice_peer_program,
#endif
#if __has_include("programs/raw_peer.c")
    &hp_raw_peer_program,
#endif
#if __has_include("programs/builtin_server.c")
    &hp_builtin_server_program,
#endif
#if __has_include("programs/coturn.c")
    &hp_coturn_program,
#endif
#if __has_include("programs/exec_program.c")
    &hp_exec_program,
#endif
#if __has_include("programs/chromium.c")
    &hp_chromium_program,
#endif
#if __has_include("programs/web.c")
    &hp_web_program,
#endif
    NULL,
};

#endif
