/* Private to Chromium as a peer: how the browser is started and what its page is told, from the plan alone. */
#ifndef HP_PROGRAMS_CHROMIUM_COMMAND_H
#define HP_PROGRAMS_CHROMIUM_COMMAND_H

#include "plan/plan.h"

/* The browser's program: $CHROMIUM, or the first of the usual names in PATH. Caller frees. NULL: there is none. */
char *hp_chromium_find(void);

/* The page's address: what `page` says when that is a URL, else a page of our own making on the broker's port. */
char *hp_chromium_url(const hp_plan *plan, unsigned peer);
/* Whether the page is fetched over the world's network, which takes run time. */
bool hp_chromium_page_is_remote(const hp_plan *plan, unsigned peer);

/* The whole command line, NULL-terminated; caller frees (g_strfreev). The browser reads DevTools commands from its stdin
 * and answers on its stdout: a shell makes them the descriptors 3 and 4 that it wants. */
char **hp_chromium_command(const hp_plan *plan, unsigned peer, const char *browser, const char *folder,
                           const char *url);

/* What observer.js finds as window.HAIRPIN: a statement in JavaScript; caller frees. */
char *hp_chromium_preamble(const hp_plan *plan, unsigned peer);

#endif
