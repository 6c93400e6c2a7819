/* Private to scenario/: the state of one case being loaded, and the reading of values. */
#ifndef HP_SCENARIO_LOADER_H
#define HP_SCENARIO_LOADER_H

#include "scenario/arena.h"
#include "scenario/model.h"
#include "scenario/table.h"

/* `network.behind`: parallel to the pairs in the file. */
typedef struct hp_behind_list {
    char **nats, **zones;
    unsigned n;
} hp_behind_list;

/* What the root table fills: the scenario, and what only the loader needs. */
typedef struct hp_root {
    hp_scenario scenario; /* first, so that a pointer to one is a pointer to the other */
    hp_sc_peer defaults; /* what every peer starts from */
    hp_behind_list behind;
    char *matrix_reduce; /* matrix.c reads it before the rest */
} hp_root;

/* What all cases of a file share. */
typedef struct hp_load {
    hp_source source;
    char *text; /* a GRefString */
    hp_diags *diags;
    unsigned n_errors; /* repeated ones included */
    unsigned n_reported; /* those that made it into diags */
    GHashTable *captures; /* of the scenarios: hp_scenario.captures */
    GHashTable *link_files; /* of the scenarios: hp_scenario.link_files */
    const hp_matrix_request *request; /* of the command line; may be NULL */
    GHashTable *seen; /* "line:column:message": cases share most lines, and so would their mistakes */
} hp_load;

/* Where we are, for messages. */
typedef struct hp_path {
    const struct hp_path *up;
    const char *name;
} hp_path;

/* One path of the matrix and its value in this case. */
typedef struct hp_assignment {
    const char *path;
    const char *name; /* the path's short form, or the word that stands for it */
    const hp_tree *value;
} hp_assignment;

typedef struct hp_named_ref {
    hp_ref kind;
    const char *name;
    const hp_tree *at;
} hp_named_ref;

/* A template as it stands in the file. */
typedef struct hp_template_ref {
    const hp_tree *at;
    const char *text, *peer; /* peer: NULL until the peer it belongs to is known */
} hp_template_ref;

struct hp_loader {
    hp_load *load;
    hp_arena *arena; /* the scenario's */
    hp_root *root;
    const hp_path *path;
    GArray *refs; /* hp_named_ref, checked at the end */
    GArray *templates; /* hp_template_ref, likewise */
    const hp_assignment *assignments;
    unsigned n_assignments;
};

/* What bounds the work that a file can ask for, beside the bounds of the tree. */
#define HP_LOAD_MAX_NAMES 10000 /* elements of a map by name */
#define HP_LOAD_MAX_USER 763 /* bytes of a user's name or a realm (RFC 8489 sections 14.3 and 14.9) */
#define HP_LOAD_MAX_LIST 1000 /* values of a list, pairs of a map of scalars */

/* Once more errors than help anybody are found, the rest is not looked for. */
static inline bool hp_load_is_hopeless(const hp_load *load)
{
    return load->n_reported >= HP_TREE_MAX_ERRORS;
}

/* Reports once; hint may be NULL. */
void hp_load_report(hp_load *load, hp_severity severity, unsigned line, unsigned column, const char *hint,
                    const char *format, ...) G_GNUC_PRINTF(6, 7);
void hp_loader_error(hp_loader *l, const hp_tree *at, const char *hint, const char *format, ...) G_GNUC_PRINTF(4, 5);
hp_mark hp_loader_mark(const hp_loader *l, const hp_tree *at);
/* "network.nats.home"; "the scenario" at the top. Caller frees. */
char *hp_loader_path(const hp_loader *l);
/* "did you mean `x`?", or NULL. Caller frees. */
char *hp_loader_nearest(const char *word, const char *const *candidates, size_t n);

/* Reads a value of any type but the structured ones (map, by-name, list, include) into its field at base. Reports and
 * leaves the field alone when it is wrong. False then. */
bool hp_value_read(hp_loader *l, const hp_key *key, const hp_tree *node, void *base);
/* The field as it would be written: for the defaults of NAT knobs. NULL for a type that has no text. Caller frees. */
char *hp_value_format(const hp_key *key, const void *base);
/* Whether a name of this kind can be used: letters, digits, `-`, `_`, `.`; at most 63. */
bool hp_name_is_valid(const char *name);

/* Fills base by the schema. overlay: over what is there, else from defaults. */
void hp_loader_struct(hp_loader *l, const hp_schema *schema, const hp_tree *node, void *base, const void *parent,
                      bool overlay);
/* One field, of any type. */
void hp_loader_key(hp_loader *l, const hp_key *key, const hp_tree *node, void *base);
/* Sets the defaults of a struct's keys. */
void hp_loader_defaults(hp_loader *l, const hp_schema *schema, void *base);

/* A scalar or list as the map it stands for, null as an empty one; NULL (reported) when it can be no map. */
const hp_tree *hp_loader_as_map(hp_loader *l, const hp_schema *schema, const hp_tree *node);

/* Remembers a template, which is looked at when everything has been read; where ref says so, one without variables is
 * an address or a name. Returns it in the arena. */
char *hp_loader_template(hp_loader *l, const hp_tree *node, hp_ref ref);
/* What raw peers and their scripts say must make sense together, and their expectations (raw_check.c). */
void hp_loader_finish_raw(hp_loader *l, hp_sc_peer *peer, const hp_tree *node);
void hp_loader_check_raw(hp_loader *l);
void hp_loader_check_tie_breaker(hp_loader *l, const hp_tree *node); /* the `tie-breaker` likewise */
bool hp_loader_check_method(hp_loader *l, const hp_tree *node); /* the `method` of that map */
/* Checks that names are given once and that those referred to exist (refs.c). */
void hp_loader_check_refs(hp_loader *l);
/* Reports when the peer has no interface of that name; an unknown peer is reported elsewhere. */
void hp_loader_check_interface(hp_loader *l, const char *peer, const char *interface, const hp_tree *at);
/* The link of what `of` names as the network has it, up and down; *ret_single: it has one for both. False when
 * unknown. */
bool hp_loader_find_link(const hp_loader *l, const char *of, const char *interface, hp_sc_link *ret, bool *ret_single);

/* The text of what a set-step changes: its map without the keys that say where. */
char *hp_loader_changes_text(hp_loader *l, const hp_tree *node, const char *const *but);
/* Gives a firewall the knobs and policies of a preset, or switches it off for "none"; false when there is none of that
 * name (table_firewall.c). */
bool hp_loader_firewall_preset(hp_loader *l, const char *name, hp_sc_firewall *firewall);

/* Whether something in there was found wrong already: what is said of the whole could be but its consequence. */
bool hp_loader_is_mistaken(const hp_loader *l, const hp_tree *node);

/* Looks at a link after the keys in node were read: what they say must make sense together, and each must matter in one
 * direction at least. A link with one direction is its own other one; NULL for a direction that node does not reach
 * (table_link.c). */
void hp_loader_check_link(hp_loader *l, const hp_link_config *up, const hp_link_config *down, const hp_tree *node);

/* The part of the knobs that table_nat_protocols.c has. Both parts have the `start` below, for the documents alone: the
 * loader never fills knobs but in a NAT or a step. */
extern const hp_schema hp_schema_protocol_knobs;
void hp_loader_start_knobs(hp_loader *l, void *base, const void *parent, const hp_tree *node);

/* Of raw peers (table_raw*.c). */
extern const hp_schema hp_schema_raw_expected, hp_schema_raw_signal, hp_schema_raw_receive_signal, hp_schema_raw_script;
extern const hp_words hp_words_raw_class, hp_words_raw_role;

/* The cases of the matrix (matrix.c), in order: for each a tree with the values set. NULL after an error. */
typedef struct hp_case {
    const hp_tree *tree;
    char *label;
    hp_assignment *assignments;
    unsigned n_assignments;
} hp_case;
#define HP_MATRIX_MAX_CASES 10000
hp_case *hp_matrix_expand(hp_load *load, hp_arena *arena, const hp_tree *root, unsigned *ret_n);
/* Whether the case has the values that a `when` asks for. */
bool hp_matrix_holds(hp_loader *l, const hp_tree *when);

#endif
