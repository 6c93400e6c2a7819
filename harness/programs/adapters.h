/* Peers made of other people's WebRTC libraries: where their programs are. */
#ifndef HP_PROGRAMS_ADAPTERS_H
#define HP_PROGRAMS_ADAPTERS_H

#include <glib.h>

/* The program of the adapter "aiortc", "webrtcbin" or "pion", to be started as it is: it speaks EXEC.md's protocol. It
 * is asked first whether this machine has what it needs; that takes under 0.1 s (20 s at most), and the answer holds for
 * the process. NULL and HP_ERROR_ENVIRONMENT, naming the Debian packages that are missing, when it cannot run;
 * HP_ERROR_INVALID for another name. Caller frees. */
char *hp_adapter_path(const char *name, GError **error);

/* Asks the adapter at that path. NULL: it can run here; else why not, as the end of a sentence: "it misses: ...". It is
 * killed when it has not answered within limit_ms. Caller frees. */
char *hp_adapter_ask(const char *path, unsigned limit_ms);

#endif
