/* Private to Chromium as a peer: the browser's process and the DevTools pipe to it. */
#ifndef HP_PROGRAMS_BROWSER_H
#define HP_PROGRAMS_BROWSER_H

#include "programs/devtools.h"
#include "programs/program.h"

typedef struct hp_browser hp_browser;

typedef struct hp_browser_ops {
    /* See hp_devtools_ops. The world is at the present. */
    void (*event)(void *user, const char *session, const char *method, JsonObject *params);
    /* It says what no browser says, and nothing more is read. */
    void (*broken)(void *user, const char *why);
    /* Its process has ended: "was ended by signal 11 (...)", "ended by itself with code 1". */
    void (*ended)(void *user, const char *how);
} hp_browser_ops;

/* command: as hp_chromium_command() makes it. */
hp_browser *hp_browser_start(hp_program *program, const char *const *command, const char *const *environment,
                             const hp_browser_ops *ops, void *user, GError **error);
/* Kills it if it runs; ops->ended is not called. */
void hp_browser_free(hp_browser *browser);

hp_devtools *hp_browser_devtools(hp_browser *browser);
bool hp_browser_runs(const hp_browser *browser);
/* Asks it to end, and kills it when it does not. ops->ended follows. */
void hp_browser_close(hp_browser *browser);

#endif
