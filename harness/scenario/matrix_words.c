/* `matrix`: axes that are words instead of paths.
 *
 * A word stands for what people vary most, and for all the keys that this takes: the name of a NAT for its preset,
 * `servers` for the STUN and TURN servers of every peer, `families` for the address families of peers and of all that
 * is between them. Peers are told by `defaults`; a peer that says such a key itself would not vary with the axis, which
 * is an error. Networks and servers that say their families themselves keep them.
 *
 * A network whose preset has IPv6 inside and translates it to IPv4 (NAT64) makes no sense for hosts with IPv4, so a NAT
 * that its word gives such a preset, and all that is behind it, gets IPv6 alone; peers get the CLAT that phones have
 * there. Since that depends on two axes, it is settled when the values of a case are known. */
#include <assert.h>
#include <string.h>

#include "config/nat.h"
#include "scenario/matrix.h"

static const struct {
    const char *word, *all; /* all: the values of `all`, as a list of words */
} words[] = {
    [HP_AXIS_SERVERS] = {"servers", "none stun stun+turn turn-tcp"},
    [HP_AXIS_FAMILIES] = {"families", "ipv4 ipv6 dual"},
    [HP_AXIS_TRICKLE] = {"trickle", "yes no"},
    [HP_AXIS_NOMINATION] = {"nomination", "aggressive regular"},
    [HP_AXIS_SEEDS] = {"seeds", NULL},
};
static_assert(G_N_ELEMENTS(words) == HP_AXIS_N, "every kind after the paths is a word");

static const hp_tree *nats_of(const hp_tree *root)
{
    return hp_tree_get(hp_tree_get(root, "network"), "nats");
}

hp_axis_kind hp_axis_word(const hp_tree *root, const char *text)
{
    for (unsigned kind = 0; kind < HP_AXIS_N; kind++) {
        if (words[kind].word != NULL && strcmp(words[kind].word, text) == 0) {
            return (hp_axis_kind)kind;
        }
    }
    return hp_tree_get(nats_of(root), text) != NULL ? HP_AXIS_NAT : HP_AXIS_N;
}

void hp_axis_words(const hp_tree *root, GPtrArray *names)
{
    const hp_tree *nats = nats_of(root);
    for (unsigned kind = 0; kind < HP_AXIS_N; kind++) {
        if (words[kind].word != NULL) {
            g_ptr_array_add(names, (void *)words[kind].word);
        }
    }
    for (unsigned i = 0; nats != NULL && nats->kind == HP_NODE_MAP && i < nats->n; i++) {
        g_ptr_array_add(names, (void *)nats->pairs[i].key->text);
    }
}

/* ---- making trees ---- */

static const hp_tree *scalar(hp_arena *arena, const char *text, const hp_tree *at)
{
    hp_tree *node = hp_tree_new(arena, HP_NODE_SCALAR, at);
    node->text = text;
    return node;
}

/* Of words with blanks between them. */
static const hp_tree *list(hp_arena *arena, const char *text, const hp_tree *at)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", -1);
    const unsigned n = g_strv_length(parts);
    const hp_tree **items = hp_arena_alloc(arena, MAX(n, 1) * sizeof *items);
    hp_tree *node = hp_tree_new(arena, HP_NODE_LIST, at);
    for (unsigned i = 0; i < n; i++) {
        items[i] = scalar(arena, hp_arena_text(arena, parts[i]), at);
    }
    node->items = items;
    node->n = n;
    node->weight = n + 1;
    return node;
}

const hp_tree *hp_axis_word_all(hp_arena *arena, const hp_axis *axis, const hp_tree *at)
{
    if (axis->kind != HP_AXIS_NAT) {
        return words[axis->kind].all == NULL ? NULL : list(arena, words[axis->kind].all, at);
    }
    g_autoptr(GString) presets = g_string_new(NULL);
    hp_word word;
    for (unsigned i = 0; hp_words_at(&hp_words_preset, i, &word); i++) {
        g_string_append_printf(presets, "%s%s", i > 0 ? " " : "", word.name);
    }
    return list(arena, presets->str, at);
}

/* ---- one value ---- */

typedef struct maker {
    hp_load *load;
    hp_arena *arena;
    const hp_tree *root;
    const hp_axis *axis;
    const hp_tree *value;
    GArray *settings; /* hp_setting */
} maker;

static void set(const maker *m, const char *path, const hp_tree *value)
{
    const hp_setting setting = {hp_arena_text(m->arena, path), value};
    g_array_append_val(m->settings, setting);
}

static bool bad_value(const maker *m, const char *instead)
{
    g_autoptr(GString) text = g_string_new(NULL);
    hp_tree_render(m->value, text);
    hp_matrix_complain(m->load, m->value, NULL, "`%s` may be %s, not `%s`", words[m->axis->kind].word, instead,
                       text->str);
    return false;
}

/* The keys below `ice` must be for `defaults` to say. */
static bool peers_leave_open(const maker *m, const char *in, const char *const *keys)
{
    const hp_tree *peers = hp_tree_get(m->root, "peers");
    for (unsigned i = 0; peers != NULL && peers->kind == HP_NODE_MAP && i < peers->n; i++) {
        const hp_tree *map = in == NULL ? peers->pairs[i].value : hp_tree_get(peers->pairs[i].value, in);
        for (const char *const *key = keys; *key != NULL; key++) {
            if (hp_tree_get(map, *key) != NULL) {
                hp_matrix_complain(m->load, m->axis->key, "say it in `defaults`, or use paths of the peers",
                                   "the axis `%s` would not reach %s, who has `%s` of its own", m->axis->name,
                                   peers->pairs[i].key->text, *key);
                return false;
            }
        }
    }
    return true;
}

/* The first server of the kind, or of the other one if that will do. */
static const char *find_server(const hp_tree *root, const char *kind, const char *other)
{
    const hp_tree *servers = hp_tree_get(root, "servers");
    const char *second = NULL;
    for (unsigned i = 0; servers != NULL && servers->kind == HP_NODE_MAP && i < servers->n; i++) {
        const hp_tree *node = servers->pairs[i].value;
        node = node->kind == HP_NODE_MAP ? hp_tree_get(node, "kind") : node;
        if (node != NULL && strcmp(node->text, kind) == 0) {
            return servers->pairs[i].key->text;
        }
        if (node != NULL && other != NULL && strcmp(node->text, other) == 0 && second == NULL) {
            second = servers->pairs[i].key->text;
        }
    }
    return second;
}

static const hp_tree *server(const maker *m, bool wanted, const char *kind, const char *other, bool *missing)
{
    const char *name = wanted ? find_server(m->root, kind, other) : NULL;
    if (wanted && name == NULL) {
        hp_matrix_complain(m->load, m->value, NULL, "`servers: %s`: the file has no server of kind %s", m->value->text,
                           kind);
        *missing = true;
    }
    return name == NULL ? &hp_matrix_gone : scalar(m->arena, name, m->value);
}

static bool make_servers(const maker *m)
{
    static const char instead[] = "none, or one or several of stun, turn, turn-tcp and turn-tls with + between them";
    static const char *const keys[] = {"stun", "turn", "turn-transports", NULL};
    g_auto(GStrv) parts = g_strsplit(m->value->text, "+", -1);
    g_autoptr(GString) transports = g_string_new(NULL);
    bool stun = false, missing = false;
    if (!peers_leave_open(m, "ice", keys)) {
        return false;
    }
    for (char **part = parts; *part != NULL; part++) {
        const bool over = g_str_has_prefix(*part, "turn-");
        const char *transport = strcmp(*part, "turn") == 0                                         ? "udp"
                                : strcmp(*part, "turn-tcp") == 0 || strcmp(*part, "turn-tls") == 0 ? *part + 5
                                                                                                   : NULL;
        if (g_strv_contains((const char *const *)part + 1, *part)) {
            return bad_value(m, instead); /* the same twice */
        }
        if (strcmp(*part, "stun") == 0) {
            stun = true;
        } else if (transport != NULL) {
            g_string_append_printf(transports, "%s%s", transports->len > 0 ? " " : "", transport);
        } else if (over || strcmp(*part, "none") != 0 || parts[1] != NULL) {
            return bad_value(m, instead);
        }
    }
    if (parts[0] == NULL) {
        return bad_value(m, instead);
    }
    const bool turn = transports->len > 0;
    set(m, "defaults.ice.stun", server(m, stun, "stun", "turn", &missing));
    set(m, "defaults.ice.turn", server(m, turn, "turn", NULL, &missing));
    set(m, "defaults.ice.turn-transports", turn ? list(m->arena, transports->str, m->value) : &hp_matrix_gone);
    return !missing;
}

/* Gives every element of a map of names its families, but for those that say them. */
static void widen(const maker *m, const hp_tree *elements, const char *path)
{
    for (unsigned i = 0; elements != NULL && elements->kind == HP_NODE_MAP && i < elements->n; i++) {
        if (hp_tree_get(elements->pairs[i].value, "families") == NULL) {
            g_autofree char *key = g_strdup_printf("%s.%s.families", path, elements->pairs[i].key->text);
            set(m, key, list(m->arena, "ipv4 ipv6", m->value));
        }
    }
}

static bool make_families(const maker *m)
{
    static const char *const keys[] = {"families", NULL};
    const hp_tree *network = hp_tree_get(m->root, "network");
    const bool ipv4 = strcmp(m->value->text, "ipv4") == 0, dual = strcmp(m->value->text, "dual") == 0;
    if (!peers_leave_open(m, NULL, keys)) {
        return false;
    }
    if (!ipv4 && !dual && strcmp(m->value->text, "ipv6") != 0) {
        return bad_value(m, "ipv4, ipv6 or dual");
    }
    set(m, "defaults.families", list(m->arena, dual ? "ipv4 ipv6" : m->value->text, m->value));
    if (!ipv4) {
        widen(m, hp_tree_get(network, "nats"), "network.nats");
        widen(m, hp_tree_get(network, "lans"), "network.lans");
        widen(m, hp_tree_get(network, "firewalls"), "network.firewalls");
        widen(m, hp_tree_get(m->root, "servers"), "servers");
    }
    return true;
}

static bool make_trickle(const maker *m)
{
    static const char *const keys[] = {"trickle", NULL};
    const char *text = m->value->text;
    const bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0) {
        return bad_value(m, "yes or no");
    }
    set(m, "defaults.ice.trickle", scalar(m->arena, yes ? "true" : "false", m->value));
    return peers_leave_open(m, "ice", keys);
}

static bool make_nomination(const maker *m)
{
    static const char *const keys[] = {"nomination", NULL};
    set(m, "defaults.ice.nomination", m->value);
    return peers_leave_open(m, "ice", keys);
}

bool hp_axis_word_value(hp_load *load, hp_arena *arena, const hp_tree *root, const hp_axis *axis, const hp_tree *value,
                        hp_axis_value *ret)
{
    g_autoptr(GArray) settings = g_array_new(FALSE, FALSE, sizeof(hp_setting));
    const maker m = {load, arena, root, axis, value, settings};
    bool good = true;

    if (value->kind != HP_NODE_SCALAR) {
        hp_matrix_complain(load, value, NULL, "values of `%s` are words", axis->name);
        return false;
    }
    switch (axis->kind) {
    case HP_AXIS_PATH:
    case HP_AXIS_NAMED:
    case HP_AXIS_NAT:
    case HP_AXIS_SEEDS:
    case HP_AXIS_N:
        set(&m, axis->path, value);
        break;
    case HP_AXIS_SERVERS:
        good = make_servers(&m);
        break;
    case HP_AXIS_FAMILIES:
        good = make_families(&m);
        break;
    case HP_AXIS_TRICKLE:
        good = make_trickle(&m);
        break;
    case HP_AXIS_NOMINATION:
        good = make_nomination(&m);
        break;
    }
    if (!good) {
        return false;
    }
    ret->name = value;
    ret->n = settings->len;
    hp_setting *kept = hp_arena_alloc(arena, settings->len * sizeof *kept);
    memcpy(kept, settings->data, settings->len * sizeof *kept);
    ret->settings = kept;
    return true;
}

/* ---- networks with IPv6 alone ---- */

typedef struct settler {
    hp_load *load;
    hp_arena *arena;
    const hp_tree *root, *tree, *at;
    GPtrArray *zones; /* names of the NAT and of all that is behind it */
    bool clat;
    const hp_axis *axes;
    unsigned n_axes;
    const unsigned *chosen;
} settler;

/* An axis of paths says it: what the case is called must be what it is. */
static bool is_chosen(const settler *s, const char *path)
{
    for (unsigned i = 0; i < s->n_axes; i++) {
        const hp_axis_value *value = &s->axes[i].values[s->chosen[i]];
        for (unsigned k = 0; k < value->n; k++) {
            if (s->axes[i].kind != HP_AXIS_FAMILIES && strcmp(value->settings[k].path, path) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool is_inside(const settler *s, const hp_tree *behind)
{
    for (unsigned i = 0; behind != NULL && behind->kind == HP_NODE_SCALAR && i < s->zones->len; i++) {
        if (strcmp(s->zones->pdata[i], behind->text) == 0) {
            return true;
        }
    }
    return false;
}

static void add_zones(const settler *s, const char *kind)
{
    const hp_tree *network = hp_tree_get(s->root, "network");
    const hp_tree *elements = hp_tree_get(network, kind), *by_name = hp_tree_get(network, "behind");
    for (unsigned i = 0; elements != NULL && elements->kind == HP_NODE_MAP && i < elements->n; i++) {
        const hp_tree *name = elements->pairs[i].key, *behind = hp_tree_get(elements->pairs[i].value, "behind");
        behind = behind != NULL ? behind : hp_tree_get(by_name, name->text);
        if (is_inside(s, behind) && !is_inside(s, name)) {
            g_ptr_array_add(s->zones, (void *)name->text);
        }
    }
}

/* Sets a key of an element, where the file does not say it. */
static bool settle(settler *s, const char *path, const hp_tree *element, const char *key, const char *text)
{
    if (hp_tree_get(element, key) != NULL) {
        return true;
    }
    g_autofree char *whole = g_strdup_printf("%s.%s", path, key);
    if (is_chosen(s, whole)) {
        return true;
    }
    const hp_setting setting = {whole, scalar(s->arena, text, s->at)};
    const hp_tree *changed = hp_matrix_set(s->load, s->arena, s->tree, &setting, s->at);
    s->tree = changed != NULL ? changed : s->tree;
    return changed != NULL;
}

static bool settle_peer(settler *s, const hp_tree_pair *peer)
{
    g_autofree char *path = g_strdup_printf("peers.%s", peer->key->text);
    const hp_tree *interfaces = hp_tree_get(peer->value, "interfaces");
    if (is_inside(s, hp_tree_get(peer->value, "behind"))) {
        return settle(s, path, peer->value, "families", "ipv6") &&
               (!s->clat || settle(s, path, peer->value, "clat", "true"));
    }
    for (unsigned i = 0; interfaces != NULL && interfaces->kind == HP_NODE_MAP && i < interfaces->n; i++) {
        const hp_tree *one = interfaces->pairs[i].value;
        g_autofree char *below = g_strdup_printf("%s.interfaces.%s", path, interfaces->pairs[i].key->text);
        if (is_inside(s, one->kind == HP_NODE_MAP ? hp_tree_get(one, "behind") : one) &&
            (!settle(s, below, one, "families", "ipv6") || (s->clat && !settle(s, below, one, "clat", "true")))) {
            return false;
        }
    }
    return true;
}

static bool settle_all(settler *s)
{
    const hp_tree *network = hp_tree_get(s->root, "network");
    static const char *const kinds[] = {"nats", "firewalls"};
    for (unsigned before = 0; before != s->zones->len;) {
        before = s->zones->len;
        add_zones(s, kinds[0]);
        add_zones(s, kinds[1]);
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        const hp_tree *elements = hp_tree_get(network, kinds[k]);
        for (unsigned i = 0; elements != NULL && elements->kind == HP_NODE_MAP && i < elements->n; i++) {
            g_autofree char *path = g_strdup_printf("network.%s.%s", kinds[k], elements->pairs[i].key->text);
            if (is_inside(s, elements->pairs[i].key) &&
                !settle(s, path, elements->pairs[i].value, "families", "ipv6")) {
                return false;
            }
        }
    }
    const hp_tree *peers = hp_tree_get(s->root, "peers");
    for (unsigned i = 0; peers != NULL && peers->kind == HP_NODE_MAP && i < peers->n; i++) {
        if (!settle_peer(s, &peers->pairs[i])) {
            return false;
        }
    }
    return true;
}

const hp_tree *hp_matrix_settle(hp_load *load, hp_arena *arena, const hp_tree *root, const hp_tree *tree,
                                const hp_axis *axes, unsigned n_axes, const unsigned *chosen)
{
    const char *families = NULL;
    for (unsigned i = 0; i < n_axes; i++) {
        families = axes[i].kind == HP_AXIS_FAMILIES ? axes[i].values[chosen[i]].name->text : families;
    }
    for (unsigned i = 0; i < n_axes; i++) {
        const hp_tree *value = axes[i].values[chosen[i]].name;
        const hp_nat_preset *preset = axes[i].kind == HP_AXIS_NAT ? hp_nat_preset_find(value->text) : NULL;
        if (preset == NULL || !preset->config.nat64) {
            continue;
        }
        const hp_tree *nat = hp_tree_get(nats_of(root), axes[i].key->text);
        if (hp_tree_get(nat, "families") != NULL) {
            continue; /* the file knows better */
        }
        if (g_strcmp0(families, "ipv4") == 0) {
            g_autofree char *hint =
                g_strdup_printf("leave it out: {%s: %s, families: ipv4} in `matrix-except`, or as --except %s=%s,"
                                "families=ipv4",
                                axes[i].name, value->text, axes[i].name, value->text);
            hp_matrix_complain(load, value, hint, "%s=%s has IPv6 alone, and cannot be combined with families=ipv4",
                               axes[i].name, value->text);
            return NULL;
        }
        g_autoptr(GPtrArray) zones = g_ptr_array_new();
        g_ptr_array_add(zones, (void *)axes[i].key->text);
        settler s = {load, arena, root, tree, value, zones, g_strcmp0(families, "ipv6") != 0, axes, n_axes, chosen};
        if (!settle_all(&s)) {
            return NULL;
        }
        tree = s.tree;
    }
    return tree;
}
