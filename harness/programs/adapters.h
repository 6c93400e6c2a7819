/* Peers made of other people's WebRTC libraries: where their programs are. */
#ifndef HP_PROGRAMS_ADAPTERS_H
#define HP_PROGRAMS_ADAPTERS_H

#include <glib.h>
#include <stdbool.h>

/* The program of the adapter "aiortc", "webrtcbin" or "pion", to be started as it is: it speaks EXEC.md's protocol. It
 * is asked first whether this machine has what it needs; that takes under 0.1 s, and the answer holds for the process.
 * NULL and HP_ERROR_ENVIRONMENT, naming the Debian packages that are missing, when it cannot run; HP_ERROR_INVALID for
 * another name. Caller frees. */
char *hp_adapter_path(const char *name, GError **error);
bool hp_adapter_is_known(const char *name);

#endif
