/* JSON as it comes out of a file: members are looked up by key and type, and what is missing or of another type reads as
 * "nothing", so that a file of a later version, or a spoilt one, never breaks its reader. */
#include "report/evidence.h"

#include "base/error.h"

static JsonNode *value_of(JsonObject *object, const char *key)
{
    JsonNode *node = object != NULL ? json_object_get_member(object, key) : NULL;
    return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? node : NULL;
}

const char *hp_evidence_text(JsonObject *object, const char *key)
{
    JsonNode *node = value_of(object, key);
    return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : "";
}

static bool number_of(JsonObject *object, const char *key, uint64_t *ret)
{
    JsonNode *node = value_of(object, key);
    if (node == NULL || json_node_get_value_type(node) != G_TYPE_INT64) {
        return false;
    }
    *ret = (uint64_t)json_node_get_int(node);
    return true;
}

uint64_t hp_evidence_u64(JsonObject *object, const char *key)
{
    uint64_t value = 0;
    (void)number_of(object, key, &value);
    return value;
}

hp_time hp_evidence_time(JsonObject *object, const char *key)
{
    uint64_t value = HP_NEVER;
    (void)number_of(object, key, &value);
    return value;
}

bool hp_evidence_bool(JsonObject *object, const char *key)
{
    JsonNode *node = value_of(object, key);
    return node != NULL && json_node_get_value_type(node) == G_TYPE_BOOLEAN && json_node_get_boolean(node);
}

JsonObject *hp_evidence_object(JsonObject *object, const char *key)
{
    JsonNode *node = object != NULL ? json_object_get_member(object, key) : NULL;
    return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static JsonArray *array_of(JsonObject *object, const char *key)
{
    JsonNode *node = object != NULL ? json_object_get_member(object, key) : NULL;
    return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

unsigned hp_evidence_n(JsonObject *object, const char *key)
{
    JsonArray *array = array_of(object, key);
    return array != NULL ? json_array_get_length(array) : 0;
}

JsonObject *hp_evidence_at(JsonObject *object, const char *key, unsigned i)
{
    JsonArray *array = array_of(object, key);
    JsonNode *node = array != NULL && i < json_array_get_length(array) ? json_array_get_element(array, i) : NULL;
    return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

JsonNode *hp_evidence_load_json(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize length = 0;
    g_autoptr(GError) cause = NULL;
    if (!g_file_get_contents(path, &text, &length, &cause)) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s", cause->message);
        return NULL;
    }
    g_autoptr(JsonParser) parser = json_parser_new();
    if (!json_parser_load_from_data(parser, text, (gssize)length, &cause)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: no whole JSON file: %s", path, cause->message);
        return NULL;
    }
    JsonNode *root = json_parser_get_root(parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: not a JSON object", path);
        return NULL;
    }
    return json_parser_steal_root(parser);
}
