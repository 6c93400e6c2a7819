/* Private to scenario/: what the files of the matrix share.
 *
 * An axis has values, each of them a name and what it sets: one path (`network.nats.home.preset: [...]`), or several
 * (`servers: [none, stun]`, and values that the file gives names). A case is a choice of one value an axis. */
#ifndef HP_SCENARIO_MATRIX_H
#define HP_SCENARIO_MATRIX_H

#include "scenario/loader.h"

#define HP_MATRIX_MAX_AXES 16

/* One path and what it becomes; hp_matrix_gone: the key that it ends at is taken away. */
extern const hp_tree hp_matrix_gone;
typedef struct hp_setting {
    const char *path;
    const hp_tree *value;
} hp_setting;

typedef struct hp_axis_value {
    const hp_tree *name; /* as labels render it and `when` compares it */
    const hp_setting *settings;
    unsigned n;
} hp_axis_value;

typedef enum hp_axis_kind {
    HP_AXIS_PATH, /* a path from the top */
    HP_AXIS_NAMED, /* values that the file gives names */
    HP_AXIS_NAT, /* a NAT's preset */
    HP_AXIS_SERVERS,
    HP_AXIS_FAMILIES,
    HP_AXIS_TRICKLE,
    HP_AXIS_NOMINATION,
    HP_AXIS_SEEDS,
    HP_AXIS_N
} hp_axis_kind;

typedef struct hp_axis {
    hp_axis_kind kind;
    const char *path; /* what it sets, or, where that is several paths, its name */
    const char *name; /* as labels show it */
    const hp_tree *key; /* where it stands */
    hp_axis_value *values;
    unsigned n;
} hp_axis;

/* Reports an error at a node of the file, or of the command line (line 0). */
void hp_matrix_complain(hp_load *load, const hp_tree *at, const char *hint, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* matrix_axis.c: reads one axis. root: the file. lenient: of the command line, where `x=all` may also be the one value
 * `all`. False when an error was reported. */
bool hp_axis_read(hp_load *load, hp_arena *arena, const hp_tree *root, const hp_tree *key, const hp_tree *values,
                  bool lenient, hp_axis *ret);

/* Which value has that name; -1: none. */
int hp_axis_find(const hp_axis *axis, const hp_tree *name);
/* Reports that the axis has no such value, with the one that is meant. */
void hp_axis_lacks(hp_load *load, const hp_axis *axis, const hp_tree *name);
/* Whether no axis undoes what another one sets, so that a case is what it is called. False when an error was reported. */
bool hp_axes_agree(hp_load *load, const hp_axis *axes, unsigned n);

/* matrix_command.c: `NAME=VALUES` of --axis. The values, NULL when an error was reported; *ret_name: caller frees. */
const hp_tree *hp_command_axis(hp_load *load, hp_arena *arena, const char *text, char **ret_name);
/* `NAME=VALUE,NAME=VALUE` of --except, as the map that an exception is; a value in brackets is a list. NULL when an
 * error was reported. */
const hp_tree *hp_command_except(hp_load *load, hp_arena *arena, const char *text);

/* matrix_words.c: the axes that are words. kind of a key that is no path; HP_AXIS_N: it is none of them. */
hp_axis_kind hp_axis_word(const hp_tree *root, const char *text);
/* What a word, or a NAT's name, means and may be set to; for suggestions. Appends names that are not owned. */
void hp_axis_words(const hp_tree *root, GPtrArray *names);
/* The values that stand for `all`; NULL: the axis does not know all. */
const hp_tree *hp_axis_word_all(hp_arena *arena, const hp_axis *axis, const hp_tree *at);
/* Settings of one value. False when an error was reported. */
bool hp_axis_word_value(hp_load *load, hp_arena *arena, const hp_tree *root, const hp_axis *axis, const hp_tree *value,
                        hp_axis_value *ret);
/* A NAT whose preset translates IPv6 to IPv4 has IPv6 inside, and so has all that is behind it. Sets families where the
 * file leaves them open, in a case whose values are chosen. NULL when an error was reported: two values that exclude
 * each other. */
const hp_tree *hp_matrix_settle(hp_load *load, hp_arena *arena, const hp_tree *root, const hp_tree *tree,
                                const hp_axis *axes, unsigned n_axes, const unsigned *chosen);

/* matrix_path.c: the tree with one path set. NULL when an error was reported, at `at`. */
const hp_tree *hp_matrix_set(hp_load *load, hp_arena *arena, const hp_tree *root, const hp_setting *setting,
                             const hp_tree *at);
/* The key that a path ends at; NULL when there is none or the path goes into a list or a name. No errors. */
const hp_key *hp_matrix_key(const char *path);

/* matrix_pairwise.c: a covering array. Every two values of every two axes that some allowed case holds together are in
 * a row; rows in the order of their values, each of n_axes indices. allowed: whether a choice may be; indices are
 * UINT_MAX where an axis has no value yet, and a choice that is allowed may become forbidden when it grows, never the
 * other way round. *ret_n rows, to be freed; NULL when the exceptions are so entangled that no row is found in a
 * bounded time. */
typedef bool (*hp_pairwise_allowed)(const unsigned *choice, void *user);
unsigned *hp_pairwise_rows(const unsigned *sizes, unsigned n_axes, hp_pairwise_allowed allowed, void *user,
                           unsigned max_rows, unsigned *ret_n);

#endif
