/* Values that are bytes: written as hexadecimal digits, or as a number in network order. */
#include <string.h>

#include "scenario/value.h"
#include "wire/bytes.h"

static void put_octets(const hp_key *key, void *base, uint8_t *bytes, uint16_t n)
{
    memcpy((char *)base + key->offset, &bytes, sizeof bytes);
    memcpy((char *)base + key->count, &n, sizeof n);
}

bool hp_value_octets(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    size_t len = strlen(node->text);
    uint8_t *bytes = hp_arena_alloc(l->arena, len / 2);

    if (len % 2 != 0 || len / 2 > UINT16_MAX || strspn(node->text, "0123456789abcdefABCDEF") != len) {
        return hp_value_mistake(l, key, node, len % 2 != 0 ? "two digits a byte" : NULL);
    }
    for (size_t i = 0; i < len / 2; i++) {
        bytes[i] =
            (uint8_t)(g_ascii_xdigit_value(node->text[2 * i]) << 4 | g_ascii_xdigit_value(node->text[2 * i + 1]));
    }
    put_octets(key, base, bytes, (uint16_t)(len / 2));
    return true;
}

bool hp_value_octets32(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    uint8_t *bytes = hp_arena_alloc(l->arena, sizeof(uint32_t));
    guint64 value;

    if (!g_ascii_string_to_unsigned(node->text, 10, 0, UINT32_MAX, &value, NULL)) {
        return hp_value_mistake(l, key, node, NULL);
    }
    hp_put32(bytes, (uint32_t)value);
    put_octets(key, base, bytes, sizeof(uint32_t));
    return true;
}
