/* How data gets into a page: JSON values written again, packed (raw deflate, RFC 1951, as base64), or made safe to stand
 * inside a script element, whose end the HTML parser looks for in its text. */
#include <string.h>
#include <zlib.h>

#include "report/page_private.h"

void hp_page_node(hp_json *j, const char *key, JsonNode *node)
{
    if (JSON_NODE_HOLDS_OBJECT(node)) {
        JsonObjectIter iter;
        const char *name;
        JsonNode *member;
        hp_json_open(j, key, '{');
        json_object_iter_init_ordered(&iter, json_node_get_object(node));
        while (json_object_iter_next_ordered(&iter, &name, &member)) {
            hp_page_node(j, name, member);
        }
        hp_json_close(j, '}');
    } else if (JSON_NODE_HOLDS_ARRAY(node)) {
        JsonArray *array = json_node_get_array(node);
        hp_json_open(j, key, '[');
        for (unsigned i = 0; i < json_array_get_length(array); i++) {
            hp_page_node(j, NULL, json_array_get_element(array, i));
        }
        hp_json_close(j, ']');
    } else if (JSON_NODE_HOLDS_NULL(node)) {
        hp_json_text(j, key, NULL);
    } else if (json_node_get_value_type(node) == G_TYPE_STRING) {
        hp_json_text(j, key, json_node_get_string(node));
    } else if (json_node_get_value_type(node) == G_TYPE_INT64) {
        hp_json_i64(j, key, json_node_get_int(node));
    } else if (json_node_get_value_type(node) == G_TYPE_BOOLEAN) {
        hp_json_bool(j, key, json_node_get_boolean(node));
    } else { /* a bench has fractions */
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        hp_json_member(j, key);
        hp_output_text(j->o, g_ascii_dtostr(number, sizeof number, json_node_get_double(node)));
    }
}

char *hp_page_pack(const void *data, size_t length, size_t *ret_length)
{
    enum { RAW = -15, MEMORY = 9 }; /* windowBits below 0: no header, no checksum */
    z_stream z = {0};
    g_assert(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, RAW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK);
    const uLong room = deflateBound(&z, (uLong)length);
    g_autofree guchar *packed = g_malloc(room);
    z.next_in = (z_const Bytef *)data;
    z.avail_in = (uInt)length;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    const int end = deflate(&z, Z_FINISH);
    g_assert(end == Z_STREAM_END); /* deflateBound() is enough */
    const size_t packed_length = z.total_out;
    (void)deflateEnd(&z);
    char *text = g_base64_encode(packed, packed_length);
    *ret_length = strlen(text);
    return text;
}

char *hp_page_safe_json(const char *json)
{
    GString *s = g_string_sized_new(strlen(json) + 64);
    for (const char *at = json; *at != '\0';) {
        const size_t plain = strcspn(at, "<>&");
        g_string_append_len(s, at, (gssize)plain);
        at += plain;
        if (*at != '\0') {
            g_string_append_printf(s, "\\u%04x", (unsigned char)*at++);
        }
    }
    return g_string_free(s, FALSE);
}
