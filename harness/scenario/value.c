/* Values: one, a list of them, or a map of them, into a field.
 *
 * Where a list may stand, one value alone is a list of one. A list is taken as a whole or not at all; so is a map of
 * scalars (fields of an event, candidate types of peers). What a single value means is decided in value_scalar.c. */
#include <assert.h>
#include <string.h>

#include "scenario/link_file.h"
#include "scenario/value.h"

/* ---- lists ---- */

/* A list, or one scalar as a list of one. Elements must be scalars. */
static bool elements_of(hp_loader *l, const hp_key *key, const hp_tree *node, const hp_tree *const **ret_items,
                        const hp_tree *const *self, unsigned *ret_n)
{
    if (node->kind == HP_NODE_SCALAR) {
        *ret_items = self;
        *ret_n = 1;
        return true;
    }
    if (node->kind != HP_NODE_LIST) {
        return hp_value_mistake(l, key, node, NULL);
    }
    if (node->n > HP_LOAD_MAX_LIST) {
        hp_loader_error(l, node, NULL, "`%s` must have at most %d values, not %u", key->name, HP_LOAD_MAX_LIST,
                        node->n);
        return false;
    }
    for (unsigned i = 0; i < node->n; i++) {
        if (node->items[i]->kind != HP_NODE_SCALAR) {
            return hp_value_mistake(l, key, node->items[i], NULL);
        }
    }
    *ret_items = node->items;
    *ret_n = node->n;
    return true;
}

static bool read_names(hp_loader *l, const hp_key *key, const hp_tree *const *items, unsigned n, void *base)
{
    char **names = hp_arena_alloc(l->arena, (n + 1) * sizeof *names);

    for (unsigned i = 0; i < n; i++) {
        if (!hp_value_name(l, key, items[i], &names[i])) {
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(names[i], names[j]) == 0) {
                hp_loader_error(l, items[i], NULL, "`%s` is named twice", names[i]);
                return false;
            }
        }
    }
    memcpy((char *)base + key->offset, &names, sizeof names);
    return true;
}

static bool read_templates(hp_loader *l, const hp_key *key, const hp_tree *const *items, unsigned n, void *base)
{
    char **texts = hp_arena_alloc(l->arena, (n + 1) * sizeof *texts);

    for (unsigned i = 0; i < n; i++) {
        texts[i] = hp_loader_template(l, items[i], key->ref);
    }
    memcpy((char *)base + key->offset, &texts, sizeof texts);
    return true;
}

static bool read_texts(hp_loader *l, const hp_key *key, const hp_tree *const *items, unsigned n, void *base)
{
    char **texts = hp_arena_alloc(l->arena, (n + 1) * sizeof *texts);

    for (unsigned i = 0; i < n; i++) {
        texts[i] = hp_arena_text(l->arena, items[i]->text);
    }
    memcpy((char *)base + key->offset, &texts, sizeof texts);
    return true;
}

static bool read_families(hp_loader *l, const hp_key *key, const hp_tree *const *items, unsigned n, void *base)
{
    hp_sc_family family = {false, false};

    for (unsigned i = 0; i < n; i++) {
        if (strcmp(items[i]->text, "ipv4") == 0) {
            family.ipv4 = true;
        } else if (strcmp(items[i]->text, "ipv6") == 0) {
            family.ipv6 = true;
        } else {
            return hp_value_mistake(l, key, items[i], NULL);
        }
    }
    if (!family.ipv4 && !family.ipv6) {
        hp_loader_error(l, NULL, NULL, "`%s` is empty", key->name);
        return false;
    }
    memcpy((char *)base + key->offset, &family, sizeof family);
    return true;
}

/* All that are named are set, the others cleared. */
static bool read_flags(hp_loader *l, const hp_key *key, const hp_tree *node, const hp_tree *const *items, unsigned n,
                       void *base)
{
    bool *flags = hp_arena_alloc(l->arena, key->size);

    for (unsigned i = 0; i < n; i++) {
        hp_word word;
        if (!hp_words_find(key->words, items[i]->text, &word)) {
            return hp_value_unknown_word(l, key->words, items[i]);
        }
        if (flags[word.value]) {
            hp_loader_error(l, items[i], NULL, "`%s` is named twice", word.name);
            return false;
        }
        flags[word.value] = true;
    }
    if (n == 0) {
        hp_loader_error(l, node, NULL, "`%s` is empty", key->name);
        return false;
    }
    memcpy((char *)base + key->offset, flags, key->size);
    return true;
}

/* The bits of all that are named. */
static bool read_set(hp_loader *l, const hp_key *key, const hp_tree *node, const hp_tree *const *items, unsigned n,
                     void *base)
{
    uint8_t set = 0;

    g_assert(key->size == sizeof set);
    for (unsigned i = 0; i < n; i++) {
        hp_word word;
        if (!hp_words_find(key->words, items[i]->text, &word)) {
            return hp_value_unknown_word(l, key->words, items[i]);
        }
        if ((set & word.value) != 0) {
            hp_loader_error(l, items[i], NULL, "`%s` is named twice", word.name);
            return false;
        }
        set = (uint8_t)(set | word.value);
    }
    if (n == 0) {
        hp_loader_error(l, node, NULL, "`%s` is empty", key->name);
        return false;
    }
    memcpy((char *)base + key->offset, &set, sizeof set);
    return true;
}

static size_t element_size(hp_value_type type)
{
    switch ((int)type) {
    case HP_V_ADDRESSES:
        return sizeof(hp_addr);
    case HP_V_PREFIXES:
        return sizeof(hp_prefix);
    case HP_V_PORTS_LIST:
        return sizeof(hp_port_range);
    case HP_V_PACKETS_LIST:
        return sizeof(hp_packet_range);
    case HP_V_DELAYS:
        return sizeof(hp_time);
    case HP_V_INTS:
        return sizeof(uint32_t);
    default:
        return sizeof(uint16_t);
    }
}

static bool read_element(hp_loader *l, const hp_key *key, const hp_tree *item, void *element)
{
    hp_word word;

    switch ((int)key->type) {
    case HP_V_ADDRESSES:
        return hp_value_address(l, key, item, element);
    case HP_V_PREFIXES:
        return hp_value_prefix(l, key, item, element);
    case HP_V_PORTS_LIST:
        return hp_value_ports(l, key, item, sizeof(hp_port_range), element);
    case HP_V_PACKETS_LIST:
        return hp_value_packets(l, key, item, element);
    case HP_V_DELAYS:
        return hp_value_duration(l, key, item, element);
    case HP_V_INTS:
        return hp_value_int(l, key, item, sizeof(uint32_t), element);
    default:
        if (!hp_words_find(key->words, item->text, &word)) {
            return hp_value_unknown_word(l, key->words, item);
        }
        *(uint16_t *)element = (uint16_t)word.value;
        return true;
    }
}

static bool read_array(hp_loader *l, const hp_key *key, const hp_tree *const *items, unsigned n, void *base)
{
    size_t size = element_size(key->type);
    char *elements = hp_arena_alloc(l->arena, n * size);

    for (unsigned i = 0; i < n; i++) {
        if (!read_element(l, key, items[i], elements + i * size)) {
            return false;
        }
    }
    memcpy((char *)base + key->offset, &elements, sizeof elements);
    memcpy((char *)base + key->count, &n, sizeof n);
    return true;
}

/* ---- maps of scalars ---- */

typedef struct text_map { /* the layout of the fields that such maps fill */
    char **keys, **values;
    unsigned n;
} text_map;

#define HAS_LAYOUT(type, first, second, third)                                                                         \
    (offsetof(type, second) - offsetof(type, first) == offsetof(text_map, values) &&                                   \
     offsetof(type, third) - offsetof(type, first) == offsetof(text_map, n))
static_assert(HAS_LAYOUT(hp_behind_list, nats, zones, n), "HP_V_BEHIND");
static_assert(HAS_LAYOUT(hp_event_pattern, keys, values, n_where), "HP_V_WHERE");
static_assert(HAS_LAYOUT(hp_raw_receive, keep, keep_from, n_keep), "HP_V_WHERE");
static_assert(HAS_LAYOUT(hp_raw_action, set.keys, set.values, set.n), "HP_V_WHERE");
static_assert(HAS_LAYOUT(hp_environment, names, values, n), "HP_V_WHERE");
static_assert(HAS_LAYOUT(hp_expect, pair.peers, pair.types, pair.n), "HP_V_PAIR_TYPES");

static bool read_text_map(hp_loader *l, const hp_key *key, const hp_tree *node,
                          bool (*value)(hp_loader *l, const hp_key *key, const hp_tree *node, char **ret), void *field)
{
    if (node->kind != HP_NODE_MAP || node->n == 0) {
        hp_loader_error(l, node, NULL, "`%s` must be a map with at least one key", key->name);
        return false;
    }
    if (node->n > HP_LOAD_MAX_LIST) {
        hp_loader_error(l, node, NULL, "`%s` must have at most %d keys, not %u", key->name, HP_LOAD_MAX_LIST, node->n);
        return false;
    }
    text_map map = {hp_arena_alloc(l->arena, node->n * sizeof(char *)),
                    hp_arena_alloc(l->arena, node->n * sizeof(char *)), node->n};
    bool good = true;
    for (unsigned i = 0; i < node->n; i++) {
        map.keys[i] = hp_arena_text(l->arena, node->pairs[i].key->text);
        good = value(l, key, node->pairs[i].value, &map.values[i]) && good;
    }
    if (good) {
        memcpy(field, &map, offsetof(text_map, n) + sizeof map.n);
    }
    return good;
}

static bool scalar_value(hp_loader *l, const hp_key *key, const hp_tree *node, char **ret)
{
    if (node->kind != HP_NODE_SCALAR) {
        hp_loader_error(l, node, NULL, "a value in `%s` must be a word or a number", key->name);
        return false;
    }
    *ret = hp_arena_text(l->arena, node->text);
    return true;
}

/* "relay", "srflx|prflx" or a list, as "srflx|prflx". */
static bool types_value(hp_loader *l, const hp_key *key, const hp_tree *node, char **ret)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    const hp_tree *const *items = NULL;
    unsigned n = 0;

    if (!elements_of(l, key, node, &items, &node, &n)) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        g_auto(GStrv) words = g_strsplit(items[i]->text, "|", -1);
        for (char **word = words; *word != NULL; word++) {
            hp_word found;
            hp_tree at = *items[i];
            at.text = g_strstrip(*word);
            if (!hp_words_find(key->words, at.text, &found)) {
                return hp_value_unknown_word(l, key->words, &at);
            }
            g_string_append_printf(joined, "%s%s", joined->len > 0 ? "|" : "", found.name);
        }
    }
    if (joined->len == 0) {
        hp_loader_error(l, node, NULL, "no candidate type");
        return false;
    }
    *ret = hp_arena_text(l->arena, joined->str);
    return true;
}

static bool read_pair_types(hp_loader *l, const hp_key *key, const hp_tree *node, void *field)
{
    if (!read_text_map(l, key, node, types_value, field)) {
        return false;
    }
    for (unsigned i = 0; i < node->n; i++) {
        hp_named_ref ref = {HP_REF_PEER, node->pairs[i].key->text, node->pairs[i].key};
        g_array_append_val(l->refs, ref);
    }
    return true;
}

static bool read_behind(hp_loader *l, const hp_key *key, const hp_tree *node, hp_behind_list *field)
{
    if (node->kind == HP_NODE_NULL) {
        return true;
    }
    if (!read_text_map(l, key, node, scalar_value, field)) {
        return false;
    }
    for (unsigned i = 0; i < node->n; i++) {
        hp_named_ref nat = {HP_REF_NAT, field->nats[i], node->pairs[i].key};
        hp_named_ref zone = {HP_REF_ZONE, field->zones[i], node->pairs[i].value};
        g_array_append_val(l->refs, nat);
        g_array_append_val(l->refs, zone);
    }
    return true;
}

bool hp_value_read(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    const hp_tree *const *items = NULL;
    unsigned n = 0;

    switch (key->type) {
    case HP_V_DELAYS:
        if (node->kind == HP_NODE_SCALAR && hp_link_file_is_named(node->text)) {
            return hp_link_file_read(l, key, node, base);
        }
        return elements_of(l, key, node, &items, &node, &n) && read_array(l, key, items, n, base);
    case HP_V_OPPORTUNITIES:
        return node->kind == HP_NODE_SCALAR ? hp_link_file_read(l, key, node, base)
                                            : hp_value_mistake(l, key, node, NULL);
    case HP_V_WHERE:
        return read_text_map(l, key, node, scalar_value, (char *)base + key->offset);
    case HP_V_PAIR_TYPES:
        return read_pair_types(l, key, node, (char *)base + key->offset);
    case HP_V_TEMPLATE:
        if (node->kind != HP_NODE_SCALAR) {
            return hp_value_mistake(l, key, node, NULL);
        }
        *(char **)((char *)base + key->offset) = hp_loader_template(l, node, key->ref);
        return true;
    case HP_V_TEMPLATES:
        return elements_of(l, key, node, &items, &node, &n) && read_templates(l, key, items, n, base);
    case HP_V_TEXTS:
        return elements_of(l, key, node, &items, &node, &n) && read_texts(l, key, items, n, base);
    case HP_V_BEHIND:
        return read_behind(l, key, node, (hp_behind_list *)((char *)base + key->offset));
    case HP_V_NAMES:
        return elements_of(l, key, node, &items, &node, &n) && read_names(l, key, items, n, base);
    case HP_V_FAMILIES:
        return elements_of(l, key, node, &items, &node, &n) && read_families(l, key, items, n, base);
    case HP_V_FLAGS:
        return elements_of(l, key, node, &items, &node, &n) && read_flags(l, key, node, items, n, base);
    case HP_V_SET:
        return elements_of(l, key, node, &items, &node, &n) && read_set(l, key, node, items, n, base);
    case HP_V_ADDRESSES:
    case HP_V_PREFIXES:
    case HP_V_PORTS_LIST:
    case HP_V_PACKETS_LIST:
    case HP_V_ENUMS:
    case HP_V_INTS:
        return elements_of(l, key, node, &items, &node, &n) && read_array(l, key, items, n, base);
    case HP_V_MATRIX:
    case HP_V_MATRIX_EXCEPT:
    case HP_V_WHEN:
        return true; /* done before the structs are filled */
    case HP_V_BOOL:
    case HP_V_NOT:
    case HP_V_PRESENCE:
    case HP_V_INT:
    case HP_V_TEXT:
    case HP_V_CHARS:
    case HP_V_NAME:
    case HP_V_DURATION:
    case HP_V_MILLISECONDS:
    case HP_V_MILLI:
    case HP_V_RATIO:
    case HP_V_PERCENT:
    case HP_V_RATE:
    case HP_V_BYTES:
    case HP_V_ADDRESS:
    case HP_V_ENDPOINT:
    case HP_V_PREFIX:
    case HP_V_PORTS:
    case HP_V_SEQUENCES:
    case HP_V_PACKETS:
    case HP_V_OCTETS:
    case HP_V_OCTETS32:
    case HP_V_ENUM:
    case HP_V_COMPARE:
    case HP_V_EDGE:
    case HP_V_PRESET:
    case HP_V_FIREWALL_PRESET:
    case HP_V_PAIRS:
    case HP_V_MAP:
    case HP_V_BY_NAME:
    case HP_V_LIST:
    case HP_V_INCLUDE:
    case HP_V_N:
        break;
    }
    return node->kind == HP_NODE_SCALAR ? hp_value_scalar(l, key, node, base) : hp_value_mistake(l, key, node, NULL);
}
