/* Hexadecimal bytes in tests: from literals and from fixture files. */
#ifndef HP_TESTS_WIRE_HEX_H
#define HP_TESTS_WIRE_HEX_H

#include <glib.h>
#include <stdint.h>

/* Reads pairs of digits, skipping white space. */
static inline GBytes *hex_bytes(const char *text)
{
    GByteArray *bytes = g_byte_array_new();
    for (const char *p = text; *p != '\0';) {
        if (g_ascii_isspace(*p)) {
            p++;
            continue;
        }
        g_assert(g_ascii_isxdigit(p[0]) && g_ascii_isxdigit(p[1]));
        uint8_t byte = (uint8_t)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
        g_byte_array_append(bytes, &byte, 1);
        p += 2;
    }
    return g_byte_array_free_to_bytes(bytes);
}

static inline GBytes *hex_file(const char *path)
{
    g_autofree char *text = NULL;
    GError *error = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        g_error("%s", error->message);
    }
    return hex_bytes(text);
}

#endif
