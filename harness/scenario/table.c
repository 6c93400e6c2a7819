/* The root of the schema table, and looking things up in it.
 *
 * The tables of the other files hang together by pointers from here: root, then network, servers, peers and so on. The
 * order of keys in a table is the order in which they are read, whatever the order in the file: names that later keys
 * refer to come first, and a preset comes before the knobs that change it. */
#include "scenario/table.h"

#include <string.h>

#include "scenario/table_programs.h"

static const hp_word reductions[] = {
    {"none", 0, "all"},
    {"pairwise", 1, "so few that every two values of every two paths still meet in some case"},
};
static const hp_words reduction_words = HP_WORDS("a reduction", reductions);

#define F(field) HP_FIELD(hp_root, field)
static const hp_key root_keys[] = {
    {"name", HP_V_TEXT, F(scenario.name), .shown = "the file's name", .doc = "what reports call it"},
    {"about", HP_V_TEXT, F(scenario.about), .doc = "what it shows, in a sentence"},
    {"tags", HP_V_NAMES, F(scenario.tags), .shown = "none", .doc = "words to select scenarios by"},
    {"seed", HP_V_INT, F(scenario.seed), HP_FLAG(hp_root, scenario.has_seed), .max = INT64_MAX, .fallback = "1",
     .doc = "seed of all random streams; the command line may override it"},
    {"until", HP_V_DURATION, F(scenario.until), .fallback = "60s",
     .doc = "run time at which the run ends, if not all is decided before"},
    {"known-bug", HP_V_TEXT, F(scenario.known_bug), .shown = "none",
     .doc = "link to a bug: the scenario is expected to fail, and passing is reported as fixed"},
    {"worlds", HP_V_ENUM, F(scenario.worlds), .words = &hp_words_worlds,
     .shown = "both, or live alone where something is in it that the virtual world has not",
     .doc = "the worlds that can run it"},
    {"worlds-why", HP_V_TEXT, F(scenario.worlds_why), .shown = "none", .doc = "why only these"},
    {"agree", HP_V_MAP, F(scenario.agree), .sub = &hp_schema_agree,
     .doc = "how near the virtual and the live run must come"},
    {"network", HP_V_MAP, .sub = &hp_schema_network, .doc = "what lies between the peers"},
    {"servers", HP_V_BY_NAME, F(scenario.servers), HP_COUNT(hp_root, scenario.n_servers), .sub = &hp_schema_server,
     .doc = "STUN and TURN servers"},
    {"defaults", HP_V_MAP, F(defaults), .sub = &hp_schema_defaults, .doc = "what every peer starts from"},
    {"peers", HP_V_BY_NAME, F(scenario.peers), HP_COUNT(hp_root, scenario.n_peers), .sub = &hp_schema_peer,
     .required = true, .doc = "the peers"},
    {"rules", HP_V_LIST, F(scenario.rules), HP_COUNT(hp_root, scenario.n_rules), .sub = &hp_schema_rule,
     .max = HP_LOAD_MAX_LIST, .doc = "a scripted middlebox: what is done to which packets, where"},
    {"signaling", HP_V_MAP, F(scenario.signaling), .sub = &hp_schema_signaling, .doc = "the way of their messages"},
    {"steps", HP_V_LIST, F(scenario.steps), HP_COUNT(hp_root, scenario.n_steps), .sub = &hp_schema_step, .max = 2000,
     .doc = "what happens, in order"},
    {"expect", HP_V_LIST, F(scenario.expects), HP_COUNT(hp_root, scenario.n_expects), .sub = &hp_schema_expect,
     .max = 2000, .doc = "what must hold"},
    {"matrix", HP_V_MATRIX,
     .doc =
         "one case for each combination of values: `{network.nats.home.preset: [full-cone, symmetric]}`. A path names "
         "keys from the top, list items by number from 0; the last one turns fastest, and no axis may undo what one "
         "before it sets. Instead of a list: `all` that the key knows, `1..20`, or a map of named values, each a map "
         "from paths to values. Words instead of paths: a "
         "NAT's name (its presets, `{home: all}`), `servers` (none, stun, turn, turn-tcp, turn-tls, joined by +: "
         "`[none, stun, stun+turn]`), `families` (ipv4, ipv6, dual), `trickle` (yes, no), `nomination`, `seeds`"},
    {"matrix-except", HP_V_MATRIX_EXCEPT,
     .doc = "combinations to leave out: a list of maps from a path (or its last parts, or its word) to a value or a "
            "list of them, each of which the axis must have"},
    {"matrix-reduce", HP_V_NAME, F(matrix_reduce), .words = &reduction_words, .fallback = "none",
     .doc = "which of all combinations become cases"},
};
#undef F

static void finish_root(hp_loader *l, void *base, const hp_tree *node)
{
    hp_scenario *scenario = &((hp_root *)base)->scenario;
    if (hp_tree_get(node, "worlds") != NULL) {
        scenario->worlds_mark = hp_loader_mark(l, hp_tree_get(node, "worlds"));
    }
    hp_loader_check_worlds(l, scenario, node);
}

const hp_schema hp_schema_root = {
    .name = "scenario",
    .doc = "A scenario file: one map with these keys.",
    .size = sizeof(hp_root),
    HP_KEYS(root_keys),
    .finish = finish_root,
};

bool hp_words_at(const hp_words *words, unsigned i, hp_word *ret)
{
    if (words->at != NULL) {
        return words->at(i, ret);
    }
    if (i >= words->n) {
        return false;
    }
    *ret = words->list[i];
    return true;
}

bool hp_words_find(const hp_words *words, const char *name, hp_word *ret)
{
    hp_word word;
    for (unsigned i = 0; hp_words_at(words, i, &word); i++) {
        if (words->fold ? g_ascii_strcasecmp(word.name, name) == 0 : strcmp(word.name, name) == 0) {
            *ret = word;
            return true;
        }
    }
    return false;
}

const char *hp_words_name(const hp_words *words, int64_t value)
{
    hp_word word;
    for (unsigned i = 0; hp_words_at(words, i, &word); i++) {
        if (word.value == value) {
            return word.name;
        }
    }
    return NULL;
}

const hp_key *hp_schema_find(const hp_schema *schema, const char *name, size_t *base_offset)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        const hp_key *key = &schema->keys[i];
        if (key->type != HP_V_INCLUDE) {
            if (strcmp(key->name, name) == 0) {
                return key;
            }
            continue;
        }
        size_t offset = *base_offset + key->offset;
        const hp_key *found = hp_schema_find(key->sub, name, &offset);
        if (found != NULL) {
            *base_offset = offset;
            return found;
        }
    }
    return NULL;
}

const hp_key *hp_schema_find_variant(const hp_schema *schema, const char *name)
{
    for (unsigned i = 0; i < schema->n_variants; i++) {
        if (strcmp(schema->variants[i].name, name) == 0) {
            return &schema->variants[i];
        }
    }
    return NULL;
}

static void add_names(const hp_schema *schema, GPtrArray *names)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        if (schema->keys[i].type == HP_V_INCLUDE) {
            add_names(schema->keys[i].sub, names);
        } else {
            g_ptr_array_add(names, (void *)schema->keys[i].name);
        }
    }
    for (unsigned i = 0; i < schema->n_variants; i++) {
        g_ptr_array_add(names, (void *)schema->variants[i].name);
    }
}

GPtrArray *hp_schema_key_names(const hp_schema *schema)
{
    GPtrArray *names = g_ptr_array_new();
    add_names(schema, names);
    return names;
}
