/* The command line: one file a command, each `int hp_cmd_X(int argc, char **argv)` returning the exit code. Only here is
 * anything printed. */
#ifndef HP_CLI_CLI_H
#define HP_CLI_CLI_H

#include <glib.h>
#include <stdbool.h>

#include "base/diag.h"
#include "plan/plan.h"
#include "report/shard.h"

enum { HP_EXIT_GOOD = 0, HP_EXIT_FAILED = 1, HP_EXIT_USAGE = 2, HP_EXIT_ENVIRONMENT = 3 };

typedef struct hp_command {
    const char *name, *about;
    int (*run)(int argc, char **argv);
} hp_command;

int hp_cmd_run(int argc, char **argv);
int hp_cmd_matrix(int argc, char **argv);
int hp_cmd_agree(int argc, char **argv);
int hp_cmd_check(int argc, char **argv);
int hp_cmd_list(int argc, char **argv);
int hp_cmd_explain(int argc, char **argv);
int hp_cmd_schema(int argc, char **argv);
int hp_cmd_show(int argc, char **argv);
int hp_cmd_report(int argc, char **argv);
int hp_cmd_nat(int argc, char **argv);
int hp_cmd_merge(int argc, char **argv);
int hp_cmd_bench(int argc, char **argv);
int hp_cmd_serve(int argc, char **argv);

/* Parses options; *argc and *argv keep the rest. False, with the message printed, on a bad option. */
bool hp_cli_options(const char *synopsis, const char *about, const GOptionEntry *entries, int *argc, char ***argv);
/* Prints "hairpin: message" to stderr; returns the exit code that fits the error's code. */
int hp_cli_fail(const GError *error);
int hp_cli_usage(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* What --world says, NULL being the virtual one; false: bad usage, which is told. */
bool hp_cli_world(const char *command, const char *text, bool *ret_live);

/* ---- collect.c: from paths to plans ---- */

typedef struct hp_case_filter {
    const char *pattern; /* a glob, or a part of the case's name; NULL: all */
    const char *tag; /* NULL: any */
    unsigned shard, n_shards; /* 1..n_shards; 0, 0: all */
    bool has_seed;
    uint64_t seed; /* over the scenario's own */
    const char *base; /* files given by themselves are named by their path below this folder, if they are; or NULL */
    GHashTable *only; /* set of case names, without a number of --repeat: these and no others; or NULL */
    unsigned repeat; /* every case so many times, with its seed and those after it; 0 and 1: once */
    const hp_matrix_request *request; /* added to the matrix of each file; NULL: nothing */
    const char *text; /* of the one path, which then is only a name; NULL: files are read */
} hp_case_filter;

typedef struct hp_cases {
    GPtrArray *files; /* of GPtrArray of hp_scenario, owning */
    GPtrArray *plans; /* of hp_plan, owning, ordered by case name */
    hp_shard shard; /* of which whole they are which part */
} hp_cases;

/* Finds scenario files (directories are searched for *.yaml and *.yml, in the order of their names), loads and plans
 * all of them. Every problem of every file goes to diags; plans is whole only when diags has no error. False and error
 * when a path cannot be read. */
bool hp_cases_collect(char *const *paths, const hp_case_filter *filter, hp_diags *diags, hp_cases *ret, GError **error);
/* Reads the names of cases, a line each, into a set for hp_case_filter.only. NULL and HP_ERROR_SCENARIO naming the
 * file. */
GHashTable *hp_cases_read_names(const char *path, GError **error);
/* Notes what the whole is and keeps the filter's shard of it: the last step of collecting, once all plans are there in the
 * order of their names. */
void hp_cases_keep_shard(hp_cases *cases, const hp_case_filter *filter);
void hp_cases_clear(hp_cases *cases);

#endif
