/* Single values: from a piece of text to a field, and what is said when it will not go.
 *
 * A value is text until here, quoted or not; the key's type decides what it means. Whole base units only: what would
 * have to be rounded is refused. A field is written once its value is known to be good. */
#include <string.h>

#include "base/rng.h"
#include "scenario/doc.h"
#include "scenario/value.h"

bool hp_value_mistake(hp_loader *l, const hp_key *key, const hp_tree *node, const char *hint)
{
    const char *what = hp_value_what(key->type), *example = hp_value_example(key);
    g_autoptr(GString) got = g_string_new(NULL);

    if (node->kind == HP_NODE_NULL) {
        g_string_append(got, "nothing");
    } else if (node->kind == HP_NODE_SCALAR) {
        g_string_append_printf(got, "`%.60s%s`", node->text, strlen(node->text) > 60 ? "..." : "");
    } else {
        g_string_append(got, node->kind == HP_NODE_MAP ? "a map" : "a list");
    }
    g_autofree char *valid = g_utf8_make_valid(got->str, -1); /* the cut may have split a character */
    if (example != NULL) {
        hp_loader_error(l, node, hint, "`%s` must be %s such as %s, not %s", key->name, what, example, valid);
    } else {
        hp_loader_error(l, node, hint, "`%s` must be %s, not %s", key->name, what, valid);
    }
    return false;
}

bool hp_name_is_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return len > 0 && len <= 63 && name[len] == '\0' && name[0] != '-';
}

static void put_int(const hp_key *key, void *field, size_t size, int64_t value)
{
    switch (size) { /* little- or big-endian alike */
    case 1:
        *(uint8_t *)field = (uint8_t)value;
        break;
    case 2:
        *(uint16_t *)field = (uint16_t)value;
        break;
    case 4:
        *(uint32_t *)field = (uint32_t)value;
        break;
    case 8:
        *(uint64_t *)field = (uint64_t)value;
        break;
    default:
        g_error("key `%s` has a field of %zu bytes", key->name, size);
    }
}

static bool read_bool(hp_loader *l, const hp_key *key, const hp_tree *node, bool *ret)
{
    static const char *const like_true[] = {"yes", "on", "True", "TRUE", "y", "1", NULL};
    static const char *const like_false[] = {"no", "off", "False", "FALSE", "n", "0", NULL};

    if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0) {
        *ret = node->text[0] == 't';
        return true;
    }
    return hp_value_mistake(l, key, node,
                            g_strv_contains(like_true, node->text)    ? "did you mean `true`?"
                            : g_strv_contains(like_false, node->text) ? "did you mean `false`?"
                                                                      : NULL);
}

bool hp_value_int(hp_loader *l, const hp_key *key, const hp_tree *node, size_t size, void *field)
{
    gint64 value;
    g_autoptr(GError) error = NULL;
    bool hex = g_str_has_prefix(node->text, "0x") && g_ascii_isxdigit(node->text[2]); /* YAML 1.2's other notation */

    if (g_ascii_string_to_signed(node->text + (hex ? 2 : 0), hex ? 16 : 10, key->min, key->max, &value, &error)) {
        put_int(key, field, size, value);
        return true;
    }
    if (g_error_matches(error, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS)) {
        hp_loader_error(l, node, NULL, "`%s` must be from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ", not %s",
                        key->name, key->min, key->max, node->text);
        return false;
    }
    return hp_value_mistake(l, key, node, NULL);
}

/* Whether a quantity is one that the key takes; said if not. */
static bool is_in_bounds(hp_loader *l, const hp_key *key, const hp_tree *node, hp_unit unit, uint64_t value)
{
    uint64_t min = (uint64_t)key->min, max = key->max == 0 ? UINT64_MAX : (uint64_t)key->max;

    if (value >= min && value <= max) {
        return true;
    }
    g_autofree char *least = hp_unit_format(unit, key->min), *most = hp_unit_format(unit, key->max);
    if (key->max == 0) {
        hp_loader_error(l, node, NULL, "`%s` must be at least %s", key->name, least);
    } else {
        hp_loader_error(l, node, NULL, "`%s` must be from %s to %s, not %s", key->name, least, most, node->text);
    }
    return false;
}

static bool is_bare_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789.")] == '\0';
}

bool hp_value_duration(hp_loader *l, const hp_key *key, const hp_tree *node, hp_time *ret)
{
    if (hp_time_parse(node->text, ret)) {
        return true;
    }
    if (is_bare_number(node->text)) {
        g_autofree char *hint = g_strdup_printf("add a unit: `%sms` or `%ss`", node->text, node->text);
        return hp_value_mistake(l, key, node, hint);
    }
    return hp_value_mistake(l, key, node, NULL);
}

static bool read_milliseconds(hp_loader *l, const hp_key *key, const hp_tree *node, int *field)
{
    hp_time value;

    if (!hp_value_duration(l, key, node, &value)) {
        return false;
    }
    if (value % HP_MS != 0 || value / HP_MS > INT32_MAX) {
        return hp_value_mistake(l, key, node, NULL);
    }
    if (value / HP_MS < (uint64_t)key->min) {
        hp_loader_error(l, node, NULL, "`%s` must be at least %dms", key->name, (int)key->min);
        return false;
    }
    *field = (int)(value / HP_MS);
    return true;
}

static bool read_unit(hp_loader *l, const hp_key *key, const hp_tree *node, hp_unit unit, void *field)
{
    int64_t value;

    if (!hp_unit_parse(node->text, unit, &value) || value < 0) {
        return hp_value_mistake(l, key, node,
                                is_bare_number(node->text) && unit == HP_UNIT_RATE    ? "add a unit: kbit/s, Mbit/s"
                                : is_bare_number(node->text) && unit == HP_UNIT_RATIO ? "at most 1, or 100%"
                                                                                      : NULL);
    }
    if (!is_in_bounds(l, key, node, unit, (uint64_t)value)) {
        return false;
    }
    put_int(key, field, key->size, value);
    return true;
}

static bool read_percent(hp_loader *l, const hp_key *key, const hp_tree *node, unsigned *ret)
{
    const uint64_t one = HP_PPB / 100;
    int64_t value;

    if (!hp_unit_parse(node->text, HP_UNIT_RATIO, &value) || (uint64_t)value % one != 0) {
        return hp_value_mistake(l, key, node, NULL);
    }
    if ((uint64_t)value / one < (uint64_t)key->min || (uint64_t)value / one > (uint64_t)key->max) {
        hp_loader_error(l, node, NULL, "`%s` must be from %d%% to %d%%, not %s", key->name, (int)key->min,
                        (int)key->max, node->text);
        return false;
    }
    *ret = (unsigned)((uint64_t)value / one);
    return true;
}

/* What ends up in a line of some protocol: nothing that could end the line. */
static bool read_chars(hp_loader *l, const hp_key *key, const hp_tree *node, char *field)
{
    size_t len = strlen(node->text);

    if (len == 0 || len >= key->size) {
        hp_loader_error(l, node, NULL, "`%s` must have 1 to %zu bytes", key->name, key->size - 1);
        return false;
    }
    for (const char *p = node->text; *p != '\0'; p++) {
        if (g_ascii_iscntrl(*p)) {
            hp_loader_error(l, node, NULL, "`%s` must not have control characters", key->name);
            return false;
        }
    }
    memset(field, 0, key->size);
    memcpy(field, node->text, len);
    return true;
}

static bool read_compare(hp_loader *l, const hp_key *key, const hp_tree *node, hp_compare *ret)
{
    hp_compare value;
    hp_word word;

    if (key->words != NULL && hp_words_find(key->words, node->text, &word)) {
        *ret = (hp_compare){.set = true, .unit = key->unit, .min = 1, .max = 0};
        return true;
    }
    if (!hp_compare_parse(node->text, key->unit, &value)) {
        return hp_value_mistake(l, key, node, key->words != NULL ? "or one word: `declared`" : NULL);
    }
    *ret = value;
    return true;
}

bool hp_value_unknown_word(hp_loader *l, const hp_words *words, const hp_tree *node)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    hp_word word;

    for (unsigned i = 0; hp_words_at(words, i, &word); i++) {
        g_ptr_array_add(names, (void *)word.name);
    }
    g_autofree char *hint = hp_loader_nearest(node->text, (const char *const *)names->pdata, names->len);
    if (hint == NULL && names->len <= 8) {
        GString *list = g_string_new("one of ");
        for (unsigned i = 0; i < names->len; i++) {
            g_string_append_printf(list, "%s`%s`", i > 0 ? ", " : "", (const char *)g_ptr_array_index(names, i));
        }
        hint = g_string_free(list, FALSE);
    }
    hp_loader_error(l, node, hint, "`%s` is not %s", node->text, words->what);
    return false;
}

static bool read_enum(hp_loader *l, const hp_key *key, const hp_tree *node, void *field)
{
    hp_word word;

    if (!hp_words_find(key->words, node->text, &word)) {
        return hp_value_unknown_word(l, key->words, node);
    }
    put_int(key, field, key->size, word.value);
    return true;
}

static void refer(hp_loader *l, const hp_key *key, const char *name, const hp_tree *node)
{
    if (key->ref != HP_REF_NONE && key->ref != HP_REF_PLACE && key->ref != HP_REF_DOMAIN) {
        hp_named_ref ref = {key->ref, name, node};
        g_array_append_val(l->refs, ref);
    }
}

bool hp_value_name(hp_loader *l, const hp_key *key, const hp_tree *node, char **field)
{
    hp_word word;

    if (key->words != NULL && !hp_words_find(key->words, node->text, &word)) {
        return hp_value_unknown_word(l, key->words, node);
    }
    if (key->words == NULL && key->ref == HP_REF_NONE && !hp_name_is_valid(node->text)) {
        hp_loader_error(l, node, "letters, digits, `-` and `_`, at most 63", "`%s` is not fit for a name", node->text);
        return false;
    }
    *field = hp_arena_text(l->arena, node->text);
    refer(l, key, *field, node);
    return true;
}

static bool read_edge(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    hp_time time;

    if (g_ascii_isdigit(node->text[0])) {
        return hp_value_duration(l, key, node, &time) && (memcpy((char *)base + key->offset, &time, sizeof time), true);
    }
    return hp_value_name(l, key, node, (char **)((char *)base + key->count));
}

static bool read_preset(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    const hp_nat_preset *preset = hp_nat_preset_find(node->text);

    if (preset == NULL) {
        return hp_value_unknown_word(l, key->words, node);
    }
    memcpy((char *)base + key->count, &preset->config, sizeof preset->config);
    if (key->offset != 0) {
        *(char **)((char *)base + key->offset) = hp_arena_text(l->arena, preset->name);
    }
    return true;
}

bool hp_value_address(hp_loader *l, const hp_key *key, const hp_tree *node, hp_addr *ret)
{
    hp_addr address;

    if (!hp_addr_parse(node->text, &address) || address.port != 0) {
        return hp_value_mistake(l, key, node, NULL);
    }
    *ret = address;
    return true;
}

bool hp_value_endpoint(hp_loader *l, const hp_key *key, const hp_tree *node, hp_addr *ret)
{
    hp_addr address;

    if (!hp_addr_parse(node->text, &address)) {
        return hp_value_mistake(l, key, node, NULL);
    }
    *ret = address;
    return true;
}

bool hp_value_prefix(hp_loader *l, const hp_key *key, const hp_tree *node, hp_prefix *ret)
{
    hp_prefix prefix;

    if (!hp_prefix_parse(node->text, &prefix)) {
        return hp_value_mistake(l, key, node,
                                strchr(node->text, '/') != NULL ? "no bits may be set behind the prefix" : NULL);
    }
    if (key->min != 0 && prefix.base.family != key->min) {
        hp_loader_error(l, node, NULL, "`%s` must be a network of IPv%d", key->name, (int)key->min);
        return false;
    }
    *ret = prefix;
    return true;
}

/* "a", "a..b", or with open_end "a..": two numbers from 1 to max; the second is 0 when open. */
static bool read_range(const char *text, uint64_t max, bool open_end, uint64_t *ret_first, uint64_t *ret_last)
{
    g_auto(GStrv) parts = g_strsplit(text, "..", 3);
    guint n = g_strv_length(parts);
    guint64 first, last;

    if (n < 1 || n > 2 || !g_ascii_string_to_unsigned(g_strstrip(parts[0]), 10, 1, max, &first, NULL)) {
        return false;
    }
    if (n == 1) {
        last = first;
    } else if (*g_strstrip(parts[1]) == '\0' && open_end) {
        last = 0;
    } else if (!g_ascii_string_to_unsigned(parts[1], 10, first, max, &last, NULL)) {
        return false;
    }
    *ret_first = first;
    *ret_last = last;
    return true;
}

bool hp_value_ports(hp_loader *l, const hp_key *key, const hp_tree *node, size_t size, void *field)
{
    uint64_t first, last;

    if (!read_range(node->text, 65535, false, &first, &last)) {
        return hp_value_mistake(l, key, node, NULL);
    }
    put_int(key, field, size / 2, (int64_t)first);
    put_int(key, (char *)field + size / 2, size / 2, (int64_t)last);
    return true;
}

bool hp_value_packets(hp_loader *l, const hp_key *key, const hp_tree *node, hp_packet_range *ret)
{
    uint64_t first, last;

    if (!read_range(node->text, UINT32_MAX, true, &first, &last)) {
        return hp_value_mistake(l, key, node, NULL);
    }
    *ret = (hp_packet_range){first, last};
    return true;
}

/* "a" or "a..b", each up to 65535. */
static bool read_sequences(hp_loader *l, const hp_key *key, const hp_tree *node, uint16_t *field)
{
    g_auto(GStrv) parts = g_strsplit(node->text, "..", 3);
    guint n = g_strv_length(parts);
    guint64 ends[2];

    for (guint i = 0; i < 2; i++) {
        const char *text = n == 1 || n == 2 ? parts[n == 2 ? i : 0] : "";
        if (!g_ascii_string_to_unsigned(g_strstrip((char *)text), 10, 0, UINT16_MAX, &ends[i], NULL)) {
            return hp_value_mistake(l, key, node, NULL);
        }
    }
    field[0] = (uint16_t)ends[0];
    field[1] = (uint16_t)ends[1];
    return true;
}

bool hp_value_scalar(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    void *field = (char *)base + key->offset;
    bool flag = false;
    hp_time time = 0;

    switch ((int)key->type) {
    case HP_V_BOOL:
        return read_bool(l, key, node, field);
    case HP_V_PRESENCE:
        if (!read_bool(l, key, node, &flag)) {
            return false;
        }
        *(hp_presence *)field = flag ? HP_PRESENT : HP_ABSENT;
        return true;
    case HP_V_NOT:
        if (!read_bool(l, key, node, &flag)) {
            return false;
        }
        *(bool *)field = !flag;
        return true;
    case HP_V_INT:
        return hp_value_int(l, key, node, key->size, field);
    case HP_V_TEXT:
        *(char **)field = hp_arena_text(l->arena, node->text);
        return true;
    case HP_V_CHARS:
        return read_chars(l, key, node, field);
    case HP_V_NAME:
        return hp_value_name(l, key, node, field);
    case HP_V_DURATION:
        if (!hp_value_duration(l, key, node, &time) || !is_in_bounds(l, key, node, HP_UNIT_TIME, time)) {
            return false;
        }
        *(hp_time *)field = time;
        return true;
    case HP_V_MILLISECONDS:
        return read_milliseconds(l, key, node, field);
    case HP_V_MILLI:
        return read_unit(l, key, node, HP_UNIT_MILLI, field);
    case HP_V_RATIO:
        return read_unit(l, key, node, HP_UNIT_RATIO, field);
    case HP_V_PERCENT:
        return read_percent(l, key, node, field);
    case HP_V_RATE:
        return read_unit(l, key, node, HP_UNIT_RATE, field);
    case HP_V_BYTES:
        return read_unit(l, key, node, HP_UNIT_BYTES, field);
    case HP_V_ADDRESS:
        return hp_value_address(l, key, node, field);
    case HP_V_ENDPOINT:
        return hp_value_endpoint(l, key, node, field);
    case HP_V_SEQUENCES:
        return read_sequences(l, key, node, field);
    case HP_V_OCTETS:
        return hp_value_octets(l, key, node, base);
    case HP_V_OCTETS32:
        return hp_value_octets32(l, key, node, base);
    case HP_V_FIREWALL_PRESET:
        return hp_value_firewall_preset(l, key, node, field);
    case HP_V_PREFIX:
        return hp_value_prefix(l, key, node, field);
    case HP_V_PORTS:
        return hp_value_ports(l, key, node, key->size, field);
    case HP_V_PACKETS:
        return hp_value_packets(l, key, node, field);
    case HP_V_ENUM:
        return read_enum(l, key, node, field);
    case HP_V_COMPARE:
        return read_compare(l, key, node, field);
    case HP_V_EDGE:
        return read_edge(l, key, node, base);
    case HP_V_PRESET:
        return read_preset(l, key, node, base);
    default:
        g_error("key `%s` is read elsewhere", key->name);
    }
}
