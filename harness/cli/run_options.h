/* What commands that run cases are told in the same words: which cases, how, and what is kept and printed of them. */
#ifndef HP_CLI_RUN_OPTIONS_H
#define HP_CLI_RUN_OPTIONS_H

#include "cli/cli.h"
#include "run/batch.h"

typedef struct hp_run_options {
    /* As given; NULL or FALSE what was not. */
    char *seed, *shard, *filter, *tag, *out, *junit, *html, *evidence, *jobs, *hang, *repeat, *world;
    gboolean fail_fast, quiet, verbose, tap, github;
    char **paths;
    bool may_lack_paths; /* preset: `paths` may stay NULL */

    /* Read from them. A command presets batch.evidence when its default is another than HP_EVIDENCE_ALL. */
    hp_case_filter cases;
    hp_batch_options batch; /* all but `done` and `user`; its strings are this struct's */
    char *command; /* "run": begins the messages */
    char *line; /* the whole command, as a shell would read it: what report.html tells */
} hp_run_options;

/* Parses the options that all such commands share, and those of `more` (ends with {NULL}; or NULL). False, with the
 * message printed, when something is wrong. ret is zeroed but for presets, and to be cleared in either case. */
bool hp_run_options_read(const char *command, const char *synopsis, const char *about, const GOptionEntry *more,
                         int *argc, char ***argv, hp_run_options *ret);
void hp_run_options_clear(hp_run_options *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hp_run_options, hp_run_options_clear)

/* A whole number in a range, without sign or blanks, as the option `name`; text NULL leaves ret alone. False, with the
 * message printed, when it is none. */
bool hp_run_options_number(const hp_run_options *options, const char *name, const char *text, guint64 min, guint64 max,
                           guint64 *ret);

#endif
