/* What the tables of raw peers ask of templates.
 *
 * Values that hold no variable are read here as they will be read at run time, so that a slip is found before anything
 * runs. Of one that holds a variable nothing is known until then. */
#include "scenario/table_raw.h"

#include <string.h>

#include "scenario/loader.h"
#include "wire/stun_value.h"

bool hp_loader_raw_is_open(const char *text)
{
    return text != NULL && strstr(text, "${") != NULL;
}

const hp_tree *hp_loader_raw_at(const hp_tree *node, const char *key)
{
    const hp_tree *value = hp_tree_get(node, key);
    return value != NULL ? value : node;
}

unsigned hp_loader_raw_count(const hp_tree *node, const char *const *keys)
{
    unsigned n = 0;
    for (; *keys != NULL; keys++) {
        n += hp_tree_get(node, *keys) != NULL;
    }
    return n;
}

void hp_loader_raw_hex(hp_loader *l, const hp_tree *node, const char *key)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const char *text = hp_tree_text(node, key);
    if (text != NULL && !hp_loader_raw_is_open(text) && !hp_hex_parse(text, bytes)) {
        hp_loader_error(l, hp_loader_raw_at(node, key), NULL, "`%s` must be hexadecimal digits in pairs, not `%s`", key,
                        text);
    }
}

void hp_loader_raw_bytes(hp_loader *l, const hp_tree *node, const char *key, unsigned n)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const char *text = hp_tree_text(node, key);
    if (text == NULL || hp_loader_raw_is_open(text) || strcmp(text, "random") == 0) {
        return;
    }
    if (!hp_hex_parse(text, bytes) || bytes->len != n) {
        hp_loader_error(l, hp_loader_raw_at(node, key), NULL, "`%s` must be %u hexadecimal digits, not `%s`", key,
                        2 * n, text);
    }
}

void hp_loader_raw_number(hp_loader *l, const hp_tree *node, const char *key)
{
    const char *text = hp_tree_text(node, key);
    guint64 value;
    if (text == NULL || hp_loader_raw_is_open(text)) {
        return;
    }
    bool hex = g_str_has_prefix(text, "0x");
    if (!g_ascii_string_to_unsigned(text + (hex ? 2 : 0), hex ? 16 : 10, 0, UINT16_MAX, &value, NULL)) {
        hp_loader_error(l, hp_loader_raw_at(node, key), NULL, "`%s` must be a number from 0 to 65535, not `%s`", key,
                        text);
    }
}
